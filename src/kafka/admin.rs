//! The topics: made with settings that keep what must be kept, or said what is missing.

use super::{ANSWER_MAX, Config, RECORD_BYTES_MAX, Topic};
use anyhow::Context as _;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::error::RDKafkaErrorCode;

/// Hours that records are kept which nobody could read: somebody should look within a fortnight.
const DEAD_HOURS: u64 = 14 * 24;
/// Hours that alerts are kept for those who read them elsewhere.
const ALERTS_HOURS: u64 = 7 * 24;
/// Hours that matches are kept at least.
const MATCHES_HOURS_MIN: u64 = 48;
/// Hours that the accounts of a collector are kept which is never heard of again.
const LEDGERS_HOURS: u64 = 30 * 24;

impl Config {
    /// Makes the topics that are missing. `memory_ms` is how long windows remember: matches are kept twice as long.
    pub(crate) async fn create_topics(&self, memory_ms: i64) -> anyhow::Result<()> {
        let admin: AdminClient<DefaultClientContext> =
            self.client()?.create().context("reach the brokers")?;
        let bytes = RECORD_BYTES_MAX.to_string();
        let memory_hours = memory_ms.max(0).unsigned_abs().div_ceil(3_600_000);
        let topics = Topic::ALL.map(|topic| {
            let hours = match topic {
                Topic::Events => u64::from(self.events_hours),
                Topic::Matches => (2 * memory_hours).max(MATCHES_HOURS_MIN),
                Topic::Alerts => ALERTS_HOURS,
                Topic::DeadLetters => DEAD_HOURS,
                Topic::Ledgers => LEDGERS_HOURS,
            };
            let policy = if topic == Topic::Ledgers { "compact,delete" } else { "delete" };
            let partitions = if topic == Topic::Events { i32::from(self.partitions.max(1)) } else { 1 };
            (self.topic(topic), partitions, (hours * 3_600_000).to_string(), policy)
        });
        let wanted: Vec<NewTopic<'_>> = topics
            .iter()
            .map(|(name, partitions, kept_ms, policy)| {
                NewTopic::new(name, *partitions, TopicReplication::Fixed(i32::from(self.replication)))
                    .set("cleanup.policy", policy)
                    // The producer's zstd is kept as it is.
                    .set("compression.type", "producer")
                    .set("max.message.bytes", &bytes)
                    // One clock, whoever writes: windows are rebuilt from matches of the last hours.
                    .set("message.timestamp.type", "LogAppendTime")
                    .set("retention.ms", kept_ms)
            })
            .collect();
        let options = AdminOptions::new().request_timeout(Some(ANSWER_MAX));
        for made in admin.create_topics(&wanted, &options).await.context("ask the brokers for topics")? {
            match made {
                Ok(name) => tracing::info!(topic = name, "made"),
                Err((name, RDKafkaErrorCode::TopicAlreadyExists)) => {
                    tracing::info!(topic = name, "is there");
                }
                Err((name, code)) => anyhow::bail!("make topic {name}: {code}"),
            }
        }
        Ok(())
    }

    /// What is wrong with the topics, a line for each.
    pub(crate) fn missing_topics(&self) -> anyhow::Result<Vec<String>> {
        let admin: AdminClient<DefaultClientContext> =
            self.client()?.create().context("reach the brokers")?;
        let known = admin
            .inner()
            .fetch_metadata(None, ANSWER_MAX)
            .with_context(|| format!("ask the brokers {} for topics", self.brokers.join(", ")))?;
        let is_there = |name: &str| known.topics().iter().any(|topic| topic.name() == name);
        let names = Topic::ALL.iter().map(|topic| self.topic(*topic));
        Ok(names
            .filter(|name| !is_there(name))
            .map(|name| format!("topic {name} is missing: `haidang check --create` makes it"))
            .collect())
    }
}

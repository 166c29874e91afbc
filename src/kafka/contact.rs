//! Whether the brokers speak with a reader, and how far behind it is: librdkafka's own statistics, of which only what was
//! received counts. A connection that is open proves nothing: a broker that hangs keeps it.

use rdkafka::Statistics;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// How often the client says how it is.
pub(super) const EVERY_MS: &str = "2000";
/// Brokers answer every heartbeat and every empty fetch, at least each two seconds.
const SILENT_MAX: Duration = Duration::from_secs(12);

/// How a reader of a topic is.
#[derive(Clone, Debug, Default)]
pub(crate) struct Contact {
    pub(crate) topic: String,
    /// For how long no broker has said anything; `None` if none is connected.
    pub(crate) silent: Option<Duration>,
    /// Records not taken yet, of each partition of ours.
    pub(crate) lags: BTreeMap<i32, i64>,
}

impl Contact {
    /// Whether the brokers speak with us.
    pub(crate) fn is_there(&self) -> bool {
        self.silent.is_some_and(|silent| silent < SILENT_MAX)
    }
}

/// What the client last said of itself.
#[derive(Default)]
pub(super) struct Said {
    at: Option<Instant>,
    silent: Option<Duration>,
    behind: BTreeMap<i32, i64>,
}

impl Said {
    pub(super) fn by(statistics: &Statistics, topic: &str) -> Said {
        let connected = statistics.brokers.values().filter(|broker| broker.state == "UP");
        let idle_us = connected.filter_map(|broker| u64::try_from(broker.rxidle).ok()).min();
        let partitions = statistics.topics.get(topic).map(|topic| &topic.partitions);
        let behind = partitions.into_iter().flatten().filter_map(|(partition, of)| {
            let place = of.app_offset.max(of.committed_offset);
            (*partition >= 0 && of.ls_offset >= 0 && place >= 0)
                .then(|| (*partition, (of.ls_offset - place).max(0)))
        });
        Said {
            at: Some(Instant::now()),
            silent: idle_us.map(Duration::from_micros),
            behind: behind.collect(),
        }
    }

    /// What that says now of the partitions `owned`. A client that is stuck says nothing new: its silence goes on.
    pub(super) fn contact(&self, topic: &str, owned: impl Iterator<Item = i32>) -> Contact {
        let since = self.at.map_or(Duration::ZERO, |at| at.elapsed());
        Contact {
            topic: topic.to_owned(),
            silent: self.silent.map(|silent| silent + since),
            lags: owned
                .map(|partition| (partition, self.behind.get(&partition).copied().unwrap_or(0)))
                .collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_broker_that_spoke_lately_is_there() {
        let contact = |silent| Contact { silent, ..Contact::default() };
        assert!(contact(Some(Duration::from_secs(2))).is_there());
        assert!(!contact(Some(Duration::from_secs(60))).is_there(), "it hangs");
        assert!(!contact(None).is_there(), "it is away");
        let stuck = Said {
            at: Instant::now().checked_sub(Duration::from_secs(60)),
            silent: Some(Duration::ZERO),
            ..Said::default()
        };
        assert!(!stuck.contact("events", std::iter::empty()).is_there(), "the client itself is stuck");
    }
}

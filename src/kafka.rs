//! Kafka, and the only place that knows it: where it is, how we show who we are, which topics there are.
//!
//! Everything here blocks, and is called from threads of its own. Records are JSON; what each topic holds is told in
//! `deploy/records.md`.

mod admin;
mod consumer;
mod contact;
mod ends;
mod follower;
mod outbox;
mod producer;

pub(crate) use consumer::{Committer, Consumer, Kept, Polled, Record, Span, Term};
pub(crate) use contact::Contact;
pub(crate) use ends::Ends;
pub(crate) use follower::Follower;
pub(crate) use outbox::{Outbox, Records};
pub(crate) use producer::{Dead, Producer};

use anyhow::Context as _;
use rdkafka::consumer::ConsumerContext;
use rdkafka::error::KafkaError;
use rdkafka::{ClientConfig, ClientContext};
use serde::Deserialize;
use std::path::PathBuf;
use std::time::Duration;

/// How long the brokers may take to answer one request before it counts as failed and is tried again.
const ANSWER_MAX: Duration = Duration::from_secs(10);

/// The largest record: a line of 64 KiB whose every byte is escaped still fits.
const RECORD_BYTES_MAX: usize = 4 << 20;

/// A client that says nothing by itself: while brokers are away it would say so many times a second, and whoever asks it for
/// something is told.
struct Quiet;

impl ClientContext for Quiet {
    fn error(&self, error: KafkaError, reason: &str) {
        tracing::debug!("Kafka: {error}: {reason}");
    }
}

impl ConsumerContext for Quiet {}

/// Where Kafka is, and what we ask of it.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Config {
    /// Addresses of some brokers, `host:port`; they tell of the others.
    pub(crate) brokers: Vec<String>,
    /// What the names of topics, groups and transactions begin with, so that several installations can share brokers.
    pub(crate) prefix: String,
    /// Partitions of `events`: as many correlators can share the work.
    pub(crate) partitions: u16,
    /// Copies of each partition; -1 leaves it to the brokers.
    pub(crate) replication: i16,
    /// Hours that `events` are kept.
    pub(crate) events_hours: u32,
    /// TLS; plain text if not given.
    pub(crate) tls: Option<Tls>,
    /// A name and a password; none if not given.
    pub(crate) sasl: Option<Sasl>,
}

/// TLS to the brokers.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Tls {
    /// Certificates (PEM) of the authorities that the brokers' are checked against; the system's if not given.
    pub(crate) ca: Option<PathBuf>,
    /// Our own certificate and its key (PEM), where brokers ask for one.
    pub(crate) certificate: Option<PathBuf>,
    /// See `certificate`.
    pub(crate) key: Option<PathBuf>,
}

/// SASL/SCRAM.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Sasl {
    /// The account.
    pub(crate) user: String,
    /// The file that holds its password and nothing else.
    pub(crate) password_file: PathBuf,
    /// Which of the two.
    #[serde(default)]
    pub(crate) mechanism: Mechanism,
}

/// How the password is proved.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
pub(crate) enum Mechanism {
    #[default]
    #[serde(rename = "SCRAM-SHA-512")]
    ScramSha512,
    #[serde(rename = "SCRAM-SHA-256")]
    ScramSha256,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            brokers: vec!["127.0.0.1:9092".to_owned()],
            prefix: String::new(),
            partitions: 6,
            replication: -1,
            events_hours: 72,
            tls: None,
            sasl: None,
        }
    }
}

/// The topics.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Topic {
    /// Every event; what one device sent is in one partition, in its order.
    Events,
    /// Events that met rules, and how far each partition of `events` has been read. One partition: windows need an order.
    Matches,
    /// New and changed alerts, by their id.
    Alerts,
    /// Records that nobody can read.
    DeadLetters,
    /// Each collector's accounts of its sources, the newest of each.
    Ledgers,
}

impl Topic {
    const ALL: [Topic; 5] =
        [Topic::Events, Topic::Matches, Topic::Alerts, Topic::DeadLetters, Topic::Ledgers];

    fn word(self) -> &'static str {
        match self {
            Topic::Events => "events",
            Topic::Matches => "matches",
            Topic::Alerts => "alerts",
            Topic::DeadLetters => "dead-letters",
            Topic::Ledgers => "ledgers",
        }
    }
}

impl Config {
    /// The topic's name.
    pub(crate) fn topic(&self, topic: Topic) -> String {
        format!("{}{}", self.prefix, topic.word())
    }

    /// A client's settings: where, and who we are.
    fn client(&self) -> anyhow::Result<ClientConfig> {
        let mut client = ClientConfig::new();
        client
            .set("bootstrap.servers", self.brokers.join(","))
            .set("client.id", "haidang")
            .set("socket.keepalive.enable", "true")
            .set("reconnect.backoff.max.ms", "2000")
            .set("message.max.bytes", RECORD_BYTES_MAX.to_string());
        let protocol = match (&self.tls, &self.sasl) {
            (None, None) => "plaintext",
            (Some(_), None) => "ssl",
            (None, Some(_)) => "sasl_plaintext",
            (Some(_), Some(_)) => "sasl_ssl",
        };
        client.set("security.protocol", protocol);
        if let Some(tls) = &self.tls {
            let files = [
                ("ssl.ca.location", &tls.ca),
                ("ssl.certificate.location", &tls.certificate),
                ("ssl.key.location", &tls.key),
            ];
            for (name, file) in files {
                if let Some(file) = file {
                    client.set(name, file.display().to_string());
                }
            }
        }
        if let Some(sasl) = &self.sasl {
            let password = std::fs::read_to_string(&sasl.password_file)
                .with_context(|| format!("read {}", sasl.password_file.display()))?;
            let mechanism = match sasl.mechanism {
                Mechanism::ScramSha512 => "SCRAM-SHA-512",
                Mechanism::ScramSha256 => "SCRAM-SHA-256",
            };
            client
                .set("sasl.mechanism", mechanism)
                .set("sasl.username", &sasl.user)
                .set("sasl.password", password.trim_end_matches(['\r', '\n']));
        }
        Ok(client)
    }

    /// A producer's settings: acknowledged by every replica in sync, never twice, never out of order.
    fn producing(&self) -> anyhow::Result<ClientConfig> {
        let mut client = self.client()?;
        client
            .set("enable.idempotence", "true")
            .set("acks", "all")
            .set("compression.type", "zstd")
            .set("compression.level", "1")
            // As Java's clients do, so that whoever writes beside us puts a key in the same partition.
            .set("partitioner", "murmur2_random")
            .set("linger.ms", "5")
            .set("batch.size", "1000000");
        Ok(client)
    }
}

//! A producer that says when everything it was given is on the brokers.

use super::{ANSWER_MAX, Config, Topic};
use anyhow::Context as _;
use rdkafka::ClientContext;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{DeliveryResult, Header, OwnedHeaders};
use rdkafka::producer::{BaseRecord, Producer as _, ProducerContext, ThreadedProducer};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Counts what the brokers refused.
#[derive(Default)]
pub(super) struct Deliveries {
    pub(super) refused: AtomicU64,
}

impl ClientContext for Deliveries {
    fn error(&self, error: KafkaError, reason: &str) {
        tracing::debug!("Kafka: {error}: {reason}"); // whoever waits for a delivery is told
    }
}

impl ProducerContext for Deliveries {
    type DeliveryOpaque = ();
    fn delivery(&self, outcome: &DeliveryResult<'_>, (): ()) {
        if let Err((error, message)) = outcome {
            use rdkafka::Message as _;
            if self.refused.fetch_add(1, Ordering::Relaxed) == 0 {
                tracing::warn!(topic = message.topic(), "a record was not taken: {error}");
            }
        }
    }
}

/// Puts a record into the producer's queue, waiting for room in it.
pub(super) fn enqueue(
    producer: &ThreadedProducer<Deliveries>,
    mut record: BaseRecord<'_, [u8], [u8]>,
) -> Result<(), KafkaError> {
    let begun = Instant::now();
    loop {
        match producer.send(record) {
            Ok(()) => return Ok(()),
            Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), again))
                if begun.elapsed() < ANSWER_MAX * 3 =>
            {
                record = again;
                std::thread::sleep(Duration::from_millis(10));
            }
            Err((error, _)) => return Err(error),
        }
    }
}

/// A record that nobody could read, byte for byte, where it stood, and what is wrong with it.
pub(crate) struct Dead {
    partition: i32,
    offset: i64,
    key: Option<Vec<u8>>,
    value: Option<Vec<u8>>,
    why: String,
}

impl Dead {
    pub(crate) fn new(record: &super::Record<'_>, why: String) -> Dead {
        Dead {
            partition: record.partition(),
            offset: record.offset(),
            key: record.key().map(<[u8]>::to_vec),
            value: record.value().map(<[u8]>::to_vec),
            why,
        }
    }
}

/// Writes to topics. What fails may be sent again: readers know everything by its id.
pub(crate) struct Producer {
    inner: ThreadedProducer<Deliveries>,
    config: Config,
}

impl Producer {
    /// A producer; it connects with its first record.
    pub(crate) fn new(config: &Config) -> anyhow::Result<Producer> {
        let mut client = config.producing()?;
        client.set("delivery.timeout.ms", "30000");
        let inner = client.create_with_context(Deliveries::default()).context("make a producer")?;
        Ok(Producer { inner, config: config.clone() })
    }

    /// Hands a record over; [`Producer::settle`] says what became of it.
    pub(crate) fn send(&self, topic: Topic, key: &str, value: &[u8]) -> anyhow::Result<()> {
        let name = self.config.topic(topic);
        enqueue(&self.inner, BaseRecord::to(&name).key(key.as_bytes()).payload(value))
            .with_context(|| format!("write to {name}"))
    }

    /// Hands over a record of `topic` that nobody could read.
    pub(crate) fn send_dead(&self, topic: Topic, dead: &Dead) -> anyhow::Result<()> {
        let (name, source) = (self.config.topic(Topic::DeadLetters), self.config.topic(topic));
        let (partition, offset) = (dead.partition.to_string(), dead.offset.to_string());
        let pairs = [
            ("topic", source.as_str()),
            ("partition", &partition),
            ("offset", &offset),
            ("error", dead.why.as_str()),
        ];
        let headers = pairs.iter().fold(OwnedHeaders::new(), |headers, (key, value)| {
            headers.insert(Header { key, value: Some(*value) })
        });
        let mut record = BaseRecord::to(&name).headers(headers);
        record.key = dead.key.as_deref();
        record.payload = dead.value.as_deref();
        enqueue(&self.inner, record).with_context(|| format!("write to {name}"))
    }

    /// Waits until every record is on the brokers.
    pub(crate) fn settle(&self) -> anyhow::Result<()> {
        self.inner.flush(ANSWER_MAX * 3).context("wait for the brokers")?;
        match self.inner.context().refused.swap(0, Ordering::Relaxed) {
            0 => Ok(()),
            refused => anyhow::bail!("the brokers did not take {refused} records"),
        }
    }
}

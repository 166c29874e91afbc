//! A reader of a whole compacted topic, in no group: what stands there last under each key is what counts.

use super::consumer::reading;
use super::{Config, Quiet, Topic};
use anyhow::Context as _;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::{Message as _, Offset, TopicPartitionList};
use std::time::Duration;

/// Reads a topic of one partition from its beginning on.
pub(crate) struct Follower {
    reader: BaseConsumer<Quiet>,
    topic: String,
}

impl Follower {
    pub(crate) fn new(config: &Config, topic: Topic) -> anyhow::Result<Follower> {
        let topic = config.topic(topic);
        let mut client = reading(config, "haidang-follow")?;
        client.set("enable.partition.eof", "false"); // its end is nothing to tell
        let reader: BaseConsumer<Quiet> = client.create_with_context(Quiet).context("make a reader")?;
        let mut all = TopicPartitionList::new();
        all.add_partition_offset(&topic, 0, Offset::Beginning).context("name a place")?;
        reader.assign(&all).with_context(|| format!("read {topic}"))?;
        Ok(Follower { reader, topic })
    }

    /// Gives `each` the next record's key and value, if one comes within `wait`.
    pub(crate) fn next(&self, wait: Duration, each: impl FnOnce(&[u8], &[u8])) {
        match self.reader.poll(wait) {
            Some(Ok(message)) => {
                each(message.key().unwrap_or_default(), message.payload().unwrap_or_default());
            }
            None => {}
            Some(Err(error)) => {
                tracing::warn!("read {}: {error}", self.topic);
                std::thread::sleep(wait); // brokers that refuse are asked again, not hammered
            }
        }
    }
}

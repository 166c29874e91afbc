//! Where the partitions of a topic end now.

use super::consumer::reading;
use super::{ANSWER_MAX, Config, Quiet, Topic};
use anyhow::Context as _;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::KafkaError;
use rdkafka::{Offset, TopicPartitionList};
use std::time::Instant;

/// Asks the brokers, in no group.
pub(crate) struct Ends {
    /// Sees what was committed.
    reader: BaseConsumer<Quiet>,
    /// Sees what is being written too.
    ahead: BaseConsumer<Quiet>,
    topic: String,
}

impl Ends {
    pub(crate) fn new(config: &Config, topic: Topic) -> anyhow::Result<Ends> {
        let mut client = reading(config, "haidang-ends")?;
        client.set("fetch.wait.max.ms", "10").set("queued.min.messages", "1");
        let reader = client.create_with_context(Quiet).context("make a reader")?;
        client.set("isolation.level", "read_uncommitted");
        let ahead = client.create_with_context(Quiet).context("make a reader")?;
        Ok(Ends { reader, ahead, topic: config.topic(topic) })
    }

    /// Whether no record stands at `offset` or behind it, and none is about to: a transaction's records may be committed in
    /// one partition a moment before they are in another.
    pub(crate) fn is_at(&self, partition: i32, offset: i64) -> anyhow::Result<bool> {
        let end = |client: &BaseConsumer<Quiet>| {
            let marks = client.fetch_watermarks(&self.topic, partition, ANSWER_MAX);
            let (_, end) = marks.with_context(|| format!("ask how far {} reaches", self.topic))?;
            anyhow::Ok(end)
        };
        let written = end(&self.ahead)?;
        if end(&self.reader)? < written {
            return Ok(false);
        }
        if written <= offset {
            return Ok(true);
        }
        // The marks that transactions leave take offsets too: only reading tells whether there is more than those.
        let mut from = TopicPartitionList::new();
        from.add_partition_offset(&self.topic, partition, Offset::Offset(offset)).context("name a place")?;
        self.reader.assign(&from).context("read from there")?;
        let is_at = self.reads_nothing();
        self.reader.unassign().context("read no more")?;
        is_at
    }

    fn reads_nothing(&self) -> anyhow::Result<bool> {
        let begun = Instant::now();
        while begun.elapsed() < ANSWER_MAX {
            match self.reader.poll(ANSWER_MAX / 10) {
                Some(Ok(_)) => return Ok(false),
                Some(Err(KafkaError::PartitionEOF(_))) => return Ok(true),
                Some(Err(error)) => tracing::warn!("read {}: {error}", self.topic),
                None => {}
            }
        }
        anyhow::bail!("{} says nothing of its end in {ANSWER_MAX:?}", self.topic)
    }
}

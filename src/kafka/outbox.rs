//! From a collector's spool to `events`, exactly once: events and the place in the spool are one transaction.
//!
//! The place is kept as a group's offset of `events` that is no offset at all but a number of the spool: the brokers keep
//! offsets in the same transaction as records, and nothing else. Who reads `events` as committed, which is what clients do
//! by themselves, sees each line once, however often a collector dies. Two collectors that were given the same node number
//! are one transactional id to the brokers, so the first is told off, which keeps events' ids apart.

use super::producer::{Deliveries, enqueue};
use super::{ANSWER_MAX, Config, Quiet, Topic};
use anyhow::Context as _;
use rdkafka::consumer::{BaseConsumer, Consumer as _, ConsumerGroupMetadata};
use rdkafka::producer::{BaseRecord, Producer as _, ThreadedProducer};
use rdkafka::{Offset, TopicPartitionList};
use std::sync::atomic::Ordering;

/// After so long the brokers give up a transaction whose collector has died, and readers go on past it.
const TRANSACTION_MS_MAX: u32 = 20_000;

/// Records to be sent together: one buffer, and where keys and values end in it.
#[derive(Default)]
pub(crate) struct Records {
    bytes: Vec<u8>,
    ends: Vec<(usize, usize)>,
}

impl Records {
    /// Appends a record: its key, and what writes its value.
    pub(crate) fn push(&mut self, key: &[u8], value: impl FnOnce(&mut Vec<u8>)) {
        self.bytes.extend_from_slice(key);
        let middle = self.bytes.len();
        value(&mut self.bytes);
        self.ends.push((middle, self.bytes.len()));
    }

    fn iter(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        let starts = std::iter::once(0).chain(self.ends.iter().map(|(_, end)| *end));
        starts.zip(&self.ends).map(|(start, (middle, end))| {
            (
                self.bytes.get(start..*middle).unwrap_or_default(),
                self.bytes.get(*middle..*end).unwrap_or_default(),
            )
        })
    }
}

/// The way out of a spool.
pub(crate) struct Outbox {
    producer: ThreadedProducer<Deliveries>,
    /// Holds the group under which the place is kept.
    places: ConsumerGroupMetadata,
    events: String,
    /// The group's own client; it never reads.
    _group: BaseConsumer<Quiet>,
}

impl Outbox {
    /// Ends what a former process left half done, and tells from which line of the spool on nothing is sent yet; `None`
    /// if nothing ever was. `spool` is a name of the spool's own, or another spool's numbers would be taken for its.
    pub(crate) fn open(config: &Config, node: u16, spool: &str) -> anyhow::Result<(Outbox, Option<u64>)> {
        let name = format!("{}haidang-collect-{node}", config.prefix);
        let mut client = config.producing()?;
        client
            .set("transactional.id", &name)
            .set("transaction.timeout.ms", TRANSACTION_MS_MAX.to_string())
            // A transaction's end waits for nothing; until then records gather, because large batches are small and cheap.
            .set("linger.ms", "200")
            .set("queue.buffering.max.messages", "1000000")
            .set("queue.buffering.max.kbytes", "262144");
        let producer: ThreadedProducer<Deliveries> =
            client.create_with_context(Deliveries::default()).context("make a producer")?;
        producer.init_transactions(ANSWER_MAX * 3).context("begin with the brokers")?;
        let group: BaseConsumer<Quiet> = config
            .client()?
            .set("group.id", format!("{name}-{spool}"))
            .create_with_context(Quiet)
            .context("make the place's group")?;
        let events = config.topic(Topic::Events);
        let mut asked = TopicPartitionList::new();
        asked.add_partition(&events, 0);
        let known = group.committed_offsets(asked, ANSWER_MAX).context("ask for the place in the spool")?;
        let place = known.elements().first().and_then(|first| match first.offset() {
            Offset::Offset(sequence) => u64::try_from(sequence).ok(),
            _ => None,
        });
        let places = group.group_metadata().context("the place's group has no name")?;
        Ok((Outbox { producer, places, events, _group: group }, place))
    }

    /// Whether the brokers answer, asked where there is nothing to send.
    pub(crate) fn ask(&self) -> anyhow::Result<()> {
        let answer = self.producer.client().fetch_metadata(Some(&self.events), ANSWER_MAX / 2);
        let answer = answer.context("ask whether the brokers are there")?;
        let is_there =
            answer.topics().iter().any(|topic| topic.error().is_none() && !topic.partitions().is_empty());
        anyhow::ensure!(is_there, "the brokers have no topic {}", self.events);
        Ok(())
    }

    /// Sends the records; all lines below `to` are sent then. After an error open the outbox anew: it tells what was
    /// sent, and what was not is gone from the brokers.
    pub(crate) fn send(&self, records: &Records, to: u64) -> anyhow::Result<()> {
        self.producer.begin_transaction().context("begin a transaction")?;
        for (key, value) in records.iter() {
            enqueue(&self.producer, BaseRecord::to(&self.events).key(key).payload(value))
                .with_context(|| format!("write to {}", self.events))?;
        }
        let mut place = TopicPartitionList::new();
        let to = i64::try_from(to).unwrap_or(i64::MAX);
        place.add_partition_offset(&self.events, 0, Offset::Offset(to)).context("name the place")?;
        self.producer
            .send_offsets_to_transaction(&place, &self.places, ANSWER_MAX)
            .context("keep the place in the spool")?;
        self.producer.commit_transaction(ANSWER_MAX * 2).context("commit the transaction")?;
        match self.producer.context().refused.load(Ordering::Relaxed) {
            0 => Ok(()),
            refused => anyhow::bail!("the brokers did not take {refused} records"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_read_as_they_were_put_in() {
        let mut records = Records::default();
        for (key, value) in [("a", "one"), ("", "two"), ("ccc", "")] {
            records.push(key.as_bytes(), |out| out.extend_from_slice(value.as_bytes()));
        }
        let all: Vec<(&[u8], &[u8])> = records.iter().collect();
        assert_eq!(all, [(&b"a"[..], &b"one"[..]), (b"", b"two"), (b"ccc", b"")]);
    }
}

//! A member of a group that reads a topic, and how far it has come.
//!
//! The group's offset of a partition is where its newest batch begins, and beside it stands where that batch ends: what a
//! position file is to a spool. Whoever gets the partition next makes exactly that batch again, under the same token.

use super::contact::{Contact, EVERY_MS, Said};
use super::{ANSWER_MAX, Config, Quiet, Topic};
use anyhow::Context as _;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer as _, ConsumerContext, Rebalance};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{BorrowedMessage, OwnedMessage};
use rdkafka::{ClientContext, Message as _, Offset, Statistics, TopicPartitionList};
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How often a client may say that something is wrong with the brokers.
const WARN_EVERY: Duration = Duration::from_secs(10);

/// A member that is silent for longer is taken for dead.
const SESSION_MS_MAX: &str = "10000";

/// The records `from..to` of a partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) partition: i32,
    pub(crate) from: i64,
    pub(crate) to: i64,
}

/// From when we are given a partition until it is taken from us. What was made in one term is not committed in another, even
/// if the partition is ours again: its batches were begun anew, and would end elsewhere.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Term(u64);

/// A record as it stands in the topic.
pub(crate) enum Record<'c> {
    Read(BorrowedMessage<'c>),
    Kept(OwnedMessage),
}

impl Record<'_> {
    pub(crate) fn partition(&self) -> i32 {
        match self {
            Record::Read(message) => message.partition(),
            Record::Kept(message) => message.partition(),
        }
    }

    pub(crate) fn offset(&self) -> i64 {
        match self {
            Record::Read(message) => message.offset(),
            Record::Kept(message) => message.offset(),
        }
    }

    pub(crate) fn key(&self) -> Option<&[u8]> {
        match self {
            Record::Read(message) => message.key(),
            Record::Kept(message) => message.key(),
        }
    }

    pub(crate) fn value(&self) -> Option<&[u8]> {
        match self {
            Record::Read(message) => message.payload(),
            Record::Kept(message) => message.payload(),
        }
    }
}

/// Partitions that a member was given.
pub(crate) struct Given {
    pub(crate) partitions: Vec<Kept>,
    /// How many partitions the topic has in all.
    pub(crate) all: usize,
}

/// Where a partition was left.
pub(crate) struct Kept {
    pub(crate) partition: i32,
    pub(crate) term: Term,
    /// The group's offset; the beginning, if there is none.
    pub(crate) next: i64,
    /// The batch that it may have been left in.
    pub(crate) repeated: Option<Span>,
}

/// The group's place in a partition.
pub(crate) struct Place {
    pub(crate) offset: i64,
    /// What was kept beside it.
    pub(crate) beside: String,
}

/// What a look at the topic gives.
pub(crate) enum Polled<'c> {
    Record(Record<'c>),
    /// The partition is read to its present end.
    End(i32),
    /// These are ours now.
    Given(Given),
    /// These are not ours any more.
    Taken(Vec<i32>),
    Nothing,
}

#[derive(Clone)]
enum Change {
    Given(Vec<(i32, Term)>),
    Taken(Vec<i32>),
}

/// The partitions that are ours, each with its present term.
#[derive(Default)]
struct Owned {
    terms: HashMap<i32, Term>,
    last: u64,
}

impl Owned {
    fn give(&mut self, partitions: impl Iterator<Item = i32>) -> Vec<(i32, Term)> {
        self.last += 1;
        let given: Vec<(i32, Term)> = partitions.map(|partition| (partition, Term(self.last))).collect();
        self.terms.extend(given.iter().copied());
        given
    }

    fn take(&mut self, partitions: &[i32]) {
        self.terms.retain(|partition, _| !partitions.contains(partition));
    }
}

/// Which partitions are ours.
#[derive(Default)]
struct Group {
    topic: String,
    said: Mutex<Said>,
    warned: Mutex<Option<Instant>>,
    owned: Mutex<Owned>,
    /// Held while offsets are committed and while partitions are given up, so that nothing is committed of a partition that
    /// another member may have already. Brokers may keep a commit waiting for long: whoever only asks takes `owned` alone.
    committing: Mutex<()>,
    changes: Mutex<VecDeque<Change>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl ClientContext for Group {
    fn stats(&self, statistics: Statistics) {
        *lock(&self.said) = Said::by(&statistics, &self.topic);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        // Every caught-up partition says so after every batch.
        if matches!(error.rdkafka_error_code(), Some(RDKafkaErrorCode::PartitionEOF)) {
            return;
        }
        // While brokers are away it says so many times a second.
        let mut warned = lock(&self.warned);
        if warned.is_none_or(|warned| warned.elapsed() >= WARN_EVERY) {
            *warned = Some(Instant::now());
            tracing::warn!("Kafka: {error}: {reason}");
        }
    }
}

impl ConsumerContext for Group {
    fn pre_rebalance(&self, _: &BaseConsumer<Group>, change: &Rebalance<'_>) {
        if let Rebalance::Revoke(partitions) = change {
            let gone: Vec<i32> = partitions.elements().iter().map(|element| element.partition()).collect();
            let _none = lock(&self.committing);
            lock(&self.owned).take(&gone);
            lock(&self.changes).push_back(Change::Taken(gone));
        }
    }

    fn post_rebalance(&self, consumer: &BaseConsumer<Group>, change: &Rebalance<'_>) {
        if let Rebalance::Assign(partitions) = change {
            // One that was taken from us while we stood still would stand still for ever: [`Consumer::go_on`] knows it no more.
            if let Err(error) = consumer.resume(partitions) {
                tracing::warn!("read {} on: {error}", self.topic);
            }
            let given =
                lock(&self.owned).give(partitions.elements().iter().map(|element| element.partition()));
            lock(&self.changes).push_back(Change::Given(given));
        }
    }
}

/// A member of the group that reads one topic.
pub(crate) struct Consumer {
    inner: Arc<BaseConsumer<Group>>,
    config: Config,
    topic: String,
    /// What was read and has to wait: a change of partitions came with it, or we stand still.
    kept: Mutex<VecDeque<OwnedMessage>>,
    ends: Mutex<VecDeque<i32>>,
}

/// Commits offsets for a [`Consumer`] from another thread.
#[derive(Clone)]
pub(crate) struct Committer {
    inner: Arc<BaseConsumer<Group>>,
    topic: String,
}

impl Consumer {
    /// Joins the group `group` of `topic`.
    pub(crate) fn join(config: &Config, group: &str, topic: Topic) -> anyhow::Result<Consumer> {
        let topic = config.topic(topic);
        let inner: BaseConsumer<Group> = reading(config, &format!("{}{group}", config.prefix))?
            .set("partition.assignment.strategy", "cooperative-sticky")
            .set("session.timeout.ms", SESSION_MS_MAX)
            .set("heartbeat.interval.ms", "2000")
            .set("statistics.interval.ms", EVERY_MS)
            .create_with_context(Group { topic: topic.clone(), ..Group::default() })
            .context("join the group")?;
        inner.subscribe(&[&topic]).with_context(|| format!("read {topic}"))?;
        let (kept, ends) = (Mutex::default(), Mutex::default());
        Ok(Consumer { inner: Arc::new(inner), config: config.clone(), topic, kept, ends })
    }

    pub(crate) fn committer(&self) -> Committer {
        Committer { inner: Arc::clone(&self.inner), topic: self.topic.clone() }
    }

    /// Looks at the topic, for at most `wait`. Call it often, or the group takes this member for stuck. After an error ask
    /// again: nothing is lost.
    pub(crate) fn poll(&self, wait: Duration) -> anyhow::Result<Polled<'_>> {
        if let Some(polled) = self.waiting()? {
            return Ok(polled);
        }
        match self.inner.poll(wait) {
            // A change of partitions came before it.
            Some(Ok(message)) if !lock(&self.inner.context().changes).is_empty() => {
                lock(&self.kept).push_back(message.detach());
                Ok(Polled::Nothing)
            }
            Some(Ok(message)) => Ok(Polled::Record(Record::Read(message))),
            Some(Err(KafkaError::PartitionEOF(partition))) => {
                lock(&self.ends).push_back(partition);
                Ok(Polled::Nothing)
            }
            Some(Err(error)) => {
                tracing::warn!("read {}: {error}", self.topic);
                Ok(Polled::Nothing)
            }
            None => Ok(Polled::Nothing),
        }
    }

    /// What was read before and waits: changes of partitions first.
    fn waiting(&self) -> anyhow::Result<Option<Polled<'_>>> {
        let change = lock(&self.inner.context().changes).front().cloned();
        let change = match change {
            Some(Change::Taken(partitions)) => {
                lock(&self.kept).retain(|message| !partitions.contains(&message.partition()));
                lock(&self.ends).retain(|partition| !partitions.contains(partition));
                Polled::Taken(partitions)
            }
            Some(Change::Given(partitions)) => Polled::Given(self.given(&partitions)?),
            None => {
                let kept = lock(&self.kept).pop_front().map(|message| Polled::Record(Record::Kept(message)));
                return Ok(kept.or_else(|| lock(&self.ends).pop_front().map(Polled::End)));
            }
        };
        lock(&self.inner.context().changes).pop_front();
        Ok(Some(change))
    }

    /// Asks in which batch each partition was left.
    fn given(&self, partitions: &[(i32, Term)]) -> anyhow::Result<Given> {
        let topic = self.inner.fetch_metadata(Some(&self.topic), ANSWER_MAX);
        let topic = topic.with_context(|| format!("ask for the partitions of {}", self.topic))?;
        let all = topic.topics().first().map_or(0, |topic| topic.partitions().len());
        let mut asked = TopicPartitionList::new();
        for (partition, _) in partitions {
            asked.add_partition(&self.topic, *partition);
        }
        let known = self.inner.committed_offsets(asked, ANSWER_MAX * 3).context("ask for the offsets")?;
        let partitions = partitions
            .iter()
            .map(|&(partition, term)| {
                let element = known.find_partition(&self.topic, partition);
                let from = element.as_ref().and_then(|element| match element.offset() {
                    Offset::Offset(from) => Some(from),
                    _ => None,
                });
                let to = element.and_then(|element| element.metadata().parse().ok());
                let repeated = from.zip(to).map(|(from, to)| Span { partition, from, to });
                Kept { partition, term, next: from.unwrap_or(0), repeated }
            })
            .collect();
        Ok(Given { partitions, all })
    }

    /// Stays in the group for `wait` without reading on, until [`Consumer::go_on`].
    pub(crate) fn stand_still(&self, wait: Duration) -> anyhow::Result<()> {
        let owned = self.inner.assignment().context("ask for the assignment")?;
        self.inner.pause(&owned).context("stand still")?;
        match self.inner.poll(wait) {
            Some(Ok(message)) => lock(&self.kept).push_back(message.detach()), // it was on its way to us
            Some(Err(KafkaError::PartitionEOF(partition))) => lock(&self.ends).push_back(partition),
            Some(Err(error)) => tracing::warn!("read {}: {error}", self.topic),
            None => {}
        }
        Ok(())
    }

    /// Reads on.
    pub(crate) fn go_on(&self) -> anyhow::Result<()> {
        let owned = self.inner.assignment().context("ask for the assignment")?;
        self.inner.resume(&owned).context("read on")
    }

    /// Calls `each` with the records of the partition up to where the group has come, from `memory_ms` before the last of
    /// them on, and says where that is. A group that never was here has come nowhere. The time is the topic's own: our clock
    /// may be wrong.
    pub(crate) fn before(
        &self,
        partition: i32,
        memory_ms: i64,
        mut each: impl FnMut(&[u8]),
    ) -> anyhow::Result<Option<Place>> {
        let mut asked = TopicPartitionList::new();
        asked.add_partition(&self.topic, partition);
        let known =
            self.inner.committed_offsets(asked.clone(), ANSWER_MAX * 3).context("ask for the offsets")?;
        let Some(place) = known.elements().first().and_then(|first| match first.offset() {
            Offset::Offset(offset) => Some(Place { offset, beside: first.metadata().to_owned() }),
            _ => None,
        }) else {
            return Ok(None);
        };
        let end = place.offset;
        // A client of its own, in no group: the member's own place stays where the group has come.
        let reader: BaseConsumer<Quiet> =
            reading(&self.config, "haidang-rebuild")?.create_with_context(Quiet).context("make a reader")?;
        let (oldest, _) = reader
            .fetch_watermarks(&self.topic, partition, ANSWER_MAX)
            .with_context(|| format!("ask how far {} reaches", self.topic))?;
        if end <= oldest {
            return Ok(Some(place)); // all of it is gone by age
        }
        let last = self.read_from(&reader, partition, end - 1)?;
        let last_ms = last.timestamp().to_millis().unwrap_or(0);
        asked.set_all_offsets(Offset::Offset((last_ms - memory_ms).max(0))).context("name a time")?;
        let found = reader.offsets_for_times(asked, ANSWER_MAX * 3).context("find the time in the log")?;
        let Some(Offset::Offset(begin)) = found.elements().first().map(|first| first.offset()) else {
            return Ok(Some(place)); // nothing as young
        };
        if begin >= end {
            return Ok(Some(place));
        }
        let mut message = self.read_from(&reader, partition, begin)?;
        while message.offset() < end {
            each(message.payload().unwrap_or_default());
            if message.offset() + 1 >= end {
                break;
            }
            message = self.next_of(&reader)?;
        }
        Ok(Some(place))
    }

    /// The record at `offset`, or the first behind it; `reader` goes on from there.
    fn read_from<'r>(
        &self,
        reader: &'r BaseConsumer<Quiet>,
        partition: i32,
        offset: i64,
    ) -> anyhow::Result<BorrowedMessage<'r>> {
        let mut from = TopicPartitionList::new();
        from.add_partition_offset(&self.topic, partition, Offset::Offset(offset)).context("name a place")?;
        reader.assign(&from).context("read from there")?;
        self.next_of(reader)
    }

    fn next_of<'r>(&self, reader: &'r BaseConsumer<Quiet>) -> anyhow::Result<BorrowedMessage<'r>> {
        let begun = Instant::now();
        while begun.elapsed() < ANSWER_MAX {
            match reader.poll(ANSWER_MAX / 10) {
                Some(Ok(message)) => return Ok(message),
                Some(Err(KafkaError::PartitionEOF(_))) | None => {}
                Some(Err(error)) => tracing::warn!("read {} again: {error}", self.topic),
            }
        }
        anyhow::bail!("{} is not read on in {ANSWER_MAX:?}", self.topic)
    }
}

impl Committer {
    /// The batch, made in `term`, is about to be stored: whoever comes next makes it again. `false` if that term is over.
    pub(crate) fn intend(&self, batch: Span, term: Term) -> anyhow::Result<bool> {
        self.commit((batch.partition, term), batch.from, &batch.to.to_string())
    }

    /// Everything below `offset` is done; `beside` is kept with it. `false` if the term is over.
    pub(crate) fn done(
        &self,
        (partition, term): (i32, Term),
        offset: i64,
        beside: &str,
    ) -> anyhow::Result<bool> {
        self.commit((partition, term), offset, beside)
    }

    /// How the reader is.
    pub(crate) fn contact(&self) -> Contact {
        let group = self.inner.context();
        let mut owned: Vec<i32> = lock(&group.owned).terms.keys().copied().collect();
        owned.sort_unstable();
        lock(&group.said).contact(&self.topic, owned.into_iter())
    }

    /// The partition's present term, if it is ours.
    pub(crate) fn term(&self, partition: i32) -> Option<Term> {
        lock(&self.inner.context().owned).terms.get(&partition).copied()
    }

    fn commit(&self, (partition, term): (i32, Term), offset: i64, beside: &str) -> anyhow::Result<bool> {
        let _turn = lock(&self.inner.context().committing);
        if self.term(partition) != Some(term) {
            return Ok(false);
        }
        let mut place = TopicPartitionList::new();
        {
            let mut element = place.add_partition(&self.topic, partition);
            element.set_offset(Offset::Offset(offset)).context("name a place")?;
            element.set_metadata(beside);
        }
        self.inner
            .commit(&place, CommitMode::Sync)
            .with_context(|| format!("keep the place in {}", self.topic))?;
        Ok(true)
    }
}

pub(super) fn reading(config: &Config, group: &str) -> anyhow::Result<rdkafka::ClientConfig> {
    let mut client = config.client()?;
    client
        .set("group.id", group)
        .set("enable.auto.commit", "false")
        .set("enable.auto.offset.store", "false")
        .set("auto.offset.reset", "earliest")
        .set("isolation.level", "read_committed")
        .set("enable.partition.eof", "true")
        .set("fetch.wait.max.ms", "100")
        // What waits in memory to be looked at. Once that is much no more is fetched for this long: a second, unless said
        // otherwise, in which we would have read it all and stood idle.
        .set("fetch.queue.backoff.ms", "20")
        .set("queued.min.messages", "20000")
        .set("queued.max.messages.kbytes", "32768");
    Ok(client)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_partition_that_was_taken_and_given_again_is_in_another_term() {
        let mut owned = Owned::default();
        let first = owned.give([0, 1].into_iter());
        owned.take(&[1]);
        assert_eq!(owned.terms.get(&1), None);
        owned.give([1].into_iter());
        assert_eq!(owned.terms.get(&0).copied(), Some(first[0].1), "never taken");
        assert!(owned.terms.get(&1).is_some_and(|term| *term != first[1].1));
    }
}

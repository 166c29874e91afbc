//! Stage one: `events` → matches and rows. Reads the partitions that are ours, decodes, matches, makes batches.

use crate::correlate::storing::Batch;
use crate::kafka::{Consumer, Dead, Kept, Polled, Record, Span, Term};
use crate::pipeline;
use crate::progress::Progress;
use crate::rules::Live;
use correlator::{Correlator, Output};
use event::{Event, EventId, Field};
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use store::events::Events;
use tokio::runtime::Handle;
use tokio::sync::mpsc;

/// How often a partition without events says so again: a rebuilt order hears of it within this.
const SILENT_AGAIN: Duration = Duration::from_secs(30);

/// How long the store may take to have room before we stand still.
const PATIENCE: Duration = Duration::from_secs(3);

/// How long a batch may be gathered while there is more to read: large batches cost the store least.
const GATHER_MAX: Duration = Duration::from_secs(3);

/// What open batches may hold of a full batch's bytes together; beyond, the largest is closed.
const OPEN_MAX: usize = 4;

/// How often we look for batches that are due.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// A partition that is ours.
#[derive(Default)]
struct Partition {
    term: Term,
    /// The batch that it was left in, to be made again as it was.
    repeated: Option<Span>,
    batch: Option<(Batch, Instant)>,
    /// No record before this is taken again.
    next: i64,
    at_end: bool,
    /// When its end was last reached.
    ended: Option<Instant>,
    /// When it was last told that nothing is left.
    told: Option<Instant>,
}

impl Partition {
    /// Whether its end was not reached since then: there is always more to read.
    fn is_behind(&self, since: Instant) -> bool {
        self.ended.is_none_or(|ended| ended < since)
    }

    /// Whether its batch is to be closed, or that nothing is left is to be told. Where there is always more to read, batches
    /// grow; where its end was reached, nobody is kept waiting.
    fn is_due(&self, age_max: Duration) -> bool {
        match &self.batch {
            Some((_, since)) => {
                let age_max = if self.is_behind(*since) { GATHER_MAX } else { age_max };
                self.repeated.is_none() && since.elapsed() >= age_max
            }
            None => self.at_end && self.told.is_none_or(|told| told.elapsed() >= SILENT_AGAIN),
        }
    }
}

pub(super) struct Reading {
    pub(super) consumer: Arc<Consumer>,
    pub(super) rules: Arc<Live>,
    /// Goes no further than matches.
    pub(super) correlator: Correlator,
    pub(super) events: Events,
    pub(super) config: pipeline::Config,
    pub(super) progress: Arc<Progress>,
    pub(super) stop: Arc<AtomicBool>,
    pub(super) give: mpsc::Sender<Batch>,
    pub(super) runtime: Handle,
    pub(super) ours: Ours,
}

/// The partitions that are ours.
#[derive(Default)]
pub(super) struct Ours {
    partitions: HashMap<i32, Partition>,
    /// How many there are in all.
    all: usize,
    /// When we last looked for batches that are due.
    looked: Option<Instant>,
    /// We stand still, because the store has no room.
    is_still: bool,
}

impl Reading {
    pub(super) fn run(mut self) {
        while !self.stop.load(Ordering::Relaxed) {
            if let Err(error) = self.look() {
                tracing::error!("read events: {error:#}");
                std::thread::sleep(Duration::from_secs(1)); // brokers that refuse are asked again, not hammered
            }
        }
    }

    fn look(&mut self) -> anyhow::Result<()> {
        let consumer = Arc::clone(&self.consumer);
        if self.ours.is_still {
            consumer.go_on()?;
            self.ours.is_still = false;
        }
        match consumer.poll(Duration::from_millis(20))? {
            Polled::Record(record) => self.take(&record),
            Polled::End(partition) => self.at_end(partition),
            Polled::Given(given) => {
                self.ours.all = given.all;
                for Kept { partition, term, next, repeated } in given.partitions {
                    tracing::info!(partition, "a partition of events is ours");
                    let ours = Partition { term, repeated, next, ..Partition::default() };
                    self.ours.partitions.insert(partition, ours);
                }
            }
            Polled::Taken(taken) => {
                for partition in taken {
                    tracing::info!(partition, "a partition of events is another's");
                    self.ours.partitions.remove(&partition);
                }
            }
            Polled::Nothing => {}
        }
        self.close_what_is_due();
        Ok(())
    }

    fn at_end(&mut self, partition: i32) {
        if let Some(ours) = self.ours.partitions.get_mut(&partition) {
            ours.at_end = true;
            ours.ended = Some(Instant::now());
        }
    }

    fn take(&mut self, record: &Record<'_>) {
        let (partition, offset) = (record.partition(), record.offset());
        let Some(ours) = self.ours.partitions.get_mut(&partition) else { return };
        if offset < ours.next {
            return; // the brokers may show a record again after a quarrel over who reads
        }
        // What is left of the batch to be repeated went with the log's old end.
        if ours.repeated.is_some_and(|span| offset >= span.to) {
            self.close(partition);
        }
        let Some(ours) = self.ours.partitions.get_mut(&partition) else { return };
        ours.next = offset + 1;
        let (batch, _) = ours.batch.get_or_insert_with(|| {
            let span = Span { partition, from: offset, to: offset };
            (Batch::new(span, ours.term, self.events.batch()), Instant::now())
        });
        if let Some(repeated) = ours.repeated {
            batch.span.from = repeated.from;
        }
        ours.at_end = false;
        batch.span.to = offset + 1;
        batch.lines += 1;
        batch.bytes += record.value().map_or(0, <[u8]>::len);
        match decoded(record) {
            Ok(event) => {
                let mut output = Output { matches: std::mem::take(&mut batch.matches), ..Output::default() };
                let rules = self.rules.current();
                if !Arc::ptr_eq(&rules, self.correlator.rules()) {
                    self.correlator.reload(rules, &mut output);
                }
                self.correlator.process(&event, &mut output);
                batch.matches = output.matches;
                batch.first.get_or_insert(event.id());
                let received = event.id().received();
                batch.oldest = Some(batch.oldest.map_or(received, |oldest| oldest.min(received)));
                batch.received = batch.received.max(Some(received));
                if event.has(Field::ERROR_MESSAGE) {
                    self.progress.malformed.fetch_add(1, Ordering::Relaxed);
                }
                batch.events.add(&event);
            }
            Err(why) => batch.dead.push(Dead::new(record, why)),
        }
        let full = batch.lines >= self.config.batch_lines_max || batch.bytes >= self.config.batch_bytes_max;
        match ours.repeated {
            Some(span) if offset + 1 >= span.to => self.close(partition),
            None if full => self.close(partition),
            _ => {}
        }
    }

    fn close_what_is_due(&mut self) {
        if self.ours.looked.is_some_and(|looked| looked.elapsed() < LOOK_EVERY) {
            return;
        }
        self.ours.looked = Some(Instant::now());
        let age_max = Duration::from_millis(self.config.batch_ms);
        let all = &self.ours.partitions;
        let due: Vec<i32> =
            all.iter().filter(|(_, ours)| ours.is_due(age_max)).map(|(partition, _)| *partition).collect();
        due.into_iter().for_each(|partition| self.close(partition));
        let open = |(partition, ours): (&i32, &Partition)| {
            ours.batch
                .as_ref()
                .filter(|_| ours.repeated.is_none())
                .map(|(batch, _)| (batch.bytes, *partition))
        };
        let sizes: Vec<(usize, i32)> = self.ours.partitions.iter().filter_map(open).collect();
        let held: usize = sizes.iter().map(|(bytes, _)| bytes).sum();
        if held > OPEN_MAX * self.config.batch_bytes_max
            && let Some((_, largest)) = sizes.into_iter().max()
        {
            self.close(largest);
        }
    }

    /// Hands the partition's batch on; an empty one if there is none, to say how far it has come.
    fn close(&mut self, partition: i32) {
        let Some(ours) = self.ours.partitions.get_mut(&partition) else { return };
        let empty = Span { partition, from: 0, to: 0 };
        let (mut batch, since) = ours
            .batch
            .take()
            .unwrap_or_else(|| (Batch::new(empty, ours.term, self.events.batch()), Instant::now()));
        if batch.lines > 0 && ours.is_behind(since) {
            batch.events.set_behind();
        }
        if let Some(repeated) = ours.repeated.take() {
            batch.span = repeated;
        }
        (batch.at_end, batch.next) = (ours.at_end, ours.next);
        batch.partitions = self.ours.all;
        ours.told = ours.at_end.then(Instant::now);
        let mut wait = PATIENCE;
        loop {
            match self.runtime.block_on(self.give.send_timeout(batch, wait)) {
                Ok(()) | Err(mpsc::error::SendTimeoutError::Closed(_)) => return,
                Err(mpsc::error::SendTimeoutError::Timeout(again)) => batch = again,
            }
            if self.stop.load(Ordering::Relaxed) {
                return; // it is made again by whoever comes next
            }
            // The store may be away for long. We stay in the group meanwhile, and what comes waits with the brokers.
            (self.ours.is_still, wait) = (true, Duration::from_millis(50));
            if let Err(error) = self.consumer.stand_still(Duration::from_millis(20)) {
                tracing::warn!("wait for the store: {error:#}");
            }
        }
    }
}

/// The event of a record, or what is wrong with it.
fn decoded(record: &Record<'_>) -> Result<Event, String> {
    let value = record.value().ok_or("it has no value")?;
    let text = std::str::from_utf8(value).map_err(|error| error.to_string())?;
    let event = Event::from_json(text).map_err(|error| error.to_string())?;
    if event.id() == EventId::default() {
        return Err("it has no `event.id`".to_owned());
    }
    Ok(event)
}

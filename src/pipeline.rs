//! Spool → parser → enrichment → correlator → store, on two threads: one makes batches, one stores them.
//!
//! Exactly once: before a batch is stored, the position file says which lines it has (`intent`). After a crash exactly
//! those lines are made into the same batch again, what the store already has is left out, and everything derived has
//! the ids it had before. The spool forgets a line only when a later batch's intent is on disk.
//!
//! At the limits: one batch is made and one waits while another is stored, so that neither thread waits for the other where
//! one batch takes longer than usual; then the making thread waits, and the spool grows.

mod storing;

pub(crate) use storing::newest;

use crate::progress::Progress;
use crate::rules::Live;
use anyhow::Context as _;
use collector::enrich::Enricher;
use collector::intake::{Ledger, Source};
use collector::spool::{Place, Position, Reader, Spool};
use correlator::{Correlator, Output};
use event::{EventId, Field, Raw, Time, Transport};
use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};
use store::{cases::Cases, events::Events};
use tokio::runtime::Handle;
use tokio::sync::mpsc;

/// How lines are gathered into batches.
#[derive(Clone, Debug, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Config {
    /// Lines of one batch; at the limit the batch is closed at once.
    pub(crate) batch_lines_max: usize,
    /// Bytes of one batch's lines; at the limit the batch is closed at once.
    pub(crate) batch_bytes_max: usize,
    /// How long a batch gathers lines, in milliseconds: fewer and larger inserts against sooner sight.
    pub(crate) batch_ms: u64,
    /// This collector's number, 0 to 4095, part of every event's id: give each of several collectors its own.
    pub(crate) node: u16,
}

impl Default for Config {
    fn default() -> Self {
        Config { batch_lines_max: 20_000, batch_bytes_max: 16 << 20, batch_ms: 400, node: 0 }
    }
}

/// Everything the two threads share.
pub(crate) struct Pipeline {
    pub(crate) config: Config,
    pub(crate) spool: Arc<Spool>,
    pub(crate) enricher: Enricher,
    pub(crate) indicators: Arc<crate::indicators::Known>,
    /// The table of assets in force; enrichment takes it over before the next lines.
    pub(crate) assets: Arc<crate::registry::Live>,
    pub(crate) correlator: Correlator,
    pub(crate) rules: Arc<Live>,
    /// How far back stored matches can still matter to a window or an incident.
    pub(crate) memory_ms: i64,
    pub(crate) ledger: Arc<Ledger>,
    pub(crate) events: Events,
    pub(crate) cases: Cases,
    /// The folder of the position file.
    pub(crate) folder: PathBuf,
    pub(crate) progress: Arc<Progress>,
    pub(crate) stop: Arc<AtomicBool>,
    /// Events of the batch to be repeated that the store has; empty at first.
    pub(crate) stored: HashSet<EventId>,
}

/// Consecutive lines of the spool (`from..to`), and all that they led to.
struct Batch {
    from: u64,
    to: u64,
    lines: usize,
    bytes: usize,
    /// The events, but for those that the store has already.
    events: store::events::Batch,
    output: Output,
    lines_of: HashMap<Source, u64>,
    /// When the oldest of its lines was received.
    received: Option<Time>,
}

impl Pipeline {
    /// Starts both threads; each ends when `stop` is set and the spool is read to its end.
    ///
    /// # Errors
    /// The position file cannot be read, or the store cannot give the matches that windows are rebuilt from.
    pub(crate) async fn start(mut self) -> anyhow::Result<Vec<std::thread::JoinHandle<()>>> {
        let position = Position::open(&self.folder).context("read the place in the spool")?;
        let place = position.place();
        self.progress.done.store(place.done, Ordering::Relaxed);
        let repeated = place.intent.map_or_else(|| Ok(HashSet::new()), |(from, to)| self.ids(from, to))?;
        self.rebuild_windows(&repeated).await.context("rebuild windows from stored matches")?;
        if let (Some(low), Some(high)) = (repeated.iter().min(), repeated.iter().max()) {
            self.stored =
                self.events.ids_between(*low, *high).await.context("ask which events are stored")?;
        }
        let (give, take) = mpsc::channel(1);
        let runtime = Handle::current();
        let writer = storing::Writer::new(&self, position);
        let storing = std::thread::Builder::new()
            .name("storing".into())
            .spawn(move || runtime.block_on(writer.run(take)))?;
        let making =
            std::thread::Builder::new().name("making".into()).spawn(move || self.run(place, &give))?;
        Ok(vec![making, storing])
    }

    /// Feeds the correlator the stored matches that its windows still reach, but for those of the batch to be repeated.
    async fn rebuild_windows(&mut self, repeated: &HashSet<EventId>) -> anyhow::Result<()> {
        let since = now().plus_ms(-self.memory_ms);
        let mut output = Output::default();
        let mut count = 0u64;
        let mut stored = self.events.matches_since(since).await?;
        while let Some(matches) = stored.next().await? {
            for found in matches.iter().filter(|found| !repeated.contains(&found.event)) {
                self.correlator.replay(found, &mut output);
                count += 1;
            }
            output = Output::default(); // all of it was told before
        }
        if count > 0 {
            tracing::info!(matches = count, since = %since, "windows rebuilt from stored matches");
        }
        Ok(())
    }

    /// The ids of the lines `from..to`.
    fn ids(&self, from: u64, to: u64) -> anyhow::Result<HashSet<EventId>> {
        let mut reader = self.spool.reader(from);
        let mut ids = HashSet::new();
        while reader.next_sequence() < to {
            let batch = reader.next_batch(
                self.config.batch_lines_max,
                self.config.batch_bytes_max,
                Duration::ZERO,
            )?;
            if batch.is_empty() {
                break;
            }
            ids.extend(
                batch.iter().filter(|record| record.sequence < to).map(|record| record.id(self.config.node)),
            );
        }
        Ok(ids)
    }

    fn run(mut self, place: Place, give: &mpsc::Sender<Batch>) {
        let mut reader = self.spool.reader(place.done);
        if let Some((from, to)) = place.intent {
            reader = self.spool.reader(from);
            let Some(batch) = self.repeat(&mut reader, to) else { return };
            if give.blocking_send(batch).is_err() {
                return;
            }
        }
        let mut flushed = Instant::now();
        let mut hidden = 0;
        while let Some(mut batch) = self.gather(&mut reader) {
            let stopping = self.stop.load(Ordering::Relaxed);
            if stopping || flushed.elapsed() >= Duration::from_secs(1) {
                flushed = Instant::now();
                self.correlator.flush(&mut batch.output);
                self.warn_of_hidden(&mut hidden);
                *self.progress.correlator.lock().unwrap_or_else(PoisonError::into_inner) =
                    self.correlator.counters();
            }
            if batch.lines > 0 || batch.output != Output::default() {
                if give.blocking_send(batch).is_err() {
                    return;
                }
            } else if stopping {
                return;
            }
        }
    }

    /// Says which rules had no room for groups that might still have come to an alert: first, then whenever it is twice
    /// as often. `hidden` is how often it was when last said.
    fn warn_of_hidden(&self, hidden: &mut u64) {
        let now = self.correlator.counters().alerts_hidden;
        if now == 0 || now < hidden.saturating_mul(2) {
            return;
        }
        *hidden = now;
        for (rule, evicted) in self.correlator.evicted().filter(|(_, evicted)| evicted.hiding > 0) {
            tracing::warn!(
                rule,
                groups = evicted.groups,
                matches = evicted.matches,
                hiding = evicted.hiding,
                "windows had no room and an alert may be missing: raise correlator.rule_bytes_max or narrow the rule's group"
            );
        }
    }

    /// The batch that may be partly stored: exactly the lines below `to`. A disk that refuses is asked again, because a
    /// batch without some of its lines would count them as stored; `None` if it is time to stop first.
    fn repeat(&mut self, reader: &mut Reader, to: u64) -> Option<Batch> {
        let mut batch = self.batch(reader.next_sequence());
        while reader.next_sequence() < to {
            let left = usize::try_from(to - reader.next_sequence()).unwrap_or(usize::MAX);
            match self.take(reader, &mut batch, left, Duration::ZERO) {
                Ok(0) => break,
                Ok(_) => {}
                Err(_) if self.stop.load(Ordering::Relaxed) => return None,
                Err(error) => {
                    tracing::error!("read the spool again: {error:#}");
                    std::thread::sleep(Duration::from_secs(1));
                }
            }
        }
        batch.to = to;
        self.stored = HashSet::new();
        Some(batch)
    }

    fn batch(&self, from: u64) -> Batch {
        let events = self.events.batch();
        Batch {
            from,
            to: from,
            lines: 0,
            bytes: 0,
            events,
            output: Output::default(),
            lines_of: HashMap::new(),
            received: None,
        }
    }

    /// The next batch: after `batch_ms`, or when it is full. Empty after a second without lines; `None` at the end.
    fn gather(&mut self, reader: &mut Reader) -> Option<Batch> {
        let mut batch = self.batch(reader.next_sequence());
        let begun = Instant::now();
        let mut first: Option<Instant> = None;
        loop {
            let stopping = self.stop.load(Ordering::Relaxed);
            let room = self.config.batch_lines_max.saturating_sub(batch.lines);
            let wait = if stopping { Duration::ZERO } else { Duration::from_millis(50) };
            let lines = self.take(reader, &mut batch, room, wait).unwrap_or_else(|error| {
                tracing::error!("read the spool: {error:#}");
                std::thread::sleep(Duration::from_secs(1)); // a damaged disk is asked again, not hammered
                0
            });
            if batch.lines == 0 {
                if stopping || begun.elapsed() >= Duration::from_secs(1) {
                    return Some(batch);
                }
                continue;
            }
            let since = first.get_or_insert_with(Instant::now).elapsed();
            let full =
                batch.lines >= self.config.batch_lines_max || batch.bytes >= self.config.batch_bytes_max;
            if full && self.waiting(reader) >= self.config.batch_lines_max as u64 {
                batch.events.set_behind();
            }
            if full || (stopping && lines == 0) || since >= Duration::from_millis(self.config.batch_ms) {
                return Some(batch);
            }
        }
    }

    /// How many lines of the spool are not taken yet.
    fn waiting(&self, reader: &Reader) -> u64 {
        self.spool.status().durable.saturating_sub(reader.next_sequence())
    }

    /// Reads, parses, enriches and matches up to `lines_max` lines into the batch; says how many there were.
    fn take(
        &mut self,
        reader: &mut Reader,
        batch: &mut Batch,
        lines_max: usize,
        wait: Duration,
    ) -> anyhow::Result<usize> {
        let bytes_max = self.config.batch_bytes_max.saturating_sub(batch.bytes).max(1);
        let read = reader.next_batch(lines_max, bytes_max, wait)?;
        let rules = self.rules.current();
        let indicators = self.indicators.current();
        if !Arc::ptr_eq(&rules, self.correlator.rules()) {
            self.correlator.reload(rules, &mut batch.output);
        }
        let assets = self.assets.current();
        if !Arc::ptr_eq(&assets, self.enricher.assets()) {
            self.enricher.set_assets(assets);
        }
        for record in read.iter() {
            if batch.lines == 0 {
                batch.from = record.sequence;
                batch.received = Some(record.received);
            }
            batch.to = record.sequence + 1;
            batch.bytes += record.line.len();
            let line = Raw::readable(record.line);
            let mut event = collector::parser::parse(&Raw {
                line: &line,
                id: record.id(self.config.node),
                received: record.received,
                peer: record.peer,
                transport: record.transport,
                tz_offset_s: record.tz_offset_s,
            });
            self.enricher.enrich(&mut event);
            indicators.mark(&mut event);
            self.correlator.process(&event, &mut batch.output);
            if event.has(Field::ERROR_MESSAGE) {
                self.progress.malformed.fetch_add(1, Ordering::Relaxed);
            }
            *batch.lines_of.entry(source(record.peer, record.transport)).or_default() += 1;
            batch.lines += 1;
            if !self.stored.contains(&event.id()) {
                batch.events.add(&event);
            }
        }
        Ok(read.len())
    }
}

/// The ledger's name for where a line came from.
pub(crate) fn source(peer: Option<std::net::IpAddr>, transport: Transport) -> Source {
    peer.map_or_else(|| Source::Named(transport.name().to_owned()), Source::Peer)
}

pub(crate) fn now() -> Time {
    Time(jiff::Timestamp::now().as_millisecond())
}

//! Spool → parser → enrichment → correlator → store, on two threads: one makes batches, one stores them.
//!
//! Exactly once: before a batch is stored, the position file says which lines it has (`intent`). After a crash exactly
//! those lines are made into the same batch again, what the store already has is left out, and everything derived has
//! the ids it had before. The spool forgets a line only when a later batch's intent is on disk.

use anyhow::Context as _;
use collector::enrich::Enricher;
use collector::intake::Ledger;
use collector::spool::{Position, Reader, Spool};
use correlator::{Correlator, Output};
use event::{Event, EventId, Incident, Raw, Time};
use std::collections::HashMap;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};
use store::{cases::Cases, events::Events};
use tokio::runtime::Handle;
use tokio::sync::mpsc;

/// How lines are gathered into batches.
#[derive(Clone, Debug, serde::Deserialize, serde::Serialize)]
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
        Config { batch_lines_max: 30_000, batch_bytes_max: 16 << 20, batch_ms: 400, node: 0 }
    }
}

/// What the pipeline has done since it started, for `/metrics` and `/readyz`.
#[derive(Default)]
pub(crate) struct Progress {
    pub(crate) lines: AtomicU64,
    pub(crate) unread: AtomicU64,
    pub(crate) matches: AtomicU64,
    pub(crate) alerts: AtomicU64,
    pub(crate) batches: AtomicU64,
    pub(crate) store_failures: AtomicU64,
    /// Whether the newest attempt to store failed: the spool grows meanwhile.
    pub(crate) stalled: AtomicBool,
}

/// Everything the two threads share.
pub(crate) struct Pipeline {
    pub(crate) config: Config,
    pub(crate) spool: Arc<Spool>,
    pub(crate) enricher: Enricher,
    pub(crate) correlator: Correlator,
    pub(crate) ledger: Arc<Ledger>,
    pub(crate) events: Events,
    pub(crate) cases: Cases,
    pub(crate) position: PathBuf,
    pub(crate) progress: Arc<Progress>,
    pub(crate) stop: Arc<AtomicBool>,
}

/// Consecutive lines of the spool, and all that they led to.
#[derive(Default)]
struct Batch {
    from: u64,
    to: u64,
    repeated: bool,
    events: Vec<Event>,
    output: Output,
    stored_of: HashMap<Option<IpAddr>, u64>,
}

impl Pipeline {
    /// Starts both threads; each ends when `stop` is set and the spool is read to its end.
    ///
    /// # Errors
    /// The position file cannot be read or the store cannot give the matches that windows are rebuilt from.
    pub(crate) async fn start(mut self) -> anyhow::Result<[std::thread::JoinHandle<()>; 2]> {
        let position = Position::load(&self.position).context("read the spool's position")?;
        self.rebuild_windows(&position).await.context("rebuild windows from stored matches")?;
        let (give, take) = mpsc::channel(1);
        let runtime = Handle::current();
        let writer = Writer {
            events: self.events.clone(),
            cases: self.cases.clone(),
            ledger: Arc::clone(&self.ledger),
            spool: Arc::clone(&self.spool),
            position: self.position.clone(),
            node: self.config.node,
            progress: Arc::clone(&self.progress),
        };
        let storing = std::thread::Builder::new()
            .name("store".into())
            .spawn(move || runtime.block_on(writer.store_all(take)))?;
        let making =
            std::thread::Builder::new().name("pipeline".into()).spawn(move || self.make_all(&position, &give))?;
        Ok([making, storing])
    }

    /// Feeds the correlator the stored matches that its windows still reach, but for those of the batch to be repeated.
    async fn rebuild_windows(&mut self, position: &Position) -> anyhow::Result<()> {
        let now = Time(jiff::Timestamp::now().as_millisecond());
        let since = now.plus_ms(-self.correlator.memory_ms());
        let repeated = match position.intent {
            Some((from, to)) => self.ids(from, to)?,
            None => std::collections::HashSet::new(),
        };
        let mut output = Output::default();
        let mut count = 0u64;
        for found in self.events.matches_since(since).await? {
            if !repeated.contains(&found.event) {
                self.correlator.replay(&found, &mut output);
                count += 1;
            }
        }
        if count > 0 {
            tracing::info!(matches = count, since = %since, "windows rebuilt from stored matches");
        }
        Ok(())
    }

    fn ids(&self, from: u64, to: u64) -> anyhow::Result<std::collections::HashSet<EventId>> {
        let mut reader = self.spool.reader(from);
        let mut ids = std::collections::HashSet::new();
        loop {
            let batch = reader.next_batch(self.config.batch_lines_max, self.config.batch_bytes_max, Duration::ZERO)?;
            let before = ids.len();
            for record in batch.records().take_while(|record| record.sequence <= to) {
                ids.insert(EventId::new(record.received, self.config.node, record.sequence));
            }
            if ids.len() == before {
                return Ok(ids);
            }
        }
    }

    fn make_all(mut self, position: &Position, give: &mpsc::Sender<Batch>) {
        let mut reader = self.spool.reader(position.next());
        if let Some((from, to)) = position.intent {
            let mut batch = Batch { from, repeated: true, ..Batch::default() };
            let mut left = usize::try_from(to - from + 1).unwrap_or(usize::MAX);
            while left > 0 {
                match self.gather(&mut reader, &mut batch, left, Duration::ZERO) {
                    Ok(0) | Err(_) => break,
                    Ok(lines) => left = left.saturating_sub(lines),
                }
            }
            if give.blocking_send(batch).is_err() {
                return;
            }
        }
        while let Some(batch) = self.make(&mut reader) {
            if give.blocking_send(batch).is_err() {
                return;
            }
        }
    }

    /// The next batch, or `None` when it is time to stop and nothing is left.
    fn make(&mut self, reader: &mut Reader) -> Option<Batch> {
        let mut batch = Batch::default();
        let wait = Duration::from_millis(100);
        let mut until: Option<Instant> = None;
        loop {
            let stopping = self.stop.load(Ordering::Relaxed);
            let room = self.config.batch_lines_max - batch.events.len().min(self.config.batch_lines_max);
            let lines = match self.gather(reader, &mut batch, room, if stopping { Duration::ZERO } else { wait }) {
                Ok(lines) => lines,
                Err(error) => {
                    tracing::error!("read the spool: {error:#}");
                    std::thread::sleep(Duration::from_secs(1)); // a damaged disk is asked again, not hammered
                    0
                }
            };
            let full = batch.events.len() >= self.config.batch_lines_max;
            if !batch.events.is_empty() {
                let now = Instant::now();
                let until = *until.get_or_insert(now + Duration::from_millis(self.config.batch_ms));
                if full || stopping || now >= until {
                    return Some(batch);
                }
            } else if stopping && lines == 0 {
                return None;
            }
        }
    }

    /// Reads, parses, enriches and matches up to `lines_max` lines into the batch; says how many there were.
    fn gather(&mut self, reader: &mut Reader, batch: &mut Batch, lines_max: usize, wait: Duration) -> anyhow::Result<usize> {
        let read = reader.next_batch(lines_max, self.config.batch_bytes_max, wait)?;
        let mut lines = 0;
        for record in read.records() {
            if batch.events.is_empty() {
                batch.from = record.sequence;
            }
            batch.to = record.sequence;
            let line = Raw::readable(record.line);
            let mut event = collector::parser::parse(&Raw {
                line: &line,
                id: EventId::new(record.received, self.config.node, record.sequence),
                received: record.received,
                peer: record.peer,
                transport: record.transport,
                tz_offset_s: record.tz_offset_s,
            });
            self.enricher.enrich(&mut event);
            self.correlator.process(&event, &mut batch.output);
            if event.get(event::Field::ERROR_MESSAGE).is_some() {
                self.progress.unread.fetch_add(1, Ordering::Relaxed);
            }
            *batch.stored_of.entry(record.peer).or_default() += 1;
            batch.events.push(event);
            lines += 1;
        }
        Ok(lines)
    }
}

struct Writer {
    events: Events,
    cases: Cases,
    ledger: Arc<Ledger>,
    spool: Arc<Spool>,
    position: PathBuf,
    node: u16,
    progress: Arc<Progress>,
}

impl Writer {
    async fn store_all(self, mut take: mpsc::Receiver<Batch>) {
        while let Some(mut batch) = take.recv().await {
            let mut pause = Duration::from_millis(200);
            // The store may be away for long: the spool holds what comes meanwhile, nothing is given up.
            while let Err(error) = self.store(&mut batch).await {
                self.progress.stalled.store(true, Ordering::Relaxed);
                self.progress.store_failures.fetch_add(1, Ordering::Relaxed);
                tracing::error!(lines = batch.events.len(), "store a batch: {error:#}; trying again in {pause:?}");
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(Duration::from_secs(10));
                batch.repeated = true;
            }
            self.progress.stalled.store(false, Ordering::Relaxed);
            self.done(&batch);
        }
    }

    async fn store(&self, batch: &mut Batch) -> anyhow::Result<()> {
        Position { done: batch.from.saturating_sub(1), intent: Some((batch.from, batch.to)) }
            .save(&self.position)
            .context("write the spool's position")?;
        self.spool.forget_below(batch.from);
        let token = format!("{}-{}-{}", self.node, batch.from, batch.to);
        if let (true, Some(first), Some(last)) = (batch.repeated, batch.events.first(), batch.events.last()) {
            let known = self.events.ids_between(first.id().min(last.id()), last.id().max(first.id())).await?;
            let missing: Vec<Event> = batch.events.iter().filter(|event| !known.contains(&event.id())).cloned().collect();
            self.events.insert(&missing, &format!("{token}-again-{}", missing.len())).await.context("store events")?;
        } else {
            self.events.insert(&batch.events, &token).await.context("store events")?;
        }
        self.events.insert_matches(&batch.output.matches, &token).await.context("store matches")?;
        let incidents = newest(&batch.output.incidents);
        if !incidents.is_empty() || !batch.output.merged.is_empty() {
            self.cases.upsert_incidents(&incidents, &batch.output.merged).await.context("store incidents")?;
        }
        Ok(())
    }

    fn done(&self, batch: &Batch) {
        for (peer, lines) in &batch.stored_of {
            self.ledger.stored(*peer, *lines);
        }
        let add = |counter: &AtomicU64, n: usize| counter.fetch_add(n as u64, Ordering::Relaxed);
        add(&self.progress.lines, batch.events.len());
        add(&self.progress.matches, batch.output.matches.len());
        add(&self.progress.alerts, batch.output.alerts.len());
        add(&self.progress.batches, 1);
    }
}

/// Each incident once, as it was last said.
fn newest(incidents: &[Incident]) -> Vec<Incident> {
    let mut place: HashMap<uuid::Uuid, usize> = HashMap::new();
    let mut kept: Vec<Incident> = Vec::new();
    for incident in incidents {
        match place.get(&incident.id) {
            Some(at) => kept[*at] = incident.clone(),
            None => {
                place.insert(incident.id, kept.len());
                kept.push(incident.clone());
            }
        }
    }
    kept
}

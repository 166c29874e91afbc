//! The spool: a durable, ordered, bounded log in front of everything, so that whatever follows is a function of it.
//!
//! Lines are appended to a queue in memory; one thread numbers them, writes them to the newest segment file and
//! makes them durable together (group commit). Readers see only what is durable.
//!
//! At its limits the spool pushes back: [`Spool::append`] waits while the queue is full, and the queue fills while
//! the disk is full, the spool has `bytes_max` bytes, or writing fails. [`Spool::try_append`] refuses instead, for
//! callers that must drop and count. What is durable is never lost to a later failure.

mod position;
mod reader;
mod record;
mod segment;
mod snapshot;
mod writer;

pub(crate) use position::replace;
pub use position::{Place, Position};
pub use reader::{Batch, Reader};
pub use record::{Lines, Record};
pub use snapshot::{Segment, check_format, snapshot};

use serde::Deserialize;
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::num::NonZeroU32;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tokio::sync::{Semaphore, watch};

/// The spool's settings.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Bytes of lines that wait in memory for the disk; beyond it senders wait (UDP drops with a count).
    pub queue_bytes_max: NonZeroU32,
    /// Lines are made durable at most this often, in milliseconds; a lone line at once.
    pub sync_ms: u64,
    /// A group of lines is written once it has this many bytes, without waiting for `sync_ms`.
    pub sync_bytes: usize,
    /// A segment file is closed once it has this many bytes; the disk is given back by whole segments.
    pub segment_bytes: u64,
    /// Bytes that all segments together may take; beyond it senders wait (UDP drops with a count).
    pub bytes_max: u64,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            queue_bytes_max: NonZeroU32::MIN.saturating_add(16 * 1024 * 1024 - 1),
            sync_ms: 50,
            sync_bytes: 4 * 1024 * 1024,
            segment_bytes: 64 * 1024 * 1024,
            bytes_max: 20 * 1024 * 1024 * 1024,
        }
    }
}

/// Why the spool could not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The disk refused.
    #[error("{doing} {path}: {source}; check the disk and the folder's permissions", path = path.display())]
    Io {
        /// What was being done.
        doing: &'static str,
        /// To which file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Another process has the spool open.
    #[error("the spool {path} is in use by another process; stop it or give this one another data folder", path = .0.display())]
    InUse(PathBuf),
    /// The position file is not one of ours.
    #[error("the position file {path} is damaged ({source}); remove it to read the spool from its beginning again", path = path.display())]
    Position {
        /// The file.
        path: PathBuf,
        /// What is wrong in it.
        source: serde_json::Error,
    },
    /// A segment is in a form that this version does not know.
    #[error("{path} is in another form than HDSPOOL1, the one that this version knows: a newer haidang wrote it, run that one", path = .0.display())]
    Format(PathBuf),
    /// The queue is full: the caller drops and counts.
    #[error("the spool's queue is full")]
    Full,
    /// The spool was closed, or closed with lines that could not be written.
    #[error("the spool is closed; {0} bytes of lines that nobody was told are durable were not written")]
    Closed(usize),
}

impl Error {
    fn io(doing: &'static str, path: &Path, source: io::Error) -> Error {
        Error::Io { doing, path: path.to_path_buf(), source }
    }
}

/// Bytes of a segment that are no record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    /// The segment.
    pub segment: PathBuf,
    /// Where in it.
    pub offset: u64,
    /// How many bytes; a copy lies in `quarantine/`.
    pub bytes: u64,
    /// What seems to have happened.
    pub reason: &'static str,
}

/// What opening the spool found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recovery {
    /// Segments there.
    pub segments: usize,
    /// Whole records in the newest segment, the only one a crash can have torn.
    pub records: u64,
    /// What was damaged in it.
    pub damage: Vec<Damage>,
}

/// Whether the spool takes lines.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum State {
    /// It does.
    #[default]
    Writing,
    /// It has `bytes_max` bytes and waits for the pipeline.
    AtLimit,
    /// The disk refuses, with these words; it tries again.
    Failing(String),
}

/// Figures for metrics and the operator.
#[derive(Clone, Debug)]
pub struct Status {
    /// Whether it takes lines.
    pub state: State,
    /// Bytes that wait in memory.
    pub queue_bytes: usize,
    /// Bytes on disk.
    pub disk_bytes: u64,
    /// The number after the last durable line.
    pub durable: u64,
    /// The number after the last line accepted.
    pub accepted: u64,
}

#[derive(Debug)]
struct Pending {
    bytes: Vec<u8>,
    next: u64,
    closing: bool,
}

#[derive(Debug)]
struct Durable {
    next: u64,
    /// First number to length.
    segments: BTreeMap<u64, u64>,
    state: State,
    in_flight: usize,
}

/// What the writer, the readers and the callers share.
#[derive(Debug)]
struct Shared {
    dir: PathBuf,
    config: Config,
    room: Semaphore,
    pending: Mutex<Pending>,
    work: Condvar,
    durable: Mutex<Durable>,
    progress: Condvar,
    watch: watch::Sender<u64>,
}

/// No code panics while it holds a lock, and a poisoned one would only tell of that.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    fn wait_durable(&self, sequence: u64, timeout: Duration) -> bool {
        let until = Instant::now() + timeout;
        let mut durable = lock(&self.durable);
        while durable.next <= sequence {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            let waited = self.progress.wait_timeout(durable, left);
            durable = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }

    fn segment_end(&self, first: u64) -> Option<(u64, bool)> {
        let durable = lock(&self.durable);
        let end = *durable.segments.get(&first)?;
        Some((end, durable.segments.last_key_value().is_some_and(|(&last, _)| last == first)))
    }

    /// The segment in which `sequence` is, or the first after it.
    fn segment_for(&self, sequence: u64) -> Option<(u64, u64, bool)> {
        let durable = lock(&self.durable);
        let at_or_before = durable.segments.range(..=sequence).next_back();
        let (&first, &end) = at_or_before.or_else(|| durable.segments.first_key_value())?;
        Some((first, end, durable.segments.last_key_value().is_some_and(|(&last, _)| last == first)))
    }

    fn segment_after(&self, first: u64) -> Option<u64> {
        lock(&self.durable).segments.range(first.saturating_add(1)..).next().map(|(&first, _)| first)
    }
}

/// The open spool. Dropping it closes it.
#[derive(Debug)]
pub struct Spool {
    shared: Arc<Shared>,
    writer: Mutex<Option<JoinHandle<()>>>,
    /// Held, so that no other process opens the same folder.
    lock: File,
}

impl Spool {
    /// Opens the spool in `dir`, creating it if need be, and mends what a crash left.
    ///
    /// # Errors
    /// If the folder cannot be used or another process uses it.
    pub fn open(dir: &Path, config: &Config) -> Result<(Spool, Recovery), Error> {
        check_format(dir)?;
        fs::create_dir_all(dir).map_err(|source| Error::io("create", dir, source))?;
        let lock_path = dir.join("lock");
        let held = File::create(&lock_path).map_err(|source| Error::io("create", &lock_path, source))?;
        held.try_lock().map_err(|error| match error {
            fs::TryLockError::WouldBlock => Error::InUse(dir.to_path_buf()),
            fs::TryLockError::Error(source) => Error::io("lock", &lock_path, source),
        })?;
        let mut segments: BTreeMap<u64, u64> = segment::list(dir)?.into_iter().collect();
        let mut recovery = Recovery { segments: segments.len(), ..Recovery::default() };
        let mut next = 1;
        if let Some((&first, _)) = segments.last_key_value() {
            let scan = segment::recover(dir, first)?;
            for found in &scan.damage {
                tracing::warn!(segment = %found.segment.display(), offset = found.offset, bytes = found.bytes,
                    reason = found.reason, "damage in the spool was moved to quarantine");
            }
            next = scan.next.max(1);
            recovery.records = scan.records;
            recovery.damage = scan.damage;
            segments.insert(first, scan.end);
        }
        let file = segment::create(dir, next);
        let file = file.map_err(|source| Error::io("create", &segment::path(dir, next), source))?;
        segments.insert(next, segment::HEADER_BYTES);
        let shared = Arc::new(Shared {
            dir: dir.to_path_buf(),
            config: config.clone(),
            room: Semaphore::new(config.queue_bytes_max.get() as usize),
            pending: Mutex::new(Pending { bytes: Vec::new(), next, closing: false }),
            work: Condvar::new(),
            durable: Mutex::new(Durable { next, segments, state: State::Writing, in_flight: 0 }),
            progress: Condvar::new(),
            watch: watch::Sender::new(next),
        });
        let writer = writer::Writer::new(Arc::clone(&shared), file, next);
        let thread = std::thread::Builder::new().name("spool".into()).spawn(move || writer.run());
        let thread = thread.map_err(|source| Error::io("start the writer of", dir, source))?;
        Ok((Spool { shared, writer: Mutex::new(Some(thread)), lock: held }, recovery))
    }

    /// Takes the lines in, waiting while there is no room; gives their numbers. They are durable later: see
    /// [`Spool::durable`].
    ///
    /// # Errors
    /// If the spool is closed.
    pub async fn append(&self, lines: &Lines) -> Result<Range<u64>, Error> {
        let permit =
            self.shared.room.acquire_many(self.permits(lines)).await.map_err(|_| Error::Closed(0))?;
        permit.forget();
        self.push(lines)
    }

    /// Takes the lines in if there is room now.
    ///
    /// # Errors
    /// If there is no room or the spool is closed.
    pub fn try_append(&self, lines: &Lines) -> Result<Range<u64>, Error> {
        let permit = self.shared.room.try_acquire_many(self.permits(lines)).map_err(|error| match error {
            tokio::sync::TryAcquireError::NoPermits => Error::Full,
            tokio::sync::TryAcquireError::Closed => Error::Closed(0),
        })?;
        permit.forget();
        self.push(lines)
    }

    /// Lines that alone are more than the queue holds take all of it.
    fn permits(&self, lines: &Lines) -> u32 {
        u32::try_from(lines.bytes()).unwrap_or(u32::MAX).min(self.shared.config.queue_bytes_max.get())
    }

    fn push(&self, lines: &Lines) -> Result<Range<u64>, Error> {
        let mut pending = lock(&self.shared.pending);
        if pending.closing {
            return Err(Error::Closed(0));
        }
        let before = pending.bytes.len();
        pending.bytes.extend_from_slice(lines.encoded());
        let first = pending.next;
        pending.next += lines.count();
        let after = pending.bytes.len();
        let next = pending.next;
        drop(pending);
        let group = self.shared.config.sync_bytes;
        if before == 0 || (before < group && after >= group) {
            self.shared.work.notify_one();
        }
        Ok(first..next)
    }

    /// Waits until every line below `sequence` is durable.
    ///
    /// # Errors
    /// If the spool closes first.
    pub async fn durable(&self, sequence: u64) -> Result<(), Error> {
        let mut watch = self.shared.watch.subscribe();
        watch.wait_for(|&next| next >= sequence || next == CLOSED).await.map_err(|_| Error::Closed(0))?;
        let next = lock(&self.shared.durable).next;
        if next >= sequence { Ok(()) } else { Err(Error::Closed(0)) }
    }

    /// A reader from `sequence` on, or from the oldest line there is.
    #[must_use]
    pub fn reader(&self, sequence: u64) -> Reader {
        Reader::new(Arc::clone(&self.shared), sequence)
    }

    /// Deletes the segments that only have lines below `sequence`; gives how many. The newest always stays.
    ///
    /// # Errors
    /// If a file cannot be deleted.
    pub fn forget_below(&self, sequence: u64) -> Result<usize, Error> {
        let mut forgotten = 0;
        loop {
            let mut durable = lock(&self.shared.durable);
            let mut firsts = durable.segments.keys();
            let (Some(&first), Some(&second)) = (firsts.next(), firsts.next()) else { return Ok(forgotten) };
            if second > sequence {
                return Ok(forgotten);
            }
            let path = segment::path(&self.shared.dir, first);
            match fs::remove_file(&path) {
                Err(source) if source.kind() != io::ErrorKind::NotFound => {
                    return Err(Error::io("delete", &path, source));
                }
                _ => durable.segments.remove(&first),
            };
            forgotten += 1;
        }
    }

    /// Figures for metrics and the operator.
    #[must_use]
    pub fn status(&self) -> Status {
        let (queued, accepted) = {
            let pending = lock(&self.shared.pending);
            (pending.bytes.len(), pending.next)
        };
        let durable = lock(&self.shared.durable);
        Status {
            state: durable.state.clone(),
            queue_bytes: queued + durable.in_flight,
            disk_bytes: durable.segments.values().sum(),
            durable: durable.next,
            accepted,
        }
    }

    /// Writes what was taken in and stops.
    ///
    /// # Errors
    /// If the disk refuses now: it is tried once, and how many bytes were not written is said.
    pub fn close(&self) -> Result<(), Error> {
        lock(&self.shared.pending).closing = true;
        self.shared.room.close();
        self.shared.work.notify_one();
        if let Some(thread) = lock(&self.writer).take() {
            let _ = thread.join(); // the writer does not panic; had it, the bytes left below say so
        }
        let left = lock(&self.shared.pending).bytes.len() + lock(&self.shared.durable).in_flight;
        if left == 0 { Ok(()) } else { Err(Error::Closed(left)) }
    }
}

impl Drop for Spool {
    fn drop(&mut self) {
        if let Err(error) = self.close() {
            tracing::warn!(%error, "closing the spool");
        }
        // Closing the file alone would leave the lock to a child process that is just being started and has it too.
        let _ = self.lock.unlock();
    }
}

/// What the watch of the durable number says when there will be no more.
const CLOSED: u64 = u64::MAX;

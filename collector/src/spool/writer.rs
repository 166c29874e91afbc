//! The one thread that writes: numbers, writes and makes durable, and on any failure keeps the lines and tries again.

use super::{CLOSED, Shared, State, lock, record, segment};
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

/// How long to wait before the disk is tried again.
const RETRY: Duration = Duration::from_millis(200);

pub(super) struct Writer {
    shared: Arc<Shared>,
    file: File,
    first: u64,
    /// What is durable of the segment; everything behind it is written anew after a failure.
    end: u64,
    next: u64,
    synced: Instant,
}

impl Writer {
    pub(super) fn new(shared: Arc<Shared>, file: File, first: u64) -> Writer {
        let synced = Instant::now();
        Writer { shared, file, first, end: segment::HEADER_BYTES, next: first, synced }
    }

    pub(super) fn run(mut self) {
        let mut group = Vec::new();
        while self.gather(&mut group) {
            let taken = group.len();
            let next = record::seal(&mut group, self.next);
            while !self.commit(&group, next) {
                if self.pause() {
                    self.shared.watch.send_replace(CLOSED);
                    return;
                }
            }
            self.next = next;
            self.synced = Instant::now();
            group.clear();
            let room = taken.min(self.shared.config.queue_bytes_max.get() as usize);
            self.shared.room.add_permits(room);
        }
        self.shared.watch.send_replace(CLOSED);
    }

    /// Waits until a group is due and takes it; false when the spool closes and there is none.
    fn gather(&self, group: &mut Vec<u8>) -> bool {
        let config = &self.shared.config;
        let due = self.synced + Duration::from_millis(config.sync_ms);
        // A single batch larger than the queue takes all of it, so what is waiting for room must not wait for more.
        let enough = config.sync_bytes.min(config.queue_bytes_max.get() as usize / 2);
        let mut pending = lock(&self.shared.pending);
        loop {
            let left = due.saturating_duration_since(Instant::now());
            let ready = !pending.bytes.is_empty() && (left.is_zero() || pending.bytes.len() >= enough);
            if ready || pending.closing {
                std::mem::swap(group, &mut pending.bytes);
                // Under the queue's lock, so that the two are never both without these bytes.
                lock(&self.shared.durable).in_flight = group.len();
                return !group.is_empty();
            }
            let wait = if pending.bytes.is_empty() { Duration::from_secs(3600) } else { left };
            let waited = self.shared.work.wait_timeout(pending, wait);
            pending = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Makes the group durable and says so; false if it could not.
    fn commit(&mut self, group: &[u8], next: u64) -> bool {
        let disk: u64 = lock(&self.shared.durable).segments.values().sum();
        if disk + group.len() as u64 > self.shared.config.bytes_max && disk > segment::HEADER_BYTES {
            // End this segment, or the pipeline could never give its bytes back.
            if let Err(error) = self.rotate() {
                return self.refuse(State::Failing(error.to_string()));
            }
            return self.refuse(State::AtLimit);
        }
        if let Err(error) = self.write(group) {
            // After a failed sync the kernel may have dropped the pages, so a later sync would prove nothing:
            // cut the file back to what is known and write it all again.
            if let Err(error) = self.file.set_len(self.end) {
                tracing::debug!(%error, "cutting a partial write off");
            }
            return self.refuse(State::Failing(error.to_string()));
        }
        self.end += group.len() as u64;
        let mut durable = lock(&self.shared.durable);
        durable.segments.insert(self.first, self.end);
        durable.next = next;
        durable.in_flight = 0;
        if durable.state != State::Writing {
            tracing::info!("the spool takes lines again");
            durable.state = State::Writing;
        }
        drop(durable);
        self.shared.progress.notify_all();
        self.shared.watch.send_replace(next);
        true
    }

    fn write(&mut self, group: &[u8]) -> io::Result<()> {
        if self.end >= self.shared.config.segment_bytes {
            self.rotate()?;
        }
        self.file.write_all_at(group, self.end)?;
        self.file.sync_data()
    }

    /// Begins a new segment; the number of the next line is its name.
    fn rotate(&mut self) -> io::Result<()> {
        if self.first == self.next {
            return Ok(());
        }
        let file = match segment::create(&self.shared.dir, self.next) {
            Ok(file) => file,
            Err(error) => {
                // A half-made segment would be the newest at a restart and hide this one's end.
                let _ = std::fs::remove_file(segment::path(&self.shared.dir, self.next));
                return Err(error);
            }
        };
        self.file = file;
        self.first = self.next;
        self.end = segment::HEADER_BYTES;
        lock(&self.shared.durable).segments.insert(self.first, self.end);
        Ok(())
    }

    fn refuse(&self, state: State) -> bool {
        let mut durable = lock(&self.shared.durable);
        if durable.state != state {
            tracing::warn!(?state, spool = %self.shared.dir.display(), "the spool takes no lines; senders wait");
            durable.state = state;
        }
        false
    }

    /// Waits before the next try; true if the spool closes meanwhile.
    fn pause(&mut self) -> bool {
        let pending = lock(&self.shared.pending);
        if pending.closing {
            return true;
        }
        let waited = self.shared.work.wait_timeout(pending, RETRY);
        let closing = waited.unwrap_or_else(PoisonError::into_inner).0.closing;
        if !closing {
            // The file may be gone with its folder or its disk; a fresh handle sees what is there now.
            let path = segment::path(&self.shared.dir, self.first);
            if let Ok(file) = OpenOptions::new().write(true).open(path) {
                self.file = file;
            }
        }
        closing
    }
}

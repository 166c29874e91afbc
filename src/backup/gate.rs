//! Between batches: while a backup looks at the store, no batch is being stored, in whichever process.
//!
//! Two files are locked, because one alone would never be free for the backup under load: who stores locks the second
//! through the first, and the backup holds the first while it waits for the second. Locks end with their process.

use std::fs::File;
use std::path::Path;

/// The door that batches go through.
pub(crate) struct Gate {
    turn: Option<File>,
    store: Option<File>,
}

/// A batch is being stored; or, of a backup, none is.
pub(crate) struct Held<'a>(&'a Gate);

impl Gate {
    /// The gate of a data folder. Where it cannot be made, batches go through: a backup says then why it cannot be.
    pub(crate) fn of(data: &Path) -> Gate {
        let open = |name| File::options().create(true).append(true).open(data.join(name)).ok();
        Gate { turn: open("backup.turn.lock"), store: open("backup.store.lock") }
    }

    /// For one batch; blocks while a backup looks at the store. For a thread of its own.
    pub(crate) fn pass(&self) -> Held<'_> {
        if let (Some(turn), Some(store)) = (&self.turn, &self.store) {
            let _ = turn.lock_shared(); // a disk without locks cannot be backed up beside us, which the backup says
            let _ = turn.unlock();
            let _ = store.lock_shared();
        }
        Held(self)
    }

    /// For a backup: waits for the batch that is being stored.
    pub(super) fn close(&self) -> std::io::Result<Held<'_>> {
        let (Some(turn), Some(store)) = (&self.turn, &self.store) else {
            return Err(std::io::Error::other("its lock files cannot be made"));
        };
        turn.lock()?;
        store.lock()?;
        Ok(Held(self))
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        for file in [&self.0.store, &self.0.turn].into_iter().flatten() {
            let _ = file.unlock(); // one that is not locked says so
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

    /// Ends the others, also when an assertion fails.
    struct Stop<'a>(&'a AtomicBool);

    impl Drop for Stop<'_> {
        fn drop(&mut self) {
            self.0.store(true, Ordering::SeqCst);
        }
    }

    #[test]
    fn a_backup_comes_between_batches_however_many_there_are() {
        let dir = tempfile::tempdir().unwrap();
        let (inside, stop, batches) = (AtomicU32::new(0), AtomicBool::new(false), AtomicU32::new(0));
        std::thread::scope(|scope| {
            let _stop = Stop(&stop);
            for _ in 0..2 {
                scope.spawn(|| {
                    let gate = Gate::of(dir.path());
                    while !stop.load(Ordering::SeqCst) {
                        let held = gate.pass();
                        inside.fetch_add(1, Ordering::SeqCst);
                        std::thread::yield_now();
                        inside.fetch_sub(1, Ordering::SeqCst);
                        drop(held);
                        batches.fetch_add(1, Ordering::SeqCst);
                    }
                });
            }
            let gate = Gate::of(dir.path());
            for _ in 0..50 {
                let before = batches.load(Ordering::SeqCst);
                while batches.load(Ordering::SeqCst) < before + 5 {
                    std::thread::yield_now();
                }
                let held = gate.close().unwrap();
                for _ in 0..100 {
                    assert_eq!(inside.load(Ordering::SeqCst), 0);
                    std::thread::yield_now();
                }
                drop(held);
            }
        });
    }
}

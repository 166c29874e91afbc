//! Which of several processes does what only one may do: the one that holds a lock, which ends with the process.

use super::connection::{Pool, Seat};
use super::{Cases, Error, secret};
use std::fs::{File, TryLockError};
use std::path::PathBuf;

/// A candidate for a task. Whoever does the task asks [`Leader::leads`] before each piece of it, at least every ten
/// seconds; a piece must do no harm if it is done twice, for a process that was stopped learns late that another leads.
pub struct Leader {
    cases: Cases,
    task: &'static str,
    held: Option<Held>,
}

enum Held {
    File(#[expect(dead_code, reason = "the lock lives as long as the file is open")] File),
    Server(Seat),
}

impl Cases {
    /// A candidate for a task; the name is one of the program's own, in letters.
    #[must_use]
    pub fn leader(&self, task: &'static str) -> Leader {
        Leader { cases: self.clone(), task, held: None }
    }
}

impl Leader {
    /// Whether this process is the one at this moment. If none is, it becomes it.
    pub async fn leads(&mut self) -> bool {
        match self.ask().await {
            Ok(leads) => leads,
            Err(error) => {
                tracing::debug!(task = self.task, "who leads is not known: {error}");
                self.held = None;
                false
            }
        }
    }

    async fn ask(&mut self) -> Result<bool, Error> {
        match (&mut self.held, &self.cases.write) {
            (Some(Held::File(_)), _) => Ok(true),
            (Some(Held::Server(seat)), _) => seat.is_taken().await,
            (None, Pool::Sqlite(_)) => {
                let file = File::create(self.lock_file()).map_err(|why| Error::Unfit(why.to_string()))?;
                match file.try_lock() {
                    Ok(()) => self.held = Some(Held::File(file)),
                    Err(TryLockError::WouldBlock) => return Ok(false),
                    Err(TryLockError::Error(why)) => return Err(Error::Unfit(why.to_string())),
                }
                Ok(true)
            }
            (None, Pool::Postgres(pool)) => {
                let mut seat = pool.seat(number(self.task)).await?;
                let is_taken = seat.is_taken().await?;
                self.held = Some(Held::Server(seat));
                Ok(is_taken)
            }
        }
    }

    fn lock_file(&self) -> PathBuf {
        self.cases.beside.join(format!("{}.lock", self.task))
    }
}

/// The number of the task's lock.
fn number(task: &str) -> i64 {
    let digest = secret::digest(&[b"leader\0", task.as_bytes()]);
    let half = digest.get(..16).and_then(|digits| u64::from_str_radix(digits, 16).ok());
    half.unwrap_or_default().cast_signed()
}

//! Passwords: Argon2id, a bounded number at once, off the async threads.

use super::{Config, Error};
use argon2::password_hash::phc::PasswordHash;
use argon2::{Argon2, PasswordHasher as _, PasswordVerifier as _};
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The shortest password that is taken.
pub(super) const LENGTH_MIN: usize = 12;
/// The longest: Argon2 takes any length, a request should not.
pub(super) const LENGTH_MAX: usize = 256;

pub(super) struct Hasher {
    running: Arc<Semaphore>,
    waiting: Arc<Semaphore>,
    /// The hash of no one's password, so that an unknown user costs as much time as a known one.
    nobody: String,
}

impl Hasher {
    pub(super) fn new(config: &Config) -> Hasher {
        let at_once = config.password_hashes_at_once.max(1) as usize;
        Hasher {
            running: Arc::new(Semaphore::new(at_once)),
            waiting: Arc::new(Semaphore::new(at_once + config.password_waiting_max as usize)),
            nobody: hash("no one has this password").unwrap_or_default(),
        }
    }

    async fn turn(&self) -> Result<(OwnedSemaphorePermit, OwnedSemaphorePermit), Error> {
        let queued = Arc::clone(&self.waiting).try_acquire_owned().map_err(|_| Error::Busy)?;
        let running = Arc::clone(&self.running).acquire_owned().await.map_err(|_| Error::Busy)?;
        Ok((queued, running))
    }

    pub(super) async fn hash(&self, password: String) -> Result<String, Error> {
        let turn = self.turn().await?;
        let done = tokio::task::spawn_blocking(move || (hash(&password), turn).0).await;
        done.map_err(|e| Error::Crypto(e.to_string()))?
    }

    /// Whether `password` is the one hashed; false, in the same time, without a hash.
    pub(super) async fn verify(&self, password: String, hashed: Option<String>) -> Result<bool, Error> {
        let turn = self.turn().await?;
        let known = hashed.is_some();
        let hashed = hashed.unwrap_or_else(|| self.nobody.clone());
        let done = tokio::task::spawn_blocking(move || (verify(&password, &hashed), turn).0).await;
        Ok(done.map_err(|e| Error::Crypto(e.to_string()))? && known)
    }
}

/// Refuses a password that is too short or too long, before anything is hashed.
pub(super) fn check(password: &str) -> Result<(), Error> {
    let length = password.chars().count();
    if length < LENGTH_MIN || password.len() > LENGTH_MAX {
        return Err(Error::Invalid(format!(
            "a password has at least {LENGTH_MIN} characters and at most {LENGTH_MAX} bytes, this one has {length} characters"
        )));
    }
    Ok(())
}

fn hash(password: &str) -> Result<String, Error> {
    let hashed = Argon2::default().hash_password(password.as_bytes());
    Ok(hashed.map_err(|e| Error::Crypto(e.to_string()))?.to_string())
}

fn verify(password: &str, hashed: &str) -> bool {
    PasswordHash::new(hashed)
        .is_ok_and(|hash| Argon2::default().verify_password(password.as_bytes(), &hash).is_ok())
}

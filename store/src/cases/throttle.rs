//! Failed sign-ins are counted per user and address, in the database, so that a restart forgives nothing.

use super::sql::sql;
use super::{Cases, Error, secret};
use event::Time;

impl Cases {
    /// Counts a try before the password is looked at, so that tries sent at once cannot all pass the check.
    pub(super) async fn try_begins(&self, who: &str, now: Time) -> Result<(), Error> {
        let window_ms = i64::from(self.config.login_window_s) * 1000;
        let mut tx = self.begin().await?;
        // Also bounds the table: argon2 lets through only so many tries per window.
        sql("DELETE FROM login_failures WHERE time_ms <= $1")
            .bind(now.0 - window_ms)
            .execute(&mut tx)
            .await?;
        let row = sql("SELECT COUNT(*), COALESCE(MIN(time_ms), 0) FROM login_failures WHERE who = $1")
            .bind(who)
            .fetch_one(&mut tx)
            .await?;
        let (failures, oldest): (i64, i64) = (row.get(0)?, row.get(1)?);
        if failures >= i64::from(self.config.login_failures_max) {
            tx.commit().await?;
            let left_ms = (oldest + window_ms - now.0).max(1);
            return Err(Error::Throttled {
                retry_s: u32::try_from((left_ms + 999) / 1000).unwrap_or(u32::MAX),
            });
        }
        sql("INSERT INTO login_failures (who, time_ms) VALUES ($1, $2)")
            .bind(who)
            .bind(now.0)
            .execute(&mut tx)
            .await?;
        tx.commit().await?;
        Ok(())
    }
}

/// The key that failures count under; hashed, for people type passwords into the username's box.
pub(super) fn who(username: &str, address: &str) -> String {
    secret::digest(&[username.as_bytes(), b"\0", address.as_bytes()])
}

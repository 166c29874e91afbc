//! Sessions: a random token with the user, only its hash here; they end when idle and when old.

use super::sql::sql;
use super::{Actor, Cases, Error, User, audit, password, secret, throttle, user};
use event::Time;
use subtle::ConstantTimeEq as _;

/// A use within this of the last one is not written, so that reading does not cost a write each. A session may
/// therefore end up to a minute early, never late.
const USED_STEP_MS: i64 = 60_000;

/// A session in force.
#[derive(Clone, Debug)]
pub struct Session {
    /// Whose it is.
    pub user: User,
    /// What a change must carry in `X-CSRF-Token`.
    pub csrf: String,
}

/// A session that begins: its token is known only here and to the user.
#[derive(Clone, Debug)]
pub struct SignedIn {
    /// The session.
    pub session: Session,
    /// The cookie's value.
    pub token: String,
}

impl Cases {
    /// Begins a session. An unknown user, a wrong password and a disabled user look the same and take as long.
    ///
    /// # Errors
    /// [`Error::Denied`], [`Error::Throttled`] (the try is not read then), [`Error::Busy`].
    pub async fn sign_in(
        &self,
        username: &str,
        password: String,
        address: &str,
        now: Time,
    ) -> Result<SignedIn, Error> {
        let user = self.identify(username, password, address, now).await?;
        let by = Actor { name: user.username.clone(), address: address.to_owned(), now };
        let token = secret::random_token()?;
        let mut tx = self.begin().await?;
        sql("INSERT INTO sessions (token, user_id, created_ms, used_ms) VALUES ($1, $2, $3, $3)")
            .bind(hash(&token))
            .bind(&user.id)
            .bind(now.0)
            .execute(&mut tx)
            .await?;
        sql("DELETE FROM sessions WHERE user_id = $1 AND (created_ms <= $2 OR token NOT IN \
             (SELECT token FROM sessions WHERE user_id = $1 ORDER BY created_ms DESC, token LIMIT $3))")
        .bind(&user.id)
        .bind(now.0 - i64::from(self.config.session_absolute_s) * 1000)
        .bind(i64::from(self.config.sessions_per_user_max))
        .execute(&mut tx)
        .await?;
        audit::append(&mut tx, &by, "session.begin", &user.username, "done", "").await?;
        tx.commit().await?;
        Ok(SignedIn { session: Session { user, csrf: csrf(&token) }, token })
    }

    /// The user whose name and password these are, without a session: for clients that send both each time. An unknown
    /// user, a wrong password and a disabled user look the same and take as long.
    ///
    /// # Errors
    /// As [`Cases::sign_in`].
    pub async fn identify(
        &self,
        username: &str,
        password: String,
        address: &str,
        now: Time,
    ) -> Result<User, Error> {
        let who = throttle::who(username, address);
        self.try_begins(&who, now).await?;
        let row = sql(
            "SELECT u.id, u.username, u.display_name, u.role, u.language, u.disabled, u.must_change_password, u.password \
             FROM users u WHERE u.username = $1 AND u.disabled = 0",
        )
        .bind(username)
        .fetch_optional(&self.read)
        .await?;
        let hashed = row.as_ref().map(|row| row.get::<String>(7)).transpose()?;
        // A longer text cannot be anyone's password; hashing it would only cost.
        let fits = password.len() <= password::LENGTH_MAX;
        let password = if fits { password } else { String::new() };
        let right = self.hasher.verify(password, hashed).await? && fits;
        let Some(row) = row.filter(|_| right) else {
            // Not the name as typed: people type passwords there.
            let by = Actor { name: "[nobody]".to_owned(), address: address.to_owned(), now };
            let known = if username.len() <= 64 && self.user_exists(username).await? {
                username
            } else {
                "unknown user"
            };
            self.audit(&by, "session.begin", known, "denied", "").await?;
            return Err(Error::Denied);
        };
        sql("DELETE FROM login_failures WHERE who = $1").bind(&who).execute(&self.write).await?;
        user::read(&row)
    }

    async fn user_exists(&self, username: &str) -> Result<bool, Error> {
        let row =
            sql("SELECT 1 FROM users WHERE username = $1").bind(username).fetch_optional(&self.read).await?;
        Ok(row.is_some())
    }

    /// The session that `token` stands for, if it is in force at `now`; counts as a use.
    ///
    /// # Errors
    /// The database refused.
    pub async fn session(&self, token: &str, now: Time) -> Result<Option<Session>, Error> {
        let hashed = hash(token);
        let row = sql(
            "SELECT u.id, u.username, u.display_name, u.role, u.language, u.disabled, u.must_change_password, \
             s.created_ms, s.used_ms FROM sessions s JOIN users u ON u.id = s.user_id \
             WHERE s.token = $1 AND u.disabled = 0",
        )
        .bind(&hashed)
        .fetch_optional(&self.read)
        .await?;
        let Some(row) = row else { return Ok(None) };
        let (created, used): (i64, i64) = (row.get(7)?, row.get(8)?);
        let idle_ms = i64::from(self.config.session_idle_s) * 1000;
        let absolute_ms = i64::from(self.config.session_absolute_s) * 1000;
        if now.0 - used >= idle_ms || now.0 - created >= absolute_ms {
            sql("DELETE FROM sessions WHERE token = $1").bind(&hashed).execute(&self.write).await?;
            return Ok(None);
        }
        if now.0 - used >= USED_STEP_MS.min(idle_ms / 2) {
            sql("UPDATE sessions SET used_ms = $2 WHERE token = $1")
                .bind(&hashed)
                .bind(now.0)
                .execute(&self.write)
                .await?;
        }
        Ok(Some(Session { user: user::read(&row)?, csrf: csrf(token) }))
    }

    /// Takes out sessions that have ended by themselves, and failures that count no more. How many sessions there were.
    ///
    /// # Errors
    /// The database refused.
    pub async fn remove_ended_sessions(&self, now: Time) -> Result<u64, Error> {
        let before = |seconds: u32| now.0 - i64::from(seconds) * 1000;
        let gone = sql("DELETE FROM sessions WHERE used_ms <= $1 OR created_ms <= $2")
            .bind(before(self.config.session_idle_s))
            .bind(before(self.config.session_absolute_s))
            .execute(&self.write)
            .await?;
        sql("DELETE FROM login_failures WHERE time_ms <= $1")
            .bind(before(self.config.login_window_s))
            .execute(&self.write)
            .await?;
        Ok(gone)
    }

    /// Ends the session that `token` stands for.
    ///
    /// # Errors
    /// The database refused.
    pub async fn sign_out(&self, by: &Actor, token: &str) -> Result<(), Error> {
        let mut tx = self.begin().await?;
        sql("DELETE FROM sessions WHERE token = $1").bind(hash(token)).execute(&mut tx).await?;
        audit::append(&mut tx, by, "session.end", &by.name, "done", "").await?;
        tx.commit().await?;
        Ok(())
    }

    /// Changes a user's own password and ends the user's other sessions. Counts as a try to sign in.
    ///
    /// # Errors
    /// [`Error::Denied`] if `current` is wrong; the new one is unfit; too many tries.
    pub async fn change_password(
        &self,
        by: &Actor,
        token: &str,
        current: String,
        new: String,
    ) -> Result<(), Error> {
        password::check(&new)?;
        if current.as_bytes().ct_eq(new.as_bytes()).into() {
            return Err(Error::Invalid("the new password is the old one".to_owned()));
        }
        let who = throttle::who(&by.name, &by.address);
        self.try_begins(&who, by.now).await?;
        let row = sql("SELECT password FROM users WHERE username = $1")
            .bind(&by.name)
            .fetch_optional(&self.read)
            .await?;
        let hashed = row.as_ref().map(|row| row.get::<String>(0)).transpose()?;
        if current.len() > password::LENGTH_MAX || !self.hasher.verify(current, hashed).await? {
            self.audit(by, "user.password", &by.name, "denied", "").await?;
            return Err(Error::Denied);
        }
        let hashed = self.hasher.hash(new).await?;
        let mut tx = self.begin().await?;
        sql("DELETE FROM login_failures WHERE who = $1").bind(&who).execute(&mut tx).await?;
        sql("UPDATE users SET password = $2, must_change_password = 0 WHERE username = $1")
            .bind(&by.name)
            .bind(hashed)
            .execute(&mut tx)
            .await?;
        sql(
            "DELETE FROM sessions WHERE token <> $2 AND user_id = (SELECT id FROM users WHERE username = $1)",
        )
        .bind(&by.name)
        .bind(hash(token))
        .execute(&mut tx)
        .await?;
        audit::append(&mut tx, by, "user.password", &by.name, "done", "").await?;
        tx.commit().await?;
        Ok(())
    }
}

fn hash(token: &str) -> String {
    secret::digest(&[b"session\0", token.as_bytes()])
}

/// Derived from the token, so there is nothing to store; who has only this cannot find the token.
fn csrf(token: &str) -> String {
    secret::digest(&[b"csrf\0", token.as_bytes()])
}

//! Cases in SQL: incidents and what people do with them, users, sessions, tokens, the
//! registry, the audit trail.
//!
//! SQLite for one machine, PostgreSQL for several; each statement is written once (`sql`) and keeps to what both accept:
//! numbered placeholders, `BIGINT` for numbers, times (milliseconds) and flags, `TEXT` for the rest, `ON CONFLICT`.
//! Invariant: no clock; every method that needs the time is given it.

mod attestation;
mod audit;
mod change;
mod comment;
mod connection;
mod copy;
mod delivery;
mod detected;
mod feed;
mod incident;
mod indicator;
mod leader;
mod list;
mod migration;
mod particulars;
mod password;
mod registry;
mod release;
mod reporting;
mod secret;
mod session;
mod sql;
mod taxii;
mod throttle;
mod token;
mod user;
mod warning;

pub use self::registry::{RegistryFilter, registry_tag};
pub use attestation::{AttestationFilter, KeptAttestation, NewAttestation};
pub use audit::{AuditHead, AuditReport, Record};
pub use change::{Change, Verdict};
pub use comment::{Comment, HistoryEntry};
pub use connection::Target;
pub use copy::{Copy, restore};
pub use delivery::{Attempt, Delivery, DeliveryState, NewDelivery, Standing, Verdict as DeliveryVerdict};
pub use detected::AlertFigures;
pub use feed::Feed;
pub use incident::{Detail, Upserted};
pub use indicator::{IndicatorFilter, IndicatorPlace, Loaded, SourceCount};
pub use leader::Leader;
pub use list::{Due, Filter, Page, Sort, Summary};
pub use release::{Release, ReleaseFilter};
pub use reporting::{ChosenClass, ReportMade, ReportingFacts};
pub use session::{Session, SignedIn};
pub use taxii::{Added, Found, NewObject, Selection, Versions};
pub use token::{Token, TokenMade};
pub use user::{NewUser, OneTimePassword, Role, User, UserChange};
pub use warning::{Concerned, NewWarning, Task, TaskAct, Warning};

use compliance::RuleSets;
use connection::{Pool, Tx};
use event::Time;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// Whoever asks for readiness does not wait long.
const PING_MAX: Duration = Duration::from_secs(2);

/// The limits of the cases. Beyond one, the change is refused with [`Error::Limit`] unless the field says otherwise.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Alerts kept of one incident; later ones are counted in `alerts_count` but not kept.
    pub alerts_per_incident_max: u32,
    /// Comments of one incident.
    pub comments_per_incident_max: u32,
    /// Entries of one incident's history; beyond it only people's changes are still written.
    pub history_per_incident_max: u32,
    /// Users.
    pub users_max: u32,
    /// Sessions of one user; a further sign-in ends the oldest.
    pub sessions_per_user_max: u32,
    /// API tokens of one user.
    pub tokens_per_user_max: u32,
    /// A session that is not used for so long ends.
    pub session_idle_s: u32,
    /// A session ends after so long however much it is used.
    pub session_absolute_s: u32,
    /// Failed sign-ins of one user from one address within `login_window_s`; further ones are refused unread.
    pub login_failures_max: u32,
    /// See `login_failures_max`.
    pub login_window_s: u32,
    /// Passwords hashed at the same time; each takes 19 MiB and a core.
    pub password_hashes_at_once: u32,
    /// Sign-ins that may wait for that; beyond it they are refused with [`Error::Busy`].
    pub password_waiting_max: u32,
    /// Connections that read; there is one that writes.
    pub readers: u32,
    /// How long a change waits for another process's, and anything for a connection.
    pub busy_timeout_ms: u32,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            alerts_per_incident_max: 1000,
            comments_per_incident_max: 1000,
            history_per_incident_max: 2000,
            users_max: 1000,
            sessions_per_user_max: 20,
            tokens_per_user_max: 20,
            session_idle_s: 30 * 60,
            session_absolute_s: 12 * 3600,
            login_failures_max: 5,
            login_window_s: 5 * 60,
            password_hashes_at_once: 2,
            password_waiting_max: 32,
            readers: 4,
            busy_timeout_ms: 5000,
        }
    }
}

/// Why a case could not be read or changed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database refused or is unreadable.
    #[error("cases database: {0}")]
    Sql(#[source] sqlx::Error),
    /// The database does not answer now, and will again; a change may or may not have been done.
    #[error("the cases' database does not answer: {0}")]
    Away(String),
    /// The database cannot be used as it is.
    #[error("{0}")]
    Unfit(String),
    /// The database was written by a later version of this program.
    #[error("the cases database has schema {found}, this program knows up to {known}: run the newer program")]
    Newer {
        /// The schema found.
        found: i64,
        /// The newest schema known.
        known: i64,
    },
    /// The database has a step of the schema that no version of this program has.
    #[error(
        "the cases database has step {0} of its schema, which this program never had: it is not one of ours, or of a version between two releases; restore a backup into an empty one"
    )]
    Foreign(i64),
    /// A stored value makes no sense.
    #[error("cases database: {0} cannot be read back")]
    Corrupt(&'static str),
    /// No such incident, user, token.
    #[error("no such {0}")]
    Missing(&'static str),
    /// Somebody else changed it first.
    #[error("changed by somebody else: the version is now {current}")]
    Stale {
        /// The version to look at before trying again.
        current: i64,
    },
    /// Somebody else changed a row of the registry first.
    #[error("changed by somebody else, or gone: read the row again")]
    Changed,
    /// There is such a row of the registry, and who would write over it did not say which one they have seen.
    #[error("there is such a row: read it, and send its ETag as If-Match")]
    Unseen,
    /// The change makes no sense; the text is for the caller.
    #[error("{0}")]
    Invalid(String),
    /// It is there already.
    #[error("{0} exists already")]
    Exists(&'static str),
    /// A limit of [`Config`] is reached.
    #[error("limit reached: at most {max} {what}")]
    Limit {
        /// Of what.
        what: &'static str,
        /// How many.
        max: u32,
    },
    /// The registry would be wrong: everything that would be.
    #[error("the registry would be wrong in {} places", .0.len())]
    Registry(Vec<::registry::Problem>),
    /// Too many failed sign-ins.
    #[error("too many failed sign-ins, try again in {retry_s} s")]
    Throttled {
        /// When the next try may succeed.
        retry_s: u32,
    },
    /// Unknown user, wrong password or disabled user: never said which.
    #[error("wrong username or password")]
    Denied,
    /// More changes or sign-ins are waiting than allowed.
    #[error("too many changes or sign-ins at once")]
    Busy,
    /// The system gave no random bytes or Argon2 failed.
    #[error("cryptography: {0}")]
    Crypto(String),
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Error {
        connection::told(error)
    }
}

/// Who does something and from where, for the audit trail.
#[derive(Clone, Debug)]
pub struct Actor {
    /// The username, or a part of the system in brackets: `[correlator]`.
    pub name: String,
    /// The address of the peer, empty for the system itself.
    pub address: String,
    /// When.
    pub now: Time,
}

impl Actor {
    /// The system itself.
    #[must_use]
    pub fn system(name: &str, now: Time) -> Actor {
        Actor { name: format!("[{name}]"), address: String::new(), now }
    }
}

/// The cases' database. Clones share it.
#[derive(Clone)]
pub struct Cases {
    write: Pool,
    read: Pool,
    /// The folder of the file; empty for a server.
    beside: PathBuf,
    config: Arc<Config>,
    rules: Arc<RuleSets>,
    hasher: Arc<password::Hasher>,
}

impl Cases {
    /// Opens or creates the cases and brings their schema up to date.
    ///
    /// # Errors
    /// The database cannot be opened, or a later version of this program wrote it.
    pub async fn open(target: &Target, config: Config) -> Result<Cases, Error> {
        let (write, read) = connection::open(target, &config).await?;
        Ok(Cases::on(write, read, target, config))
    }

    /// Opens the cases with the schema that they have: what needs a newer one fails.
    ///
    /// # Errors
    /// The database cannot be opened.
    pub async fn open_as_they_are(target: &Target, config: Config) -> Result<Cases, Error> {
        let write = connection::bare(target, &config).await?;
        Ok(Cases::on(write.clone(), write, target, config))
    }

    fn on(write: Pool, read: Pool, target: &Target, config: Config) -> Cases {
        let hasher = Arc::new(password::Hasher::new(&config));
        let beside = match target {
            Target::File(path) => path.parent().map(PathBuf::from).unwrap_or_default(),
            Target::Server { .. } => PathBuf::new(),
        };
        let rules = Arc::new(RuleSets::own());
        Cases { write, read, beside, config: Arc::new(config), rules, hasher }
    }

    /// Whether this program can go on with what the database has, asked without a change to it. One that is not there is
    /// fine.
    ///
    /// # Errors
    /// A later version of this program wrote it, it is not ours, or it cannot be read.
    pub async fn check(target: &Target, config: &Config) -> Result<(), Error> {
        migration::judge(&connection::look(target, config).await?)
    }

    /// Whether the database has our tables already, asked without a change to it.
    ///
    /// # Errors
    /// It does not answer or cannot be read.
    pub async fn is_there(target: &Target, config: &Config) -> Result<bool, Error> {
        Ok(!connection::look(target, config).await?.is_empty())
    }

    /// The newest step of the schema that this program knows.
    #[must_use]
    pub fn schema() -> i64 {
        migration::newest()
    }

    /// The same under other rules of law.
    #[must_use]
    pub fn under(mut self, rules: Arc<RuleSets>) -> Cases {
        self.rules = rules;
        self
    }

    /// Waits for what is under way and closes the connections.
    pub async fn close(&self) {
        self.read.close().await;
        self.write.close().await;
    }

    /// Whether the database answers, for readiness.
    ///
    /// # Errors
    /// It does not.
    pub async fn ping(&self) -> Result<(), Error> {
        let asked =
            tokio::time::timeout(PING_MAX, async { sql::sql("SELECT 1").fetch_all(&self.read).await });
        asked.await.map_err(|_| Error::Away("no answer in time".to_owned()))?.map(drop)
    }

    pub(crate) async fn begin(&self) -> Result<Tx, Error> {
        self.write.begin().await
    }
}

/// `count` as the database keeps it.
pub(crate) fn stored(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

#[cfg(test)]
#[path = "../../tests/place.rs"]
mod place;
#[cfg(test)]
mod tests;

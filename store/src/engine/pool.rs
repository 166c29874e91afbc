//! The engine's sessions, shared by the requests: how many run at once, and which settings each has.

use super::library::{Connection, Fault, Library};
use super::merging::Behind;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Settings by name, as the request gave them.
pub(super) type Settings = BTreeMap<String, String>;

/// What every session starts with. `async_insert` is on by default since 26.x, and would acknowledge before the write.
const ALWAYS: &[(&str, &str)] = &[("async_insert", "0")];

/// A connection and what was last set on it.
pub(super) struct Session {
    pub(super) connection: Connection,
    settings: Settings,
    database: String,
}

impl Session {
    /// Brings the session to exactly these settings: what an earlier request set and this one does not is reset.
    pub(super) fn prepare(&mut self, database: &str, wanted: &Settings) -> Result<(), Fault> {
        let mut changes = Vec::new();
        for name in self.settings.keys().filter(|name| !wanted.contains_key(*name)) {
            let value = ALWAYS
                .iter()
                .find(|(always, _)| always == name)
                .map_or_else(|| "DEFAULT".to_owned(), |(_, value)| quoted(value));
            changes.push(format!("{name} = {value}"));
        }
        for (name, value) in wanted {
            if self.settings.get(name) != Some(value) {
                changes.push(format!("{name} = {}", quoted(value)));
            }
        }
        if !changes.is_empty() {
            self.connection.query(format!("SET {}", changes.join(", ")).as_bytes(), "Null", &[])?;
            self.settings.clone_from(wanted);
        }
        if self.database != database {
            self.connection.query(format!("USE {}", identifier(database)).as_bytes(), "Null", &[])?;
            database.clone_into(&mut self.database);
        }
        Ok(())
    }
}

/// A text as a SQL literal.
pub(super) fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"))
}

/// A name as a SQL identifier.
fn identifier(name: &str) -> String {
    format!("`{}`", name.replace('\\', "\\\\").replace('`', "\\`"))
}

/// Which queue a request stands in, so that long queries do not hold up inserts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lane {
    Query,
    Insert,
}

/// The sessions.
pub(super) struct Pool {
    library: Arc<Library>,
    arguments: Vec<String>,
    /// Holds the engine open, and stops queries.
    root: Mutex<Connection>,
    idle: Mutex<Vec<Session>>,
    queries: Arc<Semaphore>,
    inserts: Arc<Semaphore>,
    wait_max: Duration,
    /// Whether clients are behind with their inserts.
    pub(super) behind: Behind,
}

/// A session on loan. A session that failed to take its settings is closed, not returned.
pub(super) struct Lease {
    session: Option<Session>,
    pool: Arc<Pool>,
    _permit: OwnedSemaphorePermit,
}

/// Why there is no session.
#[derive(Debug, thiserror::Error)]
pub(super) enum PoolError {
    #[error(
        "Code: 202. DB::Exception: the engine is busy: nothing became free in {0:?} (TOO_MANY_SIMULTANEOUS_QUERIES)"
    )]
    Busy(Duration),
    #[error("Code: 735. DB::Exception: the engine is stopping")]
    Stopping,
}

impl Pool {
    /// Starts the engine. `arguments` are those of the whole engine and of every session.
    pub(super) fn open(
        library: Arc<Library>,
        mut arguments: Vec<String>,
        config: &super::Config,
    ) -> Result<Pool, Fault> {
        arguments.extend(ALWAYS.iter().map(|(name, value)| format!("--{name}={value}")));
        let root = library.connect(&arguments)?;
        Ok(Pool {
            library,
            arguments,
            root: Mutex::new(root),
            idle: Mutex::new(Vec::new()),
            queries: Arc::new(Semaphore::new(config.queries_max.max(1))),
            inserts: Arc::new(Semaphore::new(config.inserts_max.max(1))),
            wait_max: Duration::from_secs(config.wait_s_max),
            behind: Behind::new(),
        })
    }

    /// Waits for a turn.
    pub(super) async fn turn(&self, lane: Lane) -> Result<OwnedSemaphorePermit, PoolError> {
        let lane = if lane == Lane::Query { &self.queries } else { &self.inserts };
        let permit = tokio::time::timeout(self.wait_max, Arc::clone(lane).acquire_owned()).await;
        permit.map_err(|_| PoolError::Busy(self.wait_max))?.map_err(|_| PoolError::Stopping)
    }

    /// Takes an idle session or opens one. Blocking.
    pub(super) fn lease(self: &Arc<Self>, permit: OwnedSemaphorePermit) -> Result<Lease, Fault> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let session = match idle {
            Some(session) => session,
            None => self.session(&[])?,
        };
        Ok(Lease { session: Some(session), pool: Arc::clone(self), _permit: permit })
    }

    /// A session for one statement of a person: `readonly` can be set but never reset, so it is not reused. Blocking.
    pub(super) fn session(&self, more: &[String]) -> Result<Session, Fault> {
        let mut arguments = self.arguments.clone();
        arguments.extend_from_slice(more);
        let connection = self.library.connect(&arguments)?;
        Ok(Session { connection, settings: Settings::new(), database: "default".to_owned() })
    }

    /// Stops the queries with this `log_comment`. Blocking.
    pub(super) fn kill(&self, comment: &str) -> Result<(), Fault> {
        let sql = format!("KILL QUERY WHERE Settings['log_comment'] = {} ASYNC", quoted(comment));
        let mut root = self.root.lock().unwrap_or_else(PoisonError::into_inner);
        root.query(sql.as_bytes(), "Null", &[]).map(|_| ())
    }

    /// How many parts the partition with the most of them has; or, if that is more, a fourth of all parts that came in the
    /// last minutes and were never merged: old lines come to hundreds of days at once. Blocking.
    pub(super) fn parts(&self) -> Result<u64, Fault> {
        const SQL: &str = "SELECT greatest(max(parts), intDiv(sum(new), 4)) FROM (SELECT count() AS parts, \
            countIf(level = 0 AND modification_time > now() - 600) AS new FROM system.parts WHERE active \
            GROUP BY database, table, partition_id)";
        let mut root = self.root.lock().unwrap_or_else(PoisonError::into_inner);
        let answer = root.query(SQL.as_bytes(), "TabSeparated", &[])?;
        let text = std::str::from_utf8(answer.as_ref()).unwrap_or_default().trim();
        text.parse().map_err(|_| Fault(format!("the number of parts is `{text}`")))
    }

    /// Lets merges go on, or stops them until they are let go. A new engine begins with merges. Blocking.
    pub(super) fn set_merging(&self, goes: bool) -> Result<(), Fault> {
        let sql = if goes { "SYSTEM START MERGES" } else { "SYSTEM STOP MERGES" };
        let mut root = self.root.lock().unwrap_or_else(PoisonError::into_inner);
        root.query(sql.as_bytes(), "Null", &[]).map(|_| ())
    }

    /// No more turns; what runs is stopped.
    pub(super) fn close(&self) {
        self.queries.close();
        self.inserts.close();
        let mut root = self.root.lock().unwrap_or_else(PoisonError::into_inner);
        if let Err(fault) = root.query(b"KILL QUERY WHERE 1 ASYNC", "Null", &[]) {
            tracing::warn!(%fault, "stop what runs");
        }
    }
}

impl std::ops::Deref for Lease {
    type Target = Session;
    #[allow(clippy::expect_used, reason = "taken only by drop")]
    fn deref(&self) -> &Session {
        self.session.as_ref().expect("a lease has its session until it is dropped")
    }
}

impl std::ops::DerefMut for Lease {
    #[allow(clippy::expect_used, reason = "taken only by drop")]
    fn deref_mut(&mut self) -> &mut Session {
        self.session.as_mut().expect("a lease has its session until it is dropped")
    }
}

impl Lease {
    /// Brings the session to these settings. If that fails halfway nobody knows what it has: it is closed.
    pub(super) fn prepare(&mut self, database: &str, wanted: &Settings) -> Result<(), Fault> {
        let Some(session) = &mut self.session else { return Ok(()) };
        let result = session.prepare(database, wanted);
        if result.is_err() {
            self.session = None;
        }
        result
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let Some(session) = self.session.take() {
            self.pool.idle.lock().unwrap_or_else(PoisonError::into_inner).push(session);
        }
    }
}

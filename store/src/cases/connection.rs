//! Connections to the cases' database: an SQLite file, or a PostgreSQL server.
//!
//! Either has one writer at a time. What a change depends on (the trail's last hash, an incident's version, a collection's
//! last moment, the registry as a whole, failures counted) is read and written in one transaction that nobody else's
//! can come between: on SQLite by `BEGIN IMMEDIATE`, on PostgreSQL by an advisory lock that every process takes first.

mod postgres;

use super::{Config, Error, migration};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{AssertSqlSafe, Sqlite};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

pub(super) use postgres::told;
pub(crate) use postgres::{Connections, Seat, Transaction};

/// What each connection to the file may keep of it, in KiB (below zero, as SQLite wants it): of a million indicators every
/// load touches pages all over the file, and 2 MiB, as it is otherwise, are read and written again and again.
const CACHE: &str = "-32768";

/// Where the cases are.
#[derive(Clone)]
pub enum Target {
    /// An SQLite file, for one machine.
    File(PathBuf),
    /// A PostgreSQL server, for any number.
    Server {
        /// `postgres://user@host:5432/database`, with the parameters of libpq that concern TLS; no password.
        url: String,
        /// The password, unless the server asks for none.
        password: Option<String>,
    },
}

impl Target {
    /// The file of an installation on one machine.
    #[must_use]
    pub fn within(data: &Path) -> Target {
        Target::File(data.join("cases.sqlite"))
    }

    /// What is wrong with it, as far as can be said without asking the database.
    ///
    /// # Errors
    /// The URL is unfit.
    pub fn check(&self) -> Result<(), Error> {
        match self {
            Target::File(_) => Ok(()),
            Target::Server { url, password } => postgres::options(url, password.as_deref()).map(drop),
        }
    }
}

impl std::fmt::Display for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Target::File(path) => path.display().fmt(f),
            Target::Server { url, .. } => f.write_str(url),
        }
    }
}

/// Connections to one of the two databases.
#[derive(Clone)]
pub(crate) enum Pool {
    Sqlite(sqlx::SqlitePool),
    Postgres(Connections),
}

/// A transaction; what is not committed is undone when it goes.
pub(crate) enum Tx {
    Sqlite(sqlx::Transaction<'static, Sqlite>),
    Postgres(Transaction),
}

/// Where a statement is done. One that is given to a pool is done once more if its connection breaks, so it must be one that
/// may be done twice.
pub(crate) enum On<'a> {
    Pool(&'a Pool),
    Tx(&'a mut Tx),
}

impl<'a> From<&'a Pool> for On<'a> {
    fn from(pool: &'a Pool) -> On<'a> {
        On::Pool(pool)
    }
}

impl<'a> From<&'a mut Tx> for On<'a> {
    fn from(tx: &'a mut Tx) -> On<'a> {
        On::Tx(tx)
    }
}

/// The connections that write and those that read, the schema up to date.
pub(super) async fn open(target: &Target, config: &Config) -> Result<(Pool, Pool), Error> {
    let (write, read) = match target {
        Target::Server { url, password } => {
            let options = postgres::options(url, password.as_deref())?;
            postgres::open(options, config).await?
        }
        // One writer: changes queue here, where waiting is fair, instead of in SQLite, where it is a retry.
        Target::File(path) => {
            let write = file(path, config, 1, |options| options.create_if_missing(true)).await?;
            let write = Pool::Sqlite(write);
            prepare(&write, target).await?;
            let read = file(path, config, config.readers.max(1), |options| options.read_only(true)).await?;
            return Ok((write, Pool::Sqlite(read)));
        }
    };
    prepare(&write, target).await?;
    Ok((write, read))
}

/// Brings the schema up to date, after what was there is kept.
async fn prepare(write: &Pool, target: &Target) -> Result<(), Error> {
    if is_behind(write).await? {
        match target {
            Target::File(path) => keep(write, path).await?,
            Target::Server { .. } => tracing::warn!(
                "the schema of the cases' database is brought up to date; the way back is a backup that was made before"
            ),
        }
    }
    migration::run(write).await
}

async fn file(
    path: &Path,
    config: &Config,
    connections: u32,
    more: impl FnOnce(SqliteConnectOptions) -> SqliteConnectOptions,
) -> Result<sqlx::SqlitePool, Error> {
    let options = SqliteConnectOptions::new()
        .filename(path)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(Duration::from_millis(config.busy_timeout_ms.into()))
        .pragma("cache_size", CACHE)
        .statement_cache_capacity(200);
    let options = more(options);
    let begun = Instant::now();
    loop {
        let opened =
            SqlitePoolOptions::new().max_connections(connections).connect_with(options.clone()).await;
        // A new file is made one with a log of writes by whoever opens it first, and SQLite lets nobody wait for that.
        match opened {
            Err(sqlx::Error::Database(error))
                if error.code().as_deref() == Some("5")
                    && begun.elapsed() < Duration::from_millis(config.busy_timeout_ms.into()) =>
            {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            opened => return Ok(opened?),
        }
    }
}

/// The connection that writes, the database as it is.
pub(super) async fn bare(target: &Target, config: &Config) -> Result<Pool, Error> {
    match target {
        Target::File(path) => {
            Ok(Pool::Sqlite(file(path, config, 1, |options| options.create_if_missing(true)).await?))
        }
        Target::Server { url, password } => {
            let options = postgres::options(url, password.as_deref())?;
            Ok(postgres::open(options, config).await?.0)
        }
    }
}

/// The steps of the schema that the database has, asked without a change to it: no file is made, none is written.
pub(super) async fn look(target: &Target, config: &Config) -> Result<Vec<i64>, Error> {
    let path = match target {
        Target::Server { .. } => return bare(target, config).await?.steps().await,
        Target::File(path) => path,
    };
    if !path.exists() {
        return Ok(Vec::new());
    }
    // What a crash or a running process has not yet put into the file itself can only be read with the files beside it.
    let beside = path.with_extension("sqlite-wal").metadata().is_ok_and(|file| file.len() > 0);
    let options = SqliteConnectOptions::new().filename(path).read_only(true).immutable(!beside);
    let pool = SqlitePoolOptions::new().max_connections(1).connect_with(options).await?;
    let pool = Pool::Sqlite(pool);
    let steps = pool.steps().await;
    pool.close().await;
    steps
}

/// Whether this is an installation whose schema is older than ours.
async fn is_behind(pool: &Pool) -> Result<bool, Error> {
    let done = pool.steps().await?;
    migration::judge(&done)?;
    Ok(!done.is_empty() && migration::is_behind(&done))
}

/// Keeps the database as it is in a file beside it, before its schema is changed.
async fn keep(pool: &Pool, path: &Path) -> Result<(), Error> {
    use std::os::unix::fs::PermissionsExt as _;
    let Pool::Sqlite(pool) = pool else { return Ok(()) };
    let kept = path.with_extension("before-upgrade.sqlite");
    let failed =
        |why: std::io::Error| Error::Unfit(format!("keep the cases' database in {}: {why}", kept.display()));
    match std::fs::remove_file(&kept) {
        Err(why) if why.kind() != std::io::ErrorKind::NotFound => return Err(failed(why)),
        _ => {}
    }
    let statement = sqlx::query("VACUUM INTO $1").bind(kept.display().to_string());
    statement.execute(pool).await?;
    std::fs::set_permissions(&kept, std::fs::Permissions::from_mode(0o600)).map_err(failed)?;
    tracing::info!(kept = %kept.display(), "the cases' database is kept as it was; its schema is brought up to date");
    Ok(())
}

impl Pool {
    /// A transaction that may change what it has read: no other one runs until it ends.
    pub(super) async fn begin(&self) -> Result<Tx, Error> {
        Ok(match self {
            Pool::Sqlite(pool) => Tx::Sqlite(pool.begin_with("BEGIN IMMEDIATE").await?),
            Pool::Postgres(pool) => Tx::Postgres(pool.begin(postgres::BEGIN_WRITE).await?),
        })
    }

    /// A transaction whose statements all see the same moment.
    pub(super) async fn begin_reading(&self) -> Result<Tx, Error> {
        Ok(match self {
            Pool::Sqlite(pool) => Tx::Sqlite(pool.begin().await?),
            Pool::Postgres(pool) => Tx::Postgres(pool.begin(postgres::BEGIN_READ).await?),
        })
    }

    pub(super) async fn close(&self) {
        match self {
            Pool::Sqlite(pool) => pool.close().await,
            Pool::Postgres(pool) => pool.close().await,
        }
    }
}

impl Tx {
    pub(crate) async fn commit(self) -> Result<(), Error> {
        match self {
            Tx::Sqlite(tx) => tx.commit().await?,
            Tx::Postgres(tx) => tx.commit().await?,
        }
        Ok(())
    }

    /// Statements without values, one after the other, as a migration has them.
    pub(super) async fn run_script(&mut self, script: String) -> Result<(), Error> {
        match self {
            Tx::Sqlite(tx) => {
                sqlx::raw_sql(AssertSqlSafe(script)).execute(&mut **tx).await?;
                Ok(())
            }
            Tx::Postgres(tx) => tx.run_script(script).await,
        }
    }

    pub(super) fn is_postgres(&self) -> bool {
        matches!(self, Tx::Postgres(_))
    }
}

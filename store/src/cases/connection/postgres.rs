//! What PostgreSQL needs that SQLite does not: a network that may fail, and other processes that write.

use super::Pool;
use crate::cases::sql::{Done, Sql, Want};
use crate::cases::{Config, Error};
use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions, PgSslMode};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, Postgres, Row as _};
use std::str::FromStr as _;
use std::time::Duration;

/// The one lock of whoever writes; the number is the program's own ("haidang" in ASCII).
pub(super) const BEGIN_WRITE: &str = "BEGIN; SELECT pg_advisory_xact_lock(29380502861475431)";
pub(super) const BEGIN_READ: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";

/// The oldest version whose maintainers still mend it.
const VERSION_MIN: i64 = 140_000;
/// How long the server works on one statement.
const STATEMENT_MAX: &str = "20s";
/// How long we wait for its answer; later, nobody is there.
const ANSWER_MAX: Duration = Duration::from_secs(25);
/// A writer that is stopped or cut off holds everyone up for so long, then the server ends its transaction.
const IDLE_IN_TRANSACTION_MAX: &str = "30s";
/// A leader that is silent for so long is stopped or cut off.
const SILENT_LEADER_MAX: &str = "30s";
/// How long the connection of a transaction that is given up may take to undo it.
const ROLLBACK_MAX: Duration = Duration::from_secs(5);

/// Parameters that a URL may have: others, passwords before all, would end up in logs.
const PARAMETERS: &[&str] = &["sslmode", "sslrootcert", "sslcert", "sslkey", "options", "application_name"];

/// How to reach the server of this URL. Without `sslmode` a server elsewhere must prove who it is.
pub(super) fn options(url: &str, password: Option<&str>) -> Result<PgConnectOptions, Error> {
    let unfit = |why: &str| Error::Unfit(format!("the URL of PostgreSQL {why}"));
    let rest = ["postgres://", "postgresql://"].iter().find_map(|scheme| url.strip_prefix(scheme));
    let rest = rest.ok_or_else(|| unfit("begins with postgres://"))?;
    let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
    if place.rsplit_once('@').is_some_and(|(user, _)| user.contains(':')) {
        return Err(unfit("must not hold the password: it goes into a file of its own (password_file)"));
    }
    let names = || query.split('&').filter_map(|pair| pair.split('=').next()).filter(|name| !name.is_empty());
    if names().any(|name| !PARAMETERS.contains(&name)) {
        return Err(unfit(&format!("has a parameter that is none of {}", PARAMETERS.join(", "))));
    }
    // The parser's own words may quote the URL, which holds no secret by now.
    let mut options = PgConnectOptions::from_str(url).map_err(|why| unfit(&format!("is unfit: {why}")))?;
    if options.get_database().is_none() {
        return Err(unfit("names no database: postgres://user@host:5432/DATABASE"));
    }
    if !names().any(|name| name == "sslmode") {
        let host = options.get_host();
        let near =
            options.get_socket().is_some() || matches!(host, "localhost" | "127.0.0.1" | "[::1]" | "::1");
        options = options.ssl_mode(if near { PgSslMode::Disable } else { PgSslMode::VerifyFull });
    }
    if let Some(password) = password {
        options = options.password(password);
    }
    Ok(options.application_name("haidang").statement_cache_capacity(200))
}

/// The connections that write and those that read.
pub(super) async fn open(options: PgConnectOptions, config: &Config) -> Result<(Pool, Pool), Error> {
    let patience = Duration::from_millis(config.busy_timeout_ms.into());
    // Asked first by itself: a pool would not say why it has no connection.
    let first = tokio::time::timeout(patience, PgConnection::connect_with(&options));
    let mut first = first.await.map_err(|_| away(patience))??;
    fit(&mut first).await?;
    first.close().await?;
    let pool = |connections: u32, options: PgConnectOptions| {
        let pool = PgPoolOptions::new().max_connections(connections).acquire_timeout(patience);
        Pool::Postgres(Connections { pool: pool.connect_lazy_with(options), patience })
    };
    let limits = [
        ("statement_timeout", STATEMENT_MAX.to_owned()),
        ("lock_timeout", format!("{}ms", config.busy_timeout_ms)),
        ("idle_in_transaction_session_timeout", IDLE_IN_TRANSACTION_MAX.to_owned()),
        // A client that is gone is found out, and its lock with it.
        ("tcp_keepalives_idle", "10".to_owned()),
        ("tcp_keepalives_interval", "5".to_owned()),
        ("tcp_keepalives_count", "4".to_owned()),
    ];
    let options = options.options(limits);
    let read = options.clone().options([("default_transaction_read_only", "on")]);
    Ok((pool(1, options), pool(config.readers.max(1), read)))
}

/// That the server is one that we know, and its database takes every character.
async fn fit(connection: &mut PgConnection) -> Result<(), Error> {
    let row = sqlx::query(
        "SELECT current_setting('server_version_num')::bigint, current_setting('server_encoding')",
    )
    .fetch_one(connection)
    .await?;
    let (version, encoding): (i64, String) = (row.try_get(0)?, row.try_get(1)?);
    if version < VERSION_MIN {
        let (found, wanted) = (version / 10_000, VERSION_MIN / 10_000);
        return Err(Error::Unfit(format!("PostgreSQL {found} is too old: {wanted} or newer is needed")));
    }
    if encoding != "UTF8" {
        return Err(Error::Unfit(format!(
            "the database is encoded in {encoding}: make one with CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0"
        )));
    }
    Ok(())
}

fn away(patience: Duration) -> Error {
    Error::Away(format!("no connection within {} s", patience.as_secs_f32()))
}

/// What the error of a statement comes to: whether it passes by itself.
pub(in crate::cases) fn told(error: sqlx::Error) -> Error {
    match &error {
        sqlx::Error::Io(why) if why.kind() == std::io::ErrorKind::InvalidData => {
            Error::Unfit(format!("TLS with PostgreSQL: {why}"))
        }
        sqlx::Error::Io(why) => Error::Away(why.to_string()),
        sqlx::Error::PoolTimedOut => {
            Error::Away("no connection was free or could be made in time".to_owned())
        }
        sqlx::Error::Database(why) => {
            let code = why.code().unwrap_or_default();
            match &*code {
                // Somebody else has written for longer than we wait.
                "55P03" => Error::Busy,
                // Shut down, starting, out of connections or disk, a standby, ended while idle, taking too long.
                "53000" | "53100" | "53200" | "53300" | "25006" | "25P03" | "57014" | "40001" | "40P01" => {
                    Error::Away(why.message().to_owned())
                }
                _ if code.starts_with("57P") || code.starts_with("08") => {
                    Error::Away(why.message().to_owned())
                }
                _ => Error::Sql(error),
            }
        }
        _ => Error::Sql(error),
    }
}

/// Whether the connection broke, so that another may serve.
fn is_lost(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_) => true,
        sqlx::Error::Database(told) => told.code().is_some_and(|code| code.starts_with("57P")),
        _ => false,
    }
}

/// A pool whose statements end.
#[derive(Clone)]
pub(crate) struct Connections {
    pool: sqlx::PgPool,
    patience: Duration,
}

impl Connections {
    /// Does it; once more if the connection breaks.
    pub(in crate::cases) async fn run(&self, statement: &Sql<'_>, want: Want) -> Result<Done, Error> {
        match self.run_once(statement, want).await {
            Err(error) if is_lost(&error) => Ok(self.run_once(statement, want).await?),
            done => Ok(done?),
        }
    }

    async fn run_once(&self, statement: &Sql<'_>, want: Want) -> Result<Done, sqlx::Error> {
        let mut lent = Lent(Some(self.pool.acquire().await?));
        let connection = lent.0.as_mut().ok_or(sqlx::Error::WorkerCrashed)?;
        let done = in_time(statement.run(connection, want)).await;
        if !done.as_ref().is_err_and(is_lost) {
            drop(lent.0.take());
        }
        done
    }

    pub(super) async fn begin(&self, statements: &'static str) -> Result<Transaction, Error> {
        // Whoever is given up in between leaves the rest to `drop`.
        let mut tx = Transaction { connection: Some(self.pool.acquire().await?) };
        tx.run_script(statements.to_owned()).await?;
        Ok(tx)
    }

    pub(super) async fn close(&self) {
        let _ = tokio::time::timeout(self.patience, self.pool.close()).await; // a server that is away is not waited for
    }
}

/// A connection that goes back to the pool only after its answer: else the pool would wait for the answer, with the
/// connection taken for as long as a dead network takes to be known.
struct Lent(Option<PoolConnection<Postgres>>);

impl Drop for Lent {
    fn drop(&mut self) {
        if let Some(mut connection) = self.0.take() {
            connection.close_on_drop();
        }
    }
}

impl Connections {
    /// A connection for a lock that lasts as long as it. A process that is stopped loses it, and another leads.
    pub(crate) async fn seat(&self, number: i64) -> Result<Seat, Error> {
        let options = self.pool.connect_options().as_ref().clone();
        let options = options.options([("idle_session_timeout", SILENT_LEADER_MAX)]);
        let made = tokio::time::timeout(self.patience, PgConnection::connect_with(&options));
        let connection = made.await.map_err(|_| away(self.patience))??;
        Ok(Seat { connection, number, is_mine: false })
    }
}

/// A lock that one session has, until it ends.
pub(crate) struct Seat {
    connection: PgConnection,
    number: i64,
    is_mine: bool,
}

impl Seat {
    /// Whether it is ours; takes it if it is nobody's.
    pub(crate) async fn is_taken(&mut self) -> Result<bool, Error> {
        // Of one that is ours the answer is only that the session still is: a lock is taken once.
        let question = sqlx::query("SELECT CASE WHEN $1 THEN TRUE ELSE pg_try_advisory_lock($2) END")
            .bind(self.is_mine)
            .bind(self.number)
            .fetch_one(&mut self.connection);
        let row = in_time(question);
        self.is_mine = row.await?.try_get(0)?;
        Ok(self.is_mine)
    }
}

async fn in_time<T>(work: impl Future<Output = Result<T, sqlx::Error>>) -> Result<T, sqlx::Error> {
    let silent = |_| std::io::Error::new(std::io::ErrorKind::TimedOut, "the server does not answer");
    tokio::time::timeout(ANSWER_MAX, work).await.map_err(silent)?
}

/// A transaction of our own instead of sqlx's, whose end has no limit of time.
pub(crate) struct Transaction {
    connection: Option<PoolConnection<Postgres>>,
}

impl Transaction {
    pub(in crate::cases) async fn run(&mut self, statement: &Sql<'_>, want: Want) -> Result<Done, Error> {
        Ok(in_time(statement.run(self.connection()?, want)).await?)
    }

    pub(super) async fn run_script(&mut self, script: String) -> Result<(), Error> {
        in_time(sqlx::raw_sql(AssertSqlSafe(script)).execute(self.connection()?)).await?;
        Ok(())
    }

    fn connection(&mut self) -> Result<&mut PgConnection, sqlx::Error> {
        self.connection.as_deref_mut().ok_or(sqlx::Error::WorkerCrashed)
    }

    pub(super) async fn commit(mut self) -> Result<(), Error> {
        self.run_script("COMMIT".to_owned()).await?;
        self.connection = None;
        Ok(())
    }
}

impl Drop for Transaction {
    fn drop(&mut self) {
        let Some(mut connection) = self.connection.take() else { return };
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        runtime.spawn(async move {
            let undo = sqlx::raw_sql("ROLLBACK").execute(&mut *connection);
            if !matches!(tokio::time::timeout(ROLLBACK_MAX, undo).await, Ok(Ok(_))) {
                connection.close_on_drop();
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_without_its_password_and_with_tls_where_it_crosses_a_network() {
        let mode = |url: &str| {
            let options = options(url, Some("secret")).unwrap();
            format!("{:?}", options.get_ssl_mode())
        };
        assert_eq!(mode("postgres://haidang@db.example.vn/haidang"), "VerifyFull");
        assert_eq!(mode("postgres://haidang@127.0.0.1:5433/haidang"), "Disable");
        assert_eq!(mode("postgresql://haidang@db.example.vn/haidang?sslmode=require"), "Require");
        for (url, why) in [
            ("mysql://haidang@db/haidang", "begins with postgres://"),
            ("postgres://haidang:secret@db/haidang", "password_file"),
            ("postgres://haidang@db/haidang?password=secret", "a parameter that is none of"),
            ("postgres://haidang@db/haidang?sslmode=perhaps", "is unfit"),
            ("postgres://haidang@db:port/haidang", "is unfit"),
        ] {
            let error = options(url, None).err().map(|error| error.to_string()).unwrap_or_default();
            assert!(error.contains(why) && !error.contains("secret"), "{url}: {error}");
        }
    }
}

//! Events and matches in ClickHouse: the embedded engine's or a server's, with the same schema and the same statements.

mod activity;
mod antivirus;
mod block;
pub(crate) mod columns;
mod copy;
mod matches;
mod met;
mod migrate;
mod replay;
mod retention;
mod row;
mod search;
mod slice;
mod statistics;
mod target;
mod write;

pub use antivirus::{BadCall, MalwareFound};
pub use copy::{Frozen, thaw};
pub use matches::Matches;
pub use met::UnitMet;
pub use replay::Replay;
pub use row::RowError;
pub use search::{Page, Search};
pub use statistics::{Bucket, Category, Sender, TopSource, TopValue};
pub use target::Target;
pub use write::Batch;

use compliance::RuleSets;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Limits of the events' store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Days that events are kept at least, by the level of their information system from 0 (unknown) to 5. What the law
    /// asks of a level is kept in any case.
    pub keep_days: [u16; 6],
    /// Whether an insert is on the disk, not only with the kernel, when it is acknowledged. Without it a power failure
    /// may take the last seconds, and the spool must keep them.
    pub fsync: bool,
    /// Rows of one insert; more are split.
    pub insert_rows_max: usize,
    /// About how many bytes of one insert; more are split.
    pub insert_bytes_max: usize,
    /// How long a query may run in seconds.
    pub query_s_max: u64,
    /// Memory of a query in bytes.
    pub query_bytes_max: u64,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            // What is not known to be of a system may turn out to be of any level.
            keep_days: [365, 31, 0, 0, 0, 0],
            fsync: true,
            insert_rows_max: 50_000,
            insert_bytes_max: 96 << 20,
            query_s_max: 30,
            query_bytes_max: 512 << 20,
        }
    }
}

/// Why the events' store did not do it.
#[derive(Debug, thiserror::Error)]
pub enum EventsError {
    /// ClickHouse, or the way to it.
    #[error("the events' store: {0}")]
    ClickHouse(#[from] clickhouse::error::Error),
    /// The query is wrong: the caller's fault.
    #[error(transparent)]
    Query(#[from] crate::query::QueryError),
    /// The cursor was not given out here.
    #[error("the cursor is not one of this list")]
    Cursor,
    /// A stored row does not read.
    #[error(transparent)]
    Row(#[from] RowError),
    /// A stored match does not read.
    #[error("a stored match does not read: {0}")]
    Match(#[from] serde_json::Error),
    /// What was frozen is not where it was expected.
    #[error("the engine has frozen parts, but not at {}", .0.display())]
    NotFrozen(std::path::PathBuf),
    /// The tables are newer than this program.
    #[error("the tables are at migration {found}, this program knows {known}: run the newer program")]
    Newer {
        /// What the tables say.
        found: u32,
        /// What this program knows.
        known: u32,
    },
    /// The table was made otherwise than this program makes it.
    #[error(
        "the table `events` has no column {0}: another build made it. Start with an empty data folder (or database), or with that build"
    )]
    Foreign(String),
}

/// The events' store. Cheap to clone; a clone shares the connections.
#[derive(Clone)]
pub struct Events {
    client: clickhouse::Client,
    target: Target,
    config: Config,
    rules: Arc<RuleSets>,
}

impl Events {
    /// A handle to the target; it connects with the first request.
    #[must_use]
    pub fn connect(target: Target, config: Config) -> Events {
        let client = target.client().with_setting("async_insert", "0");
        Events { client, target, config, rules: Arc::new(RuleSets::own()) }
    }

    /// The same under other rules of law.
    #[must_use]
    pub fn under(mut self, rules: Arc<RuleSets>) -> Events {
        self.rules = rules;
        self
    }

    /// The client underneath, for statements that have no method here.
    #[must_use]
    pub fn client(&self) -> &clickhouse::Client {
        &self.client
    }

    /// A query within its limits.
    fn query(&self, sql: &str) -> clickhouse::query::Query {
        self.client
            .query_raw(sql)
            .with_setting("max_execution_time", self.config.query_s_max.to_string())
            .with_setting("max_memory_usage", self.config.query_bytes_max.to_string())
    }
}

//! The ClickHouse engine in a process of its own: `libchdb` behind the part of ClickHouse's HTTP interface that the
//! `clickhouse` crate uses, on a Unix socket. So one machine and a cluster have one dialect, one schema, one code path.
//!
//! [`serve`] is that process's main function, [`Supervisor`] starts it and starts it again when it dies. A crash of the
//! engine, or the kernel taking its memory back, leaves the pipeline running.

mod bridge;
mod insert;
mod library;
mod merging;
mod pool;
mod request;
mod select;
mod serve;
mod supervisor;

pub use library::{Fault, LibraryError};
pub(crate) use merging::BEHIND;
pub use serve::{ServeOptions, serve};
pub use supervisor::{Program, Supervisor};

use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// How the embedded engine runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The engine's library. If not given: `./engine/libchdb.so`, beside the executable, where
    /// `npm ci --prefix deploy/engine` puts it, `/usr/lib/haidang/libchdb.so`.
    pub library: Option<PathBuf>,
    /// Memory of the engine's process in bytes; a query or insert that would need more fails, the others go on.
    pub memory_bytes_max: u64,
    /// Memory of one query in bytes.
    pub query_bytes_max: u64,
    /// Queries at once; more wait.
    pub queries_max: usize,
    /// Inserts at once; more wait.
    pub inserts_max: usize,
    /// How long a request waits for its turn in seconds before it is refused with 503.
    pub wait_s_max: u64,
    /// Open connections of clients; more wait to be accepted.
    pub clients_max: usize,
    /// Bytes of a statement and its parameters.
    pub statement_bytes_max: usize,
    /// Bytes of one insert's data.
    pub insert_bytes_max: u64,
    /// Threads that merge in the background.
    pub merge_threads: u16,
    /// Parts of one day that may wait to be merged while inserts are behind; beyond, merges go on beside them.
    pub parts_waiting_max: u64,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            library: None,
            memory_bytes_max: 1536 << 20,
            query_bytes_max: 512 << 20,
            queries_max: 6,
            inserts_max: 2,
            wait_s_max: 30,
            clients_max: 64,
            statement_bytes_max: 4 << 20,
            insert_bytes_max: 1 << 30,
            merge_threads: 2,
            parts_waiting_max: 200,
        }
    }
}

/// Why the engine does not run.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The library.
    #[error(transparent)]
    Library(#[from] LibraryError),
    /// What the engine says.
    #[error("the engine: {0}")]
    Fault(#[from] Fault),
    /// The data folder or the socket.
    #[error("{what} {path}: {cause}")]
    Files {
        /// What was tried.
        what: &'static str,
        /// With what.
        path: PathBuf,
        /// What the system says.
        cause: std::io::Error,
    },
    /// The arguments that the supervisor gave.
    #[error("the engine's options are not the JSON that the supervisor writes: {0}")]
    Options(#[from] serde_json::Error),
    /// The process ended before it was ready.
    #[error("the engine's process {program} did not start: {last}")]
    Start {
        /// The executable.
        program: PathBuf,
        /// The last line it wrote, or how it ended.
        last: String,
    },
}

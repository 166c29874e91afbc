//! The engine's process: opens the data folder, serves the socket, and leaves in the only order that does not crash.

use super::library::{Library, exit_now};
use super::pool::Pool;
use super::{Config, EngineError, bridge, merging};
use serde::{Deserialize, Serialize};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::UnixListener;
use tokio::signal::unix::{SignalKind, signal};

/// How long what runs may take to notice that it was stopped.
const STOP_WAIT: Duration = Duration::from_secs(5);

/// What the engine's process works on. The supervisor hands it over as one argument of JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServeOptions {
    /// The engine's own folder; created for this user only.
    pub data: PathBuf,
    /// The Unix socket; made anew, mode 0600. Paths above 100 bytes do not fit a socket's address.
    pub socket: PathBuf,
    /// Limits.
    pub config: Config,
}

impl ServeOptions {
    /// The options of a data folder: `engine` and `engine.sock` in it.
    #[must_use]
    pub fn within(data: &Path, config: &Config) -> ServeOptions {
        ServeOptions { data: data.join("engine"), socket: data.join("engine.sock"), config: config.clone() }
    }

    /// Reads the argument that the supervisor wrote.
    ///
    /// # Errors
    /// It is not that JSON.
    pub fn from_argument(text: &str) -> Result<ServeOptions, EngineError> {
        Ok(serde_json::from_str(text)?)
    }

    /// The argument for the engine's process.
    ///
    /// # Errors
    /// A path is not UTF-8.
    pub fn to_argument(&self) -> Result<String, EngineError> {
        Ok(serde_json::to_string(self)?)
    }

    /// Where the library is sought, in this order.
    fn places(&self) -> Vec<PathBuf> {
        if let Some(library) = &self.config.library {
            return vec![library.clone()];
        }
        let installed = "deploy/engine/node_modules/@chdb/lib-linux-x64-gnu/libchdb.so";
        let mut places = vec![PathBuf::from("engine/libchdb.so")];
        if let Ok(executable) = std::env::current_exe() {
            places.extend(executable.parent().map(|folder| folder.join("libchdb.so")));
        }
        places.push(installed.into());
        places.push("/usr/lib/haidang/libchdb.so".into());
        places
    }

    /// Arguments of the first connection, which start the engine. Unknown ones are silently ignored by it: a test
    /// reads each back.
    fn arguments(&self) -> Vec<String> {
        let config = &self.config;
        let merges = config.merge_threads.max(1);
        // The engine joins a relative path with itself and finds nothing.
        let path = std::path::absolute(&self.data).unwrap_or_else(|_| self.data.clone());
        let mut arguments = vec![format!("--path={}", path.display())];
        let numbers: &[(&str, u64)] = &[
            ("max_server_memory_usage", config.memory_bytes_max),
            ("max_memory_usage", config.query_bytes_max),
            ("mark_cache_size", 64 << 20),
            ("index_mark_cache_size", 16 << 20),
            ("primary_index_cache_size", 64 << 20),
            ("uncompressed_cache_size", 0),
            ("background_pool_size", u64::from(merges)),
            ("max_threads", 2),
            ("max_insert_threads", 1),
        ];
        arguments.extend(numbers.iter().map(|(name, value)| format!("--{name}={value}")));
        arguments
    }
}

/// Runs the engine until SIGTERM, SIGINT, or the end of standard input: the supervisor holds its other end, so that no
/// engine outlives it. Writes `ready` to standard output once the socket answers. Ends the process; it returns only
/// what kept it from starting.
///
/// # Errors
/// The library, the data folder or the socket.
pub fn serve(options: &ServeOptions) -> Result<(), EngineError> {
    let library = Library::load(&options.places())?;
    folder(&options.data)?;
    let pool = Arc::new(Pool::open(Arc::clone(&library), options.arguments(), &options.config)?);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime = runtime.map_err(|cause| files("start threads for", &options.data, cause))?;
    let listener = runtime.block_on(async { bind(&options.socket) })?;
    let config = Arc::new(options.config.clone());
    runtime.block_on(async {
        let mut out = std::io::stdout();
        // A supervisor that does not read is gone; the end of standard input says so below.
        let _ = writeln!(out, "ready").and_then(|()| out.flush());
        tokio::select! {
            () = bridge::accept(listener, Arc::clone(&pool), config) => {}
            () = merging::decide(Arc::clone(&pool), options.config.parts_waiting_max) => {}
            () = asked_to_stop() => {}
        }
    });
    // No client may meet an engine that is going: the socket goes first.
    let _ = std::fs::remove_file(&options.socket);
    pool.close();
    runtime.shutdown_timeout(STOP_WAIT);
    // Every connection is closed before the process ends: otherwise its threads use what is already destroyed.
    let closed = Arc::try_unwrap(pool).map(drop).is_ok() && library.shutdown();
    tracing::debug!(closed, "the engine stops");
    exit_now(0)
}

async fn asked_to_stop() {
    let (Ok(mut term), Ok(mut int)) = (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
    else {
        return;
    };
    let (gone, wait) = tokio::sync::oneshot::channel();
    // A thread of its own: it stays in `read` until the supervisor is gone, and the runtime must not wait for it.
    std::thread::spawn(move || {
        let mut buffer = [0; 64];
        while std::io::stdin().read(&mut buffer).is_ok_and(|length| length > 0) {}
        let _ = gone.send(()); // nobody waits if a signal was first
    });
    tokio::select! {
        _ = term.recv() => {}
        _ = int.recv() => {}
        _ = wait => {}
    }
}

fn folder(path: &Path) -> Result<(), EngineError> {
    let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path);
    made.map_err(|cause| files("create", path, cause))
}

fn bind(path: &Path) -> Result<UnixListener, EngineError> {
    // A socket left by a killed engine; a living one holds the data folder's lock, and we would not be here.
    let _ = std::fs::remove_file(path);
    let listener = UnixListener::bind(path).map_err(|cause| files("listen on", path, cause))?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))
        .map_err(|cause| files("set the mode of", path, cause))?;
    Ok(listener)
}

fn files(what: &'static str, path: &Path, cause: std::io::Error) -> EngineError {
    EngineError::Files { what, path: path.to_owned(), cause }
}

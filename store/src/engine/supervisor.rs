//! Keeps the engine's process running: starts it, waits until it answers, starts it again when it dies.

use super::{EngineError, ServeOptions};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, ChildStdin, Command};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::Instant;

/// Waits between two starts: doubled from the first to the last, begun anew after a run of [`STEADY`].
const WAIT_FIRST: Duration = Duration::from_millis(200);
const WAIT_LAST: Duration = Duration::from_secs(30);
const STEADY: Duration = Duration::from_secs(60);

/// How long a start may take: a folder of many parts is read first.
const START_MAX: Duration = Duration::from_secs(120);

/// How long a stop may take before the process is killed; committed data is safe either way.
const STOP_MAX: Duration = Duration::from_secs(15);

/// How long the first start waits for an engine whose supervisor was killed, and which still has the folder: it notices
/// at once, but finishes what it is at.
const HELD_MAX: Duration = Duration::from_secs(20);

/// What to start: `haidang engine` + the options.
#[derive(Clone, Debug)]
pub struct Program {
    /// The executable, mostly this one.
    pub executable: PathBuf,
    /// What stands before the options.
    pub arguments: Vec<String>,
}

/// The engine's process. Dropping it without [`Supervisor::stop`] also ends the engine, a moment later.
pub struct Supervisor {
    socket: PathBuf,
    pid: Arc<AtomicU32>,
    starts: Arc<AtomicU64>,
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

struct Running {
    child: Child,
    /// Held so that the engine notices when we are gone.
    _stdin: Option<ChildStdin>,
}

impl Supervisor {
    /// Starts the engine and waits until it answers.
    ///
    /// # Errors
    /// It did not start; the text holds the last line that it wrote.
    pub async fn start(program: Program, options: &ServeOptions) -> Result<Supervisor, EngineError> {
        let argument = options.to_argument()?;
        let begun = Instant::now();
        let first = loop {
            match start(&program, &argument).await {
                Err(EngineError::Start { last, .. })
                    if last.contains(super::library::HELD) && begun.elapsed() < HELD_MAX =>
                {
                    tracing::warn!(
                        "the engine of a former process still has the folder: waiting for it to end"
                    );
                    tokio::time::sleep(WAIT_FIRST).await;
                }
                started => break started?,
            }
        };
        let pid = Arc::new(AtomicU32::new(first.child.id().unwrap_or(0)));
        let starts = Arc::new(AtomicU64::new(1));
        let (stop, stopped) = watch::channel(false);
        let task =
            tokio::spawn(keep(program, argument, first, Arc::clone(&pid), Arc::clone(&starts), stopped));
        Ok(Supervisor { socket: options.socket.clone(), pid, starts, stop, task })
    }

    /// Where the engine answers.
    #[must_use]
    pub fn socket(&self) -> &Path {
        &self.socket
    }

    /// The process, 0 while there is none.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.pid.load(Ordering::Relaxed)
    }

    /// How often it was started.
    #[must_use]
    pub fn starts(&self) -> u64 {
        self.starts.load(Ordering::Relaxed)
    }

    /// Ends the engine and waits for it.
    pub async fn stop(self) {
        let _ = self.stop.send(true); // the task is gone only if the runtime is
        let _ = self.task.await;
    }
}

async fn keep(
    program: Program,
    argument: String,
    first: Running,
    pid: Arc<AtomicU32>,
    starts: Arc<AtomicU64>,
    mut stopped: watch::Receiver<bool>,
) {
    let mut wait = WAIT_FIRST;
    let mut running = Some(first);
    loop {
        if let Some(mut engine) = running.take() {
            pid.store(engine.child.id().unwrap_or(0), Ordering::Relaxed);
            let begun = Instant::now();
            tokio::select! {
                _ = stopped.changed() => {
                    end(engine).await;
                    pid.store(0, Ordering::Relaxed);
                    return;
                }
                ended = engine.child.wait() => {
                    pid.store(0, Ordering::Relaxed);
                    tracing::error!(ended = %how(ended), "the ClickHouse engine died and is started again");
                }
            }
            wait = if begun.elapsed() > STEADY { WAIT_FIRST } else { (wait * 2).min(WAIT_LAST) };
        }
        tokio::select! {
            _ = stopped.changed() => return,
            () = tokio::time::sleep(wait) => {}
        }
        starts.fetch_add(1, Ordering::Relaxed);
        match start(&program, &argument).await {
            Ok(engine) => running = Some(engine),
            Err(error) => {
                tracing::error!(%error, "start the ClickHouse engine");
                wait = (wait * 2).min(WAIT_LAST);
            }
        }
    }
}

async fn start(program: &Program, argument: &str) -> Result<Running, EngineError> {
    let failed = |last: String| EngineError::Start { program: program.executable.clone(), last };
    let mut child = Command::new(&program.executable)
        .args(&program.arguments)
        .arg(argument)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        // A Ctrl-C at the terminal is for us alone: the engine must take the last batch before it ends.
        .process_group(0)
        .spawn()
        .map_err(|cause| failed(cause.to_string()))?;
    let stdin = child.stdin.take();
    let (lines, mut last) = mpsc::channel(1);
    if let Some(stderr) = child.stderr.take() {
        tokio::spawn(async move {
            let mut text = BufReader::new(stderr).lines();
            let mut line = String::new();
            while let Ok(Some(next)) = text.next_line().await {
                tracing::warn!(target: "store::engine", "{next}");
                line = next;
            }
            let _ = lines.send(line).await; // read only if the start failed
        });
    }
    let Some(stdout) = child.stdout.take() else { return Err(failed("no standard output".into())) };
    let mut stdout = BufReader::new(stdout).lines();
    match tokio::time::timeout(START_MAX, stdout.next_line()).await {
        Ok(Ok(Some(line))) if line == "ready" => Ok(Running { child, _stdin: stdin }),
        Ok(_) => {
            let line = tokio::time::timeout(Duration::from_secs(1), last.recv()).await.ok().flatten();
            let line = line.filter(|line| !line.is_empty());
            Err(failed(match line {
                Some(line) => line,
                None => how(child.wait().await),
            }))
        }
        Err(_) => Err(failed(format!("it was not ready after {} s", START_MAX.as_secs()))),
    }
}

/// Ends the engine by closing its standard input, by force if it does not go.
async fn end(engine: Running) {
    let Running { mut child, _stdin } = engine;
    drop(_stdin);
    if tokio::time::timeout(STOP_MAX, child.wait()).await.is_err() {
        tracing::warn!("the ClickHouse engine did not stop in {} s and is killed", STOP_MAX.as_secs());
        let _ = child.kill().await; // already gone is as good
    }
}

fn how(ended: std::io::Result<std::process::ExitStatus>) -> String {
    ended.map_or_else(|cause| cause.to_string(), |status| status.to_string())
}

//! `haidang backup`: the installation as it is at one moment, in one folder, beside the running pipeline or without it.
//!
//! The moment lies between two batches: nothing is being stored then, the place in the spool is right for what the store has,
//! and what was acknowledged and is not stored yet is in the spool. The moment is short, for the engine's parts are linked, the
//! spool's files opened and a reading transaction begun; the copying comes after it.

mod folder;
mod gate;
mod manifest;
mod restore;
mod settings;

pub(crate) use gate::Gate;
pub(crate) use restore::{Options as RestoreOptions, run as run_restore};

use crate::bar::Bar;
use crate::config::{Config, Place};
use crate::{pipeline, upgrade};
use anyhow::Context as _;
use collector::spool::{self, Segment};
use folder::Summed;
use manifest::{EventsIn, Manifest};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use store::cases::{Actor, Cases, Copy};
use store::engine::{ServeOptions, Supervisor};
use store::events::{self, Events, Frozen, Target};

/// The name under which tables are frozen; the engine writes other signs than these as a code.
const FROZEN: &str = "haidang_backup";

/// Files of the data folder that an installation needs, beside databases and spool: the pipeline's place in the spool, and
/// what senders know it by. A folder stands for the files in it.
const OWN_FILES: &[&str] = &["position.json", "intake-tls.crt", "intake-tls.key", "files"];

#[derive(clap::Args)]
pub(crate) struct Options {
    /// The folder that the backup is written into: one that does not exist yet, or is empty
    to: PathBuf,
    #[command(flatten)]
    place: Place,
}

pub(crate) fn run(options: &Options) -> anyhow::Result<ExitCode> {
    let config = Config::at(&options.place)?;
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().build().context("start threads")?;
    runtime.block_on(backup(&config, options))
}

async fn backup(config: &Config, options: &Options) -> anyhow::Result<ExitCode> {
    let to = &options.to;
    let data = std::fs::canonicalize(config.data()).with_context(|| {
        format!("find the data folder {}; give --config or --data", config.data().display())
    })?;
    let problems = upgrade::problems(config).await;
    anyhow::ensure!(problems.is_empty(), "{}", problems.join("; "));
    let owner = |path: &Path| std::fs::metadata(path).map(|about| about.uid());
    let (theirs, ours) = (owner(&data).context("look at the data folder")?, owner(Path::new("/proc/self"))?);
    // Another one would not be let in by the engine, and would leave files that the pipeline cannot write.
    anyhow::ensure!(theirs == ours, "{} is user {theirs}'s: run this as that user", data.display());
    let free = folder::is_free(to).with_context(|| format!("look into {}", to.display()))?;
    anyhow::ensure!(free, "{} is not empty: each backup has a folder of its own", to.display());
    let alone = File::create(data.join("backup.lock")).context("make backup.lock in the data folder")?;
    alone.try_lock().map_err(|_| anyhow::anyhow!("another backup of {} is being made", data.display()))?;
    let is_new = !to.exists();
    folder::make(to).with_context(|| format!("make {}", to.display()))?;
    let outcome = match std::fs::canonicalize(to) {
        Ok(to) if to.starts_with(&data) => {
            Err(anyhow::anyhow!("{} is in the data folder: a backup lies elsewhere", to.display()))
        }
        _ => write(config, options, &data).await,
    };
    match outcome {
        Ok(told) => {
            writeln!(std::io::stdout(), "{told}")?;
            Ok(ExitCode::SUCCESS)
        }
        Err(error) => {
            clear(to, is_new);
            Err(error.context("nothing is backed up"))
        }
    }
}

/// Takes away what was written.
fn clear(folder: &Path, is_new: bool) {
    let gone = if is_new {
        std::fs::remove_dir_all(folder)
    } else {
        std::fs::read_dir(folder).and_then(|entries| {
            let ours = entries.map_while(Result::ok).filter(|entry| entry.file_name() != folder::OF_THE_DISK);
            ours.map(|entry| entry.path()).try_for_each(|path| {
                if path.is_dir() { std::fs::remove_dir_all(path) } else { std::fs::remove_file(path) }
            })
        })
    };
    if let Err(error) = gone {
        tracing::warn!("{}: what was written stays: {error}", folder.display());
    }
}

async fn write(config: &Config, options: &Options, data: &Path) -> anyhow::Result<serde_json::Value> {
    let to = &options.to;
    let source = Source::open(config, data).await?;
    let cases = crate::cases::as_they_are(config).await?;
    let by = Actor::system("backup", pipeline::now());
    cases
        .audit(&by, "backup.make", "", "done", &to.display().to_string())
        .await
        .context("note the backup")?;
    let engine = ServeOptions::within(data, &config.store.engine).data;
    events::thaw(&engine, FROZEN).context("take away what a backup that was cut off has frozen")?;
    let moment = Moment::of(config, data, &source.events, &cases).await;
    let told = match moment {
        Ok(moment) => copy(config, options, data, moment, &source.events).await,
        Err(error) => Err(error),
    };
    let thawed = events::thaw(&engine, FROZEN);
    cases.close().await;
    source.close().await;
    thawed.context("take away what was frozen")?;
    told
}

/// Where the events are read from.
struct Source {
    events: Events,
    /// Started for this backup, if nothing runs on the folder.
    engine: Option<Supervisor>,
}

impl Source {
    async fn open(config: &Config, data: &Path) -> anyhow::Result<Source> {
        let limits = config.store.events.clone();
        if let Some(server) = &config.store.server {
            return Ok(Source { events: Events::connect(server.target()?, limits), engine: None });
        }
        let socket = ServeOptions::within(data, &config.store.engine).socket;
        let running = Events::connect(Target::Socket(socket.clone()), limits);
        if running.schema().await.is_ok() {
            return Ok(Source { events: running, engine: None });
        }
        let engine = crate::run::start_engine(config, data).await?;
        if running.schema().await.is_err() {
            running.migrate().await.context("make the events' tables")?; // there were none
        }
        Ok(Source { events: running, engine: Some(engine) })
    }

    async fn close(self) {
        if let Some(engine) = self.engine {
            engine.stop().await;
        }
    }
}

/// Everything as it is between two batches.
struct Moment {
    made: String,
    frozen: Vec<Frozen>,
    segments: Vec<Segment>,
    /// Small files of the data folder with their paths in it.
    files: BTreeMap<String, Vec<u8>>,
    cases: Copy,
    left_out: Vec<String>,
}

impl Moment {
    async fn of(config: &Config, data: &Path, events: &Events, cases: &Cases) -> anyhow::Result<Moment> {
        let gate = Gate::of(data);
        let held = gate.close().with_context(|| format!("lock {} between two batches", data.display()))?;
        let mut left_out = Vec::new();
        // Before the spool: what a position says was read is in it then.
        let mut files = own_files(data)?;
        let segments = if data.join("collector.id").exists() {
            left_out.push("the spool of `haidang collect`: its place is kept by the brokers, and what is in it goes there".to_owned());
            files.remove("position.json");
            Vec::new()
        } else {
            spool::snapshot(&upgrade::spool(config, data))?
        };
        let engine = ServeOptions::within(data, &config.store.engine).data;
        let frozen = match config.store.server {
            Some(_) => Vec::new(),
            None => events.freeze(&engine, FROZEN).await.context("freeze the events' tables")?,
        };
        let cases = cases.copy().await.context("begin to read the cases")?;
        drop(held);
        Ok(Moment { made: jiff::Timestamp::now().to_string(), frozen, segments, files, cases, left_out })
    }
}

fn own_files(data: &Path) -> anyhow::Result<BTreeMap<String, Vec<u8>>> {
    let mut files = BTreeMap::new();
    for name in OWN_FILES {
        let path = data.join(name);
        let failed = || format!("read {}", path.display());
        if path.is_dir() {
            for entry in std::fs::read_dir(&path).with_context(failed)? {
                let entry = entry.with_context(failed)?;
                let inner = entry.file_name().to_string_lossy().into_owned();
                if inner.ends_with(".json") {
                    files
                        .insert(format!("{name}/{inner}"), std::fs::read(entry.path()).with_context(failed)?);
                }
            }
        } else if path.exists() {
            files.insert((*name).to_owned(), std::fs::read(&path).with_context(failed)?);
        }
    }
    Ok(files)
}

async fn copy(
    config: &Config,
    options: &Options,
    data: &Path,
    moment: Moment,
    events: &Events,
) -> anyhow::Result<serde_json::Value> {
    let to = &options.to;
    let mut written = upgrade::Written::ours();
    written.events = events.schema().await.context("ask the events' store for its schema")?;
    written.cases = moment.cases.steps().last().copied().unwrap_or(0);
    let mut manifest = Manifest::new(written, moment.made);
    manifest.left_out = moment.left_out;
    // First: a server ends a transaction in which nothing is asked.
    write_cases(&mut manifest, to, moment.cases).await?;
    for (name, bytes) in moment.files {
        let path = format!("data/{name}");
        let copied = folder::copy(bytes.as_slice(), &to.join(&path))?;
        manifest.list(path, copied);
    }
    for segment in moment.segments {
        let path = format!("spool/{}", segment.name);
        let copied = folder::copy(segment.file.take(segment.bytes), &to.join(&path))?;
        manifest.list(path, copied);
    }
    manifest.events = match &config.store.server {
        Some(server) => {
            let name = format!("haidang-{}", manifest.made.replace([':', '.'], "-"));
            let place = server.backup_place(&name)?;
            events
                .backup_to(&place)
                .await
                .with_context(|| format!("let ClickHouse make its backup {place}"))?;
            EventsIn::Server { place }
        }
        None => EventsIn::Folder { rows: write_events(&mut manifest, to, &moment.frozen)? },
    };
    settings::copy(&mut manifest, options.place.config.as_deref(), data, to)?;
    let sum = manifest.write(to)?;
    for left_out in &manifest.left_out {
        tracing::warn!("not in the backup: {left_out}");
    }
    let (files, bytes) = (manifest.files.len(), manifest.bytes());
    let rows = manifest.cases_rows;
    Ok(serde_json::json!({
        "backup": to, "made": manifest.made, "files": files, "bytes": bytes, "events": manifest.events,
        "cases_rows": rows, "manifest_sha256": sum,
    }))
}

async fn write_cases(manifest: &mut Manifest, to: &Path, cases: Copy) -> anyhow::Result<()> {
    let path = to.join("cases.ndjson");
    let failed = || format!("write {}", path.display());
    let mut out = std::io::BufWriter::with_capacity(1 << 20, Summed::create(&path).with_context(failed)?);
    manifest.cases_rows = cases.write(|line| writeln!(out, "{line}")).await?;
    let out = out.into_inner().map_err(|error| error.into_error()).with_context(failed)?;
    manifest.list("cases.ndjson".to_owned(), out.end().with_context(failed)?);
    Ok(())
}

/// Copies the frozen parts; answers how many rows each table has.
fn write_events(
    manifest: &mut Manifest,
    to: &Path,
    frozen: &[Frozen],
) -> anyhow::Result<BTreeMap<String, u64>> {
    let mut files = Vec::new();
    for table in frozen {
        walk(&table.parts, &format!("events/{}", table.table), &mut files)?;
    }
    let total = files.iter().map(|(_, _, bytes)| bytes).sum();
    let (mut bar, mut done) = (Bar::new(total), 0);
    let mut rows: BTreeMap<String, u64> = frozen.iter().map(|table| (table.table.clone(), 0)).collect();
    for (from, path, bytes) in files {
        let file = File::open(&from).with_context(|| format!("read {}", from.display()))?;
        let copied = folder::copy(file, &to.join(&path))?;
        manifest.list(path.clone(), copied);
        // `events/TABLE/PART/count.txt`; those of projections lie deeper.
        if let ["events", table, _, "count.txt"] = path.split('/').collect::<Vec<_>>()[..] {
            let text = std::fs::read_to_string(&from).with_context(|| format!("read {}", from.display()))?;
            let count: u64 = text.trim().parse().with_context(|| format!("read {}", from.display()))?;
            *rows.entry(table.to_owned()).or_default() += count;
        }
        done += bytes;
        bar.draw(done, " bytes of events");
    }
    bar.end(done, " bytes of events");
    Ok(rows)
}

/// Every file below a folder that may not be there, with its path in the backup and its length.
fn walk(folder: &Path, path: &str, found: &mut Vec<(PathBuf, String, u64)>) -> anyhow::Result<()> {
    let failed = || format!("read {}", folder.display());
    if !folder.exists() {
        return Ok(());
    }
    for entry in std::fs::read_dir(folder).with_context(failed)? {
        let entry = entry.with_context(failed)?;
        let inner = format!("{path}/{}", entry.file_name().to_string_lossy());
        let about = entry.metadata().with_context(failed)?;
        if about.is_dir() {
            walk(&entry.path(), &inner, found)?;
        } else {
            found.push((entry.path(), inner, about.len()));
        }
    }
    Ok(())
}

//! `haidang restore`: a backup into an installation that is empty, whole or not at all.
//!
//! Everything is built in `restoring` in the data folder and moved into place at the end; a start refuses a folder that has it.

use super::folder;
use super::manifest::{EventsIn, Listed, Manifest};
use crate::bar::Bar;
use crate::config::{Config, Place};
use crate::{pipeline, upgrade};
use anyhow::Context as _;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use store::cases::{Actor, Cases, Target};
use store::engine::{Program, ServeOptions, Supervisor};
use store::events::{self, Events};

/// Damaged files that are told one by one.
const TOLD_MAX: usize = 20;

#[derive(clap::Args)]
pub(crate) struct Options {
    /// The folder of the backup
    from: PathBuf,
    /// Only look whether the backup is whole: nothing is written
    #[arg(long)]
    verify: bool,
    #[command(flatten)]
    place: Place,
}

pub(crate) fn run(options: &Options) -> anyhow::Result<ExitCode> {
    let config = Config::at(&options.place)?;
    let (manifest, sum) = Manifest::read(&options.from)?;
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().build().context("start threads")?;
    if !options.verify {
        runtime.block_on(expect_empty(&config))?;
    }
    let damaged = verify(&manifest, &options.from);
    if !damaged.is_empty() {
        let mut out = std::io::stdout().lock();
        for problem in damaged.iter().take(TOLD_MAX) {
            writeln!(out, "{problem}")?;
        }
        tracing::error!(
            damaged = damaged.len(),
            "the backup is damaged and nothing was restored: take another one"
        );
        return Ok(ExitCode::from(1));
    }
    let mut told = serde_json::json!({
        "backup": options.from, "made": manifest.made, "version": manifest.written.version,
        "files": manifest.files.len(), "bytes": manifest.bytes(), "events": manifest.events,
        "cases_rows": manifest.cases_rows, "manifest_sha256": sum,
    });
    if !options.verify {
        runtime.block_on(restore(&config, options, &manifest, &sum))?;
        told["data"] = config.data().display().to_string().into();
        if !manifest.config.is_empty() {
            let places: Vec<_> = manifest.config.values().map(|path| path.display().to_string()).collect();
            tracing::info!(
                "the configuration is in {}: put back what is missing: {}",
                config.data().join("config").display(),
                places.join(", ")
            );
        }
    }
    writeln!(std::io::stdout(), "{told}")?;
    Ok(ExitCode::SUCCESS)
}

/// Refuses a target that has anything.
async fn expect_empty(config: &Config) -> anyhow::Result<()> {
    let data = config.data();
    for folder in [data.clone(), upgrade::spool(config, &data)] {
        let free = folder::is_free(&folder).with_context(|| format!("look into {}", folder.display()))?;
        anyhow::ensure!(
            free,
            "{} is not empty: a backup is restored into a new or empty folder only; nothing was touched",
            folder.display()
        );
    }
    let target = config.cases.target(&data)?;
    let there = Cases::is_there(&target, &config.cases.limits)
        .await
        .with_context(|| format!("look into {target}"))?;
    anyhow::ensure!(
        !there,
        "{target} has tables already: a backup is restored into an empty database only; make another one and name it in cases.url; nothing was touched"
    );
    Ok(())
}

/// What of the backup is not as it was written.
fn verify(manifest: &Manifest, from: &Path) -> Vec<String> {
    let (mut bar, mut done) = (Bar::new(manifest.bytes()), 0);
    let mut damaged = Vec::new();
    for file in &manifest.files {
        match folder::measure(&from.join(&file.path)) {
            Ok(found) if found.sha256 == file.sha256 && found.bytes == file.bytes => {}
            Ok(_) => damaged.push(format!("{}: its SHA-256 is not what the manifest says", file.path)),
            Err(error) => damaged.push(format!("{}: {error:#}", file.path)),
        }
        done += file.bytes;
        bar.draw(done, " bytes verified");
    }
    bar.end(done, " bytes verified");
    damaged
}

async fn restore(config: &Config, options: &Options, manifest: &Manifest, sum: &str) -> anyhow::Result<()> {
    let data = config.data();
    let is_new = !data.exists();
    folder::make(&data).with_context(|| format!("make {}", data.display()))?;
    let data = std::fs::canonicalize(&data).with_context(|| format!("use {}", data.display()))?;
    let mut restoring = Restoring {
        config,
        from: &options.from,
        manifest,
        new: data.join(upgrade::RESTORING),
        spool: Vec::new(),
    };
    let outcome = match restoring.build(&data, sum).await {
        Ok(()) => restoring.settle(&data),
        Err(error) => Err(error),
    };
    outcome.map_err(|error| {
        restoring.clear();
        super::clear(&data, is_new);
        error.context("nothing is restored")
    })
}

struct Restoring<'a> {
    config: &'a Config,
    from: &'a Path,
    manifest: &'a Manifest,
    /// Where it is built.
    new: PathBuf,
    /// What was written into a spool elsewhere.
    spool: Vec<PathBuf>,
}

impl Restoring<'_> {
    async fn build(&mut self, data: &Path, sum: &str) -> anyhow::Result<()> {
        folder::make(&self.new).with_context(|| format!("make {}", self.new.display()))?;
        for (file, rest) in self.manifest.below("data") {
            self.copy(file, &self.new.join(rest))?;
        }
        for (file, _) in self.manifest.below("config") {
            self.copy(file, &self.new.join(&file.path))?;
        }
        let elsewhere = self.config.collector.spool_folder.clone();
        let spool = elsewhere.clone().unwrap_or_else(|| self.new.join("spool"));
        for (file, rest) in self.manifest.below("spool") {
            let to = spool.join(rest);
            if elsewhere.is_some() {
                self.spool.push(to.clone());
            }
            self.copy(file, &to)?;
        }
        upgrade::mark(&self.new)?;
        self.events(data).await?;
        // Last, because a server's database cannot be taken back with the folder.
        self.cases(sum).await
    }

    fn copy(&self, file: &Listed, to: &Path) -> anyhow::Result<()> {
        let from = self.from.join(&file.path);
        let open = File::open(&from).with_context(|| format!("read {}", from.display()))?;
        let copied = folder::copy(open, to)?;
        anyhow::ensure!(copied.sha256 == file.sha256, "{} has changed since it was verified", from.display());
        Ok(())
    }

    async fn events(&self, data: &Path) -> anyhow::Result<()> {
        let limits = self.config.store.events.clone();
        match &self.manifest.events {
            EventsIn::Server { place } => {
                let server = self.config.store.server.as_ref().with_context(|| {
                    format!("the events are in a ClickHouse server's backup {place}: name the server in store.server")
                })?;
                let events = Events::connect(server.target()?, limits);
                events.restore_from(place).await.with_context(|| format!("let ClickHouse restore {place}"))
            }
            EventsIn::Folder { rows } => {
                anyhow::ensure!(
                    self.config.store.server.is_none(),
                    "the events of this backup are the embedded engine's; they are restored without store.server, into that engine"
                );
                let executable = std::env::current_exe().context("find this program's own file")?;
                let program = Program { executable, arguments: vec!["engine".to_owned()] };
                let mut options = ServeOptions::within(&self.new, &self.config.store.engine);
                // The socket's path may not be long.
                options.socket = data.join("engine.sock");
                let engine =
                    Supervisor::start(program, &options).await.context("start the events' engine")?;
                let events = Events::connect(events::Target::Socket(engine.socket().to_owned()), limits);
                let outcome = self.attach(&events, rows).await;
                engine.stop().await;
                outcome
            }
        }
    }

    async fn attach(&self, events: &Events, rows: &BTreeMap<String, u64>) -> anyhow::Result<()> {
        events.migrate_to(self.manifest.written.events).await.context("make the events' tables")?;
        events.stop_merges().await.context("stop merges")?;
        let files: Vec<_> = self.manifest.below("events").collect();
        let total = files.iter().map(|(file, _)| file.bytes).sum();
        let (mut bar, mut done) = (Bar::new(total), 0);
        for (table, count) in rows {
            let detached = events.detached(table).await.with_context(|| format!("find the table {table}"))?;
            let mut parts = BTreeSet::new();
            for (file, rest) in &files {
                let Some((owner, inner)) = rest.split_once('/') else { continue };
                if owner != table {
                    continue;
                }
                self.copy(file, &detached.join(inner))?;
                parts.extend(inner.split_once('/').map(|(part, _)| part));
                done += file.bytes;
                bar.draw(done, " bytes of events");
            }
            for part in parts {
                events.attach(table, part).await.with_context(|| format!("attach {table}/{part}"))?;
            }
            let found = events.rows(table).await.with_context(|| format!("count the rows of {table}"))?;
            anyhow::ensure!(
                found == *count,
                "{table} has {found} rows after the restore, {count} in the backup"
            );
        }
        bar.end(done, " bytes of events");
        Ok(())
    }

    async fn cases(&self, sum: &str) -> anyhow::Result<()> {
        let target = match self.config.cases.target(&self.new)? {
            Target::File(path) => {
                folder::write(&path, b"")?; // an empty file is an empty database, and this one is for this user only
                Target::File(path)
            }
            server @ Target::Server { .. } => server,
        };
        let path = self.from.join("cases.ndjson");
        let file = File::open(&path).with_context(|| format!("read {}", path.display()))?;
        let by = Actor::system("restore", pipeline::now());
        let from = format!("the backup of {}, manifest SHA-256 {sum}", self.manifest.made);
        let lines = BufReader::with_capacity(1 << 20, file).lines();
        let rows = store::cases::restore(&target, &self.config.cases.limits, &by, &from, lines).await?;
        let wanted = self.manifest.cases_rows;
        anyhow::ensure!(rows == wanted, "{rows} rows of the cases are restored, the backup has {wanted}");
        Ok(())
    }

    /// Moves everything into place.
    fn settle(&self, data: &Path) -> anyhow::Result<()> {
        let failed =
            || format!("move {} into place; a database that was filled must be emptied", self.new.display());
        for entry in std::fs::read_dir(&self.new).with_context(failed)? {
            let entry = entry.with_context(failed)?;
            std::fs::rename(entry.path(), data.join(entry.file_name())).with_context(failed)?;
        }
        File::open(data).and_then(|folder| folder.sync_all()).with_context(failed)?;
        std::fs::remove_dir(&self.new).with_context(failed)
    }

    fn clear(&self) {
        for path in &self.spool {
            let _ = std::fs::remove_file(path); // it was not there before
        }
    }
}

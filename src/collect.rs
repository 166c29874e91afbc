//! `haidang collect`: lines in, events to Kafka.
//!
//! The spool forgets a line only when the brokers have its event. Two threads: one reads the spool, parses and enriches;
//! one sends, in one transaction for each batch. One batch waits while another is sent; then the first thread waits and
//! the spool grows.

mod sending;

use crate::config::{Config, Overrides};
use crate::health;
use crate::indicators::Known;
use crate::metrics::{Metrics, Role};
use crate::pipeline;
use crate::progress::Progress;
use crate::registry;
use crate::run;
use anyhow::Context as _;
use collector::enrich::Enricher;
use collector::intake::{self, Ledger, Running};
use collector::spool::{Position, Reader, Spool};
use event::{Event, Field, Raw};
use sending::{Batch, Sending};
use std::net::SocketAddr;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tokio::runtime::Handle;
use tokio::sync::mpsc;

/// How long a collector that was asked to stop goes on sending; the spool keeps what is left then.
const STOP_MAX: Duration = Duration::from_secs(10);

#[derive(clap::Args)]
pub(crate) struct Options {
    #[command(flatten)]
    overrides: Overrides,
    /// Where this process says how it is: `/healthz`, `/readyz`, `/metrics` [default: 127.0.0.1:8081]
    #[arg(long, value_name = "ADDR")]
    health: Option<SocketAddr>,
    /// This collector's number, part of its events' ids, instead of the file's
    #[arg(long, value_name = "0-4095", value_parser = clap::value_parser!(u16).range(0..4096))]
    node: Option<u16>,
}

pub(crate) fn run(options: &Options) -> anyhow::Result<ExitCode> {
    let mut config = Config::load(&options.overrides)?;
    config.health.collect = options.health.unwrap_or(config.health.collect);
    config.pipeline.node = options.node.unwrap_or(config.pipeline.node);
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().build().context("start threads")?;
    let outcome = runtime.block_on(collect(&config));
    runtime.shutdown_timeout(Duration::from_secs(2));
    outcome
}

async fn collect(config: &Config) -> anyhow::Result<ExitCode> {
    let data = crate::upgrade::enter_at_once(config).await?;
    let enricher = run::enricher(config);
    let spool = run::open_spool(config, &data)?;
    let ledger = Arc::new(Ledger::new(run::LEDGER_SOURCES_MAX));
    let stop = Arc::new(AtomicBool::new(false));
    let progress = Arc::new(Progress::default());
    progress.delivery.doubt(); // not ready before the brokers have answered
    let health = health::listen(config.health.collect, metrics(config, &spool, &ledger, &progress)).await?;
    let name = name(&data)?;
    let (give, take) = mpsc::channel(1);
    let sending = Sending {
        kafka: config.kafka.clone(),
        node: config.pipeline.node,
        name: name.clone(),
        spool: Arc::clone(&spool),
        position: Position::open(&data).context("read the place in the spool")?,
        ledger: Arc::clone(&ledger),
        progress: Arc::clone(&progress),
        stop: Arc::clone(&stop),
    };
    // Lines are taken before anything else is asked for: the spool has them, whoever is away.
    let running =
        intake::start(&config.collector.intake, Arc::clone(&spool), Arc::clone(&ledger), &data).await?;
    run::announce(&data, "collect", serde_json::json!({ "collect_health": health }), Some(&running))?;
    let stopping = run::asked_to_stop();
    tokio::pin!(stopping);
    // The registry and the indicators are the cases' database; without one nothing is attributed and nothing is marked.
    let cases = tokio::select! {
        cases = crate::cases::open(config, &data) => cases?,
        _ = &mut stopping => return leave(running, &spool, &data).await,
    };
    let making = Making {
        assets: run::assets(config, &enricher, &cases).await?,
        indicators: Known::follow(cases.clone()).await.context("read the indicators")?,
        config: config.pipeline.clone(),
        spool: Arc::clone(&spool),
        enricher,
        stop: Arc::clone(&stop),
    };
    let (place, begin) = tokio::sync::oneshot::channel();
    let runtime = Handle::current();
    let telling = {
        let (kafka, ledger, stop) = (config.kafka.clone(), Arc::clone(&ledger), Arc::clone(&stop));
        move || {
            if let Err(error) = crate::ledger::tell(&kafka, &name, &ledger, &stop) {
                tracing::error!("tell the ledger: {error:#}");
            }
        }
    };
    let threads = vec![
        std::thread::Builder::new().name("sending".into()).spawn({
            let runtime = runtime.clone();
            move || sending.run(take, place, &runtime)
        })?,
        std::thread::Builder::new().name("making".into()).spawn(move || {
            // Where to begin is the brokers' to say; the spool takes lines meanwhile.
            if let Ok(begin) = begin.blocking_recv() {
                making.run(begin, &give, &runtime);
            }
        })?,
        std::thread::Builder::new().name("telling".into()).spawn(telling)?,
    ];
    stopping.await?;
    let left = leave(running, &spool, &data).await;
    stop.store(true, Ordering::Relaxed);
    run::join(threads).await;
    cases.close().await;
    left
}

/// Takes no more lines; those that were taken are in the spool.
async fn leave(running: Running, spool: &Spool, data: &Path) -> anyhow::Result<ExitCode> {
    tracing::info!("stopping: no new lines are taken, what was taken is sent");
    if tokio::time::timeout(run::INTAKE_STOP_MAX, running.stop()).await.is_err() {
        tracing::warn!("the spool takes no lines; what senders have on the way is left to them");
    }
    spool.close().context("write the last lines to the spool")?;
    let _ = std::fs::remove_file(data.join("collect.json"));
    Ok(ExitCode::SUCCESS)
}

fn metrics(config: &Config, spool: &Arc<Spool>, ledger: &Arc<Ledger>, progress: &Arc<Progress>) -> Metrics {
    let ready = {
        let (spool, progress) = (Arc::clone(spool), Arc::clone(progress));
        move || vec![health::spool(&spool), health::sending(&progress)]
    };
    Metrics {
        role: Role::Collect,
        ready: Arc::new(ready),
        intake: Some((Arc::clone(spool), config.collector.spool.bytes_max, Arc::clone(ledger))),
        progress: Arc::clone(progress),
        contacts: Arc::new(Vec::new),
        started: pipeline::now(),
    }
}

/// The spool's own name, made once: the brokers keep the place in this spool, not in another that came after it.
fn name(data: &Path) -> anyhow::Result<String> {
    let path = data.join("collector.id");
    if let Ok(name) = std::fs::read_to_string(&path)
        && !name.trim().is_empty()
    {
        return Ok(name.trim().to_owned());
    }
    let parts = [pipeline::now().to_string(), std::process::id().to_string(), data.display().to_string()];
    let name = event::derived_id(&parts.each_ref().map(String::as_str)).to_string();
    std::fs::write(&path, &name).with_context(|| format!("write {}", path.display()))?;
    Ok(name)
}

/// Spool → events.
struct Making {
    config: pipeline::Config,
    spool: Arc<Spool>,
    enricher: Enricher,
    assets: Arc<registry::Live>,
    indicators: Arc<Known>,
    stop: Arc<AtomicBool>,
}

impl Making {
    fn run(mut self, begin: u64, give: &mpsc::Sender<Batch>, runtime: &Handle) {
        let mut reader = self.spool.reader(begin);
        let mut asked: Option<Instant> = None;
        // Room for a batch comes before the batch, so that never three of them are in memory.
        while let Ok(room) = runtime.block_on(give.reserve()) {
            let batch = self.gather(&mut reader);
            let stopping = self.stop.load(Ordering::Relaxed);
            let since = stopping.then(|| asked.get_or_insert_with(Instant::now).elapsed());
            let is_end = since.is_some_and(|since| batch.lines == 0 || since >= STOP_MAX);
            if batch.lines > 0 {
                room.send(batch);
            }
            if is_end {
                return;
            }
        }
    }

    /// The next batch: after `batch_ms`, or when it is full. Empty after a second without lines.
    fn gather(&mut self, reader: &mut Reader) -> Batch {
        let mut batch = Batch::default();
        let begun = Instant::now();
        let mut first: Option<Instant> = None;
        loop {
            let stopping = self.stop.load(Ordering::Relaxed);
            let wait = if stopping { Duration::ZERO } else { Duration::from_millis(50) };
            let lines = self.take(reader, &mut batch, wait).unwrap_or_else(|error| {
                tracing::error!("read the spool: {error:#}");
                std::thread::sleep(Duration::from_secs(1)); // a damaged disk is asked again, not hammered
                0
            });
            if batch.lines == 0 {
                if stopping || begun.elapsed() >= Duration::from_secs(1) {
                    return batch;
                }
                continue;
            }
            let since = first.get_or_insert_with(Instant::now).elapsed();
            let full =
                batch.lines >= self.config.batch_lines_max || batch.bytes >= self.config.batch_bytes_max;
            if full || (stopping && lines == 0) || since >= Duration::from_millis(self.config.batch_ms) {
                return batch;
            }
        }
    }

    /// Reads, parses and enriches; says how many lines there were.
    fn take(&mut self, reader: &mut Reader, batch: &mut Batch, wait: Duration) -> anyhow::Result<usize> {
        let lines_max = self.config.batch_lines_max.saturating_sub(batch.lines);
        let bytes_max = self.config.batch_bytes_max.saturating_sub(batch.bytes).max(1);
        let read = reader.next_batch(lines_max, bytes_max, wait)?;
        let (assets, indicators) = (self.assets.current(), self.indicators.current());
        if !Arc::ptr_eq(&assets, self.enricher.assets()) {
            self.enricher.set_assets(assets);
        }
        for record in read.iter() {
            let line = Raw::readable(record.line);
            let mut event = collector::parser::parse(&Raw {
                line: &line,
                id: record.id(self.config.node),
                received: record.received,
                peer: record.peer,
                transport: record.transport,
                tz_offset_s: record.tz_offset_s,
            });
            self.enricher.enrich(&mut event);
            indicators.mark(&mut event);
            let source = pipeline::source(record.peer, record.transport);
            batch.records.push(&key(&source.to_string(), &event), |out| event.write_json(out));
            batch.malformed += u64::from(event.has(Field::ERROR_MESSAGE));
            *batch.lines_of.entry(source).or_default() += 1;
            batch.received.get_or_insert(record.received);
            batch.lines += 1;
            batch.bytes += record.line.len();
            batch.to = record.sequence + 1;
        }
        Ok(read.len())
    }
}

/// Whose order holds: the peer, and the device behind it where a relay sends for many.
fn key(source: &str, event: &Event) -> Vec<u8> {
    let mut key = source.as_bytes().to_vec();
    let device = event.text(Field::OBSERVER_NAME).or_else(|| event.text(Field::HOST_NAME));
    if let Some(device) = device {
        key.push(b' ');
        key.extend_from_slice(device.as_bytes());
    }
    key
}

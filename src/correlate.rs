//! `haidang correlate`: events from Kafka into the store, matched; matches to alerts and incidents.
//!
//! Any number of these share the partitions of `events` (`reading`, `storing`); one of them has the windows (`windows`).

mod order;
mod reading;
mod storing;
mod windows;

use crate::config::{Config, Overrides};
use crate::health::{self, Pulse};
use crate::kafka::{Committer, Consumer, Ends, Producer, Topic};
use crate::metrics::{Metrics, Role};
use crate::progress::Progress;
use crate::rules::Live;
use crate::run;
use anyhow::Context as _;
use correlator::{Correlator, Depth};
use reading::{Ours, Reading};
use std::net::SocketAddr;
use std::path::Path;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use store::cases::Cases;
use store::engine::ServeOptions;
use store::events::{Events, Target};
use storing::Storing;
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use windows::Windows;

#[derive(clap::Args)]
pub(crate) struct Options {
    #[command(flatten)]
    overrides: Overrides,
    /// Where this process says how it is: `/healthz`, `/readyz`, `/metrics` [default: 127.0.0.1:8082]
    #[arg(long, value_name = "ADDR")]
    health: Option<SocketAddr>,
}

pub(crate) fn run(options: &Options) -> anyhow::Result<ExitCode> {
    let mut config = Config::load(&options.overrides)?;
    config.health.correlate = options.health.unwrap_or(config.health.correlate);
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().build().context("start threads")?;
    let outcome = runtime.block_on(correlate(&config));
    runtime.shutdown_timeout(Duration::from_secs(2));
    outcome
}

async fn correlate(config: &Config) -> anyhow::Result<ExitCode> {
    let (rules, hangup) = Live::load(&config.rules)?;
    let data = crate::upgrade::enter(config).await?;
    let laws = config.compliance.load()?;
    let events =
        Events::connect(target(config, &data)?, config.store.events.clone()).under(Arc::clone(&laws));
    let progress = Arc::new(Progress::default());
    let (pulse, readers) = (Pulse::new(), Arc::new(OnceLock::new()));
    pulse.follow_events(events.clone());
    let health = health::listen(config.health.correlate, metrics(&progress, &pulse, &readers)).await?;
    let stopping = run::asked_to_stop();
    tokio::pin!(stopping);
    tokio::select! {
        outcome = wait_for_store(&events) => outcome?,
        _ = &mut stopping => return Ok(ExitCode::SUCCESS),
    }
    let cases = crate::cases::open(config, &data).await?.under(laws);
    pulse.follow_cases(cases.clone());
    let stop = Arc::new(AtomicBool::new(false));
    let (threads, joined) = start(config, &rules, events, &cases, &progress, &stop)?;
    let _ = readers.set(joined); // nobody set them before
    Arc::clone(&rules).read_at_hangup(hangup, config.rules.clone(), Arc::clone(&progress));
    run::announce(&data, "correlate", serde_json::json!({ "correlate_health": health }), None)?;
    stopping.await?;
    stop.store(true, Ordering::Relaxed);
    run::join(threads).await;
    cases.close().await;
    Ok(ExitCode::SUCCESS)
}

fn start(
    config: &Config,
    rules: &Arc<Live>,
    events: Events,
    cases: &Cases,
    progress: &Arc<Progress>,
    stop: &Arc<AtomicBool>,
) -> anyhow::Result<(Vec<std::thread::JoinHandle<()>>, [Committer; 2])> {
    let kafka = &config.kafka;
    let runtime = Handle::current();
    let consumer = Arc::new(Consumer::join(kafka, "haidang-events", Topic::Events)?);
    let (give, take) = mpsc::channel(1);
    let storing = Storing {
        events: events.clone(),
        committer: consumer.committer(),
        producer: Producer::new(kafka)?,
        topic: kafka.topic(Topic::Events),
        gate: crate::backup::Gate::of(&config.data()),
        progress: Arc::clone(progress),
        stop: Arc::clone(stop),
    };
    let reading = Reading {
        consumer,
        rules: Arc::clone(rules),
        correlator: Correlator::new(rules.current(), config.correlator.clone()).up_to(Depth::Matches),
        events,
        config: config.pipeline.clone(),
        progress: Arc::clone(progress),
        stop: Arc::clone(stop),
        give,
        runtime: runtime.clone(),
        ours: Ours::default(),
    };
    let windows = Windows {
        consumer: Consumer::join(kafka, "haidang-windows", Topic::Matches)?,
        ends: Ends::new(kafka, Topic::Events)?,
        producer: Producer::new(kafka)?,
        cases: cases.clone(),
        rules: Arc::clone(rules),
        limits: config.correlator.clone(),
        memory_ms: run::memory_ms(&rules.current(), &config.correlator),
        progress: Arc::clone(progress),
        stop: Arc::clone(stop),
        runtime: runtime.clone(),
    };
    let readers = [reading.consumer.committer(), windows.consumer.committer()];
    let thread = |name: &str| std::thread::Builder::new().name(name.to_owned());
    let threads = vec![
        thread("reading").spawn(move || reading.run())?,
        thread("storing").spawn(move || runtime.block_on(storing.run(take)))?,
        thread("windows").spawn(move || windows.run())?,
    ];
    Ok((threads, readers))
}

fn metrics(progress: &Arc<Progress>, pulse: &Arc<Pulse>, readers: &Arc<OnceLock<[Committer; 2]>>) -> Metrics {
    let contacts = {
        let readers = Arc::clone(readers);
        move || readers.get().into_iter().flatten().map(Committer::contact).collect::<Vec<_>>()
    };
    let ready = {
        let (contacts, progress, pulse) = (contacts.clone(), Arc::clone(progress), Arc::clone(pulse));
        move || {
            let (events, cases) = (pulse.events(Some(&progress.delivery)), pulse.cases(&progress.telling));
            vec![health::reading(&contacts()), events, cases]
        }
    };
    let progress = Arc::clone(progress);
    Metrics {
        role: Role::Correlate,
        ready: Arc::new(ready),
        intake: None,
        progress,
        contacts: Arc::new(contacts),
        started: crate::pipeline::now(),
    }
}

/// The server, or the engine of `haidang serve` with the same data folder.
fn target(config: &Config, data: &Path) -> anyhow::Result<Target> {
    match &config.store.server {
        Some(server) => server.target(),
        None => Ok(Target::Socket(ServeOptions::within(data, &config.store.engine).socket)),
    }
}

/// Waits until the store answers and its tables are up to date.
async fn wait_for_store(events: &Events) -> anyhow::Result<()> {
    let mut is_told = false;
    while let Err(error) = events.client().query_raw("SELECT 1").fetch_one::<u8>().await {
        if !is_told {
            tracing::warn!("the store does not answer ({error}); waiting for it");
            is_told = true;
        }
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
    events.migrate().await.context("bring the events' tables up to date")
}

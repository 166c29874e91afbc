//! `haidang run`: everything on one machine.

use crate::config::{self, Config, Overrides};
use crate::partners::Partners;

use crate::pipeline::Pipeline;
use crate::progress::Progress;
use crate::registry;
use crate::rules::Live;
use crate::web::{self, Parts};
use anyhow::Context as _;
use collector::enrich::Enricher;
use collector::intake::{self, Ledger, Running};
use collector::spool::Spool;
use correlator::{Correlator, RuleSet};
use event::{Time, Transport};
use std::io::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use store::cases::Cases;
use store::engine::{Program, ServeOptions, Supervisor};
use store::events::{Events, Target};
use tokio::signal::unix::{SignalKind, signal};

/// Sources that the ledger tells apart; more share one account.
pub(crate) const LEDGER_SOURCES_MAX: usize = 10_000;

/// How long intake may take to hand over what it has read when the spool refuses lines.
pub(crate) const INTAKE_STOP_MAX: Duration = Duration::from_secs(5);

#[derive(clap::Args)]
pub(crate) struct Options {
    #[command(flatten)]
    overrides: Overrides,
}

pub(crate) fn run(options: &Options) -> anyhow::Result<ExitCode> {
    let config = Config::load(&options.overrides)?;
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().build().context("start threads")?;
    let outcome = runtime.block_on(serve(&config));
    // A request that hangs does not keep the process: all that must be done was awaited above.
    runtime.shutdown_timeout(Duration::from_secs(2));
    outcome
}

async fn serve(config: &Config) -> anyhow::Result<ExitCode> {
    let (rules, hangup) = Live::load(&config.rules)?;
    let data = crate::upgrade::enter(config).await?;
    let enricher = enricher(config);
    let spool = open_spool(config, &data)?;

    let engine = start_engine(config, &data).await?;
    let laws = config.compliance.load()?;
    let events = Events::connect(Target::Socket(engine.socket().to_owned()), config.store.events.clone());
    let events = events.under(Arc::clone(&laws));
    events.migrate().await.context("bring the events' tables up to date")?;
    let cases = open_cases(config, &data, laws, &events).await?;
    let ledger = Arc::new(Ledger::new(LEDGER_SOURCES_MAX));
    let progress = Arc::new(Progress::default());
    let stop = Arc::new(AtomicBool::new(false));
    let threads = Pipeline {
        config: config.pipeline.clone(),
        spool: Arc::clone(&spool),
        assets: assets(config, &enricher, &cases).await?,
        enricher,
        indicators: crate::indicators::Known::follow(cases.clone()).await.context("read the indicators")?,
        correlator: Correlator::new(rules.current(), config.correlator.clone()),
        memory_ms: memory_ms(&rules.current(), &config.correlator),
        rules: Arc::clone(&rules),
        ledger: Arc::clone(&ledger),
        events: events.clone(),
        cases: cases.clone(),
        folder: data.clone(),
        progress: Arc::clone(&progress),
        stop: Arc::clone(&stop),
        stored: std::collections::HashSet::new(),
    }
    .start()
    .await?;
    Arc::clone(&rules).read_at_hangup(hangup, config.rules.clone(), Arc::clone(&progress));
    let running =
        intake::start(&config.collector.intake, Arc::clone(&spool), Arc::clone(&ledger), &data).await?;

    partners(config, &events, &cases);
    let listener = listen(config.api.address).await?;
    let told = serde_json::json!({ "api": listener.local_addr()? });
    let parts = Parts::new(config, events, cases.clone(), rules);
    let spool_bytes_max = config.collector.spool.bytes_max;
    let intake = web::Intake { spool: Arc::clone(&spool), spool_bytes_max, ledger, progress };
    let state = web::state(parts, intake);
    let (close, closed) = tokio::sync::oneshot::channel::<()>();
    let shutdown = async { closed.await.unwrap_or_default() }; // either way it is time to stop
    let server = tokio::spawn(api::serve(listener, api::router(state), shutdown));
    announce(&data, "run", told, Some(&running))?;

    asked_to_stop().await?;
    tracing::info!("stopping: no new lines are taken, what was taken is stored");
    if tokio::time::timeout(INTAKE_STOP_MAX, running.stop()).await.is_err() {
        tracing::warn!("the spool takes no lines; what senders have on the way is left to them");
    }
    spool.close().context("write the last lines to the spool")?;
    stop.store(true, Ordering::Relaxed);
    join(threads).await;
    let _ = close.send(()); // the server is gone only if it failed, which the log tells
    let _ = tokio::time::timeout(Duration::from_secs(5), server).await;
    cases.close().await;
    engine.stop().await;
    let _ = std::fs::remove_file(data.join("run.json"));
    Ok(ExitCode::SUCCESS)
}

/// Starts what is sent to others and fetched from them by itself. A key that is gone keeps no log line from being taken.
pub(crate) fn partners(config: &Config, events: &Events, cases: &Cases) {
    let partners = Partners { config: config.exchange.clone(), events: events.clone(), cases: cases.clone() };
    if let Err(error) = partners.start() {
        tracing::error!("nothing is exchanged with others: {error:#}");
    }
}

pub(crate) async fn listen(address: SocketAddr) -> anyhow::Result<tokio::net::TcpListener> {
    let bound = tokio::net::TcpListener::bind(address).await;
    bound.with_context(|| format!("serve API and dashboards on {address}; is another program on it?"))
}

/// Waits until the pipeline has stored what the spool holds.
pub(crate) async fn join(threads: Vec<std::thread::JoinHandle<()>>) {
    for thread in threads {
        let _ = tokio::task::spawn_blocking(move || thread.join()).await; // a thread that panicked has said so
    }
}

/// Completes at SIGTERM or SIGINT.
pub(crate) async fn asked_to_stop() -> std::io::Result<()> {
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(())
}

/// Makes the data folder, for this user only.
pub(crate) fn prepare(data: &Path) -> anyhow::Result<PathBuf> {
    use std::os::unix::fs::DirBuilderExt as _;
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(data)
        .with_context(|| format!("make the data folder {}", data.display()))?;
    std::fs::canonicalize(data).with_context(|| format!("use the data folder {}", data.display()))
}

/// The table of assets: of the collector's own file if it has one, else of the registry, followed.
pub(crate) async fn assets(
    config: &Config,
    enricher: &Enricher,
    cases: &Cases,
) -> anyhow::Result<Arc<registry::Live>> {
    match &config.collector.enrich.assets {
        Some(_) => Ok(registry::Live::fixed(Arc::clone(enricher.assets()))),
        None => registry::Live::following(cases.clone()).await.context("read the registry"),
    }
}

pub(crate) fn enricher(config: &Config) -> Enricher {
    let (enricher, warnings) = Enricher::load(&config.collector.enrich);
    for warning in warnings {
        tracing::warn!("{warning}");
    }
    enricher
}

/// Opens the spool. What a crash damaged is in quarantine, and the log says so.
pub(crate) fn open_spool(config: &Config, data: &Path) -> anyhow::Result<Arc<Spool>> {
    let folder = config.collector.spool_folder.clone().unwrap_or_else(|| data.join("spool"));
    let (spool, recovery) = Spool::open(&folder, &config.collector.spool)?;
    tracing::info!(records = recovery.records, damaged = recovery.damage.len(), "the spool is open");
    Ok(Arc::new(spool))
}

pub(crate) async fn start_engine(config: &Config, data: &Path) -> anyhow::Result<Supervisor> {
    let executable = std::env::current_exe().context("find this program's own file")?;
    let program = Program { executable, arguments: vec!["engine".to_owned()] };
    let options = ServeOptions::within(data, &config.store.engine);
    Supervisor::start(program, &options).await.context("start the events' engine")
}

/// Opens the cases under these rules of law, sees to it that somebody can sign in, and to what must be done now and then.
pub(crate) async fn open_cases(
    config: &Config,
    data: &Path,
    laws: Arc<::compliance::RuleSets>,
    events: &Events,
) -> anyhow::Result<Cases> {
    let cases = crate::cases::open(config, data).await?.under(laws);
    first_user(&cases).await?;
    crate::compliance::follow(cases.clone(), events.clone()).await?;
    crate::housekeeping::start(cases.clone());
    Ok(cases)
}

/// On the first run there is no user: one is made, and its password, unless given, is printed this once.
pub(crate) async fn first_user(cases: &Cases) -> anyhow::Result<()> {
    let now = Time(jiff::Timestamp::now().as_millisecond());
    let made = cases.ensure_admin(config::admin_password(), now).await.context("make the first user")?;
    if let Some(password) = made {
        let mut out = std::io::stdout().lock();
        writeln!(
            out,
            "\n  First run. Sign in as `admin` with this one-time password, shown only now:\n\n      {}\n",
            password.0
        )?;
        out.flush()?;
    }
    Ok(())
}

/// How far back stored matches can still matter.
pub(crate) fn memory_ms(rules: &RuleSet, limits: &correlator::Limits) -> i64 {
    rules
        .longest_window_ms()
        .max(limits.incident_gap_ms)
        .saturating_add(limits.lateness_of_ms.values().copied().fold(limits.lateness_ms, i64::max))
        .saturating_add(3_600_000)
}

/// Writes `<role>.json`: where this process listens, for scripts and tests that asked for any free port.
pub(crate) fn announce(
    data: &Path,
    role: &str,
    mut told: serde_json::Value,
    running: Option<&Running>,
) -> anyhow::Result<()> {
    told["pid"] = std::process::id().into();
    let transports = [("udp", Transport::Udp), ("tcp", Transport::Tcp), ("tls", Transport::Tls)];
    for (name, wanted) in running.iter().flat_map(|_| transports) {
        let all = running.iter().flat_map(|running| running.addresses());
        let of = all.filter(|(transport, _)| *transport == wanted).map(|(_, address)| address.to_string());
        told[name] = of.collect::<Vec<_>>().into();
    }
    tracing::info!(%told, "ready");
    let fresh = data.join(format!("{role}.json.new"));
    std::fs::write(&fresh, told.to_string())
        .and_then(|()| std::fs::rename(&fresh, data.join(format!("{role}.json"))))
        .with_context(|| format!("write {role}.json"))
}

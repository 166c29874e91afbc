//! `haidang rules backtest`: what rules would have said of stored events.
//!
//! The events come back from the store exactly as they were, in the order of the spool, and pass the correlator with
//! the limits that `run` has: the alerts are those that `run` would have raised, byte for byte. Beside a living `run`
//! they are read through its engine; otherwise an engine is started for as long as this takes. Events that meet no rule
//! change nothing in the correlator, so the store is asked for candidates only, where the rules can say what they need.

use super::Where;
use crate::alerts::Alerts;
use crate::bar::Bar;
use crate::config::{Config, Place};
use anyhow::Context as _;
use correlator::{Correlator, Output, RuleSet};
use event::{Candidates, Event, Time};
use std::io::Write as _;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};
use store::engine::{ServeOptions, Supervisor};
use store::events::{Events, EventsError, Replay, Target};
use store::query::Query;
use tokio::sync::mpsc;

/// Events that are in memory at once, twice: those being asked about, and those being read.
const ROWS_MAX: u64 = 50_000;
/// How long one query may take, in seconds: nobody waits at a screen, and a year is counted in one.
const QUERY_S_MAX: u64 = 3600;
/// Events between two looks at the bar.
const DRAW_EVERY: usize = 4096;
/// What a shell expects of a program that was interrupted.
const INTERRUPTED: u8 = 130;

/// What `haidang rules backtest` takes.
#[derive(clap::Args)]
pub(crate) struct Options {
    #[command(flatten)]
    rules: Where,
    /// Events from this time on (RFC 3339), by the time that they tell
    #[arg(long, value_name = "TIME")]
    from: String,
    /// Events before this time; now, if not given
    #[arg(long, value_name = "TIME")]
    to: Option<String>,
    /// Read every event, also those that the store can tell meet no rule: slower, and the answer is the same
    #[arg(long)]
    whole: bool,
    #[command(flatten)]
    place: Place,
}

pub(super) fn run(options: &Options) -> anyhow::Result<ExitCode> {
    let config = Config::at(&options.place)?;
    let from = moment("--from", &options.from)?;
    let to = match &options.to {
        Some(text) => moment("--to", text)?,
        None => Time(jiff::Timestamp::now().as_millisecond()),
    };
    anyhow::ensure!(from < to, "--from {from} is not before --to {to}");
    let files = if options.rules.is_given() { options.rules.files()? } else { super::files(&config.rules)? };
    let (rules, problems) = RuleSet::compile_what_can(&files);
    for problem in &problems {
        tracing::error!("{problem}");
    }
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().build().context("start threads")?;
    let done = runtime.block_on(replayed(&config, Arc::new(rules), (from, to), options.whole));
    runtime.shutdown_timeout(Duration::from_secs(2));
    let Some(alerts) = done? else {
        tracing::warn!("interrupted: nothing is written, because what is missing would look like silence");
        return Ok(ExitCode::from(INTERRUPTED));
    };
    let mut stdout = std::io::BufWriter::with_capacity(1 << 18, std::io::stdout().lock());
    if let Err(error) = alerts.write(&mut stdout).and_then(|()| stdout.flush()) {
        return crate::parse::closed(error);
    }
    Ok(if problems.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

fn moment(option: &str, text: &str) -> anyhow::Result<Time> {
    Time::parse(text).with_context(|| format!("{option} {text}: not an RFC 3339 time"))
}

/// The alerts of the range, or none if somebody pressed Ctrl-C.
async fn replayed(
    config: &Config,
    rules: Arc<RuleSet>,
    range: (Time, Time),
    whole: bool,
) -> anyhow::Result<Option<Alerts>> {
    let (events, engine) = beside(config).await?;
    let outcome = tokio::select! {
        outcome = backtest(config, &events, rules, range, whole) => match outcome {
            // Ctrl-C reaches the engine too, which may be gone before we hear of it.
            Err(error) => match tokio::time::timeout(Duration::from_millis(300), tokio::signal::ctrl_c()).await {
                Ok(_) => Ok(None),
                Err(_) => Err(error),
            },
            done => done.map(Some),
        },
        _ = tokio::signal::ctrl_c() => Ok(None),
    };
    if let Some(engine) = engine {
        engine.stop().await;
    }
    outcome
}

/// The store beside a living `run`, or with an engine of our own.
pub(crate) async fn beside(config: &Config) -> anyhow::Result<(Events, Option<Supervisor>)> {
    let data = config.data();
    let data = std::fs::canonicalize(&data)
        .with_context(|| format!("use the data folder {}; is it that of `haidang run`?", data.display()))?;
    let socket = ServeOptions::within(&data, &config.store.engine).socket;
    let mut limits = config.store.events.clone();
    limits.query_s_max = limits.query_s_max.max(QUERY_S_MAX);
    // Asked, not only called: the socket of a process that is being killed still takes calls.
    let beside = Events::connect(Target::Socket(socket), limits.clone());
    if beside.client().query_raw("SELECT 1").fetch_one::<u8>().await.is_ok() {
        tracing::info!("`haidang run` is at work here; its engine is asked");
        return Ok((beside, None));
    }
    let engine = crate::run::start_engine(config, &data).await?;
    let events = Events::connect(Target::Socket(engine.socket().to_owned()), limits);
    events.migrate().await.context("bring the events' tables up to date")?;
    Ok((events, Some(engine)))
}

async fn backtest(
    config: &Config,
    events: &Events,
    rules: Arc<RuleSet>,
    (from, to): (Time, Time),
    whole: bool,
) -> anyhow::Result<Alerts> {
    let begun = Instant::now();
    let all = events.count(from, to, &Query::default()).await.context("count the stored events")?;
    // Beyond the limits only matches move anything in the correlator, so what meets no rule need not be read.
    let candidates = if whole { Candidates::Every } else { rules.candidates() };
    let replay = events
        .replay((from, to), &candidates, ROWS_MAX)
        .await
        .context("look for candidates among the events")?;
    let mut bar = Bar::new(replay.total());
    let mut correlator = Correlator::new(rules, config.correlator.clone());
    let (mut alerts, mut output) = (Alerts::default(), Output::default());
    let (mut seen, mut matches) = (0, 0);
    let mut read = reading(replay);
    while let Some(slice) = read.recv().await {
        for some in slice.context("read stored events")?.chunks(DRAW_EVERY) {
            for event in some {
                correlator.process(event, &mut output);
            }
            seen += some.len() as u64;
            matches += output.matches.drain(..).count();
            alerts.take(&mut output);
            bar.draw(seen, &format!(", {matches} matches, {} alerts", alerts.len()));
        }
        correlator.flush(&mut output);
        alerts.take(&mut output);
    }
    correlator.flush(&mut output);
    alerts.take(&mut output);
    bar.end(seen, &format!(", {matches} matches, {} alerts", alerts.len()));
    let seconds = begun.elapsed().as_secs_f64();
    let counters = correlator.counters();
    tracing::info!(
        events = all,
        candidates = seen,
        matches,
        alerts = alerts.len(),
        seconds,
        late = counters.late,
        "backtest"
    );
    Ok(alerts)
}

/// Reads one slice ahead.
fn reading(mut replay: Replay) -> mpsc::Receiver<Result<Vec<Event>, EventsError>> {
    let (give, take) = mpsc::channel(1);
    tokio::spawn(async move {
        while let Some(slice) = replay.next().await.transpose() {
            let failed = slice.is_err();
            if give.send(slice).await.is_err() || failed {
                return;
            }
        }
    });
    take
}

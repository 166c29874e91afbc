//! `haidang indicators`: what others warn of, taken in and looked for; and the table that `run` marks events by.

use crate::config::Place;
use anyhow::Context as _;
use correlator::Indicators;
use event::{Raw, Time};
use std::io::{BufRead as _, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;
use store::cases::{Actor, Cases, IndicatorFilter, Loaded};

/// Indicators that are kept; each takes about 150 bytes in memory.
pub(crate) const COUNT_MAX: u32 = 5_000_000;
/// Indicators that are stored in one transaction.
const STORED_AT_ONCE: usize = 20_000;
/// The largest file that is read.
const FILE_BYTES_MAX: u64 = 2 << 30;
/// How often `run` asks whether there are others.
const ASKED_EVERY: Duration = Duration::from_secs(1);
/// For so many questions it waits for a load of many parts to end, instead of reading all of them after each part.
const QUESTIONS_MAX: u32 = 15;

#[derive(clap::Args)]
pub(crate) struct Options {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    /// Takes indicators in from files (STIX 2.1, or NDJSON with `value` and what else is known); a pipeline that runs meets them within seconds
    Load(Load),
    /// Lines on stdin → the events that meet an indicator, one JSON line each
    Match(Match),
}

#[derive(clap::Args)]
struct Load {
    #[command(flatten)]
    place: Place,
    /// Who warns, where a file does not say
    #[arg(long, default_value = "local")]
    source: String,
    /// Files
    #[arg(required = true)]
    files: Vec<PathBuf>,
}

#[derive(clap::Args)]
struct Match {
    /// Files with indicators
    #[arg(long = "indicators", required = true)]
    files: Vec<PathBuf>,
    /// When the lines count as received (RFC 3339). Now, if not given
    #[arg(long, value_name = "TIME")]
    received: Option<String>,
}

pub(crate) fn run(options: &Options) -> anyhow::Result<ExitCode> {
    match &options.command {
        Command::Load(options) => load(options),
        Command::Match(options) => match_lines(options),
    }
}

fn now() -> Time {
    Time(jiff::Timestamp::now().as_millisecond())
}

/// Reads a file and says what of it was not understood.
fn read(path: &PathBuf, source: &str, refused: &mut usize) -> anyhow::Result<exchange::stix::Imported> {
    let size = std::fs::metadata(path).with_context(|| format!("read {}", path.display()))?.len();
    anyhow::ensure!(size <= FILE_BYTES_MAX, "{}: larger than {FILE_BYTES_MAX} bytes", path.display());
    let text = std::fs::read_to_string(path).with_context(|| format!("read {}", path.display()))?;
    let read = exchange::read_list(&text, source, now())
        .map_err(|why| anyhow::anyhow!("{}: {why}", path.display()))?;
    *refused += read.refused.len();
    for one in read.refused.iter().take(20) {
        tracing::warn!("{}: {}: {}", path.display(), one.object, one.why);
    }
    if read.refused.len() > 20 {
        tracing::warn!("{}: and {} more", path.display(), read.refused.len() - 20);
    }
    Ok(read)
}

fn load(options: &Load) -> anyhow::Result<ExitCode> {
    let (mut done, mut refused) = (Loaded::default(), 0);
    crate::cases::with(&options.place, async |cases| {
        for file in &options.files {
            let read = read(file, &options.source, &mut refused)?;
            let by = Actor::system("indicators load", now());
            let name = file.file_name().unwrap_or_default().to_string_lossy();
            let mut bar = crate::bar::Bar::new(read.indicators.len() as u64);
            let mut stored = 0;
            let mut parts = read.indicators.chunks(STORED_AT_ONCE).peekable();
            let mut revoked = read.revoked.as_slice();
            while parts.peek().is_some() || !revoked.is_empty() {
                let part = parts.next().unwrap_or_default();
                let more = cases.load_indicators(&by, &name, part, revoked, COUNT_MAX).await?;
                revoked = &[];
                done.new += more.new;
                done.changed += more.changed;
                done.removed += more.removed;
                stored += part.len() as u64;
                bar.draw(stored, "");
            }
            bar.end(stored, "");
        }
        anyhow::Ok(())
    })??;
    let text = serde_json::json!({ "new": done.new, "changed": done.changed, "removed": done.removed, "refused": refused });
    writeln!(std::io::stdout(), "{text}")?;
    Ok(if refused > 0 { ExitCode::from(1) } else { ExitCode::SUCCESS })
}

fn match_lines(options: &Match) -> anyhow::Result<ExitCode> {
    let received = match &options.received {
        Some(text) => {
            Time::parse(text).with_context(|| format!("--received {text}: not an RFC 3339 time"))?
        }
        None => now(),
    };
    let (mut table, mut refused) = (Indicators::default(), 0);
    for file in &options.files {
        for indicator in &read(file, "local", &mut refused)?.indicators {
            table.add(indicator);
        }
    }
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    let mut stdin = std::io::stdin().lock();
    let (mut line, mut number, mut written) = (Vec::new(), 0, Vec::new());
    loop {
        line.clear();
        if stdin.read_until(b'\n', &mut line).context("read stdin")? == 0 {
            break;
        }
        number += 1;
        let text = Raw::readable(line.trim_ascii_end());
        let mut event = collector::parser::parse(&Raw::stdin(&text, received, number));
        if table.mark(&mut event) {
            written.clear();
            event.write_json(&mut written);
            written.push(b'\n');
            if let Err(error) = out.write_all(&written) {
                return crate::parse::closed(error);
            }
        }
    }
    if let Err(error) = out.flush() {
        return crate::parse::closed(error);
    }
    Ok(if refused > 0 { ExitCode::from(1) } else { ExitCode::SUCCESS })
}

/// The indicators in force. The pipeline takes over others before the next line that it reads.
pub(crate) struct Known(RwLock<Arc<Indicators>>);

impl Known {
    /// Reads the indicators, and reads them again whenever others were taken in.
    ///
    /// # Errors
    /// The database refused.
    pub(crate) async fn follow(cases: Cases) -> anyhow::Result<Arc<Known>> {
        let (mut revision, _) = cases.indicators_revision().await?;
        let known = Arc::new(Known(RwLock::new(Arc::new(all(&cases).await?))));
        let kept = Arc::clone(&known);
        tokio::spawn(async move {
            let (mut before, mut questions) = (revision, 0);
            loop {
                tokio::time::sleep(ASKED_EVERY).await;
                let Ok((now, _)) = cases.indicators_revision().await else { continue };
                if now == revision {
                    continue;
                }
                questions += 1;
                if std::mem::replace(&mut before, now) != now && questions < QUESTIONS_MAX {
                    continue;
                }
                questions = 0;
                match all(&cases).await {
                    Ok(indicators) => {
                        tracing::info!(indicators = indicators.len(), "indicators are read again");
                        *kept.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(indicators);
                        revision = now;
                    }
                    Err(error) => tracing::error!("the indicators in force stay: {error:#}"),
                }
            }
        });
        Ok(known)
    }

    pub(crate) fn current(&self) -> Arc<Indicators> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }
}

async fn all(cases: &Cases) -> anyhow::Result<Indicators> {
    let (mut table, mut after) = (Indicators::default(), None);
    loop {
        let (page, next) = cases.find_indicators(&IndicatorFilter::default(), after.as_ref(), 10_000).await?;
        let left_out = page.iter().filter(|one| !table.add(one)).count();
        if left_out > 0 {
            tracing::warn!(left_out, "indicators for which there is no room");
        }
        after = next;
        if after.is_none() {
            return Ok(table);
        }
    }
}

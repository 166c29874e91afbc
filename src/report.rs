//! `haidang report`: documents in administrative form from the command line.

use crate::config::{Config, Place};
use ::compliance::{Assessment, Date, Period};
use ::report::Scope;
use anyhow::Context as _;
use api::{Document, Documents, Format};
use clap::Subcommand;
use event::Time;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;
use store::cases::{Actor, Cases};

#[derive(clap::Args)]
pub(crate) struct Options {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// The law's form for an incident; mandatory fields without an answer are listed, and the exit code is 1
    Incident {
        /// The incident's number or id
        incident: String,
        /// 03 (what is known at first) or 04 (the end of the response)
        #[arg(long, default_value = "03", value_parser = form)]
        form: ::report::FormId,
        #[command(flatten)]
        out: Out,
        #[command(flatten)]
        place: Place,
    },
    /// What happened in a week, a month or a quarter, beside the one before
    Bulletin {
        /// 2026-W48, 2026-11 or 2026-Q4; or week, month, quarter for the last that is over
        #[arg(long, default_value = "week")]
        period: String,
        #[command(flatten)]
        out: Out,
        #[command(flatten)]
        place: Place,
    },
    /// How far what the law asks of each level is met: a document (docx), a workbook (xlsx) or data (json)
    Compliance {
        /// The first day [default: the first of the month]
        #[arg(long, value_name = "DAY", value_parser = day)]
        from: Option<Date>,
        /// The last day [default: today]
        #[arg(long, value_name = "DAY", value_parser = day)]
        to: Option<Date>,
        /// An assessment, as `GET /api/v1/compliance/assessment` answers it, instead of one of the stores
        #[arg(long, value_name = "FILE", conflicts_with_all = ["from", "to"])]
        assessment: Option<PathBuf>,
        /// Of the systems of this level, 0 to 5 (0: not determined)
        #[arg(long, conflicts_with_all = ["unit", "system"], value_parser = clap::value_parser!(u8).range(0..=5))]
        level: Option<u8>,
        /// Of this unit and its systems
        #[arg(long, conflicts_with = "system")]
        unit: Option<String>,
        /// Of this system
        #[arg(long)]
        system: Option<String>,
        #[command(flatten)]
        out: Out,
        #[command(flatten)]
        place: Place,
    },
}

/// As what, and where to.
#[derive(clap::Args)]
struct Out {
    /// docx or json; xlsx of a compliance report
    #[arg(long, default_value = "docx", value_parser = format)]
    format: Format,
    /// The moment that the document tells as its own (RFC 3339) [default: now]
    #[arg(long, value_name = "TIME", value_parser = moment)]
    at: Option<Time>,
    /// Where to write it [default: stdout]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

fn form(text: &str) -> Result<::report::FormId, String> {
    ::report::FormId::by_name(text).ok_or_else(|| "03 or 04".to_owned())
}

fn format(text: &str) -> Result<Format, String> {
    Format::by_name(text).ok_or_else(|| "docx, xlsx or json".to_owned())
}

fn day(text: &str) -> Result<Date, String> {
    text.parse().map_err(|_| "a day, as 2026-11-30".to_owned())
}

fn moment(text: &str) -> Result<Time, String> {
    Time::parse(text).ok_or_else(|| "an RFC 3339 time, as 2026-11-23T08:00:00Z".to_owned())
}

pub(crate) fn run(options: &Options) -> anyhow::Result<ExitCode> {
    let (Action::Incident { place, out, .. }
    | Action::Bulletin { place, out, .. }
    | Action::Compliance { place, out, .. }) = &options.action;
    let config = Config::at(place)?;
    let now = Time(jiff::Timestamp::now().as_millisecond());
    let by = Actor::system("report", now);
    let made = out.at.unwrap_or(now);
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().build().context("start threads")?;
    let document = runtime.block_on(async {
        let cases = crate::cases::existing(&config).await?;
        let documents =
            Documents { cases: &cases, organisation: &config.exchange.organisation, config: &config.report };
        let document = match &options.action {
            Action::Incident { incident, form, .. } => {
                let id = id(&cases, incident).await?;
                let document = documents.incident(&by, &id, (*form, out.format), made).await;
                document.with_context(|| format!("incident {incident}"))
            }
            Action::Bulletin { period, .. } => {
                bulletin(&config, documents, &by, (period, out.format), made).await
            }
            Action::Compliance { from, to, assessment, level, unit, system, .. } => {
                let scope = match (level, unit, system) {
                    (Some(level), _, _) => Scope::Level(*level),
                    (_, Some(unit), _) => Scope::Unit(unit.clone()),
                    (_, _, Some(system)) => Scope::System(system.clone()),
                    _ => Scope::Province,
                };
                let assessment = match assessment {
                    Some(file) => read(file),
                    None => assess(&config, &cases, (*from, *to), made).await,
                };
                let asked = (&scope, out.format);
                let document = documents.compliance(&by, assessment?, asked, made).await;
                document.context("make the report")
            }
        };
        cases.close().await;
        document
    });
    runtime.shutdown_timeout(Duration::from_secs(2));
    let document = document?;
    write(out.output.as_deref(), &document.bytes)?;
    for key in &document.missing {
        tracing::warn!("mandatory field without an answer: {key}");
    }
    Ok(if document.missing.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

async fn bulletin(
    config: &Config,
    documents: Documents<'_>,
    by: &Actor,
    (period, format): (&str, Format),
    made: Time,
) -> anyhow::Result<Document> {
    let period = api::period(period, made).with_context(|| {
        format!("--period {period}: as 2026-W48, 2026-11 or 2026-Q4, or week, month, quarter")
    })?;
    let rules = crate::rules::load(&config.rules)?;
    let layer = |meta: &correlator::Meta| Some((meta.id.clone(), meta.layer?.to_string()));
    let layers = rules.metas().filter_map(layer).collect();
    let (events, engine) = crate::rules::beside(config).await?;
    let document = documents.bulletin(by, &events, layers, (period, format), made).await;
    if let Some(engine) = engine {
        engine.stop().await;
    }
    document.context("make the bulletin")
}

/// What the stores say of a period, as known at that moment.
async fn assess(
    config: &Config,
    cases: &Cases,
    (from, to): (Option<Date>, Option<Date>),
    made: Time,
) -> anyhow::Result<Assessment> {
    let max = Period::DAYS_MAX;
    let period = Period::asked(from, to, ::compliance::day_of(made))
        .with_context(|| format!("from --from to --to there are 1 to {max} days"))?;
    let cases = cases.clone().under(config.compliance.load()?);
    let (events, engine) = crate::rules::beside(config).await?;
    let assessment = store::assess(&cases, &events, period, made).await;
    if let Some(engine) = engine {
        engine.stop().await;
    }
    assessment.context("assess the period")
}

fn read(file: &Path) -> anyhow::Result<Assessment> {
    let text = std::fs::read(file).with_context(|| format!("read {}", file.display()))?;
    serde_json::from_slice(&text).with_context(|| format!("{}: no assessment", file.display()))
}

/// The id behind a number as people say it.
async fn id(cases: &Cases, told: &str) -> anyhow::Result<String> {
    let Ok(number) = told.trim_start_matches('#').parse::<i64>() else { return Ok(told.to_owned()) };
    let (id, now) = cases.numbered(number).await?.with_context(|| format!("no incident {number}"))?;
    if now != number {
        tracing::warn!("incident {number} has become part of incident {now}; the report is of that one");
    }
    Ok(id)
}

/// Writes a document whole or not at all.
fn write(output: Option<&Path>, bytes: &[u8]) -> anyhow::Result<()> {
    let Some(path) = output else {
        return std::io::stdout().write_all(bytes).context("write the document");
    };
    let mut fresh = path.as_os_str().to_owned();
    fresh.push(".new");
    std::fs::write(&fresh, bytes)
        .and_then(|()| std::fs::rename(&fresh, path))
        .with_context(|| format!("write {}", path.display()))
}

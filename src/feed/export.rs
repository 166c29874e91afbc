//! `haidang feed export`: what would be delivered, as a file.

use crate::avreport;
use crate::config::{Config, Place};
use anyhow::Context as _;
use event::Time;
use exchange::edxml::Signer;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;
use store::cases::{Actor, Cases};
use store::events::Events;

/// What `haidang feed export` takes.
#[derive(clap::Args)]
pub(super) struct Export {
    #[command(subcommand)]
    what: What,
}

#[derive(clap::Subcommand)]
enum What {
    /// The antivirus report of official letter 2290/BTTTT-CATTT: edXML, signed with the key of the configuration
    Avreport(Avreport),
}

#[derive(clap::Args)]
struct Avreport {
    #[command(flatten)]
    place: Place,
    /// Events from this time on (RFC 3339), by the time that they tell
    #[arg(long, value_name = "TIME")]
    from: String,
    /// Events before this time; now, if not given
    #[arg(long, value_name = "TIME")]
    to: Option<String>,
    /// Where it goes [default: standard output]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

pub(super) fn run(options: &Export) -> anyhow::Result<ExitCode> {
    let What::Avreport(options) = &options.what;
    let config = Config::at(&options.place)?;
    let moment = |option: &str, text: &str| {
        Time::parse(text)
            .with_context(|| format!("{option} {text}: not an RFC 3339 time, as 2026-11-23T08:00:00Z"))
    };
    let from = moment("--from", &options.from)?;
    let to = match &options.to {
        Some(text) => moment("--to", text)?,
        None => Time(jiff::Timestamp::now().as_millisecond()),
    };
    anyhow::ensure!(from < to, "--from {from} is not before --to {to}");
    // Before the store is asked, which may take a while.
    let signer = avreport::signer(&config.exchange.avreport)?;
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().build().context("start threads")?;
    let document = runtime.block_on(async {
        let (events, engine) = crate::rules::beside(&config).await?;
        let cases = crate::cases::open(&config, &config.data()).await?;
        let document = document(&config, &events, &cases, &signer, (from, to)).await;
        cases.close().await;
        if let Some(engine) = engine {
            engine.stop().await;
        }
        document
    })?;
    match &options.output {
        Some(file) => std::fs::write(file, document).with_context(|| format!("write {}", file.display()))?,
        None => {
            let mut out = std::io::stdout().lock();
            if let Err(error) = out.write_all(document.as_bytes()).and_then(|()| out.flush()) {
                return crate::parse::closed(error);
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// The signed report. That it was made stands in the audit trail: nobody else sees where a person takes it.
async fn document(
    config: &Config,
    events: &Events,
    cases: &Cases,
    signer: &Signer,
    (from, to): (Time, Time),
) -> anyhow::Result<String> {
    let settings = &config.exchange;
    let report = avreport::report(events, cases, &settings.avreport, (from, to)).await?;
    let document = exchange::edxml::signed(&report, &settings.organisation, &settings.avreport, signer)
        .context("sign")?;
    let (malware, connections, systems) =
        (report.malware.len(), report.connections.len(), report.systems.len());
    let by = Actor::system("feed export", Time(jiff::Timestamp::now().as_millisecond()));
    let detail =
        format!("{from} to {to}: {malware} of malware, {connections} connections, {systems} systems");
    cases
        .audit(&by, "avreport.export", "avreport", "done", &detail)
        .await
        .context("note it in the audit trail")?;
    tracing::info!(malware, connections, systems, "the report is signed");
    Ok(document)
}

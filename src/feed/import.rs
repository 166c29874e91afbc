//! `haidang feed import`: a warning of others, taken in from the command line.

use crate::config::{Config, Place};
use anyhow::Context as _;
use event::{Severity, Time, Tlp};
use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;
use store::cases::Actor;

/// The largest file that is read.
const FILE_BYTES_MAX: u64 = 64 << 20;

#[derive(clap::Args)]
pub(super) struct Import {
    #[command(flatten)]
    place: Place,
    /// Who warns
    #[arg(long)]
    source: String,
    /// What it is about; what a report or note in the file says, if not given
    #[arg(long, default_value = "")]
    title: String,
    /// What they say, before what the file says
    #[arg(long, default_value = "")]
    text: String,
    /// informational, low, medium, high, critical
    #[arg(long, default_value = "high")]
    severity: String,
    /// clear, green, amber, amber+strict, red [default: the strictest of the indicators]
    #[arg(long)]
    tlp: Option<String>,
    /// A unit that it concerns, by its id in the registry; those whose events met an indicator are found
    #[arg(long = "unit", value_name = "ID")]
    units: Vec<String>,
    /// How many days back it is looked for such units; 0 for not at all
    #[arg(long, default_value_t = 30)]
    days: u32,
    /// STIX 2.1 (a bundle with a report or note and indicators), or an indicator a line
    file: Option<PathBuf>,
}

pub(super) fn run(options: &Import) -> anyhow::Result<ExitCode> {
    let config = Config::at(&options.place)?;
    let document = match &options.file {
        Some(file) => {
            let size = std::fs::metadata(file).with_context(|| format!("read {}", file.display()))?.len();
            anyhow::ensure!(size <= FILE_BYTES_MAX, "{}: larger than {FILE_BYTES_MAX} bytes", file.display());
            std::fs::read_to_string(file).with_context(|| format!("read {}", file.display()))?
        }
        None => String::new(),
    };
    let severity = Severity::by_name(&options.severity).with_context(|| {
        format!("--severity {}: informational, low, medium, high or critical", options.severity)
    })?;
    let tlp = options.tlp.as_deref().map(|tlp| {
        Tlp::by_name(tlp).with_context(|| format!("--tlp {tlp}: clear, green, amber, amber+strict or red"))
    });
    let incoming = api::Incoming {
        source: options.source.clone(),
        title: options.title.clone(),
        text: options.text.clone(),
        severity: Some(severity),
        tlp: tlp.transpose()?,
        document,
        units: options.units.clone(),
        days: Some(options.days),
    };
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().build().context("start threads")?;
    let taken = runtime.block_on(async {
        let (events, engine) = crate::rules::beside(&config).await?;
        let cases = crate::cases::open(&config, &config.data()).await?;
        let by = Actor::system("feed import", Time(jiff::Timestamp::now().as_millisecond()));
        let taken = api::take_in(&cases, &events, &by, incoming).await;
        cases.close().await;
        if let Some(engine) = engine {
            engine.stop().await;
        }
        anyhow::Ok(taken?)
    })?;
    let text = serde_json::to_string(&taken).context("write the outcome")?;
    writeln!(std::io::stdout(), "{text}")?;
    Ok(if taken.refused.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

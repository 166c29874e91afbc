//! `haidang check`: configuration and rules, every problem at once, without starting anything.

use crate::config::{Config, Overrides};
use collector::enrich::Enricher;
use std::io::Write as _;
use std::process::ExitCode;

#[derive(clap::Args)]
pub(crate) struct Options {
    #[command(flatten)]
    overrides: Overrides,
}

pub(crate) fn run(options: &Options) -> anyhow::Result<ExitCode> {
    let config = Config::load(&options.overrides)?;
    let mut problems = Vec::new();
    if let Err(error) = crate::rules::load(&config.rules) {
        problems.extend(format!("{error:#}").lines().map(str::to_owned));
    }
    let (_enricher, warnings) = Enricher::load(&config.collector.enrich);
    problems.extend(warnings.iter().map(ToString::to_string));
    problems.extend(config.exchange.taxii.problems());
    for file in &config.collector.intake.files {
        if !file.exists() {
            problems.push(format!("{}: does not exist yet; it is followed once it does", file.display()));
        }
    }
    let mut out = std::io::stdout().lock();
    for problem in &problems {
        writeln!(out, "{problem}")?;
    }
    if problems.is_empty() {
        tracing::info!("configuration and rules are in order");
        return Ok(ExitCode::SUCCESS);
    }
    Ok(ExitCode::from(1))
}

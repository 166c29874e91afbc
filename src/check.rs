//! `haidang check`: configuration and rules, every problem at once, without starting anything.

use crate::config::{Config, Overrides};
use collector::enrich::Enricher;
use std::io::Write as _;
use std::process::ExitCode;

#[derive(clap::Args)]
pub(crate) struct Options {
    #[command(flatten)]
    overrides: Overrides,
    /// Make what Kafka lacks: the topics, with settings that keep what must be kept
    #[arg(long)]
    create: bool,
    /// Ask Kafka too, whether it is there and has the topics
    #[arg(long)]
    kafka: bool,
}

pub(crate) fn run(options: &Options) -> anyhow::Result<ExitCode> {
    let config = Config::load(&options.overrides)?;
    let mut problems = Vec::new();
    match crate::rules::load(&config.rules) {
        Ok(rules) if options.create => {
            let memory_ms = crate::run::memory_ms(&rules, &config.correlator);
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            if let Err(error) = runtime.block_on(config.kafka.create_topics(memory_ms)) {
                problems.push(format!("{error:#}"));
            }
        }
        Ok(_) => {}
        Err(error) => problems.extend(format!("{error:#}").lines().map(str::to_owned)),
    }
    if options.kafka || options.create {
        match config.kafka.missing_topics() {
            Ok(missing) => problems.extend(missing),
            Err(error) => problems.push(format!("{error:#}")),
        }
    }
    let (_enricher, warnings) = Enricher::load(&config.collector.enrich);
    problems.extend(warnings.iter().map(ToString::to_string));
    problems.extend(exchange(&config.exchange));
    if let Err(error) = config.compliance.load() {
        problems.extend(format!("{error:#}").lines().map(str::to_owned));
    }
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

/// What is wrong with what is exchanged, the files that it names included.
fn exchange(config: &exchange::Config) -> Vec<String> {
    let mut problems = config.problems();
    if (config.avreport.key_file.is_some() || !config.deliveries.is_empty())
        && let Err(error) = crate::avreport::signer(&config.avreport)
    {
        problems.push(format!("avreport: {error:#}"));
    }
    problems
}

//! `haidang check`: configuration and rules, every problem at once, without starting anything.

use crate::config::{Config, Overrides};
use anyhow::Context as _;
use collector::enrich::Enricher;
use std::io::Write as _;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;

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
    /// Ask a running process whether it is ready, and nothing else: its API or where it says how it is
    #[arg(long, value_name = "ADDR", conflicts_with_all = ["create", "kafka"])]
    ready: Option<SocketAddr>,
}

pub(crate) fn run(options: &Options) -> anyhow::Result<ExitCode> {
    if let Some(address) = options.ready {
        return told(&not_ready(address)?, "it is ready");
    }
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
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    problems.extend(runtime.block_on(crate::upgrade::problems(&config)));
    for file in &config.collector.intake.files {
        if !file.exists() {
            problems.push(format!("{}: does not exist yet; it is followed once it does", file.display()));
        }
    }
    told(&problems, "configuration and rules are in order")
}

fn told(problems: &[String], none: &str) -> anyhow::Result<ExitCode> {
    let mut out = std::io::stdout().lock();
    for problem in problems {
        writeln!(out, "{problem}")?;
    }
    if problems.is_empty() {
        tracing::info!("{none}");
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

/// What the process says is not ready; that it does not answer, if it does not.
fn not_ready(address: SocketAddr) -> anyhow::Result<Vec<String>> {
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .timeout_global(Some(Duration::from_secs(4)))
        .build()
        .into();
    let answer = agent.get(format!("http://{address}/readyz")).call();
    let said = answer.and_then(|mut answer| answer.body_mut().read_json::<serde_json::Value>());
    let said = match said {
        Ok(said) => said,
        Err(error) => return Ok(vec![format!("{address} does not answer: {error}")]),
    };
    let checks = said["checks"].as_array().context("this is no process of ours")?;
    let text = |check: &serde_json::Value, key: &str| check[key].as_str().unwrap_or_default().to_owned();
    let open = checks.iter().filter(|check| check["ready"] != true);
    Ok(open.map(|check| format!("{}: {}", text(check, "name"), text(check, "detail"))).collect())
}

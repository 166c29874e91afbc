//! The `haidang` binary: one file per subcommand. Results go to stdout, progress and logs to stderr.
//!
//! Exit codes: 0 done, 1 found problems, 2 wrong usage or configuration.

mod alerts;
mod avreport;
mod backup;
mod bar;
mod cases;
mod check;
mod collect;
mod compliance;
mod config;
mod correlate;
mod detect;
mod engine;
mod feed;
mod health;
mod housekeeping;
mod indicators;
mod kafka;
mod ledger;
mod log;
mod metrics;
mod parse;
mod partners;
mod pipeline;
mod progress;
mod registry;
mod report;
mod rules;
mod run;
mod serve;
mod simulate;
mod upgrade;
mod web;

use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// A batch is tens of megabytes that come and go twice a second: glibc's allocator keeps what this one gives back.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Hải Đăng: the event pipeline of a provincial security operations centre.
#[derive(Parser)]
#[command(name = "haidang", version, about, long_about = None, max_term_width = 100)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Everything on one machine: intake, correlator, store, API and dashboards.
    Run(run::Options),
    /// Lines in, events to Kafka: intake, spool, parsers, enrichment.
    Collect(collect::Options),
    /// Events from Kafka into the store, matched; matches to alerts and incidents.
    Correlate(correlate::Options),
    /// API and dashboards.
    Serve(serve::Options),
    /// Lines on stdin → ECS events on stdout, one JSON line for each input line, in order.
    Parse(parse::Options),
    /// Events on stdin → matches and alerts on stdout (NDJSON), in an order that is the same every time.
    Detect(detect::Options),
    /// What is exchanged with others.
    Feed(feed::Options),
    /// What others warn of: takes indicators in, and looks for them.
    Indicators(indicators::Options),
    /// Checks and lists rules.
    Rules(rules::Options),
    /// Units, systems, assets and endpoints: import, export, a sample.
    Registry(registry::Options),
    /// Documents in administrative form: incident forms, bulletins, compliance reports.
    Report(report::Options),
    /// A province's traffic with known attacks in it, over real syslog.
    Simulate(simulate::Options),
    /// Everything that an installation has, as it is at one moment, into a folder; beside the running pipeline.
    Backup(backup::Options),
    /// A backup into an empty installation, whole or not at all.
    Restore(backup::RestoreOptions),
    /// Reads configuration and rules and says every problem.
    Check(check::Options),
    /// The embedded engine's own process, started by `run`.
    #[command(hide = true)]
    Engine(engine::Options),
}

impl Command {
    /// Whose log it is.
    fn word(&self) -> &'static str {
        match self {
            Command::Run(_) => "run",
            Command::Collect(_) => "collect",
            Command::Correlate(_) => "correlate",
            Command::Serve(_) => "serve",
            Command::Engine(_) => "engine",
            _ => "command",
        }
    }
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    log::start(arguments.command.word());
    let outcome = match arguments.command {
        Command::Run(options) => run::run(&options),
        Command::Collect(options) => collect::run(&options),
        Command::Correlate(options) => correlate::run(&options),
        Command::Serve(options) => serve::run(&options),
        Command::Parse(options) => parse::run(&options),
        Command::Detect(options) => detect::run(&options),
        Command::Feed(options) => feed::run(&options),
        Command::Indicators(options) => indicators::run(&options),
        Command::Rules(options) => rules::run(&options),
        Command::Registry(options) => registry::run(&options),
        Command::Report(options) => report::run(&options),
        Command::Simulate(options) => simulate::run(&options),
        Command::Backup(options) => backup::run(&options),
        Command::Restore(options) => backup::run_restore(&options),
        Command::Check(options) => check::run(&options),
        Command::Engine(options) => engine::run(&options),
    };
    outcome.unwrap_or_else(|error| {
        tracing::error!("{error:#}");
        ExitCode::from(2)
    })
}

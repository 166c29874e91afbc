//! `haidang detect`: the rules as a filter.

use crate::alerts::Alerts;
use crate::rules::Where;
use anyhow::Context as _;
use correlator::{Correlator, Flat, Limits, Output, RuleSet};
use event::{Event, EventId, Match, Raw, Time};
use std::io::{BufRead, Write as _};
use std::process::ExitCode;
use std::sync::Arc;

/// What `haidang detect` takes.
#[derive(clap::Args)]
pub(crate) struct Options {
    #[command(flatten)]
    place: Where,
    /// What stdin holds: `raw` lines, `ecs` events as `haidang parse` writes them, or flat `json` objects whose keys are
    /// Sigma's own field names, with `product`, `category` and `service` naming the log source
    #[arg(long, value_enum, default_value_t = Input::Raw)]
    input: Input,
    /// When raw lines count as received (RFC 3339); now, if not given
    #[arg(long, value_name = "TIME")]
    received: Option<String>,
}

#[derive(Clone, Copy, PartialEq, clap::ValueEnum)]
enum Input {
    Raw,
    Ecs,
    Json,
}

pub(crate) fn run(options: &Options) -> anyhow::Result<ExitCode> {
    let (rules, problems) = RuleSet::compile_what_can(&options.place.files()?);
    for problem in &problems {
        tracing::error!("{problem}");
    }
    let received = match &options.received {
        Some(text) => {
            Time::parse(text).with_context(|| format!("--received {text}: not an RFC 3339 time"))?
        }
        None => Time(jiff::Timestamp::now().as_millisecond()),
    };
    let mut detector = Detector::new(Arc::new(rules), options.input, received);
    let mut stdin = std::io::BufReader::with_capacity(1 << 18, std::io::stdin().lock());
    let mut stdout = std::io::BufWriter::with_capacity(1 << 18, std::io::stdout().lock());
    let mut line = Vec::new();
    while stdin.read_until(b'\n', &mut line).context("read stdin")? > 0 {
        let text = Raw::readable(&line);
        detector.take(text.trim_end_matches(['\n', '\r']));
        for found in detector.output.matches.drain(..) {
            if let Err(error) = write_match(&mut stdout, detector.number, &found) {
                return crate::parse::closed(error);
            }
        }
        line.clear();
    }
    detector.correlator.finish(&mut detector.output);
    detector.alerts.take(&mut detector.output);
    if let Err(error) = detector.alerts.write(&mut stdout).and_then(|()| stdout.flush()) {
        return crate::parse::closed(error);
    }
    let whole = problems.is_empty() && detector.refused == 0;
    Ok(if whole { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

struct Detector {
    correlator: Correlator,
    input: Input,
    received: Time,
    output: Output,
    number: u64,
    refused: u64,
    alerts: Alerts,
}

impl Detector {
    fn new(rules: Arc<RuleSet>, input: Input, received: Time) -> Detector {
        Detector {
            correlator: Correlator::new(rules, Limits::offline()),
            input,
            received,
            output: Output::default(),
            number: 0,
            refused: 0,
            alerts: Alerts::default(),
        }
    }

    fn take(&mut self, line: &str) {
        self.number += 1;
        let raw = Raw::stdin(line, self.received, self.number);
        let read = match self.input {
            Input::Raw => {
                self.correlator.process(&collector::parser::parse(&raw), &mut self.output);
                Ok(())
            }
            Input::Ecs => {
                Event::from_json(line).map(|event| self.correlator.process(&event, &mut self.output))
            }
            Input::Json => {
                let id = EventId::new(self.received, 0, self.number);
                Flat::from_json(line).map(|flat| self.correlator.process_flat(&flat, id, &mut self.output))
            }
        };
        if let Err(error) = read {
            self.refused += 1;
            tracing::error!("stdin line {}: {error}; expected one JSON object", self.number);
        }
        self.alerts.take(&mut self.output);
    }
}

fn write_match(out: &mut impl std::io::Write, number: u64, found: &Match) -> std::io::Result<()> {
    #[derive(serde::Serialize)]
    struct Line<'a> {
        kind: &'static str,
        rule: &'a str,
        event: u64,
        time: Time,
        level: event::Severity,
        because: &'a [event::Because],
    }
    let line = Line {
        kind: "match",
        rule: &found.rule,
        event: number,
        time: found.time,
        level: found.level,
        because: &found.because,
    };
    serde_json::to_writer(&mut *out, &line)?;
    out.write_all(b"\n")
}

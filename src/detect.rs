//! `haidang detect`: the rules as a filter.

use crate::alerts::Alerts;
use crate::rules::Where;
use anyhow::Context as _;
use correlator::{Correlator, Depth, Limits, Output, RuleSet};
use event::json::write_text;
use event::{Event, EventId, Match, Raw, Time};
use std::io::Write as _;
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
    /// Write matches alone, without the alerts that they add up to
    #[arg(long)]
    matches: bool,
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
    let mut detector = Detector::new(Arc::new(rules), options, received);
    let mut lines = Lines::of(std::io::stdin().lock());
    let mut stdout = std::io::BufWriter::with_capacity(1 << 18, std::io::stdout().lock());
    let mut written = Vec::new();
    while let Some(line) = lines.next().context("read stdin")? {
        let text = Raw::readable(line);
        detector.take(text.trim_end_matches('\r'));
        for found in detector.output.matches.drain(..) {
            write_match(&mut written, detector.number, &found);
        }
        if let Err(error) = stdout.write_all(&written) {
            return crate::parse::closed(error);
        }
        written.clear();
    }
    detector.correlator.finish(&mut detector.output);
    detector.alerts.take(&mut detector.output);
    if let Err(error) = detector.alerts.write(&mut stdout).and_then(|()| stdout.flush()) {
        return crate::parse::closed(error);
    }
    let whole = problems.is_empty() && detector.refused == 0;
    Ok(if whole { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

/// Lines of a stream, each read where it stands in one large block.
struct Lines<R> {
    from: R,
    block: Vec<u8>,
    /// What of the block was not yet given out.
    start: usize,
    end: usize,
    is_over: bool,
}

/// How much is read at once: a block that the processor's second cache holds.
const BLOCK_BYTES: usize = 1 << 18;

impl<R: std::io::Read> Lines<R> {
    fn of(from: R) -> Lines<R> {
        Lines { from, block: vec![0; BLOCK_BYTES], start: 0, end: 0, is_over: false }
    }

    /// The next line without its newline; a line longer than the block makes it grow.
    fn next(&mut self) -> std::io::Result<Option<&[u8]>> {
        let mut searched = self.start;
        loop {
            if let Some(at) = memchr::memchr(b'\n', &self.block[searched..self.end]) {
                let (from, to) = (self.start, searched + at);
                self.start = to + 1;
                return Ok(Some(&self.block[from..to]));
            }
            if self.is_over {
                let (from, to) = (self.start, self.end);
                self.start = to;
                return Ok((from < to).then(|| &self.block[from..to]));
            }
            self.block.copy_within(self.start..self.end, 0);
            (self.start, self.end) = (0, self.end - self.start);
            searched = self.end;
            if self.end == self.block.len() {
                self.block.resize(self.block.len() * 2, 0);
            }
            match self.from.read(&mut self.block[self.end..]) {
                Ok(0) => self.is_over = true,
                Ok(read) => self.end += read,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }
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
    fn new(rules: Arc<RuleSet>, options: &Options, received: Time) -> Detector {
        let depth = if options.matches { Depth::Matches } else { Depth::Alerts };
        Detector {
            correlator: Correlator::new(rules, Limits::offline()).up_to(depth),
            input: options.input,
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
                self.correlator.process_json(line, id, &mut self.output)
            }
        };
        if let Err(error) = read {
            self.refused += 1;
            tracing::error!("stdin line {}: {error}; expected one JSON object", self.number);
        }
        self.alerts.take(&mut self.output);
    }
}

/// Appends a match as one line.
fn write_match(out: &mut Vec<u8>, number: u64, found: &Match) {
    out.extend_from_slice(b"{\"kind\":\"match\",\"rule\":");
    write_text(&found.rule, out);
    // Writing to a Vec cannot fail.
    let _ = write!(out, ",\"event\":{number},\"time\":\"{}\"", found.time);
    let mut put = |name: &str, text: &str| {
        out.extend_from_slice(name.as_bytes());
        write_text(text, out);
    };
    put(",\"level\":", found.level.name());
    for (nth, because) in found.because.iter().enumerate() {
        put(if nth == 0 { ",\"because\":[{\"field\":" } else { "},{\"field\":" }, &because.field);
        put(",\"value\":", &because.value);
        put(",\"pattern\":", &because.pattern);
    }
    let end: &[u8] = if found.because.is_empty() { b",\"because\":[]}\n" } else { b"}]}\n" };
    out.extend_from_slice(end);
}

#[cfg(test)]
mod tests {
    use super::*;
    use event::{Because, Severity};

    #[test]
    fn a_match_is_written_as_serde_writes_it() {
        let text = |text: &str| text.to_owned();
        let because =
            |value: &str| Because { field: text("Image"), value: text(value), pattern: text("*\\a\"\u{8}") };
        let mut found = Match {
            rule: text("r\u{1}"),
            event: EventId::new(Time(0), 0, 1),
            time: Time(1_790_000_000_123),
            source: String::new(),
            level: Severity::Medium,
            values: Vec::new(),
            entities: Vec::new(),
            unit: String::new(),
            system: String::new(),
            system_level: 0,
            because: Vec::new(),
            is_clamped: false,
            authorised: None,
        };
        for reasons in
            [vec![], vec![because("C:\\a\n")], vec![because("đăng nhập"), because("\u{c}\u{7f}🧙🏾 /")]]
        {
            found.because = reasons;
            let mut written = Vec::new();
            write_match(&mut written, 7, &found);
            let expected = format!(
                "{{\"kind\":\"match\",\"rule\":{},\"event\":7,\"time\":{},\"level\":{},\"because\":{}}}\n",
                serde_json::to_string(&found.rule).unwrap(),
                serde_json::to_string(&found.time).unwrap(),
                serde_json::to_string(&found.level).unwrap(),
                serde_json::to_string(&found.because).unwrap()
            );
            assert_eq!(String::from_utf8(written).unwrap(), expected);
        }
    }
}

//! `haidang parse`: the parsers as a filter.

use anyhow::Context as _;
use bstr::io::BufReadExt as _;
use event::{Raw, Time};
use serde::Deserialize;
use std::borrow::Cow;
use std::io::Write as _;
use std::process::ExitCode;

/// What `haidang parse` takes.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// How stdin is read: `raw` lines, or one JSON object a line: {"input": LINE, "context": {"tz_offset": "+07:00"}}
    #[arg(long, value_enum, default_value_t = Input::Raw)]
    stdin: Input,
    /// When the lines count as received (RFC 3339): bounds years that a line does not tell. Now, if not given.
    #[arg(long, value_name = "TIME")]
    received: Option<String>,
    /// The devices' offset from UTC where neither line nor context tells
    #[arg(long, value_name = "±HH:MM", default_value = "+00:00", allow_hyphen_values = true)]
    tz_offset: String,
}

/// How much is gathered before it is written.
const OUT_BYTES: usize = 1 << 17;

#[derive(Clone, Copy, clap::ValueEnum)]
enum Input {
    Raw,
    Json,
}

/// A line of `--stdin json`; keys beside these are allowed and ignored, so that test corpora can be fed as they are.
#[derive(Deserialize)]
struct Case<'a> {
    #[serde(borrow)]
    input: Cow<'a, str>,
    #[serde(default)]
    context: Option<Context>,
}

#[derive(Default, Deserialize)]
struct Context {
    /// The names that log shippers give it are read too.
    #[serde(default, alias = "_conf.tz_offset", alias = "_tmp.tz_offset", alias = "event.timezone")]
    tz_offset: Option<String>,
}

pub(crate) fn run(options: &Options) -> anyhow::Result<ExitCode> {
    let received = match &options.received {
        Some(text) => {
            Time::parse(text).with_context(|| format!("--received {text}: not an RFC 3339 time"))?
        }
        None => Time(jiff::Timestamp::now().as_millisecond()),
    };
    let tz_offset_s = offset_s(&options.tz_offset)
        .with_context(|| format!("--tz-offset {}: not ±HH:MM, ±HHMM, Z or UTC", options.tz_offset))?;
    let mut stdin = std::io::BufReader::with_capacity(1 << 18, std::io::stdin().lock());
    let mut stdout = std::io::stdout().lock();
    let (mut out, mut sequence, mut problems) = (Vec::with_capacity(2 * OUT_BYTES), 0u64, false);
    let mut written = Ok(());
    let read = stdin.for_byte_line_with_terminator(|line| {
        sequence += 1;
        let text = Raw::readable(trim(line));
        let raw = Raw { tz_offset_s, ..Raw::stdin(&text, received, sequence) };
        match options.stdin {
            Input::Raw => collector::parser::parse(&raw).write_json(&mut out),
            Input::Json => match serde_json::from_str::<Case<'_>>(&text) {
                Ok(case) => parse_case(&case, raw, &mut out),
                Err(error) => {
                    problems = true;
                    tracing::error!("stdin line {sequence}: {error}; expected {{\"input\": LINE}}");
                    out.extend_from_slice(b"null");
                }
            },
        }
        out.push(b'\n');
        if out.len() >= OUT_BYTES {
            written = stdout.write_all(&out);
            out.clear();
        }
        Ok(written.is_ok())
    });
    read.context("read stdin")?;
    if let Err(error) = written.and_then(|()| stdout.write_all(&out)).and_then(|()| stdout.flush()) {
        return closed(error);
    }
    Ok(if problems { ExitCode::from(1) } else { ExitCode::SUCCESS })
}

fn parse_case(case: &Case<'_>, raw: Raw<'_>, out: &mut Vec<u8>) {
    let told = case.context.as_ref().and_then(|context| context.tz_offset.as_deref()).and_then(offset_s);
    let raw = Raw { line: &case.input, tz_offset_s: told.unwrap_or(raw.tz_offset_s), ..raw };
    collector::parser::parse(&raw).write_json(out);
}

/// A reader that has seen enough (`| head`) is no error of ours.
pub(crate) fn closed(error: std::io::Error) -> anyhow::Result<ExitCode> {
    if error.kind() == std::io::ErrorKind::BrokenPipe {
        return Ok(ExitCode::SUCCESS);
    }
    Err(error).context("write stdout")
}

/// The line without its newline, of either kind.
fn trim(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}

/// `+07:00`, `-0530`, `GMT-0200`, `Z`, `UTC` as seconds.
fn offset_s(text: &str) -> Option<i32> {
    let text = text.strip_prefix("GMT").filter(|rest| !rest.is_empty()).unwrap_or(text);
    if matches!(text, "Z" | "UTC" | "GMT" | "utc") {
        return Some(0);
    }
    let (sign, rest) = match text.split_at_checked(1)? {
        ("+", rest) => (1, rest),
        ("-", rest) => (-1, rest),
        _ => return None,
    };
    let digits: String = rest.chars().filter(|c| *c != ':').collect();
    if digits.len() != 4 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let (hours, minutes): (i32, i32) = (digits[..2].parse().ok()?, digits[2..].parse().ok()?);
    (hours <= 14 && minutes < 60).then_some(sign * (hours * 3600 + minutes * 60))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_are_read_in_the_forms_that_devices_use() {
        assert_eq!(offset_s("+07:00"), Some(25_200));
        assert_eq!(offset_s("-0530"), Some(-19_800));
        assert_eq!(offset_s("UTC"), Some(0));
        assert_eq!(offset_s("GMT"), Some(0));
        assert_eq!(offset_s("GMT-0200"), Some(-7200));
        assert_eq!(offset_s("7"), None);
        assert_eq!(offset_s("+99:00"), None);
        assert_eq!(offset_s("+é00"), None);
    }
}

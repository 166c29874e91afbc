//! Every parser against its fixtures: line n of `fixtures/<name>.log` must give line n of `fixtures/<name>.jsonl`.
//! `UPDATE_EXPECT=1 cargo test -p collector` rewrites the latter; the diff is the review.

use super::{PARSERS, parse};
use event::{Raw, Time};
use std::path::{Path, PathBuf};

/// 2026-07-01T00:00:00+07:00, so that years and ages in goldens do not move.
const RECEIVED: Time = Time(1_782_838_800_000);

fn fixture(name: &str, extension: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("src/parser/fixtures/{name}.{extension}"))
}

/// One JSON line for each line of the log.
fn actual(log: &str) -> String {
    let mut out = String::new();
    for (number, line) in (1..).zip(log.lines()) {
        out.push_str(&parse(&Raw::stdin(line, RECEIVED, number)).to_json());
        out.push('\n');
    }
    out
}

#[test]
fn every_fixture_line_gives_its_golden_event() {
    let update = std::env::vars_os().any(|(name, _)| name == "UPDATE_EXPECT");
    let mut wrong = Vec::new();
    for name in PARSERS.iter().map(|parser| parser.name).chain(["syslog"]) {
        let log = std::fs::read_to_string(fixture(name, "log")).unwrap();
        let actual = actual(&log);
        if update {
            std::fs::write(fixture(name, "jsonl"), actual).unwrap();
            continue;
        }
        let golden = std::fs::read_to_string(fixture(name, "jsonl")).unwrap_or_default();
        assert_eq!(golden.lines().count(), log.lines().count(), "{name}.jsonl has another number of lines");
        for (number, (expected, actual)) in (1..).zip(golden.lines().zip(actual.lines())) {
            if expected != actual {
                wrong.push(format!("{name}.log:{number}\n  expected {expected}\n  actual   {actual}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A parser that gives up on its own fixture shows it in the golden; this says which parser reads each line.
#[test]
fn every_fixture_line_is_recognised_by_its_own_parser() {
    for parser in PARSERS {
        let log = std::fs::read_to_string(fixture(parser.name, "log")).unwrap();
        for (number, line) in (1..).zip(log.lines()) {
            let raw = Raw::stdin(line, RECEIVED, number);
            let (header, message) = super::syslog::header(&raw);
            let line = super::Line { raw: &raw, header, message };
            let first = PARSERS.iter().find(|parser| (parser.sniff)(&line)).map(|parser| parser.name);
            assert_eq!(first, Some(parser.name), "{}.log:{number}", parser.name);
        }
    }
}

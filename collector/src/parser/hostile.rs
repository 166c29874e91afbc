//! What nobody sends on purpose: arbitrary text and broken fixture lines, to [`parse`] and to every parser directly.

use super::{Line, PARSERS, parse, syslog};
use event::{Draft, Event, Field, Raw, Time};
use proptest::prelude::*;
use std::path::Path;

const RECEIVED: Time = Time(1_782_838_800_000);

/// Every line of every fixture.
fn fixtures() -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/parser/fixtures");
    let mut lines = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "log") {
            lines.extend(std::fs::read_to_string(path).unwrap().lines().map(str::to_owned));
        }
    }
    assert!(lines.len() > 50, "the fixtures are not where they were");
    lines
}

/// One change at one place, both given as parts of the whole.
#[derive(Clone, Debug)]
enum Edit {
    Cut(prop::sample::Index, usize),
    Insert(prop::sample::Index, String),
    Truncate(prop::sample::Index),
    Repeat(prop::sample::Index, usize),
}

fn edit() -> impl Strategy<Value = Edit> {
    let sign = prop::sample::select(vec![
        "\"",
        "\\",
        "=",
        ",",
        "|",
        "[",
        "]",
        "{",
        ":",
        " ",
        "%",
        "(",
        "/",
        "<",
        "-",
        "\t",
        "ế",
        "\u{feff}",
        "99999999999999999999",
        "\0",
        "CEF:0|",
        "1,",
    ]);
    prop_oneof![
        (any::<prop::sample::Index>(), 1usize..40).prop_map(|(at, len)| Edit::Cut(at, len)),
        (any::<prop::sample::Index>(), sign).prop_map(|(at, sign)| Edit::Insert(at, sign.to_owned())),
        any::<prop::sample::Index>().prop_map(Edit::Truncate),
        (any::<prop::sample::Index>(), 1usize..20).prop_map(|(at, len)| Edit::Repeat(at, len)),
    ]
}

fn apply(line: &str, edits: &[Edit]) -> String {
    let mut chars: Vec<char> = line.chars().collect();
    for edit in edits {
        let place = |at: &prop::sample::Index| at.index(chars.len() + 1);
        match edit {
            Edit::Cut(at, len) => {
                let from = place(at);
                chars.drain(from..(from + len).min(chars.len()));
            }
            Edit::Insert(at, text) => {
                let from = place(at);
                chars.splice(from..from, text.chars());
            }
            Edit::Truncate(at) => chars.truncate(at.index(chars.len() + 1)),
            Edit::Repeat(at, len) => {
                let from = place(at);
                let part: Vec<char> = chars[from..(from + len).min(chars.len())].to_vec();
                chars.splice(from..from, part);
            }
        }
    }
    chars.into_iter().collect()
}

/// Parses the text in every way; a panic fails the test.
fn survive(text: &str) {
    let raw = Raw { tz_offset_s: 25_200, ..Raw::stdin(text, RECEIVED, 1) };
    for parser in PARSERS {
        let (header, message) = syslog::header(&raw);
        let line = Line { raw: &raw, header, message };
        let mut draft = Draft::new(&raw);
        let _ = (parser.sniff)(&line);
        let _ = (parser.parse)(&line, &mut draft);
        check(text, &draft.finish(), parser.name);
    }
    let event = parse(&raw);
    check(text, &event, "parse");
    let error = event.text(Field::ERROR_MESSAGE).unwrap_or_default();
    assert!(!error.contains("has a bug"), "{error}: {text:?}");
}

fn check(text: &str, event: &Event, parser: &str) {
    assert_eq!(event.original(), text, "{parser}");
    let json: serde_json::Value = serde_json::from_str(&event.to_json()).unwrap();
    assert_eq!(json["event"]["original"], text, "{parser}");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(300) })]

    #[test]
    fn no_text_makes_a_parser_panic_or_lose_the_line(text in "\\PC{0,200}|[<>%:=|,\"\\\\ \\[\\]{}()a-zA-Z0-9./-]{0,200}") {
        survive(&text);
    }

    #[test]
    fn no_broken_line_makes_a_parser_panic_or_lose_the_line(
        at in any::<prop::sample::Index>(),
        edits in proptest::collection::vec(edit(), 1..6),
    ) {
        let lines = fixtures();
        survive(&apply(&lines[at.index(lines.len())], &edits));
    }
}

/// Each would take minutes if some parser's work grew with the square of the line.
#[test]
fn long_hostile_lines_are_read_in_one_pass() {
    let starts = [
        "",
        "date=2026-07-01 ",
        "CEF:0|a|b|c|d|e|f|",
        "LEEF:1.0|a|b|c|d|",
        "%FTD-1-430001: ",
        "%ASA-6-302013: ",
        "<1>1 - a b c d [",
    ];
    for start in starts {
        for piece in
            ["=", "a=", "\\", "\"", "a, ", "a: ", "(", "[", "{,", " ", "a b=", "\\=", "-> ", "1,", "ế"]
        {
            let text = format!("{start}{}", piece.repeat(100_000 / piece.len()));
            let raw = Raw::stdin(&text, RECEIVED, 1);
            assert_eq!(parse(&raw).original(), text);
        }
    }
}

//! What every target does with its bytes.

pub mod rules;

use collector::parser::{Line, PARSERS, parse, syslog};
use event::{Draft, Raw, Time};

const RECEIVED: Time = Time(1_782_838_800_000);

/// Gives the bytes, read as intake reads them, to one parser, whether or not it recognises them.
///
/// # Panics
/// The parser panicked, lost the line, or wrote JSON that is none: what fuzzing looks for.
pub fn parser(name: &str, bytes: &[u8]) {
    let text = Raw::readable(bytes);
    let raw = Raw { tz_offset_s: 25_200, ..Raw::stdin(&text, RECEIVED, 1) };
    let (header, message) = syslog::header(&raw);
    let line = Line { raw: &raw, header, message };
    let parser = PARSERS.iter().find(|parser| parser.name == name).expect("a parser of this name");
    let _ = (parser.sniff)(&line);
    let mut draft = Draft::new(&raw);
    let _ = (parser.parse)(&line, &mut draft);
    check(&text, &draft.finish());
}

/// Gives the bytes to the header's reader and to whichever parser takes the message.
///
/// # Panics
/// See [`parser`].
pub fn line(bytes: &[u8]) {
    let text = Raw::readable(bytes);
    let raw = Raw { tz_offset_s: 25_200, ..Raw::stdin(&text, RECEIVED, 1) };
    let (header, message) = syslog::header(&raw);
    assert!(text.contains(message) && text.contains(header.hostname) && text.contains(header.structured_data));
    let event = parse(&raw);
    let error = event.text(event::Field::ERROR_MESSAGE).unwrap_or_default();
    assert!(!error.contains("has a bug"), "{error}");
    check(&text, &event);
}

fn check(text: &str, event: &event::Event) {
    assert_eq!(event.original(), text);
    let json = event.to_json();
    let value: serde_json::Value = serde_json::from_str(&json).expect("valid JSON");
    assert_eq!(value["event"]["original"], text);
}

//! From a raw line to an ECS event: the syslog header first, then the product that recognises the message.
//!
//! Invariant: parsing is a pure function of the line and what intake knows of it. No I/O, no clock, no state, so a
//! parser can be corrected and the spool parsed again.

mod application;
mod auditd;
mod cef;
mod cisco_asa;
mod clamav;
mod container;
mod dns_query;
mod eset;
mod extension;
mod fortigate;
mod kaspersky;
mod keyed;
mod leef;
mod linux_auth;
mod mark;
mod near;
mod netfilter;
mod network;
mod palo_alto;
mod pfsense;
mod stamp;
mod suricata;
pub mod syslog;
mod url;
mod web_access;
mod web_error;
mod windows;
mod zeek;

#[cfg(test)]
mod golden;
#[cfg(test)]
mod hostile;

use event::{Draft, Event, Field, Raw};
use std::panic::{AssertUnwindSafe, catch_unwind};
use syslog::Header;

/// A line with its syslog header read: what sniffing and parsing see.
#[derive(Debug)]
pub struct Line<'r> {
    /// The whole line and what intake knows of it.
    pub raw: &'r Raw<'r>,
    /// What stood before the message; empty if the line has no syslog header.
    pub header: Header<'r>,
    /// What follows the header: a stretch of the raw line, without white space at its ends.
    pub message: &'r str,
}

/// One product's parser: a value in [`PARSERS`], not a trait.
pub struct Parser {
    /// Its file's name, and its fixtures'.
    pub name: &'static str,
    /// `observer.vendor` and `observer.product`, set before `parse` runs, so that a malformed line keeps them. `None`
    /// if the line itself names them or the product observes nothing (an operating system's own log).
    pub product: Option<(&'static str, &'static str)>,
    /// Whether what follows the header is written for people. It is then `message`, if `parse` sets nothing better. Data
    /// (pairs, columns, JSON) is not said twice: `event.original` has it.
    pub prose: bool,
    /// Whether the line looks like this product's. Cheap, for it runs on every line; the first that says yes parses.
    pub sniff: fn(&Line<'_>) -> bool,
    /// Sets what the line says. `@timestamp` (the header's time), `log.syslog.*` and, for prose, `message` are already
    /// set and may be set again. On an error the fields set so far stay, beside `error.message`.
    pub parse: for<'r> fn(&Line<'r>, &mut Draft<'r>) -> Result<(), ParseError>,
}

/// Why a parser gave up on a line that it recognised.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseError {
    /// The grammar did not match.
    #[error("malformed line at byte {at} of the message")]
    Malformed {
        /// Where in the message.
        at: usize,
    },
    /// A field that every line of this product carries is absent.
    #[error("missing field `{0}`")]
    Missing(&'static str),
}

/// Every parser, in the order of asking: the surest sniff first.
pub const PARSERS: &[Parser] = &[
    fortigate::PARSER,
    cisco_asa::PARSER,
    palo_alto::PARSER,
    kaspersky::PARSER,
    eset::PARSER,
    clamav::PARSER,
    linux_auth::PARSER,
    web_access::PARSER,
    web_error::PARSER,
    suricata::PARSER,
    zeek::PARSER,
    windows::PARSER,
    pfsense::PARSER,
    auditd::PARSER,
    netfilter::PARSER,
    dns_query::PARSER,
    cef::PARSER,
    leef::PARSER,
    // Last, for it guesses.
    application::PARSER,
];

/// Makes an event of a line.
///
/// Never fails: a line that nobody understands is an event with its header's fields and `message`; one that a parser
/// recognised but could not read has `error.message` and, where known, its product besides. Never panics: a parser's
/// bug costs this line's fields, not the process (the panic hook still reports where it was).
#[must_use]
pub fn parse(raw: &Raw<'_>) -> Event {
    let (header, message) = syslog::header(raw);
    let line = Line { raw, header, message };
    let Some(parser) = PARSERS.iter().find(|parser| (parser.sniff)(&line)) else {
        let mut draft = start(&line, true);
        line.header.put_process(&mut draft);
        line.header.put_structured_data(&mut draft);
        return draft.finish();
    };
    catch_unwind(AssertUnwindSafe(|| run(parser, &line))).unwrap_or_else(|_panic| {
        let mut draft = start(&line, true);
        put_product(parser, &mut draft);
        draft.put(
            Field::ERROR_MESSAGE,
            &format!("{}: the parser has a bug, please report this line", parser.name),
        );
        draft.finish()
    })
}

fn run(parser: &Parser, line: &Line<'_>) -> Event {
    let mut draft = start(line, parser.prose);
    put_product(parser, &mut draft);
    if let Err(error) = (parser.parse)(line, &mut draft) {
        draft.put(Field::MESSAGE, line.message);
        draft.put(Field::ERROR_MESSAGE, &format!("{}: {error}", parser.name));
    }
    draft.finish()
}

fn start<'r>(line: &Line<'r>, prose: bool) -> Draft<'r> {
    let mut draft = Draft::new(line.raw);
    line.header.put(&mut draft);
    if prose {
        draft.put(Field::MESSAGE, line.message);
    }
    draft
}

/// What every parser says first: an event, of this module and dataset. Log sources are told apart by them.
fn origin(draft: &mut Draft<'_>, module: &'static str, dataset: &'static str) {
    draft.word(Field::EVENT_KIND, "event");
    draft.word(Field::EVENT_MODULE, module);
    draft.word(Field::EVENT_DATASET, dataset);
}

fn put_product(parser: &Parser, draft: &mut Draft<'_>) {
    if let Some((vendor, product)) = parser.product {
        draft.word(Field::OBSERVER_VENDOR, vendor);
        draft.word(Field::OBSERVER_PRODUCT, product);
    }
}

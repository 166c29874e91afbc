//! What DNS servers write of questions: BIND (`named`), dnsmasq and Unbound.

use super::{Line, ParseError, Parser, stamp};
use event::{Draft, Field};

pub(super) const PARSER: Parser = Parser { name: "dns_query", product: None, prose: false, sniff, parse };

fn sniff(line: &Line<'_>) -> bool {
    let text = line.message;
    match program(line) {
        "named" => text.contains("client ") && (text.contains("query") || text.contains("zone transfer")),
        "dnsmasq" => text.contains("query[") || text.contains("reply ") || text.contains("config "),
        "unbound" => text.contains(" info: ") && text.ends_with(is_tail),
        // BIND's own file has no program's name.
        "" => {
            text.contains("client ") && text.contains("#") && text.contains(": query") && text.contains("): ")
        }
        _ => false,
    }
}

/// Unbound ends a question with its class, or an answer with numbers.
fn is_tail(last: char) -> bool {
    last.is_ascii_alphanumeric()
}

fn program<'r>(line: &Line<'r>) -> &'r str {
    line.header.app_name
}

fn parse<'r>(line: &Line<'r>, draft: &mut Draft<'r>) -> Result<(), ParseError> {
    line.header.put_process(draft);
    draft.word(Field::EVENT_CATEGORY, "network");
    draft.word(Field::EVENT_TYPE, "protocol");
    draft.word(Field::NETWORK_PROTOCOL, "dns");
    match program(line) {
        "dnsmasq" => {
            super::origin(draft, "dnsmasq", "dnsmasq.query");
            dnsmasq(line.message, draft)
        }
        "unbound" => {
            super::origin(draft, "unbound", "unbound.query");
            unbound(line.message, draft)
        }
        _ => {
            super::origin(draft, "bind", "bind.query");
            if let Some(time) = bind_time(line) {
                draft.date(Field::TIMESTAMP, time);
            }
            bind(line.message, draft)
        }
    }
}

/// BIND's own file: `23-Nov-2026 09:10:00.123 …`, on the server's clock.
fn bind_time(line: &Line<'_>) -> Option<event::Time> {
    let text = line.raw.line.trim();
    let (day, rest) = text.split_once('-')?;
    let (month, rest) = rest.split_once('-')?;
    let (year, rest) = rest.split_once(' ')?;
    let (clock, _) = rest.split_once(' ')?;
    if day.len() > 2 || month.len() != 3 || year.len() != 4 || clock.len() > 15 {
        return None;
    }
    stamp::bsd(&[month, " ", day, " ", year, " ", clock].concat(), line.raw).map(|(time, _)| time)
}

/// `client @0x7f 192.0.2.7#53421 (name): query: name IN A +E(0)K (192.0.2.53)`, and what was denied:
/// `client … (name): query 'name/ANY/IN' denied`, `zone transfer 'name/AXFR/IN' denied`.
fn bind<'r>(text: &'r str, draft: &mut Draft<'r>) -> Result<(), ParseError> {
    let (_, rest) = text.split_once("client ").ok_or(ParseError::Missing("client"))?;
    let rest =
        rest.strip_prefix('@').map_or(rest, |rest| rest.split_once(' ').map_or(rest, |(_, rest)| rest));
    let (address, rest) = rest.split_once('#').ok_or(ParseError::Missing("client address"))?;
    source(address, draft);
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    draft.put(Field::SOURCE_PORT, &rest[..digits]);
    draft.word(Field::DNS_TYPE, "query");
    if let Some((_, asked)) = rest.split_once("): query: ") {
        let mut words = asked.split(' ');
        question(words.next(), words.next(), words.next(), draft);
        draft.word(Field::EVENT_ACTION, "dns-query");
        if let Some(server) = asked.rsplit_once(" (").and_then(|(_, server)| server.strip_suffix(')')) {
            draft.put(Field::DESTINATION_IP, server);
        }
        return Ok(());
    }
    let (_, quoted) = rest.split_once('\'').ok_or(ParseError::Missing("question"))?;
    let (asked, after) = quoted.split_once('\'').ok_or(ParseError::Missing("question"))?;
    let mut parts = asked.rsplitn(3, '/');
    let (class, kind, name) = (parts.next(), parts.next(), parts.next());
    question(name, class, kind, draft);
    let transfer = rest.contains("zone transfer");
    draft.word(Field::EVENT_ACTION, if transfer { "dns-zone-transfer" } else { "dns-query" });
    if after.contains("denied") {
        draft.word(Field::EVENT_TYPE, "denied");
        draft.word(Field::EVENT_OUTCOME, "failure");
        draft.word(Field::DNS_RESPONSE_CODE, "REFUSED");
    }
    Ok(())
}

fn question<'r>(name: Option<&'r str>, class: Option<&'r str>, kind: Option<&'r str>, draft: &mut Draft<'r>) {
    let name = name.unwrap_or_default();
    draft.put(Field::DNS_QUESTION_NAME, name.strip_suffix('.').filter(|n| !n.is_empty()).unwrap_or(name));
    draft.put(Field::DNS_QUESTION_CLASS, class.unwrap_or_default());
    draft.put(Field::DNS_QUESTION_TYPE, kind.unwrap_or_default());
}

fn source<'r>(text: &'r str, draft: &mut Draft<'r>) {
    draft.put(Field::SOURCE_ADDRESS, text);
    draft.put(Field::SOURCE_IP, text.split('%').next().unwrap_or(text));
}

/// `query[A] name from 192.0.2.7`, `reply name is 198.51.100.1`; with `log-queries=extra` a number and the client first.
fn dnsmasq<'r>(text: &'r str, draft: &mut Draft<'r>) -> Result<(), ParseError> {
    if let Some((_, rest)) = text.split_once("query[") {
        let (kind, rest) = rest.split_once("] ").ok_or(ParseError::Missing("type"))?;
        let (name, from) = rest.split_once(" from ").ok_or(ParseError::Missing("client"))?;
        draft.word(Field::EVENT_ACTION, "dns-query");
        draft.word(Field::DNS_TYPE, "query");
        question(Some(name), Some("IN"), Some(kind), draft);
        source(from.trim(), draft);
        return Ok(());
    }
    let (what, rest) = ["reply ", "config "]
        .iter()
        .find_map(|what| text.split_once(what))
        .ok_or(ParseError::Malformed { at: 0 })?;
    let (name, answer) = rest.rsplit_once(" is ").ok_or(ParseError::Missing("answer"))?;
    draft.word(Field::EVENT_ACTION, "dns-answer");
    draft.word(Field::DNS_TYPE, "answer");
    question(Some(name), None, None, draft);
    if let Some((client, _)) = what.trim().rsplit_once('/') {
        source(client.rsplit(' ').next().unwrap_or(client), draft);
    }
    if answer.starts_with("NXDOMAIN") {
        draft.word(Field::DNS_RESPONSE_CODE, "NXDOMAIN");
    } else if answer.parse::<std::net::IpAddr>().is_ok() {
        draft.word(Field::DNS_RESPONSE_CODE, "NOERROR");
        draft.put(Field::DNS_RESOLVED_IP, answer);
        draft.put(Field::DNS_ANSWERS_DATA, answer);
    }
    Ok(())
}

/// `[812:0] info: 192.0.2.7 name. A IN`, and with answers `… IN NXDOMAIN 0.012 0 98`.
fn unbound<'r>(text: &'r str, draft: &mut Draft<'r>) -> Result<(), ParseError> {
    let (_, rest) = text.split_once(" info: ").ok_or(ParseError::Missing("info"))?;
    let mut words = rest.split(' ');
    source(words.next().unwrap_or_default(), draft);
    let (name, kind, class) = (words.next(), words.next(), words.next());
    question(name, class, kind, draft);
    let code = words.next();
    draft.word(Field::EVENT_ACTION, if code.is_some() { "dns-answer" } else { "dns-query" });
    draft.word(Field::DNS_TYPE, if code.is_some() { "answer" } else { "query" });
    draft.put(Field::DNS_RESPONSE_CODE, code.unwrap_or_default());
    Ok(())
}

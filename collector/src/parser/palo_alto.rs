//! Palo Alto Networks PAN-OS logs: comma-separated columns whose meaning depends on the log's type.

mod column;

use super::{Line, ParseError, Parser, near, network, stamp};
use column::Column;
use event::{Draft, Field};
use std::borrow::Cow;

pub(super) const PARSER: Parser =
    Parser { name: "palo_alto", product: Some(("Palo Alto Networks", "PAN-OS")), prose: false, sniff, parse };

/// PAN-OS 11 has 117 columns in its longest log; later ones are not read.
const COLUMNS_MAX: usize = 160;

fn sniff(line: &Line<'_>) -> bool {
    let mut commas = memchr::memchr_iter(b',', line.message.as_bytes());
    let mut next = || commas.next();
    let (Some(first), Some(second), Some(third), Some(fourth)) = (next(), next(), next(), next()) else {
        return false;
    };
    let (received, kind) = (&line.message[first + 1..second], &line.message[third + 1..fourth]);
    let dated = received.len() >= 19 && matches!(received.as_bytes()[4], b'/' | b'-');
    dated
        && (column::of(kind).is_some() || matches!(kind, "CORRELATION" | "GTP" | "SCTP" | "IPTAG" | "AUDIT"))
}

/// The columns as they stand, quotes taken off.
struct Row<'r> {
    columns: [&'r str; COLUMNS_MAX],
}

impl<'r> Row<'r> {
    fn get(&self, at: usize) -> &'r str {
        self.columns.get(at).copied().unwrap_or_default()
    }

    fn first(&self, kind: &[Column], field: Field) -> &'r str {
        let at = kind.iter().position(|column| matches!(column, Column::Field(f) if *f == field));
        at.map_or("", |at| self.get(at + HEAD))
    }

    fn named(&self, kind: &[Column], name: &str) -> &'r str {
        let at = kind.iter().position(|column| column.is(name));
        at.map_or("", |at| self.get(at + HEAD))
    }
}

/// Columns that every log begins with: a place kept for later, received, serial, type, subtype, version, generated.
const HEAD: usize = 7;

fn parse<'r>(line: &Line<'r>, draft: &mut Draft<'r>) -> Result<(), ParseError> {
    let row = split(line.message);
    let kind = row.get(3);
    let columns = column::of(kind).unwrap_or_default();
    draft.word(Field::EVENT_MODULE, "panw");
    draft.word(Field::EVENT_DATASET, "panw.panos");
    draft.word(Field::EVENT_KIND, "event");
    draft.word(Field::OBSERVER_TYPE, "firewall");
    draft.put(Field::OBSERVER_NAME, line.header.hostname);
    draft.put(Field::OBSERVER_SERIAL_NUMBER, row.get(2));
    draft.extra("panw.panos", "type", kind);
    draft.extra("panw.panos", "sub_type", row.get(4));
    if let Some(received) = stamp::whole(row.get(1), line.raw) {
        draft.date(Field::EVENT_CREATED, received);
    }
    let generated = stamp::whole(row.get(6), line.raw).ok_or(ParseError::Malformed { at: 0 })?;
    draft.date(Field::TIMESTAMP, generated);
    for (at, column) in columns.iter().enumerate() {
        let text = row.get(at + HEAD).trim();
        if !text.is_empty() {
            column.put(text, draft);
        }
    }
    users(&row, columns, draft);
    severity(&row, columns, draft);
    match kind {
        "TRAFFIC" | "START" | "END" => traffic(&row, columns, kind, line, draft),
        "THREAT" => threat(&row, columns, draft),
        "CONFIG" => config(&row, columns, draft),
        "SYSTEM" => system(&row, draft),
        "GLOBALPROTECT" => globalprotect(&row, columns, draft),
        "USERID" => {
            draft.word(Field::EVENT_CATEGORY, "network");
            draft.word(Field::EVENT_CATEGORY, "iam");
        }
        "AUTHENTICATION" => authentication(&row, columns, draft),
        "DECRYPTION" => {
            draft.word(Field::EVENT_CATEGORY, "network");
            verdict(row.named(columns, "action"), draft);
            draft.word(Field::EVENT_OUTCOME, "failure");
        }
        _ => other(&row, kind, draft),
    }
    Ok(())
}

/// Splits at commas outside quotes and outside braces (a column may hold `{a,b}`).
fn split(message: &str) -> Row<'_> {
    let bytes = message.as_bytes();
    let mut columns = [""; COLUMNS_MAX];
    let (mut at, mut column) = (0, 0);
    while column < COLUMNS_MAX && at <= bytes.len() {
        let (text, next) = match bytes.get(at) {
            Some(b'"') => quoted(message, at),
            Some(b'{') => braced(message, at),
            _ => {
                let len = near::find(b',', &bytes[at..]).unwrap_or(bytes.len() - at);
                (message.get(at..at + len).unwrap_or_default(), at + len)
            }
        };
        columns[column] = text;
        column += 1;
        at = next + 1;
    }
    Row { columns }
}

/// The text between the quotes (`""` inside stands for one) and the place of the comma behind them.
fn quoted(message: &str, start: usize) -> (&str, usize) {
    let bytes = message.as_bytes();
    let mut at = start + 1;
    while let Some(quote) = bytes.get(at..).and_then(|rest| near::find(b'"', rest)) {
        let end = at + quote;
        match bytes.get(end + 1) {
            Some(b'"') => at = end + 2,
            None | Some(b',') => return (message.get(start + 1..end).unwrap_or_default(), end + 1),
            Some(_) => at = end + 1,
        }
    }
    let len = near::find(b',', &bytes[start..]).unwrap_or(bytes.len() - start);
    (message.get(start..start + len).unwrap_or_default(), start + len)
}

fn braced(message: &str, start: usize) -> (&str, usize) {
    let rest = &message.as_bytes()[start..];
    let close = memchr::memchr(b'}', rest).map_or(0, |at| at + 1);
    let len = close + memchr::memchr(b',', &rest[close..]).unwrap_or(rest.len() - close);
    (message.get(start..start + len).unwrap_or_default(), start + len)
}

/// A doubled quote is one.
fn unquoted(text: &str) -> Cow<'_, str> {
    if text.contains("\"\"") { text.replace("\"\"", "\"").into() } else { text.into() }
}

/// `domain\user`, `user@domain`, `user`.
fn users<'r>(row: &Row<'r>, columns: &[Column], draft: &mut Draft<'r>) {
    for (column, name, domain) in [
        ("srcuser", Field::SOURCE_USER_NAME, Field::SOURCE_USER_DOMAIN),
        ("dstuser", Field::DESTINATION_USER_NAME, Field::DESTINATION_USER_DOMAIN),
    ] {
        let text = row.named(columns, column);
        let (user, realm) = match (text.split_once('\\'), text.rsplit_once('@')) {
            (Some((realm, user)), _) => (user.trim_start_matches('\\'), realm),
            (None, Some((user, realm))) => (user, realm),
            _ => (text, ""),
        };
        draft.put(name, user);
        draft.put(domain, realm);
        if column == "srcuser" {
            draft.put(Field::USER_NAME, user);
            draft.put(Field::USER_DOMAIN, realm);
        }
    }
}

fn severity<'r>(row: &Row<'r>, columns: &[Column], draft: &mut Draft<'r>) {
    let number = match row.first(columns, Field::LOG_LEVEL) {
        "critical" => 1,
        "high" => 2,
        "medium" => 3,
        "low" => 4,
        "informational" => 5,
        _ => return,
    };
    draft.long(Field::EVENT_SEVERITY, number);
}

fn verdict(action: &str, draft: &mut Draft<'_>) {
    match action {
        "alert" | "allow" | "continue" => draft.word(Field::EVENT_TYPE, "allowed"),
        "deny" | "drop" | "reset-both" | "reset-client" | "reset-server" | "reset both" | "block-url"
        | "block-ip" | "random-drop" | "sinkhole" | "block" | "block-continue" | "block-override"
        | "drop ICMP" | "drop-icmp" => draft.word(Field::EVENT_TYPE, "denied"),
        _ => {}
    }
}

fn traffic<'r>(row: &Row<'r>, columns: &[Column], kind: &str, line: &Line<'r>, draft: &mut Draft<'r>) {
    let action = row.named(columns, "action");
    draft.word(Field::EVENT_CATEGORY, "network");
    draft.word(Field::EVENT_OUTCOME, if action == "allow" { "success" } else { "failure" });
    if action == "allow" {
        draft.word(Field::EVENT_TYPE, "allowed");
    }
    match (row.get(4), kind) {
        ("start", _) | (_, "START") => put_flow("flow_started", "start", draft),
        ("end", _) | (_, "END") => put_flow("flow_terminated", "end", draft),
        ("drop", _) => put_flow("flow_dropped", "denied", draft),
        ("deny", _) => put_flow("flow_denied", "denied", draft),
        _ => {}
    }
    nat(draft);
    let started = stamp::whole(row.named(columns, "start_time"), line.raw);
    let elapsed_s = row.named(columns, "elapsed_time").parse::<u32>().ok().map(i64::from);
    if let Some(seconds) = elapsed_s {
        draft.long(Field::EVENT_DURATION, seconds * 1_000_000_000);
    }
    if let Some(started) = started {
        draft.date(Field::EVENT_START, started);
        draft.date(Field::EVENT_END, started.plus_ms(elapsed_s.unwrap_or(0) * 1000));
    }
}

fn put_flow(action: &'static str, kind: &'static str, draft: &mut Draft<'_>) {
    draft.word(Field::EVENT_ACTION, action);
    draft.word(Field::EVENT_TYPE, kind);
    draft.word(Field::EVENT_TYPE, "connection");
}

/// `network.type`, by the source's family.
fn nat(draft: &mut Draft<'_>) {
    match draft.so_far().ip(Field::SOURCE_IP) {
        Some(ip) if ip.is_ipv4() => draft.word(Field::NETWORK_TYPE, "ipv4"),
        Some(_) => draft.word(Field::NETWORK_TYPE, "ipv6"),
        None => {}
    }
}

fn threat<'r>(row: &Row<'r>, columns: &[Column], draft: &mut Draft<'r>) {
    draft.word(Field::EVENT_KIND, "alert");
    for category in ["intrusion_detection", "threat", "network"] {
        draft.word(Field::EVENT_CATEGORY, category);
    }
    let action = row.named(columns, "action");
    let success = matches!(action, "alert" | "allow" | "continue");
    draft.word(Field::EVENT_OUTCOME, if success { "success" } else { "failure" });
    verdict(action, draft);
    nat(draft);
    draft.word(
        Field::NETWORK_DIRECTION,
        match row.named(columns, "direction") {
            "0" | "client-to-server" => "inbound",
            "1" | "server-to-client" => "outbound",
            _ => "unknown",
        },
    );
    let (subtype, what) = (row.get(4), row.named(columns, "misc"));
    let name = match subtype {
        "url" => "url_filtering",
        "data" | "dlp" => "data_match",
        "file" => "file_match",
        "virus" | "ml-virus" | "wildfire-virus" => "virus_detected",
        "spyware" => "spyware_detected",
        "vulnerability" => "exploit_detected",
        "scan" => "scan_detected",
        "flood" => "flood_detected",
        "wildfire" => "wildfire_verdict",
        "packet" => "packet_attack",
        _ => "",
    };
    draft.put(Field::EVENT_ACTION, name);
    let path = what.contains(['/', '\\']);
    match subtype {
        "url" => web(what, draft),
        "virus" | "vulnerability" if what.contains('/') => web(what, draft),
        "file" if path => {
            draft.put(Field::FILE_PATH, what);
            draft.put(Field::FILE_NAME, what.rsplit(['/', '\\']).next().unwrap_or_default());
        }
        "file" | "virus" | "vulnerability" | "wildfire" => draft.put(Field::FILE_NAME, what),
        _ => {}
    }
    named_threat(row.named(columns, "threat"), draft);
}

/// `SSH User Authentication Brute Force Attempt(40015)`.
fn named_threat<'r>(threat: &'r str, draft: &mut Draft<'r>) {
    let (name, id) = match threat.rsplit_once('(') {
        Some((name, rest)) => (name.trim(), rest.trim_end_matches(')')),
        None => (threat, ""),
    };
    draft.extra(
        "panw.panos",
        "threat.name",
        if name.is_empty() && id == "9999" { "URL-filtering" } else { name },
    );
    draft.extra("panw.panos", "threat.id", id);
}

/// PAN-OS writes a URL without its scheme.
fn web<'r>(url: &'r str, draft: &mut Draft<'r>) {
    let whole = unquoted(url);
    draft.put(Field::URL_ORIGINAL, &whole);
    let end = url.find(['/', '?']).unwrap_or(url.len());
    let host = &url[..end];
    super::url::authority(draft, host);
    if !host.contains(':') {
        draft.put(Field::DESTINATION_DOMAIN, host);
    }
    super::url::path(draft, &url[end..]);
}

fn config<'r>(row: &Row<'r>, columns: &[Column], draft: &mut Draft<'r>) {
    draft.word(Field::EVENT_CATEGORY, "configuration");
    let command = row.named(columns, "cmd");
    if !command.is_empty() {
        draft.put(Field::EVENT_ACTION, &format!("cmd-{command}"));
    }
    outcome(row.named(columns, "result"), draft);
    draft.put(Field::USER_NAME, row.named(columns, "admin"));
}

fn system<'r>(row: &Row<'r>, draft: &mut Draft<'r>) {
    draft.word(Field::EVENT_CATEGORY, "configuration");
    let text = row.get(14);
    draft.put(Field::MESSAGE, &unquoted(text));
    // `auth-fail`, `auth-success`: an administrator's or a VPN user's attempt.
    let event = row.get(8);
    if event.contains("auth") {
        draft.word(Field::EVENT_CATEGORY, "authentication");
        let word = event.rsplit('-').next().unwrap_or_default();
        outcome(word, draft);
        if let Some((_, rest)) = text.split_once("user '") {
            draft.put(Field::USER_NAME, rest.split('\'').next().unwrap_or_default());
        }
        if let Some((_, rest)) = text.split_once("From: ") {
            draft.put(Field::SOURCE_IP, rest.trim().trim_end_matches('.'));
        }
    }
}

fn outcome(word: &str, draft: &mut Draft<'_>) {
    match word {
        "success" | "Succeeded" | "succ" | "Success" => draft.word(Field::EVENT_OUTCOME, "success"),
        "fail" | "failure" | "Failed" | "failed" | "Unauthorized" => {
            draft.word(Field::EVENT_OUTCOME, "failure");
        }
        _ => {}
    }
}

fn globalprotect<'r>(row: &Row<'r>, columns: &[Column], draft: &mut Draft<'r>) {
    draft.word(Field::EVENT_CATEGORY, "network");
    outcome(row.named(columns, "status"), draft);
    network::put_lower(draft, Field::HOST_NAME, row.named(columns, "machine"));
    // The address inside the tunnel is the client's; the public one is what it comes through.
    let inside = private(row.named(columns, "private_ip"), row.named(columns, "private_ipv6"));
    let outside = private(row.named(columns, "public_ip"), row.named(columns, "public_ipv6"));
    draft.put(Field::SOURCE_IP, inside);
    draft.put(Field::HOST_IP, inside);
    draft.put(Field::SOURCE_NAT_IP, outside);
    if let Ok(seconds) = row.named(columns, "login_duration").parse::<u32>() {
        draft.long(Field::EVENT_DURATION, i64::from(seconds) * 1_000_000_000);
    }
    nat(draft);
    if row.named(columns, "stage") == "login" {
        draft.word(Field::EVENT_CATEGORY, "authentication");
    }
}

fn private<'r>(v4: &'r str, v6: &'r str) -> &'r str {
    if v4.is_empty() { v6 } else { v4 }
}

fn authentication<'r>(row: &Row<'r>, columns: &[Column], draft: &mut Draft<'r>) {
    draft.word(Field::EVENT_CATEGORY, "authentication");
    let event = row.named(columns, "event");
    let failed = event.contains("fail") || event.contains("denied") || event.contains("timeout");
    draft.word(Field::EVENT_OUTCOME, if failed { "failure" } else { "success" });
    draft.put(Field::EVENT_ACTION, event);
}

/// Types that are rare: their heads and what stands first in them.
fn other<'r>(row: &Row<'r>, kind: &str, draft: &mut Draft<'r>) {
    draft.word(Field::EVENT_CATEGORY, "network");
    if matches!(kind, "CORRELATION" | "GTP" | "SCTP") {
        draft.put(Field::SOURCE_IP, row.get(7));
    }
    if kind == "CORRELATION" {
        draft.put(Field::SOURCE_USER_NAME, row.get(8));
        draft.put(Field::USER_NAME, row.get(8));
        draft.put(Field::LOG_LEVEL, row.get(11));
        draft.word(Field::EVENT_OUTCOME, "success");
    }
    if kind == "GTP" {
        draft.word(Field::EVENT_CATEGORY, "malware");
        draft.put(Field::DESTINATION_IP, row.get(8));
        draft.put(Field::RULE_NAME, row.get(11));
        draft.put(Field::NETWORK_TRANSPORT, row.get(29));
    }
}

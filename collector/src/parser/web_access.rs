//! Access logs of nginx and Apache: common, combined, with the virtual host in front, with proxies' addresses, with
//! any fields behind. The server is not named in them, so neither is it here.

use super::stamp::Civil;
use super::{Line, ParseError, Parser};
use event::{Draft, Field, Time};
use std::net::IpAddr;

pub(super) const PARSER: Parser = Parser { name: "web_access", product: None, prose: false, sniff, parse };

/// Where fields behind the user agent are kept.
const EXTRA: &str = "web.access";

fn sniff(line: &Line<'_>) -> bool {
    // Proxies that name the client in brackets have an order of their own: see `application`.
    let text = text(line);
    time_at(text).is_some() && !text.contains("[Client ") && !text.contains("[client: ")
}

/// A line without a priority is taken whole: its beginning can look like a syslog header.
fn text<'r>(line: &Line<'r>) -> &'r str {
    if line.header.priority.is_none() && line.header.app_name.is_empty() {
        line.raw.line.trim()
    } else {
        line.message
    }
}

/// Where `[10/Oct/2026:` is.
fn time_at(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let at = memchr::memchr(b'[', bytes)?;
    let mark = |behind: usize| bytes.get(at + behind).copied();
    (mark(3) == Some(b'/') && mark(7) == Some(b'/') && mark(12) == Some(b':')).then_some(at)
}

fn parse<'r>(line: &Line<'r>, draft: &mut Draft<'r>) -> Result<(), ParseError> {
    let text = text(line);
    line.header.put_process(draft);
    super::origin(draft, "web", "web.access");
    draft.word(Field::EVENT_CATEGORY, "web");
    draft.word(Field::EVENT_TYPE, "access");
    let malformed = |at| ParseError::Malformed { at };
    let begin = time_at(text).ok_or(malformed(0))?;
    let (time, rest) = text[begin + 1..].split_once(']').ok_or(malformed(begin))?;
    draft.date(Field::TIMESTAMP, clf_time(time).ok_or(malformed(begin))?);
    let (between, rest) = rest.split_once('"').ok_or(malformed(begin))?;
    if begin == 0 {
        who_after(between, draft);
    } else {
        who(text[..begin].trim(), draft);
    }
    let (asked, rest) = quoted(rest);
    request(asked, draft);
    let mut rest = rest.trim_start();
    // Apache's log of TLS requests has no status.
    let status = if rest.contains(' ') { word(&mut rest) } else { "-" };
    draft.put(Field::HTTP_RESPONSE_STATUS_CODE, status.trim_matches('-'));
    if let Ok(status) = status.parse::<u16>() {
        draft.word(Field::EVENT_OUTCOME, if status < 400 { "success" } else { "failure" });
    }
    let bytes = word(&mut rest);
    if bytes.bytes().all(|byte| byte.is_ascii_digit()) {
        draft.put(Field::HTTP_RESPONSE_BODY_BYTES, bytes);
    }
    behind(rest, draft);
    Ok(())
}

/// Referrer, agent and what an administrator added.
fn behind<'r>(rest: &'r str, draft: &mut Draft<'r>) {
    let mut rest = rest;
    if !rest.is_empty() && !rest.starts_with('"') {
        // Unquoted: a number, the referrer, the agent to the line's end.
        let number = rest.bytes().take_while(u8::is_ascii_digit).count();
        if number > 0 && rest.as_bytes().get(number) == Some(&b' ') {
            draft.extra(EXTRA, "number", word(&mut rest));
        }
        if !rest.starts_with('"') {
            draft.put(Field::HTTP_REQUEST_REFERRER, not_nil(word(&mut rest)));
            draft.put(Field::USER_AGENT_ORIGINAL, not_nil(rest));
            return;
        }
    }
    for field in [Field::HTTP_REQUEST_REFERRER, Field::USER_AGENT_ORIGINAL] {
        let Some(inner) = rest.strip_prefix('"') else { break };
        let (text, after) = quoted(inner);
        draft.put(field, not_nil(text));
        rest = after.trim_start();
    }
    if rest.is_empty() || rest == "\"-\"" {
        return;
    }
    draft.extra(EXTRA, "rest", rest);
    // nginx's own `main` format ends with X-Forwarded-For.
    if let Some(inner) = rest.strip_prefix('"') {
        let forwarded = quoted(inner).0.split(',').next().unwrap_or_default().trim();
        if let Ok(ip) = forwarded.parse::<IpAddr>() {
            draft.ip(Field::NETWORK_FORWARDED_IP, ip);
        }
    }
}

/// `[host] client[, proxy…] ident user`
fn who<'r>(text: &'r str, draft: &mut Draft<'r>) {
    let (before, user) = text.rsplit_once(' ').unwrap_or((text, ""));
    let (head, _ident) = before.rsplit_once(' ').unwrap_or((before, ""));
    let (first, others) = head.split_once(' ').unwrap_or((head, ""));
    if others.is_empty() || first.ends_with(',') {
        clients(head, draft);
        draft.put(Field::USER_NAME, not_nil(user));
    } else if others.starts_with('-') {
        // client - a name with blanks
        client(first, draft);
        let name = text.split_once(" - ").map_or("", |(_, name)| name);
        draft.put(Field::USER_NAME, name);
    } else {
        virtual_host(first, draft);
        clients(others, draft);
        draft.put(Field::USER_NAME, not_nil(user));
    }
}

/// Behind the time: `host client seconds`, or `client TLSv1.3 cipher`.
fn who_after<'r>(text: &'r str, draft: &mut Draft<'r>) {
    let mut words = text.split_ascii_whitespace();
    let first = words.next().unwrap_or_default();
    let second = words.next().unwrap_or_default();
    if first.parse::<IpAddr>().is_ok() {
        client(first, draft);
        draft.put(Field::TLS_VERSION, second.strip_prefix("TLSv").unwrap_or(""));
        draft.put(Field::TLS_CIPHER, words.next().unwrap_or_default());
    } else {
        virtual_host(first, draft);
        client(second, draft);
    }
}

fn virtual_host<'r>(text: &'r str, draft: &mut Draft<'r>) {
    let (name, port) = host_and_port(not_nil(text));
    if name.is_empty() {
        return;
    }
    match name.parse::<IpAddr>() {
        Ok(ip) => draft.ip(Field::DESTINATION_IP, ip),
        Err(_) => {
            draft.put(Field::DESTINATION_DOMAIN, name);
            draft.put(Field::URL_DOMAIN, name);
        }
    }
    draft.put(Field::URL_PORT, port);
}

/// Of a chain of proxies, the first with a public address asked, else the first.
fn clients<'r>(text: &'r str, draft: &mut Draft<'r>) {
    let public = text.split(',').map(str::trim).find(|one| match one.parse::<IpAddr>() {
        Ok(IpAddr::V4(ip)) => {
            !(ip.is_private() || ip.is_loopback() || ip.is_link_local() || ip.is_unspecified())
        }
        Ok(IpAddr::V6(ip)) => !(ip.is_loopback() || ip.is_unique_local() || ip.is_unicast_link_local()),
        Err(_) => false,
    });
    client(public.unwrap_or_else(|| text.split(',').next().unwrap_or_default().trim()), draft);
}

/// `192.0.2.1`, `[2001:db8::1]:443`, `192.0.2.1:40022` or a name.
pub(super) fn client<'r>(text: &'r str, draft: &mut Draft<'r>) {
    let text = not_nil(text);
    let (address, port) = if text.parse::<IpAddr>().is_ok() { (text, "") } else { host_and_port(text) };
    draft.put(Field::SOURCE_ADDRESS, address);
    if let Ok(ip) = address.parse() {
        draft.ip(Field::SOURCE_IP, ip);
    } else {
        draft.put(Field::SOURCE_DOMAIN, address);
    }
    if port != "0" {
        draft.put(Field::SOURCE_PORT, port);
    }
}

/// Splits off a port; `::1:37752` is Apache's way of `[::1]:37752`.
pub(super) fn host_and_port(text: &str) -> (&str, &str) {
    match text.rsplit_once(':') {
        Some((host, port)) if !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()) => {
            (host.trim_matches(['[', ']']), port)
        }
        _ => (text.trim_matches(['[', ']']), ""),
    }
}

/// `GET /path?query HTTP/1.1`. What is no request is the client's garbage, kept as the URL.
pub(super) fn request<'r>(text: &'r str, draft: &mut Draft<'r>) {
    let text = not_nil(text);
    let (method, rest) = text.split_once(' ').unwrap_or(("", text));
    if method.is_empty()
        || !method.bytes().all(|byte| byte.is_ascii_alphabetic() || matches!(byte, b'_' | b'-'))
    {
        draft.put(Field::URL_ORIGINAL, text);
        return;
    }
    draft.put(Field::HTTP_REQUEST_METHOD, method);
    let target = match rest.rsplit_once(" HTTP/") {
        Some((target, version)) => {
            draft.put(Field::HTTP_VERSION, version);
            target
        }
        None => rest,
    };
    url(target, draft);
}

/// Sets `url.*` from a request's target: a path, or a whole URL for a proxy.
pub(super) fn url<'r>(target: &'r str, draft: &mut Draft<'r>) {
    draft.put(Field::URL_ORIGINAL, target);
    let mut path = target;
    if let Some((scheme, rest)) = target.split_once("://").filter(|(scheme, _)| scheme.len() < 8) {
        let at = rest.find('/').unwrap_or(rest.len());
        let (name, port) = host_and_port(&rest[..at]);
        draft.put(Field::URL_SCHEME, scheme);
        draft.put(Field::URL_DOMAIN, name);
        draft.put(Field::URL_PORT, port);
        path = &rest[at..];
    } else if !target.starts_with('/') {
        return;
    }
    let path = path.split_once('#').map_or(path, |(path, _)| path);
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    draft.put(Field::URL_PATH, path);
    draft.put(Field::URL_QUERY, query);
    let file = path.rsplit_once('/').map_or(path, |(_, file)| file);
    if let Some((_, extension)) = file.rsplit_once('.') {
        draft.put(Field::URL_EXTENSION, extension);
    }
}

/// Up to the next quote that is not escaped, and what follows it.
fn quoted(text: &str) -> (&str, &str) {
    let bytes = text.as_bytes();
    let mut from = 0;
    while let Some(at) = memchr::memchr(b'"', &bytes[from..]).map(|at| at + from) {
        let slashes = bytes[..at].iter().rev().take_while(|byte| **byte == b'\\').count();
        if slashes % 2 == 0 {
            return (&text[..at], &text[at + 1..]);
        }
        from = at + 1;
    }
    (text, "")
}

fn word<'r>(rest: &mut &'r str) -> &'r str {
    let (word, after) = rest.split_once(' ').unwrap_or((rest, ""));
    *rest = after.trim_start();
    word
}

fn not_nil(text: &str) -> &str {
    if text == "-" { "" } else { text }
}

/// `10/Oct/2026:13:55:36 +0700`, with or without a fraction of the second.
fn clf_time(text: &str) -> Option<Time> {
    let number = |from: usize, to: usize| text.get(from..to)?.parse::<i64>().ok();
    let month = match text.get(3..6)? {
        "Jan" => 1,
        "Feb" => 2,
        "Mar" => 3,
        "Apr" => 4,
        "May" => 5,
        "Jun" => 6,
        "Jul" => 7,
        "Aug" => 8,
        "Sep" => 9,
        "Oct" => 10,
        "Nov" => 11,
        "Dec" => 12,
        _ => return None,
    };
    let civil = Civil {
        year: number(7, 11)?,
        month,
        day: number(0, 2)?,
        hour: number(12, 14)?,
        minute: number(15, 17)?,
        second: number(18, 20)?,
        milli: text
            .strip_prefix(text.get(..20)?)?
            .strip_prefix('.')
            .and_then(|f| f.get(..3)?.parse().ok())
            .unwrap_or(0),
    };
    let offset_s = text.rsplit_once(' ').map_or(Some(0), |(_, offset)| super::stamp::offset_s(offset))?;
    Some(civil.utc()?.plus_ms(-offset_s * 1000))
}

//! The syslog header: RFC 5424, RFC 3164, and what devices send instead of either.

use super::{near, stamp};
use event::{Draft, Field, Raw, Time};

/// What stands before the message. Text is a stretch of the raw line; absent (or RFC 5424's `-`) is empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Header<'r> {
    /// `<PRI>`: facility × 8 + severity.
    pub priority: Option<u8>,
    /// RFC 5424's version; absent in all older forms.
    pub version: Option<u16>,
    /// When the device says it was.
    pub time: Option<Time>,
    /// The device's name or address.
    pub hostname: &'r str,
    /// The program: `sshd`, RFC 5424's APP-NAME.
    pub app_name: &'r str,
    /// The process id, mostly a number.
    pub procid: &'r str,
    /// RFC 5424's MSGID.
    pub msgid: &'r str,
    /// RFC 5424's structured data, brackets included, escapes as sent.
    pub structured_data: &'r str,
}

impl<'r> Header<'r> {
    /// Sets `log.syslog.*` and `@timestamp`.
    pub fn put(&self, draft: &mut Draft<'r>) {
        if let Some(priority) = self.priority {
            draft.long(Field::LOG_SYSLOG_PRIORITY, i64::from(priority));
            draft.long(Field::LOG_SYSLOG_FACILITY_CODE, i64::from(priority >> 3));
            draft.long(Field::LOG_SYSLOG_SEVERITY_CODE, i64::from(priority & 7));
        }
        if let Some(time) = self.time {
            draft.date(Field::TIMESTAMP, time);
        }
        draft.put(Field::LOG_SYSLOG_HOSTNAME, self.hostname);
        draft.put(Field::LOG_SYSLOG_APPNAME, self.app_name);
        draft.put(Field::LOG_SYSLOG_PROCID, self.procid);
        draft.put(Field::LOG_SYSLOG_MSGID, self.msgid);
    }

    /// Sets `host.name`, `process.name` and `process.pid`: for lines that a machine's own program wrote.
    pub fn put_process(&self, draft: &mut Draft<'r>) {
        draft.put(Field::HOST_NAME, self.hostname);
        draft.put(Field::PROCESS_NAME, self.app_name);
        if self.procid.parse::<u32>().is_ok() {
            draft.put(Field::PROCESS_PID, self.procid);
        }
    }

    /// Keeps the structured data as extras `syslog.structured_data.<id>.<name>`.
    pub fn put_structured_data(&self, draft: &mut Draft<'r>) {
        let mut key = String::new();
        let _ = elements(self.structured_data, &mut |id, name, value| {
            key.clear();
            key.push_str(id);
            key.push('.');
            key.push_str(name);
            draft.extra("syslog.structured_data", &key, &unescape(value));
        });
    }
}

/// Splits a line into header and message. What is no header stays message.
#[must_use]
pub fn header<'r>(raw: &Raw<'r>) -> (Header<'r>, &'r str) {
    let mut header = Header::default();
    let line = raw.line.trim_start_matches('\u{feff}').trim();
    let rest = priority(octet_count(line), &mut header).trim_start();
    if header.priority.is_some()
        && let Some(message) = rfc5424(rest, raw, &mut header)
    {
        return (header, message);
    }
    // A version before what is no RFC 5424 otherwise says nothing.
    let rest = if header.priority.is_some() { version(rest).map_or(rest, |(_, rest)| rest) } else { rest };
    if let Some(at) = mnemonic(rest) {
        cisco_prefix(&rest[..at], raw, &mut header);
        return (header, rest[at..].trim());
    }
    let message = rfc3164(rest, raw, &mut header);
    (header, message.trim())
}

/// `123 <13>…`: the frame's octet count, left on by a relay.
fn octet_count(line: &str) -> &str {
    let digits = line.bytes().take(8).take_while(u8::is_ascii_digit).count();
    match line.get(digits..) {
        Some(rest) if digits > 0 && rest.starts_with(" <") => &rest[1..],
        _ => line,
    }
}

fn priority<'r>(line: &'r str, header: &mut Header<'r>) -> &'r str {
    let bytes = line.as_bytes();
    let digits = bytes.iter().skip(1).take(3).take_while(|byte| byte.is_ascii_digit()).count();
    if bytes.first() != Some(&b'<') || bytes.get(digits + 1) != Some(&b'>') {
        return line;
    }
    match line.get(1..=digits).and_then(|number| number.parse::<u8>().ok()) {
        Some(priority) if priority < 192 => {
            header.priority = Some(priority);
            line.get(digits + 2..).unwrap_or_default()
        }
        _ => line,
    }
}

fn version(text: &str) -> Option<(u16, &str)> {
    let digits = text.bytes().take(4).take_while(u8::is_ascii_digit).count();
    let rest = text.get(digits..)?.strip_prefix(' ')?;
    let fits = (1..=3).contains(&digits) && !text.starts_with('0');
    if fits { Some((text.get(..digits)?.parse().ok()?, rest)) } else { None }
}

/// A token and what follows its blank.
fn token(text: &str) -> (&str, &str) {
    near::find(b' ', text.as_bytes()).map_or((text, ""), |at| (&text[..at], &text[at + 1..]))
}

fn not_nil(text: &str) -> &str {
    if text == "-" { "" } else { text }
}

/// All of RFC 5424 or nothing; `None` leaves the header as it was.
fn rfc5424<'r>(text: &'r str, raw: &Raw<'_>, header: &mut Header<'r>) -> Option<&'r str> {
    let (version, rest) = version(text)?;
    let (time, rest) = match rest.strip_prefix("- ") {
        Some(rest) => (None, rest),
        None => {
            let (time, rest) = stamp::iso(rest, raw)?;
            (Some(time), rest.strip_prefix(' ')?)
        }
    };
    let (hostname, rest) = token(rest);
    let (app_name, rest) = token(rest);
    let (procid, rest) = token(rest);
    let (msgid, rest) = token(rest);
    let whole = [hostname, app_name, procid, msgid].iter().all(|part| !part.is_empty());
    if !whole || hostname.len() > 255 || app_name.ends_with(':') {
        return None;
    }
    let (structured_data, message) = if let Some(rest) = rest.strip_prefix('-') {
        ("", rest)
    } else if let Some(len) = elements(rest, &mut |_, _, _| {}) {
        rest.split_at(len)
    } else if rest.starts_with('[') {
        // Some products put brackets of their own here; they are then all message.
        ("", rest)
    } else {
        return None;
    };
    *header = Header {
        priority: header.priority,
        version: Some(version),
        time,
        hostname: not_nil(hostname),
        app_name: not_nil(app_name),
        procid: not_nil(procid),
        msgid: not_nil(msgid),
        structured_data,
    };
    Some(message.trim_start().trim_start_matches('\u{feff}'))
}

/// Visits every `[id name="value" …]` and gives the length of them all; `None` if there is none or one is malformed.
fn elements<'a>(text: &'a str, visit: &mut dyn FnMut(&'a str, &'a str, &'a str)) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut at = 0;
    while bytes.get(at) == Some(&b'[') {
        let id_len = bytes[at + 1..].iter().position(|byte| matches!(byte, b' ' | b']'))?;
        let id = text.get(at + 1..at + 1 + id_len).filter(|id| !id.is_empty())?;
        at += 1 + id_len;
        while bytes.get(at) == Some(&b' ') {
            at += 1;
            if bytes.get(at) == Some(&b']') {
                break;
            }
            let name_len = memchr::memchr(b'=', bytes.get(at..)?)?;
            let name = text.get(at..at + name_len)?;
            at += name_len + 1;
            if bytes.get(at) != Some(&b'"') {
                return None;
            }
            let start = at + 1;
            at = start;
            loop {
                at += memchr::memchr2(b'"', b'\\', bytes.get(at..)?)?;
                if bytes.get(at) == Some(&b'"') {
                    break;
                }
                at += 2;
            }
            visit(id, name, text.get(start..at)?);
            at += 1;
        }
        if bytes.get(at) != Some(&b']') {
            return None;
        }
        at += 1;
    }
    (at > 0).then_some(at)
}

/// `\"`, `\\` and `\]` stand for the character; any other backslash for itself (RFC 5424, 6.3.3).
fn unescape(value: &str) -> std::borrow::Cow<'_, str> {
    if memchr::memchr(b'\\', value.as_bytes()).is_none() {
        return value.into();
    }
    let mut out = String::with_capacity(value.len());
    let mut chars = value.chars().peekable();
    while let Some(c) = chars.next() {
        match chars.peek() {
            Some(&next @ ('"' | '\\' | ']')) if c == '\\' => {
                out.push(next);
                chars.next();
            }
            _ => out.push(c),
        }
    }
    out.into()
}

/// Where Cisco's `%FACILITY-SEVERITY-MNEMONIC` begins, if the line has one near its start.
fn mnemonic(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let near = bytes.get(..bytes.len().min(128))?;
    let at = memchr::memchr_iter(b'%', near).find(|at| *at == 0 || matches!(near[at - 1], b' ' | b':'))?;
    let tag = bytes.get(at + 1..)?;
    let tag = tag.get(..memchr::memchr2(b':', b' ', tag)?)?;
    let severity =
        tag.windows(3).any(|three| three[0] == b'-' && matches!(three[1], b'0'..=b'7') && three[2] == b'-');
    (severity && tag.first().is_some_and(u8::is_ascii_uppercase)).then_some(at)
}

/// What Cisco puts before the mnemonic, in any order: `123: host: 456: *Mar  1 18:46:11.123 UTC: `.
fn cisco_prefix<'r>(text: &'r str, raw: &Raw<'_>, header: &mut Header<'r>) {
    let mut rest = text;
    // Every turn shortens the text; a prefix has few parts, a hostile one may have many.
    for _ in 0..8 {
        rest = rest.trim_start_matches([' ', ':', '\t']);
        if rest.is_empty() {
            return;
        }
        if header.time.is_none()
            && let Some((time, after)) = time(rest, raw, header.priority.is_some())
        {
            header.time = Some(time);
            // A zone that we do not know by name.
            let zone = after.trim_start().split(':').next().unwrap_or_default().trim_end();
            let named = (2..=5).contains(&zone.len()) && zone.bytes().all(|byte| byte.is_ascii_uppercase());
            let last = after.trim_start().get(zone.len()..).is_some_and(|rest| rest.starts_with(':'));
            rest = if named && last { &after.trim_start()[zone.len()..] } else { after };
            continue;
        }
        let end = rest.find(": ").or_else(|| rest.rfind(':').filter(|at| at + 1 == rest.trim_end().len()));
        let part = rest[..end.unwrap_or(rest.len())].trim();
        let uptime = part
            .bytes()
            .all(|byte| byte.is_ascii_digit() || matches!(byte, b':' | b'.' | b'w' | b'd' | b'y'));
        let (first, second) = token(part);
        if uptime && !part.contains('.') {
            // A sequence number or the time since the device started.
        } else if second.is_empty() && first.contains('[') {
            tag(first, header);
        } else if header.hostname.is_empty() && (second.is_empty() || header.time.is_some()) {
            header.hostname = first;
            if !second.is_empty() {
                tag(second.trim(), header);
            }
        }
        rest = end.map_or("", |end| &rest[end..]);
    }
}

/// A time in any form that may stand at a header's start.
fn time<'a>(text: &'a str, raw: &Raw<'_>, marked: bool) -> Option<(Time, &'a str)> {
    match text.as_bytes().first()? {
        b'0'..=b'9' => stamp::iso(text, raw)
            .or_else(|| stamp::bsd(text, raw))
            // A bare number is a time only where a priority says that this is syslog.
            .or_else(|| stamp::epoch(text).filter(|(_, rest)| marked && rest.starts_with(' '))),
        b'*' | b'.' | b'A'..=b'Z' | b'a'..=b'z' => stamp::bsd(text, raw),
        _ => None,
    }
}

/// RFC 3164 and its neighbours; gives the message.
fn rfc3164<'r>(text: &'r str, raw: &Raw<'_>, header: &mut Header<'r>) -> &'r str {
    let marked = header.priority.is_some();
    let Some((time, after)) = time(text, raw, marked) else {
        return if marked { tag(text, header) } else { text };
    };
    header.time = Some(time);
    if !marked && text.as_bytes().get(10) == Some(&b' ') && text.as_bytes()[0].is_ascii_digit() {
        // `2026-07-01 07:00:00 …` without a priority is some application's file: it tells the time, not the host.
        return text;
    }
    let rest = after.trim_start_matches([' ', ':', '\t']);
    let (first, after) = token(rest);
    if !is_host(first) {
        return tag(rest, header);
    }
    header.hostname = first;
    tag(after.trim_start(), header)
}

/// Whether the word after the time is the host: else it is the tag or already the message.
fn is_host(word: &str) -> bool {
    const LEVELS: &[&str] =
        &["TRACE", "DEBUG", "INFO", "NOTICE", "WARN", "WARNING", "ERROR", "CRITICAL", "FATAL", "ERR", "CRIT"];
    let plain = |byte: u8| {
        byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b':' | b'/' | b'@' | b'%')
    };
    !word.is_empty()
        && !word.ends_with(':')
        && !word.starts_with('/')
        && word.bytes().all(plain)
        && !LEVELS.contains(&word)
        && !word.starts_with("CEF:")
        && !word.starts_with("LEEF:")
}

/// `tag: `, `tag[pid]: `, `tag[pid] `; gives what follows, or all of it if there is no tag.
fn tag<'r>(text: &'r str, header: &mut Header<'r>) -> &'r str {
    let bytes = text.as_bytes();
    let near = &bytes[..bytes.len().min(96)];
    let Some(end) =
        near.iter().position(|byte| matches!(byte, b' ' | b':' | b'[' | b'\t' | b'=' | b'"' | b'{'))
    else {
        return text;
    };
    match bytes[end] {
        b':' if matches!(bytes.get(end + 1), None | Some(b' ' | b'\t'))
            && near[..end].iter().any(|byte| !byte.is_ascii_digit()) =>
        {
            header.app_name = &text[..end];
            text[end + 1..].trim_start()
        }
        b'[' if end > 0 => bracketed(text, end, header).unwrap_or(text),
        // `Google Chrome[85294]: `: two capitalised words.
        b' ' if bytes[0].is_ascii_uppercase() && bytes.get(end + 1).is_some_and(u8::is_ascii_uppercase) => {
            let second = near[end + 1..].iter().position(|byte| !byte.is_ascii_alphanumeric());
            match second.map(|len| end + 1 + len) {
                Some(open) if bytes[open] == b'[' => bracketed(text, open, header).unwrap_or(text),
                _ => text,
            }
        }
        _ => text,
    }
}

/// `[pid]` at `open`, with the colon after it.
fn bracketed<'r>(text: &'r str, open: usize, header: &mut Header<'r>) -> Option<&'r str> {
    let close =
        open + memchr::memchr(b']', text.as_bytes().get(open..open + 40).or(text.as_bytes().get(open..))?)?;
    let procid = text.get(open + 1..close)?;
    let after = text.get(close + 1..)?;
    if procid.contains([' ', '=', '"']) || !(after.is_empty() || after.starts_with([':', ' '])) {
        return None;
    }
    header.app_name = text.get(..open)?;
    header.procid = procid;
    Some(after.strip_prefix(':').unwrap_or(after).trim_start())
}

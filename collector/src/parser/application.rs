//! Applications whose format nobody has described to us: logins that failed or succeeded, and requests that were
//! answered, as hundreds of programs write them in text, `key=value` or JSON.
//!
//! It is asked last and claims a line only if the line says both what happened and from which address, because a wrong
//! guess would count as an attack. What the words around an address mean is in `address`, what a login's failure sounds
//! like in `phrase`, how a request looks in `access`.

mod access;
mod address;
mod phrase;

use super::{Line, ParseError, Parser, stamp};
use access::Access;
use event::{Draft, Field, Raw, Time};

pub(super) const PARSER: Parser = Parser { name: "application", product: None, prose: true, sniff, parse };

/// What lies behind is not looked at: stack traces, tokens, whole requests.
const LOOKED_AT_MAX: usize = 4096;

fn sniff(line: &Line<'_>) -> bool {
    let text = text(line);
    (phrase::login(text).is_some()
        || access::in_text(text).is_some()
        || access::looks_like_json(text)
        || phrase::mail_refused(text)
        || is_trap(line))
        && client(line, text).is_some()
}

/// Programs that nobody has business with: whoever comes is up to something.
fn is_trap(line: &Line<'_>) -> bool {
    matches!(line.header.app_name, "endlessh" | "sshesame" | "cowrie" | "honeytrap" | "opencanary")
}

/// Whether a program's own words tell of a login, and whether it worked.
pub(super) fn login(text: &str) -> Option<bool> {
    phrase::login(text)
}

/// The user whom a program's own words name, or nothing.
pub(super) fn user(text: &str) -> &str {
    phrase::user(text)
}

/// A line without a program's name is taken whole: its own time looks like a syslog header.
fn text<'r>(line: &Line<'r>) -> &'r str {
    let text = if line.header.priority.is_none() && line.header.app_name.is_empty() {
        line.raw.line.trim()
    } else {
        line.message
    };
    let mut end = text.len().min(LOOKED_AT_MAX);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// Some write the address before the time, where it looks like a syslog header's host name.
fn client<'r>(line: &Line<'r>, text: &'r str) -> Option<address::Client<'r>> {
    address::client(text)
        .or_else(|| address::client(line.header.hostname).filter(|_| line.header.priority.is_none()))
}

fn parse<'r>(line: &Line<'r>, draft: &mut Draft<'r>) -> Result<(), ParseError> {
    let text = text(line);
    let client = client(line, text).ok_or(ParseError::Missing("source address"))?;
    line.header.put_process(draft);
    super::origin(draft, "application", "application.log");
    if line.header.time.is_none()
        && let Some(time) = time(text, line.raw)
    {
        draft.date(Field::TIMESTAMP, time);
    }
    draft.ip(Field::SOURCE_IP, client.ip);
    draft.put(Field::SOURCE_ADDRESS, client.text);
    draft.put(Field::SOURCE_PORT, client.port);
    let access = access::in_json(text).or_else(|| access::in_text(text));
    let login = phrase::login(text);
    if let Some(success) = login {
        draft.word(Field::EVENT_CATEGORY, "authentication");
        draft.word(Field::EVENT_TYPE, "info");
        draft.word(Field::EVENT_ACTION, "login");
        draft.word(Field::EVENT_OUTCOME, if success { "success" } else { "failure" });
        draft.put(Field::USER_NAME, phrase::user(text));
    }
    if is_trap(line) {
        draft.word(Field::EVENT_KIND, "alert");
        draft.word(Field::EVENT_CATEGORY, "intrusion_detection");
        draft.word(Field::EVENT_ACTION, "trap-contact");
    }
    if login.is_none() && phrase::mail_refused(text) {
        draft.word(Field::EVENT_CATEGORY, "email");
        draft.word(Field::EVENT_TYPE, "denied");
        draft.word(Field::EVENT_ACTION, "mail-refused");
        draft.word(Field::EVENT_OUTCOME, "failure");
    }
    if let Some(access) = access {
        request(&access, login.is_some(), draft);
    }
    Ok(())
}

fn request(access: &Access, login: bool, draft: &mut Draft<'_>) {
    draft.word(Field::EVENT_CATEGORY, "web");
    draft.word(Field::EVENT_TYPE, "access");
    draft.put(Field::HTTP_REQUEST_METHOD, &access.method);
    draft.put(Field::USER_AGENT_ORIGINAL, &access.agent);
    draft.put(Field::URL_ORIGINAL, &access.target);
    let path = access
        .target
        .split_once("://")
        .map_or(access.target.as_str(), |(_, rest)| rest.find('/').map_or("", |at| &rest[at..]));
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    draft.put(Field::URL_PATH, path);
    draft.put(Field::URL_QUERY, query);
    draft.put(Field::URL_DOMAIN, &access.host);
    if let Some(status) = access.status {
        draft.long(Field::HTTP_RESPONSE_STATUS_CODE, i64::from(status));
        if !login {
            draft.word(Field::EVENT_OUTCOME, if status < 400 { "success" } else { "failure" });
        }
    }
}

/// The first moment in the line: ISO 8601 anywhere near its beginning, or a syslog date in brackets or after a weekday.
fn time(text: &str, raw: &Raw<'_>) -> Option<Time> {
    const WHERE_MAX: usize = 400;
    let bytes = text.as_bytes();
    let digits = |at: usize| bytes.get(at..at + 4).is_some_and(|four| four.iter().all(u8::is_ascii_digit));
    let mut tries = 0;
    for at in 0..bytes.len().min(WHERE_MAX) {
        let starts = at == 0 || !bytes[at - 1].is_ascii_alphanumeric();
        if starts && digits(at) && matches!(bytes.get(at + 4), Some(b'-' | b'/')) {
            if let Some((time, _)) = text.get(at..).and_then(|rest| stamp::iso(rest, raw)) {
                return Some(time);
            }
            tries += 1;
            if tries == 4 {
                break;
            }
        }
    }
    let date = text.trim_start_matches('[');
    stamp::bsd(date, raw).or_else(|| stamp::bsd(date.get(4..)?, raw)).map(|(time, _)| time)
}

//! Error logs of nginx and Apache, and what ModSecurity says in either.

use super::web_access::{client, host_and_port, request, url};
use super::{Line, ParseError, Parser, stamp};
use event::{Draft, Field};

pub(super) const PARSER: Parser = Parser { name: "web_error", product: None, prose: true, sniff, parse };

fn sniff(line: &Line<'_>) -> bool {
    let text = text(line);
    is_apache(text) || is_nginx(text)
}

/// A line without a priority is taken whole: nginx's time looks like a syslog header.
fn text<'r>(line: &Line<'r>) -> &'r str {
    if line.header.priority.is_none() && line.header.app_name.is_empty() {
        line.raw.line.trim()
    } else {
        line.message
    }
}

/// `[Mon Dec 26 16:15:55.103522 2026] [`
fn is_apache(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.first() == Some(&b'[')
        && matches!(
            bytes.get(1..5),
            Some(b"Mon " | b"Tue " | b"Wed " | b"Thu " | b"Fri " | b"Sat " | b"Sun ")
        )
        && bytes.get(11) == Some(&b' ')
        && bytes.get(14) == Some(&b':')
}

/// `2026/10/25 14:49:34 [error] 5405#0: `
fn is_nginx(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.get(4) == Some(&b'/') && bytes.get(7) == Some(&b'/') && bytes.get(19..21) == Some(b" [")
}

fn parse<'r>(line: &Line<'r>, draft: &mut Draft<'r>) -> Result<(), ParseError> {
    let text = text(line);
    line.header.put_process(draft);
    draft.word(Field::EVENT_CATEGORY, "web");
    let (module, dataset) =
        if is_nginx(text) { ("nginx", "nginx.error") } else { ("apache", "apache.error") };
    super::origin(draft, module, dataset);
    let message = if is_nginx(text) { nginx(line, text, draft)? } else { apache(line, text, draft)? };
    draft.put(Field::MESSAGE, message);
    if let Some((_, said)) = message.split_once("ModSecurity: ") {
        modsecurity(said, draft);
    } else {
        // What an application said through the server; behind `, client: ` stand the client's own words.
        let said = message.split(", client: ").next().unwrap_or(message);
        if super::application::login(said) == Some(false) {
            login_failed(super::application::user(said), draft);
        }
    }
    Ok(())
}

fn nginx<'r>(line: &Line<'r>, text: &'r str, draft: &mut Draft<'r>) -> Result<&'r str, ParseError> {
    let (time, rest) = stamp::iso(text, line.raw).ok_or(ParseError::Malformed { at: 0 })?;
    draft.date(Field::TIMESTAMP, time);
    draft.word(Field::EVENT_TYPE, "error");
    let (level, rest) = rest
        .trim_start()
        .strip_prefix('[')
        .and_then(|rest| rest.split_once(']'))
        .ok_or(ParseError::Missing("level"))?;
    draft.put(Field::LOG_LEVEL, level);
    let mut message = rest.trim_start();
    if let Some((ids, rest)) = message.split_once(": ")
        && let Some((pid, thread)) = ids.split_once('#')
    {
        draft.put(Field::PROCESS_PID, pid);
        draft.put(Field::PROCESS_THREAD_ID, thread);
        message = rest;
    }
    if let Some((connection, rest)) = message.strip_prefix('*').and_then(|rest| rest.split_once(' ')) {
        draft.extra("nginx.error", "connection_id", connection);
        message = rest;
    }
    // The fields stand behind the text, which may hold what the client sent: the last mark counts.
    let after = |mark: &str| message.rsplit_once(mark).map(|(_, rest)| rest);
    if let Some(address) = after(", client: ") {
        client(address.split(',').next().unwrap_or(address), draft);
    }
    if let Some(asked) = after(", request: \"") {
        request(asked.split('"').next().unwrap_or(asked), draft);
    }
    let host = after(", host: \"").or_else(|| after(", server: ")).unwrap_or_default();
    let (name, port) = host_and_port(host.split(['"', ',']).next().unwrap_or_default());
    draft.put(Field::URL_DOMAIN, name);
    draft.put(Field::URL_PORT, port);
    if let Some(referrer) = after(", referrer: \"") {
        draft.put(Field::HTTP_REQUEST_REFERRER, referrer.trim_end_matches('"'));
    }
    if let Some(rest) = message.strip_prefix("user \"") {
        login_failed(rest.split('"').next().unwrap_or(rest), draft);
    } else if message.starts_with("client login failed") {
        // nginx as a mail proxy
        let user = after(", login: \"").unwrap_or_default();
        login_failed(user.split('"').next().unwrap_or(user), draft);
    } else if let Some(path) = message.strip_prefix("open() \"").or_else(|| message.strip_prefix('"')) {
        draft.put(Field::FILE_PATH, path.split('"').next().unwrap_or(path));
    }
    Ok(message)
}

fn apache<'r>(line: &Line<'r>, text: &'r str, draft: &mut Draft<'r>) -> Result<&'r str, ParseError> {
    let malformed = ParseError::Malformed { at: 0 };
    let (time, rest) = text.get(5..).and_then(|text| text.split_once(']')).ok_or(malformed.clone())?;
    draft.date(Field::TIMESTAMP, stamp::bsd(time, line.raw).ok_or(malformed)?.0);
    let mut rest = rest.trim_start();
    let mut level = "";
    while let Some((group, after)) = rest.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        // An address in brackets of its own: [client [2001:db8::1]:40022]
        let after = after.split_once("] ").filter(|_| group.contains('[')).map_or(after, |(_, after)| after);
        if !bracket(group, &mut level, draft) {
            break;
        }
        rest = after.trim_start();
    }
    if !rest.starts_with('[')
        && let Some((_, group)) = rest.split_once("[client ")
    {
        client(group.split(']').next().unwrap_or(group), draft); // (70008)Partial results: [client 192.0.2.1:40022]
    }
    let grave = matches!(level, "warn" | "error" | "crit" | "alert" | "emerg");
    draft.word(Field::EVENT_TYPE, if grave { "error" } else { "info" });
    apache_message(rest, draft);
    Ok(rest)
}

/// One of the groups before the message; `false` if it belongs to the message.
fn bracket<'r>(group: &'r str, level: &mut &'r str, draft: &mut Draft<'r>) -> bool {
    if let Some(address) = group.strip_prefix("client ").or_else(|| group.strip_prefix("remote ")) {
        client(address, draft);
    } else if let Some(ids) = group.strip_prefix("pid ") {
        let (pid, thread) = ids.split_once(":tid ").unwrap_or((ids, ""));
        draft.put(Field::PROCESS_PID, pid);
        draft.put(Field::PROCESS_THREAD_ID, thread);
    } else if level.is_empty() {
        let (module, said) = group.rsplit_once(':').unwrap_or(("", group));
        *level = said;
        draft.put(Field::LOG_LEVEL, said);
        draft.extra("apache.error", "module", module);
    } else {
        return group.starts_with("tid ");
    }
    true
}

fn apache_message<'r>(message: &'r str, draft: &mut Draft<'r>) {
    let code_at = message.find("AH0").filter(|at| message.as_bytes().get(at + 7) == Some(&b':'));
    let said = match code_at {
        Some(at) => {
            draft.put(Field::ERROR_CODE, &message[at..at + 7]);
            message[at + 8..].trim_start()
        }
        None => message,
    };
    let (said, referrer) = said.rsplit_once(", referer: ").unwrap_or((said, ""));
    draft.put(Field::HTTP_REQUEST_REFERRER, referrer);
    if let Some(asked) = said.strip_prefix("Invalid URI in request ") {
        request(asked, draft);
    }
    for prefix in ["File does not exist: ", "client denied by server configuration: "] {
        draft.put(Field::FILE_PATH, said.strip_prefix(prefix).unwrap_or(""));
    }
    if let Some(rest) = said.strip_prefix("user ") {
        if let Some((user, path)) = rest.split_once(" not found: ") {
            login_failed(user, draft);
            url(path, draft);
        } else if let Some((user, path)) = rest.split_once(": authentication failure for \"") {
            login_failed(user, draft);
            url(path.split('"').next().unwrap_or(path), draft);
        }
    }
}

fn login_failed<'r>(user: &'r str, draft: &mut Draft<'r>) {
    draft.word(Field::EVENT_CATEGORY, "authentication");
    draft.word(Field::EVENT_ACTION, "http_login");
    draft.word(Field::EVENT_OUTCOME, "failure");
    draft.put(Field::USER_NAME, user);
}

/// `Access denied with code 403 (phase 2). … [id "949110"] [msg "…"] [severity "CRITICAL"] [uri "/"]`
fn modsecurity<'r>(said: &'r str, draft: &mut Draft<'r>) {
    draft.word(Field::EVENT_KIND, "alert");
    draft.word(Field::EVENT_CATEGORY, "intrusion_detection");
    draft.word(Field::OBSERVER_TYPE, "waf");
    if let Some(rest) = said.strip_prefix("Access denied with code ") {
        draft.word(Field::EVENT_TYPE, "denied");
        draft.word(Field::EVENT_ACTION, "blocked");
        draft.put(Field::HTTP_RESPONSE_STATUS_CODE, rest.split(' ').next().unwrap_or_default());
    } else {
        draft.word(Field::EVENT_ACTION, "detected");
    }
    let mut rest = said;
    while let Some((_, group)) = rest.split_once(" [") {
        let Some((key, value)) = group.split_once(" \"") else { break };
        rest = group;
        if key.len() > 16 || !key.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_') {
            continue;
        }
        let Some((value, after)) = value.split_once("\"]") else { break };
        // The search goes on at the bracket that closed this group.
        rest = after;
        match key {
            "id" => draft.put(Field::RULE_ID, value),
            "msg" => draft.put(Field::RULE_NAME, value),
            "uri" => url(value, draft),
            "hostname" => draft.put(Field::URL_DOMAIN, value),
            "file" => draft.put(Field::RULE_RULESET, value.rsplit_once('/').map_or(value, |(_, name)| name)),
            "ver" => draft.put(Field::RULE_VERSION, value),
            "unique_id" => draft.put(Field::HTTP_REQUEST_ID, value),
            _ => draft.extra("modsec", key, value),
        }
    }
}

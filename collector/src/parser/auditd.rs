//! The Linux audit system: `type=… msg=audit(time:number): key=value …`, one record a line.
//!
//! Records of one event come as several lines; each is an event here, joined by `auditd.log.sequence`, because a parser
//! has no memory. Values that a user could choose are written in hexadecimal when they hold blanks, and are read back.

use super::{Line, ParseError, Parser, stamp};
use event::{Draft, Field};
use std::borrow::Cow;

pub(super) const PARSER: Parser = Parser { name: "auditd", product: None, prose: false, sniff, parse };

const EXTRA: &str = "auditd.log";

fn sniff(line: &Line<'_>) -> bool {
    memchr::memmem::find(line.message.as_bytes(), b"msg=audit(").is_some()
        && memchr::memmem::find(line.message.as_bytes(), b"type=").is_some()
}

fn parse<'r>(line: &Line<'r>, draft: &mut Draft<'r>) -> Result<(), ParseError> {
    let text = line.message;
    draft.put(Field::HOST_NAME, line.header.hostname);
    super::origin(draft, "auditd", "auditd.log");
    let (before, rest) = text.split_once("msg=audit(").ok_or(ParseError::Missing("msg"))?;
    if let Some((_, node)) = before.split_once("node=") {
        draft.put(Field::HOST_NAME, node.split(' ').next().unwrap_or(node));
    }
    let kind = before.split_once("type=").map_or("", |(_, kind)| kind.trim());
    let (stamp, rest) = rest.split_once(')').ok_or(ParseError::Missing("time"))?;
    let (seconds, sequence) = stamp.rsplit_once(':').unwrap_or((stamp, ""));
    if let Some((time, _)) = stamp::epoch(seconds) {
        draft.date(Field::TIMESTAMP, time);
    }
    draft.extra(EXTRA, "sequence", sequence);
    draft.extra(EXTRA, "record_type", kind);
    let mut record = Record { kind, success: None, args: String::new(), execve: false };
    let mut pairs = rest.trim_start_matches([':', ' ']);
    while let Some((key, value, after)) = pair(pairs) {
        if key == "msg" {
            // A program's own words stand in quotes and are pairs again.
            pairs = inner(pairs);
            continue;
        }
        record.field(key, value, draft);
        pairs = after;
    }
    record.finish(draft);
    Ok(())
}

/// The next `key=value` or `key="value"`, and what follows.
fn pair(text: &str) -> Option<(&str, &str, &str)> {
    let (key, rest) = text.split_once('=')?;
    let key = key.rsplit([' ', '\'', '\u{1d}']).next().unwrap_or(key);
    let (value, after) = match rest.strip_prefix('"') {
        // With the quotes, which tell text from hexadecimal.
        Some(inner) => match inner.find('"') {
            Some(end) => (&rest[..end + 2], &inner[end + 1..]),
            None => (rest, ""),
        },
        None => {
            let end = rest.find([' ', '\'', '\u{1d}']).unwrap_or(rest.len());
            rest.split_at(end)
        }
    };
    Some((key, value, after))
}

/// Behind `msg='`.
fn inner(text: &str) -> &str {
    text.split_once("msg=").map_or("", |(_, rest)| rest.strip_prefix('\'').unwrap_or(rest))
}

struct Record<'r> {
    kind: &'r str,
    success: Option<bool>,
    args: String,
    execve: bool,
}

impl<'r> Record<'r> {
    fn field(&mut self, key: &'r str, value: &'r str, draft: &mut Draft<'r>) {
        if matches!(value, "" | "?" | "(null)" | "(none)" | "\"?\"") {
            return;
        }
        let untrusted =
            matches!(key, "comm" | "exe" | "name" | "cwd" | "proctitle" | "acct" | "cmd" | "key" | "data")
                || (self.kind == "EXECVE" && is_argument(key));
        let text = if untrusted { plain(value) } else { Cow::Borrowed(value.trim_matches('"')) };
        draft.extra(EXTRA, if key == "type" { "record_kind" } else { key }, &text);
        if self.kind == "EXECVE" && is_argument(key) {
            draft.put(Field::PROCESS_ARGS, &text);
            if !self.args.is_empty() {
                self.args.push(' ');
            }
            self.args.push_str(&text);
            return;
        }
        let field = match key {
            "exe" => Field::PROCESS_EXECUTABLE,
            "comm" => Field::PROCESS_NAME,
            "pid" => Field::PROCESS_PID,
            "ppid" => Field::PROCESS_PARENT_PID,
            "cwd" => Field::PROCESS_WORKING_DIRECTORY,
            "proctitle" | "cmd" => Field::PROCESS_COMMAND_LINE,
            "uid" => Field::USER_ID,
            "UID" | "acct" => Field::USER_NAME,
            "EUID" => Field::USER_EFFECTIVE_NAME,
            "name" => Field::FILE_PATH,
            "key" => Field::TAGS,
            "addr" | "saddr" if text.parse::<std::net::IpAddr>().is_ok() => Field::SOURCE_IP,
            "hostname" if text.parse::<std::net::IpAddr>().is_err() => Field::SOURCE_DOMAIN,
            "success" | "res" => {
                self.success = Some(matches!(&*text, "yes" | "success" | "1"));
                return;
            }
            "syscall" => {
                // execve and execveat of x86-64, and their names where auditd resolves them.
                self.execve = matches!(&*text, "59" | "322" | "execve" | "execveat");
                return;
            }
            _ => return,
        };
        draft.put(field, &text);
    }

    fn finish(self, draft: &mut Draft<'r>) {
        draft.put(Field::PROCESS_COMMAND_LINE, &self.args);
        let (category, kind) = match self.kind {
            "EXECVE" => ("process", "start"),
            "SYSCALL" if self.execve => ("process", "start"),
            "SYSCALL" | "PROCTITLE" | "CWD" | "USER_CMD" => ("process", "info"),
            "PATH" => ("file", "info"),
            "SOCKADDR" => ("network", "info"),
            "USER_LOGIN" | "USER_AUTH" | "USER_ERR" => ("authentication", "info"),
            "USER_START" | "LOGIN" => ("session", "start"),
            "USER_END" | "USER_LOGOUT" => ("session", "end"),
            "ADD_USER" | "ADD_GROUP" => ("iam", "creation"),
            "DEL_USER" | "DEL_GROUP" => ("iam", "deletion"),
            "USER_MGMT" | "GRP_MGMT" | "USER_CHAUTHTOK" | "ROLE_ASSIGN" => ("iam", "change"),
            "CONFIG_CHANGE" | "DAEMON_CONFIG" | "DAEMON_END" | "DAEMON_ABORT" | "SERVICE_START"
            | "SERVICE_STOP" => ("configuration", "change"),
            kind if kind.starts_with("ANOM_") => ("intrusion_detection", "info"),
            _ => ("host", "info"),
        };
        draft.word(Field::EVENT_CATEGORY, category);
        draft.word(Field::EVENT_TYPE, kind);
        draft.put(Field::EVENT_ACTION, &self.kind.to_ascii_lowercase());
        if let Some(success) = self.success {
            draft.word(Field::EVENT_OUTCOME, if success { "success" } else { "failure" });
        }
    }
}

/// `a0`, `a1`, …
fn is_argument(key: &str) -> bool {
    key.strip_prefix('a')
        .is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Quoted text as it is; hexadecimal read back, with NUL between arguments as a blank.
fn plain(value: &str) -> Cow<'_, str> {
    if let Some(inner) = value.strip_prefix('"') {
        return inner.strip_suffix('"').unwrap_or(inner).into();
    }
    let hex = value.len() >= 2
        && value.len().is_multiple_of(2)
        && value.bytes().all(|byte| byte.is_ascii_hexdigit());
    if !hex || value.bytes().any(|byte| byte.is_ascii_lowercase()) {
        return value.into();
    }
    let byte =
        |pair: &[u8]| std::str::from_utf8(pair).ok().and_then(|pair| u8::from_str_radix(pair, 16).ok());
    let bytes: Vec<u8> = value.as_bytes().chunks(2).filter_map(byte).collect();
    let text = String::from_utf8_lossy(&bytes).replace('\0', " ");
    text.trim_end().to_owned().into()
}

//! Kaspersky Security Center: CEF, LEEF, and RFC 5424 with the event in the structured data.

use super::container::{Container, cef, leef};
use super::extension::unescape;
use super::{Line, ParseError, Parser, mark, stamp};
use event::{Draft, Field};

pub(super) const PARSER: Parser =
    Parser { name: "kaspersky", product: Some(("Kaspersky", "Security Center")), prose: false, sniff, parse };

const EXTRA: &str = "kaspersky";

fn sniff(line: &Line<'_>) -> bool {
    line.header.structured_data.starts_with("[event@23668")
        || is_event(line.header.msgid)
        || mark::find(line.message, "|KasperskyLab|").is_some()
        || mark::find(line.message, "|Kaspersky|").is_some()
}

fn is_event(name: &str) -> bool {
    ["GNRL_EV_", "KLSRV_", "KLPRCI_", "KLAUD_", "KLNAG_"].iter().any(|prefix| name.starts_with(prefix))
}

fn parse<'r>(line: &Line<'r>, draft: &mut Draft<'r>) -> Result<(), ParseError> {
    draft.put(Field::OBSERVER_NAME, line.header.hostname);
    super::origin(draft, "kaspersky", "kaspersky.security_center");
    if let Some(found) = cef(line.message).or_else(|| leef(line.message)) {
        container(line, &found, draft);
        return Ok(());
    }
    let data = line.header.structured_data;
    if data.is_empty() {
        return Err(ParseError::Missing("structured data"));
    }
    let mut event = line.header.msgid;
    structured(data, |key, value| {
        if key == "et" {
            event = value;
        }
    });
    kind(event, draft);
    structured(data, |key, value| parameter(key, value, draft));
    draft.put(Field::MESSAGE, line.message);
    Ok(())
}

fn container<'r>(line: &Line<'r>, found: &Container<'r>, draft: &mut Draft<'r>) {
    draft.put(Field::OBSERVER_VERSION, found.version);
    draft.put(Field::EVENT_SEVERITY, found.severity);
    kind(found.event, draft);
    draft.put(Field::EVENT_REASON, found.name);
    // `cs1Label=VirusName` may stand before or behind its `cs1=…`.
    let mut labels = [("", ""); 24];
    let mut count = 0;
    found.each(|key, value| {
        if let (Some(of), Some(slot)) = (key.strip_suffix("Label"), labels.get_mut(count)) {
            *slot = (of, value);
            count += 1;
        }
    });
    found.each(|key, value| {
        if key.ends_with("Label") || value.is_empty() {
            return;
        }
        let label = labels.iter().find(|(of, _)| *of == key).map(|(_, label)| *label);
        attribute(line, label.unwrap_or(key), &unescape(value), draft);
    });
}

fn attribute(line: &Line<'_>, key: &str, value: &str, draft: &mut Draft<'_>) {
    match key {
        "rt" | "devTime" | "deviceReceiptTime" | "end" => {
            if let Some(time) = stamp::whole(value, line.raw) {
                draft.date(Field::TIMESTAMP, time);
            }
        }
        "dhost" | "HostDisplayName" | "deviceName" => draft.put(Field::HOST_NAME, value),
        "dst" | "HostIP" => draft.put(Field::HOST_IP, value),
        "src" => draft.put(Field::SOURCE_IP, value),
        "spt" => draft.put(Field::SOURCE_PORT, value),
        "suser" | "duser" | "usrName" | "UserName" => user(value, draft),
        "VirusName" | "virusName" | "ThreatName" | "DetectName" => draft.put(Field::RULE_NAME, value),
        "filePath" | "fname" | "ObjectName" | "file" => file(value, draft),
        "fileHash" | "SHA256" | "MD5" | "SHA1" | "sha256" | "md5" => hash(value, draft),
        "sproc" | "ProcessName" => draft.put(Field::PROCESS_NAME, value),
        "request" => draft.put(Field::URL_ORIGINAL, value),
        "msg" => draft.put(Field::MESSAGE, value),
        _ => draft.extra(EXTRA, key, value),
    }
}

/// The parameters of the structured form: `p1` to `p9` mean what the event's kind says, `p2` an object, `p5` what was
/// found in it, `p7` the user.
fn parameter(key: &str, value: &str, draft: &mut Draft<'_>) {
    let plain = value.replace("\\\"", "\"").replace("\\]", "]").replace("\\\\", "\\");
    let value = plain.as_str();
    let malware = draft.so_far().text(Field::EVENT_KIND) == Some("alert");
    match key {
        "et" => {}
        "etdn" => draft.put(Field::EVENT_REASON, value),
        "hdn" | "hostname" => draft.put(Field::HOST_NAME, value),
        "hip" => draft.put(Field::HOST_IP, value),
        "p1" if malware && is_hash(value) => hash(value, draft),
        "p2" if malware => file(value, draft),
        "p5" if malware => draft.put(Field::RULE_NAME, value),
        "p7" if malware => user(value, draft),
        "tdn" => draft.extra(EXTRA, "ProductName", value),
        "gn" => draft.extra(EXTRA, "GroupName", value),
        _ => draft.extra(EXTRA, key, value),
    }
}

/// `[event@23668 et="GNRL_EV_VIRUS_FOUND" p2="C:\\a.exe"]`
fn structured<'r>(data: &'r str, mut found: impl FnMut(&'r str, &'r str)) {
    let mut rest = data;
    while let Some((before, after)) = rest.split_once("=\"") {
        let key = before.rsplit([' ', '[']).next().unwrap_or(before);
        let bytes = after.as_bytes();
        let end = memchr::memchr_iter(b'"', bytes)
            .find(|at| bytes[..*at].iter().rev().take_while(|byte| **byte == b'\\').count() % 2 == 0);
        let Some(end) = end else { return };
        found(key, &after[..end]);
        rest = &after[end + 1..];
    }
}

fn kind<'r>(event: &'r str, draft: &mut Draft<'r>) {
    draft.put(Field::EVENT_CODE, event);
    let has = |word: &str| event.contains(word);
    let (category, kind, action) = if has("VIRUS_FOUND_AND_BLOCKED") || has("OBJECT_BLOCKED") {
        ("malware", "denied", "threat-blocked")
    } else if has("NOTCURED") || has("NOT_CURED") {
        draft.word(Field::EVENT_OUTCOME, "failure");
        ("malware", "info", "threat-not-removed")
    } else if has("OBJECT_DELETED") {
        ("malware", "info", "threat-removed")
    } else if has("OBJECT_CURED") {
        ("malware", "info", "threat-cured")
    } else if has("QUARANTINED") {
        ("malware", "info", "threat-quarantined")
    } else if has("VIRUS_FOUND")
        || has("VIRUS_OUTBREAK")
        || has("SUSPICIOUS_OBJECT")
        || has("PTOTECTED_OBJECT")
    {
        ("malware", "info", "threat-detected")
    } else if has("ATTACK_DETECTED") {
        ("intrusion_detection", "info", "attack-detected")
    } else if has("URL_BLOCKED") {
        ("web", "denied", "url-blocked")
    } else if has("APPLICATION_LAUNCH_DENIED") {
        ("process", "denied", "launch-denied")
    } else if has("SERVERCONNECT") {
        ("authentication", "info", "console-login")
    } else if event.starts_with("KLAUD_") {
        ("configuration", "change", "console-change")
    } else if event.starts_with("KLPRCI_") {
        ("host", "info", "task-state")
    } else {
        ("host", "info", "host-state")
    };
    draft.word(Field::EVENT_CATEGORY, category);
    draft.word(Field::EVENT_TYPE, kind);
    draft.word(Field::EVENT_ACTION, action);
    if matches!(category, "malware" | "intrusion_detection") {
        draft.word(Field::EVENT_KIND, "alert");
    }
}

/// `DOMAIN\name`
fn user(value: &str, draft: &mut Draft<'_>) {
    let (domain, name) = value.split_once('\\').unwrap_or(("", value));
    draft.put(Field::USER_DOMAIN, domain);
    draft.put(Field::USER_NAME, name);
}

/// A path and the name at its end; `C:\a.zip//b.exe` is a file in an archive.
pub(super) fn file(value: &str, draft: &mut Draft<'_>) {
    draft.put(Field::FILE_PATH, value);
    draft.put(Field::FILE_NAME, value.rsplit(['\\', '/']).next().unwrap_or(value));
}

fn is_hash(value: &str) -> bool {
    matches!(value.len(), 32 | 40 | 64) && value.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// A hash, told by its length.
pub(super) fn hash(value: &str, draft: &mut Draft<'_>) {
    let field = match value.len() {
        32 => Field::FILE_HASH_MD5,
        40 => Field::FILE_HASH_SHA1,
        64 => Field::FILE_HASH_SHA256,
        _ => return draft.extra(EXTRA, "hash", value),
    };
    draft.put(field, &value.to_ascii_lowercase());
}

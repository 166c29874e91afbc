//! ESET PROTECT (formerly Remote Administrator): JSON, CEF and LEEF.

use super::container::{cef, leef};
use super::extension::unescape;
use super::kaspersky::{file, hash};
use super::{Line, ParseError, Parser, mark, stamp};
use event::{Draft, Field, Raw, json};

pub(super) const PARSER: Parser =
    Parser { name: "eset", product: Some(("ESET", "PROTECT")), prose: false, sniff, parse };

const EXTRA: &str = "eset";

fn sniff(line: &Line<'_>) -> bool {
    let has = |mark: &str| mark::find(line.message, mark).is_some();
    if line.message.starts_with('{') {
        return has("\"event_type\"") && has("_Event\"") && has("\"source_uuid\"");
    }
    has("|ESET|")
}

fn parse<'r>(line: &Line<'r>, draft: &mut Draft<'r>) -> Result<(), ParseError> {
    draft.put(Field::OBSERVER_NAME, line.header.hostname);
    super::origin(draft, "eset", "eset.protect");
    let Some(found) = cef(line.message).or_else(|| leef(line.message)) else {
        // The kind decides what the rest means.
        let at = mark::find(line.message, "\"event_type\"").unwrap_or(0);
        let name = line.message.get(at + 12..).and_then(|rest| rest.split('"').nth(1)).unwrap_or_default();
        kind(name, draft);
        return json::walk(line.message, &mut |_path, key, value| {
            attribute(line.raw, key, &value.to_text(), draft);
        })
        .map_err(|error| ParseError::Malformed { at: error.column() });
    };
    draft.put(Field::OBSERVER_VERSION, found.version);
    draft.put(Field::EVENT_SEVERITY, found.severity);
    kind(if found.name.is_empty() { found.event } else { found.name }, draft);
    let mut labels = [("", ""); 24];
    let mut count = 0;
    found.each(|key, value| {
        if let (Some(of), Some(slot)) = (key.strip_suffix("Label"), labels.get_mut(count)) {
            *slot = (of, value);
            count += 1;
        }
    });
    found.each(|key, value| {
        if !key.ends_with("Label") {
            let label = labels.iter().find(|(of, _)| *of == key).map(|(_, label)| *label);
            attribute(line.raw, label.unwrap_or(key), &unescape(value), draft);
        }
    });
    Ok(())
}

/// `Threat_Event`, or CEF's `Threat Event` and LEEF's.
fn kind<'r>(name: &'r str, draft: &mut Draft<'r>) {
    draft.put(Field::EVENT_CODE, name);
    let has = |word: &str| name.contains(word);
    let (category, kind, action) = if has("Threat") || has("Antivirus") {
        ("malware", "info", "threat-detected")
    } else if has("Firewall") {
        ("network", "denied", "firewall-detection")
    } else if has("Hips") || has("HIPS") {
        ("intrusion_detection", "info", "hips-detection")
    } else if has("FilteredWebsites") || has("Filtered website") {
        ("web", "denied", "website-filtered")
    } else if has("BlockedFiles") || has("Blocked file") {
        ("file", "denied", "file-blocked")
    } else if has("Inspector") || has("Inspect") {
        ("intrusion_detection", "info", "inspect-alert")
    } else if has("Audit") {
        ("configuration", "info", "console-audit")
    } else {
        ("host", "info", "host-state")
    };
    draft.word(Field::EVENT_CATEGORY, category);
    draft.word(Field::EVENT_TYPE, kind);
    draft.word(Field::EVENT_ACTION, action);
    if matches!(action, "threat-detected" | "hips-detection" | "inspect-alert" | "firewall-detection") {
        draft.word(Field::EVENT_KIND, "alert");
    }
}

fn attribute(raw: &Raw<'_>, key: &str, value: &str, draft: &mut Draft<'_>) {
    if value.is_empty() {
        return;
    }
    let field = match key {
        "occured" | "occurred" | "rt" | "devTime" => {
            if let Some(time) = stamp::whole(value, raw).or_else(|| day_first(value, raw)) {
                draft.date(Field::TIMESTAMP, time);
            }
            return;
        }
        "hostname" | "dhost" | "deviceName" => Field::HOST_NAME,
        "ipv4" | "ipv6" | "dst" => Field::HOST_IP,
        "severity" => return draft.put(Field::LOG_LEVEL, &value.to_ascii_lowercase()),
        "sev" => Field::EVENT_SEVERITY,
        "threat_name" | "threatName" | "Threat name" | "Threat Name" => Field::RULE_NAME,
        "threat_type" | "threatType" | "Threat type" | "Threat Type" => Field::RULE_CATEGORY,
        "rule_name" | "ruleName" => Field::RULE_NAME,
        "rule_id" | "ruleId" => Field::RULE_ID,
        "object_uri" | "objectUri" | "Object URI" | "filePath" => return object(value, draft),
        "hash" | "fileHash" | "Hash" => return hash(value, draft),
        "username" | "userName" | "usrName" | "user" | "account" | "suser" | "duser" => {
            let (domain, name) = value.split_once('\\').unwrap_or(("", value));
            draft.put(Field::USER_DOMAIN, domain);
            draft.put(Field::USER_NAME, name);
            return;
        }
        "processname" | "process_name" | "processName" | "sproc" | "deviceProcessName" => {
            draft.put(Field::PROCESS_EXECUTABLE, value);
            draft.put(Field::PROCESS_NAME, value.rsplit(['\\', '/']).next().unwrap_or(value));
            return;
        }
        "source_address" | "src" => Field::SOURCE_IP,
        "source_port" | "spt" | "srcPort" => Field::SOURCE_PORT,
        "target_address" | "targetAddress" => Field::DESTINATION_IP,
        "target_port" | "dpt" | "dstPort" => Field::DESTINATION_PORT,
        "protocol" | "proto" => {
            return draft.put(Field::NETWORK_TRANSPORT, &value.to_ascii_lowercase());
        }
        "threat_handled" | "threatHandled" | "Threat handled" => {
            let handled = matches!(value, "true" | "1");
            draft.word(Field::EVENT_OUTCOME, if handled { "success" } else { "failure" });
            return draft.extra(EXTRA, key, value);
        }
        "result" => {
            let success = value.eq_ignore_ascii_case("success");
            draft.word(Field::EVENT_OUTCOME, if success { "success" } else { "failure" });
            return;
        }
        "action_taken" | "act" | "actionTaken" | "detail" => Field::EVENT_REASON,
        _ => return draft.extra(EXTRA, key, value),
    };
    draft.put(field, value);
}

/// `file:///C:/Users/lan/a.exe`, a path, or a web address.
fn object(value: &str, draft: &mut Draft<'_>) {
    if let Some(path) = value.strip_prefix("file:///") {
        let windows = path.as_bytes().get(1) == Some(&b':');
        file(if windows { path } else { &value["file://".len()..] }, draft);
    } else if value.contains("://") {
        draft.put(Field::URL_ORIGINAL, value);
    } else {
        file(value, draft);
    }
}

/// `30-Jun-2026 16:59:03`, always UTC.
fn day_first(text: &str, raw: &Raw<'_>) -> Option<event::Time> {
    let (day, rest) = text.split_once('-')?;
    let (month, rest) = rest.split_once('-')?;
    let (year, clock) = rest.split_once(' ')?;
    let utc = Raw { tz_offset_s: 0, ..*raw };
    stamp::bsd(&[month, " ", day, " ", year, " ", clock].concat(), &utc).map(|(time, _)| time)
}

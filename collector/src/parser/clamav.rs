//! ClamAV: clamd by syslog or its log file, clamscan's report lines, freshclam's updates.

use super::kaspersky::{file, hash};
use super::{Line, ParseError, Parser};
use event::{Draft, Field};

pub(super) const PARSER: Parser =
    Parser { name: "clamav", product: Some(("ClamAV", "ClamAV")), prose: true, sniff, parse };

fn sniff(line: &Line<'_>) -> bool {
    matches!(
        line.header.app_name,
        "clamd" | "freshclam" | "clamav-milter" | "clamonacc" | "clamscan" | "clamdscan"
    ) || line.header.app_name.is_empty() && detection(line.message).is_some()
}

/// `/path/to/file: Win.Test.EICAR_HDB-1 FOUND`, after clamd's `Tue Jun 30 23:59:01 2026 -> ` if it writes a file.
fn detection(message: &str) -> Option<(&str, &str)> {
    let text = message.split_once(" -> ").map_or(message, |(_, text)| text);
    let (path, threat) = text.strip_suffix(" FOUND")?.rsplit_once(": ")?;
    (!threat.is_empty() && !threat.contains(' ') && !path.is_empty()).then_some((path, threat))
}

fn parse<'r>(line: &Line<'r>, draft: &mut Draft<'r>) -> Result<(), ParseError> {
    line.header.put_process(draft);
    super::origin(draft, "clamav", "clamav.log");
    let message = line.message;
    if let Some((time, _)) = message.split_once(" -> ")
        && let Some((time, _)) = time.get(4..).and_then(|time| super::stamp::bsd(time, line.raw))
    {
        draft.date(Field::TIMESTAMP, time);
    }
    if let Some((path, threat)) = detection(message) {
        found(path, threat, draft);
    } else if line.header.app_name == "freshclam" || message.contains("database updated") {
        draft.word(Field::EVENT_CATEGORY, "configuration");
        let failed = message.starts_with("ERROR") || message.contains("Can't") || message.contains("failed");
        let stale = message.starts_with("WARNING");
        draft.word(
            Field::EVENT_TYPE,
            if failed {
                "error"
            } else if stale {
                "info"
            } else {
                "change"
            },
        );
        draft.word(Field::EVENT_ACTION, "signatures-updated");
        if !stale {
            draft.word(Field::EVENT_OUTCOME, if failed { "failure" } else { "success" });
        }
    } else {
        draft.word(Field::EVENT_CATEGORY, "host");
        draft.word(Field::EVENT_TYPE, "info");
    }
    Ok(())
}

/// `Eicar-Test-Signature` or, with hashes asked for, `Eicar-Test-Signature(44d88612fea8a8f36de82e1278abb02f:68)`.
fn found<'r>(path: &'r str, threat: &'r str, draft: &mut Draft<'r>) {
    draft.word(Field::EVENT_KIND, "alert");
    draft.word(Field::EVENT_CATEGORY, "malware");
    draft.word(Field::EVENT_TYPE, "info");
    draft.word(Field::EVENT_ACTION, "threat-detected");
    let (name, more) = threat.split_once('(').unwrap_or((threat, ""));
    draft.put(Field::RULE_NAME, name);
    if let Some((digest, size)) = more.trim_end_matches(')').split_once(':') {
        hash(digest, draft);
        draft.put(Field::FILE_SIZE, size);
    }
    if !path.starts_with("instream(") {
        file(path.strip_prefix("ScanOnAccess: ").unwrap_or(path), draft);
    }
}

//! Cisco ASA, PIX and Firepower (`%ASA-6-302013: …`), and the same header from IOS and NX-OS
//! (`%SYS-5-CONFIG_I: …`).
//!
//! Cisco documents more than two thousand messages of a few dozen grammars, so a message is read by its grammar
//! (`from A to B`, `src A dst B`, `for A to B`, …) and only its meaning comes from its number.

mod meaning;
mod security;
mod text;

use super::{Line, ParseError, Parser};
use event::{Draft, Field};

pub(super) const PARSER: Parser =
    Parser { name: "cisco_asa", product: Some(("Cisco", "asa")), prose: true, sniff, parse };

/// What stands before the text: `%FACILITY-SEVERITY-MNEMONIC: text`.
struct Head<'r> {
    facility: &'r str,
    severity: u8,
    mnemonic: &'r str,
    text: &'r str,
}

fn sniff(line: &Line<'_>) -> bool {
    line.message.starts_with('%') && head(line.message).is_some()
}

fn head(message: &str) -> Option<Head<'_>> {
    let rest = message.strip_prefix('%')?;
    let end = memchr::memchr2(b':', b' ', rest.as_bytes())?;
    let (tag, text) = rest.split_at(end);
    let at = tag.as_bytes().windows(3).position(|w| w[0] == b'-' && w[1].is_ascii_digit() && w[2] == b'-')?;
    Some(Head {
        facility: &tag[..at],
        severity: tag.as_bytes()[at + 1] - b'0',
        mnemonic: &tag[at + 3..],
        text: text.trim_start_matches([':', ' ']),
    })
}

fn parse<'r>(line: &Line<'r>, draft: &mut Draft<'r>) -> Result<(), ParseError> {
    let head = head(line.message).ok_or(ParseError::Malformed { at: 0 })?;
    let kind = head.facility.split('-').next().unwrap_or_default();
    let firewall = matches!(kind, "ASA" | "FTD" | "PIX" | "FWSM" | "NGIPS");
    draft.word(Field::EVENT_KIND, "event");
    draft.put(Field::EVENT_CODE, head.mnemonic);
    draft.long(Field::EVENT_SEVERITY, i64::from(head.severity));
    draft.word(Field::LOG_LEVEL, level(head.severity));
    draft.put(Field::MESSAGE, head.text);
    draft.put(Field::HOST_HOSTNAME, line.header.hostname);
    draft.put(Field::OBSERVER_NAME, line.header.hostname);
    draft.put(Field::OBSERVER_HOSTNAME, line.header.hostname);
    line.header.put_process(draft);
    if !firewall {
        ios(&head, draft);
        return Ok(());
    }
    let product = match kind {
        "FTD" | "NGIPS" => Product::Ftd,
        _ => Product::Asa,
    };
    draft.word(Field::OBSERVER_PRODUCT, product.name());
    draft.word(Field::OBSERVER_TYPE, if product == Product::Ftd { "idps" } else { "firewall" });
    draft.word(Field::EVENT_MODULE, product.module());
    draft.word(Field::EVENT_DATASET, product.dataset());
    let code = head.mnemonic.parse::<u32>().unwrap_or(0);
    if matches!(code, 430_001..=430_005) {
        security::put(head.text, code, line.raw, draft);
        return Ok(());
    }
    let found = text::put(head.text, code, product, draft);
    meaning::put(code, product, &found, draft);
    Ok(())
}

/// Which of the two namespaces, and whose habits of categorisation.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Product {
    Asa,
    Ftd,
}

impl Product {
    fn name(self) -> &'static str {
        if self == Product::Ftd { "ftd" } else { "asa" }
    }

    fn module(self) -> &'static str {
        if self == Product::Ftd { "cisco_ftd" } else { "cisco_asa" }
    }

    fn dataset(self) -> &'static str {
        if self == Product::Ftd { "cisco_ftd.log" } else { "cisco_asa.log" }
    }

    fn namespace(self) -> &'static str {
        if self == Product::Ftd { "cisco.ftd" } else { "cisco.asa" }
    }
}

fn level(severity: u8) -> &'static str {
    match severity {
        0 => "emergency",
        1 => "alert",
        2 => "critical",
        3 => "error",
        4 => "warning",
        5 => "notification",
        6 => "informational",
        7 => "debug",
        _ => "unknown",
    }
}

/// A switch's or router's line: the header tells all that is general.
fn ios<'r>(head: &Head<'r>, draft: &mut Draft<'r>) {
    draft.word(Field::OBSERVER_PRODUCT, "IOS");
    draft.word(Field::OBSERVER_TYPE, "switch");
    draft.word(Field::EVENT_MODULE, "cisco_ios");
    draft.word(Field::EVENT_DATASET, "cisco_ios.log");
    draft.word(Field::EVENT_CATEGORY, "network");
    draft.word(Field::EVENT_TYPE, "info");
    draft.extra("cisco.ios", "facility", head.facility);
    match head.facility {
        "SEC_LOGIN" => {
            draft.word(Field::EVENT_CATEGORY, "authentication");
            let failed = head.mnemonic.contains("FAILED");
            draft.word(Field::EVENT_OUTCOME, if failed { "failure" } else { "success" });
            draft.put(Field::USER_NAME, between(head.text, "[user: ", "]"));
            draft.put(Field::SOURCE_IP, between(head.text, "[Source: ", "]"));
        }
        "SEC" => text::access_list(head.text, draft),
        _ => {}
    }
}

/// What stands between two marks, or nothing.
fn between<'a>(text: &'a str, before: &str, after: &str) -> &'a str {
    text.split_once(before).and_then(|(_, rest)| rest.split_once(after)).map_or("", |(found, _)| found)
}

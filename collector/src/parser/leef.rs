//! QRadar's Log Event Extended Format: `LEEF:1.0|vendor|product|version|event|key=value⇥key=value`, and 2.0 with a
//! delimiter of its own.

use super::keyed::Keyed;
use super::{Line, ParseError, Parser, network, stamp, url};
use event::{Draft, Field};

pub(super) const PARSER: Parser = Parser { name: "leef", product: None, prose: false, sniff, parse };

fn sniff(line: &Line<'_>) -> bool {
    start(line.message).is_some()
}

fn start(message: &str) -> Option<usize> {
    let near = message.as_bytes().get(..message.len().min(128))?;
    let at = memchr::memmem::find(near, b"LEEF:")?;
    message.as_bytes().get(at + 5).is_some_and(u8::is_ascii_digit).then_some(at)
}

#[rustfmt::skip]
static KEYS: Keyed<Field> = Keyed::new(&[
    ("src", Field::SOURCE_IP), ("srcPort", Field::SOURCE_PORT), ("srcMAC", Field::SOURCE_MAC), ("srcBytes", Field::SOURCE_BYTES),
    ("srcPackets", Field::SOURCE_PACKETS), ("srcPostNAT", Field::SOURCE_NAT_IP), ("srcPostNATPort", Field::SOURCE_NAT_PORT),
    ("dst", Field::DESTINATION_IP), ("dstPort", Field::DESTINATION_PORT), ("dstMAC", Field::DESTINATION_MAC),
    ("dstBytes", Field::DESTINATION_BYTES), ("dstPackets", Field::DESTINATION_PACKETS), ("dstPostNAT", Field::DESTINATION_NAT_IP),
    ("dstPostNATPort", Field::DESTINATION_NAT_PORT), ("usrName", Field::USER_NAME), ("userName", Field::USER_NAME),
    ("accountName", Field::USER_NAME), ("domain", Field::USER_DOMAIN), ("groupID", Field::GROUP_ID), ("sev", Field::EVENT_SEVERITY),
    ("action", Field::EVENT_ACTION), ("reason", Field::EVENT_REASON), ("identHostName", Field::HOST_NAME), ("identSrc", Field::HOST_IP),
    ("policy", Field::RULE_NAME), ("ruleName", Field::RULE_NAME), ("filename", Field::FILE_NAME), ("fileName", Field::FILE_NAME),
    ("filePath", Field::FILE_PATH), ("msg", Field::MESSAGE), ("method", Field::HTTP_REQUEST_METHOD),
    ("userAgent", Field::USER_AGENT_ORIGINAL), ("app", Field::NETWORK_APPLICATION), ("role", Field::USER_ROLES),
]);

fn parse<'r>(line: &Line<'r>, draft: &mut Draft<'r>) -> Result<(), ParseError> {
    let at = start(line.message).ok_or(ParseError::Malformed { at: 0 })?;
    let mut parts = line.message.get(at + 5..).unwrap_or_default().splitn(6, '|');
    let mut next = || parts.next().unwrap_or_default();
    let (version, vendor, product, release, event, rest) = (next(), next(), next(), next(), next(), next());
    if product.is_empty() {
        return Err(ParseError::Missing("product"));
    }
    draft.word(Field::EVENT_MODULE, "leef");
    draft.word(Field::EVENT_DATASET, "leef.log");
    draft.word(Field::EVENT_KIND, "event");
    draft.put(Field::OBSERVER_VENDOR, vendor);
    draft.put(Field::OBSERVER_PRODUCT, product);
    draft.put(Field::OBSERVER_VERSION, release);
    draft.put(Field::OBSERVER_NAME, line.header.hostname);
    draft.put(Field::EVENT_CODE, event);
    draft.extra("leef", "version", version);
    let (delimiter, pairs) = delimiter(version, rest);
    let mut time = "";
    for pair in pairs.split(delimiter) {
        let Some((key, value)) = pair.split_once('=') else { continue };
        let (key, value) = (key.trim(), value.trim());
        match key {
            "devTime" => time = value,
            "proto" => match network::transport(value) {
                Some(name) => draft.word(Field::NETWORK_TRANSPORT, name),
                None => network::put_lower(draft, Field::NETWORK_TRANSPORT, value),
            },
            "url" => url::put(draft, value),
            _ => match KEYS.get(key) {
                Some(field) => draft.put(field, value),
                None => draft.extra("leef", key, value),
            },
        }
    }
    if let Some(time) = stamp::whole(time, line.raw) {
        draft.date(Field::TIMESTAMP, time);
    } else {
        draft.extra("leef", "devTime", time);
    }
    Ok(())
}

/// Version 2.0 names its delimiter before the pairs: a character, or its code as `x5E` or `0x5E`. Some senders leave
/// the field out, and some of version 1.0 use blanks for tabs; then it is what the text has.
fn delimiter<'r>(version: &str, rest: &'r str) -> (char, &'r str) {
    if version.starts_with('2')
        && let Some((named, pairs)) = rest.split_once('|')
        && !named.contains('=')
    {
        let code = named.trim_start_matches("0x").trim_start_matches('x');
        let coded = u32::from_str_radix(code, 16).ok().filter(|_| named.len() > 1).and_then(char::from_u32);
        return (coded.or(named.chars().next()).unwrap_or('\t'), pairs);
    }
    (['\t', '^'].into_iter().find(|c| rest.contains(*c)).unwrap_or('\t'), rest)
}

//! Linux packet filter (iptables, nftables, ufw, and routers built on them): the kernel's `IN= OUT= SRC= DST=` lines.

use super::{Line, ParseError, Parser, network};
use event::{Draft, Field};

pub(super) const PARSER: Parser = Parser { name: "netfilter", product: None, prose: false, sniff, parse };

const EXTRA: &str = "iptables";

fn sniff(line: &Line<'_>) -> bool {
    let text = line.message;
    text.contains("IN=") && text.contains(" SRC=") && text.contains(" DST=") && text.contains(" PROTO=")
}

fn parse<'r>(line: &Line<'r>, draft: &mut Draft<'r>) -> Result<(), ParseError> {
    let text = line.message;
    draft.put(Field::OBSERVER_NAME, line.header.hostname);
    draft.word(Field::OBSERVER_TYPE, "firewall");
    super::origin(draft, "iptables", "iptables.log");
    draft.word(Field::EVENT_CATEGORY, "network");
    draft.word(Field::EVENT_TYPE, "connection");
    let at = text.find("IN=").ok_or(ParseError::Missing("IN"))?;
    verdict(text[..at].trim(), draft);
    for pair in text[at..].split(' ') {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        field(key, value, draft);
    }
    Ok(())
}

/// What the administrator had written before the packet, `[ 8123.1] [UFW BLOCK] `: the only word on what became of it.
fn verdict<'r>(prefix: &'r str, draft: &mut Draft<'r>) {
    // The kernel's seconds since its start.
    let said = prefix
        .strip_prefix('[')
        .and_then(|rest| rest.split_once(']'))
        .filter(|(seconds, _)| seconds.trim().bytes().all(|byte| byte.is_ascii_digit() || byte == b'.'))
        .map_or(prefix, |(_, rest)| rest);
    let said = said.trim().trim_end_matches(':');
    draft.put(Field::RULE_NAME, said.trim_matches(['[', ']']));
    let lower = said.to_ascii_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| lower.contains(word));
    if has(&["drop", "block", "deny", "denied", "reject"]) || lower.split(['-', '_']).any(|part| part == "d")
    {
        draft.word(Field::EVENT_ACTION, "drop");
        draft.word(Field::EVENT_TYPE, "denied");
    } else if has(&["accept", "allow", "permit"]) {
        draft.word(Field::EVENT_ACTION, "accept");
        draft.word(Field::EVENT_TYPE, "allowed");
    }
}

fn field<'r>(key: &'r str, value: &'r str, draft: &mut Draft<'r>) {
    let field = match key {
        "IN" => Field::OBSERVER_INGRESS_INTERFACE_NAME,
        "OUT" => Field::OBSERVER_EGRESS_INTERFACE_NAME,
        "SRC" => Field::SOURCE_IP,
        "DST" => Field::DESTINATION_IP,
        "SPT" => Field::SOURCE_PORT,
        "DPT" => Field::DESTINATION_PORT,
        "PROTO" => {
            let transport = network::transport(value).map_or_else(|| network::lower(value), Into::into);
            draft.put(Field::NETWORK_IANA_NUMBER, network::number(&transport));
            return draft.put(Field::NETWORK_TRANSPORT, &transport);
        }
        // Destination, source, type: six, six and two bytes.
        "MAC" => {
            draft.put(
                Field::SOURCE_MAC,
                &value.get(18..35).unwrap_or_default().to_uppercase().replace(':', "-"),
            );
            return;
        }
        "SYN" | "ACK" | "FIN" | "RST" | "PSH" | "URG" => return draft.extra(EXTRA, "tcp_flags", key),
        "LEN" | "TTL" | "ID" | "TYPE" | "CODE" | "WINDOW" | "MARK" => return draft.extra(EXTRA, key, value),
        _ => return,
    };
    draft.put(field, value);
}

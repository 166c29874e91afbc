//! Linux packet filter (iptables, nftables, ufw, and routers built on them): the kernel's `IN= OUT= SRC= DST=` lines, and
//! MikroTik's own words for the same.

use super::{Line, ParseError, Parser, network};
use event::{Draft, Field};

pub(super) const PARSER: Parser = Parser { name: "netfilter", product: None, prose: false, sniff, parse };

const EXTRA: &str = "iptables";

fn sniff(line: &Line<'_>) -> bool {
    let text = line.message;
    text.contains("IN=") && text.contains(" SRC=") && text.contains(" DST=") && text.contains(" PROTO=")
        || is_mikrotik(text)
}

/// `drop-in input: in:WAN out:(unknown 0), …, proto TCP (SYN), 192.0.2.1:1->192.0.2.2:2, len 52`
fn is_mikrotik(text: &str) -> bool {
    text.contains(" in:") && text.contains(" out:") && text.contains("proto ") && text.contains("->")
}

fn parse<'r>(line: &Line<'r>, draft: &mut Draft<'r>) -> Result<(), ParseError> {
    let text = line.message;
    draft.put(Field::OBSERVER_NAME, line.header.hostname);
    draft.word(Field::OBSERVER_TYPE, "firewall");
    super::origin(draft, "iptables", "iptables.log");
    draft.word(Field::EVENT_CATEGORY, "network");
    draft.word(Field::EVENT_TYPE, "connection");
    if is_mikrotik(text) {
        return mikrotik(text, draft);
    }
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

fn mikrotik<'r>(text: &'r str, draft: &mut Draft<'r>) -> Result<(), ParseError> {
    let (before, rest) = text.split_once(" in:").ok_or(ParseError::Missing("in"))?;
    // `firewall,info drop-in input:`: topics, the administrator's prefix, the chain.
    let (said, chain) = before.trim_end_matches(':').rsplit_once(' ').unwrap_or(("", before));
    let said =
        said.split_once("firewall,").map_or(said, |(_, after)| after.split_once(' ').map_or("", |(_, s)| s));
    verdict(said, draft);
    draft.extra(EXTRA, "chain", chain.trim_end_matches(':'));
    draft.put(Field::OBSERVER_INGRESS_INTERFACE_NAME, rest.split(' ').next().unwrap_or(rest));
    let (_, protocol) = rest.split_once("proto ").ok_or(ParseError::Missing("proto"))?;
    field("PROTO", protocol.split([' ', ',']).next().unwrap_or(protocol), draft);
    let (from, to) = protocol.split_once("->").ok_or(ParseError::Missing("addresses"))?;
    let from = from.rsplit(' ').next().unwrap_or(from);
    let to = to.split([',', ' ']).next().unwrap_or(to);
    for (end, address, port) in
        [(from, Field::SOURCE_IP, Field::SOURCE_PORT), (to, Field::DESTINATION_IP, Field::DESTINATION_PORT)]
    {
        // ICMP has no ports.
        let (ip, number) = if end.parse::<std::net::IpAddr>().is_ok() {
            (end, "")
        } else {
            end.rsplit_once(':').unwrap_or((end, ""))
        };
        draft.put(address, ip.trim_matches(['[', ']']));
        draft.put(port, number);
    }
    Ok(())
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

//! pfSense and OPNsense: the packet filter's `filterlog` lines and the web interface's sign-ins.

use super::{Line, ParseError, Parser, network};
use event::{Draft, Field};
use std::net::IpAddr;

pub(super) const PARSER: Parser =
    Parser { name: "pfsense", product: Some(("netgate", "pfsense")), prose: false, sniff, parse };

const NAMESPACE: &str = "pfsense";

fn sniff(line: &Line<'_>) -> bool {
    line.header.app_name == "filterlog"
        || (line.header.app_name == "php-fpm" && line.message.contains("webConfigurator"))
}

fn parse<'r>(line: &Line<'r>, draft: &mut Draft<'r>) -> Result<(), ParseError> {
    draft.word(Field::EVENT_KIND, "event");
    draft.word(Field::EVENT_MODULE, "pfsense");
    draft.word(Field::EVENT_DATASET, "pfsense.log");
    draft.word(Field::OBSERVER_TYPE, "firewall");
    draft.put(Field::OBSERVER_NAME, line.header.hostname);
    draft.put(Field::EVENT_PROVIDER, line.header.app_name);
    draft.put(Field::PROCESS_NAME, line.header.app_name);
    if line.header.procid.parse::<u32>().is_ok() {
        draft.put(Field::PROCESS_PID, line.header.procid);
    }
    if line.header.app_name == "filterlog" {
        filter(line.message, draft)
    } else {
        sign_in(line.message, draft)
    }
}

/// `rule,sub,anchor,tracker,interface,reason,action,direction,version,…` and then by version and protocol.
fn filter<'r>(message: &'r str, draft: &mut Draft<'r>) -> Result<(), ParseError> {
    let mut columns = [""; 32];
    for (place, text) in columns.iter_mut().zip(message.split(',')) {
        *place = text;
    }
    let [rule, sub, anchor, tracker, interface, reason, action, direction, version, ..] = columns;
    draft.word(Field::EVENT_CATEGORY, "network");
    draft.word(Field::EVENT_TYPE, "connection");
    draft.put(Field::EVENT_ACTION, action);
    draft.put(Field::EVENT_REASON, reason);
    match action {
        "pass" => draft.word(Field::EVENT_TYPE, "allowed"),
        "block" | "reject" => draft.word(Field::EVENT_TYPE, "denied"),
        _ => {}
    }
    draft.put(Field::RULE_ID, tracker);
    draft.extra(NAMESPACE, "rule", rule);
    draft.extra(NAMESPACE, "sub_rule", sub);
    draft.extra(NAMESPACE, "anchor", anchor);
    draft.put(Field::OBSERVER_INGRESS_INTERFACE_NAME, interface);
    if let Some((_, vlan)) = interface.split_once('.') {
        draft.put(Field::NETWORK_VLAN_ID, vlan);
        draft.put(Field::OBSERVER_INGRESS_VLAN_ID, vlan);
    }
    if let Some(direction) = network::direction(direction) {
        draft.word(Field::NETWORK_DIRECTION, direction);
    }
    match version {
        "4" => version_4(&columns[9..], draft),
        "6" => version_6(&columns[9..], draft),
        _ => Err(ParseError::Missing("ip version")),
    }
}

/// `tos,ecn,ttl,id,offset,flags,number,protocol,length,source,destination,…`.
fn version_4<'r>(columns: &[&'r str], draft: &mut Draft<'r>) -> Result<(), ParseError> {
    let [tos, _ecn, ttl, id, offset, flags, number, protocol, length, source, destination, rest @ ..] =
        columns
    else {
        return Err(ParseError::Missing("source"));
    };
    for (key, text) in
        [("ip.tos", tos), ("ip.ttl", ttl), ("ip.id", id), ("ip.offset", offset), ("ip.flags", flags)]
    {
        draft.extra(NAMESPACE, key, text);
    }
    draft.word(Field::NETWORK_TYPE, "ipv4");
    ends(number, protocol, length, (source, destination), rest, draft)
}

/// `class,flow,hop limit,protocol,number,length,source,destination,…`.
fn version_6<'r>(columns: &[&'r str], draft: &mut Draft<'r>) -> Result<(), ParseError> {
    let [class, flow, hops, protocol, number, length, source, destination, rest @ ..] = columns else {
        return Err(ParseError::Missing("source"));
    };
    for (key, text) in [("ip.tos", class), ("ip.flow_label", flow), ("ip.ttl", hops)] {
        draft.extra(NAMESPACE, key, text);
    }
    draft.word(Field::NETWORK_TYPE, "ipv6");
    ends(number, protocol, length, (source, destination), rest, draft)
}

fn ends<'r>(
    number: &'r str,
    protocol: &'r str,
    length: &'r str,
    (source, destination): (&'r str, &'r str),
    rest: &[&'r str],
    draft: &mut Draft<'r>,
) -> Result<(), ParseError> {
    draft.put(Field::NETWORK_IANA_NUMBER, number);
    match network::transport(number) {
        Some(name) => draft.word(Field::NETWORK_TRANSPORT, name),
        None => network::put_lower(draft, Field::NETWORK_TRANSPORT, protocol),
    }
    draft.put(Field::NETWORK_BYTES, length);
    for (field, address, text) in [
        (Field::SOURCE_IP, Field::SOURCE_ADDRESS, source),
        (Field::DESTINATION_IP, Field::DESTINATION_ADDRESS, destination),
    ] {
        if text.parse::<IpAddr>().is_err() {
            return Err(ParseError::Missing("address"));
        }
        draft.put(field, text);
        draft.put(address, text);
    }
    let at = |place: usize| rest.get(place).copied().unwrap_or_default();
    if matches!(number, "6" | "17" | "132") {
        draft.put(Field::SOURCE_PORT, at(0));
        draft.put(Field::DESTINATION_PORT, at(1));
        draft.extra(NAMESPACE, if number == "17" { "udp.length" } else { "tcp.length" }, at(2));
    }
    if number == "6" {
        for (key, text) in
            [("tcp.flags", at(3)), ("tcp.seq", at(4)), ("tcp.ack", at(5)), ("tcp.window", at(6))]
        {
            draft.extra(NAMESPACE, key, text);
        }
        draft.extra(NAMESPACE, "tcp.options", at(8));
    }
    if let Some(count) = at(0).strip_prefix("datalength=") {
        draft.put(Field::NETWORK_PACKETS, count);
    }
    Ok(())
}

/// `/index.php: webConfigurator authentication error for user 'a' from: 192.0.2.1`, `Successful login for user 'a'`.
fn sign_in<'r>(message: &'r str, draft: &mut Draft<'r>) -> Result<(), ParseError> {
    draft.word(Field::EVENT_CATEGORY, "authentication");
    let failed = message.contains("error") || message.contains("fail");
    draft.word(Field::EVENT_OUTCOME, if failed { "failure" } else { "success" });
    if let Some((_, rest)) = message.split_once("user '") {
        draft.put(Field::USER_NAME, rest.split('\'').next().unwrap_or_default());
    }
    let from =
        message.split_once("from: ").map_or("", |(_, rest)| rest.split(' ').next().unwrap_or_default());
    if from.parse::<IpAddr>().is_ok() {
        draft.put(Field::SOURCE_IP, from);
        draft.put(Field::SOURCE_ADDRESS, from);
    }
    Ok(())
}

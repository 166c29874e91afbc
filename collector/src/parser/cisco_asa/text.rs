//! The grammars of the firewall's messages: who, with whom, as whom, how much.

use super::super::mark::{self, after};
use super::super::{network, url};
use super::{Product, between};
use event::{Draft, Field, Time, Value};
use std::net::IpAddr;

/// What the meaning of a message depends on.
#[derive(Default)]
pub(super) struct Found {
    /// The message says so: permitted, denied.
    pub(super) permitted: Option<bool>,
}

/// One end of a connection: `inside:192.0.2.1/80 (198.51.100.1/80)(LOCAL\user)`.
#[derive(Clone, Copy, Default)]
struct End<'r> {
    interface: &'r str,
    address: &'r str,
    port: &'r str,
    mapped: &'r str,
    mapped_port: &'r str,
    user: &'r str,
}

/// Reads the text into the draft.
pub(super) fn put<'r>(text: &'r str, code: u32, product: Product, draft: &mut Draft<'r>) -> Found {
    let mut found = Found::default();
    protocol(text, draft);
    match code {
        304_001 | 304_002 => accessed(text, draft),
        106_100..=106_103 => {
            access_list(text, draft);
            found.permitted = Some(!text.contains(" denied "));
        }
        302_020 | 302_021 => faddr(text, product, draft),
        733_100 => {}
        _ => ends(text, code, product, draft),
    }
    people(text, draft);
    amounts(text, product, draft);
    if let Some((_, rest)) = text.split_once("access-group ") {
        let list = rest.trim_start_matches('"');
        let list = &list[..list.find(['"', ' ']).unwrap_or(list.len())];
        draft.put(Field::RULE_NAME, list);
        draft.extra(product.namespace(), "rule_name", list);
    }
    found
}

/// `tcp`, `UDP`, `protocol 47` and the direction among the first words.
fn protocol<'r>(text: &'r str, draft: &mut Draft<'r>) {
    let mut words = text.split([' ', ',', ':']).take(12);
    while let Some(word) = words.next() {
        let transport = match word {
            "TCP" | "tcp" => ("tcp", "6"),
            "UDP" | "udp" => ("udp", "17"),
            "ICMP" | "icmp" => ("icmp", "1"),
            "ICMPv6" | "icmp6" | "ICMP6" => ("ipv6-icmp", "58"),
            "IGMP" | "igmp" => ("igmp", "2"),
            "GRE" | "gre" => ("gre", "47"),
            "ESP" | "esp" => ("esp", "50"),
            "SCTP" | "sctp" => ("sctp", "132"),
            "protocol" => {
                let number = words.next().unwrap_or_default();
                match network::transport(number) {
                    Some(name) => (name, number),
                    None => continue,
                }
            }
            "inbound" | "Inbound" => {
                draft.word(Field::NETWORK_DIRECTION, "inbound");
                continue;
            }
            "outbound" | "Outbound" => {
                draft.word(Field::NETWORK_DIRECTION, "outbound");
                continue;
            }
            _ => continue,
        };
        draft.word(Field::NETWORK_TRANSPORT, transport.0);
        draft.put(Field::NETWORK_IANA_NUMBER, transport.1);
        return;
    }
}

/// The two ends, by whichever grammar the message has.
fn ends<'r>(text: &'r str, code: u32, product: Product, draft: &mut Draft<'r>) {
    let pair = pair(text, "src ", "dst ")
        .or_else(|| pair(text, "src ", "dest "))
        .or_else(|| pair(text, " for ", " to "))
        .or_else(|| pair(text, "between ", " and "))
        .or_else(|| pair(text, "from ", " to "))
        .or_else(|| pair(text, "SRC ", "DEST "));
    let Some((first, second)) = pair else {
        let alone =
            after(text, "local-host ").or_else(|| after(text, " from ")).or_else(|| after(text, "server = "));
        let Some((end, _)) = alone.and_then(end) else { return };
        if end.address.parse::<IpAddr>().is_err() {
            return;
        }
        if text.contains("server = ") {
            put_destination(&end, product, draft);
        } else {
            put_source(&end, product, draft);
        }
        return;
    };
    // `Built outbound … for OUTSIDE to INSIDE` names the far end first.
    let outbound = draft.so_far().text(Field::NETWORK_DIRECTION) == Some("outbound");
    let swapped = outbound && matches!(code, 302_000..=302_999);
    let (source, destination) = if swapped { (second, first) } else { (first, second) };
    // A secondary channel is opened for the answer: `for CLIENT to SERVER from 200 message`.
    let (source, destination) = if code == 607_001 { (destination, source) } else { (source, destination) };
    put_source(&source, product, draft);
    put_destination(&destination, product, draft);
    if let Some(interface) = after(text, " on interface ") {
        let end = interface.find([' ', ':', ',']).unwrap_or(interface.len());
        draft.put(Field::OBSERVER_INGRESS_INTERFACE_NAME, &interface[..end]);
        draft.extra(product.namespace(), "source_interface", &interface[..end]);
    }
}

fn pair<'r>(text: &'r str, mark: &str, other: &str) -> Option<(End<'r>, End<'r>)> {
    let (first, rest) = end(after(text, mark)?)?;
    let (second, _) = end(after(rest, other)?)?;
    Some((first, second))
}

/// Reads one end and gives what follows it.
fn end(text: &str) -> Option<(End<'_>, &str)> {
    let text = text.trim_start_matches(['(', ' ', '<']);
    // The one interface whose name has blanks.
    let text = text.strip_prefix("NP Identity Ifc:").or_else(|| text.strip_prefix("laddr ")).unwrap_or(text);
    let len = text.find([' ', '(', ',', ')', '>', ';']).unwrap_or(text.len());
    let word = text[..len].trim_end_matches(['.', ':']);
    let mut rest = &text[len..];
    let mut end = split(word)?;
    // `inside/192.0.2.1(80)`.
    if end.port.is_empty()
        && let Some((port, after)) = rest.strip_prefix('(').and_then(|rest| rest.split_once(')'))
        && port.bytes().all(|byte| byte.is_ascii_digit())
    {
        end.port = port;
        rest = after;
    }
    for _ in 0..2 {
        let Some((inner, after)) = rest.trim_start().strip_prefix('(').and_then(|rest| rest.split_once(')'))
        else {
            break;
        };
        match split(inner) {
            Some(mapped)
                if mapped.interface.is_empty()
                    && (mapped.address.parse::<IpAddr>().is_ok() || !mapped.port.is_empty()) =>
            {
                (end.mapped, end.mapped_port) = (mapped.address, mapped.port);
            }
            _ if !inner.contains("type ") => end.user = inner,
            _ => {}
        }
        rest = after;
    }
    Some((end, rest))
}

/// `interface:address/port` in its parts; an IPv6 address has colons of its own.
fn split(word: &str) -> Option<End<'_>> {
    let mut end = End::default();
    let mut address = word;
    if let Some((before, port)) = word.rsplit_once('/') {
        let numeric = !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
        if numeric || !port.contains(['.', ':']) {
            (address, end.port) = (before, port);
        } else {
            // `inside/192.0.2.1`.
            (end.interface, address) = (before, port);
        }
    }
    if end.interface.is_empty()
        && address.parse::<IpAddr>().is_err()
        && let Some((interface, rest)) = address.split_once(':')
    {
        (end.interface, address) = (interface, rest);
    } else if let Some((interface, rest)) = address.split_once('/') {
        // `inside/192.0.2.1/80`.
        (end.interface, address) = (interface, rest);
    }
    end.address = address;
    let named = !end.interface.is_empty() || !end.port.is_empty() || address.contains(['.', ':']);
    (named && !address.is_empty()).then_some(end)
}

fn put_source<'r>(end: &End<'r>, product: Product, draft: &mut Draft<'r>) {
    draft.put(Field::SOURCE_ADDRESS, end.address);
    if end.address.parse::<IpAddr>().is_ok() {
        draft.put(Field::SOURCE_IP, end.address);
    } else {
        draft.put(Field::SOURCE_DOMAIN, end.address);
    }
    put_port(Field::SOURCE_PORT, end.port, draft);
    draft.put(Field::OBSERVER_INGRESS_INTERFACE_NAME, end.interface);
    draft.extra(product.namespace(), "source_interface", end.interface);
    draft.extra(product.namespace(), "mapped_source_ip", end.mapped);
    draft.extra(product.namespace(), "mapped_source_port", end.mapped_port);
    if end.mapped != end.address && end.mapped.parse::<IpAddr>().is_ok() {
        draft.put(Field::SOURCE_NAT_IP, end.mapped);
    }
    if end.mapped_port != end.port {
        put_port(Field::SOURCE_NAT_PORT, end.mapped_port, draft);
    }
    put_user(Field::SOURCE_USER_NAME, Field::SOURCE_USER_DOMAIN, end.user, draft);
}

fn put_destination<'r>(end: &End<'r>, product: Product, draft: &mut Draft<'r>) {
    draft.put(Field::DESTINATION_ADDRESS, end.address);
    if end.address.parse::<IpAddr>().is_ok() {
        draft.put(Field::DESTINATION_IP, end.address);
    } else {
        draft.put(Field::DESTINATION_DOMAIN, end.address);
    }
    put_port(Field::DESTINATION_PORT, end.port, draft);
    draft.put(Field::OBSERVER_EGRESS_INTERFACE_NAME, end.interface);
    draft.extra(product.namespace(), "destination_interface", end.interface);
    draft.extra(product.namespace(), "mapped_destination_ip", end.mapped);
    draft.extra(product.namespace(), "mapped_destination_port", end.mapped_port);
    if end.mapped != end.address && end.mapped.parse::<IpAddr>().is_ok() {
        draft.put(Field::DESTINATION_NAT_IP, end.mapped);
    }
    if end.mapped_port != end.port {
        put_port(Field::DESTINATION_NAT_PORT, end.mapped_port, draft);
    }
    put_user(Field::DESTINATION_USER_NAME, Field::DESTINATION_USER_DOMAIN, end.user, draft);
}

/// A port by number; by name (`https`) it is the protocol.
fn put_port<'r>(field: Field, port: &'r str, draft: &mut Draft<'r>) {
    if port.parse::<u32>().is_ok() {
        draft.put(field, port);
    } else {
        network::put_lower(draft, Field::NETWORK_PROTOCOL, port);
    }
}

/// `LOCAL\user`, `DOMAIN\user`, `user@domain`, with a security group's tag behind a comma.
fn put_user<'r>(name: Field, domain: Field, user: &'r str, draft: &mut Draft<'r>) {
    let user = user.split(',').next().unwrap_or_default().trim();
    let user = user.strip_prefix("LOCAL\\").unwrap_or(user);
    if user.is_empty() || user.bytes().all(|byte| byte.is_ascii_digit() || byte == b':') {
        return;
    }
    let (user, realm) = match (user.split_once('\\'), user.split_once('@')) {
        (Some((realm, user)), _) | (None, Some((user, realm))) => (user, realm),
        _ => (user, ""),
    };
    draft.put(name, user);
    draft.put(domain, realm);
}

/// `access-list NAME permitted tcp inside/192.0.2.1(80) -> outside/198.51.100.1(443) …`, from firewalls and from IOS
/// (`list NAME denied tcp 192.0.2.1(80) -> 198.51.100.1(443), 1 packet`).
pub(super) fn access_list<'r>(text: &'r str, draft: &mut Draft<'r>) {
    let product = Product::Asa;
    if let Some(list) = after(text, "list ").and_then(|rest| rest.split(' ').next()) {
        draft.put(Field::RULE_NAME, list);
        draft.extra(product.namespace(), "rule_name", list);
    }
    protocol(text, draft);
    let Some(arrow) = mark::find(text, "-> ") else { return };
    let before = text[..arrow].trim_end();
    // The word before the arrow, or the one before its user.
    let word = before.split(' ').rev().find(|word| word.contains(['.', ':']) && word.contains('('));
    if let Some((source, _)) = word.and_then(end) {
        put_source(&source, product, draft);
    }
    if let Some((destination, _)) = end(&text[arrow + 3..]) {
        put_destination(&destination, product, draft);
    }
    draft.put(Field::USER_NAME, between(text, "for user ", " "));
}

/// `for faddr A/0(user) gaddr B/0 laddr C/0(user) type 3 code 3`: the far end, ours outside, ours inside.
fn faddr<'r>(text: &'r str, product: Product, draft: &mut Draft<'r>) {
    let far = after(text, "faddr ").and_then(end);
    let near = after(text, "laddr ").and_then(end);
    let outside = after(text, "gaddr ").and_then(end);
    if let Some((mut near, _)) = near {
        near.port = "";
        if let Some((outside, _)) = outside {
            near.mapped = outside.address;
        }
        put_source(&near, product, draft);
        put_user(Field::USER_NAME, Field::USER_DOMAIN, near.user, draft);
    }
    if let Some((mut far, _)) = far {
        far.port = "";
        put_destination(&far, product, draft);
    }
}

/// `192.0.2.1 Accessed URL 198.51.100.1:http://…`, `Access denied URL http://… SRC A DEST B on interface C`.
fn accessed<'r>(text: &'r str, draft: &mut Draft<'r>) {
    if let Some((source, rest)) = text.split_once(" Accessed ") {
        // `user@192.0.2.1` where the firewall knows the user.
        let (user, source) = source.rsplit_once('@').unwrap_or(("", source));
        put_user(Field::SOURCE_USER_NAME, Field::SOURCE_USER_DOMAIN, user, draft);
        put_source(&End { address: source, ..End::default() }, Product::Asa, draft);
        let target = after(rest, "URL ").unwrap_or_default();
        if let Some((destination, address)) =
            target.split_once(":http").map(|(d, _)| (d, &target[d.len() + 1..]))
        {
            put_destination(&End { address: destination, ..End::default() }, Product::Asa, draft);
            url::put(draft, address);
        } else if let Some((destination, path)) = target.split_once(':') {
            put_destination(&End { address: destination, ..End::default() }, Product::Asa, draft);
            url::put(draft, path);
        }
        return;
    }
    url::put(draft, between(text, "URL ", " SRC "));
    if let Some((source, destination)) = pair(text, "SRC ", "DEST ") {
        put_source(&source, Product::Asa, draft);
        put_destination(&destination, Product::Asa, draft);
    }
}

/// `Group <g> User <u> IP <a>`, `Group = g, Username = u, IP = a`, `User 'u'`, `for user "u"`, `Uname: u`.
fn people<'r>(text: &'r str, draft: &mut Draft<'r>) {
    let value = |marks: &[&str]| {
        let rest = marks.iter().find_map(|mark| after(text, mark))?.trim_start_matches(['<', '\'', '"', ' ']);
        let end = rest.find(['>', '\'', '"', ',', ' ', ')']).unwrap_or(rest.len());
        Some(rest[..end].trim_end_matches(['.', ':']))
    };
    let group = value(&["Group = ", "Group <", "group = "])
        .or_else(|| text.strip_prefix("Group ").and_then(|rest| rest.split(" User ").next()));
    draft.put(Field::SOURCE_USER_GROUP_NAME, group.unwrap_or_default());
    let user = value(&[
        "Username = ",
        "User <",
        "user = ",
        "User = ",
        " for user ",
        "Uname: ",
        "User '",
        "DAP: User ",
    ])
    .or_else(|| value(&[" User ", "user '"]).filter(|_| !text.starts_with("AAA")));
    if let Some(user) = user.filter(|user| !matches!(*user, "authentication" | "ACL" | "did")) {
        put_user(Field::SOURCE_USER_NAME, Field::SOURCE_USER_DOMAIN, user, draft);
        draft.put(Field::USER_NAME, user);
    }
    if draft.so_far().ip(Field::SOURCE_IP).is_none() {
        let address = value(&["IP = ", "IP <", "IP address: ", " IP ", "Addr ", "remote host: "]);
        if let Some(address) = address.filter(|address| address.parse::<IpAddr>().is_ok()) {
            draft.put(Field::SOURCE_ADDRESS, address);
            draft.put(Field::SOURCE_IP, address);
        }
    }
    if let Some(command) = after(text, "executed cmd: ").or_else(|| after(text, "executed the '")) {
        draft.extra("cisco.asa", "command_line_arguments", command.trim_end_matches("' command."));
    }
    if let Some((_, reason)) = text.rsplit_once("eason: ") {
        draft.put(Field::EVENT_REASON, reason);
    }
}

/// `duration 0:00:30 bytes 965 TCP FINs`, `Bytes xmt: 4, Bytes rcv: 2`, `connection 11764`.
fn amounts<'r>(text: &'r str, product: Product, draft: &mut Draft<'r>) {
    if let Some(rest) = after(text, "uration ").or_else(|| after(text, "Duration: ")) {
        let word = &rest[..rest.find([' ', ',']).unwrap_or(rest.len())];
        if let Some(seconds) = seconds(word) {
            let end = draft.so_far().time();
            draft.long(Field::EVENT_DURATION, seconds.saturating_mul(1_000_000_000));
            draft.date(Field::EVENT_START, Time(end.0.saturating_sub(seconds.saturating_mul(1000))));
            draft.date(Field::EVENT_END, end);
        }
    }
    let number = |mark: &str| {
        let rest = after(text, mark)?;
        let end = rest.bytes().take_while(u8::is_ascii_digit).count();
        rest.get(..end).filter(|digits| !digits.is_empty()).map(|digits| (digits, rest[end..].trim()))
    };
    if let Some((bytes, rest)) = number(" bytes ") {
        draft.put(Field::NETWORK_BYTES, bytes);
        let reason = rest.split(" (").next().unwrap_or_default();
        draft.put(Field::EVENT_REASON, reason);
    }
    for (mark, field) in [("Bytes xmt: ", Field::SOURCE_BYTES), ("Bytes rcv: ", Field::DESTINATION_BYTES)] {
        draft.put(field, number(mark).map_or("", |(bytes, _)| bytes));
    }
    if let Some((connection, _)) = number(" connection ") {
        draft.extra_value(product.namespace(), "connection_id", Value::Text(connection));
    }
}

/// `0:00:30`, `2h:27m:34s`, `1d 2h…` in seconds.
fn seconds(text: &str) -> Option<i64> {
    let mut total: i64 = 0;
    for part in text.split(':') {
        let digits = part.trim_end_matches(['d', 'h', 'm', 's']);
        total = total
            .checked_mul(if part.ends_with('h') { 24 } else { 60 })?
            .checked_add(digits.parse().ok()?)?;
    }
    (total >= 0).then_some(total)
}

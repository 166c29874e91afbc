//! The words that ECS wants for what firewalls say of the network.

use event::{Draft, Field};
use std::borrow::Cow;

/// `network.transport` for an IANA protocol number.
pub(super) fn transport(number: &str) -> Option<&'static str> {
    Some(match number {
        "0" => "hopopt",
        "1" => "icmp",
        "2" => "igmp",
        "4" => "ipv4",
        "6" => "tcp",
        "8" => "egp",
        "17" => "udp",
        "41" => "ipv6",
        "46" => "rsvp",
        "47" => "gre",
        "50" => "esp",
        "51" => "ah",
        "58" => "ipv6-icmp",
        "88" => "eigrp",
        "89" => "ospf",
        "103" => "pim",
        "112" => "vrrp",
        "115" => "l2tp",
        "132" => "sctp",
        _ => return None,
    })
}

/// `network.direction` for a device's word.
pub(super) fn direction(word: &str) -> Option<&'static str> {
    Some(match word {
        "" => return None,
        "in" | "In" | "inbound" | "incoming" | "Inbound" | "Incoming" => "inbound",
        "out" | "Out" | "outbound" | "outgoing" | "Outbound" | "Outgoing" => "outbound",
        "ingress" => "ingress",
        "egress" => "egress",
        "internal" => "internal",
        "external" => "external",
        _ => "unknown",
    })
}

/// Lower case without a copy where it is so already.
pub(super) fn lower(text: &str) -> Cow<'_, str> {
    let has_upper = text.bytes().any(|byte| byte.is_ascii_uppercase());
    if has_upper { text.to_ascii_lowercase().into() } else { text.into() }
}

/// Sets a field in lower case.
pub(super) fn put_lower(draft: &mut Draft<'_>, field: Field, text: &str) {
    draft.put(field, &lower(text));
}

/// Sets `network.bytes` and `network.packets` to the sums of both directions.
pub(super) fn put_sums(draft: &mut Draft<'_>) {
    for (source, destination, sum) in [
        (Field::SOURCE_BYTES, Field::DESTINATION_BYTES, Field::NETWORK_BYTES),
        (Field::SOURCE_PACKETS, Field::DESTINATION_PACKETS, Field::NETWORK_PACKETS),
    ] {
        let event = draft.so_far();
        let total = match (event.long(source), event.long(destination)) {
            (None, None) => continue,
            (a, b) => a.unwrap_or(0).saturating_add(b.unwrap_or(0)),
        };
        draft.long(sum, total);
    }
}

/// The IANA number of a `network.transport`, or nothing.
pub(super) fn number(transport: &str) -> &'static str {
    match transport {
        "icmp" => "1",
        "igmp" => "2",
        "tcp" => "6",
        "udp" => "17",
        "gre" => "47",
        "esp" => "50",
        "ipv6-icmp" => "58",
        "sctp" => "132",
        _ => "",
    }
}

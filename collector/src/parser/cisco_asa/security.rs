//! Firepower's security events (430001 to 430005): `Key: value, Key: value`, keys and values with blanks.

use super::super::keyed::keys;
use super::super::{network, stamp, url};
use event::{Draft, Field, Raw};

keys! {
    AcPolicy "ACPolicy" Action "AccessControlRuleAction" Application "ApplicationProtocol" Classification "Classification"
    Client "Client" DnsQuery "DNSQuery" DnsRecord "DNSRecordType" DnsResponse "DNSResponseType" DstIp "DstIP"
    DstPort "DstPort" Duration "ConnectionDuration" EgressInterface "EgressInterface" EgressZone "EgressZone"
    FileName "FileName" FilePolicy "FilePolicy" FileSha256 "FileSHA256" FileSize "FileSize" FirstPacket "FirstPacketSecond"
    Gid "GID" IngressInterface "IngressInterface" IngressZone "IngressZone" InitiatorBytes "InitiatorBytes"
    InitiatorPackets "InitiatorPackets" InlineResult "InlineResult" Message "Message" NatInitiatorIp "NAT_InitiatorIP"
    NatInitiatorPort "NAT_InitiatorPort" NatResponderIp "NAT_ResponderIP" NatResponderPort "NAT_ResponderPort"
    Protocol "Protocol" Reason "AccessControlRuleReason" ReferencedHost "ReferencedHost" Referer "HTTPReferer"
    ResponderBytes "ResponderBytes" ResponderPackets "ResponderPackets" Revision "Revision"
    RuleName "AccessControlRuleName" Sid "SID" SrcIp "SrcIP" SrcPort "SrcPort" Status "HTTPResponse" Uri "URI" Url "URL"
    User "User" UserAgent "UserAgent" WebApplication "WebApplication"
}

const DIRECT: &[(Key, Field)] = &[
    (Key::SrcIp, Field::SOURCE_IP),
    (Key::SrcIp, Field::SOURCE_ADDRESS),
    (Key::SrcPort, Field::SOURCE_PORT),
    (Key::InitiatorBytes, Field::SOURCE_BYTES),
    (Key::InitiatorPackets, Field::SOURCE_PACKETS),
    (Key::NatInitiatorIp, Field::SOURCE_NAT_IP),
    (Key::NatInitiatorPort, Field::SOURCE_NAT_PORT),
    (Key::DstIp, Field::DESTINATION_IP),
    (Key::DstIp, Field::DESTINATION_ADDRESS),
    (Key::DstPort, Field::DESTINATION_PORT),
    (Key::ResponderBytes, Field::DESTINATION_BYTES),
    (Key::ResponderPackets, Field::DESTINATION_PACKETS),
    (Key::NatResponderIp, Field::DESTINATION_NAT_IP),
    (Key::NatResponderPort, Field::DESTINATION_NAT_PORT),
    (Key::IngressInterface, Field::OBSERVER_INGRESS_INTERFACE_NAME),
    (Key::IngressZone, Field::OBSERVER_INGRESS_ZONE),
    (Key::EgressInterface, Field::OBSERVER_EGRESS_INTERFACE_NAME),
    (Key::EgressZone, Field::OBSERVER_EGRESS_ZONE),
    (Key::FilePolicy, Field::RULE_RULESET),
    (Key::AcPolicy, Field::RULE_RULESET),
    (Key::RuleName, Field::RULE_NAME),
    (Key::Sid, Field::RULE_ID),
    (Key::Revision, Field::RULE_VERSION),
    (Key::Message, Field::RULE_DESCRIPTION),
    (Key::Classification, Field::RULE_CATEGORY),
    (Key::Gid, Field::SERVICE_ID),
    (Key::Reason, Field::EVENT_REASON),
    (Key::DnsQuery, Field::DNS_QUESTION_NAME),
    (Key::FileName, Field::FILE_NAME),
    (Key::FileSize, Field::FILE_SIZE),
    (Key::FileSha256, Field::FILE_HASH_SHA256),
    (Key::UserAgent, Field::USER_AGENT_ORIGINAL),
    (Key::Referer, Field::HTTP_REQUEST_REFERRER),
    (Key::Status, Field::HTTP_RESPONSE_STATUS_CODE),
];

/// Reads the pairs into the draft.
pub(super) fn put<'r>(text: &'r str, code: u32, raw: &Raw<'_>, draft: &mut Draft<'r>) {
    let mut values = [""; NAMES.len()];
    pairs(text, &mut |key, value| match KEYS.get(key) {
        Some(known) => values[known as usize] = value,
        None => draft.extra("cisco.ftd.security", key, value),
    });
    let get = |key: Key| values[key as usize];
    for (key, field) in DIRECT {
        draft.put(*field, get(*key));
    }
    protocol(get(Key::Protocol), draft);
    network::put_lower(draft, Field::NETWORK_PROTOCOL, get(Key::Application));
    network::put_lower(draft, Field::NETWORK_APPLICATION, get(Key::WebApplication));
    network::put_lower(draft, Field::NETWORK_APPLICATION, get(Key::Client));
    network::put_sums(draft);
    user(get(Key::User), draft);
    url::put(draft, get(Key::Uri));
    url::put(draft, get(Key::Url));
    draft.put(Field::URL_DOMAIN, get(Key::ReferencedHost));
    dns(get(Key::DnsQuery), get(Key::DnsRecord), get(Key::DnsResponse), draft);
    if let Some((start, _)) = stamp::iso(get(Key::FirstPacket), raw) {
        draft.date(Field::EVENT_START, start);
        if let Ok(seconds) = get(Key::Duration).parse::<u32>() {
            draft.date(Field::EVENT_END, start.plus_ms(i64::from(seconds) * 1000));
        }
    }
    if let Ok(seconds) = get(Key::Duration).parse::<u32>() {
        draft.long(Field::EVENT_DURATION, i64::from(seconds) * 1_000_000_000);
    }
    meaning(code, get(Key::Action), get(Key::InlineResult), draft);
}

/// Visits the pairs. A value ends before the next `, Key: `.
fn pairs<'a>(text: &'a str, visit: &mut dyn FnMut(&'a str, &'a str)) {
    let mut rest = text;
    while let Some((key, after)) = rest.split_once(": ") {
        let mut end = after.len();
        for (at, _) in after.match_indices(", ") {
            // A key is short: looking further would make hostile lines cost their length squared.
            let near = after.as_bytes().get(at + 2..).unwrap_or_default();
            let near = &near[..near.len().min(42)];
            let next = memchr::memmem::find(near, b": ").map_or(&[][..], |len| &near[..len]);
            let key_like = next.first().is_some_and(u8::is_ascii_uppercase) && !next.contains(&b',');
            if key_like {
                end = at;
                break;
            }
        }
        visit(key.trim(), after[..end].trim());
        rest = after.get(end + 2..).unwrap_or_default();
    }
}

fn protocol<'r>(word: &'r str, draft: &mut Draft<'r>) {
    if word.is_empty() {
        return;
    }
    if let Some(name) = network::transport(word) {
        draft.put(Field::NETWORK_IANA_NUMBER, word);
        draft.word(Field::NETWORK_TRANSPORT, name);
        return;
    }
    let name = network::lower(word);
    let name = if name == "ipv6-icmp" || name == "icmpv6" { "ipv6-icmp" } else { &name };
    draft.put(Field::NETWORK_TRANSPORT, name);
    draft.put(Field::NETWORK_IANA_NUMBER, network::number(name));
}

fn user<'r>(user: &'r str, draft: &mut Draft<'r>) {
    if matches!(user, "" | "No Authentication Required" | "Unknown" | "Not Found" | "Guest") {
        return;
    }
    draft.put(Field::USER_ID, user);
    draft.put(Field::USER_NAME, user.rsplit('\\').next().unwrap_or(user));
}

fn dns<'r>(name: &str, record: &'r str, response: &'r str, draft: &mut Draft<'r>) {
    let kind = match record {
        "a host address" => "A",
        "ip6 address" => "AAAA",
        "text strings" => "TXT",
        "a domain name pointer" => "PTR",
        "an authoritative name server" => "NS",
        "the canonical name for an alias" => "CNAME",
        "marks the start of a zone of authority" => "SOA",
        "mail exchange" => "MX",
        "server selection" => "SRV",
        other => other,
    };
    draft.put(Field::DNS_QUESTION_TYPE, kind);
    let code = match response {
        "" | "No Error" if !name.is_empty() => "NOERROR",
        "Non-Existent Domain" => "NXDOMAIN",
        "Server Failure" => "SERVFAIL",
        "Query Refused" => "REFUSED",
        other => other,
    };
    draft.put(Field::DNS_RESPONSE_CODE, code);
}

fn meaning(code: u32, action: &str, inline: &str, draft: &mut Draft<'_>) {
    let (name, categories, kinds): (_, &[_], &[_]) = match code {
        430_001 => ("intrusion-detected", &["intrusion_detection"], &["info"]),
        430_002 => ("connection-started", &["network"], &["connection", "start"]),
        430_003 => ("connection-finished", &["network"], &["connection", "end"]),
        430_004 => ("file-detected", &["file"], &["info"]),
        _ => ("malware-detected", &["malware", "file"], &["info"]),
    };
    draft.word(Field::EVENT_ACTION, name);
    draft.word(Field::EVENT_KIND, if code == 430_001 { "alert" } else { "event" });
    categories.iter().for_each(|category| draft.word(Field::EVENT_CATEGORY, category));
    kinds.iter().for_each(|kind| draft.word(Field::EVENT_TYPE, kind));
    if !action.is_empty() {
        draft.word(Field::EVENT_OUTCOME, "success");
    }
    if action.starts_with("Allow") || action.starts_with("Trust") {
        draft.word(Field::EVENT_TYPE, "allowed");
    } else if action.starts_with("Block") || inline.starts_with("Block") || inline == "Dropped" {
        draft.word(Field::EVENT_TYPE, "denied");
    }
}

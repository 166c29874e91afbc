//! FortiGate `key=value` logs (FortiOS 5 and later), and those of its sisters that share the form.
//!
//! ECS fields follow Elastic's integration; what has no ECS field stays under `fortinet.firewall` by Fortinet's name.

use super::keyed::keys;
use super::near::Near;
use super::{Line, ParseError, Parser, mark, near, network, stamp};
use event::{Draft, Field};

pub(super) const PARSER: Parser =
    Parser { name: "fortigate", product: Some(("Fortinet", "Fortigate")), prose: false, sniff, parse };

const NAMESPACE: &str = "fortinet.firewall";
/// A DNS answer's addresses beyond these are not kept as fields; the line has them.
const ADDRESSES_MAX: usize = 32;

fn sniff(line: &Line<'_>) -> bool {
    let message = line.message.as_bytes();
    let form =
        message.starts_with(b"date=") || message.starts_with(b"devname=") || message.starts_with(b"logver=");
    form || mark::find(line.message, "devid=\"FG").is_some_and(|at| at < 256)
}

keys! {
    Action "action" Addr "addr" AdminProf "adminprof" Agent "agent" App "app" AppCat "appcat" AppList "applist"
    Attack "attack" CatDesc "catdesc" CcertIssuer "ccertissuer" Cipher "cipher" CollectedEmail "collectedemail"
    Comment "comment" Daddr "daddr" Date "date" DevId "devid" DevName "devname" DeviceId "device_id" Dir "dir"
    Direction "direction" DstCollectedEmail "dstcollectedemail" DstHost "dst_host" DstInt "dst_int"
    DstIntf "dstintf" DstIp "dstip" DstMac "dstmac" DstName "dstname" DstPort "dstport" DstPort2 "dst_port"
    DstUnauthUser "dstunauthuser" Duration "duration" EapUser "eapuser" ErrorCode "errorcode" ErrorNum "error_num"
    EventSubtype "eventsubtype" EventTime "eventtime" EventType "eventtype" File "file" FileName "filename"
    FileSize "filesize" FileType "filetype" From "from" Group "group" Handshake "handshake" Hostname "hostname"
    HttpMethod "httpmethod" InfectedFileName "infectedfilename" InfectedFileSize "infectedfilesize"
    InfectedFileType "infectedfiletype" IpAddr "ipaddr" Issuer "issuer" KxCurve "kxcurve" Level "level"
    LocIp "locip" LocPort "locport" LogDesc "logdesc" LogId "logid" LogId2 "log_id"
    MatchedFileName "matchedfilename" MatchedFileType "matchedfiletype" Msg "msg" PolicyId "policyid"
    PolicyId2 "policy_id" PolicyName "policyname" PolicyType "policytype" PolUuid "poluuid" Pri "pri"
    Profile "profile" Proto "proto" Qclass "qclass" Qname "qname" Qtype "qtype" RcvdByte "rcvdbyte"
    RcvdPkt "rcvdpkt" Reason "reason" Recipient "recipient" Ref "ref" ReferralUrl "referralurl" RemIp "remip"
    RemPort "remport" Result "result" Saddr "saddr" ScertIssuer "scertissuer" Sender "sender" SentByte "sentbyte"
    SentPkt "sentpkt" Service "service" Sni "sni" SourceMac "source_mac" SrcDomain "srcdomain" SrcInt "src_int"
    SrcIntf "srcintf" SrcIp "srcip" SrcMac "srcmac" SrcName "srcname" SrcPort "srcport" SrcPort2 "src_port"
    SrcThreatFeed "srcthreatfeed" Status "status" Subject "subject" Subtype "subtype" Time "time" TlsVer "tlsver"
    TranIp "tranip" TranPort "tranport" TransIp "transip" TransPort "transport" Type "type" Tz "tz" Ui "ui"
    UnauthUser "unauthuser" Url "url" User "user" UtmAction "utmaction" Virus "virus" XauthUser "xauthuser" Xid "xid"
}

/// Keys that become one field whatever the line's type. Where two share a field, the later wins.
const DIRECT: &[(Key, Field)] = &[
    (Key::Pri, Field::LOG_LEVEL),
    (Key::Level, Field::LOG_LEVEL),
    (Key::LogId2, Field::EVENT_CODE),
    (Key::LogId, Field::EVENT_CODE),
    (Key::ErrorCode, Field::EVENT_CODE),
    (Key::ErrorNum, Field::ERROR_CODE),
    (Key::EventSubtype, Field::EVENT_REASON),
    (Key::Reason, Field::EVENT_REASON),
    (Key::Ref, Field::EVENT_REFERENCE),
    (Key::Tz, Field::EVENT_TIMEZONE),
    (Key::Msg, Field::MESSAGE),
    (Key::DevName, Field::OBSERVER_NAME),
    (Key::DeviceId, Field::OBSERVER_SERIAL_NUMBER),
    (Key::DevId, Field::OBSERVER_SERIAL_NUMBER),
    (Key::DstInt, Field::OBSERVER_EGRESS_INTERFACE_NAME),
    (Key::DstIntf, Field::OBSERVER_EGRESS_INTERFACE_NAME),
    (Key::SrcInt, Field::OBSERVER_INGRESS_INTERFACE_NAME),
    (Key::SrcIntf, Field::OBSERVER_INGRESS_INTERFACE_NAME),
    (Key::TransIp, Field::SOURCE_NAT_IP),
    (Key::TransPort, Field::SOURCE_NAT_PORT),
    (Key::TranIp, Field::DESTINATION_NAT_IP),
    (Key::TranPort, Field::DESTINATION_NAT_PORT),
    (Key::SentByte, Field::SOURCE_BYTES),
    (Key::SentPkt, Field::SOURCE_PACKETS),
    (Key::RcvdByte, Field::DESTINATION_BYTES),
    (Key::RcvdPkt, Field::DESTINATION_PACKETS),
    (Key::SourceMac, Field::SOURCE_MAC),
    (Key::SrcMac, Field::SOURCE_MAC),
    (Key::DstMac, Field::DESTINATION_MAC),
    (Key::SrcDomain, Field::SOURCE_DOMAIN),
    (Key::Saddr, Field::SOURCE_ADDRESS),
    (Key::DstHost, Field::DESTINATION_ADDRESS),
    (Key::Daddr, Field::DESTINATION_ADDRESS),
    (Key::DstName, Field::DESTINATION_ADDRESS),
    (Key::DstUnauthUser, Field::DESTINATION_USER_NAME),
    (Key::Group, Field::SOURCE_USER_GROUP_NAME),
    (Key::App, Field::NETWORK_APPLICATION),
    (Key::CatDesc, Field::RULE_CATEGORY),
    (Key::AppCat, Field::RULE_CATEGORY),
    (Key::Profile, Field::RULE_RULESET),
    (Key::AppList, Field::RULE_RULESET),
    (Key::PolicyType, Field::RULE_RULESET),
    (Key::Virus, Field::RULE_NAME),
    (Key::Attack, Field::RULE_NAME),
    (Key::PolicyName, Field::RULE_NAME),
    (Key::PolicyId2, Field::RULE_ID),
    (Key::PolicyId, Field::RULE_ID),
    (Key::PolUuid, Field::RULE_UUID),
    (Key::Comment, Field::RULE_DESCRIPTION),
    (Key::LogDesc, Field::RULE_DESCRIPTION),
    (Key::SrcThreatFeed, Field::THREAT_FEED_NAME),
    (Key::Hostname, Field::URL_DOMAIN),
    (Key::Agent, Field::USER_AGENT_ORIGINAL),
    (Key::HttpMethod, Field::HTTP_REQUEST_METHOD),
    (Key::ReferralUrl, Field::HTTP_REQUEST_REFERRER),
    (Key::MatchedFileName, Field::FILE_NAME),
    (Key::InfectedFileName, Field::FILE_NAME),
    (Key::FileName, Field::FILE_NAME),
    (Key::File, Field::FILE_NAME),
    (Key::InfectedFileSize, Field::FILE_SIZE),
    (Key::FileSize, Field::FILE_SIZE),
    (Key::MatchedFileType, Field::FILE_EXTENSION),
    (Key::InfectedFileType, Field::FILE_EXTENSION),
    (Key::FileType, Field::FILE_EXTENSION),
    (Key::Qname, Field::DNS_QUESTION_NAME),
    (Key::Qtype, Field::DNS_QUESTION_TYPE),
    (Key::Qclass, Field::DNS_QUESTION_CLASS),
    (Key::Xid, Field::DNS_ID),
    (Key::Sender, Field::EMAIL_SENDER_ADDRESS),
    (Key::From, Field::EMAIL_FROM_ADDRESS),
    (Key::CollectedEmail, Field::EMAIL_FROM_ADDRESS),
    (Key::Recipient, Field::EMAIL_TO_ADDRESS),
    (Key::DstCollectedEmail, Field::EMAIL_TO_ADDRESS),
    (Key::Subject, Field::EMAIL_SUBJECT),
    (Key::Issuer, Field::TLS_SERVER_ISSUER),
    (Key::ScertIssuer, Field::TLS_SERVER_ISSUER),
    (Key::CcertIssuer, Field::TLS_CLIENT_ISSUER),
    (Key::Cipher, Field::TLS_CIPHER),
    (Key::KxCurve, Field::TLS_CURVE),
    (Key::Sni, Field::TLS_CLIENT_SERVER_NAME),
    (Key::AdminProf, Field::USER_ROLES),
];

/// Keys that decide something and stay under the vendor's name as well.
const KEPT: &[(Key, &str)] = &[
    (Key::Action, "action"),
    (Key::Addr, "addr"),
    (Key::Handshake, "handshake"),
    (Key::Result, "result"),
    (Key::Status, "status"),
    (Key::Subtype, "subtype"),
    (Key::TlsVer, "tlsver"),
    (Key::Type, "type"),
    (Key::Ui, "ui"),
    (Key::UtmAction, "utmaction"),
    (Key::Attack, "attack"),
    (Key::Virus, "virus"),
];

struct Pairs<'r>([&'r str; NAMES.len()]);

impl<'r> Pairs<'r> {
    fn get(&self, key: Key) -> &'r str {
        self.0[key as usize]
    }

    fn first(&self, keys: &[Key]) -> &'r str {
        keys.iter().map(|key| self.get(*key)).find(|value| !value.is_empty()).unwrap_or_default()
    }
}

fn parse<'r>(line: &Line<'r>, draft: &mut Draft<'r>) -> Result<(), ParseError> {
    let mut pairs = Pairs([""; NAMES.len()]);
    read(line.message, &mut pairs, draft)?;
    draft.word(Field::EVENT_MODULE, "fortinet_fortigate");
    draft.word(Field::EVENT_DATASET, "fortinet_fortigate.log");
    draft.word(Field::EVENT_KIND, "event");
    draft.word(Field::OBSERVER_TYPE, "firewall");
    draft.put(Field::OBSERVER_NAME, line.header.hostname);
    if let Some(product) = sister(pairs.first(&[Key::DevId, Key::DeviceId])) {
        draft.word(Field::OBSERVER_PRODUCT, product);
    }
    for (key, field) in DIRECT.iter().filter(|(key, _)| !pairs.get(*key).is_empty()) {
        draft.put(*field, pairs.get(*key));
    }
    for (key, name) in KEPT.iter().filter(|(key, _)| !pairs.get(*key).is_empty()) {
        draft.extra(NAMESPACE, name, pairs.get(*key));
    }
    times(line, &pairs, draft);
    ends(&pairs, draft);
    traffic_detail(&pairs, draft);
    match pairs.get(Key::Type) {
        "traffic" => traffic(&pairs, draft),
        "utm" | "dns" => utm(&pairs, draft),
        "event" => event(&pairs, draft),
        _ => draft.put(Field::EVENT_ACTION, pairs.get(Key::Action)),
    }
    let message = pairs.get(Key::Msg);
    if message.contains("ogin") || message.contains("ogged in") {
        login(&pairs, message, draft);
    }
    Ok(())
}

/// Reads every pair: a known key to its place, any other to the extras. `N/A` is no value.
fn read<'r>(message: &'r str, pairs: &mut Pairs<'r>, draft: &mut Draft<'r>) -> Result<(), ParseError> {
    let bytes = message.as_bytes();
    // `set format csv` puts commas between the pairs.
    let comma = message.as_bytes().get(15) == Some(&b',') && message.starts_with("date=");
    let separator = if comma { b',' } else { b' ' };
    let (mut at, mut found) = (0, 0);
    while let Some((start, equals)) = name(&bytes[at..]) {
        let key = message.get(at + start..at + equals).unwrap_or_default();
        let (value, next) = value(message, at + equals + 1, separator);
        at = next;
        if value.is_empty() || value == "N/A" || key.is_empty() {
            continue;
        }
        found += 1;
        match KEYS.get(key) {
            Some(known) => pairs.0[known as usize] = value,
            None => draft.extra(NAMESPACE, key, value),
        }
    }
    if found == 0 { Err(ParseError::Malformed { at: 0 }) } else { Ok(()) }
}

/// Where the next name begins, behind the last blank, comma or tab before its `=`, and where it ends.
fn name(bytes: &[u8]) -> Option<(usize, usize)> {
    // Nearly all names end within the next sixteen bytes, which tell both at once.
    if let Some(near) = Near::of(bytes)
        && let equals @ 1.. = near.marks(b'=')
    {
        let before = (equals & equals.wrapping_neg()) - 1;
        let blanks = (near.marks(b' ') | near.marks(b',') | near.marks(b'\t')) & before;
        return Some(((u32::BITS - blanks.leading_zeros()) as usize, equals.trailing_zeros() as usize));
    }
    let equals = near::find(b'=', bytes)?;
    let blank = bytes[..equals].iter().rposition(|byte| matches!(byte, b' ' | b',' | b'\t'));
    Some((blank.map_or(0, |at| at + 1), equals))
}

/// The value at `start` and where to go on. A quote ends a quoted value unless a backslash precedes it and more of the
/// value follows (a path may end in a backslash).
fn value(message: &str, start: usize, separator: u8) -> (&str, usize) {
    let bytes = message.as_bytes();
    if bytes.get(start) != Some(&b'"') {
        let len = near::find(separator, &bytes[start..]).unwrap_or(bytes.len() - start);
        return (message.get(start..start + len).unwrap_or_default(), start + len);
    }
    let mut at = start + 1;
    while let Some(quote) = near::find(b'"', &bytes[at..]) {
        let end = at + quote;
        let escaped = bytes[end - 1] == b'\\' && end > start + 1;
        let closes = bytes.get(end + 1).is_none_or(|next| matches!(next, b' ' | b',' | b'\t'));
        if closes || !escaped {
            return (message.get(start + 1..end).unwrap_or_default(), end + 1);
        }
        at = end + 1;
    }
    (message.get(start + 1..).unwrap_or_default(), bytes.len())
}

/// Fortinet's other products by the serial number's start.
fn sister(serial: &str) -> Option<&'static str> {
    Some(match serial.get(..3)? {
        "FMG" => "FortiManager",
        "FAZ" => "FortiAnalyzer",
        _ => match serial.get(..2)? {
            "FV" => "FortiWeb",
            "FE" => "FortiMail",
            "FL" => "FortiAnalyzer",
            _ => return None,
        },
    })
}

fn times<'r>(line: &Line<'r>, pairs: &Pairs<'r>, draft: &mut Draft<'r>) {
    let zone = pairs.get(Key::Tz);
    let zone = zone.trim_start_matches(|c: char| c.is_ascii_alphabetic() && c != 'Z');
    let offset_s = stamp::offset_s(zone).unwrap_or(i64::from(line.raw.tz_offset_s));
    let started = stamp::epoch(pairs.get(Key::EventTime)).map(|(time, _)| time);
    if let Some(started) = started {
        draft.date(Field::EVENT_START, started);
    }
    let written = stamp::date_and_time(pairs.get(Key::Date), pairs.get(Key::Time), offset_s);
    if let Some(time) = written.or(started) {
        draft.date(Field::TIMESTAMP, time);
    }
    if let Ok(seconds) = pairs.get(Key::Duration).parse::<i64>() {
        draft.long(Field::EVENT_DURATION, seconds.saturating_mul(1_000_000_000));
    }
}

/// Who talked to whom. In a VPN event the remote end is the client, and so the source.
fn ends<'r>(pairs: &Pairs<'r>, draft: &mut Draft<'r>) {
    let near =
        (pairs.first(&[Key::SrcIp, Key::LocIp]), pairs.first(&[Key::SrcPort, Key::SrcPort2, Key::LocPort]));
    let far =
        (pairs.first(&[Key::DstIp, Key::RemIp]), pairs.first(&[Key::DstPort, Key::DstPort2, Key::RemPort]));
    let vpn = pairs.get(Key::Subtype) == "vpn" && pairs.get(Key::Type) == "event";
    let (source, destination) = if vpn { (far, near) } else { (near, far) };
    draft.put(Field::SOURCE_IP, source.0);
    draft.put(Field::SOURCE_PORT, source.1);
    draft.put(Field::DESTINATION_IP, destination.0);
    draft.put(Field::DESTINATION_PORT, destination.1);
    let user = if vpn {
        pairs.first(&[Key::EapUser, Key::XauthUser, Key::User])
    } else {
        pairs.first(&[Key::UnauthUser, Key::User])
    };
    draft.put(Field::SOURCE_USER_NAME, user);
    draft.put(Field::USER_NAME, user);
    let name = pairs.get(Key::SrcName);
    if !name.is_empty() {
        draft.put(Field::HOST_NAME, &name.to_lowercase());
    }
}

fn traffic_detail<'r>(pairs: &Pairs<'r>, draft: &mut Draft<'r>) {
    let proto = pairs.get(Key::Proto);
    draft.put(Field::NETWORK_IANA_NUMBER, proto);
    if let Some(transport) = network::transport(proto) {
        draft.word(Field::NETWORK_TRANSPORT, transport);
    }
    network::put_lower(draft, Field::NETWORK_PROTOCOL, pairs.get(Key::Service));
    network::put_sums(draft);
    let direction = pairs.first(&[Key::Dir, Key::Direction]);
    if let Some(direction) = network::direction(direction) {
        draft.word(Field::NETWORK_DIRECTION, direction);
    }
    if !pairs.get(Key::IpAddr).is_empty() {
        for address in pairs.get(Key::IpAddr).split(", ").take(ADDRESSES_MAX) {
            draft.put(Field::DNS_RESOLVED_IP, address);
        }
    }
    let url = pairs.get(Key::Url);
    if url.contains("://") || pairs.get(Key::Type) == "event" {
        draft.put(Field::URL_ORIGINAL, url);
    } else {
        draft.put(Field::URL_PATH, url);
    }
}

fn traffic<'r>(pairs: &Pairs<'r>, draft: &mut Draft<'r>) {
    let action = pairs.get(Key::Action);
    draft.word(Field::EVENT_CATEGORY, "network");
    draft.word(Field::EVENT_TYPE, "connection");
    if !action.is_empty() {
        draft.put(Field::EVENT_ACTION, action);
        draft.word(Field::EVENT_OUTCOME, "success");
        draft.word(Field::EVENT_TYPE, if action == "start" { "start" } else { "end" });
    }
    let denied = action == "deny" || pairs.get(Key::UtmAction) == "block";
    if !pairs.get(Key::App).is_empty() && action != "deny" {
        draft.word(Field::EVENT_TYPE, "protocol");
    }
    if denied {
        draft.word(Field::EVENT_TYPE, "denied");
    } else if pairs.get(Key::UtmAction).is_empty() {
        draft.word(Field::EVENT_TYPE, "allowed");
    }
}

fn utm<'r>(pairs: &Pairs<'r>, draft: &mut Draft<'r>) {
    let action = pairs.get(Key::Action);
    draft.word(Field::EVENT_CATEGORY, "network");
    match pairs.get(Key::Subtype) {
        "dns" => draft.word(Field::EVENT_TYPE, "info"),
        "ips" | "anomaly" => draft.word(Field::EVENT_CATEGORY, "intrusion_detection"),
        "virus" => draft.word(Field::EVENT_CATEGORY, "malware"),
        _ => {}
    }
    match action {
        "block" | "blocked" | "dropped" | "reset" => draft.word(Field::EVENT_TYPE, "denied"),
        "pass" | "passthrough" => draft.word(Field::EVENT_TYPE, "allowed"),
        _ => {}
    }
    if !action.is_empty() {
        draft.word(Field::EVENT_OUTCOME, "success");
    }
    draft.put(Field::EVENT_ACTION, pairs.first(&[Key::EventType, Key::Action]));
    draft.put(Field::DESTINATION_DOMAIN, pairs.get(Key::Sni));
}

fn event<'r>(pairs: &Pairs<'r>, draft: &mut Draft<'r>) {
    let action = pairs.get(Key::Action);
    match (pairs.get(Key::Result), pairs.get(Key::Status), action) {
        ("ERROR", ..) | (_, "negotiate_error" | "failed" | "failure" | "fail", _) => {
            draft.word(Field::EVENT_OUTCOME, "failure");
        }
        (.., "ssl-login-fail") => draft.word(Field::EVENT_OUTCOME, "failure"),
        ("OK", ..) | (_, "success", _) => draft.word(Field::EVENT_OUTCOME, "success"),
        (.., "FSSO-logon" | "auth-logon" | "FSSO-logoff" | "auth-logout") => {
            draft.word(Field::EVENT_OUTCOME, "success");
        }
        _ => {}
    }
    match action {
        "FSSO-logon" | "auth-logon" => draft.word(Field::EVENT_TYPE, "start"),
        "FSSO-logoff" | "auth-logout" => draft.word(Field::EVENT_TYPE, "end"),
        "perf-stats" => {
            draft.word(Field::EVENT_TYPE, "info");
            draft.word(Field::EVENT_CATEGORY, "host");
        }
        _ => {}
    }
    match pairs.get(Key::Subtype) {
        "vpn" => {
            draft.word(Field::EVENT_TYPE, "connection");
            draft.word(Field::EVENT_CATEGORY, "network");
        }
        "update" => {
            draft.word(Field::EVENT_TYPE, "info");
            draft.word(Field::EVENT_CATEGORY, "host");
            draft.word(Field::EVENT_CATEGORY, "malware");
        }
        "user" => draft.word(Field::EVENT_CATEGORY, "authentication"),
        _ => {}
    }
    draft.put(Field::EVENT_ACTION, pairs.first(&[Key::EventType, Key::Action]));
}

/// `Administrator a login failed from ssh(192.0.2.1) …`, `Login from ssh: Failed for a from 192.0.2.1 port 2`.
fn login<'r>(pairs: &Pairs<'r>, message: &'r str, draft: &mut Draft<'r>) {
    draft.word(Field::EVENT_CATEGORY, "authentication");
    if pairs.get(Key::EventType).is_empty() {
        draft.word(Field::EVENT_ACTION, "login");
    }
    if message.contains("fail") || message.contains("Fail") {
        draft.word(Field::EVENT_OUTCOME, "failure");
    } else if message.contains("success") {
        draft.word(Field::EVENT_OUTCOME, "success");
    }
    if let Some(rest) = message.strip_prefix("Login from ssh: ") {
        let mut words = rest.split(' ').skip_while(|word| *word != "for").skip(1);
        draft.put(Field::USER_NAME, words.next().unwrap_or_default());
        draft.put(Field::SOURCE_IP, words.nth(1).unwrap_or_default());
        draft.put(Field::SOURCE_PORT, words.nth(1).unwrap_or_default());
    } else if let Some(rest) = message.strip_prefix("Administrator ") {
        draft.put(Field::USER_NAME, rest.split(' ').next().unwrap_or_default());
        draft.word(Field::USER_ROLES, "Administrator");
        let address = rest.split_once('(').and_then(|(_, rest)| rest.split_once(')'));
        if let Some((address, _)) = address {
            draft.put(Field::SOURCE_IP, address);
        }
    }
}

//! ArcSight's Common Event Format: `CEF:0|vendor|product|version|class|name|severity|key=value …`.

use super::keyed::Keyed;
use super::{Line, ParseError, Parser, extension, network, stamp, url};
use event::{Draft, Field};

pub(super) const PARSER: Parser = Parser { name: "cef", product: None, prose: false, sniff, parse };

const NAMESPACE: &str = "cef.extensions";

fn sniff(line: &Line<'_>) -> bool {
    start(line.message).is_some()
}

/// Some products put a few words before `CEF:`.
fn start(message: &str) -> Option<usize> {
    let near = message.as_bytes().get(..message.len().min(128))?;
    let at = memchr::memmem::find(near, b"CEF:")?;
    let digit = message.as_bytes().get(at + 4).is_some_and(u8::is_ascii_digit);
    let alone = at == 0 || matches!(message.as_bytes()[at - 1], b' ' | b':' | b'"');
    (digit && alone).then_some(at)
}

/// Where an extension goes besides its long name under `cef.extensions`.
#[derive(Clone, Copy)]
enum To {
    Extra,
    Field(Field),
    Lower(Field),
    Time(Field),
    Url,
    Transport,
    Port(Field),
}

/// Short key, CEF's own long name, field.
type Entry = (&'static str, (&'static str, To));

#[rustfmt::skip]
const ENTRIES: &[Entry] = &[
    ("act", ("deviceAction", To::Field(Field::EVENT_ACTION))), ("app", ("applicationProtocol", To::Field(Field::NETWORK_APPLICATION))),
    ("cat", ("deviceEventCategory", To::Extra)), ("cnt", ("baseEventCount", To::Extra)),
    ("destinationDnsDomain", ("destinationDnsDomain", To::Field(Field::DESTINATION_REGISTERED_DOMAIN))),
    ("destinationTranslatedAddress", ("destinationTranslatedAddress", To::Field(Field::DESTINATION_NAT_IP))),
    ("destinationTranslatedPort", ("destinationTranslatedPort", To::Port(Field::DESTINATION_NAT_PORT))),
    ("deviceDirection", ("deviceDirection", To::Extra)), ("deviceExternalId", ("deviceExternalId", To::Extra)),
    ("deviceInboundInterface", ("deviceInboundInterface", To::Field(Field::OBSERVER_INGRESS_INTERFACE_NAME))),
    ("deviceOutboundInterface", ("deviceOutboundInterface", To::Field(Field::OBSERVER_EGRESS_INTERFACE_NAME))),
    ("deviceProcessName", ("deviceProcessName", To::Field(Field::PROCESS_NAME))),
    ("dhost", ("destinationHostName", To::Field(Field::DESTINATION_DOMAIN))), ("dmac", ("destinationMacAddress", To::Field(Field::DESTINATION_MAC))),
    ("dntdom", ("destinationNtDomain", To::Field(Field::DESTINATION_REGISTERED_DOMAIN))), ("dpid", ("destinationProcessId", To::Extra)),
    ("dpriv", ("destinationUserPrivileges", To::Extra)), ("dproc", ("destinationProcessName", To::Extra)),
    ("dpt", ("destinationPort", To::Port(Field::DESTINATION_PORT))), ("dst", ("destinationAddress", To::Field(Field::DESTINATION_IP))),
    ("dtz", ("deviceTimeZone", To::Field(Field::EVENT_TIMEZONE))), ("duid", ("destinationUserId", To::Field(Field::DESTINATION_USER_ID))),
    ("duser", ("destinationUserName", To::Field(Field::DESTINATION_USER_NAME))), ("dvc", ("deviceAddress", To::Field(Field::OBSERVER_IP))),
    ("dvchost", ("deviceHostName", To::Field(Field::OBSERVER_HOSTNAME))), ("dvcmac", ("deviceMacAddress", To::Field(Field::OBSERVER_MAC))),
    ("dvcpid", ("deviceProcessId", To::Field(Field::PROCESS_PID))), ("end", ("endTime", To::Time(Field::EVENT_END))),
    ("eventId", ("eventId", To::Extra)), ("externalId", ("externalId", To::Extra)),
    ("fileHash", ("fileHash", To::Extra)), ("fileId", ("fileId", To::Field(Field::FILE_INODE))), ("filePath", ("filePath", To::Field(Field::FILE_PATH))),
    ("fileType", ("fileType", To::Field(Field::FILE_TYPE))), ("fname", ("filename", To::Field(Field::FILE_NAME))),
    ("fsize", ("fileSize", To::Field(Field::FILE_SIZE))), ("in", ("bytesIn", To::Field(Field::SOURCE_BYTES))),
    ("msg", ("message", To::Field(Field::MESSAGE))), ("message", ("message", To::Field(Field::MESSAGE))),
    ("out", ("bytesOut", To::Field(Field::DESTINATION_BYTES))), ("outcome", ("eventOutcome", To::Lower(Field::EVENT_OUTCOME))),
    ("proto", ("transportProtocol", To::Transport)), ("reason", ("reason", To::Field(Field::EVENT_REASON))),
    ("request", ("requestUrl", To::Url)), ("requestUrl", ("requestUrl", To::Url)),
    ("requestClientApplication", ("requestClientApplication", To::Field(Field::USER_AGENT_ORIGINAL))),
    ("requestContext", ("requestContext", To::Field(Field::HTTP_REQUEST_REFERRER))), ("requestMethod", ("requestMethod", To::Field(Field::HTTP_REQUEST_METHOD))),
    ("rt", ("deviceReceiptTime", To::Time(Field::TIMESTAMP))), ("shost", ("sourceHostName", To::Field(Field::SOURCE_DOMAIN))),
    ("smac", ("sourceMacAddress", To::Field(Field::SOURCE_MAC))), ("sntdom", ("sourceNtDomain", To::Field(Field::SOURCE_REGISTERED_DOMAIN))),
    ("sourceDnsDomain", ("sourceDnsDomain", To::Field(Field::SOURCE_REGISTERED_DOMAIN))),
    ("sourceTranslatedAddress", ("sourceTranslatedAddress", To::Field(Field::SOURCE_NAT_IP))),
    ("sourceTranslatedPort", ("sourceTranslatedPort", To::Port(Field::SOURCE_NAT_PORT))), ("spid", ("sourceProcessId", To::Field(Field::PROCESS_PID))),
    ("spriv", ("sourceUserPrivileges", To::Extra)), ("sproc", ("sourceProcessName", To::Field(Field::PROCESS_NAME))),
    ("spt", ("sourcePort", To::Port(Field::SOURCE_PORT))), ("src", ("sourceAddress", To::Field(Field::SOURCE_IP))),
    ("start", ("startTime", To::Time(Field::EVENT_START))), ("suid", ("sourceUserId", To::Field(Field::SOURCE_USER_ID))),
    ("suser", ("sourceUserName", To::Field(Field::SOURCE_USER_NAME))), ("UNIFIutcTime", ("UNIFIutcTime", To::Time(Field::TIMESTAMP))),
    ("agt", ("agentAddress", To::Extra)), ("ahost", ("agentHostName", To::Field(Field::AGENT_NAME))), ("aid", ("agentId", To::Field(Field::AGENT_ID))),
    ("at", ("agentType", To::Field(Field::AGENT_TYPE))), ("av", ("agentVersion", To::Field(Field::AGENT_VERSION))),
    ("art", ("agentReceiptTime", To::Extra)), ("atz", ("agentTimeZone", To::Extra)), ("catdt", ("categoryDeviceType", To::Extra)),
    ("mrt", ("managerReceiptTime", To::Extra)),
    ("c6a1", ("deviceCustomIPv6Address1", To::Extra)), ("c6a2", ("deviceCustomIPv6Address2", To::Extra)), ("c6a3", ("deviceCustomIPv6Address3", To::Extra)),
    ("c6a1Label", ("deviceCustomIPv6Address1Label", To::Extra)), ("c6a2Label", ("deviceCustomIPv6Address2Label", To::Extra)),
    ("c6a3Label", ("deviceCustomIPv6Address3Label", To::Extra)),
    ("cn1", ("deviceCustomNumber1", To::Extra)), ("cn2", ("deviceCustomNumber2", To::Extra)), ("cn3", ("deviceCustomNumber3", To::Extra)),
    ("cn1Label", ("deviceCustomNumber1Label", To::Extra)), ("cn2Label", ("deviceCustomNumber2Label", To::Extra)),
    ("cn3Label", ("deviceCustomNumber3Label", To::Extra)),
    ("cs1", ("deviceCustomString1", To::Extra)), ("cs2", ("deviceCustomString2", To::Extra)), ("cs3", ("deviceCustomString3", To::Extra)),
    ("cs4", ("deviceCustomString4", To::Extra)), ("cs5", ("deviceCustomString5", To::Extra)), ("cs6", ("deviceCustomString6", To::Extra)),
    ("cs1Label", ("deviceCustomString1Label", To::Extra)), ("cs2Label", ("deviceCustomString2Label", To::Extra)),
    ("cs3Label", ("deviceCustomString3Label", To::Extra)), ("cs4Label", ("deviceCustomString4Label", To::Extra)),
    ("cs5Label", ("deviceCustomString5Label", To::Extra)), ("cs6Label", ("deviceCustomString6Label", To::Extra)),
];

static KEYS: Keyed<(&'static str, To)> = Keyed::new(ENTRIES);

fn parse<'r>(line: &Line<'r>, draft: &mut Draft<'r>) -> Result<(), ParseError> {
    let at = start(line.message).ok_or(ParseError::Malformed { at: 0 })?;
    let mut rest = line.message.get(at + 4..).unwrap_or_default();
    let mut head = [""; 7];
    for part in &mut head {
        let end = bar(rest);
        *part = rest.get(..end).unwrap_or_default();
        rest = rest.get(end + 1..).unwrap_or_default();
    }
    let [version, vendor, product, release, class, name, severity] = head;
    if product.is_empty() || class.is_empty() {
        return Err(ParseError::Missing("device event class id"));
    }
    draft.word(Field::EVENT_MODULE, "cef");
    draft.word(Field::EVENT_DATASET, "cef.log");
    draft.word(Field::EVENT_KIND, "event");
    for (field, text) in [
        (Field::OBSERVER_VENDOR, vendor),
        (Field::OBSERVER_PRODUCT, product),
        (Field::OBSERVER_VERSION, release),
        (Field::EVENT_CODE, class),
        (Field::MESSAGE, name),
    ] {
        draft.put(field, &extension::unescape(text));
    }
    draft.put(Field::OBSERVER_NAME, line.header.hostname);
    draft.extra("cef", "version", version);
    draft.extra("cef", "name", &extension::unescape(name));
    draft.extra("cef", "severity", severity);
    draft.long(Field::EVENT_SEVERITY, number(severity));
    extension::cef(rest, &mut |key, value| put(line, key, value, draft));
    labelled_addresses(draft);
    let user =
        draft.so_far().text(Field::SOURCE_USER_NAME).or(draft.so_far().text(Field::DESTINATION_USER_NAME));
    if let Some(user) = user.map(str::to_owned) {
        draft.put(Field::USER_NAME, &user);
    }
    Ok(())
}

/// The place of the next bar that is no part of the text.
fn bar(text: &str) -> usize {
    memchr::memchr_iter(b'|', text.as_bytes())
        .find(|at| !extension::escaped(text.as_bytes(), *at))
        .unwrap_or(text.len())
}

/// CEF's words stand for ranges; the lowest number of each.
fn number(severity: &str) -> i64 {
    match severity {
        "Medium" | "medium" => 4,
        "High" | "high" => 7,
        "Very-High" | "very-high" => 9,
        other => other.parse().unwrap_or(0),
    }
}

fn put<'r>(line: &Line<'r>, key: &'r str, value: &'r str, draft: &mut Draft<'r>) {
    if value.is_empty() {
        return;
    }
    let value = extension::unescape(value);
    let Some((long, to)) = KEYS.get(key) else {
        draft.extra(NAMESPACE, key, &value);
        return;
    };
    match to {
        To::Extra => draft.extra(NAMESPACE, long, &value),
        To::Field(Field::MESSAGE) => draft.put(Field::MESSAGE, &value),
        To::Field(field) => {
            draft.put(field, &value);
            draft.extra(NAMESPACE, long, &value);
        }
        To::Lower(field) => network::put_lower(draft, field, &value),
        To::Port(field) => {
            if value.parse::<u16>().is_ok() {
                draft.put(field, &value);
            } else {
                draft.extra(NAMESPACE, long, &value);
            }
        }
        To::Time(field) => match stamp::whole(&value, line.raw) {
            Some(time) => draft.date(field, time),
            None => draft.extra(NAMESPACE, long, &value),
        },
        To::Url => match value {
            std::borrow::Cow::Borrowed(text) => url::put(draft, text),
            std::borrow::Cow::Owned(text) => draft.put(Field::URL_ORIGINAL, &text),
        },
        To::Transport => match network::transport(&value) {
            Some(name) => draft.word(Field::NETWORK_TRANSPORT, name),
            None => network::put_lower(draft, Field::NETWORK_TRANSPORT, &value),
        },
    }
}

/// IPv6 ends have no key of their own in CEF 0: a custom field says so by its label.
fn labelled_addresses(draft: &mut Draft<'_>) {
    let mut found = [None; 2];
    for extra in draft.so_far().extras().filter(|extra| extra.key.starts_with("deviceCustomIPv6Address")) {
        let end = match extra.value.as_text() {
            Some("Source IPv6 Address") => 0,
            Some("Destination IPv6 Address") => 1,
            _ => continue,
        };
        let key = extra.key.trim_end_matches("Label");
        let address = draft.so_far().extras().find(|other| other.key == key);
        found[end] = address.and_then(|address| address.value.as_text()?.parse().ok());
    }
    for (field, address) in [Field::SOURCE_IP, Field::DESTINATION_IP].into_iter().zip(found) {
        if let Some(address) = address
            && draft.so_far().ip(field).is_none()
        {
            draft.ip(field, address);
        }
    }
}

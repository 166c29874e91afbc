//! Zeek's logs as JSON. Which log a line is of stands in `_path`, or shows in the fields that only it has.

use super::{Line, ParseError, Parser, network, stamp};
use event::{Draft, Field, json};
use memchr::memmem;

pub(super) const PARSER: Parser =
    Parser { name: "zeek", product: Some(("Zeek", "Zeek")), prose: false, sniff, parse };

/// Log, its dataset (which is the namespace of its own fields), and a field that no other log has.
const LOGS: &[(&str, &str, &str)] = &[
    ("dns", "zeek.dns", "\"qtype_name\":"),
    ("http", "zeek.http", "\"request_body_len\":"),
    ("conn", "zeek.conn", "\"conn_state\":"),
    ("ssl", "zeek.ssl", "\"cipher\":"),
    ("files", "zeek.files", "\"fuid\":"),
    ("rdp", "zeek.rdp", "\"security_protocol\":"),
    ("dce_rpc", "zeek.dce_rpc", "\"named_pipe\":"),
    ("kerberos", "zeek.kerberos", "\"request_type\":"),
    ("smb_mapping", "zeek.smb_mapping", "\"share_type\":"),
    ("smb_files", "zeek.smb_files", "\"SMB::"),
    ("ssh", "zeek.ssh", "\"auth_attempts\":"),
    ("ftp", "zeek.ftp", "\"reply_code\":"),
    ("notice", "zeek.notice", "\"note\":"),
    ("weird", "zeek.weird", "\"peer\":"),
    ("x509", "zeek.x509", "\"certificate.serial\":"),
];

fn sniff(line: &Line<'_>) -> bool {
    let has = |mark: &[u8]| memmem::find(line.message.as_bytes(), mark).is_some();
    line.message.starts_with('{')
        && has(b"\"ts\":")
        && (has(b"\"id.orig_h\":") || has(b"\"fuid\":") || has(b"\"_path\":"))
}

fn parse<'r>(line: &Line<'r>, draft: &mut Draft<'r>) -> Result<(), ParseError> {
    let text = line.message;
    let has = |mark: &str| memmem::find(text.as_bytes(), mark.as_bytes()).is_some();
    let named = |name: &str| has(&format!("\"_path\":\"{name}\""));
    let log = LOGS.iter().find(|(name, _, _)| named(name));
    let (name, dataset) = log
        .or_else(|| LOGS.iter().find(|(_, _, mark)| has(mark)))
        .map_or(("", "zeek.log"), |(name, dataset, _)| (*name, *dataset));
    super::origin(draft, "zeek", dataset);
    draft.put(Field::OBSERVER_NAME, line.header.hostname);
    draft.word(Field::OBSERVER_TYPE, "ids");
    draft.word(Field::EVENT_CATEGORY, "network");
    match name {
        "conn" => draft.word(Field::EVENT_TYPE, "connection"),
        "http" => draft.word(Field::EVENT_CATEGORY, "web"),
        "notice" | "weird" => {
            draft.word(Field::EVENT_KIND, "alert");
            draft.word(Field::EVENT_TYPE, "info");
        }
        _ => draft.word(Field::EVENT_TYPE, "protocol"),
    }
    json::walk(text, &mut |path, key, value| {
        let text = value.to_text();
        let full = if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
        if full == "ts" {
            let time = stamp::iso(&text, line.raw).or_else(|| stamp::epoch(&text));
            if let Some((time, _)) = time {
                draft.date(Field::TIMESTAMP, time);
            }
        } else if !common(&full, &text, draft) && !own(name, &full, &text, draft) {
            draft.extra_value(dataset, &full, value);
        }
    })
    .map_err(|error| ParseError::Malformed { at: error.column() })
}

/// What every log has.
fn common(key: &str, text: &str, draft: &mut Draft<'_>) -> bool {
    let field = match key {
        "id.orig_h" => Field::SOURCE_IP,
        "id.orig_p" => Field::SOURCE_PORT,
        "id.resp_h" => Field::DESTINATION_IP,
        "id.resp_p" => Field::DESTINATION_PORT,
        "proto" => {
            draft.put(Field::NETWORK_TRANSPORT, &network::lower(text));
            return true;
        }
        "community_id" => Field::NETWORK_COMMUNITY_ID,
        _ => return false,
    };
    draft.put(field, text);
    true
}

/// What one log calls by a name of ECS.
fn own(log: &str, key: &str, text: &str, draft: &mut Draft<'_>) -> bool {
    let field = match (log, key) {
        ("conn", "service") => Field::NETWORK_PROTOCOL,
        ("conn", "orig_bytes") => Field::SOURCE_BYTES,
        ("conn", "resp_bytes") => Field::DESTINATION_BYTES,
        ("conn", "orig_pkts") => Field::SOURCE_PACKETS,
        ("conn", "resp_pkts") => Field::DESTINATION_PACKETS,
        ("dns", "query") => Field::DNS_QUESTION_NAME,
        ("dns", "qtype_name") => Field::DNS_QUESTION_TYPE,
        ("dns", "rcode_name") => Field::DNS_RESPONSE_CODE,
        ("dns", "answers") => Field::DNS_ANSWERS_DATA,
        ("http", "method") => Field::HTTP_REQUEST_METHOD,
        ("http", "host") => Field::URL_DOMAIN,
        ("http", "uri") => {
            draft.put(Field::URL_PATH, text.split('?').next().unwrap_or(text));
            Field::URL_ORIGINAL
        }
        ("http", "user_agent") => Field::USER_AGENT_ORIGINAL,
        ("http", "referrer") => Field::HTTP_REQUEST_REFERRER,
        ("http", "status_code") => Field::HTTP_RESPONSE_STATUS_CODE,
        ("ssl", "server_name") => Field::TLS_CLIENT_SERVER_NAME,
        ("ssl", "cipher") => Field::TLS_CIPHER,
        ("smb_files", "name") => Field::FILE_NAME,
        ("smb_files", "path") => Field::FILE_PATH,
        _ => return false,
    };
    draft.put(field, text);
    true
}

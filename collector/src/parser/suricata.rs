//! Suricata's EVE log: alerts, and what it saw of DNS, HTTP, TLS and flows.

use super::{Line, ParseError, Parser, network, stamp};
use event::{Draft, Field, Value, json};
use memchr::memmem;

pub(super) const PARSER: Parser =
    Parser { name: "suricata", product: Some(("OISF", "Suricata")), prose: false, sniff, parse };

const EXTRA: &str = "suricata.eve";

fn sniff(line: &Line<'_>) -> bool {
    let has = |mark: &[u8]| memmem::find(line.message.as_bytes(), mark).is_some();
    line.message.starts_with('{')
        && has(b"\"event_type\":")
        && (has(b"\"flow_id\":") || has(b"\"src_ip\":"))
        && has(b"\"timestamp\":")
}

fn parse<'r>(line: &Line<'r>, draft: &mut Draft<'r>) -> Result<(), ParseError> {
    super::origin(draft, "suricata", "suricata.eve");
    draft.put(Field::OBSERVER_NAME, line.header.hostname);
    draft.word(Field::OBSERVER_TYPE, "ids");
    draft.word(Field::EVENT_CATEGORY, "network");
    let mut kind = String::new();
    let mut blocked = None;
    json::walk(line.message, &mut |path, key, value| {
        let text = value.to_text();
        match (path, key) {
            ("", "event_type") => kind = text.into_owned(),
            ("", "timestamp") => {
                if let Some((time, _)) = stamp::iso(&text, line.raw) {
                    draft.date(Field::TIMESTAMP, time);
                }
            }
            ("alert", "action") => blocked = Some(text == "blocked"),
            _ => attribute(path, key, value, &text, draft),
        }
    })
    .map_err(|error| ParseError::Malformed { at: error.column() })?;
    draft.put(Field::EVENT_ACTION, &kind);
    match kind.as_str() {
        "alert" => {
            draft.word(Field::EVENT_KIND, "alert");
            draft.word(Field::EVENT_CATEGORY, "intrusion_detection");
            draft.word(Field::EVENT_TYPE, if blocked == Some(true) { "denied" } else { "info" });
        }
        "http" => draft.word(Field::EVENT_CATEGORY, "web"),
        "dns" | "tls" => draft.word(Field::EVENT_TYPE, "protocol"),
        _ => draft.word(Field::EVENT_TYPE, "connection"),
    }
    Ok(())
}

fn attribute(path: &str, key: &str, value: Value<'_>, text: &str, draft: &mut Draft<'_>) {
    let field = match (path, key) {
        ("", "src_ip") => Field::SOURCE_IP,
        ("", "src_port") => Field::SOURCE_PORT,
        ("", "dest_ip") => Field::DESTINATION_IP,
        ("", "dest_port") => Field::DESTINATION_PORT,
        ("", "proto") => return draft.put(Field::NETWORK_TRANSPORT, &network::lower(text)),
        ("", "app_proto") => Field::NETWORK_PROTOCOL,
        ("", "community_id") => Field::NETWORK_COMMUNITY_ID,
        ("", "in_iface") => Field::OBSERVER_INGRESS_INTERFACE_NAME,
        ("", "host") => Field::OBSERVER_HOSTNAME,
        ("alert", "signature") => Field::RULE_NAME,
        ("alert", "signature_id") => Field::RULE_ID,
        ("alert", "category") => Field::RULE_CATEGORY,
        ("alert", "rev") => Field::RULE_VERSION,
        ("alert", "severity") => Field::EVENT_SEVERITY,
        ("dns" | "dns.query" | "dns.queries", "rrname") => Field::DNS_QUESTION_NAME,
        ("dns" | "dns.query" | "dns.queries", "rrtype") => Field::DNS_QUESTION_TYPE,
        ("dns", "rcode") => Field::DNS_RESPONSE_CODE,
        ("dns", "type") => Field::DNS_TYPE,
        ("dns.answers", "rdata") => Field::DNS_ANSWERS_DATA,
        ("http", "url") => return web_url(text, draft),
        ("http", "hostname") => Field::URL_DOMAIN,
        ("http", "http_method") => Field::HTTP_REQUEST_METHOD,
        ("http", "http_user_agent") => Field::USER_AGENT_ORIGINAL,
        ("http", "http_refer") => Field::HTTP_REQUEST_REFERRER,
        ("http", "status") => Field::HTTP_RESPONSE_STATUS_CODE,
        ("http", "length") => Field::HTTP_RESPONSE_BODY_BYTES,
        ("tls", "sni") => Field::TLS_CLIENT_SERVER_NAME,
        ("tls.ja3", "hash") => Field::TLS_CLIENT_JA3,
        ("fileinfo", "filename") => Field::FILE_NAME,
        ("fileinfo", "md5") => Field::FILE_HASH_MD5,
        ("fileinfo", "sha256") => Field::FILE_HASH_SHA256,
        ("flow", "bytes_toserver") => Field::SOURCE_BYTES,
        ("flow", "bytes_toclient") => Field::DESTINATION_BYTES,
        ("flow", "pkts_toserver") => Field::SOURCE_PACKETS,
        ("flow", "pkts_toclient") => Field::DESTINATION_PACKETS,
        _ => {
            let name = if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
            return draft.extra_value(EXTRA, &name, value);
        }
    };
    draft.put(field, text);
}

fn web_url(text: &str, draft: &mut Draft<'_>) {
    draft.put(Field::URL_ORIGINAL, text);
    let path = text.split_once('?').map_or(text, |(path, query)| {
        draft.put(Field::URL_QUERY, query);
        path
    });
    if path.starts_with('/') {
        draft.put(Field::URL_PATH, path);
    }
}

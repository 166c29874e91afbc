//! What each column of each type is, after PAN-OS's own field descriptions (PAN-OS 8 to 11).

use event::{Draft, Field};

/// Where a column goes.
#[derive(Clone, Copy)]
pub(super) enum Column {
    /// Nowhere: reserved, or never of use.
    Skip,
    /// An ECS field.
    Field(Field),
    /// An ECS field, unless it says only that there is none: `0.0.0.0`, `::`.
    Address(Field),
    /// An ECS field for a port of a translation: 0 says that there is none.
    NatPort(Field),
    /// Read by name, and kept under `panw.panos`.
    Named(&'static str),
    /// Read by name only.
    Read(&'static str),
}

impl Column {
    pub(super) fn is(self, name: &str) -> bool {
        matches!(self, N(known) | R(known) if known == name)
    }

    pub(super) fn put<'r>(self, text: &'r str, draft: &mut Draft<'r>) {
        match self {
            Skip | R(_) => {}
            F(field) => draft.put(field, text),
            Address(field) if !matches!(text, "0.0.0.0" | "::") => draft.put(field, text),
            NatPort(field) if text != "0" => draft.put(field, text),
            Address(_) | NatPort(_) => {}
            N(name) if text != "0" => draft.extra("panw.panos", name, text),
            N(_) => {}
        }
    }
}

use Column::{Address, Field as F, Named as N, NatPort, Read as R, Skip};

/// The columns after the common seven, or `None` for a type that we do not know.
pub(super) fn of(kind: &str) -> Option<&'static [Column]> {
    Some(match kind {
        "TRAFFIC" => TRAFFIC,
        "THREAT" => THREAT,
        "SYSTEM" => SYSTEM,
        "CONFIG" => CONFIG,
        "GLOBALPROTECT" => GLOBALPROTECT,
        "USERID" => USERID,
        "AUTHENTICATION" => AUTHENTICATION,
        "DECRYPTION" => DECRYPTION,
        "HIPMATCH" | "HIP-MATCH" => HIPMATCH,
        "START" | "END" => TUNNEL,
        _ => return None,
    })
}

/// The 24 columns that traffic, threat, decryption and tunnel logs share.
macro_rules! session {
    ($($more:expr),* $(,)?) => {
        &[
            F(Field::SOURCE_IP), F(Field::DESTINATION_IP), Address(Field::SOURCE_NAT_IP), Address(Field::DESTINATION_NAT_IP),
            F(Field::RULE_NAME), R("srcuser"), R("dstuser"), F(Field::NETWORK_APPLICATION), N("virtual_sys"),
            F(Field::OBSERVER_INGRESS_ZONE), F(Field::OBSERVER_EGRESS_ZONE), F(Field::OBSERVER_INGRESS_INTERFACE_NAME),
            F(Field::OBSERVER_EGRESS_INTERFACE_NAME), N("log_profile"), Skip, N("flow_id"), N("repeat_count"),
            F(Field::SOURCE_PORT), F(Field::DESTINATION_PORT), NatPort(Field::SOURCE_NAT_PORT),
            NatPort(Field::DESTINATION_NAT_PORT), N("flags"), F(Field::NETWORK_TRANSPORT), N("action"),
            $($more),*
        ]
    };
}

#[rustfmt::skip]
const TRAFFIC: &[Column] = session![
    F(Field::NETWORK_BYTES), F(Field::SOURCE_BYTES), F(Field::DESTINATION_BYTES), F(Field::NETWORK_PACKETS),
    R("start_time"), R("elapsed_time"), N("url.category"), Skip, N("sequence_number"), Skip, N("source.location"),
    N("destination.location"), Skip, F(Field::SOURCE_PACKETS), F(Field::DESTINATION_PACKETS), N("endreason"),
    Skip, Skip, Skip, Skip, N("vsys_name"), F(Field::OBSERVER_HOSTNAME), N("action_source"), Skip, Skip, Skip, Skip,
    N("parent_session.id"), Skip, N("tunnel_type"), Skip, Skip, Skip, Skip, F(Field::RULE_UUID),
];

#[rustfmt::skip]
const THREAT: &[Column] = session![
    N("misc"), R("threat"), N("url.category"), F(Field::LOG_LEVEL), R("direction"), N("sequence_number"), Skip,
    N("source.location"), N("destination.location"), Skip, N("http_content_type"), N("network.pcap_id"), N("file.hash"),
    N("wildfire.name"), Skip, F(Field::USER_AGENT_ORIGINAL), F(Field::FILE_TYPE), N("x_forwarded_for"),
    F(Field::HTTP_REQUEST_REFERRER), F(Field::SOURCE_USER_EMAIL), N("subject"), F(Field::DESTINATION_USER_EMAIL),
    N("wildfire.report_id"), Skip, Skip, Skip, Skip, N("vsys_name"), F(Field::OBSERVER_HOSTNAME), Skip, Skip, Skip,
    F(Field::HTTP_REQUEST_METHOD), Skip, Skip, N("parent_session.id"), Skip, N("tunnel_type"), N("threat_category"),
    N("content_version"), Skip, Skip, Skip, N("http_headers"), N("url_category_list"), F(Field::RULE_UUID),
];

#[rustfmt::skip]
const SYSTEM: &[Column] = &[
    N("virtual_sys"), F(Field::EVENT_CODE), N("object.name"), Skip, Skip, N("module"), F(Field::LOG_LEVEL),
    N("description"), N("sequence_number"), Skip, Skip, Skip, Skip, Skip, N("vsys_name"), F(Field::OBSERVER_HOSTNAME),
];

#[rustfmt::skip]
const CONFIG: &[Column] = &[
    F(Field::HOST_IP), N("virtual_sys"), N("cmd"), N("admin"), N("client_type"), N("result"), N("path"),
    N("before_change_detail"), N("after_change_detail"), N("sequence_number"), Skip, Skip, Skip, Skip, Skip,
    N("vsys_name"), F(Field::OBSERVER_HOSTNAME),
];

#[rustfmt::skip]
const GLOBALPROTECT: &[Column] = &[
    N("virtual_sys"), F(Field::EVENT_CODE), N("stage"), N("auth_method"), N("tunnel_type"), R("srcuser"),
    F(Field::SOURCE_GEO_NAME), R("machine"), N("public_ip"), N("public_ipv6"), N("private_ip"), N("private_ipv6"),
    F(Field::HOST_ID), N("serial_number"), N("client_ver"), F(Field::HOST_OS_FAMILY), F(Field::HOST_OS_FULL),
    N("repeat_count"), F(Field::EVENT_REASON), N("error"), N("description"), N("status"), N("location"),
    R("login_duration"), N("connect_method"), F(Field::ERROR_CODE), N("portal"), N("sequence_number"),
];

#[rustfmt::skip]
const USERID: &[Column] = &[
    N("virtual_sys"), F(Field::SOURCE_IP), R("srcuser"), N("datasourcename"), F(Field::EVENT_CODE), N("repeat_count"),
    N("timeout"), F(Field::SOURCE_PORT), F(Field::DESTINATION_PORT), N("datasource"), N("datasourcetype"),
    N("sequence_number"), Skip, Skip, Skip, Skip, Skip, N("vsys_name"), F(Field::OBSERVER_HOSTNAME), N("vsys_id"),
    N("factortype"), N("factorcompletiontime"), N("factornumber"), N("ugflags"), N("userbysource"),
];

#[rustfmt::skip]
const AUTHENTICATION: &[Column] = &[
    N("virtual_sys"), F(Field::SOURCE_IP), R("srcuser"), N("normalized_user"), N("object.name"), N("auth_policy"),
    N("repeat_count"), N("auth_id"), N("vendor"), N("log_profile"), N("server_profile"), N("description"),
    N("client_type"), N("event"), N("factor_number"), N("sequence_number"), Skip, Skip, Skip, Skip, Skip,
    N("vsys_name"), F(Field::OBSERVER_HOSTNAME), N("vsys_id"), N("auth_protocol"), F(Field::RULE_UUID),
];

#[rustfmt::skip]
const DECRYPTION: &[Column] = session![
    N("tunnel_type"), Skip, Skip, N("source_vm_uuid"), N("destination_vm_uuid"), F(Field::RULE_UUID), N("hs_stage_c2f"),
    N("hs_stage_f2s"), N("tls.version"), N("tls.key_exchange"), N("tls.encryption"), N("tls.auth"), N("policy_name"),
    F(Field::TLS_CURVE), N("error_index"), N("root_status"), N("chain_status"), N("proxy_type"), N("cert_serial"),
    N("fingerprint"), F(Field::TLS_SERVER_NOT_BEFORE), F(Field::TLS_SERVER_NOT_AFTER),
];

#[rustfmt::skip]
const HIPMATCH: &[Column] = &[
    R("srcuser"), N("virtual_sys"), F(Field::HOST_NAME), F(Field::HOST_OS_FULL), F(Field::SOURCE_IP), N("matchname"),
    N("repeat_count"), N("matchtype"), Skip, Skip, N("sequence_number"), Skip, Skip, Skip, Skip, Skip, N("vsys_name"),
    F(Field::OBSERVER_HOSTNAME), N("vsys_id"), N("ipv6"), F(Field::HOST_ID), N("serial_number"),
];

#[rustfmt::skip]
const TUNNEL: &[Column] = session![
    F(Field::LOG_LEVEL), N("sequence_number"), Skip, N("source.location"), N("destination.location"), Skip, Skip, Skip, Skip,
    N("vsys_name"), F(Field::OBSERVER_HOSTNAME), N("tunnel_id"), N("monitor_tag"), N("parent_session.id"), Skip,
    N("tunnel"), F(Field::NETWORK_BYTES), F(Field::SOURCE_BYTES), F(Field::DESTINATION_BYTES), F(Field::NETWORK_PACKETS),
    F(Field::SOURCE_PACKETS), F(Field::DESTINATION_PACKETS), N("max_encapsulation"), N("unknown_protocol"),
    N("strict_check"), N("tunnel_fragment"), N("sessions.created"), N("sessions.closed"), N("endreason"),
    N("action_source"), R("start_time"), R("elapsed_time"),
];

//! The dictionary: every Elastic Common Schema field that the pipeline types, and our own `haidang.*` fields.
//!
//! Names, types and "is a list" are those of ECS (checked against the official dictionary when it is at hand, see
//! the `dictionary` test). A field outside this table is a vendor extra: see [`crate::Event::extras`].

use foldhash::fast::FixedState;
use std::collections::HashMap;
use std::sync::LazyLock;

/// A field of the dictionary, by its place in the table of names in byte order.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Field(u16);

/// What a field may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// ECS keyword, wildcard, match_only_text, constant_keyword.
    Text,
    /// ECS long, integer.
    Long,
    /// ECS float, double, scaled_float.
    Float,
    /// ECS ip (v4 or v6).
    Ip,
    /// ECS date; milliseconds since 1970 UTC here, RFC 3339 on the wire.
    Date,
    /// ECS boolean.
    Bool,
}

struct Definition {
    name: &'static str,
    kind: Kind,
    list: bool,
    /// Where the last dot of the name is; its length if there is none.
    last_dot: u8,
}

/// The place of a name's last dot.
#[allow(
    clippy::cast_possible_truncation,
    reason = "no name is longer than 255 bytes; longer ones do not compile"
)]
const fn last_dot(name: &str) -> u8 {
    let bytes = name.as_bytes();
    assert!(bytes.len() < 255);
    let mut at = bytes.len();
    while at > 0 {
        at -= 1;
        if bytes[at] == b'.' {
            return at as u8;
        }
    }
    bytes.len() as u8
}

impl Field {
    /// The dotted ECS name.
    #[must_use]
    pub fn name(self) -> &'static str {
        DICTIONARY[usize::from(self.0)].name
    }

    /// What the field may hold.
    #[must_use]
    pub fn kind(self) -> Kind {
        DICTIONARY[usize::from(self.0)].kind
    }

    /// Whether ECS normalises the field to a list: one value is then still written as a list.
    #[must_use]
    pub fn is_list(self) -> bool {
        DICTIONARY[usize::from(self.0)].list
    }

    /// The name as nested objects have it: the path of the objects above, and its own key.
    pub(crate) fn nested(self) -> (&'static str, &'static str) {
        let Definition { name, last_dot, .. } = DICTIONARY[usize::from(self.0)];
        let last_dot = usize::from(last_dot);
        match name.get(last_dot + 1..) {
            Some(key) => (&name[..last_dot], key),
            None => ("", name),
        }
    }

    /// The field's place in the table, from 0, below [`Field::COUNT`]; stable within one build only.
    #[must_use]
    pub fn index(self) -> usize {
        usize::from(self.0)
    }

    /// The field at that place in the table.
    pub(crate) fn at(index: usize) -> Field {
        Field(u16::try_from(index).unwrap_or(0))
    }

    /// Finds a field by its dotted name.
    #[must_use]
    pub fn by_name(name: &str) -> Option<Field> {
        // Names come with every event that is read back from JSON. The table's content is fixed, so nobody outside can make
        // them collide.
        static BY_NAME: LazyLock<HashMap<&str, Field, FixedState>> =
            LazyLock::new(|| Field::all().map(|field| (field.name(), field)).collect());
        BY_NAME.get(name).copied()
    }

    /// Every field, in byte order of the names.
    pub fn all() -> impl Iterator<Item = Field> {
        (0..).map(Field).take(Self::COUNT)
    }

    /// How many fields the dictionary has.
    pub const COUNT: usize = DICTIONARY.len();
}

impl std::fmt::Debug for Field {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

macro_rules! dictionary {
    ($($constant:ident $name:literal $kind:ident $list:literal;)*) => {
        #[allow(non_camel_case_types, clippy::upper_case_acronyms, reason = "only numbers the constants")]
        #[repr(u16)]
        enum Place { $($constant),* }

        #[allow(missing_docs, reason = "each constant is documented by ECS under the name it holds")]
        impl Field { $(pub const $constant: Field = Field(Place::$constant as u16);)* }

        const DICTIONARY: &[Definition] = &[
            $(Definition { name: $name, kind: Kind::$kind, list: $list, last_dot: last_dot($name) }),*
        ];
    };
}

// constant, ECS name, kind, is it a list; in byte order of the names.
#[rustfmt::skip]
dictionary! {
    TIMESTAMP "@timestamp" Date false;
    AGENT_ID "agent.id" Text false;
    AGENT_NAME "agent.name" Text false;
    AGENT_TYPE "agent.type" Text false;
    AGENT_VERSION "agent.version" Text false;
    CLIENT_ADDRESS "client.address" Text false;
    CLIENT_AS_NUMBER "client.as.number" Long false;
    CLIENT_AS_ORGANIZATION_NAME "client.as.organization.name" Text false;
    CLIENT_BYTES "client.bytes" Long false;
    CLIENT_DOMAIN "client.domain" Text false;
    CLIENT_GEO_CITY_NAME "client.geo.city_name" Text false;
    CLIENT_GEO_CONTINENT_NAME "client.geo.continent_name" Text false;
    CLIENT_GEO_COUNTRY_ISO_CODE "client.geo.country_iso_code" Text false;
    CLIENT_GEO_COUNTRY_NAME "client.geo.country_name" Text false;
    CLIENT_IP "client.ip" Ip false;
    CLIENT_MAC "client.mac" Text false;
    CLIENT_NAT_IP "client.nat.ip" Ip false;
    CLIENT_NAT_PORT "client.nat.port" Long false;
    CLIENT_PACKETS "client.packets" Long false;
    CLIENT_PORT "client.port" Long false;
    CLIENT_REGISTERED_DOMAIN "client.registered_domain" Text false;
    CLIENT_SUBDOMAIN "client.subdomain" Text false;
    CLIENT_TOP_LEVEL_DOMAIN "client.top_level_domain" Text false;
    CLIENT_USER_DOMAIN "client.user.domain" Text false;
    CLIENT_USER_EMAIL "client.user.email" Text false;
    CLIENT_USER_FULL_NAME "client.user.full_name" Text false;
    CLIENT_USER_GROUP_DOMAIN "client.user.group.domain" Text false;
    CLIENT_USER_GROUP_ID "client.user.group.id" Text false;
    CLIENT_USER_GROUP_NAME "client.user.group.name" Text false;
    CLIENT_USER_HASH "client.user.hash" Text false;
    CLIENT_USER_ID "client.user.id" Text false;
    CLIENT_USER_NAME "client.user.name" Text false;
    CLIENT_USER_ROLES "client.user.roles" Text true;
    DESTINATION_ADDRESS "destination.address" Text false;
    DESTINATION_AS_NUMBER "destination.as.number" Long false;
    DESTINATION_AS_ORGANIZATION_NAME "destination.as.organization.name" Text false;
    DESTINATION_BYTES "destination.bytes" Long false;
    DESTINATION_DOMAIN "destination.domain" Text false;
    DESTINATION_GEO_CITY_NAME "destination.geo.city_name" Text false;
    DESTINATION_GEO_CONTINENT_NAME "destination.geo.continent_name" Text false;
    DESTINATION_GEO_COUNTRY_ISO_CODE "destination.geo.country_iso_code" Text false;
    DESTINATION_GEO_COUNTRY_NAME "destination.geo.country_name" Text false;
    DESTINATION_GEO_NAME "destination.geo.name" Text false;
    DESTINATION_GEO_REGION_ISO_CODE "destination.geo.region_iso_code" Text false;
    DESTINATION_GEO_REGION_NAME "destination.geo.region_name" Text false;
    DESTINATION_IP "destination.ip" Ip false;
    DESTINATION_MAC "destination.mac" Text false;
    DESTINATION_NAT_IP "destination.nat.ip" Ip false;
    DESTINATION_NAT_PORT "destination.nat.port" Long false;
    DESTINATION_PACKETS "destination.packets" Long false;
    DESTINATION_PORT "destination.port" Long false;
    DESTINATION_REGISTERED_DOMAIN "destination.registered_domain" Text false;
    DESTINATION_SUBDOMAIN "destination.subdomain" Text false;
    DESTINATION_TOP_LEVEL_DOMAIN "destination.top_level_domain" Text false;
    DESTINATION_USER_DOMAIN "destination.user.domain" Text false;
    DESTINATION_USER_EMAIL "destination.user.email" Text false;
    DESTINATION_USER_FULL_NAME "destination.user.full_name" Text false;
    DESTINATION_USER_GROUP_DOMAIN "destination.user.group.domain" Text false;
    DESTINATION_USER_GROUP_ID "destination.user.group.id" Text false;
    DESTINATION_USER_GROUP_NAME "destination.user.group.name" Text false;
    DESTINATION_USER_HASH "destination.user.hash" Text false;
    DESTINATION_USER_ID "destination.user.id" Text false;
    DESTINATION_USER_NAME "destination.user.name" Text false;
    DESTINATION_USER_ROLES "destination.user.roles" Text true;
    DLL_CODE_SIGNATURE_EXISTS "dll.code_signature.exists" Bool false;
    DLL_CODE_SIGNATURE_STATUS "dll.code_signature.status" Text false;
    DLL_CODE_SIGNATURE_SUBJECT_NAME "dll.code_signature.subject_name" Text false;
    DLL_CODE_SIGNATURE_TRUSTED "dll.code_signature.trusted" Bool false;
    DLL_CODE_SIGNATURE_VALID "dll.code_signature.valid" Bool false;
    DLL_HASH_MD5 "dll.hash.md5" Text false;
    DLL_HASH_SHA1 "dll.hash.sha1" Text false;
    DLL_HASH_SHA256 "dll.hash.sha256" Text false;
    DLL_HASH_SHA512 "dll.hash.sha512" Text false;
    DLL_NAME "dll.name" Text false;
    DLL_ORIGIN_REFERRER_URL "dll.origin_referrer_url" Text false;
    DLL_ORIGIN_URL "dll.origin_url" Text false;
    DLL_PATH "dll.path" Text false;
    DLL_PE_ARCHITECTURE "dll.pe.architecture" Text false;
    DLL_PE_COMPANY "dll.pe.company" Text false;
    DLL_PE_DESCRIPTION "dll.pe.description" Text false;
    DLL_PE_FILE_VERSION "dll.pe.file_version" Text false;
    DLL_PE_IMPHASH "dll.pe.imphash" Text false;
    DLL_PE_IMPORT_HASH "dll.pe.import_hash" Text false;
    DLL_PE_ORIGINAL_FILE_NAME "dll.pe.original_file_name" Text false;
    DLL_PE_PEHASH "dll.pe.pehash" Text false;
    DLL_PE_PRODUCT "dll.pe.product" Text false;
    DNS_ANSWERS_CLASS "dns.answers.class" Text false;
    DNS_ANSWERS_DATA "dns.answers.data" Text false;
    DNS_ANSWERS_NAME "dns.answers.name" Text false;
    DNS_ANSWERS_TTL "dns.answers.ttl" Long false;
    DNS_ANSWERS_TYPE "dns.answers.type" Text false;
    DNS_HEADER_FLAGS "dns.header_flags" Text true;
    DNS_ID "dns.id" Text false;
    DNS_OP_CODE "dns.op_code" Text false;
    DNS_QUESTION_CLASS "dns.question.class" Text false;
    DNS_QUESTION_NAME "dns.question.name" Text false;
    DNS_QUESTION_REGISTERED_DOMAIN "dns.question.registered_domain" Text false;
    DNS_QUESTION_SUBDOMAIN "dns.question.subdomain" Text false;
    DNS_QUESTION_TOP_LEVEL_DOMAIN "dns.question.top_level_domain" Text false;
    DNS_QUESTION_TYPE "dns.question.type" Text false;
    DNS_RESOLVED_IP "dns.resolved_ip" Ip true;
    DNS_RESPONSE_CODE "dns.response_code" Text false;
    DNS_TYPE "dns.type" Text false;
    ECS_VERSION "ecs.version" Text false;
    EMAIL_ATTACHMENTS_FILE_EXTENSION "email.attachments.file.extension" Text false;
    EMAIL_ATTACHMENTS_FILE_HASH_MD5 "email.attachments.file.hash.md5" Text false;
    EMAIL_ATTACHMENTS_FILE_HASH_SHA1 "email.attachments.file.hash.sha1" Text false;
    EMAIL_ATTACHMENTS_FILE_HASH_SHA256 "email.attachments.file.hash.sha256" Text false;
    EMAIL_ATTACHMENTS_FILE_HASH_SHA512 "email.attachments.file.hash.sha512" Text false;
    EMAIL_ATTACHMENTS_FILE_MIME_TYPE "email.attachments.file.mime_type" Text false;
    EMAIL_ATTACHMENTS_FILE_NAME "email.attachments.file.name" Text false;
    EMAIL_ATTACHMENTS_FILE_SIZE "email.attachments.file.size" Long false;
    EMAIL_BCC_ADDRESS "email.bcc.address" Text true;
    EMAIL_CC_ADDRESS "email.cc.address" Text true;
    EMAIL_CONTENT_TYPE "email.content_type" Text false;
    EMAIL_DELIVERY_TIMESTAMP "email.delivery_timestamp" Date false;
    EMAIL_DIRECTION "email.direction" Text false;
    EMAIL_FROM_ADDRESS "email.from.address" Text true;
    EMAIL_LOCAL_ID "email.local_id" Text false;
    EMAIL_MESSAGE_ID "email.message_id" Text false;
    EMAIL_ORIGINATION_TIMESTAMP "email.origination_timestamp" Date false;
    EMAIL_REPLY_TO_ADDRESS "email.reply_to.address" Text true;
    EMAIL_SENDER_ADDRESS "email.sender.address" Text false;
    EMAIL_SUBJECT "email.subject" Text false;
    EMAIL_TO_ADDRESS "email.to.address" Text true;
    EMAIL_X_MAILER "email.x_mailer" Text false;
    ERROR_CODE "error.code" Text false;
    ERROR_ID "error.id" Text false;
    ERROR_MESSAGE "error.message" Text false;
    ERROR_STACK_TRACE "error.stack_trace" Text false;
    ERROR_TYPE "error.type" Text false;
    EVENT_ACTION "event.action" Text false;
    EVENT_AGENT_ID_STATUS "event.agent_id_status" Text false;
    EVENT_CATEGORY "event.category" Text true;
    EVENT_CODE "event.code" Text false;
    EVENT_CREATED "event.created" Date false;
    EVENT_DATASET "event.dataset" Text false;
    EVENT_DURATION "event.duration" Long false;
    EVENT_END "event.end" Date false;
    EVENT_HASH "event.hash" Text false;
    EVENT_ID "event.id" Text false;
    EVENT_INGESTED "event.ingested" Date false;
    EVENT_KIND "event.kind" Text false;
    EVENT_MODULE "event.module" Text false;
    EVENT_ORIGINAL "event.original" Text false;
    EVENT_OUTCOME "event.outcome" Text false;
    EVENT_PROVIDER "event.provider" Text false;
    EVENT_REASON "event.reason" Text false;
    EVENT_REFERENCE "event.reference" Text false;
    EVENT_SEQUENCE "event.sequence" Long false;
    EVENT_SEVERITY "event.severity" Long false;
    EVENT_START "event.start" Date false;
    EVENT_TIMEZONE "event.timezone" Text false;
    EVENT_TYPE "event.type" Text true;
    EVENT_URL "event.url" Text false;
    FILE_ACCESSED "file.accessed" Date false;
    FILE_CODE_SIGNATURE_EXISTS "file.code_signature.exists" Bool false;
    FILE_CODE_SIGNATURE_STATUS "file.code_signature.status" Text false;
    FILE_CODE_SIGNATURE_SUBJECT_NAME "file.code_signature.subject_name" Text false;
    FILE_CODE_SIGNATURE_TRUSTED "file.code_signature.trusted" Bool false;
    FILE_CODE_SIGNATURE_VALID "file.code_signature.valid" Bool false;
    FILE_CREATED "file.created" Date false;
    FILE_CTIME "file.ctime" Date false;
    FILE_DEVICE "file.device" Text false;
    FILE_DIRECTORY "file.directory" Text false;
    FILE_DRIVE_LETTER "file.drive_letter" Text false;
    FILE_EXTENSION "file.extension" Text false;
    FILE_FORK_NAME "file.fork_name" Text false;
    FILE_GID "file.gid" Text false;
    FILE_GROUP "file.group" Text false;
    FILE_HASH_MD5 "file.hash.md5" Text false;
    FILE_HASH_SHA1 "file.hash.sha1" Text false;
    FILE_HASH_SHA256 "file.hash.sha256" Text false;
    FILE_HASH_SHA512 "file.hash.sha512" Text false;
    FILE_INODE "file.inode" Text false;
    FILE_MIME_TYPE "file.mime_type" Text false;
    FILE_MODE "file.mode" Text false;
    FILE_MTIME "file.mtime" Date false;
    FILE_NAME "file.name" Text false;
    FILE_ORIGIN_REFERRER_URL "file.origin_referrer_url" Text false;
    FILE_ORIGIN_URL "file.origin_url" Text false;
    FILE_OWNER "file.owner" Text false;
    FILE_PATH "file.path" Text false;
    FILE_PE_ARCHITECTURE "file.pe.architecture" Text false;
    FILE_PE_COMPANY "file.pe.company" Text false;
    FILE_PE_DESCRIPTION "file.pe.description" Text false;
    FILE_PE_FILE_VERSION "file.pe.file_version" Text false;
    FILE_PE_IMPHASH "file.pe.imphash" Text false;
    FILE_PE_IMPORT_HASH "file.pe.import_hash" Text false;
    FILE_PE_ORIGINAL_FILE_NAME "file.pe.original_file_name" Text false;
    FILE_PE_PEHASH "file.pe.pehash" Text false;
    FILE_PE_PRODUCT "file.pe.product" Text false;
    FILE_SIZE "file.size" Long false;
    FILE_TYPE "file.type" Text false;
    FILE_UID "file.uid" Text false;
    GROUP_DOMAIN "group.domain" Text false;
    GROUP_ID "group.id" Text false;
    GROUP_NAME "group.name" Text false;
    HAIDANG_ASSET_ID "haidang.asset.id" Text false;
    HAIDANG_CLOCK_CLAMPED "haidang.clock.clamped" Bool false;
    HAIDANG_COLLECTOR_ADDRESS "haidang.collector.address" Ip false;
    HAIDANG_COLLECTOR_TRANSPORT "haidang.collector.transport" Text false;
    HAIDANG_SYSTEM_ID "haidang.system.id" Text false;
    HAIDANG_SYSTEM_LEVEL "haidang.system.level" Long false;
    HAIDANG_SYSTEM_NAME "haidang.system.name" Text false;
    HAIDANG_UNIT_ID "haidang.unit.id" Text false;
    HAIDANG_UNIT_NAME "haidang.unit.name" Text false;
    HOST_ARCHITECTURE "host.architecture" Text false;
    HOST_DOMAIN "host.domain" Text false;
    HOST_GEO_CITY_NAME "host.geo.city_name" Text false;
    HOST_GEO_CONTINENT_NAME "host.geo.continent_name" Text false;
    HOST_GEO_COUNTRY_ISO_CODE "host.geo.country_iso_code" Text false;
    HOST_GEO_COUNTRY_NAME "host.geo.country_name" Text false;
    HOST_HOSTNAME "host.hostname" Text false;
    HOST_ID "host.id" Text false;
    HOST_IP "host.ip" Ip true;
    HOST_MAC "host.mac" Text true;
    HOST_NAME "host.name" Text false;
    HOST_NETWORK_EGRESS_BYTES "host.network.egress.bytes" Long false;
    HOST_NETWORK_EGRESS_PACKETS "host.network.egress.packets" Long false;
    HOST_NETWORK_INGRESS_BYTES "host.network.ingress.bytes" Long false;
    HOST_NETWORK_INGRESS_PACKETS "host.network.ingress.packets" Long false;
    HOST_OS_FAMILY "host.os.family" Text false;
    HOST_OS_FULL "host.os.full" Text false;
    HOST_OS_KERNEL "host.os.kernel" Text false;
    HOST_OS_NAME "host.os.name" Text false;
    HOST_OS_VERSION "host.os.version" Text false;
    HOST_TYPE "host.type" Text false;
    HTTP_REQUEST_BODY_BYTES "http.request.body.bytes" Long false;
    HTTP_REQUEST_BODY_CONTENT "http.request.body.content" Text false;
    HTTP_REQUEST_BYTES "http.request.bytes" Long false;
    HTTP_REQUEST_ID "http.request.id" Text false;
    HTTP_REQUEST_METHOD "http.request.method" Text false;
    HTTP_REQUEST_MIME_TYPE "http.request.mime_type" Text false;
    HTTP_REQUEST_REFERRER "http.request.referrer" Text false;
    HTTP_RESPONSE_BODY_BYTES "http.response.body.bytes" Long false;
    HTTP_RESPONSE_BODY_CONTENT "http.response.body.content" Text false;
    HTTP_RESPONSE_BYTES "http.response.bytes" Long false;
    HTTP_RESPONSE_MIME_TYPE "http.response.mime_type" Text false;
    HTTP_RESPONSE_STATUS_CODE "http.response.status_code" Long false;
    HTTP_VERSION "http.version" Text false;
    LOG_FILE_PATH "log.file.path" Text false;
    LOG_LEVEL "log.level" Text false;
    LOG_LOGGER "log.logger" Text false;
    LOG_SYSLOG_APPNAME "log.syslog.appname" Text false;
    LOG_SYSLOG_FACILITY_CODE "log.syslog.facility.code" Long false;
    LOG_SYSLOG_FACILITY_NAME "log.syslog.facility.name" Text false;
    LOG_SYSLOG_HOSTNAME "log.syslog.hostname" Text false;
    LOG_SYSLOG_MSGID "log.syslog.msgid" Text false;
    LOG_SYSLOG_PRIORITY "log.syslog.priority" Long false;
    LOG_SYSLOG_PROCID "log.syslog.procid" Text false;
    LOG_SYSLOG_SEVERITY_CODE "log.syslog.severity.code" Long false;
    LOG_SYSLOG_SEVERITY_NAME "log.syslog.severity.name" Text false;
    LOG_SYSLOG_VERSION "log.syslog.version" Text false;
    MESSAGE "message" Text false;
    NETWORK_APPLICATION "network.application" Text false;
    NETWORK_BYTES "network.bytes" Long false;
    NETWORK_COMMUNITY_ID "network.community_id" Text false;
    NETWORK_DIRECTION "network.direction" Text false;
    NETWORK_FORWARDED_IP "network.forwarded_ip" Ip false;
    NETWORK_IANA_NUMBER "network.iana_number" Text false;
    NETWORK_INNER_VLAN_ID "network.inner.vlan.id" Text false;
    NETWORK_INNER_VLAN_NAME "network.inner.vlan.name" Text false;
    NETWORK_NAME "network.name" Text false;
    NETWORK_PACKETS "network.packets" Long false;
    NETWORK_PROTOCOL "network.protocol" Text false;
    NETWORK_TRANSPORT "network.transport" Text false;
    NETWORK_TYPE "network.type" Text false;
    NETWORK_VLAN_ID "network.vlan.id" Text false;
    NETWORK_VLAN_NAME "network.vlan.name" Text false;
    OBSERVER_EGRESS_INTERFACE_ALIAS "observer.egress.interface.alias" Text false;
    OBSERVER_EGRESS_INTERFACE_ID "observer.egress.interface.id" Text false;
    OBSERVER_EGRESS_INTERFACE_NAME "observer.egress.interface.name" Text false;
    OBSERVER_EGRESS_VLAN_ID "observer.egress.vlan.id" Text false;
    OBSERVER_EGRESS_VLAN_NAME "observer.egress.vlan.name" Text false;
    OBSERVER_EGRESS_ZONE "observer.egress.zone" Text false;
    OBSERVER_GEO_CITY_NAME "observer.geo.city_name" Text false;
    OBSERVER_GEO_CONTINENT_NAME "observer.geo.continent_name" Text false;
    OBSERVER_GEO_COUNTRY_ISO_CODE "observer.geo.country_iso_code" Text false;
    OBSERVER_GEO_COUNTRY_NAME "observer.geo.country_name" Text false;
    OBSERVER_HOSTNAME "observer.hostname" Text false;
    OBSERVER_INGRESS_INTERFACE_ALIAS "observer.ingress.interface.alias" Text false;
    OBSERVER_INGRESS_INTERFACE_ID "observer.ingress.interface.id" Text false;
    OBSERVER_INGRESS_INTERFACE_NAME "observer.ingress.interface.name" Text false;
    OBSERVER_INGRESS_VLAN_ID "observer.ingress.vlan.id" Text false;
    OBSERVER_INGRESS_VLAN_NAME "observer.ingress.vlan.name" Text false;
    OBSERVER_INGRESS_ZONE "observer.ingress.zone" Text false;
    OBSERVER_IP "observer.ip" Ip true;
    OBSERVER_MAC "observer.mac" Text true;
    OBSERVER_NAME "observer.name" Text false;
    OBSERVER_OS_FULL "observer.os.full" Text false;
    OBSERVER_OS_KERNEL "observer.os.kernel" Text false;
    OBSERVER_OS_NAME "observer.os.name" Text false;
    OBSERVER_OS_VERSION "observer.os.version" Text false;
    OBSERVER_PRODUCT "observer.product" Text false;
    OBSERVER_SERIAL_NUMBER "observer.serial_number" Text false;
    OBSERVER_TYPE "observer.type" Text false;
    OBSERVER_VENDOR "observer.vendor" Text false;
    OBSERVER_VERSION "observer.version" Text false;
    ORGANIZATION_ID "organization.id" Text false;
    ORGANIZATION_NAME "organization.name" Text false;
    PROCESS_ARGS "process.args" Text true;
    PROCESS_ARGS_COUNT "process.args_count" Long false;
    PROCESS_CODE_SIGNATURE_EXISTS "process.code_signature.exists" Bool false;
    PROCESS_CODE_SIGNATURE_STATUS "process.code_signature.status" Text false;
    PROCESS_CODE_SIGNATURE_SUBJECT_NAME "process.code_signature.subject_name" Text false;
    PROCESS_CODE_SIGNATURE_TRUSTED "process.code_signature.trusted" Bool false;
    PROCESS_CODE_SIGNATURE_VALID "process.code_signature.valid" Bool false;
    PROCESS_COMMAND_LINE "process.command_line" Text false;
    PROCESS_END "process.end" Date false;
    PROCESS_EXECUTABLE "process.executable" Text false;
    PROCESS_EXIT_CODE "process.exit_code" Long false;
    PROCESS_GROUP_ID "process.group.id" Text false;
    PROCESS_GROUP_NAME "process.group.name" Text false;
    PROCESS_HASH_MD5 "process.hash.md5" Text false;
    PROCESS_HASH_SHA1 "process.hash.sha1" Text false;
    PROCESS_HASH_SHA256 "process.hash.sha256" Text false;
    PROCESS_HASH_SHA512 "process.hash.sha512" Text false;
    PROCESS_NAME "process.name" Text false;
    PROCESS_PARENT_ARGS "process.parent.args" Text true;
    PROCESS_PARENT_ARGS_COUNT "process.parent.args_count" Long false;
    PROCESS_PARENT_COMMAND_LINE "process.parent.command_line" Text false;
    PROCESS_PARENT_EXECUTABLE "process.parent.executable" Text false;
    PROCESS_PARENT_EXIT_CODE "process.parent.exit_code" Long false;
    PROCESS_PARENT_HASH_MD5 "process.parent.hash.md5" Text false;
    PROCESS_PARENT_HASH_SHA1 "process.parent.hash.sha1" Text false;
    PROCESS_PARENT_HASH_SHA256 "process.parent.hash.sha256" Text false;
    PROCESS_PARENT_HASH_SHA512 "process.parent.hash.sha512" Text false;
    PROCESS_PARENT_NAME "process.parent.name" Text false;
    PROCESS_PARENT_PID "process.parent.pid" Long false;
    PROCESS_PARENT_TITLE "process.parent.title" Text false;
    PROCESS_PE_ARCHITECTURE "process.pe.architecture" Text false;
    PROCESS_PE_COMPANY "process.pe.company" Text false;
    PROCESS_PE_DESCRIPTION "process.pe.description" Text false;
    PROCESS_PE_FILE_VERSION "process.pe.file_version" Text false;
    PROCESS_PE_IMPHASH "process.pe.imphash" Text false;
    PROCESS_PE_IMPORT_HASH "process.pe.import_hash" Text false;
    PROCESS_PE_ORIGINAL_FILE_NAME "process.pe.original_file_name" Text false;
    PROCESS_PE_PEHASH "process.pe.pehash" Text false;
    PROCESS_PE_PRODUCT "process.pe.product" Text false;
    PROCESS_PID "process.pid" Long false;
    PROCESS_START "process.start" Date false;
    PROCESS_SUPPLEMENTAL_GROUPS_ID "process.supplemental_groups.id" Text false;
    PROCESS_THREAD_ID "process.thread.id" Long false;
    PROCESS_THREAD_NAME "process.thread.name" Text false;
    PROCESS_TITLE "process.title" Text false;
    PROCESS_USER_ID "process.user.id" Text false;
    PROCESS_USER_NAME "process.user.name" Text false;
    PROCESS_WORKING_DIRECTORY "process.working_directory" Text false;
    REGISTRY_DATA_BYTES "registry.data.bytes" Text false;
    REGISTRY_DATA_STRINGS "registry.data.strings" Text true;
    REGISTRY_DATA_TYPE "registry.data.type" Text false;
    REGISTRY_HIVE "registry.hive" Text false;
    REGISTRY_KEY "registry.key" Text false;
    REGISTRY_PATH "registry.path" Text false;
    REGISTRY_VALUE "registry.value" Text false;
    RELATED_HASH "related.hash" Text true;
    RELATED_HOSTS "related.hosts" Text true;
    RELATED_IP "related.ip" Ip true;
    RELATED_USER "related.user" Text true;
    RULE_AUTHOR "rule.author" Text true;
    RULE_CATEGORY "rule.category" Text false;
    RULE_DESCRIPTION "rule.description" Text false;
    RULE_ID "rule.id" Text false;
    RULE_LICENSE "rule.license" Text false;
    RULE_NAME "rule.name" Text false;
    RULE_REFERENCE "rule.reference" Text false;
    RULE_RULESET "rule.ruleset" Text false;
    RULE_UUID "rule.uuid" Text false;
    RULE_VERSION "rule.version" Text false;
    SERVER_ADDRESS "server.address" Text false;
    SERVER_AS_NUMBER "server.as.number" Long false;
    SERVER_AS_ORGANIZATION_NAME "server.as.organization.name" Text false;
    SERVER_BYTES "server.bytes" Long false;
    SERVER_DOMAIN "server.domain" Text false;
    SERVER_GEO_CITY_NAME "server.geo.city_name" Text false;
    SERVER_GEO_CONTINENT_NAME "server.geo.continent_name" Text false;
    SERVER_GEO_COUNTRY_ISO_CODE "server.geo.country_iso_code" Text false;
    SERVER_GEO_COUNTRY_NAME "server.geo.country_name" Text false;
    SERVER_IP "server.ip" Ip false;
    SERVER_MAC "server.mac" Text false;
    SERVER_NAT_IP "server.nat.ip" Ip false;
    SERVER_NAT_PORT "server.nat.port" Long false;
    SERVER_PACKETS "server.packets" Long false;
    SERVER_PORT "server.port" Long false;
    SERVER_REGISTERED_DOMAIN "server.registered_domain" Text false;
    SERVER_SUBDOMAIN "server.subdomain" Text false;
    SERVER_TOP_LEVEL_DOMAIN "server.top_level_domain" Text false;
    SERVER_USER_DOMAIN "server.user.domain" Text false;
    SERVER_USER_EMAIL "server.user.email" Text false;
    SERVER_USER_FULL_NAME "server.user.full_name" Text false;
    SERVER_USER_GROUP_DOMAIN "server.user.group.domain" Text false;
    SERVER_USER_GROUP_ID "server.user.group.id" Text false;
    SERVER_USER_GROUP_NAME "server.user.group.name" Text false;
    SERVER_USER_HASH "server.user.hash" Text false;
    SERVER_USER_ID "server.user.id" Text false;
    SERVER_USER_NAME "server.user.name" Text false;
    SERVER_USER_ROLES "server.user.roles" Text true;
    SERVICE_ADDRESS "service.address" Text false;
    SERVICE_ENVIRONMENT "service.environment" Text false;
    SERVICE_ID "service.id" Text false;
    SERVICE_NAME "service.name" Text false;
    SERVICE_STATE "service.state" Text false;
    SERVICE_TYPE "service.type" Text false;
    SERVICE_VERSION "service.version" Text false;
    SOURCE_ADDRESS "source.address" Text false;
    SOURCE_AS_NUMBER "source.as.number" Long false;
    SOURCE_AS_ORGANIZATION_NAME "source.as.organization.name" Text false;
    SOURCE_BYTES "source.bytes" Long false;
    SOURCE_DOMAIN "source.domain" Text false;
    SOURCE_GEO_CITY_NAME "source.geo.city_name" Text false;
    SOURCE_GEO_CONTINENT_NAME "source.geo.continent_name" Text false;
    SOURCE_GEO_COUNTRY_ISO_CODE "source.geo.country_iso_code" Text false;
    SOURCE_GEO_COUNTRY_NAME "source.geo.country_name" Text false;
    SOURCE_GEO_NAME "source.geo.name" Text false;
    SOURCE_GEO_REGION_ISO_CODE "source.geo.region_iso_code" Text false;
    SOURCE_GEO_REGION_NAME "source.geo.region_name" Text false;
    SOURCE_IP "source.ip" Ip false;
    SOURCE_MAC "source.mac" Text false;
    SOURCE_NAT_IP "source.nat.ip" Ip false;
    SOURCE_NAT_PORT "source.nat.port" Long false;
    SOURCE_PACKETS "source.packets" Long false;
    SOURCE_PORT "source.port" Long false;
    SOURCE_REGISTERED_DOMAIN "source.registered_domain" Text false;
    SOURCE_SUBDOMAIN "source.subdomain" Text false;
    SOURCE_TOP_LEVEL_DOMAIN "source.top_level_domain" Text false;
    SOURCE_USER_DOMAIN "source.user.domain" Text false;
    SOURCE_USER_EMAIL "source.user.email" Text false;
    SOURCE_USER_FULL_NAME "source.user.full_name" Text false;
    SOURCE_USER_GROUP_DOMAIN "source.user.group.domain" Text false;
    SOURCE_USER_GROUP_ID "source.user.group.id" Text false;
    SOURCE_USER_GROUP_NAME "source.user.group.name" Text false;
    SOURCE_USER_HASH "source.user.hash" Text false;
    SOURCE_USER_ID "source.user.id" Text false;
    SOURCE_USER_NAME "source.user.name" Text false;
    SOURCE_USER_ROLES "source.user.roles" Text true;
    TAGS "tags" Text true;
    THREAT_FEED_NAME "threat.feed.name" Text false;
    THREAT_FRAMEWORK "threat.framework" Text false;
    THREAT_GROUP_ID "threat.group.id" Text false;
    THREAT_GROUP_NAME "threat.group.name" Text false;
    THREAT_INDICATOR_CONFIDENCE "threat.indicator.confidence" Text false;
    THREAT_INDICATOR_DESCRIPTION "threat.indicator.description" Text false;
    THREAT_INDICATOR_FILE_HASH_MD5 "threat.indicator.file.hash.md5" Text false;
    THREAT_INDICATOR_FILE_HASH_SHA1 "threat.indicator.file.hash.sha1" Text false;
    THREAT_INDICATOR_FILE_HASH_SHA256 "threat.indicator.file.hash.sha256" Text false;
    THREAT_INDICATOR_FILE_HASH_SHA512 "threat.indicator.file.hash.sha512" Text false;
    THREAT_INDICATOR_FIRST_SEEN "threat.indicator.first_seen" Date false;
    THREAT_INDICATOR_IP "threat.indicator.ip" Ip false;
    THREAT_INDICATOR_LAST_SEEN "threat.indicator.last_seen" Date false;
    THREAT_INDICATOR_MARKING_TLP "threat.indicator.marking.tlp" Text false;
    THREAT_INDICATOR_MARKING_TLP_VERSION "threat.indicator.marking.tlp_version" Text false;
    THREAT_INDICATOR_NAME "threat.indicator.name" Text false;
    THREAT_INDICATOR_PROVIDER "threat.indicator.provider" Text false;
    THREAT_INDICATOR_REFERENCE "threat.indicator.reference" Text false;
    THREAT_INDICATOR_TYPE "threat.indicator.type" Text false;
    THREAT_INDICATOR_URL_DOMAIN "threat.indicator.url.domain" Text false;
    THREAT_INDICATOR_URL_FULL "threat.indicator.url.full" Text false;
    THREAT_INDICATOR_URL_ORIGINAL "threat.indicator.url.original" Text false;
    THREAT_SOFTWARE_ID "threat.software.id" Text false;
    THREAT_SOFTWARE_NAME "threat.software.name" Text false;
    THREAT_SOFTWARE_TYPE "threat.software.type" Text false;
    THREAT_TACTIC_ID "threat.tactic.id" Text true;
    THREAT_TACTIC_NAME "threat.tactic.name" Text true;
    THREAT_TACTIC_REFERENCE "threat.tactic.reference" Text true;
    THREAT_TECHNIQUE_ID "threat.technique.id" Text true;
    THREAT_TECHNIQUE_NAME "threat.technique.name" Text true;
    THREAT_TECHNIQUE_REFERENCE "threat.technique.reference" Text true;
    THREAT_TECHNIQUE_SUBTECHNIQUE_ID "threat.technique.subtechnique.id" Text true;
    THREAT_TECHNIQUE_SUBTECHNIQUE_NAME "threat.technique.subtechnique.name" Text true;
    THREAT_TECHNIQUE_SUBTECHNIQUE_REFERENCE "threat.technique.subtechnique.reference" Text true;
    TLS_CIPHER "tls.cipher" Text false;
    TLS_CLIENT_CERTIFICATE "tls.client.certificate" Text false;
    TLS_CLIENT_CERTIFICATE_CHAIN "tls.client.certificate_chain" Text true;
    TLS_CLIENT_HASH_MD5 "tls.client.hash.md5" Text false;
    TLS_CLIENT_HASH_SHA1 "tls.client.hash.sha1" Text false;
    TLS_CLIENT_HASH_SHA256 "tls.client.hash.sha256" Text false;
    TLS_CLIENT_ISSUER "tls.client.issuer" Text false;
    TLS_CLIENT_JA3 "tls.client.ja3" Text false;
    TLS_CLIENT_NOT_AFTER "tls.client.not_after" Date false;
    TLS_CLIENT_NOT_BEFORE "tls.client.not_before" Date false;
    TLS_CLIENT_SERVER_NAME "tls.client.server_name" Text false;
    TLS_CLIENT_SUBJECT "tls.client.subject" Text false;
    TLS_CLIENT_SUPPORTED_CIPHERS "tls.client.supported_ciphers" Text true;
    TLS_CURVE "tls.curve" Text false;
    TLS_ESTABLISHED "tls.established" Bool false;
    TLS_NEXT_PROTOCOL "tls.next_protocol" Text false;
    TLS_RESUMED "tls.resumed" Bool false;
    TLS_SERVER_CERTIFICATE "tls.server.certificate" Text false;
    TLS_SERVER_CERTIFICATE_CHAIN "tls.server.certificate_chain" Text true;
    TLS_SERVER_HASH_MD5 "tls.server.hash.md5" Text false;
    TLS_SERVER_HASH_SHA1 "tls.server.hash.sha1" Text false;
    TLS_SERVER_HASH_SHA256 "tls.server.hash.sha256" Text false;
    TLS_SERVER_ISSUER "tls.server.issuer" Text false;
    TLS_SERVER_JA3S "tls.server.ja3s" Text false;
    TLS_SERVER_NOT_AFTER "tls.server.not_after" Date false;
    TLS_SERVER_NOT_BEFORE "tls.server.not_before" Date false;
    TLS_SERVER_SUBJECT "tls.server.subject" Text false;
    TLS_VERSION "tls.version" Text false;
    TLS_VERSION_PROTOCOL "tls.version_protocol" Text false;
    URL_DOMAIN "url.domain" Text false;
    URL_EXTENSION "url.extension" Text false;
    URL_FRAGMENT "url.fragment" Text false;
    URL_FULL "url.full" Text false;
    URL_ORIGINAL "url.original" Text false;
    URL_PASSWORD "url.password" Text false;
    URL_PATH "url.path" Text false;
    URL_PORT "url.port" Long false;
    URL_QUERY "url.query" Text false;
    URL_REGISTERED_DOMAIN "url.registered_domain" Text false;
    URL_SCHEME "url.scheme" Text false;
    URL_SUBDOMAIN "url.subdomain" Text false;
    URL_TOP_LEVEL_DOMAIN "url.top_level_domain" Text false;
    URL_USERNAME "url.username" Text false;
    USER_CHANGES_FULL_NAME "user.changes.full_name" Text false;
    USER_CHANGES_NAME "user.changes.name" Text false;
    USER_DOMAIN "user.domain" Text false;
    USER_EFFECTIVE_NAME "user.effective.name" Text false;
    USER_EMAIL "user.email" Text false;
    USER_FULL_NAME "user.full_name" Text false;
    USER_GROUP_DOMAIN "user.group.domain" Text false;
    USER_GROUP_ID "user.group.id" Text false;
    USER_GROUP_NAME "user.group.name" Text false;
    USER_HASH "user.hash" Text false;
    USER_ID "user.id" Text false;
    USER_NAME "user.name" Text false;
    USER_ROLES "user.roles" Text true;
    USER_TARGET_DOMAIN "user.target.domain" Text false;
    USER_TARGET_EMAIL "user.target.email" Text false;
    USER_TARGET_FULL_NAME "user.target.full_name" Text false;
    USER_TARGET_GROUP_DOMAIN "user.target.group.domain" Text false;
    USER_TARGET_GROUP_ID "user.target.group.id" Text false;
    USER_TARGET_GROUP_NAME "user.target.group.name" Text false;
    USER_TARGET_ID "user.target.id" Text false;
    USER_TARGET_NAME "user.target.name" Text false;
    USER_AGENT_DEVICE_NAME "user_agent.device.name" Text false;
    USER_AGENT_NAME "user_agent.name" Text false;
    USER_AGENT_ORIGINAL "user_agent.original" Text false;
    USER_AGENT_OS_FULL "user_agent.os.full" Text false;
    USER_AGENT_OS_KERNEL "user_agent.os.kernel" Text false;
    USER_AGENT_OS_NAME "user_agent.os.name" Text false;
    USER_AGENT_OS_VERSION "user_agent.os.version" Text false;
    USER_AGENT_VERSION "user_agent.version" Text false;
    VULNERABILITY_CATEGORY "vulnerability.category" Text true;
    VULNERABILITY_CLASSIFICATION "vulnerability.classification" Text false;
    VULNERABILITY_DESCRIPTION "vulnerability.description" Text false;
    VULNERABILITY_ENUMERATION "vulnerability.enumeration" Text false;
    VULNERABILITY_ID "vulnerability.id" Text false;
    VULNERABILITY_REFERENCE "vulnerability.reference" Text false;
    VULNERABILITY_REPORT_ID "vulnerability.report_id" Text false;
    VULNERABILITY_SCORE_BASE "vulnerability.score.base" Float false;
    VULNERABILITY_SCORE_ENVIRONMENTAL "vulnerability.score.environmental" Float false;
    VULNERABILITY_SCORE_TEMPORAL "vulnerability.score.temporal" Float false;
    VULNERABILITY_SCORE_VERSION "vulnerability.score.version" Text false;
    VULNERABILITY_SEVERITY "vulnerability.severity" Text false;
    VULNERABILITY_STATUS "vulnerability.status" Text false;
}

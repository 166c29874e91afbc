//! Which ECS field has a column of its own, and how it is kept. Every other field goes to the map `extra`.

use event::Field;

/// How a field's column keeps its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// Few distinct words: `LowCardinality(String)`; empty is none.
    Word,
    /// `String`; empty is none.
    Text,
    /// `Nullable(Int64)`.
    Number,
    /// `Nullable(UInt16)`.
    Port,
    /// `IPv6`, version 4 mapped into it; `::` is none.
    Address,
    /// `Array(LowCardinality(String))`.
    Words,
}

/// Fields with a column, in the order of the table. The column's name is the field's with `_` for `.`.
pub(super) const COLUMNS: &[(Field, Shape)] = &[
    (Field::EVENT_KIND, Shape::Word),
    (Field::EVENT_CATEGORY, Shape::Words),
    (Field::EVENT_TYPE, Shape::Words),
    (Field::EVENT_ACTION, Shape::Word),
    (Field::EVENT_OUTCOME, Shape::Word),
    (Field::EVENT_MODULE, Shape::Word),
    (Field::EVENT_DATASET, Shape::Word),
    (Field::EVENT_CODE, Shape::Word),
    (Field::EVENT_PROVIDER, Shape::Word),
    (Field::EVENT_SEVERITY, Shape::Number),
    (Field::EVENT_DURATION, Shape::Number),
    (Field::TAGS, Shape::Words),
    (Field::MESSAGE, Shape::Text),
    (Field::ERROR_MESSAGE, Shape::Text),
    (Field::LOG_LEVEL, Shape::Word),
    (Field::LOG_SYSLOG_PRIORITY, Shape::Number),
    (Field::LOG_SYSLOG_APPNAME, Shape::Word),
    (Field::LOG_SYSLOG_HOSTNAME, Shape::Word),
    (Field::OBSERVER_VENDOR, Shape::Word),
    (Field::OBSERVER_PRODUCT, Shape::Word),
    (Field::OBSERVER_NAME, Shape::Word),
    (Field::OBSERVER_SERIAL_NUMBER, Shape::Word),
    (Field::OBSERVER_INGRESS_INTERFACE_NAME, Shape::Word),
    (Field::OBSERVER_EGRESS_INTERFACE_NAME, Shape::Word),
    (Field::HOST_NAME, Shape::Word),
    (Field::SOURCE_IP, Shape::Address),
    (Field::SOURCE_PORT, Shape::Port),
    (Field::SOURCE_BYTES, Shape::Number),
    (Field::SOURCE_PACKETS, Shape::Number),
    (Field::SOURCE_NAT_IP, Shape::Address),
    (Field::SOURCE_NAT_PORT, Shape::Port),
    (Field::SOURCE_DOMAIN, Shape::Text),
    (Field::SOURCE_GEO_COUNTRY_ISO_CODE, Shape::Word),
    (Field::SOURCE_GEO_COUNTRY_NAME, Shape::Word),
    (Field::SOURCE_AS_NUMBER, Shape::Number),
    (Field::SOURCE_AS_ORGANIZATION_NAME, Shape::Word),
    (Field::SOURCE_USER_NAME, Shape::Word),
    (Field::DESTINATION_IP, Shape::Address),
    (Field::DESTINATION_PORT, Shape::Port),
    (Field::DESTINATION_BYTES, Shape::Number),
    (Field::DESTINATION_PACKETS, Shape::Number),
    (Field::DESTINATION_NAT_IP, Shape::Address),
    (Field::DESTINATION_NAT_PORT, Shape::Port),
    (Field::DESTINATION_DOMAIN, Shape::Text),
    (Field::DESTINATION_GEO_COUNTRY_ISO_CODE, Shape::Word),
    (Field::DESTINATION_GEO_COUNTRY_NAME, Shape::Word),
    (Field::DESTINATION_AS_NUMBER, Shape::Number),
    (Field::DESTINATION_AS_ORGANIZATION_NAME, Shape::Word),
    (Field::NETWORK_TRANSPORT, Shape::Word),
    (Field::NETWORK_IANA_NUMBER, Shape::Word),
    (Field::NETWORK_PROTOCOL, Shape::Word),
    (Field::NETWORK_APPLICATION, Shape::Word),
    (Field::NETWORK_DIRECTION, Shape::Word),
    (Field::NETWORK_BYTES, Shape::Number),
    (Field::NETWORK_PACKETS, Shape::Number),
    (Field::USER_NAME, Shape::Word),
    (Field::USER_DOMAIN, Shape::Word),
    (Field::USER_TARGET_NAME, Shape::Word),
    (Field::PROCESS_NAME, Shape::Word),
    (Field::PROCESS_PID, Shape::Number),
    (Field::PROCESS_COMMAND_LINE, Shape::Text),
    (Field::PROCESS_EXECUTABLE, Shape::Text),
    (Field::PROCESS_PARENT_NAME, Shape::Word),
    (Field::FILE_PATH, Shape::Text),
    (Field::FILE_NAME, Shape::Text),
    (Field::FILE_HASH_SHA256, Shape::Text),
    (Field::FILE_HASH_MD5, Shape::Text),
    (Field::URL_ORIGINAL, Shape::Text),
    (Field::URL_DOMAIN, Shape::Text),
    (Field::URL_PATH, Shape::Text),
    (Field::HTTP_REQUEST_METHOD, Shape::Word),
    (Field::HTTP_RESPONSE_STATUS_CODE, Shape::Number),
    (Field::USER_AGENT_ORIGINAL, Shape::Text),
    (Field::DNS_QUESTION_NAME, Shape::Text),
    (Field::DNS_QUESTION_TYPE, Shape::Word),
    (Field::TLS_VERSION, Shape::Word),
    (Field::TLS_CLIENT_SERVER_NAME, Shape::Text),
    (Field::RULE_ID, Shape::Word),
    (Field::RULE_NAME, Shape::Word),
    (Field::HAIDANG_COLLECTOR_ADDRESS, Shape::Address),
    (Field::HAIDANG_COLLECTOR_TRANSPORT, Shape::Word),
    (Field::HAIDANG_UNIT_ID, Shape::Word),
    (Field::HAIDANG_SYSTEM_ID, Shape::Word),
    (Field::HAIDANG_SYSTEM_LEVEL, Shape::Number),
];

impl Shape {
    /// The column's type in the table.
    #[cfg(test)]
    pub(super) fn stored(self) -> &'static str {
        match self {
            Shape::Word => "LowCardinality(String)",
            Shape::Words => "Array(LowCardinality(String))",
            other => other.sent(),
        }
    }

    /// The type in which the values are sent; the engine makes words of texts.
    pub(super) fn sent(self) -> &'static str {
        match self {
            Shape::Word | Shape::Text => "String",
            Shape::Number => "Nullable(Int64)",
            Shape::Port => "Nullable(UInt16)",
            Shape::Address => "IPv6",
            Shape::Words => "Array(String)",
        }
    }
}

/// The name of a field's column.
pub(crate) fn name(field: Field) -> String {
    field.name().trim_start_matches('@').replace('.', "_")
}

/// The name of the column into which it is written: another one where what is asked is made of several.
pub(super) fn written(field: Field) -> String {
    let asked = name(field);
    if matches!(field, Field::MESSAGE | Field::NETWORK_BYTES | Field::NETWORK_PACKETS) {
        return asked + "_own";
    }
    asked
}

/// The columns of addresses.
pub(crate) fn of_addresses() -> impl Iterator<Item = String> {
    COLUMNS.iter().filter(|(_, shape)| *shape == Shape::Address).map(|(field, _)| name(*field))
}

/// The column that keeps this field, by its place in [`COLUMNS`].
pub(crate) fn of(field: Field) -> Option<(usize, Shape)> {
    COLUMNS.iter().position(|(column, _)| *column == field).map(|at| (at, COLUMNS[at].1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_migration_makes_exactly_these_columns() {
        let sql = include_str!("migrations/0001_events.sql");
        for (field, shape) in COLUMNS {
            for name in [name(*field), written(*field)] {
                let line = format!("    {name} {}", shape.stored());
                assert!(
                    sql.lines()
                        .any(|found| found.trim_end_matches(',').split(" ALIAS").next() == Some(&line)),
                    "{line}"
                );
            }
        }
        let all = of_addresses().collect::<Vec<_>>().join(", ");
        assert!(sql.contains(&format!("INDEX by_address ({all}, other_addresses)")), "{all}");
    }
}

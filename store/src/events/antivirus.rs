//! What antivirus found, and who called what others warn of: summed up for a report.

use super::search::bind;
use super::{Events, EventsError};
use crate::query::Query;
use clickhouse::Row;
use event::Time;
use serde::Deserialize;
use std::net::{IpAddr, Ipv6Addr};

/// Malware on a machine in a stretch of time.
#[derive(Clone, Debug, PartialEq, Eq, Row, Deserialize)]
pub struct MalwareFound {
    /// The machine's name, or empty.
    pub machine: String,
    /// Its address, or empty.
    pub address: String,
    /// The name that the product gives the malware.
    pub name: String,
    /// The kind that the product says it is, or empty.
    pub category: String,
    /// What was done last: `threat-removed`.
    pub action: String,
    /// Who found it: `Kaspersky Security Center`.
    pub product: String,
    /// Where it lay: `removable`, `disk`, or empty.
    pub device: String,
    /// How many files.
    pub files: u64,
}

/// A machine called an address that somebody warns of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadCall {
    /// The machine's name, or empty.
    pub machine: String,
    /// Its address.
    pub address: IpAddr,
    /// The program.
    pub program: String,
    /// Its MD5, or empty.
    pub md5: String,
    /// Its SHA-256, or empty.
    pub sha256: String,
    /// The address that it called.
    pub target: IpAddr,
}

/// A machine's own antivirus tells of it: a firewall that finds malware on its way tells of no machine. ClamAV's log file
/// names none, and is of the machine that sent it.
const ON_A_MACHINE: &str = "event_kind = 'alert' AND has(event_category, 'malware') AND rule_name <> '' \
     AND (host_name <> '' OR extra['host.ip'] <> '' OR event_module = 'clamav')";

impl Events {
    /// What antivirus found on machines, at most `limit` rows, in an order that is always the same.
    ///
    /// # Errors
    /// The store refuses.
    pub async fn malware_found(
        &self,
        from: Time,
        to: Time,
        limit: u32,
    ) -> Result<Vec<MalwareFound>, EventsError> {
        let bound = Events::within(from, to, &Query::default());
        let sql = format!(
            "SELECT host_name AS machine, extra['host.ip'] AS address, rule_name AS name, \
             max(extra['rule.category']) AS category, toString(argMax(event_action, (timestamp, id_high, id_low))) AS action, \
             concat(observer_vendor, ' ', observer_product) AS product, \
             multiIf(max(match(file_path, '^[E-Ze-z]:')), 'removable', max(file_path <> ''), 'disk', '') AS device, \
             greatest(1, uniqExact(if(file_path = '', file_hash_sha256, file_path))) AS files \
             FROM events WHERE {} AND {ON_A_MACHINE} GROUP BY host_name, address, rule_name, product \
             ORDER BY machine, address, name, product LIMIT {limit}",
            bound.sql
        );
        Ok(bind(self.query(&sql), &bound).fetch_all().await?)
    }

    /// The calls of our machines (private addresses) to addresses outside in events that met an indicator.
    ///
    /// # Errors
    /// The store refuses.
    pub async fn bad_calls(&self, from: Time, to: Time, limit: u32) -> Result<Vec<BadCall>, EventsError> {
        #[derive(Row, Deserialize)]
        struct Call {
            machine: String,
            address: Ipv6Addr,
            program: String,
            md5: String,
            sha256: String,
            target: Ipv6Addr,
        }
        let bound = Events::within(from, to, &Query::default());
        let sql = format!(
            "SELECT host_name AS machine, source_ip AS address, process_name AS program, file_hash_md5 AS md5, \
             file_hash_sha256 AS sha256, destination_ip AS target FROM events \
             WHERE {} AND mapContains(extra, 'threat.indicator.type') AND {} AND NOT {} \
             GROUP BY machine, address, program, md5, sha256, target \
             ORDER BY machine, address, program, md5, sha256, target LIMIT {limit}",
            bound.sql,
            private("source_ip"),
            private("destination_ip")
        );
        let calls: Vec<Call> = bind(self.query(&sql), &bound).fetch_all().await?;
        let calls = calls.into_iter().map(|call| BadCall {
            machine: call.machine,
            address: IpAddr::V6(call.address).to_canonical(),
            program: call.program,
            md5: call.md5,
            sha256: call.sha256,
            target: IpAddr::V6(call.target).to_canonical(),
        });
        Ok(calls.collect())
    }
}

/// Whether the column holds an address that is nobody's outside, or none.
fn private(column: &str) -> String {
    let ranges = [
        "::/128",
        "::ffff:10.0.0.0/104",
        "::ffff:172.16.0.0/108",
        "::ffff:192.168.0.0/112",
        "::ffff:127.0.0.0/104",
        "fc00::/7",
        "fe80::/10",
    ];
    let within = ranges.map(|range| format!("isIPAddressInRange(toString({column}), '{range}')"));
    format!("({})", within.join(" OR "))
}

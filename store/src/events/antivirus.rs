//! What antivirus found, and who called what others warn of: summed up for a report.

use super::search::bind;
use super::{Events, EventsError};
use crate::query::Query;
use clickhouse::Row;
use compliance::Antivirus;
use event::Time;
use serde::Deserialize;
use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};

/// Computers of one answer; no province has so many.
const ROWS_MAX: u32 = 200_000;

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

    /// By computer (in lower case), what its antivirus had told before that moment. An update that is older than `days`
    /// and not the last one is not known; a computer that had told nothing by then is not there.
    ///
    /// # Errors
    /// The store refuses.
    pub async fn antivirus_before(
        &self,
        at: Time,
        days: u16,
    ) -> Result<HashMap<String, Antivirus>, EventsError> {
        #[derive(Row, Deserialize)]
        struct Host {
            host: String,
            seen_ms: i64,
            updated_ms: i64,
        }
        let bound = Events::within(at.plus_ms(-i64::from(days) * 86_400_000), at, &Query::default());
        let sql = format!(
            "SELECT lower(host_name) AS host, toUnixTimestamp64Milli(max(timestamp)) AS seen_ms, \
             toUnixTimestamp64Milli(maxIf(timestamp, {UPDATED})) AS updated_ms FROM events \
             WHERE {} AND event_module IN ('kaspersky', 'eset', 'clamav') AND host_name != '' \
             GROUP BY host ORDER BY host LIMIT {ROWS_MAX}",
            bound.sql
        );
        let lately: Vec<Host> = bind(self.query(&sql), &bound).fetch_all().await?;
        let time = |ms: i64| (ms > 0).then_some(Time(ms));
        // The last of all is the last before the moment, unless more was told since: then only what is still read counts.
        let before = |last: Option<Time>| last.filter(|last| *last < at);
        let mut found: HashMap<String, Antivirus> = HashMap::new();
        for (host, told) in self.antivirus().await? {
            found.insert(host, Antivirus { seen: before(told.seen), updated: before(told.updated) });
        }
        for host in lately {
            let told = found.entry(host.host).or_default();
            told.seen = told.seen.max(time(host.seen_ms));
            told.updated = told.updated.max(time(host.updated_ms));
        }
        found.retain(|_, told| told.seen.is_some() || told.updated.is_some());
        Ok(found)
    }
}

/// What a product says of an update, as `migrations/0003_activity.sql` has it.
const UPDATED: &str = "event_outcome != 'failure' AND (event_action = 'signatures-updated' OR \
     multiSearchAnyCaseInsensitive(original, ['modules updated', 'databases updated', 'signatures updated']))";

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

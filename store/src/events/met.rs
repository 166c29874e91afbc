//! Which units met what somebody warns of, before the warning came: events of the past bear no mark of it.

use super::columns;
use super::search::bind;
use super::{Events, EventsError};
use crate::query::{Bound, Query};
use clickhouse::Row;
use event::{Indicator, IndicatorKind, Time};
use serde::Deserialize;

/// Indicators of one warning that are looked for in the past; of a list of thousands the rest is met by what comes.
const LOOKED_FOR_MAX: usize = 500;

/// A unit whose events met something.
#[derive(Clone, Debug, PartialEq, Eq, Row, Deserialize)]
pub struct UnitMet {
    /// `haidang.unit.id`.
    pub unit: String,
    /// How many events.
    pub events: u64,
    /// When the last of them was, in milliseconds.
    pub last_ms: i64,
}

impl Events {
    /// The units whose events in the range met one of the indicators, by address, domain and what is below it, URL, hash.
    ///
    /// # Errors
    /// The store refuses.
    pub async fn units_that_met(
        &self,
        from: Time,
        to: Time,
        indicators: &[Indicator],
    ) -> Result<Vec<UnitMet>, EventsError> {
        let mut bound = Events::within(from, to, &Query::default());
        let tests = tests(&mut bound, indicators);
        if tests.is_empty() {
            return Ok(Vec::new());
        }
        let sql = format!(
            "SELECT haidang_unit_id AS unit, count() AS events, max(toUnixTimestamp64Milli(timestamp)) AS last_ms FROM events \
             WHERE {} AND haidang_unit_id <> '' AND ({}) GROUP BY unit ORDER BY unit LIMIT 10000",
            bound.sql,
            tests.join(" OR ")
        );
        Ok(bind(self.query(&sql), &bound).fetch_all().await?)
    }
}

/// What each kind of indicator is looked for in.
fn tests(bound: &mut Bound, indicators: &[Indicator]) -> Vec<String> {
    let mut lists: std::collections::BTreeMap<String, Vec<String>> = std::collections::BTreeMap::new();
    let (mut all, mut others) = (Vec::new(), Vec::new());
    for indicator in indicators.iter().take(LOOKED_FOR_MAX) {
        let text = bound.text(indicator.value.as_str());
        let mut one_of = |column: &str, text| lists.entry(column.to_owned()).or_default().push(text);
        match indicator.kind {
            IndicatorKind::Address if indicator.value.contains('/') => {
                all.push(format!("arrayExists(a -> isIPAddressInRange({}, {text}), addresses)", plain("a")));
            }
            IndicatorKind::Address => {
                let address = format!("toIPv6({text})");
                others.push(address.clone());
                // In a column of its own this one is none.
                if indicator.value != "::" {
                    columns::of_addresses().for_each(|column| one_of(&column, address.clone()));
                }
            }
            IndicatorKind::Domain => {
                for column in
                    ["dns_question_name", "url_domain", "destination_domain", "tls_client_server_name"]
                {
                    all.push(format!("endsWith(concat('.', lower({column})), concat('.', {text}))"));
                }
            }
            IndicatorKind::Url => one_of("lower(url_original)", format!("lower({text})")),
            IndicatorKind::Md5 => one_of("file_hash_md5", text),
            IndicatorKind::Sha256 => one_of("file_hash_sha256", text),
            IndicatorKind::Sha1 => one_of("extra['file.hash.sha1']", text),
            IndicatorKind::Sha512 => one_of("extra['file.hash.sha512']", text),
        }
    }
    if !others.is_empty() {
        all.push(format!("hasAny(other_addresses, [{}])", others.join(", ")));
    }
    all.extend(lists.into_iter().map(|(column, texts)| format!("{column} IN ({})", texts.join(", "))));
    all
}

/// An address as people write it: one of version 4 without its mapping into version 6.
fn plain(address: &str) -> String {
    format!("replaceOne(toString({address}), '::ffff:', '')")
}

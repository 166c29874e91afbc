//! Who sent when, and what antivirus told: read from the small tables that a view keeps beside the events.

use super::{Events, EventsError};
use clickhouse::Row;
use compliance::{Antivirus, AssetLogs, Date, DayOfLogs, Period};
use event::Time;
use serde::Deserialize;
use std::collections::HashMap;

/// Rows of one answer; no province has so many.
const ROWS_MAX: u32 = 200_000;
const MINUTE_MS: i64 = 60_000;

impl Events {
    /// By system, its days with logs, in order.
    ///
    /// # Errors
    /// The store refuses.
    pub async fn days_of_logs(&self, period: Period) -> Result<HashMap<String, Vec<DayOfLogs>>, EventsError> {
        #[derive(Row, Deserialize)]
        struct Day {
            system: String,
            days: u16,
            minutes: Vec<u16>,
        }
        let sql = format!(
            "SELECT system, toUInt16(day) AS days, arraySort(bitmapToArray(groupBitmapMergeState(minutes))) AS minutes \
             FROM activity WHERE {} AND system != '' GROUP BY system, day ORDER BY system, day LIMIT {ROWS_MAX}",
            within(period)
        );
        let days: Vec<Day> = self.query(&sql).fetch_all().await?;
        let mut found: HashMap<String, Vec<DayOfLogs>> = HashMap::new();
        for day in days {
            if let Some(logs) = day_of_logs(day.days, &day.minutes) {
                found.entry(day.system).or_default().push(logs);
            }
        }
        Ok(found)
    }

    /// By machine, how much it sent and how far its clock is off.
    ///
    /// # Errors
    /// The store refuses.
    pub async fn asset_logs(&self, period: Period) -> Result<HashMap<String, AssetLogs>, EventsError> {
        #[derive(Row, Deserialize)]
        struct Asset {
            asset: String,
            events: u64,
            skew: f32,
        }
        let sql = format!(
            "SELECT asset, sum(events) AS events, quantileTDigestMerge(skew) AS skew FROM activity WHERE {} AND asset != '' \
             GROUP BY asset ORDER BY asset LIMIT {ROWS_MAX}",
            within(period)
        );
        let assets: Vec<Asset> = self.query(&sql).fetch_all().await?;
        let logs = |asset: Asset| {
            let logs = AssetLogs { events: asset.events, skew_s: f64::from(asset.skew) };
            (asset.asset, logs)
        };
        Ok(assets.into_iter().map(logs).collect())
    }

    /// By computer (in lower case), what its antivirus last told.
    ///
    /// # Errors
    /// The store refuses.
    pub async fn antivirus(&self) -> Result<HashMap<String, Antivirus>, EventsError> {
        #[derive(Row, Deserialize)]
        struct Host {
            host: String,
            seen_ms: i64,
            updated_ms: i64,
        }
        let sql = format!(
            "SELECT host, toUnixTimestamp64Milli(max(seen)) AS seen_ms, toUnixTimestamp64Milli(max(updated)) AS updated_ms \
             FROM antivirus GROUP BY host ORDER BY host LIMIT {ROWS_MAX}"
        );
        let hosts: Vec<Host> = self.query(&sql).fetch_all().await?;
        let time = |ms: i64| (ms > 0).then_some(Time(ms));
        let told = |host: Host| {
            let told = Antivirus { seen: time(host.seen_ms), updated: time(host.updated_ms) };
            (host.host, told)
        };
        Ok(hosts.into_iter().map(told).collect())
    }
}

/// The days of a period; the table's days are Vietnam's too.
fn within(period: Period) -> String {
    format!("day BETWEEN toDate('{}') AND toDate('{}')", period.first, period.last)
}

/// The first and last minute with a log, and the longest time between two.
fn day_of_logs(days: u16, minutes: &[u16]) -> Option<DayOfLogs> {
    let day = Date::constant(1970, 1, 1).checked_add(jiff::ToSpan::days(i64::from(days))).ok()?;
    let midnight = compliance::first_moment(day);
    let at = |minute: u16| midnight.plus_ms(i64::from(minute) * MINUTE_MS);
    let (first, last) = (at(*minutes.first()?), at(*minutes.last()?));
    let pairs = minutes.iter().zip(minutes.iter().skip(1));
    let gap = pairs.max_by_key(|(from, to)| to.saturating_sub(**from));
    let gap = gap.map_or((first, first), |(from, to)| (at(*from), at(*to)));
    Some(DayOfLogs { first, last, gap })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn minutes_of_a_day_become_its_first_last_and_longest_gap() {
        // 20,784 days after 1 January 1970 is 27 November 2026.
        let found = day_of_logs(20_784, &[1, 2, 62, 63, 1439]).unwrap();
        let time = |text: &str| Time::parse(text).unwrap();
        assert_eq!(found.first, time("2026-11-27T00:01:00+07:00"));
        assert_eq!(found.last, time("2026-11-27T23:59:00+07:00"));
        assert_eq!(found.gap, (time("2026-11-27T01:03:00+07:00"), time("2026-11-27T23:59:00+07:00")));
        assert_eq!(day_of_logs(20_784, &[]), None);
        let one = day_of_logs(20_784, &[5]).unwrap();
        assert_eq!((one.gap.0, one.gap.1), (one.first, one.first));
    }
}

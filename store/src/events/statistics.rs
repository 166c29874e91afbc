//! Figures over events: by time, by source, by category, by sender.

use super::columns::{self, Shape};
use super::search::{bind, clamped};
use super::{Events, EventsError};
use crate::query::{Bound, Query};
use clickhouse::Row;
use event::{Field, Time};
use serde::Deserialize;
use std::net::{IpAddr, Ipv6Addr};

/// Most bars of a histogram.
const BUCKETS_MAX: u32 = 500;

/// How many events in one stretch of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bucket {
    /// Its first moment.
    pub time: Time,
    /// The events in it.
    pub count: u64,
}

/// A source address and how many events name it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopSource {
    /// `source.ip`.
    pub address: IpAddr,
    /// The events.
    pub count: u64,
    /// Its country, if one is known.
    pub country: Option<String>,
}

/// A category and how many events have it.
#[derive(Clone, Debug, PartialEq, Eq, Row, Deserialize)]
pub struct Category {
    /// `event.category`.
    pub category: String,
    /// The events.
    pub count: u64,
}

/// A value of a field and how many events have it.
#[derive(Clone, Debug, PartialEq, Eq, Row, Deserialize)]
pub struct TopValue {
    /// The value; empty where the field is not there.
    pub value: String,
    /// The events.
    pub count: u64,
}

/// A sending device as the stored events show it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sender {
    /// The address it sends from; none for files and standard input.
    pub address: Option<IpAddr>,
    /// How its lines came.
    pub transport: String,
    /// When its last line was received.
    pub last_seen: Time,
    /// Its events in the range.
    pub count: u64,
}

/// Events of a range counted by something. Where every event of six hours or more counts, its whole hours are read from the
/// projections of the table, which have far fewer rows; what stands before and after them from the events themselves.
struct Grouped {
    parts: Vec<(Bound, &'static str)>,
}

/// The time of an event in milliseconds.
const TIME: &str = "toUnixTimestamp64Milli(timestamp)";

/// The hour of an event as the projections know it.
const HOUR: &str = "intDiv(toUnixTimestamp64Milli(timestamp), 3600000)";

/// Its beginning in milliseconds.
const HOUR_TIME: &str = "(intDiv(toUnixTimestamp64Milli(timestamp), 3600000) * 3600000)";

/// The country's code as a number, of which the text is made again: 16 bytes, where a code has two.
const COUNTRY_NUMBER: &str = "reinterpretAsUInt128(source_geo_country_iso_code)";

const HOUR_MS: i64 = 3_600_000;

/// The shortest range that the projection is asked for, in hours.
const HOURS_MIN: i64 = 6;

impl Grouped {
    fn new(from: Time, to: Time, query: &Query) -> Grouped {
        let (start, end) = (clamped(from), clamped(to));
        // The hours around 1970 are one to the projection, whose division cuts towards it.
        let first = start.max(1).saturating_add(HOUR_MS - 1) / HOUR_MS;
        let last = end / HOUR_MS;
        if *query != Query::default() || last - first < HOURS_MIN {
            return Grouped::of_events(from, to, query);
        }
        let hours = format!("{HOUR} >= {first} AND {HOUR} < {last}");
        let mut parts = vec![(Bound { sql: hours, texts: Vec::new() }, HOUR_TIME)];
        for (from, to) in [(start, first * HOUR_MS), (last * HOUR_MS, end)] {
            if from < to {
                parts.push((Events::within(Time(from), Time(to), query), TIME));
            }
        }
        Grouped { parts }
    }

    fn of_events(from: Time, to: Time, query: &Query) -> Grouped {
        Grouped { parts: vec![(Events::within(from, to, query), TIME)] }
    }

    /// The statement with the columns of `keys`, which may ask for the time, and `events`.
    fn by(self, keys: impl Fn(&str) -> String) -> Bound {
        let mut whole = Bound::default();
        for (part, time) in self.parts {
            let keys = keys(time);
            let (comma, group) = if keys.is_empty() { ("", "") } else { (", ", "GROUP BY ALL") };
            let and = if whole.sql.is_empty() { "" } else { " UNION ALL " };
            let one =
                format!("{and}SELECT {keys}{comma}count() AS events FROM events WHERE {} {group}", part.sql);
            whole.sql.push_str(&one);
            whole.texts.extend(part.texts);
        }
        whole
    }
}

/// Where the first stretch of a range begins, how long each is and how many there are; times in milliseconds.
fn stretches(start: i64, end: i64, buckets: u32) -> (i64, i64, i64) {
    let wanted = i64::from(buckets.clamp(1, BUCKETS_MAX));
    let step = |start: i64, unit: i64| {
        let span = end.saturating_sub(start).max(0);
        let units = (span + wanted * unit - 1) / (wanted * unit);
        units.max(1) * unit
    };
    let exact = step(start, 1000);
    if exact < HOUR_MS {
        return (start, exact, (end.saturating_sub(start).max(0) + exact - 1) / exact);
    }
    let start = start.div_euclid(HOUR_MS) * HOUR_MS;
    let step = step(start, HOUR_MS);
    (start, step, (end.saturating_sub(start).max(0) + step - 1) / step)
}

impl Events {
    /// Events over time in at most `buckets` equal stretches, empty ones included. The first value is their length in
    /// seconds: a second or more, and whole hours, which begin with the hour, where it is one or longer.
    ///
    /// # Errors
    /// The store refuses.
    pub async fn histogram(
        &self,
        from: Time,
        to: Time,
        query: &Query,
        buckets: u32,
    ) -> Result<(u64, Vec<Bucket>), EventsError> {
        #[derive(Row, Deserialize)]
        struct Bar {
            number: i64,
            count: u64,
        }
        let (start, step_ms, count) = stretches(clamped(from), clamped(to), buckets);
        // Bars that are finer than an hour need the events themselves.
        let whole_hours = step_ms % HOUR_MS == 0;
        let grouped = if whole_hours { Grouped::new } else { Grouped::of_events };
        let bound = grouped(from, to, query)
            .by(|time| format!("intDiv({time} - toInt64({start}), toInt64({step_ms})) AS number"));
        let sql = format!("SELECT number, sum(events) AS count FROM ({}) GROUP BY number", bound.sql);
        let bars: Vec<Bar> = bind(self.query(&sql), &bound).fetch_all().await?;
        let mut all: Vec<Bucket> =
            (0..count).map(|number| Bucket { time: Time(start + number * step_ms), count: 0 }).collect();
        for bar in bars {
            if let Some(bucket) = usize::try_from(bar.number).ok().and_then(|number| all.get_mut(number)) {
                bucket.count = bar.count;
            }
        }
        Ok((step_ms.unsigned_abs() / 1000, all))
    }

    /// How many events meet the condition.
    ///
    /// # Errors
    /// The store refuses.
    pub async fn count(&self, from: Time, to: Time, query: &Query) -> Result<u64, EventsError> {
        let bound = Grouped::new(from, to, query).by(|_| String::new());
        let sql = format!("SELECT sum(events) FROM ({})", bound.sql);
        Ok(bind(self.query(&sql), &bound).fetch_one().await?)
    }

    /// The source addresses with the most events.
    ///
    /// # Errors
    /// The store refuses.
    pub async fn top_sources(
        &self,
        from: Time,
        to: Time,
        query: &Query,
        limit: u32,
    ) -> Result<Vec<TopSource>, EventsError> {
        #[derive(Row, Deserialize)]
        struct Top {
            source_ip: Ipv6Addr,
            count: u64,
            country: String,
        }
        let limit = limit.min(1000);
        // A key of fixed length, and no condition on the address, halve the time: events without one are left out here.
        let bound = Grouped::new(from, to, query).by(|_| format!("source_ip, {COUNTRY_NUMBER} AS country"));
        let sql = format!(
            "SELECT source_ip, sum(events) AS count, max(reinterpretAsString(country)) AS country FROM ({}) \
             GROUP BY source_ip ORDER BY count DESC, source_ip LIMIT {}",
            bound.sql,
            limit + 1
        );
        let tops: Vec<Top> = bind(self.query(&sql), &bound).fetch_all().await?;
        let named = tops.into_iter().filter(|top| !top.source_ip.is_unspecified());
        let sources = named.take(limit as usize).map(|top| TopSource {
            address: IpAddr::V6(top.source_ip).to_canonical(),
            count: top.count,
            country: Some(top.country).filter(|country| !country.is_empty()),
        });
        Ok(sources.collect())
    }

    /// Events of each category, most first.
    ///
    /// # Errors
    /// The store refuses.
    pub async fn by_category(
        &self,
        from: Time,
        to: Time,
        query: &Query,
    ) -> Result<Vec<Category>, EventsError> {
        let bound = Grouped::new(from, to, query).by(|_| "event_category".to_owned());
        let sql = format!(
            "SELECT arrayJoin(event_category) AS category, sum(events) AS count FROM ({}) GROUP BY category \
             ORDER BY count DESC, category LIMIT 100",
            bound.sql
        );
        Ok(bind(self.query(&sql), &bound).fetch_all().await?)
    }

    /// The values of a text field that most events have, most first; none of a field that is no text.
    ///
    /// # Errors
    /// The store refuses.
    pub async fn top_values(
        &self,
        from: Time,
        to: Time,
        query: &Query,
        field: Field,
        limit: u32,
    ) -> Result<Vec<TopValue>, EventsError> {
        let Some((_, Shape::Word | Shape::Text)) = columns::of(field) else { return Ok(Vec::new()) };
        let bound = Events::within(from, to, query);
        let sql = format!(
            "SELECT toString({}) AS value, count() AS count FROM events WHERE {} GROUP BY value \
             ORDER BY count DESC, value LIMIT {}",
            columns::name(field),
            bound.sql,
            limit.min(10_000)
        );
        Ok(bind(self.query(&sql), &bound).fetch_all().await?)
    }

    /// The devices that sent the events of the range, at most 10,000.
    ///
    /// # Errors
    /// The store refuses.
    pub async fn sources(&self, from: Time, to: Time) -> Result<Vec<Sender>, EventsError> {
        #[derive(Row, Deserialize)]
        struct Device {
            address: Ipv6Addr,
            transport: String,
            last_ms: u64,
            count: u64,
        }
        let bound = Events::within(from, to, &Query::default());
        let sql = format!(
            "SELECT haidang_collector_address AS address, haidang_collector_transport AS transport, \
             bitShiftRight(max(id_high), 16) AS last_ms, count() AS count FROM events WHERE {} \
             GROUP BY address, transport ORDER BY address, transport LIMIT 10000",
            bound.sql
        );
        let devices: Vec<Device> = bind(self.query(&sql), &bound).fetch_all().await?;
        let senders = devices.into_iter().map(|device| Sender {
            address: Some(IpAddr::V6(device.address).to_canonical()).filter(|ip| !ip.is_unspecified()),
            transport: device.transport,
            last_seen: Time(i64::try_from(device.last_ms).unwrap_or(0)),
            count: device.count,
        });
        Ok(senders.collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stretches_cover_the_range_and_long_ones_are_whole_hours() {
        for (start, end, buckets, expected) in [
            (0, 10_000, 5, (0, 2000, 5)),
            (7, 7, 5, (7, 1000, 0)),
            (9, 7, 5, (9, 1000, 0)),
            (1, 86_400_001, 1440, (1, 173_000, 500)),
            (1, 86_400_001, 24, (0, 2 * HOUR_MS, 13)),
            (0, 86_400_000, 24, (0, HOUR_MS, 24)),
            (-1, 30 * 86_400_000, 500, (-HOUR_MS, 2 * HOUR_MS, 361)),
        ] {
            assert_eq!(stretches(start, end, buckets), expected, "{start} {end} {buckets}");
        }
    }

    #[test]
    fn the_projections_know_the_hour_by_this_expression() {
        let sql = include_str!("migrations/0001_events.sql");
        assert_eq!(sql.matches(&format!("GROUP BY {HOUR}, ")).count(), 2);
        assert_eq!(HOUR_TIME, format!("({HOUR} * {HOUR_MS})"));
    }

    #[test]
    fn hours_and_what_stands_beside_them_are_the_range() {
        let any = Query::default();
        let parts = |from, to, query: &Query| Grouped::new(Time(from), Time(to), query).parts.len();
        assert_eq!(parts(1, 6 * HOUR_MS, &any), 1);
        assert_eq!(parts(HOUR_MS, 8 * HOUR_MS, &any), 1);
        assert_eq!(parts(HOUR_MS + 1, 8 * HOUR_MS, &any), 2);
        assert_eq!(parts(HOUR_MS + 1, 9 * HOUR_MS + 1, &any), 3);
        assert_eq!(parts(HOUR_MS + 1, 9 * HOUR_MS + 1, &Query::parse("x").unwrap()), 1);
    }
}

//! Figures over events: by time, by source, by category, by sender.

use super::columns::{self, Shape};
use super::search::{bind, clamped};
use super::{Events, EventsError};
use crate::query::Query;
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

impl Events {
    /// Events over time in at most `buckets` equal stretches, empty ones included. The first value is their length in
    /// seconds.
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
        let (start, end) = (clamped(from), clamped(to));
        let span = end.saturating_sub(start).max(0).unsigned_abs();
        let wanted = u64::from(buckets.clamp(1, BUCKETS_MAX));
        let step_s = span.div_ceil(wanted * 1000).max(1);
        let step_ms = i64::try_from(step_s.saturating_mul(1000)).unwrap_or(i64::MAX);
        let bound = Events::within(from, to, query);
        let sql = format!(
            "SELECT intDiv(toUnixTimestamp64Milli(timestamp) - toInt64({start}), toInt64({step_ms})) AS number, \
             count() AS count FROM events WHERE {} GROUP BY number",
            bound.sql
        );
        let bars: Vec<Bar> = bind(self.query(&sql), &bound).fetch_all().await?;
        let count = usize::try_from(span.div_ceil(step_s.saturating_mul(1000))).unwrap_or(0);
        let mut all: Vec<Bucket> = (0..i64::try_from(count).unwrap_or(0))
            .map(|number| Bucket { time: Time(start + number * step_ms), count: 0 })
            .collect();
        for bar in bars {
            if let Some(bucket) = usize::try_from(bar.number).ok().and_then(|number| all.get_mut(number)) {
                bucket.count = bar.count;
            }
        }
        Ok((step_s, all))
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
        let bound = Events::within(from, to, query);
        let sql = format!(
            "SELECT source_ip, count() AS count, any(source_geo_country_iso_code) AS country FROM events WHERE {} AND \
             source_ip != toIPv6('::') GROUP BY source_ip ORDER BY count DESC, source_ip LIMIT {}",
            bound.sql,
            limit.min(1000)
        );
        let tops: Vec<Top> = bind(self.query(&sql), &bound).fetch_all().await?;
        let sources = tops.into_iter().map(|top| TopSource {
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
        let bound = Events::within(from, to, query);
        let sql = format!(
            "SELECT arrayJoin(event_category) AS category, count() AS count FROM events WHERE {} GROUP BY category \
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

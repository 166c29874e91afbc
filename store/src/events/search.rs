//! Events come out: by condition, newest first, page by page; by id; counted.

use super::block::halves;
use super::row::{self, Rows};
use super::{Events, EventsError};
use crate::query::{Bound, Query};
use event::{Event, EventId, Time};
use serde::Deserialize;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::fmt;

/// Most events of a page.
const LIMIT_MAX: usize = 1000;

/// The newest stretch of a range that a search looks at, and how much longer each further one is.
const SPAN_MS: i64 = 6 * 3_600_000;
const SPAN_GROWS: i64 = 4;

/// What to look for.
#[derive(Clone, Debug, PartialEq)]
pub struct Search {
    /// The first moment.
    pub from: Time,
    /// The moment after the last.
    pub to: Time,
    /// The condition.
    pub query: Query,
    /// Events of a page: at most 1,000.
    pub limit: usize,
    /// Where the page before ended: its `next`.
    pub cursor: Option<String>,
}

/// A page of events, newest first.
#[derive(Clone, Debug, PartialEq)]
pub struct Page {
    /// The events.
    pub items: Vec<Event>,
    /// The cursor of the next page, if there is more.
    pub next: Option<String>,
}

/// The place of an event in the order of time and id.
struct Cursor {
    time: i64,
    id: u128,
}

impl Cursor {
    fn parse(text: &str) -> Option<Cursor> {
        let (time, id) = text.split_once('.')?;
        let plain = id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit());
        plain.then_some(Cursor { time: time.parse().ok()?, id: u128::from_str_radix(id, 16).ok()? })
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}.{:032x}", self.time, self.id)
    }
}

/// Where an event lies: a search finds these first, because a page of events takes ninety columns.
#[derive(clickhouse::Row, Deserialize)]
struct Key {
    /// The partition, in days since 1970.
    day: u16,
    /// The ten minutes of the sort key, in seconds.
    slot: u32,
    time: i64,
    id_high: u64,
    id_low: u64,
}

impl Key {
    fn id(&self) -> u128 {
        u128::from(self.id_high) << 64 | u128::from(self.id_low)
    }
}

impl Events {
    /// The range and the condition as SQL. Only numbers are written into it; texts are bound by [`bind`].
    pub(super) fn within(from: Time, to: Time, query: &Query) -> Bound {
        let mut bound = query.condition();
        bound.sql = format!(
            "timestamp >= fromUnixTimestamp64Milli(toInt64({}), 'UTC') AND \
             timestamp < fromUnixTimestamp64Milli(toInt64({}), 'UTC') AND {}",
            clamped(from),
            clamped(to),
            bound.sql
        );
        bound
    }

    /// A page of events that meet the condition, newest first. Equal times are ordered by id, so no event is left out
    /// or given twice between pages. Looks at the newest hours first, and at longer stretches the further back it comes: a page
    /// of what is frequent is found in a moment however long the range is.
    ///
    /// # Errors
    /// The cursor is foreign, or the store refuses: too slow, too large.
    pub async fn search(&self, search: &Search) -> Result<Page, EventsError> {
        let cursor = search.cursor.as_ref().map(|cursor| Cursor::parse(cursor).ok_or(EventsError::Cursor));
        let cursor = cursor.transpose()?;
        let limit = search.limit.clamp(1, LIMIT_MAX);
        let (first, mut to) = (clamped(search.from), clamped(search.to));
        if let Some(cursor) = &cursor {
            to = to.min(clamped(Time(cursor.time)).saturating_add(1));
        }
        let mut keys: Vec<Key> = Vec::new();
        let mut span = SPAN_MS;
        while to > first && keys.len() <= limit {
            let from = to.saturating_sub(span).max(first);
            keys.extend(self.stretch(from, to, search, cursor.as_ref(), limit + 1 - keys.len()).await?);
            (to, span) = (from, span.saturating_mul(SPAN_GROWS));
        }
        let more = keys.len() > limit;
        keys.truncate(limit);
        let next =
            keys.last().filter(|_| more).map(|key| Cursor { time: key.time, id: key.id() }.to_string());
        Ok(Page { items: self.placed(&keys).await?, next })
    }

    /// The newest events of one stretch of the range.
    async fn stretch(
        &self,
        from: i64,
        to: i64,
        search: &Search,
        cursor: Option<&Cursor>,
        limit: usize,
    ) -> Result<Vec<Key>, EventsError> {
        let mut bound = Events::within(Time(from), Time(to), &search.query);
        if let Some(cursor) = cursor {
            let (high, low) = halves(cursor.id);
            let time = format!("fromUnixTimestamp64Milli(toInt64({}), 'UTC')", clamped(Time(cursor.time)));
            bound.sql.push_str(&format!(
                " AND (timestamp, id_high, id_low) < ({time}, toUInt64({high}), toUInt64({low}))"
            ));
        }
        let sql = format!(
            "SELECT toUInt16(day) AS day, toUnixTimestamp(toStartOfTenMinutes(timestamp)) AS slot, \
             toUnixTimestamp64Milli(timestamp) AS time, id_high, id_low FROM events WHERE {} \
             ORDER BY toStartOfTenMinutes(timestamp) DESC, timestamp DESC, id_high DESC, id_low DESC LIMIT {limit}",
            bound.sql,
        );
        Ok(bind(self.query(&sql), &bound).fetch_all().await?)
    }

    /// The events in these places, in their order.
    async fn placed(&self, keys: &[Key]) -> Result<Vec<Event>, EventsError> {
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        let days: BTreeSet<u16> = keys.iter().map(|key| key.day).collect();
        let slots: BTreeSet<u32> = keys.iter().map(|key| key.slot).collect();
        let sql = format!(
            "SELECT {} FROM events WHERE day IN ({}) AND toStartOfTenMinutes(timestamp) IN ({}) AND {}",
            row::selected(),
            list(days.iter().map(|day| format!("toDate({day})"))),
            list(slots.iter().map(|slot| format!("toDateTime({slot}, 'UTC')"))),
            having(keys.iter().map(Key::id)),
        );
        let mut found = self.events(&sql, &Bound::default()).await?;
        let places: HashMap<u128, usize> = keys.iter().zip(0..).map(|(key, at)| (key.id(), at)).collect();
        found.sort_by_key(|event| places.get(&event.id().0));
        Ok(found)
    }

    /// The events with these ids, oldest first; an id without an event is left out.
    ///
    /// # Errors
    /// The store refuses.
    pub async fn get(&self, ids: &[EventId]) -> Result<Vec<Event>, EventsError> {
        let mut found = Vec::new();
        for some in ids.chunks(LIMIT_MAX) {
            let sql = format!(
                "SELECT {} FROM events WHERE {} ORDER BY timestamp, id_high, id_low",
                row::selected(),
                having(some.iter().map(|id| id.0)),
            );
            found.extend(self.events(&sql, &Bound::default()).await?);
        }
        found.sort_by_key(|event| (event.time(), event.id()));
        found.dedup_by_key(|event| event.id());
        Ok(found)
    }

    /// Which ids from `from` to `to`, both included, are stored: what a reader of the spool may skip after a crash.
    ///
    /// # Errors
    /// The store refuses.
    pub async fn ids_between(&self, from: EventId, to: EventId) -> Result<HashSet<EventId>, EventsError> {
        #[derive(clickhouse::Row, Deserialize)]
        struct Id {
            id_high: u64,
            id_low: u64,
        }
        let ((from_high, from_low), (to_high, to_low)) = (halves(from.0), halves(to.0));
        let sql = format!(
            "SELECT id_high, id_low FROM events WHERE id_high BETWEEN {from_high} AND {to_high} AND \
             (id_high, id_low) >= (toUInt64({from_high}), toUInt64({from_low})) AND \
             (id_high, id_low) <= (toUInt64({to_high}), toUInt64({to_low}))"
        );
        let mut cursor = self.query(&sql).fetch::<Id>()?;
        let mut ids = HashSet::new();
        while let Some(id) = cursor.next().await? {
            ids.insert(EventId(u128::from(id.id_high) << 64 | u128::from(id.id_low)));
        }
        Ok(ids)
    }

    pub(super) async fn events(&self, sql: &str, bound: &Bound) -> Result<Vec<Event>, EventsError> {
        let bytes = bind(self.query(sql), bound).fetch_bytes("RowBinary")?.collect().await?;
        Ok(Rows::new(&bytes).collect::<Result<_, _>>()?)
    }
}

/// The condition that a row has one of these ids; its first half is what the index knows.
fn having(ids: impl Iterator<Item = u128> + Clone) -> String {
    let highs = ids.clone().map(|id| format!("toUInt64({})", halves(id).0));
    let pairs = ids.map(halves).map(|(high, low)| format!("(toUInt64({high}), toUInt64({low}))"));
    format!("id_high IN ({}) AND (id_high, id_low) IN ({})", list(highs), list(pairs))
}

fn list(texts: impl Iterator<Item = String>) -> String {
    texts.collect::<Vec<_>>().join(", ")
}

/// Binds the texts of a condition.
pub(super) fn bind(mut query: clickhouse::query::Query, bound: &Bound) -> clickhouse::query::Query {
    for (number, text) in bound.texts.iter().enumerate() {
        query = query.param(&format!("q{number}"), text);
    }
    query
}

/// A moment as a bound of the table's column.
pub(super) fn clamped(time: Time) -> i64 {
    time.0.clamp(row::TIME_MIN_MS, row::TIME_MAX_MS + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_cursor_given_out_here_is_read() {
        let id = EventId::new(Time(1_790_000_000_000), 1, 42).0;
        let cursor = Cursor::parse(&Cursor { time: 1_790_000_000_000, id }.to_string()).unwrap();
        assert_eq!((cursor.time, cursor.id), (1_790_000_000_000, id));
        for foreign in
            ["", "1", "1.2", "x.00000000000000000000000000000000", "1.+0000000000000000000000000000000"]
        {
            assert!(Cursor::parse(foreign).is_none(), "{foreign}");
        }
    }
}

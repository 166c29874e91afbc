//! Stored events once more, in the order of the spool: what the correlator saw live, it sees again in the same order.
//!
//! A whole range sorted at once would not fit into a query's memory, so it is read in slices of the spool's numbers,
//! which an event's id ends with. The time of reception, which an id begins with, is almost but not always in that
//! order: a connection may wait for room in the spool, and a clock may be set back. It only tells the index where to
//! look. Several collectors have a spool each; the slice that was received first goes first.

use super::search::bind;
use super::{Events, EventsError, row};
use crate::query::{Bound, Query};
use event::{Candidates, Event, Time};
use serde::Deserialize;

/// How many numbers of the spool are the smallest slice.
const BLOCK: u64 = 1024;

/// The collector's number in the upper half of an id, and the spool's in the lower, see [`event::EventId`].
const NODE: &str = "bitAnd(id_high, toUInt64(4095))";
const SEQUENCE: &str = "bitAnd(id_low, toUInt64(4611686018427387903))";

/// Neighbours in one spool: blocks from the first to the last, received within a range of upper halves of ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clickhouse::Row, Deserialize)]
struct Slice {
    node: u64,
    first: u64,
    last: u64,
    low: u64,
    high: u64,
    events: u64,
}

/// Events that are read again, slice by slice.
pub struct Replay {
    events: Events,
    condition: Bound,
    /// The next slice is the last.
    waiting: Vec<Slice>,
    total: u64,
}

impl Events {
    /// Makes ready to read the candidates among the events whose time is in the range, about `rows_max` at once.
    ///
    /// # Errors
    /// The store refuses.
    pub async fn replay(
        &self,
        (from, to): (Time, Time),
        candidates: &Candidates,
        rows_max: u64,
    ) -> Result<Replay, EventsError> {
        let mut condition = Events::within(from, to, &Query::default());
        let only = condition.candidates(candidates);
        condition.sql = format!("{} AND {only}", condition.sql);
        let sql = format!(
            "SELECT {NODE} AS node, intDiv({SEQUENCE}, toUInt64({BLOCK})) AS first, first AS last, min(id_high) AS low, \
             max(id_high) AS high, count() AS events FROM events WHERE {} GROUP BY node, first ORDER BY node, first",
            condition.sql
        );
        let mut slices: Vec<Slice> = Vec::new();
        let mut total = 0;
        let mut cursor = bind(self.query(&sql), &condition).fetch::<Slice>()?;
        while let Some(slice) = cursor.next().await? {
            total += slice.events;
            add(&mut slices, slice, rows_max);
        }
        Ok(Replay { events: self.clone(), condition, waiting: in_turn(&slices), total })
    }
}

impl Replay {
    /// How many events there are.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.total
    }

    /// The next events; `None` at the end.
    ///
    /// # Errors
    /// The store refuses, or a row does not read.
    pub async fn next(&mut self) -> Result<Option<Vec<Event>>, EventsError> {
        let Some(Slice { node, first, last, low, high, .. }) = self.waiting.pop() else { return Ok(None) };
        let sql = format!(
            "SELECT {} FROM events WHERE id_high >= toUInt64({low}) AND id_high <= toUInt64({high}) AND {NODE} = {node} \
             AND intDiv({SEQUENCE}, toUInt64({BLOCK})) BETWEEN {first} AND {last} AND {}",
            row::selected(),
            self.condition.sql
        );
        let mut found = self.events.events(&sql, &self.condition).await?;
        // Sorted here: the engine takes six times as long to sort rows of a hundred columns as to read them.
        found.sort_unstable_by_key(|event| event.id().sequence());
        found.dedup_by_key(|event| event.id());
        Ok(Some(found))
    }
}

/// Adds a slice behind the last, or to it while it stays small.
fn add(slices: &mut Vec<Slice>, next: Slice, rows_max: u64) {
    match slices.last_mut() {
        Some(last) if last.node == next.node && last.events.saturating_add(next.events) <= rows_max => {
            last.last = next.last;
            last.low = last.low.min(next.low);
            last.high = last.high.max(next.high);
            last.events += next.events;
        }
        _ => slices.push(next),
    }
}

/// The slices, the first at the end: each spool's in its order, and of several spools the one received first.
fn in_turn(slices: &[Slice]) -> Vec<Slice> {
    let mut spools: Vec<std::collections::VecDeque<Slice>> =
        slices.chunk_by(|a, b| a.node == b.node).map(|spool| spool.iter().copied().collect()).collect();
    let mut ordered = Vec::with_capacity(slices.len());
    while let Some(slice) = spools
        .iter_mut()
        .filter(|spool| !spool.is_empty())
        .min_by_key(|spool| spool.front().map(|slice| (slice.low, slice.node)))
        .and_then(std::collections::VecDeque::pop_front)
    {
        ordered.push(slice);
    }
    ordered.reverse();
    ordered
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slice(node: u64, place: u64, low: u64, events: u64) -> Slice {
        Slice { node, first: place, last: place, low, high: low + 5, events }
    }

    #[test]
    fn small_neighbours_are_one_slice_and_none_grows_beyond_the_limit() {
        let mut slices = Vec::new();
        for next in [slice(0, 0, 20, 4), slice(0, 1, 10, 6), slice(0, 5, 30, 1), slice(0, 6, 31, 30)] {
            add(&mut slices, next, 10);
        }
        add(&mut slices, slice(1, 7, 40, 2), 10);
        let first = Slice { node: 0, first: 0, last: 1, low: 10, high: 25, events: 10 };
        assert_eq!(slices, [first, slice(0, 5, 30, 1), slice(0, 6, 31, 30), slice(1, 7, 40, 2)]);
    }

    #[test]
    fn one_spool_keeps_its_order_and_several_take_turns_by_reception() {
        let mut found =
            in_turn(&[slice(0, 1, 50, 1), slice(0, 2, 40, 1), slice(3, 1, 45, 1), slice(3, 2, 60, 1)]);
        found.reverse();
        let places: Vec<(u64, u64)> = found.iter().map(|slice| (slice.node, slice.first)).collect();
        assert_eq!(places, [(3, 1), (0, 1), (0, 2), (3, 2)]);
    }
}

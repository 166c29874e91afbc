//! Stored events once more, in the order of the spool: what the correlator saw live, it sees again in the same order.
//!
//! It is read in slices of the spool's numbers, which an event's id ends with. The time of reception, which an id begins
//! with, is almost but not always in that order: a connection may wait for room in the spool, and a clock may be set
//! back. It only tells the index where to look. Several collectors have a spool each; the slice that was received first
//! goes first.

use super::search::bind;
use super::slice::{BLOCK, Slice, add};
use super::{Events, EventsError, row};
use crate::query::{Bound, Query};
use event::{Candidates, Event, Time};

/// The collector's number in the upper half of an id, and the spool's in the lower, see [`event::EventId`].
const NODE: &str = "bitAnd(id_high, toUInt64(4095))";
const SEQUENCE: &str = "bitAnd(id_low, toUInt64(4611686018427387903))";

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
            "SELECT {NODE} AS node, intDiv({SEQUENCE}, toUInt64({BLOCK})) AS first, first AS last, \
             toInt64(min(id_high)) AS low, toInt64(max(id_high)) AS high, count() AS rows FROM events WHERE {} GROUP BY node, first ORDER BY node, first",
            condition.sql
        );
        let mut slices: Vec<Slice> = Vec::new();
        let mut total = 0;
        let mut cursor = bind(self.query(&sql), &condition).fetch::<Slice>()?;
        while let Some(slice) = cursor.next().await? {
            total += slice.rows;
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

    fn slice(node: u64, place: u64, low: i64) -> Slice {
        Slice { node, first: place, last: place, low, high: low + 5, rows: 1 }
    }

    #[test]
    fn one_spool_keeps_its_order_and_several_take_turns_by_reception() {
        let mut found = in_turn(&[slice(0, 1, 50), slice(0, 2, 40), slice(3, 1, 45), slice(3, 2, 60)]);
        found.reverse();
        let places: Vec<(u64, u64)> = found.iter().map(|slice| (slice.node, slice.first)).collect();
        assert_eq!(places, [(3, 1), (0, 1), (0, 2), (3, 2)]);
    }
}

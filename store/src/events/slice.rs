//! Slices of the spool's numbers: what was stored in the tables' own order is read again in the spool's, a slice at a time, because
//! a whole range sorted at once would not fit into a query's memory.

use clickhouse::Row;
use serde::Deserialize;

/// How many numbers of the spool are the smallest slice.
pub(super) const BLOCK: u64 = 1024;

/// Neighbours in one spool: blocks from the first to the last, and the range of what the table is sorted or indexed by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Row, Deserialize)]
pub(super) struct Slice {
    /// The collector's number.
    pub(super) node: u64,
    pub(super) first: u64,
    pub(super) last: u64,
    pub(super) low: i64,
    pub(super) high: i64,
    pub(super) rows: u64,
}

/// Adds a slice behind the last, or to it while it stays small.
pub(super) fn add(slices: &mut Vec<Slice>, next: Slice, rows_max: u64) {
    match slices.last_mut() {
        Some(last) if last.node == next.node && last.rows.saturating_add(next.rows) <= rows_max => {
            last.last = next.last;
            last.low = last.low.min(next.low);
            last.high = last.high.max(next.high);
            last.rows += next.rows;
        }
        _ => slices.push(next),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slice(node: u64, place: u64, low: i64, rows: u64) -> Slice {
        Slice { node, first: place, last: place, low, high: low + 5, rows }
    }

    #[test]
    fn small_neighbours_are_one_slice_and_none_grows_beyond_the_limit() {
        let mut slices = Vec::new();
        for next in [slice(0, 0, 20, 4), slice(0, 1, 10, 6), slice(0, 5, 30, 1), slice(0, 6, 31, 30)] {
            add(&mut slices, next, 10);
        }
        add(&mut slices, slice(1, 7, 40, 2), 10);
        let first = Slice { node: 0, first: 0, last: 1, low: 10, high: 25, rows: 10 };
        assert_eq!(slices, [first, slice(0, 5, 30, 1), slice(0, 6, 31, 30), slice(1, 7, 40, 2)]);
    }
}

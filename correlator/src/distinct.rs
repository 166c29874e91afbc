//! How many different values a sliding window counts, exactly.
//!
//! A table knows for each value the last match that has it. A match whose value comes again is marked, so one that
//! leaves the window says itself whether its value leaves too: only matches that come in ask the table, and a table of a
//! million values costs them one or two reads of memory far away. What it knows of matches that have left lies there until
//! the table is full.

use crate::matches::Matches;
use hashbrown::HashTable;
use std::hash::{BuildHasher, RandomState};

/// After so many matches nothing older may be known: their numbers come again.
const NUMBERS: u32 = 1 << 30;

/// The lower half is a match's number, the upper one a part of its value's hash.
#[derive(Clone, Copy, Debug)]
struct Latest(u64);

#[derive(Debug)]
pub(crate) struct Distinct {
    table: HashTable<Latest>,
    count: usize,
    /// How many matches were forgotten: a match's number is this and its place.
    gone: u32,
    cleared: u32,
    seed: u64,
}

impl Latest {
    fn number(self) -> u32 {
        let [.., a, b, c, d] = self.0.to_be_bytes();
        u32::from_be_bytes([a, b, c, d])
    }

    fn hash(self) -> u64 {
        (self.0 >> 32).wrapping_mul(0x9e37_79b9_7f4a_7c15)
    }
}

impl Default for Distinct {
    fn default() -> Distinct {
        let seed = RandomState::new().hash_one(0);
        Distinct { table: HashTable::new(), count: 0, gone: 0, cleared: 0, seed }
    }
}

impl Distinct {
    pub(crate) fn count(&self) -> usize {
        self.count
    }

    /// The match at `at` comes into the window, which begins at `left`.
    pub(crate) fn enter(&mut self, matches: &mut Matches, left: usize, at: usize) {
        let Some(entry) = matches.get_mut(at) else { return };
        entry.again = false;
        let counted = entry.counted;
        // Who knows how values are hashed must not know where they come to lie.
        let product = u128::from(counted ^ self.seed) * 0x9e37_79b9_7f4a_7c15;
        #[allow(clippy::cast_possible_truncation, reason = "both halves are mixed")]
        let mixed = (product >> 64) as u64 ^ product as u64;
        let latest = Latest(mixed & !u64::from(u32::MAX) | u64::from(self.number(at)));
        let (gone, window) = (self.gone, left..at);
        let place = |latest: Latest| usize::try_from(latest.number().wrapping_sub(gone)).ok();
        let same = |known: &Latest| {
            known.0 >> 32 == latest.0 >> 32
                && place(*known).is_some_and(|at| {
                    window.contains(&at) && matches.get(at).is_some_and(|entry| entry.counted == counted)
                })
        };
        if let Some(known) = self.table.find_mut(latest.hash(), same) {
            let before = std::mem::replace(known, latest);
            if let Some(entry) = place(before).and_then(|at| matches.get_mut(at)) {
                entry.again = true;
            }
            return;
        }
        self.count += 1;
        if self.table.len() == self.table.capacity() || self.gone.wrapping_sub(self.cleared) > NUMBERS {
            self.clear(left, at);
        }
        self.table.insert_unique(latest.hash(), latest, |latest| latest.hash());
    }

    /// The first match of the window leaves it.
    pub(crate) fn leave(&mut self, again: bool) {
        self.count -= usize::from(!again);
    }

    /// The first `count` matches are forgotten.
    pub(crate) fn forget(&mut self, count: usize) {
        #[allow(clippy::cast_possible_truncation, reason = "numbers come again")]
        let count = count as u32;
        self.gone = self.gone.wrapping_add(count);
    }

    /// Forgets values that are not between `left` and `at`, and makes room for half as many more as there are.
    fn clear(&mut self, left: usize, at: usize) {
        let mut table = HashTable::with_capacity(self.count + self.count / 2 + 4);
        let gone = self.gone;
        for latest in &self.table {
            if (left..at).contains(&(latest.number().wrapping_sub(gone) as usize)) {
                table.insert_unique(latest.hash(), *latest, |latest| latest.hash());
            }
        }
        self.table = table;
        self.cleared = gone;
    }

    /// Gives back the room of what has left. `left` and `next` are the window's bounds.
    pub(crate) fn shrink(&mut self, left: usize, next: usize) {
        if self.table.capacity() > 4 * self.count + 8 {
            self.clear(left, next);
        }
    }

    fn number(&self, at: usize) -> u32 {
        #[allow(clippy::cast_possible_truncation, reason = "numbers come again")]
        let at = at as u32;
        self.gone.wrapping_add(at)
    }

    pub(crate) fn bytes(&self) -> usize {
        self.table.allocation_size()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entry::Entry;
    use crate::episode::Key;
    use event::{EventId, Time};
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    proptest! {
        #[test]
        fn a_sliding_count_is_that_of_the_set_of_values(
            values in proptest::collection::vec(0u64..40, 1..300), keep in 1usize..60, forget in 1usize..40)
        {
            let (mut distinct, mut matches) = (Distinct::default(), Matches::new(b"g", b""));
            // Near the end of the numbers, so that they come again.
            distinct.gone = u32::MAX - 100;
            let (mut left, mut gone) = (0, 0);
            for (nth, value) in values.iter().enumerate() {
                let key = Key { time: Time(nth as i64), event: EventId(0), rule: 0 };
                matches.push(Entry::new(key, *value));
                let at = nth - gone;
                if at - left >= keep {
                    distinct.leave(matches.get(left).is_some_and(|entry| entry.again));
                    left += 1;
                }
                distinct.enter(&mut matches, left, at);
                let window: BTreeSet<u64> = values[(nth + 1).saturating_sub(keep)..=nth].iter().copied().collect();
                prop_assert_eq!(distinct.count(), window.len());
                if left >= forget {
                    distinct.forget(forget);
                    matches.forget(forget, &mut []);
                    (left, gone) = (left - forget, gone + forget);
                }
                if nth % 7 == 0 {
                    distinct.shrink(left, nth + 1 - gone);
                }
            }
        }
    }
}

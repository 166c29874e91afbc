//! A match as a window keeps it, and what comes of it.

use crate::episode::Key;
use event::{EventId, Time};
use uuid::Uuid;

/// A match in a window. The event's id is in two halves, so that the whole takes 40 bytes.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) time: i64,
    event: [u64; 2],
    /// What is counted: a value's hash, a number's bits, the alert of an inner correlation.
    pub(crate) counted: u64,
    /// Where its facts are among the texts of its group.
    pub(crate) text: u32,
    pub(crate) rule: u8,
    /// The window that ends here is satisfied.
    pub(crate) hot: bool,
    /// The same is counted again at a later match of the window.
    pub(crate) again: bool,
}

impl Entry {
    pub(crate) fn new(key: Key, counted: u64) -> Entry {
        #[allow(clippy::cast_possible_truncation, reason = "the two halves of an id")]
        let event = [(key.event.0 >> 64) as u64, key.event.0 as u64];
        Entry { time: key.time.0, event, counted, text: 0, rule: key.rule, hot: false, again: false }
    }

    pub(crate) fn event(&self) -> EventId {
        EventId(u128::from(self.event[0]) << 64 | u128::from(self.event[1]))
    }

    pub(crate) fn key(&self) -> Key {
        Key { time: Time(self.time), event: self.event(), rule: self.rule }
    }
}

/// A match on its way to its window.
#[derive(Debug)]
pub(crate) struct Arrival<'f> {
    pub(crate) entry: Entry,
    /// Packed.
    pub(crate) facts: &'f [u8],
}

/// A match at which the rule holds, for the correlations that refer to it.
#[derive(Debug)]
pub(crate) struct Hot {
    pub(crate) time: Time,
    pub(crate) event: EventId,
    pub(crate) counted: u64,
    /// Packed.
    pub(crate) facts: Box<[u8]>,
}

/// What came of a match.
#[derive(Debug, Default)]
pub(crate) struct Effects {
    /// Alerts that became part of another: (from, into).
    pub(crate) superseded: Vec<(Uuid, Uuid)>,
    /// Matches at which the rule holds, not told before. Gathered only for a rule that feeds another.
    pub(crate) hots: Vec<Hot>,
    /// How many matches were stepped on, for tests of what a match costs.
    pub(crate) steps: u64,
}

/// What became of a match.
#[derive(Debug, PartialEq)]
pub(crate) enum Taken {
    /// It is kept.
    Yes,
    /// It was there already.
    Again,
    /// Older than what is remembered.
    TooOld,
}

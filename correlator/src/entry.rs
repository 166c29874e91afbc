//! A match as a window keeps it, and what comes of it.

use crate::episode::{Facts, Key};
use crate::resolve::CorrelationRule;
use event::{EventId, Time};
use uuid::Uuid;

/// A match in a window. The event's id is in two halves, so that the whole takes 56 bytes.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) time: i64,
    event: [u64; 2],
    /// What is counted: a value's hash, a number's bits, the alert of an inner correlation.
    pub(crate) counted: u64,
    pub(crate) facts: Facts,
    pub(crate) rule: u8,
    /// The window that ends here is satisfied.
    pub(crate) hot: bool,
}

impl Entry {
    pub(crate) fn new(key: Key, counted: u64, facts: Facts) -> Entry {
        #[allow(clippy::cast_possible_truncation, reason = "the two halves of an id")]
        let event = [(key.event.0 >> 64) as u64, key.event.0 as u64];
        Entry { time: key.time.0, event, counted, facts, rule: key.rule, hot: false }
    }

    pub(crate) fn event(&self) -> EventId {
        EventId(u128::from(self.event[0]) << 64 | u128::from(self.event[1]))
    }

    pub(crate) fn key(&self) -> Key {
        Key { time: Time(self.time), event: self.event(), rule: self.rule }
    }
}

/// A match at which the rule holds, for the correlations that refer to it.
#[derive(Debug)]
pub(crate) struct Hot {
    pub(crate) time: Time,
    pub(crate) event: EventId,
    pub(crate) counted: u64,
    pub(crate) facts: Facts,
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

/// The rule, and the group as the ids of its alerts name it.
#[derive(Clone, Copy)]
pub(crate) struct Of<'r> {
    pub(crate) rule: &'r CorrelationRule,
    pub(crate) group: &'r [u8],
}

impl Of<'_> {
    pub(crate) fn id(&self, first: Key) -> Uuid {
        self.rule.alert_id(self.group, first)
    }

    pub(crate) fn span(&self) -> i64 {
        self.rule.correlation.timespan_ms
    }
}

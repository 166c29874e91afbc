//! Identifiers: an event's is given once at intake, every other is derived from what it names.

use crate::Time;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::fmt;
use uuid::Uuid;

/// The bits of an id that hold the line's number.
const SEQUENCE: u128 = 0x3fff_ffff_ffff_ffff;

/// An event's id: a UUID of version 7 (RFC 9562), so ids sort by the time of intake.
///
/// The 74 bits that version 7 leaves free hold the collector's node number and the line's number in its spool,
/// so the id of a line never changes, however often the spool is read again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct EventId(pub u128);

impl EventId {
    /// The id of line `sequence` of the spool of collector `node` (12 bits used), received at `received`.
    #[must_use]
    pub fn new(received: Time, node: u16, sequence: u64) -> EventId {
        let ms = u128::from(received.0.max(0).unsigned_abs()) & 0xffff_ffff_ffff;
        let node = u128::from(node & 0x0fff);
        let sequence = u128::from(sequence) & SEQUENCE;
        EventId(ms << 80 | 7 << 76 | node << 64 | 0b10 << 62 | sequence)
    }

    /// The time of intake that the id carries.
    #[must_use]
    pub fn received(self) -> Time {
        Time(i64::try_from(self.0 >> 80).unwrap_or(0))
    }

    /// The line's number in its spool.
    #[must_use]
    pub fn sequence(self) -> u64 {
        u64::try_from(self.0 & SEQUENCE).unwrap_or(0)
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Uuid::from_u128(self.0).hyphenated().fmt(f)
    }
}

impl std::str::FromStr for EventId {
    type Err = uuid::Error;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Uuid::parse_str(text).map(|id| EventId(id.as_u128()))
    }
}

impl Serialize for EventId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for EventId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

/// Our own namespace for derived ids (UUID version 5).
const NAMESPACE: Uuid = Uuid::from_u128(0x6f0c_4d0e_51f7_4b0c_9f0d_6861_6964_616e);

/// The id derived from `parts`, the same wherever and whenever it is computed: a replay overwrites, never doubles.
#[must_use]
pub fn derived_id(parts: &[&str]) -> Uuid {
    let mut name = Vec::with_capacity(parts.iter().map(|part| part.len() + 8).sum());
    for part in parts {
        // The length keeps ["a", "bc"] and ["ab", "c"] apart.
        name.extend_from_slice(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        name.extend_from_slice(part.as_bytes());
    }
    Uuid::new_v5(&NAMESPACE, &name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_sort_by_time_then_sequence_and_are_version_7() {
        let a = EventId::new(Time(1_790_000_000_000), 1, 41);
        let b = EventId::new(Time(1_790_000_000_000), 1, 42);
        let c = EventId::new(Time(1_790_000_000_001), 1, 0);
        assert!(a < b && b < c);
        assert_eq!(Uuid::from_u128(a.0).get_version_num(), 7);
        assert_eq!(c.received(), Time(1_790_000_000_001));
        assert_eq!(
            (b.sequence(), EventId::new(a.received(), 0xffff, u64::MAX).sequence()),
            (42, u64::MAX >> 2)
        );
        assert_eq!(a.to_string().parse::<EventId>().unwrap(), a);
    }

    #[test]
    fn a_derived_id_depends_on_where_the_parts_end() {
        assert_eq!(derived_id(&["rule", "10.0.0.1"]), derived_id(&["rule", "10.0.0.1"]));
        assert_ne!(derived_id(&["a", "bc"]), derived_id(&["ab", "c"]));
    }
}

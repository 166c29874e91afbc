//! A moment to the microsecond: TAXII orders objects by it, and several are added within one millisecond.

use jiff::Timestamp;
use std::fmt;

/// Microseconds since 1970-01-01T00:00:00Z. Written as RFC 3339 with six decimals and `Z`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Stamp(pub i64);

impl Stamp {
    /// Reads an RFC 3339 time.
    #[must_use]
    pub fn parse(text: &str) -> Option<Stamp> {
        text.parse::<Timestamp>().ok().map(|stamp| Stamp(stamp.as_microsecond()))
    }

    /// As STIX writes the version of an object: in milliseconds where that says all.
    #[must_use]
    pub fn version(self) -> String {
        let text = self.to_string();
        text.strip_suffix("000Z").map_or(text.clone(), |short| format!("{short}Z"))
    }
}

impl fmt::Display for Stamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let stamp = Timestamp::from_microsecond(self.0).unwrap_or(Timestamp::UNIX_EPOCH);
        write!(f, "{stamp:.6}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn six_decimals_always_and_three_where_they_say_all() {
        let at = |text| Stamp::parse(text).unwrap();
        assert_eq!(at("2026-11-24T00:00:00Z").to_string(), "2026-11-24T00:00:00.000000Z");
        assert_eq!(at("2026-11-24T07:00:00.0000015+07:00").to_string(), "2026-11-24T00:00:00.000001Z");
        assert_eq!(at("2026-11-24T00:00:00.123Z").version(), "2026-11-24T00:00:00.123Z");
        assert_eq!(at("2026-11-24T00:00:00.123456Z").version(), "2026-11-24T00:00:00.123456Z");
        assert_eq!(Stamp::parse("yesterday"), None);
    }
}

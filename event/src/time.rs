//! A moment, to the millisecond, in UTC.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::fmt;

/// Milliseconds since 1970-01-01T00:00:00Z. Written as RFC 3339 with three decimals and `Z`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time(pub i64);

impl Time {
    /// The years that RFC 3339 can write end here: 9999-12-30T22:00:00Z, what `jiff` can hold.
    const MAX_MS: i64 = 253_402_207_200_000;
    const MIN_MS: i64 = -62_167_219_200_000; // 0000-01-01

    /// Reads an RFC 3339 time; a missing offset is an error.
    #[must_use]
    pub fn parse(text: &str) -> Option<Time> {
        let stamp: jiff::Timestamp = text.parse().ok()?;
        Some(Time(stamp.as_millisecond()))
    }

    /// The moment `ms` later (earlier if negative), kept within what can be written.
    #[must_use]
    pub fn plus_ms(self, ms: i64) -> Time {
        Time(self.0.saturating_add(ms).clamp(Self::MIN_MS, Self::MAX_MS))
    }
}

impl Time {
    /// The 24 bytes of RFC 3339. Written by hand because every event has two or three of them.
    pub(crate) fn to_bytes(self) -> [u8; 24] {
        let ms = self.0.clamp(Self::MIN_MS, Self::MAX_MS);
        let (year, month, day) = civil(ms.div_euclid(86_400_000));
        let rest = u32::try_from(ms.rem_euclid(86_400_000)).unwrap_or(0);
        let (seconds, ms) = (rest / 1000, rest % 1000);
        let mut text = *b"0000-00-00T00:00:00.000Z";
        put(&mut text, 0, year / 100);
        put(&mut text, 2, year % 100);
        put(&mut text, 5, month);
        put(&mut text, 8, day);
        put(&mut text, 11, seconds / 3600);
        put(&mut text, 14, seconds / 60 % 60);
        put(&mut text, 17, seconds % 60);
        put(&mut text, 20, ms / 10);
        put(&mut text, 21, ms % 100);
        text
    }
}

/// Puts two digits.
#[allow(clippy::cast_possible_truncation, reason = "a number below 100 fits a byte")]
fn put(text: &mut [u8; 24], at: usize, number: u32) {
    text[at] = b'0' + (number / 10 % 10) as u8;
    text[at + 1] = b'0' + (number % 10) as u8;
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(std::str::from_utf8(&self.to_bytes()).unwrap_or_default())
    }
}

/// Days since 1970 to year, month, day: the usual era arithmetic on a year that begins in March.
fn civil(days: i64) -> (u32, u32, u32) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    let small = |number: i64| u32::try_from(number).unwrap_or(0);
    (small(year), small(month), small(day))
}

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        Time::parse(&text).ok_or_else(|| de::Error::custom(format!("`{text}` is not an RFC 3339 time")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn known_moments_are_written_as_rfc_3339() {
        assert_eq!(Time(0).to_string(), "1970-01-01T00:00:00.000Z");
        assert_eq!(Time(951_782_400_000).to_string(), "2000-02-29T00:00:00.000Z");
        assert_eq!(Time(-1).to_string(), "1969-12-31T23:59:59.999Z");
        assert_eq!(Time::parse("2026-07-01T00:00:00+07:00"), Some(Time(1_782_838_800_000)));
    }

    proptest! {
        #[test]
        fn every_moment_reads_back(ms in -60_000_000_000_000i64..Time::MAX_MS) {
            prop_assert_eq!(Time::parse(&Time(ms).to_string()), Some(Time(ms)));
        }
    }
}

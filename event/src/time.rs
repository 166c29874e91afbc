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
        let ms = self.0.clamp(Self::MIN_MS, Self::MAX_MS) - Self::MIN_MS;
        // Of a number that is not negative the processor divides faster, and this one never is.
        let (days, rest) = (ms.unsigned_abs() / DAY_MS, ms.unsigned_abs() % DAY_MS);
        let (century, year, month, day) = civil(days);
        let (seconds, ms) = (rest / 1000, rest % 1000);
        let mut text = *b"0000-00-00T00:00:00.000Z";
        put(&mut text, 0, century);
        put(&mut text, 2, year);
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

const DAY_MS: u64 = 86_400_000;

/// Two digits of every number below 100.
#[allow(clippy::cast_possible_truncation, reason = "a digit fits a byte")]
static DIGITS: [[u8; 2]; 100] = {
    let mut all = [[0; 2]; 100];
    let mut number = 0;
    while number < 100 {
        all[number] = [b'0' + (number / 10) as u8, b'0' + (number % 10) as u8];
        number += 1;
    }
    all
};

/// Puts two digits.
#[allow(clippy::cast_possible_truncation, reason = "what is below 100 fits")]
#[inline]
fn put(text: &mut [u8; 24], at: usize, number: u64) {
    text[at..at + 2].copy_from_slice(&DIGITS[number as usize % 100]);
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(std::str::from_utf8(&self.to_bytes()).unwrap_or_default())
    }
}

/// Days since the first of year 0 to century, year of the century, month and day: the usual era arithmetic on a year that
/// begins in March.
fn civil(days: u64) -> (u64, u64, u64, u64) {
    // From a first of March on, 400 years earlier.
    let shifted = days + 146_097 - 60;
    let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = year_of_era + era * 400 + u64::from(month <= 2) - 400;
    (year / 100, year % 100, month, day)
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

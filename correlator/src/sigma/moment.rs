//! Parts of a date as numbers: `minute`, `hour`, `day`, `week`, `month`, `year`.
//!
//! The parts are those that the value shows: Sigma converts no time zone, so `23:30+07:00` has the hour 23. A moment of
//! our events and a number (seconds since 1970, or milliseconds) are read in UTC.

use event::Value;
use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::Offset;

/// Numbers above it are milliseconds; as seconds it is the year 33658.
const SECONDS_MAX: i64 = 1_000_000_000_000;

/// A part of a date.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Part {
    Minute,
    Hour,
    Day,
    /// ISO 8601's week of the year.
    Week,
    Month,
    Year,
}

impl Part {
    pub(super) fn named(word: &str) -> Option<Part> {
        Some(match word {
            "minute" => Part::Minute,
            "hour" => Part::Hour,
            "day" => Part::Day,
            "week" => Part::Week,
            "month" => Part::Month,
            "year" => Part::Year,
            _ => return None,
        })
    }

    /// The part of the value, if that is a date with such a part.
    pub(crate) fn of(self, value: Value<'_>) -> Option<i64> {
        let (date, time) = match value {
            Value::Date(time) => utc(time.0)?,
            Value::Long(number) if number > SECONDS_MAX => utc(number)?,
            Value::Long(number) => utc(number.checked_mul(1000)?)?,
            #[allow(clippy::cast_possible_truncation, reason = "out of range saturates, and is then no date")]
            Value::Float(number) => return self.of(Value::Long(number as i64)),
            Value::Text(text) => written(text)?,
            Value::Ip(_) | Value::Bool(_) => return None,
        };
        Some(match self {
            Part::Minute => i64::from(time?.minute()),
            Part::Hour => i64::from(time?.hour()),
            Part::Day => i64::from(date.day()),
            Part::Week => i64::from(date.iso_week_date().week()),
            Part::Month => i64::from(date.month()),
            Part::Year => i64::from(date.year()),
        })
    }
}

type Parts = (Date, Option<DateTime>);

fn utc(ms: i64) -> Option<Parts> {
    let moment = Offset::UTC.to_datetime(Timestamp::from_millisecond(ms).ok()?);
    Some((moment.date(), Some(moment)))
}

/// A date as text, with or without a time, which may have an offset behind it.
fn written(text: &str) -> Option<Parts> {
    let text = text.strip_suffix(['Z', 'z']).unwrap_or(text);
    if !text.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    let has_time = text.contains(':');
    let moment: DateTime = text.parse().ok()?;
    Some((moment.date(), has_time.then_some(moment)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use event::Time;

    #[test]
    fn parts_are_those_that_the_value_shows() {
        let parts = [Part::Minute, Part::Hour, Part::Day, Part::Week, Part::Month, Part::Year];
        for (value, expected) in [
            (Value::Text("2026-03-01T23:30:59+07:00"), "30 23 1 9 3 2026"),
            (Value::Text("2026-03-01T23:30:59.123Z"), "30 23 1 9 3 2026"),
            (Value::Text("2026-03-01 23:30:59"), "30 23 1 9 3 2026"),
            (Value::Text("2026-03-01T23:30"), "30 23 1 9 3 2026"),
            (Value::Text("2026-03-01"), "- - 1 9 3 2026"),
            (Value::Long(1_772_407_859), "30 23 1 9 3 2026"),
            (Value::Long(1_772_407_859_123), "30 23 1 9 3 2026"),
            (Value::Float(1_772_407_859.5), "30 23 1 9 3 2026"),
            (Value::Date(Time(1_772_407_859_123)), "30 23 1 9 3 2026"),
            (Value::Text("2027-01-01T00:00:00Z"), "0 0 1 53 1 2027"),
            (Value::Text("at noon"), "- - - - - -"),
            (Value::Text(""), "- - - - - -"),
            (Value::Text("2026-13-01T00:00:00Z"), "- - - - - -"),
            (Value::Long(i64::MAX), "- - - - - -"),
            (Value::Float(1e300), "- - - - - -"),
            (Value::Bool(true), "- - - - - -"),
        ] {
            let found = parts.map(|part| part.of(value).map_or("-".to_owned(), |number| number.to_string()));
            assert_eq!(found.join(" "), expected, "{value:?}");
        }
    }
}

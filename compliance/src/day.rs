//! Days as the law counts them: Vietnam's, seven hours ahead of UTC, without summer time since 1975.

use event::Time;
use jiff::civil::Date;
use jiff::tz::Offset;
use jiff::{Timestamp, ToSpan as _};
use serde::{Deserialize, Serialize};

const VIETNAM: Offset = Offset::constant(7);

/// The day in Vietnam at that moment.
#[must_use]
pub fn day_of(time: Time) -> Date {
    let stamp = Timestamp::from_millisecond(time.0);
    stamp.map_or(Date::ZERO, |stamp| VIETNAM.to_datetime(stamp).date())
}

/// The first moment of the day in Vietnam.
#[must_use]
pub fn first_moment(day: Date) -> Time {
    let stamp = VIETNAM.to_timestamp(day.at(0, 0, 0, 0));
    Time(stamp.map_or(0, Timestamp::as_millisecond))
}

/// Days from the first to the last, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Period {
    /// The first day.
    pub first: Date,
    /// The last day.
    pub last: Date,
}

impl Period {
    /// The longest that is assessed, in days.
    pub const DAYS_MAX: i32 = 400;

    /// From the one day to the other; without them the month until today. None if that is no day or more than
    /// `DAYS_MAX`.
    #[must_use]
    pub fn asked(first: Option<Date>, last: Option<Date>, today: Date) -> Option<Period> {
        let last = last.unwrap_or(today);
        let first = first.unwrap_or_else(|| last.first_of_month());
        let days = first.until(last).map_or(-1, |span| span.get_days());
        (0..Period::DAYS_MAX).contains(&days).then_some(Period { first, last })
    }

    /// Its first moment.
    #[must_use]
    pub fn begin(&self) -> Time {
        first_moment(self.first)
    }

    /// The first moment after it.
    #[must_use]
    pub fn end(&self) -> Time {
        self.last.checked_add(1.day()).map_or(first_moment(self.last), first_moment)
    }

    /// Its last day that has come; the first if none has.
    #[must_use]
    pub fn today(&self, now: Time) -> Date {
        day_of(now).min(self.last).max(self.first)
    }

    /// As many days, right before it.
    #[must_use]
    pub fn before(&self) -> Period {
        let days = self.first.until(self.last).map_or(0, |span| span.get_days());
        let last = self.first.checked_sub(1.day()).unwrap_or(self.first);
        Period { first: last.checked_sub(days.days()).unwrap_or(last), last }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_begins_seven_hours_before_utc() {
        for (moment, day) in [
            ("2026-06-30T16:59:59.999Z", "2026-06-30"),
            ("2026-06-30T17:00:00Z", "2026-07-01"),
            ("2024-02-28T17:00:00Z", "2024-02-29"),
            ("2025-12-31T16:59:00Z", "2025-12-31"),
            ("2025-12-31T17:00:00Z", "2026-01-01"),
        ] {
            assert_eq!(day_of(Time::parse(moment).unwrap()).to_string(), day, "{moment}");
        }
        let day = "2026-08-19".parse().unwrap();
        assert_eq!(first_moment(day), Time::parse("2026-08-18T17:00:00Z").unwrap());
    }

    #[test]
    fn the_period_before_is_as_long_and_right_before() {
        let period =
            |first: &str, last: &str| Period { first: first.parse().unwrap(), last: last.parse().unwrap() };
        assert_eq!(period("2026-03-01", "2026-03-31").before(), period("2026-01-29", "2026-02-28"));
        assert_eq!(period("2024-03-01", "2024-03-01").before(), period("2024-02-29", "2024-02-29"));
        let day = |text: &str| Some(text.parse().unwrap());
        let asked = |first, last| Period::asked(first, last, day("2026-11-28").unwrap());
        assert_eq!(asked(None, None), Some(period("2026-11-01", "2026-11-28")));
        assert_eq!(asked(None, day("2026-02-28")), Some(period("2026-02-01", "2026-02-28")));
        assert_eq!(asked(day("2026-11-29"), None), None);
        assert_eq!(asked(day("2025-10-25"), day("2026-11-28")), Some(period("2025-10-25", "2026-11-28")));
        assert_eq!(asked(day("2025-10-24"), day("2026-11-28")), None, "401 days");
        assert_eq!(period("2026-01-01", "2026-01-01").end(), Time::parse("2026-01-01T17:00:00Z").unwrap());
    }
}

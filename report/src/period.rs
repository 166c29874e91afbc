//! Weeks, months and quarters as people here count them: days of Asia/Ho_Chi_Minh, weeks from Monday (ISO 8601).

use event::Time;
use jiff::civil::{Date, ISOWeekDate, Weekday};
use jiff::tz::Offset;
use jiff::{Span, ToSpan as _};
use serde::Serialize;

/// How long a period is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum PeriodKind {
    /// Monday to Sunday.
    Week,
    /// A month.
    Month,
    /// Three months.
    Quarter,
}

/// A week, a month or a quarter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Period {
    /// How long it is.
    pub kind: PeriodKind,
    /// Its first day.
    pub first: Date,
}

impl Period {
    /// The period of that kind that holds the day of this moment; `None` at the end of the calendar.
    #[must_use]
    pub fn containing(kind: PeriodKind, time: Time) -> Option<Period> {
        let day = crate::local::wall(time).date();
        let first = match kind {
            PeriodKind::Week => {
                day.checked_sub(i64::from(day.weekday().to_monday_zero_offset()).days()).ok()?
            }
            PeriodKind::Month => day.first_of_month(),
            PeriodKind::Quarter => Date::new(day.year(), (day.month() - 1) / 3 * 3 + 1, 1).ok()?,
        };
        Some(Period { kind, first })
    }

    /// Reads `2026-W48`, `2026-11` or `2026-Q4`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Period> {
        let (year, rest) = text.split_once('-')?;
        let is_plain = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let year: i16 = year.parse().ok().filter(|_| year.len() == 4 && is_plain(year))?;
        let number = |text: &str| text.parse::<i8>().ok().filter(|_| is_plain(text));
        let (kind, first) = match rest.split_at_checked(1)? {
            ("W", week) => {
                (PeriodKind::Week, ISOWeekDate::new(year, number(week)?, Weekday::Monday).ok()?.date())
            }
            ("Q", quarter) => {
                let quarter = number(quarter).filter(|quarter| (1..=4).contains(quarter))?;
                (PeriodKind::Quarter, Date::new(year, (quarter - 1) * 3 + 1, 1).ok()?)
            }
            _ => (PeriodKind::Month, Date::new(year, number(rest)?, 1).ok()?),
        };
        // One before and one after must be days too.
        let period = Period { kind, first };
        (year > 0 && year < 9999).then_some(period)
    }

    fn length(self) -> Span {
        match self.kind {
            PeriodKind::Week => 7.days(),
            PeriodKind::Month => 1.month(),
            PeriodKind::Quarter => 3.months(),
        }
    }

    /// The day after the last.
    #[must_use]
    pub fn end(self) -> Date {
        self.first.saturating_add(self.length())
    }

    /// The last day.
    #[must_use]
    pub fn last(self) -> Date {
        self.end().saturating_sub(1.day())
    }

    /// The one before.
    #[must_use]
    pub fn previous(self) -> Period {
        Period { first: self.first.saturating_sub(self.length()), ..self }
    }

    /// How many days.
    #[must_use]
    pub fn days(self) -> u32 {
        let days = self.first.until(self.end()).map_or(0, |span| span.get_days());
        u32::try_from(days).unwrap_or(0)
    }

    /// The first moment, and the moment after the last.
    #[must_use]
    pub fn moments(self) -> (Time, Time) {
        let at = |day: Date| {
            let moment = Offset::constant(7).to_timestamp(day.at(0, 0, 0, 0));
            Time(moment.map_or(0, jiff::Timestamp::as_millisecond))
        };
        (at(self.first), at(self.end()))
    }

    /// `2026-W48`, `2026-11`, `2026-Q4`.
    #[must_use]
    pub fn name(self) -> String {
        match self.kind {
            PeriodKind::Week => {
                let week = self.first.iso_week_date();
                format!("{:04}-W{:02}", week.year(), week.week())
            }
            PeriodKind::Month => format!("{:04}-{:02}", self.first.year(), self.first.month()),
            PeriodKind::Quarter => format!("{:04}-Q{}", self.first.year(), (self.first.month() + 2) / 3),
        }
    }

    /// `tuần 48 năm 2026`.
    #[must_use]
    pub fn title(self) -> String {
        match self.kind {
            PeriodKind::Week => {
                let week = self.first.iso_week_date();
                format!("tuần {} năm {}", week.week(), week.year())
            }
            PeriodKind::Month => format!("tháng {} năm {}", self.first.month(), self.first.year()),
            PeriodKind::Quarter => {
                let quarter =
                    ["I", "II", "III", "IV"][usize::from((self.first.month() - 1).unsigned_abs() / 3)];
                format!("quý {quarter} năm {}", self.first.year())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn periods_begin_and_end_where_the_calendar_says() {
        for (name, first, last, before, days) in [
            ("2026-W48", "2026-11-23", "2026-11-29", "2026-W47", 7),
            ("2026-W01", "2025-12-29", "2026-01-04", "2025-W52", 7),
            ("2026-W53", "2026-12-28", "2027-01-03", "2026-W52", 7),
            ("2028-02", "2028-02-01", "2028-02-29", "2028-01", 29),
            ("2026-Q1", "2026-01-01", "2026-03-31", "2025-Q4", 90),
            ("2026-Q4", "2026-10-01", "2026-12-31", "2026-Q3", 92),
        ] {
            let period = Period::parse(name).unwrap();
            assert_eq!(
                (period.first.to_string().as_str(), period.last().to_string().as_str()),
                (first, last),
                "{name}"
            );
            assert_eq!(
                (period.name().as_str(), period.previous().name().as_str(), period.days()),
                (name, before, days)
            );
        }
        for wrong in [
            "2026", "2026-W54", "2025-W53", "2026-13", "2026-Q5", "2026-Q", "26-11", "2026-+1", "9999-W01",
            "2026-é",
        ] {
            assert_eq!(Period::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_week_begins_at_midnight_here() {
        let time = |text| Time::parse(text).unwrap();
        let week = |text| Period::containing(PeriodKind::Week, time(text)).unwrap().name();
        assert_eq!(week("2026-11-22T16:59:59Z"), "2026-W47");
        assert_eq!(week("2026-11-22T17:00:00Z"), "2026-W48");
        assert_eq!(
            Period::containing(PeriodKind::Quarter, time("2026-12-31T16:59:59Z")).unwrap().name(),
            "2026-Q4"
        );
        let (from, to) = Period::parse("2026-W48").unwrap().moments();
        assert_eq!((from, to), (time("2026-11-22T17:00:00Z"), time("2026-11-29T17:00:00Z")));
    }
}

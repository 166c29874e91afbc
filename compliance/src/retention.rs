//! How long a log is kept: months of the calendar in Vietnam, turned into days of the store.

use crate::ruleset::RuleSets;
use jiff::ToSpan as _;
use jiff::civil::Date;

/// Days after its UTC day for which a row is kept so that the months have passed for every moment of that day. A UTC day
/// lies in two of Vietnam's; the month ends with the same day of a later month, or that month's last; and the whole of that
/// day is kept.
#[must_use]
pub fn days_kept(day: Date, months: u16) -> u16 {
    if months == 0 {
        return 0;
    }
    let end = |local: Date| {
        let last = local.checked_add(i32::from(months).months()).ok()?;
        let after = last.checked_add(1.day()).ok()?;
        u16::try_from(day.until(after).ok()?.get_days()).ok()
    };
    let next = day.checked_add(1.day()).ok();
    end(day).max(next.and_then(end)).unwrap_or(u16::MAX)
}

impl RuleSets {
    /// The months that logs of a system of this level are kept for, from a day on.
    #[must_use]
    pub fn months(&self, day: Date, level: u8) -> u16 {
        self.retention_on(day).and_then(|rule| rule.months.get(&level).copied()).unwrap_or(0)
    }

    /// Days after their UTC day for which rows are kept, by level from 0.
    #[must_use]
    pub fn days_by_level(&self, day: Date) -> [u16; 6] {
        let next = day.checked_add(1.day()).unwrap_or(day);
        let mut days = [0; 6];
        for (level, days) in (0..).zip(&mut days) {
            let months = self.months(day, level).max(self.months(next, level));
            *days = days_kept(day, months);
        }
        days
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> Date {
        text.parse().unwrap()
    }

    #[test]
    fn months_are_the_calendars_and_leap_days_count() {
        // Worked out by hand: the later of the two local days, plus the months, plus that whole day.
        for (from, months, until) in [
            ("2026-01-15", 1, "2026-02-17"), // 16 January local, to the end of 16 February
            ("2026-01-31", 1, "2026-03-02"), // 1 February local, to the end of 1 March
            ("2026-02-28", 1, "2026-04-02"), // 1 March local, to the end of 1 April
            ("2024-02-29", 12, "2025-03-02"),
            ("2023-02-28", 12, "2024-03-02"),
            ("2024-02-28", 12, "2025-03-01"), // 29 February local: to the end of 28 February, which no year lacks
            ("2025-12-31", 3, "2026-04-02"),
            ("2025-11-29", 3, "2026-03-01"), // 30 November local: February has no 30th
            ("2026-08-18", 6, "2027-02-20"),
            ("2028-02-28", 1, "2028-03-30"), // 29 February local: to the end of 29 March
            ("2028-02-28", 12, "2029-03-01"), // to the end of 28 February 2029
            ("2028-02-29", 12, "2029-03-02"), // 1 March local
            ("2027-11-29", 3, "2028-03-01"), // 30 November local: to the end of the leap day
            ("2026-12-31", 12, "2028-01-02"), // 1 January 2027 local
        ] {
            let days = day(from).until(day(until)).unwrap().get_days();
            assert_eq!(i32::from(days_kept(day(from), months)), days, "{from} + {months}");
        }
        assert_eq!(days_kept(day("2026-01-15"), 0), 0);
    }

    #[test]
    fn no_moment_of_the_day_is_gone_before_its_months_have_passed() {
        let mut utc = day("2023-01-01");
        while utc < day("2025-01-01") {
            for months in [1, 3, 6, 12] {
                let gone = utc.checked_add(i32::from(days_kept(utc, months)).days()).unwrap();
                for local in [utc, utc.tomorrow().unwrap()] {
                    // 00:00 UTC of `gone` is 07:00 of the same day in Vietnam.
                    let last = local.checked_add(i32::from(months).months()).unwrap();
                    assert!(gone > last, "{utc} {months}");
                    assert!(last.until(gone).unwrap().get_days() <= 5, "{utc} {months}: {gone}");
                }
            }
            utc = utc.tomorrow().unwrap();
        }
    }

    #[test]
    fn a_day_that_lies_in_two_regimes_is_kept_as_the_stricter_asks() {
        let own = include_str!("../../rules/compliance/vn-2026.yml");
        let edited =
            own.replace("months: { 2: 1, 3: 3, 4: 6, 5: 12 }", "months: { 2: 1, 3: 4, 4: 6, 5: 12 }");
        let rules = RuleSets::read(&[("vn-2026.yml".to_owned(), edited)]).unwrap();
        let level_three = |on: &str| rules.days_by_level(day(on))[3];
        // 17 August, UTC, ends with the 18th in Vietnam: three months, to the end of 18 November.
        assert_eq!(level_three("2026-08-17"), 94);
        // The 18th reaches into the 19th, when four begin: to the end of 19 December.
        assert_eq!(level_three("2026-08-18"), 124);
    }

    #[test]
    fn the_level_decides_and_a_level_without_a_rule_has_none() {
        let rules = RuleSets::own();
        for on in ["2021-11-22", "2026-06-30", "2026-07-15", "2026-08-18", "2026-08-19", "2026-11-27"] {
            let months: Vec<u16> = (0..=5).map(|level| rules.months(day(on), level)).collect();
            assert_eq!(months, [0, 0, 1, 3, 6, 12], "{on}");
        }
        // 18 August, UTC, is the 18th and the 19th in Vietnam: to the end of the 19th of a later month.
        assert_eq!(rules.days_by_level(day("2026-08-18")), [0, 0, 33, 94, 186, 367]);
        assert_eq!(rules.days_by_level(day("2026-11-27")), [0, 0, 32, 94, 183, 367]);
    }
}

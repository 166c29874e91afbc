//! A system's level over time.

use crate::{Date, System};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// A level and its first day, written `2:2024-01-31`; `2` alone if the day is not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct LevelSince {
    /// 1 to 5.
    pub level: u8,
    /// Its first day.
    pub since: Option<Date>,
}

impl fmt::Display for LevelSince {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.level)?;
        self.since.map_or(Ok(()), |since| write!(f, ":{since}"))
    }
}

impl FromStr for LevelSince {
    type Err = String;
    fn from_str(text: &str) -> Result<LevelSince, String> {
        let wrong = || format!("`{text}` is no level with its first day; write 2:2024-01-31");
        let (level, since) = text.split_once(':').map_or((text, None), |(level, day)| (level, Some(day)));
        let level = level.parse().ok().filter(|level| (1..=5).contains(level)).ok_or_else(wrong)?;
        let since = since.map(|day| day.parse().map_err(|_| wrong())).transpose()?;
        Ok(LevelSince { level, since })
    }
}

impl TryFrom<String> for LevelSince {
    type Error = String;
    fn try_from(text: String) -> Result<LevelSince, String> {
        text.parse()
    }
}

impl From<LevelSince> for String {
    fn from(level: LevelSince) -> String {
        level.to_string()
    }
}

impl System {
    /// The level on a day, 0 if it had none. A level without a first day was always there.
    #[must_use]
    pub fn level_on(&self, day: Date) -> u8 {
        let now = LevelSince { level: self.level, since: self.level_since };
        let all = self.earlier_levels.iter().chain([&now]);
        all.rev().find(|one| one.since.is_none_or(|since| since <= day)).map_or(0, |one| one.level)
    }

    /// The highest level within the days: what a report of them is held to.
    #[must_use]
    pub fn level_within(&self, first: Date, last: Date) -> u8 {
        let now = LevelSince { level: self.level, since: self.level_since };
        let begun = self.earlier_levels.iter().chain([&now]);
        let begun = begun.filter(|one| one.since.is_some_and(|since| first < since && since <= last));
        begun.map(|one| one.level).fold(self.level_on(first), u8::max)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_raised_in_the_middle_counts_from_its_day_and_for_the_whole_period() {
        let day = |text: &str| text.parse::<Date>().unwrap();
        let system = System {
            level: 3,
            level_since: Some(day("2026-02-15")),
            earlier_levels: vec!["1".parse().unwrap(), "2:2024-02-29".parse().unwrap()],
            ..System::default()
        };
        for (on, level) in
            [("2024-02-28", 1), ("2024-02-29", 2), ("2026-02-14", 2), ("2026-02-15", 3), ("2026-12-31", 3)]
        {
            assert_eq!(system.level_on(day(on)), level, "{on}");
        }
        assert_eq!(system.level_within(day("2026-01-01"), day("2026-02-14")), 2);
        assert_eq!(system.level_within(day("2026-01-01"), day("2026-02-15")), 3);
        assert_eq!(system.level_within(day("2024-01-01"), day("2024-12-31")), 2);
        assert_eq!(
            System { level_since: Some(day("2026-02-15")), ..System::default() }.level_on(day("2026-02-14")),
            0
        );
    }

    #[test]
    fn a_level_with_its_day_reads_back_and_nothing_else_reads() {
        for text in ["2", "5:2024-02-29"] {
            assert_eq!(text.parse::<LevelSince>().unwrap().to_string(), text);
        }
        for text in ["", "0", "6", "2:", "2:2023-02-29", "x:2024-01-01"] {
            assert!(text.parse::<LevelSince>().is_err(), "{text}");
        }
    }
}

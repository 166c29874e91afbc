//! What is sent to others and fetched from them by itself, and when. No clock here: the time is given.

use event::{Severity, Time, Tlp};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// Reports that are made up for after an outage of ours; older ones are let go.
const MADE_UP_FOR_MAX: i64 = 31;

/// The antivirus report for one partner.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeliveryConfig {
    /// Who it is for: a word of their own.
    pub partner: String,
    /// Where it is sent: `https://…`.
    pub url: String,
    /// The certificates (PEM) that vouch for that server, instead of those that browsers know.
    #[serde(default)]
    pub ca_file: Option<PathBuf>,
    /// The name to sign in with.
    #[serde(default)]
    pub user: Option<String>,
    /// A file with the password, or without `user` with a bearer token.
    #[serde(default)]
    pub password_file: Option<PathBuf>,
    /// To whom they may show it.
    #[serde(default = "amber")]
    pub tlp: Tlp,
    /// How long each report's period is, in seconds.
    #[serde(default = "day_s")]
    pub every_s: u32,
    /// Seconds east of UTC of the midnight at which periods begin.
    #[serde(default = "vietnam_s")]
    pub utc_offset_s: i32,
    /// How long after its period a report is made, in seconds: events may be late.
    #[serde(default = "quarter_s")]
    pub delay_s: u32,
    /// How long after a failure it is sent again, in seconds; twice as long after each further one.
    #[serde(default = "minute_s")]
    pub retry_min_s: u32,
    /// But never longer than this.
    #[serde(default = "hour_s")]
    pub retry_max_s: u32,
    /// Reports that may wait; beyond it none is made until some have arrived.
    #[serde(default = "waiting_max")]
    pub waiting_max: u32,
}

/// A collection of another TAXII server.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FeedConfig {
    /// Who warns, where an object does not say; a word of its own.
    pub name: String,
    /// The collection: `https://SERVER/ROOT/collections/ID/`.
    pub collection: String,
    /// The certificates (PEM) that vouch for that server, instead of those that browsers know.
    #[serde(default)]
    pub ca_file: Option<PathBuf>,
    /// The name to sign in with.
    #[serde(default)]
    pub user: Option<String>,
    /// A file with the password, or without `user` with a bearer token.
    #[serde(default)]
    pub password_file: Option<PathBuf>,
    /// How often it is asked, in seconds.
    #[serde(default = "half_hour_s")]
    pub every_s: u32,
    /// Objects of one page.
    #[serde(default = "page_objects")]
    pub page_objects: u32,
    /// Whether its reports and notes are warnings, with a task for each unit that they concern. For a centre that warns us, not
    /// for a feed of thousands.
    #[serde(default)]
    pub warns: bool,
}

/// Incidents that are let out without a person.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReleaseConfig {
    /// The id or alias of the collection that they go into.
    pub collection: String,
    /// To whom its readers may show them.
    pub tlp: Tlp,
    /// At least so bad.
    #[serde(default = "high")]
    pub severity_min: Severity,
    /// Of a system of at least this level; of any with 0.
    #[serde(default)]
    pub level_min: u8,
    /// With an alert of the rule with this id; of any if empty.
    #[serde(default)]
    pub rule: String,
    /// Only what still went on within so many hours.
    #[serde(default = "three_days_h")]
    pub hours_max: u32,
    /// What changes is let out again, after so many seconds at the earliest.
    #[serde(default = "hour_s")]
    pub again_s: u32,
}

fn high() -> Severity {
    Severity::High
}

fn three_days_h() -> u32 {
    72
}

fn amber() -> Tlp {
    Tlp::Amber
}

fn day_s() -> u32 {
    86_400
}

fn vietnam_s() -> i32 {
    7 * 3600
}

fn quarter_s() -> u32 {
    900
}

fn minute_s() -> u32 {
    60
}

fn hour_s() -> u32 {
    3600
}

fn waiting_max() -> u32 {
    400
}

fn half_hour_s() -> u32 {
    1800
}

fn page_objects() -> u32 {
    1000
}

impl DeliveryConfig {
    /// The next period that a report is due for, if one is: the oldest whose report is not made yet. The first report ever
    /// is of the last whole period.
    #[must_use]
    pub fn due(&self, reached: Option<Time>, now: Time) -> Option<(Time, Time)> {
        let every = i64::from(self.every_s.max(1)) * 1000;
        let offset = i64::from(self.utc_offset_s) * 1000;
        let floor = |time: i64| (time + offset).div_euclid(every) * every - offset;
        let last = floor(now.0.saturating_sub(i64::from(self.delay_s) * 1000));
        let from = match reached {
            None => last - every,
            // Where the length of periods was changed, what was told already is not told again.
            Some(reached) => reached.0.max(last.saturating_sub(every * MADE_UP_FOR_MAX)),
        };
        let to = floor(from) + every;
        (to <= last).then_some((Time(from), Time(to)))
    }

    /// When it is sent again after its `attempt`th failure. Every delivery has a rhythm of its own, so that a server that is
    /// up again is not asked by everybody at once; the same delivery always has the same.
    #[must_use]
    pub fn again(&self, id: &str, attempt: u32, now: Time) -> Time {
        let min = i64::from(self.retry_min_s.max(1)) * 1000;
        let max = i64::from(self.retry_max_s.max(1)) * 1000;
        let wait = min.saturating_mul(1i64 << attempt.saturating_sub(1).min(20)).min(max);
        let bytes = id.bytes().chain(attempt.to_be_bytes());
        let mixed = bytes.fold(0xcbf2_9ce4_8422_2325u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
        });
        let part = i64::try_from(mixed >> 44).unwrap_or(0); // 20 bits
        now.plus_ms(wait - wait / 4 + wait.saturating_mul(part) / (1 << 21))
    }
}

/// Whether it may be told there what is not for everyone.
fn is_guarded(url: &str) -> bool {
    let loopback = ["http://127.", "http://localhost", "http://[::1]"];
    url.starts_with("https://") || loopback.iter().any(|begin| url.starts_with(begin))
}

/// What is wrong with what is sent and fetched, each in a sentence.
pub(crate) fn problems(deliveries: &[DeliveryConfig], feeds: &[FeedConfig]) -> Vec<String> {
    let mut problems = Vec::new();
    let both = deliveries
        .iter()
        .map(|one| ("delivery", &one.partner, &one.url, one.every_s))
        .chain(feeds.iter().map(|one| ("feed", &one.name, &one.collection, one.every_s)));
    let mut seen = std::collections::BTreeSet::new();
    for (kind, name, url, every_s) in both {
        if !seen.insert((kind, name)) {
            problems.push(format!("{kind} `{name}`: there are two of this name"));
        }
        if !is_guarded(url) {
            problems.push(format!(
                "{kind} `{name}`: {url} is not `https://`, so anybody on the way could read it"
            ));
        }
        if every_s == 0 {
            problems.push(format!("{kind} `{name}`: `every_s` is 0"));
        }
    }
    problems
}

/// What is wrong with what is let out by rule, each in a sentence.
pub(crate) fn release_problems(releases: &[ReleaseConfig], taxii: &crate::TaxiiConfig) -> Vec<String> {
    let mut problems = Vec::new();
    for one in releases {
        match taxii.collection(&one.collection) {
            None => problems.push(format!("release: there is no collection `{}`", one.collection)),
            Some(collection) if one.tlp > collection.tlp => problems.push(format!(
                "release: collection `{}` holds up to {}, not {}",
                one.collection,
                collection.tlp.name(),
                one.tlp.name()
            )),
            Some(_) => {}
        }
        if one.level_min > 5 {
            problems.push(format!("release: `level_min` is {}; levels are 1 to 5, 0 for any", one.level_min));
        }
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;

    fn daily() -> DeliveryConfig {
        toml_like("ncsc", 86_400)
    }

    fn toml_like(partner: &str, every_s: u32) -> DeliveryConfig {
        let json =
            serde_json::json!({ "partner": partner, "url": "https://ncsc.example/", "every_s": every_s });
        serde_json::from_value(json).unwrap()
    }

    fn at(text: &str) -> Time {
        Time::parse(text).unwrap()
    }

    #[test]
    fn a_day_is_a_day_in_vietnam_and_none_is_left_out_or_told_twice() {
        let day = daily();
        let first = day.due(None, at("2026-11-27T03:00:00Z")).unwrap();
        assert_eq!(first, (at("2026-11-25T17:00:00Z"), at("2026-11-26T17:00:00Z")));
        assert_eq!(day.due(Some(first.1), at("2026-11-27T17:14:59Z")), None, "late events are waited for");
        let second = day.due(Some(first.1), at("2026-11-27T17:15:00Z")).unwrap();
        assert_eq!(second, (first.1, at("2026-11-27T17:00:00Z")));
        // Down for three days: one after the other.
        let third = day.due(Some(second.1), at("2026-11-30T20:00:00Z")).unwrap();
        assert_eq!(third.1, at("2026-11-28T17:00:00Z"));
        // Down for a year: the last month.
        let after = day.due(Some(third.1), at("2027-11-30T20:00:00Z")).unwrap();
        assert_eq!(after.0, at("2027-10-30T17:00:00Z"));
        // Hours instead of days begin where the day ended.
        let hour = toml_like("ncsc", 3600);
        let next = hour.due(Some(second.1), at("2026-11-28T01:00:00Z")).unwrap();
        assert_eq!(next, (second.1, at("2026-11-27T18:00:00Z")));
        // Days instead of hours begin in the middle of one.
        let rest = day.due(Some(at("2026-11-27T20:00:00Z")), at("2026-11-28T20:00:00Z")).unwrap();
        assert_eq!(rest, (at("2026-11-27T20:00:00Z"), at("2026-11-28T17:00:00Z")));
    }

    #[test]
    fn it_is_tried_again_ever_more_rarely_and_not_with_everybody_else() {
        let day = daily();
        let wait = |id: &str, attempt| day.again(id, attempt, Time(0)).0;
        for (attempt, full) in
            [(1, 60_000), (2, 120_000), (5, 960_000), (7, 3_600_000), (u32::MAX, 3_600_000)]
        {
            let wait = wait("a", attempt);
            assert!((full * 3 / 4..=full * 5 / 4).contains(&wait), "{attempt}: {wait}");
        }
        assert_eq!(wait("a", 3), wait("a", 3));
        let different: std::collections::BTreeSet<i64> =
            (0..50).map(|number: u32| wait(&number.to_string(), 3)).collect();
        assert!(different.len() > 45, "{different:?}");
    }

    #[test]
    fn what_cannot_be_is_told() {
        let mut plain = daily();
        plain.url = "http://ncsc.example/".to_owned();
        let problems = problems(&[daily(), plain], &[]);
        assert_eq!(problems.len(), 2, "{problems:?}");
    }
}

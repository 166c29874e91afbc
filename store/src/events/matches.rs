//! Matches: stored as they were found, read again in the order of the spool to rebuild windows: what came too late
//! then comes too late again.

use super::block::halves;
use super::search::clamped;
use super::slice::{BLOCK, Slice, add};
use super::{Events, EventsError};
use clickhouse::Row;
use event::{Match, Time};
use serde::{Deserialize, Serialize};

#[derive(Row, Serialize)]
struct Stored<'a> {
    time: i64,
    event_high: u64,
    event_low: u64,
    rule: &'a str,
    level: &'a str,
    source: &'a str,
    unit: &'a str,
    system: &'a str,
    system_level: u8,
    body: String,
}

/// About how many matches are read at once.
const READ_MAX: u64 = 10_000;

/// Matches that are read again, slice by slice. A slice knows when its matches were: the table is sorted by time, and one that was
/// sorted anew for every ten thousand matches kept a start waiting for minutes.
pub struct Matches {
    events: Events,
    slices: std::vec::IntoIter<Slice>,
}

impl Events {
    /// Stores the matches. A repeat, by token or by rule and event, adds nothing.
    ///
    /// # Errors
    /// The store refuses or does not answer: repeat with the same token.
    pub async fn insert_matches(&self, matches: &[Match], token: &str) -> Result<(), EventsError> {
        // One insert may not span partitions without losing its atomicity, and a partition is a month.
        let mut by_month: std::collections::BTreeMap<(i16, i8), Vec<&Match>> =
            std::collections::BTreeMap::new();
        for found in matches {
            by_month.entry(month(found.time)).or_default().push(found);
        }
        for ((year, month), matches) in by_month {
            let mut insert =
                self.client.clone().with_validation(false).insert::<Stored<'_>>("matches").await?;
            insert = insert.with_setting("insert_deduplication_token", format!("{token}-{year}-{month}"));
            for found in matches {
                let (event_high, event_low) = halves(found.event.0);
                let body = serde_json::to_string(found)?;
                insert
                    .write(&Stored {
                        time: clamped(found.time),
                        event_high,
                        event_low,
                        rule: &found.rule,
                        level: found.level.name(),
                        source: &found.source,
                        unit: &found.unit,
                        system: &found.system,
                        system_level: found.system_level,
                        body,
                    })
                    .await?;
            }
            insert.end().await?;
        }
        Ok(())
    }

    /// Makes ready to read the matches from `from` on, in the order of the spool and of rules.
    ///
    /// # Errors
    /// The store refuses.
    pub async fn matches_since(&self, from: Time) -> Result<Matches, EventsError> {
        let sql = format!(
            "SELECT toUInt64(0) AS node, intDiv(event_low, toUInt64({BLOCK})) AS first, first AS last, \
             min(toUnixTimestamp64Milli(time)) AS low, max(toUnixTimestamp64Milli(time)) AS high, count() AS rows FROM matches \
             WHERE time >= fromUnixTimestamp64Milli(toInt64({}), 'UTC') GROUP BY first ORDER BY first",
            clamped(from)
        );
        let mut slices: Vec<Slice> = Vec::new();
        let mut cursor = self.query(&sql).fetch::<Slice>()?;
        while let Some(slice) = cursor.next().await? {
            add(&mut slices, slice, READ_MAX);
        }
        Ok(Matches { events: self.clone(), slices: slices.into_iter() })
    }
}

impl Matches {
    /// The next matches; `None` at the end.
    ///
    /// # Errors
    /// The store refuses, or a stored match does not read.
    pub async fn next(&mut self) -> Result<Option<Vec<Match>>, EventsError> {
        #[derive(Row, Deserialize)]
        struct Body {
            body: String,
        }
        let Some(Slice { first, last, low, high, .. }) = self.slices.next() else { return Ok(None) };
        let sql = format!(
            "SELECT body FROM matches FINAL WHERE time >= fromUnixTimestamp64Milli(toInt64({low}), 'UTC') \
             AND time <= fromUnixTimestamp64Milli(toInt64({high}), 'UTC') \
             AND intDiv(event_low, toUInt64({BLOCK})) BETWEEN {first} AND {last} ORDER BY event_low, event_high, rule"
        );
        let mut rows = self.events.query(&sql).fetch::<Body>()?;
        let mut matches = Vec::new();
        while let Some(row) = rows.next().await? {
            matches.push(serde_json::from_str(&row.body)?);
        }
        Ok(Some(matches))
    }
}

/// Year and month of the partition.
fn month(time: Time) -> (i16, i8) {
    let text = Time(clamped(time)).to_string();
    let part = |range: std::ops::Range<usize>| {
        text.get(range).and_then(|digits| digits.parse::<i16>().ok()).unwrap_or(0)
    };
    (part(0..4), i8::try_from(part(5..7)).unwrap_or(0))
}

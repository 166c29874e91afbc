//! Matches: stored as they were found, read again in the order of the spool to rebuild windows: what came too late
//! then comes too late again.

use super::block::halves;
use super::search::clamped;
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

/// Matches of one read; the next one begins after the last of them.
const READ_MAX: usize = 10_000;

/// Where to read on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MatchCursor {
    event: u128,
    rule: String,
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

    /// At most 10,000 matches from `from` on, in the order of the spool and of rules, and where to read on; `None` at the
    /// end. Rebuilding windows reads until then.
    ///
    /// # Errors
    /// The store refuses, or a stored match does not read.
    pub async fn matches_since(
        &self,
        from: Time,
        after: Option<&MatchCursor>,
    ) -> Result<(Vec<Match>, Option<MatchCursor>), EventsError> {
        #[derive(Row, Deserialize)]
        struct Body {
            body: String,
        }
        let mut sql = format!(
            "SELECT body FROM matches FINAL WHERE time >= fromUnixTimestamp64Milli(toInt64({}), 'UTC')",
            clamped(from)
        );
        if let Some(MatchCursor { event, .. }) = after {
            let (high, low) = halves(*event);
            sql.push_str(&format!(
                " AND (event_low, event_high, rule) > (toUInt64({low}), toUInt64({high}), {{rule:String}})"
            ));
        }
        sql.push_str(&format!(" ORDER BY event_low, event_high, rule LIMIT {READ_MAX}"));
        let mut query = self.query(&sql);
        if let Some(after) = after {
            query = query.param("rule", &after.rule);
        }
        let mut rows = query.fetch::<Body>()?;
        let mut matches: Vec<Match> = Vec::new();
        while let Some(row) = rows.next().await? {
            matches.push(serde_json::from_str(&row.body)?);
        }
        let next = matches
            .last()
            .filter(|_| matches.len() == READ_MAX)
            .map(|last| MatchCursor { event: last.event.0, rule: last.rule.clone() });
        Ok((matches, next))
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

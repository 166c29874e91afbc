//! How long rows are kept: what the law asks of their system's level, and more where a level was raised.

use super::{Events, EventsError};
use clickhouse::Row;
use compliance::{Date, Held};
use serde::Deserialize;
use std::collections::HashMap;

/// What a row needs: the later of two local days, so many months on, and the whole of that day. As
/// [`compliance::days_kept`], which a test holds it to.
const NEEDED: &str = "if(months = 0, 0, dateDiff('day', day, greatest(addMonths(day, months), addMonths(day + 1, months)) + 1))";

impl Events {
    /// What is held of each system's logs, and how many rows will go before they may. `months` by system.
    ///
    /// # Errors
    /// The store refuses.
    pub async fn held(&self, months: &[(String, u16)]) -> Result<HashMap<String, Held>, EventsError> {
        #[derive(Row, Deserialize)]
        struct System {
            system: String,
            oldest: u16,
            short: u64,
        }
        let sql = format!(
            "SELECT haidang_system_id AS system, toUInt16(min(day)) AS oldest, countIf(keep_days < {NEEDED}) AS short FROM (\
             SELECT haidang_system_id, day, keep_days, {} AS months FROM events WHERE haidang_system_id != '') \
             GROUP BY system ORDER BY system LIMIT 100000",
            months_of(months)
        );
        let rows: Vec<System> = self.query(&sql).fetch_all().await?;
        let held = |row: System| {
            let oldest =
                Date::constant(1970, 1, 1).checked_add(jiff::ToSpan::days(i64::from(row.oldest))).ok()?;
            Some((row.system, Held { oldest, short: row.short }))
        };
        Ok(rows.into_iter().filter_map(held).collect())
    }

    /// Keeps rows of these systems for at least so many months, where they would go earlier: a level that was raised, or
    /// came to be known, asks for more of what is there already. Never less. Says how many rows it was.
    ///
    /// # Errors
    /// The store refuses.
    pub async fn lengthen(&self, months: &[(String, u16)]) -> Result<u64, EventsError> {
        let short: u64 = self.held(months).await?.values().map(|held| held.short).sum();
        if short == 0 {
            return Ok(0);
        }
        let needed = NEEDED.replace("months", &format!("({})", months_of(months)));
        let sql = format!(
            "ALTER TABLE events{} UPDATE keep_days = toUInt16(greatest(keep_days, {needed})) \
             WHERE haidang_system_id != '' AND keep_days < {needed}",
            self.on_cluster()
        );
        self.client.query_raw(&sql).with_setting("mutations_sync", "1").execute().await?;
        Ok(short)
    }
}

/// The months of a row's system.
fn months_of(months: &[(String, u16)]) -> String {
    if months.is_empty() {
        return "toUInt16(0)".to_owned();
    }
    let numbers: Vec<String> = months.iter().map(|(_, months)| months.to_string()).collect();
    let names: Vec<String> = months.iter().map(|(system, _)| quoted(system)).collect();
    format!(
        "transform(toString(haidang_system_id), [{}], CAST([{}], 'Array(UInt16)'), toUInt16(0))",
        names.join(","),
        numbers.join(",")
    )
}

/// An id as a text of the statement: a mutation takes no parameters.
fn quoted(id: &str) -> String {
    format!("'{}'", id.replace('\\', "\\\\").replace('\'', "\\'"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_cannot_end_its_text() {
        assert_eq!(quoted("mot-cua"), "'mot-cua'");
        assert_eq!(quoted("a'b\\'c"), "'a\\'b\\\\\\'c'");
    }
}

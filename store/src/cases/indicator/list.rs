//! Indicators as people look for them.

use super::IndicatorPlace;
use crate::cases::sql::{Row, sql};
use crate::cases::{Cases, Error};
use event::{Indicator, Time};

/// Which indicators are meant; what is empty does not matter.
#[derive(Clone, Debug, Default)]
pub struct IndicatorFilter {
    /// In the value, without regard to case.
    pub text: String,
    /// Of this kind.
    pub kind: String,
    /// Of this source.
    pub source: String,
}

/// How many indicators one source gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceCount {
    /// Who warns.
    pub source: String,
    /// How many.
    pub count: u64,
    /// How many of them no longer hold.
    pub expired: u64,
}

impl Cases {
    /// At most `limit` indicators that meet the filter, by value, and the place of the next; `None` after the last.
    ///
    /// # Errors
    /// The database refused.
    pub async fn find_indicators(
        &self,
        filter: &IndicatorFilter,
        after: Option<&IndicatorPlace>,
        limit: u32,
    ) -> Result<(Vec<Indicator>, Option<IndicatorPlace>), Error> {
        let (id, kind, value) = after.map_or(("", "", ""), |(id, kind, value)| (id, kind, value));
        let mut page = sql("SELECT id, kind, value, body FROM indicators WHERE (value, kind, id) > (");
        page.push_list([value, kind, id]).push(")");
        let text = filter.text.trim().to_lowercase().replace('!', "!!").replace('%', "!%").replace('_', "!_");
        if !text.is_empty() {
            page.push(" AND LOWER(value) LIKE ").push_bind(format!("%{text}%")).push(" ESCAPE '!'");
        }
        for (column, wanted) in [(" AND kind = ", &filter.kind), (" AND source = ", &filter.source)] {
            if !wanted.is_empty() {
                page.push(column).push_bind(wanted);
            }
        }
        page.push(" ORDER BY value, kind, id LIMIT ").push_bind(i64::from(limit));
        let rows = page.fetch_all(&self.read).await?;
        let mut found = Vec::with_capacity(rows.len());
        for row in &rows {
            let body: String = row.get(3)?;
            found.push(serde_json::from_str(&body).map_err(|_| Error::Corrupt("indicator"))?);
        }
        let last = rows.last().filter(|_| rows.len() == limit as usize);
        let next = last.map(|row| Ok::<_, Error>((row.get(0)?, row.get(1)?, row.get(2)?))).transpose()?;
        Ok((found, next))
    }

    /// The indicators with this id: one for each of its values.
    ///
    /// # Errors
    /// The database refused.
    pub async fn indicators_of(&self, id: &str) -> Result<Vec<Indicator>, Error> {
        let rows = sql("SELECT body FROM indicators WHERE id = $1 ORDER BY kind, value LIMIT 1000")
            .bind(id)
            .fetch_all(&self.read)
            .await?;
        let read = |row: &Row| {
            let body: String = row.get(0)?;
            serde_json::from_str(&body).map_err(|_| Error::Corrupt("indicator"))
        };
        rows.iter().map(read).collect()
    }

    /// How many each source gave, and how many of them no longer hold.
    ///
    /// # Errors
    /// The database refused.
    pub async fn indicator_sources(&self, now: Time) -> Result<Vec<SourceCount>, Error> {
        let rows = sql(
            "SELECT source, COUNT(*), SUM(CASE WHEN until_ms <= $1 THEN 1 ELSE 0 END) FROM indicators GROUP BY source \
             ORDER BY source LIMIT 1000",
        )
        .bind(now.0)
        .fetch_all(&self.read)
        .await?;
        let read = |row: &Row| {
            Ok(SourceCount {
                source: row.get(0)?,
                count: row.get::<i64>(1)?.unsigned_abs(),
                expired: row.get::<i64>(2)?.unsigned_abs(),
            })
        };
        rows.iter().map(read).collect()
    }
}

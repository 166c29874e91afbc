//! One incident with all that belongs to it.

use crate::cases::sql::{Row, sql};
use crate::cases::{Cases, Comment, Error, HistoryEntry, ReportingFacts, Summary, comment, list, reporting};
use event::Alert;

/// One incident with all that belongs to it.
#[derive(Clone, Debug)]
pub struct Detail {
    /// What the list shows.
    pub summary: Summary,
    /// Its alerts in order of time.
    pub alerts: Vec<Alert>,
    /// What people wrote, oldest first.
    pub comments: Vec<Comment>,
    /// What changed, oldest first.
    pub history: Vec<HistoryEntry>,
    /// What its reports depend on.
    pub reporting: ReportingFacts,
}

impl Cases {
    /// The incident with that number: its id and its number; those of the survivor if it was merged.
    ///
    /// # Errors
    /// The database refused.
    pub async fn numbered(&self, number: i64) -> Result<Option<(String, i64)>, Error> {
        let row = sql(
            "SELECT s.id, s.number FROM incidents i JOIN incidents s ON s.id = COALESCE(i.merged_into, i.id) \
             WHERE i.number = $1",
        )
        .bind(number)
        .fetch_optional(&self.read)
        .await?;
        row.map(|row| Ok((row.get(0)?, row.get(1)?))).transpose()
    }

    /// The incident with `id`; the survivor if it was merged.
    ///
    /// # Errors
    /// The database refused.
    pub async fn incident(&self, id: &str) -> Result<Option<Detail>, Error> {
        // One transaction, so that the parts belong to the same moment.
        let mut tx = self.read.begin_reading().await?;
        let Some(summary) = list::one(&mut tx, id).await? else { return Ok(None) };
        let rows = sql("SELECT body FROM alerts WHERE incident = $1 ORDER BY first_ms, id LIMIT $2")
            .bind(&summary.id)
            .bind(i64::from(self.config.alerts_per_incident_max))
            .fetch_all(&mut tx)
            .await?;
        let read = |row: &Row| serde_json::from_str(row.get(0)?).map_err(|_| Error::Corrupt("alert"));
        let alerts = rows.iter().map(read).collect::<Result<Vec<Alert>, Error>>()?;
        let comments = comment::comments(&mut tx, &summary.id).await?;
        let history = comment::history(&mut tx, &summary.id).await?;
        let reporting = reporting::facts(&mut tx, &summary.id).await?;
        Ok(Some(Detail { summary, alerts, comments, history, reporting }))
    }
}

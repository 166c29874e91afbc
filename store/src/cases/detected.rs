//! The incidents that were detected within a time, with what their alerts say, for figures over a period.

use super::sql::sql;
use super::{Cases, Error, Summary, list};
use event::Time;
use serde::Deserialize;
use std::collections::HashMap;

/// What figures need of an alert.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct AlertFigures {
    /// The rule's id.
    pub rule: String,
    /// The rule's Vietnamese title.
    pub title_vi: String,
    /// How many matches.
    pub count: u64,
    /// ATT&CK tags, as Sigma writes them.
    pub tags: Vec<String>,
}

impl Cases {
    /// The incidents detected from `from` until before `to`, without those of authorised scans and warnings, in
    /// the order of their numbers: at most the first `max`.
    ///
    /// # Errors
    /// The database refused.
    pub async fn detected(
        &self,
        from: Time,
        to: Time,
        max: u32,
    ) -> Result<Vec<(Summary, Vec<AlertFigures>)>, Error> {
        // One transaction, so that the parts belong to the same moment.
        let mut tx = self.read.begin_reading().await?;
        let found = list::detected(&mut tx, from, to, max).await?;
        let rows = sql(
            "SELECT a.incident, a.body FROM alerts a JOIN incidents i ON i.id = a.incident WHERE i.merged_into IS NULL AND \
             i.authorised IS NULL AND i.kind = 'attack' AND COALESCE(i.detected_ms, i.created_ms) >= $1 AND \
             COALESCE(i.detected_ms, i.created_ms) < $2 ORDER BY a.incident, a.first_ms, a.id",
        )
        .bind(from.0)
        .bind(to.0)
        .fetch_all(&mut tx)
        .await?;
        let mut alerts: HashMap<String, Vec<AlertFigures>> = HashMap::new();
        for row in &rows {
            let alert = serde_json::from_str(row.get(1)?).map_err(|_| Error::Corrupt("alert"))?;
            alerts.entry(row.get(0)?).or_default().push(alert);
        }
        Ok(found
            .into_iter()
            .map(|summary| {
                let alerts = alerts.remove(&summary.id).unwrap_or_default();
                (summary, alerts)
            })
            .collect())
    }
}

//! What people add to what is known of an incident, for its reports: a document whose meaning is the caller's.

use super::sql::sql;
use super::{Actor, Cases, Error, audit, list};

/// The largest document.
const BODY_BYTES_MAX: usize = 512 << 10;

impl Cases {
    /// What was added to the incident; `None` if nothing.
    ///
    /// # Errors
    /// The database refused.
    pub async fn particulars(&self, incident: &str) -> Result<Option<String>, Error> {
        let row = sql("SELECT body FROM particulars WHERE incident = $1")
            .bind(incident)
            .fetch_optional(&self.read)
            .await?;
        row.map(|row| row.get(0)).transpose()
    }

    /// Puts `body` in the place of what was added to the incident before.
    ///
    /// # Errors
    /// No such incident, or the document is too large.
    pub async fn set_particulars(&self, by: &Actor, incident: &str, body: &str) -> Result<(), Error> {
        if body.len() > BODY_BYTES_MAX {
            return Err(Error::Invalid(format!("particulars have at most {BODY_BYTES_MAX} bytes")));
        }
        let mut tx = self.begin().await?;
        let summary = list::one(&mut tx, incident).await?.ok_or(Error::Missing("incident"))?;
        sql(
            "INSERT INTO particulars (incident, body) VALUES ($1, $2) ON CONFLICT (incident) DO UPDATE SET body = $2",
        )
        .bind(&summary.id)
        .bind(body)
        .execute(&mut tx)
        .await?;
        audit::append(&mut tx, by, "incident.particulars", &summary.id, "done", "").await?;
        tx.commit().await?;
        Ok(())
    }
}

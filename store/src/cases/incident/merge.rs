//! Two incidents that turn out to be one.

use crate::cases::sql::sql;
use crate::cases::{Cases, Error, Tx, comment, reporting};
use event::Time;

impl Cases {
    /// Makes `absorbed` part of `survivor`: its alerts and comments move, and what people said of it is taken over
    /// where nobody has said anything of the survivor. False if there is nothing to do.
    pub(super) async fn merge(
        &self,
        tx: &mut Tx,
        absorbed: &str,
        survivor: &str,
        now: Time,
    ) -> Result<bool, Error> {
        let into = standing(tx, survivor).await?;
        let Some((into, into_number)) = into.filter(|into| into.0 != absorbed) else { return Ok(false) };
        let row = sql(
            "SELECT number, status, verdict, assignee FROM incidents WHERE id = $1 AND merged_into IS NULL",
        )
        .bind(absorbed)
        .fetch_optional(&mut *tx)
        .await?;
        let Some(row) = row else { return Ok(false) };
        let number: i64 = row.get(0)?;
        let (status, verdict): (String, Option<String>) = (row.get(1)?, row.get(2)?);
        let assignee: Option<String> = row.get(3)?;
        // The newest link wins, so that a chain of merges is never longer than one step.
        sql("UPDATE incidents SET merged_into = $2, updated_ms = $3 WHERE id = $1 OR merged_into = $1")
            .bind(absorbed)
            .bind(&into)
            .bind(now.0)
            .execute(&mut *tx)
            .await?;
        for statement in [
            "UPDATE alerts SET incident = $2 WHERE incident = $1",
            "UPDATE comments SET incident = $2 WHERE incident = $1",
        ] {
            sql(statement).bind(absorbed).bind(&into).execute(&mut *tx).await?;
        }
        sql(
            "UPDATE incidents SET comments_count = (SELECT COUNT(*) FROM comments WHERE incident = $1), updated_ms = $2 \
             WHERE id = $1",
        )
        .bind(&into)
        .bind(now.0)
        .execute(&mut *tx)
        .await?;
        let touched = status != "new" || assignee.is_some() || verdict.is_some();
        // A closed incident does not close the one that goes on.
        let status = if status == "closed" { "acknowledged".to_owned() } else { status };
        if touched {
            sql("UPDATE incidents SET status = $2, assignee = $3, version = version + 1 \
                 WHERE id = $1 AND status = 'new' AND assignee IS NULL AND verdict IS NULL")
            .bind(&into)
            .bind(status)
            .bind(assignee)
            .execute(&mut *tx)
            .await?;
        }
        reporting::merge(tx, &self.rules, absorbed, &into).await?;
        let (was, became) = (format!("#{number}"), format!("#{into_number}"));
        for incident in [absorbed, &into] {
            let mut note = comment::Note {
                incident,
                actor: "[correlator]",
                now,
                max: Some(self.config.history_per_incident_max),
            };
            note.write(tx, "merged", Some(&was), Some(&became)).await?;
        }
        Ok(true)
    }
}

/// The incident that `id` now is, and its number.
async fn standing(tx: &mut Tx, id: &str) -> Result<Option<(String, i64)>, Error> {
    let row = sql(
        "SELECT s.id, s.number FROM incidents i JOIN incidents s ON s.id = COALESCE(i.merged_into, i.id) WHERE i.id = $1",
    )
    .bind(id)
    .fetch_optional(&mut *tx)
    .await?;
    row.map(|row| Ok((row.get(0)?, row.get(1)?))).transpose()
}

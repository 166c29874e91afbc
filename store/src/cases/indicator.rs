//! Indicators that were taken in: kept as they came, read back whole by who matches events against them.

mod list;

pub use list::{IndicatorFilter, SourceCount};

use super::sql::sql;
use super::{Actor, Cases, Error, audit, stored};
use event::Indicator;

/// What a load of indicators did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Loaded {
    /// Values that were not there.
    pub new: u64,
    /// Values that are there in another form now.
    pub changed: u64,
    /// Values whose indicator was taken back.
    pub removed: u64,
}

/// The place after which the next page of indicators begins.
pub type IndicatorPlace = (String, String, String);

impl Cases {
    /// Takes indicators in, and out those whose ids are `revoked`, in one transaction with an entry of the trail. The same
    /// again changes nothing. At most `count_max` are kept.
    ///
    /// # Errors
    /// There would be too many, or the database refused; nothing is changed then.
    pub async fn load_indicators(
        &self,
        by: &Actor,
        from: &str,
        indicators: &[Indicator],
        revoked: &[String],
        count_max: u32,
    ) -> Result<Loaded, Error> {
        let mut tx = self.begin().await?;
        let row = sql("UPDATE indicators_state SET revision = revision + 1 WHERE one = 1 RETURNING count")
            .fetch_one(&mut tx)
            .await?;
        let mut count: i64 = row.get(0)?;
        let mut done = Loaded::default();
        for indicator in indicators {
            let body = serde_json::to_string(indicator).map_err(|_| Error::Corrupt("indicator"))?;
            let known = sql("SELECT body FROM indicators WHERE id = $1 AND kind = $2 AND value = $3")
                .bind(&indicator.id)
                .bind(indicator.kind.name())
                .bind(&indicator.value)
                .fetch_optional(&mut tx)
                .await?;
            match known.map(|row| row.get::<String>(0)).transpose()? {
                Some(same) if same == body => continue,
                Some(_) => done.changed += 1,
                None => (done.new, count) = (done.new + 1, count + 1),
            }
            sql(
                "INSERT INTO indicators (id, kind, value, body, source, until_ms) VALUES ($1, $2, $3, $4, $5, $6) \
                 ON CONFLICT (id, kind, value) DO UPDATE SET body = excluded.body, source = excluded.source, \
                 until_ms = excluded.until_ms",
            )
            .bind(&indicator.id)
            .bind(indicator.kind.name())
            .bind(&indicator.value)
            .bind(body)
            .bind(&indicator.source)
            .bind(indicator.valid_until.map(|until| until.0))
            .execute(&mut tx)
            .await?;
        }
        for id in revoked {
            let gone = sql("DELETE FROM indicators WHERE id = $1").bind(id).execute(&mut tx).await?;
            done.removed += gone;
        }
        count -= stored(usize::try_from(done.removed).unwrap_or(usize::MAX));
        if count > i64::from(count_max) {
            return Err(Error::Limit { what: "indicators", max: count_max });
        }
        if done == Loaded::default() {
            return Ok(done); // the revision stays: nobody need read them again
        }
        sql("UPDATE indicators_state SET count = $1 WHERE one = 1").bind(count).execute(&mut tx).await?;
        let detail = format!("{} new, {} changed, {} removed", done.new, done.changed, done.removed);
        audit::append(&mut tx, by, "indicators.load", from, "done", &detail).await?;
        tx.commit().await?;
        Ok(done)
    }

    /// A number that changes whenever the indicators do, and how many there are.
    ///
    /// # Errors
    /// The database refused.
    pub async fn indicators_revision(&self) -> Result<(i64, i64), Error> {
        let row =
            sql("SELECT revision, count FROM indicators_state WHERE one = 1").fetch_one(&self.read).await?;
        Ok((row.get(0)?, row.get(1)?))
    }

    /// At most `limit` indicators after a place, and the place of the next; `None` after the last.
    ///
    /// # Errors
    /// The database refused.
    pub async fn indicators(
        &self,
        after: Option<&IndicatorPlace>,
        limit: u32,
    ) -> Result<(Vec<Indicator>, Option<IndicatorPlace>), Error> {
        let (id, kind, value) = after.map_or(("", "", ""), |(id, kind, value)| (id, kind, value));
        let rows = sql("SELECT id, kind, value, body FROM indicators \
             WHERE id > $1 OR (id = $1 AND (kind > $2 OR (kind = $2 AND value > $3))) \
             ORDER BY id, kind, value LIMIT $4")
        .bind(id)
        .bind(kind)
        .bind(value)
        .bind(i64::from(limit))
        .fetch_all(&self.read)
        .await?;
        let mut found = Vec::with_capacity(rows.len());
        for row in &rows {
            let body: String = row.get(3)?;
            found.push(serde_json::from_str(&body).map_err(|_| Error::Corrupt("indicator"))?);
        }
        let last = rows.last().filter(|_| rows.len() == limit as usize);
        let next = last.map(|row| Ok::<_, Error>((row.get(0)?, row.get(1)?, row.get(2)?))).transpose()?;
        Ok((found, next))
    }
}

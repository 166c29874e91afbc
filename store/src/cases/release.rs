//! Which incidents others were let know of.

use super::incident::rank;
use super::sql::{Row, sql};
use super::{Actor, Cases, Error, audit};
use event::{Severity, Time, Tlp};

/// That others were let know of an incident.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Release {
    /// The id of the collection: the audience.
    pub collection: String,
    /// To whom they may show it.
    pub tlp: Tlp,
    /// When.
    pub time: Time,
    /// By whom.
    pub actor: String,
}

/// Which incidents a rule lets out.
#[derive(Clone, Debug)]
pub struct ReleaseFilter<'a> {
    /// The id of the collection that they go into.
    pub collection: &'a str,
    /// At least so bad.
    pub severity_min: Severity,
    /// Of a system of at least this level.
    pub level_min: u8,
    /// With an alert of this rule; of any if empty.
    pub rule: &'a str,
    /// With an event at or after this moment.
    pub since: Time,
    /// What was let out after this moment is not let out again yet.
    pub told_before: Time,
}

impl Cases {
    /// Writes down that an audience is let know of an incident, with an entry of the trail. What it was let know in before.
    ///
    /// # Errors
    /// The database refused.
    pub async fn put_release(
        &self,
        by: &Actor,
        incident: &str,
        collection: (&str, &str),
        tlp: Tlp,
    ) -> Result<Option<Tlp>, Error> {
        let (id, title) = collection;
        let mut tx = self.begin().await?;
        let row = sql("SELECT tlp FROM releases WHERE incident = $1 AND collection = $2")
            .bind(incident)
            .bind(id)
            .fetch_optional(&mut tx)
            .await?;
        let before = row.map(|row| row.get::<i64>(0)).transpose()?.map(colour).transpose()?;
        sql(
            "INSERT INTO releases (incident, collection, tlp, time_ms, actor) VALUES ($1, $2, $3, $4, $5) \
             ON CONFLICT (incident, collection) DO UPDATE SET tlp = excluded.tlp, time_ms = excluded.time_ms, \
             actor = excluded.actor",
        )
        .bind(incident)
        .bind(id)
        .bind(tlp as i64)
        .bind(by.now.0)
        .bind(&by.name)
        .execute(&mut tx)
        .await?;
        let named = |tlp: Tlp| format!("TLP:{}", tlp.name().to_uppercase());
        let mut detail = format!("{} to {title}", named(tlp));
        if let Some(before) = before.filter(|before| *before != tlp) {
            detail.push_str(&format!(", before {}", named(before)));
        }
        audit::append(&mut tx, by, "incident.release", incident, "done", &detail).await?;
        tx.commit().await?;
        Ok(before)
    }

    /// To whom the incident was released.
    ///
    /// # Errors
    /// The database refused.
    pub async fn releases(&self, incident: &str) -> Result<Vec<Release>, Error> {
        let rows = sql(
            "SELECT collection, tlp, time_ms, actor FROM releases WHERE incident = $1 ORDER BY time_ms DESC, collection",
        )
        .bind(incident)
        .fetch_all(&self.read)
        .await?;
        let read = |row: &Row| {
            Ok(Release {
                collection: row.get(0)?,
                tlp: colour(row.get(1)?)?,
                time: Time(row.get(2)?),
                actor: row.get(3)?,
            })
        };
        rows.iter().map(read).collect()
    }

    /// Incidents that a rule lets out and that were not, or changed since; at most 100, those that waited longest first.
    /// Never one of an authorised scan.
    ///
    /// # Errors
    /// The database refused.
    pub async fn to_release(&self, filter: &ReleaseFilter<'_>) -> Result<Vec<String>, Error> {
        // An alert is kept as JSON, in which its rule is written in this one way.
        let rule = filter.rule.replace('!', "!!").replace('%', "!%").replace('_', "!_");
        let rows = sql(
            "SELECT i.id FROM incidents i LEFT JOIN releases r ON r.incident = i.id AND r.collection = $1 \
             WHERE i.merged_into IS NULL AND i.authorised IS NULL AND i.severity >= $2 AND i.system_level >= $3 \
             AND i.last_ms >= $4 AND (r.time_ms IS NULL OR (r.time_ms < i.updated_ms AND r.time_ms < $5)) \
             AND ($6 = '' OR EXISTS (SELECT 1 FROM alerts a WHERE a.incident = i.id AND a.body LIKE $7 ESCAPE '!')) \
             ORDER BY i.updated_ms, i.id LIMIT 100",
        )
        .bind(filter.collection)
        .bind(rank(filter.severity_min))
        .bind(i64::from(filter.level_min))
        .bind(filter.since.0)
        .bind(filter.told_before.0)
        .bind(filter.rule)
        .bind(format!("%\"rule\":\"{rule}\"%"))
        .fetch_all(&self.read)
        .await?;
        rows.iter().map(|row| row.get(0)).collect()
    }
}

fn colour(tlp: i64) -> Result<Tlp, Error> {
    let tlp = usize::try_from(tlp).ok().and_then(|place| Tlp::ALL.get(place)).copied();
    tlp.ok_or(Error::Corrupt("TLP"))
}

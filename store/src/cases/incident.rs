//! Writing what the correlator found. People's facts beside it are never touched, save what a merge takes over.

mod detail;
mod merge;

pub use detail::Detail;

use super::sql::sql;
use super::{Cases, Error, Tx, comment, reporting, secret, stored};
use event::{Alert, Authorised, Incident, Severity, Time};
use std::collections::{HashMap, HashSet};
use uuid::Uuid;

/// What a batch did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Upserted {
    /// Incidents seen for the first time.
    pub created: u64,
    /// Incidents that changed.
    pub updated: u64,
    /// Incidents that became part of another.
    pub merged: u64,
}

struct Known {
    number: i64,
    digest: String,
    severity_found: i64,
    severity_set: Option<i64>,
    events_count: i64,
    status: String,
    merged_into: Option<String>,
    updated_after_close: i64,
    authorised: Option<String>,
}

impl Cases {
    /// Writes a batch in one transaction: every incident as it now stands (with all its alerts), then the pairs
    /// (absorbed, survivor) of incidents that turned out to be one. The same batch again changes nothing.
    ///
    /// Status, verdict, assignee, a severity that people set, and the version stay as they are. A closed incident
    /// that gains events stays closed; `updated_after_close` is raised and its history says so. An incident that was
    /// merged before is left alone: its survivor has its alerts.
    ///
    /// # Errors
    /// The database refused; nothing of the batch is written then.
    pub async fn upsert_incidents(
        &self,
        incidents: &[Incident],
        merged: &[(Uuid, Uuid)],
        now: Time,
    ) -> Result<Upserted, Error> {
        let mut done = Upserted::default();
        let mut tx = self.begin().await?;
        let row = sql("SELECT COALESCE(MAX(number), 0) FROM incidents").fetch_one(&mut tx).await?;
        let mut number: i64 = row.get(0)?;
        for incident in incidents {
            let id = incident.id.to_string();
            let columns = Columns::of(incident, self.config.alerts_per_incident_max as usize)?;
            match known(&mut tx, &id).await? {
                None => {
                    number += 1;
                    insert(&mut tx, &id, number, incident, &columns, now).await?;
                    done.created += 1;
                }
                Some(known) if known.merged_into.is_some() || known.digest == columns.digest => continue,
                Some(known) => {
                    self.update(&mut tx, &id, &known, incident, &columns, now).await?;
                    done.updated += 1;
                }
            }
            write_alerts(&mut tx, &id, incident, &columns.alerts).await?;
            reporting::refresh(&mut tx, &self.rules, &id).await?;
        }
        for (absorbed, survivor) in merged {
            done.merged +=
                u64::from(self.merge(&mut tx, &absorbed.to_string(), &survivor.to_string(), now).await?);
        }
        tx.commit().await?;
        Ok(done)
    }

    /// Takes out alerts that late events made part of others: an incident that was merged may have brought them along.
    ///
    /// # Errors
    /// The database refused; none is taken out then.
    pub async fn remove_alerts(&self, superseded: impl Iterator<Item = Uuid>) -> Result<(), Error> {
        let mut tx = self.begin().await?;
        for id in superseded {
            sql("DELETE FROM alerts WHERE id = $1").bind(id.to_string()).execute(&mut tx).await?;
        }
        tx.commit().await
    }

    async fn update(
        &self,
        tx: &mut Tx,
        id: &str,
        known: &Known,
        incident: &Incident,
        columns: &Columns,
        now: Time,
    ) -> Result<(), Error> {
        let severity = known.severity_set.unwrap_or(rank(incident.severity));
        let grew = columns.events_count > known.events_count;
        let after_close = known.status == "closed" && grew;
        sql(
            "UPDATE incidents SET title = $2, title_vi = $3, severity_found = $4, severity = $5, stage = $6, unit = $7, \
             system = $8, system_level = $9, first_ms = $10, last_ms = $11, entities = $12, search = $13, \
             alerts_count = $14, events_count = $15, digest = $16, updated_ms = $17, updated_after_close = $18, \
             authorised = $19 WHERE id = $1",
        )
        .bind(id)
        .bind(&incident.title)
        .bind(&incident.title_vi)
        .bind(rank(incident.severity))
        .bind(severity)
        .bind(&columns.stage)
        .bind(&incident.unit)
        .bind(&incident.system)
        .bind(i64::from(incident.system_level))
        .bind(incident.first.0)
        .bind(incident.last.0)
        .bind(&columns.entities)
        .bind(search_text(incident, known.number))
        .bind(columns.alerts_count)
        .bind(columns.events_count)
        .bind(&columns.digest)
        .bind(now.0)
        .bind(if after_close { 1 } else { known.updated_after_close })
        .bind(&columns.authorised)
        .execute(&mut *tx)
        .await?;
        let mut note = comment::Note {
            incident: id,
            actor: "[correlator]",
            now,
            max: Some(self.config.history_per_incident_max),
        };
        if known.severity_found != rank(incident.severity) {
            let was = by_rank(known.severity_found)?.name();
            note.write(tx, "severity_found", Some(was), Some(incident.severity.name())).await?;
        }
        if known.authorised.is_some() != columns.authorised.is_some() {
            let was = known.authorised.as_deref().map(authorised).transpose()?.map(|was| was.title);
            let became = incident.authorised.as_ref().map(|became| became.title.as_str());
            note.write(tx, "authorised", was.as_deref(), became).await?;
        }
        if after_close && known.updated_after_close == 0 {
            let (was, became) = (known.events_count.to_string(), columns.events_count.to_string());
            note.write(tx, "events_after_close", Some(&was), Some(&became)).await?;
        }
        Ok(())
    }
}

/// What the row holds that is computed, and the alerts that are kept.
struct Columns {
    stage: String,
    entities: String,
    authorised: Option<String>,
    alerts_count: i64,
    events_count: i64,
    digest: String,
    alerts: Vec<AlertRow>,
}

struct AlertRow {
    id: String,
    first: i64,
    digest: String,
    body: String,
}

impl Columns {
    fn of(incident: &Incident, alerts_max: usize) -> Result<Columns, Error> {
        let unreadable = |_| Error::Corrupt("incident");
        let row = |alert: &Alert| {
            let body = serde_json::to_string(alert).map_err(unreadable)?;
            let digest = secret::digest(&[body.as_bytes()]);
            Ok::<_, Error>(AlertRow { id: alert.id.to_string(), first: alert.first.0, digest, body })
        };
        let alerts = incident.alerts.iter().take(alerts_max).map(row).collect::<Result<Vec<_>, _>>()?;
        let entities = serde_json::to_string(&incident.entities).map_err(unreadable)?;
        let stage = serde_json::to_string(&incident.stage).map_err(unreadable)?.trim_matches('"').to_owned();
        let authorised = incident.authorised.as_ref().map(serde_json::to_string).transpose();
        let authorised = authorised.map_err(unreadable)?;
        let events = incident.alerts.iter().fold(0u64, |sum, alert| sum.saturating_add(alert.count));
        let alerts_count = stored(incident.alerts.len());
        let facts = serde_json::to_vec(&(
            (&incident.title, &incident.title_vi, incident.severity, &stage, &entities),
            (&incident.unit, &incident.system, incident.system_level, incident.first, incident.last),
            (alerts_count, events, &authorised),
        ));
        let facts = facts.map_err(unreadable)?;
        let mut parts: Vec<&[u8]> = vec![&facts];
        parts.extend(alerts.iter().map(|alert| alert.digest.as_bytes()));
        let digest = secret::digest(&parts);
        let events_count = i64::try_from(events).unwrap_or(i64::MAX);
        Ok(Columns { stage, entities, authorised, alerts_count, events_count, digest, alerts })
    }
}

async fn known(tx: &mut Tx, id: &str) -> Result<Option<Known>, Error> {
    let row = sql(
        "SELECT number, digest, severity_found, severity_set, events_count, status, merged_into, updated_after_close, authorised \
         FROM incidents WHERE id = $1",
    )
    .bind(id)
    .fetch_optional(&mut *tx)
    .await?;
    let Some(row) = row else { return Ok(None) };
    Ok(Some(Known {
        number: row.get(0)?,
        digest: row.get(1)?,
        severity_found: row.get(2)?,
        severity_set: row.get(3)?,
        events_count: row.get(4)?,
        status: row.get(5)?,
        merged_into: row.get(6)?,
        updated_after_close: row.get(7)?,
        authorised: row.get(8)?,
    }))
}

async fn insert(
    tx: &mut Tx,
    id: &str,
    number: i64,
    incident: &Incident,
    columns: &Columns,
    now: Time,
) -> Result<(), Error> {
    sql(
        "INSERT INTO incidents (id, number, title, title_vi, severity_found, severity_set, severity, stage, unit, system, \
         system_level, first_ms, last_ms, entities, search, alerts_count, events_count, comments_count, history_count, \
         digest, merged_into, status, verdict, assignee, updated_after_close, version, created_ms, updated_ms, authorised) \
         VALUES ($1, $2, $3, $4, $5, NULL, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, 0, 1, $16, NULL, 'new', \
         NULL, NULL, 0, 1, $17, $17, $18)",
    )
    .bind(id)
    .bind(number)
    .bind(&incident.title)
    .bind(&incident.title_vi)
    .bind(rank(incident.severity))
    .bind(&columns.stage)
    .bind(&incident.unit)
    .bind(&incident.system)
    .bind(i64::from(incident.system_level))
    .bind(incident.first.0)
    .bind(incident.last.0)
    .bind(&columns.entities)
    .bind(search_text(incident, number))
    .bind(columns.alerts_count)
    .bind(columns.events_count)
    .bind(&columns.digest)
    .bind(now.0)
    .bind(&columns.authorised)
    .execute(&mut *tx)
    .await?;
    sql("INSERT INTO history (incident, place, time_ms, actor, change) VALUES ($1, 1, $2, '[correlator]', 'created')")
        .bind(id)
        .bind(now.0)
        .execute(&mut *tx)
        .await?;
    Ok(())
}

/// Writes the alerts that changed: a long incident grows by one alert at a time.
///
/// Takes out those that late events made part of another. Alerts from before the incident's first stay: after a
/// restart the correlator no longer knows them, which does not make them untrue.
async fn write_alerts(tx: &mut Tx, id: &str, incident: &Incident, alerts: &[AlertRow]) -> Result<(), Error> {
    let rows = sql("SELECT id, digest, first_ms FROM alerts WHERE incident = $1")
        .bind(id)
        .fetch_all(&mut *tx)
        .await?;
    let given: HashSet<String> = incident.alerts.iter().map(|alert| alert.id.to_string()).collect();
    let mut known = HashMap::with_capacity(rows.len());
    for row in &rows {
        let (alert, digest): (String, String) = (row.get(0)?, row.get(1)?);
        if !given.contains(&alert) && row.get::<i64>(2)? >= incident.first.0 {
            sql("DELETE FROM alerts WHERE id = $1").bind(&alert).execute(&mut *tx).await?;
        }
        known.insert(alert, digest);
    }
    for alert in alerts.iter().filter(|alert| known.get(&alert.id) != Some(&alert.digest)) {
        // An alert whose incident was merged comes from another row: it moves.
        sql("INSERT INTO alerts (id, incident, first_ms, digest, body) VALUES ($1, $2, $3, $4, $5) \
             ON CONFLICT (id) DO UPDATE SET incident = excluded.incident, first_ms = excluded.first_ms, \
             digest = excluded.digest, body = excluded.body")
        .bind(&alert.id)
        .bind(id)
        .bind(alert.first)
        .bind(&alert.digest)
        .bind(&alert.body)
        .execute(&mut *tx)
        .await?;
    }
    Ok(())
}

/// What a search looks through, in lower case: `LIKE` of either database knows only ASCII's.
fn search_text(incident: &Incident, number: i64) -> String {
    let mut text =
        format!("#{number} {} {} {} {}", incident.title, incident.title_vi, incident.unit, incident.system);
    for entity in incident.entities.iter().take(200) {
        text.push(' ');
        text.push_str(&entity.name);
    }
    text.to_lowercase()
}

/// An authorisation as the database keeps it.
pub(super) fn authorised(text: &str) -> Result<Authorised, Error> {
    serde_json::from_str(text).map_err(|_| Error::Corrupt("authorisation"))
}

/// A severity as the database sorts it.
pub(super) fn rank(severity: Severity) -> i64 {
    match severity {
        Severity::Informational => 0,
        Severity::Low => 1,
        Severity::Medium => 2,
        Severity::High => 3,
        Severity::Critical => 4,
    }
}

pub(super) fn by_rank(rank: i64) -> Result<Severity, Error> {
    Ok(match rank {
        0 => Severity::Informational,
        1 => Severity::Low,
        2 => Severity::Medium,
        3 => Severity::High,
        4 => Severity::Critical,
        _ => return Err(Error::Corrupt("severity")),
    })
}

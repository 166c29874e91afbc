//! Warnings of others: what a centre tells us to look after, and what each unit that it concerns did about it.

use super::sql::{Row, sql};
use super::{Actor, Cases, Error, audit, list, secret};
use event::{Entity, EntityKind, Incident, Severity, Stage, Time, Tlp};
use std::collections::BTreeMap;

/// Units of one warning.
const UNITS_MAX: usize = 2000;
/// The longest text, title and note, in characters.
const TEXT_MAX: usize = 20_000;
const TITLE_MAX: usize = 300;
const NOTE_MAX: usize = 2000;

/// A warning that came in.
#[derive(Clone, Debug)]
pub struct NewWarning {
    /// Who warns, and what they call it: the same again changes nothing but adds units.
    pub key: String,
    /// Who warns.
    pub source: String,
    /// What it is about.
    pub title: String,
    /// What they say.
    pub text: String,
    /// How bad it is.
    pub severity: Severity,
    /// To whom it may be shown.
    pub tlp: Tlp,
    /// How many indicators came with it.
    pub indicators: u64,
    /// The units that it concerns.
    pub units: Vec<Concerned>,
}

/// A unit that a warning concerns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Concerned {
    /// Its id.
    pub unit: String,
    /// What it is called.
    pub name: String,
    /// How many of its events met an indicator; 0 if a person named it.
    pub events: u64,
}

/// What a unit has to do about a warning.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Task {
    /// The unit's id.
    pub unit: String,
    /// What it is called.
    pub name: String,
    /// How many of its events met an indicator; 0 if a person named it.
    pub events: u64,
    /// Since when.
    pub made: Time,
    /// Who first read it, and when.
    pub read: Option<(String, Time)>,
    /// Who did it, and when.
    pub done: Option<(String, Time)>,
    /// What was done.
    pub note: String,
}

/// A warning and its tasks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// The id of its incident.
    pub incident: String,
    /// The number that people use.
    pub number: i64,
    /// Who warns.
    pub source: String,
    /// What it is about.
    pub title: String,
    /// What they say.
    pub text: String,
    /// How bad it is.
    pub severity: Severity,
    /// To whom it may be shown.
    pub tlp: Tlp,
    /// When it came.
    pub made: Time,
    /// How many indicators came with it.
    pub indicators: u64,
    /// What each unit has to do.
    pub tasks: Vec<Task>,
}

/// What is done with a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TaskAct {
    /// It was read.
    Read,
    /// It was done.
    Done,
}

impl Cases {
    /// Takes a warning in: an incident of its own and a task for each unit. One that is there already gains the units that it
    /// lacks. Answers the incident's id.
    ///
    /// # Errors
    /// A text is empty or too long, there are too many units, or the database refused.
    pub async fn add_warning(&self, by: &Actor, new: &NewWarning) -> Result<String, Error> {
        check(new)?;
        let digest = secret::digest(&[b"warning", new.source.as_bytes(), new.key.as_bytes()]);
        let id = uuid::Uuid::new_v5(&uuid::Uuid::NAMESPACE_OID, digest.as_bytes());
        let known = list::one(&mut self.read.begin_reading().await?, &id.to_string()).await?.is_some();
        if !known {
            self.upsert_incidents(&[incident(id, new, by.now)], &[], by.now).await?;
        }
        let id = id.to_string();
        let mut tx = self.begin().await?;
        sql("UPDATE incidents SET kind = 'warning' WHERE id = $1").bind(&id).execute(&mut tx).await?;
        sql("INSERT INTO warnings (incident, source, text, tlp, made_ms, actor, indicators) \
             VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (incident) DO UPDATE SET text = excluded.text, \
             indicators = excluded.indicators")
        .bind(&id)
        .bind(&new.source)
        .bind(&new.text)
        .bind(new.tlp as i64)
        .bind(by.now.0)
        .bind(&by.name)
        .bind(i64::try_from(new.indicators).unwrap_or(i64::MAX))
        .execute(&mut tx)
        .await?;
        let mut added = 0;
        for unit in &new.units {
            let done = sql(
                "INSERT INTO tasks (incident, unit, name, events, made_ms, note) VALUES ($1, $2, $3, $4, $5, '') \
                 ON CONFLICT (incident, unit) DO NOTHING",
            )
            .bind(&id)
            .bind(&unit.unit)
            .bind(&unit.name)
            .bind(i64::try_from(unit.events).unwrap_or(i64::MAX))
            .bind(by.now.0)
            .execute(&mut tx)
            .await?;
            added += done;
        }
        if !known || added > 0 {
            let tlp = new.tlp.name().to_uppercase();
            let detail =
                format!("from {}, TLP:{tlp}, {} indicators, {added} units", new.source, new.indicators);
            audit::append(&mut tx, by, "warning.add", &id, "done", &detail).await?;
        }
        tx.commit().await?;
        Ok(id)
    }

    /// Writes down that a unit's task was read or done. Who was first stays.
    ///
    /// # Errors
    /// There is no such task, or it is done already.
    pub async fn act_on_task(
        &self,
        by: &Actor,
        incident: &str,
        unit: &str,
        act: TaskAct,
        note: &str,
    ) -> Result<(), Error> {
        if note.chars().count() > NOTE_MAX {
            return Err(Error::Invalid(format!("a note has at most {NOTE_MAX} characters")));
        }
        let mut tx = self.begin().await?;
        let row = sql("SELECT read_ms, done_ms FROM tasks WHERE incident = $1 AND unit = $2")
            .bind(incident)
            .bind(unit)
            .fetch_optional(&mut tx)
            .await?;
        let row = row.ok_or(Error::Missing("task"))?;
        let (read, done): (Option<i64>, Option<i64>) = (row.get(0)?, row.get(1)?);
        if done.is_some() {
            return Err(Error::Invalid("it is done already".to_owned()));
        }
        if act == TaskAct::Read && read.is_some() {
            return Ok(());
        }
        let is_done = act == TaskAct::Done;
        sql(
            "UPDATE tasks SET read_ms = COALESCE(read_ms, $3), read_by = COALESCE(read_by, $4), done_ms = $5, done_by = $6, \
             note = $7 WHERE incident = $1 AND unit = $2",
        )
        .bind(incident)
        .bind(unit)
        .bind(by.now.0)
        .bind(&by.name)
        .bind(is_done.then_some(by.now.0))
        .bind(is_done.then_some(by.name.as_str()))
        .bind(note)
        .execute(&mut tx)
        .await?;
        let action = if is_done { "warning.done" } else { "warning.read" };
        audit::append(&mut tx, by, action, &format!("{incident}/{unit}"), "done", note).await?;
        tx.commit().await
    }

    /// The newest warnings with their tasks, at most `limit`; one if `incident` is given.
    ///
    /// # Errors
    /// The database refused.
    pub async fn warnings(&self, incident: Option<&str>, limit: u32) -> Result<Vec<Warning>, Error> {
        let mut tx = self.read.begin_reading().await?;
        let rows = sql(
            "SELECT w.incident, i.number, w.source, i.title, w.text, i.severity, w.tlp, w.made_ms, w.indicators \
             FROM warnings w JOIN incidents i ON i.id = w.incident WHERE $1 = '' OR w.incident = $1 \
             ORDER BY w.made_ms DESC, w.incident LIMIT $2",
        )
        .bind(incident.unwrap_or_default())
        .bind(i64::from(limit))
        .fetch_all(&mut tx)
        .await?;
        let mut warnings = Vec::with_capacity(rows.len());
        for row in &rows {
            let tlp: i64 = row.get(6)?;
            let tlp = usize::try_from(tlp).ok().and_then(|place| Tlp::ALL.get(place)).copied();
            warnings.push(Warning {
                incident: row.get(0)?,
                number: row.get(1)?,
                source: row.get(2)?,
                title: row.get(3)?,
                text: row.get(4)?,
                severity: super::incident::by_rank(row.get(5)?)?,
                tlp: tlp.ok_or(Error::Corrupt("TLP"))?,
                made: Time(row.get(7)?),
                indicators: row.get::<i64>(8)?.unsigned_abs(),
                tasks: Vec::new(),
            });
        }
        let places: BTreeMap<String, usize> =
            warnings.iter().enumerate().map(|(place, one)| (one.incident.clone(), place)).collect();
        for id in places.keys() {
            let rows = sql(
                "SELECT unit, name, events, made_ms, read_by, read_ms, done_by, done_ms, note FROM tasks WHERE incident = $1 \
                 ORDER BY unit",
            )
            .bind(id)
            .fetch_all(&mut tx)
            .await?;
            let tasks = rows.iter().map(task).collect::<Result<Vec<_>, Error>>()?;
            if let Some(warning) = places.get(id).and_then(|place| warnings.get_mut(*place)) {
                warning.tasks = tasks;
            }
        }
        Ok(warnings)
    }
}

/// The incident that a warning is worked on as.
fn incident(id: uuid::Uuid, new: &NewWarning, now: Time) -> Incident {
    let named = |unit: &Concerned| Entity { kind: EntityKind::Unit, name: unit.unit.clone() };
    let only = match new.units.as_slice() {
        [one] => one.unit.clone(),
        _ => String::new(),
    };
    Incident {
        id,
        title: new.title.clone(),
        title_vi: new.title.clone(),
        severity: new.severity,
        stage: Stage::Access,
        first: now,
        last: now,
        entities: new.units.iter().take(100).map(named).collect(),
        unit: only,
        system: String::new(),
        system_level: 0,
        alerts: Vec::new(),
        authorised: None,
    }
}

fn task(row: &Row) -> Result<Task, Error> {
    let who = |name: usize, time: usize| -> Result<Option<(String, Time)>, Error> {
        let (name, time): (Option<String>, Option<i64>) = (row.get(name)?, row.get(time)?);
        Ok(name.zip(time.map(Time)))
    };
    Ok(Task {
        unit: row.get(0)?,
        name: row.get(1)?,
        events: row.get::<i64>(2)?.unsigned_abs(),
        made: Time(row.get(3)?),
        read: who(4, 5)?,
        done: who(6, 7)?,
        note: row.get(8)?,
    })
}

fn check(new: &NewWarning) -> Result<(), Error> {
    let long = |text: &str, max: usize| text.trim().is_empty() || text.chars().count() > max;
    if long(&new.title, TITLE_MAX) || long(&new.source, TITLE_MAX) {
        return Err(Error::Invalid(format!("`title` and `source` have 1 to {TITLE_MAX} characters")));
    }
    if new.text.chars().count() > TEXT_MAX {
        return Err(Error::Invalid(format!("`text` has at most {TEXT_MAX} characters")));
    }
    if new.units.len() > UNITS_MAX {
        return Err(Error::Invalid(format!("a warning concerns at most {UNITS_MAX} units")));
    }
    Ok(())
}

//! What of an incident is to be reported: its class, what was reported, and when the next report is late.
//!
//! `due_ms` is worked out anew with every change of what it depends on, in the same transaction, so that the queue can be
//! sorted by it; what the rules say in full is worked out when it is shown.

use super::incident::by_rank;
use super::sql::sql;
use super::{Actor, Cases, Error, Tx, audit, comment, list};
use compliance::{Facts, IncidentFacts, RuleSets};
use event::{Stage, Time};
use serde::Serialize;

/// A class that a person gave.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ChosenClass {
    /// The rule set.
    pub rule_set: String,
    /// The class.
    pub class: String,
    /// Why.
    pub reason: String,
    /// Who.
    pub actor: String,
    /// When.
    pub time: Time,
}

/// A report that was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ReportMade {
    /// For which deadline.
    pub deadline: String,
    /// To whom.
    pub recipient: String,
    /// When.
    pub reported: Time,
    /// The number of the document, if there is one.
    pub document: String,
    /// Who wrote it down.
    pub actor: String,
    /// When.
    pub time: Time,
}

/// All of an incident that its reports depend on.
#[derive(Clone, Debug)]
pub struct ReportingFacts {
    /// What the rules ask for.
    pub facts: Facts,
    /// Classes that people gave.
    pub classes: Vec<ChosenClass>,
    /// Reports that were made.
    pub reports: Vec<ReportMade>,
}

/// The longest reason and name of a document, in characters.
const TEXT_MAX: usize = 1000;

impl Cases {
    /// The rules of law in force.
    #[must_use]
    pub fn rule_sets(&self) -> &RuleSets {
        &self.rules
    }

    /// Gives an incident a class in a rule set, or takes it back.
    ///
    /// # Errors
    /// No such incident, rule set or class; no reason.
    pub async fn set_class(
        &self,
        by: &Actor,
        incident: &str,
        rule_set: &str,
        class: Option<&str>,
        reason: &str,
    ) -> Result<(), Error> {
        let reason = text("a reason", reason, 1)?;
        let set = self.rules.by_id(rule_set).ok_or(Error::Missing("rule set"))?;
        if let Some(class) = class.filter(|class| set.classes.iter().all(|known| known.id != *class)) {
            return Err(Error::Invalid(format!("`{class}` is none of the classes of {rule_set}")));
        }
        let mut tx = self.begin().await?;
        let summary = list::one(&mut tx, incident).await?.ok_or(Error::Missing("incident"))?;
        let facts = facts(&mut tx, &summary.id).await?;
        let was = facts.classes.iter().find(|one| one.rule_set == rule_set).map(|one| one.class.as_str());
        sql("DELETE FROM incident_classes WHERE incident = $1 AND rule_set = $2")
            .bind(&summary.id)
            .bind(rule_set)
            .execute(&mut tx)
            .await?;
        if let Some(class) = class {
            sql("INSERT INTO incident_classes (incident, rule_set, class, reason, actor, time_ms) VALUES ($1, $2, $3, $4, $5, $6)")
                .bind(&summary.id)
                .bind(rule_set)
                .bind(class)
                .bind(reason)
                .bind(&by.name)
                .bind(by.now.0)
                .execute(&mut tx)
                .await?;
        }
        let mut note = comment::Note { incident: &summary.id, actor: &by.name, now: by.now, max: None };
        note.write(&mut tx, "class", was, class).await?;
        let detail =
            format!("{rule_set}: {} -> {}: {reason}", was.unwrap_or("none"), class.unwrap_or("none"));
        audit::append(&mut tx, by, "incident.class", &summary.id, "done", &detail).await?;
        refresh(&mut tx, &self.rules, &summary.id).await?;
        tx.commit().await
    }

    /// Notes that a report was made, or corrects what was noted.
    ///
    /// # Errors
    /// No such incident; nothing of that kind is to be reported of it; a time before the incident or after now.
    pub async fn report_made(
        &self,
        by: &Actor,
        incident: &str,
        (deadline, recipient): (&str, &str),
        reported: Time,
        document: &str,
    ) -> Result<(), Error> {
        let document = text("the document", document, 0)?;
        let mut tx = self.begin().await?;
        let summary = list::one(&mut tx, incident).await?.ok_or(Error::Missing("incident"))?;
        let facts = facts(&mut tx, &summary.id).await?;
        let owed = self.rules.reporting(&facts.facts, by.now);
        if !owed.deadlines.iter().any(|one| one.rule.id == deadline && one.to == recipient) {
            return Err(Error::Invalid(format!(
                "`{deadline}` is not to be reported to `{recipient}` of this incident"
            )));
        }
        if reported > by.now {
            return Err(Error::Invalid("the time of the report has not come yet".to_owned()));
        }
        if reported < summary.first {
            return Err(Error::Invalid("the report is older than the incident".to_owned()));
        }
        sql("INSERT INTO incident_reports (incident, deadline, recipient, reported_ms, document, actor, time_ms) \
             VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (incident, deadline, recipient) DO UPDATE SET \
             reported_ms = excluded.reported_ms, document = excluded.document, actor = excluded.actor, time_ms = excluded.time_ms")
            .bind(&summary.id)
            .bind(deadline)
            .bind(recipient)
            .bind(reported.0)
            .bind(document)
            .bind(&by.name)
            .bind(by.now.0)
            .execute(&mut tx)
            .await?;
        let was = facts.reports.iter().find(|one| one.deadline == deadline && one.recipient == recipient);
        let was = was.map(|one| format!("{deadline} → {recipient}: {}", one.reported));
        let became = format!("{deadline} → {recipient}: {reported}");
        let mut note = comment::Note { incident: &summary.id, actor: &by.name, now: by.now, max: None };
        note.write(&mut tx, "reported", was.as_deref(), Some(&became)).await?;
        let detail = format!("{became} {document}");
        audit::append(&mut tx, by, "incident.report", &summary.id, "done", detail.trim()).await?;
        refresh(&mut tx, &self.rules, &summary.id).await?;
        tx.commit().await
    }

    /// Works out anew when reports are late, of incidents for which that was done by other rules. At the start.
    ///
    /// # Errors
    /// The database refused.
    pub async fn refresh_due(&self) -> Result<u64, Error> {
        let mut done = 0;
        loop {
            let mut tx = self.begin().await?;
            let rows = sql("SELECT id FROM incidents WHERE due_rules IS NULL OR due_rules <> $1 ORDER BY number LIMIT 500")
                .bind(digest(&self.rules))
                .fetch_all(&mut tx)
                .await?;
            if rows.is_empty() {
                return Ok(done);
            }
            for row in &rows {
                let id: String = row.get(0)?;
                refresh(&mut tx, &self.rules, &id).await?;
                done += 1;
            }
            tx.commit().await?;
        }
    }

    /// How many incidents owe a report, and how many of those are late.
    ///
    /// # Errors
    /// The database refused.
    pub async fn reports_owed(&self, now: Time) -> Result<(u64, u64), Error> {
        let row = sql("SELECT COUNT(due_ms), COUNT(CASE WHEN due_ms < $1 THEN 1 END) FROM incidents WHERE merged_into IS NULL")
            .bind(late_before(now))
            .fetch_one(&self.read)
            .await?;
        Ok((row.get::<i64>(0)?.unsigned_abs(), row.get::<i64>(1)?.unsigned_abs()))
    }

    /// Incidents noticed within these moments, for measures; at most 100,000.
    ///
    /// # Errors
    /// The database refused.
    pub async fn incident_facts(&self, from: Time, to: Time) -> Result<Vec<IncidentFacts>, Error> {
        let mut tx = self.read.begin_reading().await?;
        let rows = sql("SELECT id, number, unit, system FROM incidents WHERE merged_into IS NULL AND authorised IS NULL \
             AND COALESCE(detected_ms, created_ms) >= $1 AND COALESCE(detected_ms, created_ms) < $2 ORDER BY number LIMIT 100000")
            .bind(from.0)
            .bind(to.0)
            .fetch_all(&mut tx)
            .await?;
        let mut found = Vec::with_capacity(rows.len());
        for row in &rows {
            let id: String = row.get(0)?;
            let facts = facts(&mut tx, &id).await?.facts;
            found.push(IncidentFacts {
                id,
                number: row.get(1)?,
                unit: row.get(2)?,
                system: row.get(3)?,
                facts,
            });
        }
        Ok(found)
    }
}

/// `due_ms` below this is late at `now`: a report counts to the minute.
pub(super) fn late_before(now: Time) -> i64 {
    now.0.div_euclid(60_000) * 60_000
}

fn digest(rules: &RuleSets) -> String {
    format!("{:016x}", rules.digest())
}

fn text<'t>(what: &str, text: &'t str, least: usize) -> Result<&'t str, Error> {
    let text = text.trim();
    if !(least..=TEXT_MAX).contains(&text.chars().count()) {
        return Err(Error::Invalid(format!("{what} has {least} to {TEXT_MAX} characters")));
    }
    Ok(text)
}

/// What an incident's reports depend on.
pub(super) async fn facts(tx: &mut Tx, id: &str) -> Result<ReportingFacts, Error> {
    let row = sql("SELECT severity, system_level, stage, verdict, authorised, merged_into, COALESCE(detected_ms, created_ms), kind \
         FROM incidents WHERE id = $1")
        .bind(id)
        .fetch_optional(&mut *tx)
        .await?
        .ok_or(Error::Missing("incident"))?;
    let stage: String = row.get(2)?;
    let (verdict, authorised): (Option<String>, Option<String>) = (row.get(3)?, row.get(4)?);
    let merged: Option<String> = row.get(5)?;
    // What somebody warns of has not happened here.
    let is_warning = row.get::<String>(7)? == "warning";
    let is_none = is_warning || matches!(verdict.as_deref(), Some("false_positive" | "benign"));
    let classes = classes(tx, id).await?;
    let reports = reports(tx, id).await?;
    let facts = Facts {
        detected: Time(row.get(6)?),
        severity: by_rank(row.get(0)?)?,
        level: u8::try_from(row.get::<i64>(1)?).unwrap_or(0),
        stage: serde_json::from_value::<Stage>(stage.into()).map_err(|_| Error::Corrupt("stage"))?,
        is_incident: !is_none && authorised.is_none() && merged.is_none(),
        chosen: classes.iter().map(|one| (one.rule_set.clone(), one.class.clone())).collect(),
        reported: reports
            .iter()
            .map(|one| (one.deadline.clone(), one.recipient.clone(), one.reported))
            .collect(),
    };
    Ok(ReportingFacts { facts, classes, reports })
}

async fn classes(tx: &mut Tx, id: &str) -> Result<Vec<ChosenClass>, Error> {
    let rows = sql("SELECT rule_set, class, reason, actor, time_ms FROM incident_classes WHERE incident = $1 ORDER BY rule_set")
        .bind(id)
        .fetch_all(&mut *tx)
        .await?;
    let mut found = Vec::with_capacity(rows.len());
    for row in &rows {
        found.push(ChosenClass {
            rule_set: row.get(0)?,
            class: row.get(1)?,
            reason: row.get(2)?,
            actor: row.get(3)?,
            time: Time(row.get(4)?),
        });
    }
    Ok(found)
}

async fn reports(tx: &mut Tx, id: &str) -> Result<Vec<ReportMade>, Error> {
    let rows =
        sql("SELECT deadline, recipient, reported_ms, document, actor, time_ms FROM incident_reports \
         WHERE incident = $1 ORDER BY reported_ms, deadline, recipient")
        .bind(id)
        .fetch_all(&mut *tx)
        .await?;
    let mut found = Vec::with_capacity(rows.len());
    for row in &rows {
        found.push(ReportMade {
            deadline: row.get(0)?,
            recipient: row.get(1)?,
            reported: Time(row.get(2)?),
            document: row.get(3)?,
            actor: row.get(4)?,
            time: Time(row.get(5)?),
        });
    }
    Ok(found)
}

/// Works out when the next report of an incident is late.
pub(super) async fn refresh(tx: &mut Tx, rules: &RuleSets, id: &str) -> Result<(), Error> {
    let known = facts(tx, id).await?;
    let due = rules.reporting(&known.facts, known.facts.detected).next_due().map(|due| due.0);
    sql("UPDATE incidents SET detected_ms = $2, due_ms = $3, due_rules = $4 WHERE id = $1")
        .bind(id)
        .bind(known.facts.detected.0)
        .bind(due)
        .bind(digest(rules))
        .execute(&mut *tx)
        .await?;
    Ok(())
}

/// What was said and reported of an incident goes to the one that it became part of, unless that has its own; the earlier
/// moment of notice counts.
pub(super) async fn merge(tx: &mut Tx, rules: &RuleSets, absorbed: &str, into: &str) -> Result<(), Error> {
    for text in [
        "UPDATE incident_classes SET incident = $2 WHERE incident = $1 AND rule_set NOT IN (SELECT rule_set FROM incident_classes \
         WHERE incident = $2)",
        "UPDATE incident_reports SET incident = $2 WHERE incident = $1 AND NOT EXISTS (SELECT 1 FROM incident_reports o \
         WHERE o.incident = $2 AND o.deadline = incident_reports.deadline AND o.recipient = incident_reports.recipient)",
        "UPDATE incidents SET detected_ms = (SELECT MIN(COALESCE(detected_ms, created_ms)) FROM incidents WHERE id IN ($1, $2)) \
         WHERE id = $2",
    ] {
        sql(text).bind(absorbed).bind(into).execute(&mut *tx).await?;
    }
    refresh(tx, rules, absorbed).await?;
    refresh(tx, rules, into).await
}

#[cfg(test)]
mod tests;

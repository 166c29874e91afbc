//! What people decide of an incident, one at a time: who changes what they have not seen is told so.

use super::incident::{by_rank, rank};
use super::sql::{Row, sql};
use super::{Actor, Cases, Detail, Error, Role, audit, comment, list, reporting};
use event::{Severity, Status};
use serde::{Deserialize, Serialize};

/// What an incident turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// An attack.
    TruePositive,
    /// The rule was wrong.
    FalsePositive,
    /// As the rule says, but allowed.
    Benign,
}

impl Verdict {
    /// The word on the wire.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Verdict::TruePositive => "true_positive",
            Verdict::FalsePositive => "false_positive",
            Verdict::Benign => "benign",
        }
    }

    /// The verdict that the word names.
    #[must_use]
    pub fn by_name(name: &str) -> Option<Verdict> {
        [Verdict::TruePositive, Verdict::FalsePositive, Verdict::Benign]
            .into_iter()
            .find(|v| v.name() == name)
    }
}

/// What to change; `None` stays, `Some(None)` is taken away.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Change {
    /// Where it stands.
    pub status: Option<Status>,
    /// What it turned out to be.
    pub verdict: Option<Option<Verdict>>,
    /// The username of who handles it.
    pub assignee: Option<Option<String>>,
    /// A severity instead of the one found.
    pub severity: Option<Severity>,
}

impl Cases {
    /// Changes the incident with `id` if it is still at `version`.
    ///
    /// # Errors
    /// [`Error::Stale`] if not; [`Error::Invalid`] for closing without a verdict or an assignee who cannot take it.
    pub async fn change_incident(
        &self,
        by: &Actor,
        id: &str,
        version: i64,
        change: &Change,
    ) -> Result<Detail, Error> {
        let mut tx = self.begin().await?;
        let was = list::one(&mut tx, id).await?.ok_or(Error::Missing("incident"))?;
        if was.version != version {
            return Err(Error::Stale { current: was.version });
        }
        if let Some(Some(assignee)) = &change.assignee {
            let row = sql("SELECT role FROM users WHERE username = $1 AND disabled = 0")
                .bind(assignee)
                .fetch_optional(&mut tx)
                .await?;
            let role = row.map(|row| row.get::<String>(0)).transpose()?;
            if role.and_then(|role| Role::by_name(&role)).is_none_or(|role| role < Role::Responder) {
                return Err(Error::Invalid(format!("`{assignee}` is not a user who handles incidents")));
            }
        }
        let status = change.status.unwrap_or(was.status);
        let verdict = change.verdict.unwrap_or(was.verdict);
        let assignee = change.assignee.clone().unwrap_or_else(|| was.assignee.clone());
        let severity = change.severity.unwrap_or(was.severity);
        if status == Status::Closed && verdict.is_none() {
            return Err(Error::Invalid("closing an incident needs a verdict".to_owned()));
        }
        let mut note = comment::Note { incident: &was.id, actor: &by.name, now: by.now, max: None };
        let steps = [
            ("status", Some(was.status.name()), Some(status.name())),
            ("verdict", was.verdict.map(Verdict::name), verdict.map(Verdict::name)),
            ("assignee", was.assignee.as_deref(), assignee.as_deref()),
            ("severity", Some(was.severity.name()), Some(severity.name())),
        ];
        let mut detail = Vec::new();
        for (what, from, to) in steps.into_iter().filter(|(_, from, to)| from != to) {
            note.write(&mut tx, what, from, to).await?;
            detail.push(format!("{what}: {} -> {}", from.unwrap_or("none"), to.unwrap_or("none")));
        }
        sql("UPDATE incidents SET status = $2, verdict = $3, assignee = $4, severity = $5, \
             severity_set = COALESCE($6, severity_set), version = version + 1, updated_ms = $7, \
             updated_after_close = CASE WHEN status = $2 THEN updated_after_close ELSE 0 END WHERE id = $1")
        .bind(&was.id)
        .bind(status.name())
        .bind(verdict.map(Verdict::name))
        .bind(&assignee)
        .bind(rank(severity))
        .bind(change.severity.map(rank))
        .bind(by.now.0)
        .execute(&mut tx)
        .await?;
        audit::append(&mut tx, by, "incident.change", &was.id, "done", &detail.join(", ")).await?;
        reporting::refresh(&mut tx, &self.rules, &was.id).await?;
        tx.commit().await?;
        self.incident(&was.id).await?.ok_or(Error::Missing("incident"))
    }

    /// How many incidents wait for somebody, by severity, worst last: not closed, nor of an authorised scan.
    ///
    /// # Errors
    /// The database refused.
    pub async fn open_by_severity(&self) -> Result<Vec<(Severity, u64)>, Error> {
        let rows = sql(
            "SELECT severity, COUNT(*) FROM incidents WHERE merged_into IS NULL AND authorised IS NULL AND status <> 'closed' \
             GROUP BY severity ORDER BY severity",
        )
        .fetch_all(&self.read)
        .await?;
        let read = |row: &Row| {
            let count: i64 = row.get(1)?;
            Ok((by_rank(row.get(0)?)?, count.unsigned_abs()))
        };
        rows.iter().map(read).collect()
    }
}

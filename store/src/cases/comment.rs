//! What people write about an incident, and what changed of it.

use super::sql::{Row, sql};
use super::{Actor, Cases, Error, Tx, audit, list, secret};
use event::Time;
use serde::Serialize;

/// The longest comment, in characters.
const TEXT_MAX: usize = 10_000;

/// A comment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Comment {
    /// A random UUID.
    pub id: String,
    /// The username.
    pub author: String,
    /// As written.
    pub text: String,
    /// When.
    pub created: Time,
}

/// A change of an incident.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct HistoryEntry {
    /// When.
    pub time: Time,
    /// A username, or a part of the system in brackets.
    pub actor: String,
    /// What changed: `status`, `verdict`, `assignee`, `severity`, `created`, `merged`, …
    pub change: String,
    /// What it was.
    pub from: Option<String>,
    /// What it became.
    pub to: Option<String>,
}

impl Cases {
    /// Adds a comment.
    ///
    /// # Errors
    /// No such incident, an empty or too long text, or too many comments.
    pub async fn comment(&self, by: &Actor, incident: &str, text: &str) -> Result<Comment, Error> {
        let text = text.trim();
        if text.is_empty() || text.chars().count() > TEXT_MAX {
            return Err(Error::Invalid(format!("a comment has 1 to {TEXT_MAX} characters")));
        }
        let mut tx = self.begin().await?;
        let summary = list::one(&mut tx, incident).await?.ok_or(Error::Missing("incident"))?;
        let max = self.config.comments_per_incident_max;
        if summary.comments_count >= u64::from(max) {
            return Err(Error::Limit { what: "comments of one incident", max });
        }
        let comment = Comment {
            id: secret::random_id()?,
            author: by.name.clone(),
            text: text.to_owned(),
            created: by.now,
        };
        sql("INSERT INTO comments (id, incident, author, text, created_ms) VALUES ($1, $2, $3, $4, $5)")
            .bind(&comment.id)
            .bind(&summary.id)
            .bind(&comment.author)
            .bind(&comment.text)
            .bind(comment.created.0)
            .execute(&mut tx)
            .await?;
        sql("UPDATE incidents SET comments_count = comments_count + 1, updated_ms = $2 WHERE id = $1")
            .bind(&summary.id)
            .bind(by.now.0)
            .execute(&mut tx)
            .await?;
        audit::append(&mut tx, by, "incident.comment", &summary.id, "done", &comment.id).await?;
        tx.commit().await?;
        Ok(comment)
    }
}

pub(super) async fn comments(tx: &mut Tx, incident: &str) -> Result<Vec<Comment>, Error> {
    let rows =
        sql("SELECT id, author, text, created_ms FROM comments WHERE incident = $1 ORDER BY created_ms, id")
            .bind(incident)
            .fetch_all(&mut *tx)
            .await?;
    let read = |row: &Row| {
        Ok(Comment { id: row.get(0)?, author: row.get(1)?, text: row.get(2)?, created: Time(row.get(3)?) })
    };
    rows.iter().map(read).collect()
}

pub(super) async fn history(tx: &mut Tx, incident: &str) -> Result<Vec<HistoryEntry>, Error> {
    let rows =
        sql("SELECT time_ms, actor, change, was, became FROM history WHERE incident = $1 ORDER BY place")
            .bind(incident)
            .fetch_all(&mut *tx)
            .await?;
    let read = |row: &Row| {
        Ok(HistoryEntry {
            time: Time(row.get(0)?),
            actor: row.get(1)?,
            change: row.get(2)?,
            from: row.get(3)?,
            to: row.get(4)?,
        })
    };
    rows.iter().map(read).collect()
}

/// Writes entries of one incident's history.
pub(super) struct Note<'a> {
    pub(super) incident: &'a str,
    pub(super) actor: &'a str,
    pub(super) now: Time,
    /// Beyond so many nothing is written; people's changes have no such limit.
    pub(super) max: Option<u32>,
}

impl Note<'_> {
    pub(super) async fn write(
        &mut self,
        tx: &mut Tx,
        change: &str,
        was: Option<&str>,
        became: Option<&str>,
    ) -> Result<(), Error> {
        let max = self.max.map_or(i64::MAX, i64::from);
        let row = sql(
            "UPDATE incidents SET history_count = history_count + 1 WHERE id = $1 AND history_count < $2 \
             RETURNING history_count",
        )
        .bind(self.incident)
        .bind(max)
        .fetch_optional(&mut *tx)
        .await?;
        let Some(row) = row else { return Ok(()) };
        sql(
            "INSERT INTO history (incident, place, time_ms, actor, change, was, became) VALUES ($1, $2, $3, $4, $5, $6, $7)",
        )
        .bind(self.incident)
        .bind(row.get::<i64>(0)?)
        .bind(self.now.0)
        .bind(self.actor)
        .bind(change)
        .bind(was)
        .bind(became)
        .execute(&mut *tx)
        .await?;
        Ok(())
    }
}

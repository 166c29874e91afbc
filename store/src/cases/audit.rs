//! The audit trail: a chain of hashes over every act, so that a change to a past entry shows.
//!
//! `hash = SHA-256(previous hash in hexadecimal || entry as JSON with sorted keys and no spaces)`. Whoever can write
//! the file can rewrite the whole chain; so the head is to be anchored outside it, and verified against.

use super::sql::{Row, fit, sql};
use super::{Actor, Cases, Error, Tx, secret};
use event::Time;
use serde::Serialize;

/// What the chain begins with.
const ROOT: &str = "0000000000000000000000000000000000000000000000000000000000000000";
/// The detail of an entry is cut here.
const DETAIL_BYTES_MAX: usize = 2000;

/// One entry. The fields are in alphabetical order because that is the order hashed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Record {
    /// What was done: `incident.change`.
    pub action: String,
    /// Who did it.
    pub actor: String,
    /// From where.
    pub address: String,
    /// More about it; never a secret.
    pub detail: String,
    /// `done`, `denied`, `failed`.
    pub result: String,
    /// The place in the chain, from 1, without gaps.
    pub seq: i64,
    /// What it was done to.
    pub target: String,
    /// When.
    pub time: Time,
}

/// The newest entry, to be kept outside the database.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AuditHead {
    /// Its place, 0 for an empty trail.
    pub seq: i64,
    /// Its hash.
    pub hash: String,
}

/// What [`Cases::audit_verify`] found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AuditReport {
    /// Entries read and found good.
    pub good: i64,
    /// The first entry that is changed, missing or not what was anchored.
    pub broken_at: Option<i64>,
    /// The head as it stands.
    pub head: AuditHead,
}

impl Cases {
    /// Writes an act that changes nothing else: a refusal, a sign-in that failed.
    ///
    /// # Errors
    /// The database refused.
    pub async fn audit(
        &self,
        by: &Actor,
        action: &str,
        target: &str,
        result: &str,
        detail: &str,
    ) -> Result<(), Error> {
        let mut tx = self.begin().await?;
        append(&mut tx, by, action, target, result, detail).await?;
        tx.commit().await?;
        Ok(())
    }

    /// The newest entry's place and hash.
    ///
    /// # Errors
    /// The database refused.
    pub async fn audit_head(&self) -> Result<AuditHead, Error> {
        let row =
            sql("SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1").fetch_optional(&self.read).await?;
        match row {
            Some(row) => Ok(AuditHead { seq: row.get(0)?, hash: row.get(1)? }),
            None => Ok(AuditHead { seq: 0, hash: ROOT.to_owned() }),
        }
    }

    /// The newest entries before `before`, newest first.
    ///
    /// # Errors
    /// The database refused.
    pub async fn audit_entries(&self, before: Option<i64>, limit: u32) -> Result<Vec<Record>, Error> {
        let rows =
            sql("SELECT seq, time_ms, actor, address, action, target, result, detail, hash FROM audit \
             WHERE seq < $1 ORDER BY seq DESC LIMIT $2")
            .bind(before.unwrap_or(i64::MAX))
            .bind(i64::from(limit))
            .fetch_all(&self.read)
            .await?;
        rows.iter().map(read).collect()
    }

    /// Recomputes the chain. With an `anchor`, also that the chain still contains it: only that shows a trail cut
    /// short or written anew.
    ///
    /// # Errors
    /// The database refused.
    pub async fn audit_verify(&self, anchor: Option<&AuditHead>) -> Result<AuditReport, Error> {
        const PAGE: i64 = 1000;
        let mut head = AuditHead { seq: 0, hash: ROOT.to_owned() };
        loop {
            let rows =
                sql("SELECT seq, time_ms, actor, address, action, target, result, detail, hash FROM audit \
                 WHERE seq > $1 ORDER BY seq LIMIT $2")
                .bind(head.seq)
                .bind(PAGE)
                .fetch_all(&self.read)
                .await?;
            for row in &rows {
                let record = read(row)?;
                let found: String = row.get(8)?;
                let expected = link(&head.hash, &record)?;
                let anchored = anchor.is_none_or(|a| a.seq != record.seq || a.hash == expected);
                if record.seq != head.seq + 1 || found != expected || !anchored {
                    return Ok(AuditReport { good: head.seq, broken_at: Some(head.seq + 1), head });
                }
                head = AuditHead { seq: record.seq, hash: expected };
            }
            if rows.is_empty() {
                break;
            }
        }
        let cut = anchor.is_some_and(|a| a.seq > head.seq);
        Ok(AuditReport { good: head.seq, broken_at: cut.then_some(head.seq + 1), head })
    }
}

/// Appends within `tx`, so that the act and its entry are kept or lost together.
pub(super) async fn append(
    tx: &mut Tx,
    by: &Actor,
    action: &str,
    target: &str,
    result: &str,
    detail: &str,
) -> Result<(), Error> {
    let row = sql("SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1").fetch_optional(&mut *tx).await?;
    let (seq, previous) = match row {
        Some(row) => (row.get::<i64>(0)?, row.get::<String>(1)?),
        None => (0, ROOT.to_owned()),
    };
    // As the database keeps it, or the hash would be of something else.
    let kept = |text: &str| fit(text).into_owned();
    let record = Record {
        action: kept(action),
        actor: kept(&by.name),
        address: kept(&by.address),
        detail: kept(detail.get(..detail.floor_char_boundary(DETAIL_BYTES_MAX)).unwrap_or_default()),
        result: kept(result),
        seq: seq + 1,
        target: kept(target),
        time: by.now,
    };
    let hash = link(&previous, &record)?;
    sql("INSERT INTO audit (seq, time_ms, actor, address, action, target, result, detail, hash) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)")
    .bind(record.seq)
    .bind(record.time.0)
    .bind(&record.actor)
    .bind(&record.address)
    .bind(&record.action)
    .bind(&record.target)
    .bind(&record.result)
    .bind(&record.detail)
    .bind(hash)
    .execute(&mut *tx)
    .await?;
    Ok(())
}

fn link(previous: &str, record: &Record) -> Result<String, Error> {
    let json = serde_json::to_vec(record).map_err(|_| Error::Corrupt("audit entry"))?;
    Ok(secret::digest(&[previous.as_bytes(), &json]))
}

fn read(row: &Row) -> Result<Record, Error> {
    Ok(Record {
        seq: row.get(0)?,
        time: Time(row.get(1)?),
        actor: row.get(2)?,
        address: row.get(3)?,
        action: row.get(4)?,
        target: row.get(5)?,
        result: row.get(6)?,
        detail: row.get(7)?,
    })
}

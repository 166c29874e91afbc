//! Attestations: what people say was done, with the document that shows it.

use super::sql::{Row, sql};
use super::{Actor, Cases, Error, audit, secret};
use compliance::{Attestation, Date, MeasureKind, Subject};
use event::Time;

/// An attestation to be.
#[derive(Clone, Debug)]
pub struct NewAttestation {
    /// The measure that it is for.
    pub measure: String,
    /// Which system or unit; empty for the province.
    pub of: String,
    /// Number and name of the document.
    pub document: String,
    /// The organisation that did it.
    pub organisation: String,
    /// The day of the document.
    pub on: Date,
    /// The last day that it holds.
    pub until: Option<Date>,
    /// More about it.
    pub note: String,
}

/// Which attestations are listed; an empty filter is all that were not taken back.
#[derive(Clone, Debug, Default)]
pub struct AttestationFilter {
    /// For this measure.
    pub measure: Option<String>,
    /// Of things of this kind.
    pub subject: Option<Subject>,
    /// Of this system or unit.
    pub of: Option<String>,
    /// Those that were taken back, too.
    pub with_withdrawn: bool,
    /// Those behind this one: when it was written down, and its id.
    pub after: Option<(Time, String)>,
}

/// An attestation as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptAttestation {
    /// What was attested.
    pub attestation: Attestation,
    /// When it was taken back and by whom, if it was.
    pub withdrawn: Option<(Time, String)>,
}

/// Attestations that are kept.
const ATTESTATIONS_MAX: u32 = 100_000;

impl Cases {
    /// Writes an attestation down.
    ///
    /// # Errors
    /// The measure is not one that people attest, what it is of does not exist, no document, or days that make no sense.
    pub async fn attest(&self, by: &Actor, new: NewAttestation) -> Result<Attestation, Error> {
        let subject = self.checked(&new, compliance::day_of(by.now)).await?;
        let attestation = Attestation {
            id: secret::random_id()?,
            measure: new.measure,
            subject,
            of: new.of,
            document: new.document.trim().to_owned(),
            organisation: new.organisation.trim().to_owned(),
            on: new.on,
            until: new.until,
            note: new.note.trim().to_owned(),
            person: by.name.clone(),
            recorded: by.now,
        };
        let body = serde_json::to_string(&attestation).map_err(|_| Error::Corrupt("attestation"))?;
        let mut tx = self.begin().await?;
        let row = sql("SELECT COUNT(*) FROM attestations").fetch_one(&mut tx).await?;
        if row.get::<i64>(0)? >= i64::from(ATTESTATIONS_MAX) {
            return Err(Error::Limit { what: "attestations", max: ATTESTATIONS_MAX });
        }
        sql("INSERT INTO attestations (id, measure, subject, subject_id, body, created_ms, withdrawn_ms) \
             VALUES ($1, $2, $3, $4, $5, $6, NULL)")
        .bind(&attestation.id)
        .bind(&attestation.measure)
        .bind(word(attestation.subject))
        .bind(&attestation.of)
        .bind(&body)
        .bind(by.now.0)
        .execute(&mut tx)
        .await?;
        audit::append(&mut tx, by, "attestation.add", &attestation.id, "done", &body).await?;
        tx.commit().await?;
        Ok(attestation)
    }

    /// What kind of thing an attestation to be is about, if it makes sense.
    async fn checked(&self, new: &NewAttestation, today: Date) -> Result<Subject, Error> {
        let wrong = |why: String| Err(Error::Invalid(why));
        let measures = self.rules.measures_on(today);
        let Some(rule) =
            measures.iter().find(|rule| rule.id == new.measure && rule.kind == MeasureKind::Attested)
        else {
            return wrong(format!("`{}` is not a measure that people attest", new.measure));
        };
        let kind = match rule.of {
            Subject::System => Some(registry::Kind::Systems),
            Subject::Unit => Some(registry::Kind::Units),
            Subject::Province => None,
        };
        match kind {
            None if !new.of.is_empty() => {
                return wrong(format!("`{}` is of the whole province", new.measure));
            }
            Some(kind) if self.registry_entry(kind, &new.of).await?.is_none() => {
                return wrong(format!("the registry has no {} `{}`", kind.one(), new.of));
            }
            _ => {}
        }
        for (what, text, least) in [
            ("`document`", &new.document, 1),
            ("`organisation`", &new.organisation, 0),
            ("`note`", &new.note, 0),
        ] {
            if !(least..=1000).contains(&text.trim().chars().count()) {
                return wrong(format!("{what} has {least} to 1000 characters"));
            }
        }
        if new.on > today {
            return wrong(format!("`on` is a day that has not come yet; today is {today}"));
        }
        if let Some(until) = new.until.filter(|until| *until < new.on) {
            return wrong(format!("`until` {until} is before `on` {}", new.on));
        }
        Ok(rule.of)
    }

    /// Takes an attestation back. It stays in the database, and in the trail.
    ///
    /// # Errors
    /// There is none of that id that was not taken back.
    pub async fn withdraw_attestation(&self, by: &Actor, id: &str) -> Result<(), Error> {
        let mut tx = self.begin().await?;
        let changed = sql("UPDATE attestations SET withdrawn_ms = $2, withdrawn_by = $3 \
             WHERE id = $1 AND withdrawn_ms IS NULL")
        .bind(id)
        .bind(by.now.0)
        .bind(&by.name)
        .execute(&mut tx)
        .await?;
        if changed == 0 {
            return Err(Error::Missing("attestation"));
        }
        audit::append(&mut tx, by, "attestation.withdraw", id, "done", "").await?;
        tx.commit().await
    }

    /// Those that hold at that moment: given by then, and not taken back by then. The newest first.
    ///
    /// # Errors
    /// The database refused.
    pub async fn attestations(&self, at: Time) -> Result<Vec<Attestation>, Error> {
        let rows = sql("SELECT body FROM attestations WHERE created_ms <= $1 AND (withdrawn_ms IS NULL OR withdrawn_ms > $1) \
             ORDER BY created_ms DESC, id LIMIT $2")
            .bind(at.0)
            .bind(i64::from(ATTESTATIONS_MAX))
            .fetch_all(&self.read)
            .await?;
        rows.iter().map(|row| read(row.get(0)?)).collect()
    }

    /// The one of that id, taken back or not.
    ///
    /// # Errors
    /// The database refused.
    pub async fn attestation(&self, id: &str) -> Result<Option<KeptAttestation>, Error> {
        let row = sql("SELECT body, withdrawn_ms, withdrawn_by FROM attestations WHERE id = $1")
            .bind(id)
            .fetch_optional(&self.read)
            .await?;
        row.map(|row| kept(&row)).transpose()
    }

    /// The newest first, at most `limit`.
    ///
    /// # Errors
    /// The database refused.
    pub async fn list_attestations(
        &self,
        filter: &AttestationFilter,
        limit: u32,
    ) -> Result<Vec<KeptAttestation>, Error> {
        let mut query = sql("SELECT body, withdrawn_ms, withdrawn_by FROM attestations WHERE TRUE");
        if !filter.with_withdrawn {
            query.push(" AND withdrawn_ms IS NULL");
        }
        if let Some(measure) = &filter.measure {
            query.push(" AND measure = ").push_bind(measure);
        }
        if let Some(subject) = filter.subject {
            query.push(" AND subject = ").push_bind(word(subject));
        }
        if let Some(of) = &filter.of {
            query.push(" AND subject_id = ").push_bind(of);
        }
        if let Some((at, id)) = &filter.after {
            query.push(" AND (created_ms < ").push_bind(at.0).push(" OR created_ms = ").push_bind(at.0);
            query.push(" AND id > ").push_bind(id).push(")");
        }
        query.push(" ORDER BY created_ms DESC, id LIMIT ").push_bind(i64::from(limit));
        query.fetch_all(&self.read).await?.iter().map(kept).collect()
    }

    /// When something was last delivered to the national system, before that moment: sent to one of its partners, or
    /// fetched by one of its accounts. Which those are, the rules say. What others get, or one of our own people reads of a
    /// collection, is not shared with it.
    ///
    /// # Errors
    /// The database refused.
    pub async fn last_delivery(&self, before: Time) -> Result<Option<Time>, Error> {
        let national = self.rules.national();
        if national.is_empty() {
            return Ok(None);
        }
        let mut query =
            sql("SELECT MAX(at_ms) FROM (SELECT delivered_ms AS at_ms FROM deliveries WHERE partner IN (");
        query
            .push_list(national.iter().map(String::as_str))
            .push(") AND delivered_ms < ")
            .push_bind(before.0);
        query.push(
            " UNION ALL SELECT time_ms AS at_ms FROM audit WHERE action = 'taxii.read' AND result = 'done' ",
        );
        query.push("AND actor IN (SELECT username FROM users WHERE role = 'partner' AND username IN (");
        query.push_list(national.iter().map(String::as_str)).push(")) AND time_ms < ").push_bind(before.0);
        query.push(") AS shared");
        let row = query.fetch_one(&self.read).await?;
        Ok(row.get::<Option<i64>>(0)?.map(Time))
    }
}

fn word(subject: Subject) -> &'static str {
    match subject {
        Subject::System => "system",
        Subject::Unit => "unit",
        Subject::Province => "province",
    }
}

fn kept(row: &Row) -> Result<KeptAttestation, Error> {
    let who = row.get::<Option<String>>(2)?.unwrap_or_default();
    let withdrawn = row.get::<Option<i64>>(1)?.map(|at| (Time(at), who));
    Ok(KeptAttestation { attestation: read(row.get(0)?)?, withdrawn })
}

fn read(body: &str) -> Result<Attestation, Error> {
    serde_json::from_str(body).map_err(|_| Error::Corrupt("attestation"))
}

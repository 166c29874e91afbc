//! The registry: what the province has. It is right as a whole or not changed at all.

use super::sql::sql;
use super::{Actor, Cases, Error, Tx, audit, secret};
use registry::{Document, Entry, Import, Kind, Outcome, Registry};

/// Which rows of a kind are wanted; empty is any.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RegistryFilter {
    /// Of this unit; of a unit, the one above.
    pub unit: String,
    /// Of this system.
    pub system: String,
    /// Of this level.
    pub level: Option<u8>,
    /// Whose id or name holds this, whatever the case.
    pub text: String,
    /// Ids behind this one.
    pub after: String,
}

impl Cases {
    /// All of it, each kind by id.
    ///
    /// # Errors
    /// The database refused.
    pub async fn registry(&self) -> Result<Registry, Error> {
        let rows = sql("SELECT kind, body FROM registry ORDER BY kind, id").fetch_all(&self.read).await?;
        let mut all = Registry::default();
        for row in &rows {
            all.push(read(row.get(0)?, row.get(1)?)?);
        }
        Ok(all)
    }

    /// A number that grows with every change.
    ///
    /// # Errors
    /// The database refused.
    pub async fn registry_version(&self) -> Result<i64, Error> {
        let row = sql("SELECT version FROM registry_version WHERE one = 1").fetch_one(&self.read).await?;
        row.get(0)
    }

    /// The first `limit` rows of a kind that the filter lets through, by id.
    ///
    /// # Errors
    /// The database refused.
    pub async fn registry_entries(
        &self,
        kind: Kind,
        filter: &RegistryFilter,
        limit: u32,
    ) -> Result<Vec<Entry>, Error> {
        let text = filter.text.to_lowercase().replace('!', "!!").replace('%', "!%").replace('_', "!_");
        let rows = sql(
            "SELECT kind, body FROM registry WHERE kind = $1 AND id > $2 AND ($3 = '' OR unit = $3) \
             AND ($4 = '' OR system = $4) AND ($5 < 0 OR level = $5) AND search LIKE $6 ESCAPE '!' ORDER BY id LIMIT $7",
        )
        .bind(kind.name())
        .bind(&filter.after)
        .bind(&filter.unit)
        .bind(&filter.system)
        .bind(filter.level.map_or(-1, i64::from))
        .bind(format!("%{text}%"))
        .bind(i64::from(limit))
        .fetch_all(&self.read)
        .await?;
        rows.iter().map(|row| read(row.get(0)?, row.get(1)?)).collect()
    }

    /// The row of that kind and id.
    ///
    /// # Errors
    /// The database refused.
    pub async fn registry_entry(&self, kind: Kind, id: &str) -> Result<Option<Entry>, Error> {
        let row = sql("SELECT kind, body FROM registry WHERE kind = $1 AND id = $2")
            .bind(kind.name())
            .bind(id)
            .fetch_optional(&self.read)
            .await?;
        row.map(|row| read(row.get(0)?, row.get(1)?)).transpose()
    }

    /// Takes a document in, or only says what that would come to.
    ///
    /// # Errors
    /// [`Error::Registry`] with everything that would be wrong; nothing is changed then.
    pub async fn import_registry(
        &self,
        by: &Actor,
        document: Document,
        import: Import,
        dry_run: bool,
    ) -> Result<Outcome, Error> {
        let mut tx = self.begin().await?;
        let current = locked(&mut tx, by).await?;
        let outcome = import.apply(&current, document).map_err(Error::Registry)?;
        let changes = outcome.added.len() + outcome.changed.len() + outcome.removed.len();
        if dry_run || changes == 0 {
            return Ok(outcome);
        }
        for (kind, id) in &outcome.removed {
            remove(&mut tx, *kind, id).await?;
        }
        for entry in outcome.added.iter().chain(&outcome.changed) {
            put(&mut tx, by, entry).await?;
        }
        let detail = format!(
            "added={} changed={} removed={}",
            outcome.added.len(),
            outcome.changed.len(),
            outcome.removed.len()
        );
        audit::append(&mut tx, by, "registry.import", "registry", "done", &detail).await?;
        tx.commit().await?;
        Ok(outcome)
    }

    /// Puts one row in, in the place of the one with the same kind and id if that is the one that was seen: its
    /// [`registry_tag`], or none where there is none.
    ///
    /// # Errors
    /// [`Error::Unseen`], [`Error::Changed`], or [`Error::Registry`] with everything that would be wrong.
    pub async fn put_registry_entry(
        &self,
        by: &Actor,
        entry: Entry,
        seen: Option<&str>,
    ) -> Result<(), Error> {
        let mut tx = self.begin().await?;
        let current = locked(&mut tx, by).await?;
        match (seen, is_seen(&current, entry.kind(), entry.id(), seen)) {
            (None, Some(_)) => return Err(Error::Unseen),
            (Some(_), None | Some(false)) => return Err(Error::Changed),
            (None, None) | (Some(_), Some(true)) => {}
        }
        let document = Document { rows: vec![registry::Placed { row: 1, entry: entry.clone() }] };
        let outcome = Import::default().apply(&current, document).map_err(|mut problems| {
            for problem in &mut problems {
                problem.row = None; // there is no file whose row it could be
            }
            Error::Registry(problems)
        })?;
        if outcome.same == 0 {
            put(&mut tx, by, &entry).await?;
            let action = if outcome.added.is_empty() { "registry.change" } else { "registry.add" };
            let target = format!("{}/{}", entry.kind().name(), entry.id());
            audit::append(&mut tx, by, action, &target, "done", &entry.body()).await?;
            tx.commit().await?;
        }
        Ok(())
    }

    /// Takes one row out, if nothing refers to it.
    ///
    /// # Errors
    /// No such row, another one than was seen (if that is said), or [`Error::Registry`] with what refers to it.
    pub async fn remove_registry_entry(
        &self,
        by: &Actor,
        kind: Kind,
        id: &str,
        seen: Option<&str>,
    ) -> Result<(), Error> {
        let mut tx = self.begin().await?;
        let current = locked(&mut tx, by).await?;
        if is_seen(&current, kind, id, seen) == Some(false) {
            return Err(Error::Changed);
        }
        let mut left = Registry::default();
        for entry in current.entries().filter(|entry| entry.kind() != kind || entry.id() != id) {
            left.push(entry);
        }
        if left.count(kind) == current.count(kind) {
            return Err(Error::Missing("entry of the registry"));
        }
        let problems = left.check();
        if !problems.is_empty() {
            return Err(Error::Registry(problems));
        }
        remove(&mut tx, kind, id).await?;
        let target = format!("{}/{id}", kind.name());
        audit::append(&mut tx, by, "registry.remove", &target, "done", "").await?;
        tx.commit().await?;
        Ok(())
    }
}

/// Another one for another content of a row: the beginning of its SHA-256.
#[must_use]
pub fn registry_tag(entry: &Entry) -> String {
    let mut tag = secret::digest(&[entry.body().as_bytes()]);
    tag.truncate(16);
    tag
}

/// Whether the row is the one that was seen (`*` is whichever there is); none if there is no such row.
fn is_seen(current: &Registry, kind: Kind, id: &str, seen: Option<&str>) -> Option<bool> {
    let found = current.entries().find(|entry| entry.kind() == kind && entry.id() == id)?;
    Some(seen.is_none_or(|seen| seen == "*" || seen == registry_tag(&found)))
}

/// The registry as it is, with the next version taken: whoever else changes it waits for the end of `tx`.
async fn locked(tx: &mut Tx, by: &Actor) -> Result<Registry, Error> {
    sql("UPDATE registry_version SET version = version + 1, changed_ms = $1 WHERE one = 1")
        .bind(by.now.0)
        .execute(&mut *tx)
        .await?;
    let rows = sql("SELECT kind, body FROM registry ORDER BY kind, id").fetch_all(&mut *tx).await?;
    let mut all = Registry::default();
    for row in &rows {
        all.push(read(row.get(0)?, row.get(1)?)?);
    }
    Ok(all)
}

async fn put(tx: &mut Tx, by: &Actor, entry: &Entry) -> Result<(), Error> {
    let (unit, system, level, name) = match entry {
        Entry::Unit(unit) => (&unit.parent, "", 0, unit.name.as_str()),
        Entry::System(system) => (&system.unit, "", system.level, system.name.as_str()),
        Entry::Asset(asset) => (&asset.unit, asset.system.as_str(), 0, ""),
        Entry::Endpoint(endpoint) => (&endpoint.unit, endpoint.system.as_str(), 0, ""),
    };
    sql("INSERT INTO registry (kind, id, unit, system, level, search, body, changed_ms) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (kind, id) DO UPDATE SET unit = excluded.unit, \
         system = excluded.system, level = excluded.level, search = excluded.search, body = excluded.body, \
         changed_ms = excluded.changed_ms")
    .bind(entry.kind().name())
    .bind(entry.id())
    .bind(unit)
    .bind(system)
    .bind(i64::from(level))
    .bind(format!("{}\n{name}", entry.id()).to_lowercase())
    .bind(entry.body())
    .bind(by.now.0)
    .execute(&mut *tx)
    .await?;
    Ok(())
}

async fn remove(tx: &mut Tx, kind: Kind, id: &str) -> Result<(), Error> {
    sql("DELETE FROM registry WHERE kind = $1 AND id = $2")
        .bind(kind.name())
        .bind(id)
        .execute(&mut *tx)
        .await?;
    Ok(())
}

fn read(kind: &str, body: &str) -> Result<Entry, Error> {
    let kind = Kind::by_name(kind).ok_or(Error::Corrupt("registry's kind"))?;
    Entry::read(kind, body).ok_or(Error::Corrupt("registry's row"))
}

#[cfg(test)]
mod tests;

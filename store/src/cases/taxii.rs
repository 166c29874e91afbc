//! TAXII collections: objects as their makers wrote them, in the order in which they came.
//!
//! Invariant: no statement that gives objects out is without the clearance of who asks.

mod select;

pub use select::{Found, Selection, Versions};

use super::sql::sql;
use super::{Actor, Cases, Error, Tx, audit, secret, stored};
use event::Tlp;

/// An object to be added.
#[derive(Clone, Debug)]
pub struct NewObject {
    /// Its id.
    pub id: String,
    /// Its type.
    pub kind: String,
    /// Its version, in microseconds since 1970; when it is added if it has none.
    pub version_us: Option<i64>,
    /// To whom it may be shown.
    pub tlp: Tlp,
    /// Itself, as its maker wrote it.
    pub body: String,
}

/// What became of an object that was to be added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Added {
    /// It is there now, in this version (microseconds).
    New(i64),
    /// This version was there before and stays as it is.
    Known(i64),
    /// The collection is full.
    Full,
}

impl Cases {
    /// Adds objects to a collection that holds at most `objects_max`. The same again changes nothing.
    ///
    /// # Errors
    /// The database refused; nothing is added then.
    pub async fn taxii_add(
        &self,
        by: &Actor,
        collection: &str,
        objects: &[NewObject],
        objects_max: u32,
    ) -> Result<Vec<Added>, Error> {
        let mut tx = self.begin().await?;
        let (last, mut count) = lock(&mut tx, collection).await?;
        let mut added_us = (by.now.0.saturating_mul(1000)).max(last.saturating_add(1));
        let mut done = Vec::with_capacity(objects.len());
        let (mut new, mut strictest) = (0, Tlp::Clear);
        for object in objects {
            let known = known(&mut tx, collection, object).await?;
            done.push(match known {
                Some(version) => Added::Known(version),
                None if count >= i64::from(objects_max) => Added::Full,
                None => {
                    let version = insert(&mut tx, collection, object, added_us).await?;
                    (added_us, count, new) = (added_us.saturating_add(1), count + 1, new + 1);
                    strictest = strictest.max(object.tlp);
                    Added::New(version)
                }
            });
        }
        if new > 0 {
            sql("UPDATE taxii_collections SET added_us = $2, objects = $3 WHERE id = $1")
                .bind(collection)
                .bind(added_us - 1)
                .bind(count)
                .execute(&mut tx)
                .await?;
            let detail = format!("{new} objects, up to TLP:{}", strictest.name().to_uppercase());
            audit::append(&mut tx, by, "taxii.add", collection, "done", &detail).await?;
        }
        tx.commit().await?;
        Ok(done)
    }

    /// Takes out versions of the object that the selection names, as far as it may see them. How many were there.
    ///
    /// # Errors
    /// The database refused; nothing is taken out then.
    pub async fn taxii_remove(&self, by: &Actor, selection: &Selection<'_>) -> Result<u64, Error> {
        let mut tx = self.begin().await?;
        lock(&mut tx, selection.collection).await?;
        let gone = selection.removal().execute(&mut tx).await?;
        if gone > 0 {
            sql("UPDATE taxii_collections SET objects = objects - $2 WHERE id = $1")
                .bind(selection.collection)
                .bind(i64::try_from(gone).unwrap_or(i64::MAX))
                .execute(&mut tx)
                .await?;
            let detail = format!("{gone} versions of {}", selection.ids.join(", "));
            audit::append(&mut tx, by, "taxii.remove", selection.collection, "done", &detail).await?;
        }
        tx.commit().await?;
        Ok(gone)
    }

    /// The objects that are asked for, in the order in which they were added.
    ///
    /// # Errors
    /// The database refused.
    pub async fn taxii_objects(&self, selection: &Selection<'_>) -> Result<Vec<Found>, Error> {
        let rows = selection.query().fetch_all(&self.read).await?;
        let mut found = Vec::with_capacity(rows.len());
        for row in &rows {
            let tlp: i64 = row.get(3)?;
            let tlp = usize::try_from(tlp).ok().and_then(|place| Tlp::ALL.get(place)).copied();
            found.push(Found {
                added_us: row.get(0)?,
                id: row.get(1)?,
                version_us: row.get(2)?,
                tlp: tlp.ok_or(Error::Corrupt("TLP"))?,
                body: row.get(4)?,
            });
        }
        Ok(found)
    }

    /// Keeps what became of an addition, for who added; beyond `max` the oldest go. Its id is given by `id` before.
    ///
    /// # Errors
    /// The database refused.
    pub async fn taxii_keep_status(&self, by: &Actor, id: &str, body: &str, max: u32) -> Result<(), Error> {
        let mut tx = self.begin().await?;
        sql("INSERT INTO taxii_statuses (id, owner, created_ms, body) VALUES ($1, $2, $3, $4)")
            .bind(id)
            .bind(&by.name)
            .bind(by.now.0)
            .bind(body)
            .execute(&mut tx)
            .await?;
        sql("DELETE FROM taxii_statuses WHERE id NOT IN \
             (SELECT id FROM taxii_statuses ORDER BY created_ms DESC, id LIMIT $1)")
        .bind(i64::from(max))
        .execute(&mut tx)
        .await?;
        tx.commit().await
    }

    /// What became of an addition of `owner`'s.
    ///
    /// # Errors
    /// The database refused.
    pub async fn taxii_status(&self, id: &str, owner: &str) -> Result<Option<String>, Error> {
        let row = sql("SELECT body FROM taxii_statuses WHERE id = $1 AND owner = $2")
            .bind(id)
            .bind(owner)
            .fetch_optional(&self.read)
            .await?;
        row.map(|row| row.get(0)).transpose()
    }

    /// An id for a status: random, for it is asked for by name.
    ///
    /// # Errors
    /// The system gave no random bytes.
    pub fn taxii_status_id(&self) -> Result<String, Error> {
        secret::random_id()
    }
}

/// Holds the collection until the transaction ends, so that what is added later is also seen later: else a client that
/// reads in between would pass over it. Answers its last moment of addition and how much it holds.
async fn lock(tx: &mut Tx, collection: &str) -> Result<(i64, i64), Error> {
    let row = sql("INSERT INTO taxii_collections (id, added_us, objects) VALUES ($1, 0, 0) \
         ON CONFLICT (id) DO UPDATE SET added_us = taxii_collections.added_us RETURNING added_us, objects")
    .bind(collection)
    .fetch_one(&mut *tx)
    .await?;
    Ok((row.get(0)?, row.get(1)?))
}

/// The version of the object that is there: the same one; or, of an object that has no versions (an address, which has one id
/// for everyone), any that as many may see. In a more open colour it is added again, or those who are let know of
/// more now would be told of what they cannot see.
async fn known(tx: &mut Tx, collection: &str, object: &NewObject) -> Result<Option<i64>, Error> {
    let row = sql(
        "SELECT version_us FROM taxii_objects \
         WHERE collection = $1 AND id = $2 AND (($3 = 0 AND tlp <= $5) OR ($3 <> 0 AND version_us = $4)) LIMIT 1",
    )
    .bind(collection)
    .bind(&object.id)
    .bind(stored(usize::from(object.version_us.is_some())))
    .bind(object.version_us.unwrap_or_default())
    .bind(object.tlp as i64)
    .fetch_optional(&mut *tx)
    .await?;
    row.map(|row| row.get(0)).transpose()
}

async fn insert(tx: &mut Tx, collection: &str, object: &NewObject, added_us: i64) -> Result<i64, Error> {
    let version = object.version_us.unwrap_or(added_us);
    sql("INSERT INTO taxii_objects (collection, added_us, id, kind, version_us, tlp, body) \
         VALUES ($1, $2, $3, $4, $5, $6, $7)")
    .bind(collection)
    .bind(added_us)
    .bind(&object.id)
    .bind(&object.kind)
    .bind(version)
    .bind(object.tlp as i64)
    .bind(&object.body)
    .execute(&mut *tx)
    .await?;
    Ok(version)
}

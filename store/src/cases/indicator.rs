//! Indicators that were taken in: kept as they came, read back whole by who matches events against them.

mod list;

pub use list::{IndicatorFilter, SourceCount};

use super::sql::sql;
use super::{Actor, Cases, Error, Tx, audit, stored};
use event::Indicator;
use std::collections::{BTreeMap, HashMap};

/// Rows of one statement. SQLite searches a list of placeholders for each of them: 500 rows at once took five times as long.
const AT_ONCE: usize = 50;

/// Id, kind and value.
type Key<'a> = (&'a str, &'a str, &'a str);

/// What a load of indicators did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Loaded {
    /// Values that were not there.
    pub new: u64,
    /// Values that are there in another form now.
    pub changed: u64,
    /// Values whose indicator was taken back.
    pub removed: u64,
}

/// The place after which the next page of indicators begins.
pub type IndicatorPlace = (String, String, String);

impl Cases {
    /// Takes indicators in, and out those whose ids are `revoked`, in one transaction with an entry of the trail. The same
    /// again changes nothing. At most `count_max` are kept.
    ///
    /// # Errors
    /// There would be too many, or the database refused; nothing is changed then.
    pub async fn load_indicators(
        &self,
        by: &Actor,
        from: &str,
        indicators: &[Indicator],
        revoked: &[String],
        count_max: u32,
    ) -> Result<Loaded, Error> {
        let mut tx = self.begin().await?;
        let row = sql("UPDATE indicators_state SET revision = revision + 1 WHERE one = 1 RETURNING count")
            .fetch_one(&mut tx)
            .await?;
        let mut count: i64 = row.get(0)?;
        let mut done = Loaded::default();
        for part in indicators.chunks(AT_ONCE) {
            put(&mut tx, part, &mut done).await?;
        }
        for part in revoked.chunks(AT_ONCE) {
            let mut gone = sql("DELETE FROM indicators WHERE id IN (");
            gone.push_list(part).push(")");
            done.removed += gone.execute(&mut tx).await?;
        }
        count += stored(usize::try_from(done.new).unwrap_or(usize::MAX));
        count -= stored(usize::try_from(done.removed).unwrap_or(usize::MAX));
        if count > i64::from(count_max) {
            return Err(Error::Limit { what: "indicators", max: count_max });
        }
        if done == Loaded::default() {
            return Ok(done); // the revision stays: nobody need read them again
        }
        sql("UPDATE indicators_state SET count = $1 WHERE one = 1").bind(count).execute(&mut tx).await?;
        let detail = format!("{} new, {} changed, {} removed", done.new, done.changed, done.removed);
        audit::append(&mut tx, by, "indicators.load", from, "done", &detail).await?;
        tx.commit().await?;
        Ok(done)
    }

    /// A number that changes whenever the indicators do, and how many there are.
    ///
    /// # Errors
    /// The database refused.
    pub async fn indicators_revision(&self) -> Result<(i64, i64), Error> {
        let row =
            sql("SELECT revision, count FROM indicators_state WHERE one = 1").fetch_one(&self.read).await?;
        Ok((row.get(0)?, row.get(1)?))
    }
}

/// Takes in those of a part that are not there in this form, in two statements however many they are.
async fn put(tx: &mut Tx, part: &[Indicator], done: &mut Loaded) -> Result<(), Error> {
    let mut known = bodies(tx, part).await?;
    // In the order of keys, in which the database has them too. The last of one key counts.
    let mut changed: BTreeMap<Key, (String, &Indicator)> = BTreeMap::new();
    for indicator in part {
        let key = (indicator.id.as_str(), indicator.kind.name(), indicator.value.as_str());
        let body = serde_json::to_string(indicator).map_err(|_| Error::Corrupt("indicator"))?;
        match known.get(&owned(key)) {
            Some(same) if *same == body => continue,
            Some(_) => done.changed += 1,
            None => done.new += 1,
        }
        known.insert(owned(key), body.clone());
        changed.insert(key, (body, indicator));
    }
    if changed.is_empty() {
        return Ok(());
    }
    let mut insert = sql("INSERT INTO indicators (id, kind, value, body, source, until_ms) VALUES ");
    for (place, ((id, kind, value), (body, indicator))) in changed.into_iter().enumerate() {
        insert.push(if place == 0 { "(" } else { ", (" }).push_list([id, kind, value]);
        insert.push(", ").push_bind(body).push(", ").push_bind(&indicator.source);
        insert.push(", ").push_bind(indicator.valid_until.map(|until| until.0)).push(")");
    }
    insert.push(
        " ON CONFLICT (id, kind, value) DO UPDATE SET body = excluded.body, source = excluded.source, \
         until_ms = excluded.until_ms",
    );
    insert.execute(tx).await.map(drop)
}

/// What the database has under the keys of these indicators.
async fn bodies(tx: &mut Tx, part: &[Indicator]) -> Result<HashMap<IndicatorPlace, String>, Error> {
    let mut known = sql("WITH wanted (id, kind, value) AS (VALUES ");
    for (place, one) in part.iter().enumerate() {
        known.push(if place == 0 { "(" } else { ", (" });
        known.push_list([one.id.as_str(), one.kind.name(), one.value.as_str()]).push(")");
    }
    // Joined, because SQLite finds no index for `(id, kind, value) IN (VALUES …)`.
    known.push(
        ") SELECT known.id, known.kind, known.value, known.body FROM wanted JOIN indicators AS known \
         ON known.id = wanted.id AND known.kind = wanted.kind AND known.value = wanted.value",
    );
    let rows = known.fetch_all(tx).await?;
    rows.iter().map(|row| Ok(((row.get(0)?, row.get(1)?, row.get(2)?), row.get(3)?))).collect()
}

fn owned((id, kind, value): Key) -> IndicatorPlace {
    (id.to_owned(), kind.to_owned(), value.to_owned())
}

//! How far each feed that we fetch from others was read.

use super::sql::{Row, sql};
use super::{Actor, Cases, Error, stored};
use event::Time;

/// A feed and how it stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Feed {
    /// What it is called in the configuration.
    pub name: String,
    /// Where it is. Another place begins anew.
    pub collection: String,
    /// The moment, as its server tells it, up to which it was read; empty from the beginning.
    pub reached: String,
    /// When it was last asked.
    pub asked: Time,
    /// When it last answered.
    pub succeeded: Option<Time>,
    /// How often in a row it did not.
    pub failures: u32,
    /// Objects that came in all.
    pub objects: u64,
    /// Why it did not answer, or empty.
    pub problem: String,
}

impl Cases {
    /// Every feed that was asked.
    ///
    /// # Errors
    /// The database refused.
    pub async fn feeds(&self) -> Result<Vec<Feed>, Error> {
        let rows = sql(
            "SELECT name, collection, reached, asked_ms, succeeded_ms, failures, objects, problem FROM feeds ORDER BY name",
        )
        .fetch_all(&self.read)
        .await?;
        let read = |row: &Row| {
            Ok(Feed {
                name: row.get(0)?,
                collection: row.get(1)?,
                reached: row.get(2)?,
                asked: Time(row.get(3)?),
                succeeded: row.get::<Option<i64>>(4)?.map(Time),
                failures: u32::try_from(row.get::<i64>(5)?).unwrap_or(u32::MAX),
                objects: row.get::<i64>(6)?.unsigned_abs(),
                problem: row.get(7)?,
            })
        };
        rows.iter().map(read).collect()
    }

    /// Writes down how a feed stands after it was asked.
    ///
    /// # Errors
    /// The database refused.
    pub async fn put_feed(&self, by: &Actor, feed: &Feed) -> Result<(), Error> {
        let mut tx = self.begin().await?;
        sql(
            "INSERT INTO feeds (name, collection, reached, asked_ms, succeeded_ms, failures, objects, problem) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (name) DO UPDATE SET collection = excluded.collection, \
             reached = excluded.reached, asked_ms = excluded.asked_ms, succeeded_ms = excluded.succeeded_ms, \
             failures = excluded.failures, objects = excluded.objects, problem = excluded.problem",
        )
        .bind(&feed.name)
        .bind(&feed.collection)
        .bind(&feed.reached)
        .bind(by.now.0)
        .bind(feed.succeeded.map(|time| time.0))
        .bind(i64::from(feed.failures))
        .bind(stored(usize::try_from(feed.objects).unwrap_or(usize::MAX)))
        .bind(feed.problem.get(..feed.problem.floor_char_boundary(500)).unwrap_or_default())
        .execute(&mut tx)
        .await?;
        tx.commit().await
    }
}

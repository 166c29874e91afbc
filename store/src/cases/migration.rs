//! Numbered steps of the schema, run once each, in order, in one transaction.

use super::{Db, Error};
use sqlx::Row as _;

const STEPS: &[(i64, &str)] = &[
    (1, include_str!("migrations/0001_cases.sql")),
    (2, include_str!("migrations/0002_authorised.sql")),
    (3, include_str!("migrations/0003_taxii.sql")),
    (4, include_str!("migrations/0004_indicators.sql")),
    (5, include_str!("migrations/0005_registry.sql")),
    (7, include_str!("migrations/0007_exchange.sql")),
    (8, include_str!("migrations/0008_particulars.sql")),
    (9, include_str!("migrations/0009_compliance.sql")),
];

pub(super) async fn run(pool: &sqlx::Pool<Db>) -> Result<(), Error> {
    let mut tx = pool.begin_with("BEGIN IMMEDIATE").await?;
    sqlx::raw_sql("CREATE TABLE IF NOT EXISTS schema_steps (number BIGINT NOT NULL PRIMARY KEY)")
        .execute(&mut *tx)
        .await?;
    let row = sqlx::query("SELECT COALESCE(MAX(number), 0) FROM schema_steps").fetch_one(&mut *tx).await?;
    let found: i64 = row.try_get(0)?;
    let known = STEPS.last().map_or(0, |step| step.0);
    if found > known {
        return Err(Error::Newer { found, known });
    }
    for &(number, sql) in STEPS.iter().filter(|step| step.0 > found) {
        sqlx::raw_sql(sql).execute(&mut *tx).await?;
        sqlx::query("INSERT INTO schema_steps (number) VALUES ($1)").bind(number).execute(&mut *tx).await?;
    }
    tx.commit().await?;
    Ok(())
}

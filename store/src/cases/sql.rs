//! A statement with its values, and rows that are read by place.

use super::{Db, Error, Tx};
use sqlx::sqlite::{SqliteArguments, SqliteRow};
use sqlx::{Decode, Encode, Row as _, Type};

/// Where a statement runs.
pub(crate) enum On<'a> {
    Pool(&'a sqlx::Pool<Db>),
    Tx(&'a mut Tx),
}

impl<'a> From<&'a sqlx::Pool<Db>> for On<'a> {
    fn from(pool: &'a sqlx::Pool<Db>) -> On<'a> {
        On::Pool(pool)
    }
}

impl<'a> From<&'a mut Tx> for On<'a> {
    fn from(tx: &'a mut Tx) -> On<'a> {
        On::Tx(tx)
    }
}

/// A statement with its values.
pub(crate) struct Sql<'q>(sqlx::query::Query<'q, Db, SqliteArguments>);

/// The statement of this text, with `$1`, `$2`, … where values belong.
pub(crate) fn sql<'q>(text: &'static str) -> Sql<'q> {
    Sql(sqlx::query(text))
}

impl<'q> Sql<'q> {
    pub(crate) fn bind<T: Encode<'q, Db> + Type<Db> + 'q>(self, value: T) -> Self {
        Sql(self.0.bind(value))
    }

    pub(crate) async fn execute(self, on: impl Into<On<'_>>) -> Result<u64, Error> {
        Ok(match on.into() {
            On::Pool(pool) => self.0.execute(pool).await?.rows_affected(),
            On::Tx(tx) => self.0.execute(&mut **tx).await?.rows_affected(),
        })
    }

    pub(crate) async fn fetch_all(self, on: impl Into<On<'_>>) -> Result<Vec<Row>, Error> {
        let rows = match on.into() {
            On::Pool(pool) => self.0.fetch_all(pool).await?,
            On::Tx(tx) => self.0.fetch_all(&mut **tx).await?,
        };
        Ok(rows.into_iter().map(Row).collect())
    }

    pub(crate) async fn fetch_optional(self, on: impl Into<On<'_>>) -> Result<Option<Row>, Error> {
        Ok(self.fetch_all(on).await?.into_iter().next())
    }

    pub(crate) async fn fetch_one(self, on: impl Into<On<'_>>) -> Result<Row, Error> {
        self.fetch_optional(on).await?.ok_or(Error::Corrupt("a row that is always there"))
    }
}

/// A row; its columns have places from 0.
pub(crate) struct Row(SqliteRow);

impl Row {
    pub(crate) fn get<'r, T: Decode<'r, Db> + Type<Db>>(&'r self, place: usize) -> Result<T, Error> {
        Ok(self.0.try_get(place)?)
    }
}

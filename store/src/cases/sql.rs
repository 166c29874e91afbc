//! One statement for either database: `$n` placeholders, numbers and texts, and rows that are read by place.
//!
//! sqlx's own `Any` would do the same, but takes no settings of a database except in its URL, password and all, and
//! numbers no placeholders of statements that are put together.

use super::Error;
use super::connection::{On, Pool, Tx};
use sqlx::database::HasStatementCache;
use sqlx::postgres::PgRow;
use sqlx::query::Query;
use sqlx::sqlite::SqliteRow;
use sqlx::{
    AssertSqlSafe, Column as _, Database, Decode, Encode, PgConnection, Postgres, Row as _, Sqlite, Type,
};
use std::borrow::Cow;

/// A value of a statement.
pub(crate) enum Value<'q> {
    Number(Option<i64>),
    Text(Option<Cow<'q, str>>),
}

impl From<i64> for Value<'_> {
    fn from(number: i64) -> Self {
        Value::Number(Some(number))
    }
}

impl From<Option<i64>> for Value<'_> {
    fn from(number: Option<i64>) -> Self {
        Value::Number(number)
    }
}

impl<'q> From<&'q str> for Value<'q> {
    fn from(text: &'q str) -> Self {
        Value::Text(Some(fit(text)))
    }
}

impl<'q> From<&'q String> for Value<'q> {
    fn from(text: &'q String) -> Self {
        Value::from(text.as_str())
    }
}

impl From<String> for Value<'_> {
    fn from(text: String) -> Self {
        Value::Text(Some(Cow::Owned(fit(&text).into_owned())))
    }
}

impl<'q> From<Option<&'q str>> for Value<'q> {
    fn from(text: Option<&'q str>) -> Self {
        Value::Text(text.map(fit))
    }
}

impl<'q> From<&'q Option<String>> for Value<'q> {
    fn from(text: &'q Option<String>) -> Self {
        Value::from(text.as_deref())
    }
}

impl From<Option<String>> for Value<'_> {
    fn from(text: Option<String>) -> Self {
        text.map_or(Value::Text(None), Value::from)
    }
}

/// PostgreSQL keeps every character but NUL; both keep the picture of it instead, or their answers would differ.
pub(crate) fn fit(text: &str) -> Cow<'_, str> {
    if text.contains('\0') { Cow::Owned(text.replace('\0', "\u{2400}")) } else { Cow::Borrowed(text) }
}

/// A statement with its values. Its text is the program's own, never anybody's input.
pub(crate) struct Sql<'q> {
    text: Cow<'static, str>,
    values: Vec<Value<'q>>,
}

/// What is wanted of a statement.
#[derive(Clone, Copy)]
pub(super) enum Want {
    Rows,
    Count,
}

/// What came of it.
pub(super) struct Done {
    pub(super) rows: Vec<PgRow>,
    pub(super) changed: u64,
}

/// The statement of this text, with `$1`, `$2`, … where values belong.
pub(crate) fn sql<'q>(text: &'static str) -> Sql<'q> {
    Sql { text: Cow::Borrowed(text), values: Vec::new() }
}

impl<'q> Sql<'q> {
    /// The value of the next placeholder.
    pub(crate) fn bind(mut self, value: impl Into<Value<'q>>) -> Self {
        self.values.push(value.into());
        self
    }

    /// More text.
    pub(crate) fn push(&mut self, text: &'static str) -> &mut Self {
        self.text.to_mut().push_str(text);
        self
    }

    /// The name of a table or a column; [`copy`](super::copy) sees to it that it is one.
    pub(super) fn push_name(&mut self, name: &str) -> &mut Self {
        self.text.to_mut().push_str(name);
        self
    }

    /// A placeholder and its value.
    pub(crate) fn push_bind(&mut self, value: impl Into<Value<'q>>) -> &mut Self {
        self.values.push(value.into());
        self.text.to_mut().push_str(&format!("${}", self.values.len()));
        self
    }

    /// Placeholders with commas between them, and their values.
    pub(crate) fn push_list<V: Into<Value<'q>>>(&mut self, values: impl IntoIterator<Item = V>) -> &mut Self {
        for (place, value) in values.into_iter().enumerate() {
            if place > 0 {
                self.push(", ");
            }
            self.push_bind(value);
        }
        self
    }

    /// How many rows it changed.
    pub(crate) async fn execute(&self, on: impl Into<On<'_>>) -> Result<u64, Error> {
        Ok(match on.into() {
            On::Pool(Pool::Sqlite(pool)) => self.query().execute(pool).await?.rows_affected(),
            On::Tx(Tx::Sqlite(tx)) => self.query().execute(&mut **tx).await?.rows_affected(),
            On::Pool(Pool::Postgres(pool)) => pool.run(self, Want::Count).await?.changed,
            On::Tx(Tx::Postgres(tx)) => tx.run(self, Want::Count).await?.changed,
        })
    }

    /// Every row.
    pub(crate) async fn fetch_all(&self, on: impl Into<On<'_>>) -> Result<Vec<Row>, Error> {
        Ok(match on.into() {
            On::Pool(Pool::Sqlite(pool)) => rows(self.query().fetch_all(pool).await?, Row::Sqlite),
            On::Tx(Tx::Sqlite(tx)) => rows(self.query().fetch_all(&mut **tx).await?, Row::Sqlite),
            On::Pool(Pool::Postgres(pool)) => rows(pool.run(self, Want::Rows).await?.rows, Row::Postgres),
            On::Tx(Tx::Postgres(tx)) => rows(tx.run(self, Want::Rows).await?.rows, Row::Postgres),
        })
    }

    /// Does it on a connection to PostgreSQL.
    pub(super) async fn run(&self, connection: &mut PgConnection, want: Want) -> Result<Done, sqlx::Error> {
        let query = self.query::<Postgres>();
        Ok(match want {
            Want::Rows => Done { rows: query.fetch_all(connection).await?, changed: 0 },
            Want::Count => {
                Done { rows: Vec::new(), changed: query.execute(connection).await?.rows_affected() }
            }
        })
    }

    /// The first row, if there is one.
    pub(crate) async fn fetch_optional(&self, on: impl Into<On<'_>>) -> Result<Option<Row>, Error> {
        Ok(self.fetch_all(on).await?.into_iter().next())
    }

    /// The first row.
    pub(crate) async fn fetch_one(&self, on: impl Into<On<'_>>) -> Result<Row, Error> {
        self.fetch_optional(on).await?.ok_or(Error::Corrupt("a row that is always there"))
    }

    fn query<'a, D>(&'a self) -> Query<'a, D, D::Arguments>
    where
        D: Database + HasStatementCache,
        Option<i64>: Encode<'a, D> + Type<D>,
        Option<&'a str>: Encode<'a, D> + Type<D>,
    {
        // Of a text that was put together the server's plan is not kept: there is one for each length of a list.
        let is_kept = matches!(self.text, Cow::Borrowed(_));
        let mut query = sqlx::query(AssertSqlSafe(self.text.clone())).persistent(is_kept);
        for value in &self.values {
            query = match value {
                Value::Number(number) => query.bind(*number),
                Value::Text(text) => query.bind(text.as_deref()),
            };
        }
        query
    }
}

fn rows<R>(rows: Vec<R>, kind: fn(R) -> Row) -> Vec<Row> {
    rows.into_iter().map(kind).collect()
}

/// A row; its columns have places from 0.
pub(crate) enum Row {
    Sqlite(SqliteRow),
    Postgres(PgRow),
}

/// What a column can be read as.
pub(crate) trait Column<'r>:
    Decode<'r, Sqlite> + Type<Sqlite> + Decode<'r, Postgres> + Type<Postgres>
{
}

impl<'r, T> Column<'r> for T where T: Decode<'r, Sqlite> + Type<Sqlite> + Decode<'r, Postgres> + Type<Postgres>
{}

impl Row {
    pub(crate) fn get<'r, T: Column<'r>>(&'r self, place: usize) -> Result<T, Error> {
        Ok(match self {
            Row::Sqlite(row) => row.try_get(place)?,
            Row::Postgres(row) => row.try_get(place)?,
        })
    }

    /// The names of its columns.
    pub(super) fn names(&self) -> Vec<String> {
        match self {
            Row::Sqlite(row) => row.columns().iter().map(|column| column.name().to_owned()).collect(),
            Row::Postgres(row) => row.columns().iter().map(|column| column.name().to_owned()).collect(),
        }
    }
}

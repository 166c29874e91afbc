//! Everything in the cases' database as lines of text: the same from either database, and into either.
//!
//! The first line has the steps of the schema; then for each table one with its name and columns, and one for each row.

use super::connection::{self, Pool, Target, Tx};
use super::sql::{Row, sql};
use super::{Actor, Cases, Config, Error, audit, migration};
use serde::{Deserialize, Serialize};
use std::io;

/// Rows that are read or written at once.
const ROWS_AT_ONCE: usize = 200;
/// Bytes of texts that are written at once.
const BYTES_AT_ONCE: usize = 4 << 20;
/// Values of one statement that PostgreSQL (65,535) and SQLite (32,766) both take.
const VALUES_MAX: usize = 30_000;

/// What is not copied: who is signed in signs in again, and who failed to may try.
const LEFT_OUT: &[&str] = &["schema_steps", "sessions", "login_failures"];

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Head {
    steps: Vec<i64>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    table: String,
    columns: Vec<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Value {
    Number(i64),
    Text(String),
}

/// The cases as they were at one moment.
pub struct Copy {
    tx: Tx,
    steps: Vec<i64>,
}

impl Cases {
    /// The cases as they are now. They may be changed while the copy is written: it shows nothing of that.
    ///
    /// # Errors
    /// The database refused.
    pub async fn copy(&self) -> Result<Copy, Error> {
        let mut tx = self.read.begin_reading().await?;
        // The moment is that of the first statement.
        let steps = migration::done(&mut tx).await?;
        Ok(Copy { tx, steps })
    }
}

impl Copy {
    /// The steps of the schema.
    #[must_use]
    pub fn steps(&self) -> &[i64] {
        &self.steps
    }

    /// Gives every line without its end; answers how many rows there are.
    ///
    /// # Errors
    /// The database refused, or `line` did.
    pub async fn write(mut self, mut line: impl FnMut(&str) -> io::Result<()>) -> Result<u64, Error> {
        let mut give = |value: serde_json::Result<String>| {
            value.map_err(io::Error::from).and_then(|text| line(&text)).map_err(unwritable)
        };
        give(serde_json::to_string(&Head { steps: self.steps.clone() }))?;
        let mut count = 0;
        for table in tables(&mut self.tx).await?.into_iter().filter(|name| !LEFT_OUT.contains(&name.as_str()))
        {
            let mut pages = Pages::open(&mut self.tx, &table).await?;
            let mut is_told = false;
            loop {
                let rows = pages.next(&mut self.tx).await?;
                let Some(first) = rows.first() else { break };
                if !is_told {
                    let columns = first.names().split_off(pages.skipped());
                    give(serde_json::to_string(&Table { table: table.clone(), columns }))?;
                    is_told = true;
                }
                for row in &rows {
                    let width = row.names().len();
                    let values = (pages.skipped()..width).map(|place| value(row, place));
                    give(serde_json::to_string(&values.collect::<Result<Vec<_>, _>>()?))?;
                    count += 1;
                }
            }
        }
        Ok(count)
    }
}

fn value(row: &Row, place: usize) -> Result<Option<Value>, Error> {
    match row.get::<Option<i64>>(place) {
        Ok(number) => Ok(number.map(Value::Number)),
        Err(_) => Ok(row.get::<Option<String>>(place)?.map(Value::Text)),
    }
}

#[allow(clippy::needless_pass_by_value, reason = "for `map_err`")]
fn unwritable(why: io::Error) -> Error {
    Error::Unfit(format!("write the copy of the cases: {why}"))
}

/// A table page by page, in statements that end soon.
enum Pages {
    /// By the rows' own numbers, of which this was the last.
    Numbered(String, i64),
    /// By a cursor of the transaction.
    Cursor(String),
}

impl Pages {
    async fn open(tx: &mut Tx, table: &str) -> Result<Pages, Error> {
        if !tx.is_postgres() {
            return Ok(Pages::Numbered(table.to_owned(), i64::MIN));
        }
        tx.run_script(format!("DECLARE copy_{table} NO SCROLL CURSOR FOR SELECT * FROM {table}")).await?;
        Ok(Pages::Cursor(table.to_owned()))
    }

    async fn next(&mut self, tx: &mut Tx) -> Result<Vec<Row>, Error> {
        match self {
            Pages::Numbered(table, last) => {
                let mut page = sql("SELECT rowid, * FROM ");
                page.push_name(table).push(" WHERE rowid > ").push_bind(*last);
                page.push(" ORDER BY rowid LIMIT ").push_bind(super::stored(ROWS_AT_ONCE));
                let rows = page.fetch_all(tx).await?;
                if let Some(row) = rows.last() {
                    *last = row.get(0)?;
                }
                Ok(rows)
            }
            Pages::Cursor(table) => {
                // A name for each table: the text is what the server's plan is remembered by.
                let mut page = sql("FETCH 200 FROM copy_");
                page.push_name(table);
                page.fetch_all(tx).await
            }
        }
    }

    /// How many columns are not the table's.
    fn skipped(&self) -> usize {
        usize::from(matches!(self, Pages::Numbered(..)))
    }
}

/// The tables that are there.
async fn tables(tx: &mut Tx) -> Result<Vec<String>, Error> {
    let names = if tx.is_postgres() {
        "SELECT table_name::text FROM information_schema.tables \
         WHERE table_schema = current_schema() AND table_type = 'BASE TABLE' ORDER BY 1"
    } else {
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY 1"
    };
    sql(names).fetch_all(tx).await?.iter().map(|row| row.get(0)).collect()
}

/// Fills a database that has nothing with a copy's lines, in one transaction: all of them or none. Answers how many rows.
/// The act stands in the trail, after what the copy has of it.
///
/// # Errors
/// The database is not empty or refused, or the lines are no copy that this program knows.
pub async fn restore(
    target: &Target,
    config: &Config,
    by: &Actor,
    from: &str,
    mut lines: impl Iterator<Item = io::Result<String>>,
) -> Result<u64, Error> {
    let pool = connection::bare(target, config).await?;
    let mut tx = pool.begin().await?;
    if !tables(&mut tx).await?.is_empty() {
        return Err(Error::Unfit(format!(
            "{target} has tables already: a backup is restored into an empty database only; make another one and name it in cases.url"
        )));
    }
    let head = lines.next().ok_or_else(|| broken("it is empty"))?.map_err(broken)?;
    let head: Head = serde_json::from_str(&head).map_err(broken)?;
    migration::up_to(&mut tx, &head.steps).await?;
    let there = tables(&mut tx).await?;
    let mut filling = Filling { there, table: None, rows: Vec::new(), bytes: 0, count: 0 };
    for line in lines {
        filling.take(&mut tx, &line.map_err(broken)?).await?;
    }
    filling.flush(&mut tx).await?;
    audit::append(&mut tx, by, "backup.restore", "", "done", from).await?;
    tx.commit().await?;
    pool.close().await;
    Ok(filling.count)
}

fn broken(why: impl std::fmt::Display) -> Error {
    Error::Unfit(format!("the copy of the cases does not read: {why}"))
}

/// Rows on their way into a table.
struct Filling {
    /// The tables that the schema has.
    there: Vec<String>,
    table: Option<Table>,
    rows: Vec<Vec<Option<Value>>>,
    bytes: usize,
    count: u64,
}

impl Filling {
    async fn take(&mut self, tx: &mut Tx, line: &str) -> Result<(), Error> {
        if line.starts_with('{') {
            self.flush(tx).await?;
            let table: Table = serde_json::from_str(line).map_err(broken)?;
            let is_name = |name: &String| {
                name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_' || b.is_ascii_digit())
            };
            if !self.there.contains(&table.table)
                || !table.columns.iter().all(is_name)
                || table.columns.is_empty()
            {
                return Err(broken(format_args!(
                    "the schema has no table {:?} of these columns",
                    table.table
                )));
            }
            // What the schema's steps have put in themselves is in the copy too.
            let mut clear = sql("DELETE FROM ");
            clear.push_name(&table.table).execute(tx).await?;
            self.table = Some(table);
            return Ok(());
        }
        let row: Vec<Option<Value>> = serde_json::from_str(line).map_err(broken)?;
        let width = self.table.as_ref().map_or(0, |table| table.columns.len());
        if row.len() != width {
            return Err(broken("a row has not as many values as its table has columns"));
        }
        self.bytes += line.len();
        self.rows.push(row);
        if self.rows.len() == ROWS_AT_ONCE
            || self.bytes >= BYTES_AT_ONCE
            || self.rows.len() * width >= VALUES_MAX
        {
            self.flush(tx).await?;
        }
        Ok(())
    }

    async fn flush(&mut self, tx: &mut Tx) -> Result<(), Error> {
        let (Some(table), false) = (&self.table, self.rows.is_empty()) else { return Ok(()) };
        let mut insert = sql("INSERT INTO ");
        insert.push_name(&table.table).push(" (").push_name(&table.columns.join(", ")).push(") VALUES ");
        self.count += self.rows.len() as u64;
        self.bytes = 0;
        for (place, row) in self.rows.drain(..).enumerate() {
            insert.push(if place == 0 { "(" } else { ", (" });
            for (place, value) in row.into_iter().enumerate() {
                insert.push(if place == 0 { "" } else { ", " });
                match value {
                    // A placeholder would have a type, and PostgreSQL wants the column's.
                    None => insert.push("NULL"),
                    Some(Value::Number(number)) => insert.push_bind(number),
                    Some(Value::Text(text)) => insert.push_bind(text),
                };
            }
            insert.push(")");
        }
        insert.execute(tx).await?;
        Ok(())
    }
}

impl Pool {
    /// The steps of the schema that were taken, none in a database that is not ours yet.
    pub(super) async fn steps(&self) -> Result<Vec<i64>, Error> {
        let mut tx = self.begin_reading().await?;
        if tables(&mut tx).await?.iter().any(|name| name == "schema_steps") {
            return migration::done(&mut tx).await;
        }
        Ok(Vec::new())
    }
}

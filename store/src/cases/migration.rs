//! Numbered steps of the schema, run once each, in order, in one transaction.

use super::Error;
use super::connection::{On, Pool, Tx};
use super::sql::sql;

const OWN_TABLE: &str = "CREATE TABLE IF NOT EXISTS schema_steps (number BIGINT NOT NULL PRIMARY KEY)";

const STEPS: &[(i64, &str)] = &[
    (1, include_str!("migrations/0001_cases.sql")),
    (2, include_str!("migrations/0002_authorised.sql")),
    (3, include_str!("migrations/0003_taxii.sql")),
    (4, include_str!("migrations/0004_indicators.sql")),
    (5, include_str!("migrations/0005_registry.sql")),
    (7, include_str!("migrations/0007_exchange.sql")),
    (8, include_str!("migrations/0008_particulars.sql")),
    (9, include_str!("migrations/0009_compliance.sql")),
    (10, include_str!("migrations/0010_withdrawn_by.sql")),
];

/// Brings the schema up to date.
pub(super) async fn run(pool: &Pool) -> Result<(), Error> {
    let mut tx = pool.begin().await?;
    tx.run_script(OWN_TABLE.to_owned()).await?;
    let done = done(&mut tx).await?;
    judge(&done)?;
    // Those that are missing, wherever: steps of two pieces of work come in any order.
    for &(number, text) in STEPS.iter().filter(|step| !done.contains(&step.0)) {
        step(&mut tx, number, text).await?;
    }
    tx.commit().await
}

/// Makes the schema that these steps come to, in a database that has none.
pub(super) async fn up_to(tx: &mut Tx, steps: &[i64]) -> Result<(), Error> {
    judge(steps)?;
    tx.run_script(OWN_TABLE.to_owned()).await?;
    for &(number, text) in STEPS.iter().filter(|step| steps.contains(&step.0)) {
        step(tx, number, text).await?;
    }
    Ok(())
}

async fn step(tx: &mut Tx, number: i64, text: &str) -> Result<(), Error> {
    tx.run_script(if tx.is_postgres() { for_postgres(text) } else { text.to_owned() }).await?;
    sql("INSERT INTO schema_steps (number) VALUES ($1)").bind(number).execute(tx).await?;
    Ok(())
}

/// The steps that were taken.
pub(super) async fn done(on: impl Into<On<'_>>) -> Result<Vec<i64>, Error> {
    let rows = sql("SELECT number FROM schema_steps ORDER BY number").fetch_all(on).await?;
    rows.iter().map(|row| row.get(0)).collect()
}

/// Whether this program can go on from these steps.
pub(super) fn judge(done: &[i64]) -> Result<(), Error> {
    let (found, known) = (done.iter().copied().max().unwrap_or(0), newest());
    if found > known {
        return Err(Error::Newer { found, known });
    }
    let ours = |number: &i64| STEPS.iter().any(|step| step.0 == *number);
    done.iter().find(|number| !ours(number)).map_or(Ok(()), |number| Err(Error::Foreign(*number)))
}

/// The newest step that there is.
pub(super) fn newest() -> i64 {
    STEPS.last().map_or(0, |step| step.0)
}

/// Whether steps are missing.
pub(super) fn is_behind(done: &[i64]) -> bool {
    STEPS.iter().any(|step| !done.contains(&step.0))
}

/// The steps are written for SQLite, whose texts are compared byte by byte. PostgreSQL would order them as its locale does,
/// so that a cursor of one database would mean something else in the other: each `TEXT` becomes `TEXT COLLATE "C"`.
fn for_postgres(step: &str) -> String {
    let line = |line: &str| match line.split_once("--") {
        Some((code, comment)) => format!("{}--{comment}\n", collated(code)),
        None => format!("{}\n", collated(line)),
    };
    step.lines().map(line).collect()
}

fn collated(code: &str) -> String {
    code.replace(" TEXT", " TEXT COLLATE \"C\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_compared_byte_by_byte_and_comments_are_left_alone() {
        assert_eq!(
            for_postgres("-- a TEXT\nCREATE TABLE t (\n    id TEXT NOT NULL, -- TEXT\n    n BIGINT\n);"),
            "-- a TEXT\nCREATE TABLE t (\n    id TEXT COLLATE \"C\" NOT NULL, -- TEXT\n    n BIGINT\n);\n"
        );
    }

    #[test]
    fn steps_of_a_newer_program_or_of_nobody_are_refused() {
        let all: Vec<i64> = STEPS.iter().map(|step| step.0).collect();
        assert!(judge(&all).is_ok() && judge(&[]).is_ok() && judge(&all[..3]).is_ok());
        assert!(matches!(judge(&[1, 9999]), Err(Error::Newer { found: 9999, .. })));
        assert!(matches!(judge(&[1, 6]), Err(Error::Foreign(6))));
        assert!(is_behind(&all[1..]) && !is_behind(&all));
    }

    /// What both databases have: anything else is different in one of them.
    #[test]
    fn columns_are_texts_and_numbers_alone() {
        for (number, step) in STEPS {
            for line in step.lines().map(str::trim).filter(|line| !line.starts_with("--")) {
                let column =
                    line.strip_prefix("ALTER TABLE ").and_then(|rest| rest.split_once(" ADD COLUMN "));
                let words: Vec<&str> = column.map_or(line, |(_, column)| column).split_whitespace().collect();
                let [name, kind, ..] = words[..] else { continue };
                if name.chars().all(|c| c.is_ascii_lowercase() || c == '_') {
                    let kind = kind.trim_end_matches([',', ';']);
                    assert!(matches!(kind, "TEXT" | "BIGINT"), "step {number}: {line}");
                }
            }
        }
    }
}

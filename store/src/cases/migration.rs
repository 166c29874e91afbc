//! Numbered steps of the schema, run once each, in order, in one transaction.

use super::Error;
use super::connection::Pool;
use super::sql::sql;

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

pub(super) async fn run(pool: &Pool) -> Result<(), Error> {
    let mut tx = pool.begin().await?;
    let script = |text: &str, is_postgres| if is_postgres { for_postgres(text) } else { text.to_owned() };
    let is_postgres = tx.is_postgres();
    tx.run_script("CREATE TABLE IF NOT EXISTS schema_steps (number BIGINT NOT NULL PRIMARY KEY)".to_owned())
        .await?;
    let rows = sql("SELECT number FROM schema_steps").fetch_all(&mut tx).await?;
    let done = rows.iter().map(|row| row.get(0)).collect::<Result<Vec<i64>, _>>()?;
    let (found, known) = (done.iter().copied().max().unwrap_or(0), STEPS.last().map_or(0, |step| step.0));
    if found > known {
        return Err(Error::Newer { found, known });
    }
    // Those that are missing, wherever: steps of two pieces of work come in any order.
    for &(number, text) in STEPS.iter().filter(|step| !done.contains(&step.0)) {
        tx.run_script(script(text, is_postgres)).await?;
        sql("INSERT INTO schema_steps (number) VALUES ($1)").bind(number).execute(&mut tx).await?;
    }
    tx.commit().await
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

//! The schema, brought up to date by numbered migrations. One machine and a cluster differ in the engine only.

use super::{Events, EventsError};

/// Every migration in order; its number is its place from 1. A migration that was released is never changed.
const MIGRATIONS: &[(&str, &str)] = &[
    ("events", include_str!("migrations/0001_events.sql")),
    ("matches", include_str!("migrations/0002_matches.sql")),
    ("activity", include_str!("migrations/0003_activity.sql")),
];

const OWN_TABLE: &str = "CREATE TABLE IF NOT EXISTS migrations{on_cluster} (number UInt32, name String, \
     applied DateTime('UTC') DEFAULT now()) ENGINE = {replicated}ReplacingMergeTree ORDER BY number";

impl Events {
    /// Makes the database and its tables, or brings them up to date. Safe to run at every start.
    ///
    /// # Errors
    /// The store refuses, or its tables are newer than this program.
    pub async fn migrate(&self) -> Result<(), EventsError> {
        self.migrate_to(Events::known_schema()).await
    }

    /// The newest migration that this program knows.
    #[must_use]
    pub fn known_schema() -> u32 {
        u32::try_from(MIGRATIONS.len()).unwrap_or(u32::MAX)
    }

    /// The same, but no further than to one migration.
    ///
    /// # Errors
    /// As above.
    pub async fn migrate_to(&self, last: u32) -> Result<(), EventsError> {
        let cluster = self.target.cluster();
        let database =
            format!("CREATE DATABASE IF NOT EXISTS {}{}", identifier(self.target.database()), on(cluster));
        let anywhere = self.client.clone().with_database("default");
        anywhere.query_raw(&database).execute().await?;
        self.run(OWN_TABLE).await?;
        let found: u32 = self.client.query_raw("SELECT max(number) FROM migrations").fetch_one().await?;
        let known = Events::known_schema();
        if found > known {
            return Err(EventsError::Newer { found, known });
        }
        for (number, (name, sql)) in (1..).zip(MIGRATIONS) {
            if number > found && number <= last {
                self.run(sql).await?;
                let done = format!("INSERT INTO migrations (number, name) VALUES ({number}, '{name}')");
                self.client.query_raw(&done).execute().await?;
                tracing::info!(number, name, "migrated the events' store");
            }
        }
        if last > 0 { self.has_every_column().await } else { Ok(()) }
    }

    /// Better no start than one that can store nothing.
    async fn has_every_column(&self) -> Result<(), EventsError> {
        let there = "SELECT name FROM system.columns WHERE database = currentDatabase() AND table = 'events'";
        let there: Vec<String> = self.client.query_raw(there).fetch_all().await?;
        let names = super::block::names();
        let missing: Vec<&str> =
            names.split(", ").filter(|name| !there.iter().any(|one| one == name)).collect();
        if missing.is_empty() { Ok(()) } else { Err(EventsError::Foreign(missing.join(", "))) }
    }

    /// What makes a statement change every member of a cluster.
    pub(super) fn on_cluster(&self) -> String {
        on(self.target.cluster())
    }

    async fn run(&self, sql: &str) -> Result<(), EventsError> {
        for statement in expand(sql, self.target.cluster(), self.config.fsync) {
            self.client.query_raw(&statement).execute().await?;
        }
        Ok(())
    }
}

/// The statements of a migration for this kind of store.
fn expand(sql: &str, cluster: Option<&str>, fsync: bool) -> Vec<String> {
    let lines: Vec<&str> = sql.lines().filter(|line| !line.starts_with("--")).collect();
    let window = if cluster.is_some() { "replicated" } else { "non_replicated" };
    let sql = lines
        .join("\n")
        .replace("{on_cluster}", &on(cluster))
        .replace("{replicated}", if cluster.is_some() { "Replicated" } else { "" })
        .replace("{deduplication}", &format!("{window}_deduplication_window"))
        .replace("{fsync}", if fsync { "1" } else { "0" });
    sql.split(";\n")
        .map(str::trim)
        .map(|text| text.trim_end_matches(';'))
        .filter(|text| !text.is_empty())
        .map(str::to_owned)
        .collect()
}

fn on(cluster: Option<&str>) -> String {
    cluster.map_or_else(String::new, |name| format!(" ON CLUSTER {}", identifier(name)))
}

pub(super) fn identifier(name: &str) -> String {
    format!("`{}`", name.replace('\\', "\\\\").replace('`', "\\`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_machine_and_a_cluster_differ_in_the_engine_only() {
        let (_, sql) = MIGRATIONS[1];
        let single = expand(sql, None, true).concat();
        let cluster = expand(sql, Some("tỉnh`x"), true).concat();
        assert!(single.contains("matches\n(") && single.contains("ENGINE = ReplacingMergeTree\n"));
        assert!(
            single.contains("SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1")
        );
        let back = cluster
            .replace(" ON CLUSTER `tỉnh\\`x`", "")
            .replace("Replicated", "")
            .replace("SETTINGS replicated", "SETTINGS non_replicated");
        assert_eq!(back, single);
        for (_, sql) in MIGRATIONS {
            for statement in expand(sql, None, false) {
                assert!(!statement.contains(['{', '}', ';']), "{statement}");
            }
        }
    }
}

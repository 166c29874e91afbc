//! A copy of the embedded engine's tables: parts are frozen where they are, which takes no time and no room, and attached to
//! empty tables of the same schema.

use super::{Events, EventsError};
use clickhouse::Row;
use serde::Deserialize;
use std::path::{Path, PathBuf};

/// What of the store is not copied: the schema's number stands for it.
const LEFT_OUT: &str = "migrations";

/// A table as it was at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frozen {
    /// The table.
    pub table: String,
    /// The folder of its parts, a folder each, within the engine's; not there if the table is empty.
    pub parts: PathBuf,
}

impl Events {
    /// Freezes every table under a name of letters and `_`: links to its parts, which stay until [`thaw`]. For one moment of all tables the
    /// caller sees to it that nobody inserts meanwhile.
    ///
    /// # Errors
    /// The engine refuses or does not answer.
    pub async fn freeze(&self, engine: &Path, name: &str) -> Result<Vec<Frozen>, EventsError> {
        #[derive(Row, Deserialize)]
        struct Table {
            name: String,
            id: String,
        }
        let tables = format!(
            "SELECT name, toString(uuid) AS id FROM system.tables \
             WHERE database = currentDatabase() AND engine LIKE '%MergeTree' AND name != '{LEFT_OUT}' ORDER BY name"
        );
        let tables = self.client.query_raw(&tables).fetch_all::<Table>().await?;
        let mut frozen = Vec::new();
        for Table { name: table, id } in tables {
            let statement = format!("ALTER TABLE {table} FREEZE WITH NAME '{name}'");
            self.client.query_raw(&statement).execute().await?;
            let group = id.get(..3).unwrap_or_default();
            let parts = engine.join("shadow").join(name).join("store").join(group).join(&id);
            if !parts.exists() && self.rows(&table).await? > 0 {
                return Err(EventsError::NotFrozen(parts));
            }
            frozen.push(Frozen { table, parts });
        }
        Ok(frozen)
    }

    /// The number of the newest migration that was done.
    ///
    /// # Errors
    /// The store refuses or has no tables.
    pub async fn schema(&self) -> Result<u32, EventsError> {
        Ok(self.client.query_raw("SELECT max(number) FROM migrations").fetch_one().await?)
    }

    /// Where a part of the table is put before it is attached.
    ///
    /// # Errors
    /// There is no such table, or the store refuses.
    pub async fn detached(&self, table: &str) -> Result<PathBuf, EventsError> {
        let question = "SELECT arrayElement(data_paths, 1) FROM system.tables \
                        WHERE database = currentDatabase() AND name = {table:String}";
        let path: String = self.client.query_raw(question).param("table", table).fetch_one().await?;
        Ok(PathBuf::from(path).join("detached"))
    }

    /// Attaches a part that lies there. Views see nothing of it: their own tables have their own parts.
    ///
    /// # Errors
    /// The engine finds it damaged or refuses.
    pub async fn attach(&self, table: &str, part: &str) -> Result<(), EventsError> {
        let quoted = part.replace('\\', "\\\\").replace('\'', "\\'");
        let statement = format!("ALTER TABLE {} ATTACH PART '{quoted}'", super::migrate::identifier(table));
        Ok(self.client.query_raw(&statement).execute().await?)
    }

    /// Has a server write a backup of the database to a place of its own: `Disk('backups', 'name')`.
    ///
    /// # Errors
    /// The server refuses.
    pub async fn backup_to(&self, place: &str) -> Result<(), EventsError> {
        Ok(self.client.query_raw(&self.in_whole("BACKUP", "TO", place)).execute().await?)
    }

    /// Has a server restore the database from there; there must be none of its tables yet.
    ///
    /// # Errors
    /// The server refuses.
    pub async fn restore_from(&self, place: &str) -> Result<(), EventsError> {
        let anywhere = self.client.clone().with_database("default");
        Ok(anywhere.query_raw(&self.in_whole("RESTORE", "FROM", place)).execute().await?)
    }

    fn in_whole(&self, act: &str, way: &str, place: &str) -> String {
        let database = super::migrate::identifier(self.target.database());
        format!("{act} DATABASE {database}{} {way} {place}", self.on_cluster())
    }

    /// Merges nothing from now on, so that rows can be counted as they were.
    ///
    /// # Errors
    /// The engine refuses.
    pub async fn stop_merges(&self) -> Result<(), EventsError> {
        Ok(self.client.query_raw("SYSTEM STOP MERGES").execute().await?)
    }

    /// How many rows the parts of a table have, those that a merge would put together counted each.
    ///
    /// # Errors
    /// The store refuses.
    pub async fn rows(&self, table: &str) -> Result<u64, EventsError> {
        let question = "SELECT sum(rows) FROM system.parts \
                        WHERE database = currentDatabase() AND active AND table = {table:String}";
        Ok(self.client.query_raw(question).param("table", table).fetch_one().await?)
    }
}

/// Takes away what was frozen under names that begin so.
///
/// # Errors
/// The disk refuses.
pub fn thaw(engine: &Path, prefix: &str) -> std::io::Result<()> {
    let entries = match std::fs::read_dir(engine.join("shadow")) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    for entry in entries {
        let entry = entry?;
        if entry.file_name().to_string_lossy().starts_with(prefix) {
            std::fs::remove_dir_all(entry.path())?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::{Config, Target};
    use super::*;

    #[test]
    fn a_server_copies_its_database_by_a_statement_and_every_member_of_a_cluster_does() {
        let server = |cluster: Option<&str>| Target::Server {
            url: "https://db:8443".into(),
            user: "haidang".into(),
            password: String::new(),
            database: "haidang".into(),
            cluster: cluster.map(str::to_owned),
        };
        let one = Events::connect(server(None), Config::default());
        let place = "Disk('backups', 'haidang-2026')";
        assert_eq!(
            one.in_whole("BACKUP", "TO", place),
            "BACKUP DATABASE `haidang` TO Disk('backups', 'haidang-2026')"
        );
        let many = Events::connect(server(Some("soc")), Config::default());
        assert_eq!(
            many.in_whole("RESTORE", "FROM", place),
            "RESTORE DATABASE `haidang` ON CLUSTER `soc` FROM Disk('backups', 'haidang-2026')"
        );
    }
}

//! A cases' database of a test's own: an SQLite file, or with `HAIDANG_TEST_POSTGRES=postgres://user@host:port/database`
//! (and the password in `PGPASSWORD`) a database on that server, which goes with the test.

use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use store::cases::Target;

pub(crate) struct Place {
    pub(crate) target: Target,
    #[allow(dead_code, reason = "not every crate puts something else there")]
    pub(crate) folder: tempfile::TempDir,
    /// The server's URL and the database's name.
    made: Option<(String, String)>,
}

static MADE: AtomicU32 = AtomicU32::new(0);

impl Place {
    pub(crate) fn new() -> Place {
        let folder = tempfile::tempdir().unwrap();
        let set = |name: &str| std::env::var_os(name).map(|value| value.into_string().unwrap());
        let Some(server) = set("HAIDANG_TEST_POSTGRES") else {
            return Place { target: Target::within(folder.path()), folder, made: None };
        };
        let name = format!("test_{}_{}", std::process::id(), MADE.fetch_add(1, Ordering::Relaxed));
        psql(&server, &format!("CREATE DATABASE {name} ENCODING 'UTF8' TEMPLATE template0"));
        let (base, _) = server.rsplit_once('/').unwrap();
        let target = Target::Server { url: format!("{base}/{name}"), password: set("PGPASSWORD") };
        Place { target, folder, made: Some((server, name)) }
    }

    /// An SQLite file in any case.
    #[allow(dead_code, reason = "not every crate asks")]
    pub(crate) fn file() -> Place {
        let folder = tempfile::tempdir().unwrap();
        Place { target: Target::within(folder.path()), folder, made: None }
    }

    /// Everything that the database has written down.
    #[allow(dead_code, reason = "not every crate asks")]
    pub(crate) fn content(&self) -> Vec<u8> {
        match &self.target {
            Target::File(path) => {
                let mut content = std::fs::read(path).unwrap();
                content.extend(std::fs::read(path.with_extension("sqlite-wal")).unwrap_or_default());
                content
            }
            Target::Server { url, .. } => {
                let dumped = Command::new("pg_dump").arg(url).output().unwrap();
                assert!(dumped.status.success(), "{}", String::from_utf8_lossy(&dumped.stderr));
                dumped.stdout
            }
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some((server, name)) = &self.made {
            psql(server, &format!("DROP DATABASE {name} WITH (FORCE)"));
        }
    }
}

fn psql(server: &str, statement: &str) {
    let done = Command::new("psql")
        .args(["--no-psqlrc", "--quiet", server, "--command", statement])
        .output()
        .unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
}

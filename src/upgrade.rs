//! Whether this version may work on what an installation has: asked before anything of it is written.
//!
//! The data folder's `version.json` says which version wrote last, and in which forms; databases and spool are asked too,
//! because they may be elsewhere, or older than that file.

use crate::config::Config;
use anyhow::Context as _;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use store::cases::{Cases, Error, Target};
use store::events::Events;

/// Data of this many minor versions before is taken over; from further back, a version in between does it first.
const MINORS_BACK: u64 = 2;

/// The file of [`Written`].
const FILE: &str = "version.json";

/// Where a restore builds what it then moves into place: if it is there, the restore was cut off.
pub(crate) const RESTORING: &str = "restoring";

/// Who wrote the data folder last, and in which forms.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Written {
    /// The program's version.
    pub(crate) version: String,
    /// The newest migration of the events' store.
    pub(crate) events: u32,
    /// The newest step of the cases' schema.
    pub(crate) cases: i64,
}

impl Written {
    /// By this program.
    pub(crate) fn ours() -> Written {
        Written {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            events: Events::known_schema(),
            cases: Cases::schema(),
        }
    }
}

/// What keeps this version from working on the installation, a line each; reads only. A database that is away is not asked:
/// whoever waits for it is refused by it.
pub(crate) async fn problems(config: &Config) -> Vec<String> {
    problems_of(config, true).await
}

async fn problems_of(config: &Config, asks_server: bool) -> Vec<String> {
    let data = config.data();
    let mut problems = Vec::new();
    if data.join(RESTORING).exists() {
        problems.push(format!(
            "{} is only half restored: remove what is in it and restore the backup again",
            data.display()
        ));
    }
    match read(&data) {
        Ok(Some(written)) => problems.extend(judge(&written, &Written::ours(), &data)),
        Ok(None) => {}
        Err(error) => problems.push(format!("{error:#}")),
    }
    if let Err(error) = collector::spool::check_format(&spool(config, &data)) {
        problems.push(error.to_string());
    }
    // A target that is wrong is told by whoever opens it.
    if let Ok(target) = config.cases.target(&data)
        && (asks_server || matches!(target, Target::File(_)))
    {
        match Cases::check(&target, &config.cases.limits).await {
            Err(Error::Away(_)) | Ok(()) => {}
            Err(error) => problems.push(format!("{target}: {error}")),
        }
    }
    problems
}

/// Makes the data folder, or enters the one that is there if this version may write to it, and leaves its mark.
pub(crate) async fn enter(config: &Config) -> anyhow::Result<PathBuf> {
    enter_if(config, &problems(config).await)
}

/// The same for who takes lines before anything else: a server of databases is not waited for.
pub(crate) async fn enter_at_once(config: &Config) -> anyhow::Result<PathBuf> {
    enter_if(config, &problems_of(config, false).await)
}

fn enter_if(config: &Config, problems: &[String]) -> anyhow::Result<PathBuf> {
    anyhow::ensure!(problems.is_empty(), "nothing was touched: {}", problems.join("; "));
    let data = crate::run::prepare(&config.data())?;
    mark(&data)?;
    Ok(data)
}

/// Writes who wrote last: before anything else is written, so that an older version is warned in any case.
pub(crate) fn mark(data: &Path) -> anyhow::Result<()> {
    use std::io::Write as _;
    use std::os::unix::fs::OpenOptionsExt as _;
    if read(data).ok().flatten().as_ref() == Some(&Written::ours()) {
        return Ok(());
    }
    let (path, fresh) = (data.join(FILE), data.join("version.json.new"));
    let text = serde_json::to_string(&Written::ours()).context("write the version")?;
    let mut new = std::fs::OpenOptions::new();
    new.create(true)
        .write(true)
        .truncate(true)
        .mode(0o600)
        .open(&fresh)
        .and_then(|mut file| file.write_all(text.as_bytes()).and_then(|()| file.sync_all()))
        .and_then(|()| std::fs::rename(&fresh, &path))
        .with_context(|| format!("write {}", path.display()))
}

/// The folder of the spool.
pub(crate) fn spool(config: &Config, data: &Path) -> PathBuf {
    config.collector.spool_folder.clone().unwrap_or_else(|| data.join("spool"))
}

fn read(data: &Path) -> anyhow::Result<Option<Written>> {
    let path = data.join(FILE);
    match std::fs::read(&path) {
        Ok(bytes) => {
            let written = serde_json::from_slice(&bytes);
            written.map(Some).with_context(|| {
                format!("{} does not read: it says which version wrote this folder; write {{\"version\":\"…\",\"events\":…,\"cases\":…}} of the version that you know wrote it", path.display())
            })
        }
        // Of the first version, or empty.
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("read {}", path.display())),
    }
}

/// What keeps `ours` from going on where `written` left off.
pub(crate) fn judge(written: &Written, ours: &Written, place: &Path) -> Vec<String> {
    let place = place.display();
    let (Some(from), Some(to)) = (numbers(&written.version), numbers(&ours.version)) else {
        return vec![format!("{place} was written by haidang {:?}, which is no version", written.version)];
    };
    if (from.0, from.1) > (to.0, to.1) {
        return vec![format!(
            "{place} was written by haidang {}, this is {}: run {0} or newer, or restore a backup made by this version",
            written.version, ours.version
        )];
    }
    let mut problems = Vec::new();
    for (what, found, known) in
        [("events", i64::from(written.events), i64::from(ours.events)), ("cases", written.cases, ours.cases)]
    {
        if found > known {
            problems.push(format!(
                "{place}: the schema of the {what} is {found}, this version knows up to {known}: run the newer program that wrote it"
            ));
        }
    }
    if from.0 != to.0 {
        problems.push(format!(
            "{place} was written by haidang {}, too far back for {}: go through the last version {}.x first, and make a backup before each step",
            written.version, ours.version, from.0
        ));
    } else if to.1 - from.1 > MINORS_BACK {
        problems.push(format!(
            "{place} was written by haidang {}, too far back for {}: go through {}.{} first (it takes {MINORS_BACK} minor versions at a time), and make a backup before each step",
            written.version, ours.version, from.0, from.1 + MINORS_BACK
        ));
    }
    problems
}

/// Major and minor number.
fn numbers(version: &str) -> Option<(u64, u64)> {
    let mut parts = version.split('.');
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn by(version: &str, events: u32, cases: i64) -> Written {
        Written { version: version.into(), events, cases }
    }

    #[test]
    fn a_step_back_or_one_too_far_is_refused_and_says_the_way() {
        let ours = by("2.4.1", 7, 20);
        let judged = |written: Written| judge(&written, &ours, Path::new("/var/lib/haidang")).join("; ");
        for fine in [by("2.4.1", 7, 20), by("2.4.9", 7, 20), by("2.3.0", 6, 1), by("2.2.7", 1, 9)] {
            assert_eq!(judged(fine), "");
        }
        for (refused, words) in [
            (by("2.5.0", 7, 20), "run 2.5.0 or newer"),
            (by("3.0.0", 7, 20), "run 3.0.0 or newer"),
            (by("2.4.1", 8, 20), "the schema of the events is 8, this version knows up to 7"),
            (by("2.4.1", 7, 21), "the schema of the cases is 21, this version knows up to 20"),
            (by("2.1.0", 1, 1), "go through 2.3 first"),
            (by("2.0.3", 1, 1), "go through 2.2 first"),
            (by("1.9.0", 1, 1), "go through the last version 1.x first"),
            (by("new", 1, 1), "no version"),
        ] {
            let said = judged(refused);
            assert!(said.contains(words) && said.contains("/var/lib/haidang"), "{words}: {said}");
        }
    }
}

//! What a backup says of itself, and whether it holds what it says.

use super::folder::{self, Copied};
use crate::upgrade::{self, Written};
use anyhow::Context as _;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

const FILE: &str = "manifest.json";
/// The manifest's own checksum, as `sha256sum` writes it.
const SUM: &str = "manifest.json.sha256";

/// The form of backups that this version writes.
const FORMAT: u32 = 1;

/// `manifest.json`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Manifest {
    /// The form of the backup.
    pub(super) format: u32,
    /// Who wrote it, with the numbers of both schemas.
    pub(super) written: Written,
    /// The moment that it shows.
    pub(super) made: String,
    /// Where the events are.
    pub(super) events: EventsIn,
    /// Rows of the cases.
    pub(super) cases_rows: u64,
    /// Where the files of `config/` were.
    pub(super) config: BTreeMap<String, PathBuf>,
    /// What an installation has that is not in here, and why.
    pub(super) left_out: Vec<String>,
    /// Every file.
    pub(super) files: Vec<Listed>,
}

/// Where the events are.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum EventsIn {
    /// In `events/`: rows of each table.
    Folder { rows: BTreeMap<String, u64> },
    /// Where the ClickHouse server has put them: `Disk('backups', 'name')`.
    Server { place: String },
}

/// A file of the backup.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Listed {
    /// Its path within the backup.
    pub(super) path: String,
    /// Its length.
    pub(super) bytes: u64,
    /// Its SHA-256 in hexadecimal.
    pub(super) sha256: String,
}

impl Manifest {
    pub(super) fn new(written: Written, made: String) -> Manifest {
        Manifest {
            format: FORMAT,
            written,
            made,
            events: EventsIn::Folder { rows: BTreeMap::new() },
            cases_rows: 0,
            config: BTreeMap::new(),
            left_out: Vec::new(),
            files: Vec::new(),
        }
    }

    pub(super) fn list(&mut self, path: String, copied: Copied) {
        self.files.push(Listed { path, bytes: copied.bytes, sha256: copied.sha256 });
    }

    /// Writes it last: a backup without it was cut off.
    pub(super) fn write(&self, folder: &Path) -> anyhow::Result<String> {
        let text = serde_json::to_string_pretty(self).context("write the manifest")?;
        let sum = folder::sha256(text.as_bytes());
        folder::write(&folder.join(SUM), format!("{sum}  {FILE}\n").as_bytes())?;
        folder::write(&folder.join(FILE), text.as_bytes())?;
        Ok(sum)
    }

    /// Reads it, if it is whole and of a version whose backups this one knows. Answers its checksum too.
    pub(super) fn read(folder: &Path) -> anyhow::Result<(Manifest, String)> {
        let path = folder.join(FILE);
        let bytes = std::fs::read(&path).with_context(|| {
            format!(
                "read {}: is this the folder of a whole backup? One that was cut off has no manifest",
                path.display()
            )
        })?;
        let sum = folder::sha256(&bytes);
        let said = std::fs::read_to_string(folder.join(SUM));
        let said =
            said.with_context(|| format!("read {}, the manifest's checksum", folder.join(SUM).display()))?;
        anyhow::ensure!(
            said.split_whitespace().next() == Some(sum.as_str()),
            "{} is not what was written: its SHA-256 is {sum}. The backup is damaged; take another one",
            path.display()
        );
        // A newer form may have fields that we do not know: its number is asked first.
        #[derive(Deserialize)]
        struct Form {
            format: u32,
            written: Written,
        }
        let broken = || format!("{} is no manifest of a backup", path.display());
        let form: Form = serde_json::from_slice(&bytes).with_context(broken)?;
        let mut problems = upgrade::judge(&form.written, &Written::ours(), folder);
        if form.format > FORMAT {
            problems.push(format!(
                "{} is a backup of form {}, this version knows up to {FORMAT}: restore it with haidang {} or newer",
                folder.display(),
                form.format,
                form.written.version
            ));
        }
        anyhow::ensure!(problems.is_empty(), "{}", problems.join("; "));
        let manifest: Manifest = serde_json::from_slice(&bytes).with_context(broken)?;
        for file in &manifest.files {
            anyhow::ensure!(is_within(&file.path), "{}: {:?} is not a path within it", broken(), file.path);
        }
        Ok((manifest, sum))
    }

    /// The files below a folder of the backup, with their paths in it.
    pub(super) fn below<'a>(&'a self, folder: &'a str) -> impl Iterator<Item = (&'a Listed, &'a str)> {
        self.files.iter().filter_map(move |file| {
            let rest = file.path.strip_prefix(folder)?.strip_prefix('/')?;
            Some((file, rest))
        })
    }

    pub(super) fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.bytes).sum()
    }
}

/// Names alone: nothing that leads out of the folder.
fn is_within(path: &str) -> bool {
    !path.is_empty() && Path::new(path).components().all(|part| matches!(part, Component::Normal(_)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_that_leads_out_of_the_backup_is_none() {
        assert!(is_within("events/events/20261123_1_1_0/data.bin"));
        for path in ["", "/etc/passwd", "../x", "a/../../x", "a/./b/../c"] {
            assert!(!is_within(path), "{path}");
        }
    }
}

//! Files that are copied with their checksum, for this user only.

use anyhow::Context as _;
use sha2::{Digest as _, Sha256};
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::Path;

const BUFFER: usize = 1 << 20;

/// What a disk of its own has at its root.
pub(super) const OF_THE_DISK: &str = "lost+found";

/// What was copied.
pub(super) struct Copied {
    pub(super) bytes: u64,
    pub(super) sha256: String,
}

/// A file that is written and checksummed at once.
pub(super) struct Summed {
    file: File,
    sum: Sha256,
    bytes: u64,
}

impl Summed {
    /// A new file; its folder is made.
    pub(super) fn create(path: &Path) -> std::io::Result<Summed> {
        Ok(Summed { file: create(path)?, sum: Sha256::new(), bytes: 0 })
    }

    /// On the disk, not only with the kernel.
    pub(super) fn end(self) -> std::io::Result<Copied> {
        self.file.sync_all()?;
        Ok(Copied { bytes: self.bytes, sha256: hexadecimal(&self.sum.finalize()) })
    }
}

impl Write for Summed {
    fn write(&mut self, buffer: &[u8]) -> std::io::Result<usize> {
        self.file.write_all(buffer)?;
        self.sum.update(buffer);
        self.bytes += buffer.len() as u64;
        Ok(buffer.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Copies what `from` gives.
pub(super) fn copy(mut from: impl Read, to: &Path) -> anyhow::Result<Copied> {
    let failed = || format!("write {}", to.display());
    let mut out = Summed::create(to).with_context(failed)?;
    let mut buffer = vec![0; BUFFER];
    loop {
        let length = from.read(&mut buffer).with_context(failed)?;
        if length == 0 {
            return out.end().with_context(failed);
        }
        out.write_all(&buffer[..length]).with_context(failed)?;
    }
}

/// Reads a file to its end for its length and checksum.
pub(super) fn measure(path: &Path) -> anyhow::Result<Copied> {
    let failed = || format!("read {}", path.display());
    // A link would lead out of the backup.
    anyhow::ensure!(
        std::fs::symlink_metadata(path).with_context(failed)?.is_file(),
        "{} is no file",
        path.display()
    );
    let mut file = File::open(path).with_context(failed)?;
    let (mut sum, mut bytes, mut buffer) = (Sha256::new(), 0, vec![0; BUFFER]);
    loop {
        let length = file.read(&mut buffer).with_context(failed)?;
        if length == 0 {
            return Ok(Copied { bytes, sha256: hexadecimal(&sum.finalize()) });
        }
        sum.update(&buffer[..length]);
        bytes += length as u64;
    }
}

pub(super) fn write(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    copy(bytes, path).map(drop)
}

pub(super) fn sha256(bytes: &[u8]) -> String {
    hexadecimal(&Sha256::digest(bytes))
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Makes a folder and those above it.
pub(super) fn make(path: &Path) -> std::io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// Whether there is nothing, or a folder with nothing in it but what a disk of its own has at its root.
pub(super) fn is_free(path: &Path) -> std::io::Result<bool> {
    match std::fs::read_dir(path) {
        Ok(mut entries) => Ok(entries.all(|entry| entry.is_ok_and(|entry| entry.file_name() == OF_THE_DISK))),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(true),
        Err(error) => Err(error),
    }
}

fn create(path: &Path) -> std::io::Result<File> {
    if let Some(folder) = path.parent() {
        make(folder)?;
    }
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}

//! Segment files: their names, their head, and what a crash or a bad disk left in the newest one.

use super::record::{self, Decoded, RECORD_BYTES_MIN};
use super::{Damage, Error};
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

const MAGIC: &[u8; 8] = b"HDSPOOL1";
/// Magic and the first sequence number.
pub(super) const HEADER_BYTES: u64 = HEADER as u64;
const HEADER: usize = 16;

pub(super) fn path(dir: &Path, first: u64) -> PathBuf {
    dir.join(format!("{first:020}.spool"))
}

/// The segments of `dir` by first number, with their lengths.
pub(super) fn list(dir: &Path) -> Result<Vec<(u64, u64)>, Error> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).map_err(|source| Error::io("list", dir, source))? {
        let entry = entry.map_err(|source| Error::io("list", dir, source))?;
        let path = entry.path();
        let first = path.file_name().and_then(|name| name.to_str()?.strip_suffix(".spool")?.parse().ok());
        if let Some(first) = first {
            let length = entry.metadata().map_err(|source| Error::io("look at", &path, source))?.len();
            found.push((first, length));
        }
    }
    found.sort_unstable();
    Ok(found)
}

/// A new, empty segment, durable in its folder.
pub(super) fn create(dir: &Path, first: u64) -> std::io::Result<File> {
    let mut file = OpenOptions::new().create(true).write(true).truncate(true).open(path(dir, first))?;
    file.write_all(MAGIC)?;
    file.write_all(&first.to_le_bytes())?;
    file.sync_all()?;
    File::open(dir)?.sync_all()?;
    Ok(file)
}

/// What the newest segment holds.
#[derive(Debug)]
pub(super) struct Scan {
    /// Where its last whole record ends.
    pub(super) end: u64,
    /// The number after every number that it can have held.
    pub(super) next: u64,
    /// How many whole records it has.
    pub(super) records: u64,
    /// What is not a record.
    pub(super) damage: Vec<Damage>,
}

/// Whether these first bytes are those of a segment, but of another version's.
pub(super) fn is_another_format(head: &[u8]) -> bool {
    let (ours, version) = MAGIC.split_at(7);
    head.strip_prefix(ours).is_some_and(|rest| !rest.is_empty() && rest != version)
}

/// How many bytes of a segment are its head and whole records.
pub(super) fn whole(bytes: &[u8], first: u64, path: &Path) -> u64 {
    scan(bytes, first, path).end
}

/// Reads the newest segment, moves what is damaged into `quarantine`, and cuts a damaged tail off.
pub(super) fn recover(dir: &Path, first: u64) -> Result<Scan, Error> {
    let path = path(dir, first);
    let bytes = fs::read(&path).map_err(|source| Error::io("read", &path, source))?;
    let scan = scan(&bytes, first, &path);
    for damage in &scan.damage {
        let from = usize::try_from(damage.offset).unwrap_or(usize::MAX);
        let to = usize::try_from(damage.offset + damage.bytes).unwrap_or(usize::MAX);
        let quarantine = dir.join("quarantine");
        let kept = quarantine.join(format!("{first:020}-{}.damaged", damage.offset));
        fs::create_dir_all(&quarantine).map_err(|source| Error::io("create", &quarantine, source))?;
        super::position::replace(&kept, bytes.get(from..to).unwrap_or_default())
            .map_err(|source| Error::io("write", &kept, source))?;
    }
    if scan.end < bytes.len() as u64 {
        let file =
            OpenOptions::new().write(true).open(&path).map_err(|source| Error::io("open", &path, source))?;
        file.set_len(scan.end)
            .and_then(|()| file.sync_all())
            .map_err(|source| Error::io("cut", &path, source))?;
    }
    Ok(scan)
}

fn scan(bytes: &[u8], first: u64, path: &Path) -> Scan {
    let mut scan = Scan { end: HEADER_BYTES, next: first, records: 0, damage: Vec::new() };
    let damage = |offset: usize, bytes: usize, reason| Damage {
        segment: path.to_path_buf(),
        offset: offset as u64,
        bytes: bytes as u64,
        reason,
    };
    let whole_header = bytes.get(..8) == Some(MAGIC) && bytes.get(8..16) == Some(&first.to_le_bytes()[..]);
    if !whole_header && bytes.len() <= HEADER {
        scan.end = 0;
        if !bytes.is_empty() {
            scan.damage.push(damage(0, bytes.len(), "the segment's head is torn"));
        }
        return scan;
    }
    let mut at = HEADER;
    while at < bytes.len() {
        match record::decode(&bytes[at..]) {
            Decoded::Record(record, length) => {
                at += length;
                scan.end = at as u64;
                scan.next = record.sequence.saturating_add(1);
                scan.records += 1;
            }
            Decoded::Short(_) | Decoded::Damaged => {
                let rest = &bytes[at..];
                // Numbers that damage may have held are not given again: their lines may have become events.
                let Some(skipped) = record::resync(rest, scan.next.saturating_sub(1)) else {
                    scan.damage.push(damage(at, rest.len(), "the tail is torn or corrupt"));
                    scan.next += (rest.len() / RECORD_BYTES_MIN) as u64 + 1;
                    return scan;
                };
                scan.damage.push(damage(at, skipped, "corrupt bytes between whole records"));
                at += skipped;
            }
        }
    }
    scan
}

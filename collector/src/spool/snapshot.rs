//! The spool as it is at one moment, for a backup beside the process that writes it.

use super::{Error, segment};
use std::fs::File;
use std::io::Read as _;
use std::path::Path;

/// An open segment: it can be read to its end although the pipeline may delete the file meanwhile.
#[derive(Debug)]
pub struct Segment {
    /// The file's name.
    pub name: String,
    /// The file, from its beginning.
    pub file: File,
    /// How many bytes of it belong to that moment: whole records only.
    pub bytes: u64,
}

/// The segments of the spool in `dir`, oldest first; every line that is durable when this is called is in them. Nothing may
/// be forgotten meanwhile: the caller sees to that.
///
/// # Errors
/// A file cannot be read.
pub fn snapshot(dir: &Path) -> Result<Vec<Segment>, Error> {
    if !dir.exists() {
        return Ok(Vec::new());
    }
    let mut found = Vec::new();
    for (first, _) in segment::list(dir)? {
        let path = segment::path(dir, first);
        let failed = |source| Error::io("read", &path, source);
        let file = File::open(&path).map_err(failed)?;
        let bytes = file.metadata().map_err(failed)?.len();
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        found.push((first, Segment { name, file, bytes }));
    }
    // Only the newest can end within a record that is just being written.
    if let Some((first, newest)) = found.last_mut() {
        let path = segment::path(dir, *first);
        let failed = |source| Error::io("read", &path, source);
        let mut bytes = Vec::new();
        File::open(&path).map_err(failed)?.take(newest.bytes).read_to_end(&mut bytes).map_err(failed)?;
        newest.bytes = segment::whole(&bytes, *first, &path);
    }
    // One without records stays: its name is the number that the next line has.
    Ok(found.into_iter().map(|(_, segment)| segment).collect())
}

/// Whether the spool in `dir` is in the form that this program writes; reads only.
///
/// # Errors
/// A later version of this program wrote it, or a file cannot be read.
pub fn check_format(dir: &Path) -> Result<(), Error> {
    if !dir.exists() {
        return Ok(());
    }
    for (first, _) in segment::list(dir)? {
        let path = segment::path(dir, first);
        let failed = |source| Error::io("read", &path, source);
        let mut head = Vec::new();
        File::open(&path).map_err(failed)?.take(8).read_to_end(&mut head).map_err(failed)?;
        if segment::is_another_format(&head) {
            return Err(Error::Format(path));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::{Config, Lines, Spool};
    use super::*;
    use event::{Time, Transport};
    use std::io::Write as _;
    use std::time::Duration;

    fn lines(count: usize) -> Lines {
        let mut lines = Lines::new();
        (0..count).for_each(|number| {
            lines.push(format!("line {number}").as_bytes(), Time(1), None, Transport::Tcp, 0);
        });
        lines
    }

    fn count(dir: &Path) -> usize {
        let (spool, recovery) = Spool::open(dir, &Config::default()).unwrap();
        assert_eq!(recovery.damage, []);
        let mut reader = spool.reader(0);
        std::iter::from_fn(|| {
            Some(reader.next_batch(1000, 1 << 20, Duration::ZERO).unwrap().len()).filter(|n| *n > 0)
        })
        .sum()
    }

    #[tokio::test]
    async fn a_copy_has_every_durable_line_and_no_torn_one_and_outlives_what_is_forgotten() {
        let dir = tempfile::tempdir().unwrap();
        let config = Config { segment_bytes: 400, ..Config::default() };
        let (spool, _) = Spool::open(dir.path(), &config).unwrap();
        for _ in 0..5 {
            let range = spool.append(&lines(10)).await.unwrap();
            spool.durable(range.end).await.unwrap();
        }
        // What a writer is in the middle of.
        let newest = segment::list(dir.path()).unwrap().last().unwrap().0;
        let mut torn = File::options().append(true).open(segment::path(dir.path(), newest)).unwrap();
        torn.write_all(&[60, 0, 0, 0, 1, 2, 3, 4, 5]).unwrap();
        let copied = snapshot(dir.path()).unwrap();
        assert!(copied.len() > 2, "several segments");
        spool.forget_below(u64::MAX).unwrap();
        let copy = tempfile::tempdir().unwrap();
        for segment in copied {
            let mut out = File::create(copy.path().join(&segment.name)).unwrap();
            std::io::copy(&mut segment.file.take(segment.bytes), &mut out).unwrap();
        }
        assert_eq!(count(copy.path()), 50);
    }

    #[test]
    fn numbers_go_on_where_everything_was_forgotten() {
        let dir = tempfile::tempdir().unwrap();
        drop(segment::create(dir.path(), 4711).unwrap());
        let copied = snapshot(dir.path()).unwrap();
        assert_eq!((copied.len(), copied[0].bytes), (1, segment::HEADER_BYTES));
        let (spool, _) = Spool::open(dir.path(), &Config::default()).unwrap();
        assert_eq!(spool.status().accepted, 4711);
    }

    #[test]
    fn a_later_format_is_refused_and_nothing_of_it_is_touched() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(format!("{:020}.spool", 1));
        std::fs::write(&path, b"HDSPOOL2\x01\0\0\0\0\0\0\0and what a later version keeps").unwrap();
        let before = std::fs::read(&path).unwrap();
        assert!(matches!(check_format(dir.path()), Err(Error::Format(_))));
        assert!(matches!(Spool::open(dir.path(), &Config::default()), Err(Error::Format(_))));
        assert_eq!(std::fs::read(&path).unwrap(), before);
        let names: Vec<_> = std::fs::read_dir(dir.path()).unwrap().collect();
        assert_eq!(names.len(), 1, "{names:?}");
    }
}

//! Following a file across rotation, by renaming and by copying and truncating.
//!
//! The position is kept in the data folder and advances only once lines are durable, so an orderly restart neither
//! loses nor repeats a line. A crash between the spool's sync and the position's repeats the lines of one read.
//! A file that is truncated and grows beyond the position again within one poll (250 ms) is not seen to be truncated.
//! A line without its newline waits until the newline comes or the file is rotated away.

use super::framing::{Framing, Met};
use super::{Error, Intake, Reading, Source};
use crate::spool::replace;
use event::Transport;
use serde::{Deserialize, Serialize};
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

const POLL: Duration = Duration::from_millis(250);
const READ_BYTES: usize = 256 * 1024;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Position {
    dev: u64,
    inode: u64,
    offset: u64,
}

/// A file that is followed, and where.
pub(super) struct Followed {
    path: PathBuf,
    state_path: PathBuf,
    position: Position,
    open: Option<File>,
    /// Bytes read after `position.offset` that are an unfinished line.
    ahead: u64,
}

impl Followed {
    pub(super) fn open(path: &Path, data_dir: &Path) -> Result<Followed, Error> {
        let folder = data_dir.join("files");
        fs::create_dir_all(&folder).map_err(|source| Error::File { path: folder.clone(), source })?;
        let id = event::derived_id(&["followed file", &path.to_string_lossy()]);
        let state_path = folder.join(format!("{id}.json"));
        let position = match fs::read(&state_path) {
            Ok(bytes) => serde_json::from_slice(&bytes)
                .map_err(|error| Error::File { path: state_path.clone(), source: io::Error::other(error) })?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Position::default(),
            Err(source) => return Err(Error::File { path: state_path, source }),
        };
        let mut followed = Followed { path: path.to_path_buf(), state_path, position, open: None, ahead: 0 };
        followed.find_again();
        Ok(followed)
    }

    /// Opens the file that the position is in, even if it was renamed within its folder while we were away.
    fn find_again(&mut self) {
        if self.position.inode == 0 {
            return;
        }
        let beside = self.path.parent().and_then(|folder| fs::read_dir(folder).ok());
        let others = beside.into_iter().flatten().flatten().map(|entry| entry.path());
        for path in std::iter::once(self.path.clone()).chain(others) {
            let Ok(file) = File::open(path) else { continue };
            let same = file
                .metadata()
                .is_ok_and(|now| (now.dev(), now.ino()) == (self.position.dev, self.position.inode));
            if same {
                self.open = Some(file);
                return;
            }
        }
        tracing::warn!(path = %self.path.display(), "the file followed before is gone; its rest, if any, is lost");
    }

    /// Reads the next bytes; empty at the end of the file.
    fn read(&mut self, buffer: &mut Vec<u8>) -> io::Result<()> {
        buffer.clear();
        let Some(file) = &self.open else { return Ok(()) };
        if file.metadata()?.len() < self.position.offset + self.ahead {
            tracing::info!(path = %self.path.display(), "the file was truncated; reading it from its beginning");
            self.position.offset = 0;
            self.ahead = 0;
        }
        buffer.resize(READ_BYTES, 0);
        let read = file.read_at(buffer, self.position.offset + self.ahead)?;
        buffer.truncate(read);
        Ok(())
    }

    /// The file now under the path, if it is another one than the open one.
    fn successor(&self) -> Option<(File, Position)> {
        let file = File::open(&self.path).ok()?;
        let now = file.metadata().ok()?;
        let other = self.open.is_none() || (now.dev(), now.ino()) != (self.position.dev, self.position.inode);
        other.then_some((file, Position { dev: now.dev(), inode: now.ino(), offset: 0 }))
    }

    fn save(&self) {
        let saved = serde_json::to_vec(&self.position).map_err(io::Error::other);
        if let Err(error) = saved.and_then(|bytes| replace(&self.state_path, &bytes)) {
            tracing::warn!(path = %self.state_path.display(), %error, "keeping the position; a restart may repeat lines");
        }
    }
}

pub(super) async fn run(intake: Arc<Intake>, mut followed: Followed) {
    // A spooled line does not say which file it is from, so all files share one account: `stored` must find it.
    let mut reading = Reading::new(&intake, Source::Named("file".into()), Transport::File);
    let mut framing = Framing::lines_only(intake.config.line_bytes_max);
    let mut buffer = Vec::new();
    loop {
        let ahead = followed.ahead;
        if let Err(error) = followed.read(&mut buffer) {
            tracing::warn!(path = %followed.path.display(), %error, "reading a followed file");
        }
        if followed.ahead < ahead {
            framing = Framing::lines_only(intake.config.line_bytes_max); // truncated below us
        }
        if buffer.is_empty() {
            if let Some((file, position)) = followed.successor() {
                // The old file is read to its end; its last line has no newline to wait for any more.
                if deliver(&intake, &mut reading, |each| framing.finish(each)).await.is_err() {
                    return;
                }
                followed.open = Some(file);
                followed.position = position;
                followed.ahead = 0;
                followed.save();
                continue;
            }
            tokio::select! {
                () = tokio::time::sleep(POLL) => continue,
                () = intake.stopped() => return,
            }
        }
        let after_last_line = memchr::memrchr(b'\n', &buffer).map_or(0, |at| at + 1) as u64;
        if deliver(&intake, &mut reading, |each| framing.feed(&buffer, each)).await.is_err() {
            return;
        }
        if after_last_line == 0 {
            followed.ahead += buffer.len() as u64;
        } else {
            followed.position.offset += followed.ahead + after_last_line;
            followed.ahead = buffer.len() as u64 - after_last_line;
            followed.save();
        }
        if *intake.stop.borrow() {
            return;
        }
    }
}

/// Gives lines to the spool and waits until they are durable.
async fn deliver(
    intake: &Intake,
    reading: &mut Reading<'_>,
    frame: impl FnOnce(&mut dyn FnMut(&[u8])) -> Met,
) -> Result<(), crate::spool::Error> {
    match reading.take(frame).await? {
        Some(next) => intake.spool.durable(next).await,
        None => Ok(()),
    }
}

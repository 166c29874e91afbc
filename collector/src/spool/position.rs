//! How far the pipeline has come in the spool, kept so that a restart repeats exactly the batch it was in.

use super::Error;
use serde::{Deserialize, Serialize};
use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

/// The pipeline's place in the spool.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Place {
    /// Every line below this number is in the store.
    pub done: u64,
    /// The lines `from..to` that may be partly in the store: repeat them as one same batch.
    pub intent: Option<(u64, u64)>,
}

/// The file that holds a [`Place`], replaced whole at each change.
#[derive(Debug)]
pub struct Position {
    path: PathBuf,
    place: Place,
}

impl Position {
    /// Reads the position kept in `folder`; the beginning if there is none yet.
    ///
    /// # Errors
    /// If the file cannot be read or is not one that [`Position::store`] wrote.
    pub fn open(folder: &Path) -> Result<Position, Error> {
        let path = folder.join("position.json");
        let place = match fs::read(&path) {
            Ok(bytes) => serde_json::from_slice(&bytes)
                .map_err(|source| Error::Position { path: path.clone(), source })?,
            Err(error) if error.kind() == ErrorKind::NotFound => Place::default(),
            Err(source) => return Err(Error::io("read", &path, source)),
        };
        Ok(Position { path, place })
    }

    /// The place last stored.
    #[must_use]
    pub fn place(&self) -> Place {
        self.place
    }

    /// Makes `place` durable: after this returns, a restart begins there.
    ///
    /// # Errors
    /// If the disk refuses; the former place then still holds.
    pub fn store(&mut self, place: Place) -> Result<(), Error> {
        let bytes = serde_json::to_vec(&place)
            .map_err(|source| Error::Position { path: self.path.clone(), source })?;
        replace(&self.path, &bytes).map_err(|source| Error::io("write", &self.path, source))?;
        self.place = place;
        Ok(())
    }
}

/// Replaces the file at `path` by `bytes` such that a crash leaves the old or the new, never a part.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let fresh = path.with_extension("new");
    let mut file = File::create(&fresh)?;
    file.write_all(bytes)?;
    file.sync_data()?;
    fs::rename(&fresh, path)?;
    match path.parent() {
        Some(folder) => File::open(folder)?.sync_all(),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stored_place_is_there_after_a_restart() {
        let dir = tempfile::tempdir().unwrap();
        let mut position = Position::open(dir.path()).unwrap();
        assert_eq!(position.place(), Place::default());
        let place = Place { done: 41, intent: Some((41, 99)) };
        position.store(place).unwrap();
        assert_eq!(Position::open(dir.path()).unwrap().place(), place);
    }

    #[test]
    fn a_foreign_position_file_is_an_error_and_not_the_beginning() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("position.json"), b"{\"done\":").unwrap();
        assert!(matches!(Position::open(dir.path()), Err(Error::Position { .. })));
    }
}

//! What a document changes of a registry. All of it or nothing.

use crate::{Document, Entry, Kind, Problem, Reason, Registry};
use std::collections::HashMap;

/// How a document is taken in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Import {
    /// Whether rows that the document does not have go, of the kinds that it has rows of. Otherwise they stay.
    pub replace: bool,
}

/// What an import comes to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Rows that are new.
    pub added: Vec<Entry>,
    /// Rows that are now otherwise.
    pub changed: Vec<Entry>,
    /// Rows that go.
    pub removed: Vec<(Kind, String)>,
    /// Rows that stay as they are.
    pub same: usize,
}

impl Import {
    /// What the document changes.
    ///
    /// # Errors
    /// Everything that would be wrong afterwards, rows of the document with their number.
    pub fn apply(self, current: &Registry, document: Document) -> Result<Outcome, Vec<Problem>> {
        let mut places: HashMap<(Kind, String), u64> = HashMap::new();
        let mut problems = Vec::new();
        for placed in &document.rows {
            let key = (placed.entry.kind(), placed.entry.id().to_owned());
            if let Some(first) = places.get(&key).filter(|_| !key.1.is_empty()) {
                let reason = Reason::new(
                    format!("this id is given twice, first in row {first}"),
                    format!("mã này có hai lần, lần đầu ở dòng {first}"),
                );
                problems.push(Problem { row: Some(placed.row), kind: Some(key.0), id: key.1, reason });
            } else {
                places.insert(key, placed.row);
            }
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        let mut outcome = Outcome::default();
        let mut merged = Registry::default();
        let replaced: Vec<Kind> = Kind::ALL
            .into_iter()
            .filter(|kind| self.replace && places.keys().any(|(found, _)| found == kind))
            .collect();
        let mut was: HashMap<(Kind, String), Entry> = HashMap::new();
        for entry in current.entries() {
            let key = (entry.kind(), entry.id().to_owned());
            if places.contains_key(&key) {
                was.insert(key, entry);
            } else if replaced.contains(&key.0) {
                outcome.removed.push(key);
            } else {
                merged.push(entry);
            }
        }
        for placed in document.rows {
            match was.get(&(placed.entry.kind(), placed.entry.id().to_owned())) {
                None => outcome.added.push(placed.entry.clone()),
                Some(before) if *before == placed.entry => outcome.same += 1,
                Some(_) => outcome.changed.push(placed.entry.clone()),
            }
            merged.push(placed.entry);
        }
        let mut problems = merged.check();
        for problem in &mut problems {
            let key = problem.kind.map(|kind| (kind, problem.id.clone()));
            problem.row = key.and_then(|key| places.get(&key).copied());
        }
        problems.sort();
        if problems.is_empty() { Ok(outcome) } else { Err(problems) }
    }
}

//! Which objects of a collection are meant.

use crate::cases::sql::{Sql, sql};
use event::Tlp;

/// Which versions of each object, among those that may be seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Versions {
    /// The oldest.
    First,
    /// The newest.
    Last,
    /// Every one.
    All,
    /// The one of this moment, in microseconds.
    At(i64),
}

/// Which objects of a collection are meant: all filters must be met; within one, any word.
#[derive(Clone, Debug)]
pub struct Selection<'a> {
    /// The collection's id.
    pub collection: &'a str,
    /// The strictest colour that who asks may see: others are not there for them, nor hide what they may see.
    pub clearance: Tlp,
    /// Added after this moment, in microseconds.
    pub after_us: i64,
    /// Of these ids; of any if empty.
    pub ids: &'a [String],
    /// Of these types; of any if empty.
    pub kinds: &'a [String],
    /// In these versions; in the last if empty.
    pub versions: &'a [Versions],
    /// At most so many.
    pub limit: u32,
}

/// One version of an object.
#[derive(Clone, Debug)]
pub struct Found {
    /// When it was added, in microseconds.
    pub added_us: i64,
    /// The object's id.
    pub id: String,
    /// The version, in microseconds.
    pub version_us: i64,
    /// To whom it may be shown.
    pub tlp: Tlp,
    /// As its maker wrote it.
    pub body: String,
}

impl Selection<'_> {
    pub(super) fn query(&self) -> Sql<'static> {
        let mut query = sql("SELECT o.added_us, o.id, o.version_us, o.tlp, o.body");
        self.push_objects(&mut query);
        query.push(" ORDER BY o.added_us LIMIT ").push_bind(i64::from(self.limit));
        query
    }

    pub(super) fn removal(&self) -> Sql<'static> {
        let mut query = sql("DELETE FROM taxii_objects WHERE collection = ");
        query.push_bind(self.collection.to_owned()).push(" AND added_us IN (SELECT o.added_us");
        self.push_objects(&mut query);
        query.push(")");
        query
    }

    fn push_objects(&self, query: &mut Sql<'_>) {
        query.push(" FROM taxii_objects o WHERE o.collection = ").push_bind(self.collection.to_owned());
        query.push(" AND o.tlp <= ").push_bind(self.clearance as i64);
        query.push(" AND o.added_us > ").push_bind(self.after_us);
        for (column, words) in [(" AND o.id IN (", self.ids), (" AND o.kind IN (", self.kinds)] {
            if !words.is_empty() {
                query.push(column).push_list(words.iter().cloned()).push(")");
            }
        }
        let versions = if self.versions.is_empty() { &[Versions::Last][..] } else { self.versions };
        if versions.contains(&Versions::All) {
            return;
        }
        for (place, version) in versions.iter().enumerate() {
            query.push(if place == 0 { " AND (" } else { " OR " });
            match version {
                Versions::At(moment) => {
                    query.push("o.version_us = ").push_bind(*moment);
                }
                Versions::Last => self.push_none_other(query, "n.version_us > o.version_us"),
                Versions::First => self.push_none_other(query, "n.version_us < o.version_us"),
                Versions::All => {}
            }
        }
        query.push(")");
    }

    /// That no other version that may be seen stands so to this one.
    fn push_none_other(&self, query: &mut Sql<'_>, stands: &'static str) {
        query.push("NOT EXISTS (SELECT 1 FROM taxii_objects n WHERE n.collection = o.collection AND n.id = o.id AND ");
        query.push(stands).push(" AND n.tlp <= ").push_bind(self.clearance as i64).push(")");
    }
}

//! What was found out about values seen before. Most values of most fields come again and again.
//!
//! A table of fixed size in which a value has one place; a newcomer takes the place of what stood there. Keys are
//! compared in full, so a collision costs time only. What the event at hand uses is never taken from it: a value that
//! finds its place in use, or that is long, is worked out in a room that is emptied with each event.

use super::column::{Held, fold_into};
use super::hash::hash;
use super::index::{Index, number_key};
use crate::sigma::pattern;
use event::Value;
use std::collections::HashMap;

/// How many values are remembered.
const ENTRIES: usize = 1 << 14;
/// How long a remembered value may be, in bytes: together with [`ENTRIES`] this bounds the table to about 20 MB.
const VALUE_BYTES_MAX: usize = 512;
/// How many rooms of long values are kept from event to event.
const ROOMS_MAX: usize = 64;
/// How large a kept room may be.
const ROOM_BYTES_MAX: usize = 1 << 16;

/// What a field of a program wants to know of each value.
#[derive(Debug, Default)]
pub(super) struct Wanted {
    /// Apart for each field of each program; changed whenever what follows changes.
    pub(super) owner: u32,
    pub(super) index: Index,
    /// For each text of the index, the rules that it makes candidates.
    pub(super) by_text: Vec<Vec<u32>>,
    /// For each number, the rules that it makes candidates.
    pub(super) by_number: HashMap<u64, Vec<u32>>,
}

/// A value and what is known of it.
#[derive(Debug, Default)]
pub(super) struct Entry {
    hash: u64,
    owner: u32,
    kind: u8,
    key: Vec<u8>,
    /// The record that last had it, and where.
    used: u32,
    pub(super) place: u32,
    /// The value as text, its case folded.
    pub(super) folded: String,
    /// The texts of the index that it has, in order.
    pub(super) texts: Vec<u32>,
    /// The rules that it makes candidates.
    pub(super) candidates: Vec<u32>,
}

/// A place in the memo, good for the event at hand.
pub(super) type EntryAt = u32;

/// The table.
#[derive(Debug, Default)]
pub(super) struct Memo {
    entries: Vec<Entry>,
    rooms: Vec<Entry>,
    rooms_used: usize,
    /// Room for decoded text.
    pub(super) decoded: String,
}

impl Memo {
    /// Begins another event.
    pub(super) fn begin(&mut self) {
        if self.rooms_used > 0 {
            self.rooms_used = 0;
            self.rooms.truncate(ROOMS_MAX);
            self.rooms.retain(|room| room.folded.capacity() <= ROOM_BYTES_MAX);
        }
    }

    /// Forgets which event used what: the count of events begins again.
    pub(super) fn forget(&mut self) {
        self.entries.clear();
    }

    pub(super) fn get(&self, at: EntryAt) -> &Entry {
        let at = at as usize;
        if at < ENTRIES { &self.entries[at] } else { &self.rooms[at - ENTRIES] }
    }

    /// What is known of the value; worked out if it is not remembered.
    pub(super) fn resolve(&mut self, held: Held<'_>, place: u32, epoch: u32, wanted: &Wanted) -> EntryAt {
        let mut room = [0; 16];
        let (kind, key) = held.key(&mut room);
        let hash = hash(u64::from(wanted.owner) << 8 | u64::from(kind), key);
        #[allow(clippy::cast_possible_truncation, reason = "the low bits are wanted")]
        let at = hash as usize % ENTRIES;
        if self.entries.is_empty() {
            self.entries.resize_with(ENTRIES, Entry::default);
        }
        let entry = &mut self.entries[at];
        if entry.hash == hash && entry.owner == wanted.owner && entry.kind == kind && *entry.key == *key {
            entry.used = epoch;
            entry.place = place;
            return u32::try_from(at).unwrap_or(0);
        }
        let remembered = key.len() <= VALUE_BYTES_MAX && entry.used != epoch;
        let (entry, at) = if remembered {
            (entry, at)
        } else {
            if self.rooms_used == self.rooms.len() {
                self.rooms.push(Entry::default());
            }
            self.rooms_used += 1;
            (&mut self.rooms[self.rooms_used - 1], ENTRIES + self.rooms_used - 1)
        };
        entry.key.clear();
        if remembered {
            entry.key.extend_from_slice(key);
        }
        (entry.hash, entry.owner, entry.kind, entry.used, entry.place) =
            (hash, wanted.owner, kind, epoch, place);
        entry.work_out(held.value(&mut self.decoded), wanted);
        u32::try_from(at).unwrap_or(0)
    }
}

impl Entry {
    fn work_out(&mut self, value: Value<'_>, wanted: &Wanted) {
        fold_into(value, &mut self.folded);
        self.texts.clear();
        self.candidates.clear();
        if !wanted.index.is_empty() {
            wanted.index.find(&self.folded, &mut self.texts);
            for text in &self.texts {
                self.candidates.extend_from_slice(&wanted.by_text[*text as usize]);
            }
        }
        if !wanted.by_number.is_empty()
            && let Some(rules) = pattern::number(value).and_then(|n| wanted.by_number.get(&number_key(n)))
        {
            self.candidates.extend_from_slice(rules);
        }
        if self.candidates.len() > 1 {
            self.candidates.sort_unstable();
            self.candidates.dedup();
        }
    }
}

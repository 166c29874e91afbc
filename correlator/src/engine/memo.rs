//! What was found out about values seen before. Most values of most fields come again and again.
//!
//! A table of fixed size in which a value has two places; a newcomer takes that which was used less recently. Keys are
//! compared in full, so a collision costs time only. What the event at hand uses is never taken from it: a value that
//! finds its places in use, or that is long, is worked out in a room that is emptied with each event.

use super::column::{Held, Key};
use super::hash::{RuleMap, hash, hash_ends};
use super::index::{Index, Literal, number_key, short};
use crate::sigma::pattern;

/// How many values are remembered: as many as the processor's second cache holds.
const ENTRIES: usize = 1 << 12;
/// How long a remembered value may be, in bytes: together with [`ENTRIES`] this bounds the table to about 6 MB.
const VALUE_BYTES_MAX: usize = 512;
/// How many rooms of long values are kept from event to event.
const ROOMS_MAX: usize = 64;
/// How large a kept room may be.
const ROOM_BYTES_MAX: usize = 1 << 16;
/// How many texts are looked for one by one in a value before all are looked for at once.
const COMPARED_MAX: u8 = 32;

/// What a field of a program wants to know of each value.
#[derive(Debug, Default)]
pub(super) struct Wanted {
    /// Apart for each field of each program; changed whenever what follows changes.
    pub(super) owner: u32,
    /// How many parts of conditions are about this field alone.
    pub(super) parts: usize,
    /// The texts that make rules candidates.
    pub(super) witnesses: Index,
    /// For each of them those rules.
    pub(super) by_text: Vec<Vec<u32>>,
    /// The other texts that are asked about: numbered from the last witness on.
    pub(super) texts: Index,
    /// For each number, the rules that it makes candidates.
    pub(super) by_number: RuleMap<u64, Vec<u32>>,
}

impl Wanted {
    /// The number of the first text that is no witness.
    pub(super) fn texts_from(&self) -> u32 {
        short(self.by_text.len())
    }

    /// The number of a text.
    pub(super) fn number(&self, literal: &Literal) -> Option<u32> {
        let other = || self.texts.number(literal).map(|number| number + self.texts_from());
        self.witnesses.number(literal).or_else(other)
    }
}

/// A value and what is known of it.
#[derive(Debug, Default)]
pub(super) struct Entry {
    hash: u64,
    owner: u32,
    /// The record that last had it, and where.
    used: u32,
    pub(super) place: u32,
    kind: u8,
    /// The key, if that is no text.
    number: u128,
    /// The key, if that is text, and behind it the value as text with its case folded.
    text: Vec<u8>,
    key_len: u32,
    /// Two bits for each part of a condition that is about this field alone: whether it is known, whether it holds. Behind
    /// them the rules that it makes candidates, and the texts that it has: the witnesses, and the others once they are
    /// numbered.
    words: Vec<u32>,
    candidates_at: u32,
    texts_at: u32,
    pub(super) is_numbered: bool,
    /// How many texts may still be looked for one by one.
    comparable: u8,
}

/// A place in the memo, good for the event at hand.
pub(super) type EntryAt = u32;

/// The table.
#[derive(Debug, Default)]
pub(super) struct Memo {
    entries: Vec<Entry>,
    rooms: Vec<Entry>,
    rooms_used: usize,
    rooms_are_large: bool,
    /// Room for decoded text.
    pub(super) decoded: String,
    /// Room for the texts that a value has.
    found: Vec<u32>,
}

impl Memo {
    /// Begins another event.
    pub(super) fn begin(&mut self) {
        if self.rooms_used > 0 {
            self.rooms_used = 0;
            if self.rooms.len() > ROOMS_MAX || self.rooms_are_large {
                self.rooms.truncate(ROOMS_MAX);
                self.rooms.retain(|room| room.text.capacity() <= ROOM_BYTES_MAX);
                self.rooms_are_large = false;
            }
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

    pub(super) fn get_mut(&mut self, at: EntryAt) -> &mut Entry {
        let at = at as usize;
        if at < ENTRIES { &mut self.entries[at] } else { &mut self.rooms[at - ENTRIES] }
    }

    /// Whether so many texts should be looked for one by one in the value.
    pub(super) fn may_compare(&mut self, at: EntryAt, count: usize) -> bool {
        let comparable = &mut self.get_mut(at).comparable;
        let left = u8::try_from(count).ok().and_then(|count| comparable.checked_sub(count));
        *comparable = left.unwrap_or(0);
        left.is_some()
    }

    /// The entry with all the texts that its value has.
    pub(super) fn numbered(&mut self, at: EntryAt, wanted: &Wanted) -> &Entry {
        if !self.get(at).is_numbered {
            let mut found = std::mem::take(&mut self.found);
            found.clear();
            let entry = self.get_mut(at);
            wanted.texts.find(entry.folded(), &mut found);
            entry.words.extend(found.iter().map(|text| text + wanted.texts_from()));
            (entry.is_numbered, entry.comparable) = (true, 0);
            self.found = found;
        }
        self.get(at)
    }

    /// What is known of the value; worked out if it is not remembered.
    pub(super) fn resolve(
        &mut self,
        held: Held<'_>,
        place: u32,
        epoch: u32,
        wanted: &Wanted,
        habit: &mut Habit,
    ) -> EntryAt {
        if habit.is_novel() {
            return self.in_room(held, place, wanted);
        }
        let (kind, key) = held.key();
        let hash = match key {
            Key::Text(text) => hash_ends(u64::from(wanted.owner) << 8 | u64::from(kind), text.as_bytes()),
            Key::Number(number) => {
                hash(u64::from(wanted.owner) << 8 | u64::from(kind), &number.to_le_bytes())
            }
        };
        if self.entries.is_empty() {
            self.entries.resize_with(ENTRIES, Entry::default);
        }
        #[allow(clippy::cast_possible_truncation, reason = "the low bits are wanted")]
        let first = hash as usize % ENTRIES;
        let is = |entry: &Entry| {
            entry.hash == hash && entry.owner == wanted.owner && entry.kind == kind && entry.has_key(key)
        };
        let known = match () {
            () if is(&self.entries[first]) => Some(first),
            () if is(&self.entries[first ^ 1]) => Some(first ^ 1),
            () => None,
        };
        habit.note(known.is_some());
        let at = known.unwrap_or_else(|| {
            let older = self.entries[first ^ 1].used < self.entries[first].used;
            if older { first ^ 1 } else { first }
        });
        let entry = &mut self.entries[at];
        if known.is_none() {
            if key.len() > VALUE_BYTES_MAX || entry.used == epoch {
                return self.in_room(held, place, wanted);
            }
            (entry.hash, entry.owner, entry.kind) = (hash, wanted.owner, kind);
            entry.set_key(key);
            entry.work_out(held, wanted, wanted.parts, &mut self.decoded, &mut self.found);
        }
        (entry.used, entry.place) = (epoch, place);
        u32::try_from(at).unwrap_or(0)
    }

    /// Works the value out for the event at hand only.
    fn in_room(&mut self, held: Held<'_>, place: u32, wanted: &Wanted) -> EntryAt {
        if self.rooms_used == self.rooms.len() {
            self.rooms.push(Entry::default());
        }
        let at = ENTRIES + self.rooms_used;
        let entry = &mut self.rooms[self.rooms_used];
        self.rooms_used += 1;
        entry.place = place;
        entry.set_key(Key::Text(""));
        entry.work_out(held, wanted, 0, &mut self.decoded, &mut self.found);
        self.rooms_are_large |= entry.text.capacity() > ROOM_BYTES_MAX;
        u32::try_from(at).unwrap_or(0)
    }
}

/// Whether the values of a field come again: where few do, remembering them costs more than it saves and pushes out others.
#[derive(Debug, Default)]
pub(super) struct Habit {
    asked: u32,
    known: u32,
    /// How many values are still to be taken for new without a look.
    novel: u32,
}

/// How many values are looked at before a field's habit is told.
const HABIT_VALUES: u32 = 1024;
/// For how many values it then counts as one of new values.
const NOVEL_VALUES: u32 = 32 * HABIT_VALUES;

impl Habit {
    fn is_novel(&mut self) -> bool {
        self.novel = self.novel.saturating_sub(1);
        self.novel > 0
    }

    fn note(&mut self, known: bool) {
        self.asked += 1;
        self.known += u32::from(known);
        if self.asked == HABIT_VALUES {
            self.novel = if self.known < HABIT_VALUES / 4 { NOVEL_VALUES } else { 0 };
            (self.asked, self.known) = (0, 0);
        }
    }
}

/// How many parts' bits a word holds.
const PARTS: u32 = u32::BITS / 2;

impl Entry {
    fn has_key(&self, key: Key<'_>) -> bool {
        match key {
            Key::Text(text) => self.text.get(..self.key_len as usize) == Some(text.as_bytes()),
            Key::Number(number) => self.number == number,
        }
    }

    fn set_key(&mut self, key: Key<'_>) {
        self.text.clear();
        match key {
            Key::Text(text) => self.text.extend_from_slice(text.as_bytes()),
            Key::Number(number) => self.number = number,
        }
        self.key_len = short(self.text.len());
    }

    /// The value as text, its case folded.
    pub(super) fn folded(&self) -> &[u8] {
        self.text.get(self.key_len as usize..).unwrap_or_default()
    }

    /// The same, to be asked about as text.
    pub(super) fn folded_text(&self) -> &str {
        // Only whole characters are put there.
        std::str::from_utf8(self.folded()).unwrap_or_default()
    }

    /// The texts that its value has, by number in order; before they are numbered, only the witnesses.
    pub(super) fn texts(&self) -> &[u32] {
        self.words.get(self.texts_at as usize..).unwrap_or_default()
    }

    /// The rules that it makes candidates.
    pub(super) fn candidates(&self) -> &[u32] {
        self.words.get(self.candidates_at as usize..self.texts_at as usize).unwrap_or_default()
    }

    /// Whether the value meets a part of a condition, if that is known.
    pub(super) fn part(&self, part: u32) -> Option<bool> {
        let word = part / PARTS;
        let bits =
            self.words.get(word as usize).filter(|_| word < self.candidates_at)? >> (2 * (part % PARTS));
        (bits & 1 == 1).then_some(bits & 2 == 2)
    }

    pub(super) fn set_part(&mut self, part: u32, holds: bool) {
        let word = part / PARTS;
        if let Some(bits) = self.words.get_mut(word as usize).filter(|_| word < self.candidates_at) {
            *bits |= (1 | u32::from(holds) << 1) << (2 * (part % PARTS));
        }
    }

    fn work_out(
        &mut self,
        held: Held<'_>,
        wanted: &Wanted,
        parts: usize,
        decoded: &mut String,
        found: &mut Vec<u32>,
    ) {
        held.fold_into(&mut self.text);
        self.words.clear();
        self.words.resize(parts.div_ceil(PARTS as usize), 0);
        self.candidates_at = short(self.words.len());
        self.is_numbered = false;
        found.clear();
        if !wanted.witnesses.is_empty() {
            wanted.witnesses.find(self.folded(), found);
            for text in &*found {
                self.words.extend_from_slice(&wanted.by_text[*text as usize]);
            }
        }
        if !wanted.by_number.is_empty()
            && let Some(rules) =
                pattern::number(held.value(decoded)).and_then(|n| wanted.by_number.get(&number_key(n)))
        {
            self.words.extend_from_slice(rules);
        }
        self.texts_at = short(self.words.len());
        self.words.extend_from_slice(found);
        self.comparable = COMPARED_MAX;
    }
}

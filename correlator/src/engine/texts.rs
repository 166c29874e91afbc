//! The texts of which one is enough for an atom, looked for one by one or by their numbers.

use super::among::Among;
use super::index::{Literal, LiteralPlace};
use super::memo::{EntryAt, Memo, Wanted};
use crate::sigma::needle::Needle;
use std::collections::HashMap;

/// A shorter text is numbered only if it is a witness: it stands in too many values.
pub(super) const NUMBERED_BYTES_MIN: usize = 2;
/// A list of more texts is always asked about by numbers.
const FEW_MAX: usize = 16;

/// The texts of one atom.
#[derive(Debug, Default)]
pub(super) struct Texts {
    /// Those that are numbered, by their numbers in the slot.
    numbers: Among,
    /// The others.
    short: Box<[Text]>,
    /// All that are no witnesses, if they are few.
    few: Box<[Text]>,
    /// Whether all are witnesses.
    are_witnesses: bool,
}

/// A text, ready to be looked for.
#[derive(Debug)]
pub(super) struct Text {
    needle: Needle,
    place: LiteralPlace,
}

impl Text {
    pub(super) fn of(literal: &Literal) -> Text {
        Text { needle: Needle::new(&literal.text), place: literal.place }
    }

    /// Whether the folded value has it in its place.
    pub(super) fn holds(&self, value: &[u8]) -> bool {
        self.place.holds(self.needle.as_bytes(), value, || self.needle.find(value).is_some())
    }
}

impl Texts {
    /// These texts of a slot that numbers its texts so; those below `witnesses` are witnesses.
    pub(super) fn new(texts: &[Literal], numbers: &HashMap<Literal, u32>, witnesses: u32) -> Texts {
        let number = |text: &&Literal| numbers.get(*text).copied();
        let others = || texts.iter().filter(|text| number(text).is_none_or(|number| number >= witnesses));
        let count = others().count();
        let few = others().filter(|_| count <= FEW_MAX);
        let short = texts.iter().filter(|text| number(text).is_none());
        Texts {
            numbers: Among::new(texts.iter().filter_map(|text| Some((number(&text)?, 0))).collect()),
            short: short.map(Text::of).collect(),
            few: few.map(Text::of).collect(),
            are_witnesses: count == 0,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.numbers.is_empty() && self.short.is_empty()
    }

    /// Whether the entry's value has one of them.
    pub(super) fn stand_in(&self, at: EntryAt, memo: &mut Memo, wanted: &Wanted) -> bool {
        let entry = memo.get(at);
        if self.numbers.has_one(entry.texts()) {
            return true;
        }
        if self.are_witnesses {
            return false;
        }
        let is_numbered = entry.is_numbered;
        if !self.few.is_empty() && memo.may_compare(at, self.few.len()) {
            let folded = memo.get(at).folded();
            return self.few.iter().any(|text| text.holds(folded));
        }
        let entry = memo.numbered(at, wanted);
        (!is_numbered && self.numbers.has_one(entry.texts()))
            || self.short.iter().any(|text| text.holds(entry.folded()))
    }
}

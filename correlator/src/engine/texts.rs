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
    /// Those that are numbered, by their numbers in the slot's index.
    numbers: Among,
    /// The others.
    short: Box<[Text]>,
    /// All of them, if they are few.
    few: Box<[Text]>,
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
    /// These texts of a slot whose index numbers its texts so.
    pub(super) fn new<'t>(
        texts: impl Iterator<Item = &'t Literal>,
        numbers: &HashMap<Literal, u32>,
    ) -> Texts {
        let (mut numbered, mut short, mut few) = (Vec::new(), Vec::new(), Vec::new());
        for literal in texts {
            match numbers.get(literal) {
                Some(number) => numbered.push((*number, 0)),
                None => short.push(Text::of(literal)),
            }
            if few.len() <= FEW_MAX {
                few.push(Text::of(literal));
            }
        }
        if few.len() > FEW_MAX {
            few.clear();
        }
        Texts { numbers: Among::new(numbered), short: short.into(), few: few.into() }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.numbers.is_empty() && self.short.is_empty()
    }

    /// Whether the entry's value has one of them.
    pub(super) fn stand_in(&self, at: EntryAt, memo: &mut Memo, wanted: &Wanted) -> bool {
        if !self.few.is_empty() && memo.may_compare(at, self.few.len()) {
            let folded = memo.get(at).folded();
            return self.few.iter().any(|text| text.holds(folded));
        }
        let entry = memo.numbered(at, wanted);
        self.numbers.places(entry.texts()).next().is_some()
            || self.short.iter().any(|text| text.holds(entry.folded()))
    }
}

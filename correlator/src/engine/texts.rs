//! The texts of which one is enough for an atom, looked for one by one or by their numbers.

use super::index::{Literal, LiteralPlace};
use super::memo::{EntryAt, Memo, Wanted};
use memchr::memmem::Finder;
use std::cell::OnceCell;
use std::collections::HashMap;

/// A shorter text is numbered only if it is a witness: it stands in too many values.
pub(super) const NUMBERED_BYTES_MIN: usize = 2;
/// A list of more texts is always asked about by numbers.
const FEW_MAX: usize = 16;

/// The texts of one atom.
#[derive(Debug, Default)]
pub(super) struct Texts {
    /// Those that are numbered, by their numbers in the slot's index, in order.
    numbers: Box<[u32]>,
    /// The others.
    short: Box<[Text]>,
    /// All of them, if they are few.
    few: Box<[Text]>,
}

/// A text, ready to be looked for.
#[derive(Debug)]
struct Text {
    literal: Literal,
    /// Made when it is first looked for: most never are.
    finder: OnceCell<Box<Finder<'static>>>,
}

impl Text {
    fn of(literal: &Literal) -> Text {
        Text { literal: literal.clone(), finder: OnceCell::new() }
    }

    fn holds(&self, value: &[u8]) -> bool {
        match (self.literal.place, self.literal.text.as_bytes()) {
            (LiteralPlace::Anywhere, [one]) => memchr::memchr(*one, value).is_some(),
            (LiteralPlace::Anywhere, text) => {
                let finder = self.finder.get_or_init(|| Box::new(Finder::new(text).into_owned()));
                finder.find(value).is_some()
            }
            _ => self.literal.holds(value),
        }
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
                Some(number) => numbered.push(*number),
                None => short.push(Text::of(literal)),
            }
            if few.len() <= FEW_MAX {
                few.push(Text::of(literal));
            }
        }
        if few.len() > FEW_MAX {
            few.clear();
        }
        numbered.sort_unstable();
        Texts { numbers: numbered.into(), short: short.into(), few: few.into() }
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
        entry.has_text(&self.numbers) || self.short.iter().any(|text| text.holds(entry.folded()))
    }
}

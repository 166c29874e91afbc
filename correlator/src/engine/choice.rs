//! A long list of texts of which one is enough, asked at once instead of one by one.

use super::column::Column;
use super::index::{Index, Literal};
use super::literal::Need;
use super::memo::Memo;
use super::program::Program;
use crate::record::{FieldRef, Record};
use crate::sigma::detection::{Item, Test, Wanted};
use crate::sigma::pattern::Folds;
use std::collections::{HashMap, HashSet};

/// From how many texts on a list of a rule that held is searched so, which must tell its first text that stands.
const TOLD_MIN: usize = 4;

/// The texts of an item's list.
#[derive(Debug)]
pub(super) struct Choice {
    /// Each different text, by the number of its first place in `places`.
    pub(super) index: Index,
    /// The pattern that each text decides.
    places: Vec<u32>,
    /// The patterns that no text decides.
    pub(super) others: Vec<u32>,
}

impl Choice {
    /// `None`: the list has fewer than `texts_min` texts, or must hold as a whole.
    pub(super) fn of(test: &Test, texts_min: usize) -> Option<Choice> {
        let Test::Values { all: false, patterns } = test else { return None };
        let mut literals: Vec<Literal> = Vec::new();
        let mut known: HashSet<Literal> = HashSet::new();
        let (mut places, mut others) = (Vec::new(), Vec::new());
        for (place, (wanted, _)) in (0u32..).zip(patterns) {
            let need = match wanted {
                Wanted::Pattern(pattern) => Need::of(pattern),
                Wanted::Null => Need::Value,
            };
            let Need::Text(text, at) = need else {
                others.push(place);
                continue;
            };
            let literal = Literal { text: text.into(), place: at.into() };
            if known.insert(literal.clone()) {
                literals.push(literal);
                places.push(place);
            }
        }
        (literals.len() >= texts_min).then(|| Choice { index: Index::new(literals, |_| 0), places, others })
    }

    /// The places of the patterns that may hold, in the list's order.
    fn narrow(
        &self,
        field: Option<&FieldRef>,
        record: Record<'_>,
        folds: &mut Folds,
        numbers: &mut Vec<u32>,
    ) -> Vec<usize> {
        let mut found = self.others.clone();
        let mut look = |value: event::Value<'_>| {
            numbers.clear();
            self.index.find(folds.of(&value.to_text()).as_bytes(), numbers);
            found.extend(numbers.iter().map(|number| self.places[*number as usize]));
            false
        };
        match field {
            Some(field) => record.any(field, &mut look),
            None => record.anywhere(&mut look),
        };
        found.sort_unstable();
        found.dedup();
        found.into_iter().map(|place| place as usize).collect()
    }
}

/// What the engine knows of the record at hand.
pub(super) struct Known<'e> {
    pub(super) program: &'e Program,
    /// The columns of a field.
    pub(super) columns_of: &'e dyn Fn(&FieldRef) -> Option<Vec<Column>>,
    pub(super) memo: &'e mut Memo,
    pub(super) epoch: u32,
}

/// A list's texts as they are numbered in a slot of the rule's program.
#[derive(Debug)]
struct Numbered {
    slot: u16,
    /// That of the slot when it was numbered so.
    owner: u32,
    /// Numbers, in order, each with the pattern that it decides.
    places: Vec<(u32, u32)>,
    /// The patterns that no number decides.
    others: Vec<u32>,
}

impl Numbered {
    fn new(choice: &Choice, slot: u16, program: &Program) -> Numbered {
        let (mut places, mut others) = (Vec::new(), choice.others.clone());
        for (literal, place) in choice.index.literals().iter().zip(&choice.places) {
            match program.number(slot, literal) {
                Some(number) => places.push((number, *place)),
                None => others.push(*place),
            }
        }
        places.sort_unstable();
        Numbered { slot, owner: program.owner(slot), places, others }
    }
}

/// A list, and its texts' numbers once they are known.
#[derive(Debug)]
struct List {
    choice: Choice,
    numbered: Option<Numbered>,
}

impl List {
    /// The places of the patterns that may hold, by what was found out when the rule was asked. `None`: nothing was.
    fn narrow(&mut self, field: &FieldRef, known: &mut Known<'_>) -> Option<Vec<usize>> {
        let program = known.program;
        if self.numbered.as_ref().is_none_or(|numbered| numbered.owner != program.owner(numbered.slot)) {
            let slot = program.slot_of(&(known.columns_of)(field)?)?;
            self.numbered = Some(Numbered::new(&self.choice, slot, program));
        }
        let numbered = self.numbered.as_ref()?;
        let mut found = numbered.others.clone();
        program.each_text(numbered.slot, known.epoch, known.memo, |text| {
            let from = numbered.places.partition_point(|(number, _)| *number < text);
            let here = numbered.places.get(from).filter(|(number, _)| *number == text);
            found.extend(here.map(|(_, place)| *place));
        })?;
        found.sort_unstable();
        found.dedup();
        Some(found.into_iter().map(|place| place as usize).collect())
    }
}

/// The long lists of rules that held, for [`crate::evaluate::because`]: made when a rule first holds.
#[derive(Debug, Default)]
pub(super) struct Choices {
    lists: HashMap<(u32, usize, usize, usize), Option<List>>,
    numbers: Vec<u32>,
}

impl Choices {
    /// The places of those of the item's patterns that may hold of the record; `None` stands for all.
    pub(super) fn narrow(
        &mut self,
        (rule, search, alternative, at): (u32, usize, usize, usize),
        item: &Item,
        (fields, record): (&[FieldRef], Record<'_>),
        folds: &mut Folds,
        known: Option<&mut Known<'_>>,
    ) -> Option<Vec<usize>> {
        let place = (rule, search, alternative, at);
        let list = || Some(List { choice: Choice::of(&item.test, TOLD_MIN)?, numbered: None });
        let list = self.lists.entry(place).or_insert_with(list).as_mut()?;
        let field = item.field.and_then(|field| fields.get(field));
        let by_numbers = field.zip(known).and_then(|(field, known)| list.narrow(field, known));
        by_numbers.or_else(|| Some(list.choice.narrow(field, record, folds, &mut self.numbers)))
    }
}

//! A long list of texts of which one is enough, asked at once instead of one by one.

use super::index::{Index, Literal};
use super::literal::Need;
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
            self.index.find(folds.of(&value.to_text()), numbers);
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

/// The long lists of rules that held, for [`crate::evaluate::because`]: made when a rule first holds.
#[derive(Debug, Default)]
pub(super) struct Choices {
    lists: HashMap<(u32, usize, usize, usize), Option<Choice>>,
    numbers: Vec<u32>,
}

impl Choices {
    /// The places of those of the item's patterns that may hold of the record; `None` stands for all.
    pub(super) fn narrow(
        &mut self,
        (rule, search, alternative, at): (u32, usize, usize, usize),
        item: &Item,
        fields: &[FieldRef],
        record: Record<'_>,
        folds: &mut Folds,
    ) -> Option<Vec<usize>> {
        let place = (rule, search, alternative, at);
        let choice = self.lists.entry(place).or_insert_with(|| Choice::of(&item.test, TOLD_MIN));
        let field = item.field.and_then(|field| fields.get(field));
        choice.as_ref().map(|choice| choice.narrow(field, record, folds, &mut self.numbers))
    }
}

//! Why a rule held, by what was found out about the record's values when it was asked.

use super::among::Among;
use super::column::{Column, View};
use super::hash::RuleMap;
use super::index::Literal;
use super::memo::{EntryAt, Memo};
use super::program::{Asked, Program};
use super::texts::Text;
use crate::evaluate::{self, ItemAt, Told};
use crate::record::FieldRef;
use crate::sigma::detection::{Item, Test, Wanted};

/// From how many texts on a list is searched by numbers.
const NUMBERED_MIN: usize = 4;

/// The items of rules that held: made ready when they are first told of.
#[derive(Debug, Default)]
pub(super) struct Reasons {
    items: RuleMap<(u32, ItemAt), Option<Reason>>,
    shown: Shown,
}

/// The value that was last told: rules of one event often tell the same.
#[derive(Debug, Default)]
struct Shown {
    epoch: u32,
    place: u32,
    text: String,
}

/// What an item asks of its field.
#[derive(Debug)]
struct Reason {
    slot: u16,
    /// That of the slot when its texts were numbered so.
    owner: u32,
    /// The numbers of texts, each with the first pattern that it decides.
    numbers: Among,
    /// Whether all of these are witnesses, which are known of every value.
    are_known: bool,
    /// The patterns that no number decides, by their places in order.
    others: Vec<Other>,
}

#[derive(Debug)]
struct Other {
    place: u32,
    /// What decides it, if that is a text.
    text: Option<Text>,
}

impl Reasons {
    /// Forgets the value that was last told: the count of records begins again.
    pub(super) fn forget(&mut self) {
        self.shown = Shown::default();
    }

    /// Whether an item of a rule holds of the record that the program was last asked about; the value that met it is told.
    pub(super) fn holds<V: View>(
        &mut self,
        (rule, at): (u32, ItemAt),
        item: &Item,
        (program, asked): (&mut Program, &mut Asked<'_, V>),
        columns_of: &dyn Fn(&FieldRef) -> Option<Vec<Column>>,
        told: Told<'_>,
    ) -> bool {
        let fields = &asked.rules.detections[rule as usize].fields;
        let field = item.field.and_then(|at| fields.get(at));
        let Test::Values { all, patterns } = &item.test else {
            return evaluate::item_holds(item, fields, asked.view.record(), asked.folds, told);
        };
        let Reasons { items, shown } = self;
        let reason = items.entry((rule, at)).or_default();
        if reason.as_ref().is_none_or(|reason| reason.owner != program.owner(reason.slot)) {
            let slot = match field {
                Some(field) => columns_of(field).and_then(|columns| program.slot_of(&columns)),
                None => program.anywhere(),
            };
            *reason = slot.map(|slot| Reason::new(slot, *all, patterns, program));
        }
        let Some(reason) = reason else {
            return evaluate::item_holds(item, fields, asked.view.record(), asked.folds, told);
        };
        let resolved = program.resolve(usize::from(reason.slot), asked);
        if let [entry] = program.entries(resolved)[..] {
            return match all {
                true => reason.others.iter().all(|other| {
                    other.holds(patterns, entry, asked)
                        && shown.tell(other.place, patterns, entry, asked, told)
                }),
                false => {
                    let first = reason.first(patterns, entry, program, asked);
                    first.is_some_and(|place| shown.tell(place, patterns, entry, asked, told))
                }
            };
        }
        let mut places: Vec<u32> = reason.others.iter().map(|other| other.place).collect();
        for entry in program.entries(resolved) {
            places.extend(reason.numbered(*entry, program, asked.memo));
        }
        places.sort_unstable();
        places.dedup();
        let kept = places.iter().filter_map(|place| patterns.get(*place as usize));
        evaluate::values_hold(*all, kept, field, asked.view.record(), asked.folds, told)
    }
}

impl Reason {
    fn new(slot: u16, all: bool, patterns: &[(Wanted, String)], program: &Program) -> Reason {
        let (mut numbers, mut others) = (Vec::new(), Vec::new());
        let witnesses = program.wanted(slot).texts_from();
        let is_long = !all && patterns.len() >= NUMBERED_MIN;
        for (place, (wanted, _)) in (0u32..).zip(patterns) {
            let text = Literal::deciding(wanted);
            let number = text.as_ref().filter(|_| !all).and_then(|text| program.number(slot, text));
            match number.filter(|number| is_long || *number < witnesses) {
                Some(number) => numbers.push((number, place)),
                None => others.push(Other { place, text: text.as_ref().map(Text::of) }),
            }
        }
        let are_known = numbers.iter().all(|(number, _)| *number < witnesses);
        Reason { slot, owner: program.owner(slot), numbers: Among::new(numbers), are_known, others }
    }

    /// The places of the patterns whose texts the value has.
    fn numbered<'m>(
        &'m self,
        entry: EntryAt,
        program: &Program,
        memo: &'m mut Memo,
    ) -> impl Iterator<Item = u32> + 'm {
        let texts = match self.are_known {
            true => memo.get(entry).texts(),
            false => memo.numbered(entry, program.wanted(self.slot)).texts(),
        };
        self.numbers.places(texts)
    }

    /// The place of the first pattern that the value meets.
    fn first<V: View>(
        &self,
        patterns: &[(Wanted, String)],
        entry: EntryAt,
        program: &Program,
        asked: &mut Asked<'_, V>,
    ) -> Option<u32> {
        let numbered = self.numbered(entry, program, asked.memo).min();
        let mut before =
            self.others.iter().take_while(|other| numbered.is_none_or(|place| other.place < place));
        before.find(|other| other.holds(patterns, entry, asked)).map(|other| other.place).or(numbered)
    }
}

impl Other {
    fn holds<V: View>(
        &self,
        patterns: &[(Wanted, String)],
        entry: EntryAt,
        asked: &mut Asked<'_, V>,
    ) -> bool {
        if let Some(text) = &self.text {
            return text.holds(asked.memo.get(entry).folded());
        }
        match patterns.get(self.place as usize) {
            Some((Wanted::Pattern(pattern), _)) => asked.meets(entry, pattern),
            // There is a value.
            Some((Wanted::Null, _)) | None => false,
        }
    }
}

impl Shown {
    /// Tells that the value meets the pattern at a place.
    fn tell<V: View>(
        &mut self,
        place: u32,
        patterns: &[(Wanted, String)],
        entry: EntryAt,
        asked: &mut Asked<'_, V>,
        told: Told<'_>,
    ) -> bool {
        let at = asked.memo.get(entry).place;
        if (self.epoch, self.place) != (asked.epoch, at) {
            (self.epoch, self.place) = (asked.epoch, at);
            self.text.clear();
            if let Some(held) = asked.view.held(at) {
                self.text.push_str(&held.value(&mut asked.memo.decoded).to_text());
            }
        }
        if let Some((_, pattern)) = patterns.get(place as usize) {
            told(&self.text, pattern);
        }
        true
    }
}

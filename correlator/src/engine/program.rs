//! The rules of one log source, compiled: which of them a record may meet, and whether it does.

mod build;

pub(super) use build::Builder;

use super::column::{Column, Columns, View};
use super::expression::{Ask, Graph, Node, NodeAt};
use super::index::Literal;
use super::memo::{EntryAt, Habit, Memo, Wanted};
use super::sample::Sample;
use super::screen::Screen;
use super::texts::Texts;
use crate::evaluate;
use crate::record::FieldRef;
use crate::ruleset::RuleSet;
use crate::sigma::pattern::{Folds, Pattern};

/// Rules, or conditions of log sources, asked together.
#[derive(Debug)]
pub(super) struct Program {
    /// What each stands for in the caller's numbering, in order.
    names: Vec<u32>,
    roots: Vec<NodeAt>,
    graph: Graph,
    slots: Vec<Slot>,
    /// The slots whose values are witnesses.
    watched: Vec<u16>,
    /// For each atom its texts.
    texts_of: Vec<Texts>,
    /// For each node that is about one slot alone, and stands below one that is not: that slot and the node's number in
    /// its entries. What holds of a value is remembered with it.
    of_one: Vec<Option<(u16, u32)>>,
    /// Those without a witness.
    always: Vec<u32>,
    /// Says of most records that they have no keyword that is a witness.
    screen: Option<Screen>,
    sample: Option<Sample>,
    // What follows is about the record at hand.
    epoch: u32,
    /// For each atom `epoch * 2 + answer`.
    answers: Vec<u32>,
    /// For each rule the record that it was last a candidate for.
    proposed: Vec<u32>,
    candidates: Vec<u32>,
    /// The entries of each slot that was asked about.
    resolved: Vec<EntryAt>,
}

/// A field of the program.
#[derive(Debug, Default)]
struct Slot {
    /// Its first name in a rule; none for the record as a whole.
    field: Option<FieldRef>,
    columns: Vec<Column>,
    /// Every value of the record.
    anywhere: bool,
    wanted: Wanted,
    habit: Habit,
    /// The rules that its presence makes candidates.
    by_presence: Vec<u32>,
    /// How many parts of conditions are about it alone.
    parts: u32,
    /// The record that it was last resolved for, and the entries' places in [`Program::resolved`].
    resolved: (u32, u32, u32),
}

/// Everything that asking takes beside the program.
pub(super) struct Asked<'a, V> {
    pub(super) view: &'a V,
    pub(super) columns: &'a Columns,
    pub(super) memo: &'a mut Memo,
    pub(super) folds: &'a mut Folds,
    pub(super) rules: &'a RuleSet,
    pub(super) epoch: u32,
}

impl<V: View> Asked<'_, V> {
    /// Whether the entry's value meets the pattern.
    pub(super) fn meets(&mut self, entry: EntryAt, pattern: &Pattern) -> bool {
        let entry = self.memo.get(entry);
        match pattern {
            Pattern::Text(glob) if !glob.is_cased() => glob.holds_folded(entry.folded()),
            _ => {
                let held = self.view.held(entry.place);
                let mut decoded = std::mem::take(&mut self.memo.decoded);
                let meets = held.is_some_and(|held| pattern.holds(held.value(&mut decoded), self.folds));
                self.memo.decoded = decoded;
                meets
            }
        }
    }
}

impl Program {
    /// Puts the names of those that hold of the record into `found`.
    pub(super) fn ask<V: View>(
        &mut self,
        asked: &mut Asked<'_, V>,
        found: &mut Vec<u32>,
        owner: &mut impl FnMut() -> u32,
    ) {
        self.begin(asked.epoch);
        let mut candidates = std::mem::take(&mut self.candidates);
        candidates.clear();
        candidates.extend_from_slice(&self.always);
        for nth in 0..self.watched.len() {
            let at = usize::from(self.watched[nth]);
            if !self.has(at, asked) || self.is_screened(at, asked) {
                continue;
            }
            let (from, to) = self.resolve(at, asked);
            let (proposed, epoch) = (&mut self.proposed, asked.epoch);
            let mut propose = |rules: &[u32]| {
                for rule in rules {
                    let last = &mut proposed[*rule as usize];
                    if *last != epoch {
                        *last = epoch;
                        candidates.push(*rule);
                    }
                }
            };
            propose(&self.slots[at].by_presence);
            for entry in &self.resolved[from..to] {
                propose(asked.memo.get(*entry).candidates());
            }
        }
        for rule in &candidates {
            if self.holds(self.roots[*rule as usize], asked) {
                found.push(self.names[*rule as usize]);
            }
        }
        self.candidates = candidates;
        if self.sample.is_some() {
            self.learn(asked, owner);
        }
    }

    /// The slot of a field.
    pub(super) fn slot_of(&self, columns: &[Column]) -> Option<u16> {
        let mut slots = (0u16..).zip(&self.slots);
        slots.find(|(_, slot)| !slot.anywhere && slot.columns == columns).map(|(at, _)| at)
    }

    /// What changes when a slot's texts are numbered anew.
    pub(super) fn owner(&self, slot: u16) -> u32 {
        self.slots.get(usize::from(slot)).map_or(0, |slot| slot.wanted.owner)
    }

    /// The number of a text of a slot.
    pub(super) fn number(&self, slot: u16, literal: &Literal) -> Option<u32> {
        self.slots.get(usize::from(slot))?.wanted.number(literal)
    }

    /// The slot that is the record as a whole.
    pub(super) fn anywhere(&self) -> Option<u16> {
        (0u16..).zip(&self.slots).find(|(_, slot)| slot.anywhere).map(|(at, _)| at)
    }

    /// What a slot wants to know of each value.
    pub(super) fn wanted(&self, slot: u16) -> &Wanted {
        &self.slots[usize::from(slot)].wanted
    }

    /// A stretch of what [`Program::resolve`] gave.
    pub(super) fn entries(&self, (from, to): (usize, usize)) -> &[EntryAt] {
        self.resolved.get(from..to).unwrap_or_default()
    }

    fn begin(&mut self, epoch: u32) {
        if epoch < self.epoch {
            // The count of records began again.
            self.answers.fill(0);
            self.proposed.fill(0);
            self.slots.iter_mut().for_each(|slot| slot.resolved = (0, 0, 0));
        }
        self.epoch = epoch;
        self.resolved.clear();
    }

    fn has<V: View>(&self, slot: usize, asked: &Asked<'_, V>) -> bool {
        let slot = &self.slots[slot];
        if slot.anywhere {
            return asked.view.places() > 0;
        }
        slot.columns.iter().any(|column| asked.columns.has(*column))
    }

    /// Whether the slot is every value of the record, and no value can be a witness.
    fn is_screened<V: View>(&self, slot: usize, asked: &mut Asked<'_, V>) -> bool {
        let Some(screen) = self.screen.as_ref().filter(|_| self.slots[slot].anywhere) else { return false };
        let mut room = std::mem::take(&mut asked.memo.decoded);
        let may_pass = screen.may_pass(asked.view, &mut room);
        asked.memo.decoded = room;
        !may_pass
    }

    /// The entries of the slot's values: a stretch of [`Program::resolved`].
    pub(super) fn resolve<V: View>(&mut self, at: usize, asked: &mut Asked<'_, V>) -> (usize, usize) {
        let slot = &mut self.slots[at];
        if slot.resolved.0 == asked.epoch {
            return (slot.resolved.1 as usize, slot.resolved.2 as usize);
        }
        let from = self.resolved.len();
        let short = |place: usize| u32::try_from(place).unwrap_or(u32::MAX);
        if let [column] = slot.columns[..]
            && let Some(place) = asked.columns.only(column)
            && let Some(held) = asked.view.held(place)
        {
            let entry = asked.memo.resolve(held, place, asked.epoch, &slot.wanted, &mut slot.habit);
            self.resolved.push(entry);
            slot.resolved = (asked.epoch, short(from), short(from + 1));
            return (from, from + 1);
        }
        let mut put = |place: u32, memo: &mut Memo| {
            if let Some(held) = asked.view.held(place) {
                self.resolved.push(memo.resolve(held, place, asked.epoch, &slot.wanted, &mut slot.habit));
            }
        };
        if slot.anywhere {
            (0..asked.view.places()).for_each(|place| put(place, asked.memo));
        } else {
            for column in &slot.columns {
                asked.columns.places(*column).for_each(|place| put(place, asked.memo));
            }
        }
        let to = self.resolved.len();
        slot.resolved = (asked.epoch, short(from), short(to));
        (from, to)
    }

    fn holds<V: View>(&mut self, node: NodeAt, asked: &mut Asked<'_, V>) -> bool {
        let Some((slot, part)) = self.of_one[node as usize] else { return self.holds_now(node, asked) };
        let slot = usize::from(slot);
        if !self.has(slot, asked) {
            return self.holds_now(node, asked);
        }
        let (from, to) = self.resolve(slot, asked);
        // What holds of several values together is not a matter of each.
        let [entry] = self.resolved[from..to] else { return self.holds_now(node, asked) };
        if let Some(known) = asked.memo.get(entry).part(part) {
            return known;
        }
        let holds = self.holds_now(node, asked);
        asked.memo.get_mut(entry).set_part(part, holds);
        holds
    }

    fn holds_now<V: View>(&mut self, node: NodeAt, asked: &mut Asked<'_, V>) -> bool {
        // Asking changes answers, never the graph, so the parts are asked by place.
        let part =
            |program: &Program, nth: usize| program.graph.nodes[node as usize].parts().get(nth).copied();
        let mut nth = 0;
        match self.graph.nodes[node as usize] {
            Node::Atom(atom) => self.answer(atom, asked),
            Node::Not([inner]) => !self.holds(inner, asked),
            Node::All(_) => loop {
                let Some(next) = part(self, nth) else { return true };
                if !self.holds(next, asked) {
                    return false;
                }
                nth += 1;
            },
            Node::Any(_) => loop {
                let Some(next) = part(self, nth) else { return false };
                if self.holds(next, asked) {
                    return true;
                }
                nth += 1;
            },
            Node::AtLeast(wanted, _) => {
                let mut missing = wanted;
                while missing > 0 {
                    let Some(next) = part(self, nth) else { return false };
                    missing -= usize::from(self.holds(next, asked));
                    nth += 1;
                }
                true
            }
        }
    }

    fn answer<V: View>(&mut self, atom: u32, asked: &mut Asked<'_, V>) -> bool {
        let known = self.answers[atom as usize];
        if known >> 1 == asked.epoch {
            return known & 1 == 1;
        }
        let answer = self.work_out(atom as usize, asked);
        self.answers[atom as usize] = asked.epoch << 1 | u32::from(answer);
        answer
    }

    fn work_out<V: View>(&mut self, at: usize, asked: &mut Asked<'_, V>) -> bool {
        let slot = usize::from(self.graph.atoms[at].slot);
        if let Ask::Item { rule, search, alternative, item } = self.graph.atoms[at].ask {
            let rule = &asked.rules.detections[rule as usize];
            let item = &rule.detection.searches[search].any[alternative][item];
            return evaluate::item_holds(
                item,
                &rule.fields,
                asked.view.record(),
                asked.folds,
                &mut |_, _| {},
            );
        }
        let has = self.has(slot, asked);
        let field = self.slots[slot].field.as_ref();
        match self.graph.atoms[at].ask {
            Ask::There => return has || field.is_some_and(|field| asked.view.has(field)),
            Ask::Null => return !has && field.is_some_and(|field| asked.view.is_null(field)),
            _ if !has => return false,
            _ => {}
        }
        let (from, to) = self.resolve(slot, asked);
        let entries = &self.resolved[from..to];
        match &self.graph.atoms[at].ask {
            Ask::Text(_) | Ask::Choice(_) => {
                let (texts, wanted) = (&self.texts_of[at], &self.slots[slot].wanted);
                entries.iter().any(|entry| texts.stand_in(*entry, asked.memo, wanted))
            }
            Ask::Pattern(pattern) => {
                let (texts, wanted) = (&self.texts_of[at], &self.slots[slot].wanted);
                entries.iter().any(|entry| {
                    (texts.is_empty() || texts.stand_in(*entry, asked.memo, wanted))
                        && asked.meets(*entry, pattern)
                })
            }
            Ask::There | Ask::Null | Ask::Item { .. } => false,
        }
    }

    /// Samples the record; when enough are seen, chooses the witnesses by them.
    fn learn<V: View>(&mut self, asked: &mut Asked<'_, V>, owner: &mut impl FnMut() -> u32) {
        let Some(mut sample) = self.sample.take() else { return };
        sample.begin(self.slots.len(), self.graph.nodes.len());
        for at in 0..self.slots.len() {
            if self.has(at, asked) {
                let (from, to) = self.resolve(at, asked);
                let values = self.resolved[from..to].iter().map(|entry| asked.memo.get(*entry).folded_text());
                sample.see(at, values);
            }
        }
        for nth in 0..self.candidates.len() {
            self.observe(self.roots[self.candidates[nth] as usize], &mut sample, asked);
        }
        if sample.is_full() {
            self.graph.order(&sample.shares());
            let seen = sample.finish(&self.graph);
            self.choose(&|witness| seen.often(witness), &seen.grams, owner);
        } else {
            self.sample = Some(sample);
        }
    }

    /// Asks every part of a condition, also those that others decide.
    fn observe<V: View>(&mut self, node: NodeAt, sample: &mut Sample, asked: &mut Asked<'_, V>) {
        if !sample.is_news(node) {
            return;
        }
        let holds = self.holds(node, asked);
        sample.told(node, holds);
        for nth in 0..self.graph.nodes[node as usize].parts().len() {
            self.observe(self.graph.nodes[node as usize].parts()[nth], sample, asked);
        }
    }
}

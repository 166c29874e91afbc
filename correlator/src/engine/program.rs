//! The rules of one log source, compiled: which of them a record may meet, and whether it does.

use super::column::{Column, Columns, View};
use super::expression::{Ask, Graph, Node, NodeAt, Source, Witness};
use super::index::{GramCounts, Index, Literal};
use super::memo::{EntryAt, Habit, Memo, Wanted};
use super::sample::Sample;
use super::screen::Screen;
use crate::evaluate;
use crate::record::FieldRef;
use crate::ruleset::RuleSet;
use crate::sigma::pattern::Pattern;
use std::collections::HashMap;

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

impl Slot {
    fn is_watched(&self) -> bool {
        self.wanted.by_text.iter().any(|rules| !rules.is_empty())
            || !self.wanted.by_number.is_empty()
            || !self.by_presence.is_empty()
    }

    /// Possible where only texts are witnesses.
    fn screen(&self) -> Option<Screen> {
        let Wanted { index, by_text, by_number, .. } = &self.wanted;
        let texts = index.literals().iter().zip(by_text).filter(|(_, rules)| !rules.is_empty());
        let texts: Vec<&Literal> = texts.map(|(text, _)| text).collect();
        if self.by_presence.is_empty() && by_number.is_empty() && !texts.is_empty() {
            Screen::new(&texts)
        } else {
            None
        }
    }
}

/// An atom's texts.
#[derive(Debug, Default)]
struct Texts {
    /// Those in the slot's index, by their numbers in order.
    indexed: Box<[u32]>,
    /// The others, by their places in the atom.
    others: Box<[u32]>,
}

/// A shorter text is looked for in every value only if it is a witness: it stands in too many.
const INDEXED_BYTES_MIN: usize = 2;

/// Everything that asking takes beside the program.
pub(super) struct Asked<'a, V> {
    pub(super) view: &'a V,
    pub(super) columns: &'a Columns,
    pub(super) memo: &'a mut Memo,
    pub(super) rules: &'a RuleSet,
    pub(super) epoch: u32,
}

/// Builds a program.
#[derive(Default)]
pub(super) struct Builder {
    names: Vec<u32>,
    roots: Vec<NodeAt>,
    graph: Graph,
    slots: Vec<Slot>,
    places: HashMap<Vec<Column>, u16>,
    anywhere: Option<u16>,
}

impl Builder {
    fn slot(&mut self, field: Option<FieldRef>, columns: Vec<Column>) -> u16 {
        if let Some(known) = self.places.get(&columns) {
            return *known;
        }
        let place = self.new_slot(Slot { field, columns: columns.clone(), ..Slot::default() });
        self.places.insert(columns, place);
        place
    }

    fn new_slot(&mut self, slot: Slot) -> u16 {
        self.slots.push(slot);
        u16::try_from(self.slots.len() - 1).unwrap_or(u16::MAX)
    }

    /// Takes in a rule of the set.
    pub(super) fn rule(
        &mut self,
        rules: &RuleSet,
        at: u32,
        columns_of: &mut impl FnMut(&FieldRef) -> Vec<Column>,
    ) {
        let rule = &rules.detections[at as usize];
        let slots =
            rule.fields.iter().map(|field| self.slot(Some(field.clone()), columns_of(field))).collect();
        let anywhere = match self.anywhere {
            Some(known) => known,
            None => self.new_slot(Slot { anywhere: true, ..Slot::default() }),
        };
        self.anywhere = Some(anywhere);
        let source = Source { rule: at, detection: &rule.detection, slots, anywhere };
        let root = self.graph.detection(&source);
        self.names.push(at);
        self.roots.push(root);
    }

    /// Takes in a condition: each of these columns has a value that meets one of its patterns.
    pub(super) fn condition(&mut self, name: u32, tests: &[(Column, Vec<Pattern>)]) {
        let each = tests.iter().map(|(column, patterns)| {
            let slot = self.slot(None, vec![*column]);
            let any = patterns.iter().map(|pattern| self.graph.pattern(slot, pattern)).collect();
            self.graph.any(any)
        });
        let each = each.collect();
        let root = self.graph.all(each);
        self.names.push(name);
        self.roots.push(root);
    }

    /// The program. `owner` gives each call another number.
    pub(super) fn finish(mut self, owner: &mut impl FnMut() -> u32) -> Program {
        self.graph.finish();
        let mut program = Program {
            watched: Vec::new(),
            texts_of: Vec::new(),
            of_one: Vec::new(),
            always: Vec::new(),
            screen: None,
            sample: Some(Sample::default()),
            epoch: 0,
            answers: vec![0; self.graph.atoms.len()],
            proposed: vec![0; self.roots.len()],
            candidates: Vec::new(),
            resolved: Vec::new(),
            names: self.names,
            roots: self.roots,
            graph: self.graph,
            slots: self.slots,
        };
        program.number_parts();
        program.choose(&|witness| Sample::guess(witness), &GramCounts::new(), owner);
        program
    }
}

impl Program {
    /// Numbers the parts of conditions that are about one slot alone.
    fn number_parts(&mut self) {
        let slot_of = self.graph.slots();
        self.of_one = vec![None; slot_of.len()];
        let mut put = |node: NodeAt| {
            let place = &mut self.of_one[node as usize];
            if let (None, Some(slot)) = (&place, slot_of[node as usize]) {
                let parts = &mut self.slots[usize::from(slot)].parts;
                *place = Some((slot, *parts));
                *parts += 1;
            }
        };
        self.roots.iter().for_each(|root| put(*root));
        for (node, slot) in self.graph.nodes.iter().zip(&slot_of) {
            if slot.is_none() {
                node.parts().iter().for_each(|part| put(*part));
            }
        }
    }

    /// Chooses each rule's witnesses: of the sets of which one member shows whenever the rule is true, the rarest.
    fn choose(
        &mut self,
        often: &impl Fn(&Witness) -> f64,
        grams: &GramCounts,
        owner: &mut impl FnMut() -> u32,
    ) {
        let mut texts: Vec<HashMap<Literal, Vec<u32>>> = self.slots.iter().map(|_| HashMap::new()).collect();
        self.always.clear();
        for slot in &mut self.slots {
            *slot = Slot {
                field: slot.field.take(),
                columns: std::mem::take(&mut slot.columns),
                anywhere: slot.anywhere,
                parts: slot.parts,
                ..Slot::default()
            };
            slot.wanted.owner = owner();
            slot.wanted.parts = slot.parts as usize;
        }
        for (rule, root) in (0u32..).zip(&self.roots) {
            let Some((_, witnesses)) = self.graph.witnesses(*root, true, often) else {
                self.always.push(rule);
                continue;
            };
            for witness in witnesses {
                match witness {
                    Witness::Text(slot, literal) => {
                        texts[usize::from(slot)].entry(literal).or_default().push(rule);
                    }
                    Witness::Number(slot, key) => {
                        self.slots[usize::from(slot)].wanted.by_number.entry(key).or_default().push(rule);
                    }
                    Witness::Present(slot) => self.slots[usize::from(slot)].by_presence.push(rule),
                }
            }
        }
        for atom in &self.graph.atoms {
            for text in atom.ask.texts().iter().filter(|text| text.text.len() >= INDEXED_BYTES_MIN) {
                texts[usize::from(atom.slot)].entry(text.clone()).or_default();
            }
        }
        let mut numbers: Vec<HashMap<Literal, u32>> = Vec::new();
        for (slot, texts) in self.slots.iter_mut().zip(texts) {
            let mut sorted: Vec<(Literal, Vec<u32>)> = texts.into_iter().collect();
            sorted.sort_by(|a, b| a.1.cmp(&b.1).then_with(|| a.0.text.cmp(&b.0.text)));
            let (literals, rules): (Vec<Literal>, Vec<Vec<u32>>) = sorted.into_iter().unzip();
            numbers.push(literals.iter().cloned().zip(0u32..).collect());
            slot.wanted.index = Index::new(literals, |gram| grams.of(gram));
            slot.wanted.by_text = rules;
        }
        self.watched =
            (0u16..).zip(&self.slots).filter(|(_, slot)| slot.is_watched()).map(|(at, _)| at).collect();
        self.screen = self.slots.iter().find(|slot| slot.anywhere).and_then(Slot::screen);
        let texts_of = self.graph.atoms.iter().map(|atom| {
            let numbers = &numbers[usize::from(atom.slot)];
            let (mut indexed, mut others) = (Vec::new(), Vec::new());
            for (place, text) in (0u32..).zip(atom.ask.texts()) {
                match numbers.get(text) {
                    Some(number) => indexed.push(*number),
                    None => others.push(place),
                }
            }
            indexed.sort_unstable();
            Texts { indexed: indexed.into(), others: others.into() }
        });
        self.texts_of = texts_of.collect();
    }

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
    fn resolve<V: View>(&mut self, at: usize, asked: &mut Asked<'_, V>) -> (usize, usize) {
        let slot = &mut self.slots[at];
        if slot.resolved.0 == asked.epoch {
            return (slot.resolved.1 as usize, slot.resolved.2 as usize);
        }
        let from = self.resolved.len();
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
        let short = |place: usize| u32::try_from(place).unwrap_or(u32::MAX);
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
            return evaluate::item_holds(item, &rule.fields, asked.view.record(), &mut |_, _| {});
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
            ask @ (Ask::Text(_) | Ask::Choice(_)) => {
                let Texts { indexed, others } = &self.texts_of[at];
                entries.iter().any(|entry| {
                    let entry = asked.memo.get(*entry);
                    let holds = |place: &u32| ask.texts()[*place as usize].holds(entry.folded());
                    entry.has_text(indexed) || others.iter().any(holds)
                })
            }
            Ask::Pattern(Pattern::Text(glob)) if !glob.is_cased() => {
                entries.iter().any(|entry| glob.holds_as_is(asked.memo.get(*entry).folded()))
            }
            Ask::Pattern(pattern) => {
                let mut decoded = std::mem::take(&mut asked.memo.decoded);
                let holds = entries.iter().any(|entry| {
                    let held = asked.view.held(asked.memo.get(*entry).place);
                    held.is_some_and(|held| pattern.holds(held.value(&mut decoded)))
                });
                asked.memo.decoded = decoded;
                holds
            }
            Ask::There | Ask::Null | Ask::Item { .. } => false,
        }
    }

    /// Samples the record; when enough are seen, chooses the witnesses by them.
    fn learn<V: View>(&mut self, asked: &mut Asked<'_, V>, owner: &mut impl FnMut() -> u32) {
        let Some(mut sample) = self.sample.take() else { return };
        sample.begin(self.slots.len());
        for at in 0..self.slots.len() {
            if self.has(at, asked) {
                let (from, to) = self.resolve(at, asked);
                let values = self.resolved[from..to].iter().map(|entry| asked.memo.get(*entry).folded());
                sample.see(at, values);
            }
        }
        if sample.is_full() {
            let seen = sample.finish(&self.graph);
            self.choose(&|witness| seen.often(witness), &seen.grams, owner);
        } else {
            self.sample = Some(sample);
        }
    }
}

//! Compiling rules into a program: their parts numbered, their witnesses chosen.

use super::{Program, Slot};
use crate::engine::column::Column;
use crate::engine::expression::{Ask, Atom, Graph, NodeAt, Source, Witness};
use crate::engine::gram::GramCounts;
use crate::engine::index::{Index, Literal};
use crate::engine::memo::Wanted;
use crate::engine::sample::Sample;
use crate::engine::screen::Screen;
use crate::engine::texts::{NUMBERED_BYTES_MIN, Texts};
use crate::record::FieldRef;
use crate::ruleset::RuleSet;
use crate::sigma::pattern::Pattern;
use std::collections::HashMap;

/// Builds a program.
#[derive(Default)]
pub(in crate::engine) struct Builder {
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
    pub(in crate::engine) fn rule(
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
    pub(in crate::engine) fn condition(&mut self, name: u32, tests: &[(Column, Vec<Pattern>)]) {
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
    pub(in crate::engine) fn finish(mut self, owner: &mut impl FnMut() -> u32) -> Program {
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
    pub(in crate::engine) fn choose(
        &mut self,
        often: &impl Fn(&Witness) -> f64,
        grams: &GramCounts,
        owner: &mut impl FnMut() -> u32,
    ) {
        let mut witnessed: Vec<HashMap<Literal, Vec<u32>>> =
            self.slots.iter().map(|_| HashMap::new()).collect();
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
                        witnessed[usize::from(slot)].entry(literal).or_default().push(rule);
                    }
                    Witness::Number(slot, key) => {
                        self.slots[usize::from(slot)].wanted.by_number.entry(key).or_default().push(rule);
                    }
                    Witness::Present(slot) => self.slots[usize::from(slot)].by_presence.push(rule),
                }
            }
        }
        for (slot, texts) in self.slots.iter_mut().zip(witnessed) {
            let mut sorted: Vec<(Literal, Vec<u32>)> = texts.into_iter().collect();
            sorted.sort_by(|a, b| a.1.cmp(&b.1).then_with(|| a.0.text.cmp(&b.0.text)));
            let (literals, rules): (Vec<Literal>, Vec<Vec<u32>>) = sorted.into_iter().unzip();
            slot.wanted.witnesses = Index::new(literals, |gram| grams.of(gram));
            slot.wanted.by_text = rules;
        }
        self.watched =
            (0u16..).zip(&self.slots).filter(|(_, slot)| slot.is_watched()).map(|(at, _)| at).collect();
        self.screen = self.slots.iter().find(|slot| slot.anywhere).and_then(Slot::screen);
        self.number_texts(often, grams);
    }

    /// Numbers the texts that atoms ask about.
    fn number_texts(&mut self, often: &impl Fn(&Witness) -> f64, grams: &GramCounts) {
        let asked: Vec<Vec<Literal>> = self.graph.atoms.iter().map(|atom| atom.texts(often)).collect();
        let mut others: Vec<Vec<Literal>> = vec![Vec::new(); self.slots.len()];
        let numbers = self.slots.iter().map(|slot| slot.wanted.witnesses.literals().iter().cloned().zip(0..));
        let mut numbers: Vec<HashMap<Literal, u32>> = numbers.map(Iterator::collect).collect();
        for (atom, asked) in self.graph.atoms.iter().zip(&asked) {
            let (numbers, others) =
                (&mut numbers[usize::from(atom.slot)], &mut others[usize::from(atom.slot)]);
            for text in asked.iter().filter(|text| text.text.len() >= NUMBERED_BYTES_MIN) {
                let next = u32::try_from(numbers.len()).unwrap_or(u32::MAX);
                numbers.entry(text.clone()).or_insert_with(|| {
                    others.push(text.clone());
                    next
                });
            }
        }
        for (slot, others) in self.slots.iter_mut().zip(others) {
            slot.wanted.texts = Index::new(others, |gram| grams.of(gram));
        }
        let texts = self.graph.atoms.iter().zip(&asked).map(|(atom, texts)| {
            let slot = usize::from(atom.slot);
            Texts::new(texts, &numbers[slot], self.slots[slot].wanted.texts_from())
        });
        self.texts_of = texts.collect();
    }
}

impl Slot {
    fn is_watched(&self) -> bool {
        !self.wanted.witnesses.is_empty() || !self.wanted.by_number.is_empty() || !self.by_presence.is_empty()
    }

    /// Possible where only texts are witnesses.
    fn screen(&self) -> Option<Screen> {
        let Wanted { witnesses, by_number, .. } = &self.wanted;
        let texts: Vec<&Literal> = witnesses.literals().iter().collect();
        if self.by_presence.is_empty() && by_number.is_empty() && !texts.is_empty() {
            Screen::new(&texts)
        } else {
            None
        }
    }
}

impl Atom {
    /// The texts of which a value has one if it meets the atom; none if that cannot be said.
    fn texts(&self, often: &impl Fn(&Witness) -> f64) -> Vec<Literal> {
        match &self.ask {
            Ask::Text(text) => vec![text.clone()],
            Ask::Choice(texts) => texts.to_vec(),
            // A look at its texts costs as much as the pattern itself.
            Ask::Pattern(Pattern::Text(glob)) if !glob.is_cased() => Vec::new(),
            Ask::Pattern(_) => {
                let texts = |set: &Vec<Witness>| -> Option<Vec<Literal>> {
                    let text = |witness: &Witness| match witness {
                        Witness::Text(slot, text) if *slot == self.slot => Some(text.clone()),
                        _ => None,
                    };
                    set.iter().map(text).collect()
                };
                let sum = |set: &Vec<Witness>| set.iter().map(often).sum::<f64>();
                let rarest = self.needs.iter().min_by(|a, b| sum(a).total_cmp(&sum(b)));
                rarest.and_then(texts).unwrap_or_default()
            }
            _ => Vec::new(),
        }
    }
}

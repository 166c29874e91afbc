//! How often witnesses show in ordinary traffic: guessed at first, then counted over the first records of a log source.
//! Only the cost of matching depends on it, never what is found.

use super::expression::{Graph, NodeAt, Witness};
use super::gram::GramCounts;
use super::index::{Index, Literal, LiteralPlace, number_key};
use std::collections::{HashMap, HashSet};

/// How many records are sampled; in tests few, so that they see what was learned in use.
const RECORDS: u32 = if cfg!(test) { 16 } else { 512 };
/// How many bytes of values are kept for that at most.
const BYTES_MAX: usize = 4 << 20;

/// Values of the first records.
#[derive(Debug, Default)]
pub(super) struct Sample {
    records: u32,
    bytes: usize,
    /// For each slot how many records had it, and its folded values.
    slots: Vec<(u32, Vec<Box<str>>)>,
    /// For each node the record that last asked it, how many did, and of how many it held.
    nodes: Vec<(u32, u32, u32)>,
}

/// What the sample says.
pub(super) struct Seen {
    records: f64,
    counts: HashMap<Witness, u32>,
    pub(super) grams: GramCounts,
}

impl Sample {
    pub(super) fn begin(&mut self, slots: usize, nodes: usize) {
        self.records += 1;
        self.slots.resize(slots, (0, Vec::new()));
        self.nodes.resize(nodes, (0, 0, 0));
    }

    /// Whether the record at hand did not ask the node yet.
    pub(super) fn is_news(&mut self, node: NodeAt) -> bool {
        let (last, ..) = &mut self.nodes[node as usize];
        std::mem::replace(last, self.records) != self.records
    }

    /// Takes in what a node said.
    pub(super) fn told(&mut self, node: NodeAt, holds: bool) {
        let (_, asked, held) = &mut self.nodes[node as usize];
        *asked += 1;
        *held += u32::from(holds);
    }

    /// In what part of the records that asked it each node held.
    pub(super) fn shares(&self) -> Vec<f64> {
        let share = |(_, asked, held): &(u32, u32, u32)| (f64::from(*held) + 0.5) / (f64::from(*asked) + 1.0);
        self.nodes.iter().map(share).collect()
    }

    pub(super) fn see<'v>(&mut self, slot: usize, values: impl Iterator<Item = &'v str>) {
        let (records, kept) = &mut self.slots[slot];
        *records += 1;
        for value in values {
            if self.bytes + value.len() <= BYTES_MAX {
                self.bytes += value.len();
                kept.push(value.into());
            }
        }
    }

    pub(super) fn is_full(&self) -> bool {
        self.records >= RECORDS || self.bytes >= BYTES_MAX - BYTES_MAX / 8
    }

    /// How often a witness shows in a record, before any is seen: long texts are rare, presence is the rule.
    pub(super) fn guess(witness: &Witness) -> f64 {
        match witness {
            Witness::Text(_, Literal { text, place }) => {
                let len = i32::try_from(text.chars().count().min(64)).unwrap_or(64);
                let base: f64 = if *place == LiteralPlace::Anywhere { 0.7 } else { 0.8 };
                base.powi(len) + 0.001
            }
            Witness::Number(..) => 0.3,
            Witness::Present(_) => 0.9,
        }
    }

    /// Counts every witness that the graph has.
    pub(super) fn finish(self, graph: &Graph) -> Seen {
        let mut seen =
            Seen { records: f64::from(self.records), counts: HashMap::new(), grams: GramCounts::new() };
        let mut texts: Vec<HashSet<Literal>> = self.slots.iter().map(|_| HashSet::new()).collect();
        for witness in graph.atoms.iter().flat_map(|atom| atom.needs.iter().flatten()) {
            if let Witness::Text(slot, literal) = witness {
                texts[usize::from(*slot)].insert(literal.clone());
            }
        }
        let mut found = Vec::new();
        for ((slot, (records, values)), texts) in (0u16..).zip(&self.slots).zip(texts) {
            seen.counts.insert(Witness::Present(slot), *records);
            values.iter().for_each(|value| seen.grams.see(value));
            let mut counts = vec![0; texts.len()];
            let index = Index::new(texts.into_iter().collect(), |gram| seen.grams.of(gram));
            for value in values {
                if let Ok(number) = value.parse::<f64>() {
                    *seen.counts.entry(Witness::Number(slot, number_key(number))).or_default() += 1;
                }
                found.clear();
                index.find(value.as_bytes(), &mut found);
                found.iter().for_each(|text| counts[*text as usize] += 1);
            }
            for (literal, count) in index.literals().iter().zip(counts).filter(|(_, count)| *count > 0) {
                seen.counts.insert(Witness::Text(slot, literal.clone()), count);
            }
        }
        seen
    }
}

impl Seen {
    /// How often the witness showed, in parts of the records; of those never seen, the likelier is the shorter.
    pub(super) fn often(&self, witness: &Witness) -> f64 {
        let count = self.counts.get(witness).copied().unwrap_or(0);
        f64::from(count) / self.records + Sample::guess(witness) / 1024.0
    }
}

//! Conditions of rules as one shared graph: what several rules ask of a field is asked once.

use super::index::{Literal, number_key};
use super::literal::Need;
use crate::sigma::condition::Condition;
use crate::sigma::detection::{Detection, Item, Test, Wanted};
use crate::sigma::pattern::Pattern;
use std::collections::{HashMap, HashSet};

/// From how many texts on a list is asked about as a whole.
const CHOICE_MIN: usize = 8;

/// A place in [`Graph`].
pub(super) type NodeAt = u32;

/// A condition.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Node {
    Atom(u32),
    Not([NodeAt; 1]),
    All(Box<[NodeAt]>),
    Any(Box<[NodeAt]>),
    AtLeast(usize, Box<[NodeAt]>),
}

impl Node {
    /// The nodes below.
    pub(super) fn parts(&self) -> &[NodeAt] {
        match self {
            Node::Atom(_) => &[],
            Node::Not(inner) => inner,
            Node::All(parts) | Node::Any(parts) | Node::AtLeast(_, parts) => parts,
        }
    }
}

/// A question about one field, or about the record.
#[derive(Debug)]
pub(super) struct Atom {
    /// The field, by its place in the program; meaningless for [`Ask::Item`].
    pub(super) slot: u16,
    pub(super) ask: Ask,
    /// Sets of which each has one that shows if the answer is yes; no set if that cannot be said.
    pub(super) needs: Vec<Vec<Witness>>,
}

#[derive(Debug)]
pub(super) enum Ask {
    /// Whether the field is there, with a value or without.
    There,
    /// Whether the field is not there, or null.
    Null,
    /// Whether a value has a text in its place.
    Text(Literal),
    /// Whether a value has one of many texts in its place.
    Choice(Box<[Literal]>),
    /// Whether a value meets a pattern.
    Pattern(Pattern),
    /// Whether an item of a rule holds, as the reference evaluator says.
    Item { rule: u32, search: usize, alternative: usize, item: usize },
}

/// What is often asked, to find what was asked before.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Question {
    There,
    Null,
    Text(Literal),
}

/// What shows that an atom may hold.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Witness {
    Text(u16, Literal),
    Number(u16, u64),
    Present(u16),
}

/// Conditions over atoms; equal ones are one.
#[derive(Debug, Default)]
pub(super) struct Graph {
    pub(super) atoms: Vec<Atom>,
    pub(super) nodes: Vec<Node>,
    /// What asking a node costs at worst, about in nanoseconds.
    costs: Vec<u32>,
    places: HashMap<Node, NodeAt>,
    known: HashMap<(u16, Question), NodeAt>,
}

/// A rule's detection on its way into the graph. `slots` are its fields' places; `anywhere` is that of the record.
pub(super) struct Source<'r> {
    pub(super) rule: u32,
    pub(super) detection: &'r Detection,
    pub(super) slots: Vec<u16>,
    pub(super) anywhere: u16,
}

impl Graph {
    /// Takes in a detection; its condition's place.
    pub(super) fn detection(&mut self, source: &Source<'_>) -> NodeAt {
        let searches: Vec<NodeAt> = (0..source.detection.searches.len())
            .map(|search| {
                let alternatives = source.detection.searches[search].any.iter().enumerate();
                let any = alternatives
                    .map(|(alternative, items)| {
                        let items = items.iter().enumerate();
                        let all = items
                            .map(|(at, item)| self.item(source, item, (search, alternative, at)))
                            .collect();
                        self.all(all)
                    })
                    .collect();
                self.any(any)
            })
            .collect();
        self.condition(&source.detection.condition, &searches)
    }

    fn condition(&mut self, condition: &Condition, searches: &[NodeAt]) -> NodeAt {
        match condition {
            Condition::Search(at) => searches[*at],
            Condition::Not(inner) => {
                let inner = self.condition(inner, searches);
                self.put(Node::Not([inner]))
            }
            Condition::All(parts) => {
                let parts = parts.iter().map(|part| self.condition(part, searches)).collect();
                self.all(parts)
            }
            Condition::Any(parts) => {
                let parts = parts.iter().map(|part| self.condition(part, searches)).collect();
                self.any(parts)
            }
            Condition::AtLeast(wanted, chosen) => {
                let parts: Vec<NodeAt> = chosen.iter().map(|at| searches[*at]).collect();
                match *wanted {
                    1 => self.any(parts),
                    all if all == parts.len() => self.all(parts),
                    wanted => self.put(Node::AtLeast(wanted, parts.into())),
                }
            }
        }
    }

    fn item(&mut self, source: &Source<'_>, item: &Item, at: (usize, usize, usize)) -> NodeAt {
        let Item { field, test } = item;
        self.test(source, field.map(|field| source.slots[field]), test, at)
    }

    fn test(
        &mut self,
        source: &Source<'_>,
        slot: Option<u16>,
        test: &Test,
        at: (usize, usize, usize),
    ) -> NodeAt {
        match test {
            Test::Exists(wanted) => {
                let there = self.there(slot);
                if *wanted { there } else { self.put(Node::Not([there])) }
            }
            Test::Values { all, patterns } => {
                let about = slot.unwrap_or(source.anywhere);
                let one = |graph: &mut Graph, (wanted, _): &(Wanted, String)| match wanted {
                    Wanted::Null => graph.null(slot),
                    Wanted::Pattern(pattern) => graph.pattern(about, pattern),
                };
                if let Some(texts) = choice(patterns).filter(|_| !*all) {
                    let needs = vec![texts.iter().map(|text| Witness::Text(about, text.clone())).collect()];
                    let mut parts = vec![self.atom(Atom { slot: about, ask: Ask::Choice(texts), needs })];
                    let others = patterns.iter().filter(|(wanted, _)| Literal::deciding(wanted).is_none());
                    parts.extend(others.map(|pattern| one(self, pattern)));
                    return self.any(parts);
                }
                let parts = patterns.iter().map(|pattern| one(self, pattern)).collect();
                if *all { self.all(parts) } else { self.any(parts) }
            }
            Test::Fields { .. } => {
                let (search, alternative, item) = at;
                let ask = Ask::Item { rule: source.rule, search, alternative, item };
                let slot = slot.unwrap_or(source.anywhere);
                self.atom(Atom { slot, ask, needs: vec![vec![Witness::Present(slot)]] })
            }
            // The item itself is asked, not this inner part, so only plain patterns go below.
            Test::Not(inner) if matches!(**inner, Test::Values { .. }) => {
                let there = self.there(slot);
                let inner = self.test(source, slot, inner, at);
                let not = self.put(Node::Not([inner]));
                self.all(vec![there, not])
            }
            Test::Not(_) => {
                let (search, alternative, item) = at;
                let ask = Ask::Item { rule: source.rule, search, alternative, item };
                self.atom(Atom { slot: slot.unwrap_or(source.anywhere), ask, needs: Vec::new() })
            }
        }
    }

    /// Whether the field is there; the record as a whole is no field.
    fn there(&mut self, slot: Option<u16>) -> NodeAt {
        self.bare(slot, Question::There, Ask::There)
    }

    /// Whether the field is null; the record as a whole is no field.
    fn null(&mut self, slot: Option<u16>) -> NodeAt {
        self.bare(slot, Question::Null, Ask::Null)
    }

    fn bare(&mut self, slot: Option<u16>, question: Question, ask: Ask) -> NodeAt {
        let Some(slot) = slot else { return self.put(Node::Any(Box::default())) };
        if let Some(known) = self.known.get(&(slot, question.clone())) {
            return *known;
        }
        let node = self.atom(Atom { slot, ask, needs: Vec::new() });
        self.known.insert((slot, question), node);
        node
    }

    /// A pattern asked of a slot.
    pub(super) fn pattern(&mut self, slot: u16, pattern: &Pattern) -> NodeAt {
        let anywhere = |text: String| {
            let place = crate::sigma::pattern::Place::Anywhere.into();
            Witness::Text(slot, Literal { text: text.into(), place })
        };
        if let Pattern::Any(patterns) = pattern {
            let parts = patterns.iter().map(|pattern| self.pattern(slot, pattern)).collect();
            return self.any(parts);
        }
        let needs = match Need::of(pattern) {
            Need::Text(text, place) => {
                let literal = Literal { text: text.into(), place: place.into() };
                let question = (slot, Question::Text(literal.clone()));
                if let Some(known) = self.known.get(&question) {
                    return *known;
                }
                let needs = vec![vec![Witness::Text(slot, literal.clone())]];
                let node = self.atom(Atom { slot, ask: Ask::Text(literal), needs });
                self.known.insert(question, node);
                return node;
            }
            Need::AnyOfEach(sets) => {
                sets.into_iter().map(|texts| texts.into_iter().map(anywhere).collect()).collect()
            }
            Need::Number(number) => vec![vec![Witness::Number(slot, number_key(number))]],
            Need::Value => vec![vec![Witness::Present(slot)]],
        };
        self.atom(Atom { slot, ask: Ask::Pattern(pattern.clone()), needs })
    }

    fn atom(&mut self, atom: Atom) -> NodeAt {
        let at = u32::try_from(self.atoms.len()).unwrap_or(u32::MAX);
        self.atoms.push(atom);
        self.put(Node::Atom(at))
    }

    pub(super) fn all(&mut self, parts: Vec<NodeAt>) -> NodeAt {
        self.join(parts, Node::All)
    }

    pub(super) fn any(&mut self, parts: Vec<NodeAt>) -> NodeAt {
        self.join(parts, Node::Any)
    }

    /// The cheapest part is asked first.
    fn join(&mut self, mut parts: Vec<NodeAt>, join: fn(Box<[NodeAt]>) -> Node) -> NodeAt {
        if let [one] = parts[..] {
            return one;
        }
        parts.sort_by_key(|part| (self.costs[*part as usize], *part));
        parts.dedup();
        self.put(join(parts.into()))
    }

    fn put(&mut self, node: Node) -> NodeAt {
        if let Some(known) = self.places.get(&node) {
            return *known;
        }
        let sum = |parts: &[NodeAt]| {
            parts.iter().fold(1u32, |sum, part| sum.saturating_add(self.costs[*part as usize]))
        };
        let cost = match &node {
            Node::Atom(atom) => match &self.atoms[*atom as usize].ask {
                Ask::There | Ask::Null => 5,
                Ask::Text(literal) => literal.cost(),
                Ask::Choice(_) => 100,
                Ask::Pattern(Pattern::Regex(_)) => 500,
                Ask::Pattern(_) => 60,
                Ask::Item { .. } => 300,
            },
            Node::Not([inner]) => self.costs[*inner as usize],
            Node::All(parts) | Node::Any(parts) | Node::AtLeast(_, parts) => sum(parts),
        };
        let at = u32::try_from(self.nodes.len()).unwrap_or(u32::MAX);
        self.nodes.push(node.clone());
        self.costs.push(cost);
        self.places.insert(node, at);
        at
    }

    /// For each node the slot that it is about, if it is about one alone.
    pub(super) fn slots(&self) -> Vec<Option<u16>> {
        let mut found: Vec<Option<u16>> = Vec::with_capacity(self.nodes.len());
        for node in &self.nodes {
            // Parts stand before what they are part of.
            let slot = match node {
                Node::Atom(at) => {
                    let atom = &self.atoms[*at as usize];
                    (!matches!(atom.ask, Ask::Item { .. })).then_some(atom.slot)
                }
                _ => {
                    let first = node.parts().first().and_then(|part| found[*part as usize]);
                    first.filter(|_| node.parts().iter().all(|part| found[*part as usize] == first))
                }
            };
            found.push(slot);
        }
        found
    }

    /// Puts the parts of each condition into the order in which they decide it soonest. `shares` says of each node in what
    /// part of the records it held.
    pub(super) fn order(&mut self, shares: &[f64]) {
        let mut costs: Vec<f64> = self.costs.iter().map(|cost| f64::from(*cost)).collect();
        // Parts stand before what they are part of.
        for (at, node) in self.nodes.iter_mut().enumerate() {
            let share = |part: NodeAt| shares.get(part as usize).copied().unwrap_or(0.5);
            let decides = |part: NodeAt, by: bool| if by { share(part) } else { 1.0 - share(part) };
            match node {
                Node::Not([inner]) => costs[at] = costs[*inner as usize],
                Node::All(parts) => costs[at] = soonest(parts, &costs, |part| decides(part, false)),
                Node::Any(parts) => costs[at] = soonest(parts, &costs, |part| decides(part, true)),
                Node::Atom(_) | Node::AtLeast(..) => {}
            }
        }
    }

    /// Forgets what only building needs.
    pub(super) fn finish(&mut self) {
        self.places = HashMap::new();
        self.known = HashMap::new();
    }

    /// The cheapest set of witnesses of which one shows whenever the node is true (`wanted`) or false. `None` if
    /// there is none.
    pub(super) fn witnesses(
        &self,
        node: NodeAt,
        wanted: bool,
        often: &impl Fn(&Witness) -> f64,
    ) -> Option<(f64, Vec<Witness>)> {
        let union = |parts: &[NodeAt], wanted: bool| {
            let mut found = (0.0, Vec::new());
            for part in parts {
                let (cost, mut witnesses) = self.witnesses(*part, wanted, often)?;
                found.0 += cost;
                found.1.append(&mut witnesses);
            }
            Some(found)
        };
        let cheapest = |parts: &[NodeAt], wanted: bool| {
            let each = parts.iter().filter_map(|part| self.witnesses(*part, wanted, often));
            each.min_by(|a, b| a.0.total_cmp(&b.0).then(a.1.len().cmp(&b.1.len())))
        };
        match &self.nodes[node as usize] {
            Node::Atom(at) if wanted => {
                let sets = self.atoms[*at as usize].needs.iter();
                let costs = sets.map(|set| (set.iter().map(often).sum::<f64>(), set));
                let best = costs.min_by(|a, b| a.0.total_cmp(&b.0).then(a.1.len().cmp(&b.1.len())));
                best.map(|(cost, set)| (cost, set.clone()))
            }
            Node::Atom(_) => None,
            Node::Not([inner]) => self.witnesses(*inner, !wanted, often),
            Node::All(parts) if wanted => cheapest(parts, true),
            Node::Any(parts) if wanted => union(parts, true),
            Node::All(parts) => union(parts, false),
            Node::Any(parts) => cheapest(parts, false),
            // Of n parts at least k hold: of any n-k+1 one does.
            Node::AtLeast(least, parts) if wanted => {
                let mut each: Vec<(f64, Vec<Witness>)> =
                    parts.iter().filter_map(|part| self.witnesses(*part, true, often)).collect();
                let enough = parts.len() + 1 - least.min(&parts.len());
                each.sort_by(|a, b| a.0.total_cmp(&b.0));
                each.truncate(enough);
                (each.len() == enough).then(|| {
                    each.into_iter().fold((0.0, Vec::new()), |mut sum, (cost, mut witnesses)| {
                        sum.0 += cost;
                        sum.1.append(&mut witnesses);
                        sum
                    })
                })
            }
            Node::AtLeast(..) => None,
        }
    }
}

/// The texts of a list of patterns; `None`: they are few.
fn choice(patterns: &[(Wanted, String)]) -> Option<Box<[Literal]>> {
    if patterns.len() < CHOICE_MIN {
        return None;
    }
    let mut known: HashSet<Literal> = HashSet::new();
    let texts = patterns.iter().filter_map(|(wanted, _)| Literal::deciding(wanted));
    let texts: Box<[Literal]> = texts.filter(|text| known.insert(text.clone())).collect();
    (texts.len() >= CHOICE_MIN).then_some(texts)
}

/// Sorts the parts by what each costs for how often it decides; what all together cost then, about.
fn soonest(parts: &mut [NodeAt], costs: &[f64], decides: impl Fn(NodeAt) -> f64) -> f64 {
    let rank = |part: &NodeAt| costs[*part as usize] / (decides(*part) + 0.001);
    parts.sort_by(|a, b| rank(a).total_cmp(&rank(b)).then(a.cmp(b)));
    let (mut cost, mut reached) = (1.0, 1.0);
    for part in parts {
        cost += reached * costs[*part as usize];
        reached *= 1.0 - decides(*part);
    }
    cost
}

impl Literal {
    fn cost(&self) -> u32 {
        use super::index::LiteralPlace;
        match self.place {
            LiteralPlace::Anywhere => 40,
            _ => 10,
        }
    }
}

//! The tree of rules: who is whose child, in which order Wazuh asks them, and what an event must be to end at a rule.
//!
//! Wazuh asks a rule's children from the most silencing (level 0) to the least severe and stops at the first that
//! holds, so an event ends at one rule. Sigma knows no such order. Here a rule is: the conditions of every rule on the
//! way to it, its own, and *not* those of the siblings asked before it on that way, nor those of its children. Siblings
//! that cannot hold together (other values of one field) are left out of the *not*.

use super::expression::{Expression, condition};
use super::rule::Rule;
use super::source::Source;
use std::collections::{BTreeMap, HashMap};

/// How many ways from the roots to one rule are written out.
const WAYS_MAX: usize = 64;
/// How long a way may be.
const DEPTH_MAX: usize = 24;
/// How long the condition of one converted rule may be; the rule reader takes 8,192.
pub(super) const CONDITION_BYTES_MAX: usize = 8_000;
/// How many values one converted rule may have.
pub(super) const VALUES_MAX: usize = 2_000;

/// All rules, by their place.
pub(super) struct Tree {
    pub(super) rules: Vec<Rule>,
    by_id: HashMap<u32, usize>,
    /// A rule's parents.
    parents: Vec<Vec<usize>>,
    /// A rule's children, in the order in which Wazuh asks them.
    children: Vec<Vec<usize>>,
}

/// What an event must be to end at a rule, in one log source.
#[derive(Debug)]
pub(super) struct End {
    pub(super) source: Source,
    pub(super) expression: Expression,
}

/// Why a rule cannot be said in Sigma, and which element is to blame.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Refusal {
    pub(super) line: usize,
    pub(super) element: String,
    pub(super) reason: String,
}

/// A rule in every log source where it has a place.
#[derive(Debug, Default)]
pub(super) struct Ends {
    pub(super) list: Vec<End>,
    /// Rules that are missing in its *not*, because they cannot be said: it is also raised where they take the event.
    pub(super) left_out: Vec<u32>,
    /// Parents that cannot be said: by their way it is not raised.
    pub(super) lost: Vec<u32>,
}

impl Tree {
    /// Links the rules. A rule that overwrites another takes its place.
    pub(super) fn new(read: Vec<Rule>) -> (Tree, Vec<(Rule, Refusal)>) {
        let mut tree =
            Tree { rules: Vec::new(), by_id: HashMap::new(), parents: Vec::new(), children: Vec::new() };
        let mut refused = Vec::new();
        for mut rule in read {
            match tree.by_id.get(&rule.id) {
                Some(at) if rule.overwrites => {
                    // The place in the tree stays that of the rule before.
                    if let Some(known) = tree.rules.get_mut(*at) {
                        if rule.if_sid.is_empty() && rule.if_group.is_empty() {
                            rule.if_sid.clone_from(&known.if_sid);
                            rule.if_group.clone_from(&known.if_group);
                        }
                        *known = rule;
                    }
                }
                Some(_) => {
                    let refusal = Refusal {
                        line: rule.line,
                        element: "id".to_owned(),
                        reason: format!("rule {} stands twice: the first is taken", rule.id),
                    };
                    refused.push((rule, refusal));
                }
                None => {
                    tree.by_id.insert(rule.id, tree.rules.len());
                    tree.rules.push(rule);
                }
            }
        }
        tree.link();
        (tree, refused)
    }

    fn link(&mut self) {
        let mut members: HashMap<&str, Vec<usize>> = HashMap::new();
        for (at, rule) in self.rules.iter().enumerate() {
            rule.groups.iter().for_each(|group| members.entry(group).or_default().push(at));
        }
        let mut parents: Vec<Vec<usize>> = Vec::with_capacity(self.rules.len());
        for (at, rule) in self.rules.iter().enumerate() {
            let sids = rule.if_sid.iter().filter_map(|id| self.by_id.get(id));
            let grouped = rule.if_group.iter().filter_map(|group| members.get(group.as_str())).flatten();
            let mut found: Vec<usize> = sids.chain(grouped).copied().filter(|parent| *parent != at).collect();
            // A rule that only counts hangs below what it counts.
            if let Some(window) = &rule.window
                && rule.if_sid.is_empty()
                && rule.if_group.is_empty()
            {
                found.extend(window.sids.iter().filter_map(|id| self.by_id.get(id)));
                let grouped = window.groups.iter().filter_map(|group| members.get(group.as_str())).flatten();
                found.extend(grouped.filter(|parent| **parent != at));
            }
            found.sort_unstable();
            found.dedup();
            parents.push(found);
        }
        let mut children = vec![Vec::new(); self.rules.len()];
        for (at, list) in parents.iter().enumerate() {
            for parent in list {
                children[*parent].push(at);
            }
        }
        let rank =
            |at: &usize| self.rules.get(*at).map_or(0, |rule| if rule.level == 0 { 99 } else { rule.level });
        children.iter_mut().for_each(|list| list.sort_by_key(|at| std::cmp::Reverse(rank(at))));
        (self.parents, self.children) = (parents, children);
    }

    pub(super) fn place(&self, id: u32) -> Option<usize> {
        self.by_id.get(&id).copied()
    }

    /// What an event must be to end at the rule, for each log source.
    pub(super) fn ends(&self, at: usize) -> Result<Ends, Refusal> {
        let rule = &self.rules[at];
        self.sound(at)?;
        let mut by_source: BTreeMap<String, (Source, Vec<Expression>)> = BTreeMap::new();
        let mut left_out = Vec::new();
        let (ways, lost) = self.ways(at)?;
        for way in ways {
            let source = self.source(&way);
            let expression = self.along(&way, &source, &mut left_out)?;
            by_source.entry(source.name()).or_insert_with(|| (source, Vec::new())).1.push(expression);
        }
        let list: Vec<End> = by_source
            .into_values()
            .map(|(source, ways)| End { source, expression: Expression::any(ways) })
            .collect();
        let size: usize = list.iter().map(|end| end.expression.size()).sum();
        if size > VALUES_MAX {
            return Err(rule
                .refusal("rule", format!("it would have {size} values, at most {VALUES_MAX} are written")));
        }
        if list.iter().any(|end| condition(&end.expression).len() > CONDITION_BYTES_MAX) {
            let reason = format!("its condition would be longer than {CONDITION_BYTES_MAX} bytes");
            return Err(rule.refusal("rule", reason));
        }
        left_out.sort_unstable();
        left_out.dedup();
        Ok(Ends { list, left_out, lost })
    }

    /// Whether the rule itself can be said and its parents are there.
    pub(super) fn sound(&self, at: usize) -> Result<(), Refusal> {
        let rule = &self.rules[at];
        if let Some(problem) = rule.problems.first() {
            return Err(Refusal {
                line: problem.line,
                element: problem.element.clone(),
                reason: problem.reason.clone(),
            });
        }
        if let Some(id) = rule.if_sid.iter().find(|id| !self.by_id.contains_key(id)) {
            let reason = format!("rule {id} is in none of the files: give Wazuh's own rules too");
            return Err(rule.refusal("if_sid", reason));
        }
        if !rule.if_group.is_empty() && self.parents[at].is_empty() {
            return Err(
                rule.refusal("if_group", "no rule of the files is in the group: give Wazuh's own rules too")
            );
        }
        Ok(())
    }

    /// The ways from the roots to the rule, each from root to rule; and the parents whose way cannot be said.
    fn ways(&self, at: usize) -> Result<(Vec<Vec<usize>>, Vec<u32>), Refusal> {
        let rule = &self.rules[at];
        let mut done: Vec<Vec<usize>> = Vec::new();
        let mut lost: Vec<u32> = Vec::new();
        let mut why = rule.refusal("if_sid", "the rules above it form a circle");
        let mut open = vec![vec![at]];
        while let Some(way) = open.pop() {
            let top = way.last().copied().unwrap_or(at);
            if let Some(refusal) = self.blocked(&way, top) {
                lost.push(self.rules[top].id);
                why = rule.refusal("if_sid", refusal);
                continue;
            }
            let parents = &self.parents[top];
            if parents.is_empty() {
                done.push(way.into_iter().rev().collect());
            } else {
                for parent in parents.iter().filter(|parent| !way.contains(parent)) {
                    let mut longer = way.clone();
                    longer.push(*parent);
                    open.push(longer);
                }
            }
            if open.len() + done.len() + lost.len() > WAYS_MAX {
                return Err(rule.refusal("if_sid", format!("it is reached on more than {WAYS_MAX} ways")));
            }
        }
        if done.is_empty() {
            return Err(why);
        }
        done.reverse();
        lost.sort_unstable();
        lost.dedup();
        Ok((done, lost))
    }

    /// Why a way cannot go through the rule at its top.
    fn blocked(&self, way: &[usize], top: usize) -> Option<String> {
        if way.len() > DEPTH_MAX {
            return Some(format!("more than {DEPTH_MAX} rules stand above it"));
        }
        if way.len() == 1 {
            return None;
        }
        let parent = &self.rules[top];
        if !parent.is_single() {
            let id = parent.id;
            return Some(format!(
                "its parent {id} counts events; a condition on what was counted has no equal"
            ));
        }
        let why = self.sound(top).err()?;
        Some(format!("its parent {} is not converted: <{}> {}", parent.id, why.element, why.reason))
    }

    /// The log source of a way: that of the last rule that names one.
    fn source(&self, way: &[usize]) -> Source {
        let named = way.iter().rev().find_map(|at| {
            let rule = &self.rules[*at];
            let decoder = rule.decoder.as_deref().map(Source::of_decoder);
            decoder.or_else(|| rule.category.as_deref().map(Source::of_category))
        });
        named.unwrap_or_default()
    }

    /// The conditions along a way, without those who take the event from it.
    fn along(&self, way: &[usize], source: &Source, left_out: &mut Vec<u32>) -> Result<Expression, Refusal> {
        let rule = way.last().map(|at| &self.rules[*at]);
        let refused = |why: Refusal| rule.map_or(why.clone(), |rule| rule.refusal(&why.element, why.reason));
        let mut parts = vec![Expression::written_by(source.programs())];
        for at in way {
            parts.push(
                self.own(*at, source)
                    .map_err(|why| if Some(*at) == way.last().copied() { why } else { refused(why) })?,
            );
        }
        let held = Expression::all(parts);
        let mut takers: Vec<usize> = Vec::new();
        for step in way.windows(2) {
            let siblings = &self.children[step[0]];
            takers.extend(siblings.iter().take_while(|sibling| **sibling != step[1]));
        }
        if let Some(last) = way.last() {
            takers.extend(&self.children[*last]);
        }
        let mut taken = Vec::new();
        // What counts events takes one of them only now and then; Sigma cannot say when.
        for taker in takers.into_iter().filter(|taker| self.rules[*taker].is_single() && !way.contains(taker))
        {
            // A rule of another decoder cannot take an event of this log source.
            if self.is_elsewhere(taker, source) {
                continue;
            }
            match self.sound(taker).and_then(|()| self.own(taker, source)) {
                Ok(own) if own.excludes(&held) => {}
                Ok(Expression::Always) => {
                    let reason = format!(
                        "rule {} is asked before it and takes every event: Wazuh never raises it",
                        self.rules[taker].id
                    );
                    return Err(rule.map_or_else(Refusal::default, |rule| rule.refusal("rule", reason)));
                }
                Ok(own) => taken.push(own),
                Err(_) => left_out.push(self.rules[taker].id),
            }
        }
        if taken.is_empty() {
            return Ok(held);
        }
        Ok(Expression::all([held, Expression::not(Expression::any(taken))]))
    }

    fn is_elsewhere(&self, at: usize, source: &Source) -> bool {
        let decoder = self.rules[at].decoder.as_deref();
        decoder.is_some_and(|decoder| Source::of_decoder(decoder).name() != source.name())
    }

    /// The rule's own tests.
    fn own(&self, at: usize, source: &Source) -> Result<Expression, Refusal> {
        let rule = &self.rules[at];
        let mut parts = Vec::with_capacity(rule.tests.len());
        for test in &rule.tests {
            let part = Expression::of(test, source).map_err(|reason| Refusal {
                line: test.line,
                element: test.field.clone(),
                reason,
            })?;
            parts.push(part);
        }
        Ok(Expression::all(parts))
    }
}

impl Rule {
    pub(super) fn refusal(&self, element: &str, reason: impl Into<String>) -> Refusal {
        Refusal { line: self.line, element: element.to_owned(), reason: reason.into() }
    }
}

//! Which rules can be true at all: is there a pipeline for the log source, an event of it, and a field for each test?
//!
//! A rule that nothing can fill is silent for ever, and nobody would notice. Whether a condition can hold is asked of
//! its tests: one on a field that no event has cannot hold, but `not` of it, `null` and "does not exist" can.

use crate::record::{FieldRef, Record, Target};
use crate::ruleset::{DetectionRule, RuleSet};
use crate::sigma::condition::Condition;
use crate::sigma::detection::{Item, Test, Wanted};
use crate::sigma::meta::{Meta, RuleKind};
use event::{Event, Field};
use std::collections::{BTreeSet, HashSet};

/// What is said of a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cover {
    /// It can be true.
    Live,
    /// No pipeline knows its log source.
    NoPipeline,
    /// No event of its log source was seen.
    NoEvent,
    /// Nothing fills these fields, without which it cannot be true.
    NoField(Vec<String>),
}

/// What events have been seen to hold, by log source.
#[derive(Debug)]
pub struct Seen {
    /// For each condition of the rule set, the names of the fields of its events; `None` until there is one.
    names: Vec<Option<HashSet<String>>>,
    /// Whether a vendor's namespace that was seen stands for every name in it.
    whole_namespaces: bool,
    /// Which conditions hold of the event at hand.
    holds: Vec<bool>,
}

impl Seen {
    /// Nothing seen yet. With `whole_namespaces`, one vendor field stands for all of its namespace, because a parser
    /// that keeps whatever the vendor sends can fill a name that no sample line happens to have.
    #[must_use]
    pub fn new(rules: &RuleSet, whole_namespaces: bool) -> Seen {
        Seen { names: vec![None; rules.whens.len()], whole_namespaces, holds: Vec::new() }
    }

    /// Takes note of an event.
    pub fn note(&mut self, rules: &RuleSet, event: &Event) {
        rules.sources_of(Record::Event(event), &mut self.holds);
        for (at, _) in self.holds.iter().enumerate().filter(|(_, holds)| **holds) {
            let Some(names) = self.names.get_mut(at) else { continue };
            let names = names.get_or_insert_with(|| HashSet::from([Field::EVENT_ORIGINAL.name().to_owned()]));
            for (field, _) in event.fields() {
                if !names.contains(field.name()) {
                    names.insert(field.name().to_owned());
                }
            }
            for extra in event.extras() {
                names.insert(format!("{}.{}", extra.namespace, extra.key));
                if self.whole_namespaces {
                    names.insert(format!("{}.*", extra.namespace));
                }
            }
        }
    }

    fn fills(&self, rule: &DetectionRule, field: &FieldRef) -> bool {
        let mut seen = rule.when.iter().filter_map(|at| self.names.get(*at)?.as_ref());
        seen.any(|names| {
            field.targets.iter().any(|target| {
                names.contains(target.name())
                    || matches!(target, Target::Extra(name) if namespaces(name).any(|space| names.contains(&space)))
            })
        })
    }
}

/// `a.b.c` to `a.b.*` and `a.*`.
fn namespaces(name: &str) -> impl Iterator<Item = String> {
    name.rmatch_indices('.').map(|(at, _)| format!("{}.*", &name[..at]))
}

impl RuleSet {
    /// Every rule and whether it can be true, given what was seen.
    pub fn coverage<'a>(&'a self, seen: &'a Seen) -> impl Iterator<Item = (&'a Meta, Cover)> {
        let single = self.detections.iter().map(|rule| (&rule.meta, cover(rule, seen)));
        single.chain(self.correlations.iter().map(|rule| {
            let at = self.correlations.iter().position(|other| std::ptr::eq(other, rule)).unwrap_or(0);
            (&rule.meta, self.correlation_cover(at, seen))
        }))
    }

    /// A correlation can be true if every rule that it counts can.
    fn correlation_cover(&self, at: usize, seen: &Seen) -> Cover {
        let feeds = |feeds: &[(usize, usize)]| feeds.iter().any(|(fed, _)| *fed == at);
        for (below, _) in self.correlations.iter().enumerate().filter(|(_, rule)| feeds(&rule.feeds)) {
            match self.correlation_cover(below, seen) {
                Cover::Live => {}
                other => return other,
            }
        }
        let parts = self.detections.iter().filter(|rule| feeds(&rule.feeds));
        let mut missing = BTreeSet::new();
        for rule in parts {
            match cover(rule, seen) {
                Cover::Live => {
                    let carried = rule.carried.iter().map(|(_, field)| field);
                    missing.extend(carried.filter(|field| !seen.fills(rule, field)).map(|f| f.name.clone()));
                }
                other => return other,
            }
        }
        if missing.is_empty() { Cover::Live } else { Cover::NoField(missing.into_iter().collect()) }
    }

    /// Whether the rule is one that only correlations see.
    #[must_use]
    pub fn is_silent(&self, meta: &Meta) -> bool {
        meta.kind == RuleKind::Detection && self.detection(&meta.id).is_some_and(|rule| rule.silenced)
    }
}

fn cover(rule: &DetectionRule, seen: &Seen) -> Cover {
    if rule.when.is_empty() {
        return Cover::NoPipeline;
    }
    if rule.when.iter().all(|at| seen.names.get(*at).is_none_or(Option::is_none)) {
        return Cover::NoEvent;
    }
    if can_hold(&rule.detection.condition, rule, seen) {
        return Cover::Live;
    }
    let missing = rule.fields.iter().filter(|field| !seen.fills(rule, field));
    Cover::NoField(missing.map(|field| field.name.clone()).collect())
}

fn can_hold(condition: &Condition, rule: &DetectionRule, seen: &Seen) -> bool {
    let search = |at: usize| {
        let any = rule.detection.searches.get(at).map_or(&[][..], |search| &search.any);
        any.iter().any(|items| items.iter().all(|item| item_can_hold(item, rule, seen)))
    };
    match condition {
        Condition::Search(at) => search(*at),
        Condition::Not(_) => true,
        Condition::All(parts) => parts.iter().all(|part| can_hold(part, rule, seen)),
        Condition::Any(parts) => parts.iter().any(|part| can_hold(part, rule, seen)),
        Condition::AtLeast(wanted, searches) => searches.iter().filter(|at| search(**at)).count() >= *wanted,
    }
}

fn item_can_hold(item: &Item, rule: &DetectionRule, seen: &Seen) -> bool {
    // Keywords are looked for everywhere.
    let Some(field) = item.field.and_then(|at| rule.fields.get(at)) else { return true };
    seen.fills(rule, field)
        || match &item.test {
            Test::Exists(wanted) => !wanted,
            Test::Values { all, patterns } => {
                let null = |(wanted, _): &(Wanted, String)| matches!(wanted, Wanted::Null);
                if *all { patterns.iter().all(null) } else { patterns.iter().any(null) }
            }
            Test::Fields { .. } | Test::Not(_) => false,
        }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::RuleFile;
    use event::{EventId, Time, Value};

    const RULES: &str = "pipeline: p
logsources:
  - product: fire
    service: wall
    when: {event.dataset: fire.wall}
    otherwise: fire
---
title: rule
id: 00000000-0000-0000-0000-000000000001
logsource: {product: PRODUCT}
detection:
    a: {ITEM}
    b: {absent: x}
    condition: CONDITION
";

    fn of(product: &str, item: &str, condition: &str, whole: bool) -> Cover {
        let text = RULES.replace("PRODUCT", product).replace("ITEM", item).replace("CONDITION", condition);
        let rules = RuleSet::compile(&[RuleFile { path: "rules.yml".to_owned(), text }]).unwrap();
        let mut event = Event::stored(EventId::new(Time(0), 0, 1), "");
        event.set(Field::EVENT_DATASET, Value::Text("fire.wall"));
        event.set_extra("fire", "seen", Value::Text("1"));
        let mut seen = Seen::new(&rules, whole);
        seen.note(&rules, &event);
        rules.coverage(&seen).next().unwrap().1
    }

    #[test]
    fn a_rule_is_live_only_if_its_condition_can_hold_of_what_was_seen() {
        let missing = |names: &[&str]| Cover::NoField(names.iter().map(|name| (*name).to_owned()).collect());
        assert_eq!(of("fire", "seen: 1", "a", false), Cover::Live);
        assert_eq!(of("fire", "seen: 1", "a and not b", false), Cover::Live);
        assert_eq!(of("fire", "seen: 1", "a or b", false), Cover::Live);
        assert_eq!(of("fire", "seen: 1", "a and b", false), missing(&["absent"]));
        assert_eq!(of("fire", "other: 1", "a", false), missing(&["other", "absent"]));
        assert_eq!(of("fire", "other: null", "a", false), Cover::Live);
        assert_eq!(of("fire", "other: 1", "a", true), Cover::Live);
        assert_eq!(of("water", "seen: 1", "a", false), Cover::NoPipeline);
    }
}

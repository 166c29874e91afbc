//! Log sources and field pipelines: which of our events a rule is about, and what Sigma's field names are called there.
//!
//! A pipeline is a YAML document with the key `pipeline`:
//!
//! ```yaml
//! pipeline: fortigate
//! fields:                       # names for every log source of this document
//!   srcip: source.ip
//! logsources:
//!   - product: fortigate        # product, category, service: those that are given
//!     service: traffic
//!     when:                     # one map or a list of maps: any of them; within one, every field
//!       event.dataset: fortinet_fortigate.log
//!     fields:                   # names for this log source only; a list means any of them
//!       dst: [destination.ip, destination.domain]
//!     otherwise: fortinet.firewall   # every other name is looked for in this vendor namespace
//! ```
//!
//! A rule is about every log source of every pipeline that has all that the rule's `logsource` names: `category: dns`
//! reaches each product's DNS log, `product: zeek` every Zeek log. A rule that reaches none is never true on our events
//! and is listed by `RuleSet::unmapped`.

use super::detection::Problem;
use super::pattern::{Glob, Place};
use crate::record::{Record, Target};
use crate::yaml::{Entry, Node};
use std::collections::HashMap;

/// Sigma's `logsource`. Its values are lower case; further keys say things to people.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct LogSource {
    pub(crate) product: Option<String>,
    pub(crate) category: Option<String>,
    pub(crate) service: Option<String>,
}

impl LogSource {
    pub(crate) fn parse(node: &Node, key: &str, problems: &mut Vec<Problem>) -> LogSource {
        let before = problems.len();
        let mut text = |name: &str| {
            let value = node.get(name).filter(|value| !value.is_null())?;
            let found = value.text().map(str::to_lowercase);
            if found.is_none() {
                problems.push(Problem::new(value.line, format!("{key}.{name}"), "must be text"));
            }
            found
        };
        let found =
            LogSource { product: text("product"), category: text("category"), service: text("service") };
        if node.map().is_none() || (found == LogSource::default() && problems.len() == before) {
            problems.push(Problem::new(node.line, key, "names neither product, category nor service"));
        }
        found
    }

    /// Whether `other` has all that this one names.
    pub(crate) fn covers(&self, other: &LogSource) -> bool {
        let pairs = [
            (&self.product, &other.product),
            (&self.category, &other.category),
            (&self.service, &other.service),
        ];
        pairs.iter().all(|(wanted, found)| wanted.is_none() || wanted == found)
    }
}

/// A condition on our events: every field has one of its values.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct When(Vec<(Target, Vec<Glob>)>);

impl When {
    /// The fields and what one of each one's values must fit.
    pub(crate) fn tests(&self) -> &[(Target, Vec<Glob>)] {
        &self.0
    }

    /// Whether the condition holds, as the reference evaluator says.
    pub(crate) fn holds(&self, record: &Record<'_>) -> bool {
        self.0.iter().all(|(target, globs)| {
            record.any_of(std::slice::from_ref(target), |value| {
                let text = value.to_text();
                globs.iter().any(|glob| glob.holds(&text))
            })
        })
    }

    fn parse(node: &Node, problems: &mut Vec<Problem>) -> Option<When> {
        let entries = node.map().filter(|entries| !entries.is_empty());
        let tests: Option<Vec<(Target, Vec<Glob>)>> = entries.and_then(|entries| {
            let test = |entry: &Entry| {
                let texts = entry.value.texts().filter(|texts| !texts.is_empty())?;
                let globs = texts.iter().map(|text| Glob::parse(text, Place::Whole, false)).collect();
                Some((Target::named(&entry.key), globs))
            };
            entries.iter().map(test).collect()
        });
        if tests.is_none() {
            let text = "must be a map, or a list of maps, from our fields to values";
            problems.push(Problem::new(node.line, "when", text));
        }
        tests.map(When)
    }
}

#[derive(Debug)]
struct Route {
    source: LogSource,
    when: Vec<When>,
    fields: HashMap<String, Vec<Target>>,
    otherwise: Option<String>,
}

/// What the pipelines know.
#[derive(Debug, Default)]
pub(crate) struct Pipelines {
    routes: Vec<Route>,
}

/// Where a rule's log source leads.
pub(crate) struct Routed<'a> {
    routes: Vec<&'a Route>,
}

impl Pipelines {
    /// Takes in one document with the key `pipeline`.
    pub(crate) fn add(&mut self, node: &Node, problems: &mut Vec<Problem>) {
        only(node, &["pipeline", "description", "fields", "logsources"], problems);
        let shared = names(node.get("fields"), problems);
        let Some(sources) = node.get("logsources").and_then(Node::list) else {
            problems.push(Problem::new(node.line, "logsources", "must be a list"));
            return;
        };
        for source in sources {
            only(source, &["product", "category", "service", "when", "fields", "otherwise"], problems);
            let mut fields = names(source.get("fields"), problems);
            for (name, targets) in &shared {
                fields.entry(name.clone()).or_insert_with(|| targets.clone());
            }
            let when = match source.get("when") {
                Some(when) => when.each().iter().filter_map(|part| When::parse(part, problems)).collect(),
                None => {
                    problems.push(Problem::new(
                        source.line,
                        "when",
                        "is missing: which of our events are these",
                    ));
                    Vec::new()
                }
            };
            let otherwise = source.get("otherwise").and_then(Node::text).map(str::to_owned);
            let source = LogSource::parse(source, "logsources", problems);
            self.routes.push(Route { source, when, fields, otherwise });
        }
    }

    pub(crate) fn route(&self, source: &LogSource) -> Routed<'_> {
        Routed { routes: self.routes.iter().filter(|route| source.covers(&route.source)).collect() }
    }
}

impl Routed<'_> {
    /// The events that the rule is about; empty: none.
    pub(crate) fn when(&self) -> Vec<When> {
        let mut found: Vec<When> = Vec::new();
        for when in self.routes.iter().flat_map(|route| &route.when) {
            if !found.contains(when) {
                found.push(when.clone());
            }
        }
        found
    }

    /// What the rule's field is called on our events; empty if nothing is known.
    pub(crate) fn targets(&self, name: &str) -> Vec<Target> {
        let mut found: Vec<Target> = Vec::new();
        for route in &self.routes {
            let mapped = route.fields.get(name).cloned().unwrap_or_else(|| {
                if event::Field::by_name(name).is_some() || name.contains('.') {
                    vec![Target::named(name)]
                } else {
                    let namespace = route.otherwise.iter();
                    namespace.map(|space| Target::named(&format!("{space}.{name}"))).collect()
                }
            });
            for target in mapped {
                if !found.contains(&target) {
                    found.push(target);
                }
            }
        }
        found
    }
}

fn names(node: Option<&Node>, problems: &mut Vec<Problem>) -> HashMap<String, Vec<Target>> {
    let Some(node) = node.filter(|node| !node.is_null()) else { return HashMap::new() };
    let mut found = HashMap::new();
    for entry in node.map().unwrap_or_default() {
        match entry.value.texts() {
            Some(texts) => {
                found.insert(entry.key.clone(), texts.iter().map(|text| Target::named(text)).collect());
            }
            None => {
                problems.push(Problem::new(entry.line, &entry.key, "must be a field or a list of fields"));
            }
        }
    }
    if node.map().is_none() {
        problems.push(Problem::new(node.line, "fields", "must be a map from Sigma's names to our fields"));
    }
    found
}

fn only(node: &Node, known: &[&str], problems: &mut Vec<Problem>) {
    for entry in node.map().unwrap_or_default() {
        if !known.contains(&entry.key.as_str()) {
            let text = format!("is not a key of a pipeline: use {}", known.join(", "));
            problems.push(Problem::new(entry.line, &entry.key, text));
        }
    }
}

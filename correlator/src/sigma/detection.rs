//! A rule's `detection`: searches (maps, lists of maps, keywords), their items with modifiers, and the condition.

use super::condition::{self, Condition};
use super::modifier::{Modifiers, Operator};
use super::pattern::{Pattern, Place};
use super::placeholder::Placeholders;
use crate::yaml::{Entry, Kind, Node};

/// How many patterns one rule may have; a regular expression weighs as much as [`REGEX_WEIGHT`] others.
const PATTERNS_MAX: usize = 20_000;
const REGEX_WEIGHT: usize = 20;
/// How many searches, and how many fields, one rule may have: names are looked up in lists.
const NAMES_MAX: usize = 1_000;
/// How many conditions one rule may list.
const CONDITIONS_MAX: usize = 100;

/// A compiled `detection`. Fields are places in the list of names that the rule uses.
#[derive(Debug)]
pub(crate) struct Detection {
    pub(crate) searches: Vec<Search>,
    pub(crate) condition: Condition,
    /// Sigma's field names in order of first use.
    pub(crate) fields: Vec<String>,
}

/// Any of its alternatives.
#[derive(Debug)]
pub(crate) struct Search {
    pub(crate) any: Vec<Vec<Item>>,
}

/// One line of a search: a field (`None`: the whole event) and what must hold of its values.
#[derive(Debug)]
pub(crate) struct Item {
    pub(crate) field: Option<usize>,
    pub(crate) test: Test,
}

/// What must hold of a field's values.
#[derive(Debug)]
pub(crate) enum Test {
    /// Some value (`all`: for every pattern some value) meets a pattern. Beside each pattern, its text in the rule.
    Values { all: bool, patterns: Vec<(Wanted, String)> },
    /// The field is there, or is not.
    Exists(bool),
    /// Some value equals (stands in) some value of another field.
    Fields { all: bool, others: Vec<usize>, place: Place, cased: bool },
    /// The field is there (null is, too), and the inner test does not hold: `neq`.
    Not(Box<Test>),
}

/// A pattern, or null: the field is not there, or null itself. Empty text, list and object are not null.
#[derive(Debug)]
pub(crate) enum Wanted {
    Null,
    Pattern(Pattern),
}

/// A problem below a key.
#[derive(Debug, PartialEq)]
pub(crate) struct Problem {
    pub(crate) line: usize,
    pub(crate) key: String,
    pub(crate) message: String,
}

impl Problem {
    pub(crate) fn new(line: usize, key: impl Into<String>, message: impl Into<String>) -> Problem {
        Problem { line, key: key.into(), message: message.into() }
    }
}

impl Detection {
    /// Compiles the value of `section`: a rule's `detection`, or a filter's `filter`. Every problem goes into `problems`.
    pub(crate) fn parse(
        node: &Node,
        section: &str,
        placeholders: &Placeholders,
        problems: &mut Vec<Problem>,
    ) -> Option<Detection> {
        let Some(entries) = node.map() else {
            problems.push(Problem::new(node.line, section, "must be a map of searches and a `condition`"));
            return None;
        };
        let mut reader = Reader { fields: Vec::new(), patterns: 0, placeholders, problems };
        let before = reader.problems.len();
        let (mut names, mut searches) = (Vec::new(), Vec::new());
        for entry in entries.iter().filter(|entry| entry.key != "condition") {
            if entry.key == "rules" && section == "filter" {
                continue;
            }
            if entry.key == "timeframe" {
                let text = "is Sigma's old aggregation: write a correlation rule instead";
                reader.problem(entry.line, "timeframe", text);
                continue;
            }
            names.push(entry.key.clone());
            searches.push(reader.search(entry));
        }
        if reader.is_full() || names.len() > NAMES_MAX {
            let text = format!(
                "has more than {PATTERNS_MAX} patterns (a regular expression counts {REGEX_WEIGHT}), or {NAMES_MAX} \
                 searches or fields: split the rule"
            );
            reader.problem(node.line, section, text);
            return None;
        }
        let condition = reader.condition(node, section, &names);
        let fields = reader.fields;
        (problems.len() == before).then_some(())?;
        Some(Detection { searches, condition: condition?, fields })
    }
}

struct Reader<'p> {
    fields: Vec<String>,
    patterns: usize,
    placeholders: &'p Placeholders,
    problems: &'p mut Vec<Problem>,
}

impl Reader<'_> {
    fn problem(&mut self, line: usize, key: &str, message: impl Into<String>) {
        self.problems.push(Problem::new(line, key, message));
    }

    /// What comes behind a limit is not read any more: reading it is what the limit saves.
    fn is_full(&self) -> bool {
        self.patterns > PATTERNS_MAX || self.fields.len() > NAMES_MAX
    }

    fn field(&mut self, name: &str) -> usize {
        self.fields.iter().position(|known| known == name).unwrap_or_else(|| {
            self.fields.push(name.to_owned());
            self.fields.len() - 1
        })
    }

    /// A list of conditions means any of them.
    fn condition(&mut self, node: &Node, section: &str, names: &[String]) -> Option<Condition> {
        let key = format!("{section}.condition");
        let Some(found) = node.get("condition") else {
            self.problem(node.line, &key, "is missing: say which searches must hold");
            return None;
        };
        if found.each().len() > CONDITIONS_MAX {
            let text = format!("lists more than {CONDITIONS_MAX} conditions: join them with `or`");
            self.problem(found.line, &key, text);
            return None;
        }
        let mut parts = Vec::new();
        for part in found.each() {
            let parsed = part.text().ok_or_else(|| "must be text".to_owned());
            match parsed.and_then(|text| condition::parse(text, names)) {
                Ok(condition) => parts.push(condition),
                Err(message) => self.problem(part.line, &key, message),
            }
        }
        if parts.len() > 1 { Some(Condition::Any(parts)) } else { parts.pop() }
    }

    fn search(&mut self, entry: &Entry) -> Search {
        let key = &entry.key;
        let any = match &entry.value.kind {
            Kind::Map(items) => vec![self.items(key, items, entry.line)],
            Kind::Scalar { .. } => vec![vec![self.keywords(key, std::slice::from_ref(&entry.value))]],
            Kind::List(list) => {
                let mut any = Vec::new();
                if list.is_empty() {
                    self.problem(entry.line, key, "is an empty list: it would never hold");
                }
                // Keywords that stand next to each other are one item, so that their patterns stay together.
                for run in list.chunk_by(|a, b| a.map().is_none() && b.map().is_none()) {
                    match run {
                        [Node { kind: Kind::Map(items), line }] => any.push(self.items(key, items, *line)),
                        words => any.push(vec![self.keywords(key, words)]),
                    }
                }
                any
            }
        };
        Search { any }
    }

    fn items(&mut self, search: &str, entries: &[Entry], line: usize) -> Vec<Item> {
        if entries.is_empty() {
            self.problem(line, search, "is an empty map: it would always hold");
        }
        entries.iter().filter_map(|entry| self.item(search, entry)).collect()
    }

    fn keywords(&mut self, search: &str, words: &[Node]) -> Item {
        let modifiers = Modifiers::keywords();
        let patterns = self.patterns(search, words, &modifiers);
        Item { field: None, test: Test::Values { all: false, patterns } }
    }

    fn item(&mut self, search: &str, entry: &Entry) -> Option<Item> {
        if self.is_full() {
            return None;
        }
        let key = format!("{search}.{}", entry.key);
        let mut parts = entry.key.split('|');
        let name = parts.next().unwrap_or_default();
        let field = (!name.is_empty()).then(|| self.field(name));
        match self.test(&key, field, parts, entry) {
            Ok(test) => Some(Item { field, test }),
            Err(message) => {
                self.problem(entry.line, &key, message);
                None
            }
        }
    }

    fn test<'w>(
        &mut self,
        key: &str,
        field: Option<usize>,
        words: impl Iterator<Item = &'w str>,
        entry: &Entry,
    ) -> Result<Test, String> {
        let mut modifiers = Modifiers::parse(words)?;
        let values = entry.value.each();
        if values.is_empty() || entry.value.map().is_some() {
            return Err("must be a value or a list of values".to_owned());
        }
        if modifiers.all && values.len() < 2 && !modifiers.expand {
            return Err("`all` takes a list of at least two values: leave it out".to_owned());
        }
        if field.is_none() {
            if modifiers.negated {
                return Err("`neq` takes a field's name before it: write `not` in the condition".to_owned());
            }
            modifiers.place = modifiers.place.or(Some(Place::Anywhere));
        }
        let test = match modifiers.operator {
            Operator::Exists => match entry.value.flag() {
                Some(flag) if field.is_some() => Test::Exists(flag),
                _ => {
                    return Err("`exists` takes `true` or `false`, and a field's name before it".to_owned());
                }
            },
            Operator::FieldRef => {
                let names: Option<Vec<&str>> = values.iter().map(Node::text).collect();
                let names = names
                    .filter(|_| field.is_some())
                    .ok_or("`fieldref` takes the names of other fields, and a field's name before it")?;
                let others = names.iter().map(|other| self.field(other)).collect();
                let place = modifiers.place.unwrap_or(Place::Whole);
                Test::Fields { all: modifiers.all, others, place, cased: modifiers.cased }
            }
            _ => Test::Values { all: modifiers.all, patterns: self.patterns(key, values, &modifiers) },
        };
        Ok(if modifiers.negated { Test::Not(Box::new(test)) } else { test })
    }

    /// The patterns of the values. What one value was expanded to stays together under `all`, and stands beside the
    /// others if not.
    fn patterns(&mut self, key: &str, values: &[Node], modifiers: &Modifiers) -> Vec<(Wanted, String)> {
        let mut found = Vec::with_capacity(values.len());
        let weight = if modifiers.operator == Operator::Regex { REGEX_WEIGHT } else { 1 };
        for value in values {
            if self.is_full() {
                break;
            }
            let before = found.len();
            let text = || value.text().unwrap_or("null").to_owned();
            match self.alternatives(value, modifiers) {
                Ok(wanted) if modifiers.all && wanted.len() > 1 => {
                    let patterns: Option<Vec<Pattern>> = wanted.into_iter().map(Wanted::pattern).collect();
                    match patterns {
                        Some(patterns) => found.push((Wanted::Pattern(Pattern::Any(patterns)), text())),
                        None => self.problem(value.line, key, "null cannot stand among other values here"),
                    }
                }
                Ok(wanted) => found.extend(wanted.into_iter().map(|wanted| (wanted, text()))),
                Err(message) => self.problem(value.line, key, message),
            }
            self.patterns += weight * (found.len() - before).max(1);
        }
        found
    }

    /// Everything that one value stands for.
    fn alternatives(&self, value: &Node, modifiers: &Modifiers) -> Result<Vec<Wanted>, String> {
        if !modifiers.expand {
            return modifiers.wanted(value);
        }
        let mut found = Vec::new();
        for node in self.placeholders.expanded(value)? {
            found.append(&mut modifiers.wanted(&node)?);
        }
        Ok(found)
    }
}

impl Wanted {
    fn pattern(self) -> Option<Pattern> {
        if let Wanted::Pattern(pattern) = self { Some(pattern) } else { None }
    }
}

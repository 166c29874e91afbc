//! What an event must be for a rule, as a tree; and the tree as Sigma's searches and condition.

use super::emit::Yaml;
use super::pattern::{Alternative, sigma_text};
use super::rule::{Test, Wanted};
use super::source::Source;
use std::fmt::Write as _;

/// A condition on one event.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Expression {
    /// Holds of every event.
    Always,
    Item(Item),
    Not(Box<Expression>),
    All(Vec<Expression>),
    Any(Vec<Expression>),
}

/// A line of a Sigma search: the field with its modifiers, and values of which one must be met.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Item {
    pub(super) field: String,
    pub(super) operator: Operator,
    pub(super) values: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Operator {
    Whole,
    Start,
    End,
    Contains,
    /// A regular expression that minds the case.
    Cased,
    Folded,
    Cidr,
    Exists,
}

impl Item {
    /// The key of the line.
    pub(super) fn key(&self) -> String {
        let modifiers = match self.operator {
            Operator::Whole => "",
            Operator::Start => "|startswith",
            Operator::End => "|endswith",
            Operator::Contains => "|contains",
            Operator::Cased => "|re",
            Operator::Folded => "|re|i",
            Operator::Cidr => "|cidr",
            Operator::Exists => "|exists",
        };
        format!("{}{modifiers}", self.field)
    }

    fn value(&self) -> Yaml {
        if self.operator == Operator::Exists {
            return Yaml::Flag(true);
        }
        match self.values.as_slice() {
            [one] => Yaml::Text(one.clone()),
            many => Yaml::List(many.iter().cloned().map(Yaml::Text).collect()),
        }
    }
}

impl Expression {
    /// Every one of the parts; what is said twice is said once.
    pub(super) fn all(parts: impl IntoIterator<Item = Expression>) -> Expression {
        let mut found = Vec::new();
        for part in parts {
            match part {
                Expression::Always => {}
                Expression::All(inner) => inner.into_iter().for_each(|part| put(&mut found, part)),
                part => put(&mut found, part),
            }
        }
        match found.len() {
            0 => Expression::Always,
            1 => found.remove(0),
            _ => Expression::All(found),
        }
    }

    /// One of the parts; items of one key become one item.
    pub(super) fn any(parts: impl IntoIterator<Item = Expression>) -> Expression {
        let mut found: Vec<Expression> = Vec::new();
        for part in parts {
            match part {
                Expression::Always => return Expression::Always,
                Expression::Any(inner) => inner.into_iter().for_each(|part| join(&mut found, part)),
                part => join(&mut found, part),
            }
        }
        if found.len() == 1 { found.remove(0) } else { Expression::Any(found) }
    }

    pub(super) fn not(inner: Expression) -> Expression {
        match inner {
            Expression::Not(inner) => *inner,
            inner => Expression::Not(Box::new(inner)),
        }
    }

    /// One of the programs wrote the event.
    pub(super) fn written_by(programs: &[&str]) -> Expression {
        if programs.is_empty() {
            return Expression::Always;
        }
        let values = programs.iter().map(|name| sigma_text(name)).collect();
        Expression::Item(Item { field: "process.name".to_owned(), operator: Operator::Whole, values })
    }

    /// The test of an element, where the log source has its field.
    ///
    /// # Errors
    /// Why it has no equal.
    pub(super) fn of(test: &Test, source: &Source) -> Result<Expression, String> {
        let field = source
            .field(&test.field)
            .ok_or_else(|| format!("the field `{}` has no place in {}", test.field, source.name()))?;
        let item = |operator, value: &str| {
            Expression::Item(Item { field: field.clone(), operator, values: vec![value.to_owned()] })
        };
        let exists = || {
            Expression::Item(Item { field: field.clone(), operator: Operator::Exists, values: Vec::new() })
        };
        // Every line has its text: in the message, or, where the log is data, anywhere (no field's name).
        let is_always_there = field.is_empty() || field == "message";
        let positive = match &test.wanted {
            Wanted::Exists => exists(),
            Wanted::Networks(networks) => {
                Expression::any(networks.iter().map(|network| item(Operator::Cidr, network)))
            }
            Wanted::Pattern(pattern) => Expression::any(pattern.any.iter().map(|one| match one {
                Alternative::Always if is_always_there => Expression::Always,
                Alternative::Always => exists(),
                Alternative::Whole(text) => item(Operator::Whole, &sigma_text(text)),
                Alternative::Start(text) => item(Operator::Start, &sigma_text(text)),
                Alternative::End(text) => item(Operator::End, &sigma_text(text)),
                Alternative::Contains(text) => item(Operator::Contains, &sigma_text(text)),
                Alternative::Cased(regex) => item(Operator::Cased, regex),
                Alternative::Folded(regex) => item(Operator::Folded, regex),
            })),
        };
        if !test.negated {
            return Ok(positive);
        }
        // Wazuh's negated test fails where the field is missing; Sigma's `not` would hold.
        let is_there = if is_always_there { Expression::Always } else { exists() };
        Ok(Expression::all([is_there, Expression::not(positive)]))
    }

    /// How many values it has.
    pub(super) fn size(&self) -> usize {
        match self {
            Expression::Always => 0,
            Expression::Item(item) => item.values.len().max(1),
            Expression::Not(inner) => inner.size(),
            Expression::All(parts) | Expression::Any(parts) => parts.iter().map(Expression::size).sum(),
        }
    }

    /// Whether no event can meet both: they want different values of one field. `false` if that does not show.
    pub(super) fn excludes(&self, other: &Expression) -> bool {
        self.needed().any(|ours| other.needed().any(|theirs| ours.excludes(theirs)))
    }

    /// Items that must hold for the whole to hold.
    fn needed(&self) -> impl Iterator<Item = &Item> {
        let parts = match self {
            Expression::All(parts) => parts.as_slice(),
            one => std::slice::from_ref(one),
        };
        parts.iter().filter_map(|part| if let Expression::Item(item) = part { Some(item) } else { None })
    }
}

impl Item {
    fn excludes(&self, other: &Item) -> bool {
        let pair = |clash: fn(&str, &str) -> bool| {
            self.values.iter().all(|ours| {
                let ours = ours.to_lowercase();
                other.values.iter().all(|theirs| clash(&ours, &theirs.to_lowercase()))
            })
        };
        self.field == other.field
            && match (self.operator, other.operator) {
                (Operator::Whole, Operator::Whole) => pair(|a, b| a != b),
                (Operator::Start, Operator::Start) => pair(|a, b| !a.starts_with(b) && !b.starts_with(a)),
                (Operator::Whole, Operator::Start) => pair(|a, b| !a.starts_with(b)),
                (Operator::Start, Operator::Whole) => pair(|a, b| !b.starts_with(a)),
                _ => false,
            }
    }
}

fn put(found: &mut Vec<Expression>, part: Expression) {
    if !found.contains(&part) {
        found.push(part);
    }
}

fn join(found: &mut Vec<Expression>, part: Expression) {
    if let Expression::Item(item) = &part {
        let same = found.iter_mut().find_map(|known| match known {
            Expression::Item(known) if known.field == item.field && known.operator == item.operator => {
                Some(known)
            }
            _ => None,
        });
        if let Some(known) = same {
            let more = item.values.iter().filter(|value| !known.values.contains(value));
            let more: Vec<String> = more.cloned().collect();
            known.values.extend(more);
            return;
        }
    }
    put(found, part);
}

/// The searches and the condition of a `detection`.
pub(super) fn detection(expression: &Expression) -> Yaml {
    let mut writer = Writer::default();
    let condition = writer.condition(expression, "selection", false);
    writer.searches.push(("condition".to_owned(), Yaml::Word(condition)));
    Yaml::Map(writer.searches)
}

/// The condition alone: its length is limited.
pub(super) fn condition(expression: &Expression) -> String {
    Writer::default().condition(expression, "selection", false)
}

#[derive(Default)]
struct Writer {
    searches: Vec<(String, Yaml)>,
    filters: usize,
    selections: usize,
}

impl Writer {
    /// The expression as a condition over searches, which are added. In brackets if it stands behind `not` or among others.
    fn condition(&mut self, expression: &Expression, name: &str, in_brackets: bool) -> String {
        if let Some(search) = search(expression) {
            return self.add(name, search);
        }
        match expression {
            Expression::Not(inner) => {
                let inner =
                    self.condition(inner, if name == "filter" { "selection" } else { "filter" }, true);
                format!("not {inner}")
            }
            Expression::All(parts) => {
                // Lines of different keys share one search.
                let (mut shared, mut rest): (Vec<(String, Yaml)>, Vec<&Expression>) =
                    (Vec::new(), Vec::new());
                for part in parts {
                    match part {
                        Expression::Item(item) if !shared.iter().any(|(key, _)| *key == item.key()) => {
                            shared.push((item.key(), item.value()));
                        }
                        part => rest.push(part),
                    }
                }
                let mut written = Vec::new();
                if !shared.is_empty() {
                    written.push(self.add(name, Yaml::Map(shared)));
                }
                written.extend(rest.into_iter().map(|part| self.condition(part, name, true)));
                bracketed(written.join(" and "), in_brackets)
            }
            Expression::Any(parts) => {
                let (simple, rest): (Vec<_>, Vec<_>) = parts.iter().partition(|part| lines(part).is_some());
                let mut written = Vec::new();
                let simple: Vec<Yaml> = simple.into_iter().filter_map(lines).collect();
                if !simple.is_empty() {
                    written.push(self.add(name, Yaml::List(simple)));
                }
                written.extend(rest.into_iter().map(|part| self.condition(part, name, true)));
                let is_one = written.len() == 1;
                bracketed(written.join(" or "), in_brackets && !is_one)
            }
            // Every event of the log source: Sigma has no word for it, so it is what lacks a field that nothing has.
            Expression::Always | Expression::Item(_) => {
                let nothing = ("log.nothing|exists".to_owned(), Yaml::Flag(true));
                bracketed(format!("not {}", self.add("nothing", Yaml::Map(vec![nothing]))), in_brackets)
            }
        }
    }

    fn add(&mut self, name: &str, search: Yaml) -> String {
        if let Some((known, _)) = self.searches.iter().find(|(_, known)| *known == search) {
            return known.clone();
        }
        if name == "nothing" {
            self.searches.push((name.to_owned(), search));
            return name.to_owned();
        }
        let count = if name == "filter" { &mut self.filters } else { &mut self.selections };
        *count += 1;
        let mut full = name.to_owned();
        if *count > 1 {
            // Writing to a String cannot fail.
            let _ = write!(full, "_{count}");
        }
        self.searches.push((full.clone(), search));
        full
    }
}

fn bracketed(text: String, wanted: bool) -> String {
    if wanted { format!("({text})") } else { text }
}

/// The expression as one search: a map, or a list of maps.
fn search(expression: &Expression) -> Option<Yaml> {
    match expression {
        Expression::Any(parts) if !parts.is_empty() => {
            Some(Yaml::List(parts.iter().map(lines).collect::<Option<_>>()?))
        }
        one => lines(one),
    }
}

fn lines(expression: &Expression) -> Option<Yaml> {
    let parts = match expression {
        Expression::All(parts) => parts.as_slice(),
        one => std::slice::from_ref(one),
    };
    let mut entries: Vec<(String, Yaml)> = Vec::with_capacity(parts.len());
    for part in parts {
        let Expression::Item(item) = part else { return None };
        let key = item.key();
        if entries.iter().any(|(known, _)| *known == key) {
            return None;
        }
        entries.push((key, item.value()));
    }
    Some(Yaml::Map(entries))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Correlator, Flat, Limits, Output, RuleFile, RuleSet};
    use event::EventId;
    use proptest::prelude::*;
    use std::sync::Arc;

    fn item(field: &str, operator: Operator, values: &[&str]) -> Expression {
        let values = values.iter().map(|value| (*value).to_owned()).collect();
        Expression::Item(Item { field: field.to_owned(), operator, values })
    }

    /// What the expression says of an object, without Sigma.
    fn meant(expression: &Expression, values: [Option<&str>; 3]) -> bool {
        match expression {
            Expression::Always => true,
            Expression::Not(inner) => !meant(inner, values),
            Expression::All(parts) => parts.iter().all(|part| meant(part, values)),
            Expression::Any(parts) => parts.iter().any(|part| meant(part, values)),
            Expression::Item(item) => {
                let place = ["a", "b", "message"].iter().position(|name| *name == item.field).unwrap();
                let Some(value) = values[place] else { return false };
                let any = |test: &dyn Fn(&str) -> bool| item.values.iter().any(|wanted| test(wanted));
                match item.operator {
                    Operator::Whole => any(&|wanted| value == wanted),
                    Operator::Start => any(&|wanted| value.starts_with(wanted)),
                    Operator::End => any(&|wanted| value.ends_with(wanted)),
                    Operator::Contains => any(&|wanted| value.contains(wanted)),
                    Operator::Exists => true,
                    other => panic!("{other:?}"),
                }
            }
        }
    }

    fn tree() -> impl Strategy<Value = Expression> {
        let operator = prop_oneof![
            Just(Operator::Whole),
            Just(Operator::Start),
            Just(Operator::End),
            Just(Operator::Contains),
            Just(Operator::Exists)
        ];
        let leaf = prop_oneof![
            1 => Just(Expression::Always),
            9 => ("[ab]|message", operator, prop::collection::vec("[xy]{1,2}", 1..3))
                .prop_map(|(field, operator, values)| Expression::Item(Item { field, operator, values })),
        ];
        leaf.prop_recursive(5, 24, 4, |inner| {
            prop_oneof![
                inner.clone().prop_map(Expression::not),
                prop::collection::vec(inner.clone(), 1..4).prop_map(Expression::all),
                prop::collection::vec(inner, 1..4).prop_map(Expression::any),
            ]
        })
    }

    proptest! {
        #[test]
        fn searches_and_condition_say_what_the_expression_says(expression in tree()) {
            let rule = Yaml::Map(vec![
                ("title".to_owned(), Yaml::word("t")),
                ("logsource".to_owned(), Yaml::Map(vec![("product".to_owned(), Yaml::word("p"))])),
                ("detection".to_owned(), detection(&expression)),
            ]);
            let text = rule.document();
            let set = RuleSet::compile(&[RuleFile { path: "r.yml".to_owned(), text: text.clone() }]);
            let set = Arc::new(set.map_err(|errors| TestCaseError::fail(format!("{errors:?} {text}")))?);
            let mut correlator = Correlator::new(set, Limits::default());
            for a in [None, Some("x"), Some("yx")] {
                for b in [None, Some("y"), Some("xy")] {
                    let values = [a, b, Some("x y")];
                    let mut object = serde_json::json!({"product": "p", "message": "x y"});
                    for (key, value) in [("a", a), ("b", b)] {
                        value.into_iter().for_each(|value| object[key] = value.into());
                    }
                    let json = object.to_string();
                    let mut output = Output::default();
                    correlator.process_flat(&Flat::from_json(&json).unwrap(), EventId(1), &mut output);
                    prop_assert_eq!(!output.matches.is_empty(), meant(&expression, values), "{} {}", json, text);
                }
            }
        }

        #[test]
        fn what_excludes_never_holds_together(ours in tree(), theirs in tree()) {
            if ours.excludes(&theirs) {
                for a in [None, Some("x"), Some("yx"), Some("xy"), Some("y")] {
                    for b in [None, Some("y"), Some("xy"), Some("x"), Some("xx")] {
                        let values = [a, b, Some("x y")];
                        prop_assert!(!(meant(&ours, values) && meant(&theirs, values)));
                    }
                }
            }
        }
    }

    #[test]
    fn exclusion_is_seen_in_anchors_and_whole_values() {
        let whole = |values: &[&str]| item("a", Operator::Whole, values);
        let start = |values: &[&str]| item("a", Operator::Start, values);
        assert!(whole(&["4624", "4625"]).excludes(&whole(&["4720"])));
        assert!(!whole(&["4624", "4625"]).excludes(&whole(&["4625"])));
        assert!(start(&["Failed"]).excludes(&start(&["Accepted"])));
        assert!(!start(&["Fail"]).excludes(&start(&["failed"])));
        assert!(whole(&["x"]).excludes(&start(&["y"])) && !start(&["x"]).excludes(&whole(&["xy"])));
        assert!(!whole(&["x"]).excludes(&item("b", Operator::Whole, &["y"])));
    }
}

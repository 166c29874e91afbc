//! A correlation rule: what it counts, over which rules, grouped by what, within how long.

use super::detection::Problem;
use crate::yaml::Node;
use std::collections::HashMap;

/// The longest window, in milliseconds: 31 days.
const TIMESPAN_MS_MAX: i64 = 31 * 86_400_000;
/// How many rules one correlation may refer to.
const RULES_MAX: usize = 60;

/// A correlation as written; references are resolved by the rule set.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Correlation {
    pub(crate) measure: Measure,
    /// Ids or names of the rules it refers to.
    pub(crate) rules: Vec<String>,
    pub(crate) group_by: Vec<String>,
    /// Alias to (rule's id or name, field).
    pub(crate) aliases: HashMap<String, Vec<(String, String)>>,
    pub(crate) timespan_ms: i64,
    /// Holds from so many on.
    pub(crate) at_least: usize,
    /// Whether the rules it refers to also raise their own alerts.
    pub(crate) generate: bool,
}

/// What is counted within a window.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Measure {
    /// Matches.
    Events,
    /// Different values of these fields together.
    Values(Vec<String>),
    /// Different rules among those referred to: all must be there.
    Rules,
    /// The same, in the order of `rules`.
    RulesInOrder,
}

impl Correlation {
    pub(crate) fn parse(node: &Node, problems: &mut Vec<Problem>) -> Option<Correlation> {
        let before = problems.len();
        let known = [
            "type",
            "rules",
            "group-by",
            "timespan",
            "timeframe",
            "condition",
            "aliases",
            "generate",
            "field",
        ];
        for entry in node.map().unwrap_or_default() {
            if !known.contains(&entry.key.as_str()) {
                problems.push(Problem::new(entry.line, &entry.key, "is not a key of a correlation"));
            }
        }
        let rules = texts(node, "rules", problems);
        if rules.is_empty() || rules.len() > RULES_MAX {
            let text = format!("must name 1 to {RULES_MAX} rules by id or name");
            problems.push(Problem::new(node.line, "rules", text));
        }
        let measure = measure(node, problems);
        let at_least = match measure {
            Some(Measure::Rules | Measure::RulesInOrder) => Some(rules.len()),
            _ => threshold(node, problems),
        };
        let span = node.get("timespan").or_else(|| node.get("timeframe"));
        let timespan_ms = span.and_then(Node::text).and_then(timespan);
        if timespan_ms.is_none() {
            let text = "must be a number and s, m, h or d, at most 31 days: `5m`";
            problems.push(Problem::new(span.map_or(node.line, |span| span.line), "timespan", text));
        }
        let generate = node.get("generate").is_some_and(|value| {
            value.flag().unwrap_or_else(|| {
                problems.push(Problem::new(value.line, "generate", "must be true or false"));
                false
            })
        });
        let aliases = aliases(node, problems);
        let group_by = texts(node, "group-by", problems);
        (problems.len() == before).then_some(())?;
        Some(Correlation {
            measure: measure?,
            rules,
            group_by,
            aliases,
            timespan_ms: timespan_ms?,
            at_least: at_least?,
            generate,
        })
    }

    /// What the rule (by id or name) calls the correlation's group field.
    pub(crate) fn field_in<'a>(&'a self, group: &'a str, refers: impl Fn(&str) -> bool) -> &'a str {
        let alias = self.aliases.get(group);
        let found = alias.and_then(|fields| fields.iter().find(|(rule, _)| refers(rule)));
        found.map_or(group, |(_, field)| field.as_str())
    }
}

fn measure(node: &Node, problems: &mut Vec<Problem>) -> Option<Measure> {
    let kind = node.get("type").and_then(Node::text).unwrap_or_default();
    match kind {
        "event_count" => Some(Measure::Events),
        "temporal" => Some(Measure::Rules),
        "temporal_ordered" => Some(Measure::RulesInOrder),
        "value_count" => {
            let field = node.get("condition").and_then(|condition| condition.get("field"));
            let fields = field.or_else(|| node.get("field")).and_then(Node::texts).filter(|f| !f.is_empty());
            if fields.is_none() {
                problems.push(Problem::new(
                    node.line,
                    "condition.field",
                    "is missing: which values are counted",
                ));
            }
            fields.map(Measure::Values)
        }
        other => {
            let text = format!(
                "`{other}` is not supported: use event_count, value_count, temporal or temporal_ordered"
            );
            problems.push(Problem::new(node.line, "type", text));
            None
        }
    }
}

/// Only bounds from below: they stay true when a late event comes in. The others need a window's end.
fn threshold(node: &Node, problems: &mut Vec<Problem>) -> Option<usize> {
    let Some(condition) = node.get("condition") else {
        problems.push(Problem::new(node.line, "condition", "is missing: write `gte: 10`"));
        return None;
    };
    let mut bound = None;
    for entry in condition.map().unwrap_or_default() {
        let number = entry.value.text().and_then(|text| text.parse::<usize>().ok());
        match (entry.key.as_str(), number) {
            ("field", _) => {}
            ("gte", Some(number)) if number > 0 => bound = bound.max(Some(number)),
            ("gt", Some(number)) if number < usize::MAX => bound = bound.max(Some(number + 1)),
            ("gt" | "gte", _) => {
                problems.push(Problem::new(entry.line, "condition", "must be a number above 0"));
            }
            ("lt" | "lte" | "eq" | "neq", _) => {
                let text = format!("`{}` is not supported yet: use gt or gte", entry.key);
                problems.push(Problem::new(entry.line, "condition", text));
            }
            (other, _) => {
                problems.push(Problem::new(
                    entry.line,
                    "condition",
                    format!("`{other}` is unknown: use gt or gte"),
                ));
            }
        }
    }
    if bound.is_none() {
        problems.push(Problem::new(condition.line, "condition", "must be a map with gt or gte"));
    }
    bound
}

/// A number and its unit, in milliseconds.
pub(crate) fn timespan(text: &str) -> Option<i64> {
    let unit = match text.chars().last()? {
        's' => 1_000,
        'm' => 60_000,
        'h' => 3_600_000,
        'd' => 86_400_000,
        _ => return None,
    };
    let number: i64 = text.get(..text.len() - 1)?.parse().ok()?;
    number.checked_mul(unit).filter(|ms| (1..=TIMESPAN_MS_MAX).contains(ms))
}

fn texts(node: &Node, key: &str, problems: &mut Vec<Problem>) -> Vec<String> {
    let Some(list) = node.get(key).filter(|list| !list.is_null()) else { return Vec::new() };
    list.texts().unwrap_or_else(|| {
        problems.push(Problem::new(list.line, key, "must be a list of texts"));
        Vec::new()
    })
}

fn aliases(node: &Node, problems: &mut Vec<Problem>) -> HashMap<String, Vec<(String, String)>> {
    let mut found = HashMap::new();
    for alias in node.get("aliases").and_then(Node::map).unwrap_or_default() {
        let pairs = alias.value.map().unwrap_or_default().iter();
        let fields: Option<Vec<_>> =
            pairs.map(|pair| Some((pair.key.clone(), pair.value.text()?.to_owned()))).collect();
        match fields.filter(|fields| !fields.is_empty()) {
            Some(fields) => {
                found.insert(alias.key.clone(), fields);
            }
            None => {
                problems.push(Problem::new(alias.line, "aliases", "must map each rule's name to a field"));
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Correlation, Vec<Problem>> {
        let mut problems = Vec::new();
        let node = crate::yaml::documents(text).unwrap().remove(0);
        Correlation::parse(&node, &mut problems).ok_or(problems)
    }

    #[test]
    fn a_whole_correlation_is_read() {
        let found = parse(
            "type: value_count\nrules: [a, b]\ngroup-by: [ip]\ntimespan: 15m\ngenerate: true\n\
             condition: {field: user, gt: 4}\naliases: {ip: {a: SourceIp, b: ClientIp}}",
        )
        .unwrap();
        assert_eq!(found.measure, Measure::Values(vec!["user".into()]));
        assert_eq!((found.timespan_ms, found.at_least, found.generate), (900_000, 5, true));
        assert_eq!(found.field_in("ip", |rule| rule == "b"), "ClientIp");
        assert_eq!(found.field_in("host", |rule| rule == "b"), "host");
    }

    #[test]
    fn every_problem_of_a_correlation_is_named() {
        let problems =
            parse("type: value_sum\nrules: []\ntimespan: 5w\ncondition: {lt: 3}\nfoo: 1").unwrap_err();
        let keys: Vec<&str> = problems.iter().map(|problem| problem.key.as_str()).collect();
        assert_eq!(keys, ["foo", "rules", "type", "condition", "condition", "timespan"]);
        assert!(parse("type: value_count\nrules: a\ntimespan: 5m\ncondition: {gte: 3}").is_err());
        assert_eq!(timespan("90s"), Some(90_000));
        assert_eq!((timespan(""), timespan("m"), timespan("-1m"), timespan("32d")), (None, None, None, None));
        assert_eq!(timespan("9223372036854775807d"), None);
    }
}

//! A correlation rule: what it counts, over which rules, grouped by what, within how long.

use super::bounds::Bounds;
use super::condition::{self, Condition};
use super::detection::Problem;
use crate::yaml::Node;
use std::collections::HashMap;

/// The longest window, in milliseconds: 31 days.
const TIMESPAN_MS_MAX: i64 = 31 * 86_400_000;
/// How many rules one correlation may refer to.
const RULES_MAX: usize = 60;
const KEYS: [&str; 9] =
    ["type", "rules", "group-by", "timespan", "timeframe", "condition", "aliases", "generate", "field"];

/// A correlation as written; references are resolved by the rule set.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Correlation {
    pub(crate) measure: Measure,
    /// What is asked of the measure, unless it is a condition over rules.
    pub(crate) bounds: Bounds,
    /// Ids or names of the rules it refers to.
    pub(crate) rules: Vec<String>,
    pub(crate) group_by: Vec<String>,
    /// Alias to (rule's id or name, field).
    pub(crate) aliases: HashMap<String, Vec<(String, String)>>,
    pub(crate) timespan_ms: i64,
    /// Whether the rules it refers to also raise their own alerts.
    pub(crate) generate: bool,
    /// The lines of `rules`, `group-by` and `condition`, for problems that only the rule set sees.
    pub(crate) lines: [usize; 3],
}

/// What is counted within a window.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Measure {
    /// Matches; of another correlation, its alerts.
    Events,
    /// Different values of these fields together.
    Values(Vec<String>),
    /// The sum of a field's numbers.
    Sum(String),
    /// Their mean.
    Average(String),
    /// Their percentile of this rank, 0 to 100, interpolated between the two nearest ranks.
    Percentile(String, f64),
    /// Which of the rules referred to are there: the condition, or all of them.
    Rules(Option<Condition>),
    /// All of them, in the order of `rules`.
    RulesInOrder,
}

/// When a window is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// With each match: what is met once stays met, whatever comes later.
    AtOnce,
    /// With each match, once nothing earlier can come any more.
    InOrder,
    /// When no further match fits in.
    AtClose,
}

impl Measure {
    /// The fields whose values are counted.
    pub(crate) fn fields(&self) -> &[String] {
        match self {
            Measure::Values(fields) => fields,
            Measure::Sum(field) | Measure::Average(field) | Measure::Percentile(field, _) => {
                std::slice::from_ref(field)
            }
            Measure::Events | Measure::Rules(_) | Measure::RulesInOrder => &[],
        }
    }

    /// Whether the counted value is a number.
    pub(crate) fn of_numbers(&self) -> bool {
        matches!(self, Measure::Sum(_) | Measure::Average(_) | Measure::Percentile(..))
    }
}

impl Correlation {
    pub(crate) fn parse(node: &Node, problems: &mut Vec<Problem>) -> Option<Correlation> {
        let before = problems.len();
        for entry in node.map().unwrap_or_default() {
            if !KEYS.contains(&entry.key.as_str()) {
                problems.push(Problem::new(entry.line, &entry.key, "is not a key of a correlation"));
            }
        }
        let rules = texts(node, "rules", problems);
        if rules.is_empty() || rules.len() > RULES_MAX {
            let text = format!("must name 1 to {RULES_MAX} rules by id or name");
            problems.push(Problem::new(node.line, "rules", text));
        }
        let measure = measure(node, &rules, problems);
        let bounds = measure.as_ref().and_then(|measure| bounds(node, measure, &rules, problems));
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
        let line = |key: &str| node.get(key).map_or(node.line, |value| value.line);
        Some(Correlation {
            measure: measure?,
            bounds: bounds?,
            rules,
            group_by,
            aliases,
            timespan_ms: timespan_ms?,
            generate,
            lines: [line("rules"), line("group-by"), line("condition")],
        })
    }

    /// What the rule (by id or name) calls the correlation's group field.
    pub(crate) fn field_in<'a>(&'a self, group: &'a str, refers: impl Fn(&str) -> bool) -> &'a str {
        let alias = self.aliases.get(group);
        let found = alias.and_then(|fields| fields.iter().find(|(rule, _)| refers(rule)));
        found.map_or(group, |(_, field)| field.as_str())
    }

    /// When a window is asked. `over_alerts`: a rule referred to is itself a correlation.
    pub(crate) fn verdict(&self, over_alerts: bool) -> Verdict {
        let grows = match &self.measure {
            Measure::Average(_) | Measure::Percentile(..) => false,
            Measure::RulesInOrder => true,
            Measure::Rules(Some(condition)) => !has_not(condition),
            Measure::Events | Measure::Values(_) | Measure::Sum(_) | Measure::Rules(None) => {
                self.bounds.only_from_below()
            }
        };
        match (grows, over_alerts && self.measure == Measure::Events) {
            (false, _) => Verdict::AtClose,
            // A late match may make one alert of two.
            (true, true) => Verdict::InOrder,
            (true, false) => Verdict::AtOnce,
        }
    }

    /// How many matches a window has at least that is met.
    pub(crate) fn matches_min(&self) -> usize {
        match &self.measure {
            Measure::Events | Measure::Values(_) | Measure::Rules(None) => self.bounds.least_count().max(1),
            Measure::RulesInOrder => self.rules.len(),
            _ => 1,
        }
    }
}

fn has_not(condition: &Condition) -> bool {
    match condition {
        Condition::Not(_) => true,
        Condition::All(parts) | Condition::Any(parts) => parts.iter().any(has_not),
        _ => false,
    }
}

fn measure(node: &Node, rules: &[String], problems: &mut Vec<Problem>) -> Option<Measure> {
    let kind = node.get("type").and_then(Node::text).unwrap_or_default();
    let one = |problems: &mut Vec<Problem>| {
        let fields = fields(node, problems)?;
        let [field] = fields.as_slice() else {
            let text = format!("must be one field: `{kind}` is of one number of each event");
            problems.push(Problem::new(node.line, "condition.field", text));
            return None;
        };
        Some(field.clone())
    };
    match kind {
        "event_count" => Some(Measure::Events),
        "value_count" => fields(node, problems).map(Measure::Values),
        "value_sum" => one(problems).map(Measure::Sum),
        "value_avg" => one(problems).map(Measure::Average),
        "value_median" => one(problems).map(|field| Measure::Percentile(field, 50.0)),
        "value_percentile" => {
            let (field, rank) = (one(problems), rank(node, problems));
            Some(Measure::Percentile(field?, rank?))
        }
        "temporal" => match node.get("condition").filter(|condition| condition.map().is_none()) {
            None => Some(Measure::Rules(None)),
            Some(text) => match condition::parse(text.text().unwrap_or_default(), rules) {
                Ok(condition) => Some(Measure::Rules(Some(condition))),
                Err(error) => {
                    problems.push(Problem::new(text.line, "condition", error));
                    None
                }
            },
        },
        "temporal_ordered" => Some(Measure::RulesInOrder),
        other => {
            let text = format!(
                "`{other}` is not supported: use event_count, value_count, value_sum, value_avg, value_median, \
                 value_percentile, temporal or temporal_ordered"
            );
            problems.push(Problem::new(node.line, "type", text));
            None
        }
    }
}

fn fields(node: &Node, problems: &mut Vec<Problem>) -> Option<Vec<String>> {
    let field = node.get("condition").and_then(|condition| condition.get("field"));
    let fields = field.or_else(|| node.get("field")).and_then(Node::texts).filter(|f| !f.is_empty());
    if fields.is_none() {
        problems.push(Problem::new(node.line, "condition.field", "is missing: which values are counted"));
    }
    fields
}

/// The specification gives percentiles no rank, and its example means rarity: so the rank must be written.
fn rank(node: &Node, problems: &mut Vec<Problem>) -> Option<f64> {
    let written = node.get("condition").and_then(|condition| condition.get("percentile"));
    let rank = written.and_then(Node::text).and_then(|text| text.parse::<f64>().ok());
    let rank = rank.filter(|rank| (0.0..=100.0).contains(rank));
    if rank.is_none() {
        let line = written.map_or(node.line, |written| written.line);
        let text = "must be the rank, 0 to 100: `percentile: 95`";
        problems.push(Problem::new(line, "condition.percentile", text));
    }
    rank
}

fn bounds(node: &Node, measure: &Measure, rules: &[String], problems: &mut Vec<Problem>) -> Option<Bounds> {
    let condition = node.get("condition");
    if let Some(field) = condition.and_then(|c| c.get("field")).filter(|_| measure.fields().is_empty()) {
        problems.push(Problem::new(
            field.line,
            "condition.field",
            "is of no use: this type counts no values",
        ));
    }
    if !matches!(measure, Measure::Percentile(..))
        && let Some(rank) = condition.and_then(|condition| condition.get("percentile"))
    {
        problems.push(Problem::new(rank.line, "condition.percentile", "is of value_percentile only"));
    }
    let all = Bounds::at_least(rules.len());
    match (measure, condition) {
        (Measure::Rules(Some(_)), _) | (Measure::Rules(None) | Measure::RulesInOrder, None) => Some(all),
        (_, None) => {
            problems.push(Problem::new(node.line, "condition", "is missing: write `gte: 10`"));
            None
        }
        (Measure::RulesInOrder, Some(condition)) => {
            let found = condition.map().and_then(|_| Bounds::parse(condition, true, problems));
            if found.as_ref() != Some(&all) {
                let text = "is not supported: `temporal_ordered` means all rules, in order";
                problems.push(Problem::new(condition.line, "condition", text));
            }
            found
        }
        (measure, Some(condition)) => Bounds::parse(condition, !measure.of_numbers(), problems),
    }
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
        assert_eq!((found.timespan_ms, found.matches_min(), found.generate), (900_000, 5, true));
        assert_eq!(found.field_in("ip", |rule| rule == "b"), "ClientIp");
        assert_eq!(found.field_in("host", |rule| rule == "b"), "host");
    }

    #[test]
    fn what_more_matches_can_undo_waits_for_the_close() {
        for (of, over_alerts, expected) in [
            ("event_count\ncondition: {gte: 3}", false, Verdict::AtOnce),
            ("event_count\ncondition: {gte: 3}", true, Verdict::InOrder),
            ("event_count\ncondition: {gte: 3, lte: 5}", false, Verdict::AtClose),
            ("event_count\ncondition: {eq: 0}", false, Verdict::AtClose),
            ("value_count\ncondition: {field: [u, v], neq: 3}", false, Verdict::AtClose),
            ("value_sum\ncondition: {field: u, gt: 2.5}", true, Verdict::AtOnce),
            ("value_avg\ncondition: {field: u, gt: 2.5}", false, Verdict::AtClose),
            ("value_median\ncondition: {field: u, gt: 2.5}", false, Verdict::AtClose),
            ("value_percentile\ncondition: {field: u, percentile: 99.9, gt: -2.5}", false, Verdict::AtClose),
            ("temporal", false, Verdict::AtOnce),
            ("temporal\ncondition: {gte: 1}", false, Verdict::AtOnce),
            ("temporal\ncondition: a and b", false, Verdict::AtOnce),
            ("temporal\ncondition: a and not b", false, Verdict::AtClose),
            ("temporal_ordered\ncondition: {gte: 2}", false, Verdict::AtOnce),
        ] {
            let found = parse(&format!("type: {of}\nrules: [a, b]\ntimespan: 1m")).unwrap();
            assert_eq!(found.verdict(over_alerts), expected, "{of}");
        }
    }

    #[test]
    fn every_problem_of_a_correlation_is_named() {
        for (text, expected) in [
            ("type: sum\nrules: []\ntimespan: 5w\nfoo: 1", &["foo", "rules", "type", "timespan"][..]),
            ("type: value_count\nrules: a\ntimespan: 5m\ncondition: {gte: 3}", &["condition.field"]),
            (
                "type: value_sum\nrules: a\ntimespan: 5m\ncondition: {field: [a, b], gte: 3}",
                &["condition.field"],
            ),
            (
                "type: event_count\nrules: a\ntimespan: 5m\ncondition: {field: a, gte: 3}",
                &["condition.field"],
            ),
            (
                "type: value_percentile\nrules: a\ntimespan: 5m\ncondition: {field: a, gte: 3}",
                &["condition.percentile"],
            ),
            (
                "type: value_avg\nrules: a\ntimespan: 5m\ncondition: {field: a, percentile: 3}",
                &["condition.percentile", "condition"],
            ),
            ("type: event_count\nrules: a\ntimespan: 5m", &["condition"]),
            ("type: temporal\nrules: [a, b]\ntimespan: 5m\ncondition: a and c", &["condition"]),
            ("type: temporal_ordered\nrules: [a, b]\ntimespan: 5m\ncondition: a and b", &["condition"]),
            ("type: temporal_ordered\nrules: [a, b]\ntimespan: 5m\ncondition: {gte: 1}", &["condition"]),
        ] {
            let problems = parse(text).unwrap_err();
            let keys: Vec<&str> = problems.iter().map(|problem| problem.key.as_str()).collect();
            assert_eq!(keys, expected, "{text}");
        }
        assert_eq!(timespan("90s"), Some(90_000));
        assert_eq!((timespan(""), timespan("m"), timespan("-1m"), timespan("32d")), (None, None, None, None));
        assert_eq!(timespan("9223372036854775807d"), None);
    }
}

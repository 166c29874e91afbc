//! The numbers that a correlation's condition admits: `gt`, `gte`, `lt`, `lte`, `eq` and `neq`, joined by and.

use super::detection::Problem;
use crate::yaml::Node;

/// What windows may be asked to count to. Above, the memory of one rule would not hold them.
const COUNT_MAX: f64 = 1_000_000.0;

/// A range of numbers, less some of them.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Bounds {
    /// The least number, and whether it is itself admitted.
    low: Option<(f64, bool)>,
    high: Option<(f64, bool)>,
    not: Vec<f64>,
}

/// As a rule writes it: `gte 5 and lt 9`.
impl std::fmt::Display for Bounds {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let low = self.low.map(|(low, at)| format!("{} {low}", if at { "gte" } else { "gt" }));
        let high = self.high.map(|(high, at)| format!("{} {high}", if at { "lte" } else { "lt" }));
        let not = self.not.iter().map(|number| format!("neq {number}"));
        let all: Vec<String> = low.into_iter().chain(high).chain(not).collect();
        f.write_str(&all.join(" and "))
    }
}

impl Bounds {
    pub(crate) fn at_least(number: usize) -> Bounds {
        let number = u32::try_from(number).map_or(COUNT_MAX, f64::from);
        Bounds { low: Some((number, true)), high: None, not: Vec::new() }
    }

    /// Reads the map of a condition; `field` and `percentile` are not its business. `whole`: what is compared is a count.
    pub(crate) fn parse(condition: &Node, whole: bool, problems: &mut Vec<Problem>) -> Option<Bounds> {
        let mut found = Bounds { low: None, high: None, not: Vec::new() };
        let mut wrong = Vec::new();
        let mut problem = |line: usize, key: &str, text: String| {
            wrong.push(Problem::new(line, format!("condition{key}"), text));
        };
        for entry in condition.map().unwrap_or_default() {
            let key = entry.key.as_str();
            if matches!(key, "field" | "percentile") {
                continue;
            }
            if !["gt", "gte", "lt", "lte", "eq", "neq"].contains(&key) {
                problem(entry.line, "", format!("`{key}` is unknown: use gt, gte, lt, lte, eq or neq"));
                continue;
            }
            let number = entry.value.text().and_then(|text| text.parse::<f64>().ok());
            let count = |n: &f64| n.fract() == 0.0 && (0.0..=COUNT_MAX).contains(n);
            match number.filter(|n| n.is_finite() && (!whole || count(n))) {
                Some(number) => found.narrow(key, number),
                None if whole => {
                    let text = format!("must be a whole number from 0 to {COUNT_MAX}");
                    problem(entry.line, &format!(".{key}"), text);
                }
                None => problem(entry.line, &format!(".{key}"), "must be a number".to_owned()),
            }
        }
        let text = if found.low.is_none() && found.high.is_none() && found.not.is_empty() {
            Some("must be a map with gt, gte, lt, lte, eq or neq")
        } else if found.is_empty() {
            Some("is met by no number")
        } else {
            let always = whole && found.only_from_below() && found.holds(0.0);
            always.then_some("holds of every window: count to more than 0")
        };
        if let Some(text) = text.filter(|_| wrong.is_empty()) {
            wrong.push(Problem::new(condition.line, "condition", text));
        }
        let right = wrong.is_empty();
        problems.append(&mut wrong);
        right.then_some(found)
    }

    fn narrow(&mut self, key: &str, number: f64) {
        let inclusive = matches!(key, "gte" | "lte" | "eq");
        if matches!(key, "gt" | "gte" | "eq") {
            let new = (number, inclusive);
            let tighter =
                self.low.is_none_or(|(low, at)| number > low || (number == low && at && !inclusive));
            self.low = if tighter { Some(new) } else { self.low };
        }
        if matches!(key, "lt" | "lte" | "eq") {
            let new = (number, inclusive);
            let tighter =
                self.high.is_none_or(|(high, at)| number < high || (number == high && at && !inclusive));
            self.high = if tighter { Some(new) } else { self.high };
        }
        if key == "neq" {
            self.not.push(number);
        }
    }

    fn is_empty(&self) -> bool {
        match (self.low, self.high) {
            (Some((low, at)), Some((high, to))) => {
                low > high || (low == high && !(at && to)) || (low == high && self.not.contains(&low))
            }
            _ => false,
        }
    }

    /// Whether the number is admitted.
    pub(crate) fn holds(&self, number: f64) -> bool {
        self.low.is_none_or(|(low, at)| number > low || (at && number == low))
            && self.high.is_none_or(|(high, at)| number < high || (at && number == high))
            && !self.not.contains(&number)
    }

    /// Whether every number above an admitted one is admitted too: what grows cannot undo it.
    pub(crate) fn only_from_below(&self) -> bool {
        self.high.is_none() && self.not.is_empty()
    }

    /// The least count that is admitted.
    pub(crate) fn least_count(&self) -> usize {
        let (low, at) = self.low.unwrap_or((0.0, true));
        let first = if at { low.ceil() } else { low.floor() + 1.0 };
        #[allow(
            clippy::cast_possible_truncation,
            reason = "a condition on counts is whole and at most COUNT_MAX"
        )]
        #[allow(clippy::cast_sign_loss, reason = "and not negative")]
        let count = first as usize;
        count
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_are_told_as_rules_write_them() {
        for (text, told) in [
            ("{gte: 5, lt: 9}", "gte 5 and lt 9"),
            ("{gt: 0.5}", "gt 0.5"),
            ("{lte: 3, neq: 2}", "lte 3 and neq 2"),
        ] {
            assert_eq!(parse(text, false).unwrap().to_string(), told);
        }
    }

    fn parse(text: &str, whole: bool) -> Result<Bounds, Vec<String>> {
        let mut problems = Vec::new();
        let node = crate::yaml::documents(text).unwrap().remove(0);
        Bounds::parse(&node, whole, &mut problems).ok_or(
            problems.into_iter().map(|problem| format!("{} {}", problem.key, problem.message)).collect(),
        )
    }

    #[test]
    fn bounds_join_into_ranges() {
        for (text, holds, not) in [
            ("{gte: 5, lte: 10}", &[5, 7, 10][..], &[4, 11][..]),
            ("{gt: 5, lt: 7}", &[6], &[5, 7]),
            ("{eq: 0}", &[0], &[1]),
            ("{neq: 3}", &[0, 2, 4], &[3]),
            ("{gte: 2, gt: 2, neq: 4, field: f}", &[3, 5], &[2, 4]),
            ("{lte: 9, lt: 9}", &[8, 0], &[9]),
        ] {
            let bounds = parse(text, true).unwrap();
            holds.iter().for_each(|n| assert!(bounds.holds(f64::from(*n)), "{text} {n}"));
            not.iter().for_each(|n| assert!(!bounds.holds(f64::from(*n)), "{text} {n}"));
        }
        assert_eq!(parse("{gt: 4}", true).unwrap().least_count(), 5);
        assert_eq!(parse("{gte: 4, lt: 9}", true).unwrap().least_count(), 4);
        assert!(parse("{gt: -0.5}", false).unwrap().holds(0.0));
        assert!(!parse("{gte: 4, neq: 6}", true).unwrap().only_from_below());
    }

    #[test]
    fn what_no_number_or_every_number_meets_is_refused() {
        for (text, part) in [
            ("{gte: 5, lte: 4}", "condition is met by no number"),
            ("{eq: 4, neq: 4}", "condition is met by no number"),
            ("{gt: 4, lte: 4}", "condition is met by no number"),
            ("{gte: 0}", "condition holds of every window"),
            ("{gte: -1}", "condition.gte must be a whole number"),
            ("{gte: 2.5}", "condition.gte must be a whole number"),
            ("{gte: 2000000}", "condition.gte must be a whole number"),
            ("{eq: many}", "condition.eq must be a whole number"),
            ("{about: 4}", "condition `about` is unknown"),
            ("{field: f}", "condition must be a map with"),
            ("5", "condition must be a map with"),
        ] {
            let problems = parse(text, true).unwrap_err();
            assert!(problems[0].contains(part), "{text}: {problems:?}");
        }
        assert!(parse("{gte: inf}", false).is_err());
    }
}

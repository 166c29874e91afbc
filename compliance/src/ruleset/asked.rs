//! What is measured within a period, and under which rule on which of its days.

use super::{MeasureRule, RuleSets};
use jiff::ToSpan as _;
use jiff::civil::Date;
use std::collections::BTreeSet;

/// Days of a rule that names none.
pub(crate) const OUTDATED_DAYS: u16 = 15;

/// A measure of a period: the rule of its last day, and what held on days before.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Asked<'a> {
    /// The rule of the last day.
    pub(crate) rule: &'a MeasureRule,
    /// Other rules of the same id, the oldest first.
    pub(crate) earlier: Vec<Before<'a>>,
}

/// A rule that held on some days of a period and no longer on its last.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Before<'a> {
    /// The first of those days.
    pub(crate) from: Date,
    /// The last of them.
    pub(crate) until: Date,
    /// The rule.
    pub(crate) rule: &'a MeasureRule,
}

impl RuleSets {
    /// The measures that hold on a day; of those with one id, the latest to begin.
    #[must_use]
    pub fn measures_on(&self, day: Date) -> Vec<&MeasureRule> {
        let all = self.sets.iter().flat_map(|set| set.measures.iter().map(move |rule| (set, rule)));
        let mut found: Vec<(Option<Date>, &MeasureRule)> = Vec::new();
        for (set, rule) in all.filter(|(set, rule)| rule.law.holds(set, day)) {
            let from = rule.law.from.or(set.law.from);
            match found.iter_mut().find(|(_, known)| known.id == rule.id) {
                Some(known) if known.0 <= from => *known = (from, rule),
                Some(_) => {}
                None => found.push((from, rule)),
            }
        }
        found.into_iter().map(|(_, rule)| rule).collect()
    }

    /// The most days without an update that a measure of the day asks after.
    #[must_use]
    pub fn outdated_days(&self, day: Date) -> u16 {
        self.measures_on(day).iter().filter_map(|rule| rule.outdated_days).max().unwrap_or(OUTDATED_DAYS)
    }

    /// The measures of the last day, each with the rules of its id that held before within the days.
    pub(crate) fn measures_within(&self, first: Date, last: Date) -> Vec<Asked<'_>> {
        let mut asked: Vec<Asked<'_>> =
            self.measures_on(last).into_iter().map(|rule| Asked { rule, earlier: Vec::new() }).collect();
        let changes: Vec<Date> = self.changes(first, last).into_iter().collect();
        for (at, from) in changes.iter().enumerate() {
            let until = changes.get(at + 1).and_then(|next| next.yesterday().ok()).unwrap_or(last);
            for rule in self.measures_on(*from) {
                let Some(one) = asked.iter_mut().find(|one| one.rule.id == rule.id) else { continue };
                if *one.rule == *rule {
                    continue;
                }
                match one.earlier.last_mut() {
                    Some(known) if known.rule == rule => known.until = until,
                    _ => one.earlier.push(Before { from: *from, until, rule }),
                }
            }
        }
        for one in &mut asked {
            let (rule, same) = (one.rule, |a: &MeasureRule, b: &MeasureRule| {
                a.law.citation == b.law.citation && a.threshold == b.threshold && a.wanted == b.wanted
            });
            one.earlier.retain(|before| !same(before.rule, rule));
        }
        asked
    }

    /// The first day, and each on which a measure begins to hold or no longer does.
    fn changes(&self, first: Date, last: Date) -> BTreeSet<Date> {
        let all = self.sets.iter().flat_map(|set| set.measures.iter().map(move |rule| (set, &rule.law)));
        let days = all.flat_map(|(set, law)| {
            let after = law.until.or(set.law.until).and_then(|until| until.checked_add(1.day()).ok());
            [law.from.or(set.law.from), after]
        });
        days.flatten().filter(|day| first < *day && *day <= last).chain([first]).collect()
    }
}

//! What is to be reported of an incident, to whom, by when, and whether it was.

use crate::day_of;
use crate::ruleset::{Class, DeadlineRule, Recipient, RuleSet, RuleSets};
use event::{Severity, Stage, Time};
use serde::Serialize;

/// What of an incident decides about its reports.
#[derive(Clone, Debug)]
pub struct Facts {
    /// When it was noticed: T0.
    pub detected: Time,
    /// Its severity.
    pub severity: Severity,
    /// Its system's level, 0 if unknown.
    pub level: u8,
    /// How far it has come.
    pub stage: Stage,
    /// Whether anything is to be reported at all: not if people found it to be none.
    pub is_incident: bool,
    /// The classes that people gave it: rule set and class.
    pub chosen: Vec<(String, String)>,
    /// What was reported: deadline, recipient and when.
    pub reported: Vec<(String, String, Time)>,
}

/// How a deadline stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Stand {
    /// To be reported, and there is time.
    Pending,
    /// To be reported, and it is late.
    Overdue,
    /// Reported in time.
    Reported,
    /// Reported too late.
    ReportedLate,
}

/// What is to be reported to one recipient.
#[derive(Clone, Debug)]
pub struct Deadline<'a> {
    /// The rule set that asks for it.
    pub set: &'a RuleSet,
    /// The rule.
    pub rule: &'a DeadlineRule,
    /// Its recipient's id.
    pub to: &'a str,
    /// Whom that is on the day of detection.
    pub recipient: Option<&'a Recipient>,
    /// When it is due.
    pub due: Time,
    /// The last moment that counts as in time.
    pub late_after: Time,
    /// When it was reported.
    pub reported: Option<Time>,
    /// How it stands.
    pub stand: Stand,
}

/// An incident's class in one rule set.
#[derive(Clone, Copy, Debug)]
pub struct Classified<'a> {
    /// The rule set.
    pub set: &'a RuleSet,
    /// The class.
    pub class: &'a Class,
    /// Whether a person gave it.
    pub is_chosen: bool,
}

/// All that is to be reported of an incident.
#[derive(Clone, Debug, Default)]
pub struct Reporting<'a> {
    /// Its class in each rule set that has deadlines on its day.
    pub classes: Vec<Classified<'a>>,
    /// What is to be reported, the first due first.
    pub deadlines: Vec<Deadline<'a>>,
}

impl Reporting<'_> {
    /// When the next report that is still owed is late.
    #[must_use]
    pub fn next_due(&self) -> Option<Time> {
        let owed = self.deadlines.iter().filter(|deadline| deadline.reported.is_none());
        owed.map(|deadline| deadline.late_after).min()
    }
}

const MINUTE_MS: i64 = 60_000;

fn minute(time: Time) -> Time {
    Time(time.0.div_euclid(MINUTE_MS) * MINUTE_MS)
}

impl RuleSets {
    /// What is to be reported of an incident. Its day of detection says which rules hold.
    #[must_use]
    pub fn reporting(&self, facts: &Facts, now: Time) -> Reporting<'_> {
        let day = day_of(facts.detected);
        let mut found = Reporting::default();
        for set in self.iter() {
            let mut rules = set.deadlines.iter().filter(|rule| rule.law.holds(set, day)).peekable();
            if rules.peek().is_none() {
                continue;
            }
            let Some(classified) = classified(set, facts) else { continue };
            found.classes.push(classified);
            for rule in rules.filter(|rule| facts.is_incident && rule.classes.contains(&classified.class.id))
            {
                for to in &rule.to {
                    found.deadlines.push(self.deadline(set, rule, to, facts, now));
                }
            }
        }
        found.deadlines.sort_by_key(|deadline| deadline.due);
        found
    }

    fn deadline<'a>(
        &'a self,
        set: &'a RuleSet,
        rule: &'a DeadlineRule,
        to: &'a str,
        facts: &Facts,
        now: Time,
    ) -> Deadline<'a> {
        let due = minute(facts.detected).plus_ms(i64::from(rule.within.minutes) * MINUTE_MS);
        let late_after = due.plus_ms(i64::from(rule.grace.minutes) * MINUTE_MS);
        let report = facts.reported.iter().find(|(what, whom, _)| *what == rule.id && whom == to);
        let reported = report.map(|(_, _, at)| *at);
        let in_time = minute(reported.unwrap_or(now)) <= late_after;
        let stand = match (reported.is_some(), in_time) {
            (true, true) => Stand::Reported,
            (true, false) => Stand::ReportedLate,
            (false, true) => Stand::Pending,
            (false, false) => Stand::Overdue,
        };
        let recipient = self.recipient(to, day_of(facts.detected));
        Deadline { set, rule, to, recipient, due, late_after, reported, stand }
    }
}

/// The class that a person gave, else that of the first rule that fits, else the default.
fn classified<'a>(set: &'a RuleSet, facts: &Facts) -> Option<Classified<'a>> {
    let class = |id: &str| set.classes.iter().find(|class| class.id == id);
    let chosen = facts.chosen.iter().find(|(of, _)| *of == set.id).and_then(|(_, id)| class(id));
    if let Some(class) = chosen {
        return Some(Classified { set, class, is_chosen: true });
    }
    let how = set.classification.as_ref()?;
    let fits = |rule: &&crate::ruleset::ClassifyRule| {
        (rule.severity.is_empty() || rule.severity.contains(&facts.severity))
            && (rule.level.is_empty() || rule.level.contains(&facts.level))
            && (rule.stage.is_empty() || rule.stage.contains(&facts.stage))
    };
    let id = how.rules.iter().find(fits).map_or(&how.default, |rule| &rule.class);
    class(id).map(|class| Classified { set, class, is_chosen: false })
}

#[cfg(test)]
mod tests;

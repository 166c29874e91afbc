//! The whole: an event in, matches, alerts and incidents out.

use crate::found::Context;
use crate::record::{Flat, Record};
use crate::ruleset::RuleSet;
use event::{Alert, Event, EventId, Incident, Match};
use serde::Deserialize;
use std::sync::Arc;
use uuid::Uuid;

/// Limits of the correlator's memory and patience. At a limit the oldest goes and is counted.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// How far an event may claim to be ahead of its receipt before its receipt counts instead, in ms.
    pub ahead_ms_max: i64,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { ahead_ms_max: 300_000 }
    }
}

/// What came of events. The caller empties it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Output {
    /// Events that met rules.
    pub matches: Vec<Match>,
    /// New or changed alerts; the same id again replaces the former.
    pub alerts: Vec<Alert>,
    /// New or changed incidents; the same id again replaces the former.
    pub incidents: Vec<Incident>,
    /// Alerts that late events made part of another: (from, into).
    pub superseded: Vec<(Uuid, Uuid)>,
    /// Incidents that turned out to be one: (from, into).
    pub merged: Vec<(Uuid, Uuid)>,
}

/// Rules and their windows.
#[derive(Debug)]
pub struct Correlator {
    rules: Arc<RuleSet>,
    limits: Limits,
}

impl Correlator {
    /// A correlator that has seen nothing.
    #[must_use]
    pub fn new(rules: Arc<RuleSet>, limits: Limits) -> Correlator {
        Correlator { rules, limits }
    }

    /// Takes in an event of ours.
    pub fn process(&mut self, event: &Event, out: &mut Output) {
        let context = Context::of_event(event, self.limits.ahead_ms_max);
        self.detect(Record::Event(event), &context, out);
    }

    /// Takes in a flat object, as its `id`-th line.
    pub fn process_flat(&mut self, flat: &Flat, id: EventId, out: &mut Output) {
        let context = Context::of_flat(flat, id);
        self.detect(Record::Flat(flat), &context, out);
    }

    fn detect(&mut self, record: Record<'_>, context: &Context, out: &mut Output) {
        let rules = Arc::clone(&self.rules);
        for rule in rules.detections.iter().filter(|rule| rule.holds(record)) {
            out.matches.push(context.found(rule, record));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::RuleFile;
    use event::{Draft, Field, Raw, Time};

    const PIPELINE: &str = "pipeline: linux
logsources:
  - product: linux
    service: sshd
    when: {event.module: system, process.name: sshd}
    fields: {User: user.name}
";
    const RULE: &str = "title: Failed login
id: 3b7b0a2e-0000-4000-8000-000000000001
level: low
logsource: {product: linux, service: sshd}
detection:
  sel: {event.outcome: failure, User|startswith: adm}
  condition: sel
";

    fn rules(texts: &[&str]) -> Arc<RuleSet> {
        let files: Vec<RuleFile> = texts
            .iter()
            .enumerate()
            .map(|(at, text)| RuleFile { path: format!("{at}.yml"), text: (*text).to_owned() })
            .collect();
        Arc::new(RuleSet::compile(&files).unwrap())
    }

    #[test]
    fn a_rule_meets_an_event_through_its_pipeline() {
        let mut correlator = Correlator::new(rules(&[PIPELINE, RULE]), Limits::default());
        let mut out = Output::default();
        for (process, expected) in [("sshd", 1), ("cron", 0)] {
            let mut draft = Draft::new(&Raw::stdin("line", Time(1_790_000_000_000), 1));
            draft.word(Field::EVENT_MODULE, "system");
            draft.put(Field::PROCESS_NAME, process);
            draft.put(Field::EVENT_OUTCOME, "failure");
            draft.put(Field::USER_NAME, "Admin");
            out.matches.clear();
            correlator.process(&draft.finish(), &mut out);
            assert_eq!(out.matches.len(), expected, "{process}");
        }
    }
}

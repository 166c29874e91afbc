//! The whole: an event in, matches, alerts and incidents out.

use crate::engine::Engine;
use crate::episode::{Facts, Key};
use crate::found::Context;
use crate::incident::Incidents;
use crate::record::{Flat, Record};
use crate::ruleset::{CorrelationRule, DetectionRule, RuleSet};
use crate::single::Singles;
use crate::watermark::{Patience, Watermark};
use crate::window::{Ask, Taken, Window};
use event::{Alert, Entity, Event, EventId, Incident, Match, Severity, Time};
use serde::Deserialize;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use uuid::Uuid;

/// Limits of the correlator's memory and patience. What the order of arrival decides, it decides beyond these only.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// How far an event may claim to be ahead of its receipt before its receipt counts instead, in ms.
    pub ahead_ms_max: i64,
    /// How late a match may come and still be counted, in ms, behind the slowest source that is alive. A later one is
    /// kept as a match, counted by no window and added to [`Counters::late`].
    pub lateness_ms: i64,
    /// After how long without a match a source holds nobody back, in ms of receipt.
    pub idle_ms: i64,
    /// How many sources are told apart; beyond, the one that was quiet the longest goes.
    pub sources_max: usize,
    /// How many groups one correlation rule keeps; beyond, a sixteenth goes, the quietest first.
    pub groups_max: usize,
    /// How many matches one group keeps (or as many as its rule counts to); beyond, the oldest go.
    pub group_matches_max: usize,
    /// How many alerts of single events are open; beyond, a sixteenth goes, the quietest first.
    pub singles_max: usize,
    /// How far apart in time two alerts of one incident may be, in ms.
    pub incident_gap_ms: i64,
    /// How many alerts are kept to be linked; beyond, a sixteenth goes, the oldest first.
    pub incident_alerts_max: usize,
    /// An entity that more alerts name links none of them.
    pub entity_alerts_max: usize,
    /// Names of users, hosts and addresses that link no alerts: accounts that every machine has, gateways, collectors.
    pub shared_entities: BTreeSet<String>,
}

impl Default for Limits {
    fn default() -> Limits {
        let shared = [
            "root",
            "administrator",
            "admin",
            "system",
            "localhost",
            "127.0.0.1",
            "::1",
            "0.0.0.0",
            "255.255.255.255",
        ];
        Limits {
            ahead_ms_max: 300_000,
            lateness_ms: 600_000,
            idle_ms: 600_000,
            sources_max: 4096,
            groups_max: 100_000,
            group_matches_max: 4096,
            singles_max: 50_000,
            incident_gap_ms: 4 * 3_600_000,
            incident_alerts_max: 20_000,
            entity_alerts_max: 256,
            shared_entities: shared.map(str::to_owned).into(),
        }
    }
}

impl Limits {
    /// For events at rest: however late a match comes, it is counted.
    #[must_use]
    pub fn offline() -> Limits {
        Limits { lateness_ms: i64::MAX / 4, ..Limits::default() }
    }

    pub(crate) fn is_shared(&self, entity: &Entity) -> bool {
        self.shared_entities.contains(&entity.name)
    }

    fn patience(&self) -> Patience {
        Patience { lateness_ms: self.lateness_ms, idle_ms: self.idle_ms, sources_max: self.sources_max }
    }
}

/// What was left out, and why; each only grows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Events that met a rule and were left out by a filter.
    pub filtered: u64,
    /// Matches that came too late for their windows.
    pub late: u64,
    /// Matches without a field that their correlation groups by or counts.
    pub ungrouped: u64,
    /// Groups let go because a rule had too many.
    pub groups_evicted: u64,
    /// Open alerts of single events let go.
    pub singles_evicted: u64,
    /// Alerts let go because too many were kept to be linked.
    pub alerts_evicted: u64,
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
    engine: Engine,
    limits: Limits,
    watermark: Watermark,
    /// The windows of each correlation rule, in the order of the rule set.
    windows: Vec<HashMap<Vec<String>, Window>>,
    changed: BTreeSet<(usize, Vec<String>)>,
    singles: Singles,
    incidents: Incidents,
    counters: Counters,
    taken: u64,
    /// Room for the rules that an event meets.
    found: Vec<u32>,
    /// The floor when what is forgotten was last swept out.
    swept: Time,
}

impl Correlator {
    /// A correlator that has seen nothing.
    #[must_use]
    pub fn new(rules: Arc<RuleSet>, limits: Limits) -> Correlator {
        let windows = rules.correlations.iter().map(|_| HashMap::new()).collect();
        Correlator {
            engine: Engine::new(&rules),
            rules,
            limits,
            watermark: Watermark::new(),
            windows,
            changed: BTreeSet::new(),
            singles: Singles::default(),
            incidents: Incidents::default(),
            counters: Counters::default(),
            taken: 0,
            found: Vec::new(),
            swept: Time(i64::MIN),
        }
    }

    /// Takes in an event of ours.
    pub fn process(&mut self, event: &Event, out: &mut Output) {
        let ahead_ms_max = self.limits.ahead_ms_max;
        self.detect(Record::Event(event), || Context::of_event(event, ahead_ms_max), out);
    }

    /// Takes in a flat object, under the id that it shall have.
    pub fn process_flat(&mut self, flat: &Flat, id: EventId, out: &mut Output) {
        self.detect(Record::Flat(flat), || Context::of_flat(flat, id), out);
    }

    /// Takes in a match that was found before, to rebuild windows after a restart. Matches of rules that are gone are
    /// passed over; a match that was taken in already changes nothing.
    pub fn replay(&mut self, found: &Match, out: &mut Output) {
        let rules = Arc::clone(&self.rules);
        if let Some(rule) = rules.detection(&found.rule) {
            self.absorb(rule, found, out);
        }
    }

    /// Tells every alert and incident that changed since it was last told: new ones are told at once, counts wait for
    /// this. Call it about once a second, and at the end.
    pub fn flush(&mut self, out: &mut Output) {
        let rules = Arc::clone(&self.rules);
        for (at, group) in std::mem::take(&mut self.changed) {
            let Some(rule) = rules.correlations.get(at) else { continue };
            let Some(window) = self.windows.get_mut(at).and_then(|groups| groups.get_mut(&group)) else {
                continue;
            };
            let alerts = changed(rule, &group, window, true);
            self.tell(alerts, out);
        }
        let alerts = self.singles.flush(|id| rules.meta(id));
        self.tell(alerts, out);
        self.incidents.flush(out);
        self.watermark.advance(self.limits.patience());
        self.sweep();
    }

    /// Goes on with other rules. The windows of correlations that mean the same as before are kept.
    pub fn reload(&mut self, rules: Arc<RuleSet>, out: &mut Output) {
        self.flush(out);
        let mut kept: HashMap<(&str, &str), HashMap<Vec<String>, Window>> = HashMap::new();
        for (rule, groups) in self.rules.correlations.iter().zip(std::mem::take(&mut self.windows)) {
            kept.insert((&rule.meta.id, &rule.fingerprint), groups);
        }
        let windows = rules
            .correlations
            .iter()
            .map(|rule| kept.remove(&(rule.meta.id.as_str(), rule.fingerprint.as_str())).unwrap_or_default());
        self.windows = windows.collect();
        drop(kept);
        self.engine = Engine::new(&rules);
        self.rules = rules;
    }

    /// The rules in use.
    #[must_use]
    pub fn rules(&self) -> &Arc<RuleSet> {
        &self.rules
    }

    /// What was left out so far.
    #[must_use]
    pub fn counters(&self) -> Counters {
        Counters {
            singles_evicted: self.singles.evicted,
            alerts_evicted: self.incidents.evicted,
            ..self.counters
        }
    }

    /// Stage one. Most events meet no rule, so the context waits for the first that does.
    fn detect(&mut self, record: Record<'_>, context: impl Fn() -> Context, out: &mut Output) {
        let mut known: Option<Context> = None;
        let rules = Arc::clone(&self.rules);
        let mut found = std::mem::take(&mut self.found);
        self.engine.find(&rules, record, &mut found);
        for rule in found.iter().filter_map(|at| rules.detections.get(*at as usize)) {
            let context = known.get_or_insert_with(&context);
            if rule.is_filtered(record, context.time) {
                self.counters.filtered += 1;
                continue;
            }
            let found = context.found(rule, record);
            self.absorb(rule, &found, out);
            out.matches.push(found);
        }
        self.found = found;
    }

    /// Stage two: windows and alerts of a match.
    fn absorb(&mut self, rule: &DetectionRule, found: &Match, out: &mut Output) {
        let rules = Arc::clone(&self.rules);
        if !rule.silenced && rule.meta.level > Severity::Informational {
            let alert = self.singles.take(&rule.meta, found, self.limits.singles_max);
            self.tell(alert.into_iter().collect(), out);
        }
        if rule.feeds.is_empty() {
            return;
        }
        self.watermark.see(found, self.limits.patience());
        self.sweep();
        if found.time < self.watermark.floor() {
            self.counters.late += 1;
            return;
        }
        for (at, nth) in &rule.feeds {
            if let Some(correlation) = rules.correlations.get(*at) {
                self.window(*at, correlation, *nth, found, out);
            }
        }
    }

    fn window(&mut self, at: usize, rule: &CorrelationRule, nth: usize, found: &Match, out: &mut Output) {
        let Some((group, counted)) = rule.place(nth, found) else {
            self.counters.ungrouped += 1;
            return;
        };
        let Some(groups) = self.windows.get_mut(at) else { return };
        if !groups.contains_key(&group) && groups.len() >= self.limits.groups_max {
            self.counters.groups_evicted += evict(groups, self.limits.groups_max);
        }
        let window = groups.entry(group.clone()).or_default();
        self.taken += 1;
        window.touched = self.taken;
        window.forget_before(self.watermark.floor(), rule.correlation.timespan_ms);
        let ask = Ask {
            measure: &rule.correlation.measure,
            timespan_ms: rule.correlation.timespan_ms,
            at_least: rule.correlation.at_least,
            entries_max: self.limits.group_matches_max,
        };
        let key = Key { time: found.time, event: found.event, rule: u8::try_from(nth).unwrap_or(u8::MAX) };
        let id = |event: EventId| rule.alert_id(&group, event);
        let mut superseded = Vec::new();
        if window.take(key, counted, Facts::of(found), ask, &id, &mut superseded) == Taken::TooOld {
            self.counters.late += 1;
        }
        let told: Vec<Alert> =
            superseded.iter().filter_map(|(_, into)| window.alert(*into, rule, &group)).collect();
        let alerts = changed(rule, &group, window, false);
        if window.episodes.iter().any(|episode| episode.dirty) {
            self.changed.insert((at, group));
        }
        for ((from, into), alert) in superseded.into_iter().zip(told) {
            out.superseded.push((from, into));
            self.incidents.supersede(from, &alert, &self.limits, out);
        }
        self.tell(alerts, out);
    }

    fn tell(&mut self, alerts: Vec<Alert>, out: &mut Output) {
        for alert in alerts {
            self.incidents.take(&alert, &self.limits, out);
            out.alerts.push(alert);
        }
    }

    /// Sweeps out what is forgotten, now and then: each sweep is paid for by the time that passed since the last.
    fn sweep(&mut self) {
        let floor = self.watermark.floor();
        if floor.0.saturating_sub(self.swept.0) < SWEEP_EVERY_MS {
            return;
        }
        self.swept = floor;
        let changed = &self.changed;
        for (at, (rule, groups)) in self.rules.correlations.iter().zip(&mut self.windows).enumerate() {
            groups.retain(|group, window| {
                window.forget_before(floor, rule.correlation.timespan_ms);
                !window.is_empty() || changed.contains(&(at, group.clone()))
            });
        }
        self.singles.forget_before(floor);
        self.incidents.forget_before(floor, &self.limits);
    }
}

/// How much event time lies between two sweeps.
const SWEEP_EVERY_MS: i64 = 60_000;

/// The alerts of the window that were never told or, with `all`, that changed since.
fn changed(rule: &CorrelationRule, group: &[String], window: &mut Window, all: bool) -> Vec<Alert> {
    let mut alerts = Vec::new();
    for episode in &mut window.episodes {
        if episode.dirty && (all || !episode.told) {
            episode.dirty = false;
            episode.told = true;
            alerts.push(rule.alert(group, episode));
        }
    }
    alerts
}

/// Lets the sixteenth go that was quiet the longest.
fn evict(groups: &mut HashMap<Vec<String>, Window>, groups_max: usize) -> u64 {
    let mut ages: Vec<u64> = groups.values().map(|window| window.touched).collect();
    if ages.is_empty() {
        return 0;
    }
    let nth = (groups_max / 16).min(ages.len() - 1);
    let (_, limit, _) = ages.select_nth_unstable(nth);
    let limit = *limit;
    let before = groups.len();
    groups.retain(|_, window| window.touched > limit);
    u64::try_from(before - groups.len()).unwrap_or(0)
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

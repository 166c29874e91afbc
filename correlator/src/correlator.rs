//! The whole: an event in, matches, alerts and incidents out.

use crate::engine::Engine;
use crate::entry::{Arrival, Effects, Entry, Hot, Taken};
use crate::episode::Key;
use crate::facts::Facts;
use crate::groups::{Evicted, Groups};
use crate::incident::Incidents;
use crate::limits::{Counters, Limits};
use crate::line::LineReader;
use crate::resolve::CorrelationRule;
use crate::ruleset::{DetectionRule, RuleSet};
use crate::sigma::correlation::Verdict;
use crate::single::{self, Singles};
use crate::suppression::chain::Chains;
use crate::watermark::Watermark;
use crate::window::Window;
use event::{Alert, Incident, Match, Severity, Time};
use std::collections::HashMap;
use std::sync::Arc;
use uuid::Uuid;

mod matching;
mod telling;

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

/// How far a correlator goes.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub enum Depth {
    /// Which events meet which rules.
    Matches,
    /// And what they add up to.
    Alerts,
    /// And what of that belongs together.
    Incidents,
}

/// Rules and their windows.
#[derive(Debug)]
pub struct Correlator {
    rules: Arc<RuleSet>,
    engine: Engine,
    limits: Limits,
    watermark: Watermark,
    /// The windows of each correlation rule, in the order of the rule set.
    groups: Vec<Groups>,
    /// What rules that were reloaded away let go.
    evicted: Evicted,
    singles: Singles,
    chains: Chains,
    incidents: Incidents,
    depth: Depth,
    counters: Counters,
    /// Reads JSON lines; it has learned their keys.
    reader: Option<Box<LineReader>>,
    /// Room for the rules that an event meets.
    found: Vec<u32>,
    /// Room for the group of a match, and for its facts.
    group: Vec<u8>,
    facts: Vec<u8>,
    /// The floor when alerts were last swept out.
    swept: Time,
    /// How many matches windows stepped on: what they cost.
    #[cfg(test)]
    pub(crate) steps: u64,
}

impl Correlator {
    /// A correlator that has seen nothing.
    #[must_use]
    pub fn new(rules: Arc<RuleSet>, limits: Limits) -> Correlator {
        let groups = rules.correlations.iter().map(|_| Groups::new()).collect();
        Correlator {
            engine: Engine::new(&rules),
            rules,
            limits,
            watermark: Watermark::new(),
            groups,
            evicted: Evicted::default(),
            singles: Singles::default(),
            chains: Chains::default(),
            incidents: Incidents::default(),
            depth: Depth::Incidents,
            counters: Counters::default(),
            reader: None,
            found: Vec::new(),
            group: Vec::new(),
            facts: Vec::new(),
            swept: Time(i64::MIN),
            #[cfg(test)]
            steps: 0,
        }
    }

    /// Takes in a match that was found before, to rebuild windows after a restart. Matches of rules that are gone are
    /// passed over; a match that was taken in already changes nothing.
    pub fn replay(&mut self, found: &Match, out: &mut Output) {
        let rules = Arc::clone(&self.rules);
        if let Some(rule) = rules.detection(&found.rule) {
            self.absorb(rule, found, out);
        }
    }

    /// Tells every alert and incident that changed since it was last told: new ones are told at once, counts and what
    /// waits for the close of a window wait for this. Call it about once a second.
    pub fn flush(&mut self, out: &mut Output) {
        self.settle(out);
        let rules = Arc::clone(&self.rules);
        for (at, rule) in rules.correlations.iter().enumerate() {
            let Some(groups) = self.groups.get_mut(at) else { continue };
            let mut alerts = Vec::new();
            for slot in groups.take_changed() {
                if let Some(window) = groups.get_mut(slot) {
                    alerts.extend(changed(rule, window, true));
                }
            }
            self.tell(alerts, false, out);
        }
        let alerts = self.singles.flush(|id| rules.meta(id));
        self.tell(alerts, false, out);
        self.tell_held(out);
        self.incidents.flush(out);
        self.sweep();
    }

    /// At the end of events at rest: every window closes, and all is told.
    pub fn finish(&mut self, out: &mut Output) {
        self.watermark.finish();
        self.flush(out);
    }

    /// Goes on with other rules. The windows of correlations that mean the same as before are kept.
    pub fn reload(&mut self, rules: Arc<RuleSet>, out: &mut Output) {
        self.flush(out);
        let mut kept: HashMap<(&str, &str), Groups> = HashMap::new();
        for (rule, groups) in self.rules.correlations.iter().zip(std::mem::take(&mut self.groups)) {
            kept.insert((&rule.meta.id, &rule.fingerprint), groups);
        }
        let groups = rules.correlations.iter().map(|rule| {
            let same = (rule.meta.id.as_str(), rule.fingerprint.as_str());
            kept.remove(&same).unwrap_or_else(Groups::new)
        });
        self.groups = groups.collect();
        self.evicted = kept.values().fold(self.evicted, |sum, groups| sum.plus(groups.evicted));
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
        let evicted = self.groups.iter().fold(self.evicted, |sum, groups| sum.plus(groups.evicted));
        Counters {
            groups_evicted: evicted.groups,
            matches_evicted: evicted.matches,
            alerts_hidden: evicted.hiding,
            singles_evicted: self.singles.evicted,
            suppressed: self.chains.suppressed,
            suppressions_evicted: self.chains.evicted,
            alerts_evicted: self.incidents.evicted,
            ..self.counters
        }
    }

    /// The correlation rules, by id, that had to let something go. Where `hiding` is not 0, the rule may have missed an
    /// alert: it needs more room, or a narrower group.
    pub fn evicted(&self) -> impl Iterator<Item = (&str, Evicted)> {
        let rules = self.rules.correlations.iter().zip(&self.groups);
        rules
            .map(|(rule, groups)| (rule.meta.id.as_str(), groups.evicted))
            .filter(|(_, evicted)| *evicted != Evicted::default())
    }

    /// How many groups the windows of all correlation rules have, and about how many bytes they take.
    #[must_use]
    pub fn size(&self) -> (usize, usize) {
        self.groups.iter().map(Groups::size).fold((0, 0), |sum, size| (sum.0 + size.0, sum.1 + size.1))
    }

    /// Stage two: windows and alerts of a match.
    fn absorb(&mut self, rule: &DetectionRule, found: &Match, out: &mut Output) {
        let rules = Arc::clone(&self.rules);
        if !rule.silenced && rule.meta.level > Severity::Informational {
            let group = rule.held.as_ref().and_then(|held| held.group_of(found));
            let alert = match group {
                Some(group) => Some(single::lone(&rule.meta, found, &group)),
                None => self.singles.take(&rule.meta, found, self.limits.singles_max),
            };
            self.tell(alert.into_iter().collect(), true, out);
        }
        if rule.feeds.is_empty() {
            return;
        }
        self.watermark.see(found, self.limits.patience());
        if self.watermark.floor().0.saturating_sub(self.swept.0) >= SWEEP_EVERY_MS {
            self.settle(out);
            self.sweep();
        }
        if found.time < self.watermark.floor() {
            self.counters.late += 1;
            return;
        }
        let (mut group, mut facts) = (std::mem::take(&mut self.group), std::mem::take(&mut self.facts));
        Facts::pack(found, &mut facts);
        for (at, nth) in &rule.feeds {
            let Some(correlation) = rules.correlations.get(*at) else { continue };
            let Some(counted) = correlation.place(*nth, found, &mut group) else {
                self.counters.ungrouped += 1;
                continue;
            };
            let key = Key { time: found.time, event: found.event, rule: place(*nth) };
            let arrival = Arrival { entry: Entry::new(key, counted), facts: &facts };
            self.window(*at, correlation, &group, arrival, out);
        }
        (self.group, self.facts) = (group, facts);
    }

    /// A match of the rule's group.
    fn window(
        &mut self,
        at: usize,
        rule: &CorrelationRule,
        group: &[u8],
        arrival: Arrival<'_>,
        out: &mut Output,
    ) {
        let Some(groups) = self.groups.get_mut(at) else { return };
        let floor = self.watermark.floor().plus_ms(-rule.behind_ms);
        let mut effects = Effects::default();
        let bytes_max = self.limits.rule_bytes_max.min(BYTES_MAX);
        let (slot, taken) = groups.take(group, arrival, rule, floor, bytes_max, &mut effects);
        if taken == Taken::TooOld {
            self.counters.late += 1;
        }
        self.tell_effects(at, rule, slot, effects, out);
    }

    /// Works out what waited: late matches, and what the floor has passed. Inner correlations come before outer ones.
    fn settle(&mut self, out: &mut Output) {
        let rules = Arc::clone(&self.rules);
        for (at, rule) in rules.correlations.iter().enumerate() {
            let floor = self.watermark.floor().plus_ms(-rule.behind_ms);
            let behind = match self.groups.get(at) {
                Some(groups) if rule.verdict == Verdict::AtOnce => groups.behind(),
                _ => Vec::new(),
            };
            let mut behind = behind.into_iter();
            while let Some(groups) = self.groups.get_mut(at)
                && let Some(slot) = behind.next().or_else(|| groups.pop_due(floor))
            {
                let mut effects = Effects::default();
                groups.settle(slot, rule, floor, &mut effects);
                self.tell_effects(at, rule, slot, effects, out);
            }
        }
    }

    /// Tells what came of a group's match, and feeds the correlations that refer to its rule.
    fn tell_effects(
        &mut self,
        at: usize,
        rule: &CorrelationRule,
        slot: u32,
        effects: Effects,
        out: &mut Output,
    ) {
        #[cfg(test)]
        {
            self.steps += effects.steps;
        }
        let Some(groups) = self.groups.get_mut(at) else { return };
        let Some(window) = groups.get_mut(slot) else { return };
        let into = |id: &Uuid| window.episodes().iter().find(|episode| episode.id == *id);
        let told: Vec<Alert> = (effects.superseded.iter().filter(|_| !rule.silenced))
            .filter_map(|(_, id)| into(id).map(|episode| rule.alert(window.group(), episode)))
            .collect();
        let alerts = changed(rule, window, false);
        let waits = window.is_behind() || window.has_changed();
        let inner: Box<[u8]> = if effects.hots.is_empty() { Box::default() } else { window.group().into() };
        if waits {
            groups.queue(slot);
        }
        for ((from, into), alert) in effects.superseded.into_iter().zip(told) {
            self.supersede((from, into), alert, out);
        }
        self.tell(alerts, true, out);
        for hot in effects.hots {
            self.feed(rule, &inner, &hot, out);
        }
    }

    /// The rule holds at a match: that is a match of the correlations that refer to it.
    fn feed(&mut self, rule: &CorrelationRule, inner: &[u8], hot: &Hot, out: &mut Output) {
        let rules = Arc::clone(&self.rules);
        let mut group = Vec::new();
        for (at, nth) in &rule.feeds {
            let Some(outer) = rules.correlations.get(*at) else { continue };
            let Some(counted) = outer.place_inner(*nth, inner, hot.counted, &mut group) else {
                self.counters.ungrouped += 1;
                continue;
            };
            let key = Key { time: hot.time, event: hot.event, rule: place(*nth) };
            let arrival = Arrival { entry: Entry::new(key, counted), facts: &hot.facts };
            self.window(*at, outer, &group, arrival, out);
        }
    }

    /// Sweeps out what is forgotten, now and then, after what it had to say was said.
    fn sweep(&mut self) {
        let floor = self.watermark.floor();
        for (rule, groups) in self.rules.correlations.iter().zip(&mut self.groups) {
            groups.sweep(rule, floor.plus_ms(-rule.behind_ms));
        }
        if floor.0.saturating_sub(self.swept.0) >= SWEEP_EVERY_MS {
            self.swept = floor;
            self.singles.forget_before(floor);
            self.chains.forget_before(floor);
            self.incidents.forget_before(floor, &self.limits);
        }
    }
}

/// How much event time lies between two sweeps.
const SWEEP_EVERY_MS: i64 = 60_000;

/// What a rule's windows take at most, so that places in a window's buffers fit 32 bits.
const BYTES_MAX: usize = u32::MAX as usize;

fn place(nth: usize) -> u8 {
    u8::try_from(nth).unwrap_or(u8::MAX)
}

/// The alerts of the window that were never told or, with `all`, that changed since. Those that another correlation keeps
/// to itself are passed over.
fn changed(rule: &CorrelationRule, window: &mut Window, all: bool) -> Vec<Alert> {
    let mut alerts = Vec::new();
    let (group, episodes) = window.changed(all);
    for episode in episodes {
        if episode.dirty && (all || !episode.told) {
            episode.dirty = false;
            episode.told = true;
            if !rule.silenced {
                alerts.push(rule.alert(group, episode));
            }
        }
    }
    alerts
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

//! Properties of the whole: the order of arrival has no say, a restart has no say, and the windows are those of a naive
//! reading of the definition.

use crate::{Correlator, Limits, Output, RuleFile, RuleSet};
use event::{Alert, Entity, EntityKind, EventId, Incident, Match, Severity, Time};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use uuid::Uuid;

const RULES: &str = "
title: Failed login
id: failed
level: low
logsource: {category: test}
detection: {sel: {event.outcome: failure}, condition: sel}
---
title: Login
id: login
level: low
logsource: {category: test}
detection: {sel: {event.outcome: success}, condition: sel}
---
title: Malware
id: malware
level: high
tags: [attack.command-and-control]
logsource: {category: test}
detection: {sel: {event.category: malware}, condition: sel}
---
title: Odd
id: odd
level: low
logsource: {category: test}
detection: {sel: {event.category: odd}, condition: sel}
---
title: Many failures
id: many
level: high
correlation: {type: event_count, rules: [failed], group-by: [source.ip], timespan: 1m, condition: {gte: 3}}
---
title: Many users
id: users
level: medium
correlation:
  {type: value_count, rules: [failed], group-by: [source.ip], timespan: 2m, condition: {gt: 2, field: user.name}}
---
title: Failure and success
id: both
level: medium
correlation: {type: temporal, rules: [failed, login], group-by: [source.ip], timespan: 30s}
---
title: Failure then success
id: then
level: critical
correlation: {type: temporal_ordered, rules: [failed, login], group-by: [source.ip, user.name], timespan: 45s}
";

fn rules() -> Arc<RuleSet> {
    let file = RuleFile { path: "rules.yml".into(), text: RULES.into() };
    Arc::new(RuleSet::compile(&[file]).unwrap())
}

pub(crate) const START: i64 = 1_790_000_000_000;

/// A match as stage one would make it.
pub(crate) fn found(nth: u64, second: i64, rule: u8, ip: u8, user: u8) -> Match {
    let time = Time(START + second * 1000);
    let rule = ["failed", "login", "malware", "odd", "failed"][usize::from(rule)];
    let (address, user) = (format!("192.0.2.{ip}"), format!("user{user}"));
    Match {
        rule: rule.into(),
        event: EventId::new(time, 0, nth),
        time,
        source: format!("device{}", nth % 3),
        level: Severity::Low,
        values: vec![("source.ip".into(), address.clone()), ("user.name".into(), user.clone())],
        entities: vec![
            Entity { kind: EntityKind::Address, name: address },
            Entity { kind: EntityKind::User, name: user },
        ],
        unit: String::new(),
        system: String::new(),
        system_level: u8::try_from(nth % 4).unwrap(),
        because: Vec::new(),
        is_clamped: false,
        authorised: None,
    }
}

/// What a store would hold in the end.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Held {
    pub(crate) alerts: BTreeMap<Uuid, Alert>,
    pub(crate) incidents: BTreeMap<Uuid, Incident>,
}

impl Held {
    /// `dead` are ids that were superseded or merged: they must never come back.
    fn take(&mut self, out: &mut Output, dead: &mut BTreeSet<Uuid>) {
        let out = std::mem::take(out);
        assert!(out.alerts.iter().all(|alert| !dead.contains(&alert.id)));
        assert!(out.incidents.iter().all(|incident| !dead.contains(&incident.id)));
        dead.extend(out.superseded.iter().chain(&out.merged).map(|(from, _)| *from));
        self.alerts.extend(out.alerts.into_iter().map(|alert| (alert.id, alert)));
        self.incidents.extend(out.incidents.into_iter().map(|incident| (incident.id, incident)));
        for (from, into) in out.superseded {
            assert_ne!(from, into);
            self.alerts.remove(&from);
        }
        for (from, into) in out.merged {
            assert_ne!(from, into);
            self.incidents.remove(&from);
        }
    }
}

fn run(matches: &[Match], limits: &Limits, flush_every: usize) -> (Held, Correlator) {
    at_rest(&rules(), limits, matches, flush_every)
}

/// All the matches one after the other, and then the end.
pub(crate) fn at_rest(
    rules: &Arc<RuleSet>,
    limits: &Limits,
    matches: &[Match],
    flush_every: usize,
) -> (Held, Correlator) {
    let mut correlator = Correlator::new(Arc::clone(rules), limits.clone());
    let (mut held, mut out, mut dead) = (Held::default(), Output::default(), BTreeSet::new());
    for (at, found) in matches.iter().enumerate() {
        correlator.replay(found, &mut out);
        if at % flush_every == 0 {
            correlator.flush(&mut out);
        }
        held.take(&mut out, &mut dead);
    }
    correlator.finish(&mut out);
    held.take(&mut out, &mut dead);
    (held, correlator)
}

fn matches(count: usize, seconds: i64) -> impl Strategy<Value = Vec<(Match, i64)>> {
    let one = (0..seconds, 0u8..5, 0u8..3, 0u8..5, 0i64..600);
    proptest::collection::vec(one, 1..count).prop_map(|all| {
        let numbered = all
            .into_iter()
            .enumerate()
            .map(|(nth, (second, rule, ip, user, delay))| (found(nth as u64, second, rule, ip, user), delay));
        numbered.collect()
    })
}

fn in_order(matches: &[(Match, i64)]) -> Vec<Match> {
    let mut sorted: Vec<Match> = matches.iter().map(|(found, _)| found.clone()).collect();
    sorted.sort_by_key(|found| (found.time, found.event));
    sorted
}

/// Each match arrives up to ten minutes after it happened: within the lateness.
fn delayed(matches: &[(Match, i64)]) -> Vec<Match> {
    let mut sorted = matches.to_vec();
    sorted.sort_by_key(|(found, delay)| found.time.plus_ms(delay * 1000));
    sorted.into_iter().map(|(found, _)| found).collect()
}

type Span = (String, Vec<String>, Time, Time, u64);

/// Episodes by the letter of the definition: every window, then their union.
fn naive(matches: &[Match]) -> Vec<Span> {
    let mut spans = Vec::new();
    let same_user = |a: &Match, b: &Match| a.values[1] == b.values[1];
    for (rule, wanted, ms) in [
        ("many", &["failed"][..], 60_000),
        ("users", &["failed"], 120_000),
        ("both", &["failed", "login"], 30_000),
        ("then", &["failed", "login"], 45_000),
    ] {
        let mut groups: BTreeMap<Vec<String>, Vec<&Match>> = BTreeMap::new();
        for found in matches.iter().filter(|found| wanted.contains(&found.rule.as_str())) {
            let fields = if rule == "then" { 2 } else { 1 };
            let group = found.values.iter().take(fields).map(|(_, value)| value.clone()).collect();
            groups.entry(group).or_default().push(found);
        }
        for (group, mut all) in groups {
            all.sort_by_key(|found| (found.time, found.event));
            let satisfied = |window: &[&Match]| match rule {
                "many" => window.len() >= 3,
                "users" => {
                    let firsts = window.iter().enumerate();
                    firsts.filter(|(at, a)| !window[..*at].iter().any(|b| same_user(a, b))).count() >= 3
                }
                "both" => {
                    ["failed", "login"].iter().all(|rule| window.iter().any(|found| found.rule == *rule))
                }
                _ => {
                    let last = window.len() - 1;
                    window[last].rule == "login" && window.iter().any(|found| found.rule == "failed")
                }
            };
            let mut members = vec![false; all.len()];
            let mut joined = vec![false; all.len()]; // with the one before
            for end in 0..all.len() {
                let begin = (0..=end).find(|at| all[*at].time.plus_ms(ms) >= all[end].time).unwrap();
                if satisfied(&all[begin..=end]) {
                    members[begin..=end].fill(true);
                    joined[begin + 1..=end].fill(true);
                }
            }
            let mut at = 0;
            while at < all.len() {
                if !members[at] {
                    at += 1;
                    continue;
                }
                let end = (at + 1..all.len()).find(|next| !joined[*next]).unwrap_or(all.len());
                let count = (end - at) as u64;
                spans.push((rule.to_owned(), group.clone(), all[at].time, all[end - 1].time, count));
                at = end;
            }
        }
    }
    spans.sort();
    spans
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn the_order_of_arrival_has_no_say(matches in matches(160, 9000), every in 1usize..40) {
        let (expected, _) = run(&in_order(&matches), &Limits::default(), 7);
        let (found, correlator) = run(&delayed(&matches), &Limits::default(), every);
        prop_assert_eq!(correlator.counters(), crate::Counters::default());
        prop_assert_eq!(found, expected);
    }

    #[test]
    fn a_crowd_in_any_order_at_all_gives_the_same(matches in matches(60, 200)
        .prop_flat_map(|all| (Just(all.clone()), Just(all).prop_shuffle())))
    {
        let (expected, _) = run(&in_order(&matches.0), &Limits::offline(), 7);
        let shuffled: Vec<Match> = matches.1.into_iter().map(|(found, _)| found).collect();
        let (found, _) = run(&shuffled, &Limits::offline(), 3);
        prop_assert_eq!(found, expected);
    }

    #[test]
    fn windows_are_those_of_the_naive_reading(matches in matches(120, 700)) {
        let (held, _) = run(&delayed(&matches), &Limits::default(), 5);
        let correlations = held.alerts.values().filter(|alert| !alert.group.is_empty());
        let mut found: Vec<Span> = correlations.map(|alert| {
            let group = alert.group.iter().map(|(_, value)| value.clone()).collect();
            (alert.rule.clone(), group, alert.first, alert.last, alert.count)
        }).collect();
        found.sort();
        prop_assert_eq!(found, naive(&in_order(&matches)));
    }

    #[test]
    fn a_restart_at_any_match_changes_nothing(matches in matches(120, 3000), at in 0usize..120, back in 0usize..9) {
        let all = delayed(&matches);
        let (expected, _) = run(&all, &Limits::default(), 7);
        let at = at.min(all.len());
        let (mut held, _) = run(&all[..at], &Limits::default(), 4);
        // After the restart the stored matches are replayed, then the log goes on, a little before where it stopped.
        let again: Vec<Match> = all[..at].iter().chain(&all[at.saturating_sub(back)..]).cloned().collect();
        let (after, _) = run(&again, &Limits::default(), 11);
        held.alerts.extend(after.alerts);
        held.incidents.extend(after.incidents);
        prop_assert_eq!(held.alerts.keys().count() >= expected.alerts.len(), true);
        for (id, alert) in &expected.alerts {
            prop_assert_eq!(held.alerts.get(id), Some(alert));
        }
        for (id, incident) in &expected.incidents {
            prop_assert_eq!(held.incidents.get(id), Some(incident));
        }
    }
}

#[test]
fn a_window_is_closed_at_both_ends_and_counts_in_milliseconds() {
    for (last, expected) in [(60_000, 1), (60_001, 0)] {
        let all: Vec<Match> = [0, 30_000, last]
            .into_iter()
            .enumerate()
            .map(|(nth, ms)| Match { time: Time(START + ms), ..found(nth as u64, 0, 0, 1, 1) })
            .collect();
        let (held, _) = run(&all, &Limits::default(), 1);
        assert_eq!(held.alerts.values().filter(|alert| alert.rule == "many").count(), expected, "{last}");
    }
}

#[test]
fn a_flood_is_one_alert_told_once_and_counted_at_the_flush() {
    let mut correlator = Correlator::new(rules(), Limits::default());
    let mut out = Output::default();
    (0..10_000).for_each(|nth| correlator.replay(&found(nth, nth as i64 / 100, 0, 1, 1), &mut out));
    assert_eq!(out.alerts.len(), 1);
    correlator.flush(&mut out);
    assert_eq!((out.alerts.len(), out.alerts[1].count, out.alerts[1].events.len()), (2, 10_000, 100));
    assert_eq!(out.alerts[0].id, out.alerts[1].id);
    assert_eq!(out.incidents.last().map(|incident| incident.alerts[0].count), Some(10_000));
}

#[test]
fn matches_older_than_the_floor_or_without_their_group_are_counted() {
    let mut correlator = Correlator::new(rules(), Limits::default());
    let mut out = Output::default();
    correlator.replay(&Match { source: "a".into(), ..found(1, 100_000, 0, 1, 1) }, &mut out);
    correlator.flush(&mut out);
    correlator.replay(&Match { source: "a".into(), ..found(2, 0, 0, 1, 1) }, &mut out);
    assert_eq!(correlator.counters().late, 1);
    correlator.replay(&Match { values: Vec::new(), ..found(3, 100_000, 0, 1, 1) }, &mut out);
    assert_eq!(correlator.counters().ungrouped, 4);
}

#[test]
fn groups_beyond_the_limit_go_and_are_counted() {
    let limits =
        Limits { rule_bytes_max: 10_000, singles_max: 32, incident_alerts_max: 32, ..Limits::default() };
    let all: Vec<Match> = (0..2000)
        .map(|nth| {
            let mut found = found(nth, 0, if nth % 2 == 0 { 0 } else { 2 }, 1, 1);
            found.values[0].1 = format!("host{nth}");
            found.entities[0].name = format!("host{nth}");
            found
        })
        .collect();
    let (held, correlator) = run(&all, &limits, 100);
    let counters = correlator.counters();
    assert!(counters.groups_evicted > 900 && counters.singles_evicted > 900 && counters.alerts_evicted > 900);
    assert_eq!(held.alerts.len(), 1000);
}

#[test]
fn severity_is_raised_by_system_level_and_stage_and_low_alerts_only_join() {
    let (held, _) =
        run(&[found(3, 0, 2, 1, 1), found(4, 9, 3, 1, 2), found(5, 9, 3, 2, 3)], &Limits::default(), 1);
    assert_eq!(held.alerts.len(), 3);
    let incident = held.incidents.values().next().unwrap();
    assert_eq!((held.incidents.len(), incident.alerts.len()), (1, 2));
    assert_eq!(incident.severity, Severity::Critical);
    assert_eq!(incident.stage, event::Stage::Control);
}

#[test]
fn shared_entities_do_not_glue_incidents() {
    let all = [found(1, 0, 2, 1, 1), found(2, 9, 2, 2, 1)];
    let (held, _) = run(&all, &Limits::default(), 1);
    assert_eq!(held.incidents.len(), 1);
    let limits = Limits { shared_entities: ["user1".to_owned()].into(), ..Limits::default() };
    assert_eq!(run(&all, &limits, 1).0.incidents.len(), 2);
}

#[test]
fn a_reload_keeps_the_windows_of_rules_that_mean_the_same() {
    for (from, expected) in [("title: Many failures", 1), ("gte: 3", 0)] {
        let mut correlator = Correlator::new(rules(), Limits::default());
        let mut out = Output::default();
        (0..2).for_each(|nth| correlator.replay(&found(nth, 0, 0, 1, 1), &mut out));
        let text = RULES.replace(from, &from.replace("Many", "A lot of").replace('3', "2"));
        let file = RuleFile { path: "rules.yml".into(), text };
        correlator.reload(Arc::new(RuleSet::compile(&[file]).unwrap()), &mut out);
        correlator.replay(&found(2, 1, 0, 1, 1), &mut out);
        assert_eq!(out.alerts.iter().filter(|alert| alert.rule == "many").count(), expected, "{from}");
    }
}

#[test]
fn one_event_that_meets_both_rules_is_not_one_after_the_other() {
    let failed = found(1, 0, 0, 1, 1);
    let both = [failed.clone(), Match { rule: "login".into(), ..failed.clone() }];
    let (held, _) = run(&both, &Limits::default(), 1);
    let rules: Vec<&str> = held.alerts.values().map(|alert| alert.rule.as_str()).collect();
    assert_eq!(rules, ["both"]);
    let after = [failed, found(2, 1, 1, 1, 1)];
    let (held, _) = run(&after, &Limits::default(), 1);
    assert_eq!(held.alerts.values().filter(|alert| alert.rule == "then").count(), 1);
}

#[test]
fn a_slow_source_is_waited_for_until_it_falls_silent() {
    let mut correlator = Correlator::new(rules(), Limits::default());
    let mut out = Output::default();
    let from = |source: &str, second: i64, received: i64| {
        let received = Time(START + received * 1000);
        let event = EventId::new(received, 0, second.unsigned_abs());
        Match { source: source.into(), event, ..found(0, second, 0, 1, 1) }
    };
    // Both sent a moment ago; the slow one's clock or queue is an hour behind.
    correlator.replay(&from("slow", 0, 3600), &mut out);
    correlator.replay(&from("quick", 3600, 3600), &mut out);
    correlator.flush(&mut out);
    correlator.replay(&from("slow", 1, 3601), &mut out);
    assert_eq!(correlator.counters().late, 0);
    correlator.replay(&from("quick", 7200, 7200), &mut out);
    correlator.flush(&mut out);
    correlator.replay(&from("slow", 2, 7201), &mut out);
    assert_eq!(correlator.counters().late, 1);
}

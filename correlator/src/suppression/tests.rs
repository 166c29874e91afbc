//! What is held back is that of a naive reading of the sorted alerts, in whatever order, parts or restarts they came.

use super::*;
use crate::tests::{Held as Store, START, at_rest, found};
use crate::{Correlator, Counters, Limits, Output, RuleFile};
use event::{Severity, Suppressed};
use proptest::prelude::*;
use std::collections::BTreeMap;
use uuid::Uuid;

const RULES: &str = "
title: Failed login
id: failed
level: low
logsource: {category: test}
detection: {sel: {event.outcome: failure}, condition: sel}
---
title: Malware
id: malware
level: high
logsource: {category: test}
detection: {sel: {event.category: malware}, condition: sel}
---
title: Many failures
id: many
level: high
correlation:
  {type: event_count, rules: [failed], group-by: [source.ip, user.name], timespan: 1m, condition: {gte: 2}}
---
";
const HELD: &str = "title: Repeats
description: Ticket 4711
author: An
suppression:
  rules: [malware, many]
  group-by: [source.ip]
  timespan: 10m
";

fn compile(more: &str) -> Result<Arc<RuleSet>, Vec<String>> {
    let file = |path: &str, text: &str| RuleFile { path: path.to_owned(), text: text.to_owned() };
    let set = RuleSet::compile(&[file("rules.yml", RULES), file("held.yml", more)]);
    set.map(Arc::new).map_err(|problems| problems.iter().map(ToString::to_string).collect())
}

fn malware(seconds: &[i64], ip: u8) -> Vec<Match> {
    let numbered = (0..).zip(seconds);
    numbered.map(|(nth, second)| found(u64::from(ip) * 1_000_000 + nth, *second, 2, ip, 1)).collect()
}

/// Of each alert: seconds from the start to its first match, matches, alerts held back, seconds to until when.
fn told(held: &Store) -> Vec<(i64, u64, u64, i64)> {
    let seconds = |time: Time| (time.0 - START) / 1000;
    let one = |alert: &Alert| {
        let Suppressed { count, until } =
            alert.suppressed.unwrap_or(Suppressed { count: 0, until: Time(START) });
        (seconds(alert.first), alert.count, count, seconds(until))
    };
    let mut all: Vec<_> = held.alerts.values().map(one).collect();
    all.sort_unstable();
    all
}

#[test]
fn further_alerts_are_counted_in_the_first_until_its_time_is_over() {
    let rules = compile(HELD).unwrap();
    let run = |all: &[Match]| told(&at_rest(&rules, &Limits::default(), all, 1).0);
    assert_eq!(run(&malware(&[0, 300, 599, 600, 700], 1)), [(0, 3, 2, 600), (600, 2, 1, 1200)]);
    let two: Vec<Match> = malware(&[0, 1], 1).into_iter().chain(malware(&[2, 3], 2)).collect();
    assert_eq!(run(&two), [(0, 2, 1, 600), (2, 2, 1, 602)], "each address for itself");
    // At 00:00 UTC, 35,200 s later, all begins anew.
    assert_eq!(run(&malware(&[35_000, 35_199, 35_201], 1)), [(35_000, 2, 1, 35_200), (35_201, 1, 0, 0)]);
    let nameless: Vec<Match> =
        malware(&[0, 9], 1).into_iter().map(|found| Match { values: Vec::new(), ..found }).collect();
    assert_eq!(run(&nameless), [(0, 2, 0, 0)], "without the field it is an hour of its entity, as ever");
}

#[test]
fn a_late_alert_moves_what_was_told() {
    let rules = compile(HELD).unwrap();
    let mut correlator = Correlator::new(rules, Limits::default());
    let mut out = Output::default();
    for found in malware(&[500, 1200, 100], 1) {
        correlator.replay(&found, &mut out);
    }
    assert_eq!(out.alerts.len(), 2, "both were told at once");
    let was = out.alerts[0].id;
    correlator.flush(&mut out);
    let now = out.alerts.last().unwrap().clone();
    assert_eq!(out.superseded.iter().map(|(from, _)| *from).next(), Some(was));
    assert!(out.superseded.len() == 2 && out.alerts.len() == 4, "{out:?}");
    assert_eq!((now.first, now.suppressed), (Time(START + 1_200_000), None));
    assert_eq!(correlator.counters(), Counters { suppressed: 1, ..Counters::default() });
}

#[test]
fn it_ends_when_it_expires_and_a_document_goes_before_the_rule() {
    let run = |more: &str| {
        told(&at_rest(&compile(more).unwrap(), &Limits::default(), &malware(&[0, 400, 500], 1), 1).0)
    };
    // 14:20:00 UTC is 400 s after the start: from then on it is one alert for an hour again.
    let until = HELD.replace("author: An", "expires: 2026-09-21T14:20:00Z");
    assert_eq!(run(&until), [(0, 1, 0, 0), (400, 2, 0, 0)]);
    let own = "title: Own
id: own
level: high
logsource: {category: test}
detection: {sel: {event.category: own}, condition: sel}
suppression: {group-by: [source.ip], timespan: 1m}
";
    let doc = HELD.replace("[malware, many]", "[own]");
    for (more, expected) in [
        (own.to_owned(), 60_000),
        (format!("{own}---\n{doc}"), 600_000),
        (format!("{doc}---\n{own}"), 600_000),
    ] {
        let rules = compile(&more).unwrap();
        let (_, at) = rules.place("own").unwrap();
        assert_eq!(rules.detections[at].held.as_ref().unwrap().of.timespan_ms, expected);
        assert_eq!(rules.longest_window_ms(), 86_400_000, "a restart reads a day");
    }
}

#[test]
fn a_bad_suppression_is_told_with_its_file_line_key_and_what_to_write() {
    for (from, to, expected) in [
        ("10m", "8d", "held.yml:7: `suppression.timespan` must be a number and s, m, h or d, at most 7 days"),
        ("[source.ip]", "[]", "held.yml:6: `suppression.group-by` must list 1 to 8 fields"),
        ("[malware, many]", "[other]", "held.yml:5: `suppression` names `other`, the id or name of no rule"),
        (
            "[source.ip]",
            "[host.name]",
            "held.yml:5: `suppression` must be by fields that `many` is grouped by",
        ),
        ("group-by", "by", "held.yml:6: `suppression.by` is not a key"),
        ("title: Repeats\n", "", "held.yml:1: `title` is missing: say"),
        ("author: An", "expires: soon", "held.yml:3: `expires` must be a date"),
    ] {
        let problems = compile(&HELD.replace(from, to)).unwrap_err();
        assert!(problems.iter().any(|problem| problem.starts_with(expected)), "{expected}: {problems:?}");
    }
    let twice = compile(&format!("{HELD}---\n{HELD}")).unwrap_err();
    assert!(twice[0].contains("which held.yml suppresses already: keep one"), "{twice:?}");
}

#[test]
fn a_flood_is_counted_whole_and_its_groups_have_a_limit() {
    let rules = compile(HELD).unwrap();
    let flood: Vec<i64> = (0..5000).map(|nth| (nth * 7919) % 599).collect();
    let mut all = malware(&flood, 1);
    all.insert(0, Match { time: Time(START - 1000), ..found(9, 0, 2, 1, 1) });
    let (held, _) = at_rest(&rules, &Limits::default(), &all, 100);
    assert_eq!(told(&held), [(-1, 5001, 5000, 599)]);
    let limits = Limits { suppressed_max: 64, ..Limits::default() };
    let many: Vec<Match> = (0..200).flat_map(|ip| malware(&[0, 1], ip)).chain(malware(&[2], 0)).collect();
    let (held, correlator) = at_rest(&rules, &limits, &many, 7);
    let counters = correlator.counters();
    assert!(counters.suppressions_evicted > 100 && counters.suppressed == 200, "{counters:?}");
    assert_eq!(held.alerts.len(), 201, "what follows in a group that was let go is told anew");
}

#[test]
fn what_is_not_authorised_unmarks_the_alert_that_holds_it_back() {
    let scan =
        "title: Scan\nid: q4\ndescription: d\nauthorised: {by: An, document: 1/QD, sources: [192.0.2.1],
  from: 2026-09-21T14:00:00Z, to: 2026-09-21T15:00:00Z}\n";
    let rules = compile(&format!("{HELD}---\n{scan}")).unwrap();
    for (second, marked) in [(Some("q4"), true), (None, false)] {
        let mut all = malware(&[0, 1], 1);
        all[0].authorised = Some("q4".into());
        all[1].authorised = second.map(str::to_owned);
        let (held, _) = at_rest(&rules, &Limits::default(), &all, 1);
        let alert = held.alerts.values().next().unwrap();
        assert_eq!((held.alerts.len(), alert.authorised.is_some()), (1, marked));
    }
}

#[test]
fn a_reload_goes_on_with_what_means_the_same() {
    for (more, expected) in [(HELD.replace("Repeats", "Known"), 1), (HELD.replace("10m", "20m"), 2)] {
        let mut correlator = Correlator::new(compile(HELD).unwrap(), Limits::default());
        let mut out = Output::default();
        let all = malware(&[0, 1], 1);
        correlator.replay(&all[0], &mut out);
        correlator.reload(compile(&more).unwrap(), &mut out);
        correlator.replay(&all[1], &mut out);
        correlator.flush(&mut out);
        let ids: std::collections::BTreeSet<Uuid> = out.alerts.iter().map(|alert| alert.id).collect();
        assert_eq!(ids.len(), expected);
    }
}

/// (rule, address, first, matches, held back).
type Line = (String, String, Time, u64, u64);

/// The definition by the letter, of alerts of one rule and address in order.
fn naive(alerts: &[Line]) -> Vec<Line> {
    let mut groups: BTreeMap<(String, String), Vec<Line>> = BTreeMap::new();
    for alert in alerts {
        groups.entry((alert.0.clone(), alert.1.clone())).or_default().push(alert.clone());
    }
    let mut told = Vec::new();
    for mut group in groups.into_values() {
        group.sort_by_key(|(.., first, _, _)| *first);
        let mut last: Option<Line> = None;
        for alert in group {
            match &mut last {
                Some(head)
                    if alert.2.0 < head.2.0 + 600_000 && alert.2.0 / 86_400_000 == head.2.0 / 86_400_000 =>
                {
                    head.3 += alert.3;
                    head.4 += 1;
                }
                _ => told.extend(last.replace(alert)),
            }
        }
        told.extend(last);
    }
    told.sort();
    told
}

fn line(alert: &Alert) -> Line {
    let held = alert.suppressed.map_or(0, |held| held.count);
    (alert.rule.clone(), alert.group[0].1.clone(), alert.first, alert.count, held)
}

/// What is left of all that was said, each batch stored alerts first, as the pipeline does it.
fn stored(rules: &Arc<RuleSet>, matches: &[Match], flush_every: usize) -> BTreeMap<Uuid, Alert> {
    let mut correlator = Correlator::new(Arc::clone(rules), Limits::offline());
    let (mut alerts, mut out) = (BTreeMap::new(), Output::default());
    for at in 0..=matches.len() {
        match matches.get(at) {
            Some(found) => correlator.replay(found, &mut out),
            None => correlator.finish(&mut out),
        }
        if at % flush_every == 0 || at == matches.len() {
            correlator.flush(&mut out);
            alerts.extend(out.alerts.drain(..).map(|alert| (alert.id, alert)));
            out.superseded.drain(..).for_each(|(from, _)| drop(alerts.remove(&from)));
        }
    }
    alerts
}

fn matches(of: &'static [u8]) -> impl Strategy<Value = Vec<Match>> {
    let one = (0i64..40_000, prop::sample::select(of), 0u8..2, 0u8..3);
    prop::collection::vec(one, 1..80).prop_map(|all| {
        let numbered = all.into_iter().enumerate();
        // Near the end of the day half of the time, so that alerts are dense enough.
        let near = |second: i64| if second % 2 == 0 { 33_000 + second / 10 } else { second };
        numbered
            .map(|(nth, (second, rule, ip, user))| found(nth as u64, near(second), rule, ip, user))
            .collect()
    })
}

fn sorted(matches: &[Match]) -> Vec<Match> {
    let mut sorted = matches.to_vec();
    sorted.sort_by_key(|found| (found.time, found.event));
    sorted
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn detections_are_held_back_as_the_naive_reading_does_in_any_order_and_no_id_comes_back(
        all in matches(&[2]).prop_flat_map(|all| (Just(all.clone()), Just(all).prop_shuffle())), every in 1usize..9)
    {
        let rules = compile(HELD).unwrap();
        let (expected, _) = at_rest(&rules, &Limits::offline(), &sorted(&all.0), 7);
        let (found, _) = at_rest(&rules, &Limits::offline(), &all.1, every);
        prop_assert_eq!(&found, &expected);
        let single = |found: &Match| (found.rule.clone(), found.values[0].1.clone(), found.time, 1, 0);
        let mut told: Vec<Line> = found.alerts.values().map(line).collect();
        told.sort();
        prop_assert_eq!(told, naive(&all.0.iter().map(single).collect::<Vec<_>>()));
    }

    #[test]
    fn correlations_are_held_back_as_the_naive_reading_does_in_any_order(
        all in matches(&[0, 0, 2]).prop_flat_map(|all| (Just(all.clone()), Just(all).prop_shuffle())), every in 1usize..9)
    {
        let rules = compile(HELD).unwrap();
        let expected = stored(&rules, &sorted(&all.0), 7);
        prop_assert_eq!(&stored(&rules, &all.1, every), &expected);
        let plain = stored(&compile(&HELD.replace(", many", "")).unwrap(), &all.1, 5);
        let many = |alert: &&Alert| alert.rule == "many";
        let mut told: Vec<Line> = expected.values().filter(many).map(line).collect();
        told.sort();
        prop_assert_eq!(told, naive(&plain.values().filter(many).map(line).collect::<Vec<_>>()));
    }

    #[test]
    fn parts_and_restarts_tell_the_same(all in matches(&[0, 2]), at in 0usize..80, back in 0usize..9) {
        let rules = compile(HELD).unwrap();
        let all = sorted(&all);
        let expected = stored(&rules, &all, 7);
        let mut parts = BTreeMap::new();
        for ip in 0..2 {
            let address = format!("192.0.2.{ip}");
            let some: Vec<Match> = all.iter().filter(|found| found.values[0].1 == address).cloned().collect();
            parts.extend(stored(&rules, &some, 3));
        }
        prop_assert_eq!(&parts, &expected);
        let at = at.min(all.len());
        // A restart reads a day back, and goes on a little before where it stopped.
        let since = |found: &&Match| all.get(at).is_none_or(|next| found.time.0 >= next.time.0 - rules.longest_window_ms());
        let again: Vec<Match> =
            all[..at].iter().filter(since).chain(&all[at.saturating_sub(back)..]).cloned().collect();
        prop_assert_eq!(&stored(&rules, &again, 11), &expected);
    }
}

#[test]
fn a_silent_rule_holds_nothing_back() {
    let rules = compile(&HELD.replace("malware, many", "failed")).unwrap();
    let (held, _) = at_rest(&rules, &Limits::default(), &[found(1, 0, 0, 1, 1), found(2, 1, 0, 1, 1)], 1);
    let levels: Vec<Severity> = held.alerts.values().map(|alert| alert.level).collect();
    assert_eq!(levels, [Severity::High]);
}

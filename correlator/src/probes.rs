//! Questions that engines are known to answer wrongly, what a crafted stream may cost, and what happens at the limits.

use crate::tests::{Held, START, at_rest, found};
use crate::{Correlator, Counters, Flat, Limits, Output, RuleError, RuleFile, RuleSet};
use event::{Alert, Draft, EventId, Field, Match, Raw, Time};
use std::sync::Arc;

const DETECTIONS: &str =
    "title: Failed\nid: failed\nlogsource: {category: t}\ndetection: {s: {a: 1}, condition: s}\n---
title: Login\nid: login\nname: logged_in\nlogsource: {category: t}\ndetection: {s: {a: 2}, condition: s}\n---
title: Malware\nid: malware\nlogsource: {category: t}\ndetection: {s: {a: 3}, condition: s}\n---
title: Odd\nid: odd\nlogsource: {category: t}\ndetection: {s: {a: 4}, condition: s}\n";

/// Correlations `c0`, `c1`, ... beside the detections.
fn compile(correlations: &[&str]) -> Result<Arc<RuleSet>, Vec<RuleError>> {
    let mut text = DETECTIONS.to_owned();
    for (nth, one) in correlations.iter().enumerate() {
        text += &format!("---\ntitle: C{nth}\nid: c{nth}\ncorrelation: {{{one}}}\n");
    }
    RuleSet::compile(&[RuleFile { path: "r.yml".into(), text }]).map(Arc::new)
}

fn at(ms: i64, rule: u8, user: u8) -> Match {
    let time = Time(START + ms);
    let event = EventId::new(Time(START), 0, ms.unsigned_abs() * 8 + u64::from(rule));
    Match { time, event, source: "device".into(), ..found(0, 0, rule, 1, user) }
}

/// (first, last, count) of the alerts of `c<nth>`, in seconds from the start.
fn spans(held: &Held, nth: usize) -> Vec<(f64, f64, u64)> {
    let second = |time: Time| (time.0 - START) as f64 / 1000.0;
    let of = |alert: &&Alert| alert.rule == format!("c{nth}");
    let mut found: Vec<(f64, f64, u64)> = held
        .alerts
        .values()
        .filter(of)
        .map(|alert| (second(alert.first), second(alert.last), alert.count))
        .collect();
    found.sort_by(|a, b| a.partial_cmp(b).unwrap());
    found
}

#[track_caller]
fn check(correlations: &[&str], matches: &[Match], expected: &[(f64, f64, u64)]) {
    let rules = compile(correlations).unwrap();
    for limits in [Limits::default(), Limits::offline()] {
        let (held, _) = at_rest(&rules, &limits, matches, 1);
        assert_eq!(spans(&held, correlations.len() - 1), expected, "{correlations:?}");
    }
}

const THREE: &str =
    "type: event_count, rules: [failed], group-by: [source.ip], timespan: 10s, condition: {gte: 3}";

#[test]
fn the_order_of_arrival_neither_adds_nor_hides_an_alert() {
    let failed = |seconds: &[i64]| -> Vec<Match> { seconds.iter().map(|s| at(s * 1000, 0, 1)).collect() };
    check(&[THREE], &failed(&[20, 0, 21]), &[]);
    check(&[THREE], &failed(&[0, 1, 30, 2]), &[(0.0, 2.0, 3)]);
    check(&[THREE], &failed(&[20, 29, 28, 27, 0]), &[(20.0, 29.0, 4)]);
}

#[test]
fn an_episode_is_one_alert_and_is_told_anew_after_it_ended() {
    let flood: Vec<Match> = (0..120).chain(300..303).map(|s| at(s * 1000, 0, 1)).collect();
    check(&[THREE], &flood, &[(0.0, 119.0, 120), (300.0, 302.0, 3)]);
    let outer = "type: event_count, rules: [c0], group-by: [source.ip], timespan: 1h, condition: {gte: 2}";
    check(&[THREE, outer], &flood, &[(2.0, 302.0, 119)]);
    check(&[THREE, outer], &flood[..120], &[]);
}

#[test]
fn milliseconds_decide_what_is_within_and_what_comes_first() {
    let then = "type: temporal_ordered, rules: [failed, login], group-by: [source.ip], timespan: 10s";
    check(&[then], &[at(900, 0, 1), at(100, 1, 1)], &[]);
    check(&[then], &[at(100, 0, 1), at(900, 1, 1)], &[(0.1, 0.9, 2)]);
    check(&[THREE], &[at(0, 0, 1), at(1, 0, 1), at(10_000, 0, 1)], &[(0.0, 10.0, 3)]);
    check(&[THREE], &[at(0, 0, 1), at(1, 0, 1), at(10_800, 0, 1)], &[]);
}

#[test]
fn an_event_from_the_future_counts_as_when_it_was_received_and_says_so() {
    let text = "pipeline: p\nlogsources:\n  - category: t\n    when: {event.module: system}\n---\n\
                title: F\nid: failed\nlogsource: {category: t}\ndetection: {s: {event.outcome: failure}, condition: s}\n---\n\
                title: C\nid: c0\ncorrelation: {type: event_count, rules: [failed], timespan: 10s, condition: {gte: 2}}";
    let rules = RuleSet::compile(&[RuleFile { path: "r.yml".into(), text: text.into() }]).unwrap();
    let mut correlator = Correlator::new(Arc::new(rules), Limits::default());
    let mut out = Output::default();
    for hour in 0..20i64 {
        let received = Time(START + hour * 3_600_000);
        let mut draft = Draft::new(&Raw::stdin("line", received, hour.unsigned_abs()));
        let ahead = if hour == 3 { 86_400_000 } else { 0 };
        draft.date(Field::TIMESTAMP, received.plus_ms(ahead));
        draft.word(Field::EVENT_MODULE, "system");
        draft.put(Field::EVENT_OUTCOME, "failure");
        correlator.process(&draft.finish(), &mut out);
    }
    correlator.finish(&mut out);
    let clamped: Vec<Time> =
        out.matches.iter().filter(|found| found.is_clamped).map(|found| found.time).collect();
    assert_eq!((out.matches.len(), clamped), (20, vec![Time(START + 3 * 3_600_000)]));
    assert_eq!(out.alerts, []);
}

#[test]
fn a_flat_event_from_the_future_pins_no_window() {
    let mut correlator = Correlator::new(compile(&[THREE]).unwrap(), Limits::offline());
    let mut out = Output::default();
    for nth in 0..20u64 {
        let year = if nth == 3 { 2099 } else { 2026 };
        let text = format!(
            r#"{{"category":"t","a":1,"source.ip":"192.0.2.1","@timestamp":"{year}-01-01T{nth:02}:00:00Z"}}"#
        );
        correlator.process_flat(&Flat::from_json(&text).unwrap(), EventId(u128::from(nth)), &mut out);
    }
    correlator.finish(&mut out);
    assert_eq!((out.matches.len(), out.alerts.len()), (20, 0));
}

#[test]
fn what_more_matches_can_undo_is_told_when_the_window_closes() {
    let of = |condition: &str| {
        format!(
            "type: event_count, rules: [failed], group-by: [source.ip], timespan: 10s, condition: {{{condition}}}"
        )
    };
    let failed = |seconds: &[i64]| -> Vec<Match> { seconds.iter().map(|s| at(s * 1000, 0, 1)).collect() };
    check(&[&of("eq: 2")], &failed(&[0, 1, 2]), &[]);
    check(&[&of("eq: 2")], &failed(&[0, 1, 30]), &[(0.0, 1.0, 2)]);
    check(&[&of("gte: 2, lte: 3")], &failed(&[0, 1, 2, 3]), &[]);
    check(&[&of("gte: 2, lte: 3")], &failed(&[0, 1, 2]), &[(0.0, 2.0, 3)]);
    // A group is known from its first match on; silence lasts a timespan.
    check(&[&of("eq: 0")], &failed(&[0, 9, 18, 30]), &[(18.0, 28.0, 0), (30.0, 40.0, 0)]);
    check(&[&of("lt: 2")], &failed(&[0, 1, 5, 30]), &[(5.0, 15.0, 0), (30.0, 40.0, 1)]);
    check(&[&of("eq: 0")], &[], &[]);
    let not = "type: temporal, rules: [failed, login], group-by: [source.ip], timespan: 10s, condition: failed and not login";
    check(&[not], &[at(0, 0, 1), at(5000, 1, 1), at(60_000, 0, 1)], &[(60.0, 60.0, 1)]);
}

#[test]
fn silence_is_told_while_others_speak() {
    let silent =
        "type: event_count, rules: [failed], group-by: [source.ip], timespan: 1m, condition: {eq: 0}";
    let mut correlator = Correlator::new(
        compile(&[silent, THREE.replace("failed", "login").as_str()]).unwrap(),
        Limits::default(),
    );
    let mut out = Output::default();
    correlator.replay(&at(0, 0, 1), &mut out);
    for (minute, expected) in [(10i64, 0), (25, 1), (40, 1)] {
        let received = Time(START + minute * 60_000);
        let other = Match { event: EventId::new(received, 0, 1), ..at(minute * 60_000, 1, 1) };
        correlator.replay(&other, &mut out);
        correlator.flush(&mut out);
        assert_eq!(out.alerts.len(), expected, "{minute}");
    }
}

#[test]
fn numbers_are_summed_exactly_and_percentiles_lie_between_ranks() {
    let of = |kind: &str, condition: &str| {
        format!(
            "type: {kind}, rules: [failed], group-by: [source.ip], timespan: 10s, condition: {{field: n, {condition}}}"
        )
    };
    let numbers = |texts: &[&str]| -> Vec<Match> {
        let with = |(nth, text): (i64, &&str)| {
            let mut found = at(nth * 1000, 0, 1);
            found.values.push(("n".into(), (*text).to_owned()));
            found
        };
        (0..).zip(texts).map(with).collect()
    };
    check(&[&of("value_sum", "gte: 0.3")], &numbers(&["0.1", "0.1", "0.1"]), &[(0.0, 2.0, 3)]);
    check(&[&of("value_avg", "eq: 0.1")], &numbers(&["0.1", "0.1", "0.1"]), &[(0.0, 2.0, 3)]);
    check(&[&of("value_avg", "gte: 100")], &numbers(&["150", "10", "10"]), &[]);
    check(&[&of("value_sum", "lt: -1")], &numbers(&["1", "-3"]), &[(0.0, 1.0, 2)]);
    check(&[&of("value_median", "eq: 2.5")], &numbers(&["1", "4", "2", "3"]), &[(0.0, 3.0, 4)]);
    check(&[&of("value_percentile", "percentile: 90, eq: 9")], &numbers(&["0", "10"]), &[(0.0, 1.0, 2)]);
    let rules = compile(&[&of("value_sum", "gte: 1")]).unwrap();
    let (held, correlator) = at_rest(&rules, &Limits::default(), &numbers(&["many", "nan", "-5", "inf"]), 1);
    assert_eq!((spans(&held, 0).len(), correlator.counters().ungrouped), (0, 4));
}

#[test]
fn chains_take_the_outer_group_and_are_silenced_like_rules() {
    let inner = "type: event_count, rules: [failed], group-by: [source.ip, user.name], timespan: 10s, condition: {gte: 2}";
    let spread = "type: value_count, rules: [c0], group-by: [source.ip], timespan: 1m, condition: {field: user.name, gte: 2}";
    let then = "type: temporal_ordered, rules: [c1, logged_in], group-by: [ip], timespan: 1m, generate: true, \
                aliases: {ip: {c1: source.ip, login: source.ip}}";
    let matches = [at(0, 0, 1), at(1000, 0, 1), at(2000, 0, 2), at(3000, 0, 2), at(4000, 1, 9)];
    let (held, _) = at_rest(&compile(&[inner, spread, then]).unwrap(), &Limits::default(), &matches, 1);
    assert_eq!((spans(&held, 0), spans(&held, 1)), (vec![], vec![(1.0, 3.0, 2)]));
    assert_eq!(spans(&held, 2), [(3.0, 4.0, 2)]);
    let alert = held.alerts.values().find(|alert| alert.rule == "c2").unwrap();
    assert_eq!(alert.group, [("ip".to_owned(), "192.0.2.1".to_owned())]);
}

#[test]
fn what_cannot_be_resolved_names_file_line_and_key() {
    let long: Vec<String> = (0..9)
        .map(|nth| match nth {
            0 => "type: event_count, rules: [failed], timespan: 1m, condition: {gte: 1}".to_owned(),
            _ => format!("type: event_count, rules: [c{}], timespan: 1m, condition: {{gte: 1}}", nth - 1),
        })
        .collect();
    let long: Vec<&str> = long.iter().map(String::as_str).collect();
    let of = |rules: &str| format!("type: event_count, {rules}, timespan: 1m, condition: {{gte: 1}}");
    let (first, second, third) = (of("rules: [c1]"), of("rules: [c0]"), of("rules: [c2]"));
    for (correlations, key, part) in [
        (vec![first.as_str(), &second], "rules", "lead back"),
        (vec![&*of("rules: [failed]"), &*of("rules: [login]"), &third], "rules", "lead back"),
        (long, "rules", "stands on more than 8"),
        (vec![&of("rules: [none]")], "rules", "of no rule"),
        (vec![&of("rules: [login, logged_in]")], "rules", "twice"),
        (vec![&of("rules: [failed], aliases: {x: {login: y}}")], "aliases", "not among `rules`"),
        (vec![&of("rules: [failed], group-by: [a]"), &of("rules: [c0], group-by: [b]")], "group-by", "`c0`"),
    ] {
        let errors = compile(&correlations).unwrap_err();
        assert!(errors.iter().all(|error| error.file == "r.yml" && error.line > 20), "{errors:?}");
        assert!(
            errors.iter().any(|e| e.key == key && e.message.contains(part)),
            "{correlations:?} {errors:?}"
        );
    }
}

#[test]
fn a_site_that_stores_and_forwards_is_waited_for() {
    let mut limits = Limits::default();
    limits.lateness_of_ms.insert("edge".into(), 86_400_000);
    let now = 100_000_000;
    for (unit, source, limits, expected) in
        [("edge", "x", &limits, 0), ("", "edge", &limits, 0), ("edge", "edge", &Limits::default(), 3)]
    {
        let mut correlator = Correlator::new(compile(&[THREE]).unwrap(), limits.clone());
        let mut out = Output::default();
        correlator.replay(&Match { event: EventId::new(Time(START + now), 0, 1), ..at(now, 0, 1) }, &mut out);
        correlator.flush(&mut out);
        for ms in [0i64, 1, 2] {
            let event = EventId::new(Time(START + now), 0, 2 + ms.unsigned_abs());
            let late = at(now - 72_000_000 + ms, 0, 1);
            let late = Match { event, unit: unit.into(), source: source.into(), ..late };
            correlator.replay(&late, &mut out);
        }
        correlator.flush(&mut out);
        assert_eq!(correlator.counters().late, expected, "{unit} {source}");
        assert_eq!(out.alerts.is_empty(), expected > 0);
    }
}

#[test]
fn no_rule_pushes_out_anothers_groups_and_what_may_be_hidden_raises_an_alarm() {
    let by_user =
        "type: event_count, rules: [login], group-by: [user.name], timespan: 10s, condition: {gte: 3}";
    let rules = compile(&[THREE, by_user]).unwrap();
    let limits = Limits { rule_bytes_max: 40_000, ..Limits::default() };
    let mut correlator = Correlator::new(Arc::clone(&rules), limits.clone());
    let mut out = Output::default();
    correlator.replay(&at(0, 0, 1), &mut out);
    correlator.replay(&at(1, 0, 1), &mut out);
    for nth in 0..5000 {
        let mut found = at(2 + nth, 1, 1);
        found.values[1].1 = format!("user{nth}");
        correlator.replay(&found, &mut out);
    }
    correlator.replay(&at(9000, 0, 1), &mut out);
    assert_eq!(out.alerts.iter().filter(|alert| alert.rule == "c0").count(), 1);
    let evicted: Vec<_> = correlator.evicted().collect();
    assert_eq!((evicted.len(), evicted[0].0), (1, "c1"));
    assert!(evicted[0].1.groups > 4000 && evicted[0].1.hiding == evicted[0].1.groups);
    assert!(correlator.size().1 < 2 * 40_000);
    // A flood of one group loses its oldest matches, which hides nothing once it is told.
    let mut correlator = Correlator::new(rules, limits);
    (0..5000).for_each(|ms| correlator.replay(&at(ms, 0, 1), &mut out));
    let Counters { matches_evicted, alerts_hidden, groups_evicted, .. } = correlator.counters();
    assert!(matches_evicted > 4000);
    assert_eq!((alerts_hidden, groups_evicted), (0, 0));
    out.alerts.clear();
    correlator.finish(&mut out);
    assert_eq!((out.alerts.len(), out.alerts[0].count), (1, 5000));
}

/// How many steps windows take for each match, at most.
#[track_caller]
fn steps(correlation: &str, matches: impl Iterator<Item = Match>, most: u64) {
    let mut correlator = Correlator::new(compile(&[correlation]).unwrap(), Limits::offline());
    let mut out = Output::default();
    let mut count = 0;
    for found in matches {
        correlator.replay(&found, &mut out);
        count += 1;
    }
    correlator.finish(&mut out);
    let steps = correlator.steps;
    assert!(steps >= count && steps <= most * count, "{correlation}: {steps} steps for {count} matches");
}

#[test]
fn a_crafted_stream_costs_a_bounded_number_of_steps_for_each_match() {
    let with_user = |mut found: Match, user: i64| {
        found.values[1].1 = format!("user{user}");
        found
    };
    let distinct = "type: value_count, rules: [failed], group-by: [source.ip], timespan: 1h, condition: {field: user.name, ";
    let many = format!("{distinct}gte: 50000}}");
    steps(&many, (0..40_000).map(|nth| with_user(at(nth, 0, 1), nth)), 4);
    steps(&format!("{distinct}gte: 10}}"), (0..40_000).map(|nth| with_user(at(nth, 0, 1), nth)), 4);
    steps(&format!("{distinct}lt: 10}}"), (0..40_000).map(|nth| with_user(at(nth, 0, 1), nth)), 4);
    // Every second match comes behind the one after it; all in the wrong order.
    let swapped = |nth: i64| with_user(at(nth ^ 1, 0, 1), nth % 9);
    steps(&format!("{distinct}gte: 10}}"), (0..40_000).map(swapped), 70);
    steps(&many, (0..40_000).rev().map(|nth| with_user(at(nth, 0, 1), nth)), 70);
    let ordered =
        "type: temporal_ordered, rules: [failed, login, malware, odd], group-by: [source.ip], timespan: 1h";
    steps(ordered, (0..20_000).map(|nth| at(nth, [0, 1, 2][(nth % 3) as usize], 1)), 4);
    let mut percentile = "type: value_percentile, rules: [failed], timespan: 10s, ".to_owned();
    percentile += "condition: {field: user.name, percentile: 99, gte: 10}";
    let number = |nth: i64| {
        let mut found = at(nth, 0, 1);
        found.values[1].1 = (nth * 7919 % 1000).to_string();
        found
    };
    steps(&percentile, (0..40_000).map(number), 4);
    // Just above and just below the bound, again and again.
    let pulse =
        "type: event_count, rules: [failed], group-by: [source.ip], timespan: 10s, condition: {gte: 1000}";
    let pulses = (0..40i64).flat_map(|wave| (0..1001).map(move |nth| at(wave * 20_000 + nth, 0, 1)));
    steps(pulse, pulses, 4);
}

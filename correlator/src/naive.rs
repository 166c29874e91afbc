//! Windows by the letter of the definition, worked out anew from the sorted set of matches, for random rules of every
//! type and chains of them: what the correlator tells must be the same.

use crate::tests::{START, at_rest, found};
use crate::{Correlator, Limits, Output, RuleFile, RuleSet};
use event::{EventId, Match, Time};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// A random correlation over the detections `failed` and `login` or over other correlations.
#[derive(Clone, Debug)]
struct Spec {
    kind: &'static str,
    /// Places of earlier specs, or none for the detections.
    inner: Option<usize>,
    with_login: bool,
    span_s: i64,
    op: (&'static str, u32),
    op2: Option<(&'static str, u32)>,
    by_user: bool,
}

const KINDS: [&str; 10] = [
    "event_count",
    "value_count",
    "value_sum",
    "value_avg",
    "value_median",
    "value_percentile",
    "temporal",
    "temporal_ordered",
    "temporal a and not b",
    "temporal a or b",
];

fn specs() -> impl Strategy<Value = Vec<Spec>> {
    let op = || (prop::sample::select(vec!["gt", "gte", "lt", "lte", "eq", "neq"]), 0u32..6);
    let one = (
        prop::sample::select(KINDS.to_vec()),
        prop::option::of(0usize..3),
        any::<bool>(),
        1i64..40,
        op(),
        prop::option::of(op()),
        any::<bool>(),
    );
    let one = one.prop_map(|(kind, inner, with_login, span_s, op, op2, by_user)| Spec {
        kind,
        inner,
        with_login,
        span_s,
        op,
        op2,
        by_user,
    });
    prop::collection::vec(one, 1..5)
}

/// The rules, as far as they are valid, and the specs of those.
fn rules(specs: &[Spec]) -> Option<(Arc<RuleSet>, Vec<Spec>)> {
    let mut text = String::from(
        "title: Failed\nid: failed\nlogsource: {category: t}\ndetection: {s: {a: 1}, condition: s}\n---\n\
         title: Login\nid: login\nlogsource: {category: t}\ndetection: {s: {a: 2}, condition: s}\n",
    );
    let mut valid: Vec<Spec> = Vec::new();
    for spec in specs {
        let mut spec = spec.clone();
        spec.inner = spec.inner.filter(|inner| *inner < valid.len());
        // An inner correlation gives no more than it is grouped by.
        spec.by_user &= spec.inner.is_none_or(|inner| valid[inner].by_user);
        if spec.kind.starts_with("value") && spec.inner.is_some_and(|inner| !valid[inner].by_user) {
            spec.kind = "event_count";
        }
        if spec.inner.is_some() && spec.kind.starts_with("value_") && spec.kind != "value_count" {
            spec.kind = "value_count"; // users are no numbers
        }
        let one = document(&spec, valid.len());
        let file = RuleFile { path: "r.yml".into(), text: format!("{text}---\n{one}") };
        if RuleSet::compile(std::slice::from_ref(&file)).is_ok() {
            text = file.text;
            valid.push(spec);
        }
    }
    let file = RuleFile { path: "r.yml".into(), text };
    let set = RuleSet::compile(&[file]).unwrap();
    (!valid.is_empty()).then(|| (Arc::new(set), valid))
}

fn document(spec: &Spec, nth: usize) -> String {
    let (kind, boolean) = spec.kind.split_once(' ').unwrap_or((spec.kind, ""));
    let rules = inputs(spec);
    let boolean = boolean.replace('a', "@").replace('b', &rules[rules.len() - 1]).replace('@', &rules[0]);
    let boolean = boolean.replace(&format!("{}nd", rules[0]), "and");
    let numbers = matches!(kind, "value_sum" | "value_avg" | "value_median" | "value_percentile");
    let mut condition = format!("{{{}: {}", spec.op.0, spec.op.1);
    if let Some((op, number)) = spec.op2.filter(|(op, _)| *op != spec.op.0) {
        condition += &format!(", {op}: {number}");
    }
    if kind.starts_with("value") {
        condition += if numbers { ", field: bytes" } else { ", field: user.name" };
    }
    if kind == "value_percentile" {
        condition += ", percentile: 80";
    }
    condition += "}";
    let condition = match kind {
        "temporal" if !boolean.is_empty() => format!("condition: {boolean}, "),
        "temporal" | "temporal_ordered" => String::new(),
        _ => format!("condition: {condition}, "),
    };
    let group = if spec.by_user { "source.ip, user.name" } else { "source.ip" };
    format!(
        "title: C{nth}\nid: c{nth}\ncorrelation: {{type: {kind}, rules: [{}], group-by: [{group}], \
         timespan: {}s, {condition}generate: true}}\n",
        rules.join(", "),
        spec.span_s
    )
}

fn inputs(spec: &Spec) -> Vec<String> {
    let first = spec.inner.map_or("failed".to_owned(), |inner| format!("c{inner}"));
    let two = spec.with_login || spec.kind.starts_with("temporal");
    std::iter::once(first).chain(two.then(|| "login".to_owned())).collect()
}

/// A match of a rule as a correlation sees it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Point {
    time: i64,
    event: EventId,
    nth: usize,
    ip: String,
    user: String,
    bytes: i64,
    /// The group of the inner correlation.
    inner: Option<Vec<String>>,
}

/// Rule, group, first, last, count.
type Span = (String, Vec<String>, i64, i64, u64);

/// What a correlation says of its matches: its episodes, and the matches at which it holds.
fn say(spec: &Spec, specs: &[Spec], nth: usize, points: &[Point]) -> (Vec<Span>, Vec<Point>) {
    let group_of = |point: &Point| {
        let users = spec.by_user.then(|| point.user.clone());
        std::iter::once(point.ip.clone()).chain(users).collect::<Vec<String>>()
    };
    let mut groups: BTreeMap<Vec<String>, Vec<Point>> = BTreeMap::new();
    for point in points {
        groups.entry(group_of(point)).or_default().push(point.clone());
    }
    let (mut spans, mut hots) = (Vec::new(), Vec::new());
    for (group, mut all) in groups {
        all.sort();
        all.dedup_by_key(|point| (point.time, point.event, point.nth));
        of_group(
            spec,
            specs,
            &all,
            |first, last, count| {
                spans.push((format!("c{nth}"), group.clone(), first, last, count));
            },
            |point, time| {
                hots.push(Point { time, inner: Some(group.clone()), ..point.clone() });
            },
        );
    }
    (spans, hots)
}

fn of_group(
    spec: &Spec,
    specs: &[Spec],
    all: &[Point],
    mut told: impl FnMut(i64, i64, u64),
    mut hot: impl FnMut(&Point, i64),
) {
    let ms = spec.span_s * 1000;
    let over_alerts = spec.kind == "event_count" && spec.inner.is_some();
    let begin = |end: usize| (0..=end).find(|at| all[*at].time + ms >= all[end].time).unwrap();
    // (first, last) of satisfied windows; an empty one lies behind a match.
    let mut satisfied: Vec<(usize, usize, bool)> = Vec::new();
    for end in 0..all.len() {
        let from = begin(end);
        let next = all.get(end + 1).map(|point| point.time);
        let is_largest = next.is_none_or(|next| next > all[from].time + ms);
        let asked = is_largest || grows(spec);
        if asked && holds(spec, specs, all, &all[from..=end], over_alerts) {
            satisfied.push((from, end, false));
            hot(&all[end], all[end].time);
        }
        let is_silent = next.is_none_or(|next| next > all[end].time + ms);
        if is_silent && !grows(spec) && holds(spec, specs, all, &[], over_alerts) {
            satisfied.push((end, end, true));
            hot(&all[end], all[end].time + ms);
        }
    }
    // Joined where they share a match.
    let mut at = 0;
    while at < satisfied.len() {
        let mut to = at + 1;
        let mut members: BTreeSet<usize> = BTreeSet::new();
        let reach = |members: &mut BTreeSet<usize>, (from, end, silent): (usize, usize, bool)| {
            if !silent {
                members.extend(from..=end);
            }
        };
        reach(&mut members, satisfied[at]);
        while let (Some(last), Some(new)) = (satisfied.get(to - 1), satisfied.get(to)) {
            let joined = match (last.2, new.2) {
                (false, false) => new.0 <= last.1,
                (false, true) => new.1 == last.1,
                (true, _) => false,
            };
            if !joined {
                break;
            }
            reach(&mut members, *new);
            to += 1;
        }
        let last = satisfied[to - 1];
        let until = if last.2 { all[last.1].time + ms } else { all[last.1].time };
        told(all[satisfied[at].0].time, until, members.len() as u64);
        at = to;
    }
}

fn bounds(spec: &Spec) -> Vec<(&'static str, f64)> {
    let second = spec.op2.filter(|(op, _)| *op != spec.op.0);
    std::iter::once(spec.op).chain(second).map(|(op, number)| (op, f64::from(number))).collect()
}

/// Whether more matches cannot undo it.
fn grows(spec: &Spec) -> bool {
    match spec.kind {
        "temporal" | "temporal_ordered" | "temporal a or b" => true,
        "event_count" | "value_count" | "value_sum" => {
            bounds(spec).iter().all(|(op, _)| matches!(*op, "gt" | "gte"))
        }
        _ => false,
    }
}

fn holds(spec: &Spec, specs: &[Spec], all: &[Point], window: &[Point], over_alerts: bool) -> bool {
    let rules = inputs(spec).len();
    let has = |nth: usize| window.iter().any(|point| point.nth == nth);
    let mut numbers: Vec<f64> = window.iter().map(|point| point.bytes as f64).collect();
    numbers.sort_by(f64::total_cmp);
    #[allow(clippy::cast_possible_truncation, reason = "a place among a few numbers")]
    let percentile = |rank: f64| {
        let place = rank * (numbers.len() as f64 - 1.0);
        let (below, above) = (numbers.get(place.floor() as usize)?, numbers.get(place.ceil() as usize)?);
        Some(below + (above - below) * place.fract())
    };
    let number = match spec.kind {
        "event_count" if over_alerts => Some(alerts(spec, specs, all, window) as f64),
        "event_count" => Some(window.len() as f64),
        "value_count" => Some(window.iter().map(|point| &point.user).collect::<BTreeSet<_>>().len() as f64),
        "value_sum" => Some(numbers.iter().sum()),
        "value_avg" => (!numbers.is_empty()).then(|| numbers.iter().sum::<f64>() / numbers.len() as f64),
        "value_median" => percentile(0.5),
        "value_percentile" => percentile(0.8),
        "temporal" => return (0..rules).all(has),
        "temporal a and not b" => return has(0) && !has(1),
        "temporal a or b" => return has(0) || has(1),
        _ => {
            let Some(last) = window.last().filter(|last| last.nth == 1) else { return false };
            return window
                .iter()
                .any(|point| point.nth == 0 && (point.time, point.event) < (last.time, last.event));
        }
    };
    number.is_some_and(|number| {
        bounds(spec).iter().all(|(op, bound)| match *op {
            "gt" => number > *bound,
            "gte" => number >= *bound,
            "lt" => number < *bound,
            "lte" => number <= *bound,
            "eq" => number == *bound,
            _ => number != *bound,
        })
    })
}

/// How many alerts of the inner correlation the window has, and matches of a detection beside them.
fn alerts(spec: &Spec, specs: &[Spec], all: &[Point], window: &[Point]) -> usize {
    let ms = spec.inner.map_or(0, |inner| specs[inner].span_s * 1000);
    let mut names = BTreeSet::new();
    for point in window {
        let mut first = point;
        // Back to the match at which the alert began.
        while let Some(before) = all
            .iter()
            .rfind(|other| other.nth == 0 && point.nth == 0 && other.inner == first.inner && *other < first)
            .filter(|before| first.time - before.time <= ms)
        {
            first = before;
        }
        names.insert(first.clone());
    }
    names.len()
}

fn naive(specs: &[Spec], matches: &[Match]) -> Vec<Span> {
    let plain = |rule: &'static str, nth: usize| {
        matches.iter().filter(move |found| found.rule == rule).map(move |found| Point {
            time: found.time.0,
            event: found.event,
            nth,
            ip: found.values[0].1.clone(),
            user: found.values[1].1.clone(),
            bytes: found.values[2].1.parse().unwrap(),
            inner: None,
        })
    };
    let mut hots: Vec<Vec<Point>> = Vec::new();
    let mut spans = Vec::new();
    for (nth, spec) in specs.iter().enumerate() {
        let first: Vec<Point> = match spec.inner {
            None => plain("failed", 0).collect(),
            Some(inner) => hots[inner].iter().map(|point| Point { nth: 0, ..point.clone() }).collect(),
        };
        let second = plain("login", 1).filter(|_| inputs(spec).len() > 1);
        let points: Vec<Point> = first.into_iter().chain(second).collect();
        let (told, hot) = say(spec, specs, nth, &points);
        spans.extend(told);
        hots.push(hot);
    }
    spans.sort();
    spans
}

fn told(rules: &Arc<RuleSet>, limits: &Limits, matches: &[Match], flush_every: usize) -> Vec<Span> {
    let (held, correlator) = at_rest(rules, limits, matches, flush_every);
    assert_eq!(correlator.counters(), crate::Counters::default());
    let alerts = held.alerts.values().filter(|alert| !alert.group.is_empty());
    let mut spans: Vec<Span> = alerts
        .map(|alert| {
            let group = alert.group.iter().map(|(_, value)| value.clone()).collect();
            (alert.rule.clone(), group, alert.first.0, alert.last.0, alert.count)
        })
        .collect();
    spans.sort();
    spans
}

fn matches(count: usize, seconds: i64) -> impl Strategy<Value = Vec<(Match, i64)>> {
    let one = (0..seconds * 4, 0u8..2, 0u8..2, 0u8..3, 0u32..5, 0i64..600);
    prop::collection::vec(one, 1..count).prop_map(|all| {
        let numbered = all.into_iter().enumerate();
        let made = numbered.map(|(nth, (quarter, rule, ip, user, bytes, delay))| {
            let mut found = found(nth as u64, 0, rule, ip, user);
            found.time = Time(START + quarter * 250);
            found.event = EventId::new(found.time, 0, nth as u64);
            found.values.push(("bytes".into(), bytes.to_string()));
            (found, delay)
        });
        made.collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn random_rules_and_chains_are_those_of_the_naive_reading(
        specs in specs(), matches in matches(60, 150), every in 1usize..30)
    {
        let Some((rules, specs)) = rules(&specs) else { return Ok(()) };
        let plain: Vec<Match> = matches.iter().map(|(found, _)| found.clone()).collect();
        let expected = naive(&specs, &plain);
        let mut delayed = matches;
        delayed.sort_by_key(|(found, delay)| found.time.plus_ms(delay * 1000));
        let delayed: Vec<Match> = delayed.into_iter().map(|(found, _)| found).collect();
        prop_assert_eq!(&told(&rules, &Limits::default(), &delayed, every), &expected, "delayed {:?}", specs);
        prop_assert_eq!(&told(&rules, &Limits::offline(), &plain, every), &expected, "any order {:?}", specs);
    }

    #[test]
    fn groups_split_over_any_number_of_partitions_tell_the_same(
        specs in specs(), matches in matches(80, 900), parts in 1usize..4)
    {
        let Some((rules, _)) = rules(&specs) else { return Ok(()) };
        let mut delayed = matches;
        delayed.sort_by_key(|(found, delay)| found.time.plus_ms(delay * 1000));
        let all: Vec<Match> = delayed.into_iter().map(|(found, _)| found).collect();
        let mut split = Vec::new();
        for part in 0..parts {
            let of = |found: &&Match| usize::from(found.values[0].1.as_bytes()[8]) % parts == part;
            let some: Vec<Match> = all.iter().filter(of).cloned().collect();
            split.extend(told(&rules, &Limits::default(), &some, 5));
        }
        split.sort();
        prop_assert_eq!(split, told(&rules, &Limits::default(), &all, 7));
    }

    #[test]
    fn a_restart_at_any_match_tells_the_same_in_the_end(
        specs in specs(), matches in matches(60, 600), at in 0usize..60, back in 0usize..9)
    {
        let Some((rules, _)) = rules(&specs) else { return Ok(()) };
        let mut delayed = matches;
        delayed.sort_by_key(|(found, delay)| found.time.plus_ms(delay * 1000));
        let all: Vec<Match> = delayed.into_iter().map(|(found, _)| found).collect();
        let at = at.min(all.len());
        let mut correlator = Correlator::new(Arc::clone(&rules), Limits::default());
        let mut before = Output::default();
        all[..at].iter().for_each(|found| correlator.replay(found, &mut before));
        correlator.flush(&mut before);
        // After the restart the stored matches are replayed, then the log goes on, a little before where it stopped.
        let again: Vec<Match> = all[..at].iter().chain(&all[at.saturating_sub(back)..]).cloned().collect();
        let (held, _) = at_rest(&rules, &Limits::default(), &again, 11);
        let (expected, _) = at_rest(&rules, &Limits::default(), &all, 7);
        let told = before.alerts.iter().map(|alert| alert.id);
        let gone: BTreeSet<_> = before.superseded.iter().map(|(from, _)| *from).collect();
        for id in told.filter(|id| !gone.contains(id)) {
            let superseded = !expected.alerts.contains_key(&id);
            prop_assert!(superseded || held.alerts.contains_key(&id));
        }
        prop_assert_eq!(held.alerts, expected.alerts);
    }
}

//! Windows alone: updates a second of processor time, for as many groups and values as they may hold, and what a million
//! groups take in memory. `cargo bench -p correlator --bench window`

use correlator::{Correlator, Limits, Output, RuleFile, RuleSet};
use event::{Entity, EntityKind, EventId, Match, Severity, Time};
use std::fmt::Write as _;
use std::sync::Arc;

const START: i64 = 1_790_000_000_000;

fn correlator(correlation: &str) -> Correlator {
    let text = format!(
        "title: Failed\nid: failed\nlogsource: {{category: t}}\ndetection: {{s: {{a: 1}}, condition: s}}\n---\n\
         title: C\nid: c\ncorrelation: {{rules: [failed], group-by: [source.ip], {correlation}}}"
    );
    let rules = RuleSet::compile(&[RuleFile { path: "r.yml".to_owned(), text }]);
    let limits = Limits { rule_bytes_max: 1 << 30, ..Limits::default() };
    Correlator::new(Arc::new(rules.unwrap_or_default()), limits)
}

fn found() -> Match {
    let entity = |kind, name: &str| Entity { kind, name: name.to_owned() };
    Match {
        rule: "failed".to_owned(),
        event: EventId(0),
        time: Time(START),
        source: "192.0.2.1".to_owned(),
        level: Severity::Low,
        values: vec![("source.ip".to_owned(), String::new()), ("user.name".to_owned(), String::new())],
        entities: vec![
            entity(EntityKind::Address, ""),
            entity(EntityKind::Host, "server-01"),
            entity(EntityKind::User, ""),
        ],
        unit: "unit-07".to_owned(),
        system: "system-03".to_owned(),
        system_level: 2,
        because: Vec::new(),
        is_clamped: false,
    }
}

/// The next match: `nth` gives its time, `group` and `user` what it is about.
fn set(found: &mut Match, nth: u64, per_ms: u64, group: u64, user: u64) {
    found.time = Time(START + i64::try_from(nth / per_ms).unwrap_or(0));
    found.event = EventId::new(found.time, 0, nth);
    let [(_, address), (_, name)] = found.values.as_mut_slice() else { return };
    address.clear();
    name.clear();
    // Writing to a String cannot fail.
    let _ = write!(address, "10.{}.{}.{}", group >> 16 & 255, group >> 8 & 255, group & 255);
    let _ = write!(name, "user{user}");
    found.entities[0].name.clone_from(address);
    found.entities[2].name.clone_from(name);
}

/// Nanoseconds that this thread was on a processor.
fn cpu_ns() -> u64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    text.split(' ').next().and_then(|text| text.parse().ok()).unwrap_or(0)
}

fn resident_kib() -> u64 {
    let text = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default();
    line.trim().split(' ').next().and_then(|text| text.parse().ok()).unwrap_or(0)
}

fn random(nth: u64) -> u64 {
    let mixed = (nth ^ 0x9e37_79b9_7f4a_7c15).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    (mixed ^ mixed >> 31).wrapping_mul(0x94d0_49bb_1331_11eb) >> 20
}

/// Nanoseconds for each update, the median of five runs of `count` after `before` to fill the windows.
fn measure(name: &str, correlation: &str, before: u64, count: u64, next: impl Fn(&mut Match, u64)) {
    let mut runs: Vec<u64> = (0..5)
        .map(|_| {
            let (mut correlator, mut out, mut found) = (correlator(correlation), Output::default(), found());
            for nth in 0..before {
                next(&mut found, nth);
                correlator.replay(&found, &mut out);
            }
            correlator.flush(&mut out);
            let begun = cpu_ns();
            for nth in before..before + count {
                next(&mut found, nth);
                correlator.replay(&found, &mut out);
            }
            cpu_ns() - begun
        })
        .collect();
    runs.sort_unstable();
    let ns = runs[2] / count;
    println!("{name:52} {ns:5} ns/update {:9} updates/s", 1_000_000_000 / ns.max(1));
}

fn memory() {
    let (mut correlator, mut out, mut found) =
        (correlator("type: event_count, timespan: 1h, condition: {gte: 10}"), Output::default(), found());
    let before = resident_kib();
    for nth in 0..1_000_000 {
        set(&mut found, nth, 1000, nth, nth % 5000);
        correlator.replay(&found, &mut out);
    }
    let (groups, bytes) = correlator.size();
    println!(
        "{groups} live groups take {} MiB resident, counted as {} MiB",
        (resident_kib() - before) >> 10,
        bytes >> 20
    );
}

fn main() {
    memory();
    let count = "type: event_count, timespan: 5m, condition: {gte: 1000000}";
    measure("event_count, 300,000 groups, a fifth of one", count, 1_000_000, 1_000_000, |found, nth| {
        let group = if nth % 5 == 0 { 0 } else { random(nth) % 300_000 };
        set(found, nth, 10, group, nth % 100);
    });
    let told = "type: event_count, timespan: 1m, condition: {gte: 10}";
    measure("event_count, one group in a flood, told", told, 200_000, 1_000_000, |found, nth| {
        set(found, nth, 10, 0, nth % 100);
    });
    for distinct in [1_000, 10_000, 100_000, 1_000_000] {
        // As many values as the window holds matches, each new as it comes.
        let values = "type: value_count, timespan: 1m, condition: {field: user.name, gte: 900}";
        let name = format!("value_count, one group of {distinct} different values");
        measure(&name, values, distinct + distinct / 10, 500_000, |found, nth| {
            set(found, nth * 1000, distinct * 1000 / 60_000, 0, nth);
            found.event = EventId::new(found.time, 0, nth);
        });
    }
    let values = "type: value_count, timespan: 5m, condition: {field: user.name, gte: 1000}";
    measure("value_count, 100,000 groups of 10 values", values, 1_000_000, 1_000_000, |found, nth| {
        set(found, nth, 10, random(nth) % 100_000, random(nth) % 10);
    });
    let late = "type: value_count, timespan: 1m, condition: {field: user.name, gte: 900}";
    measure("value_count, 100,000 values, every second late", late, 110_000, 500_000, |found, nth| {
        set(found, nth ^ 1, 2, 0, nth);
    });
}

//! Windows alone: updates a second of processor time, for as many groups and values as they may hold, and what a million
//! groups take in memory. `cargo bench -p correlator --bench window`; a word behind `--` chooses the lines that have it.

use correlator::{Correlator, Limits, Output, RuleFile, RuleSet};
use event::{Entity, EntityKind, EventId, Match, Severity, Time};
use std::fmt::Write as _;
use std::hint::black_box;
use std::sync::Arc;

/// As in the product.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const START: i64 = 1_790_000_000_000;

fn correlator(correlation: &str, bytes_max: usize) -> Correlator {
    let text = format!(
        "title: Failed\nid: failed\nlogsource: {{category: t}}\ndetection: {{s: {{a: 1}}, condition: s}}\n---\n\
         title: C\nid: c\ncorrelation: {{rules: [failed], group-by: [source.ip], {correlation}}}"
    );
    let rules = RuleSet::compile(&[RuleFile { path: "r.yml".to_owned(), text }]);
    let limits = Limits { rule_bytes_max: bytes_max, lateness_ms: 10_000, ..Limits::default() };
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
        authorised: None,
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

struct Bench {
    wanted: Option<String>,
}

/// How many matches come between two flushes, about a second's worth.
const FLUSH_EVERY: u64 = 100_000;

impl Bench {
    fn is_wanted(&self, name: &str) -> bool {
        self.wanted.as_ref().is_none_or(|wanted| name.contains(wanted))
    }

    /// Nanoseconds for each update, the median of five runs of `count` after `before` to fill the windows: with the
    /// making of the match, and without, which is timed apart.
    fn measure(
        &self,
        name: &str,
        correlation: &str,
        before: u64,
        count: u64,
        next: impl Fn(&mut Match, u64),
    ) {
        if self.is_wanted(name) {
            measure(name, correlator_of(correlation), before, count, next);
        }
    }
}

fn correlator_of(correlation: &str) -> impl Fn() -> Correlator {
    move || correlator(correlation, 4 << 30)
}

fn median(run: impl Fn() -> u64) -> u64 {
    let mut runs: Vec<u64> = (0..5).map(|_| run()).collect();
    runs.sort_unstable();
    runs[2]
}

fn measure(
    name: &str,
    correlator: impl Fn() -> Correlator,
    before: u64,
    count: u64,
    next: impl Fn(&mut Match, u64),
) {
    let all = median(|| {
        let (mut correlator, mut out, mut found) = (correlator(), Output::default(), found());
        for nth in 0..before {
            next(&mut found, nth);
            correlator.replay(&found, &mut out);
        }
        correlator.flush(&mut out);
        let begun = cpu_ns();
        for nth in before..before + count {
            next(&mut found, nth);
            correlator.replay(&found, &mut out);
            if nth % FLUSH_EVERY == 0 {
                correlator.flush(&mut out);
            }
        }
        cpu_ns() - begun
    });
    let making = median(|| {
        let (begun, mut found) = (cpu_ns(), found());
        (before..before + count).for_each(|nth| next(black_box(&mut found), nth));
        cpu_ns() - begun
    });
    let ns = (all.saturating_sub(making) / count).max(1);
    let updates = 1_000_000_000 / ns;
    println!("{name:58} {ns:5} ns/update {updates:9} updates/s, {:5} ns with the match", all / count);
}

fn memory() {
    let correlation = "type: event_count, timespan: 1h, condition: {gte: 10}";
    let (mut correlator, mut out, mut found) = (correlator(correlation, 1 << 30), Output::default(), found());
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
    let wanted = std::env::args().skip(1).find(|word| !word.starts_with('-'));
    let bench = Bench { wanted };
    if bench.is_wanted("live groups") {
        memory();
    }
    many_groups(&bench);
    one_group(&bench);
    out_of_order(&bench);
}

fn many_groups(bench: &Bench) {
    let count = "type: event_count, timespan: 5m, condition: {gte: 1000000}";
    bench.measure(
        "event_count, 300,000 groups, a fifth of one",
        count,
        1_000_000,
        1_000_000,
        |found, nth| {
            let group = if nth % 5 == 0 { 0 } else { random(nth) % 300_000 };
            set(found, nth, 10, group, nth % 100);
        },
    );
    bench.measure("event_count, each match a group of its own", count, 100_000, 1_000_000, |found, nth| {
        set(found, nth, 10, nth, nth % 100);
    });
    let name = "event_count, each match a group of its own, in 64 MiB";
    if bench.is_wanted(name) {
        let next = |found: &mut Match, nth| set(found, nth, 10, nth, nth % 100);
        measure(name, || correlator(count, 64 << 20), 500_000, 1_000_000, next);
    }
    let values = "type: value_count, timespan: 5m, condition: {field: user.name, gte: 1000}";
    bench.measure("value_count, 100,000 groups of 10 values", values, 1_000_000, 1_000_000, |found, nth| {
        set(found, nth, 10, random(nth) % 100_000, random(nth) % 10);
    });
}

fn one_group(bench: &Bench) {
    let told = "type: event_count, timespan: 1m, condition: {gte: 10}";
    bench.measure("event_count, one group in a flood, told", told, 200_000, 1_000_000, |found, nth| {
        set(found, nth, 10, 0, nth % 100);
    });
    for distinct in [1_000, 10_000, 100_000, 1_000_000] {
        // As many values as the window holds matches, each new as it comes; what is old goes as fast.
        let values = "type: value_count, timespan: 1m, condition: {field: user.name, gte: 900}";
        let name = format!("value_count, one group of {distinct} different values");
        bench.measure(&name, values, 4 * distinct, 1_000_000, |found, nth| {
            set(found, nth * 1000, distinct * 1000 / 60_000, 0, nth);
            found.event = EventId::new(found.time, 0, nth);
        });
    }
    let values = "type: value_count, timespan: 1m, condition: {field: user.name, gte: 900}";
    let again = "value_count, one group of 100,000 values that come again";
    bench.measure(again, values, 2_000_000, 1_000_000, |found, nth| {
        set(found, nth, 10, 0, random(nth) % 100_000);
    });
}

fn out_of_order(bench: &Bench) {
    let values = "type: value_count, timespan: 1m, condition: {field: user.name, gte: 900}";
    bench.measure(
        "value_count, 100,000 values, every second late",
        values,
        110_000,
        500_000,
        |found, nth| {
            set(found, nth ^ 1, 2, 0, nth);
        },
    );
    let count = "type: event_count, timespan: 1m, condition: {gte: 900}";
    let jumps = "event_count, a flood whose clock jumps nine seconds back and on";
    bench.measure(jumps, count, 110_000, 500_000, |found, nth| {
        set(found, nth, 2, 0, nth % 100);
        found.time = found.time.plus_ms(if nth % 2 == 0 { 0 } else { -9_000 });
    });
    let name = "event_count, 10,000 groups, every second late";
    bench.measure(name, count, 500_000, 500_000, |found, nth| {
        set(found, nth ^ 1, 10, random(nth) % 10_000, nth % 100);
    });
}

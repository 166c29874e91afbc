//! Events per second through the correlator, with the rules that ship.

use correlator::{Correlator, Limits, Output, RuleFile, RuleSet};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use event::{Draft, Event, EventId, Field, Raw, Time};
use std::path::Path;
use std::sync::Arc;

fn rules() -> Arc<RuleSet> {
    let mut files = Vec::new();
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("../rules")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "yml") {
                let text = std::fs::read_to_string(&path).unwrap_or_default();
                files.push(RuleFile { path: path.display().to_string(), text });
            }
        }
    }
    Arc::new(RuleSet::compile_what_can(&files).0)
}

const START: i64 = 1_790_000_000_000;
const COUNT: i64 = 100_000;

/// Ordinary traffic of a firewall; every `failed`-th line is a failed login from one of a thousand addresses.
fn events(failed: i64) -> Vec<Event> {
    let one = |nth: i64| {
        let time = Time(START + nth);
        let line = format!(
            "date=2026-11-23 devid=\"FG\" srcip=10.0.{}.{} action=accept n={nth}",
            nth % 200,
            nth % 250
        );
        let id = EventId::new(time, 0, nth.unsigned_abs());
        let mut draft = Draft::new(&Raw { id, ..Raw::stdin(&line, time, 0) });
        draft.put(Field::SOURCE_IP, &format!("10.0.{}.{}", nth % 200, nth % 250));
        draft.put(Field::DESTINATION_IP, &format!("198.51.100.{}", nth % 100));
        draft.put(Field::DESTINATION_PORT, "443");
        draft.put(Field::OBSERVER_NAME, "fw");
        if nth % failed == 0 {
            draft.word(Field::EVENT_CATEGORY, "authentication");
            draft.word(Field::EVENT_OUTCOME, "failure");
            draft.word(Field::EVENT_DATASET, "system.auth");
            draft.put(Field::PROCESS_NAME, "sshd");
            draft.put(Field::USER_NAME, &format!("user{}", nth % 50));
        } else {
            draft.word(Field::EVENT_CATEGORY, "network");
            draft.word(Field::EVENT_DATASET, "fortinet_fortigate.log");
            draft.word(Field::EVENT_ACTION, "accept");
            draft.extra("fortinet.firewall", "type", "traffic");
            draft.extra("fortinet.firewall", "subtype", "forward");
        }
        draft.finish()
    };
    (0..COUNT).map(one).collect()
}

fn process(criterion: &mut Criterion) {
    let rules = rules();
    let mut group = criterion.benchmark_group("process");
    group.throughput(Throughput::Elements(COUNT.unsigned_abs())).sample_size(10);
    for (name, failed) in [("traffic", i64::MAX), ("every fiftieth a match", 50), ("every one a match", 1)] {
        let events = events(failed);
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                let mut correlator = Correlator::new(Arc::clone(&rules), Limits::default());
                let mut out = Output::default();
                for event in &events {
                    correlator.process(event, &mut out);
                }
                correlator.flush(&mut out);
                out.matches.len()
            });
        });
    }
    group.finish();
}

criterion_group!(benches, process);
criterion_main!(benches);

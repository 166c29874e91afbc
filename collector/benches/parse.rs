//! How many lines one core parses: every fixture line in turn, alone and with the event written as JSON.

use collector::parser::parse;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use event::{Raw, Time};
use std::hint::black_box;
use std::path::Path;

fn lines() -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/parser/fixtures");
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "log"))
        .collect();
    files.sort();
    let texts = files.iter().filter_map(|path| std::fs::read_to_string(path).ok());
    texts.flat_map(|text| text.lines().map(str::to_owned).collect::<Vec<_>>()).collect()
}

fn mixed(criterion: &mut Criterion) {
    let lines = lines();
    let received = Time(1_782_838_800_000);
    let bytes: usize = lines.iter().map(String::len).sum();
    for (unit, throughput) in [
        ("lines", Throughput::Elements(u64::try_from(lines.len()).unwrap_or(0))),
        ("bytes", Throughput::Bytes(u64::try_from(bytes).unwrap_or(0))),
    ] {
        let mut group = criterion.benchmark_group(format!("mixed fixtures, {unit}"));
        group.throughput(throughput);
        group.bench_function("parse", |bencher| {
            bencher.iter(|| {
                for line in &lines {
                    black_box(parse(&Raw::stdin(line, received, 1)));
                }
            });
        });
        let mut out = Vec::with_capacity(1 << 16);
        group.bench_function("parse and write_json", |bencher| {
            bencher.iter(|| {
                for line in &lines {
                    out.clear();
                    parse(&Raw::stdin(line, received, 1)).write_json(&mut out);
                    black_box(&out);
                }
            });
        });
        group.finish();
    }
}

criterion_group!(benches, mixed);
criterion_main!(benches);

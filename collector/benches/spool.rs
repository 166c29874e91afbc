//! The spool: lines taken in and made durable, and read again.
#![allow(missing_docs, clippy::unwrap_used)]

use collector::spool::{Config, Lines, Spool};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use event::{Time, Transport};
use std::time::Duration;

const LINES: u64 = 200_000;
const LINE: &[u8] = &[b'x'; 300];

fn fill(spool: &Spool, runtime: &tokio::runtime::Runtime) {
    runtime.block_on(async {
        let mut lines = Lines::new();
        let mut last = 0;
        for _ in 0..LINES / 50 {
            lines.clear();
            for _ in 0..50 {
                lines.push(LINE, Time(1), None, Transport::Tcp, 0);
            }
            last = spool.append(&lines).await.unwrap().end;
        }
        spool.durable(last).await.unwrap();
    });
}

fn spool(criterion: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let mut group = criterion.benchmark_group("spool");
    group.throughput(Throughput::Elements(LINES)).sample_size(10);
    let dir = tempfile::tempdir().unwrap();
    let (spool, _) = Spool::open(dir.path(), &Config::default()).unwrap();
    group.bench_function("append and sync", |bencher| {
        bencher.iter(|| {
            fill(&spool, &runtime);
            spool.forget_below(u64::MAX).unwrap();
        });
    });
    let dir = tempfile::tempdir().unwrap();
    let (spool, _) = Spool::open(dir.path(), &Config::default()).unwrap();
    fill(&spool, &runtime);
    group.bench_function("read", |bencher| {
        bencher.iter(|| {
            let mut reader = spool.reader(1);
            let mut bytes = 0;
            while reader.next_sequence() <= LINES {
                let batch = reader.next_batch(10_000, 4 << 20, Duration::from_secs(1)).unwrap();
                bytes += batch.iter().map(|record| record.line.len()).sum::<usize>();
            }
            bytes
        });
    });
    group.finish();
}

criterion_group!(benches, spool);
criterion_main!(benches);

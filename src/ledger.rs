//! The loss ledger of collectors that are other processes: each tells its own in a compacted topic, `haidang serve` adds
//! them up. What a collector told last stands also while it is away, for its lines wait in its spool meanwhile.

use crate::kafka::{self, Follower, Producer, Topic};
use crate::{pipeline, web};
use api::SourceLedger;
use collector::intake::Ledger;
use event::Time;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

/// How often a collector tells its accounts, if they changed.
const TELL_EVERY: Duration = Duration::from_secs(3);

/// What stands in the topic `ledgers`.
#[derive(Serialize, Deserialize)]
struct Told {
    /// When it was told.
    at: Time,
    /// A line for each source.
    sources: Vec<SourceLedger>,
}

/// Tells the accounts of the collector `name` until `stop`, and once more then.
pub(crate) fn tell(
    kafka: &kafka::Config,
    name: &str,
    ledger: &Ledger,
    stop: &AtomicBool,
) -> anyhow::Result<()> {
    let producer = Producer::new(kafka)?;
    let mut known = Vec::new();
    loop {
        let is_last = stop.load(Ordering::Relaxed);
        let accounts = ledger.snapshot();
        if accounts != known {
            let told = Told { at: pipeline::now(), sources: web::sources(ledger, pipeline::now()) };
            let sent = producer.send(Topic::Ledgers, name, &serde_json::to_vec(&told)?);
            match sent.and_then(|()| producer.settle()) {
                Ok(()) => known = accounts,
                Err(error) => tracing::warn!("the ledger is not told: {error:#}"),
            }
        }
        if is_last {
            return Ok(());
        }
        std::thread::park_timeout(TELL_EVERY);
    }
}

/// What all collectors told.
#[derive(Default)]
pub(crate) struct Collectors(RwLock<BTreeMap<String, Told>>);

impl Collectors {
    /// Listens to them from now on.
    ///
    /// # Errors
    /// The configuration of Kafka is wrong; brokers that are away are waited for.
    pub(crate) fn follow(kafka: &kafka::Config) -> anyhow::Result<Arc<Collectors>> {
        let follower = Follower::new(kafka, Topic::Ledgers)?;
        let collectors = Arc::new(Collectors::default());
        let known = Arc::downgrade(&collectors);
        std::thread::Builder::new().name("ledgers".into()).spawn(move || {
            while let Some(collectors) = known.upgrade() {
                follower.next(Duration::from_secs(1), |name, value| collectors.take(name, value));
            }
        })?;
        Ok(collectors)
    }

    fn take(&self, name: &[u8], value: &[u8]) {
        let name = String::from_utf8_lossy(name).into_owned();
        match serde_json::from_slice(value) {
            Ok(told) => {
                self.0.write().unwrap_or_else(PoisonError::into_inner).insert(name, told);
            }
            Err(error) => tracing::warn!(name, "a ledger does not read: {error}"),
        }
    }

    /// The accounts of all; a source that sends to several collectors has one line.
    pub(crate) fn sources(&self, now: Time) -> Vec<SourceLedger> {
        let mut sum: BTreeMap<(String, String), SourceLedger> = BTreeMap::new();
        let all = self.0.read().unwrap_or_else(PoisonError::into_inner);
        for one in all.values().flat_map(|told| &told.sources) {
            let of = sum.entry((one.source.clone(), one.transport.clone()));
            of.and_modify(|sum| {
                sum.last_seen = sum.last_seen.max(one.last_seen);
                sum.received += one.received;
                sum.stored += one.stored;
                sum.rejected += one.rejected;
                sum.spooled += one.spooled;
            })
            .or_insert_with(|| one.clone());
        }
        let mut lines: Vec<SourceLedger> = sum.into_values().collect();
        for line in &mut lines {
            line.silent = web::is_silent(line.last_seen, now);
        }
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(source: &str, last_seen: i64, received: u64) -> SourceLedger {
        SourceLedger {
            source: source.to_owned(),
            transport: "syslog".to_owned(),
            last_seen: Time(last_seen),
            received,
            stored: received,
            rejected: 0,
            spooled: 0,
            silent: true,
        }
    }

    #[test]
    fn a_source_of_two_collectors_has_one_line_and_the_newest_word_of_each_counts() {
        let collectors = Collectors::default();
        let told = |sources: Vec<SourceLedger>| serde_json::to_vec(&Told { at: Time(0), sources }).unwrap();
        collectors.take(b"a", &told(vec![line("192.0.2.1", 5, 1)]));
        collectors.take(b"a", &told(vec![line("192.0.2.1", 9, 10), line("192.0.2.2", 7, 1)]));
        collectors.take(b"b", &told(vec![line("192.0.2.1", 8, 20)]));
        collectors.take(b"b", b"no ledger");
        let all = collectors.sources(Time(10));
        assert_eq!(all.len(), 2);
        let first = all.first().unwrap();
        assert_eq!((first.received, first.stored, first.last_seen, first.silent), (30, 30, Time(9), false));
    }
}

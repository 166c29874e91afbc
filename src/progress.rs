//! What a process has done since it started and whether what it has in hand gets to where it belongs: for `/metrics` and
//! `/readyz`.

use event::Time;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// What is in hand for longer than this is stuck, even if nobody has said no: a broker or a disk that hangs says nothing.
const IN_HAND_MAX: Duration = Duration::from_secs(10);

/// Counters of every role; those that a role has no use for stay at zero and are not shown by it.
#[derive(Default)]
pub(crate) struct Progress {
    /// Lines that were delivered: to the store, of a collector beside Kafka to the brokers.
    pub(crate) lines: AtomicU64,
    /// The first line of the spool that was not delivered.
    pub(crate) done: AtomicU64,
    /// Lines that a parser recognised but could not read.
    pub(crate) malformed: AtomicU64,
    pub(crate) matches: AtomicU64,
    pub(crate) alerts: AtomicU64,
    /// Records that nobody can read.
    pub(crate) dead: AtomicU64,
    /// Matches that wait for partitions that are behind.
    pub(crate) held: AtomicU64,
    /// Matches that went on without waiting.
    pub(crate) hurried: AtomicU64,
    pub(crate) rule_reloads: AtomicU64,
    pub(crate) rule_reload_failures: AtomicU64,
    pub(crate) batches: AtomicU64,
    /// Batches, to the store or to the brokers.
    pub(crate) delivery: Delivery,
    /// Alerts and incidents, where windows are apart from batches.
    pub(crate) telling: Delivery,
    pub(crate) correlator: Mutex<correlator::Counters>,
}

/// Whether what is in hand is delivered, how long it took, and when something last was.
#[derive(Default)]
pub(crate) struct Delivery {
    waiting: Mutex<Waiting>,
    pub(crate) failures: AtomicU64,
    /// When something was last delivered; 0 if nothing ever was.
    pub(crate) last: AtomicI64,
    pub(crate) delays: Histogram,
}

#[derive(Default)]
struct Waiting {
    since: Option<Instant>,
    failed: bool,
}

impl Delivery {
    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Something is in hand.
    pub(crate) fn begin(&self) {
        self.waiting().since.get_or_insert_with(Instant::now);
    }

    /// The other side has not answered yet.
    pub(crate) fn doubt(&self) {
        self.waiting().failed = true;
    }

    /// An attempt failed; it is made again.
    pub(crate) fn failed(&self) {
        self.waiting().failed = true;
        self.failures.fetch_add(1, Ordering::Relaxed);
    }

    /// The other side answers, though nothing was to be delivered.
    pub(crate) fn reached(&self) {
        *self.waiting() = Waiting::default();
    }

    /// It was delivered; `oldest` is when its oldest line was received.
    pub(crate) fn done(&self, oldest: Option<Time>, now: Time) {
        self.reached();
        self.last.store(now.0, Ordering::Relaxed);
        if let Some(oldest) = oldest {
            self.delays.observe(now.0 - oldest.0);
        }
    }

    /// Whether nothing is stuck.
    pub(crate) fn flows(&self) -> bool {
        let waiting = self.waiting();
        !waiting.failed && waiting.since.is_none_or(|since| since.elapsed() < IN_HAND_MAX)
    }
}

/// How often something took how long.
#[derive(Default)]
pub(crate) struct Histogram {
    counts: [AtomicU64; Histogram::BOUNDS_MS.len() + 1],
    sum_ms: AtomicU64,
}

impl Histogram {
    const BOUNDS_MS: [u64; 12] =
        [100, 250, 500, 1000, 2000, 5000, 10_000, 30_000, 60_000, 300_000, 1_800_000, 7_200_000];

    fn observe(&self, ms: i64) {
        let ms = ms.max(0).unsigned_abs(); // a clock that was set back says nothing
        let place = Histogram::BOUNDS_MS.partition_point(|bound| *bound < ms);
        if let Some(count) = self.counts.get(place) {
            count.fetch_add(1, Ordering::Relaxed);
        }
        self.sum_ms.fetch_add(ms, Ordering::Relaxed);
    }

    /// Each bound in ms (none after the last) with how many were at most that, then the sum of all in ms.
    pub(crate) fn read(&self) -> (Vec<(Option<u64>, u64)>, u64) {
        let mut sum = 0;
        let bounds = Histogram::BOUNDS_MS.iter().map(|bound| Some(*bound)).chain([None]);
        let of = |(bound, count): (Option<u64>, &AtomicU64)| {
            sum += count.load(Ordering::Relaxed);
            (bound, sum)
        };
        (bounds.zip(&self.counts).map(of).collect(), self.sum_ms.load(Ordering::Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_failed_or_hangs_does_not_flow_until_something_is_delivered() {
        let delivery = Delivery::default();
        assert!(delivery.flows(), "nothing is in hand");
        delivery.begin();
        assert!(delivery.flows());
        delivery.waiting().since = Instant::now().checked_sub(IN_HAND_MAX);
        assert!(!delivery.flows(), "it hangs");
        delivery.done(None, Time(1));
        delivery.begin();
        delivery.failed();
        assert!(!delivery.flows(), "it failed");
        delivery.reached();
        assert!(delivery.flows());
    }

    #[test]
    fn a_delay_counts_in_its_bucket_and_in_every_larger_one() {
        let delays = Histogram::default();
        [-5, 100, 101, 9_000_000].into_iter().for_each(|ms| delays.observe(ms));
        let (counts, sum_ms) = delays.read();
        assert_eq!(counts.first(), Some(&(Some(100), 2)));
        assert_eq!(counts.get(1), Some(&(Some(250), 3)));
        assert_eq!(counts.get(11), Some(&(Some(7_200_000), 3)));
        assert_eq!(counts.last(), Some(&(None, 4)));
        assert_eq!(sum_ms, 9_000_201);
    }
}

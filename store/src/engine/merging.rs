//! Merges wait while whoever inserts is behind.
//!
//! A row is merged several times until its day is over, which costs more than its insert. While more is waiting to be
//! inserted than one insert takes, that work is put off: inserts get the processor, and what they leave is merged in larger
//! steps once there is time. Reading costs a little more meanwhile, for each part that waits, so their number has a limit.

use super::pool::Pool;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// The setting of an insert by which a client says that it is behind. It is the bridge's, no other ClickHouse knows it.
pub(crate) const BEHIND: &str = "haidang_behind";

/// How often it is decided.
const DECIDE_EVERY: Duration = Duration::from_secs(1);
/// So long after it last said so a client is taken to be behind.
const BEHIND_FOR: Duration = Duration::from_secs(3);
/// Of as many parts as may wait, a fourth may be left when merges are put off again: what runs then is stopped, and would
/// never end if that happened every few seconds.
const AGAIN: u64 = 4;

/// When a client last said that it is behind, in milliseconds since `since`; 0 for never.
#[derive(Debug)]
pub(super) struct Behind {
    since: Instant,
    last_ms: AtomicU64,
}

impl Behind {
    pub(super) fn new() -> Behind {
        Behind { since: Instant::now(), last_ms: AtomicU64::new(0) }
    }

    pub(super) fn say(&self) {
        self.last_ms.store(self.now_ms().max(1), Ordering::Relaxed);
    }

    fn now_ms(&self) -> u64 {
        u64::try_from(self.since.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn is(&self) -> bool {
        let last_ms = self.last_ms.load(Ordering::Relaxed);
        last_ms > 0 && u128::from(self.now_ms().saturating_sub(last_ms)) < BEHIND_FOR.as_millis()
    }
}

/// Whether merges wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Merges {
    Go,
    Wait,
}

impl Merges {
    /// What comes next, where the partition with the most parts has `parts` of them and `parts_max` may wait.
    fn next(self, is_behind: bool, parts: u64, parts_max: u64) -> Merges {
        let room = if self == Merges::Wait { parts_max } else { parts_max / AGAIN };
        if is_behind && parts < room { Merges::Wait } else { Merges::Go }
    }
}

/// Decides until the future is dropped.
pub(super) async fn decide(pool: std::sync::Arc<Pool>, parts_max: u64) {
    let mut merges = Merges::Go;
    let mut every = tokio::time::interval(DECIDE_EVERY);
    every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        every.tick().await;
        let is_behind = pool.behind.is();
        if merges == Merges::Go && !is_behind {
            continue;
        }
        let pool = std::sync::Arc::clone(&pool);
        let decided = tokio::task::spawn_blocking(move || {
            let next = merges.next(is_behind, pool.parts()?, parts_max);
            if next != merges {
                pool.set_merging(next == Merges::Go)?;
            }
            Ok::<_, super::Fault>(next)
        });
        match decided.await {
            Ok(Ok(next)) => {
                if next != merges {
                    tracing::debug!(?next, "merges");
                }
                merges = next;
            }
            Ok(Err(fault)) => tracing::warn!(%fault, "decide whether merges wait"),
            Err(error) => tracing::warn!(%error, "decide whether merges wait"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn merges_wait_for_whoever_is_behind_but_not_beyond_the_limit() {
        use Merges::{Go, Wait};
        assert_eq!(Go.next(false, 5, 200), Go);
        assert_eq!(Go.next(true, 5, 200), Wait);
        assert_eq!(Wait.next(true, 199, 200), Wait);
        assert_eq!(Wait.next(true, 200, 200), Go, "too many parts");
        assert_eq!(Go.next(true, 120, 200), Go, "what was let go may end");
        assert_eq!(Go.next(true, 49, 200), Wait);
        assert_eq!(Wait.next(false, 5, 200), Go);
    }

    #[test]
    fn nobody_is_behind_before_it_was_said() {
        let behind = Behind::new();
        assert!(!behind.is());
        behind.say();
        assert!(behind.is());
    }
}

//! Matches in the order of receipt, as far as windows need it.
//!
//! Partitions of `events` are read at their own pace. After a standstill one may be an hour ahead of another, and the
//! matches of the one behind would then come too late for every window. So each partition's reader says beside its matches
//! how far it has come, by receipt, and matches wait here until no partition is more than a little behind them. That
//! little is a tenth of the lateness that windows allow anyway: when all keep up, nothing waits.
//!
//! At the limit the oldest go on without waiting, and are counted.

use event::{EventId, Match, Time};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};

/// What stands in the topic `matches`.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(crate) enum Entry {
    /// An event of this partition met a rule.
    Match {
        /// The partition of `events`.
        partition: i32,
        /// The match.
        #[serde(rename = "match")]
        found: Box<Match>,
    },
    /// All matches of what this partition held so far stand before this.
    Progress {
        /// The partition of `events`.
        partition: i32,
        /// How many partitions there are.
        partitions: usize,
        /// The newest receipt among the events read; none were, if not given.
        received: Option<Time>,
        /// It was read to its end: it holds nobody back until it says otherwise.
        at_end: bool,
    },
}

/// Matches that wait.
pub(crate) struct Order {
    skew_ms: i64,
    held_max: usize,
    /// How many partitions there are, once one has said so.
    partitions: Option<usize>,
    come: HashMap<i32, Time>,
    held: BTreeMap<(Time, EventId, String), Match>,
    /// How many went on without waiting.
    pub(crate) hurried: u64,
}

impl Order {
    pub(crate) fn new(lateness_ms: i64, held_max: usize) -> Order {
        let (come, held) = (HashMap::new(), BTreeMap::new());
        Order { skew_ms: lateness_ms / 10, held_max, partitions: None, come, held, hurried: 0 }
    }

    /// Takes an entry in, then gives `each` the matches that need not wait, in order.
    pub(crate) fn take(&mut self, entry: Entry, mut each: impl FnMut(&Match)) {
        match entry {
            Entry::Match { found, .. } => {
                self.held.insert((found.event.received(), found.event, found.rule.clone()), *found);
            }
            Entry::Progress { partition, partitions, received, at_end } => {
                self.partitions = Some(partitions);
                if at_end {
                    self.come.insert(partition, Time(i64::MAX));
                } else if let Some(received) = received {
                    self.come.insert(partition, received);
                }
            }
        }
        let bound = self.bound();
        while let Some(first) = self.held.first_entry() {
            if first.key().0 > bound {
                if self.held.len() <= self.held_max {
                    return;
                }
                self.hurried += 1;
            }
            if let Some((_, found)) = self.held.pop_first() {
                each(&found);
            }
        }
    }

    /// How many wait.
    pub(crate) fn held(&self) -> usize {
        self.held.len()
    }

    /// Whose receipt is no later than this need not wait.
    fn bound(&self) -> Time {
        let all = self.partitions.is_some_and(|partitions| self.come.len() >= partitions);
        let slowest = self.come.values().min().filter(|_| all);
        slowest.map_or(Time(i64::MIN), |slowest| Time(slowest.0.saturating_add(self.skew_ms)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use event::Severity;

    const START: i64 = 1_790_000_000_000;

    fn found(partition: i32, second: i64) -> Entry {
        let received = Time(START + second * 1000);
        let event = EventId::new(received, 0, u64::try_from(second).unwrap());
        let found = Match {
            rule: "r".to_owned(),
            event,
            time: received,
            source: String::new(),
            level: Severity::Low,
            values: Vec::new(),
            entities: Vec::new(),
            unit: String::new(),
            system: String::new(),
            system_level: 0,
            because: Vec::new(),
            is_clamped: false,
            authorised: None,
        };
        Entry::Match { partition, found: Box::new(found) }
    }

    fn come(partition: i32, second: Option<i64>) -> Entry {
        let received = second.map(|second| Time(START + second * 1000));
        Entry::Progress { partition, partitions: 2, received, at_end: received.is_none() }
    }

    /// The seconds of the matches in the order in which they went on.
    fn pass(order: &mut Order, entries: impl IntoIterator<Item = Entry>) -> Vec<i64> {
        let mut seconds = Vec::new();
        for entry in entries {
            order.take(entry, |found| seconds.push((found.event.received().0 - START) / 1000));
        }
        seconds
    }

    #[test]
    fn a_partition_that_is_ahead_waits_for_the_one_behind() {
        let mut order = Order::new(600_000, 100);
        let ahead = [found(0, 0), found(0, 3000), come(0, Some(3600))];
        assert_eq!(pass(&mut order, ahead), [0; 0], "the other partition was not heard of");
        let behind = [found(1, 10), come(1, Some(20)), found(1, 1500), come(1, Some(2950)), come(1, None)];
        assert_eq!(pass(&mut order, behind), [0, 10, 1500, 3000]);
    }

    #[test]
    fn nothing_waits_while_all_keep_up_and_an_empty_partition_holds_nobody_back() {
        let mut order = Order::new(600_000, 100);
        pass(&mut order, [come(0, Some(0)), come(1, None)]);
        assert_eq!(pass(&mut order, [found(0, 50)]), [50], "within the skew");
        assert_eq!(pass(&mut order, [found(0, 70)]), [0; 0], "partition 0 itself has not come so far");
        assert_eq!(pass(&mut order, [come(0, Some(80))]), [70]);
    }

    #[test]
    fn at_the_limit_the_oldest_go_on_and_are_counted() {
        let mut order = Order::new(600_000, 2);
        assert_eq!(pass(&mut order, [found(0, 3), found(0, 1), found(0, 2)]), [1]);
        assert_eq!(order.hurried, 1);
    }

    #[test]
    fn entries_read_back() {
        for entry in [found(3, 5), come(1, Some(7)), come(1, None)] {
            let text = serde_json::to_string(&entry).unwrap();
            let back: Entry = serde_json::from_str(&text).unwrap();
            assert_eq!(serde_json::to_string(&back).unwrap(), text);
        }
    }
}

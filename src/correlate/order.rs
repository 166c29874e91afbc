//! Matches in the order of receipt, as far as windows need it.
//!
//! Partitions of `events` are read at their own pace. After a standstill one may be an hour ahead of another, and the
//! matches of the one behind would then come too late for every window. So each partition's reader says beside its matches
//! how far it has come, by receipt, and matches wait here until no partition is more than a little behind them. That
//! little is a tenth of the lateness that windows allow anyway: when all keep up, nothing waits.
//!
//! A partition that nobody writes to comes no further. That it was read to its end says nothing of what was written since,
//! so before matches pass it the brokers are asked whether it still ends there: a collector writes in the order of receipt,
//! so whatever is older than a match that was read stands in its partition by then.
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
        /// It was read to its end.
        at_end: bool,
        /// The offset behind the last record read.
        #[serde(default)]
        next: i64,
    },
}

/// Matches that wait.
pub(crate) struct Order {
    skew_ms: i64,
    held_max: usize,
    /// How many partitions there are, once one has said so.
    partitions: Option<usize>,
    come: HashMap<i32, Come>,
    held: BTreeMap<(Time, EventId, String), Match>,
    /// The newest receipt among those that went on.
    released: Option<Time>,
    /// How many went on without waiting.
    pub(crate) hurried: u64,
}

/// How far a partition was read.
#[derive(Clone, Copy)]
struct Come {
    received: Time,
    at_end: bool,
    next: i64,
}

/// A place in `events` that is the partition's end, or was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct End {
    pub(crate) partition: i32,
    pub(crate) offset: i64,
}

impl Order {
    pub(crate) fn new(lateness_ms: i64, held_max: usize) -> Order {
        let (come, held) = (HashMap::new(), BTreeMap::new());
        let (partitions, released) = (None, None);
        Order { skew_ms: lateness_ms / 10, held_max, partitions, come, held, released, hurried: 0 }
    }

    /// Takes an entry in, then gives `each` the matches that need not wait, in order.
    pub(crate) fn take(&mut self, entry: Entry, each: impl FnMut(&Match)) {
        match entry {
            Entry::Match { found, .. } => {
                self.held.insert((found.event.received(), found.event, found.rule.clone()), *found);
            }
            Entry::Progress { partition, partitions, received, at_end, next } => {
                self.partitions = Some(partitions);
                let received = received
                    .or_else(|| self.come.get(&partition).map(|come| come.received))
                    .unwrap_or(Time(i64::MIN));
                self.come.insert(partition, Come { received, at_end, next });
            }
        }
        self.release(self.bound(&[]), each);
    }

    /// The partitions that the oldest match waits for, if all of them were read to their ends: it may go on with all the
    /// others if they still end there.
    pub(crate) fn waits_for(&self) -> Vec<End> {
        let Some(((first, ..), _)) = self.held.first_key_value().filter(|_| self.knows_all()) else {
            return Vec::new();
        };
        let slower = self.come.iter().filter(|(_, come)| self.reach(**come) < *first);
        let ends = slower
            .map(|(partition, come)| come.at_end.then_some(End { partition: *partition, offset: come.next }));
        ends.collect::<Option<Vec<End>>>().unwrap_or_default()
    }

    /// Gives `each` what waited for these alone: they ended there after all that waits was read.
    pub(crate) fn pass(&mut self, ends: &[End], each: impl FnMut(&Match)) {
        self.release(self.bound(ends), each);
    }

    /// Gives `each` what was received no later than `until`: it went on before.
    pub(crate) fn pass_until(&mut self, until: Time, each: impl FnMut(&Match)) {
        self.release(until, each);
    }

    /// The newest receipt among the matches that went on.
    pub(crate) fn released(&self) -> Option<Time> {
        self.released
    }

    fn release(&mut self, bound: Time, mut each: impl FnMut(&Match)) {
        while let Some(((received, ..), _)) = self.held.first_key_value() {
            if *received > bound {
                if self.held.len() <= self.held_max {
                    return;
                }
                self.hurried += 1;
            }
            self.released = self.released.max(Some(*received));
            if let Some((_, found)) = self.held.pop_first() {
                each(&found);
            }
        }
    }

    /// How many wait.
    pub(crate) fn held(&self) -> usize {
        self.held.len()
    }

    /// Whose receipt is no later than this need not wait, but for the partitions that end there.
    fn bound(&self, ends: &[End]) -> Time {
        if !self.knows_all() {
            return Time(i64::MIN);
        }
        let others =
            self.come.iter().filter(|(partition, _)| ends.iter().all(|end| end.partition != **partition));
        others.map(|(_, come)| self.reach(*come)).min().unwrap_or(Time(i64::MAX))
    }

    /// What a partition that has come so far holds back is newer than this.
    fn reach(&self, come: Come) -> Time {
        Time(come.received.0.saturating_add(self.skew_ms))
    }

    fn knows_all(&self) -> bool {
        self.partitions.is_some_and(|partitions| self.come.len() >= partitions)
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
        Entry::Progress { partition, partitions: 2, received, at_end: received.is_none(), next: 7 }
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
        let behind = [found(1, 10), come(1, Some(20)), found(1, 1500), come(1, Some(2950))];
        assert_eq!(pass(&mut order, behind), [0, 10, 1500, 3000]);
    }

    #[test]
    fn nothing_waits_while_all_keep_up() {
        let mut order = Order::new(600_000, 100);
        pass(&mut order, [come(0, Some(0)), come(1, Some(0))]);
        assert_eq!(pass(&mut order, [found(0, 50)]), [50], "within the skew");
        assert_eq!(pass(&mut order, [found(0, 70)]), [0; 0], "partition 0 itself has not come so far");
        assert!(order.waits_for().is_empty(), "there is more to read in it");
        assert_eq!(pass(&mut order, [come(0, Some(80)), come(1, Some(10))]), [70]);
    }

    #[test]
    fn a_partition_read_to_its_end_is_passed_once_it_proves_to_end_there() {
        let mut order = Order::new(600_000, 100);
        let ahead = [come(0, Some(0)), come(1, Some(10)), come(1, None), found(0, 3000), come(0, Some(3600))];
        assert_eq!(pass(&mut order, ahead), [0; 0], "more may stand in it by now");
        let ends = order.waits_for();
        assert_eq!(ends, [End { partition: 1, offset: 7 }]);
        // It had been written to since, and is read on: no match of its comes late.
        assert_eq!(pass(&mut order, [found(1, 60), come(1, Some(65)), come(1, None)]), [60]);
        let mut passed = 0;
        order.pass(&order.waits_for(), |_| passed += 1);
        assert_eq!((passed, order.held()), (1, 0));
        assert_eq!(order.released(), Some(Time(START + 3_000_000)));
        assert_eq!(pass(&mut order, [found(0, 3500)]), [0; 0], "it passed those that waited, no later ones");
    }

    #[test]
    fn what_went_on_before_goes_on_when_it_is_read_back() {
        let mut order = Order::new(600_000, 100);
        pass(&mut order, [come(0, Some(3600)), come(1, None), found(0, 100), found(0, 200), found(0, 300)]);
        let mut passed = 0;
        order.pass_until(Time(START + 200_000), |_| passed += 1);
        assert_eq!((passed, order.held()), (2, 1));
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

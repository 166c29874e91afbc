//! How far time has come: the newest time of each source, and the floor below which nothing is awaited any more.
//!
//! The floor is the oldest newest time among the sources that are alive, less the lateness. A source that has sent
//! nothing for a while, measured by what others' matches say of their receipt, is not alive and holds nobody back. A
//! source that stores and forwards is not asked how far it has come: it may always send what is no older, when received,
//! than its own lateness, even after a long silence and if nothing was ever heard of it; so while such sources are
//! configured, the floor stays behind the newest receipt by the longest of their latenesses. The floor never sinks.
//!
//! It is worked out at the first match of each second of receipt, and at no other time: what is late then follows from
//! the matches in their order alone, not from how fast a process happened to read them, live or replayed.

use event::{Match, Time};
use std::collections::{BTreeMap, HashMap};

/// How much receipt lies between two workings-out, in milliseconds.
const EVERY_MS: i64 = 1000;

#[derive(Debug)]
struct Source {
    newest: Time,
    received: Time,
}

#[derive(Debug)]
pub(crate) struct Watermark {
    sources: HashMap<String, Source>,
    received: Time,
    floor: Time,
}

/// The lateness and its companions, see `Limits`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Patience<'l> {
    pub(crate) lateness_ms: i64,
    pub(crate) lateness_of_ms: &'l BTreeMap<String, i64>,
    pub(crate) idle_ms: i64,
    pub(crate) sources_max: usize,
}

impl Watermark {
    pub(crate) fn new() -> Watermark {
        Watermark { sources: HashMap::new(), received: Time(i64::MIN), floor: Time(i64::MIN) }
    }

    /// The time before which nothing is awaited.
    pub(crate) fn floor(&self) -> Time {
        self.floor
    }

    pub(crate) fn see(&mut self, found: &Match, patience: Patience<'_>) {
        let received = found.event.received();
        let is_new = received.0.div_euclid(EVERY_MS) > self.received.0.div_euclid(EVERY_MS);
        self.received = self.received.max(received);
        let of = patience.lateness_of_ms;
        let stores = !of.is_empty() && (of.contains_key(&found.source) || of.contains_key(&found.unit));
        match self.sources.get_mut(&found.source) {
            _ if stores => {}
            Some(source) => {
                source.newest = source.newest.max(found.time);
                source.received = source.received.max(received);
            }
            None => {
                if self.sources.len() >= patience.sources_max {
                    self.make_room(patience.sources_max / 16);
                }
                self.sources.insert(found.source.clone(), Source { newest: found.time, received });
            }
        }
        if is_new {
            self.advance(patience);
        }
    }

    /// Lets the quietest go, many at once, or a flood of invented sources would have all looked through for each; of
    /// equally quiet ones the first by name, or a replay might let others go.
    fn make_room(&mut self, count: usize) {
        let mut ages: Vec<(Time, &str)> =
            self.sources.iter().map(|(name, source)| (source.received, name.as_str())).collect();
        let Some(nth) = count.max(1).min(ages.len()).checked_sub(1) else { return };
        let (_, last, _) = ages.select_nth_unstable(nth);
        let last = (last.0, last.1.to_owned());
        self.sources.retain(|name, source| (source.received, name.as_str()) > (last.0, last.1.as_str()));
    }

    /// Works the floor out.
    fn advance(&mut self, patience: Patience<'_>) {
        let alive_from = self.received.0.saturating_sub(patience.idle_ms);
        let alive = self.sources.values().filter(|source| source.received.0 >= alive_from);
        let oldest = alive.map(|source| source.newest.0.saturating_sub(patience.lateness_ms)).min();
        let held = patience.lateness_of_ms.values().map(|ms| self.received.0.saturating_sub(*ms)).min();
        if let Some(floor) = oldest.into_iter().chain(held).min() {
            self.floor = self.floor.max(Time(floor));
        }
    }

    /// Nothing comes any more.
    pub(crate) fn finish(&mut self) {
        self.floor = Time(i64::MAX);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::{START, found};
    use event::EventId;

    #[test]
    fn of_equally_quiet_sources_the_same_go_each_time() {
        let of = BTreeMap::new();
        let patience = Patience { lateness_ms: 0, lateness_of_ms: &of, idle_ms: 60_000, sources_max: 32 };
        for _ in 0..8 {
            let mut watermark = Watermark::new();
            let mut see = |nth: u64, second: i64, received: i64| {
                let event = EventId::new(Time(START + received), 0, nth);
                let found = Match { source: format!("s{nth:02}"), event, ..found(nth, second, 0, 1, 1) };
                watermark.see(&found, patience);
                (watermark.floor(), watermark.sources.len())
            };
            // All at once, the first by name furthest behind.
            for nth in 0..32 {
                see(nth, 100 + nth as i64, 0);
            }
            assert_eq!(see(32, 200, 0).1, 31);
            assert_eq!(see(33, 200, 1000), (Time(START + 102_000), 32));
        }
    }
}

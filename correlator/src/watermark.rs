//! How far time has come: the newest time of each source, and the floor below which nothing is awaited any more.
//!
//! The floor is the oldest newest time among the sources that are alive, less the lateness. A source that has sent
//! nothing for a while, measured by what others' matches say of their receipt, is not alive and holds nobody back. A
//! source that stores and forwards is not asked how far it has come: it may always send what is no older, when received,
//! than its own lateness, even after a long silence and if nothing was ever heard of it; so while such sources are
//! configured, the floor stays behind the newest receipt by the longest of their latenesses. The floor never sinks. A
//! lower floor only means that more is remembered, so it is worked out now and then, not always.

use event::{Match, Time};
use std::collections::{BTreeMap, HashMap};

/// After how many matches the floor is worked out again, at least, and at most as many as there are sources.
const EVERY: usize = 128;

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
    since: usize,
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
        Watermark { sources: HashMap::new(), received: Time(i64::MIN), floor: Time(i64::MIN), since: 0 }
    }

    /// The time before which nothing is awaited.
    pub(crate) fn floor(&self) -> Time {
        self.floor
    }

    pub(crate) fn see(&mut self, found: &Match, patience: Patience<'_>) {
        let received = found.event.received();
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
                if self.sources.len() >= patience.sources_max
                    && let Some(stalest) = self.sources.iter().min_by_key(|(_, source)| source.received)
                {
                    let stalest = stalest.0.clone();
                    self.sources.remove(&stalest);
                }
                self.sources.insert(found.source.clone(), Source { newest: found.time, received });
            }
        }
        self.since += 1;
        if self.since >= EVERY.max(self.sources.len()) {
            self.advance(patience);
        }
    }

    /// Works the floor out.
    pub(crate) fn advance(&mut self, patience: Patience<'_>) {
        self.since = 0;
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

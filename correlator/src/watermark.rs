//! How far time has come: the newest time of each source, and the floor below which nothing is awaited any more.
//!
//! The floor is the oldest newest time among the sources that are alive, less the lateness. A source that has sent
//! nothing for a while, measured by what others' matches say of their receipt, is not alive and holds nobody back. The
//! floor never sinks. A lower floor only means that more is remembered, so it is worked out now and then, not always.

use event::{Match, Time};
use std::collections::HashMap;

/// After how many matches the floor is worked out again.
const EVERY: u32 = 128;

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
    since: u32,
}

/// The lateness and its companions, see `Limits`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Patience {
    pub(crate) lateness_ms: i64,
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

    pub(crate) fn see(&mut self, found: &Match, patience: Patience) {
        let received = found.event.received();
        self.received = self.received.max(received);
        match self.sources.get_mut(&found.source) {
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
        if self.since >= EVERY {
            self.advance(patience);
        }
    }

    /// Works the floor out.
    pub(crate) fn advance(&mut self, patience: Patience) {
        self.since = 0;
        let alive_from = self.received.0.saturating_sub(patience.idle_ms);
        let alive = self.sources.values().filter(|source| source.received.0 >= alive_from);
        if let Some(oldest) = alive.map(|source| source.newest).min() {
            self.floor = self.floor.max(Time(oldest.0.saturating_sub(patience.lateness_ms)));
        }
    }
}

//! The window of one group of one correlation rule.
//!
//! Matches are kept sorted by (time, event, rule). The window that ends at a match is every match up to it whose time is
//! at most the timespan earlier, both ends included. It is *satisfied* if what the rule counts reaches its bound. An
//! **episode** is what satisfied windows cover, joined while they share a match; it is one alert, whose id names its
//! first match. All of this is a function of the sorted set, so the order of arrival cannot matter.
//!
//! Matches that come in order, nearly all, extend the last episode in constant time. One that comes late is put in its
//! place and the group is worked out anew; if that moves an episode's beginning or joins two, the alerts that were told
//! before are superseded by the one that holds their matches.
//!
//! A bound from below, once reached, stays reached, so a match is told as soon as it suffices. What lies further back
//! than two timespans before the floor (see `watermark`) can touch nothing new and is forgotten; the episode it belonged
//! to remembers its sum.

use crate::episode::{Episode, Facts, Key};
use crate::ruleset::CorrelationRule;
use crate::sigma::correlation::Measure;
use event::{Alert, EventId, Time};
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use uuid::Uuid;

#[derive(Clone, Debug)]
struct Entry {
    key: Key,
    /// What is counted: the value's hash, or the rule's place.
    counted: u64,
    facts: Arc<Facts>,
    /// The window that ends here is satisfied.
    hot: bool,
}

/// What a correlation asks of a window.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ask<'r> {
    pub(crate) measure: &'r Measure,
    pub(crate) timespan_ms: i64,
    pub(crate) at_least: usize,
    /// How many matches one group keeps.
    pub(crate) entries_max: usize,
}

/// What became of a match.
#[derive(Debug, PartialEq)]
pub(crate) enum Taken {
    /// Counted.
    Yes,
    /// It was there already.
    Again,
    /// Older than what is remembered.
    TooOld,
}

/// The sorted matches of one group and their episodes.
#[derive(Debug, Default)]
pub(crate) struct Window {
    entries: VecDeque<Entry>,
    scan: Scan,
    pub(crate) episodes: Vec<Episode>,
    /// The forgotten beginning of the first episode.
    sealed: Option<Episode>,
    /// The newest match that was forgotten.
    forgotten: Option<Key>,
    /// When a match last came, counted in matches.
    pub(crate) touched: u64,
}

impl Window {
    /// Takes in a match. `id` derives an alert's id from its first match; `superseded` gets alerts that became part of
    /// another.
    pub(crate) fn take(
        &mut self,
        key: Key,
        counted: u64,
        facts: Arc<Facts>,
        ask: Ask<'_>,
        id: &dyn Fn(EventId) -> Uuid,
        superseded: &mut Vec<(Uuid, Uuid)>,
    ) -> Taken {
        if self.forgotten.is_some_and(|forgotten| key <= forgotten) {
            return Taken::TooOld;
        }
        let at = self.entries.partition_point(|entry| entry.key < key);
        if self.entries.get(at).is_some_and(|entry| entry.key == key) {
            return Taken::Again;
        }
        // Neighbours are mostly about the same entities: one copy serves both.
        let facts = match at.checked_sub(1).and_then(|before| self.entries.get(before)) {
            Some(before) if *before.facts == *facts => Arc::clone(&before.facts),
            _ => facts,
        };
        let in_order = at == self.entries.len();
        self.entries.insert(at, Entry { key, counted, facts, hot: false });
        if in_order {
            self.append(ask, id);
        } else {
            self.rebuild(ask, id, superseded);
        }
        while self.entries.len() > ask.entries_max.max(ask.at_least) {
            self.forget_first();
        }
        Taken::Yes
    }

    fn append(&mut self, ask: Ask<'_>, id: &dyn Fn(EventId) -> Uuid) {
        let at = self.entries.len() - 1;
        if !self.scan.step(&mut self.entries, at, ask) {
            return;
        }
        let from = self.entries[at].key.time.plus_ms(-ask.timespan_ms);
        match self.episodes.last_mut().filter(|episode| episode.last.time >= from) {
            Some(episode) => {
                let next = self.entries.partition_point(|entry| entry.key <= episode.last);
                self.entries.range(next..).for_each(|entry| episode.absorb(entry.key, &entry.facts));
            }
            None => {
                let left = self.scan.left;
                self.episodes.extend(gather(None, &self.entries, left, at, id));
            }
        }
    }

    fn rebuild(&mut self, ask: Ask<'_>, id: &dyn Fn(EventId) -> Uuid, superseded: &mut Vec<(Uuid, Uuid)>) {
        self.scan = Scan::default();
        let mut found: Vec<Episode> = Vec::new();
        let mut current = self.sealed.clone();
        for at in 0..self.entries.len() {
            let hot = self.scan.step(&mut self.entries, at, ask);
            if !hot {
                continue;
            }
            let from = self.entries[at].key.time.plus_ms(-ask.timespan_ms);
            let left = match &current {
                Some(episode) if episode.last.time >= from => {
                    self.entries.partition_point(|entry| entry.key <= episode.last)
                }
                _ => {
                    found.extend(current.take());
                    self.scan.left
                }
            };
            current = gather(current, &self.entries, left, at, id);
        }
        found.extend(current);
        let mut kept = Vec::new();
        for old in std::mem::take(&mut self.episodes) {
            if let Some(new) = found.iter_mut().find(|new| new.id == old.id) {
                new.told = old.told;
                new.dirty = old.dirty || new.count != old.count;
            } else if let Some(into) =
                found.iter().find(|new| new.first <= old.first && old.first <= new.last)
            {
                superseded.push((old.id, into.id));
            } else {
                kept.push(old); // all its matches are forgotten
            }
        }
        kept.append(&mut found);
        self.episodes = kept;
    }

    /// Forgets what can touch nothing that comes at or after `floor`.
    pub(crate) fn forget_before(&mut self, floor: Time, timespan_ms: i64) {
        let horizon = floor.plus_ms(-timespan_ms).plus_ms(-timespan_ms);
        while self.entries.front().is_some_and(|entry| entry.key.time < horizon) {
            self.forget_first();
        }
        let kept_from = self.entries.front().map(|entry| entry.key);
        self.episodes.retain(|episode| {
            episode.dirty
                || episode.last.time >= horizon
                || kept_from.is_some_and(|from| episode.last >= from)
        });
        let first = self.episodes.first().map(|episode| episode.id);
        self.sealed = self.sealed.take().filter(|sealed| Some(sealed.id) == first);
    }

    fn forget_first(&mut self) {
        let Some(entry) = self.entries.pop_front() else { return };
        self.scan.forget(&entry);
        self.forgotten = Some(entry.key);
        let of = self.episodes.iter().find(|episode| episode.first <= entry.key && entry.key <= episode.last);
        let Some(episode) = of else { return };
        match &mut self.sealed {
            Some(sealed) if sealed.id == episode.id => sealed.absorb(entry.key, &entry.facts),
            _ => {
                let mut sealed = Episode::begin(entry.key, &entry.facts);
                sealed.id = episode.id;
                self.sealed = Some(sealed);
            }
        }
    }

    /// The alert of an episode.
    pub(crate) fn alert(&self, id: Uuid, rule: &CorrelationRule, group: &[String]) -> Option<Alert> {
        self.episodes.iter().find(|episode| episode.id == id).map(|episode| rule.alert(group, episode))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.entries.is_empty() && self.episodes.is_empty()
    }
}

/// Adds the matches from `left` to `at` to the episode, or begins one with them.
fn gather(
    episode: Option<Episode>,
    entries: &VecDeque<Entry>,
    left: usize,
    at: usize,
    id: &dyn Fn(EventId) -> Uuid,
) -> Option<Episode> {
    let mut episode = episode;
    for entry in entries.range(left.min(at + 1)..=at) {
        match &mut episode {
            Some(episode) => episode.absorb(entry.key, &entry.facts),
            None => {
                let mut begun = Episode::begin(entry.key, &entry.facts);
                begun.id = id(entry.key.event);
                episode = Some(begun);
            }
        }
    }
    episode
}

/// The window that ends at the match last stepped on.
#[derive(Debug, Default)]
struct Scan {
    /// Its first match.
    left: usize,
    /// How often each counted value stands in it.
    counts: HashMap<u64, u32>,
    /// For `RulesInOrder`: the latest beginning of a chain that has come as far as each rule.
    chains: Vec<Option<Time>>,
    /// The chains of the event being stepped on, which may not link to itself.
    pending: Vec<(usize, Time)>,
    pending_event: EventId,
}

impl Scan {
    /// Steps on the match at `at`, all before it having been stepped on. Whether the window that ends there is satisfied.
    fn step(&mut self, entries: &mut VecDeque<Entry>, at: usize, ask: Ask<'_>) -> bool {
        let (key, counted) = (entries[at].key, entries[at].counted);
        let from = key.time.plus_ms(-ask.timespan_ms);
        let distinct = !matches!(ask.measure, Measure::Events);
        if distinct {
            *self.counts.entry(counted).or_default() += 1;
        }
        while self.left < at && entries[self.left].key.time < from {
            let leaving = entries[self.left].counted;
            self.left += 1;
            if distinct {
                self.leave(leaving);
            }
        }
        let satisfied = match ask.measure {
            Measure::Events => at + 1 - self.left >= ask.at_least,
            Measure::Values(_) | Measure::Rules => self.counts.len() >= ask.at_least,
            Measure::RulesInOrder => self.chain(key, from, ask.at_least),
        };
        let entry = &mut entries[at];
        // Once satisfied, always: part of its window may have been forgotten since.
        entry.hot |= satisfied;
        entry.hot
    }

    fn chain(&mut self, key: Key, from: Time, rules: usize) -> bool {
        if self.pending_event != key.event {
            self.pending_event = key.event;
            self.chains.resize(rules, None);
            for (rule, start) in std::mem::take(&mut self.pending) {
                self.chains[rule] = self.chains[rule].max(Some(start));
            }
        }
        let rule = usize::from(key.rule);
        let start = match rule.checked_sub(1) {
            None => Some(key.time),
            Some(before) => self.chains.get(before).copied().flatten().filter(|start| *start >= from),
        };
        let Some(start) = start.filter(|_| rule < rules) else { return false };
        self.pending.push((rule, start));
        rule + 1 == rules
    }

    fn leave(&mut self, counted: u64) {
        if let Some(count) = self.counts.get_mut(&counted) {
            *count -= 1;
            if *count == 0 {
                self.counts.remove(&counted);
            }
        }
    }

    /// The first match is gone.
    fn forget(&mut self, entry: &Entry) {
        if self.left > 0 {
            self.left -= 1;
        } else {
            self.leave(entry.counted);
        }
    }
}

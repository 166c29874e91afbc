//! The window of one group of one correlation rule.
//!
//! Matches are kept sorted by (time, event, rule). A *window* is a largest set of matches within one timespan, both ends
//! included: no further match fits in beside its first. A timespan after a match in which none follows is a window too,
//! an empty one. A window is *satisfied* if what the rule counts is what its condition admits. An **episode** is what
//! satisfied windows cover, joined while they share a match (an empty one shares the match before it); it is one alert,
//! whose id names its first match. All of this is a function of the sorted set, so the order of arrival cannot matter.
//!
//! When a window is asked is the rule's verdict. What more matches cannot undo is told at once: the matches that come in
//! order, nearly all, extend the last episode in constant time. Late ones wait in `late` until the matches that came
//! since have paid for working the group out anew, at the latest for the next flush; if that moves an episode's
//! beginning or joins two, the alerts that were told before are superseded. Everything else is worked out in order of
//! time behind the floor (see `watermark`), where nothing can come late any more, each match once.
//!
//! What lies further back than two timespans before the floor can touch nothing new and is forgotten; the episode it
//! belonged to remembers its sum.

use crate::entry::{Arrival, Effects, Entry, Hot, Taken};
use crate::episode::{Episode, Key, gather};
use crate::facts::Facts;
use crate::matches::Matches;
use crate::resolve::CorrelationRule;
use crate::sigma::correlation::Verdict;
use crate::tally::{self, Tally};
use event::Time;
use std::collections::HashMap;
use uuid::Uuid;

/// What a late match may cost, in steps, for each match that came.
const STEPS_PER_MATCH: usize = 8;
/// A group of so few matches is always worked out anew at once.
const STEPS_FREE: usize = 256;

/// The sorted matches of one group and their episodes. A million of them are kept, so what most never need is apart.
#[derive(Debug)]
pub(crate) struct Window {
    matches: Matches,
    /// The first match of the window last stepped on.
    left: usize,
    /// How many matches were stepped on.
    next: usize,
    more: Option<Box<More>>,
}

#[derive(Debug, Default)]
struct More {
    tally: Option<Tally>,
    episodes: Vec<Episode>,
    /// The episodes before were told as they are; those before `heard`, at all.
    told: usize,
    heard: usize,
    /// The forgotten beginning of the first episode.
    sealed: Option<Episode>,
    /// The newest match that was let go for want of room.
    forgotten: Option<Key>,
    /// Matches that came behind a later one.
    late: Vec<Entry>,
    /// The steps that matches have paid for.
    credit: usize,
    /// The window last stepped on was asked; so was the silence after it.
    closed: bool,
    silent: bool,
    /// What the floor must pass before more can be said; `None` if nothing is known to wait.
    due: Option<Time>,
}

impl Window {
    /// Of a group of which nothing is known yet; `facts` are those of the match that is about to come.
    pub(crate) fn new(group: &[u8], facts: &[u8]) -> Window {
        Window { matches: Matches::new(group, facts), left: 0, next: 0, more: None }
    }

    pub(crate) fn group(&self) -> &[u8] {
        self.matches.group()
    }

    /// Takes in a match.
    pub(crate) fn take(
        &mut self,
        arrival: Arrival<'_>,
        rule: &CorrelationRule,
        effects: &mut Effects,
    ) -> Taken {
        let Arrival { entry, facts } = arrival;
        let key = entry.key();
        let count = self.matches.len();
        if let Some(more) = &mut self.more {
            // What is saved up is spent on two repairs at most.
            more.credit = (more.credit + STEPS_PER_MATCH).min(STEPS_FREE + 2 * count);
            if more.forgotten.is_some_and(|forgotten| key <= forgotten) {
                return Taken::TooOld;
            }
        }
        if self.matches.last().is_none_or(|last| last.key() < key) {
            let entry = self.matches.keep(entry, facts);
            self.matches.push(entry);
            if rule.verdict == Verdict::AtOnce && self.step(rule, effects) {
                self.cover(self.next - 1, rule, effects);
            }
            return Taken::Yes;
        }
        let at = self.matches.partition_point(|entry| entry.key() < key);
        if self.matches.get(at).is_some_and(|entry| entry.key() == key) {
            return Taken::Again;
        }
        let entry = self.matches.keep(entry, facts);
        let more = self.more();
        more.late.push(entry);
        if rule.verdict == Verdict::AtOnce && count <= more.credit.max(STEPS_FREE) {
            self.repair(rule, effects);
        }
        Taken::Yes
    }

    fn more(&mut self) -> &mut More {
        self.more.get_or_insert_with(Box::default)
    }

    /// Steps on the next match. Whether the window that ends there is satisfied.
    fn step(&mut self, rule: &CorrelationRule, effects: &mut Effects) -> bool {
        let at = self.next;
        let Some(entry) = self.matches.get(at) else { return false };
        let hot = entry.hot;
        let from = Time(entry.time.saturating_sub(rule.correlation.timespan_ms));
        effects.steps += 1;
        self.next += 1;
        let Window { matches, left, more, .. } = self;
        let mut tally = more.as_mut().and_then(|more| more.tally.as_mut());
        while let Some(entry) = matches.get(*left).filter(|entry| entry.time < from.0) {
            if let Some(tally) = &mut tally {
                tally.leave(entry);
            }
            *left += 1;
            effects.steps += 1;
        }
        let count = at + 1 - *left;
        let mut satisfied = false;
        if let Some(tally) = tally {
            tally.enter(matches, *left, at, from, rule);
            satisfied = rule.verdict != Verdict::AtClose && tally.meets(rule);
        } else if count >= rule.matches_min {
            // So many matches are the first that could suffice; most groups never have them.
            if let Some(mut tally) = Tally::of(rule) {
                for nth in *left..=at {
                    let Some(entry) = matches.get(nth) else { break };
                    let from = Time(entry.time.saturating_sub(rule.correlation.timespan_ms));
                    tally.enter(matches, *left, nth, from, rule);
                    effects.steps += 1;
                }
                satisfied = rule.verdict != Verdict::AtClose && tally.meets(rule);
                self.more().tally = Some(tally);
            } else {
                satisfied = rule.correlation.bounds.holds(tally::count(count));
            }
        }
        if rule.verdict == Verdict::AtClose {
            return false;
        }
        // Once satisfied, always: part of its window may have been forgotten since.
        if satisfied && !hot {
            self.heat(at, rule, effects);
        }
        satisfied || hot
    }

    fn heat(&mut self, at: usize, rule: &CorrelationRule, effects: &mut Effects) {
        let Some(entry) = self.matches.get_mut(at) else { return };
        entry.hot = true;
        if !rule.feeds.is_empty() {
            let (time, event, counted) = (Time(entry.time), entry.event(), entry.counted);
            effects.hots.push(Hot { time, event, counted, facts: self.facts_of(at) });
        }
    }

    /// The packed facts of the match at `at`.
    fn facts_of(&self, at: usize) -> Box<[u8]> {
        let entry = self.matches.get(at);
        entry.map(|entry| self.matches.facts(entry).packed().into()).unwrap_or_default()
    }

    /// Adds the window from `left` to `at`, which is satisfied, to the last episode or begins one with it.
    fn cover(&mut self, at: usize, rule: &CorrelationRule, effects: &mut Effects) {
        let Window { matches, left, more, .. } = self;
        let Some(entry) = matches.get(at) else { return };
        let more = more.get_or_insert_with(Box::default);
        let from = entry.time.saturating_sub(rule.correlation.timespan_ms);
        let before = more.episodes.len();
        let joined = more.episodes.last_mut().filter(|episode| episode.last.time.0 >= from);
        more.told = more.told.min(if joined.is_some() { before.saturating_sub(1) } else { before });
        match joined {
            Some(episode) => {
                let is_last = |entry: &Entry| entry.key() == episode.last;
                let next = match at.checked_sub(1).and_then(|before| matches.get(before)) {
                    Some(before) if is_last(before) => at,
                    _ => matches.partition_point(|entry| entry.key() <= episode.last).max(*left),
                };
                for nth in next.min(at + 1)..=at {
                    episode.extend(matches, nth);
                    effects.steps += 1;
                }
            }
            None => {
                more.episodes.extend(gather(None, matches, *left, at, rule));
                effects.steps += u64::try_from(at + 1 - *left).unwrap_or(0);
            }
        }
    }

    /// Puts late matches into their places and works the group out anew, if need be.
    pub(crate) fn repair(&mut self, rule: &CorrelationRule, effects: &mut Effects) {
        let Some(more) = &mut self.more else { return };
        let mut late = std::mem::take(&mut more.late);
        late.sort_by_key(Entry::key);
        late.dedup_by_key(|entry| entry.key());
        if self.matches.insert(&late) > 0 && rule.verdict == Verdict::AtOnce {
            self.rebuild(rule, effects);
        }
    }

    fn rebuild(&mut self, rule: &CorrelationRule, effects: &mut Effects) {
        (self.left, self.next) = (0, 0);
        let count = self.matches.len();
        let more = self.more();
        more.tally = None;
        more.credit = more.credit.saturating_sub(count);
        let mut current = more.sealed.clone();
        let mut found: Vec<Episode> = Vec::new();
        for at in 0..self.matches.len() {
            if !self.step(rule, effects) {
                continue;
            }
            // The match that a window shares with the sealed episode may be forgotten.
            let Some(entry) = self.matches.get(at) else { break };
            let from = entry.time.saturating_sub(rule.correlation.timespan_ms);
            let left = match &current {
                Some(episode) if episode.last.time.0 >= from => {
                    self.matches.partition_point(|entry| entry.key() <= episode.last)
                }
                _ => {
                    found.extend(current.take());
                    self.left
                }
            };
            current = gather(current, &self.matches, left, at, rule);
        }
        found.extend(current);
        let places: HashMap<Uuid, usize> =
            found.iter().enumerate().map(|(at, episode)| (episode.id, at)).collect();
        let more = self.more();
        let mut kept = Vec::new();
        for old in std::mem::take(&mut more.episodes) {
            if let Some(new) = places.get(&old.id).and_then(|at| found.get_mut(*at)) {
                new.told = old.told;
                new.dirty = old.dirty || new.count != old.count;
                continue;
            }
            let at = found.partition_point(|new| new.last < old.first);
            match found.get(at).filter(|new| new.first <= old.first) {
                Some(into) => effects.superseded.push((old.id, into.id)),
                None => kept.push(old), // all its matches are forgotten
            }
        }
        kept.append(&mut found);
        more.episodes = kept;
        (more.told, more.heard) = (0, 0);
    }

    /// Works out what nothing can come late for any more. Gives the time that the floor must pass before more can be
    /// said.
    pub(crate) fn settle(
        &mut self,
        floor: Time,
        rule: &CorrelationRule,
        effects: &mut Effects,
    ) -> Option<Time> {
        self.repair(rule, effects);
        let due = if rule.verdict == Verdict::AtOnce { None } else { self.advance(floor, rule, effects) };
        if due.is_some() || self.more.is_some() {
            self.more().due = due;
        }
        due
    }

    /// Whether nothing was known to wait for the floor to pass `time`; now something is.
    pub(crate) fn awaits(&mut self, time: Time) -> bool {
        let due = &mut self.more().due;
        let sooner = due.is_none_or(|due| time < due);
        if sooner {
            *due = Some(time);
        }
        sooner
    }

    pub(crate) fn due(&self) -> Option<Time> {
        self.more.as_ref().and_then(|more| more.due)
    }

    fn advance(&mut self, floor: Time, rule: &CorrelationRule, effects: &mut Effects) -> Option<Time> {
        loop {
            let upcoming = self.matches.get(self.next).map(|entry| entry.time);
            if rule.verdict == Verdict::AtClose
                && let Some(until) = self.close(upcoming, floor, rule, effects)
            {
                return Some(until);
            }
            let upcoming = Time(upcoming?);
            if upcoming >= floor {
                return Some(upcoming);
            }
            if self.step(rule, effects) {
                self.cover(self.next - 1, rule, effects);
            }
            let more = self.more();
            (more.closed, more.silent) = (false, false);
        }
    }

    /// Asks the window last stepped on if nothing fits in any more, then the silence after it. `Some`: what the floor
    /// must pass first.
    fn close(
        &mut self,
        upcoming: Option<i64>,
        floor: Time,
        rule: &CorrelationRule,
        effects: &mut Effects,
    ) -> Option<Time> {
        let at = self.next.checked_sub(1)?;
        let close_at = self.matches.get(self.left)?.time.saturating_add(rule.correlation.timespan_ms);
        if upcoming.is_some_and(|time| time <= close_at) {
            return None;
        }
        if !self.more().closed {
            if floor.0 <= close_at {
                return Some(Time(close_at));
            }
            self.more().closed = true;
            let count = at + 1 - self.left;
            let satisfied = match &self.more().tally {
                Some(tally) => tally.meets(rule),
                None => count >= rule.matches_min && rule.correlation.bounds.holds(tally::count(count)),
            };
            if satisfied {
                self.heat(at, rule, effects);
                self.cover(at, rule, effects);
            }
        }
        let silent_at = self.matches.get(at)?.time.saturating_add(rule.correlation.timespan_ms);
        let silent = !self.more().silent && upcoming.is_none_or(|time| time > silent_at);
        if silent && tally::meets_nothing(rule) {
            if floor.0 <= silent_at {
                return Some(Time(silent_at));
            }
            self.silence(at, Time(silent_at), rule, effects);
        }
        None
    }

    /// Nothing followed the match at `at` until `until`, and that satisfies the rule.
    fn silence(&mut self, at: usize, until: Time, rule: &CorrelationRule, effects: &mut Effects) {
        let Some(entry) = self.matches.get(at).cloned() else { return };
        let facts = self.facts_of(at);
        let id = rule.alert_id(self.matches.group(), entry.key());
        let more = self.more();
        more.silent = true;
        more.told = more.told.min(more.episodes.len().saturating_sub(1));
        match more.episodes.last_mut().filter(|episode| episode.last >= entry.key()) {
            Some(episode) => {
                episode.until = until;
                episode.dirty = true;
            }
            None => {
                let mut episode = Episode::silent(id, entry.key(), Facts(&facts));
                episode.until = until;
                more.episodes.push(episode);
            }
        }
        if !rule.feeds.is_empty() {
            let (event, counted) = (entry.event(), entry.counted);
            effects.hots.push(Hot { time: until, event, counted, facts });
        }
    }

    /// Forgets what can touch nothing that comes at or after `floor`.
    pub(crate) fn forget_before(&mut self, floor: Time, rule: &CorrelationRule, effects: &mut Effects) {
        let horizon = floor.plus_ms(-rule.correlation.timespan_ms).plus_ms(-rule.correlation.timespan_ms);
        self.repair(rule, effects);
        if self.matches.first().is_some_and(|entry| entry.time < horizon.0) {
            self.forget(self.matches.partition_point(|entry| entry.time < horizon.0));
        }
        let kept_from = self.matches.first().map(Entry::key);
        let Some(more) = &mut self.more else { return };
        more.episodes.retain(|episode| {
            episode.dirty || episode.until >= horizon || kept_from.is_some_and(|from| episode.last >= from)
        });
        (more.told, more.heard) = (0, 0);
        // Before it may stand others of which every match is forgotten, but which nobody has heard the last of yet.
        let is_kept = |id: Uuid| more.episodes.iter().any(|episode| episode.id == id);
        more.sealed = more.sealed.take().filter(|sealed| is_kept(sealed.id));
    }

    /// Lets the oldest matches go until at most `count` are left.
    pub(crate) fn shorten(&mut self, count: usize) -> usize {
        let gone = self.matches.len().saturating_sub(count);
        let last = gone.checked_sub(1).and_then(|at| self.matches.get(at)).map(Entry::key);
        self.forget(gone);
        self.matches.shrink();
        let (left, next) = (self.left, self.next);
        let more = self.more();
        more.forgotten = last.or(more.forgotten);
        if let Some(tally) = &mut more.tally {
            tally.shrink(left, next);
        }
        gone
    }

    /// Lets the first `count` matches go. The episodes they belong to remember them.
    fn forget(&mut self, count: usize) {
        let Window { matches, left, next, more } = self;
        let mut none = More::default();
        let more = more.as_deref_mut().unwrap_or(&mut none);
        for at in 0..count {
            let Some(entry) = matches.get(at) else { break };
            if let Some(tally) = more.tally.as_mut().filter(|_| (*left..*next).contains(&at)) {
                tally.leave(entry);
            }
            let key = entry.key();
            let nth = more.episodes.partition_point(|episode| episode.last < key);
            let Some(episode) = more.episodes.get(nth).filter(|episode| episode.first <= key) else {
                continue;
            };
            match &mut more.sealed {
                Some(sealed) if sealed.id == episode.id => sealed.extend(matches, at),
                sealed => *sealed = Some(Episode::begin(episode.id, key, matches.facts(entry))),
            }
        }
        if let Some(tally) = &mut more.tally {
            tally.forget(count);
        }
        matches.forget(count, &mut more.late);
        *left = left.saturating_sub(count);
        *next = next.saturating_sub(count);
    }

    pub(crate) fn episodes(&self) -> &[Episode] {
        self.more.as_ref().map_or(&[], |more| &more.episodes)
    }

    /// The group, and the episodes among which are all that nobody has heard of yet or, with `all`, all that changed since
    /// they were told. They count as told now.
    pub(crate) fn changed(&mut self, all: bool) -> (&[u8], &mut [Episode]) {
        let group = self.matches.group();
        let Some(more) = &mut self.more else { return (group, &mut []) };
        let count = more.episodes.len();
        let from = if all { more.told.min(more.heard) } else { more.heard };
        more.heard = count;
        if all {
            more.told = count;
        }
        (group, more.episodes.get_mut(from.min(count)..).unwrap_or_default())
    }

    pub(crate) fn has_changed(&self) -> bool {
        self.more.as_ref().is_some_and(|more| more.told < more.episodes.len())
    }

    /// Whether late matches wait.
    pub(crate) fn is_behind(&self) -> bool {
        self.more.as_ref().is_some_and(|more| !more.late.is_empty())
    }

    /// Whether the window last stepped on is below what the rule asks, and `floor` has not passed it: a match that comes
    /// may yet satisfy it.
    pub(crate) fn may_hold(&self, floor: Time, rule: &CorrelationRule) -> bool {
        let Some(last) = self.matches.last() else { return false };
        let alive = last.time >= floor.0.saturating_sub(rule.correlation.timespan_ms);
        let told = self.episodes().last().is_some_and(|episode| episode.last >= last.key());
        alive && !(told && rule.verdict == Verdict::AtOnce)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.matches.len() == 0 && self.episodes().is_empty() && !self.is_behind()
    }

    pub(crate) fn len(&self) -> usize {
        self.matches.len()
    }

    /// About what it takes in memory beside itself.
    pub(crate) fn bytes(&self) -> usize {
        let more = self.more.as_ref().map_or(0, |more| {
            let tally = more.tally.as_ref().map_or(0, Tally::bytes);
            size_of::<More>()
                + tally
                + more.late.capacity() * size_of::<Entry>()
                + more.episodes.capacity() * size_of::<Episode>()
        });
        self.matches.bytes() + more
    }
}

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

use crate::entry::{Effects, Entry, Hot, Of, Taken};
use crate::episode::{Episode, Key, gather};
use crate::sigma::correlation::Verdict;
use crate::tally::{self, Tally};
use event::Time;
use std::collections::{HashMap, VecDeque};
use uuid::Uuid;

/// What a late match may cost, in steps, for each match that came.
const STEPS_PER_MATCH: usize = 64;
/// A group of so few matches is always worked out anew at once.
const STEPS_FREE: usize = 256;

/// The sorted matches of one group and their episodes. A million of them are kept, so what most never need is apart.
#[derive(Debug, Default)]
pub(crate) struct Window {
    entries: VecDeque<Entry>,
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
    /// Takes in a match.
    pub(crate) fn take(&mut self, mut entry: Entry, of: Of<'_>, effects: &mut Effects) -> Taken {
        let key = entry.key();
        if let Some(more) = &mut self.more {
            // What is saved up is spent on two repairs at most.
            let most = STEPS_FREE + 2 * self.entries.len();
            more.credit = (more.credit + STEPS_PER_MATCH).min(most);
            if more.forgotten.is_some_and(|forgotten| key <= forgotten) {
                return Taken::TooOld;
            }
        }
        let Some(last) = self.entries.back() else {
            self.push(entry, of, effects);
            return Taken::Yes;
        };
        if last.facts == entry.facts {
            entry.facts = last.facts.clone(); // neighbours are mostly about the same entities: one copy serves both
        }
        if last.key() < key {
            self.push(entry, of, effects);
            return Taken::Yes;
        }
        let at = self.entries.partition_point(|entry| entry.key() < key);
        if self.entries.get(at).is_some_and(|entry| entry.key() == key) {
            return Taken::Again;
        }
        let count = self.entries.len();
        let more = self.more();
        more.late.push(entry);
        if of.rule.verdict == Verdict::AtOnce && count <= more.credit.max(STEPS_FREE) {
            self.repair(of, effects);
        }
        Taken::Yes
    }

    fn more(&mut self) -> &mut More {
        self.more.get_or_insert_with(Box::default)
    }

    fn push(&mut self, entry: Entry, of: Of<'_>, effects: &mut Effects) {
        if self.entries.len() == self.entries.capacity() && self.entries.len() < 8 {
            self.entries.reserve_exact(self.entries.len().max(1)); // most groups stay small
        }
        self.entries.push_back(entry);
        if of.rule.verdict == Verdict::AtOnce && self.step(of, effects) {
            self.cover(self.next - 1, of, effects);
        }
    }

    /// Steps on the next match. Whether the window that ends there is satisfied.
    fn step(&mut self, of: Of<'_>, effects: &mut Effects) -> bool {
        let at = self.next;
        let Some(entry) = self.entries.get(at) else { return false };
        let from = entry.time.saturating_sub(of.span());
        effects.steps += 1;
        self.next += 1;
        let mut tally = self.more.as_mut().and_then(|more| more.tally.take());
        while self.left < at && self.entries[self.left].time < from {
            if let Some(tally) = &mut tally {
                tally.leave(&self.entries[self.left]);
            }
            self.left += 1;
            effects.steps += 1;
        }
        let count = at + 1 - self.left;
        let mut satisfied = false;
        if let Some(tally) = &mut tally {
            tally.enter(&mut self.entries[at], Time(from), of.rule);
        } else if count >= of.rule.matches_min {
            // So many matches are the first that could suffice; most groups never have them.
            tally = Tally::of(of.rule);
            if let Some(tally) = &mut tally {
                for entry in self.entries.range_mut(self.left..=at) {
                    let from = Time(entry.time.saturating_sub(of.span()));
                    tally.enter(entry, from, of.rule);
                    effects.steps += 1;
                }
            } else {
                satisfied = of.rule.correlation.bounds.holds(tally::count(count));
            }
        }
        if let Some(tally) = tally {
            satisfied = of.rule.verdict != Verdict::AtClose && tally.meets(of.rule);
            self.more().tally = Some(tally);
        }
        if of.rule.verdict == Verdict::AtClose {
            return false;
        }
        // Once satisfied, always: part of its window may have been forgotten since.
        let hot = self.entries[at].hot;
        if satisfied && !hot {
            self.heat(at, of, effects);
        }
        satisfied || hot
    }

    fn heat(&mut self, at: usize, of: Of<'_>, effects: &mut Effects) {
        let entry = &mut self.entries[at];
        entry.hot = true;
        if !of.rule.feeds.is_empty() {
            let (time, event) = (Time(entry.time), entry.event());
            effects.hots.push(Hot { time, event, counted: entry.counted, facts: entry.facts.clone() });
        }
    }

    /// Adds the window from `left` to `at`, which is satisfied, to the last episode or begins one with it.
    fn cover(&mut self, at: usize, of: Of<'_>, effects: &mut Effects) {
        let Window { entries, left, more, .. } = self;
        let more = more.get_or_insert_with(Box::default);
        let from = entries[at].time.saturating_sub(of.span());
        let before = more.episodes.len();
        let joined = more.episodes.last_mut().filter(|episode| episode.last.time.0 >= from);
        more.told = more.told.min(if joined.is_some() { before.saturating_sub(1) } else { before });
        match joined {
            Some(episode) => {
                let is_last = |entry: &Entry| entry.key() == episode.last;
                let next = match at.checked_sub(1).and_then(|before| entries.get(before)) {
                    Some(before) if is_last(before) => at,
                    _ => entries.partition_point(|entry| entry.key() <= episode.last).max(*left),
                };
                for entry in entries.range(next.min(at + 1)..=at) {
                    episode.absorb(entry.key(), &entry.facts);
                    effects.steps += 1;
                }
            }
            None => {
                more.episodes.extend(gather(None, entries, *left, at, of));
                effects.steps += u64::try_from(at + 1 - *left).unwrap_or(0);
            }
        }
    }

    /// Puts late matches into their places and works the group out anew, if need be.
    pub(crate) fn repair(&mut self, of: Of<'_>, effects: &mut Effects) {
        let Some(more) = &mut self.more else { return };
        let mut late = std::mem::take(&mut more.late);
        late.sort_by_key(Entry::key);
        late.dedup_by_key(|entry| entry.key());
        let Some(first) = late.first().map(Entry::key) else { return };
        let at = self.entries.partition_point(|entry| entry.key() < first);
        let mut sorted = self.entries.split_off(at).into_iter().peekable();
        let before = self.entries.len() + sorted.len();
        for entry in late {
            while let Some(earlier) = sorted.next_if(|other| other.key() < entry.key()) {
                self.entries.push_back(earlier);
            }
            if sorted.peek().is_none_or(|other| other.key() != entry.key()) {
                self.entries.push_back(entry);
            }
        }
        self.entries.extend(sorted);
        if of.rule.verdict == Verdict::AtOnce && self.entries.len() > before {
            self.rebuild(of, effects);
        }
    }

    fn rebuild(&mut self, of: Of<'_>, effects: &mut Effects) {
        (self.left, self.next) = (0, 0);
        let count = self.entries.len();
        let more = self.more();
        more.tally = None;
        more.credit = more.credit.saturating_sub(count);
        let mut current = more.sealed.clone();
        let mut found: Vec<Episode> = Vec::new();
        for at in 0..self.entries.len() {
            if !self.step(of, effects) {
                continue;
            }
            // The match that a window shares with the sealed episode may be forgotten.
            let from = self.entries[at].time.saturating_sub(of.span());
            let left = match &current {
                Some(episode) if episode.last.time.0 >= from => {
                    self.entries.partition_point(|entry| entry.key() <= episode.last)
                }
                _ => {
                    found.extend(current.take());
                    self.left
                }
            };
            current = gather(current, &self.entries, left, at, of);
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
    pub(crate) fn settle(&mut self, floor: Time, of: Of<'_>, effects: &mut Effects) -> Option<Time> {
        self.repair(of, effects);
        let due = if of.rule.verdict == Verdict::AtOnce { None } else { self.advance(floor, of, effects) };
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

    fn advance(&mut self, floor: Time, of: Of<'_>, effects: &mut Effects) -> Option<Time> {
        loop {
            let upcoming = self.entries.get(self.next).map(|entry| entry.time);
            if of.rule.verdict == Verdict::AtClose
                && let Some(until) = self.close(upcoming, floor, of, effects)
            {
                return Some(until);
            }
            let upcoming = Time(upcoming?);
            if upcoming >= floor {
                return Some(upcoming);
            }
            if self.step(of, effects) {
                self.cover(self.next - 1, of, effects);
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
        of: Of<'_>,
        effects: &mut Effects,
    ) -> Option<Time> {
        let at = self.next.checked_sub(1)?;
        let close_at = self.entries.get(self.left)?.time.saturating_add(of.span());
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
                Some(tally) => tally.meets(of.rule),
                None => count >= of.rule.matches_min && of.rule.correlation.bounds.holds(tally::count(count)),
            };
            if satisfied {
                self.heat(at, of, effects);
                self.cover(at, of, effects);
            }
        }
        let silent_at = self.entries[at].time.saturating_add(of.span());
        let silent = !self.more().silent && upcoming.is_none_or(|time| time > silent_at);
        if silent && tally::meets_nothing(of.rule) {
            if floor.0 <= silent_at {
                return Some(Time(silent_at));
            }
            self.silence(at, Time(silent_at), of, effects);
        }
        None
    }

    /// Nothing followed the match at `at` until `until`, and that satisfies the rule.
    fn silence(&mut self, at: usize, until: Time, of: Of<'_>, effects: &mut Effects) {
        let entry = self.entries[at].clone();
        let more = self.more();
        more.silent = true;
        more.told = more.told.min(more.episodes.len().saturating_sub(1));
        match more.episodes.last_mut().filter(|episode| episode.last >= entry.key()) {
            Some(episode) => {
                episode.until = until;
                episode.dirty = true;
            }
            None => {
                let mut episode = Episode::silent(entry.key(), &entry.facts);
                episode.id = of.id(entry.key());
                episode.until = until;
                more.episodes.push(episode);
            }
        }
        if !of.rule.feeds.is_empty() {
            let (event, counted) = (entry.event(), entry.counted);
            effects.hots.push(Hot { time: until, event, counted, facts: entry.facts });
        }
    }

    /// Forgets what can touch nothing that comes at or after `floor`.
    pub(crate) fn forget_before(&mut self, floor: Time, of: Of<'_>, effects: &mut Effects) {
        let horizon = floor.plus_ms(-of.span()).plus_ms(-of.span());
        self.repair(of, effects);
        while self.entries.front().is_some_and(|entry| entry.time < horizon.0) {
            self.forget_first();
        }
        let kept_from = self.entries.front().map(Entry::key);
        if self.entries.capacity() > 4 * self.entries.len() + 8 {
            self.entries.shrink_to(2 * self.entries.len());
        }
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
        let gone = self.entries.len().saturating_sub(count);
        for _ in 0..gone {
            if let Some(key) = self.forget_first() {
                self.more().forgotten = Some(key);
            }
        }
        self.entries.shrink_to(count);
        if let Some(tally) = self.more.as_mut().and_then(|more| more.tally.as_mut()) {
            tally.shrink();
        }
        gone
    }

    fn forget_first(&mut self) -> Option<Key> {
        let entry = self.entries.pop_front()?;
        let key = entry.key();
        let stepped = self.next > 0;
        self.next = self.next.saturating_sub(1);
        let inside = stepped && self.left == 0;
        self.left = self.left.saturating_sub(1);
        let Some(more) = &mut self.more else { return Some(key) };
        if let Some(tally) = more.tally.as_mut().filter(|_| inside) {
            tally.leave(&entry);
        }
        let at = more.episodes.partition_point(|episode| episode.last < key);
        let Some(episode) = more.episodes.get(at).filter(|episode| episode.first <= key) else {
            return Some(key);
        };
        match &mut more.sealed {
            Some(sealed) if sealed.id == episode.id => sealed.absorb(key, &entry.facts),
            _ => {
                let mut sealed = Episode::begin(key, &entry.facts);
                sealed.id = episode.id;
                more.sealed = Some(sealed);
            }
        }
        Some(key)
    }

    pub(crate) fn episodes(&self) -> &[Episode] {
        self.more.as_ref().map_or(&[], |more| &more.episodes)
    }

    /// The episodes among which are all that nobody has heard of yet or, with `all`, all that changed since they were
    /// told. They count as told now.
    pub(crate) fn changed(&mut self, all: bool) -> &mut [Episode] {
        let Some(more) = &mut self.more else { return &mut [] };
        let count = more.episodes.len();
        let from = if all { more.told.min(more.heard) } else { more.heard };
        more.heard = count;
        if all {
            more.told = count;
        }
        more.episodes.get_mut(from.min(count)..).unwrap_or_default()
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
    pub(crate) fn may_hold(&self, floor: Time, of: Of<'_>) -> bool {
        let Some(last) = self.entries.back() else { return false };
        let alive = last.time >= floor.0.saturating_sub(of.span());
        let told = self.episodes().last().is_some_and(|episode| episode.last >= last.key());
        alive && !(told && of.rule.verdict == Verdict::AtOnce)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.entries.is_empty() && self.episodes().is_empty() && !self.is_behind()
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    /// About what it takes in memory beside itself.
    pub(crate) fn bytes(&self) -> usize {
        let facts = self.entries.back().map_or(0, |entry| entry.facts.bytes());
        let more = self.more.as_ref().map_or(0, |more| {
            let tally = more.tally.as_ref().map_or(0, Tally::bytes);
            size_of::<More>()
                + tally
                + more.late.capacity() * size_of::<Entry>()
                + more.episodes.capacity() * size_of::<Episode>()
        });
        self.entries.capacity() * size_of::<Entry>() + facts + more
    }
}

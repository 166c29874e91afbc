//! The windows of one correlation rule, by group, within the rule's share of memory.
//!
//! Each rule has a share of its own, so that none can push out another's groups. Beyond it the groups go that were quiet
//! the longest, a sixteenth at once; a group that alone takes more than half loses its oldest matches instead. Both are
//! counted, and apart from that, as an alarm, what was let go while it might still have come to an alert.

use crate::entry::{Arrival, Effects, Taken};
use crate::resolve::CorrelationRule;
use crate::sigma::correlation::Verdict;
use crate::window::Window;
use event::Time;
use hashbrown::HashTable;
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::hash::{BuildHasher, RandomState};

/// How much event time lies between two sweeps, at least.
const SWEEP_EVERY_MS: i64 = 60_000;

/// What a group takes beside its window's own: itself, its place in the table.
const GROUP_BYTES: usize = size_of::<Option<Group>>() + 16;

/// What a rule let go for want of room.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Evicted {
    /// Groups.
    pub groups: u64,
    /// Matches of groups that stayed.
    pub matches: u64,
    /// How often it was a group that had not come to an alert but still might have: an alert may be missing.
    pub hiding: u64,
}

impl Evicted {
    pub(crate) fn plus(self, other: Evicted) -> Evicted {
        Evicted {
            groups: self.groups + other.groups,
            matches: self.matches + other.matches,
            hiding: self.hiding + other.hiding,
        }
    }
}

#[derive(Debug)]
struct Group {
    window: Window,
    /// When a match last came, counted in matches.
    touched: u64,
    /// Is among the changed.
    queued: bool,
}

/// Where a group is, with a part of its hash, so that the table asks only groups that are likely the one, and grows
/// without asking any.
#[derive(Clone, Copy, Debug)]
struct Place {
    hash: u32,
    slot: u32,
}

impl Place {
    fn spread(self) -> u64 {
        u64::from(self.hash).wrapping_mul(0x9e37_79b9_7f4a_7c15)
    }
}

#[derive(Debug)]
pub(crate) struct Groups {
    table: HashTable<Place>,
    slots: Vec<Option<Group>>,
    free: Vec<u32>,
    hasher: RandomState,
    bytes: usize,
    taken: u64,
    /// Groups with something to tell at the next flush.
    changed: Vec<u32>,
    /// Groups that wait for the floor to pass a time.
    due: BinaryHeap<Reverse<(Time, u32)>>,
    /// The floor when what is forgotten was last swept out.
    swept: Time,
    pub(crate) evicted: Evicted,
}

impl Groups {
    pub(crate) fn new() -> Groups {
        Groups {
            table: HashTable::new(),
            slots: Vec::new(),
            free: Vec::new(),
            hasher: RandomState::new(),
            bytes: 0,
            taken: 0,
            changed: Vec::new(),
            due: BinaryHeap::new(),
            swept: Time(i64::MIN),
            evicted: Evicted::default(),
        }
    }

    /// Takes in a match of the group. Gives the group's slot and what became of the match.
    pub(crate) fn take(
        &mut self,
        key: &[u8],
        arrival: Arrival<'_>,
        rule: &CorrelationRule,
        floor: Time,
        bytes_max: usize,
        effects: &mut Effects,
    ) -> (u32, Taken) {
        let slot = self.slot(key, arrival.facts);
        self.taken += 1;
        let Some(Some(group)) = self.slots.get_mut(usize::try_from(slot).unwrap_or(usize::MAX)) else {
            return (slot, Taken::Again);
        };
        let time = Time(arrival.entry.time);
        let before = group.window.bytes();
        group.touched = self.taken;
        let taken = group.window.take(arrival, rule, effects);
        if rule.verdict != Verdict::AtOnce && taken == Taken::Yes && group.window.awaits(time) {
            self.due.push(Reverse((time, slot)));
        }
        let own = group.window.bytes();
        self.bytes = self.bytes.saturating_sub(before) + own;
        if self.bytes > bytes_max {
            self.make_room(slot, own, rule, floor, bytes_max);
        }
        (slot, taken)
    }

    #[allow(clippy::cast_possible_truncation, reason = "a part is wanted")]
    fn hash(&self, key: &[u8]) -> u32 {
        self.hasher.hash_one(key) as u32
    }

    /// The group's slot, a new one if need be.
    fn slot(&mut self, key: &[u8], facts: &[u8]) -> u32 {
        let hash = self.hash(key);
        let Groups { table, slots, free, .. } = self;
        let is_key = |place: &Place| {
            let group = slots.get(place.slot as usize).and_then(Option::as_ref);
            place.hash == hash && group.is_some_and(|group| group.window.group() == key)
        };
        let wanted = Place { hash, slot: 0 }.spread();
        if let Some(place) = table.find(wanted, is_key) {
            return place.slot;
        }
        let slot = free.pop().unwrap_or(u32::try_from(slots.len()).unwrap_or(u32::MAX));
        table.insert_unique(wanted, Place { hash, slot }, |place| place.spread());
        let group = Group { window: Window::new(key, facts), touched: 0, queued: false };
        self.bytes += GROUP_BYTES + group.window.bytes();
        match self.slots.get_mut(slot as usize) {
            Some(free) => *free = Some(group),
            None => self.slots.push(Some(group)),
        }
        slot
    }

    pub(crate) fn get_mut(&mut self, slot: u32) -> Option<&mut Window> {
        Some(&mut self.slots.get_mut(slot as usize)?.as_mut()?.window)
    }

    /// The group has something to tell at the next flush.
    pub(crate) fn queue(&mut self, slot: u32) {
        if let Some(Some(group)) = self.slots.get_mut(slot as usize)
            && !group.queued
        {
            group.queued = true;
            self.changed.push(slot);
        }
    }

    /// The groups that have something to tell.
    pub(crate) fn take_changed(&mut self) -> Vec<u32> {
        let changed = std::mem::take(&mut self.changed);
        for slot in &changed {
            if let Some(Some(group)) = self.slots.get_mut(*slot as usize) {
                group.queued = false;
            }
        }
        changed
    }

    /// The groups in which late matches wait.
    pub(crate) fn behind(&self) -> Vec<u32> {
        let is_behind = |slot: &&u32| {
            self.slots
                .get(**slot as usize)
                .and_then(Option::as_ref)
                .is_some_and(|group| group.window.is_behind())
        };
        self.changed.iter().filter(is_behind).copied().collect()
    }

    /// A group that waited for the floor to pass a time which it has passed.
    pub(crate) fn pop_due(&mut self, floor: Time) -> Option<u32> {
        while self.due.peek().is_some_and(|Reverse((time, _))| *time < floor) {
            let Reverse((time, slot)) = self.due.pop()?;
            // What was to be said earlier is worked out already, and the group waits for another time.
            let waits = self.slots.get(slot as usize).and_then(Option::as_ref);
            if waits.is_some_and(|group| group.window.due() == Some(time)) {
                return Some(slot);
            }
        }
        None
    }

    /// Works out what it can of the group.
    pub(crate) fn settle(&mut self, slot: u32, rule: &CorrelationRule, floor: Time, effects: &mut Effects) {
        let Some(Some(group)) = self.slots.get_mut(slot as usize) else { return };
        let before = group.window.bytes();
        let due = group.window.settle(floor, rule, effects);
        self.bytes = self.bytes.saturating_sub(before) + group.window.bytes();
        if let Some(due) = due {
            self.due.push(Reverse((due, slot)));
        }
    }

    /// Forgets what nothing from `floor` on can touch, now and then: each sweep is paid for by the time that passed
    /// since the last.
    pub(crate) fn sweep(&mut self, rule: &CorrelationRule, floor: Time) {
        let every = SWEEP_EVERY_MS.max(rule.correlation.timespan_ms / 8);
        if floor.0.saturating_sub(self.swept.0) < every {
            return;
        }
        self.swept = floor;
        let mut effects = Effects::default(); // settled before, so nothing comes of it
        let mut gone = Vec::new();
        for (slot, group) in (0u32..).zip(&mut self.slots) {
            let Some(group) = group else { continue };
            let before = group.window.bytes();
            group.window.forget_before(floor, rule, &mut effects);
            self.bytes = self.bytes.saturating_sub(before) + group.window.bytes();
            if group.window.is_empty() && !group.queued {
                gone.push(slot);
            }
        }
        gone.into_iter().for_each(|slot| self.remove(slot));
    }

    fn remove(&mut self, slot: u32) {
        let Some(group) = self.slots.get_mut(slot as usize).and_then(Option::take) else { return };
        let place = Place { hash: self.hash(group.window.group()), slot };
        if let Ok(found) = self.table.find_entry(place.spread(), |other| other.slot == slot) {
            found.remove();
        }
        self.bytes = self.bytes.saturating_sub(GROUP_BYTES + group.window.bytes());
        self.free.push(slot);
    }

    fn make_room(&mut self, slot: u32, own: usize, rule: &CorrelationRule, floor: Time, bytes_max: usize) {
        if own > bytes_max / 2 {
            let Some(Some(group)) = self.slots.get_mut(slot as usize) else { return };
            if rule.verdict != Verdict::AtOnce {
                group.window.repair(rule, &mut Effects::default()); // nothing comes of it before the floor passes
            }
            let may_hold = group.window.may_hold(floor, rule);
            let gone = group.window.shorten(group.window.len() / 2);
            self.evicted.matches += u64::try_from(gone).unwrap_or(0);
            self.evicted.hiding += u64::from(may_hold);
            self.bytes = self.bytes.saturating_sub(own) + group.window.bytes();
            return;
        }
        let mut ages: Vec<u64> = self.slots.iter().flatten().map(|group| group.touched).collect();
        let nth = (ages.len() / 16).min(ages.len().saturating_sub(1));
        let (_, limit, _) = ages.select_nth_unstable(nth);
        let limit = (*limit).min(self.taken.saturating_sub(1));
        let old = (0u32..).zip(&self.slots).filter_map(|(slot, group)| Some((slot, group.as_ref()?)));
        let mut gone = Vec::new();
        for (slot, group) in old.filter(|(_, group)| group.touched <= limit) {
            self.evicted.hiding += u64::from(group.window.may_hold(floor, rule));
            gone.push(slot);
        }
        self.evicted.groups += u64::try_from(gone.len()).unwrap_or(0);
        gone.into_iter().for_each(|slot| self.remove(slot));
    }

    /// How many groups there are, and about how many bytes they take.
    pub(crate) fn size(&self) -> (usize, usize) {
        (self.table.len(), self.bytes)
    }
}

//! Alerts that are held back, as a function of the sorted set of alerts: the first of a group is told, those that begin
//! before its time is over are counted in it, the next one is told again.
//!
//! A late alert may turn one that was told into one that is held back: the group is then worked out anew, and what moved is
//! told as superseded. An id names all alerts told before it in its group and epoch, so that one which was superseded comes
//! back only if alerts of a correlation joined so late that they are as if they had never been told.

use super::Held;
use event::{Alert, EntityKind, EventId, Suppressed, Time, derived_id};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use uuid::Uuid;

/// Alerts that one told alert holds back and that are told apart; more are only counted.
const APART_MAX: usize = 1024;
/// How many entities of one kind an alert names.
const ENTITIES_OF_KIND_MAX: usize = 64;

/// Suppression's name and the values.
type Key = (Arc<str>, Vec<String>);
/// An alert's place in its group.
type Rank = (Time, Option<EventId>, Uuid);

fn rank(alert: &Alert) -> Rank {
    (alert.first, alert.events.first().copied(), alert.id)
}

/// An alert, and how many were folded into it because there were too many.
#[derive(Debug)]
struct Raised {
    alert: Alert,
    more: u64,
}

#[derive(Debug)]
struct Chain {
    held: Held,
    raised: BTreeMap<Rank, Raised>,
    /// The alerts told, as they were told.
    told: BTreeMap<Rank, Alert>,
    /// The first place that changed since.
    changed: Option<Rank>,
    touched: u64,
}

/// What to tell: alerts, and ids that are now part of another alert.
#[derive(Debug, Default)]
pub(crate) struct Told {
    pub(crate) superseded: Vec<(Uuid, Alert)>,
    pub(crate) alerts: Vec<Alert>,
}

/// The groups of all rules.
#[derive(Debug, Default)]
pub(crate) struct Chains {
    chains: HashMap<Key, Chain>,
    dirty: BTreeSet<Key>,
    /// How many alerts are kept.
    raised: usize,
    takes: u64,
    /// How many alerts were held back.
    pub(crate) suppressed: u64,
    /// Groups let go.
    pub(crate) evicted: u64,
}

impl Chains {
    /// Takes in a new or changed alert. One that nothing holds back, later than all others, is told at once; the rest waits
    /// for [`Chains::flush`].
    pub(crate) fn take(&mut self, held: &Held, values: Vec<String>, alert: Alert, is_new: bool) -> Told {
        self.takes += 1;
        let key = (Arc::clone(&held.name), values);
        let chain = self.chains.entry(key.clone()).or_insert_with(|| Chain::new(held.clone()));
        chain.touched = self.takes;
        let place = rank(&alert);
        let before = chain.raised.len();
        chain.change(place);
        if let Some(known) = chain.raised.get_mut(&place) {
            known.alert = alert;
        } else {
            let tells = chain.is_beyond(place.0);
            self.suppressed += u64::from(is_new && !tells);
            chain.put(place, alert, is_new);
            self.raised = self.raised + chain.raised.len() - before;
            if tells {
                return chain.settle(&key);
            }
        }
        self.dirty.insert(key);
        Told::default()
    }

    /// An alert is now part of another of the same group.
    pub(crate) fn supersede(&mut self, held: &Held, values: Vec<String>, from: Uuid) {
        let key = (Arc::clone(&held.name), values);
        let Some(chain) = self.chains.get_mut(&key) else { return };
        let Some(place) = chain.raised.keys().find(|(.., id)| *id == from).copied() else { return };
        chain.raised.remove(&place);
        self.raised = self.raised.saturating_sub(1);
        chain.change(place);
        self.dirty.insert(key);
    }

    /// Everything that changed since it was told.
    pub(crate) fn flush(&mut self) -> Told {
        let mut told = Told::default();
        for key in std::mem::take(&mut self.dirty) {
            let Some(chain) = self.chains.get_mut(&key) else { continue };
            let Told { superseded, alerts } = chain.settle(&key);
            told.superseded.extend(superseded);
            told.alerts.extend(alerts);
        }
        told
    }

    /// Whether there is no more room: flush, then [`Chains::evict`].
    pub(crate) fn is_full(&self, raised_max: usize) -> bool {
        self.raised > raised_max
    }

    /// Lets the groups go that were quiet the longest, until a sixteenth has room again. What follows in them is told anew.
    pub(crate) fn evict(&mut self, raised_max: usize) {
        let mut ages: Vec<(u64, usize)> =
            self.chains.values().map(|chain| (chain.touched, chain.raised.len())).collect();
        ages.sort_unstable();
        let (mut left, mut limit) = (self.raised, 0);
        for (age, raised) in ages {
            if left <= raised_max - raised_max / 16 {
                break;
            }
            (left, limit) = (left.saturating_sub(raised), age);
        }
        let before = self.chains.len();
        self.chains.retain(|_, chain| chain.touched > limit);
        self.raised = self.chains.values().map(|chain| chain.raised.len()).sum();
        self.evicted += u64::try_from(before - self.chains.len()).unwrap_or(0);
    }

    /// Forgets epochs that ended before `floor`.
    pub(crate) fn forget_before(&mut self, floor: Time) {
        self.chains.retain(|_, chain| {
            let epoch = chain.held.memory_ms();
            let begins = Time(floor.0.div_euclid(epoch).saturating_sub(1).saturating_mul(epoch));
            if chain.changed.is_none() {
                chain.raised.retain(|place, _| place.0 >= begins);
                chain.told.retain(|place, _| place.0 >= begins);
            }
            !chain.raised.is_empty()
        });
        self.raised = self.chains.values().map(|chain| chain.raised.len()).sum();
    }
}

impl Chain {
    fn new(held: Held) -> Chain {
        Chain { held, raised: BTreeMap::new(), told: BTreeMap::new(), changed: None, touched: 0 }
    }

    /// Whether an alert of this time comes after all others, and none of them holds it back.
    fn is_beyond(&self, first: Time) -> bool {
        let after = self.raised.last_key_value().is_none_or(|(place, _)| first >= place.0);
        after && self.told.last_key_value().is_none_or(|(last, _)| first >= self.held.until(last.0))
    }

    fn change(&mut self, place: Rank) {
        self.changed = Some(self.changed.map_or(place, |changed| changed.min(place)));
    }

    /// Puts an alert in. Where too many stand behind a told one, the last is folded into the one before.
    fn put(&mut self, place: Rank, alert: Alert, is_new: bool) {
        let raised = Raised { alert, more: 0 };
        let from = self.told.range(..=place).next_back().map(|(from, _)| *from);
        let span = from.map(|from| (from, (self.held.until(from.0), None, Uuid::nil())));
        let full = span.filter(|(from, to)| {
            place < *to && self.raised.range(*from..*to).take(APART_MAX).count() >= APART_MAX
        });
        let last = full.and_then(|(from, to)| self.raised.range(from..to).next_back().map(|(last, _)| *last));
        let Some(last) = last else {
            self.raised.insert(place, raised);
            return;
        };
        let folded = if place > last {
            is_new.then_some(raised)
        } else {
            self.raised.insert(place, raised);
            self.raised.remove(&last)
        };
        if let Some(Raised { alert, more }) = folded
            && let Some((_, kept)) = self.raised.range_mut(..=last).next_back()
        {
            fold(&mut kept.alert, &alert);
            kept.more += more + 1;
        }
    }

    /// Works out who is told, and what each holds back, from the first change on. Tells what differs from what was told.
    fn settle(&mut self, (name, values): &Key) -> Told {
        let Some(changed) = self.changed.take() else { return Told::default() };
        let from = self.told.range(..changed).next_back().map(|(place, alert)| (*place, alert.id));
        let start = from.map_or((Time(i64::MIN), None, Uuid::nil()), |(place, _)| place);
        let former = self.told.split_off(&start);
        let mut now: Vec<(Rank, Alert)> = Vec::new();
        let mut until: Option<(Time, Uuid)> = None;
        for (place, raised) in self.raised.range(start..) {
            if let Some((ends, _)) = until
                && place.0 < ends
                && let Some((_, told)) = now.last_mut()
            {
                let count = told.suppressed.map_or(0, |held| held.count);
                fold(told, &raised.alert);
                told.suppressed = Some(Suppressed { count: count + 1 + raised.more, until: ends });
                continue;
            }
            let ends = self.held.until(place.0);
            let known = from.filter(|(from, _)| from == place).map(|(_, id)| id);
            let id = known.unwrap_or_else(|| {
                // The id names those before it; at the beginning of an epoch there is none.
                let before = until.filter(|(last, _)| *last > self.epoch_of(place.0));
                let before = before.map(|(_, id)| id.to_string()).unwrap_or_default();
                let own = raised.alert.id.to_string();
                let mut parts = vec!["suppressed", &**name, &before, &own];
                parts.extend(values.iter().map(String::as_str));
                derived_id(&parts)
            });
            let held = (raised.more > 0).then_some(Suppressed { count: raised.more, until: ends });
            now.push((*place, Alert { id, suppressed: held, ..raised.alert.clone() }));
            until = Some((ends, id));
        }
        let mut told = Told::default();
        for (place, gone) in &former {
            let into = now.iter().rfind(|(begins, _)| begins <= place).or(now.first());
            if let Some((_, into)) = into.filter(|_| !now.iter().any(|(_, alert)| alert.id == gone.id)) {
                told.superseded.push((gone.id, into.clone()));
            }
        }
        let known = |place: &Rank, alert: &Alert| former.get(place) == Some(alert);
        told.alerts = now
            .iter()
            .filter(|(place, alert)| !known(place, alert))
            .map(|(_, alert)| alert.clone())
            .collect();
        self.told.extend(now);
        told
    }

    /// When the epoch of a time begins.
    fn epoch_of(&self, time: Time) -> Time {
        let epoch = self.held.memory_ms();
        Time(time.0.div_euclid(epoch) * epoch)
    }
}

/// Counts an alert in one that came before it. Why that one was raised, it keeps.
fn fold(into: &mut Alert, alert: &Alert) {
    into.count = into.count.saturating_add(alert.count);
    into.last = into.last.max(alert.last);
    into.system_level = into.system_level.max(alert.system_level);
    for (own, other) in [(&mut into.unit, &alert.unit), (&mut into.system, &alert.system)] {
        if own.is_empty() {
            own.clone_from(other);
        }
    }
    if alert.authorised.is_none() {
        into.authorised = None;
    }
    let room = Alert::EVENTS_MAX.saturating_sub(into.events.len());
    let fresh: Vec<EventId> =
        alert.events.iter().filter(|id| !into.events.contains(id)).take(room).copied().collect();
    into.events.extend(fresh);
    for entity in &alert.entities {
        let named = |kind: EntityKind| into.entities.iter().filter(|known| known.kind == kind).count();
        if !into.entities.contains(entity) && named(entity.kind) < ENTITIES_OF_KIND_MAX {
            into.entities.push(entity.clone());
        }
    }
}

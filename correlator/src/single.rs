//! Alerts of single events: one for a rule, the entity it is mainly about, and an hour of event time. A flood is one
//! alert with a count. The id names those three, so the order of arrival cannot matter.

use crate::episode::{Episode, Key};
use crate::facts::Facts;
use crate::sigma::meta::Meta;
use event::{Alert, Because, Entity, EventId, Match, Time, derived_id};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

const HOUR_MS: i64 = 3_600_000;
/// How many matches of a bucket are told apart: evidence, and matches that come again. Above, they are only counted.
const KEPT_MAX: usize = 1024;

/// A rule's place in the set, the entity, the hour.
pub(crate) type BucketKey = (Arc<str>, Option<Entity>, i64);

#[derive(Debug)]
struct Kept {
    /// Packed.
    facts: Box<[u8]>,
    because: Vec<Because>,
}

#[derive(Debug, Default)]
struct Bucket {
    kept: BTreeMap<(Time, EventId), Kept>,
    /// Matches that are no longer kept.
    more: u64,
    /// The newest of those.
    last: Option<Key>,
    /// Some of those were of no authorised scan.
    is_open: bool,
    dirty: bool,
    touched: u64,
}

/// The hours that are open.
#[derive(Debug, Default)]
pub(crate) struct Singles {
    buckets: HashMap<BucketKey, Bucket>,
    dirty: Vec<BucketKey>,
    matches: u64,
    pub(crate) evicted: u64,
}

impl Singles {
    /// Takes in a match; an alert that nobody has heard of is returned at once, a change waits for [`Singles::flush`].
    pub(crate) fn take(&mut self, meta: &Meta, found: &Match, buckets_max: usize) -> Option<Alert> {
        let key: BucketKey =
            (Arc::from(meta.id.as_str()), found.entities.first().cloned(), found.time.0.div_euclid(HOUR_MS));
        self.matches += 1;
        if !self.buckets.contains_key(&key) && self.buckets.len() >= buckets_max {
            self.evict(buckets_max);
        }
        let bucket = self.buckets.entry(key.clone()).or_default();
        bucket.touched = self.matches;
        let is_new = bucket.kept.is_empty();
        let at = (found.time, found.event);
        if bucket.kept.contains_key(&at) {
            return None;
        }
        let mut facts = Vec::new();
        Facts::pack(found, &mut facts);
        bucket.kept.insert(at, Kept { facts: facts.into(), because: found.because.clone() });
        if bucket.kept.len() > KEPT_MAX
            && let Some(((time, event), kept)) = bucket.kept.pop_last()
        {
            bucket.is_open |= !Facts(&kept.facts).is_authorised();
            bucket.more += 1;
            bucket.last = bucket.last.max(Some(Key { time, event, rule: 0 }));
        }
        if is_new {
            return bucket.alert(meta, &key);
        }
        if !bucket.dirty {
            bucket.dirty = true;
            self.dirty.push(key);
        }
        None
    }

    /// Every alert that changed since it was told.
    pub(crate) fn flush<'m>(&mut self, meta: impl Fn(&str) -> Option<&'m Meta>) -> Vec<Alert> {
        let mut changed = Vec::new();
        for key in std::mem::take(&mut self.dirty) {
            if let Some(bucket) = self.buckets.get_mut(&key) {
                bucket.dirty = false;
                changed.extend(meta(&key.0).and_then(|meta| bucket.alert(meta, &key)));
            }
        }
        changed
    }

    /// Closes the hours that ended before `floor`.
    pub(crate) fn forget_before(&mut self, floor: Time) {
        let hour = floor.0.div_euclid(HOUR_MS).saturating_sub(1);
        self.buckets.retain(|key, bucket| bucket.dirty || key.2 >= hour);
    }

    /// Lets the sixteenth go that was quiet the longest.
    fn evict(&mut self, buckets_max: usize) {
        let mut ages: Vec<u64> = self.buckets.values().map(|bucket| bucket.touched).collect();
        let nth = (buckets_max / 16).min(ages.len().saturating_sub(1));
        let (_, limit, _) = ages.select_nth_unstable(nth);
        let limit = *limit;
        let before = self.buckets.len();
        self.buckets.retain(|_, bucket| bucket.touched > limit);
        self.evicted += u64::try_from(before - self.buckets.len()).unwrap_or(0);
    }
}

/// The alert of one match, of a rule whose further ones are held back by this group.
pub(crate) fn lone(meta: &Meta, found: &Match, group: &[(String, String)]) -> Alert {
    let id = derived_id(&["alert", &meta.id, &found.event.to_string()]);
    let mut facts = Vec::new();
    Facts::pack(found, &mut facts);
    let episode = Episode::begin(id, Key { time: found.time, event: found.event, rule: 0 }, Facts(&facts));
    let main = found.entities.get(..found.entities.len().min(1)).unwrap_or_default();
    episode.alert(meta, group, main, &found.because)
}

impl Bucket {
    fn alert(&self, meta: &Meta, key: &BucketKey) -> Option<Alert> {
        let mut kept = self.kept.iter().map(|((time, event), kept)| {
            (Key { time: *time, event: *event, rule: 0 }, Facts(&kept.facts), &kept.because)
        });
        let (first, facts, because) = kept.next()?;
        let name = key.1.as_ref().map_or("", |entity| &entity.name);
        let kind = key.1.as_ref().map(|entity| format!("{:?}", entity.kind)).unwrap_or_default();
        let id = derived_id(&["alert", &meta.id, &kind, name, &key.2.to_string()]);
        let mut episode = Episode::begin(id, first, facts);
        kept.for_each(|(key, facts, _)| episode.absorb(key, Some(facts)));
        episode.count += self.more;
        episode.is_open |= self.is_open;
        episode.until = self.last.map_or(episode.until, |last| episode.until.max(last.time));
        Some(episode.alert(meta, &[], key.1.as_slice(), because))
    }
}

//! What an alert gathers: the matches of one episode, in order of (time, event).

use crate::entry::{Entry, Of};
use crate::sigma::meta::Meta;
use event::{Alert, Because, Entity, EntityKind, EventId, Match, Time};
use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;
use uuid::Uuid;

/// How many entities of one kind an alert names: the first in byte order, so that the order of arrival has no say.
const ENTITIES_OF_KIND_MAX: usize = 64;
const KINDS: [EntityKind; 4] = [EntityKind::User, EntityKind::Host, EntityKind::Address, EntityKind::Unit];

/// A match's place in an episode. Ties in time are broken by the event, then by the rule's place in the correlation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Key {
    pub(crate) time: Time,
    pub(crate) event: EventId,
    pub(crate) rule: u8,
}

/// What an episode takes over from a match, packed, because windows hold a million of them: the level, then texts,
/// each behind a byte of its kind and its length.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Facts(Arc<[u8]>);

const UNIT: u8 = 8;
const SYSTEM: u8 = 9;

impl Facts {
    pub(crate) fn of(found: &Match) -> Facts {
        let mut packed = vec![found.system_level];
        let mut put = |kind: u8, text: &str| {
            let length = u16::try_from(text.len()).unwrap_or(u16::MAX);
            packed.push(kind);
            packed.extend_from_slice(&length.to_be_bytes());
            packed.extend_from_slice(text.as_bytes().get(..usize::from(length)).unwrap_or_default());
        };
        for entity in &found.entities {
            let kind = KINDS.iter().position(|kind| *kind == entity.kind).unwrap_or_default();
            put(u8::try_from(kind).unwrap_or_default(), &entity.name);
        }
        for (kind, text) in [(UNIT, &found.unit), (SYSTEM, &found.system)] {
            if !text.is_empty() {
                put(kind, text);
            }
        }
        Facts(packed.into())
    }

    /// What it takes in memory.
    pub(crate) fn bytes(&self) -> usize {
        self.0.len() + 2 * size_of::<usize>()
    }

    fn level(&self) -> u8 {
        self.0.first().copied().unwrap_or_default()
    }

    fn texts(&self) -> impl Iterator<Item = (u8, &str)> {
        let mut rest = self.0.get(1..).unwrap_or_default();
        std::iter::from_fn(move || {
            let (head, after) = rest.split_first_chunk::<3>()?;
            let (text, after) =
                after.split_at_checked(usize::from(u16::from_be_bytes([head[1], head[2]])))?;
            rest = after;
            Some((head[0], std::str::from_utf8(text).unwrap_or_default()))
        })
    }

    fn text(&self, wanted: u8) -> String {
        let found = self.texts().find(|(kind, _)| *kind == wanted);
        found.map(|(_, text)| text.to_owned()).unwrap_or_default()
    }
}

/// Matches that make one alert.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Episode {
    pub(crate) id: Uuid,
    pub(crate) first: Key,
    pub(crate) last: Key,
    /// Until when it lasted: its last match, or how long nothing came after it.
    pub(crate) until: Time,
    pub(crate) count: u64,
    events: Vec<EventId>,
    /// By kind.
    entities: [BTreeSet<Box<str>>; 4],
    unit: String,
    system: String,
    system_level: u8,
    /// The facts last taken over: neighbours mostly share them.
    latest: Option<Facts>,
    /// Changed since it was last told.
    pub(crate) dirty: bool,
    /// Was told before.
    pub(crate) told: bool,
}

impl Episode {
    pub(crate) fn begin(key: Key, facts: &Facts) -> Episode {
        let mut episode = Episode::silent(key, facts);
        episode.absorb(key, facts);
        episode
    }

    /// One that begins after a match which is not itself part of it.
    pub(crate) fn silent(key: Key, facts: &Facts) -> Episode {
        let mut episode = Episode {
            id: Uuid::nil(),
            first: key,
            last: key,
            until: key.time,
            count: 0,
            events: vec![key.event],
            entities: Default::default(),
            unit: facts.text(UNIT),
            system: facts.text(SYSTEM),
            system_level: 0,
            latest: None,
            dirty: true,
            told: false,
        };
        episode.name(facts);
        episode
    }

    /// Adds the next match in order.
    pub(crate) fn absorb(&mut self, key: Key, facts: &Facts) {
        self.last = self.last.max(key);
        self.until = self.until.max(key.time);
        self.count += 1;
        self.dirty = true;
        if self.events.len() < Alert::EVENTS_MAX && self.events.last() != Some(&key.event) {
            self.events.push(key.event);
        }
        self.name(facts);
    }

    fn name(&mut self, facts: &Facts) {
        if self.latest.as_ref().is_some_and(|latest| Arc::ptr_eq(&latest.0, &facts.0)) {
            return;
        }
        self.latest = Some(facts.clone());
        self.system_level = self.system_level.max(facts.level());
        for (kind, name) in facts.texts() {
            let Some(named) = self.entities.get_mut(usize::from(kind)) else { continue };
            let full = named.len() >= ENTITIES_OF_KIND_MAX;
            if (full && named.last().is_some_and(|last| &**last <= name)) || named.contains(name) {
                continue;
            }
            named.insert(name.into());
            if full {
                named.pop_last();
            }
        }
    }

    /// The alert as it stands. `main` entities come first and are never left out.
    pub(crate) fn alert(
        &self,
        meta: &Meta,
        group: &[(String, String)],
        main: &[Entity],
        because: &[Because],
    ) -> Alert {
        let named = KINDS.iter().zip(&self.entities);
        let others = named
            .flat_map(|(kind, names)| names.iter().map(|name| Entity { kind: *kind, name: name.to_string() }))
            .filter(|entity| !main.contains(entity));
        Alert {
            id: self.id,
            rule: meta.id.clone(),
            title: meta.title.clone(),
            title_vi: meta.title_vi.clone(),
            level: meta.level,
            first: self.first.time,
            last: self.until,
            count: self.count,
            group: group.to_vec(),
            entities: main.iter().cloned().chain(others).collect(),
            unit: self.unit.clone(),
            system: self.system.clone(),
            system_level: self.system_level,
            tags: meta.tags.clone(),
            events: self.events.clone(),
            because: because.to_vec(),
        }
    }
}

/// Adds the matches from `left` to `at` to the episode, or begins one with them.
pub(crate) fn gather(
    episode: Option<Episode>,
    entries: &VecDeque<Entry>,
    left: usize,
    at: usize,
    of: Of<'_>,
) -> Option<Episode> {
    let mut episode = episode;
    for entry in entries.range(left.min(at + 1)..=at) {
        match &mut episode {
            Some(episode) => episode.absorb(entry.key(), &entry.facts),
            None => {
                let mut begun = Episode::begin(entry.key(), &entry.facts);
                begun.id = of.id(entry.key());
                episode = Some(begun);
            }
        }
    }
    episode
}

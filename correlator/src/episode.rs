//! What an alert gathers: the matches of one episode, in order of (time, event).

use crate::sigma::meta::Meta;
use event::{Alert, Because, Entity, EventId, Match, Time};
use std::collections::BTreeSet;
use std::sync::Arc;
use uuid::Uuid;

/// How many entities of one kind an alert names: the first in byte order, so that the order of arrival has no say.
const ENTITIES_OF_KIND_MAX: usize = 64;

/// A match's place in an episode. Ties in time are broken by the event, then by the rule's place in the correlation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Key {
    pub(crate) time: Time,
    pub(crate) event: EventId,
    pub(crate) rule: u8,
}

/// What an episode takes over from a match.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Facts {
    entities: Vec<Entity>,
    unit: String,
    system: String,
    system_level: u8,
}

impl Facts {
    pub(crate) fn of(found: &Match) -> Arc<Facts> {
        Arc::new(Facts {
            entities: found.entities.clone(),
            unit: found.unit.clone(),
            system: found.system.clone(),
            system_level: found.system_level,
        })
    }
}

/// Matches that make one alert.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Episode {
    pub(crate) id: Uuid,
    pub(crate) first: Key,
    pub(crate) last: Key,
    pub(crate) count: u64,
    events: Vec<EventId>,
    entities: BTreeSet<Entity>,
    unit: String,
    system: String,
    system_level: u8,
    /// Changed since it was last told.
    pub(crate) dirty: bool,
    /// Was told before.
    pub(crate) told: bool,
}

impl Episode {
    pub(crate) fn begin(key: Key, facts: &Facts) -> Episode {
        let mut episode = Episode {
            id: Uuid::nil(),
            first: key,
            last: key,
            count: 0,
            events: Vec::new(),
            entities: BTreeSet::new(),
            unit: facts.unit.clone(),
            system: facts.system.clone(),
            system_level: 0,
            dirty: true,
            told: false,
        };
        episode.absorb(key, facts);
        episode
    }

    /// Adds the next match in order.
    pub(crate) fn absorb(&mut self, key: Key, facts: &Facts) {
        self.last = self.last.max(key);
        self.count += 1;
        self.dirty = true;
        if self.events.len() < Alert::EVENTS_MAX && self.events.last() != Some(&key.event) {
            self.events.push(key.event);
        }
        self.system_level = self.system_level.max(facts.system_level);
        for entity in &facts.entities {
            if self.entities.contains(entity) {
                continue;
            }
            self.entities.insert(entity.clone());
            let of_kind = || self.entities.iter().filter(|known| known.kind == entity.kind);
            if of_kind().count() > ENTITIES_OF_KIND_MAX
                && let Some(last) = of_kind().next_back().cloned()
            {
                self.entities.remove(&last);
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
        let others = self.entities.iter().filter(|entity| !main.contains(entity));
        Alert {
            id: self.id,
            rule: meta.id.clone(),
            title: meta.title.clone(),
            title_vi: meta.title_vi.clone(),
            level: meta.level,
            first: self.first.time,
            last: self.last.time,
            count: self.count,
            group: group.to_vec(),
            entities: main.iter().chain(others).cloned().collect(),
            unit: self.unit.clone(),
            system: self.system.clone(),
            system_level: self.system_level,
            tags: meta.tags.clone(),
            events: self.events.clone(),
            because: because.to_vec(),
        }
    }
}

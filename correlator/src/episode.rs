//! What an alert gathers: the matches of one episode, in order of (time, event).

use crate::facts::{AUTHORISED, Facts, KINDS, SYSTEM, UNIT};
use crate::matches::Matches;
use crate::resolve::CorrelationRule;
use crate::sigma::meta::Meta;
use event::{Alert, Authorised, Because, Entity, EventId, Time};
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
    /// By kind, sorted.
    entities: [Vec<Box<str>>; 4],
    unit: String,
    system: String,
    system_level: u8,
    /// The authorisation whose id is the least, of those that its matches fall into.
    authorised: Option<Box<str>>,
    /// Some match falls into none: somebody must look.
    pub(crate) is_open: bool,
    /// Changed since it was last told.
    pub(crate) dirty: bool,
    /// Was told before.
    pub(crate) told: bool,
}

impl Episode {
    pub(crate) fn begin(id: Uuid, key: Key, facts: Facts<'_>) -> Episode {
        let mut episode = Episode::silent(id, key, facts);
        episode.absorb(key, None);
        episode
    }

    /// One that begins after a match which is not itself part of it.
    pub(crate) fn silent(id: Uuid, key: Key, facts: Facts<'_>) -> Episode {
        let mut episode = Episode {
            id,
            first: key,
            last: key,
            until: key.time,
            count: 0,
            events: vec![key.event],
            entities: Default::default(),
            unit: facts.text(UNIT),
            system: facts.text(SYSTEM),
            system_level: 0,
            authorised: None,
            is_open: false,
            dirty: true,
            told: false,
        };
        episode.name(facts);
        episode
    }

    /// Adds the next match in order. `None`: its facts are those of the match before.
    pub(crate) fn absorb(&mut self, key: Key, facts: Option<Facts<'_>>) {
        self.last = key;
        self.until = self.until.max(key.time);
        self.count += 1;
        self.dirty = true;
        if self.events.len() < Alert::EVENTS_MAX && self.events.last() != Some(&key.event) {
            self.events.push(key.event);
        }
        if let Some(facts) = facts {
            self.name(facts);
        }
    }

    /// Adds the match at `at`, if it is the next.
    pub(crate) fn extend(&mut self, matches: &Matches, at: usize) {
        let Some(entry) = matches.get(at) else { return };
        let before = at.checked_sub(1).and_then(|before| matches.get(before));
        let known = before.is_some_and(|before| before.text == entry.text && before.key() == self.last);
        self.absorb(entry.key(), (!known).then(|| matches.facts(entry)));
    }

    fn name(&mut self, facts: Facts<'_>) {
        self.system_level = self.system_level.max(facts.level());
        self.is_open |= !facts.is_authorised();
        for (kind, name) in facts.pieces() {
            if kind == AUTHORISED && self.authorised.as_deref().is_none_or(|least| name < least.as_bytes()) {
                self.authorised = Some(std::str::from_utf8(name).unwrap_or_default().into());
            }
            let Some(named) = self.entities.get_mut(usize::from(kind)) else { continue };
            let full = named.len() >= ENTITIES_OF_KIND_MAX;
            if full && named.last().is_some_and(|last| last.as_bytes() <= name) {
                continue;
            }
            if let Err(at) = named.binary_search_by(|known| known.as_bytes().cmp(name)) {
                named.insert(at, std::str::from_utf8(name).unwrap_or_default().into());
                named.truncate(ENTITIES_OF_KIND_MAX);
            }
        }
    }

    /// The authorisation of all its matches, by its id: the rule set knows the rest.
    fn authorised(&self) -> Option<Authorised> {
        let id = self.authorised.as_deref().filter(|_| !self.is_open)?.to_owned();
        let nothing = String::new;
        let until = Time(0);
        Some(Authorised {
            id,
            title: nothing(),
            by: nothing(),
            document: nothing(),
            reason: nothing(),
            until,
        })
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
            suppressed: None,
            authorised: self.authorised(),
        }
    }
}

/// Adds the matches from `left` to `at` to the episode, or begins one with them.
pub(crate) fn gather(
    episode: Option<Episode>,
    matches: &Matches,
    left: usize,
    at: usize,
    rule: &CorrelationRule,
) -> Option<Episode> {
    let mut episode = episode;
    for nth in left.min(at + 1)..=at {
        match &mut episode {
            Some(episode) => episode.extend(matches, nth),
            None => {
                episode = matches.get(nth).map(|entry| {
                    let id = rule.alert_id(matches.group(), entry.key());
                    Episode::begin(id, entry.key(), matches.facts(entry))
                });
            }
        }
    }
    episode
}

//! What a match takes along from its event: time, source, entities, unit, and the values that windows need.

use crate::evaluate::beginning;
use crate::line::{Name, known, known_name};
use crate::record::{self, Record};
use crate::ruleset::DetectionRule;
use crate::sigma::pattern::fold;
use event::{Because, Entity, EntityKind, Event, EventId, Field, Match, Time};

/// How much of a value a match carries, in characters.
const VALUE_CHARS_MAX: usize = 256;

/// What every match of one event has in common.
pub(crate) struct Context {
    id: EventId,
    pub(crate) time: Time,
    pub(crate) source: String,
    entities: Vec<Entity>,
    unit: String,
    system: String,
    system_level: u8,
    is_clamped: bool,
}

impl Context {
    /// A device's clock may be wrong: an event more than `ahead_ms` later than its receipt happened when it was received.
    pub(crate) fn of_event(event: &Event, ahead_ms: i64) -> Context {
        let received = event.id().received();
        let claimed = event.time();
        let is_clamped = claimed > received.plus_ms(ahead_ms);
        let time = if is_clamped { received } else { claimed };
        let text = |field: Field| event.get(field).map(|value| value.to_text().into_owned());
        let source = [Field::HAIDANG_COLLECTOR_ADDRESS, Field::OBSERVER_NAME, Field::HOST_NAME];
        let level = event.long(Field::HAIDANG_SYSTEM_LEVEL).and_then(|level| u8::try_from(level).ok());
        Context {
            id: event.id(),
            time,
            source: source.into_iter().find_map(text).unwrap_or_default(),
            entities: entities(EVENT_ENTITIES.iter().map(|(kind, field)| (*kind, text(*field)))),
            unit: text(Field::HAIDANG_UNIT_ID).unwrap_or_default(),
            system: text(Field::HAIDANG_SYSTEM_ID).unwrap_or_default(),
            system_level: level.unwrap_or(0),
            is_clamped,
        }
    }

    /// Of a flat object.
    pub(crate) fn of_flat(record: Record<'_>, id: EventId) -> Context {
        let text = record.known();
        Context {
            id,
            time: record::time_of(&text).unwrap_or(id.received()),
            source: text(const { known("Computer") })
                .or_else(|| text(const { known("hostname") }))
                .unwrap_or_default(),
            entities: entities(FLAT_ENTITIES.iter().map(|(kind, name)| (*kind, text(*name)))),
            unit: String::new(),
            system: String::new(),
            system_level: 0,
            is_clamped: false,
        }
    }

    pub(crate) fn found(&self, rule: &DetectionRule, record: Record<'_>, because: Vec<Because>) -> Match {
        let carried = rule.carried.iter().filter_map(|(key, field)| {
            let value = record.first(field).filter(|value| !value.is_empty())?;
            Some((key.clone(), beginning(&value, VALUE_CHARS_MAX).to_owned()))
        });
        Match {
            rule: rule.meta.id.clone(),
            event: self.id,
            time: self.time,
            source: self.source.clone(),
            level: rule.meta.level,
            values: carried.collect(),
            entities: self.entities.clone(),
            unit: self.unit.clone(),
            system: self.system.clone(),
            system_level: self.system_level,
            because,
            is_clamped: self.is_clamped,
            authorised: None,
        }
    }
}

/// Which fields name an entity. The first entity found is the one that an alert of a single event is mainly about.
const EVENT_ENTITIES: [(EntityKind, Field); 8] = [
    (EntityKind::Address, Field::SOURCE_IP),
    (EntityKind::Host, Field::HOST_NAME),
    (EntityKind::Host, Field::HOST_HOSTNAME),
    (EntityKind::User, Field::USER_NAME),
    (EntityKind::User, Field::USER_TARGET_NAME),
    (EntityKind::Address, Field::DESTINATION_IP),
    (EntityKind::Address, Field::HOST_IP),
    (EntityKind::Unit, Field::HAIDANG_UNIT_ID),
];

const FLAT_ENTITIES: [(EntityKind, Name); 12] = [
    (EntityKind::Address, known("SourceIp")),
    (EntityKind::Address, known("IpAddress")),
    (EntityKind::Address, known("src_ip")),
    (EntityKind::Address, known("c-ip")),
    (EntityKind::Host, known("Computer")),
    (EntityKind::Host, known("ComputerName")),
    (EntityKind::Host, known("hostname")),
    (EntityKind::User, known("User")),
    (EntityKind::User, known("TargetUserName")),
    (EntityKind::User, known("SubjectUserName")),
    (EntityKind::Address, known("DestinationIp")),
    (EntityKind::Address, known("dst_ip")),
];

fn entities(named: impl Iterator<Item = (EntityKind, Option<String>)>) -> Vec<Entity> {
    let mut found: Vec<Entity> = Vec::new();
    for (kind, name) in named {
        let name = name.as_deref().map(str::trim).filter(|name| !name.is_empty() && *name != "-");
        if let Some(name) = name {
            let entity = Entity { kind, name: entity_name(kind, name) };
            if !found.contains(&entity) {
                found.push(entity);
            }
        }
    }
    found
}

/// Users and hosts are the same however their case is written; a domain before a user's name is left out.
pub(crate) fn entity_name(kind: EntityKind, name: &str) -> String {
    let name = match kind {
        EntityKind::User => name.rsplit('\\').next().unwrap_or(name),
        _ => name,
    };
    let kept = beginning(name, VALUE_CHARS_MAX);
    match kind {
        EntityKind::User | EntityKind::Host if kept.is_ascii() => kept.to_ascii_lowercase(),
        EntityKind::User | EntityKind::Host => kept.chars().map(fold).collect(),
        EntityKind::Address | EntityKind::Unit => kept.to_owned(),
    }
}

/// The kind of entity that a field of a correlation's group names.
pub(crate) fn kind_of(key: &str) -> Option<EntityKind> {
    let named = EVENT_ENTITIES.iter().find(|(_, field)| field.name() == key).map(|(kind, _)| *kind);
    let flat = || FLAT_ENTITIES.iter().find(|(_, name)| known_name(*name) == key).map(|(kind, _)| *kind);
    named.or_else(flat).or_else(|| {
        let last = key.rsplit('.').next().unwrap_or(key);
        match last {
            "ip" | "address" => Some(EntityKind::Address),
            _ if key.ends_with("user.name") => Some(EntityKind::User),
            _ => None,
        }
    })
}

//! From alerts to incidents: alerts that share an entity within a gap in time belong together.
//!
//! Two alerts of at least medium level are linked if they name the same entity and the gap between their times is at
//! most `incident_gap_ms`; an incident is everything that links reach. Links only ever appear, so the order of arrival
//! has no say. The incident's id names its first alert and that one's first event; when a link joins two incidents, or an
//! earlier event turns up, the id that no longer leads is told as merged and never used again. A low alert joins the
//! incident of the earliest alert that it is linked to, opens none and joins none together.
//!
//! What must not glue everything together does not link: the configured shared entities (gateways, `root`), a unit
//! unless both alerts are of the same rule, and an entity that more than `entity_alerts_max` alerts name (beyond that
//! limit, as beyond any, the order of arrival does have a say).

use crate::correlator::Output;
use crate::limits::Limits;
use event::{Alert, Entity, EntityKind, EventId, Incident, Severity, Stage, Time, derived_id};
use std::collections::{BTreeSet, HashMap, HashSet};
use uuid::Uuid;

/// How many merged ids are remembered; beyond, all are forgotten.
const GONE_MAX: usize = 65_536;

/// An alert's place in the order that names incidents. With its first event, because an alert that superseded another
/// of the same time must not stand behind it.
type Rank = (Time, Option<EventId>, Uuid);

fn rank(alert: &Alert) -> Rank {
    (alert.first, alert.events.first().copied(), alert.id)
}

#[derive(Debug)]
struct Known {
    alert: Alert,
    /// The incident it belongs to, by its number here; a low alert may have none.
    group: Option<u64>,
}

#[derive(Debug, Default)]
struct Group {
    /// Its alerts of at least medium level.
    alerts: BTreeSet<Rank>,
    low: BTreeSet<Rank>,
    /// The id under which it was told.
    told: Option<Uuid>,
}

/// The alerts and incidents of late.
#[derive(Debug, Default)]
pub(crate) struct Incidents {
    alerts: HashMap<Uuid, Known>,
    by_entity: HashMap<Entity, BTreeSet<Uuid>>,
    groups: HashMap<u64, Group>,
    dirty: BTreeSet<u64>,
    numbers: u64,
    /// Ids that were merged away.
    gone: HashSet<Uuid>,
    /// Alerts that found no room.
    pub(crate) evicted: u64,
}

impl Incidents {
    /// Takes in a new or changed alert.
    pub(crate) fn take(&mut self, alert: &Alert, limits: &Limits, out: &mut Output) {
        self.take_into(alert, None, limits, out);
    }

    /// An alert's matches are now another's, and so is its place.
    pub(crate) fn supersede(&mut self, from: Uuid, into: &Alert, limits: &Limits, out: &mut Output) {
        let group = self.remove(from).and_then(|known| known.group);
        self.take_into(into, group, limits, out);
    }

    fn take_into(&mut self, alert: &Alert, inherited: Option<u64>, limits: &Limits, out: &mut Output) {
        if alert.level == Severity::Informational {
            return;
        }
        if self.alerts.len() >= limits.incident_alerts_max && !self.alerts.contains_key(&alert.id) {
            self.evict(limits.incident_alerts_max);
        }
        let former = self.remove(alert.id).and_then(|known| known.group);
        let linked = self.linked(alert, limits);
        for entity in &alert.entities {
            let named = self.by_entity.entry(entity.clone()).or_default();
            if named.len() <= limits.entity_alerts_max {
                named.insert(alert.id);
            }
        }
        self.alerts.insert(alert.id, Known { alert: alert.clone(), group: None });
        if alert.level < Severity::Medium {
            self.seat_low(alert.id, limits);
            return;
        }
        // Its own place first, so that the join sees which incident is the earliest.
        let mut groups: BTreeSet<u64> = inherited.into_iter().chain(former).collect();
        if let Some(own) = groups.first().filter(|own| self.groups.contains_key(own)) {
            self.seat(alert.id, *own);
        }
        let grouped = linked.iter().filter(|id| !self.is_low(**id)).filter_map(|id| self.group_of(*id));
        groups.extend(grouped);
        let into = self.join(groups, out);
        self.seat(alert.id, into);
        for id in linked {
            if self.is_low(id) {
                self.seat_low(id, limits);
            }
        }
        if self.groups.get(&into).is_some_and(|group| group.told.is_none()) {
            self.tell(into, out);
        }
    }

    /// Every incident that changed since it was told.
    pub(crate) fn flush(&mut self, out: &mut Output) {
        for number in std::mem::take(&mut self.dirty) {
            self.tell(number, out);
        }
    }

    /// Forgets incidents that nothing from `floor` on can reach.
    pub(crate) fn forget_before(&mut self, floor: Time, limits: &Limits) {
        let horizon = floor.plus_ms(-limits.incident_gap_ms);
        let alive: HashSet<u64> = (self.alerts.values())
            .filter(|known| known.alert.last >= horizon)
            .filter_map(|known| known.group)
            .chain(self.dirty.iter().copied())
            .collect();
        let gone = |known: &Known| match known.group {
            Some(group) => !alive.contains(&group),
            None => known.alert.last < horizon,
        };
        let ids: Vec<Uuid> = self.alerts.iter().filter(|(_, known)| gone(known)).map(|(id, _)| *id).collect();
        for id in ids {
            self.remove(id);
        }
        self.groups.retain(|number, _| alive.contains(number));
    }

    /// The alerts that share a linking entity and a time with this one.
    fn linked(&self, alert: &Alert, limits: &Limits) -> Vec<Uuid> {
        let mut found = BTreeSet::new();
        for entity in alert.entities.iter().filter(|entity| !limits.is_shared(entity)) {
            let Some(named) = self.by_entity.get(entity) else { continue };
            if named.len() > limits.entity_alerts_max {
                continue;
            }
            for id in named {
                let Some(other) = self.alerts.get(id).map(|known| &known.alert) else { continue };
                let gap = (alert.first.0.saturating_sub(other.last.0))
                    .max(other.first.0.saturating_sub(alert.last.0));
                let family = entity.kind != EntityKind::Unit || other.rule == alert.rule;
                let family = family && may_link(alert, other, entity);
                if family && gap <= limits.incident_gap_ms && other.id != alert.id {
                    found.insert(*id);
                }
            }
        }
        found.into_iter().collect()
    }

    fn is_low(&self, id: Uuid) -> bool {
        self.alerts.get(&id).is_some_and(|known| known.alert.level < Severity::Medium)
    }

    fn group_of(&self, id: Uuid) -> Option<u64> {
        self.alerts.get(&id)?.group
    }

    /// Makes one of the groups; a new one if there is none.
    fn join(&mut self, groups: BTreeSet<u64>, out: &mut Output) -> u64 {
        let mut groups: Vec<u64> =
            groups.into_iter().filter(|number| self.groups.contains_key(number)).collect();
        groups.sort_by_key(|number| {
            let first = self.groups.get(number).and_then(|group| group.alerts.first().copied());
            (first.is_none(), first)
        });
        let Some((&into, others)) = groups.split_first() else {
            self.numbers += 1;
            self.groups.insert(self.numbers, Group::default());
            return self.numbers;
        };
        for other in others {
            let Some(gone) = self.groups.remove(other) else { continue };
            self.dirty.remove(other);
            for (_, _, id) in gone.alerts.iter().chain(&gone.low) {
                self.seat(*id, into);
            }
            let told = self.groups.get(&into).and_then(|group| group.told);
            match (gone.told, told) {
                (Some(from), Some(into)) if from != into => self.merge(from, into, out),
                (Some(from), None) => {
                    if let Some(group) = self.groups.get_mut(&into) {
                        group.told = Some(from);
                    }
                }
                _ => {}
            }
        }
        into
    }

    /// Puts an alert into a group.
    fn seat(&mut self, id: Uuid, number: u64) {
        let Some(known) = self.alerts.get_mut(&id) else { return };
        known.group = Some(number);
        let rank = rank(&known.alert);
        let low = known.alert.level < Severity::Medium;
        if let Some(group) = self.groups.get_mut(&number) {
            if low {
                group.low.insert(rank)
            } else {
                group.alerts.insert(rank)
            };
            self.dirty.insert(number);
        }
    }

    /// Puts a low alert into the incident of the earliest alert that it is linked to.
    fn seat_low(&mut self, id: Uuid, limits: &Limits) {
        let Some(alert) = self.alerts.get(&id).map(|known| known.alert.clone()) else { return };
        let linked = self.linked(&alert, limits);
        // The alert's own time decides, not its incident's, which changes when incidents join.
        let earliest = (linked.iter().filter(|id| !self.is_low(**id)))
            .min_by_key(|id| self.alerts.get(id).map(|known| rank(&known.alert)))
            .and_then(|id| self.group_of(*id));
        if let Some(former) = self.group_of(id).filter(|former| Some(*former) != earliest)
            && let Some(group) = self.groups.get_mut(&former)
        {
            group.low.remove(&rank(&alert));
            self.dirty.insert(former);
        }
        if let Some(number) = earliest {
            self.seat(id, number);
        }
    }

    fn remove(&mut self, id: Uuid) -> Option<Known> {
        let known = self.alerts.remove(&id)?;
        for entity in &known.alert.entities {
            if let Some(named) = self.by_entity.get_mut(entity) {
                named.remove(&id);
                if named.is_empty() {
                    self.by_entity.remove(entity);
                }
            }
        }
        if let Some(number) = known.group
            && let Some(group) = self.groups.get_mut(&number)
        {
            group.alerts.remove(&rank(&known.alert));
            group.low.remove(&rank(&known.alert));
            self.dirty.insert(number);
        }
        Some(known)
    }

    /// Lets the incidents go whose last event is oldest, until a sixteenth of the alerts has room again.
    fn evict(&mut self, alerts_max: usize) {
        let mut ages: Vec<Time> = self.alerts.values().map(|known| known.alert.last).collect();
        let nth = (alerts_max / 16).min(ages.len().saturating_sub(1));
        let (_, limit, _) = ages.select_nth_unstable(nth);
        let limit = *limit;
        let old = self.alerts.iter().filter(|(_, known)| known.alert.last <= limit);
        let ids: Vec<Uuid> = old.map(|(id, _)| *id).collect();
        self.evicted += u64::try_from(ids.len()).unwrap_or(0);
        for id in ids {
            self.remove(id);
        }
        self.groups.retain(|_, group| !group.alerts.is_empty());
    }

    fn merge(&mut self, from: Uuid, into: Uuid, out: &mut Output) {
        if self.gone.len() >= GONE_MAX {
            self.gone.clear();
        }
        self.gone.insert(from);
        out.merged.push((from, into));
    }

    fn tell(&mut self, number: u64, out: &mut Output) {
        self.dirty.remove(&number);
        let Some(group) = self.groups.get(&number) else { return };
        let ranks: BTreeSet<Rank> = group.alerts.union(&group.low).copied().collect();
        let alerts: Vec<&Alert> =
            ranks.iter().filter_map(|(_, _, id)| self.alerts.get(id)).map(|known| &known.alert).collect();
        let Some((time, event, first)) = group.alerts.first() else { return };
        // With the first event, for an alert of single events keeps its id when an earlier one turns up: an id that was
        // merged away must never come back.
        let event = event.map(|event| event.to_string()).unwrap_or_default();
        let mut id = derived_id(&["incident", &first.to_string(), &time.to_string(), &event]);
        // Only an alert that was held back by one that is none any more may bring an id back.
        while self.gone.contains(&id) {
            id = derived_id(&["incident", "again", &id.to_string()]);
        }
        let incident = incident(id, &alerts);
        if let Some(group) = self.groups.get_mut(&number)
            && let Some(former) = group.told.replace(id).filter(|former| *former != id)
        {
            self.merge(former, id, out);
        }
        out.incidents.extend(incident);
    }
}

/// A scan touches everything: what is authorised is linked by what it is mainly about alone (the scanner), or every attack
/// of that night would be one incident. An alert may lose its mark, so links still only appear.
fn may_link(a: &Alert, b: &Alert, entity: &Entity) -> bool {
    let links = |alert: &Alert| alert.authorised.is_none() || alert.entities.first() == Some(entity);
    links(a) && links(b)
}

/// Sums alerts up, which come in order of time. An authorised alert weighs nothing beside others.
fn incident(id: Uuid, alerts: &[&Alert]) -> Option<Incident> {
    let all = alerts;
    let open: Vec<&Alert> = all.iter().copied().filter(|alert| alert.authorised.is_none()).collect();
    let alerts = if open.is_empty() { all } else { open.as_slice() };
    let authorised = alerts.first().and_then(|alert| alert.authorised.clone());
    let first = alerts.first()?;
    let weight = |alert: &Alert| (alert.level, Stage::of_tags(&alert.tags));
    let heaviest =
        alerts.iter().fold(first, |best, alert| if weight(alert) > weight(best) { alert } else { best });
    let widest = alerts.iter().fold(first, |a, b| if b.system_level > a.system_level { b } else { a });
    let stage = alerts.iter().map(|alert| Stage::of_tags(&alert.tags)).max()?;
    let mut seen = HashSet::new();
    let named = all.iter().flat_map(|alert| &alert.entities).filter(|entity| seen.insert(*entity));
    let at = |text: fn(&Alert) -> &String| {
        let texts = std::iter::once(widest).chain(alerts).map(|alert| text(alert));
        texts.clone().find(|text| !text.is_empty()).cloned().unwrap_or_default()
    };
    Some(Incident {
        id,
        title: heaviest.title.clone(),
        title_vi: heaviest.title_vi.clone(),
        severity: heaviest.level.of_incident(widest.system_level, stage),
        stage,
        first: all.iter().map(|alert| alert.first).min()?,
        last: all.iter().map(|alert| alert.last).max()?,
        entities: named.cloned().collect(),
        unit: at(|alert| &alert.unit),
        system: at(|alert| &alert.system),
        system_level: widest.system_level,
        alerts: all.iter().map(|alert| (*alert).clone()).collect(),
        authorised,
    })
}

//! Ours → STIX.

use super::{
    About, AttackPattern, Bundle, Extensions, Identity, Incident, Indicator, Infrastructure, Malware, Object,
    Observable, ObservedData, Reference, Relationship, Sighting, VERSION, id, marking, pattern,
};
use crate::{Notice, Organisation};
use event::{Severity, Time, Tlp};
use serde_json::{Map, Value, json};
use std::collections::HashSet;
use std::net::IpAddr;

/// OASIS's incident extension, whose core alone is the same in all its versions.
pub(super) const INCIDENT: &str = "extension-definition--ef765651-680c-498d-9894-99799f2fa126";
/// Ours: what STIX has no word for, so that an installation of ours reads back what another wrote.
pub(super) const NOTICE: &str = "extension-definition--7d6f2a52-3c0d-4b8e-9d50-6a1e0c2b7f19";
/// The name of our numbers for incidents.
pub(super) const NUMBER: &str = "haidang-incident";
/// The name of the province's names for units.
pub(super) const UNIT: &str = "haidang-unit";
/// When what does not change (a unit, a technique) was made: the same in every bundle, or one would contradict another.
const ALWAYS: Time = Time(1_767_225_600_000); // 2026-01-01
/// What STIX allows `number_observed` to be.
const OBSERVED_MAX: u64 = 999_999_999;

/// Objects that travel together, each once.
#[must_use]
pub fn bundle(objects: Vec<Object>) -> Bundle {
    let mut seen = HashSet::new();
    let objects: Vec<Object> =
        objects.into_iter().filter(|object| seen.insert(object.id().to_owned())).collect();
    let mut ids: Vec<&str> = objects.iter().map(Object::id).collect();
    ids.sort_unstable();
    Bundle { kind: "bundle".to_owned(), id: id::own("bundle", &ids), objects }
}

/// An indicator, with the definition of its marking.
#[must_use]
pub fn of_indicator(indicator: &event::Indicator) -> Vec<Object> {
    vec![Object::MarkingDefinition(marking::definition(indicator.tlp)), Object::Indicator(write(indicator))]
}

fn write(indicator: &event::Indicator) -> Indicator {
    // The start of its validity is the one time that every copy of it agrees on.
    let at = indicator.valid_from;
    let mut about = About::new(indicator.id.clone(), at, at, None, indicator.tlp);
    about.confidence = indicator.confidence;
    about.external_references =
        vec![Reference { source_name: indicator.source.clone(), external_id: Some(indicator.id.clone()) }];
    Indicator {
        about,
        name: indicator.name.clone(),
        description: format!("{}: {}", indicator.kind.name(), indicator.value),
        indicator_types: vec!["malicious-activity".to_owned()],
        pattern: pattern::write(indicator.kind, &indicator.value),
        pattern_type: "stix".to_owned(),
        pattern_version: VERSION.to_owned(),
        valid_from: at,
        valid_until: indicator.valid_until,
    }
}

/// What tells of an incident: itself, who tells, the unit, what was seen, and how these belong together.
#[must_use]
pub fn of_notice(notice: &Notice, us: &Organisation) -> Vec<Object> {
    let mut writer =
        Writer { notice, code: &us.code, us: id::own("identity", &[&us.code]), objects: Vec::new() };
    writer.objects.push(Object::MarkingDefinition(marking::definition(notice.tlp)));
    // Who we are is no secret: one identity, whatever its notices are marked.
    writer.objects.push(Object::MarkingDefinition(marking::definition(Tlp::Clear)));
    let about = About::new(writer.us.clone(), ALWAYS, ALWAYS, None, Tlp::Clear);
    writer.objects.push(identity(about, &us.name));
    let incident = id::own("incident", &[&us.code, &notice.id.to_string()]);
    writer.objects.push(Object::Incident(writer.incident(&incident)));
    let unit = writer.unit(&incident);
    let seen = writer.observed(&incident);
    writer.named(&incident);
    writer.sighted(unit.as_deref(), seen.as_deref());
    writer.objects
}

fn identity(about: About, name: &str) -> Object {
    let (name, class) = (name.to_owned(), "organization".to_owned());
    Object::Identity(Identity { about, name, identity_class: class, sectors: vec!["government".to_owned()] })
}

struct Writer<'a> {
    notice: &'a Notice,
    code: &'a str,
    us: String,
    objects: Vec<Object>,
}

impl Writer<'_> {
    /// Of something that does not change. Its id tells its colour too, or one bundle would widen another's audience.
    fn lasting(&self, kind: &str, parts: &[&str]) -> About {
        let mut key = vec![self.code, self.notice.tlp.name()];
        key.extend(parts);
        About::new(id::own(kind, &key), ALWAYS, ALWAYS, Some(&self.us), self.notice.tlp)
    }

    /// Of something that is told of this incident.
    fn told(&self, id: String) -> About {
        let (first, modified) = (self.notice.first, self.notice.modified.max(self.notice.first));
        About::new(id, first, modified, Some(&self.us), self.notice.tlp)
    }

    fn relate(&mut self, from: &str, how: &str, to: &str) {
        let about = self.told(id::own("relationship", &[from, how, to]));
        let (source_ref, target_ref) = (from.to_owned(), to.to_owned());
        let relationship_type = how.to_owned();
        self.objects.push(Object::Relationship(Relationship {
            about,
            relationship_type,
            source_ref,
            target_ref,
        }));
    }

    fn incident(&self, id: &str) -> Incident {
        let notice = self.notice;
        let mut about = self.told(id.to_owned());
        let number = notice.number.to_string();
        about.external_references =
            vec![Reference { source_name: NUMBER.to_owned(), external_id: Some(number) }];
        let core = json!({
            "extension_type": "property-extension",
            "determination": "suspected",
            "investigation_status": if notice.is_closed { "closed" } else { "open" },
            "criticality": criticality(notice.severity),
            "detection_methods": ["automated-tool"],
        });
        let own = json!({
            "extension_type": "property-extension",
            "incident": notice.id,
            "title_vi": notice.title_vi,
            "severity": notice.severity,
            "first": notice.first,
            "last": notice.last,
            "events": notice.events,
        });
        let extensions = Extensions::from_iter([(INCIDENT.to_owned(), core), (NOTICE.to_owned(), own)]);
        Incident { about, name: notice.title.clone(), description: notice.title_vi.clone(), extensions }
    }

    fn unit(&mut self, incident: &str) -> Option<String> {
        let notice = self.notice;
        if notice.unit.is_empty() {
            return None;
        }
        let mut about = self.lasting("identity", &[&notice.unit, &notice.unit_name]);
        about.external_references =
            vec![Reference { source_name: UNIT.to_owned(), external_id: Some(notice.unit.clone()) }];
        let id = about.id.clone();
        self.objects.push(identity(about, &notice.unit_name));
        self.relate(incident, "related-to", &id);
        Some(id)
    }

    /// The addresses that were seen.
    fn observed(&mut self, incident: &str) -> Option<String> {
        let notice = self.notice;
        let seen: Vec<Object> =
            notice.addresses.iter().map(|address| observable(*address, notice.tlp)).collect();
        if seen.is_empty() {
            return None;
        }
        let id = id::own("observed-data", &[incident]);
        let observed = ObservedData {
            about: self.told(id.clone()),
            first_observed: notice.first,
            last_observed: notice.last,
            number_observed: notice.events.clamp(1, OBSERVED_MAX),
            object_refs: seen.iter().map(|object| object.id().to_owned()).collect(),
        };
        self.objects.extend(seen);
        self.objects.push(Object::ObservedData(observed));
        self.relate(incident, "related-to", &id);
        Some(id)
    }

    fn named(&mut self, incident: &str) {
        let notice = self.notice;
        for host in &notice.hosts {
            let about = self.lasting("infrastructure", &[&notice.unit, host]);
            let id = about.id.clone();
            let infrastructure_types = vec!["unknown".to_owned()];
            let machine = Infrastructure { about, name: host.clone(), infrastructure_types };
            self.objects.push(Object::Infrastructure(machine));
            self.relate(incident, "related-to", &id);
        }
        for technique in &notice.techniques {
            let mut about = self.lasting("attack-pattern", &[technique]);
            about.external_references = vec![Reference {
                source_name: "mitre-attack".to_owned(),
                external_id: Some(technique.clone()),
            }];
            let id = about.id.clone();
            self.objects.push(Object::AttackPattern(AttackPattern { about, name: technique.clone() }));
            self.relate(incident, "related-to", &id);
        }
        for name in &notice.malware {
            let about = self.lasting("malware", &[name]);
            let id = about.id.clone();
            let malware_types = vec!["unknown".to_owned()];
            self.objects.push(Object::Malware(Malware {
                about,
                name: name.clone(),
                malware_types,
                is_family: true,
            }));
            self.relate(incident, "related-to", &id);
        }
    }

    fn sighted(&mut self, unit: Option<&str>, seen: Option<&str>) {
        let notice = self.notice;
        for indicator in &notice.sighted {
            self.objects.extend(of_indicator(indicator));
            let sighting = Sighting {
                about: self.told(id::own("sighting", &[self.code, &notice.id.to_string(), &indicator.id])),
                first_seen: notice.first,
                last_seen: notice.last,
                sighting_of_ref: indicator.id.clone(),
                observed_data_refs: seen.map(str::to_owned).into_iter().collect(),
                where_sighted_refs: unit.map(str::to_owned).into_iter().collect(),
            };
            self.objects.push(Object::Sighting(sighting));
        }
    }
}

/// An address as others write it too. Its id is everyone's, so its mark is only that of this telling.
fn observable(address: IpAddr, tlp: Tlp) -> Object {
    let value = address.to_string();
    let kind = if address.is_ipv4() { "ipv4-addr" } else { "ipv6-addr" };
    let id = id::observable(kind, &Map::from_iter([("value".to_owned(), Value::from(value.as_str()))]));
    let object = Observable {
        spec_version: VERSION.to_owned(),
        id,
        value,
        object_marking_refs: vec![marking::id(tlp).to_owned()],
    };
    if address.is_ipv4() { Object::Ipv4Addr(object) } else { Object::Ipv6Addr(object) }
}

/// OASIS's scale of 0 to 99.
fn criticality(severity: Severity) -> u8 {
    match severity {
        Severity::Informational => 10,
        Severity::Low => 25,
        Severity::Medium => 50,
        Severity::High => 75,
        Severity::Critical => 95,
    }
}

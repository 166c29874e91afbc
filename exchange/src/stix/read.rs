//! STIX → ours. Lenient in what is around a fact, strict in the fact: an object that is not understood is refused with
//! its reason, and the others of its bundle are taken.

use super::{Bundle, Object, id, marking, pattern, write};
use crate::Notice;
use event::{Severity, Time};
use serde_json::Value;

/// An object that gave no indicators.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// Its id, or its place if it has none.
    pub object: String,
    /// Why.
    pub why: String,
}

/// What a list of objects gave.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Imported {
    /// The indicators: one for each value of a pattern.
    pub indicators: Vec<event::Indicator>,
    /// Ids of indicators that were taken back.
    pub revoked: Vec<String>,
    /// Indicators that were not understood.
    pub refused: Vec<Refused>,
    /// Objects of other types.
    pub others: usize,
}

/// The longest name that is kept.
const NAME_CHARS_MAX: usize = 200;

/// The indicators among `objects`. `source` is who gave them, unless an object's own references say who made it.
#[must_use]
pub fn indicators(objects: &[Value], source: &str) -> Imported {
    let mut imported = Imported::default();
    for (place, object) in objects.iter().enumerate() {
        if object["type"] != "indicator" {
            imported.others += 1;
            continue;
        }
        if let Err(why) = indicator(object, source, &mut imported) {
            let object = object["id"].as_str().map_or_else(|| format!("object {}", place + 1), str::to_owned);
            let object = object.chars().take(NAME_CHARS_MAX).collect();
            imported.refused.push(Refused { object, why });
        }
    }
    imported
}

fn indicator(object: &Value, source: &str, imported: &mut Imported) -> Result<(), String> {
    let text = |name: &str| object[name].as_str();
    let id =
        text("id").filter(|text| id::is_of(text, "indicator")).ok_or("its id is none of an indicator")?;
    if object["revoked"] == true {
        imported.revoked.push(id.to_owned());
        return Ok(());
    }
    if let Some(kind) = text("pattern_type").filter(|kind| *kind != "stix") {
        return Err(format!("patterns of type `{}` are not matched", short(kind)));
    }
    let time = |name: &str| match &object[name] {
        Value::Null => Ok(None),
        value => value.as_str().and_then(Time::parse).map(Some).ok_or_else(|| format!("`{name}` is no time")),
    };
    let valid_from = time("valid_from")?.or(time("created")?).ok_or("it has no `valid_from`")?;
    let valid_until = time("valid_until")?;
    if valid_until.is_some_and(|until| until <= valid_from) {
        return Err("`valid_until` is not after `valid_from`".to_owned());
    }
    let pattern = text("pattern").ok_or("it has no pattern")?;
    let values = pattern::read(pattern).map_err(|why| why.to_string())?;
    let made_by = object["external_references"][0]["source_name"].as_str();
    let name = text("name").unwrap_or_default();
    for (kind, value) in values {
        let name = if name.is_empty() { &value } else { name };
        imported.indicators.push(event::Indicator {
            id: id.to_owned(),
            kind,
            name: short(name),
            source: short(made_by.unwrap_or(source)),
            confidence: object["confidence"].as_u64().and_then(|sure| u8::try_from(sure.min(100)).ok()),
            tlp: marking::of(object),
            valid_from,
            valid_until,
            value,
        });
    }
    Ok(())
}

/// Text for people, cut and without control characters.
pub(crate) fn short(text: &str) -> String {
    text.chars().filter(|letter| !letter.is_control()).take(NAME_CHARS_MAX).collect()
}

/// The notice that one of our own installations wrote; `None` if the bundle holds none.
#[must_use]
pub fn notice(bundle: &Bundle) -> Option<Notice> {
    let incident = bundle.objects.iter().find_map(|object| match object {
        Object::Incident(incident) => Some(incident),
        _ => None,
    })?;
    let own = incident.extensions.get(write::NOTICE)?;
    let core = incident.extensions.get(write::INCIDENT)?;
    let of = |name: &str| own[name].as_str();
    let reference = |about: &super::About, name: &str| {
        let one = about.external_references.iter().find(|one| one.source_name == name)?;
        one.external_id.clone()
    };
    let mut notice = Notice {
        id: uuid::Uuid::parse_str(of("incident")?).ok()?,
        number: reference(&incident.about, write::NUMBER)?.parse().ok()?,
        title: incident.name.clone(),
        title_vi: of("title_vi")?.to_owned(),
        severity: Severity::by_name(of("severity")?)?,
        is_closed: core["investigation_status"] == "closed",
        first: Time::parse(of("first")?)?,
        last: Time::parse(of("last")?)?,
        modified: incident.about.modified,
        events: own["events"].as_u64()?,
        unit: String::new(),
        unit_name: String::new(),
        addresses: Vec::new(),
        hosts: Vec::new(),
        techniques: Vec::new(),
        malware: Vec::new(),
        sighted: Vec::new(),
        tlp: marking::colour(incident.about.object_marking_refs.first()?)?,
    };
    for object in &bundle.objects {
        match object {
            Object::Identity(identity) => {
                if let Some(unit) = reference(&identity.about, write::UNIT) {
                    notice.unit = unit;
                    notice.unit_name.clone_from(&identity.name);
                }
            }
            Object::Ipv4Addr(address) | Object::Ipv6Addr(address) => {
                notice.addresses.push(address.value.parse().ok()?);
            }
            Object::Infrastructure(machine) => notice.hosts.push(machine.name.clone()),
            Object::AttackPattern(technique) => notice.techniques.push(technique.name.clone()),
            Object::Malware(malware) => notice.malware.push(malware.name.clone()),
            Object::Indicator(_) => {
                let value = serde_json::to_value(object).ok()?;
                notice.sighted.extend(indicators(std::slice::from_ref(&value), "").indicators);
            }
            _ => {}
        }
    }
    Some(notice)
}

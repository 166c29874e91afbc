//! STIX 2.1: the objects that we write and read, as structs of our own.
//!
//! What others wrote is kept and passed on as they wrote it; only what we make or act on goes through these.

pub mod id;
pub mod marking;
pub mod pattern;
mod read;
mod warn;
mod write;

pub(crate) use read::short;
pub use read::{Imported, Refused, indicators, notice};
pub use warn::{Said, said};
pub use write::{bundle, of_indicator, of_notice};

use event::{Time, Tlp};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The version of the language.
pub const VERSION: &str = "2.1";

pub(crate) type Extensions = Map<String, Value>;

/// Objects that travel together.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Bundle {
    /// Always `bundle`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Derived from what is in it.
    pub id: String,
    /// What is in it.
    pub objects: Vec<Object>,
}

/// An object that we write.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
#[allow(missing_docs, reason = "the names are STIX's")]
pub enum Object {
    MarkingDefinition(Marking),
    Identity(Identity),
    Indicator(Indicator),
    Malware(Malware),
    AttackPattern(AttackPattern),
    Infrastructure(Infrastructure),
    Incident(Incident),
    ObservedData(ObservedData),
    Sighting(Sighting),
    Relationship(Relationship),
    #[serde(rename = "ipv4-addr")]
    Ipv4Addr(Observable),
    #[serde(rename = "ipv6-addr")]
    Ipv6Addr(Observable),
}

impl Object {
    /// Its id.
    #[must_use]
    pub fn id(&self) -> &str {
        match self {
            Object::MarkingDefinition(object) => &object.id,
            Object::Identity(object) => &object.about.id,
            Object::Indicator(object) => &object.about.id,
            Object::Malware(object) => &object.about.id,
            Object::AttackPattern(object) => &object.about.id,
            Object::Infrastructure(object) => &object.about.id,
            Object::Incident(object) => &object.about.id,
            Object::ObservedData(object) => &object.about.id,
            Object::Sighting(object) => &object.about.id,
            Object::Relationship(object) => &object.about.id,
            Object::Ipv4Addr(object) | Object::Ipv6Addr(object) => &object.id,
        }
    }
}

/// What every object that changes has.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct About {
    /// Always 2.1.
    pub spec_version: String,
    /// Type and UUID.
    pub id: String,
    /// Who made it: an identity's id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_by_ref: Option<String>,
    /// When it was first made.
    pub created: Time,
    /// When this version was made.
    pub modified: Time,
    /// Where else it is known.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub external_references: Vec<Reference>,
    /// To whom it may be shown.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub object_marking_refs: Vec<String>,
    /// How sure its maker is, 0 to 100.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confidence: Option<u8>,
}

impl About {
    fn new(id: String, created: Time, modified: Time, by: Option<&str>, tlp: Tlp) -> About {
        About {
            spec_version: VERSION.to_owned(),
            id,
            created_by_ref: by.map(str::to_owned),
            created,
            modified,
            external_references: Vec::new(),
            object_marking_refs: vec![marking::id(tlp).to_owned()],
            confidence: None,
        }
    }
}

/// Where else something is known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reference {
    /// Whose name for it.
    pub source_name: String,
    /// That name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_id: Option<String>,
}

/// A marking definition.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names are STIX's")]
pub struct Marking {
    pub spec_version: String,
    pub id: String,
    pub created: Time,
    pub name: String,
    pub extensions: Extensions,
}

/// Somebody: us, a unit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names are STIX's")]
pub struct Identity {
    #[serde(flatten)]
    pub about: About,
    pub name: String,
    pub identity_class: String,
    pub sectors: Vec<String>,
}

/// A value to look for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names are STIX's")]
pub struct Indicator {
    #[serde(flatten)]
    pub about: About,
    pub name: String,
    pub description: String,
    pub indicator_types: Vec<String>,
    pub pattern: String,
    pub pattern_type: String,
    pub pattern_version: String,
    pub valid_from: Time,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_until: Option<Time>,
}

/// A program that does harm.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names are STIX's")]
pub struct Malware {
    #[serde(flatten)]
    pub about: About,
    pub name: String,
    pub malware_types: Vec<String>,
    pub is_family: bool,
}

/// A technique of ATT&CK.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names are STIX's")]
pub struct AttackPattern {
    #[serde(flatten)]
    pub about: About,
    pub name: String,
}

/// A machine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names are STIX's")]
pub struct Infrastructure {
    #[serde(flatten)]
    pub about: About,
    pub name: String,
    pub infrastructure_types: Vec<String>,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names are STIX's")]
pub struct Incident {
    #[serde(flatten)]
    pub about: About,
    pub name: String,
    pub description: String,
    pub extensions: Extensions,
}

/// What was seen in logs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names are STIX's")]
pub struct ObservedData {
    #[serde(flatten)]
    pub about: About,
    pub first_observed: Time,
    pub last_observed: Time,
    pub number_observed: u64,
    pub object_refs: Vec<String>,
}

/// An indicator was met.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names are STIX's")]
pub struct Sighting {
    #[serde(flatten)]
    pub about: About,
    pub first_seen: Time,
    pub last_seen: Time,
    pub sighting_of_ref: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub observed_data_refs: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub where_sighted_refs: Vec<String>,
}

/// One object has to do with another.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names are STIX's")]
pub struct Relationship {
    #[serde(flatten)]
    pub about: About,
    pub relationship_type: String,
    pub source_ref: String,
    pub target_ref: String,
}

/// A value seen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names are STIX's")]
pub struct Observable {
    pub spec_version: String,
    pub id: String,
    pub value: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub object_marking_refs: Vec<String>,
}

//! What detection says: a match of one event, an alert of one rule.

use crate::{EventId, Time};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Sigma's `level`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Enrichment only: searchable, never an alert.
    Informational,
    /// Notable, rarely an incident by itself.
    Low,
    /// Relevant, to be reviewed.
    Medium,
    /// Requires prompt review.
    High,
    /// Requires immediate response.
    Critical,
}

impl Severity {
    /// Sigma's word.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Severity::Informational => "informational",
            Severity::Low => "low",
            Severity::Medium => "medium",
            Severity::High => "high",
            Severity::Critical => "critical",
        }
    }

    /// The severity that Sigma's word names.
    #[must_use]
    pub fn by_name(name: &str) -> Option<Severity> {
        Some(match name {
            "informational" => Severity::Informational,
            "low" => Severity::Low,
            "medium" => Severity::Medium,
            "high" => Severity::High,
            "critical" => Severity::Critical,
            _ => return None,
        })
    }
}

/// What an incident is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EntityKind {
    /// An account: `user.name`.
    User,
    /// A machine: `host.name`.
    Host,
    /// An address: `source.ip`, `destination.ip`.
    Address,
    /// A unit of the province: `haidang.unit.id`.
    Unit,
}

/// One thing that an alert is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Entity {
    /// What it is.
    pub kind: EntityKind,
    /// Its name, lower case for users and hosts.
    pub name: String,
}

/// Why an item of a rule held: the field, the value found, the pattern that it met.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Because {
    /// Sigma's field name as the rule has it; empty for a keyword.
    pub field: String,
    /// The value found.
    pub value: String,
    /// The pattern of the rule.
    pub pattern: String,
}

/// One event met one detection rule. Carries all that windows need, so that a restart can rebuild them from matches.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Match {
    /// The rule's id.
    pub rule: String,
    /// The event.
    pub event: EventId,
    /// The event's time, already clamped to what we believe of the device's clock.
    pub time: Time,
    /// Whose clock and order that is: the watermark's key (the sending device).
    pub source: String,
    /// The rule's level.
    pub level: Severity,
    /// The values of every field that a correlation rule groups by or counts, dotted ECS name to text.
    pub values: Vec<(String, String)>,
    /// What the event is about.
    pub entities: Vec<Entity>,
    /// `haidang.unit.id`, `haidang.system.id`, or empty.
    pub unit: String,
    /// See `unit`.
    pub system: String,
    /// `haidang.system.level`, 0 if unknown.
    pub system_level: u8,
    /// Why the rule held.
    pub because: Vec<Because>,
    /// The event claimed to be of a time after its receipt: `time` is that of the receipt.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_clamped: bool,
    /// The id of the authorised scan window that the event falls into.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authorised: Option<String>,
}

/// Who allowed a scan, and until when: what such a scan raises is kept and shown, and pages nobody.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Authorised {
    /// The authorisation's id.
    pub id: String,
    /// What is allowed.
    pub title: String,
    /// Who allowed it.
    pub by: String,
    /// The number of the document that says so.
    pub document: String,
    /// Why.
    pub reason: String,
    /// When the window ends.
    pub until: Time,
}

/// Further alerts that were held back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Suppressed {
    /// How many so far.
    pub count: u64,
    /// Until when further ones are.
    pub until: Time,
}

/// A rule says that somebody should look: a detection rule's match, or a correlation rule's episode.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alert {
    /// Derived from rule, group and the episode's first event.
    pub id: Uuid,
    /// The rule's id.
    pub rule: String,
    /// The rule's English title.
    pub title: String,
    /// The rule's Vietnamese title (`title_vi`), or the English one.
    pub title_vi: String,
    /// The rule's level.
    pub level: Severity,
    /// The episode's first event time.
    pub first: Time,
    /// The episode's last event time so far.
    pub last: Time,
    /// How many matches so far, those of suppressed alerts among them.
    pub count: u64,
    /// The correlation's group: field and value.
    pub group: Vec<(String, String)>,
    /// What it is about.
    pub entities: Vec<Entity>,
    /// `haidang.unit.id`, or empty.
    pub unit: String,
    /// `haidang.system.id`, or empty.
    pub system: String,
    /// The highest `haidang.system.level` seen, 0 if unknown.
    pub system_level: u8,
    /// ATT&CK tags of the rule, as Sigma writes them: `attack.t1110`, `attack.credential-access`.
    pub tags: Vec<String>,
    /// The evidence: at most the first [`Alert::EVENTS_MAX`] events.
    pub events: Vec<EventId>,
    /// Why a detection rule held; of a correlation, what it counts, how many matches there were, and what it asks for.
    pub because: Vec<Because>,
    /// The alerts of the same rule and fields that were held back after it, and are counted in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suppressed: Option<Suppressed>,
    /// Every match was of an authorised scan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authorised: Option<Authorised>,
}

impl Alert {
    /// How many events of evidence an alert lists; `count` tells how many there were.
    pub const EVENTS_MAX: usize = 100;
}

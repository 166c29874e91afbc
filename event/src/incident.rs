//! What a person works on: alerts that belong together.

use crate::{Alert, Entity, Severity, Time};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Where an incident stands. Steps follow Decree 333/2026 art. 9.2 in outline.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Nobody has looked yet.
    New,
    /// Somebody has taken it.
    Acknowledged,
    /// Spread is stopped.
    Contained,
    /// Work is done.
    Closed,
}

impl Status {
    /// The word on the wire.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Status::New => "new",
            Status::Acknowledged => "acknowledged",
            Status::Contained => "contained",
            Status::Closed => "closed",
        }
    }

    /// The status that the word names.
    #[must_use]
    pub fn by_name(name: &str) -> Option<Status> {
        [Status::New, Status::Acknowledged, Status::Contained, Status::Closed]
            .into_iter()
            .find(|status| status.name() == name)
    }
}

/// How far an attack has come, read off the ATT&CK tactics of its rules; later stages weigh more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Reconnaissance, resource development, discovery.
    Reconnaissance,
    /// Initial access, credential access.
    Access,
    /// Execution, persistence, privilege escalation, defence evasion, lateral movement.
    Foothold,
    /// Command and control.
    Control,
    /// Collection, exfiltration, impact.
    Impact,
}

/// What the correlator says of an incident. What people say of it (status, assignee, comments) is the store's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Incident {
    /// Derived from its first alert, so that a replay finds the same incident.
    pub id: Uuid,
    /// The English title: its weightiest alert's.
    pub title: String,
    /// The Vietnamese title.
    pub title_vi: String,
    /// Rule level, raised by system level and stage.
    pub severity: Severity,
    /// The furthest stage seen.
    pub stage: Stage,
    /// The first event's time.
    pub first: Time,
    /// The last event's time so far.
    pub last: Time,
    /// What it is about, over all alerts.
    pub entities: Vec<Entity>,
    /// `haidang.unit.id` of the unit concerned, or empty.
    pub unit: String,
    /// `haidang.system.id` of the system concerned, or empty.
    pub system: String,
    /// The highest system level concerned, 0 if unknown.
    pub system_level: u8,
    /// Its alerts in order of time.
    pub alerts: Vec<Alert>,
}

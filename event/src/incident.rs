//! What a person works on: alerts that belong together.

use crate::{Alert, Authorised, Entity, Severity, Time};
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

impl Stage {
    /// The furthest stage that ATT&CK tactic tags tell; without any, access.
    #[must_use]
    pub fn of_tags(tags: &[String]) -> Stage {
        let of = |tag: &String| {
            Some(match tag.strip_prefix("attack.")?.replace('_', "-").as_str() {
                "reconnaissance" | "resource-development" | "discovery" => Stage::Reconnaissance,
                "initial-access" | "credential-access" => Stage::Access,
                "execution"
                | "persistence"
                | "privilege-escalation"
                | "defense-evasion"
                | "stealth"
                | "defense-impairment"
                | "lateral-movement" => Stage::Foothold,
                "command-and-control" => Stage::Control,
                "collection" | "exfiltration" | "impact" => Stage::Impact,
                _ => return None,
            })
        };
        tags.iter().filter_map(of).max().unwrap_or(Stage::Access)
    }
}

/// What an incident is rated by: its weightiest alert's rule level (rows), its information system's level and its
/// furthest stage (columns). A system of level 3 or more, and an attacker who controls or does harm, raise it by one each.
///
/// | Rule level | levels 0-2, before control | one of them | levels 3-5, from control on |
/// |---|---|---|---|
/// | informational | informational | low | medium |
/// | low | low | medium | high |
/// | medium | medium | high | critical |
/// | high | high | critical | critical |
/// | critical | critical | critical | critical |
const SEVERITY: [[Severity; 3]; 5] = {
    use Severity::{Critical, High, Informational, Low, Medium};
    [
        [Informational, Low, Medium],
        [Low, Medium, High],
        [Medium, High, Critical],
        [High, Critical, Critical],
        [Critical, Critical, Critical],
    ]
};

impl Severity {
    /// The severity of an incident whose weightiest alert has this level.
    #[must_use]
    pub fn of_incident(self, system_level: u8, stage: Stage) -> Severity {
        let raised = usize::from(system_level >= 3) + usize::from(stage >= Stage::Control);
        SEVERITY[self as usize][raised]
    }
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
    /// Every alert is of an authorised scan; the first one's authorisation. Nobody is paged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authorised: Option<Authorised>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn system_level_and_stage_raise_the_level_by_one_each() {
        use Severity::{Critical, High, Informational, Low, Medium};
        for (level, system, stage, expected) in [
            (Informational, 0, Stage::Access, Informational),
            (Low, 2, Stage::Foothold, Low),
            (Low, 3, Stage::Foothold, Medium),
            (Low, 5, Stage::Impact, High),
            (Medium, 0, Stage::Control, High),
            (High, 3, Stage::Impact, Critical),
            (Critical, 1, Stage::Reconnaissance, Critical),
        ] {
            assert_eq!(level.of_incident(system, stage), expected, "{level:?} {system} {stage:?}");
        }
    }

    #[test]
    fn the_furthest_tactic_is_the_stage() {
        let tags = |all: &[&str]| all.iter().map(|tag| (*tag).to_owned()).collect::<Vec<_>>();
        let of = |all: &[&str]| Stage::of_tags(&tags(all));
        assert_eq!(
            of(&["attack.t1110", "attack.credential-access", "attack.command_and_control"]),
            Stage::Control
        );
        assert_eq!(of(&["attack.discovery"]), Stage::Reconnaissance);
        assert_eq!(of(&["cve.2026-1"]), Stage::Access);
    }
}

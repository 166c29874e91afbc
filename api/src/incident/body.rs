//! Incidents on the wire.

use super::reporting::ReportingBody;
use super::story::{Sentence, story};
use compliance::RuleSets;
use event::{Alert, Authorised, Because, Entity, EventId, Risk, Severity, Stage, Status, Suppressed, Time};
use serde::{Deserialize, Deserializer, Serialize};
use store::cases::{Change, Comment, Detail, HistoryEntry, Summary, Verdict};
use utoipa::ToSchema;

/// An incident as the list shows it.
#[derive(Serialize, ToSchema)]
pub(super) struct IncidentSummary {
    id: String,
    /// 1, 2, 3, … for people.
    number: i64,
    title: String,
    title_vi: String,
    /// informational, low, medium, high, critical.
    #[schema(value_type = String)]
    severity: Severity,
    /// reconnaissance, access, foothold, control, impact.
    #[schema(value_type = String)]
    stage: Stage,
    /// new, acknowledged, contained, closed.
    #[schema(value_type = String)]
    status: Status,
    /// true_positive, false_positive, benign.
    #[schema(value_type = Option<String>)]
    verdict: Option<Verdict>,
    /// A username.
    assignee: Option<String>,
    unit: String,
    system: String,
    system_level: u8,
    #[schema(value_type = String, format = DateTime)]
    first: Time,
    #[schema(value_type = String, format = DateTime)]
    last: Time,
    #[schema(value_type = String, format = DateTime)]
    created: Time,
    #[schema(value_type = String, format = DateTime)]
    updated: Time,
    alerts_count: u64,
    events_count: u64,
    entities: Vec<EntityBody>,
    comments_count: u64,
    /// Closed, and events came after.
    updated_after_close: bool,
    version: i64,
    /// When the next report that is owed is late; null if none is owed.
    #[schema(value_type = Option<String>, format = DateTime)]
    due: Option<Time>,
    /// Every alert is of this authorised scan: nobody is paged, and the list leaves it out unless asked.
    authorised: Option<AuthorisedBody>,
    /// `attack`, or `warning`: somebody warns of it, and each unit that it concerns has a task (`/warnings`).
    kind: &'static str,
}

/// Who allowed a scan, on which word, why, and until when.
#[derive(Serialize, ToSchema)]
struct AuthorisedBody {
    id: String,
    title: String,
    by: String,
    /// The number of the document.
    document: String,
    reason: String,
    #[schema(value_type = String, format = DateTime)]
    until: Time,
}

/// Alerts that were held back after one of the same rule and fields; their matches are in its count.
#[derive(Serialize, ToSchema)]
struct SuppressedBody {
    count: u64,
    #[schema(value_type = String, format = DateTime)]
    until: Time,
}

#[derive(Serialize, ToSchema)]
pub(super) struct IncidentPage {
    pub(super) items: Vec<IncidentSummary>,
    pub(super) next: Option<String>,
}

#[derive(Serialize, ToSchema)]
struct EntityBody {
    /// user, host, address, unit.
    #[schema(value_type = String)]
    kind: event::EntityKind,
    name: String,
}

/// How much alerts say against an entity.
#[derive(Serialize, ToSchema)]
struct RiskBody {
    #[serde(flatten)]
    entity: EntityBody,
    /// Rule level × system level of each alert, halved for each full day before the newest.
    score: u64,
}

#[derive(Serialize, ToSchema)]
struct BecauseBody {
    field: String,
    value: String,
    pattern: String,
}

/// An alert of one rule.
#[derive(Serialize, ToSchema)]
struct AlertBody {
    id: String,
    rule: String,
    title: String,
    title_vi: String,
    #[schema(value_type = String)]
    level: Severity,
    #[schema(value_type = String, format = DateTime)]
    first: Time,
    #[schema(value_type = String, format = DateTime)]
    last: Time,
    count: u64,
    /// Field and value.
    #[schema(value_type = Vec<Vec<String>>)]
    group: Vec<(String, String)>,
    entities: Vec<EntityBody>,
    unit: String,
    system: String,
    system_level: u8,
    tags: Vec<String>,
    /// Ids of the events of evidence, at most 100.
    #[schema(value_type = Vec<String>)]
    events: Vec<EventId>,
    because: Vec<BecauseBody>,
    #[serde(skip_serializing_if = "Option::is_none")]
    suppressed: Option<SuppressedBody>,
    #[serde(skip_serializing_if = "Option::is_none")]
    authorised: Option<AuthorisedBody>,
}

#[derive(Serialize, ToSchema)]
pub(super) struct CommentBody {
    id: String,
    author: String,
    text: String,
    #[schema(value_type = String, format = DateTime)]
    created: Time,
}

#[derive(Serialize, ToSchema)]
struct HistoryBody {
    #[schema(value_type = String, format = DateTime)]
    time: Time,
    /// A username, or a part of the system in brackets.
    actor: String,
    change: String,
    from: Option<String>,
    to: Option<String>,
}

/// An incident with all that belongs to it.
#[derive(Serialize, ToSchema)]
pub(super) struct IncidentDetail {
    #[serde(flatten)]
    summary: IncidentSummary,
    /// What is to be reported, to whom, by when.
    reporting: ReportingBody,
    /// What happened, in order of time.
    story: Vec<Sentence>,
    /// What its alerts say against each entity, the most first.
    risk: Vec<RiskBody>,
    alerts: Vec<AlertBody>,
    comments: Vec<CommentBody>,
    history: Vec<HistoryBody>,
}

/// What to change; what is absent stays.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ChangeRequest {
    /// new, acknowledged, contained, closed.
    #[schema(value_type = Option<String>)]
    status: Option<Status>,
    /// true_positive, false_positive, benign, or null for none.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>)]
    verdict: Option<Option<Verdict>>,
    /// A username, or null for nobody.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>)]
    assignee: Option<Option<String>>,
    /// informational, low, medium, high, critical.
    #[schema(value_type = Option<String>)]
    severity: Option<Severity>,
}

/// A comment to be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct CommentRequest {
    /// At most 10,000 characters.
    pub(super) text: String,
}

/// Tells null from absent.
fn present<'de, T: Deserialize<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

impl From<ChangeRequest> for Change {
    fn from(sent: ChangeRequest) -> Change {
        let ChangeRequest { status, verdict, assignee, severity } = sent;
        Change { status, verdict, assignee, severity }
    }
}

impl From<Entity> for EntityBody {
    fn from(entity: Entity) -> EntityBody {
        EntityBody { kind: entity.kind, name: entity.name }
    }
}

impl From<Risk> for RiskBody {
    fn from(risk: Risk) -> RiskBody {
        RiskBody { entity: risk.entity.into(), score: risk.score }
    }
}

impl From<Because> for BecauseBody {
    fn from(because: Because) -> BecauseBody {
        BecauseBody { field: because.field, value: because.value, pattern: because.pattern }
    }
}

impl From<Authorised> for AuthorisedBody {
    fn from(found: Authorised) -> AuthorisedBody {
        let Authorised { id, title, by, document, reason, until } = found;
        AuthorisedBody { id, title, by, document, reason, until }
    }
}

impl From<Comment> for CommentBody {
    fn from(comment: Comment) -> CommentBody {
        let Comment { id, author, text, created } = comment;
        CommentBody { id, author, text, created }
    }
}

impl From<HistoryEntry> for HistoryBody {
    fn from(entry: HistoryEntry) -> HistoryBody {
        let HistoryEntry { time, actor, change, from, to } = entry;
        HistoryBody { time, actor, change, from, to }
    }
}

impl From<Summary> for IncidentSummary {
    fn from(found: Summary) -> IncidentSummary {
        IncidentSummary {
            id: found.id,
            number: found.number,
            title: found.title,
            title_vi: found.title_vi,
            severity: found.severity,
            stage: found.stage,
            status: found.status,
            verdict: found.verdict,
            assignee: found.assignee,
            unit: found.unit,
            system: found.system,
            system_level: found.system_level,
            first: found.first,
            last: found.last,
            created: found.created,
            updated: found.updated,
            alerts_count: found.alerts_count,
            events_count: found.events_count,
            entities: found.entities.into_iter().map(EntityBody::from).collect(),
            comments_count: found.comments_count,
            updated_after_close: found.updated_after_close,
            version: found.version,
            due: found.due,
            authorised: found.authorised.map(AuthorisedBody::from),
            kind: if found.is_warning { "warning" } else { "attack" },
        }
    }
}

impl From<Alert> for AlertBody {
    fn from(found: Alert) -> AlertBody {
        AlertBody {
            id: found.id.to_string(),
            rule: found.rule,
            title: found.title,
            title_vi: found.title_vi,
            level: found.level,
            first: found.first,
            last: found.last,
            count: found.count,
            group: found.group,
            entities: found.entities.into_iter().map(EntityBody::from).collect(),
            unit: found.unit,
            system: found.system,
            system_level: found.system_level,
            tags: found.tags,
            events: found.events,
            because: found.because.into_iter().map(BecauseBody::from).collect(),
            suppressed: found.suppressed.map(|Suppressed { count, until }| SuppressedBody { count, until }),
            authorised: found.authorised.map(AuthorisedBody::from),
        }
    }
}

impl IncidentDetail {
    pub(super) fn of(found: Detail, rules: &RuleSets, now: Time) -> IncidentDetail {
        IncidentDetail {
            reporting: ReportingBody::of(&found.reporting, rules, now),
            summary: found.summary.into(),
            story: story(&found.alerts),
            risk: Risk::of(&found.alerts).into_iter().map(RiskBody::from).collect(),
            alerts: found.alerts.into_iter().map(AlertBody::from).collect(),
            comments: found.comments.into_iter().map(CommentBody::from).collect(),
            history: found.history.into_iter().map(HistoryBody::from).collect(),
        }
    }
}

//! `/warnings`: what a centre tells us to look after, and what each unit that it concerns did about it.

use crate::App;
use crate::access::Caller;
use crate::error::Error;
use crate::extract::{Json, Query, limit};
use axum::extract::State;
use event::{Severity, Time, Tlp};
use exchange::stix::{self, Imported};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use store::cases::{Actor, Cases, Concerned, Error as CasesError, NewWarning, Task, TaskAct, Warning};
use store::events::{Events, EventsError};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Indicators that are kept, of all sources together.
const INDICATORS_MAX: u32 = 5_000_000;
/// How far back it is looked for units that met an indicator, unless somebody says otherwise.
const DAYS: u32 = 30;
/// The furthest, in days.
const DAYS_MAX: u32 = 365;
/// Warnings that are looked at for what is unread.
const UNREAD_OF: u32 = 1000;

pub(crate) fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(warnings, add)).routes(routes!(act))
}

/// A warning, as it came.
#[derive(Debug, Default)]
pub struct Incoming {
    /// Who warns.
    pub source: String,
    /// What it is about; what the bundle says, if empty.
    pub title: String,
    /// What they say, before what the bundle says.
    pub text: String,
    /// How bad it is.
    pub severity: Option<Severity>,
    /// To whom it may be shown.
    pub tlp: Option<Tlp>,
    /// STIX objects or lines of indicators, as text; may be empty.
    pub document: String,
    /// Units that a person names.
    pub units: Vec<String>,
    /// How far back it is looked for units that met an indicator, in days.
    pub days: Option<u32>,
}

/// What became of a warning.
#[derive(Debug, Serialize, ToSchema)]
pub struct TakenIn {
    /// The id of its incident.
    pub incident: String,
    /// Indicators in it.
    pub indicators: usize,
    /// Those among them that were not known.
    pub new: u64,
    /// What of it was not understood, at most 20.
    pub refused: Vec<String>,
    /// The units that have a task now.
    pub units: Vec<String>,
}

/// Why a warning was not taken in.
#[derive(Debug, thiserror::Error)]
pub enum WarningError {
    /// The cases' database refused, or the warning makes no sense.
    #[error(transparent)]
    Cases(#[from] CasesError),
    /// The events' store refused.
    #[error(transparent)]
    Events(#[from] EventsError),
}

impl From<WarningError> for Error {
    fn from(error: WarningError) -> Error {
        match error {
            WarningError::Cases(error) => Error::Cases(error),
            WarningError::Events(error) => Error::Events(error),
        }
    }
}

/// Takes a warning in: its indicators are looked for from now on, an incident of its own says what is to be done, and each
/// unit whose events met an indicator, or that a person names, has a task.
///
/// # Errors
/// It says nothing, a unit is not in the registry, or a store refused.
pub async fn take_in(
    cases: &Cases,
    events: &Events,
    by: &Actor,
    incoming: Incoming,
) -> Result<TakenIn, WarningError> {
    let invalid = |why: String| WarningError::Cases(CasesError::Invalid(why));
    let source = incoming.source.trim();
    let (imported, said) = read(&incoming.document, source, by.now).map_err(invalid)?;
    let title = Some(incoming.title.trim()).filter(|title| !title.is_empty()).unwrap_or(&said.title);
    let text = [incoming.text.trim(), said.text.as_str()].into_iter().filter(|part| !part.is_empty());
    let text = text.collect::<Vec<_>>().join("\n\n");
    if imported.indicators.is_empty() && text.is_empty() {
        return Err(invalid("a warning has indicators, a text, or both".to_owned()));
    }
    let registry = cases.registry().await?;
    let names: BTreeMap<&str, &str> =
        registry.units.iter().map(|unit| (unit.id.as_str(), unit.name.as_str())).collect();
    if let Some(unknown) = incoming.units.iter().find(|unit| !names.contains_key(unit.as_str())) {
        return Err(invalid(format!("`units` names `{unknown}`, which is not among the registry's units")));
    }
    let days = incoming.days.unwrap_or(DAYS).min(DAYS_MAX);
    let since = by.now.plus_ms(-i64::from(days) * 86_400_000);
    let mut concerned: BTreeMap<String, u64> = incoming.units.into_iter().map(|unit| (unit, 0)).collect();
    if !imported.indicators.is_empty() && days > 0 {
        for met in events.units_that_met(since, by.now.plus_ms(1), &imported.indicators).await? {
            concerned.insert(met.unit, met.events);
        }
    }
    let loaded = match imported.indicators.is_empty() && imported.revoked.is_empty() {
        true => store::cases::Loaded::default(),
        false => {
            let (indicators, revoked) = (&imported.indicators, &imported.revoked);
            cases.load_indicators(by, source, indicators, revoked, INDICATORS_MAX).await?
        }
    };
    let strictest = imported.indicators.iter().map(|one| one.tlp).max();
    let units: Vec<String> = concerned.keys().cloned().collect();
    let new = NewWarning {
        // What its maker named it tells the same warning; a text alone is told by itself.
        key: if said.id.is_empty() { format!("{title}\n{text}") } else { said.id.clone() },
        source: source.to_owned(),
        title: title.to_owned(),
        text,
        severity: incoming.severity.unwrap_or(Severity::High),
        tlp: incoming.tlp.or(strictest).unwrap_or(Tlp::AmberStrict),
        indicators: imported.indicators.len() as u64,
        units: concerned
            .into_iter()
            .map(|(unit, events)| {
                let name = names.get(unit.as_str()).map_or_else(|| unit.clone(), |name| (*name).to_owned());
                Concerned { unit, name, events }
            })
            .collect(),
    };
    let incident = cases.add_warning(by, &new).await?;
    let refused = imported.refused.iter().take(20).map(|one| format!("{}: {}", one.object, one.why));
    let indicators = imported.indicators.len();
    Ok(TakenIn { incident, indicators, new: loaded.new, refused: refused.collect(), units })
}

fn read(document: &str, source: &str, now: Time) -> Result<(Imported, stix::Said), String> {
    if document.trim().is_empty() {
        return Ok((Imported::default(), stix::Said::default()));
    }
    let whole: serde_json::Value = serde_json::from_str(document).unwrap_or_default();
    let said = whole["objects"].as_array().map(|objects| stix::said(objects)).unwrap_or_default();
    Ok((exchange::read_list(document, source, now)?, said))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct WarningRequest {
    /// Who warns.
    source: String,
    /// What it is about; what the document says, if absent.
    #[serde(default)]
    title: String,
    /// What they say.
    #[serde(default)]
    text: String,
    /// informational, low, medium, high, critical; high if absent.
    #[serde(default)]
    severity: Option<String>,
    /// clear, green, amber, amber+strict, red; the strictest of the indicators' if absent.
    #[serde(default)]
    tlp: Option<String>,
    /// A STIX 2.1 bundle, or one indicator as JSON a line (`{"value": "c2.example.net"}`), or bare values, one a line.
    #[serde(default)]
    document: String,
    /// Units that it concerns, by their ids; those whose events met an indicator are found.
    #[serde(default)]
    units: Vec<String>,
    /// How many days back; 30 if absent, 0 for not at all.
    #[serde(default)]
    days: Option<u32>,
}

/// What a unit has to do.
#[derive(Serialize, ToSchema)]
struct TaskBody {
    unit: String,
    name: String,
    /// How many of its events met an indicator; 0 if a person named it.
    events: u64,
    #[schema(value_type = String)]
    made: Time,
    read_by: Option<String>,
    #[schema(value_type = Option<String>)]
    read: Option<Time>,
    done_by: Option<String>,
    #[schema(value_type = Option<String>)]
    done: Option<Time>,
    note: String,
}

#[derive(Serialize, ToSchema)]
struct WarningBody {
    /// The id of its incident.
    incident: String,
    number: i64,
    source: String,
    title: String,
    text: String,
    #[schema(value_type = String)]
    severity: Severity,
    tlp: &'static str,
    #[schema(value_type = String)]
    made: Time,
    indicators: u64,
    tasks: Vec<TaskBody>,
}

#[derive(Serialize, ToSchema)]
struct Warnings {
    items: Vec<WarningBody>,
    /// Tasks that nobody has read.
    unread: usize,
    /// How long the oldest of them waits.
    unread_age_s: Option<i64>,
    /// Tasks that are not done.
    open: usize,
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct WarningQuery {
    /// The id of one incident.
    incident: Option<String>,
    /// At most so many, 1 to 1000; 100 if absent.
    limit: Option<String>,
}

/// The newest warnings, what each unit has to do, and how long the oldest that nobody has read waits.
#[utoipa::path(get, path = "/warnings", tag = "warnings", params(WarningQuery),
    responses((status = 200, body = Warnings)))]
async fn warnings(
    State(app): State<App>,
    Query(query): Query<WarningQuery>,
) -> Result<axum::Json<Warnings>, Error> {
    let limit = limit(query.limit.as_deref())?;
    let mut all = app.cases.warnings(query.incident.as_deref(), UNREAD_OF).await?;
    let tasks = || all.iter().flat_map(|warning| &warning.tasks);
    let unread = || tasks().filter(|task| task.read.is_none());
    let oldest = unread().map(|task| task.made).min();
    let now = (app.clock)();
    let (count, open) = (unread().count(), tasks().filter(|task| task.done.is_none()).count());
    let unread_age_s = oldest.map(|oldest| now.0.saturating_sub(oldest.0).max(0) / 1000);
    all.truncate(limit as usize);
    let items = all.into_iter().map(WarningBody::from).collect();
    Ok(axum::Json(Warnings { items, unread: count, unread_age_s, open }))
}

/// Takes a warning in.
#[utoipa::path(post, path = "/warnings", tag = "warnings", request_body = WarningRequest,
    responses((status = 200, body = TakenIn), (status = 422)))]
async fn add(
    State(app): State<App>,
    caller: Caller,
    Json(sent): Json<WarningRequest>,
) -> Result<axum::Json<TakenIn>, Error> {
    let refuse = |why: &str| Error::Cases(CasesError::Invalid(why.to_owned()));
    let tlp = sent.tlp.as_deref().filter(|tlp| !tlp.is_empty()).map(|tlp| {
        Tlp::by_name(tlp).ok_or_else(|| refuse("`tlp` is clear, green, amber, amber+strict or red"))
    });
    let severity = sent.severity.as_deref().filter(|severity| !severity.is_empty()).map(|severity| {
        Severity::by_name(severity)
            .ok_or_else(|| refuse("`severity` is informational, low, medium, high or critical"))
    });
    let incoming = Incoming {
        source: sent.source,
        title: sent.title,
        text: sent.text,
        severity: severity.transpose()?,
        tlp: tlp.transpose()?,
        document: sent.document,
        units: sent.units,
        days: sent.days,
    };
    Ok(axum::Json(take_in(&app.cases, &app.events, &caller.actor, incoming).await?))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct TaskRequest {
    /// `read` or `done`.
    act: String,
    /// What was done.
    #[serde(default)]
    note: String,
}

#[derive(Deserialize)]
struct TaskPlace {
    incident: String,
    unit: String,
}

/// Writes down that a unit's task was read or done, by whom and when.
#[utoipa::path(post, path = "/warnings/{incident}/tasks/{unit}", tag = "warnings",
    params(("incident" = String, Path), ("unit" = String, Path)), request_body = TaskRequest,
    responses((status = 200, body = WarningBody), (status = 404), (status = 422)))]
async fn act(
    State(app): State<App>,
    caller: Caller,
    place: axum::extract::Path<TaskPlace>,
    Json(sent): Json<TaskRequest>,
) -> Result<axum::Json<WarningBody>, Error> {
    let act = match sent.act.as_str() {
        "read" => TaskAct::Read,
        "done" => TaskAct::Done,
        _ => return Err(Error::Cases(CasesError::Invalid("`act` is read or done".to_owned()))),
    };
    app.cases.act_on_task(&caller.actor, &place.incident, &place.unit, act, sent.note.trim()).await?;
    let found = app.cases.warnings(Some(&place.incident), 1).await?;
    let warning = found.into_iter().next().ok_or(Error::Missing("warning"))?;
    Ok(axum::Json(warning.into()))
}

impl From<Warning> for WarningBody {
    fn from(one: Warning) -> WarningBody {
        WarningBody {
            incident: one.incident,
            number: one.number,
            source: one.source,
            title: one.title,
            text: one.text,
            severity: one.severity,
            tlp: one.tlp.name(),
            made: one.made,
            indicators: one.indicators,
            tasks: one.tasks.into_iter().map(TaskBody::from).collect(),
        }
    }
}

impl From<Task> for TaskBody {
    fn from(one: Task) -> TaskBody {
        let (read_by, read) = one.read.unzip();
        let (done_by, done) = one.done.unzip();
        let (unit, name, events) = (one.unit, one.name, one.events);
        TaskBody { unit, name, events, made: one.made, read_by, read, done_by, done, note: one.note }
    }
}

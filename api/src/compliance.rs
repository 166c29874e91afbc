//! `/compliance`: rules of law, assessments, the four-layer board, attestations.

use crate::App;
use crate::access::{Caller, Peer};
use crate::error::Error;
use crate::extract::{Json, Path, Query, text};
use axum::extract::State;
use axum::http::StatusCode;
use compliance::{Assessed, Assessment, Attestation, Board, Date, Period, RuleSet};
use event::Time;
use serde::{Deserialize, Serialize};
use store::cases::NewAttestation;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(crate) fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(rules))
        .routes(routes!(assessment))
        .routes(routes!(board))
        .routes(routes!(attestations, attest))
        .routes(routes!(attestation, withdraw))
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct PeriodQuery {
    /// The first day in Vietnam, 2026-11-01; the first of this month if absent.
    from: Option<String>,
    /// The last day in Vietnam; today if absent. At most 400 days.
    to: Option<String>,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct AssessmentQuery {
    /// The first day in Vietnam, 2026-11-01; the first of this month if absent.
    from: Option<String>,
    /// The last day in Vietnam; today if absent. At most 400 days.
    to: Option<String>,
    /// Only this unit and its systems.
    unit: Option<String>,
    /// Only this system.
    system: Option<String>,
    /// Only systems of this level, 0 to 5.
    level: Option<String>,
}

/// The period of a query.
pub(crate) fn period(from: Option<&str>, to: Option<&str>, now: Time) -> Result<Period, Error> {
    let day = |name: &str, text: Option<&str>| {
        let text = text.filter(|text| !text.is_empty());
        let wrong = || Error::BadRequest(format!("`{name}` is no day, as 2026-11-30"));
        text.map(|text| text.parse::<Date>().map_err(|_| wrong())).transpose()
    };
    let found = Period::asked(day("from", from)?, day("to", to)?, compliance::day_of(now));
    let wrong = || format!("from `from` to `to` there are 1 to {} days", Period::DAYS_MAX);
    found.ok_or_else(|| Error::BadRequest(wrong()))
}

/// The level of a query.
pub(crate) fn level(sent: Option<String>) -> Result<Option<u8>, Error> {
    let wrong = || Error::BadRequest("`level` is a number from 0 to 5".to_owned());
    let level = text(sent).map(|level| level.parse::<u8>().ok().filter(|level| *level <= 5));
    level.map(|level| level.ok_or_else(wrong)).transpose()
}

#[derive(Serialize, ToSchema)]
struct RuleSetList {
    /// Rule sets as `rules/compliance/` has them.
    #[schema(value_type = Vec<Object>)]
    items: Vec<RuleSet>,
}

/// The rules of law in force: deadlines, retention, measures, targets, each with citation, validity and certainty.
#[utoipa::path(get, path = "/compliance/rules", tag = "compliance", responses((status = 200, body = RuleSetList)))]
async fn rules(State(app): State<App>) -> axum::Json<RuleSetList> {
    axum::Json(RuleSetList { items: app.cases.rule_sets().iter().cloned().collect() })
}

/// What was measured of each system, each unit and the province: value, what is required, whether that is met, proof,
/// citation and certainty.
#[utoipa::path(get, path = "/compliance/assessment", tag = "compliance", params(AssessmentQuery),
    responses((status = 200, body = Object)))]
async fn assessment(
    State(app): State<App>,
    peer: Peer,
    Query(sent): Query<AssessmentQuery>,
) -> Result<axum::Json<Assessment>, Error> {
    let period = period(sent.from.as_deref(), sent.to.as_deref(), peer.now)?;
    let level = level(sent.level)?;
    let (unit, system) = (text(sent.unit), text(sent.system));
    let mut found = store::assess(&app.cases, &app.events, period, peer.now).await?;
    let is = |wanted: &Option<String>, id: &str| wanted.as_deref().is_none_or(|wanted| wanted == id);
    found.systems.retain(|one: &Assessed| {
        is(&unit, &one.unit) && is(&system, &one.id) && level.is_none_or(|level| level == one.level)
    });
    found.units.retain(|one: &Assessed| is(&unit, &one.id) && system.is_none());
    Ok(axum::Json(found))
}

/// The four layers of each unit and of the province: how each stands by the evidence, what it lacks, how that was in the
/// period before; and the plan's targets.
#[utoipa::path(get, path = "/compliance/board", tag = "compliance", params(PeriodQuery),
    responses((status = 200, body = Object)))]
async fn board(
    State(app): State<App>,
    peer: Peer,
    Query(sent): Query<PeriodQuery>,
) -> Result<axum::Json<Board>, Error> {
    let period = period(sent.from.as_deref(), sent.to.as_deref(), peer.now)?;
    let now = store::assess(&app.cases, &app.events, period, peer.now).await?;
    let before = store::assess(&app.cases, &app.events, period.before(), peer.now).await?;
    Ok(axum::Json(app.cases.rule_sets().board(&now, &before)))
}

#[derive(Serialize, ToSchema)]
struct AttestationList {
    items: Vec<AttestationBody>,
}

/// A person's word that something was done, with its document.
#[derive(Serialize, ToSchema)]
struct AttestationBody {
    id: String,
    measure: String,
    /// system, unit, province.
    #[schema(value_type = String)]
    subject: compliance::Subject,
    of: String,
    document: String,
    organisation: String,
    #[schema(value_type = String, format = Date)]
    on: Date,
    #[schema(value_type = Option<String>, format = Date)]
    until: Option<Date>,
    note: String,
    person: String,
    #[schema(value_type = String, format = DateTime)]
    recorded: Time,
}

impl From<Attestation> for AttestationBody {
    fn from(found: Attestation) -> AttestationBody {
        let Attestation {
            id,
            measure,
            subject,
            of,
            document,
            organisation,
            on,
            until,
            note,
            person,
            recorded,
        } = found;
        AttestationBody {
            id,
            measure,
            subject,
            of,
            document,
            organisation,
            on,
            until,
            note,
            person,
            recorded,
        }
    }
}

/// An attestation to be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct AttestationRequest {
    /// A measure that people attest: `assessment`.
    measure: String,
    /// Which system or unit; absent for the province.
    #[serde(default)]
    of: String,
    /// Number and name of the document.
    document: String,
    /// The organisation that did it.
    #[serde(default)]
    organisation: String,
    /// The day of the document, 2026-11-01.
    #[schema(value_type = String, format = Date)]
    on: Date,
    /// The last day that it holds.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = Date)]
    until: Option<Date>,
    /// More about it.
    #[serde(default)]
    note: String,
}

/// Attestations that hold, the newest first.
#[utoipa::path(get, path = "/compliance/attestations", tag = "compliance", responses((status = 200, body = AttestationList)))]
async fn attestations(State(app): State<App>, peer: Peer) -> Result<axum::Json<AttestationList>, Error> {
    let found = app.cases.attestations(peer.now).await?;
    Ok(axum::Json(AttestationList { items: found.into_iter().map(AttestationBody::from).collect() }))
}

/// Writes an attestation down.
#[utoipa::path(post, path = "/compliance/attestations", tag = "compliance", request_body = AttestationRequest,
    responses((status = 201, body = AttestationBody), (status = 422)))]
async fn attest(
    State(app): State<App>,
    caller: Caller,
    Json(sent): Json<AttestationRequest>,
) -> Result<(StatusCode, axum::Json<AttestationBody>), Error> {
    let AttestationRequest { measure, of, document, organisation, on, until, note } = sent;
    let new = NewAttestation { measure, of, document, organisation, on, until, note };
    let made = app.cases.attest(&caller.actor, new).await?;
    Ok((StatusCode::CREATED, axum::Json(made.into())))
}

/// One attestation, also one that was taken back.
#[utoipa::path(get, path = "/compliance/attestations/{id}", tag = "compliance", params(("id" = String, Path)),
    responses((status = 200, body = AttestationBody), (status = 404)))]
async fn attestation(State(app): State<App>, Path(id): Path) -> Result<axum::Json<AttestationBody>, Error> {
    let found = app.cases.attestation(&id).await?;
    Ok(axum::Json(found.ok_or(Error::Missing("attestation"))?.into()))
}

/// Takes an attestation back. It stays in the audit trail.
#[utoipa::path(delete, path = "/compliance/attestations/{id}", tag = "compliance", params(("id" = String, Path)),
    responses((status = 204), (status = 404)))]
async fn withdraw(State(app): State<App>, caller: Caller, Path(id): Path) -> Result<StatusCode, Error> {
    app.cases.withdraw_attestation(&caller.actor, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

//! `/compliance`: rules of law, assessments, the four-layer board, attestations.

mod attestation;

use crate::App;
use crate::access::Peer;
use crate::error::Error;
use crate::extract::{Query, text};
use axum::extract::State;
use compliance::{Assessed, Assessment, Board, Date, Period, RuleSet};
use event::Time;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(crate) fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(rules))
        .routes(routes!(assessment))
        .routes(routes!(board))
        .merge(attestation::router())
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
    /// `false` leaves the measures of systems and units out and tells what they came to.
    measures: Option<bool>,
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
    if sent.measures == Some(false) {
        found.systems.iter_mut().chain(&mut found.units).for_each(|one| one.measures.clear());
    }
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

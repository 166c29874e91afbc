//! `/compliance/attestations`: what people say was done, with the document that shows it.

use crate::App;
use crate::access::{Caller, Peer};
use crate::error::Error;
use crate::extract::{Json, Path, Query, limit, text};
use axum::extract::State;
use axum::http::StatusCode;
use compliance::{Date, Subject};
use event::Time;
use serde::{Deserialize, Serialize};
use store::cases::{AttestationFilter, KeptAttestation, NewAttestation};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(attestations, attest)).routes(routes!(attestation, withdraw))
}

#[derive(Serialize, ToSchema)]
struct AttestationList {
    items: Vec<AttestationBody>,
    next: Option<String>,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct AttestationQuery {
    /// For this measure.
    measure: Option<String>,
    /// Of systems (`system`), of units (`unit`), or of the province (`province`).
    subject: Option<String>,
    /// Of this system or unit.
    of: Option<String>,
    /// `kept`: those that were not taken back; `all`. `kept` if absent.
    state: Option<String>,
    /// At most so many, 1 to 1000; 100 if absent.
    limit: Option<String>,
    /// `next` of the page before.
    cursor: Option<String>,
}

/// How an attestation stands.
#[derive(Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum AttestationState {
    /// It holds; what a measure asks of its age is the measure's matter.
    Held,
    /// Its last day is over.
    Expired,
    /// It was taken back.
    Withdrawn,
}

/// A person's word that something was done, with its document.
#[derive(Serialize, ToSchema)]
struct AttestationBody {
    id: String,
    measure: String,
    /// system, unit, province.
    #[schema(value_type = String)]
    subject: Subject,
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
    state: AttestationState,
    /// When it was taken back.
    #[schema(value_type = Option<String>, format = DateTime)]
    withdrawn: Option<Time>,
    /// Who took it back.
    withdrawn_by: Option<String>,
}

impl AttestationBody {
    /// As it stands at that moment.
    fn at(now: Time, KeptAttestation { attestation, withdrawn }: KeptAttestation) -> AttestationBody {
        let today = compliance::day_of(now);
        let state = match attestation.until {
            _ if withdrawn.is_some() => AttestationState::Withdrawn,
            Some(until) if until < today => AttestationState::Expired,
            _ => AttestationState::Held,
        };
        let (withdrawn, withdrawn_by) = withdrawn.unzip();
        AttestationBody {
            id: attestation.id,
            measure: attestation.measure,
            subject: attestation.subject,
            of: attestation.of,
            document: attestation.document,
            organisation: attestation.organisation,
            on: attestation.on,
            until: attestation.until,
            note: attestation.note,
            person: attestation.person,
            recorded: attestation.recorded,
            state,
            withdrawn,
            withdrawn_by,
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

/// Attestations, the newest first.
#[utoipa::path(get, path = "/compliance/attestations", tag = "compliance", params(AttestationQuery),
    responses((status = 200, body = AttestationList)))]
async fn attestations(
    State(app): State<App>,
    peer: Peer,
    Query(sent): Query<AttestationQuery>,
) -> Result<axum::Json<AttestationList>, Error> {
    let bad = |why: &str| Error::BadRequest(why.to_owned());
    let subject = match text(sent.subject).as_deref() {
        None => None,
        Some("system") => Some(Subject::System),
        Some("unit") => Some(Subject::Unit),
        Some("province") => Some(Subject::Province),
        Some(_) => return Err(bad("`subject` is system, unit or province")),
    };
    let with_withdrawn = match text(sent.state).as_deref() {
        None | Some("kept") => false,
        Some("all") => true,
        Some(_) => return Err(bad("`state` is kept or all")),
    };
    let after = text(sent.cursor).map(|cursor| {
        let (at, id) = cursor.split_once('.')?;
        Some((Time(at.parse().ok()?), id.to_owned()))
    });
    let after =
        after.map(|after| after.ok_or_else(|| bad("`cursor` is not one of this list"))).transpose()?;
    let filter =
        AttestationFilter { measure: text(sent.measure), subject, of: text(sent.of), with_withdrawn, after };
    let limit = limit(sent.limit.as_deref())?;
    let mut found = app.cases.list_attestations(&filter, limit + 1).await?;
    let more = found.len() > limit as usize;
    found.truncate(limit as usize);
    let place = |last: &KeptAttestation| format!("{}.{}", last.attestation.recorded.0, last.attestation.id);
    let next = found.last().filter(|_| more).map(place);
    let items = found.into_iter().map(|one| AttestationBody::at(peer.now, one)).collect();
    Ok(axum::Json(AttestationList { items, next }))
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
    let attestation = app.cases.attest(&caller.actor, new).await?;
    let made = AttestationBody::at(caller.actor.now, KeptAttestation { attestation, withdrawn: None });
    Ok((StatusCode::CREATED, axum::Json(made)))
}

/// One attestation, also one that was taken back.
#[utoipa::path(get, path = "/compliance/attestations/{id}", tag = "compliance", params(("id" = String, Path)),
    responses((status = 200, body = AttestationBody), (status = 404)))]
async fn attestation(
    State(app): State<App>,
    peer: Peer,
    Path(id): Path,
) -> Result<axum::Json<AttestationBody>, Error> {
    let found = app.cases.attestation(&id).await?.ok_or(Error::Missing("attestation"))?;
    Ok(axum::Json(AttestationBody::at(peer.now, found)))
}

/// Takes an attestation back. It stays in the list of all, and in the audit trail.
#[utoipa::path(delete, path = "/compliance/attestations/{id}", tag = "compliance", params(("id" = String, Path)),
    responses((status = 204), (status = 404)))]
async fn withdraw(State(app): State<App>, caller: Caller, Path(id): Path) -> Result<StatusCode, Error> {
    app.cases.withdraw_attestation(&caller.actor, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

//! `/incidents`: the list, one incident, its changes, comments and evidence.

mod body;
mod reporting;
mod story;

use crate::App;
use crate::access::{Caller, Peer};
use crate::error::Error;
use crate::event::{EventPage, document};
use crate::extract::{self, Json, Path, Query};
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use body::{ChangeRequest, CommentBody, CommentRequest, IncidentDetail, IncidentPage, IncidentSummary};
use event::{EventId, Severity, Status, Time};
use serde::Deserialize;
use std::collections::BTreeSet;
use store::cases::{Detail, Due, Filter, Sort};
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The most events of evidence that are read for one incident: its earliest received.
const EVIDENCE_MAX: usize = 2000;

pub(crate) fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(show, change))
        .routes(routes!(comment))
        .routes(routes!(reporting::classify))
        .routes(routes!(reporting::report))
        .routes(routes!(evidence))
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct ListQuery {
    /// Any of these, parted by commas: new, acknowledged, contained, closed.
    status: Option<String>,
    /// Any of these: informational, low, medium, high, critical.
    severity: Option<String>,
    /// Exactly this unit.
    unit: Option<String>,
    /// Exactly this username; `-` for nobody's.
    assignee: Option<String>,
    /// A part of title, number (`#12`), unit, system or an entity's name.
    q: Option<String>,
    /// Active at this time or later, RFC 3339.
    from: Option<String>,
    /// Active before this time.
    to: Option<String>,
    /// Authorised scans, which page nobody: `false` without them (the default), `true` them alone, `any` both.
    authorised: Option<String>,
    /// Of which a report is owed (`owed`), or late (`overdue`).
    due: Option<String>,
    /// `-last` (the default), `-severity`, `-first`, or `due`: whose report is late first.
    sort: Option<String>,
    /// Incidents of a page, at most 1,000; 100 if absent.
    limit: Option<String>,
    /// `next` of the page before.
    cursor: Option<String>,
}

/// Incidents.
#[utoipa::path(get, path = "/incidents", tag = "incidents", params(ListQuery), responses((status = 200, body = IncidentPage)))]
async fn list(
    State(app): State<App>,
    peer: Peer,
    Query(sent): Query<ListQuery>,
) -> Result<axum::Json<IncidentPage>, Error> {
    let sort = match sent.sort.as_deref().unwrap_or_default() {
        "" | "-last" => Sort::Last,
        "-severity" => Sort::Severity,
        "-first" => Sort::First,
        "due" => Sort::Due,
        _ => return Err(Error::BadRequest("`sort` is -last, -severity, -first or due".to_owned())),
    };
    let assignee = extract::text(sent.assignee);
    let filter = Filter {
        status: extract::words("status", sent.status.as_deref(), Status::by_name)?,
        severity: extract::words("severity", sent.severity.as_deref(), Severity::by_name)?,
        unit: extract::text(sent.unit),
        assignee: assignee.map(|name| if name == "-" { String::new() } else { name }),
        text: extract::text(sent.q),
        from: extract::time("from", sent.from.as_deref())?,
        to: extract::time("to", sent.to.as_deref())?,
        authorised: match sent.authorised.as_deref().unwrap_or_default() {
            "" | "false" => Some(false),
            "true" => Some(true),
            "any" => None,
            _ => return Err(Error::BadRequest("`authorised` is false, true or any".to_owned())),
        },
        due: match sent.due.as_deref().unwrap_or_default() {
            "" => None,
            "owed" => Some(Due::Owed),
            "overdue" => Some(Due::LateAt(peer.now)),
            _ => return Err(Error::BadRequest("`due` is owed or overdue".to_owned())),
        },
    };
    if filter.text.as_ref().is_some_and(|text| text.len() > 500) {
        return Err(Error::BadRequest("`q` has at most 500 bytes".to_owned()));
    }
    let limit = extract::limit(sent.limit.as_deref())?;
    let cursor = extract::text(sent.cursor);
    let page =
        app.cases.incidents(&filter, sort, limit, cursor.as_deref()).await.map_err(|cause| match cause {
            store::cases::Error::Invalid(text) => Error::BadRequest(text),
            other => other.into(),
        })?;
    let items = page.items.into_iter().map(IncidentSummary::from).collect();
    Ok(axum::Json(IncidentPage { items, next: page.next }))
}

/// One incident, with its version as `ETag`; the one that it became part of, if it was merged.
#[utoipa::path(get, path = "/incidents/{id}", tag = "incidents", params(("id" = String, Path)),
    responses((status = 200, body = IncidentDetail), (status = 404)))]
async fn show(State(app): State<App>, peer: Peer, Path(id): Path) -> Result<Response, Error> {
    let detail = app.cases.incident(&id).await?.ok_or(Error::Missing("incident"))?;
    Ok(tagged(&app, detail, peer.now))
}

/// Changes what people say of an incident. `If-Match` is the version that the change is based on.
#[utoipa::path(patch, path = "/incidents/{id}", tag = "incidents",
    params(("id" = String, Path), ("If-Match" = String, Header, description = "the version in quotes: `\"3\"`")),
    request_body = ChangeRequest,
    responses((status = 200, body = IncidentDetail), (status = 404), (status = 412, description = "somebody was faster"),
        (status = 422, description = "closing needs a verdict"), (status = 428, description = "no If-Match")))]
async fn change(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path,
    headers: HeaderMap,
    Json(sent): Json<ChangeRequest>,
) -> Result<Response, Error> {
    let Some(matching) = headers.get(header::IF_MATCH) else {
        let detail = "send the version that you have seen as If-Match".to_owned();
        return Err(Error::Rejected(StatusCode::PRECONDITION_REQUIRED, detail));
    };
    let version = matching.to_str().ok().and_then(|text| text.trim().trim_matches('"').parse::<i64>().ok());
    let version =
        version.ok_or_else(|| Error::BadRequest("If-Match is the version in quotes, as \"3\"".to_owned()))?;
    let detail = app.cases.change_incident(&caller.actor, &id, version, &sent.into()).await?;
    Ok(tagged(&app, detail, caller.actor.now))
}

/// Adds a comment.
#[utoipa::path(post, path = "/incidents/{id}/comments", tag = "incidents", params(("id" = String, Path)),
    request_body = CommentRequest, responses((status = 201, body = CommentBody), (status = 404), (status = 422)))]
async fn comment(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path,
    Json(sent): Json<CommentRequest>,
) -> Result<(StatusCode, axum::Json<CommentBody>), Error> {
    let comment = app.cases.comment(&caller.actor, &id, &sent.text).await?;
    Ok((StatusCode::CREATED, axum::Json(comment.into())))
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct EvidenceQuery {
    /// Events of a page, at most 1,000.
    limit: Option<String>,
    /// `next` of the page before.
    cursor: Option<String>,
}

/// The evidence in order of time: the events that its alerts list, at most the 2,000 received first.
#[utoipa::path(get, path = "/incidents/{id}/events", tag = "incidents", params(("id" = String, Path), EvidenceQuery),
    responses((status = 200, body = EventPage), (status = 404)))]
async fn evidence(
    State(app): State<App>,
    Path(id): Path,
    Query(sent): Query<EvidenceQuery>,
) -> Result<axum::Json<EventPage>, Error> {
    let limit = extract::limit(sent.limit.as_deref())? as usize;
    let detail = app.cases.incident(&id).await?.ok_or(Error::Missing("incident"))?;
    let ids: BTreeSet<EventId> =
        detail.alerts.iter().flat_map(|alert| alert.events.iter().copied()).collect();
    let ids: Vec<EventId> = ids.into_iter().take(EVIDENCE_MAX).collect();
    let mut found = app.events.get(&ids).await?;
    if let Some(cursor) = extract::text(sent.cursor) {
        let after =
            place(&cursor).ok_or_else(|| Error::BadRequest("`cursor` is not one of this list".to_owned()))?;
        found.retain(|event| (event.time().0, event.id()) > after);
    }
    let more = found.len() > limit;
    found.truncate(limit);
    let next = found.last().filter(|_| more).map(|event| format!("{}.{}", event.time().0, event.id()));
    let items = found.iter().map(document).collect::<Result<_, _>>()?;
    Ok(axum::Json(EventPage { items, next }))
}

fn place(cursor: &str) -> Option<(i64, EventId)> {
    let (time, id) = cursor.split_once('.')?;
    Some((time.parse().ok()?, id.parse().ok()?))
}

fn tagged(app: &App, detail: Detail, now: Time) -> Response {
    let tag = HeaderValue::try_from(format!("\"{}\"", detail.summary.version));
    let mut response = axum::Json(IncidentDetail::of(detail, app.cases.rule_sets(), now)).into_response();
    if let Ok(tag) = tag {
        response.headers_mut().insert(header::ETAG, tag);
    }
    response
}

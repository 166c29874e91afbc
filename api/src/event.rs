//! `/events`: search, count, histogram, one event.

use crate::App;
use crate::access::Peer;
use crate::error::Error;
use crate::extract::{self, Path, Query};
use axum::extract::State;
use event::{Event, EventId, Time};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use store::events::Search;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(crate) fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(count))
        .routes(routes!(histogram))
        .routes(routes!(show))
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct Range {
    /// The first moment, RFC 3339.
    from: Option<String>,
    /// The moment after the last.
    to: Option<String>,
    /// `field:value`, `field:val*`, `field:>=10`, `ip_field:10.0.0.0/8`, `-term`, bare words; all must hold.
    q: Option<String>,
    /// List: events of a page, at most 1,000.
    limit: Option<String>,
    /// List: `next` of the page before.
    cursor: Option<String>,
    /// Histogram: bars, at most 500.
    buckets: Option<String>,
}

impl Range {
    fn times(&self, default: (Time, Time)) -> Result<(Time, Time), Error> {
        let from = extract::time("from", self.from.as_deref())?.unwrap_or(default.0);
        let to = extract::time("to", self.to.as_deref())?.unwrap_or(default.1);
        Ok((from, to))
    }

    fn query(&self) -> Result<store::query::Query, Error> {
        let parsed = store::query::Query::parse(self.q.as_deref().unwrap_or_default());
        parsed.map_err(|cause| Error::Events(cause.into()))
    }
}

/// All of time: a device's clock may run ahead, so not until now.
const ALWAYS: (Time, Time) = (Time(0), Time(32_503_680_000_000));

/// A page of events, newest first.
#[derive(Serialize, ToSchema)]
pub(crate) struct EventPage {
    /// ECS documents.
    #[schema(value_type = Vec<Object>)]
    pub(crate) items: Vec<Box<RawValue>>,
    pub(crate) next: Option<String>,
}

#[derive(Serialize, ToSchema)]
struct Count {
    count: u64,
}

/// Events in one stretch of time.
#[derive(Serialize, ToSchema)]
pub(crate) struct Bucket {
    #[schema(value_type = String, format = DateTime)]
    pub(crate) time: Time,
    pub(crate) count: u64,
}

#[derive(Serialize, ToSchema)]
struct Histogram {
    /// The length of a stretch; one of an hour or longer begins with the hour.
    step_s: u64,
    items: Vec<Bucket>,
}

/// An event as it goes out.
pub(crate) fn document(event: &Event) -> Result<Box<RawValue>, Error> {
    RawValue::from_string(event.to_json()).map_err(|cause| Error::Events(cause.into()))
}

/// Events, newest first.
#[utoipa::path(get, path = "/events", tag = "events", params(Range),
    responses((status = 200, body = EventPage), (status = 400, description = "`q` is wrong; the position is named")))]
async fn list(State(app): State<App>, Query(range): Query<Range>) -> Result<axum::Json<EventPage>, Error> {
    let (from, to) = range.times(ALWAYS)?;
    let limit = extract::limit(range.limit.as_deref())? as usize;
    let query = range.query()?;
    let cursor = extract::text(range.cursor);
    let page = app.events.search(&Search { from, to, query, limit, cursor }).await?;
    let items = page.items.iter().map(document).collect::<Result<_, _>>()?;
    Ok(axum::Json(EventPage { items, next: page.next }))
}

/// How many events.
#[utoipa::path(get, path = "/events/count", tag = "events", params(Range), responses((status = 200, body = Count)))]
async fn count(State(app): State<App>, Query(range): Query<Range>) -> Result<axum::Json<Count>, Error> {
    let (from, to) = range.times(ALWAYS)?;
    Ok(axum::Json(Count { count: app.events.count(from, to, &range.query()?).await? }))
}

/// Events over time; the last 24 hours if no range is given.
#[utoipa::path(get, path = "/events/histogram", tag = "events", params(Range), responses((status = 200, body = Histogram)))]
async fn histogram(
    State(app): State<App>,
    peer: Peer,
    Query(range): Query<Range>,
) -> Result<axum::Json<Histogram>, Error> {
    let (from, to) = range.times((peer.now.plus_ms(-86_400_000), peer.now))?;
    let buckets = extract::number("buckets", range.buckets.as_deref(), 60, 500)?;
    let (step_s, items) = app.events.histogram(from, to, &range.query()?, buckets).await?;
    let items = items.into_iter().map(|bar| Bucket { time: bar.time, count: bar.count }).collect();
    Ok(axum::Json(Histogram { step_s, items }))
}

/// One event.
#[utoipa::path(get, path = "/events/{id}", tag = "events", params(("id" = String, Path)),
    responses((status = 200, body = Object), (status = 404)))]
async fn show(State(app): State<App>, Path(id): Path) -> Result<axum::Json<Box<RawValue>>, Error> {
    let id: EventId = id.parse().map_err(|_| Error::Missing("event"))?;
    let found = app.events.get(&[id]).await?;
    Ok(axum::Json(document(found.first().ok_or(Error::Missing("event"))?)?))
}

//! `/overview`: what a watch officer sees first.

use crate::App;
use crate::access::Peer;
use crate::error::Error;
use crate::event::Bucket;
use crate::extract::{self, Query};
use axum::extract::State;
use event::{Severity, Time};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(crate) fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(show))
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct Range {
    /// The first moment, RFC 3339; 24 hours ago if absent.
    from: Option<String>,
    /// The moment after the last; now if absent.
    to: Option<String>,
}

#[derive(Serialize, ToSchema)]
struct Overview {
    events_total: u64,
    /// Over longer ranges, the average of each stretch.
    events_per_minute: Vec<Bucket>,
    incidents_open: u64,
    /// Incidents of which a report is owed.
    reports_owed: u64,
    /// Those whose report is late.
    reports_overdue: u64,
    incidents_by_severity: BySeverity,
    top_sources: Vec<TopSource>,
    silent_sources: Vec<SilentSource>,
    sources_total: u64,
    by_category: Vec<CategoryCount>,
}

/// Open incidents.
#[derive(Default, Serialize, ToSchema)]
struct BySeverity {
    critical: u64,
    high: u64,
    medium: u64,
    low: u64,
    informational: u64,
}

#[derive(Serialize, ToSchema)]
struct TopSource {
    address: String,
    count: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    country: Option<String>,
}

#[derive(Serialize, ToSchema)]
struct SilentSource {
    source: String,
    #[schema(value_type = String, format = DateTime)]
    last_seen: Time,
    silent_s: u64,
}

#[derive(Serialize, ToSchema)]
struct CategoryCount {
    category: String,
    count: u64,
}

/// The figures of a range, and the open incidents as of now.
#[utoipa::path(get, path = "/overview", tag = "overview", params(Range), responses((status = 200, body = Overview)))]
async fn show(
    State(app): State<App>,
    peer: Peer,
    Query(range): Query<Range>,
) -> Result<axum::Json<Overview>, Error> {
    let to = extract::time("to", range.to.as_deref())?.unwrap_or(peer.now);
    let from = extract::time("from", range.from.as_deref())?.unwrap_or(to.plus_ms(-86_400_000));
    let any = store::query::Query::default();
    let minutes = to.0.saturating_sub(from.0).max(0) / 60_000;
    let buckets = u32::try_from(minutes).unwrap_or(u32::MAX).clamp(1, 500);
    let ((step_s, bars), tops, categories) = tokio::try_join!(
        app.events.histogram(from, to, &any, buckets),
        app.events.top_sources(from, to, &any, 10),
        app.events.by_category(from, to, &any),
    )?;
    let mut by_severity = BySeverity::default();
    for (severity, count) in app.cases.open_by_severity().await? {
        match severity {
            Severity::Critical => by_severity.critical = count,
            Severity::High => by_severity.high = count,
            Severity::Medium => by_severity.medium = count,
            Severity::Low => by_severity.low = count,
            Severity::Informational => by_severity.informational = count,
        }
    }
    let open = &by_severity;
    let incidents_open = open.critical + open.high + open.medium + open.low + open.informational;
    let (reports_owed, reports_overdue) = app.cases.reports_owed(peer.now).await?;
    let ledger = (app.ledger)();
    let sources_total = ledger.len() as u64;
    let silent = ledger.into_iter().filter(|line| line.silent).map(|line| SilentSource {
        silent_s: (peer.now.0 - line.last_seen.0).max(0).unsigned_abs() / 1000,
        source: line.source,
        last_seen: line.last_seen,
    });
    let per_minute = |count: u64| count.saturating_mul(60).div_ceil(step_s.max(1));
    Ok(axum::Json(Overview {
        events_total: bars.iter().map(|bar| bar.count).sum(),
        events_per_minute: bars
            .iter()
            .map(|bar| Bucket { time: bar.time, count: per_minute(bar.count) })
            .collect(),
        incidents_open,
        reports_owed,
        reports_overdue,
        incidents_by_severity: by_severity,
        top_sources: tops
            .into_iter()
            .map(|top| TopSource { address: top.address.to_string(), count: top.count, country: top.country })
            .collect(),
        silent_sources: silent.collect(),
        sources_total,
        by_category: categories
            .into_iter()
            .map(|found| CategoryCount { category: found.category, count: found.count })
            .collect(),
    }))
}

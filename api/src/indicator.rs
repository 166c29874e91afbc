//! `/indicators`: what others warn of, as it is looked for in every event.

use crate::App;
use crate::error::Error;
use crate::extract::{Query, limit};
use axum::extract::State;
use event::{Indicator, IndicatorKind, Time};
use serde::{Deserialize, Serialize};
use store::cases::{IndicatorFilter, IndicatorPlace};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(crate) fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(indicators)).routes(routes!(sources))
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct IndicatorQuery {
    /// In the value, without regard to case.
    q: Option<String>,
    /// address, domain, url, md5, sha1, sha256, sha512.
    kind: Option<String>,
    /// Who warns.
    source: Option<String>,
    /// At most so many, 1 to 1000; 100 if absent.
    limit: Option<String>,
    /// The place where the page before ended: its `next`.
    after: Option<String>,
}

/// A value that somebody warns of.
#[derive(Serialize, ToSchema)]
struct IndicatorBody {
    /// Its id among those who exchange it.
    id: String,
    kind: &'static str,
    value: String,
    name: String,
    source: String,
    /// How sure they are, 0 to 100.
    #[serde(skip_serializing_if = "Option::is_none")]
    confidence: Option<u8>,
    tlp: &'static str,
    #[schema(value_type = String)]
    valid_from: Time,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    valid_until: Option<Time>,
}

#[derive(Serialize, ToSchema)]
struct IndicatorPage {
    items: Vec<IndicatorBody>,
    /// The next page's `after`; null after the last.
    next: Option<String>,
}

/// How many one source gave.
#[derive(Serialize, ToSchema)]
struct SourceBody {
    source: String,
    count: u64,
    /// How many of them no longer hold.
    expired: u64,
}

#[derive(Serialize, ToSchema)]
struct SourceCounts {
    items: Vec<SourceBody>,
}

impl From<Indicator> for IndicatorBody {
    fn from(one: Indicator) -> IndicatorBody {
        IndicatorBody {
            id: one.id,
            kind: one.kind.name(),
            value: one.value,
            name: one.name,
            source: one.source,
            confidence: one.confidence,
            tlp: one.tlp.name(),
            valid_from: one.valid_from,
            valid_until: one.valid_until,
        }
    }
}

/// Indicators by value.
#[utoipa::path(get, path = "/indicators", tag = "indicators", params(IndicatorQuery),
    responses((status = 200, body = IndicatorPage), (status = 400)))]
async fn indicators(
    State(app): State<App>,
    Query(query): Query<IndicatorQuery>,
) -> Result<axum::Json<IndicatorPage>, Error> {
    let bad = |why: &str| Error::BadRequest(why.to_owned());
    let filter = IndicatorFilter {
        text: query.q.unwrap_or_default(),
        kind: query.kind.unwrap_or_default(),
        source: query.source.unwrap_or_default(),
    };
    if !filter.kind.is_empty() && IndicatorKind::by_name(&filter.kind).is_none() {
        return Err(bad("`kind` is address, domain, url, md5, sha1, sha256 or sha512"));
    }
    let limit = limit(query.limit.as_deref())?;
    let after = query.after.filter(|after| !after.is_empty());
    let after: Option<IndicatorPlace> = after
        .map(|after| serde_json::from_str(&after).map_err(|_| bad("`after` is not a `next` of this list")))
        .transpose()?;
    let (found, next) = app.cases.find_indicators(&filter, after.as_ref(), limit).await?;
    let next = next.and_then(|next| serde_json::to_string(&next).ok());
    Ok(axum::Json(IndicatorPage { items: found.into_iter().map(IndicatorBody::from).collect(), next }))
}

/// How many indicators each source gave, and how many of them no longer hold.
#[utoipa::path(get, path = "/indicators/sources", tag = "indicators", responses((status = 200, body = SourceCounts)))]
async fn sources(State(app): State<App>) -> Result<axum::Json<SourceCounts>, Error> {
    let counted = app.cases.indicator_sources((app.clock)()).await?;
    let items = counted.into_iter().map(|one| SourceBody {
        source: one.source,
        count: one.count,
        expired: one.expired,
    });
    Ok(axum::Json(SourceCounts { items: items.collect() }))
}

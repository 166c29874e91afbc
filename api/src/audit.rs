//! `/audit`: who did what, for those who oversee it.

use crate::App;
use crate::error::Error;
use crate::extract::{self, Query};
use axum::extract::State;
use event::Time;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(crate) fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list))
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct ListQuery {
    /// Entries of a page, at most 1,000.
    limit: Option<String>,
    /// `next` of the page before.
    cursor: Option<String>,
}

#[derive(Serialize, ToSchema)]
struct AuditEntry {
    seq: i64,
    #[schema(value_type = String, format = DateTime)]
    time: Time,
    actor: String,
    address: String,
    action: String,
    target: String,
    /// done, denied.
    result: String,
    detail: String,
}

#[derive(Serialize, ToSchema)]
struct AuditPage {
    items: Vec<AuditEntry>,
    next: Option<String>,
}

/// The audit trail, newest first. `haidang audit verify` checks its chain.
#[utoipa::path(get, path = "/audit", tag = "audit", params(ListQuery), responses((status = 200, body = AuditPage)))]
async fn list(State(app): State<App>, Query(sent): Query<ListQuery>) -> Result<axum::Json<AuditPage>, Error> {
    let limit = extract::limit(sent.limit.as_deref())?;
    let before = extract::text(sent.cursor).map(|cursor| cursor.parse::<i64>()).transpose();
    let before = before.map_err(|_| Error::BadRequest("`cursor` is not one of this list".to_owned()))?;
    let records = app.cases.audit_entries(before, limit).await?;
    let full = records.len() == limit as usize;
    let next = records.last().filter(|last| full && last.seq > 1).map(|last| last.seq.to_string());
    let items = records.into_iter().map(|record| AuditEntry {
        seq: record.seq,
        time: record.time,
        actor: record.actor,
        address: record.address,
        action: record.action,
        target: record.target,
        result: record.result,
        detail: record.detail,
    });
    Ok(axum::Json(AuditPage { items: items.collect(), next }))
}

//! `/sources`: the loss ledger. For each source, `received = stored + rejected + spooled`.

use crate::App;
use axum::extract::State;
use event::Time;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(crate) fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list))
}

/// One source's line of the ledger.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct SourceLedger {
    /// The sending device.
    pub source: String,
    /// How its lines come.
    pub transport: String,
    /// When its last line came.
    #[schema(value_type = String, format = DateTime)]
    pub last_seen: Time,
    /// Lines taken in.
    pub received: u64,
    /// Events in the store.
    pub stored: u64,
    /// Lines refused, with a reason in the metrics.
    pub rejected: u64,
    /// Lines durable and not yet stored.
    pub spooled: u64,
    /// Quiet for longer than is usual for it.
    pub silent: bool,
}

#[derive(Serialize, ToSchema)]
struct SourceList {
    items: Vec<SourceLedger>,
    next: Option<String>,
}

/// Every source and what became of its lines.
#[utoipa::path(get, path = "/sources", tag = "sources", responses((status = 200, body = SourceList)))]
async fn list(State(app): State<App>) -> axum::Json<SourceList> {
    axum::Json(SourceList { items: (app.ledger)(), next: None })
}

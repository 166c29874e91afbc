//! `/rules`: what is looked for.

use crate::App;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(crate) fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list))
}

/// A rule in force.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct RuleInfo {
    /// Its id.
    pub id: String,
    /// Its English title.
    pub title: String,
    /// Its Vietnamese title.
    pub title_vi: String,
    /// informational, low, medium, high, critical.
    #[schema(value_type = String)]
    pub level: event::Severity,
    /// The folder that it is kept in: `endpoint`, `network`.
    pub layer: String,
    /// Sigma's status: `stable`, `test`, `experimental`.
    pub status: String,
    /// `detection` or `correlation`.
    pub kind: &'static str,
    /// ATT&CK tags.
    pub tags: Vec<String>,
    /// Its matches of the last 24 hours, if they were counted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub matches_24h: Option<u64>,
}

#[derive(Serialize, ToSchema)]
struct RuleList {
    items: Vec<RuleInfo>,
    next: Option<String>,
}

/// The rules in force.
#[utoipa::path(get, path = "/rules", tag = "rules", responses((status = 200, body = RuleList)))]
async fn list(State(app): State<App>) -> axum::Json<RuleList> {
    axum::Json(RuleList { items: (app.rules)(), next: None })
}

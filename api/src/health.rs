//! `/healthz`, `/readyz`, `/metrics`: for what watches the process.

use crate::access::Peer;
use crate::{App, Check};
use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use serde::Serialize;
use std::sync::Arc;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(crate) fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(alive)).routes(routes!(ready)).routes(routes!(metrics))
}

/// The process answers.
#[utoipa::path(get, path = "/healthz", tag = "health", responses((status = 200, body = String)))]
async fn alive() -> &'static str {
    "ok"
}

#[derive(Serialize, ToSchema)]
struct Readiness {
    ready: bool,
    checks: Vec<Check>,
}

/// Whether every part works.
#[utoipa::path(get, path = "/readyz", tag = "health",
    responses((status = 200, body = Readiness), (status = 503, body = Readiness)))]
async fn ready(State(app): State<App>) -> (StatusCode, axum::Json<Readiness>) {
    let mut checks = (app.ready)();
    let cases = app.cases.ping().await;
    if let Err(cause) = &cases {
        tracing::warn!(%cause, "the cases' store is not ready");
    }
    let detail = if cases.is_ok() { "" } else { "the database does not answer" };
    checks.push(Check { name: "cases".to_owned(), ready: cases.is_ok(), detail: detail.to_owned() });
    readiness(checks)
}

fn readiness(checks: Vec<Check>) -> (StatusCode, axum::Json<Readiness>) {
    let ready = checks.iter().all(|check| check.ready);
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, axum::Json(Readiness { ready, checks }))
}

/// Figures in Prometheus' text format: from this machine, or with a credential.
#[utoipa::path(get, path = "/metrics", tag = "health", responses((status = 200, body = String, content_type = "text/plain")))]
async fn metrics(State(app): State<App>, peer: Peer) -> Response {
    let reports = app.cases.reports_owed(peer.now).await.ok();
    figures(&app.metrics, reports.map(|(owed, overdue)| Reports { owed, overdue }))
}

fn figures(write: &Figures, reports: Option<Reports>) -> Response {
    let mut text = String::new();
    write(reports, &mut text);
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text).into_response()
}

/// Reports to the authority that incidents owe.
#[derive(Clone, Copy, Debug)]
pub struct Reports {
    /// How many.
    pub owed: u64,
    /// Those of them that are late.
    pub overdue: u64,
}

/// Appends metrics in Prometheus' text format; reports are given by a process that has cases which answer.
pub type Figures = Arc<dyn Fn(Option<Reports>, &mut String) + Send + Sync>;

/// What a process says that has no API: `/healthz`, `/readyz` and `/metrics` for whoever reaches its listener, nothing else.
pub fn health(ready: Arc<dyn Fn() -> Vec<Check> + Send + Sync>, metrics: Figures) -> Router {
    Router::new()
        .route("/healthz", get(alive))
        .route("/readyz", get(move || std::future::ready(readiness(ready()))))
        .route("/metrics", get(move || std::future::ready(figures(&metrics, None))))
}

//! `/healthz`, `/readyz`, `/metrics`: for what watches the process.

use crate::access::Peer;
use crate::{App, Check};
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use serde::Serialize;
use std::fmt::Write as _;
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
    let ready = checks.iter().all(|check| check.ready);
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, axum::Json(Readiness { ready, checks }))
}

/// Figures in Prometheus' text format: from this machine, or with a credential.
#[utoipa::path(get, path = "/metrics", tag = "health", responses((status = 200, body = String, content_type = "text/plain")))]
async fn metrics(State(app): State<App>, peer: Peer) -> Response {
    let mut text = String::new();
    (app.metrics)(&mut text);
    if let Ok((owed, overdue)) = app.cases.reports_owed(peer.now).await {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "# TYPE haidang_reports_owed gauge\nhaidang_reports_owed {owed}");
        let _ = writeln!(text, "# TYPE haidang_reports_overdue gauge\nhaidang_reports_overdue {overdue}");
    }
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text).into_response()
}

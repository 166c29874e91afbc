//! What holds for every answer: limits in front, security headers behind.

use crate::App;
use crate::error::Error;
use axum::Router;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::{HeaderName, HeaderValue, header};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;

/// No inline script or style and no outside host: log content that slips through as HTML can do nothing.
const HEADERS: [(HeaderName, HeaderValue); 6] = [
    (
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
             font-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'",
        ),
    ),
    (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
    (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    (HeaderName::from_static("cross-origin-opener-policy"), HeaderValue::from_static("same-origin")),
    (HeaderName::from_static("cross-origin-resource-policy"), HeaderValue::from_static("same-origin")),
];

#[derive(Clone)]
struct Limits {
    at_once: Arc<Semaphore>,
    longest: Duration,
}

pub(crate) fn around(routes: Router<App>, app: &App) -> Router<App> {
    let limits = Limits {
        at_once: Arc::new(Semaphore::new(app.config.requests_at_once_max.max(1))),
        longest: Duration::from_secs(app.config.request_s_max.max(1)),
    };
    routes
        .layer(DefaultBodyLimit::max(app.config.body_bytes_max))
        .layer(from_fn_with_state(limits, limit))
        .layer(from_fn_with_state(Arc::clone(app), strict_transport))
        .layer(from_fn(harden))
}

async fn limit(State(limits): State<Limits>, request: Request, next: Next) -> Response {
    // Health answers under any load: it is asked by what decides on a restart.
    if request.uri().path() == "/healthz" {
        return next.run(request).await;
    }
    let Ok(_turn) = limits.at_once.try_acquire() else { return Error::Overloaded.into_response() };
    match tokio::time::timeout(limits.longest, next.run(request)).await {
        Ok(response) => response,
        Err(_) => Error::TooSlow.into_response(),
    }
}

async fn harden(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    for (name, value) in HEADERS {
        headers.insert(name, value);
    }
    // What a signed-in person saw is not to be found on the disk afterwards.
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

async fn strict_transport(State(app): State<App>, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    if app.config.tls {
        let value = HeaderValue::from_static("max-age=31536000");
        response.headers_mut().insert(header::STRICT_TRANSPORT_SECURITY, value);
    }
    response
}

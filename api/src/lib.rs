//! The HTTP API: one file per resource, its routes and handlers together; who may do what is in `access.rs` alone.
//!
//! Invariants: a route without a line in the table of `access.rs` answers nobody; an error's cause is logged and never
//! shown; a change writes the audit trail in the same transaction (the store does) or not at all.

#![allow(unused_qualifications)] // `utoipa::path` writes the parameters' types with a path of its own

mod access;
mod audit;
mod compliance;
mod dashboards;
mod document;
mod error;
mod event;
mod exchange;
mod extract;
mod guard;
mod health;
mod incident;
mod indicator;
mod overview;
mod registry;
mod release;
mod report;
mod rule;
mod session;
mod source;
mod taxii;
mod token;
mod user;
mod warning;

pub use document::openapi;
pub use health::{Figures, Reports, health};
pub use release::{ReleaseError, Released, let_out};
pub use report::{Document, DocumentError, Documents, Format, period};
pub use rule::RuleInfo;
pub use source::SourceLedger;
pub use warning::{Incoming, TakenIn, WarningError, take_in};

use ::event::Time;
use axum::Router;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use store::cases::Cases;
use store::events::Events;
use utoipa_axum::router::OpenApiRouter;

/// The limits and manners of the API.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The largest request body; beyond it 413.
    pub body_bytes_max: usize,
    /// The longest that a request may take, its body's arrival included; beyond it 503.
    pub request_s_max: u64,
    /// Requests under way at once; beyond it 503 with `Retry-After`.
    pub requests_at_once_max: usize,
    /// Whether browsers reach the API over TLS (its own or a proxy's): the cookie is `Secure` then.
    pub tls: bool,
    /// Other origins than the request's own `Host` from which browsers may send changes: the outer name of a proxy
    /// that rewrites `Host`, as `https://soc.example.vn`.
    pub origins: Vec<String>,
    /// Whether `/metrics` answers a peer on loopback without a credential (a local Prometheus). Never one whose request
    /// went through a proxy.
    pub metrics_on_loopback: bool,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            body_bytes_max: 1024 * 1024,
            request_s_max: 30,
            requests_at_once_max: 256,
            tls: false,
            origins: Vec::new(),
            metrics_on_loopback: true,
        }
    }
}

/// What `/readyz` says of one part.
#[derive(Clone, Debug, serde::Serialize, utoipa::ToSchema)]
pub struct Check {
    /// The part: `cases`, `events`, `spool`.
    pub name: String,
    /// Whether it works.
    pub ready: bool,
    /// More about it; never a secret, for anyone may ask.
    pub detail: String,
}

/// What the API stands on.
#[derive(Clone)]
pub struct State {
    /// Events in ClickHouse.
    pub events: Events,
    /// Cases in SQL.
    pub cases: Cases,
    /// The rules in force.
    pub rules: Arc<dyn Fn() -> Vec<RuleInfo> + Send + Sync>,
    /// The loss ledger, one line per source.
    pub ledger: Arc<dyn Fn() -> Vec<SourceLedger> + Send + Sync>,
    /// Appends the other crates' metrics in Prometheus' text format.
    pub metrics: Figures,
    /// The checks of `/readyz` besides the two stores.
    pub ready: Arc<dyn Fn() -> Vec<Check> + Send + Sync>,
    /// The time.
    pub clock: Arc<dyn Fn() -> Time + Send + Sync>,
    /// Who we are to others and what they may have of us.
    pub exchange: ::exchange::Config,
    /// Who issues documents.
    pub report: ::report::Config,
    /// Limits and manners.
    pub config: Config,
}

pub(crate) type App = Arc<State>;

/// The routes under /api/v1.
fn resources() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .merge(audit::router())
        .merge(self::compliance::router())
        .merge(event::router())
        .merge(incident::router())
        .merge(indicator::router())
        .merge(overview::router())
        .merge(self::registry::router())
        .merge(self::exchange::router())
        .merge(release::router())
        .merge(self::report::router())
        .merge(rule::router())
        .merge(session::router())
        .merge(source::router())
        .merge(token::router())
        .merge(user::router())
        .merge(warning::router())
}

/// Everything that is answered: the API, its document, health, metrics, the dashboards.
pub fn router(state: State) -> Router {
    let app: App = Arc::new(state);
    let (routes, _) =
        OpenApiRouter::new().nest("/api/v1", resources()).merge(health::router()).split_for_parts();
    let routes = routes
        .merge(document::router())
        .merge(taxii::router(&app))
        .layer(axum::middleware::from_fn_with_state(Arc::clone(&app), access::enforce))
        .method_not_allowed_fallback(error::method_not_allowed)
        .fallback(dashboards::serve);
    guard::around(routes, &app).layer(axum::middleware::from_fn(taxii::shape)).with_state(app)
}

/// Serves `router` until `shutdown`, then lets what is under way finish.
///
/// # Errors
/// The listener failed.
pub async fn serve(
    listener: tokio::net::TcpListener,
    router: Router,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    axum::serve(listener, service).with_graceful_shutdown(shutdown).await
}

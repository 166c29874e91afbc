//! Who may do what: one table, enforced once, in front of every route. What is not in the table answers nobody.

use crate::App;
use crate::error::Error;
use axum::extract::{ConnectInfo, FromRequestParts, MatchedPath, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, header};
use axum::middleware::Next;
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use event::Time;
use std::net::SocketAddr;
use store::cases::{Actor, Role, User};
use subtle::ConstantTimeEq as _;

/// What a route asks of the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    /// Nothing.
    Public,
    /// To sit at this machine, or a credential.
    Metrics,
    /// A credential, even one whose password must be changed first.
    Known,
    /// A person's session, even one whose password must be changed first.
    Session,
    /// A person's session: a token may not make tokens.
    Person,
    /// Any role, another organisation's too.
    Exchange,
    /// Any role of our own.
    Read,
    /// Responder or admin.
    Handle,
    /// Auditor or admin.
    Audit,
    /// Admin.
    Administer,
}

use Access::{Administer, Audit, Exchange, Handle, Known, Metrics, Person, Public, Read, Session};

/// Every route there is.
pub(crate) const TABLE: &[(&str, &str, Access)] = &[
    ("GET", "/healthz", Public),
    ("GET", "/readyz", Public),
    ("GET", "/metrics", Metrics),
    ("GET", "/api/openapi.json", Public),
    ("GET", "/api/docs", Public),
    ("GET", "/api/docs/page.js", Public),
    ("GET", "/api/docs/page.css", Public),
    ("POST", "/api/v1/session", Public),
    ("GET", "/api/v1/session", Known),
    ("DELETE", "/api/v1/session", Session),
    ("PATCH", "/api/v1/session", Session),
    ("PUT", "/api/v1/session/password", Session),
    ("GET", "/api/v1/users", Read),
    ("POST", "/api/v1/users", Administer),
    ("PATCH", "/api/v1/users/{id}", Administer),
    ("GET", "/api/v1/tokens", Read),
    ("POST", "/api/v1/tokens", Person),
    ("DELETE", "/api/v1/tokens/{id}", Person),
    ("GET", "/api/v1/overview", Read),
    ("GET", "/api/v1/sources", Read),
    ("GET", "/api/v1/events", Read),
    ("GET", "/api/v1/events/count", Read),
    ("GET", "/api/v1/events/histogram", Read),
    ("GET", "/api/v1/events/{id}", Read),
    ("GET", "/api/v1/incidents", Read),
    ("GET", "/api/v1/incidents/{id}", Read),
    ("PATCH", "/api/v1/incidents/{id}", Handle),
    ("POST", "/api/v1/incidents/{id}/comments", Handle),
    ("POST", "/api/v1/incidents/{id}/release", Handle),
    ("GET", "/api/v1/incidents/{id}/releases", Read),
    ("PUT", "/api/v1/incidents/{id}/class", Handle),
    ("POST", "/api/v1/incidents/{id}/reports", Handle),
    ("GET", "/api/v1/incidents/{id}/events", Read),
    ("GET", "/api/v1/exchange", Read),
    ("GET", "/api/v1/exchange/deliveries", Read),
    ("POST", "/api/v1/exchange/deliveries/{id}/retry", Handle),
    ("GET", "/api/v1/indicators", Read),
    ("GET", "/api/v1/indicators/sources", Read),
    ("GET", "/api/v1/incidents/{id}/report", Read),
    ("GET", "/api/v1/incidents/{id}/particulars", Read),
    ("PUT", "/api/v1/incidents/{id}/particulars", Handle),
    ("GET", "/api/v1/reports/bulletin", Read),
    ("GET", "/api/v1/reports/compliance", Read),
    ("GET", "/api/v1/rules", Read),
    ("GET", "/api/v1/registry/export", Read),
    ("POST", "/api/v1/registry/import", Administer),
    ("GET", "/api/v1/registry/{kind}", Read),
    ("GET", "/api/v1/registry/{kind}/{id}", Read),
    ("PUT", "/api/v1/registry/{kind}/{id}", Administer),
    ("DELETE", "/api/v1/registry/{kind}/{id}", Administer),
    ("GET", "/api/v1/warnings", Read),
    ("POST", "/api/v1/warnings", Handle),
    ("POST", "/api/v1/warnings/{incident}/tasks/{unit}", Handle),
    ("GET", "/api/v1/compliance/rules", Read),
    ("GET", "/api/v1/compliance/assessment", Read),
    ("GET", "/api/v1/compliance/board", Read),
    ("GET", "/api/v1/compliance/attestations", Read),
    ("POST", "/api/v1/compliance/attestations", Handle),
    ("GET", "/api/v1/compliance/attestations/{id}", Read),
    ("DELETE", "/api/v1/compliance/attestations/{id}", Handle),
    ("GET", "/api/v1/audit", Audit),
    // Which collections, and which colours of them, is decided for each user in `taxii/right.rs`.
    ("GET", "/taxii2/", Exchange),
    ("GET", "/taxii2/exchange/", Exchange),
    ("GET", "/taxii2/exchange/status/{id}/", Exchange),
    ("GET", "/taxii2/exchange/collections/", Exchange),
    ("GET", "/taxii2/exchange/collections/{id}/", Exchange),
    ("GET", "/taxii2/exchange/collections/{id}/manifest/", Exchange),
    ("GET", "/taxii2/exchange/collections/{id}/objects/", Exchange),
    ("POST", "/taxii2/exchange/collections/{id}/objects/", Exchange),
    ("GET", "/taxii2/exchange/collections/{id}/objects/{object}/", Exchange),
    ("DELETE", "/taxii2/exchange/collections/{id}/objects/{object}/", Exchange),
    ("GET", "/taxii2/exchange/collections/{id}/objects/{object}/versions/", Exchange),
    ("GET", "/taxii2/{*rest}", Exchange),
    ("POST", "/taxii2/{*rest}", Exchange),
    ("DELETE", "/taxii2/{*rest}", Exchange),
];

/// The cookie that holds a session's token.
pub(crate) const COOKIE: &str = "haidang_session";

/// Who calls, where a route asks for somebody.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    pub(crate) user: User,
    /// The session's token and its CSRF value; none for an API token.
    pub(crate) session: Option<(String, String)>,
    pub(crate) actor: Actor,
}

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = Error;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Error> {
        parts.extensions.get::<Caller>().cloned().ok_or(Error::SignInFirst)
    }
}

/// The peer's address and the time, for a route without a caller.
#[derive(Clone, Debug)]
pub(crate) struct Peer {
    pub(crate) address: String,
    pub(crate) now: Time,
}

impl<S: Send + Sync> FromRequestParts<S> for Peer {
    type Rejection = Error;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Error> {
        parts.extensions.get::<Peer>().cloned().ok_or(Error::NoAccessRule)
    }
}

fn rule(method: &Method, path: &str) -> Option<Access> {
    let method = if method == Method::HEAD { "GET" } else { method.as_str() };
    TABLE.iter().find(|line| line.0 == method && is_of(line.1, path)).map(|line| line.2)
}

/// Whether the line is of this route. A route of TAXII's is served without its last slash too.
fn is_of(line: &str, path: &str) -> bool {
    line == path || (is_taxii(line) && line.strip_suffix('/') == Some(path))
}

fn is_taxii(path: &str) -> bool {
    path.starts_with("/taxii2")
}

/// Stands in front of every route.
pub(crate) async fn enforce(
    State(app): State<App>,
    path: MatchedPath,
    mut request: Request,
    next: Next,
) -> Result<Response, Error> {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip().to_canonical());
    let now = (app.clock)();
    let address = peer.map(|ip| ip.to_string()).unwrap_or_default();
    request.extensions_mut().insert(Peer { address: address.clone(), now });
    let Some(access) = rule(request.method(), path.as_str()) else {
        // Also where a method is not taken: no handler runs for it, and the answer is the same for everyone.
        let known = TABLE.iter().any(|line| is_of(line.1, path.as_str()));
        return if known { Ok(next.run(request).await) } else { Err(Error::NoAccessRule) };
    };
    let changes = !matches!(*request.method(), Method::GET | Method::HEAD);
    if changes && !same_origin(request.headers(), &app.config.origins) {
        return Err(Error::Forbidden("this change was sent from another site"));
    }
    let near = app.config.metrics_on_loopback && peer.is_some_and(|ip| ip.is_loopback());
    if access == Public || (access == Metrics && near && !forwarded(request.headers())) {
        return Ok(next.run(request).await);
    }
    let headers = request.headers();
    let caller = match authenticate(&app, headers, &address, now).await? {
        None if is_taxii(path.as_str()) => exchanging(&app, headers, &address, now).await?,
        caller => caller,
    };
    let caller = caller.ok_or(Error::SignInFirst)?;
    if let Err(refusal) = permit(access, &caller, changes, request.headers()) {
        let action = format!("{} {}", request.method(), path.as_str());
        app.cases.audit(&caller.actor, &action, request.uri().path(), "denied", &refusal.to_string()).await?;
        return Err(refusal);
    }
    request.extensions_mut().insert(caller);
    Ok(next.run(request).await)
}

async fn authenticate(
    app: &App,
    headers: &HeaderMap,
    address: &str,
    now: Time,
) -> Result<Option<Caller>, Error> {
    let actor = |user: &User| Actor { name: user.username.clone(), address: address.to_owned(), now };
    if let Some(value) = headers.get(header::AUTHORIZATION) {
        let text = value.to_str().unwrap_or_default();
        let Some((scheme, secret)) = text.split_once(' ') else { return Ok(None) };
        if !scheme.eq_ignore_ascii_case("bearer") {
            return Ok(None);
        }
        let user = app.cases.token_user(secret.trim()).await?;
        return Ok(user.map(|user| Caller { actor: actor(&user), user, session: None }));
    }
    let Some(token) = cookie(headers) else { return Ok(None) };
    let session = app.cases.session(token, now).await?;
    Ok(session.map(|session| Caller {
        actor: actor(&session.user),
        user: session.user,
        session: Some((token.to_owned(), session.csrf)),
    }))
}

/// What clients of TAXII send besides: a name and a password, where a token may stand for the password; and `Token`,
/// which OASIS's own client says for `Bearer`. Never a browser, so nothing here needs a CSRF value.
async fn exchanging(
    app: &App,
    headers: &HeaderMap,
    address: &str,
    now: Time,
) -> Result<Option<Caller>, Error> {
    let text = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let Some((scheme, secret)) = text.split_once(' ') else { return Ok(None) };
    let secret = secret.trim();
    let user = if scheme.eq_ignore_ascii_case("token") {
        app.cases.token_user(secret).await?
    } else if scheme.eq_ignore_ascii_case("basic") {
        let decoded = STANDARD.decode(secret).ok().and_then(|bytes| String::from_utf8(bytes).ok());
        let Some((name, password)) = decoded.as_deref().and_then(|text| text.split_once(':')) else {
            return Ok(None);
        };
        match app.cases.token_user(password).await? {
            Some(user) => Some(user).filter(|user| user.username == name),
            None => Some(app.cases.identify(name, password.to_owned(), address, now).await?),
        }
    } else {
        None
    };
    Ok(user.map(|user| Caller {
        actor: Actor { name: user.username.clone(), address: address.to_owned(), now },
        user,
        session: None,
    }))
}

fn permit(access: Access, caller: &Caller, changes: bool, headers: &HeaderMap) -> Result<(), Error> {
    if let Some((_, csrf)) = caller.session.as_ref().filter(|_| changes) {
        let sent = headers.get("x-csrf-token").map(|value| value.as_bytes()).unwrap_or_default();
        if !bool::from(sent.ct_eq(csrf.as_bytes())) {
            return Err(Error::Forbidden(
                "the header X-CSRF-Token is missing or wrong: GET /api/v1/session gives it",
            ));
        }
    }
    if matches!(access, Session | Person) && caller.session.is_none() {
        return Err(Error::Forbidden("this takes a person's session, not an API token"));
    }
    if caller.user.must_change_password && !matches!(access, Known | Session) {
        return Err(Error::Forbidden("change the password first: PUT /api/v1/session/password"));
    }
    let role = caller.user.role;
    let may = match access {
        Public | Metrics | Known | Session | Person | Exchange => true,
        Read => role >= Role::Auditor,
        Handle => role >= Role::Responder,
        Audit => matches!(role, Role::Auditor | Role::Admin),
        Administer => role == Role::Admin,
    };
    if may { Ok(()) } else { Err(Error::Forbidden("your role does not allow this")) }
}

/// Whether a browser, if it was one, sent this from our own pages. What sends neither header is not a browser.
fn same_origin(headers: &HeaderMap, allowed: &[String]) -> bool {
    let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    let Some(origin) = text("origin") else {
        return text("sec-fetch-site").is_none_or(|site| matches!(site, "same-origin" | "none"));
    };
    let host = text("host").unwrap_or_default();
    let authority = origin.strip_prefix("https://").or_else(|| origin.strip_prefix("http://"));
    (authority == Some(host) && !host.is_empty()) || allowed.iter().any(|one| one == origin)
}

/// Whether a proxy stands between: then the peer's address says nothing of the caller's.
fn forwarded(headers: &HeaderMap) -> bool {
    ["forwarded", "x-forwarded-for", "x-real-ip", "via"].iter().any(|name| headers.contains_key(*name))
}

fn cookie(headers: &HeaderMap) -> Option<&str> {
    let all = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = all.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(name, _)| *name == COOKIE).map(|(_, value)| value)
}

#[cfg(test)]
mod tests;

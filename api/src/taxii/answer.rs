//! TAXII's manners: its media type, its errors.

use crate::App;
use crate::error::Error;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use exchange::taxii::{MEDIA_TYPE, Problem, Stamp};
use serde::Serialize;

/// What a challenge says: clients that know only names and passwords are first.
const CHALLENGE: &str = "Basic realm=\"taxii\", charset=\"UTF-8\"";

/// An answer with a body.
pub(super) fn json(status: StatusCode, body: &impl Serialize) -> Response {
    // Our own messages of texts and numbers always serialise.
    let body = serde_json::to_vec(body).unwrap_or_default();
    let mut response = (status, body).into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
    response
}

/// Between which moments the objects of an answer were added.
pub(super) fn added(response: &mut Response, first: i64, last: i64) {
    for (name, moment) in [("x-taxii-date-added-first", first), ("x-taxii-date-added-last", last)] {
        if let Ok(value) = HeaderValue::from_str(&Stamp(moment).to_string()) {
            response.headers_mut().insert(name, value);
        }
    }
}

/// An address below `/taxii2/` at which nothing is.
pub(super) async fn nothing() -> Error {
    Error::Missing("resource")
}

/// Refuses what asks for another language than TAXII 2.1.
pub(super) async fn negotiate(
    State(app): State<App>,
    request: Request,
    next: Next,
) -> Result<Response, Error> {
    let is_strict = app.exchange.taxii.is_strict;
    if is_strict && !request.uri().path().ends_with('/') {
        return Err(Error::Missing("resource: the address ends with a slash"));
    }
    if !accepts(request.headers(), is_strict) {
        let detail = format!("this server speaks {MEDIA_TYPE}");
        return Err(Error::Rejected(StatusCode::NOT_ACCEPTABLE, detail));
    }
    let sent = request.headers().get(header::CONTENT_TYPE).map(|value| value.to_str().unwrap_or_default());
    if *request.method() == Method::POST && !sent.is_some_and(|sent| is_ours(sent, is_strict)) {
        let detail = format!("a body is {MEDIA_TYPE}");
        return Err(Error::Rejected(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail));
    }
    Ok(next.run(request).await)
}

/// Whether one of the media types that the client takes is ours. A client that says nothing takes anything.
fn accepts(headers: &HeaderMap, is_strict: bool) -> bool {
    let mut all = headers.get_all(header::ACCEPT).iter().peekable();
    if all.peek().is_none() {
        return !is_strict;
    }
    all.filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(',')).any(|one| {
        let name = one.split(';').next().unwrap_or_default().trim();
        is_ours(one, is_strict) || (!is_strict && matches!(name, "*/*" | "application/*"))
    })
}

/// Whether a media type is TAXII 2.1, or so by default.
fn is_ours(text: &str, is_strict: bool) -> bool {
    let mut parts = text.split(';').map(str::trim);
    let name = parts.next().unwrap_or_default().to_ascii_lowercase();
    let mut versions =
        parts.filter_map(|part| part.split_once('=')).filter(|(name, _)| name.trim() == "version");
    match name.as_str() {
        "application/taxii+json" => versions.all(|(_, version)| version.trim().trim_matches('"') == "2.1"),
        "application/json" => !is_strict,
        _ => false,
    }
}

/// Gives every error below `/taxii2/` TAXII's form, also those of the layers around the routes.
pub(crate) async fn shape(request: Request, next: Next) -> Response {
    let path = request.uri().path();
    let is_taxii = path == "/taxii2" || path.starts_with("/taxii2/");
    let response = next.run(request).await;
    if !is_taxii || !(response.status().is_client_error() || response.status().is_server_error()) {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    let said = axum::body::to_bytes(body, 64 << 10).await.unwrap_or_default();
    let said: serde_json::Value = serde_json::from_slice(&said).unwrap_or_default();
    let title = parts.status.canonical_reason().unwrap_or("Error").to_owned();
    let description = said["detail"].as_str().map(str::to_owned);
    let problem = Problem { title, description, http_status: Some(parts.status.as_str().to_owned()) };
    parts.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
    parts.headers.remove(header::CONTENT_LENGTH);
    if parts.status == StatusCode::UNAUTHORIZED {
        parts.headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(CHALLENGE));
        parts.headers.append(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"taxii\""));
    }
    Response::from_parts(parts, Body::from(serde_json::to_vec(&problem).unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn media_types_are_told_apart() {
        for (text, lenient, strict) in [
            ("application/taxii+json;version=2.1", true, true),
            ("application/taxii+json; version=2.1", true, true),
            ("application/taxii+json", true, true),
            ("application/taxii+json;version=2.0", false, false),
            ("application/vnd.oasis.taxii+json", false, false),
            ("application/json", true, false),
            ("text/html", false, false),
        ] {
            assert_eq!((is_ours(text, false), is_ours(text, true)), (lenient, strict), "{text}");
        }
    }
}

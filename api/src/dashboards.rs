//! The dashboards, embedded; and the answer to every address that is nothing else.

use crate::error::Error;
use axum::extract::Request;
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use rust_embed::RustEmbed;
use std::fmt::Write as _;

/// What `dashboards` built; empty if it was not built. A debug build reads the folder as it is.
#[derive(RustEmbed)]
#[folder = "../dashboards/dist"]
#[allow_missing = true]
struct Files;

pub(crate) async fn serve(request: Request) -> Result<Response, Error> {
    let path = request.uri().path();
    if path == "/api" || path.starts_with("/api/") || path.starts_with("/taxii2/") {
        return Err(Error::Missing("address in the API: /api/docs lists them"));
    }
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return Err(crate::error::method_not_allowed().await);
    }
    let name = path.trim_start_matches('/');
    let seen = request.headers().get(header::IF_NONE_MATCH);
    if let Some(found) = Files::get(name) {
        return Ok(answer(name, &found.data, &found.metadata.sha256_hash(), seen));
    }
    // A missing script must not come as a page: the browser would try to run it.
    if name.rsplit('/').next().is_some_and(|last| last.contains('.')) {
        return Err(Error::Missing("file"));
    }
    match Files::get("index.html") {
        Some(page) => Ok(answer("index.html", &page.data, &page.metadata.sha256_hash(), seen)),
        None => Err(Error::Missing("dashboards in this build: run `make dashboards`, or use /api/docs")),
    }
}

fn answer(name: &str, data: &[u8], hash: &[u8], seen: Option<&HeaderValue>) -> Response {
    let mut tag = String::from("\"");
    for byte in hash.iter().take(16) {
        let _ = write!(tag, "{byte:02x}"); // writing to a String cannot fail
    }
    tag.push('"');
    // Vite puts a hash of the content into the names in this folder.
    let keep = if name.starts_with("assets/") { "public, max-age=31536000, immutable" } else { "no-cache" };
    let status = if seen.is_some_and(|seen| seen.as_bytes() == tag.as_bytes()) {
        StatusCode::NOT_MODIFIED
    } else {
        StatusCode::OK
    };
    let body = if status == StatusCode::OK { data.to_vec() } else { Vec::new() };
    let headers = [
        (header::CONTENT_TYPE, kind(name).to_owned()),
        (header::CACHE_CONTROL, keep.to_owned()),
        (header::ETAG, tag),
    ];
    (status, headers, body).into_response()
}

fn kind(name: &str) -> &'static str {
    match name.rsplit('.').next().unwrap_or_default() {
        "html" => "text/html; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "json" | "map" => "application/json",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "ico" => "image/x-icon",
        "woff2" => "font/woff2",
        "webmanifest" => "application/manifest+json",
        "txt" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_with_a_hashed_name_is_kept_forever_and_the_page_is_asked_for_each_time() {
        let script = answer("assets/index-Bq3.js", b"1", &[1; 32], None);
        assert_eq!(script.headers()[header::CACHE_CONTROL], "public, max-age=31536000, immutable");
        assert_eq!(script.headers()[header::CONTENT_TYPE], "text/javascript; charset=utf-8");
        let page = answer("index.html", b"<!doctype html>", &[2; 32], None);
        assert_eq!(page.headers()[header::CACHE_CONTROL], "no-cache");
        assert_ne!(page.headers()[header::ETAG], script.headers()[header::ETAG]);
    }

    #[test]
    fn a_page_that_the_browser_has_is_not_sent_again() {
        let first = answer("index.html", b"page", &[2; 32], None);
        let tag = first.headers()[header::ETAG].clone();
        assert_eq!(answer("index.html", b"page", &[2; 32], Some(&tag)).status(), StatusCode::NOT_MODIFIED);
        assert_eq!(answer("index.html", b"new", &[3; 32], Some(&tag)).status(), StatusCode::OK);
    }
}

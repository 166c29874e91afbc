//! What there is: discovery, the group of collections, the collections.

use super::right::Right;
use super::{ROOT, answer};
use crate::App;
use crate::access::Caller;
use crate::error::Error;
use crate::extract::Path;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Response;
use exchange::taxii::{Collections, Discovery, MEDIA_TYPE, Root};

pub(super) async fn discovery(State(app): State<App>, _: Caller, headers: HeaderMap) -> Response {
    let organisation = &app.exchange.organisation;
    // Some clients cannot use an address without scheme and host. Only who asked sees what they said of the host.
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let scheme = if app.config.tls { "https" } else { "http" };
    let root = match host {
        Some(host) => format!("{scheme}://{host}/taxii2/{ROOT}/"),
        None => format!("/taxii2/{ROOT}/"),
    };
    let discovery = Discovery {
        title: organisation.name.clone(),
        description: None,
        contact: Some(organisation.contact.clone()).filter(|text| !text.is_empty()),
        default: Some(root.clone()),
        api_roots: vec![root],
    };
    answer::json(StatusCode::OK, &discovery)
}

pub(super) async fn root(State(app): State<App>, _: Caller) -> Response {
    let root = Root {
        title: app.exchange.organisation.name.clone(),
        versions: vec![MEDIA_TYPE.to_owned()],
        max_content_length: app.exchange.taxii.content_bytes_max,
    };
    answer::json(StatusCode::OK, &root)
}

pub(super) async fn list(State(app): State<App>, caller: Caller) -> Response {
    let collections = Right::all(&app, &caller).iter().map(Right::info).collect();
    answer::json(StatusCode::OK, &Collections { collections })
}

pub(super) async fn one(State(app): State<App>, caller: Caller, Path(id): Path) -> Result<Response, Error> {
    Ok(answer::json(StatusCode::OK, &Right::in_named(&app, &caller, &id)?.info()))
}

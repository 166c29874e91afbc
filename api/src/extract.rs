//! axum's extractors with our errors, and the few values that queries share.

use crate::error::Error;
use axum::extract::rejection::{JsonRejection, PathRejection, QueryRejection};
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::StatusCode;
use axum::http::request::Parts;
use event::Time;
use serde::de::DeserializeOwned;

/// A JSON body.
pub(crate) struct Json<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Json<T> {
    type Rejection = Error;
    async fn from_request(request: Request, state: &S) -> Result<Self, Error> {
        match axum::Json::<T>::from_request(request, state).await {
            Ok(body) => Ok(Json(body.0)),
            Err(JsonRejection::JsonDataError(cause)) => {
                Err(Error::Rejected(StatusCode::UNPROCESSABLE_ENTITY, cause.body_text()))
            }
            Err(cause) => Err(Error::Rejected(cause.status(), cause.body_text())),
        }
    }
}

/// The parameters behind the `?`.
pub(crate) struct Query<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Error;
    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Error> {
        let query = axum::extract::Query::<T>::from_request_parts(parts, state).await;
        query
            .map(|query| Query(query.0))
            .map_err(|cause: QueryRejection| Error::BadRequest(cause.body_text()))
    }
}

/// The parameter within the path.
pub(crate) struct Path(pub(crate) String);

impl<S: Send + Sync> FromRequestParts<S> for Path {
    type Rejection = Error;
    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Error> {
        let path = axum::extract::Path::<String>::from_request_parts(parts, state).await;
        path.map(|path| Path(path.0)).map_err(|cause: PathRejection| Error::BadRequest(cause.body_text()))
    }
}

/// A time of a query; empty counts as absent.
pub(crate) fn time(name: &str, text: Option<&str>) -> Result<Option<Time>, Error> {
    let Some(text) = text.filter(|text| !text.is_empty()) else { return Ok(None) };
    let time = Time::parse(text);
    time.map(Some).ok_or_else(|| {
        Error::BadRequest(format!("`{name}` is not an RFC 3339 time, as 2026-11-23T08:00:00Z"))
    })
}

/// `limit`, 100 if absent.
pub(crate) fn limit(text: Option<&str>) -> Result<u32, Error> {
    number("limit", text, 100, 1000)
}

/// A number of a query, from 1 to `max`; empty counts as absent.
pub(crate) fn number(name: &str, text: Option<&str>, default: u32, max: u32) -> Result<u32, Error> {
    let Some(text) = text.filter(|text| !text.is_empty()) else { return Ok(default) };
    let number = text.parse().ok().filter(|number| (1..=max).contains(number));
    number.ok_or_else(|| Error::BadRequest(format!("`{name}` is a number from 1 to {max}")))
}

/// Text of a query; empty counts as absent.
pub(crate) fn text(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.is_empty())
}

/// Words of a query, parted by commas.
pub(crate) fn words<T>(name: &str, text: Option<&str>, read: fn(&str) -> Option<T>) -> Result<Vec<T>, Error> {
    let words = text.unwrap_or_default().split(',').map(str::trim).filter(|word| !word.is_empty()).take(20);
    let read =
        |word| read(word).ok_or_else(|| Error::BadRequest(format!("`{name}` does not know this word")));
    words.map(read).collect()
}

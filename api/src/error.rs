//! One error for every handler: a safe text for the caller (RFC 9457), the cause for the log.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use store::cases::Error as CasesError;
use store::events::EventsError;

/// Why a request was not done.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("{0}")]
    BadRequest(String),
    #[error("sign in first")]
    SignInFirst,
    #[error("{0}")]
    Forbidden(&'static str),
    #[error("no such {0}")]
    Missing(&'static str),
    #[error("{1}")]
    Rejected(StatusCode, String),
    #[error("too many requests at once, try again")]
    Overloaded,
    #[error("the request took too long")]
    TooSlow,
    #[error("no access rule for this route")]
    NoAccessRule,
    #[error("a document could not be made: {0}")]
    Report(String),
    #[error(transparent)]
    Cases(#[from] CasesError),
    #[error(transparent)]
    Events(#[from] EventsError),
}

/// RFC 9457.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct Problem {
    /// Always `about:blank`: the status says what kind it is.
    #[serde(rename = "type")]
    kind: &'static str,
    /// The status in words.
    title: String,
    /// The status.
    status: u16,
    /// What is wrong with this request, and what would be right.
    detail: String,
    /// With 412: the version as it now is.
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<i64>,
    /// With 422 of a registry: the first thousand of what is wrong.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    problems: Vec<RowProblem>,
}

/// What is wrong in one row of a document.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct RowProblem {
    /// The spreadsheet's row or the text's line; absent if the row is not of the document.
    row: Option<u64>,
    /// `units`, `systems`, `assets`, `endpoints`; absent if the document as a whole is meant.
    kind: Option<&'static str>,
    /// Which; empty if it has no id.
    id: String,
    /// What is wrong and what would be right.
    reason: String,
    /// The same in Vietnamese.
    reason_vi: String,
}

/// So many problems of one document are told; nobody reads more.
const PROBLEMS_MAX: usize = 1000;

impl Error {
    fn status(&self) -> StatusCode {
        match self {
            Error::BadRequest(_) => StatusCode::BAD_REQUEST,
            Error::SignInFirst => StatusCode::UNAUTHORIZED,
            Error::Forbidden(_) => StatusCode::FORBIDDEN,
            Error::Missing(_) => StatusCode::NOT_FOUND,
            Error::Rejected(status, _) => *status,
            Error::Overloaded | Error::TooSlow => StatusCode::SERVICE_UNAVAILABLE,
            Error::NoAccessRule | Error::Report(_) => StatusCode::INTERNAL_SERVER_ERROR,
            Error::Cases(cause) => match cause {
                CasesError::Missing(_) => StatusCode::NOT_FOUND,
                CasesError::Stale { .. } | CasesError::Changed => StatusCode::PRECONDITION_FAILED,
                CasesError::Unseen => StatusCode::PRECONDITION_REQUIRED,
                CasesError::Invalid(_) | CasesError::Registry(_) => StatusCode::UNPROCESSABLE_ENTITY,
                CasesError::Exists(_) | CasesError::Limit { .. } => StatusCode::CONFLICT,
                CasesError::Throttled { .. } => StatusCode::TOO_MANY_REQUESTS,
                CasesError::Denied => StatusCode::UNAUTHORIZED,
                CasesError::Busy | CasesError::Away(_) => StatusCode::SERVICE_UNAVAILABLE,
                _ => StatusCode::INTERNAL_SERVER_ERROR,
            },
            Error::Events(EventsError::Query(_) | EventsError::Cursor) => StatusCode::BAD_REQUEST,
            Error::Events(EventsError::ClickHouse(_)) => StatusCode::SERVICE_UNAVAILABLE,
            Error::Events(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let status = self.status();
        let detail = match (&self, status) {
            (_, StatusCode::INTERNAL_SERVER_ERROR) => {
                tracing::error!(cause = %self, "request failed");
                "an internal error; the log has its cause".to_owned()
            }
            (Error::Cases(cause @ CasesError::Away(_)), _) => {
                tracing::warn!(%cause, "request not done");
                "the cases' database does not answer; look whether the change was made, then try again"
                    .to_owned()
            }
            (Error::Events(cause), StatusCode::SERVICE_UNAVAILABLE) => {
                tracing::warn!(%cause, "the events' store did not answer");
                "the events' store did not answer this query: narrow its range, or try again".to_owned()
            }
            _ => self.to_string(),
        };
        let version =
            if let Error::Cases(CasesError::Stale { current }) = &self { Some(*current) } else { None };
        let title = status.canonical_reason().unwrap_or("Error").to_owned();
        let problem = Problem {
            kind: "about:blank",
            title,
            status: status.as_u16(),
            detail,
            version,
            problems: rows(&self),
        };
        let mut response = (status, Json(problem)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        let retry_s = match &self {
            Error::Cases(CasesError::Throttled { retry_s }) => Some(*retry_s),
            Error::Cases(CasesError::Busy) | Error::Overloaded => Some(1),
            Error::Cases(CasesError::Away(_)) => Some(5),
            _ => None,
        };
        if let Some(retry_s) = retry_s {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(retry_s));
        }
        response
    }
}

/// What is wrong, row by row.
fn rows(error: &Error) -> Vec<RowProblem> {
    let Error::Cases(CasesError::Registry(problems)) = error else { return Vec::new() };
    let row = |problem: &registry::Problem| RowProblem {
        row: problem.row,
        kind: problem.kind.map(registry::Kind::name),
        id: problem.id.clone(),
        reason: problem.reason.text.clone(),
        reason_vi: problem.reason.text_vi.clone(),
    };
    problems.iter().take(PROBLEMS_MAX).map(row).collect()
}

pub(crate) async fn method_not_allowed() -> Error {
    Error::Rejected(StatusCode::METHOD_NOT_ALLOWED, "this address does not take this method".to_owned())
}

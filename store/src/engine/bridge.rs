//! ClickHouse's HTTP interface on a Unix socket: who may come in, how much, and which answer each outcome has.

use super::pool::Pool;
use super::request::{Request, RequestError, split_insert, starts_with};
use super::select::AnswerError;
use super::{Config, insert, select};
use bytes::Bytes;
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper::header::CONTENT_TYPE;
use hyper::service::service_fn;
use hyper::{Method, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

/// Marks a failure in the middle of an answer. Clients compare it with the header of the same answer only.
const TAG: &str = "haidangexception";

/// How long a client may take to send a request's head, idle time before it included: longer than our own client keeps
/// an idle connection, which otherwise would write its next request to one just closed.
const HEAD_WAIT: Duration = Duration::from_secs(120);

type Answer = Response<BoxBody<Bytes, std::io::Error>>;

/// Accepts clients until the future is dropped; every client's task ends with it.
pub(super) async fn accept(listener: UnixListener, pool: Arc<Pool>, config: Arc<Config>) {
    let clients = Arc::new(Semaphore::new(config.clients_max.max(1)));
    let mut tasks = JoinSet::new();
    let own = listener.local_addr().ok().and_then(|_| std::fs::metadata("/proc/self").ok());
    let own = own.map(|process| std::os::unix::fs::MetadataExt::uid(&process));
    loop {
        while tasks.try_join_next().is_some() {}
        let Ok(place) = Arc::clone(&clients).acquire_owned().await else { return };
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(cause) => {
                tracing::warn!(%cause, "accept a client of the engine");
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            }
        };
        // The socket's mode keeps others out; this holds if somebody changes the mode.
        let peer = stream.peer_cred().map(|peer| peer.uid()).ok();
        if own.is_none() || peer != own {
            tracing::warn!(?peer, "refused a client of another user");
            continue;
        }
        let (pool, config) = (Arc::clone(&pool), Arc::clone(&config));
        tasks.spawn(async move {
            client(stream, pool, config).await;
            drop(place);
        });
    }
}

async fn client(stream: UnixStream, pool: Arc<Pool>, config: Arc<Config>) {
    let service = service_fn(move |request| {
        let (pool, config) = (Arc::clone(&pool), Arc::clone(&config));
        async move { Ok::<_, Infallible>(answer(request, pool, &config).await) }
    });
    let connection = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_WAIT)
        .max_buf_size(1 << 20)
        .serve_connection(TokioIo::new(stream), service);
    if let Err(cause) = connection.await {
        tracing::debug!(%cause, "a client of the engine left");
    }
}

async fn answer(request: hyper::Request<Incoming>, pool: Arc<Pool>, config: &Config) -> Answer {
    if request.uri().path() == "/ping" {
        return whole(StatusCode::OK, "Ok.\n");
    }
    if request.method() != Method::POST {
        return whole(StatusCode::METHOD_NOT_ALLOWED, "send statements with POST\n");
    }
    let parsed = match Request::parse(request.uri()) {
        Ok(parsed) => parsed,
        Err(error) => return refused(&error),
    };
    let (parts, body) = request.into_parts();
    if let Some(sql) = parsed.query.as_deref().filter(|sql| starts_with(sql, "insert")) {
        let Some((head, format)) = split_insert(sql) else {
            return refused(&RequestError::Argument("an insert with data ends with FORMAT and a name"));
        };
        let statement = (head.to_owned(), format.to_owned());
        return match insert::run(pool, parsed, statement, body, config.insert_bytes_max).await {
            Ok(rows) => {
                let mut answer = whole(StatusCode::OK, "");
                let summary = format!("{{\"written_rows\":\"{rows}\"}}");
                if let Ok(summary) = summary.parse() {
                    answer.headers_mut().insert("X-ClickHouse-Summary", summary);
                }
                answer
            }
            Err(error) => failed(&error),
        };
    }
    let boundary = parts.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let boundary = boundary.and_then(|value| value.strip_prefix("multipart/form-data; boundary="));
    let body = match Limited::new(body, config.statement_bytes_max).collect().await {
        Ok(body) => body.to_bytes(),
        Err(_) => {
            return whole(
                StatusCode::PAYLOAD_TOO_LARGE,
                "the statement is larger than allowed, or broke off\n",
            );
        }
    };
    statement(parsed, boundary, &body, pool).await
}

async fn statement(mut parsed: Request, boundary: Option<&str>, body: &[u8], pool: Arc<Pool>) -> Answer {
    let sql = if let Some(boundary) = boundary {
        if let Err(error) = parsed.take_multipart(boundary, body) {
            return refused(&error);
        }
        parsed.query.take().unwrap_or_default()
    } else {
        match (parsed.query.take(), std::str::from_utf8(body)) {
            (None, Ok(sql)) => sql.to_owned(),
            (Some(sql), Ok("")) => sql,
            (Some(_), _) => {
                return refused(&RequestError::Argument("only an insert has a body beside `query`"));
            }
            (None, Err(_)) => return refused(&RequestError::Argument("the statement is not UTF-8")),
        }
    };
    match select::run(pool, parsed, sql, TAG).await {
        Ok(reply) => {
            let mut answer = Response::new(reply.boxed());
            answer
                .headers_mut()
                .insert("X-ClickHouse-Exception-Tag", hyper::header::HeaderValue::from_static(TAG));
            answer
        }
        Err(error) => failed(&error),
    }
}

fn whole(status: StatusCode, text: impl Into<Bytes>) -> Answer {
    let body = Full::new(text.into()).map_err(|never| match never {});
    let mut answer = Response::new(body.boxed());
    *answer.status_mut() = status;
    answer
}

fn refused(error: &RequestError) -> Answer {
    coded(StatusCode::BAD_REQUEST, error.to_string())
}

fn failed(error: &AnswerError) -> Answer {
    let status = match error {
        AnswerError::Fault(_) => StatusCode::INTERNAL_SERVER_ERROR,
        AnswerError::Pool(_) => StatusCode::SERVICE_UNAVAILABLE,
        AnswerError::Refused(_) => StatusCode::PAYLOAD_TOO_LARGE,
    };
    coded(status, error.to_string())
}

fn coded(status: StatusCode, text: String) -> Answer {
    let code = super::library::Fault(text.clone()).code();
    let mut answer = whole(status, text);
    answer.headers_mut().insert("X-ClickHouse-Exception-Code", code.into());
    answer
}

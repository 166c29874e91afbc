//! Runs a statement and sends its answer: a SELECT in pieces as they come, everything else whole.

use super::library::{Fault, Statement};
use super::pool::{Lane, Pool, PoolError};
use super::request::{Request, starts_with};
use bytes::Bytes;
use hyper::body::{Body, Frame};
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use tokio::sync::mpsc;

/// How many pieces may wait for a slow client; the query waits with them.
const PIECES_MAX: usize = 4;

/// Answers of statements that do not stream (DESCRIBE, SHOW, EXPLAIN) are refused above this size.
const WHOLE_BYTES_MAX: usize = 64 << 20;

/// Why there is no answer, with the HTTP status.
#[derive(Debug, thiserror::Error)]
pub(super) enum AnswerError {
    #[error(transparent)]
    Fault(#[from] Fault),
    #[error(transparent)]
    Pool(#[from] PoolError),
    #[error("{0}")]
    Refused(&'static str),
}

/// The answer's body. Dropped before its end, it stops the query.
pub(super) struct Reply {
    first: Option<Bytes>,
    rest: mpsc::Receiver<Result<Bytes, Fault>>,
    /// Ends a body that failed after its status was sent.
    tag: &'static str,
    end: End,
    stop: Stop,
}

/// How far the end of a body that failed has come.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Open,
    Told,
    Flushed,
}

/// Stops the query if the client goes away while it runs.
struct Stop {
    pool: Arc<Pool>,
    comment: Option<String>,
    running: Arc<Mutex<bool>>,
}

/// Says, when dropped, that the query no longer runs, and waits for a stop that is under way: one that came later would
/// hit what the session runs next. A client that takes one row and goes is gone at about the moment at which the query is.
struct Running(Arc<Mutex<bool>>);

impl Drop for Running {
    fn drop(&mut self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = false;
    }
}

impl Drop for Stop {
    fn drop(&mut self) {
        if let Some(comment) = self.comment.take()
            && let Ok(runtime) = tokio::runtime::Handle::try_current()
        {
            let pool = Arc::clone(&self.pool);
            let running = Arc::clone(&self.running);
            runtime.spawn_blocking(move || {
                let running = running.lock().unwrap_or_else(PoisonError::into_inner); // kept until the stop is done
                if *running && let Err(fault) = pool.kill(&comment) {
                    tracing::warn!(%fault, comment, "stop a query whose client is gone");
                }
            });
        }
    }
}

/// Runs the statement. The body begins once the first piece is there, so that an early failure still has its status.
pub(super) async fn run(
    pool: Arc<Pool>,
    mut request: Request,
    sql: String,
    tag: &'static str,
) -> Result<Reply, AnswerError> {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    let permit = pool.turn(Lane::Query).await?;
    let (pieces, mut rest) = mpsc::channel(PIECES_MAX);
    let streams = ["select", "with", "("].iter().any(|word| starts_with(&sql, word));
    let comment = streams.then(|| {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        request.settings.entry("log_comment".into()).or_insert_with(|| format!("bridge-{number}")).clone()
    });
    let running = Running(Arc::new(Mutex::new(true)));
    let stop = Stop { pool: Arc::clone(&pool), comment, running: Arc::clone(&running.0) };
    let worker_pool = Arc::clone(&pool);
    tokio::task::spawn_blocking(move || {
        let result = work(&worker_pool, permit, &request, &sql, streams, &pieces, running);
        if let Err(fault) = result {
            // Nobody listens any more: the client is gone, and so is the reason to tell it.
            let _ = pieces.blocking_send(Err(fault));
        }
    });
    let mut reply = Reply { first: None, rest, tag, end: End::Open, stop };
    rest = std::mem::replace(&mut reply.rest, mpsc::channel(1).1);
    match rest.recv().await {
        Some(Ok(piece)) => reply.first = Some(piece),
        Some(Err(fault)) => {
            reply.stop.comment = None;
            return Err(fault.into());
        }
        None => reply.stop.comment = None,
    }
    reply.rest = rest;
    Ok(reply)
}

fn work(
    pool: &Arc<Pool>,
    permit: tokio::sync::OwnedSemaphorePermit,
    request: &Request,
    sql: &str,
    streams: bool,
    pieces: &mpsc::Sender<Result<Bytes, Fault>>,
    running: Running,
) -> Result<(), Fault> {
    let mut lease;
    let mut own;
    let _running = running; // dropped before the session goes back
    let connection = if request.readonly {
        // `readonly` can be set but not reset, hence a session for this statement alone.
        own = pool.session(&[])?;
        let mut wanted = request.settings.clone();
        wanted.insert("readonly".to_owned(), "1".to_owned());
        own.prepare(&request.database, &wanted)?;
        &mut own.connection
    } else {
        lease = pool.lease(permit)?;
        lease.prepare(&request.database, &request.settings)?;
        &mut lease.connection
    };
    check(connection.classify(sql.as_bytes()), request.readonly, sql)?;
    if !streams {
        let answer = connection.query(sql.as_bytes(), &request.format, &request.params)?;
        if answer.as_ref().len() > WHOLE_BYTES_MAX {
            return Err(Fault("Code: 396. DB::Exception: the answer is larger than 64 MiB".into()));
        }
        send(pieces, Bytes::from_owner(answer));
        return Ok(());
    }
    let mut stream = connection.stream(sql.as_bytes(), &request.format, &request.params)?;
    let mut header: Option<Vec<u8>> = None;
    let named = request.format.eq_ignore_ascii_case("RowBinaryWithNamesAndTypes");
    while let Some(piece) = stream.next()? {
        let piece = Bytes::from_owner(piece);
        // Every piece of the stream repeats the header; the client expects it once.
        let piece = match &header {
            Some(header) if piece.starts_with(header) => piece.slice(header.len()..),
            Some(_) => piece,
            None => {
                let length = if named { header_length(&piece).unwrap_or(0) } else { 0 };
                header = Some(piece.get(..length).unwrap_or_default().to_vec());
                piece
            }
        };
        if !piece.is_empty() && !send(pieces, piece) {
            break;
        }
    }
    Ok(())
}

/// Hands a piece to the client; false if it is gone.
fn send(pieces: &mpsc::Sender<Result<Bytes, Fault>>, piece: Bytes) -> bool {
    pieces.blocking_send(Ok(piece)).is_ok()
}

/// One statement only: what follows a `;`, or the blank line after inline data, is never run. A reader's statement must
/// be of the class that leaves no trace: `readonly` alone would let INTO OUTFILE, SYSTEM and KILL pass.
fn check(statement: Option<Statement>, readonly: bool, sql: &str) -> Result<(), Fault> {
    let refuse = |text: &str| Err(Fault(format!("Code: 62. DB::Exception: {text} (SYNTAX_ERROR)")));
    match statement {
        Some(Statement { count, .. }) if count > 1 => refuse("one statement only"),
        Some(Statement { class, .. }) if readonly && class != 0 => {
            Err(Fault("Code: 164. DB::Exception: a reader may only read (READONLY)".into()))
        }
        _ if inline_data(sql) => refuse("an insert's data comes as the body, its statement as `query`"),
        // What does not parse is sent on, so that the engine's own message tells where; a reader's is not.
        Some(_) => Ok(()),
        None if readonly => refuse("the statement cannot be checked"),
        None => Ok(()),
    }
}

/// Whether the text is an insert with data in it after FORMAT: the engine would run what follows a blank line.
fn inline_data(sql: &str) -> bool {
    let upper = sql.to_ascii_uppercase();
    upper.find("INSERT").is_some_and(|insert| {
        upper[insert..].split(|c: char| !c.is_ascii_alphanumeric() && c != '_').any(|word| word == "FORMAT")
    })
}

/// How long the header of `RowBinaryWithNamesAndTypes` is: a count, so many names, so many types.
fn header_length(piece: &[u8]) -> Option<usize> {
    let mut at = 0;
    let columns = varint(piece, &mut at)?;
    for _ in 0..columns.checked_mul(2)? {
        let length = varint(piece, &mut at)?;
        at = at.checked_add(length).filter(|end| *end <= piece.len())?;
    }
    Some(at)
}

fn varint(bytes: &[u8], at: &mut usize) -> Option<usize> {
    let mut value = 0usize;
    for shift in (0..=28).step_by(7) {
        let byte = *bytes.get(*at)?;
        *at += 1;
        value |= usize::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some(value);
        }
    }
    None
}

impl Body for Reply {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, std::io::Error>>> {
        if let Some(first) = self.first.take() {
            return Poll::Ready(Some(Ok(Frame::data(first))));
        }
        match self.end {
            End::Open => {}
            End::Told => {
                // Waiting once makes the connection send what it holds, the message above all.
                self.end = End::Flushed;
                context.waker().wake_by_ref();
                return Poll::Pending;
            }
            // The connection is cut after the message, so that no client takes the part for the whole.
            End::Flushed => {
                let cut = std::io::Error::other("the query failed after its answer began");
                return Poll::Ready(Some(Err(cut)));
            }
        }
        self.rest.poll_recv(context).map(|piece| match piece {
            Some(Ok(piece)) => Some(Ok(Frame::data(piece))),
            Some(Err(fault)) => {
                self.end = End::Told;
                self.stop.comment = None;
                Some(Ok(Frame::data(exception(self.tag, &fault).into())))
            }
            None => {
                self.stop.comment = None;
                None
            }
        })
    }
}

/// A failure after status 200, as ClickHouse 25.11 and later write it at the end of the body.
fn exception(tag: &str, fault: &Fault) -> String {
    let message = format!("{fault}\n");
    format!("\r\n__exception__\r\n{tag}\r\n{message}{} {tag}\r\n__exception__\r\n", message.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_of_named_rows_is_measured() {
        assert_eq!(header_length(b"\x01\x01a\x05UInt8\x07"), Some(9));
        assert_eq!(header_length(b"\x01\x01a\xff"), None);
        assert_eq!(header_length(b""), None);
    }

    #[test]
    fn inline_data_is_seen_wherever_the_insert_begins() {
        assert!(inline_data("/* c */ INSERT INTO t FORMAT RowBinary\n\n\nDROP TABLE t"));
        assert!(!inline_data("INSERT INTO t SELECT 1"));
        assert!(!inline_data("SELECT format('{}', 1)"));
    }
}

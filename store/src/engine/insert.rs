//! Runs an insert: the body goes to the engine as it comes, and counts only when it came whole.

use super::library::Fault;
use super::pool::{Lane, Pool};
use super::request::Request;
use super::select::AnswerError;
use bytes::Bytes;
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use std::sync::Arc;
use tokio::sync::mpsc;

/// How many pieces of the body may wait for the engine; the client waits with them.
const PIECES_MAX: usize = 8;

/// Without it an insert whose client went away would look the same as one that ended.
enum Piece {
    Data(Bytes),
    End,
}

/// Inserts the body and tells how many rows were written.
pub(super) async fn run(
    pool: Arc<Pool>,
    request: Request,
    statement: (String, String),
    mut body: Incoming,
    bytes_max: u64,
) -> Result<u64, AnswerError> {
    if request.is_behind {
        pool.behind.say();
    }
    let permit = pool.turn(Lane::Insert).await?;
    let (pieces, rest) = mpsc::channel(PIECES_MAX);
    let worker = tokio::task::spawn_blocking(move || {
        let mut lease = pool.lease(permit)?;
        lease.prepare(&request.database, &request.settings)?;
        work(&mut lease.connection, &statement, rest)
    });
    let mut left = bytes_max;
    let mut whole = true;
    let mut refused = false;
    while let Some(frame) = body.frame().await {
        let Ok(frame) = frame else {
            whole = false;
            break;
        };
        let Ok(data) = frame.into_data() else { continue };
        let Some(after) = left.checked_sub(u64::try_from(data.len()).unwrap_or(u64::MAX)) else {
            return Err(AnswerError::Refused(
                "Code: 241. DB::Exception: the insert's data is larger than allowed",
            ));
        };
        left = after;
        // If the engine refused, its reason comes with the worker's result; the rest of the body is still read, because
        // a client that cannot write any more does not read the answer.
        if !refused {
            refused = pieces.send(Piece::Data(data)).await.is_err();
        }
    }
    if whole {
        // If the worker is already gone, its result says why.
        let _ = pieces.send(Piece::End).await;
    }
    drop(pieces);
    let result = worker.await.map_err(|_| AnswerError::Refused("Code: 1001. the insert's thread ended"))?;
    Ok(result?)
}

fn work(
    connection: &mut super::library::Connection,
    (sql, format): &(String, String),
    mut pieces: mpsc::Receiver<Piece>,
) -> Result<u64, Fault> {
    let mut insert = connection.insert(sql.as_bytes(), format)?;
    loop {
        match pieces.blocking_recv() {
            Some(Piece::Data(data)) => insert.append(&data)?,
            Some(Piece::End) => return insert.finish(),
            None => return Err(Fault("Code: 210. DB::NetException: the client went away".into())),
        }
    }
}

//! Lines from standard input.

use super::framing::Framing;
use super::{Intake, Reading, Source};
use event::Transport;
use std::io::Read;
use std::sync::Arc;
use tokio::sync::mpsc;

pub(super) async fn run(intake: Arc<Intake>) {
    let (send, mut parts) = mpsc::channel::<Vec<u8>>(4);
    // A thread of its own: a blocked read of standard input must not hold up the runtime's end.
    let thread = std::thread::Builder::new().name("stdin".into()).spawn(move || {
        let mut input = std::io::stdin().lock();
        loop {
            let mut part = vec![0; 64 * 1024];
            let Ok(length @ 1..) = input.read(&mut part) else { return };
            part.truncate(length);
            if send.blocking_send(part).is_err() {
                return;
            }
        }
    });
    if let Err(error) = thread {
        return tracing::warn!(%error, "reading standard input");
    }
    let mut framing = Framing::lines_only(intake.config.line_bytes_max);
    let mut reading = Reading::new(&intake, Source::Named("stdin".into()), Transport::Stdin);
    loop {
        let part = tokio::select! {
            part = parts.recv() => part,
            () = intake.stopped() => None,
        };
        let Some(part) = part else { break };
        if reading.take(|each| framing.feed(&part, each)).await.is_err() {
            return;
        }
    }
    let _ = reading.take(|each| framing.finish(each)).await; // an error means a closed spool, counted
}

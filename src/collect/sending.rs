//! The thread that sends batches to Kafka, in order, until the brokers have taken them.

use crate::kafka::{self, Outbox, Records};
use crate::pipeline;
use crate::progress::Progress;
use collector::intake::{Ledger, Source};
use collector::spool::{Place, Position, Spool};
use event::Time;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::sync::{mpsc, oneshot};

/// How long nothing is sent before the brokers are asked whether they are there.
const ASK_EVERY: Duration = Duration::from_secs(5);

/// Consecutive lines of the spool as records.
#[derive(Default)]
pub(super) struct Batch {
    /// The line after the last.
    pub(super) to: u64,
    pub(super) lines: usize,
    pub(super) bytes: usize,
    pub(super) malformed: u64,
    /// When the oldest line was received.
    pub(super) received: Option<Time>,
    pub(super) records: Records,
    pub(super) lines_of: HashMap<Source, u64>,
}

pub(super) struct Sending {
    pub(super) kafka: kafka::Config,
    pub(super) node: u16,
    /// The spool's own name.
    pub(super) name: String,
    pub(super) spool: Arc<Spool>,
    pub(super) position: Position,
    pub(super) ledger: Arc<Ledger>,
    pub(super) progress: Arc<Progress>,
    pub(super) stop: Arc<AtomicBool>,
}

impl Sending {
    /// Says in `place` where to begin, then sends what comes.
    pub(super) fn run(
        mut self,
        mut take: mpsc::Receiver<Batch>,
        place: oneshot::Sender<u64>,
        runtime: &Handle,
    ) {
        let Some((mut outbox, begin)) = self.open() else { return };
        if place.send(begin).is_err() {
            return;
        }
        while let Some(batch) = self.next(&mut take, &outbox, runtime) {
            self.progress.delivery.begin();
            while let Err(error) = outbox.send(&batch.records, batch.to) {
                self.progress.delivery.failed();
                tracing::error!(lines = batch.lines, "{error:#}; what was sent is asked of the brokers");
                // Whether a transaction that broke off was committed, only the brokers know.
                let Some((anew, sent)) = self.open() else { return };
                outbox = anew;
                if sent >= batch.to {
                    break;
                }
            }
            self.progress.delivery.done(batch.received, pipeline::now());
            self.forget(&batch);
        }
    }

    /// The next batch. While there is none the brokers are asked whether they are there, so that readiness is true also
    /// where nobody sends.
    fn next(&self, take: &mut mpsc::Receiver<Batch>, outbox: &Outbox, runtime: &Handle) -> Option<Batch> {
        let wait = |take: &mut mpsc::Receiver<Batch>| {
            runtime.block_on(async { tokio::time::timeout(ASK_EVERY, take.recv()).await })
        };
        loop {
            if let Ok(next) = wait(take) {
                return next;
            }
            match outbox.ask() {
                Ok(()) => self.progress.delivery.reached(),
                Err(error) => {
                    tracing::error!("{error:#}");
                    self.progress.delivery.failed();
                }
            }
        }
    }

    /// An outbox, and the first line that was not sent. `None` if it is time to stop: the spool keeps what is left.
    fn open(&mut self) -> Option<(Outbox, u64)> {
        let mut pause = Duration::from_millis(200);
        loop {
            match Outbox::open(&self.kafka, self.node, &self.name) {
                Ok((outbox, sent)) => {
                    self.progress.delivery.reached();
                    // The brokers forget a place that nobody renewed for a week; then the file beside the spool counts.
                    let begin = sent.unwrap_or(0).max(self.position.place().done);
                    self.progress.done.store(begin, Ordering::Relaxed);
                    tracing::info!(line = begin, "sending from here on");
                    return Some((outbox, begin));
                }
                Err(error) => {
                    self.progress.delivery.failed();
                    tracing::error!("{error:#}; trying again in {pause:?}");
                }
            }
            if self.stop.load(Ordering::Relaxed) {
                tracing::warn!("stopping without the brokers; the spool keeps what is left");
                return None;
            }
            std::thread::sleep(pause);
            pause = (pause * 2).min(Duration::from_secs(5));
        }
    }

    /// The brokers have the batch.
    fn forget(&mut self, batch: &Batch) {
        if let Err(error) = self.position.store(Place { done: batch.to, intent: None }) {
            tracing::warn!("{error}; the brokers know the place too");
        }
        if let Err(error) = self.spool.forget_below(batch.to) {
            tracing::warn!("{error}; the disk space is given back later");
        }
        for (source, lines) in &batch.lines_of {
            self.ledger.stored(source, *lines);
        }
        self.progress.done.store(batch.to, Ordering::Relaxed);
        self.progress.lines.fetch_add(batch.lines as u64, Ordering::Relaxed);
        self.progress.malformed.fetch_add(batch.malformed, Ordering::Relaxed);
        self.progress.batches.fetch_add(1, Ordering::Relaxed);
    }
}

//! Puts what stage one made of `events` where it belongs: rows into the store, matches into their topic.
//!
//! Exactly once, although a batch may be made twice: before anything of it is written, the group's offset says where it
//! begins and ends. Whoever has the partition next makes the same batch, and the store knows its token.

use crate::backup::Gate;
use crate::correlate::order::Entry;
use crate::kafka::{Committer, Dead, Producer, Span, Term, Topic};
use crate::pipeline;
use crate::progress::Progress;
use anyhow::Context as _;
use event::{EventId, Match, Time};
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;
use store::events::Events;
use tokio::sync::mpsc;

/// Consecutive records of a partition, and what stage one made of them.
pub(super) struct Batch {
    pub(super) span: Span,
    /// In which it was made.
    pub(super) term: Term,
    pub(super) lines: usize,
    pub(super) bytes: usize,
    /// The first event: part of the token, or a topic made anew would bring old tokens back.
    pub(super) first: Option<EventId>,
    pub(super) events: store::events::Batch,
    pub(super) matches: Vec<Match>,
    /// Records that nobody can read.
    pub(super) dead: Vec<Dead>,
    /// When the oldest was received.
    pub(super) oldest: Option<Time>,
    /// The newest receipt.
    pub(super) received: Option<Time>,
    /// Nothing was behind it when it was closed.
    pub(super) at_end: bool,
    /// The offset behind the last record read.
    pub(super) next: i64,
    /// How many partitions there are in all.
    pub(super) partitions: usize,
}

impl Batch {
    pub(super) fn new(span: Span, term: Term, events: store::events::Batch) -> Batch {
        let (matches, dead, partitions) = (Vec::new(), Vec::new(), 0);
        let (oldest, received, at_end, first, next) = (None, None, false, None, 0);
        let (lines, bytes) = (0, 0);
        Batch {
            span,
            term,
            lines,
            bytes,
            first,
            events,
            matches,
            dead,
            oldest,
            received,
            at_end,
            next,
            partitions,
        }
    }
}

pub(super) struct Storing {
    pub(super) events: Events,
    pub(super) committer: Committer,
    pub(super) gate: Gate,
    pub(super) producer: Producer,
    /// What tokens begin with.
    pub(super) topic: String,
    pub(super) progress: Arc<Progress>,
    pub(super) stop: Arc<AtomicBool>,
}

impl Storing {
    pub(super) async fn run(self, mut take: mpsc::Receiver<Batch>) {
        let mut done: HashMap<(i32, Term), i64> = HashMap::new();
        while let Some(mut batch) = take.recv().await {
            let mut pause = Duration::from_millis(200);
            self.progress.delivery.begin();
            while let Err(error) = self.store(&mut batch).await {
                self.progress.delivery.failed();
                tracing::error!(lines = batch.lines, "{error:#}; trying again in {pause:?}");
                if self.stop.load(Ordering::Relaxed) {
                    tracing::warn!(
                        "stopping with a batch that is not stored; whoever has its partition next makes it again"
                    );
                    return;
                }
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(Duration::from_secs(10));
            }
            match batch.lines {
                0 => self.progress.delivery.reached(),
                _ => self.progress.delivery.done(batch.oldest, pipeline::now()),
            }
            if batch.lines > 0 {
                done.insert((batch.span.partition, batch.term), batch.span.to);
            }
        }
        // So that the next one need not make the last batches again.
        for (of, to) in done {
            if let Err(error) = self.committer.done(of, to, "") {
                tracing::warn!("{error:#}; the last batch is made again, to no effect");
            }
        }
    }

    async fn store(&self, batch: &mut Batch) -> anyhow::Result<()> {
        let Span { partition, from, to } = batch.span;
        let _held = self.gate.pass();
        if batch.lines > 0 && !self.committer.intend(batch.span, batch.term)? {
            tracing::info!(partition, "a batch is left to whoever was given its partition since");
            batch.lines = 0;
            return Ok(());
        }
        for dead in &batch.dead {
            self.producer.send_dead(Topic::Events, dead)?;
        }
        for found in &batch.matches {
            let entry = Entry::Match { partition, found: Box::new(found.clone()) };
            self.producer.send(Topic::Matches, &found.rule, &serde_json::to_vec(&entry)?)?;
        }
        let Batch { partitions, received, at_end, next, .. } = *batch;
        let come = Entry::Progress { partition, partitions, received, at_end, next };
        self.producer.send(Topic::Matches, "", &serde_json::to_vec(&come)?)?;
        if let Some(first) = batch.first {
            let token = format!("{}-{partition}-{from}-{to}-{first}", self.topic);
            self.events.insert_batch(&mut batch.events, &token).await.context("store events")?;
            self.events.insert_matches(&batch.matches, &token).await.context("store matches")?;
        }
        // Windows and readers of dead letters get theirs before the batch counts as done.
        self.producer.settle()?;
        let add = |counter: &AtomicU64, n: usize| counter.fetch_add(n as u64, Ordering::Relaxed);
        add(&self.progress.lines, batch.lines);
        add(&self.progress.dead, batch.dead.len());
        add(&self.progress.matches, batch.matches.len());
        add(&self.progress.batches, usize::from(batch.lines > 0));
        Ok(())
    }
}

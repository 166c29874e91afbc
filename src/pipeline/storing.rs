//! The thread that stores batches, in order, until the store has taken them.

use super::{Batch, Pipeline, now};
use crate::backup::Gate;
use crate::progress::Progress;
use anyhow::Context as _;
use collector::intake::Ledger;
use collector::spool::{Place, Position, Spool};
use event::Incident;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;
use store::{cases::Cases, events::Events};
use tokio::sync::mpsc;

pub(super) struct Writer {
    events: Events,
    cases: Cases,
    ledger: Arc<Ledger>,
    spool: Arc<Spool>,
    position: Position,
    gate: Gate,
    node: u16,
    progress: Arc<Progress>,
    stop: Arc<AtomicBool>,
}

impl Writer {
    pub(super) fn new(pipeline: &Pipeline, position: Position) -> Writer {
        Writer {
            events: pipeline.events.clone(),
            cases: pipeline.cases.clone(),
            ledger: Arc::clone(&pipeline.ledger),
            spool: Arc::clone(&pipeline.spool),
            position,
            gate: Gate::of(&pipeline.folder),
            node: pipeline.config.node,
            progress: Arc::clone(&pipeline.progress),
            stop: Arc::clone(&pipeline.stop),
        }
    }

    pub(super) async fn run(mut self, mut take: mpsc::Receiver<Batch>) {
        while let Some(mut batch) = take.recv().await {
            let mut pause = Duration::from_millis(200);
            self.progress.delivery.begin();
            // The store may be away for long: the spool holds what comes meanwhile, nothing is given up.
            while let Err(error) = self.store(&mut batch).await {
                self.progress.delivery.failed();
                tracing::error!(lines = batch.lines, "{error:#}; trying again in {pause:?}");
                if self.stop.load(Ordering::Relaxed) {
                    tracing::warn!(
                        "stopping with a batch that is not stored; it is repeated at the next start"
                    );
                    return;
                }
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(Duration::from_secs(10));
            }
            self.progress.delivery.done(batch.received, now());
            self.count(&batch);
        }
        let done = self.position.place().intent.map_or(self.position.place().done, |(_, to)| to);
        if let Err(error) = self.position.store(Place { done, intent: None }) {
            tracing::warn!("{error}; the last batch is repeated at the next start, to no effect");
        }
    }

    async fn store(&mut self, batch: &mut Batch) -> anyhow::Result<()> {
        let _held = self.gate.pass();
        if batch.lines > 0 {
            let intent = Some((batch.from, batch.to));
            self.position
                .store(Place { done: batch.from, intent })
                .context("write the place in the spool")?;
            if let Err(error) = self.spool.forget_below(batch.from) {
                tracing::warn!("{error}; the disk space is given back later");
            }
            // A batch that was partly stored before a crash is without those events: another batch, another token.
            let token = format!("{}-{}-{}-{}", self.node, batch.from, batch.to, batch.events.rows());
            self.events.insert_batch(&mut batch.events, &token).await.context("store events")?;
            self.events.insert_matches(&batch.output.matches, &token).await.context("store matches")?;
        }
        let incidents = newest(&batch.output.incidents);
        if !incidents.is_empty() || !batch.output.merged.is_empty() {
            let merged = &batch.output.merged;
            self.cases.upsert_incidents(&incidents, merged, now()).await.context("store incidents")?;
        }
        if !batch.output.superseded.is_empty() {
            let gone = batch.output.superseded.iter().map(|(from, _)| *from);
            self.cases.remove_alerts(gone).await.context("take out superseded alerts")?;
        }
        Ok(())
    }

    fn count(&self, batch: &Batch) {
        for (source, lines) in &batch.lines_of {
            self.ledger.stored(source, *lines);
        }
        let add = |counter: &AtomicU64, n: usize| counter.fetch_add(n as u64, Ordering::Relaxed);
        add(&self.progress.lines, batch.lines);
        add(&self.progress.matches, batch.output.matches.len());
        add(&self.progress.alerts, batch.output.alerts.len());
        add(&self.progress.batches, 1);
        if batch.lines > 0 {
            self.progress.done.store(batch.to, Ordering::Relaxed);
        }
    }
}

/// Each incident once, as it was last said.
pub(crate) fn newest(incidents: &[Incident]) -> Vec<Incident> {
    let mut place: HashMap<uuid::Uuid, usize> = HashMap::new();
    let mut kept: Vec<Incident> = Vec::new();
    for incident in incidents {
        let at = *place.entry(incident.id).or_insert(kept.len());
        match kept.get_mut(at) {
            Some(old) => old.clone_from(incident),
            None => kept.push(incident.clone()),
        }
    }
    kept
}

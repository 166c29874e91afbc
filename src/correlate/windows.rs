//! Stage two: `matches` → windows → alerts and incidents.
//!
//! One member of the group has the topic's one partition; another takes over when it dies. State is the log: who takes
//! over reads back the matches that windows still reach, tells nothing of what comes of those that were told, and goes on.

use crate::correlate::order::{End, Entry, Order};
use crate::kafka::{Committer, Consumer, Dead, Ends, Polled, Producer, Record, Term, Topic};
use crate::pipeline;
use crate::progress::Progress;
use crate::rules::Live;
use anyhow::Context as _;
use correlator::{Correlator, Limits, Output};
use event::{Alert, Time};
use serde::Serialize;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};
use store::cases::Cases;
use tokio::runtime::Handle;
use uuid::Uuid;

/// Matches that wait for partitions that are behind, at most; beyond, the oldest go on without waiting.
const HELD_MAX: usize = 200_000;
/// How long what came of matches is gathered before it is told, at most.
const TELL_EVERY: Duration = Duration::from_millis(200);
/// How often the brokers are asked whether a silent partition still ends where it was read to.
const ASK_EVERY: Duration = Duration::from_millis(200);
/// The one partition.
const PARTITION: i32 = 0;

/// What stands in the topic `alerts`.
#[derive(Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum Told<'a> {
    /// A new or changed alert.
    Alert {
        #[serde(flatten)]
        alert: &'a Alert,
    },
    /// An alert is part of another now.
    Superseded { id: Uuid, into: Uuid },
}

pub(super) struct Windows {
    pub(super) consumer: Consumer,
    /// Of `events`.
    pub(super) ends: Ends,
    pub(super) producer: Producer,
    pub(super) cases: Cases,
    pub(super) rules: Arc<Live>,
    pub(super) limits: Limits,
    pub(super) memory_ms: i64,
    pub(super) progress: Arc<Progress>,
    pub(super) stop: Arc<AtomicBool>,
    pub(super) runtime: Handle,
}

/// What the one who has the partition knows.
struct State {
    term: Term,
    correlator: Correlator,
    order: Order,
    output: Output,
    dead: Vec<Dead>,
    /// The next record.
    next: i64,
    /// Everything below was told.
    done: i64,
    flushed: Instant,
    told: Instant,
    asked: Instant,
}

impl Windows {
    pub(super) fn run(self) {
        let committer = self.consumer.committer();
        let mut state = None;
        while !self.stop.load(Ordering::Relaxed) {
            if let Err(error) = self.look(&committer, &mut state) {
                tracing::error!("read matches: {error:#}");
                self.progress.telling.failed();
                std::thread::sleep(Duration::from_secs(1)); // brokers that refuse are asked again, not hammered
            }
        }
        if let Some(mut state) = state {
            state.correlator.flush(&mut state.output);
            self.tell(&committer, &mut state);
        }
    }

    fn look(&self, committer: &Committer, state: &mut Option<State>) -> anyhow::Result<()> {
        // Before anything else is read: what is read while there is no state would be lost.
        if state.is_none()
            && let Some(term) = committer.term(PARTITION)
        {
            *state = Some(self.rebuilt(term)?);
            self.progress.telling.reached();
        }
        let mut idle = false;
        match self.consumer.poll(Duration::from_millis(20))? {
            Polled::Record(record) => {
                if let Some(state) = state {
                    self.take(&record, state);
                }
            }
            Polled::Taken(_) => {
                tracing::info!("windows are another's");
                *state = None;
                self.progress.telling.reached(); // it is the other's to tell now
            }
            Polled::Given(_) | Polled::End(_) | Polled::Nothing => idle = true,
        }
        let Some(state) = state else { return Ok(()) };
        if state.flushed.elapsed() >= Duration::from_secs(1) {
            state.flushed = Instant::now();
            state.correlator.flush(&mut state.output);
            *self.progress.correlator.lock().unwrap_or_else(PoisonError::into_inner) =
                state.correlator.counters();
            self.progress.held.store(state.order.held() as u64, Ordering::Relaxed);
            self.progress.hurried.store(state.order.hurried, Ordering::Relaxed);
        }
        let something = state.output != Output::default() || !state.dead.is_empty();
        let since = state.told.elapsed();
        if (something && (idle || since >= TELL_EVERY))
            || (state.done < state.next && since >= Duration::from_secs(1))
        {
            self.tell(committer, state);
        }
        if state.asked.elapsed() >= ASK_EVERY {
            self.pass_silent(state)?; // told with the next look, which is never far
        }
        Ok(())
    }

    /// Lets matches go on that wait for partitions where nothing was written any more.
    fn pass_silent(&self, state: &mut State) -> anyhow::Result<()> {
        let ends = state.order.waits_for();
        state.asked = Instant::now();
        for End { partition, offset } in &ends {
            if !self.ends.is_at(*partition, *offset)? {
                return Ok(());
            }
        }
        if !ends.is_empty() {
            let (correlator, output) = (&mut state.correlator, &mut state.output);
            state.order.pass(&ends, |found| correlator.replay(found, output));
        }
        Ok(())
    }

    /// What the windows were when the group's offset was kept.
    fn rebuilt(&self, term: Term) -> anyhow::Result<State> {
        let rules = self.rules.current();
        let mut correlator = Correlator::new(rules, self.limits.clone());
        let mut order = Order::new(self.limits.lateness_ms, HELD_MAX);
        let (mut matches, mut output) = (0u64, Output::default());
        let mut again = |found: &event::Match| {
            correlator.replay(found, &mut output);
            output = Output::default(); // all of it was told before
            matches += 1;
        };
        let place = self.consumer.before(PARTITION, self.memory_ms, |value| {
            if let Ok(entry) = serde_json::from_slice::<Entry>(value) {
                order.take(entry, &mut again);
            }
        });
        let place = place.context("rebuild windows from matches")?;
        if let Some(released) = place.as_ref().and_then(|place| place.beside.parse().ok()) {
            order.pass_until(Time(released), &mut again);
        }
        let next = place.map_or(0, |place| place.offset);
        tracing::info!(matches, held = order.held(), "windows are ours, rebuilt from matches");
        let now = Instant::now();
        let (flushed, told, asked) = (now, now, now);
        Ok(State {
            term,
            correlator,
            order,
            output: Output::default(),
            dead: Vec::new(),
            next,
            done: next,
            flushed,
            told,
            asked,
        })
    }

    fn take(&self, record: &Record<'_>, state: &mut State) {
        if record.offset() < state.next {
            return; // it was read back
        }
        state.next = record.offset() + 1;
        let rules = self.rules.current();
        if !Arc::ptr_eq(&rules, state.correlator.rules()) {
            state.correlator.reload(rules, &mut state.output);
        }
        match serde_json::from_slice::<Entry>(record.value().unwrap_or_default()) {
            Ok(entry) => {
                let (correlator, output) = (&mut state.correlator, &mut state.output);
                state.order.take(entry, |found| correlator.replay(found, output));
            }
            Err(error) => state.dead.push(Dead::new(record, error.to_string())),
        }
    }

    /// Tells what came of matches until it is told, then keeps the place. Gives up only if the windows are another's by
    /// now, or at a stop: then it is worked out again.
    fn tell(&self, committer: &Committer, state: &mut State) {
        let mut pause = Duration::from_millis(200);
        self.progress.telling.begin();
        while let Err(error) = self.try_tell(committer, state) {
            self.progress.telling.failed();
            tracing::error!("{error:#}; trying again in {pause:?}");
            if self.stop.load(Ordering::Relaxed) || committer.term(PARTITION) != Some(state.term) {
                return;
            }
            if let Err(error) = self.consumer.stand_still(pause) {
                tracing::warn!("wait: {error:#}");
            }
            pause = (pause * 2).min(Duration::from_secs(10));
        }
        self.progress.telling.done(None, pipeline::now());
        if let Err(error) = self.consumer.go_on() {
            tracing::warn!("{error:#}");
        }
        state.told = Instant::now();
    }

    fn try_tell(&self, committer: &Committer, state: &mut State) -> anyhow::Result<()> {
        let output = &state.output;
        for dead in &state.dead {
            self.producer.send_dead(Topic::Matches, dead)?;
        }
        for alert in &output.alerts {
            let told = serde_json::to_vec(&Told::Alert { alert })?;
            self.producer.send(Topic::Alerts, &alert.id.to_string(), &told)?;
        }
        for (id, into) in &output.superseded {
            let told = serde_json::to_vec(&Told::Superseded { id: *id, into: *into })?;
            self.producer.send(Topic::Alerts, &id.to_string(), &told)?;
        }
        let incidents = pipeline::newest(&output.incidents);
        self.runtime.block_on(async {
            let cases = &self.cases;
            if !incidents.is_empty() || !output.merged.is_empty() {
                cases.upsert_incidents(&incidents, &output.merged, pipeline::now()).await?;
            }
            if !output.superseded.is_empty() {
                cases.remove_alerts(output.superseded.iter().map(|(from, _)| *from)).await?;
            }
            anyhow::Ok(())
        })?;
        self.producer.settle()?;
        self.progress.dead.fetch_add(state.dead.len() as u64, Ordering::Relaxed);
        self.progress.alerts.fetch_add(output.alerts.len() as u64, Ordering::Relaxed);
        (state.output, state.dead) = (Output::default(), Vec::new());
        let released = state.order.released().map_or_else(String::new, |released| released.0.to_string());
        committer.done((PARTITION, state.term), state.next, &released)?;
        state.done = state.next;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_says_of_which_kind_it_is() {
        let (id, into) = (Uuid::from_u128(1), Uuid::from_u128(2));
        assert_eq!(
            serde_json::to_value(Told::Superseded { id, into }).unwrap(),
            serde_json::json!({"kind": "superseded", "id": id, "into": into})
        );
    }
}

//! What has to be done now and then, by one of all processes on the same cases.

use crate::pipeline;
use std::time::{Duration, Instant};
use store::cases::Cases;

/// How often the one that leads shows that it is there; another takes over this much after it has gone.
const ASKED_EVERY: Duration = Duration::from_secs(5);
/// How often it works.
const DONE_EVERY: Duration = Duration::from_secs(600);

/// Begins in the background, to the end of the process.
pub(crate) fn start(cases: Cases) {
    tokio::spawn(async move {
        let mut leader = cases.leader("housekeeping");
        let (mut led, mut done): (bool, Option<Instant>) = (false, None);
        loop {
            let leads = leader.leads().await;
            if leads != led {
                tracing::info!(leads, "housekeeping");
                led = leads;
            }
            if leads && done.is_none_or(|done| done.elapsed() >= DONE_EVERY) {
                match cases.remove_ended_sessions(pipeline::now()).await {
                    Ok(sessions) => tracing::debug!(sessions, "sessions that have ended are taken out"),
                    Err(error) => tracing::warn!("housekeeping: {error}"),
                }
                done = Some(Instant::now());
            }
            tokio::time::sleep(ASKED_EVERY).await;
        }
    });
}

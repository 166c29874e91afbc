//! What an assessment rests on, gathered from both stores.

use crate::cases::{Cases, Error};
use crate::events::{Events, EventsError};
use compliance::{Assessment, Evidence, Period};
use event::Time;
use registry::Registry;

/// Measures a period. Where the events' store does not answer, what logs say is unknown, and the log says why.
///
/// # Errors
/// The cases' database refused.
pub async fn assess(cases: &Cases, events: &Events, period: Period, now: Time) -> Result<Assessment, Error> {
    let registry = cases.registry().await?;
    let evidence = gather(cases, events, &registry, period, now).await?;
    Ok(cases.rule_sets().assess(&registry, &evidence, period))
}

async fn gather(
    cases: &Cases,
    events: &Events,
    registry: &Registry,
    period: Period,
    now: Time,
) -> Result<Evidence, Error> {
    let mut evidence = Evidence {
        now,
        incidents: cases.incident_facts(period.begin(), period.end()).await?,
        last_delivery: cases.last_delivery(period.end().min(now)).await?,
        attestations: cases.attestations(now).await?,
        ..Evidence::default()
    };
    match logs(events, cases, registry, period, &mut evidence).await {
        Ok(()) => evidence.has_events = true,
        Err(cause) => tracing::warn!(%cause, "the events' store did not say what an assessment asks"),
    }
    Ok(evidence)
}

async fn logs(
    events: &Events,
    cases: &Cases,
    registry: &Registry,
    period: Period,
    evidence: &mut Evidence,
) -> Result<(), EventsError> {
    let today = period.today(evidence.now);
    let months = registry.systems.iter().map(|system| {
        let level = system.level_within(period.first, today);
        (system.id.clone(), cases.rule_sets().months(today, level))
    });
    let months: Vec<(String, u16)> = months.collect();
    evidence.days = events.days_of_logs(period).await?;
    evidence.assets = events.asset_logs(period).await?;
    // What was told after the period says nothing of it.
    evidence.antivirus = if period.end() < evidence.now {
        events.antivirus_before(period.end(), cases.rule_sets().outdated_days(today)).await?
    } else {
        events.antivirus().await?
    };
    evidence.held = events.held(&months).await?;
    Ok(())
}

/// Keeps what is stored for as long as the registry's levels ask, where a level was raised since. Says how many rows that
/// changed.
///
/// # Errors
/// One of the stores refused.
pub async fn keep_for_levels(cases: &Cases, events: &Events, now: Time) -> Result<u64, KeepError> {
    let today = compliance::day_of(now);
    let registry = cases.registry().await?;
    let months = registry.systems.iter().map(|system| {
        let level = system.level_on(today);
        (system.id.clone(), cases.rule_sets().months(today, level))
    });
    let months: Vec<(String, u16)> = months.filter(|(_, months)| *months > 0).collect();
    if months.is_empty() {
        return Ok(0);
    }
    Ok(events.lengthen(&months).await?)
}

/// Why rows could not be kept for longer.
#[derive(Debug, thiserror::Error)]
pub enum KeepError {
    /// The registry could not be read.
    #[error(transparent)]
    Cases(#[from] Error),
    /// The events could not be changed.
    #[error(transparent)]
    Events(#[from] EventsError),
}

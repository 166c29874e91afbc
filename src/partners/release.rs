//! Incidents that others are let know of by a rule of the configuration, without a person.

use super::{Lead, now};
use exchange::ReleaseConfig;
use std::sync::Arc;
use std::time::Duration;
use store::cases::{Actor, Cases, ReleaseFilter};
use store::events::Events;

/// How often it is looked for incidents to let out.
const LOOKS_EVERY: Duration = Duration::from_secs(5);

/// Lets out what one rule lets out.
pub(super) struct Releaser {
    pub(super) config: Arc<exchange::Config>,
    pub(super) rule: ReleaseConfig,
    pub(super) events: Events,
    pub(super) cases: Cases,
    pub(super) lead: Lead,
}

impl Releaser {
    pub(super) async fn run(self) {
        loop {
            if self.lead.is_ours().await
                && let Err(error) = self.look().await
            {
                tracing::error!(collection = self.rule.collection, "incidents were not let out: {error:#}");
            }
            tokio::time::sleep(LOOKS_EVERY).await;
        }
    }

    async fn look(&self) -> anyhow::Result<()> {
        let Some(collection) = self.config.taxii.collection(&self.rule.collection) else { return Ok(()) };
        let at = now();
        let id = collection.id.to_string();
        let filter = ReleaseFilter {
            collection: &id,
            severity_min: self.rule.severity_min,
            level_min: self.rule.level_min,
            rule: &self.rule.rule,
            since: at.plus_ms(-i64::from(self.rule.hours_max) * 3_600_000),
            told_before: at.plus_ms(-i64::from(self.rule.again_s) * 1000),
        };
        for incident in self.cases.to_release(&filter).await? {
            let by = Actor::system("exchange", now());
            let to = (collection, self.rule.tlp);
            let done = api::let_out(&self.cases, &self.events, &self.config, &by, &incident, to).await?;
            tracing::info!(
                incident,
                collection = collection.title,
                objects = done.objects,
                "let out by rule"
            );
        }
        Ok(())
    }
}

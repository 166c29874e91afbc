//! The rules in force, read again while everything runs.

use super::Config;
use crate::progress::Progress;
use correlator::RuleSet;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError, RwLock};
use tokio::signal::unix::{SignalKind, signal};

/// The rules in force. The pipeline takes over others before the next line that it reads, and its windows stay.
pub(crate) struct Live(RwLock<Arc<RuleSet>>);

impl Live {
    pub(crate) fn new(rules: Arc<RuleSet>) -> Live {
        Live(RwLock::new(rules))
    }

    pub(crate) fn current(&self) -> Arc<RuleSet> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn put(&self, rules: Arc<RuleSet>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = rules;
    }

    /// Reads the rules again at each SIGHUP. With a problem in any file those in force stay.
    ///
    /// # Errors
    /// The signal cannot be listened to.
    pub(crate) fn read_at_hangup(
        self: Arc<Live>,
        config: Config,
        progress: Arc<Progress>,
    ) -> std::io::Result<()> {
        let mut hangup = signal(SignalKind::hangup())?;
        tokio::spawn(async move {
            while hangup.recv().await.is_some() {
                let config = config.clone();
                let read = tokio::task::spawn_blocking(move || super::load(&config)).await;
                match read.map_err(anyhow::Error::from).flatten() {
                    Ok(rules) => {
                        tracing::info!(rules = rules.metas().count(), "rules are read again");
                        self.put(rules);
                        progress.rule_reloads.fetch_add(1, Ordering::Relaxed);
                    }
                    Err(problem) => {
                        tracing::error!("the rules in force stay, because of:\n{problem:#}");
                        progress.rule_reload_failures.fetch_add(1, Ordering::Relaxed);
                    }
                }
            }
        });
        Ok(())
    }
}

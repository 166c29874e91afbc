//! The rules in force, read again while everything runs.

use super::Config;
use crate::progress::Progress;
use anyhow::Context as _;
use correlator::RuleSet;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError, RwLock};
use tokio::signal::unix::{Signal, SignalKind, signal};

/// The rules in force. The pipeline takes over others before the next line that it reads, and its windows stay.
pub(crate) struct Live(RwLock<Arc<RuleSet>>);

/// Listens to SIGHUP from the start on: one that comes before anybody can heed it is heeded later.
pub(crate) struct Hangup(Signal);

impl Live {
    /// Reads the rules.
    ///
    /// # Errors
    /// The signal cannot be listened to, or a file of rules has a problem.
    pub(crate) fn load(config: &Config) -> anyhow::Result<(Arc<Live>, Hangup)> {
        let hangup = Hangup(signal(SignalKind::hangup()).context("listen for SIGHUP")?);
        Ok((Arc::new(Live(RwLock::new(super::load(config)?))), hangup))
    }

    pub(crate) fn current(&self) -> Arc<RuleSet> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn put(&self, rules: Arc<RuleSet>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = rules;
    }

    /// Reads the rules again at each SIGHUP. With a problem in any file those in force stay.
    pub(crate) fn read_at_hangup(
        self: Arc<Live>,
        Hangup(mut hangup): Hangup,
        config: Config,
        progress: Arc<Progress>,
    ) {
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
    }
}

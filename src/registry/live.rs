//! The table of assets in force, made anew whenever the registry has changed.

use collector::enrich::Assets;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;
use store::cases::{Cases, Error};

/// How often the registry is asked whether it has changed: one row by its key.
const ASK_EVERY: Duration = Duration::from_secs(1);

/// The table in force. The pipeline takes over another before the next lines that it reads.
pub(crate) struct Live(RwLock<Arc<Assets>>);

impl Live {
    /// The table of a collector's own file.
    pub(crate) fn fixed(assets: Arc<Assets>) -> Arc<Live> {
        Arc::new(Live(RwLock::new(assets)))
    }

    /// The table of the registry as it is, and from now on as it becomes, whoever changes it.
    ///
    /// # Errors
    /// The database refused.
    pub(crate) async fn following(cases: Cases) -> Result<Arc<Live>, Error> {
        let mut version = cases.registry_version().await?;
        let live = Live::fixed(Arc::new(Assets::of_registry(&cases.registry().await?)));
        let followed = Arc::clone(&live);
        tokio::spawn(async move {
            let mut is_told = false; // once, not every second while a database is away
            loop {
                tokio::time::sleep(ASK_EVERY).await;
                let done = followed.follow(&cases, &mut version).await;
                if let Err(error) = &done
                    && !is_told
                {
                    tracing::warn!("the registry cannot be read, the assets in force stay: {error}");
                }
                is_told = done.is_err();
            }
        });
        Ok(live)
    }

    pub(crate) fn current(&self) -> Arc<Assets> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    async fn follow(&self, cases: &Cases, version: &mut i64) -> Result<(), Error> {
        // Asked first: what changes after it is another version, and is read again then.
        let found = cases.registry_version().await?;
        if found != *version {
            let assets = Arc::new(Assets::of_registry(&cases.registry().await?));
            *self.0.write().unwrap_or_else(PoisonError::into_inner) = assets;
            *version = found;
            tracing::info!(version = found, "the registry has changed and is in force");
        }
        Ok(())
    }
}

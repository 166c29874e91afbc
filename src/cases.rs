//! The cases' database that the configuration names.

use crate::config::{Config, Place};
use anyhow::Context as _;
use std::path::Path;
use std::time::Duration;
use store::cases::{Cases, Error, Target};

/// How often a database that is away is tried again.
const TRIED_EVERY: Duration = Duration::from_secs(1);

/// Opens the cases; waits for a server that is away.
pub(crate) async fn open(config: &Config, data: &Path) -> anyhow::Result<Cases> {
    let target = config.cases.target(data)?;
    let mut is_told = false;
    loop {
        match Cases::open(&target, config.cases.limits.clone()).await {
            Err(Error::Away(why)) => {
                if !is_told {
                    tracing::warn!("{target} does not answer ({why}); waiting for it");
                    is_told = true;
                }
                tokio::time::sleep(TRIED_EVERY).await;
            }
            done => return opened(&target, done),
        }
    }
}

/// Opens the cases of an installation that is there already.
pub(crate) async fn existing(config: &Config) -> anyhow::Result<Cases> {
    let target = config.cases.target(&config.data())?;
    if let Target::File(path) = &target {
        anyhow::ensure!(path.exists(), "{target} is missing; is it the data folder of `haidang run`?");
    }
    opened(&target, Cases::open(&target, config.cases.limits.clone()).await)
}

/// Opens them without a change to their schema, for a copy.
pub(crate) async fn as_they_are(config: &Config) -> anyhow::Result<Cases> {
    let target = config.cases.target(&config.data())?;
    if let Target::File(path) = &target {
        anyhow::ensure!(path.exists(), "{target} is missing; is it the data folder of `haidang run`?");
    }
    opened(&target, Cases::open_as_they_are(&target, config.cases.limits.clone()).await)
}

/// Does something with an installation's cases, beside its running processes or without any.
pub(crate) fn with<T>(place: &Place, act: impl AsyncFnOnce(&Cases) -> T) -> anyhow::Result<T> {
    let config = Config::at(place)?;
    let data = config.data();
    std::fs::create_dir_all(&data).with_context(|| format!("make the data folder {}", data.display()))?;
    let target = config.cases.target(&data)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().context("start")?;
    runtime.block_on(async {
        let cases = opened(&target, Cases::open(&target, config.cases.limits.clone()).await)?;
        let done = act(&cases).await;
        cases.close().await;
        Ok(done)
    })
}

fn opened(target: &Target, done: Result<Cases, Error>) -> anyhow::Result<Cases> {
    done.with_context(|| format!("open the cases' database {target}"))
}

//! `haidang serve`: API and dashboards, beside collectors and correlators that are other processes.
//!
//! Without a ClickHouse server it runs the embedded engine, and `haidang correlate` with the same data folder uses it.

use crate::config::{Config, Overrides};
use crate::ledger::Collectors;
use crate::rules::Live;
use crate::run;
use crate::web::{self, Parts};
use anyhow::Context as _;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;
use store::events::{Events, Target};

#[derive(clap::Args)]
pub(crate) struct Options {
    #[command(flatten)]
    overrides: Overrides,
}

pub(crate) fn run(options: &Options) -> anyhow::Result<ExitCode> {
    let config = Config::load(&options.overrides)?;
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().build().context("start threads")?;
    let outcome = runtime.block_on(serve(&config));
    runtime.shutdown_timeout(Duration::from_secs(2));
    outcome
}

async fn serve(config: &Config) -> anyhow::Result<ExitCode> {
    let (rules, hangup) = Live::load(&config.rules)?;
    // Its log says what came of a reload; the counters are those of whoever matches.
    Arc::clone(&rules).read_at_hangup(hangup, config.rules.clone(), Arc::default());
    let data = crate::upgrade::enter(config).await?;
    let (target, engine) = match &config.store.server {
        Some(server) => (server.target()?, None),
        None => {
            let engine = run::start_engine(config, &data).await?;
            (Target::Socket(engine.socket().to_owned()), Some(engine))
        }
    };
    let laws = config.compliance.load()?;
    let events = Events::connect(target, config.store.events.clone()).under(Arc::clone(&laws));
    events.migrate().await.context("bring the events' tables up to date")?;
    let cases = run::open_cases(config, &data, laws, &events).await?;

    run::partners(config, &events, &cases);
    let listener = run::listen(config.api.address).await?;
    let address = listener.local_addr()?;
    let parts = Parts::new(config, events, cases.clone(), rules);
    let collectors = Collectors::follow(&config.kafka).context("listen to the collectors")?;
    let (close, closed) = tokio::sync::oneshot::channel::<()>();
    let shutdown = async {
        let _ = closed.await; // either way it is time to stop
    };
    let server = tokio::spawn(api::serve(listener, api::router(web::alone(parts, collectors)), shutdown));
    run::announce(&data, "serve", serde_json::json!({ "api": address }), None)?;

    run::asked_to_stop().await?;
    let _ = close.send(()); // the server is gone only if it failed, which the log tells
    let _ = tokio::time::timeout(Duration::from_secs(5), server).await;
    cases.close().await;
    if let Some(engine) = engine {
        engine.stop().await;
    }
    let _ = std::fs::remove_file(data.join("serve.json"));
    Ok(ExitCode::SUCCESS)
}

//! One feed: asked every so often for what came since, its indicators taken in.

use super::outside::{Outside, Reader};
use super::{Lead, looks_every, now};
use anyhow::Context as _;
use exchange::FeedConfig;
use serde_json::Value;
use store::cases::{Actor, Cases, Feed};
use store::events::Events;

pub(super) async fn run(settings: FeedConfig, events: Events, cases: Cases, outside: Outside, lead: Lead) {
    loop {
        if lead.is_ours().await
            && let Err(error) = ask(&settings, (&events, &cases), &outside).await
        {
            tracing::error!(feed = settings.name, "the feed's place is not known: {error:#}");
        }
        tokio::time::sleep(looks_every(settings.every_s)).await;
    }
}

/// Asks if it is time, and writes down what came of it.
async fn ask(
    settings: &FeedConfig,
    (events, cases): (&Events, &Cases),
    outside: &Outside,
) -> anyhow::Result<()> {
    let known = cases.feeds().await?.into_iter().find(|feed| feed.name == settings.name);
    let mut feed = known.unwrap_or_default();
    if feed.collection != settings.collection {
        feed =
            Feed { name: settings.name.clone(), collection: settings.collection.clone(), ..Feed::default() };
    } else if now() < feed.asked.plus_ms(i64::from(settings.every_s) * 1000) {
        return Ok(());
    }
    let outcome = fetch(settings, (events, cases), outside, &feed).await;
    let at = now();
    match outcome {
        Ok((objects, reached)) => {
            feed.objects = feed.objects.saturating_add(objects);
            feed.reached = reached.unwrap_or_default();
            (feed.succeeded, feed.failures) = (Some(at), 0);
            feed.problem.clear();
        }
        Err(error) => {
            feed.failures = feed.failures.saturating_add(1);
            feed.problem = format!("{error:#}");
            tracing::warn!(feed = settings.name, "the feed was not read: {}", feed.problem);
        }
    }
    cases.put_feed(&Actor::system("exchange", at), &feed).await?;
    Ok(())
}

/// What came since, page by page. The place is given only at the end: objects of one moment may lie on two pages.
async fn fetch(
    settings: &FeedConfig,
    (events, cases): (&Events, &Cases),
    outside: &Outside,
    feed: &Feed,
) -> anyhow::Result<(u64, Option<String>)> {
    let after = Some(feed.reached.clone()).filter(|reached| !reached.is_empty());
    let mut reader = Reader::new(outside.clone(), &settings.collection, after, settings.page_objects);
    let mut objects = 0;
    loop {
        let (back, page) = tokio::task::spawn_blocking(move || {
            let page = reader.next_page();
            (reader, page)
        })
        .await?;
        reader = back;
        let Some(page) = page? else { return Ok((objects, reader.added_last)) };
        objects += page.len() as u64;
        let read = exchange::stix::indicators(&page, &settings.name);
        if let Some(one) = read.refused.first() {
            let count = read.refused.len();
            tracing::warn!(feed = settings.name, count, "not understood, as {}: {}", one.object, one.why);
        }
        let by = Actor::system("exchange", now());
        let max = crate::indicators::COUNT_MAX;
        cases
            .load_indicators(&by, &settings.name, &read.indicators, &read.revoked, max)
            .await
            .context("store the indicators")?;
        if settings.warns {
            warn(settings, events, cases, &page).await?;
        }
    }
}

/// Takes the reports and notes of a page in as warnings, each with those indicators of the page that it names.
async fn warn(settings: &FeedConfig, events: &Events, cases: &Cases, page: &[Value]) -> anyhow::Result<()> {
    for said in page.iter().filter(|object| object["type"] == "report" || object["type"] == "note") {
        let named: Vec<&Value> = said["object_refs"].as_array().into_iter().flatten().collect();
        let indicators =
            page.iter().filter(|object| object["type"] == "indicator" && named.contains(&&object["id"]));
        let objects: Vec<&Value> = std::iter::once(said).chain(indicators).collect();
        let incoming = api::Incoming {
            source: settings.name.clone(),
            document: serde_json::json!({ "type": "bundle", "objects": objects }).to_string(),
            ..api::Incoming::default()
        };
        let by = Actor::system("exchange", now());
        match api::take_in(cases, events, &by, incoming).await {
            Ok(taken) => {
                tracing::info!(feed = settings.name, incident = taken.incident, "a warning is taken in");
            }
            // One that says nothing keeps no other from being read.
            Err(api::WarningError::Cases(store::cases::Error::Invalid(why))) => {
                tracing::warn!(feed = settings.name, id = said["id"].as_str(), "no warning: {why}");
            }
            Err(error) => return Err(error).context("take a warning in"),
        }
    }
    Ok(())
}

//! `/exchange`: how it stands with those with whom we exchange, what was sent, and sending again.

use crate::App;
use crate::access::Caller;
use crate::error::Error;
use crate::extract::{Path, Query, limit, time};
use axum::extract::State;
use event::Time;
use serde::{Deserialize, Serialize};
use store::cases::{Delivery, Feed, Standing};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(crate) fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(exchange)).routes(routes!(deliveries)).routes(routes!(retry))
}

/// With whom we exchange, and how it stands.
#[derive(Serialize, ToSchema)]
struct Exchange {
    /// To whom the antivirus report is sent by itself.
    partners: Vec<PartnerBody>,
    /// What is fetched from others by itself.
    feeds: Vec<FeedBody>,
    /// What others may fetch from us.
    collections: Vec<CollectionBody>,
}

/// Somebody to whom something is sent.
#[derive(Serialize, ToSchema)]
struct PartnerBody {
    name: String,
    /// Where it is sent.
    url: String,
    /// To whom they may show it.
    tlp: &'static str,
    /// How long a report's period is.
    every_s: u32,
    /// When something last arrived.
    #[schema(value_type = Option<String>)]
    succeeded: Option<Time>,
    /// How long ago that is.
    succeeded_age_s: Option<i64>,
    /// How many reports wait.
    waiting: u64,
    /// Since when the oldest of them waits.
    #[schema(value_type = Option<String>)]
    waiting_since: Option<Time>,
    /// How many the other side does not take.
    refused: u64,
    /// What the last attempt came to grief of, or empty.
    problem: String,
    /// When the oldest that waits is sent again.
    #[schema(value_type = Option<String>)]
    next: Option<Time>,
}

/// A collection of another server.
#[derive(Serialize, ToSchema)]
struct FeedBody {
    name: String,
    /// Where it is.
    collection: String,
    /// How often it is asked.
    every_s: u32,
    /// When it last answered.
    #[schema(value_type = Option<String>)]
    succeeded: Option<Time>,
    /// How long ago that is.
    succeeded_age_s: Option<i64>,
    /// The moment, as its server tells it, up to which it was read.
    reached: String,
    /// Objects that came in all.
    objects: u64,
    /// How often in a row it did not answer.
    failures: u32,
    /// Why it did not, or empty.
    problem: String,
}

/// A collection of ours.
#[derive(Serialize, ToSchema)]
struct CollectionBody {
    /// What names it in an address: its alias, else its id.
    name: String,
    title: String,
    description: String,
    /// The strictest colour that it holds.
    tlp: &'static str,
    /// Who reads it, and up to which colour.
    readers: std::collections::BTreeMap<String, &'static str>,
}

/// Something that was sent, or is to be.
#[derive(Serialize, ToSchema)]
struct DeliveryBody {
    id: String,
    partner: String,
    /// `avreport`.
    kind: String,
    tlp: &'static str,
    /// The first moment of its period.
    #[schema(value_type = String)]
    from: Time,
    /// The moment after its last.
    #[schema(value_type = String)]
    to: Time,
    #[schema(value_type = String)]
    made: Time,
    bytes: u64,
    /// Its SHA-256.
    sha256: String,
    /// `waiting`, `delivered`, `refused`.
    state: &'static str,
    attempts: u32,
    /// When it is sent next, while it waits.
    #[schema(value_type = Option<String>)]
    next: Option<Time>,
    /// What the last attempt came to grief of, or empty.
    problem: String,
    #[schema(value_type = Option<String>)]
    delivered: Option<Time>,
}

#[derive(Serialize, ToSchema)]
struct DeliveryPage {
    items: Vec<DeliveryBody>,
    /// Given as `before`, the next page; null after the last.
    #[schema(value_type = Option<String>)]
    next: Option<Time>,
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct DeliveryQuery {
    /// Made before this moment.
    before: Option<String>,
    /// At most so many, 1 to 1000; 100 if absent.
    limit: Option<String>,
}

/// With whom we exchange, when something last arrived there, and what waits.
#[utoipa::path(get, path = "/exchange", tag = "exchange", responses((status = 200, body = Exchange)))]
async fn exchange(State(app): State<App>) -> Result<axum::Json<Exchange>, Error> {
    let now = (app.clock)();
    let (standings, feeds) = (app.cases.standings().await?, app.cases.feeds().await?);
    let mut partners = Vec::new();
    for settings in &app.exchange.deliveries {
        let standing = standings.iter().find(|one| one.partner == settings.partner);
        // Asked as of the end of time: the oldest that waits, due or not.
        let oldest = app.cases.due_delivery(&settings.partner, Time(i64::MAX)).await?;
        let known = standing.cloned().unwrap_or_default();
        partners.push(partner(settings, &known, oldest.map(|(delivery, _)| delivery), now));
    }
    let feeds = app.exchange.feeds.iter().map(|settings| {
        let known = feeds.iter().find(|one| one.name == settings.name).cloned().unwrap_or_default();
        feed(settings, known, now)
    });
    let collections = app.exchange.taxii.collections.iter().map(|one| CollectionBody {
        name: one.alias.clone().unwrap_or_else(|| one.id.to_string()),
        title: one.title.clone(),
        description: one.description.clone(),
        tlp: one.tlp.name(),
        readers: one.readers.iter().map(|(who, tlp)| (who.clone(), tlp.name())).collect(),
    });
    Ok(axum::Json(Exchange { partners, feeds: feeds.collect(), collections: collections.collect() }))
}

fn age_s(since: Option<Time>, now: Time) -> Option<i64> {
    since.map(|since| now.0.saturating_sub(since.0).max(0) / 1000)
}

fn partner(
    settings: &exchange::DeliveryConfig,
    standing: &Standing,
    oldest: Option<Delivery>,
    now: Time,
) -> PartnerBody {
    PartnerBody {
        name: settings.partner.clone(),
        url: settings.url.clone(),
        tlp: settings.tlp.name(),
        every_s: settings.every_s,
        succeeded: standing.succeeded,
        succeeded_age_s: age_s(standing.succeeded, now),
        waiting: standing.waiting,
        waiting_since: standing.waiting_since,
        refused: standing.refused,
        next: oldest.as_ref().map(|oldest| oldest.next),
        problem: oldest.map(|oldest| oldest.problem).unwrap_or_default(),
    }
}

fn feed(settings: &exchange::FeedConfig, known: Feed, now: Time) -> FeedBody {
    FeedBody {
        name: settings.name.clone(),
        collection: settings.collection.clone(),
        every_s: settings.every_s,
        succeeded: known.succeeded,
        succeeded_age_s: age_s(known.succeeded, now),
        reached: known.reached,
        objects: known.objects,
        failures: known.failures,
        problem: known.problem,
    }
}

impl From<Delivery> for DeliveryBody {
    fn from(one: Delivery) -> DeliveryBody {
        let waits = one.state == store::cases::DeliveryState::Waiting;
        DeliveryBody {
            id: one.id,
            partner: one.partner,
            kind: one.kind,
            tlp: one.tlp.name(),
            from: one.from,
            to: one.to,
            made: one.made,
            bytes: one.bytes,
            sha256: one.digest,
            state: one.state.name(),
            attempts: one.attempts,
            next: Some(one.next).filter(|_| waits),
            problem: one.problem,
            delivered: one.delivered,
        }
    }
}

/// What was sent and what waits, newest first.
#[utoipa::path(get, path = "/exchange/deliveries", tag = "exchange", params(DeliveryQuery),
    responses((status = 200, body = DeliveryPage)))]
async fn deliveries(
    State(app): State<App>,
    Query(query): Query<DeliveryQuery>,
) -> Result<axum::Json<DeliveryPage>, Error> {
    let before = time("before", query.before.as_deref())?;
    let limit = limit(query.limit.as_deref())?;
    let found = app.cases.deliveries(before, limit).await?;
    let next = found.last().filter(|_| found.len() == limit as usize).map(|last| last.made);
    Ok(axum::Json(DeliveryPage { items: found.into_iter().map(DeliveryBody::from).collect(), next }))
}

/// Sends one again that was refused, or one that waits without waiting longer.
#[utoipa::path(post, path = "/exchange/deliveries/{id}/retry", tag = "exchange", params(("id" = String, Path)),
    responses((status = 200, body = DeliveryBody), (status = 404), (status = 422)))]
async fn retry(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path,
) -> Result<axum::Json<DeliveryBody>, Error> {
    Ok(axum::Json(app.cases.retry_delivery(&caller.actor, &id).await?.into()))
}

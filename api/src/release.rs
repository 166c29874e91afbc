//! `/incidents/{id}/release`: a person lets others know of an incident, or a rule of the configuration does. Nothing leaves
//! without either.

use crate::App;
use crate::access::Caller;
use crate::error::Error;
use crate::extract::{Json, Path};
use axum::extract::State;
use event::{Field, Incident, Tlp, Value};
use exchange::stix::{self, id, marking};
use exchange::taxii::Stamp;
use exchange::{Collection, Notice};
use serde::{Deserialize, Serialize};
use store::cases::{Actor, Added, Cases, Detail, NewObject};
use store::events::Events;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(crate) fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(release)).routes(routes!(releases))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ReleaseRequest {
    /// The id or alias of the collection that it goes into: its audience.
    collection: String,
    /// To whom they may show it: clear, green, amber, amber+strict, red. At most the collection's.
    tlp: String,
}

/// What was let out.
#[derive(Debug, Serialize, ToSchema)]
pub struct Released {
    /// The STIX id of the incident.
    pub id: String,
    /// Objects that tell of it.
    pub objects: usize,
    /// Those among them that the collection did not have.
    pub new: usize,
}

/// Events of evidence that are asked for indicators that they met.
const EVIDENCE_MAX: usize = 5000;

/// To whom an incident was let out, the last time for each.
#[derive(Serialize, ToSchema)]
struct ReleaseBody {
    /// The title of the collection: the audience.
    audience: String,
    tlp: &'static str,
    #[schema(value_type = String)]
    time: event::Time,
    /// Who did it: a person, or `[exchange]` by a rule of the configuration.
    actor: String,
}

#[derive(Serialize, ToSchema)]
struct Releases {
    items: Vec<ReleaseBody>,
}

/// Why nothing was let out.
#[derive(Debug, thiserror::Error)]
pub enum ReleaseError {
    /// The cases' database refused, or there is no such incident.
    #[error(transparent)]
    Cases(#[from] store::cases::Error),
    /// The events' store refused.
    #[error(transparent)]
    Events(#[from] store::events::EventsError),
}

impl From<ReleaseError> for Error {
    fn from(error: ReleaseError) -> Error {
        match error {
            ReleaseError::Cases(error) => Error::Cases(error),
            ReleaseError::Events(error) => Error::Events(error),
        }
    }
}

/// Lets the audience of a collection know of the incident, as STIX 2.1 over TAXII: what happened, addresses, machines,
/// techniques, indicators that were met; no accounts, no comments.
#[utoipa::path(post, path = "/incidents/{id}/release", tag = "incidents", params(("id" = String, Path)),
    request_body = ReleaseRequest, responses((status = 200, body = Released), (status = 404), (status = 422)))]
async fn release(
    State(app): State<App>,
    caller: Caller,
    Path(incident): Path,
    Json(sent): Json<ReleaseRequest>,
) -> Result<axum::Json<Released>, Error> {
    let refuse = |why: &str| Error::Cases(store::cases::Error::Invalid(why.to_owned()));
    let tlp =
        Tlp::by_name(&sent.tlp).ok_or_else(|| refuse("`tlp` is clear, green, amber, amber+strict or red"))?;
    let collection = app.exchange.taxii.collection(&sent.collection).ok_or(Error::Missing("collection"))?;
    if tlp > collection.tlp {
        return Err(refuse("`tlp` is more than this collection holds: another audience, or less in it"));
    }
    let released =
        let_out(&app.cases, &app.events, &app.exchange, &caller.actor, &incident, (collection, tlp)).await?;
    Ok(axum::Json(released))
}

/// To whom the incident was let out, in which colour, when and by whom: the last time for each audience.
#[utoipa::path(get, path = "/incidents/{id}/releases", tag = "incidents", params(("id" = String, Path)),
    responses((status = 200, body = Releases), (status = 404)))]
async fn releases(State(app): State<App>, Path(incident): Path) -> Result<axum::Json<Releases>, Error> {
    let detail = app.cases.incident(&incident).await?.ok_or(Error::Missing("incident"))?;
    let all = app.cases.releases(&detail.summary.id).await?;
    let items = all.into_iter().map(|one| ReleaseBody {
        audience: match app.exchange.taxii.collection(&one.collection) {
            Some(collection) => collection.title.clone(),
            None => one.collection, // it is no longer configured
        },
        tlp: one.tlp.name(),
        time: one.time,
        actor: one.actor,
    });
    Ok(axum::Json(Releases { items: items.collect() }))
}

/// Lets a collection's audience know of an incident in a colour, and writes down that it does. A later release of the same
/// incident is a new version. Each reader sees the newest that their colour allows: in a more open colour than before
/// more see it now, in a stricter one the others keep what they have, for what is out cannot be taken back.
///
/// # Errors
/// There is no such incident, the collection is full, or a store refused.
pub async fn let_out(
    cases: &Cases,
    events: &Events,
    exchange: &exchange::Config,
    by: &Actor,
    incident: &str,
    (collection, tlp): (&Collection, Tlp),
) -> Result<Released, ReleaseError> {
    let missing = store::cases::Error::Missing("incident");
    let detail = cases.incident(incident).await?.ok_or(missing)?;
    let target = detail.summary.id.clone();
    let met = met(cases, events, &detail).await?;
    let notice = notice(detail, by.now, tlp)?.with_sighted(met);
    let objects = stix::of_notice(&notice, &exchange.organisation);
    let objects = stix::bundle(objects).objects.iter().map(kept).collect::<Result<Vec<_>, _>>()?;
    let id = collection.id.to_string();
    cases.put_release(by, &target, (&id, &collection.title), tlp).await?;
    let max = exchange.taxii.collection_objects_max;
    let done = cases.taxii_add(by, &id, &objects, max).await?;
    if done.contains(&Added::Full) {
        return Err(store::cases::Error::Invalid("the collection is full".to_owned()).into());
    }
    let new = done.iter().filter(|added| matches!(added, Added::New(_))).count();
    let id = id::own("incident", &[&exchange.organisation.code, &target]);
    Ok(Released { id, objects: objects.len(), new })
}

/// The indicators that the incident's evidence met, as far as they are still known.
async fn met(cases: &Cases, events: &Events, detail: &Detail) -> Result<Vec<event::Indicator>, ReleaseError> {
    let mut ids: Vec<event::EventId> =
        detail.alerts.iter().flat_map(|alert| alert.events.iter().copied()).collect();
    ids.sort_unstable();
    ids.dedup();
    ids.truncate(EVIDENCE_MAX);
    let mut references = std::collections::BTreeSet::new();
    for event in events.get(&ids).await? {
        if let Some(Value::Text(reference)) = event.get(Field::THREAT_INDICATOR_REFERENCE) {
            references.insert(reference.to_owned());
        }
    }
    let mut met = Vec::new();
    for reference in references {
        met.extend(cases.indicators_of(&reference).await?);
    }
    Ok(met)
}

/// What others are told of an incident.
pub(crate) fn notice(detail: Detail, now: event::Time, tlp: Tlp) -> Result<Notice, store::cases::Error> {
    let Detail { summary, alerts, .. } = detail;
    let unreadable = |_| store::cases::Error::Corrupt("incident's id");
    // Told now: a new version, whatever was told before and in whatever colour.
    let is_closed = summary.status == event::Status::Closed;
    let (number, events) = (summary.number, summary.events_count);
    let incident = Incident {
        id: summary.id.parse().map_err(unreadable)?,
        title: summary.title,
        title_vi: summary.title_vi,
        severity: summary.severity,
        stage: summary.stage,
        first: summary.first,
        last: summary.last,
        entities: summary.entities,
        unit: summary.unit,
        system: summary.system,
        system_level: summary.system_level,
        alerts,
        authorised: summary.authorised,
    };
    Ok(Notice { events, ..Notice::of(&incident, number, is_closed, now, tlp) })
}

/// An object of ours as a collection keeps it.
fn kept(object: &stix::Object) -> Result<NewObject, store::cases::Error> {
    let unreadable = |_| store::cases::Error::Corrupt("STIX object");
    let value = serde_json::to_value(object).map_err(unreadable)?;
    let text = |name: &str| value[name].as_str();
    let version = text("modified").or_else(|| text("created")).and_then(Stamp::parse);
    Ok(NewObject {
        id: object.id().to_owned(),
        kind: text("type").unwrap_or_default().to_owned(),
        version_us: version.map(|stamp| stamp.0),
        tlp: marking::of(&value),
        body: value.to_string(),
    })
}

//! `/incidents/{id}/release`: a person lets others know of an incident. Nothing leaves without that.

use crate::App;
use crate::access::Caller;
use crate::error::Error;
use crate::extract::{Json, Path};
use axum::extract::State;
use event::{Incident, Tlp};
use exchange::stix::{self, id, marking};
use exchange::taxii::Stamp;
use exchange::{Notice, TaxiiConfig};
use serde::{Deserialize, Serialize};
use store::cases::{Added, Detail, NewObject};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(crate) fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(release))
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
#[derive(Serialize, ToSchema)]
struct Released {
    /// The STIX id of the incident.
    id: String,
    /// Objects that tell of it.
    objects: usize,
    /// Those among them that the collection did not have.
    new: usize,
}

/// Lets the audience of a collection know of the incident, as STIX 2.1 over TAXII: what happened, addresses, machines,
/// techniques; no accounts, no comments.
#[utoipa::path(post, path = "/incidents/{id}/release", tag = "incidents", params(("id" = String, Path)),
    request_body = ReleaseRequest, responses((status = 200, body = Released), (status = 404), (status = 422)))]
async fn release(
    State(app): State<App>,
    caller: Caller,
    Path(incident): Path,
    Json(sent): Json<ReleaseRequest>,
) -> Result<axum::Json<Released>, Error> {
    let limits: &TaxiiConfig = &app.exchange.taxii;
    let refuse = |why: &str| Error::Cases(store::cases::Error::Invalid(why.to_owned()));
    let tlp =
        Tlp::by_name(&sent.tlp).ok_or_else(|| refuse("`tlp` is clear, green, amber, amber+strict or red"))?;
    let collection = limits.collection(&sent.collection).ok_or(Error::Missing("collection"))?;
    if tlp > collection.tlp {
        return Err(refuse("`tlp` is more than this collection holds: another audience, or less in it"));
    }
    let detail = app.cases.incident(&incident).await?.ok_or(Error::Missing("incident"))?;
    let target = detail.summary.id.clone();
    // Told now: a new version, whatever was told before and in whatever colour.
    let notice = notice(detail, caller.actor.now, tlp)?;
    let objects = stix::of_notice(&notice, &app.exchange.organisation);
    let objects = stix::bundle(objects).objects.iter().map(kept).collect::<Result<Vec<_>, _>>()?;
    let to = format!("TLP:{} to {}", tlp.name().to_uppercase(), collection.title);
    app.cases.audit(&caller.actor, "incident.release", &target, "done", &to).await?;
    let id = collection.id.to_string();
    let done = app.cases.taxii_add(&caller.actor, &id, &objects, limits.collection_objects_max).await?;
    if done.contains(&Added::Full) {
        return Err(refuse("the collection is full"));
    }
    let new = done.iter().filter(|added| matches!(added, Added::New(_))).count();
    let id = id::own("incident", &[&app.exchange.organisation.code, &target]);
    Ok(axum::Json(Released { id, objects: objects.len(), new }))
}

fn notice(detail: Detail, now: event::Time, tlp: Tlp) -> Result<Notice, Error> {
    let Detail { summary, alerts, .. } = detail;
    let unreadable = |_| Error::Cases(store::cases::Error::Corrupt("incident's id"));
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
fn kept(object: &stix::Object) -> Result<NewObject, Error> {
    let unreadable = |_| Error::Cases(store::cases::Error::Corrupt("STIX object"));
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

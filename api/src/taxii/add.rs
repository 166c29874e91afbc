//! Objects that others leave with us. Each stands for itself: one that is not taken says why, the others are kept.

use super::answer;
use super::right::Right;
use crate::App;
use crate::access::Caller;
use crate::error::Error;
use crate::extract::Path;
use axum::body::Body;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use event::Tlp;
use exchange::stix::{self, id, marking};
use exchange::taxii::{Envelope, Stamp, Status, StatusDetail};
use serde_json::Value;
use serde_json::value::RawValue;
use store::cases::{Added, NewObject};

pub(super) async fn status(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path,
) -> Result<Response, Error> {
    let kept = app.cases.taxii_status(&id, &caller.actor.name).await?.ok_or(Error::Missing("status"))?;
    let status: Status =
        serde_json::from_str(&kept).map_err(|_| Error::Cases(store::cases::Error::Corrupt("status")))?;
    Ok(answer::json(StatusCode::OK, &status))
}

pub(super) async fn add(
    State(app): State<App>,
    caller: Caller,
    Path(name): Path,
    body: Body,
) -> Result<Response, Error> {
    let right = Right::in_named(&app, &caller, &name)?;
    right.to_write()?;
    let limits = &app.exchange.taxii;
    let Ok(body) = axum::body::to_bytes(body, limits.content_bytes_max).await else {
        let detail = format!("a body has at most {} bytes", limits.content_bytes_max);
        return Err(Error::Rejected(StatusCode::PAYLOAD_TOO_LARGE, detail));
    };
    let envelope: Envelope = serde_json::from_slice(&body)
        .map_err(|cause| Error::BadRequest(format!("the body is no envelope of TAXII: {cause}")))?;
    let sent = envelope.objects.unwrap_or_default();
    if sent.is_empty() || sent.len() > limits.objects_per_body_max {
        let detail = format!("a body has 1 to {} objects", limits.objects_per_body_max);
        return Err(Error::Rejected(StatusCode::UNPROCESSABLE_ENTITY, detail));
    }
    let request_timestamp = Stamp(caller.actor.now.0.saturating_mul(1000)).to_string();
    let (mut objects, mut failures) = (Vec::with_capacity(sent.len()), Vec::new());
    for raw in &sent {
        match read(raw, right.collection.tlp, limits.object_bytes_max) {
            Ok(object) => objects.push(object),
            Err((id, why)) => failures.push(detail(&id, request_timestamp.clone(), why)),
        }
    }
    let done = app.cases.taxii_add(&caller.actor, &right.id, &objects, limits.collection_objects_max).await?;
    let mut successes = Vec::with_capacity(done.len());
    for (object, added) in objects.iter().zip(done) {
        match added {
            // Not which of the two: what was there may be of a colour that the caller may not see.
            Added::New(version) | Added::Known(version) => {
                successes.push(detail(&object.id, Stamp(version).version(), String::new()));
            }
            Added::Full => {
                failures.push(detail(
                    &object.id,
                    request_timestamp.clone(),
                    "the collection is full".to_owned(),
                ));
            }
        }
    }
    let status = Status {
        id: app.cases.taxii_status_id()?,
        status: "complete".to_owned(),
        request_timestamp,
        total_count: sent.len(),
        success_count: successes.len(),
        successes,
        failure_count: failures.len(),
        failures,
        pending_count: 0,
    };
    let kept = serde_json::to_string(&status).unwrap_or_default();
    app.cases.taxii_keep_status(&caller.actor, &status.id, &kept, limits.statuses_max).await?;
    Ok(answer::json(StatusCode::ACCEPTED, &status))
}

fn detail(id: &str, version: String, message: String) -> StatusDetail {
    StatusDetail { id: id.to_owned(), version, message: Some(message).filter(|text| !text.is_empty()) }
}

/// An object that may be kept, or its id as far as it has one, and why not.
fn read(raw: &RawValue, tlp_max: Tlp, bytes_max: usize) -> Result<NewObject, (String, String)> {
    let refuse = |id: &str, why: String| (id.chars().take(300).collect::<String>(), why);
    if raw.get().len() > bytes_max {
        return Err(refuse("", format!("an object has at most {bytes_max} bytes")));
    }
    // What is too deep is refused here, before anything walks through it.
    let object: Value = serde_json::from_str(raw.get()).map_err(|cause| refuse("", cause.to_string()))?;
    let text = |name: &str| object[name].as_str();
    let id = text("id").unwrap_or_default();
    check(&object, id, tlp_max).map_err(|why| refuse(id, why))?;
    let version = text("modified").or_else(|| text("created")).map(Stamp::parse);
    let version_us = match version {
        Some(None) => return Err(refuse(id, "`modified` or `created` is no RFC 3339 time".to_owned())),
        Some(Some(stamp)) => Some(stamp.0),
        None => None,
    };
    // Written anew: of a key that stands twice others might read the one that we did not.
    let (body, tlp) = (object.to_string(), marking::of(&object));
    Ok(NewObject {
        id: id.to_owned(),
        kind: text("type").unwrap_or_default().to_owned(),
        version_us,
        tlp,
        body,
    })
}

fn check(object: &Value, id: &str, tlp_max: Tlp) -> Result<(), String> {
    let kind = object["type"].as_str().ok_or("it has no type")?;
    if !id::is_of(id, kind) {
        return Err("its id is not its type, two hyphens and a UUID".to_owned());
    }
    let has_versions = object.get("modified").is_some();
    match object.get("spec_version") {
        Some(version) if version == stix::VERSION => {}
        None if !has_versions && kind != "bundle" => {} // an observable may leave it out
        _ => return Err("only objects of STIX 2.1 are kept; `spec_version` says so".to_owned()),
    }
    if has_versions && !object["modified"].is_string() {
        return Err("`modified` is no RFC 3339 time".to_owned());
    }
    let tlp = marking::of(object);
    if tlp > tlp_max {
        let (tlp, most) = (tlp.name().to_uppercase(), tlp_max.name().to_uppercase());
        return Err(format!(
            "TLP:{tlp} (what bears no colour is AMBER+STRICT) is more than TLP:{most}, all that is kept here"
        ));
    }
    Ok(())
}

//! Objects of a collection: what is in it, themselves, their versions, their removal.

use super::answer;
use super::right::Right;
use crate::App;
use crate::access::Caller;
use crate::error::Error;
use crate::extract::{Path, Query};
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use event::Tlp;
use exchange::taxii::{
    Envelope, Filter, Manifest, ManifestRecord, OBJECT_MEDIA_TYPE, Place, Stamp, VersionFilter, Versions,
};
use serde_json::value::RawValue;
use store::cases::{Found, Selection, Versions as Wanted};

/// Objects that are read from the store at once: a page of large ones ends by its bytes before it is all in memory.
const CHUNK: u32 = 100;

type Parameters = Query<Vec<(String, String)>>;

/// The objects of an answer.
struct Page {
    found: Vec<Found>,
    next: Option<String>,
}

pub(super) async fn list(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path,
    Query(sent): Parameters,
) -> Result<Response, Error> {
    let right = Right::in_named(&app, &caller, &id)?;
    let page = page(&app, &right, &sent, None, None).await?;
    envelope(&app, &caller, &right, page).await
}

pub(super) async fn one(
    State(app): State<App>,
    caller: Caller,
    axum::extract::Path((id, object)): axum::extract::Path<(String, String)>,
    Query(sent): Parameters,
) -> Result<Response, Error> {
    let right = Right::in_named(&app, &caller, &id)?;
    let page = page(&app, &right, &sent, Some(&object), None).await?;
    exists(&app, &right, &object, &page).await?;
    envelope(&app, &caller, &right, page).await
}

pub(super) async fn manifest(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path,
    Query(sent): Parameters,
) -> Result<Response, Error> {
    let right = Right::in_named(&app, &caller, &id)?;
    let page = page(&app, &right, &sent, None, None).await?;
    let record = |found: &Found| ManifestRecord {
        id: found.id.clone(),
        date_added: Stamp(found.added_us).to_string(),
        version: Stamp(found.version_us).version(),
        media_type: OBJECT_MEDIA_TYPE.to_owned(),
    };
    let objects = shown(&app, page.found.iter().map(record).collect());
    let body = Manifest { more: page.next.is_some(), next: page.next.clone(), objects };
    Ok(page.finish(answer::json(StatusCode::OK, &body)))
}

pub(super) async fn versions(
    State(app): State<App>,
    caller: Caller,
    axum::extract::Path((id, object)): axum::extract::Path<(String, String)>,
    Query(sent): Parameters,
) -> Result<Response, Error> {
    let right = Right::in_named(&app, &caller, &id)?;
    let page = page(&app, &right, &sent, Some(&object), Some(VersionFilter::All)).await?;
    exists(&app, &right, &object, &page).await?;
    let versions = shown(&app, page.found.iter().map(|found| Stamp(found.version_us).version()).collect());
    let body = Versions { more: page.next.is_some(), next: page.next.clone(), versions };
    Ok(page.finish(answer::json(StatusCode::OK, &body)))
}

pub(super) async fn remove(
    State(app): State<App>,
    caller: Caller,
    axum::extract::Path((id, object)): axum::extract::Path<(String, String)>,
    Query(sent): Parameters,
) -> Result<Response, Error> {
    let right = Right::in_named(&app, &caller, &id)?;
    let clearance = right.to_read()?;
    right.to_write()?;
    let (filter, ..) = Filter::read(&sent).map_err(Error::BadRequest)?;
    let versions = match filter.versions.as_slice() {
        [] => vec![Wanted::All],
        some => some.iter().map(|version| wanted(*version)).collect(),
    };
    let gone = if filter.is_for_kept_language() {
        let selection =
            Selection { versions: &versions, ..of(&right, clearance, std::slice::from_ref(&object)) };
        app.cases.taxii_remove(&caller.actor, &selection).await?
    } else {
        0
    };
    if gone == 0 {
        return Err(Error::Missing("object"));
    }
    Ok(answer::json(StatusCode::OK, &serde_json::json!({})))
}

fn of<'a>(right: &'a Right<'_>, clearance: Tlp, ids: &'a [String]) -> Selection<'a> {
    let collection = right.id.as_str();
    Selection { collection, clearance, after_us: i64::MIN, ids, kinds: &[], versions: &[], limit: 1 }
}

fn wanted(version: VersionFilter) -> Wanted {
    match version {
        VersionFilter::First => Wanted::First,
        VersionFilter::Last => Wanted::Last,
        VersionFilter::All => Wanted::All,
        VersionFilter::At(moment) => Wanted::At(moment),
    }
}

/// Reads what was asked for: of `object` alone, in these `versions`, where the address says so.
async fn page(
    app: &App,
    right: &Right<'_>,
    sent: &[(String, String)],
    object: Option<&str>,
    versions: Option<VersionFilter>,
) -> Result<Page, Error> {
    let clearance = right.to_read()?;
    let (filter, limit, place) = Filter::read(sent).map_err(Error::BadRequest)?;
    let (mut filter, limit, mut after_us) = match place {
        Some(place) => (place.filter, limit.unwrap_or(place.limit), place.after),
        None => {
            let after = filter.added_after.unwrap_or(i64::MIN);
            (filter, limit.unwrap_or(u32::MAX), after)
        }
    };
    let limit = limit.clamp(1, app.exchange.taxii.page_objects_max.max(1));
    if let Some(object) = object {
        filter.ids = vec![object.to_owned()];
    }
    if let Some(versions) = versions {
        filter.versions = vec![versions];
    }
    let versions: Vec<Wanted> = filter.versions.iter().map(|version| wanted(*version)).collect();
    let mut found: Vec<Found> = Vec::new();
    let (mut bytes, mut is_all) = (0, !filter.is_for_kept_language());
    while !is_all && found.len() <= limit as usize && bytes <= app.exchange.taxii.content_bytes_max {
        let chunk = CHUNK.min(limit + 1 - u32::try_from(found.len()).unwrap_or(limit));
        let selection = Selection {
            after_us,
            kinds: &filter.types,
            versions: &versions,
            limit: chunk,
            ..of(right, clearance, &filter.ids)
        };
        let more = app.cases.taxii_objects(&selection).await?;
        is_all = more.len() < chunk as usize;
        bytes += more.iter().map(|one| one.body.len()).sum::<usize>();
        after_us = more.last().map_or(after_us, |last| last.added_us);
        found.extend(more);
    }
    let has_more = !is_all;
    found.truncate(limit as usize);
    let last = found.last().map(|last| last.added_us).filter(|_| has_more);
    let next = last.map(|after| Place { filter, limit, after }.write());
    Ok(Page { found, next })
}

/// Tells an object that is not there, or not for this caller, from one that has nothing of what was asked for.
async fn exists(app: &App, right: &Right<'_>, object: &str, page: &Page) -> Result<(), Error> {
    if page.found.is_empty() {
        let ids = [object.to_owned()];
        if app.cases.taxii_objects(&of(right, right.to_read()?, &ids)).await?.is_empty() {
            return Err(Error::Missing("object"));
        }
    }
    Ok(())
}

async fn envelope(app: &App, caller: &Caller, right: &Right<'_>, page: Page) -> Result<Response, Error> {
    if let Some(strictest) = page.found.iter().map(|found| found.tlp).max() {
        // What left the house, to whom, and how far it may go there.
        let detail = format!("{} objects, up to TLP:{}", page.found.len(), strictest.name().to_uppercase());
        app.cases.audit(&caller.actor, "taxii.read", &right.id, "done", &detail).await?;
    }
    let raw = |found: &Found| RawValue::from_string(found.body.clone());
    let objects = page.found.iter().map(raw).collect::<Result<Vec<_>, _>>();
    let objects = objects.map_err(|_| Error::Cases(store::cases::Error::Corrupt("STIX object")))?;
    let body = Envelope { more: page.next.is_some(), next: page.next.clone(), objects: shown(app, objects) };
    Ok(page.finish(answer::json(StatusCode::OK, &body)))
}

/// The standard forbids an empty list; some clients need one.
fn shown<T>(app: &App, all: Vec<T>) -> Option<Vec<T>> {
    (!all.is_empty() || app.exchange.taxii.says_empty).then_some(all)
}

impl Page {
    fn finish(&self, mut response: Response) -> Response {
        if let (Some(first), Some(last)) = (self.found.first(), self.found.last()) {
            answer::added(&mut response, first.added_us, last.added_us);
        }
        response
    }
}

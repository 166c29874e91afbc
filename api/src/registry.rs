//! `/registry`: units, systems, assets and endpoints; their documents.

use crate::App;
use crate::access::Caller;
use crate::error::Error;
use crate::extract::{Query, limit, text};
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, FromRequestParts, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use registry::{Document, Entry, Format, Import, Kind, Registry};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use store::cases::{Error as CasesError, RegistryFilter, registry_tag};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The largest document; larger than other bodies, for a province in one YAML has megabytes.
const DOCUMENT_BYTES_MAX: usize = 32 << 20;

pub(crate) fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(import))
        .layer(DefaultBodyLimit::max(DOCUMENT_BYTES_MAX))
        .routes(routes!(export))
        .routes(routes!(list))
        .routes(routes!(one, put, remove))
}

/// `units`, `systems`, `assets`, `endpoints`.
#[derive(ToSchema)]
#[schema(rename_all = "lowercase")]
#[allow(dead_code)] // the schema of `registry::Kind`
enum KindName {
    Units,
    Systems,
    Assets,
    Endpoints,
}

/// The kind and id of the path.
struct Place {
    kind: Kind,
    id: String,
}

impl<S: Send + Sync> FromRequestParts<S> for Place {
    type Rejection = Error;
    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Place, Error> {
        #[derive(Deserialize)]
        struct Names {
            kind: String,
            #[serde(default)]
            id: String,
        }
        let names = axum::extract::Path::<Names>::from_request_parts(parts, state).await;
        let names = names.map_err(|cause| Error::BadRequest(cause.body_text()))?.0;
        let kind = Kind::by_name(&names.kind).ok_or(Error::Missing("kind of the registry"))?;
        Ok(Place { kind, id: names.id })
    }
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct ListQuery {
    /// Of this unit; of units, those right below it.
    unit: Option<String>,
    /// Of this system.
    system: Option<String>,
    /// Systems of this level, 0 to 5.
    level: Option<String>,
    /// In the id or name, whatever the case.
    q: Option<String>,
    /// At most so many, 1 to 1000; 100 if absent.
    limit: Option<String>,
    /// `next` of the page before.
    cursor: Option<String>,
}

#[derive(Serialize, ToSchema)]
struct EntryList {
    /// Rows as `registry/src/lib.rs` has them: a unit's `parent`, a system's `level`, an asset's `hosts`.
    #[schema(value_type = Vec<Object>)]
    items: Vec<Box<RawValue>>,
    next: Option<String>,
}

/// The rows of a kind, by id.
#[utoipa::path(get, path = "/registry/{kind}", tag = "registry", params(("kind" = inline(KindName), Path), ListQuery),
    responses((status = 200, body = EntryList), (status = 404)))]
async fn list(
    State(app): State<App>,
    place: Place,
    Query(query): Query<ListQuery>,
) -> Result<axum::Json<EntryList>, Error> {
    let level = text(query.level).map(|level| level.parse().ok().filter(|level| *level <= 5));
    let filter = RegistryFilter {
        unit: query.unit.unwrap_or_default(),
        system: query.system.unwrap_or_default(),
        level: level
            .map(|level| level.ok_or_else(|| Error::BadRequest("`level` is a number from 0 to 5".to_owned())))
            .transpose()?,
        text: query.q.unwrap_or_default(),
        after: query.cursor.unwrap_or_default(),
    };
    let limit = limit(query.limit.as_deref())?;
    let mut found = app.cases.registry_entries(place.kind, &filter, limit + 1).await?;
    let more = found.len() > limit as usize;
    found.truncate(limit as usize);
    let next = found.last().filter(|_| more).map(|entry| entry.id().to_owned());
    Ok(axum::Json(EntryList { items: found.iter().map(raw).collect::<Result<_, _>>()?, next }))
}

/// One row, with its `ETag`.
#[utoipa::path(get, path = "/registry/{kind}/{id}", tag = "registry",
    params(("kind" = inline(KindName), Path), ("id" = String, Path)), responses((status = 200, body = Object), (status = 404)))]
async fn one(State(app): State<App>, place: Place) -> Result<Response, Error> {
    let found = app.cases.registry_entry(place.kind, &place.id).await?;
    tagged(&found.ok_or(Error::Missing("entry of the registry"))?)
}

fn tagged(entry: &Entry) -> Result<Response, Error> {
    let tag = [(header::ETAG, format!("\"{}\"", registry_tag(entry)))];
    Ok((tag, axum::Json(raw(entry)?)).into_response())
}

/// The row that a request says was seen.
fn seen(headers: &HeaderMap) -> Result<Option<&str>, Error> {
    let wrong = || Error::BadRequest("If-Match is the ETag of the row, in quotes".to_owned());
    let sent = headers.get(header::IF_MATCH).map(|sent| sent.to_str().map_err(|_| wrong()));
    Ok(sent.transpose()?.map(|sent| sent.trim().trim_matches('"')))
}

/// Puts one row in, in the place of the one with that id, whose `ETag` is to be sent as `If-Match`; a new one goes without. `id`
/// in the body may be left out.
#[utoipa::path(put, path = "/registry/{kind}/{id}", tag = "registry",
    params(("kind" = inline(KindName), Path), ("id" = String, Path),
        ("If-Match" = Option<String>, Header, description = "the row's ETag; absent for a new row")), request_body = Object,
    responses((status = 200, body = Object), (status = 412, description = "somebody was faster"), (status = 422),
        (status = 428, description = "there is such a row, and no If-Match")))]
async fn put(
    State(app): State<App>,
    caller: Caller,
    place: Place,
    headers: HeaderMap,
    crate::extract::Json(mut row): crate::extract::Json<serde_json::Map<String, serde_json::Value>>,
) -> Result<Response, Error> {
    let wrong = |why: String| Error::Rejected(StatusCode::UNPROCESSABLE_ENTITY, why);
    let id = row.entry("id").or_insert_with(|| place.id.clone().into());
    if id.as_str() != Some(&place.id) {
        return Err(wrong("`id` is not that of the address".to_owned()));
    }
    let row = serde_json::Value::Object(row);
    let entry = match place.kind {
        Kind::Units => serde_json::from_value(row).map(Entry::Unit),
        Kind::Systems => serde_json::from_value(row).map(Entry::System),
        Kind::Assets => serde_json::from_value(row).map(Entry::Asset),
        Kind::Endpoints => serde_json::from_value(row).map(Entry::Endpoint),
    };
    let entry = entry.map_err(|cause| wrong(cause.to_string()))?;
    app.cases.put_registry_entry(&caller.actor, entry.clone(), seen(&headers)?).await?;
    tagged(&entry)
}

/// Takes one row out, if nothing refers to it; with `If-Match`, if it is still the one that was seen.
#[utoipa::path(delete, path = "/registry/{kind}/{id}", tag = "registry",
    params(("kind" = inline(KindName), Path), ("id" = String, Path),
        ("If-Match" = Option<String>, Header, description = "the row's ETag")),
    responses((status = 204), (status = 404), (status = 412, description = "somebody was faster"), (status = 422)))]
async fn remove(
    State(app): State<App>,
    caller: Caller,
    place: Place,
    headers: HeaderMap,
) -> Result<StatusCode, Error> {
    app.cases.remove_registry_entry(&caller.actor, place.kind, &place.id, seen(&headers)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct DocumentQuery {
    /// `yaml` (everything) or `csv` (one kind); `yaml` if absent.
    format: Option<String>,
    /// With `csv`: `units`, `systems`, `assets` or `endpoints`.
    kind: Option<String>,
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct ImportQuery {
    /// `yaml` (everything) or `csv` (one kind); `yaml` if absent.
    format: Option<String>,
    /// With `csv`: `units`, `systems`, `assets` or `endpoints`.
    kind: Option<String>,
    /// Only say what would change.
    #[serde(default)]
    dry_run: bool,
    /// Take out rows that the document does not have, of the kinds that it has.
    #[serde(default)]
    replace: bool,
}

/// What an import changed, or would.
#[derive(Serialize, ToSchema)]
struct ImportDone {
    dry_run: bool,
    added: usize,
    changed: usize,
    removed: usize,
    same: usize,
    /// Which rows: the first thousand of those that go, are changed, are new.
    rows: Vec<ImportedRow>,
}

/// A row that an import changes.
#[derive(Serialize, ToSchema)]
struct ImportedRow {
    /// `removed`, `changed`, `added`.
    change: &'static str,
    /// `units`, `systems`, `assets`, `endpoints`.
    kind: &'static str,
    id: String,
}

/// So many rows of an import are told; nobody reads more.
const ROWS_MAX: usize = 1000;

/// Takes a document in, as a whole or not at all; 422 lists every row that is wrong.
#[utoipa::path(post, path = "/registry/import", tag = "registry", params(ImportQuery),
    request_body(content = String, content_type = "application/yaml"),
    responses((status = 200, body = ImportDone), (status = 413), (status = 422)))]
async fn import(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<ImportQuery>,
    body: Bytes,
) -> Result<axum::Json<ImportDone>, Error> {
    let format = format(query.format.as_deref(), query.kind.as_deref())?;
    let document = Document::read(format, &body).map_err(CasesError::Registry)?;
    let import = Import { replace: query.replace };
    let done = app.cases.import_registry(&caller.actor, document, import, query.dry_run).await?;
    let row = |change: &'static str, kind: Kind, id: &str| ImportedRow {
        change,
        kind: kind.name(),
        id: id.to_owned(),
    };
    let removed = done.removed.iter().map(|(kind, id)| row("removed", *kind, id));
    let changed = done.changed.iter().map(|entry| row("changed", entry.kind(), entry.id()));
    let added = done.added.iter().map(|entry| row("added", entry.kind(), entry.id()));
    let rows = removed.chain(changed).chain(added).take(ROWS_MAX).collect();
    Ok(axum::Json(ImportDone {
        rows,
        dry_run: query.dry_run,
        added: done.added.len(),
        changed: done.changed.len(),
        removed: done.removed.len(),
        same: done.same,
    }))
}

/// The registry as a document.
#[utoipa::path(get, path = "/registry/export", tag = "registry", params(DocumentQuery),
    responses((status = 200, body = String, content_type = "application/yaml")))]
async fn export(State(app): State<App>, Query(query): Query<DocumentQuery>) -> Result<Response, Error> {
    let format = format(query.format.as_deref(), query.kind.as_deref())?;
    let registry: Registry = app.cases.registry().await?;
    let (kind, name) = match format {
        Format::Yaml => ("application/yaml", "registry.yaml".to_owned()),
        Format::Csv(kind) => ("text/csv; charset=utf-8", format!("{}.csv", kind.name())),
    };
    let headers = [
        (header::CONTENT_TYPE, kind.to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")),
    ];
    Ok((headers, registry.write(format)).into_response())
}

fn format(format: Option<&str>, kind: Option<&str>) -> Result<Format, Error> {
    let found = match (format.unwrap_or("yaml"), kind.filter(|kind| !kind.is_empty())) {
        ("yaml", None) => Some(Format::Yaml),
        ("csv", Some(kind)) => Kind::by_name(kind).map(Format::Csv),
        _ => None,
    };
    found.ok_or_else(|| {
        Error::BadRequest(
            "`format` is `yaml`, or `csv` with `kind` units, systems, assets or endpoints".to_owned(),
        )
    })
}

fn raw(entry: &Entry) -> Result<Box<RawValue>, Error> {
    RawValue::from_string(entry.body()).map_err(|_| CasesError::Corrupt("registry's row").into())
}

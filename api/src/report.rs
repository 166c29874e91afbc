//! `/incidents/{id}/report`: the law's forms, filled in from an incident; `/incidents/{id}/particulars`: what a person
//! adds to them; `/reports/bulletin`: what happened in a period; `/reports/compliance`: how far what the law asks is met.

mod bulletin;
mod compliance;

pub use bulletin::period;

use crate::App;
use crate::access::Caller;
use crate::error::Error;
use crate::extract::{self, Json, Path, Query};
use axum::extract::State;
use axum::http::{HeaderName, header};
use axum::response::{IntoResponse as _, Response};
use event::{Time, Tlp};
use report::{Case, FormId, Particulars};
use serde::Deserialize;
use store::cases::{Actor, Cases, Error as CasesError};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

const DOCX: &str = "application/vnd.openxmlformats-officedocument.wordprocessingml.document";
const XLSX: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
/// Keys of the mandatory fields without an answer, for who takes the document.
const MISSING: HeaderName = HeaderName::from_static("x-missing-fields");

pub(crate) fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(incident))
        .routes(routes!(particulars, set_particulars))
        .merge(bulletin::router())
        .merge(compliance::router())
}

/// As what a document is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// For Word and LibreOffice.
    Docx,
    /// For Excel and LibreOffice; of compliance reports alone.
    Xlsx,
    /// As data.
    Json,
}

impl Format {
    /// The format of that name.
    #[must_use]
    pub fn by_name(name: &str) -> Option<Format> {
        match name {
            "docx" => Some(Format::Docx),
            "xlsx" => Some(Format::Xlsx),
            "json" => Some(Format::Json),
            _ => None,
        }
    }

    fn ending(self) -> &'static str {
        match self {
            Format::Docx => "docx",
            Format::Xlsx => "xlsx",
            Format::Json => "json",
        }
    }

    fn media_type(self) -> &'static str {
        match self {
            Format::Docx => DOCX,
            Format::Xlsx => XLSX,
            Format::Json => "application/json",
        }
    }
}

/// A document that was made.
#[derive(Clone, Debug)]
pub struct Document {
    /// What a file of it is called.
    pub name: String,
    /// What it is.
    pub format: Format,
    /// The document.
    pub bytes: Vec<u8>,
    /// Keys of mandatory fields without an answer.
    pub missing: Vec<String>,
}

/// Why there is no document.
#[derive(Debug, thiserror::Error)]
pub enum DocumentError {
    /// The cases refused.
    #[error(transparent)]
    Cases(#[from] CasesError),
    /// The events' store refused.
    #[error(transparent)]
    Events(#[from] store::events::EventsError),
    /// It is no table.
    #[error("this document is docx or json; there is no workbook of it")]
    NoWorkbook,
    /// There is no such unit or system.
    #[error("no such {0}")]
    NoScope(&'static str),
    /// It could not be written.
    #[error(transparent)]
    Report(#[from] report::ReportError),
}

/// What documents are made of, for the API and the command line.
#[derive(Clone, Copy)]
pub struct Documents<'a> {
    /// The cases.
    pub cases: &'a Cases,
    /// Who we are.
    pub organisation: &'a exchange::Organisation,
    /// Who issues documents.
    pub config: &'a report::Config,
}

impl Documents<'_> {
    /// The form of an incident, as known at `made`, with an entry in the audit trail.
    ///
    /// # Errors
    /// No such incident, or the document could not be written.
    pub async fn incident(
        &self,
        by: &Actor,
        incident: &str,
        (form, format): (FormId, Format),
        made: Time,
    ) -> Result<Document, DocumentError> {
        let detail = self.cases.incident(incident).await?.ok_or(CasesError::Missing("incident"))?;
        let registry = self.cases.registry().await?;
        let target = detail.summary.id.clone();
        let (detected, alerts) = (detail.summary.detected, detail.alerts.clone());
        let (system, level) = (detail.summary.system.clone(), detail.summary.system_level);
        let notice = crate::release::notice(detail, made, Tlp::AmberStrict)?;
        let number = notice.number;
        let mut case = Case::new(notice, detected, &alerts, (&system, level), &registry);
        if let Some(body) = self.cases.particulars(&target).await? {
            case = case.with(serde_json::from_str(&body).map_err(|_| CasesError::Corrupt("particulars"))?);
        }
        let told = case.report(form, self.organisation, made)?;
        let bytes = match format {
            Format::Docx => case.docx(form, self.config, self.organisation, made)?,
            Format::Xlsx => return Err(DocumentError::NoWorkbook),
            Format::Json => serde_json::to_vec(&told).map_err(|_| CasesError::Corrupt("report"))?,
        };
        let detail = format!("form {}, {} mandatory fields open", form.name(), told.missing.len());
        self.cases.audit(by, "incident.report", &target, "done", &detail).await?;
        let missing = told.missing.into_iter().map(|one| one.key).collect();
        let name = format!("mau-{}-su-co-{number}.{}", form.name(), format.ending());
        Ok(Document { name, format, bytes, missing })
    }
}

impl From<DocumentError> for Error {
    fn from(error: DocumentError) -> Error {
        match error {
            DocumentError::Cases(error) => error.into(),
            DocumentError::Events(error) => error.into(),
            DocumentError::NoScope(what) => Error::Missing(what),
            error @ DocumentError::NoWorkbook => Error::BadRequest(error.to_string()),
            DocumentError::Report(error) => Error::Report(error.to_string()),
        }
    }
}

impl Document {
    fn into_response(self) -> Response {
        let headers = [
            (header::CONTENT_TYPE, self.format.media_type().to_owned()),
            (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{}\"", self.name)),
            (MISSING, self.missing.join(",")),
        ];
        (headers, self.bytes).into_response()
    }
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct IncidentReportQuery {
    /// `03` (what is known at first) or `04` (the end of the response); `03` if absent.
    form: Option<String>,
    /// `docx` or `json`; `docx` if absent.
    format: Option<String>,
    /// The moment that the report tells as its own, RFC 3339; now if absent. The same moment and data give the same bytes.
    at: Option<String>,
}

/// The law's form, filled in. Mandatory fields without an answer are listed in it, in `x-missing-fields`, and with
/// `json` in `missing`.
#[utoipa::path(get, path = "/incidents/{id}/report", tag = "reports",
    params(("id" = String, Path), IncidentReportQuery),
    responses((status = 200, body = Vec<u8>, content_type = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
        (status = 404)))]
async fn incident(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path,
    Query(query): Query<IncidentReportQuery>,
) -> Result<Response, Error> {
    let word =
        |text: Option<String>, default: &str| extract::text(text).unwrap_or_else(|| default.to_owned());
    let form = FormId::by_name(&word(query.form, "03"));
    let form = form.ok_or_else(|| Error::BadRequest("`form` is 03 or 04".to_owned()))?;
    let format = format(query.format.as_deref())?;
    let made = extract::time("at", query.at.as_deref())?.unwrap_or(caller.actor.now);
    let documents =
        Documents { cases: &app.cases, organisation: &app.exchange.organisation, config: &app.report };
    Ok(documents.incident(&caller.actor, &id, (form, format), made).await?.into_response())
}

fn format(text: Option<&str>) -> Result<Format, Error> {
    let text = text.filter(|text| !text.is_empty()).unwrap_or("docx");
    Format::by_name(text).ok_or_else(|| Error::BadRequest("`format` is docx or json".to_owned()))
}

/// What a person adds for the reports of an incident; `report/src/incident.rs` says what each is.
#[derive(ToSchema)]
#[allow(dead_code)] // the schema of `report::Particulars`
struct ParticularsBody {
    number: String,
    description: String,
    /// Any of ids, logs, told, other.
    discovery: Vec<String>,
    told_by: String,
    discovery_other: String,
    /// Any of member, isp, coordinator.
    notified: Vec<String>,
    cause: String,
    scope: String,
    remedy: String,
    result: String,
    documents: String,
    os: String,
    /// Any of web, mail, database, other.
    services: Vec<String>,
    /// Any of antivirus, firewall, ids, other.
    measures: Vec<String>,
    purpose: String,
    /// Any of logs, samples, other.
    attached: Vec<String>,
    secret: Option<bool>,
    request: String,
    initial_number: String,
    initial_day: String,
}

/// What was added to the incident for its reports; everything empty if nothing was.
#[utoipa::path(get, path = "/incidents/{id}/particulars", tag = "reports", params(("id" = String, Path)),
    responses((status = 200, body = ParticularsBody), (status = 404)))]
async fn particulars(State(app): State<App>, Path(id): Path) -> Result<axum::Json<Particulars>, Error> {
    let detail = app.cases.incident(&id).await?.ok_or(Error::Missing("incident"))?;
    let body = app.cases.particulars(&detail.summary.id).await?;
    let unreadable = |_| Error::Cases(CasesError::Corrupt("particulars"));
    let found = body.map(|body| serde_json::from_str(&body).map_err(unreadable)).transpose()?;
    Ok(axum::Json(found.unwrap_or_default()))
}

/// Puts these in the place of what was added before; what is left out is empty.
#[utoipa::path(put, path = "/incidents/{id}/particulars", tag = "reports", params(("id" = String, Path)),
    request_body = ParticularsBody, responses((status = 200, body = ParticularsBody), (status = 404), (status = 422)))]
async fn set_particulars(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path,
    Json(sent): Json<Particulars>,
) -> Result<axum::Json<Particulars>, Error> {
    let problems = sent.problems().map_err(|cause| Error::Report(cause.to_string()))?;
    if !problems.is_empty() {
        return Err(Error::Cases(CasesError::Invalid(problems.join("; "))));
    }
    let body = serde_json::to_string(&sent).map_err(|_| Error::Cases(CasesError::Corrupt("particulars")))?;
    app.cases.set_particulars(&caller.actor, &id, &body).await?;
    Ok(axum::Json(sent))
}

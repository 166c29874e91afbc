//! `/reports/compliance`: the level-based compliance report.

use super::{Document, DocumentError, Documents, Format};
use crate::App;
use crate::access::Caller;
use crate::compliance::{level, period};
use crate::error::Error;
use crate::extract::{self, Query, text};
use axum::extract::State;
use axum::response::Response;
use compliance::Assessment;
use event::Time;
use report::{ComplianceReport, ReportError, Scope};
use serde::Deserialize;
use store::cases::{Actor, Error as CasesError};
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(compliance))
}

impl Documents<'_> {
    /// The compliance report of a scope, from an assessment, with an entry in the audit trail.
    ///
    /// # Errors
    /// No such unit or system, or the document could not be written.
    pub async fn compliance(
        &self,
        by: &Actor,
        assessment: Assessment,
        (scope, format): (&Scope, Format),
        made: Time,
    ) -> Result<Document, DocumentError> {
        let period = assessment.period;
        let missing = match scope {
            Scope::Unit(_) => "unit",
            Scope::System(_) => "system",
            Scope::Province | Scope::Level(_) => "scope",
        };
        let report = ComplianceReport::of(assessment, scope, made).ok_or(DocumentError::NoScope(missing))?;
        let bytes = match format {
            Format::Docx => report.docx(self.config, self.organisation).map_err(ReportError::from)?,
            Format::Xlsx => report.xlsx(self.config).map_err(ReportError::from)?,
            Format::Json => {
                serde_json::to_vec(&report).map_err(|_| CasesError::Corrupt("compliance report"))?
            }
        };
        let (kind, of) = match scope {
            Scope::Province => ("tinh", String::new()),
            Scope::Level(level) => ("cap-do-", level.to_string()),
            Scope::Unit(id) => ("don-vi-", id.clone()),
            Scope::System(id) => ("he-thong-", id.clone()),
        };
        let target = format!("{kind}{of}");
        let detail = format!("{} {} to {}", format.ending(), period.first, period.last);
        self.cases.audit(by, "report.compliance", &target, "done", &detail).await?;
        // An id may have what a file's name may not.
        let plain: String = target.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
        let name = format!("theo-cap-do-{plain}-{}.{}", period.last, format.ending());
        Ok(Document { name, format, bytes, missing: Vec::new() })
    }
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct ComplianceQuery {
    /// The first day in Vietnam, 2026-11-01; the first of this month if absent.
    from: Option<String>,
    /// The last day in Vietnam; today if absent. At most 400 days.
    to: Option<String>,
    /// Of this unit and its systems. At most one of `unit`, `system`, `level`; of the province without.
    unit: Option<String>,
    /// Of this system.
    system: Option<String>,
    /// Of the systems of this level, 0 to 5 (0: not determined).
    level: Option<String>,
    /// `docx`, `xlsx` or `json`; `docx` if absent.
    format: Option<String>,
    /// The moment that the report tells as its own, RFC 3339; now if absent. The same moment and data give the same bytes.
    at: Option<String>,
}

/// How far what the law asks of each level was met in a period: by the province, a level, a unit or a system.
#[utoipa::path(get, path = "/reports/compliance", tag = "reports", params(ComplianceQuery),
    responses((status = 200, body = Vec<u8>, content_type = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
        (status = 404)))]
async fn compliance(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<ComplianceQuery>,
) -> Result<Response, Error> {
    let made = extract::time("at", query.at.as_deref())?.unwrap_or(caller.actor.now);
    let period = period(query.from.as_deref(), query.to.as_deref(), made)?;
    let scope = match (level(query.level)?, text(query.unit), text(query.system)) {
        (None, None, None) => Scope::Province,
        (Some(level), None, None) => Scope::Level(level),
        (None, Some(unit), None) => Scope::Unit(unit),
        (None, None, Some(system)) => Scope::System(system),
        _ => return Err(Error::BadRequest("a report is of one of `unit`, `system`, `level`".to_owned())),
    };
    let format = Format::by_name(&text(query.format).unwrap_or_else(|| "docx".to_owned()))
        .ok_or_else(|| Error::BadRequest("`format` is docx, xlsx or json".to_owned()))?;
    let assessment = store::assess(&app.cases, &app.events, period, made).await?;
    let documents =
        Documents { cases: &app.cases, organisation: &app.exchange.organisation, config: &app.report };
    Ok(documents.compliance(&caller.actor, assessment, (&scope, format), made).await?.into_response())
}

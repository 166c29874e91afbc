//! The level-based compliance report.

use super::{Document, DocumentError, Documents, Format};
use compliance::Assessment;
use event::Time;
use report::{ComplianceReport, ReportError, Scope};
use store::cases::{Actor, Error as CasesError};

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

//! Documents in Vietnamese administrative form (Decree 30/2020): the incident forms, the bulletins, the compliance report,
//! and the layout that all share.
//!
//! Invariants: no I/O, no clock (the moment of a document is given); the same data gives the same bytes; what others
//! wrote can neither break a document nor become more than text in it.

mod bulletin;
mod compliance;
mod config;
mod docx;
mod form;
mod incident;
mod incident_type;
mod letter;
mod local;
mod period;

pub use self::compliance::{ComplianceReport, LevelTally, Scope};
pub use bulletin::{Bulletin, Counted, Day, EventFigures, Figures, Happened, Notable};
pub use config::Config;
pub use docx::DocxError;
pub use form::{Answer, Answers, Field, Form, FormError, FormId, Missing, Told};
pub use incident::{Case, IncidentReport, Particulars, ReportError};
pub use incident_type::{IncidentType, IncidentTypes};
pub use period::{Period, PeriodKind};

//! What flows through the pipeline: a raw line, the ECS event made of it, the match of a rule, the alert, the incident.
//!
//! Invariant: no I/O, no clock, no configuration here.

mod alert;
mod candidate;
mod draft;
mod event;
mod field;
mod id;
mod incident;
mod indicator;
pub mod json;
mod raw;
mod risk;
mod time;

pub use alert::{Alert, Authorised, Because, Entity, EntityKind, Match, Severity, Suppressed};
pub use candidate::{Candidates, Needed};
pub use draft::Draft;
pub use event::{Event, Extra, Value};
pub use field::{Field, Kind};
pub use id::{EventId, derived_id};
pub use incident::{Incident, Stage, Status};
pub use indicator::{Indicator, IndicatorKind, Tlp};
pub use raw::{Raw, Transport};
pub use risk::Risk;
pub use time::Time;

//! What the law asks of a province, and how far it is met. Rules are data (`rules/compliance/`), each with its citation,
//! its validity and how certain we are of it; this crate reads them, picks those of a day and computes.
//!
//! Invariants: no I/O and no clock; a day is Vietnam's; a rule that is not in a rule set does not exist here.

mod assessment;
mod board;
mod day;
mod deadline;
mod evidence;
mod measure;
mod retention;
mod ruleset;

pub use assessment::{
    Assessed, Assessment, Count, EarlierRule, Measured, Outcome, Proof, ProofKind, Quantity, RegimeName,
    Said, Tally,
};
pub use board::{Board, BoardRow, LayerStand, LayerState, Missing, TargetStand};
pub use day::{Period, day_of, first_moment};
pub use deadline::{Classified, Deadline, Facts, Reporting, Stand};
pub use evidence::{
    Antivirus, AssetLogs, Attestation, DayOfLogs, Evidence, Held, IncidentFacts, longest_gap,
};
pub use registry::Date;
pub use retention::days_kept;
pub use ruleset::{
    Certainty, Class, Classification, ClassifyRule, DeadlineRule, Law, MeasureKind, MeasureRule, Problem,
    Recipient, RetentionRule, Role, RuleSet, RuleSets, Subject, TargetRule, Wanted, Within,
};

//! What an assessment comes to: for each system, unit and the province, each measure with its value, what is required, and
//! where the proof is. Reports and pages are written from these.

use crate::day::Period;
use crate::ruleset::{Certainty, MeasureKind, Subject, Wanted};
use event::Time;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

/// Whether what is required is met.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It is.
    Met,
    /// It is not.
    NotMet,
    /// Nothing is known that could tell.
    Unknown,
    /// Nothing is required at this level.
    NotRequired,
}

/// What a value counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Quantity {
    /// Of a hundred.
    Percent,
    /// Hours.
    Hours,
    /// Days.
    Days,
    /// Months, as the law counts the age of a document.
    Months,
    /// Seconds.
    Seconds,
    /// How many.
    Count,
}

/// A sentence in both languages.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Said {
    /// In English.
    pub text: String,
    /// In Vietnamese.
    pub text_vi: String,
}

impl Said {
    /// The sentence in both.
    #[must_use]
    pub fn new(text: impl Into<String>, text_vi: impl Into<String>) -> Said {
        Said { text: text.into(), text_vi: text_vi.into() }
    }
}

/// What a proof consists of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProofKind {
    /// Stored events.
    Events,
    /// Incidents.
    Incidents,
    /// Rows of the registry.
    Registry,
    /// A person's word, with a document.
    Attestation,
    /// Deliveries in the audit trail.
    Deliveries,
}

/// Where what a value was computed from can be seen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proof {
    /// What it is.
    pub kind: ProofKind,
    /// Its address on the dashboards, from the root.
    pub page: String,
    /// The same as a request to the API, from the root.
    pub api: String,
}

/// What was counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Count {
    /// Of these.
    pub of: u64,
    /// So many fit.
    pub fit: u64,
}

/// One measure of one subject.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    /// The rule's id: `log-gap`.
    pub id: String,
    /// In English.
    pub title: String,
    /// In Vietnamese.
    pub title_vi: String,
    /// What was computed.
    pub kind: MeasureKind,
    /// The layer that it is evidence of, 1 to 4.
    pub layer: u8,
    /// The value; none if it is not known.
    pub value: Option<f64>,
    /// What it is to be; none if nothing is required at this level.
    pub required: Option<f64>,
    /// Whether the value is to be at least or at most that.
    pub wanted: Wanted,
    /// What both count.
    pub quantity: Quantity,
    /// What a percentage is of.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub count: Option<Count>,
    /// Whether it is met.
    pub outcome: Outcome,
    /// What is missing, or what to know about the value.
    pub missing: Vec<Said>,
    /// Where that can be seen.
    pub proof: Vec<Proof>,
    /// The document and article that asks for it.
    pub citation: String,
    /// How sure we are of the rule.
    pub certainty: Certainty,
    /// Rules that held on earlier days of the period, the oldest first.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub earlier: Vec<EarlierRule>,
}

/// What was asked on the days of a period before the rule that it is held to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EarlierRule {
    /// The first of those days.
    pub from: Date,
    /// The last of them.
    pub until: Date,
    /// What the value was to be; none if nothing was required at the level of those days.
    pub required: Option<f64>,
    /// The document and article that asked for it.
    pub citation: String,
    /// How sure we are of the rule.
    pub certainty: Certainty,
}

/// How many measures came to what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// Met.
    pub met: u32,
    /// Not met.
    pub not_met: u32,
    /// Not known.
    pub unknown: u32,
}

impl Tally {
    /// Of these measures.
    #[must_use]
    pub fn of<'a>(measures: impl IntoIterator<Item = &'a Measured>) -> Tally {
        let mut tally = Tally::default();
        for measured in measures {
            match measured.outcome {
                Outcome::Met => tally.met += 1,
                Outcome::NotMet => tally.not_met += 1,
                Outcome::Unknown => tally.unknown += 1,
                Outcome::NotRequired => {}
            }
        }
        tally
    }
}

/// What was measured of an information system, a unit or the province.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Assessed {
    /// Which kind it is.
    pub subject: Subject,
    /// Its id in the registry; empty for the province.
    pub id: String,
    /// Its name.
    pub name: String,
    /// A system's unit, or the unit above a unit.
    pub unit: String,
    /// That one's name.
    pub unit_name: String,
    /// A system's level: the highest within the period, 0 if unknown. 0 for others.
    pub level: u8,
    /// Each measure that is asked of it.
    pub measures: Vec<Measured>,
    /// What they came to.
    pub tally: Tally,
}

/// The regime that was in force on the last day.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegimeName {
    /// `vn-2026`.
    pub id: String,
    /// In English.
    pub title: String,
    /// In Vietnamese.
    pub title_vi: String,
    /// The founding text.
    pub citation: String,
}

/// Everything that was measured of a period.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Assessment {
    /// The days, Vietnam's.
    pub period: Period,
    /// When it was computed.
    pub computed: Time,
    /// The regime.
    pub regime: RegimeName,
    /// Each system, by id.
    pub systems: Vec<Assessed>,
    /// Each unit, by id.
    pub units: Vec<Assessed>,
    /// The whole.
    pub province: Assessed,
}

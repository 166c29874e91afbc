//! What an assessment is computed from: what queries of the stores found. Nothing here asks anything.

use crate::deadline::Facts;
use crate::ruleset::Subject;
use event::Time;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

/// The logs of a system within one day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DayOfLogs {
    /// The first.
    pub first: Time,
    /// The last.
    pub last: Time,
    /// The longest time between two of them: from the one to the other.
    pub gap: (Time, Time),
}

/// What the logs of a machine say.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct AssetLogs {
    /// About how many came within the period; what was repeated after a crash counts again.
    pub events: u64,
    /// How many seconds its clock is behind (or, negative, ahead of) their receipt, in the middle.
    pub skew_s: f64,
}

/// What is held of a system's logs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Held {
    /// The oldest day.
    pub oldest: Date,
    /// Rows that will go before they may.
    pub short: u64,
}

/// What a computer's antivirus told, until the end of the period.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Antivirus {
    /// When it last told anything.
    pub seen: Option<Time>,
    /// When it last told of an update.
    pub updated: Option<Time>,
}

/// An incident and what decides about its reports.
#[derive(Clone, Debug)]
pub struct IncidentFacts {
    /// Its id.
    pub id: String,
    /// `12`.
    pub number: i64,
    /// Its unit.
    pub unit: String,
    /// Its system.
    pub system: String,
    /// The rest.
    pub facts: Facts,
}

/// A person's word that something was done, with the document that shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attestation {
    /// Which.
    pub id: String,
    /// The measure that it is for: `assessment`.
    pub measure: String,
    /// What kind of thing it is about.
    pub subject: Subject,
    /// Which system or unit; empty for the province.
    pub of: String,
    /// Number and name of the document.
    pub document: String,
    /// The organisation that did it.
    pub organisation: String,
    /// The day of the document.
    pub on: Date,
    /// The last day that it holds.
    pub until: Option<Date>,
    /// More about it.
    pub note: String,
    /// Who wrote it down.
    pub person: String,
    /// When.
    pub recorded: Time,
}

/// All that is known of a period.
#[derive(Clone, Debug, Default)]
pub struct Evidence {
    /// When it was gathered.
    pub now: Time,
    /// By system, the days with logs in order.
    pub days: HashMap<String, Vec<DayOfLogs>>,
    /// By system, what is held.
    pub held: HashMap<String, Held>,
    /// By machine.
    pub assets: HashMap<String, AssetLogs>,
    /// By computer, its name in lower case.
    pub antivirus: HashMap<String, Antivirus>,
    /// Incidents noticed within the period.
    pub incidents: Vec<IncidentFacts>,
    /// The last delivery to others before the end of the period.
    pub last_delivery: Option<Time>,
    /// All that were given and not withdrawn.
    pub attestations: Vec<Attestation>,
    /// Whether the events' store could be asked: without it, what logs say is unknown, not missing.
    pub has_events: bool,
}

/// The longest time without a log between the two moments.
#[must_use]
pub fn longest_gap(begin: Time, end: Time, days: &[DayOfLogs]) -> (Time, Time) {
    let mut longest = (begin, begin);
    let mut consider = |from: Time, to: Time| {
        let (from, to) = (from.max(begin), to.min(end));
        if to.0 - from.0 > longest.1.0 - longest.0.0 {
            longest = (from, to);
        }
    };
    let mut last = begin;
    for day in days {
        consider(last, day.first);
        consider(day.gap.0, day.gap.1);
        last = last.max(day.last);
    }
    consider(last, end);
    longest
}

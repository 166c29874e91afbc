//! Rule sets: what the files of `rules/compliance/` say. Reading them and what is wrong with them is in `read.rs`.

mod asked;
mod read;
mod within;

pub(crate) use asked::{Asked, Before, OUTDATED_DAYS};
pub use read::Problem;
pub use within::Within;

use event::{Severity, Stage};
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How sure we are of a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Certainty {
    /// Read in the official text.
    Confirmed,
    /// To be compared with the official text before anyone relies on it.
    ToVerify,
}

/// Where a rule is written, from when to when it holds, and how sure we are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Law {
    /// `Nghị định 331/2026/NĐ-CP, Điều 31`.
    pub citation: String,
    /// How sure we are.
    pub certainty: Certainty,
    /// The first day that it holds; the rule set's, if not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Date>,
    /// The last day that it holds; the rule set's, if not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Date>,
    /// What is to know about it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub note: String,
}

impl Law {
    pub(crate) fn holds(&self, set: &RuleSet, day: Date) -> bool {
        self.from.or(set.law.from).is_none_or(|from| from <= day)
            && self.until.or(set.law.until).is_none_or(|until| day <= until)
    }
}

/// Whom something is reported to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recipient {
    /// Short and lasting: `a05`.
    pub id: String,
    /// In English.
    pub name: String,
    /// In Vietnamese.
    pub name_vi: String,
    /// Why it is this one, and from when to when.
    pub law: Law,
}

/// A class of incidents.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Class {
    /// Short and lasting: `serious`.
    pub id: String,
    /// In English.
    pub title: String,
    /// In Vietnamese.
    pub title_vi: String,
    /// When an incident is of it, for the person who decides.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub help: String,
    /// The same in Vietnamese.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub help_vi: String,
}

/// An incident that fits every list that is given is of this class.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClassifyRule {
    /// Which.
    pub class: String,
    /// Any of these severities; any at all, if none is given.
    #[serde(default)]
    pub severity: Vec<Severity>,
    /// Any of these levels; 0 is an unknown one.
    #[serde(default)]
    pub level: Vec<u8>,
    /// Any of these stages.
    #[serde(default)]
    pub stage: Vec<Stage>,
}

/// How an incident gets its class while no person has given it one: the first rule that fits, else the default.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Classification {
    /// The class of what no rule fits.
    pub default: String,
    /// In order.
    #[serde(default)]
    pub rules: Vec<ClassifyRule>,
    /// Why it is so.
    pub law: Law,
}

/// What is to be reported, to whom, how soon after detection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeadlineRule {
    /// Short and lasting: `first-notice`.
    pub id: String,
    /// In English.
    pub title: String,
    /// In Vietnamese.
    pub title_vi: String,
    /// For incidents of these classes.
    pub classes: Vec<String>,
    /// After detection, to the minute.
    pub within: Within,
    /// What is still counted as in time, for `at once` has no figure.
    #[serde(default)]
    pub grace: Within,
    /// Each of these recipients.
    pub to: Vec<String>,
    /// Why.
    pub law: Law,
}

/// How many months logs are kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RetentionRule {
    /// Months by level. A level that is not named has no rule.
    pub months: BTreeMap<u8, u16>,
    /// Why.
    pub law: Law,
}

/// What is measured: the words that this program can compute, and attestations, which people give.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MeasureKind {
    /// Machines of which logs are expected and that sent any, in percent.
    SourcesConnected,
    /// The longest time without a log, in hours.
    LogGap,
    /// Days that logs are held.
    Retention,
    /// How far a machine's clock is off, in seconds.
    ClockSkew,
    /// Computers with antivirus, in percent.
    AntivirusCoverage,
    /// Computers whose antivirus did not tell of an update for so many days.
    AntivirusOutdated,
    /// Reports of incidents made in time, in percent.
    ReportedInTime,
    /// Hours since something was last delivered to the national system.
    SharingAlive,
    /// Whether the level is determined by an approved dossier, in percent.
    LevelDetermined,
    /// Whether addresses and domains are registered with the national monitoring system, in percent.
    Registered,
    /// A person says so, with a document: the months after which it is to be done anew, 0 for as long as the document is
    /// valid.
    Attested,
}

/// What is wanted of a measure.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Wanted {
    /// No less than.
    AtLeast,
    /// No more than.
    AtMost,
}

/// A measure and its threshold by level.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MeasureRule {
    /// Short and lasting.
    pub id: String,
    /// In English.
    pub title: String,
    /// In Vietnamese.
    pub title_vi: String,
    /// What is computed.
    pub kind: MeasureKind,
    /// The layer of the four-layer model that it is evidence of.
    pub layer: u8,
    /// Whether it is asked of each `system`, each `unit` or of the whole `province`.
    pub of: Subject,
    /// Which way the threshold goes.
    #[serde(default = "at_least")]
    pub wanted: Wanted,
    /// The threshold by level, 0 for an unknown one (and for what has no level). What is not named is not asked.
    pub threshold: BTreeMap<u8, f64>,
    /// Whether whoever monitors the system may not be the one who attests it.
    #[serde(default)]
    pub is_independent: bool,
    /// Days without an update after which a computer's antivirus is out of date.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outdated_days: Option<u16>,
    /// Why.
    pub law: Law,
}

/// A target of a plan: so many of a hundred meet a measure.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TargetRule {
    /// Short and lasting.
    pub id: String,
    /// In English.
    pub title: String,
    /// In Vietnamese.
    pub title_vi: String,
    /// The measure. What it counts (computers) is counted, else who meets it (systems, units).
    pub measure: String,
    /// Of a hundred.
    pub target: f64,
    /// The plan.
    pub law: Law,
}

/// What a measure is asked of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Subject {
    /// An information system.
    System,
    /// An organisation.
    Unit,
    /// All of it.
    Province,
}

fn at_least() -> Wanted {
    Wanted::AtLeast
}

/// Whether a rule set is the regime of systems and their incidents, or holds beside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// The regime: of these, one holds on a day.
    Regime,
    /// Holds beside the regime.
    Beside,
}

/// A file of rules.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RuleSet {
    /// `vn-2026`.
    pub id: String,
    /// In English.
    pub title: String,
    /// In Vietnamese.
    pub title_vi: String,
    /// What it is.
    pub role: Role,
    /// The founding text and its validity.
    pub law: Law,
    /// Whom is reported to. Other rule sets may name them too.
    #[serde(default)]
    pub recipients: Vec<Recipient>,
    /// The strictest first.
    #[serde(default)]
    pub classes: Vec<Class>,
    /// How an incident gets its class.
    #[serde(default)]
    pub classification: Option<Classification>,
    /// What is reported and when.
    #[serde(default)]
    pub deadlines: Vec<DeadlineRule>,
    /// How long logs are kept.
    #[serde(default)]
    pub retention: Vec<RetentionRule>,
    /// What is measured.
    #[serde(default)]
    pub measures: Vec<MeasureRule>,
    /// What is to be reached.
    #[serde(default)]
    pub targets: Vec<TargetRule>,
}

/// Every rule set there is, right as a whole.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RuleSets {
    sets: Vec<RuleSet>,
    digest: u64,
    /// Which partners and accounts are those of the national system.
    national: Vec<String>,
}

impl RuleSets {
    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &RuleSet> {
        self.sets.iter()
    }

    /// The one of that id.
    #[must_use]
    pub fn by_id(&self, id: &str) -> Option<&RuleSet> {
        self.sets.iter().find(|set| set.id == id)
    }

    /// A number that is another one when any rule is another one.
    #[must_use]
    pub fn digest(&self) -> u64 {
        self.digest
    }

    /// The regime of a day.
    #[must_use]
    pub fn regime_on(&self, day: Date) -> Option<&RuleSet> {
        self.sets.iter().find(|set| set.role == Role::Regime && set.law.holds(set, day))
    }

    /// Whom that id names on that day.
    #[must_use]
    pub fn recipient(&self, id: &str, day: Date) -> Option<&Recipient> {
        let all = self.sets.iter().flat_map(|set| set.recipients.iter().map(move |found| (set, found)));
        all.filter(|(_, found)| found.id == id)
            .find(|(set, found)| found.law.holds(set, day))
            .map(|(_, found)| found)
    }

    /// The deadlines that hold on a day, with their rule set.
    pub fn deadlines_on(&self, day: Date) -> impl Iterator<Item = (&RuleSet, &DeadlineRule)> {
        let all = self.sets.iter().flat_map(|set| set.deadlines.iter().map(move |rule| (set, rule)));
        all.filter(move |(set, rule)| rule.law.holds(set, day))
    }

    /// The retention that holds on a day.
    #[must_use]
    pub fn retention_on(&self, day: Date) -> Option<&RetentionRule> {
        let all = self.sets.iter().flat_map(|set| set.retention.iter().map(move |rule| (set, rule)));
        all.filter(|(set, rule)| rule.law.holds(set, day)).map(|(_, rule)| rule).next_back()
    }

    /// The targets that hold on a day.
    #[must_use]
    pub fn targets_on(&self, day: Date) -> Vec<&TargetRule> {
        let all = self.sets.iter().flat_map(|set| set.targets.iter().map(move |rule| (set, rule)));
        all.filter(|(set, rule)| rule.law.holds(set, day)).map(|(_, rule)| rule).collect()
    }

    /// Whom the rules mean by the national system: partners that we deliver to, and accounts that fetch from us.
    #[must_use]
    pub fn national(&self) -> &[String] {
        &self.national
    }

    /// The same rules, with these for the national system.
    #[must_use]
    pub fn with_national(mut self, names: Vec<String>) -> RuleSets {
        self.national = names;
        self
    }
}

#[cfg(test)]
mod tests;

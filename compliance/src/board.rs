//! The four-layer board: how each layer stands by the evidence, what is missing, how it was before; and the plan's targets.

use crate::assessment::{Assessed, Assessment, Measured, Outcome, Tally};
use crate::day::Period;
use crate::ruleset::{Certainty, RuleSets, Subject};
use event::Time;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

/// How a layer stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LayerState {
    /// Everything that is asked is met.
    Met,
    /// Something is met, not all.
    Partly,
    /// Nothing is met, and something is known not to be.
    NotMet,
    /// Nothing is known.
    Unknown,
    /// Nothing is asked.
    NotRequired,
}

/// Something that a layer lacks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Missing {
    /// The measure.
    pub measure: String,
    /// Its title in English.
    pub title: String,
    /// Its title in Vietnamese.
    pub title_vi: String,
    /// What it is asked of.
    pub subject: Subject,
    /// Of how many it is not met.
    pub not_met: u32,
    /// Of how many it is not known.
    pub unknown: u32,
    /// The first of them, by id.
    pub of: Vec<String>,
}

/// A layer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LayerStand {
    /// 1 to 4.
    pub layer: u8,
    /// How it stands.
    pub state: LayerState,
    /// What the measures came to.
    pub tally: Tally,
    /// The same of the period before.
    pub before: Tally,
    /// How many of a hundred more are met than then; none if then nothing was asked.
    pub trend: Option<f64>,
    /// What is missing, the most first.
    pub missing: Vec<Missing>,
}

/// The layers of a unit or of the province.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BoardRow {
    /// The unit; empty for the province.
    pub id: String,
    /// Its name.
    pub name: String,
    /// How many systems it operates.
    pub systems: u32,
    /// The four.
    pub layers: Vec<LayerStand>,
}

/// A target of the plan.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TargetStand {
    /// The rule's id.
    pub id: String,
    /// In English.
    pub title: String,
    /// In Vietnamese.
    pub title_vi: String,
    /// What is to be reached, of a hundred.
    pub target: f64,
    /// Where it stands; none if nothing is known.
    pub now: Option<f64>,
    /// What is left to it.
    pub gap: Option<f64>,
    /// Of how many.
    pub of: u64,
    /// So many fit.
    pub fit: u64,
    /// The document.
    pub citation: String,
    /// How sure we are.
    pub certainty: Certainty,
}

/// All of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Board {
    /// The period.
    pub period: Period,
    /// The one that it is compared with.
    pub before: Period,
    /// When it was computed.
    pub computed: Time,
    /// The whole.
    pub province: BoardRow,
    /// Each unit, by id.
    pub units: Vec<BoardRow>,
    /// The plan's.
    pub targets: Vec<TargetStand>,
}

/// So many ids of what lacks something are told.
const IDS_MAX: usize = 10;

impl RuleSets {
    /// The board of an assessment, compared with the one of the period before.
    #[must_use]
    pub fn board(&self, now: &Assessment, before: &Assessment) -> Board {
        let everything = |of: &Assessment| -> Vec<Assessed> {
            of.systems.iter().chain(&of.units).chain([&of.province]).cloned().collect()
        };
        let (all, all_before) = (everything(now), everything(before));
        let of_unit = |all: &[Assessed], unit: &str| -> Vec<Assessed> {
            let ours = |one: &&Assessed| match one.subject {
                Subject::System => one.unit == unit,
                Subject::Unit => one.id == unit,
                Subject::Province => false,
            };
            all.iter().filter(ours).cloned().collect()
        };
        let units = now
            .units
            .iter()
            .map(|unit| row(&unit.id, &unit.name, &of_unit(&all, &unit.id), &of_unit(&all_before, &unit.id)));
        Board {
            period: now.period,
            before: before.period,
            computed: now.computed,
            province: row("", "", &all, &all_before),
            units: units.collect(),
            targets: self.targets(now.period.today(now.computed), &all),
        }
    }

    fn targets(&self, day: Date, all: &[Assessed]) -> Vec<TargetStand> {
        let stand = |rule: &crate::ruleset::TargetRule| {
            let (mut of, mut fit, mut is_known) = (0, 0, false);
            let asked = all.iter().flat_map(|one| &one.measures).filter(|one| one.id == rule.measure);
            for one in asked.filter(|one| one.outcome != Outcome::NotRequired) {
                let counted = one.count.map(|count| (count.of, count.fit));
                let counted = counted.unwrap_or((1, u64::from(one.outcome == Outcome::Met)));
                (of, fit) = (of + counted.0, fit + counted.1);
                is_known |= one.outcome != Outcome::Unknown;
            }
            #[allow(clippy::cast_precision_loss, reason = "counts of rows are far below 2^52")]
            let now = (of > 0 && is_known).then(|| (fit as f64 * 1000.0 / of as f64).floor() / 10.0);
            TargetStand {
                id: rule.id.clone(),
                title: rule.title.clone(),
                title_vi: rule.title_vi.clone(),
                target: rule.target,
                now,
                gap: now.map(|now| ((rule.target - now).max(0.0) * 10.0).round() / 10.0),
                of,
                fit,
                citation: rule.law.citation.clone(),
                certainty: rule.law.certainty,
            }
        };
        self.targets_on(day).into_iter().map(stand).collect()
    }
}

fn row(id: &str, name: &str, all: &[Assessed], before: &[Assessed]) -> BoardRow {
    let systems = all.iter().filter(|one| one.subject == Subject::System).count();
    BoardRow {
        id: id.to_owned(),
        name: name.to_owned(),
        systems: u32::try_from(systems).unwrap_or(u32::MAX),
        layers: (1..=4).map(|layer| stand(layer, all, before)).collect(),
    }
}

fn stand(layer: u8, all: &[Assessed], before: &[Assessed]) -> LayerStand {
    let of = |all: &[Assessed]| -> Tally {
        Tally::of(all.iter().flat_map(|one| &one.measures).filter(|one| one.layer == layer))
    };
    let (tally, before) = (of(all), of(before));
    let state = match tally {
        Tally { met: 0, not_met: 0, unknown: 0 } => LayerState::NotRequired,
        Tally { met: 0, not_met: 0, .. } => LayerState::Unknown,
        Tally { not_met: 0, unknown: 0, .. } => LayerState::Met,
        Tally { met: 0, .. } => LayerState::NotMet,
        _ => LayerState::Partly,
    };
    let share = |tally: Tally| {
        let of = tally.met + tally.not_met + tally.unknown;
        (of > 0).then(|| f64::from(tally.met) * 100.0 / f64::from(of))
    };
    let trend = share(tally).zip(share(before)).map(|(now, then)| ((now - then) * 10.0).round() / 10.0);
    LayerStand { layer, state, tally, before, trend, missing: missing(layer, all) }
}

fn missing(layer: u8, all: &[Assessed]) -> Vec<Missing> {
    let mut found: Vec<Missing> = Vec::new();
    let asked = all.iter().flat_map(|one| one.measures.iter().map(move |measured| (one, measured)));
    for (of, measured) in asked.filter(|(_, measured)| measured.layer == layer) {
        if !matches!(measured.outcome, Outcome::NotMet | Outcome::Unknown) {
            continue;
        }
        let at = found.iter().position(|one| one.measure == measured.id && one.subject == of.subject);
        let at = at.unwrap_or_else(|| {
            found.push(empty(measured, of.subject));
            found.len() - 1
        });
        let Some(one) = found.get_mut(at) else { continue };
        match measured.outcome {
            Outcome::NotMet => one.not_met += 1,
            _ => one.unknown += 1,
        }
        if one.of.len() < IDS_MAX && !of.id.is_empty() {
            one.of.push(of.id.clone());
        }
    }
    found.sort_by_key(|one| (std::cmp::Reverse(one.not_met), std::cmp::Reverse(one.unknown)));
    found
}

fn empty(measured: &Measured, subject: Subject) -> Missing {
    Missing {
        measure: measured.id.clone(),
        title: measured.title.clone(),
        title_vi: measured.title_vi.clone(),
        subject,
        not_met: 0,
        unknown: 0,
        of: Vec::new(),
    }
}

#[cfg(test)]
mod tests;

//! Measures: from what is known of a period to values, what is required of them, and where that can be seen.

mod attested;
mod logs;
mod proof;

use crate::assessment::{
    Assessed, Assessment, Count, EarlierRule, Measured, Outcome, Proof, Quantity, RegimeName, Said, Tally,
};
use crate::day::{Period, day_of};
use crate::deadline::Stand;
use crate::evidence::{Antivirus, Evidence, IncidentFacts};
use crate::ruleset::{Asked, Before, MeasureKind, MeasureRule, OUTDATED_DAYS, RuleSets, Subject, Wanted};
use event::Time;
use registry::{Date, Dossier, Endpoint, Registry, System, Unit};
use std::collections::HashMap;

/// So many names of what is missing are told; the rest is counted.
const NAMES_MAX: usize = 20;
/// The proof of so many computers is linked.
const PROOFS_MAX: usize = 3;

/// A value and what it rests on.
#[derive(Default)]
struct Value {
    value: Option<f64>,
    /// Instead of the rule's threshold.
    required: Option<f64>,
    count: Option<Count>,
    /// Instead of the comparison of value and threshold.
    outcome: Option<Outcome>,
    missing: Vec<Said>,
    proof: Vec<Proof>,
}

/// What a measure is asked of.
#[derive(Clone, Copy)]
enum Of<'a> {
    System(&'a System),
    Unit(&'a Unit),
    Province,
}

impl Of<'_> {
    fn subject(self) -> Subject {
        match self {
            Of::System(_) => Subject::System,
            Of::Unit(_) => Subject::Unit,
            Of::Province => Subject::Province,
        }
    }

    fn id(&self) -> &str {
        match self {
            Of::System(system) => &system.id,
            Of::Unit(unit) => &unit.id,
            Of::Province => "",
        }
    }
}

struct Assess<'a> {
    rules: &'a RuleSets,
    registry: &'a Registry,
    evidence: &'a Evidence,
    period: Period,
    /// The end of the period, or now if that is earlier.
    end: Time,
    /// The last day of the period that has come: its rules are those that are asked.
    today: Date,
    endpoints: HashMap<&'a str, Vec<&'a Endpoint>>,
}

impl RuleSets {
    /// Measures everything that is asked on the period's last day, or today if that is earlier. Where another rule held
    /// before within the period, the measure tells it; it is held to the last one for all of its days.
    #[must_use]
    pub fn assess(&self, registry: &Registry, evidence: &Evidence, period: Period) -> Assessment {
        let mut endpoints: HashMap<&str, Vec<&Endpoint>> = HashMap::new();
        for endpoint in &registry.endpoints {
            endpoints.entry(&endpoint.unit).or_default().push(endpoint);
        }
        let end = period.end().min(evidence.now);
        let today = period.today(evidence.now);
        let assess = Assess { rules: self, registry, evidence, period, end, today, endpoints };
        let rules = self.measures_within(period.first, today);
        let names: HashMap<&str, &str> =
            registry.units.iter().map(|unit| (unit.id.as_str(), unit.name.as_str())).collect();
        let there = |unit: &&Unit| {
            unit.since.is_none_or(|since| since <= period.last)
                && unit.until.is_none_or(|until| until >= period.first)
        };
        let regime = self.regime_on(today);
        Assessment {
            period,
            computed: evidence.now,
            regime: regime.map_or_else(RegimeName::default, |set| RegimeName {
                id: set.id.clone(),
                title: set.title.clone(),
                title_vi: set.title_vi.clone(),
                citation: set.law.citation.clone(),
            }),
            systems: registry
                .systems
                .iter()
                .map(|system| assess.of(Of::System(system), &system.name, &system.unit, &names, &rules))
                .collect(),
            units: registry
                .units
                .iter()
                .filter(there)
                .map(|unit| assess.of(Of::Unit(unit), &unit.name, &unit.parent, &names, &rules))
                .collect(),
            province: assess.of(Of::Province, "", "", &names, &rules),
        }
    }
}

impl Assess<'_> {
    fn of(
        &self,
        of: Of<'_>,
        name: &str,
        unit: &str,
        names: &HashMap<&str, &str>,
        rules: &[Asked<'_>],
    ) -> Assessed {
        let level = match of {
            Of::System(system) => system.level_within(self.period.first, self.today),
            _ => 0,
        };
        let asked = rules.iter().filter(|asked| asked.rule.of == of.subject());
        let measures: Vec<Measured> = asked.map(|asked| self.measured(asked, of, level)).collect();
        Assessed {
            subject: of.subject(),
            id: of.id().to_owned(),
            name: name.to_owned(),
            unit: unit.to_owned(),
            unit_name: names.get(unit).map(|name| (*name).to_owned()).unwrap_or_default(),
            level,
            tally: Tally::of(&measures),
            measures,
        }
    }

    fn measured(&self, Asked { rule, earlier }: &Asked<'_>, of: Of<'_>, level: u8) -> Measured {
        let found = self.value(rule, of, level);
        let threshold = rule.threshold.get(&level).copied();
        let required = threshold.map(|threshold| found.required.unwrap_or(threshold));
        let compared = |value: f64, required: f64| match rule.wanted {
            Wanted::AtLeast if value >= required => Outcome::Met,
            Wanted::AtMost if value <= required => Outcome::Met,
            _ => Outcome::NotMet,
        };
        let outcome = match (required, found.outcome, found.value) {
            (None, _, _) => Outcome::NotRequired,
            (Some(_), Some(outcome), _) => outcome,
            (Some(required), None, Some(value)) => compared(value, required),
            (Some(_), None, None) => Outcome::Unknown,
        };
        Measured {
            id: rule.id.clone(),
            title: rule.title.clone(),
            title_vi: rule.title_vi.clone(),
            kind: rule.kind,
            layer: rule.layer,
            value: found.value,
            required,
            wanted: rule.wanted,
            quantity: quantity(rule.kind),
            count: found.count,
            outcome,
            missing: found.missing,
            proof: found.proof,
            citation: rule.law.citation.clone(),
            certainty: rule.law.certainty,
            earlier: earlier.iter().map(|before| self.earlier(before, of)).collect(),
        }
    }

    fn earlier(&self, Before { from, until, rule }: &Before<'_>, of: Of<'_>) -> EarlierRule {
        let level = match of {
            Of::System(system) => system.level_within(*from, *until),
            _ => 0,
        };
        let threshold = rule.threshold.get(&level).copied();
        let required = match rule.kind {
            MeasureKind::Retention => threshold.map(|_| self.days_held(*until, level)),
            _ => threshold,
        };
        EarlierRule {
            from: *from,
            until: *until,
            required,
            citation: rule.law.citation.clone(),
            certainty: rule.law.certainty,
        }
    }

    fn value(&self, rule: &MeasureRule, of: Of<'_>, level: u8) -> Value {
        match (rule.kind, of) {
            (MeasureKind::SourcesConnected, Of::System(system)) => self.sources(system),
            (MeasureKind::LogGap, Of::System(system)) => self.gap(system),
            (MeasureKind::Retention, Of::System(system)) => self.retention(system, level),
            (MeasureKind::ClockSkew, Of::System(system)) => self.skew(system),
            (MeasureKind::LevelDetermined, Of::System(system)) => {
                let is_decided = system.decided.is_none_or(|decided| decided <= self.today);
                let is_determined =
                    system.level_on(self.today) > 0 && system.dossier == Dossier::Approved && is_decided;
                yes_no(is_determined, proof::registry("systems", &system.id), || {
                    Said::new("no approved dossier", "chưa có hồ sơ đề xuất cấp độ được phê duyệt")
                })
            }
            (MeasureKind::Registered, Of::System(system)) => {
                yes_no(system.registered, proof::registry("systems", &system.id), || {
                    Said::new("not registered", "chưa đăng ký với hệ thống giám sát quốc gia")
                })
            }
            (MeasureKind::AntivirusCoverage, Of::Unit(_) | Of::Province) => self.antivirus(of),
            (MeasureKind::AntivirusOutdated, Of::Unit(_) | Of::Province) => {
                self.outdated(of, rule.outdated_days.unwrap_or(OUTDATED_DAYS))
            }
            (MeasureKind::ReportedInTime, _) => self.reported(of),
            (MeasureKind::SharingAlive, Of::Province) => self.sharing(),
            (MeasureKind::Attested, _) => self.attested(rule, of, level),
            _ => Value::default(), // what a rule set may not ask, which its reading refuses
        }
    }

    fn endpoints(&self, of: Of<'_>) -> Vec<&Endpoint> {
        match of {
            Of::Unit(unit) => self.endpoints.get(unit.id.as_str()).cloned().unwrap_or_default(),
            _ => self.registry.endpoints.iter().collect(),
        }
    }

    fn told(&self, endpoint: &Endpoint) -> Antivirus {
        self.evidence.antivirus.get(&endpoint.id.to_lowercase()).copied().unwrap_or_default()
    }

    fn antivirus(&self, of: Of<'_>) -> Value {
        let all = self.endpoints(of);
        let lacks =
            |endpoint: &&&Endpoint| endpoint.antivirus.is_empty() && self.told(endpoint).seen.is_none();
        let without: Vec<&str> = all.iter().filter(lacks).map(|endpoint| endpoint.id.as_str()).collect();
        let mut value = share(all.len(), all.len() - without.len());
        value.missing = named(&without, "without antivirus", "chưa có phần mềm phòng, chống mã độc");
        value.proof.push(proof::registry_of("endpoints", of.id()));
        value
    }

    fn outdated(&self, of: Of<'_>, days: u16) -> Value {
        let since = self.end.plus_ms(-i64::from(days) * 86_400_000);
        let all: Vec<&Endpoint> = self
            .endpoints(of)
            .into_iter()
            .filter(|one| !one.antivirus.is_empty() || self.told(one).seen.is_some())
            .collect();
        let proof = vec![proof::registry_of("endpoints", of.id())];
        if all.is_empty() {
            return Value { outcome: Some(Outcome::NotRequired), proof, ..Value::default() };
        }
        if all.iter().all(|one| self.told(one).updated.is_none()) {
            let missing = vec![Said::new("no computer told of an update", "chưa máy nào báo việc cập nhật")];
            return Value { missing, proof, ..Value::default() };
        }
        let mut by_age: Vec<&Endpoint> = all.clone();
        by_age.sort_by_key(|one| self.told(one).updated);
        let old: Vec<&Endpoint> =
            by_age.iter().filter(|one| self.told(one).updated.is_none_or(|at| at < since)).copied().collect();
        let count = Some(Count { of: all.len() as u64, fit: (all.len() - old.len()) as u64 });
        let with_day = |never: &str, form: &str| -> Vec<String> {
            let day = |at: Time| day_of(at).strftime(form).to_string();
            let told = |one: &Endpoint| self.told(one).updated.map_or_else(|| never.to_owned(), day);
            old.iter().map(|one| format!("{} ({})", one.id, told(one))).collect()
        };
        let missing = named_in(
            [&with_day("never", "%Y-%m-%d"), &with_day("chưa lần nào", "%d/%m/%Y")],
            [&format!("without an update for {days} days"), &format!("không cập nhật trong {days} ngày")],
        );
        // What the computers told that were updated the longest ago: the update itself, or all if there was none.
        let mut proof: Vec<Proof> = by_age
            .iter()
            .take(PROOFS_MAX)
            .map(|one| match self.told(one).updated {
                Some(at) => proof::events(at.plus_ms(-60_000), at.plus_ms(60_000), "host.name", &one.id),
                None => proof::events(since, self.end, "host.name", &one.id),
            })
            .collect();
        proof.push(proof::registry_of("endpoints", of.id()));
        Value { value: Some(number(old.len())), count, missing, proof, ..Value::default() }
    }

    fn reported(&self, of: Of<'_>) -> Value {
        let ours = |one: &&IncidentFacts| match of {
            Of::System(system) => one.system == system.id,
            Of::Unit(unit) => one.unit == unit.id,
            Of::Province => true,
        };
        let (mut decided, mut in_time, mut late) = (0usize, 0usize, Vec::new());
        for one in self.evidence.incidents.iter().filter(ours) {
            for deadline in self.rules.reporting(&one.facts, self.evidence.now).deadlines {
                match deadline.stand {
                    Stand::Pending => {}
                    Stand::Reported => (decided, in_time) = (decided + 1, in_time + 1),
                    Stand::Overdue | Stand::ReportedLate => {
                        decided += 1;
                        late.push(format!("#{} {}", one.number, deadline.rule.title_vi));
                    }
                }
            }
        }
        let mut value = share(decided, in_time);
        if decided == 0 {
            value.outcome = Some(Outcome::Met);
            value.missing.push(Said::new("nothing was to be reported yet", "chưa có báo cáo nào đến hạn"));
        }
        let late: Vec<&str> = late.iter().map(String::as_str).collect();
        value.missing.extend(named(&late, "late", "quá hạn"));
        value.proof.push(proof::incidents(self.period, of.id()));
        value
    }

    fn sharing(&self) -> Value {
        let proof = vec![proof::deliveries()];
        if self.rules.national().is_empty() {
            let missing = vec![Said::new(
                "which partner is the national system is not set (`compliance.national`)",
                "chưa khai báo đối tác nào là hệ thống quốc gia (`compliance.national`)",
            )];
            return Value { missing, proof, ..Value::default() };
        }
        let Some(last) = self.evidence.last_delivery else {
            let missing = vec![Said::new(
                "nothing was delivered to the national system yet",
                "chưa chia sẻ lần nào với hệ thống quốc gia",
            )];
            return Value { outcome: Some(Outcome::NotMet), missing, proof, ..Value::default() };
        };
        Value { value: Some(hours(self.end.0 - last.0)), proof, ..Value::default() }
    }
}

fn quantity(kind: MeasureKind) -> Quantity {
    match kind {
        MeasureKind::SourcesConnected
        | MeasureKind::AntivirusCoverage
        | MeasureKind::ReportedInTime
        | MeasureKind::LevelDetermined
        | MeasureKind::Registered => Quantity::Percent,
        MeasureKind::LogGap | MeasureKind::SharingAlive => Quantity::Hours,
        MeasureKind::Retention => Quantity::Days,
        MeasureKind::Attested => Quantity::Months,
        MeasureKind::ClockSkew => Quantity::Seconds,
        MeasureKind::AntivirusOutdated => Quantity::Count,
    }
}

/// So many of a hundred; nothing, and not required, of none.
fn share(of: usize, fit: usize) -> Value {
    let count = Some(Count { of: of as u64, fit: fit as u64 });
    if of == 0 {
        return Value { count, outcome: Some(Outcome::NotRequired), ..Value::default() };
    }
    // Never rounded up to what it is not: 2,885 of 2,886 are not all.
    let tenths = (number(fit) * 1000.0 / number(of)).floor();
    Value { value: Some(tenths / 10.0), count, ..Value::default() }
}

fn yes_no(is_met: bool, proof: Proof, why_not: impl FnOnce() -> Said) -> Value {
    let missing = if is_met { Vec::new() } else { vec![why_not()] };
    Value { value: Some(if is_met { 100.0 } else { 0.0 }), missing, proof: vec![proof], ..Value::default() }
}

/// The first names, and how many more.
fn named(names: &[&str], what: &str, what_vi: &str) -> Vec<Said> {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    named_in([&names, &names], [what, what_vi])
}

/// The same, of names that are others in English and in Vietnamese.
fn named_in(names: [&[String]; 2], what: [&str; 2]) -> Vec<Said> {
    if names[0].is_empty() {
        return Vec::new();
    }
    let shown = names.map(|names| names[..names.len().min(NAMES_MAX)].join(", "));
    let more = names[0].len().saturating_sub(NAMES_MAX);
    let (more, more_vi) = match more {
        0 => (String::new(), String::new()),
        more => (format!(" and {more} more"), format!(" và {more} mục khác")),
    };
    let ([what, what_vi], [shown, shown_vi]) = (what, shown);
    vec![Said::new(format!("{what}: {shown}{more}"), format!("{what_vi}: {shown_vi}{more_vi}"))]
}

#[allow(clippy::cast_precision_loss, reason = "a count of rows is far below 2^52")]
fn number(count: usize) -> f64 {
    count as f64
}

/// To a hundredth of an hour, never below what it is.
#[allow(clippy::cast_precision_loss, reason = "milliseconds of centuries are below 2^52")]
fn hours(ms: i64) -> f64 {
    (ms.max(0) as f64 / 36_000.0).ceil() / 100.0
}

#[cfg(test)]
mod tests;

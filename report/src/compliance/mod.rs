//! The level-based compliance report of a system, a unit, a level or the province. Documents and workbooks are written
//! from the assessment, which is also what the API answers.

mod document;
mod workbook;

use ::compliance::{Assessed, Assessment, MeasureKind, Measured, Outcome, Quantity, Tally, Wanted};
use event::Time;
use serde::Serialize;

/// Of what a report is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Everything.
    Province,
    /// The systems of one level.
    Level(u8),
    /// A unit and its systems.
    Unit(String),
    /// A system.
    System(String),
}

/// A compliance report, as data.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ComplianceReport {
    /// `báo cáo của …`: what it is about.
    pub about: String,
    /// When it was made.
    pub made: Time,
    /// By level of the systems in it: how many systems, and what their measures came to.
    pub levels: Vec<LevelTally>,
    /// The assessment, narrowed to what the report is of.
    pub assessment: Assessment,
    /// Whether what is measured of the province as a whole belongs to it.
    pub whole: bool,
}

/// The systems of one level.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LevelTally {
    /// 1 to 5; 0 where it is not determined.
    pub level: u8,
    /// How many.
    pub systems: u32,
    /// What their measures came to.
    pub tally: Tally,
}

impl ComplianceReport {
    /// The report of this scope; `None` if there is no such unit or system.
    #[must_use]
    pub fn of(assessment: Assessment, scope: &Scope, made: Time) -> Option<ComplianceReport> {
        let mut assessment = assessment;
        let named =
            |all: &[Assessed], id: &str| all.iter().find(|one| one.id == id).map(|one| one.name.clone());
        let about = match scope {
            Scope::Province => "toàn tỉnh".to_owned(),
            Scope::Level(0) => "các hệ thống chưa xác định cấp độ".to_owned(),
            Scope::Level(level) => format!("các hệ thống thông tin cấp độ {level}"),
            Scope::Unit(id) => named(&assessment.units, id)?,
            Scope::System(id) => named(&assessment.systems, id)?,
        };
        assessment.systems.retain(|one| match scope {
            Scope::Province => true,
            Scope::Level(level) => one.level == *level,
            Scope::Unit(id) => one.unit == *id,
            Scope::System(id) => one.id == *id,
        });
        assessment.units.retain(|one| match scope {
            Scope::Province => true,
            Scope::Unit(id) => one.id == *id,
            Scope::Level(_) | Scope::System(_) => false,
        });
        let levels = (0..=5).filter_map(|level| LevelTally::of(level, &assessment.systems)).collect();
        Some(ComplianceReport { about, made, levels, assessment, whole: *scope == Scope::Province })
    }

    /// What it is of: the province, its units, its systems.
    fn all(&self) -> impl Iterator<Item = &Assessed> {
        let province = self.whole.then_some(&self.assessment.province);
        province.into_iter().chain(&self.assessment.units).chain(&self.assessment.systems)
    }
}

impl LevelTally {
    fn of(level: u8, systems: &[Assessed]) -> Option<LevelTally> {
        let of: Vec<&Assessed> = systems.iter().filter(|one| one.level == level).collect();
        let tally = Tally::of(of.iter().flat_map(|one| &one.measures));
        let systems = u32::try_from(of.len()).unwrap_or(u32::MAX);
        (systems > 0).then_some(LevelTally { level, systems, tally })
    }
}

/// The province has no name of its own in an assessment.
fn name(one: &Assessed) -> &str {
    if one.name.is_empty() { "Toàn tỉnh" } else { &one.name }
}

fn level(level: u8) -> String {
    if level == 0 { "Chưa xác định".to_owned() } else { format!("Cấp độ {level}") }
}

fn outcome(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Met => "Đạt",
        Outcome::NotMet => "Chưa đạt",
        Outcome::Unknown => "Chưa rõ",
        Outcome::NotRequired => "Không yêu cầu",
    }
}

/// What value and requirement count.
fn unit(measured: &Measured) -> &'static str {
    match measured.quantity {
        Quantity::Percent => "%",
        Quantity::Hours => "giờ",
        Quantity::Days => "ngày",
        Quantity::Months => "tháng",
        Quantity::Seconds => "giây",
        Quantity::Count => "",
    }
}

/// `98,5 %`; of what it is a share, too.
fn value(measured: &Measured) -> String {
    let Some(found) = measured.value else { return "–".to_owned() };
    let text = quantity(found, unit(measured));
    match measured.count {
        Some(count) => format!("{text} ({}/{})", count.fit, count.of),
        None => text,
    }
}

/// `≥ 100 %`.
fn required(measured: &Measured) -> String {
    let Some(required) = measured.required else { return "–".to_owned() };
    if measured.kind == MeasureKind::Attested && required == 0.0 {
        return "còn hiệu lực".to_owned();
    }
    let sign = if measured.wanted == Wanted::AtLeast { "≥" } else { "≤" };
    format!("{sign} {}", quantity(required, unit(measured)))
}

/// What asks for it, and what did on earlier days of the period.
fn cited(measured: &Measured) -> String {
    let earlier = measured.earlier.iter().map(|one| {
        let before = Measured { required: one.required, ..measured.clone() };
        let asked = if one.required == measured.required {
            String::new()
        } else {
            format!(", {}", required(&before))
        };
        format!("; từ {} đến {}: {}{asked}", day(one.from), day(one.until), one.citation)
    });
    earlier.fold(measured.citation.clone(), |told, one| told + &one)
}

fn day(day: ::compliance::Date) -> String {
    format!("{:02}/{:02}/{}", day.day(), day.month(), day.year())
}

fn quantity(value: f64, unit: &str) -> String {
    let text = format!("{value:.2}");
    let text = text.trim_end_matches('0').trim_end_matches('.').replace('.', ",");
    format!("{text} {unit}").trim_end().to_owned()
}

fn missing(measured: &Measured) -> String {
    measured.missing.iter().map(|said| said.text_vi.as_str()).collect::<Vec<_>>().join("\n")
}

//! The bulletin of a week, a month or a quarter: what happened, beside what happened in the one before. A document is
//! written from its figures, which are also what the API answers.

mod document;

use crate::form::FormError;
use crate::incident_type::IncidentTypes;
use crate::period::Period;
use event::{Severity, Status, Time};
use jiff::civil::Date;
use serde::Serialize;
use std::collections::BTreeMap;

/// How many of a list are told; the rest is in one line.
const SHOWN_MAX: usize = 15;

/// An incident as it is counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Happened {
    /// The number that people use for it.
    pub number: i64,
    /// What happened, in Vietnamese.
    pub title: String,
    /// How bad it is.
    pub severity: Severity,
    /// Where it stands.
    pub status: Status,
    /// Somebody found that it is none.
    pub is_dismissed: bool,
    /// What the unit concerned is called, or empty.
    pub unit: String,
    /// What the system concerned is called, or empty.
    pub system: String,
    /// When it was detected.
    pub detected: Time,
    /// ATT&CK techniques.
    pub techniques: Vec<String>,
    /// The layers of protection that saw it.
    pub layers: Vec<String>,
    /// The rules that told of it: id, title, alerts, matches.
    pub rules: Vec<(String, String, u64, u64)>,
}

/// A name and how often.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Counted {
    /// What is counted.
    pub name: String,
    /// In the period.
    pub count: u64,
    /// In the period before.
    pub previous: u64,
}

/// What is counted of events in one period.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EventFigures {
    /// All.
    pub total: u64,
    /// Of each day, the first day first.
    pub days: Vec<u64>,
    /// By the product that wrote them, the most first.
    pub sources: Vec<(String, u64)>,
    /// Detections of antivirus.
    pub malware: u64,
    /// Those by unit's name.
    pub malware_units: Vec<(String, u64)>,
    /// Those by what was found.
    pub malware_names: Vec<(String, u64)>,
}

/// What a bulletin is made of: a period's incidents and events.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// The incidents detected in it.
    pub incidents: Vec<Happened>,
    /// Its events.
    pub events: EventFigures,
}

/// A bulletin, as data.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Bulletin {
    /// `2026-W48`.
    pub period: String,
    /// `tuần 48 năm 2026`.
    pub title: String,
    /// The first day.
    pub first: Date,
    /// The last day.
    pub last: Date,
    /// When it was made.
    pub made: Time,
    /// Whether the period was not over then.
    pub unfinished: bool,
    /// Incidents, without those that were found to be none.
    pub incidents: Counted,
    /// Those on which work goes on.
    pub open: Counted,
    /// What was found to be none.
    pub dismissed: Counted,
    /// By severity, the worst first.
    pub by_severity: Vec<Counted>,
    /// By kind, in the words of the law and all of them.
    pub by_type: Vec<Counted>,
    /// By unit, the most first.
    pub by_unit: Vec<Counted>,
    /// By layer of protection; one that several saw counts in each.
    pub by_layer: Vec<Counted>,
    /// The worst, and of those the latest.
    pub notable: Vec<Notable>,
    /// Events.
    pub events: Counted,
    /// Events of each day.
    pub days: Vec<Day>,
    /// Events by the product that wrote them.
    pub sources: Vec<Counted>,
    /// Detections of antivirus.
    pub malware: Counted,
    /// Those by unit.
    pub malware_units: Vec<Counted>,
    /// Those by what was found.
    pub malware_names: Vec<Counted>,
    /// Alerts by rule.
    pub rules: Vec<Counted>,
}

/// A day and its events.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Day {
    /// The day.
    pub day: Date,
    /// Its events.
    pub count: u64,
}

/// An incident to be read of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Notable {
    /// The number that people use for it.
    pub number: i64,
    /// What happened.
    pub title: String,
    /// How bad it is.
    pub severity: &'static str,
    /// The unit and system concerned.
    pub place: String,
    /// When it was detected.
    pub detected: Time,
    /// Where it stands.
    pub status: &'static str,
}

impl Bulletin {
    /// The bulletin of a period, from its figures and those of the period before.
    ///
    /// # Errors
    /// The file of the kinds of incident is wrong.
    pub fn of(period: Period, made: Time, now: &Figures, before: &Figures) -> Result<Bulletin, FormError> {
        let types = IncidentTypes::own()?;
        let kind =
            |one: &Happened| vec![(types.of(one.techniques.iter().map(String::as_str)).name.clone(), 1)];
        let unit = |one: &Happened| vec![(known(&one.unit), 1)];
        let layer = |one: &Happened| one.layers.iter().map(|layer| (layer.clone(), 1)).collect();
        let rule =
            |one: &Happened| one.rules.iter().map(|(_, title, alerts, _)| (title.clone(), *alerts)).collect();
        let grade = |one: &Happened| vec![(severity(one.severity).to_owned(), 1)];
        let sums = |of: &dyn Fn(&Happened) -> Vec<(String, u64)>| {
            compared(sum(&now.incidents, of), &sum(&before.incidents, of))
        };
        let fixed = |names: Vec<String>, of: &dyn Fn(&Happened) -> Vec<(String, u64)>| {
            let (now, before) = (sum(&now.incidents, of), sum(&before.incidents, of));
            let count = |sums: &BTreeMap<String, u64>, name: &str| sums.get(name).copied().unwrap_or(0);
            let counted =
                |name: String| Counted { count: count(&now, &name), previous: count(&before, &name), name };
            names.into_iter().map(counted).collect::<Vec<_>>()
        };
        let count = |name: &str, is: &dyn Fn(&Happened) -> bool| Counted {
            name: name.to_owned(),
            count: now.incidents.iter().filter(|one| is(one)).count() as u64,
            previous: before.incidents.iter().filter(|one| is(one)).count() as u64,
        };
        let figure = |name: &str, of: fn(&EventFigures) -> u64| Counted {
            name: name.to_owned(),
            count: of(&now.events),
            previous: of(&before.events),
        };
        let lists = |of: fn(&EventFigures) -> &Vec<(String, u64)>| {
            let whole = |figures: &Figures| {
                of(&figures.events).iter().map(|(name, count)| (known(name), *count)).collect()
            };
            compared(whole(now), &whole(before))
        };
        let days = (0..).zip(&now.events.days);
        Ok(Bulletin {
            period: period.name(),
            title: period.title(),
            first: period.first,
            last: period.last(),
            made,
            unfinished: made < period.moments().1,
            incidents: count("Sự cố", &|one| !one.is_dismissed),
            open: count("Đang xử lý", &|one| !one.is_dismissed && one.status != Status::Closed),
            dismissed: count("Cảnh báo sai hoặc hoạt động hợp lệ", &|one| one.is_dismissed),
            by_severity: fixed(GRADES.iter().map(|grade| severity(*grade).to_owned()).collect(), &grade),
            by_type: fixed(types.all().map(|one| one.name.clone()).collect(), &kind),
            by_unit: sums(&unit),
            by_layer: fixed(LAYERS.iter().map(|layer| (*layer).to_owned()).collect(), &layer),
            notable: notable(&now.incidents),
            events: figure("Sự kiện", |events| events.total),
            days: days.map(|(place, count)| Day { day: day(period.first, place), count: *count }).collect(),
            sources: lists(|events| &events.sources),
            malware: figure("Phát hiện mã độc", |events| events.malware),
            malware_units: lists(|events| &events.malware_units),
            malware_names: lists(|events| &events.malware_names),
            rules: sums(&rule),
        })
    }
}

/// The layers of protection, as rules name them.
const LAYERS: [&str; 4] = ["1", "2", "3", "4"];

const GRADES: [Severity; 5] =
    [Severity::Critical, Severity::High, Severity::Medium, Severity::Low, Severity::Informational];

fn day(first: Date, place: i64) -> Date {
    first.saturating_add(jiff::Span::new().days(place))
}

fn known(name: &str) -> String {
    if name.is_empty() { "Chưa rõ".to_owned() } else { name.to_owned() }
}

fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "Nghiêm trọng",
        Severity::High => "Cao",
        Severity::Medium => "Trung bình",
        Severity::Low => "Thấp",
        Severity::Informational => "Thông tin",
    }
}

fn status(status: Status) -> &'static str {
    match status {
        Status::New => "Mới",
        Status::Acknowledged => "Đã tiếp nhận",
        Status::Contained => "Đã khoanh vùng",
        Status::Closed => "Đã đóng",
    }
}

/// How often each name, over the incidents that are some.
fn sum(incidents: &[Happened], of: &dyn Fn(&Happened) -> Vec<(String, u64)>) -> BTreeMap<String, u64> {
    let mut sums = BTreeMap::new();
    for (name, count) in incidents.iter().filter(|one| !one.is_dismissed).flat_map(of) {
        let sum: &mut u64 = sums.entry(name).or_default();
        *sum = sum.saturating_add(count);
    }
    sums
}

/// The names of both periods, the most of this one first; beyond the longest list, the rest in one.
fn compared(now: BTreeMap<String, u64>, before: &BTreeMap<String, u64>) -> Vec<Counted> {
    let previous = |name: &str| before.get(name).copied().unwrap_or(0);
    let gone = before.keys().filter(|name| !now.contains_key(*name));
    let mut all: Vec<Counted> =
        gone.map(|name| Counted { name: name.clone(), count: 0, previous: previous(name) }).collect();
    all.extend(now.into_iter().map(|(name, count)| Counted { previous: previous(&name), name, count }));
    all.sort_by(|a, b| (b.count, b.previous, &a.name).cmp(&(a.count, a.previous, &b.name)));
    if all.len() > SHOWN_MAX {
        let rest = all.split_off(SHOWN_MAX - 1);
        let sum = |of: fn(&Counted) -> u64| rest.iter().map(of).fold(0, u64::saturating_add);
        all.push(Counted {
            name: format!("{} mục khác", rest.len()),
            count: sum(|one| one.count),
            previous: sum(|one| one.previous),
        });
    }
    all
}

fn notable(incidents: &[Happened]) -> Vec<Notable> {
    let mut all: Vec<&Happened> =
        incidents.iter().filter(|one| !one.is_dismissed && one.severity >= Severity::High).collect();
    all.sort_by_key(|one| (std::cmp::Reverse(one.severity), std::cmp::Reverse(one.detected), one.number));
    let place = |one: &Happened| match (one.system.is_empty(), one.unit.is_empty()) {
        (false, false) => format!("{}, {}", one.system, one.unit),
        (false, true) => one.system.clone(),
        _ => known(&one.unit),
    };
    let told = |one: &&Happened| Notable {
        number: one.number,
        title: one.title.clone(),
        severity: severity(one.severity),
        place: place(one),
        detected: one.detected,
        status: status(one.status),
    };
    all.iter().take(SHOWN_MAX).map(told).collect()
}

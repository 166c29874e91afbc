mod law;
mod worked;

use super::*;
use crate::board::LayerState;
use crate::deadline::Facts;
use crate::evidence::{AssetLogs, Attestation, DayOfLogs, Held};
use event::{Severity, Stage};
use registry::{Asset, Date, Plan};

fn day(text: &str) -> Date {
    text.parse().unwrap()
}

fn time(text: &str) -> Time {
    Time::parse(text).unwrap()
}

fn november() -> Period {
    Period { first: day("2026-11-01"), last: day("2026-11-30") }
}

/// A unit with a system of level 3 (2 until 14 November), two machines and three computers; a unit with nothing.
fn province() -> Registry {
    let unit = |id: &str| Unit { id: id.into(), name: format!("Sở {id}"), ..Unit::default() };
    let asset = |id: &str| Asset { id: id.into(), system: "mot-cua".into(), ..Asset::default() };
    let computer = |id: &str, antivirus: &str| Endpoint {
        id: id.into(),
        unit: "a".into(),
        antivirus: antivirus.into(),
        ..Endpoint::default()
    };
    Registry {
        units: vec![unit("a"), unit("b"), Unit { until: Some(day("2025-06-30")), ..unit("c") }],
        systems: vec![System {
            id: "mot-cua".into(),
            name: "Một cửa".into(),
            unit: "a".into(),
            level: 3,
            level_since: Some(day("2026-11-15")),
            earlier_levels: vec!["2:2024-02-29".parse().unwrap()],
            dossier: Dossier::Approved,
            plan: Plan::Partly,
            provider: "Công ty Giám sát".into(),
            ..System::default()
        }],
        assets: vec![asset("web"), asset("db")],
        endpoints: vec![computer("PC-1", "KES"), computer("PC-2", "KES"), computer("PC-3", "")],
    }
}

/// Noon of 28 November in Vietnam.
fn evidence() -> Evidence {
    Evidence { now: time("2026-11-28T05:00:00Z"), has_events: true, ..Evidence::default() }
}

fn of_system(evidence: &Evidence, id: &str) -> Measured {
    let found = RuleSets::own().assess(&province(), evidence, november());
    found.systems[0].measures.iter().find(|one| one.id == id).unwrap().clone()
}

fn of_unit(evidence: &Evidence, unit: usize, id: &str) -> Measured {
    let found = RuleSets::own().assess(&province(), evidence, november());
    found.units[unit].measures.iter().find(|one| one.id == id).unwrap().clone()
}

#[test]
fn sources_are_machines_that_sent_and_without_the_store_nothing_is_known() {
    let mut known = evidence();
    known.assets.insert("web".into(), AssetLogs { events: 7, skew_s: 0.4 });
    let found = of_system(&known, "sources-connected");
    assert_eq!((found.value, found.required, found.outcome), (Some(50.0), Some(100.0), Outcome::NotMet));
    assert_eq!(found.missing, [Said::new("no log of: db", "chưa có log của: db")]);
    assert_eq!(
        found.proof[0].page,
        "/events?from=2026-10-31T17%3A00%3A00.000Z&to=2026-11-28T05%3A00%3A00.000Z&q=haidang.system.id%3A%22mot-cua%22"
    );
    known.assets.insert("db".into(), AssetLogs { events: 1, skew_s: -75.04 });
    assert_eq!(of_system(&known, "sources-connected").outcome, Outcome::Met);
    // The worst clock counts, whichever way.
    let clock = of_system(&known, "clock-skew");
    assert_eq!((clock.value, clock.outcome), (Some(75.0), Outcome::NotMet));
    assert_eq!(clock.missing[0].text, "db: 75 s ahead");
    known.has_events = false;
    assert_eq!(of_system(&known, "sources-connected").outcome, Outcome::Unknown);
    assert_eq!(of_system(&known, "log-gap").outcome, Outcome::Unknown);
}

#[test]
fn the_longest_gap_is_found_within_a_day_across_midnight_and_at_both_ends() {
    let one = |first: &str, last: &str, from: &str, to: &str| DayOfLogs {
        first: time(first),
        last: time(last),
        gap: (time(from), time(to)),
    };
    let mut known = evidence();
    let days = vec![
        one("2026-10-31T18:00:00Z", "2026-11-01T20:00:00Z", "2026-11-01T01:00:00Z", "2026-11-01T03:30:00Z"),
        one("2026-11-02T07:15:00Z", "2026-11-02T23:00:00Z", "2026-11-02T08:00:00Z", "2026-11-02T09:00:00Z"),
        one("2026-11-03T00:00:00Z", "2026-11-28T04:00:00Z", "2026-11-10T00:00:00Z", "2026-11-10T11:00:00Z"),
    ];
    known.days.insert("mot-cua".into(), days);
    let found = of_system(&known, "log-gap");
    // 20:00 to 07:15 is 11 h 15 min; within a day 11 h; at most 24 h for level 3.
    assert_eq!((found.value, found.required, found.outcome), (Some(11.25), Some(24.0), Outcome::Met));
    assert_eq!(found.missing[0].text_vi, "từ 02/11/2026 03:00 đến 02/11/2026 14:15");
    // Nothing at all: since the period began, 27 days and 12 hours ago.
    known.days.clear();
    let found = of_system(&known, "log-gap");
    assert_eq!((found.value, found.outcome), (Some(660.0), Outcome::NotMet));
    // The last log was on the 3rd at noon in Vietnam: 25 days.
    known.days.insert(
        "mot-cua".into(),
        vec![one(
            "2026-10-31T17:00:00Z",
            "2026-11-03T05:00:00Z",
            "2026-11-01T00:00:00Z",
            "2026-11-01T00:01:00Z",
        )],
    );
    assert_eq!(of_system(&known, "log-gap").value, Some(600.0));
}

#[test]
fn retention_is_held_to_the_highest_level_of_the_period() {
    let mut known = evidence();
    let held = |oldest: &str, short: u64| Held { oldest: day(oldest), short };
    // Level 3 since the 15th: three months before 28 November, which are 92 days.
    known.held.insert("mot-cua".into(), held("2026-08-28", 0));
    let found = of_system(&known, "retention");
    assert_eq!((found.value, found.required, found.outcome), (Some(92.0), Some(92.0), Outcome::Met));
    known.held.insert("mot-cua".into(), held("2026-08-29", 0));
    let found = of_system(&known, "retention");
    assert_eq!((found.value, found.outcome), (Some(91.0), Outcome::Unknown));
    assert_eq!(found.missing[0].text_vi, "log có từ ngày 29/08/2026; mỗi dòng được giữ 3 tháng");
    known.held.insert("mot-cua".into(), held("2026-01-01", 3));
    assert_eq!(of_system(&known, "retention").outcome, Outcome::NotMet);
    known.held.clear();
    assert_eq!(of_system(&known, "retention").outcome, Outcome::NotMet);
    // Before the level was raised a month was enough.
    let october = Period { first: day("2026-10-01"), last: day("2026-10-31") };
    let found = RuleSets::own().assess(&province(), &known, october);
    let retention = found.systems[0].measures.iter().find(|one| one.id == "retention").unwrap();
    assert_eq!((found.systems[0].level, retention.required), (2, Some(31.0))); // 31 October back to 30 September
}

#[test]
fn antivirus_is_registered_or_told_and_out_of_date_after_fifteen_days() {
    let mut known = evidence();
    let found = of_unit(&known, 0, "antivirus-coverage");
    assert_eq!((found.value, found.count), (Some(66.6), Some(Count { of: 3, fit: 2 })));
    assert_eq!(found.outcome, Outcome::NotMet);
    assert_eq!(found.missing[0].text, "without antivirus: PC-3");
    assert_eq!(of_unit(&known, 0, "antivirus-outdated").outcome, Outcome::Unknown);
    assert_eq!(of_unit(&known, 1, "antivirus-coverage").outcome, Outcome::NotRequired);
    let told = |updated: &str| Antivirus { seen: Some(time(updated)), updated: Some(time(updated)) };
    known.antivirus.insert("pc-1".into(), told("2026-11-13T05:00:00Z")); // fifteen days to the second
    known.antivirus.insert("pc-2".into(), told("2026-11-13T04:59:59Z"));
    known
        .antivirus
        .insert("pc-3".into(), Antivirus { seen: Some(time("2026-11-20T00:00:00Z")), updated: None });
    let found = of_unit(&known, 0, "antivirus-outdated");
    assert_eq!((found.value, found.outcome), (Some(2.0), Outcome::NotMet));
    assert_eq!(found.missing[0].text, "without an update for 15 days: PC-3 (never), PC-2 (2026-11-13)");
    assert_eq!(
        found.missing[0].text_vi,
        "không cập nhật trong 15 ngày: PC-3 (chưa lần nào), PC-2 (13/11/2026)"
    );
    // The proof: nothing of the one in those days, the last update of the other, the minute before and after.
    let pages: Vec<&str> = found.proof.iter().map(|proof| proof.page.as_str()).collect();
    assert_eq!(
        pages[..2],
        [
            "/events?from=2026-11-13T05%3A00%3A00.000Z&to=2026-11-28T05%3A00%3A00.000Z&q=host.name%3A%22PC-3%22",
            "/events?from=2026-11-13T04%3A58%3A59.000Z&to=2026-11-13T05%3A00%3A59.000Z&q=host.name%3A%22PC-2%22",
        ]
    );
    assert_eq!(pages[3], "/registry?kind=endpoints&unit=a");
    assert_eq!(of_unit(&known, 0, "antivirus-coverage").outcome, Outcome::Met);
}

#[test]
fn reports_count_once_they_are_due() {
    let mut known = evidence();
    let found = of_system(&known, "reported-in-time");
    assert_eq!((found.value, found.outcome), (None, Outcome::Met));
    let facts = |detected: &str, reported: &[(&str, &str)]| Facts {
        detected: time(detected),
        severity: Severity::High,
        level: 3,
        stage: Stage::Access,
        is_incident: true,
        chosen: Vec::new(),
        reported: reported.iter().map(|(what, at)| ((*what).into(), "a05".into(), time(at))).collect(),
    };
    let incident = |number: i64, facts: Facts| IncidentFacts {
        id: number.to_string(),
        number,
        unit: "a".into(),
        system: "mot-cua".into(),
        facts,
    };
    known.incidents = vec![
        // Both in time.
        incident(
            1,
            facts(
                "2026-11-02T00:00:30Z",
                &[("first-notice", "2026-11-03T00:00:59Z"), ("full-report", "2026-11-04T00:00:00Z")],
            ),
        ),
        // A minute late, and nothing of the second.
        incident(2, facts("2026-11-02T00:00:30Z", &[("first-notice", "2026-11-03T00:01:00Z")])),
        // Not due yet: 24 hours from 27 November 06:00.
        incident(3, facts("2026-11-27T06:00:00Z", &[])),
    ];
    let found = of_system(&known, "reported-in-time");
    assert_eq!((found.value, found.count), (Some(50.0), Some(Count { of: 4, fit: 2 })));
    assert_eq!(found.outcome, Outcome::NotMet);
    assert!(found.missing[0].text.starts_with("late: #2 Thông báo ban đầu, #2 "), "{:?}", found.missing);
}

#[test]
fn sharing_is_as_old_as_the_last_delivery() {
    let sharing = |last: Option<&str>| {
        let known = Evidence { last_delivery: last.map(time), ..evidence() };
        let rules = RuleSets::own().with_national(vec!["ncsc".into()]);
        let found = rules.assess(&province(), &known, november());
        found.province.measures.into_iter().find(|one| one.id == "sharing-alive").unwrap()
    };
    assert_eq!(sharing(None).outcome, Outcome::NotMet);
    let found = sharing(Some("2026-11-27T05:00:00Z"));
    assert_eq!((found.value, found.outcome), (Some(24.0), Outcome::Met));
    let found = sharing(Some("2026-11-27T04:59:59Z"));
    assert_eq!((found.value, found.outcome), (Some(24.01), Outcome::NotMet));
}

#[test]
fn an_attestation_holds_its_months_its_expiry_and_its_independence() {
    let attest = |on: &str, until: Option<&str>, organisation: &str| {
        let mut known = evidence();
        known.attestations = vec![Attestation {
            id: "1".into(),
            measure: "assessment".into(),
            subject: Subject::System,
            of: "mot-cua".into(),
            document: "BB-12".into(),
            organisation: organisation.into(),
            on: day(on),
            until: until.map(day),
            note: String::new(),
            person: "kiem-toan".into(),
            recorded: time("2026-11-01T00:00:00Z"),
        }];
        of_system(&known, "assessment")
    };
    assert_eq!(of_system(&evidence(), "assessment").outcome, Outcome::Unknown);
    // Level 3: a year, and the day itself still counts.
    let found = attest("2025-11-28", None, "Trung tâm Kiểm định");
    assert_eq!((found.value, found.required, found.outcome), (Some(12.0), Some(12.0), Outcome::Met));
    let found = attest("2025-11-27", None, "Trung tâm Kiểm định");
    assert_eq!((found.value, found.required, found.outcome), (Some(12.1), Some(12.0), Outcome::NotMet));
    // What is required is the same number of the same unit whether something is attested or not.
    let nothing = of_system(&evidence(), "assessment");
    assert_eq!((nothing.value, nothing.required, nothing.quantity), (None, Some(12.0), Quantity::Months));
    assert_eq!(attest("2025-11-29", None, "Trung tâm Kiểm định").value, Some(11.9));
    assert_eq!(attest("2026-11-29", None, "Trung tâm Kiểm định").outcome, Outcome::Unknown); // not yet
    assert_eq!(attest("2026-10-01", Some("2026-11-28"), "Trung tâm Kiểm định").outcome, Outcome::Met);
    assert_eq!(attest("2026-10-01", Some("2026-11-27"), "Trung tâm Kiểm định").outcome, Outcome::NotMet);
    let found = attest("2026-10-01", None, " công ty giám sát");
    assert_eq!(found.outcome, Outcome::NotMet);
    assert!(found.missing[0].text_vi.contains("không độc lập"));
}

#[test]
fn the_board_counts_layers_and_what_they_lack() {
    let rules = RuleSets::own();
    let mut known = evidence();
    let before = rules.assess(&province(), &known, november().before());
    known.assets.insert("web".into(), AssetLogs { events: 7, skew_s: 0.4 });
    known.assets.insert("db".into(), AssetLogs { events: 7, skew_s: 0.4 });
    let now = rules.assess(&province(), &known, november());
    // A unit that ended last year is not there.
    assert_eq!(now.units.iter().map(|unit| unit.id.as_str()).collect::<Vec<_>>(), ["a", "b"]);
    let board = rules.board(&now, &before);
    let layer = |row: &crate::BoardRow, layer: usize| row.layers[layer - 1].clone();
    let second = layer(&board.units[0], 2);
    // Met: sources, clock. Not met: gap, retention. Not known: review.
    assert_eq!((second.tally.met, second.tally.not_met, second.tally.unknown), (2, 2, 1));
    assert_eq!(second.state, LayerState::Partly);
    assert_eq!(second.missing[0].of, ["mot-cua"]);
    assert_eq!(layer(&board.units[1], 2).state, LayerState::NotRequired);
    assert_eq!(layer(&board.units[1], 1).state, LayerState::Unknown);
    // Before: of level 2 nothing but retention, clock and review was asked; none was met.
    assert_eq!((second.before.met, second.trend), (0, Some(40.0)));
    let target = |id: &str| board.targets.iter().find(|one| one.id == id).unwrap();
    assert_eq!((target("plan-level").now, target("plan-level").gap), (Some(100.0), Some(0.0)));
    assert_eq!((target("plan-antivirus").now, target("plan-antivirus").gap), (Some(66.6), Some(33.4)));
}

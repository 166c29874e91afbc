use super::*;
use crate::evidence::{Antivirus, AssetLogs, Attestation, Evidence};
use registry::{Asset, Dossier, Endpoint, Registry, System, Unit};

fn day(text: &str) -> Date {
    text.parse().unwrap()
}

fn time(text: &str) -> Time {
    Time::parse(text).unwrap()
}

/// A system of each level from 0 to 4. The one of level 3 has a machine that is not to send logs.
fn registry() -> Registry {
    let system = |level: u8, dossier: Dossier, registered: bool| System {
        id: format!("ht-{level}"),
        unit: "a".into(),
        level,
        level_since: Some(day("2020-01-01")),
        dossier,
        registered,
        ..System::default()
    };
    let asset = |id: &str, level: u8, logs: bool| Asset {
        id: id.into(),
        system: format!("ht-{level}"),
        logs,
        ..Asset::default()
    };
    let computer = |id: &str, unit: &str, antivirus: &str| Endpoint {
        id: id.into(),
        unit: unit.into(),
        antivirus: antivirus.into(),
        ..Endpoint::default()
    };
    let unit = |id: &str| Unit { id: id.into(), name: id.into(), ..Unit::default() };
    Registry {
        units: vec![unit("a"), unit("b")],
        systems: vec![
            system(0, Dossier::None, false),
            system(1, Dossier::Approved, true),
            system(2, Dossier::Submitted, true),
            system(3, Dossier::Approved, true),
            system(4, Dossier::Approved, false),
        ],
        assets: vec![
            asset("y", 2, true),
            asset("web", 3, true),
            asset("db", 3, true),
            asset("gate", 3, false),
            asset("x1", 4, true),
            asset("x2", 4, true),
            asset("x3", 4, true),
        ],
        endpoints: vec![
            computer("PC-1", "a", "KES"),
            computer("PC-2", "a", "KES"),
            computer("PC-3", "a", "KES"),
            computer("PC-4", "a", ""),
            computer("PC-5", "a", ""),
            computer("PC-6", "b", ""),
            computer("PC-7", "b", ""),
        ],
    }
}

/// Noon of 28 November in Vietnam. PC-4 has antivirus, for it told of itself; three systems were assessed, the one of level
/// 4 a year and 27 days ago.
fn evidence() -> Evidence {
    let attested = |level: u8, on: &str| Attestation {
        id: format!("{level}"),
        measure: "assessment".into(),
        subject: Subject::System,
        of: format!("ht-{level}"),
        document: "BB".into(),
        organisation: "Trung tâm Kiểm định".into(),
        on: day(on),
        until: None,
        note: String::new(),
        person: "kiem-toan".into(),
        recorded: time("2026-03-01T00:00:00Z"),
    };
    let sent = |id: &str| (id.to_owned(), AssetLogs { events: 1, skew_s: 0.0 });
    Evidence {
        now: time("2026-11-28T05:00:00Z"),
        has_events: true,
        assets: ["web", "x1", "x2", "x3"].map(sent).into(),
        antivirus: [(
            "pc-4".to_owned(),
            Antivirus { seen: Some(time("2026-11-20T00:00:00Z")), updated: None },
        )]
        .into(),
        attestations: vec![attested(2, "2025-01-10"), attested(3, "2026-03-01"), attested(4, "2025-11-01")],
        last_delivery: Some(time("2026-11-27T05:00:00Z")),
        ..Evidence::default()
    }
}

fn targets(evidence: &Evidence) -> Vec<TargetStand> {
    let period = Period { first: day("2026-11-01"), last: day("2026-11-30") };
    let rules = RuleSets::own().with_national(vec!["ncsc".into()]);
    let now = rules.assess(&registry(), evidence, period);
    rules.board(&now, &now).targets
}

/// How many fit of how many, the target, what is reached and what is left.
fn stands(evidence: &Evidence, id: &str) -> (u64, u64, f64, Option<f64>, Option<f64>) {
    let all = targets(evidence);
    let one = all.iter().find(|one| one.id == id).unwrap();
    (one.fit, one.of, one.target, one.now, one.gap)
}

#[test]
fn each_target_of_the_plan_is_what_was_worked_out_by_hand() {
    let known = evidence();
    assert_eq!(targets(&known).len(), 6);
    // Approved: 1, 3, 4. Not: the one without a level, and the one whose dossier is handed in.
    assert_eq!(stands(&known, "plan-level"), (3, 5, 100.0, Some(60.0), Some(40.0)));
    // Four of seven, which is 57.14 of a hundred.
    assert_eq!(stands(&known, "plan-antivirus"), (4, 7, 100.0, Some(57.1), Some(42.9)));
    // Of level 3 one of two machines, of level 4 three of three; of level 2 nothing is asked.
    assert_eq!(stands(&known, "plan-monitoring"), (4, 5, 100.0, Some(80.0), Some(20.0)));
    // Levels 1 to 4: within 24 months for 2, within 12 for 3, not within 12 for 4; of 1 nothing is known.
    assert_eq!(stands(&known, "plan-assessment"), (2, 4, 100.0, Some(50.0), Some(50.0)));
    // Levels 1 to 4.
    assert_eq!(stands(&known, "plan-registered"), (3, 4, 100.0, Some(75.0), Some(25.0)));
    // 24 hours to the second, and a second more.
    assert_eq!(stands(&known, "plan-sharing"), (1, 1, 100.0, Some(100.0), Some(0.0)));
    let late = Evidence { last_delivery: Some(time("2026-11-27T04:59:59Z")), ..known };
    assert_eq!(stands(&late, "plan-sharing"), (0, 1, 100.0, Some(0.0), Some(100.0)));
}

#[test]
fn a_target_of_which_nothing_is_known_stands_nowhere() {
    let known = Evidence { has_events: false, attestations: Vec::new(), ..evidence() };
    assert_eq!(stands(&known, "plan-monitoring"), (0, 2, 100.0, None, None));
    assert_eq!(stands(&known, "plan-assessment"), (0, 4, 100.0, None, None));
    // As soon as one is known, the others count as not reached.
    let one = Evidence { attestations: vec![evidence().attestations.remove(0)], ..known };
    assert_eq!(stands(&one, "plan-assessment"), (1, 4, 100.0, Some(25.0), Some(75.0)));
}

//! Every measure by hand: at the end of a year, on a leap day, at midnight in Vietnam, with a level raised on the way.

use super::*;

/// The system of [`province`], of another level.
fn of_level(level: u8) -> Registry {
    let mut registry = province();
    registry.systems[0].level = level;
    registry.systems[0].level_since = Some(day("2020-01-01"));
    registry.systems[0].earlier_levels = Vec::new();
    registry
}

/// Seen from later, so that the whole period has passed.
fn seen(now: &str) -> Evidence {
    Evidence { now: time(now), has_events: true, ..Evidence::default() }
}

fn measured(registry: &Registry, known: &Evidence, days: (&str, &str), id: &str) -> Measured {
    let rules = RuleSets::own().with_national(vec!["ncsc".into()]);
    let found = rules.assess(registry, known, Period { first: day(days.0), last: day(days.1) });
    let all = found.systems.iter().chain(&found.units).chain([&found.province]);
    all.flat_map(|one| &one.measures).find(|one| one.id == id).unwrap().clone()
}

fn came_to(one: &Measured) -> (Option<f64>, Option<f64>, Outcome) {
    (one.value, one.required, one.outcome)
}

use Outcome::{Met, NotMet, NotRequired, Unknown};

const DECEMBER: (&str, &str) = ("2026-12-01", "2026-12-31");
const LEAP_FEBRUARY: (&str, &str) = ("2028-02-01", "2028-02-29");

fn logs(first: &str, last: &str) -> DayOfLogs {
    DayOfLogs { first: time(first), last: time(last), gap: (time(first), time(first)) }
}

#[test]
fn sources_are_asked_from_level_three() {
    let mut known = seen("2027-01-05T00:00:00Z");
    for (level, required, outcomes) in [
        (0, None, [NotRequired, NotRequired]),
        (1, None, [NotRequired, NotRequired]),
        (2, None, [NotRequired, NotRequired]),
        (3, Some(100.0), [NotMet, Met]),
        (4, Some(100.0), [NotMet, Met]),
        (5, Some(100.0), [NotMet, Met]),
    ] {
        let sent = AssetLogs { events: 1, skew_s: 0.0 };
        known.assets = [("web".to_owned(), sent)].into();
        let found = measured(&of_level(level), &known, DECEMBER, "sources-connected");
        assert_eq!(came_to(&found), (Some(50.0), required, outcomes[0]), "level {level}");
        known.assets.insert("db".into(), sent);
        let found = measured(&of_level(level), &known, DECEMBER, "sources-connected");
        assert_eq!(came_to(&found), (Some(100.0), required, outcomes[1]), "level {level}");
    }
    // Machines of which no log is expected are not counted; where none is left it is not met, for nothing sends.
    let mut registry = of_level(3);
    registry.assets.iter_mut().for_each(|asset| asset.logs = false);
    let found = measured(&registry, &known, DECEMBER, "sources-connected");
    assert_eq!(came_to(&found), (None, Some(100.0), NotMet));
}

#[test]
fn the_longest_gap_ends_with_vietnams_midnight() {
    let mut known = seen("2027-01-05T00:00:00Z");
    let gap = |known: &Evidence, level: u8, days| measured(&of_level(level), known, days, "log-gap");
    // From 1 December 00:00 in Vietnam (30 November 17:00 UTC) to 31 December 23:00: an hour is left, the next log is of the
    // next year.
    let mut days = vec![logs("2026-11-30T17:00:00Z", "2026-12-31T16:00:00Z")];
    known.days.insert("mot-cua".into(), days.clone());
    assert_eq!(came_to(&gap(&known, 4, DECEMBER)), (Some(1.0), Some(1.0), Met));
    assert_eq!(came_to(&gap(&known, 2, DECEMBER)), (Some(1.0), None, NotRequired));
    days[0].last = time("2026-12-31T15:59:00Z");
    known.days.insert("mot-cua".into(), days.clone());
    let found = gap(&known, 4, DECEMBER);
    // 61 minutes are 1.0166 hours, told as 1.02.
    assert_eq!(came_to(&found), (Some(1.02), Some(1.0), NotMet));
    assert_eq!(found.missing[0].text_vi, "từ 31/12/2026 22:59 đến 01/01/2027 00:00");
    // By UTC the year would have ended seven hours later, and the gap been 8 hours.
    assert_eq!(came_to(&gap(&known, 3, DECEMBER)), (Some(1.02), Some(24.0), Met));
    // The leap day is a day of the period: nothing from 28 February 12:00 to its end, 36 hours.
    let mut known = seen("2028-03-05T00:00:00Z");
    known.days.insert("mot-cua".into(), vec![logs("2028-01-31T17:00:00Z", "2028-02-28T05:00:00Z")]);
    assert_eq!(came_to(&gap(&known, 3, LEAP_FEBRUARY)), (Some(36.0), Some(24.0), NotMet));
    assert_eq!(
        came_to(&gap(&known, 3, ("2028-02-01", "2028-02-28"))),
        (Some(12.0), Some(24.0), Met),
        "without the leap day"
    );
}

#[test]
fn retention_goes_back_months_of_the_calendar() {
    for (level, days, begin, required) in [
        // A day that the month before lacks is that month's last: 30 September to 31 December.
        (3, DECEMBER, "2026-09-30", 92.0),
        (4, DECEMBER, "2026-06-30", 184.0),
        (5, DECEMBER, "2025-12-31", 365.0),
        (2, LEAP_FEBRUARY, "2028-01-29", 31.0),
        (3, LEAP_FEBRUARY, "2027-11-29", 92.0),
        (5, LEAP_FEBRUARY, "2027-02-28", 366.0),
        (3, ("2028-05-01", "2028-05-31"), "2028-02-29", 92.0),
        (5, ("2029-02-01", "2029-02-28"), "2028-02-28", 366.0),
        // Until 18 August 2026 and after by another text, with the same months.
        (4, ("2026-08-01", "2026-08-18"), "2026-02-18", 181.0),
        (4, ("2026-08-01", "2026-08-19"), "2026-02-19", 181.0),
    ] {
        let mut known = seen("2029-06-01T00:00:00Z");
        let held =
            |oldest: Date| std::iter::once(("mot-cua".to_owned(), Held { oldest, short: 0 })).collect();
        known.held = held(day(begin));
        let found = measured(&of_level(level), &known, days, "retention");
        assert_eq!(came_to(&found), (Some(required), Some(required), Met), "{level} {days:?}");
        known.held = held(day(begin).tomorrow().unwrap());
        let found = measured(&of_level(level), &known, days, "retention");
        assert_eq!(came_to(&found), (Some(required - 1.0), Some(required), Unknown), "{level} {days:?}");
    }
    let found = measured(&of_level(1), &seen("2027-01-05T00:00:00Z"), DECEMBER, "retention");
    assert_eq!(found.outcome, NotRequired);
}

#[test]
fn a_clock_may_be_off_by_what_its_level_allows() {
    let clock = |level: u8, skew_s: f64| {
        let mut known = seen("2027-01-05T00:00:00Z");
        known.assets.insert("web".into(), AssetLogs { events: 1, skew_s });
        came_to(&measured(&of_level(level), &known, DECEMBER, "clock-skew"))
    };
    assert_eq!(clock(0, 99.0), (Some(99.0), None, NotRequired));
    for level in [1, 2, 3] {
        assert_eq!(clock(level, 60.0), (Some(60.0), Some(60.0), Met), "{level}");
        assert_eq!(clock(level, -60.1), (Some(60.1), Some(60.0), NotMet), "{level}");
    }
    for level in [4, 5] {
        assert_eq!(clock(level, -10.0), (Some(10.0), Some(10.0), Met), "{level}");
        assert_eq!(clock(level, 10.1), (Some(10.1), Some(10.0), NotMet), "{level}");
    }
}

#[test]
fn a_level_raised_on_the_way_counts_for_the_whole_period() {
    let mut registry = of_level(4);
    registry.systems[0].level_since = Some(day("2026-12-31"));
    registry.systems[0].earlier_levels = vec!["2:2020-01-01".parse().unwrap()];
    let mut known = seen("2027-01-05T00:00:00Z");
    known.assets.insert("web".into(), AssetLogs { events: 1, skew_s: 12.0 });
    known.held.insert("mot-cua".into(), Held { oldest: day("2026-10-30"), short: 0 });
    let of = |days, id| came_to(&measured(&registry, &known, days, id));
    let before = ("2026-12-01", "2026-12-30");
    for (id, then, after) in [
        ("clock-skew", (Some(12.0), Some(60.0), Met), (Some(12.0), Some(10.0), NotMet)),
        ("sources-connected", (Some(50.0), None, NotRequired), (Some(50.0), Some(100.0), NotMet)),
        // 30 days of the first 30; 31 of the whole month: nothing came at all.
        ("log-gap", (Some(720.0), None, NotRequired), (Some(744.0), Some(1.0), NotMet)),
        // 30 November to 30 December; 30 June to 31 December.
        ("retention", (Some(61.0), Some(30.0), Met), (Some(62.0), Some(184.0), Unknown)),
    ] {
        assert_eq!(of(before, id), then, "{id} before");
        assert_eq!(of(DECEMBER, id), after, "{id}");
    }
    // A raise that lies ahead asks nothing yet: 30 December, 23:59 in Vietnam.
    known.now = time("2026-12-30T16:59:00Z");
    assert_eq!(measured(&registry, &known, DECEMBER, "clock-skew").required, Some(60.0));
    known.now = time("2026-12-30T17:00:00Z");
    assert_eq!(measured(&registry, &known, DECEMBER, "clock-skew").required, Some(10.0));
}

#[test]
fn antivirus_is_out_of_date_after_fifteen_days_of_the_calendar() {
    let outdated = |end: &str, now: &str, updated: &str| {
        let mut known = seen(now);
        for computer in ["pc-1", "pc-2"] {
            let told = Antivirus { seen: Some(time(updated)), updated: Some(time(updated)) };
            known.antivirus.insert(computer.into(), told);
        }
        let first = day(end).first_of_month().to_string();
        came_to(&measured(&of_level(3), &known, (&first, end), "antivirus-outdated"))
    };
    // To the end of 5 March 2028 in Vietnam: the leap day is one of the fifteen.
    let leap = |updated| outdated("2028-03-05", "2028-04-01T00:00:00Z", updated);
    assert_eq!(leap("2028-02-19T17:00:00.000Z"), (Some(0.0), Some(0.0), Met));
    assert_eq!(leap("2028-02-19T16:59:59.999Z"), (Some(2.0), Some(0.0), NotMet));
    // Across the year: 10 January 2027 ends at 17:00 UTC.
    let year = |updated| outdated("2027-01-10", "2027-02-01T00:00:00Z", updated);
    assert_eq!(year("2026-12-26T17:00:00Z"), (Some(0.0), Some(0.0), Met));
    assert_eq!(year("2026-12-26T16:59:59Z"), (Some(2.0), Some(0.0), NotMet));
    // A period that lasts is measured to now.
    assert_eq!(
        outdated("2027-01-31", "2027-01-10T12:00:00Z", "2026-12-26T12:00:00Z"),
        (Some(0.0), Some(0.0), Met)
    );
    // 2 of 3 have any; with the third it is all of them.
    let mut registry = of_level(3);
    let found = |registry: &Registry| {
        came_to(&measured(registry, &seen("2027-01-05T00:00:00Z"), DECEMBER, "antivirus-coverage"))
    };
    assert_eq!(found(&registry), (Some(66.6), Some(100.0), NotMet));
    registry.endpoints[2].antivirus = "ESET".into();
    assert_eq!(found(&registry), (Some(100.0), Some(100.0), Met));
    // One of 2,886 is missing: not all.
    let one = registry.endpoints[0].clone();
    registry.endpoints =
        (0..2_886).map(|number| Endpoint { id: format!("PC-{number}"), ..one.clone() }).collect();
    registry.endpoints[7].antivirus.clear();
    assert_eq!(found(&registry), (Some(99.9), Some(100.0), NotMet));
}

#[test]
fn incidents_are_reported_by_the_law_of_the_day_they_were_noticed() {
    let reported = |days, detected: &str, reports: &[(&str, &str, &str)]| {
        let mut known = seen("2028-06-01T00:00:00Z");
        let facts = Facts {
            detected: time(detected),
            severity: Severity::High,
            level: 3,
            stage: Stage::Access,
            is_incident: true,
            chosen: Vec::new(),
            reported: reports
                .iter()
                .map(|(what, whom, at)| ((*what).into(), (*whom).into(), time(at)))
                .collect(),
        };
        let (unit, system) = ("a".to_owned(), "mot-cua".to_owned());
        known.incidents = vec![IncidentFacts { id: "1".into(), number: 1, unit, system, facts }];
        let found = measured(&of_level(3), &known, days, "reported-in-time");
        (found.value, found.count.map(|count| (count.fit, count.of)), found.outcome)
    };
    let both = |first: &'static str, full: &'static str| {
        [("first-notice", "a05", first), ("full-report", "a05", full)]
    };
    // Noticed on 31 December 2026, 23:59:59 in Vietnam: due on 1 January 23:59 and on 3 January 23:59.
    let year = "2026-12-31T16:59:59Z";
    assert_eq!(
        reported(DECEMBER, year, &both("2027-01-01T16:59:59Z", "2027-01-03T16:59:59Z")),
        (Some(100.0), Some((2, 2)), Met)
    );
    assert_eq!(
        reported(DECEMBER, year, &both("2027-01-01T17:00:00Z", "2027-01-03T16:59:59Z")),
        (Some(50.0), Some((1, 2)), NotMet)
    );
    // On 29 February 2028 at midnight in Vietnam: 24 hours end with the leap day, 72 on 3 March.
    let leap = "2028-02-28T17:00:00Z";
    assert_eq!(
        reported(LEAP_FEBRUARY, leap, &both("2028-02-29T17:00:59Z", "2028-03-02T17:00:59Z")),
        (Some(100.0), Some((2, 2)), Met)
    );
    assert_eq!(
        reported(LEAP_FEBRUARY, leap, &both("2028-02-29T17:01:00Z", "2028-03-02T17:01:00Z")),
        (Some(0.0), Some((0, 2)), NotMet)
    );
    // A second before the decree, five days to four; with it, a day and three to one.
    let august = ("2026-08-01", "2026-08-31");
    let four = ["owner", "coordinator", "response-unit", "network-member"]
        .map(|whom| ("initial-report", whom, "2026-08-23T16:59:59Z"));
    assert_eq!(reported(august, "2026-08-18T16:59:59Z", &four), (Some(100.0), Some((4, 4)), Met));
    assert_eq!(reported(august, "2026-08-18T16:59:59Z", &four[..3]), (Some(75.0), Some((3, 4)), NotMet));
    assert_eq!(reported(august, "2026-08-18T17:00:00Z", &four), (Some(0.0), Some((0, 2)), NotMet));
}

#[test]
fn registered_is_what_the_registry_says() {
    let mut registry = of_level(1);
    let known = seen("2027-01-05T00:00:00Z");
    let found = measured(&registry, &known, DECEMBER, "registered");
    assert_eq!(came_to(&found), (Some(0.0), Some(100.0), NotMet));
    assert_eq!(found.missing[0].text_vi, "chưa đăng ký với hệ thống giám sát quốc gia");
    assert_eq!(found.proof[0].page, "/registry?kind=systems&id=mot-cua");
    registry.systems[0].registered = true;
    let found = measured(&registry, &known, DECEMBER, "registered");
    assert_eq!((came_to(&found), found.missing.len()), ((Some(100.0), Some(100.0), Met), 0));
    // Nothing is asked of what has no level yet.
    registry.systems[0].level = 0;
    assert_eq!(measured(&registry, &known, DECEMBER, "registered").outcome, NotRequired);
}

#[test]
fn a_level_is_determined_from_the_day_of_its_decision() {
    let determined = |level: u8, dossier: Dossier, decided: Option<&str>, now: &str| {
        let mut registry = of_level(level);
        registry.systems[0].dossier = dossier;
        registry.systems[0].decided = decided.map(day);
        came_to(&measured(&registry, &seen(now), DECEMBER, "level-determined"))
    };
    let later = "2027-01-05T00:00:00Z";
    let (met, not_met) = ((Some(100.0), Some(100.0), Met), (Some(0.0), Some(100.0), NotMet));
    for dossier in [Dossier::None, Dossier::Drafted, Dossier::Submitted, Dossier::Appraised] {
        assert_eq!(determined(3, dossier, None, later), not_met, "{dossier:?}");
    }
    assert_eq!(determined(0, Dossier::Approved, None, later), not_met, "no level");
    for level in 1..=5 {
        assert_eq!(determined(level, Dossier::Approved, None, later), met, "{level}");
    }
    assert_eq!(determined(3, Dossier::Approved, Some("2026-12-31"), later), met);
    assert_eq!(determined(3, Dossier::Approved, Some("2027-01-01"), later), not_met, "after the period");
    // The last day begins at 17:00 UTC of the day before.
    let last = Some("2026-12-31");
    assert_eq!(determined(3, Dossier::Approved, last, "2026-12-30T16:59:59Z"), not_met);
    assert_eq!(determined(3, Dossier::Approved, last, "2026-12-30T17:00:00Z"), met);
}

#[test]
fn sharing_is_told_to_the_end_of_the_period_and_of_the_national_system_alone() {
    let mut known = seen("2027-01-05T00:00:00Z");
    known.last_delivery = Some(time("2026-12-30T17:00:00Z"));
    assert_eq!(
        came_to(&measured(&of_level(3), &known, DECEMBER, "sharing-alive")),
        (Some(24.0), Some(24.0), Met)
    );
    known.last_delivery = Some(time("2026-12-30T16:59:59Z"));
    assert_eq!(
        came_to(&measured(&of_level(3), &known, DECEMBER, "sharing-alive")),
        (Some(24.01), Some(24.0), NotMet)
    );
    // Nobody said which partner that is: nothing can be told.
    let period = Period { first: day(DECEMBER.0), last: day(DECEMBER.1) };
    let found = RuleSets::own().assess(&of_level(3), &known, period);
    let found = found.province.measures.iter().find(|one| one.id == "sharing-alive").unwrap();
    assert_eq!(came_to(found), (None, Some(24.0), Unknown));
    assert!(found.missing[0].text_vi.contains("compliance.national"));
}

/// Months after which each is to be done anew, by level from 1; none if it is not asked.
const ATTESTED: [(&str, [Option<i32>; 5]); 7] = [
    ("log-review", [Some(12), Some(12), Some(6), Some(1), Some(1)]),
    ("assessment", [Some(24), Some(24), Some(12), Some(12), Some(6)]),
    ("vulnerability-scan", [Some(12), Some(12), Some(6), Some(6), Some(3)]),
    ("account-review", [Some(12), Some(12), Some(6), Some(3), Some(1)]),
    ("restore-test", [None, None, None, Some(6), Some(3)]),
    ("pentest", [None, None, None, Some(12), Some(6)]),
    ("drill", [None, None, None, Some(12), Some(12)]),
];

fn attested(id: &str, subject: Subject, of: &str, on: Date, until: Option<&str>) -> Vec<Attestation> {
    vec![Attestation {
        id: "1".into(),
        measure: id.into(),
        subject,
        of: of.into(),
        document: "BB-1".into(),
        organisation: "Trung tâm Kiểm định".into(),
        on,
        until: until.map(day),
        note: String::new(),
        person: "kiem-toan".into(),
        recorded: time("2026-01-01T00:00:00Z"),
    }]
}

#[test]
fn what_people_attest_is_to_be_done_anew_after_its_months() {
    for (id, by_level) in ATTESTED {
        for (level, months) in (1..).zip(by_level) {
            let held = |on: Date| {
                let mut known = seen("2029-01-05T00:00:00Z");
                known.attestations = attested(id, Subject::System, "mot-cua", on, None);
                measured(&of_level(level), &known, ("2028-12-01", "2028-12-15"), id)
            };
            let Some(months) = months else {
                assert_eq!(held(day("2028-12-01")).outcome, NotRequired, "{id} {level}");
                continue;
            };
            // The same day of an earlier month still counts; the day before no longer.
            let on = day("2028-12-15").checked_sub(jiff::ToSpan::months(months)).unwrap();
            let asked = Some(f64::from(months));
            assert_eq!(came_to(&held(on)), (asked, asked, Met), "{id} {level}");
            let late = held(on.yesterday().unwrap());
            assert_eq!(came_to(&late), (Some(f64::from(months) + 0.1), asked, NotMet), "{id} {level}");
        }
    }
}

#[test]
fn months_of_an_attestation_end_with_a_month_that_is_shorter() {
    let held = |level: u8, id: &str, on: &str, last: &str| {
        let mut known = seen("2029-06-01T00:00:00Z");
        known.attestations = attested(id, Subject::System, "mot-cua", day(on), None);
        let first = day(last).first_of_month().to_string();
        let found = measured(&of_level(level), &known, (&first, last), id);
        (found.value, found.outcome)
    };
    // A year after the leap day is 28 February.
    assert_eq!(held(3, "assessment", "2028-02-29", "2029-02-28"), (Some(11.9), Met));
    assert_eq!(held(3, "assessment", "2028-02-29", "2029-03-01"), (Some(12.1), NotMet));
    // A month after 30 November is 30 December; after 31 January, in a leap year, 29 February.
    assert_eq!(held(4, "log-review", "2026-11-30", "2026-12-30"), (Some(1.0), Met));
    assert_eq!(held(4, "log-review", "2026-11-30", "2026-12-31"), (Some(1.1), NotMet));
    assert_eq!(held(4, "log-review", "2028-01-31", "2028-02-29"), (Some(0.9), Met));
    assert_eq!(held(4, "log-review", "2028-01-31", "2028-03-01"), (Some(1.1), NotMet));
}

#[test]
fn what_holds_as_long_as_its_document_needs_one_in_force() {
    for (id, subject, of) in [
        ("appointed", Subject::Unit, "a"),
        ("duty-rota", Subject::Province, ""),
        ("monitoring-contract", Subject::Province, ""),
    ] {
        let held = |until: Option<&str>| {
            let mut known = seen("2027-01-05T00:00:00Z");
            known.attestations = attested(id, subject, of, day("2020-02-29"), until);
            measured(&of_level(3), &known, DECEMBER, id).outcome
        };
        assert_eq!(
            [held(None), held(Some("2026-12-31")), held(Some("2026-12-30"))],
            [Met, Met, NotMet],
            "{id}"
        );
        let nothing = measured(&of_level(3), &seen("2027-01-05T00:00:00Z"), DECEMBER, id);
        assert_eq!(came_to(&nothing), (None, Some(0.0), Unknown), "{id}");
    }
}

use super::*;

fn time(text: &str) -> Time {
    Time::parse(text).unwrap()
}

/// Severity high, level 3, still getting in.
fn facts(detected: &str) -> Facts {
    Facts {
        detected: time(detected),
        severity: Severity::High,
        level: 3,
        stage: Stage::Access,
        is_incident: true,
        chosen: Vec::new(),
        reported: Vec::new(),
    }
}

/// `deadline → recipient: due`, in Vietnam's time as a person would write it.
fn owed(facts: &Facts) -> Vec<String> {
    let rules = RuleSets::own();
    let found = rules.reporting(facts, facts.detected);
    let local = |time: Time| time.plus_ms(7 * 3_600_000).to_string()[..16].replace('T', " ");
    found.deadlines.iter().map(|one| format!("{} → {}: {}", one.rule.id, one.to, local(one.due))).collect()
}

#[test]
fn five_days_under_the_old_regime_to_all_at_once() {
    // 31 December 2025, 23:59 in Vietnam: 5 January 2026, 23:59.
    assert_eq!(
        owed(&facts("2025-12-31T16:59:59.999Z")),
        [
            "initial-report → owner: 2026-01-05 23:59",
            "initial-report → coordinator: 2026-01-05 23:59",
            "initial-report → response-unit: 2026-01-05 23:59",
            "initial-report → network-member: 2026-01-05 23:59",
        ]
    );
    // A leap day lies between: 27 February 2024, 08:30, and five days are 3 March.
    assert_eq!(owed(&facts("2024-02-27T01:30:00Z"))[0], "initial-report → owner: 2024-03-03 08:30");
    assert_eq!(owed(&facts("2023-02-27T01:30:00Z"))[0], "initial-report → owner: 2023-03-04 08:30");
}

#[test]
fn a_day_and_three_under_the_new_one() {
    assert_eq!(
        owed(&facts("2026-11-27T18:35:24Z")), // 28 November, 01:35 in Vietnam
        ["first-notice → a05: 2026-11-29 01:35", "full-report → a05: 2026-12-01 01:35"]
    );
    // 31 December, 23:59:59 in Vietnam; the year ends between.
    assert_eq!(owed(&facts("2026-12-31T16:59:59Z"))[0], "first-notice → a05: 2027-01-01 23:59");
    assert_eq!(owed(&facts("2026-12-31T16:59:59Z"))[1], "full-report → a05: 2027-01-03 23:59");
    assert_eq!(owed(&facts("2028-02-28T00:00:00Z"))[1], "full-report → a05: 2028-03-02 07:00");
    // On the leap day itself, from its first minute in Vietnam to its last.
    assert_eq!(
        owed(&facts("2028-02-28T17:00:00Z")),
        ["first-notice → a05: 2028-03-01 00:00", "full-report → a05: 2028-03-03 00:00"]
    );
    assert_eq!(
        owed(&facts("2028-02-29T16:59:59Z")),
        ["first-notice → a05: 2028-03-01 23:59", "full-report → a05: 2028-03-03 23:59"]
    );
}

#[test]
fn the_day_of_the_change_is_vietnams() {
    // The decree begins on 19 August 2026 in Vietnam, which is 17:00 UTC of the 18th.
    assert_eq!(owed(&facts("2026-08-18T16:59:59Z"))[0], "initial-report → owner: 2026-08-23 23:59");
    assert_eq!(owed(&facts("2026-08-18T17:00:00Z"))[0], "first-notice → a05: 2026-08-20 00:00");
    // The law changed on 1 July; the deadlines of before are kept until the decree.
    assert_eq!(owed(&facts("2026-06-30T17:00:00Z")).len(), 4);
    let rules = RuleSets::own();
    let regime = |day: &str| rules.regime_on(day.parse().unwrap()).map(|set| set.id.clone());
    assert_eq!(regime("2026-06-30").as_deref(), Some("vn-2016"));
    assert_eq!(regime("2026-07-01").as_deref(), Some("vn-2026"));
    assert_eq!(regime("2016-06-30"), None);
    // Whom: the ministry changed on 1 March 2025.
    let coordinator = |day: &str| &rules.recipient("coordinator", day.parse().unwrap()).unwrap().name;
    assert!(coordinator("2025-02-28").contains("Information and Communications"));
    assert!(coordinator("2025-03-01").contains("Public Security"));
}

#[test]
fn personal_data_are_reported_from_the_first_day_of_their_law() {
    let affected = |detected: &str| {
        let mut one = facts(detected);
        one.chosen = vec![("personal-data".to_owned(), "affected".to_owned())];
        owed(&one).into_iter().filter(|owed| owed.starts_with("personal")).collect::<Vec<_>>()
    };
    // 1 January 2026 begins at 17:00 UTC of the day before.
    assert_eq!(affected("2025-12-31T16:59:59Z"), [""; 0]);
    assert_eq!(
        affected("2025-12-31T17:00:00Z"),
        ["personal-data-notice → personal-data-authority: 2026-01-04 00:00"]
    );
    // Beside either regime, across the end of a year and a leap day.
    assert_eq!(
        affected("2026-12-30T17:00:00Z"),
        ["personal-data-notice → personal-data-authority: 2027-01-03 00:00"]
    );
    assert_eq!(
        affected("2028-02-27T17:00:00Z"),
        ["personal-data-notice → personal-data-authority: 2028-03-02 00:00"]
    );
}

#[test]
fn the_level_on_the_day_of_detection_decides_the_class() {
    let class = |level: u8| {
        let one = Facts {
            severity: Severity::Critical,
            stage: Stage::Impact,
            level,
            ..facts("2026-11-14T16:59:59Z")
        };
        owed(&one).first().map(|owed| owed.split(' ').next().unwrap_or_default().to_owned())
    };
    // Raised from 3 to 4 on 15 November: what was noticed before is of level 3.
    assert_eq!((class(3).as_deref(), class(4).as_deref()), (Some("first-notice"), Some("immediate-notice")));
}

#[test]
fn the_class_is_the_rules_until_a_person_says_otherwise() {
    let rules = RuleSets::own();
    let class = |facts: &Facts| {
        let found = rules.reporting(facts, facts.detected);
        let of = found.classes.iter().find(|one| one.set.id == "vn-2026").unwrap();
        (of.class.id.clone(), of.is_chosen)
    };
    let mut one = facts("2026-11-27T18:35:00Z");
    assert_eq!(class(&one), ("serious".to_owned(), false));
    one.severity = Severity::Low; // of a level-3 system: the stricter class stands
    assert_eq!(class(&one), ("serious".to_owned(), false));
    one.level = 2;
    assert_eq!(class(&one), ("ordinary".to_owned(), false));
    assert_eq!(owed(&one), [""; 0]);
    one.chosen = vec![("vn-2026".to_owned(), "harm".to_owned())];
    assert_eq!(class(&one), ("harm".to_owned(), true));
    assert_eq!(owed(&one)[0], "immediate-notice → a05: 2026-11-28 01:35");
    (one.severity, one.level, one.stage, one.chosen) = (Severity::Critical, 4, Stage::Control, Vec::new());
    assert_eq!(class(&one), ("harm".to_owned(), false));
    one.chosen = vec![("personal-data".to_owned(), "affected".to_owned())];
    assert!(
        owed(&one).contains(&"personal-data-notice → personal-data-authority: 2026-12-01 01:35".to_owned())
    );
    one.is_incident = false;
    assert_eq!(owed(&one), [""; 0]);
}

#[test]
fn in_time_is_to_the_minute_and_at_once_has_its_grace() {
    let rules = RuleSets::own();
    let mut one = facts("2026-11-27T18:35:24Z");
    one.chosen = vec![("vn-2026".to_owned(), "harm".to_owned())];
    let stands = |one: &Facts, now: &str| -> Vec<Stand> {
        rules.reporting(one, time(now)).deadlines.iter().map(|found| found.stand).collect()
    };
    use Stand::{Overdue, Pending, Reported, ReportedLate};
    assert_eq!(stands(&one, "2026-11-27T19:05:59Z"), [Pending; 3]);
    assert_eq!(stands(&one, "2026-11-27T19:06:00Z"), [Overdue, Pending, Pending]);
    assert_eq!(stands(&one, "2026-11-28T18:36:00Z"), [Overdue, Overdue, Pending]);
    let report = |what: &str, at: &str| (what.to_owned(), "a05".to_owned(), time(at));
    one.reported = vec![
        report("immediate-notice", "2026-11-27T19:05:59Z"),
        report("first-notice", "2026-11-28T18:36:00Z"),
    ];
    assert_eq!(stands(&one, "2026-12-24T00:00:00Z"), [Reported, ReportedLate, Overdue]);
    assert_eq!(
        rules.reporting(&one, time("2026-11-28T00:00:00Z")).next_due(),
        Some(time("2026-11-30T18:35:00Z"))
    );
    one.reported.push(report("full-report", "2026-11-30T18:35:59Z"));
    assert_eq!(stands(&one, "2026-12-24T00:00:00Z"), [Reported, ReportedLate, Reported]);
    assert_eq!(rules.reporting(&one, time("2026-12-24T00:00:00Z")).next_due(), None);
}

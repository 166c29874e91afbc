//! Which law a measure is cited from, and what is told of a period that spans a change.

use super::*;

const BEFORE: &str = "2026-08-18";
const OLD_STANDARD: &str = "TCVN 11930:2017";
const NEW_STANDARD: &str = "TCVN 14423:2026";
const OLD_RESPONSE: &str = "Thông tư 20/2017/TT-BTTTT; Quyết định 05/2017/QĐ-TTg";
const NEW_RESPONSE: &str = "Nghị định 331/2026/NĐ-CP, Điều 31; Nghị định 333/2026/NĐ-CP, Điều 9";
const OLD_LEVEL: &str = "Nghị định 85/2016/NĐ-CP; Thông tư 12/2022/TT-BTTTT";
const NEW_LEVEL: &str = "Nghị định 331/2026/NĐ-CP";
const OLD_SHARING: &str = "Thông tư 31/2017/TT-BTTTT; Công văn 2290/BTTTT-CATTT";
const NEW_SHARING: &str = "Nghị định 331/2026/NĐ-CP, Điều 31; Công văn 2290/BTTTT-CATTT";
const DIRECTIVE: &str = "Chỉ thị 14/CT-TTg ngày 25/5/2018";

/// Each measure, and what asks for it until 18 August 2026 and after.
const CITED: [(&str, &str, &str); 20] = [
    ("appointed", OLD_RESPONSE, NEW_RESPONSE),
    ("duty-rota", OLD_RESPONSE, NEW_RESPONSE),
    ("antivirus-coverage", DIRECTIVE, DIRECTIVE),
    ("antivirus-outdated", DIRECTIVE, DIRECTIVE),
    ("reported-in-time", OLD_RESPONSE, NEW_RESPONSE),
    ("monitoring-contract", OLD_STANDARD, NEW_STANDARD),
    ("sources-connected", OLD_STANDARD, NEW_STANDARD),
    ("log-gap", OLD_STANDARD, NEW_STANDARD),
    ("retention", OLD_STANDARD, NEW_STANDARD),
    ("clock-skew", OLD_STANDARD, NEW_STANDARD),
    ("log-review", OLD_STANDARD, NEW_STANDARD),
    ("level-determined", OLD_LEVEL, NEW_LEVEL),
    ("assessment", OLD_LEVEL, NEW_LEVEL),
    ("vulnerability-scan", OLD_STANDARD, NEW_STANDARD),
    ("account-review", OLD_STANDARD, NEW_STANDARD),
    ("restore-test", OLD_STANDARD, NEW_STANDARD),
    ("pentest", OLD_STANDARD, NEW_STANDARD),
    ("drill", OLD_STANDARD, NEW_STANDARD),
    ("registered", OLD_SHARING, NEW_SHARING),
    ("sharing-alive", OLD_SHARING, NEW_SHARING),
];

fn assessed(rules: &RuleSets, days: (&str, &str)) -> Assessment {
    rules.assess(&province(), &evidence(), Period { first: day(days.0), last: day(days.1) })
}

fn all(found: &Assessment) -> Vec<&Measured> {
    let one = found.systems.iter().chain(&found.units[..1]).chain([&found.province]);
    one.flat_map(|one| &one.measures).collect()
}

#[test]
fn a_measure_cites_what_was_in_force() {
    let rules = RuleSets::own();
    for (days, is_new) in [
        (("2026-06-01", "2026-06-30"), false),
        (("2026-07-01", "2026-07-31"), false), // the law of 1 July is there, what it is met by not yet
        (("2026-06-15", "2026-07-15"), false),
        (("2026-08-01", BEFORE), false),
        (("2026-08-19", "2026-08-31"), true),
        (("2026-08-19", "2026-08-19"), true),
    ] {
        let found = assessed(&rules, days);
        let measures = all(&found);
        assert_eq!(measures.len(), CITED.len(), "{days:?}");
        for (id, old, new) in CITED {
            let one = measures.iter().find(|one| one.id == id).unwrap();
            assert_eq!(one.citation, if is_new { new } else { old }, "{id} {days:?}");
            assert_eq!(one.earlier, [], "{id} {days:?}");
        }
    }
    let regime = |days| assessed(&rules, days).regime.id;
    assert_eq!(regime(("2026-06-01", "2026-06-30")), "vn-2016");
    assert_eq!(regime(("2026-06-15", "2026-07-01")), "vn-2026");
}

#[test]
fn a_period_that_spans_a_change_is_held_to_its_last_day_and_tells_what_held_before() {
    let rules = RuleSets::own();
    let found = assessed(&rules, ("2026-08-01", "2026-08-31"));
    for (id, old, new) in CITED {
        let measures = all(&found);
        let one = measures.iter().find(|one| one.id == id).unwrap();
        assert_eq!(one.citation, new, "{id}");
        let told: Vec<_> =
            one.earlier.iter().map(|one| (one.from, one.until, one.citation.as_str())).collect();
        let expected = (old != new).then_some((day("2026-08-01"), day(BEFORE), old));
        assert_eq!(told, Vec::from_iter(expected), "{id}");
    }
    // Within one rule set too: a circular took the place of another on 1 October 2022.
    let found = assessed(&rules, ("2022-09-01", "2022-10-01"));
    let one = found.systems[0].measures.iter().find(|one| one.id == "assessment").unwrap();
    assert_eq!(one.citation, OLD_LEVEL);
    assert_eq!(one.earlier[0].citation, "Nghị định 85/2016/NĐ-CP; Thông tư 03/2017/TT-BTTTT");
    assert_eq!((one.earlier[0].from, one.earlier[0].until), (day("2022-09-01"), day("2022-09-30")));
}

#[test]
fn days_that_have_not_come_bring_no_law() {
    let mut known = evidence();
    known.now = time("2026-08-18T16:59:59Z"); // a second before midnight in Vietnam
    let august = Period { first: day("2026-08-01"), last: day("2026-08-31") };
    let gap = |known: &Evidence| {
        let found = RuleSets::own().assess(&province(), known, august);
        found.systems[0].measures.iter().find(|one| one.id == "clock-skew").unwrap().clone()
    };
    assert_eq!((gap(&known).citation.as_str(), gap(&known).earlier.len()), (OLD_STANDARD, 0));
    known.now = time("2026-08-18T17:00:00Z");
    assert_eq!((gap(&known).citation.as_str(), gap(&known).earlier.len()), (NEW_STANDARD, 1));
}

#[test]
fn what_was_asked_before_is_of_the_level_of_those_days() {
    let own = include_str!("../../../../rules/compliance/vn-2026.yml");
    let edited = own.replace("threshold: { 3: 24, 4: 1, 5: 1 }", "threshold: { 3: 12, 4: 1, 5: 1 }");
    let rules = RuleSets::read(&[("vn-2026.yml".to_owned(), edited)]).unwrap();
    let mut registry = province();
    let asked = |registry: &Registry, id: &str| {
        let august = Period { first: day("2026-08-01"), last: day("2026-08-31") };
        let found = rules.assess(registry, &evidence(), august);
        let one = found.systems[0].measures.iter().find(|one| one.id == id).unwrap().clone();
        (one.required, one.earlier[0].required)
    };
    registry.systems[0].level_since = Some(day("2026-01-01"));
    registry.systems[0].earlier_levels = Vec::new();
    assert_eq!(asked(&registry, "log-gap"), (Some(12.0), Some(24.0)));
    // Level 3 to 18 August goes back to 18 May, to 31 August to 31 May: 92 days both.
    assert_eq!(asked(&registry, "retention"), (Some(92.0), Some(92.0)));
    // Level 2 until the day of the change: no gap was asked of it, and of retention a month (31 July has 31 days before).
    registry.systems[0].level_since = Some(day("2026-08-19"));
    registry.systems[0].earlier_levels = vec!["2:2024-02-29".parse().unwrap()];
    assert_eq!(asked(&registry, "log-gap"), (Some(12.0), None));
    assert_eq!(asked(&registry, "retention"), (Some(92.0), Some(31.0)));
}

#[test]
fn no_measure_cites_a_text_of_a_later_year() {
    let rules = RuleSets::own();
    let mut on = day("2018-01-01");
    while on < day("2027-06-01") {
        for rule in rules.measures_on(on) {
            let years = rule.law.citation.split(|c: char| !c.is_ascii_digit());
            let years = years.filter_map(|part| part.parse::<i16>().ok()).filter(|year| *year > 1999);
            let later: Vec<i16> = years.filter(|year| *year > on.year() && *year < 2100).collect();
            assert_eq!(later, [0; 0], "{} on {on}", rule.id);
        }
        on = on.checked_add(jiff::ToSpan::month(1)).unwrap();
    }
}

//! What falls into an authorised window, and what becomes of alerts and incidents that do.

use super::*;
use crate::tests::{at_rest, found};
use crate::{Correlator, Limits, Output, RuleFile};
use event::{Alert, Draft, Match, Raw};
use proptest::prelude::*;
use std::sync::Arc;

const RULES: &str = "
pipeline: test
logsources:
  - {category: test, when: {event.module: test}}
---
title: Malware
id: malware
level: high
logsource: {category: test}
detection: {sel: {event.category: malware}, condition: sel}
---
title: Failed login
id: failed
level: low
logsource: {category: test}
detection: {sel: {event.outcome: failure}, condition: sel}
---
title: Many failures
id: many
level: high
tags: [attack.t1110]
correlation: {type: event_count, rules: [failed], group-by: [source.ip], timespan: 1h, condition: {gte: 3}}
---
title: Bursts
id: bursts
level: high
correlation: {type: event_count, rules: [many], group-by: [source.ip], timespan: 6h, condition: {gte: 1}, generate: true}
---
";
const SCAN: &str = "title: Quarterly scan
id: q4
description: Assessment
authorised:
  by: An
  document: 124/QD
  from: 2026-09-21T20:00:00+07:00
  to: 2026-09-21T23:00:00+07:00
  sources: [192.0.2.40, 198.51.100.0/28, Scanner-01]
";

fn compile(scans: &str) -> Result<Arc<RuleSet>, Vec<String>> {
    let file = |path: &str, text: &str| RuleFile { path: path.to_owned(), text: text.to_owned() };
    let set = RuleSet::compile(&[file("rules.yml", RULES), file("scans.yml", scans)]);
    set.map(Arc::new).map_err(|problems| problems.iter().map(ToString::to_string).collect())
}

/// An event of the window's first hour.
fn event(fields: &[(Field, &str)], minute: i64) -> Event {
    let time = Time::parse("2026-09-21T20:00:00+07:00").unwrap().plus_ms(minute * 60_000);
    let mut draft = Draft::new(&Raw::stdin("line", time, 1));
    draft.word(Field::EVENT_MODULE, "test");
    draft.put(Field::EVENT_CATEGORY, "malware");
    fields.iter().for_each(|(field, text)| draft.put(*field, text));
    draft.finish()
}

#[test]
fn what_falls_into_the_window_is_marked_and_nothing_else() {
    use Field as F;
    let scanner = (F::SOURCE_IP, "192.0.2.40");
    let target = "  targets: [203.0.113.0/24]\n";
    for (more, fields, minute, expected) in [
        ("", &[scanner][..], 0, true),
        ("", &[scanner], 179, true),
        ("", &[scanner], 180, false),
        ("", &[scanner], -1, false),
        ("", &[(F::SOURCE_IP, "198.51.100.15")], 1, true),
        ("", &[(F::SOURCE_IP, "198.51.100.16")], 1, false),
        ("", &[(F::SOURCE_IP, "192.0.2.41"), (F::SOURCE_DOMAIN, "scanner-01")], 1, false),
        ("", &[(F::SOURCE_DOMAIN, "SCANNER-01")], 1, true),
        ("", &[(F::HOST_NAME, "scanner-01"), (F::HOST_IP, "192.0.2.99")], 1, true),
        ("", &[(F::SOURCE_IP, "192.0.2.41"), (F::HOST_NAME, "scanner-01")], 1, false),
        ("", &[(F::DESTINATION_IP, "192.0.2.40")], 1, false),
        ("", &[], 1, false),
        (target, &[scanner, (F::DESTINATION_IP, "203.0.113.7")], 1, true),
        (target, &[scanner, (F::DESTINATION_IP, "203.0.114.7")], 1, false),
        (target, &[scanner], 1, false),
        ("  units: [xa-a]\n", &[scanner, (F::HAIDANG_UNIT_ID, "xa-a")], 1, true),
        ("  units: [xa-a]\n", &[scanner, (F::HAIDANG_UNIT_ID, "xa-b")], 1, false),
        ("  rules: [malware]\n", &[scanner], 1, true),
        ("  rules: [attack.t1110]\n", &[scanner], 1, false),
    ] {
        let mut correlator = Correlator::new(compile(&format!("{SCAN}{more}")).unwrap(), Limits::default());
        let mut out = Output::default();
        correlator.process(&event(fields, minute), &mut out);
        let marked = expected.then_some("q4");
        assert_eq!(out.matches[0].authorised.as_deref(), marked, "{more:?} {fields:?} {minute}");
        let told = out.alerts[0].authorised.as_ref().map(|told| (told.by.as_str(), told.document.as_str()));
        assert_eq!(told, expected.then_some(("An", "124/QD")));
        assert_eq!(out.incidents[0].authorised, out.alerts[0].authorised);
    }
}

#[test]
fn a_bad_window_is_told_with_its_file_line_key_and_what_to_write() {
    for (from, to, expected) in [
        ("192.0.2.40", "192.0.2.400", "scans.yml:9: `authorised.sources` `192.0.2.400` is neither"),
        ("192.0.2.40", "0.0.0.0/0", "scans.yml:9: `authorised.sources` `0.0.0.0/0` is every address"),
        (
            "23:00:00+07:00",
            "23:00:00",
            "scans.yml:8: `authorised.to` must be an RFC 3339 time with its offset",
        ),
        ("T23:", "T19:", "scans.yml:8: `authorised.to` is not after `from`"),
        ("to: 2026-09-21", "to: 2026-11-21", "scans.yml:8: `authorised.to` is more than 31 days"),
        ("by: An", "by: ''", "scans.yml:5: `authorised.by` is missing: name who"),
        ("document: 124/QD", "paper: 1", "scans.yml:6: `authorised.paper` is not a key"),
        ("description: Assessment\n", "", "scans.yml:1: `description` is missing: say why"),
        ("sources:", "rules: [nothing]\n  sources:", "scans.yml:5: `authorised.rules` `nothing` is the id"),
    ] {
        let problems = compile(&SCAN.replace(from, to)).unwrap_err();
        assert!(problems.iter().any(|problem| problem.starts_with(expected)), "{expected}: {problems:?}");
    }
    let twice = compile(&format!("{SCAN}---\n{SCAN}")).unwrap_err();
    assert!(twice[0].contains("give one of them another `id`"), "{twice:?}");
}

#[test]
fn a_window_of_rules_speaks_of_what_its_correlations_count() {
    for (rules, many, bursts) in
        [("attack.t1110", true, false), ("failed", false, false), ("any", true, false)]
    {
        let rules = compile(&format!("{SCAN}  rules: [{rules}]\n")).unwrap();
        let mut all: Vec<Match> = (0..3).map(|nth| found(nth, 0, 0, 1, 1)).collect();
        all.iter_mut().for_each(|found| found.authorised = Some("q4".into()));
        let (held, _) = at_rest(&rules, &Limits::default(), &all, 1);
        let of =
            |rule: &str| held.alerts.values().find(|alert| alert.rule == rule).unwrap().authorised.is_some();
        assert_eq!((of("many"), of("bursts")), (many, bursts), "{:?}", rules.authorisations()[0].rules);
    }
}

#[test]
fn an_alert_that_is_not_authorised_unmarks_its_incident_and_alone_weighs_in_it() {
    let rules = compile(SCAN).unwrap();
    let scan = Match { authorised: Some("q4".into()), ..found(1, 0, 2, 1, 1) };
    // Another host that the scan touches has an incident of its own; what else the scanner does has not.
    let elsewhere = found(2, 60, 2, 2, 1);
    let (held, _) = at_rest(&rules, &Limits::default(), &[scan.clone(), elsewhere], 1);
    let marks: Vec<bool> = held.incidents.values().map(|incident| incident.authorised.is_some()).collect();
    assert_eq!((marks.len(), marks.iter().filter(|marked| **marked).count()), (2, 1));
    let beside: Vec<Match> = (0..3).map(|nth| found(nth + 9, 120, 0, 1, 2)).collect();
    let all: Vec<Match> = std::iter::once(scan).chain(beside).collect();
    let (held, _) = at_rest(&rules, &Limits::default(), &all, 1);
    let incident = held.incidents.values().next().unwrap();
    assert_eq!((held.incidents.len(), incident.authorised.is_some()), (1, false));
    assert_eq!((incident.title.as_str(), incident.alerts.len()), ("Many failures", 3));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn an_alert_is_authorised_if_all_its_matches_are_in_any_order(
        all in prop::collection::vec((0i64..20_000, 0u8..3, 0u8..3, 0u8..2, any::<bool>()), 1..60).prop_map(|all| {
            let made = all.into_iter().enumerate().map(|(nth, (second, rule, ip, user, scan))| Match {
                authorised: scan.then(|| "q4".to_owned()),
                ..found(nth as u64, second, rule, ip, user)
            });
            made.filter(|found| found.rule != "login").collect::<Vec<_>>()
        }).prop_flat_map(|all| (Just(all.clone()), Just(all).prop_shuffle())))
    {
        let rules = compile(SCAN).unwrap();
        let (expected, _) = at_rest(&rules, &Limits::offline(), &all.0, 7);
        let open = |id: &event::EventId| all.0.iter().any(|found| found.event == *id && found.authorised.is_none());
        let naive = |alert: &Alert| alert.rule != "bursts" && !alert.events.iter().any(open);
        for alert in expected.alerts.values() {
            prop_assert_eq!(alert.authorised.is_some(), naive(alert), "{:?}", alert);
        }
        for incident in expected.incidents.values() {
            let marked = incident.alerts.iter().all(|alert| alert.authorised.is_some());
            prop_assert_eq!(incident.authorised.is_some(), marked);
        }
        let (found, _) = at_rest(&rules, &Limits::offline(), &all.1, 3);
        prop_assert_eq!(found, expected);
    }
}

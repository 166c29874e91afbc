use super::*;

const HEAD: &str =
    "id: thu\ntitle: Try\ntitle_vi: Thử\nrole: beside\nlaw: { citation: X, certainty: confirmed }\n";

fn said(text: &str) -> Vec<String> {
    let problems = RuleSets::read(&[("thu.yml".to_owned(), text.to_owned())]).unwrap_err();
    problems.iter().map(ToString::to_string).collect()
}

#[test]
fn the_rule_sets_that_come_along_read() {
    let rules = RuleSets::read(&[]).unwrap_or_else(|problems| panic!("{problems:#?}"));
    let ids: Vec<&str> = rules.iter().map(|set| set.id.as_str()).collect();
    assert_eq!(ids, ["vn-2016", "plan-2021-2025", "personal-data", "vn-2026"]);
    // Nothing that was only remembered passes for confirmed.
    for set in rules.iter() {
        assert!(set.deadlines.iter().all(|rule| rule.law.certainty == Certainty::ToVerify), "{}", set.id);
        assert!(set.retention.iter().all(|rule| rule.law.certainty == Certainty::ToVerify), "{}", set.id);
    }
    let measures = |day: &str| rules.measures_on(day.parse().unwrap()).len();
    assert_eq!((measures("2021-11-22"), measures("2026-11-27")), (20, 20));
}

#[test]
fn what_is_wrong_is_told_with_file_line_and_key() {
    assert!(said("")[0].starts_with("thu.yml:1: "), "{:?}", said(""));
    let wrong = said(&format!("{HEAD}colour: red\n"));
    assert!(wrong[0].starts_with("thu.yml:6: `colour`: unknown field `colour`"), "{wrong:?}");
    let wrong = said(&HEAD.replace("confirmed", "sure"));
    assert!(wrong[0].starts_with("thu.yml:5: `law`: unknown variant"), "{wrong:?}");
    let deadline = "classes: [{ id: any, title: A, title_vi: B }]\nclassification: { default: any, law: { citation: X, certainty: confirmed } }\ndeadlines:\n  - id: soon\n    title: Soon\n    title_vi: Sớm\n    classes: [any]\n    within: 24x\n    to: [a05]\n    law: { citation: X, certainty: to-verify }\n";
    let wrong = said(&format!("{HEAD}{deadline}"));
    assert!(
        wrong[0].starts_with("thu.yml:13: `within`: ") && wrong[0].contains("write 30m, 24h or 5d"),
        "{wrong:?}"
    );
    let deadline = deadline.replace("24x", "24h");
    assert!(RuleSets::read(&[("thu.yml".to_owned(), format!("{HEAD}{deadline}"))]).is_ok());
    let wrong = said(&format!(
        "{HEAD}{}",
        deadline.replace("[a05]", "[nobody]").replace("classes: [any]", "classes: [other]")
    ));
    assert_eq!(
        wrong,
        [
            "thu.yml:9: `classes`: `other` is none of `classes`",
            "thu.yml:9: `to`: `nobody` is none of the `recipients` of any rule set",
        ]
    );
    let wrong = said(&HEAD.replace("role: beside", "role: regime"));
    assert_eq!(wrong.len(), 1, "{wrong:?}");
    let wrong = said(
        &HEAD.replace("certainty: confirmed", "certainty: confirmed, from: 2026-02-01, until: 2026-01-31"),
    );
    assert_eq!(wrong, ["thu.yml:5: `until`: 2026-01-31 is before `from` 2026-02-01"]);
    let wrong = said(&HEAD.replace("certainty: confirmed", "certainty: confirmed, from: 2026-02-30"));
    assert!(wrong[0].starts_with("thu.yml:5: `law`: "), "{wrong:?}");
}

#[test]
fn a_file_takes_the_place_of_the_rule_set_with_its_id() {
    let own = include_str!("../../../rules/compliance/vn-2026.yml");
    let edited = own.replace("within: 24h", "within: 12h");
    let rules = RuleSets::read(&[("vn-2026.yml".to_owned(), edited)]).unwrap();
    let within = |rules: &RuleSets| rules.by_id("vn-2026").unwrap().deadlines[1].within.to_string();
    assert_eq!((within(&rules), within(&RuleSets::own())), ("12h".to_owned(), "24h".to_owned()));
    assert_ne!(rules.digest(), RuleSets::own().digest());
}

//! Random rules of random objects: the correlator against the plainest reading of the specification, which is written
//! apart from it and looks everything up in the JSON tree.
#![allow(unreachable_pub, dead_code, reason = "modules of the agreement program")]

#[path = "../examples/agreement/oracle.rs"]
mod oracle;
#[path = "../examples/agreement/rule.rs"]
mod rule;

use correlator::{Correlator, Flat, Limits, Output, RuleFile, RuleSet};
use event::EventId;
use proptest::prelude::*;
use std::sync::Arc;

/// A scalar of a rule, as YAML writes it. Few letters, so that rules and objects meet.
fn scalar() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => r"[abAđ*?\\/ -]{0,4}".prop_map(|text| format!("'{text}'")),
        1 => "(0|1|-2|10|1\\.5|true|false)",
        1 => "(10|1\\.5|-2|1)".prop_map(|number| format!("'{number}'")),
    ]
}

fn list(one: impl Strategy<Value = String>, least: usize) -> impl Strategy<Value = String> {
    prop::collection::vec(one, least..4).prop_map(|values| format!("[{}]", values.join(", ")))
}

/// One line of a search.
fn item() -> impl Strategy<Value = String> {
    let field = "(f|g|f\\.h)";
    let place = "(|\\|contains|\\|startswith|\\|endswith)";
    prop_oneof![
        6 => (field, place, "(|\\|cased)", "(|\\|neq)", "(|\\|windash)", list(scalar(), 1))
            .prop_map(|(field, place, cased, neq, dash, values)| format!("{field}{place}{dash}{cased}{neq}: {values}")),
        2 => (field, place, "(|\\|neq)", list(scalar(), 2))
            .prop_map(|(field, place, neq, values)| format!("{field}{place}|all{neq}: {values}")),
        1 => (field, list("(null|''|'a'|1)".prop_map(String::from), 1))
            .prop_map(|(field, values)| format!("{field}: {values}")),
        1 => (field, any::<bool>()).prop_map(|(field, flag)| format!("{field}|exists: {flag}")),
        1 => (field, "(\\^a|b\\$|a\\.\\*b|\\^\\[0-9]\\+\\$|ađ\\?)", "(|\\|i)")
            .prop_map(|(field, regex, flag)| format!("{field}|re{flag}: '{regex}'")),
        1 => (field, "(lt|lte|gt|gte)", "(-1|0|1|1\\.5|10)")
            .prop_map(|(field, order, bound)| format!("{field}|{order}: {bound}")),
        1 => (field, place, field, "(|\\|neq)", "(|\\|cased)")
            .prop_map(|(field, place, other, neq, cased)| format!("{field}|fieldref{place}{cased}{neq}: {other}")),
        1 => (field, "(base64|base64offset|wide\\|base64)", "(ab|Ab/|b-a)")
            .prop_map(|(field, encoding, text)| format!("{field}|{encoding}|contains: '{text}'")),
    ]
}

/// A search: a map, a list of maps, or keywords.
fn search() -> impl Strategy<Value = String> {
    let map = || {
        prop::collection::btree_map("[a-d]", item(), 1..3).prop_map(|items| {
            let mut seen = std::collections::BTreeSet::new();
            let fresh = |item: &String| seen.insert(item.split(':').next().unwrap_or_default().to_owned());
            let items: Vec<String> = items.into_values().filter(fresh).collect();
            format!("{{{}}}", items.join(", "))
        })
    };
    prop_oneof![
        5 => map(),
        2 => prop::collection::vec(map(), 1..3).prop_map(|maps| format!("[{}]", maps.join(", "))),
        1 => list(scalar(), 1),
        1 => list(scalar(), 2).prop_map(|words| format!("{{'|all': {words}}}")),
    ]
}

fn condition() -> impl Strategy<Value = String> {
    let leaf = "(x|y_1|y_2|1 of y_\\*|all of y_\\*|2 of them|all of them)".prop_map(String::from);
    leaf.prop_recursive(3, 8, 2, |inner| {
        prop_oneof![
            inner.clone().prop_map(|part| format!("not ({part})")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a}) and ({b})")),
            (inner.clone(), inner).prop_map(|(a, b)| format!("({a}) or ({b})")),
        ]
    })
}

/// A value of an object.
fn value() -> impl Strategy<Value = serde_json::Value> {
    let text =
        prop_oneof![r"[abAĐđ*?\\/ –-]{0,5}", "(10|1\\.5|-2|1|1\\.0|true|FALSE|YWI=|eWFi|xxQWIv|YQBiAA==)",];
    let leaf = prop_oneof![
        6 => text.prop_map(serde_json::Value::from),
        1 => (-2i64..11).prop_map(serde_json::Value::from),
        1 => "(1\\.5|-2\\.0|10\\.0)".prop_map(|text| serde_json::from_str(&text).unwrap_or_default()),
        1 => any::<bool>().prop_map(serde_json::Value::from),
        1 => Just(serde_json::Value::Null),
    ];
    leaf.prop_recursive(2, 6, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 1..3).prop_map(serde_json::Value::from),
            prop::collection::btree_map("[hk]", inner, 0..3)
                .prop_map(|map| serde_json::Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_rule_means_what_the_plainest_reading_says(
        searches in [search(), search(), search()],
        condition in condition(),
        objects in prop::collection::vec(prop::collection::btree_map("(f|g|k)", value(), 0..3), 1..6),
    ) {
        let [x, y1, y2] = searches;
        let text = format!(
            "title: t\nid: r\nlogsource: {{product: p}}\n\
             detection:\n  x: {x}\n  y_1: {y1}\n  y_2: {y2}\n  condition: {condition}\n"
        );
        let rules = RuleSet::compile(&[RuleFile { path: "r.yml".to_owned(), text: text.clone() }]);
        let rules = Arc::new(rules.map_err(|errors| TestCaseError::fail(format!("{errors:?}\n{text}")))?);
        let plain = rule::read("r.yml", &text).map_err(TestCaseError::fail)?;
        for object in objects {
            let mut event = serde_json::Map::from_iter(object);
            event.insert("product".to_owned(), "p".into());
            let event = serde_json::Value::Object(event);
            let mut out = Output::default();
            let flat = Flat::from_json(&event.to_string()).map_err(|error| TestCaseError::fail(error.to_string()))?;
            Correlator::new(Arc::clone(&rules), Limits::default()).process_flat(&flat, EventId(7), &mut out);
            let expected = oracle::holds(&plain[0], &event, &[]);
            prop_assert_eq!(!out.matches.is_empty(), expected, "{}\n{}", text, event);
        }
    }
}

//! The engine agrees with the reference evaluator: on random rules and records, and on every rule that ships.

use super::Engine;
use crate::line::{Line, LineReader};
use crate::record::{Flat, Record};
use crate::ruleset::DetectionRule;
use crate::sigma::pattern::Folds;
use crate::{RuleFile, RuleSet};
use event::{Because, Draft, Event, Field, Raw, Time};
use proptest::prelude::*;

/// What the reference says.
fn expected(rules: &RuleSet, record: Record<'_>) -> Vec<u32> {
    let mut sources = Vec::new();
    rules.sources_of(record, &mut sources);
    let held = (0u32..).zip(&rules.detections).filter(|(_, rule)| rule.holds(record, &sources));
    held.map(|(at, _)| at).collect()
}

const PIPELINE: &str = "pipeline: p
fields: {a: process.name, b: [user.name, vendor.b], c: vendor.c, d: event.original}
logsources:
  - {product: p, category: c, when: {event.dataset: 'p*'}, otherwise: vendor}
  - {product: q, when: [{event.module: [m, p]}, {vendor.x: '*1'}], otherwise: vendor}
";

/// One item of a search; its field's name stands as `F`.
fn item() -> impl Strategy<Value = String> {
    let text = "[abđ1*?\\\\]{0,6}|-1|0|1|1.5|true|null";
    let texts =
        prop_oneof![6 => proptest::collection::vec(text, 1..5), 1 => proptest::collection::vec(text, 30..60)];
    let texts = texts.prop_map(|texts| {
        let quoted = texts.iter().map(|text| match text.as_str() {
            "-1" | "0" | "1" | "1.5" | "true" => text.clone(),
            _ => format!("'{text}'"),
        });
        quoted.collect::<Vec<_>>().join(", ")
    });
    let modifier = prop_oneof![
        6 => Just(""),
        6 => Just("|contains"),
        4 => Just("|startswith"),
        4 => Just("|endswith"),
        2 => Just("|contains|all"),
        1 => Just("|cased|contains"),
        1 => Just("|windash|contains"),
    ];
    let expression = "[ab]{1,4}|a\\.b|\\(ab\\|b1\\)\\+|\\^a|b\\$|\\[aA\\]b\\?";
    prop_oneof![
        12 => (modifier, texts).prop_map(|(modifier, texts)| format!("F{modifier}: [{texts}]")),
        1 => expression.prop_map(|text| format!("F|re: '{text}'")),
        1 => expression.prop_map(|text| format!("F|re|i: '{text}'")),
        1 => any::<bool>().prop_map(|wanted| format!("F|exists: {wanted}")),
        1 => "[abcd]".prop_map(|other| format!("F|fieldref: {other}")),
        6 => proptest::sample::select(vec![
            "F: null", "F|gte: 1", "F|neq: a", "F|cidr: 192.0.2.0/24", "F|contains|neq: [a, b]",
        ]).prop_map(str::to_owned),
    ]
}

fn search() -> impl Strategy<Value = String> {
    let map = proptest::collection::btree_map("[a-d]", item(), 1..3);
    let map = map.prop_map(|items| {
        let items = items.iter().map(|(field, item)| item.replacen('F', field, 1));
        format!("{{{}}}", items.collect::<Vec<_>>().join(", "))
    });
    let map = map.boxed();
    prop_oneof![
        5 => map.clone(),
        2 => (map.clone(), map).prop_map(|(one, other)| format!("[{one}, {other}]")),
        1 => "[ab1]{1,3}".prop_map(|word| format!("['{word}']")),
    ]
}

fn rule() -> impl Strategy<Value = String> {
    let conditions = [
        "x",
        "x and y",
        "x or y",
        "x and not y",
        "not x",
        "1 of them",
        "2 of them",
        "all of them",
        "z and not (x and y)",
        "not (x or not y) or z",
    ];
    let source = prop_oneof![
        Just("product: p"),
        Just("category: c"),
        Just("product: q"),
        Just("product: p, category: c")
    ];
    (search(), search(), search(), proptest::sample::select(conditions.to_vec()), source).prop_map(
        |(x, y, z, condition, source)| {
            format!("logsource: {{{source}}}\ndetection:\n  x: {x}\n  y: {y}\n  z: {z}\n  condition: {condition}\n")
        },
    )
}

fn value() -> impl Strategy<Value = String> {
    prop_oneof![
        8 => "[abABĐđ1]{0,8}|-[ab]|192\\.0\\.2\\.1".prop_map(|text| format!("{text:?}")),
        3 => "-?1|0|1\\.5|1e0|true|false|null|\\{\\}|\\[\\]|\\{\"b\":1\\}|\\{\"b\":\\{\\}\\}".prop_map(|text| text),
        1 => "\" 1\"|\"1\\.0\"|\"\\+1\"|\"01\"".prop_map(|text| text),
    ]
}

fn object() -> impl Strategy<Value = String> {
    let one = prop_oneof![5 => value(), 1 => proptest::collection::vec(value(), 0..4).prop_map(|list| format!("[{}]", list.join(",")))];
    let source = prop_oneof![
        Just(r#""product":"p""#),
        Just(r#""product":"q","category":"c""#),
        Just(r#""product":"p","category":"c""#)
    ];
    (proptest::collection::vec(("[abcde]", one), 0..6), source).prop_map(|(fields, source)| {
        let fields: String = fields.iter().map(|(name, value)| format!(",\"{name}\":{value}")).collect();
        format!("{{{source}{fields}}}")
    })
}

fn event() -> impl Strategy<Value = Event> {
    let text = "[abABĐđ1]{0,8}|1|01|192\\.0\\.2\\.1|true";
    let extras = proptest::collection::vec(("[abcdx]", text), 0..5);
    (text, text, proptest::option::of(text), extras, "p1|q|", "m|p|").prop_map(
        |(original, name, user, extras, dataset, module)| {
            let mut draft = Draft::new(&Raw::stdin(&original, Time(1_790_000_000_000), 7));
            draft.put(Field::PROCESS_NAME, &name);
            draft.put(Field::EVENT_DATASET, &dataset);
            draft.put(Field::EVENT_MODULE, &module);
            if let Some(user) = user {
                draft.put(Field::USER_NAME, &user);
            }
            for (key, text) in &extras {
                draft.extra("vendor", key, text);
            }
            draft.finish()
        },
    )
}

/// Rules that load, of these texts.
fn loaded(texts: &[String]) -> RuleSet {
    let mut files = vec![RuleFile { path: "p.yml".to_owned(), text: PIPELINE.to_owned() }];
    files.extend(texts.iter().enumerate().map(|(at, text)| RuleFile {
        path: format!("{at}.yml"),
        text: format!("title: t\nid: r{at}\n{text}"),
    }));
    RuleSet::compile_what_can(&files).0
}

#[test]
fn the_line_itself_is_a_field_of_an_event() {
    let rule = |words: &str| {
        format!(
            "logsource: {{product: p}}\ndetection: {{x: {{event.original|contains: '{words}'}}, condition: x}}\n"
        )
    };
    let rules = loaded(&[rule("SESSION opened"), rule("session closed")]);
    let mut draft = Draft::new(&Raw::stdin("sshd[7]: session opened for root", Time(1_790_000_000_000), 7));
    draft.put(Field::EVENT_DATASET, "p1");
    let event = draft.finish();
    let mut found = Vec::new();
    Engine::new(&rules).find(&rules, Record::Event(&event), &mut found);
    assert_eq!(found, [0]);
    assert_eq!(expected(&rules, Record::Event(&event)), [0], "by the reference");
}

/// Why the rule holds, by the reference.
fn because(rules: &RuleSet, at: u32, record: Record<'_>) -> Vec<Because> {
    let DetectionRule { detection, fields, .. } = &rules.detections[at as usize];
    let folds = &mut Folds::default();
    let mut holds = |_, item: &_, told: crate::evaluate::Told<'_>| {
        crate::evaluate::item_holds(item, fields, record, folds, told)
    };
    crate::evaluate::because(detection, fields, &mut holds)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    #[test]
    fn the_engine_finds_what_the_reference_finds(
        texts in proptest::collection::vec(rule(), 1..12),
        objects in proptest::collection::vec(object(), 1..12),
        events in proptest::collection::vec(event(), 1..12),
    ) {
        let rules = loaded(&texts);
        let mut engine = Engine::new(&rules);
        let mut reader = LineReader::default();
        let mut found = Vec::new();
        // The third time, what was remembered and what was learned is used.
        for _ in 0..3 {
            for json in &objects {
                let flat = Flat::from_json(json).unwrap();
                engine.find(&rules, Record::Flat(&flat), &mut found);
                let expected = expected(&rules, Record::Flat(&flat));
                prop_assert_eq!(&found, &expected, "{}\n{}", json, texts.join("\n"));
                if reader.read(json).is_some() {
                    let record = Record::Line(Line { text: json, reader: &reader });
                    engine.find(&rules, record, &mut found);
                    prop_assert_eq!(&found, &expected, "line {}\n{}", json, texts.join("\n"));
                    prop_assert_eq!(&self::expected(&rules, record), &expected, "line, by the reference {}", json);
                    for at in found.clone() {
                        prop_assert_eq!(engine.because(at, &rules, record), because(&rules, at, Record::Flat(&flat)));
                    }
                }
            }
            for event in &events {
                engine.find(&rules, Record::Event(event), &mut found);
                let record = Record::Event(event);
                prop_assert_eq!(&found, &expected(&rules, record), "{:?}\n{}", event, texts.join("\n"));
                for at in found.clone() {
                    prop_assert_eq!(engine.because(at, &rules, record), because(&rules, at, record));
                }
            }
        }
    }
}

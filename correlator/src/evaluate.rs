//! The plain evaluator: every item of a rule is asked in turn. Slow and plainly right, it is the reference that a
//! faster engine is compared with.

use crate::record::{FieldRef, Record};
use crate::sigma::detection::{Detection, Item, Test, Wanted};
use crate::sigma::pattern::Glob;
use event::{Because, Value};

/// How many reasons a match carries.
const BECAUSE_MAX: usize = 12;
/// How much of a value a reason shows, in characters.
const VALUE_CHARS_MAX: usize = 200;

/// Whether the rule holds of the record. `fields` are the rule's, in the order of its detection.
pub(crate) fn holds(detection: &Detection, fields: &[FieldRef], record: Record<'_>) -> bool {
    detection.condition.holds(&mut |at| search_holds(detection, at, fields, record))
}

fn search_holds(detection: &Detection, at: usize, fields: &[FieldRef], record: Record<'_>) -> bool {
    let any = detection.searches.get(at).map_or(&[][..], |search| &search.any);
    any.iter().any(|items| items.iter().all(|item| item_holds(item, fields, record, &mut |_, _| {})))
}

/// Why the rule holds: the items that speak for it, each with the value that met it.
pub(crate) fn because(detection: &Detection, fields: &[FieldRef], record: Record<'_>) -> Vec<Because> {
    let mut searches = Vec::new();
    detection.condition.positive(false, &mut searches);
    let mut found = Vec::new();
    for at in searches {
        for items in detection.searches.get(at).map_or(&[][..], |search| &search.any) {
            let mut reasons = Vec::new();
            let all = items.iter().all(|item| {
                item_holds(item, fields, record, &mut |value, pattern| {
                    reasons.push(Because {
                        field: item
                            .field
                            .and_then(|at| fields.get(at))
                            .map_or("", |field| &field.name)
                            .to_owned(),
                        value: shortened(value, pattern),
                        pattern: pattern.chars().take(VALUE_CHARS_MAX).collect(),
                    });
                })
            });
            if all {
                found.append(&mut reasons);
                break;
            }
        }
    }
    found.truncate(BECAUSE_MAX);
    found
}

/// The part of a long value where the pattern stands, else its beginning.
fn shortened(value: &str, pattern: &str) -> String {
    if value.chars().count() <= VALUE_CHARS_MAX {
        return value.to_owned();
    }
    let at = value.find(pattern.trim_matches('*')).unwrap_or(0);
    let before = value[..at].char_indices().rev().take(VALUE_CHARS_MAX / 4).last().map_or(0, |(at, _)| at);
    value[before..].chars().take(VALUE_CHARS_MAX).collect()
}

fn item_holds(
    item: &Item,
    fields: &[FieldRef],
    record: Record<'_>,
    told: &mut dyn FnMut(&str, &str),
) -> bool {
    let field = item.field.and_then(|at| fields.get(at));
    let any = |test: &mut dyn FnMut(Value<'_>) -> bool| match field {
        Some(field) => record.any(field, test),
        None => record.anywhere(test),
    };
    match &item.test {
        Test::Exists(wanted) => any(&mut |_| true) == *wanted,
        Test::Values { all, patterns } => {
            let mut one = |(wanted, text): &(Wanted, String)| match wanted {
                Wanted::Null => !any(&mut |_| true),
                Wanted::Pattern(pattern) => any(&mut |value| {
                    let found = pattern.holds(value);
                    if found {
                        told(&value.to_text(), text);
                    }
                    found
                }),
            };
            if *all { patterns.iter().all(one) } else { patterns.iter().any(&mut one) }
        }
        Test::Fields { all, others, place, cased } => {
            let mut one = |at: &usize| {
                let Some(other) = fields.get(*at) else { return false };
                record.any(other, |theirs| {
                    let glob = Glob::literal(&theirs.to_text(), *place, *cased);
                    any(&mut |ours| {
                        let found = glob.holds(&ours.to_text());
                        if found {
                            told(&ours.to_text(), &other.name);
                        }
                        found
                    })
                })
            };
            if *all { others.iter().all(one) } else { others.iter().any(&mut one) }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::{Correlator, Flat, Limits, Output, RuleError, RuleFile, RuleSet};
    use event::EventId;
    use std::sync::Arc;

    fn compile(detection: &str) -> Result<RuleSet, Vec<RuleError>> {
        let indented = detection.replace('\n', "\n  ");
        let text = format!("title: t\nid: r\nlogsource: {{product: p}}\ndetection:\n  {indented}\n");
        RuleSet::compile(&[RuleFile { path: "r.yml".to_owned(), text }])
    }

    fn output(detection: &str, json: &str) -> Output {
        let rules = Arc::new(compile(detection).unwrap_or_else(|errors| panic!("{detection}: {errors:?}")));
        let mut out = Output::default();
        let flat = Flat::from_json(&json.replacen('{', r#"{"product":"p","#, 1).replace(",}", "}")).unwrap();
        Correlator::new(rules, Limits::default()).process_flat(&flat, EventId(7), &mut out);
        out
    }

    /// One item, against objects that it must meet and objects that it must not.
    #[track_caller]
    fn check(item: &str, hits: &[&str], misses: &[&str]) {
        let detection = format!("sel:\n  {item}\ncondition: sel");
        for (json, expected) in hits.iter().map(|json| (json, 1)).chain(misses.iter().map(|json| (json, 0))) {
            assert_eq!(output(&detection, json).matches.len(), expected, "{item} {json}");
        }
    }

    #[test]
    fn plain_values_are_whole_and_without_regard_to_case() {
        check(
            "f: Cmd.EXE",
            &[r#"{"f":"cmd.exe"}"#, r#"{"f":["x","CMD.EXE"]}"#],
            &[r#"{"f":"xcmd.exe"}"#, "{}"],
        );
        check("f: [a, b]", &[r#"{"f":"B"}"#], &[r#"{"f":"ab"}"#]);
        check("f: 'a*c'", &[r#"{"f":"abbc"}"#, r#"{"f":"ac"}"#], &[r#"{"f":"abcd"}"#]);
        check("f|cased: Cmd", &[r#"{"f":"Cmd"}"#], &[r#"{"f":"cmd"}"#]);
    }

    #[test]
    fn places_find_their_part_and_all_wants_every_pattern() {
        check("f|contains: ẢNH", &[r#"{"f":"hình ảnh đẹp"}"#], &[r#"{"f":"hình"}"#]);
        check("f|startswith: ab", &[r#"{"f":"ABc"}"#], &[r#"{"f":"xab"}"#]);
        check("f|endswith: '\\x.exe'", &[r#"{"f":"c:\\X.exe"}"#], &[r#"{"f":"c:\\x.exe.bak"}"#]);
        check("f|contains|all: [a, b]", &[r#"{"f":"xbya"}"#, r#"{"f":["a","b"]}"#], &[r#"{"f":"a"}"#]);
        check("f|contains: 'a*c'", &[r#"{"f":"xabbcx"}"#], &[r#"{"f":"ca"}"#]);
    }

    #[test]
    fn numbers_truth_null_and_nothing_differ() {
        check("f: 1", &[r#"{"f":1}"#, r#"{"f":"1"}"#, r#"{"f":1.0}"#], &[r#"{"f":10}"#, r#"{"f":true}"#]);
        check("f: '1'", &[r#"{"f":1}"#, r#"{"f":"1"}"#], &[r#"{"f":"01"}"#]);
        check("f: true", &[r#"{"f":true}"#, r#"{"f":"True"}"#], &[r#"{"f":false}"#, r#"{"f":1}"#]);
        check("f: null", &["{}", r#"{"f":null}"#], &[r#"{"f":""}"#, r#"{"f":"null"}"#]);
        check("f: ''", &[r#"{"f":""}"#], &["{}", r#"{"f":" "}"#]);
        check("f: [null, '']", &["{}", r#"{"f":""}"#], &[r#"{"f":"x"}"#]);
        check("f|exists: true", &[r#"{"f":""}"#], &["{}"]);
        check("f|exists: false", &["{}"], &[r#"{"f":0}"#]);
        check("f|gte: 10", &[r#"{"f":10}"#, r#"{"f":"10.5"}"#], &[r#"{"f":9.9}"#, r#"{"f":"x"}"#]);
        check("f|lt: 10", &[r#"{"f":-1}"#], &[r#"{"f":10}"#]);
    }

    #[test]
    fn regular_expressions_networks_dashes_and_other_fields() {
        check(
            "f|re: '^a.c$'",
            &[r#"{"f":"abc"}"#],
            &[r#"{"f":"ABC"}"#, r#"{"f":"xabc"}"#, r#"{"f":"a\nc"}"#],
        );
        check("f|re|i|s: '^a.c$'", &[r#"{"f":"A\nC"}"#], &[r#"{"f":"x\na.c"}"#]);
        check("f|re|m: '^b$'", &[r#"{"f":"a\nb"}"#], &[r#"{"f":"a\nB"}"#]);
        check(
            "f|cidr: [192.0.2.0/24, 2001:db8::/32]",
            &[r#"{"f":"2001:db8::7"}"#],
            &[r#"{"f":"192.0.3.1"}"#],
        );
        check(
            "f|windash|contains: ' -enc'",
            &[r#"{"f":"x /ENC y"}"#, r#"{"f":"x —enc"}"#],
            &[r#"{"f":"x enc"}"#],
        );
        check("f|fieldref: g", &[r#"{"f":"A","g":"a"}"#], &[r#"{"f":"a"}"#, r#"{"f":"a","g":"ab"}"#, "{}"]);
        check("f|fieldref|endswith: g", &[r#"{"f":"xa*","g":"a*"}"#], &[r#"{"f":"ab","g":"a*"}"#]);
    }

    #[test]
    fn keywords_stand_anywhere_and_lists_of_maps_mean_any() {
        let keywords = "sel: [failed, 'a*z', 7]\ncondition: sel";
        assert_eq!(output(keywords, r#"{"x":"it Failed"}"#).matches.len(), 1);
        assert_eq!(output(keywords, r#"{"x":{"y":["-abz-"]}}"#).matches.len(), 1);
        assert_eq!(output(keywords, r#"{"failed":"key"}"#).matches.len(), 0);
        check("'|all': [ab, cd]", &[r#"{"x":"cd","y":"xab"}"#], &[r#"{"x":"ab"}"#]);
        let maps =
            "sel:\n  - {a: 1, b: 2}\n  - {c: 3}\n  - word\ncondition: [sel and d, e]\nd: {d: 4}\ne: {e: 5}";
        assert_eq!(output(maps, r#"{"a":1,"b":2,"d":4}"#).matches.len(), 1);
        assert_eq!(output(maps, r#"{"c":3,"d":4}"#).matches.len(), 1);
        assert_eq!(output(maps, r#"{"x":"a word","d":4}"#).matches.len(), 1);
        assert_eq!(output(maps, r#"{"a":1,"d":4}"#).matches.len(), 0);
        assert_eq!(output(maps, r#"{"e":5}"#).matches.len(), 1);
    }

    #[test]
    fn a_match_says_why() {
        let long = format!("{} evil {}", "á".repeat(400), "b".repeat(400));
        let out = output(
            "sel: {f|contains: [x, evil], g: 1}\nno: {h: 1}\ncondition: sel and not no",
            &format!(r#"{{"f":"{long}","g":1}}"#),
        );
        let because = &out.matches[0].because;
        assert_eq!((because[0].field.as_str(), because[0].pattern.as_str()), ("f", "evil"));
        assert!(because[0].value.contains(" evil ") && because[0].value.chars().count() <= 200);
        assert_eq!((because.len(), because[1].value.as_str()), (2, "1"));
    }

    #[test]
    fn a_log_source_that_the_object_does_not_name_is_another() {
        let rules = Arc::new(compile("sel: {f: 1}\ncondition: sel").unwrap());
        for (json, expected) in
            [(r#"{"f":1,"product":"p"}"#, 1), (r#"{"f":1,"product":"q"}"#, 0), (r#"{"f":1}"#, 0)]
        {
            let mut out = Output::default();
            let mut correlator = Correlator::new(Arc::clone(&rules), Limits::default());
            correlator.process_flat(&Flat::from_json(json).unwrap(), EventId(7), &mut out);
            assert_eq!(out.matches.len(), expected, "{json}");
        }
    }

    #[test]
    fn what_is_not_supported_names_file_line_and_key() {
        for (item, part) in [
            ("f|base64offset|contains: x", "`base64offset` is not supported"),
            ("f|contains|startswith: x", "cannot join"),
            ("f|re|cidr: x", "cannot join"),
            ("f|i: x", "behind `re` only"),
            ("f|re: '(?=a)'", "linear time"),
            ("f|re: '((a{1000}){1000}){1000}'", "linear time"),
            ("f|cidr: 192.0.2.0/40", "not a network"),
            ("f|exists: maybe", "`true` or `false`"),
            ("f|gt: x", "not a number"),
            ("f|contains: null", "null cannot"),
            ("f: {a: b}", "a value or a list"),
            ("f: []", "a value or a list"),
            ("f: [[a]]", "must be text"),
        ] {
            let errors = compile(&format!("sel:\n  {item}\ncondition: sel")).unwrap_err();
            assert_eq!(
                (errors.len(), errors[0].line, errors[0].file.as_str()),
                (1, 6, "r.yml"),
                "{item} {errors:?}"
            );
            assert!(
                errors[0].key.starts_with("sel.f") && errors[0].message.contains(part),
                "{item} {}",
                errors[0]
            );
        }
    }

    #[test]
    fn every_problem_of_every_file_is_told_at_once() {
        let file = |path: &str, text: &str| RuleFile { path: path.to_owned(), text: text.to_owned() };
        let errors = RuleSet::compile(&[
            file("a.yml", "title: a\nid: x\nlevel: bad\nlayer: 5\nlogsource: {}\ndetection: {s: {f: 1}}"),
            file("b.yml", "title: b\nid: y\nlogsource: {product: p}\ndetection: {s: {f: 1}, condition: s and t}"),
            file("c.yml", "title: c\nid: z\ncorrelation: {type: event_count, rules: [none], timespan: 1m, condition: {gte: 2}}"),
            file("d.yml", "- 1"),
            file("e.yml", "x: ["),
            file("f.yml", "title: f\nid: f\nlogsource: {product: p}\ndetection: {s: {f: 1}, condition: s}\n---\ntitle: g\nid: f\nlogsource: {product: p}\ndetection: {s: {f: 1}, condition: s}"),
            file("g.yml", "pipeline: p\nlogsources: [{product: a}]\nfoo: 1"),
        ])
        .unwrap_err();
        let mut told: Vec<(&str, &str)> =
            errors.iter().map(|error| (error.file.as_str(), error.key.as_str())).collect();
        told.sort_unstable();
        let expected = [
            ("a.yml", "detection.condition"),
            ("a.yml", "layer"),
            ("a.yml", "level"),
            ("a.yml", "logsource"),
            ("b.yml", "detection.condition"),
            ("c.yml", "rules"),
            ("d.yml", "file"),
            ("e.yml", "file"),
            ("f.yml", "f"),
            ("g.yml", "foo"),
            ("g.yml", "when"),
        ];
        assert_eq!(told, expected);
    }
}

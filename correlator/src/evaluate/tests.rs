//! What the language means, item by item.

use crate::{Correlator, Flat, Limits, Output, RuleError, RuleFile, RuleSet};
use event::EventId;
use std::sync::Arc;

fn compile(detection: &str) -> Result<RuleSet, Vec<RuleError>> {
    let indented = detection.replace('\n', "\n  ");
    let text = format!("title: t\nid: r\nlogsource: {{product: p}}\ndetection:\n  {indented}\n");
    RuleSet::compile(&[RuleFile { path: "r.yml".to_owned(), text }])
}

fn output(detection: &str, json: &str) -> Output {
    run(&detection_rules(detection), json)
}

fn detection_rules(detection: &str) -> Arc<RuleSet> {
    Arc::new(compile(detection).unwrap_or_else(|errors| panic!("{detection}: {errors:?}")))
}

fn run(rules: &Arc<RuleSet>, json: &str) -> Output {
    let mut out = Output::default();
    let flat = Flat::from_json(&json.replacen('{', r#"{"product":"p","#, 1).replace(",}", "}")).unwrap();
    Correlator::new(Arc::clone(rules), Limits::default()).process_flat(&flat, EventId(7), &mut out);
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
    check("f: Cmd.EXE", &[r#"{"f":"cmd.exe"}"#, r#"{"f":["x","CMD.EXE"]}"#], &[r#"{"f":"xcmd.exe"}"#, "{}"]);
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
    check(
        "f: null",
        &["{}", r#"{"f":null}"#, r#"{"f":[null]}"#],
        &[r#"{"f":""}"#, r#"{"f":"null"}"#, r#"{"f":[]}"#, r#"{"f":{"g":1}}"#, r#"{"f":{}}"#],
    );
    check("f: ''", &[r#"{"f":""}"#], &["{}", r#"{"f":" "}"#]);
    check("f: [null, '']", &["{}", r#"{"f":""}"#], &[r#"{"f":"x"}"#]);
    let there = [r#"{"f":""}"#, r#"{"f":0}"#, r#"{"f":null}"#, r#"{"f":[]}"#, r#"{"f":{"g":1}}"#];
    check("f|exists: true", &there, &["{}", r#"{"ff":1}"#]);
    check("f|exists: false", &["{}"], &there);
    check("f: 1.5", &[r#"{"f":1.5}"#, r#"{"f":"1.50"}"#], &[r#"{"f":1}"#]);
    check("f: 1", &[r#"{"f":"1.0"}"#, r#"{"f":[7,"1"]}"#], &[r#"{"f":""}"#, r#"{"f":" 1"}"#]);
    check("f: 0x10", &[r#"{"f":16}"#, r#"{"f":"16"}"#], &[r#"{"f":"0x10"}"#]);
    check("f: '0x10'", &[r#"{"f":"0X10"}"#], &[r#"{"f":16}"#]);
    check("f: 007", &[r#"{"f":"007"}"#], &[r#"{"f":7}"#]);
    check("f|contains: 46", &[r#"{"f":4625}"#, r#"{"f":"x46"}"#], &[r#"{"f":64}"#]);
    check(r"f|re: '^4\d+$'", &[r#"{"f":4625}"#], &[r#"{"f":-4625}"#]);
    check("f|gte: 10", &[r#"{"f":10}"#, r#"{"f":"10.5"}"#], &[r#"{"f":9.9}"#, r#"{"f":"x"}"#]);
    check("f|lt: 10", &[r#"{"f":-1}"#], &[r#"{"f":10}"#]);
}

#[test]
fn regular_expressions_networks_dashes_and_other_fields() {
    check("f|re: '^a.c$'", &[r#"{"f":"abc"}"#], &[r#"{"f":"ABC"}"#, r#"{"f":"xabc"}"#, r#"{"f":"a\nc"}"#]);
    check("f|re|i|s: '^a.c$'", &[r#"{"f":"A\nC"}"#], &[r#"{"f":"x\na.c"}"#]);
    check("f|re|m: '^b$'", &[r#"{"f":"a\nb"}"#], &[r#"{"f":"a\nB"}"#]);
    check("f|cidr: [192.0.2.0/24, 2001:db8::/32]", &[r#"{"f":"2001:db8::7"}"#], &[r#"{"f":"192.0.3.1"}"#]);
    check(
        "f|windash|contains: ' -enc'",
        &[r#"{"f":"x /ENC y"}"#, r#"{"f":"x —enc"}"#],
        &[r#"{"f":"x enc"}"#],
    );
    check("f|fieldref: g", &[r#"{"f":"A","g":"a"}"#], &[r#"{"f":"a"}"#, r#"{"f":"a","g":"ab"}"#, "{}"]);
    check("f|fieldref|endswith: g", &[r#"{"f":"xa*","g":"a*"}"#], &[r#"{"f":"ab","g":"a*"}"#]);
}

#[test]
fn neq_wants_the_field_and_none_of_the_values() {
    check(
        "f|neq: [a, b]",
        &[r#"{"f":"c"}"#, r#"{"f":""}"#, r#"{"f":null}"#, r#"{"f":1}"#],
        &[r#"{"f":"A"}"#, r#"{"f":"b"}"#, "{}", r#"{"f":["c","a"]}"#],
    );
    check("f|neq: 1", &[r#"{"f":2}"#, r#"{"f":"x"}"#], &[r#"{"f":1}"#, r#"{"f":"1"}"#, "{}"]);
    check("f|neq: null", &[r#"{"f":""}"#], &["{}", r#"{"f":null}"#]);
    check("f|contains|neq: a", &[r#"{"f":"b"}"#], &[r#"{"f":"xax"}"#]);
    check("f|re|neq: a+", &[r#"{"f":"b"}"#], &[r#"{"f":"xax"}"#]);
    check("f|cidr|neq: 192.0.2.0/24", &[r#"{"f":"192.0.3.1"}"#], &[r#"{"f":"192.0.2.1"}"#]);
    check("f|contains|all|neq: [a, b]", &[r#"{"f":"a"}"#], &[r#"{"f":"ab"}"#]);
    check("f|fieldref|neq: g", &[r#"{"f":"a","g":"b"}"#, r#"{"f":"a"}"#], &[r#"{"f":"a","g":"A"}"#, "{}"]);
    check("f|neq|cased: a", &[r#"{"f":"A"}"#], &[r#"{"f":"a"}"#]);
}

#[test]
fn windash_takes_every_dash_for_every_other() {
    check(
        "f|windash|contains: ' -a/b'",
        &[r#"{"f":"x /A-B"}"#, r#"{"f":"x –a—b"}"#, r#"{"f":"x ―a/b"}"#],
        &[r#"{"f":"x a/b"}"#, r#"{"f":"x _a/b"}"#],
    );
    check("f|contains|all|windash: [-x, '/y']", &[r#"{"f":"-y /x"}"#], &[r#"{"f":"-x"}"#]);
}

#[test]
fn encoded_text_is_found_where_it_stands() {
    check("f|base64: 'a b'", &[r#"{"f":"YSBi"}"#], &[r#"{"f":"xYSBi"}"#]);
    check("f|base64|contains: abc", &[r#"{"f":"xYWJjx"}"#], &[r#"{"f":"abc"}"#]);
    // "-http://", " http://", "xxhttp://" in front of more text.
    let encoded = [r#"{"f":"aHR0cDovLzE="}"#, r#"{"f":"LWh0dHA6Ly94"}"#, r#"{"f":"eHhodHRwOi8vYQ=="}"#];
    check("f|base64offset|contains: 'http://'", &encoded, &[r#"{"f":"aHR0cHM6Ly8="}"#]);
    check("f|base64offset: 'http://'", &encoded, &[r#"{"f":"http://"}"#]);
    check("f|base64offset|cased: 'http://'", &encoded, &[r#"{"f":"ahr0cdovlze="}"#]);
    check("f|wide|base64offset|contains: IEX", &[r#"{"f":"SQBFAFgAIAA="}"#], &[r#"{"f":"SUVY"}"#]);
    check("f|utf16le|contains: ab", &[r#"{"f":"xa\u0000b\u0000"}"#], &[r#"{"f":"ab"}"#]);
    check("f|utf16be: ab", &[r#"{"f":"\u0000a\u0000b"}"#], &[r#"{"f":"a\u0000b\u0000"}"#]);
    check(
        "f|base64offset|contains|all: [first, second]",
        &[r#"{"f":"Zmlyc3QgYW5kIHNlY29uZA=="}"#],
        &[r#"{"f":"Zmlyc3Q="}"#],
    );
}

#[test]
fn parts_of_a_date_are_numbers() {
    let late = r#"{"f":"2026-03-01T23:30:00+07:00"}"#;
    let early = r#"{"f":"2026-03-02T03:05:00Z"}"#;
    for (item, hit, miss) in [
        ("f|hour: 23", late, early),
        ("f|hour|gte: 22", late, early),
        ("f|minute: [5, 6]", early, late),
        ("f|day: 1", late, early),
        ("f|week: 10", early, late),
        ("f|hour|neq: 3", late, early),
        ("f|month: 3", late, "{}"),
        ("f|year|lt: 2027", late, r#"{"f":"soon"}"#),
    ] {
        check(item, &[hit], &[miss]);
    }
}

#[test]
fn placeholders_are_given_in_a_document_of_their_own() {
    let rule = |item: &str| {
        let text =
            format!("title: t\nid: r\nlogsource: {{product: p}}\ndetection: {{s: {{{item}}}, condition: s}}");
        RuleFile { path: "r.yml".to_owned(), text }
    };
    let lists = RuleFile {
        path: "z.yml".to_owned(),
        text: "placeholders: {admins: [adm_*, root], ports: [22, 3389], nets: 192.0.2.0/24}".to_owned(),
    };
    for (item, hit, miss) in [
        ("f|expand: '%admins%'", r#"{"f":"ADM_x"}"#, r#"{"f":"xadm_"}"#),
        ("f|expand|contains: '<%admins%>'", r#"{"f":"a<root>"}"#, r#"{"f":"root"}"#),
        ("f|expand: '%ports%'", r#"{"f":3389}"#, r#"{"f":33}"#),
        ("f|cidr|expand: '%nets%'", r#"{"f":"192.0.2.9"}"#, r#"{"f":"192.0.3.9"}"#),
        ("f|contains|all|expand: ['%admins%', x]", r#"{"f":"x-root"}"#, r#"{"f":"root"}"#),
        (r"f|expand: '\%admins%'", r#"{"f":"%admins%"}"#, r#"{"f":"root"}"#),
        ("f: '%admins%'", r#"{"f":"%admins%"}"#, r#"{"f":"root"}"#),
    ] {
        let rules = Arc::new(RuleSet::compile(&[rule(item), lists.clone()]).unwrap());
        assert_eq!((run(&rules, hit).matches.len(), run(&rules, miss).matches.len()), (1, 0), "{item}");
    }
    let twice = RuleSet::compile(&[lists.clone(), lists.clone()]).unwrap_err();
    assert_eq!((twice.len(), twice[0].key.as_str()), (3, "admins"));
}

const FILTERED: &str = "
title: t
id: r
name: known as
logsource: {product: p, service: s}
detection: {sel: {f: 1}, condition: sel}
---
title: u
id: other
logsource: {product: p}
detection: {sel: {f: 1}, condition: sel}
---
title: A backup may
description: agreed
author: an
expires: 2026-06-01
logsource: {product: p}
filter: {rules: RULES, backup: {g: b}, condition: not backup}
";

fn filtered(rules: &str) -> Result<RuleSet, Vec<RuleError>> {
    RuleSet::compile(&[RuleFile { path: "r.yml".to_owned(), text: FILTERED.replace("RULES", rules) }])
}

#[test]
fn a_filter_narrows_its_rules_until_it_expires() {
    let event = |rest: &str| format!(r#"{{"service":"s","f":1,{rest}}}"#);
    for (rules, rest, expected) in [
        ("[r, other]", r#""g":"c""#, 2),
        ("[r, other]", r#""g":"b""#, 0),
        ("[known as]", r#""g":"b""#, 1),
        ("r", r#""g":"b""#, 1),
        ("any", r#""g":"b""#, 0),
        ("any", r#""g":"b","time":"2026-05-31T23:59:59Z""#, 0),
        ("any", r#""g":"b","time":"2026-06-01T00:00:00Z""#, 2),
    ] {
        let set = Arc::new(filtered(rules).unwrap());
        assert_eq!(run(&set, &event(rest)).matches.len(), expected, "{rules} {rest}");
        let filter = &set.filters()[0];
        assert_eq!((filter.author.as_str(), filter.reason.as_str()), ("an", "agreed"));
    }
}

#[test]
fn a_filter_of_nothing_is_a_load_error() {
    for (from, to, key, part) in [
        ("rules: RULES", "rules: [none]", "filter.rules", "`none` is the id or name of no rule"),
        (
            "logsource: {product: p}\nfilter: {rules: RULES",
            "logsource: {product: q}\nfilter: {rules: r",
            "filter.rules",
            "another log source",
        ),
        ("rules: RULES, ", "", "filter.rules", "is missing"),
        ("rules: RULES", "rules: []", "filter.rules", "must be a list"),
        (", condition: not backup", "", "filter.condition", "is missing"),
        ("not backup", "not it", "filter.condition", "no search named `it`"),
        ("expires: 2026-06-01", "expires: soon", "expires", "must be a date"),
        ("title: A backup may\n", "", "title", "is missing"),
        ("g: b", "g|when: b", "backup.g|when", "not one of Sigma"),
    ] {
        let text = FILTERED.replace(from, to).replace("RULES", "any");
        let errors = RuleSet::compile(&[RuleFile { path: "r.yml".to_owned(), text }]).unwrap_err();
        assert_eq!((errors.len(), errors[0].key.as_str()), (1, key), "{to} {errors:?}");
        assert!(errors[0].line > 12 && errors[0].message.contains(part), "{to} {}", errors[0]);
    }
}

#[test]
fn a_log_source_has_names_in_lower_case() {
    let rules = |source: &str| {
        let text = format!("title: t\nid: r\nlogsource: {source}\ndetection: {{s: {{f: 1}}, condition: s}}");
        RuleSet::compile(&[RuleFile { path: "r.yml".to_owned(), text }])
    };
    let windows = Arc::new(rules("{product: Windows, definition: words, custom: [1]}").unwrap());
    for json in [r#"{"f":1,"product":"WINDOWS","service":"x"}"#, r#"{"f":1,"product":"windows"}"#] {
        let mut out = Output::default();
        let mut correlator = Correlator::new(Arc::clone(&windows), Limits::default());
        correlator.process_flat(&Flat::from_json(json).unwrap(), EventId(7), &mut out);
        assert_eq!(out.matches.len(), 1, "{json}");
    }
    assert_eq!(rules("{product: [a]}").unwrap_err()[0].key, "logsource.product");
    assert_eq!(rules("windows").unwrap_err()[0].key, "logsource");
    assert_eq!(rules("{definition: x}").unwrap_err()[0].key, "logsource");
}

#[test]
fn the_names_of_the_log_source_are_fields_too() {
    check("service: krb", &[r#"{"service":"KRB"}"#], &["{}"]);
    assert_eq!(output("sel: [p]\ncondition: sel", "{}").matches.len(), 1, "as a keyword");
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
        ("f|base65: x", "not one of Sigma 2.1"),
        ("f|: x", "not one of Sigma 2.1"),
        ("f|base64offset|contains: x", "too short"),
        ("f|base64: a*", "wildcards cannot"),
        ("f|re|windash: a", "cannot stand"),
        ("f|cased|re: a", "cannot stand"),
        ("f|hour|contains: 1", "cannot stand"),
        ("f|hour|day: 1", "cannot join"),
        ("f|hour: noon", "not a number"),
        ("f|neq|exists: true", "cannot stand"),
        ("f|all: x", "at least two"),
        ("f|expand: '%x%'", "`%x%` stands for nothing"),
        ("f|fieldref: null", "names of other fields"),
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

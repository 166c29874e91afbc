//! Rules that were written to cost time or memory meet a limit that says so, before the cost is paid.

use crate::{RuleFile, RuleSet};
use std::fmt::Write as _;

fn refused(text: &str) -> String {
    let file = RuleFile { path: "h.yml".to_owned(), text: text.to_owned() };
    let errors = RuleSet::compile(&[file]).expect_err("a hostile rule is refused");
    assert!(errors.len() <= 3, "{} errors are told", errors.len());
    errors.iter().map(|error| format!("{error}\n")).collect()
}

fn rule(detection: &str) -> String {
    format!("title: t\nlogsource: {{product: p}}\ndetection:\n{detection}")
}

fn searches(count: usize) -> String {
    (0..count).fold(String::new(), |mut out, at| {
        writeln!(out, "  s{at}: {{f: 1}}").unwrap();
        out
    })
}

#[test]
fn a_condition_cannot_name_many_searches_many_times() {
    let condition = format!("  condition: {}1 of them\n", "1 of s* or ".repeat(700));
    assert!(refused(&rule(&(searches(20_000) + &condition))).contains("split the rule"));
    let listed = format!("  condition: [{}]\n", "1 of them, ".repeat(20_000));
    assert!(refused(&rule(&(searches(900) + &listed))).contains("more than 100 conditions"));
    let long = format!("  condition: {}s0\n", "s0 or ".repeat(1 << 17));
    assert!(refused(&rule(&(searches(1) + &long))).contains("longer than 8192 bytes"));
    for deep in ["not ".repeat(2_000), "(".repeat(4_000)] {
        assert!(refused(&rule(&format!("{}  condition: {deep}s0\n", searches(1)))).contains("deeper"));
    }
}

#[test]
fn patterns_fields_and_expressions_are_counted_before_they_are_compiled() {
    let values = |value: &str, count: usize| format!("[{}]", format!("{value}, ").repeat(count));
    let one = |key: &str, value: &str, count: usize| {
        rule(&format!("  s: {{{key}: {}}}\n  condition: s\n", values(value, count)))
    };
    assert!(refused(&one("f|contains", "ab", 150_000)).contains("20000 patterns"));
    // Each would take megabytes.
    assert!(refused(&one("f|re", "'(a{100}){40}'", 150_000)).contains("20000 patterns"));
    assert!(refused(&one("f|re", "'((a{1000}){1000}){1000}'", 1)).contains("linear time"));
    assert!(refused(&one("f|re", "'(((((\\w{9}){9}){9}){9}){9}'", 1)).contains("linear time"));
    let fields = (0..60_000).fold(String::new(), |mut out, at| {
        write!(out, "f{at}: 1, ").unwrap();
        out
    });
    assert!(refused(&rule(&format!("  s: {{{fields}}}\n  condition: s\n"))).contains("1000"));
}

#[test]
fn yaml_cannot_be_a_bomb() {
    let bomb = "a: &a [x, x]\nb: &b [*a, *a]\nc: &c [*b, *b]\nd: [*c, *c]\n";
    assert!(refused(bomb).contains("aliases"));
    for deep in ["- ".repeat(10_000), "[".repeat(1 << 20), "{a: ".repeat(100_000)] {
        let said = refused(&deep);
        assert!(said.contains("nest") || said.contains("not YAML"), "{said}");
    }
    assert!(refused(&"a\n".repeat(1 << 22)).contains("longer than"));
    assert!(refused(&"- a\n".repeat(300_000)).contains("split"));
    assert!(refused(&format!("a: !!binary {}\n", "A".repeat(1 << 20))).contains("tags"));
}

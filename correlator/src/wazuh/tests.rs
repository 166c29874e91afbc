//! Invented rules of Wazuh against what becomes of them. `UPDATE_EXPECT=1 cargo test -p correlator` rewrites the
//! `.expected` files; the diff is the review.

use super::{Conversion, RemarkKind, convert};
use crate::{Correlator, Flat, Limits, Output, RuleFile, RuleSet};
use event::EventId;
use proptest::prelude::*;
use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;

const FAMILIES: [&str; 4] = ["sshd", "web", "windows", "odd"];

fn folder() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src/wazuh/fixtures")
}

fn family(name: &str) -> Conversion {
    let text = std::fs::read_to_string(folder().join(format!("{name}.xml"))).unwrap();
    convert(&[RuleFile { path: format!("{name}.xml"), text }])
}

fn rules(text: &str) -> Conversion {
    convert(&[RuleFile { path: "r.xml".to_owned(), text: format!("<group name=\"g,\">{text}</group>") }])
}

/// Whether a rule with this line holds of an object with this value.
pub(super) fn holds(key: &str, text: &str, value: &str) -> bool {
    let quoted = text.replace('\'', "''");
    let rule = format!(
        "title: t\nlogsource: {{product: p}}\ndetection:\n  s:\n    {key}: '{quoted}'\n  condition: s\n"
    );
    let set = RuleSet::compile(&[RuleFile { path: "t.yml".to_owned(), text: rule }]).unwrap();
    let json = serde_json::json!({"product": "p", "f": value}).to_string();
    let mut output = Output::default();
    let flat = Flat::from_json(&json).unwrap();
    Correlator::new(Arc::new(set), Limits::default()).process_flat(&flat, EventId(1), &mut output);
    !output.matches.is_empty()
}

#[test]
fn every_family_becomes_what_was_reviewed() {
    let update = std::env::vars_os().any(|(name, _)| name == "UPDATE_EXPECT");
    for name in FAMILIES {
        let found = family(name);
        let mut text = format!(
            "# {} rules read: {} written, {} quiet, {} not converted.\n",
            found.read, found.written, found.quiet, found.refused
        );
        found.remarks.iter().for_each(|remark| writeln!(text, "# {remark}").unwrap());
        found.files.iter().for_each(|file| write!(text, "\n# {}\n{}", file.path, file.text).unwrap());
        let path = folder().join(format!("{name}.expected"));
        if update {
            std::fs::write(&path, &text).unwrap();
        }
        assert_eq!(text, std::fs::read_to_string(&path).unwrap_or_default(), "{name}");
    }
}

#[test]
fn what_is_written_loads_and_counts_add_up() {
    let pipelines = Path::new(env!("CARGO_MANIFEST_DIR")).join("../rules/pipelines");
    for name in FAMILIES {
        let mut files = crate::corpus::files(&pipelines);
        let found = family(name);
        assert_eq!(
            found.read + 2 * usize::from(name == "odd"),
            found.written + found.quiet + found.refused + usize::from(name == "sshd"),
            "{name}"
        );
        files.extend(found.files);
        let set = RuleSet::compile(&files).unwrap_or_else(|errors| panic!("{name}: {errors:#?}"));
        let silent = set.unmapped().iter().filter(|missing| missing.path != "wazuh_103000.yml").count();
        assert_eq!(silent, 0, "{name}: {:?}", set.unmapped());
    }
}

#[test]
fn a_conversion_is_the_same_every_time() {
    for name in FAMILIES {
        let (first, second) = (family(name), family(name));
        assert_eq!(first.remarks, second.remarks);
        let texts = |found: Conversion| found.files.into_iter().map(|file| file.text).collect::<Vec<_>>();
        assert_eq!(texts(first), texts(second));
    }
}

#[test]
fn many_rules_and_ways_stay_within_their_limits() {
    // A chain of rules that each have two ways to the one before: 2^40 ways.
    let mut text = "<rule id=\"1\" level=\"3\"><decoded_as>sshd</decoded_as></rule>\
                    <rule id=\"2\" level=\"3\"><decoded_as>sshd</decoded_as></rule>"
        .to_owned();
    for id in (3..83).step_by(2) {
        for next in [id, id + 1] {
            let (a, b) = (id - 2, id - 1);
            write!(
                text,
                "<rule id=\"{next}\" level=\"3\"><if_sid>{a},{b}</if_sid><match>m{next}</match></rule>"
            )
            .unwrap();
        }
    }
    let found = rules(&text);
    let is_bounded =
        |reason: &str| reason.contains("ways") || reason.contains("stand above") || reason.contains("values");
    assert!(found.refused > 30 && found.remarks.iter().any(|remark| is_bounded(&remark.reason)));
    // A thousand siblings: each is asked after those before it.
    let mut text = "<rule id=\"1\" level=\"0\"><decoded_as>sshd</decoded_as></rule>".to_owned();
    for id in 2..1002 {
        write!(text, "<rule id=\"{id}\" level=\"3\"><if_sid>1</if_sid><match>m{id}</match></rule>").unwrap();
    }
    let found = rules(&text);
    assert_eq!((found.written, found.refused), (1000, 0));
    assert!(RuleSet::compile(&found.files).is_ok());
    // Variables of variables do not grow.
    let variable = format!("<var name=\"X\">{}</var>", "$X".repeat(5_000));
    let found = convert(&[RuleFile {
        path: "r.xml".to_owned(),
        text: format!(
            "{variable}<group name=\"g,\"><rule id=\"1\" level=\"3\"><match>{}</match></rule></group>",
            "$X".repeat(5_000)
        ),
    }]);
    assert_eq!(found.remarks[0].kind, RemarkKind::Unsupported);
}

proptest! {
    #[test]
    fn whatever_is_converted_loads(
        parts in prop::collection::vec(
            ("(match|regex|url|id|user|srcip|program_name|field name=\"win[.]system[.]eventID\"|regex type=\"pcre2\"|if_sid|decoded_as)",
             "\\PC{0,12}|[\\^$|!\\\\*?'\": a-d.0-9]{0,12}|[12]|sshd|windows"),
            0..5,
        ),
        frequency in 0u32..4,
    ) {
        let mut text = "<rule id=\"1\" level=\"3\"><decoded_as>sshd</decoded_as><match>a</match></rule>".to_owned();
        let mut inside = String::new();
        for (name, value) in &parts {
            let value = value.replace('&', "&amp;").replace('<', "&lt;");
            let end = name.split(' ').next().unwrap_or_default();
            write!(inside, "<{name}>{value}</{end}>").unwrap();
        }
        write!(text, "<rule id=\"2\" level=\"5\">{inside}</rule>").unwrap();
        write!(text, "<rule id=\"3\" level=\"9\" frequency=\"{frequency}\"><if_matched_sid>2</if_matched_sid><same_source_ip/></rule>").unwrap();
        let found = rules(&text);
        prop_assert_eq!(found.read, 3);
        let loaded = RuleSet::compile(&found.files);
        prop_assert!(loaded.is_ok(), "{:?} {:?}", loaded.err(), found.files);
    }
}

//! What the targets of the correlator do with their bytes.

use correlator::wazuh::convert;
use correlator::{Correlator, Flat, Limits, Output, RuleFile, RuleSet};
use event::EventId;
use std::sync::Arc;

/// Between a rule and an object in one input.
const CUT: &str = "\n====\n";

fn file(text: &str) -> RuleFile {
    RuleFile { path: "fuzz.yml".to_owned(), text: text.to_owned() }
}

/// Compiles the bytes as a file of rules and gives the loaded rules the objects that stand behind the cut, a line each.
///
/// # Panics
/// A rule or object made the correlator panic, or an error lacks its file or line.
pub fn rule(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let (rule, objects) = text.split_once(CUT).unwrap_or((&text, "{}"));
    let (set, errors) = RuleSet::compile_what_can(&[file(rule)]);
    for error in &errors {
        assert!(error.file == "fuzz.yml" && !error.message.is_empty() && !error.key.is_empty(), "{error:?}");
    }
    let mut correlator = Correlator::new(Arc::new(set), Limits::offline());
    let mut output = Output::default();
    for (number, line) in (0..64).zip(objects.lines()) {
        if let Ok(flat) = Flat::from_json(line) {
            correlator.process_flat(&flat, EventId(number), &mut output);
        }
    }
    correlator.flush(&mut output);
}

/// The bytes as a condition over seven searches, asked about objects that meet some of them.
///
/// # Panics
/// The condition made the correlator panic, or it loads but not as YAML would give it to the rule.
pub fn condition(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let quoted: String = text.chars().filter(|c| !c.is_control()).collect::<String>().replace('\'', "''");
    let searches: String =
        ["a", "b", "c", "sel_1", "sel_2", "sel_of", "_x"].iter().map(|name| format!("  {name}: {{{name}: 1}}\n")).collect();
    let rule = format!("title: t\nlogsource: {{product: p}}\ndetection:\n{searches}  condition: '{quoted}'\n");
    let objects = "{\"product\":\"p\"}\n{\"product\":\"p\",\"a\":1,\"sel_1\":1}\n{\"product\":\"p\",\"b\":1,\"c\":1,\"sel_of\":1,\"_x\":1}";
    self::rule(format!("{rule}{CUT}{objects}").as_bytes());
}

/// Converts the bytes as Wazuh's rules; what comes out must load.
///
/// # Panics
/// The converter panicked, or wrote a rule that does not load.
pub fn wazuh(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes).into_owned();
    let found = convert(&[RuleFile { path: "fuzz.xml".to_owned(), text }]);
    if let Err(errors) = RuleSet::compile(&found.files) {
        panic!("{errors:?}\n{:?}", found.files);
    }
}

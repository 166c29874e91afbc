//! A rule as Sigma documents.

use super::emit::Yaml;
use super::expression::detection;
use super::rule::Rule;
use super::source::Source;
use super::tree::{End, Ends, Refusal};
use event::derived_id;

/// How many names a text lists.
const NAMED_MAX: usize = 12;

/// A rule that single events raise, ready to be written.
pub(super) struct Single {
    pub(super) ends: Vec<End>,
    left_out: Vec<u32>,
    lost: Vec<u32>,
    /// The name of the document for each of `ends`.
    pub(super) names: Vec<String>,
}

/// What a document says besides what it detects.
pub(super) struct About<'a> {
    pub(super) rule: &'a Rule,
    pub(super) name: &'a str,
    /// Only others count it: it says nothing itself.
    pub(super) is_base: bool,
}

impl Single {
    pub(super) fn new(rule: &Rule, ends: Ends) -> Single {
        let names = numbered(&format!("wazuh_{}", rule.id), ends.list.len());
        Single { ends: ends.list, left_out: ends.left_out, lost: ends.lost, names }
    }

    pub(super) fn documents(&self, rule: &Rule) -> Vec<Yaml> {
        let pairs = self.names.iter().zip(&self.ends);
        pairs.map(|(name, end)| document(&About { rule, name, is_base: rule.is_quiet }, end)).collect()
    }

    /// What differs from Wazuh.
    pub(super) fn approximate(&self, rule: &Rule) -> Vec<Refusal> {
        let mut found = differences(rule, &self.left_out, &self.lost);
        for test in &rule.tests {
            let reason = match test.field.as_str() {
                "action" => "the word is the product's own here; Wazuh's decoder may have put another",
                "match" | "regex" if self.ends.iter().any(|end| end.source.is_data()) => {
                    "is looked for in the line as it came and in every field of it, because the log is data"
                }
                _ => continue,
            };
            found.push(Refusal { line: test.line, ..rule.refusal(&test.field, reason) });
        }
        found
    }

    /// Log sources that no pipeline gives.
    pub(super) fn unknown(&self) -> impl Iterator<Item = String> {
        self.ends.iter().filter(|end| matches!(end.source, Source::Unknown(_))).map(|end| end.source.name())
    }
}

/// What a rule lacks of the tree.
pub(super) fn differences(rule: &Rule, left_out: &[u32], lost: &[u32]) -> Vec<Refusal> {
    let mut found = Vec::new();
    if !left_out.is_empty() {
        let reason = format!("is also raised where {} takes the event", listed(left_out));
        found.push(rule.refusal("rule", reason));
    }
    if !lost.is_empty() {
        let reason =
            format!("is not raised by way of {}, which is not converted: stricter than Wazuh", listed(lost));
        found.push(rule.refusal("if_sid", reason));
    }
    found
}

/// Rule ids in words.
fn listed(ids: &[u32]) -> String {
    let shown: Vec<String> = ids.iter().take(NAMED_MAX).map(u32::to_string).collect();
    let more = ids.len().saturating_sub(NAMED_MAX);
    let rest = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("rule {}{rest}", shown.join(", "))
}

/// The name, then the name with a number from 2 on.
pub(super) fn numbered(name: &str, count: usize) -> Vec<String> {
    (1..=count).map(|number| if number == 1 { name.to_owned() } else { format!("{name}_{number}") }).collect()
}

/// A detection.
pub(super) fn document(about: &About<'_>, end: &End) -> Yaml {
    let mut entries = head(about);
    let source = end.source.logsource().into_iter().map(|(key, value)| (key.to_owned(), Yaml::word(value)));
    entries.push(("logsource".to_owned(), Yaml::Map(source.collect())));
    entries.push(("detection".to_owned(), detection(&end.expression)));
    entries.push(("level".to_owned(), Yaml::word(level(about))));
    Yaml::Map(entries)
}

/// A correlation, whose keys are given.
pub(super) fn correlation(about: &About<'_>, keys: Vec<(String, Yaml)>) -> Yaml {
    let mut entries = head(about);
    entries.push(("correlation".to_owned(), Yaml::Map(keys)));
    entries.push(("level".to_owned(), Yaml::word(level(about))));
    Yaml::Map(entries)
}

fn head(about: &About<'_>) -> Vec<(String, Yaml)> {
    let rule = about.rule;
    let file = rule.file.rsplit(['/', '\\']).next().unwrap_or_default();
    let description = if about.is_base {
        format!("Events that a correlation counts; from Wazuh rule {} of {file}.", rule.id)
    } else {
        format!("Wazuh rule {} of {file}, level {}.", rule.id, rule.level)
    };
    let mut entries = vec![
        ("title".to_owned(), Yaml::word(&rule.description)),
        ("id".to_owned(), Yaml::word(derived_id(&["wazuh", about.name]).to_string())),
        ("name".to_owned(), Yaml::word(about.name)),
        ("status".to_owned(), Yaml::word("experimental")),
        ("description".to_owned(), Yaml::word(description)),
    ];
    if !rule.references.is_empty() {
        entries.push(("references".to_owned(), Yaml::words(&rule.references)));
    }
    let tags = tags(rule);
    if !tags.is_empty() {
        entries.push(("tags".to_owned(), Yaml::words(tags)));
    }
    entries
}

/// ATT&CK techniques, then groups; what cannot be a tag is left out.
fn tags(rule: &Rule) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let techniques = rule.techniques.iter().map(|id| ("attack", id));
    for (space, word) in techniques.chain(rule.groups.iter().map(|group| ("wazuh", group))) {
        let word = word.to_ascii_lowercase();
        let tag = format!("{space}.{word}");
        let simple = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
        if !word.is_empty() && word.chars().all(simple) && !found.contains(&tag) {
            found.push(tag);
        }
    }
    found
}

/// Wazuh's levels as its dashboards group them; below 4 it is a note.
fn level(about: &About<'_>) -> &'static str {
    match about.rule.level {
        _ if about.is_base => "informational",
        0..=3 => "informational",
        4..=6 => "low",
        7..=11 => "medium",
        12..=14 => "high",
        _ => "critical",
    }
}

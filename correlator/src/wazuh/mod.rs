//! Wazuh 4 rules to Sigma, one way: XML in, documents and remarks out. The engine knows nothing of it.
//!
//! What cannot be said exactly or more strictly is remarked with file, line, rule and element; nothing becomes weaker
//! in silence. `ARCHITECTURE.md` has the table of what means what.

mod emit;
mod expression;
mod pattern;
mod pcre2;
mod rule;
mod sigma;
mod source;
#[cfg(test)]
mod tests;
mod tree;
mod window;
mod xml;

use crate::ruleset::RuleFile;
use rule::{Problem, Rule};
use std::collections::BTreeSet;
use std::fmt;
use tree::{Refusal, Tree};
use xml::Element;

/// How many rules are converted together.
const RULES_MAX: usize = 20_000;

/// What a converter made of Wazuh's files.
#[derive(Debug, Default)]
pub struct Conversion {
    /// Sigma rules, one file per rule of Wazuh.
    pub files: Vec<RuleFile>,
    /// What could not be said, or not exactly.
    pub remarks: Vec<Remark>,
    /// How many rules were read.
    pub read: usize,
    /// How many of them are in `files`.
    pub written: usize,
    /// How many raise nothing themselves (level 0, `noalert`): they are in the conditions of others.
    pub quiet: usize,
    /// How many are not converted.
    pub refused: usize,
}

/// Something that a user of the converted rules must know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remark {
    /// The file of Wazuh's rules.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// The rule's id; `None` if the problem is not in a rule.
    pub rule: Option<u32>,
    /// The element or attribute to blame.
    pub element: String,
    /// What it means for the rule.
    pub kind: RemarkKind,
    /// Why.
    pub reason: String,
}

/// What a remark means for its rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RemarkKind {
    /// It is not converted.
    Unsupported,
    /// It is converted, but not the same: the reason says what differs.
    Approximate,
    /// It is converted, but no pipeline leads events to it.
    Silent,
}

impl fmt::Display for Remark {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.kind {
            RemarkKind::Unsupported => "unsupported",
            RemarkKind::Approximate => "approximate",
            RemarkKind::Silent => "silent",
        };
        write!(out, "{}:{}: {kind}: ", self.file, self.line)?;
        if let Some(id) = self.rule {
            write!(out, "rule {id}: ")?;
        }
        write!(out, "<{}> {}", self.element, self.reason)
    }
}

/// Converts Wazuh's files. They must come in Wazuh's order (its own rules first), because rules refer to each other.
#[must_use]
pub fn convert(files: &[RuleFile]) -> Conversion {
    let mut conversion = Conversion::default();
    let rules = conversion.rules(files);
    let (tree, twice) = Tree::new(rules);
    for (rule, refusal) in twice {
        conversion.refuse(&rule, refusal);
    }
    let mut singles: Vec<Option<sigma::Single>> = Vec::with_capacity(tree.rules.len());
    for (at, rule) in tree.rules.iter().enumerate() {
        let ends = rule.is_single().then(|| tree.ends(at));
        singles.push(match ends {
            None => None,
            Some(Ok(ends)) => Some(sigma::Single::new(rule, ends)),
            Some(Err(refusal)) => {
                conversion.refuse(rule, refusal);
                None
            }
        });
    }
    let mut counted = BTreeSet::new();
    for (at, rule) in tree.rules.iter().enumerate().filter(|(_, rule)| !rule.is_single()) {
        match window::documents(&tree, at, &singles) {
            Ok(found) => {
                counted.extend(found.counted.iter().copied());
                conversion.put(rule, &found.documents);
                conversion.approximate(rule, found.approximate);
            }
            Err(refusal) => conversion.refuse(rule, refusal),
        }
    }
    for (at, rule) in tree.rules.iter().enumerate() {
        let Some(single) = &singles[at] else { continue };
        if rule.is_quiet && !counted.contains(&at) {
            conversion.quiet += 1;
            continue;
        }
        conversion.put(rule, &single.documents(rule));
        conversion.approximate(rule, single.approximate(rule));
        conversion.silent(rule, single);
    }
    let name = |path: &str| path.trim_end_matches(".yml").trim_start_matches("wazuh_").parse::<u32>().ok();
    conversion.files.sort_by_key(|file| name(&file.path));
    conversion.remarks.sort_by(|a, b| (&a.file, a.line, &a.reason).cmp(&(&b.file, b.line, &b.reason)));
    conversion.remarks.dedup();
    conversion
}

impl Conversion {
    /// The rules of all files; what is wrong outside of a rule is remarked.
    fn rules(&mut self, files: &[RuleFile]) -> Vec<Rule> {
        let mut found = Vec::new();
        for file in files {
            match xml::elements(&file.text) {
                Ok(roots) => self.groups(&file.path, roots, &mut found),
                Err(fault) => self.remark_file(&file.path, fault.line, "file", &fault.message),
            }
        }
        self.read = found.len();
        found
    }

    fn groups(&mut self, path: &str, mut roots: Vec<Element>, found: &mut Vec<Rule>) {
        let variables: Vec<(String, String)> = roots
            .iter()
            .filter(|root| root.name == "var")
            .filter_map(|root| Some((root.attribute("name")?.to_owned(), root.text.clone())))
            .collect();
        for group in &mut roots {
            match group.name.as_str() {
                "var" => {}
                "group" => {
                    let name = group.attribute("name").unwrap_or_default().to_owned();
                    for element in &mut group.children {
                        substitute(element, &variables);
                        self.rule(path, &name, element, found);
                    }
                }
                other => {
                    let text = "is not an element of a rule file: expected `group` or `var`";
                    self.remark_file(path, group.line, other, text);
                }
            }
        }
    }

    fn rule(&mut self, path: &str, groups: &str, element: &Element, found: &mut Vec<Rule>) {
        if element.name != "rule" {
            self.remark_file(
                path,
                element.line,
                &element.name,
                "is not an element of a group: expected `rule`",
            );
            return;
        }
        if found.len() >= RULES_MAX {
            self.remark_file(
                path,
                element.line,
                "rule",
                "more rules than are converted together: give fewer files",
            );
            return;
        }
        match Rule::read(path, groups, element) {
            Ok(rule) => found.push(rule),
            Err(Problem { line, element, reason }) => self.remark_file(path, line, &element, &reason),
        }
    }

    fn remark_file(&mut self, path: &str, line: usize, element: &str, reason: &str) {
        self.refused += usize::from(element != "file");
        self.remarks.push(Remark {
            file: path.to_owned(),
            line,
            rule: None,
            element: element.to_owned(),
            kind: RemarkKind::Unsupported,
            reason: reason.to_owned(),
        });
    }

    fn remark(&mut self, rule: &Rule, kind: RemarkKind, refusal: Refusal) {
        let Refusal { line, element, reason } = refusal;
        self.remarks.push(Remark {
            file: rule.file.clone(),
            line,
            rule: Some(rule.id),
            element,
            kind,
            reason,
        });
    }

    fn refuse(&mut self, rule: &Rule, refusal: Refusal) {
        self.refused += 1;
        self.remark(rule, RemarkKind::Unsupported, refusal);
        for problem in rule.problems.iter().skip(1) {
            let Problem { line, element, reason } = problem.clone();
            self.remark(rule, RemarkKind::Unsupported, Refusal { line, element, reason });
        }
    }

    fn approximate(&mut self, rule: &Rule, reasons: Vec<Refusal>) {
        for reason in reasons {
            self.remark(rule, RemarkKind::Approximate, reason);
        }
    }

    fn silent(&mut self, rule: &Rule, single: &sigma::Single) {
        for source in single.unknown() {
            let reason = format!("no pipeline leads events to `{source}`: write one");
            self.remark(rule, RemarkKind::Silent, rule.refusal("decoded_as", reason));
        }
    }

    fn put(&mut self, rule: &Rule, documents: &[emit::Yaml]) {
        let texts: Vec<String> = documents.iter().map(emit::Yaml::document).collect();
        self.written += 1;
        self.files.push(RuleFile { path: format!("wazuh_{}.yml", rule.id), text: texts.join("---\n") });
    }
}

/// Puts the values of `<var>` in place of `$NAME`. A value is not looked at again, so nothing can grow without end.
fn substitute(element: &mut Element, variables: &[(String, String)]) {
    for child in &mut element.children {
        substitute(child, variables);
    }
    if !element.text.contains('$') || variables.is_empty() {
        return;
    }
    let mut out = String::with_capacity(element.text.len());
    let mut rest = element.text.as_str();
    while let Some(at) = rest.find('$') {
        let (before, found) = rest.split_at(at);
        out.push_str(before);
        let after = found.get(1..).unwrap_or_default();
        let len = after.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(after.len());
        let (name, behind) = after.split_at(len);
        match variables.iter().find(|(known, _)| known == name) {
            Some((_, value)) if out.len() + value.len() <= pattern::BYTES_MAX => out.push_str(value),
            _ => {
                out.push('$');
                out.push_str(name);
            }
        }
        rest = behind;
    }
    out.push_str(rest);
    element.text = out;
}

//! From files to rule sets. Every problem at once, with file, line and key.

use super::{Law, Role, RuleSet, RuleSets};
use crate::ruleset::{
    Class, Classification, DeadlineRule, MeasureKind, MeasureRule, Recipient, RetentionRule, Subject,
    TargetRule,
};
use jiff::civil::Date;
use serde::Deserialize;
use serde_saphyr::Spanned;
use std::collections::{HashMap, HashSet};
use std::fmt;
use std::hash::{Hash as _, Hasher as _};

/// What is wrong in a file of rules.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// The file.
    pub file: String,
    /// The line, 0 if the file as a whole is meant.
    pub line: u64,
    /// The key there; may be empty.
    pub key: String,
    /// What is wrong and what would be right.
    pub reason: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if self.line > 0 {
            write!(f, ":{}", self.line)?;
        }
        if !self.key.is_empty() {
            write!(f, ": `{}`", self.key)?;
        }
        write!(f, ": {}", self.reason)
    }
}

/// The largest file.
const BYTES_MAX: usize = 1 << 20;

/// A file as it is written: the rules know their line.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    id: Spanned<String>,
    title: String,
    title_vi: String,
    role: Role,
    law: Spanned<Law>,
    #[serde(default)]
    recipients: Vec<Spanned<Recipient>>,
    #[serde(default)]
    classes: Vec<Spanned<Class>>,
    #[serde(default)]
    classification: Option<Spanned<Classification>>,
    #[serde(default)]
    deadlines: Vec<Spanned<DeadlineRule>>,
    #[serde(default)]
    retention: Vec<Spanned<RetentionRule>>,
    #[serde(default)]
    measures: Vec<Spanned<MeasureRule>>,
    #[serde(default)]
    targets: Vec<Spanned<TargetRule>>,
}

impl RuleSets {
    /// The rule sets that come with the program.
    #[must_use]
    pub fn own() -> RuleSets {
        RuleSets::read(&[]).unwrap_or_default() // a test reads them
    }

    /// Reads files (path and text) on top of those that come with the program. A file takes the place of the rule set
    /// with its id.
    ///
    /// # Errors
    /// Every problem.
    pub fn read(files: &[(String, String)]) -> Result<RuleSets, Vec<Problem>> {
        let own = OWN.iter().map(|(path, text)| (*path, *text));
        let given = files.iter().map(|(path, text)| (path.as_str(), text.as_str()));
        RuleSets::read_all(own.chain(given))
    }

    fn read_all<'a>(files: impl Iterator<Item = (&'a str, &'a str)>) -> Result<RuleSets, Vec<Problem>> {
        let mut problems = Vec::new();
        let mut read: Vec<(&str, File)> = Vec::new();
        let mut hasher = std::hash::DefaultHasher::new();
        for (path, text) in files {
            text.hash(&mut hasher);
            match one(path, text) {
                Ok(file) => {
                    read.retain(|(_, known)| known.id.value != file.id.value);
                    read.push((path, file));
                }
                Err(problem) => problems.push(problem),
            }
        }
        if problems.is_empty() {
            problems = check(&read);
        }
        if !problems.is_empty() {
            problems.sort();
            return Err(problems);
        }
        let mut sets: Vec<RuleSet> = read.into_iter().map(|(_, file)| file.into()).collect();
        sets.sort_by_key(|set| set.law.from);
        Ok(RuleSets { sets, digest: hasher.finish(), national: Vec::new() })
    }
}

/// `rules/compliance/`, in the program.
const OWN: &[(&str, &str)] = &[
    ("rules/compliance/vn-2016.yml", include_str!("../../../rules/compliance/vn-2016.yml")),
    ("rules/compliance/vn-2026.yml", include_str!("../../../rules/compliance/vn-2026.yml")),
    ("rules/compliance/plan-2021-2025.yml", include_str!("../../../rules/compliance/plan-2021-2025.yml")),
    ("rules/compliance/personal-data.yml", include_str!("../../../rules/compliance/personal-data.yml")),
];

fn one(path: &str, text: &str) -> Result<File, Problem> {
    if text.len() > BYTES_MAX {
        let reason = format!("larger than {} KiB", BYTES_MAX >> 10);
        return Err(Problem { file: path.to_owned(), line: 0, key: String::new(), reason });
    }
    let options = serde_saphyr::options! {
        budget: serde_saphyr::budget! { max_nodes: 100_000, max_events: 200_000, max_depth: 16, max_aliases: 0 },
    };
    serde_saphyr::from_str_with_options(text, options).map_err(|error| {
        let line = error.location().map_or(0, |place| place.line());
        let said = error.without_snippet().to_string();
        let reason = said.lines().next().unwrap_or_default();
        let reason = reason.rsplit_once(" at line ").map_or(reason, |(reason, _)| reason).to_owned();
        Problem { file: path.to_owned(), line, key: key_at(text, line), reason }
    })
}

/// The key that a line begins with.
fn key_at(text: &str, line: u64) -> String {
    let at = usize::try_from(line.saturating_sub(1)).unwrap_or(usize::MAX);
    let line = text.lines().nth(at).unwrap_or_default().trim_start().trim_start_matches("- ");
    let key = line.split_once(':').map_or("", |(key, _)| key.trim());
    if key.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-') {
        key
    } else {
        ""
    }
    .to_owned()
}

/// What files say that does not fit together.
struct Check<'a> {
    path: &'a str,
    problems: Vec<Problem>,
}

impl Check<'_> {
    fn wrong(&mut self, line: u64, key: &str, reason: String) {
        self.problems.push(Problem { file: self.path.to_owned(), line, key: key.to_owned(), reason });
    }

    fn law(&mut self, line: u64, law: &Law) {
        if law.citation.trim().is_empty() {
            self.wrong(line, "citation", "is empty; name the document and the article".to_owned());
        }
        if let (Some(from), Some(until)) = (law.from, law.until)
            && from > until
        {
            self.wrong(line, "until", format!("{until} is before `from` {from}"));
        }
    }

    fn names(&mut self, line: u64, id: &str, texts: [&str; 2]) {
        let word = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if id.is_empty() || id.len() > 64 || !id.bytes().all(word) {
            self.wrong(line, "id", format!("`{id}` is none: lower-case letters, digits and `-`, at most 64"));
        }
        if texts.iter().any(|text| text.trim().is_empty()) {
            self.wrong(line, "title", format!("`{id}` needs a text in English and one in Vietnamese"));
        }
    }

    fn levels<'b>(&mut self, line: u64, key: &str, mut levels: impl Iterator<Item = &'b u8>, least: u8) {
        if let Some(level) = levels.find(|level| !(least..=5).contains(level)) {
            self.wrong(line, key, format!("{level} is no level; they go from {least} to 5"));
        }
    }
}

fn check(files: &[(&str, File)]) -> Vec<Problem> {
    let recipients: HashSet<&str> =
        files.iter().flat_map(|(_, file)| &file.recipients).map(|found| found.value.id.as_str()).collect();
    let measured: HashSet<&str> =
        files.iter().flat_map(|(_, file)| &file.measures).map(|found| found.value.id.as_str()).collect();
    let mut problems = Vec::new();
    for (path, file) in files {
        let mut check = Check { path, problems: Vec::new() };
        check.names(file.id.defined.line(), &file.id.value, [&file.title, &file.title_vi]);
        check.law(file.law.defined.line(), &file.law.value);
        for found in &file.recipients {
            check.names(found.defined.line(), &found.value.id, [&found.value.name, &found.value.name_vi]);
            check.law(found.defined.line(), &found.value.law);
        }
        classes(&mut check, file);
        deadlines(&mut check, file, &recipients);
        measures(&mut check, file);
        for found in &file.targets {
            let (line, rule) = (found.defined.line(), &found.value);
            check.names(line, &rule.id, [&rule.title, &rule.title_vi]);
            check.law(line, &rule.law);
            if !measured.contains(rule.measure.as_str()) {
                check.wrong(
                    line,
                    "measure",
                    format!("`{}` is none of the `measures` of any rule set", rule.measure),
                );
            }
            if !(0.0..=100.0).contains(&rule.target) {
                check.wrong(line, "target", format!("{} is not of a hundred", rule.target));
            }
        }
        problems.append(&mut check.problems);
    }
    regimes(files, &mut problems);
    problems
}

fn classes(check: &mut Check<'_>, file: &File) {
    let mut known: HashMap<&str, u64> = HashMap::new();
    for class in &file.classes {
        check.names(class.defined.line(), &class.value.id, [&class.value.title, &class.value.title_vi]);
        if let Some(first) = known.insert(&class.value.id, class.defined.line()) {
            check.wrong(
                class.defined.line(),
                "id",
                format!("`{}` is given twice, first in line {first}", class.value.id),
            );
        }
    }
    let Some(found) = &file.classification else {
        if !file.deadlines.is_empty() {
            check.wrong(
                file.id.defined.line(),
                "classification",
                "is missing, and there are deadlines".to_owned(),
            );
        }
        return;
    };
    let line = found.defined.line();
    check.law(line, &found.value.law);
    let named = found.value.rules.iter().map(|rule| &rule.class).chain([&found.value.default]);
    for class in named.filter(|class| !known.contains_key(class.as_str())) {
        check.wrong(line, "class", format!("`{class}` is none of `classes`"));
    }
    check.levels(line, "level", found.value.rules.iter().flat_map(|rule| &rule.level), 0);
}

fn deadlines(check: &mut Check<'_>, file: &File, recipients: &HashSet<&str>) {
    let classes: HashSet<&str> = file.classes.iter().map(|class| class.value.id.as_str()).collect();
    let mut known: HashMap<&str, u64> = HashMap::new();
    for found in &file.deadlines {
        let (line, rule) = (found.defined.line(), &found.value);
        check.names(line, &rule.id, [&rule.title, &rule.title_vi]);
        check.law(line, &rule.law);
        if let Some(first) = known.insert(&rule.id, line) {
            check.wrong(line, "id", format!("`{}` is given twice, first in line {first}", rule.id));
        }
        for class in rule.classes.iter().filter(|class| !classes.contains(class.as_str())) {
            check.wrong(line, "classes", format!("`{class}` is none of `classes`"));
        }
        for to in rule.to.iter().filter(|to| !recipients.contains(to.as_str())) {
            check.wrong(line, "to", format!("`{to}` is none of the `recipients` of any rule set"));
        }
        if rule.to.is_empty() || rule.classes.is_empty() {
            check.wrong(line, "to", format!("`{}` names no class or no recipient", rule.id));
        }
    }
    for found in &file.retention {
        check.law(found.defined.line(), &found.value.law);
        check.levels(found.defined.line(), "months", found.value.months.keys(), 1);
        let months: Vec<u16> = found.value.months.values().copied().collect();
        if months.iter().any(|months| *months > 120) || !months.is_sorted() {
            check.wrong(
                found.defined.line(),
                "months",
                "grow with the level, and are at most 120".to_owned(),
            );
        }
    }
}

fn measures(check: &mut Check<'_>, file: &File) {
    let mut known: HashMap<&str, Vec<(u64, &Law)>> = HashMap::new();
    for found in &file.measures {
        let (line, rule) = (found.defined.line(), &found.value);
        check.names(line, &rule.id, [&rule.title, &rule.title_vi]);
        check.law(line, &rule.law);
        let others = known.entry(&rule.id).or_default();
        if let Some((first, _)) = others.iter().find(|(_, other)| overlap(&file.law.value, other, &rule.law))
        {
            let reason = format!("`{}` is given twice for the same days, first in line {first}", rule.id);
            check.wrong(line, "id", reason);
        }
        others.push((line, &rule.law));
        check.levels(line, "threshold", rule.threshold.keys(), 0);
        if !(1..=4).contains(&rule.layer) {
            check.wrong(line, "layer", format!("{} is no layer; they go from 1 to 4", rule.layer));
        }
        if rule.threshold.values().any(|value| !value.is_finite() || *value < 0.0) {
            check.wrong(line, "threshold", "is a number from 0 on".to_owned());
        }
        let fits = match rule.kind {
            MeasureKind::SharingAlive => rule.of == Subject::Province,
            MeasureKind::SourcesConnected
            | MeasureKind::LogGap
            | MeasureKind::Retention
            | MeasureKind::ClockSkew
            | MeasureKind::LevelDetermined
            | MeasureKind::Registered => rule.of == Subject::System,
            MeasureKind::AntivirusCoverage | MeasureKind::AntivirusOutdated => rule.of != Subject::System,
            MeasureKind::ReportedInTime | MeasureKind::Attested => true,
        };
        if !fits {
            check.wrong(line, "of", format!("`{}` cannot be asked of it", rule.id));
        }
    }
}

/// Whether there is a day on which both hold.
fn overlap(set: &Law, one: &Law, other: &Law) -> bool {
    let days = |law: &Law| {
        (law.from.or(set.from).unwrap_or(Date::MIN), law.until.or(set.until).unwrap_or(Date::MAX))
    };
    let (one, other) = (days(one), days(other));
    one.0 <= other.1 && other.0 <= one.1
}

/// Two regimes never hold on the same day.
fn regimes(files: &[(&str, File)], problems: &mut Vec<Problem>) {
    let mut regimes: Vec<_> = files.iter().filter(|(_, file)| file.role == Role::Regime).collect();
    regimes.sort_by_key(|(_, file)| file.law.value.from);
    for (earlier, later) in regimes.iter().zip(regimes.iter().skip(1)) {
        let until = earlier.1.law.value.until;
        if until.is_none() || until >= later.1.law.value.from {
            let reason =
                format!("is a regime while `{}` still is; end that one with `until`", earlier.1.id.value);
            let line = later.1.law.defined.line();
            problems.push(Problem { file: later.0.to_owned(), line, key: "from".to_owned(), reason });
        }
    }
}

impl From<File> for RuleSet {
    fn from(file: File) -> RuleSet {
        fn plain<T>(all: Vec<Spanned<T>>) -> Vec<T> {
            all.into_iter().map(|found| found.value).collect()
        }
        RuleSet {
            id: file.id.value,
            title: file.title,
            title_vi: file.title_vi,
            role: file.role,
            law: file.law.value,
            recipients: plain(file.recipients),
            classes: plain(file.classes),
            classification: file.classification.map(|found| found.value),
            deadlines: plain(file.deadlines),
            retention: plain(file.retention),
            measures: plain(file.measures),
            targets: plain(file.targets),
        }
    }
}

//! The rules against vendor lines: every line (for a correlation: block of lines) of `.hit.log` raises the rule, none of
//! `.miss.log` does. So one test proves parser, field names and rule together.

use correlator::{Correlator, Limits, Output, RuleFile, RuleKind, RuleSet};
use event::{Raw, Time};
use std::path::{Path, PathBuf};
use std::sync::Arc;

fn below(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.ends_with("rules/compliance") {
            // Rules of law, which are no Sigma.
        } else if path.is_dir() {
            below(&path, found);
        } else if path.extension().is_some_and(|ending| ending == "yml") {
            found.push(path);
        }
    }
}

fn files() -> Vec<RuleFile> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("rules");
    let mut paths = Vec::new();
    below(&root, &mut paths);
    paths.sort();
    let read = |path: &PathBuf| RuleFile {
        path: path.display().to_string(),
        text: std::fs::read_to_string(path).unwrap(),
    };
    paths.iter().map(read).collect()
}

/// Those that the samples of `rules/layer4/indicator_met.yml` meet.
fn indicators() -> &'static correlator::Indicators {
    static KNOWN: std::sync::LazyLock<correlator::Indicators> = std::sync::LazyLock::new(|| {
        let lines = "{\"value\":\"198.51.100.99\"}\n{\"value\":\"c2.example.net\"}";
        let read = exchange::read_list(lines, "NCSC", Time(0)).unwrap();
        let mut known = correlator::Indicators::default();
        assert!(read.indicators.iter().all(|one| known.add(one)));
        known
    });
    &KNOWN
}

fn raised(rules: &Arc<RuleSet>, lines: &[&str], rule: &str) -> bool {
    let mut correlator = Correlator::new(Arc::clone(rules), Limits::default());
    let mut output = Output::default();
    let received = Time::parse("2026-11-23T12:00:00Z").unwrap();
    for (number, line) in (0..).zip(lines) {
        let raw = Raw { tz_offset_s: 7 * 3600, ..Raw::stdin(line, received, number) };
        let mut event = collector::parser::parse(&raw);
        indicators().mark(&mut event);
        correlator.process(&event, &mut output);
    }
    output.matches.iter().any(|found| found.rule == rule)
        || output.alerts.iter().any(|alert| alert.rule == rule)
}

fn blocks(text: &str, kind: RuleKind) -> Vec<Vec<&str>> {
    match kind {
        RuleKind::Detection => text.lines().filter(|line| !line.is_empty()).map(|line| vec![line]).collect(),
        RuleKind::Correlation => text
            .split("\n\n")
            .map(|block| block.lines().filter(|line| !line.is_empty()).collect::<Vec<_>>())
            .filter(|block| !block.is_empty())
            .collect(),
    }
}

#[test]
fn every_hit_sample_raises_its_rule_and_no_miss_sample_does() {
    let rules = RuleSet::compile(&files()).unwrap_or_else(|problems| {
        panic!("{}", problems.iter().map(|problem| format!("{problem}\n")).collect::<String>())
    });
    let rules = Arc::new(rules);
    assert!(rules.unmapped().is_empty(), "a rule that no event can reach: {:?}", rules.unmapped());
    let mut wrong = Vec::new();
    let mut checked = 0;
    // A file's last document is the rule that the samples are of; those before it are what it counts.
    let mut last: std::collections::BTreeMap<&str, &correlator::Meta> = std::collections::BTreeMap::new();
    for meta in rules.metas() {
        let kept = last.entry(&meta.path).or_insert(meta);
        if meta.kind == RuleKind::Correlation {
            *kept = meta;
        }
    }
    for (path, meta) in last {
        for (ending, expected) in [("hit.log", true), ("miss.log", false)] {
            let sample = Path::new(path).with_extension(ending);
            let text = std::fs::read_to_string(&sample)
                .unwrap_or_else(|error| panic!("{}: {error}", sample.display()));
            for (number, block) in blocks(&text, meta.kind).iter().enumerate() {
                checked += 1;
                if raised(&rules, block, &meta.id) != expected {
                    let what = if expected { "is not raised by" } else { "is raised by" };
                    wrong.push(format!(
                        "{} {what} block {} of {}: {}",
                        meta.title,
                        number + 1,
                        sample.display(),
                        block[0]
                    ));
                }
            }
        }
    }
    assert!(checked >= 40, "the walk finds the samples");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_rule_has_both_titles_a_layer_tags_and_response_steps() {
    let rules = RuleSet::compile(&files()).unwrap();
    for meta in rules.metas().filter(|meta| meta.level > event::Severity::Informational) {
        assert_ne!(meta.title, meta.title_vi, "{}: title_vi is missing", meta.path);
        assert!(meta.layer.is_some(), "{}: layer is missing", meta.path);
        assert!(
            meta.tags.iter().any(|tag| tag.starts_with("attack.")),
            "{}: ATT&CK tags are missing",
            meta.path
        );
        assert!(!meta.response.is_empty(), "{}: response steps are missing", meta.path);
    }
}

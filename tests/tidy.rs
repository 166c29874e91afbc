//! The house rules that a compiler cannot hold.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Dependencies point one way; these are our own crates that each may name.
const MAY_DEPEND_ON: &[(&str, &[&str])] = &[
    ("event", &[]),
    ("registry", &[]),
    ("compliance", &["event", "registry"]),
    ("collector", &["event", "registry"]),
    ("correlator", &["event"]),
    ("store", &["event", "registry", "compliance"]),
    ("exchange", &["event"]),
    ("report", &["event", "registry", "compliance", "exchange"]),
    ("api", &["event", "registry", "compliance", "store", "exchange", "report"]),
    (
        ".",
        &["event", "registry", "compliance", "collector", "correlator", "store", "exchange", "report", "api"],
    ),
];

/// Where, what, why not.
const BANNED: &[(&str, &str, &str)] = &[
    ("correlator/src", "::now()", "a replay must give the same alerts"),
    ("correlator/src", "async fn", "the correlator is pure"),
    ("correlator/src", "std::fs", "the correlator does no I/O"),
    ("event/src", "::now()", "what flows has no clock"),
    ("event/src", "std::fs", "what flows does no I/O"),
    ("compliance/src", "::now()", "the same facts give the same assessment"),
    ("compliance/src", "std::fs", "rule sets come as text"),
    ("registry/src", "::now()", "the same document gives the same registry"),
    ("registry/src", "std::fs", "the registry's documents come as bytes"),
    ("report/src", "::now()", "the same data gives the same bytes"),
    ("report/src", "std::fs", "a document is bytes; where they go is the caller's"),
    ("report/src", "HashMap", "its order differs between two runs"),
    ("collector/src/parser", "::now()", "the same line gives the same event"),
    (
        "collector/src/parser",
        "Regex",
        "parsers scan bytes; a regular expression is slower and harder to bound",
    ),
    ("dashboards/src", "{@html", "log content is hostile: text only"),
    ("dashboards/src", "innerHTML", "log content is hostile: text only"),
];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn files(folder: &Path, endings: &[&str]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).into_iter().flatten().map_while(Result::ok) {
            let path = entry.path();
            let name = entry.file_name().to_string_lossy().into_owned();
            if path.is_dir()
                && !name.starts_with('.')
                && !["target", "node_modules", "dist", "data"].contains(&&*name)
            {
                folders.push(path);
            } else if endings.iter().any(|ending| name.ends_with(ending)) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[test]
fn dependencies_point_one_way() {
    let ours: BTreeSet<&str> =
        MAY_DEPEND_ON.iter().map(|(name, _)| *name).filter(|name| *name != ".").collect();
    for (name, allowed) in MAY_DEPEND_ON {
        let manifest: toml::Table = read(&root().join(name).join("Cargo.toml")).parse().unwrap();
        let named = manifest["dependencies"].as_table().unwrap().keys();
        for dependency in named.filter(|dependency| ours.contains(dependency.as_str())) {
            assert!(allowed.contains(&dependency.as_str()), "{name} may not depend on {dependency}");
        }
    }
}

#[test]
fn nothing_banned_is_written() {
    for (folder, what, why) in BANNED {
        for file in files(&root().join(folder), &[".rs", ".ts", ".svelte"]) {
            // The tests of a folder may read files and clocks.
            if ["corpus.rs", "golden.rs", "hostile.rs", "tests.rs"].iter().any(|name| file.ends_with(name)) {
                continue;
            }
            for (number, line) in read(&file).lines().enumerate() {
                let code = line.trim_start();
                assert!(
                    code.starts_with("//") || !code.contains(what),
                    "{}:{}: `{what}`: {why}",
                    file.display(),
                    number + 1
                );
            }
        }
    }
}

#[test]
fn no_file_is_longer_than_500_lines() {
    let sources = files(&root(), &[".rs", ".ts", ".svelte", ".sh"]);
    assert!(sources.len() > 40, "the walk finds the sources");
    for file in sources {
        // A table of one line for each field has no second room inside.
        let is_table = file.ends_with("event/src/field.rs");
        let lines = read(&file).lines().count();
        assert!(
            is_table || lines <= 500,
            "{}: {lines} lines; is there a second room inside?",
            file.display()
        );
    }
}

#[test]
fn paths_that_the_documents_name_exist() {
    for document in ["ARCHITECTURE.md", "CONTRIBUTING.md", "README.md", "README.vi.md"] {
        for word in read(&root().join(document)).split('`').skip(1).step_by(2) {
            let known = [
                "event/",
                "collector/",
                "correlator/",
                "store/",
                "exchange/",
                "registry/",
                "report/",
                "api/",
                "dashboards/",
                "rules/",
                "tests/",
                "deploy/",
                "src/",
                "fuzz/",
            ];
            let is_path = known.iter().any(|start| word.starts_with(start));
            if is_path
                && !word.contains(['<', '*', ' ', '{'])
                && !word.contains("node_modules")
                && !word.contains("dist")
            {
                assert!(root().join(word).exists(), "{document} names `{word}`, which does not exist");
            }
        }
    }
}

#[test]
fn every_parser_has_a_fixture_and_is_registered() {
    let folder = root().join("collector/src/parser");
    let table = read(&folder.join("mod.rs"));
    let mut parsers = 0;
    for file in files(&folder, &[".rs"]) {
        if !read(&file).contains("const PARSER: Parser") {
            continue;
        }
        parsers += 1;
        let name = file.file_stem().unwrap().to_str().unwrap();
        let name =
            if name == "mod" { file.parent().unwrap().file_name().unwrap().to_str().unwrap() } else { name };
        assert!(
            table.contains(&format!("{name}::PARSER")),
            "{name} is not in PARSERS: its lines are never parsed"
        );
        for ending in ["log", "jsonl"] {
            let fixture = folder.join("fixtures").join(format!("{name}.{ending}"));
            assert!(fixture.exists(), "{} is missing", fixture.display());
        }
    }
    assert!(parsers >= 12, "the walk finds the parsers");
}

#[test]
fn every_rule_has_a_line_that_hits_and_a_line_that_misses() {
    let rules: Vec<PathBuf> = files(&root().join("rules"), &[".yml"])
        .into_iter()
        .filter(|path| path.components().any(|part| part.as_os_str().to_string_lossy().starts_with("layer")))
        .collect();
    assert!(rules.len() >= 20, "there are rules");
    for rule in rules {
        for ending in ["hit.log", "miss.log"] {
            let sample = rule.with_extension(ending);
            assert!(sample.exists(), "{} is missing", sample.display());
        }
    }
}

#[test]
fn the_repository_speaks_of_the_product_alone() {
    let places = [["/wo", "rk/"].concat(), ["/fa", "rm/"].concat(), ["bash_", "jobs"].concat()];
    for file in files(
        &root(),
        &[".rs", ".ts", ".svelte", ".md", ".toml", ".yml", ".yaml", ".json", "Makefile", ".sh"],
    ) {
        let text = read(&file);
        for place in &places {
            assert!(
                !text.contains(place.as_str()),
                "{} names `{place}`, a path of one machine",
                file.display()
            );
        }
    }
}

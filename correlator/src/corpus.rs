//! Everything that ships must load, and SigmaHQ's rules where they are at hand.

use crate::{RuleFile, RuleSet};
use std::collections::BTreeMap;
use std::path::Path;

pub(crate) fn files(folder: &Path) -> Vec<RuleFile> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "yml") {
                let text = std::fs::read_to_string(&path).unwrap();
                found.push(RuleFile { path: path.display().to_string(), text });
            }
        }
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    found
}

fn ours() -> Vec<RuleFile> {
    let mut found = files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../rules"));
    found.retain(|file| !file.path.contains("/rules/compliance/")); // rules of law
    found
}

#[test]
fn our_rules_and_pipelines_load_and_reach_our_events() {
    let files = ours();
    assert!(files.iter().filter(|file| file.path.contains("pipelines")).count() >= 8);
    let set = RuleSet::compile(&files).unwrap();
    assert_eq!(set.unmapped(), []);
}

#[test]
fn sigmahq_loads_where_it_is_at_hand() {
    let corpus = files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/sigma/rules"));
    if corpus.is_empty() {
        return;
    }
    let pipelines = ours().into_iter().filter(|file| file.path.contains("pipelines"));
    let (set, errors) =
        RuleSet::compile_what_can(&pipelines.chain(corpus.iter().cloned()).collect::<Vec<_>>());
    let mut reasons: BTreeMap<&str, usize> = BTreeMap::new();
    for error in &errors {
        *reasons.entry(error.message.as_str()).or_default() += 1;
    }
    let loaded = set.metas().count();
    println!("{loaded} of {} load; {reasons:#?}", corpus.len());
    let unreached: Vec<_> = set.unmapped().iter().filter(|missing| missing.field.is_none()).collect();
    println!("{} are about log sources without a pipeline", unreached.len());
    assert_eq!((loaded, errors.len()), (corpus.len(), 0), "every rule of SigmaHQ's loads");
    assert!((loaded - unreached.len()) * 10 > corpus.len() * 8);
}

//! Whether two programs hold rules of the same events: events built from the rules themselves, and the differences
//! between the two answers, each with the specification's reason. `deploy/agreement` drives it.
#![allow(unreachable_pub, reason = "modules of a program, one of which a test uses too")]

mod compare;
mod corner;
mod generate;
mod oracle;
mod rule;
mod sample;

use std::error::Error;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

const USAGE: &str =
    "usage: agreement generate RULES EVENTS | corner RULES EVENTS | compare RULES EVENTS OURS THEIRS";

/// Rules for which no near miss can be built, and why.
const WITHOUT: &[(&str, &str)] = &[(
    "6d844f0f-1c18-41af-8f19-33e7654edfc3",
    "one of its keywords, `aaa`, is the name of its log source, which stands in every event of it",
)];

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match args[..] {
        ["generate", rules, events] => generate(Path::new(rules), Path::new(events)),
        ["corner", rules, events] => {
            fs::write(rules, corner::rules())?;
            fs::write(events, corner::events())?;
            Ok(ExitCode::SUCCESS)
        }
        ["compare", rules, events, ours, theirs] => {
            compare::run(&read(Path::new(rules))?, [events, ours, theirs].map(Path::new))
        }
        _ => Err(USAGE.into()),
    }
}

/// Writes the events of every rule, a line each; says which rules have none.
fn generate(rules: &Path, events: &Path) -> Result<ExitCode, Box<dyn Error>> {
    let rules = read(rules)?;
    let mut out = std::io::BufWriter::new(fs::File::create(events)?);
    let mut expected = std::io::BufWriter::new(fs::File::create(expected(events))?);
    let (mut hits, mut misses, mut without, mut number) = (0, 0, 0, 0);
    for rule in &rules {
        let found = generate::events(rule);
        hits += found.hits.len();
        misses += found.misses.len();
        if found.hits.is_empty() || found.misses.is_empty() {
            let reason = WITHOUT.iter().find(|(id, _)| *id == rule.id).map(|(_, reason)| *reason);
            without += usize::from(reason.is_none());
            let reason = reason.unwrap_or("for no known reason");
            println!(
                "{}: {} hits, {} near misses: {reason}",
                rule.path,
                found.hits.len(),
                found.misses.len()
            );
        }
        for (nth, event) in found.hits.iter().chain(&found.misses).enumerate() {
            number += 1;
            writeln!(out, "{event}")?;
            writeln!(expected, "{}\t{number}\t{}", rule.id, nth < found.hits.len())?;
        }
    }
    println!(
        "{} rules: {hits} events that hit, {misses} near misses; {without} rules lack one without a reason",
        rules.len()
    );
    Ok(if without == 0 { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

/// Where it stands which events were built to hit which rules.
fn expected(events: &Path) -> PathBuf {
    events.with_extension("expected")
}

/// Every detection rule below a folder.
fn read(folder: &Path) -> Result<Vec<rule::Rule>, Box<dyn Error>> {
    let mut files: Vec<PathBuf> = Vec::new();
    let mut pending = vec![folder.to_owned()];
    while let Some(path) = pending.pop() {
        if path.is_dir() {
            for entry in fs::read_dir(&path)? {
                pending.push(entry?.path());
            }
        } else if path.extension().is_some_and(|ending| ending == "yml") {
            files.push(path);
        }
    }
    files.sort();
    let mut found = Vec::new();
    for file in files {
        found.extend(rule::read(&file.display().to_string(), &fs::read_to_string(&file)?)?);
    }
    Ok(found)
}

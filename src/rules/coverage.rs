//! `haidang rules coverage`: which rules can be true on our events, and which ATT&CK techniques are so covered.

use super::{Own, Where};
use anyhow::Context as _;
use correlator::{Cover, Meta, RuleSet, Seen};
use event::{Event, Raw, Time};
use std::collections::BTreeMap;
use std::io::{BufRead as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// The lines that the parsers are tested with: what they can fill.
#[derive(rust_embed::RustEmbed)]
#[folder = "collector/src/parser/fixtures/"]
struct Fixtures;

#[derive(clap::Args)]
pub(super) struct Options {
    #[command(flatten)]
    place: Where,
    /// Events as `haidang parse` writes them (`-` for stdin): a field counts only if one of them has it. Without this,
    /// a field counts if the program's parsers are known to fill it
    #[arg(long, value_name = "FILE")]
    seen: Option<PathBuf>,
    /// Writes the techniques of live rules as a layer of the ATT&CK Navigator
    #[arg(long, value_name = "FILE")]
    navigator: Option<PathBuf>,
}

pub(super) fn run(options: &Options) -> anyhow::Result<ExitCode> {
    let (rules, problems) = RuleSet::compile_what_can(&options.place.files()?);
    for problem in &problems {
        tracing::error!("{problem}");
    }
    let seen = match &options.seen {
        Some(path) => seen_in(path, &rules)?,
        None => fillable(&rules)?,
    };
    let mut counts = BTreeMap::from([("live", 0), ("no pipeline", 0), ("no event", 0), ("no field", 0)]);
    let mut techniques: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    for (meta, cover) in rules.coverage(&seen).filter(|(meta, _)| !rules.is_silent(meta)) {
        let (state, fields) = match &cover {
            Cover::Live => ("live", String::new()),
            Cover::NoPipeline => ("no pipeline", String::new()),
            Cover::NoEvent => ("no event", String::new()),
            Cover::NoField(names) => ("no field", format!(": {}", names.join(", "))),
        };
        *counts.entry(state).or_insert(0) += 1;
        writeln!(out, "{state:11} {} {}{fields}", meta.id, meta.title)?;
        if cover == Cover::Live {
            for technique in techniques_of(meta) {
                techniques.entry(technique).or_default().push(&meta.title);
            }
        }
    }
    let total: usize = counts.values().sum();
    let parts: Vec<String> = counts.iter().map(|(state, count)| format!("{count} {state}")).collect();
    writeln!(out, "{total} rules: {}; {} techniques", parts.join(", "), techniques.len())?;
    out.flush()?;
    if let Some(path) = &options.navigator {
        write_layer(path, &techniques)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// What the events of a file hold.
fn seen_in(path: &Path, rules: &RuleSet) -> anyhow::Result<Seen> {
    let mut seen = Seen::new(rules, false);
    let reader: Box<dyn std::io::BufRead> = if path == Path::new("-") {
        Box::new(std::io::stdin().lock())
    } else {
        let file =
            std::fs::File::open(path).with_context(|| format!("open the events in {}", path.display()))?;
        Box::new(std::io::BufReader::new(file))
    };
    for (number, line) in (1..).zip(reader.lines()) {
        let line = line.context("read events")?;
        let event = Event::from_json(&line)
            .with_context(|| format!("{}, line {number}: expected one event as JSON", path.display()))?;
        seen.note(rules, &event);
    }
    Ok(seen)
}

/// What the parsers make of their own sample lines and of those beside the rules.
fn fillable(rules: &RuleSet) -> anyhow::Result<Seen> {
    // 2026-07-01T00:00:00+07:00: most lines name no year.
    const RECEIVED: Time = Time(1_782_838_800_000);
    let mut seen = Seen::new(rules, true);
    // Some of the lines meet these, as lines of a site meet what others warn of there.
    let mut indicators = correlator::Indicators::default();
    let warnings = "{\"value\":\"198.51.100.99\"}\n{\"value\":\"c2.example.net\"}";
    let read = exchange::read_list(warnings, "sample", Time(0)).map_err(anyhow::Error::msg)?;
    for one in &read.indicators {
        indicators.add(one);
    }
    let mut note = |bytes: &[u8]| -> anyhow::Result<()> {
        for (number, line) in (1..).zip(std::str::from_utf8(bytes)?.lines()) {
            let mut event = collector::parser::parse(&Raw::stdin(line, RECEIVED, number));
            indicators.mark(&mut event);
            seen.note(rules, &event);
        }
        Ok(())
    };
    for path in Fixtures::iter().filter(|path| path.ends_with(".log")) {
        let file = Fixtures::get(&path).with_context(|| format!("sample lines {path} of the program"))?;
        note(&file.data).with_context(|| format!("sample lines {path}"))?;
    }
    for path in Own::iter().filter(|path| path.ends_with(".hit.log")) {
        let file = Own::get(&path).with_context(|| format!("sample lines {path} of the program"))?;
        note(&file.data).with_context(|| format!("sample lines {path}"))?;
    }
    Ok(seen)
}

/// `attack.t1110.001` to `T1110.001`.
fn techniques_of(meta: &Meta) -> impl Iterator<Item = String> {
    let names = meta.tags.iter().filter_map(|tag| tag.strip_prefix("attack."));
    let numbered = |name: &&str| {
        name.strip_prefix('t').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
    };
    names.filter(numbered).map(str::to_uppercase)
}

/// Layer format 4.5: the more rules, the darker.
fn write_layer(path: &Path, techniques: &BTreeMap<String, Vec<&str>>) -> anyhow::Result<()> {
    let most = techniques.values().map(Vec::len).max().unwrap_or(1);
    let list: Vec<serde_json::Value> = techniques
        .iter()
        .map(|(id, titles)| {
            serde_json::json!({
                "techniqueID": id,
                "score": titles.len(),
                "comment": titles.join("\n"),
                "enabled": true,
                "showSubtechniques": id.contains('.'),
            })
        })
        .collect();
    let layer = serde_json::json!({
        "name": "Hải Đăng",
        "versions": {"layer": "4.5", "navigator": "5.1.0"},
        "domain": "enterprise-attack",
        "description": "Techniques for which a loaded rule can be true on the events there are; the score counts the rules.",
        "techniques": list,
        "gradient": {"colors": ["#d6ebf5", "#0b5a8a"], "minValue": 0, "maxValue": most},
        "legendItems": [],
        "showTacticRowBackground": false,
        "selectTechniquesAcrossTactics": true,
        "selectSubtechniquesWithParent": false,
    });
    let mut text = serde_json::to_string_pretty(&layer)?;
    text.push('\n');
    std::fs::write(path, text).with_context(|| format!("write the layer to {}", path.display()))
}

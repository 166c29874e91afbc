//! Where rules come from, and `haidang rules`.

mod authorisation;
mod backtest;
mod convert_wazuh;
mod coverage;
mod exception;
mod live;
mod suppression;

pub(crate) use backtest::beside;
pub(crate) use live::Live;

use anyhow::Context as _;
use correlator::{RuleFile, RuleKind, RuleSet};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

/// The rules that come with the program.
#[derive(rust_embed::RustEmbed)]
#[folder = "rules/"]
struct Own;

/// Which rules are used.
#[derive(Clone, Debug, serde::Deserialize, serde::Serialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Config {
    /// Whether the rules and field pipelines that come with the program are used.
    pub(crate) own: bool,
    /// Further folders of `.yml` files, read with all folders below them.
    pub(crate) folders: Vec<PathBuf>,
}

impl Default for Config {
    fn default() -> Self {
        Config { own: true, folders: Vec::new() }
    }
}

#[derive(clap::Args)]
pub(crate) struct Options {
    #[command(subcommand)]
    command: RulesCommand,
}

#[derive(clap::Subcommand)]
enum RulesCommand {
    /// Reads rules and says every problem, with file, line and key
    Check(Where),
    /// Lists rules: level, layer, kind, id, title
    List(Where),
    /// Says of each rule whether it can be true on our events: live, no pipeline for its log source, no event of it seen,
    /// or the fields that nothing fills
    Coverage(coverage::Options),
    /// Turns Wazuh 4 rules (XML) into Sigma rules and lists what has no equal
    ConvertWazuh(convert_wazuh::Options),
    /// What rules would have said of stored events: alerts on stdout (NDJSON)
    Backtest(backtest::Options),
}

/// Rules of a folder, or those that come with the program.
#[derive(clap::Args, Clone)]
pub(crate) struct Where {
    /// Folders (or files) of Sigma rules instead of those that come with the program; field pipelines always come along
    #[arg(long = "rules", value_name = "DIR", num_args = 1..)]
    rules: Vec<PathBuf>,
}

impl Where {
    /// Whether the command line names any.
    fn is_given(&self) -> bool {
        !self.rules.is_empty()
    }

    /// The files to compile.
    pub(crate) fn files(&self) -> anyhow::Result<Vec<RuleFile>> {
        if self.rules.is_empty() {
            return files(&Config::default());
        }
        let mut found = own(|path| path.starts_with("pipelines/"))?;
        let theirs = read(&self.rules)?;
        // Our own folder given by name brings its pipelines itself.
        found.retain(|file| !theirs.iter().any(|their| their.path.ends_with(&file.path)));
        found.extend(theirs);
        Ok(found)
    }
}

pub(crate) fn run(options: &Options) -> anyhow::Result<ExitCode> {
    match &options.command {
        RulesCommand::Check(place) => check(place),
        RulesCommand::List(place) => list(place),
        RulesCommand::Coverage(options) => coverage::run(options),
        RulesCommand::ConvertWazuh(options) => convert_wazuh::run(options),
        RulesCommand::Backtest(options) => backtest::run(options),
    }
}

fn check(place: &Where) -> anyhow::Result<ExitCode> {
    let files = place.files()?;
    let (rules, problems) = RuleSet::compile_what_can(&files);
    let mut out = std::io::stdout().lock();
    for problem in &problems {
        writeln!(out, "{problem}")?;
    }
    for unmapped in rules.unmapped() {
        let what = unmapped
            .field
            .as_ref()
            .map_or("its log source".to_owned(), |field| format!("the field `{field}`"));
        writeln!(out, "{}: no pipeline gives {what}; the rule is silent", unmapped.path)?;
    }
    let mut warnings = exception::warnings(rules.filters(), now());
    warnings.extend(suppression::warnings(rules.suppressions(), now()));
    warnings.extend(authorisation::warnings(rules.authorisations(), now()));
    for warning in warnings {
        writeln!(out, "{warning}")?;
    }
    tracing::info!(
        files = files.len(),
        rules = rules.metas().count(),
        problems = problems.len(),
        "rules read"
    );
    Ok(if problems.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

fn list(place: &Where) -> anyhow::Result<ExitCode> {
    let (rules, problems) = RuleSet::compile_what_can(&place.files()?);
    let mut out = std::io::stdout().lock();
    for meta in rules.metas() {
        let kind = match meta.kind {
            RuleKind::Detection => "detection",
            RuleKind::Correlation => "correlation",
        };
        let layer = meta.layer.map_or_else(|| "-".to_owned(), |layer| layer.to_string());
        writeln!(out, "{:13} {layer} {kind:11} {} {}", meta.level.name(), meta.id, meta.title)?;
    }
    exception::list(rules.filters(), now(), &mut out)?;
    suppression::list(rules.suppressions(), now(), &mut out)?;
    authorisation::list(rules.authorisations(), now(), &mut out)?;
    Ok(if problems.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

fn now() -> event::Time {
    event::Time(jiff::Timestamp::now().as_millisecond())
}

/// Compiles what the configuration names; the problems come as one text, a line each.
pub(crate) fn load(config: &Config) -> anyhow::Result<Arc<RuleSet>> {
    RuleSet::compile(&files(config)?).map(Arc::new).map_err(|problems| {
        let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
        anyhow::anyhow!("{}", lines.join("\n"))
    })
}

fn files(config: &Config) -> anyhow::Result<Vec<RuleFile>> {
    let mut found = if config.own { own(|_| true)? } else { own(|path| path.starts_with("pipelines/"))? };
    found.extend(read(&config.folders)?);
    Ok(found)
}

fn own(wanted: impl Fn(&str) -> bool) -> anyhow::Result<Vec<RuleFile>> {
    let mut found = Vec::new();
    // What is in `compliance/` are rules of law, not of detection.
    for path in
        Own::iter().filter(|path| path.ends_with(".yml") && !path.starts_with("compliance/") && wanted(path))
    {
        let file = Own::get(&path).with_context(|| format!("rule file {path} of the program"))?;
        let text = String::from_utf8(file.data.into_owned()).with_context(|| format!("rule file {path}"))?;
        found.push(RuleFile { path: path.into_owned(), text });
    }
    Ok(found)
}

/// Every `.yml` and `.yaml` file below the folders, in order of path.
fn read(places: &[PathBuf]) -> anyhow::Result<Vec<RuleFile>> {
    let mut found = Vec::new();
    for place in places {
        let mut pending = vec![place.clone()];
        while let Some(path) = pending.pop() {
            let about =
                std::fs::metadata(&path).with_context(|| format!("read rules in {}", path.display()))?;
            if about.is_dir() {
                for entry in
                    std::fs::read_dir(&path).with_context(|| format!("read rules in {}", path.display()))?
                {
                    pending.push(entry?.path());
                }
            } else if path == *place || is_yaml(&path) && !is_law(&path) {
                let text = std::fs::read_to_string(&path)
                    .with_context(|| format!("read rule file {}", path.display()))?;
                found.push(RuleFile { path: path.display().to_string(), text });
            }
        }
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(found)
}

/// Whether the file is one of our rules of law, which lie beside ours of detection and are read elsewhere.
fn is_law(path: &Path) -> bool {
    Own::iter().any(|own| own.starts_with("compliance/") && path.ends_with(&*own))
}

fn is_yaml(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ending == "yml" || ending == "yaml")
}

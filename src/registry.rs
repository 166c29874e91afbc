//! `haidang registry`: the province's units, systems, assets and endpoints from the command line, and the table of assets
//! that enrichment has in force.

mod live;

pub(crate) use live::Live;

use crate::config::Place;
use crate::simulate;
use ::registry::{Document, Format, Import, Kind};
use anyhow::Context as _;
use clap::Subcommand;
use event::Time;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use store::cases::{Actor, Error};

#[derive(clap::Args)]
pub(crate) struct Options {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Takes a document in, as a whole or not at all; every wrong row is told with its number
    Import {
        /// NAME.yaml, or a CSV called after what it has: units.csv, systems.csv, assets.csv, endpoints.csv
        file: PathBuf,
        /// What a CSV of another name has
        #[arg(long, value_parser = kind)]
        kind: Option<Kind>,
        /// Only say what would change
        #[arg(long)]
        dry_run: bool,
        /// Take out rows that the document does not have, of the kinds that it has
        #[arg(long)]
        replace: bool,
        #[command(flatten)]
        place: Place,
    },
    /// Writes the registry to stdout
    Export {
        /// One kind as CSV instead of everything as YAML
        #[arg(long, value_parser = kind)]
        csv: Option<Kind>,
        #[command(flatten)]
        place: Place,
    },
    /// Writes the simulated province's registry to stdout: 111 units, 91 systems, 2,886 endpoints
    Sample {
        /// One kind as CSV instead of everything as YAML
        #[arg(long, value_parser = kind)]
        csv: Option<Kind>,
    },
}

fn kind(text: &str) -> Result<Kind, String> {
    Kind::by_name(text).ok_or_else(|| "units, systems, assets or endpoints".to_owned())
}

pub(crate) fn run(options: &Options) -> anyhow::Result<ExitCode> {
    match &options.action {
        Action::Sample { csv } => write(&simulate::registry(), *csv),
        Action::Export { csv, place } => {
            let registry = crate::cases::with(place, async |cases| cases.registry().await)??;
            write(&registry, *csv)
        }
        Action::Import { file, kind, dry_run, replace, place } => {
            let format = format(file, *kind)?;
            let bytes = std::fs::read(file).with_context(|| format!("read {}", file.display()))?;
            let document = match Document::read(format, &bytes) {
                Ok(document) => document,
                Err(problems) => return told(file, &problems),
            };
            let import = Import { replace: *replace };
            let by = Actor::system("registry import", Time(jiff::Timestamp::now().as_millisecond()));
            let done = crate::cases::with(place, async |cases| {
                cases.import_registry(&by, document, import, *dry_run).await
            })?;
            match done {
                Err(Error::Registry(problems)) => told(file, &problems),
                Err(error) => Err(error.into()),
                Ok(done) => {
                    let (added, changed, removed) =
                        (done.added.len(), done.changed.len(), done.removed.len());
                    let same = done.same;
                    let said = serde_json::json!({ "dry_run": dry_run, "added": added, "changed": changed, "removed": removed, "same": same });
                    writeln!(std::io::stdout(), "{said}")?;
                    Ok(ExitCode::SUCCESS)
                }
            }
        }
    }
}

fn write(registry: &::registry::Registry, csv: Option<Kind>) -> anyhow::Result<ExitCode> {
    let text = registry.write(csv.map_or(Format::Yaml, Format::Csv));
    std::io::stdout().write_all(text.as_bytes()).context("write the registry")?;
    Ok(ExitCode::SUCCESS)
}

/// Every wrong row, a line each.
fn told(file: &Path, problems: &[::registry::Problem]) -> anyhow::Result<ExitCode> {
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    for problem in problems {
        writeln!(out, "{}: {problem}", file.display())?;
    }
    out.flush()?;
    tracing::error!(problems = problems.len(), "nothing is imported");
    Ok(ExitCode::from(1))
}

fn format(file: &Path, kind: Option<Kind>) -> anyhow::Result<Format> {
    let ending = file.extension().map(|ending| ending.to_string_lossy().to_ascii_lowercase());
    match (ending.as_deref(), kind) {
        (Some("yaml" | "yml" | "json"), None) => Ok(Format::Yaml),
        (_, Some(kind)) => Ok(Format::Csv(kind)),
        (Some("csv"), None) => {
            let name = file.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
            let kind = Kind::by_name(&name).context("what is in this CSV? give --kind")?;
            Ok(Format::Csv(kind))
        }
        _ => anyhow::bail!("{}: neither .yaml nor .csv", file.display()),
    }
}

//! `haidang rules convert-wazuh`: files in, files and a list of what could not be converted out.

use anyhow::Context as _;
use correlator::RuleFile;
use correlator::wazuh::{RemarkKind, convert};
use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

/// How many bytes all files together may have.
const BYTES_MAX: u64 = 256 << 20;

/// What `haidang rules convert-wazuh` takes.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Files of Wazuh 4 rules, Wazuh's own before yours: rules refer to rules of other files
    #[arg(required = true, value_name = "FILE.xml")]
    files: Vec<PathBuf>,
    /// The folder for the Sigma rules, one file per rule (`wazuh_ID.yml`); without it only the list is written
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

pub(crate) fn run(options: &Options) -> anyhow::Result<ExitCode> {
    let found = convert(&read(&options.files)?);
    if let Some(folder) = &options.out {
        std::fs::create_dir_all(folder).with_context(|| format!("make the folder {}", folder.display()))?;
        for file in &found.files {
            let path = folder.join(&file.path);
            std::fs::write(&path, &file.text).with_context(|| format!("write {}", path.display()))?;
        }
    }
    let mut out = std::io::stdout().lock();
    for remark in &found.remarks {
        writeln!(out, "{remark}")?;
    }
    let of = |kind| found.remarks.iter().filter(|remark| remark.kind == kind).count();
    tracing::info!(
        read = found.read,
        written = found.written,
        quiet = found.quiet,
        unsupported = found.refused,
        approximate = of(RemarkKind::Approximate),
        silent = of(RemarkKind::Silent),
        "Wazuh rules converted"
    );
    Ok(if found.refused == 0 { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

/// Bytes that are not UTF-8 are replaced: they stand in comments and descriptions.
fn read(paths: &[PathBuf]) -> anyhow::Result<Vec<RuleFile>> {
    let mut bytes = 0;
    let mut files = Vec::with_capacity(paths.len());
    for path in paths {
        let about = std::fs::metadata(path).with_context(|| format!("read {}", path.display()))?;
        bytes += about.len();
        anyhow::ensure!(bytes <= BYTES_MAX, "the files have more than {BYTES_MAX} bytes together");
        let text = std::fs::read(path).with_context(|| format!("read {}", path.display()))?;
        let text = String::from_utf8_lossy(&text).into_owned();
        files.push(RuleFile { path: path.display().to_string(), text });
    }
    Ok(files)
}

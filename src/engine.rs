//! `haidang engine`: the embedded engine's own process, started by `haidang run`.

use std::process::ExitCode;

/// What the supervisor hands over.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Options as JSON, written by the supervisor
    options: String,
}

pub(crate) fn run(options: &Options) -> anyhow::Result<ExitCode> {
    let options = store::engine::ServeOptions::from_argument(&options.options)?;
    store::engine::serve(&options)?;
    Ok(ExitCode::SUCCESS)
}

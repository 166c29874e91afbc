//! `haidang feed`: what is exchanged with others. `poll` fetches what another TAXII 2.1 server has, page by page, and takes
//! its indicators in.

mod export;
mod import;

use crate::config::Place;
use crate::partners::{Outside, Reader};
use event::Time;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;
use store::cases::{Actor, Loaded};

#[derive(clap::Args)]
pub(crate) struct Options {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    /// Fetches a collection of another TAXII 2.1 server and takes its indicators in
    Poll(Poll),
    /// Writes what would be delivered
    Export(export::Export),
    /// Takes a warning in: its indicators are looked for, and each unit that it concerns has a task
    Import(import::Import),
}

#[derive(clap::Args)]
struct Poll {
    #[command(flatten)]
    place: Place,
    /// The collection: https://SERVER/ROOT/collections/ID/
    #[arg(long)]
    collection: String,
    /// Who warns, where an object does not say
    #[arg(long)]
    source: String,
    /// The name to sign in with
    #[arg(long, requires = "password_file")]
    user: Option<String>,
    /// A file with the password, or without --user with a bearer token
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
    /// A file with the certificates (PEM) that vouch for the server, instead of those that browsers know
    #[arg(long, value_name = "FILE")]
    ca_file: Option<PathBuf>,
    /// Only what was added after this moment: the `added_last` that the poll before told
    #[arg(long, value_name = "TIME")]
    added_after: Option<String>,
    /// Objects of one page
    #[arg(long, default_value_t = 1000)]
    limit: u32,
}

pub(crate) fn run(options: &Options) -> anyhow::Result<ExitCode> {
    match &options.command {
        Command::Poll(options) => poll(options),
        Command::Export(options) => export::run(options),
        Command::Import(options) => import::run(options),
    }
}

fn poll(options: &Poll) -> anyhow::Result<ExitCode> {
    let outside =
        Outside::new(options.user.as_deref(), options.password_file.as_deref(), options.ca_file.as_deref())?;
    let by = Actor::system("feed poll", Time(jiff::Timestamp::now().as_millisecond()));
    let (mut done, mut refused, mut objects) = (Loaded::default(), 0, 0);
    let mut reader = Reader::new(outside, &options.collection, options.added_after.clone(), options.limit);
    crate::cases::with(&options.place, async |cases| {
        while let Some(page) = reader.next_page()? {
            objects += page.len();
            let read = exchange::stix::indicators(&page, &options.source);
            refused += read.refused.len();
            for one in read.refused.iter().take(20) {
                tracing::warn!("{}: {}", one.object, one.why);
            }
            let max = crate::indicators::COUNT_MAX;
            let more =
                cases.load_indicators(&by, &options.source, &read.indicators, &read.revoked, max).await?;
            done.new += more.new;
            done.changed += more.changed;
            done.removed += more.removed;
        }
        anyhow::Ok(())
    })??;
    let text = serde_json::json!({
        "objects": objects, "new": done.new, "changed": done.changed, "removed": done.removed, "refused": refused,
        "added_last": reader.added_last,
    });
    writeln!(std::io::stdout(), "{text}")?;
    Ok(ExitCode::SUCCESS)
}

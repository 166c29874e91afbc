//! `haidang feed poll`: fetches what another TAXII 2.1 server has, page by page, and takes its indicators in.

use crate::config::{Config, Place};
use anyhow::Context as _;
use base64::Engine as _;
use event::Time;
use exchange::taxii::{Envelope, MEDIA_TYPE};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;
use store::cases::{Actor, Cases, Loaded};
use ureq::http::{HeaderMap, header};

/// The largest answer that is read.
const ANSWER_BYTES_MAX: u64 = 64 << 20;
/// Pages of one poll: a server that never ends is left, and the next poll goes on.
const PAGES_MAX: u32 = 10_000;
/// How long one answer may take.
const ANSWER_MAX: Duration = Duration::from_secs(120);

#[derive(clap::Args)]
pub(crate) struct Options {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    /// Fetches a collection of another TAXII 2.1 server and takes its indicators in
    Poll(Poll),
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
    /// Only what was added after this moment: the `added_last` that the poll before told
    #[arg(long, value_name = "TIME")]
    added_after: Option<String>,
    /// Objects of one page
    #[arg(long, default_value_t = 1000)]
    limit: u32,
}

pub(crate) fn run(options: &Options) -> anyhow::Result<ExitCode> {
    let Command::Poll(options) = &options.command;
    let config = Config::at(&options.place)?;
    let authorization = authorization(options.user.as_deref(), options.password_file.as_deref())?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().context("start")?;
    let path = config.data().join("cases.sqlite");
    let cases = runtime.block_on(Cases::open(&path)).with_context(|| format!("open {}", path.display()))?;
    let by = Actor::system("feed poll", Time(jiff::Timestamp::now().as_millisecond()));
    let (mut done, mut refused, mut objects) = (Loaded::default(), 0, 0);
    let mut reader = Reader::new(options, authorization);
    while let Some(page) = reader.next_page()? {
        objects += page.len();
        let read = exchange::stix::indicators(&page, &options.source);
        refused += read.refused.len();
        for one in read.refused.iter().take(20) {
            tracing::warn!("{}: {}", one.object, one.why);
        }
        let max = crate::indicators::COUNT_MAX;
        let more = runtime.block_on(cases.load_indicators(
            &by,
            &options.source,
            &read.indicators,
            &read.revoked,
            max,
        ))?;
        done.new += more.new;
        done.changed += more.changed;
        done.removed += more.removed;
    }
    runtime.block_on(cases.close());
    let text = serde_json::json!({
        "objects": objects, "new": done.new, "changed": done.changed, "removed": done.removed, "refused": refused,
        "added_last": reader.added_last,
    });
    writeln!(std::io::stdout(), "{text}")?;
    Ok(ExitCode::SUCCESS)
}

fn authorization(user: Option<&str>, file: Option<&Path>) -> anyhow::Result<Option<String>> {
    let Some(file) = file else { return Ok(None) };
    let secret = std::fs::read_to_string(file).with_context(|| format!("read {}", file.display()))?;
    let secret = secret.trim();
    Ok(Some(match user {
        Some(user) => {
            let pair = base64::engine::general_purpose::STANDARD.encode(format!("{user}:{secret}"));
            format!("Basic {pair}")
        }
        None => format!("Bearer {secret}"),
    }))
}

/// Reads a collection page by page.
struct Reader<'a> {
    options: &'a Poll,
    agent: ureq::Agent,
    authorization: Option<String>,
    next: Option<String>,
    /// When the newest object so far was added, as the server writes it.
    added_last: Option<String>,
    pages: u32,
    is_done: bool,
}

impl<'a> Reader<'a> {
    fn new(options: &'a Poll, authorization: Option<String>) -> Reader<'a> {
        // A password is not carried to wherever a server points.
        let agent =
            ureq::Agent::config_builder().max_redirects(0).timeout_global(Some(ANSWER_MAX)).build().into();
        let added_last = options.added_after.clone();
        Reader { options, agent, authorization, next: None, added_last, pages: 0, is_done: false }
    }

    /// The next page's objects; `None` after the last. Servers differ: some give the same `next` for every page, some
    /// give none with `more`; then the moment of the last addition leads on.
    fn next_page(&mut self) -> anyhow::Result<Option<Vec<serde_json::Value>>> {
        if self.is_done {
            return Ok(None);
        }
        self.pages += 1;
        anyhow::ensure!(self.pages <= PAGES_MAX, "more than {PAGES_MAX} pages: the next poll goes on");
        let after = if self.next.is_some() {
            self.options.added_after.as_deref()
        } else {
            self.added_last.as_deref()
        };
        let url = format!("{}/objects/", self.options.collection.trim_end_matches('/'));
        let mut request = self.agent.get(&url).header(header::ACCEPT, MEDIA_TYPE);
        request = request.query("limit", self.options.limit.to_string());
        for (name, value) in [("added_after", after), ("next", self.next.as_deref())] {
            if let Some(value) = value {
                request = request.query(name, value);
            }
        }
        if let Some(authorization) = &self.authorization {
            request = request.header(header::AUTHORIZATION, authorization);
        }
        let mut answer = request.call().with_context(|| format!("ask {url}"))?;
        let last = moment(answer.headers());
        let body = answer.body_mut().with_config().limit(ANSWER_BYTES_MAX).read_to_vec();
        let envelope: Envelope = serde_json::from_slice(&body.with_context(|| format!("read {url}"))?)
            .with_context(|| format!("{url}: not an envelope of TAXII 2.1"))?;
        let raw = envelope.objects.unwrap_or_default();
        // Neither is there more, nor would it be another page: a server that says so for ever is not believed.
        let leads_on = envelope.next.is_some() || (last.is_some() && last != self.added_last);
        self.is_done = !envelope.more || raw.is_empty() || !leads_on;
        self.next = envelope.next;
        self.added_last = last.or(self.added_last.take());
        let objects = raw.iter().map(|raw| serde_json::from_str(raw.get())).collect::<Result<_, _>>();
        Ok(Some(objects.with_context(|| format!("{url}: an object that is no JSON that is read"))?))
    }
}

/// When the last object of the page was added, by whatever name and in whatever form the server says it.
fn moment(headers: &HeaderMap) -> Option<String> {
    let text = headers.get("x-taxii-date-added-last")?.to_str().ok()?;
    exchange::taxii::Stamp::parse(text).map(|stamp| stamp.to_string())
}

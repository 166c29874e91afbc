//! The way to another organisation's server: its certificates, our name there, and TAXII's pages.

use anyhow::Context as _;
use base64::Engine as _;
use exchange::taxii::{Envelope, MEDIA_TYPE};
use std::path::Path;
use std::time::Duration;
use ureq::http::{HeaderMap, header};
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, parse_pem};

/// The largest answer that is read.
const ANSWER_BYTES_MAX: u64 = 64 << 20;
/// Pages of one poll: a server that never ends is left, and the next poll goes on.
const PAGES_MAX: u32 = 10_000;
/// How long one answer may take.
const ANSWER_MAX: Duration = Duration::from_secs(120);

/// Asks one server.
#[derive(Clone)]
pub(crate) struct Outside {
    agent: ureq::Agent,
    authorization: Option<String>,
}

/// What came back of something that was sent.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) body: Vec<u8>,
}

impl Outside {
    /// With our name and a file with the password, or with a bearer token alone.
    ///
    /// # Errors
    /// A file does not read.
    pub(crate) fn new(
        user: Option<&str>,
        password: Option<&Path>,
        ca: Option<&Path>,
    ) -> anyhow::Result<Outside> {
        let mut tls = TlsConfig::builder();
        if let Some(file) = ca {
            tls = tls.root_certs(RootCerts::from(certificates(file)?));
        }
        // A password is not carried to wherever a server points.
        let config = ureq::Agent::config_builder()
            .max_redirects(0)
            .timeout_global(Some(ANSWER_MAX))
            .tls_config(tls.build())
            .http_status_as_error(false);
        Ok(Outside { agent: config.build().into(), authorization: authorization(user, password)? })
    }

    /// Sends a document once. The key tells the other side which one it is, so that one that comes twice counts once.
    pub(super) fn post(&self, url: &str, key: &str, body: &str) -> anyhow::Result<Answer> {
        let mut request =
            self.agent.post(url).header(header::CONTENT_TYPE, "text/xml").header("idempotency-key", key);
        if let Some(authorization) = &self.authorization {
            request = request.header(header::AUTHORIZATION, authorization);
        }
        let mut answer = request.send(body)?;
        let status = answer.status().as_u16();
        let body = answer.body_mut().with_config().limit(1 << 20).read_to_vec().unwrap_or_default();
        Ok(Answer { status, body })
    }
}

fn certificates(file: &Path) -> anyhow::Result<Vec<Certificate<'static>>> {
    let pem = std::fs::read(file).with_context(|| format!("read {}", file.display()))?;
    let mut found = Vec::new();
    for item in parse_pem(&pem) {
        if let PemItem::Certificate(one) = item.with_context(|| format!("{}: not PEM", file.display()))? {
            found.push(one);
        }
    }
    anyhow::ensure!(!found.is_empty(), "{}: no certificate in it", file.display());
    Ok(found)
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
pub(crate) struct Reader {
    outside: Outside,
    collection: String,
    added_after: Option<String>,
    limit: u32,
    next: Option<String>,
    /// When the newest object so far was added, as the server writes it.
    pub(crate) added_last: Option<String>,
    pages: u32,
    is_done: bool,
}

impl Reader {
    pub(crate) fn new(outside: Outside, collection: &str, added_after: Option<String>, limit: u32) -> Reader {
        let collection = collection.to_owned();
        let added_last = added_after.clone();
        Reader { outside, collection, added_after, limit, next: None, added_last, pages: 0, is_done: false }
    }

    /// The next page's objects; `None` after the last. Servers differ: some give the same `next` for every page, some
    /// give none with `more`; then the moment of the last addition leads on.
    pub(crate) fn next_page(&mut self) -> anyhow::Result<Option<Vec<serde_json::Value>>> {
        if self.is_done {
            return Ok(None);
        }
        self.pages += 1;
        anyhow::ensure!(self.pages <= PAGES_MAX, "more than {PAGES_MAX} pages: the next poll goes on");
        let after =
            if self.next.is_some() { self.added_after.as_deref() } else { self.added_last.as_deref() };
        let url = format!("{}/objects/", self.collection.trim_end_matches('/'));
        let mut request = self.outside.agent.get(&url).header(header::ACCEPT, MEDIA_TYPE);
        request = request.query("limit", self.limit.to_string());
        for (name, value) in [("added_after", after), ("next", self.next.as_deref())] {
            if let Some(value) = value {
                request = request.query(name, value);
            }
        }
        if let Some(authorization) = &self.outside.authorization {
            request = request.header(header::AUTHORIZATION, authorization);
        }
        let mut answer = request.call().with_context(|| format!("ask {url}"))?;
        anyhow::ensure!(answer.status().is_success(), "{url} answers {}", answer.status());
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

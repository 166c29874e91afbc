//! Whether a process delivers what it has: `/readyz` of every role, and the listener of those that have no API.

use crate::kafka::Contact;
use crate::metrics::Metrics;
use crate::progress::{Delivery, Progress};
use anyhow::Context as _;
use api::Check;
use collector::spool::{Spool, State};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use store::cases::Cases;
use store::events::Events;

/// How often the stores are asked whether they answer.
const ASK_EVERY: Duration = Duration::from_secs(2);
/// How long an answer may take.
const ANSWER_MAX: Duration = Duration::from_secs(5);

/// Where processes without an API say how they are.
#[derive(Clone, Debug, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Config {
    /// Where `haidang collect` answers `/healthz`, `/readyz` and `/metrics`, without a credential.
    pub(crate) collect: SocketAddr,
    /// The same for `haidang correlate`.
    pub(crate) correlate: SocketAddr,
}

impl Default for Config {
    fn default() -> Config {
        let at = |port| SocketAddr::from(([127, 0, 0, 1], port));
        Config { collect: at(8081), correlate: at(8082) }
    }
}

/// Starts answering at `address`; gives where that is.
pub(crate) async fn listen(address: SocketAddr, metrics: Metrics) -> anyhow::Result<SocketAddr> {
    let listener = tokio::net::TcpListener::bind(address).await;
    let listener =
        listener.with_context(|| format!("say at {address} how this process is; is another on it?"))?;
    let address = listener.local_addr()?;
    let ready = Arc::clone(&metrics.ready);
    let router = api::health(ready, Arc::new(move |reports, out| metrics.write(reports, out)));
    tokio::spawn(async move {
        if let Err(error) = api::serve(listener, router, std::future::pending()).await {
            tracing::error!("nobody can ask how this process is: {error}");
        }
    });
    Ok(address)
}

/// Whether the stores answer, asked again and again.
pub(crate) struct Pulse {
    events: AtomicBool,
    cases: AtomicBool,
}

impl Pulse {
    /// Before the first answer nothing is there.
    pub(crate) fn new() -> Arc<Pulse> {
        Arc::new(Pulse { events: AtomicBool::new(false), cases: AtomicBool::new(false) })
    }

    /// Asks the events' store from now on.
    pub(crate) fn follow_events(self: &Arc<Pulse>, events: Events) {
        let pulse = Arc::clone(self);
        tokio::spawn(async move {
            loop {
                let answer = events.client().query_raw("SELECT 1").fetch_one::<u8>();
                let answer = tokio::time::timeout(ANSWER_MAX, answer).await;
                tell(&pulse.events, answer.is_ok_and(|answer| answer.is_ok()), "the events' store");
                tokio::time::sleep(ASK_EVERY).await;
            }
        });
    }

    /// Asks the cases' store from now on.
    pub(crate) fn follow_cases(self: &Arc<Pulse>, cases: Cases) {
        let pulse = Arc::clone(self);
        tokio::spawn(async move {
            loop {
                let answer = tokio::time::timeout(ANSWER_MAX, cases.ping()).await;
                tell(&pulse.cases, answer.is_ok_and(|answer| answer.is_ok()), "the cases' store");
                tokio::time::sleep(ASK_EVERY).await;
            }
        });
    }

    /// Whether the events' store answers, and if this process writes, takes what it is given.
    pub(crate) fn events(&self, delivery: Option<&Delivery>) -> Check {
        let answers = self.events.load(Ordering::Relaxed);
        let flows = delivery.is_none_or(Delivery::flows);
        check("events", &[(answers, "the store does not answer"), (flows, STUCK)])
    }

    /// The same for the cases' store.
    pub(crate) fn cases(&self, telling: &Delivery) -> Check {
        let answers = self.cases.load(Ordering::Relaxed);
        check("cases", &[(answers, "the database does not answer"), (telling.flows(), STUCK)])
    }
}

const STUCK: &str = "the newest batch could not be delivered; it is tried again";

fn tell(known: &AtomicBool, answers: bool, what: &str) {
    if known.swap(answers, Ordering::Relaxed) && !answers {
        tracing::warn!("{what} does not answer");
    }
}

/// Ready if all of it is so; else the first that is not is told.
fn check(name: &str, parts: &[(bool, &str)]) -> Check {
    let problem = parts.iter().find(|(holds, _)| !holds);
    let detail = problem.map_or("", |(_, detail)| detail);
    Check { name: name.to_owned(), ready: problem.is_none(), detail: detail.to_owned() }
}

/// Whether the spool takes lines.
pub(crate) fn spool(spool: &Spool) -> Check {
    let state = spool.status().state;
    let detail = match state {
        State::Writing => "",
        State::AtLimit => "the spool is full: senders wait until the store has taken lines",
        // The system's words may name paths of the machine; anybody may ask here.
        State::Failing(_) => "the disk refuses; see the log",
    };
    check("spool", &[(state == State::Writing, detail)])
}

/// Whether the brokers take what a collector has.
pub(crate) fn sending(progress: &Progress) -> Check {
    check("kafka", &[(progress.delivery.flows(), "the brokers do not take what is sent; it is tried again")])
}

/// Whether the brokers speak with every reader.
pub(crate) fn reading(contacts: &[Contact]) -> Check {
    let is_there = !contacts.is_empty() && contacts.iter().all(Contact::is_there);
    check("kafka", &[(is_there, "the brokers do not answer")])
}

//! What the API needs of the other parts.

use crate::metrics::Metrics;
use crate::pipeline::Progress;
use crate::rules::Live;
use api::{Check, RuleInfo, SourceLedger};
use collector::intake::{Ledger, Source};
use collector::spool::{Spool, State};
use correlator::RuleKind;
use event::Time;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use store::{cases::Cases, events::Events};

/// A source that has been quiet for longer than this is shown as silent.
const SILENT_MS: i64 = 15 * 60_000;

/// The parts that the API speaks for.
pub(crate) struct Parts {
    pub(crate) config: api::Config,
    pub(crate) exchange: exchange::Config,
    pub(crate) report: report::Config,
    pub(crate) events: Events,
    pub(crate) cases: Cases,
    pub(crate) rules: Arc<Live>,
}

/// The way of a line before the store, where it is in the same process.
pub(crate) struct Intake {
    pub(crate) spool: Arc<Spool>,
    pub(crate) ledger: Arc<Ledger>,
    pub(crate) progress: Arc<Progress>,
}

/// The API's view of the parts.
pub(crate) fn state(parts: Parts, intake: Intake) -> api::State {
    let Intake { spool, ledger, progress } = intake;
    let metrics =
        Metrics { spool: Arc::clone(&spool), ledger: Arc::clone(&ledger), progress: Arc::clone(&progress) };
    api::State {
        ledger: Arc::new(move || sources(&ledger, now())),
        metrics: Arc::new(move |out| metrics.write(out)),
        ready: Arc::new(move || checks(&spool, &progress)),
        ..alone(parts)
    }
}

/// The same without an intake: collectors are other processes, and speak for themselves.
pub(crate) fn alone(parts: Parts) -> api::State {
    let Parts { config, exchange, report, events, cases, rules } = parts;
    api::State {
        events,
        cases,
        rules: Arc::new(move || {
            let rules = rules.current();
            rules.metas().filter(|meta| !meta.id.is_empty()).map(rule).collect()
        }),
        ledger: Arc::new(Vec::new),
        metrics: Arc::new(|_| ()),
        ready: Arc::new(Vec::new),
        clock: Arc::new(now),
        exchange,
        report,
        config,
    }
}

fn now() -> Time {
    Time(jiff::Timestamp::now().as_millisecond())
}

fn sources(ledger: &Ledger, now: Time) -> Vec<SourceLedger> {
    let accounts = ledger.snapshot();
    let line = |(source, account): &(Source, collector::intake::Account)| SourceLedger {
        source: source.to_string(),
        transport: match source {
            Source::Peer(_) | Source::Other => "syslog".to_owned(),
            Source::Named(name) => name.clone(),
        },
        last_seen: account.last_seen,
        received: account.received,
        stored: account.stored,
        rejected: account.rejected,
        spooled: account.spooled(),
        silent: now.0 - account.last_seen.0 > SILENT_MS,
    };
    accounts.iter().map(line).collect()
}

/// Ready means that lines are taken and stored, not that the process is there.
fn checks(spool: &Spool, progress: &Progress) -> Vec<Check> {
    let status = spool.status();
    let detail = match status.state {
        State::Writing => "",
        State::AtLimit => "the spool is full: senders wait until the store has taken lines",
        // The system's words may name paths of the machine; anybody may ask here.
        State::Failing(_) => "the disk refuses; see the log",
    };
    let stalled = progress.stalled.load(Ordering::Relaxed);
    vec![
        Check { name: "spool".to_owned(), ready: status.state == State::Writing, detail: detail.to_owned() },
        Check {
            name: "events".to_owned(),
            ready: !stalled,
            detail: if stalled { "the newest batch could not be stored; it is tried again" } else { "" }
                .to_owned(),
        },
    ]
}

fn rule(meta: &correlator::Meta) -> RuleInfo {
    RuleInfo {
        id: meta.id.clone(),
        title: meta.title.clone(),
        title_vi: meta.title_vi.clone(),
        level: meta.level,
        layer: meta.layer.map(|layer| layer.to_string()).unwrap_or_default(),
        status: meta.status.clone(),
        kind: match meta.kind {
            RuleKind::Detection => "detection",
            RuleKind::Correlation => "correlation",
        },
        tags: meta.tags.clone(),
        matches_24h: None,
    }
}

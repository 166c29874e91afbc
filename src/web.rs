//! What the API needs of the other parts.

use crate::config::Config;
use crate::health::{self, Pulse};
use crate::ledger::Collectors;
use crate::metrics::{Metrics, Role};
use crate::progress::Progress;
use crate::rules::Live;
use api::{RuleInfo, SourceLedger};
use collector::intake::{Ledger, Source};
use collector::spool::Spool;
use correlator::RuleKind;
use event::Time;
use std::sync::Arc;
use store::{cases::Cases, events::Events};

/// A source that has been quiet for longer than this is shown as silent.
const SILENT_MS: i64 = 15 * 60_000;

/// The parts that the API speaks for.
pub(crate) struct Parts {
    config: api::Config,
    exchange: exchange::Config,
    report: report::Config,
    events: Events,
    cases: Cases,
    rules: Arc<Live>,
}

impl Parts {
    pub(crate) fn new(config: &Config, events: Events, cases: Cases, rules: Arc<Live>) -> Parts {
        let (limits, exchange) = (config.api.limits.clone(), config.exchange.clone());
        Parts { config: limits, exchange, report: config.report.clone(), events, cases, rules }
    }
}

/// The way of a line before the store, where it is in the same process.
pub(crate) struct Intake {
    pub(crate) spool: Arc<Spool>,
    /// The spool's limit.
    pub(crate) spool_bytes_max: u64,
    pub(crate) ledger: Arc<Ledger>,
    pub(crate) progress: Arc<Progress>,
}

/// The API's view of the parts.
pub(crate) fn state(parts: Parts, intake: Intake) -> api::State {
    let Intake { spool, spool_bytes_max, ledger, progress } = intake;
    let pulse = Pulse::new();
    pulse.follow_events(parts.events.clone());
    let ready: Arc<dyn Fn() -> Vec<api::Check> + Send + Sync> = {
        let (spool, progress) = (Arc::clone(&spool), Arc::clone(&progress));
        let pulse = Arc::clone(&pulse);
        Arc::new(move || vec![health::spool(&spool), pulse.events(Some(&progress.delivery))])
    };
    let metrics = Metrics {
        role: Role::Run,
        ready: Arc::clone(&ready),
        intake: Some((spool, spool_bytes_max, Arc::clone(&ledger))),
        progress,
        contacts: Arc::new(Vec::new),
        started: now(),
    };
    let ledger: Arc<dyn Fn() -> Vec<SourceLedger> + Send + Sync> = Arc::new(move || sources(&ledger, now()));
    answering(parts, ledger, metrics, &pulse)
}

/// The same without an intake: collectors are other processes, and tell their accounts.
pub(crate) fn alone(parts: Parts, collectors: Arc<Collectors>) -> api::State {
    let pulse = Pulse::new();
    pulse.follow_events(parts.events.clone());
    let known = Arc::clone(&pulse);
    let metrics = Metrics {
        role: Role::Serve,
        ready: Arc::new(move || vec![known.events(None)]),
        intake: None,
        progress: Arc::default(),
        contacts: Arc::new(Vec::new),
        started: now(),
    };
    answering(parts, Arc::new(move || collectors.sources(now())), metrics, &pulse)
}

fn answering(
    parts: Parts,
    ledger: Arc<dyn Fn() -> Vec<SourceLedger> + Send + Sync>,
    mut metrics: Metrics,
    pulse: &Arc<Pulse>,
) -> api::State {
    let Parts { config, exchange, report, events, cases, rules } = parts;
    // `/readyz` asks the cases' database itself.
    let ready = Arc::clone(&metrics.ready);
    pulse.follow_cases(cases.clone());
    metrics.ready = {
        let (ready, pulse, progress) = (Arc::clone(&ready), Arc::clone(pulse), Arc::clone(&metrics.progress));
        Arc::new(move || [ready(), vec![pulse.cases(&progress.telling)]].concat())
    };
    api::State {
        events,
        cases,
        rules: Arc::new(move || {
            let rules = rules.current();
            rules.metas().filter(|meta| !meta.id.is_empty()).map(rule).collect()
        }),
        ledger,
        ready,
        metrics: Arc::new(move |reports, out| metrics.write(reports, out)),
        clock: Arc::new(now),
        exchange,
        report,
        config,
    }
}

fn now() -> Time {
    Time(jiff::Timestamp::now().as_millisecond())
}

pub(crate) fn sources(ledger: &Ledger, now: Time) -> Vec<SourceLedger> {
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
        silent: is_silent(account.last_seen, now),
    };
    accounts.iter().map(line).collect()
}

/// Whether a source has been quiet for too long.
pub(crate) fn is_silent(last_seen: Time, now: Time) -> bool {
    now.0 - last_seen.0 > SILENT_MS
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

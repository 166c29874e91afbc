//! `/metrics` in Prometheus' text format, written from counters that the parts keep anyway.
//!
//! One table (`table`) says what there is; `deploy/metrics.md` is written from it, and a test compares it with what each
//! process shows.

mod process;
mod table;

use crate::kafka::Contact;
use crate::progress::{Delivery, Histogram, Progress};
use api::{Check, Reports};
use collector::intake::{Account, Ledger};
use collector::spool::{Spool, Status};
use correlator::Counters;
use event::Time;
use std::fmt::{Display, Write as _};
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};

/// Which process this is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    Run,
    Collect,
    Correlate,
    Serve,
}

impl Role {
    /// Its subcommand.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Role::Run => "run",
            Role::Collect => "collect",
            Role::Correlate => "correlate",
            Role::Serve => "serve",
        }
    }
}

/// What is measured.
pub(crate) struct Metrics {
    pub(crate) role: Role,
    pub(crate) ready: Arc<dyn Fn() -> Vec<Check> + Send + Sync>,
    pub(crate) intake: Option<(Arc<Spool>, u64, Arc<Ledger>)>,
    pub(crate) progress: Arc<Progress>,
    pub(crate) contacts: Arc<dyn Fn() -> Vec<Contact> + Send + Sync>,
    /// When the process started.
    pub(crate) started: Time,
}

/// Everything at one moment.
struct Now<'m> {
    role: Role,
    started: Time,
    progress: &'m Progress,
    checks: Vec<Check>,
    contacts: Vec<Contact>,
    reports: Option<Reports>,
    accounts: Account,
    sources: usize,
    spool: Option<Status>,
    spool_bytes_max: u64,
    correlator: Counters,
    process: process::Usage,
}

impl Metrics {
    pub(crate) fn write(&self, reports: Option<Reports>, out: &mut String) {
        let (accounts, sources) = self.accounts();
        let now = Now {
            role: self.role,
            started: self.started,
            progress: &self.progress,
            checks: (self.ready)(),
            contacts: (self.contacts)(),
            reports,
            accounts,
            sources,
            spool: self.intake.as_ref().map(|(spool, ..)| spool.status()),
            spool_bytes_max: self.intake.as_ref().map_or(0, |(_, bytes_max, _)| *bytes_max),
            correlator: *self.progress.correlator.lock().unwrap_or_else(PoisonError::into_inner),
            process: process::Usage::read(),
        };
        for metric in table::METRICS.iter().filter(|metric| metric.roles.contains(&self.role)) {
            // Writing to a String cannot fail.
            let _ =
                writeln!(out, "# HELP {0} {1}\n# TYPE {0} {2}", metric.name, metric.help, metric.kind.word());
            (metric.read)(&now, &mut Series { name: metric.name, labels: metric.labels, out });
        }
    }

    /// Totals over all sources: a label for each source would let any sender make as many series as it likes.
    fn accounts(&self) -> (Account, usize) {
        let all = self.intake.as_ref().map(|(.., ledger)| ledger.snapshot()).unwrap_or_default();
        let total = all.iter().fold(Account::default(), |sum, (_, account)| Account {
            received: sum.received + account.received,
            rejected: sum.rejected + account.rejected,
            stored: sum.stored + account.stored,
            cut: sum.cut + account.cut,
            empty: sum.empty + account.empty,
            bytes: sum.bytes + account.bytes,
            last_seen: sum.last_seen.max(account.last_seen),
        });
        (total, all.len())
    }
}

/// What a metric may do.
#[derive(Clone, Copy)]
enum Kind {
    Counter,
    Gauge,
    Histogram,
}

impl Kind {
    fn word(self) -> &'static str {
        match self {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram => "histogram",
        }
    }
}

/// One metric: its line of the documentation, and where its values come from.
struct Metric {
    name: &'static str,
    kind: Kind,
    /// What tells its series apart, if anything does.
    labels: &'static [&'static str],
    roles: &'static [Role],
    help: &'static str,
    read: fn(&Now<'_>, &mut Series<'_>),
}

/// Where a metric's values go.
struct Series<'o> {
    name: &'static str,
    labels: &'static [&'static str],
    out: &'o mut String,
}

impl Series<'_> {
    fn put(&mut self, value: impl Display) {
        let _ = writeln!(self.out, "{} {value}", self.name);
    }

    /// The value of the series whose labels have these texts.
    fn put_of(&mut self, texts: &[&str], value: impl Display) {
        let _ = write!(self.out, "{}{{", self.name);
        for (nth, (label, text)) in self.labels.iter().zip(texts).enumerate() {
            let comma = if nth == 0 { "" } else { "," };
            let text = text.replace('\\', r"\\").replace('"', "\\\"").replace('\n', r"\n");
            let _ = write!(self.out, "{comma}{label}=\"{text}\"");
        }
        let _ = writeln!(self.out, "}} {value}");
    }

    fn put_time(&mut self, delivery: &Delivery) {
        self.put(seconds(delivery.last.load(Ordering::Relaxed).max(0).unsigned_abs()));
    }

    fn put_histogram(&mut self, histogram: &Histogram) {
        let (name, (counts, sum_ms)) = (self.name, histogram.read());
        let count = counts.last().map_or(0, |last| last.1);
        for (bound_ms, count) in counts {
            let bound = bound_ms.map_or_else(|| "+Inf".to_owned(), seconds);
            let _ = writeln!(self.out, "{name}_bucket{{le=\"{bound}\"}} {count}");
        }
        let _ = writeln!(self.out, "{name}_sum {}\n{name}_count {count}", seconds(sum_ms));
    }
}

/// Milliseconds as Prometheus' unit, without a float in between.
fn seconds(ms: u64) -> String {
    match ms % 1000 {
        0 => (ms / 1000).to_string(),
        rest => format!("{}.{rest:03}", ms / 1000).trim_end_matches('0').to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The table of `deploy/metrics.md`.
    fn table() -> String {
        let mut out =
            String::from("| Metric | Type | Labels | Shown by | What it is |\n|---|---|---|---|---|\n");
        for metric in table::METRICS {
            let list = |words: Vec<&str>| words.join(", ");
            let roles = list(metric.roles.iter().map(|role| role.word()).collect());
            let labels = list(metric.labels.to_vec());
            let kind = metric.kind.word();
            out += &format!("| `{}` | {kind} | {labels} | {roles} | {} |\n", metric.name, metric.help);
        }
        out
    }

    /// `UPDATE_EXPECT=1 cargo test` writes it.
    #[test]
    fn the_page_of_metrics_is_what_the_table_says() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/deploy/metrics.md");
        let page = std::fs::read_to_string(path).unwrap();
        let (begin, end) = ("<!-- metrics: written by a test -->\n", "<!-- end of metrics -->\n");
        let (before, rest) = page.split_once(begin).unwrap();
        let (written, after) = rest.split_once(end).unwrap();
        if std::env::vars_os().any(|(name, _)| name == "UPDATE_EXPECT") {
            std::fs::write(path, format!("{before}{begin}{}{end}{after}", table())).unwrap();
        } else {
            assert_eq!(written, table(), "UPDATE_EXPECT=1 cargo test --bin haidang writes it");
        }
    }

    #[test]
    fn names_say_what_they_count_and_in_which_unit() {
        for metric in table::METRICS {
            let is_total = metric.name.ends_with("_total");
            assert_eq!(is_total, matches!(metric.kind, Kind::Counter), "{}", metric.name);
            assert!(metric.name.starts_with("haidang_") || metric.name.starts_with("process_"));
            assert!(!metric.help.contains('|') && metric.help.ends_with('.'), "{}", metric.name);
            assert_eq!(table::METRICS.iter().filter(|other| other.name == metric.name).count(), 1);
        }
    }

    #[test]
    fn labels_are_escaped_and_times_are_seconds() {
        let mut out = String::new();
        let mut series = Series { name: "m", labels: &["a", "b"], out: &mut out };
        series.put_of(&["x\"\\\n", "y"], seconds(1500));
        assert_eq!(out, "m{a=\"x\\\"\\\\\\n\",b=\"y\"} 1.5\n");
        assert_eq!((seconds(2000), seconds(50)), ("2".to_owned(), "0.05".to_owned()));
    }
}

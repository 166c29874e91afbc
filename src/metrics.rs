//! `/metrics` in Prometheus' text format, written from counters that the parts keep anyway.

use crate::pipeline::Progress;
use collector::intake::Ledger;
use collector::spool::{Spool, State};
use std::fmt::{Display, Write as _};
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};

/// What is measured.
pub(crate) struct Metrics {
    pub(crate) spool: Arc<Spool>,
    pub(crate) ledger: Arc<Ledger>,
    pub(crate) progress: Arc<Progress>,
}

impl Metrics {
    pub(crate) fn write(&self, out: &mut String) {
        self.intake(out);
        self.spool(out);
        self.pipeline(out);
        self.correlator(out);
    }

    /// Totals over all sources: a label for each source would let any sender make as many series as it likes.
    fn intake(&self, out: &mut String) {
        let accounts = self.ledger.snapshot();
        let sum = |of: fn(&collector::intake::Account) -> u64| {
            accounts.iter().map(|(_, account)| of(account)).sum::<u64>()
        };
        counter(out, "haidang_intake_lines_total", "Lines received.", sum(|a| a.received));
        counter(out, "haidang_intake_bytes_total", "Bytes of lines received.", sum(|a| a.bytes));
        counter(out, "haidang_intake_rejected_lines_total", "Lines dropped at a limit.", sum(|a| a.rejected));
        counter(out, "haidang_intake_cut_lines_total", "Lines cut to line_bytes_max.", sum(|a| a.cut));
        counter(out, "haidang_intake_empty_frames_total", "Empty frames skipped.", sum(|a| a.empty));
        gauge(out, "haidang_intake_sources", "Sources seen.", accounts.len());
    }

    fn spool(&self, out: &mut String) {
        let status = self.spool.status();
        gauge(out, "haidang_spool_disk_bytes", "Bytes of the spool on disk.", status.disk_bytes);
        gauge(
            out,
            "haidang_spool_queue_bytes",
            "Bytes that wait in memory to be written.",
            status.queue_bytes,
        );
        counter(
            out,
            "haidang_spool_durable_lines_total",
            "Number after the last durable line.",
            status.durable,
        );
        let writing = u8::from(status.state == State::Writing);
        gauge(
            out,
            "haidang_spool_writing",
            "1 while the spool takes lines, 0 at its limit or when the disk refuses.",
            writing,
        );
    }

    fn pipeline(&self, out: &mut String) {
        let progress = &self.progress;
        let of = |counter: &std::sync::atomic::AtomicU64| counter.load(Ordering::Relaxed);
        counter(out, "haidang_stored_events_total", "Events stored.", of(&progress.lines));
        counter(
            out,
            "haidang_malformed_events_total",
            "Events whose parser recognised the line but could not read it.",
            of(&progress.malformed),
        );
        counter(out, "haidang_matches_total", "Events that met a rule.", of(&progress.matches));
        counter(
            out,
            "haidang_alerts_total",
            "Alerts told, changes of one counted again.",
            of(&progress.alerts),
        );
        counter(out, "haidang_batches_total", "Batches stored.", of(&progress.batches));
        counter(
            out,
            "haidang_store_failures_total",
            "Attempts to store a batch that failed.",
            of(&progress.store_failures),
        );
        counter(
            out,
            "haidang_rule_reloads_total",
            "Times the rules were read again.",
            of(&progress.rule_reloads),
        );
        counter(
            out,
            "haidang_rule_reload_failures_total",
            "Times a problem in a file kept the rules as they were.",
            of(&progress.rule_reload_failures),
        );
    }

    fn correlator(&self, out: &mut String) {
        let counters = *self.progress.correlator.lock().unwrap_or_else(PoisonError::into_inner);
        counter(out, "haidang_late_matches_total", "Matches too late for their windows.", counters.late);
        counter(
            out,
            "haidang_ungrouped_matches_total",
            "Matches without a field that their correlation needs.",
            counters.ungrouped,
        );
        counter(
            out,
            "haidang_evicted_groups_total",
            "Window groups let go at rule_bytes_max.",
            counters.groups_evicted,
        );
        counter(
            out,
            "haidang_evicted_matches_total",
            "Matches of window groups let go at rule_bytes_max.",
            counters.matches_evicted,
        );
        counter(
            out,
            "haidang_hidden_alerts_total",
            "Alarm: groups or matches let go that might still have come to an alert.",
            counters.alerts_hidden,
        );
        counter(
            out,
            "haidang_evicted_singles_total",
            "Open alerts of single events let go.",
            counters.singles_evicted,
        );
        counter(
            out,
            "haidang_evicted_alerts_total",
            "Alerts let go at incident_alerts_max.",
            counters.alerts_evicted,
        );
        counter(
            out,
            "haidang_suppressed_alerts_total",
            "Alerts held back by a suppression.",
            counters.suppressed,
        );
        counter(
            out,
            "haidang_evicted_suppressions_total",
            "Groups of suppressed alerts let go at suppressed_max.",
            counters.suppressions_evicted,
        );
    }
}

fn counter(out: &mut String, name: &str, help: &str, value: impl Display) {
    sample(out, "counter", name, help, value);
}

fn gauge(out: &mut String, name: &str, help: &str, value: impl Display) {
    sample(out, "gauge", name, help, value);
}

fn sample(out: &mut String, kind: &str, name: &str, help: &str, value: impl Display) {
    // Writing to a String cannot fail.
    let _ = writeln!(out, "# HELP {name} {help}\n# TYPE {name} {kind}\n{name} {value}");
}

//! Every metric there is.

use super::Kind::{self, Counter, Gauge};
use super::Role::{Collect, Correlate, Run, Serve};
use super::{Metric, Now, Role, Series, seconds};
use std::sync::atomic::{AtomicU64, Ordering};

const EVERY: &[Role] = &[Run, Collect, Correlate, Serve];
const INTAKE: &[Role] = &[Run, Collect];
const STORING: &[Role] = &[Run, Correlate];
const CASES: &[Role] = &[Run, Serve];
const BATCHES: &[Role] = &[Run, Collect, Correlate];

type Read = fn(&Now<'_>, &mut Series<'_>);

const fn metric(
    name: &'static str,
    kind: Kind,
    roles: &'static [Role],
    help: &'static str,
    read: Read,
) -> Metric {
    Metric { name, kind, labels: &[], roles, help, read }
}

const fn labelled(
    name: &'static str,
    labels: &'static [&'static str],
    roles: &'static [Role],
    help: &'static str,
    read: Read,
) -> Metric {
    Metric { name, kind: Gauge, labels, roles, help, read }
}

fn of(counter: &AtomicU64) -> u64 {
    counter.load(Ordering::Relaxed)
}

#[rustfmt::skip]
pub(super) const METRICS: &[Metric] = &[
    labelled("haidang_build_info", &["role", "version"], EVERY,
        "1; its labels say which process of which version this is.",
        |now, out| out.put_of(&[now.role.word(), env!("CARGO_PKG_VERSION")], 1)),
    labelled("haidang_ready", &["check"], EVERY,
        "What `/readyz` says of each part: 1 if it works, 0 if not.",
        |now, out| for check in &now.checks { out.put_of(&[&check.name], u8::from(check.ready)); }),

    metric("haidang_intake_lines_total", Counter, INTAKE, "Lines received.", |now, out| out.put(now.accounts.received)),
    metric("haidang_intake_bytes_total", Counter, INTAKE, "Bytes of lines received.",
        |now, out| out.put(now.accounts.bytes)),
    metric("haidang_intake_rejected_lines_total", Counter, INTAKE,
        "Lines lost: dropped because the spool was full and the sender cannot wait (UDP).",
        |now, out| out.put(now.accounts.rejected)),
    metric("haidang_intake_cut_lines_total", Counter, INTAKE, "Lines cut to `line_bytes_max`.",
        |now, out| out.put(now.accounts.cut)),
    metric("haidang_intake_empty_frames_total", Counter, INTAKE, "Empty frames skipped.",
        |now, out| out.put(now.accounts.empty)),
    metric("haidang_intake_sources", Gauge, INTAKE, "Sources seen.", |now, out| out.put(now.sources)),
    metric("haidang_intake_last_timestamp_seconds", Gauge, INTAKE, "When the newest line was received; 0 before the first.",
        |now, out| out.put(seconds(now.accounts.last_seen.0.max(0).unsigned_abs()))),

    metric("haidang_spool_disk_bytes", Gauge, INTAKE, "Bytes of the spool on disk.",
        |now, out| out.put(now.spool.as_ref().map_or(0, |spool| spool.disk_bytes))),
    metric("haidang_spool_disk_bytes_max", Gauge, INTAKE, "Its limit, `collector.spool.bytes_max`.",
        |now, out| out.put(now.spool_bytes_max)),
    metric("haidang_spool_queue_bytes", Gauge, INTAKE, "Bytes that wait in memory to be written.",
        |now, out| out.put(now.spool.as_ref().map_or(0, |spool| spool.queue_bytes))),
    metric("haidang_spool_durable_lines_total", Counter, INTAKE, "Number after the last durable line.",
        |now, out| out.put(now.spool.as_ref().map_or(0, |spool| spool.durable))),
    metric("haidang_spool_waiting_lines", Gauge, INTAKE, "Durable lines that were not delivered yet.",
        |now, out| out.put(now.spool.as_ref().map_or(0, |spool| spool.durable.saturating_sub(of(&now.progress.done).max(1))))),
    metric("haidang_spool_writing", Gauge, INTAKE,
        "1 while the spool takes lines, 0 at its limit or when the disk refuses.",
        |now, out| out.put(u8::from(now.spool.as_ref().is_some_and(|spool| spool.state == collector::spool::State::Writing)))),

    metric("haidang_sent_events_total", Counter, &[Collect], "Events that the brokers have.",
        |now, out| out.put(of(&now.progress.lines))),
    metric("haidang_stored_events_total", Counter, STORING, "Events stored.", |now, out| out.put(of(&now.progress.lines))),
    metric("haidang_malformed_events_total", Counter, BATCHES,
        "Events whose parser recognised the line but could not read it; they are kept.",
        |now, out| out.put(of(&now.progress.malformed))),
    metric("haidang_batches_total", Counter, BATCHES, "Batches delivered.", |now, out| out.put(of(&now.progress.batches))),
    metric("haidang_delivery_seconds", Kind::Histogram, BATCHES,
        "For each batch, from its oldest line's receipt until the store (`collect`: the brokers) had it.",
        |now, out| out.put_histogram(&now.progress.delivery.delays)),
    metric("haidang_delivery_last_timestamp_seconds", Gauge, BATCHES, "When a batch was last delivered; 0 before the first.",
        |now, out| out.put_time(&now.progress.delivery)),
    metric("haidang_send_failures_total", Counter, &[Collect],
        "Attempts to send a batch that failed; it is tried until it succeeds.",
        |now, out| out.put(of(&now.progress.delivery.failures))),
    metric("haidang_store_failures_total", Counter, STORING,
        "Attempts to store a batch that failed; it is tried until it succeeds.",
        |now, out| out.put(of(&now.progress.delivery.failures))),

    metric("haidang_matches_total", Counter, STORING, "Events that met a rule.", |now, out| out.put(of(&now.progress.matches))),
    metric("haidang_alerts_total", Counter, STORING, "Alerts told, changes of one counted again.",
        |now, out| out.put(of(&now.progress.alerts))),
    metric("haidang_rule_reloads_total", Counter, STORING, "Times the rules were read again.",
        |now, out| out.put(of(&now.progress.rule_reloads))),
    metric("haidang_rule_reload_failures_total", Counter, STORING,
        "Times a problem in a file kept the rules as they were.",
        |now, out| out.put(of(&now.progress.rule_reload_failures))),
    metric("haidang_late_matches_total", Counter, STORING, "Matches too late for their windows.",
        |now, out| out.put(now.correlator.late)),
    metric("haidang_ungrouped_matches_total", Counter, STORING, "Matches without a field that their correlation needs.",
        |now, out| out.put(now.correlator.ungrouped)),
    metric("haidang_evicted_groups_total", Counter, STORING, "Window groups let go at `rule_bytes_max`.",
        |now, out| out.put(now.correlator.groups_evicted)),
    metric("haidang_evicted_matches_total", Counter, STORING, "Matches of window groups let go at `rule_bytes_max`.",
        |now, out| out.put(now.correlator.matches_evicted)),
    metric("haidang_hidden_alerts_total", Counter, STORING,
        "Alarm: groups or matches let go that might still have come to an alert.",
        |now, out| out.put(now.correlator.alerts_hidden)),
    metric("haidang_evicted_singles_total", Counter, STORING, "Open alerts of single events let go.",
        |now, out| out.put(now.correlator.singles_evicted)),
    metric("haidang_evicted_alerts_total", Counter, STORING, "Alerts let go at `incident_alerts_max`.",
        |now, out| out.put(now.correlator.alerts_evicted)),
    metric("haidang_suppressed_alerts_total", Counter, STORING, "Alerts held back by a suppression.",
        |now, out| out.put(now.correlator.suppressed)),
    metric("haidang_evicted_suppressions_total", Counter, STORING, "Groups of suppressed alerts let go at `suppressed_max`.",
        |now, out| out.put(now.correlator.suppressions_evicted)),

    labelled("haidang_kafka_partitions", &["topic"], &[Correlate],
        "Partitions of the topic that this process has; who has that of `matches` has the windows.",
        |now, out| for contact in &now.contacts { out.put_of(&[&contact.topic], contact.lags.len()); }),
    labelled("haidang_kafka_lag_records", &["topic", "partition"], &[Correlate],
        "Records of each partition of ours that were not taken yet. Markers of transactions count, so 1 is none.",
        |now, out| for contact in &now.contacts {
            for (partition, lag) in &contact.lags {
                out.put_of(&[&contact.topic, &partition.to_string()], lag);
            }
        }),
    labelled("haidang_kafka_silent_seconds", &["topic"], &[Correlate],
        "For how long no broker has said anything to the topic's reader.",
        |now, out| for contact in &now.contacts {
            let silent = contact.silent.map_or_else(|| "+Inf".to_owned(), |silent| silent.as_secs().to_string());
            out.put_of(&[&contact.topic], silent);
        }),
    metric("haidang_kafka_dead_letters_total", Counter, &[Correlate],
        "Records that nobody could read; they stand in `dead-letters`.", |now, out| out.put(of(&now.progress.dead))),
    metric("haidang_windows_held_matches", Gauge, &[Correlate],
        "Matches that wait because another partition of `events` is behind.",
        |now, out| out.put(of(&now.progress.held))),
    metric("haidang_windows_hurried_matches_total", Counter, &[Correlate],
        "Matches that went on without waiting, because too many did.", |now, out| out.put(of(&now.progress.hurried))),
    metric("haidang_tell_failures_total", Counter, &[Correlate],
        "Attempts to tell alerts and incidents that failed; they are told until it succeeds.",
        |now, out| out.put(of(&now.progress.telling.failures))),

    metric("haidang_reports_owed", Gauge, CASES, "Incidents that owe a report to the authority.",
        |now, out| if let Some(reports) = now.reports { out.put(reports.owed); }),
    metric("haidang_reports_overdue", Gauge, CASES, "Those of them whose deadline is over.",
        |now, out| if let Some(reports) = now.reports { out.put(reports.overdue); }),

    metric("process_start_time_seconds", Gauge, EVERY, "When the process started.",
        |now, out| out.put(seconds(now.started.0.max(0).unsigned_abs()))),
    metric("process_cpu_seconds_total", Counter, EVERY, "Processor time taken; the engine's own process counts apart.",
        |now, out| out.put(seconds(now.process.processor_ms))),
    metric("process_resident_memory_bytes", Gauge, EVERY, "Resident memory, without the engine's own process.",
        |now, out| out.put(now.process.resident_bytes)),
    metric("process_open_fds", Gauge, EVERY, "Open files and connections.", |now, out| out.put(now.process.open_files)),
    metric("process_max_fds", Gauge, EVERY, "Their limit.", |now, out| out.put(now.process.open_files_max)),
];

//! What the correlator may hold, how long it waits, and what it counts at its limits.

use crate::watermark::Patience;
use event::Entity;
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};

/// Limits of the correlator's memory and patience. What the order of arrival decides, it decides beyond these only.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// How far an event may claim to be ahead of its receipt before its receipt counts instead, in ms.
    pub ahead_ms_max: i64,
    /// How late a match may come and still be counted, in ms, behind the slowest source that is alive. A later one is
    /// kept as a match, counted by no window and added to [`Counters::late`].
    pub lateness_ms: i64,
    /// The same for sources that store and forward, by the collector's address or the unit: how long after it happened a
    /// match of theirs may be received. Verdicts that wait for a window to close wait for them, and memory holds as much.
    pub lateness_of_ms: BTreeMap<String, i64>,
    /// After how long without a match a source holds nobody back, in ms of receipt.
    pub idle_ms: i64,
    /// How many sources are told apart; beyond, a sixteenth goes, the quietest first.
    pub sources_max: usize,
    /// How many bytes the windows of one correlation rule take, whatever the others take: about 200 for each group and
    /// 40 for each further match, with its entities' names 100; at most 4 GiB. Beyond, a sixteenth of its groups goes, the quietest first; a group that alone takes
    /// more than half loses its older matches instead.
    pub rule_bytes_max: usize,
    /// How many alerts of single events are open; beyond, a sixteenth goes, the quietest first.
    pub singles_max: usize,
    /// How many alerts suppression keeps, told and held back; beyond, the groups go that were quiet the longest, until a
    /// sixteenth has room again: what follows in them is told anew.
    pub suppressed_max: usize,
    /// How far apart in time two alerts of one incident may be, in ms.
    pub incident_gap_ms: i64,
    /// How many alerts are kept to be linked; beyond, a sixteenth goes, the oldest first.
    pub incident_alerts_max: usize,
    /// An entity that more alerts name links none of them.
    pub entity_alerts_max: usize,
    /// Names of users, hosts and addresses that link no alerts: accounts that every machine has, gateways, collectors.
    pub shared_entities: BTreeSet<String>,
}

impl Default for Limits {
    fn default() -> Limits {
        let shared = [
            "root",
            "administrator",
            "admin",
            "system",
            "localhost",
            "127.0.0.1",
            "::1",
            "0.0.0.0",
            "255.255.255.255",
        ];
        Limits {
            ahead_ms_max: 300_000,
            lateness_ms: 600_000,
            lateness_of_ms: BTreeMap::new(),
            idle_ms: 600_000,
            sources_max: 4096,
            rule_bytes_max: 64 << 20,
            singles_max: 50_000,
            suppressed_max: 50_000,
            incident_gap_ms: 4 * 3_600_000,
            incident_alerts_max: 20_000,
            entity_alerts_max: 256,
            shared_entities: shared.map(str::to_owned).into(),
        }
    }
}

impl Limits {
    /// For events at rest: however late a match comes, it is counted. [`Correlator::finish`] ends them.
    #[must_use]
    pub fn offline() -> Limits {
        Limits { lateness_ms: i64::MAX / 4, rule_bytes_max: 1 << 30, ..Limits::default() }
    }

    pub(crate) fn is_shared(&self, entity: &Entity) -> bool {
        self.shared_entities.contains(&entity.name)
    }

    pub(crate) fn patience(&self) -> Patience<'_> {
        Patience {
            lateness_ms: self.lateness_ms,
            lateness_of_ms: &self.lateness_of_ms,
            idle_ms: self.idle_ms,
            sources_max: self.sources_max,
        }
    }
}

/// What was left out, and why; each only grows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Events that met a rule and were left out by a filter.
    pub filtered: u64,
    /// Matches that came too late for their windows.
    pub late: u64,
    /// Matches without a field that their correlation groups by or counts, or without a number where it sums.
    pub ungrouped: u64,
    /// Groups let go because their rule had no room.
    pub groups_evicted: u64,
    /// Matches let go because their group took too much of its rule's room.
    pub matches_evicted: u64,
    /// How often one of these might still have come to an alert: an alarm. [`Correlator::evicted`] tells the rules.
    pub alerts_hidden: u64,
    /// Open alerts of single events let go.
    pub singles_evicted: u64,
    /// Alerts held back by a suppression.
    pub suppressed: u64,
    /// Groups of suppressed alerts let go.
    pub suppressions_evicted: u64,
    /// Alerts let go because too many were kept to be linked.
    pub alerts_evicted: u64,
}

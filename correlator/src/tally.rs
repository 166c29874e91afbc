//! What the matches of a window come to, kept while it slides: each match costs the same when it comes and when it
//! goes, however many the window holds. Sums are exact, so they do not depend on the way by which a window was reached.

use crate::distinct::Distinct;
use crate::entry::Entry;
use crate::matches::Matches;
use crate::ranked::Ranked;
use crate::resolve::CorrelationRule;
use crate::sigma::correlation::Measure;
use event::{EventId, Time};
use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

/// Sums are in units of a billionth.
const UNIT: f64 = 1e9;
/// Numbers beyond are taken for this one in sums.
const SUMMAND_MAX: f64 = 1e18;

#[derive(Debug)]
pub(crate) enum Tally {
    Values(Distinct),
    Alerts(Alerts),
    Sum(i128, u64),
    Ranked(Ranked),
    /// How often each rule was met.
    Rules(Vec<u32>),
    InOrder(Chains),
}

/// Alerts of inner correlations: matches at which one holds are of one alert while they follow each other within its
/// timespan. Told in order of time only.
#[derive(Debug, Default)]
pub(crate) struct Alerts {
    distinct: Distinct,
    /// By inner group: when its alert last held, and the alert.
    latest: HashMap<u64, (i64, u64)>,
    /// At how many of those the old ones are let go.
    latest_max: usize,
}

/// How far the rules were met one after the other.
#[derive(Debug)]
pub(crate) struct Chains {
    /// For each rule, the latest beginning of a chain that has come as far.
    starts: Vec<Option<i64>>,
    /// The chains of the event that came last, which may not link to itself.
    pending: Vec<(usize, i64)>,
    event: EventId,
    complete: bool,
}

impl Tally {
    /// `None`: the number of matches says it all.
    pub(crate) fn of(rule: &CorrelationRule) -> Option<Tally> {
        let rules = rule.correlation.rules.len();
        Some(match &rule.correlation.measure {
            Measure::Events if !rule.is_over_alerts() => return None,
            Measure::Events => Tally::Alerts(Alerts::default()),
            Measure::Values(_) => Tally::Values(Distinct::default()),
            Measure::Sum(_) | Measure::Average(_) => Tally::Sum(0, 0),
            Measure::Percentile(_, rank) => Tally::Ranked(Ranked::new(*rank)),
            Measure::Rules(_) => Tally::Rules(vec![0; rules]),
            Measure::RulesInOrder => Tally::InOrder(Chains {
                starts: vec![None; rules],
                pending: Vec::new(),
                event: EventId::default(),
                complete: false,
            }),
        })
    }

    /// The match at `at`, the next in order, comes in; the window begins at the match at `left`, or at the time `from`.
    pub(crate) fn enter(
        &mut self,
        matches: &mut Matches,
        left: usize,
        at: usize,
        from: Time,
        rule: &CorrelationRule,
    ) {
        let Some(entry) = matches.get_mut(at) else { return };
        match self {
            Tally::Values(distinct) => distinct.enter(matches, left, at),
            Tally::Alerts(alerts) => {
                alerts.enter(entry, from, rule);
                alerts.distinct.enter(matches, left, at);
            }
            Tally::Sum(sum, count) => {
                *sum += units(entry.counted);
                *count += 1;
            }
            Tally::Ranked(ranked) => ranked.put(entry.counted),
            Tally::Rules(counts) => {
                if let Some(count) = counts.get_mut(usize::from(entry.rule)) {
                    *count += 1;
                }
            }
            Tally::InOrder(chains) => chains.enter(entry, from.0),
        }
    }

    /// The first match of the window leaves it.
    pub(crate) fn leave(&mut self, entry: &Entry) {
        match self {
            Tally::Values(distinct) | Tally::Alerts(Alerts { distinct, .. }) => distinct.leave(entry.again),
            Tally::Sum(sum, count) => {
                *sum -= units(entry.counted);
                *count = count.saturating_sub(1);
            }
            Tally::Ranked(ranked) => ranked.take(entry.counted),
            Tally::Rules(counts) => {
                if let Some(count) = counts.get_mut(usize::from(entry.rule)) {
                    *count = count.saturating_sub(1);
                }
            }
            Tally::InOrder(_) => {} // a chain that began too early is passed over
        }
    }

    /// Whether the window that ends at the match that came in last meets the rule.
    pub(crate) fn meets(&self, rule: &CorrelationRule) -> bool {
        let bounds = &rule.correlation.bounds;
        let number = match self {
            Tally::Values(distinct) | Tally::Alerts(Alerts { distinct, .. }) => count(distinct.count()),
            #[allow(clippy::cast_precision_loss, reason = "the nearest number is compared")]
            Tally::Sum(sum, count) => match rule.correlation.measure {
                Measure::Average(_) => *sum as f64 / (*count as f64 * UNIT),
                _ => *sum as f64 / UNIT,
            },
            Tally::Ranked(ranked) => return ranked.value().is_some_and(|value| bounds.holds(value)),
            Tally::Rules(counts) => {
                let met = |at: usize| counts.get(at).is_some_and(|count| *count > 0);
                if let Measure::Rules(Some(condition)) = &rule.correlation.measure {
                    return condition.holds(&mut |at| met(at));
                }
                count((0..counts.len()).filter(|at| met(*at)).count())
            }
            Tally::InOrder(chains) => return chains.complete,
        };
        bounds.holds(number)
    }

    /// The first `count` matches are forgotten.
    pub(crate) fn forget(&mut self, count: usize) {
        if let Tally::Values(distinct) | Tally::Alerts(Alerts { distinct, .. }) = self {
            distinct.forget(count);
        }
    }

    /// Gives back the room of what is gone. The window begins at the match at `left`, and `next` comes next.
    pub(crate) fn shrink(&mut self, left: usize, next: usize) {
        if let Tally::Values(distinct) | Tally::Alerts(Alerts { distinct, .. }) = self {
            distinct.shrink(left, next);
        }
    }

    /// About what it takes in memory beside itself.
    pub(crate) fn bytes(&self) -> usize {
        match self {
            Tally::Values(distinct) => distinct.bytes(),
            Tally::Alerts(alerts) => alerts.distinct.bytes() + alerts.latest.capacity() * 28,
            Tally::Ranked(ranked) => ranked.bytes(),
            Tally::Rules(counts) => counts.capacity() * 4,
            Tally::InOrder(chains) => chains.starts.capacity() * 16 + chains.pending.capacity() * 16,
            Tally::Sum(..) => 0,
        }
    }
}

/// Whether the rule holds of a timespan without any match.
pub(crate) fn meets_nothing(rule: &CorrelationRule) -> bool {
    match &rule.correlation.measure {
        Measure::Events | Measure::Values(_) | Measure::Sum(_) | Measure::Rules(None) => {
            rule.correlation.bounds.holds(0.0)
        }
        Measure::Rules(Some(condition)) => condition.holds(&mut |_| false),
        Measure::Average(_) | Measure::Percentile(..) | Measure::RulesInOrder => false,
    }
}

/// A count as the bounds compare it.
pub(crate) fn count(number: usize) -> f64 {
    u32::try_from(number).map_or(f64::from(u32::MAX), f64::from)
}

/// A number, given by its bits, in units.
#[allow(clippy::cast_possible_truncation, reason = "clamped to what fits")]
fn units(bits: u64) -> i128 {
    (f64::from_bits(bits).clamp(-SUMMAND_MAX, SUMMAND_MAX) * UNIT).round() as i128
}

impl Alerts {
    fn enter(&mut self, entry: &mut Entry, from: Time, rule: &CorrelationRule) {
        let mut hasher = DefaultHasher::new();
        (entry.rule, entry.counted, entry.key()).hash(&mut hasher);
        let new = hasher.finish();
        let alert = match rule.inner_ms(entry.rule) {
            None => new,
            Some(timespan_ms) => {
                let inner = entry.counted ^ u64::from(entry.rule);
                let (time, alert) = self.latest.get(&inner).copied().unwrap_or((i64::MIN, new));
                let alert = if entry.time.saturating_sub(time) <= timespan_ms { alert } else { new };
                self.latest.insert(inner, (entry.time, alert));
                alert
            }
        };
        // Alerts that no match of the window could go on with are forgotten now and then.
        if self.latest.len() > self.latest_max {
            let since = from.0.saturating_sub(rule.inner_ms_max());
            self.latest.retain(|_, (time, _)| *time >= since);
            self.latest_max = 64 + 2 * self.latest.len();
        }
        entry.counted = alert;
    }
}

impl Chains {
    fn enter(&mut self, entry: &Entry, from: i64) {
        self.complete = false;
        if self.event != entry.event() {
            self.event = entry.event();
            for (rule, start) in std::mem::take(&mut self.pending) {
                self.starts[rule] = self.starts[rule].max(Some(start));
            }
        }
        let rule = usize::from(entry.rule);
        let start = match rule.checked_sub(1) {
            None => Some(entry.time),
            Some(before) => self.starts.get(before).copied().flatten().filter(|start| *start >= from),
        };
        let Some(start) = start.filter(|_| rule < self.starts.len()) else { return };
        self.pending.push((rule, start));
        self.complete = rule + 1 == self.starts.len();
    }
}

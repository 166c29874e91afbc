//! Correlations and the rules they refer to: which fields of a match make its group, what of it is counted, and which
//! correlations look at the alerts of others.

use crate::episode::{Episode, Key};
use crate::found::{entity_name, kind_of};
use crate::record::{FieldRef, Target};
use crate::ruleset::{DetectionRule, RuleSet};
use crate::sigma::correlation::{Correlation, Measure, Verdict};
use crate::sigma::detection::Problem;
use crate::sigma::logsource::Pipelines;
use crate::sigma::meta::{Meta, RuleKind};
use crate::sigma::pattern::folded;
use crate::suppression::Held;
use event::{Alert, Because, Entity, EntityKind, Match, derived_id};
use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use uuid::Uuid;

/// How many correlations may stand one upon the other.
const CHAIN_MAX: usize = 8;

/// A correlation whose references are resolved. Inner correlations come before outer ones in the rule set.
#[derive(Debug)]
pub(crate) struct CorrelationRule {
    pub(crate) meta: Meta,
    pub(crate) correlation: Correlation,
    /// What each rule it refers to gives.
    inputs: Vec<Input>,
    /// The group's fields as an alert names them, and what kind of entity each is.
    names: Vec<(String, Option<EntityKind>)>,
    pub(crate) verdict: Verdict,
    /// See [`Correlation::matches_min`].
    pub(crate) matches_min: usize,
    /// How far behind the floor its matches may come, because inner windows tell them when they close.
    pub(crate) behind_ms: i64,
    /// How far back a match can matter to it.
    pub(crate) memory_ms: i64,
    depth: usize,
    /// The correlations that refer to it: (place, its place among theirs).
    pub(crate) feeds: Vec<(usize, usize)>,
    /// Correlations keep its alerts to themselves.
    pub(crate) silenced: bool,
    /// Further alerts of the same group are held back.
    pub(crate) held: Option<Held>,
    /// Equal for rules that mean the same, so that a reload keeps their windows.
    pub(crate) fingerprint: String,
}

#[derive(Debug)]
enum Input {
    /// A detection: the keys of the group's fields and of the counted ones in a match's values.
    Matches { group: Vec<String>, counted: Vec<String> },
    /// A correlation: places in its group, and what is counted of it.
    Alerts { group: Vec<usize>, counted: Counted, timespan_ms: i64 },
}

#[derive(Clone, Debug)]
enum Counted {
    /// These texts of its group.
    Group(Vec<usize>),
    /// What it counts itself.
    Same,
}

/// Reads the texts of a packed group.
pub(crate) fn unpacked(packed: &[u8]) -> impl Iterator<Item = &str> {
    let mut rest = packed;
    std::iter::from_fn(move || {
        let (head, after) = rest.split_first_chunk::<2>()?;
        let (text, after) = after.split_at_checked(usize::from(u16::from_be_bytes(*head)))?;
        rest = after;
        Some(std::str::from_utf8(text).unwrap_or_default())
    })
}

fn pack(text: &str, packed: &mut Vec<u8>) {
    let length = u16::try_from(text.len()).unwrap_or(u16::MAX);
    packed.extend_from_slice(&length.to_be_bytes());
    packed.extend_from_slice(text.as_bytes().get(..usize::from(length)).unwrap_or_default());
}

/// The same in every process, for a window may be rebuilt elsewhere.
fn hashed<'t>(texts: impl Iterator<Item = &'t str>) -> u64 {
    let mut hasher = DefaultHasher::new();
    texts.for_each(|text| text.hash(&mut hasher));
    hasher.finish()
}

impl CorrelationRule {
    /// Packs the group of a match of the `nth` rule referred to, and gives what is counted of it. `None` if it lacks a
    /// field, or what should be a number is none.
    pub(crate) fn place(&self, nth: usize, found: &Match, packed: &mut Vec<u8>) -> Option<u64> {
        let Input::Matches { group, counted } = self.inputs.get(nth)? else { return None };
        let text = |wanted: &String| found.values.iter().find(|(key, _)| key == wanted).map(|(_, text)| text);
        packed.clear();
        for key in group {
            pack(&folded(text(key)?), packed);
        }
        if self.correlation.measure.of_numbers() {
            let number = text(counted.first()?)?.trim().parse::<f64>().ok()?;
            // A sum that is told as soon as it is reached may not shrink again.
            let grows = self.verdict == Verdict::AtClose || number >= 0.0 || !self.is_sum();
            return (number.is_finite() && grows).then_some(number.to_bits());
        }
        let mut hasher = DefaultHasher::new();
        for key in counted {
            folded(text(key)?).hash(&mut hasher);
        }
        Some(if counted.is_empty() { 0 } else { hasher.finish() })
    }

    /// The same for a match that an inner correlation's window ends at: `inner` is its group, `counted` what it counted.
    pub(crate) fn place_inner(
        &self,
        nth: usize,
        inner: &[u8],
        counted: u64,
        packed: &mut Vec<u8>,
    ) -> Option<u64> {
        let Input::Alerts { group, counted: of, .. } = self.inputs.get(nth)? else { return None };
        let texts: Vec<&str> = unpacked(inner).collect();
        packed.clear();
        for at in group {
            pack(texts.get(*at)?, packed);
        }
        Some(match of {
            Counted::Same => counted,
            Counted::Group(at) if self.correlation.measure.of_numbers() => {
                let number = texts.get(*at.first()?)?.parse::<f64>().ok()?;
                number.is_finite().then_some(number.to_bits())?
            }
            Counted::Group(at) if at.is_empty() => hashed(texts.into_iter()),
            Counted::Group(at) => hashed(at.iter().filter_map(|at| texts.get(*at).copied())),
        })
    }

    /// The timespan of the correlation referred to; `None` for a detection.
    pub(crate) fn inner_ms(&self, nth: u8) -> Option<i64> {
        match self.inputs.get(usize::from(nth))? {
            Input::Alerts { timespan_ms, .. } => Some(*timespan_ms),
            Input::Matches { .. } => None,
        }
    }

    /// Whether it looks at alerts of another correlation.
    pub(crate) fn is_over_alerts(&self) -> bool {
        self.inputs.iter().any(|input| matches!(input, Input::Alerts { .. }))
    }

    /// The longest timespan of a correlation referred to.
    pub(crate) fn inner_ms_max(&self) -> i64 {
        (0..=u8::MAX).filter_map(|nth| self.inner_ms(nth)).max().unwrap_or(0)
    }

    /// The place of a field in its group, by the rule's name for it or by that of our events.
    pub(crate) fn place_of(&self, field: &str) -> Option<usize> {
        let written = self.correlation.group_by.iter().position(|known| known == field);
        written.or_else(|| self.names.iter().position(|(known, _)| known == field))
    }

    fn is_sum(&self) -> bool {
        matches!(self.correlation.measure, Measure::Sum(_))
    }

    /// The id of the alert whose first match is `first`.
    pub(crate) fn alert_id(&self, group: &[u8], first: Key) -> Uuid {
        let (event, time) = (first.event.to_string(), first.time.to_string());
        let mut parts = vec!["alert", self.meta.id.as_str()];
        parts.extend(unpacked(group));
        parts.push(&event);
        if self.is_over_alerts() {
            parts.push(&time); // an inner correlation may hold at an event, and again when nothing followed it
        }
        derived_id(&parts)
    }

    pub(crate) fn alert(&self, group: &[u8], episode: &Episode) -> Alert {
        let named: Vec<(String, String)> =
            self.names.iter().map(|(name, _)| name.clone()).zip(unpacked(group).map(str::to_owned)).collect();
        let main: Vec<Entity> = self
            .names
            .iter()
            .zip(unpacked(group))
            .filter_map(|((_, kind), value)| {
                let kind = (*kind)?;
                Some(Entity { kind, name: entity_name(kind, value) })
            })
            .collect();
        episode.alert(&self.meta, &named, &main, &[self.because(episode)])
    }

    /// Why it fired: what is counted, how many matches there were, and what was asked for in which time.
    fn because(&self, episode: &Episode) -> Because {
        let Correlation { measure, bounds, timespan_ms, rules, .. } = &self.correlation;
        let (field, asked) = match measure {
            Measure::Events => ("event_count".to_owned(), bounds.to_string()),
            Measure::Values(fields) => (format!("value_count {}", fields.join(", ")), bounds.to_string()),
            Measure::Sum(field) => (format!("value_sum {field}"), bounds.to_string()),
            Measure::Average(field) => (format!("value_avg {field}"), bounds.to_string()),
            Measure::Percentile(field, rank) => {
                (format!("value_percentile {field} {rank}"), bounds.to_string())
            }
            Measure::Rules(_) => ("temporal".to_owned(), rules.join(", ")),
            Measure::RulesInOrder => ("temporal_ordered".to_owned(), rules.join(", ")),
        };
        let pattern = format!("{asked} / {} s", timespan_ms / 1000);
        Because { field, value: episode.count.to_string(), pattern }
    }
}

/// Resolves what a correlation refers to, among rules that the set already has, and adds it.
pub(crate) fn add(
    set: &mut RuleSet,
    pipelines: &Pipelines,
    meta: Meta,
    correlation: Correlation,
    generated: &mut BTreeSet<(RuleKind, usize)>,
) -> Result<(), Vec<Problem>> {
    let places = places(set, &correlation)?;
    let at = set.correlations.len();
    let (mut inputs, mut names, mut problems) = (Vec::new(), Vec::new(), Vec::new());
    for place in &places {
        let (input, named) = match *place {
            (RuleKind::Detection, place) => {
                let Some(rule) = set.detections.get_mut(place) else { continue };
                of_matches(rule, pipelines, &correlation)
            }
            (RuleKind::Correlation, place) => match of_alerts(&set.correlations[place], &correlation) {
                Ok(found) => found,
                Err(problem) => {
                    problems.push(problem);
                    continue;
                }
            },
        };
        inputs.push(input);
        names = if names.is_empty() { named } else { names };
    }
    let over: Vec<&CorrelationRule> = places
        .iter()
        .filter(|(kind, _)| *kind == RuleKind::Correlation)
        .filter_map(|(_, place)| set.correlations.get(*place))
        .collect();
    let depth = 1 + over.iter().map(|inner| inner.depth).max().unwrap_or(0);
    if depth > CHAIN_MAX {
        let text = format!("stands on more than {CHAIN_MAX} correlations, one upon the other");
        problems.push(Problem::new(correlation.lines[0], "rules", text));
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    let behind = |inner: &&CorrelationRule| match inner.verdict {
        Verdict::AtClose => inner.behind_ms + inner.correlation.timespan_ms,
        Verdict::AtOnce | Verdict::InOrder => inner.behind_ms,
    };
    let behind_ms = over.iter().map(behind).max().unwrap_or(0);
    let memory_ms = 2 * correlation.timespan_ms + over.iter().map(|inner| inner.memory_ms).max().unwrap_or(0);
    let verdict = correlation.verdict(!over.is_empty());
    let ids: Vec<&str> = places.iter().map(|place| meta_of(set, *place).id.as_str()).collect();
    let below: Vec<&str> = over.iter().map(|inner| inner.fingerprint.as_str()).collect();
    let Correlation { measure, timespan_ms, bounds, .. } = &correlation;
    let fingerprint = format!("{measure:?} {timespan_ms} {bounds:?} {ids:?} {inputs:?} {below:?}");
    feed(set, &places, at, |place| {
        if correlation.generate {
            generated.insert(place);
        }
    });
    set.correlations.push(CorrelationRule {
        meta,
        matches_min: correlation.matches_min(),
        verdict,
        behind_ms,
        memory_ms,
        depth,
        correlation,
        inputs,
        names,
        feeds: Vec::new(),
        silenced: false,
        held: None,
        fingerprint,
    });
    Ok(())
}

type Place = (RuleKind, usize);

/// The rules at these places feed the correlation `at`, and leave it to speak.
fn feed(set: &mut RuleSet, places: &[Place], at: usize, mut generates: impl FnMut(Place)) {
    for (nth, place) in places.iter().enumerate() {
        let (feeds, silenced) = match *place {
            (RuleKind::Detection, at) => {
                let rule = &mut set.detections[at];
                (&mut rule.feeds, &mut rule.silenced)
            }
            (RuleKind::Correlation, at) => {
                let rule = &mut set.correlations[at];
                (&mut rule.feeds, &mut rule.silenced)
            }
        };
        feeds.push((at, nth));
        *silenced = true;
        generates(*place);
    }
}

fn meta_of(set: &RuleSet, place: Place) -> &Meta {
    match place {
        (RuleKind::Detection, at) => &set.detections[at].meta,
        (RuleKind::Correlation, at) => &set.correlations[at].meta,
    }
}

fn refers(meta: &Meta, name: &str) -> bool {
    name == meta.id || Some(name) == meta.name.as_deref()
}

fn places(set: &RuleSet, correlation: &Correlation) -> Result<Vec<Place>, Vec<Problem>> {
    let mut places: Vec<Place> = Vec::new();
    let mut problems = Vec::new();
    let line = correlation.lines[0];
    for reference in &correlation.rules {
        match set.place(reference) {
            Some(place) if places.contains(&place) => {
                problems.push(Problem::new(line, "rules", format!("names `{reference}` twice")));
            }
            Some(place) => places.push(place),
            None => {
                let text = format!("`{reference}` is the id or name of no rule: load its file too");
                problems.push(Problem::new(line, "rules", text));
            }
        }
    }
    for (alias, fields) in &correlation.aliases {
        for (rule, _) in fields {
            if !places.iter().any(|place| refers(meta_of(set, *place), rule)) && problems.is_empty() {
                let text = format!("`{alias}` names `{rule}`, which is not among `rules`");
                problems.push(Problem::new(line, "aliases", text));
            }
        }
    }
    if problems.is_empty() { Ok(places) } else { Err(problems) }
}

/// The group's fields under the names that an alert tells them by.
type Names = Vec<(String, Option<EntityKind>)>;

fn of_matches(rule: &mut DetectionRule, pipelines: &Pipelines, correlation: &Correlation) -> (Input, Names) {
    let routed = pipelines.route(&rule.source);
    let mut carry = |field: &String| {
        let name = correlation.field_in(field, |name| refers(&rule.meta, name)).to_owned();
        let targets = routed.targets(&name);
        let key = targets.first().map_or(name.as_str(), Target::name).to_owned();
        if !rule.carried.iter().any(|(known, _)| *known == key) {
            rule.carried.push((key.clone(), FieldRef { name, targets }));
        }
        key
    };
    let group: Vec<String> = correlation.group_by.iter().map(&mut carry).collect();
    let counted = correlation.measure.fields().iter().map(&mut carry).collect();
    let names = correlation.group_by.iter().zip(&group).map(|(name, key)| {
        let shown = if correlation.aliases.contains_key(name) { name } else { key };
        (shown.clone(), kind_of(key))
    });
    let names = names.collect();
    (Input::Matches { group, counted }, names)
}

/// An inner correlation gives its group and, to one that counts the same, what it counts.
fn of_alerts(inner: &CorrelationRule, correlation: &Correlation) -> Result<(Input, Names), Problem> {
    let at = |field: &String| inner.place_of(correlation.field_in(field, |name| refers(&inner.meta, name)));
    let missing = |line: usize, key: &str, field: &String| {
        let text = format!("`{field}` is not among the fields that `{}` is grouped by", inner.meta.id);
        Problem::new(line, key, text)
    };
    let [_, group_line, condition_line] = correlation.lines;
    let mut group = Vec::new();
    for field in &correlation.group_by {
        group.push(at(field).ok_or_else(|| missing(group_line, "group-by", field))?);
    }
    let fields = correlation.measure.fields();
    let same = !fields.is_empty()
        && fields == inner.correlation.measure.fields()
        && correlation.measure.of_numbers() == inner.correlation.measure.of_numbers();
    let mut counted = Vec::new();
    for field in fields.iter().filter(|_| !same) {
        counted.push(at(field).ok_or_else(|| missing(condition_line, "condition.field", field))?);
    }
    let names = correlation.group_by.iter().zip(&group).map(|(name, at)| {
        let shown = if correlation.aliases.contains_key(name) { name } else { &inner.names[*at].0 };
        (shown.clone(), inner.names[*at].1)
    });
    let names = names.collect();
    let counted = if same { Counted::Same } else { Counted::Group(counted) };
    let timespan_ms = inner.correlation.timespan_ms;
    Ok((Input::Alerts { group, counted, timespan_ms }, names))
}

//! Suppression: for how long, and by which fields, further alerts of a rule are held back after one.
//!
//! In a rule, by its author; or in a document of its own, for what is tuned here without touching the rule:
//!
//! ```yaml
//! title: The fleet server fails its login every minute until it is replaced
//! description: Ticket 4711
//! author: Trần Văn An
//! expires: 2027-06-01          # from this moment on the rules are as before
//! suppression:
//!   rules: [linux-ssh-failed]  # ids or names; in a rule itself this line is left out
//!   group-by: [source.ip]      # alerts with the same values; of a correlation, among its own `group-by`
//!   timespan: 4h               # at most 7 d
//! ```
//!
//! After an alert, those that begin within the timespan raise none: they are counted in it, and it tells how many there
//! were and until when. A detection's alert is then one match, instead of an hour of one entity. A match that lacks a field
//! is not held back. Every day at 00:00 UTC (07:00 in Vietnam) all begins anew (longer timespans: at their own multiples),
//! so that a restart needs to know no more than a day.

pub(crate) mod chain;

use crate::record::{FieldRef, Target};
use crate::ruleset::{DetectionRule, RuleSet};
use crate::sigma::correlation::timespan;
use crate::sigma::detection::Problem;
use crate::sigma::filter::moment;
use crate::sigma::logsource::Pipelines;
use crate::sigma::meta::{Meta, RuleKind};
use crate::sigma::pattern::folded;
use crate::yaml::Node;
use event::{Alert, Match, Time};
use std::sync::Arc;

const TIMESPAN_MS_MAX: i64 = 7 * DAY_MS;
const DAY_MS: i64 = 86_400_000;
/// How many fields one may be by.
const FIELDS_MAX: usize = 8;

/// What is held back, and who answers for it.
#[derive(Debug)]
pub struct Suppression {
    /// What it is for; of a rule's own, the rule's title.
    pub title: String,
    /// Who answers for it, or empty.
    pub author: String,
    /// Why, or empty.
    pub reason: String,
    /// From when on it has no effect.
    pub expires: Option<Time>,
    /// Ids or names of the rules.
    pub rules: Vec<String>,
    /// The fields whose values must be the same.
    pub group_by: Vec<String>,
    /// How long further alerts are held back, in ms.
    pub timespan_ms: i64,
    /// Whether the rule itself says so.
    pub is_own: bool,
    /// The file that holds it.
    pub path: String,
    line: usize,
}

/// Suppression as a rule uses it.
#[derive(Clone, Debug)]
pub(crate) struct Held {
    of: Arc<Suppression>,
    /// Equal for what holds back the same, so that a reload goes on with it.
    pub(crate) name: Arc<str>,
    /// The group's places in an alert's group.
    places: Vec<usize>,
    /// Of a detection: the keys of the fields in a match's values.
    keys: Vec<String>,
}

impl Suppression {
    /// Reads `suppression` of a rule (`own`), or of a document of its own.
    pub(crate) fn parse(
        path: &str,
        node: &Node,
        own: Option<&Meta>,
        problems: &mut Vec<Problem>,
    ) -> Option<Suppression> {
        let before = problems.len();
        let found = node.get("suppression")?;
        let known: &[&str] =
            if own.is_some() { &["group-by", "timespan"] } else { &["rules", "group-by", "timespan"] };
        if found.map().is_none() {
            let text = format!("must be a map of {}", known.join(", "));
            problems.push(Problem::new(found.line, "suppression", text));
        }
        for entry in found.map().unwrap_or_default().iter().filter(|entry| !known.contains(&&*entry.key)) {
            let text = format!("is not a key of a suppression here: write {}", known.join(", "));
            problems.push(Problem::new(entry.line, format!("suppression.{}", entry.key), text));
        }
        let text = |key: &str| node.get(key).and_then(Node::text).unwrap_or_default().to_owned();
        let title = text("title");
        if title.is_empty() && own.is_none() {
            problems.push(Problem::new(
                node.line,
                "title",
                "is missing: say in a few words what repeats itself",
            ));
        }
        let expires = node.get("expires").filter(|_| own.is_none());
        let expires = expires.and_then(|value| expiry(value, problems));
        let span = found.get("timespan");
        let timespan_ms = span.and_then(Node::text).and_then(timespan).filter(|ms| *ms <= TIMESPAN_MS_MAX);
        if timespan_ms.is_none() {
            let text = "must be a number and s, m, h or d, at most 7 days: `4h`";
            let line = span.map_or(found.line, |span| span.line);
            problems.push(Problem::new(line, "suppression.timespan", text));
        }
        let mut texts = |key: &str, least: usize, most: usize, advice: &str| {
            let list = found.get(key).filter(|list| !list.is_null());
            let texts = list.map_or(Some(Vec::new()), Node::texts);
            let texts = texts.filter(|texts| (least..=most).contains(&texts.len()));
            if texts.is_none() {
                let line = list.map_or(found.line, |list| list.line);
                problems.push(Problem::new(line, format!("suppression.{key}"), advice));
            }
            texts.unwrap_or_default()
        };
        let group_by = texts("group-by", 1, FIELDS_MAX, "must list 1 to 8 fields: `[source.ip]`");
        let rules = match own {
            Some(meta) => vec![meta.id.clone()],
            None => texts("rules", 1, usize::MAX, "must list the rules' ids or names"),
        };
        (problems.len() == before).then_some(())?;
        let said = own.is_none();
        Some(Suppression {
            title,
            author: text("author"),
            reason: if said { text("description") } else { String::new() },
            expires,
            rules,
            group_by,
            timespan_ms: timespan_ms?,
            is_own: !said,
            path: path.to_owned(),
            line: found.line,
        })
    }

    /// After so long all begins anew.
    fn epoch_ms(&self) -> i64 {
        self.timespan_ms.max(DAY_MS)
    }

    /// Finds the rules that it is of, and adds it to them. A document takes the place of what the rule says itself.
    pub(crate) fn link(self, set: &mut RuleSet, pipelines: &Pipelines) -> Result<(), Vec<Problem>> {
        let of = Arc::new(self);
        let mut problems = Vec::new();
        for name in &of.rules {
            let mut problem = |text: String| problems.push(Problem::new(of.line, "suppression", text));
            let known = match set.place(name) {
                Some((RuleKind::Detection, at)) => set.detections.get(at).and_then(|rule| rule.held.as_ref()),
                Some((RuleKind::Correlation, at)) => {
                    set.correlations.get(at).and_then(|rule| rule.held.as_ref())
                }
                None => {
                    problem(format!("names `{name}`, the id or name of no rule: load its file too"));
                    continue;
                }
            };
            if let Some(other) = known.filter(|held| !held.of.is_own) {
                problem(format!("names `{name}`, which {} suppresses already: keep one", other.of.path));
                continue;
            }
            match set.place(name) {
                Some((RuleKind::Detection, at)) => {
                    if let Some(rule) = set.detections.get_mut(at) {
                        rule.held = Some(of_matches(&of, rule, pipelines));
                    }
                }
                Some((RuleKind::Correlation, at)) => {
                    let Some(rule) = set.correlations.get_mut(at) else { continue };
                    let places: Option<Vec<usize>> =
                        of.group_by.iter().map(|field| rule.place_of(field)).collect();
                    match places {
                        Some(places) => rule.held = Some(Held::new(&of, &rule.meta, places, Vec::new())),
                        None => problem(format!(
                            "must be by fields that `{name}` is grouped by: its alerts have no others"
                        )),
                    }
                }
                None => {}
            }
        }
        if problems.is_empty() {
            set.suppressions.push(of);
            Ok(())
        } else {
            Err(problems)
        }
    }
}

fn expiry(value: &Node, problems: &mut Vec<Problem>) -> Option<Time> {
    let time = value.text().and_then(moment);
    if time.is_none() {
        let text = "must be a date (`2027-01-31`) or an RFC 3339 time";
        problems.push(Problem::new(value.line, "expires", text));
    }
    time
}

/// The rule's matches carry the fields from now on.
fn of_matches(of: &Arc<Suppression>, rule: &mut DetectionRule, pipelines: &Pipelines) -> Held {
    let routed = pipelines.route(&rule.source);
    let mut keys = Vec::new();
    for name in &of.group_by {
        let targets = routed.targets(name);
        let key = targets.first().map_or(name.as_str(), Target::name).to_owned();
        if !rule.carried.iter().any(|(known, _)| *known == key) {
            rule.carried.push((key.clone(), FieldRef { name: name.clone(), targets }));
        }
        keys.push(key);
    }
    let places = (0..keys.len()).collect();
    Held::new(of, &rule.meta, places, keys)
}

impl Held {
    fn new(of: &Arc<Suppression>, meta: &Meta, places: Vec<usize>, keys: Vec<String>) -> Held {
        let name = format!("{} {} {:?}", meta.id, of.timespan_ms, of.group_by);
        Held { of: Arc::clone(of), name: name.into(), places, keys }
    }

    /// How far back a match can matter beside the rule's own windows.
    pub(crate) fn memory_ms(&self) -> i64 {
        self.of.epoch_ms()
    }

    /// The group that a detection's match is held back by: field and value.
    pub(crate) fn group_of(&self, found: &Match) -> Option<Vec<(String, String)>> {
        if !self.is_live(found.time) {
            return None;
        }
        let value = |key: &String| {
            let (_, text) = found.values.iter().find(|(known, _)| known == key)?;
            Some((key.clone(), folded(text).into_owned()))
        };
        self.keys.iter().map(value).collect()
    }

    /// The values that the alert is held back by; `None` if it is told as ever.
    pub(crate) fn values_of(&self, alert: &Alert) -> Option<Vec<String>> {
        let value = |place: &usize| alert.group.get(*place).map(|(_, text)| text.clone());
        self.places.iter().map(value).collect::<Option<_>>().filter(|_| self.is_live(alert.first))
    }

    fn is_live(&self, time: Time) -> bool {
        self.of.expires.is_none_or(|expires| time < expires)
    }

    /// When what the alert holds back ends, if it is not held back itself.
    pub(crate) fn until(&self, first: Time) -> Time {
        let epoch = self.of.epoch_ms();
        Time(first.plus_ms(self.of.timespan_ms).0.min((first.0.div_euclid(epoch) + 1) * epoch))
    }
}

#[cfg(test)]
mod tests;

//! A set of rules: compiled together, so that references are resolved and every problem of every file is told at once.

use crate::authorisation::Authorisation;
use crate::record::{FieldRef, Record};
use crate::resolve::{self, CorrelationRule};
use crate::sigma::correlation::Correlation;
use crate::sigma::detection::{Detection, Problem};
use crate::sigma::filter::Filter;
use crate::sigma::logsource::{LogSource, Pipelines, When};
use crate::sigma::meta::{Meta, RuleKind};
use crate::sigma::placeholder::Placeholders;
use crate::suppression::{Held, Suppression};
use crate::yaml::{self, Node};
use event::{Alert, Time};
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

/// A file of rules or pipelines.
#[derive(Clone, Debug)]
pub struct RuleFile {
    /// Where it is, for messages.
    pub path: String,
    /// What it holds.
    pub text: String,
}

/// Why a file cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{file}:{line}: `{key}` {message}")]
pub struct RuleError {
    /// The file.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// The key that holds the problem.
    pub key: String,
    /// What is wrong and what to write instead.
    pub message: String,
}

/// Rules, compiled.
#[derive(Debug, Default)]
pub struct RuleSet {
    pub(crate) detections: Vec<DetectionRule>,
    pub(crate) correlations: Vec<CorrelationRule>,
    /// Every condition on our events that a log source stands for, once.
    pub(crate) whens: Vec<When>,
    filters: Vec<Arc<Filter>>,
    pub(crate) authorisations: Vec<Authorisation>,
    pub(crate) suppressions: Vec<Arc<Suppression>>,
    by_id: HashMap<String, (RuleKind, usize)>,
    unmapped: Vec<Unmapped>,
}

/// A rule, or a field of it, that nothing of ours can reach.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Unmapped {
    /// The rule's file.
    pub path: String,
    /// The rule's id.
    pub rule: String,
    /// The field; `None` if no pipeline gives the rule's log source.
    pub field: Option<String>,
}

#[derive(Debug)]
pub(crate) struct DetectionRule {
    pub(crate) meta: Meta,
    pub(crate) source: LogSource,
    /// The events that it is about: any of these, by their place in the set.
    pub(crate) when: Vec<usize>,
    pub(crate) detection: Detection,
    pub(crate) fields: Vec<FieldRef>,
    /// What its matches carry for correlations, under the key of each.
    pub(crate) carried: Vec<(String, FieldRef)>,
    /// The correlations that refer to it: (place, the rule's place among theirs).
    pub(crate) feeds: Vec<(usize, usize)>,
    /// Correlations keep its alerts to themselves.
    pub(crate) silenced: bool,
    /// Further alerts of the same values are held back.
    pub(crate) held: Option<Held>,
    /// What narrows it, with the fields as they are called on its events.
    filters: Vec<(Arc<Filter>, Vec<FieldRef>)>,
}

struct Loading {
    placeholders: Placeholders,
    pipelines: Pipelines,
    detections: Vec<(Meta, LogSource, Detection, usize)>,
    correlations: Vec<(Meta, Correlation, usize)>,
    filters: Vec<Filter>,
    authorisations: Vec<Authorisation>,
    suppressions: Vec<Suppression>,
    errors: Vec<RuleError>,
}

impl RuleSet {
    /// Compiles rules and pipelines.
    ///
    /// # Errors
    /// Every problem of every file.
    pub fn compile(files: &[RuleFile]) -> Result<RuleSet, Vec<RuleError>> {
        let (rules, errors) = RuleSet::compile_what_can(files);
        if errors.is_empty() { Ok(rules) } else { Err(errors) }
    }

    /// Compiles the rules that can be, beside every problem of the others.
    #[must_use]
    pub fn compile_what_can(files: &[RuleFile]) -> (RuleSet, Vec<RuleError>) {
        let mut loading = Loading {
            placeholders: Placeholders::default(),
            pipelines: Pipelines::default(),
            detections: Vec::new(),
            correlations: Vec::new(),
            filters: Vec::new(),
            authorisations: Vec::new(),
            suppressions: Vec::new(),
            errors: Vec::new(),
        };
        // A rule may stand before the lists that it needs; only files that may hold one are read twice.
        for file in files.iter().filter(|file| file.text.contains("placeholders")) {
            for node in yaml::documents(&file.text).unwrap_or_default() {
                if node.get("placeholders").is_some() {
                    let mut problems = Vec::new();
                    loading.placeholders.add(&node, &mut problems);
                    loading.problems(&file.path, problems);
                }
            }
        }
        for file in files {
            match yaml::documents(&file.text) {
                Ok(documents) => documents.iter().for_each(|node| loading.document(&file.path, node)),
                Err(fault) => loading.errors.push(RuleError {
                    file: file.path.clone(),
                    line: fault.line,
                    key: "file".to_owned(),
                    message: fault.message,
                }),
            }
        }
        loading.link()
    }

    /// Rules and fields that no pipeline reaches: such a rule is never true on our events.
    #[must_use]
    pub fn unmapped(&self) -> &[Unmapped] {
        &self.unmapped
    }

    /// What a rule says about itself.
    #[must_use]
    pub fn meta(&self, id: &str) -> Option<&Meta> {
        match self.by_id.get(id)? {
            (RuleKind::Detection, at) => self.detections.get(*at).map(|rule| &rule.meta),
            (RuleKind::Correlation, at) => self.correlations.get(*at).map(|rule| &rule.meta),
        }
    }

    /// Every rule: detections in the order of the files, then correlations, inner ones before outer ones.
    pub fn metas(&self) -> impl Iterator<Item = &Meta> {
        self.detections.iter().map(|rule| &rule.meta).chain(self.correlations.iter().map(|rule| &rule.meta))
    }

    /// Every filter, in the order of the files.
    #[must_use]
    pub fn filters(&self) -> &[Arc<Filter>] {
        &self.filters
    }

    /// Every authorised scan, in the order of the files.
    #[must_use]
    pub fn authorisations(&self) -> &[Authorisation] {
        &self.authorisations
    }

    pub(crate) fn authorisation(&self, id: &str) -> Option<&Authorisation> {
        self.authorisations.iter().find(|window| window.told.id == id)
    }

    /// The first authorised scan that an event of this time and unit falls into, if it speaks of the rule.
    pub(crate) fn authorised(
        &self,
        rule: &str,
        record: Record<'_>,
        time: Time,
        unit: &str,
    ) -> Option<&Authorisation> {
        self.authorisations.iter().find(|window| window.is_of(rule) && window.covers(record, time, unit))
    }

    /// Completes what an alert tells of the scan that it is of. One whose authorisation is gone, or never spoke of the
    /// rule, is not authorised; nor is a correlation over alerts, which does not see all matches below it.
    pub(crate) fn mark(&self, alert: &mut Alert) {
        let Some(id) = alert.authorised.take().map(|named| named.id) else { return };
        let over = |(kind, at): (RuleKind, usize)| {
            kind == RuleKind::Correlation
                && self.correlations.get(at).is_none_or(CorrelationRule::is_over_alerts)
        };
        let window = self.authorisation(&id).filter(|window| window.is_of(&alert.rule));
        if self.place(&alert.rule).is_some_and(|place| !over(place)) {
            alert.authorised = window.map(|window| window.told.clone());
        }
    }

    /// Every suppression: those of rules themselves first, then in the order of the files.
    #[must_use]
    pub fn suppressions(&self) -> &[Arc<Suppression>] {
        &self.suppressions
    }

    /// What holds further alerts of this one's rule back, and the values that decide; `None` if it is told as ever.
    pub(crate) fn held(&self, alert: &Alert) -> Option<(&Held, Vec<String>)> {
        let held = match self.place(&alert.rule)? {
            (RuleKind::Detection, at) => self.detections.get(at)?.held.as_ref()?,
            (RuleKind::Correlation, at) => self.correlations.get(at)?.held.as_ref()?,
        };
        Some((held, held.values_of(alert)?))
    }

    /// How far back a match can matter to a correlation, in milliseconds, beside the lateness: how far back a restart
    /// reads matches.
    #[must_use]
    pub fn longest_window_ms(&self) -> i64 {
        let held = |held: &Option<Held>| held.as_ref().map_or(0, Held::memory_ms);
        let detections = self.detections.iter().map(|rule| held(&rule.held));
        let correlations = self.correlations.iter().map(|rule| rule.memory_ms + held(&rule.held));
        detections.chain(correlations).max().unwrap_or(0)
    }

    /// Which of the set's conditions on events hold.
    pub(crate) fn sources_of(&self, record: Record<'_>, found: &mut Vec<bool>) {
        found.clear();
        if let Record::Event(_) = record {
            found.extend(self.whens.iter().map(|when| when.holds(&record)));
        }
    }

    /// The condition's place in the set.
    fn place_of(&mut self, when: When) -> usize {
        self.whens.iter().position(|known| *known == when).unwrap_or_else(|| {
            self.whens.push(when);
            self.whens.len() - 1
        })
    }

    /// Where the rule of this id or name is.
    pub(crate) fn place(&self, name: &str) -> Option<(RuleKind, usize)> {
        self.by_id.get(name).copied()
    }

    pub(crate) fn detection(&self, id: &str) -> Option<&DetectionRule> {
        match self.by_id.get(id)? {
            (RuleKind::Detection, at) => self.detections.get(*at),
            (RuleKind::Correlation, _) => None,
        }
    }
}

impl DetectionRule {
    /// Whether the record is of the rule's log source and the rule holds of it, as the reference evaluator says.
    /// `sources` is what [`RuleSet::sources_of`] says of the record.
    #[cfg(test)]
    pub(crate) fn holds(&self, record: Record<'_>, sources: &[bool]) -> bool {
        let here = match record {
            Record::Event(_) => self.when.iter().any(|at| sources.get(*at) == Some(&true)),
            Record::Flat(flat) => self.source.covers(flat.source()),
            Record::Line(line) => {
                self.source.covers(crate::Flat::from_json(line.text).unwrap_or_default().source())
            }
        };
        here && crate::evaluate::holds(&self.detection, &self.fields, record)
    }

    /// Whether a filter keeps the rule from holding of a record that it holds of. Asked of the few records that meet a
    /// rule, so the plain evaluator is quick enough.
    pub(crate) fn is_filtered(&self, record: Record<'_>, time: Time) -> bool {
        let out = |(filter, fields): &(Arc<Filter>, Vec<FieldRef>)| {
            filter.is_live(time) && !crate::evaluate::holds(&filter.detection, fields, record)
        };
        self.filters.iter().any(out)
    }
}

impl Loading {
    fn document(&mut self, path: &str, node: &Node) {
        let mut problems = Vec::new();
        if node.get("placeholders").is_some() {
            // Taken in before every rule.
        } else if node.get("pipeline").is_some() {
            self.pipelines.add(node, &mut problems);
        } else if node.map().is_none() {
            problems.push(Problem::new(node.line, "file", "holds neither a rule nor a pipeline"));
        } else if node.get("action").is_some() {
            let text = "is of Sigma's old collections: write each rule as a document of its own";
            problems.push(Problem::new(node.line, "action", text));
        } else if let Some(found) = node.get("correlation") {
            let meta = Meta::parse(path, node, RuleKind::Correlation, &mut problems);
            let correlation = Correlation::parse(found, &mut problems);
            self.suppressions.extend(Suppression::parse(path, node, Some(&meta), &mut problems));
            if let Some(correlation) = correlation.filter(|_| problems.is_empty()) {
                self.correlations.push((meta, correlation, node.line));
            }
        } else if node.get("filter").is_some() {
            let filter = Filter::parse(path, node, &self.placeholders, &mut problems);
            self.filters.extend(filter.filter(|_| problems.is_empty()));
        } else if let Some(found) = node.get("detection") {
            let meta = Meta::parse(path, node, RuleKind::Detection, &mut problems);
            let source = match node.get("logsource") {
                Some(source) => LogSource::parse(source, "logsource", &mut problems),
                None => {
                    problems.push(Problem::new(node.line, "logsource", "is missing"));
                    LogSource::default()
                }
            };
            let detection = Detection::parse(found, "detection", &self.placeholders, &mut problems);
            self.suppressions.extend(Suppression::parse(path, node, Some(&meta), &mut problems));
            if let Some(detection) = detection.filter(|_| problems.is_empty()) {
                self.detections.push((meta, source, detection, node.line));
            }
        } else if node.get("suppression").is_some() {
            self.suppressions.extend(Suppression::parse(path, node, None, &mut problems));
        } else if node.get("authorised").is_some() {
            self.authorisations.extend(Authorisation::parse(path, node, &mut problems));
        } else {
            let text = "holds none of `detection`, `correlation`, `filter`, `suppression`, `authorised`, `pipeline`, \
                        `placeholders`";
            problems.push(Problem::new(node.line, "file", text));
        }
        self.problems(path, problems);
    }

    fn problems(&mut self, path: &str, problems: Vec<Problem>) {
        self.errors.extend(problems.into_iter().map(|problem| RuleError {
            file: path.to_owned(),
            line: problem.line,
            key: problem.key,
            message: problem.message,
        }));
    }

    fn link(mut self) -> (RuleSet, Vec<RuleError>) {
        let mut set = RuleSet::default();
        let mut unmapped = BTreeSet::new();
        for (meta, source, detection, line) in std::mem::take(&mut self.detections) {
            let routed = self.pipelines.route(&source);
            let when = routed.when();
            let mut missing = |field: Option<String>| {
                unmapped.insert(Unmapped { path: meta.path.clone(), rule: meta.id.clone(), field });
            };
            if when.is_empty() {
                missing(None);
            }
            let refer = |name: &String| FieldRef { name: name.clone(), targets: routed.targets(name) };
            let fields: Vec<FieldRef> = detection.fields.iter().map(refer).collect();
            if !when.is_empty() {
                fields.iter().filter(|f| f.targets.is_empty()).for_each(|f| missing(Some(f.name.clone())));
            }
            if !self.names_are_free(&set, &meta, line) {
                continue;
            }
            let at = set.detections.len();
            for name in std::iter::once(&meta.id).chain(&meta.name) {
                set.by_id.insert(name.clone(), (RuleKind::Detection, at));
            }
            let when = when.into_iter().map(|when| set.place_of(when)).collect();
            set.detections.push(DetectionRule {
                meta,
                source,
                when,
                detection,
                fields,
                carried: Vec::new(),
                feeds: Vec::new(),
                silenced: false,
                held: None,
                filters: Vec::new(),
            });
        }
        for filter in std::mem::take(&mut self.filters) {
            self.filter(&mut set, filter);
        }
        self.correlations(&mut set);
        self.tuning(&mut set);
        set.unmapped = unmapped.into_iter().collect();
        (set, self.errors)
    }

    /// Adds what is said about rules' alerts.
    fn tuning(&mut self, set: &mut RuleSet) {
        // A document takes the place of what the rule says itself.
        let (own, others): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.suppressions).into_iter().partition(|suppression| suppression.is_own);
        for suppression in own.into_iter().chain(others) {
            let path = suppression.path.clone();
            let linked = suppression.link(set, &self.pipelines);
            self.problems(&path, linked.err().unwrap_or_default());
        }
        for authorisation in std::mem::take(&mut self.authorisations) {
            let path = authorisation.path.clone();
            let linked = authorisation.link(set);
            self.problems(&path, linked.err().unwrap_or_default());
        }
    }

    /// Adds the filter to the rules that it narrows.
    fn filter(&mut self, set: &mut RuleSet, filter: Filter) {
        let mut places = Vec::new();
        let mut problems = Vec::new();
        for name in filter.rules.iter().flatten() {
            let problem = match set.by_id.get(name) {
                Some((RuleKind::Detection, at)) if filter.source.covers(&set.detections[*at].source) => {
                    places.push(*at);
                    continue;
                }
                Some((RuleKind::Detection, _)) => "is a rule of another log source",
                Some((RuleKind::Correlation, _)) => "is a correlation: filter the rules that it refers to",
                None => "is the id or name of no rule: load its file too",
            };
            problems.push(Problem::new(filter.line, "filter.rules", format!("`{name}` {problem}")));
        }
        if filter.rules.is_none() {
            places = (0..set.detections.len()).collect();
            places.retain(|at| filter.source.covers(&set.detections[*at].source));
        }
        if !problems.is_empty() {
            self.problems(&filter.path, problems);
            return;
        }
        let filter = Arc::new(filter);
        for at in places {
            let rule = &mut set.detections[at];
            let routed = self.pipelines.route(&rule.source);
            let refer = |name: &String| FieldRef { name: name.clone(), targets: routed.targets(name) };
            rule.filters.push((Arc::clone(&filter), filter.detection.fields.iter().map(refer).collect()));
        }
        set.filters.push(filter);
    }

    /// Whether no other rule has the rule's id or name.
    fn names_are_free(&mut self, set: &RuleSet, meta: &Meta, line: usize) -> bool {
        for name in std::iter::once(&meta.id).chain(&meta.name) {
            if let Some(other) = set.meta(name) {
                let message = format!("is already the id or name of the rule in {}", other.path);
                let problem = Problem::new(line, name.as_str(), message);
                self.problems(&meta.path, vec![problem]);
                return false;
            }
        }
        true
    }

    /// Inner correlations before outer ones, until none is left whose references are all there.
    fn correlations(&mut self, set: &mut RuleSet) {
        let mut generated = BTreeSet::new();
        let mut waiting = std::mem::take(&mut self.correlations);
        loop {
            let names: BTreeSet<String> = waiting
                .iter()
                .flat_map(|(meta, ..)| std::iter::once(&meta.id).chain(&meta.name))
                .cloned()
                .collect();
            let awaits = |of: &Correlation, set: &RuleSet| {
                of.rules.iter().any(|name| set.place(name).is_none() && names.contains(name))
            };
            let (later, ready): (Vec<_>, Vec<_>) =
                waiting.into_iter().partition(|(_, correlation, _)| awaits(correlation, set));
            waiting = later;
            if ready.is_empty() {
                break;
            }
            for (meta, correlation, line) in ready {
                let path = meta.path.clone();
                if !self.names_are_free(set, &meta, line) {
                    continue;
                }
                let names: Vec<String> = std::iter::once(&meta.id).chain(&meta.name).cloned().collect();
                match resolve::add(set, &self.pipelines, meta, correlation, &mut generated) {
                    Ok(()) => {
                        let at = set.correlations.len() - 1;
                        set.by_id.extend(names.into_iter().map(|name| (name, (RuleKind::Correlation, at))));
                    }
                    Err(problems) => self.problems(&path, problems),
                }
            }
        }
        for (meta, correlation, _) in waiting {
            let text = "lead back to this correlation, or to one that leads to itself";
            self.problems(&meta.path, vec![Problem::new(correlation.lines[0], "rules", text)]);
        }
        for (kind, at) in generated {
            match kind {
                RuleKind::Detection => set.detections[at].silenced = false,
                RuleKind::Correlation => set.correlations[at].silenced = false,
            }
        }
    }
}

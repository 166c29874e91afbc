//! Which rules a record meets, fast. The answer is that of `crate::evaluate`, which is asked about matches only.
//!
//! A record is asked about by the rules of its log sources alone. For each rule a small set of *witnesses* is known, of
//! which one shows whenever the rule is true: texts, numbers, a field's presence. One look at each value says which
//! rules it makes candidates, and values seen before are remembered with the answer. Only candidates are evaluated,
//! lazily, with what they ask in common asked once.

mod among;
mod column;
mod expression;
mod gram;
mod hash;
mod index;
mod letters;
mod literal;
mod memo;
mod program;
mod reason;
mod sample;
mod screen;
#[cfg(test)]
mod tests;
mod texts;

pub(crate) use literal::Need;

use crate::evaluate;
use crate::line::{self, Kind, Line, LineReader};
use crate::record::{self, FieldRef, Flat, Record};
use crate::ruleset::{DetectionRule, RuleSet};
use crate::sigma::logsource::LogSource;
use crate::sigma::pattern::{Folds, Pattern};
use column::{Columns, View};
use event::{Because, Event};
use memo::Memo;
use program::{Asked, Builder, Program};
use reason::Reasons;
use std::collections::HashMap;

/// How many log sources of flat objects are remembered with the units that they reach; beyond, all are forgotten.
const SOURCES_MAX: usize = 1024;
/// When the count of records begins again: one bit of a word is taken by an answer.
const EPOCH_MAX: u32 = u32::MAX >> 1;

/// Rules of one log source.
#[derive(Debug)]
struct Unit {
    source: LogSource,
    rules: Vec<u32>,
    event: Option<Box<Program>>,
    flat: Option<Box<Program>>,
    /// The record that it was last reached by.
    reached: u32,
}

/// Rules made ready to be asked together, and what was found out about values so far.
#[derive(Debug)]
pub(crate) struct Engine {
    units: Vec<Unit>,
    /// For each rule its unit.
    unit_of: Vec<u32>,
    /// The units that each condition on our events reaches.
    reach: Vec<Vec<u32>>,
    /// Those conditions.
    router: Option<Box<Program>>,
    event_columns: Columns,
    flat_columns: Columns,
    sources: HashMap<LogSource, Box<[u32]>>,
    /// The same by the raw text in a JSON line.
    line_sources: HashMap<Vec<u8>, Box<[u32]>>,
    line_source: Vec<u8>,
    /// The log source of the line before, and its units.
    last_source: Vec<u8>,
    last_units: Vec<u32>,
    memo: Memo,
    reasons: Reasons,
    folds: Folds,
    epoch: u32,
    owners: u32,
    reached: Vec<u32>,
}

impl Engine {
    /// An engine for these rules; the caller passes the same to every call. A log source's rules are compiled when its
    /// first record comes.
    pub(crate) fn new(rules: &RuleSet) -> Engine {
        let mut places: HashMap<&LogSource, usize> = HashMap::new();
        let mut units: Vec<Unit> = Vec::new();
        let mut unit_of = Vec::new();
        let mut reach = vec![Vec::new(); rules.whens.len()];
        for (at, rule) in (0u32..).zip(&rules.detections) {
            let unit = *places.entry(&rule.source).or_insert_with(|| {
                let nth = u32::try_from(units.len()).unwrap_or(u32::MAX);
                rule.when.iter().for_each(|when| reach[*when].push(nth));
                let source = rule.source.clone();
                units.push(Unit { source, rules: Vec::new(), event: None, flat: None, reached: 0 });
                units.len() - 1
            });
            units[unit].rules.push(at);
            unit_of.push(u32::try_from(unit).unwrap_or(u32::MAX));
        }
        Engine {
            units,
            unit_of,
            reach,
            router: None,
            event_columns: Columns::default(),
            flat_columns: Columns::default(),
            sources: HashMap::new(),
            line_sources: HashMap::new(),
            line_source: Vec::new(),
            last_source: Vec::new(),
            last_units: Vec::new(),
            memo: Memo::default(),
            reasons: Reasons::default(),
            folds: Folds::default(),
            epoch: 0,
            owners: 0,
            reached: Vec::new(),
        }
    }

    /// Puts the detection rules that hold of the record into `found`, by their place in the set, in order.
    pub(crate) fn find(&mut self, rules: &RuleSet, record: Record<'_>, found: &mut Vec<u32>) {
        self.begin();
        found.clear();
        match record {
            Record::Event(event) => self.find_event(rules, event, found),
            Record::Flat(flat) => self.find_flat(rules, flat, found),
            Record::Line(line) => self.find_line(rules, line, found),
        }
        found.sort_unstable();
    }

    /// Why a rule that was found holds of the record that was last looked at, as the reference evaluator says.
    pub(crate) fn because(&mut self, rule: u32, rules: &RuleSet, record: Record<'_>) -> Vec<Because> {
        match record {
            Record::Event(event) => self.because_of(rule, rules, event, true),
            Record::Flat(flat) => self.because_of(rule, rules, flat, false),
            Record::Line(line) => self.because_of(rule, rules, &line, false),
        }
    }

    fn because_of<V: View>(&mut self, rule: u32, rules: &RuleSet, view: &V, is_event: bool) -> Vec<Because> {
        let DetectionRule { detection, fields, .. } = &rules.detections[rule as usize];
        let unit = self.unit_of[rule as usize] as usize;
        let unit = &mut self.units[unit];
        let Some(program) = (if is_event { &mut unit.event } else { &mut unit.flat }) else {
            return Vec::new();
        };
        let columns = if is_event { &self.event_columns } else { &self.flat_columns };
        let (memo, folds) = (&mut self.memo, &mut self.folds);
        let mut asked = Asked { view, columns, memo, folds, rules, epoch: self.epoch };
        let columns_of = |field: &FieldRef| columns.known(field, is_event);
        let reasons = &mut self.reasons;
        evaluate::because(detection, fields, &mut |at, item, told| {
            reasons.holds((rule, at), item, (program, &mut asked), &columns_of, told)
        })
    }

    fn begin(&mut self) {
        self.reached.clear();
        self.epoch += 1;
        if self.epoch > EPOCH_MAX {
            self.epoch = 1;
            self.memo.forget();
            self.reasons.forget();
            self.event_columns.forget();
            self.flat_columns.forget();
            self.units.iter_mut().for_each(|unit| unit.reached = 0);
        }
        self.memo.begin();
    }

    fn find_event(&mut self, rules: &RuleSet, event: &Event, found: &mut Vec<u32>) {
        let mut router = self.router.take().unwrap_or_else(|| self.compile_router(rules));
        self.event_columns.fill_event(event, self.epoch);
        let mut whens = std::mem::take(&mut self.reached);
        self.ask(rules, &mut router, event, true, &mut whens);
        self.router = Some(router);
        for when in &whens {
            for at in 0..self.reach[*when as usize].len() {
                let unit = self.reach[*when as usize][at];
                if self.units[unit as usize].reached == self.epoch {
                    continue;
                }
                self.units[unit as usize].reached = self.epoch;
                let program = self.units[unit as usize].event.take();
                let mut program = program.unwrap_or_else(|| self.compile(rules, unit, true));
                self.ask(rules, &mut program, event, true, found);
                self.units[unit as usize].event = Some(program);
            }
        }
        self.reached = whens;
    }

    fn find_flat(&mut self, rules: &RuleSet, flat: &Flat, found: &mut Vec<u32>) {
        if !self.sources.contains_key(flat.source()) {
            if self.sources.len() >= SOURCES_MAX {
                self.sources.clear();
            }
            let units = self.units_of(flat.source());
            self.sources.insert(flat.source().clone(), units);
        }
        let mut units = std::mem::take(&mut self.reached);
        units.extend(self.sources.get(flat.source()).into_iter().flatten());
        self.compile_flat(rules, &units);
        self.flat_columns.fill_flat(flat, self.epoch);
        self.ask_units(rules, &units, flat, found);
        self.reached = units;
    }

    fn find_line(&mut self, rules: &RuleSet, line: Line<'_>, found: &mut Vec<u32>) {
        let mut units = std::mem::take(&mut self.reached);
        units.extend_from_slice(self.line_units(line.reader, line.text));
        self.compile_flat(rules, &units);
        self.flat_columns.fill_line(line.reader, self.epoch);
        self.ask_units(rules, &units, &line, found);
        self.reached = units;
    }

    /// The units that the line's log source reaches.
    fn line_units(&mut self, reader: &LineReader, text: &str) -> &[u32] {
        let spots = reader.source();
        self.line_source.clear();
        for spot in spots {
            let raw = spot.filter(|spot| spot.kind == Kind::Text).map_or("", |spot| spot.raw(text));
            self.line_source.extend_from_slice(raw.as_bytes());
            // No text of a line has a control character.
            self.line_source.push(0);
        }
        if self.line_source == self.last_source {
            return &self.last_units;
        }
        if !self.line_sources.contains_key(&self.line_source) {
            if self.line_sources.len() >= SOURCES_MAX {
                self.line_sources.clear();
            }
            let mut room = String::new();
            let mut named = spots.iter().map(|spot| {
                spot.and_then(|spot| record::named(line::value(spot.kind, spot.raw(text), &mut room)))
            });
            let mut next = || named.next().flatten();
            let source = LogSource { product: next(), category: next(), service: next() };
            self.line_sources.insert(self.line_source.clone(), self.units_of(&source));
        }
        self.last_units.clear();
        self.last_units.extend(self.line_sources.get(&self.line_source).into_iter().flatten());
        std::mem::swap(&mut self.line_source, &mut self.last_source);
        &self.last_units
    }

    fn units_of(&self, source: &LogSource) -> Box<[u32]> {
        let units = (0u32..).zip(&self.units).filter(|(_, unit)| unit.source.covers(source));
        units.map(|(at, _)| at).collect()
    }

    /// Compiles those that are not, so that their columns are known before the record is taken in.
    fn compile_flat(&mut self, rules: &RuleSet, units: &[u32]) {
        for unit in units {
            if self.units[*unit as usize].flat.is_none() {
                let program = self.compile(rules, *unit, false);
                self.units[*unit as usize].flat = Some(program);
            }
        }
    }

    fn ask_units<V: View>(&mut self, rules: &RuleSet, units: &[u32], view: &V, found: &mut Vec<u32>) {
        for unit in units {
            if let Some(mut program) = self.units[*unit as usize].flat.take() {
                self.ask(rules, &mut program, view, false, found);
                self.units[*unit as usize].flat = Some(program);
            }
        }
    }

    fn ask<V: View>(
        &mut self,
        rules: &RuleSet,
        program: &mut Program,
        view: &V,
        is_event: bool,
        found: &mut Vec<u32>,
    ) {
        let columns = if is_event { &self.event_columns } else { &self.flat_columns };
        let (memo, folds) = (&mut self.memo, &mut self.folds);
        let mut asked = Asked { view, columns, memo, folds, rules, epoch: self.epoch };
        let owners = &mut self.owners;
        program.ask(&mut asked, found, &mut || next(owners));
    }

    fn compile(&mut self, rules: &RuleSet, unit: u32, is_event: bool) -> Box<Program> {
        let mut builder = Builder::default();
        let (events, flats) = (&mut self.event_columns, &mut self.flat_columns);
        let mut columns_of = |field: &FieldRef| match is_event {
            true => field.targets.iter().map(|target| events.of_target(target)).collect(),
            false => vec![flats.of_name(&field.name)],
        };
        for rule in &self.units[unit as usize].rules {
            builder.rule(rules, *rule, &mut columns_of);
        }
        let owners = &mut self.owners;
        Box::new(builder.finish(&mut || next(owners)))
    }

    fn compile_router(&mut self, rules: &RuleSet) -> Box<Program> {
        let mut builder = Builder::default();
        for (at, when) in (0u32..).zip(&rules.whens) {
            let tests: Vec<_> = when
                .tests()
                .iter()
                .map(|(target, globs)| {
                    let patterns = globs.iter().cloned().map(Pattern::Text).collect();
                    (self.event_columns.of_target(target), patterns)
                })
                .collect();
            builder.condition(at, &tests);
        }
        // The columns of every unit are known before the first event is taken in, else its fields would be missed.
        for unit in 0..self.units.len() {
            for rule in &self.units[unit].rules {
                for field in &rules.detections[*rule as usize].fields {
                    field.targets.iter().for_each(|target| _ = self.event_columns.of_target(target));
                }
            }
        }
        let owners = &mut self.owners;
        Box::new(builder.finish(&mut || next(owners)))
    }
}

/// A number that no other has.
fn next(owners: &mut u32) -> u32 {
    *owners = owners.wrapping_add(1);
    *owners
}

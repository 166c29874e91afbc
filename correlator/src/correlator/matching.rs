//! Stage one: which rules a record meets, and what its matches say.

use super::{Correlator, Depth, Output};
use crate::found::Context;
use crate::line::Line;
use crate::record::{Flat, Record};
use event::{Event, EventId};
use std::sync::Arc;

impl Correlator {
    /// The same, but going only so far.
    #[must_use]
    pub fn up_to(self, depth: Depth) -> Correlator {
        Correlator { depth, ..self }
    }

    /// Takes in an event of ours.
    pub fn process(&mut self, event: &Event, out: &mut Output) {
        let ahead_ms_max = self.limits.ahead_ms_max;
        self.detect(Record::Event(event), || Context::of_event(event, ahead_ms_max), out);
    }

    /// Takes in a flat object, under the id that it shall have.
    pub fn process_flat(&mut self, flat: &Flat, id: EventId, out: &mut Output) {
        let record = Record::Flat(flat);
        self.detect(record, || Context::of_flat(record, id), out);
    }

    /// Takes in a flat object written as one line of JSON, under the id that it shall have: the same as reading a [`Flat`]
    /// and giving it to [`Correlator::process_flat`], but most lines are read where they stand.
    ///
    /// # Errors
    /// The text is not one JSON object.
    pub fn process_json(&mut self, line: &str, id: EventId, out: &mut Output) -> serde_json::Result<()> {
        let mut reader = self.reader.take().unwrap_or_default();
        let read = reader.read(line).is_some();
        if read {
            let record = Record::Line(Line { text: line, reader: &reader });
            self.detect(record, || Context::of_flat(record, id), out);
        }
        self.reader = Some(reader);
        if !read {
            self.process_flat(&Flat::from_json(line)?, id, out);
        }
        Ok(())
    }

    /// Stage one.
    fn detect(&mut self, record: Record<'_>, context: impl Fn() -> Context, out: &mut Output) {
        let rules = Arc::clone(&self.rules);
        let mut found = std::mem::take(&mut self.found);
        self.engine.find(&rules, record, &mut found);
        self.meet(record, &found, context, out);
        self.found = found;
    }

    /// What comes of a record that these rules hold of. Most events meet no rule, so the context waits for the first.
    fn meet(&mut self, record: Record<'_>, found: &[u32], context: impl Fn() -> Context, out: &mut Output) {
        let mut known: Option<Context> = None;
        let rules = Arc::clone(&self.rules);
        for (at, rule) in found.iter().filter_map(|at| Some((*at, rules.detections.get(*at as usize)?))) {
            let context = known.get_or_insert_with(&context);
            if rule.is_filtered(record, context.time) {
                self.counters.filtered += 1;
                continue;
            }
            let mut found = context.found(rule, record, self.engine.because(at, &rules, record));
            let window = rules.authorised(&rule.meta.id, record, found.time, &found.unit);
            found.authorised = window.map(|window| window.told.id.clone());
            if self.depth > Depth::Matches {
                self.absorb(rule, &found, out);
            }
            out.matches.push(found);
        }
    }
}

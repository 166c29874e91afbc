//! Stage one: which rules a record meets, and what its matches say.

use super::{Correlator, Output};
use crate::found::Context;
use crate::record::{Flat, Record};
use event::{Event, EventId};
use std::sync::Arc;

impl Correlator {
    /// The same, but alerts are not linked to incidents: for those who want matches and alerts alone.
    #[must_use]
    pub fn without_incidents(self) -> Correlator {
        Correlator { links: false, ..self }
    }

    /// Takes in an event of ours.
    pub fn process(&mut self, event: &Event, out: &mut Output) {
        let ahead_ms_max = self.limits.ahead_ms_max;
        self.detect(Record::Event(event), || Context::of_event(event, ahead_ms_max), out);
    }

    /// Takes in a flat object, under the id that it shall have.
    pub fn process_flat(&mut self, flat: &Flat, id: EventId, out: &mut Output) {
        self.detect(Record::Flat(flat), || Context::of_flat(flat, id), out);
    }

    /// Takes in a flat object written as one line of JSON, under the id that it shall have: the same as reading a [`Flat`]
    /// and giving it to [`Correlator::process_flat`], but a line that meets no rule is read in place.
    ///
    /// # Errors
    /// The text is not one JSON object.
    pub fn process_json(&mut self, line: &str, id: EventId, out: &mut Output) -> serde_json::Result<()> {
        let rules = Arc::clone(&self.rules);
        let mut found = std::mem::take(&mut self.found);
        let read = self.engine.find_line(&rules, line, &mut found);
        if !read || !found.is_empty() {
            let flat = Flat::from_json(line);
            let context = |flat: &Flat| Context::of_flat(flat, id);
            match &flat {
                Ok(flat) if read => self.meet(Record::Flat(flat), &found, || context(flat), out),
                Ok(flat) => self.process_flat(flat, id, out),
                Err(_) => {}
            }
            self.found = found;
            return flat.map(|_| ());
        }
        self.found = found;
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
        for rule in found.iter().filter_map(|at| rules.detections.get(*at as usize)) {
            let context = known.get_or_insert_with(&context);
            if rule.is_filtered(record, context.time) {
                self.counters.filtered += 1;
                continue;
            }
            let found = context.found(rule, record);
            self.absorb(rule, &found, out);
            out.matches.push(found);
        }
    }
}

//! The last word on each alert, in an order that is the same every time: what `detect` and `rules backtest` write.

use correlator::Output;
use event::{Alert, Time};
use std::collections::{BTreeMap, HashMap};
use uuid::Uuid;

/// An alert's place in the answer.
type Place = (Time, String, Uuid);

/// The alerts so far.
#[derive(Default)]
pub(crate) struct Alerts {
    alerts: BTreeMap<Place, Alert>,
    places: HashMap<Uuid, Place>,
}

impl Alerts {
    /// Takes over what came of events, and leaves nothing but matches behind.
    pub(crate) fn take(&mut self, output: &mut Output) {
        for alert in output.alerts.drain(..) {
            self.forget(alert.id);
            let place = (alert.first, alert.rule.clone(), alert.id);
            self.places.insert(alert.id, place.clone());
            self.alerts.insert(place, alert);
        }
        // Behind the alerts, which may hold one that was superseded right after: its id never comes back.
        for (gone, _into) in output.superseded.drain(..) {
            self.forget(gone);
        }
        output.incidents.clear();
        output.merged.clear();
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.alerts.len()
    }

    /// Writes a line of JSON for each, by time, then rule.
    pub(crate) fn write(&self, out: &mut impl std::io::Write) -> std::io::Result<()> {
        #[derive(serde::Serialize)]
        struct Line<'a> {
            kind: &'static str,
            #[serde(flatten)]
            alert: &'a Alert,
        }
        for alert in self.alerts.values() {
            serde_json::to_writer(&mut *out, &Line { kind: "alert", alert })?;
            out.write_all(b"\n")?;
        }
        Ok(())
    }

    fn forget(&mut self, id: Uuid) {
        if let Some(place) = self.places.remove(&id) {
            self.alerts.remove(&place);
        }
    }
}

//! Stage three: alerts are marked, held back or told, and linked to incidents.

use super::{Correlator, Depth, Output};
use crate::suppression::chain::Told;
use event::Alert;
use std::sync::Arc;
use uuid::Uuid;

impl Correlator {
    /// Tells alerts, unless a suppression holds them back. `is_new` if none of them was told before.
    pub(super) fn tell(&mut self, alerts: Vec<Alert>, is_new: bool, out: &mut Output) {
        let rules = Arc::clone(&self.rules);
        for mut alert in alerts {
            rules.mark(&mut alert);
            match rules.held(&alert) {
                None => self.tell_one(alert, out),
                Some((held, values)) => {
                    let told = self.chains.take(held, values, alert, is_new);
                    self.tell_all(told, out);
                    if self.chains.is_full(self.limits.suppressed_max) {
                        self.tell_held(out);
                        self.chains.evict(self.limits.suppressed_max);
                    }
                }
            }
        }
    }

    /// The alert `from` is now part of `into`, which is this alert.
    pub(super) fn supersede(&mut self, (from, into): (Uuid, Uuid), alert: Alert, out: &mut Output) {
        let rules = Arc::clone(&self.rules);
        let mut alert = alert;
        rules.mark(&mut alert);
        match rules.held(&alert) {
            None => {
                out.superseded.push((from, into));
                if self.depth == Depth::Incidents {
                    self.incidents.supersede(from, &alert, &self.limits, out);
                }
            }
            Some((held, values)) => {
                self.chains.supersede(held, values.clone(), from);
                let told = self.chains.take(held, values, alert, false);
                self.tell_all(told, out);
            }
        }
    }

    /// Tells what changed of alerts that hold others back.
    pub(super) fn tell_held(&mut self, out: &mut Output) {
        let told = self.chains.flush();
        self.tell_all(told, out);
    }

    fn tell_all(&mut self, told: Told, out: &mut Output) {
        for (from, into) in told.superseded {
            out.superseded.push((from, into.id));
            if self.depth == Depth::Incidents {
                self.incidents.supersede(from, &into, &self.limits, out);
            }
        }
        for alert in told.alerts {
            // One that was held back by an alert that is none any more.
            out.superseded.retain(|(from, _)| *from != alert.id);
            self.tell_one(alert, out);
        }
    }

    fn tell_one(&mut self, alert: Alert, out: &mut Output) {
        if self.depth == Depth::Incidents {
            self.incidents.take(&alert, &self.limits, out);
        }
        out.alerts.push(alert);
    }
}

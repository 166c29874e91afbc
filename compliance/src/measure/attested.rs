//! What cannot be computed: a person's word, with a document that has not run out.

use super::{Assess, Of, Value, proof};
use crate::assessment::{Outcome, Said};
use crate::evidence::Attestation;
use crate::ruleset::MeasureRule;
use jiff::civil::Date;
use jiff::{ToSpan as _, Unit};

impl Assess<'_> {
    pub(super) fn attested(&self, rule: &MeasureRule, of: Of<'_>, level: u8) -> Value {
        let today = self.today;
        let ours = |one: &&Attestation| {
            one.measure == rule.id && one.subject == of.subject() && one.of == of.id() && one.on <= today
        };
        let Some(latest) =
            self.evidence.attestations.iter().filter(ours).max_by_key(|one| (one.on, one.recorded))
        else {
            let missing = vec![Said::new("no document", "chưa có tài liệu chứng minh")];
            return Value { missing, ..Value::default() };
        };
        #[allow(clippy::cast_possible_truncation, reason = "months of a rule set are few")]
        let months = rule.threshold.get(&level).copied().unwrap_or(0.0) as i32;
        // The day decides, not the number: months are not of one length. Without months only the document's own end counts.
        let is_fresh = months == 0 || latest.on.checked_add(months.months()).is_ok_and(|due| today <= due);
        let outcome = Some(if is_fresh { Outcome::Met } else { Outcome::NotMet });
        let mut value = Value { value: Some(age(latest.on, today)), outcome, ..Value::default() };
        value.proof.push(proof::attestation(&latest.id));
        if let Some(until) = latest.until.filter(|until| *until < today) {
            value.outcome = Some(Outcome::NotMet);
            value.missing.push(Said::new(
                format!("{} ran out on {until}", latest.document),
                format!("{} hết hiệu lực ngày {}", latest.document, until.strftime("%d/%m/%Y")),
            ));
        }
        if let Of::System(system) = of
            && rule.is_independent
            && !system.provider.is_empty()
            && latest.organisation.trim().to_lowercase() == system.provider.trim().to_lowercase()
        {
            value.outcome = Some(Outcome::NotMet);
            value.missing.push(Said::new(
                format!("{} monitors this system and may not assess it", latest.organisation),
                format!("{} là đơn vị giám sát hệ thống này, không độc lập", latest.organisation),
            ));
        }
        value
    }
}

/// Months from the one day to the other, to a tenth: a day beyond whole months is a tenth at least.
fn age(from: Date, to: Date) -> f64 {
    let span = from.until((Unit::Month, to)).unwrap_or_default();
    let (months, days) = (f64::from(span.get_months()), f64::from(span.get_days()));
    // A month has 31 days at most, so a part of one is never told as a whole one.
    let tenths = (days * 10.0 / 31.0).floor();
    months + if days > 0.0 { tenths.max(1.0) / 10.0 } else { 0.0 }
}

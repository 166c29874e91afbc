//! What the logs of a system say: which machines send, the longest silence, what is held, clocks.

use super::{Assess, Outcome, Said, Value, hours, named, proof, share};
use crate::evidence::longest_gap;
use jiff::ToSpan as _;
use registry::{Asset, Date, System};

impl Assess<'_> {
    /// Machines of the system of which logs are expected.
    fn machines(&self, system: &System) -> Vec<&Asset> {
        self.registry.assets.iter().filter(|asset| asset.logs && asset.system == system.id).collect()
    }

    pub(super) fn sources(&self, system: &System) -> Value {
        let proof = vec![proof::events(self.period.begin(), self.end, "haidang.system.id", &system.id)];
        if !self.evidence.has_events {
            return Value { proof, ..Value::default() };
        }
        let machines = self.machines(system);
        if machines.is_empty() {
            let sends = self.evidence.days.get(&system.id).is_some_and(|days| !days.is_empty());
            let missing = vec![Said::new("no machine is registered", "chưa đăng ký máy nào của hệ thống")];
            return Value {
                missing,
                proof,
                outcome: (!sends).then_some(Outcome::NotMet),
                ..Value::default()
            };
        }
        let sends = |asset: &&&Asset| self.evidence.assets.get(&asset.id).is_some_and(|logs| logs.events > 0);
        let silent: Vec<&str> =
            machines.iter().filter(|asset| !sends(asset)).map(|asset| asset.id.as_str()).collect();
        let mut value = share(machines.len(), machines.len() - silent.len());
        value.missing = named(&silent, "no log of", "chưa có log của");
        value.proof = proof;
        value
    }

    pub(super) fn gap(&self, system: &System) -> Value {
        if !self.evidence.has_events {
            return Value::default();
        }
        let days = self.evidence.days.get(&system.id).map(Vec::as_slice).unwrap_or_default();
        let (from, to) = longest_gap(self.period.begin(), self.end, days);
        let local = |time: event::Time| time.plus_ms(7 * 3_600_000).to_string();
        let said = |time: event::Time| {
            let text = local(time);
            let part = |range| text.get(range).unwrap_or_default();
            format!("{}/{}/{} {}", part(8..10), part(5..7), part(0..4), part(11..16))
        };
        let missing = vec![Said::new(
            format!("from {} to {}", said(from), said(to)),
            format!("từ {} đến {}", said(from), said(to)),
        )];
        let proof =
            vec![proof::events(from.plus_ms(-600_000), to.plus_ms(600_000), "haidang.system.id", &system.id)];
        Value { value: Some(hours(to.0 - from.0)), missing, proof, ..Value::default() }
    }

    /// Days that logs of a system of this level are to go back on a day.
    pub(super) fn days_held(&self, day: Date, level: u8) -> f64 {
        let months = self.rules.months(day, level);
        days_between(day.checked_sub(i32::from(months).months()).unwrap_or(day), day)
    }

    pub(super) fn retention(&self, system: &System, level: u8) -> Value {
        let months = self.rules.months(self.today, level);
        let last = self.today;
        let begin = last.checked_sub(i32::from(months).months()).unwrap_or(last);
        let required = Some(self.days_held(last, level));
        if !self.evidence.has_events {
            return Value { required, ..Value::default() };
        }
        let Some(held) = self.evidence.held.get(&system.id) else {
            let missing = vec![Said::new("no log is held", "không lưu log nào")];
            let proof =
                vec![proof::events(crate::first_moment(begin), self.end, "haidang.system.id", &system.id)];
            let outcome = (months > 0).then_some(Outcome::NotMet);
            return Value { value: Some(0.0), required, outcome, missing, proof, ..Value::default() };
        };
        let mut value =
            Value { value: Some(days_between(held.oldest, last).max(0.0)), required, ..Value::default() };
        let to = crate::first_moment(held.oldest).plus_ms(2 * 86_400_000);
        value.proof.push(proof::events(
            crate::first_moment(held.oldest),
            to,
            "haidang.system.id",
            &system.id,
        ));
        if held.short > 0 {
            value.outcome = Some(Outcome::NotMet);
            value.missing.push(Said::new(
                format!("{} events would be deleted too early", held.short),
                format!("{} sự kiện sẽ bị xóa trước hạn", held.short),
            ));
        } else if held.oldest > begin {
            // What came is kept long enough; that there is no more may be because nothing was collected before.
            value.outcome = Some(Outcome::Unknown);
            value.missing.push(Said::new(
                format!("logs begin on {}; each is kept for {months} months", held.oldest),
                format!(
                    "log có từ ngày {}; mỗi dòng được giữ {months} tháng",
                    held.oldest.strftime("%d/%m/%Y")
                ),
            ));
        }
        value
    }

    pub(super) fn skew(&self, system: &System) -> Value {
        let machines = self.machines(system);
        let known = machines.iter().filter_map(|asset| {
            let logs = self.evidence.assets.get(&asset.id)?;
            Some((asset.id.as_str(), logs.skew_s))
        });
        let Some((worst, skew)) = known.max_by(|a, b| a.1.abs().total_cmp(&b.1.abs())) else {
            return Value::default();
        };
        let (text, text_vi) = if skew < 0.0 { ("ahead", "nhanh") } else { ("behind", "chậm") };
        let seconds = (skew.abs() * 10.0).round() / 10.0;
        let missing = vec![Said::new(
            format!("{worst}: {seconds} s {text}"),
            format!("{worst}: {text_vi} {seconds} giây"),
        )];
        let proof = vec![proof::events(self.period.begin(), self.end, "haidang.asset.id", worst)];
        Value { value: Some(seconds), missing, proof, ..Value::default() }
    }
}

fn days_between(from: Date, to: Date) -> f64 {
    from.until(to).map_or(0.0, |span| f64::from(span.get_days()))
}

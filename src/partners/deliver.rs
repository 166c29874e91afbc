//! One partner's reports: made when their period is over, sent until they have arrived.

use super::outside::{Answer, Outside};
use super::{Lead, looks_every, now};
use anyhow::Context as _;
use exchange::DeliveryConfig;
use exchange::edxml::Signer;
use std::sync::Arc;
use store::cases::{Actor, Attempt, Cases, Delivery, DeliveryVerdict, NewDelivery};
use store::events::Events;

/// What the deliveries are.
const KIND: &str = "avreport";

/// Makes and sends one partner's reports.
pub(super) struct Sender {
    pub(super) config: Arc<exchange::Config>,
    /// Which of the configuration's deliveries this is.
    pub(super) place: usize,
    pub(super) signer: Arc<Signer>,
    pub(super) events: Events,
    pub(super) cases: Cases,
    pub(super) outside: Outside,
    pub(super) lead: Lead,
}

impl Sender {
    pub(super) async fn run(self) {
        let Some(settings) = self.config.deliveries.get(self.place) else { return };
        let partner = settings.partner.as_str();
        loop {
            if self.lead.is_ours().await
                && let Err(error) = self.make(settings).await
            {
                tracing::error!(partner, "a report was not made: {error:#}");
            }
            while self.lead.is_ours().await {
                match self.send(settings).await {
                    Ok(true) => {}
                    Ok(false) => break,
                    Err(error) => {
                        tracing::error!(partner, "the deliveries do not read: {error:#}");
                        break;
                    }
                }
            }
            tokio::time::sleep(looks_every(settings.every_s.min(settings.retry_min_s.max(1)))).await;
        }
    }

    /// Makes the reports that are due.
    async fn make(&self, settings: &DeliveryConfig) -> anyhow::Result<()> {
        loop {
            let reached = self.cases.delivery_reached(&settings.partner, KIND).await?;
            let Some(period) = settings.due(reached, now()) else { return Ok(()) };
            let avreport = &self.config.avreport;
            let report = crate::avreport::report(&self.events, &self.cases, avreport, period).await?;
            let body = exchange::edxml::signed(&report, &self.config.organisation, avreport, &self.signer)
                .context("sign")?;
            let (from, to) = period;
            let id = exchange::stix::id::own(
                "report",
                &[KIND, &settings.partner, &from.to_string(), &to.to_string()],
            );
            let new = NewDelivery {
                id: id.rsplit("--").next().unwrap_or(&id),
                partner: &settings.partner,
                kind: KIND,
                tlp: settings.tlp,
                from,
                to,
                body: &body,
            };
            let by = Actor::system("exchange", now());
            if !self.cases.add_delivery(&by, &new, settings.waiting_max).await? {
                return Ok(()); // as many wait as may
            }
            tracing::info!(partner = settings.partner, id = new.id, %from, %to, "a report is made");
        }
    }

    /// Sends the oldest report that waits, if it is time. True if it is done with and the next may follow.
    async fn send(&self, settings: &DeliveryConfig) -> anyhow::Result<bool> {
        let Some((delivery, body)) = self.cases.due_delivery(&settings.partner, now()).await? else {
            return Ok(false);
        };
        let (outside, url, key) = (self.outside.clone(), settings.url.clone(), delivery.id.clone());
        let answer = tokio::task::spawn_blocking(move || outside.post(&url, &key, &body)).await?;
        let (attempt, verdict) = judged(settings, &delivery, answer);
        let (partner, id, status) = (&settings.partner, &delivery.id, attempt.status);
        match verdict {
            DeliveryVerdict::Arrived => tracing::info!(partner, id, status, "a report has arrived"),
            _ => tracing::warn!(partner, id, status, "a report has not arrived: {}", attempt.problem),
        }
        let by = Actor::system("exchange", now());
        self.cases.delivery_attempted(&by, &delivery, &attempt, verdict).await?;
        Ok(!matches!(verdict, DeliveryVerdict::Again(_)))
    }
}

/// What an answer means for the delivery.
fn judged(
    settings: &DeliveryConfig,
    delivery: &Delivery,
    answer: anyhow::Result<Answer>,
) -> (Attempt, DeliveryVerdict) {
    let again =
        || DeliveryVerdict::Again(settings.again(&delivery.id, delivery.attempts.saturating_add(1), now()));
    let answer = match answer {
        Ok(answer) => answer,
        Err(error) => {
            let problem = format!("{error:#}");
            return (Attempt { problem, ..Attempt::default() }, again());
        }
    };
    let Answer { status, body } = answer;
    let (problem, verdict) = match status {
        200..=299 => (String::new(), DeliveryVerdict::Arrived),
        // What it says of the document will not change by sending it again; what it says of us or of itself may.
        400 | 405 | 406 | 410..=418 | 422 => {
            let text = String::from_utf8_lossy(&body).chars().take(200).collect::<String>();
            (format!("HTTP {status}: {text}"), DeliveryVerdict::Refused)
        }
        _ => (format!("HTTP {status}"), again()),
    };
    (Attempt { status, answer: Some(body), problem }, verdict)
}

#[cfg(test)]
mod tests {
    use super::*;
    use event::{Time, Tlp};

    #[test]
    fn only_what_is_said_of_the_document_itself_ends_its_way() {
        let json = serde_json::json!({ "partner": "ncsc", "url": "https://ncsc.example/" });
        let settings: DeliveryConfig = serde_json::from_value(json).unwrap();
        let delivery = Delivery {
            id: "a".to_owned(),
            partner: "ncsc".to_owned(),
            kind: KIND.to_owned(),
            tlp: Tlp::Amber,
            from: Time(0),
            to: Time(1),
            made: Time(1),
            bytes: 1,
            digest: String::new(),
            state: store::cases::DeliveryState::Waiting,
            attempts: 0,
            next: Time(1),
            problem: String::new(),
            delivered: None,
        };
        let judge = |status: u16| {
            let answer = Answer { status, body: "sai chữ ký".as_bytes().to_vec() };
            judged(&settings, &delivery, Ok(answer))
        };
        for status in [200, 202, 204] {
            assert_eq!(judge(status).1, DeliveryVerdict::Arrived, "{status}");
        }
        for status in [400, 413, 422] {
            let (attempt, verdict) = judge(status);
            assert_eq!(verdict, DeliveryVerdict::Refused, "{status}");
            assert!(attempt.problem.ends_with("sai chữ ký"), "{}", attempt.problem);
        }
        // Our password, their configuration, their load; and a redirect, which is not followed with our password.
        for status in [301, 401, 403, 404, 408, 429, 500, 502, 503] {
            assert!(matches!(judge(status).1, DeliveryVerdict::Again(_)), "{status}");
        }
        let away = judged(&settings, &delivery, Err(anyhow::anyhow!("connection refused")));
        assert!(matches!(away.1, DeliveryVerdict::Again(_)));
        assert_eq!((away.0.status, away.0.problem.as_str()), (0, "connection refused"));
    }
}

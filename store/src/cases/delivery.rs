//! What we send others by ourselves: kept until it has arrived, with a receipt of every attempt.

use super::sql::{Row, sql};
use super::{Actor, Cases, Error, Tx, audit, secret, stored};
use event::{Time, Tlp};
use serde::Serialize;

/// Receipts that are kept of one delivery; beyond it the oldest go.
const RECEIPTS_MAX: i64 = 100;
/// What is kept of a problem's text, in bytes.
const PROBLEM_BYTES_MAX: usize = 500;

/// Something to be sent.
#[derive(Clone, Debug)]
pub struct NewDelivery<'a> {
    /// The same for the same thing: who gets one twice can tell.
    pub id: &'a str,
    /// To whom.
    pub partner: &'a str,
    /// What it is: `avreport`.
    pub kind: &'a str,
    /// To whom they may show it.
    pub tlp: Tlp,
    /// The first moment of the period that it tells of.
    pub from: Time,
    /// The moment after its last.
    pub to: Time,
    /// Itself.
    pub body: &'a str,
}

/// How far it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryState {
    /// To be sent, perhaps once more.
    Waiting,
    /// It has arrived.
    Delivered,
    /// The other side does not take it: a person decides.
    Refused,
}

impl DeliveryState {
    /// The word on the wire.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            DeliveryState::Waiting => "waiting",
            DeliveryState::Delivered => "delivered",
            DeliveryState::Refused => "refused",
        }
    }
}

/// Something that is sent or was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// See [`NewDelivery::id`].
    pub id: String,
    /// To whom.
    pub partner: String,
    /// What it is.
    pub kind: String,
    /// To whom they may show it.
    pub tlp: Tlp,
    /// The first moment of the period.
    pub from: Time,
    /// The moment after its last.
    pub to: Time,
    /// When it was made.
    pub made: Time,
    /// Its size in bytes.
    pub bytes: u64,
    /// Its SHA-256.
    pub digest: String,
    /// How far it is.
    pub state: DeliveryState,
    /// How often it was sent.
    pub attempts: u32,
    /// When it is sent next, while it waits.
    pub next: Time,
    /// What the last attempt came to grief of, or empty.
    pub problem: String,
    /// When it arrived.
    pub delivered: Option<Time>,
}

/// An attempt and what came back.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Attempt {
    /// HTTP's status; 0 without an answer.
    pub status: u16,
    /// The answer's body, of which the SHA-256 is kept.
    pub answer: Option<Vec<u8>>,
    /// Why it did not arrive; empty if it did.
    pub problem: String,
}

impl Attempt {
    fn digest(&self) -> String {
        self.answer.as_deref().map_or_else(String::new, |answer| secret::digest(&[answer]))
    }
}

/// What becomes of it after an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It has arrived.
    Arrived,
    /// It is sent again then.
    Again(Time),
    /// It is not sent again.
    Refused,
}

/// How it stands with a partner.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// Who.
    pub partner: String,
    /// When something last arrived.
    pub succeeded: Option<Time>,
    /// How many wait.
    pub waiting: u64,
    /// Since when the oldest of them waits.
    pub waiting_since: Option<Time>,
    /// How many were refused.
    pub refused: u64,
}

impl Cases {
    /// Puts something in line. False if it was made before, or if `waiting_max` wait for this partner already: then nothing
    /// further is made for them until some have arrived.
    ///
    /// # Errors
    /// The database refused.
    pub async fn add_delivery(
        &self,
        by: &Actor,
        new: &NewDelivery<'_>,
        waiting_max: u32,
    ) -> Result<bool, Error> {
        let mut tx = self.begin().await?;
        let row = sql("SELECT COUNT(*) FROM deliveries WHERE partner = $1 AND state = 'waiting'")
            .bind(new.partner)
            .fetch_one(&mut tx)
            .await?;
        if row.get::<i64>(0)? >= i64::from(waiting_max) {
            return Ok(false);
        }
        let digest = secret::digest(&[new.body.as_bytes()]);
        let made = sql(
            "INSERT INTO deliveries (id, partner, kind, tlp, from_ms, to_ms, made_ms, bytes, digest, body, state, attempts, \
             next_ms, problem) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 'waiting', 0, $7, '') \
             ON CONFLICT (id) DO NOTHING",
        )
        .bind(new.id)
        .bind(new.partner)
        .bind(new.kind)
        .bind(new.tlp as i64)
        .bind(new.from.0)
        .bind(new.to.0)
        .bind(by.now.0)
        .bind(stored(new.body.len()))
        .bind(&digest)
        .bind(new.body)
        .execute(&mut tx)
        .await?;
        if made == 0 {
            return Ok(false);
        }
        let detail =
            format!("{}, {} to {}, sha256 {digest}", audience(new.tlp, new.partner), new.from, new.to);
        audit::append(&mut tx, by, "delivery.make", new.id, "done", &detail).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// The end of the last period of which something was made for this partner.
    ///
    /// # Errors
    /// The database refused.
    pub async fn delivery_reached(&self, partner: &str, kind: &str) -> Result<Option<Time>, Error> {
        let row = sql("SELECT MAX(to_ms) FROM deliveries WHERE partner = $1 AND kind = $2")
            .bind(partner)
            .bind(kind)
            .fetch_one(&self.read)
            .await?;
        Ok(row.get::<Option<i64>>(0)?.map(Time))
    }

    /// The oldest that waits for this partner, with its body, if its time has come.
    ///
    /// # Errors
    /// The database refused.
    pub async fn due_delivery(&self, partner: &str, now: Time) -> Result<Option<(Delivery, String)>, Error> {
        let row = sql(
            "SELECT id, partner, kind, tlp, from_ms, to_ms, made_ms, bytes, digest, state, attempts, next_ms, problem, \
             delivered_ms, body FROM deliveries WHERE partner = $1 AND state = 'waiting' ORDER BY to_ms, id LIMIT 1",
        )
        .bind(partner)
        .fetch_optional(&self.read)
        .await?;
        let Some(row) = row else { return Ok(None) };
        let delivery = read(&row)?;
        // Those behind it wait too: a server that is down is asked once, not once for each.
        Ok(if delivery.next <= now { Some((delivery, row.get(14)?)) } else { None })
    }

    /// Writes down an attempt and what becomes of the delivery, in one transaction with its entry of the trail.
    ///
    /// # Errors
    /// The database refused.
    pub async fn delivery_attempted(
        &self,
        by: &Actor,
        delivery: &Delivery,
        attempt: &Attempt,
        verdict: Verdict,
    ) -> Result<(), Error> {
        let mut tx = self.begin().await?;
        let number = i64::from(delivery.attempts) + 1;
        let problem = short(&attempt.problem);
        let (state, next, delivered) = match verdict {
            Verdict::Arrived => ("delivered", by.now, Some(by.now.0)),
            Verdict::Again(next) => ("waiting", next, None),
            Verdict::Refused => ("refused", by.now, None),
        };
        sql(
            "UPDATE deliveries SET state = $2, attempts = $3, next_ms = $4, problem = $5, delivered_ms = $6, \
             body = CASE WHEN $2 = 'delivered' THEN '' ELSE body END WHERE id = $1",
        )
        .bind(&delivery.id)
        .bind(state)
        .bind(number)
        .bind(next.0)
        .bind(problem)
        .bind(delivered)
        .execute(&mut tx)
        .await?;
        receipt(&mut tx, by, &delivery.id, number, attempt).await?;
        // A server that is down for a week would fill the trail: the receipts have every attempt.
        if verdict == Verdict::Arrived || verdict == Verdict::Refused || number == 1 {
            let result = if verdict == Verdict::Arrived { "done" } else { "failed" };
            let answer = match attempt.status {
                0 => problem.to_owned(),
                status => format!("HTTP {status}, answer sha256 {}", attempt.digest()),
            };
            let detail = format!("{}, attempt {number}: {answer}", audience(delivery.tlp, &delivery.partner));
            audit::append(&mut tx, by, "delivery.send", &delivery.id, result, &detail).await?;
        }
        tx.commit().await
    }

    /// Sends one again that was refused, or one that waits at once.
    ///
    /// # Errors
    /// There is none, or it has arrived.
    pub async fn retry_delivery(&self, by: &Actor, id: &str) -> Result<Delivery, Error> {
        let mut tx = self.begin().await?;
        let done = sql(
            "UPDATE deliveries SET state = 'waiting', next_ms = $2 WHERE id = $1 AND state <> 'delivered'",
        )
        .bind(id)
        .bind(by.now.0)
        .execute(&mut tx)
        .await?;
        let row = sql(
            "SELECT id, partner, kind, tlp, from_ms, to_ms, made_ms, bytes, digest, state, attempts, next_ms, problem, \
             delivered_ms FROM deliveries WHERE id = $1",
        )
        .bind(id)
        .fetch_optional(&mut tx)
        .await?;
        let delivery = read(&row.ok_or(Error::Missing("delivery"))?)?;
        if done == 0 {
            return Err(Error::Invalid("it has arrived".to_owned()));
        }
        let detail = audience(delivery.tlp, &delivery.partner);
        audit::append(&mut tx, by, "delivery.retry", id, "done", &detail).await?;
        tx.commit().await?;
        Ok(delivery)
    }

    /// The newest deliveries that were made before `before`, newest first.
    ///
    /// # Errors
    /// The database refused.
    pub async fn deliveries(&self, before: Option<Time>, limit: u32) -> Result<Vec<Delivery>, Error> {
        let rows = sql(
            "SELECT id, partner, kind, tlp, from_ms, to_ms, made_ms, bytes, digest, state, attempts, next_ms, problem, \
             delivered_ms FROM deliveries WHERE made_ms < $1 ORDER BY made_ms DESC, id LIMIT $2",
        )
        .bind(before.map_or(i64::MAX, |before| before.0))
        .bind(i64::from(limit))
        .fetch_all(&self.read)
        .await?;
        rows.iter().map(read).collect()
    }

    /// How it stands with each partner for whom something was made.
    ///
    /// # Errors
    /// The database refused.
    pub async fn standings(&self) -> Result<Vec<Standing>, Error> {
        let rows = sql(
            "SELECT partner, MAX(delivered_ms), SUM(CASE WHEN state = 'waiting' THEN 1 ELSE 0 END), \
             MIN(CASE WHEN state = 'waiting' THEN made_ms END), SUM(CASE WHEN state = 'refused' THEN 1 ELSE 0 END) \
             FROM deliveries GROUP BY partner ORDER BY partner",
        )
        .fetch_all(&self.read)
        .await?;
        let read = |row: &Row| {
            Ok(Standing {
                partner: row.get(0)?,
                succeeded: row.get::<Option<i64>>(1)?.map(Time),
                waiting: row.get::<i64>(2)?.unsigned_abs(),
                waiting_since: row.get::<Option<i64>>(3)?.map(Time),
                refused: row.get::<i64>(4)?.unsigned_abs(),
            })
        };
        rows.iter().map(read).collect()
    }
}

async fn receipt(tx: &mut Tx, by: &Actor, id: &str, number: i64, attempt: &Attempt) -> Result<(), Error> {
    sql(
        "INSERT INTO receipts (delivery, attempt, time_ms, status, digest, problem) VALUES ($1, $2, $3, $4, $5, $6)",
    )
    .bind(id)
    .bind(number)
    .bind(by.now.0)
    .bind(i64::from(attempt.status))
    .bind(attempt.digest())
    .bind(short(&attempt.problem))
    .execute(&mut *tx)
    .await?;
    sql("DELETE FROM receipts WHERE delivery = $1 AND attempt <= $2")
        .bind(id)
        .bind(number - RECEIPTS_MAX)
        .execute(&mut *tx)
        .await?;
    Ok(())
}

fn short(text: &str) -> &str {
    text.get(..text.floor_char_boundary(PROBLEM_BYTES_MAX)).unwrap_or_default()
}

/// To whom and in which colour, for the trail.
fn audience(tlp: Tlp, partner: &str) -> String {
    format!("TLP:{} to {partner}", tlp.name().to_uppercase())
}

fn read(row: &Row) -> Result<Delivery, Error> {
    let tlp: i64 = row.get(3)?;
    let tlp = usize::try_from(tlp).ok().and_then(|place| Tlp::ALL.get(place)).copied();
    let state: String = row.get(9)?;
    let states = [DeliveryState::Waiting, DeliveryState::Delivered, DeliveryState::Refused];
    let state = states.into_iter().find(|one| one.name() == state);
    Ok(Delivery {
        id: row.get(0)?,
        partner: row.get(1)?,
        kind: row.get(2)?,
        tlp: tlp.ok_or(Error::Corrupt("TLP"))?,
        from: Time(row.get(4)?),
        to: Time(row.get(5)?),
        made: Time(row.get(6)?),
        bytes: row.get::<i64>(7)?.unsigned_abs(),
        digest: row.get(8)?,
        state: state.ok_or(Error::Corrupt("delivery's state"))?,
        attempts: u32::try_from(row.get::<i64>(10)?).unwrap_or(u32::MAX),
        next: Time(row.get(11)?),
        problem: row.get(12)?,
        delivered: row.get::<Option<i64>>(13)?.map(Time),
    })
}

#[cfg(test)]
mod tests;

//! Deliveries and releases against a real database.

use super::*;
use crate::cases::place::Place;
use crate::cases::{Config, ReleaseFilter};
use event::{Incident, Severity, Stage};

const NOW: Time = Time(1_790_000_000_000);

async fn open() -> (Cases, Place) {
    let place = Place::new();
    (Cases::open(&place.target, Config::default()).await.unwrap(), place)
}

fn by(ms: i64) -> Actor {
    Actor::system("exchange", NOW.plus_ms(ms))
}

async fn add(cases: &Cases, id: &str, day: i64, waiting_max: u32) -> bool {
    let (from, to) = (NOW.plus_ms(day * 86_400_000), NOW.plus_ms((day + 1) * 86_400_000));
    let new =
        NewDelivery { id, partner: "ncsc", kind: "avreport", tlp: Tlp::Amber, from, to, body: "<x>đ</x>" };
    cases.add_delivery(&by(day), &new, waiting_max).await.unwrap()
}

fn failed(status: u16) -> Attempt {
    Attempt { status, answer: Some(b"no".to_vec()), problem: format!("HTTP {status}") }
}

#[tokio::test]
async fn the_oldest_goes_first_holds_back_the_others_and_one_that_is_refused_holds_back_none() {
    let (cases, _folder) = open().await;
    for (id, day) in [("b", 1), ("a", 0), ("c", 2)] {
        assert!(add(&cases, id, day, 3).await);
    }
    assert!(!add(&cases, "a", 0, 9).await, "made once");
    assert!(!add(&cases, "d", 3, 3).await, "no more than may wait");
    assert_eq!(cases.delivery_reached("ncsc", "avreport").await.unwrap(), Some(NOW.plus_ms(3 * 86_400_000)));
    let due = async |ms| cases.due_delivery("ncsc", NOW.plus_ms(ms)).await.unwrap();
    let (first, body) = due(10).await.unwrap();
    assert_eq!((first.id.as_str(), body.as_str()), ("a", "<x>đ</x>"));
    let again = Verdict::Again(NOW.plus_ms(1000));
    cases.delivery_attempted(&by(20), &first, &failed(503), again).await.unwrap();
    assert_eq!(due(999).await, None, "those behind it wait too");
    let (first, _) = due(1000).await.unwrap();
    assert_eq!((first.id.as_str(), first.attempts), ("a", 1));
    cases.delivery_attempted(&by(1000), &first, &failed(422), Verdict::Refused).await.unwrap();
    let (second, _) = due(1000).await.unwrap();
    assert_eq!(second.id, "b");
    let arrived = Attempt { status: 200, answer: Some(Vec::new()), problem: String::new() };
    cases.delivery_attempted(&by(1001), &second, &arrived, Verdict::Arrived).await.unwrap();
    let standing = cases.standings().await.unwrap().remove(0);
    assert_eq!((standing.waiting, standing.refused, standing.succeeded), (1, 1, Some(NOW.plus_ms(1001))));
    // A person sends the refused one again; what has arrived stays.
    assert_eq!(cases.retry_delivery(&by(2000), "a").await.unwrap().state, DeliveryState::Waiting);
    assert!(matches!(cases.retry_delivery(&by(2000), "b").await, Err(Error::Invalid(_))));
    assert!(matches!(cases.retry_delivery(&by(2000), "x").await, Err(Error::Missing(_))));
    assert_eq!(due(2000).await.unwrap().0.id, "a");
    let trail = cases.audit_entries(None, 100).await.unwrap();
    let sent: Vec<&str> = trail
        .iter()
        .filter(|entry| entry.action == "delivery.send")
        .map(|entry| entry.result.as_str())
        .collect();
    assert_eq!(
        sent,
        ["done", "failed", "failed"],
        "newest first: b arrived, a was refused, a's first attempt"
    );
    assert!(trail.iter().all(|entry| entry.detail.contains("TLP:AMBER to ncsc")), "{trail:?}");
}

#[tokio::test]
async fn a_server_that_is_down_for_a_year_fills_neither_trail_nor_receipts() {
    let (cases, _folder) = open().await;
    assert!(add(&cases, "a", 0, 3).await);
    for ms in 1..300 {
        let (delivery, _) = cases.due_delivery("ncsc", NOW.plus_ms(ms)).await.unwrap().unwrap();
        let again = Verdict::Again(NOW.plus_ms(ms + 1));
        cases.delivery_attempted(&by(ms), &delivery, &failed(0), again).await.unwrap();
    }
    let row = sql("SELECT COUNT(*), MAX(attempt) FROM receipts").fetch_one(&cases.read).await.unwrap();
    assert_eq!((row.get::<i64>(0).unwrap(), row.get::<i64>(1).unwrap()), (RECEIPTS_MAX, 299));
    let trail = cases.audit_entries(None, 1000).await.unwrap();
    assert_eq!(trail.iter().filter(|entry| entry.action == "delivery.send").count(), 1);
}

#[tokio::test]
async fn a_rule_lets_out_what_is_bad_enough_once_and_again_only_when_it_changed() {
    let (cases, _folder) = open().await;
    let incident = |number: u128, severity, level, count| Incident {
        id: uuid::Uuid::from_u128(number),
        title: "x".into(),
        title_vi: "x".into(),
        severity,
        stage: Stage::Access,
        first: NOW,
        last: NOW.plus_ms(count),
        entities: Vec::new(),
        unit: String::new(),
        system: String::new(),
        system_level: level,
        alerts: Vec::new(),
        authorised: None,
    };
    let all = [
        incident(1, Severity::High, 3, 0),
        incident(2, Severity::Medium, 3, 0),
        incident(3, Severity::Critical, 2, 0),
    ];
    cases.upsert_incidents(&all, &[], NOW).await.unwrap();
    let filter = |rule, told_before| ReleaseFilter {
        collection: "c",
        severity_min: Severity::High,
        level_min: 3,
        rule,
        since: NOW,
        told_before,
    };
    let first = uuid::Uuid::from_u128(1).to_string();
    assert_eq!(cases.to_release(&filter("", NOW)).await.unwrap(), std::slice::from_ref(&first));
    assert!(cases.to_release(&filter("r1", NOW)).await.unwrap().is_empty(), "it has no alert of that rule");
    cases.put_release(&by(1), &first, ("c", "C"), Tlp::Amber).await.unwrap();
    assert!(cases.to_release(&filter("", NOW.plus_ms(99))).await.unwrap().is_empty(), "told");
    cases.upsert_incidents(&[incident(1, Severity::High, 3, 5)], &[], NOW.plus_ms(50)).await.unwrap();
    assert!(cases.to_release(&filter("", NOW)).await.unwrap().is_empty(), "changed, but told just now");
    assert_eq!(cases.to_release(&filter("", NOW.plus_ms(99))).await.unwrap(), [first]);
}

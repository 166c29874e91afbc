use crate::cases::place::Place;
use crate::cases::{
    Actor, AttestationFilter, Cases, Change, Config, Due, Error, Filter, NewAttestation, Sort, Verdict,
};
use compliance::Subject;
use event::{Incident, Severity, Stage, Status, Time};
use std::sync::Arc;
use uuid::Uuid;

/// 2026-09-21T14:13:20Z.
const NOW: Time = Time(1_790_000_000_000);
const HOUR_MS: i64 = 3_600_000;

async fn open(place: &Place) -> Cases {
    Cases::open(&place.target, Config::default()).await.unwrap()
}

fn incident(number: u128, severity: Severity, level: u8) -> Incident {
    Incident {
        id: Uuid::from_u128(number),
        title: "Brute force".into(),
        title_vi: "Dò mật khẩu".into(),
        severity,
        stage: Stage::Access,
        first: NOW,
        last: NOW,
        entities: Vec::new(),
        unit: "so-yte".into(),
        system: "hsmt".into(),
        system_level: level,
        alerts: Vec::new(),
        authorised: None,
    }
}

fn id(number: u128) -> String {
    Uuid::from_u128(number).to_string()
}

fn by(now: Time) -> Actor {
    Actor { name: "lan".into(), address: "192.0.2.7".into(), now }
}

async fn due(cases: &Cases, number: u128) -> Option<Time> {
    cases.incident(&id(number)).await.unwrap().unwrap().summary.due
}

async fn queue(cases: &Cases, due: Option<Due>) -> Vec<i64> {
    let filter = Filter { due, ..Filter::default() };
    let mut numbers = Vec::new();
    let mut cursor = None;
    loop {
        let page = cases.incidents(&filter, Sort::Due, 1, cursor.as_deref()).await.unwrap();
        numbers.extend(page.items.iter().map(|item| item.number));
        cursor = page.next;
        if cursor.is_none() {
            return numbers;
        }
    }
}

#[tokio::test]
async fn what_is_due_follows_severity_class_reports_and_verdict() {
    let place = Place::new();
    let cases = open(&place).await;
    let all = [incident(1, Severity::Low, 1), incident(2, Severity::High, 3)];
    cases.upsert_incidents(&all, &[], NOW).await.unwrap();
    let minute = Time(NOW.0 / 60_000 * 60_000);
    assert_eq!((due(&cases, 1).await, due(&cases, 2).await), (None, Some(minute.plus_ms(24 * HOUR_MS))));
    // It grows worse, and the deadline still counts from when it was noticed.
    cases.upsert_incidents(&[incident(1, Severity::Medium, 1)], &[], NOW.plus_ms(2 * HOUR_MS)).await.unwrap();
    assert_eq!(due(&cases, 1).await, Some(minute.plus_ms(24 * HOUR_MS)));
    let later = by(NOW.plus_ms(3 * HOUR_MS));
    cases.set_class(&later, &id(1), "vn-2026", Some("ordinary"), "Chỉ dò quét").await.unwrap();
    assert_eq!(due(&cases, 1).await, None);
    cases.set_class(&later, &id(1), "vn-2026", Some("harm"), "Cổng tỉnh ngừng").await.unwrap();
    assert_eq!(due(&cases, 1).await, Some(minute.plus_ms(HOUR_MS / 2)));
    assert_eq!(queue(&cases, None).await, [1, 2]);
    assert_eq!(queue(&cases, Some(Due::LateAt(later.now))).await, [1]);
    assert_eq!(cases.reports_owed(later.now).await.unwrap(), (2, 1));

    for (what, reported) in [("immediate-notice", 1), ("first-notice", 2), ("full-report", 3)] {
        let at = NOW.plus_ms(reported * HOUR_MS);
        cases.report_made(&later, &id(1), (what, "a05"), at, "12/BC-STTTT").await.unwrap();
    }
    assert_eq!(due(&cases, 1).await, None);
    assert_eq!(queue(&cases, Some(Due::Owed)).await, [2]);
    let change = Change {
        verdict: Some(Some(Verdict::FalsePositive)),
        status: Some(Status::Closed),
        ..Change::default()
    };
    cases.change_incident(&later, &id(2), 1, &change).await.unwrap();
    assert_eq!(cases.reports_owed(later.now).await.unwrap(), (0, 0));

    let detail = cases.incident(&id(1)).await.unwrap().unwrap();
    let told: Vec<(&str, Option<&str>)> =
        detail.history.iter().map(|entry| (entry.change.as_str(), entry.to.as_deref())).collect();
    assert!(told.contains(&("class", Some("harm"))), "{told:?}");
    assert_eq!(told.iter().filter(|(change, _)| *change == "reported").count(), 3);
    let trail = cases.audit_entries(None, 100).await.unwrap();
    let acts = |action: &str| trail.iter().filter(|entry| entry.action == action).count();
    assert_eq!((acts("incident.class"), acts("incident.report")), (2, 3));
    assert!(trail.iter().any(|entry| entry.detail.contains("Chỉ dò quét")));
}

#[tokio::test]
async fn a_report_that_is_not_owed_or_cannot_be_is_refused() {
    let place = Place::new();
    let cases = open(&place).await;
    cases.upsert_incidents(&[incident(1, Severity::High, 3)], &[], NOW).await.unwrap();
    let by = by(NOW.plus_ms(HOUR_MS));
    let report =
        async |what: &str, whom: &str, at: Time| cases.report_made(&by, &id(1), (what, whom), at, "").await;
    for (what, whom, at) in [
        ("first-notice", "owner", NOW),
        ("initial-report", "a05", NOW),
        ("first-notice", "a05", NOW.plus_ms(HOUR_MS + 1)),
        ("first-notice", "a05", NOW.plus_ms(-1)),
    ] {
        assert!(matches!(report(what, whom, at).await, Err(Error::Invalid(_))), "{what} {whom}");
    }
    let class =
        async |set: &str, class: &str, why: &str| cases.set_class(&by, &id(1), set, Some(class), why).await;
    assert!(matches!(class("vn-2026", "any", "x").await, Err(Error::Invalid(_))));
    assert!(matches!(class("vn-2026", "harm", " ").await, Err(Error::Invalid(_))));
    assert!(matches!(class("vn-1999", "harm", "x").await, Err(Error::Missing(_))));
}

#[tokio::test]
async fn a_merge_keeps_the_earlier_notice_and_other_rules_are_worked_out_anew() {
    let place = Place::new();
    let cases = open(&place).await;
    cases.upsert_incidents(&[incident(1, Severity::High, 3)], &[], NOW).await.unwrap();
    cases.set_class(&by(NOW), &id(1), "personal-data", Some("affected"), "Hồ sơ bệnh án").await.unwrap();
    let later = NOW.plus_ms(5 * HOUR_MS);
    let pair = (Uuid::from_u128(1), Uuid::from_u128(2));
    cases.upsert_incidents(&[incident(2, Severity::High, 3)], &[pair], later).await.unwrap();
    let minute = Time(NOW.0 / 60_000 * 60_000);
    assert_eq!(due(&cases, 2).await, Some(minute.plus_ms(24 * HOUR_MS)));
    let detail = cases.incident(&id(2)).await.unwrap().unwrap();
    assert_eq!(detail.reporting.classes[0].class, "affected");
    assert_eq!(cases.reports_owed(later).await.unwrap(), (1, 0));

    let file = include_str!("../../../../rules/compliance/vn-2026.yml").replace("within: 24h", "within: 12h");
    let rules = compliance::RuleSets::read(&[("vn-2026.yml".to_owned(), file)]).unwrap();
    let cases = cases.under(Arc::new(rules));
    assert_eq!(cases.refresh_due().await.unwrap(), 2);
    assert_eq!(cases.refresh_due().await.unwrap(), 0);
    assert_eq!(due(&cases, 2).await, Some(minute.plus_ms(12 * HOUR_MS)));
}

#[tokio::test]
async fn attestations_are_listed_by_what_they_are_of_and_page_by_page_those_taken_back_too() {
    let place = Place::new();
    let cases = open(&place).await;
    let new = |document: &str| NewAttestation {
        measure: "duty-rota".into(),
        of: String::new(),
        document: document.into(),
        organisation: String::new(),
        on: "2026-09-01".parse().unwrap(),
        until: None,
        note: String::new(),
    };
    // Two within one millisecond: the place between pages is one of them.
    for (document, at) in [("1", NOW), ("2", NOW.plus_ms(1)), ("3", NOW.plus_ms(1))] {
        cases.attest(&by(at), new(document)).await.unwrap();
    }
    let of = |subject, with_withdrawn| AttestationFilter {
        subject: Some(subject),
        with_withdrawn,
        ..AttestationFilter::default()
    };
    let province = of(Subject::Province, false);
    let all = cases.list_attestations(&province, 10).await.unwrap();
    assert_eq!(all.len(), 3);
    assert_eq!(all[2].attestation.document, "1", "the newest first");
    assert_eq!(cases.list_attestations(&of(Subject::System, true), 10).await.unwrap(), []);
    let mut paged = Vec::new();
    let mut after = None;
    while let [one] = &cases
        .list_attestations(&AttestationFilter { after: after.clone(), ..province.clone() }, 1)
        .await
        .unwrap()[..]
    {
        after = Some((one.attestation.recorded, one.attestation.id.clone()));
        paged.push(one.clone());
    }
    assert_eq!(paged, all);

    let later = by(NOW.plus_ms(HOUR_MS));
    cases.withdraw_attestation(&later, &all[0].attestation.id).await.unwrap();
    assert_eq!(cases.list_attestations(&province, 10).await.unwrap(), all[1..]);
    let whole = cases.list_attestations(&of(Subject::Province, true), 10).await.unwrap();
    assert_eq!((whole.len(), whole[0].withdrawn.clone()), (3, Some((later.now, later.name.clone()))));
    let one = cases.attestation(&all[0].attestation.id).await.unwrap().unwrap();
    assert_eq!(one.withdrawn, Some((later.now, later.name.clone())));
}

#[tokio::test]
async fn figures_of_a_period_count_an_incident_when_it_was_noticed_also_after_a_merge() {
    let place = Place::new();
    let cases = open(&place).await;
    let later = NOW.plus_ms(2 * HOUR_MS);
    cases.upsert_incidents(&[incident(1, Severity::High, 3)], &[], NOW).await.unwrap();
    cases.upsert_incidents(&[incident(2, Severity::High, 3)], &[], later).await.unwrap();
    let numbers = async |from: Time, to: Time| -> Vec<i64> {
        let found = cases.detected(from, to, 10).await.unwrap();
        found.iter().map(|(summary, _)| summary.number).collect()
    };
    assert_eq!((numbers(NOW, later).await, numbers(later, later.plus_ms(1)).await), (vec![1], vec![2]));
    let pair = [(Uuid::from_u128(1), Uuid::from_u128(2))];
    cases.upsert_incidents(&[], &pair, later).await.unwrap();
    assert_eq!((numbers(NOW, later).await, numbers(later, later.plus_ms(1)).await), (vec![2], vec![]));
}

#[tokio::test]
async fn shared_is_what_the_national_system_got_and_nobody_else() {
    let place = Place::new();
    let rules = compliance::RuleSets::own().with_national(vec!["ncsc".into(), "ncsc-taxii".into()]);
    let cases = open(&place).await.under(Arc::new(rules));
    let user = |username: &str, role| crate::cases::NewUser {
        username: username.into(),
        display_name: String::new(),
        role,
        password: "a long enough one".into(),
    };
    cases.add_user(&by(NOW), user("ncsc-taxii", crate::cases::Role::Partner)).await.unwrap();
    cases.add_user(&by(NOW), user("bank", crate::cases::Role::Partner)).await.unwrap();
    // One of our own may have the name of a partner to whom we send; what they read is not shared for that.
    cases.add_user(&by(NOW), user("ncsc", crate::cases::Role::Admin)).await.unwrap();
    let read = async |name: &str, result: &str, at: Time| {
        let actor = Actor { name: name.into(), ..by(at) };
        cases.audit(&actor, "taxii.read", "a collection", result, "1 objects").await.unwrap();
    };
    let later = NOW.plus_ms(HOUR_MS);
    for (name, result) in [("ncsc", "done"), ("ncsc-taxii", "denied"), ("bank", "done")] {
        read(name, result, NOW).await;
        assert_eq!(cases.last_delivery(later).await.unwrap(), None, "{name}");
    }
    read("ncsc-taxii", "done", NOW.plus_ms(1)).await;
    read("bank", "done", NOW.plus_ms(2)).await;
    assert_eq!(cases.last_delivery(later).await.unwrap(), Some(NOW.plus_ms(1)));
    let same_moment = cases.last_delivery(NOW.plus_ms(1)).await.unwrap();
    assert_eq!(same_moment, None, "the moment itself is not before it");
    for (partner, at) in [("bank", 9), ("ncsc", 7)] {
        let sent = crate::cases::NewDelivery {
            id: partner,
            partner,
            kind: "avreport",
            tlp: event::Tlp::Amber,
            from: NOW,
            to: NOW.plus_ms(1),
            body: "<x/>",
        };
        assert!(cases.add_delivery(&by(NOW), &sent, 10).await.unwrap());
        let (waiting, _) = cases.due_delivery(partner, later).await.unwrap().unwrap();
        assert_eq!(cases.last_delivery(later).await.unwrap(), Some(NOW.plus_ms(1)), "{partner} waits");
        let attempt = crate::cases::Attempt { status: 200, ..crate::cases::Attempt::default() };
        let arrived = crate::cases::DeliveryVerdict::Arrived;
        cases.delivery_attempted(&by(NOW.plus_ms(at)), &waiting, &attempt, arrived).await.unwrap();
    }
    assert_eq!(cases.last_delivery(later).await.unwrap(), Some(NOW.plus_ms(7)));
}

//! The cases against a real database: SQLite, or with `HAIDANG_TEST_POSTGRES` PostgreSQL.

mod copying;
mod indicators;
mod together;

use super::place::Place;
use super::sql::sql;
use super::*;
use event::{Alert, Authorised, Entity, EntityKind, EventId, Incident, Severity, Stage, Status};
use uuid::Uuid;

const NOW: Time = Time(1_790_000_000_000);

struct Opened {
    cases: Cases,
    place: Place,
}

async fn open_with(config: Config) -> Opened {
    let place = Place::new();
    let cases = Cases::open(&place.target, config).await.unwrap();
    Opened { cases, place }
}

async fn open() -> Opened {
    open_with(Config::default()).await
}

fn alert(number: u128, count: u64) -> Alert {
    Alert {
        id: Uuid::from_u128(number),
        rule: "r1".into(),
        title: "Brute force".into(),
        title_vi: "Dò mật khẩu".into(),
        level: Severity::High,
        first: NOW,
        last: NOW,
        count,
        group: Vec::new(),
        entities: Vec::new(),
        unit: String::new(),
        system: String::new(),
        system_level: 0,
        tags: Vec::new(),
        events: vec![EventId(number)],
        because: Vec::new(),
        suppressed: None,
        authorised: None,
    }
}

fn incident(number: u128, alerts: Vec<Alert>) -> Incident {
    Incident {
        id: Uuid::from_u128(number),
        title: "Brute force".into(),
        title_vi: "Dò mật khẩu".into(),
        severity: Severity::High,
        stage: Stage::Access,
        first: NOW,
        last: NOW,
        entities: vec![Entity { kind: EntityKind::Host, name: format!("host-{number}") }],
        unit: "so-yte".into(),
        system: String::new(),
        system_level: 3,
        alerts,
        authorised: None,
    }
}

fn id(number: u128) -> String {
    Uuid::from_u128(number).to_string()
}

fn by() -> Actor {
    Actor { name: "admin".into(), address: "192.0.2.7".into(), now: NOW }
}

async fn close(cases: &Cases, number: u128) {
    let change =
        Change { status: Some(Status::Closed), verdict: Some(Some(Verdict::Benign)), ..Change::default() };
    cases.change_incident(&by(), &id(number), 1, &change).await.unwrap();
}

#[tokio::test]
async fn the_same_batch_again_changes_nothing() {
    let opened = open().await;
    let batch = [incident(1, vec![alert(10, 6)]), incident(2, vec![alert(20, 1), alert(21, 1)])];
    let first = opened.cases.upsert_incidents(&batch, &[], NOW).await.unwrap();
    assert_eq!(first, Upserted { created: 2, updated: 0, merged: 0 });
    let before = opened.cases.incident(&id(2)).await.unwrap().unwrap();
    let again = opened.cases.upsert_incidents(&batch, &[], NOW.plus_ms(5)).await.unwrap();
    assert_eq!(again, Upserted::default());
    let after = opened.cases.incident(&id(2)).await.unwrap().unwrap();
    assert_eq!((before.summary, before.alerts), (after.summary, after.alerts));
}

#[tokio::test]
async fn a_closed_incident_that_gains_events_stays_closed_and_says_so_until_somebody_reopens_it() {
    let opened = open().await;
    let cases = &opened.cases;
    cases.upsert_incidents(&[incident(1, vec![alert(10, 6)])], &[], NOW).await.unwrap();
    close(cases, 1).await;
    for count in [7, 8] {
        cases.upsert_incidents(&[incident(1, vec![alert(10, count)])], &[], NOW).await.unwrap();
    }
    let found = cases.incident(&id(1)).await.unwrap().unwrap();
    assert_eq!((found.summary.status, found.summary.updated_after_close), (Status::Closed, true));
    let notes = found.history.iter().filter(|entry| entry.change == "events_after_close").count();
    assert_eq!(notes, 1, "once, not with every event");
    let reopen = Change { status: Some(Status::New), ..Change::default() };
    let open = cases.change_incident(&by(), &id(1), found.summary.version, &reopen).await.unwrap();
    assert!(!open.summary.updated_after_close);
}

#[tokio::test]
async fn an_authorised_incident_waits_for_nobody_until_another_alert_joins_it() {
    let opened = open().await;
    let cases = &opened.cases;
    let text = |text: &str| text.to_owned();
    let told = Authorised {
        id: text("q4"),
        title: text("Scan"),
        by: text("An"),
        document: text("124/QD"),
        reason: text("Assessment"),
        until: NOW,
    };
    let scan = Incident { authorised: Some(told.clone()), ..incident(1, vec![alert(10, 6)]) };
    cases.upsert_incidents(&[scan, incident(2, vec![alert(20, 1)])], &[], NOW).await.unwrap();
    let listed = async |authorised| {
        let filter = Filter { authorised, ..Filter::default() };
        let page = cases.incidents(&filter, Sort::First, 10, None).await.unwrap();
        page.items.iter().map(|item| item.number).collect::<Vec<_>>()
    };
    assert_eq!(
        (listed(Some(true)).await, listed(Some(false)).await, listed(None).await),
        (vec![1], vec![2], vec![2, 1])
    );
    assert_eq!(cases.open_by_severity().await.unwrap(), [(Severity::High, 1)]);
    assert_eq!(cases.incident(&id(1)).await.unwrap().unwrap().summary.authorised, Some(told));
    cases.upsert_incidents(&[incident(1, vec![alert(10, 6), alert(11, 1)])], &[], NOW).await.unwrap();
    assert_eq!((listed(Some(true)).await, listed(Some(false)).await), (vec![], vec![2, 1]));
    let history = cases.incident(&id(1)).await.unwrap().unwrap().history;
    let note = history.last().unwrap();
    assert_eq!(
        (note.change.as_str(), note.from.as_deref(), note.to.as_deref()),
        ("authorised", Some("Scan"), None)
    );
}

#[tokio::test]
async fn a_merge_moves_alerts_comments_and_what_people_said_and_a_replay_does_not_undo_it() {
    let opened = open().await;
    let cases = &opened.cases;
    let apart = [incident(1, vec![alert(10, 1)]), incident(2, vec![alert(20, 1)])];
    cases.upsert_incidents(&apart, &[], NOW).await.unwrap();
    cases.comment(&by(), &id(2), "đang xem").await.unwrap();
    let taken = Change { status: Some(Status::Contained), ..Change::default() };
    cases.change_incident(&by(), &id(2), 1, &taken).await.unwrap();

    let whole = [incident(1, vec![alert(10, 1), alert(20, 1)])];
    let pair = [(Uuid::from_u128(2), Uuid::from_u128(1))];
    assert_eq!(cases.upsert_incidents(&whole, &pair, NOW).await.unwrap().merged, 1);
    let survivor = cases.numbered(1).await.unwrap();
    assert!(survivor.is_some() && survivor == cases.numbered(2).await.unwrap());
    assert_eq!(cases.numbered(3).await.unwrap(), None);
    let by_old_id = cases.incident(&id(2)).await.unwrap().unwrap();
    assert_eq!(by_old_id.summary.id, id(1));
    assert_eq!((by_old_id.alerts.len(), by_old_id.comments.len()), (2, 1));
    assert_eq!((by_old_id.summary.status, by_old_id.summary.comments_count), (Status::Contained, 1));
    let listed = cases.incidents(&Filter::default(), Sort::Last, 10, None).await.unwrap();
    assert_eq!(listed.items.len(), 1);

    assert_eq!(cases.upsert_incidents(&apart[1..], &[], NOW).await.unwrap(), Upserted::default());
    let earlier = [incident(2, vec![alert(20, 1), alert(21, 1)])];
    assert_eq!(cases.upsert_incidents(&earlier, &[], NOW).await.unwrap(), Upserted::default());
    assert_eq!(cases.upsert_incidents(&whole, &pair, NOW).await.unwrap(), Upserted::default());
    assert_eq!(cases.incident(&id(1)).await.unwrap().unwrap().alerts.len(), 2);
}

#[tokio::test]
async fn an_alert_that_became_part_of_another_leaves_the_incident_that_a_merge_brought_it_into() {
    let opened = open().await;
    let cases = &opened.cases;
    cases.upsert_incidents(&[incident(1, vec![alert(10, 3)])], &[], NOW).await.unwrap();
    let pair = [(Uuid::from_u128(1), Uuid::from_u128(2))];
    cases.upsert_incidents(&[incident(2, vec![alert(20, 4)])], &pair, NOW).await.unwrap();
    assert_eq!(cases.incident(&id(2)).await.unwrap().unwrap().alerts.len(), 2);
    cases.remove_alerts([Uuid::from_u128(10)].into_iter()).await.unwrap();
    let left = cases.incident(&id(2)).await.unwrap().unwrap().alerts;
    assert_eq!(left.iter().map(|alert| alert.id).collect::<Vec<_>>(), [Uuid::from_u128(20)]);
}

#[tokio::test]
async fn chains_of_merges_and_pairs_that_make_no_sense_end_at_one_incident() {
    let opened = open().await;
    let cases = &opened.cases;
    let all: Vec<_> = (1..=3).map(|n| incident(n, vec![alert(n * 10, 1)])).collect();
    cases.upsert_incidents(&all, &[], NOW).await.unwrap();
    let pair = |a: u128, b: u128| (Uuid::from_u128(a), Uuid::from_u128(b));
    let pairs = [pair(3, 2), pair(2, 1), pair(1, 3), pair(1, 1), pair(9, 1), pair(1, 9)];
    let done = cases.upsert_incidents(&[], &pairs, NOW).await.unwrap();
    assert_eq!(done.merged, 2);
    for number in 1..=3 {
        let found = cases.incident(&id(number)).await.unwrap().unwrap();
        assert_eq!((found.summary.id, found.alerts.len()), (id(1), 3));
    }
}

#[tokio::test]
async fn an_alert_that_became_part_of_another_goes_and_one_from_before_a_restart_stays() {
    let opened = open().await;
    let cases = &opened.cases;
    let mut old = alert(9, 1);
    old.first = NOW.plus_ms(-1000);
    let mut whole = incident(1, vec![old, alert(10, 6), alert(11, 6)]);
    whole.first = NOW.plus_ms(-1000);
    cases.upsert_incidents(&[whole], &[], NOW).await.unwrap();
    cases.upsert_incidents(&[incident(1, vec![alert(10, 12)])], &[], NOW).await.unwrap();
    let found = cases.incident(&id(1)).await.unwrap().unwrap();
    let kept: Vec<_> = found.alerts.iter().map(|alert| (alert.id.as_u128(), alert.count)).collect();
    assert_eq!(kept, [(9, 1), (10, 12)]);
}

#[tokio::test]
async fn alerts_beyond_the_limit_are_counted_and_not_kept() {
    let opened = open_with(Config { alerts_per_incident_max: 3, ..Config::default() }).await;
    let many = incident(1, (0..10).map(|n| alert(100 + n, 2)).collect());
    opened.cases.upsert_incidents(&[many], &[], NOW).await.unwrap();
    let found = opened.cases.incident(&id(1)).await.unwrap().unwrap();
    assert_eq!((found.alerts.len(), found.summary.alerts_count, found.summary.events_count), (3, 10, 20));
}

#[tokio::test]
async fn comments_users_and_tokens_end_at_their_limits() {
    let limits =
        Config { comments_per_incident_max: 1, users_max: 2, tokens_per_user_max: 1, ..Config::default() };
    let opened = open_with(limits).await;
    let cases = &opened.cases;
    cases.upsert_incidents(&[incident(1, vec![alert(10, 1)])], &[], NOW).await.unwrap();
    cases.comment(&by(), &id(1), "một").await.unwrap();
    assert!(matches!(cases.comment(&by(), &id(1), "hai").await, Err(Error::Limit { max: 1, .. })));
    let user = |name: &str| NewUser {
        username: name.into(),
        display_name: String::new(),
        role: Role::Responder,
        password: "long enough to be taken".into(),
    };
    let lan = cases.add_user(&by(), user("lan")).await.unwrap();
    cases.add_user(&by(), user("minh")).await.unwrap();
    assert!(matches!(cases.add_user(&by(), user("hoa")).await, Err(Error::Limit { max: 2, .. })));
    cases.add_token(&by(), &lan, "một", Role::Auditor).await.unwrap();
    assert!(matches!(
        cases.add_token(&by(), &lan, "hai", Role::Auditor).await,
        Err(Error::Limit { max: 1, .. })
    ));
}

#[tokio::test]
async fn a_sign_in_beyond_the_limit_ends_the_oldest_session() {
    let opened = open_with(Config { sessions_per_user_max: 2, ..Config::default() }).await;
    let cases = &opened.cases;
    let password = "long enough to be taken";
    cases.ensure_admin(Some(password.into()), NOW).await.unwrap();
    let mut tokens = Vec::new();
    for n in 0..3 {
        let at = NOW.plus_ms(n);
        tokens.push(cases.sign_in("admin", password.into(), "192.0.2.7", at).await.unwrap().token);
    }
    let mut in_force = Vec::new();
    for token in &tokens {
        in_force.push(cases.session(token, NOW.plus_ms(10)).await.unwrap().is_some());
    }
    assert_eq!(in_force, [false, true, true]);
}

#[tokio::test]
async fn sessions_that_have_ended_are_taken_out_and_others_stay() {
    let opened = open_with(Config { session_idle_s: 60, ..Config::default() }).await;
    let cases = &opened.cases;
    let password = "long enough to be taken";
    cases.ensure_admin(Some(password.into()), NOW).await.unwrap();
    cases.sign_in("admin", password.into(), "192.0.2.7", NOW).await.unwrap();
    let kept = cases.sign_in("admin", password.into(), "192.0.2.7", NOW.plus_ms(30_000)).await.unwrap();
    assert_eq!(cases.remove_ended_sessions(NOW.plus_ms(60_000)).await.unwrap(), 1);
    assert!(cases.session(&kept.token, NOW.plus_ms(60_000)).await.unwrap().is_some());
}

#[tokio::test]
async fn the_first_run_makes_one_administrator_whose_made_password_must_be_changed() {
    let opened = open().await;
    let cases = &opened.cases;
    let short = cases.ensure_admin(Some("short".into()), NOW).await;
    assert!(matches!(short, Err(Error::Invalid(_))));
    let made = cases.ensure_admin(None, NOW).await.unwrap().unwrap();
    assert!(cases.ensure_admin(None, NOW).await.unwrap().is_none());
    let signed = cases.sign_in("admin", made.0.clone(), "192.0.2.7", NOW).await.unwrap();
    assert!(signed.session.user.must_change_password);
    let content = opened.place.content();
    assert!(content.windows(5).any(|part| part == b"admin"));
    for secret in [&made.0, &signed.token, &signed.session.csrf] {
        let is_there = content.windows(secret.len()).any(|part| part == secret.as_bytes());
        assert!(!is_there, "a secret is in the database");
    }
}

#[tokio::test]
async fn any_change_to_the_audit_trail_shows_where_it_was_made() {
    for (tampering, broken_at, good) in [
        ("UPDATE audit SET actor = 'nobody' WHERE seq = 3", 3, 2),
        ("UPDATE audit SET time_ms = time_ms + 1 WHERE seq = 1", 1, 0),
        ("DELETE FROM audit WHERE seq = 4", 4, 3),
        ("UPDATE audit SET hash = (SELECT hash FROM audit WHERE seq = 2) WHERE seq = 5", 5, 4),
        ("UPDATE audit SET seq = seq + 10 WHERE seq = 5", 5, 4),
        ("DELETE FROM audit WHERE seq > 2", 3, 2),
    ] {
        let opened = open().await;
        let cases = &opened.cases;
        for n in 0..5 {
            cases.audit(&by(), "incident.read", &format!("#{n}"), "done", "").await.unwrap();
        }
        let anchor = cases.audit_head().await.unwrap();
        let report = cases.audit_verify(Some(&anchor)).await.unwrap();
        assert_eq!((report.good, report.broken_at, &report.head), (5, None, &anchor));
        sql(tampering).execute(&cases.write).await.unwrap();
        let report = cases.audit_verify(Some(&anchor)).await.unwrap();
        assert_eq!((report.broken_at, report.good), (Some(broken_at), good), "{tampering}");
    }
}

#[tokio::test]
async fn a_trail_written_anew_is_good_by_itself_but_not_against_its_anchor() {
    let opened = open().await;
    let cases = &opened.cases;
    cases.audit(&by(), "a", "", "done", "").await.unwrap();
    let anchor = cases.audit_head().await.unwrap();
    sql("DELETE FROM audit").execute(&cases.write).await.unwrap();
    cases.audit(&by(), "b", "", "done", "").await.unwrap();
    assert_eq!(cases.audit_verify(None).await.unwrap().broken_at, None);
    assert_eq!(cases.audit_verify(Some(&anchor)).await.unwrap().broken_at, Some(1));
}

#[tokio::test]
async fn a_database_of_a_newer_program_is_refused_and_an_own_one_opens_again() {
    let opened = open().await;
    let target = &opened.place.target;
    opened.cases.upsert_incidents(&[incident(1, vec![alert(10, 1)])], &[], NOW).await.unwrap();
    opened.cases.close().await;
    let again = Cases::open(target, Config::default()).await.unwrap();
    assert!(again.incident(&id(1)).await.unwrap().is_some());
    sql("INSERT INTO schema_steps (number) VALUES (999)").execute(&again.write).await.unwrap();
    again.close().await;
    let looked_at = Cases::check(target, &Config::default()).await;
    assert!(matches!(looked_at, Err(Error::Newer { found: 999, .. })), "{looked_at:?}");
    assert!(matches!(Cases::open(target, Config::default()).await, Err(Error::Newer { found: 999, .. })));
}

#[tokio::test]
async fn a_batch_that_cannot_be_written_leaves_nothing() {
    let opened = open().await;
    let cases = &opened.cases;
    // The second incident of the batch has the title of the first.
    cases.upsert_incidents(&[incident(7, vec![alert(70, 1)])], &[], NOW).await.unwrap();
    sql("UPDATE incidents SET title = 'another'").execute(&cases.write).await.unwrap();
    sql("CREATE UNIQUE INDEX stop ON incidents (title)").execute(&cases.write).await.unwrap();
    let batch = [incident(1, vec![alert(10, 1)]), incident(2, vec![alert(20, 1)])];
    assert!(matches!(cases.upsert_incidents(&batch, &[], NOW).await, Err(Error::Sql(_))));
    assert!(cases.incident(&id(1)).await.unwrap().is_none());
}

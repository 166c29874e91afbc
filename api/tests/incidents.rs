//! Incidents: pages, races, closing, comments.

use crate::client::{Answer, Person, START, Server, id, incident};
use event::Time;
use serde_json::{Value, json};
use store::cases::Role;

async fn patch(server: &Server, who: &Person, number: u128, version: Option<&str>, body: Value) -> Answer {
    let mut headers = vec![
        ("cookie", who.cookie.clone()),
        ("x-csrf-token", who.csrf.clone()),
        ("content-type", "application/json".to_owned()),
    ];
    headers.extend(version.map(|version| ("if-match", version.to_owned())));
    server.raw("PATCH", &format!("/api/v1/incidents/{}", id(number)), &headers, body.to_string()).await
}

#[tokio::test]
async fn of_two_changes_to_the_same_version_one_wins_and_the_other_is_told() {
    let server = Server::start().await;
    let admin = server.sign_in("admin").await;
    server.cases.upsert_incidents(&[incident(1, START)], &[], Time(START)).await.unwrap();
    let (a, b) = tokio::join!(
        patch(&server, &admin, 1, Some("\"1\""), json!({"status": "acknowledged"})),
        patch(&server, &admin, 1, Some("\"1\""), json!({"assignee": "admin"})),
    );
    let mut statuses = [a.status, b.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 412], "{} {}", a.text, b.text);
    let (won, lost) = if a.status == 200 { (a, b) } else { (b, a) };
    assert_eq!(won.header("etag"), "\"2\"");
    lost.is_problem(412);
    assert_eq!(lost.json()["version"], 2);
}

#[tokio::test]
async fn a_change_needs_a_version_and_closing_a_verdict() {
    let server = Server::start().await;
    let admin = server.sign_in("admin").await;
    server.user("kiem-toan", Role::Auditor).await;
    server.cases.upsert_incidents(&[incident(1, START)], &[], Time(START)).await.unwrap();
    patch(&server, &admin, 1, None, json!({"status": "closed"})).await.is_problem(428);
    patch(&server, &admin, 1, Some("soon"), json!({"status": "closed"})).await.is_problem(400);
    patch(&server, &admin, 1, Some("\"1\""), json!({"status": "closed"})).await.is_problem(422);
    patch(&server, &admin, 1, Some("\"1\""), json!({"status": "gone"})).await.is_problem(422);
    patch(&server, &admin, 1, Some("\"1\""), json!({"colour": "red"})).await.is_problem(422);
    for assignee in ["nobody", "kiem-toan"] {
        patch(&server, &admin, 1, Some("\"1\""), json!({"assignee": assignee})).await.is_problem(422);
    }
    patch(&server, &admin, 2, Some("\"1\""), json!({"status": "contained"})).await.is_problem(404);
    let closed =
        patch(&server, &admin, 1, Some("\"1\""), json!({"status": "closed", "verdict": "benign"})).await;
    assert_eq!(closed.status, 200, "{}", closed.text);
    patch(&server, &admin, 1, Some("\"2\""), json!({"verdict": null})).await.is_problem(422);
    let reopened = patch(&server, &admin, 1, Some("\"2\""), json!({"status": "new", "verdict": null})).await;
    assert_eq!((reopened.status, &reopened.json()["verdict"]), (200, &Value::Null));
}

#[tokio::test]
async fn what_people_set_outlives_what_the_correlator_writes() {
    let server = Server::start().await;
    let admin = server.sign_in("admin").await;
    server.cases.upsert_incidents(&[incident(1, START)], &[], Time(START)).await.unwrap();
    let body = json!({"status": "acknowledged", "assignee": "admin", "severity": "critical"});
    assert_eq!(patch(&server, &admin, 1, Some("\"1\""), body).await.status, 200);
    let mut grown = incident(1, START + 60_000);
    grown.alerts[0].count = 60;
    server.cases.upsert_incidents(&[grown], &[], Time(START + 60_000)).await.unwrap();
    let found = server.get(&format!("/api/v1/incidents/{}", id(1)), &admin).await.json();
    assert_eq!(
        (&found["status"], &found["assignee"], &found["severity"]),
        (&json!("acknowledged"), &json!("admin"), &json!("critical"))
    );
    assert_eq!((&found["events_count"], &found["version"]), (&json!(60), &json!(2)));
    assert_eq!(found["alerts"][0]["group"], json!([["user.name", "lan"]]));
}

#[tokio::test]
async fn pages_over_equal_times_show_every_incident_once_in_every_order() {
    let server = Server::start().await;
    let admin = server.sign_in("admin").await;
    let all: Vec<_> = (1..=23).map(|n| incident(n, START + i64::from(n > 20))).collect();
    server.cases.upsert_incidents(&all, &[], Time(START)).await.unwrap();
    for sort in ["-last", "-severity", "-first"] {
        let (mut seen, mut cursor) = (Vec::new(), String::new());
        loop {
            let path = format!("/api/v1/incidents?sort={sort}&limit=5&cursor={cursor}");
            let page = server.get(&path, &admin).await.json();
            seen.extend(
                page["items"].as_array().unwrap().iter().map(|item| item["number"].as_i64().unwrap()),
            );
            let Some(next) = page["next"].as_str() else { break };
            cursor = next.to_owned();
        }
        assert_eq!(seen, (1..=23).rev().collect::<Vec<_>>(), "{sort}");
    }
    let crossed = server.get("/api/v1/incidents?sort=-first&cursor=l.1.1", &admin).await;
    crossed.is_problem(400);
}

#[tokio::test]
async fn filters_take_what_is_typed_as_text_never_as_sql_or_a_pattern() {
    let server = Server::start().await;
    let admin = server.sign_in("admin").await;
    server.cases.upsert_incidents(&[incident(1, START), incident(2, START)], &[], Time(START)).await.unwrap();
    for (query, count) in [
        ("q=server_1", 1),
        ("q=server%252", 0),
        ("q=100%25", 2),
        ("q=100%25%25", 0),
        ("q=%232", 1),
        ("q=D%C3%92%20M%E1%BA%ACT", 2), // DÒ MẬT
        ("q=may-chu-2", 1),
        ("q='%20OR%201=1--", 0),
        ("unit=x'%20OR%20'1'='1", 0),
        ("unit=so-yte&status=new,closed&severity=high", 2),
        ("assignee='%3B%20DROP%20TABLE%20incidents%3B--", 0),
        ("assignee=-", 2),
        ("status=closed", 0),
        ("from=2026-09-22T00:00:00Z", 0),
        ("to=2026-09-20T00:00:00Z", 0),
        ("from=2026-09-20T00:00:00Z&to=2026-09-22T00:00:00Z", 2),
        ("", 2),
    ] {
        let answer = server.get(&format!("/api/v1/incidents?{query}"), &admin).await;
        assert_eq!(answer.json()["items"].as_array().map(Vec::len), Some(count), "{query}: {}", answer.text);
    }
    for query in [
        "status=open",
        "severity=1",
        "from=yesterday",
        "limit=0",
        "limit=1001",
        "limit=x",
        "sort=last",
        "cursor=%00",
        "page=2",
    ] {
        server.get(&format!("/api/v1/incidents?{query}"), &admin).await.is_problem(400);
    }
}

#[tokio::test]
async fn hostile_ids_are_unknown_ids() {
    let server = Server::start().await;
    let admin = server.sign_in("admin").await;
    for id in ["'%20OR%20'1'='1", "%00", "..%2f..%2fetc", "1", "%F0%9F%92%A9"] {
        server.get(&format!("/api/v1/incidents/{id}"), &admin).await.is_problem(404);
        server.get(&format!("/api/v1/events/{id}"), &admin).await.is_problem(404);
    }
    server.get("/api/v1/incidents/%FF", &admin).await.is_problem(400);
}

#[tokio::test]
async fn a_comment_is_kept_as_written_up_to_its_limit() {
    let server = Server::start().await;
    let admin = server.sign_in("admin").await;
    server.cases.upsert_incidents(&[incident(1, START)], &[], Time(START)).await.unwrap();
    let path = format!("/api/v1/incidents/{}/comments", id(1));
    let hostile = "<script>alert(1)</script> \u{202e} Đã cô lập máy";
    let made = server.send("POST", &path, Some(&admin), Some(&json!({"text": hostile}))).await;
    assert_eq!((made.status, &made.json()["text"]), (201, &json!(hostile)));
    let long = server.send("POST", &path, Some(&admin), Some(&json!({"text": "ă".repeat(10_000)}))).await;
    assert_eq!(long.status, 201);
    for text in ["ă".repeat(10_001), String::new(), " \n ".to_owned()] {
        server.send("POST", &path, Some(&admin), Some(&json!({"text": text}))).await.is_problem(422);
    }
    let found = server.get(&format!("/api/v1/incidents/{}", id(1)), &admin).await.json();
    assert_eq!((&found["comments_count"], &found["comments"][0]["author"]), (&json!(2), &json!("admin")));
}

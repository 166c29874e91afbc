//! The forms of an incident over HTTP.

use crate::client::{START, Server, incident};
use event::Time;
use serde_json::{Value, json};
use store::cases::Role;

const PATH: &str = "/api/v1/incidents/00000000-0000-0000-0000-000000000001";

#[tokio::test]
async fn a_form_lists_what_is_missing_until_a_person_adds_it_and_the_trail_says_who_took_it() {
    let server = Server::start().await;
    server.cases.upsert_incidents(&[incident(1, START)], &[], Time(START)).await.unwrap();
    let lan = server.user("lan", Role::Responder).await;
    let auditor = server.user("kiem-toan", Role::Auditor).await;
    let report = |form: &str| format!("{PATH}/report?form={form}&format=json&at=2026-11-27T01:05:00Z");
    let told = server.get(&report("03"), &auditor).await;
    let missing: Vec<String> = told.json()["missing"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["key"].as_str().unwrap().to_owned())
        .collect();
    assert!(missing.contains(&"incident.notified".to_owned()), "{missing:?}");
    assert_eq!(told.header("x-missing-fields"), missing.join(","));
    let body = json!({"notified": ["coordinator"], "cause": "Mật khẩu yếu"});
    let path = format!("{PATH}/particulars");
    server.send("PUT", &path, Some(&auditor), Some(&body)).await.is_problem(403);
    assert_eq!(server.send("PUT", &path, Some(&lan), Some(&body)).await.status, 200);
    assert_eq!(server.get(&path, &auditor).await.json()["cause"], "Mật khẩu yếu");
    let told = server.get(&report("03"), &auditor).await.json();
    let field = |key: &str| {
        told["fields"].as_array().unwrap().iter().find(|one| one["key"] == key).unwrap()["text"].clone()
    };
    assert_eq!(field("incident.notified"), "Cơ quan điều phối");
    assert_eq!(field("incident.cause"), "Mật khẩu yếu");
    assert!(!told["missing"].to_string().contains("incident.notified"));
    let trail = server.get("/api/v1/audit?limit=10", &auditor).await.json();
    let told: Vec<(&Value, &Value)> =
        trail["items"].as_array().unwrap().iter().map(|one| (&one["action"], &one["actor"])).collect();
    assert_eq!(told[0], (&json!("incident.report"), &json!("kiem-toan")));
    assert_eq!(told[1], (&json!("incident.particulars"), &json!("lan")));
}

#[tokio::test]
async fn the_document_is_a_download_and_the_same_twice() {
    let server = Server::start().await;
    server.cases.upsert_incidents(&[incident(1, START)], &[], Time(START)).await.unwrap();
    let lan = server.user("lan", Role::Responder).await;
    let path = format!("{PATH}/report?form=04&at=2026-11-27T01:05:00Z");
    let first = server.get(&path, &lan).await;
    assert_eq!(first.status, 200, "{}", first.text);
    assert!(first.header("content-type").ends_with("wordprocessingml.document"));
    assert_eq!(first.header("content-disposition"), "attachment; filename=\"mau-04-su-co-1.docx\"");
    assert!(first.text.starts_with("PK"));
    assert_eq!(server.get(&path, &lan).await.text, first.text);
}

#[tokio::test]
async fn what_the_forms_do_not_know_is_told() {
    let server = Server::start().await;
    server.cases.upsert_incidents(&[incident(1, START)], &[], Time(START)).await.unwrap();
    let lan = server.user("lan", Role::Responder).await;
    let path = format!("{PATH}/particulars");
    let told =
        server.send("PUT", &path, Some(&lan), Some(&json!({"notified": ["nobody"]}))).await.is_problem(422);
    assert_eq!(told, "`notified` has any of member, isp, coordinator, not `nobody`");
    server.send("PUT", &path, Some(&lan), Some(&json!({"unknown": 1}))).await.is_problem(422);
    server.get(&format!("{PATH}/report?form=05"), &lan).await.is_problem(400);
    server.get(&format!("{PATH}/report?format=pdf"), &lan).await.is_problem(400);
    server.get("/api/v1/incidents/nobody/report", &lan).await.is_problem(404);
}

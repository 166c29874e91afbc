//! Who may do what, over every route that the document names.

use crate::client::{Person, Server};
use serde_json::{Value, json};
use store::cases::Role;

/// What each role gets: `true` where the request came through to the handler (whatever that said of its content).
fn expected(method: &str, path: &str) -> [bool; 4] {
    // Another organisation's account: its own session and its own tokens, nothing of ours.
    let own = (method != "GET" && (path == "/api/v1/tokens" || path == "/api/v1/tokens/{id}"))
        || path == "/api/v1/session";
    let [auditor, responder, admin] = expected_of_ours(method, path);
    [own, auditor, responder, admin]
}

fn expected_of_ours(method: &str, path: &str) -> [bool; 3] {
    match (method, path) {
        ("GET", "/api/v1/audit") => [true, false, true],
        ("POST", "/api/v1/users") | ("PATCH", "/api/v1/users/{id}") => [false, false, true],
        ("PATCH", "/api/v1/incidents/{id}")
        | ("POST", "/api/v1/incidents/{id}/comments" | "/api/v1/incidents/{id}/release")
        | ("PUT", "/api/v1/incidents/{id}/class")
        | ("POST", "/api/v1/incidents/{id}/reports" | "/api/v1/compliance/attestations")
        | ("DELETE", "/api/v1/compliance/attestations/{id}")
        | ("POST", "/api/v1/exchange/deliveries/{id}/retry" | "/api/v1/warnings")
        | ("POST", "/api/v1/warnings/{incident}/tasks/{unit}") => [false, true, true],
        ("PUT", "/api/v1/incidents/{id}/particulars") => [false, true, true],
        ("PUT" | "DELETE", "/api/v1/registry/{kind}/{id}") | ("POST", "/api/v1/registry/import") => {
            [false, false, true]
        }
        _ => [true, true, true],
    }
}

#[tokio::test]
async fn every_route_lets_in_whom_it_should_and_nobody_else() {
    let server = Server::start().await;
    let document: Value = serde_json::from_str(&api::openapi()).unwrap();
    let people = [
        server.user("partner", Role::Partner).await,
        server.user("auditor", Role::Auditor).await,
        server.user("responder", Role::Responder).await,
        server.sign_in("admin").await,
    ];
    let mut routes = 0;
    for (path, item) in document["paths"].as_object().unwrap() {
        for method in item.as_object().unwrap().keys() {
            let method = method.to_uppercase();
            if !path.starts_with("/api/v1/")
                || (method == "DELETE" && path == "/api/v1/session")
                || path.contains("password")
            {
                continue; // these end the sessions that the rest needs; sessions.rs has them
            }
            routes += 1;
            let url = path.replace("{id}", "00000000-0000-0000-0000-000000000001").replace("{kind}", "units");
            let url = url.replace("{incident}", "none").replace("{unit}", "none");
            let body = (method != "GET").then(|| json!({}));
            let nobody = server.send(&method, &url, None, body.as_ref()).await;
            let public = method == "POST" && path == "/api/v1/session";
            assert_eq!(
                nobody.status == 401,
                !public,
                "{method} {path} without a credential: {}",
                nobody.status
            );
            for (person, let_in) in people.iter().zip(expected(&method, path)) {
                let answer = server.send(&method, &url, Some(person), body.as_ref()).await;
                assert_eq!(
                    answer.status != 403,
                    let_in,
                    "{method} {path}: {} {}",
                    answer.status,
                    answer.text
                );
                assert_ne!(answer.status, 401, "{method} {path}");
                assert_ne!(answer.status, 500, "{method} {path}: {}", answer.text);
            }
        }
    }
    assert!(routes >= 20, "{routes}");
}

#[tokio::test]
async fn a_token_works_without_csrf_up_to_its_role_until_it_is_taken_back() {
    let server = Server::start().await;
    let admin = server.sign_in("admin").await;
    let made = server
        .send("POST", "/api/v1/tokens", Some(&admin), Some(&json!({"name": "báo cáo", "role": "auditor"})))
        .await;
    assert_eq!(made.status, 201, "{}", made.text);
    let secret = made.json()["token"].as_str().unwrap().to_owned();
    let bearer =
        [("authorization", format!("Bearer {secret}")), ("content-type", "application/json".to_owned())];
    assert_eq!(server.raw("GET", "/api/v1/incidents", &bearer, String::new()).await.status, 200);
    server.raw("POST", "/api/v1/users", &bearer, json!({}).to_string()).await.is_problem(403);
    server.raw("POST", "/api/v1/tokens", &bearer, json!({"name": "more"}).to_string()).await.is_problem(403);
    let listed = server.get("/api/v1/tokens", &admin).await;
    assert!(!listed.text.contains(&secret));
    let path = format!("/api/v1/tokens/{}", made.json()["id"].as_str().unwrap());
    assert_eq!(server.send("DELETE", &path, Some(&admin), None).await.status, 204);
    server.raw("GET", "/api/v1/incidents", &bearer, String::new()).await.is_problem(401);
    server.send("DELETE", &path, Some(&admin), None).await.is_problem(404);
}

#[tokio::test]
async fn nobody_makes_a_token_above_their_own_role_or_takes_back_anothers() {
    let server = Server::start().await;
    let admin = server.sign_in("admin").await;
    let lan = server.user("lan", Role::Responder).await;
    server
        .send("POST", "/api/v1/tokens", Some(&lan), Some(&json!({"name": "x", "role": "admin"})))
        .await
        .is_problem(422);
    let made = server.send("POST", "/api/v1/tokens", Some(&admin), Some(&json!({"name": "x"}))).await;
    let path = format!("/api/v1/tokens/{}", made.json()["id"].as_str().unwrap());
    server.send("DELETE", &path, Some(&lan), None).await.is_problem(404);
    assert_eq!(server.get("/api/v1/tokens", &lan).await.json()["items"], json!([]));
}

#[tokio::test]
async fn what_people_do_and_are_refused_is_in_the_audit_trail_with_who_and_from_where() {
    let server = Server::start().await;
    let auditor = server.user("kiem-toan", Role::Auditor).await;
    server.send("POST", "/api/v1/users", Some(&auditor), Some(&json!({}))).await.is_problem(403);
    let trail = server.get("/api/v1/audit?limit=1", &auditor).await.json();
    let entry = &trail["items"][0];
    assert_eq!(entry["actor"], "kiem-toan");
    assert_eq!(entry["address"], "127.0.0.1");
    assert_eq!(entry["action"], "POST /api/v1/users");
    assert_eq!(entry["result"], "denied");
    let next = format!("/api/v1/audit?limit=1000&cursor={}", trail["next"].as_str().unwrap());
    let older = server.get(&next, &auditor).await.json();
    let actions: Vec<_> =
        older["items"].as_array().unwrap().iter().map(|e| e["action"].as_str().unwrap()).collect();
    assert_eq!(actions, ["user.password", "session.begin", "user.add", "user.add"]);
}

#[tokio::test]
async fn metrics_answer_this_machine_but_not_through_a_proxy() {
    let server = Server::start().await;
    let near = server.raw("GET", "/metrics", &[], String::new()).await;
    assert_eq!(near.status, 200);
    assert!(near.text.starts_with("haidang_lines_total 10\n"), "{}", near.text);
    assert!(near.text.contains("\nhaidang_reports_overdue 0\n"), "{}", near.text);
    let proxied = [("x-forwarded-for", "203.0.113.9".to_owned())];
    server.raw("GET", "/metrics", &proxied, String::new()).await.is_problem(401);
    let Person { cookie, .. } = server.sign_in("admin").await;
    let known = [("x-forwarded-for", "203.0.113.9".to_owned()), ("cookie", cookie)];
    assert_eq!(server.raw("GET", "/metrics", &known, String::new()).await.status, 200);
}

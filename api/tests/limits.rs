//! What holds for every answer: headers, problems, sizes.

use crate::client::{PASSWORD, Server};
use serde_json::json;
use store::cases;

#[tokio::test]
async fn every_answer_has_the_security_headers() {
    let server = Server::start().await;
    for path in ["/", "/healthz", "/api/docs", "/api/v1/incidents", "/api/nothing", "/assets/none.js"] {
        let answer = server.raw("GET", path, &[], String::new()).await;
        let policy = answer.header("content-security-policy");
        assert!(
            policy.starts_with("default-src 'none'; script-src 'self'; style-src 'self';"),
            "{path}: {policy}"
        );
        assert!(!policy.contains("unsafe"), "{policy}");
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "no-referrer"),
            ("cross-origin-opener-policy", "same-origin"),
        ] {
            assert_eq!(answer.header(name), value, "{path}");
        }
    }
    assert_eq!(
        server.raw("GET", "/api/v1/incidents", &[], String::new()).await.header("cache-control"),
        "no-store"
    );
}

#[tokio::test]
async fn the_documentation_needs_no_other_host_and_no_inline_script() {
    let server = Server::start().await;
    let page = server.raw("GET", "/api/docs", &[], String::new()).await;
    assert_eq!((page.status, page.header("content-type")), (200, "text/html; charset=utf-8"));
    assert!(!page.text.contains("//") && !page.text.contains("<style"), "{}", page.text);
    for part in page.text.split('"').filter(|part| part.starts_with("/api/")) {
        assert_eq!(server.raw("GET", part, &[], String::new()).await.status, 200, "{part}");
    }
    let document = server.raw("GET", "/api/openapi.json", &[], String::new()).await.json();
    assert_eq!(document["openapi"], "3.1.0");
}

#[tokio::test]
async fn a_body_over_the_limit_a_wrong_type_and_broken_json_are_problems() {
    let server = Server::start().await;
    let kind = |kind: &str| vec![("content-type", kind.to_owned())];
    let path = "/api/v1/session";
    let body = |size: usize| json!({"username": "a", "password": "x".repeat(size)}).to_string();
    server.raw("POST", path, &kind("application/json"), body(1024 * 1024)).await.is_problem(413);
    let full = 1024 * 1024 - body(0).len();
    server.raw("POST", path, &kind("application/json"), body(full)).await.is_problem(401);
    server.raw("POST", path, &kind("text/plain"), body(1)).await.is_problem(415);
    server
        .raw("POST", path, &kind("application/x-www-form-urlencoded"), "username=a".into())
        .await
        .is_problem(415);
    server.raw("POST", path, &kind("application/json"), "{".into()).await.is_problem(400);
    server.raw("POST", path, &kind("application/json"), "[".repeat(100_000)).await.is_problem(422);
    server
        .raw("POST", path, &kind("application/json"), json!({"username": 1}).to_string())
        .await
        .is_problem(422);
}

#[tokio::test]
async fn an_unknown_address_and_a_wrong_method_are_problems() {
    let server = Server::start().await;
    server.raw("GET", "/api/v2/events", &[], String::new()).await.is_problem(404);
    server.raw("GET", "/api/v1/nothing", &[], String::new()).await.is_problem(404);
    let wrong = server.raw("DELETE", "/api/v1/rules", &[], String::new()).await;
    wrong.is_problem(405);
    assert_eq!(wrong.header("allow"), "GET,HEAD");
    server.raw("POST", "/healthz", &[], String::new()).await.is_problem(405);
    server.raw("POST", "/incidents", &[], String::new()).await.is_problem(405);
}

#[tokio::test]
async fn an_events_store_that_does_not_answer_is_said_without_its_cause() {
    let server = Server::start().await;
    let admin = server.sign_in("admin").await;
    for path in ["/api/v1/events", "/api/v1/events/count", "/api/v1/events/histogram", "/api/v1/overview"] {
        let detail = server.get(path, &admin).await.is_problem(503);
        assert!(!detail.contains("socket") && !detail.contains("nobody"), "{detail}");
    }
    let wrong = server.get("/api/v1/events?q=source.ip:nowhere", &admin).await.is_problem(400);
    assert!(wrong.contains('1'), "names the position: {wrong}");
}

#[tokio::test]
async fn readiness_names_the_part_that_does_not_work() {
    let server = Server::start().await;
    let ready = server.raw("GET", "/readyz", &[], String::new()).await;
    assert_eq!((ready.status, &ready.json()["ready"]), (200, &json!(true)));
    server.cases.close().await;
    let broken = server.raw("GET", "/readyz", &[], String::new()).await;
    assert_eq!(broken.status, 503);
    assert_eq!(
        broken.json()["checks"][1],
        json!({"name": "cases", "ready": false, "detail": "the database does not answer"})
    );
}

#[tokio::test]
async fn sign_ins_beyond_the_queue_are_refused_instead_of_waiting() {
    let limits =
        cases::Config { password_hashes_at_once: 1, password_waiting_max: 0, ..cases::Config::default() };
    let server = Server::start_with(limits, api::Config::default()).await;
    let body = json!({"username": "admin", "password": PASSWORD});
    // Sixteen at once: one hash takes longer than sixteen requests take to arrive, so some find the place taken.
    let sign_in = || server.send("POST", "/api/v1/session", None, Some(&body));
    let (a, b, c, d) = tokio::join!(
        async { tokio::join!(sign_in(), sign_in(), sign_in(), sign_in()) },
        async { tokio::join!(sign_in(), sign_in(), sign_in(), sign_in()) },
        async { tokio::join!(sign_in(), sign_in(), sign_in(), sign_in()) },
        async { tokio::join!(sign_in(), sign_in(), sign_in(), sign_in()) },
    );
    let answers = [a, b, c, d].into_iter().flat_map(|(a, b, c, d)| [a, b, c, d]);
    let statuses: Vec<u16> = answers.map(|answer| answer.status).collect();
    assert!(statuses.contains(&200) && statuses.contains(&503), "{statuses:?}");
    // 429: the throttle of tries for one account, which comes first.
    assert!(statuses.iter().all(|status| [200, 429, 503].contains(status)), "{statuses:?}");
}

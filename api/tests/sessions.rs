//! Signing in, staying in, being thrown out.

use crate::client::{PASSWORD, Person, Server};
use serde_json::json;
use store::cases::{self, NewUser, Role};

#[tokio::test]
async fn an_unknown_user_and_a_wrong_password_get_the_same_answer() {
    let server = Server::start().await;
    let wrong = json!({"username": "admin", "password": "wrong password"});
    let unknown = json!({"username": "nobody", "password": "wrong password"});
    let a = server.send("POST", "/api/v1/session", None, Some(&wrong)).await;
    let b = server.send("POST", "/api/v1/session", None, Some(&unknown)).await;
    a.is_problem(401);
    assert_eq!((a.status, &a.text), (b.status, &b.text));
}

#[tokio::test]
async fn the_cookie_is_out_of_reach_of_scripts_and_other_sites_and_secure_under_tls() {
    let body = json!({"username": "admin", "password": PASSWORD});
    for tls in [false, true] {
        let config = api::Config { tls, ..api::Config::default() };
        let server = Server::start_with(cases::Config::default(), config).await;
        let answer = server.send("POST", "/api/v1/session", None, Some(&body)).await;
        let cookie = answer.header("set-cookie");
        assert!(cookie.contains("; HttpOnly; SameSite=Strict; Path=/"), "{cookie}");
        assert_eq!(cookie.contains("; Secure"), tls, "{cookie}");
        assert_eq!(answer.headers.contains_key("strict-transport-security"), tls);
    }
}

#[tokio::test]
async fn the_sixth_try_is_refused_even_with_the_right_password_until_the_window_has_passed() {
    let server = Server::start().await;
    let wrong = json!({"username": "admin", "password": "wrong password"});
    let right = json!({"username": "admin", "password": PASSWORD});
    for _ in 0..5 {
        server.send("POST", "/api/v1/session", None, Some(&wrong)).await.is_problem(401);
    }
    let refused = server.send("POST", "/api/v1/session", None, Some(&right)).await;
    refused.is_problem(429);
    assert_eq!(refused.header("retry-after"), "300");
    server.pass_s(300);
    assert_eq!(server.send("POST", "/api/v1/session", None, Some(&right)).await.status, 200);
}

#[tokio::test]
async fn tries_sent_at_once_do_not_pass_the_limit() {
    let server = Server::start().await;
    let wrong = json!({"username": "admin", "password": "wrong password"});
    let tries = (0..12).map(|_| server.send("POST", "/api/v1/session", None, Some(&wrong)));
    let mut denied = 0;
    for answer in join_all(tries).await {
        assert!(matches!(answer.status, 401 | 429), "{}", answer.text);
        denied += u32::from(answer.status == 401);
    }
    assert_eq!(denied, 5);
}

async fn join_all<F: Future>(all: impl Iterator<Item = F>) -> Vec<F::Output> {
    let mut waiting: Vec<_> = all.map(Box::pin).collect();
    let mut done: Vec<Option<F::Output>> = waiting.iter().map(|_| None).collect();
    std::future::poll_fn(|context| {
        for (future, slot) in waiting.iter_mut().zip(&mut done).filter(|(_, slot)| slot.is_none()) {
            if let std::task::Poll::Ready(output) = future.as_mut().poll(context) {
                *slot = Some(output);
            }
        }
        if done.iter().all(Option::is_some) { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
    done.into_iter().flatten().collect()
}

#[tokio::test]
async fn a_session_ends_when_idle_and_when_old() {
    let server = Server::start().await;
    let idle = server.sign_in("admin").await;
    server.pass_s(29 * 60);
    assert_eq!(server.get("/api/v1/session", &idle).await.status, 200);
    server.pass_s(29 * 60);
    assert_eq!(server.get("/api/v1/session", &idle).await.status, 200, "each use starts the half hour anew");
    server.pass_s(30 * 60);
    server.get("/api/v1/session", &idle).await.is_problem(401);

    let busy = server.sign_in("admin").await;
    for _ in 0..47 {
        server.pass_s(15 * 60);
        assert_eq!(server.get("/api/v1/session", &busy).await.status, 200);
    }
    server.pass_s(15 * 60);
    server.get("/api/v1/session", &busy).await.is_problem(401);
}

#[tokio::test]
async fn a_change_needs_the_csrf_value_of_its_own_session() {
    let server = Server::start().await;
    let person = server.sign_in("admin").await;
    let other = server.sign_in("admin").await;
    let body = json!({"language": "en"});
    for csrf in [String::new(), other.csrf.clone(), person.csrf.to_uppercase()] {
        let forged = Person { csrf, ..person.clone() };
        server.send("PATCH", "/api/v1/session", Some(&forged), Some(&body)).await.is_problem(403);
    }
    assert_eq!(server.get("/api/v1/session", &person).await.json()["user"]["language"], "vi");
    assert_eq!(server.send("PATCH", "/api/v1/session", Some(&person), Some(&body)).await.status, 204);
    assert_eq!(server.get("/api/v1/session", &person).await.json()["user"]["language"], "en");
}

#[tokio::test]
async fn a_change_from_another_site_is_refused_before_anything_is_read() {
    let server = Server::start().await;
    let person = server.sign_in("admin").await;
    let own = format!("http://{}", server.address());
    for (name, value, status) in [
        ("origin", "https://evil.example".to_owned(), 403),
        ("origin", "null".to_owned(), 403),
        ("origin", format!("{own}.evil.example"), 403),
        ("sec-fetch-site", "cross-site".to_owned(), 403),
        ("origin", own, 204),
    ] {
        let headers = [
            ("cookie", person.cookie.clone()),
            ("x-csrf-token", person.csrf.clone()),
            ("content-type", "application/json".to_owned()),
            (name, value.clone()),
        ];
        let answer =
            server.raw("PATCH", "/api/v1/session", &headers, json!({"language": "vi"}).to_string()).await;
        assert_eq!(answer.status, status, "{name}: {value}");
    }
}

#[tokio::test]
async fn a_password_given_by_somebody_else_must_be_changed_before_anything_else() {
    let server = Server::start().await;
    let user = NewUser {
        username: "lan".into(),
        display_name: "Trần Thị Lan".into(),
        role: Role::Responder,
        password: "given by the administrator".into(),
    };
    server.cases.add_user(&server.actor(), user).await.unwrap();
    let lan = server.sign_in_with("lan", "given by the administrator").await;
    let elsewhere = server.sign_in_with("lan", "given by the administrator").await;
    assert_eq!(server.get("/api/v1/session", &lan).await.json()["must_change_password"], true);
    server.get("/api/v1/incidents", &lan).await.is_problem(403);
    let path = "/api/v1/session/password";
    let short = json!({"current": "given by the administrator", "new": "short"});
    server.send("PUT", path, Some(&lan), Some(&short)).await.is_problem(422);
    let wrong = json!({"current": "not this one at all", "new": PASSWORD});
    server.send("PUT", path, Some(&lan), Some(&wrong)).await.is_problem(403);
    let good = json!({"current": "given by the administrator", "new": PASSWORD});
    assert_eq!(server.send("PUT", path, Some(&lan), Some(&good)).await.status, 204);
    assert_eq!(server.get("/api/v1/incidents", &lan).await.status, 200);
    server.get("/api/v1/session", &elsewhere).await.is_problem(401);
}

#[tokio::test]
async fn signing_out_ends_the_session_on_the_server() {
    let server = Server::start().await;
    let person = server.sign_in("admin").await;
    assert_eq!(server.send("DELETE", "/api/v1/session", Some(&person), None).await.status, 204);
    server.get("/api/v1/session", &person).await.is_problem(401);
}

#[tokio::test]
async fn a_disabled_user_is_out_at_once_and_the_last_administrator_stays() {
    let server = Server::start().await;
    let admin = server.sign_in("admin").await;
    let lan = server.user("lan", Role::Responder).await;
    let users = server.get("/api/v1/users", &admin).await.json();
    let id_of = |name: &str| {
        let all = users["items"].as_array().unwrap();
        all.iter().find(|user| user["username"] == name).unwrap()["id"].as_str().unwrap().to_owned()
    };
    let off = json!({"disabled": true});
    let path = format!("/api/v1/users/{}", id_of("lan"));
    assert_eq!(server.send("PATCH", &path, Some(&admin), Some(&off)).await.status, 200);
    server.get("/api/v1/session", &lan).await.is_problem(401);
    let path = format!("/api/v1/users/{}", id_of("admin"));
    server.send("PATCH", &path, Some(&admin), Some(&off)).await.is_problem(422);
    assert_eq!(server.get("/api/v1/users", &admin).await.status, 200);
}

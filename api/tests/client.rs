//! A server of its own for each test, and a client that speaks to it.

use crate::place::Place;
use event::{Alert, Entity, EntityKind, Incident, Severity, Stage, Time};
use http_body_util::{BodyExt as _, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use store::cases::{self, Actor, Cases, NewUser, Role};
use store::events::{Events, Target};

pub(crate) const PASSWORD: &str = "đèn biển Hải Đăng";
pub(crate) const START: i64 = 1_790_000_000_000;

/// A server with an administrator, a responder and an auditor. The events' store is a socket nobody listens at:
/// what needs the engine is tested with the whole pipeline.
pub(crate) struct Server {
    pub(crate) cases: Cases,
    pub(crate) clock: Arc<AtomicI64>,
    address: String,
    http: Client<HttpConnector, Full<axum::body::Bytes>>,
    _place: Place,
}

pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: axum::http::HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or(Value::Null)
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// That it is a problem of this status, as RFC 9457 says.
    pub(crate) fn is_problem(&self, status: u16) -> String {
        assert_eq!(
            (self.status, self.header("content-type")),
            (status, "application/problem+json"),
            "{}",
            self.text
        );
        let problem = self.json();
        assert_eq!(problem["status"], status);
        assert_eq!(problem["type"], "about:blank");
        problem["detail"].as_str().unwrap().to_owned()
    }
}

/// The cookie and the CSRF value of somebody signed in.
#[derive(Clone)]
pub(crate) struct Person {
    pub(crate) cookie: String,
    pub(crate) csrf: String,
}

impl Server {
    pub(crate) async fn start() -> Server {
        Server::start_with(cases::Config::default(), api::Config::default()).await
    }

    pub(crate) async fn start_with(limits: cases::Config, config: api::Config) -> Server {
        Server::start_exchanging(limits, config, exchange::Config::default()).await
    }

    pub(crate) async fn start_exchanging(
        limits: cases::Config,
        config: api::Config,
        exchange: exchange::Config,
    ) -> Server {
        let place = Place::new();
        let cases = Cases::open(&place.target, limits).await.unwrap();
        let clock = Arc::new(AtomicI64::new(START));
        cases.ensure_admin(Some(PASSWORD.to_owned()), Time(START)).await.unwrap();
        let now = Arc::clone(&clock);
        let state = api::State {
            events: Events::connect(Target::Socket(place.folder.path().join("nobody")), Default::default()),
            cases: cases.clone(),
            rules: Arc::new(|| {
                vec![api::RuleInfo {
                    id: "r1".into(),
                    title: "Brute force".into(),
                    title_vi: "Dò mật khẩu".into(),
                    level: Severity::High,
                    layer: "endpoint".into(),
                    status: "test".into(),
                    kind: "correlation",
                    tags: vec!["attack.t1110".into()],
                    matches_24h: None,
                }]
            }),
            ledger: Arc::new(|| {
                vec![api::SourceLedger {
                    source: "192.0.2.1".into(),
                    transport: "udp".into(),
                    last_seen: Time(START),
                    received: 10,
                    stored: 8,
                    rejected: 1,
                    spooled: 1,
                    silent: false,
                }]
            }),
            metrics: Arc::new(|reports, out| {
                let overdue = reports.map_or(0, |reports| reports.overdue);
                out.push_str(&format!("haidang_lines_total 10\nhaidang_reports_overdue {overdue}\n"));
            }),
            ready: Arc::new(|| vec![api::Check { name: "spool".into(), ready: true, detail: String::new() }]),
            clock: Arc::new(move || Time(now.load(Ordering::SeqCst))),
            exchange,
            report: report::Config::default(),
            config,
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        tokio::spawn(api::serve(listener, api::router(state), std::future::pending()));
        let http = Client::builder(TokioExecutor::new()).build_http();
        Server { cases, clock, address, http, _place: place }
    }

    pub(crate) fn now(&self) -> Time {
        Time(self.clock.load(Ordering::SeqCst))
    }

    pub(crate) fn pass_s(&self, seconds: i64) {
        self.clock.fetch_add(seconds * 1000, Ordering::SeqCst);
    }

    pub(crate) fn actor(&self) -> Actor {
        Actor::system("test", self.now())
    }

    /// A user who has changed the first password.
    pub(crate) async fn user(&self, name: &str, role: Role) -> Person {
        let first = "the first password".to_owned();
        let user =
            NewUser { username: name.into(), display_name: String::new(), role, password: first.clone() };
        self.cases.add_user(&self.actor(), user).await.unwrap();
        let person = self.sign_in_with(name, &first).await;
        let body = serde_json::json!({"current": first, "new": PASSWORD});
        let changed = self.send("PUT", "/api/v1/session/password", Some(&person), Some(&body)).await;
        assert_eq!(changed.status, 204, "{}", changed.text);
        person
    }

    pub(crate) async fn sign_in(&self, name: &str) -> Person {
        self.sign_in_with(name, PASSWORD).await
    }

    pub(crate) async fn sign_in_with(&self, name: &str, password: &str) -> Person {
        let body = serde_json::json!({"username": name, "password": password});
        let answer = self.send("POST", "/api/v1/session", None, Some(&body)).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        let cookie = answer.header("set-cookie").split(';').next().unwrap().to_owned();
        Person { cookie, csrf: answer.json()["csrf"].as_str().unwrap().to_owned() }
    }

    pub(crate) async fn get(&self, path: &str, person: &Person) -> Answer {
        self.send("GET", path, Some(person), None).await
    }

    pub(crate) async fn send(
        &self,
        method: &str,
        path: &str,
        who: Option<&Person>,
        body: Option<&Value>,
    ) -> Answer {
        let mut headers = Vec::new();
        if let Some(person) = who {
            headers.push(("cookie", person.cookie.clone()));
            headers.push(("x-csrf-token", person.csrf.clone()));
        }
        if body.is_some() {
            headers.push(("content-type", "application/json".to_owned()));
        }
        self.raw(method, path, &headers, body.map(Value::to_string).unwrap_or_default()).await
    }

    pub(crate) async fn raw(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, String)],
        body: String,
    ) -> Answer {
        let mut request =
            axum::http::Request::builder().method(method).uri(format!("http://{}{path}", self.address));
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        let answer = self.http.request(request.body(Full::from(body)).unwrap()).await.unwrap();
        let (parts, body) = answer.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        Answer {
            status: parts.status.as_u16(),
            headers: parts.headers,
            text: String::from_utf8_lossy(&bytes).into_owned(),
        }
    }

    pub(crate) fn address(&self) -> &str {
        &self.address
    }
}

/// Incident `number` with one alert.
pub(crate) fn incident(number: u128, last: i64) -> Incident {
    let entities = vec![Entity { kind: EntityKind::Host, name: format!("may-chu-{number}") }];
    let alert = Alert {
        id: uuid::Uuid::from_u128(number << 16),
        rule: "r1".into(),
        title: "Brute force".into(),
        title_vi: "Dò mật khẩu".into(),
        level: Severity::High,
        first: Time(START),
        last: Time(last),
        count: 6,
        group: vec![("user.name".into(), "lan".into())],
        entities: entities.clone(),
        unit: "so-yte".into(),
        system: "hsmt".into(),
        system_level: 3,
        tags: vec!["attack.t1110".into()],
        events: vec![event::EventId(number)],
        because: Vec::new(),
        suppressed: None,
        authorised: None,
    };
    Incident {
        id: uuid::Uuid::from_u128(number),
        title: format!("Brute force on 100% of server_{number}"),
        title_vi: "Dò mật khẩu máy chủ".into(),
        severity: Severity::High,
        stage: Stage::Access,
        first: Time(START),
        last: Time(last),
        entities,
        unit: "so-yte".into(),
        system: "hsmt".into(),
        system_level: 3,
        alerts: vec![alert],
        authorised: None,
    }
}

/// The same of an authorised scan, with alerts that were held back.
pub(crate) fn scan(number: u128, last: i64) -> Incident {
    let until = Time(START).plus_ms(3_600_000);
    let authorised = Some(event::Authorised {
        id: "q4".into(),
        title: "Quét lỗ hổng quý IV".into(),
        by: "Nguyễn Văn Bình".into(),
        document: "124/QĐ-SKHCN".into(),
        reason: "Kiểm tra hằng năm".into(),
        until,
    });
    let mut made = Incident { authorised: authorised.clone(), ..incident(number, last) };
    made.alerts[0].authorised = authorised;
    made.alerts[0].suppressed = Some(event::Suppressed { count: 37, until });
    made
}

pub(crate) fn id(number: u128) -> String {
    uuid::Uuid::from_u128(number).to_string()
}

//! `scenarios/*.yml`: requests in order, each with what its answer must hold at least. And the OpenAPI golden.

use crate::client::{PASSWORD, START, Server, incident, scan};
use event::Time;
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;
use store::cases::Role;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Step {
    /// `METHOD /path`.
    request: String,
    /// Who sends it: nobody if absent.
    #[serde(rename = "as")]
    person: Option<String>,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    body: Option<Value>,
    status: u16,
    /// What the answer's JSON holds: objects in part, lists in full.
    expect: Option<Value>,
}

#[tokio::test]
async fn every_scenario_answers_as_written() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios");
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(files.len() >= 3);
    for file in files {
        let steps: Vec<Step> = serde_norway::from_str(&std::fs::read_to_string(&file).unwrap())
            .unwrap_or_else(|cause| panic!("{}: {cause}", file.display()));
        let server = Server::start().await;
        server
            .cases
            .upsert_incidents(
                &[incident(1, START), incident(2, START + 1000), scan(3, START)],
                &[],
                Time(START),
            )
            .await
            .unwrap();
        let mut people = BTreeMap::new();
        people.insert("responder", server.user("responder", Role::Responder).await);
        people.insert("auditor", server.user("auditor", Role::Auditor).await);
        people.insert("admin", server.sign_in("admin").await);
        for (number, step) in steps.iter().enumerate() {
            let place = format!("{} step {}: {}", file.display(), number + 1, step.request);
            let (method, path) = step.request.split_once(' ').expect(&place);
            let mut headers: Vec<(&str, String)> =
                step.headers.iter().map(|(n, v)| (n.as_str(), v.clone())).collect();
            if let Some(name) = &step.person {
                let person = &people[name.as_str()];
                headers.push(("cookie", person.cookie.clone()));
                headers.push(("x-csrf-token", person.csrf.clone()));
            }
            let body = step.body.as_ref().map(|body| body.to_string().replace("PASSWORD", PASSWORD));
            if body.is_some() {
                headers.push(("content-type", "application/json".to_owned()));
            }
            let answer = server.raw(method, path, &headers, body.unwrap_or_default()).await;
            assert_eq!(answer.status, step.status, "{place}: {}", answer.text);
            if let Some(expected) = &step.expect {
                holds(&answer.json(), expected, &place);
            }
        }
    }
}

fn holds(found: &Value, expected: &Value, place: &str) {
    match (found, expected) {
        (Value::Object(found), Value::Object(expected)) => {
            for (key, value) in expected {
                let inner = format!("{place} .{key}");
                holds(found.get(key).unwrap_or_else(|| panic!("{inner} is missing")), value, &inner);
            }
        }
        (Value::Array(found), Value::Array(expected)) => {
            assert_eq!(found.len(), expected.len(), "{place}: {found:?}");
            for (number, (found, expected)) in found.iter().zip(expected).enumerate() {
                holds(found, expected, &format!("{place}[{number}]"));
            }
        }
        _ => assert_eq!(found, expected, "{place}"),
    }
}

#[test]
fn the_openapi_document_is_the_one_reviewed() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("openapi.json");
    let made = api::openapi() + "\n";
    if std::env::vars().any(|(name, _)| name == "UPDATE_EXPECT") {
        std::fs::write(&file, &made).unwrap();
    }
    let kept = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(
        kept == made,
        "the API has changed: UPDATE_EXPECT=1 cargo test -p api, and review the diff of openapi.json"
    );
}

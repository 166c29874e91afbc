//! TAXII 2.1: OASIS's own client from discovery to delete, and that nobody sees more than they may.

use crate::client::{Person, START, Server};
use event::{Entity, EntityKind, Tlp};
use exchange::taxii::{Filter, Place};
use exchange::{Collection, TaxiiConfig, stix::marking};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::PathBuf;
use store::cases::{NewObject, Role};

pub(crate) fn collection(
    number: u128,
    title: &str,
    tlp: Tlp,
    readers: &[(&str, Tlp)],
    writers: &[&str],
) -> Collection {
    Collection {
        id: uuid::Uuid::from_u128(number),
        alias: None,
        title: title.into(),
        description: String::new(),
        tlp,
        readers: readers.iter().map(|(who, tlp)| ((*who).to_owned(), *tlp)).collect(),
        writers: writers.iter().map(|who| (*who).to_owned()).collect(),
    }
}

pub(crate) async fn server(collections: Vec<Collection>) -> Server {
    let taxii = TaxiiConfig { collections, content_bytes_max: 100_000, ..TaxiiConfig::default() };
    assert_eq!(taxii.problems(), Vec::<String>::new());
    let exchange = exchange::Config { taxii, ..exchange::Config::default() };
    Server::start_exchanging(Default::default(), api::Config::default(), exchange).await
}

async fn token(server: &Server, person: &Person) -> String {
    let made = server.send("POST", "/api/v1/tokens", Some(person), Some(&json!({"name": "taxii"}))).await;
    assert_eq!(made.status, 201, "{}", made.text);
    made.json()["token"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_client_of_oasis_works_it_from_discovery_to_delete() {
    let partner = [("doi-tac", Tlp::Green)];
    let server = server(vec![
        collection(1, "Trao đổi", Tlp::Amber, &partner, &["doi-tac"]),
        collection(2, "Chỉ đọc", Tlp::Amber, &partner, &[]),
        collection(3, "Chỉ ghi", Tlp::Amber, &[], &["doi-tac"]),
        collection(4, "Của người khác", Tlp::Red, &[("@admin", Tlp::Red)], &["@admin"]),
    ])
    .await;
    let person = server.user("doi-tac", Role::Partner).await;
    let token = token(&server, &person).await;
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let python = folder.join("../target/tools/python/taxii2-client/bin/python");
    assert!(python.exists(), "taxii2-client is missing: run deploy/install test");
    let output = tokio::process::Command::new(python)
        .arg(folder.join("tests/taxii.py"))
        .arg(format!("http://{}/taxii2/", server.address()))
        .arg(&token)
        .output()
        .await
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let trail = server.cases.audit_entries(None, 1000).await.unwrap();
    let told = |action: &str| {
        trail.iter().filter(|entry| entry.action == action && entry.actor == "doi-tac").count()
    };
    assert!(
        told("taxii.add") == 2 && told("taxii.remove") == 2 && told("taxii.read") > 10,
        "what left is in the trail"
    );
}

/// Every colour of every kind of marking: two versions of one object, of which the newer is the stricter, and others.
async fn fill(server: &Server, collection: &str, most: Tlp) {
    let mut objects = Vec::new();
    for (place, tlp) in Tlp::ALL.into_iter().enumerate().filter(|(_, tlp)| *tlp <= most) {
        for id in [
            "malware--00000000-0000-4000-8000-000000000000".to_owned(),
            format!("malware--00000000-0000-4000-8000-00000000000{}", place + 1),
        ] {
            let body = json!({ "type": "malware", "id": id, "name": tlp.name(), "object_marking_refs": [marking::id(tlp)] });
            let version_us = Some(START * 1000 + i64::try_from(place).unwrap());
            objects.push(NewObject { id, kind: "malware".into(), version_us, tlp, body: body.to_string() });
        }
    }
    server.cases.taxii_add(&server.actor(), collection, &objects, 1000).await.unwrap();
}

#[tokio::test]
async fn nobody_sees_a_stricter_colour_than_theirs_in_any_collection() {
    let roles = [("p", Role::Partner), ("a", Role::Auditor), ("r", Role::Responder)];
    let mut collections = Vec::new();
    for (number, tlp) in Tlp::ALL.into_iter().enumerate() {
        let reads = |who: &str, up_to: Tlp| (who.to_owned(), up_to.min(tlp));
        let mut one = collection(number as u128 + 10, tlp.name(), tlp, &[], &["r"]);
        one.readers = BTreeMap::from([
            reads("p", Tlp::Green),
            reads("@auditor", Tlp::Amber),
            reads("r", Tlp::AmberStrict),
        ]);
        collections.push(one);
    }
    let server = server(collections.clone()).await;
    for one in &collections {
        fill(&server, &one.id.to_string(), one.tlp).await;
    }
    let (mut seen, mut hidden) = (0, 0);
    for (name, role) in roles {
        let person = server.user(name, role).await;
        for one in &collections {
            let clearance = one.clearance(name, role.name()).unwrap();
            let base = format!("/taxii2/exchange/collections/{}", one.id);
            let get = async |path: String| server.get(&format!("{base}{path}"), &person).await;
            let expected = Tlp::ALL.into_iter().filter(|tlp| *tlp <= clearance);
            for query in ["", "?match[version]=all", "?match[version]=first,last", "?limit=1"] {
                let answer = get(format!("/objects/{query}")).await.json();
                for object in answer["objects"].as_array().unwrap() {
                    assert!(Tlp::by_name(object["name"].as_str().unwrap()).unwrap() <= clearance, "{object}");
                    seen += 1;
                }
            }
            // The newest version that may be seen is the newest there is.
            let last = get("/objects/malware--00000000-0000-4000-8000-000000000000/".into()).await.json();
            assert_eq!(last["objects"][0]["name"], clearance.name());
            let versions =
                get("/objects/malware--00000000-0000-4000-8000-000000000000/versions/".into()).await.json();
            assert_eq!(versions["versions"].as_array().unwrap().len(), expected.clone().count());
            let manifest = get("/manifest/?match[version]=all".into()).await.json();
            assert_eq!(manifest["objects"].as_array().unwrap().len(), 2 * expected.count());
            // Neither by its name nor by a `next` of one's own making.
            for (place, tlp) in
                Tlp::ALL.into_iter().enumerate().filter(|(_, tlp)| *tlp > clearance && *tlp <= one.tlp)
            {
                let id = format!("malware--00000000-0000-4000-8000-00000000000{}", place + 1);
                for path in ["", "?match[version]=all", "versions/"] {
                    assert_eq!(get(format!("/objects/{id}/{path}")).await.status, 404, "{name} {tlp:?}");
                }
                let filter = Filter { ids: vec![id.clone()], ..Filter::default() };
                let next = Place { filter, limit: 9, after: 0 }.write();
                assert_eq!(get(format!("/objects/?next={next}")).await.json(), json!({}));
                let gone = server.send("DELETE", &format!("{base}/objects/{id}/"), Some(&person), None).await;
                assert_eq!(gone.status, if name == "r" { 404 } else { 403 });
                hidden += 1;
            }
        }
    }
    assert!(seen > 50 && hidden == 10, "{seen} {hidden}");
    let admin = server.sign_in("admin").await;
    assert_eq!(
        server.get("/taxii2/exchange/collections/", &admin).await.json(),
        json!({}),
        "no right, no collection"
    );
}

#[tokio::test]
async fn a_stricter_object_is_refused_at_the_door_however_it_is_marked() {
    let server = server(vec![collection(1, "Mở", Tlp::Green, &[("@admin", Tlp::Green)], &["@admin"])]).await;
    let admin = server.sign_in("admin").await;
    let object = |more: Value| {
        let mut object = json!({ "type": "malware", "spec_version": "2.1", "id": "malware--00000000-0000-4000-8000-000000000001",
            "created": "2026-11-24T00:00:00Z", "modified": "2026-11-24T00:00:00Z", "name": "x", "is_family": true });
        object.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        object
    };
    let (green, red) = (marking::id(Tlp::Green), marking::id(Tlp::Red));
    let part = json!([{ "marking_ref": red, "selectors": ["name"] }]);
    let twice = object(json!({ "object_marking_refs": [red] })).to_string().replacen(
        '{',
        &format!("{{\"object_marking_refs\":[\"{green}\"],"),
        1,
    );
    let deep = format!("{{\"type\":\"malware\",\"x\":{}{}}}", "[".repeat(5000), "]".repeat(5000));
    let all = [
        object(json!({})).to_string(),
        object(json!({ "object_marking_refs": [green, red] })).to_string(),
        object(json!({ "object_marking_refs": [green], "granular_markings": part })).to_string(),
        object(json!({ "object_marking_refs": green })).to_string(),
        twice,
        deep,
    ];
    let headers = [
        ("cookie", admin.cookie.clone()),
        ("x-csrf-token", admin.csrf.clone()),
        ("content-type", "application/taxii+json;version=2.1".to_owned()),
    ];
    let path = format!("/taxii2/exchange/collections/{}/objects/", uuid::Uuid::from_u128(1));
    let body = format!("{{\"objects\":[{}]}}", all.join(","));
    let answer = server.raw("POST", &path, &headers, body).await;
    assert_eq!(answer.status, 202, "{}", answer.text);
    assert_eq!(
        (&answer.json()["success_count"], &answer.json()["failure_count"]),
        (&json!(0), &json!(6)),
        "{}",
        answer.text
    );
    assert_eq!(server.get(&path, &admin).await.json(), json!({}));
    let open = object(json!({ "object_marking_refs": [green] })).to_string();
    let answer = server.raw("POST", &path, &headers, format!("{{\"objects\":[{open}]}}")).await;
    assert_eq!(answer.json()["success_count"], 1, "{}", answer.text);
}

/// A collection up to AMBER, read by `p` up to GREEN and by `q` up to AMBER, and an incident with an address in it.
async fn releasing() -> Server {
    let readers = [("p", Tlp::Green), ("q", Tlp::Amber)];
    let server = server(vec![collection(1, "Đối tác", Tlp::Amber, &readers, &[])]).await;
    let mut incident = crate::client::incident(1, START);
    incident.entities.push(Entity { kind: EntityKind::Address, name: "198.51.100.23".to_owned() });
    for alert in &mut incident.alerts {
        alert.events.clear(); // there is no store of events here
    }
    server.cases.upsert_incidents(&[incident], &[], server.now()).await.unwrap();
    server
}

async fn release(server: &Server, who: &Person, tlp: &str) -> crate::client::Answer {
    let path = format!("/api/v1/incidents/{}/release", crate::client::id(1));
    let body = json!({ "collection": uuid::Uuid::from_u128(1), "tlp": tlp });
    server.send("POST", &path, Some(who), Some(&body)).await
}

/// What the collection shows to them.
async fn objects(server: &Server, who: &Person) -> Vec<Value> {
    let path = format!("/taxii2/exchange/collections/{}/objects/", uuid::Uuid::from_u128(1));
    let all = server.get(&path, who).await.json();
    all["objects"].as_array().cloned().unwrap_or_default()
}

#[tokio::test]
async fn an_incident_leaves_only_when_a_person_releases_it_and_only_to_its_audience() {
    let server = releasing().await;
    let (p, q) = (server.user("p", Role::Partner).await, server.user("q", Role::Partner).await);
    let auditor = server.user("a", Role::Auditor).await;
    let responder = server.user("r", Role::Responder).await;
    assert!(objects(&server, &q).await.is_empty(), "nothing leaves by itself");
    assert_eq!(release(&server, &auditor, "green").await.status, 403);
    release(&server, &responder, "red").await.is_problem(422);
    release(&server, &responder, "purple").await.is_problem(422);
    assert!(objects(&server, &q).await.is_empty());
    let done = release(&server, &responder, "amber").await;
    assert_eq!(done.status, 200, "{}", done.text);
    assert!(!objects(&server, &p).await.iter().any(|object| object["type"] == "incident"));
    let told = objects(&server, &q).await;
    assert_eq!(told.iter().filter(|object| object["type"] == "incident").count(), 1);
    let told = Value::from(told).to_string();
    assert!(
        told.contains("may-chu-1") && !told.contains("lan\""),
        "machines are named, accounts are not: {told}"
    );
}

#[tokio::test]
async fn what_is_released_in_another_colour_is_whole_for_each_and_taken_from_nobody() {
    let server = releasing().await;
    let (p, q) = (server.user("p", Role::Partner).await, server.user("q", Role::Partner).await);
    let auditor = server.user("a", Role::Auditor).await;
    let responder = server.user("r", Role::Responder).await;
    assert_eq!(release(&server, &responder, "amber").await.status, 200);
    server.pass_s(60);
    assert_eq!(release(&server, &responder, "green").await.status, 200);
    // Whoever is told of the incident is told of its parts, the addresses too, whose ids are everyone's.
    let told = objects(&server, &p).await;
    let ids = |told: &[Value]| -> Vec<String> {
        told.iter().map(|object| object["id"].as_str().unwrap().to_owned()).collect()
    };
    let refs = told.iter().flat_map(|object| object["object_refs"].as_array().into_iter().flatten());
    let refs: Vec<String> = refs.map(|one| one.as_str().unwrap().to_owned()).collect();
    assert!(!refs.is_empty() && refs.iter().all(|one| ids(&told).contains(one)), "{refs:?} of {told:?}");
    // In a stricter colour: more for some, and the others keep what they have, as it was.
    server.pass_s(60);
    assert_eq!(release(&server, &responder, "amber").await.status, 200);
    let version = |told: &[Value]| {
        let incident = told.iter().find(|object| object["type"] == "incident").unwrap();
        incident["modified"].as_str().unwrap().to_owned()
    };
    let after = objects(&server, &p).await;
    assert_eq!(version(&after), version(&told));
    assert!(refs.iter().all(|one| ids(&after).contains(one)), "no address is taken away again");
    assert!(version(&objects(&server, &q).await) > version(&told));
    let trail = server.cases.audit_entries(None, 100).await.unwrap();
    let entries: Vec<_> = trail.iter().filter(|entry| entry.action == "incident.release").collect();
    let details: Vec<&str> = entries.iter().map(|entry| entry.detail.as_str()).collect();
    assert!(entries.iter().all(|entry| entry.actor == "r"));
    let expected = [
        "TLP:AMBER to Đối tác, before TLP:GREEN",
        "TLP:GREEN to Đối tác, before TLP:AMBER",
        "TLP:AMBER to Đối tác",
    ];
    assert_eq!(details, expected);
    let path = format!("/api/v1/incidents/{}/releases", crate::client::id(1));
    let told = server.get(&path, &auditor).await.json();
    assert_eq!(
        (&told["items"][0]["tlp"], &told["items"][0]["actor"]),
        (&json!("amber"), &json!("r")),
        "{told}"
    );
}

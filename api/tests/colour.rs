//! Every role, every clearance, every collection, every way to ask: nobody learns of what is stricter than they may see. And
//! the moments of addition by which others page.

use crate::client::{Answer, Person, START, Server};
use crate::taxii::{collection, server};
use event::Tlp;
use exchange::{Collection, stix::marking};
use serde_json::{Value, json};
use store::cases::{NewObject, Role};

const ROLES: [Role; 4] = [Role::Partner, Role::Auditor, Role::Responder, Role::Admin];
/// The object that is there in every colour, each a newer version.
const SHARED: &str = "malware--00000000-0000-4000-8000-000000000000";

/// The object that is there in this colour alone.
fn own(tlp: Tlp) -> String {
    format!("malware--00000000-0000-4000-8000-0000000000a{}", tlp as u8)
}

/// An hour before anything was added, so that no moment of addition looks like it.
fn version_us(tlp: Tlp) -> i64 {
    (START - 3_600_000) * 1000 + 1 + i64::from(tlp as u8)
}

/// What tells of an object of this colour: its name, its id, the microseconds of its version.
fn traces(tlp: Tlp) -> [String; 3] {
    let version = exchange::taxii::Stamp(version_us(tlp)).version();
    [format!("\"colour {}\"", tlp.name()), own(tlp), version]
}

/// Objects of every colour up to the collection's, the strictest first, so that what may be seen lies between what may not.
async fn fill(server: &Server, collection: &Collection) {
    let object = |id: String, tlp: Tlp| {
        let name = format!("colour {}", tlp.name());
        let body =
            json!({ "type": "malware", "id": id, "name": name, "object_marking_refs": [marking::id(tlp)] });
        NewObject {
            id,
            kind: "malware".into(),
            version_us: Some(version_us(tlp)),
            tlp,
            body: body.to_string(),
        }
    };
    let colours = Tlp::ALL.into_iter().rev().filter(|tlp| *tlp <= collection.tlp);
    let all: Vec<NewObject> =
        colours.flat_map(|tlp| [object(SHARED.to_owned(), tlp), object(own(tlp), tlp)]).collect();
    server.cases.taxii_add(&server.actor(), &collection.id.to_string(), &all, 1000).await.unwrap();
}

/// A collection for each colour and each clearance within it, given by role; then those in which a person's own line says
/// less, or more, than their role's, and one that nobody may read.
fn collections() -> Vec<Collection> {
    let mut all = Vec::new();
    let mut add = |tlp: Tlp, readers: &[(&str, Tlp)]| {
        let number = 100 + all.len() as u128;
        all.push(collection(number, &format!("{} {number}", tlp.name()), tlp, readers, &["admin"]));
    };
    let roles = ["@partner", "@auditor", "@responder", "@admin"];
    for tlp in Tlp::ALL {
        for clearance in Tlp::ALL.into_iter().filter(|clearance| *clearance <= tlp) {
            add(tlp, &roles.map(|role| (role, clearance)));
        }
    }
    let names = ["u-partner", "u-auditor", "u-responder", "admin"];
    for (of_role, of_person) in [(Tlp::Red, Tlp::Clear), (Tlp::Green, Tlp::AmberStrict)] {
        let lines = roles.map(|role| (role, of_role)).into_iter().chain(names.map(|name| (name, of_person)));
        add(Tlp::Red, &lines.collect::<Vec<_>>());
    }
    add(Tlp::Red, &[]);
    all
}

/// Every way to ask for what is in a collection.
fn questions() -> Vec<String> {
    let mut all: Vec<String> =
        ["/", "/manifest/", "/objects/", "/objects/?limit=1", "/objects/?limit=3"].map(str::to_owned).into();
    for part in ["objects", "manifest"] {
        for filter in [
            "match[version]=all",
            "match[version]=first",
            "match[version]=last",
            "match[version]=first,last,all",
            "match[type]=malware",
            "match[type]=malware&match[version]=all",
            "match[spec_version]=2.1&match[version]=all",
            "added_after=2000-01-01T00:00:00Z&match[version]=all",
        ] {
            all.push(format!("/{part}/?{filter}"));
        }
    }
    for id in Tlp::ALL.map(own).into_iter().chain([SHARED.to_owned()]) {
        let ways = [
            "objects/ID/",
            "objects/ID/?match[version]=all",
            "objects/ID/versions/",
            "objects/?match[id]=ID",
            "manifest/?match[id]=ID",
        ];
        all.extend(ways.map(|way| format!("/{}", way.replace("ID", &id))));
    }
    for tlp in Tlp::ALL {
        let version = &traces(tlp)[2];
        all.push(format!("/objects/?match[version]={version}"));
        all.push(format!("/objects/{SHARED}/?match[version]={version}"));
    }
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_asks_however_nothing_tells_of_what_is_stricter_than_they_may_see() {
    let collections = collections();
    let server = server(collections.clone()).await;
    for one in &collections {
        fill(&server, one).await;
    }
    let (mut seen, mut hidden) = (0, 0);
    for role in ROLES {
        let name = if role == Role::Admin { "admin".to_owned() } else { format!("u-{}", role.name()) };
        let person =
            if role == Role::Admin { server.sign_in("admin").await } else { server.user(&name, role).await };
        for one in &collections {
            let clearance = one.clearance(&name, role.name());
            let expected: Vec<Tlp> =
                Tlp::ALL.into_iter().filter(|tlp| Some(*tlp) <= clearance && *tlp <= one.tlp).collect();
            let base = format!("/taxii2/exchange/collections/{}", one.id);
            for question in questions() {
                let answer = server.get(&format!("{base}{question}"), &person).await;
                let asked =
                    format!("{name} of {}: {question} gives {}: {}", one.title, answer.status, answer.text);
                for tlp in Tlp::ALL.into_iter().filter(|tlp| !expected.contains(tlp)) {
                    assert!(
                        !traces(tlp)
                            .iter()
                            .any(|trace| answer.text.contains(trace) && !question.contains(trace)),
                        "{asked}"
                    );
                    hidden += 1;
                }
                let is_hidden = |tlp: &Tlp| {
                    !expected.contains(tlp) && question.starts_with(&format!("/objects/{}/", own(*tlp)))
                };
                if clearance.is_none() && question != "/" || Tlp::ALL.iter().any(is_hidden) {
                    assert!([403, 404].contains(&answer.status), "{asked}");
                }
            }
            // And everything that they may see is there.
            if clearance.is_some() {
                let all = server.get(&format!("{base}/objects/?match[version]=all"), &person).await.text;
                assert!(
                    expected.iter().all(|tlp| traces(*tlp)[..2].iter().all(|trace| all.contains(trace))),
                    "{name}: {all}"
                );
                assert_eq!(
                    pages(&server, &person, &base).await,
                    2 * expected.len(),
                    "{name} of {}",
                    one.title
                );
                seen += 2 * expected.len();
            }
        }
    }
    assert!(seen > 300 && hidden > 5000, "{seen} seen, {hidden} questions for what is hidden");
}

/// How many objects there are, page by page.
async fn pages(server: &Server, person: &Person, base: &str) -> usize {
    let (mut count, mut next) = (0, String::new());
    loop {
        let answer =
            server.get(&format!("{base}/objects/?match[version]=all&limit=2{next}"), person).await.json();
        count += answer["objects"].as_array().map_or(0, Vec::len);
        match answer["next"].as_str() {
            Some(place) => next = format!("&next={place}"),
            None => return count,
        }
    }
}

fn envelope(tlp: Tlp) -> String {
    let object = json!({ "type": "malware", "spec_version": "2.1", "id": own(tlp), "created": "2026-11-24T00:00:00Z",
        "modified": "2026-11-24T00:00:00Z", "name": "x", "is_family": true, "object_marking_refs": [marking::id(tlp)] });
    json!({ "objects": [object] }).to_string()
}

async fn post(server: &Server, path: &str, who: &Person, body: String) -> Answer {
    let headers = [
        ("cookie", who.cookie.clone()),
        ("x-csrf-token", who.csrf.clone()),
        ("content-type", "application/taxii+json;version=2.1".to_owned()),
    ];
    server.raw("POST", path, &headers, body).await
}

#[tokio::test]
async fn the_status_of_what_was_added_is_for_whoever_added_it() {
    let server = server(vec![collection(1, "Chung", Tlp::Red, &[("@admin", Tlp::Red)], &["admin"])]).await;
    let admin = server.sign_in("admin").await;
    let path = format!("/taxii2/exchange/collections/{}/objects/", uuid::Uuid::from_u128(1));
    let status = post(&server, &path, &admin, envelope(Tlp::Red)).await;
    assert_eq!(status.json()["success_count"], 1, "{}", status.text);
    let path = format!("/taxii2/exchange/status/{}/", status.json()["id"].as_str().unwrap());
    assert_eq!(server.get(&path, &admin).await.json()["successes"][0]["id"], own(Tlp::Red));
    for role in [Role::Partner, Role::Auditor, Role::Responder, Role::Admin] {
        let other = server.user(&format!("u-{}", role.name()), role).await;
        let answer = server.get(&path, &other).await;
        assert!(answer.status == 404 && !answer.text.contains("malware"), "{}", answer.text);
    }
}

/// The header of an answer that says when its first, or last, object was added.
fn added<'a>(answer: &'a Answer, which: &str) -> &'a str {
    let moment = answer.header(&format!("x-taxii-date-added-{which}"));
    assert!(moment.len() == 27 && moment.ends_with('Z'), "RFC 3339 with six decimals: {moment}");
    moment
}

#[tokio::test]
async fn by_the_moments_of_addition_others_page_over_what_came_at_one_moment() {
    let readers = [("p", Tlp::Green), ("@admin", Tlp::Red)];
    let server = server(vec![collection(1, "Chung", Tlp::Red, &readers, &["admin"])]).await;
    let id = uuid::Uuid::from_u128(1).to_string();
    // Two calls within one moment of the clock; every other object is stricter than `p` may see.
    for half in 0..2 {
        let object = |n: usize| {
            let tlp = if n.is_multiple_of(2) { Tlp::Green } else { Tlp::Red };
            let id = format!("malware--00000000-0000-4000-8000-{n:012}");
            let body = json!({ "type": "malware", "id": id, "object_marking_refs": [marking::id(tlp)] });
            NewObject { id, kind: "malware".into(), version_us: Some(1), tlp, body: body.to_string() }
        };
        let objects: Vec<NewObject> = (half * 10..half * 10 + 10).map(object).collect();
        server.cases.taxii_add(&server.actor(), &id, &objects, 1000).await.unwrap();
    }
    let base = format!("/taxii2/exchange/collections/{id}");
    let (p, admin) = (server.user("p", Role::Partner).await, server.sign_in("admin").await);
    for (who, count) in [(&p, 10), (&admin, 20)] {
        let manifest = server.get(&format!("{base}/manifest/"), who).await;
        let all = manifest.json()["objects"].as_array().unwrap().clone();
        let dates: Vec<&str> = all.iter().map(|one| one["date_added"].as_str().unwrap()).collect();
        assert!(dates.len() == count && dates.is_sorted_by(|a, b| a < b), "{dates:?}");
        assert_eq!((added(&manifest, "first"), added(&manifest, "last")), (dates[0], dates[count - 1]));
        for limit in [1, 3, 7] {
            // In the manner of clients that know no `next`: on from the last moment that the header tells.
            let (mut after, mut found) = (String::new(), Vec::new());
            loop {
                let page = server.get(&format!("{base}/objects/?limit={limit}{after}"), who).await;
                let body = page.json();
                let Some(objects) = body["objects"].as_array() else {
                    assert!(
                        page.headers.get("x-taxii-date-added-last").is_none(),
                        "of nothing there is no moment"
                    );
                    break;
                };
                assert_eq!(added(&page, "first"), dates[found.len()]);
                found.extend(objects.iter().map(|one| one["id"].clone()));
                assert_eq!(added(&page, "last"), dates[found.len() - 1]);
                assert_eq!(
                    body["more"] == true,
                    body["next"].is_string(),
                    "`more` comes with `next` and never without"
                );
                assert_eq!(body["more"] == true, found.len() < count);
                after = format!("&added_after={}", added(&page, "last"));
            }
            assert_eq!(
                found,
                all.iter().map(|one| one["id"].clone()).collect::<Vec<Value>>(),
                "each once, in order"
            );
        }
        let one = server.get(&format!("{base}/objects/{}/", all[1]["id"].as_str().unwrap()), who).await;
        assert_eq!((added(&one, "first"), added(&one, "last")), (dates[1], dates[1]));
        let versions =
            server.get(&format!("{base}/objects/{}/versions/", all[1]["id"].as_str().unwrap()), who).await;
        assert_eq!(added(&versions, "last"), dates[1]);
    }
}

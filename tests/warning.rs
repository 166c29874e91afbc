//! A centre's warning from its bundle to the tasks of the units that had met it before it came, and who did them; and what a
//! rule lets out of the incident that follows.

use crate::stack::{Client, Stack, wait};
use serde_json::{Value, json};
use std::io::Write as _;
use std::process::Command;
use std::time::Duration;

const COLLECTION: &str = "8a1f6c1e-6f0e-4f1c-9a53-0c7d1b0f7b11";
const INDICATOR: &str = "indicator--00000000-0000-4000-8000-0000000000aa";

/// A firewall's line of a connection that was let through, now.
fn calls(stack: &Stack, from: &str, to: &str) {
    let now = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(7);
    let line = format!(
        "<189>date={} time={} devname=\"FG-SOYTE\" devid=\"FG100FTK20000001\" tz=\"+0700\" \
         logid=\"0000000013\" type=\"traffic\" subtype=\"forward\" level=\"notice\" vd=\"root\" srcip={from} srcport=40001 \
         srcintf=\"lan\" dstip={to} dstport=443 dstintf=\"wan1\" proto=6 action=\"accept\" policyid=7 service=\"tcp/443\" \
         sentbyte=400 rcvdbyte=600 sessionid=700001",
        now.strftime("%Y-%m-%d"),
        now.strftime("%H:%M:%S"),
    );
    let mut tcp = std::net::TcpStream::connect(stack.addresses.tcp[0]).unwrap();
    writeln!(tcp, "{line}").unwrap();
}

fn bundle() -> Value {
    let made = "2026-11-01T00:00:00Z";
    let green = "marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb";
    json!({ "type": "bundle", "id": "bundle--00000000-0000-4000-8000-000000000001", "objects": [
        { "type": "indicator", "spec_version": "2.1", "id": INDICATOR, "created": made, "modified": made,
          "name": "Máy chủ điều khiển", "pattern": "[ipv4-addr:value = '203.0.113.77']", "pattern_type": "stix",
          "valid_from": made, "object_marking_refs": [green] },
        { "type": "report", "spec_version": "2.1", "id": "report--00000000-0000-4000-8000-0000000000ab", "created": made,
          "modified": made, "published": made, "name": "Chiến dịch nhắm vào cơ quan nhà nước",
          "description": "Chặn 203.0.113.77 và rà soát máy đã kết nối.", "object_refs": [INDICATOR] },
    ]})
}

fn registry(stack: &Stack) {
    let file = stack.dir.path().join("registry.yaml");
    let text = "units:\n  - { id: so-y-te, name: Sở Y tế }\n  - { id: so-noi-vu, name: Sở Nội vụ }\n  \
                - { id: xa-an-hai, name: Xã An Hải }\nassets:\n  - { id: a, unit: so-y-te, addresses: [10.20.1.0/24] }\n  \
                - { id: b, unit: so-noi-vu, addresses: [10.20.2.0/24] }\n";
    std::fs::write(&file, text).unwrap();
    stack.import_registry(&file);
}

fn import(stack: &Stack) -> Value {
    let file = stack.dir.path().join("warning.json");
    std::fs::write(&file, bundle().to_string()).unwrap();
    let done = Command::new(env!("CARGO_BIN_EXE_haidang"))
        .args(["feed", "import", "--source", "NCSC", "--unit", "xa-an-hai", "--data"])
        .arg(stack.data())
        .arg(&file)
        .output()
        .unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    serde_json::from_slice(&done.stdout).unwrap()
}

fn tasks(client: &Client) -> Vec<(String, u64, bool, bool)> {
    let told = client.get("/api/v1/warnings");
    assert_eq!(told["items"].as_array().unwrap().len(), 1, "{told}");
    let tasks = told["items"][0]["tasks"].as_array().unwrap().iter();
    let of = |task: &Value| {
        let text = task["unit"].as_str().unwrap().to_owned();
        (text, task["events"].as_u64().unwrap(), !task["read"].is_null(), !task["done"].is_null())
    };
    tasks.map(of).collect()
}

#[test]
fn a_warning_becomes_a_task_for_each_unit_that_met_it_or_is_named() {
    let release = format!(
        "[[exchange.taxii.collections]]\nid = \"{COLLECTION}\"\ntitle = \"NCSC\"\ntlp = \"amber\"\n\
         readers = {{ \"@admin\" = \"amber\" }}\n[[exchange.releases]]\ncollection = \"{COLLECTION}\"\ntlp = \"amber\"\n\
         rule = \"3f0f3d0e-54a4-5f0c-9d8c-8d1f5b0f0c61\"\n"
    );
    let stack = Stack::start_with(&release);
    let client = stack.client();
    registry(&stack);
    calls(&stack, "10.20.1.61", "203.0.113.77");
    calls(&stack, "10.20.2.61", "203.0.113.78");
    client.wait_count("haidang.unit.id:so-*", 2, Duration::from_secs(20));

    let taken = import(&stack);
    assert_eq!((&taken["indicators"], &taken["new"]), (&1.into(), &1.into()), "{taken}");
    assert_eq!(
        taken["units"],
        json!(["so-y-te", "xa-an-hai"]),
        "the one that had met it, and the one that is named"
    );
    let again = import(&stack);
    assert_eq!(
        (&again["incident"], &again["new"]),
        (&taken["incident"], &0.into()),
        "the same again is the same"
    );
    let unread = |unit: &str, events| (unit.to_owned(), events, false, false);
    assert_eq!(tasks(&client), [unread("so-y-te", 1), unread("xa-an-hai", 0)]);
    let told = client.get("/api/v1/warnings");
    assert_eq!((&told["unread"], &told["open"]), (&2.into(), &2.into()), "{told}");
    assert!(told["unread_age_s"].as_i64().unwrap() < 120, "{told}");
    assert_eq!((&told["items"][0]["tlp"], &told["items"][0]["source"]), (&"green".into(), &"NCSC".into()));
    let incident = client.incidents().into_iter().find(|one| one["kind"] == "warning").unwrap();
    assert_eq!(incident["title"], "Chiến dịch nhắm vào cơ quan nhà nước");

    let path = |unit: &str| format!("/api/v1/warnings/{}/tasks/{unit}", taken["incident"].as_str().unwrap());
    assert_eq!(client.post(&path("so-y-te"), &json!({ "act": "read" })).0, 200);
    let (status, done) = client.post(&path("so-y-te"), &json!({ "act": "done", "note": "Đã chặn" }));
    assert_eq!((status, &done["tasks"][0]["done_by"]), (200, &"admin".into()), "{done}");
    assert_eq!(client.post(&path("so-y-te"), &json!({ "act": "done" })).0, 422, "done once");
    assert_eq!(client.post(&path("so-noi-vu"), &json!({ "act": "read" })).0, 404);
    assert_eq!(tasks(&client), [("so-y-te".to_owned(), 1, true, true), unread("xa-an-hai", 0)]);
    let audit = client.get("/api/v1/audit?limit=1000");
    let actions: Vec<&str> =
        audit["items"].as_array().unwrap().iter().map(|entry| entry["action"].as_str().unwrap()).collect();
    for action in ["warning.add", "warning.read", "warning.done"] {
        assert_eq!(actions.iter().filter(|one| **one == action).count(), 1, "{action} in {actions:?}");
    }
    let month = (jiff::Timestamp::now() + jiff::SignedDuration::from_hours(7)).strftime("%Y-%m").to_string();
    let bulletin = client.get(&format!("/api/v1/reports/bulletin?period={month}&format=json"));
    assert_eq!(bulletin["incidents"]["count"], 0, "a warning is no incident of ours: {bulletin}");
    let_out_by_rule(&stack, &client);
}

/// What meets the indicator from now on is an incident of its own, and the configured rule lets it out with a sighting.
fn let_out_by_rule(stack: &Stack, client: &Client) {
    let noticed =
        wait(Duration::from_secs(20), || stack.log().contains("indicators are read again").then_some(()));
    noticed.expect("the pipeline notices");
    calls(stack, "10.20.1.62", "203.0.113.77");
    let path =
        format!("/taxii2/exchange/collections/{COLLECTION}/objects/?match[type]=sighting,incident,indicator");
    let told = wait(Duration::from_secs(60), || {
        let told = client.get(&path);
        Some(told).filter(|told| told["objects"].as_array().is_some_and(|all| all.len() == 3))
    });
    let told = told.unwrap_or_else(|| panic!("{}", client.get(&path)));
    let objects = told["objects"].as_array().unwrap();
    let of = |kind: &str| objects.iter().find(|object| object["type"] == kind).unwrap();
    assert_eq!(of("sighting")["sighting_of_ref"], INDICATOR, "{told}");
    assert_eq!(of("indicator")["id"], INDICATOR, "what is referred to is there");
    valid(stack, &client.get(&format!("/taxii2/exchange/collections/{COLLECTION}/objects/")));
    let incidents = client.incidents();
    let incident =
        incidents.iter().find(|one| one["kind"] == "attack").unwrap()["id"].as_str().unwrap().to_owned();
    let releases = client.get(&format!("/api/v1/incidents/{incident}/releases"));
    assert_eq!(
        (&releases["items"][0]["actor"], &releases["items"][0]["audience"]),
        (&"[exchange]".into(), &"NCSC".into())
    );
    let audit = client.get("/api/v1/audit?limit=1000");
    let entry = audit["items"]
        .as_array()
        .unwrap()
        .iter()
        .find(|entry| entry["action"] == "incident.release")
        .unwrap();
    assert_eq!((&entry["actor"], &entry["detail"]), (&"[exchange]".into(), &"TLP:AMBER to NCSC".into()));
}

/// What was really let out, as OASIS's validator and library take it.
fn valid(stack: &Stack, told: &Value) {
    let objects = told["objects"].as_array().unwrap();
    assert!(objects.len() > 5 && told["more"] != true, "{told}");
    let bundle =
        json!({ "type": "bundle", "id": "bundle--00000000-0000-4000-8000-0000000000ac", "objects": objects });
    let file = stack.dir.path().join("released.json");
    std::fs::write(&file, bundle.to_string()).unwrap();
    let tool = |path: &str| {
        let program = crate::reader::root().join("target/tools/python").join(path);
        assert!(program.exists(), "{path} is missing: run deploy/install test");
        Command::new(program)
    };
    let strict = ["--version", "2.1", "--strict", "-d", "103", "--enforce-refs"];
    let checked = tool("stix2-validator/bin/stix2_validator").args(strict).arg(&file).output().unwrap();
    assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stdout));
    let script = "import json, sys, stix2\ngiven = json.load(open(sys.argv[1]))\n\
                  assert len(stix2.parse(given, version='2.1').objects) == len(given['objects'])";
    let parsed = tool("stix2/bin/python").args(["-c", script]).arg(&file).output().unwrap();
    assert!(parsed.status.success(), "{}", String::from_utf8_lossy(&parsed.stderr));
}

//! Our TAXII client against OASIS's server, which gives the same `next` for every page.

use crate::stack::{Stack, wait};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// medallion with 53 indicators in one collection, on a port of its own; ended when dropped.
struct Medallion {
    child: Child,
    collection: String,
}

impl Drop for Medallion {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn medallion(folder: &Path) -> Medallion {
    medallion_with(folder, None)
}

fn medallion_with(folder: &Path, more: Option<serde_json::Value>) -> Medallion {
    let made = "2026-11-01T00:00:00.000Z";
    let id = |number: u32| {
        format!("indicator--{}", uuid::Uuid::new_v5(&uuid::Uuid::NAMESPACE_DNS, &number.to_be_bytes()))
    };
    let mut objects: Vec<_> = (0..53)
        .map(|number| serde_json::json!({
            "type": "indicator", "spec_version": "2.1", "id": id(number), "created": made, "modified": made,
            "name": format!("n{number}"), "pattern_type": "stix", "valid_from": made,
            "pattern": format!("[domain-name:value = 'h{number}.example.net']"),
        }))
        .collect();
    // Several at one moment: who goes on by moments alone would lose some.
    let mut manifest: Vec<_> = (0..53)
        .map(|number| serde_json::json!({
            "id": id(number), "date_added": format!("2026-11-02T00:00:{:02}.000000Z", number / 7), "version": made,
            "media_type": "application/stix+json;version=2.1",
        }))
        .collect();
    if let Some(object) = more {
        manifest.push(serde_json::json!({
            "id": object["id"], "date_added": "2026-11-02T00:00:08.000000Z", "version": object["modified"],
            "media_type": "application/stix+json;version=2.1",
        }));
        objects.push(object);
    }
    let collection = "91a7b528-80eb-42ed-a74d-c6fbd5a26116";
    let data = serde_json::json!({
        "/discovery": { "title": "x", "default": "http://127.0.0.1/root/", "api_roots": ["http://127.0.0.1/root/"] },
        "root": {
            "information": { "title": "root", "versions": ["application/taxii+json;version=2.1"], "max_content_length": 9_765_625 },
            "status": [],
            "collections": [{
                "id": collection, "title": "one", "can_read": true, "can_write": false,
                "media_types": ["application/stix+json;version=2.1"], "objects": objects, "manifest": manifest,
            }],
        },
    });
    std::fs::write(folder.join("data.json"), data.to_string()).unwrap();
    let config = serde_json::json!({
        "backend": { "module": "medallion.backends.memory_backend", "module_class": "MemoryBackend", "filename": folder.join("data.json") },
        "users": { "haidang": "secret" },
        "taxii": { "max_page_size": 10 },
    });
    std::fs::write(folder.join("config.json"), config.to_string()).unwrap();
    let program =
        PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("target/tools/python/medallion/bin/medallion");
    assert!(program.exists(), "medallion is missing: run deploy/install test");
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let child = Command::new(program)
        .args(["--port", &port.to_string()])
        .arg(folder.join("config.json"))
        .stdout(Stdio::null())
        .stderr(std::fs::File::create(folder.join("medallion.log")).unwrap())
        .spawn()
        .unwrap();
    let collection = format!("http://127.0.0.1:{port}/root/collections/{collection}/");
    let server = Medallion { child, collection };
    wait(Duration::from_secs(30), || std::net::TcpStream::connect(("127.0.0.1", port)).ok())
        .unwrap_or_else(|| panic!("{}", std::fs::read_to_string(folder.join("medallion.log")).unwrap()));
    server
}

fn poll(folder: &Path, server: &Medallion, more: &[&str]) -> serde_json::Value {
    let output = Command::new(env!("CARGO_BIN_EXE_haidang"))
        .args([
            "feed",
            "poll",
            "--source",
            "NCSC",
            "--collection",
            &server.collection,
            "--user",
            "haidang",
            "--limit",
            "10",
        ])
        .arg("--password-file")
        .arg(folder.join("password"))
        .arg("--data")
        .arg(folder)
        .args(more)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn medallion_is_polled_completely_and_the_next_poll_takes_what_came_since() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    std::fs::write(folder.join("password"), "secret\n").unwrap();
    let server = medallion(folder);
    let told = poll(folder, &server, &[]);
    assert_eq!(
        (&told["objects"], &told["new"], &told["refused"]),
        (&53.into(), &53.into(), &0.into()),
        "{told}"
    );
    let last = told["added_last"].as_str().unwrap();
    assert_eq!(last, "2026-11-02T00:00:07.000000Z");
    assert_eq!(poll(folder, &server, &["--added-after", last])["objects"], 0);
    let told = poll(folder, &server, &["--added-after", "2026-11-02T00:00:03Z"]);
    assert_eq!((&told["objects"], &told["new"]), (&25.into(), &0.into()), "three pages of a filter: {told}");
    // A wrong password is an error, not an empty feed.
    std::fs::write(folder.join("password"), "wrong").unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_haidang"))
        .args([
            "feed",
            "poll",
            "--source",
            "x",
            "--collection",
            &server.collection,
            "--user",
            "haidang",
            "--password-file",
        ])
        .arg(folder.join("password"))
        .arg("--data")
        .arg(folder)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn a_feed_is_polled_by_itself_and_its_place_outlives_a_crash() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    std::fs::write(folder.join("password"), "secret\n").unwrap();
    let server = medallion(folder);
    let config = format!(
        "[[exchange.feeds]]\nname = \"NCSC\"\ncollection = \"{}\"\nuser = \"haidang\"\n\
         password_file = \"{}\"\nevery_s = 1\npage_objects = 10\n",
        server.collection,
        folder.join("password").display()
    );
    let mut stack = Stack::start_with(&config);
    let client = stack.client();
    let feed = |client: &crate::stack::Client| client.get("/api/v1/exchange")["feeds"][0].clone();
    let told = wait(Duration::from_secs(30), || Some(feed(&client)).filter(|feed| feed["objects"] == 53));
    let told = told.unwrap_or_else(|| panic!("{}", feed(&client)));
    assert_eq!(
        (&told["reached"], &told["failures"]),
        (&"2026-11-02T00:00:07.000000Z".into(), &0.into()),
        "{told}"
    );
    assert!(told["succeeded_age_s"].as_i64().unwrap() < 60, "{told}");
    drop(server);
    let told = wait(Duration::from_secs(30), || Some(feed(&client)).filter(|feed| feed["failures"] != 0));
    assert_ne!(told.expect("its end is not noticed")["problem"], "");
    stack.kill_and_restart();
    let told = feed(&stack.client());
    assert_eq!(
        (&told["reached"], &told["objects"]),
        (&"2026-11-02T00:00:07.000000Z".into(), &53.into()),
        "{told}"
    );
}

#[test]
fn what_a_centre_says_in_words_is_a_warning() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    std::fs::write(folder.join("password"), "secret\n").unwrap();
    let made = "2026-11-01T00:00:00.000Z";
    let note = serde_json::json!({
        "type": "note", "spec_version": "2.1", "id": "note--00000000-0000-4000-8000-0000000000ab", "created": made,
        "modified": made, "abstract": "Chiến dịch mới", "content": "Rà soát ngay.",
        "object_refs": ["indicator--00000000-0000-4000-8000-0000000000ff"],
    });
    let server = medallion_with(folder, Some(note));
    let stack = Stack::start_with(&format!(
        "[[exchange.feeds]]\nname = \"NCSC\"\ncollection = \"{}\"\nuser = \"haidang\"\n\
         password_file = \"{}\"\nevery_s = 1\nwarns = true\n",
        server.collection,
        folder.join("password").display()
    ));
    let client = stack.client();
    let told = wait(Duration::from_secs(60), || {
        let told = client.get("/api/v1/warnings");
        told["items"].get(0).cloned()
    });
    let told = told.unwrap_or_else(|| panic!("{}", client.get("/api/v1/exchange")));
    assert_eq!(
        (&told["title"], &told["text"]),
        (&"Chiến dịch mới".into(), &"Rà soát ngay.".into()),
        "{told}"
    );
    assert_eq!((&told["source"], &told["indicators"]), (&"NCSC".into(), &0.into()), "{told}");
}

//! The law from the registry to the pages: what is due, the four layers, retention by level, in a real browser.

use crate::browser::drive;
use crate::stack::{PASSWORD, Stack, is_about, wait};
use std::io::Write as _;
use std::net::TcpStream;
use std::process::Command;
use std::time::Duration;

#[test]
fn a_responder_reports_in_time_and_an_auditor_sees_the_four_layers() {
    let stack = Stack::start();
    let file = stack.dir.path().join("registry.yaml");
    let sample = Command::new(env!("CARGO_BIN_EXE_haidang")).args(["registry", "sample"]).output().unwrap();
    std::fs::write(&file, &sample.stdout).unwrap();
    stack.import_registry(&file);
    let now = jiff::Timestamp::now();
    let mut stream = TcpStream::connect(stack.addresses.tcp[0]).unwrap();
    for n in 0..12 {
        let line = format!(
            "<86>1 {now} web-sgddt-01 sshd {} - - Failed password for quantri from 203.0.113.50 port {} ssh2\n",
            700 + n,
            40_000 + n
        );
        stream.write_all(line.as_bytes()).unwrap();
    }
    drop(stream);
    let client = stack.client();
    let incident = client.wait_incident("the brute force", |incident| is_about(incident, "203.0.113.50"));
    let id = incident["id"].as_str().unwrap();
    assert!(incident["due"].is_string(), "{incident}");

    let auditor = serde_json::json!({ "username": "kiem-toan", "role": "auditor", "password": PASSWORD });
    assert_eq!(client.post("/api/v1/users", &auditor).0, 201);
    drive(&stack, "compliance.mjs", &[id]);

    let after = client.get(&format!("/api/v1/incidents/{id}"));
    let first = &after["reporting"]["deadlines"][0];
    assert_eq!(
        (&first["stand"], &first["report"]["document"]),
        (&"reported".into(), &"12/BC-TTGS".into()),
        "{after}"
    );
    let assessment = client.get("/api/v1/compliance/assessment?system=sgddt-ht1");
    let of = |id: &str| {
        let measures = assessment["systems"][0]["measures"].as_array().unwrap();
        measures.iter().find(|one| one["id"] == id).unwrap().clone()
    };
    assert!(of("sources-connected")["count"]["fit"].as_u64().unwrap() >= 1, "{}", of("sources-connected"));
    assert_eq!(of("reported-in-time")["value"], 100.0, "{}", of("reported-in-time"));

    // The level is raised while everything runs: what is stored is kept for longer, without a restart.
    let raised = String::from_utf8_lossy(&sample.stdout)
        .lines()
        .map(|line| {
            let ours = line.contains("\"id\":\"sgddt-ht1\",");
            let raised = |level: u8| line.replace(&format!("\"level\":{level},"), "\"level\":5,");
            if ours { (1..=4).map(raised).find(|text| text != line).unwrap() } else { line.to_owned() }
        })
        .collect::<Vec<_>>()
        .join("\n");
    std::fs::write(&file, raised).unwrap();
    stack.import_registry(&file);
    let longer = "events are kept for longer";
    assert!(
        wait(Duration::from_secs(60), || stack.log().contains(longer).then_some(())).is_some(),
        "not lengthened"
    );
}

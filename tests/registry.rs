//! The registry from the command line to the events: followed without a restart, and never half taken in.

use crate::stack::Stack;
use serde_json::Value;
use std::io::Write as _;
use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Output};
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(20);

fn haidang(data: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_haidang"))
        .arg("registry")
        .args(arguments)
        .arg("--data")
        .arg(data)
        .output()
        .unwrap()
}

#[test]
fn events_carry_unit_system_and_level_of_the_registry_as_it_is_when_they_come() {
    let stack = Stack::start();
    let file = stack.dir.path().join("registry.yaml");
    let write = |level: u8, unit: &str| {
        let text = format!(
            "units: [{{ id: so-a, name: Sở A }}, {{ id: xa-b, name: Xã B }}]
systems: [{{ id: mot-cua, name: Một cửa, level: {level}, unit: {unit} }}]
assets: [{{ id: web, system: mot-cua, hosts: [web-71] }}]
endpoints: [{{ id: PC-72, unit: xa-b }}]
"
        );
        std::fs::write(&file, text).unwrap();
    };
    let mut stream = TcpStream::connect(stack.addresses.tcp[0]).unwrap();
    let mut send = |host: &str| {
        writeln!(stream, "<86>1 {} {host} sshd 7 - - Connection closed", jiff::Timestamp::now()).unwrap();
    };
    let client = stack.client();
    send("web-71");
    client.wait_count("", 1, LIMIT);
    write(3, "so-a");
    stack.import_registry(&file);
    send("web-71");
    send("pc-72");
    client.wait_count("", 3, LIMIT);
    write(4, "xa-b");
    stack.import_registry(&file);
    send("web-71");
    client.wait_count("", 4, LIMIT);

    let mut events = client.events("");
    events.sort_by_key(|event| event["event"]["id"].as_str().unwrap().to_owned());
    let said: Vec<[&Value; 3]> = events
        .iter()
        .map(|event| &event["haidang"])
        .map(|of| [&of["unit"]["id"], &of["system"]["id"], &of["system"]["level"]])
        .collect();
    let null = Value::Null;
    assert_eq!(said[0], [&null, &null, &null]);
    assert_eq!(said[1].map(Value::to_string), ["\"so-a\"", "\"mot-cua\"", "3"]);
    assert_eq!(said[2].map(Value::to_string), ["\"xa-b\"", "null", "null"]);
    assert_eq!(said[3].map(Value::to_string), ["\"xa-b\"", "\"mot-cua\"", "4"]);
}

#[test]
fn a_province_goes_in_and_comes_out_the_same_and_a_wrong_row_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let sample = Command::new(env!("CARGO_BIN_EXE_haidang")).args(["registry", "sample"]).output().unwrap();
    let file = dir.path().join("registry.yaml");
    std::fs::write(&file, &sample.stdout).unwrap();
    let import = ["import", file.to_str().unwrap()];
    let tried = haidang(&data, &[&import[..], &["--dry-run"]].concat());
    let said: Value = serde_json::from_slice(&tried.stdout).unwrap();
    assert_eq!((&said["added"], &said["dry_run"]), (&Value::from(3_795), &Value::from(true)));
    assert_eq!(haidang(&data, &["export"]).stdout, b"");
    assert!(haidang(&data, &import).status.success());
    let exported = haidang(&data, &["export"]).stdout;
    std::fs::write(&file, &exported).unwrap();
    let again: Value = serde_json::from_slice(&haidang(&data, &import).stdout).unwrap();
    assert_eq!((&again["same"], &again["changed"]), (&Value::from(3_795), &Value::from(0)));

    let csv = dir.path().join("endpoints.csv");
    let rows: String =
        (0..100_000).map(|n| format!("MAY-{n:06},{}\n", if n == 77_777 { "x" } else { "syt" })).collect();
    std::fs::write(&csv, format!("id,unit\n{rows}")).unwrap();
    let refused = haidang(&data, &["import", csv.to_str().unwrap()]);
    assert_eq!(refused.status.code(), Some(1));
    let said = String::from_utf8(refused.stdout).unwrap();
    assert_eq!(said.lines().count(), 1, "{said}");
    assert!(said.contains("row 77779: endpoint MAY-077777: `unit` names `x`"), "{said}");
    assert_eq!(haidang(&data, &["export"]).stdout, exported);
    std::fs::write(&csv, format!("id,unit\n{}", rows.replace(",x", ",syt"))).unwrap();
    assert!(haidang(&data, &["import", csv.to_str().unwrap()]).status.success());
    let csv = haidang(&data, &["export", "--csv", "endpoints"]).stdout;
    assert_eq!(csv.iter().filter(|byte| **byte == b'\n').count(), 1 + 2_886 + 100_000);
}

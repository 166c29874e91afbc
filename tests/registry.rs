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

/// A hundred thousand computers with one row in place of another, as bytes.
fn computers(row: usize, text: &[u8]) -> Vec<u8> {
    let mut file = b"id,unit,os\n".to_vec();
    for number in 0..100_000 {
        // The header is row 1.
        if number + 2 == row {
            file.extend_from_slice(text);
        } else {
            file.extend_from_slice(format!("MAY-{number:06},syt,Windows 11").as_bytes());
        }
        file.push(b'\n');
    }
    file
}

fn units(wrong: &[(usize, &str)]) -> Vec<u8> {
    let row = |row: usize| match wrong.iter().find(|one| one.0 == row) {
        Some((_, text)) => format!("{text}\n"),
        None => format!("don-vi-{row},Đơn vị {row},syt,000.77.{row}.H99\n"),
    };
    ("id,name,parent,official_code\n".to_owned() + &(2..9_002).map(row).collect::<String>()).into_bytes()
}

#[test]
fn hostile_files_are_refused_row_by_row_over_the_api_and_the_command_and_change_nothing() {
    let stack = Stack::start();
    let sample = Command::new(env!("CARGO_BIN_EXE_haidang")).args(["registry", "sample"]).output().unwrap();
    let file = stack.dir.path().join("registry.yaml");
    std::fs::write(&file, &sample.stdout).unwrap();
    stack.import_registry(&file);
    let client = stack.client();
    let all = || client.bytes("/api/v1/registry/export");
    let trail = || {
        let entries = client.get("/api/v1/audit?limit=1000");
        entries["items"].as_array().unwrap().iter().filter(|one| one["action"] == "registry.import").count()
    };
    let (before, imports) = (all(), trail());
    let utf16: Vec<u8> = [0xff, 0xfe]
        .into_iter()
        .chain(String::from_utf8(computers(0, b"")).unwrap().encode_utf16().flat_map(u16::to_le_bytes))
        .collect();
    let everywhere = String::from_utf8(computers(0, b"")).unwrap().replace(",syt,", ",khong-co,");
    for (kind, bytes, first, count) in [
        (
            "endpoints",
            computers(50_002, b"MAY-050000,syt,Windows b\xe9"),
            "row 50002: byte 25 of this line is not UTF-8; save it as UTF-8",
            1,
        ),
        ("endpoints", utf16, "row 1: is UTF-16; save it as UTF-8", 1),
        (
            "endpoints",
            computers(100_001, b"MAY-000000,syt,Windows 11"),
            "row 100001: endpoint MAY-000000: this id is given twice, first in row 2",
            1,
        ),
        (
            "endpoints",
            computers(100_001, b"MAY-099999,=1+1,\"=HYPERLINK(\"\"https://203.0.113.9\"\")\""),
            "row 100001: endpoint MAY-099999: `os` begins like a formula of a spreadsheet; leave out the first sign",
            2,
        ),
        (
            "endpoints",
            everywhere.into_bytes(),
            "row 2: endpoint MAY-000000: `unit` names `khong-co`, which is not among the units",
            100_000,
        ),
        (
            "units",
            units(&[(4_000, "x,X,khong-co,000.77.4.H99"), (9_001, "y,Y,syt,000.77.5.H99")]),
            "row 4000: unit x: `official_code` `000.77.4.H99` is also that of `don-vi-4` at the same time; end one with `until`",
            3,
        ),
    ] {
        let (status, said) =
            client.post_bytes(&format!("/api/v1/registry/import?format=csv&kind={kind}"), &bytes);
        assert_eq!(status, 422, "{first}: {said}");
        let problems = said["problems"].as_array().unwrap();
        assert_eq!(problems.len(), count.min(1_000), "{first}");
        let one = &problems[0];
        let id = one["id"].as_str().unwrap();
        let about = if id.is_empty() { String::new() } else { format!("{} {id}: ", &kind[..kind.len() - 1]) };
        assert_eq!(format!("row {}: {about}{}", one["row"], one["reason"].as_str().unwrap()), first);
        assert!(one["reason_vi"].as_str().is_some_and(|told| !told.is_empty()), "{one}");

        let csv = stack.dir.path().join(format!("{kind}.csv"));
        std::fs::write(&csv, &bytes).unwrap();
        let refused = haidang(&stack.data(), &["import", csv.to_str().unwrap()]);
        assert_eq!(refused.status.code(), Some(1), "{first}");
        let told = String::from_utf8(refused.stdout).unwrap();
        assert_eq!(told.lines().count(), count, "{first}");
        assert_eq!(told.lines().next().unwrap(), format!("{}: {first}", csv.display()));
    }
    assert!(all() == before, "something was taken in");
    assert_eq!(trail(), imports);
}

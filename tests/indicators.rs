//! Indicators: taken in while everything runs, met by the next line, told as an incident; and at scale.

use crate::stack::Stack;
use std::io::Write as _;
use std::process::{Command, Stdio};
use std::time::Duration;

fn haidang(arguments: &[&str], stdin: &str) -> (i32, String) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_haidang"))
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let (mut pipe, text) = (child.stdin.take().unwrap(), stdin.to_owned());
    // Beside the reading of what comes out: either pipe may fill first.
    let writing = std::thread::spawn(move || pipe.write_all(text.as_bytes()).unwrap());
    let output = child.wait_with_output().unwrap();
    writing.join().unwrap();
    (output.status.code().unwrap(), String::from_utf8(output.stdout).unwrap())
}

#[test]
fn an_indicator_taken_in_while_everything_runs_is_met_and_told() {
    let stack = Stack::start();
    let client = stack.client();
    let line = "<189>date=2026-11-23 time=09:10:01 devname=\"FG-SOYTE\" devid=\"FG100FTK20000001\" tz=\"+0700\" \
                logid=\"0000000013\" type=\"traffic\" subtype=\"forward\" level=\"notice\" vd=\"root\" srcip=10.20.1.61 \
                srcport=40001 srcintf=\"lan\" dstip=203.0.113.77 dstport=443 dstintf=\"wan1\" proto=6 action=\"accept\" \
                policyid=7 service=\"tcp/443\" sentbyte=400 rcvdbyte=600 sessionid=700001";
    let bundle = r#"{"type":"bundle","id":"bundle--00000000-0000-4000-8000-000000000001","objects":[
        {"type":"indicator","spec_version":"2.1","id":"indicator--00000000-0000-4000-8000-0000000000aa",
         "created":"2026-11-01T00:00:00Z","modified":"2026-11-01T00:00:00Z","name":"Máy chủ điều khiển",
         "pattern":"[ipv4-addr:value ISSUBSET '203.0.113.64/27']","pattern_type":"stix",
         "valid_from":"2026-11-01T00:00:00Z"},
        {"type":"indicator","spec_version":"2.1","id":"indicator--00000000-0000-4000-8000-0000000000ab",
         "created":"2026-11-01T00:00:00Z","modified":"2026-11-01T00:00:00Z","pattern_type":"yara","pattern":"rule x {}"}]}"#;
    let file = stack.dir.path().join("warning.json");
    std::fs::write(&file, bundle).unwrap();
    let (file, data) = (file.to_str().unwrap(), stack.data());
    let arguments = ["indicators", "load", "--data", data.to_str().unwrap(), "--source", "NCSC", file];
    let (code, said) = haidang(&arguments, "");
    assert_eq!(
        (code, said.trim()),
        (1, r#"{"changed":0,"new":1,"refused":1,"removed":0}"#),
        "the one of YARA is told"
    );
    assert_eq!(haidang(&arguments, "").1.trim(), r#"{"changed":0,"new":0,"refused":1,"removed":0}"#);
    crate::stack::wait(Duration::from_secs(20), || {
        stack.log().contains("indicators are read again").then_some(())
    })
    .expect("the pipeline notices");
    let mut tcp = std::net::TcpStream::connect(stack.addresses.tcp[0]).unwrap();
    writeln!(tcp, "{line}").unwrap();
    let incident = client.wait_incident("an indicator", |incident| {
        incident["title_vi"] == "Gặp dấu hiệu trong cảnh báo của đối tác"
    });
    assert_eq!(incident["severity"], "critical", "high, and control: {incident}");
    let marked = "threat.indicator.reference:\"indicator--00000000-0000-4000-8000-0000000000aa\"";
    client.wait_count(marked, 1, Duration::from_secs(10));
    // The same line as a filter.
    let (code, met) = haidang(&["indicators", "match", "--indicators", file], &format!("{line}\nnothing\n"));
    assert_eq!((code, met.lines().count()), (1, 1));
    assert!(met.contains("Máy chủ điều khiển"), "{met}");
}

#[test]
fn a_million_indicators_are_looked_up_for_every_line() {
    let folder = tempfile::tempdir().unwrap();
    let mut text = String::new();
    for number in 0..1_000_000u32 {
        let value = match number % 4 {
            0 => format!("h{number}.example.net"),
            1 => std::net::Ipv4Addr::from(0x0100_0000 + number * 7).to_string(),
            2 => format!("{number:064x}"),
            _ => format!("http://u{number}.example.org/a"),
        };
        text.push_str(&format!("{{\"value\":\"{value}\"}}\n"));
    }
    let file = folder.path().join("list.ndjson");
    std::fs::write(&file, text).unwrap();
    let line = |name: &str| {
        format!(
            "<189>date=2026-11-23 time=09:10:00 devname=\"FG-SOYTE\" devid=\"FG100FTK20000001\" tz=\"+0700\" \
                 logid=\"1500054000\" type=\"utm\" subtype=\"dns\" level=\"information\" vd=\"root\" eventtype=\"dns-query\" \
                 srcip=10.20.1.61 srcport=53001 dstip=10.20.0.2 dstport=53 proto=17 qname=\"{name}\" qtype=\"A\" qclass=\"IN\" \
                 xid=\"7\" action=\"pass\"\n"
        )
    };
    let lines: String = (0..1000).map(|number| line(&format!("a.h{number}.example.net"))).collect();
    let (code, met) = haidang(
        &[
            "indicators",
            "match",
            "--received",
            "2100-01-01T00:00:00Z",
            "--indicators",
            file.to_str().unwrap(),
        ],
        &lines,
    );
    assert_eq!(code, 0);
    // Known from now on, and these lines are of before: nothing yet.
    assert_eq!(met, "");
    let lines = lines.replace("date=2026-11-23", "date=2099-11-23");
    let (_, met) = haidang(
        &[
            "indicators",
            "match",
            "--received",
            "2100-01-01T00:00:00Z",
            "--indicators",
            file.to_str().unwrap(),
        ],
        &lines,
    );
    assert_eq!(met.lines().count(), 250, "every fourth of these is a name");
}

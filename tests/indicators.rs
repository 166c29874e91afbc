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

/// How many are loaded, and the kilobytes that the pipeline may need for them: two tables of about 150 bytes an indicator
/// while others are read, and what reading them takes.
const MANY: u32 = 1_000_000;
const MANY_KIB_MAX: u64 = 600 * 1024;

/// What the n-th indicator is, in turn a name, an address, a hash and a URL.
fn value(number: u32) -> String {
    match number % 4 {
        0 => format!("h{number}.example.net"),
        1 => std::net::Ipv4Addr::from(0x0100_0000 + number * 7).to_string(),
        2 => format!("{number:064x}"),
        _ => format!("http://u{number}.example.org/a"),
    }
}

/// A firewall's line of a question for a name, so many minutes ago.
fn asks(minutes: i64, name: &str) -> String {
    let then = jiff::Timestamp::now() - jiff::SignedDuration::from_mins(minutes);
    let then = then + jiff::SignedDuration::from_hours(7);
    format!(
        "<189>date={} time={} devname=\"FG-SOYTE\" devid=\"FG100FTK20000001\" tz=\"+0700\" logid=\"1500054000\" \
         type=\"utm\" subtype=\"dns\" level=\"information\" vd=\"root\" eventtype=\"dns-query\" srcip=10.20.1.61 \
         srcport=53001 dstip=10.20.0.2 dstport=53 proto=17 qname=\"{name}\" qtype=\"A\" qclass=\"IN\" xid=\"7\" \
         action=\"pass\"",
        then.strftime("%Y-%m-%d"),
        then.strftime("%H:%M:%S"),
    )
}

#[test]
fn a_million_taken_in_while_everything_runs_are_met_while_they_hold_in_bounded_memory() {
    let stack = Stack::start();
    let client = stack.client();
    let before = stack.resident_kib_max();
    // Every fifth held until half an hour ago.
    let now = jiff::Timestamp::now();
    let ended = now - jiff::SignedDuration::from_mins(30);
    let file = stack.dir.path().join("list.ndjson");
    let mut out = std::io::BufWriter::new(std::fs::File::create(&file).unwrap());
    for number in 0..MANY {
        let until =
            if number.is_multiple_of(5) { format!(",\"valid_until\":\"{ended}\"") } else { String::new() };
        writeln!(out, "{{\"value\":\"{}\",\"valid_from\":\"2026-01-01T00:00:00Z\"{until}}}", value(number))
            .unwrap();
    }
    drop(out);
    let (data, file) = (stack.data(), file.to_str().unwrap());
    let arguments = ["indicators", "load", "--data", data.to_str().unwrap(), "--source", "NCSC", file];
    let (code, said) = haidang(&arguments, "");
    let all = format!("{{\"changed\":0,\"new\":{MANY},\"refused\":0,\"removed\":0}}");
    assert_eq!((code, said.trim()), (0, all.as_str()));
    let in_force = format!("\"haidang.indicators\":{MANY}");
    let taken = crate::stack::wait(Duration::from_secs(120), || {
        stack.log().lines().any(|line| line.contains("read again") && line.contains(&in_force)).then_some(())
    });
    taken.expect("all of them are in force");
    let sources = client.get("/api/v1/indicators/sources");
    assert_eq!(
        (&sources["items"][0]["count"], &sources["items"][0]["expired"]),
        (&MANY.into(), &(MANY / 5).into())
    );

    // Of these names 250 are warned of, of which 50 no longer; an hour ago all of the first hundred (25) still were.
    let mut tcp = std::io::BufWriter::new(std::net::TcpStream::connect(stack.addresses.tcp[0]).unwrap());
    for number in 0..1000 {
        writeln!(tcp, "{}", asks(0, &format!("a.h{number}.example.net"))).unwrap();
    }
    for number in 0..100 {
        writeln!(tcp, "{}", asks(60, &format!("b.h{number}.example.net"))).unwrap();
    }
    drop(tcp);
    client.wait_count("dns.question.name:*.example.net", 1100, Duration::from_secs(60));
    let met = |q: &str| client.count(&format!("threat.indicator.type:domain-name {q}"));
    assert_eq!((met("dns.question.name:a.*"), met("dns.question.name:b.*")), (200, 25));
    assert_eq!(met("dns.question.name:a.h20.example.net"), 0, "no longer");
    assert_eq!(met("dns.question.name:b.h20.example.net"), 1, "it still held then");

    let grown = stack.resident_kib_max() - before;
    eprintln!("{MANY} indicators: the pipeline's memory grew by {} MiB at most", grown / 1024);
    assert!(grown < MANY_KIB_MAX, "{grown} KiB for {MANY} indicators");
}

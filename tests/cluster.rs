//! Others read the topics as documented, and what nobody can read is set aside.

use crate::broker::{Broker, prefix};
use crate::stack::{Stack, wait};
use serde_json::Value;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

/// What a third party reads from a topic.
fn kcat(broker: &Broker, topic: &str) -> Vec<String> {
    let read = Command::new("kcat")
        .args(["-b", &broker.plain(), "-C", "-e", "-q", "-o", "beginning", "-t", topic])
        .output()
        .unwrap();
    assert!(read.status.success(), "kcat: {}", String::from_utf8_lossy(&read.stderr));
    String::from_utf8(read.stdout).unwrap().lines().map(str::to_owned).collect()
}

#[test]
fn others_read_events_and_alerts_and_what_nobody_can_read_is_set_aside() {
    use std::io::Write as _;
    let broker = Broker::start();
    let stack = Stack::start_in(tempfile::tempdir().unwrap(), "", Some(Arc::clone(&broker)));
    let topic = |name: &str| format!("{}{name}", prefix(0));
    let mut poison = Command::new("kcat")
        .args(["-b", &broker.plain(), "-P", "-t", &topic("events")])
        .stdin(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    poison.stdin.take().unwrap().write_all(b"no JSON\n{\"no\":\"id\"}\n").unwrap();
    assert!(poison.wait().unwrap().success());
    let mut stream = std::net::TcpStream::connect(stack.addresses.tcp[0]).unwrap();
    let now = jiff::Timestamp::now();
    for port in 50_000..50_006 {
        let line = format!(
            "<86>1 {now} cong-dvc sshd 4000 - - Failed password for quantri from 198.51.100.77 port {port} ssh2\n"
        );
        stream.write_all(line.as_bytes()).unwrap();
    }
    let client = stack.client();
    client.wait_count("", 6, Duration::from_secs(30));
    client.wait_incident("brute force", |incident| crate::stack::is_about(incident, "198.51.100.77"));

    let dead = wait(Duration::from_secs(20), || {
        let dead = kcat(&broker, &topic("dead-letters"));
        (dead.len() >= 2).then_some(dead)
    });
    let mut dead = dead.expect("both are set aside");
    dead.sort();
    assert_eq!(dead, ["no JSON", "{\"no\":\"id\"}"]);
    let events: Vec<Value> = (kcat(&broker, &topic("events")).iter())
        .filter_map(|line| serde_json::from_str(line).ok())
        .filter(|event: &Value| event["event"]["id"].is_string())
        .collect();
    assert_eq!(events.len(), 6);
    assert!(events.iter().all(|event| event["source"]["ip"] == "198.51.100.77"), "{:?}", events[0]);
    let alerts: Vec<Value> =
        kcat(&broker, &topic("alerts")).iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(alerts.iter().any(|alert| alert["kind"] == "alert" && alert["count"] == 6), "{alerts:?}");
}

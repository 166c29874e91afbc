//! Several processes joined by a real Kafka give the answers of one process, whoever dies; others can read the topics.

use crate::broker::{Broker, prefix};
use crate::stack::{Client, Stack, wait};
use collector::spool::{self, Lines, Spool};
use event::{Time, Transport};
use serde_json::Value;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

const LINES: usize = 40_000;

/// Fills a spool with a simulated hour that has attacks in it, as three collectors' peers would have sent it: every stack
/// that begins with a copy gives the lines the same ids.
fn fill(folder: &Path) {
    let start = jiff::Timestamp::now().as_millisecond() - 7_200_000;
    let made = Command::new(env!("CARGO_BIN_EXE_haidang"))
        .args(["simulate", "--stdout", "--rate", "667", "--speed", "60", "--duration", "60s", "--seed", "7"])
        .args(["--start", &Time(start).to_string(), "--count", &LINES.to_string()])
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let (spool, _) = Spool::open(folder, &spool::Config::default()).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let lines: Vec<&[u8]> =
        made.stdout.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).collect();
    assert_eq!(lines.len(), LINES);
    for (nth, some) in lines.chunks(500).enumerate() {
        let mut batch = Lines::new();
        for (at, line) in some.iter().enumerate() {
            let number = nth * 500 + at;
            let received = Time(start + i64::try_from(number * 3_600_000 / LINES).unwrap());
            let peer = IpAddr::from([192, 0, 2, u8::try_from(line.len() % 3).unwrap()]);
            batch.push(line, received, Some(peer), Transport::Udp, 0);
        }
        let range = spool.try_append(&batch).unwrap();
        runtime.block_on(spool.durable(range.end)).unwrap();
    }
    spool.close().unwrap();
}

/// A stack that begins with a copy of the spool.
fn begin_with(spool: &Path, broker: Option<Arc<Broker>>) -> Stack {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(dir.path().join("data")).unwrap();
    let copied = Command::new("cp").arg("-r").arg(spool).arg(dir.path().join("data/spool")).status().unwrap();
    assert!(copied.success());
    Stack::start_in(dir, "", broker)
}

/// Every event, by its id.
fn events(client: &Client) -> BTreeMap<String, Value> {
    let all = client.events("");
    let count = all.len();
    let by_id: BTreeMap<String, Value> =
        all.into_iter().map(|event| (event["event"]["id"].as_str().unwrap().to_owned(), event)).collect();
    assert_eq!(by_id.len(), count, "no event twice");
    by_id
}

/// What was found: incidents with their alerts, without what says when they were written.
fn found(client: &Client) -> BTreeMap<String, Value> {
    let told = ["severity", "stage", "first", "last", "entities", "alerts", "alerts_count", "events_count"];
    let of = |summary: Value| {
        let id = summary["id"].as_str().unwrap().to_owned();
        let detail = client.get(&format!("/api/v1/incidents/{id}"));
        let kept = told.iter().map(|key| ((*key).to_owned(), detail[*key].clone())).collect();
        (id, Value::Object(kept))
    };
    client.incidents().into_iter().map(of).collect()
}

/// Waits until the incidents are `wanted`, and says what differs if they never are.
fn wait_found(client: &Client, wanted: &BTreeMap<String, Value>) {
    let same = wait(Duration::from_secs(60), || (found(client) == *wanted).then_some(()));
    if same.is_none() {
        let found = found(client);
        for (id, one) in wanted {
            assert_eq!(found.get(id), Some(one), "incident {id}");
        }
        panic!("{} incidents, {} wanted", found.len(), wanted.len());
    }
}

#[test]
fn whoever_dies_the_answer_is_that_of_one_process() {
    let folder = tempfile::tempdir().unwrap();
    let spool = folder.path().join("spool");
    fill(&spool);
    let alone = begin_with(&spool, None);
    let client = alone.client();
    client.wait_count("", LINES as u64, Duration::from_secs(120));
    let settled = || {
        let before = found(&client);
        std::thread::sleep(Duration::from_secs(3)); // counts are told once a second
        (before == found(&client)).then_some(before)
    };
    let wanted = wait(Duration::from_secs(60), settled).expect("incidents settle");
    let stored = events(&client);
    assert!(wanted.len() >= 3, "attacks are found: {}", wanted.len());
    drop((client, alone));

    let broker = Broker::start();
    let mut stack = begin_with(&spool, Some(Arc::clone(&broker)));
    for role in ["collect", "correlate", "serve"] {
        stack.kill_one(role);
        stack.restart();
    }
    broker.kill_and_restart();
    for role in ["correlate", "collect"] {
        std::thread::sleep(Duration::from_millis(700)); // into the next batches
        stack.kill_one(role);
        stack.restart();
    }
    let client = stack.client();
    client.wait_count("", LINES as u64, Duration::from_secs(120));
    wait_found(&client, &wanted);
    let through = events(&client);
    assert!(through == stored, "the same events, field by field");
}

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

//! What watches the processes is told the truth: metrics as documented, readiness from what is delivered, a log without
//! secrets.

use crate::broker::Broker;
use crate::stack::{PASSWORD, Stack, wait};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::net::SocketAddr;
use std::process::{Command, Stdio};
use std::time::Duration;

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/deploy/prometheus");

fn page() -> String {
    std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/deploy/metrics.md")).unwrap()
}

/// The documented metrics of a role: name, type, labels.
fn documented(role: &str) -> BTreeMap<String, (String, BTreeSet<String>)> {
    let page = page();
    let rows = page.lines().filter(|line| line.starts_with("| `haidang_") || line.starts_with("| `process_"));
    let words = |cell: &str| cell.split(", ").map(|word| word.trim().to_owned()).collect::<BTreeSet<_>>();
    rows.map(|row| row.split('|').map(str::trim).collect::<Vec<_>>())
        .filter(|cells| words(cells[4]).contains(role))
        .map(|cells| {
            let labels = words(cells[3]).into_iter().filter(|label| !label.is_empty()).collect();
            (cells[1].trim_matches('`').to_owned(), (cells[2].to_owned(), labels))
        })
        .collect()
}

fn metrics(address: SocketAddr) -> String {
    let mut answer = ureq::get(format!("http://{address}/metrics")).call().unwrap();
    answer.body_mut().read_to_string().unwrap()
}

/// The same of what a process shows.
fn shown(text: &str) -> BTreeMap<String, (String, BTreeSet<String>)> {
    let mut all: BTreeMap<String, (String, BTreeSet<String>)> = BTreeMap::new();
    for line in text.lines() {
        if let Some(declared) = line.strip_prefix("# TYPE ") {
            let (name, kind) = declared.split_once(' ').unwrap();
            all.insert(name.to_owned(), (kind.to_owned(), BTreeSet::new()));
        } else if let Some((name, rest)) = line.split_once('{').filter(|_| !line.starts_with('#')) {
            let name = name.strip_suffix("_bucket").unwrap_or(name);
            let labels = rest.split('}').next().unwrap().split(',');
            let labels = labels.map(|label| label.split('=').next().unwrap().to_owned());
            all.get_mut(name).unwrap().1.extend(labels.filter(|label| label != "le"));
        }
    }
    all
}

/// Prometheus' own opinion of it.
fn assert_prometheus_reads(text: &str) {
    let mut lint = Command::new("promtool").args(["check", "metrics"]).stdin(Stdio::piped()).spawn().unwrap();
    lint.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    assert!(lint.wait().unwrap().success());
}

fn value(text: &str, series: &str) -> f64 {
    let found = text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
    found.unwrap_or_else(|| panic!("no {series} in\n{text}")).parse().unwrap()
}

fn send(stack: &Stack, marker: &str, count: usize) {
    let mut stream = std::net::TcpStream::connect(stack.addresses.tcp[0]).unwrap();
    for number in 0..count {
        let line = format!("<13>Nov 23 10:00:00 kiemthu app[1]: marker-{marker} {number}\n");
        stream.write_all(line.as_bytes()).unwrap();
    }
    stack.client().wait_count(&format!("\"marker-{marker}\""), count as u64, Duration::from_secs(60));
}

#[test]
fn every_process_shows_the_metrics_that_the_page_lists() {
    for stack in [Stack::start(), Stack::start_with_kafka()] {
        send(&stack, "metrics", 20);
        // Both modes show what became of every line.
        let ledger = wait(Duration::from_secs(20), || {
            let items = stack.client().get("/api/v1/sources")["items"].clone();
            let line = items.as_array()?.iter().find(|line| line["source"] == "127.0.0.1")?.clone();
            (line["received"] == 20 && line["stored"] == 20).then_some(())
        });
        assert!(ledger.is_some(), "{}", stack.client().get("/api/v1/sources"));
        for (role, address) in stack.addresses.health() {
            let text = metrics(address);
            assert_prometheus_reads(&text);
            assert_eq!(shown(&text), documented(role), "{role}");
            let lines = match role {
                "run" | "correlate" => "haidang_stored_events_total",
                "collect" => "haidang_sent_events_total",
                _ => continue,
            };
            assert_eq!(value(&text, lines), 20.0, "{role}");
            assert!(value(&text, "haidang_delivery_seconds_count") >= 1.0);
            assert!(value(&text, "haidang_delivery_last_timestamp_seconds") > 1.7e9);
        }
    }
}

#[test]
fn alert_rules_are_sound_and_name_only_metrics_that_there_are() {
    for arguments in [["check", "rules", "haidang.rules.yml"], ["test", "rules", "haidang.rules.test.yml"]] {
        let done = Command::new("promtool").args(arguments).current_dir(FOLDER).output().unwrap();
        assert!(done.status.success(), "{}{}", text(&done.stdout), text(&done.stderr));
    }
    let roles = ["run", "collect", "correlate", "serve"];
    let known: BTreeSet<String> = roles.iter().flat_map(|role| documented(role).into_keys()).collect();
    let rules = std::fs::read_to_string(format!("{FOLDER}/haidang.rules.yml")).unwrap();
    let mut named = 0;
    for expression in rules.lines().filter_map(|line| line.trim().strip_prefix("expr: ")) {
        let words = expression.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
        for word in words.filter(|word| word.starts_with("haidang_") || word.starts_with("process_")) {
            let name = word.strip_suffix("_bucket").unwrap_or(word);
            assert!(known.contains(name), "no process shows {name}");
            named += 1;
        }
    }
    assert!(named >= 14, "the expressions are found");
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The parts that a process says are not ready.
fn not_ready(address: SocketAddr) -> Vec<String> {
    let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
    let mut answer = agent.get(format!("http://{address}/readyz")).call().unwrap();
    let status = answer.status();
    let said: Value = serde_json::from_str(&answer.body_mut().read_to_string().unwrap()).unwrap();
    let checks = said["checks"].as_array().unwrap().iter().filter(|check| check["ready"] == false);
    let parts: Vec<String> = checks.map(|check| check["name"].as_str().unwrap().to_owned()).collect();
    assert_eq!(status == 200, parts.is_empty(), "{said}");
    parts
}

/// Waits until the part is among those that are not ready.
fn wait_not_ready(address: SocketAddr, part: &str) {
    let told =
        wait(Duration::from_secs(60), || not_ready(address).iter().any(|one| one == part).then_some(()));
    assert!(told.is_some(), "{part} is not told; not ready: {:?}", not_ready(address));
}

fn wait_ready(address: SocketAddr) {
    let told = wait(Duration::from_secs(60), || not_ready(address).is_empty().then_some(()));
    assert!(told.is_some(), "not ready: {:?}", not_ready(address));
}

#[test]
fn readiness_is_false_while_nothing_can_be_delivered_and_the_log_has_no_secret() {
    let broker = Broker::start();
    let mut stack = Stack::start_in(tempfile::tempdir().unwrap(), "", Some(broker.clone()));
    stack.kill();
    stack.environment = vec![("HAIDANG_LOG", "trace".to_owned())];
    stack.restart();
    send(&stack, "before", 5);
    let [(_, collect), (_, correlate), _] = stack.addresses.health()[..] else { panic!("three processes") };

    broker.signal("-STOP"); // its connections stay open, and nothing comes through them
    wait_not_ready(collect, "kafka");
    wait_not_ready(correlate, "kafka");
    broker.signal("-CONT");
    wait_ready(collect);
    wait_ready(correlate);

    stack.kill_one("serve"); // and with it the engine
    wait_not_ready(correlate, "events");
    assert_eq!(not_ready(collect), [""; 0], "it has nothing to do with the store");
    stack.restart();
    send(&stack, "after", 5);

    let log = stack.log();
    for secret in [PASSWORD.to_owned(), broker.password()] {
        assert!(!log.contains(&secret), "a password is in the log");
    }
    let listed: BTreeSet<String> = (page().lines())
        .filter_map(|line| Some(line.strip_prefix("| `")?.split_once('`')?.0.to_owned()))
        .collect();
    for line in log.lines() {
        let said: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        for (field, _) in said.as_object().unwrap() {
            assert!(
                field.starts_with("haidang.") || listed.contains(field),
                "{field} is not documented: {line}"
            );
        }
        for field in ["@timestamp", "log.level", "log.logger", "message", "service.name", "process.pid"] {
            assert!(!said[field].is_null(), "{field} is missing: {line}");
        }
    }
}

//! Replay ≡ live: `haidang rules backtest` over stored events gives the alerts that `haidang run` raised, byte for byte:
//! beside it, after it has stopped, across a restart, and where lines came late and out of order.

use crate::stack::{Client, Stack};
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::Write as _;
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

const ALL_TIME: [&str; 4] = ["--from", "2000-01-01T00:00:00Z", "--to", "2100-01-01T00:00:00Z"];

/// Every alert, by id, in one canonical form.
pub(crate) type Alerts = BTreeMap<String, String>;

fn canonical(alert: &Value) -> (String, String) {
    (alert["id"].as_str().unwrap().to_owned(), alert.to_string())
}

/// The alerts of every incident, from the API.
fn live(client: &Client) -> Alerts {
    let incidents = client.incidents_of("&authorised=any");
    let details = incidents
        .iter()
        .map(|incident| client.get(&format!("/api/v1/incidents/{}", incident["id"].as_str().unwrap())));
    details
        .flat_map(|detail| detail["alerts"].as_array().unwrap().iter().map(canonical).collect::<Vec<_>>())
        .collect()
}

fn backtest(data: &Path) -> Alerts {
    backtest_with(data, &[])
}

/// The same with more arguments.
pub(crate) fn backtest_with(data: &Path, arguments: &[&str]) -> Alerts {
    let said = Command::new(env!("CARGO_BIN_EXE_haidang"))
        .args(["rules", "backtest", "--data"])
        .arg(data)
        .args(ALL_TIME)
        .args(arguments)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
    let text = String::from_utf8(said.stdout).unwrap();
    let alerts = text.lines().map(|line| {
        let mut alert: Value = serde_json::from_str(line).unwrap();
        assert_eq!(alert.as_object_mut().unwrap().remove("kind").unwrap(), "alert");
        canonical(&alert)
    });
    alerts.collect()
}

/// An alert that opens incidents is in one; a low one only if it is linked, so the API may not know it.
fn known(replayed: &Alerts, live: &Alerts) -> Alerts {
    let opens = |alert: &String| !alert.contains("\"level\":\"low\"");
    let known = replayed.iter().filter(|(id, alert)| opens(alert) || live.contains_key(*id));
    known.map(|(id, alert)| (id.clone(), alert.clone())).collect()
}

/// What was counted last is told a second later, so the live alerts are asked until they are those.
#[track_caller]
pub(crate) fn check(client: &Client, replayed: &Alerts) {
    let same = || Some(live(client)).filter(|found| *found == known(replayed, found));
    let found = crate::stack::wait(Duration::from_secs(15), same).unwrap_or_else(|| live(client));
    assert!(replayed.len() >= 3, "too few alerts to tell anything: {replayed:?}");
    assert_eq!(found, known(replayed, &found));
}

fn simulate(stack: &Stack, seed: &str) -> u64 {
    let sent = Command::new(env!("CARGO_BIN_EXE_haidang"))
        .args(["simulate", "--duration", "20s", "--speed", "180", "--rate", "1500", "--seed", seed])
        .args(["--target-udp", &stack.addresses.udp[0].to_string()])
        .args(["--target-tcp", &stack.addresses.tcp[0].to_string()])
        .output()
        .unwrap();
    assert!(sent.status.success(), "{}", String::from_utf8_lossy(&sent.stderr));
    let report: Value = serde_json::from_slice(&sent.stdout).unwrap();
    report["sent"].as_object().unwrap().values().map(|n| n.as_u64().unwrap()).sum()
}

#[test]
fn a_simulated_hour_gives_the_same_alerts_beside_the_live_process_and_after_it() {
    let mut stack = Stack::start();
    let lines = simulate(&stack, "11");
    let client = stack.client();
    client.wait_count("", lines, Duration::from_secs(120));
    let beside = backtest(&stack.data());
    check(&client, &beside);
    stack.kill();
    assert_eq!(backtest(&stack.data()), beside, "with an engine of its own");
}

/// Failed logins from one address, at these seconds before now, in this order.
fn failures(stack: &Stack, address: &str, seconds: &[i64]) {
    let mut stream = TcpStream::connect(stack.addresses.tcp[0]).unwrap();
    for (n, ago) in seconds.iter().enumerate() {
        let time = jiff::Timestamp::now() - jiff::SignedDuration::from_secs(*ago);
        let line = format!(
            "<86>1 {time} cong-dvc sshd {} - - Failed password for quantri from {address} port {} ssh2\n",
            4000 + n,
            50_000 + n
        );
        stream.write_all(line.as_bytes()).unwrap();
    }
}

#[test]
fn late_lines_and_restarts_change_nothing() {
    let mut stack = Stack::start();
    let ago: Vec<i64> = (0..40).map(|n| (n * 37) % 60).collect();
    failures(&stack, "198.51.100.21", &ago);
    failures(&stack, "198.51.100.22", &[5, 300, 10, 299, 20, 298, 15, 297, 1, 296, 295, 294]);
    // A second later these are beyond the lateness: kept as events, counted by no window.
    std::thread::sleep(Duration::from_millis(1100));
    failures(&stack, "198.51.100.23", &[1, 7200, 7199, 7198, 7197, 7196, 7195]);
    let client = stack.client();
    client.wait_count("", 59, Duration::from_secs(20));
    stack.kill_and_restart();
    failures(&stack, "198.51.100.22", &[2, 293, 3, 292]);
    failures(&stack, "198.51.100.24", &[7200, 1, 7199, 2, 7198, 3, 4, 5, 6, 7]);
    failures(&stack, "198.51.100.23", &[7193, 3, 7192, 4, 5, 6, 7, 8, 9]);
    let client = stack.client();
    client.wait_count("", 82, Duration::from_secs(20));
    stack.kill_and_restart();
    failures(&stack, "198.51.100.23", &[1, 2]);
    let client = stack.client();
    client.wait_count("", 84, Duration::from_secs(20));
    let replayed = backtest(&stack.data());
    check(&client, &replayed);
}

//! Rules are read again while everything runs: windows go on, and a bad file changes nothing.

use crate::stack::{Stack, is_about, wait};
use std::io::Write as _;
use std::net::TcpStream;
use std::process::Command;
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(20);

fn metric(stack: &Stack, name: &str) -> u64 {
    let text = ureq::get(format!("http://{}/metrics", stack.addresses.api)).call().unwrap();
    let text = text.into_body().read_to_string().unwrap();
    let found = text.lines().find_map(|line| line.strip_prefix(name)?.trim().parse().ok());
    found.unwrap_or_else(|| panic!("no {name} in\n{text}"))
}

/// Sends SIGHUP.
fn signal(pid: &serde_json::Value) {
    assert!(Command::new("kill").args(["-HUP", &pid.to_string()]).status().unwrap().success());
}

/// Sends SIGHUP, and waits until the counter has the value.
fn hang_up(stack: &Stack, counter: &str, value: u64) {
    let run = std::fs::read_to_string(stack.data().join("run.json")).unwrap();
    let run: serde_json::Value = serde_json::from_str(&run).unwrap();
    signal(&run["pid"]);
    let seen = wait(LIMIT, || (metric(stack, counter) == value).then_some(()));
    assert!(seen.is_some(), "{counter} is not {value}:\n{}", stack.log());
}

#[test]
fn a_signal_during_the_start_is_heeded_after_it() {
    let folder = tempfile::tempdir().unwrap();
    let mut stack = Stack::start_with(&format!("[rules]\nfolders = [{:?}]\n", folder.path()));
    stack.stop_one("run");
    // The start waits for the text of this rule.
    let slow = folder.path().join("slow.yml");
    assert!(Command::new("mkfifo").arg(&slow).status().unwrap().success());
    let mut again = stack.start_another("run");
    let status = format!("/proc/{}/status", again.id());
    let caught = wait(LIMIT, || {
        let status = std::fs::read_to_string(&status).ok()?;
        let mask = status.lines().find_map(|line| line.strip_prefix("SigCgt:"))?.trim();
        (u64::from_str_radix(mask, 16).ok()? & 1 == 1).then_some(())
    });
    assert!(caught.is_some(), "it does not listen while it starts:\n{}", stack.log());
    signal(&again.id().into());
    let mut rule = std::fs::OpenOptions::new().write(true).open(&slow).unwrap();
    std::fs::remove_file(&slow).unwrap();
    let text = "title: Slow\nid: r-slow\nlevel: low\nlogsource: {product: linux}\ndetection:\n  word: [chậm]\n  condition: word\n";
    rule.write_all(text.as_bytes()).unwrap();
    drop(rule);
    stack.wait_ready();
    assert!(wait(LIMIT, || (metric(&stack, "haidang_rule_reloads_total") == 1).then_some(())).is_some());
    assert!(Command::new("kill").arg(again.id().to_string()).status().unwrap().success());
    assert!(again.wait().unwrap().success());
}

#[test]
fn rules_are_read_again_and_windows_go_on() {
    let folder = tempfile::tempdir().unwrap();
    let stack = Stack::start_with(&format!("[rules]\nfolders = [{:?}]\n", folder.path()));
    let mut stream = TcpStream::connect(stack.addresses.tcp[0]).unwrap();
    let mut send = |host: &str, text: &str, lines: u8| {
        for n in 0..lines {
            let now = jiff::Timestamp::now();
            writeln!(stream, "<86>1 {now} {host} sshd {n} - - {text}").unwrap();
        }
    };
    let failed = "Failed password for nguoi50 from 198.51.100.50 port 51000 ssh2";
    let client = stack.client();
    send("may-50", failed, 4);
    client.wait_count("", 4, LIMIT);

    let rule = "title: Kitten\nid: r-kitten\nlevel: high\nlogsource: {product: linux, service: sshd}\n\
                detection:\n  word: [mèo con]\n  condition: word\n";
    std::fs::write(folder.path().join("kitten.yml"), rule).unwrap();
    hang_up(&stack, "haidang_rule_reloads_total", 1);
    send("may-51", "Mèo con", 1);
    client.wait_incident("the new rule", |incident| is_about(incident, "may-51"));
    assert!(!client.incidents().iter().any(|incident| is_about(incident, "198.51.100.50")));
    send("may-50", failed, 4);
    client.wait_incident("failures on both sides of the reload", |incident| {
        is_about(incident, "198.51.100.50")
    });

    std::fs::write(
        folder.path().join("bad.yml"),
        "title: x\nid: y\nlogsource: {product: linux}\ndetection: 7\n",
    )
    .unwrap();
    std::fs::remove_file(folder.path().join("kitten.yml")).unwrap();
    hang_up(&stack, "haidang_rule_reload_failures_total", 1);
    assert!(stack.log().contains("bad.yml:4: `detection`"), "{}", stack.log());
    send("may-52", "Mèo con", 1);
    client.wait_incident("the rule in force", |incident| is_about(incident, "may-52"));
    assert_eq!(metric(&stack, "haidang_rule_reloads_total"), 1);
}

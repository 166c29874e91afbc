//! Wazuh's rules, converted, against lines in vendor format: the same alerts as Wazuh's own way of reading them.

use correlator::wazuh::convert;
use correlator::{Correlator, Limits, Output, RuleFile, RuleSet};
use event::{Raw, Time};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn fixture(name: &str) -> PathBuf {
    root().join("correlator/src/wazuh/fixtures").join(name)
}

fn compiled(name: &str) -> Arc<RuleSet> {
    let text = std::fs::read_to_string(fixture(name)).unwrap();
    let mut files = convert(&[RuleFile { path: name.to_owned(), text }]).files;
    for entry in std::fs::read_dir(root().join("rules/pipelines")).unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        files.push(RuleFile { path: path.display().to_string(), text });
    }
    Arc::new(RuleSet::compile(&files).unwrap_or_else(|problems| panic!("{problems:#?}")))
}

/// The numbers of the rules of Wazuh that raise an alert for the lines.
fn raised(rules: &Arc<RuleSet>, lines: &[String]) -> Vec<u32> {
    let mut correlator = Correlator::new(Arc::clone(rules), Limits::default());
    let mut output = Output::default();
    let received = Time::parse("2026-11-23T12:00:00Z").unwrap();
    for (number, line) in (0..).zip(lines) {
        let raw = Raw { tz_offset_s: 7 * 3600, ..Raw::stdin(line, received, number) };
        correlator.process(&collector::parser::parse(&raw), &mut output);
    }
    correlator.flush(&mut output);
    let found: BTreeSet<u32> = output
        .alerts
        .iter()
        .filter_map(|alert| rules.meta(&alert.rule)?.name.as_deref()?.split('_').nth(1)?.parse().ok())
        .collect();
    found.into_iter().collect()
}

#[track_caller]
fn check(rules: &Arc<RuleSet>, lines: &[String], expected: &[u32]) {
    assert_eq!(raised(rules, lines), expected, "{lines:#?}");
}

fn sshd(second: u32, message: &str) -> String {
    format!("<38>Nov 23 09:{:02}:{:02} maychu-web sshd[811]: {message}", second / 60, second % 60)
}

fn failed(second: u32, user: &str, address: &str) -> String {
    sshd(second, &format!("Failed password for {user} from {address} port 4022 ssh2"))
}

#[test]
fn one_event_ends_at_one_rule_as_with_wazuh() {
    let rules = compiled("sshd.xml");
    check(&rules, &[failed(0, "khach", "203.0.113.9")], &[100_701]);
    // The sibling of higher level is asked first and takes the event.
    check(&rules, &[failed(0, "invalid user test1", "203.0.113.9")], &[100_702]);
    check(&rules, &[failed(0, "invalid user khach", "203.0.113.9")], &[100_701]);
    let accepted = |user: &str, address: &str| {
        vec![sshd(0, &format!("Accepted publickey for {user} from {address} port 4022 ssh2"))]
    };
    check(&rules, &accepted("khach", "203.0.113.9"), &[100_704]);
    // The child takes the event from its parent, unless the address is ours.
    check(&rules, &accepted("root", "203.0.113.9"), &[100_705]);
    check(&rules, &accepted("root", "192.0.2.9"), &[100_704]);
    check(&rules, &[sshd(0, "Connection closed by 192.0.2.9 port 22 [preauth]")], &[]);
}

#[test]
fn frequency_counts_within_its_timeframe_and_group() {
    let rules = compiled("sshd.xml");
    let lines = |count: u32, step: u32, address: &str| -> Vec<String> {
        (0..count).map(|at| failed(at * step, "khach", address)).collect()
    };
    check(&rules, &lines(2, 30, "203.0.113.9"), &[100_701]);
    check(&rules, &lines(3, 30, "203.0.113.9"), &[100_701, 100_709]);
    check(&rules, &lines(4, 30, "203.0.113.9"), &[100_701, 100_706, 100_709]);
    // The fourth comes 150 s after the first: outside of 120 s, within the usual 360 s.
    check(&rules, &lines(4, 50, "203.0.113.9"), &[100_701, 100_709]);
    let mut several = lines(2, 30, "203.0.113.9");
    several.extend(lines(2, 30, "203.0.113.10"));
    check(&rules, &several, &[100_701, 100_709]);
    let names: Vec<String> =
        ["mai", "lan", "cuc"].iter().map(|name| failed(0, name, "203.0.113.9")).collect();
    check(&rules, &names, &[100_701, 100_707, 100_709]);
}

#[test]
fn a_login_after_failed_ones_is_a_sequence_in_this_order() {
    let rules = compiled("sshd.xml");
    let accepted = |second| sshd(second, "Accepted password for mai from 203.0.113.9 port 4022 ssh2");
    check(&rules, &[failed(0, "mai", "203.0.113.9"), accepted(5)], &[100_701, 100_704, 100_708]);
    check(&rules, &[accepted(0), failed(5, "mai", "203.0.113.9")], &[100_701, 100_704]);
    check(&rules, &[failed(0, "mai", "203.0.113.10"), accepted(5)], &[100_701, 100_704]);
    check(&rules, &[failed(0, "mai", "203.0.113.9"), accepted(245)], &[100_701, 100_704]);
}

#[test]
fn access_logs_are_judged_by_status_and_address() {
    let rules = compiled("web.xml");
    let line = |request: &str, status: u32| {
        format!(
            "203.0.113.68 - - [23/Nov/2026:09:10:00 +0700] \"{request} HTTP/1.1\" {status} 153 \"-\" \"Mozilla/5.0\""
        )
    };
    check(&rules, &[line("GET /bi-mat", 404)], &[101_001]);
    check(&rules, &[line("GET /anh.png", 404)], &[]);
    check(&rules, &[line("GET /trang", 200)], &[]);
    check(&rules, &[line("GET /?q=1+union+select+2", 200)], &[101_003]);
    check(&rules, &[line("GET /?q=1+union+select+2", 404)], &[101_003]);
    check(&rules, &[line("POST /?q=*select*", 200)], &[101_004]);
    check(&rules, &[line("GET /..\\..\\x", 200)], &[101_003]);
    check(&rules, &vec![line("GET /bi-mat", 404); 5], &[101_001, 101_005]);
    check(&rules, &vec![line("GET /anh.png", 404); 5], &[]);
    let shell = |status| line("GET /", status).replace("Mozilla/5.0", "() { x:; }; /bin/id");
    check(&rules, &[shell(200)], &[101_006]);
    check(&rules, &[shell(500)], &[101_008]);
}

#[test]
fn windows_events_are_judged_by_number_and_data() {
    let rules = compiled("windows.xml");
    let line = |second: u32, id: u32, data: &str| {
        format!(
            "{{\"EventTime\": \"2026-11-23T02:15:{second:02}Z\", \"Hostname\": \"PC-0301\", \"EventID\": {id}, \"SourceName\": \
             \"Microsoft-Windows-Security-Auditing\", \"Channel\": \"Security\", \"RecordNumber\": {second}{data}}}"
        )
    };
    check(&rules, &[line(0, 4720, ", \"SubjectUserName\": \"quantri\"")], &[102_002]);
    check(&rules, &[line(0, 4720, ", \"SubjectUserName\": \"khach\"")], &[102_003]);
    // A negated test fails where its field is missing.
    check(&rules, &[line(0, 4720, "")], &[102_002]);
    let failures = |count: u32, step: u32| -> Vec<String> {
        let data = ", \"TargetUserName\": \"mai\", \"IpAddress\": \"203.0.113.9\"";
        (0..count).map(|at| line(at * step, 4625, data)).collect()
    };
    check(&rules, &failures(2, 20), &[102_001]);
    check(&rules, &failures(3, 20), &[102_001, 102_004]);
    check(&rules, &[line(0, 1, ", \"CommandLine\": \"c:\\\\TEMP\\\\x.exe  -enc YQ==\"")], &[102_005]);
}

#[test]
fn the_command_writes_rules_that_load_and_lists_the_others() {
    let folder = tempfile::tempdir().unwrap();
    let run = |arguments: &[&Path]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_haidang"));
        command.arg("rules").args(arguments).output().unwrap()
    };
    let (convert, out) = (Path::new("convert-wazuh"), Path::new("--out"));
    let odd = run(&[convert, &fixture("odd.xml"), out, folder.path()]);
    assert_eq!(odd.status.code(), Some(1));
    let said = String::from_utf8_lossy(&odd.stdout);
    assert!(said.contains("odd.xml:15: unsupported: rule 103002: <list>"), "{said}");
    let sshd = run(&[convert, &fixture("sshd.xml"), out, folder.path()]);
    assert_eq!(sshd.status.code(), Some(0), "{}", String::from_utf8_lossy(&sshd.stdout));
    assert!(folder.path().join("wazuh_100706.yml").exists());
    let checked = run(&[Path::new("check"), Path::new("--rules"), folder.path()]);
    assert_eq!(checked.status.code(), Some(0), "{}", String::from_utf8_lossy(&checked.stdout));
    let missing = run(&[convert, Path::new("no-such.xml")]);
    assert_eq!(missing.status.code(), Some(2));
}

//! Tuning, through the whole pipeline: an authorised scan is stored and shown and pages nobody, what repeats itself is
//! counted, and a replay says the same.

use crate::backtest::{backtest_with, check};
use crate::stack::{Client, Stack, is_about, wait};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use std::io::Write as _;
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

const BRUTE_FORCE: &str = "b1145b72-a7e2-5bb1-b140-a10b0d834157";

/// An hour ago; where that would be yesterday, the evening before: what is suppressed begins anew at midnight.
fn base() -> Timestamp {
    let now = Timestamp::now();
    let second = now.as_second().rem_euclid(86_400);
    now - SignedDuration::from_secs(if second >= 3600 { 3600 } else { 7200 + second })
}

fn after(base: Timestamp, minutes: i64) -> Timestamp {
    base + SignedDuration::from_mins(minutes)
}

fn rules(base: Timestamp) -> String {
    let scan = |id: &str, address: &str, from: i64, to: i64| {
        format!(
            "title: Quét lỗ hổng quý IV\nid: {id}\ndescription: Kiểm tra hằng năm\nauthorised:\n  by: Nguyễn Văn Bình\n  \
             document: 124/QĐ-SKHCN\n  from: {}\n  to: {}\n  sources: [{address}]\n---\n",
            after(base, from),
            after(base, to)
        )
    };
    let repeats = format!(
        "title: Máy cũ\nauthor: An\ndescription: Chờ thay\nexpires: 2100-01-01\nsuppression:\n  rules: [{BRUTE_FORCE}]\n  \
         group-by: [source.ip]\n  timespan: 4h\n"
    );
    [scan("q4", "198.51.100.40", -60, 180), scan("q3", "198.51.100.42", -60, -1), repeats].concat()
}

/// Twelve failed logins: a brute force of one address on one machine.
fn brute_force(stream: &mut TcpStream, begin: Timestamp, last: u8) {
    for n in 0..12 {
        let time = begin + SignedDuration::from_secs(n);
        let line = format!(
            "<86>1 {time} may-{last} sshd {} - - Failed password for nguoi{last} from 198.51.100.{last} port {} ssh2\n",
            3000 + n,
            51_000 + n
        );
        stream.write_all(line.as_bytes()).unwrap();
    }
}

fn alert_of<'d>(detail: &'d Value, rule: &str) -> Option<&'d Value> {
    detail["alerts"].as_array()?.iter().find(|alert| alert["rule"] == rule)
}

/// The incident about the address, as soon as its brute force has as many matches.
fn incident(client: &Client, filter: &str, address: &str, matches: u64) -> Value {
    let ask = || {
        let found = client.incidents_of(filter).into_iter().find(|incident| is_about(incident, address))?;
        let detail = client.get(&format!("/api/v1/incidents/{}", found["id"].as_str()?));
        let whole = alert_of(&detail, BRUTE_FORCE)?["count"].as_u64()? >= matches;
        whole.then_some(detail)
    };
    wait(Duration::from_secs(20), ask).unwrap_or_else(|| panic!("no incident about {address} with {filter}"))
}

#[test]
fn an_authorised_scan_pages_nobody_and_what_repeats_itself_is_counted() {
    let folder = tempfile::tempdir().unwrap();
    let base = base();
    std::fs::write(folder.path().join("site.yml"), rules(base)).unwrap();
    let stack = Stack::start_with(&format!("[rules]\nfolders = [{:?}]\n", folder.path()));
    let mut stream = TcpStream::connect(stack.addresses.tcp[0]).unwrap();
    for (minute, last) in [(0, 40), (1, 41), (2, 42), (25, 41)] {
        brute_force(&mut stream, after(base, minute), last);
    }
    let client = stack.client();
    client.wait_count("", 48, Duration::from_secs(20));

    let repeated = incident(&client, "", "198.51.100.41", 24);
    let alert = alert_of(&repeated, BRUTE_FORCE).unwrap();
    assert_eq!((&alert["count"], &alert["suppressed"]["count"]), (&24.into(), &1.into()), "{alert}");
    assert!(alert["suppressed"]["until"].as_str() > repeated["last"].as_str(), "{alert}");

    let outside = incident(&client, "", "198.51.100.42", 12);
    assert_eq!(outside["authorised"], Value::Null, "its window had ended");
    assert!(alert_of(&outside, BRUTE_FORCE).unwrap().get("authorised").is_none());

    let scan = incident(&client, "&authorised=true", "198.51.100.40", 12);
    assert_eq!(
        (&scan["authorised"]["id"], &scan["authorised"]["document"]),
        (&"q4".into(), &"124/QĐ-SKHCN".into())
    );
    assert!(
        scan["alerts"].as_array().unwrap().iter().all(|alert| alert["authorised"]["by"] == "Nguyễn Văn Bình")
    );
    assert!(
        !client.incidents().iter().any(|incident| is_about(incident, "198.51.100.40")),
        "it is in the queue"
    );
    let queue = client.incidents().len();
    assert_eq!(
        client.incidents_of("&authorised=any").len(),
        queue + client.incidents_of("&authorised=true").len()
    );
    let now = Timestamp::now();
    let overview = client.get(&format!("/api/v1/overview?from={}&to={now}", after(base, -60)));
    assert_eq!(overview["incidents_open"], queue, "{overview}");

    let config = stack.dir.path().join("haidang.toml");
    check(&client, &backtest_with(&stack.data(), &["--config", config.to_str().unwrap()]));
}

fn haidang(arguments: &[&str]) -> (String, bool) {
    let said = Command::new(env!("CARGO_BIN_EXE_haidang"))
        .args(arguments)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    (String::from_utf8(said.stdout).unwrap(), said.status.success())
}

#[test]
fn the_example_loads_and_is_listed_and_a_bad_file_is_told_with_its_line() {
    let example = "deploy/tuning.example.yaml";
    let (listed, whole) = haidang(&["rules", "list", "--rules", "rules", example]);
    assert!(whole, "{listed}");
    for kind in ["exception ", "suppression ", "authorised "] {
        assert!(listed.lines().any(|line| line.starts_with(kind)), "{kind}: {listed}");
    }
    let folder = tempfile::tempdir().unwrap();
    let bad = folder.path().join("bad.yml");
    let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(example)).unwrap();
    std::fs::write(&bad, text.replace("198.51.100.0/28", "198.51.100.0/99")).unwrap();
    let (told, whole) = haidang(&["rules", "check", "--rules", "rules", bad.to_str().unwrap()]);
    let line = 1 + text.lines().position(|line| line.contains("198.51.100.0/28")).unwrap();
    assert!(!whole && told.contains(&format!("bad.yml:{line}: `authorised.sources`")), "{told}");
}

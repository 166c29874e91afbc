//! A real browser: signs in, opens the incident of this test's own attack, comments, closes it.

use crate::stack::{PASSWORD, Stack, is_about};
use std::io::Write as _;
use std::net::TcpStream;
use std::process::Command;

#[test]
fn a_person_signs_in_and_works_on_the_incident_to_its_end() {
    let stack = Stack::start();
    let now = jiff::Timestamp::now();
    let mut stream = TcpStream::connect(stack.addresses.tcp[0]).unwrap();
    for n in 0..12 {
        let line = format!(
            "<86>1 {now} cong-dvc sshd {} - - Failed password for quantri from 203.0.113.50 port {} ssh2\n",
            700 + n,
            40_000 + n
        );
        stream.write_all(line.as_bytes()).unwrap();
    }
    drop(stream);
    let client = stack.client();
    let incident = client.wait_incident("the brute force", |incident| is_about(incident, "203.0.113.50"));
    let id = incident["id"].as_str().unwrap();
    let pictures = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("target/browser");
    std::fs::create_dir_all(&pictures).unwrap();
    let script = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/browser/incident.mjs");
    let run = Command::new("node")
        .arg(script)
        .arg(format!("http://{}", stack.addresses.api))
        .arg(PASSWORD)
        .arg(id)
        .arg(&pictures)
        .output()
        .unwrap();
    assert!(
        run.status.success(),
        "{}\n{}",
        String::from_utf8_lossy(&run.stdout),
        String::from_utf8_lossy(&run.stderr)
    );
    let after = client.get(&format!("/api/v1/incidents/{id}"));
    assert_eq!(after["status"], "closed", "{after}");
    assert_eq!(after["verdict"], "true_positive", "{after}");
    assert_eq!(after["comments"][0]["text"], "Đã chặn địa chỉ 203.0.113.50 <b>tại tường lửa</b>");
}

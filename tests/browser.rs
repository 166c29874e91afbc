//! A real browser: signs in, opens the incident of this test's own attack, comments, closes it; takes a warning in and
//! releases it.

use crate::stack::{PASSWORD, Stack, is_about};
use std::io::{BufRead as _, Write as _};
use std::net::TcpStream;
use std::process::{Command, Stdio};

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
    drive(&stack, "incident.mjs", &[id]);
    let after = client.get(&format!("/api/v1/incidents/{id}"));
    assert_eq!(after["status"], "closed", "{after}");
    assert_eq!(after["verdict"], "true_positive", "{after}");
    assert_eq!(after["comments"][0]["text"], "Đã chặn địa chỉ 203.0.113.50 <b>tại tường lửa</b>");
}

/// Runs a script of the browser's; it leaves pictures in `target/browser`.
pub(crate) fn drive(stack: &Stack, script: &str, arguments: &[&str]) {
    drive_and(stack, script, arguments, "", || {});
}

/// Runs a script of the browser's, and does something meanwhile, once the script has written this line.
pub(crate) fn drive_and(
    stack: &Stack,
    script: &str,
    arguments: &[&str],
    line: &str,
    meanwhile: impl FnOnce(),
) {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let pictures = root.join("target/browser");
    std::fs::create_dir_all(&pictures).unwrap();
    let mut run = Command::new("node")
        .arg(root.join("tests/browser").join(script))
        .arg(format!("http://{}", stack.addresses.api))
        .arg(PASSWORD)
        .args(arguments)
        .arg(&pictures)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let (mut said, mut meanwhile) = (String::new(), Some(meanwhile));
    for one in std::io::BufReader::new(run.stdout.take().unwrap()).lines() {
        let one = one.unwrap();
        if one == line
            && let Some(meanwhile) = meanwhile.take()
        {
            meanwhile();
        }
        said.push_str(&one);
        said.push('\n');
    }
    let run = run.wait_with_output().unwrap();
    assert!(run.status.success(), "{said}\n{}", String::from_utf8_lossy(&run.stderr));
}

#[test]
fn a_person_takes_a_warning_in_sees_what_waits_and_releases_an_incident() {
    let folder = tempfile::tempdir().unwrap();
    crate::delivery::certificates(folder.path());
    let at = folder.path().display();
    // Nobody listens there.
    let config = format!(
        "[exchange.avreport]\nkey_file = \"{at}/sign.key\"\ncertificate_file = \"{at}/sign.pem\"\n\
         [[exchange.deliveries]]\npartner = \"ncsc\"\nurl = \"https://127.0.0.1:9/av\"\n\
         [[exchange.feeds]]\nname = \"VNCERT/CC\"\ncollection = \"https://127.0.0.1:9/root/collections/x/\"\n\
         [[exchange.taxii.collections]]\nid = \"8a1f6c1e-6f0e-4f1c-9a53-0c7d1b0f7b11\"\nalias = \"trung-tam\"\n\
         title = \"Trung tâm quốc gia\"\ntlp = \"amber+strict\"\n\
         readers = {{ \"ncsc\" = \"amber+strict\", \"@responder\" = \"amber\" }}\n"
    );
    let stack = Stack::start_with(&config);
    let registry = stack.dir.path().join("registry.yaml");
    std::fs::write(&registry, "units:\n  - { id: so-y-te, name: Sở Y tế }\n").unwrap();
    stack.import_registry(&registry);
    drive(&stack, "exchange.mjs", &[]);
    let client = stack.client();
    let told = client.get("/api/v1/warnings");
    assert_eq!((&told["unread"], &told["open"]), (&0.into(), &0.into()), "{told}");
    let incident = client.incidents()[0]["id"].as_str().unwrap().to_owned();
    let releases = client.get(&format!("/api/v1/incidents/{incident}/releases"));
    assert_eq!(releases["items"][0]["tlp"], "amber", "{releases}");
}

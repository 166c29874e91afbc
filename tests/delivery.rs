//! The antivirus report from the line of a console to the other side's disk: made, signed, kept while they are down, and
//! everything arrives once.

use crate::browser::drive_and;
use crate::stack::{Client, Stack, wait};
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// The key that signs, an authority of our own, and the other side's certificate by it.
pub(crate) fn certificates(folder: &Path) {
    let openssl = |arguments: &str| {
        let done =
            Command::new("openssl").args(arguments.split_whitespace()).current_dir(folder).output().unwrap();
        assert!(done.status.success(), "openssl {arguments}: {}", String::from_utf8_lossy(&done.stderr));
    };
    openssl("req -x509 -nodes -newkey rsa:2048 -days 30 -subj /CN=SOC -keyout sign.key -out sign.pem");
    openssl("req -x509 -nodes -newkey rsa:2048 -days 30 -subj /CN=CA -keyout ca.key -out ca.pem");
    openssl("req -nodes -newkey rsa:2048 -subj /CN=ncsc -keyout server.key -out server.csr");
    std::fs::write(folder.join("san"), "subjectAltName=IP:127.0.0.1\n").unwrap();
    openssl(
        "x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 30 -extfile san -out server.pem",
    );
    std::fs::write(folder.join("password"), "secret\n").unwrap();
}

fn config(folder: &Path, port: u16) -> String {
    let at = folder.display();
    let delivery = |partner: &str, more: &str| {
        format!(
            "[[exchange.deliveries]]\npartner = \"{partner}\"\nurl = \"https://127.0.0.1:{port}/av\"\nevery_s = 3\n\
             delay_s = 20\nretry_min_s = 1\nretry_max_s = 2\n{more}\n"
        )
    };
    format!(
        "[exchange.avreport]\nkey_file = \"{at}/sign.key\"\ncertificate_file = \"{at}/sign.pem\"\n\
         machine_names = \"keep\"\n{}{}",
        delivery(
            "ncsc",
            &format!(
                "ca_file = \"{at}/ca.pem\"\nuser = \"soc\"\npassword_file = \"{at}/password\"\ntlp = \"green\""
            )
        ),
        // The same place, but nobody vouches for it.
        delivery("stranger", "")
    )
}

/// The other side; ended when dropped.
struct Receiver(Child);

impl Receiver {
    fn start(folder: &Path, port: u16) -> Receiver {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/delivery/receiver.py");
        let child = Command::new("/usr/bin/python3")
            .arg(script)
            .arg(folder)
            .arg(port.to_string())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        Receiver(child)
    }
}

impl Receiver {
    /// Answers what is under way and is down.
    fn stop(mut self) {
        let asked = Command::new("kill").arg(self.0.id().to_string()).status().unwrap();
        assert!(asked.success() && self.0.wait().unwrap().success());
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A console tells of malware on a machine, now.
fn found(stack: &Stack, machine: &str, malware: &str) {
    let now = jiff::Timestamp::now();
    let line = format!(
        "<29>1 {now} ksc-01 KSC - - - CEF:0|KasperskyLab|SecurityCenter|14.2.0.26967|GNRL_EV_OBJECT_DELETED|Deleted|4|\
         rt={} dhost={machine} dst=10.30.1.7 cs1={malware} cs1Label=VirusName filePath=E:\\\\a.exe\n",
        now.as_millisecond()
    );
    let mut stream = std::net::TcpStream::connect(stack.addresses.tcp[0]).unwrap();
    stream.write_all(line.as_bytes()).unwrap();
}

/// A console tells that a machine has new databases, now.
fn updated(stack: &Stack, machine: &str) {
    let now = jiff::Timestamp::now();
    let line = format!(
        "<29>1 {now} ksc-01 KSC - - - CEF:0|KasperskyLab|SecurityCenter|14.2.0.26967|KLPRCI_TaskState|Completed successfully|1|\
         rt={} dhost={machine} cs4=Update cs4Label=TaskName msg=Databases and application modules updated\n",
        now.as_millisecond()
    );
    let mut stream = std::net::TcpStream::connect(stack.addresses.tcp[0]).unwrap();
    stream.write_all(line.as_bytes()).unwrap();
}

fn partner(told: &Value, name: &str) -> Value {
    told["partners"].as_array().unwrap().iter().find(|one| one["name"] == name).unwrap().clone()
}

fn verifies(folder: &Path, file: &Path) -> bool {
    let arguments = ["--verify", "--trusted-pem"];
    let done =
        Command::new("xmlsec1").args(arguments).arg(folder.join("sign.pem")).arg(file).output().unwrap();
    done.status.success()
}

/// What the other side took: for each document how often it said yes, and its digest.
fn received(folder: &Path) -> BTreeMap<String, (u32, String)> {
    let text = std::fs::read_to_string(folder.join("received.jsonl")).unwrap_or_default();
    let mut all = BTreeMap::new();
    for line in text.lines() {
        let line: Value = serde_json::from_str(line).unwrap();
        assert_eq!(line["type"], "text/xml", "{line}");
        assert_eq!(line["authorization"], "Basic c29jOnNlY3JldA==", "{line}");
        let of: &mut (u32, String) = all.entry(line["key"].as_str().unwrap().to_owned()).or_default();
        of.0 += u32::from(line["status"] == 200);
        of.1 = line["sha256"].as_str().unwrap().to_owned();
    }
    all
}

/// The malware that documents tell of, how often each.
fn told_of(folder: &Path, name: &str) -> usize {
    let keys = received(folder).into_keys();
    keys.filter(|key| std::fs::read_to_string(folder.join(format!("{key}.xml"))).unwrap().contains(name))
        .count()
}

/// What the API says of a partner once it is as `wanted`.
fn wait_partner(client: &Client, name: &str, wanted: impl Fn(&Value) -> bool) -> Value {
    let told = wait(Duration::from_secs(180), || {
        Some(partner(&client.get("/api/v1/exchange"), name)).filter(|told| wanted(told))
    });
    told.unwrap_or_else(|| panic!("{}", client.get("/api/v1/exchange")))
}

fn number(told: &Value, name: &str) -> i64 {
    told[name].as_i64().unwrap_or_else(|| panic!("{name}: {told}"))
}

#[test]
fn while_the_other_side_is_down_reports_wait_their_age_is_told_and_then_each_arrives_once() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    certificates(folder);
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let receiver = Receiver::start(folder, port);
    let mut stack = Stack::start_with(&config(folder, port));
    let client = stack.client();
    found(&stack, "MAY-01", "Trojan.Win32.ViDu.first");
    updated(&stack, "MAY-01");
    client.wait_count("event.category:malware", 1, Duration::from_secs(20));
    wait_partner(&client, "ncsc", |told| told["waiting"] == 0 && told_of(folder, "ViDu.first") == 1);

    // Down from here on: what is made waits, and the last success grows older.
    receiver.stop();
    found(&stack, "MAY-02", "Trojan.Win32.ViDu.second");
    client.wait_count("event.category:malware", 2, Duration::from_secs(20));
    let down = wait_partner(&client, "ncsc", |told| number(told, "waiting") >= 2 && told["problem"] != "");
    assert!(down["waiting_since"].is_string() && down["next"].is_string(), "{down}");
    let older = wait_partner(&client, "ncsc", |told| {
        number(told, "succeeded_age_s") >= number(&down, "succeeded_age_s") + 5
            && number(told, "waiting") > number(&down, "waiting")
    });
    assert_eq!(older["succeeded"], down["succeeded"]);

    // What waits, and since when, is on the disk.
    let before = client.get("/api/v1/exchange/deliveries?limit=1000");
    stack.kill_and_restart();
    let client = stack.client();
    let after = partner(&client.get("/api/v1/exchange"), "ncsc");
    assert_eq!(after["succeeded"], older["succeeded"]);
    assert!(number(&after, "succeeded_age_s") >= number(&older, "succeeded_age_s"), "{after}");
    found(&stack, "MAY-03", "Trojan.Win32.ViDu.third");
    client.wait_count("event.category:malware", 3, Duration::from_secs(20));

    // A person watches: they see the age and what waits grow, and what becomes of it once the other side is up.
    let mut receiver = None;
    drive_and(&stack, "delivery.mjs", &["ncsc", "stranger"], "seen while it is down", || {
        receiver = Some(Receiver::start(folder, port));
    });
    let arrived = wait_partner(&client, "ncsc", |told| {
        number(told, "waiting") <= 1
            && ["ViDu.second", "ViDu.third"].iter().all(|name| told_of(folder, name) > 0)
    });
    assert_ne!(arrived["succeeded"], older["succeeded"]);
    assert!(number(&arrived, "succeeded_age_s") < number(&older, "succeeded_age_s"), "{arrived}");
    let stranger = wait_partner(&client, "stranger", |told| {
        told["problem"].as_str().is_some_and(|problem| problem.contains("certificate"))
    });
    assert_eq!(stranger["succeeded"], Value::Null, "{stranger}");
    drop(receiver);
    once(&client, folder, &before);
    export(&stack, folder);
    let audit = client.get("/api/v1/audit?limit=1000");
    let entries = audit["items"].as_array().unwrap();
    let made = entries.iter().filter(|entry| entry["action"] == "avreport.export");
    assert_eq!(made.count(), 1, "what was made by hand is in the trail; what was not made is not");
}

/// Everything arrived once and as it was made, with what waited `before` the crash.
fn once(client: &Client, folder: &Path, before: &Value) {
    let deliveries = client.get("/api/v1/exchange/deliveries?limit=1000");
    let deliveries = deliveries["items"].as_array().unwrap();
    let received = received(folder);
    let delivered: BTreeMap<&str, &str> = deliveries
        .iter()
        .filter(|one| one["state"] == "delivered")
        .map(|one| (one["id"].as_str().unwrap(), one["sha256"].as_str().unwrap()))
        .collect();
    assert!(delivered.len() >= 4, "{deliveries:?}");
    for (id, sha256) in &delivered {
        assert_eq!(received.get(*id), Some(&(1, (*sha256).to_owned())), "once, and as it was made");
        assert!(verifies(folder, &folder.join(format!("{id}.xml"))), "{id}");
    }
    for one in before["items"].as_array().unwrap().iter().filter(|one| one["partner"] == "ncsc") {
        assert!(
            delivered.contains_key(one["id"].as_str().unwrap()),
            "what waited before the crash has arrived"
        );
    }
    for name in ["ViDu.first", "ViDu.second", "ViDu.third"] {
        assert_eq!(told_of(folder, name), 1, "{name} is told of once");
    }
    trail(&client.get("/api/v1/audit?limit=1000"), delivered.len());
}

/// Every delivery is in the trail with its audience and colour.
fn trail(audit: &Value, delivered: usize) {
    let entries = audit["items"].as_array().unwrap();
    let of = |action: &str, result: &str, audience: &str| {
        let is_of = |entry: &&Value| {
            entry["action"] == action
                && entry["result"] == result
                && entry["detail"].as_str().unwrap().contains(audience)
        };
        entries.iter().filter(is_of).count()
    };
    assert_eq!(of("delivery.send", "done", "TLP:GREEN to ncsc"), delivered);
    assert!(of("delivery.make", "done", "TLP:AMBER to stranger") > 0);
    assert_eq!(of("delivery.send", "done", "stranger"), 0);
}

/// The same by hand.
fn export(stack: &Stack, folder: &Path) {
    let file = folder.join("by hand.xml");
    let haidang = |arguments: &[&str]| {
        Command::new(env!("CARGO_BIN_EXE_haidang"))
            .args(["feed", "export", "avreport", "--from", "2020-01-01T00:00:00Z"])
            .args(arguments)
            .arg("--data")
            .arg(stack.data())
            .output()
            .unwrap()
    };
    let config = stack.dir.path().join("haidang.toml");
    let done = haidang(&["--config", config.to_str().unwrap(), "-o", file.to_str().unwrap()]);
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(verifies(folder, &file), "{text}");
    assert!(text.contains("<AVReport name=\"Kaspersky Security Center\">"), "{text}");
    // The console told of an update of one machine, which the registry does not know.
    let system = text.split("<OS>").nth(1).unwrap().split("</OS>").next().unwrap();
    assert!(system.contains("name=\"may-01\"><OSName></OSName><LastUpdate>20"), "{system}");
    assert!(system.contains("name=\"may-02\"><OSName></OSName><LastUpdate></LastUpdate>"), "{system}");
    assert!(text.contains("<NumberMachineNotUpdateOn15Day>2</NumberMachineNotUpdateOn15Day>"), "{text}");
    let row = "<Machine ip=\"\" name=\"MAY-01\"><MalwareInfo><MalwareName>Trojan.Win32.ViDu.first</MalwareName>\
               <MalwareType>Trojan</MalwareType><MalwareBehavior>threat-removed</MalwareBehavior>\
               <TypeOfDevice>removable</TypeOfDevice><NumberFile>1</NumberFile></MalwareInfo></Machine>";
    assert!(text.contains(row), "{text}");
    // Without a key nothing is signed, and that is said.
    let done = haidang(&[]);
    assert_eq!(done.status.code(), Some(2));
    let said = String::from_utf8_lossy(&done.stderr).into_owned();
    assert!(said.contains("key_file"), "{said}");
}

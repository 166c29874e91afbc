//! A backup that is made while lines come, put into an empty installation: what was stored is there, once, and goes on.

use crate::postgres::Postgres;
use crate::stack::{Client, Stack, is_about, wait};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::Write as _;
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(30);

/// The command on the installation in this folder.
fn haidang(what: &str, folder: &Path, installation: &Path) -> Output {
    haidang_with(what, folder, installation, &[])
}

fn haidang_with(what: &str, folder: &Path, installation: &Path, more: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_haidang"))
        .arg(what)
        .arg(folder)
        .arg("--config")
        .arg(installation.join("haidang.toml"))
        .arg("--data")
        .arg(installation.join("data"))
        .args(more)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap()
}

fn done(output: &Output) -> Value {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn line(to: &mut TcpStream, host: &str, text: &str) {
    writeln!(to, "<86>1 {} {host} sshd 4000 - - {text}", jiff::Timestamp::now()).unwrap();
}

fn failed_logins(to: SocketAddr, from: &str, count: u32) {
    let mut stream = TcpStream::connect(to).unwrap();
    for port in 50_000..50_000 + count {
        line(&mut stream, "cong-dvc", &format!("Failed password for quantri from {from} port {port} ssh2"));
    }
}

/// Numbered lines at a device's pace until told to stop.
fn send_until(stop: &Arc<AtomicBool>, to: SocketAddr) -> std::thread::JoinHandle<u64> {
    let stop = Arc::clone(stop);
    std::thread::spawn(move || {
        let mut stream = TcpStream::connect(to).unwrap();
        let mut number = 0u64;
        while !stop.load(Ordering::Relaxed) {
            for _ in 0..50 {
                line(&mut stream, "may-71", &format!("numbered {number} end"));
                number += 1;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        number
    })
}

fn by_id(events: Vec<Value>) -> BTreeMap<String, Value> {
    let count = events.len();
    let all: BTreeMap<_, _> =
        events.into_iter().map(|event| (event["event"]["id"].as_str().unwrap().to_owned(), event)).collect();
    assert_eq!(all.len(), count, "no event twice");
    all
}

/// The numbers that `send_until` gave the lines of these events.
fn numbers(events: &BTreeMap<String, Value>) -> Vec<u64> {
    let original = |event: &Value| event["event"]["original"].as_str().unwrap().to_owned();
    let number = |text: String| text.split_once("numbered ")?.1.split(' ').next()?.parse().ok();
    let mut numbers: Vec<u64> = events.values().map(original).filter_map(number).collect();
    numbers.sort_unstable();
    numbers
}

/// What people see of the cases.
#[derive(Debug, PartialEq)]
struct Seen {
    incidents: BTreeMap<String, Value>,
    users: Value,
    units: Value,
    /// Oldest first.
    trail: Vec<Value>,
}

fn seen(client: &Client) -> Seen {
    let one = |incident: Value| {
        let id = incident["id"].as_str().unwrap().to_owned();
        (id.clone(), client.get(&format!("/api/v1/incidents/{id}")))
    };
    let mut trail = client.get("/api/v1/audit?limit=500")["items"].as_array().unwrap().clone();
    trail.reverse();
    Seen {
        incidents: client.incidents().into_iter().map(one).collect(),
        users: client.get("/api/v1/users"),
        units: client.get("/api/v1/registry/units?limit=200"),
        trail,
    }
}

/// Everything in a folder, with its bytes.
pub(crate) fn content(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).into_iter().flatten().map(Result::unwrap) {
            let kind = entry.file_type().unwrap();
            if kind.is_dir() {
                found.insert(entry.path(), Vec::new());
                folders.push(entry.path());
            } else if kind.is_file() {
                found.insert(entry.path(), std::fs::read(entry.path()).unwrap());
            }
        }
    }
    found
}

/// An installation with an incident that somebody commented on, a second user and units.
fn lived_in(stack: &Stack) -> Client {
    let client = stack.client();
    failed_logins(stack.addresses.tcp[0], "198.51.100.77", 6);
    let incident = client.wait_incident("brute force", |incident| is_about(incident, "198.51.100.77"));
    let path = format!("/api/v1/incidents/{}", incident["id"].as_str().unwrap());
    let (status, told) = client.post(&format!("{path}/comments"), &json!({"text": "Đã gọi cho đơn vị «A»"}));
    assert_eq!(status, 201, "{told}");
    let (status, told) = client.patch(&path, &incident["version"], &json!({"severity": "critical"}));
    assert_eq!(status, 200, "{told}");
    let user = json!({"username": "ncsc", "display_name": "Trực ban", "role": "responder", "password": "một mật khẩu đủ dài"});
    let (status, told) = client.post("/api/v1/users", &user);
    assert_eq!(status, 201, "{told}");
    let registry = stack.dir.path().join("registry.yaml");
    std::fs::write(&registry, "units: [{ id: so-a, name: Sở A }]\n").unwrap();
    stack.import_registry(&registry);
    client
}

/// Backs `stack` up under load, restores into an empty installation with this configuration, and compares.
fn there_and_back(stack: Stack, config_there: &str) {
    let client = lived_in(&stack);
    // Half of an attack, whose other half comes after the restore.
    failed_logins(stack.addresses.tcp[0], "198.51.100.99", 3);
    let stop = Arc::new(AtomicBool::new(false));
    let sender = send_until(&stop, stack.addresses.tcp[0]);
    let many = || Some(client.count("numbered")).filter(|count| *count > 3000);
    let stored_before = wait(LIMIT, many).expect("lines are stored");
    let cases_before = seen(&client);
    let folder = tempfile::tempdir().unwrap();
    let told = done(&haidang("backup", folder.path(), stack.dir.path()));
    let stored = told["events"]["folder"]["rows"]["events"].as_u64().unwrap();
    let more = || Some(client.count("numbered")).filter(|count| *count > stored);
    assert!(wait(LIMIT, more).is_some(), "lines go on being stored");
    stop.store(true, Ordering::Relaxed);
    let sent = sender.join().unwrap();
    client.wait_count("numbered", sent, LIMIT);
    let original = by_id(client.events(""));
    let frozen: Vec<_> = std::fs::read_dir(stack.data().join("engine/shadow")).unwrap().flatten().collect();
    assert!(
        frozen.iter().all(|entry| entry.file_name() == "increment.txt"),
        "nothing frozen is left: {frozen:?}"
    );
    drop(stack);

    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("haidang.toml"), config_there).unwrap();
    done(&haidang("restore", folder.path(), dir.path()));
    for (path, _) in content(&dir.path().join("data")) {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = path.metadata().unwrap().permissions().mode() & 0o777;
        let is_engines = path.starts_with(dir.path().join("data/engine"));
        assert!(
            is_engines || mode & 0o077 == 0 || path.ends_with("cases.sqlite"),
            "{}: {mode:o}",
            path.display()
        );
    }
    let restored = Stack::start_in(dir, config_there, None);
    let client = restored.client();
    // What was in the spool comes into the store now; nothing else does.
    client.wait_count("\"numbered 0 end\"", 1, LIMIT);
    let settled = wait(LIMIT, || {
        let before = client.count("");
        std::thread::sleep(Duration::from_millis(1500));
        (client.count("") == before && before >= stored).then_some(before)
    });
    let events = by_id(client.events(""));
    assert_eq!(settled, Some(events.len() as u64));
    assert!(events.len() as u64 >= stored && stored >= stored_before);
    let numbers = numbers(&events);
    assert_eq!(numbers, (0..numbers.len() as u64).collect::<Vec<_>>(), "each line up to the last, once");
    assert!((numbers.len() as u64) < sent, "the backup is of a moment before the end");
    for (id, event) in &events {
        assert_eq!(event, &original[id]);
    }
    let cases = seen(&client);
    assert_eq!(cases.incidents, cases_before.incidents);
    assert_eq!(cases.users, cases_before.users);
    assert_eq!(cases.units, cases_before.units);
    let length = cases_before.trail.len();
    assert_eq!(cases.trail[..length], cases_before.trail);
    let acts: Vec<_> = cases.trail[length..].iter().map(|entry| entry["action"].as_str().unwrap()).collect();
    assert_eq!(acts[..2], ["backup.make", "backup.restore"], "{acts:?}");

    failed_logins(restored.addresses.tcp[0], "198.51.100.99", 3);
    client.wait_incident("the split brute force", |incident| is_about(incident, "198.51.100.99"));
}

#[test]
fn a_backup_made_while_lines_come_is_restored_into_an_empty_folder_and_goes_on() {
    there_and_back(Stack::start(), "");
}

#[test]
fn cases_in_postgresql_are_restored_into_an_empty_database_of_a_server() {
    let server = Postgres::running();
    there_and_back(Stack::start_with(&server.config()), &server.config());
}

#[test]
fn an_installation_that_outgrows_its_machine_takes_its_cases_from_sqlite_to_postgresql() {
    let server = Postgres::running();
    there_and_back(Stack::start(), &server.config());
}

#[test]
fn what_serve_and_correlate_have_is_restored_without_the_spool_whose_place_the_brokers_keep() {
    let stack = Stack::start_with_kafka();
    let client = lived_in(&stack);
    let (stored, before) = (by_id(client.events("")), seen(&client));
    let folder = tempfile::tempdir().unwrap();
    let output = haidang("backup", folder.path(), stack.dir.path());
    done(&output);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("not in the backup: the spool of `haidang collect`"), "{said}");
    drop(stack);
    let server = Postgres::running();
    let config = server.config();
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("haidang.toml"), &config).unwrap();
    done(&haidang("restore", folder.path(), dir.path()));
    let restored = Stack::start_in(dir, &config, None);
    let client = restored.client();
    assert_eq!(by_id(client.events("")), stored);
    let after = seen(&client);
    assert_eq!((after.incidents, after.users), (before.incidents, before.users));
}

#[test]
fn nothing_is_stored_while_a_backup_looks_and_what_came_meanwhile_is_stored_after_it() {
    let stack = Stack::start();
    let client = stack.client();
    let mut stream = TcpStream::connect(stack.addresses.tcp[0]).unwrap();
    line(&mut stream, "may-71", "before");
    client.wait_count("", 1, LIMIT);
    let locked = |name: &str| {
        let file = std::fs::File::open(stack.data().join(name)).unwrap();
        file.lock().unwrap();
        file
    };
    let held = ["backup.turn.lock", "backup.store.lock"].map(locked);
    let spooled = || content(&stack.data().join("spool")).values().map(Vec::len).sum::<usize>();
    let before = spooled();
    line(&mut stream, "may-71", "meanwhile");
    assert!(wait(LIMIT, || (spooled() > before).then_some(())).is_some(), "lines are taken");
    let stored = wait(Duration::from_secs(3), || (client.count("") > 1).then_some(()));
    assert!(stored.is_none(), "nothing is stored");
    drop(held);
    client.wait_count("", 2, LIMIT);
}

/// A stopped installation and its backup, made without a running pipeline.
fn stopped() -> (Stack, tempfile::TempDir) {
    let mut stack = Stack::start();
    failed_logins(stack.addresses.tcp[0], "198.51.100.77", 6);
    stack.client().wait_incident("brute force", |incident| is_about(incident, "198.51.100.77"));
    stack.kill();
    let folder = tempfile::tempdir().unwrap();
    done(&haidang("backup", folder.path(), stack.dir.path()));
    (stack, folder)
}

fn refused(output: &Output, code: i32, words: &str) {
    let said = [&output.stdout[..], &output.stderr[..]].concat();
    let said = String::from_utf8_lossy(&said);
    assert_eq!(output.status.code(), Some(code), "{said}");
    assert!(said.contains(words), "`{words}` is missing in: {said}");
}

/// Replaces the manifest by another one whose checksum is right.
fn change_manifest(folder: &Path, change: impl Fn(&mut Value)) {
    let path = folder.join("manifest.json");
    let mut manifest: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    change(&mut manifest);
    std::fs::write(&path, manifest.to_string()).unwrap();
    let sum = Command::new("sha256sum").arg("manifest.json").current_dir(folder).output().unwrap();
    std::fs::write(folder.join("manifest.json.sha256"), sum.stdout).unwrap();
}

/// Changes one bit of a file, after so many hundredths of it.
fn flip(file: &Path, at: usize) {
    let mut bytes = std::fs::read(file).unwrap();
    let place = bytes.len() * at / 100;
    bytes[place] ^= 1;
    std::fs::write(file, bytes).unwrap();
}

/// A file of the events in a backup.
fn part(backup: &Path) -> PathBuf {
    let all = content(backup);
    let data = all.keys().find(|path| path.ends_with("data.bin")).unwrap();
    data.strip_prefix(backup).unwrap().to_owned()
}

#[test]
fn a_backup_that_is_damaged_or_newer_is_refused_and_the_target_stays_as_it_is() {
    let (_stack, folder) = stopped();
    let there = tempfile::tempdir().unwrap();
    std::fs::write(there.path().join("haidang.toml"), "").unwrap();
    let before = content(there.path());
    let copied = |name: &str| {
        let copy = there.path().with_extension(name);
        assert!(Command::new("cp").arg("-r").arg(folder.path()).arg(&copy).status().unwrap().success());
        copy
    };
    let mut cases: Vec<(PathBuf, i32, &str)> = Vec::new();
    for (name, file) in [
        ("part", part(folder.path())),
        ("cases", "cases.ndjson".into()),
        ("place", "data/position.json".into()),
    ] {
        let copy = copied(name);
        flip(&copy.join(&file), 50);
        cases.push((copy, 1, "its SHA-256 is not what the manifest says"));
    }
    let gone = copied("gone");
    std::fs::remove_file(gone.join("cases.ndjson")).unwrap();
    cases.push((gone, 1, "cases.ndjson: read"));
    let linked = copied("linked");
    std::fs::remove_file(linked.join("cases.ndjson")).unwrap();
    std::os::unix::fs::symlink(folder.path().join("cases.ndjson"), linked.join("cases.ndjson")).unwrap();
    cases.push((linked, 1, "is no file"));
    let flipped = copied("flipped");
    flip(&flipped.join("manifest.json"), 10);
    cases.push((flipped, 2, "is not what was written"));
    let cut_off = copied("cut-off");
    std::fs::remove_file(cut_off.join("manifest.json")).unwrap();
    cases.push((cut_off, 2, "is this the folder of a whole backup?"));
    type Change = fn(&mut Value);
    let changes: [(&str, &str, Change); 5] = [
        ("form", "version knows up to 1", |all| {
            all["format"] = json!(2);
            all["new"] = json!("of a later form");
        }),
        ("version", "run 99.0.0 or newer", |all| all["written"]["version"] = json!("99.0.0")),
        ("events", "the schema of the events is 99", |all| all["written"]["events"] = json!(99)),
        ("outside", "is not a path within it", |all| all["files"][0]["path"] = json!("../outside")),
        ("rows", "events has 6 rows after the restore, 7 in the backup", |all| {
            all["events"]["folder"]["rows"]["events"] = json!(7);
        }),
    ];
    for (name, words, change) in changes {
        let copy = copied(name);
        change_manifest(&copy, change);
        cases.push((copy, 2, words));
    }
    for (backup, code, words) in &cases {
        refused(&haidang("restore", backup, there.path()), *code, words);
        assert_eq!(content(there.path()), before, "{words}");
        std::fs::remove_dir_all(backup).unwrap();
    }
    done(&haidang_with("restore", folder.path(), there.path(), &["--verify"]));
    assert_eq!(content(there.path()), before, "only looked at");
    done(&haidang("restore", folder.path(), there.path()));
}

#[test]
fn a_target_that_has_anything_is_refused_and_stays_as_it_is() {
    let (stack, folder) = stopped();
    let before = content(&stack.data());
    refused(&haidang("restore", folder.path(), stack.dir.path()), 2, "is not empty");
    assert_eq!(content(&stack.data()), before);
    // A database that has tables.
    let server = Postgres::running();
    let config = server.config();
    let other = Stack::start_with(&config);
    let there = tempfile::tempdir().unwrap();
    std::fs::write(there.path().join("haidang.toml"), &config).unwrap();
    refused(&haidang("restore", folder.path(), there.path()), 2, "has tables already");
    assert!(!there.path().join("data").exists());
    assert!(other.client().incidents().is_empty());
    // A backup has a folder of its own, outside the data.
    refused(&haidang("backup", folder.path(), stack.dir.path()), 2, "is not empty");
    refused(&haidang("backup", &stack.data().join("backup"), stack.dir.path()), 2, "in the data folder");
    assert!(!stack.data().join("backup").exists());
    // What was cut off is not started.
    let cut_off = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(cut_off.path().join("data/restoring")).unwrap();
    std::fs::write(cut_off.path().join("haidang.toml"), "").unwrap();
    let started = Command::new(env!("CARGO_BIN_EXE_haidang"))
        .args(["run", "--data"])
        .arg(cut_off.path().join("data"))
        .output()
        .unwrap();
    refused(&started, 2, "only half restored");
}

#[test]
fn a_backup_has_the_configuration_and_what_it_names_for_this_user_only() {
    let dir = tempfile::tempdir().unwrap();
    let rules = dir.path().join("rules");
    std::fs::create_dir(&rules).unwrap();
    std::fs::write(rules.join("tuning.yml"), "").unwrap();
    std::fs::write(rules.join("notes.txt"), "").unwrap();
    let assets = dir.path().join("assets.yaml");
    std::fs::write(&assets, "{}\n").unwrap();
    let config = format!(
        "[rules]\nfolders = [{:?}]\n[collector.enrich]\nassets = {:?}\n[exchange.avreport]\nkey_file = {:?}\n",
        rules.display().to_string(),
        assets.display().to_string(),
        dir.path().join("no.key").display().to_string(),
    );
    let stack = Stack::start_with(&config);
    let folder = tempfile::tempdir().unwrap();
    let output = haidang("backup", folder.path(), stack.dir.path());
    done(&output);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("no.key"), "what is missing is told: {said}");
    let sum = Command::new("sha256sum")
        .args(["--check", "manifest.json.sha256"])
        .current_dir(folder.path())
        .status();
    assert!(sum.unwrap().success());
    let kept = |path: &Path| folder.path().join(format!("config{}", path.display()));
    let of = |path: PathBuf| std::fs::read_to_string(path).unwrap_or_default();
    assert_eq!(of(kept(&stack.dir.path().join("haidang.toml"))), config);
    assert_eq!(of(kept(&assets)), "{}\n");
    assert!(kept(&rules.join("tuning.yml")).exists() && !kept(&rules.join("notes.txt")).exists());
    for path in content(folder.path()).keys() {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = path.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!(mode & 0o077, 0, "{}: {mode:o}", path.display());
    }
}

//! Whatever happens to several processes joined by Kafka, they answer as one process does: the same events, the same alerts.
//!
//! `make test` kills what there is, cuts the network and fills the disk; `make soak` gives each fault a stack of its own, more
//! lines and longer troubles.

use crate::bad_input::Tmpfs;
use crate::broker::{Broker, prefix};
use crate::reference::Reference;
use crate::stack::{Stack, is_ready, wait};
use std::io::Write as _;
use std::net::IpAddr;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

/// Small batches, so that there are many moments at which something can happen.
const CONFIG: &str = "[pipeline]\nbatch_lines_max = 250\n";
const FAKETIME: &str = "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1";
const TWO_DAYS: &str = "+172800";

fn is_soak() -> bool {
    std::env::vars_os().any(|(name, _)| name == "HAIDANG_SOAK")
}

fn lines() -> usize {
    if is_soak() { 200_000 } else { 40_000 }
}

/// How long a broker hangs or a network is cut: longer than anybody waits for an answer.
fn trouble() -> Duration {
    Duration::from_secs(if is_soak() { 30 } else { 13 })
}

/// Lets some batches pass.
fn pass(ms: u64) {
    std::thread::sleep(Duration::from_millis(ms));
}

type Fault = (&'static str, fn(&mut Stack, &Broker));

const FAULTS: &[Fault] = &[
    ("a poison record", poison_record),
    ("kill -9 of each process", kill_each),
    ("kill -9 of the broker", |_, broker| broker.kill_and_restart()),
    ("a broker that hangs", broker_hangs),
    ("a rolling restart", rolling_restart),
    ("a correlator that comes and goes", correlator_comes_and_goes),
    ("a clock that jumps", clock_jumps),
];

fn poison_record(_: &mut Stack, broker: &Broker) {
    let topic = format!("{}events", prefix(broker.stacks() - 1));
    let mut poison = Command::new("kcat")
        .args(["-b", &broker.plain(), "-P", "-t", &topic])
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    poison.stdin.take().unwrap().write_all(b"{\"event\":{\"id\":7}\n").unwrap();
    assert!(poison.wait().unwrap().success());
}

fn kill_each(stack: &mut Stack, _: &Broker) {
    for role in ["collect", "correlate", "serve"] {
        stack.kill_one(role);
        stack.restart();
    }
}

/// The broker dies while its readers wait for the store, and they read on by themselves.
fn broker_goes_amid(stack: &Stack, broker: &Broker) {
    let client = stack.client();
    let reaches = |count| wait(Duration::from_secs(90), || (client.count("") >= count).then_some(()));
    assert!(reaches(1).is_some(), "something is stored");
    let before = client.count("");
    broker.kill_and_restart();
    assert!(reaches((before + 5000).min(lines() as u64)).is_some(), "nothing is read any more");
}

fn broker_hangs(stack: &mut Stack, broker: &Broker) {
    broker.signal("-STOP");
    std::thread::sleep(trouble());
    broker.signal("-CONT");
    stack.wait_ready();
}

fn rolling_restart(stack: &mut Stack, _: &Broker) {
    for role in ["collect", "correlate", "serve"] {
        stack.stop_one(role);
        stack.restart();
        pass(300);
    }
}

fn correlator_comes_and_goes(stack: &mut Stack, _: &Broker) {
    let count = stack.log().matches("a partition of events is ours").count();
    let mut another = stack.start_another("correlate");
    let shared = wait(Duration::from_secs(40), || {
        (stack.log().matches("a partition of events is ours").count() > count).then_some(())
    });
    assert!(shared.is_some(), "the second correlator gets a partition");
    pass(1500);
    // The first one dies with what it has in hand, then the second one goes in order: both ways to leave.
    stack.kill_one("correlate");
    stack.restart();
    pass(1500);
    assert!(Command::new("kill").arg(another.id().to_string()).status().unwrap().success());
    assert!(another.wait().unwrap().success());
}

/// A correlator whose clock is two days ahead from its start, then jumps back while it runs.
fn clock_jumps(stack: &mut Stack, _: &Broker) {
    let clock = stack.dir.path().join("clock");
    std::fs::write(&clock, TWO_DAYS).unwrap();
    stack.environment = vec![
        ("LD_PRELOAD", FAKETIME.to_owned()),
        ("FAKETIME_TIMESTAMP_FILE", clock.display().to_string()),
        ("FAKETIME_CACHE_DURATION", "1".to_owned()),
        ("FAKETIME_DONT_FAKE_MONOTONIC", "1".to_owned()),
    ];
    stack.kill_one("correlate");
    stack.restart();
    stack.environment.clear();
    let log = stack.log();
    let is_ahead = |seconds: i64| {
        let then = event::Time(jiff::Timestamp::now().as_millisecond() + 1000 * seconds).to_string();
        log.contains(&format!("\"@timestamp\":\"{}", then.get(..10).unwrap()))
    };
    assert!(is_ahead(172_800) || is_ahead(172_500), "its clock is ahead");
    pass(2000);
    std::fs::write(&clock, "+0").unwrap();
    pass(2000);
    stack.kill_one("correlate");
    stack.restart();
}

#[test]
fn whatever_happens_the_answer_is_that_of_one_process() {
    let reference = Reference::of(lines());
    let broker = Broker::start();
    if is_soak() {
        for (what, cause) in FAULTS {
            println!("{what}");
            let mut stack = reference.begin(CONFIG, Some(Arc::clone(&broker)));
            pass(2000);
            cause(&mut stack, &broker);
            reference.assert_same(&stack);
        }
        return;
    }
    let mut stack = reference.begin(CONFIG, Some(Arc::clone(&broker)));
    broker_goes_amid(&stack, &broker);
    kill_each(&mut stack, &broker);
    broker.kill_and_restart();
    for role in ["correlate", "collect"] {
        pass(700); // into the next batches
        stack.kill_one(role);
        stack.restart();
    }
    reference.assert_same(&stack);
}

#[test]
fn a_store_whose_disk_was_full_has_everything_when_it_has_room_again() {
    let reference = Reference::of(lines());
    let dir = tempfile::tempdir().unwrap();
    let engine = dir.path().join("data/engine");
    std::fs::create_dir_all(&engine).unwrap();
    reference.put_spool(&dir.path().join("data"));
    let mounted = Tmpfs::mount(&engine, if is_soak() { "600m" } else { "200m" });
    let broker = Broker::running();
    let mut stack = Stack::start_in(dir, CONFIG, Some(broker));
    let correlate = stack.addresses.correlate_health.unwrap();
    let ballast = engine.join("ballast");
    let block = vec![0u8; 1 << 16];
    // Merges give room back, which is taken again until the store says no.
    let full = wait(Duration::from_secs(60), || {
        let mut file = std::fs::OpenOptions::new().append(true).create(true).open(&ballast).unwrap();
        while file.write_all(&block).is_ok() {}
        (!is_ready(correlate)).then_some(())
    });
    assert!(full.is_some(), "readiness tells that the store takes nothing");
    assert!(stack.is_running());
    std::fs::remove_file(&ballast).unwrap();
    stack.wait_ready();
    reference.assert_same(&stack);
    stack.kill(); // before its disk goes
    drop(mounted);
}

/// Two network namespaces with a line between them; they go when this is dropped.
struct Line {
    ours: String,
    theirs: String,
}

impl Line {
    fn lay() -> Line {
        let number = std::process::id();
        let line = Line { ours: format!("haidang{number}a"), theirs: format!("haidang{number}b") };
        let (ours, theirs) = (line.ours.as_str(), line.theirs.as_str());
        ip(&["netns", "add", ours]);
        ip(&["netns", "add", theirs]);
        ip(&["-n", ours, "link", "add", "line", "type", "veth", "peer", "name", "line", "netns", theirs]);
        for (namespace, address) in [(ours, "10.231.7.1/24"), (theirs, "10.231.7.2/24")] {
            ip(&["-n", namespace, "address", "add", address, "dev", "line"]);
            ip(&["-n", namespace, "link", "set", "lo", "up"]);
            ip(&["-n", namespace, "link", "set", "line", "up"]);
        }
        line
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        for namespace in [&self.ours, &self.theirs] {
            let _ = Command::new("ip").args(["netns", "delete", namespace]).status();
        }
    }
}

fn ip(arguments: &[&str]) {
    let done = Command::new("ip").args(arguments).output().unwrap();
    assert!(
        done.status.success(),
        "ip {arguments:?}: {}; namespaces need root, as `make test` does for Debian's packages",
        String::from_utf8_lossy(&done.stderr)
    );
}

/// Runs itself again in a namespace of its own, with the broker in another.
#[test]
fn a_network_that_was_cut_changes_nothing() {
    const WITHIN: &str = "HAIDANG_BROKER_NAMESPACE";
    let within = std::env::vars().find(|(name, _)| name == WITHIN);
    if let Some((_, theirs)) = within {
        return cut_the_network(theirs);
    }
    let line = Line::lay();
    let done = Command::new("ip")
        .args(["netns", "exec", &line.ours])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "faults::a_network_that_was_cut_changes_nothing", "--nocapture"])
        .env(WITHIN, &line.theirs)
        .output()
        .unwrap();
    let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(done.status.success(), "{}\n{}", said(&done.stdout), said(&done.stderr));
    assert!(said(&done.stdout).contains("1 passed"), "{}", said(&done.stdout));
}

fn cut_the_network(theirs: String) {
    let reference = Reference::of(lines());
    let broker = Broker::start_at((IpAddr::from([10, 231, 7, 2]), Some(theirs)));
    let mut stack = reference.begin(CONFIG, Some(broker));
    let before = stack.client().count("");
    ip(&["link", "set", "line", "down"]);
    std::thread::sleep(trouble());
    let correlate = stack.addresses.correlate_health.unwrap();
    let told = wait(Duration::from_secs(20), || (!is_ready(correlate)).then_some(()));
    assert!(told.is_some(), "readiness tells that the brokers are cut off");
    let meanwhile = stack.client().count("");
    assert!(before < lines() as u64 && meanwhile < lines() as u64, "it was cut before the end: {meanwhile}");
    ip(&["link", "set", "line", "up"]);
    stack.wait_ready();
    reference.assert_same(&stack);
}

//! `kill -9` at random moments under load: what the spool had committed is stored exactly once, and windows go on.

use crate::stack::{Stack, is_about, wait};
use proptest::strategy::{Strategy as _, ValueTree as _};
use std::io::Write as _;
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

const ROUNDS: usize = 10;

/// Sends numbered lines as fast as they are taken until told to stop or cut off.
fn send_until(stop: &Arc<AtomicBool>, to: SocketAddr, marker: &str) {
    let Ok(mut stream) = TcpStream::connect(to) else { return };
    let mut number = 0u64;
    while !stop.load(Ordering::Relaxed) {
        let mut block = String::new();
        for _ in 0..50 {
            block.push_str(&format!("<13>Nov 23 10:00:00 kiemthu app[1]: marker-{marker} {number}\n"));
            number += 1;
        }
        if stream.write_all(block.as_bytes()).is_err() {
            return;
        }
        // A device's pace, so that the store is not yet behind when the blow falls.
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// How many lines of this marker a copy of the spool holds, as one past the highest number.
fn committed(stack: &Stack, marker: &str) -> u64 {
    let copy = tempfile::tempdir().unwrap();
    let from = stack.data().join("spool");
    let copied = std::process::Command::new("cp").arg("-r").arg(&from).arg(copy.path()).status().unwrap();
    assert!(copied.success());
    let config = collector::spool::Config::default();
    let (spool, _recovery) = collector::spool::Spool::open(&copy.path().join("spool"), &config).unwrap();
    let mut reader = spool.reader(0);
    let mut next = 0;
    let wanted = format!("marker-{marker} ");
    loop {
        let batch = reader.next_batch(10_000, 1 << 24, Duration::ZERO).unwrap();
        if batch.is_empty() {
            return next;
        }
        for record in batch.iter() {
            let line = String::from_utf8_lossy(record.line);
            if line.contains(&wanted) {
                let number: u64 = line.rsplit(' ').next().unwrap().parse().unwrap();
                next = next.max(number + 1);
            }
        }
    }
}

#[test]
fn what_the_spool_had_committed_is_stored_exactly_once_after_each_of_ten_kills() {
    let mut stack = Stack::start();
    let mut moments = proptest::test_runner::TestRunner::default();
    let mut total = 0;
    for round in 0..ROUNDS {
        let marker = format!("kill{round}");
        let stop = Arc::new(AtomicBool::new(false));
        let to = stack.addresses.tcp[0];
        let sender = std::thread::spawn({
            let (stop, marker) = (Arc::clone(&stop), marker.clone());
            move || send_until(&stop, to, &marker)
        });
        let ms = (150u64..2500).new_tree(&mut moments).unwrap().current();
        std::thread::sleep(Duration::from_millis(ms));
        let stored_before = stack.client().count(&format!("\"marker-{marker}\""));
        stack.kill();
        stop.store(true, Ordering::Relaxed);
        sender.join().unwrap();
        let in_spool = committed(&stack, &marker);
        let expected = in_spool.max(stored_before);
        stack.restart();
        let client = stack.client();
        client.wait_count(&format!("\"marker-{marker}\""), expected, Duration::from_secs(60));
        total += expected;
    }
    assert!(total > 1000, "the load was a load: {total} lines");
    let client = stack.client();
    client.wait_count("\"kiemthu\"", total, Duration::from_secs(30));
    // Exactly once: as many different lines as lines.
    let mut lines: Vec<String> = client
        .events("\"marker-kill0\"")
        .iter()
        .map(|event| event["event"]["original"].as_str().unwrap().to_owned())
        .collect();
    let all = lines.len();
    lines.sort();
    lines.dedup();
    assert_eq!(lines.len(), all, "no line twice");
}

fn failed_login(to: SocketAddr, n: u32) {
    let mut stream = TcpStream::connect(to).unwrap();
    let now = jiff::Timestamp::now();
    let line = format!(
        "<86>1 {now} cong-dvc sshd {} - - Failed password for quantri from 198.51.100.77 port {} ssh2\n",
        4000 + n,
        50_000 + n
    );
    stream.write_all(line.as_bytes()).unwrap();
}

#[test]
fn an_attack_split_across_a_restart_is_still_found() {
    find_what_a_restart_splits(Stack::start());
}

#[test]
fn an_attack_split_across_a_restart_is_still_found_through_kafka() {
    find_what_a_restart_splits(Stack::start_with_kafka());
}

fn find_what_a_restart_splits(mut stack: Stack) {
    for n in 0..3 {
        failed_login(stack.addresses.tcp[0], n);
    }
    let client = stack.client();
    client.wait_count("source.ip:198.51.100.77", 3, Duration::from_secs(20));
    assert!(client.incidents().is_empty(), "three failures alone are nothing");
    stack.kill_and_restart();
    for n in 3..6 {
        failed_login(stack.addresses.tcp[0], n);
    }
    let client = stack.client();
    client.wait_incident("the split brute force", |incident| is_about(incident, "198.51.100.77"));
    let one = wait(Duration::from_secs(3), || (client.incidents().len() > 1).then_some(()));
    assert!(one.is_none(), "one attack, one incident");
}

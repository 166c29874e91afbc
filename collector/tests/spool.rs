//! The spool under what a machine can do to it: kill -9, a torn tail, flipped bytes, a full disk.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // helpers of tests fail the test

use collector::spool::{Batch, Config, Error, Lines, Spool, State};
use event::{Time, Transport};
use std::fs::{self, OpenOptions};
use std::io::{BufRead, BufReader};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

const SOON: Duration = Duration::from_secs(20);

fn small() -> Config {
    Config { sync_ms: 1, segment_bytes: 4096, ..Config::default() }
}

fn lines<'l>(texts: impl IntoIterator<Item = &'l str>) -> Lines {
    let mut lines = Lines::new();
    for text in texts {
        lines.push(text.as_bytes(), Time(1), None, Transport::Tcp, 0);
    }
    lines
}

async fn put(spool: &Spool, texts: &[&str]) {
    let range = spool.append(&lines(texts.iter().copied())).await.unwrap();
    spool.durable(range.end).await.unwrap();
}

fn read(spool: &Spool, from: u64) -> Vec<(u64, String)> {
    let mut reader = spool.reader(from);
    let mut found = Vec::new();
    while reader.next_sequence() < spool.status().durable {
        let batch: Batch = reader.next_batch(7, 300, SOON).unwrap();
        if batch.is_empty() {
            break;
        }
        found.extend(batch.iter().map(|r| (r.sequence, String::from_utf8_lossy(r.line).into_owned())));
    }
    found
}

fn texts(found: &[(u64, String)]) -> Vec<&str> {
    found.iter().map(|(_, text)| text.as_str()).collect()
}

fn newest_with_lines(dir: &Path) -> PathBuf {
    let spools = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    let mut found: Vec<PathBuf> = spools
        .filter(|p| p.extension().is_some_and(|e| e == "spool") && fs::metadata(p).unwrap().len() > 16)
        .collect();
    found.sort();
    found.pop().unwrap()
}

#[tokio::test]
async fn lines_are_read_in_order_from_any_number_on_across_segments_and_restarts() {
    let dir = tempfile::tempdir().unwrap();
    let expected: Vec<String> = (0..500).map(|n| format!("line {n} {}", "x".repeat(n))).collect();
    for half in expected.chunks(250) {
        let (spool, _) = Spool::open(dir.path(), &small()).unwrap();
        for chunk in half.chunks(9) {
            put(&spool, &chunk.iter().map(String::as_str).collect::<Vec<_>>()).await;
        }
    }
    let (spool, recovery) = Spool::open(dir.path(), &small()).unwrap();
    assert!(recovery.segments > 10 && recovery.damage.is_empty(), "{recovery:?}");
    assert_eq!(texts(&read(&spool, 0)), expected);
    assert_eq!(texts(&read(&spool, 400)), expected[399..]);
    assert!(spool.forget_below(300).unwrap() > 5);
    let left = read(&spool, 0);
    assert!(left[0].0 > 1 && left[0].0 <= 300 && left.last().unwrap().0 == 500);
}

#[tokio::test]
async fn numbers_never_go_back_even_after_everything_is_forgotten() {
    let dir = tempfile::tempdir().unwrap();
    let (spool, _) = Spool::open(dir.path(), &small()).unwrap();
    put(&spool, &["a", "b", "c"]).await;
    drop(spool);
    for _ in 0..3 {
        let (spool, _) = Spool::open(dir.path(), &small()).unwrap();
        spool.forget_below(u64::MAX).unwrap();
        assert_eq!(spool.status().accepted, 4);
    }
    let (spool, _) = Spool::open(dir.path(), &small()).unwrap();
    put(&spool, &["d"]).await;
    assert_eq!(read(&spool, 0), [(4, "d".to_owned())]);
}

#[test]
fn a_second_process_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let (_spool, _) = Spool::open(dir.path(), &small()).unwrap();
    assert!(matches!(Spool::open(dir.path(), &small()), Err(Error::InUse(_))));
}

#[tokio::test]
async fn a_torn_tail_is_quarantined_and_its_numbers_are_not_given_again() {
    let dir = tempfile::tempdir().unwrap();
    let (spool, _) = Spool::open(dir.path(), &small()).unwrap();
    put(&spool, &["whole", "torn"]).await;
    drop(spool);
    let path = newest_with_lines(dir.path());
    let length = fs::metadata(&path).unwrap().len();
    OpenOptions::new().write(true).open(&path).unwrap().set_len(length - 2).unwrap();
    let (spool, recovery) = Spool::open(dir.path(), &small()).unwrap();
    assert_eq!(recovery.damage.len(), 1);
    assert_eq!((recovery.records, recovery.damage[0].bytes), (1, 32), "{recovery:?}");
    assert_eq!(fs::read_dir(dir.path().join("quarantine")).unwrap().count(), 1);
    put(&spool, &["next"]).await;
    let found = read(&spool, 0);
    assert_eq!(texts(&found), ["whole", "next"]);
    assert!(found[1].0 > 2, "{found:?}");
}

#[tokio::test]
async fn a_flipped_byte_costs_one_line_in_the_newest_and_in_an_older_segment() {
    for older in [false, true] {
        let dir = tempfile::tempdir().unwrap();
        let (spool, _) = Spool::open(dir.path(), &small()).unwrap();
        put(&spool, &["one", "two", "three"]).await;
        drop(spool);
        let path = newest_with_lines(dir.path());
        if older {
            let (spool, _) = Spool::open(dir.path(), &small()).unwrap();
            put(&spool, &["four"]).await;
        }
        let file = OpenOptions::new().read(true).write(true).open(&path).unwrap();
        file.write_all_at(b"!", 16 + 33 + 30).unwrap(); // the first letter of "two"
        let (spool, recovery) = Spool::open(dir.path(), &small()).unwrap();
        assert_eq!(recovery.damage.len(), usize::from(!older), "{recovery:?}");
        let expected: &[&str] = if older { &["one", "three", "four"] } else { &["one", "three"] };
        assert_eq!(texts(&read(&spool, 0)), expected);
    }
}

#[tokio::test]
async fn a_full_queue_refuses_and_a_full_spool_goes_on_once_lines_are_forgotten() {
    let dir = tempfile::tempdir().unwrap();
    let config = Config { bytes_max: 4000, queue_bytes_max: 2000.try_into().unwrap(), ..small() };
    let (spool, _) = Spool::open(dir.path(), &config).unwrap();
    let big = "x".repeat(400);
    let batch = lines([big.as_str()]);
    while spool.status().state != State::AtLimit {
        let _ = spool.try_append(&batch); // refused or not, the spool fills
        tokio::task::yield_now().await;
    }
    while spool.try_append(&batch).is_ok() {}
    assert!(matches!(spool.try_append(&batch), Err(Error::Full)));
    let mut taken = 0;
    while taken < 30 {
        let done = spool.status().durable;
        match tokio::time::timeout(Duration::from_millis(300), spool.append(&batch)).await {
            Ok(range) => taken = range.unwrap().end,
            Err(_) => {
                assert_eq!(spool.status().state, State::AtLimit);
                assert!(spool.status().disk_bytes <= 4000 + 64);
                spool.forget_below(done).unwrap();
            }
        }
    }
    assert!(taken >= 30);
}

#[tokio::test]
async fn a_full_disk_pushes_back_loses_nothing_and_goes_on_when_there_is_space() {
    let dir = tempfile::tempdir().unwrap();
    let mount = dir.path().join("disk");
    fs::create_dir(&mount).unwrap();
    let mounted =
        Command::new("mount").args(["-t", "tmpfs", "-o", "size=256k", "tmpfs"]).arg(&mount).status();
    assert!(mounted.is_ok_and(|status| status.success()), "this test mounts a small tmpfs and needs root");
    struct Mounted(PathBuf);
    impl Drop for Mounted {
        fn drop(&mut self) {
            let _ = Command::new("umount").arg("-l").arg(&self.0).status();
        }
    }
    let _mounted = Mounted(mount.clone());
    let config = Config { queue_bytes_max: 65_536.try_into().unwrap(), segment_bytes: 65_536, ..small() };
    fs::write(mount.join("ballast"), vec![0; 100 * 1024]).unwrap();
    let (spool, _) = Spool::open(&mount.join("spool"), &config).unwrap();
    let big = "x".repeat(1000);
    let mut sent = 0_u64;
    while !matches!(spool.status().state, State::Failing(_)) {
        if spool.try_append(&lines([format!("{sent} {big}").as_str()])).is_ok() {
            sent += 1;
        }
        tokio::task::yield_now().await;
    }
    fs::remove_file(mount.join("ballast")).unwrap();
    spool.durable(sent + 1).await.unwrap();
    assert_eq!(spool.status().state, State::Writing);
    let found = read(&spool, 0);
    let numbers: Vec<u64> =
        found.iter().map(|(_, t)| t.split(' ').next().unwrap().parse().unwrap()).collect();
    assert_eq!(numbers, (0..sent).collect::<Vec<_>>());
}

/// Not a test of its own: what [`kill_9_loses_no_durable_line_and_doubles_none`] runs as a child and kills.
#[tokio::test]
async fn child_appends_until_it_is_killed() {
    let Some(dir) = std::env::var_os("SPOOL_TEST_DIR") else { return };
    let config = Config { sync_ms: 2, segment_bytes: 200_000, ..Config::default() };
    let (spool, _) = Spool::open(Path::new(&dir), &config).unwrap();
    let start = spool.status().accepted;
    for n in start.. {
        let texts: Vec<String> = (0..20).map(|part| format!("{n}.{part}")).collect();
        let range = spool.append(&lines(texts.iter().map(String::as_str))).await.unwrap();
        if n % 16 == 0 {
            spool.durable(range.end).await.unwrap();
            println!("durable {} {n}", range.start);
        }
    }
}

#[test]
fn kill_9_loses_no_durable_line_and_doubles_none() {
    let dir = tempfile::tempdir().unwrap();
    let mut promised: Vec<(u64, String)> = Vec::new();
    for round in 0..10 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "child_appends_until_it_is_killed", "--nocapture"])
            .env("SPOOL_TEST_DIR", dir.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = BufReader::new(child.stdout.take().unwrap()).lines();
        for _ in 0..20 + round * 7 {
            let Some(line) = said.next() else { break };
            note(&line.unwrap(), &mut promised);
        }
        child.kill().unwrap(); // SIGKILL
        said.map_while(Result::ok).for_each(|line| note(&line, &mut promised));
        child.wait().unwrap();
    }
    assert!(promised.len() > 200, "{}", promised.len());
    let (spool, _) = Spool::open(dir.path(), &Config::default()).unwrap();
    let found = read(&spool, 0);
    assert!(found.windows(2).all(|pair| pair[0].0 < pair[1].0), "numbers only grow");
    let by_number: std::collections::HashMap<u64, &str> =
        found.iter().map(|(n, t)| (*n, t.as_str())).collect();
    assert_eq!(by_number.len(), found.len());
    for (sequence, text) in &promised {
        for part in 0..20 {
            assert_eq!(by_number.get(&(sequence + part)).copied(), Some(format!("{text}.{part}").as_str()));
        }
    }
}

fn note(line: &str, promised: &mut Vec<(u64, String)>) {
    if let Some((sequence, n)) = line.strip_prefix("durable ").and_then(|rest| rest.split_once(' ')) {
        promised.push((sequence.parse().unwrap(), n.to_owned()));
    }
}

//! What survives when the engine, or its supervisor, dies.

use crate::events::event;
use crate::live::{Live, config, program};
use event::Event;
use std::process::Command;
use store::engine::{Config, ServeOptions, Supervisor};

const NOON: i64 = 1_790_000_000_000;

fn kill(pid: u32) {
    assert_ne!(pid, 0, "there is no process to kill");
    assert!(Command::new("kill").args(["-9", &pid.to_string()]).status().unwrap().success());
}

#[tokio::test(flavor = "multi_thread")]
async fn kill_9_during_inserts_loses_and_doubles_nothing() {
    let live = Live::start().await;
    live.events.migrate().await.unwrap();
    let mut pid = live.supervisor.as_ref().unwrap().pid();
    let mut kills = 0;
    for batch in 0..40u64 {
        let events: Vec<Event> = (batch * 2000..(batch + 1) * 2000).map(|n| event(n, NOON)).collect();
        let token = format!("batch-{batch}");
        if batch % 10 == 5 {
            let victim = pid;
            let cut = tokio::spawn(async move {
                // Somewhere within the insert, at a place that differs from run to run.
                tokio::time::sleep(std::time::Duration::from_millis(batch)).await;
                kill(victim);
            });
            let _ = live.events.insert(&events, &token).await; // whether it was acknowledged or not, it is repeated
            cut.await.unwrap();
            kills += 1;
        }
        while live.events.insert(&events, &token).await.is_err() {
            tokio::task::yield_now().await;
        }
        pid = live.supervisor.as_ref().unwrap().pid();
    }
    let sql = "SELECT count(), uniqExact(id_high, id_low) FROM events";
    let counts: (u64, u64) = live.events.client().query_raw(sql).fetch_one().await.unwrap();
    assert_eq!((counts, kills), ((80_000, 80_000), 4));
    assert_eq!(live.supervisor.as_ref().unwrap().starts(), 5);
    live.stop().await;
}

#[tokio::test]
async fn the_engine_ends_with_its_supervisor() {
    let live = Live::start().await;
    let pid = live.supervisor.as_ref().unwrap().pid();
    let process = format!("/proc/{pid}");
    assert!(std::path::Path::new(&process).exists());
    let socket = live.options.socket.clone();
    live.stop().await;
    assert!(!std::path::Path::new(&process).exists());
    assert!(!socket.exists(), "the socket is taken away");
}

#[tokio::test]
async fn an_engine_whose_standard_input_ends_stops_cleanly() {
    let folder = tempfile::tempdir().unwrap();
    let options = ServeOptions::within(folder.path(), &config());
    let mut child = tokio::process::Command::new(program().executable)
        .arg(options.to_argument().unwrap())
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut ready = tokio::io::BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    tokio::io::AsyncBufReadExt::read_line(&mut ready, &mut line).await.unwrap();
    assert_eq!(line, "ready\n");
    drop(child.stdin.take());
    assert_eq!(child.wait().await.unwrap().code(), Some(0), "no segmentation fault on the way out");
}

#[tokio::test]
async fn a_missing_library_is_told_with_the_way_to_get_it() {
    let folder = tempfile::tempdir().unwrap();
    let missing = Config { library: Some(folder.path().join("none.so")), ..Config::default() };
    let started = Supervisor::start(program(), &ServeOptions::within(folder.path(), &missing)).await;
    let error = started.err().unwrap().to_string();
    assert!(error.contains("none.so") && error.contains("npm ci --prefix deploy/engine"), "{error}");
}

#[tokio::test]
async fn a_second_engine_waits_until_the_first_has_left_the_folder() {
    let live = Live::start().await;
    let options =
        ServeOptions { socket: live.options.socket.with_extension("second"), ..live.options.clone() };
    let first_leaves = async {
        let one: u8 = live.client().query("SELECT 1").fetch_one().await.unwrap();
        assert_eq!(one, 1);
        assert!(!options.socket.exists(), "two engines have one folder");
        let Live { supervisor, _folder, .. } = live;
        supervisor.unwrap().stop().await;
        _folder
    };
    let (second, _folder) = tokio::join!(Supervisor::start(program(), &options), first_leaves);
    second.ok().unwrap().stop().await;
}

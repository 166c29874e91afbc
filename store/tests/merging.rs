//! Merges wait for whoever is behind with inserts, and are made up for afterwards.

use crate::events::event;
use crate::live::{Live, config};
use std::time::{Duration, Instant};
use store::engine::Config;

const NOON: i64 = 1_790_000_000_000;
/// So many parts that were never merged stand side by side only if merges wait.
const WAITING: u64 = 30;

async fn parts(live: &Live, condition: &str) -> u64 {
    let sql = format!("SELECT count() FROM system.parts WHERE active AND table = 'events' AND {condition}");
    live.events.client().query_raw(&sql).fetch_one().await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn merges_wait_while_inserts_are_behind_and_go_on_when_they_are_not() {
    let live = Live::start_with(Config { parts_waiting_max: 2 * WAITING, ..config() }).await;
    live.events.migrate().await.unwrap();
    let begun = Instant::now();
    let mut inserted = 0;
    while parts(&live, "level = 0").await < WAITING {
        assert!(begun.elapsed() < Duration::from_secs(60), "merges did not wait");
        let mut batch = live.events.batch();
        batch.add(&event(inserted, NOON));
        batch.set_behind();
        live.events.insert_batch(&mut batch, &format!("batch-{inserted}")).await.unwrap();
        inserted += 1;
    }
    let begun = Instant::now();
    while parts(&live, "1").await >= WAITING / 2 {
        assert!(begun.elapsed() < Duration::from_secs(60), "merges did not go on");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let count: u64 = live.events.client().query_raw("SELECT count() FROM events").fetch_one().await.unwrap();
    assert_eq!(count, inserted);
    live.stop().await;
}

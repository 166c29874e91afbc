//! Merges wait for whoever is behind with inserts, and are made up for afterwards.

use crate::events::event;
use crate::live::{Live, config};
use std::time::{Duration, Instant};
use store::engine::Config;

const NOON: i64 = 1_790_000_000_000;
/// So many parts that were never merged stand side by side only if merges wait.
const WAITING: u64 = 30;

async fn insert_behind(live: &Live, number: u64, time: i64) {
    let mut batch = live.events.batch();
    batch.add(&event(number, time));
    batch.set_behind();
    live.events.insert_batch(&mut batch, &format!("batch-{number}")).await.unwrap();
}

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
        insert_behind(&live, inserted, NOON).await;
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

/// Old lines come to many days at once: none of them has the parts that one day may have, all together have too many.
#[tokio::test(flavor = "multi_thread")]
async fn merges_go_on_while_inserts_are_behind_where_many_days_have_a_few_parts_each() {
    const DAYS: u64 = 8;
    const DAY_MS: i64 = 86_400_000;
    let live = Live::start_with(Config { parts_waiting_max: 40, ..config() }).await;
    live.events.migrate().await.unwrap();
    let time = |number: u64| NOON - i64::try_from(number % DAYS).unwrap() * DAY_MS;
    let begun = Instant::now();
    let mut inserted = 0;
    while parts(&live, "level = 0").await < 15 * DAYS {
        assert!(begun.elapsed() < Duration::from_secs(60), "merges did not wait");
        insert_behind(&live, inserted, time(inserted)).await;
        inserted += 1;
    }
    let begun = Instant::now();
    while parts(&live, "level = 0").await >= 5 * DAYS {
        assert!(begun.elapsed() < Duration::from_secs(60), "merges did not go on");
        // A repeat is behind too, and adds nothing: a day never has as many parts as one day may have.
        insert_behind(&live, inserted, time(inserted)).await;
        inserted = (inserted + 1).min(25 * DAYS);
    }
    live.stop().await;
}

//! How long rows are kept, and what is said of who sent when, on the real engine.

use crate::events::{event, event_received};
use crate::live::{Live, config};
use compliance::{Period, days_kept};
use event::{Event, Field, Time, Value};

const DAY_MS: i64 = 86_400_000;

fn now() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}

/// An event of this system, machine and level.
fn of(sequence: u64, time: i64, system: &str, asset: &str, level: i64) -> Event {
    with(event(sequence, time), system, asset, level)
}

fn with(mut made: Event, system: &str, asset: &str, level: i64) -> Event {
    made.set(Field::HAIDANG_SYSTEM_ID, Value::Text(system));
    made.set(Field::HAIDANG_ASSET_ID, Value::Text(asset));
    if level > 0 {
        made.set(Field::HAIDANG_SYSTEM_LEVEL, Value::Long(level));
    }
    made
}

async fn ready() -> Live {
    let live = Live::start_keeping(config(), store::events::Config::default()).await;
    live.events.migrate().await.unwrap();
    live
}

async fn number(live: &Live, sql: &str) -> u64 {
    live.events.client().query_raw(sql).fetch_one().await.unwrap()
}

#[tokio::test]
async fn a_row_is_kept_as_its_level_asks_and_longer_once_the_level_is_raised() {
    let live = ready().await;
    live.events.client().query_raw("SYSTEM STOP TTL MERGES events").execute().await.unwrap();
    // Forty days ago: past what level 2 asks, well within what level 3 does.
    let old = now() - 40 * DAY_MS;
    let of = |sequence: u64, time: i64, system: &str, level: i64| {
        with(event_received(sequence, time, time + 1000), system, "may", level)
    };
    let mut all: Vec<Event> =
        (0..6).map(|level| of(level, now(), "he-thong", i64::try_from(level).unwrap())).collect();
    all.extend((10..15).map(|n| of(n, old, "nang-cap", 2)));
    all.extend((20..25).map(|n| of(n, old, "giu-nguyen", 2)));
    // One row of that day stays, or the engine drops the part as a whole.
    all.push(of(30, old, "con-han", 5));
    live.events.insert(&all, "levels").await.unwrap();

    let sql = "SELECT groupArray(keep_days) FROM (SELECT keep_days FROM events WHERE haidang_system_id = 'he-thong' \
               ORDER BY coalesce(haidang_system_level, 0))";
    let kept: Vec<u16> = live.events.client().query_raw(sql).fetch_one().await.unwrap();
    let day: u16 = live
        .events
        .client()
        .query_raw("SELECT toUInt16(any(day)) FROM events WHERE haidang_system_id = 'he-thong'")
        .fetch_one()
        .await
        .unwrap();
    let day = compliance::Date::constant(1970, 1, 1).checked_add(jiff::ToSpan::days(i64::from(day))).unwrap();
    let law = [1, 3, 6, 12].map(|months| days_kept(day, months));
    assert_eq!(kept, [365, 31, law[0], law[1], law[2], law[3]]);

    let months = [("nang-cap".to_owned(), 3), ("giu-nguyen".to_owned(), 1), ("lạ'\\".to_owned(), 12)];
    let held = live.events.held(&months).await.unwrap();
    assert_eq!((held["nang-cap"].short, held["giu-nguyen"].short), (5, 0));
    assert_eq!(live.events.lengthen(&months).await.unwrap(), 5);
    assert_eq!(live.events.lengthen(&months).await.unwrap(), 0);
    assert_eq!(live.events.held(&months).await.unwrap()["nang-cap"].short, 0);
    live.events.client().query_raw("SYSTEM START TTL MERGES events").execute().await.unwrap();
    live.events.client().query_raw("OPTIMIZE TABLE events FINAL").execute().await.unwrap();
    let left = "SELECT count() FROM events WHERE haidang_system_id = ";
    assert_eq!(number(&live, &format!("{left}'giu-nguyen'")).await, 0, "what may go has gone");
    assert_eq!(number(&live, &format!("{left}'nang-cap'")).await, 5, "what must stay is there");
    live.stop().await;
}

#[tokio::test]
async fn the_store_counts_days_as_the_law_does() {
    let live = ready().await;
    // Every day of two years, one of them a leap year; months given for the one system.
    let sql = "SELECT toUInt16(toDate('2023-01-01') + number) FROM numbers(1)";
    let first: u16 = live.events.client().query_raw(sql).fetch_one().await.unwrap();
    for months in [1u16, 3, 6, 12] {
        let sql = format!(
            "SELECT groupArray(toUInt16(dateDiff('day', day, greatest(addMonths(day, {months}), addMonths(day + 1, {months})) + 1))) \
             FROM (SELECT toDate('2023-01-01') + number AS day FROM numbers(731))"
        );
        let theirs: Vec<u16> = live.events.client().query_raw(&sql).fetch_one().await.unwrap();
        for (number, theirs) in (0i64..).zip(theirs) {
            let day = compliance::Date::constant(1970, 1, 1)
                .checked_add(jiff::ToSpan::days(i64::from(first) + number))
                .unwrap();
            assert_eq!(theirs, days_kept(day, months), "{day} + {months}");
        }
    }
    live.stop().await;
}

#[tokio::test]
async fn who_sent_when_is_told_by_minute_and_by_machine() {
    let live = Live::start().await;
    live.events.migrate().await.unwrap();
    // What is told here is of 2026, and the small tables keep it for 800 days.
    live.events.client().query_raw("SYSTEM STOP TTL MERGES").execute().await.unwrap();
    let time = |text: &str| Time::parse(text).unwrap();
    // Received at 2026-09-21T14:13:21Z, all of them.
    let mut all = Vec::new();
    for (n, at) in
        ["2026-09-20T17:00:30Z", "2026-09-20T17:05:00Z", "2026-09-21T10:00:00Z", "2026-09-21T14:13:20Z"]
            .into_iter()
            .enumerate()
    {
        all.push(of(n as u64, time(at).0, "mot-cua", "web", 3));
    }
    all.push(of(9, time("2026-09-21T14:13:50Z").0, "mot-cua", "db", 3)); // its clock is 29 s ahead
    live.events.insert(&all, "activity").await.unwrap();
    live.events.insert(&all, "activity").await.unwrap(); // a repeat moves no minute
    let day = "2026-09-21".parse().unwrap();
    let period = Period { first: day, last: day };
    let days = live.events.days_of_logs(period).await.unwrap();
    let found = days["mot-cua"][0];
    assert_eq!(days["mot-cua"].len(), 1);
    assert_eq!((found.first, found.last), (time("2026-09-20T17:00:00Z"), time("2026-09-21T14:13:00Z")));
    assert_eq!(found.gap, (time("2026-09-20T17:05:00Z"), time("2026-09-21T10:00:00Z")));
    let assets = live.events.asset_logs(period).await.unwrap();
    assert!(assets["web"].events >= 4 && assets["db"].events >= 1, "{assets:?}");
    assert!((assets["db"].skew_s + 29.0).abs() < 0.01, "{:?}", assets["db"]);
    let before = Period { first: "2026-09-20".parse().unwrap(), last: "2026-09-20".parse().unwrap() };
    assert!(live.events.days_of_logs(before).await.unwrap().is_empty());

    let mut update = event(30, time("2026-09-21T14:00:00Z").0);
    for (field, text) in [
        (Field::EVENT_MODULE, "clamav"),
        (Field::HOST_NAME, "PC-7"),
        (Field::EVENT_ACTION, "signatures-updated"),
    ] {
        update.set(field, Value::Text(text));
    }
    let mut found = event(31, time("2026-09-21T14:10:00Z").0);
    for (field, text) in [
        (Field::EVENT_MODULE, "clamav"),
        (Field::HOST_NAME, "pc-7"),
        (Field::EVENT_ACTION, "threat-detected"),
    ] {
        found.set(field, Value::Text(text));
    }
    live.events.insert(&[update, found], "antivirus").await.unwrap();
    let told = live.events.antivirus().await.unwrap()["pc-7"];
    assert_eq!(
        (told.seen, told.updated),
        (Some(time("2026-09-21T14:10:00Z")), Some(time("2026-09-21T14:00:00Z")))
    );
    // As it was at moments before: between the two, right after, long after, and before either.
    let at = async |text: &str| live.events.antivirus_before(time(text), 15).await.unwrap();
    let earlier = at("2026-09-21T14:05:00Z").await["pc-7"];
    assert_eq!((earlier.seen, earlier.updated), (told.updated, told.updated));
    assert_eq!(at("2026-09-21T14:11:00Z").await["pc-7"], told);
    assert_eq!(at("2026-10-21T14:11:00Z").await["pc-7"], told);
    assert!(!at("2026-09-21T14:00:00Z").await.contains_key("pc-7"));
    live.stop().await;
}

//! The bridge as the `clickhouse` crate sees it, and the traps of the engine behind it.

use crate::live::{Live, config};
use clickhouse::Row;
use serde::{Deserialize, Serialize};
use store::engine::Config;

#[derive(Clone, Debug, PartialEq, Row, Serialize, Deserialize)]
struct Line {
    number: u64,
    text: String,
}

fn lines(count: u64) -> Vec<Line> {
    (0..count).map(|number| Line { number, text: format!("dòng\n\n\0{number}") }).collect()
}

async fn insert(client: &clickhouse::Client, lines: &[Line]) -> clickhouse::error::Result<()> {
    let mut insert = client.insert::<Line>("t").await?;
    for line in lines {
        insert.write(line).await?;
    }
    insert.end().await
}

#[tokio::test]
async fn rows_go_in_and_come_out_with_and_without_validation() {
    let live = Live::start().await;
    let client = live.client();
    client
        .query("CREATE TABLE t (number UInt64, text String) ENGINE = MergeTree ORDER BY number")
        .execute()
        .await
        .unwrap();
    let written = lines(100_000);
    insert(&client, &written).await.unwrap();
    let read: Vec<Line> = client.query("SELECT ?fields FROM t ORDER BY number").fetch_all().await.unwrap();
    assert!(read == written, "validated rows differ");
    let plain = client.clone().with_validation(false);
    let read: Vec<Line> = plain.query("SELECT ?fields FROM t ORDER BY number").fetch_all().await.unwrap();
    assert!(read == written, "plain rows differ");
    insert(&plain, &written).await.unwrap();
    let count: u64 = client
        .query("SELECT count() FROM t WHERE text = {text:String}")
        .param("text", "dòng\n\n\0{7}".replace("{7}", "7"))
        .fetch_one()
        .await
        .unwrap();
    assert_eq!(count, 2);
    live.stop().await;
}

/// The engine's answer to a statement that must fail.
async fn fault(query: clickhouse::query::Query) -> String {
    query.execute().await.unwrap_err().to_string()
}

async fn table(live: &Live) -> clickhouse::Client {
    let client = live.client();
    let sql = "CREATE TABLE t (number UInt64, text String) ENGINE = MergeTree ORDER BY number";
    client.query(sql).execute().await.unwrap();
    client
}

async fn count(client: &clickhouse::Client) -> u64 {
    client.query("SELECT count() FROM t").fetch_one().await.unwrap()
}

#[tokio::test]
async fn inline_data_cannot_carry_a_second_statement() {
    let live = Live::start().await;
    let client = table(&live).await;
    for sql in [
        "INSERT INTO t FORMAT TabSeparated\n1\ta\n\nDROP TABLE t",
        "/* c */ INSERT INTO t FORMAT TabSeparated\n1\ta\n\nDROP TABLE t",
        "SELECT 1; DROP TABLE t",
        "DROP TABLE t; SELECT 1",
    ] {
        let error = fault(client.query_raw(sql)).await;
        assert!(error.contains("Code: 62"), "{sql}: {error}");
    }
    assert_eq!(count(&client).await, 0);
    live.stop().await;
}

#[tokio::test]
async fn statements_that_do_not_stream_are_answered_whole() {
    let live = Live::start().await;
    let client = table(&live).await;
    let tables: Vec<String> = client.query("SHOW TABLES").fetch_all().await.unwrap();
    assert_eq!(tables, ["t"]);
    let made: String = client.query("SHOW CREATE TABLE t").fetch_one().await.unwrap();
    assert!(made.contains("MergeTree"));
    let numbers: Vec<u64> = client.query("SELECT number FROM numbers(300000)").fetch_all().await.unwrap();
    assert!(numbers.iter().copied().eq(0..300_000), "the header of later pieces is taken away");
    live.stop().await;
}

#[tokio::test]
async fn a_setting_holds_for_its_request_only() {
    let live = Live::start().await;
    let client = live.client();
    let threads = "SELECT toUInt64(getSetting('max_threads')), getSetting('async_insert')";
    let set: (u64, bool) = client.query(threads).with_setting("max_threads", "1").fetch_one().await.unwrap();
    let after: (u64, bool) = client.query(threads).fetch_one().await.unwrap();
    assert_eq!((set, after), ((1, false), (2, false)));
    let refused = fault(client.query("SELECT 1").with_setting("allow_ddl", "1")).await;
    assert!(refused.contains("allow_ddl"), "{refused}");
    live.stop().await;
}

#[tokio::test]
async fn a_reader_can_only_read() {
    let live = Live::start().await;
    let client = table(&live).await.with_setting("readonly", "1");
    for sql in [
        "DROP TABLE t",
        "INSERT INTO t VALUES (1, 'a')",
        "SYSTEM RELOAD CONFIG",
        "KILL QUERY WHERE 1",
        "SELECT 1 INTO OUTFILE '/tmp/haidang-none'",
        "SET max_threads = 1",
        "SELECT * FROM file('/etc/passwd', 'LineAsString')",
        "SELECT * FROM url('http://127.0.0.1:9/', 'LineAsString')",
    ] {
        assert!(client.query_raw(sql).execute().await.is_err(), "{sql}");
    }
    assert_eq!(count(&client).await, 0);
    live.stop().await;
}

#[tokio::test]
async fn a_query_that_fails_after_it_began_is_an_error() {
    let live = Live::start().await;
    let sql = "SELECT throwIf(number = 3000000, 'too far') + number AS n FROM numbers(4000000)";
    let mut rows = live.client().query(sql).with_setting("max_block_size", "1000").fetch::<u64>().unwrap();
    let (read, error) = until_error(&mut rows).await;
    let again: Result<u8, _> = live.client().query("SELECT 1").fetch_one().await;
    assert!(again.is_ok(), "the engine lives on: {again:?}");
    assert!(read > 0 && error.contains("too far"), "{read} {error}");
    live.stop().await;
}

async fn until_error(rows: &mut clickhouse::query::RowCursor<u64>) -> (u64, String) {
    let mut read = 0;
    loop {
        match rows.next().await {
            Ok(Some(_)) => read += 1,
            Ok(None) => return (read, String::new()),
            Err(error) => return (read, error.to_string()),
        }
    }
}

#[tokio::test]
async fn a_query_whose_client_left_is_stopped() {
    let live = Live::start().await;
    let client = live.client();
    let sql = "SELECT count() FROM numbers(1000000000000) WHERE cityHash64(number) = 1";
    let long = client.query(sql).with_setting("query_id", "left-alone");
    let task = tokio::spawn(async move { long.fetch_one::<u64>().await });
    let running = "SELECT count() FROM system.processes WHERE Settings['log_comment'] = 'left-alone'";
    while client.query(running).fetch_one::<u64>().await.unwrap() == 0 {}
    task.abort();
    while client.query(running).fetch_one::<u64>().await.unwrap() > 0 {}
    live.stop().await;
}

/// The stop of a query whose client left must not reach what the same session runs next.
#[tokio::test]
async fn a_query_whose_client_left_takes_no_other_with_it() {
    let live = Live::start_with(Config { queries_max: 1, ..config() }).await;
    let client = table(&live).await;
    insert(&client, &lines(10)).await.unwrap();
    for round in 0..500 {
        // One piece, then the end: the client is gone at about the moment at which the query is.
        let left = client.query("SELECT number FROM numbers(3)").fetch_one::<u64>().await;
        assert_eq!(left.unwrap(), 0);
        let next = client.query(&format!("ALTER TABLE t FREEZE WITH NAME 'next{round}'")).execute().await;
        assert!(next.is_ok(), "round {round}: {next:?}");
    }
    live.stop().await;
}

#[tokio::test]
async fn an_insert_that_breaks_off_leaves_nothing() {
    let live = Live::start().await;
    let client = table(&live).await;
    let mut half = client.insert::<Line>("t").await.unwrap();
    for line in lines(50_000) {
        half.write(&line).await.unwrap();
    }
    drop(half);
    insert(&client, &lines(10)).await.unwrap();
    assert_eq!(count(&client).await, 10);
    live.stop().await;
}

#[tokio::test]
async fn the_engine_takes_the_limits_that_it_is_given() {
    let live = Live::start().await;
    let sql = "SELECT name, value FROM system.server_settings WHERE name IN ('max_server_memory_usage', \
               'mark_cache_size', 'background_pool_size') ORDER BY name";
    let set: Vec<(String, String)> = live.client().query(sql).fetch_all().await.unwrap();
    let expected = [
        ("background_pool_size", "2"),
        ("mark_cache_size", "67108864"),
        ("max_server_memory_usage", "1610612736"),
    ];
    let expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert_eq!(set, expected);
    let error = fault(live.client().query("SELECT groupArray(number) FROM numbers(1000000000)")).await;
    assert!(error.contains("MEMORY_LIMIT"), "{error}");
    live.stop().await;
}

#[tokio::test]
async fn the_socket_is_for_this_user_only() {
    use std::os::unix::fs::PermissionsExt as _;
    let live = Live::start().await;
    let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&live.options.socket), mode(&live.options.data)), (0o600, 0o700));
    live.stop().await;
}

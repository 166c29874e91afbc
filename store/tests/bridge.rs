//! The bridge as the `clickhouse` crate sees it, and the traps of the engine behind it.

use crate::live::Live;
use clickhouse::Row;
use serde::{Deserialize, Serialize};

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

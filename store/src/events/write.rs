//! Events go in: one insert for each day, in the engine's own format, with a token that makes a repeat add nothing.

use super::block::{self, Block};
use super::row::{self, Scratch};
use super::{Events, EventsError};
use bytes::Bytes;
use event::{Event, Field};
use std::collections::BTreeMap;

/// How much of a block is handed to the connection at once.
const PIECE_BYTES: usize = 1 << 20;

impl Events {
    /// Stores the events. `token` names the batch: the same batch with the same token adds nothing again, also where
    /// only a part of it was stored before. Once this returns the events are durable (see [`super::Config::fsync`]).
    ///
    /// # Errors
    /// The store refuses or does not answer: repeat with the same events, in the same order, and the same token.
    pub async fn insert(&self, events: &[Event], token: &str) -> Result<(), EventsError> {
        let mut blocks: BTreeMap<u16, (u32, Block)> = BTreeMap::new();
        let mut scratch = Scratch::default();
        for event in events {
            let day = row::day(event);
            let level = event.long(Field::HAIDANG_SYSTEM_LEVEL).and_then(|level| usize::try_from(level).ok());
            let keep = self.config.keep_days;
            let keep_days = level.and_then(|level| keep.get(level)).unwrap_or(&keep[0]);
            let (part, block) = blocks.entry(day).or_insert_with(|| (0, Block::new()));
            row::write(event, day, *keep_days, &mut scratch, block);
            if block.rows() >= self.config.insert_rows_max || block.bytes() >= self.config.insert_bytes_max {
                let full = std::mem::replace(block, Block::new());
                let number = *part;
                *part += 1;
                self.send(full, &format!("{token}-{day}-{number}")).await?;
            }
        }
        for (day, (part, block)) in blocks {
            if block.rows() > 0 {
                self.send(block, &format!("{token}-{day}-{part}")).await?;
            }
        }
        Ok(())
    }

    async fn send(&self, block: Block, token: &str) -> Result<(), EventsError> {
        let sql = format!("INSERT INTO events ({}) FORMAT Native", block::names());
        let mut insert = self
            .client
            .insert_formatted_with(sql)
            .with_setting("insert_deduplication_token", token)
            .with_setting("insert_deduplicate", "1");
        let mut small = Vec::with_capacity(PIECE_BYTES + PIECE_BYTES / 4);
        for piece in block.finish() {
            if small.len() + piece.len() > PIECE_BYTES && !small.is_empty() {
                insert.send(Bytes::from(std::mem::take(&mut small))).await?;
            }
            if piece.len() > PIECE_BYTES {
                let mut rest = Bytes::from(piece);
                while !rest.is_empty() {
                    insert.send(rest.split_to(rest.len().min(PIECE_BYTES))).await?;
                }
            } else {
                small.extend_from_slice(&piece);
            }
        }
        if !small.is_empty() {
            insert.send(Bytes::from(small)).await?;
        }
        insert.end().await?;
        Ok(())
    }
}

//! Events go in: one insert for each day, in the engine's own format, with a token that makes a repeat add nothing.

use super::block::{self, Block};
use super::row::{self, Scratch};
use super::{Events, EventsError, Target};
use crate::engine::BEHIND;
use bytes::Bytes;
use compliance::{Date, RuleSets};
use event::{Event, Field};
use std::collections::BTreeMap;
use std::sync::Arc;

/// How much of a block is handed to the connection at once.
const PIECE_BYTES: usize = 1 << 20;

/// Events as they will be sent: columns, a block for each day. A third of what the events themselves would take, so
/// whoever gathers events puts each in at once and keeps none.
pub struct Batch {
    rows: usize,
    rows_max: usize,
    bytes_max: usize,
    /// The least days that rows are kept, by level.
    keep_days: [u16; 6],
    rules: Arc<RuleSets>,
    /// What is being filled, by day.
    open: BTreeMap<u16, Open>,
    full: Vec<Sealed>,
    scratch: Scratch,
    /// More is waiting than this one takes: see [`Batch::set_behind`].
    is_behind: bool,
}

/// A day's block that is being filled.
struct Open {
    /// Its number within the day.
    number: u32,
    block: Block,
    /// How long its rows are kept, by level.
    keep_days: [u16; 6],
}

/// A block that gets no more rows.
struct Sealed {
    day: u16,
    number: u32,
    pieces: Vec<Bytes>,
}

impl Batch {
    /// Puts an event in.
    pub fn add(&mut self, event: &Event) {
        let day = row::day(event);
        let level = event.long(Field::HAIDANG_SYSTEM_LEVEL).and_then(|level| usize::try_from(level).ok());
        let (least, rules) = (self.keep_days, &self.rules);
        let open = self.open.entry(day).or_insert_with(|| Open {
            number: 0,
            block: Block::new(),
            keep_days: keep_days(rules, day, least),
        });
        let keep_days = level.and_then(|level| open.keep_days.get(level)).unwrap_or(&open.keep_days[0]);
        let block = &mut open.block;
        row::write(event, day, *keep_days, &mut self.scratch, block);
        self.rows += 1;
        if block.rows() >= self.rows_max || block.bytes() >= self.bytes_max {
            let full = std::mem::replace(block, Block::new());
            self.full.push(Sealed { day, number: open.number, pieces: pieces(full) });
            open.number += 1;
        }
    }

    /// How many events were put in.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Says that whoever inserts is behind: the embedded engine puts off its other work for it. A server is shared, and
    /// decides by itself.
    pub fn set_behind(&mut self) {
        self.is_behind = true;
    }

    /// Ends every block that has rows.
    fn seal(&mut self) {
        for (day, open) in std::mem::take(&mut self.open) {
            if open.block.rows() > 0 {
                self.full.push(Sealed { day, number: open.number, pieces: pieces(open.block) });
            }
        }
    }
}

impl Events {
    /// An empty batch under the limits of this store.
    #[must_use]
    pub fn batch(&self) -> Batch {
        Batch {
            rows: 0,
            rows_max: self.config.insert_rows_max,
            bytes_max: self.config.insert_bytes_max,
            keep_days: self.config.keep_days,
            rules: Arc::clone(&self.rules),
            open: BTreeMap::new(),
            full: Vec::new(),
            scratch: Scratch::default(),
            is_behind: false,
        }
    }

    /// Stores the batch. `token` names it: the same events with the same token add nothing again, also where only a
    /// part of them was stored before. Once this returns they are durable (see [`super::Config::fsync`]) and the batch
    /// is empty; after an error it still has what may be missing.
    ///
    /// # Errors
    /// The store refuses or does not answer: repeat with the same batch and the same token.
    pub async fn insert_batch(&self, batch: &mut Batch, token: &str) -> Result<(), EventsError> {
        batch.seal();
        while let Some(block) = batch.full.first() {
            let token = format!("{token}-{}-{}", block.day, block.number);
            self.send(&block.pieces, &token, batch.is_behind).await?;
            batch.full.remove(0);
        }
        Ok(())
    }

    /// Stores the events as one batch: see [`Events::insert_batch`].
    ///
    /// # Errors
    /// The store refuses or does not answer: repeat with the same events, in the same order, and the same token.
    pub async fn insert(&self, events: &[Event], token: &str) -> Result<(), EventsError> {
        let mut batch = self.batch();
        events.iter().for_each(|event| batch.add(event));
        self.insert_batch(&mut batch, token).await
    }

    async fn send(&self, pieces: &[Bytes], token: &str, is_behind: bool) -> Result<(), EventsError> {
        let sql = format!("INSERT INTO events ({}) FORMAT Native", block::names());
        let mut insert = self
            .client
            .insert_formatted_with(sql)
            .with_setting("insert_deduplication_token", token)
            .with_setting("insert_deduplicate", "1")
            // The first merge makes them. Until then a part is small enough to be read whole.
            .with_setting("materialize_skip_indexes_on_insert", "0");
        if is_behind && matches!(self.target, Target::Socket(_)) {
            insert = insert.with_setting(BEHIND, "1");
        }
        for piece in pieces {
            insert.send(piece.clone()).await?;
        }
        insert.end().await?;
        Ok(())
    }
}

/// Days that rows of that day are kept, by level: what the law asks, and what the configuration asks beyond it.
fn keep_days(rules: &RuleSets, day: u16, least: [u16; 6]) -> [u16; 6] {
    let date = Date::constant(1970, 1, 1).checked_add(jiff::ToSpan::days(i64::from(day)));
    let mut days = date.map_or([u16::MAX; 6], |date| rules.days_by_level(date));
    for (days, least) in days.iter_mut().zip(least) {
        *days = (*days).max(least);
    }
    days
}

/// The block's bytes in pieces of about [`PIECE_BYTES`]: small columns together, large ones split.
fn pieces(block: Block) -> Vec<Bytes> {
    let mut pieces = Vec::new();
    let mut small = Vec::new();
    for mut piece in block.finish() {
        if small.len() + piece.len() > PIECE_BYTES && !small.is_empty() {
            pieces.push(Bytes::from(std::mem::take(&mut small)));
        }
        if piece.len() > PIECE_BYTES {
            piece.shrink_to_fit(); // a column grew by doubling, and two batches wait
            let mut rest = Bytes::from(piece);
            while !rest.is_empty() {
                pieces.push(rest.split_to(rest.len().min(PIECE_BYTES)));
            }
        } else {
            small.extend_from_slice(&piece);
        }
    }
    if !small.is_empty() {
        pieces.push(Bytes::from(small));
    }
    pieces
}

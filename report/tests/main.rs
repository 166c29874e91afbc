//! What a document is, read back by others. What the tests write stays in `target/report`, to be looked at.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may fail")]

mod bulletin;
mod compliance;
mod form;
mod reader;

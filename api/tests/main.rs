//! The API as a client sees it: a real server on a random port over a real SQLite file.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test may end by a panic; clippy knows only functions marked as tests"
)]

mod client;
mod incidents;
mod limits;
mod reports;
mod roles;
mod scenarios;
mod sessions;
mod taxii;

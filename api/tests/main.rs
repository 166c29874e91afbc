//! The API as a client sees it: a real server on a random port over a real database: SQLite, or with `HAIDANG_TEST_POSTGRES`
//! PostgreSQL.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test may end by a panic; clippy knows only functions marked as tests"
)]

mod client;
mod colour;
mod incidents;
mod limits;
#[path = "../../store/tests/place.rs"]
mod place;
mod reports;
mod roles;
mod scenarios;
mod sessions;
mod taxii;

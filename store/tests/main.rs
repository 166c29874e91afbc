//! Tests on the real engine. They fail, not skip, where it is not installed: `npm ci --prefix deploy/engine`.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test may end by a panic; clippy knows only functions marked as tests"
)]

mod bridge;
mod crash;
mod events;
mod live;
mod merging;
mod retention;

//! The exchange against the tools of others.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may end by a panic")]

mod avreport;
mod stix;

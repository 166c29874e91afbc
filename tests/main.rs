//! Whole-pipeline tests, in one binary so that the stack links once.
#![allow(missing_docs, clippy::expect_used, clippy::unwrap_used, clippy::panic, clippy::print_stderr, reason = "a test may fail")]

mod senders;
mod stack;
mod tidy;

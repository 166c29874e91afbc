//! Whole-pipeline tests, in one binary so that the stack links once.
#![allow(
    missing_docs,
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test may fail"
)]

mod backtest;
mod backup;
mod bad_input;
mod broker;
mod browser;
mod candidate;
mod cluster;
mod command;
mod compliance;
mod delivery;
mod deploy;
mod document;
mod faults;
mod feed;
mod indicators;
mod kill;
mod observe;
mod postgres;
#[path = "../report/tests/reader.rs"]
mod reader;
mod reference;
mod registry;
mod reload;
mod report;
mod rules;
mod senders;
mod stack;
mod tidy;
mod truth;
mod tuning;
mod upgrade;
mod warning;
mod wazuh;

//! Events in ClickHouse, cases in SQL.

pub mod engine;
pub mod events;
pub mod query;

mod evidence;

pub mod cases;

pub use evidence::{KeepError, assess, keep_for_levels};

#[cfg(test)]
extern crate self as store; // tests that other crates share name it so

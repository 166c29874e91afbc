//! Events in ClickHouse, cases in SQL.

pub mod engine;
pub mod events;

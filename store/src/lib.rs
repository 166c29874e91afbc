//! Events in ClickHouse, cases in SQL.

pub mod engine;
pub mod events;
pub mod query;

pub mod cases;

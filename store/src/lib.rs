//! Events in ClickHouse, cases in SQL.

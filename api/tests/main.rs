//! The API as a client sees it: a real server on a random port over a real SQLite file.

mod client;
mod incidents;
mod limits;
mod roles;
mod scenarios;
mod sessions;

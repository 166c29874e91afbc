//! From a socket or a file to an ECS event: intake, spool, parsers, enrichment.

pub mod enrich;
pub mod intake;
pub mod parser;
pub mod spool;

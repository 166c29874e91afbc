//! From events to incidents: Sigma rules, windows, grouping. No async, no I/O, no clock.

#[cfg(test)]
mod corpus;
mod correlator;
mod engine;
mod episode;
mod evaluate;
mod found;
mod incident;
mod record;
mod ruleset;
mod sigma;
mod single;
#[cfg(test)]
mod tests;
mod watermark;
mod window;
mod yaml;

pub use correlator::{Correlator, Counters, Limits, Output};
pub use record::Flat;
pub use ruleset::{RuleError, RuleFile, RuleSet, Unmapped};
pub use sigma::filter::Filter;
pub use sigma::meta::{Meta, RuleKind};

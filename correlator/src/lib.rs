//! From events to incidents: Sigma rules, windows, grouping. No async, no I/O, no clock.

mod authorisation;
mod candidate;
#[cfg(test)]
mod corpus;
mod correlator;
mod coverage;
mod distinct;
mod engine;
mod entry;
mod episode;
mod evaluate;
mod facts;
mod found;
mod groups;
#[cfg(test)]
mod hostile;
mod incident;
mod indicator;
mod limits;
mod line;
mod matches;
#[cfg(test)]
mod naive;
#[cfg(test)]
mod probes;
mod ranked;
mod record;
mod resolve;
mod ruleset;
mod sigma;
mod single;
mod suppression;
mod tally;
#[cfg(test)]
mod tests;
mod watermark;
pub mod wazuh;
mod window;
mod yaml;

pub use authorisation::Authorisation;
pub use correlator::{Correlator, Depth, Output};
pub use coverage::{Cover, Seen};
pub use groups::Evicted;
pub use indicator::{Indicators, Met};
pub use limits::{Counters, Limits};
pub use record::Flat;
pub use ruleset::{RuleError, RuleFile, RuleSet, Unmapped};
pub use sigma::filter::Filter;
pub use sigma::meta::{Meta, RuleKind};
pub use suppression::Suppression;

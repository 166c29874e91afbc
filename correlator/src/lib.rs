//! From events to incidents: Sigma rules, windows, grouping. No async, no I/O, no clock.

mod correlator;
mod evaluate;
mod found;
mod record;
mod ruleset;
mod sigma;
mod yaml;

pub use correlator::{Correlator, Limits, Output};
pub use record::Flat;
pub use ruleset::{RuleError, RuleFile, RuleSet, Unmapped};
pub use sigma::meta::{Meta, RuleKind};

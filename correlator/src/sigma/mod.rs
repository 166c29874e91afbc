//! Sigma: from YAML to something that can be asked.

pub(crate) mod bounds;
pub(crate) mod condition;
pub(crate) mod correlation;
pub(crate) mod detection;
mod encoding;
pub(crate) mod filter;
pub(crate) mod linear;
pub(crate) mod logsource;
pub(crate) mod lower;
pub(crate) mod meta;
mod modifier;
pub(crate) mod moment;
pub(crate) mod needle;
pub(crate) mod network;
pub(crate) mod pattern;
mod piece;
pub(crate) mod placeholder;

//! Sigma: from YAML to something that can be asked.

pub(crate) mod condition;
pub(crate) mod correlation;
pub(crate) mod detection;
pub(crate) mod logsource;
pub(crate) mod meta;
pub(crate) mod pattern;

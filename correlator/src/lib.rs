//! From events to incidents: Sigma rules, windows, grouping. No async, no I/O, no clock.

//! The loss ledger: per source, how many lines came in and what became of them.
//!
//! `received = stored + rejected + spooled`: spooled is what is on its way. Counters begin at zero with the process,
//! so after a restart the lines that were spooled before it are counted by `stored` alone, and spooled is never
//! below zero.

use event::Time;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

/// Who sends: a peer's address, `file` for every followed file, `stdin`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Source {
    /// A peer on the network.
    Peer(IpAddr),
    /// `file` or `stdin`.
    Named(String),
    /// Every source beyond the limit.
    Other,
}

impl std::fmt::Display for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Source::Peer(ip) => ip.fmt(f),
            Source::Named(name) => f.write_str(name),
            Source::Other => f.write_str("other"),
        }
    }
}

/// One source's figures.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Account {
    /// Lines that came in.
    pub received: u64,
    /// Lines dropped at a limit (a full spool under UDP).
    pub rejected: u64,
    /// Lines in the store.
    pub stored: u64,
    /// Lines cut to `line_bytes_max`; they count as received.
    pub cut: u64,
    /// Empty frames skipped; they are no lines.
    pub empty: u64,
    /// Bytes of lines.
    pub bytes: u64,
    /// When it last sent.
    pub last_seen: Time,
}

impl Account {
    /// Lines on their way from the socket to the store.
    #[must_use]
    pub fn spooled(&self) -> u64 {
        self.received.saturating_sub(self.rejected).saturating_sub(self.stored)
    }
}

/// The accounts of all sources, a bounded number of them.
#[derive(Debug)]
pub struct Ledger {
    sources_max: usize,
    accounts: Mutex<HashMap<Source, Account>>,
}

impl Ledger {
    /// An empty ledger; sources beyond `sources_max` share the account [`Source::Other`].
    #[must_use]
    pub fn new(sources_max: usize) -> Ledger {
        Ledger { sources_max, accounts: Mutex::default() }
    }

    /// Changes the account of `source`; one call per read or batch, not per line.
    pub fn change(&self, source: &Source, change: impl FnOnce(&mut Account)) {
        let mut accounts = self.accounts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(account) = accounts.get_mut(source) {
            return change(account);
        }
        let source = if accounts.len() < self.sources_max { source.clone() } else { Source::Other };
        change(accounts.entry(source).or_default());
    }

    /// `lines` lines of `source` are in the store.
    pub fn stored(&self, source: &Source, lines: u64) {
        self.change(source, |account| account.stored += lines);
    }

    /// Every account, ordered by source.
    #[must_use]
    pub fn snapshot(&self) -> Vec<(Source, Account)> {
        let accounts = self.accounts.lock().unwrap_or_else(PoisonError::into_inner);
        let mut all: Vec<_> = accounts.iter().map(|(source, account)| (source.clone(), *account)).collect();
        all.sort_by(|a, b| a.0.cmp(&b.0));
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_beyond_the_limit_share_an_account_and_nothing_is_uncounted() {
        let ledger = Ledger::new(2);
        for last in 0..5 {
            ledger.change(&Source::Peer(IpAddr::from([192, 0, 2, last])), |account| account.received += 2);
        }
        ledger.stored(&Source::Peer(IpAddr::from([192, 0, 2, 4])), 1);
        let all = ledger.snapshot();
        assert_eq!(all.len(), 3);
        let other = all.iter().find(|(source, _)| *source == Source::Other).unwrap().1;
        assert_eq!((other.received, other.stored, other.spooled()), (6, 1, 5));
    }
}

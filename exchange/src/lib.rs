//! What we exchange with others: our types ↔ theirs. STIX 2.1 objects with TLP 2.0 markings, TAXII 2.1's messages,
//! the signed antivirus report in edXML.
//!
//! Invariants: no I/O and no clock here; what comes from outside is limited in size and depth before it is read, and
//! what is not understood is told, never guessed.

mod config;
pub mod edxml;
mod list;
mod notice;
mod schedule;
pub mod stix;
pub mod taxii;

pub use config::{Collection, Config, Organisation, TaxiiConfig};
pub use list::read as read_list;
pub use notice::{Notice, technique};
pub use schedule::{DeliveryConfig, FeedConfig, ReleaseConfig};

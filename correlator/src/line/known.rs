//! Names of fields that have the same number in every reader.

use super::Name;

/// The names that are always known, by their numbers.
pub(super) const WELL_KNOWN: [&str; 22] = [
    "",
    "product",
    "category",
    "service",
    "@timestamp",
    "timestamp",
    "Timestamp",
    "TimeCreated",
    "UtcTime",
    "time",
    "SourceIp",
    "IpAddress",
    "src_ip",
    "c-ip",
    "Computer",
    "ComputerName",
    "hostname",
    "User",
    "TargetUserName",
    "SubjectUserName",
    "DestinationIp",
    "dst_ip",
];

/// The number of a name that is always known.
pub(crate) const fn known(name: &str) -> Name {
    let (name, mut number) = (name.as_bytes(), 0);
    loop {
        let known = WELL_KNOWN[number as usize].as_bytes();
        let mut same = 0;
        while same < name.len() && same < known.len() && name[same] == known[same] {
            same += 1;
        }
        if same == name.len() && same == known.len() {
            return number;
        }
        number += 1;
    }
}

/// A name that is always known.
pub(crate) fn known_name(number: Name) -> &'static str {
    WELL_KNOWN.get(number as usize).copied().unwrap_or_default()
}

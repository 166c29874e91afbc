//! Ids that anyone derives alike: of observables as STIX says (section 2.9), of everything else from what it is about,
//! so that what is sent again is an update and not another.

use serde_json::{Map, Value};
use uuid::Uuid;

/// STIX's own namespace for the ids of observables.
const OBSERVABLES: Uuid = Uuid::from_u128(0x00abedb4_aa42_466c_9c01_fed23315a9b7);
/// Ours, for all others.
const OWN: Uuid = Uuid::from_u128(0x5b1f4dd4_9c1e_4c57_8a36_2f6d0e9c7a41);

/// The id of an observable, from the properties that STIX says tell two of its type apart.
#[must_use]
pub fn observable(kind: &str, telling: &Map<String, Value>) -> String {
    // The map is sorted and its text minimal: that is RFC 8785 for texts and objects of texts, which these are.
    let text = serde_json::to_string(telling).unwrap_or_default();
    format!("{kind}--{}", Uuid::new_v5(&OBSERVABLES, text.as_bytes()))
}

/// The id of an object of ours: of its type, from the parts of its natural key.
#[must_use]
pub fn own(kind: &str, parts: &[&str]) -> String {
    let mut key = kind.to_owned();
    for part in parts {
        // The length parts what a separator within a part would not.
        key.push_str(&format!("|{}:{part}", part.len()));
    }
    format!("{kind}--{}", Uuid::new_v5(&OWN, key.as_bytes()))
}

/// The type and the UUID of an id; `None` if it is not one.
#[must_use]
pub fn parts(id: &str) -> Option<(&str, Uuid)> {
    let (kind, uuid) = id.split_once("--")?;
    let is_kind = (3..=250).contains(&kind.len())
        && kind.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
    // Only the form with hyphens: `Uuid` would read three others.
    let uuid = (uuid.len() == 36).then(|| Uuid::parse_str(uuid).ok()).flatten()?;
    is_kind.then_some((kind, uuid))
}

/// Whether it is the id of an object of this type.
#[must_use]
pub fn is_of(id: &str, kind: &str) -> bool {
    parts(id).is_some_and(|(found, _)| found == kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn observables_have_the_ids_that_others_give_them() {
        let of = |value: &str| Map::from_iter([("value".to_owned(), Value::from(value))]);
        // Reproduced with `stix2` 3.0.2.
        let address = observable("ipv4-addr", &of("198.51.100.3"));
        assert_eq!(address, "ipv4-addr--28bb3599-77cd-5a82-a950-b5bc3caf07c4");
    }

    #[test]
    fn the_parts_of_a_key_cannot_be_shifted() {
        assert_ne!(own("identity", &["a|1:b"]), own("identity", &["a", "b"]));
        assert_eq!(own("identity", &["a"]), own("identity", &["a"]));
    }

    #[test]
    fn only_a_type_and_a_uuid_is_an_id() {
        assert!(is_of("indicator--d1f9f821-3dee-556c-a27d-50c294871de5", "indicator"));
        for bad in [
            "indicator",
            "indicator--",
            "a--d1f9f8213dee556ca27d50c294871de5",
            "X--d1f9f821-3dee-556c-a27d-50c294871de5",
        ] {
            assert_eq!(parts(bad), None, "{bad}");
        }
    }
}

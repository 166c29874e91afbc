//! Markings: TLP 2.0 as OASIS defines it in STIX 2.1, and TLP 1.0 as the specification has it.

use super::{Extensions, Marking};
use event::{Time, Tlp};
use serde_json::{Value, json};

/// The extension that TLP 2.0 is.
const EXTENSION: &str = "extension-definition--60a3c5c5-0d10-413e-aab3-9e08dde9e88d";

/// The id of the marking definition of a colour.
#[must_use]
pub fn id(tlp: Tlp) -> &'static str {
    match tlp {
        Tlp::Clear => "marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487",
        Tlp::Green => "marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb",
        Tlp::Amber => "marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421",
        Tlp::AmberStrict => "marking-definition--939a9414-2ddd-4d32-a0cd-375ea402b003",
        Tlp::Red => "marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1",
    }
}

/// The colour of a marking definition, of either version; `None` for any other marking.
#[must_use]
pub fn colour(id: &str) -> Option<Tlp> {
    Some(match id {
        "marking-definition--613f2e26-407d-48c7-9eca-b8e91df99dc9" => Tlp::Clear,
        "marking-definition--34098fce-860f-48ae-8e50-ebd3cc5e41da" => Tlp::Green,
        "marking-definition--f88d31f6-486f-44da-b317-01333bde0b82" => Tlp::Amber,
        "marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ed" => Tlp::Red,
        _ => return Tlp::ALL.into_iter().find(|tlp| self::id(*tlp) == id),
    })
}

/// The marking definition of a colour, as OASIS published it.
pub(super) fn definition(tlp: Tlp) -> Marking {
    let property = json!({ "extension_type": "property-extension", "tlp_2_0": tlp.name() });
    Marking {
        spec_version: super::VERSION.to_owned(),
        id: id(tlp).to_owned(),
        created: Time(1_664_582_400_000), // 2022-10-01
        name: format!("TLP:{}", tlp.name().to_ascii_uppercase()),
        extensions: Extensions::from_iter([(EXTENSION.to_owned(), property)]),
    }
}

/// To whom an object may be shown: the strictest of its markings, those of its parts among them. What bears no colour is
/// AMBER+STRICT, for silence is no permission. A colour's own definition is public.
#[must_use]
pub fn of(object: &Value) -> Tlp {
    if object["type"] == "marking-definition" && object["id"].as_str().is_some_and(|id| colour(id).is_some())
    {
        return Tlp::Clear;
    }
    let whole = object["object_marking_refs"].as_array().into_iter().flatten();
    let parts = object["granular_markings"].as_array().into_iter().flatten().map(|part| &part["marking_ref"]);
    let whole = whole.filter_map(Value::as_str).filter_map(colour).max().unwrap_or(Tlp::AmberStrict);
    parts.filter_map(Value::as_str).filter_map(colour).max().map_or(whole, |part| part.max(whole))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_strictest_marking_counts_and_silence_is_no_permission() {
        let marked = |refs: &[&str]| of(&json!({ "type": "indicator", "object_marking_refs": refs }));
        assert_eq!(marked(&[id(Tlp::Green), id(Tlp::Red)]), Tlp::Red);
        assert_eq!(marked(&[id(Tlp::Clear)]), Tlp::Clear);
        assert_eq!(marked(&["marking-definition--34098fce-860f-48ae-8e50-ebd3cc5e41da"]), Tlp::Green);
        assert_eq!(marked(&[]), Tlp::AmberStrict);
        assert_eq!(marked(&["marking-definition--00000000-0000-4000-8000-000000000000"]), Tlp::AmberStrict);
        let part = json!([{ "marking_ref": id(Tlp::Red), "selectors": ["name"] }]);
        let object = json!({ "object_marking_refs": [id(Tlp::Clear)], "granular_markings": part });
        assert_eq!(of(&object), Tlp::Red, "a part that is red makes the whole red");
        let pretender = json!({ "type": "marking-definition", "id": "marking-definition--x" });
        assert_eq!(of(&pretender), Tlp::AmberStrict);
        for tlp in Tlp::ALL {
            assert_eq!(colour(id(tlp)), Some(tlp));
        }
    }
}

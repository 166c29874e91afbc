//! The registry as YAML: four lists, a row to a line.

use super::{Document, Placed, whole};
use crate::{Asset, Endpoint, Entry, Kind, Problem, Reason, Registry, System, Unit};
use serde::Deserialize;
use serde_saphyr::Spanned;
use std::fmt::Write as _;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    units: Vec<Spanned<Unit>>,
    #[serde(default)]
    systems: Vec<Spanned<System>>,
    #[serde(default)]
    assets: Vec<Spanned<Asset>>,
    #[serde(default)]
    endpoints: Vec<Spanned<Endpoint>>,
}

pub(super) fn read(text: &str) -> Result<Document, Vec<Problem>> {
    let options = serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            // A registry at its limits; what is no row is refused when it is checked.
            max_nodes: 10_000_000,
            max_events: 20_000_000,
            max_depth: 16,
            max_aliases: 0,
        },
    };
    let file: File = serde_saphyr::from_str_with_options(text, options).map_err(|error| {
        let row = error.location().map(|place| place.line());
        let said = error.without_snippet().to_string();
        let said = said.lines().next().unwrap_or_default();
        vec![whole(row, Reason::new(said, format!("không đọc được: {said}")))]
    })?;
    let mut document = Document::default();
    let mut put = |row: u64, entry| document.rows.push(Placed { row, entry });
    for one in file.units {
        put(one.defined.line(), Entry::Unit(one.value));
    }
    for one in file.systems {
        put(one.defined.line(), Entry::System(one.value));
    }
    for one in file.assets {
        put(one.defined.line(), Entry::Asset(one.value));
    }
    for one in file.endpoints {
        put(one.defined.line(), Entry::Endpoint(one.value));
    }
    Ok(document)
}

pub(super) fn write(registry: &Registry) -> String {
    let mut text = String::new();
    for kind in Kind::ALL.into_iter().filter(|kind| registry.count(*kind) > 0) {
        // Writing to a string cannot fail. JSON is YAML, and a row is a line.
        let _ = writeln!(text, "{}:", kind.name());
        for entry in registry.entries().filter(|entry| entry.kind() == kind) {
            let _ = writeln!(text, "  - {}", entry.body());
        }
    }
    text
}

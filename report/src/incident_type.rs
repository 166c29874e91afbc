//! The kinds of incident that the law's reports count.

use crate::form::FormError;
use serde::Deserialize;

const TEXT: &str = include_str!("../../rules/compliance/incident-type.yml");

/// A kind of incident.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IncidentType {
    /// Short and lasting: `malware`.
    pub id: String,
    /// The law's words.
    pub name: String,
    /// ATT&CK techniques that tell it.
    #[serde(default)]
    pub techniques: Vec<String>,
}

/// All of them, in the order of the reports.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IncidentTypes {
    /// Where the names are from.
    pub citation: String,
    /// `confirmed` or `to-verify`.
    pub certainty: String,
    types: Vec<IncidentType>,
    combined: IncidentType,
    other: IncidentType,
}

impl IncidentTypes {
    /// Those that come with the program.
    ///
    /// # Errors
    /// The file is wrong.
    pub fn own() -> Result<IncidentTypes, FormError> {
        serde_saphyr::from_str(TEXT).map_err(|cause| FormError::new("incident-type.yml", &cause))
    }

    /// All, in the order of the reports.
    pub fn all(&self) -> impl Iterator<Item = &IncidentType> {
        self.types.iter().chain([&self.combined, &self.other])
    }

    /// The kind that techniques tell (`T1110.001`): one, several together, or none of those named.
    #[must_use]
    pub fn of<'a>(&self, techniques: impl IntoIterator<Item = &'a str>) -> &IncidentType {
        let mut told: Option<&IncidentType> = None;
        for technique in techniques {
            let main = technique.split('.').next().unwrap_or(technique);
            let found = self.types.iter().find(|one| one.techniques.iter().any(|known| known == main));
            match (told, found) {
                (None, found) => told = found,
                (Some(one), Some(other)) if one != other => return &self.combined,
                _ => {}
            }
        }
        told.unwrap_or(&self.other)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_kind_several_or_none() {
        let types = IncidentTypes::own().unwrap();
        assert_eq!(types.all().count(), 10);
        assert_eq!(types.of(["T1110.001", "T1078"]).id, "intrusion");
        assert_eq!(types.of(["T1110", "T1046", "T1486"]).id, "combined");
        assert_eq!(types.of(["T1046"]).id, "other");
        assert_eq!(types.of([]).id, "other");
    }

    #[test]
    fn no_technique_tells_two_kinds() {
        let types = IncidentTypes::own().unwrap();
        let mut all: Vec<&String> = types.all().flat_map(|one| &one.techniques).collect();
        let count = all.len();
        all.sort();
        all.dedup();
        assert_eq!(all.len(), count);
    }
}

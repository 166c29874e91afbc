//! What the report tells of whom, and by which key.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// The antivirus report.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AvReportConfig {
    /// The PEM file with the private key (RSA, 2048 bits or more, not encrypted) that signs.
    pub key_file: Option<PathBuf>,
    /// The PEM file with its certificate, and those above it if the receiver needs them.
    pub certificate_file: Option<PathBuf>,
    /// The name of the product; those of the period's events, if empty.
    pub product: String,
    /// What the subject begins with; the period follows.
    pub subject: String,
    /// Which parts it has.
    pub sections: Vec<Section>,
    /// What becomes of machines' names.
    pub machine_names: Redaction,
    /// What becomes of machines' addresses.
    pub machine_addresses: Redaction,
    /// Other names of elements, for a receiver that wants them: `"edXML:Subject" = "Subject"`.
    pub names: BTreeMap<String, String>,
    /// Rows of one part; beyond it the report is cut, and that is told.
    pub rows_max: u32,
}

impl Default for AvReportConfig {
    fn default() -> AvReportConfig {
        AvReportConfig {
            key_file: None,
            certificate_file: None,
            product: String::new(),
            subject: "AVReport".to_owned(),
            sections: Section::ALL.to_vec(),
            machine_names: Redaction::Pseudonym,
            machine_addresses: Redaction::Drop,
            names: BTreeMap::new(),
            rows_max: 20_000,
        }
    }
}

/// A part of the report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Section {
    /// What was found, where.
    Malware,
    /// Which machine called an address that others warn of.
    Connection,
    /// Weaknesses of machines; always empty, for nothing here knows them.
    Vulnerability,
    /// Machines' systems and when their antivirus was last updated.
    Os,
    /// How many machines had no update for 15 days.
    Update,
    /// Whether protection is on; always empty, for nothing here knows it.
    QualityFeature,
}

impl Section {
    /// Each, in the order of the report.
    pub const ALL: [Section; 6] = [
        Section::Malware,
        Section::Connection,
        Section::Vulnerability,
        Section::Os,
        Section::Update,
        Section::QualityFeature,
    ];
}

/// What becomes of a value that names a machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Redaction {
    /// It is told.
    Keep,
    /// Another word stands for it, the same one in every report under the same key; only who has the key can say which.
    Pseudonym,
    /// It is left empty.
    Drop,
}

impl AvReportConfig {
    /// What is wrong with it, each in a sentence.
    #[must_use]
    pub fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        for (name, other) in &self.names {
            let plain = other.strip_prefix("edXML:").unwrap_or(other);
            let fits = plain.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
            let begins = plain.bytes().next().is_some_and(|byte| byte.is_ascii_alphabetic());
            if !fits || !begins {
                problems.push(format!("avreport.names: `{name}` cannot be called `{other}`: a name has letters, digits, `-`, `_`, `.`"));
            }
        }
        if self.key_file.is_some() != self.certificate_file.is_some() {
            problems.push("avreport: `key_file` and `certificate_file` go together".to_owned());
        }
        problems
    }
}

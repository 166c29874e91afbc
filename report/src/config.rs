//! Who issues documents, and what stands above and below them.

use serde::{Deserialize, Serialize};

/// The documents' settings. What is empty is left open in a document, and told as missing where a form demands it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The body above the issuing one: `ỦY BAN NHÂN DÂN TỈNH …`.
    pub governing_body: String,
    /// The issuing body; the organisation's name if empty.
    pub issuing_body: String,
    /// What follows the document's number: `BC-TTGS`.
    pub symbol: String,
    /// The place before the date: `Bà Rịa - Vũng Tàu`.
    pub place: String,
    /// As what the signer signs, a line each: `KT. GIÁM ĐỐC`, `PHÓ GIÁM ĐỐC`.
    pub signer_capacity: Vec<String>,
    /// Who signs.
    pub signer_name: String,
    /// To whom a report goes (nơi nhận), a line each.
    pub recipients: Vec<String>,
}

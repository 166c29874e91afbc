//! Documents of the registry: one CSV for each kind, or one YAML with all.

mod csv;
mod yaml;

use crate::{Entry, Kind, Problem, Reason, Registry};

/// How a document is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Rows of one kind, for spreadsheets.
    Csv(Kind),
    /// Everything.
    Yaml,
}

/// A row and where it stood: a spreadsheet's row, a text's line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placed {
    /// From 1.
    pub row: u64,
    /// What it says.
    pub entry: Entry,
}

/// What a document says, row by row. Whether it fits together is the registry's to check.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Document {
    /// In the document's order.
    pub rows: Vec<Placed>,
}

/// The largest document; beyond it nothing is read.
const BYTES_MAX: usize = 64 << 20;

impl Document {
    /// Reads a document.
    ///
    /// # Errors
    /// Every row that does not read, or why nothing does.
    pub fn read(format: Format, bytes: &[u8]) -> Result<Document, Vec<Problem>> {
        let text = text(bytes).map_err(|problem| vec![problem])?;
        match format {
            Format::Csv(kind) => csv::read(kind, text),
            Format::Yaml => yaml::read(text),
        }
    }
}

impl Registry {
    /// Writes a document; the same registry gives the same bytes.
    #[must_use]
    pub fn write(&self, format: Format) -> String {
        match format {
            Format::Csv(kind) => csv::write(self, kind),
            Format::Yaml => yaml::write(self),
        }
    }
}

fn whole(row: Option<u64>, reason: Reason) -> Problem {
    Problem { row, kind: None, id: String::new(), reason }
}

/// The bytes as text, without the mark that spreadsheets put in front.
fn text(bytes: &[u8]) -> Result<&str, Problem> {
    if bytes.len() > BYTES_MAX {
        let most = BYTES_MAX >> 20;
        let reason = Reason::new(format!("larger than {most} MiB"), format!("lớn hơn {most} MiB"));
        return Err(whole(None, reason));
    }
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        let reason = Reason::new("is UTF-16; save it as UTF-8", "là UTF-16; lưu lại bằng UTF-8");
        return Err(whole(Some(1), reason));
    }
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    std::str::from_utf8(bytes).map_err(|error| {
        let good = bytes.get(..error.valid_up_to()).unwrap_or_default();
        let row = good.iter().filter(|byte| **byte == b'\n').count() as u64 + 1;
        let column =
            error.valid_up_to() - good.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1) + 1;
        let reason = Reason::new(
            format!("byte {column} of this line is not UTF-8; save it as UTF-8"),
            format!("byte {column} của dòng này không phải UTF-8; lưu lại bằng UTF-8"),
        );
        whole(Some(row), reason)
    })
}

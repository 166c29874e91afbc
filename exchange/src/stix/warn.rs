//! What a centre says in words beside its indicators: a report or a note.

use super::short;
use serde_json::Value;

/// A text with its title.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Said {
    /// What its maker calls it: the same object sent again is the same warning. Empty if there is none.
    pub id: String,
    /// What it is about.
    pub title: String,
    /// The text.
    pub text: String,
}

/// The longest text that is kept, in characters.
const TEXT_CHARS_MAX: usize = 20_000;

/// What the first report, note or grouping among `objects` says, with what the others add.
#[must_use]
pub fn said(objects: &[Value]) -> Said {
    let mut said = Said::default();
    let mut texts = Vec::new();
    for kind in ["report", "note", "grouping", "campaign"] {
        for object in objects.iter().filter(|object| object["type"] == kind) {
            let text = |name: &str| object[name].as_str().unwrap_or_default().trim();
            let (title, body) = match kind {
                "note" => (text("abstract"), text("content")),
                _ => (text("name"), text("description")),
            };
            if said.id.is_empty() {
                said.id = short(text("id"));
            }
            if said.title.is_empty() {
                said.title = short(title);
            } else if !title.is_empty() {
                texts.push(title);
            }
            if !body.is_empty() {
                texts.push(body);
            }
        }
    }
    said.text = texts.join("\n\n").chars().take(TEXT_CHARS_MAX).collect();
    if said.title.is_empty() {
        said.title = short(said.text.lines().next().unwrap_or_default());
    }
    said
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_report_and_a_note_are_read_together() {
        let objects = [
            json!({ "type": "indicator", "name": "x" }),
            json!({ "type": "note", "id": "note--1", "content": "Chặn ngay." }),
            json!({ "type": "report", "id": "report--1", "name": "Chiến dịch A", "description": "Nhắm vào tỉnh." }),
        ];
        let said = said(&objects);
        assert_eq!((said.id.as_str(), said.title.as_str()), ("report--1", "Chiến dịch A"));
        assert_eq!(said.text, "Nhắm vào tỉnh.\n\nChặn ngay.");
        assert_eq!(super::said(&[]), Said::default());
        let note = [json!({ "type": "note", "id": "note--2", "content": "Dòng một\nDòng hai" })];
        assert_eq!(super::said(&note).title, "Dòng một");
    }
}

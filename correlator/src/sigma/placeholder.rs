//! `expand`: placeholders (`%Servers%`) in a rule's values, and the lists that they stand for here.
//!
//! The lists are YAML documents among the rules, so that a rule of SigmaHQ's is used as it is:
//!
//! ```yaml
//! placeholders:
//!   Administrators: [adm_*, root]     # values as in a rule, wildcards and escapes included
//!   Workstations: ws-*
//! ```
//!
//! A value that is one placeholder becomes the list, each value with its own type. Placeholders inside a text become
//! every combination. A placeholder that no document gives is a load error: such a rule would silently find nothing.

use super::detection::Problem;
use crate::yaml::{Kind, Node};
use std::collections::HashMap;

/// How many values one value may become.
const VALUES_MAX: usize = 10_000;

/// What the placeholders stand for.
#[derive(Debug, Default)]
pub(crate) struct Placeholders {
    lists: HashMap<String, Vec<Node>>,
}

/// A part of a value.
enum Piece<'a> {
    Text(String),
    Name(&'a str),
}

impl Placeholders {
    /// Takes in one document with the key `placeholders`.
    pub(crate) fn add(&mut self, node: &Node, problems: &mut Vec<Problem>) {
        for entry in node.map().unwrap_or_default() {
            if !["placeholders", "title", "description", "author", "date", "modified"]
                .contains(&entry.key.as_str())
            {
                let text = "is not a key of placeholders: use placeholders, title, description, author, date, modified";
                problems.push(Problem::new(entry.line, &entry.key, text));
            }
        }
        let Some(entries) = node.get("placeholders").and_then(Node::map) else {
            let text = "must be a map from names to values";
            problems.push(Problem::new(node.line, "placeholders", text));
            return;
        };
        for entry in entries {
            let values = entry.value.each();
            let scalars = values.iter().all(|value| matches!(value.kind, Kind::Scalar { .. }));
            let problem = if values.is_empty() || !scalars {
                "must be a value or a list of values"
            } else if self.lists.contains_key(&entry.key) {
                "is given twice: merge the lists"
            } else {
                self.lists.insert(entry.key.clone(), values.to_vec());
                continue;
            };
            problems.push(Problem::new(entry.line, &entry.key, problem));
        }
    }

    /// The values that the value stands for.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn expanded(&self, value: &Node) -> Result<Vec<Node>, String> {
        let Kind::Scalar { text, plain } = &value.kind else { return Ok(vec![value.clone()]) };
        let pieces = pieces(text);
        if let [Piece::Name(name)] = pieces[..] {
            return Ok(self.list(name)?.to_vec());
        }
        let mut found = vec![String::new()];
        for piece in &pieces {
            match piece {
                Piece::Text(text) => found.iter_mut().for_each(|start| start.push_str(text)),
                Piece::Name(name) => {
                    let texts: Vec<&str> = self.list(name)?.iter().filter_map(Node::text).collect();
                    if texts.len().saturating_mul(found.len()) > VALUES_MAX {
                        return Err(format!("`{text}` stands for more than {VALUES_MAX} values"));
                    }
                    found = found
                        .iter()
                        .flat_map(|start| texts.iter().map(move |text| format!("{start}{text}")))
                        .collect();
                }
            }
        }
        let plain = *plain && !pieces.iter().any(|piece| matches!(piece, Piece::Name(_)));
        let node = |text| Node { line: value.line, kind: Kind::Scalar { text, plain } };
        Ok(found.into_iter().map(node).collect())
    }

    fn list(&self, name: &str) -> Result<&[Node], String> {
        self.lists.get(name).map(Vec::as_slice).ok_or_else(|| {
            format!("the placeholder `%{name}%` stands for nothing here: give it in a document with `placeholders:`")
        })
    }
}

/// Cuts a text at its placeholders. `\%` is a percent sign; a lone one is itself.
fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut plain = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(['\\', '%']) {
        plain.push_str(&rest[..at]);
        rest = &rest[at..];
        if let Some(after) = rest.strip_prefix("\\%") {
            plain.push('%');
            rest = after;
        } else if let Some(after) = rest.strip_prefix("\\\\") {
            plain.push_str("\\\\");
            rest = after;
        } else if let Some((name, after)) = name(rest) {
            if !plain.is_empty() {
                pieces.push(Piece::Text(std::mem::take(&mut plain)));
            }
            pieces.push(Piece::Name(name));
            rest = after;
        } else {
            plain.push_str(&rest[..1]);
            rest = &rest[1..];
        }
    }
    plain.push_str(rest);
    if !plain.is_empty() {
        pieces.push(Piece::Text(plain));
    }
    pieces
}

/// The name of the placeholder that the text begins with, and what is behind it.
fn name(text: &str) -> Option<(&str, &str)> {
    let (name, after) = text.strip_prefix('%')?.split_once('%')?;
    let is_name =
        !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.'));
    is_name.then_some((name, after))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yaml::documents;

    fn placeholders(text: &str) -> (Placeholders, Vec<Problem>) {
        let (mut found, mut problems) = (Placeholders::default(), Vec::new());
        documents(text).unwrap().iter().for_each(|node| found.add(node, &mut problems));
        (found, problems)
    }

    fn expanded(value: &str) -> Result<Vec<String>, String> {
        let (found, problems) = placeholders("placeholders: {a: [x, 'y*'], b: 7, big: [1, 2]}");
        assert_eq!(problems, []);
        let node = Node { line: 1, kind: Kind::Scalar { text: value.to_owned(), plain: false } };
        let texts = found.expanded(&node)?;
        Ok(texts.iter().map(|node| node.text().unwrap_or("null").to_owned()).collect())
    }

    #[test]
    fn placeholders_become_every_combination() {
        for (value, expected) in [
            ("%a%", &["x", "y*"][..]),
            ("%b%", &["7"]),
            ("<%a%-%b%>", &["<x-7>", "<y*-7>"]),
            ("%a%%big%", &["x1", "x2", "y*1", "y*2"]),
            (r"\%a%b%", &["%a7"]),
            (r"c:\%b%", &["c:%b%"]),
            (r"c:\\%b%", &[r"c:\\7"]),
            ("50% of %b%", &["50% of 7"]),
        ] {
            assert_eq!(expanded(value).unwrap(), expected, "{value}");
        }
    }

    #[test]
    fn what_stands_for_nothing_is_said() {
        assert!(expanded("%none%").unwrap_err().contains("`%none%` stands for nothing"));
        let (_, problems) =
            placeholders("placeholders: {a: [], b: {c: d}, e: 1}\n---\nplaceholders: {e: 2}\nf: 1");
        let keys: Vec<&str> = problems.iter().map(|problem| problem.key.as_str()).collect();
        assert_eq!(keys, ["a", "b", "f", "e"]);
    }
}

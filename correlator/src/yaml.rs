//! YAML as rules need it: a small tree that remembers lines and how a scalar was written.
//!
//! serde's data model forgets both, and Sigma needs both: `1` and `'1'` are different patterns, and an error names its
//! line. Hostile files meet limits on depth, nodes and documents; anchors and aliases are refused (no expansion bombs).

use granit_parser::{Event, Parser, ScalarStyle, Span};

/// How deep lists and maps may nest.
const DEPTH_MAX: usize = 24;
/// How many nodes one file may hold.
const NODES_MAX: usize = 200_000;
/// How long one file may be.
const BYTES_MAX: usize = 4 << 20;

/// A value and the line it stands on.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Node {
    pub(crate) line: usize,
    pub(crate) kind: Kind,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Kind {
    /// Text and whether it was written without quotes.
    Scalar {
        text: String,
        plain: bool,
    },
    List(Vec<Node>),
    Map(Vec<Entry>),
}

/// A key of a map with its value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Entry {
    pub(crate) key: String,
    pub(crate) line: usize,
    pub(crate) value: Node,
}

impl Node {
    /// The scalar's text, unless it is null.
    pub(crate) fn text(&self) -> Option<&str> {
        match &self.kind {
            Kind::Scalar { text, .. } if !self.is_null() => Some(text),
            _ => None,
        }
    }

    /// YAML's null, in any of its spellings.
    pub(crate) fn is_null(&self) -> bool {
        matches!(&self.kind, Kind::Scalar { text, plain: true }
            if matches!(text.as_str(), "" | "~" | "null" | "Null" | "NULL"))
    }

    pub(crate) fn flag(&self) -> Option<bool> {
        match &self.kind {
            Kind::Scalar { text, plain: true } => match text.as_str() {
                "true" | "True" | "TRUE" => Some(true),
                "false" | "False" | "FALSE" => Some(false),
                _ => None,
            },
            _ => None,
        }
    }

    pub(crate) fn map(&self) -> Option<&[Entry]> {
        if let Kind::Map(entries) = &self.kind { Some(entries) } else { None }
    }

    pub(crate) fn list(&self) -> Option<&[Node]> {
        if let Kind::List(items) = &self.kind { Some(items) } else { None }
    }

    /// The value of the map's key.
    pub(crate) fn get(&self, key: &str) -> Option<&Node> {
        self.map()?.iter().find(|entry| entry.key == key).map(|entry| &entry.value)
    }

    /// The elements of a list, or the one scalar as a list of one.
    pub(crate) fn each(&self) -> &[Node] {
        match &self.kind {
            Kind::List(items) => items,
            _ => std::slice::from_ref(self),
        }
    }

    /// Every element as text; `None` if one of them is not text.
    pub(crate) fn texts(&self) -> Option<Vec<String>> {
        self.each().iter().map(|item| item.text().map(str::to_owned)).collect()
    }
}

/// What is wrong with a file, and on which line.
#[derive(Debug, PartialEq)]
pub(crate) struct Fault {
    pub(crate) line: usize,
    pub(crate) message: String,
}

/// The documents of a file; empty documents are left out.
pub(crate) fn documents(text: &str) -> Result<Vec<Node>, Fault> {
    if text.len() > BYTES_MAX {
        return Err(Fault {
            line: 1,
            message: format!("the file is longer than {BYTES_MAX} bytes: split it"),
        });
    }
    let mut reader = Reader { parser: Parser::new_from_str(text), nodes: 0 };
    let mut found = Vec::new();
    while let Some((event, span)) = reader.next()? {
        match event {
            Event::StreamStart | Event::DocumentStart(..) | Event::DocumentEnd => {}
            Event::StreamEnd => break,
            event => {
                let node = reader.node(event, span, 0)?;
                if !node.is_null() {
                    found.push(node);
                }
            }
        }
    }
    Ok(found)
}

/// What to write instead, for the mistakes that people make in rules.
fn advice(info: &str) -> &'static str {
    let known = [
        ("tabs", ": indent with spaces"),
        (
            "mapping values are not allowed",
            ": put a value that holds `: ` in single quotes, or keep keys in one column",
        ),
        ("anchor", ": put a value that begins with `*` or `&` in single quotes"),
        ("expected key", ": the keys of one map stand in one column"),
        ("escape character", ": write backslashes in single quotes"),
    ];
    known.iter().find(|(part, _)| info.contains(part)).map_or("", |(_, advice)| advice)
}

struct Reader<'a> {
    parser: Parser<'a, granit_parser::StrInput<'a>>,
    nodes: usize,
}

impl<'a> Reader<'a> {
    fn next(&mut self) -> Result<Option<(Event<'a>, Span)>, Fault> {
        match self.parser.next_event() {
            None => Ok(None),
            Some(Ok(found)) => Ok(Some(found)),
            Some(Err(error)) => {
                let info = error.info();
                Err(Fault {
                    line: error.marker().line(),
                    message: format!("not YAML: {info}{}", advice(&info)),
                })
            }
        }
    }

    fn some(&mut self, line: usize) -> Result<(Event<'a>, Span), Fault> {
        self.next()?.ok_or_else(|| Fault { line, message: "the file ends too early".to_owned() })
    }

    fn node(&mut self, event: Event<'a>, span: Span, depth: usize) -> Result<Node, Fault> {
        let line = span.start.line();
        let fault = |message: String| Err(Fault { line, message });
        self.nodes += 1;
        if depth > DEPTH_MAX {
            return fault(format!("lists and maps nest deeper than {DEPTH_MAX}: flatten them"));
        }
        if self.nodes > NODES_MAX {
            return fault(format!("the file has more than {NODES_MAX} values: split it"));
        }
        let kind = match event {
            Event::Scalar(_, _, _, Some(_))
            | Event::SequenceStart(_, _, Some(_))
            | Event::MappingStart(_, _, Some(_)) => {
                return fault("YAML tags (`!`) are not used by Sigma: quote the value".to_owned());
            }
            Event::Scalar(text, style, ..) => {
                Kind::Scalar { text: text.into_owned(), plain: style == ScalarStyle::Plain }
            }
            Event::SequenceStart(..) => Kind::List(self.list(line, depth)?),
            Event::MappingStart(..) => Kind::Map(self.entries(line, depth)?),
            Event::Alias(..) | Event::UnresolvedAlias(..) => {
                return fault(
                    "YAML aliases (`*name`) are not supported: write the value out, or quote it".to_owned(),
                );
            }
            other => return fault(format!("unexpected {other:?}")),
        };
        Ok(Node { line, kind })
    }

    fn list(&mut self, line: usize, depth: usize) -> Result<Vec<Node>, Fault> {
        let mut items = Vec::new();
        loop {
            let (event, span) = self.some(line)?;
            if matches!(event, Event::SequenceEnd) {
                return Ok(items);
            }
            items.push(self.node(event, span, depth + 1)?);
        }
    }

    fn entries(&mut self, line: usize, depth: usize) -> Result<Vec<Entry>, Fault> {
        let mut entries: Vec<Entry> = Vec::new();
        let mut seen = std::collections::HashSet::new();
        loop {
            let (event, span) = self.some(line)?;
            if matches!(event, Event::MappingEnd) {
                return Ok(entries);
            }
            let line = span.start.line();
            let key = self.node(event, span, depth + 1)?;
            let Kind::Scalar { text: key, .. } = key.kind else {
                return Err(Fault { line, message: "a key must be text".to_owned() });
            };
            if !seen.insert(key.clone()) {
                return Err(Fault {
                    line,
                    message: format!("the key `{key}` stands twice: merge or rename it"),
                });
            }
            let (event, span) = self.some(line)?;
            let value = self.node(event, span, depth + 1)?;
            entries.push(Entry { key, line, value });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn scalars_keep_their_quotes_and_lines() {
        let found = documents("a: 1\nb: '1'\nc:\n---\n- x\n").unwrap();
        assert_eq!(found.len(), 2);
        assert_eq!(found[0].get("a").unwrap().kind, Kind::Scalar { text: "1".into(), plain: true });
        assert_eq!(found[0].get("b").unwrap().kind, Kind::Scalar { text: "1".into(), plain: false });
        assert_eq!(found[0].get("b").unwrap().line, 2);
        assert!(found[0].get("c").unwrap().is_null());
        assert_eq!(found[1].texts().unwrap(), ["x"]);
    }

    #[test]
    fn what_could_blow_up_is_refused_with_its_line() {
        assert_eq!(documents("a: 1\na: 2").unwrap_err().line, 2);
        assert!(documents("a: &x [1]\nb: *x").unwrap_err().message.contains("aliases"));
        assert!(documents(&format!("{}a", "- ".repeat(99))).unwrap_err().message.contains("nest"));
        assert!(documents(&"- a\n".repeat(NODES_MAX + 1)).unwrap_err().message.contains("split"));
        assert!(documents(&"[".repeat(5000)).is_err());
        assert!(documents("a: [").unwrap_err().message.contains("not YAML"));
        assert!(documents("? [a]\n: b").unwrap_err().message.contains("key must be text"));
    }

    #[test]
    fn usual_mistakes_are_told_with_what_to_write() {
        for (text, line, advice) in [
            ("a:\n\tb: c\n", 2, "indent with spaces"),
            ("title: One: two\n", 1, "`: ` in single quotes"),
            ("a: 1\nb: *failed*\n", 2, "begins with `*`"),
            ("a:\n  b: 1\n   c: 2\n", 3, "in one column"),
            ("a:\n  b:\n    c: 1\n   d: 2\n", 4, "one column"),
            ("a: \"C:\\Windows\"\n", 1, "backslashes in single quotes"),
        ] {
            let fault = documents(text).unwrap_err();
            assert!(fault.line == line && fault.message.contains(advice), "{text} {fault:?}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_the_reader_panic(text in "\\PC{0,80}|[-\\[\\]{}:,&*!|>'\"#%@ \n\ta?0]{0,80}") {
            let found = documents(&text).map_or(0, |found| found.len());
            prop_assert!(found <= text.len());
        }
    }
}

//! Wazuh's dialect of XML: several roots in one file, `&` and `<` that are not escaped, `\<` for `<`.
//!
//! quick-xml does the reading; what its strictness would refuse is escaped beforehand. A document type is refused and no
//! entity but XML's five is known, so nothing can expand. Depth, elements and bytes are limited.

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

/// How long one file may be.
const BYTES_MAX: usize = 8 << 20;
/// How deep elements may nest; Wazuh's rules need four.
const DEPTH_MAX: usize = 12;
/// How many elements one file may hold.
const ELEMENTS_MAX: usize = 200_000;

/// An element and the line it begins on.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Element {
    pub(super) name: String,
    pub(super) line: usize,
    pub(super) attributes: Vec<(String, String)>,
    /// Its text, without that of its children.
    pub(super) text: String,
    pub(super) children: Vec<Element>,
}

impl Element {
    pub(super) fn attribute(&self, name: &str) -> Option<&str> {
        let found = self.attributes.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }
}

/// What is wrong with a file, and on which line.
#[derive(Debug, PartialEq)]
pub(super) struct Fault {
    pub(super) line: usize,
    pub(super) message: String,
}

/// The root elements of a file.
pub(super) fn elements(text: &str) -> Result<Vec<Element>, Fault> {
    if text.len() > BYTES_MAX {
        let message = format!("the file is longer than {BYTES_MAX} bytes: split it");
        return Err(Fault { line: 1, message });
    }
    let text = lenient(text);
    let mut tree = Tree { open: vec![Element::default()], elements: 0 };
    let mut reader = Reader::from_str(&text);
    let mut lines = Lines { text: text.as_bytes(), at: 0, line: 1 };
    loop {
        let before = usize::try_from(reader.buffer_position()).unwrap_or(usize::MAX);
        let line = lines.of(before);
        let event =
            reader.read_event().map_err(|error| Fault { line, message: format!("not XML: {error}") })?;
        let fault = |message: &str| Err(Fault { line, message: message.to_owned() });
        match event {
            Event::Start(start) => tree.begin(&start, line)?,
            Event::Empty(start) => {
                tree.begin(&start, line)?;
                tree.end();
            }
            Event::End(_) => tree.end(),
            Event::Text(found) => tree.text(&found),
            Event::CData(found) => tree.text(&found),
            Event::GeneralRef(name) => tree.text(&referred(&name)),
            Event::DocType(_) => return fault("a document type is not used by Wazuh: remove it"),
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) => {}
            Event::Eof => break,
        }
    }
    match tree.open.pop() {
        Some(root) if tree.open.is_empty() => Ok(root.children),
        Some(left) => {
            let message = format!("the element `{}` is not closed", left.name);
            Err(Fault { line: left.line, message })
        }
        None => Err(Fault { line: 1, message: "an element is closed that was not open".to_owned() }),
    }
}

struct Tree {
    /// The elements that are open; the first stands for the file.
    open: Vec<Element>,
    elements: usize,
}

impl Tree {
    fn begin(&mut self, start: &BytesStart<'_>, line: usize) -> Result<(), Fault> {
        self.elements += 1;
        if self.open.len() > DEPTH_MAX {
            return Err(Fault { line, message: format!("elements nest deeper than {DEPTH_MAX}") });
        }
        if self.elements > ELEMENTS_MAX {
            let message = format!("the file has more than {ELEMENTS_MAX} elements: split it");
            return Err(Fault { line, message });
        }
        let mut attributes = Vec::new();
        for found in start.attributes().with_checks(false) {
            let found = found.map_err(|error| Fault { line, message: format!("not XML: {error}") })?;
            let name = found.key.as_ref().to_owned();
            attributes.push((name, expanded(&found.value)));
        }
        let name = start.name().as_ref().to_ascii_lowercase();
        self.open.push(Element { name, line, attributes, ..Element::default() });
        Ok(())
    }

    fn end(&mut self) {
        if let Some(element) = self.open.pop()
            && let Some(parent) = self.open.last_mut()
        {
            parent.children.push(element);
        }
    }

    fn text(&mut self, found: &str) {
        if let Some(element) = self.open.last_mut() {
            element.text.push_str(found);
        }
    }
}

/// The line of a place in the text; places come in ascending order.
struct Lines<'a> {
    text: &'a [u8],
    at: usize,
    line: usize,
}

impl Lines<'_> {
    fn of(&mut self, place: usize) -> usize {
        let place = place.min(self.text.len());
        if let Some(passed) = self.text.get(self.at..place) {
            self.line += passed.iter().filter(|byte| **byte == b'\n').count();
            self.at = place;
        }
        self.line
    }
}

/// Escapes each `&` and `<` that means itself. Comments, CDATA and tags stay as they are.
fn lenient(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 64);
    let mut rest = text;
    while let Some(at) = rest.find(['&', '<', '\\']) {
        let (before, found) = rest.split_at(at);
        out.push_str(before);
        let (written, taken) = if let Some(len) = comment(found) {
            (found.get(..len).unwrap_or(found), len)
        } else if found.starts_with("\\<") && !found.starts_with("\\</") {
            ("&lt;", 2)
        } else if found.starts_with('\\') {
            ("\\", 1)
        } else if found.starts_with('&') {
            (if is_reference(found) { "&" } else { "&amp;" }, 1)
        } else if is_tag(found) {
            ("<", 1)
        } else {
            ("&lt;", 1)
        };
        out.push_str(written);
        rest = found.get(taken..).unwrap_or_default();
    }
    out.push_str(rest);
    out
}

/// How long the comment or CDATA is that the text begins with.
fn comment(text: &str) -> Option<usize> {
    let (begin, end) = match () {
        () if text.starts_with("<!--") => ("<!--", "-->"),
        () if text.starts_with("<![CDATA[") => ("<![CDATA[", "]]>"),
        () => return None,
    };
    let inside = text.get(begin.len()..)?;
    Some(inside.find(end).map_or(text.len(), |at| begin.len() + at + end.len()))
}

fn is_tag(text: &str) -> bool {
    let mut chars = text.chars().skip(1);
    match chars.next() {
        Some('/') => chars.next().is_some_and(|c| c.is_ascii_alphabetic()),
        Some('?' | '!') => true,
        Some(c) => c.is_ascii_alphabetic(),
        None => false,
    }
}

fn is_reference(text: &str) -> bool {
    // The longest of the names has four letters, the longest number seven digits.
    let name = text.get(1..).unwrap_or_default();
    let end = name.bytes().take(10).position(|byte| byte == b';');
    end.and_then(|end| name.get(..end)).is_some_and(|name| known(name).is_some())
}

fn known(name: &str) -> Option<char> {
    match name {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        number => {
            let number = number.strip_prefix('#')?;
            let code = match number.strip_prefix(['x', 'X']) {
                Some(digits) => u32::from_str_radix(digits, 16),
                None => number.parse(),
            };
            code.ok().and_then(char::from_u32)
        }
    }
}

fn referred(name: &str) -> String {
    known(name).map_or_else(|| format!("&{name};"), String::from)
}

/// The references of an attribute's value.
fn expanded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut parts = text.split('&');
    out.push_str(parts.next().unwrap_or_default());
    for part in parts {
        match part.split_once(';').and_then(|(name, after)| Some((known(name)?, after))) {
            Some((c, after)) => {
                out.push(c);
                out.push_str(after);
            }
            None => {
                out.push('&');
                out.push_str(part);
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn one(text: &str) -> Element {
        let mut found = elements(text).unwrap();
        assert_eq!(found.len(), 1, "{found:?}");
        found.remove(0)
    }

    #[test]
    fn several_roots_comments_and_lines_are_read() {
        let found = elements(
            "<!-- a <b> -- & c -->\n<var name=\"X\">a|b</var>\n<group name=\"x,\">\n  <rule id=\"1\"\n  level='3'>\n    \
             <same_source_ip />\n  </rule>\n</group>",
        )
        .unwrap();
        assert_eq!((found.len(), found[0].text.as_str(), found[0].line), (2, "a|b", 2));
        let rule = &found[1].children[0];
        assert_eq!((rule.attribute("ID"), rule.attribute("level"), rule.line), (Some("1"), Some("3"), 4));
        assert_eq!((rule.children[0].name.as_str(), rule.children[0].line), ("same_source_ip", 6));
    }

    #[test]
    fn unescaped_signs_mean_themselves() {
        for (written, text) in [
            ("a & b && c", "a & b && c"),
            ("a &amp; b &lt; &#65;&#x42;", "a & b < AB"),
            ("x < 3 and <= 4", "x < 3 and <= 4"),
            (r"\<script", "<script"),
            (r"C:\x\\y", r"C:\x\\y"),
            ("&nope; &amp", "&nope; &amp"),
            ("<![CDATA[<a> & ]]>b", "<a> & b"),
            ("a<!-- <x> & -->b", "ab"),
            ("a > b", "a > b"),
        ] {
            assert_eq!(one(&format!("<m>{written}</m>")).text, text, "{written}");
        }
        assert_eq!(one(r#"<m a="x &amp; y & z">t</m>"#).attribute("a"), Some("x & y & z"));
    }

    #[test]
    fn what_could_blow_up_is_refused_with_its_line() {
        let refused = |text: &str| elements(text).unwrap_err();
        assert!(refused("<!DOCTYPE x [<!ENTITY a \"b\">]><x>&a;</x>").message.contains("document type"));
        assert!(refused(&"<a>".repeat(DEPTH_MAX + 2)).message.contains("nest"));
        assert!(refused(&"<a/>".repeat(ELEMENTS_MAX + 1)).message.contains("split"));
        assert!(refused(&" ".repeat(BYTES_MAX + 1)).message.contains("split"));
        assert_eq!(refused("<a>\n<b>\n</a>").line, 3);
        assert!(refused("<a>\n").message.contains("not closed"));
        assert!(refused("</a>").message.contains("not XML"));
    }

    proptest! {
        #[test]
        fn no_text_makes_the_reader_panic(text in "\\PC{0,80}|[<>/a&;!\\-\"'= \\\\\n\\[\\]#x1]{0,80}") {
            if let Ok(found) = elements(&text) {
                prop_assert!(found.len() <= text.len());
            }
        }
    }
}

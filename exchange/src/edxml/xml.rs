//! XML written as canonicalisation (C14N 1.0) would write it.

use std::collections::BTreeMap;
use std::fmt::Write as _;

/// Writes elements. A receiver may want other names for some.
pub(super) struct Writer<'a> {
    out: String,
    names: &'a BTreeMap<String, String>,
}

impl<'a> Writer<'a> {
    pub(super) fn new(names: &'a BTreeMap<String, String>) -> Writer<'a> {
        Writer { out: String::new(), names }
    }

    fn name<'n>(&self, name: &'n str) -> &'n str
    where
        'a: 'n,
    {
        self.names.get(name).map_or(name, String::as_str)
    }

    /// Opens an element; attributes must be in the order of their names.
    pub(super) fn open(&mut self, name: &str, attributes: &[(&str, &str)]) {
        let name = self.name(name);
        self.out.push('<');
        self.out.push_str(name);
        for (key, value) in attributes {
            let _ = write!(self.out, " {key}=\""); // writing to a String cannot fail
            escape(value, true, &mut self.out);
            self.out.push('"');
        }
        self.out.push('>');
    }

    pub(super) fn close(&mut self, name: &str) {
        let name = self.name(name);
        let _ = write!(self.out, "</{name}>"); // writing to a String cannot fail
    }

    /// An element that holds text alone. Without text it still has both tags, which is its canonical form.
    pub(super) fn leaf(&mut self, name: &str, text: &str) {
        self.open(name, &[]);
        escape(text, false, &mut self.out);
        self.close(name);
    }

    pub(super) fn finish(self) -> String {
        self.out
    }
}

/// Appends a text. What XML cannot hold is written `\xHH`, as bytes that are no UTF-8 are elsewhere.
fn escape(text: &str, attribute: bool, out: &mut String) {
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' if !attribute => out.push_str("&gt;"),
            '"' if attribute => out.push_str("&quot;"),
            '\r' => out.push_str("&#xD;"),
            '\t' if attribute => out.push_str("&#x9;"),
            '\n' if attribute => out.push_str("&#xA;"),
            '\t' | '\n' => out.push(letter),
            '\0'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => {
                let _ = write!(out, "\\x{:02X}", u32::from(letter)); // writing to a String cannot fail
            }
            _ => out.push(letter),
        }
    }
}

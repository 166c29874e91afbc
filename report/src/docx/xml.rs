//! XML under construction. An element ends where its closure ends, so nothing stays open.

use quick_xml::escape::escape;

pub(super) const DECLARATION: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n";

#[derive(Default)]
pub(super) struct Xml {
    text: String,
}

impl Xml {
    /// A whole part: the declaration and one element.
    pub(super) fn part(name: &str, attributes: &[(&str, &str)], inside: impl FnOnce(&mut Xml)) -> Vec<u8> {
        let mut xml = Xml { text: DECLARATION.to_owned() };
        xml.element(name, attributes, inside);
        xml.text.into_bytes()
    }

    pub(super) fn element(&mut self, name: &str, attributes: &[(&str, &str)], inside: impl FnOnce(&mut Xml)) {
        self.open(name, attributes);
        self.text.push('>');
        inside(self);
        self.text.push_str("</");
        self.text.push_str(name);
        self.text.push('>');
    }

    pub(super) fn empty(&mut self, name: &str, attributes: &[(&str, &str)]) {
        self.open(name, attributes);
        self.text.push_str("/>");
    }

    /// An element whose one attribute is `w:val`, of which this format has many.
    pub(super) fn value(&mut self, name: &str, value: &str) {
        self.empty(name, &[("w:val", value)]);
    }

    /// Text, which must hold only what XML can: see [`super::visible`].
    pub(super) fn text(&mut self, text: &str) {
        self.text.push_str(&escape(text));
    }

    /// An element that holds text alone.
    pub(super) fn leaf(&mut self, name: &str, attributes: &[(&str, &str)], text: &str) {
        self.element(name, attributes, |xml| xml.text(text));
    }

    fn open(&mut self, name: &str, attributes: &[(&str, &str)]) {
        self.text.push('<');
        self.text.push_str(name);
        for (key, value) in attributes {
            self.text.push(' ');
            self.text.push_str(key);
            self.text.push_str("=\"");
            self.text.push_str(&escape(*value));
            self.text.push('"');
        }
    }
}

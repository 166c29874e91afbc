//! A text to be looked for in many values.

use memchr::memmem::Finder;
use std::sync::OnceLock;

/// The text, and what finds it quickly: made when it is first looked for, for most never are.
#[derive(Clone, Debug)]
pub(crate) struct Needle {
    text: Box<str>,
    finder: OnceLock<Box<Finder<'static>>>,
}

impl PartialEq for Needle {
    fn eq(&self, other: &Needle) -> bool {
        self.text == other.text
    }
}

impl Needle {
    pub(crate) fn new(text: &str) -> Needle {
        Needle { text: text.into(), finder: OnceLock::new() }
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.text.as_bytes()
    }

    pub(crate) fn len(&self) -> usize {
        self.text.len()
    }

    /// Where it first stands.
    pub(crate) fn find(&self, value: &[u8]) -> Option<usize> {
        match self.as_bytes() {
            [one] => memchr::memchr(*one, value),
            text => self.finder.get_or_init(|| Box::new(Finder::new(text).into_owned())).find(value),
        }
    }
}

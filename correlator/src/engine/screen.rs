//! Keywords may stand in any value. One search of the whole record's text says of most records that none does, so that
//! their values need not be looked at one by one.

use super::column::View;
use super::index::Literal;
use aho_corasick::{AhoCorasick, MatchKind};

/// Pieces of keywords of which one stands in the text of every record that has a keyword.
#[derive(Debug)]
pub(super) struct Screen(AhoCorasick);

/// What the text of a number, an address, a time or a flag is made of.
const NUMERIC: &str = "0123456789abcdef.:-+tzrulsin";

impl Screen {
    /// `None`: a keyword has no piece that can be looked for.
    pub(super) fn new(texts: &[&Literal]) -> Option<Screen> {
        let pieces: Option<Vec<&str>> = texts.iter().map(|text| piece(text)).collect();
        // Of the kinds, this one looks for few texts sixteen bytes at a time.
        AhoCorasick::builder().match_kind(MatchKind::LeftmostFirst).build(pieces?).ok().map(Screen)
    }

    /// Whether some value of the record may have a keyword. `room` is for the record's text.
    pub(super) fn may_pass(&self, view: &impl View, room: &mut String) -> bool {
        room.clear();
        !view.write_texts(room) || self.0.is_match(room.as_str())
    }
}

/// The longest stretch that JSON writes as it is, if only text can have it.
fn piece(literal: &Literal) -> Option<&str> {
    let stretches = literal.text.split(|c: char| matches!(c, '"' | '\\' | '/') || c.is_control());
    let told = |stretch: &&str| stretch.chars().any(|c| !NUMERIC.contains(c));
    stretches.filter(told).max_by_key(|stretch| stretch.len())
}

//! Keywords may stand in any value. One search of the whole record's text says of most records that none does, so that
//! their values need not be looked at one by one.

use super::column::View;
use super::index::{Literal, commonness};
use aho_corasick::{AhoCorasick, MatchKind};
use std::collections::BTreeSet;

/// Pieces of keywords of which one stands in the text of every record that has a keyword.
#[derive(Debug)]
pub(super) struct Screen {
    pieces: AhoCorasick,
    /// A few bytes of each piece in every case, for text of ASCII alone: that is searched without folding it first.
    short: Option<AhoCorasick>,
}

/// What the text of a number, an address, a time or a flag is made of.
const NUMERIC: &str = "0123456789abcdef.:-+tzrulsin";
/// How many bytes of a piece are looked for in every case.
const SHORT: usize = 3;
/// How many texts the search of few texts takes.
const SHORT_MAX: usize = 64;

impl Screen {
    /// `None`: a keyword has no piece that can be looked for.
    pub(super) fn new(texts: &[&Literal]) -> Option<Screen> {
        let pieces: Option<Vec<&str>> = texts.iter().map(|text| piece(text)).collect();
        let pieces = pieces?;
        let short: Option<Vec<String>> = cased(&pieces).filter(|short| short.len() <= SHORT_MAX);
        Some(Screen { pieces: search(&pieces)?, short: short.and_then(|short| search(&short)) })
    }

    /// Whether some value of the record may have a keyword. `room` is for the record's text.
    pub(super) fn may_pass(&self, view: &impl View, room: &mut String) -> bool {
        if let Some((short, text)) = self.short.as_ref().zip(view.ascii())
            && !short.is_match(text)
        {
            return false;
        }
        room.clear();
        !view.write_texts(room) || self.pieces.is_match(room.as_str())
    }
}

/// Of the kinds, this one looks for few texts sixteen bytes at a time.
fn search(texts: &[impl AsRef<[u8]>]) -> Option<AhoCorasick> {
    AhoCorasick::builder().match_kind(MatchKind::LeftmostFirst).build(texts).ok()
}

/// The longest stretch that JSON writes as it is, if only text can have it.
fn piece(literal: &Literal) -> Option<&str> {
    let stretches = literal.text.split(|c: char| matches!(c, '"' | '\\' | '/') || c.is_control());
    let told = |stretch: &&str| stretch.chars().any(|c| !NUMERIC.contains(c));
    stretches.filter(told).max_by_key(|stretch| stretch.len())
}

/// Of each piece the stretch that looks rarest, in every case; pieces that text of ASCII cannot have are left out. `None`: a
/// piece is too short.
fn cased(pieces: &[&str]) -> Option<Vec<String>> {
    let commonness = |stretch: &&str| stretch.bytes().map(commonness).product::<u32>();
    let mut found = BTreeSet::new();
    for piece in pieces.iter().filter(|piece| piece.is_ascii()) {
        let stretches = (0..piece.len()).filter_map(|at| piece.get(at..at + SHORT));
        let mut cased = vec![String::new()];
        for byte in stretches.min_by_key(commonness)?.bytes() {
            let upper = byte.to_ascii_uppercase();
            let others =
                cased.iter().filter(|_| upper != byte).map(|begun| format!("{begun}{}", char::from(upper)));
            let others: Vec<String> = others.collect();
            cased.iter_mut().for_each(|begun| begun.push(char::from(byte)));
            cased.extend(others);
        }
        found.extend(cased);
    }
    Some(found.into_iter().collect())
}

//! What of a glob stands between its stars.

use super::needle::Needle;
use super::pattern::Token;

/// What of a glob has no `*` in it.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Piece {
    Text(Needle),
    /// One for each character; the longest text among them, and how many characters stand before it.
    Tokens(Box<[Token]>, Option<(usize, Needle)>),
}

impl Piece {
    pub(super) fn of(tokens: &[Token]) -> Piece {
        let longest = longest(tokens);
        match longest {
            Some((_, ref text)) if text.chars().count() == tokens.len() => Piece::Text(Needle::new(text)),
            _ if tokens.is_empty() => Piece::Text(Needle::new("")),
            _ => Piece::Tokens(tokens.into(), longest.map(|(before, text)| (before, Needle::new(&text)))),
        }
    }

    /// What follows the piece, if the text begins with it.
    pub(super) fn strip_from<'t>(&self, text: &'t str) -> Option<&'t str> {
        match self {
            Piece::Text(piece) => {
                text.as_bytes().starts_with(piece.as_bytes()).then(|| text.get(piece.len()..)).flatten()
            }
            Piece::Tokens(tokens, _) => {
                let mut chars = text.chars();
                tokens
                    .iter()
                    .all(|token| chars.next().is_some_and(|c| token.fits(c)))
                    .then_some(chars.as_str())
            }
        }
    }

    /// What follows the piece where the text first has it.
    pub(super) fn find_in<'t>(&self, text: &'t str) -> Option<&'t str> {
        match self {
            Piece::Text(piece) => text.get(piece.find(text.as_bytes())? + piece.len()..),
            Piece::Tokens(_, None) => {
                text.char_indices().find_map(|(at, _)| self.strip_from(text.get(at..)?))
            }
            Piece::Tokens(_, Some((before, needle))) => {
                let mut from = 0;
                loop {
                    let at = from + needle.find(text.as_bytes().get(from..)?)?;
                    let start = match before {
                        0 => Some(at),
                        _ => text.get(..at)?.char_indices().rev().nth(before - 1).map(|(start, _)| start),
                    };
                    if let Some(rest) = start.and_then(|start| self.strip_from(text.get(start..)?)) {
                        return Some(rest);
                    }
                    from = at + text.get(at..)?.chars().next()?.len_utf8();
                }
            }
        }
    }

    /// Whether the text ends with the piece.
    pub(super) fn ends(&self, text: &str) -> bool {
        match self {
            Piece::Text(piece) => text.as_bytes().ends_with(piece.as_bytes()),
            Piece::Tokens(tokens, _) => {
                let mut chars = text.chars();
                tokens.iter().rev().all(|token| chars.next_back().is_some_and(|c| token.fits(c)))
            }
        }
    }
}

/// The longest text among these, and how many of them stand before it.
pub(super) fn longest(tokens: &[Token]) -> Option<(usize, String)> {
    let mut at = 0;
    let runs = tokens.chunk_by(|a, b| matches!((a, b), (Token::Char(_), Token::Char(_)))).map(|run| {
        let begun = at;
        at += run.len();
        (begun, run)
    });
    let texts = runs.filter(|(_, run)| matches!(run, [Token::Char(_), ..]));
    let (before, run) = texts.max_by_key(|(before, run)| (run.len(), usize::MAX - before))?;
    let text = run.iter().filter_map(|token| match token {
        Token::Char(c) => Some(*c),
        _ => None,
    });
    Some((before, text.collect()))
}

//! One pattern of a rule against one value of an event.
//!
//! Text is compared without regard to case unless `cased` says otherwise. Case is Unicode's simple folding, one
//! character to one, so `?` stays one character. `*` and `?` are wildcards; a backslash escapes them and itself, and is
//! itself before anything else, exactly as Sigma's specification lists it.

use super::linear::Linear;
use super::moment::Part;
use super::needle::Needle;
use super::network::Network;
use super::piece::{Piece, longest};
use event::Value;
use std::borrow::Cow;
use std::net::IpAddr;
use std::sync::LazyLock;

/// How long a pattern may be, in characters.
pub(super) const CHARS_MAX: usize = 16_384;

/// What a value is compared with.
#[derive(Clone, Debug)]
pub(crate) enum Pattern {
    Text(Glob),
    Whole(i64),
    Number(f64),
    Bool(bool),
    Regex(Box<Linear>),
    Network(Network),
    Compare(Order, f64),
    /// A part of a date, as a number that meets the inner pattern.
    Part(Part, Box<Pattern>),
    /// Any of these: what one value of a rule was expanded to, where `all` joins it with others.
    Any(Vec<Pattern>),
}

/// lt, lte, gt, gte.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Order {
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Pattern {
    pub(crate) fn holds(&self, value: Value<'_>, folds: &mut Folds) -> bool {
        match self {
            Pattern::Text(glob) if glob.cased => glob.holds_as_is(&value.to_text()),
            Pattern::Text(glob) => glob.holds_as_is(folds.of(&value.to_text())),
            Pattern::Whole(wanted) => match value {
                Value::Long(number) => number == *wanted,
                Value::Text(text) if text.parse() == Ok(*wanted) => true,
                #[allow(clippy::cast_precision_loss, reason = "a whole number in a rule is far below 2^53")]
                value => number(value) == Some(*wanted as f64),
            },
            Pattern::Number(wanted) => number(value) == Some(*wanted),
            Pattern::Bool(wanted) => match value {
                Value::Bool(flag) => flag == *wanted,
                Value::Text(text) => text.eq_ignore_ascii_case(if *wanted { "true" } else { "false" }),
                _ => false,
            },
            Pattern::Regex(regex) => regex.is_match(&value.to_text()),
            Pattern::Network(network) => address(value).is_some_and(|ip| network.contains(ip)),
            Pattern::Compare(order, bound) => number(value).is_some_and(|found| match order {
                Order::Less => found < *bound,
                Order::LessOrEqual => found <= *bound,
                Order::Greater => found > *bound,
                Order::GreaterOrEqual => found >= *bound,
            }),
            Pattern::Part(part, inner) => {
                part.of(value).is_some_and(|number| inner.holds(Value::Long(number), folds))
            }
            Pattern::Any(patterns) => patterns.iter().any(|pattern| pattern.holds(value, folds)),
        }
    }
}

#[allow(clippy::cast_precision_loss, reason = "comparisons of sizes and codes, far below 2^53")]
pub(crate) fn number(value: Value<'_>) -> Option<f64> {
    match value {
        Value::Long(number) => Some(number as f64),
        Value::Float(number) => Some(number),
        Value::Text(text) => text.parse().ok().filter(|number: &f64| number.is_finite()),
        _ => None,
    }
}

fn address(value: Value<'_>) -> Option<IpAddr> {
    match value {
        Value::Ip(ip) => Some(ip),
        Value::Text(text) => text.parse().ok(),
        _ => None,
    }
}

/// Where the text of a pattern must stand in the value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Place {
    Whole,
    Start,
    End,
    Anywhere,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Token {
    /// A character, folded unless the glob is cased.
    Char(char),
    /// `?`
    One,
    /// `*`
    Many,
    /// Any dash that Windows programs take, see `windash`.
    Dash,
}

/// What `windash` takes for one another: hyphen, slash, en dash, em dash, horizontal bar.
pub(super) const DASHES: [char; 5] = ['-', '/', '–', '—', '―'];

/// Text with wildcards.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Glob {
    tokens: Vec<Token>,
    /// What stands between the stars.
    pieces: Vec<Piece>,
    /// The longest text that it has.
    sure: Option<Needle>,
    cased: bool,
}

impl Token {
    pub(super) fn fits(self, c: char) -> bool {
        match self {
            Token::Char(wanted) => wanted == c,
            Token::One | Token::Many => true,
            Token::Dash => DASHES.contains(&c),
        }
    }
}

impl Glob {
    /// Reads Sigma's notation.
    pub(super) fn parse(text: &str, place: Place, cased: bool) -> Glob {
        Glob::of(tokens(text), place, cased)
    }

    /// Text that means itself: no wildcards, no escapes.
    pub(crate) fn literal(text: &str, place: Place, cased: bool) -> Glob {
        Glob::of(text.chars().map(Token::Char).collect(), place, cased)
    }

    pub(super) fn of(mut tokens: Vec<Token>, place: Place, cased: bool) -> Glob {
        if !cased {
            for token in &mut tokens {
                if let Token::Char(c) = token {
                    *c = fold(*c);
                }
            }
        }
        if matches!(place, Place::End | Place::Anywhere) {
            tokens.insert(0, Token::Many);
        }
        if matches!(place, Place::Start | Place::Anywhere) {
            tokens.push(Token::Many);
        }
        tokens.dedup_by(|a, b| *a == Token::Many && *b == Token::Many);
        let pieces = tokens.split(|token| *token == Token::Many).map(Piece::of).collect();
        let sure = longest(&tokens).map(|(_, text)| Needle::new(&text));
        Glob { tokens, pieces, sure, cased }
    }

    /// What it is made of.
    pub(crate) fn tokens(&self) -> &[Token] {
        &self.tokens
    }

    /// Whether case matters.
    pub(crate) fn is_cased(&self) -> bool {
        self.cased
    }

    /// Whether the whole text, UTF-8 whose case is folded, fits.
    pub(crate) fn holds_folded(&self, text: &[u8]) -> bool {
        self.sure.as_ref().is_none_or(|sure| sure.find(text).is_some())
            && std::str::from_utf8(text).is_ok_and(|text| self.holds_as_is(text))
    }

    /// Whether the whole text fits.
    pub(crate) fn holds(&self, text: &str) -> bool {
        if self.cased { self.holds_as_is(text) } else { self.holds_as_is(&folded(text)) }
    }

    /// The same of a text whose case is folded, for a glob to which case does not matter. Each piece is taken where it
    /// first stands behind the one before, so the work is at most the text's length times the pattern's.
    pub(crate) fn holds_as_is(&self, text: &str) -> bool {
        let [first, rest @ ..] = &self.pieces[..] else { return text.is_empty() };
        let Some(mut text) = first.strip_from(text) else { return false };
        let [middle @ .., last] = rest else { return text.is_empty() };
        for piece in middle {
            let Some(behind) = piece.find_in(text) else { return false };
            text = behind;
        }
        last.ends(text)
    }
}

/// Sigma's notation: `*` and `?`, and a backslash that escapes them and itself.
pub(super) fn tokens(text: &str) -> Vec<Token> {
    let mut tokens = Vec::with_capacity(text.len() + 2);
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        tokens.push(match c {
            '\\' => match chars.next_if(|next| matches!(next, '\\' | '*' | '?')) {
                Some(escaped) => Token::Char(escaped),
                None => Token::Char(c),
            },
            '*' => Token::Many,
            '?' => Token::One,
            c => Token::Char(c),
        });
    }
    tokens
}

/// Unicode's simple case folding: one character to one. Turkish dotted and dotless i stay themselves, as there.
pub(crate) fn fold(c: char) -> char {
    /// Of the alphabets that have cases nearly all begin below this.
    const TABLE: usize = 0x2000;
    static FOLDED: LazyLock<Vec<char>> =
        LazyLock::new(|| ('\0'..).take(TABLE).map(fold_by_unicode).collect());
    match c {
        '\0'..='\x7f' => c.to_ascii_lowercase(),
        '\u{80}'..='\u{1fff}' => FOLDED.get(c as usize).copied().unwrap_or(c),
        // Punctuation, Han, Hangul, emoji: no cases.
        '\u{2000}'..='\u{2125}' | '\u{2e80}'..='\u{a63f}' | '\u{ac00}'..='\u{ff20}' | '\u{1e944}'.. => c,
        _ => fold_by_unicode(c),
    }
}

fn fold_by_unicode(c: char) -> char {
    if matches!(c, 'ı' | 'İ') {
        return c;
    }
    let mut upper = c.to_uppercase();
    let single_upper = match (upper.next(), upper.next()) {
        (Some(one), None) => one,
        _ => c,
    };
    let mut lower = single_upper.to_lowercase();
    match (lower.next(), lower.next()) {
        (Some(one), None) => one,
        _ => c,
    }
}

/// The text with its case folded.
pub(crate) fn folded(text: &str) -> Cow<'_, str> {
    let is_upper = |c: char| fold(c) != c;
    let upper = if text.is_ascii() {
        text.bytes().any(|byte| byte.is_ascii_uppercase())
    } else {
        text.chars().any(is_upper)
    };
    if !upper {
        return Cow::Borrowed(text);
    }
    let mut folded = String::with_capacity(text.len());
    push_folded(text, &mut folded);
    Cow::Owned(folded)
}

/// Texts that were folded a moment ago: an event's values are asked about by one rule after another.
#[derive(Debug, Default)]
pub(crate) struct Folds {
    /// As they are, and folded.
    kept: [(String, String); Folds::KEPT],
    oldest: usize,
}

impl Folds {
    const KEPT: usize = 8;

    /// The text with its case folded.
    pub(crate) fn of(&mut self, text: &str) -> &str {
        let known = self.kept.iter().position(|(plain, _)| plain == text);
        let at = known.unwrap_or_else(|| {
            let at = self.oldest;
            self.oldest = (at + 1) % Folds::KEPT;
            let (plain, folded) = &mut self.kept[at];
            plain.clear();
            plain.push_str(text);
            folded.clear();
            push_folded(text, folded);
            at
        });
        &self.kept[at].1
    }
}

/// Adds the text with its case folded.
pub(crate) fn push_folded(text: &str, folded: &mut String) {
    let mut rest = text;
    loop {
        let is_plain = rest.is_ascii();
        let first = || rest.bytes().position(|byte| !byte.is_ascii());
        let plain = if is_plain { rest.len() } else { first().unwrap_or(rest.len()) };
        let (ascii, others) = rest.split_at(plain);
        let from = folded.len();
        folded.push_str(ascii);
        if let Some(new) = folded.get_mut(from..) {
            new.make_ascii_lowercase();
        }
        let mut chars = others.chars();
        let Some(c) = chars.next() else { return };
        folded.push(fold(c));
        rest = chars.as_str();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn whole(pattern: &str, text: &str) -> bool {
        Glob::parse(pattern, Place::Whole, false).holds(text)
    }

    #[test]
    fn backslashes_escape_as_the_specification_lists() {
        for (pattern, text, expected) in [
            (r"\Windows\cmd.exe", r"\Windows\cmd.exe", true),
            (r"C:\\Windows", r"C:\Windows", true),
            (r"a\*b", "a*b", true),
            (r"a\*b", "axb", false),
            (r"a\?b", "axb", false),
            (r"a\\*", r"a\anything", true),
            (r"a\\*", "a*", false),
            (r"a\\\*", r"a\*", true),
            (r"a\\\*", r"a\x", false),
            (r"\\\server", r"\\server", true),
            (r"\\\\server", r"\\server", true),
            (r"end\", r"end\", true),
            (r"end\\", r"end\", true),
        ] {
            assert_eq!(whole(pattern, text), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn wildcards_and_case_follow_unicode() {
        for (pattern, text, expected) in [
            ("*", "", true),
            ("?", "", false),
            ("?", "ữ", true),
            ("ĐĂNG*NHẬP", "đăng ký rồi nhập", true),
            ("straße", "STRASSE", false),
            ("ΣΊΣΥΦΟΣ", "σίσυφος", true),
            ("a*b*c", "aXXbYYc", true),
            ("a*b*c", "aXXcYYb", false),
            ("*ab", "aaab", true),
            ("", "", true),
            ("", "x", false),
        ] {
            assert_eq!(whole(pattern, text), expected, "{pattern} {text}");
        }
        assert!(!Glob::parse("Cmd", Place::Anywhere, true).holds("cmd"));
        assert!(Glob::parse("Cmd", Place::Anywhere, true).holds("xCmdx"));
    }

    #[test]
    fn folding_by_table_and_range_is_that_of_unicode() {
        for c in '\0'..=char::MAX {
            assert_eq!(fold(c), fold_by_unicode(c), "{c:?}");
        }
    }

    #[test]
    fn folding_is_that_of_the_regex_crate() {
        for c in ('\u{80}'..='\u{24ff}').filter(|c| fold(*c) != *c) {
            let pattern = regex::Regex::new(&format!("^(?i:{})$", regex::escape(&c.to_string()))).unwrap();
            assert!(pattern.is_match(&fold(c).to_string()), "{c:?} {:?}", fold(c));
        }
    }

    #[test]
    fn numbers_meet_numbers_and_their_text() {
        let holds = |pattern: Pattern, value: Value<'_>| pattern.holds(value, &mut Folds::default());
        assert!(holds(Pattern::Whole(4625), Value::Long(4625)));
        assert!(holds(Pattern::Whole(4625), Value::Text("4625")));
        assert!(!holds(Pattern::Whole(4625), Value::Text("46250")));
        assert!(holds(Pattern::Text(Glob::literal("4625", Place::Whole, false)), Value::Long(4625)));
        assert!(holds(Pattern::Compare(Order::GreaterOrEqual, 10.0), Value::Text("10")));
        assert!(!holds(Pattern::Compare(Order::Less, 10.0), Value::Text("ten")));
    }

    #[test]
    fn what_is_kept_folded_is_what_folding_gives() {
        let mut folds = Folds::default();
        let texts: Vec<String> = (0..20).map(|n| format!("ĐĂNG {n}")).collect();
        for text in texts.iter().chain(&texts[12..]).chain(&texts[..3]) {
            assert_eq!(folds.of(text), folded(text));
        }
        assert_eq!(folds.of(""), "");
    }

    proptest! {
        #[test]
        fn a_glob_agrees_with_the_regex_of_the_same_meaning(pattern in "[ab*?đ]{0,9}", text in "[abĐđ]{0,12}") {
            let body: String = pattern.chars().map(|c| match c {
                '*' => ".*".to_owned(),
                '?' => ".".to_owned(),
                c => c.to_string(),
            }).collect();
            let same = regex::Regex::new(&format!("(?is)^{body}$")).unwrap();
            prop_assert_eq!(whole(&pattern, &text), same.is_match(&text));
        }
    }
}

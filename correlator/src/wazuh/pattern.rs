//! Wazuh's three pattern languages as Sigma's: plain text where that says the same, else a regular expression.
//!
//! `osmatch` is text with `^`, `$`, `|` and a leading `!`. `osregex` adds classes behind a backslash, the only things
//! that `+` and `*` repeat; parentheses only extract. Both know no upper and lower case. `pcre2` is rewritten for the
//! regex crate, which runs in linear time: what it cannot do (looking around, references, possessive repetition) is
//! refused, never dropped.

use super::pcre2;
use regex::escape;

/// How long a pattern may be.
pub(super) const BYTES_MAX: usize = 16_384;

/// A pattern language.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Dialect {
    Match,
    Regex,
    Pcre2,
}

impl Dialect {
    /// The value of the attribute `type`.
    pub(super) fn by_name(name: &str) -> Option<Dialect> {
        match name.trim().to_ascii_lowercase().as_str() {
            "osmatch" => Some(Dialect::Match),
            "osregex" => Some(Dialect::Regex),
            "pcre2" => Some(Dialect::Pcre2),
            _ => None,
        }
    }
}

/// What a value must meet: one of the alternatives, or none of them if `negated`.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Pattern {
    pub(super) any: Vec<Alternative>,
    pub(super) negated: bool,
}

/// One alternative of a pattern.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Alternative {
    /// An empty alternative holds of everything.
    Always,
    Whole(String),
    Start(String),
    End(String),
    Contains(String),
    /// A regular expression that minds the case.
    Cased(String),
    /// A regular expression that does not.
    Folded(String),
}

/// Reads a pattern.
///
/// # Errors
/// Why it has no equal here.
pub(super) fn parse(dialect: Dialect, text: &str) -> Result<Pattern, String> {
    if text.len() > BYTES_MAX {
        return Err(format!("the pattern is longer than {BYTES_MAX} bytes"));
    }
    let pattern = match dialect {
        Dialect::Match => {
            let (negated, text) = text.strip_prefix('!').map_or((false, text), |rest| (true, rest));
            Pattern { any: text.split('|').map(placed).collect(), negated }
        }
        Dialect::Regex => {
            let any = subpatterns(text).into_iter().map(osregex).collect::<Result<_, _>>()?;
            Pattern { any, negated: false }
        }
        Dialect::Pcre2 => Pattern { any: vec![perl(text)?], negated: false },
    };
    if pattern.any.iter().any(|one| one.written_len() > BYTES_MAX) {
        return Err(format!("the pattern would be longer than {BYTES_MAX} bytes"));
    }
    Ok(pattern)
}

impl Alternative {
    /// How long it is as a Sigma value.
    fn written_len(&self) -> usize {
        match self {
            Alternative::Always => 0,
            Alternative::Whole(text)
            | Alternative::Start(text)
            | Alternative::End(text)
            | Alternative::Contains(text) => sigma_text(text).len(),
            Alternative::Cased(regex) | Alternative::Folded(regex) => regex.len(),
        }
    }
}

/// Text with its anchors.
fn placed(text: &str) -> Alternative {
    let (start, rest) = text.strip_prefix('^').map_or((false, text), |rest| (true, rest));
    let (end, rest) = rest.strip_suffix('$').map_or((false, rest), |rest| (true, rest));
    at(rest.to_owned(), start, end)
}

fn at(text: String, start: bool, end: bool) -> Alternative {
    match (start, end) {
        (true, true) => Alternative::Whole(text),
        _ if text.is_empty() => Alternative::Always,
        (true, false) => Alternative::Start(text),
        (false, true) => Alternative::End(text),
        (false, false) => Alternative::Contains(text),
    }
}

/// Cuts at each `|` that no backslash stands before.
fn subpatterns(text: &str) -> Vec<&str> {
    let (mut found, mut begin, mut escaped) = (Vec::new(), 0, false);
    for (at, c) in text.char_indices() {
        if c == '|' && !escaped {
            found.push(text.get(begin..at).unwrap_or_default());
            begin = at + 1;
        }
        escaped = c == '\\' && !escaped;
    }
    found.push(text.get(begin..).unwrap_or_default());
    found
}

/// The characters that `\p` stands for, inside a class.
const PUNCTUATION: &str = r#"[()*+,\-.:;<=>?\[\]!"'#$%&|{}]"#;

fn osregex(text: &str) -> Result<Alternative, String> {
    let (start, rest) = text.strip_prefix('^').map_or((false, text), |rest| (true, rest));
    let is_end = rest.ends_with('$') && !rest.ends_with("\\$");
    let rest = if is_end { &rest[..rest.len() - 1] } else { rest };
    // The text as long as it means itself, and the expression all along.
    let (mut literal, mut expression) = (Some(String::new()), String::new());
    let mut chars = rest.chars().peekable();
    while let Some(c) = chars.next() {
        let class = match c {
            // Parentheses only tell what is extracted.
            '(' | ')' => continue,
            '\\' => match chars.next() {
                Some('d') => "[0-9]",
                Some('w') => "[A-Za-z0-9@_-]",
                Some('s') => " ",
                Some('p') => PUNCTUATION,
                Some('D') => "[^0-9]",
                Some('W') => "[^A-Za-z0-9@_-]",
                Some('S') => "[^ ]",
                Some('.') => "(?s:.)",
                Some('t') => r"\t",
                Some(c @ ('(' | ')' | '\\' | '$' | '|' | '<')) => {
                    push(&mut literal, &mut expression, c);
                    continue;
                }
                Some(c) => return Err(format!("`\\{c}` is unknown to osregex, so Wazuh refuses the rule")),
                None => return Err("the pattern ends in a backslash, so Wazuh refuses the rule".to_owned()),
            },
            c => {
                push(&mut literal, &mut expression, c);
                continue;
            }
        };
        expression.push_str(class);
        match chars.next_if(|next| matches!(next, '+' | '*')) {
            Some(sign) => {
                expression.push(sign);
                literal = None;
            }
            None if class == " " => push(&mut literal, &mut String::new(), ' '),
            None if class == r"\t" => push(&mut literal, &mut String::new(), '\t'),
            None => literal = None,
        }
    }
    if let Some(literal) = literal {
        return Ok(at(literal, start, is_end));
    }
    let (begin, end) = (if start { "^" } else { "" }, if is_end { "$" } else { "" });
    checked(format!("{begin}{expression}{end}")).map(Alternative::Folded)
}

fn push(literal: &mut Option<String>, expression: &mut String, c: char) {
    if let Some(literal) = literal {
        literal.push(c);
    }
    expression.push_str(&escape(c.encode_utf8(&mut [0; 4])));
}

/// The expression, if the engine takes it.
fn checked(expression: String) -> Result<String, String> {
    let built = regex::RegexBuilder::new(&expression).size_limit(1 << 20).nest_limit(100).build();
    match built {
        Ok(_) => Ok(expression),
        Err(error) => {
            let said = error.to_string();
            let last = said.lines().last().unwrap_or_default().trim().to_owned();
            Err(format!("the expression does not run in linear time or bounded space here: {last}"))
        }
    }
}

fn perl(text: &str) -> Result<Alternative, String> {
    if let Some(whole) = text.strip_prefix('^').and_then(|rest| rest.strip_suffix('$'))
        && !whole.is_empty()
        && whole.bytes().all(|byte| byte.is_ascii_digit())
    {
        // A number has no case: the plain comparison says the same and shows when two rules exclude each other.
        return Ok(Alternative::Whole(whole.to_owned()));
    }
    checked(pcre2::rewritten(text)?).map(Alternative::Cased)
}

/// Text as a Sigma value: its wildcards and backslashes escaped.
pub(super) fn sigma_text(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 4);
    for c in text.chars() {
        if matches!(c, '\\' | '*' | '?') {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::Alternative::{Always, Cased, Contains, End, Folded, Start, Whole};
    use super::*;
    use crate::wazuh::tests::holds;
    use proptest::prelude::*;

    fn any(dialect: Dialect, text: &str) -> Vec<Alternative> {
        parse(dialect, text).unwrap().any
    }

    fn found(text: &str, value: &str) -> bool {
        any(Dialect::Regex, text).iter().any(|one| match one {
            Folded(regex) => {
                regex::RegexBuilder::new(regex).case_insensitive(true).build().unwrap().is_match(value)
            }
            Contains(part) => value.to_lowercase().contains(&part.to_lowercase()),
            other => panic!("{other:?}"),
        })
    }

    #[test]
    fn osmatch_is_text_with_anchors() {
        let texts = |text| any(Dialect::Match, text);
        assert_eq!(
            texts("^a|b$|^c$|d"),
            [Start("a".into()), End("b".into()), Whole("c".into()), Contains("d".into())]
        );
        assert_eq!(texts("a||b"), [Contains("a".into()), Always, Contains("b".into())]);
        assert_eq!(
            (texts("^"), texts("$"), texts("^$")),
            (vec![Always], vec![Always], vec![Whole(String::new())])
        );
        assert_eq!(texts(r"a\d+(x)"), [Contains(r"a\d+(x)".into())]);
        assert!(parse(Dialect::Match, "!a").unwrap().negated);
        assert!(parse(Dialect::Match, &"*".repeat(BYTES_MAX)).unwrap_err().contains("would be longer"));
    }

    #[test]
    fn osregex_classes_repeat_and_nothing_else_does() {
        for (pattern, value, expected) in [
            (r"port \d+ ssh", "PORT 4022 SSH2", true),
            (r"port \d+ ssh", "port x ssh", false),
            (r"^\w+@\S+$", "a-b_1@c.d", true),
            (r"^\w+@\S+$", "a b@c", false),
            (r"a\.*z", "a\nyz", true),
            (r"a\p\W\D", "a(  ", true),
            (r"a\p\W\D", "ab  ", false),
            (r"\(x\)\s\d", "(x) 7", true),
            (r"c+\d", "cc7", false),
            (r"c+\d", "c+7", true),
            (r"(\d+)-x|y\$\d", "y$5", true),
            (r"a\|b\d", "A|B3", true),
        ] {
            assert_eq!(found(pattern, value), expected, "{pattern} {value}");
        }
        assert_eq!(any(Dialect::Regex, "^4624$|^4625$"), [Whole("4624".into()), Whole("4625".into())]);
        assert_eq!(any(Dialect::Regex, r"^(Failed)\spassword"), [Start("Failed password".into())]);
        assert!(parse(Dialect::Regex, r"a\b").unwrap_err().contains(r"`\b`"));
        assert!(parse(Dialect::Regex, "a\\").unwrap_err().contains("backslash"));
    }

    #[test]
    fn pcre2_means_the_same_or_is_refused() {
        for (pattern, value, expected) in [
            (r"(?i)failed\s+\w{2,3}\b", "FAILED  abc", true),
            (r"\bx\b", "éx", true),
            (r"^\d+$", "٣", false),
            (r"[\w.\-]+@", "a.b-c@", true),
            (r"[[]x[]a]", "[x]", true),
            (r"[a&&b]", "&", true),
            (r"a\<b\>\/\-\_", "a<b>/-_", true),
            (r"{x}|a{2}", "{x}", true),
            (r"a{2}?b", "aab", true),
            (r"\x41\x{110}\Q.*\E", "AĐ.*", true),
            (r"(?<name>a)+?", "a", true),
            (r"[[:alpha:]-]$", "x-", true),
        ] {
            let [Cased(regex)] = &any(Dialect::Pcre2, pattern)[..] else { panic!("{pattern}") };
            assert_eq!(
                regex::Regex::new(regex).unwrap().is_match(value),
                expected,
                "{pattern} {regex} {value}"
            );
        }
        assert_eq!(any(Dialect::Pcre2, "^4624$"), [Whole("4624".into())]);
        for pattern in [
            "(?=a)",
            "(?!a)",
            "(?<=a)b",
            "(?<!a)b",
            "(?>a)",
            "a++",
            "a*+",
            "a?+",
            "a{2}+",
            r"(a)\1",
            r"\Ka",
            "(*ACCEPT)",
            "(?x)a",
            "(?R)",
            "[a",
            "a\\",
            "(?(1)a)",
            r"\p{L}",
            "(a{1000}){1000}",
        ] {
            assert!(parse(Dialect::Pcre2, pattern).is_err(), "{pattern}");
        }
    }

    proptest! {
        #[test]
        fn text_keeps_its_meaning_as_a_value(text in "[a*?\\\\đ]{0,8}", value in "[a*?\\\\đ]{0,8}") {
            prop_assert_eq!(holds("f|contains", &sigma_text(&text), &value), value.contains(&text));
        }

        #[test]
        fn no_pattern_makes_the_reader_panic(text in "\\PC{0,40}|[\\\\a-z(){}\\[\\]^$|+*?0-9:<>!=,&~-]{0,40}") {
            for dialect in [Dialect::Match, Dialect::Regex, Dialect::Pcre2] {
                if let Ok(found) = parse(dialect, &text) {
                    prop_assert!(!found.any.is_empty());
                }
            }
        }
    }
}

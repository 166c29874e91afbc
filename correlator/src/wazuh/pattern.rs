//! Wazuh's three pattern languages as Sigma's: plain text where that says the same, else a regular expression.
//!
//! `osmatch` is text with `^`, `$`, `|` and a leading `!`. `osregex` adds classes behind a backslash, the only things
//! that `+` and `*` repeat; parentheses only extract. Both know no upper and lower case. `pcre2` is rewritten for the
//! regex crate, which runs in linear time: what it cannot do (looking around, references, possessive repetition) is
//! refused, never dropped.

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
    match dialect {
        Dialect::Match => {
            let (negated, text) = text.strip_prefix('!').map_or((false, text), |rest| (true, rest));
            Ok(Pattern { any: text.split('|').map(placed).collect(), negated })
        }
        Dialect::Regex => {
            let any = subpatterns(text).into_iter().map(osregex).collect::<Result<_, _>>()?;
            Ok(Pattern { any, negated: false })
        }
        Dialect::Pcre2 => Ok(Pattern { any: vec![pcre2(text)?], negated: false }),
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

fn pcre2(text: &str) -> Result<Alternative, String> {
    if let Some(whole) = text.strip_prefix('^').and_then(|rest| rest.strip_suffix('$'))
        && !whole.is_empty()
        && whole.bytes().all(|byte| byte.is_ascii_digit())
    {
        // A number has no case: the plain comparison says the same and shows when two rules exclude each other.
        return Ok(Alternative::Whole(whole.to_owned()));
    }
    let mut writer = Rewriter { chars: text.chars().peekable(), out: String::with_capacity(text.len() + 16) };
    writer.pattern()?;
    checked(writer.out).map(Alternative::Cased)
}

/// Writes PCRE2's notation as that of the regex crate. What the latter reads otherwise is rewritten or refused.
struct Rewriter<'a> {
    chars: std::iter::Peekable<std::str::Chars<'a>>,
    out: String,
}

impl Rewriter<'_> {
    fn pattern(&mut self) -> Result<(), String> {
        // Whether a quantifier was just written: another `+` behind it is possessive, which has no equal.
        let mut repeated = false;
        while let Some(c) = self.chars.next() {
            match c {
                '+' if repeated => return Err("possessive repetition (`++`, `*+`) has no equal".to_owned()),
                '+' | '*' | '?' => {
                    // A `?` behind a quantifier makes it lazy; behind that, no further one is allowed.
                    repeated = !(repeated && c == '?');
                    self.out.push(c);
                    continue;
                }
                '\\' => self.escaped(false)?,
                '[' => self.class()?,
                '{' => repeated = self.counted(),
                '(' => {
                    self.group()?;
                    repeated = false;
                }
                c => self.out.push(c),
            }
            repeated = c == '{' && repeated;
        }
        Ok(())
    }

    /// A brace is a repetition, or itself.
    fn counted(&mut self) -> bool {
        let ahead: String = self.chars.clone().take(16).collect();
        let inside = ahead.split_once('}').map(|(inside, _)| inside);
        let is_count = inside.is_some_and(|inside| {
            let (least, most) = inside.split_once(',').unwrap_or((inside, ""));
            !least.is_empty() && (least.to_owned() + most).bytes().all(|byte| byte.is_ascii_digit())
        });
        self.out.push_str(if is_count { "{" } else { r"\{" });
        if let (true, Some(inside)) = (is_count, inside) {
            self.out.push_str(inside);
            self.out.push('}');
            self.pass(inside.len() + 1);
        }
        is_count
    }

    fn group(&mut self) -> Result<(), String> {
        self.out.push('(');
        match self.chars.peek() {
            Some('*') => return Err("PCRE2 verbs `(*…)` have no equal".to_owned()),
            Some('?') => {}
            _ => return Ok(()),
        }
        let ahead: String = self.chars.clone().take(3).collect();
        let is_name = ahead.starts_with("?<") || ahead.starts_with("?P<");
        let refused =
            ["?=", "?!", "?<=", "?<!", "?>", "?|", "?#", "?(", "?R", "?&", "?+", "?'", "?P>", "?P="];
        if refused.iter().any(|begin| ahead.starts_with(begin))
            || ahead.chars().nth(1).is_some_and(|c| c.is_ascii_digit())
        {
            return Err(format!("`({ahead}` (looking around, atomic or conditional groups) has no equal"));
        }
        // Flags mean the same for i, m, s and -; others do not.
        let flags = self.chars.clone().skip(1).take_while(|c| !matches!(c, ':' | ')'));
        if !is_name && flags.clone().any(|c| !matches!(c, 'i' | 'm' | 's' | '-')) {
            return Err("flags other than i, m and s have no equal".to_owned());
        }
        Ok(())
    }

    fn class(&mut self) -> Result<(), String> {
        self.out.push('[');
        if self.chars.next_if_eq(&'^').is_some() {
            self.out.push('^');
        }
        if self.chars.next_if_eq(&']').is_some() {
            self.out.push_str(r"\]");
        }
        while let Some(c) = self.chars.next() {
            match c {
                ']' => {
                    self.out.push(']');
                    return Ok(());
                }
                '[' if self.chars.peek() == Some(&':') => {
                    let name: String = self.chars.by_ref().take_while(|c| *c != ']').collect();
                    self.out.push_str(&format!("[{name}]"));
                }
                '\\' => self.escaped(true)?,
                // The regex crate nests classes and has `&&`, `--` and `~~` between them; PCRE2 does not.
                '[' | '&' | '~' => {
                    self.out.push('\\');
                    self.out.push(c);
                }
                '-' if self.out.ends_with('-') || self.chars.peek() == Some(&'-') => self.out.push_str(r"\-"),
                c => self.out.push(c),
            }
        }
        Err("a `[` is not closed".to_owned())
    }

    fn escaped(&mut self, in_class: bool) -> Result<(), String> {
        let Some(c) = self.chars.next() else { return Err("the pattern ends in a backslash".to_owned()) };
        match c {
            // ASCII only, as PCRE2 without its UCP option.
            'd' => self.out.push_str("[0-9]"),
            'D' => self.out.push_str("[^0-9]"),
            'w' => self.out.push_str("[0-9A-Za-z_]"),
            'W' => self.out.push_str("[^0-9A-Za-z_]"),
            's' => self.out.push_str(r"[\t-\r ]"),
            'S' => self.out.push_str(r"[^\t-\r ]"),
            'h' => self.out.push_str(r"[\t ]"),
            'b' if !in_class => self.out.push_str(r"(?-u:\b)"),
            'A' | 'z' if !in_class => self.out.extend(['\\', c]),
            'R' if !in_class => self.out.push_str(r"(?:\r\n|[\n-\r])"),
            'n' | 'r' | 't' | 'f' | 'a' | 'v' => self.out.extend(['\\', c]),
            'e' => self.out.push_str(r"\x1B"),
            'x' => self.hexadecimal()?,
            'Q' if !in_class => self.quoted(),
            c if c.is_alphanumeric() => return Err(format!("`\\{c}` has no equal")),
            c => self.out.push_str(&escape(c.encode_utf8(&mut [0; 4]))),
        }
        Ok(())
    }

    fn hexadecimal(&mut self) -> Result<(), String> {
        let digits: String = if self.chars.next_if_eq(&'{').is_some() {
            self.chars.by_ref().take_while(|c| *c != '}').collect()
        } else {
            let first = self.chars.next_if(char::is_ascii_hexdigit);
            first.into_iter().chain(self.chars.next_if(char::is_ascii_hexdigit)).collect()
        };
        let c = u32::from_str_radix(&digits, 16).ok().and_then(char::from_u32);
        let c = c.ok_or_else(|| format!("`\\x{digits}` is not a character"))?;
        self.out.push_str(&format!(r"\x{{{:X}}}", u32::from(c)));
        Ok(())
    }

    /// Text between `\Q` and `\E` means itself.
    fn quoted(&mut self) {
        let rest: String = self.chars.clone().collect();
        let (text, taken) = match rest.find(r"\E") {
            Some(at) => (rest.get(..at).unwrap_or_default(), at + 2),
            None => (rest.as_str(), rest.len()),
        };
        self.out.push_str(&escape(text));
        self.pass(rest.get(..taken).unwrap_or_default().chars().count());
    }

    fn pass(&mut self, count: usize) {
        for _ in 0..count {
            self.chars.next();
        }
    }
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

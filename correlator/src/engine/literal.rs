//! What a value must hold for a pattern to be true of it: the part that can be looked for in many patterns at once.
//!
//! Everything here is about values whose case is folded. A need is *necessary*: a value without it cannot meet the
//! pattern, so a wrong need would lose matches, and a weak one only costs time.

use crate::sigma::pattern::{Glob, Pattern, Place, Token, fold};
use regex_syntax::hir::{Class, Hir, HirKind};

/// A need of a pattern.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Need {
    /// This text at this place, and nothing more: the need decides the pattern.
    Text(String, Place),
    /// Of each of these sets one text somewhere.
    AnyOfEach(Vec<Vec<String>>),
    /// This number, however it is written.
    Number(f64),
    /// Some value.
    Value,
}

/// How many alternatives of a regular expression are looked for; with more, the expression is asked itself.
const ALTERNATIVES_MAX: usize = 64;

impl Need {
    /// The need of a pattern.
    pub(crate) fn of(pattern: &Pattern) -> Need {
        match pattern {
            Pattern::Text(glob) => of_glob(glob),
            #[allow(clippy::cast_precision_loss, reason = "nearby numbers share a need; the pattern decides")]
            Pattern::Whole(number) => Need::Number(*number as f64),
            Pattern::Number(number) => Need::Number(*number),
            Pattern::Regex(regex) => of_regex(regex.as_str()),
            _ => Need::Value,
        }
    }
}

fn of_glob(glob: &Glob) -> Need {
    let tokens = glob.tokens();
    let many = |token: Option<&Token>| matches!(token, Some(Token::Many));
    let (open_start, open_end) = (many(tokens.first()), many(tokens.last()));
    let inner = tokens.strip_prefix(&[Token::Many]).unwrap_or(tokens);
    let inner = inner.strip_suffix(&[Token::Many]).unwrap_or(inner);
    let text: Option<String> = inner
        .iter()
        .map(|token| match token {
            Token::Char(c) => Some(fold(*c)),
            _ => None,
        })
        .collect();
    match text {
        Some(text) if !(glob.is_cased() || text.is_empty() && open_start) => {
            let place = match (open_start, open_end) {
                (false, false) => Place::Whole,
                (false, true) => Place::Start,
                (true, false) => Place::End,
                (true, true) => Place::Anywhere,
            };
            Need::Text(text, place)
        }
        _ => {
            let run = |run: &[Token]| -> String {
                let chars = run.iter().filter_map(|token| match token {
                    Token::Char(c) => Some(fold(*c)),
                    _ => None,
                });
                chars.collect()
            };
            let runs = tokens.split(|token| !matches!(token, Token::Char(_))).map(run);
            each_of(runs.map(|run| vec![run]).collect())
        }
    }
}

/// The flags of the expression may be unknown here (they stand outside its text), so it is read as if case did not
/// matter and as if dots and anchors meant anything: each of which only widens what it holds of.
fn of_regex(text: &str) -> Need {
    let parsed = regex_syntax::ParserBuilder::new().case_insensitive(true).build().parse(text);
    each_of(parsed.map_or(Vec::new(), |hir| required(&hir)))
}

fn each_of(mut sets: Vec<Vec<String>>) -> Need {
    sets.retain(|texts| {
        !texts.is_empty() && texts.len() <= ALTERNATIVES_MAX && texts.iter().all(|text| !text.is_empty())
    });
    sets.sort_unstable();
    sets.dedup();
    if sets.is_empty() { Need::Value } else { Need::AnyOfEach(sets) }
}

/// Sets of texts; every match holds one of each set.
fn required(hir: &Hir) -> Vec<Vec<String>> {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => Vec::new(),
        HirKind::Literal(_) | HirKind::Class(_) => fixed(hir).map(|text| vec![text]).into_iter().collect(),
        HirKind::Capture(capture) => required(&capture.sub),
        HirKind::Repetition(repetition) if repetition.min > 0 => required(&repetition.sub),
        HirKind::Repetition(_) => Vec::new(),
        HirKind::Alternation(parts) => {
            // One set of each alternative together: that whose shortest text is the longest.
            let best = |part: &Hir| {
                let shortest = |texts: &Vec<String>| texts.iter().map(String::len).min().unwrap_or(0);
                required(part).into_iter().max_by_key(|texts| (shortest(texts), usize::MAX - texts.len()))
            };
            let each: Option<Vec<Vec<String>>> = parts.iter().map(best).collect();
            each.map(|each| each.concat()).into_iter().collect()
        }
        HirKind::Concat(parts) => {
            // Neighbours that are the same in every match are one longer text.
            let mut found: Vec<Vec<String>> = Vec::new();
            let mut run = String::new();
            for part in parts {
                if let Some(text) = fixed(part) {
                    run.push_str(&text);
                    continue;
                }
                found.push(vec![std::mem::take(&mut run)]);
                found.extend(required(part));
            }
            found.push(vec![run]);
            found.retain(|texts| texts.iter().all(|text| !text.is_empty()));
            found
        }
    }
}

/// The folded text that the part has in every match, if it is one.
fn fixed(hir: &Hir) -> Option<String> {
    match hir.kind() {
        HirKind::Literal(literal) => {
            std::str::from_utf8(&literal.0).ok().map(|text| text.chars().map(fold).collect())
        }
        HirKind::Class(Class::Unicode(class)) => {
            let mut chars = class.iter().flat_map(|range| range.start()..=range.end()).map(fold);
            let first = chars.next()?;
            // Classes of one letter in both cases are small; a large one differs early.
            chars.all(|c| c == first).then(|| first.to_string())
        }
        HirKind::Capture(capture) => fixed(&capture.sub),
        HirKind::Concat(parts) => parts.iter().map(fixed).collect(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sigma::linear::Linear;
    use proptest::prelude::*;

    fn of_re(text: &str) -> Need {
        Need::of(&Pattern::Regex(Box::new(Linear::new(text, "").unwrap())))
    }

    #[test]
    fn globs_and_expressions_need_their_longest_certain_text() {
        let any = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<String>>();
        let one = |texts: &[&str]| Need::AnyOfEach(vec![any(texts)]);
        let glob = |text: &str, place, cased| of_glob(&Glob::literal(text, place, cased));
        assert_eq!(glob("CMD.exe", Place::End, false), Need::Text("cmd.exe".to_owned(), Place::End));
        assert_eq!(glob("", Place::Whole, false), Need::Text(String::new(), Place::Whole));
        assert_eq!(glob("", Place::Anywhere, false), Need::Value);
        assert_eq!(glob("CMD.exe", Place::End, true), one(&["cmd.exe"]));
        assert_eq!(
            of_re(r"\s-e(nc|ncoded)\s+[A-Za-z]{20}JAB"),
            Need::AnyOfEach(vec![any(&["-e"]), any(&["jab"]), any(&["nc"])])
        );
        assert_eq!(of_re("(?i)Invoke-[a-z]+"), one(&["invoke-"]));
        assert_eq!(of_re("(alpha|beta)+x*"), one(&["alpha", "beta"]));
        assert_eq!(of_re("(alpha|b*)"), Need::Value);
        assert_eq!(of_re("^.*$"), Need::Value);
    }

    proptest! {
        #[test]
        fn what_an_expression_holds_of_has_its_need(
            text in "(a|b|ab|\\(a\\|bc\\)|\\[ak\\]|c\\*|d\\+|K|\\.|\\(e\\)\\?){1,6}",
            value in "[abcdekK\u{212A}]{0,10}",
        ) {
            for text in [text.clone(), format!("(?i){text}")] {
                let regex = Linear::new(&text, "").unwrap();
                if let Need::AnyOfEach(sets) = Need::of(&Pattern::Regex(Box::new(regex.clone())))
                    && regex.is_match(&value)
                {
                    let folded: String = value.chars().map(fold).collect();
                    for texts in &sets {
                        let has = texts.iter().any(|need| folded.contains(need.as_str()));
                        prop_assert!(has, "{text} {value} {sets:?}");
                    }
                }
            }
        }
    }
}

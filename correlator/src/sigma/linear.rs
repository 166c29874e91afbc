//! A rule's regular expression, with its work bounded: the engine is linear in the text, but its steps cost as much as the
//! program is large, so a large program looks at less of a long value.

use regex_syntax::hir::{Hir, HirKind, Repetition};
use std::collections::VecDeque;

/// How large a program may be at each step, in bytes, and how much of a value it then looks at. Their product is the
/// work of the worst program on the worst text: a fraction of a second.
const STEPS: [(usize, usize); 5] = [
    (16 << 10, 512 << 10),
    (64 << 10, 128 << 10),
    (256 << 10, 32 << 10),
    (1 << 20, 8 << 10),
    (4 << 20, 2 << 10),
];

/// A compiled regular expression.
#[derive(Clone, Debug)]
pub(crate) struct Linear {
    /// Found in the same texts as `text`; perhaps less of them.
    regex: regex::Regex,
    text: Box<str>,
    /// How much of a value it looks at, in bytes.
    bytes_max: usize,
}

impl Linear {
    /// Compiles `text` with those of the flags i, m, s.
    ///
    /// # Errors
    /// It is no regular expression that runs in linear time, or too large a one.
    pub(crate) fn new(text: &str, flags: &str) -> Result<Linear, String> {
        let parsed = regex_syntax::ParserBuilder::new()
            .case_insensitive(flags.contains('i'))
            .multi_line(flags.contains('m'))
            .dot_matches_new_line(flags.contains('s'))
            .nest_limit(100)
            .build()
            .parse(text);
        let refused = |problem: String| {
            let last = problem.lines().last().unwrap_or_default().trim().to_owned();
            format!("`{text}` is not a regular expression that runs in linear time: {last}")
        };
        let parsed = parsed.map_err(|error| refused(error.to_string()))?;
        let needed = needed(&parsed, true, true).to_string();
        let mut problem = String::new();
        for (size_max, bytes_max) in STEPS {
            let built = regex::RegexBuilder::new(&needed).size_limit(size_max).nest_limit(100).build();
            match built {
                Ok(regex) => return Ok(Linear { regex, text: text.into(), bytes_max }),
                Err(error) => problem = error.to_string(),
            }
        }
        Err(refused(problem))
    }

    /// Whether it is found in what it looks at of the text.
    pub(crate) fn is_match(&self, text: &str) -> bool {
        self.regex.is_match(&text[..text.floor_char_boundary(self.bytes_max)])
    }

    /// The expression as it was written.
    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }
}

/// What decides whether the expression is found at all. What may be missing at an open end need not be looked for, nor a
/// repetition there beyond its least count: `-k \w{1,64}( -p)?` is found where `-k \w` is, by a far smaller program.
/// An end is open if nothing of the expression follows.
fn needed(hir: &Hir, open_start: bool, open_end: bool) -> Hir {
    if !(open_start || open_end) {
        return hir.clone();
    }
    match hir.kind() {
        HirKind::Capture(capture) => needed(&capture.sub, open_start, open_end),
        HirKind::Alternation(parts) => {
            let parts: Vec<Hir> = parts.iter().map(|part| needed(part, open_start, open_end)).collect();
            let any_is_empty = parts.iter().any(|part| *part.kind() == HirKind::Empty);
            if any_is_empty && open_start && open_end { Hir::empty() } else { Hir::alternation(parts) }
        }
        HirKind::Repetition(repetition) => match repetition.min {
            0 => Hir::empty(),
            1 => needed(&repetition.sub, open_start, open_end),
            min => Hir::repetition(Repetition { max: Some(min), ..repetition.clone() }),
        },
        HirKind::Concat(parts) => {
            let mut parts: VecDeque<Hir> = parts.iter().cloned().collect();
            while let Some(first) = parts.pop_front_if(|_| open_start) {
                let first = needed(&first, true, open_end && parts.is_empty());
                if *first.kind() != HirKind::Empty {
                    parts.push_front(first);
                    break;
                }
            }
            while let Some(last) = parts.pop_back_if(|_| open_end) {
                let last = needed(&last, open_start && parts.is_empty(), true);
                if *last.kind() != HirKind::Empty {
                    parts.push_back(last);
                    break;
                }
            }
            Hir::concat(parts.into())
        }
        _ => hir.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_may_be_missing_at_an_end_is_not_looked_for() {
        let needed = |text: &str| Linear::new(text, "").unwrap().regex.as_str().to_owned();
        assert_eq!(needed(r"k [a-z]{1,64}(?: ?(?:-p|-s))?"), "(?:(?:k )[a-z])");
        assert_eq!(needed("x*(a|b?)y*"), needed(""));
        assert_eq!(needed("(?:ab*)+c{2,5}"), needed("ab*c{2}"));
        assert_eq!(needed("a*$"), needed("$"));
    }

    proptest! {
        #[test]
        fn an_expression_is_found_where_it_was_written_to_be(
            text in "(a|b|\\(a\\|bc\\)|\\(b\\*a\\)|[abc][*+?]|[abc]\\{1,2\\}|\\(a\\*\\|b\\)\\+|\\.|\\^|\\$|\\\\b){1,6}",
            value in "[abcA \n]{0,8}",
            flags in "i?m?s?",
        ) {
            let written = regex::RegexBuilder::new(&text)
                .case_insensitive(flags.contains('i'))
                .multi_line(flags.contains('m'))
                .dot_matches_new_line(flags.contains('s'))
                .build()
                .unwrap();
            let read = Linear::new(&text, &flags).unwrap();
            prop_assert_eq!(read.is_match(&value), written.is_match(&value), "{} {}", text, read.regex);
        }
    }

    #[test]
    fn a_small_program_looks_at_all_and_a_large_one_at_the_beginning() {
        let small = Linear::new("b$", "").unwrap();
        assert!(small.is_match(&("á".repeat(100_000) + "b")));
        let large = Linear::new("x[^x]{0,2000}y", "").unwrap();
        assert!(large.is_match(&format!("x{}y", "á".repeat(900))));
        assert!(!large.is_match(&format!("x{}y", "á".repeat(1100))));
    }

    #[test]
    fn the_work_of_every_step_is_the_same() {
        for (size, bytes) in STEPS {
            assert_eq!(size * bytes, 1 << 33);
        }
    }

    #[test]
    fn what_no_step_holds_is_refused_with_the_reason() {
        for text in ["((a{1000}){1000}){1000}", "(?=a)", "(a", "(a)\\1"] {
            assert!(Linear::new(text, "").unwrap_err().contains("linear time: "), "{text}");
        }
    }
}

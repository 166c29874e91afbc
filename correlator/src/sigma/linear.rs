//! A rule's regular expression, with its work bounded: the engine is linear in the text, but its steps cost as much as the
//! program is large, so a large program looks at less of a long value.

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
    regex: regex::Regex,
    /// How much of a value it looks at, in bytes.
    bytes_max: usize,
}

impl Linear {
    /// Compiles `text` with those of the flags i, m, s.
    ///
    /// # Errors
    /// It is no regular expression that runs in linear time, or too large a one.
    pub(crate) fn new(text: &str, flags: &str) -> Result<Linear, String> {
        let mut problem = String::new();
        for (size_max, bytes_max) in STEPS {
            let built = regex::RegexBuilder::new(text)
                .case_insensitive(flags.contains('i'))
                .multi_line(flags.contains('m'))
                .dot_matches_new_line(flags.contains('s'))
                .size_limit(size_max)
                .nest_limit(100)
                .build();
            match built {
                Ok(regex) => return Ok(Linear { regex, bytes_max }),
                Err(error) => problem = error.to_string(),
            }
        }
        let last = problem.lines().last().unwrap_or_default().trim().to_owned();
        Err(format!("`{text}` is not a regular expression that runs in linear time: {last}"))
    }

    /// Whether it is found in what it looks at of the text.
    pub(crate) fn is_match(&self, text: &str) -> bool {
        self.regex.is_match(&text[..text.floor_char_boundary(self.bytes_max)])
    }

    /// The expression as it was written.
    pub(crate) fn as_str(&self) -> &str {
        self.regex.as_str()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_program_looks_at_all_and_a_large_one_at_the_beginning() {
        let small = Linear::new("b$", "").unwrap();
        assert!(small.is_match(&("á".repeat(100_000) + "b")));
        let large = Linear::new("[^x]{0,2000}y", "").unwrap();
        assert!(large.is_match(&("á".repeat(900) + "y")));
        assert!(!large.is_match(&("á".repeat(1100) + "y")));
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

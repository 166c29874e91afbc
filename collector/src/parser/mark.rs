//! Looking for a short text that marks a format. Lines are short too, so a general searcher's preparation would cost more
//! than the search.

/// Where `mark` first stands in `text`. At most the text's length times the mark's, and marks are a few bytes.
pub(super) fn find(text: &str, mark: &str) -> Option<usize> {
    let (text, mark) = (text.as_bytes(), mark.as_bytes());
    // A capital or a sign is rarer in a log line than a small letter, a blank or a quote.
    let rare =
        mark.iter().position(|byte| byte.is_ascii_uppercase() || matches!(byte, b'_' | b'|')).unwrap_or(0);
    let byte = *mark.get(rare)?;
    let mut from = rare;
    while let Some(found) = text.get(from..).and_then(|rest| memchr::memchr(byte, rest)) {
        let at = from + found - rare;
        // Mostly the next byte is another already, and comparing the rest is a call.
        let next = mark.get(rare + 1).is_none_or(|next| text.get(from + found + 1) == Some(next));
        if next && text.get(at..).is_some_and(|rest| rest.starts_with(mark)) {
            return Some(at);
        }
        from += found + 1;
    }
    None
}

/// What follows the first of `mark`.
pub(super) fn after<'a>(text: &'a str, mark: &str) -> Option<&'a str> {
    find(text, mark).and_then(|at| text.get(at + mark.len()..))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_first_of_a_mark_is_found(text in "[aA|_ é\"]{0,40}", mark in "[aA|_ é\"]{1,4}") {
            prop_assert_eq!(find(&text, &mark), text.find(&mark));
            prop_assert_eq!(after(&text, &mark), text.split_once(&mark).map(|(_, rest)| rest));
        }
    }
}

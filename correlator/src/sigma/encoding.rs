//! What the modifiers that encode make of a rule's text: `windash`, the UTF-16 forms, `base64`, `base64offset`.
//!
//! They are applied in the order in which they are written. Base64 of text with wildcards has no meaning, so it is
//! refused; UTF-16 keeps them.

use super::pattern::{DASHES, Token};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// How many texts one value may become before it is encoded.
const TEXTS_MAX: usize = 125;

/// A modifier that changes the text.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Step {
    /// Every dash stands for every other.
    Windash,
    /// UTF-16 with the low byte first (`utf16le`, `wide`).
    Little,
    /// UTF-16 with the high byte first.
    Big,
    /// `Little` behind a byte order mark.
    Marked,
    Base64,
    /// Base64 at each of the three places that the text may have among the encoded bytes.
    Base64Offset,
}

impl Step {
    pub(super) fn named(word: &str) -> Option<Step> {
        Some(match word {
            "windash" => Step::Windash,
            "utf16le" | "wide" => Step::Little,
            "utf16be" => Step::Big,
            "utf16" => Step::Marked,
            "base64" => Step::Base64,
            "base64offset" => Step::Base64Offset,
            _ => return None,
        })
    }
}

/// A value on its way through the steps.
enum Form {
    Text(Vec<Token>),
    /// Encoded bytes, and whether a byte order mark stands before them.
    Bytes {
        marked: bool,
        bytes: Vec<u8>,
    },
}

/// The texts, any of which the value means after the steps.
///
/// # Errors
/// What is wrong with the value.
pub(super) fn applied(tokens: Vec<Token>, steps: &[Step]) -> Result<Vec<Vec<Token>>, String> {
    let mut forms = vec![Form::Text(tokens)];
    for step in steps {
        let mut next = Vec::new();
        for form in forms {
            match step {
                Step::Windash => next.push(windash(form)?),
                Step::Little | Step::Big | Step::Marked => next.extend(utf16(form, *step)?),
                Step::Base64 => {
                    next.extend(bytes(form)?.iter().map(|bytes| text(&STANDARD.encode(bytes))));
                }
                Step::Base64Offset => {
                    for bytes in bytes(form)? {
                        next.extend(offsets(&bytes)?.iter().map(|found| text(found)));
                    }
                }
            }
        }
        forms = next;
    }
    forms.into_iter().map(finished).collect()
}

fn text(found: &str) -> Form {
    Form::Text(found.chars().map(Token::Char).collect())
}

fn windash(form: Form) -> Result<Form, String> {
    let Form::Text(mut tokens) = form else {
        return Err("`windash` must stand before what encodes".to_owned());
    };
    for token in &mut tokens {
        if matches!(token, Token::Char(c) if DASHES.contains(c)) {
            *token = Token::Dash;
        }
    }
    Ok(Form::Text(tokens))
}

/// Wildcards stay what they are, between encoded characters, unless a byte order mark makes bytes of the whole.
fn utf16(form: Form, step: Step) -> Result<Vec<Form>, String> {
    let Form::Text(tokens) = form else {
        return Err("UTF-16 is written once, before `base64`".to_owned());
    };
    Ok(literals(&tokens)?
        .iter()
        .map(|literal| {
            let units = literal.encode_utf16();
            let bytes = if step == Step::Big {
                units.flat_map(u16::to_be_bytes).collect()
            } else {
                units.flat_map(u16::to_le_bytes).collect()
            };
            Form::Bytes { marked: step == Step::Marked, bytes }
        })
        .collect())
}

/// Every text that the tokens stand for.
fn literals(tokens: &[Token]) -> Result<Vec<String>, String> {
    let mut found = vec![String::new()];
    for token in tokens {
        match token {
            Token::Char(c) => found.iter_mut().for_each(|text| text.push(*c)),
            Token::Dash => {
                found =
                    DASHES.iter().flat_map(|c| found.iter().map(move |text| format!("{text}{c}"))).collect();
                if found.len() > TEXTS_MAX {
                    return Err("has too many dashes for `windash` before what encodes".to_owned());
                }
            }
            Token::One | Token::Many => {
                return Err(
                    "wildcards cannot be encoded: escape them with a backslash if they are meant as text"
                        .to_owned(),
                );
            }
        }
    }
    Ok(found)
}

fn bytes(form: Form) -> Result<Vec<Vec<u8>>, String> {
    Ok(match form {
        Form::Text(tokens) => literals(&tokens)?.into_iter().map(String::into_bytes).collect(),
        Form::Bytes { marked: true, bytes } => vec![[&[0xff, 0xfe], bytes.as_slice()].concat()],
        Form::Bytes { marked: false, bytes } => vec![bytes],
    })
}

/// For each of the three offsets, the characters that no neighbouring byte has a say in.
fn offsets(bytes: &[u8]) -> Result<Vec<String>, String> {
    (0..3)
        .map(|shift| {
            let encoded = STANDARD.encode([&vec![0; shift], bytes].concat());
            // The character that the first byte shares with the one before it, and those that the last shares.
            let from = [0, 2, 3][shift];
            let to = encoded.len() - [0, 3, 2][(bytes.len() + shift) % 3];
            let found = encoded.get(from..to).filter(|found| !found.is_empty());
            found.map(str::to_owned).ok_or_else(|| "is too short for `base64offset`".to_owned())
        })
        .collect()
}

/// What is left as bytes must be text to be found in text.
fn finished(form: Form) -> Result<Vec<Token>, String> {
    match form {
        Form::Text(tokens) => Ok(tokens),
        Form::Bytes { marked, bytes } => {
            let text = String::from_utf8(bytes).map_err(|_| {
                "has characters whose UTF-16 bytes are no text: write `base64` or `base64offset` behind"
                    .to_owned()
            })?;
            Ok(marked.then_some('\u{feff}').into_iter().chain(text.chars()).map(Token::Char).collect())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::pattern::tokens;
    use super::*;
    use proptest::prelude::*;

    fn texts(value: &str, steps: &[Step]) -> Result<Vec<String>, String> {
        let found = applied(tokens(value), steps)?;
        Ok(found.iter().map(|tokens| literals(tokens).unwrap().remove(0)).collect())
    }

    #[test]
    fn steps_give_what_other_programs_write() {
        use Step::{Base64, Base64Offset, Big, Little, Marked};
        for (value, steps, expected) in [
            ("cmd", &[Base64][..], &["Y21k"][..]),
            ("a-b", &[Base64], &["YS1i"]),
            ("cmd", &[Little], &["c\0m\0d\0"]),
            ("cmd", &[Big], &["\0c\0m\0d"]),
            ("cmd", &[Marked], &["\u{feff}c\0m\0d\0"]),
            ("cmd", &[Little, Base64], &["YwBtAGQA"]),
            ("cmd", &[Marked, Base64], &["//5jAG0AZAA="]),
            ("ả", &[Big, Base64], &["HqM="]),
            ("http://", &[Base64Offset], &["aHR0cDovL", "h0dHA6Ly", "odHRwOi8v"]),
            ("IEX", &[Little, Base64Offset], &["SQBFAFgA", "kARQBYA", "JAEUAWA"]),
            (r"a\*b", &[Base64], &["YSpi"]),
        ] {
            assert_eq!(texts(value, steps).unwrap(), expected, "{value} {steps:?}");
        }
    }

    #[test]
    fn what_cannot_be_encoded_is_said() {
        use Step::{Base64, Base64Offset, Little, Windash};
        for (value, steps, part) in [
            ("a*b", &[Base64][..], "wildcards cannot"),
            ("a?b", &[Little], "wildcards cannot"),
            ("a", &[Base64Offset], "too short"),
            ("", &[Base64Offset], "too short"),
            ("ả", &[Little], "no text"),
            ("-a-b-c-d", &[Windash, Base64], "too many dashes"),
            ("-a", &[Little, Windash], "must stand before"),
            ("-a", &[Little, Little], "written once"),
        ] {
            let error = texts(value, steps).unwrap_err();
            assert!(error.contains(part), "{value} {steps:?}: {error}");
        }
        assert_eq!(applied(tokens("-a"), &[Windash, Base64]).unwrap().len(), 5);
    }

    proptest! {
        #[test]
        fn an_offset_is_found_wherever_the_text_stands(
            before in proptest::collection::vec(any::<u8>(), 0..7),
            text in "[ -)+->@-~]{2,12}",
            after in proptest::collection::vec(any::<u8>(), 0..7),
        ) {
            let escaped = text.replace('\\', "\\\\");
            let encoded = STANDARD.encode([&before, text.as_bytes(), &after].concat());
            let found = texts(&escaped, &[Step::Base64Offset]).unwrap();
            prop_assert!(encoded.contains(&found[before.len() % 3]), "{encoded} {found:?}");
        }
    }
}

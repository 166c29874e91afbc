//! What others wrote, made fit to be printed: nothing in it can break a document or change how its neighbours read.

use std::fmt::Write as _;

/// A longer text is cut here; nobody prints more of one value.
const CHARS_MAX: usize = 10_000;

/// The text with everything that XML cannot hold, that turns the direction of reading or that cannot be seen written as
/// `\u{1B}`. Newlines and tabs stay.
#[must_use]
pub(crate) fn visible(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for (count, letter) in text.chars().enumerate() {
        if count == CHARS_MAX {
            out.push('…');
            break;
        }
        match letter {
            '\n' | '\t' => out.push(letter),
            '\r' => {}
            letter if is_hidden(letter) => {
                let _ = write!(out, "\\u{{{:X}}}", u32::from(letter)); // writing to a string cannot fail
            }
            letter => out.push(letter),
        }
    }
    out
}

fn is_hidden(letter: char) -> bool {
    letter.is_control()
        || matches!(letter, '\u{AD}' | '\u{61C}' | '\u{180E}' | '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}'
            | '\u{2060}'..='\u{206F}' | '\u{FEFF}' | '\u{FFF9}'..='\u{FFFB}' | '\u{E0000}'..='\u{E0FFF}')
        || u32::from(letter) & 0xFFFE == 0xFFFE
        || matches!(letter, '\u{FDD0}'..='\u{FDEF}')
}

/// `2886` as `2.886`.
#[must_use]
pub(crate) fn number(value: u64) -> String {
    let digits = value.to_string();
    let mut out = String::with_capacity(digits.len() * 4 / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            out.push('.');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_printed_is_shown_and_diacritics_stay() {
        assert_eq!(
            visible("Sở Y tế\u{1b}[31m\u{0}\u{202e}x\u{ffff}\r\n"),
            "Sở Y tế\\u{1B}[31m\\u{0}\\u{202E}x\\u{FFFF}\n"
        );
        assert_eq!(visible(&"a".repeat(20_000)).chars().count(), CHARS_MAX + 1);
    }

    #[test]
    fn thousands_are_parted_by_dots() {
        assert_eq!([0, 999, 2886, 1_234_567].map(number), ["0", "999", "2.886", "1.234.567"]);
    }
}

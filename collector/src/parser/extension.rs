//! `key=value` extensions of CEF, whose values may hold blanks and escaped signs.

use std::borrow::Cow;

/// Visits the pairs of a CEF extension: a value ends before the blank in front of the next key.
pub(super) fn cef<'a>(text: &'a str, visit: &mut dyn FnMut(&'a str, &'a str)) {
    let bytes = text.as_bytes();
    let mut pending: Option<(&str, usize)> = None;
    // Behind the last `=`: looking for a key further back would make hostile lines cost their length squared.
    let (mut at, mut last) = (0, 0);
    while let Some(found) = bytes.get(at..).and_then(|rest| super::near::find(b'=', rest)) {
        let equals = at + found;
        at = equals + 1;
        if escaped(bytes, equals) {
            continue;
        }
        let from = last;
        last = at;
        let space = bytes.get(from..equals).and_then(|part| memchr::memrchr(b' ', part));
        let key_start = space.map(|space| from + space);
        let key = text.get(key_start.map_or(from, |space| space + 1)..equals).unwrap_or_default();
        let named = !key.is_empty()
            && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.-[]:".contains(&byte));
        // Within a value a bare `=` belongs to it, unless a blank and a name stand before it.
        if !named || (pending.is_some() && key_start.is_none()) {
            continue;
        }
        if let Some((name, start)) = pending {
            visit(name, text.get(start..key_start.unwrap_or(start)).unwrap_or_default().trim());
        }
        pending = Some((key, equals + 1));
    }
    if let Some((name, start)) = pending {
        visit(name, text.get(start..).unwrap_or_default().trim());
    }
}

/// Whether an odd number of backslashes stands before the byte.
pub(super) fn escaped(bytes: &[u8], at: usize) -> bool {
    bytes[..at].iter().rev().take_while(|byte| **byte == b'\\').count() % 2 == 1
}

/// `\=`, `\|` and `\\` stand for the sign, `\n` and `\r` for a line's end; any other backslash for itself.
pub(super) fn unescape(value: &str) -> Cow<'_, str> {
    if memchr::memchr(b'\\', value.as_bytes()).is_none() {
        return value.into();
    }
    let mut out = String::with_capacity(value.len());
    let mut chars = value.chars().peekable();
    while let Some(c) = chars.next() {
        let plain = match (c, chars.peek()) {
            ('\\', Some(&next @ ('=' | '\\' | '|'))) => next,
            ('\\', Some('n')) => '\n',
            ('\\', Some('r')) => '\r',
            _ => {
                out.push(c);
                continue;
            }
        };
        out.push(plain);
        chars.next();
    }
    out.into()
}

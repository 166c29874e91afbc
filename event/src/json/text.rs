//! JSON's scalars, written by hand: an event has a hundred of them.

use crate::Value;

/// Whether the value is written between quotes.
pub(super) fn is_quoted(value: Value<'_>) -> bool {
    matches!(value, Value::Text(_) | Value::Ip(_) | Value::Date(_))
}

/// Writes a value.
pub(super) fn write_value(value: Value<'_>, out: &mut Vec<u8>) {
    if is_quoted(value) {
        out.push(b'"');
    }
    write_rest(value, out);
}

/// Writes a value but for the quote that opens it.
pub(super) fn write_rest(value: Value<'_>, out: &mut Vec<u8>) {
    use std::io::Write as _;
    // Writing to a Vec cannot fail.
    let _ = match value {
        Value::Text(text) => {
            write_text_rest(text, out);
            Ok(())
        }
        Value::Long(number) => {
            out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
            Ok(())
        }
        Value::Float(number) => write!(out, "{number:?}"),
        Value::Ip(std::net::IpAddr::V4(ip)) => {
            let mut text = [b'.'; 16];
            let mut len = 0;
            for octet in ip.octets() {
                let mut digits = itoa::Buffer::new();
                let digits = digits.format(octet).as_bytes();
                text[len..len + digits.len()].copy_from_slice(digits);
                len += digits.len() + 1;
            }
            text[len - 1] = b'"';
            out.extend_from_slice(&text[..len]);
            Ok(())
        }
        Value::Ip(ip) => write!(out, "{ip}\""),
        Value::Date(time) => {
            out.extend_from_slice(&time.to_bytes());
            out.push(b'"');
            Ok(())
        }
        Value::Bool(flag) => write!(out, "{flag}"),
    };
}

/// The high bit of each of eight bytes that JSON escapes: a control sign, a quote, a backslash. Exact for every byte, for
/// no sum here carries into the next.
fn escapes(word: u64) -> u64 {
    const LOW: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x8080_8080_8080_8080;
    // Below `limit`, where the high bit is not set.
    let below = |word: u64, limit: u64| !(((word & !HIGH) + LOW * (0x80 - limit)) | word) & HIGH;
    below(word, 0x20) | below(word ^ (LOW * 0x22), 1) | below(word ^ (LOW * 0x5c), 1)
}

/// Writes a JSON string. Runs of plain bytes are copied whole.
pub(super) fn write_text(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    write_text_rest(text, out);
}

fn write_text_rest(text: &str, out: &mut Vec<u8>) {
    let bytes = text.as_bytes();
    let mut plain = 0;
    let (chunks, rest) = bytes.as_chunks::<8>();
    for (nth, chunk) in chunks.iter().enumerate() {
        let mut found = escapes(u64::from_le_bytes(*chunk));
        while found != 0 {
            let at = nth * 8 + found.trailing_zeros() as usize / 8;
            write_escape(bytes, &mut plain, at, out);
            found &= found - 1;
        }
    }
    // Most ends need no escape, which the last eight bytes tell at once, seen before or not.
    let clean = bytes.last_chunk::<8>().is_some_and(|last| escapes(u64::from_le_bytes(*last)) == 0);
    if !clean {
        for (at, byte) in (chunks.len() * 8..).zip(rest) {
            if *byte < 0x20 || matches!(byte, b'"' | b'\\') {
                write_escape(bytes, &mut plain, at, out);
            }
        }
    }
    out.extend_from_slice(&bytes[plain..]);
    out.push(b'"');
}

/// Writes what is plain before the byte at `at`, and that byte escaped.
fn write_escape(bytes: &[u8], plain: &mut usize, at: usize, out: &mut Vec<u8>) {
    match bytes.get(*plain..).and_then(|rest| rest.first_chunk::<16>()) {
        // A copy of a fixed length is an instruction or two; one of any length is a call.
        Some(chunk) if at - *plain <= chunk.len() => {
            let len = out.len() + at - *plain;
            out.extend_from_slice(chunk);
            out.truncate(len);
        }
        _ => out.extend_from_slice(&bytes[*plain..at]),
    }
    *plain = at + 1;
    match bytes[at] {
        b'"' => out.extend_from_slice(b"\\\""),
        b'\\' => out.extend_from_slice(b"\\\\"),
        b'\n' => out.extend_from_slice(b"\\n"),
        b'\r' => out.extend_from_slice(b"\\r"),
        b'\t' => out.extend_from_slice(b"\\t"),
        control => {
            const HEX: &[u8; 16] = b"0123456789abcdef";
            out.extend_from_slice(b"\\u00");
            out.push(HEX[usize::from(control >> 4)]);
            out.push(HEX[usize::from(control & 15)]);
        }
    }
}

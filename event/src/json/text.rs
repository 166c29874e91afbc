//! JSON's scalars, written by hand: an event has a hundred of them.

use crate::Value;

/// Writes a value.
pub(super) fn write_value(value: Value<'_>, out: &mut Vec<u8>) {
    use std::io::Write as _;
    // Writing to a Vec cannot fail.
    let _ = match value {
        Value::Text(text) => {
            write_text(text, out);
            Ok(())
        }
        Value::Long(number) => {
            out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
            Ok(())
        }
        Value::Float(number) => write!(out, "{number:?}"),
        Value::Ip(std::net::IpAddr::V4(ip)) => {
            for (nth, octet) in ip.octets().into_iter().enumerate() {
                out.push(if nth == 0 { b'"' } else { b'.' });
                out.extend_from_slice(itoa::Buffer::new().format(octet).as_bytes());
            }
            out.push(b'"');
            Ok(())
        }
        Value::Ip(ip) => write!(out, "\"{ip}\""),
        Value::Date(time) => {
            out.push(b'"');
            out.extend_from_slice(&time.to_bytes());
            out.push(b'"');
            Ok(())
        }
        Value::Bool(flag) => write!(out, "{flag}"),
    };
}

/// Where the next byte that JSON escapes is, eight bytes at a time: a control sign, a quote, a backslash.
fn escape(bytes: &[u8], from: usize) -> Option<usize> {
    const LOW: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x8080_8080_8080_8080;
    // The high bit of each byte below `limit`; bytes from 0x80 are never marked.
    let below = |word: u64, limit: u64| word.wrapping_sub(LOW * limit) & !word & HIGH;
    let mut at = from;
    while let Some(chunk) = bytes.get(at..at + 8).and_then(|chunk| <[u8; 8]>::try_from(chunk).ok()) {
        let word = u64::from_le_bytes(chunk);
        let found = below(word, 0x20) | below(word ^ (LOW * 0x22), 1) | below(word ^ (LOW * 0x5c), 1);
        if found != 0 {
            return Some(at + found.trailing_zeros() as usize / 8);
        }
        at += 8;
    }
    let rest = bytes.get(at..)?;
    rest.iter().position(|byte| *byte < 0x20 || matches!(byte, b'"' | b'\\')).map(|found| at + found)
}

/// Writes a JSON string. Runs of plain bytes are copied whole.
pub(super) fn write_text(text: &str, out: &mut Vec<u8>) {
    let bytes = text.as_bytes();
    out.push(b'"');
    let mut plain = 0;
    while let Some(at) = escape(bytes, plain) {
        let byte = bytes[at];
        out.extend_from_slice(&bytes[plain..at]);
        plain = at + 1;
        match byte {
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
    out.extend_from_slice(&bytes[plain..]);
    out.push(b'"');
}

/// Writes a text known to need no escape: a name of the dictionary.
pub(super) fn write_plain(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    out.extend_from_slice(text.as_bytes());
    out.push(b'"');
}

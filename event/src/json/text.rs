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

/// The high bit of each of eight bytes that JSON escapes: a control sign, a quote, a backslash. Exact for every byte, for
/// no sum here carries into the next.
fn escapes(word: u64) -> u64 {
    const LOW: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x8080_8080_8080_8080;
    // Below `limit`, where the high bit is not set.
    let below = |word: u64, limit: u64| !((word & !HIGH) + LOW * (0x80 - limit) | word) & HIGH;
    below(word, 0x20) | below(word ^ (LOW * 0x22), 1) | below(word ^ (LOW * 0x5c), 1)
}

/// Writes a JSON string. Runs of plain bytes are copied whole.
pub(super) fn write_text(text: &str, out: &mut Vec<u8>) {
    let bytes = text.as_bytes();
    out.push(b'"');
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
    for (at, byte) in (chunks.len() * 8..).zip(rest) {
        if *byte < 0x20 || matches!(byte, b'"' | b'\\') {
            write_escape(bytes, &mut plain, at, out);
        }
    }
    out.extend_from_slice(&bytes[plain..]);
    out.push(b'"');
}

/// Writes what is plain before the byte at `at`, and that byte escaped.
fn write_escape(bytes: &[u8], plain: &mut usize, at: usize, out: &mut Vec<u8>) {
    out.extend_from_slice(&bytes[*plain..at]);
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

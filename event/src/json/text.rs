//! JSON's scalars, written by hand: an event has a hundred of them.
//!
//! Nearly all are shorter than sixteen bytes. A copy of a fixed length is an instruction or two while one of any length is a
//! call, so what is short is stored with what happens to stand behind it, which the next piece overwrites.

use crate::Event;
use crate::event::Stored;
use std::net::IpAddr;
use wide::u8x16;

/// How many bytes are looked at, and copied, at once.
const WIDTH: usize = 16;

/// Appends the first `len` bytes of `padded`.
#[inline(always)]
pub(super) fn push<const N: usize>(padded: &[u8; N], len: usize, out: &mut Vec<u8>) {
    let end = out.len() + len;
    out.extend_from_slice(padded);
    out.truncate(end);
}

/// Appends what is mostly short.
#[inline]
pub(super) fn push_short(bytes: &[u8], out: &mut Vec<u8>) {
    if bytes.len() < WIDTH {
        push(&short(bytes).to_le_bytes(), bytes.len(), out);
    } else {
        out.extend_from_slice(bytes);
    }
}

/// Fewer than sixteen bytes as a number: the first is the lowest, above the last are zeros.
#[inline]
fn short(bytes: &[u8]) -> u128 {
    let len = bytes.len();
    // Two loads that overlap, whose common bytes are the same in both.
    if let (Some(first), Some(last)) = (bytes.first_chunk(), bytes.last_chunk()) {
        let (first, last) = (u64::from_le_bytes(*first), u64::from_le_bytes(*last));
        u128::from(first) | u128::from(last) << (8 * (len - 8))
    } else if let (Some(first), Some(last)) = (bytes.first_chunk(), bytes.last_chunk()) {
        let (first, last) = (u32::from_le_bytes(*first), u32::from_le_bytes(*last));
        u128::from(u64::from(first) | u64::from(last) << (8 * (len - 4)))
    } else if let (Some(first), Some(last)) = (bytes.first(), bytes.last()) {
        let middle = u32::from(bytes[len / 2]) << (8 * (len / 2));
        u128::from(u32::from(*first) | middle | u32::from(*last) << (8 * (len - 1)))
    } else {
        0
    }
}

/// Whether the value is written between quotes.
#[inline]
pub(super) fn is_quoted(value: &Stored) -> bool {
    matches!(value, Stored::Text(_) | Stored::Ip(_) | Stored::Date(_))
}

/// Writes a value of the event.
pub(super) fn write_stored(event: &Event, value: &Stored, out: &mut Vec<u8>) {
    if is_quoted(value) {
        out.push(b'"');
    }
    write_stored_rest(event, value, out);
}

/// Writes a value of the event but for the quote that opens it.
#[inline(always)]
pub(super) fn write_stored_rest(event: &Event, value: &Stored, out: &mut Vec<u8>) {
    match value {
        Stored::Text(piece) => write_text_rest(event.bytes(*piece), out),
        Stored::Long(number) => push_short(itoa::Buffer::new().format(*number).as_bytes(), out),
        Stored::Ip(IpAddr::V4(ip)) => {
            for octet in ip.octets() {
                let [text @ .., len] = &OCTETS[usize::from(octet)];
                push(text, usize::from(*len), out);
            }
            // What stands behind the last one is no dot.
            out.pop();
            out.push(b'"');
        }
        Stored::Date(time) => {
            out.extend_from_slice(&time.to_bytes());
            out.push(b'"');
        }
        Stored::Float(_) | Stored::Ip(_) | Stored::Bool(_) => write_rare(value, out),
    }
}

#[cold]
fn write_rare(value: &Stored, out: &mut Vec<u8>) {
    use std::io::Write as _;
    // Writing to a Vec cannot fail.
    let _ = match value {
        Stored::Float(number) => write!(out, "{number:?}"),
        Stored::Bool(flag) => write!(out, "{flag}"),
        Stored::Ip(ip) => write!(out, "{ip}\""),
        Stored::Text(_) | Stored::Long(_) | Stored::Date(_) => Ok(()),
    };
}

/// Writes a JSON string, given as UTF-8, but for the quote that opens it.
#[inline]
pub(super) fn write_text_rest(bytes: &[u8], out: &mut Vec<u8>) {
    if !write_short_rest(bytes, out) {
        write_long_rest(bytes, out);
    }
}

/// Writes a text of fewer than sixteen bytes, none of them escaped, and the quote behind it; any other is left alone.
#[inline]
fn write_short_rest(bytes: &[u8], out: &mut Vec<u8>) -> bool {
    if bytes.len() >= WIDTH {
        return false;
    }
    let padded = short(bytes);
    let plain = plain(padded.to_le_bytes()) >= bytes.len();
    if plain {
        let quoted = padded | u128::from(b'"') << (8 * bytes.len());
        push(&quoted.to_le_bytes(), bytes.len() + 1, out);
    }
    plain
}

#[inline(never)]
fn write_long_rest(bytes: &[u8], out: &mut Vec<u8>) {
    let mut rest = bytes;
    while let Some((chunk, after)) = rest.split_first_chunk::<WIDTH>() {
        let plain = plain(*chunk);
        push(chunk, plain, out);
        match chunk.get(plain) {
            Some(byte) => {
                write_escape(*byte, out);
                rest = &rest[plain + 1..];
            }
            None => rest = after,
        }
    }
    if write_short_rest(rest, out) {
        return;
    }
    for byte in rest {
        if ESCAPES[usize::from(*byte)][7] > 0 {
            write_escape(*byte, out);
        } else {
            out.push(*byte);
        }
    }
    out.push(b'"');
}

/// How many bytes stand before the first that JSON escapes: a control sign, a quote, a backslash.
#[inline(always)]
fn plain(bytes: [u8; WIDTH]) -> usize {
    let bytes = u8x16::new(bytes);
    let controls = bytes.min(u8x16::splat(0x1f)).simd_eq(bytes);
    let signs = bytes.simd_eq(u8x16::splat(b'"')) | bytes.simd_eq(u8x16::splat(b'\\'));
    let escaped = (controls | signs).to_bitmask() | 1 << WIDTH;
    escaped.trailing_zeros() as usize
}

#[inline]
fn write_escape(byte: u8, out: &mut Vec<u8>) {
    let [text @ .., len] = &ESCAPES[usize::from(byte)];
    push(text, usize::from(*len), out);
}

/// What stands for a byte that JSON escapes, and how long that is; no length for every other byte.
static ESCAPES: [[u8; 8]; 256] = {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    let mut all = [[0; 8]; 256];
    let mut byte = 0;
    while byte < 0x20 {
        all[byte] = [b'\\', b'u', b'0', b'0', HEX[byte >> 4], HEX[byte & 15], 0, 6];
        byte += 1;
    }
    all[0x08] = *b"\\b\0\0\0\0\0\x02";
    all[0x0c] = *b"\\f\0\0\0\0\0\x02";
    all[b'\n' as usize] = *b"\\n\0\0\0\0\0\x02";
    all[b'\r' as usize] = *b"\\r\0\0\0\0\0\x02";
    all[b'\t' as usize] = *b"\\t\0\0\0\0\0\x02";
    all[b'"' as usize] = *b"\\\"\0\0\0\0\0\x02";
    all[b'\\' as usize] = *b"\\\\\0\0\0\0\0\x02";
    all
};

/// Each octet with the dot behind it, and how long that is.
#[allow(clippy::cast_possible_truncation, reason = "a digit fits a byte")]
static OCTETS: [[u8; 5]; 256] = {
    let mut all = [[b'.', b'.', b'.', b'.', 0]; 256];
    let mut octet = 0;
    while octet < 256 {
        let digits = 1 + (octet > 9) as usize + (octet > 99) as usize;
        let (mut at, mut number) = (digits, octet);
        while at > 0 {
            at -= 1;
            all[octet][at] = b'0' + (number % 10) as u8;
            number /= 10;
        }
        all[octet][4] = digits as u8 + 1;
        octet += 1;
    }
    all
};

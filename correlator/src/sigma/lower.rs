//! Folding the case of many values, sixteen bytes at a time. The result is bytes: they are searched, and only now and then
//! asked about as text.

use super::pattern::fold;
use wide::u8x16;

const SIXTEEN: usize = 16;
/// How much is looked at before room is made for more.
const STRETCH: usize = 256;
/// No text has this byte.
const NEVER: u8 = 0xff;

/// Adds the text with its case folded.
pub(crate) fn push_folded(text: &str, out: &mut Vec<u8>) {
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        at += push_plain(bytes.get(at..).unwrap_or_default(), NEVER, out);
        at += push_others(text.get(at..).unwrap_or_default(), out);
    }
}

/// Adds the characters at the beginning that are not ASCII, their case folded; how many bytes were taken.
pub(crate) fn push_others(text: &str, out: &mut Vec<u8>) -> usize {
    let others = text.chars().take_while(|c| !c.is_ascii());
    others.map(|c| (push_char(c, out), c.len_utf8()).1).sum()
}

/// Adds the character with its case folded.
pub(crate) fn push_char(c: char, out: &mut Vec<u8>) {
    out.extend_from_slice(fold(c).encode_utf8(&mut [0; 4]).as_bytes());
}

/// Adds the beginning of `bytes` in lower case: as far as what is not ASCII, or a single byte `double`; two of it are added
/// as one. How many bytes were taken; it may be fewer.
pub(crate) fn push_plain(bytes: &[u8], double: u8, out: &mut Vec<u8>) -> usize {
    let bytes = bytes.get(..STRETCH).unwrap_or(bytes);
    let begin = out.len();
    out.resize(begin + bytes.len() + SIXTEEN, 0);
    let (taken, put) = lower(bytes, double, out.get_mut(begin..).unwrap_or_default());
    out.truncate(begin + put);
    taken
}

/// Does that into `room`, which has sixteen bytes more; how many bytes were taken, and put.
fn lower(bytes: &[u8], double: u8, room: &mut [u8]) -> (usize, usize) {
    let (mut at, mut to) = (0, 0);
    let is_double = |rest: Option<&[u8]>| matches!(rest, Some([a, b, ..]) if *a == double && *b == double);
    while let Some(block) = bytes.get(at..).and_then(|rest| rest.first_chunk()) {
        let plain = lower_block(block, double, room.get_mut(to..));
        (at, to) = (at + plain, to + plain);
        if plain < SIXTEEN {
            if !is_double(bytes.get(at..)) {
                return (at, to);
            }
            (at, to) = (at + 2, to + 1);
        }
    }
    let rest = bytes.get(at..).unwrap_or_default();
    let mut last = [0; 2 * SIXTEEN];
    last[..rest.len()].copy_from_slice(rest);
    let mut read = 0;
    while let Some(block) = last.get(read..).filter(|_| read < rest.len()).and_then(|last| last.first_chunk())
    {
        let plain = lower_block(block, double, room.get_mut(to..)).min(rest.len() - read);
        (read, to) = (read + plain, to + plain);
        if !is_double(rest.get(read..)) {
            break;
        }
        (read, to) = (read + 2, to + 1);
    }
    (at + read, to)
}

/// Puts sixteen bytes in lower case; how many of them stand before the byte `stop` and what is not ASCII.
fn lower_block(block: &[u8; SIXTEEN], stop: u8, room: Option<&mut [u8]>) -> usize {
    let block = u8x16::new(*block);
    // What lies below `A` wraps around to something large.
    let from_a = block - u8x16::splat(b'A');
    let is_upper = from_a.min(u8x16::splat(25)).simd_eq(from_a);
    let lower = block | (is_upper & u8x16::splat(0x20));
    if let Some(room) = room.and_then(|room| room.first_chunk_mut()) {
        *room = lower.to_array();
    }
    let stops = (block | block.simd_eq(u8x16::splat(stop))).to_bitmask();
    (stops | 1 << SIXTEEN).trailing_zeros() as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sigma::pattern::folded;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn bytes_are_folded_as_text_is(before in "[aA]{0,3}", text in "([ -~]|[@A-Z\\[`a-z{\0]|[ĐđẞİıK\u{212A}Ⱥ漢🤷]){0,60}|[A-Ca-cĐ]{250,600}") {
            let mut out = before.clone().into_bytes();
            push_folded(&text, &mut out);
            prop_assert_eq!(String::from_utf8(out).unwrap(), format!("{before}{}", folded(&text)));
        }
    }
}

//! Where the quotes of a JSON line are, sixteen bytes at a time, and whether its escapes are in order.

use crate::sigma::lower;
use wide::u8x16;

/// The places of quotes that begin or end a text.
#[derive(Debug, Default)]
pub(super) struct Marks {
    quotes: Vec<u64>,
    /// Whether an escape gives a character by its code.
    pub(super) has_codes: bool,
}

const BLOCK: usize = 64;
/// Every second bit.
const EVEN: u64 = 0x5555_5555_5555_5555;

/// A bit for each byte of a block.
#[derive(Clone, Copy, Default)]
struct Bits {
    quotes: u64,
    slashes: u64,
    controls: u64,
}

impl Bits {
    fn of(block: &[u8; BLOCK]) -> Bits {
        let mut bits = Bits::default();
        let (sixteens, _) = block.as_chunks::<16>();
        for (nth, sixteen) in sixteens.iter().enumerate() {
            let bytes = u8x16::new(*sixteen);
            let put = |found: u8x16| u64::from(found.to_bitmask()) << (16 * nth);
            bits.quotes |= put(bytes.simd_eq(u8x16::splat(b'"')));
            bits.slashes |= put(bytes.simd_eq(u8x16::splat(b'\\')));
            bits.controls |= put(bytes.min(u8x16::splat(0x1f)).simd_eq(bytes));
        }
        bits
    }
}

impl Marks {
    /// Reads the line; whether it is one that needs no closer look.
    pub(super) fn read(&mut self, line: &[u8]) -> bool {
        self.quotes.clear();
        self.has_codes = false;
        let (blocks, rest) = line.as_chunks::<BLOCK>();
        let mut escaping = false;
        let mut at = 0;
        for block in blocks {
            if !self.block(Bits::of(block), at, line, &mut escaping) {
                return false;
            }
            at += BLOCK;
        }
        let mut last = [b' '; BLOCK];
        last[..rest.len()].copy_from_slice(rest);
        self.block(Bits::of(&last), at, line, &mut escaping)
    }

    fn block(&mut self, bits: Bits, at: usize, line: &[u8], escaping: &mut bool) -> bool {
        if bits.controls != 0 {
            return false;
        }
        if bits.slashes == 0 && !*escaping {
            self.quotes.push(bits.quotes);
            return true;
        }
        // Of a run of backslashes every second is escaped, and so is what follows a run of odd length.
        let before = u64::from(*escaping);
        let slashes = bits.slashes & !before;
        let follows = slashes << 1 | before;
        let odd_starts = slashes & !EVEN & !follows;
        let (runs, over) = odd_starts.overflowing_add(slashes);
        *escaping = over;
        let escaped = (EVEN ^ (runs << 1)) & follows;
        self.quotes.push(bits.quotes & !escaped);
        let mut others = escaped & !(bits.quotes | bits.slashes);
        while others != 0 {
            let place = at + others.trailing_zeros() as usize;
            if !is_escape(line, place) {
                return false;
            }
            self.has_codes |= line.get(place) == Some(&b'u');
            others &= others - 1;
        }
        true
    }

    /// The first quote at or behind a place.
    pub(super) fn quote_from(&self, at: usize) -> Option<usize> {
        let mut word = at / BLOCK;
        let bits = self.quotes.get(word)? >> (at % BLOCK);
        if bits != 0 {
            return Some(at + bits.trailing_zeros() as usize);
        }
        loop {
            word += 1;
            let bits = *self.quotes.get(word)?;
            if bits != 0 {
                return Some(word * BLOCK + bits.trailing_zeros() as usize);
            }
        }
    }
}

/// Whether what follows a backslash at `at` is an escape that stands for one character by itself.
fn is_escape(line: &[u8], at: usize) -> bool {
    match line.get(at) {
        Some(b'/' | b'b' | b'f' | b'n' | b'r' | b't') => true,
        Some(b'u') => {
            line.get(at + 1..at + 5).and_then(code).is_some_and(|code| char::from_u32(code).is_some())
        }
        _ => false,
    }
}

/// The number of four hexadecimal digits.
fn code(digits: &[u8]) -> Option<u32> {
    digits.iter().try_fold(0, |code, digit| Some(code << 4 | char::from(*digit).to_digit(16)?))
}

/// Takes the escapes out. They are in order: [`Marks::read`] saw to it.
pub(super) fn unescape(raw: &str, out: &mut String) {
    out.clear();
    let mut rest = raw;
    while let Some(at) = memchr::memchr(b'\\', rest.as_bytes()) {
        let (plain, escape) = rest.split_at(at);
        out.push_str(plain);
        let (c, len) = escaped(escape.as_bytes());
        out.push(c);
        rest = escape.get(len..).unwrap_or_default();
    }
    out.push_str(rest);
}

/// The character that an escape stands for, and the escape's length.
fn escaped(escape: &[u8]) -> (char, usize) {
    match escape.get(1) {
        Some(b'b') => ('\u{8}', 2),
        Some(b'f') => ('\u{c}', 2),
        Some(b'n') => ('\n', 2),
        Some(b'r') => ('\r', 2),
        Some(b't') => ('\t', 2),
        Some(b'u') => {
            let c = escape.get(2..6).and_then(code).and_then(char::from_u32);
            (c.unwrap_or(char::REPLACEMENT_CHARACTER), 6)
        }
        Some(other) => (char::from(*other), 2),
        None => ('\\', 1),
    }
}

/// Adds the text with its escapes taken out and its case folded, in one go.
pub(super) fn push_folded(raw: &str, out: &mut Vec<u8>) {
    let bytes = raw.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        // By far the most frequent escape is that of a backslash.
        at += lower::push_plain(bytes.get(at..).unwrap_or_default(), b'\\', out);
        at += lower::push_others(raw.get(at..).unwrap_or_default(), out);
        if let Some(escape @ [b'\\', ..]) = bytes.get(at..) {
            let (c, len) = escaped(escape);
            lower::push_char(c, out);
            at += len;
        }
    }
}

//! Tables of grams: a few bytes that stand for a text, and whether a value may have them.

use super::hash::hash_word;
use super::index::LiteralPlace;

/// How many bytes of a long text stand for it.
pub(super) const GRAM: usize = 4;

/// A table of grams, built once.
#[derive(Debug, Default)]
pub(super) struct Grams {
    pub(super) bitmap: Bitmap,
    /// Where each bucket's entries begin; one more at the end.
    buckets: Vec<u32>,
    bucket_shift: u32,
    entries: Vec<Entry>,
}

/// A bit for the hash of each gram: 32 or more for each text, up to what the processor's first cache holds. The sizes are
/// known when this is compiled, so that asking is a handful of instructions.
#[derive(Debug, Default)]
pub(super) enum Bitmap {
    #[default]
    None,
    Small(Box<[u64; SMALL]>),
    Middle(Box<[u64; MIDDLE]>),
    Big(Box<[u64; BIG]>),
    Large(Box<[u64; LARGE]>),
}

const SMALL: usize = 1 << 6;
const MIDDLE: usize = 1 << 9;
const BIG: usize = 1 << 11;
const LARGE: usize = 1 << 12;

#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    pub(super) gram: u32,
    /// How far before the gram its text begins.
    pub(super) before: u32,
    pub(super) spot: Spot,
}

/// A text by its number, and where it stands among all of its index: not looked up, for each look waits for memory.
#[derive(Clone, Copy, Debug)]
pub(super) struct Spot {
    pub(super) literal: u32,
    pub(super) from: u32,
    pub(super) len: u32,
    pub(super) place: LiteralPlace,
}

pub(super) fn gram_at(bytes: &[u8], at: usize, width: usize) -> u32 {
    let bytes = bytes.get(at..at + width).unwrap_or_default();
    bytes.iter().rev().fold(0, |gram, byte| gram << 8 | u32::from(*byte))
}

fn spread(gram: u32) -> u32 {
    gram.wrapping_mul(0x9e37_79b1)
}

/// The word and the bit of a gram among so many words, a power of two.
fn bit<const WORDS: usize>(gram: u32) -> (usize, u32) {
    let bit = spread(gram) >> (u32::BITS - u64::BITS.ilog2() - WORDS.ilog2());
    ((bit >> 6) as usize % WORDS, bit & 63)
}

pub(super) fn has<const WORDS: usize>(words: &[u64; WORDS], gram: u32) -> bool {
    let (word, bit) = bit::<WORDS>(gram);
    words[word] >> bit & 1 == 1
}

fn filled<const WORDS: usize>(entries: &[Entry]) -> Box<[u64; WORDS]> {
    let mut words = Box::new([0; WORDS]);
    for entry in entries {
        let (word, bit) = bit::<WORDS>(entry.gram);
        words[word] |= 1 << bit;
    }
    words
}

/// Tells of each four bytes at an even place whether the bitmap has them.
pub(super) fn each_second<const WORDS: usize>(
    words: &[u64; WORDS],
    bytes: &[u8],
    mut told: impl FnMut(u32, usize),
) {
    let mut rest = bytes;
    while let Some(four) = rest.first_chunk() {
        let gram = u32::from_le_bytes(*four);
        if has(words, gram) {
            told(gram, bytes.len() - rest.len());
        }
        rest = rest.get(2..).unwrap_or_default();
    }
}

impl Bitmap {
    fn has(&self, gram: u32) -> bool {
        match self {
            Bitmap::None => false,
            Bitmap::Small(words) => has(words, gram),
            Bitmap::Middle(words) => has(words, gram),
            Bitmap::Big(words) => has(words, gram),
            Bitmap::Large(words) => has(words, gram),
        }
    }
}

impl Grams {
    pub(super) fn new(entries: &[Entry]) -> Grams {
        if entries.is_empty() {
            return Grams::default();
        }
        let count = u32::try_from(entries.len()).unwrap_or(u32::MAX / 64);
        let bucket_bits = count.next_power_of_two().clamp(1 << 4, 1 << 16).trailing_zeros();
        let bitmap = match entries.len() {
            0..=128 => Bitmap::Small(filled(entries)),
            129..=1024 => Bitmap::Middle(filled(entries)),
            1025..=4096 => Bitmap::Big(filled(entries)),
            _ => Bitmap::Large(filled(entries)),
        };
        let mut grams = Grams { bitmap, bucket_shift: 32 - bucket_bits, ..Grams::default() };
        let mut sorted = entries.to_vec();
        sorted.sort_by_key(|entry| grams.bucket(entry.gram));
        let mut at = 0;
        for bucket in 0..=(1usize << bucket_bits) {
            while sorted.get(at).is_some_and(|entry| grams.bucket(entry.gram) < bucket) {
                at += 1;
            }
            grams.buckets.push(u32::try_from(at).unwrap_or(u32::MAX));
        }
        grams.entries = sorted;
        grams
    }

    /// [`Grams::meet`], if the bitmap has the gram.
    pub(super) fn meet_known(&self, gram: u32, told: impl FnMut(&Entry)) {
        if self.bitmap.has(gram) {
            self.meet(gram, told);
        }
    }

    fn bucket(&self, gram: u32) -> usize {
        (spread(gram) >> self.bucket_shift) as usize
    }

    pub(super) fn meet(&self, gram: u32, mut told: impl FnMut(&Entry)) {
        let bucket = self.bucket(gram);
        let (Some(from), Some(to)) = (self.buckets.get(bucket), self.buckets.get(bucket + 1)) else { return };
        for entry in self.entries.get(*from as usize..*to as usize).unwrap_or_default() {
            if entry.gram == gram {
                told(entry);
            }
        }
    }
}

/// How often each gram stands in sampled values, by its hash: a table of fixed size that overestimates.
#[derive(Debug)]
pub(super) struct GramCounts(Vec<u32>);

impl GramCounts {
    pub(super) fn new() -> GramCounts {
        GramCounts(vec![0; 1 << 14])
    }

    pub(super) fn see(&mut self, value: &str) {
        for four in value.as_bytes().array_windows::<GRAM>() {
            let place = GramCounts::place(u32::from_le_bytes(*four));
            self.0[place] = self.0[place].saturating_add(1);
        }
    }

    pub(super) fn of(&self, gram: u32) -> u32 {
        self.0[GramCounts::place(gram)]
    }

    fn place(gram: u32) -> usize {
        (hash_word(u64::from(gram)) & ((1 << 14) - 1)) as usize
    }
}

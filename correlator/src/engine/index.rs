//! Which of many texts stand in a value: the multi-pattern matcher of one field.
//!
//! Whole values are looked up by hash. Other texts are found by four bytes of each, the rarest: a bitmap that fits the nearest cache is asked about every place of the value, and only where it says yes a
//! text is compared. Unlike an automaton, no step waits for the one before.

use super::hash::{RuleMap, hash, hash_word};
use crate::sigma::pattern::Place;
use std::collections::HashMap;

/// How many bytes of a long text stand for it.
const GRAM: usize = 4;
/// A text with fewer is compared by itself.
const GRAM_MIN: usize = 2;

/// A text and where it must stand; case is folded.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Literal {
    pub(super) text: Box<str>,
    pub(super) place: LiteralPlace,
}

/// [`Place`], to be a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum LiteralPlace {
    Whole,
    Start,
    End,
    Anywhere,
}

impl From<Place> for LiteralPlace {
    fn from(place: Place) -> LiteralPlace {
        match place {
            Place::Whole => LiteralPlace::Whole,
            Place::Start => LiteralPlace::Start,
            Place::End => LiteralPlace::End,
            Place::Anywhere => LiteralPlace::Anywhere,
        }
    }
}

impl Literal {
    /// Whether the folded value has the text in its place.
    pub(super) fn holds(&self, value: &str) -> bool {
        match self.place {
            LiteralPlace::Whole => *value == *self.text,
            LiteralPlace::Start => value.starts_with(&*self.text),
            LiteralPlace::End => value.ends_with(&*self.text),
            LiteralPlace::Anywhere => match self.text.as_bytes() {
                [one] => memchr::memchr(*one, value.as_bytes()).is_some(),
                text => memchr::memmem::find(value.as_bytes(), text).is_some(),
            },
        }
    }
}

/// Texts, each by its number.
#[derive(Debug, Default)]
pub(super) struct Index {
    literals: Vec<Literal>,
    whole: RuleMap<Box<str>, u32>,
    /// For texts of two, of three, and of more bytes.
    grams: [Grams; 3],
    /// A bit for each pair of bytes that begins a text of two or of three; none, if there is no such text.
    pairs: Option<Box<[u64; 1 << 10]>>,
    /// Texts of one byte, or none.
    short: Vec<u32>,
}

/// A table of grams, built once.
#[derive(Debug, Default)]
struct Grams {
    bitmap: Bitmap,
    /// Where each bucket's entries begin; one more at the end.
    buckets: Vec<u32>,
    bucket_shift: u32,
    entries: Vec<Entry>,
}

/// A bit for the hash of each gram: 32 or more for each text, up to what the processor's first cache holds. The sizes are
/// known when this is compiled, so that asking is a handful of instructions.
#[derive(Debug, Default)]
enum Bitmap {
    #[default]
    None,
    Small(Box<[u64; SMALL]>),
    Middle(Box<[u64; MIDDLE]>),
    Large(Box<[u64; LARGE]>),
}

const SMALL: usize = 1 << 6;
const MIDDLE: usize = 1 << 9;
const LARGE: usize = 1 << 12;

#[derive(Clone, Copy, Debug)]
struct Entry {
    gram: u32,
    /// How far before the gram its text begins.
    before: u32,
    literal: u32,
}

fn gram_at(bytes: &[u8], at: usize, width: usize) -> u32 {
    let bytes = bytes.get(at..at + width).unwrap_or_default();
    bytes.iter().rev().fold(0, |gram, byte| gram << 8 | u32::from(*byte))
}

fn spread(gram: u32) -> u32 {
    gram.wrapping_mul(0x9e37_79b1)
}

/// The word and the bit of a gram's first two bytes.
fn pair(gram: u32) -> (usize, u32) {
    ((gram & 0xffff) as usize >> 6, gram & 63)
}

/// The word and the bit of a gram among so many words, a power of two.
fn bit<const WORDS: usize>(gram: u32) -> (usize, u32) {
    let bit = spread(gram) >> (u32::BITS - u64::BITS.ilog2() - WORDS.ilog2());
    ((bit >> 6) as usize % WORDS, bit & 63)
}

fn has<const WORDS: usize>(words: &[u64; WORDS], gram: u32) -> bool {
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

/// Asks of each four bytes of `bytes` whether the bitmap has them.
fn each_four<const WORDS: usize>(words: &[u64; WORDS], bytes: &[u8], mut told: impl FnMut(u32, usize)) {
    for (at, window) in bytes.array_windows::<GRAM>().enumerate() {
        let gram = u32::from_le_bytes(*window);
        if has(words, gram) {
            told(gram, at);
        }
    }
}

impl Index {
    /// An index of these texts. `often` says how often a gram stands in ordinary values.
    pub(super) fn new(literals: Vec<Literal>, often: impl Fn(u32) -> u32) -> Index {
        let mut index = Index::default();
        let mut entries: [Vec<Entry>; 3] = Default::default();
        let mut load: HashMap<u32, u32> = HashMap::new();
        for (number, literal) in (0u32..).zip(&literals) {
            let bytes = literal.text.as_bytes();
            let whole = literal.place == LiteralPlace::Whole;
            if whole {
                index.whole.insert(literal.text.clone(), number);
            }
            if whole || bytes.len() < GRAM_MIN {
                if !whole {
                    index.short.push(number);
                }
                continue;
            }
            // The rarest in ordinary values; of those, the one that the fewest other texts have.
            let width = bytes.len().min(GRAM);
            let places = (0..=bytes.len() - width).map(|at| (at, gram_at(bytes, at, width)));
            let best = places.min_by_key(|(at, gram)| {
                (often(*gram).min(1 << 20) / 4 + load.get(gram).copied().unwrap_or(0), *at)
            });
            let (at, gram) = best.unwrap_or((0, 0));
            *load.entry(gram).or_default() += 1;
            entries[width - GRAM_MIN].push(Entry {
                gram,
                before: u32::try_from(at).unwrap_or(0),
                literal: number,
            });
        }
        for entry in entries[..2].iter().flatten() {
            let (word, bit) = pair(entry.gram);
            index.pairs.get_or_insert_with(|| Box::new([0; 1 << 10]))[word] |= 1 << bit;
        }
        index.grams = entries.map(|entries| Grams::new(&entries));
        index.literals = literals;
        index
    }

    pub(super) fn is_empty(&self) -> bool {
        self.literals.is_empty()
    }

    pub(super) fn literals(&self) -> &[Literal] {
        &self.literals
    }

    /// Puts the numbers of the texts that the folded value has into `found`, each once, in order.
    pub(super) fn find(&self, value: &str, found: &mut Vec<u32>) {
        if let Some(number) = self.whole.get(value).filter(|_| !self.whole.is_empty()) {
            found.push(*number);
        }
        for number in &self.short {
            if self.literals[*number as usize].holds(value) {
                found.push(*number);
            }
        }
        self.scan(value.as_bytes(), found);
        if found.len() > 1 {
            found.sort_unstable();
            found.dedup();
        }
    }

    fn scan(&self, bytes: &[u8], found: &mut Vec<u32>) {
        let [two, three, four] = &self.grams;
        let mut told = |gram, at| four.meet(gram, |entry| self.compare(entry, at, bytes, found));
        match &four.bitmap {
            Bitmap::None => {}
            Bitmap::Small(words) => each_four(words, bytes, &mut told),
            Bitmap::Middle(words) => each_four(words, bytes, &mut told),
            Bitmap::Large(words) => each_four(words, bytes, &mut told),
        }
        let Some(pairs) = &self.pairs else { return };
        for (at, window) in bytes.array_windows::<2>().enumerate() {
            let gram = u32::from(u16::from_le_bytes(*window));
            let (word, bit) = pair(gram);
            if pairs[word] >> bit & 1 == 1 {
                two.meet(gram, |entry| self.compare(entry, at, bytes, found));
                three.meet(gram_at(bytes, at, 3), |entry| self.compare(entry, at, bytes, found));
            }
        }
    }

    fn compare(&self, entry: &Entry, at: usize, bytes: &[u8], found: &mut Vec<u32>) {
        let literal = &self.literals[entry.literal as usize];
        let Some(start) = at.checked_sub(entry.before as usize) else { return };
        let rest = bytes.get(start..).unwrap_or_default();
        let stands = match literal.place {
            LiteralPlace::Start => start == 0,
            LiteralPlace::End => rest.len() == literal.text.len(),
            _ => true,
        };
        if stands && rest.starts_with(literal.text.as_bytes()) {
            found.push(entry.literal);
        }
    }
}

impl Grams {
    fn new(entries: &[Entry]) -> Grams {
        if entries.is_empty() {
            return Grams::default();
        }
        let count = u32::try_from(entries.len()).unwrap_or(u32::MAX / 64);
        let bucket_bits = count.next_power_of_two().clamp(1 << 4, 1 << 16).trailing_zeros();
        let bitmap = match entries.len() {
            0..=128 => Bitmap::Small(filled(entries)),
            129..=1024 => Bitmap::Middle(filled(entries)),
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

    fn bucket(&self, gram: u32) -> usize {
        (spread(gram) >> self.bucket_shift) as usize
    }

    fn meet(&self, gram: u32, mut told: impl FnMut(&Entry)) {
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

/// The key of a number, equal for equal numbers.
pub(super) fn number_key(number: f64) -> u64 {
    // -0 and 0 are one number.
    hash(0, &(number + 0.0).to_bits().to_le_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn literal() -> impl Strategy<Value = Literal> {
        let place = prop_oneof![
            Just(LiteralPlace::Whole),
            Just(LiteralPlace::Start),
            Just(LiteralPlace::End),
            Just(LiteralPlace::Anywhere)
        ];
        ("[abđ]{1,9}", place).prop_map(|(text, place)| Literal { text: text.into(), place })
    }

    proptest! {
        #[test]
        fn the_index_finds_what_comparing_one_by_one_finds(
            literals in proptest::collection::hash_set(literal(), 0..60),
            value in "[abđ]{0,30}",
            seed in any::<u32>(),
        ) {
            let literals: Vec<Literal> = literals.into_iter().collect();
            let expected: Vec<u32> =
                (0u32..).zip(&literals).filter(|(_, one)| one.holds(&value)).map(|(number, _)| number).collect();
            let mut found = Vec::new();
            Index::new(literals, |gram| gram.wrapping_mul(seed) >> 20).find(&value, &mut found);
            prop_assert_eq!(found, expected);
        }
    }

    #[test]
    fn a_number_has_one_key() {
        assert_eq!(number_key(0.0), number_key(-0.0));
        assert_ne!(number_key(1.0), number_key(2.0));
    }
}

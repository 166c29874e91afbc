//! Which of many texts stand in a value: the multi-pattern matcher of one field.
//!
//! Whole values, and ends of eight bytes, are looked up by hash. Other long texts are found by two neighbouring
//! fours of their bytes, the rarest: one of them stands at an even place of the value, so only every second place is looked
//! at. A bitmap that fits the nearest cache is asked about it, and only where it says yes a text is compared. Unlike an
//! automaton, no step waits for the one before.

use super::gram::{Bitmap, Entry, GRAM, Grams, Spot, each_second, gram_at, has};
use super::hash::{RuleMap, hash};
use super::letters::Letters;
use super::literal::Need;
use crate::sigma::detection::Wanted;
use crate::sigma::pattern::{Pattern, Place};
use std::collections::HashMap;

/// A brief text is found by so many bytes at most.
const BRIEF: usize = 3;
/// A text with fewer is compared by itself.
const GRAM_MIN: usize = 2;
/// A text with as many has two neighbouring grams.
const GRAM_LONG: usize = GRAM + 1;
/// So few texts of two or of three bytes are looked for by one byte each.
const ALONE_MAX: usize = 6;

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
    /// The text that decides a pattern, if one does.
    pub(super) fn deciding(wanted: &Wanted) -> Option<Literal> {
        let Wanted::Pattern(pattern @ Pattern::Text(_)) = wanted else { return None };
        match Need::of(pattern) {
            Need::Text(text, place) => Some(Literal { text: text.into(), place: place.into() }),
            _ => None,
        }
    }

    /// Whether the folded value has the text in its place.
    pub(super) fn holds(&self, value: &[u8]) -> bool {
        self.place.holds(self.text.as_bytes(), value, || {
            memchr::memmem::find(value, self.text.as_bytes()).is_some()
        })
    }
}

impl LiteralPlace {
    /// Whether the value has the text in this place; `anywhere` says whether in any.
    pub(super) fn holds(self, text: &[u8], value: &[u8], anywhere: impl FnOnce() -> bool) -> bool {
        match (self, text) {
            (LiteralPlace::Whole, _) => value == text,
            (LiteralPlace::Start, _) => value.starts_with(text),
            // What stands there is most often told apart by its first byte: a backslash or something else.
            (LiteralPlace::End, [first, ..]) => {
                let there = value.len().checked_sub(text.len()).and_then(|at| value.get(at..));
                there.is_some_and(|there| there.first() == Some(first) && there == text)
            }
            (LiteralPlace::End, []) => true,
            (LiteralPlace::Anywhere, _) => anywhere(),
        }
    }
}

/// Texts, each by its number.
#[derive(Debug, Default)]
pub(super) struct Index {
    literals: Vec<Literal>,
    /// All of them one behind the other.
    texts: Vec<u8>,
    whole: RuleMap<Box<[u8]>, u32>,
    /// A bit for each length that a whole value has, up to [`LENGTH_MAX`], which stands for all beyond.
    whole_lengths: u64,
    /// Texts at the end, by their last [`END`] bytes.
    ends: RuleMap<u64, Vec<u32>>,
    /// Other texts of more than four bytes.
    long: Grams,
    brief: Brief,
    /// Texts that are looked for by one byte each: very short, or few. By that byte.
    alone: Vec<(u8, Vec<Entry>)>,
    /// Texts with letters beyond ASCII: only a value that has such letters can have them.
    others: Letters,
}

/// Texts of two to four bytes, looked for at every place.
#[derive(Debug, Default)]
struct Brief {
    /// A bit for each two bytes: those that a text begins with, if texts of two are among them.
    pairs: Option<Box<[u64; PAIRS]>>,
    two: Grams,
    /// For texts of three and of four.
    three: Grams,
}

const PAIRS: usize = 1 << 10;

/// The word and the bit of two bytes.
fn pair(two: [u8; 2]) -> (usize, u32) {
    let two = u16::from_le_bytes(two);
    (usize::from(two >> 6) % PAIRS, u32::from(two & 63))
}

/// By how many bytes a text at the end is looked up.
const END: usize = 8;
const LENGTH_MAX: usize = 63;

fn end(bytes: &[u8]) -> Option<u64> {
    bytes.last_chunk::<END>().map(|end| u64::from_le_bytes(*end))
}

impl Index {
    /// An index of these texts. `often` says how often a gram stands in ordinary values.
    pub(super) fn new(literals: Vec<Literal>, often: impl Fn(u32) -> u32) -> Index {
        let mut index = Index::default();
        let mut choice = Choice { often, load: HashMap::new() };
        let (mut long, mut others) = (Vec::new(), Vec::new());
        let (mut brief, mut alone) = (Vec::new(), Vec::new());
        for (number, literal) in (0u32..).zip(&literals) {
            let bytes = literal.text.as_bytes();
            let spot = Spot {
                literal: number,
                from: short(index.texts.len()),
                len: short(bytes.len()),
                place: literal.place,
            };
            index.texts.extend_from_slice(bytes);
            match (literal.place, bytes.len()) {
                (LiteralPlace::Whole, len) => {
                    index.whole.insert(bytes.into(), number);
                    index.whole_lengths |= 1 << len.min(LENGTH_MAX);
                }
                (LiteralPlace::End, END..) => {
                    index.ends.entry(end(bytes).unwrap_or(0)).or_default().push(number);
                }
                (_, 0..GRAM_MIN) => alone.push(spot),
                _ if !bytes.is_ascii() => others.push(spot),
                (_, GRAM_LONG..) => choice.put(spot, bytes, (GRAM, 2), &mut long),
                (_, len) => choice.put(spot, bytes, (len.min(BRIEF), 1), &mut brief),
            }
        }
        for width in GRAM_MIN..=BRIEF {
            if brief.iter().filter(|entry| entry.0 == width).count() <= ALONE_MAX {
                alone.extend(brief.extract_if(.., |entry| entry.0 == width).map(|(_, entry)| entry.spot));
            }
        }
        for text in alone {
            let (byte, entry) = alone_by(text, text.text(&index.texts));
            match index.alone.iter_mut().find(|(known, _)| *known == byte) {
                Some((_, entries)) => entries.push(entry),
                None => index.alone.push((byte, vec![entry])),
            }
        }
        index.long = Grams::new(&long.into_iter().map(|(_, entry)| entry).collect::<Vec<Entry>>());
        index.others = Letters::new(&others, &index.texts);
        index.brief = Brief::new(&brief);
        index.literals = literals;
        index
    }

    pub(super) fn is_empty(&self) -> bool {
        self.literals.is_empty()
    }

    pub(super) fn literals(&self) -> &[Literal] {
        &self.literals
    }

    /// The number of a text.
    pub(super) fn number(&self, literal: &Literal) -> Option<u32> {
        // A text stands in itself.
        let mut found = Vec::new();
        self.find(literal.text.as_bytes(), &mut found);
        found.into_iter().find(|number| self.literals[*number as usize] == *literal)
    }

    /// Puts the numbers of the texts that the folded value has into `found`, each once, in order.
    pub(super) fn find(&self, value: &[u8], found: &mut Vec<u32>) {
        if self.whole_lengths >> value.len().min(LENGTH_MAX) & 1 == 1
            && let Some(number) = self.whole.get(value)
        {
            found.push(*number);
        }
        if !self.ends.is_empty()
            && let Some(texts) = end(value).and_then(|end| self.ends.get(&end))
        {
            found.extend(texts.iter().filter(|text| self.literals[**text as usize].holds(value)));
        }
        for (byte, entries) in &self.alone {
            for at in memchr::memchr_iter(*byte, value) {
                entries.iter().for_each(|entry| self.compare(entry, at, value, found));
            }
        }
        self.scan(value, found);
        if found.len() > 1 {
            found.sort_unstable();
            found.dedup();
        }
    }

    fn scan(&self, bytes: &[u8], found: &mut Vec<u32>) {
        let mut told = |gram, at| self.long.meet(gram, |entry| self.compare(entry, at, bytes, found));
        match &self.long.bitmap {
            Bitmap::None => {}
            Bitmap::Small(words) => each_second(words, bytes, &mut told),
            Bitmap::Middle(words) => each_second(words, bytes, &mut told),
            Bitmap::Big(words) => each_second(words, bytes, &mut told),
            Bitmap::Large(words) => each_second(words, bytes, &mut told),
        }
        self.brief.each(bytes, |entry, at| self.compare(entry, at, bytes, found));
        if !self.others.is_empty() {
            self.others.each(bytes, |entry, at| self.compare(entry, at, bytes, found));
        }
    }

    // Apart, so that the searches keep their registers.
    #[inline(never)]
    fn compare(&self, entry: &Entry, at: usize, bytes: &[u8], found: &mut Vec<u32>) {
        let Entry { before, spot, .. } = entry;
        let Some(start) = at.checked_sub(*before as usize) else { return };
        let Some(there) = bytes.get(start..start + spot.len as usize) else { return };
        let stands = match spot.place {
            LiteralPlace::Start => start == 0,
            LiteralPlace::End => start + there.len() == bytes.len(),
            _ => true,
        };
        if stands && are_same(there, spot.text(&self.texts)) {
            found.push(spot.literal);
        }
    }
}

impl Spot {
    /// The text among all.
    pub(super) fn text<'t>(&self, texts: &'t [u8]) -> &'t [u8] {
        let from = self.from as usize;
        texts.get(from..from + self.len as usize).unwrap_or_default()
    }
}

/// Whether two texts of one length are the same: most are short enough for two looks.
fn are_same(a: &[u8], b: &[u8]) -> bool {
    a.first_chunk::<8>() == b.first_chunk()
        && a.last_chunk::<8>() == b.last_chunk()
        && ((8..=16).contains(&a.len()) || a == b)
}

/// Counts and lengths here are of one field's texts.
pub(super) fn short(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

/// The rarest byte of a text, and its entry.
fn alone_by(spot: Spot, bytes: &[u8]) -> (u8, Entry) {
    let rarest = (0u32..).zip(bytes).min_by_key(|(_, byte)| commonness(**byte));
    let (before, byte) = rarest.map_or((0, 0), |(before, byte)| (before, *byte));
    (byte, Entry { gram: byte.into(), before, spot })
}

/// How common a byte is in ordinary text of folded case, about.
pub(super) fn commonness(byte: u8) -> u32 {
    match byte {
        b'e' | b't' | b'a' | b'o' | b'i' | b'n' | b's' | b'r' => 16,
        b'l' | b'd' | b'c' | b'u' | b'm' | b'p' | b'h' | b'f' | b'g' | b'w' => 8,
        b' ' | b'\\' => 5,
        b'.' | b'a'..=b'z' | b'0'..=b'9' => 3,
        _ => 1,
    }
}

/// How a text's grams are chosen: the rarest in ordinary values; of those, the one that the fewest other texts have.
struct Choice<F> {
    often: F,
    load: HashMap<u32, u32>,
}

impl<F: Fn(u32) -> u32> Choice<F> {
    /// Puts the entries of a text, so many neighbouring grams of a width.
    fn put(
        &mut self,
        spot: Spot,
        bytes: &[u8],
        (width, neighbours): (usize, usize),
        entries: &mut Vec<(usize, Entry)>,
    ) {
        let seldom = |at: &usize| -> u32 {
            let grams = (*at..at + neighbours).map(|at| gram_at(bytes, at, width));
            let load = |gram| self.load.get(&gram).copied().unwrap_or(0);
            grams.map(|gram| (self.often)(gram).min(1 << 20) / 4 + load(gram)).sum()
        };
        let places = 0..=(bytes.len() + 1).saturating_sub(width + neighbours);
        let best = places.min_by_key(|at| (seldom(at), *at)).unwrap_or(0);
        for at in best..best + neighbours {
            let gram = gram_at(bytes, at, width);
            *self.load.entry(gram).or_default() += 1;
            entries.push((width, Entry { gram, before: short(at), spot }));
        }
    }
}

impl Brief {
    fn new(entries: &[(usize, Entry)]) -> Brief {
        let of = |wanted: usize| -> Vec<Entry> {
            entries.iter().filter(|(width, _)| *width == wanted).map(|(_, entry)| *entry).collect()
        };
        let two = of(GRAM_MIN);
        let mut pairs = Box::new([0; PAIRS]);
        for (_, entry) in entries {
            let [first, second, ..] = entry.gram.to_le_bytes();
            let (word, bit) = pair([first, second]);
            pairs[word] |= 1 << bit;
        }
        let pairs = Some(pairs).filter(|_| !two.is_empty());
        Brief { pairs, two: Grams::new(&two), three: Grams::new(&of(BRIEF)) }
    }

    /// Tells of each text that may stand in the value, and of the place of its gram.
    fn each(&self, bytes: &[u8], told: impl FnMut(&Entry, usize)) {
        match (&self.pairs, &self.three.bitmap) {
            (Some(pairs), _) => self.each_pair(pairs, bytes, told),
            (None, Bitmap::None) => {}
            (None, Bitmap::Small(words)) => self.each_three(words, bytes, told),
            (None, Bitmap::Middle(words)) => self.each_three(words, bytes, told),
            (None, Bitmap::Big(words)) => self.each_three(words, bytes, told),
            (None, Bitmap::Large(words)) => self.each_three(words, bytes, told),
        }
    }

    fn each_pair(&self, pairs: &[u64; PAIRS], bytes: &[u8], mut told: impl FnMut(&Entry, usize)) {
        for (at, two) in bytes.array_windows().enumerate() {
            let (word, bit) = pair(*two);
            if pairs[word] >> bit & 1 == 1 {
                self.two.meet(u16::from_le_bytes(*two).into(), |entry| told(entry, at));
                if bytes.len() - at >= BRIEF {
                    self.three.meet_known(gram_at(bytes, at, BRIEF), |entry| told(entry, at));
                }
            }
        }
    }

    fn each_three<const WORDS: usize>(
        &self,
        words: &[u64; WORDS],
        bytes: &[u8],
        mut told: impl FnMut(&Entry, usize),
    ) {
        let mut one = |gram: u32, at: usize| {
            if has(words, gram) {
                self.three.meet(gram, |entry| told(entry, at));
            }
        };
        for (at, four) in bytes.array_windows().enumerate() {
            one(u32::from_le_bytes(*four) & 0x00ff_ffff, at);
        }
        if let Some(last) = bytes.len().checked_sub(BRIEF) {
            one(gram_at(bytes, last, BRIEF), last);
        }
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
        ("[abđ]{1,9}|[ab]{1,12}|[a🧙🏾\u{200d}♀]{1,5}", place)
            .prop_map(|(text, place)| Literal { text: text.into(), place })
    }

    proptest! {
        #[test]
        fn the_index_finds_what_comparing_one_by_one_finds(
            literals in proptest::collection::hash_set(literal(), 0..60),
            value in "[abđ]{0,30}|[ab]{0,40}|[ab🧙🏾\u{200d}♀]{0,20}",
            seed in any::<u32>(),
        ) {
            let literals: Vec<Literal> = literals.into_iter().collect();
            let expected: Vec<u32> =
                (0u32..).zip(&literals).filter(|(_, one)| one.holds(value.as_bytes())).map(|(number, _)| number).collect();
            let mut found = Vec::new();
            Index::new(literals, |gram| gram.wrapping_mul(seed) >> 20).find(value.as_bytes(), &mut found);
            prop_assert_eq!(found, expected);
        }
    }

    #[test]
    fn a_number_has_one_key() {
        assert_eq!(number_key(0.0), number_key(-0.0));
        assert_ne!(number_key(1.0), number_key(2.0));
    }
}

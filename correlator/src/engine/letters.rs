//! Texts with letters beyond ASCII: a tree of characters, entered at each such letter of a value. Hundreds of them begin
//! alike (an emoji with each colour of skin, each trade), so a few bytes would not tell them apart.

use super::gram::Entry;
use super::index::Literal;

/// The tree.
#[derive(Debug, Default)]
pub(super) struct Letters {
    /// For a node and a character the node below, by hash; free places have no key. At most half are taken.
    places: Vec<(u64, u32)>,
    shift: u32,
    /// For each node the texts that end there, from their first letter beyond ASCII on.
    ends: Vec<Vec<Entry>>,
}

const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;
/// The highest bit of each byte.
const HIGH: u64 = 0x8080_8080_8080_8080;
/// The first byte of such a letter is at least this.
const FIRST: u8 = 0xc0;

/// The character at a place as a number, and its length.
fn character(bytes: &[u8], at: usize) -> Option<(u64, usize)> {
    let rest = bytes.get(at..)?;
    let four = match rest.first_chunk() {
        Some(four) => u32::from_le_bytes(*four),
        None => rest.iter().rev().fold(0, |four, byte| four << 8 | u32::from(*byte)),
    };
    let (mask, len) = match four.to_le_bytes()[0] {
        0xf0.. => (u32::MAX, 4),
        0xe0.. => (0xff_ffff, 3),
        FIRST.. => (0xffff, 2),
        _ if rest.is_empty() => return None,
        _ => (0xff, 1),
    };
    Some((u64::from(four & mask), len))
}

impl Letters {
    /// A tree of these texts; each has a letter beyond ASCII.
    pub(super) fn new(numbers: &[u32], literals: &[Literal]) -> Letters {
        let chars: usize = numbers.iter().map(|number| literals[*number as usize].text.len()).sum();
        let bits = (2 * chars + 2).next_power_of_two().trailing_zeros();
        let mut tree = Letters { places: Vec::new(), shift: u64::BITS - bits, ends: vec![Vec::new()] };
        if numbers.is_empty() {
            return tree;
        }
        tree.places = vec![(0, 0); 1 << bits];
        for number in numbers {
            let bytes = literals[*number as usize].text.as_bytes();
            let first = bytes.iter().position(|byte| *byte >= FIRST).unwrap_or(0);
            let (mut at, mut node) = (first, 0);
            while let Some((c, len)) = character(bytes, at) {
                let key = u64::from(node) << 32 | c;
                let place = tree.place(key);
                if tree.places[place].0 != key {
                    tree.places[place] = (key, u32::try_from(tree.ends.len()).unwrap_or(u32::MAX));
                    tree.ends.push(Vec::new());
                }
                node = tree.places[place].1;
                at += len;
            }
            let before = u32::try_from(first).unwrap_or(u32::MAX);
            tree.ends[node as usize].push(Entry { gram: 0, before, literal: *number });
        }
        tree
    }

    pub(super) fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// The place that has the key, or that would.
    fn place(&self, key: u64) -> usize {
        #[allow(clippy::cast_possible_truncation, reason = "few bits are left")]
        let mut place = (key.wrapping_mul(FACTOR) >> self.shift) as usize;
        while self.places[place].0 != key && self.places[place].0 != 0 {
            place = (place + 1) & (self.places.len() - 1);
        }
        place
    }

    /// Tells of each text that stands in the value from its first letter beyond ASCII on, and of the place of that letter.
    // Apart, so that the search of other texts keeps its registers.
    #[inline(never)]
    pub(super) fn each(&self, bytes: &[u8], mut told: impl FnMut(&Entry, usize)) {
        let (eights, rest) = bytes.as_chunks::<8>();
        let mut last = [0; 8];
        last[..rest.len()].copy_from_slice(rest);
        for (nth, eight) in eights.iter().chain([&last]).enumerate() {
            let eight = u64::from_le_bytes(*eight);
            // Such a letter begins with a byte whose two highest bits are set.
            let mut firsts = eight & eight << 1 & HIGH;
            while firsts != 0 {
                self.walk(bytes, nth * 8 + firsts.trailing_zeros() as usize / 8, &mut told);
                firsts &= firsts - 1;
            }
        }
    }

    fn walk(&self, bytes: &[u8], from: usize, told: &mut impl FnMut(&Entry, usize)) {
        let (mut at, mut node) = (from, 0);
        while let Some((c, len)) = character(bytes, at) {
            let (key, next) = self.places[self.place(u64::from(node) << 32 | c)];
            if key == 0 {
                return;
            }
            self.ends[next as usize].iter().for_each(|entry| told(entry, from));
            (at, node) = (at + len, next);
        }
    }
}

//! Texts with letters beyond ASCII: a tree of characters, entered at each such letter of a value. Hundreds of them begin
//! alike (an emoji with each colour of skin, each trade), so a few bytes would not tell them apart.

use super::gram::{Entry, Spot};
use super::index::short;
use std::collections::HashMap;

/// The tree.
#[derive(Debug, Default)]
pub(super) struct Letters {
    /// By hash; at most half are taken.
    places: Vec<Place>,
    shift: u32,
    /// The texts that end at a node, from their first letter beyond ASCII on; first no texts.
    ends: Vec<Vec<Entry>>,
}

/// The way from a node to one below.
#[derive(Clone, Copy, Debug, Default)]
struct Place {
    /// The node and the character; none is a free place.
    key: u64,
    below: u32,
    /// What ends below, by its place in [`Letters::ends`].
    ends: u32,
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
    pub(super) fn new(spots: &[Spot], texts: &[u8]) -> Letters {
        let mut ways: HashMap<u64, Place> = HashMap::new();
        let mut ends = vec![Vec::new()];
        for spot in spots {
            let bytes = spot.text(texts);
            let first = bytes.iter().position(|byte| *byte >= FIRST).unwrap_or(0);
            let (mut at, mut key) = (first, 0);
            while let Some((c, len)) = character(bytes, at) {
                let node = ways.get(&key).map_or(0, |way| way.below);
                key = u64::from(node) << 32 | c;
                let next = short(ways.len() + 1);
                ways.entry(key).or_insert(Place { key, below: next, ends: 0 });
                at += len;
            }
            let Some(way) = ways.get_mut(&key) else { continue };
            if way.ends == 0 {
                way.ends = short(ends.len());
                ends.push(Vec::new());
            }
            ends[way.ends as usize].push(Entry { gram: 0, before: short(first), spot: *spot });
        }
        if ways.is_empty() {
            return Letters::default();
        }
        let bits = (2 * ways.len()).next_power_of_two().trailing_zeros();
        let mut tree = Letters { places: vec![Place::default(); 1 << bits], shift: u64::BITS - bits, ends };
        for way in ways.into_values() {
            let place = tree.place(way.key);
            tree.places[place] = way;
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
        while self.places[place].key != key && self.places[place].key != 0 {
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
            let place = self.places[self.place(u64::from(node) << 32 | c)];
            if place.key == 0 {
                return;
            }
            if place.ends != 0 {
                self.ends[place.ends as usize].iter().for_each(|entry| told(entry, from));
            }
            (at, node) = (at + len, place.below);
        }
    }
}

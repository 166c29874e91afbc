//! A hash for tables that live in one process. It need not withstand chosen input: every table that uses it has a fixed
//! size or a fixed content, and compares in full.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

/// A map whose keys are chosen by rules, so that nobody outside can make them collide.
pub(super) type RuleMap<K, V> = HashMap<K, V, BuildHasherDefault<Quick>>;

/// [`hash`] as a hasher.
#[derive(Debug, Default)]
pub(super) struct Quick(u64);

impl Hasher for Quick {
    fn finish(&self) -> u64 {
        self.0
    }
    fn write(&mut self, bytes: &[u8]) {
        self.0 = hash(self.0, bytes);
    }
    fn write_u8(&mut self, byte: u8) {
        self.0 = mix(self.0, u64::from(byte));
    }
    fn write_u64(&mut self, word: u64) {
        self.0 = mix(mix(self.0 ^ FACTOR, word), FACTOR);
    }
}

const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;

fn mix(state: u64, word: u64) -> u64 {
    let product = u128::from(state ^ word) * u128::from(FACTOR);
    #[allow(clippy::cast_possible_truncation, reason = "both halves are taken")]
    let (low, high) = (product as u64, (product >> 64) as u64);
    low ^ high
}

/// The hash of `bytes`, apart for each `seed`.
pub(super) fn hash(seed: u64, bytes: &[u8]) -> u64 {
    let mut state = mix(seed ^ FACTOR, bytes.len() as u64);
    let (words, rest) = bytes.as_chunks::<8>();
    for word in words {
        state = mix(state, u64::from_le_bytes(*word)).rotate_left(23);
    }
    let mut last = [0; 8];
    last[..rest.len()].copy_from_slice(rest);
    mix(mix(state, u64::from_le_bytes(last)), FACTOR)
}

/// A hash of a few places of `bytes`, as quick for long as for short ones.
pub(super) fn hash_ends(seed: u64, bytes: &[u8]) -> u64 {
    let len = bytes.len();
    let Some((first, last)) = bytes.first_chunk::<8>().zip(bytes.last_chunk::<8>()) else {
        return hash(seed, bytes);
    };
    let at = |place: usize| bytes.get(place..).and_then(|rest| rest.first_chunk::<8>()).unwrap_or(last);
    let word = |bytes: &[u8; 8]| u64::from_le_bytes(*bytes);
    let (middle, later) = (word(at(len / 2)), word(at(len / 4 * 3)));
    mix(mix(seed ^ word(first), len as u64 ^ middle), word(last) ^ later.rotate_left(29))
}

/// The hash of a number.
pub(super) fn hash_word(word: u64) -> u64 {
    mix(mix(FACTOR, word), FACTOR)
}

//! Looking for a byte that mostly stands within the next few: a general searcher's preparation costs more than the search.

use wide::u8x16;

/// How many bytes are looked at in one go.
const WIDTH: usize = 16;

/// The next sixteen bytes of a text.
#[derive(Clone, Copy)]
pub(super) struct Near(u8x16);

impl Near {
    /// The first sixteen, if there are so many.
    #[inline]
    pub(super) fn of(bytes: &[u8]) -> Option<Near> {
        bytes.first_chunk::<WIDTH>().map(|first| Near(u8x16::new(*first)))
    }

    /// A bit for each of them that is `byte`, the first's the lowest.
    #[inline]
    pub(super) fn marks(self, byte: u8) -> u32 {
        self.0.simd_eq(u8x16::splat(byte)).to_bitmask()
    }
}

/// Where `byte` first stands.
#[inline]
pub(super) fn find(byte: u8, bytes: &[u8]) -> Option<usize> {
    let Some(near) = Near::of(bytes) else {
        return bytes.iter().position(|other| *other == byte);
    };
    match near.marks(byte) {
        0 => memchr::memchr(byte, &bytes[WIDTH..]).map(|at| at + WIDTH),
        marks => Some(marks.trailing_zeros() as usize),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_first_is_found_near_and_far(text in "[a=]{0,20}[a]{0,40}[a=]{0,20}") {
            let expected = text.bytes().position(|byte| byte == b'=');
            prop_assert_eq!(find(b'=', text.as_bytes()), expected);
        }
    }
}

//! Some of a slot's texts: which of those that a value has are among them.

/// Texts by number, each with the place of what it decides.
#[derive(Debug, Default)]
pub(super) struct Among {
    /// In order.
    sparse: Box<[(u32, u32)]>,
    /// If they lie close together: the place of each number from the first on, or [`NONE`].
    dense: Box<[u32]>,
}

const NONE: u32 = u32::MAX;
/// How many numbers there may be for each text, if they are to lie close together.
const DENSE: usize = 16;

impl Among {
    /// Of texts that decide several places the first counts.
    pub(super) fn new(mut texts: Vec<(u32, u32)>) -> Among {
        texts.sort_unstable();
        texts.dedup_by_key(|(number, _)| *number);
        let from = texts.first().map_or(0, |(first, _)| *first);
        let range = texts.last().map_or(0, |(last, _)| (last - from) as usize + 1);
        let mut dense = Box::default();
        if range <= texts.len() * DENSE {
            dense = vec![NONE; range].into_boxed_slice();
            texts.iter().for_each(|(number, place)| dense[(number - from) as usize] = *place);
        }
        Among { sparse: texts.into(), dense }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.sparse.is_empty()
    }

    /// Whether one of the texts, given by number in order, is among these.
    pub(super) fn has_one(&self, texts: &[u32]) -> bool {
        self.places(texts).next().is_some()
    }

    /// The places of those that are among these, given by number in order.
    pub(super) fn places<'t>(&'t self, texts: &'t [u32]) -> impl Iterator<Item = u32> + 't {
        let (first, last) = match self.sparse[..] {
            [(first, _), .., (last, _)] => (first, last),
            [(only, _)] => (only, only),
            [] => (1, 0),
        };
        // Most texts of a value lie below or above a list's.
        let from = texts.partition_point(|text| *text < first);
        let within = texts.iter().skip(from).take_while(move |text| **text <= last);
        let place = move |text: &u32| match self.dense.get((text - first) as usize) {
            Some(place) => Some(*place).filter(|place| *place != NONE),
            None => {
                let at = self.sparse.binary_search_by_key(text, |(number, _)| *number).ok()?;
                self.sparse.get(at).map(|(_, place)| *place)
            }
        };
        within.filter_map(place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn those_among_are_those_that_both_have(
            listed in proptest::collection::vec((0u32..300, 0u32..9), 0..40),
            near in proptest::collection::vec((90u32..110, 0u32..9), 0..40),
            texts in proptest::collection::btree_set(0u32..300, 0..40),
        ) {
            let texts: Vec<u32> = texts.into_iter().collect();
            for listed in [listed, near] {
                let place = |text: &u32| listed.iter().filter(|(number, _)| number == text).map(|(_, place)| *place).min();
                let expected: Vec<u32> = texts.iter().filter_map(place).collect();
                prop_assert_eq!(Among::new(listed.clone()).places(&texts).collect::<Vec<u32>>(), expected);
            }
        }
    }
}

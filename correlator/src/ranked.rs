//! Numbers of a sliding window and one percentile of them, at the cost of a logarithm for each that comes or goes.

use std::collections::BTreeMap;

/// The numbers in two halves: those up to the percentile's lower rank, and those above it.
#[derive(Debug)]
pub(crate) struct Ranked {
    /// The percentile's rank, 0 to 1.
    rank: f64,
    low: Half,
    high: Half,
}

#[derive(Debug, Default)]
struct Half {
    counts: BTreeMap<u64, u32>,
    len: u64,
}

impl Half {
    fn put(&mut self, number: u64) {
        *self.counts.entry(number).or_default() += 1;
        self.len += 1;
    }

    fn take(&mut self, number: u64) -> bool {
        let Some(count) = self.counts.get_mut(&number) else { return false };
        *count -= 1;
        if *count == 0 {
            self.counts.remove(&number);
        }
        self.len -= 1;
        true
    }

    fn first(&self) -> Option<u64> {
        self.counts.first_key_value().map(|(number, _)| *number)
    }

    fn last(&self) -> Option<u64> {
        self.counts.last_key_value().map(|(number, _)| *number)
    }
}

/// A number as an integer of the same order.
fn ordered(bits: u64) -> u64 {
    if bits >> 63 == 1 { !bits } else { bits | 1 << 63 }
}

fn number(ordered: u64) -> f64 {
    f64::from_bits(if ordered >> 63 == 1 { ordered & !(1 << 63) } else { !ordered })
}

impl Ranked {
    /// For the percentile of this rank, 0 to 100.
    pub(crate) fn new(percentile: f64) -> Ranked {
        Ranked { rank: percentile / 100.0, low: Half::default(), high: Half::default() }
    }

    /// Adds a number, given as its bits.
    pub(crate) fn put(&mut self, bits: u64) {
        let number = ordered(bits);
        if self.low.last().is_some_and(|last| number > last) {
            self.high.put(number);
        } else {
            self.low.put(number);
        }
        self.balance();
    }

    /// Takes a number out.
    pub(crate) fn take(&mut self, bits: u64) {
        let number = ordered(bits);
        if !self.low.take(number) {
            self.high.take(number);
        }
        self.balance();
    }

    /// The percentile, between the two nearest ranks in proportion: that of 0 is the least number, that of 100 the
    /// greatest. `None` of no numbers.
    pub(crate) fn value(&self) -> Option<f64> {
        let below = number(self.low.last()?);
        let (_, part) = self.place();
        if part == 0.0 {
            return Some(below);
        }
        let above = number(self.high.first()?);
        Some(below + (above - below) * part)
    }

    /// About what it takes in memory: a node of a tree is two thirds full.
    pub(crate) fn bytes(&self) -> usize {
        (self.low.counts.len() + self.high.counts.len()) * 24
    }

    /// How many numbers stand up to the percentile's lower rank, and how far it lies towards the next one.
    #[allow(clippy::cast_possible_truncation, reason = "a place among numbers that are in memory")]
    #[allow(clippy::cast_precision_loss, clippy::cast_sign_loss, reason = "the same")]
    fn place(&self) -> (u64, f64) {
        let len = self.low.len + self.high.len;
        let at = self.rank * len.saturating_sub(1) as f64;
        ((at.floor() as u64 + 1).min(len), at.fract())
    }

    fn balance(&mut self) {
        let (wanted, _) = self.place();
        while self.low.len > wanted
            && let Some(number) = self.low.last()
        {
            self.low.take(number);
            self.high.put(number);
        }
        while self.low.len < wanted
            && let Some(number) = self.high.first()
        {
            self.high.take(number);
            self.low.put(number);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn percentiles_are_between_the_nearest_ranks() {
        let of = |percentile: f64, numbers: &[f64]| {
            let mut ranked = Ranked::new(percentile);
            numbers.iter().for_each(|number| ranked.put(number.to_bits()));
            ranked.value()
        };
        assert_eq!(of(50.0, &[]), None);
        assert_eq!(of(50.0, &[4.0, -1.0, 3.0]), Some(3.0));
        assert_eq!(of(50.0, &[4.0, 1.0, 3.0, 2.0]), Some(2.5));
        assert_eq!(of(95.0, &[10.0, 20.0]), Some(19.5));
        assert_eq!((of(0.0, &[2.0, 1.0]), of(100.0, &[2.0, 1.0])), (Some(1.0), Some(2.0)));
    }

    proptest! {
        #[test]
        #[allow(clippy::cast_possible_truncation, reason = "a place among a few numbers")]
        fn a_sliding_percentile_is_that_of_the_sorted_numbers(
            numbers in proptest::collection::vec(-9i32..9, 1..60), keep in 1usize..20, percentile in 0u32..=100)
        {
            let mut ranked = Ranked::new(f64::from(percentile));
            for (at, number) in numbers.iter().enumerate() {
                ranked.put(f64::from(*number).to_bits());
                if at >= keep {
                    ranked.take(f64::from(numbers[at - keep]).to_bits());
                }
                let mut sorted = numbers[(at + 1).saturating_sub(keep)..=at].to_vec();
                sorted.sort_unstable();
                let place = f64::from(percentile) / 100.0 * (sorted.len() - 1) as f64;
                let (below, above) = (sorted[place.floor() as usize], sorted[place.ceil() as usize]);
                let expected = f64::from(below) + f64::from(above - below) * place.fract();
                prop_assert_eq!(ranked.value(), Some(expected));
            }
        }
    }
}

//! Names known at compile time, found by one hash: a line has forty keys, so looking one up must cost nanoseconds.

const SLOTS: usize = 512;
const EMPTY: u16 = u16::MAX;

/// A table from names to values, laid out by the compiler.
pub(super) struct Keyed<T: 'static> {
    entries: &'static [(&'static str, T)],
    slots: [u16; SLOTS],
}

impl<T: Copy> Keyed<T> {
    /// At most half as many entries as slots, so that probing is short; more do not compile.
    #[allow(clippy::cast_possible_truncation, reason = "checked to be below SLOTS / 2")]
    pub(super) const fn new(entries: &'static [(&'static str, T)]) -> Keyed<T> {
        assert!(entries.len() <= SLOTS / 2);
        let mut slots = [EMPTY; SLOTS];
        let mut at = 0;
        while at < entries.len() {
            let mut slot = hash(entries[at].0.as_bytes());
            while slots[slot] != EMPTY {
                slot = (slot + 1) % SLOTS;
            }
            slots[slot] = at as u16;
            at += 1;
        }
        Keyed { entries, slots }
    }

    /// The value of the name.
    pub(super) fn get(&self, name: &str) -> Option<T> {
        let mut slot = hash(name.as_bytes());
        loop {
            let (known, value) = self.entries.get(usize::from(*self.slots.get(slot)?))?;
            if *known == name {
                return Some(*value);
            }
            slot = (slot + 1) % SLOTS;
        }
    }
}

/// A slot, by the length and both ends, which tell nearly all known names apart; a hostile name is not read to its end.
#[allow(clippy::cast_possible_truncation, reason = "the bits of a slot's number fit")]
const fn hash(name: &[u8]) -> usize {
    let ends = if let (Some(first), Some(last)) = (name.first_chunk(), name.last_chunk()) {
        u64::from_le_bytes(*first) ^ u64::from_le_bytes(*last).rotate_left(29)
    } else if let (Some(first), Some(last)) = (name.first_chunk(), name.last_chunk()) {
        (u32::from_le_bytes(*first) as u64) << 32 | u32::from_le_bytes(*last) as u64
    } else if let (Some(first), Some(last)) = (name.first(), name.last()) {
        (*first as u64) << 16 | (name[name.len() / 2] as u64) << 8 | *last as u64
    } else {
        0
    };
    // The high bits of a product depend on all bits of what was multiplied.
    let product = (ends ^ name.len() as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (product >> (u64::BITS - SLOTS.ilog2())) as usize
}

/// An enum `Key`, its count and the table from names to it.
macro_rules! keys {
    ($($variant:ident $name:literal)*) => {
        #[derive(Clone, Copy)]
        enum Key { $($variant),* }
        const NAMES: &[(&str, Key)] = &[$(($name, Key::$variant)),*];
        static KEYS: crate::parser::keyed::Keyed<Key> = crate::parser::keyed::Keyed::new(NAMES);
    };
}
pub(super) use keys;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_found_and_no_other() {
        static TABLE: Keyed<u8> =
            Keyed::new(&[("srcip", 1), ("dstip", 2), ("a name longer than what is hashed", 3)]);
        assert_eq!(TABLE.get("srcip"), Some(1));
        assert_eq!(TABLE.get("dstip"), Some(2));
        assert_eq!(TABLE.get("a name longer than what is hashed"), Some(3));
        assert_eq!(TABLE.get("a name longer than what is not hashed"), None);
        assert_eq!(TABLE.get(""), None);
    }
}

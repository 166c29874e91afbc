//! The matches of one group in the order of their keys, as compact as it goes, for a million groups are kept: most have
//! one match, which lies in place; the texts lie in one buffer, in the order of the matches, and neighbours with the same
//! facts share them. An update touches few lines of memory, and forgetting touches no text.

use crate::entry::Entry;
use crate::facts::Facts;
use std::collections::VecDeque;

#[derive(Debug)]
enum Entries {
    One(Entry),
    Many(VecDeque<Entry>),
}

#[derive(Debug)]
pub(crate) struct Matches {
    entries: Entries,
    /// The group, then the facts.
    texts: Vec<u8>,
    group_len: u32,
}

impl Matches {
    /// Of a group of which nothing is known yet.
    pub(crate) fn new(group: &[u8], facts: &[u8]) -> Matches {
        let mut texts = Vec::with_capacity(group.len() + facts.len());
        texts.extend_from_slice(group);
        Matches { entries: Entries::Many(VecDeque::new()), texts, group_len: place(group.len()) }
    }

    pub(crate) fn group(&self) -> &[u8] {
        self.texts.get(..self.group_len as usize).unwrap_or_default()
    }

    pub(crate) fn len(&self) -> usize {
        match &self.entries {
            Entries::One(_) => 1,
            Entries::Many(entries) => entries.len(),
        }
    }

    pub(crate) fn get(&self, at: usize) -> Option<&Entry> {
        match &self.entries {
            Entries::One(entry) => (at == 0).then_some(entry),
            Entries::Many(entries) => entries.get(at),
        }
    }

    pub(crate) fn get_mut(&mut self, at: usize) -> Option<&mut Entry> {
        match &mut self.entries {
            Entries::One(entry) => (at == 0).then_some(entry),
            Entries::Many(entries) => entries.get_mut(at),
        }
    }

    pub(crate) fn first(&self) -> Option<&Entry> {
        self.get(0)
    }

    pub(crate) fn last(&self) -> Option<&Entry> {
        self.len().checked_sub(1).and_then(|at| self.get(at))
    }

    /// How many matches stand before the first that is not `before`.
    pub(crate) fn partition_point(&self, before: impl Fn(&Entry) -> bool) -> usize {
        match &self.entries {
            Entries::One(entry) => usize::from(before(entry)),
            Entries::Many(entries) => entries.partition_point(before),
        }
    }

    pub(crate) fn facts(&self, entry: &Entry) -> Facts<'_> {
        Facts(self.texts.get(entry.text as usize..).unwrap_or_default())
    }

    /// Gives the match the place of its facts, which are those of the last match or new.
    pub(crate) fn keep(&mut self, mut entry: Entry, facts: &[u8]) -> Entry {
        match self.last() {
            Some(last) if self.facts(last).0.starts_with(facts) => entry.text = last.text,
            _ => {
                entry.text = place(self.texts.len());
                self.texts.extend_from_slice(facts);
            }
        }
        entry
    }

    /// Adds the match behind all others.
    pub(crate) fn push(&mut self, entry: Entry) {
        match &mut self.entries {
            Entries::Many(entries) if entries.capacity() == 0 => self.entries = Entries::One(entry),
            Entries::Many(entries) => {
                if entries.len() == entries.capacity() && entries.len() < 8 {
                    entries.reserve_exact(entries.len().max(1)); // most groups stay small
                }
                entries.push_back(entry);
            }
            Entries::One(first) => self.entries = Entries::Many(VecDeque::from([first.clone(), entry])),
        }
    }

    /// Puts matches, sorted by their keys, into their places, without those that are there. Gives how many came.
    pub(crate) fn insert(&mut self, late: &[Entry]) -> usize {
        let Some(first) = late.first().map(Entry::key) else { return 0 };
        let before = self.len();
        let at = self.partition_point(|entry| entry.key() < first);
        let mut entries = match std::mem::replace(&mut self.entries, Entries::Many(VecDeque::new())) {
            Entries::One(entry) => VecDeque::from([entry]),
            Entries::Many(entries) => entries,
        };
        let mut sorted = entries.split_off(at).into_iter().peekable();
        // Only what comes behind the first of them changes its place.
        let kept = entries.back().map(|entry| entry.text);
        let texts_from = match kept {
            Some(text) => text as usize + self.facts_at(text).len(),
            None => self.group_len as usize,
        };
        let moved = self.texts.split_off(texts_from.min(self.texts.len()));
        let mut texts = Texts { from: texts_from, moved, last: kept };
        for entry in late {
            while let Some(earlier) = sorted.next_if(|other| other.key() < entry.key()) {
                entries.push_back(texts.place(earlier, &mut self.texts));
            }
            if sorted.peek().is_none_or(|other| other.key() != entry.key()) {
                entries.push_back(texts.place(entry.clone(), &mut self.texts));
            }
        }
        sorted.for_each(|entry| entries.push_back(texts.place(entry, &mut self.texts)));
        let came = entries.len() - before;
        self.entries = Entries::Many(entries);
        came
    }

    fn facts_at(&self, text: u32) -> &[u8] {
        Facts(self.texts.get(text as usize..).unwrap_or_default()).packed()
    }

    /// Lets the first `count` matches go. `late` are matches outside whose facts are kept.
    pub(crate) fn forget(&mut self, count: usize, late: &mut [Entry]) {
        match &mut self.entries {
            Entries::One(_) if count > 0 => self.entries = Entries::Many(VecDeque::new()),
            Entries::One(_) => {}
            Entries::Many(entries) => {
                entries.drain(..count.min(entries.len()));
                if entries.capacity() > 4 * entries.len() + 8 {
                    entries.shrink_to(2 * entries.len());
                }
            }
        }
        let needed = self.first().into_iter().chain(&*late).map(|entry| entry.text as usize).min();
        let group_len = self.group_len as usize;
        let gone = needed.unwrap_or(self.texts.len()).saturating_sub(group_len);
        // Moving the rest is paid for by half as much that is gone.
        if gone > (self.texts.len() - group_len) / 3 {
            self.texts.drain(group_len..group_len + gone);
            let entries = match &mut self.entries {
                Entries::One(entry) => (std::slice::from_mut(entry), &mut [][..]),
                Entries::Many(entries) => entries.as_mut_slices(),
            };
            let entries = entries.0.iter_mut().chain(entries.1).chain(late);
            entries.for_each(|entry| entry.text -= place(gone));
            if self.texts.capacity() > 4 * self.texts.len() + 256 {
                self.texts.shrink_to(2 * self.texts.len());
            }
        }
    }

    /// Gives back spare room.
    pub(crate) fn shrink(&mut self) {
        if let Entries::Many(entries) = &mut self.entries {
            entries.shrink_to_fit();
        }
        self.texts.shrink_to_fit();
    }

    /// What it takes in memory beside itself.
    pub(crate) fn bytes(&self) -> usize {
        let entries = match &self.entries {
            Entries::One(_) => 0,
            Entries::Many(entries) => entries.capacity() * size_of::<Entry>(),
        };
        entries + self.texts.capacity()
    }
}

/// Facts that move to their places in the order of the matches.
struct Texts {
    /// Where `moved` began.
    from: usize,
    moved: Vec<u8>,
    /// Where the facts of the match before are now.
    last: Option<u32>,
}

impl Texts {
    fn place(&mut self, mut entry: Entry, texts: &mut Vec<u8>) -> Entry {
        let text = entry.text as usize;
        let copied: Vec<u8>;
        let facts = match text.checked_sub(self.from) {
            Some(at) => Facts(self.moved.get(at..).unwrap_or_default()).packed(),
            None => {
                copied = Facts(texts.get(text..).unwrap_or_default()).packed().to_vec();
                &copied
            }
        };
        let is_same = |last: &u32| texts.get(*last as usize..).is_some_and(|rest| rest.starts_with(facts));
        let last = self.last.filter(is_same);
        entry.text = last.unwrap_or(place(texts.len()));
        if last.is_none() {
            texts.extend_from_slice(facts);
        }
        self.last = Some(entry.text);
        entry
    }
}

/// A place in a buffer that the limits keep far below 4 GiB.
fn place(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::episode::Key;
    use event::{EventId, Time};
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    fn packed(name: u8) -> Vec<u8> {
        let text = "x".repeat(usize::from(name) * 7);
        let mut packed = vec![1, 1, 0, 0, u8::try_from(text.len() + 1).unwrap()];
        packed.push(b'a' + name);
        packed.extend(text.as_bytes());
        packed
    }

    proptest! {
        /// In any order, with late ones put in now and then and the first ones forgotten, each match keeps its facts.
        #[test]
        fn matches_keep_their_order_and_their_facts(
            came in proptest::collection::vec((0i64..60, 0u8..5), 1..120), every in 1usize..20, forget in 0usize..9)
        {
            let mut matches = Matches::new(b"group", &packed(0));
            let (mut late, mut expected) = (Vec::new(), BTreeMap::new());
            for (nth, (time, name)) in came.into_iter().enumerate() {
                let key = Key { time: Time(time), event: EventId(0), rule: 0 };
                let waits = late.iter().any(|entry: &Entry| entry.time == time);
                if waits || (0..matches.len()).any(|at| matches.get(at).unwrap().time == time) {
                    continue;
                }
                expected.insert(time, packed(name));
                let entry = matches.keep(Entry::new(key, 0), &packed(name));
                if matches.last().is_none_or(|last| last.key() < key) {
                    matches.push(entry);
                } else {
                    late.push(entry);
                }
                if nth % every == 0 {
                    late.sort_by_key(Entry::key);
                    matches.insert(&std::mem::take(&mut late));
                }
                if nth % 10 == 9 {
                    matches.forget(forget, &mut late);
                }
                for at in 0..matches.len() {
                    let entry = matches.get(at).unwrap();
                    let facts = matches.facts(entry).packed();
                    prop_assert_eq!(Some(facts), expected.get(&entry.time).map(Vec::as_slice));
                    prop_assert!(at == 0 || matches.get(at - 1).unwrap().key() < entry.key());
                }
                prop_assert_eq!(matches.group(), b"group");
            }
        }
    }
}

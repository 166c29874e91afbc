//! What alerts tell of a match beside its time: entities, unit, system, the authorised scan. Packed, because windows hold a million of them.

use event::{EntityKind, Match};

pub(crate) const KINDS: [EntityKind; 4] =
    [EntityKind::User, EntityKind::Host, EntityKind::Address, EntityKind::Unit];
pub(crate) const UNIT: u8 = 8;
pub(crate) const SYSTEM: u8 = 9;
pub(crate) const AUTHORISED: u8 = 10;

/// The level of the system, how many texts follow, then these, each behind a byte of its kind and its length. What lies
/// behind the last is not looked at, so no packed facts are the beginning of others.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Facts<'p>(pub(crate) &'p [u8]);

impl<'p> Facts<'p> {
    pub(crate) fn pack(found: &Match, packed: &mut Vec<u8>) {
        packed.clear();
        packed.extend([found.system_level, 0]);
        let mut put = |kind: u8, text: &str| {
            let length = u16::try_from(text.len()).unwrap_or(u16::MAX);
            let Some(count) = packed.get(1).and_then(|count| count.checked_add(1)) else { return };
            packed[1] = count;
            packed.push(kind);
            packed.extend_from_slice(&length.to_be_bytes());
            packed.extend_from_slice(text.as_bytes().get(..usize::from(length)).unwrap_or_default());
        };
        for entity in &found.entities {
            let kind = KINDS.iter().position(|kind| *kind == entity.kind).unwrap_or_default();
            put(u8::try_from(kind).unwrap_or_default(), &entity.name);
        }
        let authorised = found.authorised.as_deref().unwrap_or_default();
        for (kind, text) in [(UNIT, &*found.unit), (SYSTEM, &*found.system), (AUTHORISED, authorised)] {
            if !text.is_empty() {
                put(kind, text);
            }
        }
    }

    pub(crate) fn level(self) -> u8 {
        self.0.first().copied().unwrap_or_default()
    }

    pub(crate) fn pieces(self) -> impl Iterator<Item = (u8, &'p [u8])> {
        let count = self.0.get(1).copied().unwrap_or_default();
        let mut rest = self.0.get(2..).unwrap_or_default();
        (0..count).map_while(move |_| {
            let (head, after) = rest.split_first_chunk::<3>()?;
            let (text, after) =
                after.split_at_checked(usize::from(u16::from_be_bytes([head[1], head[2]])))?;
            rest = after;
            Some((head[0], text))
        })
    }

    /// Without what lies behind.
    pub(crate) fn packed(self) -> &'p [u8] {
        let length = self.pieces().fold(2, |length, (_, text)| length + 3 + text.len());
        self.0.get(..length).unwrap_or(self.0)
    }

    /// Whether the match was of an authorised scan.
    pub(crate) fn is_authorised(self) -> bool {
        self.pieces().any(|(kind, _)| kind == AUTHORISED)
    }

    pub(crate) fn text(self, wanted: u8) -> String {
        let found = self.pieces().find(|(kind, _)| *kind == wanted);
        found.and_then(|(_, text)| std::str::from_utf8(text).ok()).unwrap_or_default().to_owned()
    }
}

//! Indicators against events: what others warn of, looked up for every event, in memory, exactly.
//!
//! One immutable table of all kinds: keys and names in one buffer, entries beside it, found by hash and compared in full.
//! Who has other indicators makes another table and swaps it. Of several that warn of one value the one counts that is
//! valid at the event's time, the surest first, then by id, so that a replay marks events alike. A domain is met by what
//! is below it, an address by the networks around it, the narrowest first.

use event::{Event, EventId, Field, Indicator, IndicatorKind, Time, Tlp, Value};
use hashbrown::HashTable;
use std::hash::{BuildHasher as _, RandomState};
use std::net::IpAddr;
use uuid::Uuid;

/// The end of a list of entries of one key.
const NONE: u32 = u32::MAX;
/// A confidence that nobody gave: below every other.
const UNSURE: u8 = 0;
/// Those who warn that are told apart.
const SOURCES_MAX: usize = 1000;
/// The name that further ones share.
const OTHERS: &str = "others";
/// The longest domain name, and so the longest text that is folded without a copy.
const FOLDED_MAX: usize = 256;

/// Where a domain may stand, in the order in which it is asked.
const DOMAINS: [Field; 5] = [
    Field::DNS_QUESTION_NAME,
    Field::TLS_CLIENT_SERVER_NAME,
    Field::URL_DOMAIN,
    Field::DESTINATION_DOMAIN,
    Field::SERVER_DOMAIN,
];
const URLS: [Field; 2] = [Field::URL_FULL, Field::URL_ORIGINAL];
const ADDRESSES: [Field; 5] =
    [Field::DESTINATION_IP, Field::SOURCE_IP, Field::DNS_RESOLVED_IP, Field::SERVER_IP, Field::CLIENT_IP];
const HASHES: [(IndicatorKind, [Field; 4]); 4] = [
    (
        IndicatorKind::Md5,
        [
            Field::FILE_HASH_MD5,
            Field::PROCESS_HASH_MD5,
            Field::DLL_HASH_MD5,
            Field::EMAIL_ATTACHMENTS_FILE_HASH_MD5,
        ],
    ),
    (
        IndicatorKind::Sha1,
        [
            Field::FILE_HASH_SHA1,
            Field::PROCESS_HASH_SHA1,
            Field::DLL_HASH_SHA1,
            Field::EMAIL_ATTACHMENTS_FILE_HASH_SHA1,
        ],
    ),
    (
        IndicatorKind::Sha256,
        [
            Field::FILE_HASH_SHA256,
            Field::PROCESS_HASH_SHA256,
            Field::DLL_HASH_SHA256,
            Field::EMAIL_ATTACHMENTS_FILE_HASH_SHA256,
        ],
    ),
    (
        IndicatorKind::Sha512,
        [
            Field::FILE_HASH_SHA512,
            Field::PROCESS_HASH_SHA512,
            Field::DLL_HASH_SHA512,
            Field::EMAIL_ATTACHMENTS_FILE_HASH_SHA512,
        ],
    ),
];

/// Every indicator in force, ready to be asked.
#[derive(Default)]
pub struct Indicators {
    text: Vec<u8>,
    entries: Vec<Entry>,
    /// The first entry of each key.
    table: HashTable<u32>,
    hasher: RandomState,
    sources: Vec<String>,
    /// How many there are of each kind: what nobody warns of is not asked.
    counts: [usize; 7],
    /// The lengths of the networks that are warned of, as of IPv6, longest first; 128 is a single address.
    lengths: Vec<u8>,
}

/// What is known of one indicator. Its key begins with its kind.
struct Entry {
    id: u128,
    from: i64,
    until: i64,
    at: u32,
    key_len: u16,
    name_len: u16,
    source: u16,
    confidence: u8,
    tlp: Tlp,
    next: u32,
}

/// An indicator that an event met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Met<'a> {
    /// What the value is.
    pub kind: IndicatorKind,
    /// The indicator's value.
    pub value: &'a str,
    /// Its name.
    pub name: &'a str,
    /// Who warns.
    pub source: &'a str,
    /// Its UUID.
    pub id: u128,
    /// How sure they are; 0 if they do not say.
    pub confidence: u8,
    /// To whom it may be shown.
    pub tlp: Tlp,
}

impl Indicators {
    /// Adds an indicator; `false` if there is no room (4 GiB of text) or its id is none.
    pub fn add(&mut self, indicator: &Indicator) -> bool {
        let uuid = indicator.id.split_once("--").and_then(|(_, uuid)| Uuid::parse_str(uuid).ok());
        let Some(uuid) = uuid else { return false };
        let at = self.text.len();
        self.text.push(indicator.kind as u8);
        let length = self.push_value(indicator);
        let key_len = self.text.len() - at;
        self.text.extend_from_slice(indicator.name.as_bytes());
        let name_len = self.text.len() - at - key_len;
        let place = u32::try_from(self.entries.len()).ok().filter(|place| *place != NONE);
        let fits = (
            u32::try_from(at),
            u16::try_from(key_len),
            u16::try_from(name_len),
            self.source(&indicator.source),
        );
        let (Some(place), (Ok(at), Ok(key_len), Ok(name_len), Some(source))) = (place, fits) else {
            self.text.truncate(at);
            return false;
        };
        self.entries.push(Entry {
            id: uuid.as_u128(),
            from: indicator.valid_from.0,
            until: indicator.valid_until.map_or(i64::MAX, |until| until.0),
            at,
            key_len,
            name_len,
            source,
            confidence: indicator.confidence.unwrap_or(UNSURE),
            tlp: indicator.tlp,
            next: NONE,
        });
        self.link(place);
        self.counts[indicator.kind as usize] += 1;
        if let Some(length) = length.filter(|length| !self.lengths.contains(length)) {
            self.lengths.push(length);
            self.lengths.sort_unstable_by(|a, b| b.cmp(a));
        }
        true
    }

    /// Writes the value as it is looked up. Of an address: 16 bytes and the network's length, which is answered.
    fn push_value(&mut self, indicator: &Indicator) -> Option<u8> {
        let Some((address, length)) = network(indicator) else {
            self.text.extend_from_slice(indicator.value.as_bytes());
            return None;
        };
        self.text.extend_from_slice(&(bits(address) & mask(length)).to_be_bytes());
        self.text.push(length);
        Some(length)
    }

    /// Who warns. Names beyond a bound share one, for the list is searched.
    fn source(&mut self, name: &str) -> Option<u16> {
        let is_full = self.sources.len() >= SOURCES_MAX;
        let known = self.sources.iter().position(|source| source == name || (is_full && source == OTHERS));
        let place = known.unwrap_or_else(|| {
            self.sources.push(if is_full { OTHERS } else { name }.to_owned());
            self.sources.len() - 1
        });
        u16::try_from(place).ok()
    }

    /// Puts an entry into the list of its key: the surest first, then by id.
    fn link(&mut self, place: u32) {
        let new = &self.entries[place as usize];
        let (rank, key) = (new.rank(), new.key(&self.text));
        let hash = self.hasher.hash_one(key);
        let first = self.table.find_mut(hash, |one| self.entries[*one as usize].key(&self.text) == key);
        let Some(first) = first else {
            let (entries, text, hasher) = (&self.entries, &self.text, &self.hasher);
            self.table.insert_unique(hash, place, |one| hasher.hash_one(entries[*one as usize].key(text)));
            return;
        };
        if rank < self.entries[*first as usize].rank() {
            self.entries[place as usize].next = *first;
            *first = place;
            return;
        }
        let mut before = *first;
        loop {
            let next = self.entries[before as usize].next;
            if next == NONE || rank < self.entries[next as usize].rank() {
                self.entries[place as usize].next = next;
                self.entries[before as usize].next = place;
                return;
            }
            before = next;
        }
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The first indicator that the event meets: domains before URLs, hashes and addresses, for they say most.
    #[must_use]
    pub fn met(&self, event: &Event) -> Option<Met<'_>> {
        if self.entries.is_empty() {
            return None;
        }
        // A clock that runs ahead must not outlive a validity; one that runs behind is believed.
        let at = event.time().min(event.id().received());
        let at = if event.id() == EventId::default() { event.time() } else { at };
        if self.counts[IndicatorKind::Domain as usize] > 0 {
            let found = DOMAINS
                .iter()
                .flat_map(|field| event.values(*field))
                .find_map(|value| self.domain(value.as_text()?, at));
            if found.is_some() {
                return found;
            }
        }
        if self.counts[IndicatorKind::Url as usize] > 0 {
            let found = URLS
                .iter()
                .flat_map(|field| event.values(*field))
                .find_map(|value| self.url(value.as_text()?, at));
            if found.is_some() {
                return found;
            }
        }
        for (kind, fields) in HASHES {
            if self.counts[kind as usize] > 0 {
                let texts = fields.iter().flat_map(|field| event.values(*field));
                let found = texts.filter_map(Value::as_text).find_map(|text| self.folded(kind, text, at));
                if found.is_some() {
                    return found;
                }
            }
        }
        if self.lengths.is_empty() {
            return None;
        }
        ADDRESSES
            .iter()
            .flat_map(|field| event.values(*field))
            .find_map(|value| self.address(value.as_ip()?, at))
    }

    /// Looks the event up and writes into it what it met: `threat.indicator.*`, which rules can ask for.
    pub fn mark(&self, event: &mut Event) -> bool {
        let Some(met) = self.met(event) else { return false };
        let (kind, field) = match met.kind {
            IndicatorKind::Address => ("ipv4-addr", None),
            IndicatorKind::Domain => ("domain-name", Some(Field::THREAT_INDICATOR_URL_DOMAIN)),
            IndicatorKind::Url => ("url", Some(Field::THREAT_INDICATOR_URL_FULL)),
            IndicatorKind::Md5 => ("file", Some(Field::THREAT_INDICATOR_FILE_HASH_MD5)),
            IndicatorKind::Sha1 => ("file", Some(Field::THREAT_INDICATOR_FILE_HASH_SHA1)),
            IndicatorKind::Sha256 => ("file", Some(Field::THREAT_INDICATOR_FILE_HASH_SHA256)),
            IndicatorKind::Sha512 => ("file", Some(Field::THREAT_INDICATOR_FILE_HASH_SHA512)),
        };
        if let Some(field) = field {
            event.set(field, Value::Text(met.value));
        }
        let reference = format!("indicator--{}", Uuid::from_u128(met.id));
        event.set(Field::THREAT_INDICATOR_TYPE, Value::Text(kind));
        event.set(Field::THREAT_INDICATOR_NAME, Value::Text(met.name));
        event.set(Field::THREAT_INDICATOR_PROVIDER, Value::Text(met.source));
        event.set(Field::THREAT_INDICATOR_REFERENCE, Value::Text(&reference));
        event.set(Field::THREAT_INDICATOR_MARKING_TLP, Value::Text(met.tlp.name()));
        if met.confidence != UNSURE {
            event.set(Field::THREAT_INDICATOR_CONFIDENCE, Value::Text(&met.confidence.to_string()));
        }
        true
    }

    /// A name and, from the longest, what it is below.
    fn domain(&self, name: &str, at: Time) -> Option<Met<'_>> {
        let name = name.strip_suffix('.').unwrap_or(name);
        let mut folded = [0; FOLDED_MAX];
        let folded = folded.get_mut(..=name.len())?;
        folded[0] = IndicatorKind::Domain as u8;
        folded[1..].copy_from_slice(name.as_bytes());
        folded[1..].make_ascii_lowercase();
        let mut begin = 0;
        while memchr::memchr(b'.', &folded[begin + 1..]).is_some() {
            folded[begin] = IndicatorKind::Domain as u8; // where the last dot was
            let found = self.find(&folded[begin..], at);
            if found.is_some() {
                return found;
            }
            begin += 1 + memchr::memchr(b'.', &folded[begin + 1..])?;
        }
        None
    }

    /// The URL, and the URL without its query.
    fn url(&self, text: &str, at: Time) -> Option<Met<'_>> {
        if !text.contains("://") {
            return None;
        }
        let mut key = IndicatorKind::Url.canonical(text)?;
        let ask = |text: &str| {
            let mut key = Vec::with_capacity(1 + text.len());
            key.push(IndicatorKind::Url as u8);
            key.extend_from_slice(text.as_bytes());
            self.find(&key, at)
        };
        ask(&key).or_else(|| {
            key.truncate(key.find('?')?);
            ask(&key)
        })
    }

    fn folded(&self, kind: IndicatorKind, text: &str, at: Time) -> Option<Met<'_>> {
        let mut folded = [0; FOLDED_MAX];
        let folded = folded.get_mut(..=text.len())?;
        folded[0] = kind as u8;
        folded[1..].copy_from_slice(text.as_bytes());
        folded[1..].make_ascii_lowercase();
        self.find(folded, at)
    }

    fn address(&self, address: IpAddr, at: Time) -> Option<Met<'_>> {
        let whole = bits(address);
        let mut key = [0; 18];
        key[0] = IndicatorKind::Address as u8;
        self.lengths.iter().find_map(|length| {
            key[1..17].copy_from_slice(&(whole & mask(*length)).to_be_bytes());
            key[17] = *length;
            self.find(&key, at)
        })
    }

    fn find(&self, key: &[u8], at: Time) -> Option<Met<'_>> {
        let hash = self.hasher.hash_one(key);
        let mut place = *self.table.find(hash, |one| self.entries[*one as usize].key(&self.text) == key)?;
        while let Some(entry) = self.entries.get(place as usize) {
            if (entry.from..entry.until).contains(&at.0) {
                return Some(self.tell(entry));
            }
            place = entry.next;
        }
        None
    }

    fn tell(&self, entry: &Entry) -> Met<'_> {
        let key = entry.key(&self.text);
        let kind = key.first().and_then(|kind| IndicatorKind::ALL.get(usize::from(*kind)));
        let value = std::str::from_utf8(key.get(1..).unwrap_or_default()).unwrap_or_default();
        let name = entry.at as usize + usize::from(entry.key_len);
        let name = self.text.get(name..name + usize::from(entry.name_len)).unwrap_or_default();
        Met {
            kind: kind.copied().unwrap_or(IndicatorKind::Address),
            value,
            name: std::str::from_utf8(name).unwrap_or_default(),
            source: self.sources.get(usize::from(entry.source)).map_or("", String::as_str),
            id: entry.id,
            confidence: entry.confidence,
            tlp: entry.tlp,
        }
    }
}

impl Entry {
    fn key<'a>(&self, text: &'a [u8]) -> &'a [u8] {
        let at = self.at as usize;
        text.get(at..at + usize::from(self.key_len)).unwrap_or_default()
    }

    fn rank(&self) -> (std::cmp::Reverse<u8>, u128) {
        (std::cmp::Reverse(self.confidence), self.id)
    }
}

/// The address and the length of an address indicator, as of IPv6.
fn network(indicator: &Indicator) -> Option<(IpAddr, u8)> {
    if indicator.kind != IndicatorKind::Address {
        return None;
    }
    let (address, length) = indicator.value.split_once('/').unwrap_or((&indicator.value, ""));
    let address: IpAddr = address.parse().ok()?;
    let most = if address.is_ipv4() { 32 } else { 128 };
    let length = length.parse::<u8>().unwrap_or(most).min(most);
    Some((address, 128 - most + length))
}

fn bits(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => u128::from(address.to_ipv6_mapped()),
        IpAddr::V6(address) => u128::from(address),
    }
}

fn mask(length: u8) -> u128 {
    u128::MAX.checked_shl(128 - u32::from(length.min(128))).unwrap_or(0)
}

#[cfg(test)]
mod tests;

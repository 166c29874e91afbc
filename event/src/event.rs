//! The normalised event: typed ECS fields and vendor extras over one text buffer.

use crate::{EventId, Field, Kind, Time};
use std::borrow::Cow;
use std::net::{IpAddr, Ipv4Addr};

/// A value, borrowed from its event.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value<'a> {
    /// Text.
    Text(&'a str),
    /// A whole number.
    Long(i64),
    /// A finite number.
    Float(f64),
    /// An address; an IPv4-mapped IPv6 address is kept as IPv4.
    Ip(IpAddr),
    /// A moment.
    Date(Time),
    /// True or false.
    Bool(bool),
}

impl<'a> Value<'a> {
    /// The text, if it is text.
    #[must_use]
    pub fn as_text(self) -> Option<&'a str> {
        if let Value::Text(text) = self { Some(text) } else { None }
    }

    /// The whole number, if it is one.
    #[must_use]
    pub fn as_long(self) -> Option<i64> {
        if let Value::Long(number) = self { Some(number) } else { None }
    }

    /// The address, if it is one.
    #[must_use]
    pub fn as_ip(self) -> Option<IpAddr> {
        if let Value::Ip(ip) = self { Some(ip) } else { None }
    }

    /// The value as a person would write it; text is borrowed.
    #[must_use]
    pub fn to_text(self) -> Cow<'a, str> {
        match self {
            Value::Text(text) => Cow::Borrowed(text),
            Value::Long(number) => Cow::Owned(number.to_string()),
            Value::Float(number) => Cow::Owned(number.to_string()),
            Value::Ip(ip) => Cow::Owned(ip.to_string()),
            Value::Date(time) => Cow::Owned(time.to_string()),
            Value::Bool(flag) => Cow::Borrowed(if flag { "true" } else { "false" }),
        }
    }
}

/// Text as the event holds it: known at compile time, or a stretch of the event's buffer.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Piece {
    Word(&'static str),
    Span { start: u32, len: u32 },
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Stored {
    Text(Piece),
    Long(i64),
    Float(f64),
    Ip(IpAddr),
    Date(Time),
    Bool(bool),
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct StoredExtra {
    pub(crate) namespace: Piece,
    pub(crate) key: Piece,
    pub(crate) value: Stored,
}

/// A field outside the dictionary: `fortinet.firewall` + `vd`. The key may hold any character.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Extra<'a> {
    /// The vendor's dotted namespace.
    pub namespace: &'a str,
    /// The vendor's own name for the field.
    pub key: &'a str,
    /// The value.
    pub value: Value<'a>,
}

/// An event in Elastic Common Schema.
///
/// One buffer holds the original line and, behind it, the texts that are not part of the line (decoded escapes,
/// looked-up names); fields point into it. Build one with [`crate::Draft`]; read it back from JSON with
/// [`Event::from_json`].
#[derive(Clone, Debug, Default)]
pub struct Event {
    pub(crate) id: EventId,
    pub(crate) text: String,
    pub(crate) original_len: u32,
    pub(crate) fields: Vec<(Field, Stored)>,
    pub(crate) extras: Vec<StoredExtra>,
    /// A bit for each field that has a value: most fields are set once and asked in vain.
    pub(crate) present: [u64; Field::COUNT.div_ceil(64)],
}

impl Event {
    pub(crate) fn new(id: EventId, original: &str) -> Event {
        let mut text = String::with_capacity(original.len() + original.len() / 4 + 64);
        text.push_str(original);
        let original_len = u32::try_from(original.len()).unwrap_or(u32::MAX);
        let fields = Vec::with_capacity(48);
        Event { id, text, original_len, fields, ..Event::default() }
    }

    /// Whether the field has a value.
    #[must_use]
    pub fn has(&self, field: Field) -> bool {
        self.present[field.index() / 64] >> (field.index() % 64) & 1 == 1
    }

    /// The id given at intake (`event.id` on the wire).
    #[must_use]
    pub fn id(&self) -> EventId {
        self.id
    }

    /// The line as it was sent (`event.original`).
    #[must_use]
    pub fn original(&self) -> &str {
        self.text.get(..self.original_len as usize).unwrap_or("")
    }

    /// When it happened (`@timestamp`); the time of intake if the line does not say.
    #[must_use]
    pub fn time(&self) -> Time {
        match self.get(Field::TIMESTAMP) {
            Some(Value::Date(time)) => time,
            _ => self.id.received(),
        }
    }

    /// The field's first value.
    #[must_use]
    pub fn get(&self, field: Field) -> Option<Value<'_>> {
        if !self.has(field) {
            return None;
        }
        self.fields.iter().find(|(f, _)| *f == field).map(|(_, stored)| self.value(*stored))
    }

    /// The field's text, if it has one.
    #[must_use]
    pub fn text(&self, field: Field) -> Option<&str> {
        self.get(field).and_then(Value::as_text)
    }

    /// The field's address, if it has one.
    #[must_use]
    pub fn ip(&self, field: Field) -> Option<IpAddr> {
        self.get(field).and_then(Value::as_ip)
    }

    /// The field's whole number, if it has one.
    #[must_use]
    pub fn long(&self, field: Field) -> Option<i64> {
        self.get(field).and_then(Value::as_long)
    }

    /// Every value of the field, in the order of setting.
    pub fn values(&self, field: Field) -> impl Iterator<Item = Value<'_>> {
        self.fields.iter().filter(move |(f, _)| *f == field).map(|(_, stored)| self.value(*stored))
    }

    /// Every field with a value, in the order of setting; a list field stands once for each of its values.
    pub fn fields(&self) -> impl Iterator<Item = (Field, Value<'_>)> {
        self.fields.iter().map(|(field, stored)| (*field, self.value(*stored)))
    }

    /// The `nth` of [`Event::fields`].
    #[must_use]
    pub fn field_at(&self, nth: usize) -> Option<(Field, Value<'_>)> {
        self.fields.get(nth).map(|(field, stored)| (*field, self.value(*stored)))
    }

    /// The `nth` of [`Event::extras`].
    #[must_use]
    pub fn extra_at(&self, nth: usize) -> Option<Extra<'_>> {
        self.extras.get(nth).map(|extra| Extra {
            namespace: self.piece(extra.namespace),
            key: self.piece(extra.key),
            value: self.value(extra.value),
        })
    }

    /// The vendor extras, in the order of setting.
    pub fn extras(&self) -> impl Iterator<Item = Extra<'_>> {
        self.extras.iter().map(|extra| Extra {
            namespace: self.piece(extra.namespace),
            key: self.piece(extra.key),
            value: self.value(extra.value),
        })
    }

    /// The values found under a dotted name, whether it is in the dictionary or a vendor extra.
    pub fn lookup<'a>(&'a self, name: &'a str) -> impl Iterator<Item = Value<'a>> {
        let field = Field::by_name(name);
        let typed = self.fields.iter().filter(move |(f, _)| Some(*f) == field).map(|(_, stored)| *stored);
        let extra = self.extras.iter().filter(move |extra| {
            field.is_none()
                && name.strip_prefix(self.piece(extra.namespace)).and_then(|rest| rest.strip_prefix('.'))
                    == Some(self.piece(extra.key))
        });
        typed.chain(extra.map(|extra| extra.value)).map(|stored| self.value(stored))
    }

    /// Sets a field that enrichment found. Text that does not fit the field's kind is refused with `false`.
    pub fn set(&mut self, field: Field, value: Value<'_>) -> bool {
        let Some(stored) = fit(field.kind(), value) else { return false };
        let stored = match stored {
            Fitted::Text(text) => Stored::Text(self.append(text)),
            Fitted::Other(stored) => stored,
        };
        self.store(field, stored);
        true
    }

    /// An event of which only id and line are known yet, for a reader that sets the fields one by one.
    #[must_use]
    pub fn stored(id: EventId, original: &str) -> Event {
        let original_len = u32::try_from(original.len()).unwrap_or(u32::MAX);
        Event { id, text: original.to_owned(), original_len, ..Event::default() }
    }

    /// Sets a vendor extra, read from a document or a row.
    pub fn set_extra(&mut self, namespace: &str, key: &str, value: Value<'_>) {
        let namespace = self.append(namespace);
        let key = self.append(key);
        let value = match value {
            Value::Text(text) => Stored::Text(self.append(text)),
            Value::Long(number) => Stored::Long(number),
            Value::Float(number) => Stored::Float(number),
            Value::Ip(ip) => Stored::Ip(ip),
            Value::Date(time) => Stored::Date(time),
            Value::Bool(flag) => Stored::Bool(flag),
        };
        self.extras.push(StoredExtra { namespace, key, value });
    }

    /// Sets the field, or adds to its list. Inlined, so that the value is made where it stays: moving an enum that was
    /// just written costs a stall each time.
    #[inline(always)]
    pub(crate) fn store(&mut self, field: Field, stored: Stored) {
        if self.has(field) {
            self.store_again(field, stored);
        } else {
            self.present[field.index() / 64] |= 1 << (field.index() % 64);
            self.fields.push((field, stored));
        }
    }

    #[inline(never)]
    fn store_again(&mut self, field: Field, stored: Stored) {
        if field.is_list() {
            let value = self.value(stored);
            if !self.values(field).any(|old| old == value) {
                self.fields.push((field, stored));
            }
        } else if let Some(entry) = self.fields.iter_mut().find(|(f, _)| *f == field) {
            entry.1 = stored;
        }
    }

    /// Puts the line of an event that has none yet where readers expect it: in front of all other texts.
    pub(crate) fn put_original(&mut self, original: &str) {
        let Ok(original_len) = u32::try_from(original.len()) else { return };
        if u32::try_from(self.text.len() + original.len()).is_err() {
            return;
        }
        self.text.insert_str(0, original);
        self.original_len = original_len;
        let shift = |piece: &mut Piece| {
            if let Piece::Span { start, .. } = piece {
                *start += original_len;
            }
        };
        let values = self.fields.iter_mut().map(|(_, value)| value);
        for value in values.chain(self.extras.iter_mut().map(|extra| &mut extra.value)) {
            if let Stored::Text(piece) = value {
                shift(piece);
            }
        }
        for extra in &mut self.extras {
            shift(&mut extra.namespace);
            shift(&mut extra.key);
        }
    }

    /// Takes the text into the buffer. A line is at most 1 MiB and a document little more, so u32 holds any place.
    pub(crate) fn append(&mut self, text: &str) -> Piece {
        let start = u32::try_from(self.text.len()).unwrap_or(u32::MAX);
        let len = u32::try_from(text.len()).unwrap_or(u32::MAX);
        if start.checked_add(len).is_none() {
            return Piece::Word("");
        }
        self.text.push_str(text);
        Piece::Span { start, len }
    }

    pub(crate) fn piece(&self, piece: Piece) -> &str {
        match piece {
            Piece::Word(word) => word,
            Piece::Span { start, len } => {
                let start = start as usize;
                self.text.get(start..start + len as usize).unwrap_or("")
            }
        }
    }

    /// The piece as bytes, for whom a look at where its characters begin and end would be one too many.
    #[inline]
    pub(crate) fn bytes(&self, piece: Piece) -> &[u8] {
        match piece {
            Piece::Word(word) => word.as_bytes(),
            Piece::Span { start, len } => {
                let rest = self.text.as_bytes().get(start as usize..).unwrap_or_default();
                rest.get(..len as usize).unwrap_or_default()
            }
        }
    }

    pub(crate) fn value(&self, stored: Stored) -> Value<'_> {
        match stored {
            Stored::Text(piece) => Value::Text(self.piece(piece)),
            Stored::Long(number) => Value::Long(number),
            Stored::Float(number) => Value::Float(number),
            Stored::Ip(ip) => Value::Ip(ip),
            Stored::Date(time) => Value::Date(time),
            Stored::Bool(flag) => Value::Bool(flag),
        }
    }
}

/// Two events are equal if they say the same, however they hold it.
impl PartialEq for Event {
    fn eq(&self, other: &Self) -> bool {
        fn sorted(event: &Event) -> Vec<String> {
            let mut all: Vec<String> = event.fields().map(|entry| format!("{entry:?}")).collect();
            all.extend(event.extras().map(|extra| format!("{extra:?}")));
            all.sort();
            all
        }
        self.id == other.id && self.original() == other.original() && sorted(self) == sorted(other)
    }
}

pub(crate) enum Fitted<'a> {
    Text(&'a str),
    Other(Stored),
}

/// The value as the kind wants it: `"443"` is a Long for a Long field. `None` if it cannot be.
pub(crate) fn fit(kind: Kind, value: Value<'_>) -> Option<Fitted<'_>> {
    let other = match (kind, value) {
        (Kind::Text, Value::Text(text)) => return Some(Fitted::Text(text)),
        (Kind::Long, Value::Long(number)) => Stored::Long(number),
        (Kind::Long, Value::Text(text)) => Stored::Long(text.parse().ok()?),
        (Kind::Float, Value::Float(number)) if number.is_finite() => Stored::Float(number),
        #[allow(clippy::cast_precision_loss, reason = "ECS floats are scores and sizes far below 2^53")]
        (Kind::Float, Value::Long(number)) => Stored::Float(number as f64),
        (Kind::Float, Value::Text(text)) => {
            Stored::Float(text.parse().ok().filter(|number: &f64| number.is_finite())?)
        }
        (Kind::Ip, Value::Ip(ip)) => Stored::Ip(ip.to_canonical()),
        (Kind::Ip, Value::Text(text)) => Stored::Ip(parse_ip(text)?),
        (Kind::Date, Value::Date(time)) => Stored::Date(time),
        (Kind::Date, Value::Text(text)) => Stored::Date(Time::parse(text)?),
        (Kind::Bool, Value::Bool(flag)) => Stored::Bool(flag),
        (Kind::Bool, Value::Text("true")) => Stored::Bool(true),
        (Kind::Bool, Value::Text("false")) => Stored::Bool(false),
        _ => return None,
    };
    Some(Fitted::Other(other))
}

/// Reads an address, with the brackets and the zone that devices add.
fn parse_ip(text: &str) -> Option<IpAddr> {
    if let Some(ip) = parse_ipv4(text.as_bytes()) {
        return Some(ip.into());
    }
    if let Ok(ip) = text.parse::<IpAddr>() {
        return Some(ip.to_canonical());
    }
    let text = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    let text = text.split_once('%').map_or(text, |(address, _zone)| address);
    text.parse::<IpAddr>().ok().map(|ip| ip.to_canonical())
}

/// Reads an IPv4 address as the standard library does, at a quarter of the cost: an event has three of them.
fn parse_ipv4(bytes: &[u8]) -> Option<Ipv4Addr> {
    let (mut octets, mut nth, mut digits) = ([0u8; 4], 0, 0);
    for byte in bytes {
        let octet = octets.get_mut(nth)?;
        match byte {
            b'.' if digits > 0 => (nth, digits) = (nth + 1, 0),
            // A zero in front would be octal to some.
            b'0'..=b'9' if digits == 0 || *octet > 0 => {
                *octet = octet.checked_mul(10)?.checked_add(byte - b'0')?;
                digits += 1;
            }
            _ => return None,
        }
    }
    (nth == 3 && digits > 0).then(|| octets.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn addresses_are_those_that_the_standard_library_reads(text in "([0-9]{0,3}[.]?){3,5}|([0-2]?[0-9]{1,2}[.]){3}[0-9]{1,3}") {
            prop_assert_eq!(parse_ipv4(text.as_bytes()), text.parse::<Ipv4Addr>().ok());
        }
    }
}

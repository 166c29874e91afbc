//! An event as a row of the table `events`, and the event again of the row: exactly the same one.
//!
//! `extra` holds, in order, every value without a column: under its dotted name, as text. `shape` tells what each was:
//! flags (`n`: the event has no `@timestamp`; `i`: its `event.ingested` is the time of reception), then `:`, then one
//! mark for each entry: `e` for a field of the dictionary, or the first letter of an extra's type and the length of its
//! namespace. Devices repeat themselves, so shapes are few and cost next to nothing.

use super::block::{Block, Rest};
use super::columns::{COLUMNS, Shape};
use event::{Event, EventId, Field, Kind, Time, Value};
use std::fmt::Write as _;
use std::net::{IpAddr, Ipv6Addr};

/// A day in milliseconds.
pub(super) const DAY_MS: i64 = 86_400_000;

/// How far a device's clock is believed: a store a year long may be replayed, and zones may be confused.
const PAST_MAX_MS: i64 = 400 * DAY_MS;
const FUTURE_MAX_MS: i64 = DAY_MS;

/// Totals that are not written: bits of `sums`.
const SUM_OF_BYTES: u8 = 1;
const SUM_OF_PACKETS: u8 = 2;

/// What the ten minutes of the sort key hold: 1970 to 2106. A time beyond is kept in `extra`, and its nearest end in the column:
/// the engine would wrap it around, and a search would pass it by.
pub(super) const TIME_MIN_MS: i64 = 0;
pub(super) const TIME_MAX_MS: i64 = 4_294_967_199_999;

/// The partition of an event, in days since 1970: its own day if it can be true, else that of reception.
pub(super) fn day(event: &Event) -> u16 {
    let received = event.id().received().0;
    let time = event.time().0;
    let believed =
        (received.saturating_sub(PAST_MAX_MS)..=received.saturating_add(FUTURE_MAX_MS)).contains(&time);
    let days = if believed { time } else { received }.div_euclid(DAY_MS);
    u16::try_from(days.max(0)).unwrap_or(u16::MAX)
}

/// Buffers that one row after another uses.
#[derive(Default)]
pub(super) struct Scratch {
    addresses: Vec<Ipv6Addr>,
    shape: String,
    text: String,
}

/// Appends the event.
pub(super) fn write(event: &Event, day: u16, keep_days: u16, scratch: &mut Scratch, block: &mut Block) {
    scratch.addresses.clear();
    scratch.shape.clear();
    let id = event.id();
    let time = event.time();
    let ingested = event.get(Field::EVENT_INGESTED) == Some(Value::Date(id.received()));
    if event.get(Field::TIMESTAMP).is_none() {
        scratch.shape.push('n');
    }
    if ingested {
        scratch.shape.push('i');
    }
    scratch.shape.push(':');
    let mut told = Told::default();
    for (field, value) in event.fields() {
        let kept = match field {
            Field::TIMESTAMP => (TIME_MIN_MS..=TIME_MAX_MS).contains(&time.0),
            Field::EVENT_INGESTED => ingested,
            Field::MESSAGE | Field::NETWORK_BYTES | Field::NETWORK_PACKETS => {
                told.derive(event, field, value) || block.put(field, value)
            }
            _ => block.put(field, value),
        };
        if !kept {
            if let Value::Ip(ip) = value {
                scratch.address(ip);
            }
            scratch.shape.push('e');
            scratch.entry("", field.name(), value, block);
        }
    }
    for extra in event.extras() {
        if let Value::Ip(ip) = extra.value {
            scratch.address(ip);
        }
        let letter = match extra.value {
            Value::Text(_) => 't',
            Value::Long(_) => 'l',
            Value::Float(_) => 'f',
            Value::Ip(_) => 'a',
            Value::Date(_) => 'd',
            Value::Bool(_) => 'b',
        };
        let _ = write!(scratch.shape, "{letter}{}", extra.namespace.len()); // writing to a String cannot fail
        scratch.entry(extra.namespace, extra.key, extra.value, block);
    }
    block.end_row(&Rest {
        time: time.0.clamp(TIME_MIN_MS, TIME_MAX_MS),
        id: id.0,
        day,
        keep_days,
        addresses: &scratch.addresses,
        message_at: told.message_at,
        sums: told.sums,
        shape: &scratch.shape,
        original: event.original(),
    });
}

/// What a row tells without writing it.
#[derive(Default)]
struct Told {
    /// Where in the line the message begins, from 1; 0 if it does not end the line.
    message_at: u32,
    sums: u8,
}

impl Told {
    /// Tells the value by what else the row has; false if that is not possible.
    fn derive(&mut self, event: &Event, field: Field, value: Value<'_>) -> bool {
        let sum = |one, other| match (value, event.long(one), event.long(other)) {
            (Value::Long(total), Some(one), Some(other)) => one.checked_add(other) == Some(total),
            _ => false,
        };
        let sum = match field {
            Field::MESSAGE => {
                self.message_at = ends_at(event.original(), value);
                return self.message_at > 0;
            }
            Field::NETWORK_BYTES if sum(Field::SOURCE_BYTES, Field::DESTINATION_BYTES) => SUM_OF_BYTES,
            Field::NETWORK_PACKETS if sum(Field::SOURCE_PACKETS, Field::DESTINATION_PACKETS) => {
                SUM_OF_PACKETS
            }
            _ => 0,
        };
        self.sums |= sum;
        sum > 0
    }
}

/// Where in the line the text begins that ends it, from 1; 0 if it does not.
fn ends_at(line: &str, value: Value<'_>) -> u32 {
    let Value::Text(text) = value else { return 0 };
    match line.strip_suffix(text) {
        Some(before) if !text.is_empty() => u32::try_from(before.len() + 1).unwrap_or(0),
        _ => 0,
    }
}

impl Scratch {
    fn address(&mut self, ip: IpAddr) {
        let ip = mapped(ip);
        if !self.addresses.contains(&ip) {
            self.addresses.push(ip);
        }
    }

    fn entry(&mut self, namespace: &str, key: &str, value: Value<'_>, block: &mut Block) {
        self.text.clear();
        // Writing to a String cannot fail.
        let _ = match value {
            Value::Text(text) => return block.entry(namespace, key, text),
            Value::Long(number) => write!(self.text, "{number}"),
            Value::Float(number) => write!(self.text, "{number:?}"),
            Value::Ip(ip) => write!(self.text, "{ip}"),
            Value::Date(time) => write!(self.text, "{}", time.0),
            Value::Bool(flag) => write!(self.text, "{flag}"),
        };
        block.entry(namespace, key, &self.text);
    }
}

/// The address as the table keeps it.
pub(super) fn mapped(ip: IpAddr) -> Ipv6Addr {
    match ip {
        IpAddr::V4(ip) => ip.to_ipv6_mapped(),
        IpAddr::V6(ip) => ip,
    }
}

/// The row does not read as this build of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a row of `events` is malformed at byte {0}")]
pub struct RowError(pub usize);

/// The columns that [`read`] wants, in its order.
pub(super) fn selected() -> String {
    let mut names = String::from("timestamp, id_high, id_low, shape, original");
    for (field, _) in COLUMNS {
        names.push_str(", ");
        names.push_str(&super::columns::name(*field));
    }
    names.push_str(", extra");
    names
}

/// Reads rows of `RowBinary`.
pub(super) struct Rows<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Rows<'a> {
    /// Reads `bytes` from the first on.
    pub(super) fn new(bytes: &'a [u8]) -> Rows<'a> {
        Rows { bytes, at: 0 }
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], RowError> {
        let end = self.at.checked_add(length).ok_or(RowError(self.at))?;
        let taken = self.bytes.get(self.at..end).ok_or(RowError(self.at))?;
        self.at = end;
        Ok(taken)
    }

    fn number<const N: usize>(&mut self) -> Result<[u8; N], RowError> {
        let at = self.at;
        self.take(N)?.try_into().map_err(|_| RowError(at))
    }

    fn length(&mut self) -> Result<usize, RowError> {
        let mut value = 0;
        for shift in (0..=28).step_by(7) {
            let [byte] = self.number()?;
            value |= usize::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(RowError(self.at))
    }

    fn text(&mut self) -> Result<&'a str, RowError> {
        let length = self.length()?;
        let at = self.at;
        std::str::from_utf8(self.take(length)?).map_err(|_| RowError(at))
    }

    fn event(&mut self) -> Result<Event, RowError> {
        let time = Time(i64::from_le_bytes(self.number()?));
        let high = u64::from_le_bytes(self.number()?);
        let low = u64::from_le_bytes(self.number()?);
        let id = EventId(u128::from(high) << 64 | u128::from(low));
        let shape = self.text()?;
        let mut event = Event::stored(id, self.text()?);
        let (flags, marks) = shape.split_once(':').ok_or(RowError(self.at))?;
        if !flags.contains('n') {
            event.set(Field::TIMESTAMP, Value::Date(time));
        }
        if flags.contains('i') {
            event.set(Field::EVENT_INGESTED, Value::Date(id.received()));
        }
        for (field, shape) in COLUMNS {
            self.column(*field, *shape, &mut event)?;
        }
        let entries = self.length()?;
        let mut marks = marks;
        for _ in 0..entries {
            let (name, text) = (self.text()?, self.text()?);
            let letter = marks.chars().next().ok_or(RowError(self.at))?;
            marks = marks.get(letter.len_utf8()..).unwrap_or("");
            let digits = marks.find(|c: char| !c.is_ascii_digit()).unwrap_or(marks.len());
            let (length, rest) = marks.split_at(digits);
            marks = rest;
            entry(&mut event, letter, length, name, text).ok_or(RowError(self.at))?;
        }
        Ok(event)
    }

    fn column(&mut self, field: Field, shape: Shape, event: &mut Event) -> Result<(), RowError> {
        match shape {
            Shape::Word | Shape::Text => {
                let text = self.text()?;
                if !text.is_empty() {
                    event.set(field, Value::Text(text));
                }
            }
            Shape::Number | Shape::Port => {
                if self.number::<1>()? == [0] {
                    let number = if shape == Shape::Port {
                        i64::from(u16::from_le_bytes(self.number()?))
                    } else {
                        i64::from_le_bytes(self.number()?)
                    };
                    event.set(field, Value::Long(number));
                }
            }
            Shape::Address => {
                let ip = Ipv6Addr::from(self.number::<16>()?);
                if !ip.is_unspecified() {
                    event.set(field, Value::Ip(IpAddr::V6(ip)));
                }
            }
            Shape::Words => {
                for _ in 0..self.length()? {
                    let text = self.text()?;
                    event.set(field, Value::Text(text));
                }
            }
        }
        Ok(())
    }
}

impl Iterator for Rows<'_> {
    type Item = Result<Event, RowError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.at >= self.bytes.len() {
            return None;
        }
        let event = self.event();
        if event.is_err() {
            self.at = self.bytes.len();
        }
        Some(event)
    }
}

/// Sets one entry of `extra`.
fn entry(event: &mut Event, letter: char, length: &str, name: &str, text: &str) -> Option<()> {
    if letter == 'e' {
        let field = Field::by_name(name)?;
        let value = if field.kind() == Kind::Date {
            Value::Date(Time(text.parse().ok()?))
        } else {
            Value::Text(text)
        };
        return event.set(field, value).then_some(());
    }
    let length: usize = length.parse().ok()?;
    let key = if length == 0 { 0 } else { length + 1 };
    let (namespace, key) = (name.get(..length)?, name.get(key..)?);
    let value = match letter {
        't' => Value::Text(text),
        'l' => Value::Long(text.parse().ok()?),
        'f' => Value::Float(text.parse().ok()?),
        'a' => Value::Ip(text.parse().ok()?),
        'd' => Value::Date(Time(text.parse().ok()?)),
        'b' => Value::Bool(text == "true"),
        _ => return None,
    };
    event.set_extra(namespace, key, value);
    Some(())
}

//! Rows of the table `events` in ClickHouse's `Native` format: column after column, which the engine takes without
//! parsing. A column is filled only where a row has a value; the gaps are made up for in one go.

use super::columns::{self, COLUMNS, Shape};
use event::{Field, Value};
use std::net::Ipv6Addr;

/// A column under construction. `rows` counts what it has; it may lag behind the block.
struct Column {
    shape: Shape,
    rows: usize,
    /// 1 where a number is none.
    nulls: Vec<u8>,
    /// Where each row's list ends.
    ends: Vec<u8>,
    /// Elements of all lists so far.
    elements: u64,
    data: Vec<u8>,
}

impl Column {
    fn new(shape: Shape) -> Column {
        Column { shape, rows: 0, nulls: Vec::new(), ends: Vec::new(), elements: 0, data: Vec::new() }
    }

    /// Fills up to `rows` with none.
    fn pad(&mut self, rows: usize) {
        let missing = rows.saturating_sub(self.rows);
        if missing == 0 {
            return;
        }
        let width = match self.shape {
            Shape::Word | Shape::Text => 1, // the length 0
            Shape::Number => 8,
            Shape::Port => 2,
            Shape::Address => 16,
            Shape::Words => 0,
        };
        self.data.resize(self.data.len() + missing * width, 0);
        match self.shape {
            Shape::Number | Shape::Port => self.nulls.resize(self.nulls.len() + missing, 1),
            Shape::Words => {
                for _ in 0..missing {
                    self.ends.extend_from_slice(&self.elements.to_le_bytes());
                }
            }
            _ => {}
        }
        self.rows = rows;
    }

    /// Puts the value of row `row`; false if the column cannot hold it.
    fn put(&mut self, row: usize, value: Value<'_>) -> bool {
        let again = self.rows > row;
        match (self.shape, value) {
            (Shape::Words, Value::Text(text)) => {
                self.pad(row);
                self.elements += 1;
                push_text(&mut self.data, text);
                if again {
                    self.ends.truncate(self.ends.len().saturating_sub(8));
                }
                self.ends.extend_from_slice(&self.elements.to_le_bytes());
            }
            _ if again => return false,
            (Shape::Word | Shape::Text, Value::Text(text)) if !text.is_empty() => {
                self.pad(row);
                push_text(&mut self.data, text);
            }
            (Shape::Number, Value::Long(number)) => {
                self.pad(row);
                self.nulls.push(0);
                self.data.extend_from_slice(&number.to_le_bytes());
            }
            (Shape::Port, Value::Long(number)) => {
                let Ok(port) = u16::try_from(number) else { return false };
                self.pad(row);
                self.nulls.push(0);
                self.data.extend_from_slice(&port.to_le_bytes());
            }
            (Shape::Address, Value::Ip(ip)) => {
                let ip = super::row::mapped(ip);
                if ip.is_unspecified() {
                    return false;
                }
                self.pad(row);
                self.data.extend_from_slice(&ip.octets());
            }
            _ => return false,
        }
        self.rows = row + 1;
        true
    }
}

fn push_text(data: &mut Vec<u8>, text: &str) {
    push_length(data, text.len());
    data.extend_from_slice(text.as_bytes());
}

#[allow(clippy::cast_possible_truncation, reason = "seven bits of the number at a time")]
fn push_length(data: &mut Vec<u8>, mut length: usize) {
    while length >= 0x80 {
        data.push(length as u8 | 0x80);
        length >>= 7;
    }
    data.push(length as u8);
}

/// What ends a row.
#[derive(Clone, Copy)]
pub(super) struct Rest<'a> {
    pub(super) time: i64,
    pub(super) id: u128,
    pub(super) day: u16,
    pub(super) keep_days: u16,
    /// Addresses without a column of their own.
    pub(super) addresses: &'a [Ipv6Addr],
    /// Where in the line the message begins, from 1; 0 if it does not end the line.
    pub(super) message_at: u32,
    /// Which totals are sums: 1 of bytes, 2 of packets.
    pub(super) sums: u8,
    pub(super) shape: &'a str,
    pub(super) original: &'a str,
}

/// Rows of one partition.
pub(super) struct Block {
    rows: usize,
    columns: Vec<Column>,
    /// The place in `columns` of a field, by the field's place in the dictionary.
    places: Vec<u8>,
    time: Vec<u8>,
    id_high: Vec<u8>,
    id_low: Vec<u8>,
    day: Vec<u8>,
    keep_days: Vec<u8>,
    address_ends: Vec<u8>,
    addresses: Vec<u8>,
    message_at: Vec<u8>,
    sums: Vec<u8>,
    shape: Vec<u8>,
    extra_ends: Vec<u8>,
    extra_count: u64,
    extra_keys: Vec<u8>,
    extra_values: Vec<u8>,
    original: Vec<u8>,
}

/// No column.
const NOWHERE: u8 = u8::MAX;

impl Block {
    /// An empty block.
    pub(super) fn new() -> Block {
        let mut places = vec![NOWHERE; Field::COUNT];
        for (at, (field, _)) in (0..NOWHERE).zip(COLUMNS) {
            places[field.index()] = at;
        }
        Block {
            rows: 0,
            columns: COLUMNS.iter().map(|(_, shape)| Column::new(*shape)).collect(),
            places,
            time: Vec::new(),
            id_high: Vec::new(),
            id_low: Vec::new(),
            day: Vec::new(),
            keep_days: Vec::new(),
            address_ends: Vec::new(),
            addresses: Vec::new(),
            message_at: Vec::new(),
            sums: Vec::new(),
            shape: Vec::new(),
            extra_ends: Vec::new(),
            extra_count: 0,
            extra_keys: Vec::new(),
            extra_values: Vec::new(),
            original: Vec::new(),
        }
    }

    /// How many rows it has.
    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    /// About how many bytes it has; the small columns do not count.
    pub(super) fn bytes(&self) -> usize {
        self.original.len() + self.extra_keys.len() + self.extra_values.len() + self.rows * 400
    }

    /// Puts a field of the row under construction; false if no column can hold it.
    pub(super) fn put(&mut self, field: Field, value: Value<'_>) -> bool {
        let place = self.places.get(field.index()).copied().unwrap_or(NOWHERE);
        self.columns.get_mut(usize::from(place)).is_some_and(|column| column.put(self.rows, value))
    }

    /// Puts an entry of `extra`.
    pub(super) fn entry(&mut self, namespace: &str, key: &str, text: &str) {
        if namespace.is_empty() {
            push_text(&mut self.extra_keys, key);
        } else {
            push_length(&mut self.extra_keys, namespace.len() + 1 + key.len());
            self.extra_keys.extend_from_slice(namespace.as_bytes());
            self.extra_keys.push(b'.');
            self.extra_keys.extend_from_slice(key.as_bytes());
        }
        push_text(&mut self.extra_values, text);
        self.extra_count += 1;
    }

    /// Ends the row.
    pub(super) fn end_row(&mut self, row: &Rest<'_>) {
        let Rest { time, id, day, keep_days, addresses, message_at, sums, shape, original } = *row;
        let (high, low) = halves(id);
        self.time.extend_from_slice(&time.to_le_bytes());
        self.id_high.extend_from_slice(&high.to_le_bytes());
        self.id_low.extend_from_slice(&low.to_le_bytes());
        self.day.extend_from_slice(&day.to_le_bytes());
        self.keep_days.extend_from_slice(&keep_days.to_le_bytes());
        for address in addresses {
            self.addresses.extend_from_slice(&address.octets());
        }
        let count = self.addresses.len() / 16;
        self.address_ends.extend_from_slice(&u64::try_from(count).unwrap_or(u64::MAX).to_le_bytes());
        self.message_at.extend_from_slice(&message_at.to_le_bytes());
        self.sums.push(sums);
        push_text(&mut self.shape, shape);
        self.extra_ends.extend_from_slice(&self.extra_count.to_le_bytes());
        push_text(&mut self.original, original);
        self.rows += 1;
    }

    /// The block's bytes, piece by piece, in the order of [`names`].
    pub(super) fn finish(mut self) -> Vec<Vec<u8>> {
        let rows = self.rows;
        let mut pieces = Vec::with_capacity(COLUMNS.len() * 2 + 24);
        let mut head = Vec::new();
        push_length(&mut head, COLUMNS.len() + FIXED.len());
        push_length(&mut head, rows);
        pieces.push(head);
        let mut column = |name: &str, kind: &str, data: Vec<Vec<u8>>| {
            let mut head = Vec::with_capacity(name.len() + kind.len() + 4);
            push_text(&mut head, name);
            push_text(&mut head, kind);
            pieces.push(head);
            pieces.extend(data);
        };
        let fixed = [
            vec![self.time],
            vec![self.id_high],
            vec![self.id_low],
            vec![self.day],
            vec![self.keep_days],
            vec![self.address_ends, self.addresses],
            vec![self.message_at],
            vec![self.sums],
            vec![self.shape],
            vec![self.extra_ends, self.extra_keys, self.extra_values],
            vec![self.original],
        ];
        for ((name, kind), data) in FIXED.iter().zip(fixed) {
            column(name, kind, data);
        }
        for ((field, shape), mut filled) in COLUMNS.iter().zip(std::mem::take(&mut self.columns)) {
            filled.pad(rows);
            column(&columns::written(*field), shape.sent(), vec![filled.nulls, filled.ends, filled.data]);
        }
        pieces.retain(|piece| !piece.is_empty());
        pieces
    }
}

/// The halves of an id.
#[allow(clippy::cast_possible_truncation, reason = "the lower half is meant")]
pub(super) fn halves(id: u128) -> (u64, u64) {
    ((id >> 64) as u64, id as u64)
}

/// The columns that every row fills, with the types in which they are sent.
const FIXED: &[(&str, &str)] = &[
    ("timestamp", "DateTime64(3, 'UTC')"),
    ("id_high", "UInt64"),
    ("id_low", "UInt64"),
    ("day", "Date"),
    ("keep_days", "UInt16"),
    ("other_addresses", "Array(IPv6)"),
    ("message_at", "UInt32"),
    ("sums", "UInt8"),
    ("shape", "String"),
    ("extra", "Map(String, String)"),
    ("original", "String"),
];

/// The names of the columns for the insert's statement.
pub(super) fn names() -> String {
    let mut names: Vec<String> = FIXED.iter().map(|(name, _)| (*name).to_owned()).collect();
    names.extend(COLUMNS.iter().map(|(field, _)| columns::written(*field)));
    names.join(", ")
}

//! Where a record's values are: for every field that some rule asks about, the places of its values.

use crate::line::{self, Kind, Line, LineReader};
use crate::record::{FieldRef, Flat, Record, Target};
use crate::sigma::lower;
use crate::sigma::pattern::push_folded;
use event::{Event, Field, Value};
use std::collections::HashMap;

/// A field, by its number among all that rules ask about.
pub(super) type Column = u32;

/// No column, no place.
const NONE: u32 = u32::MAX;

/// A value as its record holds it.
#[derive(Clone, Copy, Debug)]
pub(super) enum Held<'a> {
    Value(Value<'a>),
    /// As it stands in a JSON line.
    Json(Kind, &'a str),
}

/// What is equal for equal values of one kind.
#[derive(Clone, Copy)]
pub(super) enum Key<'a> {
    Text(&'a str),
    Number(u128),
}

impl Key<'_> {
    /// How many bytes of text it is.
    pub(super) fn len(&self) -> usize {
        match self {
            Key::Text(text) => text.len(),
            Key::Number(_) => 0,
        }
    }
}

impl<'a> Held<'a> {
    /// The kind, and the key among its kind.
    pub(super) fn key(&self) -> (u8, Key<'a>) {
        match self {
            Held::Value(Value::Text(text)) => (0, Key::Text(text)),
            Held::Value(Value::Long(number)) => (1, Key::Number(u128::from(number.cast_unsigned()))),
            Held::Value(Value::Float(number)) => (2, Key::Number(u128::from(number.to_bits()))),
            Held::Value(Value::Ip(std::net::IpAddr::V4(ip))) => (3, Key::Number(u128::from(ip.to_bits()))),
            Held::Value(Value::Ip(std::net::IpAddr::V6(ip))) => (4, Key::Number(ip.to_bits())),
            Held::Value(Value::Date(time)) => (5, Key::Number(u128::from(time.0.cast_unsigned()))),
            Held::Value(Value::Bool(flag)) => (6, Key::Number(u128::from(*flag))),
            Held::Json(Kind::Text, raw) => (7, Key::Text(raw)),
            Held::Json(Kind::Whole | Kind::Decimal, raw) => (8, Key::Text(raw)),
            Held::Json(kind, _) => (6, Key::Number(u128::from(*kind == Kind::True))),
        }
    }

    /// The value itself. `room` is for text that must be written first.
    pub(super) fn value<'b>(&self, room: &'b mut String) -> Value<'b>
    where
        'a: 'b,
    {
        match self {
            Held::Value(value) => *value,
            Held::Json(kind, raw) => line::value(*kind, raw, room),
        }
    }

    /// Adds the value as text with its case folded.
    pub(super) fn fold_into(&self, folded: &mut Vec<u8>) {
        match self {
            Held::Value(value) => fold_into(*value, folded),
            Held::Json(Kind::Text, raw) => line::push_folded(raw, folded),
            // No room is taken but by text.
            Held::Json(kind, raw) => fold_into(line::value(*kind, raw, &mut String::new()), folded),
        }
    }
}

fn fold_into(value: Value<'_>, folded: &mut Vec<u8>) {
    use std::io::Write as _;
    let from = folded.len();
    // Writing to a Vec cannot fail.
    let _ = match value {
        Value::Text(text) => return lower::push_folded(text, folded),
        Value::Long(number) => write!(folded, "{number}"),
        Value::Float(number) => write!(folded, "{number}"),
        Value::Ip(ip) => write!(folded, "{ip}"),
        Value::Date(time) => write!(folded, "{time}"),
        Value::Bool(flag) => write!(folded, "{flag}"),
    };
    if let Some(new) = folded.get_mut(from..) {
        new.make_ascii_lowercase();
    }
}

/// The text values, each on a line of its own.
fn write_folded<'v>(values: impl Iterator<Item = Value<'v>>, folded: &mut String) {
    for value in values {
        if let Value::Text(text) = value {
            push_folded(text, folded);
            folded.push('\n');
        }
    }
}

/// A record whose values have places.
pub(super) trait View {
    /// The value at a place.
    fn held(&self, place: u32) -> Option<Held<'_>>;
    /// The places are those below this.
    fn places(&self) -> u32;
    /// The record, for the reference evaluator.
    fn record(&self) -> Record<'_>;
    /// Writes what holds every text value of the record, its case folded; text that JSON escapes may stand otherwise, and
    /// there may be more. `false`: that cannot be had.
    fn write_texts(&self, folded: &mut String) -> bool;
    /// The record as it was written, if every text of it stands there as it is, of ASCII alone.
    fn ascii(&self) -> Option<&str> {
        None
    }
    /// Whether a field without a value is there.
    fn has(&self, field: &FieldRef) -> bool {
        self.record().has(field)
    }
    /// Whether a field without a value is not there, or null.
    fn is_null(&self, field: &FieldRef) -> bool {
        self.record().is_null(field)
    }
}

impl View for Event {
    fn held(&self, place: u32) -> Option<Held<'_>> {
        let place = place as usize;
        let value = match place.checked_sub(1) {
            None => Some(Value::Text(self.original())),
            Some(nth) => match self.field_at(nth) {
                Some((_, value)) => Some(value),
                None => self.extra_at(nth - self.fields().count()).map(|extra| extra.value),
            },
        };
        value.map(Held::Value)
    }
    fn places(&self) -> u32 {
        count(1 + self.fields().count() + self.extras().count())
    }
    fn record(&self) -> Record<'_> {
        Record::Event(self)
    }
    fn write_texts(&self, folded: &mut String) -> bool {
        let fields = self.fields().map(|(_, value)| value);
        let values = fields.chain(self.extras().map(|extra| extra.value));
        write_folded(values.chain([Value::Text(self.original())]), folded);
        true
    }
}

impl View for Flat {
    fn held(&self, place: u32) -> Option<Held<'_>> {
        self.entry(place as usize).map(|(_, value)| Held::Value(value))
    }
    fn places(&self) -> u32 {
        count(self.len())
    }
    fn record(&self) -> Record<'_> {
        Record::Flat(self)
    }
    fn write_texts(&self, folded: &mut String) -> bool {
        write_folded((0..self.len()).filter_map(|at| Some(self.entry(at)?.1)), folded);
        true
    }
}

impl View for Line<'_> {
    fn held(&self, place: u32) -> Option<Held<'_>> {
        let spot = self.reader.spots.get(place as usize).filter(|spot| spot.is_value())?;
        Some(Held::Json(spot.kind, spot.raw(self.text)))
    }
    fn places(&self) -> u32 {
        count(self.reader.spots.len())
    }
    fn record(&self) -> Record<'_> {
        Record::Line(*self)
    }
    fn write_texts(&self, folded: &mut String) -> bool {
        push_folded(self.text, folded);
        !self.reader.has_codes()
    }
    fn ascii(&self) -> Option<&str> {
        (!self.reader.has_codes() && self.text.is_ascii()).then_some(self.text)
    }
}

fn count(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(NONE)
}

/// The columns of the rules, and where the record at hand has them.
#[derive(Debug, Default)]
pub(super) struct Columns {
    by_target: HashMap<Target, Column>,
    by_name: HashMap<String, Column>,
    /// For each field of the dictionary its column.
    by_field: Vec<Column>,
    /// Vendor extras by length and last byte of their name.
    by_ending: Vec<Vec<(String, Column)>>,
    /// For each column the record that it was last filled for, and its last cell there.
    last: Vec<(u32, u32)>,
    /// A value's place and the cell before it of the same column.
    cells: Vec<(u32, u32)>,
    epoch: u32,
    /// For each name of the line reader its column, as long as names and columns are those counted here.
    by_line_name: Vec<Column>,
    line_names: (u32, usize),
}

const ENDINGS: usize = 256;

fn ending(len: usize, last: u8) -> usize {
    (len * 31 + usize::from(last)) % ENDINGS
}

impl Columns {
    /// The column of a field of our events.
    pub(super) fn of_target(&mut self, target: &Target) -> Column {
        if let Some(known) = self.by_target.get(target) {
            return *known;
        }
        let column = self.new_column();
        self.by_target.insert(target.clone(), column);
        match target {
            Target::Typed(field) => {
                self.by_field.resize(Field::COUNT, NONE);
                self.by_field[field.index()] = column;
            }
            Target::Extra(name) => {
                self.by_ending.resize(ENDINGS, Vec::new());
                let bucket = ending(name.len(), name.bytes().last().unwrap_or(0));
                self.by_ending[bucket].push((name.clone(), column));
            }
        }
        column
    }

    /// The column of a field of flat objects.
    pub(super) fn of_name(&mut self, name: &str) -> Column {
        if let Some(known) = self.by_name.get(name) {
            return *known;
        }
        let column = self.new_column();
        self.by_name.insert(name.to_owned(), column);
        column
    }

    /// The columns of a field, if all are known.
    pub(super) fn known(&self, field: &FieldRef, is_event: bool) -> Option<Vec<Column>> {
        match is_event {
            true => field.targets.iter().map(|target| self.by_target.get(target).copied()).collect(),
            false => Some(vec![*self.by_name.get(&field.name)?]),
        }
    }

    fn new_column(&mut self) -> Column {
        self.last.push((0, NONE));
        count(self.last.len() - 1)
    }

    fn begin(&mut self, epoch: u32) {
        self.epoch = epoch;
        self.cells.clear();
    }

    fn mark(&mut self, column: Column, place: u32) {
        let Some(last) = self.last.get_mut(column as usize) else { return };
        let before = if last.0 == self.epoch { last.1 } else { NONE };
        *last = (self.epoch, count(self.cells.len()));
        self.cells.push((place, before));
    }

    /// Takes in an event.
    pub(super) fn fill_event(&mut self, event: &Event, epoch: u32) {
        self.begin(epoch);
        if let Some(column) = self.by_field.get(Field::EVENT_ORIGINAL.index()) {
            self.mark(*column, 0);
        }
        let mut place = 1;
        for (field, _) in event.fields() {
            if let Some(column) = self.by_field.get(field.index()) {
                self.mark(*column, place);
            }
            place += 1;
        }
        if self.by_ending.is_empty() {
            return;
        }
        for extra in event.extras() {
            let len = extra.namespace.len() + 1 + extra.key.len();
            let last = extra.key.bytes().last().unwrap_or(b'.');
            for at in 0..self.by_ending[ending(len, last)].len() {
                let (name, column) = &self.by_ending[ending(len, last)][at];
                let rest = name.strip_prefix(extra.namespace).and_then(|rest| rest.strip_prefix('.'));
                if rest == Some(extra.key) {
                    self.mark(*column, place);
                }
            }
            place += 1;
        }
    }

    /// Takes in a flat object.
    pub(super) fn fill_flat(&mut self, flat: &Flat, epoch: u32) {
        self.begin(epoch);
        for place in 0..flat.len() {
            let column = flat.entry(place).and_then(|(name, _)| self.by_name.get(name).copied());
            if let Some(column) = column {
                self.mark(column, count(place));
            }
        }
    }

    /// Takes in a line.
    pub(super) fn fill_line(&mut self, reader: &LineReader, epoch: u32) {
        self.begin(epoch);
        let (generation, names) = reader.known();
        if self.line_names != (generation, self.last.len()) {
            self.line_names = (generation, self.last.len());
            self.by_line_name.clear();
        }
        for name in count(self.by_line_name.len())..count(names) {
            let column = self.by_name.get(reader.name(name)).copied();
            self.by_line_name.push(column.unwrap_or(NONE));
        }
        for (place, spot) in (0u32..).zip(&reader.spots) {
            let column = self.by_line_name.get(spot.name as usize).copied().unwrap_or(NONE);
            if column != NONE && spot.is_value() {
                self.mark(column, place);
            }
        }
    }

    /// Whether the record has the column.
    pub(super) fn has(&self, column: Column) -> bool {
        self.last.get(column as usize).is_some_and(|(epoch, _)| *epoch == self.epoch)
    }

    /// The place of the column's value, if it has one alone.
    pub(super) fn only(&self, column: Column) -> Option<u32> {
        let (epoch, cell) = *self.last.get(column as usize)?;
        let (place, before) = *self.cells.get(cell as usize).filter(|_| epoch == self.epoch)?;
        (before == NONE).then_some(place)
    }

    /// The places of the column's values.
    pub(super) fn places(&self, column: Column) -> impl Iterator<Item = u32> {
        let first = self.last.get(column as usize).filter(|(epoch, _)| *epoch == self.epoch);
        let mut next = first.map_or(NONE, |(_, cell)| *cell);
        std::iter::from_fn(move || {
            let (place, before) = *self.cells.get(next as usize)?;
            next = before;
            Some(place)
        })
    }

    /// Forgets every mark: the count of records begins again.
    pub(super) fn forget(&mut self) {
        self.last.fill((0, NONE));
    }
}

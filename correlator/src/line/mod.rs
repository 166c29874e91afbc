//! A flat JSON object, read in place: what [`crate::Flat`] says of a line, without a copy and without a tree.
//!
//! Lines of one kind have the same keys in the same order, so each key is compared with the one that stood there before,
//! and only a new one is looked up. What this reader does not know how to read, rare or wrong, it leaves to serde, whose
//! answer is the rule: control characters between tokens, escapes in keys, exponents, numbers of more than 18 digits,
//! escapes of surrogates, nesting deeper than [`DEPTH_MAX`].

mod known;
mod marks;

use event::Value;
use event::json::Nothing;
use known::WELL_KNOWN;
pub(crate) use known::{known, known_name};
use marks::Marks;
use std::collections::HashMap;

/// How deep objects and lists may nest here.
const DEPTH_MAX: usize = 16;
/// How many digits surely fit 64 bits.
const DIGITS_MAX: usize = 18;
/// How many names are known; beyond, all are forgotten.
const NAMES_MAX: usize = 4096;
/// How many orders of keys are remembered, and how many keys of one.
const LAYOUTS: usize = 8;
const STEPS_MAX: usize = 1024;

/// A name, by its number in [`LineReader`].
pub(crate) type Name = u32;

const EMPTY: Name = 0;

/// What a value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Text,
    Whole,
    Decimal,
    True,
    False,
    Null,
    Container,
}

/// A value of the line at hand.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Spot {
    pub(crate) name: Name,
    pub(crate) kind: Kind,
    start: u32,
    end: u32,
}

/// What was read of a line, and what was learned from those before.
#[derive(Debug, Default)]
pub(crate) struct LineReader {
    pub(crate) spots: Vec<Spot>,
    marks: Marks,
    names: Vec<Box<str>>,
    by_name: HashMap<Box<str>, Name>,
    /// Changes when names are forgotten.
    generation: u32,
    layouts: [Vec<Step>; LAYOUTS],
    layout: usize,
    room: String,
}

/// A key where it stood before: below which object, its text with quotes and colon, its whole name.
#[derive(Clone, Debug)]
struct Step {
    path: Name,
    token: Box<[u8]>,
    name: Name,
}

/// A line and what was read of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Line<'a> {
    pub(crate) text: &'a str,
    pub(crate) reader: &'a LineReader,
}

impl Line<'_> {
    /// Whether some value passes the test, of those under `name` or of all.
    pub(crate) fn any(&self, name: Option<&str>, test: &mut dyn FnMut(Value<'_>) -> bool) -> bool {
        let mut room = String::new();
        self.reader.spots.iter().any(|spot| {
            spot.is_value()
                && name.is_none_or(|name| self.reader.name(spot.name) == name)
                && test(value(spot.kind, spot.raw(self.text), &mut room))
        })
    }

    /// Under each name that is always known the first value.
    pub(crate) fn firsts(&self) -> [Option<Spot>; WELL_KNOWN.len()] {
        let mut found = [None; WELL_KNOWN.len()];
        for spot in self.reader.spots.iter().filter(|spot| spot.is_value()) {
            if let Some(place @ None) = found.get_mut(spot.name as usize) {
                *place = Some(*spot);
            }
        }
        found
    }

    /// The value as text.
    pub(crate) fn text_of(&self, spot: &Spot) -> String {
        value(spot.kind, spot.raw(self.text), &mut String::new()).to_text().into_owned()
    }

    /// What stands under `name` instead of a value.
    pub(crate) fn bare(&self, name: &str) -> impl Iterator<Item = Nothing> {
        let here = self.reader.spots.iter().filter(move |spot| self.reader.name(spot.name) == name);
        here.filter_map(Spot::nothing)
    }
}

impl Spot {
    fn new(name: Name, kind: Kind, start: usize, end: usize) -> Spot {
        // The line is shorter than u32's range, see `LineReader::read`.
        let short = |place: usize| u32::try_from(place).unwrap_or(u32::MAX);
        Spot { name, kind, start: short(start), end: short(end) }
    }

    /// The value's text in its line: of a text, what stands between the quotes.
    pub(crate) fn raw<'t>(&self, line: &'t str) -> &'t str {
        line.get(self.start as usize..self.end as usize).unwrap_or_default()
    }

    /// Whether it is a value, not the want of one.
    pub(crate) fn is_value(&self) -> bool {
        self.nothing().is_none()
    }

    pub(crate) fn nothing(&self) -> Option<Nothing> {
        match self.kind {
            Kind::Null => Some(Nothing::Null),
            Kind::Container => Some(Nothing::Container),
            _ => None,
        }
    }
}

/// The value that `raw` stands for. `room` is for text whose escapes must be taken out first.
pub(crate) fn value<'b>(kind: Kind, raw: &'b str, room: &'b mut String) -> Value<'b> {
    match kind {
        Kind::Text if memchr::memchr(b'\\', raw.as_bytes()).is_none() => Value::Text(raw),
        Kind::Text => {
            marks::unescape(raw, room);
            Value::Text(room)
        }
        Kind::Whole => raw.parse().map_or(Value::Text(raw), Value::Long),
        Kind::Decimal => raw.parse().map_or(Value::Text(raw), Value::Float),
        Kind::True => Value::Bool(true),
        Kind::False | Kind::Null | Kind::Container => Value::Bool(false),
    }
}

/// Adds the text that `raw`, a [`Kind::Text`], stands for, its case folded.
pub(crate) fn push_folded(raw: &str, folded: &mut Vec<u8>) {
    marks::push_folded(raw, folded);
}

impl LineReader {
    /// Reads a line. `None`: serde must be asked.
    pub(crate) fn read(&mut self, line: &str) -> Option<()> {
        if self.names.len() >= NAMES_MAX || self.names.is_empty() {
            self.forget();
        }
        self.spots.clear();
        if line.len() > u32::MAX as usize || !self.marks.read(line.as_bytes()) {
            return None;
        }
        let mut scan = Scan { bytes: line.as_bytes(), at: 0, nth: 0, reader: self };
        scan.spaces();
        scan.object(EMPTY, 0)?;
        scan.spaces();
        (scan.at == scan.bytes.len()).then_some(())
    }

    /// Whether a character of the line is written by its code.
    pub(crate) fn has_codes(&self) -> bool {
        self.marks.has_codes
    }

    /// The number of known names, and the generation in which they are numbered so.
    pub(crate) fn known(&self) -> (u32, usize) {
        (self.generation, self.names.len())
    }

    pub(crate) fn name(&self, name: Name) -> &str {
        self.names.get(name as usize).map_or("", |name| name)
    }

    /// The raw text of product, category and service, where the line has them; the last of each counts.
    pub(crate) fn source(&self) -> [Option<Spot>; 3] {
        let mut found = [None; 3];
        for spot in self.spots.iter().filter(|spot| spot.name <= 3 && spot.is_value()) {
            if let Some(place) = (spot.name as usize).checked_sub(1) {
                found[place] = Some(*spot);
            }
        }
        found
    }

    fn forget(&mut self) {
        self.generation = self.generation.wrapping_add(1);
        self.names.clear();
        self.by_name.clear();
        self.layouts.iter_mut().for_each(Vec::clear);
        for name in WELL_KNOWN {
            self.add(name);
        }
    }

    fn add(&mut self, name: &str) -> Name {
        let number = u32::try_from(self.names.len()).unwrap_or(u32::MAX);
        self.names.push(name.into());
        self.by_name.insert(name.into(), number);
        number
    }

    /// The name of `key` below `path`, as [`crate::Flat`] joins them.
    fn join(&mut self, path: Name, key: &str) -> Name {
        let mut room = std::mem::take(&mut self.room);
        room.clear();
        if let Some(path) = self.names.get(path as usize).filter(|path| !path.is_empty()) {
            room.push_str(path);
            room.push('.');
        }
        room.push_str(key);
        let known = self.by_name.get(room.as_str()).copied();
        let name = known.unwrap_or_else(|| self.add(&room));
        self.room = room;
        name
    }

    /// The name at the `nth` key of the line, if the key is one that stood there before.
    fn expected(&mut self, nth: usize, path: Name, rest: &[u8]) -> Option<(Name, usize)> {
        let fits = |layout: &Vec<Step>| {
            let step = layout.get(nth)?;
            (step.path == path && rest.starts_with(&step.token)).then_some((step.name, step.token.len()))
        };
        if let Some(found) = fits(&self.layouts[self.layout]) {
            return Some(found);
        }
        let other = (0..LAYOUTS).find(|at| fits(&self.layouts[*at]).is_some())?;
        self.layout = other;
        fits(&self.layouts[other])
    }

    /// Remembers the `nth` key of the line: in the layout at hand if it ends there, else in a new one that begins alike.
    fn expect(&mut self, nth: usize, step: Step) {
        if nth >= STEPS_MAX {
            return;
        }
        if self.layouts[self.layout].len() != nth {
            let mut begun = self.layouts[self.layout].clone();
            begun.truncate(nth);
            self.layout = (self.layout + 1) % LAYOUTS;
            self.layouts[self.layout] = begun;
        }
        if self.layouts[self.layout].len() == nth {
            self.layouts[self.layout].push(step);
        }
    }
}

/// The way through one line.
struct Scan<'s> {
    bytes: &'s [u8],
    at: usize,
    /// How many keys were passed.
    nth: usize,
    reader: &'s mut LineReader,
}

impl Scan<'_> {
    fn spaces(&mut self) {
        while self.bytes.get(self.at) == Some(&b' ') {
            self.at += 1;
        }
    }

    fn take(&mut self, byte: u8) -> Option<()> {
        let found = self.bytes.get(self.at) == Some(&byte);
        self.at += usize::from(found);
        found.then_some(())
    }

    /// Reads the texts and whole numbers whose keys stood here before, as most do, up to the comma behind the last of them.
    /// `false`: none.
    fn known(&mut self, path: Name) -> bool {
        let LineReader { spots, marks, layouts, layout, .. } = &mut *self.reader;
        let Some(steps) = layouts[*layout].get(self.nth..) else { return false };
        let (from, mut at) = (spots.len(), self.at);
        for step in steps {
            let rest = self.bytes.get(at..).unwrap_or_default();
            let Some(rest) = rest.strip_prefix(&*step.token).filter(|_| step.path == path) else { break };
            let start = at + step.token.len();
            match rest {
                [b'"', ..] => {
                    let Some(end) = marks.quote_from(start + 1) else { break };
                    spots.push(Spot::new(step.name, Kind::Text, start + 1, end));
                    self.at = end + 1;
                }
                [first @ b'0'..=b'9', ..] => {
                    let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
                    let is_plain = digits <= DIGITS_MAX && (*first != b'0' || digits == 1);
                    if !is_plain || rest.get(digits) != Some(&b',') {
                        break; // the long way
                    }
                    spots.push(Spot::new(step.name, Kind::Whole, start, start + digits));
                    self.at = start + digits;
                }
                _ => break,
            }
            if self.bytes.get(self.at) != Some(&b',') {
                break;
            }
            at = self.at + 1;
        }
        let read = spots.len() - from;
        self.nth += read;
        read > 0
    }

    /// Reads an object; it has a value or a bare name for everything in it.
    fn object(&mut self, path: Name, depth: usize) -> Option<()> {
        self.take(b'{')?;
        if depth > 0 {
            self.put(path, Kind::Container, self.at, self.at);
        }
        self.spaces();
        if self.take(b'}').is_some() {
            return Some(());
        }
        loop {
            if !self.known(path) {
                let name = self.key(path)?;
                self.spaces();
                self.value(name, depth)?;
            }
            self.spaces();
            if self.take(b',').is_some() {
                self.spaces();
            } else {
                return self.take(b'}');
            }
        }
    }

    fn key(&mut self, path: Name) -> Option<Name> {
        let nth = self.nth;
        self.nth += 1;
        let rest = self.bytes.get(self.at..)?;
        if let Some((name, len)) = self.reader.expected(nth, path, rest) {
            self.at += len;
            return Some(name);
        }
        let from = self.at;
        self.take(b'"')?;
        let end = self.reader.marks.quote_from(self.at)?;
        let key = self.bytes.get(self.at..end)?;
        if memchr::memchr(b'\\', key).is_some() {
            return None;
        }
        let key = std::str::from_utf8(key).ok()?;
        self.at = end + 1;
        let name = self.reader.join(path, key);
        let token_end = self.at + 1;
        self.spaces();
        self.take(b':')?;
        if self.at == token_end {
            let token = self.bytes.get(from..self.at)?.into();
            self.reader.expect(nth, Step { path, token, name });
        }
        Some(name)
    }

    fn value(&mut self, name: Name, depth: usize) -> Option<()> {
        match *self.bytes.get(self.at)? {
            b'"' => {
                let start = self.at + 1;
                let end = self.reader.marks.quote_from(start)?;
                self.put(name, Kind::Text, start, end);
                self.at = end + 1;
                Some(())
            }
            b'-' | b'0'..=b'9' => self.number(name),
            b't' => self.word(name, b"true", Kind::True),
            b'f' => self.word(name, b"false", Kind::False),
            b'n' => self.word(name, b"null", Kind::Null),
            b'{' if depth < DEPTH_MAX => self.object(name, depth + 1),
            b'[' if depth < DEPTH_MAX => self.list(name, depth + 1),
            _ => None,
        }
    }

    fn list(&mut self, name: Name, depth: usize) -> Option<()> {
        self.take(b'[')?;
        self.spaces();
        if self.take(b']').is_some() {
            self.put(name, Kind::Container, self.at, self.at);
            return Some(());
        }
        loop {
            self.value(name, depth)?;
            self.spaces();
            if self.take(b',').is_some() {
                self.spaces();
            } else {
                return self.take(b']');
            }
        }
    }

    /// Reads a number that fits 64 bits, or one with a fraction.
    fn number(&mut self, name: Name) -> Option<()> {
        let start = self.at;
        _ = self.take(b'-');
        let whole = self.at;
        let digits = self.digits();
        let zero = self.bytes.get(whole) == Some(&b'0');
        if digits == 0 || digits > DIGITS_MAX || (zero && digits > 1) {
            return None;
        }
        let mut kind = Kind::Whole;
        if self.take(b'.').is_some() {
            kind = Kind::Decimal;
            if self.digits() == 0 {
                return None;
            }
        } else if zero && whole > start {
            return None; // -0 is a fraction to serde
        }
        if matches!(self.bytes.get(self.at), Some(b'e' | b'E')) {
            return None;
        }
        self.put(name, kind, start, self.at);
        Some(())
    }

    fn digits(&mut self) -> usize {
        let from = self.at;
        while self.bytes.get(self.at).is_some_and(u8::is_ascii_digit) {
            self.at += 1;
        }
        self.at - from
    }

    fn word(&mut self, name: Name, word: &[u8], kind: Kind) -> Option<()> {
        self.bytes.get(self.at..)?.starts_with(word).then_some(())?;
        self.put(name, kind, self.at, self.at);
        self.at += word.len();
        Some(())
    }

    fn put(&mut self, name: Name, kind: Kind, start: usize, end: usize) {
        self.reader.spots.push(Spot::new(name, kind, start, end));
    }
}

#[cfg(test)]
mod tests;

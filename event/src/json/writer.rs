//! An event as nested JSON: first the dictionary's fields in its order, then the vendors' namespaces.
//!
//! Written for speed, because every event passes here. The dictionary is in the order of nesting, so the bits of the
//! fields that are there give their order, and what stands before each value is known beforehand; extras keep their order within their namespace, and two of one name are rare enough to be searched for.

use super::text::{is_quoted, push, push_short, write_stored, write_stored_rest, write_text_rest};
use crate::event::{Piece, Stored, StoredExtra};
use crate::{Event, Field};
use std::borrow::Cow;
use std::sync::LazyLock;

/// What closes the objects of the deepest field.
const CLOSINGS: [u8; DEPTH_MAX] = [b'}'; DEPTH_MAX];

/// Our own root is the only one below which extras may stand (`haidang.unfit`, `haidang.extra`).
const OURS: &str = "haidang";

/// Up to so many extras of a namespace, two of one name are searched for; beyond, they are sorted, because searching is
/// squared work and a hostile line may have thousands.
const SEARCHED_MAX: usize = 128;

/// The last field of our own root.
const LAST_OF_OURS: Field = Field::HAIDANG_UNIT_NAME;

pub(super) fn write(event: &Event, out: &mut Vec<u8>) {
    let openings = OPENINGS.as_slice();
    let places = Places::of(event);
    let extras = Extras::of(event);
    let mut writer = Writer { out, path: "", open: None, first: true };
    writer.out.push(b'{');
    let mut ours_written = extras.all.is_empty();
    for field in places.fields() {
        let Some(opening) = openings.get(field.index()) else { continue };
        if !ours_written && field > LAST_OF_OURS {
            ours_written = true;
            extras.write(true, &mut writer);
        }
        match field {
            Field::EVENT_ID => {
                let mut id = [0; uuid::fmt::Hyphenated::LENGTH];
                let id = uuid::Uuid::from_u128(event.id.0).hyphenated().encode_lower(&mut id);
                writer.put_text(opening, id.as_bytes());
            }
            Field::EVENT_ORIGINAL => writer.put_text(opening, event.original().as_bytes()),
            _ => {
                let at = places.first(field, event);
                let Some((_, stored)) = event.fields.get(at) else { continue };
                writer.put(opening, event, stored);
                if opening.list {
                    writer.put_more(field, event, at + 1);
                }
            }
        }
    }
    if !ours_written {
        extras.write(true, &mut writer);
    }
    extras.write(false, &mut writer);
    writer.enter("");
    writer.out.push(b'}');
}

/// Which fields are there, and where each one's first value is: the bits are the dictionary's order, nothing is sorted.
struct Places {
    present: [u64; Field::COUNT.div_ceil(64)],
    first: [u16; Field::COUNT],
}

impl Places {
    fn of(event: &Event) -> Places {
        let mut places = Places { present: event.present, first: [0; Field::COUNT] };
        // Backwards, so that the first value of a list stays.
        for (at, (field, _)) in event.fields.iter().enumerate().rev() {
            places.first[field.index()] = u16::try_from(at).unwrap_or(u16::MAX);
        }
        for field in [Field::EVENT_ID, Field::EVENT_ORIGINAL] {
            places.present[field.index() / 64] |= 1 << (field.index() % 64);
        }
        places
    }

    /// Only a hostile line has so many values that the place must be searched for.
    fn first(&self, field: Field, event: &Event) -> usize {
        match self.first[field.index()] {
            u16::MAX => event.fields.iter().position(|(other, _)| *other == field).unwrap_or(usize::MAX),
            at => usize::from(at),
        }
    }

    fn fields(&self) -> impl Iterator<Item = Field> {
        let (mut word, mut bits) = (0, self.present[0]);
        std::iter::from_fn(move || {
            while bits == 0 {
                word += 1;
                bits = *self.present.get(word)?;
            }
            let bit = bits.trailing_zeros() as usize;
            bits &= bits - 1;
            Some(Field::at(word * 64 + bit))
        })
    }
}

/// How deep the dictionary nests at most.
const DEPTH_MAX: usize = 8;

/// How many bytes of a key are copied in one go.
const SHORT: usize = 32;

/// What stands before a field's value, made once.
struct Opening {
    /// The dotted path of the objects above the field.
    path: &'static str,
    /// Whether the field is a list.
    list: bool,
    /// `"source":{"geo":{"name":"`, with `[` for a list.
    whole: String,
    /// `,"name":"`, padded.
    short: [u8; SHORT],
    /// How long that is without its quote; 0 if it did not fit.
    short_len: usize,
    /// Where in `whole` to begin if so many of the field's objects are open already.
    from: [u16; DEPTH_MAX + 1],
    /// The objects above the field, each by a number that no other object has.
    objects: [u16; DEPTH_MAX],
    /// The last of them; 0 at the top.
    innermost: u16,
    depth: usize,
}

impl Opening {
    fn of(field: Field, known: &mut Vec<&'static str>) -> Opening {
        let (path, name) = field.nested();
        let (mut whole, mut from, mut objects) = (String::new(), [0; DEPTH_MAX + 1], [0; DEPTH_MAX]);
        let (mut end, mut depth) = (0, 0);
        for segment in segments(path) {
            end += segment.len() + usize::from(end > 0);
            let object = &path[..end];
            let number = known.iter().position(|known| *known == object).unwrap_or_else(|| {
                known.push(object);
                known.len() - 1
            });
            objects[depth] = u16::try_from(number + 1).unwrap_or(u16::MAX);
            depth += 1;
            whole.push_str(&format!("\"{segment}\":{{"));
            from[depth] = u16::try_from(whole.len()).unwrap_or(u16::MAX);
        }
        let key = format!("\"{name}\":{}\"", if field.is_list() { "[" } else { "" });
        let mut short = [0; SHORT];
        let mut short_len = 0;
        if let Some(room) = short.get_mut(1..=key.len()) {
            room.copy_from_slice(key.as_bytes());
            short_len = key.len();
        }
        short[0] = b',';
        whole.push_str(&key);
        let innermost = if depth > 0 { objects[depth - 1] } else { 0 };
        let list = field.is_list();
        Opening { path, list, whole, short, short_len, from, objects, innermost, depth }
    }

    /// How many objects are above both.
    fn shared(&self, other: &Opening) -> usize {
        let least = self.depth.min(other.depth);
        (0..least).find(|at| self.objects[*at] != other.objects[*at]).unwrap_or(least)
    }
}

static OPENINGS: LazyLock<Vec<Opening>> = LazyLock::new(|| {
    let mut known = Vec::new();
    Field::all().map(|field| Opening::of(field, &mut known)).collect()
});

/// The extras, those of one namespace together.
struct Extras<'a> {
    event: &'a Event,
    all: Cow<'a, [StoredExtra]>,
    /// Whether they are of more than one namespace.
    several: bool,
}

impl<'a> Extras<'a> {
    fn of(event: &'a Event) -> Extras<'a> {
        let mut extras = Extras { event, all: Cow::Borrowed(&event.extras), several: false };
        let several = extras.runs().nth(1).is_some();
        extras.several = several;
        if several {
            let segments = |extra: &StoredExtra| segments(event.piece(extra.namespace));
            extras.all.to_mut().sort_by(|a, b| segments(a).cmp(segments(b))); // stable
        }
        extras
    }

    /// Neighbours of one namespace.
    fn runs(&self) -> impl Iterator<Item = &[StoredExtra]> {
        self.all.chunk_by(|a, b| self.is_same(a.namespace, b.namespace))
    }

    fn is_same(&self, a: Piece, b: Piece) -> bool {
        let (a, b) = (self.event.bytes(a), self.event.bytes(b));
        // Mostly the same text at the same place, which is seen without reading it.
        std::ptr::eq(a, b) || a == b
    }

    /// Writes those of our own root, or the others.
    fn write(&self, ours: bool, writer: &mut Writer<'a, '_>) {
        for run in self.runs() {
            let Some(first) = run.first() else { continue };
            let namespace = self.event.piece(first.namespace);
            if is_ours(namespace) == ours {
                writer.enter(namespace);
                self.write_run(run, writer);
            }
        }
    }

    fn key(&self, extra: &StoredExtra) -> &'a [u8] {
        self.event.bytes(extra.key)
    }

    fn write_run(&self, run: &[StoredExtra], writer: &mut Writer<'a, '_>) {
        if run.len() > SEARCHED_MAX {
            let mut sorted = run.to_vec();
            sorted.sort_by(|a, b| self.key(a).cmp(self.key(b))); // stable: lists keep their order
            for group in sorted.chunk_by(|a, b| self.key(a) == self.key(b)) {
                self.write_group(group.iter(), writer);
            }
            return;
        }
        // A bit for each of 64 kinds of name: only a name whose kind stands there twice can stand there twice.
        let (mut once, mut twice) = (0u64, 0u64);
        for extra in run {
            let bit = 1 << kind(self.key(extra));
            twice |= once & bit;
            once |= bit;
        }
        for (at, extra) in run.iter().enumerate() {
            let key = self.key(extra);
            if twice & 1 << kind(key) == 0 {
                self.write_key(extra, writer);
                write_stored(self.event, &extra.value, writer.out);
            } else if !run[..at].iter().any(|before| self.key(before) == key) {
                self.write_group(run[at..].iter().filter(|next| self.key(next) == key), writer);
            }
        }
    }

    fn write_key(&self, extra: &StoredExtra, writer: &mut Writer<'a, '_>) {
        writer.separate();
        writer.out.push(b'"');
        if self.several && self.is_object(extra) {
            // A name that is a value here and an object below keeps its value under `name.value`.
            write_text_rest(&[self.key(extra), b".value"].concat(), writer.out);
        } else {
            write_text_rest(self.key(extra), writer.out);
        }
        writer.out.push(b':');
    }

    /// Writes all values of one name: one as it is, several as a list.
    fn write_group<'b>(&self, mut group: impl Iterator<Item = &'b StoredExtra>, writer: &mut Writer<'a, '_>) {
        let Some(first) = group.next() else { return };
        self.write_key(first, writer);
        let mut group = group.peekable();
        let list = group.peek().is_some();
        if list {
            writer.out.push(b'[');
        }
        write_stored(self.event, &first.value, writer.out);
        for next in group {
            writer.out.push(b',');
            write_stored(self.event, &next.value, writer.out);
        }
        if list {
            writer.out.push(b']');
        }
    }

    /// Whether another namespace is what this extra's own name would be as an object.
    fn is_object(&self, extra: &StoredExtra) -> bool {
        let (namespace, key) = (self.event.piece(extra.namespace), self.event.piece(extra.key));
        let below = |other: &StoredExtra| {
            let rest = self.event.piece(other.namespace).strip_prefix(namespace);
            let rest = rest.and_then(|rest| rest.strip_prefix('.')).and_then(|rest| rest.strip_prefix(key));
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        self.runs().filter_map(<[_]>::first).any(below)
    }
}

fn is_ours(namespace: &str) -> bool {
    namespace.strip_prefix(OURS).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

/// One of 64, from the name's length and ends.
fn kind(bytes: &[u8]) -> u32 {
    let end = |byte: Option<&u8>| byte.map_or(0, |byte| u32::from(*byte));
    (u32::try_from(bytes.len() % 64).unwrap_or(0) + 7 * end(bytes.first()) + 13 * end(bytes.last())) % 64
}

struct Writer<'a, 'o> {
    out: &'o mut Vec<u8>,
    /// The dictionary's field that opened the objects that are open, if one did.
    open: Option<&'static Opening>,
    /// Their dotted path, if none did.
    path: &'a str,
    first: bool,
}

impl<'a> Writer<'a, '_> {
    /// Writes the field's name, with the objects above it, and its value.
    #[inline]
    fn put(&mut self, opening: &'static Opening, event: &Event, stored: &Stored) {
        self.open(opening, is_quoted(stored));
        write_stored_rest(event, stored, self.out);
    }

    fn put_text(&mut self, opening: &'static Opening, text: &[u8]) {
        self.open(opening, true);
        write_text_rest(text, self.out);
    }

    /// Writes the field's name, with the objects above it and the quote that opens its value.
    #[inline]
    fn open(&mut self, opening: &'static Opening, quoted: bool) {
        match self.open {
            Some(open) if open.innermost == opening.innermost && opening.short_len > 0 => {
                push(&opening.short, opening.short_len + usize::from(quoted), self.out);
            }
            _ => self.nest(opening, quoted),
        }
        self.open = Some(opening);
    }

    /// Writes the field's name where other objects are open than those above it.
    #[inline(never)]
    fn nest(&mut self, opening: &Opening, quoted: bool) {
        let shared = if let Some(open) = self.open {
            let shared = open.shared(opening);
            push(&CLOSINGS, open.depth - shared, self.out);
            shared
        } else {
            let common = common(self.path, opening.path);
            self.enter(common);
            segments(common).count()
        };
        self.separate();
        let from = usize::from(opening.from[shared]);
        let whole = &opening.whole.as_bytes()[from..opening.whole.len() - usize::from(!quoted)];
        push_short(whole, self.out);
    }

    /// Writes a list's other values, which stand from `from` on, and closes it.
    #[inline(never)]
    fn put_more(&mut self, field: Field, event: &Event, from: usize) {
        let rest = event.fields.get(from..).unwrap_or_default();
        for (_, stored) in rest.iter().filter(|(other, _)| *other == field) {
            self.out.push(b',');
            write_stored(event, stored, self.out);
        }
        self.out.push(b']');
    }

    /// Closes and opens objects until exactly those of `path` are open.
    fn enter(&mut self, path: &'a str) {
        let open = self.open.take();
        self.path = open.map_or(self.path, |open| open.path);
        let shared = shared(self.path, path);
        if let Some(open) = open.filter(|_| shared == 0) {
            self.out.extend_from_slice(&CLOSINGS[..open.depth]);
            self.path = "";
        }
        for segment in segments(self.path.get(shared..).unwrap_or_default()) {
            self.out.extend_from_slice(if segment.is_empty() { b"" } else { b"}" });
            self.first &= segment.is_empty();
        }
        for segment in segments(path.get(shared..).unwrap_or_default()).filter(|segment| !segment.is_empty())
        {
            self.separate();
            self.out.push(b'"');
            write_text_rest(segment.as_bytes(), self.out);
            self.out.extend_from_slice(b":{");
            self.first = true;
        }
        self.path = path;
    }

    fn separate(&mut self) {
        if !self.first {
            self.out.push(b',');
        }
        self.first = false;
    }
}

/// The segments of a short path; `str::split` would decode it.
fn segments(mut path: &str) -> impl Iterator<Item = &str> {
    std::iter::from_fn(move || {
        if path.is_empty() {
            return None;
        }
        let end = path.bytes().position(|byte| byte == b'.');
        let segment = &path[..end.unwrap_or(path.len())];
        path = end.map_or("", |end| &path[end + 1..]);
        Some(segment)
    })
}

/// The objects that both paths are below.
fn common<'a>(a: &'a str, b: &str) -> &'a str {
    a.get(..shared(a, b)).unwrap_or("")
}

/// How many bytes of whole segments both paths begin with.
fn shared(a: &str, b: &str) -> usize {
    let mut end = 0;
    for (at, (x, y)) in a.bytes().zip(b.bytes()).enumerate() {
        if x != y {
            return end;
        }
        if x == b'.' {
            end = at;
        }
    }
    let shorter = a.len().min(b.len());
    let whole = |path: &str| path.len() == shorter || path.as_bytes().get(shorter) == Some(&b'.');
    if whole(a) && whole(b) { shorter } else { end }
}

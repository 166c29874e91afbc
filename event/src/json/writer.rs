//! An event as nested JSON: first the dictionary's fields in its order, then the vendors' namespaces.
//!
//! Written for speed, because every event passes here. The dictionary is in the order of nesting, so the bits of the
//! fields that are there give their order, and what stands before each value is known beforehand; extras keep their order within their namespace, and two of one name are rare enough to be searched for.

use super::text::{write_text, write_value};
use crate::{Event, Extra, Field, Value};
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
    let mut id = [0; uuid::fmt::Hyphenated::LENGTH];
    let id = Value::Text(uuid::Uuid::from_u128(event.id.0).hyphenated().encode_lower(&mut id));
    let of = |field: Field, places: &Places| match field {
        Field::EVENT_ID => id,
        Field::EVENT_ORIGINAL => Value::Text(event.original()),
        _ => event.fields.get(places.of(field)).map_or(id, |(_, stored)| event.value(*stored)),
    };
    let places = Places::of_event(event);
    let extras = Extras::of(event);
    let mut writer = Writer { out, path: "", open: None, first: true };
    writer.out.push(b'{');
    let mut ours_written = extras.all.is_empty();
    for field in places.fields() {
        if !ours_written && field > LAST_OF_OURS {
            ours_written = true;
            extras.write(true, &mut writer);
        }
        writer.open(field);
        let value = of(field, &places);
        if !field.is_list() {
            write_value(value, writer.out);
            continue;
        }
        writer.out.push(b'[');
        write_value(value, writer.out);
        let more = event.fields.get(places.of(field) + 1..).unwrap_or_default();
        for (_, stored) in more.iter().filter(|(other, _)| *other == field) {
            writer.out.push(b',');
            write_value(event.value(*stored), writer.out);
        }
        writer.out.push(b']');
    }
    if !ours_written {
        extras.write(true, &mut writer);
    }
    extras.write(false, &mut writer);
    writer.enter("");
    writer.out.push(b'}');
}

/// Where each field's first value is. The bits of the fields that are there are their order, so nothing is sorted.
struct Places {
    first: [u32; Field::COUNT],
    present: [u64; Field::COUNT.div_ceil(64)],
}

impl Places {
    fn of_event(event: &Event) -> Places {
        let mut first = [0; Field::COUNT];
        let mut present = [0u64; Field::COUNT.div_ceil(64)];
        let mut put = |field: Field, at: usize| {
            first[field.index()] = u32::try_from(at).unwrap_or(u32::MAX);
            present[field.index() / 64] |= 1 << (field.index() % 64);
        };
        // Backwards, so that the first value of a list stays.
        event.fields.iter().enumerate().rev().for_each(|(at, (field, _))| put(*field, at));
        put(Field::EVENT_ID, 0);
        put(Field::EVENT_ORIGINAL, 0);
        Places { first, present }
    }

    fn of(&self, field: Field) -> usize {
        self.first[field.index()] as usize
    }

    /// The fields that are there, in the dictionary's order.
    fn fields(&self) -> impl Iterator<Item = Field> {
        self.present.iter().enumerate().flat_map(|(word, bits)| {
            let mut bits = *bits;
            std::iter::from_fn(move || {
                let bit = (bits != 0).then(|| bits.trailing_zeros() as usize)?;
                bits &= bits - 1;
                Some(Field::at(word * 64 + bit))
            })
        })
    }
}

/// How deep the dictionary nests at most.
const DEPTH_MAX: usize = 8;

/// What stands before a field's value, made once: `"source":{"geo":{"name":`.
struct Opening {
    text: String,
    /// Where in `text` to begin if so many of the field's objects are open already.
    from: [u16; DEPTH_MAX + 1],
    /// The objects above the field, each by a number that no other object has.
    objects: [u16; DEPTH_MAX],
    depth: usize,
}

static OPENINGS: LazyLock<Vec<Opening>> = LazyLock::new(|| {
    let mut known: Vec<&str> = Vec::new();
    let opening = |field: Field| {
        let (path, name) = field.nested();
        let mut opening =
            Opening { text: String::new(), from: [0; DEPTH_MAX + 1], objects: [0; DEPTH_MAX], depth: 0 };
        let mut end = 0;
        for segment in segments(path) {
            end += segment.len() + usize::from(end > 0);
            let object = &path[..end];
            let number = known.iter().position(|known| *known == object).unwrap_or(known.len());
            if number == known.len() {
                known.push(object);
            }
            opening.objects[opening.depth] = u16::try_from(number).unwrap_or(u16::MAX);
            opening.depth += 1;
            opening.text.push_str(&format!("\"{segment}\":{{"));
            opening.from[opening.depth] = u16::try_from(opening.text.len()).unwrap_or(u16::MAX);
        }
        opening.text.push_str(&format!("\"{name}\":"));
        opening
    };
    Field::all().map(opening).collect()
});

/// The extras, those of one namespace together.
struct Extras<'a> {
    all: Vec<Extra<'a>>,
    /// Where each namespace's extras end.
    ends: Vec<usize>,
}

impl<'a> Extras<'a> {
    fn of(event: &'a Event) -> Extras<'a> {
        let mut all: Vec<Extra<'a>> = Vec::with_capacity(event.extras.len());
        all.extend(event.extras());
        let mut ends = ends(&all);
        if ends.len() > 1 {
            all.sort_by(|a, b| a.namespace.split('.').cmp(b.namespace.split('.'))); // stable
            ends = self::ends(&all);
        }
        Extras { all, ends }
    }

    /// Writes those of our own root, or the others.
    fn write(&self, ours: bool, writer: &mut Writer<'a, '_>) {
        let mut start = 0;
        for end in &self.ends {
            let run = self.all.get(start..*end).unwrap_or_default();
            start = *end;
            let Some(first) = run.first() else { continue };
            if (first.namespace.split('.').next() == Some(OURS)) == ours {
                writer.enter(first.namespace);
                self.write_run(run, writer);
            }
        }
    }

    fn write_run(&self, run: &[Extra<'a>], writer: &mut Writer<'a, '_>) {
        if run.len() > SEARCHED_MAX {
            let mut sorted = run.to_vec();
            sorted.sort_by(|a, b| a.key.cmp(b.key)); // stable: lists keep their order
            for group in sorted.chunk_by(|a, b| a.key == b.key) {
                self.write_group(group.iter(), writer);
            }
            return;
        }
        // A bit for each of 64 kinds of name: only a name whose kind stands there twice can stand there twice.
        let (mut once, mut twice) = (0u64, 0u64);
        for extra in run {
            let bit = 1 << kind(extra.key);
            twice |= once & bit;
            once |= bit;
        }
        for (at, extra) in run.iter().enumerate() {
            if twice & 1 << kind(extra.key) == 0 {
                self.write_group(std::iter::once(extra), writer);
            } else if !run[..at].iter().any(|before| before.key == extra.key) {
                self.write_group(run[at..].iter().filter(|next| next.key == extra.key), writer);
            }
        }
    }

    /// Writes all values of one name: one as it is, several as a list.
    fn write_group<'b>(&self, group: impl Iterator<Item = &'b Extra<'a>>, writer: &mut Writer<'a, '_>)
    where
        'a: 'b,
    {
        let mut group = group.peekable();
        let Some(first) = group.next() else { return };
        writer.separate();
        if self.is_object(first) {
            // A name that is a value here and an object below keeps its value under `name.value`.
            write_text(&format!("{}.value", first.key), writer.out);
        } else {
            write_text(first.key, writer.out);
        }
        let list = group.peek().is_some();
        writer.out.extend_from_slice(if list { b":[" } else { b":" });
        write_value(first.value, writer.out);
        for next in group {
            writer.out.push(b',');
            write_value(next.value, writer.out);
        }
        if list {
            writer.out.push(b']');
        }
    }

    /// Whether another namespace is what this extra's own name would be as an object.
    fn is_object(&self, extra: &Extra<'_>) -> bool {
        let below = |other: &Extra<'_>| {
            let rest = other.namespace.strip_prefix(extra.namespace).and_then(|rest| rest.strip_prefix('.'));
            rest.is_some_and(|rest| {
                rest.strip_prefix(extra.key).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
            })
        };
        self.ends.len() > 1 && self.ends.iter().filter_map(|end| self.all.get(end - 1)).any(below)
    }
}

/// Where each run of one namespace ends.
fn ends(all: &[Extra<'_>]) -> Vec<usize> {
    let mut ends = Vec::with_capacity(2);
    for (at, pair) in all.windows(2).enumerate() {
        // Mostly the same text at the same place, which is seen without reading it.
        let (a, b) = (pair[0].namespace, pair[1].namespace);
        if !std::ptr::eq(a, b) && a != b {
            ends.push(at + 1);
        }
    }
    ends.extend((!all.is_empty()).then_some(all.len()));
    ends
}

/// One of 64, from the name's length and ends.
fn kind(key: &str) -> u32 {
    let bytes = key.as_bytes();
    let end = |byte: Option<&u8>| byte.map_or(0, |byte| u32::from(*byte));
    (u32::try_from(bytes.len() % 64).unwrap_or(0) + 7 * end(bytes.first()) + 13 * end(bytes.last())) % 64
}

struct Writer<'a, 'o> {
    out: &'o mut Vec<u8>,
    /// The dotted path of the objects that are open.
    path: &'a str,
    /// The dictionary's field that opened them, if one did.
    open: Option<&'static Opening>,
    first: bool,
}

impl<'a> Writer<'a, '_> {
    /// Closes and opens objects until the field's value can follow.
    fn open(&mut self, field: Field) {
        let opening = &OPENINGS[field.index()];
        let shared = match self.open {
            Some(open) => {
                let both = open.objects.iter().zip(&opening.objects).take(open.depth.min(opening.depth));
                let shared = both.take_while(|(a, b)| a == b).count();
                self.out.extend_from_slice(&CLOSINGS[shared..open.depth]);
                self.separate();
                shared
            }
            None => {
                self.enter(common(self.path, field.nested().0));
                self.separate();
                segments(self.path).count()
            }
        };
        let from = usize::from(opening.from[shared]);
        self.out.extend_from_slice(&opening.text.as_bytes()[from..]);
        self.path = field.nested().0;
        self.open = Some(opening);
        self.first = false;
    }

    /// Closes and opens objects until exactly those of `path` are open.
    fn enter(&mut self, path: &'a str) {
        self.open = None;
        if self.path == path {
            return;
        }
        let shared = shared(self.path, path);
        for segment in segments(self.path.get(shared..).unwrap_or_default()) {
            self.out.extend_from_slice(if segment.is_empty() { b"" } else { b"}" });
            self.first &= segment.is_empty();
        }
        for segment in segments(path.get(shared..).unwrap_or_default()).filter(|segment| !segment.is_empty())
        {
            self.separate();
            write_text(segment, self.out);
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

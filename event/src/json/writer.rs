//! An event as nested JSON: first the dictionary's fields in its order, then the vendors' namespaces.
//!
//! Written for speed, because every event passes here. The dictionary is in the order of nesting, so fields are sorted by
//! number; extras keep their order within their namespace, and two of one name are rare enough to be searched for.

use super::text::{write_plain, write_text, write_value};
use crate::{Event, Extra, Field, Value};

/// The bits of an order's word that hold the place; a text of at most 4 GiB has no more values than that.
const PLACE: u64 = 0xffff_ffff;

/// Our own root is the only one below which extras may stand (`haidang.unfit`, `haidang.extra`).
const OURS: &str = "haidang";

pub(super) fn write(event: &Event, out: &mut Vec<u8>) {
    let mut id = [0; uuid::fmt::Hyphenated::LENGTH];
    let id = Value::Text(uuid::Uuid::from_u128(event.id.0).hyphenated().encode_lower(&mut id));
    let count = event.fields.len();
    let place = |at: usize| at as u64 & PLACE;
    let number = |field: Field| (field.index() as u64) << 32;
    // Field number and place in one word: sorting moves eight bytes, and a list keeps its order.
    let mut order: Vec<u64> = Vec::with_capacity(count + 2);
    order.extend(event.fields.iter().enumerate().map(|(at, (field, _))| number(*field) | place(at)));
    order.extend([number(Field::EVENT_ID) | place(count), number(Field::EVENT_ORIGINAL) | place(count + 1)]);
    order.sort_unstable();
    let of = |key: u64| match usize::try_from(key & PLACE).unwrap_or(usize::MAX) {
        at if at == count => (Field::EVENT_ID, id),
        at if at == count + 1 => (Field::EVENT_ORIGINAL, Value::Text(event.original())),
        at => event
            .fields
            .get(at)
            .map_or((Field::EVENT_ID, id), |(field, stored)| (*field, event.value(*stored))),
    };
    let extras = Extras::of(event);
    let mut writer = Writer { out, path: "", first: true };
    writer.out.push(b'{');
    let mut ours_written = extras.all.is_empty();
    let mut at = 0;
    while let Some(key) = order.get(at) {
        let (field, value) = of(*key);
        let (root, path, name) = field.nested();
        if !ours_written && root > OURS {
            ours_written = true;
            extras.write(true, &mut writer);
        }
        writer.enter(path);
        writer.separate();
        write_plain(name, writer.out);
        writer.out.push(b':');
        at += 1;
        if !field.is_list() {
            write_value(value, writer.out);
            continue;
        }
        writer.out.push(b'[');
        write_value(value, writer.out);
        while let Some(next) = order.get(at).filter(|next| *next >> 32 == key >> 32) {
            writer.out.push(b',');
            write_value(of(*next).1, writer.out);
            at += 1;
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

/// The extras, those of one namespace together.
struct Extras<'a> {
    all: Vec<Extra<'a>>,
    one_namespace: bool,
}

impl<'a> Extras<'a> {
    fn of(event: &'a Event) -> Extras<'a> {
        let mut all: Vec<Extra<'a>> = Vec::with_capacity(event.extras.len());
        all.extend(event.extras());
        let one_namespace = all.windows(2).all(|pair| pair[0].namespace == pair[1].namespace);
        if !one_namespace {
            all.sort_by(|a, b| a.namespace.split('.').cmp(b.namespace.split('.'))); // stable
        }
        Extras { all, one_namespace }
    }

    /// Writes those of our own root, or the others.
    fn write(&self, ours: bool, writer: &mut Writer<'a, '_>) {
        // A bit for each of 64 kinds of name: only a name whose bit is set can have stood before.
        let (mut seen, mut namespace) = (0u64, "");
        for (at, extra) in self.all.iter().enumerate() {
            if (extra.namespace.split('.').next() == Some(OURS)) != ours {
                continue;
            }
            if namespace != extra.namespace {
                (seen, namespace) = (0, extra.namespace);
            }
            let bit = 1 << kind(extra.key);
            if seen & bit != 0 && self.all[..at].iter().any(|before| same(before, extra)) {
                continue; // written with the first of its name
            }
            seen |= bit;
            writer.enter(extra.namespace);
            writer.separate();
            if self.is_object(extra) {
                // A name that is a value here and an object below keeps its value under `name.value`.
                write_text(&format!("{}.value", extra.key), writer.out);
            } else {
                write_text(extra.key, writer.out);
            }
            writer.out.push(b':');
            self.values(at, extra, writer.out);
        }
    }

    /// The value, or the list of all values of that name.
    fn values(&self, at: usize, extra: &Extra<'a>, out: &mut Vec<u8>) {
        let rest = self.all.get(at + 1..).unwrap_or_default();
        let more = || {
            rest.iter()
                .take_while(|next| next.namespace == extra.namespace)
                .filter(|next| next.key == extra.key)
        };
        if more().next().is_none() {
            return write_value(extra.value, out);
        }
        out.push(b'[');
        write_value(extra.value, out);
        for next in more() {
            out.push(b',');
            write_value(next.value, out);
        }
        out.push(b']');
    }

    /// Whether another namespace is what this extra's own name would be as an object.
    fn is_object(&self, extra: &Extra<'_>) -> bool {
        let below = |other: &Extra<'_>| {
            let rest = other.namespace.strip_prefix(extra.namespace).and_then(|rest| rest.strip_prefix('.'));
            rest.is_some_and(|rest| {
                rest.strip_prefix(extra.key).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
            })
        };
        !self.one_namespace && self.all.iter().any(below)
    }
}

fn same(a: &Extra<'_>, b: &Extra<'_>) -> bool {
    a.key == b.key && a.namespace == b.namespace
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
    first: bool,
}

impl<'a> Writer<'a, '_> {
    /// Closes and opens objects until exactly those of `path` are open.
    fn enter(&mut self, path: &'a str) {
        if self.path == path {
            return;
        }
        let shared = shared(self.path, path);
        let close = self.path.get(shared..).unwrap_or_default();
        for _ in close.split('.').filter(|segment| !segment.is_empty()) {
            self.out.push(b'}');
            self.first = false;
        }
        for segment in path.get(shared..).unwrap_or_default().split('.').filter(|segment| !segment.is_empty())
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

//! What rules are asked about: one of our events, or a plain JSON object with Sigma's own field names.

use crate::line::{self, Line, Name, known};
use crate::sigma::logsource::LogSource;
use event::json::Nothing;
use event::{Event, Field, Time, Value};

/// A field of our events: of the dictionary, or a vendor extra.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Target {
    Typed(Field),
    Extra(String),
}

impl Target {
    pub(crate) fn named(name: &str) -> Target {
        Field::by_name(name).map_or_else(|| Target::Extra(name.to_owned()), Target::Typed)
    }

    pub(crate) fn name(&self) -> &str {
        match self {
            Target::Typed(field) => field.name(),
            Target::Extra(name) => name,
        }
    }
}

/// A field as a rule uses it: Sigma's name, and what our events call it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct FieldRef {
    pub(crate) name: String,
    pub(crate) targets: Vec<Target>,
}

/// A flat JSON object whose keys are Sigma's own field names. `product`, `category` and `service` name its log source.
#[derive(Clone, Debug, Default)]
pub struct Flat {
    source: LogSource,
    entries: Vec<(String, Owned)>,
    /// Names that are there without a value.
    bare: Vec<(String, Nothing)>,
}

#[derive(Clone, Debug)]
enum Owned {
    Text(String),
    Long(i64),
    Float(f64),
    Bool(bool),
}

impl Owned {
    fn value(&self) -> Value<'_> {
        match self {
            Owned::Text(text) => Value::Text(text),
            Owned::Long(number) => Value::Long(*number),
            Owned::Float(number) => Value::Float(*number),
            Owned::Bool(flag) => Value::Bool(*flag),
        }
    }
}

impl Flat {
    /// Reads the object. A nested object's keys are joined with dots; a list gives several values; null gives none.
    ///
    /// # Errors
    /// The text is not one JSON object.
    pub fn from_json(text: &str) -> serde_json::Result<Flat> {
        let mut flat = Flat { source: LogSource::default(), entries: Vec::new(), bare: Vec::new() };
        let name =
            |path: &str, key: &str| if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
        let Flat { source, entries, bare } = &mut flat;
        event::json::walk_all(
            text,
            &mut |path, key, value| {
                match (path, key) {
                    ("", "product") => source.product = named(value),
                    ("", "category") => source.category = named(value),
                    ("", "service") => source.service = named(value),
                    _ => {}
                }
                let owned = match value {
                    Value::Long(number) => Owned::Long(number),
                    Value::Float(number) => Owned::Float(number),
                    Value::Bool(flag) => Owned::Bool(flag),
                    other => Owned::Text(other.to_text().into_owned()),
                };
                entries.push((name(path, key), owned));
            },
            &mut |path, key, nothing| bare.push((name(path, key), nothing)),
        )?;
        Ok(flat)
    }

    /// How many values it has.
    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    /// The `nth` value and its name.
    pub(crate) fn entry(&self, nth: usize) -> Option<(&str, Value<'_>)> {
        self.entries.get(nth).map(|(name, value)| (name.as_str(), value.value()))
    }

    pub(crate) fn source(&self) -> &LogSource {
        &self.source
    }

    fn values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = Value<'a>> {
        self.entries.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.value())
    }
}

/// A log source's name as rules write it.
pub(crate) fn named(value: Value<'_>) -> Option<String> {
    value.as_text().map(|text| text.trim().to_lowercase()).filter(|text| !text.is_empty())
}

/// What a rule is asked about.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Record<'a> {
    Event(&'a Event),
    Flat(&'a Flat),
    /// A flat object, read where it stands.
    Line(Line<'a>),
}

/// Which keys of a flat object tell its time.
const TIMES: [Name; 6] = [
    known("@timestamp"),
    known("timestamp"),
    known("Timestamp"),
    known("TimeCreated"),
    known("UtcTime"),
    known("time"),
];

impl Record<'_> {
    /// Whether some value of the field passes the test.
    pub(crate) fn any(&self, field: &FieldRef, mut test: impl FnMut(Value<'_>) -> bool) -> bool {
        match self {
            Record::Event(_) => self.any_of(&field.targets, test),
            Record::Flat(_) | Record::Line(_) => self.any_named(&field.name, &mut test),
        }
    }

    /// The same for a field of a flat object.
    fn any_named(&self, name: &str, test: &mut dyn FnMut(Value<'_>) -> bool) -> bool {
        match self {
            Record::Event(_) => false,
            Record::Flat(flat) => flat.values(name).any(test),
            Record::Line(line) => line.any(Some(name), test),
        }
    }

    /// Whether the field is there: with a value, null, empty, or as an object.
    pub(crate) fn has(&self, field: &FieldRef) -> bool {
        self.any(field, |_| true) || self.bare(field).is_some()
    }

    /// Whether the field is not there, or null itself.
    pub(crate) fn is_null(&self, field: &FieldRef) -> bool {
        !self.any(field, |_| true) && self.bare(field) != Some(Nothing::Container)
    }

    /// What stands where the field has no value; of several, what is more than null.
    fn bare(&self, field: &FieldRef) -> Option<Nothing> {
        let mut found = None;
        let mut see = |nothing: Nothing| {
            if found != Some(Nothing::Container) {
                found = Some(nothing);
            }
        };
        match self {
            Record::Event(_) => {}
            Record::Flat(flat) => {
                let here = flat.bare.iter().filter(|(name, _)| *name == field.name);
                here.for_each(|(_, nothing)| see(*nothing));
            }
            Record::Line(line) => line.bare(&field.name).for_each(see),
        }
        found
    }

    /// The same for fields of our events.
    pub(crate) fn any_of(&self, targets: &[Target], mut test: impl FnMut(Value<'_>) -> bool) -> bool {
        let Record::Event(event) = self else { return false };
        targets.iter().any(|target| match target {
            Target::Typed(Field::EVENT_ORIGINAL) => test(Value::Text(event.original())),
            Target::Typed(field) => event.values(*field).any(&mut test),
            Target::Extra(name) => event.lookup(name).any(&mut test),
        })
    }

    /// Whether some value of any field passes the test; for an event, its original line too.
    pub(crate) fn anywhere(&self, mut test: impl FnMut(Value<'_>) -> bool) -> bool {
        match self {
            Record::Event(event) => {
                test(Value::Text(event.original()))
                    || event.fields().any(|(_, value)| test(value))
                    || event.extras().any(|extra| test(extra.value))
            }
            Record::Flat(flat) => flat.entries.iter().any(|(_, value)| test(value.value())),
            Record::Line(line) => line.any(None, &mut test),
        }
    }

    /// The field's first value as text.
    pub(crate) fn first(&self, field: &FieldRef) -> Option<String> {
        let mut found = None;
        self.any(field, |value| {
            found = Some(value.to_text().into_owned());
            true
        });
        found
    }

    /// The first value of a flat object under the name, as text.
    pub(crate) fn first_named(&self, name: &str) -> Option<String> {
        let mut found = None;
        self.any_named(name, &mut |value| {
            found = Some(value.to_text().into_owned());
            true
        });
        found
    }

    /// A flat object's first values under names that are always known, as text.
    pub(crate) fn known(&self) -> impl Fn(Name) -> Option<String> {
        let firsts = match self {
            Record::Line(line) => Some((line, line.firsts())),
            _ => None,
        };
        move |name| match &firsts {
            Some((line, firsts)) => firsts.get(name as usize)?.map(|spot| line.text_of(&spot)),
            None => self.first_named(line::known_name(name)),
        }
    }
}

/// A flat object's time, where one of the usual keys holds an RFC 3339 time.
pub(crate) fn time_of(text: &impl Fn(Name) -> Option<String>) -> Option<Time> {
    TIMES.iter().find_map(|name| Time::parse(&text(*name)?))
}

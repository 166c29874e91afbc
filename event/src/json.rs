//! The one JSON form: nested ECS, vendor extras nested under their namespace. It changes only by adding fields.
//!
//! `event.id` and `event.original` are always present. A list field is a list even with one value; any other name with
//! several values is a list too. An extra's key may hold dots and stays one key: `{"fortinet":{"firewall":{"a.b":1}}}`.

mod text;
mod writer;

use crate::{Event, EventId, Field, Value};
use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;
use std::sync::LazyLock;

/// A JSON text's leaf: the dotted path of the objects above it, its own key, its value. Lists give one call for each
/// element; null gives none.
pub type Leaf<'f> = dyn FnMut(&str, &str, Value<'_>) + 'f;

/// Walks a JSON object leaf by leaf without building a tree. Nesting is limited to 128 by the reader.
///
/// # Errors
/// The text is not one JSON object.
pub fn walk(text: &str, leaf: &mut Leaf<'_>) -> serde_json::Result<()> {
    walk_all(text, leaf, &mut |_, _, _| {})
}

/// A name that has no value: its path, its key, what stands there.
pub type Bare<'f> = dyn FnMut(&str, &str, Nothing) + 'f;

/// What stands where no value does.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Nothing {
    /// null.
    Null,
    /// An empty list, or an object: its values stand below it, under longer names.
    Container,
}

/// The same, and what has no value is told too.
///
/// # Errors
/// The text is not one JSON object.
pub fn walk_all(text: &str, leaf: &mut Leaf<'_>, bare: &mut Bare<'_>) -> serde_json::Result<()> {
    let mut reader = serde_json::Deserializer::from_str(text);
    let mut path = String::new();
    Object { path: &mut path, leaf, bare }.deserialize(&mut reader)?;
    reader.end()
}

/// A key, read where it stands: serde makes a text of its own of a `Cow` that is not said to borrow.
#[derive(Deserialize)]
struct Key<'k>(#[serde(borrow)] Cow<'k, str>);

struct Object<'a, 'f> {
    path: &'a mut String,
    leaf: &'a mut Leaf<'f>,
    bare: &'a mut Bare<'f>,
}

impl<'de> DeserializeSeed<'de> for Object<'_, '_> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Object<'_, '_> {
    type Value = ();
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(Key(key)) = map.next_key::<Key<'de>>()? {
            map.next_value_seed(Node { path: self.path, key: &key, leaf: self.leaf, bare: self.bare })?;
        }
        Ok(())
    }
}

struct Node<'a, 'f> {
    path: &'a mut String,
    key: &'a str,
    leaf: &'a mut Leaf<'f>,
    bare: &'a mut Bare<'f>,
}

impl<'de> DeserializeSeed<'de> for Node<'_, '_> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Node<'_, '_> {
    type Value = ();
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON value")
    }
    fn visit_str<E>(self, text: &str) -> Result<(), E> {
        (self.leaf)(self.path, self.key, Value::Text(text));
        Ok(())
    }
    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<(), E> {
        (self.leaf)(self.path, self.key, Value::Text(text));
        Ok(())
    }
    fn visit_i64<E>(self, number: i64) -> Result<(), E> {
        (self.leaf)(self.path, self.key, Value::Long(number));
        Ok(())
    }
    fn visit_u64<E>(self, number: u64) -> Result<(), E> {
        // Above i64 the digits are kept as text.
        match i64::try_from(number) {
            Ok(number) => (self.leaf)(self.path, self.key, Value::Long(number)),
            Err(_) => (self.leaf)(self.path, self.key, Value::Text(&number.to_string())),
        }
        Ok(())
    }
    fn visit_f64<E>(self, number: f64) -> Result<(), E> {
        (self.leaf)(self.path, self.key, Value::Float(number));
        Ok(())
    }
    fn visit_bool<E>(self, flag: bool) -> Result<(), E> {
        (self.leaf)(self.path, self.key, Value::Bool(flag));
        Ok(())
    }
    fn visit_unit<E>(self) -> Result<(), E> {
        (self.bare)(self.path, self.key, Nothing::Null);
        Ok(())
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        let Node { path, key, leaf, bare } = self;
        let mut is_empty = true;
        while seq.next_element_seed(Node { path, key, leaf, bare })?.is_some() {
            is_empty = false;
        }
        if is_empty {
            bare(path, key, Nothing::Container);
        }
        Ok(())
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let Node { path, key, leaf, bare } = self;
        bare(path, key, Nothing::Container);
        let Some(Key(first)) = map.next_key::<Key<'de>>()? else { return Ok(()) };
        let before = path.len();
        if before > 0 {
            path.push('.');
        }
        path.push_str(key);
        map.next_value_seed(Node { path, key: &first, leaf, bare })?;
        Object { path, leaf, bare }.visit_map(map)?;
        path.truncate(before);
        Ok(())
    }
}

impl Event {
    /// Reads the JSON form, nested or with dotted keys. A name outside the dictionary becomes an extra; one below an ECS
    /// root, and a value that does not fit its field, becomes an extra of `haidang.extra` under its whole name.
    ///
    /// # Errors
    /// The text is not one JSON object.
    pub fn from_json(text: &str) -> serde_json::Result<Event> {
        let mut event = Event::new(EventId::default(), "");
        event.text.reserve(text.len());
        let mut original = None;
        let mut name = String::new();
        walk(text, &mut |path, key, value| {
            name.clear();
            name.push_str(path);
            if !path.is_empty() {
                name.push('.');
            }
            name.push_str(key);
            match (name.as_str(), value) {
                ("event.original", Value::Text(text)) => original = Some(text.to_owned()),
                ("event.id", Value::Text(text)) if text.parse::<EventId>().is_ok() => {
                    event.id = text.parse().unwrap_or_default();
                }
                _ => event.set_named(&name, path, key, value),
            }
        })?;
        event.put_original(&original.unwrap_or_default());
        Ok(event)
    }

    fn set_named(&mut self, name: &str, path: &str, key: &str, value: Value<'_>) {
        if let Some(field) = Field::by_name(name) {
            if self.set(field, value) {
                return;
            }
            if field.kind() == crate::Kind::Text {
                self.set(field, Value::Text(&value.to_text()));
            } else {
                self.set_extra("haidang.extra", name, value);
            }
        } else if path.is_empty()
            || (is_ecs_root(path) && !["haidang.extra", "haidang.unfit"].contains(&path))
        {
            self.set_extra("haidang.extra", name, value);
        } else {
            self.set_extra(path, key, value);
        }
    }

    /// Appends the JSON form to `out`, without a newline.
    pub fn write_json(&self, out: &mut Vec<u8>) {
        writer::write(self, out);
    }

    /// The JSON form as text.
    #[must_use]
    pub fn to_json(&self) -> String {
        let mut out = Vec::with_capacity(self.text.len() * 3);
        self.write_json(&mut out);
        String::from_utf8(out).unwrap_or_default()
    }
}

/// Appends the text as a JSON string, as serde does.
pub fn write_text(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    text::write_text_rest(text.as_bytes(), out);
}

fn is_ecs_root(path: &str) -> bool {
    static ROOTS: LazyLock<BTreeSet<&str>> =
        LazyLock::new(|| Field::all().map(|field| root(field.name())).collect());
    ROOTS.contains(root(path))
}

fn root(name: &str) -> &str {
    name.split_once('.').map_or(name, |(root, _)| root)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Draft, Kind, Raw, Time};
    use proptest::prelude::*;

    fn value_for(kind: Kind) -> BoxedStrategy<String> {
        match kind {
            Kind::Text => "\\PC{0,12}|[a-z\"\\\\\n\t\u{1}]{1,8}".prop_map(|text| text + "x").boxed(),
            Kind::Long => any::<i64>().prop_map(|number| number.to_string()).boxed(),
            Kind::Float => (-1e9f64..1e9).prop_map(|number| number.to_string()).boxed(),
            Kind::Ip => any::<u32>().prop_map(|bits| std::net::Ipv4Addr::from(bits).to_string()).boxed(),
            Kind::Date => (0i64..4_000_000_000_000).prop_map(|ms| Time(ms).to_string()).boxed(),
            Kind::Bool => any::<bool>().prop_map(|flag| flag.to_string()).boxed(),
        }
    }

    fn field_and_value() -> impl Strategy<Value = (Field, String)> {
        (0..Field::COUNT).prop_flat_map(|at| {
            let field = Field::all().nth(at).unwrap();
            value_for(field.kind()).prop_map(move |text| (field, text))
        })
    }

    proptest! {
        #[test]
        fn every_event_reads_back_from_its_json(
            original in "\\PC{0,40}",
            fields in proptest::collection::vec(field_and_value(), 0..30),
            extras in proptest::collection::vec(("[a-z.\"]{1,6}", "\\PC{1,9}", any::<i64>()), 0..9),
        ) {
            let raw = Raw::stdin(&original, Time(1_790_000_000_000), 7);
            let mut draft = Draft::new(&raw);
            for (field, text) in &fields {
                if !["event.id", "event.original"].contains(&field.name()) {
                    draft.put(*field, text);
                }
            }
            for (key, text, number) in &extras {
                draft.extra("vendor.product", key, text);
                draft.extra_value("vendor.product.more", key, Value::Long(*number));
            }
            let clash = extras.iter().any(|(key, ..)| key == "more");
            prop_assume!(!clash);
            let event = draft.finish();
            let json = event.to_json();
            let back = Event::from_json(&json).unwrap();
            prop_assert_eq!(&event, &back, "{}", json);
            prop_assert_eq!(json, back.to_json());
        }

        #[test]
        fn every_text_is_written_as_json_reads_it(text in "[\u{0}-\u{ff}\"\\\\\n!#\u{1f4a1}]{0,70}") {
            let mut draft = Draft::new(&Raw::stdin("x", Time(0), 1));
            draft.put(Field::MESSAGE, &text);
            draft.put(Field::EVENT_TYPE, &text);
            let json: serde_json::Value = serde_json::from_str(&draft.finish().to_json()).unwrap();
            if !text.is_empty() {
                prop_assert_eq!(json["message"].as_str(), Some(&*text));
                prop_assert_eq!(json["event"]["type"][0].as_str(), Some(&*text));
            }
        }

        #[test]
        fn no_text_makes_the_reader_panic(text in "\\PC{0,60}|[{}\\[\\]\":,a-z0-9.]{0,60}") {
            if let Ok(event) = Event::from_json(&text) {
                prop_assert!(serde_json::from_str::<serde_json::Value>(&event.to_json()).is_ok());
            }
        }
    }

    #[test]
    fn the_json_form_is_nested_ecs() {
        let raw = Raw::stdin("<13>x", Time(1_790_000_000_000), 7);
        let mut draft = Draft::new(&raw);
        draft.put(Field::SOURCE_IP, "::ffff:192.0.2.1");
        draft.put(Field::SOURCE_PORT, "443");
        draft.word(Field::EVENT_CATEGORY, "network");
        draft.extra("fortinet.firewall", "vd", "root");
        assert_eq!(
            draft.finish().to_json(),
            concat!(
                r#"{"@timestamp":"2026-09-21T14:13:20.000Z","event":{"category":["network"],"id":"01a0c450-6c00-7000-8000-000000000007","#,
                r#""ingested":"2026-09-21T14:13:20.000Z","original":"<13>x"},"haidang":{"collector":{"transport":"stdin"}},"#,
                r#""source":{"ip":"192.0.2.1","port":443},"fortinet":{"firewall":{"vd":"root"}}}"#
            )
        );
    }

    #[test]
    fn our_own_extras_stand_between_the_fields_around_them() {
        let mut draft = Draft::new(&Raw::stdin("x", Time(0), 1));
        draft.put(Field::SOURCE_PORT, "no port");
        draft.put(Field::SOURCE_IP, "192.0.2.1");
        draft.put(Field::SOURCE_GEO_CITY_NAME, "Vũng Tàu");
        draft.put(Field::DESTINATION_IP, "192.0.2.2");
        let event = draft.finish();
        let json: serde_json::Value = serde_json::from_str(&event.to_json()).unwrap();
        assert_eq!(json["haidang"]["unfit"]["source.port"], "no port");
        assert_eq!(json["source"]["geo"]["city_name"], "Vũng Tàu");
        assert_eq!(Event::from_json(&event.to_json()).unwrap(), event);
    }

    #[test]
    fn thousands_of_extras_of_one_name_are_one_list_in_order() {
        let raw = Raw::stdin("x", Time(1_790_000_000_000), 7);
        let mut draft = Draft::new(&raw);
        for number in 0..3000 {
            draft.extra_value("vendor", if number % 2 == 0 { "even" } else { "odd" }, Value::Long(number));
        }
        let json: serde_json::Value = serde_json::from_str(&draft.finish().to_json()).unwrap();
        let even: Vec<i64> =
            json["vendor"]["even"].as_array().unwrap().iter().map(|n| n.as_i64().unwrap()).collect();
        assert_eq!(even, (0..3000).step_by(2).collect::<Vec<i64>>());
        assert_eq!(json["vendor"]["odd"].as_array().unwrap().len(), 1500);
    }

    #[test]
    fn dotted_and_foreign_names_are_read_without_loss() {
        let event = Event::from_json(
            r#"{"source.ip":"192.0.2.1","source":{"port":"eighty","foo":1},"top":2,"winlog":{"event_id":4625}}"#,
        )
        .unwrap();
        assert_eq!(event.ip(Field::SOURCE_IP), Some("192.0.2.1".parse().unwrap()));
        assert_eq!(event.lookup("haidang.extra.source.port").next(), Some(Value::Text("eighty")));
        assert_eq!(event.lookup("haidang.extra.source.foo").next(), Some(Value::Long(1)));
        assert_eq!(event.lookup("haidang.extra.top").next(), Some(Value::Long(2)));
        assert_eq!(event.lookup("winlog.event_id").next(), Some(Value::Long(4625)));
    }

    #[test]
    fn the_dictionary_is_sorted_and_no_name_is_both_value_and_object() {
        let names: Vec<&str> = Field::all().map(Field::name).collect();
        for pair in names.windows(2) {
            assert!(pair[0] < pair[1], "{pair:?}");
            assert!(!pair[1].starts_with(&format!("{}.", pair[0])), "{pair:?}");
        }
        assert_eq!(Field::by_name("source.ip"), Some(Field::SOURCE_IP));
    }
}

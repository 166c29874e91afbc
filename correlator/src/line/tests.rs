//! The reader says what serde says, of any text.

use super::{Kind, LineReader, push_folded, value};
use crate::Flat;
use crate::sigma::pattern::folded;
use event::json::Nothing;
use proptest::prelude::*;

/// Everything that serde's walk tells of a line, as text; `None` if it refuses.
fn by_serde(line: &str) -> Option<Vec<String>> {
    let told = std::cell::RefCell::new(Vec::new());
    let name = |path: &str, key: &str| if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
    let read = event::json::walk_all(
        line,
        &mut |path, key, value| told.borrow_mut().push(format!("{}={value:?}", name(path, key))),
        &mut |path, key, nothing| told.borrow_mut().push(format!("{}={nothing:?}", name(path, key))),
    );
    read.ok().map(|()| told.into_inner())
}

fn by_reader(reader: &mut LineReader, line: &str) -> Option<Vec<String>> {
    reader.read(line)?;
    let mut room = String::new();
    let tell = |spot: &super::Spot| {
        let name = reader.name(spot.name);
        match spot.nothing() {
            Some(Nothing::Null) => format!("{name}=Null"),
            Some(Nothing::Container) => format!("{name}=Container"),
            None => format!("{name}={:?}", value(spot.kind, spot.raw(line), &mut room)),
        }
    };
    Some(reader.spots.iter().map(tell).collect())
}

/// JSON, with the odd and the wrong.
fn json() -> impl Strategy<Value = String> {
    let text = "\"([a-zA-ZđĐ ]|\\\\\\\\|\\\\\"|\\\\n|\\\\/|\\\\u00e9|\\\\ud83d|\\\\x|\\\\){0,90}\"";
    let leaf = prop_oneof![
        6 => text,
        4 => "-?(0|[1-9][0-9]{0,20})(\\.[0-9]{0,20})?([eE][+-]?[0-9]{1,3})?",
        3 => "true|false|null|\\[\\]|\\{\\}|0+1|tru|1\\.|\\.1|-",
    ];
    let key = "\"([abc]|product|category|a\\.b||\\\\n|đ)\"";
    let value = leaf.prop_recursive(4, 30, 5, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..5).prop_map(|list| format!("[{}]", list.join(", "))),
            proptest::collection::vec((key, inner), 0..5).prop_map(|fields| object(&fields)),
        ]
    });
    proptest::collection::vec((key, value), 0..8).prop_map(|fields| object(&fields))
}

fn object(fields: &[(String, String)]) -> String {
    let each: Vec<String> = fields.iter().map(|(key, value)| format!("{key}:{value}")).collect();
    format!("{{{}}}", each.join(","))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]
    #[test]
    fn whatever_is_read_here_is_what_serde_reads(
        lines in proptest::collection::vec(json(), 1..12),
        cut in any::<prop::sample::Index>(),
        noise in "[{}\\[\\]\",:\\\\a0 \\t]{0,9}",
    ) {
        let mut reader = LineReader::default();
        for line in &lines {
            let (head, tail) = line.split_at((0..=line.len()).rev().find(|at| line.is_char_boundary(*at) && *at <= cut.index(line.len() + 1)).unwrap_or(0));
            for line in [line.clone(), format!("{head}{noise}{tail}"), head.to_owned(), format!(" {line} ")] {
                if let Some(found) = by_reader(&mut reader, &line) {
                    prop_assert_eq!(Some(found), by_serde(&line), "{}", line);
                    for spot in reader.spots.iter().filter(|spot| spot.kind == Kind::Text) {
                        let (mut room, mut out) = (String::new(), Vec::new());
                        let text = value(spot.kind, spot.raw(&line), &mut room).to_text();
                        push_folded(spot.raw(&line), &mut out);
                        prop_assert_eq!(String::from_utf8(out).unwrap(), folded(&text).into_owned());
                    }
                }
            }
        }
    }
}

#[test]
fn ordinary_lines_are_read_here_whatever_came_before() {
    let mut reader = LineReader::default();
    let lines = [
        r#"{"product":"windows","Image":"C:\\Windows\\x.exe","EventID":1,"CommandLine":"\"x\" -y","Float":1.5,"list":["a",2,[3]],"o":{"p":{"q":true}},"none":null}"#,
        r#"{"product":"fw","src_ip":"192.0.2.1","bytes":-12}"#,
        r#"{"product":"fw","bytes":0,"src_ip":"đ \n é"}"#,
        r#"{ "a" : 1 , "b" : [ ] , "c" : { } }"#,
        "{}",
    ];
    for line in lines.iter().cycle().take(30) {
        assert_eq!(by_reader(&mut reader, line), by_serde(line), "{line}");
        assert!(by_serde(line).is_some() && Flat::from_json(line).is_ok(), "{line}");
    }
    assert_eq!(reader.layouts.iter().filter(|layout| !layout.is_empty()).count(), 3);
}

#[test]
fn names_are_forgotten_when_there_are_too_many() {
    let mut reader = LineReader::default();
    for number in 0..3 * super::NAMES_MAX {
        let line = format!(r#"{{"k{number}":{{"x":1}}}}"#);
        assert_eq!(by_reader(&mut reader, &line), by_serde(&line));
        assert!(reader.known().1 <= super::NAMES_MAX + 2);
    }
}

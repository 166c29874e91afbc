//! A small YAML writer: maps in order, lists, text. What it writes, the rule reader reads back as the same text.

use std::fmt::Write as _;

/// A value to write.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Yaml {
    /// Written without quotes where that is safe.
    Word(String),
    /// Always quoted, so that `1` stays text.
    Text(String),
    Flag(bool),
    List(Vec<Yaml>),
    Map(Vec<(String, Yaml)>),
}

impl Yaml {
    pub(super) fn word(text: impl Into<String>) -> Yaml {
        Yaml::Word(text.into())
    }

    pub(super) fn words<T: AsRef<str>>(texts: impl IntoIterator<Item = T>) -> Yaml {
        Yaml::List(texts.into_iter().map(|text| Yaml::word(text.as_ref())).collect())
    }

    /// The value as a document, with a newline at its end.
    pub(super) fn document(&self) -> String {
        let mut out = String::new();
        self.write(&mut out, 0);
        if !out.ends_with('\n') {
            out.push('\n');
        }
        out
    }

    /// Maps and lists are written as lines with this indentation; the cursor stands at a line's begin.
    fn write(&self, out: &mut String, indent: usize) {
        match self {
            Yaml::Map(entries) if !entries.is_empty() => {
                for (at, (key, value)) in entries.iter().enumerate() {
                    if at > 0 || out.ends_with('\n') || out.is_empty() {
                        pad(out, indent);
                    }
                    scalar(out, key, false);
                    out.push(':');
                    value.below(out, indent);
                }
            }
            Yaml::List(items) if !items.is_empty() => {
                for (at, item) in items.iter().enumerate() {
                    if at > 0 || out.ends_with('\n') || out.is_empty() {
                        pad(out, indent);
                    }
                    out.push('-');
                    match item {
                        // A list's item begins on the line of its dash, its further keys stand below its first.
                        Yaml::Map(entries) if !entries.is_empty() => {
                            out.push_str("   ");
                            item.write(out, indent + 4);
                        }
                        _ => item.below(out, indent),
                    }
                }
            }
            other => {
                other.inline(out);
                out.push('\n');
            }
        }
    }

    /// What stands behind a key or dash.
    fn below(&self, out: &mut String, indent: usize) {
        match self {
            Yaml::Map(entries) if !entries.is_empty() => {
                out.push('\n');
                self.write(out, indent + 4);
            }
            Yaml::List(items) if !items.is_empty() => {
                out.push('\n');
                self.write(out, indent + 4);
            }
            other => {
                out.push(' ');
                other.inline(out);
                out.push('\n');
            }
        }
    }

    fn inline(&self, out: &mut String) {
        match self {
            Yaml::Word(text) => scalar(out, text, false),
            Yaml::Text(text) => scalar(out, text, true),
            Yaml::Flag(flag) => out.push_str(if *flag { "true" } else { "false" }),
            Yaml::List(_) => out.push_str("[]"),
            Yaml::Map(_) => out.push_str("{}"),
        }
    }
}

fn pad(out: &mut String, indent: usize) {
    out.extend(std::iter::repeat_n(' ', indent));
}

fn scalar(out: &mut String, text: &str, quoted: bool) {
    if !quoted && is_plain(text) {
        out.push_str(text);
    } else if text.chars().any(|c| !is_printable(c)) {
        out.push('"');
        for c in text.chars() {
            // Writing to a String cannot fail.
            let _ = match c {
                '"' | '\\' => write!(out, "\\{c}"),
                '\n' => write!(out, "\\n"),
                '\t' => write!(out, "\\t"),
                c if is_printable(c) => write!(out, "{c}"),
                c if u32::from(c) <= 0xFFFF => write!(out, "\\u{:04X}", u32::from(c)),
                c => write!(out, "\\U{:08X}", u32::from(c)),
            };
        }
        out.push('"');
    } else {
        out.push('\'');
        out.push_str(&text.replace('\'', "''"));
        out.push('\'');
    }
}

/// What single quotes may hold on one line. Others are escaped: controls, line breaks of any kind, the byte order mark
/// and what YAML has no way to write as it stands.
fn is_printable(c: char) -> bool {
    matches!(c, ' '..='~' | '\u{A0}'..='\u{2027}' | '\u{202A}'..='\u{D7FF}' | '\u{E000}'..='\u{FEFE}'
        | '\u{FF00}'..='\u{FFFD}' | '\u{10000}'..='\u{10FFFF}')
}

/// Text that YAML takes as it stands, whoever reads it: words that begin with a letter and are none of its own.
fn is_plain(text: &str) -> bool {
    let own = ["true", "false", "null", "yes", "no", "on", "off", "y", "n"];
    let is_number = !text.is_empty() && text.len() < 10 && text.bytes().all(|byte| byte.is_ascii_digit());
    let begins = text.starts_with(|c: char| c.is_ascii_alphabetic());
    let simple = text.chars().all(|c| {
        c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | ',' | '|' | '/' | '(' | ')' | ' ')
    });
    let word =
        begins && simple && !text.ends_with(' ') && !own.iter().any(|word| text.eq_ignore_ascii_case(word));
    // An id may begin with a digit; in its form no reader sees a number.
    let is_id = text.len() == 36
        && text.chars().all(|c| c.is_ascii_hexdigit() || c == '-')
        && text.matches('-').count() == 4;
    let is_span = text
        .strip_suffix(['s', 'm', 'h', 'd'])
        .is_some_and(|number| number.bytes().all(|byte| byte.is_ascii_digit()));
    word || is_id || is_span || (is_number && (text == "0" || !text.starts_with('0')))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yaml::{Kind, Node, documents};
    use proptest::prelude::*;

    /// The same value as the rule reader sees it.
    fn read(node: &Node) -> Yaml {
        match &node.kind {
            Kind::Scalar { text, plain: true } => Yaml::Word(text.clone()),
            Kind::Scalar { text, .. } => Yaml::Text(text.clone()),
            Kind::List(items) => Yaml::List(items.iter().map(read).collect()),
            Kind::Map(entries) => {
                Yaml::Map(entries.iter().map(|entry| (entry.key.clone(), read(&entry.value))).collect())
            }
        }
    }

    /// Words and texts are the same text; only whether they are quoted differs.
    fn bare(value: &Yaml) -> Yaml {
        match value {
            Yaml::Word(text) | Yaml::Text(text) => Yaml::Text(text.clone()),
            Yaml::Flag(flag) => Yaml::Text(flag.to_string()),
            Yaml::List(items) => Yaml::List(items.iter().map(bare).collect()),
            Yaml::Map(entries) => {
                Yaml::Map(entries.iter().map(|(key, value)| (key.clone(), bare(value))).collect())
            }
        }
    }

    #[test]
    fn a_rule_is_written_as_people_write_it() {
        let rule = Yaml::Map(vec![
            ("title".into(), Yaml::word("It's: a \"rule\"")),
            ("tags".into(), Yaml::words(["attack.t1110", "no"])),
            (
                "list".into(),
                Yaml::List(vec![Yaml::Map(vec![
                    (
                        "a|contains".into(),
                        Yaml::List(vec![Yaml::Text("1".into()), Yaml::Text("x\ty".into())]),
                    ),
                    ("b".into(), Yaml::word("42")),
                ])]),
            ),
        ]);
        let expected = "title: 'It''s: a \"rule\"'\ntags:\n    - attack.t1110\n    - 'no'\nlist:\n    -   a|contains:\n            - '1'\n            - \"x\\ty\"\n        b: 42\n";
        assert_eq!(rule.document(), expected);
    }

    fn tree() -> impl Strategy<Value = Yaml> {
        let text = prop_oneof![
            "\\PC{0,12}",
            "[-:#'\"!&*|>%@`{}\\[\\],? \n\t\\\\a0~\u{85}\u{2028}\u{feff}]{0,8}",
            any::<String>()
        ];
        let leaf = prop_oneof![
            text.clone().prop_map(Yaml::Text),
            text.clone().prop_map(Yaml::Word),
            any::<bool>().prop_map(Yaml::Flag)
        ];
        leaf.prop_recursive(4, 24, 4, move |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Yaml::List),
                prop::collection::btree_map(text.clone(), inner, 0..4)
                    .prop_map(|entries| Yaml::Map(entries.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(value in tree()) {
            let text = Yaml::Map(vec![("it".into(), value.clone())]).document();
            let found = documents(&text).map_err(|fault| TestCaseError::fail(format!("{fault:?}\n{text}")))?;
            let it = found[0].get("it").map(read).unwrap();
            prop_assert_eq!(bare(&it), bare(&value), "{}", text);
            let words: Vec<bool> = vec![matches!(value, Yaml::Text(_)), matches!(it, Yaml::Text(_))];
            prop_assert!(!words[0] || words[1], "a text stays quoted: {}", text);
        }
    }
}

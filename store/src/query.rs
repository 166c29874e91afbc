//! The analysts' query language: terms that must all hold, made into SQL whose values are bound, never written into it.
//!
//! `field:value`, `field:val*`, `field:"two words"`, `field:>=10`, `source.ip:10.0.0.0/8`, `field:*` (has a value),
//! `-term`, a bare address for events that name it in any field, any other bare word or `"a phrase"` for the original line.
//! Text is compared without regard to case.

mod candidate;
mod sql;

pub(crate) use sql::Bound;

use event::{Field, Kind, Time};
use std::net::{IpAddr, Ipv6Addr};

/// Longest query in bytes.
pub const BYTES_MAX: usize = 4096;

/// Most terms.
pub const TERMS_MAX: usize = 50;

/// What is wrong with a query, and where: `at` counts characters from 1.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("at character {at}: {what}")]
pub struct QueryError {
    /// The first character concerned, from 1.
    pub at: usize,
    /// What is wrong, and what would be right.
    pub what: String,
}

/// A query that was read and checked.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Query {
    terms: Vec<Term>,
}

#[derive(Clone, Debug, PartialEq)]
struct Term {
    negated: bool,
    test: Test,
}

#[derive(Clone, Debug, PartialEq)]
enum Test {
    /// The line has these words, in this order.
    Line(String),
    /// Some field of the event has this address.
    Address(Ipv6Addr),
    /// A field of the event.
    Field(Name, Value),
}

#[derive(Clone, Debug, PartialEq)]
enum Name {
    Ecs(Field),
    /// A vendor's field by its dotted name.
    Extra(String),
}

#[derive(Clone, Debug, PartialEq)]
enum Value {
    Any,
    Text(String),
    /// With `*` for any characters.
    Pattern(String),
    Number(Comparison, f64),
    Whole(Comparison, i64),
    Address(Ipv6Addr),
    Network(Ipv6Addr, Ipv6Addr),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Comparison {
    Equal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Query {
    /// Reads a query. An empty one holds for every event.
    ///
    /// # Errors
    /// What is wrong, and at which character.
    pub fn parse(text: &str) -> Result<Query, QueryError> {
        if text.len() > BYTES_MAX {
            return Err(QueryError { at: 1, what: format!("the query is longer than {BYTES_MAX} bytes") });
        }
        let mut reader = Reader { text, at: 0 };
        let mut terms = Vec::new();
        while reader.skip_space() {
            if terms.len() == TERMS_MAX {
                return Err(reader.error(format!("more than {TERMS_MAX} terms")));
            }
            terms.push(reader.term()?);
        }
        Ok(Query { terms })
    }
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Reader<'a> {
    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or("")
    }

    fn error(&self, what: impl Into<String>) -> QueryError {
        let before = self.text.get(..self.at).unwrap_or("");
        QueryError { at: before.chars().count() + 1, what: what.into() }
    }

    /// Moves to the next term; false at the end.
    fn skip_space(&mut self) -> bool {
        self.at = self.text.len() - self.rest().trim_start().len();
        !self.rest().is_empty()
    }

    fn term(&mut self) -> Result<Term, QueryError> {
        let negated = self.rest().starts_with('-');
        if negated {
            self.at += 1;
        }
        if self.rest().starts_with('"') {
            let phrase = self.quoted()?;
            return Ok(Term { negated, test: self.line(phrase)? });
        }
        let rest = self.rest();
        let whole = rest.split_whitespace().next().unwrap_or("");
        if let Ok(address) = whole.parse::<IpAddr>() {
            self.at += whole.len();
            let address = match address {
                IpAddr::V4(v4) => v4.to_ipv6_mapped(),
                IpAddr::V6(v6) => v6,
            };
            return Ok(Term { negated, test: Test::Address(address) });
        }
        let end = rest.find(|c: char| c.is_whitespace() || c == ':' || c == '"').unwrap_or(rest.len());
        let word = rest.get(..end).unwrap_or("");
        if !rest.get(end..).is_some_and(|rest| rest.starts_with(':')) {
            let line = self.line(word.to_owned())?;
            self.at += end;
            return Ok(Term { negated, test: line });
        }
        let name = self.name(word)?;
        self.at += end + 1;
        let value = self.value(&name)?;
        Ok(Term { negated, test: Test::Field(name, value) })
    }

    fn line(&self, phrase: String) -> Result<Test, QueryError> {
        if !phrase.chars().any(char::is_alphanumeric) {
            return Err(self.error("a word to search for needs a letter or a digit"));
        }
        Ok(Test::Line(phrase))
    }

    /// Reads `"…"`, in which `\"` and `\\` stand for the character.
    fn quoted(&mut self) -> Result<String, QueryError> {
        let mut text = String::new();
        let mut characters = self.rest().char_indices().skip(1);
        while let Some((at, character)) = characters.next() {
            match character {
                '"' => {
                    self.at += at + 1;
                    return Ok(text);
                }
                '\\' => text.extend(characters.next().map(|(_, escaped)| escaped)),
                other => text.push(other),
            }
        }
        Err(self.error("the quotation mark is not closed"))
    }

    fn name(&self, word: &str) -> Result<Name, QueryError> {
        if let Some(field) = Field::by_name(word) {
            return Ok(Name::Ecs(field));
        }
        let unknown =
            || self.error(format!("unknown field `{word}`; put a text with a colon between quotation marks"));
        let (root, below) = word.split_once('.').ok_or_else(unknown)?;
        let ecs = Field::all()
            .any(|field| field.name().strip_prefix(root).is_some_and(|rest| rest.starts_with('.')));
        let ours = ["haidang.extra.", "haidang.unfit."].iter().any(|start| word.starts_with(start));
        let plain = |c: char| c.is_alphanumeric() || "._-@/".contains(c);
        if root.is_empty() || below.is_empty() || (ecs && !ours) || !word.chars().all(plain) {
            return Err(unknown());
        }
        Ok(Name::Extra(word.to_owned()))
    }

    fn value(&mut self, name: &Name) -> Result<Value, QueryError> {
        let quoted = self.rest().starts_with('"');
        let start = self.at;
        let text = if quoted {
            self.quoted()?
        } else {
            let rest = self.rest();
            let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
            self.at += end;
            rest.get(..end).unwrap_or("").to_owned()
        };
        let end = std::mem::replace(&mut self.at, start);
        if text.is_empty() {
            return Err(self.error("a value is missing after the colon"));
        }
        let value = match name {
            _ if !quoted && text == "*" => Value::Any,
            Name::Ecs(field) => self.typed(*field, &text, quoted)?,
            Name::Extra(_) => match comparison(&text).filter(|_| !quoted) {
                Some((comparison, number)) => Value::Number(comparison, self.number(number)?),
                None => textual(&text, quoted),
            },
        };
        self.at = end;
        Ok(value)
    }

    fn typed(&self, field: Field, text: &str, quoted: bool) -> Result<Value, QueryError> {
        let compared = comparison(text).filter(|_| !quoted);
        let (sign, operand) = compared.unwrap_or((Comparison::Equal, text));
        match field.kind() {
            Kind::Long => match operand.parse() {
                Ok(number) => Ok(Value::Whole(sign, number)),
                Err(_) => Err(self.error(format!("`{}` takes a whole number", field.name()))),
            },
            Kind::Float => Ok(Value::Number(sign, self.number(operand)?)),
            Kind::Date => match Time::parse(operand) {
                Some(time) => Ok(Value::Whole(sign, time.0)),
                None => Err(self.error("a time is written 2026-11-23T08:00:00+07:00")),
            },
            Kind::Ip if compared.is_none() => network(text)
                .ok_or_else(|| self.error("an address is written 192.0.2.1, a network 192.0.2.0/24")),
            Kind::Text if compared.is_none() => Ok(textual(text, quoted)),
            Kind::Bool if text == "true" || text == "false" => Ok(Value::Text(text.to_owned())),
            Kind::Bool => Err(self.error(format!("`{}` is true or false", field.name()))),
            Kind::Ip | Kind::Text => {
                Err(self.error(format!("`{}` is no number: `>` and `<` do not apply", field.name())))
            }
        }
    }

    fn number(&self, text: &str) -> Result<f64, QueryError> {
        let number = text.parse().ok().filter(|number: &f64| number.is_finite());
        number.ok_or_else(|| self.error("a number is missing after the comparison"))
    }
}

fn comparison(text: &str) -> Option<(Comparison, &str)> {
    let signs = [
        (">=", Comparison::GreaterOrEqual),
        ("<=", Comparison::LessOrEqual),
        (">", Comparison::Greater),
        ("<", Comparison::Less),
    ];
    signs.into_iter().find_map(|(sign, comparison)| Some((comparison, text.strip_prefix(sign)?)))
}

fn textual(text: &str, quoted: bool) -> Value {
    if !quoted && text.contains('*') { Value::Pattern(text.to_owned()) } else { Value::Text(text.to_owned()) }
}

/// An address, or a network as its first and last address.
fn network(text: &str) -> Option<Value> {
    let (address, bits) = text.split_once('/').map_or((text, None), |(address, bits)| (address, Some(bits)));
    let address: IpAddr = address.parse().ok()?;
    let (mapped, width) = match address {
        IpAddr::V4(v4) => (v4.to_ipv6_mapped(), 32),
        IpAddr::V6(v6) => (v6, 128),
    };
    let Some(bits) = bits else { return Some(Value::Address(mapped)) };
    let bits: u32 = bits.parse().ok().filter(|bits| *bits <= width)?;
    let host = u128::MAX.checked_shr(bits + 128 - width).unwrap_or(0);
    let first = u128::from(mapped) & !host;
    Some(Value::Network(first.into(), (first | host).into()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(text: &str) -> usize {
        Query::parse(text).unwrap_err().at
    }

    #[test]
    fn mistakes_are_placed() {
        assert_eq!(at("user.name:a source.ipp:192.0.2.1"), 13);
        assert_eq!(at("source.port:eighty"), 13);
        assert_eq!(at("đăng \"nhập"), 6);
        assert_eq!(at("source.ip:192.0.2.0/33"), 11);
        assert_eq!(at("user.name:"), 11);
        assert_eq!(at("user.name:>5"), 11);
        assert_eq!(at("x -"), 4);
        assert_eq!(at(&"a ".repeat(51)), 101);
    }

    #[test]
    fn a_network_is_its_first_and_last_address() {
        let last = "::ffff:10.255.255.255".parse().unwrap();
        assert_eq!(network("10.1.2.3/8"), Some(Value::Network("::ffff:10.0.0.0".parse().unwrap(), last)));
        let everything = Value::Network(Ipv6Addr::UNSPECIFIED, u128::MAX.into());
        assert_eq!(network("::/0"), Some(everything));
        assert_eq!(network("10.0.0.0/"), None);
    }

    proptest! {
        #[test]
        fn no_text_makes_the_reader_panic(text in "\\PC{0,80}|[a-z.:\"*<>=/0-9\\- ]{0,80}") {
            if let Err(error) = Query::parse(&text) {
                prop_assert!(error.at <= text.chars().count() + 1, "{error}");
            }
        }
    }
}

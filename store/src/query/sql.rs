//! A query's condition in SQL. Text of the query reaches the statement only as a bound parameter.

use super::{Comparison, Name, Query, Test, Value};
use crate::events::columns::{self, Shape};
use event::{Field, Kind};
use std::net::Ipv6Addr;

/// A condition and its parameters, named `q0`, `q1`, …
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Bound {
    pub(crate) sql: String,
    pub(crate) texts: Vec<String>,
}

impl Query {
    /// The condition on a row of `events`; `1` for an empty query.
    pub(crate) fn condition(&self) -> Bound {
        let mut bound = Bound::default();
        let mut terms = Vec::new();
        for term in &self.terms {
            let test = match &term.test {
                Test::Line(phrase) => bound.line(phrase),
                Test::Address(address) => bound.any_address(*address),
                Test::Field(Name::Ecs(field), value) => bound.field(*field, value),
                Test::Field(Name::Extra(name), value) => bound.extra(name, value, false),
            };
            terms.push(if term.negated { format!("NOT ({test})") } else { format!("({test})") });
        }
        bound.sql = if terms.is_empty() { "1".to_owned() } else { terms.join(" AND ") };
        bound
    }
}

impl Bound {
    /// Binds a text and gives its place in the statement.
    pub(crate) fn text(&mut self, text: impl Into<String>) -> String {
        self.texts.push(text.into());
        format!("{{q{}:String}}", self.texts.len() - 1)
    }

    fn address(&mut self, address: Ipv6Addr) -> String {
        format!("toIPv6({})", self.text(address.to_string()))
    }

    /// The address in any field. Each column has its part in the index of addresses.
    fn any_address(&mut self, address: Ipv6Addr) -> String {
        let text = self.address(address);
        let other = format!("has(other_addresses, {text})");
        if address.is_unspecified() {
            return other; // in a column it is none
        }
        let columns = columns::of_addresses().map(|name| format!("{name} = {text} OR "));
        columns.chain([other]).collect()
    }

    fn line(&mut self, phrase: &str) -> String {
        let lower = phrase.to_ascii_lowercase();
        let mut tests = Vec::new();
        // Whole ASCII words go through the index of words; the rest is looked for in the lines that are left.
        let mut words =
            lower.split(|c: char| c.is_ascii() && !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
        for word in words.by_ref().take(16).filter(|word| word.is_ascii()) {
            let word = self.text(word);
            tests.push(format!("hasToken(lower(original), {word})"));
        }
        if !lower.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            let phrase = self.text(phrase);
            tests.push(format!("positionCaseInsensitiveUTF8(original, {phrase}) > 0"));
        }
        tests.join(" AND ")
    }

    fn field(&mut self, field: Field, value: &Value) -> String {
        match field {
            Field::TIMESTAMP => return self.number("toUnixTimestamp64Milli(timestamp)", value),
            Field::EVENT_INGESTED => return self.number("toInt64(bitShiftRight(id_high, 16))", value),
            Field::EVENT_ORIGINAL => return self.texts("original", value),
            Field::EVENT_ID => {
                // The id as it is written: 8-4-4-4-12 digits.
                let digits = "concat(hex(id_high), hex(id_low))";
                let wanted = match value {
                    Value::Text(text) => self.text(text.replace('-', "")),
                    _ => return self.texts(digits, value),
                };
                return format!("{digits} = upper({wanted})");
            }
            _ => {}
        }
        let Some((_, shape)) = columns::of(field) else {
            return self.extra(field.name(), value, field.kind() == Kind::Ip);
        };
        let name = columns::name(field);
        match shape {
            Shape::Word | Shape::Text => self.texts(&name, value),
            Shape::Number | Shape::Port => self.number(&name, value),
            Shape::Words => {
                if matches!(value, Value::Any) {
                    return format!("notEmpty({name})");
                }
                let test = self.texts("word", value);
                format!("arrayExists(word -> {test}, {name})")
            }
            Shape::Address => match value {
                Value::Address(address) if address.is_unspecified() => self.extra(field.name(), value, true),
                Value::Address(address) => format!("{name} = {}", self.address(*address)),
                Value::Network(first, last) => {
                    let (first, last) = (self.address(*first), self.address(*last));
                    format!("{name} >= {first} AND {name} <= {last} AND {name} != toIPv6('::')")
                }
                _ => format!("{name} != toIPv6('::')"),
            },
        }
    }

    fn texts(&mut self, column: &str, value: &Value) -> String {
        match value {
            Value::Text(text) => {
                let text = self.text(text);
                format!("lowerUTF8({column}) = lowerUTF8({text})")
            }
            Value::Pattern(pattern) => {
                let escaped = pattern.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
                let pattern = self.text(escaped.replace('*', "%"));
                format!("{column} ILIKE {pattern}")
            }
            _ => format!("{column} != ''"),
        }
    }

    fn number(&mut self, column: &str, value: &Value) -> String {
        let (comparison, text, kind) = match value {
            Value::Whole(comparison, number) => (*comparison, number.to_string(), "Int64"),
            Value::Number(comparison, number) => (*comparison, number.to_string(), "Float64"),
            _ => return format!("isNotNull({column})"),
        };
        let text = self.text(text);
        // A row without the number does not hold, so that its negation does.
        format!("ifNull({column} {} to{kind}({text}), 0)", sign(comparison))
    }

    /// A field kept in the map: one of its entries must hold.
    fn extra(&mut self, name: &str, value: &Value, address: bool) -> String {
        let name = self.text(name);
        let test = match value {
            Value::Any => return format!("mapContains(extra, {name})"),
            Value::Address(address) => {
                let address = self.address(*address);
                return format!(
                    "has(other_addresses, {address}) AND arrayExists((k, v) -> k = {name} AND toIPv6OrDefault(v) = {address}, \
                     mapKeys(extra), mapValues(extra))"
                );
            }
            Value::Network(first, last) => {
                let (first, last) = (self.address(*first), self.address(*last));
                format!("toIPv6OrDefault(v) >= {first} AND toIPv6OrDefault(v) <= {last}")
            }
            Value::Whole(..) => self.number("toInt64OrNull(v)", value),
            Value::Number(..) => self.number("toFloat64OrNull(v)", value),
            Value::Text(_) | Value::Pattern(_) => self.texts("v", value),
        };
        debug_assert!(!address || !matches!(value, Value::Text(_)), "an address is read as one");
        format!("arrayExists((k, v) -> k = {name} AND {test}, mapKeys(extra), mapValues(extra))")
    }
}

fn sign(comparison: Comparison) -> &'static str {
    match comparison {
        Comparison::Equal => "=",
        Comparison::Less => "<",
        Comparison::LessOrEqual => "<=",
        Comparison::Greater => ">",
        Comparison::GreaterOrEqual => ">=",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_kind_of_term_has_its_condition() {
        let bound =
            Query::parse("user.name:Nguyễn source.port:>=1024 -source.ip:10.0.0.0/8 fortinet.vd:r* x-y")
                .unwrap();
        let bound = bound.condition();
        assert_eq!(
            bound.sql,
            "(lowerUTF8(user_name) = lowerUTF8({q0:String})) AND (ifNull(source_port >= toInt64({q1:String}), 0)) AND \
             NOT (source_ip >= toIPv6({q2:String}) AND source_ip <= toIPv6({q3:String}) AND source_ip != toIPv6('::')) \
             AND (arrayExists((k, v) -> k = {q4:String} AND v ILIKE {q5:String}, mapKeys(extra), mapValues(extra))) AND \
             (hasToken(lower(original), {q6:String}) AND hasToken(lower(original), {q7:String}) AND \
             positionCaseInsensitiveUTF8(original, {q8:String}) > 0)"
        );
        let texts = [
            "Nguyễn",
            "1024",
            "::ffff:10.0.0.0",
            "::ffff:10.255.255.255",
            "fortinet.vd",
            "r%",
            "x",
            "y",
            "x-y",
        ];
        assert_eq!(bound.texts, texts);
    }

    proptest! {
        /// The statement is made of our own words only: no marker of the query's text shows in it.
        #[test]
        fn no_text_of_the_query_reaches_the_statement(before in "[a-z.]{0,9}", text in "Z[;'\"`\\\\)(A-Z%_*-]{0,20}Z") {
            for query in [format!("{before} {text}"), format!("user.name:{text}"), format!("vendor.{before}:{text}"),
                format!("vendor.Z{text}:a"), format!("tags:\"{}\"", text.replace(['\\', '"'], ""))] {
                if let Ok(query) = Query::parse(&query) {
                    let sql = query.condition().sql;
                    prop_assert!(!sql.contains('Z') && !sql.contains(';'), "{sql}");
                }
            }
        }
    }
}

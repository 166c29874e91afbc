//! Candidates in SQL: a condition that every row passes whose event has what is needed, and most others do not.
//!
//! Case is folded differently by every engine, so only ASCII is compared, and two characters that fold into ASCII let
//! a value pass. What has no column, or did not fit into it, is in `extra`.

use super::sql::Bound;
use crate::events::columns::{self, Shape};
use event::{Candidates, Field, Kind, Needed};

/// The long s and the Kelvin sign fold to `s` and `k`; no other character folds into ASCII.
const FOLDING: &str = "['\u{17f}', '\u{212a}']";
/// How floating numbers and times are written in `extra`, which is not how a rule sees them.
const WRITTEN: &str = "match(value, '^([-+0-9.eE]+|-?inf|NaN)$')";

impl Bound {
    /// The condition on a row of `events`.
    pub(crate) fn candidates(&mut self, candidates: &Candidates) -> String {
        let mut parts = |parts: &[Candidates], between: &str| {
            let each: Vec<String> = parts.iter().map(|part| self.candidates(part)).collect();
            format!("({})", each.join(between))
        };
        match candidates {
            Candidates::Every => "1".to_owned(),
            Candidates::Any(none) if none.is_empty() => "0".to_owned(),
            Candidates::All(all) => parts(all, " AND "),
            Candidates::Any(any) => parts(any, " OR "),
            Candidates::Value(name, needed) => self.value(name, needed),
        }
    }

    fn value(&mut self, name: &str, needed: &Needed) -> String {
        let field = Field::by_name(name);
        if field.is_some_and(|field| {
            [Field::TIMESTAMP, Field::EVENT_INGESTED, Field::EVENT_ORIGINAL, Field::EVENT_ID].contains(&field)
        }) {
            return "1".to_owned();
        }
        let Some((field, (_, shape))) = field.and_then(|field| Some((field, columns::of(field)?))) else {
            return self.entry(name, needed);
        };
        let column = columns::name(field);
        let test = match (shape, needed) {
            (Shape::Word | Shape::Text, Needed::There) => format!("{column} != ''"),
            (Shape::Word | Shape::Text, _) => self.holds(&column, needed),
            (Shape::Words, Needed::There) => format!("notEmpty({column})"),
            (Shape::Words, _) => format!("arrayExists(value -> {}, {column})", self.holds("value", needed)),
            (Shape::Number | Shape::Port, Needed::Number(number)) => {
                format!("ifNull({column} = {number}, 0)")
            }
            (Shape::Number | Shape::Port, _) => format!("isNotNull({column})"),
            (Shape::Address, _) => format!("{column} != toIPv6('::')"),
        };
        format!("({test} OR mapContains(extra, {}))", self.text(name))
    }

    /// A field without a column: one of the entries under its name.
    fn entry(&mut self, name: &str, needed: &Needed) -> String {
        let plain = Field::by_name(name).is_none_or(|field| field.kind() == Kind::Text);
        let name = self.text(name);
        if *needed == Needed::There || !plain {
            return format!("mapContains(extra, {name})");
        }
        let test = self.holds("value", needed);
        format!(
            "arrayExists((key, value) -> key = {name} AND ({test} OR {WRITTEN}), mapKeys(extra), mapValues(extra))"
        )
    }

    /// What a text, called so in the statement, must have.
    fn holds(&mut self, value: &str, needed: &Needed) -> String {
        match needed {
            Needed::There => "1".to_owned(),
            Needed::Texts(texts) => {
                let each: Vec<String> = texts
                    .iter()
                    .map(|text| format!("positionCaseInsensitive({value}, {}) > 0", self.text(text)))
                    .collect();
                let all = each.join(" AND ");
                let folds = texts.iter().any(|text| text.contains(['k', 's', 'K', 'S']));
                if folds {
                    format!("(({all}) OR multiSearchAny({value}, {FOLDING}))")
                } else {
                    format!("({all})")
                }
            }
            // With a point or an exponent a number is written without its own digits in a row.
            Needed::Number(number) => {
                let digits = self.text(number.unsigned_abs().to_string());
                format!("(position({value}, {digits}) > 0 OR multiSearchAny({value}, ['.', 'e', 'E']))")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_need_has_its_condition_and_texts_are_bound() {
        let value = |name: &str, needed| Candidates::Value(name.into(), needed);
        let texts = |texts: &[&str]| Needed::Texts(texts.iter().map(|text| (*text).to_owned()).collect());
        let mut bound = Bound::default();
        let sql = bound.candidates(&Candidates::All(vec![
            value("user.name", texts(&["r'oot", "x"])),
            Candidates::Any(vec![value("source.port", Needed::Number(-7)), value("a.b", texts(&["sk"]))]),
        ]));
        assert_eq!(
            sql,
            "(((positionCaseInsensitive(user_name, {q0:String}) > 0 AND positionCaseInsensitive(user_name, {q1:String}) > 0) \
             OR mapContains(extra, {q2:String})) AND ((ifNull(source_port = -7, 0) OR mapContains(extra, {q3:String})) OR \
             arrayExists((key, value) -> key = {q4:String} AND (((positionCaseInsensitive(value, {q5:String}) > 0) OR \
             multiSearchAny(value, ['\u{17f}', '\u{212a}'])) OR match(value, '^([-+0-9.eE]+|-?inf|NaN)$')), \
             mapKeys(extra), mapValues(extra))))"
        );
        assert_eq!(bound.texts, ["r'oot", "x", "user.name", "source.port", "a.b", "sk"]);
        assert_eq!(bound.candidates(&Candidates::any([])), "0");
    }
}

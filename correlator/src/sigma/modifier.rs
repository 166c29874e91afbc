//! The words behind a field's name: what they may be, which may stand together, and what they make of a value.

use super::detection::Wanted;
use super::encoding::{self, Step};
use super::linear::Linear;
use super::moment::Part;
use super::network::Network;
use super::pattern::{self, CHARS_MAX, Glob, Order, Pattern, Place};
use crate::yaml::{Kind, Node};

/// How a value is compared.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) enum Operator {
    #[default]
    Text,
    Regex,
    Cidr,
    Exists,
    FieldRef,
    Compare(Order),
}

#[derive(Debug, Default)]
pub(super) struct Modifiers {
    pub(super) operator: Operator,
    pub(super) place: Option<Place>,
    pub(super) all: bool,
    pub(super) cased: bool,
    pub(super) expand: bool,
    /// `neq`
    pub(super) negated: bool,
    /// What is done to the text, in order.
    steps: Vec<Step>,
    /// The part of a date that is compared.
    part: Option<Part>,
    /// The regular expression's flags among i, m, s.
    flags: String,
}

impl Modifiers {
    /// Those of words that stand without a field.
    pub(super) fn keywords() -> Modifiers {
        Modifiers { place: Some(Place::Anywhere), ..Modifiers::default() }
    }

    pub(super) fn parse<'a>(words: impl Iterator<Item = &'a str>) -> Result<Modifiers, String> {
        let mut found = Modifiers::default();
        for word in words {
            if let Some(step) = Step::named(word) {
                found.steps.push(step);
            } else if let Some(part) = Part::named(word) {
                if found.part.replace(part).is_some() {
                    return Err(format!("`{word}` cannot join another part of a date: write two items"));
                }
            } else if let Some(operator) = operator(word) {
                if found.operator != Operator::Text {
                    return Err(format!(
                        "`{word}` cannot join another modifier of its kind: write two items"
                    ));
                }
                found.operator = operator;
            } else {
                found.put(word)?;
            }
        }
        found.check()
    }

    fn put(&mut self, word: &str) -> Result<(), String> {
        let place = match word {
            "contains" => Place::Anywhere,
            "startswith" => Place::Start,
            "endswith" => Place::End,
            "all" => return flag(&mut self.all),
            "cased" => return flag(&mut self.cased),
            "expand" => return flag(&mut self.expand),
            "neq" => return flag(&mut self.negated),
            "i" | "m" | "s" if self.operator == Operator::Regex => {
                self.flags.push_str(word);
                return Ok(());
            }
            "i" | "m" | "s" => return Err(format!("the modifier `{word}` stands behind `re` only")),
            other => {
                return Err(format!(
                    "the modifier `{other}` is not one of Sigma 2.1: contains, startswith, endswith, all, cased, \
                     neq, exists, re (i, m, s), cidr, fieldref, expand, windash, base64, base64offset, utf16le, \
                     utf16be, utf16, wide, lt, lte, gt, gte, minute, hour, day, week, month, year"
                ));
            }
        };
        if self.place.replace(place).is_some() {
            return Err(format!("`{word}` cannot join contains, startswith or endswith: write two items"));
        }
        Ok(())
    }

    fn check(self) -> Result<Modifiers, String> {
        let text = self.operator == Operator::Text && self.part.is_none();
        let compared = matches!(self.operator, Operator::Text | Operator::Compare(_));
        let placed = text || self.operator == Operator::FieldRef;
        let exists = self.operator == Operator::Exists;
        let clash = match () {
            () if self.place.is_some() && !placed => "contains, startswith and endswith",
            () if self.cased && !placed => "`cased`",
            () if !self.steps.is_empty() && !text => "what changes text (windash, utf16, base64)",
            () if self.part.is_some() && !compared => "a part of a date",
            () if self.all && exists => "`all`",
            () if self.negated && exists => "`neq`",
            () if self.expand && (exists || self.operator == Operator::FieldRef) => "`expand`",
            () => return Ok(self),
        };
        Err(format!("{clash} cannot stand together with the other modifiers here: write two items"))
    }

    /// What the value stands for: any of these.
    pub(super) fn wanted(&self, value: &Node) -> Result<Vec<Wanted>, String> {
        if value.is_null() {
            let plain = self.operator == Operator::Text
                && self.part.is_none()
                && self.steps.is_empty()
                && self.place.is_none();
            return if plain {
                Ok(vec![Wanted::Null])
            } else {
                Err("null cannot stand with this modifier".to_owned())
            };
        }
        let Kind::Scalar { text, plain } = &value.kind else {
            return Err("must be text, a number, true, false or null".to_owned());
        };
        if text.len() > CHARS_MAX {
            return Err(format!("the pattern is longer than {CHARS_MAX} bytes"));
        }
        let pattern = match (self.operator, self.part) {
            (Operator::Regex, _) => Pattern::Regex(Box::new(Linear::new(text, &self.flags)?)),
            (Operator::Cidr, _) => Pattern::Network(Network::parse(text).ok_or_else(|| {
                format!("`{text}` is not a network: write `192.0.2.0/24` or `2001:db8::/32`")
            })?),
            (Operator::Compare(order), None) => Pattern::Compare(order, finite(text)?),
            (Operator::Compare(order), Some(part)) => {
                Pattern::Part(part, Box::new(Pattern::Compare(order, finite(text)?)))
            }
            (_, Some(part)) => Pattern::Part(part, Box::new(Pattern::Number(finite(text)?))),
            _ => return self.text(text, *plain, value.flag()),
        };
        Ok(vec![Wanted::Pattern(pattern)])
    }

    fn text(&self, text: &str, plain: bool, flag: Option<bool>) -> Result<Vec<Wanted>, String> {
        if plain
            && self.place.is_none()
            && self.steps.is_empty()
            && let Some(pattern) = flag.map(Pattern::Bool).or_else(|| number(text))
        {
            return Ok(vec![Wanted::Pattern(pattern)]);
        }
        // Sigma means it to be found inside what was encoded.
        let inside = self.steps.contains(&Step::Base64Offset).then_some(Place::Anywhere);
        let place = self.place.or(inside).unwrap_or(Place::Whole);
        let texts = encoding::applied(pattern::tokens(text), &self.steps)?;
        let glob = |tokens| Wanted::Pattern(Pattern::Text(Glob::of(tokens, place, self.cased)));
        Ok(texts.into_iter().map(glob).collect())
    }
}

fn flag(found: &mut bool) -> Result<(), String> {
    *found = true;
    Ok(())
}

fn operator(word: &str) -> Option<Operator> {
    Some(match word {
        "re" => Operator::Regex,
        "cidr" => Operator::Cidr,
        "exists" => Operator::Exists,
        "fieldref" => Operator::FieldRef,
        "lt" => Operator::Compare(Order::Less),
        "lte" => Operator::Compare(Order::LessOrEqual),
        "gt" => Operator::Compare(Order::Greater),
        "gte" => Operator::Compare(Order::GreaterOrEqual),
        _ => return None,
    })
}

/// What YAML takes for a number. A leading zero or plus is a code, not a number: it is compared as it stands.
fn number(text: &str) -> Option<Pattern> {
    for (prefix, radix) in [("0x", 16), ("0o", 8)] {
        let digits = text.strip_prefix(prefix).filter(|digits| digits.chars().all(char::is_alphanumeric));
        if let Some(number) = digits.and_then(|digits| i64::from_str_radix(digits, radix).ok()) {
            return Some(Pattern::Whole(number));
        }
    }
    if let Some(number) = text.parse::<i64>().ok().filter(|number| number.to_string() == text) {
        return Some(Pattern::Whole(number));
    }
    let digits = text.trim_start_matches(['-', '.']);
    let is_float = digits.starts_with(|c: char| c.is_ascii_digit())
        && !(digits.starts_with('0') && digits[1..].starts_with(|c: char| c.is_ascii_digit()))
        && text.contains(['.', 'e', 'E']);
    if is_float { finite(text).ok().map(Pattern::Number) } else { None }
}

fn finite(text: &str) -> Result<f64, String> {
    let number: Option<f64> = text.parse().ok().filter(|number: &f64| number.is_finite());
    number.ok_or_else(|| format!("`{text}` is not a number"))
}

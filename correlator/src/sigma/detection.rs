//! A rule's `detection`: searches (maps, lists of maps, keywords), their items with modifiers, and the condition.

use super::condition::{self, Condition};
use super::pattern::{CHARS_MAX, Glob, Network, Order, Pattern, Place};
use crate::yaml::{Entry, Kind, Node};

/// How large one compiled regular expression may be, in bytes.
const REGEX_BYTES_MAX: usize = 8 << 20;
/// How many patterns one rule may have.
const PATTERNS_MAX: usize = 20_000;

/// A compiled `detection`. Fields are places in the list of names that the rule uses.
#[derive(Debug)]
pub(crate) struct Detection {
    pub(crate) searches: Vec<Search>,
    pub(crate) condition: Condition,
    /// Sigma's field names in order of first use.
    pub(crate) fields: Vec<String>,
}

/// Any of its alternatives.
#[derive(Debug)]
pub(crate) struct Search {
    pub(crate) any: Vec<Vec<Item>>,
}

/// One line of a search: a field (`None`: the whole event) and what must hold of its values.
#[derive(Debug)]
pub(crate) struct Item {
    pub(crate) field: Option<usize>,
    pub(crate) test: Test,
}

/// What must hold of a field's values.
#[derive(Debug)]
pub(crate) enum Test {
    /// Some value (`all`: for every pattern some value) meets a pattern. Beside each pattern, its text in the rule.
    Values { all: bool, patterns: Vec<(Wanted, String)> },
    /// The field is there, or is not.
    Exists(bool),
    /// Some value equals (stands in) some value of another field.
    Fields { all: bool, others: Vec<usize>, place: Place, cased: bool },
}

/// A pattern, or the absence of every value.
#[derive(Debug)]
pub(crate) enum Wanted {
    Null,
    Pattern(Pattern),
}

/// A problem below a key.
#[derive(Debug, PartialEq)]
pub(crate) struct Problem {
    pub(crate) line: usize,
    pub(crate) key: String,
    pub(crate) message: String,
}

impl Problem {
    pub(crate) fn new(line: usize, key: impl Into<String>, message: impl Into<String>) -> Problem {
        Problem { line, key: key.into(), message: message.into() }
    }
}

impl Detection {
    /// Compiles the value of `detection`; every problem goes into `problems`.
    pub(crate) fn parse(node: &Node, problems: &mut Vec<Problem>) -> Option<Detection> {
        let Some(entries) = node.map() else {
            problems.push(Problem::new(
                node.line,
                "detection",
                "must be a map of searches and a `condition`",
            ));
            return None;
        };
        let mut reader = Reader { fields: Vec::new(), patterns: 0, problems };
        let before = reader.problems.len();
        let (mut names, mut searches) = (Vec::new(), Vec::new());
        for entry in entries.iter().filter(|entry| entry.key != "condition") {
            if entry.key == "timeframe" {
                let text = "is Sigma's old aggregation: write a correlation rule instead";
                reader.problem(entry.line, "timeframe", text);
                continue;
            }
            names.push(entry.key.clone());
            searches.push(reader.search(entry));
        }
        let condition = reader.condition(node, &names);
        if reader.patterns > PATTERNS_MAX {
            let text = format!(
                "has {} patterns, at most {PATTERNS_MAX} are allowed: split the rule",
                reader.patterns
            );
            reader.problem(node.line, "detection", text);
        }
        let fields = reader.fields;
        (problems.len() == before).then_some(())?;
        Some(Detection { searches, condition: condition?, fields })
    }
}

struct Reader<'p> {
    fields: Vec<String>,
    patterns: usize,
    problems: &'p mut Vec<Problem>,
}

impl Reader<'_> {
    fn problem(&mut self, line: usize, key: &str, message: impl Into<String>) {
        self.problems.push(Problem::new(line, key, message));
    }

    fn field(&mut self, name: &str) -> usize {
        self.fields.iter().position(|known| known == name).unwrap_or_else(|| {
            self.fields.push(name.to_owned());
            self.fields.len() - 1
        })
    }

    /// A list of conditions means any of them.
    fn condition(&mut self, node: &Node, names: &[String]) -> Option<Condition> {
        let Some(found) = node.get("condition") else {
            self.problem(node.line, "detection.condition", "is missing: say which searches must hold");
            return None;
        };
        let mut parts = Vec::new();
        for part in found.each() {
            let parsed = part.text().ok_or_else(|| "must be text".to_owned());
            match parsed.and_then(|text| condition::parse(text, names)) {
                Ok(condition) => parts.push(condition),
                Err(message) => self.problem(part.line, "detection.condition", message),
            }
        }
        if parts.len() > 1 { Some(Condition::Any(parts)) } else { parts.pop() }
    }

    fn search(&mut self, entry: &Entry) -> Search {
        let key = &entry.key;
        let any = match &entry.value.kind {
            Kind::Map(items) => vec![self.items(key, items, entry.line)],
            Kind::Scalar { .. } => vec![vec![self.keywords(key, std::slice::from_ref(&entry.value))]],
            Kind::List(list) => {
                let mut any = Vec::new();
                if list.is_empty() {
                    self.problem(entry.line, key, "is an empty list: it would never hold");
                }
                // Keywords that stand next to each other are one item, so that their patterns stay together.
                for run in list.chunk_by(|a, b| a.map().is_none() && b.map().is_none()) {
                    match run {
                        [Node { kind: Kind::Map(items), line }] => any.push(self.items(key, items, *line)),
                        words => any.push(vec![self.keywords(key, words)]),
                    }
                }
                any
            }
        };
        Search { any }
    }

    fn items(&mut self, search: &str, entries: &[Entry], line: usize) -> Vec<Item> {
        if entries.is_empty() {
            self.problem(line, search, "is an empty map: it would always hold");
        }
        entries.iter().filter_map(|entry| self.item(search, entry)).collect()
    }

    fn keywords(&mut self, search: &str, words: &[Node]) -> Item {
        let modifiers = Modifiers { place: Some(Place::Anywhere), ..Modifiers::default() };
        let patterns = self.patterns(search, words, &modifiers);
        Item { field: None, test: Test::Values { all: false, patterns } }
    }

    fn item(&mut self, search: &str, entry: &Entry) -> Option<Item> {
        let key = format!("{search}.{}", entry.key);
        let mut parts = entry.key.split('|');
        let name = parts.next().unwrap_or_default();
        let mut modifiers = match Modifiers::parse(parts) {
            Ok(modifiers) => modifiers,
            Err(message) => {
                self.problem(entry.line, &key, message);
                return None;
            }
        };
        let field = (!name.is_empty()).then(|| self.field(name));
        if field.is_none() {
            modifiers.place = modifiers.place.or(Some(Place::Anywhere));
        }
        let values = entry.value.each();
        if values.is_empty() || entry.value.map().is_some() {
            self.problem(entry.line, &key, "must be a value or a list of values");
            return None;
        }
        let test = match modifiers.operator {
            Operator::Exists => match entry.value.flag() {
                Some(flag) if field.is_some() => Test::Exists(flag),
                _ => {
                    self.problem(
                        entry.line,
                        &key,
                        "`exists` takes `true` or `false`, and a field's name before it",
                    );
                    return None;
                }
            },
            Operator::FieldRef => {
                let names: Vec<String> = values.iter().filter_map(Node::text).map(str::to_owned).collect();
                if names.len() != values.len() || field.is_none() {
                    self.problem(entry.line, &key, "`fieldref` takes the names of other fields");
                    return None;
                }
                let others = names.iter().map(|other| self.field(other)).collect();
                let place = modifiers.place.unwrap_or(Place::Whole);
                Test::Fields { all: modifiers.all, others, place, cased: modifiers.cased }
            }
            _ => Test::Values { all: modifiers.all, patterns: self.patterns(&key, values, &modifiers) },
        };
        Some(Item { field, test })
    }

    fn patterns(&mut self, key: &str, values: &[Node], modifiers: &Modifiers) -> Vec<(Wanted, String)> {
        self.patterns += values.len();
        let mut found = Vec::with_capacity(values.len());
        for value in values {
            match modifiers.wanted(value) {
                Ok(wanted) => found.push((wanted, value.text().unwrap_or("null").to_owned())),
                Err(message) => self.problem(value.line, key, message),
            }
        }
        found
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
enum Operator {
    #[default]
    Text,
    Regex,
    Cidr,
    Exists,
    FieldRef,
    Compare(Order),
}

#[derive(Debug, Default)]
struct Modifiers {
    operator: Operator,
    place: Option<Place>,
    all: bool,
    cased: bool,
    windash: bool,
    /// The regular expression's flags among i, m, s.
    flags: String,
}

impl Modifiers {
    fn parse<'a>(words: impl Iterator<Item = &'a str>) -> Result<Modifiers, String> {
        let mut found = Modifiers::default();
        for word in words {
            let operator = match word {
                "contains" => found.put_place(word, Place::Anywhere)?,
                "startswith" => found.put_place(word, Place::Start)?,
                "endswith" => found.put_place(word, Place::End)?,
                "all" => {
                    found.all = true;
                    None
                }
                "cased" => {
                    found.cased = true;
                    None
                }
                "windash" => {
                    found.windash = true;
                    None
                }
                "i" | "m" | "s" if found.operator == Operator::Regex => {
                    found.flags.push_str(word);
                    None
                }
                "i" | "m" | "s" => return Err(format!("the modifier `{word}` stands behind `re` only")),
                "re" => Some(Operator::Regex),
                "cidr" => Some(Operator::Cidr),
                "exists" => Some(Operator::Exists),
                "fieldref" => Some(Operator::FieldRef),
                "lt" => Some(Operator::Compare(Order::Less)),
                "lte" => Some(Operator::Compare(Order::LessOrEqual)),
                "gt" => Some(Operator::Compare(Order::Greater)),
                "gte" => Some(Operator::Compare(Order::GreaterOrEqual)),
                other => {
                    return Err(format!(
                        "the modifier `{other}` is not supported: use contains, startswith, endswith, all, cased, re \
                         (i, m, s), cidr, exists, windash, fieldref, lt, lte, gt, gte"
                    ));
                }
            };
            if let Some(operator) = operator {
                if found.operator != Operator::Text {
                    return Err(format!(
                        "`{word}` cannot join another modifier of its kind: write two items"
                    ));
                }
                found.operator = operator;
            }
        }
        found.check()
    }

    fn put_place(&mut self, word: &str, place: Place) -> Result<Option<Operator>, String> {
        if self.place.is_some() {
            return Err(format!("`{word}` cannot join contains, startswith or endswith: write two items"));
        }
        self.place = Some(place);
        Ok(None)
    }

    fn check(self) -> Result<Modifiers, String> {
        let text = self.operator == Operator::Text;
        let placed = text || self.operator == Operator::FieldRef;
        let clash = match () {
            () if self.place.is_some() && !placed => "contains, startswith and endswith",
            () if self.cased && !placed => "`cased`",
            () if self.windash && !text => "`windash`",
            () if self.all && self.operator == Operator::Exists => "`all`",
            () => return Ok(self),
        };
        Err(format!(
            "{clash} cannot stand together with `re`, `cidr`, `exists`, `fieldref` or a comparison here"
        ))
    }

    fn wanted(&self, value: &Node) -> Result<Wanted, String> {
        if value.is_null() {
            let plain =
                self.operator == Operator::Text && self.place.is_none_or(|place| place == Place::Whole);
            return if plain {
                Ok(Wanted::Null)
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
        Ok(Wanted::Pattern(match self.operator {
            Operator::Regex => Pattern::Regex(Box::new(self.regex(text)?)),
            Operator::Cidr => Pattern::Network(Network::parse(text).ok_or_else(|| {
                format!("`{text}` is not a network: write `192.0.2.0/24` or `2001:db8::/32`")
            })?),
            Operator::Compare(order) => Pattern::Compare(order, finite(text)?),
            _ => self.text(text, *plain, value.flag()),
        }))
    }

    fn text(&self, text: &str, plain: bool, flag: Option<bool>) -> Pattern {
        let place = self.place.unwrap_or(Place::Whole);
        if plain && place == Place::Whole {
            if let Some(flag) = flag {
                return Pattern::Bool(flag);
            }
            // A leading zero or plus is a code, not a number: it is compared as it stands.
            if let Some(number) = text.parse::<i64>().ok().filter(|number| number.to_string() == text) {
                return Pattern::Whole(number);
            }
            if text.starts_with(|c: char| c.is_ascii_digit() || c == '-')
                && text.contains('.')
                && let Ok(number) = finite(text)
            {
                return Pattern::Number(number);
            }
        }
        Pattern::Text(Glob::parse(text, place, self.cased, self.windash))
    }

    fn regex(&self, text: &str) -> Result<regex::Regex, String> {
        regex::RegexBuilder::new(text)
            .case_insensitive(self.flags.contains('i'))
            .multi_line(self.flags.contains('m'))
            .dot_matches_new_line(self.flags.contains('s'))
            .size_limit(REGEX_BYTES_MAX)
            .nest_limit(100)
            .build()
            .map_err(|error| {
                let said = error.to_string();
                let last = said.lines().last().unwrap_or_default().trim().to_owned();
                format!("`{text}` is not a regular expression that runs in linear time: {last}")
            })
    }
}

fn finite(text: &str) -> Result<f64, String> {
    let number: Option<f64> = text.parse().ok().filter(|number: &f64| number.is_finite());
    number.ok_or_else(|| format!("`{text}` is not a number"))
}

//! Rules read a second time, apart from the correlator's own reader, so that a mistake there is not made here too.

use serde_norway::Value as Yaml;

/// A detection rule, as far as its meaning goes.
pub struct Rule {
    pub id: String,
    pub path: String,
    /// Product, category, service.
    pub source: [Option<String>; 3],
    pub searches: Vec<Search>,
    pub condition: Expr,
}

/// Any of its alternatives, each of which is items that all hold.
pub struct Search {
    pub name: String,
    pub any: Vec<Vec<Item>>,
}

/// `field|words: values`.
pub struct Item {
    pub field: Option<String>,
    pub words: Vec<String>,
    pub values: Vec<Yaml>,
}

impl Item {
    pub fn has(&self, word: &str) -> bool {
        self.words.iter().any(|known| known == word)
    }
}

/// A condition over searches by their places.
#[derive(Debug)]
pub enum Expr {
    Search(usize),
    Not(Box<Expr>),
    All(Vec<Expr>),
    Any(Vec<Expr>),
    AtLeast(usize, Vec<usize>),
}

/// The names of a log source's dimensions, in the order of [`Rule::source`].
pub const DIMENSIONS: [&str; 3] = ["product", "category", "service"];

/// Reads the detection rules of a text; other documents are passed over.
pub fn read(path: &str, text: &str) -> Result<Vec<Rule>, String> {
    use serde::Deserialize as _;
    let mut found = Vec::new();
    for document in serde_norway::Deserializer::from_str(text) {
        let yaml = Yaml::deserialize(document).map_err(|error| format!("{path}: {error}"))?;
        if yaml.get("detection").is_some() {
            found.push(rule(path, &yaml).ok_or_else(|| format!("{path}: not read"))?);
        }
    }
    Ok(found)
}

fn rule(path: &str, yaml: &Yaml) -> Option<Rule> {
    let text = |value: Option<&Yaml>| value.and_then(Yaml::as_str).map(str::to_owned);
    let source = yaml.get("logsource")?;
    let detection = yaml.get("detection")?.as_mapping()?;
    let mut searches = Vec::new();
    for (name, value) in detection.iter().filter(|(name, _)| name.as_str() != Some("condition")) {
        searches.push(Search { name: name.as_str()?.to_owned(), any: alternatives(value)? });
    }
    let conditions = each(detection.get("condition")?);
    let mut parts = Vec::new();
    for condition in &conditions {
        parts.push(condition_of(condition.as_str()?, &searches)?);
    }
    Some(Rule {
        id: text(yaml.get("id"))?,
        path: path.to_owned(),
        source: DIMENSIONS.map(|name| text(source.get(name)).map(|text| text.to_lowercase())),
        searches,
        condition: Expr::Any(parts),
    })
}

fn each(value: &Yaml) -> Vec<Yaml> {
    value.as_sequence().cloned().unwrap_or_else(|| vec![value.clone()])
}

fn alternatives(value: &Yaml) -> Option<Vec<Vec<Item>>> {
    let one = |part: &Yaml| match part.as_mapping() {
        Some(entries) => entries.iter().map(|(key, value)| item(key, value)).collect(),
        None => Some(vec![Item { field: None, words: Vec::new(), values: vec![part.clone()] }]),
    };
    each(value).iter().map(one).collect()
}

fn item(key: &Yaml, value: &Yaml) -> Option<Item> {
    let mut words = key.as_str()?.split('|').map(str::to_owned);
    let field = words.next().filter(|name| !name.is_empty());
    Some(Item { field, words: words.collect(), values: each(value) })
}

fn condition_of(text: &str, searches: &[Search]) -> Option<Expr> {
    let spaced = text.replace('(', " ( ").replace(')', " ) ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut rest = words.as_slice();
    let found = any(&mut rest, searches)?;
    rest.is_empty().then_some(found)
}

fn take(rest: &mut &[&str], word: &str) -> bool {
    let found = rest.first().is_some_and(|first| first.eq_ignore_ascii_case(word));
    if found {
        *rest = &rest[1..];
    }
    found
}

fn any(rest: &mut &[&str], searches: &[Search]) -> Option<Expr> {
    let mut parts = vec![all(rest, searches)?];
    while take(rest, "or") {
        parts.push(all(rest, searches)?);
    }
    Some(Expr::Any(parts))
}

fn all(rest: &mut &[&str], searches: &[Search]) -> Option<Expr> {
    let mut parts = vec![unit(rest, searches)?];
    while take(rest, "and") {
        parts.push(unit(rest, searches)?);
    }
    Some(Expr::All(parts))
}

fn unit(rest: &mut &[&str], searches: &[Search]) -> Option<Expr> {
    if take(rest, "not") {
        return Some(Expr::Not(Box::new(unit(rest, searches)?)));
    }
    if take(rest, "(") {
        let inner = any(rest, searches)?;
        return take(rest, ")").then_some(inner);
    }
    let (word, after) = rest.split_first()?;
    *rest = after;
    if !take(rest, "of") {
        return searches.iter().position(|search| search.name == *word).map(Expr::Search);
    }
    let (target, after) = rest.split_first()?;
    *rest = after;
    let pattern = format!("^{}$", regex::escape(target).replace(r"\*", ".*"));
    let pattern = regex::Regex::new(&pattern).ok()?;
    let chosen: Vec<usize> = (searches.iter().enumerate())
        .filter(|(_, search)| {
            if *target == "them" { !search.name.starts_with('_') } else { pattern.is_match(&search.name) }
        })
        .map(|(at, _)| at)
        .collect();
    let wanted = match *word {
        "all" => chosen.len(),
        "any" => 1,
        number => number.parse().ok()?,
    };
    Some(Expr::AtLeast(wanted, chosen))
}

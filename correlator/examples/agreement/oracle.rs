//! Whether a rule holds of a JSON object, in the plainest way that the specification's words allow: everything is
//! looked up in the tree, every text pattern becomes a regular expression. The correlator is compared with it.
//!
//! It can also be told to make another program's known mistakes, which shows what a difference comes from.

use crate::rule::{DIMENSIONS, Expr, Item, Rule};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use regex::Regex;
use serde_json::Value as Json;
use serde_norway::Value as Yaml;
use std::cell::RefCell;
use std::collections::HashMap;

/// Where another program departs from the specification.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Quirk {
    OpenSource,
    Hyphen,
    SwappedEnds,
    NullAlone,
    WordValues,
    ShiftedTail,
    LineDot,
    NullNotThere,
    ListedNull,
    DateAlone,
    WideAlone,
    TypedReference,
    InUtc,
    TrueWords,
    MappedAddress,
}

const DASHES: &str = "[-/–—―]";

/// Whether the rule holds of the object: its log source is the rule's, and the condition holds.
pub fn holds(rule: &Rule, event: &Json, quirks: &[Quirk]) -> bool {
    let here = rule.source.iter().zip(DIMENSIONS).all(|(wanted, name)| {
        let found = event.get(name).and_then(Json::as_str).map(|text| text.trim().to_lowercase());
        let open = quirks.contains(&Quirk::OpenSource) && found.is_none();
        open || wanted.is_none() || *wanted == found
    });
    here && expr(&rule.condition, rule, event, quirks)
}

fn expr(condition: &Expr, rule: &Rule, event: &Json, quirks: &[Quirk]) -> bool {
    let search = |at: &usize| {
        let any = &rule.searches[*at].any;
        any.iter().any(|items| items.iter().all(|found| item(found, event, quirks)))
    };
    match condition {
        Expr::Search(at) => search(at),
        Expr::Not(inner) => !expr(inner, rule, event, quirks),
        Expr::All(parts) => parts.iter().all(|part| expr(part, rule, event, quirks)),
        Expr::Any(parts) => parts.iter().any(|part| expr(part, rule, event, quirks)),
        Expr::AtLeast(wanted, places) => places.iter().filter(|at| search(at)).count() >= *wanted,
    }
}

/// What an object has under a name.
#[derive(Default)]
struct Under<'a> {
    values: Vec<&'a Json>,
    there: bool,
    /// Null itself stands there.
    null: bool,
    /// Null stands there in a list.
    listed: bool,
    is_list: bool,
    /// Something that is neither a value nor null stands there.
    other: bool,
}

/// Whether one item holds.
pub fn item(item: &Item, event: &Json, quirks: &[Quirk]) -> bool {
    let mut under = Under::default();
    match &item.field {
        Some(name) => below(event, "", name, &mut under),
        None => everything(event, &mut under.values),
    }
    if quirks.contains(&Quirk::NullNotThere) && under.null {
        under.there = false;
    }
    under.other |= quirks.contains(&Quirk::ListedNull) && under.listed;
    if item.has("exists") {
        return item.values.first().and_then(Yaml::as_bool) == Some(under.there);
    }
    if item.field.is_none() && quirks.contains(&Quirk::WordValues) {
        return words_in_one_value(item, &under.values, quirks);
    }
    let alone = quirks.contains(&Quirk::NullAlone) && item.values.len() > 1 && !under.there;
    let mut one = |value: &Yaml| {
        if value.is_null() {
            return under.values.is_empty() && !under.other && !alone;
        }
        if item.has("fieldref") {
            let mut theirs = Under::default();
            below(event, "", value.as_str().unwrap_or_default(), &mut theirs);
            if quirks.contains(&Quirk::TypedReference) && (under.is_list || theirs.is_list) {
                return false;
            }
            if quirks.contains(&Quirk::TypedReference) && under.null && theirs.null {
                return true;
            }
            return theirs.values.iter().any(|their| {
                let pattern = placed(&regex::escape(&text(their)), item, quirks);
                let same_type = |ours: &Json| ours.is_string() == their.is_string();
                under.values.iter().any(|ours| {
                    pattern.as_ref().is_some_and(|pattern| pattern.is_match(&text(ours)))
                        && (same_type(ours) || !quirks.contains(&Quirk::TypedReference))
                })
            });
        }
        under.values.iter().any(|found| meets(value, item, found, quirks))
    };
    let found = if item.has("all") { item.values.iter().all(&mut one) } else { item.values.iter().any(one) };
    if item.has("neq") { (under.there || under.null) && !found } else { found }
}

/// Keywords as they are searched for by a program that looks at one text at a time.
fn words_in_one_value(item: &Item, values: &[&Json], quirks: &[Quirk]) -> bool {
    values.iter().filter(|value| value.is_string()).any(|found| {
        let mut one = |word: &Yaml| {
            let placed = ["contains", "startswith", "endswith", "re"].iter().any(|place| item.has(place));
            let is_wild = word.as_str().is_some_and(|word| body(word, false, &[]).contains(".*"));
            let whole = !placed && (is_wild || !item.words.is_empty());
            let anchored = Item { field: Some(String::new()), words: item.words.clone(), values: Vec::new() };
            word.is_string() && meets(word, if whole { &anchored } else { item }, found, quirks)
        };
        if item.has("all") { item.values.iter().all(&mut one) } else { item.values.iter().any(one) }
    })
}

fn below<'a>(json: &'a Json, path: &str, name: &str, under: &mut Under<'a>) {
    match json {
        Json::Object(entries) => {
            for (key, value) in entries {
                let here = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                if here == name {
                    under.there = true;
                    under.is_list |= value.is_array();
                    under.listed |= value.as_array().is_some_and(|list| list.iter().any(Json::is_null));
                    stands(value, under);
                } else if name.starts_with(&format!("{here}.")) {
                    below(value, &here, name, under);
                }
            }
        }
        Json::Array(list) => list.iter().for_each(|value| below(value, path, name, under)),
        _ => {}
    }
}

fn stands<'a>(value: &'a Json, under: &mut Under<'a>) {
    match value {
        Json::Null => under.null = true,
        Json::Object(_) => under.other = true,
        Json::Array(list) if list.is_empty() => under.other = true,
        Json::Array(list) => list.iter().for_each(|value| stands(value, under)),
        value => under.values.push(value),
    }
}

fn everything<'a>(json: &'a Json, found: &mut Vec<&'a Json>) {
    match json {
        Json::Null => {}
        Json::Object(entries) => entries.values().for_each(|value| everything(value, found)),
        Json::Array(list) => list.iter().for_each(|value| everything(value, found)),
        value => found.push(value),
    }
}

/// A value as text.
pub fn text(value: &Json) -> String {
    match value {
        Json::String(text) => text.clone(),
        // The standard library's way, which has no `.0` behind whole numbers.
        Json::Number(number) if number.is_f64() => number.as_f64().unwrap_or_default().to_string(),
        other => other.to_string(),
    }
}

fn number(value: &Json) -> Option<f64> {
    match value {
        Json::Number(number) => number.as_f64(),
        Json::String(text) => text.parse().ok().filter(|number: &f64| number.is_finite()),
        _ => None,
    }
}

fn meets(value: &Yaml, item: &Item, found: &Json, quirks: &[Quirk]) -> bool {
    let bound = || match value {
        Yaml::Number(number) => number.as_f64(),
        other => other.as_str().and_then(|text| text.parse().ok()),
    };
    let dated = ["minute", "hour", "day", "week", "month", "year"].iter().find(|word| item.has(word));
    let found_number = dated.map_or_else(|| number(found), |part| date_part(part, found, quirks));
    for (word, order) in [
        ("lt", (|a, b| a < b) as fn(f64, f64) -> bool),
        ("lte", |a, b| a <= b),
        ("gt", |a, b| a > b),
        ("gte", |a, b| a >= b),
    ] {
        if item.has(word) {
            return found_number.zip(bound()).is_some_and(|(found, bound)| order(found, bound));
        }
    }
    if dated.is_some() {
        return found_number.is_some() && found_number == bound();
    }
    let has_text_word =
        ["contains", "startswith", "endswith", "re", "cidr", "windash", "base64", "base64offset"]
            .iter()
            .chain(&["wide", "utf16le", "utf16be", "utf16"])
            .any(|word| item.has(word));
    match value {
        Yaml::Bool(flag)
            if item.field.is_some() && (!has_text_word || quirks.contains(&Quirk::TrueWords)) =>
        {
            match found {
                Json::Bool(found) => found == flag,
                Json::String(found) if quirks.contains(&Quirk::TrueWords) => {
                    let words = if *flag { ["true", "1", "yes"] } else { ["false", "0", "no"] };
                    words.contains(&found.to_lowercase().as_str())
                }
                Json::String(found) => found.eq_ignore_ascii_case(if *flag { "true" } else { "false" }),
                _ => false,
            }
        }
        Yaml::Number(_) if !has_text_word && item.field.is_some() => number(found) == bound(),
        other => {
            let written = match other {
                Yaml::String(text) => text.clone(),
                Yaml::Number(number) => number.to_string(),
                Yaml::Bool(flag) => flag.to_string(),
                _ => return false,
            };
            textual(&written, item, &text(found), quirks)
        }
    }
}

fn textual(written: &str, item: &Item, found: &str, quirks: &[Quirk]) -> bool {
    if item.has("re") {
        let flags: String = ["i", "m", "s"].into_iter().filter(|flag| item.has(flag)).collect();
        let group = if flags.is_empty() { String::new() } else { format!("(?{flags})") };
        return compiled(&format!("{group}{written}")).is_some_and(|regex| regex.is_match(found));
    }
    if item.has("cidr") {
        return in_network(written, found, quirks);
    }
    encoded(written, item, quirks)
        .iter()
        .any(|body| placed(body, item, quirks).is_some_and(|regex| regex.is_match(found)))
}

/// The regular expressions of the texts that the value stands for, any of which is meant.
fn encoded(written: &str, item: &Item, quirks: &[Quirk]) -> Vec<String> {
    let encodes = ["base64", "base64offset", "wide", "utf16le", "utf16be", "utf16"];
    if !encodes.iter().any(|word| item.has(word)) {
        return vec![body(written, item.has("windash"), quirks)];
    }
    let plain = body(written, false, quirks);
    // Unescape what `regex::escape` did: encoded values have no wildcards.
    let plain = plain.replace(r"\", "");
    let units = |bytes: fn(u16) -> [u8; 2]| plain.encode_utf16().flat_map(bytes).collect::<Vec<u8>>();
    let bytes = if item.has("wide") || item.has("utf16le") {
        units(u16::to_le_bytes)
    } else if item.has("utf16be") {
        units(u16::to_be_bytes)
    } else if item.has("utf16") {
        [vec![0xff, 0xfe], units(u16::to_le_bytes)].concat()
    } else {
        plain.clone().into_bytes()
    };
    if item.has("base64") {
        return vec![regex::escape(&STANDARD.encode(bytes))];
    }
    if item.has("base64offset") {
        // What all encodings with any byte before and behind have in common.
        return (0..3)
            .map(|shift| {
                if quirks.contains(&Quirk::ShiftedTail) {
                    let whole = STANDARD.encode([&vec![0; shift][..], &bytes].concat());
                    return regex::escape(
                        whole.trim_end_matches('=').get([0, 2, 3][shift]..).unwrap_or_default(),
                    );
                }
                let of = |fill: u8| STANDARD.encode([&vec![fill; shift][..], &bytes, &[fill; 3]].concat());
                let (low, high) = (of(0), of(0xff));
                let common = low.chars().zip(high.chars()).map(|(a, b)| if a == b { a } else { ' ' });
                // Padding is no text.
                let common = common.collect::<String>().replace('=', " ");
                regex::escape(common.split(' ').max_by_key(|part| part.len()).unwrap_or_default())
            })
            .collect();
    }
    if quirks.contains(&Quirk::WideAlone) {
        return vec![body(written, false, quirks)];
    }
    let bytes = if item.has("utf16") { ["\u{feff}".as_bytes(), &bytes[2..]].concat() } else { bytes };
    String::from_utf8(bytes).map(|text| vec![regex::escape(&text)]).unwrap_or_default()
}

fn placed(body: &str, item: &Item, quirks: &[Quirk]) -> Option<Regex> {
    let case = if item.has("cased") { "" } else { "i" };
    let dot = if quirks.contains(&Quirk::LineDot) { "" } else { "s" };
    let inside = item.has("contains") || item.field.is_none() || item.has("base64offset");
    let (mut start, mut end) = (inside || item.has("endswith"), inside || item.has("startswith"));
    // A wildcard of the rule's, not an escaped dot of its text.
    let mut before = ' ';
    let is_wild = body.chars().any(|c| {
        let is_escaped = before == '\\';
        before = if is_escaped { ' ' } else { c };
        c == '.' && !is_escaped
    });
    if is_wild && start != end && quirks.contains(&Quirk::SwappedEnds) {
        (start, end) = (end, start);
    }
    let (start, end) = (if start { "" } else { "^" }, if end { "" } else { "$" });
    let flags = format!("{dot}{case}");
    let group = if flags.is_empty() { String::new() } else { format!("(?{flags})") };
    compiled(&format!("{group}{start}{body}{end}"))
}

/// A regular expression, compiled once. What is none meets nothing.
fn compiled(pattern: &str) -> Option<Regex> {
    thread_local! {
        static KNOWN: RefCell<HashMap<String, Option<Regex>>> = RefCell::default();
    }
    KNOWN.with_borrow_mut(|known| {
        if let Some(found) = known.get(pattern) {
            return found.clone();
        }
        let found = Regex::new(pattern).ok();
        known.insert(pattern.to_owned(), found.clone());
        found
    })
}

/// Sigma's notation as a regular expression.
fn body(written: &str, windash: bool, quirks: &[Quirk]) -> String {
    let mut body = String::new();
    let mut chars = written.chars().peekable();
    while let Some(c) = chars.next() {
        match (c, chars.peek()) {
            ('\\', Some(next @ ('*' | '?' | '\\'))) => {
                body.push_str(&regex::escape(&next.to_string()));
                chars.next();
            }
            ('*', _) => body.push_str(".*"),
            ('?', _) => body.push('.'),
            ('/' | '–' | '—' | '―', _) if windash && quirks.contains(&Quirk::Hyphen) => body.push(c),
            ('-' | '/' | '–' | '—' | '―', _) if windash => body.push_str(DASHES),
            (c, _) => body.push_str(&regex::escape(&c.to_string())),
        }
    }
    body
}

fn in_network(network: &str, found: &str, quirks: &[Quirk]) -> bool {
    use std::net::IpAddr;
    let bits = |ip: IpAddr| match ip {
        IpAddr::V4(ip) => (format!("{:032b}", u32::from(ip)), 32),
        IpAddr::V6(ip) => (format!("{:0128b}", u128::from(ip)), 128),
    };
    let (address, prefix) = network.split_once('/').unwrap_or((network, "128"));
    let (Ok(network), Ok(found), Ok(prefix)) =
        (address.parse::<IpAddr>(), found.parse::<IpAddr>(), prefix.parse::<usize>())
    else {
        return false;
    };
    let mapped = if quirks.contains(&Quirk::MappedAddress) { found } else { found.to_canonical() };
    [found, mapped].into_iter().any(|ip| {
        let ((net, width), (ip, same)) = (bits(network), bits(ip));
        width == same && net[..prefix.min(width)] == ip[..prefix.min(width)]
    })
}

/// A part of an RFC 3339 time, as it is written; a number is seconds since 1970, or milliseconds if it is large.
fn date_part(part: &str, found: &Json, quirks: &[Quirk]) -> Option<f64> {
    let found = match found {
        #[allow(clippy::cast_possible_truncation, reason = "a number that is no date gives none")]
        Json::Number(number) => {
            let number = number.as_i64().or_else(|| number.as_f64().map(|number| number as i64))?;
            let ms = if number > 1_000_000_000_000 { number } else { number.checked_mul(1000)? };
            (ms < 253_402_207_200_000).then(|| event::Time(ms).to_string())?
        }
        found => {
            let found = found.as_str()?;
            if quirks.contains(&Quirk::DateAlone) && found.len() == "2026-01-01".len() {
                return None;
            }
            let utc = quirks.contains(&Quirk::InUtc).then(|| event::Time::parse(found)).flatten();
            utc.map_or_else(|| found.to_owned(), |time| time.to_string())
        }
    };
    let range = match part {
        "year" => 0..4,
        "month" => 5..7,
        "day" => 8..10,
        "hour" => 11..13,
        "minute" => 14..16,
        _ => return None,
    };
    found.get(range)?.parse().ok()
}

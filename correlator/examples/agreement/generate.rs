//! Events built from a rule: some that it must hold of, and for each something close by that it must not.
//!
//! A way through the condition says which searches must hold and which must not. Of each that must, one alternative is
//! taken and every field is given a text that meets all its items. The plain evaluator has the last word; what it
//! refuses is built again with other choices.

use crate::oracle;
use crate::rule::{DIMENSIONS, Expr, Item, Rule};
use crate::sample::{self, Dice};
use serde_json::{Map, Value as Json, json};
use serde_norway::Value as Yaml;
use std::collections::BTreeMap;

/// How often a rule is tried.
const TRIES: usize = 120;
/// How many events of each kind a rule gets.
const EVENTS: usize = 3;
/// What stands for `*`, and around text that is found anywhere.
const FILLS: [&str; 4] = ["Hd7", "", "k 9", "Zx\\q"];

/// Events that the rule holds of, and events that it does not quite.
#[derive(Default)]
pub struct Events {
    pub hits: Vec<Json>,
    pub misses: Vec<Json>,
}

/// What one item wants of its field.
enum Want {
    Whole(Json),
    Start(String),
    Inside(String),
    End(String),
    /// Any value.
    There,
    Absent,
    /// The text of another field, put in place of `{}`.
    Like(String, &'static str),
}

pub fn events(rule: &Rule) -> Events {
    let mut found = Events::default();
    let seed = rule.id.bytes().fold(7, |seed: u64, byte| seed.wrapping_mul(31).wrapping_add(u64::from(byte)));
    let mut dice = Dice(seed);
    for nth in 0..TRIES {
        let Some(event) = attempt(rule, nth, &mut dice) else { continue };
        if !oracle::holds(rule, &event, &[]) || found.hits.contains(&event) {
            continue;
        }
        for miss in near(rule, &event, &mut dice) {
            if found.misses.len() < EVENTS && !found.misses.contains(&miss) {
                found.misses.push(miss);
            }
        }
        found.hits.push(event);
        if found.hits.len() == EVENTS {
            break;
        }
    }
    found
}

fn attempt(rule: &Rule, nth: usize, dice: &mut Dice) -> Option<Json> {
    let fill = FILLS[nth % FILLS.len()];
    let mut choices = BTreeMap::new();
    choose(&rule.condition, true, dice, &mut choices)?;
    let mut wants: BTreeMap<String, Vec<Want>> = BTreeMap::new();
    let mut words = Vec::new();
    for (at, _) in choices.iter().filter(|(_, wanted)| **wanted) {
        let any = &rule.searches[*at].any;
        for item in any.get(dice.roll(any.len()))? {
            for want in want(item, fill, dice)? {
                match (&item.field, want) {
                    (Some(field), want) => wants.entry(field.clone()).or_default().push(want),
                    (None, Want::Inside(text) | Want::Whole(Json::String(text))) => words.push(text),
                    (None, _) => return None,
                }
            }
        }
    }
    let mut event = Map::new();
    for (name, value) in DIMENSIONS.iter().zip(&rule.source) {
        event.extend(value.as_ref().map(|value| ((*name).to_owned(), json!(value))));
    }
    let mut likes = Vec::new();
    for (field, wants) in &wants {
        likes.extend(wants.iter().filter_map(|want| match want {
            Want::Like(other, place) => Some((field.clone(), other.clone(), *place)),
            _ => None,
        }));
        // Lists are for texts that no single one can be.
        event.extend(joined(wants, fill, nth >= TRIES / 2).map(|value| (field.clone(), value)));
    }
    for (field, other, place) in likes {
        let theirs = event.entry(other).or_insert_with(|| json!("Same")).clone();
        event.insert(field, json!(place.replace("{}", &oracle::text(&theirs))));
    }
    if !words.is_empty() {
        event.insert("message".to_owned(), json!(words.join(" ")));
    }
    let mut event = Json::Object(event);
    for (at, _) in choices.iter().filter(|(_, wanted)| !**wanted) {
        fend_off(rule, *at, &mut event);
    }
    Some(event)
}

/// Which searches must hold, or must not, for the condition to be `wanted`.
fn choose(condition: &Expr, wanted: bool, dice: &mut Dice, found: &mut BTreeMap<usize, bool>) -> Option<()> {
    match condition {
        Expr::Search(at) => (*found.entry(*at).or_insert(wanted) == wanted).then_some(()),
        Expr::Not(inner) => choose(inner, !wanted, dice, found),
        Expr::All(parts) | Expr::Any(parts) if matches!(condition, Expr::All(_)) == wanted => {
            parts.iter().try_for_each(|part| choose(part, wanted, dice, found))
        }
        Expr::All(parts) | Expr::Any(parts) => {
            let at = dice.roll(parts.len());
            choose(&parts[at], wanted, dice, found)?;
            // The others need not hold; where they can be kept from it, the event is plainer.
            for (nth, part) in parts.iter().enumerate().filter(|(nth, _)| *nth != at) {
                let mut tried = found.clone();
                if nth > 0 && choose(part, !wanted, dice, &mut tried).is_some() {
                    *found = tried;
                }
            }
            Some(())
        }
        Expr::AtLeast(least, places) => {
            let needed = if wanted { *least } else { places.len() + 1 - least };
            let from = dice.roll(places.len());
            let turned = places.iter().cycle().skip(from).take(places.len());
            let mut taken = 0;
            for at in turned {
                if taken < needed && *found.entry(*at).or_insert(wanted) == wanted {
                    taken += 1;
                }
            }
            (taken >= needed).then_some(())
        }
    }
}

fn want(item: &Item, fill: &str, dice: &mut Dice) -> Option<Vec<Want>> {
    if item.has("neq") {
        return Some(vec![Want::Whole(json!("Other7"))]);
    }
    if item.has("all") {
        return item.values.iter().map(|value| one(value, item, fill, dice)).collect();
    }
    let value = item.values.get(dice.roll(item.values.len()))?;
    Some(vec![one(value, item, fill, dice)?])
}

fn one(value: &Yaml, item: &Item, fill: &str, dice: &mut Dice) -> Option<Want> {
    if item.has("exists") {
        return Some(if value.as_bool()? { Want::There } else { Want::Absent });
    }
    let written = match value {
        Yaml::Null => return Some(Want::Absent),
        Yaml::Bool(flag) => return Some(Want::Whole(json!(flag))),
        Yaml::Number(number) => {
            if let Some(bound) = number.as_f64()
                && let Some(found) = beyond(item, bound)
            {
                return Some(Want::Whole(found));
            }
            if item.words.is_empty() && item.field.is_some() {
                // As a number and as its text in turn.
                let as_number = serde_json::to_value(number).ok()?;
                return Some(Want::Whole(if dice.roll(2) == 0 {
                    as_number
                } else {
                    json!(number.to_string())
                }));
            }
            number.to_string()
        }
        other => other.as_str()?.to_owned(),
    };
    if item.has("fieldref") {
        let place = match () {
            () if item.has("startswith") => "{}x",
            () if item.has("endswith") => "x{}",
            () if item.has("contains") => "x{}x",
            () => "{}",
        };
        return Some(Want::Like(written, place));
    }
    if item.has("re") {
        let flags: String = ["i", "m", "s"].into_iter().filter(|flag| item.has(flag)).collect();
        let pattern = if flags.is_empty() { written } else { format!("(?{flags}){written}") };
        return Some(match sample::of_regex(&pattern, dice)? {
            (text, true, true) => Want::Whole(json!(text)),
            (text, true, false) => Want::Start(text),
            (text, false, true) => Want::End(text),
            (text, false, false) => Want::Inside(text),
        });
    }
    if item.has("cidr") {
        return Some(Want::Whole(json!(within(&written)?)));
    }
    let encoded =
        ["base64", "base64offset", "wide", "utf16le", "utf16be", "utf16"].iter().any(|word| item.has(word));
    let text = if encoded { transformed(&written, item, dice)? } else { sample::of_text(&written, fill) };
    let text = if item.has("windash") { dashed(&text, dice) } else { text };
    Some(match () {
        () if item.has("contains") || item.field.is_none() || item.has("base64offset") => Want::Inside(text),
        () if item.has("startswith") => Want::Start(text),
        () if item.has("endswith") => Want::End(text),
        () => Want::Whole(json!(text)),
    })
}

/// A value that meets a comparison or a part of a date.
fn beyond(item: &Item, bound: f64) -> Option<Json> {
    let number = match () {
        () if item.has("gt") => bound + 1.0,
        () if item.has("lt") => bound - 1.0,
        () => bound,
    };
    #[allow(clippy::cast_possible_truncation, reason = "rules compare with small numbers")]
    let whole = number as i64;
    let date = |part: &str| match part {
        "minute" => format!("2026-03-09T11:{whole:02}:00Z"),
        "hour" => format!("2026-03-09T{whole:02}:30:00Z"),
        "day" => format!("2026-03-{whole:02}T11:30:00Z"),
        "month" => format!("2026-{whole:02}-09T11:30:00Z"),
        "year" => format!("{whole:04}-03-09T11:30:00Z"),
        _ => String::new(),
    };
    if let Some(part) = ["minute", "hour", "day", "month", "year"].into_iter().find(|part| item.has(part)) {
        return Some(json!(date(part)));
    }
    let compares = ["gt", "gte", "lt", "lte"].iter().any(|word| item.has(word));
    compares.then(|| if number.fract() == 0.0 { json!(whole) } else { json!(number) })
}

/// The first address of a network, or the one after it.
fn within(network: &str) -> Option<String> {
    let (address, prefix) = network.split_once('/')?;
    let is_host = matches!(prefix, "32" | "128");
    match address.parse().ok()? {
        std::net::IpAddr::V4(ip) if !is_host => Some(std::net::Ipv4Addr::from(u32::from(ip) + 1).to_string()),
        std::net::IpAddr::V6(ip) if !is_host => {
            Some(std::net::Ipv6Addr::from(u128::from(ip) + 1).to_string())
        }
        ip => Some(ip.to_string()),
    }
}

/// Some dashes of an option become others.
fn dashed(text: &str, dice: &mut Dice) -> String {
    let dashes = ['-', '/', '–', '—', '―'];
    let turn = dice.roll(dashes.len());
    text.chars().map(|c| if dashes.contains(&c) { dashes[turn] } else { c }).collect()
}

fn transformed(written: &str, item: &Item, dice: &mut Dice) -> Option<String> {
    use base64::Engine as _;
    let text = sample::of_text(written, "");
    let units = |bytes: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(bytes).collect::<Vec<u8>>();
    let bytes = match () {
        () if item.has("wide") || item.has("utf16le") => units(u16::to_le_bytes),
        () if item.has("utf16be") => units(u16::to_be_bytes),
        () if item.has("utf16") => [vec![0xff, 0xfe], units(u16::to_le_bytes)].concat(),
        () => text.clone().into_bytes(),
    };
    let engine = base64::engine::general_purpose::STANDARD;
    if item.has("base64offset") {
        let before = &b"abc"[..dice.roll(4)];
        return Some(engine.encode([before, &bytes, b" and more"].concat()));
    }
    if item.has("base64") { Some(engine.encode(bytes)) } else { String::from_utf8(bytes).ok() }
}

/// One value that meets every want, or a list of values. `None`: the field must be absent.
fn joined(wants: &[Want], fill: &str, as_list: bool) -> Option<Json> {
    let mut whole = None;
    let (mut start, mut inside, mut end, mut all) = (String::new(), Vec::new(), String::new(), Vec::new());
    for want in wants {
        match want {
            Want::Absent => return None,
            Want::There => all.push(json!("There7")),
            Want::Like(..) => {}
            Want::Whole(value) => {
                whole = Some(value.clone());
                all.push(value.clone());
            }
            Want::Start(text) => {
                start.clone_from(text);
                all.push(json!(format!("{text}{fill}")));
            }
            Want::End(text) => {
                end.clone_from(text);
                all.push(json!(format!("{fill}{text}")));
            }
            Want::Inside(text) => {
                inside.push(text.clone());
                all.push(json!(format!("{fill}{text}{fill}")));
            }
        }
    }
    if as_list && all.len() > 1 {
        return Some(Json::Array(all));
    }
    if whole.is_some() || all.is_empty() {
        return whole;
    }
    // A text that holds another need not hold it twice.
    inside.retain(|text| !start.contains(text) && !end.contains(text));
    if start.is_empty() && inside.is_empty() && end.is_empty() {
        return all.pop();
    }
    if start == end && inside.is_empty() {
        return Some(json!(start));
    }
    let before = if start.is_empty() { fill } else { "" };
    let after = if end.is_empty() { fill } else { "" };
    let gap = if fill.is_empty() { "" } else { " " };
    let parts: Vec<String> =
        [start].into_iter().chain(inside).chain([end]).filter(|part| !part.is_empty()).collect();
    Some(json!(format!("{before}{}{after}", parts.join(gap))))
}

/// Gives fields to a search that must not hold but does because they are absent.
fn fend_off(rule: &Rule, at: usize, event: &mut Json) {
    for items in &rule.searches[at].any {
        if !items.iter().all(|item| oracle::item(item, event, &[])) {
            continue;
        }
        for item in items {
            let Some(field) = item.field.as_ref() else { continue };
            let wants_absence = item.values.iter().any(Yaml::is_null) || item.has("exists");
            if wants_absence && event.get(field).is_none() {
                event[field] = json!(format!("{field} is filled"));
                break;
            }
        }
    }
}

/// The event with one thing changed, so that the rule no longer holds: letters first, then whole fields.
fn near(rule: &Rule, event: &Json, dice: &mut Dice) -> Vec<Json> {
    let Some(fields) = event.as_object() else { return Vec::new() };
    let mut found = Vec::new();
    let mut keep = |changed: Json| {
        if !oracle::holds(rule, &changed, &[]) {
            found.push(changed);
        }
    };
    let names: Vec<&String> = fields.keys().filter(|name| !DIMENSIONS.contains(&name.as_str())).collect();
    for name in &names {
        for value in nearby(&fields[*name]) {
            let mut changed = event.clone();
            changed[*name] = value;
            keep(changed);
        }
    }
    for name in &names {
        let mut changed = event.clone();
        if let Some(fields) = changed.as_object_mut() {
            fields.remove(*name);
        }
        keep(changed);
    }
    // A rule that says `not` misses an event that has what it leaves out.
    for item in rule.searches.iter().flat_map(|search| search.any.iter().flatten()) {
        let wants = want(item, FILLS[0], dice).unwrap_or_default();
        if let (Some(field), Some(value)) = (&item.field, joined(&wants, FILLS[0], false)) {
            let mut changed = event.clone();
            changed[field] = value;
            keep(changed);
        }
    }
    found
}

fn nearby(value: &Json) -> Vec<Json> {
    match value {
        Json::String(text) => {
            let chars: Vec<char> = text.chars().collect();
            let mut found = vec![json!(format!("{text}~")), json!(format!("~{text}"))];
            for at in [chars.len() / 2, chars.len().saturating_sub(1), 0] {
                let mut changed = chars.clone();
                if let Some(c) = changed.get_mut(at) {
                    *c = '~';
                }
                found.push(json!(changed.into_iter().collect::<String>()));
            }
            found
        }
        Json::Number(number) => number.as_i64().map(|number| json!(number + 1)).into_iter().collect(),
        Json::Bool(flag) => vec![json!(!flag)],
        Json::Array(list) => (0..list.len())
            .map(|at| {
                let mut list = list.clone();
                list.remove(at);
                Json::Array(list)
            })
            .collect(),
        _ => Vec::new(),
    }
}

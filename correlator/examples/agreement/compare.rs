//! The differences between two programs' answers, each explained by the specification's words or not at all.

use crate::oracle::{self, Quirk};
use crate::rule::Rule;
use serde_json::Value as Json;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::error::Error;
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::Path;
use std::process::ExitCode;

/// Where rsigma 0.23 departs from the specification, and the words that it departs from. A difference counts as explained
/// only if the oracle, making that mistake, gives rsigma's answer.
const REASONS: &[(Quirk, &str)] = &[
    (
        Quirk::OpenSource,
        "rules, LogSource: category, product and service select the logs that a rule is applied to; \
         rsigma also applies it to events that name none",
    ),
    (
        Quirk::Hyphen,
        "modifiers, windash: all permutations of -, /, en dash, em dash, horizontal bar; rsigma replaces the hyphen only",
    ),
    (
        Quirk::SwappedEnds,
        "modifiers, startswith and endswith: the value is expected at the beginning, at the end; \
         rsigma anchors values with wildcards at the other end",
    ),
    (
        Quirk::NullAlone,
        "rules, Lists and Special Field Values: values of a list are linked with OR, and null is one of them; \
         rsigma takes an absent field for null only where null stands alone",
    ),
    (
        Quirk::WordValues,
        "rules, Keywords search: keywords are searched for across the entire event; rsigma looks at texts alone, wants all \
         words of |all in one of them, and these and words with a wildcard to be the whole text",
    ),
    (
        Quirk::ShiftedTail,
        "modifiers, base64offset: except the first and last byte the encoded values have a static part; \
         rsigma keeps a last character that depends on what follows",
    ),
    (Quirk::LineDot, "rules, String Wildcard: * stands for any text; rsigma's stops at the end of a line"),
    (
        Quirk::NullNotThere,
        "modifiers, exists: verifies the presence of a field, not its value, be it empty or null; \
         rsigma takes null for absence",
    ),
    (
        Quirk::ListedNull,
        "rules, Special Field Values: null is a value that a field may have, and of a field's list each value counts; \
         rsigma does not look for null in a list",
    ),
    (
        Quirk::WideAlone,
        "modifiers, utf16le and its kin: transforms the value; rsigma does so only before base64",
    ),
    (
        Quirk::TypedReference,
        "rules, General: all values are treated as case-insensitive strings, and of a list each counts; rsigma's fieldref \
         compares fields as they stand: no number with a text, no list with what is in it, but null with null",
    ),
    (
        Quirk::DateAlone,
        "modifiers, Time: the value is a date, of which day, month and year are parts; rsigma wants a time of day behind it",
    ),
    (Quirk::InUtc, "modifiers, Time: not designed to handle timezone conversions; rsigma converts to UTC"),
    (
        Quirk::TrueWords,
        "rules, General: all values are treated as strings, and true is not 1 or yes; rsigma takes them for one another",
    ),
    (
        Quirk::MappedAddress,
        "modifiers, cidr: the value is a network of IPv4 or IPv6; rsigma does not find an IPv4 address written as IPv6",
    ),
];

/// Up to how many pairs of a rule and an event the oracle is asked about every one.
const PAIRS_MAX: usize = 200_000;

type Pairs<'a> = BTreeSet<(&'a str, usize)>;

pub fn run(rules: &[Rule], [events, ours, theirs]: [&Path; 3]) -> Result<ExitCode, Box<dyn Error>> {
    let lines = fs::read_to_string(events)?;
    let lines: Vec<&str> = lines.lines().collect();
    let by_id: HashMap<&str, &Rule> = rules.iter().map(|rule| (rule.id.as_str(), rule)).collect();
    let ours_text = fs::read_to_string(ours)?;
    let theirs_text = fs::read_to_string(theirs)?;
    let ours = ours_of(&ours_text, &by_id)?;
    let theirs = theirs_of(&theirs_text, &by_id, &lines)?;
    let mut reasons: BTreeMap<String, (usize, String)> = BTreeMap::new();
    let mut unexplained = 0;
    for (id, number) in ours.symmetric_difference(&theirs) {
        let event: Json = serde_json::from_str(lines[number - 1])?;
        let (rule, is_ours) = (by_id[id], ours.contains(&(id, *number)));
        match explanation(rule, &event, is_ours) {
            Some(quirks) => {
                let example = || format!("{} {}: {event}", rule.path, rule.id);
                reasons.entry(format!("{quirks:?}")).or_insert_with(|| (0, example())).0 += 1;
            }
            None => {
                unexplained += 1;
                if unexplained <= 20 {
                    let who = if is_ours { "ours" } else { "theirs" };
                    println!("unexplained, {who} only: {} {} {event}", rule.id, rule.path);
                }
            }
        }
    }
    let broken =
        refuted(rules, &lines, &ours)? + unmet(&events.with_extension("expected"), &by_id, &lines, &ours)?;
    println!(
        "{} events: {} pairs of ours, {} of theirs, {} of both",
        lines.len(),
        ours.len(),
        theirs.len(),
        ours.intersection(&theirs).count()
    );
    for (quirks, (count, example)) in &reasons {
        println!("  {count} by {quirks}, as {example}");
    }
    println!("  {unexplained} unexplained, {broken} not as built");
    Ok(if unexplained + broken == 0 { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

/// The fewest mistakes that make the difference, if ours is what the specification says.
fn explanation(rule: &Rule, event: &Json, is_ours: bool) -> Option<Vec<Quirk>> {
    if oracle::holds(rule, event, &[]) != is_ours {
        return None;
    }
    let all: Vec<Quirk> = REASONS.iter().map(|(quirk, _)| *quirk).collect();
    let pairs = all.iter().flat_map(|a| all.iter().filter(move |b| a < b).map(move |b| vec![*a, *b]));
    let mut sets = all.iter().map(|quirk| vec![*quirk]).chain(pairs).chain([all.clone()]);
    sets.find(|quirks| oracle::holds(rule, event, quirks) != is_ours)
}

/// Pairs of which the oracle says something else than ours.
fn refuted(rules: &[Rule], lines: &[&str], ours: &Pairs<'_>) -> Result<usize, Box<dyn Error>> {
    if rules.len() * lines.len() > PAIRS_MAX {
        return Ok(0);
    }
    let mut broken = 0;
    for (at, line) in lines.iter().enumerate() {
        let event: Json = serde_json::from_str(line)?;
        for rule in rules {
            let expected = oracle::holds(rule, &event, &[]);
            if ours.contains(&(&rule.id, at + 1)) != expected {
                broken += 1;
                if broken <= 20 {
                    println!("the oracle says {expected}: {} {line}", rule.id);
                }
            }
        }
    }
    Ok(broken)
}

/// Events that were built to hit a rule or to miss it, and of which ours says something else.
fn unmet(
    expected: &Path,
    by_id: &HashMap<&str, &Rule>,
    lines: &[&str],
    ours: &Pairs<'_>,
) -> Result<usize, Box<dyn Error>> {
    let Ok(text) = fs::read_to_string(expected) else { return Ok(0) };
    let mut broken = 0;
    for line in text.lines() {
        let mut parts = line.split('\t');
        let (Some(id), Some(number), Some(hits)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(format!("{}: {line}", expected.display()).into());
        };
        let number: usize = number.parse()?;
        if ours.contains(&(id, number)) != (hits == "true") {
            broken += 1;
            if broken <= 20 {
                println!("not as built ({hits}): {} {}", by_id[id].path, lines[number - 1]);
            }
        }
    }
    Ok(broken)
}

fn ours_of<'a>(text: &str, by_id: &HashMap<&'a str, &'a Rule>) -> Result<Pairs<'a>, Box<dyn Error>> {
    let mut found = Pairs::new();
    for line in text.lines() {
        let json: Json = serde_json::from_str(line)?;
        if json["kind"] == "match" {
            let id = json["rule"]
                .as_str()
                .and_then(|id| by_id.get_key_value(id))
                .ok_or("a rule that is not read")?;
            found.insert((id.0, usize::try_from(json["event"].as_u64().unwrap_or(0))?));
        }
    }
    Ok(found)
}

/// Their answer names no event, but repeats it.
fn theirs_of<'a>(
    text: &str,
    by_id: &HashMap<&'a str, &'a Rule>,
    lines: &[&str],
) -> Result<Pairs<'a>, Box<dyn Error>> {
    let key = |json: &Json| {
        let mut hasher = DefaultHasher::new();
        json.to_string().hash(&mut hasher);
        hasher.finish()
    };
    let mut places: HashMap<u64, Vec<usize>> = HashMap::new();
    for (at, line) in lines.iter().enumerate() {
        places.entry(key(&serde_json::from_str(line)?)).or_default().push(at + 1);
    }
    let mut found = Pairs::new();
    for line in text.lines() {
        let json: Json = serde_json::from_str(line)?;
        let id = json["rule_id"]
            .as_str()
            .and_then(|id| by_id.get_key_value(id))
            .ok_or("a rule that is not read")?;
        let places =
            places.get(&key(&json["event"])).ok_or_else(|| format!("an event that is not ours: {line}"))?;
        found.extend(places.iter().map(|at| (*id.0, *at)));
    }
    Ok(found)
}

//! Authorised scans: documents beside the rules that say who may scan what, when, and on whose word.
//!
//! ```yaml
//! title: Vulnerability scan of the data centre, fourth quarter
//! description: Yearly assessment of the level 3 systems
//! authorised:
//!   by: Nguyễn Văn Bình, Deputy Director
//!   document: 124/QĐ-SKHCN
//!   from: 2026-11-24T22:00:00+07:00
//!   to: 2026-11-25T04:00:00+07:00
//!   sources: [192.0.2.40, 198.51.100.0/28, scanner-01]   # addresses, networks, names of hosts
//!   targets: [203.0.113.0/24]                            # optional: networks; without it, anything
//!   units: [so-yte]                                      # optional: only events of these units
//!   rules: [attack.reconnaissance, web_many_not_found]   # optional: ids, names, tags; without it, every rule
//! ```
//!
//! A scan silences the page, not the record: matches and alerts are made and kept as ever, marked with the authorisation.
//! What falls into the window is decided match by match, by the event's time, so that a replay says the same; an alert is
//! authorised if all its matches are, an incident if all its alerts are.

use crate::record::Record;
use crate::resolve::CorrelationRule;
use crate::ruleset::RuleSet;
use crate::sigma::detection::Problem;
use crate::sigma::meta::Meta;
use crate::sigma::network::Network;
use crate::sigma::pattern::fold;
use crate::yaml::Node;
use event::{Authorised, Event, Field, Time, Value, derived_id};
use std::collections::BTreeSet;
use std::net::IpAddr;

/// How many there may be: each is asked about every match.
const AUTHORISATIONS_MAX: usize = 1000;
/// The longest window, in ms: what is allowed for ever is an exception, not a window.
const WINDOW_MS_MAX: i64 = 31 * 86_400_000;
const KEYS: [&str; 8] = ["by", "document", "from", "to", "sources", "targets", "units", "rules"];

/// A scan that somebody allowed.
#[derive(Debug)]
pub struct Authorisation {
    /// What alerts say of it: id, title, who, on which word, why, until when.
    pub told: Authorised,
    /// When it begins.
    pub from: Time,
    /// The scanners, as written.
    pub sources: Vec<String>,
    /// Ids, names or tags of the rules that it silences, as written; empty: every rule.
    pub rules: Vec<String>,
    /// The file that holds it.
    pub path: String,
    networks: Vec<Network>,
    hosts: Vec<String>,
    targets: Vec<Network>,
    units: Vec<String>,
    /// The ids of `rules`, and of all that those of them which are correlations count.
    ids: Option<BTreeSet<String>>,
    line: usize,
}

impl Authorisation {
    pub(crate) fn parse(path: &str, node: &Node, problems: &mut Vec<Problem>) -> Option<Authorisation> {
        let before = problems.len();
        let found = node.get("authorised")?;
        for entry in found.map().unwrap_or_default() {
            if !KEYS.contains(&entry.key.as_str()) {
                let text = format!("is not a key of an authorisation: write {}", KEYS.join(", "));
                problems.push(Problem::new(entry.line, format!("authorised.{}", entry.key), text));
            }
        }
        let mut said = |node: &Node, key: &str, name: &str, advice: &str| {
            let text = node.get(key).and_then(Node::text).unwrap_or_default().trim().to_owned();
            if text.is_empty() {
                problems.push(Problem::new(node.line, name, format!("is missing: {advice}")));
            }
            text
        };
        let title = said(node, "title", "title", "say in a few words what is scanned");
        let reason = said(node, "description", "description", "say why the scan is made");
        let by = said(found, "by", "authorised.by", "name who allowed the scan, with their office");
        let document =
            said(found, "document", "authorised.document", "give the number of the paper that says so");
        let (from, until) = span(found, problems)?;
        let sources = texts(found, "sources", problems);
        if sources.is_empty() {
            let text = "is missing: list the scanners' addresses, networks or host names";
            problems.push(Problem::new(found.line, "authorised.sources", text));
        }
        let (networks, hosts) = split(found, &sources, problems);
        let targets = networks_of(found, &texts(found, "targets", problems), problems);
        let units = texts(found, "units", problems);
        let mut rules = texts(found, "rules", problems);
        rules.retain(|rule| rule != "any" && rule != "all");
        let id = node.get("id").and_then(Node::text).map(str::to_owned);
        let id = id.unwrap_or_else(|| derived_id(&["authorisation", &title, &document]).to_string());
        (problems.len() == before).then(|| Authorisation {
            told: Authorised { id, title, by, document, reason, until },
            from,
            sources,
            rules,
            path: path.to_owned(),
            networks,
            hosts,
            targets,
            units,
            ids: None,
            line: found.line,
        })
    }

    /// Finds the rules that it names, and adds it to the set.
    pub(crate) fn link(mut self, set: &mut RuleSet) -> Result<(), Vec<Problem>> {
        let mut problems = Vec::new();
        let mut ids = BTreeSet::new();
        for name in &self.rules {
            let named = |meta: &&Meta| {
                meta.id == *name || meta.name.as_ref() == Some(name) || meta.tags.contains(name)
            };
            let found: Vec<String> = set.metas().filter(named).map(|meta| meta.id.clone()).collect();
            if found.is_empty() {
                let text = format!("`{name}` is the id, name or tag of no rule: load its file too");
                problems.push(Problem::new(self.line, "authorised.rules", text));
            }
            ids.extend(found);
        }
        // Outer correlations come behind inner ones, so one pass from the end reaches all that is counted.
        for rule in set.correlations.iter().rev().filter(|_| !self.rules.is_empty()) {
            if ids.contains(&rule.meta.id) {
                ids.extend(counted(set, rule));
            }
        }
        if let Some(other) = set.authorisation(&self.told.id) {
            let text = format!("is also the authorisation in {}: give one of them another `id`", other.path);
            problems.push(Problem::new(self.line, "id", text));
        }
        if set.authorisations.len() >= AUTHORISATIONS_MAX {
            let text =
                format!("is one too many: at most {AUTHORISATIONS_MAX}, take out those that have ended");
            problems.push(Problem::new(self.line, "authorised", text));
        }
        if problems.is_empty() {
            self.ids = (!self.rules.is_empty()).then_some(ids);
            set.authorisations.push(self);
            Ok(())
        } else {
            Err(problems)
        }
    }

    /// Whether it speaks of the rule.
    pub(crate) fn is_of(&self, rule: &str) -> bool {
        self.ids.as_ref().is_none_or(|ids| ids.contains(rule))
    }

    /// Whether the event is of the scan.
    pub(crate) fn covers(&self, record: Record<'_>, time: Time, unit: &str) -> bool {
        if time < self.from
            || time >= self.told.until
            || !(self.units.is_empty() || self.units.iter().any(|own| own == unit))
        {
            return false;
        }
        let (sources, targets) = match record {
            Record::Event(event) => (self.comes_from(event), addresses(event, &TARGETS)),
            Record::Flat(_) | Record::Line(_) => {
                let all = |names: &[&str]| {
                    names.iter().filter_map(|name| record.first_named(name)).collect::<Vec<_>>()
                };
                let ips = |names: &[&str]| {
                    all(names).iter().filter_map(|text| text.parse().ok()).collect::<Vec<_>>()
                };
                (self.is_source(&ips(&FLAT_SOURCES), &all(&FLAT_HOSTS)), ips(&FLAT_TARGETS))
            }
        };
        let aimed = |ip: &IpAddr| self.targets.iter().any(|network| network.contains(*ip));
        sources && (self.targets.is_empty() || targets.iter().any(aimed))
    }

    /// An address decides; a name, which the other side may choose for itself, only where there is none. An event that
    /// tells of no source is its own machine's.
    fn comes_from(&self, event: &Event) -> bool {
        let names = |fields: &[Field]| -> Vec<String> {
            let texts = fields.iter().flat_map(|field| event.values(*field));
            texts.filter_map(|value| value.as_text().map(str::to_owned)).collect()
        };
        let source = addresses(event, &[Field::SOURCE_IP]);
        let named = names(&[Field::SOURCE_DOMAIN, Field::SOURCE_ADDRESS]);
        if source.is_empty() && named.is_empty() {
            let own = addresses(event, &[Field::HOST_IP]);
            let named = self.is_host(&names(&[Field::HOST_NAME, Field::HOST_HOSTNAME]));
            return named || self.is_source(&own, &[]);
        }
        self.is_source(&source, &named)
    }

    fn is_source(&self, addresses: &[IpAddr], names: &[String]) -> bool {
        let known = |ip: &IpAddr| self.networks.iter().any(|network| network.contains(*ip));
        if addresses.is_empty() { self.is_host(names) } else { addresses.iter().all(known) }
    }

    fn is_host(&self, names: &[String]) -> bool {
        names.iter().any(|name| self.hosts.iter().any(|host| host.chars().eq(name.chars().map(fold))))
    }
}

const TARGETS: [Field; 2] = [Field::DESTINATION_IP, Field::HOST_IP];
const FLAT_SOURCES: [&str; 4] = ["SourceIp", "IpAddress", "src_ip", "c-ip"];
const FLAT_HOSTS: [&str; 2] = ["SourceHostname", "WorkstationName"];
const FLAT_TARGETS: [&str; 2] = ["DestinationIp", "dst_ip"];

fn addresses(event: &Event, fields: &[Field]) -> Vec<IpAddr> {
    let values = fields.iter().flat_map(|field| event.values(*field));
    values.filter_map(|value| if let Value::Ip(ip) = value { Some(ip) } else { None }).collect()
}

/// The rules that a correlation refers to.
fn counted(set: &RuleSet, rule: &CorrelationRule) -> Vec<String> {
    let places = rule.correlation.rules.iter();
    places.filter_map(|name| set.meta(name)).map(|meta| meta.id.clone()).collect()
}

fn span(found: &Node, problems: &mut Vec<Problem>) -> Option<(Time, Time)> {
    let mut at = |key: &str| {
        let node = found.get(key);
        let time = node.and_then(Node::text).and_then(Time::parse);
        if time.is_none() {
            let text = "must be an RFC 3339 time with its offset: `2026-11-24T22:00:00+07:00`";
            problems.push(Problem::new(
                node.map_or(found.line, |node| node.line),
                format!("authorised.{key}"),
                text,
            ));
        }
        time
    };
    let (from, until) = (at("from"), at("to"));
    let (from, until) = (from?, until?);
    let line = found.get("to").map_or(found.line, |node| node.line);
    if from >= until {
        problems.push(Problem::new(line, "authorised.to", "is not after `from`"));
    } else if until.0 - from.0 > WINDOW_MS_MAX {
        let text = "is more than 31 days after `from`: shorten it, or write an exception (`filter`) for what is always allowed";
        problems.push(Problem::new(line, "authorised.to", text));
    }
    Some((from, until))
}

fn texts(found: &Node, key: &str, problems: &mut Vec<Problem>) -> Vec<String> {
    let Some(list) = found.get(key).filter(|list| !list.is_null()) else { return Vec::new() };
    list.texts().unwrap_or_else(|| {
        problems.push(Problem::new(list.line, format!("authorised.{key}"), "must be a list of texts"));
        Vec::new()
    })
}

/// Networks, and names of hosts. Every text that looks like an address must be one.
fn split(found: &Node, sources: &[String], problems: &mut Vec<Problem>) -> (Vec<Network>, Vec<String>) {
    let is_name =
        |text: &&String| !text.contains(['/', ':', '*']) && text.contains(|c: char| c.is_alphabetic());
    let (names, addresses): (Vec<&String>, Vec<&String>) = sources.iter().partition(is_name);
    let addresses: Vec<String> = addresses.into_iter().cloned().collect();
    let line = found.get("sources").map_or(found.line, |node| node.line);
    let networks = parsed(&addresses, "authorised.sources", line, problems);
    (networks, names.into_iter().map(|name| name.chars().map(fold).collect()).collect())
}

fn networks_of(found: &Node, texts: &[String], problems: &mut Vec<Problem>) -> Vec<Network> {
    let line = found.get("targets").map_or(found.line, |node| node.line);
    parsed(texts, "authorised.targets", line, problems)
}

fn parsed(texts: &[String], key: &str, line: usize, problems: &mut Vec<Problem>) -> Vec<Network> {
    let mut networks = Vec::new();
    for text in texts {
        match Network::parse(text) {
            Some(network) if !network.is_everything() => networks.push(network),
            Some(_) => {
                problems.push(Problem::new(
                    line,
                    key,
                    format!("`{text}` is every address: name those meant"),
                ));
            }
            None => {
                let text =
                    format!("`{text}` is neither an address nor a network: `192.0.2.40`, `198.51.100.0/28`");
                problems.push(Problem::new(line, key, text));
            }
        }
    }
    networks
}

#[cfg(test)]
mod tests;

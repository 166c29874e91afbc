//! Whether a registry is right as a whole: every mistake at once, each with the row it is in.

use crate::{Asset, Date, Endpoint, Kind, Network, Registry, System, Unit};
use std::collections::{HashMap, HashSet};
use std::fmt;

/// Rows of each kind, in the order of [`Kind::ALL`]; more are refused.
const ROWS_MAX: [usize; 4] = [10_000, 20_000, 200_000, 200_000];
const TEXT_CHARS_MAX: usize = 300;
const ID_BYTES_MAX: usize = 64;
const LIST_MAX: usize = 5_000;
/// No DNS name is longer.
const NAME_BYTES_MAX: usize = 255;
const DEPTH_MAX: usize = 16;

/// What is wrong, and where.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// The row of the file: a spreadsheet's row, a text's line. None if the row is not of the file.
    pub row: Option<u64>,
    /// What it is about; none if the file as a whole.
    pub kind: Option<Kind>,
    /// Which; empty if it has no id.
    pub id: String,
    /// What is wrong and what would be right.
    pub reason: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(row) = self.row {
            write!(f, "row {row}: ")?;
        }
        if let Some(kind) = self.kind.filter(|_| !self.id.is_empty()) {
            write!(f, "{} {}: ", kind.one(), self.id)?;
        }
        f.write_str(&self.reason)
    }
}

impl Registry {
    /// Everything that is wrong; empty if it may be put in force. No row has a number here.
    #[must_use]
    pub fn check(&self) -> Vec<Problem> {
        let mut check = Check {
            units: self.units.iter().map(|unit| (unit.id.as_str(), unit)).collect(),
            systems: self.systems.iter().map(|system| (system.id.as_str(), system)).collect(),
            codes: HashMap::new(),
            networks: HashMap::new(),
            hosts: HashMap::new(),
            at: (Kind::Units, ""),
            problems: Vec::new(),
        };
        for (kind, max) in Kind::ALL.into_iter().zip(ROWS_MAX) {
            if self.count(kind) > max {
                let reason = format!("{} {}; at most {max} are kept", self.count(kind), kind.name());
                check.problems.push(Problem { row: None, kind: None, id: String::new(), reason });
            }
        }
        check.all(Kind::Units, &self.units, |unit| &unit.id, Check::unit);
        check.all(Kind::Systems, &self.systems, |system| &system.id, Check::system);
        check.all(Kind::Assets, &self.assets, |asset| &asset.id, Check::asset);
        check.all(Kind::Endpoints, &self.endpoints, |endpoint| &endpoint.id, Check::endpoint);
        check.problems
    }
}

/// Collects mistakes.
struct Check<'r> {
    units: HashMap<&'r str, &'r Unit>,
    systems: HashMap<&'r str, &'r System>,
    /// Who has each official code.
    codes: HashMap<String, Vec<&'r Unit>>,
    /// Whose each network and host name is.
    networks: HashMap<Network, &'r str>,
    hosts: HashMap<String, &'r str>,
    at: (Kind, &'r str),
    problems: Vec<Problem>,
}

impl<'r> Check<'r> {
    fn all<T>(
        &mut self,
        kind: Kind,
        rows: &'r [T],
        id: impl Fn(&'r T) -> &'r String,
        one: impl Fn(&mut Self, &'r T),
    ) {
        let mut seen = HashSet::new();
        for row in rows {
            let id = id(row).as_str();
            self.at = (kind, id);
            self.id(id);
            if !id.is_empty() && !seen.insert(id.to_ascii_lowercase()) {
                self.wrong("this id is given twice (small and capital letters count as one)");
            }
            one(self, row);
        }
    }

    fn unit(&mut self, unit: &'r Unit) {
        self.wanted("name", &unit.name);
        self.texts(&[
            ("name", &unit.name),
            ("kind", &unit.kind),
            ("official_code", &unit.official_code),
            ("address", &unit.address),
            ("email", &unit.email),
            ("contact_name", &unit.contact_name),
            ("contact_position", &unit.contact_position),
            ("contact_email", &unit.contact_email),
        ]);
        self.telephone("telephone", &unit.telephone);
        self.telephone("contact_telephone", &unit.contact_telephone);
        self.domains(&unit.domains);
        self.unit_named("parent", &unit.parent);
        self.unit_named("successor", &unit.successor);
        if let (Some(since), Some(until)) = (unit.since, unit.until)
            && until < since
        {
            self.wrong(format!("`until` {until} is before `since` {since}"));
        }
        self.code(unit);
        let mut above = unit;
        for _ in 0..DEPTH_MAX {
            match self.units.get(above.parent.as_str()) {
                Some(parent) if parent.id == unit.id => return self.wrong("is above itself: see `parent`"),
                Some(parent) => above = parent,
                None => return,
            }
        }
        self.wrong(format!("is more than {DEPTH_MAX} levels below the top, or below a circle"));
    }

    /// A code may go from one unit to a later one; on no day do two have it.
    fn code(&mut self, unit: &'r Unit) {
        if unit.official_code.is_empty() {
            return;
        }
        let days = |unit: &Unit| (unit.since.unwrap_or(Date::MIN), unit.until.unwrap_or(Date::MAX));
        let others = self.codes.entry(unit.official_code.to_lowercase()).or_default();
        let (from, until) = days(unit);
        let same = others.iter().find(|other| days(other).0 <= until && from <= days(other).1);
        let same = same.map(|other| (other.id.clone(), days(other).0.max(from), days(other).1.min(until)));
        others.push(unit);
        if let Some((other, from, until)) = same {
            let from = if from == Date::MIN { String::new() } else { format!(" from {from}") };
            let until = if until == Date::MAX { String::new() } else { format!(" until {until}") };
            let days = if from.is_empty() && until.is_empty() { " at the same time" } else { "" };
            self.wrong(format!(
                "`official_code` `{}` is also that of `{other}`{days}{from}{until}; end one with `until`",
                unit.official_code
            ));
        }
    }

    fn system(&mut self, system: &'r System) {
        self.wanted("name", &system.name);
        self.texts(&[
            ("name", &system.name),
            ("decision", &system.decision),
            ("provider", &system.provider),
            ("isp", &system.isp),
        ]);
        if system.unit.is_empty() {
            self.wrong("`unit` is missing: who operates it?");
        }
        self.unit_named("unit", &system.unit);
        self.unit_named("owner", &system.owner);
        if system.level > 5 {
            self.wrong(format!(
                "`level` is {}; levels are 1 to 5, 0 while it is not determined",
                system.level
            ));
        }
        let mut before = None;
        for earlier in &system.earlier_levels {
            if before.is_some() && earlier.since <= before {
                self.wrong(format!("`earlier_levels`: {earlier} is not later than the one before it"));
            }
            before = earlier.since.or(before);
        }
        if !system.earlier_levels.is_empty() && (system.level_since.is_none() || system.level_since <= before)
        {
            self.wrong("`level_since` is to be later than every day of `earlier_levels`");
        }
        // Systems may share an address, as names on one web server do, and have the addresses of their assets.
        self.not_many("addresses", system.addresses.len());
        for text in &system.addresses {
            if let Err(error) = text.parse::<Network>() {
                self.wrong(format!("`{text}` {error}"));
            }
        }
        self.domains(&system.domains);
    }

    fn asset(&mut self, asset: &'r Asset) {
        self.belongs(&asset.system, &asset.unit);
        if asset.addresses.is_empty() && asset.hosts.is_empty() {
            self.wrong("has neither `addresses` nor `hosts`, so no event can be its");
        }
        self.addresses(&asset.addresses);
        self.hosts(&asset.hosts);
    }

    fn endpoint(&mut self, endpoint: &'r Endpoint) {
        self.belongs(&endpoint.system, &endpoint.unit);
        self.texts(&[("os", &endpoint.os), ("antivirus", &endpoint.antivirus)]);
        self.addresses(&endpoint.addresses);
        self.hosts(std::slice::from_ref(&endpoint.id));
    }

    fn belongs(&mut self, system: &str, unit: &str) {
        if system.is_empty() && unit.is_empty() {
            self.wrong("neither `system` nor `unit` is given; name one");
        }
        if !system.is_empty() && !self.systems.contains_key(system) {
            self.wrong(format!("`system` names `{system}`, which is not among the systems"));
        }
        self.unit_named("unit", unit);
    }

    fn unit_named(&mut self, column: &str, id: &str) {
        if !id.is_empty() && !self.units.contains_key(id) {
            self.wrong(format!("`{column}` names `{id}`, which is not among the units"));
        }
    }

    fn addresses(&mut self, addresses: &'r [String]) {
        self.not_many("addresses", addresses.len());
        for text in addresses {
            match text.parse::<Network>() {
                Err(error) => self.wrong(format!("`{text}` {error}")),
                Ok(network) => {
                    if let Some(owner) = self.networks.insert(network, self.at.1) {
                        self.wrong(format!("`{text}` already belongs to `{owner}`"));
                    }
                }
            }
        }
    }

    fn hosts(&mut self, hosts: &[String]) {
        self.not_many("hosts", hosts.len());
        for host in hosts {
            if !is_host(host) {
                self.wrong(format!("`{host}` is no host name"));
            } else if let Some(owner) = self.hosts.insert(host.to_ascii_lowercase(), self.at.1) {
                self.wrong(format!("host `{host}` already belongs to `{owner}`"));
            }
        }
    }

    fn domains(&mut self, domains: &[String]) {
        self.not_many("domains", domains.len());
        for domain in domains.iter().filter(|domain| !is_host(domain)) {
            self.wrong(format!("`{domain}` is no domain name"));
        }
    }

    fn not_many(&mut self, column: &str, count: usize) {
        if count > LIST_MAX {
            self.wrong(format!("`{column}` has {count} entries; at most {LIST_MAX} are kept"));
        }
    }

    fn id(&mut self, id: &str) {
        let fit = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
        if id.is_empty() {
            self.wrong("`id` is missing");
        } else if id.len() > ID_BYTES_MAX
            || !id.starts_with(|c: char| c.is_ascii_alphanumeric())
            || !id.chars().all(fit)
        {
            self.wrong(
                "an id has letters a-z, digits, `.`, `_`, `-`, begins with a letter or digit, at most 64",
            );
        }
    }

    fn wanted(&mut self, column: &str, text: &str) {
        if text.is_empty() {
            self.wrong(format!("`{column}` is missing"));
        }
    }

    fn texts(&mut self, columns: &[(&str, &str)]) {
        for (column, text) in columns {
            if text.starts_with(FORMULA) {
                self.wrong(format!(
                    "`{column}` begins like a formula of a spreadsheet; leave out the first sign"
                ));
            }
            self.text(column, text);
        }
    }

    /// A telephone number may begin with `+`, if it is a number.
    fn telephone(&mut self, column: &str, text: &str) {
        let fit = |c: char| c.is_ascii_digit() || matches!(c, '+' | ' ' | '.' | '(' | ')' | '-' | '/');
        if text.starts_with(['-', '/']) || !text.chars().all(fit) {
            self.wrong(format!("`{column}` is no telephone number"));
        }
        self.text(column, text);
    }

    fn text(&mut self, column: &str, text: &str) {
        if text.chars().count() > TEXT_CHARS_MAX {
            self.wrong(format!("`{column}` is longer than {TEXT_CHARS_MAX} characters"));
        }
        if text.chars().any(is_invisible) {
            self.wrong(format!("`{column}` holds a control or direction character"));
        }
        if text.trim() != text {
            self.wrong(format!("`{column}` begins or ends with a blank"));
        }
    }

    fn wrong(&mut self, reason: impl Into<String>) {
        let (kind, id) = self.at;
        self.problems.push(Problem { row: None, kind: Some(kind), id: id.to_owned(), reason: reason.into() });
    }
}

/// What a spreadsheet takes for the beginning of a formula.
pub(crate) const FORMULA: [char; 6] = ['=', '+', '-', '@', '\t', '\r'];

fn is_host(name: &str) -> bool {
    let fit = |c: char| c.is_alphanumeric() || matches!(c, '.' | '_' | '-');
    !name.is_empty()
        && name.len() <= NAME_BYTES_MAX
        && name.chars().all(fit)
        && !name.starts_with(['.', '-'])
        && !name.contains("..")
}

/// Characters that a reader does not see: of control, of direction, of no width.
fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

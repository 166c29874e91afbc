//! What a province has: units, their information systems with level, the machines of both. Its documents (CSV, YAML), what
//! is wrong with them, and what an import changes.
//!
//! Invariants: no I/O and no clock; a registry is right as a whole ([`Registry::check`] is empty) or is not put in force;
//! reading back what was written gives the same registry.

mod check;
mod document;
mod import;
mod level;
mod network;

pub use check::{Problem, Reason};
pub use document::{Document, Format, Placed};
pub use import::{Import, Outcome};
pub use level::LevelSince;
pub use network::{Network, NetworkError};

pub use jiff::civil::Date;
use serde::{Deserialize, Serialize};

/// What there are of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// [`Unit`]s.
    Units,
    /// [`System`]s.
    Systems,
    /// [`Asset`]s.
    Assets,
    /// [`Endpoint`]s.
    Endpoints,
}

impl Kind {
    /// Each, in the order in which one refers to another.
    pub const ALL: [Kind; 4] = [Kind::Units, Kind::Systems, Kind::Assets, Kind::Endpoints];

    /// The word in documents and addresses.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Kind::Units => "units",
            Kind::Systems => "systems",
            Kind::Assets => "assets",
            Kind::Endpoints => "endpoints",
        }
    }

    /// The word for one of them.
    #[must_use]
    pub fn one(self) -> &'static str {
        self.name().trim_end_matches('s')
    }

    /// The kind that the word names.
    #[must_use]
    pub fn by_name(name: &str) -> Option<Kind> {
        Kind::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// An organisation: a department, a district, a commune, the province itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Unit {
    /// Short and lasting: `so-y-te`.
    pub id: String,
    /// `Sở Y tế`.
    pub name: String,
    /// `department`, `district`, `commune`, or what the province calls it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub kind: String,
    /// The unit above.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub parent: String,
    /// The code of the national list: `000.00.14.H06`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub official_code: String,
    /// Its domains, former ones too.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub domains: Vec<String>,
    /// The first day that it exists.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<Date>,
    /// The last day that it exists.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<Date>,
    /// What took its place.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub successor: String,
    /// Where it is, for reports.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub address: String,
    /// For reports.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub telephone: String,
    /// For reports.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub email: String,
    /// Who answers for security there.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub contact_name: String,
    /// Their position.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub contact_position: String,
    /// Their telephone.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub contact_telephone: String,
    /// Their mail address.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub contact_email: String,
}

/// How far the dossier that proposes a system's level has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Dossier {
    /// There is none.
    #[default]
    None,
    /// Being written.
    Drafted,
    /// Handed in.
    Submitted,
    /// Appraised.
    Appraised,
    /// Approved: the level is determined.
    Approved,
}

/// How far the approved protection plan is put into effect.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Plan {
    /// Not at all.
    #[default]
    None,
    /// In part.
    Partly,
    /// In full.
    Fully,
}

/// An information system.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct System {
    /// Short and lasting: `dich-vu-cong`.
    pub id: String,
    /// `Cổng dịch vụ công`.
    pub name: String,
    /// The unit that operates it.
    pub unit: String,
    /// The unit that governs it (cơ quan chủ quản), if another.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub owner: String,
    /// 1 to 5; 0 while it is not determined.
    pub level: u8,
    /// The first day of that level.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub level_since: Option<Date>,
    /// What it was before, oldest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub earlier_levels: Vec<LevelSince>,
    /// How far its dossier is.
    #[serde(skip_serializing_if = "is_default")]
    pub dossier: Dossier,
    /// The number of the decision that approved the level.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub decision: String,
    /// The day of that decision.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decided: Option<Date>,
    /// How far its protection plan is.
    #[serde(skip_serializing_if = "is_default")]
    pub plan: Plan,
    /// Addresses and networks of its own.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub addresses: Vec<String>,
    /// Domains of its own.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub domains: Vec<String>,
    /// Whether its addresses and domains are registered with the national monitoring system.
    #[serde(skip_serializing_if = "is_default")]
    pub registered: bool,
    /// Who provides security services for it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub provider: String,
    /// Who connects it to the outside.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub isp: String,
}

/// A machine, or a network of machines, that belongs to a system or only to a unit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Asset {
    /// Short and lasting: `dvc-web-01`.
    pub id: String,
    /// The system that it is part of.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub system: String,
    /// The unit that has it; the system's, if not given.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub unit: String,
    /// Addresses and networks.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub addresses: Vec<String>,
    /// Host names.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub hosts: Vec<String>,
    /// Whether logs are expected of it.
    #[serde(skip_serializing_if = "is_true")]
    pub logs: bool,
}

impl Default for Asset {
    fn default() -> Asset {
        Asset {
            id: String::new(),
            system: String::new(),
            unit: String::new(),
            addresses: Vec::new(),
            hosts: Vec::new(),
            logs: true,
        }
    }
}

/// A computer that is to have antivirus. Its id is its host name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Endpoint {
    /// Its host name.
    pub id: String,
    /// The unit that has it.
    pub unit: String,
    /// The system that it is part of, if of one.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub system: String,
    /// Its addresses.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub addresses: Vec<String>,
    /// Its operating system.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub os: String,
    /// Its antivirus.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub antivirus: String,
}

/// All of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Registry {
    /// The units.
    pub units: Vec<Unit>,
    /// The systems.
    pub systems: Vec<System>,
    /// The machines.
    pub assets: Vec<Asset>,
    /// The computers with antivirus.
    pub endpoints: Vec<Endpoint>,
}

/// A row of any kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entry {
    /// Of the units.
    Unit(Unit),
    /// Of the systems.
    System(System),
    /// Of the assets.
    Asset(Asset),
    /// Of the endpoints.
    Endpoint(Endpoint),
}

impl Entry {
    /// What it is one of.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Entry::Unit(_) => Kind::Units,
            Entry::System(_) => Kind::Systems,
            Entry::Asset(_) => Kind::Assets,
            Entry::Endpoint(_) => Kind::Endpoints,
        }
    }

    /// Its id.
    #[must_use]
    pub fn id(&self) -> &str {
        match self {
            Entry::Unit(unit) => &unit.id,
            Entry::System(system) => &system.id,
            Entry::Asset(asset) => &asset.id,
            Entry::Endpoint(endpoint) => &endpoint.id,
        }
    }

    /// As JSON, one form for one content.
    #[must_use]
    pub fn body(&self) -> String {
        let text = match self {
            Entry::Unit(unit) => serde_json::to_string(unit),
            Entry::System(system) => serde_json::to_string(system),
            Entry::Asset(asset) => serde_json::to_string(asset),
            Entry::Endpoint(endpoint) => serde_json::to_string(endpoint),
        };
        text.unwrap_or_default() // strings, numbers and lists of them always have a form
    }

    /// Reads what [`Entry::body`] wrote; `None` if it is none of that kind.
    #[must_use]
    pub fn read(kind: Kind, body: &str) -> Option<Entry> {
        Some(match kind {
            Kind::Units => Entry::Unit(serde_json::from_str(body).ok()?),
            Kind::Systems => Entry::System(serde_json::from_str(body).ok()?),
            Kind::Assets => Entry::Asset(serde_json::from_str(body).ok()?),
            Kind::Endpoints => Entry::Endpoint(serde_json::from_str(body).ok()?),
        })
    }
}

impl Registry {
    /// Every row: units, systems, assets, endpoints.
    pub fn entries(&self) -> impl Iterator<Item = Entry> + '_ {
        let units = self.units.iter().cloned().map(Entry::Unit);
        let systems = self.systems.iter().cloned().map(Entry::System);
        let assets = self.assets.iter().cloned().map(Entry::Asset);
        let endpoints = self.endpoints.iter().cloned().map(Entry::Endpoint);
        units.chain(systems).chain(assets).chain(endpoints)
    }

    /// Adds a row.
    pub fn push(&mut self, entry: Entry) {
        match entry {
            Entry::Unit(unit) => self.units.push(unit),
            Entry::System(system) => self.systems.push(system),
            Entry::Asset(asset) => self.assets.push(asset),
            Entry::Endpoint(endpoint) => self.endpoints.push(endpoint),
        }
    }

    /// How many rows there are of a kind.
    #[must_use]
    pub fn count(&self, kind: Kind) -> usize {
        match kind {
            Kind::Units => self.units.len(),
            Kind::Systems => self.systems.len(),
            Kind::Assets => self.assets.len(),
            Kind::Endpoints => self.endpoints.len(),
        }
    }
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
fn is_true(value: &bool) -> bool {
    *value
}

#[cfg(test)]
mod tests;

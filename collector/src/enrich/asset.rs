//! The registry: whose machine is it, which information system does it belong to, of which level.
//!
//! An event is attributed to one asset, found by the first of these that is registered: `host.name` and `host.ip` (the
//! machine that wrote of itself), `destination.*` (what was attacked), `source.*` (who of us acted), `observer.*` and
//! `log.syslog.hostname` (the device that saw it), `haidang.collector.address` (who sent the line). Within each, the
//! name goes before the address: addresses are handed on, names less so.

use event::{Event, Field, Time, Value};
use registry::{Document, Format, Import, Network, Problem, Registry, System, Unit};
use std::collections::HashMap;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

/// A mistake in the registry's file.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("asset registry {path}: {reason}")]
pub struct AssetError {
    /// The file.
    pub path: PathBuf,
    /// Where in it, what is wrong and what would be right.
    pub reason: String,
}

/// What the registry says of an asset. Empty or 0 is unknown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Asset {
    /// `haidang.asset.id`.
    pub id: String,
    /// `haidang.unit.id`.
    pub unit_id: String,
    /// `haidang.unit.name`.
    pub unit_name: String,
    /// `haidang.system.id`.
    pub system_id: String,
    /// `haidang.system.name`.
    pub system_name: String,
    /// `haidang.system.level`, 1 to 5.
    pub system_level: u8,
    /// What it was before, oldest first: each with its first moment.
    pub earlier_levels: Vec<(Time, u8)>,
    /// The first moment of `system_level`.
    pub level_since: Option<Time>,
}

impl Asset {
    /// The level at that moment, 0 if it had none.
    fn level_at(&self, time: Time) -> u8 {
        if self.level_since.is_none_or(|since| since <= time) {
            return self.system_level;
        }
        let earlier = self.earlier_levels.iter().rev();
        earlier
            .map(|(since, level)| (*since, *level))
            .find(|(since, _)| *since <= time)
            .map_or(0, |(_, level)| level)
    }
}

/// The registry, ready for looking up.
#[derive(Debug, Default)]
pub struct Assets {
    assets: Vec<Asset>,
    /// From where on (addresses as IPv6 numbers) which asset has the longest prefix; sorted, without overlap.
    stretches: Vec<(u128, Option<usize>)>,
    /// Names as registered, in lower case.
    names: HashMap<Box<str>, usize>,
    /// The first labels of registered full names; `None` if two assets share one.
    short_names: HashMap<Box<str>, Option<usize>>,
}

/// No DNS name is longer.
const NAME_BYTES_MAX: usize = 255;

impl Assets {
    /// Reads the registry's file (YAML).
    ///
    /// # Errors
    /// Every mistake at once, or why the file cannot be read.
    pub fn read(path: &Path) -> Result<Assets, Vec<AssetError>> {
        let wrong = |reason: String| AssetError { path: path.to_owned(), reason };
        let told = |problems: Vec<Problem>| -> Vec<AssetError> {
            problems.iter().map(|problem| wrong(problem.to_string())).collect()
        };
        let bytes = std::fs::read(path).map_err(|error| vec![wrong(error.to_string())])?;
        let document = Document::read(Format::Yaml, &bytes).map_err(told)?;
        let outcome = Import::default().apply(&Registry::default(), document).map_err(told)?;
        let mut registry = Registry::default();
        for entry in outcome.added {
            registry.push(entry);
        }
        Ok(Assets::of_registry(&registry))
    }

    /// The table of a registry that was checked: of what contradicts itself, the later wins.
    #[must_use]
    pub fn of_registry(registry: &Registry) -> Assets {
        let mut build = Build {
            units: registry.units.iter().map(|unit| (unit.id.as_str(), unit)).collect(),
            systems: registry.systems.iter().map(|system| (system.id.as_str(), system)).collect(),
            assets: Assets::default(),
            networks: Vec::new(),
        };
        for system in &registry.systems {
            build.add("", &system.unit, &system.id, &system.addresses, &system.domains);
        }
        for asset in &registry.assets {
            build.add(&asset.id, &asset.unit, &asset.system, &asset.addresses, &asset.hosts);
        }
        for endpoint in &registry.endpoints {
            let name = std::slice::from_ref(&endpoint.id);
            build.add(&endpoint.id, &endpoint.unit, &endpoint.system, &endpoint.addresses, name);
        }
        let Build { mut assets, networks, .. } = build;
        assets.stretches = stretches(networks);
        assets
    }

    /// The asset with the longest prefix around the address.
    #[must_use]
    pub fn by_ip(&self, ip: IpAddr) -> Option<&Asset> {
        let number = Network::number(ip);
        let after = self.stretches.partition_point(|(start, _)| *start <= number);
        let (_, asset) = self.stretches.get(after.checked_sub(1)?)?;
        self.assets.get((*asset)?)
    }

    /// The asset of that name, whatever its case. A short name finds a registered full one if only one asset has it;
    /// a full name finds a registered short one, but never another full one.
    #[must_use]
    pub fn by_name(&self, name: &str) -> Option<&Asset> {
        let mut buffer = [0; NAME_BYTES_MAX];
        let lower = buffer.get_mut(..name.len())?;
        lower.copy_from_slice(name.as_bytes());
        lower.make_ascii_lowercase();
        let name = std::str::from_utf8(lower).ok()?;
        let short = name.split_once('.').map(|(short, _)| short);
        let found = self.names.get(name).copied().or_else(|| match short {
            Some(short) => self.names.get(short).copied(),
            None => self.short_names.get(name).copied().flatten(),
        });
        self.assets.get(found?)
    }

    /// Adds `haidang.unit.*`, `haidang.system.*` and `haidang.asset.id`.
    pub(super) fn enrich(&self, event: &mut Event) {
        let Some(asset) = self.of(event) else { return };
        for (field, text) in [
            (Field::HAIDANG_ASSET_ID, &asset.id),
            (Field::HAIDANG_UNIT_ID, &asset.unit_id),
            (Field::HAIDANG_UNIT_NAME, &asset.unit_name),
            (Field::HAIDANG_SYSTEM_ID, &asset.system_id),
            (Field::HAIDANG_SYSTEM_NAME, &asset.system_name),
        ] {
            if !text.is_empty() {
                event.set(field, Value::Text(text));
            }
        }
        let level = asset.level_at(believed(event));
        if level > 0 {
            event.set(Field::HAIDANG_SYSTEM_LEVEL, Value::Long(i64::from(level)));
        }
    }

    fn of(&self, event: &Event) -> Option<&Asset> {
        if self.assets.is_empty() {
            return None;
        }
        const ORDER: [Field; 12] = [
            Field::HOST_NAME,
            Field::HOST_HOSTNAME,
            Field::HOST_IP,
            Field::DESTINATION_DOMAIN,
            Field::DESTINATION_IP,
            Field::SOURCE_DOMAIN,
            Field::SOURCE_IP,
            Field::OBSERVER_NAME,
            Field::OBSERVER_HOSTNAME,
            Field::OBSERVER_IP,
            Field::LOG_SYSLOG_HOSTNAME,
            Field::HAIDANG_COLLECTOR_ADDRESS,
        ];
        // One pass over the event; most of its fields are none of these.
        let mut values: [Option<Value<'_>>; ORDER.len()] = [None; ORDER.len()];
        for (field, value) in event.fields() {
            if let Some(at) = ORDER.iter().position(|wanted| *wanted == field) {
                values[at] = values[at].or(Some(value));
            }
        }
        values.into_iter().flatten().find_map(|value| match value {
            Value::Ip(ip) => self.by_ip(ip),
            // A device that knows no name puts its address there.
            Value::Text(name) => {
                self.by_name(name).or_else(|| name.parse().ok().and_then(|ip| self.by_ip(ip)))
            }
            _ => None,
        })
    }
}

/// The event's time, or that of its receipt if its clock cannot be believed.
fn believed(event: &Event) -> Time {
    const DAY_MS: i64 = 86_400_000;
    let (received, time) = (event.id().received(), event.time());
    let is_believed = (received.plus_ms(-400 * DAY_MS)..=received.plus_ms(DAY_MS)).contains(&time);
    if is_believed { time } else { received }
}

/// The first moment of a day in Vietnam, as the law counts days.
fn first_moment(day: registry::Date) -> Time {
    let midnight = jiff::tz::Offset::constant(7).to_timestamp(day.at(0, 0, 0, 0));
    midnight.map_or(Time(0), |stamp| Time(stamp.as_millisecond()))
}

/// From networks, nested but never crossing, to stretches of which each has one owner.
fn stretches(mut networks: Vec<(Network, usize)>) -> Vec<(u128, Option<usize>)> {
    networks.sort_unstable();
    let mut stretches: Vec<(u128, Option<usize>)> = Vec::with_capacity(networks.len() * 2);
    let mut around: Vec<(Network, usize)> = Vec::new();
    let mut begin = |start: u128, owner: Option<usize>| match stretches.last_mut() {
        Some(last) if last.0 == start => last.1 = owner,
        _ => stretches.push((start, owner)),
    };
    for (network, asset) in networks {
        while let Some(ended) = around.pop_if(|(outer, _)| outer.last() < network.start) {
            begin(ended.0.last() + 1, around.last().map(|(_, asset)| *asset));
        }
        begin(network.start, Some(asset));
        around.push((network, asset));
    }
    while let Some(ended) = around.pop() {
        if let Some(next) = ended.0.last().checked_add(1) {
            begin(next, around.last().map(|(_, asset)| *asset));
        }
    }
    stretches
}

/// Collects what the table is made of.
struct Build<'r> {
    units: HashMap<&'r str, &'r Unit>,
    systems: HashMap<&'r str, &'r System>,
    assets: Assets,
    networks: Vec<(Network, usize)>,
}

impl Build<'_> {
    /// An asset with its unit and system looked up. A system's unit need not be repeated.
    fn add(&mut self, id: &str, unit: &str, system: &str, addresses: &[String], hosts: &[String]) {
        let system = self.systems.get(system);
        let unit = if unit.is_empty() { system.map_or("", |system| &system.unit) } else { unit };
        let unit = self.units.get(unit);
        let this = self.assets.assets.len();
        self.assets.assets.push(Asset {
            id: id.to_owned(),
            unit_id: unit.map(|unit| unit.id.clone()).unwrap_or_default(),
            unit_name: unit.map(|unit| unit.name.clone()).unwrap_or_default(),
            system_id: system.map(|system| system.id.clone()).unwrap_or_default(),
            system_name: system.map(|system| system.name.clone()).unwrap_or_default(),
            system_level: system.map_or(0, |system| system.level),
            level_since: system.and_then(|system| system.level_since).map(first_moment),
            earlier_levels: system
                .map(|system| system.earlier_levels.as_slice())
                .unwrap_or_default()
                .iter()
                .map(|one| (one.since.map_or(Time(i64::MIN), first_moment), one.level))
                .collect(),
        });
        let networks = addresses.iter().filter_map(|text| text.parse().ok());
        self.networks.extend(networks.map(|network| (network, this)));
        for host in hosts {
            let name = host.to_ascii_lowercase();
            if let Some((short, _)) = name.split_once('.') {
                let owner = self.assets.short_names.entry(short.into()).or_insert(Some(this));
                if *owner != Some(this) {
                    *owner = None;
                }
            }
            self.assets.names.insert(name.into(), this);
        }
    }
}

#[cfg(test)]
mod tests;

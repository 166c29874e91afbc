//! The registry: whose machine is it, which information system does it belong to, of which level.
//!
//! An event is attributed to one asset, found by the first of these that is registered: `host.name` and `host.ip` (the
//! machine that wrote of itself), `destination.*` (what was attacked), `source.*` (who of us acted), `observer.*` and
//! `log.syslog.hostname` (the device that saw it), `haidang.collector.address` (who sent the line). Within each, the
//! name goes before the address: addresses are handed on, names less so.

use event::{Event, Field, Value};
use serde::Deserialize;
use std::collections::HashMap;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

/// A mistake in the registry.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum AssetError {
    /// The file cannot be read.
    #[error("asset registry {path}: {error}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why not.
        error: String,
    },
    /// An item that contradicts itself or another.
    #[error("asset registry {path}: {item}: {reason}")]
    Item {
        /// The file.
        path: PathBuf,
        /// Which: `system mot-cua`, `asset number 3`.
        item: String,
        /// What is wrong and what would be right.
        reason: String,
    },
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
    /// Reads the registry's file.
    ///
    /// # Errors
    /// Every mistake at once, or why the file cannot be read.
    pub fn read(path: &Path) -> Result<Assets, Vec<AssetError>> {
        let text = std::fs::read_to_string(path).map_err(|error| {
            vec![AssetError::Unreadable { path: path.to_owned(), error: error.to_string() }]
        })?;
        Assets::parse(path, &text)
    }

    /// Reads the registry's text; `path` is only for messages.
    ///
    /// # Errors
    /// Every mistake at once, or the first place where the text is not of the registry's form.
    pub fn parse(path: &Path, text: &str) -> Result<Assets, Vec<AssetError>> {
        let file: File = serde_saphyr::from_str(text).map_err(|error| {
            vec![AssetError::Unreadable { path: path.to_owned(), error: error.to_string() }]
        })?;
        let mut check = Check { path, errors: Vec::new() };
        let assets = check.file(&file);
        if check.errors.is_empty() { Ok(assets) } else { Err(check.errors) }
    }

    /// The asset with the longest prefix around the address.
    #[must_use]
    pub fn by_ip(&self, ip: IpAddr) -> Option<&Asset> {
        let number = as_v6(ip);
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
        if asset.system_level > 0 {
            event.set(Field::HAIDANG_SYSTEM_LEVEL, Value::Long(i64::from(asset.system_level)));
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

fn as_v6(ip: IpAddr) -> u128 {
    match ip {
        IpAddr::V4(ip) => u128::from(ip.to_ipv6_mapped()),
        IpAddr::V6(ip) => u128::from(ip),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    units: Vec<UnitItem>,
    #[serde(default)]
    systems: Vec<SystemItem>,
    #[serde(default)]
    assets: Vec<AssetItem>,
}

// A missing value is empty here, so that every one is reported and not only the first.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct UnitItem {
    #[serde(default)]
    id: String,
    #[serde(default)]
    name: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SystemItem {
    #[serde(default)]
    id: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    level: i64,
    #[serde(default)]
    unit: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AssetItem {
    #[serde(default)]
    id: String,
    #[serde(default)]
    unit: String,
    #[serde(default)]
    system: String,
    #[serde(default)]
    addresses: Vec<String>,
    #[serde(default)]
    hosts: Vec<String>,
}

/// A network: its first address and how many bits of it are the prefix.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Prefix {
    start: u128,
    length: u32,
    asset: usize,
}

impl Prefix {
    fn parse(text: &str) -> Result<(u128, u32), &'static str> {
        const WANTED: &str = "is no network; write 192.0.2.0/24, 2001:db8::/32 or one address";
        let (address, length) = text.split_once('/').map_or((text, None), |(a, length)| (a, Some(length)));
        let ip: IpAddr = address.parse().map_err(|_| WANTED)?;
        let (most, shift) = if ip.is_ipv4() { (32, 96) } else { (128, 0) };
        let length: u32 = length.map_or(Ok(most), str::parse).map_err(|_| WANTED)?;
        if length > most {
            return Err("has a prefix longer than its address");
        }
        let (start, length) = (as_v6(ip), length + shift);
        if start & host_bits(length) != 0 {
            return Err("has bits set behind its prefix; is the length right?");
        }
        Ok((start, length))
    }

    fn last(self) -> u128 {
        self.start | host_bits(self.length)
    }
}

fn host_bits(length: u32) -> u128 {
    u128::MAX.checked_shr(length).unwrap_or(0)
}

/// From prefixes, nested but never crossing, to stretches of which each has one owner.
fn stretches(mut prefixes: Vec<Prefix>) -> Vec<(u128, Option<usize>)> {
    prefixes.sort_unstable();
    let mut stretches: Vec<(u128, Option<usize>)> = Vec::with_capacity(prefixes.len() * 2);
    let mut around: Vec<Prefix> = Vec::new();
    let mut begin = |start: u128, owner: Option<usize>| match stretches.last_mut() {
        Some(last) if last.0 == start => last.1 = owner,
        _ => stretches.push((start, owner)),
    };
    for prefix in prefixes {
        while let Some(ended) = around.pop_if(|outer| outer.last() < prefix.start) {
            begin(ended.last() + 1, around.last().map(|outer| outer.asset));
        }
        begin(prefix.start, Some(prefix.asset));
        around.push(prefix);
    }
    while let Some(ended) = around.pop() {
        if let Some(next) = ended.last().checked_add(1) {
            begin(next, around.last().map(|outer| outer.asset));
        }
    }
    stretches
}

/// Collects mistakes while building.
struct Check<'p> {
    path: &'p Path,
    errors: Vec<AssetError>,
}

impl Check<'_> {
    fn file(&mut self, file: &File) -> Assets {
        let mut units: HashMap<&str, &UnitItem> = HashMap::new();
        for (number, unit) in (1..).zip(&file.units) {
            let item = self.named("unit", &unit.id, number);
            self.wanted(&item, "name", &unit.name);
            if !unit.id.is_empty() && units.insert(&unit.id, unit).is_some() {
                self.wrong(&item, "this id is given twice".into());
            }
        }
        let mut systems: HashMap<&str, &SystemItem> = HashMap::new();
        for (number, system) in (1..).zip(&file.systems) {
            let item = self.named("system", &system.id, number);
            self.wanted(&item, "name", &system.name);
            if !(1..=5).contains(&system.level) {
                self.wrong(&item, format!("`level` is {}; levels are 1 to 5", system.level));
            }
            if !units.contains_key(system.unit.as_str()) {
                self.wrong(&item, format!("`unit` names `{}`, which is not under `units`", system.unit));
            }
            if !system.id.is_empty() && systems.insert(&system.id, system).is_some() {
                self.wrong(&item, "this id is given twice".into());
            }
        }
        let mut built = Assets::default();
        let mut prefixes = Vec::new();
        for (number, asset) in (1..).zip(&file.assets) {
            let item = self.named("asset", &asset.id, number);
            if !asset.id.is_empty() && built.assets.iter().any(|other| other.id == asset.id) {
                self.wrong(&item, "this id is given twice".into());
            }
            let resolved = self.resolve(&item, asset, &units, &systems);
            self.addresses(&item, asset, &built, &mut prefixes);
            self.hosts(&item, asset, &mut built);
            built.assets.push(resolved);
        }
        built.stretches = stretches(prefixes);
        built
    }

    /// The asset with its unit and system looked up. A system's unit need not be repeated.
    fn resolve(
        &mut self,
        item: &str,
        asset: &AssetItem,
        units: &HashMap<&str, &UnitItem>,
        systems: &HashMap<&str, &SystemItem>,
    ) -> Asset {
        let mut resolved = Asset { id: asset.id.clone(), ..Asset::default() };
        let mut unit_id = asset.unit.as_str();
        if let Some(system) = systems.get(asset.system.as_str()) {
            resolved.system_id.clone_from(&system.id);
            resolved.system_name.clone_from(&system.name);
            resolved.system_level = u8::try_from(system.level).unwrap_or(0);
            if unit_id.is_empty() {
                unit_id = &system.unit;
            }
        } else if !asset.system.is_empty() {
            self.wrong(item, format!("`system` names `{}`, which is not under `systems`", asset.system));
        } else if unit_id.is_empty() {
            self.wrong(item, "neither `system` nor `unit` is given; name one".into());
        }
        if let Some(unit) = units.get(unit_id) {
            resolved.unit_id.clone_from(&unit.id);
            resolved.unit_name.clone_from(&unit.name);
        } else if !asset.unit.is_empty() {
            self.wrong(item, format!("`unit` names `{unit_id}`, which is not under `units`"));
        }
        if asset.addresses.is_empty() && asset.hosts.is_empty() {
            self.wrong(item, "has neither `addresses` nor `hosts`, so no event can be its".into());
        }
        resolved
    }

    fn addresses(&mut self, item: &str, asset: &AssetItem, built: &Assets, prefixes: &mut Vec<Prefix>) {
        for text in &asset.addresses {
            match Prefix::parse(text) {
                Err(reason) => self.wrong(item, format!("`{text}` {reason}")),
                Ok((start, length)) => {
                    let twin = prefixes.iter().find(|other| (other.start, other.length) == (start, length));
                    if let Some(twin) = twin {
                        let other = built.assets.get(twin.asset).map_or(asset.id.as_str(), |other| &other.id);
                        self.wrong(item, format!("`{text}` already belongs to asset `{other}`"));
                    }
                    prefixes.push(Prefix { start, length, asset: built.assets.len() });
                }
            }
        }
    }

    fn hosts(&mut self, item: &str, asset: &AssetItem, built: &mut Assets) {
        let this = built.assets.len();
        for host in &asset.hosts {
            let name = host.to_ascii_lowercase();
            if name.is_empty() || name.len() > NAME_BYTES_MAX || name.contains(char::is_whitespace) {
                self.wrong(item, format!("`{host}` is no host name"));
                continue;
            }
            if let Some((short, _)) = name.split_once('.') {
                let owner = built.short_names.entry(short.into()).or_insert(Some(this));
                if *owner != Some(this) {
                    *owner = None;
                }
            }
            if built.names.insert(name.into(), this).is_some() {
                self.wrong(item, format!("host `{host}` is given twice"));
            }
        }
    }

    fn named(&mut self, kind: &str, id: &str, number: usize) -> String {
        if !id.is_empty() {
            return format!("{kind} {id}");
        }
        let item = format!("{kind} number {number}");
        self.wanted(&item, "id", id);
        item
    }

    fn wanted(&mut self, item: &str, key: &str, value: &str) {
        if value.is_empty() {
            self.wrong(item, format!("`{key}` is missing"));
        }
    }

    fn wrong(&mut self, item: &str, reason: String) {
        self.errors.push(AssetError::Item { path: self.path.to_owned(), item: item.to_owned(), reason });
    }
}

#[cfg(test)]
mod tests;

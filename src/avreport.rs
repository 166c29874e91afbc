//! The antivirus report of a period, out of the stores.

use anyhow::Context as _;
use compliance::Antivirus;
use event::Time;
use exchange::edxml::{AvReport, AvReportConfig, Connection, Machine, Malware, Signer, System};
use registry::Endpoint;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use store::cases::Cases;
use store::events::Events;

/// Who signs.
///
/// # Errors
/// The configuration names no key, or one that does not sign.
pub(crate) fn signer(config: &AvReportConfig) -> anyhow::Result<Signer> {
    let (Some(key), Some(certificate)) = (&config.key_file, &config.certificate_file) else {
        anyhow::bail!("a report is signed: set `key_file` and `certificate_file` in `[exchange.avreport]`");
    };
    let read =
        |path: &std::path::Path| std::fs::read(path).with_context(|| format!("read {}", path.display()));
    Signer::new(&read(key)?, &read(certificate)?)
        .with_context(|| format!("sign with {} and {}", key.display(), certificate.display()))
}

/// What antivirus found in the period and what the registry has of computers.
///
/// # Errors
/// A store refuses.
pub(crate) async fn report(
    events: &Events,
    cases: &Cases,
    config: &AvReportConfig,
    (from, to): (Time, Time),
) -> anyhow::Result<AvReport> {
    let max = config.rows_max;
    let found = events.malware_found(from, to, max).await.context("sum up what antivirus found")?;
    let calls = events.bad_calls(from, to, max).await.context("look for calls to bad addresses")?;
    let told = events.antivirus_before(to, OUTDATED_DAYS).await.context("ask what antivirus told")?;
    let registry = cases.registry().await.context("read the registry")?;
    let most = usize::try_from(max).unwrap_or(usize::MAX);
    let machines = registry.endpoints.len() + told.len();
    for (what, rows) in [("malware", found.len()), ("connection", calls.len()), ("os", machines)] {
        if rows >= most {
            tracing::warn!(what, rows_max = max, "a part of the report is cut: raise `rows_max`");
        }
    }
    let products: BTreeSet<&str> = found.iter().map(|found| found.product.trim()).collect();
    let product = products.into_iter().collect::<Vec<_>>().join(", ");
    let malware = found.into_iter().map(|found| Malware {
        kind: kind(&found.category, &found.name),
        machine: Machine { name: found.machine, address: found.address },
        name: found.name,
        action: found.action,
        device: found.device,
        files: found.files,
    });
    let connections = calls.into_iter().map(|call| Connection {
        machine: Machine { name: call.machine, address: address(call.address) },
        program: call.program,
        md5: call.md5,
        sha256: call.sha256,
        target: call.target.to_string(),
    });
    let outdated = outdated(&registry.endpoints, &told, to);
    let mut systems = systems(registry.endpoints, told);
    systems.truncate(most);
    Ok(AvReport {
        product,
        from,
        to,
        malware: malware.collect(),
        connections: connections.collect(),
        systems,
        outdated,
    })
}

/// The letter counts machines without an update for so long.
const OUTDATED_DAYS: u16 = 15;

/// The registry's computers, and behind them those that antivirus tells of and the registry does not know.
fn systems(endpoints: Vec<Endpoint>, mut told: HashMap<String, Antivirus>) -> Vec<System> {
    let mut systems: Vec<System> = endpoints
        .into_iter()
        .map(|endpoint| System {
            updated: told.remove(&endpoint.id.to_lowercase()).and_then(|told| told.updated),
            machine: Machine {
                name: endpoint.id,
                address: endpoint.addresses.into_iter().next().unwrap_or_default(),
            },
            os: endpoint.os,
        })
        .collect();
    let unknown: BTreeMap<String, Antivirus> = told.into_iter().collect();
    systems.extend(unknown.into_iter().map(|(name, told)| System {
        machine: Machine { name, address: String::new() },
        os: String::new(),
        updated: told.updated,
    }));
    systems
}

/// How many machines with antivirus had no update for so long; not known where no machine tells of updates.
fn outdated(endpoints: &[Endpoint], told: &HashMap<String, Antivirus>, at: Time) -> Option<u64> {
    if told.values().all(|told| told.updated.is_none()) {
        return None;
    }
    let since = at.plus_ms(-i64::from(OUTDATED_DAYS) * 86_400_000);
    let is_old = |told: &Antivirus| told.updated.is_none_or(|updated| updated < since);
    let silent = endpoints
        .iter()
        .filter(|endpoint| !endpoint.antivirus.is_empty() && !told.contains_key(&endpoint.id.to_lowercase()));
    Some((told.values().filter(|told| is_old(told)).count() + silent.count()) as u64)
}

/// An address, or nothing where the event named none.
fn address(address: std::net::IpAddr) -> String {
    if address.is_unspecified() { String::new() } else { address.to_string() }
}

/// What kind of malware it is: the product's word, else a word in the name that it gives.
fn kind(category: &str, name: &str) -> String {
    const KINDS: [&str; 14] = [
        "Ransom", "Backdoor", "Rootkit", "Trojan", "Worm", "Exploit", "Spy", "Miner", "Adware", "HackTool",
        "Phish", "Riskware", "PUA", "Virus",
    ];
    if !category.is_empty() {
        return category.to_owned();
    }
    let name = name.to_ascii_lowercase();
    let known = KINDS.iter().find(|kind| name.contains(&kind.to_ascii_lowercase()));
    known.map_or_else(String::new, |kind| (*kind).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn machines_without_an_update_for_fifteen_days_are_those_with_antivirus_that_told_of_none_since() {
        let endpoint = |id: &str, antivirus: &str| Endpoint {
            id: id.into(),
            os: "Windows 11".into(),
            antivirus: antivirus.into(),
            ..Endpoint::default()
        };
        let endpoints = vec![
            endpoint("PC-1", "KES"),
            endpoint("PC-2", "KES"),
            endpoint("PC-3", ""),
            endpoint("PC-4", "KES"),
        ];
        let at = Time::parse("2026-11-28T00:00:00Z").unwrap();
        let days = |days: i64| Some(at.plus_ms(-days * 86_400_000));
        let told = |updated: Option<Time>| Antivirus { seen: at.into(), updated };
        let mut known: HashMap<String, Antivirus> =
            [("pc-1".to_owned(), told(None)), ("may-la".to_owned(), told(None))].into();
        assert_eq!(outdated(&endpoints, &known, at), None);
        known.insert("pc-1".into(), told(days(15)));
        known.insert("pc-2".into(), told(days(15).map(|time| time.plus_ms(-1))));
        // PC-2 is a millisecond too old, PC-4 never told, a machine that nobody registered told of no update.
        assert_eq!(outdated(&endpoints, &known, at), Some(3));
        let systems = systems(endpoints, known);
        let told: Vec<(&str, &str, Option<Time>)> =
            systems.iter().map(|one| (one.machine.name.as_str(), one.os.as_str(), one.updated)).collect();
        assert_eq!(told[0], ("PC-1", "Windows 11", days(15)));
        assert_eq!(told[4], ("may-la", "", None));
    }

    #[test]
    fn the_kind_is_the_products_word_or_one_in_the_name() {
        assert_eq!(kind("Application", "Win32/ViDu.A"), "Application");
        assert_eq!(kind("", "HEUR:Trojan-Ransom.Win32.ViDu.gen"), "Ransom");
        assert_eq!(kind("", "Win.Test.EICAR_HDB-1"), "");
    }
}

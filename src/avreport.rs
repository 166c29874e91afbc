//! The antivirus report of a period, out of the stores.

use anyhow::Context as _;
use event::Time;
use exchange::edxml::{AvReport, AvReportConfig, Connection, Machine, Malware, Signer, System};
use std::collections::BTreeSet;
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
    let registry = cases.registry().await.context("read the registry")?;
    let most = usize::try_from(max).unwrap_or(usize::MAX);
    for (what, rows) in
        [("malware", found.len()), ("connection", calls.len()), ("os", registry.endpoints.len())]
    {
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
        machine: Machine { name: call.machine, address: told(call.address) },
        program: call.program,
        md5: call.md5,
        sha256: call.sha256,
        target: call.target.to_string(),
    });
    let systems = registry.endpoints.into_iter().take(most).map(|endpoint| System {
        machine: Machine {
            name: endpoint.id,
            address: endpoint.addresses.into_iter().next().unwrap_or_default(),
        },
        os: endpoint.os,
        updated: None,
    });
    Ok(AvReport {
        product,
        from,
        to,
        malware: malware.collect(),
        connections: connections.collect(),
        systems: systems.collect(),
        outdated: None,
    })
}

/// An address, or nothing where the event named none.
fn told(address: std::net::IpAddr) -> String {
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
    fn the_kind_is_the_products_word_or_one_in_the_name() {
        assert_eq!(kind("Application", "Win32/ViDu.A"), "Application");
        assert_eq!(kind("", "HEUR:Trojan-Ransom.Win32.ViDu.gen"), "Ransom");
        assert_eq!(kind("", "Win.Test.EICAR_HDB-1"), "");
    }
}

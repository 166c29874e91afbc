//! The configuration file and the files that it names: keys, passwords, rules of one's own.

use super::folder;
use super::manifest::Manifest;
use anyhow::Context as _;
use std::collections::BTreeSet;
use std::fs::File;
use std::path::{Path, PathBuf};

/// A larger file is none of these.
const BYTES_MAX: u64 = 64 << 20;
/// Folders of rules are not deeper.
const DEPTH_MAX: u32 = 8;

/// Copies them into `config/`, below their own paths.
pub(super) fn copy(
    manifest: &mut Manifest,
    file: Option<&Path>,
    data: &Path,
    to: &Path,
) -> anyhow::Result<()> {
    let Some(file) = file else { return Ok(()) };
    let text = std::fs::read_to_string(file).with_context(|| format!("read {}", file.display()))?;
    let table: toml::Table = text.parse().with_context(|| format!("read {}", file.display()))?;
    let mut named = BTreeSet::from([file.to_owned()]);
    table.iter().for_each(|(key, value)| find(key, value, &mut named));
    let mut found = BTreeSet::new();
    for path in named {
        match std::fs::canonicalize(&path) {
            Ok(path) => gather(&path, 0, &mut found),
            Err(error) => manifest.left_out.push(format!("{}: {error}", path.display())),
        }
    }
    // What is in the data folder is there already, or is not to be.
    for from in found.into_iter().filter(|path| !path.starts_with(data)) {
        let open = File::open(&from).and_then(|file| Ok((file.metadata()?.len(), file)));
        let (bytes, file) = match open {
            Ok(open) => open,
            Err(error) => {
                manifest.left_out.push(format!("{}: {error}", from.display()));
                continue;
            }
        };
        if bytes > BYTES_MAX {
            manifest.left_out.push(format!("{}: larger than {BYTES_MAX} bytes", from.display()));
            continue;
        }
        let path = format!("config{}", from.display());
        let copied = folder::copy(file, &to.join(&path))?;
        manifest.list(path.clone(), copied);
        manifest.config.insert(path, from);
    }
    Ok(())
}

/// The paths that a setting and those below it name: `…_file`, `assets`, the authority `ca`, and `folders` of rules.
fn find(key: &str, value: &toml::Value, named: &mut BTreeSet<PathBuf>) {
    match value {
        toml::Value::String(path) if key.ends_with("_file") || key == "ca" || key == "assets" => {
            named.insert(path.into());
        }
        toml::Value::Array(all) if key == "folders" => {
            named.extend(all.iter().filter_map(|path| path.as_str().map(PathBuf::from)));
        }
        toml::Value::Array(all) => all.iter().for_each(|value| find(key, value, named)),
        toml::Value::Table(table) => table.iter().for_each(|(key, value)| find(key, value, named)),
        _ => {}
    }
}

fn gather(path: &Path, depth: u32, found: &mut BTreeSet<PathBuf>) {
    if path.is_file() {
        let is_rule = path.extension().is_some_and(|ending| ending == "yml" || ending == "yaml");
        if depth == 0 || is_rule {
            found.insert(path.to_owned());
        }
    } else if depth < DEPTH_MAX {
        let entries = std::fs::read_dir(path).into_iter().flatten().map_while(Result::ok);
        entries.for_each(|entry| gather(&entry.path(), depth + 1, found));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_files_that_a_configuration_names_are_found_wherever_they_stand() {
        let text = r#"
            data = "/var/lib/haidang"
            [collector.intake]
            files = ["/var/log/syslog"]
            [collector.enrich]
            assets = "/etc/haidang/assets.yaml"
            geoip = ["/usr/share/geo.mmdb"]
            [rules]
            folders = ["/etc/haidang/rules"]
            [kafka]
            tls = { ca = "/etc/haidang/ca.pem" }
            [[exchange.deliveries]]
            password_file = "/etc/haidang/ncsc.password"
        "#;
        let table: toml::Table = text.parse().unwrap();
        let mut named = BTreeSet::new();
        table.iter().for_each(|(key, value)| find(key, value, &mut named));
        let named: Vec<_> = named.iter().map(|path| path.display().to_string()).collect();
        let wanted = ["assets.yaml", "ca.pem", "ncsc.password", "rules"];
        assert_eq!(named, wanted.map(|name| format!("/etc/haidang/{name}")));
    }
}

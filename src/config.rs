//! The configuration: each crate's own, composed. The only reader of the environment.

use anyhow::Context as _;
use serde::Deserialize;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// The configuration file's content (TOML). Everything has a default.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Config {
    /// Where data lives; `./data` if not given.
    pub(crate) data: Option<PathBuf>,
    pub(crate) collector: Collector,
    pub(crate) pipeline: crate::pipeline::Config,
    pub(crate) rules: crate::rules::Config,
    pub(crate) correlator: correlator::Limits,
    pub(crate) store: Store,
    pub(crate) cases: Cases,
    pub(crate) kafka: crate::kafka::Config,
    pub(crate) api: Api,
    /// Rules of law.
    pub(crate) compliance: crate::compliance::Config,
    /// Where processes without an API say how they are.
    pub(crate) health: crate::health::Config,
    /// Who we are to others and what they may have of us.
    pub(crate) exchange: exchange::Config,
    /// Who issues documents.
    pub(crate) report: ::report::Config,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Collector {
    pub(crate) intake: collector::intake::Config,
    pub(crate) spool: collector::spool::Config,
    /// Where the spool lives; `spool` in the data folder if not given. A disk of its own keeps it out of others' way.
    pub(crate) spool_folder: Option<PathBuf>,
    pub(crate) enrich: collector::enrich::Config,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Store {
    /// The embedded engine.
    pub(crate) engine: store::engine::Config,
    /// A ClickHouse server for `correlate` and `serve`, instead of the embedded engine.
    pub(crate) server: Option<Server>,
    /// What is kept of events, and for how long.
    pub(crate) events: store::events::Config,
}

/// Incidents, users, registry, audit trail.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Cases {
    /// A PostgreSQL server: `postgres://user@host:5432/database`. SQLite in the data folder if not given.
    url: Option<String>,
    /// The file that holds its password and nothing else; `HAIDANG_POSTGRES_PASSWORD` if not given.
    password_file: Option<PathBuf>,
    /// What is kept of them.
    pub(crate) limits: store::cases::Config,
}

impl Cases {
    pub(crate) fn target(&self, data: &Path) -> anyhow::Result<store::cases::Target> {
        let Some(url) = &self.url else { return Ok(store::cases::Target::within(data)) };
        let password = match &self.password_file {
            Some(path) => Some(password(path)?),
            None => environment("HAIDANG_POSTGRES_PASSWORD"),
        };
        let target = store::cases::Target::Server { url: url.clone(), password };
        target.check().context("cases.url")?;
        Ok(target)
    }
}

/// What a file holds that holds a password and nothing else.
fn password(file: &Path) -> anyhow::Result<String> {
    let text = std::fs::read_to_string(file).with_context(|| format!("read {}", file.display()))?;
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}

/// A ClickHouse server or cluster.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Server {
    /// `https://host:8443`.
    url: String,
    /// The account.
    user: String,
    /// The file that holds its password and nothing else.
    password_file: PathBuf,
    /// The database.
    #[serde(default = "haidang")]
    database: String,
    /// The cluster of `ON CLUSTER`; its tables replicate. A single server if not given.
    cluster: Option<String>,
    /// The disk of the server's own configuration (`backups.allowed_disk`) that `haidang backup` has it write to.
    backup_disk: Option<String>,
}

fn haidang() -> String {
    "haidang".to_owned()
}

impl Server {
    /// Where the server puts a backup of this name.
    pub(crate) fn backup_place(&self, name: &str) -> anyhow::Result<String> {
        let disk = self.backup_disk.as_deref().context(
            "store.server.backup_disk is missing: the disk of ClickHouse's configuration (backups.allowed_disk) that it writes backups to",
        )?;
        anyhow::ensure!(
            disk.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-'),
            "store.server.backup_disk {disk:?} is not the name of a disk"
        );
        Ok(format!("Disk('{disk}', '{name}')"))
    }

    pub(crate) fn target(&self) -> anyhow::Result<store::events::Target> {
        Ok(store::events::Target::Server {
            url: self.url.clone(),
            user: self.user.clone(),
            password: password(&self.password_file)?,
            database: self.database.clone(),
            cluster: self.cluster.clone(),
        })
    }
}

#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Api {
    /// Where API and dashboards are served.
    pub(crate) address: SocketAddr,
    pub(crate) limits: api::Config,
}

impl Default for Api {
    fn default() -> Self {
        Api { address: SocketAddr::from(([127, 0, 0, 1], 8080)), limits: api::Config::default() }
    }
}

/// Which installation a command works on.
#[derive(clap::Args, Clone, Debug, Default)]
pub(crate) struct Place {
    /// The configuration file; everything in it has a default
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Where data lives [default: ./data]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
}

/// What the command line of `run` overrides.
#[derive(clap::Args, Clone, Debug, Default)]
pub(crate) struct Overrides {
    #[command(flatten)]
    pub(crate) place: Place,
    /// Where API and dashboards are served [default: 127.0.0.1:8080]
    #[arg(long, value_name = "ADDR")]
    api: Option<SocketAddr>,
    /// Where syslog over UDP and TCP is taken [default: 127.0.0.1:5514]
    #[arg(long, value_name = "ADDR")]
    syslog: Option<SocketAddr>,
    /// Where syslog over TLS is taken [default: 127.0.0.1:6514]
    #[arg(long, value_name = "ADDR")]
    syslog_tls: Option<SocketAddr>,
}

impl Config {
    /// Reads the file, then lets the command line override it.
    pub(crate) fn load(overrides: &Overrides) -> anyhow::Result<Config> {
        let mut config = Config::at(&overrides.place)?;
        if let Some(api) = overrides.api {
            config.api.address = api;
        }
        if let Some(syslog) = overrides.syslog {
            config.collector.intake.udp = vec![syslog];
            config.collector.intake.tcp = vec![syslog];
        }
        if let Some(tls) = overrides.syslog_tls {
            config.collector.intake.tls = vec![tls];
        }
        Ok(config)
    }

    /// Reads the installation's file.
    pub(crate) fn at(place: &Place) -> anyhow::Result<Config> {
        let mut config = match &place.config {
            Some(path) => Config::read(path)?,
            None => Config::default(),
        };
        if place.data.is_some() {
            config.data.clone_from(&place.data);
        }
        Ok(config)
    }

    fn read(path: &Path) -> anyhow::Result<Config> {
        let text = std::fs::read_to_string(path).with_context(|| format!("read {}", path.display()))?;
        toml::from_str(&text).with_context(|| format!("configuration {}", path.display()))
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.data.clone().unwrap_or_else(|| PathBuf::from("data"))
    }
}

/// `HAIDANG_ADMIN_PASSWORD`: the first user's password, used on the first run only.
pub(crate) fn admin_password() -> Option<String> {
    environment("HAIDANG_ADMIN_PASSWORD")
}

fn environment(name: &str) -> Option<String> {
    #[allow(clippy::disallowed_methods, reason = "this file is the one reader of the environment")]
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

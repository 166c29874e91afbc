//! Intake: one file per transport, each from a socket or a file to the spool.
//!
//! At a limit: TCP, TLS, files and standard input wait until the spool has room, so the sender's own buffer fills;
//! UDP lines are dropped and counted as rejected. Connections beyond a limit are closed at once. A connection that
//! sends nothing for `idle_s`, or stays within one frame so long, or does not finish its TLS handshake within
//! `handshake_s`, is closed; what it had sent of a line is kept.

mod file;
pub mod framing;
mod ledger;
mod stdin;
mod tcp;
mod tls;
mod udp;

pub use ledger::{Account, Ledger, Source};
pub use tls::TlsConfig;

use crate::spool::{Lines, Spool};
use event::{Time, Transport};
use serde::Deserialize;
use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{SystemTime, UNIX_EPOCH};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

/// What to listen to, and the limits of it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Addresses for syslog over UDP.
    pub udp: Vec<SocketAddr>,
    /// Addresses for syslog over TCP, newline or octet-counted.
    pub tcp: Vec<SocketAddr>,
    /// Addresses for syslog over TLS.
    pub tls: Vec<SocketAddr>,
    /// Certificate, key and client authority for TLS.
    pub tls_files: TlsConfig,
    /// Files to follow, across rotation.
    pub files: Vec<PathBuf>,
    /// Whether to read lines from standard input.
    pub stdin: bool,
    /// Offsets from UTC of devices whose times carry none; the longest prefix wins.
    pub zones: Vec<Zone>,
    /// The offset from UTC, in seconds, of every other device.
    pub tz_offset_s: i32,
    /// Bytes of a line; longer ones are cut to it and counted.
    pub line_bytes_max: usize,
    /// Open TCP and TLS connections; more are closed at once.
    pub connections_max: usize,
    /// Open connections of one peer; more are closed at once.
    pub connections_per_peer_max: usize,
    /// Seconds a connection may be silent, or take for one frame.
    pub idle_s: u64,
    /// Seconds a TLS handshake may take.
    pub handshake_s: u64,
    /// Bytes read from a connection at once.
    pub read_bytes: usize,
    /// Bytes the kernel is asked to hold for a UDP socket.
    pub udp_receive_bytes: usize,
}

impl Default for Config {
    fn default() -> Config {
        let syslog = |port| vec![SocketAddr::from((Ipv4Addr::LOCALHOST, port))];
        Config {
            udp: syslog(5514),
            tcp: syslog(5514),
            tls: syslog(6514),
            tls_files: TlsConfig::default(),
            files: Vec::new(),
            stdin: false,
            zones: Vec::new(),
            tz_offset_s: 0,
            line_bytes_max: 64 * 1024,
            connections_max: 4096,
            connections_per_peer_max: 1024,
            idle_s: 900,
            handshake_s: 10,
            read_bytes: 16 * 1024,
            udp_receive_bytes: 8 * 1024 * 1024,
        }
    }
}

/// Devices of a network and their offset from UTC.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Zone {
    /// A network's first address.
    pub network: IpAddr,
    /// The bits of it that count.
    pub prefix: u8,
    /// The offset from UTC in seconds.
    pub tz_offset_s: i32,
}

impl Zone {
    fn holds(&self, ip: IpAddr) -> bool {
        let (a, b, bits) = match (self.network, ip) {
            (IpAddr::V4(a), IpAddr::V4(b)) => (u128::from(a.to_bits()), u128::from(b.to_bits()), 32),
            (IpAddr::V6(a), IpAddr::V6(b)) => (a.to_bits(), b.to_bits(), 128),
            _ => return false,
        };
        let free = 128_u32.min(bits).saturating_sub(u32::from(self.prefix));
        (a ^ b).checked_shr(free).unwrap_or(0) == 0
    }
}

/// Why intake could not start.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// An address cannot be listened on.
    #[error(
        "listen on {what} {address}: {source}; is another program on it, or does it need another port or user?"
    )]
    Bind {
        /// The transport.
        what: &'static str,
        /// The address.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// A file is not usable.
    #[error("use {path}: {source}; check that it exists and may be read", path = path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Certificate or key do not serve.
    #[error("TLS: {0}; check `tls_files` in the configuration")]
    Tls(String),
}

/// What every transport needs.
#[derive(Debug)]
struct Intake {
    config: Config,
    spool: Arc<Spool>,
    ledger: Arc<Ledger>,
    connections: Arc<Semaphore>,
    peers: Mutex<HashMap<IpAddr, usize>>,
    stop: watch::Receiver<bool>,
}

impl Intake {
    fn tz_offset_s(&self, peer: Option<IpAddr>) -> i32 {
        let zones = self.config.zones.iter().filter(|zone| peer.is_some_and(|ip| zone.holds(ip)));
        zones.max_by_key(|zone| zone.prefix).map_or(self.config.tz_offset_s, |zone| zone.tz_offset_s)
    }

    /// Completes when intake stops.
    async fn stopped(&self) {
        let mut stop = self.stop.clone();
        let _ = stop.wait_for(|&stop| stop).await; // an error means that `Running` is gone: stop as well
    }
}

/// The current time; the only clock of the collector.
fn now() -> Time {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Time(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

/// The lines of one read, and what to tell the ledger of them.
struct Reading<'i> {
    intake: &'i Intake,
    source: Source,
    transport: Transport,
    peer: Option<IpAddr>,
    tz_offset_s: i32,
    lines: Lines,
}

impl<'i> Reading<'i> {
    fn new(intake: &'i Intake, source: Source, transport: Transport) -> Reading<'i> {
        let peer = match source {
            Source::Peer(ip) => Some(ip),
            _ => None,
        };
        let tz_offset_s = intake.tz_offset_s(peer);
        Reading { intake, source, transport, peer, tz_offset_s, lines: Lines::new() }
    }

    /// Takes what `frame` finds, tells the ledger and waits until the spool has it; gives the number after the last.
    async fn take(
        &mut self,
        frame: impl FnOnce(&mut dyn FnMut(&[u8])) -> framing::Met,
    ) -> Result<Option<u64>, crate::spool::Error> {
        let received = now();
        let mut bytes = 0;
        let met = frame(&mut |line| {
            bytes += line.len() as u64;
            self.lines.push(line, received, self.peer, self.transport, self.tz_offset_s);
        });
        if met == framing::Met::default() {
            return Ok(None);
        }
        // Told before the spool has them: the store must never seem to have more than came in.
        self.intake.ledger.change(&self.source, |account| {
            account.received += met.lines;
            account.cut += met.cut;
            account.empty += met.empty;
            account.bytes += bytes;
            account.last_seen = received;
        });
        if self.lines.is_empty() {
            return Ok(None);
        }
        let range = self.intake.spool.append(&self.lines).await;
        if range.is_err() {
            self.intake.ledger.change(&self.source, |account| account.rejected += met.lines);
        }
        self.lines.clear();
        range.map(|range| Some(range.end))
    }
}

/// Intake at work.
#[derive(Debug)]
pub struct Running {
    addresses: Vec<(Transport, SocketAddr)>,
    stop: watch::Sender<bool>,
    tasks: JoinSet<()>,
}

impl Running {
    /// The addresses listened on, with the port that port 0 became, in the order of the configuration.
    #[must_use]
    pub fn addresses(&self) -> &[(Transport, SocketAddr)] {
        &self.addresses
    }

    /// The first address of `transport`.
    #[must_use]
    pub fn address(&self, transport: Transport) -> Option<SocketAddr> {
        self.addresses.iter().find(|(which, _)| *which == transport).map(|&(_, address)| address)
    }

    /// Stops listening, gives what was read to the spool, and waits for that.
    pub async fn stop(mut self) {
        self.stop.send_replace(true);
        while self.tasks.join_next().await.is_some() {}
    }
}

/// Binds every address and begins.
///
/// # Errors
/// If an address cannot be listened on, or a certificate or a state file cannot be used.
pub async fn start(
    config: &Config,
    spool: Arc<Spool>,
    ledger: Arc<Ledger>,
    data_dir: &Path,
) -> Result<Running, Error> {
    let (stop, stopping) = watch::channel(false);
    let intake = Arc::new(Intake {
        config: config.clone(),
        spool,
        ledger,
        connections: Arc::new(Semaphore::new(config.connections_max.min(Semaphore::MAX_PERMITS))),
        peers: Mutex::default(),
        stop: stopping,
    });
    let mut running = Running { addresses: Vec::new(), stop, tasks: JoinSet::new() };
    for &address in &config.udp {
        let socket = udp::bind(address, config.udp_receive_bytes);
        let socket = socket.map_err(|source| Error::Bind { what: "UDP", address, source })?;
        running.addresses.push((Transport::Udp, socket.local_addr().unwrap_or(address)));
        running.tasks.spawn(udp::run(Arc::clone(&intake), socket));
    }
    let acceptor =
        if config.tls.is_empty() { None } else { Some(tls::acceptor(&config.tls_files, data_dir)?) };
    let plain = config.tcp.iter().map(|&address| (address, None));
    let secure = config.tls.iter().map(|&address| (address, acceptor.clone()));
    for (address, acceptor) in plain.chain(secure) {
        let (what, transport) =
            if acceptor.is_some() { ("TLS", Transport::Tls) } else { ("TCP", Transport::Tcp) };
        let listener = tcp::bind(address).map_err(|source| Error::Bind { what, address, source })?;
        running.addresses.push((transport, listener.local_addr().unwrap_or(address)));
        running.tasks.spawn(tcp::run(Arc::clone(&intake), listener, acceptor));
    }
    for path in &config.files {
        let followed = file::Followed::open(path, data_dir)?;
        running.tasks.spawn(file::run(Arc::clone(&intake), followed));
    }
    if config.stdin {
        running.tasks.spawn(stdin::run(Arc::clone(&intake)));
    }
    Ok(running)
}

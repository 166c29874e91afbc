//! Sockets: which device sends over which, framing, batching, and the pace.

use super::Options;
use super::traffic::Traffic;
use crate::bar::Bar;
use anyhow::Context as _;
use rustls::pki_types::{CertificateDer, ServerName, pem::PemObject as _};
use std::io::Write;
use std::net::{Shutdown, SocketAddr, TcpStream, UdpSocket};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Written at once when so much is waiting.
const BATCH_BYTES: usize = 64 << 10;
/// How long a peer may take to close its side at the end.
const GOODBYE_MAX: Duration = Duration::from_secs(5);
/// Lines between two looks at the clock.
const BURST_LINES: u64 = 512;

/// What was sent, per transport.
#[derive(Default, serde::Serialize)]
pub(super) struct Sent {
    pub(super) udp: u64,
    pub(super) tcp: u64,
    pub(super) tls: u64,
    pub(super) stdout: u64,
}

enum Sink {
    Udp(UdpSocket),
    /// With octet counts or line ends.
    Tcp {
        to: TcpStream,
        counted: bool,
    },
    Tls(Box<rustls::StreamOwned<rustls::ClientConnection, TcpStream>>),
    Stdout(std::io::Stdout),
}

struct Lane {
    sink: Sink,
    waiting: Vec<u8>,
    sent: u64,
}

impl Lane {
    fn push(&mut self, line: &[u8]) -> anyhow::Result<()> {
        self.sent += 1;
        match &self.sink {
            Sink::Udp(socket) => {
                socket.send(line).context("send over UDP: is the collector listening there?")?;
                return Ok(());
            }
            Sink::Tcp { counted: true, .. } | Sink::Tls(_) => {
                write!(self.waiting, "{} ", line.len())?;
                self.waiting.extend_from_slice(line);
            }
            Sink::Tcp { .. } | Sink::Stdout(_) => {
                self.waiting.extend_from_slice(line);
                self.waiting.push(b'\n');
            }
        }
        if self.waiting.len() >= BATCH_BYTES { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> anyhow::Result<()> {
        let (to, transport): (&mut dyn Write, _) = match &mut self.sink {
            Sink::Udp(_) => return Ok(()),
            Sink::Tcp { to, .. } => (to, "TCP"),
            Sink::Tls(to) => (to, "TLS"),
            Sink::Stdout(to) => (to, "stdout"),
        };
        to.write_all(&self.waiting)
            .and_then(|()| to.flush())
            .with_context(|| format!("send over {transport}"))?;
        self.waiting.clear();
        Ok(())
    }

    /// Ends a connection so that the peer gets everything: closing a socket whose peer has sent something unread (over
    /// TLS 1.3, session tickets) would reset the connection and lose what is on its way.
    fn finish(&mut self) -> anyhow::Result<()> {
        self.flush()?;
        let socket = match &mut self.sink {
            Sink::Udp(_) | Sink::Stdout(_) => return Ok(()),
            Sink::Tcp { to, .. } => to,
            Sink::Tls(to) => {
                to.conn.send_close_notify();
                to.flush().context("end TLS")?;
                &mut to.sock
            }
        };
        socket.shutdown(Shutdown::Write).context("end the connection")?;
        socket.set_read_timeout(Some(GOODBYE_MAX))?;
        // A peer that keeps its side open, or has reset it, has what it wanted.
        let _ = std::io::copy(socket, &mut std::io::sink());
        Ok(())
    }
}

/// Sends `total` lines at the options' pace and counts them.
pub(super) fn send(traffic: &mut Traffic<'_>, options: &Options, total: u64) -> anyhow::Result<Sent> {
    let mut groups = open(options)?;
    let paced = options.rate > 0 && !options.stdout;
    let mut bar = if options.stdout { Bar::hidden() } else { Bar::new(total) };
    let (started, mut sent, mut line) = (Instant::now(), 0u64, Vec::with_capacity(2048));
    while sent < total {
        let elapsed = started.elapsed();
        let due = if paced { due(elapsed, options.rate).min(total) } else { total };
        let burst = due.saturating_sub(sent).min(BURST_LINES);
        for _ in 0..burst {
            line.clear();
            let device = traffic.next(&mut line);
            let group_count = groups.len();
            let group = &mut groups[device % group_count];
            let lane_count = group.len();
            group[device / group_count % lane_count].push(&line)?;
        }
        sent += burst;
        if paced && burst < BURST_LINES {
            groups.iter_mut().flatten().try_for_each(Lane::flush)?;
            std::thread::sleep(Duration::from_millis(2));
        }
        bar.draw(sent, "");
    }
    groups.iter_mut().flatten().try_for_each(Lane::finish)?;
    bar.end(total, "");
    Ok(count(&groups))
}

/// How many lines ought to have been sent by now: the rate times the time since the start, and one.
pub(super) fn due(elapsed: Duration, rate: u64) -> u64 {
    u64::try_from(elapsed.as_micros() * u128::from(rate) / 1_000_000).unwrap_or(u64::MAX).saturating_add(1)
}

fn count(groups: &[Vec<Lane>]) -> Sent {
    let mut sent = Sent::default();
    for lane in groups.iter().flatten() {
        *match lane.sink {
            Sink::Udp(_) => &mut sent.udp,
            Sink::Tcp { .. } => &mut sent.tcp,
            Sink::Tls(_) => &mut sent.tls,
            Sink::Stdout(_) => &mut sent.stdout,
        } += lane.sent;
    }
    sent
}

/// One group for each target; a device stays with one group and one connection, so that its lines keep their order.
fn open(options: &Options) -> anyhow::Result<Vec<Vec<Lane>>> {
    let lane = |sink| Lane { sink, waiting: Vec::new(), sent: 0 };
    let mut groups = Vec::new();
    if options.stdout {
        groups.push(vec![lane(Sink::Stdout(std::io::stdout()))]);
        return Ok(groups);
    }
    if let Some(target) = options.target_udp {
        let any: SocketAddr = if target.is_ipv6() { ([0u16; 8], 0).into() } else { ([0u8; 4], 0).into() };
        let socket = UdpSocket::bind(any).context("open a UDP socket")?;
        socket.connect(target).with_context(|| format!("UDP target {target}"))?;
        groups.push(vec![lane(Sink::Udp(socket))]);
    }
    if let Some(target) = options.target_tcp {
        let connect = |number: u16| {
            let to = TcpStream::connect(target).with_context(|| format!("connect to TCP target {target}"))?;
            // Both framings of RFC 6587, in turn.
            Ok(lane(Sink::Tcp { to, counted: number % 2 == 1 }))
        };
        groups.push((0..options.connections.get()).map(connect).collect::<anyhow::Result<_>>()?);
    }
    if let Some(target) = options.target_tls {
        let config = tls(options, target)?;
        let connect = |_| {
            let tcp =
                TcpStream::connect(target).with_context(|| format!("connect to TLS target {target}"))?;
            let session = rustls::ClientConnection::new(Arc::clone(&config), ServerName::from(target.ip()))?;
            Ok(lane(Sink::Tls(Box::new(rustls::StreamOwned::new(session, tcp)))))
        };
        groups.push((0..options.connections.get()).map(connect).collect::<anyhow::Result<_>>()?);
    }
    Ok(groups)
}

fn tls(options: &Options, target: SocketAddr) -> anyhow::Result<Arc<rustls::ClientConfig>> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = rustls::ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()?;
    let config = if let Some(path) = &options.tls_ca {
        let mut roots = rustls::RootCertStore::empty();
        for certificate in
            CertificateDer::pem_file_iter(path).with_context(|| format!("--tls-ca {}", path.display()))?
        {
            roots.add(certificate?)?;
        }
        builder.with_root_certificates(roots)
    } else {
        anyhow::ensure!(
            options.tls_insecure,
            "--target-tls needs --tls-ca FILE, or --tls-insecure on loopback"
        );
        anyhow::ensure!(
            target.ip().is_loopback(),
            "--tls-insecure is for loopback only, and {target} is not"
        );
        builder.dangerous().with_custom_certificate_verifier(Arc::new(Anyone(provider)))
    };
    Ok(Arc::new(config.with_no_client_auth()))
}

/// Believes every server, for loopback, where the peer is this machine.
#[derive(Debug)]
struct Anyone(Arc<rustls::crypto::CryptoProvider>);

impl rustls::client::danger::ServerCertVerifier for Anyone {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: rustls::pki_types::UnixTime,
    ) -> Result<rustls::client::danger::ServerCertVerified, rustls::Error> {
        Ok(rustls::client::danger::ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &rustls::DigitallySignedStruct,
    ) -> Result<rustls::client::danger::HandshakeSignatureValid, rustls::Error> {
        let schemes = &self.0.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, certificate, signature, schemes)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &rustls::DigitallySignedStruct,
    ) -> Result<rustls::client::danger::HandshakeSignatureValid, rustls::Error> {
        let schemes = &self.0.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signature, schemes)
    }

    fn supported_verify_schemes(&self) -> Vec<rustls::SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

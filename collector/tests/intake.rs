//! Intake over real sockets and files, and what hostile or broken senders do to it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // helpers of tests fail the test

use collector::intake::{self, Config, Ledger, Running, Source};
use collector::spool::{self, Spool};
use event::Transport;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket};

const SOON: Duration = Duration::from_secs(60);

struct TestIntake {
    running: Running,
    spool: Arc<Spool>,
    ledger: Arc<Ledger>,
}

fn loopback() -> Config {
    let any_port = vec![SocketAddr::from((Ipv4Addr::LOCALHOST, 0))];
    Config { udp: any_port.clone(), tcp: any_port.clone(), tls: any_port, ..Config::default() }
}

fn no_sockets() -> Config {
    Config { udp: Vec::new(), tcp: Vec::new(), tls: Vec::new(), ..Config::default() }
}

async fn start(dir: &Path, config: &Config) -> TestIntake {
    let settings = spool::Config { sync_ms: 1, ..spool::Config::default() };
    let (spool, _) = Spool::open(&dir.join("spool"), &settings).unwrap();
    let (spool, ledger) = (Arc::new(spool), Arc::new(Ledger::new(100)));
    let running = intake::start(config, Arc::clone(&spool), Arc::clone(&ledger), dir).await.unwrap();
    TestIntake { running, spool, ledger }
}

impl TestIntake {
    fn address(&self, transport: Transport) -> SocketAddr {
        self.running.address(transport).unwrap()
    }

    async fn tcp(&self) -> TcpStream {
        TcpStream::connect(self.address(Transport::Tcp)).await.unwrap()
    }

    /// The lines of the spool once there are `count`.
    async fn lines(&self, count: u64) -> Vec<(Transport, Vec<u8>)> {
        tokio::time::timeout(SOON, self.spool.durable(count + 1)).await.expect("the lines come").unwrap();
        let mut reader = self.spool.reader(0);
        let mut found = Vec::new();
        while reader.next_sequence() < self.spool.status().durable {
            let batch = reader.next_batch(1000, 1 << 20, SOON).unwrap();
            found.extend(batch.iter().map(|record| (record.transport, record.line.to_vec())));
        }
        found
    }

    async fn texts(&self, count: u64) -> Vec<String> {
        let lines = self.lines(count).await;
        lines.into_iter().map(|(_, line)| String::from_utf8_lossy(&line).into_owned()).collect()
    }

    /// Stops orderly, so that another may open the same folder.
    async fn stop(self) {
        self.running.stop().await;
        self.spool.close().unwrap();
    }
}

async fn tls(dir: &Path, address: SocketAddr) -> tokio_rustls::client::TlsStream<TcpStream> {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(dir.join("intake-tls.crt")).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let stream = TcpStream::connect(address).await.unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    tokio_rustls::TlsConnector::from(Arc::new(config)).connect(name, stream).await.unwrap()
}

#[tokio::test]
async fn each_network_transport_delivers_every_line_exactly_once() {
    let dir = tempfile::tempdir().unwrap();
    let test = start(dir.path(), &loopback()).await;
    let mut tcp = test.tcp().await;
    let mut secure = tls(dir.path(), test.address(Transport::Tls)).await;
    let udp = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    for n in 0..200 {
        tcp.write_all(format!("<13>tcp {n}\n").as_bytes()).await.unwrap();
        let line = format!("<13>tls {n}");
        secure.write_all(format!("{} {line}", line.len()).as_bytes()).await.unwrap();
        udp.send_to(format!("<13>udp {n}\n").as_bytes(), test.address(Transport::Udp)).await.unwrap();
    }
    secure.flush().await.unwrap();
    let found = test.lines(600).await;
    for (transport, name) in [(Transport::Tcp, "tcp"), (Transport::Tls, "tls"), (Transport::Udp, "udp")] {
        let mine: Vec<String> = found
            .iter()
            .filter(|(which, _)| *which == transport)
            .map(|(_, line)| String::from_utf8_lossy(line).into_owned())
            .collect();
        assert_eq!(mine, (0..200).map(|n| format!("<13>{name} {n}")).collect::<Vec<_>>());
    }
    let (source, account) = test.ledger.snapshot().remove(0);
    assert_eq!(source, Source::Peer(IpAddr::from(Ipv4Addr::LOCALHOST)));
    assert_eq!((account.received, account.rejected, account.spooled()), (600, 0, 600));
}

#[tokio::test]
async fn a_last_line_without_its_end_and_what_was_sent_before_the_stop_are_kept() {
    let dir = tempfile::tempdir().unwrap();
    let test = start(dir.path(), &loopback()).await;
    let mut tcp = test.tcp().await;
    tcp.write_all(b"<13>one\n\n<13>two").await.unwrap();
    tcp.shutdown().await.unwrap();
    assert_eq!(test.texts(2).await, ["<13>one", "<13>two"]);
    let mut tcp = test.tcp().await;
    tcp.write_all(b"<13>three\n<13>half").await.unwrap();
    test.lines(3).await; // accepted and being read
    let TestIntake { running, spool, ledger } = test;
    running.stop().await;
    assert_eq!(spool.status().accepted, 5);
    assert_eq!(ledger.snapshot()[0].1.empty, 1);
}

#[tokio::test]
async fn huge_binary_and_broken_lines_are_cut_or_kept_and_the_next_line_is_whole() {
    let dir = tempfile::tempdir().unwrap();
    let test = start(dir.path(), &loopback()).await;
    let mut tcp = test.tcp().await;
    tcp.write_all(&vec![b'x'; 1 << 20]).await.unwrap();
    tcp.write_all(b"\n<13>\xff\xfe\x01\n999999999 <13>").await.unwrap();
    let mut other = test.tcp().await;
    test.lines(2).await;
    other.write_all(b"<13>next\n").await.unwrap();
    let found = test.lines(3).await;
    assert_eq!(found[0].1.len(), 64 * 1024);
    assert_eq!(found[1].1, b"<13>\xff\xfe\x01");
    assert_eq!(found[2].1, b"<13>next");
    assert_eq!(test.ledger.snapshot()[0].1.cut, 1);
}

/// Reads until the other side closes.
async fn closed(mut stream: TcpStream) {
    let mut sink = Vec::new();
    let ended = tokio::time::timeout(SOON, stream.read_to_end(&mut sink)).await;
    assert!(ended.is_ok(), "the connection is closed");
}

#[tokio::test]
async fn silent_and_trickling_peers_and_half_handshakes_are_closed_and_others_are_served() {
    let dir = tempfile::tempdir().unwrap();
    let test = start(dir.path(), &Config { idle_s: 1, handshake_s: 1, ..loopback() }).await;
    let mut half = TcpStream::connect(test.address(Transport::Tls)).await.unwrap();
    half.write_all(b"\x16\x03\x01\x02\x00\x01").await.unwrap();
    let (mut reads, mut writes) = test.tcp().await.into_split();
    let trickle = tokio::spawn(async move {
        while writes.write_all(b"x").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
    closed(half).await;
    closed(test.tcp().await).await;
    let ended = tokio::time::timeout(SOON, reads.read_to_end(&mut Vec::new())).await;
    assert!(ended.is_ok(), "a byte now and then holds no place");
    trickle.abort();
    let mut tcp = test.tcp().await;
    tcp.write_all(b"<13>served\n").await.unwrap();
    assert!(test.texts(2).await.contains(&"<13>served".to_owned()));
}

#[tokio::test]
async fn thousands_of_idle_connections_do_not_keep_a_line_out_and_more_than_allowed_are_closed() {
    let dir = tempfile::tempdir().unwrap();
    // Each takes two descriptors of this process; what the system allows may be fewer than ten thousand.
    let limits = fs::read_to_string("/proc/self/limits").unwrap();
    let open = limits.lines().find_map(|line| line.strip_prefix("Max open files")).unwrap();
    let allowed: usize = open.split_whitespace().next().unwrap().parse().unwrap_or(1 << 20);
    let count = ((allowed - 200) / 2).min(10_000);
    let config = Config { connections_max: count + 1, connections_per_peer_max: count + 1, ..loopback() };
    let test = start(dir.path(), &config).await;
    let mut idle = Vec::new();
    for _ in 0..count {
        idle.push(test.tcp().await);
    }
    let mut tcp = test.tcp().await;
    tcp.write_all(b"<13>through\n").await.unwrap();
    assert_eq!(test.texts(1).await, ["<13>through"]);
    closed(test.tcp().await).await;
}

#[tokio::test]
async fn a_file_is_followed_across_rotation_truncation_and_restarts_without_loss_or_repetition() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("auth.log");
    let write = |text: &str| {
        let mut file = OpenOptions::new().create(true).append(true).open(&path).unwrap();
        file.write_all(text.as_bytes()).unwrap();
    };
    write("1\n2\nhal");
    let config = Config { files: vec![path.clone()], ..no_sockets() };
    let test = start(dir.path(), &config).await;
    assert_eq!(test.texts(2).await, ["1", "2"]);
    write("f 3\n4\n");
    test.lines(4).await;
    test.stop().await;

    write("5\n");
    fs::rename(&path, dir.path().join("auth.log.1")).unwrap();
    write("6 before it is truncated\n");
    let test = start(dir.path(), &config).await;
    assert_eq!(test.texts(6).await, ["1", "2", "half 3", "4", "5", "6 before it is truncated"]);
    fs::write(&path, "").unwrap(); // copytruncate
    let mut wait = test.spool.status();
    write("7\n");
    while wait.durable < 8 {
        tokio::time::timeout(SOON, test.spool.durable(8)).await.expect("the truncated file is read").unwrap();
        wait = test.spool.status();
    }
    assert_eq!(test.texts(7).await.last().unwrap(), "7");
    test.stop().await;
    let test = start(dir.path(), &config).await;
    write("8\n");
    assert_eq!(test.texts(8).await, ["1", "2", "half 3", "4", "5", "6 before it is truncated", "7", "8"]);
}

#[tokio::test]
async fn an_address_in_use_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let test = start(dir.path(), &loopback()).await;
    let taken = test.address(Transport::Tcp);
    let config = Config { tcp: vec![taken], ..no_sockets() };
    let error = intake::start(&config, Arc::clone(&test.spool), Arc::clone(&test.ledger), dir.path()).await;
    assert!(error.unwrap_err().to_string().contains(&taken.to_string()));
}

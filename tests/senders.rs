//! Real senders: every line they send is found by the API, none twice; real attacks become incidents.

use crate::stack::{Client, Stack, is_about, wait};
use std::io::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

const LINES: u64 = 500;

/// A daemon of the test's own; killed when dropped.
struct Daemon(Child);

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Starts it with what it says written to `daemon.log` in its folder.
fn start(command: &mut Command, place: &Path) -> Daemon {
    let log = std::fs::File::create(place.join("daemon.log")).unwrap();
    let errors = log.try_clone().unwrap();
    Daemon(command.stdin(Stdio::null()).stdout(log).stderr(errors).spawn().unwrap())
}

/// Feeds lines to a logger's own Unix socket with util-linux `logger`, as any program on that host would.
fn log_lines(socket: &Path, marker: &str) {
    let mut lines = String::new();
    for n in 0..LINES {
        lines.push_str(&format!("marker-{marker} line number {n}\n"));
    }
    let mut logger = Command::new("logger")
        .args(["--socket-errors=on", "-t", "sotest", "-u"])
        .arg(socket)
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    logger.stdin.take().unwrap().write_all(lines.as_bytes()).unwrap();
    assert!(logger.wait().unwrap().success());
}

/// Waits until the daemon listens, which is later than when its socket's file appears.
fn wait_listening(socket: &Path) {
    let listens = || {
        let probe = std::os::unix::net::UnixDatagram::unbound().unwrap();
        probe.connect(socket).ok()
    };
    wait(Duration::from_secs(20), listens).unwrap_or_else(|| {
        let log = std::fs::read_to_string(socket.with_file_name("daemon.log")).unwrap_or_default();
        panic!("nobody listens on {}; the daemon says:\n{log}", socket.display())
    });
}

fn assert_each_line_once(client: &Client, marker: &str) {
    client.wait_count(&format!("\"marker-{marker}\""), LINES, Duration::from_secs(30));
    let mut numbers: Vec<u64> = client
        .events(&format!("\"marker-{marker}\""))
        .iter()
        .map(|event| {
            let line = event["event"]["original"].as_str().unwrap();
            line.rsplit(' ').next().unwrap().parse().unwrap()
        })
        .collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (0..LINES).collect::<Vec<_>>(), "each line of {marker} once");
}

fn certificate(stack: &Stack) -> PathBuf {
    stack.data().join("intake-tls.crt")
}

#[test]
fn rsyslog_forwards_over_udp_tcp_and_tls_and_every_line_arrives_once() {
    let stack = Stack::start();
    let client = stack.client();
    let place = stack.dir.path();
    let (udp, tcp, tls) = (stack.addresses.udp[0], stack.addresses.tcp[0], stack.addresses.tls[0]);
    let forward = |name: &str, target: SocketAddr, more: &str| {
        format!(
            "input(type=\"imuxsock\" socket=\"{}\" createpath=\"on\" ruleset=\"{name}\" ratelimit.interval=\"0\")\n\
             ruleset(name=\"{name}\") {{ action(type=\"omfwd\" target=\"{}\" port=\"{}\" {more}) }}\n",
            place.join(format!("{name}.sock")).display(),
            target.ip(),
            target.port()
        )
    };
    let config = format!(
        "global(workDirectory=\"{}\" defaultNetstreamDriverCAFile=\"{}\")\nmodule(load=\"imuxsock\" SysSock.Use=\"off\")\n{}{}{}{}",
        place.display(),
        certificate(&stack).display(),
        forward("rsyslog-udp", udp, "protocol=\"udp\" template=\"RSYSLOG_TraditionalForwardFormat\""),
        forward("rsyslog-tcp", tcp, "protocol=\"tcp\" template=\"RSYSLOG_ForwardFormat\""),
        forward(
            "rsyslog-octet",
            tcp,
            "protocol=\"tcp\" TCP_Framing=\"octet-counted\" template=\"RSYSLOG_SyslogProtocol23Format\""
        ),
        forward(
            "rsyslog-tls",
            tls,
            "protocol=\"tcp\" TCP_Framing=\"octet-counted\" StreamDriver=\"gtls\" StreamDriverMode=\"1\" \
             StreamDriverAuthMode=\"x509/certvalid\" template=\"RSYSLOG_SyslogProtocol23Format\""
        ),
    );
    let file = place.join("rsyslog.conf");
    std::fs::write(&file, config).unwrap();
    let _daemon = start(
        Command::new("rsyslogd").arg("-n").arg("-f").arg(&file).arg("-i").arg(place.join("rsyslog.pid")),
        place,
    );
    let names = ["rsyslog-udp", "rsyslog-tcp", "rsyslog-octet", "rsyslog-tls"];
    for name in names {
        let socket = place.join(format!("{name}.sock"));
        wait_listening(&socket);
        log_lines(&socket, name);
    }
    for name in names {
        assert_each_line_once(&client, name);
    }
}

#[test]
fn syslog_ng_forwards_over_udp_tcp_and_tls_and_every_line_arrives_once() {
    let stack = Stack::start();
    let client = stack.client();
    let place = stack.dir.path();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/tools/syslog-ng/usr");
    let target = |address: SocketAddr| format!("\"{}\" port({})", address.ip(), address.port());
    let pairs = [
        ("ng-udp", format!("network({} transport(udp))", target(stack.addresses.udp[0]))),
        (
            "ng-tcp",
            format!("network({} transport(tcp) persist-name(\"ng-tcp\"))", target(stack.addresses.tcp[0])),
        ),
        (
            "ng-syslog",
            format!("syslog({} transport(tcp) persist-name(\"ng-syslog\"))", target(stack.addresses.tcp[0])),
        ),
        (
            "ng-tls",
            format!(
                "syslog({} transport(tls) tls(ca-file(\"{}\") peer-verify(required-trusted)))",
                target(stack.addresses.tls[0]),
                certificate(&stack).display()
            ),
        ),
    ];
    let mut config = String::from("@version: 3.38\noptions { keep-hostname(yes); };\n");
    for (name, destination) in &pairs {
        let socket = place.join(format!("{name}.sock"));
        config.push_str(&format!(
            "log {{ source {{ unix-dgram(\"{}\" so-rcvbuf(8388608) log-iw-size(10000)); }}; destination {{ {destination}; }}; flags(flow-control); }};\n",
            socket.display()
        ));
    }
    let file = place.join("syslog-ng.conf");
    std::fs::write(&file, config).unwrap();
    let _daemon = start(
        Command::new(root.join("sbin/syslog-ng"))
            .env("LD_LIBRARY_PATH", root.join("lib/syslog-ng"))
            .arg("-F")
            .arg(format!("--module-path={}", root.join("lib/syslog-ng/3.38").display()))
            .arg("-f")
            .arg(&file)
            .arg("-R")
            .arg(place.join("ng.persist"))
            .arg("-p")
            .arg(place.join("ng.pid"))
            .arg("-c")
            .arg(place.join("ng.ctl")),
        place,
    );
    for (name, _) in &pairs {
        let socket = place.join(format!("{name}.sock"));
        wait_listening(&socket);
        log_lines(&socket, name);
    }
    for (name, _) in &pairs {
        assert_each_line_once(&client, name);
    }
}

#[test]
fn logger_sends_in_both_rfc_modes_over_udp_and_tcp() {
    let stack = Stack::start();
    let client = stack.client();
    for (rfc, protocol, address) in [
        ("--rfc5424", "--udp", stack.addresses.udp[0]),
        ("--rfc3164", "--udp", stack.addresses.udp[0]),
        ("--rfc5424", "--tcp", stack.addresses.tcp[0]),
        ("--rfc3164", "--tcp", stack.addresses.tcp[0]),
    ] {
        let marker = format!("logger{rfc}{protocol}");
        for n in 0..5 {
            let sent = Command::new("logger")
                .args([rfc, protocol, "-n"])
                .arg(address.ip().to_string())
                .args(["-P", &address.port().to_string(), "-t", "demo", "-p", "auth.warning"])
                .arg(format!("marker-{marker} Bà Rịa - Vũng Tàu {n}"))
                .status()
                .unwrap();
            assert!(sent.success());
        }
        client.wait_count(&format!("\"marker-{marker}\""), 5, Duration::from_secs(20));
        for event in client.events(&format!("\"marker-{marker}\"")) {
            assert_eq!(event["log"]["syslog"]["priority"], 36, "auth.warning: {event}");
            assert_eq!(event["process"]["name"], "demo", "{event}");
            assert!(event["message"].as_str().unwrap().contains("Bà Rịa - Vũng Tàu"), "{event}");
        }
    }
}

#[test]
fn a_brute_force_on_a_real_sshd_becomes_an_incident() {
    let stack = Stack::start();
    let client = stack.client();
    let place = stack.dir.path();
    let key = place.join("host_key");
    assert!(
        Command::new("ssh-keygen")
            .args(["-q", "-t", "ed25519", "-N", "", "-f"])
            .arg(&key)
            .status()
            .unwrap()
            .success()
    );
    let port = free_port();
    std::fs::create_dir_all("/run/sshd").unwrap();
    let mut sshd = Command::new("/usr/sbin/sshd")
        .args(["-D", "-e", "-f", "/dev/null", "-p", &port.to_string(), "-h"])
        .arg(&key)
        .args([
            "-o",
            "ListenAddress=127.0.0.1",
            "-o",
            "UsePAM=no",
            "-o",
            "MaxStartups=50",
            "-o",
            "PidFile=none",
        ])
        .args(["-o", "KbdInteractiveAuthentication=no"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // sshd's own words, carried by logger as a host without a local syslog would.
    let address = stack.addresses.tcp[0];
    let carrier = start_carrier(sshd.stderr.take().unwrap(), address);
    let _sshd = Daemon(sshd);
    wait(Duration::from_secs(10), || std::net::TcpStream::connect(("127.0.0.1", port)).ok())
        .expect("sshd listens");
    for n in 0..12 {
        let _ = Command::new("sshpass")
            .args(["-p", &format!("wrong{n}"), "ssh", "-p", &port.to_string()])
            .args([
                "-o",
                "StrictHostKeyChecking=no",
                "-o",
                "UserKnownHostsFile=/dev/null",
                "-o",
                "NumberOfPasswordPrompts=1",
            ])
            .args(["-o", "PreferredAuthentications=password", "quantri@127.0.0.1", "true"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
    }
    client.wait_count(
        "event.outcome:failure user.name:quantri \"Failed password\"",
        12,
        Duration::from_secs(30),
    );
    let incident = client.wait_incident("the brute force", |incident| is_about(incident, "quantri"));
    let evidence = client.get(&format!("/api/v1/incidents/{}/events", incident["id"].as_str().unwrap()));
    assert!(!evidence["items"].as_array().unwrap().is_empty(), "the incident shows its evidence");
    drop(_sshd);
    let _ = carrier.join();
}

/// Reads sshd's lines and sends each with `logger`'s frame: `<86>Mon dd hh:mm:ss host sshd[1]: LINE`.
fn start_carrier(from: std::process::ChildStderr, to: SocketAddr) -> std::thread::JoinHandle<()> {
    std::thread::spawn(move || {
        use std::io::BufRead as _;
        let mut logger = Command::new("logger")
            .args(["--rfc5424", "--tcp", "-n"])
            .arg(to.ip().to_string())
            .args(["-P", &to.port().to_string(), "-t", "sshd", "-p", "authpriv.info"])
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        let mut input = logger.stdin.take().unwrap();
        for line in std::io::BufReader::new(from).lines().map_while(Result::ok) {
            let _ = writeln!(input, "{}", line.trim_end());
        }
        drop(input);
        let _ = logger.wait();
    })
}

fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// The EICAR test file's text, put together at run time so that no scanner finds it in the sources.
fn eicar() -> String {
    ["X5O!P%@AP[4\\PZX54(P^)7CC)7}$", "EICAR-STANDARD-", "ANTIVIRUS-TEST-FILE!$H+H*"].concat()
}

#[test]
fn malware_found_by_a_real_clamav_becomes_an_incident() {
    let place = tempfile::tempdir().unwrap();
    let log = place.path().join("clamscan.log");
    let stack = Stack::start_with(&format!("[collector.intake]\nfiles = [\"{}\"]\n", log.display()));
    let client = stack.client();
    // A database of our own: the machine has no way to fetch ClamAV's.
    let database = place.path().join("db");
    std::fs::create_dir(&database).unwrap();
    let hex: String = eicar().bytes().map(|byte| format!("{byte:02x}")).collect();
    std::fs::write(database.join("test.ndb"), format!("Eicar-Test-Signature:0:*:{hex}\n")).unwrap();
    let infected = place.path().join("hoa_don.exe");
    std::fs::write(&infected, eicar()).unwrap();
    let scan = Command::new("clamscan")
        .arg(format!("--database={}", database.display()))
        .arg(format!("--log={}", log.display()))
        .arg(&infected)
        .stdout(Stdio::null())
        .status()
        .unwrap();
    assert_eq!(scan.code(), Some(1), "clamscan says that it found something");
    let q = "event.category:malware \"hoa_don.exe\"";
    client.wait_count(q, 1, Duration::from_secs(20));
    let event = client.events(q).remove(0);
    assert_eq!(event["file"]["name"], "hoa_don.exe", "{event}");
    client.wait_incident("the malware", |incident| {
        incident["title"].as_str().is_some_and(|title| title.to_lowercase().contains("malware"))
    });
}

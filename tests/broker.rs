//! A real Apache Kafka on ports of its own, shared by the tests that run at the same time.

use crate::stack::wait;
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

/// Where a broker listens in plain text and in TLS with a password; it takes a third port, one above.
struct Ports {
    /// Its address, and the network namespace that has it.
    place: (IpAddr, Option<String>),
    plain: u16,
    secure: u16,
}

/// A running broker. It is killed when nobody needs it any more.
pub(crate) struct Broker {
    dir: tempfile::TempDir,
    ports: Ports,
    child: Mutex<Child>,
    /// So that each stack has topics of its own.
    stacks: AtomicU32,
}

const PROGRAM: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/deploy/dev/kafka");

static SHARED: Mutex<Weak<Broker>> = Mutex::new(Weak::new());

impl Broker {
    /// The broker that others use too.
    pub(crate) fn running() -> Arc<Broker> {
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        shared.upgrade().unwrap_or_else(|| {
            let broker = Broker::start();
            *shared = Arc::downgrade(&broker);
            broker
        })
    }

    /// One of the caller's own.
    pub(crate) fn start() -> Arc<Broker> {
        Broker::start_at((IpAddr::from([127, 0, 0, 1]), None))
    }

    /// One in a network namespace.
    pub(crate) fn start_at(place: (IpAddr, Option<String>)) -> Arc<Broker> {
        let dir = tempfile::tempdir().unwrap();
        let ports = Ports { place, ..free_ports() };
        let child = Mutex::new(spawn(&dir, &ports));
        let broker = Broker { dir, ports, child, stacks: AtomicU32::new(0) };
        broker.wait_ready();
        Arc::new(broker)
    }

    /// `kill -9`, then the same broker again.
    pub(crate) fn kill_and_restart(&self) {
        let mut child = self.child.lock().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
        *child = spawn(&self.dir, &self.ports);
        drop(child);
        self.wait_ready();
    }

    /// The broker stops answering, and its connections stay open; or goes on.
    pub(crate) fn signal(&self, signal: &str) {
        let pid = self.child.lock().unwrap().id().to_string();
        assert!(Command::new("kill").args([signal, &pid]).status().unwrap().success());
    }

    /// How many stacks it has had.
    pub(crate) fn stacks(&self) -> u32 {
        self.stacks.load(Ordering::Relaxed)
    }

    /// The password of its account.
    pub(crate) fn password(&self) -> String {
        std::fs::read_to_string(self.dir.path().join("password")).unwrap().trim().to_owned()
    }

    /// Where clients of others speak plain text with it.
    pub(crate) fn plain(&self) -> String {
        SocketAddr::from((self.ports.place.0, self.ports.plain)).to_string()
    }

    /// Lines of configuration for a stack of its own: over TLS and with a password, as a real installation has it.
    pub(crate) fn config(&self) -> String {
        let number = self.stacks.fetch_add(1, Ordering::Relaxed);
        let dir = self.dir.path().display();
        format!(
            "[kafka]\nbrokers = [\"{}\"]\nprefix = \"{}\"\npartitions = 3\ntls = {{ ca = \"{dir}/ca.pem\" }}\n\
             sasl = {{ user = \"haidang\", password_file = \"{dir}/password\" }}\n",
            SocketAddr::from((self.ports.place.0, self.ports.secure)),
            prefix(number),
        )
    }

    fn wait_ready(&self) {
        let address = SocketAddr::from((self.ports.place.0, self.ports.secure));
        let ready = wait(Duration::from_secs(120), || TcpStream::connect(address).ok());
        let log = std::fs::read_to_string(self.dir.path().join("broker.log")).unwrap_or_default();
        assert!(ready.is_some(), "Kafka is not there after 120 s:\n{log}");
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        let child = self.child.get_mut().unwrap_or_else(PoisonError::into_inner);
        let _ = child.kill();
        let _ = child.wait();
    }
}

/// What the names of a broker's nth stack begin with.
pub(crate) fn prefix(number: u32) -> String {
    format!("stack{number}.")
}

/// Two ports of which the one after the second is free too.
fn free_ports() -> Ports {
    let bind = |port: u16| TcpListener::bind(("127.0.0.1", port));
    let found = wait(Duration::from_secs(10), || {
        let (plain, secure) = (bind(0).ok()?, bind(0).ok()?);
        let port = |listener: &TcpListener| listener.local_addr().unwrap().port();
        bind(port(&secure).checked_add(1)?).ok()?;
        let place = (IpAddr::from([127, 0, 0, 1]), None);
        Some(Ports { place, plain: port(&plain), secure: port(&secure) })
    });
    found.expect("free ports")
}

fn spawn(dir: &tempfile::TempDir, ports: &Ports) -> Child {
    let log =
        std::fs::OpenOptions::new().create(true).append(true).open(dir.path().join("broker.log")).unwrap();
    let (address, namespace) = &ports.place;
    let mut command = match namespace {
        Some(namespace) => {
            let mut within = Command::new("ip");
            within.args(["netns", "exec", namespace]).arg(PROGRAM);
            within
        }
        None => Command::new(PROGRAM),
    };
    command
        .env("HAIDANG_KAFKA_ADDRESS", address.to_string())
        .arg(dir.path())
        .args([ports.plain.to_string(), ports.secure.to_string()])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log)
        .process_group(0)
        .spawn()
        .unwrap()
}

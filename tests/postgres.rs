//! A real PostgreSQL on a port of its own, and several processes on it at the same time.

use crate::stack::{Client, PASSWORD, Stack, wait};
use serde_json::{Value, json};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

/// A running server. It is killed when nobody needs it any more.
pub(crate) struct Postgres {
    dir: tempfile::TempDir,
    port: u16,
    child: Mutex<Option<Child>>,
    /// So that each stack has a database of its own.
    databases: AtomicU32,
}

static SHARED: Mutex<Weak<Postgres>> = Mutex::new(Weak::new());

impl Postgres {
    /// The server that others use too.
    pub(crate) fn running() -> Arc<Postgres> {
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        shared.upgrade().unwrap_or_else(|| {
            let server = Postgres::start();
            *shared = Arc::downgrade(&server);
            server
        })
    }

    /// One of the caller's own.
    pub(crate) fn start() -> Arc<Postgres> {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let dir = tempfile::tempdir().unwrap();
        let server = Postgres { dir, port, child: Mutex::new(None), databases: AtomicU32::new(0) };
        server.go_on();
        Arc::new(server)
    }

    /// Lines of configuration for an installation with a database of its own: over TLS and with a password, as a real one
    /// has it.
    pub(crate) fn config(&self) -> String {
        let name = format!("stack{}", self.databases.fetch_add(1, Ordering::Relaxed));
        self.psql(&format!("CREATE DATABASE {name}"));
        let dir = self.dir.path().display();
        format!(
            "[cases]\nurl = \"postgres://haidang@127.0.0.1:{}/{name}?sslmode=verify-full&sslrootcert={dir}/ca.pem\"\n\
             password_file = \"{dir}/password\"\n",
            self.port
        )
    }

    /// `kill -9` to the server and all of its processes.
    pub(crate) fn kill(&self) {
        if let Some(mut child) = self.child.lock().unwrap_or_else(PoisonError::into_inner).take() {
            let group = format!("-{}", child.id());
            let told = |program: &str, arguments: &[&str]| {
                let _ = Command::new(program).args(arguments).stderr(Stdio::null()).status();
            };
            // Each connection's process has a group of its own, and would answer once more before it sees that it is alone.
            told("kill", &["-STOP", "--", &group]);
            if let Ok(file) = std::fs::read_to_string(self.dir.path().join("data/postmaster.pid")) {
                told("pkill", &["-KILL", "-P", file.lines().next().unwrap_or("0")]);
            }
            told("kill", &["-KILL", "--", &group]);
            let _ = child.wait();
        }
    }

    /// Starts it, or starts it again.
    pub(crate) fn go_on(&self) {
        let mut log = std::fs::OpenOptions::new();
        let log = log.create(true).append(true).open(self.dir.path().join("server.log")).unwrap();
        let child = Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/deploy/dev/postgres"))
            .arg(self.dir.path())
            .arg(self.port.to_string())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .process_group(0)
            .spawn()
            .unwrap();
        *self.child.lock().unwrap() = Some(child);
        let ready = wait(Duration::from_secs(120), || self.try_psql("SELECT 1").ok());
        let log = std::fs::read_to_string(self.dir.path().join("server.log")).unwrap_or_default();
        assert!(ready.is_some(), "PostgreSQL is not there after 120 s:\n{log}");
    }

    fn psql(&self, statement: &str) {
        self.try_psql(statement).unwrap();
    }

    fn try_psql(&self, statement: &str) -> Result<(), String> {
        let password =
            std::fs::read_to_string(self.dir.path().join("password")).map_err(|e| e.to_string())?;
        let url = format!("postgres://haidang@127.0.0.1:{}/haidang", self.port);
        let done = Command::new("psql")
            .args(["--no-psqlrc", "--quiet", &url, "--command", statement])
            .env("PGPASSWORD", password.trim())
            .output()
            .unwrap();
        let told = String::from_utf8_lossy(&done.stderr).into_owned();
        if done.status.success() { Ok(()) } else { Err(told) }
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A further `haidang serve` on the same cases, with a data folder of its own.
struct Serve {
    dir: tempfile::TempDir,
    child: Child,
    api: SocketAddr,
}

impl Serve {
    fn start(config: &str) -> Serve {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("haidang.toml"), config).unwrap();
        let log = std::fs::File::create(dir.path().join("log")).unwrap();
        let mut child = Command::new(env!("CARGO_BIN_EXE_haidang"))
            .args(["serve", "--api", "127.0.0.1:0", "--config"])
            .arg(dir.path().join("haidang.toml"))
            .arg("--data")
            .arg(dir.path().join("data"))
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .process_group(0)
            .spawn()
            .unwrap();
        let said = wait(Duration::from_secs(60), || {
            assert!(child.try_wait().unwrap().is_none(), "serve has ended");
            let text = std::fs::read_to_string(dir.path().join("data/serve.json")).ok()?;
            let said: Value = serde_json::from_str(&text).ok()?;
            said["api"].as_str()?.parse().ok()
        });
        let api = said.expect("serve is ready");
        Serve { dir, child, api }
    }

    fn leads(&self) -> bool {
        let log = std::fs::read_to_string(self.dir.path().join("log")).unwrap();
        log.lines().rfind(|line| line.contains("housekeeping")).is_some_and(|line| line.contains("true"))
    }

    fn kill(&mut self) {
        let group = format!("-{}", self.child.id());
        let _ = Command::new("kill").args(["-9", "--", &group]).status();
        let _ = self.child.wait();
    }
}

impl Drop for Serve {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Six failed logins from one address: a brute force.
fn attack(stack: &Stack, address: &str) {
    use std::io::Write as _;
    let mut stream = TcpStream::connect(stack.addresses.tcp[0]).unwrap();
    let now = jiff::Timestamp::now();
    for port in 50_000..50_006 {
        let line = format!(
            "<86>1 {now} cong-dvc sshd 4000 - - Failed password for quantri from {address} port {port} ssh2\n"
        );
        stream.write_all(line.as_bytes()).unwrap();
    }
}

fn assign(client: &Client, incident: &Value, severity: &str) -> (u16, Value) {
    let path = format!("/api/v1/incidents/{}", incident["id"].as_str().unwrap());
    client.patch(&path, &incident["version"], &json!({ "severity": severity }))
}

#[test]
fn what_one_process_changes_another_shows_and_a_change_of_what_was_not_seen_is_refused() {
    let server = Postgres::running();
    let config = server.config();
    let stack = Stack::start_with(&config);
    let serve = Serve::start(&config);
    attack(&stack, "198.51.100.78");
    let (here, there) = (stack.client(), Client::sign_in(serve.api));
    let is_wanted = |incident: &Value| crate::stack::is_about(incident, "198.51.100.78");
    let seen_here = here.wait_incident("brute force", is_wanted);
    let seen_there = there.wait_incident("brute force", is_wanted);
    assert_eq!(seen_here["id"], seen_there["id"]);
    let (status, changed) = assign(&here, &seen_here, "critical");
    assert_eq!(status, 200, "{changed}");
    let (status, problem) = assign(&there, &seen_there, "low");
    assert_eq!((status, &problem["version"]), (412, &changed["version"]), "{problem}");
    assert_eq!(there.wait_incident("brute force", is_wanted)["severity"], "critical");
}

#[test]
fn what_is_wrong_with_the_way_to_the_database_is_told_at_the_start_without_its_password() {
    let server = Postgres::running();
    let right = server.config();
    let file = server.dir.path().join("password");
    let password = std::fs::read_to_string(&file).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let put = |name: &str, text: &str| {
        std::fs::write(folder.path().join(name), text).unwrap();
        folder.path().join(name).display().to_string()
    };
    let other = folder.path().join("other.pem").display().to_string();
    let made = Command::new("openssl")
        .args([
            "req",
            "-x509",
            "-newkey",
            "rsa:2048",
            "-nodes",
            "-subj",
            "/CN=another",
            "-keyout",
            "/dev/null",
        ])
        .args(["-out", &other])
        .output()
        .unwrap();
    assert!(made.status.success());
    let authority = server.dir.path().join("ca.pem").display().to_string();
    let password_file = file.display().to_string();
    for (wrong, told) in [
        (right.replace(&authority, &other), "certificate"),
        (right.replace(&password_file, &put("wrong", "mật khẩu")), "password authentication failed"),
        (right.replace("haidang@", &format!("haidang:{}@", password.trim())), "password_file"),
        (right.replace("/stack", "/nowhere"), "does not exist"),
    ] {
        assert_ne!(wrong, right);
        let config = put("haidang.toml", &wrong);
        let asked = Command::new(env!("CARGO_BIN_EXE_haidang"))
            .args(["registry", "export", "--config", &config, "--data"])
            .arg(folder.path())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&asked.stderr);
        assert_eq!(asked.status.code(), Some(2), "{said}");
        assert!(said.contains(told), "{told}: {said}");
        assert!(!said.contains(password.trim()) && !said.contains("mật khẩu"), "{said}");
    }
}

#[test]
fn one_of_several_leads_and_when_it_is_killed_another_takes_over() {
    let server = Postgres::running();
    let config = server.config();
    let mut both = [Serve::start(&config), Serve::start(&config)];
    let leads = |both: &[Serve; 2]| both.iter().position(Serve::leads);
    let first = wait(Duration::from_secs(20), || leads(&both)).expect("one leads");
    assert!(!both[1 - first].leads(), "only one");
    both[first].kill();
    let taken = wait(Duration::from_secs(60), || both[1 - first].leads().then_some(()));
    assert!(taken.is_some(), "another takes over");
}

#[test]
fn while_the_database_is_away_requests_say_so_lines_are_taken_and_nothing_is_lost() {
    let server = Postgres::start();
    let stack = Stack::start_with(&server.config());
    let client = stack.client();
    attack(&stack, "198.51.100.79");
    client.wait_incident("brute force", |one| crate::stack::is_about(one, "198.51.100.79"));
    server.kill();
    attack(&stack, "198.51.100.80");
    let (status, problem) = client.ask("/api/v1/incidents");
    assert_eq!((status, &problem["status"]), (503, &json!(503)), "{problem}");
    assert!(problem["detail"].as_str().unwrap().contains("cases' database"), "{problem}");
    let (status, readiness) = client.ask("/readyz");
    assert_eq!(status, 503, "{readiness}");
    let cases = readiness["checks"].as_array().unwrap().iter().find(|check| check["name"] == "cases");
    assert_eq!(cases.unwrap()["ready"], false);
    server.go_on();
    client.wait_incident("brute force", |one| crate::stack::is_about(one, "198.51.100.80"));
    client.wait_count("", 12, Duration::from_secs(30));
    assert!(!stack.log().contains(PASSWORD));
    let (status, _) = client.ask("/readyz");
    assert_eq!(status, 200);
}

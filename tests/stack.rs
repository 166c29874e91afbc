//! The pipeline in a folder of its own on ports of its own, in either mode, and a client for its API: `haidang run`, or
//! `collect`, `correlate` and `serve` joined by a real Kafka, with their cases in a real PostgreSQL.

use crate::broker::Broker;
use crate::postgres::Postgres;
use serde_json::Value;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

pub(crate) const PASSWORD: &str = "correct horse battery staple";

/// A running pipeline. It and its engine are killed when this is dropped.
pub(crate) struct Stack {
    pub(crate) dir: tempfile::TempDir,
    /// Its processes by their subcommand.
    children: Vec<(&'static str, Child)>,
    /// What is in the environment of those that are started from now on.
    pub(crate) environment: Vec<(&'static str, String)>,
    pub(crate) addresses: Addresses,
    /// What joins the processes, where there are several.
    pub(crate) broker: Option<Arc<Broker>>,
    /// Where their cases are then.
    _postgres: Option<Arc<Postgres>>,
}

/// Where it listens, as its processes say in the data folder.
#[derive(Clone, serde::Deserialize)]
pub(crate) struct Addresses {
    pub(crate) api: SocketAddr,
    pub(crate) udp: Vec<SocketAddr>,
    pub(crate) tcp: Vec<SocketAddr>,
    pub(crate) tls: Vec<SocketAddr>,
    /// Where those without an API say how they are.
    pub(crate) collect_health: Option<SocketAddr>,
    pub(crate) correlate_health: Option<SocketAddr>,
}

impl Addresses {
    /// Where each process says how it is, by its role.
    pub(crate) fn health(&self) -> Vec<(&'static str, SocketAddr)> {
        match (self.collect_health, self.correlate_health) {
            (Some(collect), Some(correlate)) => {
                vec![("collect", collect), ("correlate", correlate), ("serve", self.api)]
            }
            _ => vec![("run", self.api)],
        }
    }
}

/// One process.
const ALONE: &[&str] = &["run"];
/// Three, started in this order.
const CLUSTER: &[&str] = &["serve", "correlate", "collect"];

impl Stack {
    pub(crate) fn start() -> Stack {
        Stack::start_with("")
    }

    /// Starts it with more lines in its configuration file.
    pub(crate) fn start_with(config: &str) -> Stack {
        Stack::start_in(tempfile::tempdir().unwrap(), config, None)
    }

    /// Starts it as several processes with a broker between them, in topics of their own.
    pub(crate) fn start_with_kafka() -> Stack {
        Stack::start_in(tempfile::tempdir().unwrap(), "", Some(Broker::running()))
    }

    /// Starts it in a folder that may hold data already.
    pub(crate) fn start_in(dir: tempfile::TempDir, config: &str, broker: Option<Arc<Broker>>) -> Stack {
        let postgres = broker.as_ref().map(|_| Postgres::running());
        let kafka = broker.as_ref().map(|broker| broker.config()).unwrap_or_default();
        let cases = postgres.as_ref().map(|server| server.config()).unwrap_or_default();
        std::fs::write(dir.path().join("haidang.toml"), format!("{config}{kafka}{cases}")).unwrap();
        let mut stack = Stack {
            dir,
            children: Vec::new(),
            environment: Vec::new(),
            addresses: nowhere(),
            broker,
            _postgres: postgres,
        };
        if stack.broker.is_some() {
            let made = command(stack.dir.path(), "check").arg("--create").output().unwrap();
            assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        }
        stack.restart();
        stack
    }

    /// `kill -9` to the whole process group, then the same command again.
    pub(crate) fn kill_and_restart(&mut self) {
        self.kill();
        self.restart();
    }

    pub(crate) fn kill(&mut self) {
        for role in self.roles().iter().rev() {
            self.kill_one(role);
        }
    }

    /// What the embedded engine itself answers.
    pub(crate) fn sql(&self, statement: &str) -> String {
        let answered = Command::new("curl")
            .args(["-sS", "--fail-with-body", "--unix-socket"])
            .arg(self.data().join("engine.sock"))
            .args(["http://localhost/?database=haidang", "--data-binary", statement])
            .output()
            .unwrap();
        assert!(answered.status.success(), "{statement}: {answered:?}");
        String::from_utf8(answered.stdout).unwrap()
    }

    /// `kill -9` to one process and its children.
    pub(crate) fn kill_one(&mut self, role: &str) {
        let Some(at) = self.children.iter().position(|(name, _)| *name == role) else { return };
        let (_, mut child) = self.children.remove(at);
        let group = format!("-{}", child.id());
        let _ = Command::new("kill").args(["-9", "--", &group]).status();
        let _ = child.wait();
        if role == "run" || role == "serve" {
            // The engine is in the group, but not our child: it holds its folder until it is quite gone.
            let socket = self.data().join("engine.sock");
            wait(Duration::from_secs(20), || {
                std::os::unix::net::UnixStream::connect(&socket).is_err().then_some(())
            });
        }
        let _ = std::fs::remove_file(self.data().join(format!("{role}.json")));
    }

    /// Asks one process to stop, and waits until it has.
    pub(crate) fn stop_one(&mut self, role: &str) {
        let Some(at) = self.children.iter().position(|(name, _)| *name == role) else { return };
        let (_, mut child) = self.children.remove(at);
        let asked = Command::new("kill").arg(child.id().to_string()).status().unwrap();
        assert!(asked.success());
        let ended = wait(Duration::from_secs(60), || child.try_wait().unwrap());
        assert!(ended.is_some_and(|ended| ended.success()), "{role} does not stop:\n{}", self.log());
        let _ = std::fs::remove_file(self.data().join(format!("{role}.json")));
    }

    /// Starts one process more of a role; it is the caller's to end.
    pub(crate) fn start_another(&self, role: &str) -> Child {
        spawn(self.dir.path(), role, &self.environment)
    }

    /// Starts what does not run.
    pub(crate) fn restart(&mut self) {
        for role in self.roles() {
            if !self.children.iter().any(|(name, _)| name == role) {
                let child = spawn(self.dir.path(), role, &self.environment);
                self.children.push((role, child));
            }
        }
        self.wait_ready();
    }

    fn roles(&self) -> &'static [&'static str] {
        if self.broker.is_some() { CLUSTER } else { ALONE }
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    pub(crate) fn is_running(&mut self) -> bool {
        self.children.iter_mut().all(|(_, child)| child.try_wait().unwrap().is_none())
    }

    /// The most memory that `haidang run`, without its engine, ever had.
    pub(crate) fn resident_kib_max(&self) -> u64 {
        let run = self.children.iter().find(|(role, _)| *role == "run").unwrap();
        let told = std::fs::read_to_string(format!("/proc/{}/status", run.1.id())).unwrap();
        let line = told.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    }

    /// What it wrote to stderr.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.dir.path().join("log")).unwrap_or_default()
    }

    /// What every process says of where it listens, once all have said it.
    fn said(&self) -> Option<Addresses> {
        let mut all = serde_json::Map::new();
        for role in self.roles() {
            let text = std::fs::read_to_string(self.data().join(format!("{role}.json"))).ok()?;
            all.extend(serde_json::from_str::<serde_json::Map<String, Value>>(&text).ok()?);
        }
        serde_json::from_value(Value::Object(all)).ok()
    }

    /// Waits until every process says that it is ready.
    pub(crate) fn wait_ready(&mut self) {
        let deadline = Instant::now() + Duration::from_secs(60);
        loop {
            if let Some(addresses) = self.said()
                && addresses.health().iter().all(|(_, address)| is_ready(*address))
            {
                self.addresses = addresses;
                return;
            }
            assert!(self.is_running(), "haidang has stopped:\n{}", self.log());
            assert!(Instant::now() < deadline, "haidang is not ready after 60 s:\n{}", self.log());
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Imports a document of the registry from the command line, beside the running pipeline, and waits until what it
    /// says is in force.
    pub(crate) fn import_registry(&self, file: &Path) {
        const SAID: &str = "the registry has changed and is in force";
        let before = self.log().matches(SAID).count();
        let done = Command::new(env!("CARGO_BIN_EXE_haidang"))
            .args(["registry", "import"])
            .arg(file)
            .arg("--config")
            .arg(self.dir.path().join("haidang.toml"))
            .arg("--data")
            .arg(self.data())
            .output()
            .unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stdout));
        let seen =
            wait(Duration::from_secs(20), || (self.log().matches(SAID).count() > before).then_some(()));
        assert!(seen.is_some(), "the registry is not followed");
    }

    pub(crate) fn client(&self) -> Client {
        Client::sign_in(self.addresses.api)
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let log = self.log();
            let from = log.len().saturating_sub(6000);
            eprintln!("log of haidang ends:\n{}", String::from_utf8_lossy(&log.as_bytes()[from..]));
        }
        self.kill();
    }
}

fn nowhere() -> Addresses {
    let (collect_health, correlate_health) = (None, None);
    let (udp, tcp, tls) = (vec![], vec![], vec![]);
    Addresses { api: SocketAddr::from(([0, 0, 0, 0], 0)), udp, tcp, tls, collect_health, correlate_health }
}

/// Whether the process there is ready.
pub(crate) fn is_ready(address: SocketAddr) -> bool {
    ureq::get(format!("http://{address}/readyz")).call().is_ok_and(|answer| answer.status() == 200)
}

fn command(dir: &Path, role: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_haidang"));
    command
        .arg(role)
        .arg("--config")
        .arg(dir.join("haidang.toml"))
        .arg("--data")
        .arg(dir.join("data"))
        .args(["--api", "127.0.0.1:0", "--syslog", "127.0.0.1:0", "--syslog-tls", "127.0.0.1:0"])
        .env("HAIDANG_ADMIN_PASSWORD", PASSWORD)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .stdin(Stdio::null());
    if ["collect", "correlate"].contains(&role) {
        command.args(["--health", "127.0.0.1:0"]);
    }
    command
}

fn spawn(dir: &Path, role: &str, environment: &[(&'static str, String)]) -> Child {
    use std::os::unix::process::CommandExt as _;
    let log = std::fs::OpenOptions::new().create(true).append(true).open(dir.join("log")).unwrap();
    let environment = environment.iter().map(|(name, value)| (name, value));
    command(dir, role).envs(environment).stdout(Stdio::null()).stderr(log).process_group(0).spawn().unwrap()
}

/// Signs in as `admin` and asks as a script would.
pub(crate) struct Client {
    base: String,
    agent: ureq::Agent,
    cookie: String,
    csrf: String,
}

impl Client {
    pub(crate) fn sign_in(api: SocketAddr) -> Client {
        let agent: ureq::Agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(Duration::from_secs(30)))
            .build()
            .into();
        let base = format!("http://{api}");
        let mut answer = agent
            .post(format!("{base}/api/v1/session"))
            .send_json(serde_json::json!({"username": "admin", "password": PASSWORD}))
            .unwrap();
        assert_eq!(answer.status(), 200, "sign-in: {}", answer.body_mut().read_to_string().unwrap());
        let cookie = answer.headers().get("set-cookie").unwrap().to_str().unwrap();
        let cookie = cookie.split(';').next().unwrap().to_owned();
        let session: Value = answer.body_mut().read_json().unwrap();
        let csrf = session["csrf"].as_str().unwrap_or_default().to_owned();
        Client { base, agent, cookie, csrf }
    }

    /// The status and the answer, whatever they are.
    pub(crate) fn ask(&self, path: &str) -> (u16, Value) {
        let request = self.agent.get(format!("{}{path}", self.base)).header("cookie", &self.cookie);
        let mut answer = request.call().unwrap();
        (answer.status().as_u16(), answer.body_mut().read_json().unwrap())
    }

    /// A change of what was seen in this version, as a browser makes it.
    pub(crate) fn patch(&self, path: &str, version: &Value, body: &Value) -> (u16, Value) {
        let request = self.agent.patch(format!("{}{path}", self.base)).header("cookie", &self.cookie);
        let request = request.header("x-csrf-token", &self.csrf).header("if-match", format!("\"{version}\""));
        let mut answer = request.send_json(body).unwrap();
        (answer.status().as_u16(), answer.body_mut().read_json().unwrap())
    }

    pub(crate) fn get(&self, path: &str) -> Value {
        let mut answer =
            self.agent.get(format!("{}{path}", self.base)).header("cookie", &self.cookie).call().unwrap();
        let text = answer.body_mut().with_config().limit(1 << 30).read_to_string().unwrap();
        assert_eq!(answer.status(), 200, "GET {path}: {text}");
        serde_json::from_str(&text).unwrap()
    }

    /// Sends a change and answers its status and body.
    pub(crate) fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        let request = self.agent.post(format!("{}{path}", self.base)).header("cookie", &self.cookie);
        let mut answer = request.header("x-csrf-token", &self.csrf).send_json(body).unwrap();
        let text = answer.body_mut().read_to_string().unwrap();
        (answer.status().as_u16(), serde_json::from_str(&text).unwrap_or(Value::Null))
    }

    /// Sends a document and answers status and body.
    pub(crate) fn post_bytes(&self, path: &str, body: &[u8]) -> (u16, Value) {
        let request = self.agent.post(format!("{}{path}", self.base)).header("cookie", &self.cookie);
        let mut answer = request.header("x-csrf-token", &self.csrf).send(body).unwrap();
        (answer.status().as_u16(), answer.body_mut().read_json().unwrap())
    }

    /// A document, as it is.
    pub(crate) fn bytes(&self, path: &str) -> Vec<u8> {
        let mut answer =
            self.agent.get(format!("{}{path}", self.base)).header("cookie", &self.cookie).call().unwrap();
        assert_eq!(answer.status(), 200, "GET {path}");
        answer.body_mut().with_config().limit(1 << 30).read_to_vec().unwrap()
    }

    /// How many events of all time meet `q`.
    pub(crate) fn count(&self, q: &str) -> u64 {
        self.get(&format!("/api/v1/events/count?{}&q={}", all_time(), encode(q)))["count"].as_u64().unwrap()
    }

    /// Every event of all time that meets `q`, page by page.
    pub(crate) fn events(&self, q: &str) -> Vec<Value> {
        let mut items = Vec::new();
        let mut cursor = String::new();
        loop {
            let path = format!("/api/v1/events?{}&limit=1000&q={}{cursor}", all_time(), encode(q));
            let page = self.get(&path);
            items.extend(page["items"].as_array().unwrap().iter().cloned());
            match page["next"].as_str() {
                Some(next) => cursor = format!("&cursor={}", encode(next)),
                None => return items,
            }
        }
    }

    /// The queue.
    pub(crate) fn incidents(&self) -> Vec<Value> {
        self.incidents_of("")
    }

    /// Every incident that meets these parameters (`&name=value`).
    pub(crate) fn incidents_of(&self, filter: &str) -> Vec<Value> {
        let mut items = Vec::new();
        let mut cursor = String::new();
        loop {
            let page = self.get(&format!("/api/v1/incidents?limit=200{filter}{cursor}"));
            items.extend(page["items"].as_array().unwrap().iter().cloned());
            match page["next"].as_str() {
                Some(next) => cursor = format!("&cursor={}", encode(next)),
                None => return items,
            }
        }
    }

    /// Waits until as many events as `expected` meet `q`, then checks that it stays so.
    pub(crate) fn wait_count(&self, q: &str, expected: u64, limit: Duration) {
        let found = wait(limit, || Some(self.count(q)).filter(|count| *count >= expected));
        let found = found.unwrap_or_else(|| self.count(q));
        assert_eq!(found, expected, "events that meet `{q}`");
    }

    /// Waits for an incident that `wanted` recognises in its summary and answers its detail.
    pub(crate) fn wait_incident(&self, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let found = wait(Duration::from_secs(20), || self.incidents().into_iter().find(&wanted));
        let found = found.unwrap_or_else(|| {
            let all: Vec<String> = self
                .incidents()
                .iter()
                .map(|incident| format!("{} {}", incident["title"], incident["entities"]))
                .collect();
            panic!("no incident of {what}; there are:\n{}", all.join("\n"))
        });
        self.get(&format!("/api/v1/incidents/{}", found["id"].as_str().unwrap()))
    }
}

/// Whether the incident is about this entity.
pub(crate) fn is_about(incident: &Value, name: &str) -> bool {
    incident["entities"].as_array().is_some_and(|all| all.iter().any(|entity| entity["name"] == name))
}

fn all_time() -> &'static str {
    "from=2000-01-01T00:00:00Z&to=2100-01-01T00:00:00Z"
}

fn encode(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' => char::from(byte).to_string(),
            other => format!("%{other:02X}"),
        })
        .collect()
}

/// Asks again and again until there is an answer or the time is over.
pub(crate) fn wait<T>(limit: Duration, mut ask: impl FnMut() -> Option<T>) -> Option<T> {
    let deadline = Instant::now() + limit;
    loop {
        if let Some(answer) = ask() {
            return Some(answer);
        }
        if Instant::now() > deadline {
            return None;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
}

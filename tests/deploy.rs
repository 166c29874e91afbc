//! What a site installs: images and manifests as their own tools read them, packages in a clean Debian, services with few
//! rights under its own systemd.

use crate::stack::wait;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");
/// In tenths, as `systemd-analyze security` has it: 10 is everything allowed, and up to 2 it says "safe" or "OK".
const EXPOSURE_MAX: &str = "20";

fn path(name: &str) -> PathBuf {
    Path::new(ROOT).join(name)
}

fn read(name: &str) -> String {
    std::fs::read_to_string(path(name)).unwrap()
}

/// A program of the tests' own Python environments.
fn tool(name: &str) -> Command {
    let mut command = Command::new(path(&format!("target/tools/python/{name}/bin/{name}")));
    command.current_dir(ROOT);
    command
}

fn done(command: &mut Command) -> String {
    let Output { status, stdout, stderr } = command.output().unwrap();
    let said = format!("{}{}", String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
    assert!(status.success(), "{command:?}: {said}");
    said
}

/// The rest of the line behind `what`.
fn after<'t>(text: &'t str, what: &str) -> &'t str {
    let (_, rest) = text.split_once(what).unwrap_or_else(|| panic!("no {what}"));
    rest.lines().next().unwrap()
}

#[test]
fn images_compose_files_and_manifests_are_as_their_tools_want_them() {
    done(tool("hadolint").arg("deploy/docker/Dockerfile"));
    for file in ["deploy/docker/compose.yaml", "deploy/docker/compose.cluster.yaml"] {
        done(tool("docker-compose").args(["-f", file, "config", "--quiet"]));
    }
    let said = done(tool("kubernetes-validate").args(["--strict", "deploy/kubernetes/haidang.yaml"]));
    assert!(said.matches(" passed for resource ").count() >= 11, "{said}");
}

#[test]
fn images_are_built_from_every_crate() {
    let manifest: toml::Table = read("Cargo.toml").parse().unwrap();
    let context = read("deploy/docker/Dockerfile.dockerignore");
    for member in manifest["workspace"]["members"].as_array().unwrap() {
        let name = member.as_str().unwrap();
        assert!(name == "." || context.lines().any(|line| line == format!("!{name}")), "{name} is left out");
    }
}

#[test]
fn servers_beside_us_are_of_the_versions_that_the_tests_know() {
    let compose = read("deploy/docker/compose.cluster.yaml");
    let engine = after(&read("deploy/engine/package.json"), "lib-linux-x64-gnu\": \"").to_owned();
    let server = after(&compose, "image: clickhouse/clickhouse-server:");
    assert!(engine.starts_with(&format!("{server}.")), "engine {engine}, server {server}");
    let kafka = after(&compose, "image: apache/kafka:");
    assert!(read("deploy/dev/pom.xml").contains(&format!("<version>{kafka}</version>")), "Kafka {kafka}");
}

#[test]
fn configurations_of_images_and_manifests_are_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let manifest = read("deploy/kubernetes/haidang.yaml");
    let (_, rest) = manifest.split_once("  haidang.toml: |\n").unwrap();
    let within = rest.lines().take_while(|line| line.starts_with("    ") || line.is_empty());
    let lines: Vec<&str> = within.map(|line| line.trim_start()).collect();
    let kubernetes = folder.path().join("kubernetes.toml");
    std::fs::write(&kubernetes, lines.join("\n")).unwrap();
    for file in [path("deploy/docker/haidang.toml"), path("deploy/docker/cluster.toml"), kubernetes] {
        done(Command::new(env!("CARGO_BIN_EXE_haidang")).args(["check", "--config"]).arg(&file));
    }
}

fn units() -> Vec<PathBuf> {
    let all = std::fs::read_dir(path("deploy/systemd")).unwrap();
    let units: Vec<PathBuf> = all.map(|entry| entry.unwrap().path()).collect();
    assert_eq!(units.len(), 4);
    units
}

#[test]
fn services_are_sound_and_may_do_little() {
    let folder = tempfile::tempdir().unwrap();
    for unit in units() {
        // The program is not installed here.
        let text = std::fs::read_to_string(&unit).unwrap();
        let text = text.replace("/usr/bin/haidang", env!("CARGO_BIN_EXE_haidang"));
        let copy = folder.path().join(unit.file_name().unwrap());
        std::fs::write(&copy, text).unwrap();
        let said = done(Command::new("systemd-analyze").args(["verify", "--recursive-errors=no"]).arg(&copy));
        assert!(said.is_empty(), "{said}");
        let limit = format!("--threshold={EXPOSURE_MAX}");
        done(Command::new("systemd-analyze").args(["security", "--offline=true", &limit]).arg(&copy));
    }
}

/// A Debian of its own with its own systemd. It goes when this is dropped.
struct Machine {
    folder: tempfile::TempDir,
    process: Child,
    /// Its systemd.
    init: u32,
}

impl Machine {
    fn boot(folder: tempfile::TempDir) -> Machine {
        let process = Command::new("unshare")
            .args(["--fork", "--kill-child", "--pid", "--mount", "--uts", "--ipc", "--net", "--cgroup"])
            .arg(path("tests/boot"))
            .arg(folder.path())
            .stdin(Stdio::null())
            .spawn()
            .unwrap();
        let children = format!("/proc/{0}/task/{0}/children", process.id());
        let init = wait(Duration::from_secs(30), || {
            let init: u32 = std::fs::read_to_string(&children).ok()?.trim().parse().ok()?;
            let is_systemd = std::fs::read_to_string(format!("/proc/{init}/comm")).ok()?.trim() == "systemd";
            is_systemd.then_some(init)
        });
        let machine = Machine { folder, process, init: init.expect("systemd starts") };
        let running = wait(Duration::from_secs(60), || {
            let asked = machine.command("systemctl", &["is-system-running"]).output().unwrap();
            (asked.stdout == b"running\n").then_some(())
        });
        assert!(running.is_some(), "{}", machine.systemctl(&["--failed", "--no-pager"]));
        machine
    }

    fn command(&self, program: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new("nsenter");
        command.args(["-a", "-r", "-w", "-t", &self.init.to_string(), program]).args(arguments);
        command
    }

    fn systemctl(&self, arguments: &[&str]) -> String {
        let Output { stdout, stderr, .. } = self.command("systemctl", arguments).output().unwrap();
        String::from_utf8_lossy(&[stdout, stderr].concat()).into_owned()
    }

    /// What systemd knows of a service.
    fn property(&self, name: &str) -> String {
        self.systemctl(&["show", "--value", "--property", name, "haidang"]).trim().to_owned()
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        let _ = Command::new("kill").args(["-9", &self.init.to_string()]).status();
        let _ = self.process.wait();
    }
}

#[test]
fn the_packages_install_into_a_clean_debian_and_the_service_runs_there() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().to_owned();
    done(Command::new("tar").arg("-xf").arg(path("target/tools/debian.tar")).arg("-C").arg(&root));
    done(Command::new(path("deploy/package")).arg(root.join("srv")).env("LEVEL", "1"));
    let inside = |program: &str, arguments: &[&str]| {
        done(Command::new("chroot").arg(&root).arg(program).args(arguments))
    };
    inside("/bin/sh", &["-c", "dpkg -i /srv/*.deb"]);
    assert!(inside("/usr/bin/haidang", &["--version"]).starts_with("haidang "));
    let rights =
        inside("/usr/bin/stat", &["-c", "%U:%G %a", "/etc/haidang/haidang.toml", "/var/lib/haidang"]);
    assert_eq!(rights, "root:haidang 640\nhaidang:haidang 700\n");

    let machine = Machine::boot(folder);
    assert_eq!(machine.property("UnitFileState"), "disabled", "nobody asked for it yet");
    machine.systemctl(&["start", "haidang"]);
    let ready = wait(Duration::from_secs(60), || {
        let asked = machine.command("haidang", &["check", "--ready", "127.0.0.1:8080"]).output().unwrap();
        asked.status.success().then_some(())
    });
    assert!(ready.is_some(), "{}", machine.systemctl(&["status", "--no-pager", "-l", "-n", "50", "haidang"]));
    let spool = std::fs::metadata(machine.folder.path().join("var/lib/haidang/spool")).unwrap();
    assert_ne!(std::os::unix::fs::MetadataExt::uid(&spool), 0, "it does not run as root");
    let line = "echo '<13>Nov 23 10:00:00 may1 app: xin chào' > /dev/tcp/127.0.0.1/5514";
    done(&mut machine.command("bash", &["-c", line]));
    let stored = wait(Duration::from_secs(30), || {
        let ask = "exec 3<>/dev/tcp/127.0.0.1/8080; printf 'GET /metrics HTTP/1.0\\r\\n\\r\\n' >&3; cat <&3";
        let said = machine.command("bash", &["-c", ask]).output().unwrap();
        String::from_utf8_lossy(&said.stdout).contains("\nhaidang_stored_events_total 1\n").then_some(())
    });
    assert!(stored.is_some(), "the line is stored");
    machine.systemctl(&["stop", "haidang"]);
    assert_eq!(machine.property("Result"), "success");

    done(&mut machine.command("dpkg", &["--purge", "haidang-engine", "haidang"]));
    let data = machine.folder.path().join("var/lib/haidang");
    assert!(data.join("cases.sqlite").exists(), "evidence stays");
    assert!(!machine.folder.path().join("etc/haidang/haidang.toml").exists());
}

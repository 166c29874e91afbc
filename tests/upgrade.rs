//! Data of a newer program, or of one too far back, is refused before a byte of it is changed.

use crate::backup::content;
use crate::stack::Stack;
use std::path::Path;
use std::process::{Command, Output};

fn start(role: &str, installation: &Path) -> Output {
    // One that is not refused would go on for ever.
    Command::new("timeout")
        .args(["--kill-after=5", "60", env!("CARGO_BIN_EXE_haidang")])
        .arg(role)
        .arg("--config")
        .arg(installation.join("haidang.toml"))
        .arg("--data")
        .arg(installation.join("data"))
        .args(["--api", "127.0.0.1:0", "--syslog", "127.0.0.1:0", "--syslog-tls", "127.0.0.1:0"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .stdin(std::process::Stdio::null())
        .output()
        .unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&[&output.stdout[..], &output.stderr[..]].concat()).into_owned()
}

/// A stopped installation.
fn stopped() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("haidang.toml"), "").unwrap();
    let mut stack = Stack::start();
    stack.stop_one("run");
    let copied = Command::new("cp").arg("-a").arg(stack.data()).arg(dir.path()).status().unwrap();
    assert!(copied.success());
    dir
}

fn sqlite(installation: &Path, statement: &str) {
    let program = "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); c.execute(sys.argv[2]); c.commit()";
    let done = Command::new("python3")
        .args(["-c", program])
        .arg(installation.join("data/cases.sqlite"))
        .arg(statement)
        .output()
        .unwrap();
    assert!(done.status.success(), "{}", said(&done));
}

fn version(installation: &Path, text: &str) {
    std::fs::write(installation.join("data/version.json"), text).unwrap();
}

#[test]
fn what_a_newer_program_wrote_is_refused_by_every_role_and_not_a_byte_of_it_changes() {
    let known = stopped();
    let fresh = start("check", known.path());
    assert!(!said(&fresh).contains("was written by"), "{}", said(&fresh));
    type Change = fn(&Path);
    let changes: [(&str, Change); 6] = [
        ("was written by haidang 99.1.0", |at| version(at, r#"{"version":"99.1.0","events":3,"cases":9}"#)),
        ("the schema of the events is 99", |at| version(at, r#"{"version":"0.1.0","events":99,"cases":9}"#)),
        ("the schema of the cases is 99", |at| version(at, r#"{"version":"0.1.0","events":3,"cases":99}"#)),
        ("does not read: it says which version", |at| version(at, "{")),
        ("has schema 99, this program knows up to", |at| sqlite(at, "INSERT INTO schema_steps VALUES (99)")),
        ("HDSPOOL1", |at| {
            let spool = std::fs::read_dir(at.join("data/spool")).unwrap().map(|entry| entry.unwrap().path());
            let newest = spool.filter(|path| path.extension().is_some_and(|e| e == "spool")).max().unwrap();
            let mut bytes = std::fs::read(&newest).unwrap();
            bytes[7] = b'2';
            std::fs::write(newest, bytes).unwrap();
        }),
    ];
    for (words, change) in changes {
        let dir = tempfile::tempdir().unwrap();
        let copied =
            Command::new("cp").args(["-a", "-T"]).arg(known.path()).arg(dir.path()).status().unwrap();
        assert!(copied.success());
        change(dir.path());
        let before = content(dir.path());
        for (role, code) in [("run", 2), ("serve", 2), ("correlate", 2), ("collect", 2), ("check", 1)] {
            let output = start(role, dir.path());
            let said = said(&output);
            assert_eq!(output.status.code(), Some(code), "{role}, {words}: {said}");
            assert!(said.contains(words), "{role}: `{words}` is missing in: {said}");
            assert!(content(dir.path()) == before, "{role} changed something: {words}");
        }
    }
}

#[test]
fn a_start_says_who_wrote_the_folder_and_tables_of_a_newer_program_are_refused_by_the_engine_too() {
    let mut stack = Stack::start();
    let written = std::fs::read_to_string(stack.data().join("version.json")).unwrap();
    assert!(written.contains(env!("CARGO_PKG_VERSION")), "{written}");
    stack.sql("INSERT INTO migrations (number, name) SELECT 99, 'later'");
    stack.kill();
    let output = start("run", stack.dir.path());
    let said = said(&output);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("migration 99") && said.contains("run the newer program"), "{said}");
}

//! The program from its command line: exit codes, messages, the shipped configuration.

use std::process::{Command, Output};

fn haidang(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_haidang"))
        .args(arguments)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .stdin(std::process::Stdio::null())
        .output()
        .unwrap()
}

#[test]
fn the_shipped_configuration_is_in_order() {
    let checked = haidang(&["check", "--config", "deploy/haidang.toml"]);
    assert_eq!(checked.status.code(), Some(0), "{}", String::from_utf8_lossy(&checked.stdout));
}

#[test]
fn a_mistake_in_the_configuration_names_file_line_and_key() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("haidang.toml");
    std::fs::write(&file, "[collector.intake]\nline_byte_max = 3\n").unwrap();
    let checked = haidang(&["check", "--config", file.to_str().unwrap()]);
    assert_eq!(checked.status.code(), Some(2));
    let said = String::from_utf8_lossy(&checked.stderr);
    for word in ["haidang.toml", "line 2", "line_byte_max", "line_bytes_max"] {
        assert!(said.contains(word), "`{word}` is missing in: {said}");
    }
}

#[test]
fn a_broken_rule_is_reported_with_its_file_and_key_and_the_exit_code_is_1() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(
        dir.path().join("broken.yml"),
        "title: Broken\nlogsource: {product: linux}\ndetection: {a: {x|sounds_like: y}, condition: a}\nlevel: low\n",
    )
    .unwrap();
    let checked = haidang(&["rules", "check", "--rules", dir.path().to_str().unwrap()]);
    assert_eq!(checked.status.code(), Some(1));
    let said = String::from_utf8_lossy(&checked.stdout);
    assert!(said.contains("broken.yml") && said.contains("sounds_like"), "{said}");
}

#[test]
fn parse_answers_every_line_in_order_whatever_it_holds() {
    use std::io::Write as _;
    let mut parse = Command::new(env!("CARGO_BIN_EXE_haidang"))
        .arg("parse")
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    parse.stdin.take().unwrap().write_all(b"one\n\n\xff\xfe\nfour").unwrap();
    let said = parse.wait_with_output().unwrap();
    let lines: Vec<serde_json::Value> = String::from_utf8(said.stdout)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let originals: Vec<&str> = lines.iter().map(|line| line["event"]["original"].as_str().unwrap()).collect();
    assert_eq!(originals, ["one", "", "\\xFF\\xFE", "four"]);
}

#[test]
fn every_rule_of_ours_is_live_and_the_layer_names_its_techniques() {
    let dir = tempfile::tempdir().unwrap();
    let layer = dir.path().join("layer.json");
    let told = haidang(&["rules", "coverage", "--navigator", layer.to_str().unwrap()]);
    assert_eq!(told.status.code(), Some(0));
    let said = String::from_utf8_lossy(&told.stdout);
    let silent: Vec<&str> =
        said.lines().filter(|line| !line.starts_with("live ") && !line.contains(" rules: ")).collect();
    assert!(silent.is_empty() && said.lines().count() > 150, "{silent:?}");
    let layer: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(&layer).unwrap()).unwrap();
    assert_eq!((&layer["versions"]["layer"], &layer["domain"]), (&"4.5".into(), &"enterprise-attack".into()));
    let techniques = layer["techniques"].as_array().unwrap();
    assert!(techniques.iter().any(|technique| technique["techniqueID"] == "T1110.001"));
}

#[test]
fn a_rule_is_live_only_on_events_that_have_its_fields() {
    let dir = tempfile::tempdir().unwrap();
    let rule = "title: One\nid: 00000000-0000-4000-8000-00000000000X\nlogsource: {SOURCE}\n\
        detection: {a: {FIELD: x}, condition: a}\nlevel: low\n";
    for (number, source, field) in [
        ("1", "category: webserver", "cs-method"),
        ("2", "category: webserver", "cs-referer"),
        ("3", "product: mars", "a"),
    ] {
        let text = rule.replace('X', number).replace("SOURCE", source).replace("FIELD", field);
        std::fs::write(dir.path().join(format!("{number}.yml")), text).unwrap();
    }
    let events = dir.path().join("events.ndjson");
    let event = r#"{"event":{"dataset":"web.access","id":"01a20daa-8f62-7000-8000-000000000007"},"http":{"request":{"method":"GET"}}}"#;
    std::fs::write(&events, event).unwrap();
    let folder = dir.path().to_str().unwrap();
    let told = haidang(&["rules", "coverage", "--rules", folder, "--seen", events.to_str().unwrap()]);
    let said = String::from_utf8_lossy(&told.stdout);
    let states: Vec<&str> = said.lines().map(|line| line.get(..11).unwrap_or(line).trim()).collect();
    assert_eq!(states[..3], ["live", "no field", "no pipeline"], "{said}");
}

//! A simulated hour of a province with five attacks: each becomes an incident, and little else does.

use crate::stack::Stack;
use serde_json::Value;
use std::process::Command;
use std::time::Duration;

fn names(campaign: &Value) -> Vec<String> {
    let kinds = campaign["entities"].as_object().unwrap().values();
    kinds
        .flat_map(|list| list.as_array().unwrap().iter())
        .map(|name| name.as_str().unwrap().to_lowercase())
        .collect()
}

fn is_of(incident: &Value, campaign: &Value) -> bool {
    let wanted = names(campaign);
    incident["entities"].as_array().unwrap().iter().any(|entity| {
        let name = entity["name"].as_str().unwrap().to_lowercase();
        wanted.contains(&name)
    })
}

#[test]
fn every_campaign_of_a_simulated_hour_is_an_incident_and_at_most_5_percent_are_not() {
    tell_the_truth(&Stack::start());
}

#[test]
fn every_campaign_is_an_incident_through_kafka_too() {
    tell_the_truth(&Stack::start_with_kafka());
}

fn tell_the_truth(stack: &Stack) {
    let dir = tempfile::tempdir().unwrap();
    let registry = dir.path().join("registry.yaml");
    let truth = dir.path().join("truth.ndjson");
    let bin = env!("CARGO_BIN_EXE_haidang");
    let sample = Command::new(bin).args(["registry", "sample"]).output().unwrap();
    std::fs::write(&registry, sample.stdout).unwrap();
    stack.import_registry(&registry);
    // The same hour as in ten minutes, sent in one: event time rules, so the answer may not depend on the pace.
    let sent = Command::new(bin)
        .args(["simulate", "--duration", "60s", "--speed", "60", "--rate", "2000", "--seed", "7"])
        .args(["--target-udp", &stack.addresses.udp[0].to_string()])
        .args(["--target-tcp", &stack.addresses.tcp[0].to_string()])
        .arg("--truth")
        .arg(&truth)
        .output()
        .unwrap();
    assert!(sent.status.success(), "{}", String::from_utf8_lossy(&sent.stderr));
    let report: Value = serde_json::from_slice(&sent.stdout).unwrap();
    let lines = report["sent"].as_object().unwrap().values().map(|n| n.as_u64().unwrap()).sum();
    let client = stack.client();
    client.wait_count("", lines, Duration::from_secs(120));

    let campaigns: Vec<Value> = std::fs::read_to_string(&truth)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(campaigns.len(), 5);
    let incidents = client.incidents();
    for campaign in &campaigns {
        assert!(
            incidents.iter().any(|incident| is_of(incident, campaign)),
            "no incident of {campaign}\nincidents:\n{}",
            list(&incidents)
        );
    }
    let false_ones: Vec<Value> = incidents
        .iter()
        .filter(|incident| !campaigns.iter().any(|campaign| is_of(incident, campaign)))
        .cloned()
        .collect();
    assert!(
        false_ones.len() * 20 <= incidents.len(),
        "{} of {} incidents are not in the truth:\n{}",
        false_ones.len(),
        incidents.len(),
        list(&false_ones)
    );
}

fn list(incidents: &[Value]) -> String {
    incidents.iter().map(|incident| format!("{} {}\n", incident["title"], incident["entities"])).collect()
}

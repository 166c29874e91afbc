//! What we write: that it reads back, and that OASIS's validator and library take it.

use event::{Indicator, IndicatorKind, Severity, Time, Tlp};
use exchange::{Notice, Organisation, stix};
use proptest::prelude::*;
use std::path::PathBuf;
use std::process::Command;

fn us() -> Organisation {
    Organisation {
        code: "000.00.00.H99".into(),
        name: "Trung tâm thử nghiệm".into(),
        ..Organisation::default()
    }
}

/// A time that STIX can tell again.
fn time() -> impl Strategy<Value = Time> {
    (1_700_000_000_000i64..1_900_000_000_000).prop_map(Time)
}

fn text() -> impl Strategy<Value = String> {
    "[a-zA-ZàâđêôơưĐ0-9][a-zA-ZàâđêôơưĐ0-9 _.'\"\\\\/-]{0,30}".prop_map(|text| text.trim().to_owned())
}

fn tlp() -> impl Strategy<Value = Tlp> {
    prop::sample::select(Tlp::ALL.to_vec())
}

fn value() -> impl Strategy<Value = (IndicatorKind, String)> {
    let address =
        (any::<[u8; 4]>(), 8u8..=32).prop_map(|(a, n)| format!("{}/{n}", std::net::Ipv4Addr::from(a)));
    let address6 =
        (any::<u128>(), 16u8..=128).prop_map(|(a, n)| format!("{}/{n}", std::net::Ipv6Addr::from(a)));
    let of = |kind: IndicatorKind| move |text: String| (kind, text);
    prop_oneof![
        address.prop_map(of(IndicatorKind::Address)),
        address6.prop_map(of(IndicatorKind::Address)),
        "[a-z0-9]{1,12}(\\.[a-z0-9-]{1,12}){0,3}\\.example\\.net".prop_map(of(IndicatorKind::Domain)),
        "https?://[a-z]{1,9}\\.example\\.net(:[1-9][0-9]{1,3})?/[!-~]{0,30}".prop_map(of(IndicatorKind::Url)),
        "[0-9a-f]{32}".prop_map(of(IndicatorKind::Md5)),
        "[0-9a-f]{40}".prop_map(of(IndicatorKind::Sha1)),
        "[0-9A-F]{64}".prop_map(of(IndicatorKind::Sha256)),
        "[0-9a-f]{128}".prop_map(of(IndicatorKind::Sha512)),
    ]
    .prop_filter_map("a value of its kind", |(kind, text)| Some((kind, kind.canonical(&text)?)))
}

prop_compose! {
    fn indicator()(
        (kind, value) in value(),
        id in any::<u128>(),
        name in text(),
        source in text(),
        confidence in prop::option::of(0u8..=100),
        tlp in tlp(),
        valid_from in time(),
        lasts in prop::option::of(1i64..1_000_000_000),
    ) -> Indicator {
        let id = stix::id::own("indicator", &[&id.to_string()]);
        let valid_until = lasts.map(|ms| valid_from.plus_ms(ms));
        Indicator { id, kind, value, name, source, confidence, tlp, valid_from, valid_until }
    }
}

fn sorted<T: Ord + std::fmt::Debug>(of: impl Strategy<Value = T>) -> impl Strategy<Value = Vec<T>> {
    prop::collection::btree_set(of, 0..4).prop_map(|all| all.into_iter().collect())
}

prop_compose! {
    fn notice()(
        (id, number, is_closed) in (any::<u128>(), 1i64..1_000_000, any::<bool>()),
        (title, title_vi, unit) in (text(), text(), prop_oneof![Just(String::new()), text()]),
        severity in prop::sample::select(vec![Severity::Informational, Severity::Low, Severity::Medium, Severity::High, Severity::Critical]),
        (first, lasts, later, events) in (time(), 0i64..1_000_000_000, 0i64..1_000_000_000, 1u64..1_000_000),
        addresses in sorted(prop_oneof![any::<[u8; 4]>().prop_map(std::net::IpAddr::from), any::<[u8; 16]>().prop_map(std::net::IpAddr::from)]),
        hosts in sorted("[a-z][a-z0-9-]{0,20}"),
        techniques in sorted("T[0-9]{4}(\\.[0-9]{3})?"),
        malware in sorted(text()),
        sighted in prop::collection::vec(indicator(), 0..3),
        tlp in tlp(),
    ) -> Notice {
        let last = first.plus_ms(lasts);
        let made = Notice {
            id: uuid::Uuid::from_u128(id), number, title, title_vi, severity, is_closed, first, last,
            modified: first.plus_ms(later), events, unit_name: unit.clone(), unit, addresses, hosts, techniques,
            malware, sighted: Vec::new(), tlp,
        };
        made.with_sighted(sighted)
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn an_indicator_reads_back(given in indicator()) {
        let bundle = stix::bundle(stix::of_indicator(&given));
        let objects: Vec<_> = bundle.objects.iter().map(|object| serde_json::to_value(object).unwrap()).collect();
        let read = stix::indicators(&objects, "somebody");
        prop_assert!(read.refused.is_empty(), "{:?}", read.refused);
        prop_assert_eq!(read.indicators, vec![given]);
    }

    #[test]
    fn an_incident_reads_back(given in notice()) {
        let bundle = stix::bundle(stix::of_notice(&given, &us()));
        let text = serde_json::to_string(&bundle).unwrap();
        let again = stix::bundle(stix::of_notice(&given, &us()));
        prop_assert_eq!(&serde_json::to_string(&again).unwrap(), &text, "the same incident has the same bytes");
        let read = stix::notice(&serde_json::from_str(&text).unwrap());
        prop_assert_eq!(read, Some(given));
    }

    #[test]
    fn nothing_is_marked_for_more_than_the_notice(given in notice()) {
        for object in stix::of_notice(&given, &us()) {
            let value = serde_json::to_value(&object).unwrap();
            let about_us = value["type"] == "identity" && value["name"] == us().name;
            let definition = value["type"] == "marking-definition";
            let theirs = value["type"] == "indicator";
            let tlp = stix::marking::of(&value);
            prop_assert!(tlp == given.tlp || about_us || definition || (theirs && tlp <= given.tlp), "{}", value);
        }
    }
}

/// A program of one of the environments that `deploy/install test` makes.
fn tool(path: &str) -> PathBuf {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..");
    let program = root.join("target/tools/python").join(path);
    assert!(program.exists(), "{path} is missing: run deploy/install test");
    program
}

/// Random bundles, the same each time, in a folder.
fn bundles() -> tempfile::TempDir {
    use proptest::strategy::ValueTree as _;
    let folder = tempfile::tempdir().unwrap();
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    for number in 0..40 {
        let notice = notice().new_tree(&mut runner).unwrap().current();
        let mut objects = stix::of_notice(&notice, &us());
        objects.extend(stix::of_indicator(&indicator().new_tree(&mut runner).unwrap().current()));
        let text = serde_json::to_string(&stix::bundle(objects)).unwrap();
        std::fs::write(folder.path().join(format!("{number:02}.json")), text).unwrap();
    }
    folder
}

#[test]
fn the_validator_of_oasis_finds_no_error() {
    let folder = bundles();
    let run = |file: &std::path::Path| {
        let output = Command::new(tool("stix2-validator/bin/stix2_validator"))
            .args(["--version", "2.1", "--strict", "-d", "103", "--enforce-refs"])
            .arg(file)
            .output()
            .unwrap();
        (output.status.success(), String::from_utf8_lossy(&output.stdout).into_owned())
    };
    let (is_valid, said) = run(folder.path());
    assert!(is_valid, "{said}");
    // That it would find one.
    let file = folder.path().join("00.json");
    let broken = std::fs::read_to_string(&file).unwrap().replacen("\"criticality\"", "\"criticality \"", 1);
    let broken =
        broken.replace("\"relationship_type\":\"related-to\"", "\"relationship_type\":\"Related To\"");
    std::fs::write(&file, broken).unwrap();
    assert!(!run(&file).0, "a broken bundle passes");
}

#[test]
fn the_library_of_oasis_parses_it_and_derives_the_same_ids() {
    let folder = bundles();
    let script = r#"
import json, pathlib, sys
import stix2
observables = 0
for file in sorted(pathlib.Path(sys.argv[1]).iterdir()):
    given = json.loads(file.read_text())
    bundle = stix2.parse(given, version="2.1")
    assert len(bundle.objects) == len(given["objects"])
    for one in bundle.objects:
        if one["type"] in ("ipv4-addr", "ipv6-addr"):
            made = {"ipv4-addr": stix2.v21.IPv4Address, "ipv6-addr": stix2.v21.IPv6Address}[one["type"]](value=one["value"])
            assert made.id == one["id"], (made.id, one["id"])
            observables += 1
print(observables)
"#;
    let output =
        Command::new(tool("stix2/bin/python")).arg("-c").arg(script).arg(folder.path()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let observables: u32 = String::from_utf8_lossy(&output.stdout).trim().parse().unwrap();
    assert!(observables > 20, "addresses were compared");
}

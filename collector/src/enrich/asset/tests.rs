use super::*;
use event::{Draft, Raw, Time};
use proptest::prelude::*;

const REGISTRY: &str = "
units:
  - { id: so-a, name: Sở A }
  - { id: xa-b, name: Xã B }
systems:
  - { id: mot-cua, name: Một cửa điện tử, level: 3, unit: so-a }
assets:
  - { id: lan, unit: so-a, addresses: [10.1.0.0/16, '2001:db8:1::/48'] }
  - { id: web, system: mot-cua, addresses: [10.1.2.0/24], hosts: [WEB01, portal.example.vn] }
  - { id: one, unit: xa-b, addresses: [10.1.2.7], hosts: [mail.a.example.vn] }
  - { id: two, unit: xa-b, hosts: [mail.b.example.vn] }
";

fn registry() -> Assets {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("assets.yaml");
    std::fs::write(&path, REGISTRY).unwrap();
    Assets::read(&path).unwrap()
}

fn id(asset: Option<&Asset>) -> &str {
    asset.map_or("", |asset| &asset.id)
}

#[test]
fn the_longest_prefix_wins() {
    let assets = registry();
    for (ip, expected) in [
        ("10.1.0.0", "lan"),
        ("10.1.1.255", "lan"),
        ("10.1.2.6", "web"),
        ("10.1.2.7", "one"),
        ("10.1.2.8", "web"),
        ("10.1.3.0", "lan"),
        ("10.2.0.0", ""),
        ("10.0.255.255", ""),
        ("::ffff:10.1.2.7", "one"),
        ("2001:db8:1:ffff::", "lan"),
        ("2001:db8:2::", ""),
    ] {
        assert_eq!(id(assets.by_ip(ip.parse().unwrap())), expected, "{ip}");
    }
}

#[test]
fn names_are_found_in_any_case_short_or_full_but_never_guessed() {
    let assets = registry();
    for (name, expected) in [
        ("web01", "web"),
        ("Web01.Example.VN", "web"),
        ("PORTAL", "web"),
        ("portal.example.vn", "web"),
        ("portal.other.vn", ""),
        ("mail", ""), // two assets have that first label
        ("mail.b.example.vn", "two"),
        ("", ""),
    ] {
        assert_eq!(id(assets.by_name(name)), expected, "{name}");
    }
    assert_eq!(assets.by_name(&"a".repeat(400)), None);
}

#[test]
fn an_event_is_attributed_to_the_machine_that_wrote_it_then_to_what_was_attacked() {
    let assets = registry();
    let of = |fields: &[(Field, &str)]| {
        let mut draft = Draft::new(&Raw::stdin("x", Time(0), 1));
        for (field, text) in fields {
            draft.put(*field, text);
        }
        let mut event = draft.finish();
        assets.enrich(&mut event);
        event
    };
    let event = of(&[(Field::SOURCE_IP, "10.1.9.9"), (Field::DESTINATION_IP, "10.1.2.9")]);
    assert_eq!(event.text(Field::HAIDANG_ASSET_ID), Some("web"));
    assert_eq!(event.text(Field::HAIDANG_SYSTEM_NAME), Some("Một cửa điện tử"));
    assert_eq!(event.long(Field::HAIDANG_SYSTEM_LEVEL), Some(3));
    assert_eq!(event.text(Field::HAIDANG_UNIT_NAME), Some("Sở A"));
    let event = of(&[(Field::SOURCE_IP, "10.1.9.9"), (Field::DESTINATION_IP, "198.51.100.1")]);
    assert_eq!(event.text(Field::HAIDANG_ASSET_ID), Some("lan"));
    let event = of(&[(Field::DESTINATION_IP, "10.1.9.9"), (Field::HOST_NAME, "web01")]);
    assert_eq!(event.text(Field::HAIDANG_ASSET_ID), Some("web"));
    let event = of(&[(Field::LOG_SYSLOG_HOSTNAME, "10.1.2.7")]);
    assert_eq!(event.text(Field::HAIDANG_UNIT_ID), Some("xa-b"));
    assert_eq!(event.get(Field::HAIDANG_SYSTEM_LEVEL), None);
    assert_eq!(of(&[(Field::SOURCE_IP, "198.51.100.1")]).get(Field::HAIDANG_ASSET_ID), None);
}

#[test]
fn every_mistake_is_reported_at_once_with_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("assets.yaml");
    std::fs::write(
        &path,
        "units: [{ id: u, name: U }]\nassets:\n  - { id: a, unit: v, hosts: [h] }\n  - { id: b, unit: u }\n",
    )
    .unwrap();
    let said: Vec<String> = Assets::read(&path).unwrap_err().iter().map(ToString::to_string).collect();
    assert_eq!(said.len(), 2, "{said:#?}");
    assert!(
        said[0].ends_with("assets.yaml: row 3: asset a: `unit` names `v`, which is not among the units"),
        "{said:#?}"
    );
}

#[test]
fn systems_and_endpoints_are_found_like_assets() {
    let system = System {
        id: "s".into(),
        name: "S".into(),
        unit: "u".into(),
        level: 4,
        addresses: vec!["203.0.113.9".into()],
        domains: vec!["dvc.example.vn".into()],
        ..System::default()
    };
    let endpoint =
        registry::Endpoint { id: "PC-07".into(), unit: "u".into(), ..registry::Endpoint::default() };
    let unit = Unit { id: "u".into(), name: "U".into(), ..Unit::default() };
    let assets = Assets::of_registry(&Registry {
        units: vec![unit],
        systems: vec![system],
        assets: vec![],
        endpoints: vec![endpoint],
    });
    let found = assets.by_ip("203.0.113.9".parse().unwrap()).unwrap();
    assert_eq!((found.system_level, found.unit_name.as_str()), (4, "U"));
    assert_eq!(assets.by_name("DVC.example.vn").unwrap().system_id, "s");
    assert_eq!(assets.by_name("pc-07").unwrap().unit_id, "u");
}

#[test]
fn the_example_registry_is_without_mistakes() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/assets.example.yaml");
    let assets = Assets::read(&path).unwrap();
    let asset = assets.by_ip("10.20.10.11".parse().unwrap()).unwrap();
    assert_eq!((asset.system_id.as_str(), asset.system_level), ("dich-vu-cong", 3));
    assert!(assets.by_name("DVC-WEB-01").is_some());
}

proptest! {
    #[test]
    fn stretches_answer_as_trying_every_prefix_would(
        networks in proptest::collection::vec((any::<u32>(), 0u32..=32), 0..40),
        ips in proptest::collection::vec(any::<u32>(), 1..40),
    ) {
        let mut prefixes: Vec<(Network, usize)> = Vec::new();
        for (at, (bits, length)) in networks.iter().enumerate() {
            // Few distinct leading bits, so that networks nest.
            let ip = (bits & 0x0300_00ff).checked_shr(32 - length).unwrap_or(0).checked_shl(32 - length).unwrap_or(0);
            let start = Network::number(IpAddr::V4(ip.into()));
            let network = Network { start, length: length + 96 };
            if !prefixes.iter().any(|(other, _)| *other == network) {
                prefixes.push((network, at));
            }
        }
        let table = stretches(prefixes.clone());
        for ip in ips.iter().flat_map(|bits| [*bits, bits & 0x0300_00ff]) {
            let number = Network::number(IpAddr::V4(ip.into()));
            let within = prefixes.iter().filter(|(p, _)| p.start <= number && number <= p.last());
            let expected = within.max_by_key(|(p, _)| p.length).map(|(_, asset)| *asset);
            let at = table.partition_point(|(start, _)| *start <= number);
            let found = at.checked_sub(1).and_then(|at| table[at].1);
            prop_assert_eq!(found, expected);
        }
    }
}

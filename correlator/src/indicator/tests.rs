//! The table against a plain reading of every indicator.

use super::*;
use event::Raw;
use proptest::prelude::*;

fn event(fields: &[(Field, &str)], at: i64) -> Event {
    let mut event = event::Draft::new(&Raw::stdin("x", Time(at), 1)).finish();
    for (field, text) in fields {
        let value = text.parse().map_or(Value::Text(text), Value::Ip);
        assert!(event.set(*field, value), "{field:?} {text}");
    }
    event
}

fn indicator(number: u128, kind: IndicatorKind, value: &str) -> Indicator {
    Indicator {
        id: format!("indicator--{}", Uuid::from_u128(number)),
        kind,
        value: kind.canonical(value).unwrap(),
        name: format!("warning {number}"),
        source: "NCSC".into(),
        confidence: None,
        tlp: Tlp::Amber,
        valid_from: Time(0),
        valid_until: None,
    }
}

fn all(indicators: &[Indicator]) -> Indicators {
    let mut table = Indicators::default();
    for one in indicators {
        assert!(table.add(one));
    }
    table
}

#[test]
fn each_kind_is_met_where_it_stands() {
    let md5 = "44d88612fea8a8f36de82e1278abb02f";
    let table = all(&[
        indicator(1, IndicatorKind::Domain, "c2.example.net"),
        indicator(2, IndicatorKind::Address, "198.51.100.0/24"),
        indicator(3, IndicatorKind::Address, "198.51.100.7"),
        indicator(4, IndicatorKind::Address, "2001:db8:1::/48"),
        indicator(5, IndicatorKind::Url, "http://a.example.org/tai/x.exe"),
        indicator(6, IndicatorKind::Md5, md5),
    ]);
    let met = |field, text: &str| table.met(&event(&[(field, text)], 10)).map(|met| met.id);
    for (field, text, id) in [
        (Field::DNS_QUESTION_NAME, "c2.example.net", Some(1)),
        (Field::DNS_QUESTION_NAME, "A.B.C2.Example.NET.", Some(1)),
        (Field::URL_DOMAIN, "xc2.example.net", None),
        (Field::DNS_QUESTION_NAME, "example.net", None),
        (Field::DNS_QUESTION_NAME, "net", None),
        (Field::DNS_QUESTION_NAME, "", None),
        (Field::DESTINATION_IP, "198.51.100.8", Some(2)),
        (Field::SOURCE_IP, "198.51.100.7", Some(3)),
        (Field::SOURCE_IP, "198.51.101.7", None),
        (Field::SOURCE_IP, "2001:db8:1:2::9", Some(4)),
        (Field::SOURCE_IP, "2001:db8:2::9", None),
        (Field::URL_FULL, "HTTP://A.example.org:80/tai/x.exe?y=1#z", Some(5)),
        (Field::URL_ORIGINAL, "/tai/x.exe", None),
        (Field::FILE_HASH_MD5, &md5.to_uppercase(), Some(6)),
        (Field::PROCESS_HASH_MD5, "44d88612fea8a8f36de82e1278abb020", None),
    ] {
        assert_eq!(met(field, text), id, "{field:?} {text}");
    }
    let mut event = event(&[(Field::DNS_QUESTION_NAME, "x.c2.example.net")], 10);
    assert!(table.mark(&mut event));
    assert_eq!(event.text(Field::THREAT_INDICATOR_NAME), Some("warning 1"));
    assert_eq!(event.text(Field::THREAT_INDICATOR_URL_DOMAIN), Some("c2.example.net"));
    assert_eq!(event.text(Field::THREAT_INDICATOR_MARKING_TLP), Some("amber"));
    let long = "a.".repeat(400);
    assert_eq!(met(Field::DNS_QUESTION_NAME, &long), None);
}

#[test]
fn the_surest_that_is_valid_at_the_events_time_counts() {
    let of = |number, confidence, from, until| Indicator {
        confidence,
        valid_from: Time(from),
        valid_until: until,
        ..indicator(number, IndicatorKind::Domain, "c2.example.net")
    };
    let table =
        all(&[of(1, None, 0, None), of(2, Some(90), 100, Some(Time(200))), of(3, Some(50), 150, None)]);
    let met = |at| table.met(&event(&[(Field::DNS_QUESTION_NAME, "c2.example.net")], at)).map(|met| met.id);
    assert_eq!([met(99), met(100), met(199), met(200)], [Some(1), Some(2), Some(2), Some(3)]);
    // A device whose clock is ahead: the time of receipt counts.
    let mut ahead = event(&[(Field::DNS_QUESTION_NAME, "c2.example.net")], 99);
    ahead.set(Field::TIMESTAMP, Value::Date(Time(5_000)));
    assert_eq!(table.met(&ahead).map(|met| met.id), Some(1));
}

fn domain() -> impl Strategy<Value = String> {
    "[ab]{1,2}(\\.[ab]{1,2}){1,4}"
}

fn address() -> impl Strategy<Value = IpAddr> {
    prop_oneof![
        (0u8..4, 0u8..4).prop_map(|(a, b)| IpAddr::from([192, 0, a, b])),
        (0u16..3, 0u16..3).prop_map(|(a, b)| IpAddr::from([0x2001, 0xdb8, a, 0, 0, 0, 0, b])),
    ]
}

proptest! {
    #[test]
    fn it_says_what_a_plain_reading_says(
        domains in prop::collection::vec((domain(), 0u8..3, 0i64..20, 1i64..20), 0..20),
        networks in prop::collection::vec((address(), 8u8..=128, 0i64..20, 1i64..20), 0..20),
        asked in prop::collection::vec((domain(), address(), 0i64..40), 1..20),
    ) {
        let mut given = Vec::new();
        for (name, sure, from, lasts) in domains {
            let number = given.len() as u128;
            let base = indicator(number, IndicatorKind::Domain, &name);
            given.push(Indicator { confidence: Some(sure), valid_from: Time(from), valid_until: Some(Time(from + lasts)), ..base });
        }
        for (address, length, from, lasts) in networks {
            let length = if address.is_ipv4() { length.clamp(8, 32) } else { length.max(16) };
            let base = indicator(given.len() as u128, IndicatorKind::Address, &format!("{address}/{length}"));
            given.push(Indicator { valid_from: Time(from), valid_until: Some(Time(from + lasts)), ..base });
        }
        let table = all(&given);
        for (name, address, at) in asked {
            let valid = |one: &&Indicator| one.valid_from.0 <= at && at < one.valid_until.unwrap().0;
            let rank = |one: &&Indicator| (std::cmp::Reverse(one.value.len()), std::cmp::Reverse(one.confidence), one.id.clone());
            let below = |one: &&Indicator| one.kind == IndicatorKind::Domain && (name == one.value || name.ends_with(&format!(".{}", one.value)));
            let by_name = given.iter().filter(valid).filter(below).min_by_key(rank);
            let within = |one: &&Indicator| network(one).is_some_and(|(net, length)| (bits(net) ^ bits(address)) & mask(length) == 0);
            let narrow = |one: &&Indicator| (std::cmp::Reverse(network(one).unwrap().1), one.id.clone());
            let by_address = given.iter().filter(valid).filter(within).min_by_key(narrow);
            let expected = by_name.or(by_address).map(|one| one.id.clone());
            let event = event(&[(Field::DNS_QUESTION_NAME, &name), (Field::SOURCE_IP, &address.to_string())], at);
            let met = table.met(&event).map(|met| format!("indicator--{}", Uuid::from_u128(met.id)));
            prop_assert_eq!(met, expected);
        }
    }
}

//! The events' store on the real engine.

use crate::live::Live;
use event::{Draft, Event, EventId, Field, Kind, Match, Raw, Severity, Time, Transport, Value};
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use std::collections::HashSet;
use store::events::{Search, TopSource};
use store::query::Query;

/// 2026-09-21T14:13:20Z.
const NOON: i64 = 1_790_000_000_000;

pub(crate) fn event(sequence: u64, time: i64) -> Event {
    event_received(sequence, time, NOON + 1000)
}

pub(crate) fn event_received(sequence: u64, time: i64, received: i64) -> Event {
    let line =
        format!("date=x action=deny srcip=192.0.2.{} seq={sequence} Đăng nhập thất bại", sequence % 250);
    let raw = Raw {
        line: &line,
        id: EventId::new(Time(received), 1, sequence),
        received: Time(received),
        peer: Some("10.0.0.1".parse().unwrap()),
        transport: Transport::Udp,
        tz_offset_s: 0,
    };
    let mut draft = Draft::new(&raw);
    draft.date(Field::TIMESTAMP, Time(time));
    draft.put(Field::SOURCE_IP, &format!("192.0.2.{}", sequence % 250));
    draft.put(Field::SOURCE_PORT, &(sequence % 60_000).to_string());
    draft.put(Field::SOURCE_GEO_COUNTRY_ISO_CODE, "VN");
    draft.put(Field::USER_NAME, if sequence.is_multiple_of(2) { "Nguyễn.An" } else { "root" });
    draft.put(Field::EVENT_DATASET, "fortinet.firewall");
    draft.word(Field::EVENT_CATEGORY, "network");
    draft.put(Field::SOURCE_MAC, "00-00-5E-00-53-01");
    draft.put(Field::SOURCE_BYTES, "0");
    draft.put(Field::DESTINATION_BYTES, "40");
    draft.put(Field::NETWORK_BYTES, if sequence.is_multiple_of(4) { "40" } else { "41" });
    draft.put(Field::MESSAGE, "Đăng nhập thất bại");
    draft.put(Field::HOST_IP, "192.0.2.250");
    draft.extra("fortinet.firewall", "vd", "root");
    draft.extra_value("fortinet.firewall", "policyid", Value::Long(7));
    draft.finish()
}

fn events(range: std::ops::Range<u64>) -> Vec<Event> {
    range.map(|sequence| event(sequence, NOON + i64::try_from(sequence / 3).unwrap())).collect()
}

async fn ready() -> Live {
    let live = Live::start().await;
    live.events.migrate().await.unwrap();
    live
}

fn search(query: &str) -> Search {
    let query = Query::parse(query).unwrap();
    Search { from: Time(NOON - 1), to: Time(NOON + 100_000_000), query, limit: 1000, cursor: None }
}

async fn count(live: &Live, query: &str) -> u64 {
    let search = search(query);
    live.events.count(search.from, search.to, &search.query).await.unwrap()
}

fn text_for(kind: Kind) -> BoxedStrategy<String> {
    match kind {
        Kind::Text => "\\PC{1,12}|[a-z\"\\\\\n\t\u{1}]{1,8}".boxed(),
        Kind::Long => prop_oneof![any::<i64>(), 0i64..3, Just(65_536)].prop_map(|n| n.to_string()).boxed(),
        Kind::Float => {
            any::<f64>().prop_filter("finite", |f| f.is_finite()).prop_map(|f| f.to_string()).boxed()
        }
        Kind::Ip => prop_oneof![
            any::<u32>().prop_map(|bits| std::net::Ipv4Addr::from(bits).to_string()),
            any::<u128>().prop_map(|bits| std::net::Ipv6Addr::from(bits).to_string()),
            Just("::".to_owned()),
        ]
        .boxed(),
        Kind::Date => {
            prop_oneof![0i64..4_000_000_000_000, Just(-60_000_000_000_000), Just(200_000_000_000_000)]
                .prop_map(|ms| Time(ms).to_string())
                .boxed()
        }
        Kind::Bool => any::<bool>().prop_map(|flag| flag.to_string()).boxed(),
    }
}

fn any_event() -> impl Strategy<Value = Event> {
    let field = (0..Field::COUNT).prop_flat_map(|at| {
        let field = Field::all().nth(at).unwrap();
        text_for(field.kind()).prop_map(move |text| (field, text))
    });
    let extra = ("[a-z.\"]{1,6}", "\\PC{1,9}", any::<i64>(), any::<bool>());
    let parts = (
        "\\PC{0,40}",
        proptest::collection::vec(field, 0..40),
        proptest::collection::vec(extra, 0..6),
        0u64..1 << 62,
        any::<bool>(),
        // What is not written because it follows: sums, and the end of the line.
        proptest::collection::vec((0usize..5, -3i64..3), 0..12),
    );
    parts.prop_map(|(original, fields, extras, sequence, drafted, following)| {
        let raw = Raw::stdin(&original, Time(NOON), sequence);
        let mut event = if drafted { Draft::new(&raw).finish() } else { Event::stored(raw.id, &original) };
        for (field, text) in &fields {
            if !["event.id", "event.original"].contains(&field.name()) {
                event.set(*field, Value::Text(text));
            }
        }
        for (kind, number) in following {
            let whole =
                [Field::SOURCE_BYTES, Field::DESTINATION_BYTES, Field::NETWORK_BYTES, Field::NETWORK_PACKETS];
            match whole.get(kind) {
                Some(field) => _ = event.set(*field, Value::Long(number)),
                None => {
                    let end = original.char_indices().nth(usize::try_from(number + 3).unwrap());
                    let text = end.map_or("elsewhere", |(at, _)| original.get(at..).unwrap());
                    event.set(Field::MESSAGE, Value::Text(text));
                }
            }
        }
        event.set(Field::USER_EMAIL, Value::Text(""));
        for (key, text, number, flag) in &extras {
            event.set_extra("vendor.product", key, Value::Text(text));
            event.set_extra("vendor.product.more", key, Value::Long(*number));
            event.set_extra("vendor.x", key, Value::Bool(*flag));
            event.set_extra("vendor.x", key, Value::Float(f64::from_bits(0x3ff0_0000_0000_0001)));
            event.set_extra("vendor.x", key, Value::Ip("192.0.2.1".parse().unwrap()));
            event.set_extra("vendor.x", key, Value::Date(Time(*number / 1_000_000)));
        }
        event
    })
}

#[tokio::test]
async fn every_event_comes_back_exactly() {
    let live = ready().await;
    let mut runner = proptest::test_runner::TestRunner::default();
    let mut seen = HashSet::new();
    let written: Vec<Event> = std::iter::repeat_with(|| any_event().new_tree(&mut runner).unwrap().current())
        .filter(|event| seen.insert(event.id()))
        .take(1500)
        .collect();
    live.events.insert(&written, "property").await.unwrap();
    let ids: Vec<EventId> = written.iter().map(Event::id).collect();
    let mut read = live.events.get(&ids).await.unwrap();
    read.sort_by_key(Event::id);
    let mut written = written;
    written.sort_by_key(Event::id);
    assert_eq!(read.len(), written.len());
    for (read, written) in read.iter().zip(&written) {
        assert_eq!(read, written);
        assert_eq!(read.to_json(), written.to_json());
    }
    live.stop().await;
}

#[tokio::test]
async fn a_repeated_batch_adds_nothing() {
    let live = ready().await;
    live.events.migrate().await.unwrap();
    let mut batch = events(0..5000);
    batch.push(event(9999, NOON - 3 * 86_400_000));
    for _ in 0..3 {
        live.events.insert(&batch, "batch-1").await.unwrap();
    }
    live.events.insert(&batch[..10], "batch-2").await.unwrap();
    let total: u64 = live.events.client().query_raw("SELECT count() FROM events").fetch_one().await.unwrap();
    assert_eq!(total, 5011);
    live.stop().await;
}

#[tokio::test]
async fn a_hostile_clock_makes_no_partitions() {
    let live = ready().await;
    let batch: Vec<Event> =
        (0..2000u64).map(|n| event(n, i64::try_from(n).unwrap() * 86_400_000 * 30 - NOON)).collect();
    live.events.insert(&batch, "clock").await.unwrap();
    let partitions: u64 = live
        .events
        .client()
        .query_raw("SELECT uniqExact(partition) FROM system.parts WHERE table = 'events' AND active")
        .fetch_one()
        .await
        .unwrap();
    assert!(partitions <= 16, "{partitions}");
    let ids: Vec<EventId> = batch.iter().map(Event::id).collect();
    let mut read = live.events.get(&ids).await.unwrap();
    read.sort_by_key(Event::id);
    assert_eq!(read.len(), batch.len());
    for (read, written) in read.iter().zip(&batch) {
        assert_eq!(read, written);
    }
    live.stop().await;
}

#[tokio::test]
async fn pages_give_every_event_once_newest_first() {
    let live = ready().await;
    let mut batch = events(0..700);
    // Clocks are wrong by decades: 1960 and 2250.
    batch.extend([event(900, -300_000_000_000), event(901, 8_850_000_000_000)]);
    live.events.insert(&batch, "pages").await.unwrap();
    // A search goes back in stretches; the first ends in the middle of these events.
    let middle = batch[350].time().0 + 6 * 3_600_000;
    let mut search = Search { limit: 97, from: Time(-310_000_000_000), to: Time(middle), ..search("") };
    let mut found: Vec<Event> = Vec::new();
    loop {
        let page = live.events.search(&search).await.unwrap();
        found.extend(page.items);
        search.cursor = page.next;
        if search.cursor.is_none() {
            break;
        }
    }
    let late = Search { from: Time(middle), to: Time(9_000_000_000_000), limit: 9, ..search.clone() };
    found.splice(0..0, live.events.search(&late).await.unwrap().items);
    let mut expected = batch;
    expected.sort_by_key(|event| std::cmp::Reverse((event.time(), event.id())));
    let ids = |events: &[Event]| events.iter().map(|event| (event.time().0, event.id())).collect::<Vec<_>>();
    assert_eq!(ids(&found), ids(&expected));
    assert!(found == expected);
    live.stop().await;
}

#[tokio::test]
async fn each_kind_of_term_finds_what_it_says() {
    let live = ready().await;
    live.events.insert(&events(0..500), "terms").await.unwrap();
    for (query, expected) in [
        ("", 500),
        ("user.name:nguyễn.an", 250),
        ("user.name:NGUYỄN.AN", 250),
        ("-user.name:root", 250),
        ("user.name:ngu*", 250),
        ("source.ip:192.0.2.7", 2),
        ("source.ip:192.0.2.0/29", 16),
        ("-source.ip:192.0.2.0/29", 484),
        ("192.0.2.7", 2),
        ("-192.0.2.7 DENY", 498),
        ("10.0.0.1", 500),
        ("192.0.2.250", 500),
        ("host.ip:192.0.2.250", 500),
        ("host.ip:192.0.2.7", 0),
        ("::", 0),
        ("source.ip:::", 0),
        ("network.bytes:40", 125),
        ("network.bytes:>=40", 500),
        ("network.packets:*", 0),
        ("message:\"đăng nhập thất bại\"", 500),
        ("message:Đăng*", 500),
        ("message:seq*", 0),
        ("2001:db8::1", 0),
        ("destination.ip:::/0", 0),
        ("source.port:>=490", 10),
        ("source.port:7", 1),
        ("source.bytes:0", 500),
        ("destination.port:<70000", 0),
        ("-destination.port:80", 500),
        ("destination.port:*", 0),
        ("event.category:Network", 500),
        ("event.category:*", 500),
        ("source.mac:00-00-5e-*", 500),
        ("source.mac:*", 500),
        ("fortinet.firewall.vd:ROOT", 500),
        ("fortinet.firewall.policyid:>6", 500),
        ("fortinet.firewall.policyid:>7", 0),
        ("fortinet.firewall.other:*", 0),
        ("haidang.collector.address:10.0.0.1", 500),
        ("event.ingested:>2026-09-21T00:00:00Z", 500),
        ("DENY", 500),
        ("den", 0),
        ("\"action=deny srcip=192.0.2.7\"", 2),
        ("\"đăng nhập\"", 500),
        ("thất bại -seq", 0),
        ("event.original:*seq=7*", 11),
        ("event.id:01a0c450-6fe8-7001-8000-000000000007", 1),
        ("user.name:\"'; DROP TABLE events; --\"", 0),
        ("user.name:\\N", 0),
        ("\"a\tb\"", 0),
    ] {
        assert_eq!(count(&live, query).await, expected, "{query}");
    }
    live.stop().await;
}

#[tokio::test]
async fn figures_add_up() {
    let live = ready().await;
    let batch = events(0..600);
    live.events.insert(&batch, "figures").await.unwrap();
    let (from, to, all) = (Time(NOON), Time(NOON + 10_000), Query::default());
    let (step_s, bars) = live.events.histogram(from, to, &all, 5).await.unwrap();
    assert_eq!((step_s, bars.len(), bars[0].count, bars[1].count), (2, 5, 600, 0));
    let tops = live.events.top_sources(from, to, &all, 3).await.unwrap();
    assert_eq!((tops.len(), tops[0].count, tops[0].country.as_deref()), (3, 3, Some("VN")));
    let categories = live.events.by_category(from, to, &all).await.unwrap();
    assert_eq!((categories[0].category.as_str(), categories[0].count), ("network", 600));
    let sources = live.events.sources(from, to).await.unwrap();
    assert_eq!((sources.len(), sources[0].count, sources[0].last_seen), (1, 600, Time(NOON + 1000)));
    assert_eq!(sources[0].address, Some("10.0.0.1".parse().unwrap()));
    let ids = live.events.ids_between(batch[10].id(), batch[19].id()).await.unwrap();
    assert_eq!(ids, batch[10..20].iter().map(Event::id).collect());
    live.stop().await;
}

#[tokio::test]
async fn units_that_met_an_indicator_are_found_by_whatever_names_it() {
    let live = ready().await;
    let mut batch = events(0..250);
    for (n, event) in batch.iter_mut().enumerate() {
        event.set(Field::HAIDANG_UNIT_ID, Value::Text(if n < 50 { "so-y-te" } else { "so-tai-chinh" }));
        event.set(
            Field::FILE_HASH_MD5,
            Value::Text(if n == 9 { "d41d8cd98f00b204e9800998ecf8427e" } else { "0" }),
        );
    }
    live.events.insert(&batch, "met").await.unwrap();
    let indicator = |kind, value: &str| event::Indicator {
        id: "indicator--1".to_owned(),
        kind,
        value: value.to_owned(),
        name: String::new(),
        source: String::new(),
        confidence: None,
        tlp: event::Tlp::Clear,
        valid_from: Time(0),
        valid_until: None,
    };
    let address = |value| indicator(event::IndicatorKind::Address, value);
    for (indicators, expected) in [
        (vec![address("192.0.2.7")], vec![("so-y-te", 1)]),
        (
            vec![address("192.0.2.7"), address("192.0.2.60"), address("2001:db8::1")],
            vec![("so-tai-chinh", 1), ("so-y-te", 1)],
        ),
        (vec![address("192.0.2.48/30")], vec![("so-tai-chinh", 2), ("so-y-te", 2)]),
        (vec![address("192.0.2.250")], vec![("so-tai-chinh", 200), ("so-y-te", 50)]), // `host.ip`, which has no column
        (vec![address("::")], vec![]),
        (
            vec![indicator(event::IndicatorKind::Md5, "d41d8cd98f00b204e9800998ecf8427e")],
            vec![("so-y-te", 1)],
        ),
        (vec![], vec![]),
    ] {
        let met = live.events.units_that_met(Time(0), Time(NOON + 10_000), &indicators).await.unwrap();
        let met: Vec<(&str, u64)> = met.iter().map(|unit| (unit.unit.as_str(), unit.events)).collect();
        assert_eq!(met, expected, "{indicators:?}");
    }
    live.stop().await;
}

#[tokio::test]
async fn a_table_of_another_build_is_refused_before_anything_is_stored() {
    let live = ready().await;
    live.events.client().query_raw("DROP TABLE events SYNC").execute().await.unwrap();
    live.events
        .client()
        .query_raw("CREATE TABLE events (original String) ENGINE = Memory")
        .execute()
        .await
        .unwrap();
    let refused = live.events.migrate().await.unwrap_err().to_string();
    assert!(refused.contains("no column timestamp, id_high") && refused.contains("message_at"), "{refused}");
    live.stop().await;
}

/// Days of events are counted by the hour; to a second and with a condition they are the same.
#[tokio::test]
async fn the_hours_that_are_kept_count_what_the_events_do() {
    const HOUR: i64 = 3_600_000;
    let live = ready().await;
    // Four days, an event every 9 min 7 s, in batches that have hours in common.
    let batch: Vec<Event> =
        (0..632_u32).map(|n| event(u64::from(n), NOON + i64::from(n) * 547_000)).collect();
    for (number, some) in batch.chunks(150).enumerate() {
        live.events.insert(some, &format!("hours-{number}")).await.unwrap();
    }
    let (any, all_of_them) = (Query::default(), Query::parse("source.ip:*").unwrap());
    for (from, to) in [
        (NOON, NOON + 96 * HOUR),
        (NOON + 1, NOON + 95 * HOUR - 1),
        (NOON + HOUR * 5 / 3, NOON + 60 * HOUR),
        (0, i64::MAX),
    ] {
        let (from, to) = (Time(from), Time(to));
        let expected = batch.iter().filter(|event| event.time() >= from && event.time() < to).count() as u64;
        for query in [&any, &all_of_them] {
            assert_eq!(live.events.count(from, to, query).await.unwrap(), expected);
            let categories = live.events.by_category(from, to, query).await.unwrap();
            assert_eq!(categories.iter().map(|one| one.count).sum::<u64>(), expected);
        }
        for buckets in [40, 500] {
            let (step_s, bars) = live.events.histogram(from, to, &any, buckets).await.unwrap();
            let same = live.events.histogram(from, to, &all_of_them, buckets).await.unwrap();
            assert_eq!((step_s, &bars), (same.0, &same.1));
            assert!(bars.len() <= 500 && (step_s < 3600 || step_s % 3600 == 0), "{step_s}");
            assert_eq!(bars.iter().map(|bar| bar.count).sum::<u64>(), expected);
        }
        let tops = live.events.top_sources(from, to, &any, 1000).await.unwrap();
        assert_eq!(tops, live.events.top_sources(from, to, &all_of_them, 1000).await.unwrap());
        assert_eq!(tops.iter().map(|top| top.count).sum::<u64>(), expected);
    }
    for (keys, projection) in
        [("event_category", "by_hour_and_category"), ("source_ip", "by_hour_and_source")]
    {
        let hour = "intDiv(toUnixTimestamp64Milli(timestamp), 3600000)";
        let sql = format!(
            "EXPLAIN SELECT {keys}, count() FROM events WHERE {hour} >= 1 AND {hour} < 600000 GROUP BY ALL"
        );
        let plan: Vec<String> = live.events.client().query_raw(&sql).fetch_all().await.unwrap();
        assert!(plan.iter().any(|line| line.contains(projection)), "{plan:?}");
    }
    live.stop().await;
}

/// Of hours and of moments: most events first, none without an address, of its countries the last by letters.
#[tokio::test]
async fn the_sources_with_the_most_events_leave_out_events_without_one() {
    const HOUR: i64 = 3_600_000;
    let live = ready().await;
    let mut batch: Vec<Event> =
        (0..600_u32).map(|n| event(u64::from(n), NOON + i64::from(n) * HOUR / 30)).collect();
    for (n, event) in batch.iter_mut().enumerate() {
        let address = match n % 10 {
            0..5 => "::",
            5..8 => "2001:db8::1",
            8 => "192.0.2.8",
            _ => "192.0.2.9",
        };
        event.set(Field::SOURCE_IP, Value::Ip(address.parse().unwrap()));
        event.set(Field::SOURCE_GEO_COUNTRY_ISO_CODE, Value::Text(["VN", "", "LAOS"][n % 3]));
    }
    live.events.insert(&batch, "tops").await.unwrap();
    let top = |address: &str, count, country: &str| TopSource {
        address: address.parse().unwrap(),
        count,
        country: Some(country.to_owned()),
    };
    for query in ["", "-source.port:1"] {
        let (until, query) = (Time(NOON + 20 * HOUR), Query::parse(query).unwrap());
        let tops = live.events.top_sources(Time(NOON), until, &query, 2).await.unwrap();
        let wanted = [top("2001:db8::1", 180, "VN"), top("192.0.2.8", 60, "VN")];
        assert_eq!(tops, wanted, "{query:?}");
    }
    live.stop().await;
}

#[tokio::test]
async fn matches_come_back_in_order_and_once() {
    let live = ready().await;
    // They are kept for 400 days.
    live.events.client().query_raw("SYSTEM STOP TTL MERGES matches").execute().await.unwrap();
    let found: Vec<Match> = (0..25_000u64)
        .rev()
        .map(|n| Match {
            rule: format!("rule-{}", n % 2),
            event: EventId::new(Time(NOON), 1, n / 2),
            time: Time(NOON + i64::try_from(n / 8).unwrap()),
            source: "10.0.0.1".into(),
            level: Severity::High,
            values: vec![("user.name".into(), "Nguyễn".into())],
            entities: Vec::new(),
            unit: "ubnd".into(),
            system: String::new(),
            system_level: 3,
            because: Vec::new(),
            is_clamped: false,
            authorised: None,
        })
        .collect();
    live.events.insert_matches(&found, "m1").await.unwrap();
    live.events.insert_matches(&found, "m1").await.unwrap();
    live.events.insert_matches(&found[..100], "m2").await.unwrap();
    let mut all = Vec::new();
    let mut reading = live.events.matches_since(Time(NOON)).await.unwrap();
    while let Some(some) = reading.next().await.unwrap() {
        assert!(some.len() <= 11_000, "{} at once", some.len());
        all.extend(some);
    }
    let mut expected = found;
    expected
        .sort_by(|a, b| (a.event.sequence(), a.event, &a.rule).cmp(&(b.event.sequence(), b.event, &b.rule)));
    assert!(all == expected, "{} of {}", all.len(), expected.len());
    live.stop().await;
}

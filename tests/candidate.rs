//! What rules say they need, asked of the real engine: no event that a rule holds of may be left out.

use correlator::{Correlator, Limits, Output, RuleFile, RuleSet};
use event::{Candidates, Event, EventId, Field, Raw, Time, Value};
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::sync::Arc;
use store::engine::{Config, Program, ServeOptions, Supervisor};
use store::events::{Events, Target};

const NOON: i64 = 1_790_000_000_000;
const RULES: usize = 250;
const RANGE: (Time, Time) = (Time(0), Time(NOON * 2));

/// Columns of every shape, fields without one, and vendor fields.
const FIELDS: [&str; 10] = [
    "user.name",
    "process.command_line",
    "event.code",
    "tags",
    "source.port",
    "source.ip",
    "user.email",
    "source.mac",
    "vendor.x.a",
    "vendor.x.b",
];

const PIPELINE: &str = "
---
pipeline: test
logsources:
  - {product: p, when: {event.module: [m, 'n*']}, fields: {F: [user.name, vendor.x.a]}}
  - {product: q, when: [{event.module: m, event.action: kick}, {vendor.x.b: yes}]}
";

/// Words that fold into one another, in part beyond ASCII, and numbers in their many forms.
fn text() -> impl Strategy<Value = String> {
    let words = [
        "kick",
        "KICK",
        "\u{212a}ic\u{212a}",
        "kicks",
        "k\u{17f}",
        "sk",
        "Đăng kí",
        "đĂNG KÍ",
        "ăng k",
        "root",
        "yes",
        "",
        "4625",
        "+4625",
        "04625",
        "4625.0",
        "4.625e3",
        "46250e-1",
        "4625x",
        "-7",
        "7",
        "0",
        "-0",
        ".0",
        "true",
        "192.0.2.7",
        "a'b",
        "a\\b",
        "{q0:String}",
        "%_",
    ];
    let word = proptest::sample::select(words.to_vec());
    proptest::collection::vec(word, 1..3).prop_map(|words| words.join(""))
}

fn event() -> impl Strategy<Value = Event> {
    let set = (proptest::sample::select(FIELDS.to_vec()), text(), 0i64..3, 0u8..4);
    let parts =
        (proptest::collection::vec(set, 0..9), proptest::sample::select(vec!["m", "n1", "x"]), text());
    parts.prop_map(|(fields, module, action)| {
        let mut event = Event::stored(EventId(0), "line");
        event.set(Field::EVENT_MODULE, Value::Text(module));
        event.set(Field::EVENT_ACTION, Value::Text(&action));
        for (name, text, number, kind) in &fields {
            let value = match kind {
                0 => Value::Long(number * 4625),
                1 => Value::Float(4625.0 + 0.5 * f64::from(u8::try_from(*number).unwrap())),
                2 if *number == 0 => Value::Date(Time(NOON)),
                _ => Value::Text(text),
            };
            match Field::by_name(name) {
                Some(field) => {
                    event.set(field, value);
                }
                None => event.set_extra("vendor.x", name.strip_prefix("vendor.x.").unwrap(), value),
            }
        }
        event
    })
}

/// The same event under its own id, as intake would have given it.
fn numbered(event: &Event, sequence: u64) -> Event {
    let raw = Raw::stdin(event.original(), Time(NOON), sequence);
    let mut fresh = Event::stored(raw.id, event.original());
    event.fields().for_each(|(field, value)| {
        fresh.set(field, value);
    });
    event.extras().for_each(|extra| fresh.set_extra(extra.namespace, extra.key, extra.value));
    fresh
}

fn item() -> impl Strategy<Value = String> {
    let name = proptest::sample::select([&FIELDS[..], &["F"]].concat());
    let plain = [
        "",
        "|contains",
        "|startswith",
        "|endswith",
        "|cased",
        "|contains|all",
        "|windash|contains",
        "|re|i",
    ];
    let modifier = proptest::sample::select(plain.to_vec());
    let number = proptest::sample::select(vec!["4625", "7", "0", "-7", "4625.5", "true", "null"]);
    let other = proptest::sample::select(vec![
        "user.name|exists: true",
        "source.port|gte: 7",
        "source.ip|cidr: 192.0.2.0/24",
        "user.name|fieldref: process.command_line",
        "user.name|neq: root",
        "tags: '*'",
        "user.name: '?ick'",
    ]);
    let quoted = |text: &String| format!("'{}'", text.replace('\'', "''").replace('\\', "\\\\"));
    prop_oneof![
        4 => (name.clone(), modifier, proptest::collection::vec(text(), 1..3)).prop_map(move |(name, modifier, texts)| {
            let texts: Vec<String> = texts
                .iter()
                .map(|text| if modifier == "|re|i" { format!("'{}'", regex_of(text)) } else { quoted(text) })
                .collect();
            format!("{name}{modifier}: [{}]", texts.join(", "))
        }),
        2 => (name, number).prop_map(|(name, number)| format!("{name}: {number}")),
        1 => other.prop_map(str::to_owned),
    ]
}

fn regex_of(text: &str) -> String {
    let plain: String = text.chars().filter(|c| c.is_alphanumeric() || *c == ' ').collect();
    format!("({plain}|x+y){{1,2}}")
}

fn rules() -> impl Strategy<Value = Vec<RuleFile>> {
    let condition = proptest::sample::select(vec![
        "a",
        "a and b",
        "a or b",
        "a and not b",
        "not a",
        "1 of them",
        "all of them",
        "not (a and b) or c",
        "2 of them",
    ]);
    let search = || proptest::collection::vec(item(), 1..3);
    let rule = (proptest::sample::select(vec!["p", "q"]), search(), search(), search(), condition);
    proptest::collection::vec(rule, 1..3).prop_map(|all| {
        let files = all.iter().enumerate().map(|(number, (product, a, b, c, condition))| {
            let mut text =
                format!("title: r{number}\nid: r{number}\nlogsource: {{product: {product}}}\ndetection:\n");
            for (name, items) in [("a", a), ("b", b), ("c", c)] {
                // A list of maps, for one map may not name a field twice; any of them.
                let maps: Vec<String> = items.iter().map(|item| format!("      - {item}\n")).collect();
                let _ = write!(text, "    {name}:\n{}", maps.concat());
            }
            let _ = writeln!(text, "    condition: {condition}");
            RuleFile { path: format!("r{number}.yml"), text }
        });
        let pipeline = RuleFile { path: "pipeline.yml".into(), text: PIPELINE.into() };
        files.chain([pipeline]).collect()
    })
}

async fn read(events: &Events, candidates: &Candidates) -> BTreeSet<EventId> {
    let mut replay = events.replay(RANGE, candidates, 10_000).await.unwrap();
    let mut ids = BTreeSet::new();
    while let Some(slice) = replay.next().await.unwrap() {
        ids.extend(slice.iter().map(Event::id));
    }
    ids
}

#[tokio::test]
async fn the_pre_filter_never_leaves_out_an_event_that_a_rule_holds_of() {
    let folder = tempfile::tempdir().unwrap();
    let library = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("deploy/engine/node_modules/@chdb/lib-linux-x64-gnu/libchdb.so");
    let options =
        ServeOptions::within(folder.path(), &Config { library: Some(library), ..Config::default() });
    let executable = env!("CARGO_BIN_EXE_haidang").into();
    let engine =
        Supervisor::start(Program { executable, arguments: vec!["engine".into()] }, &options).await.unwrap();
    // A moment of 2026 is not over in 2027.
    let keeping = store::events::Config { keep_days: [36_500; 6], ..store::events::Config::default() };
    let events = Events::connect(Target::Socket(options.socket.clone()), keeping);
    events.migrate().await.unwrap();

    let mut runner = TestRunner::default();
    let all: Vec<Event> = (0..600)
        .map(|sequence| numbered(&event().new_tree(&mut runner).unwrap().current(), sequence))
        .collect();
    events.insert(&all, "test").await.unwrap();
    let (mut met, mut spared) = (0, 0);
    for _ in 0..RULES {
        let files = rules().new_tree(&mut runner).unwrap().current();
        let (set, _) = RuleSet::compile_what_can(&files);
        let candidates = set.candidates();
        let set = Arc::new(set);
        let mut correlator = Correlator::new(set, Limits::default());
        let mut output = Output::default();
        all.iter().for_each(|event| correlator.process(event, &mut output));
        let wanted: BTreeSet<EventId> = output.matches.iter().map(|found| found.event).collect();
        let given = read(&events, &candidates).await;
        let missing: Vec<&Event> =
            all.iter().filter(|event| wanted.contains(&event.id()) && !given.contains(&event.id())).collect();
        assert!(missing.is_empty(), "{}\n{candidates:?}\nleave out {}", files[0].text, missing[0].to_json());
        met += wanted.len();
        spared += all.len() - given.len();
    }
    assert!(met > RULES && spared > RULES * 100, "{met} matches and {spared} events not read tell nothing");
    engine.stop().await;
}

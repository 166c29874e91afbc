//! What one process answers to an hour of a province, and the comparison of several processes' answer with it.

use crate::broker::Broker;
use crate::stack::{Client, Stack, wait};
use collector::spool::{self, Lines, Spool};
use event::{Time, Transport};
use serde_json::Value;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

/// A spool, and what `haidang run` makes of it.
pub(crate) struct Reference {
    folder: tempfile::TempDir,
    lines: usize,
    /// For each event, by its id, a hash of all its columns.
    events: BTreeMap<String, String>,
    found: BTreeMap<String, Value>,
}

static SHARED: Mutex<Weak<Reference>> = Mutex::new(Weak::new());

impl Reference {
    /// The one that others use too.
    pub(crate) fn of(lines: usize) -> Arc<Reference> {
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        shared.upgrade().unwrap_or_else(|| {
            let reference = Arc::new(Reference::make(lines));
            *shared = Arc::downgrade(&reference);
            reference
        })
    }

    fn make(lines: usize) -> Reference {
        let folder = tempfile::tempdir().unwrap();
        let mut reference = Reference { folder, lines, events: BTreeMap::new(), found: BTreeMap::new() };
        fill(&reference.spool(), lines);
        let alone = reference.begin("", None);
        let client = alone.client();
        client.wait_count("", lines as u64, Duration::from_secs(300));
        let settled = || {
            let before = found(&client);
            std::thread::sleep(Duration::from_secs(3)); // counts are told once a second
            (before == found(&client)).then_some(before)
        };
        reference.found = wait(Duration::from_secs(60), settled).expect("incidents settle");
        reference.events = events(&alone);
        assert!(reference.found.len() >= 3, "attacks are found: {}", reference.found.len());
        drop((client, alone));
        reference
    }

    fn spool(&self) -> PathBuf {
        self.folder.path().join("spool")
    }

    /// A stack that begins with a copy of the spool.
    pub(crate) fn begin(&self, config: &str, broker: Option<Arc<Broker>>) -> Stack {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("data")).unwrap();
        self.put_spool(&dir.path().join("data"));
        Stack::start_in(dir, config, broker)
    }

    /// Puts a copy of the spool into a data folder.
    pub(crate) fn put_spool(&self, data: &Path) {
        let copied = Command::new("cp").arg("-r").arg(self.spool()).arg(data).status().unwrap();
        assert!(copied.success());
    }

    /// That the stack comes to the same events, field by field, and to the same alerts and incidents.
    pub(crate) fn assert_same(&self, stack: &Stack) {
        let client = stack.client();
        client.wait_count("", self.lines as u64, Duration::from_secs(300));
        let wanted = &self.found;
        let same = wait(Duration::from_secs(90), || (found(&client) == *wanted).then_some(()));
        if same.is_none() {
            let found = found(&client);
            for (id, one) in wanted {
                assert_eq!(found.get(id), Some(one), "incident {id}");
            }
            panic!("{} incidents, {} wanted", found.len(), wanted.len());
        }
        let events = events(stack);
        for (id, columns) in &self.events {
            assert_eq!(events.get(id), Some(columns), "event {id}: the same in every column");
        }
        assert_eq!(events.len(), self.events.len(), "no other events");
    }
}

/// Fills a spool with a simulated hour that has attacks in it, as three collectors' peers would have sent it: every stack
/// that begins with a copy gives the lines the same ids.
fn fill(folder: &Path, count: usize) {
    let start = jiff::Timestamp::now().as_millisecond() - 7_200_000;
    let made = Command::new(env!("CARGO_BIN_EXE_haidang"))
        .args([
            "simulate",
            "--stdout",
            "--rate",
            &(count / 60 + 1).to_string(),
            "--speed",
            "60",
            "--duration",
            "60s",
            "--seed",
            "7",
        ])
        .args(["--start", &Time(start).to_string(), "--count", &count.to_string()])
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let (spool, _) = Spool::open(folder, &spool::Config::default()).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let lines: Vec<&[u8]> =
        made.stdout.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).collect();
    assert_eq!(lines.len(), count);
    for (nth, some) in lines.chunks(500).enumerate() {
        let mut batch = Lines::new();
        for (at, line) in some.iter().enumerate() {
            let number = nth * 500 + at;
            let received = Time(start + i64::try_from(number * 3_600_000 / count).unwrap());
            let peer = IpAddr::from([192, 0, 2, u8::try_from(line.len() % 3).unwrap()]);
            batch.push(line, received, Some(peer), Transport::Udp, 0);
        }
        let range = spool.try_append(&batch).unwrap();
        runtime.block_on(spool.durable(range.end)).unwrap();
    }
    spool.close().unwrap();
}

/// Every event by its id, as a hash of all its columns: hundreds of thousands are compared in seconds. What has no column of its
/// own stands in the order in which it was set, which a record of Kafka does not keep.
fn events(stack: &Stack) -> BTreeMap<String, String> {
    let rows = stack.sql(
        "SELECT hex(id_high) || hex(id_low), hex(sipHash128(tuple(* EXCEPT (shape, extra, other_addresses)), \
         arraySort(other_addresses), arraySort(arrayZip(mapKeys(extra), mapValues(extra))), \
         arraySort(extractAll(shape, '[a-z][0-9]*')))) FROM events",
    );
    let by_id: BTreeMap<String, String> = rows
        .lines()
        .filter_map(|row| row.split_once('\t'))
        .map(|(id, columns)| (id.to_owned(), columns.to_owned()))
        .collect();
    assert_eq!(by_id.len(), rows.lines().count(), "no event twice");
    by_id
}

/// What was found: incidents with their alerts, without what says when they were written.
fn found(client: &Client) -> BTreeMap<String, Value> {
    let told = ["severity", "stage", "first", "last", "entities", "alerts", "alerts_count", "events_count"];
    let of = |summary: Value| {
        let id = summary["id"].as_str().unwrap().to_owned();
        let detail = client.get(&format!("/api/v1/incidents/{id}"));
        let kept = told.iter().map(|key| ((*key).to_owned(), detail[*key].clone())).collect();
        (id, Value::Object(kept))
    };
    client.incidents().into_iter().map(of).collect()
}

//! Two programs on one database at the same time: what each decides by what it has read still holds when it writes.

use super::*;
use event::{Indicator, IndicatorKind, Tlp};
use std::collections::BTreeSet;

struct Two {
    one: Cases,
    other: Cases,
    _place: Place,
}

async fn two(config: Config) -> Two {
    let place = Place::new();
    // Both find an empty database and bring its schema up to date.
    let (one, other) =
        tokio::join!(Cases::open(&place.target, config.clone()), Cases::open(&place.target, config));
    Two { one: one.unwrap(), other: other.unwrap(), _place: place }
}

impl Two {
    fn nth(&self, n: usize) -> Cases {
        if n.is_multiple_of(2) { self.one.clone() } else { self.other.clone() }
    }
}

/// Does it `count` times at once, in both programs by turns.
async fn at_once<T: Send + 'static, F: Future<Output = T> + Send + 'static>(
    two: &Two,
    count: usize,
    act: impl Fn(Cases, usize) -> F,
) -> Vec<T> {
    let tasks: Vec<_> = (0..count).map(|n| tokio::spawn(act(two.nth(n), n))).collect();
    let mut done = Vec::new();
    for task in tasks {
        done.push(task.await.unwrap());
    }
    done
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_trail_is_one_chain_without_gaps() {
    let two = two(Config::default()).await;
    let write = |cases: Cases, n: usize| async move {
        cases.audit(&by(), "incident.read", &format!("#{n}"), "done", "").await.unwrap();
    };
    at_once(&two, 60, write).await;
    let report = two.one.audit_verify(None).await.unwrap();
    assert_eq!((report.good, report.broken_at), (60, None));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_changes_of_the_same_version_one_is_made_and_the_others_are_told() {
    let two = two(Config::default()).await;
    two.one.upsert_incidents(&[incident(1, vec![alert(10, 1)])], &[], NOW).await.unwrap();
    let change = |cases: Cases, n: usize| async move {
        let severity = if n.is_multiple_of(2) { Severity::Low } else { Severity::Critical };
        let change = Change { severity: Some(severity), ..Change::default() };
        cases.change_incident(&by(), &id(1), 1, &change).await
    };
    let done = at_once(&two, 16, change).await;
    assert_eq!(done.iter().filter(|one| one.is_ok()).count(), 1);
    assert!(done.iter().all(|one| matches!(one, Ok(_) | Err(Error::Stale { current: 2 }))));
    let found = two.other.incident(&id(1)).await.unwrap().unwrap();
    assert_eq!((found.summary.version, found.history.len()), (2, 2));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_same_batch_of_two_correlators_is_written_once_and_numbers_have_no_gap() {
    let two = two(Config::default()).await;
    let write = |cases: Cases, n: usize| async move {
        let nth = (n / 2) as u128;
        let batch = [incident(nth, vec![alert(100 + nth, 1)])];
        cases.upsert_incidents(&batch, &[], NOW).await.unwrap().created
    };
    let created = at_once(&two, 40, write).await;
    assert_eq!(created.iter().sum::<u64>(), 20);
    let listed = two.one.incidents(&Filter::default(), Sort::Last, 100, None).await.unwrap().items;
    let numbers: BTreeSet<i64> = listed.iter().map(|one| one.number).collect();
    assert_eq!(numbers.into_iter().collect::<Vec<_>>(), (1..=20).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn who_reads_a_collection_by_moments_of_addition_misses_nothing() {
    let two = two(Config::default()).await;
    let add = |cases: Cases, n: usize| async move {
        let object = |part: usize| NewObject {
            id: format!("indicator--{n}-{part}"),
            kind: "indicator".into(),
            version_us: Some(1),
            tlp: Tlp::Green,
            body: "{}".into(),
        };
        let objects = [object(0), object(1)];
        cases.taxii_add(&by(), "c", &objects, 1000).await.unwrap().len()
    };
    let reader = two.other.clone();
    let read = tokio::spawn(async move {
        let (mut seen, mut after_us) = (Vec::new(), -1);
        while seen.len() < 80 {
            let selection = Selection {
                collection: "c",
                clearance: Tlp::Red,
                after_us,
                ids: &[],
                kinds: &[],
                versions: &[],
                limit: 7,
            };
            let page = reader.taxii_objects(&selection).await.unwrap();
            after_us = page.last().map_or(after_us, |last| last.added_us);
            seen.extend(page.into_iter().map(|found| found.id));
        }
        seen
    });
    at_once(&two, 40, add).await;
    let seen = tokio::time::timeout(Duration::from_secs(60), read).await;
    let seen = seen.expect("an object was passed over").unwrap();
    assert_eq!(seen.iter().collect::<BTreeSet<_>>().len(), 80);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn indicators_are_counted_right_and_a_full_table_takes_no_more() {
    let two = two(Config::default()).await;
    let load = |cases: Cases, n: usize| async move {
        let one = |value: String| Indicator {
            id: format!("indicator--{value}"),
            kind: IndicatorKind::Domain,
            value,
            name: String::new(),
            source: "list".into(),
            confidence: None,
            tlp: Tlp::Green,
            valid_from: NOW,
            valid_until: None,
        };
        // Each of two loads of the same ten.
        let ten: Vec<_> = (0..10).map(|k| one(format!("d{}-{k}.example", n / 2))).collect();
        cases.load_indicators(&by(), "list", &ten, &[], 50).await.map(|done| done.new)
    };
    let done = at_once(&two, 20, load).await;
    assert_eq!(done.iter().filter_map(|one| one.as_ref().ok()).sum::<u64>(), 50);
    assert!(done.iter().all(|one| matches!(one, Ok(0 | 10) | Err(Error::Limit { .. }))));
    assert_eq!(two.one.indicators_revision().await.unwrap().1, 50);
    assert_eq!(two.other.find_indicators(&IndicatorFilter::default(), None, 1000).await.unwrap().0.len(), 50);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn tries_sent_to_both_at_once_share_one_count() {
    let two = two(Config { login_failures_max: 3, ..Config::default() }).await;
    two.one.ensure_admin(Some("long enough to be taken".into()), NOW).await.unwrap();
    let guess = |cases: Cases, n: usize| async move {
        cases.sign_in("admin", format!("guess number {n}"), "192.0.2.7", NOW).await.map(drop)
    };
    let done = at_once(&two, 12, guess).await;
    assert_eq!(done.iter().filter(|one| matches!(one, Err(Error::Denied))).count(), 3);
    assert_eq!(done.iter().filter(|one| matches!(one, Err(Error::Throttled { .. }))).count(), 9);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_first_runs_make_one_administrator() {
    let two = two(Config::default()).await;
    let made =
        at_once(&two, 2, |cases: Cases, _| async move { cases.ensure_admin(None, NOW).await.unwrap() }).await;
    assert_eq!(made.iter().flatten().count(), 1, "and one password is told");
    assert_eq!(two.one.users().await.unwrap().len(), 1);
}

#[tokio::test]
async fn one_of_two_leads_and_the_other_takes_over_when_it_is_gone() {
    let two = two(Config::default()).await;
    let (mut first, mut second) = (two.one.leader("test"), two.other.leader("test"));
    let mut another = two.other.leader("another");
    assert!(first.leads().await);
    assert!(!second.leads().await);
    assert!(another.leads().await, "each task has its own");
    assert!(first.leads().await, "and still does");
    drop(first);
    let mut leads = false;
    while !leads {
        leads = second.leads().await; // the server takes a moment to see that the connection is gone
    }
    assert!(!two.one.leader("test").leads().await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_imports_that_would_only_be_wrong_together_are_not_both_taken() {
    use ::registry::{Document, Format, Import};
    let two = two(Config::default()).await;
    let import = |cases: Cases, n: usize| async move {
        // Each makes the other's unit hang below its own: a circle.
        let (unit, above) = if n == 0 { ("a", "b") } else { ("b", "a") };
        let text =
            format!("units: [{{ id: {above}, name: X }}, {{ id: {unit}, name: X, parent: {above} }}]\n");
        let document = Document::read(Format::Yaml, text.as_bytes()).unwrap();
        cases.import_registry(&by(), document, Import { replace: true }, false).await.unwrap();
        cases.registry_version().await.unwrap()
    };
    at_once(&two, 2, import).await;
    let registry = two.one.registry().await.unwrap();
    assert!(registry.check().is_empty(), "one of the two, not a mixture");
    assert_eq!(two.one.registry_version().await.unwrap(), 2);
}

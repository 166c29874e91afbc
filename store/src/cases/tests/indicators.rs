//! Indicators taken in by the hundreds of one statement: what comes of them is what would come of one after the other.

use super::*;
use event::{Indicator, IndicatorKind, Tlp};

fn one(number: usize, name: &str) -> Indicator {
    Indicator {
        id: format!("indicator--{}", Uuid::from_u128(number as u128)),
        kind: IndicatorKind::Domain,
        value: format!("d{number}.example"),
        name: name.into(),
        source: "list".into(),
        confidence: None,
        tlp: Tlp::Green,
        valid_from: NOW,
        valid_until: number.is_multiple_of(2).then(|| NOW.plus_ms(1000)),
    }
}

fn by() -> Actor {
    Actor::system("test", NOW)
}

async fn load(cases: &Cases, indicators: &[Indicator], revoked: &[String]) -> [u64; 3] {
    let done = cases.load_indicators(&by(), "list", indicators, revoked, 10_000).await.unwrap();
    [done.new, done.changed, done.removed]
}

#[tokio::test]
async fn many_are_counted_as_if_each_had_come_by_itself() {
    let Opened { cases, place: _place } = open().await;
    let mut all: Vec<Indicator> = (0..1234).map(|number| one(number, "as it came")).collect();
    assert_eq!(load(&cases, &all, &[]).await, [1234, 0, 0]);
    let revision = cases.indicators_revision().await.unwrap();
    assert_eq!(load(&cases, &all, &[]).await, [0, 0, 0], "the same again");
    assert_eq!(cases.indicators_revision().await.unwrap(), revision, "nobody need read them again");

    // In one load: the same twice, another form after it, a change, a second value of an id, one that is new.
    all[7].name = "changed".into();
    let second = Indicator { value: "second.example".into(), ..one(3, "as it came") };
    let more = [
        all[7].clone(),
        one(5, "between"),
        one(5, "last"),
        all[9].clone(),
        second,
        one(1234, "new"),
        one(1234, "new"),
    ];
    assert_eq!(load(&cases, &more, &[]).await, [2, 3, 0]);
    let named = |id: usize| {
        let cases = cases.clone();
        async move { cases.indicators_of(&one(id, "").id).await.unwrap() }
    };
    assert_eq!(named(5).await, [one(5, "last")], "the last of them counts");
    assert_eq!(named(7).await[0].name, "changed");
    assert_eq!(named(3).await.len(), 2);

    // What is taken back goes with each of its values, however many are.
    let revoked: Vec<String> = (0..1000).map(|number| one(number, "").id).collect();
    assert_eq!(load(&cases, &[one(2000, "new")], &revoked).await, [1, 0, 1001]);
    assert_eq!(cases.indicators_revision().await.unwrap().1, 236);

    // By pages of any size each comes once, in the order of values.
    for limit in [1, 7, 100, 236, 500] {
        let (mut found, mut after) = (Vec::new(), None);
        loop {
            let (page, next) =
                cases.find_indicators(&IndicatorFilter::default(), after.as_ref(), limit).await.unwrap();
            found.extend(page.into_iter().map(|one| one.value));
            after = next;
            if after.is_none() {
                break;
            }
        }
        assert!(found.len() == 236 && found.is_sorted(), "{limit}: {found:?}");
    }
    let expired = cases.indicator_sources(NOW.plus_ms(1000)).await.unwrap();
    assert_eq!((expired[0].count, expired[0].expired), (236, 119));
}

#[tokio::test]
async fn what_is_beyond_the_limit_is_not_taken_in_at_all() {
    let Opened { cases, place: _place } = open().await;
    let many: Vec<Indicator> = (0..1001).map(|number| one(number, "")).collect();
    let refused = cases.load_indicators(&by(), "list", &many, &[], 1000).await;
    assert!(matches!(refused, Err(Error::Limit { max: 1000, .. })));
    assert_eq!(cases.indicators_revision().await.unwrap(), (0, 0));
    // Room that the same load makes counts.
    assert_eq!(load(&cases, &many[..1000], &[]).await, [1000, 0, 0]);
    let revoked = [many[0].id.clone()];
    let done = cases.load_indicators(&by(), "list", &many[1000..], &revoked, 1000).await.unwrap();
    assert_eq!((done.new, done.removed), (1, 1));
}

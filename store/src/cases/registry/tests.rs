use super::*;
use crate::cases::{Config, place::Place};
use event::Time;
use registry::{Format, System, Unit};

const PROVINCE: &str = "
units: [{ id: tinh, name: Ủy ban nhân dân tỉnh }, { id: so-y-te, name: SỞ Y TẾ, parent: tinh }]
systems:
  - { id: mot-cua, name: Một cửa, level: 3, unit: so-y-te }
  - { id: van-ban, name: Văn bản 100%, level: 2, unit: tinh }
assets: [{ id: lan, unit: so-y-te, addresses: [10.1.0.0/16] }]
endpoints: [{ id: PC-01, unit: so-y-te }]
";

async fn open() -> (Cases, Place) {
    let place = Place::new();
    (Cases::open(&place.target, Config::default()).await.unwrap(), place)
}

fn by() -> Actor {
    Actor::system("test", Time(1_790_000_000_000))
}

fn yaml(text: &str) -> Document {
    Document::read(Format::Yaml, text.as_bytes()).unwrap()
}

async fn ids(cases: &Cases, kind: Kind, filter: RegistryFilter) -> Vec<String> {
    let found = cases.registry_entries(kind, &filter, 100).await.unwrap();
    found.iter().map(|entry| entry.id().to_owned()).collect()
}

#[tokio::test]
async fn an_import_is_whole_counted_once_and_in_the_audit_trail() {
    let (cases, _place) = open().await;
    let tried = cases.import_registry(&by(), yaml(PROVINCE), Import::default(), true).await.unwrap();
    assert_eq!((tried.added.len(), cases.registry().await.unwrap()), (6, Registry::default()));
    assert_eq!((cases.registry_version().await.unwrap(), cases.audit_head().await.unwrap().seq), (0, 0));
    let done = cases.import_registry(&by(), yaml(PROVINCE), Import::default(), false).await.unwrap();
    assert_eq!(done, tried);
    assert_eq!(cases.registry().await.unwrap().write(Format::Yaml).lines().count(), 10);
    let again = cases.import_registry(&by(), yaml(PROVINCE), Import::default(), false).await.unwrap();
    assert_eq!((again.same, again.added.len()), (6, 0));
    assert_eq!(cases.registry_version().await.unwrap(), 1, "what changes nothing is no version");
    let entries = cases.audit_entries(None, 10).await.unwrap();
    assert_eq!(entries.len(), 1);
    assert_eq!(
        (&*entries[0].action, &*entries[0].detail),
        ("registry.import", "added=6 changed=0 removed=0")
    );
}

#[tokio::test]
async fn of_a_document_with_one_wrong_row_nothing_is_taken() {
    let (cases, _place) = open().await;
    cases.import_registry(&by(), yaml(PROVINCE), Import::default(), false).await.unwrap();
    let before = cases.registry().await.unwrap();
    let wrong =
        yaml("units: [{ id: moi, name: Mới }]\nsystems:\n  - { id: mot-cua, name: X, level: 9, unit: ai }");
    let error = cases.import_registry(&by(), wrong, Import::default(), false).await.unwrap_err();
    let Error::Registry(problems) = error else { panic!("{error}") };
    assert_eq!(problems.iter().map(|problem| problem.row).collect::<Vec<_>>(), [Some(3), Some(3)]);
    // Rows that are not of the document but would hang in the air.
    let fewer = yaml("units: [{ id: tinh, name: Ủy ban nhân dân tỉnh }]");
    let error = cases.import_registry(&by(), fewer, Import { replace: true }, false).await.unwrap_err();
    let Error::Registry(problems) = error else { panic!("{error}") };
    assert_eq!(problems.len(), 3);
    assert!(problems.iter().all(|problem| problem.row.is_none()), "{problems:?}");
    assert_eq!(cases.registry().await.unwrap(), before);
    assert_eq!(cases.registry_version().await.unwrap(), 1);
}

#[tokio::test]
async fn rows_are_found_by_unit_level_and_words_and_changed_one_at_a_time() {
    let (cases, _place) = open().await;
    cases.import_registry(&by(), yaml(PROVINCE), Import::default(), false).await.unwrap();
    let all = RegistryFilter::default();
    assert_eq!(ids(&cases, Kind::Systems, all.clone()).await, ["mot-cua", "van-ban"]);
    let filter = |text: &str| RegistryFilter { text: text.into(), ..RegistryFilter::default() };
    assert_eq!(ids(&cases, Kind::Units, filter("sở y tế")).await, ["so-y-te"]);
    assert_eq!(ids(&cases, Kind::Systems, filter("100%")).await, ["van-ban"]);
    assert_eq!(ids(&cases, Kind::Systems, filter("1%0")).await, [""; 0]);
    assert_eq!(
        ids(&cases, Kind::Systems, RegistryFilter { level: Some(3), ..all.clone() }).await,
        ["mot-cua"]
    );
    assert_eq!(
        ids(&cases, Kind::Assets, RegistryFilter { unit: "so-y-te".into(), ..all.clone() }).await,
        ["lan"]
    );
    assert_eq!(
        ids(&cases, Kind::Systems, RegistryFilter { after: "mot-cua".into(), ..all }).await,
        ["van-ban"]
    );

    let system = System { id: "moi".into(), name: "Mới".into(), unit: "tinh".into(), ..System::default() };
    cases.put_registry_entry(&by(), Entry::System(system.clone()), None).await.unwrap();
    // Nobody writes over what they have not seen, nor takes it out.
    let first = registry_tag(&Entry::System(system.clone()));
    let renamed = |name: &str| Entry::System(System { name: name.into(), ..system.clone() });
    let put = async |name: &str, seen| cases.put_registry_entry(&by(), renamed(name), seen).await;
    assert!(matches!(put("Một", None).await, Err(Error::Unseen)));
    put("Một", Some(&first)).await.unwrap();
    assert!(matches!(put("Hai", Some(&first)).await, Err(Error::Changed)));
    let gone = cases.remove_registry_entry(&by(), Kind::Systems, "moi", Some(&first)).await;
    assert!(matches!(gone, Err(Error::Changed)));
    put("Mới", Some("*")).await.unwrap();
    let nobody = Entry::System(System { id: "khac".into(), ..system.clone() });
    let missing = cases.put_registry_entry(&by(), nobody, Some("*")).await;
    assert!(matches!(missing, Err(Error::Changed)), "there is none to be seen");
    assert_eq!(
        cases.registry_entry(Kind::Systems, "moi").await.unwrap(),
        Some(Entry::System(system.clone()))
    );
    let orphan = Unit { id: "x".into(), name: "X".into(), parent: "nobody".into(), ..Unit::default() };
    let error = cases.put_registry_entry(&by(), Entry::Unit(orphan), None).await.unwrap_err();
    assert!(matches!(error, Error::Registry(problems) if problems.len() == 1));
    let error = cases.remove_registry_entry(&by(), Kind::Units, "so-y-te", None).await.unwrap_err();
    assert!(matches!(error, Error::Registry(problems) if problems.len() == 3));
    let seen = registry_tag(&renamed("Mới"));
    cases.remove_registry_entry(&by(), Kind::Systems, "moi", Some(&seen)).await.unwrap();
    let error = cases.remove_registry_entry(&by(), Kind::Systems, "moi", None).await.unwrap_err();
    assert!(matches!(error, Error::Missing(_)));
    assert_eq!(cases.registry_version().await.unwrap(), 5);
}

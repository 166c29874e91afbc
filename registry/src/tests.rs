use super::*;
use proptest::prelude::*;

const PROVINCE: &str = "
units:
  - { id: ubnd-tinh, name: Ủy ban nhân dân tỉnh }
  - { id: so-y-te, name: Sở Y tế, parent: ubnd-tinh, telephone: +84 254 000 0000 }
systems:
  - { id: mot-cua, name: Một cửa điện tử, level: 3, unit: so-y-te, addresses: [203.0.113.8] }
assets:
  - { id: lan, unit: so-y-te, addresses: [10.1.0.0/16, '2001:db8:1::/48'] }
  - { id: web, system: mot-cua, addresses: [10.1.2.0/24], hosts: [web01], logs: false }
endpoints:
  - { id: PC-01, unit: so-y-te, antivirus: Kaspersky }
";

fn read(text: &str) -> Registry {
    let mut registry = Registry::default();
    for placed in Document::read(Format::Yaml, text.as_bytes()).unwrap().rows {
        registry.push(placed.entry);
    }
    registry
}

/// What an import of a document into `PROVINCE` says, sorted.
fn problems(format: Format, bytes: &[u8]) -> Vec<String> {
    let outcome =
        Document::read(format, bytes).and_then(|found| Import::default().apply(&read(PROVINCE), found));
    let found = outcome.unwrap_err();
    for Problem { reason, .. } in &found {
        let vietnamese = reason
            .text_vi
            .chars()
            .any(|c| "ăâđêôơưàáạảãèéẹẻẽìíịỉĩòóọỏõùúụủũỳýốồộổấầậễệềớờợứừựặằắ".contains(c));
        assert!(vietnamese && reason.text != reason.text_vi, "{reason:?}");
    }
    found.iter().map(ToString::to_string).collect()
}

#[test]
fn what_is_wrong_is_told_in_vietnamese_too() {
    let text = "id;name;parent;since;official_code\nso-a;;nobody;30/02/2026;\nso-a;A;;;\n";
    let told = |text: &str| -> Vec<String> {
        let read = Document::read(Format::Csv(Kind::Units), text.as_bytes());
        let wrong = read.and_then(|found| Import::default().apply(&read_province(), found)).unwrap_err();
        wrong.into_iter().map(|one| one.reason.text_vi).collect()
    };
    assert_eq!(told(text), ["`since`: `30/02/2026` không phải ngày; viết 2026-01-31 hoặc 31/01/2026"]);
    let text = text.replace("30/02/2026", "28/02/2026");
    assert_eq!(told(&text), ["mã này có hai lần, lần đầu ở dòng 2"]);
    let text = text.replace("\nso-a;A", "\nso-b;A");
    assert_eq!(told(&text), ["thiếu `name`", "`parent` là `nobody`, không có trong danh sách đơn vị"]);
    assert_eq!(told("id;nam\na;A\n")[0].split(';').next(), Some("không có cột nào tên `nam`"));
}

fn read_province() -> Registry {
    read(PROVINCE)
}

#[test]
fn a_right_registry_is_told_nothing_and_an_import_says_what_changes() {
    let current = read(PROVINCE);
    assert_eq!(current.check(), []);
    let again = Document::read(Format::Yaml, PROVINCE.as_bytes()).unwrap();
    let outcome = Import::default().apply(&current, again).unwrap();
    assert_eq!(
        (outcome.added.len(), outcome.changed.len(), outcome.removed.len(), outcome.same),
        (0, 0, 0, 6)
    );
    let text = "id;name;unit;level;level_since;earlier_levels\r\nmot-cua;Một cửa;so-y-te;4;01/07/2026;3\r\n\
                van-ban;Văn bản;so-y-te;;;\r\n";
    let one = Document::read(Format::Csv(Kind::Systems), text.as_bytes()).unwrap();
    let outcome = Import::default().apply(&current, one).unwrap();
    let Entry::System(system) = &outcome.changed[0] else { panic!("{outcome:?}") };
    assert_eq!((system.level, system.level_since), (4, Some(Date::constant(2026, 7, 1))));
    assert_eq!((outcome.added.len(), outcome.added[0].id()), (1, "van-ban"));
    let two = Document::read(Format::Csv(Kind::Assets), b"id,unit,hosts\nlan,so-y-te,fw-01\n").unwrap();
    let outcome = Import { replace: true }.apply(&current, two).unwrap();
    assert_eq!(outcome.removed, [(Kind::Assets, "web".to_owned())]);
}

#[test]
fn every_mistake_is_told_at_once_with_its_row() {
    let text =
        "units: [{ id: u, name: U }]\nsystems:\n  - { id: s, name: '=1+1', level: 6, unit: nobody }\nassets:
  - { id: a, unit: u, addresses: [10.0.0.1/8, nonsense, 10.0.0.0/40], hosts: ['two words'] }
  - { id: b, system: t, addresses: [10.1.0.0/16] }
  - { id: c, hosts: [x] }
  - { id: d, unit: u }
endpoints:
  - { id: WEB01, unit: u }\n";
    assert_eq!(
        problems(Format::Yaml, text.as_bytes()),
        [
            "row 3: system s: `level` is 6; levels are 1 to 5, 0 while it is not determined",
            "row 3: system s: `name` begins like a formula of a spreadsheet; leave out the first sign",
            "row 3: system s: `unit` names `nobody`, which is not among the units",
            "row 5: asset a: `10.0.0.0/40` has a prefix longer than its address",
            "row 5: asset a: `10.0.0.1/8` has bits set behind its prefix; is the length right?",
            "row 5: asset a: `nonsense` is no network; write 192.0.2.0/24, 2001:db8::/32 or one address",
            "row 5: asset a: `two words` is no host name",
            "row 6: asset b: `10.1.0.0/16` already belongs to `lan`",
            "row 6: asset b: `system` names `t`, which is not among the systems",
            "row 7: asset c: neither `system` nor `unit` is given; name one",
            "row 8: asset d: has neither `addresses` nor `hosts`, so no event can be its",
            "row 10: endpoint WEB01: host `WEB01` already belongs to `web`",
        ]
    );
}

#[test]
fn two_units_have_one_official_code_on_no_day() {
    let units = |text: &str| {
        problems(Format::Csv(Kind::Units), format!("id,name,official_code,since,until\n{text}").as_bytes())
    };
    assert_eq!(
        units(
            "huyen-a,A,000.00.21.H99,,2025-06-30\nxa-a,B,000.00.21.h99,2025-06-30,\nc,C,000.00.22.H99,,\nd,D,000.00.22.H99,,\ne,E,,,\nf,F,,,\n"
        ),
        [
            "row 3: unit xa-a: `official_code` `000.00.21.h99` is also that of `huyen-a` from 2025-06-30 until 2025-06-30; end one with `until`",
            "row 5: unit d: `official_code` `000.00.22.H99` is also that of `c` at the same time; end one with `until`",
        ]
    );
    // It may go from one to the other.
    let text =
        "id,name,official_code,since,until\nb,B,000.00.21.H99,2025-07-01,\na,A,000.00.21.H99,,2025-06-30\n";
    let document = Document::read(Format::Csv(Kind::Units), text.as_bytes()).unwrap();
    assert!(Import::default().apply(&read(PROVINCE), document).is_ok());
    // The other one may be in force already: the row of the file is told.
    let current = read("units: [{ id: so-y-te, name: Sở Y tế, official_code: 000.00.14.H06 }]");
    let text = "id,name,official_code\nso-khac,Sở khác,000.00.14.H06\n";
    let document = Document::read(Format::Csv(Kind::Units), text.as_bytes()).unwrap();
    let told = Import::default().apply(&current, document).unwrap_err();
    assert!(told[0].to_string().starts_with("row 2: unit so-khac: `official_code`"), "{told:?}");
}

#[test]
fn hostile_spreadsheets_are_refused_with_the_row_and_the_reason() {
    let units = |text: &str| problems(Format::Csv(Kind::Units), text.as_bytes());
    assert_eq!(
        units("id,name,parent\na,A,nobody\nb,=HYPERLINK(\"x\"),\nc,@SUM(A1),\na,A again,\n"),
        ["row 5: unit a: this id is given twice, first in row 2"]
    );
    assert_eq!(
        units(
            "id,name,parent,telephone\na,A,nobody,\nb,=HYPERLINK(\"x\"),,\nc,\"'@SUM(A1)\",,+84 1\nd,D,d,-cmd\n"
        ),
        [
            "row 2: unit a: `parent` names `nobody`, which is not among the units",
            "row 3: unit b: `name` begins like a formula of a spreadsheet; leave out the first sign",
            "row 4: unit c: `name` begins like a formula of a spreadsheet; leave out the first sign",
            "row 5: unit d: `telephone` is no telephone number",
            "row 5: unit d: is above itself: see `parent`",
        ]
    );
    assert_eq!(units("id,nam\na,A\n").len(), 1);
    assert!(units("id,nam\n")[0].starts_with("row 1: no column is called `nam`; there are id, name, kind"));
    assert_eq!(units("name\nA\n"), ["row 1: column `id` is missing"]);
    assert_eq!(units("id,id\na,b\n"), ["row 1: column `id` is there twice"]);
    assert_eq!(units("id,name\na,A,more\n"), ["row 2: unit a: has 3 cells, the header 2"]);
    assert_eq!(
        units("id,name,since\na,A,2023-02-29\nb,B,soon\n"),
        [
            "row 2: unit a: `since`: `2023-02-29` is no day; write 2026-01-31 or 31/01/2026",
            "row 3: unit b: `since`: `soon` is no day; write 2026-01-31 or 31/01/2026",
        ]
    );
    let bytes = |bytes: &[u8]| problems(Format::Csv(Kind::Units), bytes);
    assert_eq!(bytes(b"\xff\xfei\0d\0"), ["row 1: is UTF-16; save it as UTF-8"]);
    assert_eq!(
        bytes(b"id,name\na,A\nb,S\xf4 Y t\xea\n"),
        ["row 3: byte 4 of this line is not UTF-8; save it as UTF-8"]
    );
    assert_eq!(
        problems(
            Format::Csv(Kind::Systems),
            "id,name,unit,level,dossier,registered\ns,S,so-y-te,cao,x,y\n".as_bytes()
        ),
        [
            "row 2: system s: `level`: `cao` is no level; levels are 1 to 5, empty while it is not determined",
            "row 2: system s: `dossier`: unknown variant `x`, expected one of `none`, `drafted`, `submitted`, `appraised`, `approved`",
            "row 2: system s: `registered`: `y` is neither `yes` nor `no`",
        ]
    );
    let mistyped = problems(Format::Yaml, b"units:\n  - { id: a, name: A }\n  - { id: b, nam: B }\n");
    assert!(mistyped[0].starts_with("row 3: ") && mistyped[0].contains("nam"), "{mistyped:?}");
}

#[test]
fn a_hundred_thousand_rows_are_taken_and_one_wrong_one_among_them_is_named() {
    let mut text = String::from("id,unit,addresses\n");
    for row in 0..100_000 {
        text += &format!("PC-{row:06},so-y-te,10.200.{}.{}\n", row / 250 % 250, row % 250);
    }
    let said = problems(Format::Csv(Kind::Endpoints), text.as_bytes());
    // 62,500 addresses are distinct.
    assert_eq!(said.len(), 37_500);
    assert_eq!(said[0], "row 62502: endpoint PC-062500: `10.200.0.0` already belongs to `PC-000000`");
    let rows = (0..100_000).map(|row| format!("PC-{row:06},so-y-te\n"));
    let text = "id,unit\n".to_owned() + &rows.collect::<String>();
    let found = Document::read(Format::Csv(Kind::Endpoints), text.as_bytes()).unwrap();
    assert_eq!(Import::default().apply(&read(PROVINCE), found).unwrap().added.len(), 100_000);
    let wrong = text.replace("PC-077777,so-y-te", "PC-077777,so-y-tế");
    assert_eq!(
        problems(Format::Csv(Kind::Endpoints), wrong.as_bytes()),
        ["row 77779: endpoint PC-077777: `unit` names `so-y-tế`, which is not among the units"]
    );
}

#[test]
fn no_written_cell_is_a_formula_and_all_of_it_reads_back() {
    let mut registry = read(PROVINCE);
    registry.units[1].name = "=cmd|' /C calc'!A0".to_owned(); // an older program may have let it in
    registry.units[0].name = "'-1".to_owned();
    let text = registry.write(Format::Csv(Kind::Units));
    for line in text.trim_start_matches('\u{feff}').lines() {
        for cell in line.split(',') {
            let cell = cell.trim_matches('"');
            assert!(!cell.starts_with(['=', '+', '-', '@']), "{cell}");
        }
    }
    let back = Document::read(Format::Csv(Kind::Units), text.as_bytes()).unwrap();
    let back: Vec<Entry> = back.rows.into_iter().map(|placed| placed.entry).collect();
    assert_eq!(back, registry.units.iter().cloned().map(Entry::Unit).collect::<Vec<_>>());
}

fn text() -> impl Strategy<Value = String> {
    "[a-zA-Z0-9Đđưạ=+@'\",; :#{}-]{0,12}".prop_map(|text| text.trim().to_owned())
}

fn date() -> impl Strategy<Value = Option<Date>> {
    proptest::option::of((2020i16..2030, 1i8..=12, 1i8..=28).prop_map(|(y, m, d)| Date::constant(y, m, d)))
}

prop_compose! {
    fn system()(
        id in "[a-z0-9]{1,8}", name in text(), unit in text(), owner in text(), level in 0u8..=5, level_since in date(),
        decided in date(), addresses in proptest::collection::vec("[0-9a-f:.]{1,9}", 0..3), registered: bool, later in date(),
        decision in text(), fully: bool,
    ) -> System {
        let earlier_levels = later.map(|since| LevelSince { level: 2, since: Some(since) }).into_iter().collect();
        let plan = if fully { Plan::Fully } else { Plan::None };
        System { id, name, unit, owner, level, level_since, earlier_levels, decision, decided, plan, addresses, registered, ..System::default() }
    }
}

proptest! {
    #[test]
    fn what_is_written_reads_back(systems in proptest::collection::vec(system(), 0..5), name in text(), logs: bool) {
        let registry = Registry {
            units: vec![Unit { id: "u".into(), name, ..Unit::default() }],
            systems,
            assets: vec![Asset { id: "a".into(), logs, hosts: vec!["h".into(), "i".into()], ..Asset::default() }],
            endpoints: vec![Endpoint { id: "e".into(), unit: "u".into(), ..Endpoint::default() }],
        };
        let entries: Vec<Entry> = registry.entries().collect();
        let yaml = Document::read(Format::Yaml, registry.write(Format::Yaml).as_bytes()).unwrap();
        prop_assert_eq!(yaml.rows.into_iter().map(|placed| placed.entry).collect::<Vec<_>>(), entries.clone());
        let mut csv = Vec::new();
        for kind in Kind::ALL {
            let format = Format::Csv(kind);
            csv.extend(Document::read(format, registry.write(format).as_bytes()).unwrap().rows.into_iter().map(|placed| placed.entry));
        }
        prop_assert_eq!(csv, entries);
    }

    #[test]
    fn no_bytes_make_reading_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200), text in "[a-z{}\\[\\]:,'\"\n &*-]{0,80}") {
        for format in Kind::ALL.into_iter().map(Format::Csv).chain([Format::Yaml]) {
            let _ = Document::read(format, &bytes);
            let _ = Document::read(format, text.as_bytes());
        }
    }
}

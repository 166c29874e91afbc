//! The compliance report: document and workbook have the figures of the data.

use crate::form::{config, organisation, time};
use crate::reader::{kept, openpyxl, python_docx};
use ::compliance::{Assessment, Evidence, Period, RuleSets};
use registry::{Dossier, Registry, System, Unit};
use report::{ComplianceReport, Scope};
use serde_json::Value;

const FORMULA: &str = "=cmd|'/C calc'!A0";
const MARKUP: &str = "</w:t><c>&\u{0}\u{202e}]]>";

/// Four units, twelve systems of every level, one with a name that is a formula.
fn province() -> Registry {
    let unit = |id: &str, name: &str| Unit { id: id.into(), name: name.into(), ..Unit::default() };
    let system = |number: u8| System {
        id: format!("ht-{number:02}"),
        name: if number == 7 {
            FORMULA.to_owned()
        } else {
            format!("Hệ thống nghiệp vụ số {number}")
        },
        unit: ["syt", "stc", "bong-trang", "la"][usize::from(number % 4)].into(),
        level: number % 6,
        dossier: if number.is_multiple_of(2) { Dossier::Approved } else { Dossier::Drafted },
        registered: number.is_multiple_of(3),
        ..System::default()
    };
    Registry {
        units: vec![
            unit("syt", "Sở Y tế"),
            unit("stc", "Sở Tài chính"),
            unit("bong-trang", "Ủy ban nhân dân xã Bông Trang"),
            unit("la", MARKUP),
        ],
        systems: (1..=12).map(system).collect(),
        assets: Vec::new(),
        endpoints: Vec::new(),
    }
}

fn assessment() -> Assessment {
    let day = |text: &str| text.parse().unwrap();
    let evidence = Evidence { now: time("2026-11-28T05:00:00Z"), ..Evidence::default() };
    RuleSets::own().assess(
        &province(),
        &evidence,
        Period { first: day("2026-10-01"), last: day("2026-10-31") },
    )
}

fn made(scope: &Scope) -> ComplianceReport {
    ComplianceReport::of(assessment(), scope, time("2026-11-28T05:00:00Z")).unwrap()
}

fn rows(read: &Value) -> Vec<Vec<String>> {
    let tables = read["tables"].as_array().unwrap();
    let text = |cell: &Value| cell.as_str().unwrap().to_owned();
    let row = |row: &Value| row.as_array().unwrap().iter().map(text).collect();
    tables.iter().flat_map(|table| table.as_array().unwrap()).map(row).collect()
}

#[test]
fn the_document_has_the_figures_of_the_data() {
    let report = made(&Scope::Province);
    let bytes = report.docx(&config(), &organisation()).unwrap();
    assert!(
        bytes == made(&Scope::Province).docx(&config(), &organisation()).unwrap(),
        "the same data, other bytes"
    );
    let read = python_docx(&kept("theo-cap-do.docx", &bytes));
    let rows = rows(&read);
    for one in &report.levels {
        let name = if one.level == 0 {
            "Chưa xác định".to_owned()
        } else {
            format!("Cấp độ {}", one.level)
        };
        let row = rows.iter().find(|row| row[0] == name).unwrap_or_else(|| panic!("no {name}"));
        let tally = one.tally;
        assert_eq!(
            row[1..5],
            [one.systems, tally.met, tally.not_met, tally.unknown].map(|figure| figure.to_string())
        );
    }
    for system in &report.assessment.systems {
        let row = rows.iter().find(|row| row.len() == 8 && row[1] == system.name).unwrap();
        assert_eq!(
            row[4..7],
            [system.tally.met, system.tally.not_met, system.tally.unknown].map(|figure| figure.to_string())
        );
    }
    assert!(rows.iter().any(|row| row[1].starts_with("</w:t><c>&\\u{0}\\u{202E}]]>")));
}

#[test]
fn the_workbook_has_every_measure_and_no_formula() {
    let report = made(&Scope::Province);
    let bytes = report.xlsx(&config()).unwrap();
    assert!(bytes == made(&Scope::Province).xlsx(&config()).unwrap(), "the same data, other bytes");
    let read = openpyxl(&kept("theo-cap-do.xlsx", &bytes));
    assert_eq!(read["formulas"], 0);
    let sheet = |name: &str| read["sheets"][name].as_array().unwrap().clone();
    let systems = sheet("Hệ thống");
    assert_eq!(systems.len(), 13);
    assert!(systems.iter().any(|row| row[1] == FORMULA), "{systems:?}");
    let all = &report.assessment;
    let every = all.systems.iter().chain(&all.units).chain([&all.province]);
    let measures: usize = every.clone().map(|one| one.measures.len()).sum();
    let rows = sheet("Yêu cầu");
    assert_eq!(rows.len(), measures + 1);
    for one in every {
        for measured in &one.measures {
            let found = rows.iter().any(|row| {
                row[1].as_str().unwrap_or("") == one.id
                    && row[6] == *measured.title_vi
                    && row[7].as_f64() == measured.value
                    && row[9].as_f64() == measured.required
                    && row[13] == *measured.citation
            });
            assert!(found, "{} {}", one.id, measured.id);
        }
    }
}

#[test]
fn a_period_that_spans_a_change_names_both_laws_with_their_days() {
    let day = |text: &str| text.parse().unwrap();
    let evidence = Evidence { now: time("2026-11-28T05:00:00Z"), ..Evidence::default() };
    let august = Period { first: day("2026-08-01"), last: day("2026-08-31") };
    let found = RuleSets::own().assess(&province(), &evidence, august);
    let report = ComplianceReport::of(found, &Scope::Province, time("2026-11-28T05:00:00Z")).unwrap();
    let read = openpyxl(&kept("thay-doi-quy-dinh.xlsx", &report.xlsx(&config()).unwrap()));
    let rows = read["sheets"]["Yêu cầu"].as_array().unwrap();
    let of = |title: &str| rows.iter().find(|row| row[6] == title && row[1] == "ht-03").unwrap();
    assert_eq!(
        of("Độ lệch đồng hồ (giây)")[13],
        "TCVN 14423:2026; từ 01/08/2026 đến 18/08/2026: TCVN 11930:2017"
    );
    let read =
        python_docx(&kept("thay-doi-quy-dinh.docx", &report.docx(&config(), &organisation()).unwrap()));
    let told = read["paragraphs"].to_string();
    let mark = "(cần đối chiếu với văn bản chính thức)";
    assert!(told.contains(&format!("- TCVN 11930:2017 (đến hết ngày 18/08/2026) {mark}")), "{told}");
    assert!(told.contains(&format!("- TCVN 14423:2026 {mark}")), "{told}");
}

#[test]
fn a_level_a_unit_and_a_system_have_their_own_and_nothing_else() {
    let level = made(&Scope::Level(3));
    assert_eq!(
        level.assessment.systems.iter().map(|one| one.id.as_str()).collect::<Vec<_>>(),
        ["ht-03", "ht-09"]
    );
    assert!(level.assessment.units.is_empty() && !level.whole);
    let unit = made(&Scope::Unit("syt".into()));
    assert_eq!((unit.assessment.units.len(), unit.assessment.systems.len()), (1, 3));
    let system = made(&Scope::System("ht-05".into()));
    let read =
        python_docx(&kept("theo-cap-do-he-thong.docx", &system.docx(&config(), &organisation()).unwrap()));
    assert!(read["paragraphs"].to_string().contains("Hệ thống nghiệp vụ số 5"));
    let titles: Vec<String> =
        system.assessment.systems[0].measures.iter().map(|one| one.title_vi.clone()).collect();
    let told = rows(&read);
    assert!(titles.iter().all(|title| told.iter().any(|row| row[0] == *title)), "{titles:?}");
    for scope in [Scope::Unit("x".into()), Scope::System("x".into())] {
        assert_eq!(ComplianceReport::of(assessment(), &scope, time("2026-11-28T05:00:00Z")), None);
    }
}

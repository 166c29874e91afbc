//! The bulletin: its figures by hand, and the document that is written from them.

use crate::form::{config, organisation, time};
use crate::reader::{kept, python_docx};
use event::{Severity, Status};
use report::{Bulletin, EventFigures, Figures, Happened, Period};
use serde_json::Value;

fn incident(number: i64, severity: Severity, unit: &str, techniques: &[&str]) -> Happened {
    Happened {
        number,
        title: format!("Sự cố thử số {number}"),
        severity,
        status: if number % 2 == 0 { Status::Closed } else { Status::New },
        is_dismissed: false,
        unit: unit.into(),
        system: String::new(),
        detected: time("2026-11-24T01:00:00Z").plus_ms(number * 1000),
        techniques: techniques.iter().map(|one| (*one).to_owned()).collect(),
        layers: vec!["1".into(), "2".into()],
        rules: vec![("r1".into(), "Dò mật khẩu".into(), 2, 40)],
    }
}

fn figures() -> (Figures, Figures) {
    let pairs = |all: &[(&str, u64)]| {
        all.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect::<Vec<_>>()
    };
    let now = Figures {
        incidents: vec![
            incident(1, Severity::Critical, "Sở Y tế", &["T1110", "T1078"]),
            incident(2, Severity::High, "Sở Y tế", &["T1486"]),
            incident(3, Severity::High, "", &["T1110", "T1486"]),
            Happened { is_dismissed: true, ..incident(4, Severity::High, "Sở Tài chính", &["T1110"]) },
        ],
        events: EventFigures {
            total: 2_100_700,
            days: vec![300_000, 310_000, 290_000, 300_700, 300_000, 300_000, 300_000],
            sources: pairs(&[("fortinet_fortigate", 2_000_000), ("system", 100_000), ("", 700)]),
            malware: 12,
            malware_units: pairs(&[("Sở Y tế", 8), ("UBND xã Bông Trang", 4)]),
            malware_names: pairs(&[("HEUR:Trojan.Win32.Generic", 12)]),
        },
    };
    let before = Figures {
        incidents: vec![
            incident(9, Severity::High, "Sở Tài chính", &["T1498"]),
            incident(10, Severity::Low, "Sở Y tế", &[]),
        ],
        events: EventFigures {
            total: 2_000_000,
            days: vec![1; 7],
            sources: pairs(&[("fortinet_fortigate", 2_000_000)]),
            malware: 0,
            malware_units: Vec::new(),
            malware_names: Vec::new(),
        },
    };
    (now, before)
}

fn made(hostile: bool) -> Bulletin {
    let (mut now, before) = figures();
    if hostile {
        now.incidents[0].title = "</a:t>&\u{0}<w:p/> =cmd|'/C calc'!A0".into();
        now.incidents[0].unit = "\u{202e}]]>\"' onload=".into();
    }
    Bulletin::of(Period::parse("2026-W48").unwrap(), time("2026-11-30T01:00:00Z"), &now, &before).unwrap()
}

#[test]
fn figures_are_those_worked_out_by_hand() {
    let bulletin = made(false);
    let count = |one: &report::Counted| (one.count, one.previous);
    assert_eq!(
        (count(&bulletin.incidents), count(&bulletin.open), count(&bulletin.dismissed)),
        ((3, 2), (2, 1), (1, 0))
    );
    let severities: Vec<_> =
        bulletin.by_severity.iter().map(|one| (one.name.as_str(), one.count, one.previous)).collect();
    assert_eq!(
        severities,
        [("Nghiêm trọng", 1, 0), ("Cao", 2, 1), ("Trung bình", 0, 0), ("Thấp", 0, 1), ("Thông tin", 0, 0)]
    );
    let of = |name: &str| bulletin.by_type.iter().find(|one| one.name == name).map(count).unwrap();
    assert_eq!(bulletin.by_type.len(), 10);
    assert_eq!(of("Truy cập trái phép, chiếm quyền điều khiển"), (1, 0));
    assert_eq!(of("Mã hóa phần mềm, dữ liệu, thiết bị"), (1, 0));
    assert_eq!(of("Tấn công tổng hợp sử dụng kết hợp nhiều hình thức"), (1, 0));
    assert_eq!((of("Từ chối dịch vụ"), of("Các hình thức tấn công khác")), ((0, 1), (0, 1)));
    let units: Vec<_> =
        bulletin.by_unit.iter().map(|one| (one.name.as_str(), one.count, one.previous)).collect();
    assert_eq!(units, [("Sở Y tế", 2, 1), ("Chưa rõ", 1, 0), ("Sở Tài chính", 0, 1)]);
    assert_eq!((bulletin.rules[0].count, bulletin.rules[0].previous), (6, 4));
    assert_eq!(bulletin.notable.iter().map(|one| one.number).collect::<Vec<_>>(), [1, 3, 2]);
    assert_eq!((bulletin.days[0].day.to_string().as_str(), bulletin.days[6].count), ("2026-11-23", 300_000));
    assert!(!bulletin.unfinished);
}

#[test]
fn the_document_has_the_figures_of_the_data() {
    let bulletin = made(false);
    let bytes = bulletin.docx(&config(), &organisation()).unwrap();
    assert!(bytes == made(false).docx(&config(), &organisation()).unwrap(), "the same data, other bytes");
    let read = python_docx(&kept("ban-tin-2026-w48.docx", &bytes));
    let rows: Vec<&Value> =
        read["tables"].as_array().unwrap().iter().flat_map(|table| table.as_array().unwrap()).collect();
    for row in [
        ["Sự cố", "3", "2", "tăng 50 %"],
        ["Sự kiện", "2.100.700", "2.000.000", "tăng 5 %"],
        ["Nghiêm trọng", "1", "0", "kỳ trước không có"],
        ["Sở Tài chính", "0", "1", "giảm 100 %"],
        ["Dò mật khẩu", "6", "4", "tăng 50 %"],
    ] {
        assert!(rows.contains(&&serde_json::json!(row)), "{row:?} is not in {rows:?}");
    }
    let charts = read["charts"].as_object().unwrap();
    assert_eq!(charts.len(), 4);
    assert!(charts["word/charts/chart3.xml"].as_str().unwrap().contains("<c:v>310000</c:v>"));
    assert!(read["paragraphs"].to_string().contains("Tình hình an toàn thông tin mạng tuần 48 năm 2026"));
}

#[test]
fn nothing_that_others_wrote_breaks_it() {
    let bytes = made(true).docx(&config(), &organisation()).unwrap();
    let read = python_docx(&kept("ban-tin-hostile.docx", &bytes));
    assert!(
        read["tables"].to_string().contains("</a:t>&\\\\u{0}<w:p/> =cmd|'/C calc'!A0"),
        "{}",
        read["tables"]
    );
}

#[test]
fn a_quiet_period_is_told_as_such() {
    let period = Period::parse("2026-Q4").unwrap();
    let days = vec![0; period.days() as usize];
    let quiet = Figures { events: EventFigures { days, ..EventFigures::default() }, ..Figures::default() };
    let bulletin = Bulletin::of(period, time("2026-11-30T01:00:00Z"), &quiet, &quiet).unwrap();
    assert!(bulletin.unfinished);
    let read = python_docx(&kept("ban-tin-quiet.docx", &bulletin.docx(&config(), &organisation()).unwrap()));
    assert!(read["paragraphs"].to_string().contains("Kỳ báo cáo chưa kết thúc"));
}

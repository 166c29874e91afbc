//! The incident forms.

use crate::reader::{kept, python_docx};
use event::{Alert, Severity, Time, Tlp};
use exchange::{Notice, Organisation};
use registry::{Asset, Registry, System, Unit};
use report::{Case, Config, Form, FormId, Particulars};
use serde_json::Value;
use uuid::Uuid;

pub(crate) fn time(text: &str) -> Time {
    Time::parse(text).unwrap()
}

pub(crate) fn config() -> Config {
    Config {
        governing_body: "Ủy ban nhân dân tỉnh Bà Rịa - Vũng Tàu".into(),
        issuing_body: "Trung tâm giám sát an ninh mạng".into(),
        symbol: "BC-TTGS".into(),
        place: "Bà Rịa".into(),
        signer_capacity: vec!["KT. Giám đốc".into(), "Phó Giám đốc".into()],
        signer_name: "Nguyễn Thị Ngọc Yến".into(),
        recipients: vec!["Cơ quan điều phối quốc gia".into(), "Ủy ban nhân dân tỉnh".into()],
    }
}

pub(crate) fn organisation() -> Organisation {
    Organisation {
        code: "000.00.00.H99".into(),
        name: "Trung tâm giám sát an ninh mạng".into(),
        contact: "soc@example.vn".into(),
        address: "198 Bạch Đằng, phường Phước Trung".into(),
        telephone: "0254 385 2222".into(),
        email: "soc@example.vn".into(),
        contact_name: "Trần Đức Hưởng".into(),
        contact_position: "Trưởng ca trực".into(),
        contact_telephone: "0900 000 001".into(),
        contact_email: "truongca@example.vn".into(),
        ..Organisation::default()
    }
}

fn registry() -> Registry {
    let unit = |id: &str, name: &str, parent: &str| Unit {
        id: id.into(),
        name: name.into(),
        parent: parent.into(),
        ..Unit::default()
    };
    let system = System {
        id: "dvc".into(),
        name: "Cổng dịch vụ công".into(),
        unit: "so-tttt".into(),
        owner: "ubnd".into(),
        level: 3,
        addresses: vec!["203.0.113.10".into(), "10.4.0.0/24".into()],
        domains: vec!["dichvucong.example.vn".into()],
        provider: "Công ty An ninh mạng Sóng Biển".into(),
        isp: "VNPT".into(),
        ..System::default()
    };
    let asset = Asset {
        id: "dvc-web".into(),
        system: "dvc".into(),
        addresses: vec!["192.168.7.7".into(), "203.0.113.11".into()],
        ..Asset::default()
    };
    let units = vec![
        unit("ubnd", "Ủy ban nhân dân tỉnh", ""),
        unit("so-tttt", "Sở Thông tin và Truyền thông", "ubnd"),
    ];
    Registry { units, systems: vec![system], assets: vec![asset], endpoints: Vec::new() }
}

fn notice(title: &str) -> Notice {
    Notice {
        id: Uuid::from_u128(7),
        number: 42,
        title: title.into(),
        title_vi: title.into(),
        severity: Severity::Critical,
        is_closed: false,
        first: time("2026-11-26T18:00:00Z"),
        last: time("2026-11-26T18:30:00Z"),
        modified: time("2026-11-26T18:30:00Z"),
        events: 1234,
        unit: "so-tttt".into(),
        unit_name: "Sở Thông tin và Truyền thông".into(),
        addresses: ["10.4.0.9", "172.20.1.1", "100.64.0.1", "fd00::1", "203.0.113.50", "2001:db8::50"]
            .map(|ip| ip.parse().unwrap())
            .to_vec(),
        hosts: vec!["cong-dvc".into()],
        techniques: vec!["T1110".into(), "T1110.001".into()],
        malware: Vec::new(),
        sighted: Vec::new(),
        tlp: Tlp::Amber,
    }
}

fn alert(title: &str, count: u64) -> Alert {
    Alert {
        id: Uuid::from_u128(1),
        rule: "r".into(),
        title: title.into(),
        title_vi: title.into(),
        level: Severity::High,
        first: time("2026-11-26T18:00:00Z"),
        last: time("2026-11-26T18:30:00Z"),
        count,
        group: Vec::new(),
        entities: Vec::new(),
        unit: String::new(),
        system: "dvc".into(),
        system_level: 3,
        tags: Vec::new(),
        events: Vec::new(),
        because: Vec::new(),
        suppressed: None,
        authorised: None,
    }
}

const MADE: &str = "2026-11-27T01:05:00Z";

fn case(title: &str) -> Case {
    let alerts = [
        alert("Dò mật khẩu máy chủ", 12),
        alert("Đăng nhập được sau khi dò mật khẩu", 1),
        alert("Dò mật khẩu máy chủ", 3),
    ];
    Case::new(notice(title), time("2026-11-26T18:01:30Z"), &alerts, ("dvc", 3), &registry())
}

fn both(
    case: &Case,
    id: FormId,
    config: &Config,
    organisation: &Organisation,
) -> (Vec<u8>, Vec<report::Missing>) {
    let bytes = case.docx(id, config, organisation, time(MADE)).unwrap();
    (bytes, case.report(id, organisation, time(MADE)).unwrap().missing)
}

fn rows(read: &Value) -> Vec<(String, String)> {
    let text = |cell: &Value| cell.as_str().unwrap().to_owned();
    let tables = read["tables"].as_array().unwrap();
    tables[1].as_array().unwrap().iter().map(|row| (text(&row[0]), text(&row[1]))).collect()
}

fn answer(read: &Value, label: &str) -> String {
    let all = rows(read);
    let found = all.iter().find(|(name, _)| name.starts_with(label));
    found.unwrap_or_else(|| panic!("no `{label}` in {all:?}")).1.clone()
}

#[test]
fn the_initial_report_says_what_is_known_and_lists_what_is_missing() {
    let case = case("Dò mật khẩu và chiếm máy chủ");
    let (bytes, missing) = both(&case, FormId::Initial, &config(), &organisation());
    let keys: Vec<&str> = missing.iter().map(|one| one.key.as_str()).collect();
    assert_eq!(keys, ["incident.notified"]);
    let read = python_docx(&kept("mau-03-open.docx", &bytes));
    assert_eq!(
        read["tables"][0][0][0],
        "ỦY BAN NHÂN DÂN TỈNH BÀ RỊA - VŨNG TÀU\nTRUNG TÂM GIÁM SÁT AN NINH MẠNG\n"
    );
    assert_eq!(read["tables"][0][0][1], "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM\nĐộc lập - Tự do - Hạnh phúc\n");
    assert_eq!(read["tables"][0][1][1], "Bà Rịa, ngày 27 tháng 11 năm 2026");
    assert!(read["tables"][0][1][0].as_str().unwrap().ends_with("/BC-TTGS"));
    assert_eq!(
        answer(&read, "Tên hệ thống"),
        "Cổng dịch vụ công (dichvucong.example.vn; 203.0.113.10; 203.0.113.11)"
    );
    assert_eq!(answer(&read, "Cơ quan chủ quản"), "Ủy ban nhân dân tỉnh");
    assert_eq!(
        answer(&read, "Phân loại cấp độ"),
        "☐ Cấp độ 1\n☐ Cấp độ 2\n☒ Cấp độ 3\n☐ Cấp độ 4\n☐ Cấp độ 5"
    );
    assert_eq!(answer(&read, "Ngày phát hiện"), "27/11/2026");
    assert_eq!(answer(&read, "Thời gian phát hiện"), "01 giờ 01 phút");
    assert_eq!(answer(&read, "Các địa chỉ IP"), "203.0.113.10; 203.0.113.11");
    assert!(answer(&read, "Đã gửi thông báo").ends_with("Chưa có thông tin bắt buộc"));
    let described = answer(&read, "Mô tả sơ bộ");
    for part in [
        "Dò mật khẩu máy chủ (15 lần)",
        "203.0.113.50; 2001:db8::50",
        "1.234 sự kiện",
        "Truy cập trái phép, chiếm quyền điều khiển",
    ] {
        assert!(described.contains(part), "{part}: {described}");
    }
    let all = read.to_string();
    for inner in ["10.4.0", "192.168.", "172.20", "100.64", "fd00"] {
        assert!(!all.contains(inner), "an inner address is told: {inner}");
    }
    assert_eq!((&read["font"][0], &read["first_page_differs"]), (&"Times New Roman".into(), &true.into()));
    assert_eq!(read["edges_mm"].to_string(), "[20,20,30,15]");
    assert_eq!(read["page_mm"].to_string(), "[210,297]");
    assert_eq!(read["created"], "2026-11-27 01:05:00+00:00");
}

#[test]
fn what_a_person_adds_completes_it() {
    let particulars = Particulars {
        number: "15".into(),
        discovery: vec!["logs".into(), "told".into()],
        told_by: "Sở Y tế".into(),
        notified: vec!["coordinator".into()],
        services: vec!["web".into()],
        secret: Some(true),
        cause: "Mật khẩu yếu".into(),
        result: "Đã đổi mật khẩu, cô lập máy chủ".into(),
        ..Particulars::default()
    };
    let case = case("x").with(particulars);
    let (bytes, missing) = both(&case, FormId::Initial, &config(), &organisation());
    assert_eq!(missing, []);
    let read = python_docx(&kept("mau-03.docx", &bytes));
    assert_eq!(read["tables"][0][1][0], "Số: 15/BC-TTGS");
    assert_eq!(
        answer(&read, "Cách thức phát hiện"),
        "☐ Qua hệ thống phát hiện xâm nhập\n☒ Kiểm tra dữ liệu lưu lại (Log File)\n☒ Nhận được thông báo từ: Sở Y tế\n☐ Khác…"
    );
    assert_eq!(answer(&read, "Nguyên nhân"), "Mật khẩu yếu");
    let (bytes, missing) = both(&case, FormId::Final, &config(), &organisation());
    assert_eq!(missing, []);
    assert_eq!(
        answer(&python_docx(&kept("mau-04.docx", &bytes)), "Kết quả xử lý"),
        "Đã đổi mật khẩu, cô lập máy chủ"
    );
}

#[test]
fn without_settings_and_registry_every_mandatory_field_is_told() {
    let bare = Case::new(
        Notice { unit: String::new(), ..notice("x") },
        time(MADE),
        &[],
        ("", 0),
        &Registry::default(),
    );
    let (bytes, missing) = both(&bare, FormId::Initial, &Config::default(), &Organisation::default());
    let keys: Vec<&str> = missing.iter().map(|one| one.key.as_str()).collect();
    assert_eq!(
        keys,
        [
            "reporter.address",
            "reporter.telephone",
            "reporter.email",
            "contact.name",
            "contact.telephone",
            "contact.email",
            "operator.name",
            "incident.notified"
        ]
    );
    let read = python_docx(&kept("mau-03-bare.docx", &bytes));
    let framed = read["paragraphs"].to_string();
    for one in &missing {
        assert!(framed.contains(&one.label), "{}: {framed}", one.label);
    }
}

#[test]
fn the_section_of_the_decree_stands_in_reports_of_its_time_alone() {
    let form = Form::of(FormId::Initial).unwrap();
    let has = |day: &str| form.fields(day.parse().unwrap()).any(|field| field.key == "incident.cause");
    assert_eq!([has("2026-08-18"), has("2026-08-19")], [false, true]);
}

#[test]
fn every_field_of_the_forms_has_an_answer_or_could_have() {
    let own = Particulars { secret: Some(false), ..Particulars::default() };
    let answers = case("x").with(own).answers(&organisation(), time(MADE)).unwrap();
    for id in [FormId::Initial, FormId::Final] {
        for field in Form::of(id).unwrap().fields("2030-01-01".parse().unwrap()) {
            assert!(
                answers.contains_key(field.key.as_str()),
                "{}: nothing answers `{}`",
                id.name(),
                field.key
            );
        }
    }
}

#[test]
fn hostile_text_is_text_and_the_same_data_gives_the_same_bytes() {
    let hostile = "</w:t></w:r><w:r><w:t>&\u{0}\u{b}\u{1b}[2J \u{202e}gpj.exe\u{ffff} =cmd|' /C calc'!A0 ]]> <!-- \n\tx";
    let case = case(hostile);
    let write = || case.docx(FormId::Initial, &config(), &organisation(), time(MADE)).unwrap();
    let bytes = write();
    // From another thread too: nothing of a document is kept between two.
    std::thread::scope(|scope| assert!(scope.spawn(write).join().unwrap() == bytes));
    let read = python_docx(&kept("mau-03-hostile.docx", &bytes));
    let told = answer(&read, "Mô tả sơ bộ");
    assert!(told.contains("</w:t></w:r><w:r><w:t>&\\u{0}\\u{B}\\u{1B}[2J \\u{202E}gpj.exe\\u{FFFF} =cmd|' /C calc'!A0 ]]> <!-- \n\tx"), "{told}");
}

//! Documents from the command line and from the API: of the same data, the same bytes.

use crate::stack::{Client, Stack, is_about, wait};
use serde_json::Value;
use std::io::Write as _;
use std::net::TcpStream;
use std::process::{Command, Output};
use std::time::Duration;

const AT: &str = "2026-11-27T01:05:00Z";

fn haidang(stack: &Stack, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_haidang"));
    command.arg("report").args(arguments).arg("--config").arg(stack.dir.path().join("haidang.toml"));
    command.arg("--data").arg(stack.data()).output().unwrap()
}

#[test]
fn the_command_line_and_the_api_give_the_same_documents() {
    let stack = Stack::start_with(crate::document::CONFIG);
    let file = stack.dir.path().join("registry.yaml");
    let registry = "units: [{ id: so-a, name: Sở A }]
systems: [{ id: dvc, name: Cổng dịch vụ công, level: 3, unit: so-a, domains: [dvc.example.vn] }]
assets: [{ id: web, system: dvc, hosts: [cong-dvc] }]
";
    std::fs::write(&file, registry).unwrap();
    stack.import_registry(&file);
    let now = jiff::Timestamp::now();
    let mut stream = TcpStream::connect(stack.addresses.tcp[0]).unwrap();
    for n in 0..12 {
        let (pid, port) = (700 + n, 40_000 + n);
        writeln!(
            stream,
            "<86>1 {now} cong-dvc sshd {pid} - - Failed password for quantri from 203.0.113.50 port {port} ssh2"
        )
        .unwrap();
    }
    drop(stream);
    let client = stack.client();
    let incident = client.wait_incident("the brute force", |incident| is_about(incident, "203.0.113.50"));
    let (id, number) = (incident["id"].as_str().unwrap(), incident["number"].to_string());

    let path = format!("/api/v1/incidents/{id}/report?form=03&format=json&at={AT}");
    let whole = || client.get(&path).to_string().contains("ghi nhận 12 sự kiện").then_some(());
    assert!(wait(Duration::from_secs(30), whole).is_some(), "all twelve are told: {}", client.get(&path));
    let (told, made) =
        settled(&client, &path, || haidang(&stack, &["incident", &number, "--format", "json", "--at", AT]));
    let field = |key: &str| {
        let fields = told["fields"].as_array().unwrap();
        fields.iter().find(|field| field["key"] == key).unwrap()["text"].as_str().unwrap().to_owned()
    };
    assert_eq!(field("system.name"), "Cổng dịch vụ công (dvc.example.vn)");
    assert_eq!((field("operator.name").as_str(), field("system.level").as_str()), ("Sở A", "Cấp độ 3"));
    assert!(field("incident.description").contains("203.0.113.50"), "{told}");
    assert!(!field("incident.description").contains("quantri"), "an account is told: {told}");

    assert_eq!(made.status.code(), Some(1), "what is missing is a problem found");
    assert!(String::from_utf8_lossy(&made.stderr).contains("incident.notified"));
    assert_eq!(serde_json::from_slice::<Value>(&made.stdout).unwrap(), told);

    let word = client.bytes(&format!("/api/v1/incidents/{id}/report?form=04&at={AT}"));
    let output = stack.dir.path().join("mau-04.docx");
    haidang(&stack, &["incident", id, "--form", "04", "--at", AT, "-o", output.to_str().unwrap()]);
    assert!(std::fs::read(&output).unwrap() == word);
    assert_eq!(haidang(&stack, &["incident", "4711"]).status.code(), Some(2));

    let later = now + Duration::from_secs(60);
    let month = jiff::tz::Offset::constant(7).to_datetime(now).strftime("%Y-%m").to_string();
    let path = format!("/api/v1/reports/bulletin?period={month}&format=json&at={later}");
    let arguments = ["bulletin", "--period", &month, "--format", "json", "--at", &later.to_string()];
    let (told, made) = settled(&client, &path, || haidang(&stack, &arguments));
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    assert_eq!(serde_json::from_slice::<Value>(&made.stdout).unwrap(), told);
    assert_eq!(told["events"]["count"], client.count(""));
    assert_eq!(told["incidents"]["count"].as_u64(), u64::try_from(client.incidents().len()).ok());
    assert_eq!(
        told["days"].as_array().unwrap().iter().map(|day| day["count"].as_u64().unwrap()).sum::<u64>(),
        client.count("")
    );
    assert_eq!(told["by_unit"][0]["name"], "Sở A");
    let path = format!("/api/v1/reports/bulletin?period={month}&at={later}");
    let word = client.bytes(&path);
    assert!(client.bytes(&path) == word, "the same data, other bytes");
    let made =
        haidang(&stack, &["bulletin", "--period", &month, "--format", "docx", "--at", &later.to_string()]);
    assert!(made.stdout == word, "the command line gives other bytes");
    crate::document::read_back(&client, id, &month, &later.to_string());
    a_person_takes_them_from_the_pages(&stack, id);
    compliance_is_the_same(&stack, &client, &month, &later.to_string());
    a_merged_incident_is_found_by_its_number(&stack, id);
}

/// The buttons of the pages give documents that open.
fn a_person_takes_them_from_the_pages(stack: &Stack, incident: &str) {
    let folder = tempfile::tempdir().unwrap();
    crate::browser::drive(stack, "documents.mjs", &[incident, folder.path().to_str().unwrap()]);
    for name in ["mau-03", "mau-04", "ban-tin-week", "ban-tin-month", "ban-tin-quarter"] {
        let file = format!("{name}.docx");
        let read = crate::document::framed(
            &format!("page-{file}"),
            &std::fs::read(folder.path().join(&file)).unwrap(),
        );
        assert!(read["title"].as_str().unwrap().starts_with("BÁO CÁO"), "{name}: {}", read["title"]);
    }
}

fn compliance_is_the_same(stack: &Stack, client: &Client, month: &str, at: &str) {
    let from = format!("{month}-01");
    let path =
        |more: &str| format!("/api/v1/reports/compliance?from={from}&system=dvc&format={more}&at={at}");
    let make = |format: &str| {
        haidang(stack, &["compliance", "--from", &from, "--system", "dvc", "--format", format, "--at", at])
    };
    let (told, made) = settled(client, &path("json"), || make("json"));
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    assert_eq!(serde_json::from_slice::<Value>(&made.stdout).unwrap(), told);
    assert_eq!(
        (&told["about"], &told["assessment"]["systems"][0]["level"]),
        (&"Cổng dịch vụ công".into(), &3.into())
    );
    for format in ["docx", "xlsx"] {
        let bytes = client.bytes(&path(format));
        assert!(bytes.starts_with(b"PK") && bytes == make(format).stdout, "{format}: other bytes");
    }
    let audit = client.get("/api/v1/audit?limit=1000");
    let entries = audit["items"].as_array().unwrap().iter();
    let made = entries.filter(|one| one["action"] == "report.compliance" && one["target"] == "he-thong-dvc");
    assert!(made.filter(|one| one["actor"] == "admin").count() >= 3, "{audit}");
}

fn a_merged_incident_is_found_by_its_number(stack: &Stack, survivor: &str) {
    let now = event::Time(jiff::Timestamp::now().as_millisecond());
    let absorbed = event::Incident {
        id: uuid::Uuid::from_u128(7),
        title: "Brute force".into(),
        title_vi: "Dò mật khẩu".into(),
        severity: event::Severity::High,
        stage: event::Stage::Access,
        first: now,
        last: now,
        entities: Vec::new(),
        unit: String::new(),
        system: String::new(),
        system_level: 0,
        alerts: Vec::new(),
        authorised: None,
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let number = runtime.block_on(async {
        let target = store::cases::Target::within(&stack.data());
        let cases = store::cases::Cases::open(&target, store::cases::Config::default()).await.unwrap();
        cases.upsert_incidents(std::slice::from_ref(&absorbed), &[], now).await.unwrap();
        let number = cases.incident(&absorbed.id.to_string()).await.unwrap().unwrap().summary.number;
        let merge = (absorbed.id, survivor.parse().unwrap());
        assert_eq!(cases.upsert_incidents(&[], &[merge], now).await.unwrap().merged, 1);
        cases.close().await;
        number.to_string()
    });
    let made = haidang(stack, &["incident", &number, "--format", "json", "--at", AT]);
    let told: Value = serde_json::from_slice(&made.stdout).unwrap();
    let said = String::from_utf8_lossy(&made.stderr);
    let of = told["incident"].as_i64().unwrap();
    assert!(said.contains(&format!("incident {number} has become part of incident {of}")), "{said}");
}

/// The answer of the API and what was made at the same time, once nothing changed in between.
fn settled(client: &Client, path: &str, make: impl Fn() -> Output) -> (Value, Output) {
    let same = || {
        let before = client.get(path);
        let made = make();
        (client.get(path) == before).then_some((before, made))
    };
    wait(Duration::from_secs(30), same).expect("the data settles")
}

#[test]
fn a_compliance_report_is_made_of_an_assessment() {
    let folder = tempfile::tempdir().unwrap();
    let text = "units: [{ id: so-a, name: Sở A }]
systems: [{ id: dvc, name: Cổng dịch vụ công, level: 3, unit: so-a }, { id: thu-dien-tu, name: Thư điện tử, level: 2, unit: so-a }]
";
    let (file, data) = (folder.path().join("registry.yaml"), folder.path().join("data"));
    std::fs::write(&file, text).unwrap();
    let haidang = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_haidang"));
        command.args(arguments).arg("--data").arg(&data).output().unwrap()
    };
    assert!(haidang(&["registry", "import", file.to_str().unwrap()]).status.success());
    let registry = registry::Document::read(registry::Format::Yaml, text.as_bytes()).unwrap();
    let mut all = registry::Registry::default();
    registry.rows.into_iter().for_each(|row| all.push(row.entry));
    let day = |text: &str| text.parse().unwrap();
    let period = compliance::Period { first: day("2026-10-01"), last: day("2026-10-31") };
    let assessment = compliance::RuleSets::own().assess(&all, &compliance::Evidence::default(), period);
    let file = folder.path().join("assessment.json");
    std::fs::write(&file, serde_json::to_vec(&assessment).unwrap()).unwrap();
    let report = |more: &[&str]| {
        haidang(
            &[&["report", "compliance", "--at", AT, "--assessment", file.to_str().unwrap()], more].concat(),
        )
    };
    let told: Value = serde_json::from_slice(&report(&["--level", "3", "--format", "json"]).stdout).unwrap();
    let systems = told["assessment"]["systems"].as_array().unwrap();
    assert_eq!(systems.iter().map(|one| &one["id"]).collect::<Vec<_>>(), ["dvc"]);
    for format in ["docx", "xlsx"] {
        let made = report(&["--unit", "so-a", "--format", format]);
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        assert!(made.stdout.starts_with(b"PK"));
        assert!(
            report(&["--unit", "so-a", "--format", format]).stdout == made.stdout,
            "the same data, other bytes"
        );
    }
    assert_eq!(report(&["--unit", "so-x"]).status.code(), Some(2));
}

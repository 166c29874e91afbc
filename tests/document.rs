//! The API's documents as python-docx and openpyxl read them: in the frame that the law wants, with the figures of the API.

use crate::reader::{kept, openpyxl, python_docx};
use crate::stack::Client;
use serde_json::Value;

/// The settings that the frame shows.
pub(crate) const CONFIG: &str = "[report]\ngoverning_body = \"Ủy ban nhân dân tỉnh\"\n\
     issuing_body = \"Trung tâm giám sát\"\nplace = \"Bà Rịa\"\nsymbol = \"BC-TTGS\"\n\
     signer_capacity = [\"KT. Giám đốc\", \"Phó Giám đốc\"]\nsigner_name = \"Nguyễn Thị Ngọc Yến\"\n\
     recipients = [\"Ủy ban nhân dân tỉnh\"]\n";

/// Every document of these: an incident's forms, the bulletin of a month, the compliance report of a system.
pub(crate) fn read_back(client: &Client, incident: &str, month: &str, at: &str) {
    for form in ["03", "04"] {
        let path = format!("/api/v1/incidents/{incident}/report?form={form}&at={at}");
        let read = word(client, &format!("api-mau-{form}.docx"), &path);
        let told = client.get(&format!("{path}&format=json"));
        let fields = told["fields"].as_array().unwrap();
        let answers =
            fields.iter().filter_map(|field| field["text"].as_str()).filter(|text| !text.is_empty());
        let answers: Vec<&str> = answers.collect();
        assert!(answers.len() > 5, "{told}");
        let rows = cells(&read);
        for answer in answers {
            assert!(
                rows.iter().flatten().any(|cell| cell.contains(answer)),
                "{form}: {answer:?} is not in {rows:?}"
            );
        }
    }
    bulletin(client, month, at);
    compliance(client, month, at);
}

fn bulletin(client: &Client, month: &str, at: &str) {
    let path = format!("/api/v1/reports/bulletin?period={month}&at={at}");
    let read = word(client, "api-ban-tin.docx", &path);
    let told = client.get(&format!("{path}&format=json"));
    let rows = cells(&read);
    let groups = ["by_severity", "by_type", "by_unit", "sources", "rules"];
    let counted = groups.iter().flat_map(|group| told[group].as_array().unwrap());
    let singles = ["incidents", "open", "dismissed", "events", "malware"].map(|name| &told[name]);
    let mut shown = 0;
    for one in counted.chain(singles) {
        let row = [one["name"].as_str().unwrap(), &figure(&one["count"]), &figure(&one["previous"])]
            .map(str::to_owned);
        assert!(rows.iter().any(|cells| cells.len() == 4 && cells[..3] == row), "{row:?} is not in {rows:?}");
        shown += 1;
    }
    assert!(shown > 15, "{told}");
    let charts = read["charts"].as_object().unwrap().values().map(Value::to_string).collect::<String>();
    for one in told["days"].as_array().unwrap() {
        assert!(charts.contains(&format!("<c:v>{}</c:v>", one["count"])), "{one} is in no chart");
    }
}

fn compliance(client: &Client, month: &str, at: &str) {
    let path = format!("/api/v1/reports/compliance?from={month}-01&system=dvc&at={at}");
    let told = client.get(&format!("{path}&format=json"));
    let system = &told["assessment"]["systems"][0];
    let measures = system["measures"].as_array().unwrap();
    let read = word(client, "api-theo-cap-do.docx", &format!("{path}&format=docx"));
    let rows = cells(&read);
    for one in measures {
        assert!(rows.iter().any(|row| row[0] == one["title_vi"]), "{one} is not in {rows:?}");
    }
    let of = |outcome: &str| measures.iter().filter(|one| one["outcome"] == outcome).count();
    let row = ["Cấp độ 3", "1"].map(str::to_owned);
    let row = rows.iter().find(|cells| cells.len() == 6 && cells[..2] == row).unwrap();
    assert_eq!(row[2..5], ["met", "not_met", "unknown"].map(|outcome| of(outcome).to_string()), "{told}");

    let book = openpyxl(&kept("api-theo-cap-do.xlsx", &client.bytes(&format!("{path}&format=xlsx"))));
    assert_eq!(book["formulas"], 0);
    let rows = book["sheets"]["Yêu cầu"].as_array().unwrap();
    assert_eq!(rows.len(), measures.len() + 1);
    for one in measures {
        let row = rows.iter().find(|row| row[1] == "dvc" && row[6] == one["title_vi"]).unwrap();
        let same = |cell: &Value, figure: &Value| cell.as_f64() == figure.as_f64();
        assert!(same(&row[7], &one["value"]) && same(&row[9], &one["required"]), "{row} of {one}");
        assert!(same(&row[4], &system["level"]) && same(&row[5], &one["layer"]), "{row} of {one}");
    }
}

/// A document of the API as python-docx reads it, in its frame.
fn word(client: &Client, name: &str, path: &str) -> Value {
    framed(name, &client.bytes(path))
}

/// A document as python-docx reads it: title and motto of the nation, who issues it, number, date, recipients, signature,
/// numbers of pages.
pub(crate) fn framed(name: &str, bytes: &[u8]) -> Value {
    let read = python_docx(&kept(name, bytes));
    let tables = read["tables"].as_array().unwrap();
    let text = |cell: &Value| cell.as_str().unwrap().to_owned();
    let (head, foot) = (&tables[0], tables.last().unwrap());
    assert_eq!(text(&head[0][0]).trim(), "ỦY BAN NHÂN DÂN TỈNH\nTRUNG TÂM GIÁM SÁT", "{name}");
    assert_eq!(text(&head[0][1]).trim(), "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM\nĐộc lập - Tự do - Hạnh phúc");
    let number = text(&head[1][0]);
    assert!(number.starts_with("Số: ") && number.ends_with("/BC-TTGS"), "{name}: {number}");
    let date = text(&head[1][1]);
    assert!(
        date.starts_with("Bà Rịa, ngày ") && date.contains(" tháng ") && date.contains(" năm 2"),
        "{name}: {date}"
    );
    let (recipients, signature) = (text(&foot[0][0]), text(&foot[0][1]));
    assert_eq!(recipients, "Nơi nhận:\n- Ủy ban nhân dân tỉnh;\n- Lưu: VT.", "{name}");
    assert!(signature.starts_with("KT. GIÁM ĐỐC\nPHÓ GIÁM ĐỐC\n("), "{name}: {signature}");
    assert!(signature.ends_with("\nNguyễn Thị Ngọc Yến"), "{name}: {signature}");
    // The number of the page, on every page but the first.
    assert_eq!(
        (&read["header"], &read["first_page_differs"]),
        (&serde_json::json!([" PAGE "]), &true.into())
    );
    read
}

fn cells(read: &Value) -> Vec<Vec<String>> {
    let tables = read["tables"].as_array().unwrap();
    let row =
        |row: &Value| row.as_array().unwrap().iter().map(|cell| cell.as_str().unwrap().to_owned()).collect();
    tables.iter().flat_map(|table| table.as_array().unwrap()).map(row).collect()
}

/// `1.234`, as people here write it.
fn figure(value: &Value) -> String {
    let digits = value.as_u64().unwrap().to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push('.');
        }
        text.push(digit);
    }
    text
}

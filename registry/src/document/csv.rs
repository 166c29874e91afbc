//! One kind of rows as CSV, for spreadsheets: UTF-8, a header, lists parted by blanks.
//!
//! A cell that a spreadsheet would take for a formula gets an apostrophe in front, which reading takes away again.

use super::{Document, Placed, whole};
use crate::check::FORMULA;
use crate::{
    Asset, Dossier, Endpoint, Entry, Kind, LevelSince, Plan, Problem, Reason, Registry, System, Unit,
};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// A column: its name, how it is written, how it is read.
type Column<T> = (&'static str, fn(&T) -> String, fn(&mut T, &str) -> Result<(), Reason>);

/// A column of text.
macro_rules! text {
    ($field:ident) => {
        (
            stringify!($field),
            |row| row.$field.clone(),
            |row, cell| {
                cell.clone_into(&mut row.$field);
                Ok(())
            },
        )
    };
}

/// A column of texts without blanks.
macro_rules! list {
    ($field:ident) => {
        (
            stringify!($field),
            |row| row.$field.join(" "),
            |row, cell| {
                row.$field = cell.split_whitespace().map(str::to_owned).collect();
                Ok(())
            },
        )
    };
}

/// A column of a day.
macro_rules! day {
    ($field:ident) => {
        (
            stringify!($field),
            |row| row.$field.map(|day| day.to_string()).unwrap_or_default(),
            |row, cell| {
                row.$field = day(cell)?;
                Ok(())
            },
        )
    };
}

/// A column of a closed set of words.
macro_rules! word {
    ($field:ident, $kind:ty) => {
        (
            stringify!($field),
            |row| written(&row.$field),
            |row, cell| {
                row.$field = if cell.is_empty() { <$kind>::default() } else { read_word(cell)? };
                Ok(())
            },
        )
    };
}

const UNITS: &[Column<Unit>] = &[
    text!(id),
    text!(name),
    text!(kind),
    text!(parent),
    text!(official_code),
    list!(domains),
    day!(since),
    day!(until),
    text!(successor),
    text!(address),
    text!(telephone),
    text!(email),
    text!(contact_name),
    text!(contact_position),
    text!(contact_telephone),
    text!(contact_email),
];

const SYSTEMS: &[Column<System>] = &[
    text!(id),
    text!(name),
    text!(unit),
    text!(owner),
    (
        "level",
        |row| if row.level == 0 { String::new() } else { row.level.to_string() },
        |row, cell| {
            let wrong = || {
                Reason::new(
                    format!("`{cell}` is no level; levels are 1 to 5, empty while it is not determined"),
                    format!("`{cell}` không phải cấp độ; cấp độ từ 1 đến 5, để trống khi chưa xác định"),
                )
            };
            row.level = if cell.is_empty() { 0 } else { cell.parse().map_err(|_| wrong())? };
            Ok(())
        },
    ),
    day!(level_since),
    (
        "earlier_levels",
        |row| row.earlier_levels.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "),
        |row, cell| {
            let read = cell.split_whitespace().map(|text| {
                let vi = || format!("`{text}` không phải cấp độ kèm ngày bắt đầu; viết 2:2024-01-31");
                text.parse::<LevelSince>().map_err(|wrong| Reason::new(wrong, vi()))
            });
            row.earlier_levels = read.collect::<Result<_, _>>()?;
            Ok(())
        },
    ),
    word!(dossier, Dossier),
    text!(decision),
    day!(decided),
    word!(plan, Plan),
    list!(addresses),
    list!(domains),
    (
        "registered",
        |row| yes_or_no(row.registered),
        |row, cell| {
            row.registered = yes(cell, false)?;
            Ok(())
        },
    ),
    text!(provider),
    text!(isp),
];

const ASSETS: &[Column<Asset>] = &[
    text!(id),
    text!(system),
    text!(unit),
    list!(addresses),
    list!(hosts),
    (
        "logs",
        |row| yes_or_no(row.logs),
        |row, cell| {
            row.logs = yes(cell, true)?;
            Ok(())
        },
    ),
];

const ENDPOINTS: &[Column<Endpoint>] =
    &[text!(id), text!(unit), text!(system), list!(addresses), text!(os), text!(antivirus)];

pub(super) fn read(kind: Kind, text: &str) -> Result<Document, Vec<Problem>> {
    match kind {
        Kind::Units => rows(kind, UNITS, text, Entry::Unit),
        Kind::Systems => rows(kind, SYSTEMS, text, Entry::System),
        Kind::Assets => rows(kind, ASSETS, text, Entry::Asset),
        Kind::Endpoints => rows(kind, ENDPOINTS, text, Entry::Endpoint),
    }
}

pub(super) fn write(registry: &Registry, kind: Kind) -> String {
    match kind {
        Kind::Units => lines(UNITS, &registry.units),
        Kind::Systems => lines(SYSTEMS, &registry.systems),
        Kind::Assets => lines(ASSETS, &registry.assets),
        Kind::Endpoints => lines(ENDPOINTS, &registry.endpoints),
    }
}

fn rows<T: Default>(
    kind: Kind,
    columns: &[Column<T>],
    text: &str,
    entry: fn(T) -> Entry,
) -> Result<Document, Vec<Problem>> {
    let head = text.lines().next().unwrap_or_default();
    // Spreadsheets of Vietnam part columns by semicolons.
    let parted = if head.contains(';') { b';' } else { b',' };
    let mut reader = csv::ReaderBuilder::new().delimiter(parted).flexible(true).from_reader(text.as_bytes());
    let mut problems = Vec::new();
    let order = match reader.headers() {
        Ok(head) => order(columns, head, &mut problems),
        Err(error) => return Err(vec![whole(Some(1), unread(&error))]),
    };
    if !problems.is_empty() {
        return Err(problems);
    }
    let mut document = Document::default();
    for (row, record) in (2..).zip(reader.records()) {
        match record {
            Err(error) => problems.push(whole(Some(row), unread(&error))),
            Ok(record) if record.iter().all(str::is_empty) => {}
            Ok(record) => match one(columns, &order, &record) {
                Ok(read) => document.rows.push(Placed { row, entry: entry(read) }),
                Err(reasons) => problems.extend(reasons.into_iter().map(|reason| {
                    Problem {
                        row: Some(row),
                        kind: Some(kind),
                        id: record
                            .get(order.iter().position(|at| *at == 0).unwrap_or(0))
                            .unwrap_or_default()
                            .to_owned(),
                        reason,
                    }
                })),
            },
        }
    }
    if problems.is_empty() { Ok(document) } else { Err(problems) }
}

/// Which column of ours each column of the file is.
fn order<T>(columns: &[Column<T>], head: &csv::StringRecord, problems: &mut Vec<Problem>) -> Vec<usize> {
    let mut order = Vec::new();
    for name in head {
        let name = name.trim();
        match columns.iter().position(|column| column.0 == name) {
            Some(at) if order.contains(&at) => {
                let reason = Reason::new(
                    format!("column `{name}` is there twice"),
                    format!("cột `{name}` có hai lần"),
                );
                problems.push(whole(Some(1), reason));
            }
            Some(at) => order.push(at),
            None => {
                let known: Vec<&str> = columns.iter().map(|column| column.0).collect();
                let known = known.join(", ");
                let reason = Reason::new(
                    format!("no column is called `{name}`; there are {known}"),
                    format!("không có cột nào tên `{name}`; các cột là {known}"),
                );
                problems.push(whole(Some(1), reason));
            }
        }
    }
    if !order.contains(&0) && problems.is_empty() {
        problems.push(whole(Some(1), Reason::new("column `id` is missing", "thiếu cột `id`")));
    }
    order
}

fn one<T: Default>(
    columns: &[Column<T>],
    order: &[usize],
    record: &csv::StringRecord,
) -> Result<T, Vec<Reason>> {
    let mut row = T::default();
    let mut reasons = Vec::new();
    if record.len() > order.len() {
        let (cells, head) = (record.len(), order.len());
        reasons.push(Reason::new(
            format!("has {cells} cells, the header {head}"),
            format!("có {cells} ô, dòng tiêu đề có {head}"),
        ));
    }
    for (cell, at) in record.iter().zip(order) {
        let (name, _, read) = columns[*at];
        if let Err(reason) = read(&mut row, plain(cell)) {
            reasons.push(reason.of(name));
        }
    }
    if reasons.is_empty() { Ok(row) } else { Err(reasons) }
}

fn lines<T>(columns: &[Column<T>], rows: &[T]) -> String {
    let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    // Writing to memory cannot fail, and every row has as many cells.
    let _ = writer.write_record(columns.iter().map(|column| column.0));
    for row in rows {
        let _ = writer.write_record(columns.iter().map(|column| safe(column.1(row))));
    }
    let bytes = writer.into_inner().unwrap_or_default();
    // The mark tells spreadsheets that it is UTF-8.
    format!("\u{feff}{}", String::from_utf8(bytes).unwrap_or_default())
}

/// A cell that no spreadsheet computes.
fn safe(cell: String) -> String {
    if cell.trim_start_matches('\'').starts_with(FORMULA) { format!("'{cell}") } else { cell }
}

/// What [`safe`] was given.
fn plain(cell: &str) -> &str {
    match cell.strip_prefix('\'') {
        Some(rest) if rest.trim_start_matches('\'').starts_with(FORMULA) => rest,
        _ => cell,
    }
}

fn day(cell: &str) -> Result<Option<crate::Date>, Reason> {
    if cell.is_empty() {
        return Ok(None);
    }
    let wrong = || {
        Reason::new(
            format!("`{cell}` is no day; write 2026-01-31 or 31/01/2026"),
            format!("`{cell}` không phải ngày; viết 2026-01-31 hoặc 31/01/2026"),
        )
    };
    if let Ok(day) = cell.parse() {
        return Ok(Some(day));
    }
    // What a spreadsheet in Vietnam makes of a date.
    let mut parts = cell.split('/').map(|part| part.parse::<i16>().ok());
    let (Some(Some(day)), Some(Some(month)), Some(Some(year)), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(wrong());
    };
    let small = |number: i16| i8::try_from(number).map_err(|_| wrong());
    crate::Date::new(year, small(month)?, small(day)?).map(Some).map_err(|_| wrong())
}

fn yes_or_no(value: bool) -> String {
    if value { "yes" } else { "no" }.to_owned()
}

fn yes(cell: &str, absent: bool) -> Result<bool, Reason> {
    match cell {
        "" => Ok(absent),
        "yes" | "có" | "true" | "TRUE" | "1" => Ok(true),
        "no" | "không" | "false" | "FALSE" | "0" => Ok(false),
        other => Err(Reason::new(
            format!("`{other}` is neither `yes` nor `no`"),
            format!("`{other}` không phải `có` (`yes`) hay `không` (`no`)"),
        )),
    }
}

/// The word that a document has for a value of a closed set.
fn written<T: Serialize>(value: &T) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => word,
        _ => String::new(),
    }
}

fn read_word<T: DeserializeOwned>(cell: &str) -> Result<T, Reason> {
    serde_json::from_value(serde_json::Value::String(cell.to_owned())).map_err(|error| {
        let said = error.to_string();
        // serde's own words: unknown variant `x`, expected one of `a`, `b`
        let known = said.split_once("expected ").map_or("", |(_, known)| known.trim_start_matches("one of "));
        let vi = format!("không có giá trị `{cell}`; các giá trị là {known}");
        Reason::new(said, vi)
    })
}

fn unread(error: &csv::Error) -> Reason {
    Reason::new(error.to_string(), format!("không đọc được: {error}"))
}

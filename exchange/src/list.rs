//! Lists of indicators as files: STIX (a bundle or TAXII's envelope), or a line for each: NDJSON of ours, the
//! bare value, or CSV under a header with the same names.

use crate::stix::{self, Imported, Refused, id};
use event::{Indicator, IndicatorKind, Time, Tlp};
use serde::Deserialize;
use serde_json::Value;

/// A line of NDJSON, or a row of CSV. Only `value` must be there; what it is shows.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    value: String,
    #[serde(default)]
    kind: Option<IndicatorKind>,
    #[serde(default)]
    id: Option<String>,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    source: Option<String>,
    #[serde(default)]
    confidence: Option<u8>,
    #[serde(default)]
    tlp: Option<Tlp>,
    #[serde(default)]
    valid_from: Option<Time>,
    #[serde(default)]
    valid_until: Option<Time>,
}

/// Reads a file's text. `source` is who gave it, and what says no start of its own holds from `now` on.
///
/// # Errors
/// A text that is neither: one sentence. A line or an object that is not understood is among the refused instead.
pub fn read(text: &str, source: &str, now: Time) -> Result<Imported, String> {
    let whole: Result<Value, _> = serde_json::from_str(text);
    match whole {
        Ok(Value::Object(mut whole)) if whole.get("objects").is_some_and(Value::is_array) => {
            let Some(Value::Array(objects)) = whole.remove("objects") else {
                return Err("no objects".to_owned());
            };
            Ok(stix::indicators(&objects, source))
        }
        Ok(Value::Array(objects)) => Ok(stix::indicators(&objects, source)),
        _ if is_table(text) => table(text, source, now),
        _ => lines(text, source, now),
    }
}

/// Whether the first line names columns, `value` among them.
fn is_table(text: &str) -> bool {
    let first =
        text.trim_start_matches('\u{feff}').lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
    first.contains([',', ';']) && first.split([',', ';']).any(|name| name.trim().trim_matches('"') == "value")
}

fn table(text: &str, source: &str, now: Time) -> Result<Imported, String> {
    let text = text.trim_start_matches('\u{feff}');
    // Spreadsheets of this country part columns by semicolons.
    let first = text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
    let delimiter = if first.contains(';') { b';' } else { b',' };
    let mut reader =
        csv::ReaderBuilder::new().delimiter(delimiter).trim(csv::Trim::All).from_reader(text.as_bytes());
    let header = reader.headers().map_err(|why| why.to_string())?.clone();
    let mut imported = Imported::default();
    for (number, record) in reader.records().enumerate() {
        let row = record.map_err(|why| why.to_string()).and_then(|record| {
            let line: Line = record.deserialize(Some(&header)).map_err(|why| why.to_string())?;
            indicator(line, source, now)
        });
        match row {
            Ok(one) => imported.indicators.push(one),
            Err(why) => imported.refused.push(Refused { object: format!("row {}", number + 2), why }),
        }
    }
    Ok(imported)
}

fn lines(text: &str, source: &str, now: Time) -> Result<Imported, String> {
    let mut imported = Imported::default();
    let told = |text: &str| !text.trim().is_empty() && !text.trim_start().starts_with('#');
    for (number, text) in text.lines().enumerate().filter(|(_, text)| told(text)) {
        match line(text, source, now) {
            Ok(indicator) => imported.indicators.push(indicator),
            Err(why) => imported.refused.push(Refused { object: format!("line {}", number + 1), why }),
        }
    }
    if imported.indicators.is_empty() && !imported.refused.is_empty() {
        return Err(format!("neither STIX nor one indicator a line: {}", imported.refused[0].why));
    }
    Ok(imported)
}

fn line(text: &str, source: &str, now: Time) -> Result<Indicator, String> {
    let line: Line = if text.trim_start().starts_with('{') {
        serde_json::from_str(text).map_err(|why| why.to_string())?
    } else {
        Line { value: text.trim().to_owned(), ..Line::default() }
    };
    indicator(line, source, now)
}

fn indicator(line: Line, source: &str, now: Time) -> Result<Indicator, String> {
    let kinds = line.kind.as_ref().map_or(&IndicatorKind::ALL[..], std::slice::from_ref);
    let found = kinds.iter().find_map(|kind| Some((*kind, canonical(*kind, &line.value)?)));
    let (kind, value) = found.ok_or("`value` is none of address, domain, URL, hash")?;
    let source = line.source.as_deref().unwrap_or(source);
    let id = match line.id {
        Some(id) if id::is_of(&id, "indicator") => id,
        Some(_) => return Err("`id` is none of an indicator".to_owned()),
        None => id::own("indicator", &[source, kind.name(), &value]),
    };
    let valid_from = line.valid_from.unwrap_or(now);
    if line.valid_until.is_some_and(|until| until <= valid_from) {
        return Err("`valid_until` is not after `valid_from`".to_owned());
    }
    Ok(Indicator {
        id,
        kind,
        name: stix::short(line.name.as_deref().unwrap_or(&value)),
        source: stix::short(source),
        confidence: line.confidence.map(|sure| sure.min(100)),
        tlp: line.tlp.unwrap_or(Tlp::AmberStrict),
        valid_from,
        valid_until: line.valid_until,
        value,
    })
}

/// The one way to write `value`; a name in the letters of a language, as the network carries it.
pub(crate) fn canonical(kind: IndicatorKind, value: &str) -> Option<String> {
    if kind == IndicatorKind::Domain && !value.is_ascii() {
        return kind.canonical(&idna::domain_to_ascii(value.trim()).ok()?);
    }
    kind.canonical(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_and_the_bad_ones_told_with_their_numbers() {
        let text = "{\"value\":\"C2.example.net\"}\n\n{\"value\":\"198.51.100.0/24\",\"tlp\":\"green\",\"valid_until\":\"2027-01-01T00:00:00Z\"}\n\
                    {\"value\":\"x\"}\n{\"value\":\"a.example.net\",\"typo\":1}\nnothing\n# a remark\n  d41d8cd98f00b204e9800998ecf8427e \n";
        let read = read(text, "NCSC", Time(1_795_478_400_000)).unwrap();
        let values: Vec<_> =
            read.indicators.iter().map(|one| (one.kind, one.value.as_str(), one.tlp)).collect();
        assert_eq!(
            values,
            [
                (IndicatorKind::Domain, "c2.example.net", Tlp::AmberStrict),
                (IndicatorKind::Address, "198.51.100.0/24", Tlp::Green),
                (IndicatorKind::Md5, "d41d8cd98f00b204e9800998ecf8427e", Tlp::AmberStrict)
            ]
        );
        let refused: Vec<_> = read.refused.iter().map(|one| one.object.as_str()).collect();
        assert_eq!(refused, ["line 4", "line 5", "line 6"]);
        assert!(super::read("<html>", "x", Time(0)).is_err());
    }

    #[test]
    fn a_table_is_read_by_its_header_and_a_name_in_any_letters() {
        let now = Time(1_795_478_400_000);
        let text = "\u{feff}value;kind;name;tlp;valid_until\nđộc-hại.example;domain;Mã độc;green;2027-01-01T00:00:00Z\n\
                    198.51.100.7;;;;\n\"x\";;;;\n198.51.100.8;colour;;;\n";
        let read = read(text, "CERT", now).unwrap();
        let told: Vec<_> = read
            .indicators
            .iter()
            .map(|one| (one.kind, one.value.as_str(), one.name.as_str(), one.tlp))
            .collect();
        assert_eq!(told[1], (IndicatorKind::Address, "198.51.100.7", "198.51.100.7", Tlp::AmberStrict));
        assert_eq!((told[0].0, told[0].2, told[0].3), (IndicatorKind::Domain, "Mã độc", Tlp::Green));
        assert!(told[0].1.starts_with("xn--") && told[0].1.ends_with(".example"), "{}", told[0].1);
        let refused: Vec<_> = read.refused.iter().map(|one| one.object.as_str()).collect();
        assert_eq!(refused, ["row 4", "row 5"]);
        let comma = super::read("kind,value\nmd5,d41d8cd98f00b204e9800998ecf8427e\n", "x", now).unwrap();
        assert_eq!(comma.indicators[0].kind, IndicatorKind::Md5);
    }
}

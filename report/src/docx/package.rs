//! The container: parts in one order, with one moment, so that the same document gives the same bytes.

use super::xml::Xml;
use super::{Block, Document, DocxError, body, chart, styles};
use std::io::{Cursor, Write as _};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipWriter};

const PACKAGE: &str = "http://schemas.openxmlformats.org/package/2006";
const WORD: &str = "application/vnd.openxmlformats-officedocument.wordprocessingml";
const CHART: &str = "application/vnd.openxmlformats-officedocument.drawingml.chart+xml";
const CORE: &str = "application/vnd.openxmlformats-package.core-properties+xml";

pub(super) fn write(document: &Document) -> Result<Vec<u8>, DocxError> {
    let charts: Vec<&chart::Chart> = document
        .blocks
        .iter()
        .filter_map(|block| match block {
            Block::Chart(chart) => Some(chart),
            _ => None,
        })
        .collect();
    let mut parts = vec![
        ("[Content_Types].xml".to_owned(), types(charts.len())),
        (
            "_rels/.rels".to_owned(),
            relations(&[
                ("rId1", "officeDocument/2006/relationships/officeDocument", "word/document.xml"),
                ("rId2", "package/2006/relationships/metadata/core-properties", "docProps/core.xml"),
            ]),
        ),
        ("docProps/core.xml".to_owned(), properties(document)),
        ("word/document.xml".to_owned(), body::part(document)),
        ("word/_rels/document.xml.rels".to_owned(), of_document(charts.len())),
        ("word/styles.xml".to_owned(), styles::part()),
        ("word/settings.xml".to_owned(), settings()),
        ("word/header1.xml".to_owned(), body::header()),
    ];
    for (place, one) in charts.iter().enumerate() {
        parts.push((format!("word/charts/chart{}.xml", place + 1), chart::part(one)));
    }
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Deflated)
        .last_modified_time(DateTime::default());
    for (name, bytes) in parts {
        zip.start_file(name, options)?;
        zip.write_all(&bytes)?;
    }
    Ok(zip.finish()?.into_inner())
}

fn types(charts: usize) -> Vec<u8> {
    let space = format!("{PACKAGE}/content-types");
    Xml::part("Types", &[("xmlns", &space)], |xml| {
        let relations = "application/vnd.openxmlformats-package.relationships+xml";
        xml.empty("Default", &[("Extension", "rels"), ("ContentType", relations)]);
        xml.empty("Default", &[("Extension", "xml"), ("ContentType", "application/xml")]);
        let mut part =
            |name: &str, kind: &str| xml.empty("Override", &[("PartName", name), ("ContentType", kind)]);
        part("/docProps/core.xml", CORE);
        part("/word/document.xml", &format!("{WORD}.document.main+xml"));
        part("/word/styles.xml", &format!("{WORD}.styles+xml"));
        part("/word/settings.xml", &format!("{WORD}.settings+xml"));
        part("/word/header1.xml", &format!("{WORD}.header+xml"));
        for number in 1..=charts {
            part(&format!("/word/charts/chart{number}.xml"), CHART);
        }
    })
}

fn of_document(charts: usize) -> Vec<u8> {
    let names: Vec<(String, String)> = (1..=charts)
        .map(|number| (format!("rIdChart{number}"), format!("charts/chart{number}.xml")))
        .collect();
    let mut all = vec![
        ("rIdStyles", "officeDocument/2006/relationships/styles", "styles.xml"),
        ("rIdSettings", "officeDocument/2006/relationships/settings", "settings.xml"),
        ("rIdHeader", "officeDocument/2006/relationships/header", "header1.xml"),
    ];
    all.extend(
        names
            .iter()
            .map(|(id, target)| (id.as_str(), "officeDocument/2006/relationships/chart", target.as_str())),
    );
    relations(&all)
}

fn relations(all: &[(&str, &str, &str)]) -> Vec<u8> {
    let space = format!("{PACKAGE}/relationships");
    Xml::part("Relationships", &[("xmlns", &space)], |xml| {
        for (id, kind, target) in all {
            let kind = format!("http://schemas.openxmlformats.org/{kind}");
            xml.empty("Relationship", &[("Id", id), ("Type", &kind), ("Target", target)]);
        }
    })
}

fn properties(document: &Document) -> Vec<u8> {
    let core = format!("{PACKAGE}/metadata/core-properties");
    let spaces = [
        ("xmlns:cp", core.as_str()),
        ("xmlns:dc", "http://purl.org/dc/elements/1.1/"),
        ("xmlns:dcterms", "http://purl.org/dc/terms/"),
        ("xmlns:xsi", "http://www.w3.org/2001/XMLSchema-instance"),
    ];
    let made = document.made.to_string();
    Xml::part("cp:coreProperties", &spaces, |xml| {
        xml.leaf("dc:title", &[], &super::visible(&document.title));
        xml.leaf("dc:creator", &[], &super::visible(&document.author));
        xml.leaf("dc:language", &[], "vi-VN");
        for name in ["dcterms:created", "dcterms:modified"] {
            xml.leaf(name, &[("xsi:type", "dcterms:W3CDTF")], &made);
        }
    })
}

fn settings() -> Vec<u8> {
    Xml::part("w:settings", &[("xmlns:w", styles::WORD)], |xml| {
        xml.value("w:defaultTabStop", "567");
        xml.value("w:characterSpacingControl", "doNotCompress");
        xml.element("w:compat", &[], |xml| {
            let mode = [
                ("w:name", "compatibilityMode"),
                ("w:uri", "http://schemas.microsoft.com/office/word"),
                ("w:val", "15"),
            ];
            xml.empty("w:compatSetting", &mode);
        });
        xml.empty("w:themeFontLang", &[("w:val", "vi-VN")]);
    })
}

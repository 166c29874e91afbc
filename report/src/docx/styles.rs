//! `word/styles.xml`: the looks, after Decree 30/2020 (Times New Roman 13 to 14, 6 pt between paragraphs).

use super::Style;
use super::xml::Xml;

pub(super) const WORD: &str = "http://schemas.openxmlformats.org/wordprocessingml/2006/main";
const FONT: &str = "Times New Roman";

/// A look: what Word calls it, where it stands, how its letters look.
struct Look {
    id: &'static str,
    name: &'static str,
    align: &'static str,
    /// Half points.
    size: &'static str,
    bold: bool,
    italic: bool,
    /// Twentieths of a point.
    before: &'static str,
    after: &'static str,
    /// The indent of the first line.
    first: &'static str,
    keep_next: bool,
    /// The rank in the document's outline.
    outline: Option<&'static str>,
}

const PLAIN: Look = Look {
    id: "",
    name: "",
    align: "left",
    size: "28",
    bold: false,
    italic: false,
    before: "0",
    after: "0",
    first: "0",
    keep_next: false,
    outline: None,
};

const LOOKS: &[Look] = &[
    Look { id: "Normal", name: "Normal", align: "both", before: "120", first: "567", ..PLAIN },
    Look {
        id: "Heading1",
        name: "heading 1",
        bold: true,
        before: "240",
        after: "60",
        first: "567",
        keep_next: true,
        outline: Some("0"),
        ..PLAIN
    },
    Look {
        id: "Heading2",
        name: "heading 2",
        bold: true,
        italic: true,
        before: "160",
        after: "60",
        first: "567",
        keep_next: true,
        outline: Some("1"),
        ..PLAIN
    },
    Look { id: "Title", name: "Title", align: "center", bold: true, before: "360", keep_next: true, ..PLAIN },
    Look { id: "Subtitle", name: "Subtitle", align: "center", bold: true, keep_next: true, ..PLAIN },
    Look { id: "DocumentHead", name: "Document Head", align: "center", size: "26", ..PLAIN },
    Look { id: "DocumentHeadName", name: "Document Head Name", align: "center", size: "24", ..PLAIN },
    Look { id: "Cell", name: "Cell", size: "24", before: "40", after: "40", ..PLAIN },
    Look {
        id: "CellCentre",
        name: "Cell Centre",
        align: "center",
        size: "24",
        before: "40",
        after: "40",
        ..PLAIN
    },
    Look {
        id: "CellRight",
        name: "Cell Right",
        align: "right",
        size: "24",
        before: "40",
        after: "40",
        ..PLAIN
    },
    Look {
        id: "CellHead",
        name: "Cell Head",
        align: "center",
        size: "24",
        bold: true,
        before: "40",
        after: "40",
        keep_next: true,
        ..PLAIN
    },
    Look {
        id: "CellSection",
        name: "Cell Section",
        size: "24",
        bold: true,
        before: "40",
        after: "40",
        keep_next: true,
        ..PLAIN
    },
    Look { id: "Note", name: "Note", size: "22", ..PLAIN },
    Look { id: "Frame", name: "Frame", size: "24", before: "60", after: "60", ..PLAIN },
    Look { id: "Rule", name: "Rule", size: "4", before: "80", ..PLAIN },
    Look { id: "Header", name: "header", align: "center", ..PLAIN },
];

pub(super) fn id(style: Style) -> &'static str {
    match style {
        Style::Body => "Normal",
        Style::Heading => "Heading1",
        Style::Subheading => "Heading2",
        Style::Title => "Title",
        Style::Subject => "Subtitle",
        Style::Head => "DocumentHead",
        Style::Cell => "Cell",
        Style::CellCentre => "CellCentre",
        Style::CellRight => "CellRight",
        Style::CellHead => "CellHead",
        Style::CellSection => "CellSection",
        Style::HeadName => "DocumentHeadName",
        Style::Note => "Note",
        Style::Frame => "Frame",
        Style::Rule(_) => "Rule",
    }
}

pub(super) fn part() -> Vec<u8> {
    Xml::part("w:styles", &[("xmlns:w", WORD)], |xml| {
        xml.element("w:docDefaults", &[], |xml| {
            xml.element("w:rPrDefault", &[], |xml| {
                xml.element("w:rPr", &[], |xml| {
                    let font = [("w:ascii", FONT), ("w:hAnsi", FONT), ("w:eastAsia", FONT), ("w:cs", FONT)];
                    xml.empty("w:rFonts", &font);
                    xml.value("w:sz", "28");
                    xml.value("w:szCs", "28");
                    xml.empty("w:lang", &[("w:val", "vi-VN"), ("w:eastAsia", "vi-VN"), ("w:bidi", "ar-SA")]);
                });
            });
            xml.empty("w:pPrDefault", &[]);
        });
        for look in LOOKS {
            style(xml, look);
        }
    })
}

fn style(xml: &mut Xml, look: &Look) {
    let mut attributes = vec![("w:type", "paragraph"), ("w:styleId", look.id)];
    if look.id == "Normal" {
        attributes.insert(1, ("w:default", "1"));
    }
    xml.element("w:style", &attributes, |xml| {
        xml.value("w:name", look.name);
        if look.id != "Normal" {
            xml.value("w:basedOn", "Normal");
        }
        xml.empty("w:qFormat", &[]);
        xml.element("w:pPr", &[], |xml| {
            if look.keep_next {
                xml.empty("w:keepNext", &[]);
            }
            if look.id == "Frame" {
                xml.element("w:pBdr", &[], |xml| {
                    for side in ["w:top", "w:left", "w:bottom", "w:right"] {
                        xml.empty(
                            side,
                            &[("w:val", "single"), ("w:sz", "6"), ("w:space", "4"), ("w:color", "B45309")],
                        );
                    }
                });
            }
            let line = if look.id == "Rule" { ("w:line", "60") } else { ("w:line", "252") };
            let rule = if look.id == "Rule" { "exact" } else { "auto" };
            xml.empty(
                "w:spacing",
                &[("w:before", look.before), ("w:after", look.after), line, ("w:lineRule", rule)],
            );
            xml.empty("w:ind", &[("w:firstLine", look.first)]);
            xml.value("w:jc", look.align);
            if let Some(rank) = look.outline {
                xml.value("w:outlineLvl", rank);
            }
        });
        xml.element("w:rPr", &[], |xml| {
            if look.bold {
                xml.empty("w:b", &[]);
            }
            if look.italic {
                xml.empty("w:i", &[]);
            }
            xml.value("w:sz", look.size);
            xml.value("w:szCs", look.size);
        });
    });
}

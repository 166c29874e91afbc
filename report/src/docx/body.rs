//! `word/document.xml`: blocks as WordprocessingML. The order of an element's children is that of the standard's schema.

use super::styles::{self, WORD};
use super::text::visible;
use super::xml::Xml;
use super::{Block, Cell, Chart, Document, Paragraph, Run, Style, Table, chart};

pub(super) const RELATIONS: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
const DRAWING: &str = "http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing";

/// Twentieths of a point: A4, its edges after Decree 30/2020 (left 30 mm, right 15 mm, above and below 20 mm).
const PAGE: (&str, &str) = ("11906", "16838");
const EDGES: [(&str, &str); 7] = [
    ("w:top", "1134"),
    ("w:right", "851"),
    ("w:bottom", "1134"),
    ("w:left", "1701"),
    ("w:header", "567"),
    ("w:footer", "567"),
    ("w:gutter", "0"),
];
/// The width between the edges.
pub(super) const WIDTH: u32 = 11906 - 1701 - 851;

pub(super) fn part(document: &Document) -> Vec<u8> {
    let spaces = [("xmlns:w", WORD), ("xmlns:r", RELATIONS), ("xmlns:wp", DRAWING)];
    Xml::part("w:document", &spaces, |xml| {
        xml.element("w:body", &[], |xml| {
            let mut charts = 0;
            for (place, block) in document.blocks.iter().enumerate() {
                match block {
                    Block::Paragraph(one) => paragraph(xml, one),
                    Block::Table(one) => {
                        table(xml, one);
                        // Two tables in a row would become one.
                        if !matches!(
                            document.blocks.get(place + 1),
                            Some(Block::Paragraph(_) | Block::Chart(_))
                        ) {
                            paragraph(xml, &Paragraph::of(Style::Rule(WIDTH)));
                        }
                    }
                    Block::Chart(one) => {
                        charts += 1;
                        picture(xml, one, charts);
                    }
                }
            }
            xml.element("w:sectPr", &[], |xml| {
                xml.empty("w:headerReference", &[("w:type", "default"), ("r:id", "rIdHeader")]);
                xml.empty("w:pgSz", &[("w:w", PAGE.0), ("w:h", PAGE.1)]);
                xml.empty("w:pgMar", &EDGES);
                xml.empty("w:titlePg", &[]); // the first page has no number
            });
        });
    })
}

/// The page's number above its text, in the middle.
pub(super) fn header() -> Vec<u8> {
    Xml::part("w:hdr", &[("xmlns:w", WORD)], |xml| {
        xml.element("w:p", &[], |xml| {
            xml.element("w:pPr", &[], |xml| xml.value("w:pStyle", "Header"));
            xml.element("w:fldSimple", &[("w:instr", " PAGE ")], |xml| {
                xml.element("w:r", &[], |xml| xml.leaf("w:t", &[], "2"));
            });
        });
    })
}

fn paragraph(xml: &mut Xml, paragraph: &Paragraph) {
    xml.element("w:p", &[], |xml| {
        xml.element("w:pPr", &[], |xml| {
            xml.value("w:pStyle", styles::id(paragraph.style));
            if let Style::Rule(indent) = paragraph.style
                && indent < WIDTH / 2
            {
                xml.element("w:pBdr", &[], |xml| {
                    let line = [("w:val", "single"), ("w:sz", "6"), ("w:space", "0"), ("w:color", "000000")];
                    xml.empty("w:top", &line);
                });
                let indent = indent.to_string();
                xml.empty("w:ind", &[("w:left", indent.as_str()), ("w:right", indent.as_str())]);
            }
        });
        for one in &paragraph.runs {
            run(xml, one);
        }
    });
}

fn run(xml: &mut Xml, run: &Run) {
    xml.element("w:r", &[], |xml| {
        if run.bold || run.italic || run.marked {
            xml.element("w:rPr", &[], |xml| {
                if run.bold {
                    xml.empty("w:b", &[]);
                }
                if run.italic {
                    xml.empty("w:i", &[]);
                }
                if run.marked {
                    xml.value("w:highlight", "yellow");
                }
            });
        }
        for (place, line) in visible(&run.text).split('\n').enumerate() {
            if place > 0 {
                xml.empty("w:br", &[]);
            }
            for (place, piece) in line.split('\t').enumerate() {
                if place > 0 {
                    xml.empty("w:tab", &[]);
                }
                xml.leaf("w:t", &[("xml:space", "preserve")], piece);
            }
        }
    });
}

fn table(xml: &mut Xml, table: &Table) {
    let parts: u32 = table.widths.iter().sum::<u32>().max(1);
    let widths: Vec<u32> = table.widths.iter().map(|part| part * WIDTH / parts).collect();
    xml.element("w:tbl", &[], |xml| {
        xml.element("w:tblPr", &[], |xml| {
            xml.empty("w:tblW", &[("w:w", &WIDTH.to_string()), ("w:type", "dxa")]);
            if table.lined {
                xml.element("w:tblBorders", &[], |xml| {
                    for side in ["w:top", "w:left", "w:bottom", "w:right", "w:insideH", "w:insideV"] {
                        xml.empty(
                            side,
                            &[("w:val", "single"), ("w:sz", "4"), ("w:space", "0"), ("w:color", "808080")],
                        );
                    }
                });
            }
            xml.empty("w:tblLayout", &[("w:type", "fixed")]);
            xml.element("w:tblCellMar", &[], |xml| {
                let space = if table.lined { "85" } else { "0" };
                for side in ["w:left", "w:right"] {
                    xml.empty(side, &[("w:w", space), ("w:type", "dxa")]);
                }
            });
        });
        xml.element("w:tblGrid", &[], |xml| {
            for width in &widths {
                xml.empty("w:gridCol", &[("w:w", &width.to_string())]);
            }
        });
        for (place, row) in table.rows.iter().enumerate() {
            xml.element("w:tr", &[], |xml| {
                xml.element("w:trPr", &[], |xml| {
                    if !table.splits {
                        xml.empty("w:cantSplit", &[]);
                    }
                    if place < table.heads {
                        xml.empty("w:tblHeader", &[]);
                    }
                });
                let mut column = 0;
                for one in row {
                    let span = one.span.max(1);
                    let width: u32 = widths.iter().skip(column).take(span).sum();
                    column += span;
                    cell(xml, one, width);
                }
            });
        }
    });
}

fn cell(xml: &mut Xml, cell: &Cell, width: u32) {
    xml.element("w:tc", &[], |xml| {
        xml.element("w:tcPr", &[], |xml| {
            xml.empty("w:tcW", &[("w:w", &width.to_string()), ("w:type", "dxa")]);
            if cell.span > 1 {
                xml.value("w:gridSpan", &cell.span.to_string());
            }
            if let Some(shade) = cell.shade {
                xml.empty("w:shd", &[("w:val", "clear"), ("w:color", "auto"), ("w:fill", shade)]);
            }
        });
        for one in &cell.paragraphs {
            paragraph(xml, one);
        }
        if cell.paragraphs.is_empty() {
            paragraph(xml, &Paragraph::of(Style::Cell));
        }
    });
}

/// A chart in a line of its own. Its size is in English Metric Units, 360,000 to the centimetre.
fn picture(xml: &mut Xml, one: &Chart, number: usize) {
    let (width, height) = (5_900_000, 360_000 * u64::from(one.height_cm()));
    let (width, height, number) = (width.to_string(), height.to_string(), number.to_string());
    xml.element("w:p", &[], |xml| {
        xml.element("w:pPr", &[], |xml| xml.value("w:pStyle", "CellCentre"));
        xml.element("w:r", &[], |xml| {
            xml.element("w:drawing", &[], |xml| {
                let apart = [("distT", "0"), ("distB", "0"), ("distL", "0"), ("distR", "0")];
                xml.element("wp:inline", &apart, |xml| {
                    xml.empty("wp:extent", &[("cx", &width), ("cy", &height)]);
                    let told = visible(&one.told());
                    xml.empty(
                        "wp:docPr",
                        &[("id", &number), ("name", &format!("Chart {number}")), ("descr", &told)],
                    );
                    xml.empty("wp:cNvGraphicFramePr", &[]);
                    let space = [("xmlns:a", chart::DRAWING)];
                    xml.element("a:graphic", &space, |xml| {
                        xml.element("a:graphicData", &[("uri", chart::CHART)], |xml| {
                            let id = format!("rIdChart{number}");
                            xml.empty("c:chart", &[("xmlns:c", chart::CHART), ("r:id", &id)]);
                        });
                    });
                });
            });
        });
    });
}

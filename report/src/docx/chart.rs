//! Charts as parts of their own (DrawingML): drawn by Word and LibreOffice in the document's own font, sharp at any size,
//! and readable without seeing them, because each carries its figures as text.

use super::body::RELATIONS;
use super::text::{number, visible};
use super::xml::Xml;

pub(super) const CHART: &str = "http://schemas.openxmlformats.org/drawingml/2006/chart";
pub(super) const DRAWING: &str = "http://schemas.openxmlformats.org/drawingml/2006/main";

/// Colours of series in order, told apart in grey too.
const COLOURS: [&str; 4] = ["1F4E79", "9DB7D5", "B45309", "6B7280"];

/// How figures are drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum ChartKind {
    /// Standing bars.
    #[default]
    Columns,
    /// Lying bars, the first on top.
    Bars,
    /// A line.
    Line,
}

/// Figures of one kind, one for each category.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Series {
    /// What they are.
    pub(crate) name: String,
    /// The figures.
    pub(crate) values: Vec<u64>,
}

/// Figures as a picture.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Chart {
    /// How they are drawn.
    pub(crate) kind: ChartKind,
    /// What stands above.
    pub(crate) title: String,
    /// Of what the figures are.
    pub(crate) categories: Vec<String>,
    /// The figures.
    pub(crate) series: Vec<Series>,
}

impl Chart {
    /// How high it is.
    pub(super) fn height_cm(&self) -> u32 {
        match self.kind {
            ChartKind::Bars => 4 + u32::try_from(self.categories.len().min(18)).unwrap_or(18),
            ChartKind::Columns | ChartKind::Line => 7,
        }
    }

    /// The figures in words, for whoever does not see the picture.
    pub(super) fn told(&self) -> String {
        let mut told = format!("{}.", self.title);
        for series in &self.series {
            let values = self.categories.iter().zip(&series.values);
            let pairs: Vec<String> =
                values.map(|(name, value)| format!("{name} {}", number(*value))).collect();
            told.push_str(&format!(" {}: {}.", series.name, pairs.join("; ")));
        }
        told
    }
}

pub(super) fn part(chart: &Chart) -> Vec<u8> {
    let spaces = [("xmlns:c", CHART), ("xmlns:a", DRAWING), ("xmlns:r", RELATIONS)];
    Xml::part("c:chartSpace", &spaces, |xml| {
        val(xml, "c:roundedCorners", "0");
        xml.element("c:chart", &[], |xml| {
            title(xml, &chart.title);
            val(xml, "c:autoTitleDeleted", "0");
            xml.element("c:plotArea", &[], |xml| {
                xml.empty("c:layout", &[]);
                plot(xml, chart);
                axes(xml, chart);
            });
            if chart.series.len() > 1 {
                xml.element("c:legend", &[], |xml| {
                    val(xml, "c:legendPos", "b");
                    val(xml, "c:overlay", "0");
                });
            }
            val(xml, "c:plotVisOnly", "1");
            val(xml, "c:dispBlanksAs", "gap");
        });
        xml.element("c:spPr", &[], |xml| {
            xml.empty("a:noFill", &[]);
            xml.element("a:ln", &[], |xml| xml.empty("a:noFill", &[]));
        });
        xml.element("c:txPr", &[], |xml| {
            xml.empty("a:bodyPr", &[]);
            xml.element("a:p", &[], |xml| {
                xml.element("a:pPr", &[], |xml| letters(xml, "a:defRPr", "1000", "0"));
                xml.empty("a:endParaRPr", &[("lang", "vi-VN")]);
            });
        });
    })
}

fn val(xml: &mut Xml, name: &str, value: &str) {
    xml.empty(name, &[("val", value)]);
}

fn letters(xml: &mut Xml, name: &str, size: &str, bold: &str) {
    xml.element(name, &[("sz", size), ("b", bold)], |xml| {
        xml.empty("a:latin", &[("typeface", "Times New Roman")]);
        xml.empty("a:cs", &[("typeface", "Times New Roman")]);
    });
}

fn title(xml: &mut Xml, text: &str) {
    xml.element("c:title", &[], |xml| {
        xml.element("c:tx", &[], |xml| {
            xml.element("c:rich", &[], |xml| {
                xml.empty("a:bodyPr", &[]);
                xml.element("a:p", &[], |xml| {
                    xml.element("a:r", &[], |xml| {
                        letters(xml, "a:rPr", "1200", "1");
                        xml.leaf("a:t", &[], &visible(text));
                    });
                });
            });
        });
        val(xml, "c:overlay", "0");
    });
}

fn plot(xml: &mut Xml, chart: &Chart) {
    let is_line = chart.kind == ChartKind::Line;
    xml.element(if is_line { "c:lineChart" } else { "c:barChart" }, &[], |xml| {
        if is_line {
            val(xml, "c:grouping", "standard");
        } else {
            val(xml, "c:barDir", if chart.kind == ChartKind::Bars { "bar" } else { "col" });
            val(xml, "c:grouping", "clustered");
        }
        val(xml, "c:varyColors", "0");
        for place in 0..chart.series.len() {
            series(xml, chart, place);
        }
        if is_line {
            val(xml, "c:marker", "1");
        } else {
            val(xml, "c:gapWidth", "60");
        }
        val(xml, "c:axId", "1");
        val(xml, "c:axId", "2");
    });
}

fn series(xml: &mut Xml, chart: &Chart, place: usize) {
    let one = &chart.series[place];
    let (index, colour) = (place.to_string(), COLOURS[place % COLOURS.len()]);
    let is_line = chart.kind == ChartKind::Line;
    xml.element("c:ser", &[], |xml| {
        val(xml, "c:idx", &index);
        val(xml, "c:order", &index);
        let column = char::from(b'B' + u8::try_from(place % 24).unwrap_or(0));
        let rows = chart.categories.len() + 1;
        xml.element("c:tx", &[], |xml| {
            texts(xml, &format!("Sheet1!${column}$1"), std::slice::from_ref(&one.name));
        });
        xml.element("c:spPr", &[], |xml| {
            let fill = |xml: &mut Xml| xml.element("a:solidFill", &[], |xml| val(xml, "a:srgbClr", colour));
            if is_line {
                xml.element("a:ln", &[("w", "28575")], fill);
            } else {
                fill(xml);
            }
        });
        if is_line {
            xml.element("c:marker", &[], |xml| val(xml, "c:symbol", "none"));
        } else {
            val(xml, "c:invertIfNegative", "0");
            labels(xml);
        }
        xml.element("c:cat", &[], |xml| texts(xml, &format!("Sheet1!$A$2:$A${rows}"), &chart.categories));
        xml.element("c:val", &[], |xml| {
            xml.element("c:numRef", &[], |xml| {
                xml.leaf("c:f", &[], &format!("Sheet1!${column}$2:${column}${rows}"));
                xml.element("c:numCache", &[], |xml| {
                    xml.leaf("c:formatCode", &[], "General");
                    let values: Vec<String> = one.values.iter().map(u64::to_string).collect();
                    points(xml, &values);
                });
            });
        });
        if is_line {
            val(xml, "c:smooth", "0");
        }
    });
}

/// Each bar says its figure.
fn labels(xml: &mut Xml) {
    xml.element("c:dLbls", &[], |xml| {
        xml.empty("c:numFmt", &[("formatCode", "#,##0"), ("sourceLinked", "0")]);
        val(xml, "c:dLblPos", "outEnd");
        val(xml, "c:showLegendKey", "0");
        val(xml, "c:showVal", "1");
        for name in ["c:showCatName", "c:showSerName", "c:showPercent", "c:showBubbleSize"] {
            val(xml, name, "0");
        }
    });
}

fn texts(xml: &mut Xml, place: &str, all: &[String]) {
    xml.element("c:strRef", &[], |xml| {
        xml.leaf("c:f", &[], place);
        xml.element("c:strCache", &[], |xml| points(xml, all));
    });
}

fn points(xml: &mut Xml, all: &[String]) {
    val(xml, "c:ptCount", &all.len().to_string());
    for (place, text) in all.iter().enumerate() {
        xml.element("c:pt", &[("idx", &place.to_string())], |xml| xml.leaf("c:v", &[], &visible(text)));
    }
}

fn axes(xml: &mut Xml, chart: &Chart) {
    let lies = chart.kind == ChartKind::Bars;
    let largest = chart.series.iter().flat_map(|one| &one.values).copied().max().unwrap_or(0);
    let axis = |xml: &mut Xml, id: &str, turned: bool, place: &str| {
        val(xml, "c:axId", id);
        xml.element("c:scaling", &[], |xml| {
            val(xml, "c:orientation", if turned { "maxMin" } else { "minMax" });
            if id == "2" {
                val(xml, "c:min", "0");
            }
        });
        val(xml, "c:delete", "0");
        val(xml, "c:axPos", place);
    };
    let line = |xml: &mut Xml, colour: &str| {
        xml.element("c:spPr", &[], |xml| {
            xml.element("a:ln", &[("w", "6350")], |xml| {
                xml.element("a:solidFill", &[], |xml| val(xml, "a:srgbClr", colour));
            });
        });
    };
    xml.element("c:catAx", &[], |xml| {
        axis(xml, "1", lies, if lies { "l" } else { "b" });
        val(xml, "c:majorTickMark", "none");
        val(xml, "c:minorTickMark", "none");
        val(xml, "c:tickLblPos", "nextTo");
        line(xml, "808080");
        val(xml, "c:crossAx", "2");
        val(xml, "c:crosses", "autoZero");
    });
    xml.element("c:valAx", &[], |xml| {
        axis(xml, "2", false, if lies { "b" } else { "l" });
        xml.element("c:majorGridlines", &[], |xml| line(xml, "D9D9D9"));
        xml.empty("c:numFmt", &[("formatCode", "#,##0"), ("sourceLinked", "0")]);
        val(xml, "c:majorTickMark", "none");
        val(xml, "c:minorTickMark", "none");
        val(xml, "c:tickLblPos", "nextTo");
        xml.element("c:spPr", &[], |xml| xml.element("a:ln", &[], |xml| xml.empty("a:noFill", &[])));
        val(xml, "c:crossAx", "1");
        // Where the categories run downwards, the figures would stand on top.
        val(xml, "c:crosses", if lies { "max" } else { "autoZero" });
        val(xml, "c:crossBetween", "between");
        if largest < 5 {
            val(xml, "c:majorUnit", "1"); // no halves of an incident
        }
    });
}

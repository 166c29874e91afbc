//! The compliance report as a Word document.

use super::{ComplianceReport, day, level, missing, name, outcome, required, value};
use crate::docx::{Cell, Chart, ChartKind, Document, Paragraph, Series, Style, Table};
use crate::letter::Letter;
use crate::{Config, DocxError, local};
use ::compliance::{Assessed, Certainty, Outcome, Tally};
use exchange::Organisation;

impl ComplianceReport {
    /// The report as a Word document.
    ///
    /// # Errors
    /// It could not be written.
    pub fn docx(&self, config: &Config, organisation: &Organisation) -> Result<Vec<u8>, DocxError> {
        let about = format!("Tình hình bảo đảm an toàn hệ thống thông tin theo cấp độ: {}", self.about);
        let letter =
            Letter { config, organisation, number: "", made: self.made, title: "BÁO CÁO", about: &about };
        let mut document = letter.begin();
        self.summary(&mut document);
        let mut number = 2;
        let mut heading = |document: &mut Document, text: &str| {
            document.push(Paragraph::new(Style::Heading, format!("{number}. {text}")));
            number += 1;
        };
        if self.whole {
            heading(&mut document, "Yêu cầu chung của toàn tỉnh");
            document.push(gap());
            document.push(measures(&self.assessment.province));
        }
        if self.assessment.units.len() > 1 {
            heading(&mut document, "Kết quả theo đơn vị");
            document.push(gap());
            document.push(list("Đơn vị", &self.assessment.units, false));
        }
        if self.assessment.systems.len() > 1 {
            heading(&mut document, "Kết quả theo hệ thống thông tin");
            document.push(gap());
            document.push(list("Hệ thống thông tin", &self.assessment.systems, true));
        }
        heading(&mut document, "Nội dung chi tiết");
        self.details(&mut document);
        self.sources(&mut document);
        letter.sign(&mut document, "(Ký tên, đóng dấu)");
        document.write()
    }

    fn summary(&self, document: &mut Document) {
        let (period, tally) = (self.assessment.period, Tally::of(self.all().flat_map(|one| &one.measures)));
        document.push(Paragraph::new(Style::Heading, "1. Tổng quan"));
        let regime = &self.assessment.regime;
        let told = format!(
            "Kỳ đánh giá từ ngày {} đến ngày {}, theo {}. Số liệu tính đến {}. Trong {} yêu cầu được xem xét có {} đạt, {} chưa \
             đạt, {} chưa đủ căn cứ để kết luận.",
            day(period.first),
            day(period.last),
            if regime.title_vi.is_empty() { "quy định hiện hành" } else { &regime.title_vi },
            local::moment(self.assessment.computed),
            tally.met + tally.not_met + tally.unknown,
            tally.met,
            tally.not_met,
            tally.unknown
        );
        document.push(Paragraph::new(Style::Body, told));
        if self.levels.len() > 1 {
            document.push(self.chart());
        }
        if !self.levels.is_empty() {
            let headings = ["Cấp độ", "Số hệ thống", "Đạt", "Chưa đạt", "Chưa rõ", "Tỷ lệ đạt"];
            let mut table = Table::under(&headings, &[28, 16, 12, 14, 14, 16]);
            for one in &self.levels {
                let mut row = vec![Cell::new(Style::Cell, level(one.level)), count(one.systems)];
                row.extend(cells(one.tally));
                table.rows.push(row);
            }
            document.push(gap());
            document.push(table);
        }
    }

    fn chart(&self) -> Chart {
        let series = |name: &str, of: fn(&Tally) -> u32| Series {
            name: name.to_owned(),
            values: self.levels.iter().map(|one| u64::from(of(&one.tally))).collect(),
        };
        Chart {
            kind: ChartKind::Columns,
            title: "Kết quả theo cấp độ (số yêu cầu)".to_owned(),
            categories: self.levels.iter().map(|one| level(one.level)).collect(),
            series: vec![
                series("Đạt", |t| t.met),
                series("Chưa rõ", |t| t.unknown),
                series("Chưa đạt", |t| t.not_met),
            ],
        }
    }

    /// Of one subject everything; of several what is not met or not known, for nobody signs a thousand rows unread.
    fn details(&self, document: &mut Document) {
        let subjects: Vec<&Assessed> = self.assessment.units.iter().chain(&self.assessment.systems).collect();
        if let [one] = subjects.as_slice() {
            document.push(gap());
            document.push(measures(one));
            return;
        }
        document.push(Paragraph::new(
            Style::Body,
            "Các yêu cầu chưa đạt hoặc chưa đủ căn cứ; toàn bộ số liệu có trong bảng tính kèm theo.",
        ));
        let mut table = Table::under(
            &["Đối tượng", "Yêu cầu", "Giá trị", "Mức yêu cầu", "Kết quả", "Còn thiếu"],
            &[20, 24, 13, 12, 11, 20],
        );
        for one in &subjects {
            for measured in
                one.measures.iter().filter(|one| matches!(one.outcome, Outcome::NotMet | Outcome::Unknown))
            {
                table.rows.push(vec![
                    Cell::new(Style::Cell, name(one)),
                    Cell::new(Style::Cell, measured.title_vi.as_str()),
                    Cell::new(Style::Cell, value(measured)),
                    Cell::new(Style::Cell, required(measured)),
                    Cell::new(Style::Cell, outcome(measured.outcome)),
                    Cell::new(Style::Cell, missing(measured)),
                ]);
            }
        }
        if table.rows.len() == 1 {
            document.push(Paragraph::new(Style::Body, "Không có."));
        } else {
            document.push(gap());
            document.push(table);
        }
    }

    /// Which text asks for it, and which of those we have not confirmed.
    fn sources(&self, document: &mut Document) {
        let mut all: Vec<(&str, Option<::compliance::Date>, bool)> = Vec::new();
        for measured in self.all().flat_map(|one| &one.measures) {
            all.push((&measured.citation, None, measured.certainty == Certainty::Confirmed));
            let earlier = measured.earlier.iter();
            all.extend(
                earlier.map(|one| {
                    (one.citation.as_str(), Some(one.until), one.certainty == Certainty::Confirmed)
                }),
            );
        }
        all.sort_unstable();
        all.dedup();
        document.push(Paragraph::new(Style::Heading, "Căn cứ"));
        for (citation, until, confirmed) in all {
            let until = until.map_or(String::new(), |until| format!(" (đến hết ngày {})", day(until)));
            let mark = if confirmed { "" } else { " (cần đối chiếu với văn bản chính thức)" };
            document.push(Paragraph::new(Style::Note, format!("- {citation}{until}{mark}")));
        }
    }
}

fn gap() -> Paragraph {
    Paragraph::of(Style::Rule(u32::MAX))
}

fn count(value: u32) -> Cell {
    Cell::new(Style::CellRight, crate::docx::number(value.into()))
}

/// Met, not met, not known, and the share of the first.
fn cells(tally: Tally) -> [Cell; 4] {
    let all = tally.met + tally.not_met + tally.unknown;
    let share = (u64::from(tally.met) * 100).checked_div(u64::from(all));
    let share = share.map_or("–".to_owned(), |share| format!("{share} %"));
    [count(tally.met), count(tally.not_met), count(tally.unknown), Cell::new(Style::CellRight, share)]
}

fn list(what: &str, all: &[Assessed], has_level: bool) -> Table {
    let mut headings = vec!["TT", what];
    let mut widths = vec![8, 34];
    if has_level {
        headings.extend(["Đơn vị vận hành", "Cấp độ"]);
        widths.extend([24, 12]);
    }
    headings.extend(["Đạt", "Chưa đạt", "Chưa rõ", "Tỷ lệ đạt"]);
    widths.extend([9, 10, 10, 11]);
    let mut table = Table::under(&headings, &widths);
    for (place, one) in all.iter().enumerate() {
        let mut row = vec![
            Cell::new(Style::CellRight, (place + 1).to_string()),
            Cell::new(Style::Cell, one.name.as_str()),
        ];
        if has_level {
            row.push(Cell::new(Style::Cell, one.unit_name.as_str()));
            row.push(Cell::new(
                Style::CellCentre,
                if one.level == 0 { "–".to_owned() } else { one.level.to_string() },
            ));
        }
        row.extend(cells(one.tally));
        table.rows.push(row);
    }
    table
}

fn measures(one: &Assessed) -> Table {
    let mut table = Table::under(
        &["Yêu cầu", "Giá trị", "Mức yêu cầu", "Kết quả", "Còn thiếu, ghi chú"],
        &[32, 16, 14, 13, 25],
    );
    for measured in &one.measures {
        table.rows.push(vec![
            Cell::new(Style::Cell, measured.title_vi.as_str()),
            Cell::new(Style::Cell, value(measured)),
            Cell::new(Style::Cell, required(measured)),
            Cell::new(Style::CellCentre, outcome(measured.outcome)),
            Cell::new(Style::Cell, missing(measured)),
        ]);
    }
    table
}

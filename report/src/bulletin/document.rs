//! The bulletin as a Word document.

use super::{Bulletin, Counted};
use crate::docx::{Cell, Chart, ChartKind, Document, Paragraph, Series, Style, Table, number};
use crate::letter::Letter;
use crate::{Config, DocxError, local};
use exchange::Organisation;

impl Bulletin {
    /// The bulletin as a Word document.
    ///
    /// # Errors
    /// It could not be written.
    pub fn docx(&self, config: &Config, organisation: &Organisation) -> Result<Vec<u8>, DocxError> {
        let about = format!("Tình hình an toàn thông tin mạng {}", self.title);
        let letter =
            Letter { config, organisation, number: "", made: self.made, title: "BÁO CÁO", about: &about };
        let mut document = letter.begin();
        self.summary(&mut document);
        self.incidents(&mut document);
        self.notable(&mut document);
        self.events(&mut document);
        self.malware(&mut document);
        self.rules(&mut document);
        letter.sign(&mut document, "(Ký tên, đóng dấu)");
        document.write()
    }

    fn summary(&self, document: &mut Document) {
        let day = |day: jiff::civil::Date| format!("{:02}/{:02}/{}", day.day(), day.month(), day.year());
        let range = format!("Từ ngày {} đến ngày {}", day(self.first), day(self.last));
        document.push(Paragraph::new(Style::Heading, "1. Tổng quan"));
        document.push(Paragraph::new(
            Style::Body,
            format!(
                "{range}, hệ thống giám sát ghi nhận {} sự kiện ({}), phát hiện {} sự cố ({}), trong đó {} sự cố đang được xử \
                 lý; phần mềm phòng, chống mã độc báo {} lần phát hiện ({}).",
                number(self.events.count),
                trend(&self.events),
                number(self.incidents.count),
                trend(&self.incidents),
                number(self.open.count),
                number(self.malware.count),
                trend(&self.malware)
            ),
        ));
        if self.unfinished {
            let told = format!("Kỳ báo cáo chưa kết thúc: số liệu tính đến {}.", local::moment(self.made));
            document.push(Paragraph::of(Style::Frame).bold(told));
        }
        let all = [&self.incidents, &self.open, &self.dismissed, &self.events, &self.malware];
        document.push(gap());
        document.push(table("Chỉ số", all.into_iter()));
    }

    fn incidents(&self, document: &mut Document) {
        document.push(Paragraph::new(Style::Heading, "2. Sự cố"));
        let mut part = |title: &str, what: &str, all: &[Counted], kind: Option<ChartKind>| {
            document.push(Paragraph::new(Style::Subheading, title));
            if all.iter().all(|one| one.count == 0 && one.previous == 0) {
                document.push(Paragraph::new(Style::Body, "Không có sự cố trong kỳ này và kỳ trước."));
                return;
            }
            if let Some(kind) = kind {
                document.push(self.chart(kind, title.split_once(' ').map_or(title, |(_, title)| title), all));
            }
            document.push(table(what, all.iter()));
        };
        part("2.1. Sự cố theo mức độ nghiêm trọng", "Mức độ", &self.by_severity, Some(ChartKind::Columns));
        part("2.2. Sự cố theo loại", "Loại sự cố", &self.by_type, None);
        part("2.3. Sự cố theo đơn vị", "Đơn vị", &self.by_unit, Some(ChartKind::Bars));
        let layers: Vec<Counted> =
            self.by_layer.iter().map(|one| Counted { name: layer(&one.name), ..one.clone() }).collect();
        part("2.4. Sự cố theo lớp bảo vệ phát hiện", "Lớp", &layers, None);
    }

    fn notable(&self, document: &mut Document) {
        document.push(Paragraph::new(Style::Subheading, "2.5. Sự cố đáng chú ý"));
        if self.notable.is_empty() {
            document.push(Paragraph::new(Style::Body, "Không có sự cố mức cao hoặc nghiêm trọng."));
            return;
        }
        let mut table = Table::under(
            &["Số", "Sự cố", "Mức độ", "Nơi xảy ra", "Phát hiện", "Trạng thái"],
            &[5, 30, 13, 24, 15, 13],
        );
        for one in &self.notable {
            let detected = local::short(one.detected);
            table.rows.push(vec![
                Cell::new(Style::CellRight, one.number.to_string()),
                Cell::new(Style::Cell, one.title.as_str()),
                Cell::new(Style::CellCentre, one.severity),
                Cell::new(Style::Cell, one.place.as_str()),
                Cell::new(Style::CellCentre, detected),
                Cell::new(Style::CellCentre, one.status),
            ]);
        }
        document.push(gap());
        document.push(table);
    }

    fn events(&self, document: &mut Document) {
        document.push(Paragraph::new(Style::Heading, "3. Sự kiện"));
        document.push(Chart {
            kind: if self.days.len() > 7 { ChartKind::Line } else { ChartKind::Columns },
            title: "Số sự kiện theo ngày".to_owned(),
            categories: self
                .days
                .iter()
                .map(|day| format!("{:02}/{:02}", day.day.day(), day.day.month()))
                .collect(),
            series: vec![Series {
                name: "Sự kiện".to_owned(),
                values: self.days.iter().map(|day| day.count).collect(),
            }],
        });
        if self.sources.is_empty() {
            document.push(Paragraph::new(Style::Body, "Không có sự kiện trong kỳ này và kỳ trước."));
        } else {
            document.push(table("Nguồn sự kiện", self.sources.iter()));
        }
    }

    fn malware(&self, document: &mut Document) {
        document.push(Paragraph::new(Style::Heading, "4. Mã độc do phần mềm phòng, chống mã độc phát hiện"));
        if self.malware.count == 0 && self.malware.previous == 0 {
            document.push(Paragraph::new(Style::Body, "Không có phát hiện trong kỳ này và kỳ trước."));
            return;
        }
        document.push(self.chart(ChartKind::Bars, "Phát hiện mã độc theo đơn vị", &self.malware_units));
        document.push(table("Đơn vị", self.malware_units.iter()));
        document.push(gap());
        document.push(table("Tên mã độc", self.malware_names.iter()));
    }

    fn rules(&self, document: &mut Document) {
        document.push(Paragraph::new(Style::Heading, "5. Luật phát hiện có nhiều cảnh báo nhất"));
        if self.rules.is_empty() {
            document.push(Paragraph::new(Style::Body, "Không có cảnh báo trong kỳ này và kỳ trước."));
            return;
        }
        document.push(gap());
        document.push(table("Luật phát hiện", self.rules.iter()));
    }

    fn chart(&self, kind: ChartKind, title: &str, all: &[Counted]) -> Chart {
        let series = |name: &str, of: fn(&Counted) -> u64| Series {
            name: name.to_owned(),
            values: all.iter().map(of).collect(),
        };
        Chart {
            kind,
            title: title.to_owned(),
            categories: all.iter().map(|one| one.name.clone()).collect(),
            series: vec![series("Kỳ này", |one| one.count), series("Kỳ trước", |one| one.previous)],
        }
    }
}

fn gap() -> Paragraph {
    Paragraph::of(Style::Rule(u32::MAX / 2))
}

/// What is counted, now and before.
fn table<'a>(what: &str, all: impl Iterator<Item = &'a Counted>) -> Table {
    let mut table = Table::under(&[what, "Kỳ này", "Kỳ trước", "So với kỳ trước"], &[46, 16, 16, 22]);
    for one in all {
        table.rows.push(vec![
            Cell::new(Style::Cell, one.name.as_str()),
            Cell::new(Style::CellRight, number(one.count)),
            Cell::new(Style::CellRight, number(one.previous)),
            Cell::new(Style::CellRight, trend(one)),
        ]);
    }
    table
}

/// `tăng 20 %`, against the period before.
fn trend(one: &Counted) -> String {
    let (now, before) = (u128::from(one.count), u128::from(one.previous));
    // To the nearest whole, in integers: the same figures are the same words everywhere.
    let share = |difference: u128| (difference * 200 + before) / (before * 2);
    match now.cmp(&before) {
        std::cmp::Ordering::Equal => "không đổi".to_owned(),
        _ if before == 0 => "kỳ trước không có".to_owned(),
        std::cmp::Ordering::Greater => format!("tăng {} %", share(now - before)),
        std::cmp::Ordering::Less => format!("giảm {} %", share(before - now)),
    }
}

fn layer(name: &str) -> String {
    match name {
        "1" => "Lớp 1: lực lượng tại chỗ",
        "2" => "Lớp 2: giám sát, bảo vệ chuyên nghiệp",
        "3" => "Lớp 3: kiểm tra, đánh giá độc lập",
        "4" => "Lớp 4: kết nối, chia sẻ với hệ thống giám sát quốc gia",
        other => other,
    }
    .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trend_is_told_to_the_nearest_whole() {
        let told = |count, previous| trend(&Counted { name: String::new(), count, previous });
        assert_eq!(told(3, 2), "tăng 50 %");
        assert_eq!(told(2, 3), "giảm 33 %");
        assert_eq!(told(1, 3), "giảm 67 %");
        assert_eq!(told(0, 0), "không đổi");
        assert_eq!(told(5, 0), "kỳ trước không có");
        assert_eq!(told(0, 5), "giảm 100 %");
        assert_eq!(told(u64::MAX, 1), format!("tăng {} %", (u128::from(u64::MAX) - 1) * 100));
    }
}

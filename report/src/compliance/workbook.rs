//! The compliance report as a workbook: every measure of everything, to be sorted and filtered. Texts are written as
//! texts, so none of them is ever a formula.

use super::{ComplianceReport, cited, level, missing, name, outcome, unit};
use crate::docx::visible;
use crate::{Config, local};
use ::compliance::{Assessed, Certainty, Subject, Wanted};
use event::Time;
use rust_xlsxwriter::{
    DocProperties, ExcelDateTime, Format, FormatAlign, FormatBorder, Workbook, Worksheet, XlsxError,
};

/// The longest text of a cell, in the format's own count.
const CELL_UNITS_MAX: usize = 32_000;

impl ComplianceReport {
    /// The report as a workbook.
    ///
    /// # Errors
    /// It could not be written.
    pub fn xlsx(&self, config: &Config) -> Result<Vec<u8>, XlsxError> {
        let mut workbook = Workbook::new();
        let properties = DocProperties::new()
            .set_title(visible(&format!(
                "Báo cáo bảo đảm an toàn hệ thống thông tin theo cấp độ: {}",
                self.about
            )))
            .set_company(visible(&config.issuing_body))
            .set_creation_datetime(&moment(self.made)?);
        workbook.set_properties(&properties);
        self.levels(workbook.add_worksheet())?;
        self.subjects(workbook.add_worksheet(), "Hệ thống", &self.assessment.systems)?;
        self.subjects(workbook.add_worksheet(), "Đơn vị", &self.assessment.units)?;
        self.measures(workbook.add_worksheet())?;
        workbook.save_to_buffer()
    }

    fn levels(&self, sheet: &mut Worksheet) -> Result<(), XlsxError> {
        sheet.set_name("Cấp độ")?;
        head(sheet, &["Cấp độ", "Số hệ thống", "Đạt", "Chưa đạt", "Chưa rõ"])?;
        for (row, one) in (1..).zip(&self.levels) {
            text(sheet, row, 0, &level(one.level))?;
            let figures = [one.systems, one.tally.met, one.tally.not_met, one.tally.unknown];
            for (column, figure) in (1..).zip(figures) {
                sheet.write_number(row, column, figure)?;
            }
        }
        finish(sheet, &[22, 14, 10, 10, 10], self.levels.len())
    }

    fn subjects(&self, sheet: &mut Worksheet, title: &str, all: &[Assessed]) -> Result<(), XlsxError> {
        sheet.set_name(title)?;
        head(sheet, &["Mã", "Tên", "Đơn vị", "Cấp độ", "Đạt", "Chưa đạt", "Chưa rõ"])?;
        for (row, one) in (1..).zip(all) {
            for (column, value) in (0..).zip([&one.id, &one.name, &one.unit_name]) {
                text(sheet, row, column, value)?;
            }
            let figures = [u32::from(one.level), one.tally.met, one.tally.not_met, one.tally.unknown];
            for (column, figure) in (3..).zip(figures) {
                sheet.write_number(row, column, figure)?;
            }
        }
        finish(sheet, &[18, 44, 36, 10, 10, 10, 10], all.len())
    }

    fn measures(&self, sheet: &mut Worksheet) -> Result<(), XlsxError> {
        sheet.set_name("Yêu cầu")?;
        head(
            sheet,
            &[
                "Đối tượng",
                "Mã",
                "Tên",
                "Đơn vị",
                "Cấp độ",
                "Lớp",
                "Yêu cầu",
                "Giá trị",
                "So sánh",
                "Mức yêu cầu",
                "Đơn vị đo",
                "Kết quả",
                "Còn thiếu, ghi chú",
                "Căn cứ",
                "Độ tin cậy",
            ],
        )?;
        let mut row = 0;
        for one in self.all() {
            for measured in &one.measures {
                row += 1;
                let wanted = if measured.wanted == Wanted::AtLeast { "≥" } else { "≤" };
                let certainty = if measured.certainty == Certainty::Confirmed {
                    "Đã xác nhận"
                } else {
                    "Cần đối chiếu"
                };
                let (missing, cited) = (missing(measured), cited(measured));
                for (column, value) in [
                    (0, subject(one.subject)),
                    (1, &one.id),
                    (2, name(one)),
                    (3, &one.unit_name),
                    (6, &measured.title_vi),
                    (8, wanted),
                    (10, unit(measured)),
                    (11, outcome(measured.outcome)),
                    (12, &missing),
                    (13, &cited),
                    (14, certainty),
                ] {
                    text(sheet, row, column, value)?;
                }
                let figures = [Some(f64::from(one.level)), Some(f64::from(measured.layer))];
                for (column, figure) in
                    [(4, figures[0]), (5, figures[1]), (7, measured.value), (9, measured.required)]
                {
                    if let Some(figure) = figure {
                        sheet.write_number(row, column, figure)?;
                    }
                }
            }
        }
        finish(sheet, &[12, 16, 40, 32, 8, 6, 44, 10, 8, 12, 10, 14, 50, 40, 16], row as usize)
    }
}

fn subject(subject: Subject) -> &'static str {
    match subject {
        Subject::System => "Hệ thống",
        Subject::Unit => "Đơn vị",
        Subject::Province => "Tỉnh",
    }
}

/// A text is a text, whatever it begins with.
fn text(sheet: &mut Worksheet, row: u32, column: u16, value: &str) -> Result<(), XlsxError> {
    let mut value = visible(value);
    while value.encode_utf16().count() > CELL_UNITS_MAX {
        value.truncate(value.floor_char_boundary(value.len() / 2));
    }
    let format = Format::new().set_text_wrap().set_align(FormatAlign::Top);
    sheet.write_string_with_format(row, column, value, &format)?;
    Ok(())
}

fn head(sheet: &mut Worksheet, names: &[&str]) -> Result<(), XlsxError> {
    let format = Format::new()
        .set_bold()
        .set_text_wrap()
        .set_border_bottom(FormatBorder::Thin)
        .set_align(FormatAlign::Top);
    for (column, name) in (0..).zip(names) {
        sheet.write_string_with_format(0, column, *name, &format)?;
    }
    sheet.set_freeze_panes(1, 0)?;
    Ok(())
}

fn finish(sheet: &mut Worksheet, widths: &[u16], rows: usize) -> Result<(), XlsxError> {
    for (column, width) in (0..).zip(widths) {
        sheet.set_column_width(column, *width)?;
    }
    let last = u16::try_from(widths.len().saturating_sub(1)).unwrap_or(0);
    sheet.autofilter(0, 0, u32::try_from(rows).unwrap_or(0), last)?;
    sheet.set_landscape().set_print_fit_to_pages(1, 0).set_repeat_rows(0, 0)?;
    Ok(())
}

fn moment(time: Time) -> Result<ExcelDateTime, XlsxError> {
    let at = local::wall(time);
    let part = |value: i8| u8::try_from(value).unwrap_or(0);
    let year = u16::try_from(at.year()).unwrap_or(1900);
    ExcelDateTime::from_ymd(year, part(at.month()), part(at.day()))?.and_hms(
        part(at.hour()).into(),
        part(at.minute()),
        f64::from(part(at.second())),
    )
}

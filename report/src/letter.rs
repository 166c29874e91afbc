//! The frame of an administrative document after Decree 30/2020, appendix I: national title and motto, issuing body,
//! number and symbol, place and date, title, and below the recipients and the signature.

use crate::config::Config;
use crate::docx::{Cell, Document, Paragraph, Style, Table};
use crate::local;
use event::Time;
use exchange::Organisation;

/// What the head says besides what is configured.
pub(crate) struct Letter<'a> {
    pub(crate) config: &'a Config,
    pub(crate) organisation: &'a Organisation,
    /// Given by the registry of documents; usually open when a report is made.
    pub(crate) number: &'a str,
    pub(crate) made: Time,
    /// `BÁO CÁO`.
    pub(crate) title: &'a str,
    /// What it is about.
    pub(crate) about: &'a str,
}

/// The two columns of the head, in twentieths of a point.
const COLUMNS: [u32; 2] = [3854, 5500];

impl Letter<'_> {
    fn issuing_body(&self) -> &str {
        let own = &self.config.issuing_body;
        if own.is_empty() { &self.organisation.name } else { own }
    }

    /// A document with the head.
    pub(crate) fn begin(&self) -> Document {
        let name = if self.about.is_empty() {
            self.title.to_owned()
        } else {
            format!("{} {}", self.title, self.about)
        };
        let mut document = Document {
            title: name,
            author: self.issuing_body().to_owned(),
            made: self.made,
            blocks: Vec::new(),
        };
        document.push(self.head());
        document.push(Paragraph::of(Style::Title).bold(self.title));
        if !self.about.is_empty() {
            document.push(Paragraph::of(Style::Subject).bold(self.about));
        }
        document.push(Paragraph::of(Style::Rule(3700)));
        document
    }

    fn head(&self) -> Table {
        let (config, head) = (self.config, || Paragraph::of(Style::Head));
        let name = || Paragraph::of(Style::HeadName);
        let mut left = Vec::new();
        if !config.governing_body.is_empty() {
            left.push(name().then(config.governing_body.to_uppercase()));
        }
        left.push(name().bold(self.issuing_body().to_uppercase()));
        left.push(Paragraph::of(Style::Rule(1350)));
        let right = vec![
            name().bold("CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM"),
            head().bold("Độc lập - Tự do - Hạnh phúc"),
            Paragraph::of(Style::Rule(1150)),
        ];
        let symbol = if config.symbol.is_empty() { "…".to_owned() } else { config.symbol.clone() };
        let number = if self.number.is_empty() { "        " } else { self.number };
        let number = head().then(format!("Số: {number}/{symbol}"));
        let place = if config.place.is_empty() { "…………" } else { &config.place };
        let date = head().italic(format!("{place}, {}", local::date(self.made)));
        let cell = |paragraphs| Cell { paragraphs, ..Cell::default() };
        Table {
            widths: COLUMNS.to_vec(),
            rows: vec![vec![cell(left), cell(right)], vec![cell(vec![number]), cell(vec![date])]],
            ..Table::default()
        }
    }

    /// Ends the document with recipients and signature.
    pub(crate) fn sign(&self, document: &mut Document, note: &str) {
        let config = self.config;
        let mut left = vec![Paragraph { style: Style::Note, ..italic_bold("Nơi nhận:") }];
        left.extend(config.recipients.iter().map(|one| Paragraph::new(Style::Note, format!("- {one};"))));
        left.push(Paragraph::new(Style::Note, "- Lưu: VT."));
        let head = || Paragraph::of(Style::Head);
        let mut right: Vec<Paragraph> =
            config.signer_capacity.iter().map(|line| head().bold(line.to_uppercase())).collect();
        if right.is_empty() {
            right.push(head().bold("THỦ TRƯỞNG ĐƠN VỊ"));
        }
        right.push(head().italic(note));
        right.extend((0..4).map(|_| Paragraph::new(Style::Head, "")));
        right.push(head().bold(config.signer_name.as_str()));
        let cell = |paragraphs| Cell { paragraphs, ..Cell::default() };
        document.push(Paragraph::new(Style::Head, ""));
        document.push(Table {
            widths: vec![1, 1],
            rows: vec![vec![cell(left), cell(right)]],
            ..Table::default()
        });
    }
}

fn italic_bold(text: &str) -> Paragraph {
    let run = crate::docx::Run { text: text.to_owned(), bold: true, italic: true, marked: false };
    Paragraph { runs: vec![run], ..Paragraph::default() }
}

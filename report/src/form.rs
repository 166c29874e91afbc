//! The law's forms: their texts are data (`rules/compliance/form`), an answer goes where its key stands.

use crate::docx::{Cell, Document, Paragraph, Style, Table};
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A form's file is wrong: a mistake of ours, found by a test.
#[derive(Debug, thiserror::Error)]
#[error("{file}: {cause}")]
pub struct FormError {
    file: String,
    cause: String,
}

impl FormError {
    pub(crate) fn new(file: &str, cause: &dyn std::fmt::Display) -> FormError {
        FormError { file: file.to_owned(), cause: cause.to_string() }
    }
}

/// Which form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum FormId {
    /// Mẫu 03: what is known at first.
    Initial,
    /// Mẫu 04: the end of the response.
    Final,
}

impl FormId {
    /// The form's number, as people say it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            FormId::Initial => "03",
            FormId::Final => "04",
        }
    }

    /// The form of that number.
    #[must_use]
    pub fn by_name(name: &str) -> Option<FormId> {
        [FormId::Initial, FormId::Final].into_iter().find(|form| form.name() == name)
    }

    fn text(self) -> &'static str {
        match self {
            FormId::Initial => include_str!("../../rules/compliance/form/mau-03.yml"),
            FormId::Final => include_str!("../../rules/compliance/form/mau-04.yml"),
        }
    }
}

/// A form.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Form {
    /// Its number.
    pub id: String,
    /// `Mẫu số 03`.
    pub name: String,
    /// What the document is called.
    pub title: String,
    /// Where it is from.
    pub citation: String,
    /// `confirmed` or `to-verify`.
    pub certainty: String,
    /// What a reader has to know of its standing.
    pub note: String,
    /// What the subject of the mail begins with.
    pub mail_subject: String,
    sections: Vec<Section>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Section {
    heading: String,
    /// It stands in reports of incidents detected from this day on.
    #[serde(default)]
    since: Option<Date>,
    /// Where the section is from, if not from the form itself.
    #[serde(default)]
    citation: String,
    fields: Vec<Field>,
}

/// What a form asks.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Field {
    /// Which answer goes here.
    pub key: String,
    /// What stands before it.
    pub label: String,
    /// Whether the report is incomplete without it.
    #[serde(default)]
    pub mandatory: bool,
    /// What there is to choose from.
    #[serde(default)]
    options: Vec<Choice>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Choice {
    value: String,
    label: String,
    /// Whether words follow.
    #[serde(default)]
    more: bool,
}

impl Choice {
    /// The words that follow it, if it is chosen.
    fn chosen<'a>(&self, answer: Option<&'a Answer>) -> Option<&'a str> {
        let Some(Answer::Chosen(all)) = answer else { return None };
        all.iter().find(|(value, _)| *value == self.value).map(|(_, more)| more.as_str())
    }
}

/// What goes into a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Words.
    Text(String),
    /// Which of the options, with the words that follow.
    Chosen(Vec<(String, String)>),
}

/// The answers by key; what is empty or not there is missing.
pub type Answers = BTreeMap<&'static str, Answer>;

/// A mandatory field without an answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Missing {
    /// Its key.
    pub key: String,
    /// Under which heading, and what stands before it.
    pub label: String,
}

/// A field with its answer in words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Told {
    /// Its key.
    pub key: String,
    /// What stands before the answer.
    pub label: String,
    /// Whether the report is incomplete without it.
    pub mandatory: bool,
    /// The answer, empty if there is none; of options, those chosen.
    pub text: String,
}

impl Form {
    /// The form.
    ///
    /// # Errors
    /// Its file is wrong.
    pub fn of(id: FormId) -> Result<Form, FormError> {
        serde_saphyr::from_str(id.text())
            .map_err(|cause| FormError::new(&format!("mau-{}.yml", id.name()), &cause))
    }

    /// The sections that a report of an incident detected on `day` has.
    fn sections(&self, day: Date) -> impl Iterator<Item = &Section> {
        self.sections.iter().filter(move |section| section.since.is_none_or(|since| since <= day))
    }

    /// What a report of an incident detected on `day` asks.
    pub fn fields(&self, day: Date) -> impl Iterator<Item = &Field> {
        self.sections(day).flat_map(|section| &section.fields)
    }

    /// What a field lets choose from.
    pub(crate) fn values(&self, key: &str) -> Vec<&str> {
        let mut fields = self.sections.iter().flat_map(|section| &section.fields);
        let field = fields.find(|field| field.key == key);
        field.into_iter().flat_map(|field| &field.options).map(|option| option.value.as_str()).collect()
    }

    /// The mandatory fields without an answer.
    #[must_use]
    pub fn missing(&self, answers: &Answers, day: Date) -> Vec<Missing> {
        let of = |section: &Section| {
            let open = |field: &&Field| field.mandatory && field.is_open(answers);
            let told = |field: &Field| Missing {
                key: field.key.clone(),
                label: format!("{}: {}", section.heading, field.label),
            };
            section.fields.iter().filter(open).map(told).collect::<Vec<_>>()
        };
        self.sections(day).flat_map(of).collect()
    }

    /// Every field with its answer in words, as the document has them.
    #[must_use]
    pub fn told(&self, answers: &Answers, day: Date) -> Vec<Told> {
        self.fields(day).map(|field| field.told(answers)).collect()
    }

    /// Adds what is asked and answered.
    pub(crate) fn fill(&self, document: &mut Document, answers: &Answers, day: Date) {
        let missing = self.missing(answers, day);
        if !missing.is_empty() {
            document.push(Paragraph::new(Style::Head, ""));
            let told = format!("Dự thảo, còn thiếu {} thông tin bắt buộc (*):", missing.len());
            let mut frame = Paragraph::of(Style::Frame).bold(told);
            for one in &missing {
                frame = frame.then(format!("\n- {}", one.label));
            }
            document.push(frame);
        }
        document.push(Paragraph::new(Style::Head, ""));
        let mut table = Table { widths: vec![38, 62], lined: true, splits: true, ..Table::default() };
        for (place, section) in self.sections(day).enumerate() {
            let mut heading =
                Paragraph::new(Style::CellSection, format!("{}. {}", place + 1, section.heading));
            if !section.citation.is_empty() {
                heading = heading.italic(format!(" ({})", section.citation));
            }
            table.rows.push(vec![Cell { paragraphs: vec![heading], span: 2, shade: Some("E7ECF3") }]);
            for field in &section.fields {
                let label = Paragraph::new(Style::Cell, field.label.clone());
                let label = if field.mandatory { label.bold(" (*)") } else { label };
                table
                    .rows
                    .push(vec![Cell { paragraphs: vec![label], ..Cell::default() }, field.cell(answers)]);
            }
        }
        document.push(table);
        let source = format!(
            "{} ban hành theo {}. (*) Thông tin bắt buộc. {}",
            self.name,
            citation(&self.citation),
            self.note.trim()
        );
        document.push(Paragraph::of(Style::Note).italic(source));
    }
}

/// The citation without the form's own name behind it.
fn citation(text: &str) -> &str {
    text.split(", Mẫu").next().unwrap_or(text)
}

impl Field {
    fn is_open(&self, answers: &Answers) -> bool {
        match answers.get(self.key.as_str()) {
            Some(Answer::Text(text)) => text.trim().is_empty(),
            Some(Answer::Chosen(chosen)) => {
                !chosen.iter().any(|(value, _)| self.options.iter().any(|one| one.value == *value))
            }
            None => true,
        }
    }

    fn told(&self, answers: &Answers) -> Told {
        let text = match answers.get(self.key.as_str()) {
            Some(Answer::Text(text)) => text.clone(),
            Some(Answer::Chosen(_)) | None => {
                let chosen = self
                    .options
                    .iter()
                    .filter_map(|option| Some((option, option.chosen(answers.get(self.key.as_str()))?)));
                let words = chosen.map(|(option, more)| {
                    if more.is_empty() { option.label.clone() } else { format!("{}: {more}", option.label) }
                });
                words.collect::<Vec<_>>().join("; ")
            }
        };
        Told { key: self.key.clone(), label: self.label.clone(), mandatory: self.mandatory, text }
    }

    fn cell(&self, answers: &Answers) -> Cell {
        let answer = answers.get(self.key.as_str());
        let mut paragraphs = Vec::new();
        if self.options.is_empty() {
            match answer {
                Some(Answer::Text(text)) if !text.trim().is_empty() => {
                    paragraphs.push(Paragraph::new(Style::Cell, text.clone()));
                }
                _ if !self.mandatory => paragraphs.push(Paragraph::new(Style::Cell, "…")),
                _ => {}
            }
        }
        for option in &self.options {
            let chosen = option.chosen(answer);
            let mark = if chosen.is_some() { "☒" } else { "☐" };
            let more = match chosen {
                Some(more) if !more.is_empty() => format!(": {more}"),
                _ if option.more => "…".to_owned(),
                _ => String::new(),
            };
            paragraphs.push(Paragraph::new(Style::Cell, format!("{mark} {}{more}", option.label)));
        }
        if self.mandatory && self.is_open(answers) {
            paragraphs.push(Paragraph::of(Style::Cell).marked("Chưa có thông tin bắt buộc"));
        }
        Cell { paragraphs, ..Cell::default() }
    }
}

//! Word documents (ECMA-376, transitional): paragraphs, tables, charts on A4, and the package that holds them.
//!
//! Invariant: the same document gives the same bytes. Nothing here has a clock, a counter that outlives a document, or
//! an order that differs between two runs.

mod body;
mod chart;
mod package;
mod styles;
mod text;
mod xml;

pub(crate) use chart::{Chart, ChartKind, Series};
pub(crate) use text::{number, visible};

use event::Time;

/// Why a document could not be written.
#[derive(Debug, thiserror::Error)]
pub enum DocxError {
    /// It is larger than the container's format can hold.
    #[error("write the document: {0}")]
    Package(#[from] zip::result::ZipError),
    /// The same.
    #[error("write the document: {0}")]
    Write(#[from] std::io::Error),
}

/// A document.
#[derive(Clone, Debug, Default)]
pub(crate) struct Document {
    /// What its properties call it.
    pub(crate) title: String,
    /// Whose it is.
    pub(crate) author: String,
    /// When it was made.
    pub(crate) made: Time,
    /// What is in it, in order.
    pub(crate) blocks: Vec<Block>,
}

/// A part of a document.
#[derive(Clone, Debug)]
pub(crate) enum Block {
    /// Text.
    Paragraph(Paragraph),
    /// Rows and columns.
    Table(Table),
    /// Figures as a picture.
    Chart(Chart),
}

/// How a paragraph looks; the styles have names, so that a person can change all of one kind at once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Style {
    /// Running text.
    #[default]
    Body,
    /// A heading of the first rank.
    Heading,
    /// A heading below that.
    Subheading,
    /// What kind of document it is.
    Title,
    /// What it is about.
    Subject,
    /// The block above the title, and signatures.
    Head,
    /// The names of bodies in it.
    HeadName,
    /// In a table.
    Cell,
    /// In a table, centred.
    CellCentre,
    /// In a table, to the right.
    CellRight,
    /// In the first row of a table.
    CellHead,
    /// In a row that heads those below it.
    CellSection,
    /// To whom it goes, where figures are from.
    Note,
    /// Set apart by a frame: what is missing.
    Frame,
    /// A thin line, so many twentieths of a point from both edges.
    Rule(u32),
}

/// Text of one look.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Run {
    /// The text; a newline breaks the line.
    pub(crate) text: String,
    /// Bold.
    pub(crate) bold: bool,
    /// Italic.
    pub(crate) italic: bool,
    /// Marked yellow.
    pub(crate) marked: bool,
}

/// Text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Paragraph {
    /// How it looks.
    pub(crate) style: Style,
    /// What it says.
    pub(crate) runs: Vec<Run>,
}

impl Paragraph {
    /// Text of one look.
    #[must_use]
    pub(crate) fn new(style: Style, text: impl Into<String>) -> Paragraph {
        Paragraph { style, runs: vec![Run { text: text.into(), ..Run::default() }] }
    }

    /// Goes on plainly.
    #[must_use]
    pub(crate) fn then(self, text: impl Into<String>) -> Paragraph {
        self.run(Run { text: text.into(), ..Run::default() })
    }

    /// Goes on in bold.
    #[must_use]
    pub(crate) fn bold(self, text: impl Into<String>) -> Paragraph {
        self.run(Run { text: text.into(), bold: true, ..Run::default() })
    }

    /// Goes on in italics.
    #[must_use]
    pub(crate) fn italic(self, text: impl Into<String>) -> Paragraph {
        self.run(Run { text: text.into(), italic: true, ..Run::default() })
    }

    /// Goes on marked: somebody has to fill this in.
    #[must_use]
    pub(crate) fn marked(self, text: impl Into<String>) -> Paragraph {
        self.run(Run { text: text.into(), marked: true, ..Run::default() })
    }

    fn run(mut self, run: Run) -> Paragraph {
        self.runs.push(run);
        self
    }

    /// An empty one to begin with.
    #[must_use]
    pub(crate) fn of(style: Style) -> Paragraph {
        Paragraph { style, runs: Vec::new() }
    }
}

/// A cell of a table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Cell {
    /// What it holds; an empty one is empty.
    pub(crate) paragraphs: Vec<Paragraph>,
    /// How many columns it takes; 0 counts as 1.
    pub(crate) span: usize,
    /// The background, as `F2F2F2`.
    pub(crate) shade: Option<&'static str>,
}

impl Cell {
    /// One paragraph.
    #[must_use]
    pub(crate) fn new(style: Style, text: impl Into<String>) -> Cell {
        Cell { paragraphs: vec![Paragraph::new(style, text)], ..Cell::default() }
    }
}

/// Rows and columns.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Table {
    /// Width of each column in parts of the page's; they need not add up to anything.
    pub(crate) widths: Vec<u32>,
    /// How many rows stand again at the top of each page.
    pub(crate) heads: usize,
    /// Whether it has lines.
    pub(crate) lined: bool,
    /// Whether a row may go on over the end of a page.
    pub(crate) splits: bool,
    /// The rows.
    pub(crate) rows: Vec<Vec<Cell>>,
}

impl Table {
    /// A lined table under these headings.
    #[must_use]
    pub(crate) fn under(headings: &[&str], widths: &[u32]) -> Table {
        let head = |text: &&str| Cell { shade: Some("E7ECF3"), ..Cell::new(Style::CellHead, *text) };
        Table {
            widths: widths.to_vec(),
            heads: 1,
            lined: true,
            splits: false,
            rows: vec![headings.iter().map(head).collect()],
        }
    }
}

impl Document {
    /// Adds a part.
    pub(crate) fn push(&mut self, block: impl Into<Block>) {
        self.blocks.push(block.into());
    }

    /// The document as a `.docx` file.
    ///
    /// # Errors
    /// It is larger than the container's format can hold.
    pub(crate) fn write(&self) -> Result<Vec<u8>, DocxError> {
        package::write(self)
    }
}

impl From<Paragraph> for Block {
    fn from(paragraph: Paragraph) -> Block {
        Block::Paragraph(paragraph)
    }
}

impl From<Table> for Block {
    fn from(table: Table) -> Block {
        Block::Table(table)
    }
}

impl From<Chart> for Block {
    fn from(chart: Chart) -> Block {
        Block::Chart(chart)
    }
}

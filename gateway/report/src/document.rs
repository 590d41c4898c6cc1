//! A report as data: sections of notes, a table and perhaps a picture.

use crate::words::Words;
use serde_json::Value;

/// A cell of a table.
#[derive(Clone, Debug, PartialEq)]
pub enum Cell {
    /// Nothing, or not known.
    Empty,
    /// Words.
    Text(String),
    /// A whole number.
    Number(u64),
    /// A number with one decimal, in tenths.
    Tenths(i64),
    /// Words that call for somebody.
    Alarm(String),
}

impl Cell {
    /// As people read it.
    pub fn shown(&self) -> String {
        match self {
            Self::Empty => String::new(),
            Self::Text(text) | Self::Alarm(text) => text.clone(),
            Self::Number(n) => n.to_string(),
            Self::Tenths(n) => format!("{}{}.{}", sign(*n), n.abs() / 10, n.abs() % 10),
        }
    }

    pub(crate) fn value(&self) -> Value {
        match self {
            Self::Empty => Value::Null,
            Self::Text(text) | Self::Alarm(text) => text.as_str().into(),
            Self::Number(n) => (*n).into(),
            Self::Tenths(n) => (*n as f64 / 10.0).into(),
        }
    }

    /// Whether it is aligned as a number.
    pub(crate) fn is_number(&self) -> bool {
        matches!(self, Self::Number(_) | Self::Tenths(_))
    }
}

fn sign(n: i64) -> &'static str {
    if n < 0 { "-" } else { "" }
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        if text.is_empty() { Self::Empty } else { Self::Text(text.to_owned()) }
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        if text.is_empty() { Self::Empty } else { Self::Text(text) }
    }
}

impl From<u64> for Cell {
    fn from(n: u64) -> Self {
        Self::Number(n)
    }
}

impl<T: Into<Cell>> From<Option<T>> for Cell {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Empty, Into::into)
    }
}

/// One part of a document.
#[derive(Clone, Debug, PartialEq)]
pub struct Section {
    /// Stable name, as JSON and CSV have it.
    pub key: &'static str,
    /// Heading.
    pub title: String,
    /// Sentences before the table.
    pub notes: Vec<String>,
    /// Stable name and heading of each column.
    pub columns: Vec<(&'static str, String)>,
    /// As many cells a row as there are columns.
    pub rows: Vec<Vec<Cell>>,
    /// An SVG document.
    pub picture: Option<String>,
}

impl Section {
    /// An empty section with headings from the catalogue: `section-KEY` and `col-COLUMN`.
    pub(crate) fn new(words: Words, key: &'static str, columns: &[&'static str]) -> Self {
        let column = |name: &&'static str| (*name, words.say(&format!("col-{name}")));
        Self {
            key,
            title: words.say(&format!("section-{key}")),
            notes: Vec::new(),
            columns: columns.iter().map(column).collect(),
            rows: Vec::new(),
            picture: None,
        }
    }

    pub(crate) fn note(mut self, text: impl Into<String>) -> Self {
        self.notes.push(text.into());
        self
    }

    pub(crate) fn rows(mut self, rows: impl IntoIterator<Item = Vec<Cell>>) -> Self {
        self.rows.extend(rows);
        self
    }
}

/// A report.
#[derive(Clone, Debug, PartialEq)]
pub struct Document {
    /// Stable name, as the command line has it.
    pub kind: &'static str,
    /// Heading.
    pub title: String,
    /// The site.
    pub site: String,
    /// First and last day that it is about.
    pub span: (String, String),
    /// When it was made.
    pub made_at: String,
    /// Policy and law pack in force.
    pub policy: Option<String>,
    /// See `policy`.
    pub law_pack: Option<String>,
    /// What must be read with it.
    pub notes: Vec<String>,
    /// Its parts.
    pub sections: Vec<Section>,
}

impl Document {
    /// One JSON document; tables are arrays of objects under the sections' stable names.
    pub fn json(&self) -> String {
        crate::json::render(self)
    }

    /// Tables one after the other, the section's name in the first column. No cell is taken for a
    /// formula.
    pub fn csv(&self) -> String {
        crate::csv::render(self)
    }

    /// A page that needs nothing from outside.
    pub fn html(&self, words: Words) -> String {
        crate::html::render(self, words)
    }

    /// The first picture.
    pub fn svg(&self) -> Option<&str> {
        self.sections.iter().find_map(|section| section.picture.as_deref())
    }
}

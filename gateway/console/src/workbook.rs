//! Sheets as files: CSV, and XLSX written row by row so that thousands of people need no memory.
//! What a spreadsheet would take for a formula comes out as text.

use rust_xlsxwriter::{Format, Workbook, XlsxError};
use std::io::Write;

/// A cell.
#[derive(Clone, Copy)]
pub enum Cell<'a> {
    /// As it is, whatever it begins with.
    Text(&'a str),
    /// A number.
    Number(i64),
}

/// Takes rows one by one.
pub trait Table {
    /// The next row.
    fn row(&mut self, cells: &[Cell<'_>]) -> Result<(), TableError>;
}

/// Why a file cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum TableError {
    /// The spreadsheet's own limits, or the disk.
    #[error("the spreadsheet cannot be written: {0}")]
    Xlsx(#[from] XlsxError),
    /// Nowhere to put it.
    #[error("the file cannot be written: {0}")]
    Io(#[from] std::io::Error),
    /// The writer failed.
    #[error("the table cannot be written: {0}")]
    Csv(#[from] csv::Error),
}

/// CSV in UTF-8 with a mark, so that spreadsheets read names as they are.
pub(crate) struct CsvTable(csv::Writer<Vec<u8>>);

impl CsvTable {
    pub(crate) fn new() -> Self {
        Self(
            csv::WriterBuilder::new()
                .terminator(csv::Terminator::CRLF)
                .from_writer("\u{feff}".into()),
        )
    }

    pub(crate) fn finish(self) -> Vec<u8> {
        self.0.into_inner().unwrap_or_default()
    }
}

impl Table for CsvTable {
    fn row(&mut self, cells: &[Cell<'_>]) -> Result<(), TableError> {
        for cell in cells {
            match cell {
                Cell::Text(text) => self.0.write_field(inert(text))?,
                Cell::Number(number) => self.0.write_field(number.to_string())?,
            }
        }
        Ok(self.0.write_record(None::<&[u8]>)?)
    }
}

/// The text with an apostrophe before it where a spreadsheet would compute it.
fn inert(text: &str) -> String {
    let computes = text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠']);
    if computes { format!("'{text}") } else { text.to_owned() }
}

/// How hard the file is packed, 1 to 9: what more would save in size costs a month of thousands of
/// people a second.
const PACKED: u8 = 1;

/// A workbook of one sheet.
pub struct XlsxTable {
    book: Workbook,
    next: u32,
    head: Format,
}

impl XlsxTable {
    /// With a first row that stays in sight.
    pub fn new(name: &str) -> Result<Self, TableError> {
        let mut book = Workbook::new();
        book.set_zip_compression_level(PACKED);
        let sheet = book.add_worksheet_with_constant_memory()?;
        sheet.set_name(sheet_name(name))?.set_freeze_panes(1, 0)?;
        sheet.set_column_width(1, 24)?;
        Ok(Self { book, next: 0, head: Format::new().set_bold() })
    }

    /// Writes the file.
    pub fn finish(mut self, out: impl Write + Send) -> Result<(), TableError> {
        Ok(self.book.save_to_writer(out)?)
    }
}

impl Table for XlsxTable {
    fn row(&mut self, cells: &[Cell<'_>]) -> Result<(), TableError> {
        let sheet = self.book.worksheet_from_index(0)?;
        for (column, cell) in (0u16..).zip(cells) {
            match cell {
                // Never `write`, which would take a text that begins with `=` for a formula.
                Cell::Text(text) if self.next == 0 => {
                    sheet.write_string_with_format(self.next, column, plain(text), &self.head)?;
                }
                Cell::Text(text) => {
                    sheet.write_string(self.next, column, plain(text))?;
                }
                Cell::Number(number) => {
                    sheet.write_number(self.next, column, *number as f64)?;
                }
            }
        }
        self.next += 1;
        Ok(())
    }
}

/// A text that XML and the format's 32,767 characters can hold.
fn plain(text: &str) -> String {
    let kept = |c: &char| !c.is_control() || matches!(c, '\t' | '\n' | '\r');
    text.chars().filter(kept).take(32_000).collect()
}

/// At most 31 characters and none that names of sheets may not have.
fn sheet_name(name: &str) -> String {
    let fits = |c: &char| !matches!(c, '[' | ']' | ':' | '*' | '?' | '/' | '\\' | '\'');
    name.chars().filter(fits).take(31).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NASTY: [&str; 7] = ["=HYPERLINK(\"x\")", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "＝1"];

    #[test]
    fn nothing_in_a_csv_computes() {
        let mut table = CsvTable::new();
        for text in NASTY.into_iter().chain(["Ana \"B\", O'Neil", "何美\u{202e}", "a\r\nb"]) {
            table.row(&[Cell::Text(text), Cell::Number(-5)]).expect("a row");
        }
        let bytes = table.finish();
        let text = std::str::from_utf8(&bytes).expect("UTF-8");
        let mut reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .from_reader(text.trim_start_matches('\u{feff}').as_bytes());
        let cells: Vec<String> =
            reader.records().map(|row| row.expect("a row")[0].to_owned()).collect();
        for (cell, nasty) in cells.iter().zip(NASTY) {
            assert_eq!(cell, &format!("'{nasty}"));
        }
        assert_eq!(&cells[NASTY.len()..], ["Ana \"B\", O'Neil", "何美\u{202e}", "a\r\nb"]);
    }

    #[test]
    fn nothing_in_a_workbook_computes() {
        let mut table = XlsxTable::new("a/b:c").expect("a workbook");
        for text in NASTY {
            table.row(&[Cell::Text(text), Cell::Number(5)]).expect("a row");
        }
        let mut bytes = Vec::new();
        table.finish(&mut bytes).expect("a file");
        let sheet = entry(&bytes, "xl/worksheets/sheet1.xml");
        assert_eq!(sheet.matches("t=\"inlineStr\"").count(), NASTY.len(), "{sheet}");
        assert!(sheet.contains("=HYPERLINK(&quot;x&quot;)") || sheet.contains("=HYPERLINK(\"x\")"));
        assert!(!sheet.contains("<f>") && !sheet.contains("<f "), "{sheet}");
    }

    /// An entry of a ZIP file, by its central directory.
    fn entry(bytes: &[u8], name: &str) -> String {
        let number = |at: usize, size: usize| {
            let field = bytes.get(at..at + size).expect("a field");
            field.iter().rev().fold(0usize, |n, byte| n << 8 | usize::from(*byte))
        };
        let at = |at: usize| {
            let is = bytes.get(at..at + 4) == Some(b"PK\x01\x02")
                && bytes.get(at + 46..at + 46 + name.len()) == Some(name.as_bytes());
            is.then(|| (number(at + 20, 4), number(at + 42, 4)))
        };
        let (size, local) = (0..bytes.len()).find_map(at).expect("an entry");
        let from = local + 30 + number(local + 26, 2) + number(local + 28, 2);
        let packed = bytes.get(from..from + size).expect("its bytes");
        let mut text = String::new();
        let mut reader = flate2::read::DeflateDecoder::new(packed);
        std::io::Read::read_to_string(&mut reader, &mut text).expect("text");
        text
    }
}

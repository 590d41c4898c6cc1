//! Sheets as files: CSV and XLSX, written row by row to a file without a name, so that a million
//! rows need no memory. What a spreadsheet would take for a formula comes out as text.

mod xlsx;

pub use xlsx::XlsxTable;

use std::borrow::Cow;
use std::fs::File;
use std::io::{self, BufWriter, Seek as _, Write as _};

/// A cell.
#[derive(Clone, Copy)]
pub enum Cell<'a> {
    /// As it is, whatever it begins with.
    Text(&'a str),
    /// A number.
    Number(i64),
}

/// Takes rows one by one.
pub trait Table: Sized {
    /// The next row.
    fn row(&mut self, cells: &[Cell<'_>]) -> Result<(), TableError>;

    /// The file, whole, to be read from its start.
    fn finish(self) -> Result<File, TableError>;
}

/// Why a file cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum TableError {
    /// More than a sheet of a workbook holds.
    #[error("a sheet of a workbook has at most {rows} rows and {columns} columns here", rows = xlsx::MAX_ROWS, columns = xlsx::MAX_COLUMNS)]
    Full,
    /// The archive that a workbook is cannot be written.
    #[error("the workbook cannot be written: {0}")]
    Zip(#[from] zip::result::ZipError),
    /// Nowhere to put it.
    #[error("the file cannot be written: {0}")]
    Io(#[from] io::Error),
    /// The writer failed.
    #[error("the table cannot be written: {0}")]
    Csv(#[from] csv::Error),
}

/// CSV in UTF-8 with a mark, so that spreadsheets read names as they are.
pub(crate) struct CsvTable(csv::Writer<BufWriter<File>>);

impl CsvTable {
    pub(crate) fn new() -> Result<Self, TableError> {
        let mut file = BufWriter::new(tempfile::tempfile()?);
        file.write_all("\u{feff}".as_bytes())?;
        Ok(Self(csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(file)))
    }
}

impl Table for CsvTable {
    fn row(&mut self, cells: &[Cell<'_>]) -> Result<(), TableError> {
        for cell in cells {
            match cell {
                Cell::Text(text) => self.0.write_field(inert(text).as_ref())?,
                Cell::Number(number) => self.0.write_field(number.to_string())?,
            }
        }
        Ok(self.0.write_record(None::<&[u8]>)?)
    }

    fn finish(self) -> Result<File, TableError> {
        let file = self.0.into_inner().map_err(|error| error.into_error())?;
        whole(file)
    }
}

/// What was written, to be read from its start.
fn whole(file: BufWriter<File>) -> Result<File, TableError> {
    let mut file = file.into_inner().map_err(|error| error.into_error())?;
    file.rewind()?;
    Ok(file)
}

/// The text with an apostrophe before it where a spreadsheet would compute it.
fn inert(text: &str) -> Cow<'_, str> {
    let computes = text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠']);
    if computes { format!("'{text}").into() } else { text.into() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read as _;

    pub(super) const NASTY: [&str; 7] =
        ["=HYPERLINK(\"x\")", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "＝1"];

    #[test]
    fn nothing_in_a_csv_computes() {
        let mut table = CsvTable::new().expect("a table");
        for text in NASTY.into_iter().chain(["Ana \"B\", O'Neil", "何美\u{202e}", "a\r\nb"]) {
            table.row(&[Cell::Text(text), Cell::Number(-5)]).expect("a row");
        }
        let mut text = String::new();
        table.finish().expect("a file").read_to_string(&mut text).expect("UTF-8");
        let mut reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .from_reader(text.strip_prefix('\u{feff}').expect("a mark").as_bytes());
        let cells: Vec<String> =
            reader.records().map(|row| row.expect("a row")[0].to_owned()).collect();
        for (cell, nasty) in cells.iter().zip(NASTY) {
            assert_eq!(cell, &format!("'{nasty}"));
        }
        assert_eq!(&cells[NASTY.len()..], ["Ana \"B\", O'Neil", "何美\u{202e}", "a\r\nb"]);
    }
}

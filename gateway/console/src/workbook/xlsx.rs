//! A workbook of one sheet (ECMA-376, SpreadsheetML): a ZIP archive of a few fixed parts and one that
//! grows row by row. Texts are inline strings, never formulas; decision 18 says why no library
//! writes them.

use super::{Cell, Table, TableError, whole};
use std::fs::File;
use std::io::{BufWriter, Write as _};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

/// Rows that a sheet may have (ECMA-376, as spreadsheets hold to it).
pub(super) const MAX_ROWS: u32 = 1_048_576;
/// Columns with a name of one letter; no table here has as many.
pub(super) const MAX_COLUMNS: usize = 26;
/// UTF-16 units that a cell may hold, less a few.
const MAX_UNITS: usize = 32_000;
/// Bytes of XML from which they are packed.
const PENDING: usize = 64 << 10;
/// How hard the file is packed, 1 to 9: what more would save in size costs a month of thousands of
/// people a second.
const PACKED: i64 = 1;

const TYPES: &str = include_str!("types.xml");
const ROOT: &str = include_str!("root.rels.xml");
const BOOK: &str = include_str!("book.xml");
const PARTS: &str = include_str!("book.rels.xml");
const STYLES: &str = include_str!("styles.xml");
/// Up to the first row: the first stays in sight, the second column is wider.
const SHEET: &str = include_str!("sheet.xml");
const SHEET_END: &str = "</sheetData></worksheet>";

/// A workbook of one sheet.
pub struct XlsxTable {
    zip: ZipWriter<BufWriter<File>>,
    /// What is to be packed next.
    xml: Vec<u8>,
    rows: u32,
}

impl XlsxTable {
    /// With a first row that is bold and stays in sight.
    pub fn new(name: &str) -> Result<Self, TableError> {
        let mut zip = ZipWriter::new(BufWriter::new(tempfile::tempfile()?));
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Deflated)
            .compression_level(Some(PACKED));
        let mut escaped = Vec::new();
        push_text(&mut escaped, &sheet_name(name));
        let book = BOOK.replace("NAME", &String::from_utf8_lossy(&escaped));
        for (part, text) in [
            ("[Content_Types].xml", TYPES),
            ("_rels/.rels", ROOT),
            ("xl/workbook.xml", &book),
            ("xl/_rels/workbook.xml.rels", PARTS),
            ("xl/styles.xml", STYLES),
        ] {
            zip.start_file(part, options)?;
            zip.write_all(text.trim_end().as_bytes())?;
        }
        zip.start_file("xl/worksheets/sheet1.xml", options)?;
        Ok(Self { zip, xml: SHEET.trim_end().into(), rows: 0 })
    }
}

impl Table for XlsxTable {
    fn row(&mut self, cells: &[Cell<'_>]) -> Result<(), TableError> {
        if self.rows >= MAX_ROWS || cells.len() > MAX_COLUMNS {
            return Err(TableError::Full);
        }
        self.rows += 1;
        let (xml, row) = (&mut self.xml, self.rows.to_string());
        let style = if self.rows == 1 { "\" s=\"1\"" } else { "\"" };
        push(xml, &["<row r=\"", &row, "\">"]);
        for (column, cell) in (b'A'..=b'Z').zip(cells) {
            if matches!(cell, Cell::Text("")) {
                continue;
            }
            xml.extend_from_slice(b"<c r=\"");
            xml.push(column);
            push(xml, &[&row, style]);
            match cell {
                Cell::Number(number) => write!(xml, "><v>{number}</v></c>")?,
                Cell::Text(text) => {
                    let space = text.starts_with(char::is_whitespace)
                        || text.ends_with(char::is_whitespace);
                    let space = if space { " xml:space=\"preserve\"" } else { "" };
                    push(xml, &[" t=\"inlineStr\"><is><t", space, ">"]);
                    push_text(xml, text);
                    push(xml, &["</t></is></c>"]);
                }
            }
        }
        push(xml, &["</row>"]);
        if self.xml.len() >= PENDING {
            self.zip.write_all(&self.xml)?;
            self.xml.clear();
        }
        Ok(())
    }

    fn finish(mut self) -> Result<File, TableError> {
        push(&mut self.xml, &[SHEET_END]);
        self.zip.write_all(&self.xml)?;
        whole(self.zip.finish()?)
    }
}

fn push(xml: &mut Vec<u8>, texts: &[&str]) {
    texts.iter().for_each(|text| xml.extend_from_slice(text.as_bytes()));
}

/// The text as the content of an element or of an attribute in double quotes.
fn push_text(xml: &mut Vec<u8>, text: &str) {
    let is_plain = |b: u8| b >= b' ' && !matches!(b, b'&' | b'<' | b'>' | b'"' | b'_' | 0x7F..);
    if text.len() <= MAX_UNITS && text.bytes().all(is_plain) {
        return push(xml, &[text]);
    }
    let mut units = 0;
    for (at, c) in text.char_indices() {
        units += c.len_utf16();
        if units > MAX_UNITS {
            break;
        }
        match c {
            '&' => push(xml, &["&amp;"]),
            '<' => push(xml, &["&lt;"]),
            '>' => push(xml, &["&gt;"]),
            '"' => push(xml, &["&quot;"]),
            // Would be read as a line feed.
            '\r' => push(xml, &["&#13;"]),
            '_' if is_escape(text.get(at..at + 7)) => push(xml, &["_x005F_"]),
            '\t' | '\n' => push(xml, &[c.encode_utf8(&mut [0; 4])]),
            // XML has no place for them.
            '\u{FFFE}' | '\u{FFFF}' => {}
            c if c.is_control() => {}
            c => push(xml, &[c.encode_utf8(&mut [0; 4])]),
        }
    }
}

/// Whether spreadsheets take this for another character: `_x000D_`.
fn is_escape(text: Option<&str>) -> bool {
    let digits = text.and_then(|text| text.strip_prefix("_x")?.strip_suffix('_'));
    digits.is_some_and(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()))
}

/// At most 31 characters and none that names of sheets may not have.
fn sheet_name(name: &str) -> String {
    let fits = |c: &char| !matches!(c, '[' | ']' | ':' | '*' | '?' | '/' | '\\' | '\'');
    name.chars().filter(fits).take(31).collect()
}

#[cfg(test)]
mod tests {
    use super::super::tests::NASTY;
    use super::*;
    use calamine::{Data, Reader as _, Xlsx};
    use std::io::{BufReader, Read as _};

    fn written(rows: &[&[Cell<'_>]]) -> File {
        let mut table = XlsxTable::new("a/b:c <&> \"d\"").expect("a workbook");
        rows.iter().for_each(|row| table.row(row).expect("a row"));
        table.finish().expect("a file")
    }

    /// The texts of the first column, as another program reads them.
    fn read(file: File) -> (Vec<String>, Vec<Vec<Data>>) {
        let mut book = Xlsx::new(BufReader::new(file)).expect("a workbook");
        let sheet = book.worksheet_range_at(0).expect("a sheet").expect("readable");
        (book.sheet_names(), sheet.rows().map(<[Data]>::to_vec).collect())
    }

    fn entry(file: File, name: &str) -> String {
        let mut zip = zip::ZipArchive::new(file).expect("an archive");
        let mut text = String::new();
        zip.by_name(name).expect("a part").read_to_string(&mut text).expect("text");
        text
    }

    #[test]
    fn nothing_in_a_workbook_computes() {
        let rows = NASTY.map(|text| [Cell::Text(text), Cell::Number(5)]);
        let rows: Vec<&[Cell<'_>]> = rows.iter().map(|row| row.as_slice()).collect();
        let sheet = entry(written(&rows), "xl/worksheets/sheet1.xml");
        assert_eq!(sheet.matches("t=\"inlineStr\"").count(), NASTY.len(), "{sheet}");
        assert!(!sheet.contains("<f"), "{sheet}");
        let (_, read) = read(written(&rows));
        for (row, nasty) in read.iter().zip(NASTY) {
            assert_eq!(row, &[Data::String(nasty.to_owned()), Data::Float(5.0)]);
        }
    }

    #[test]
    fn another_program_reads_what_was_written() {
        let long = "長".repeat(MAX_UNITS + 9);
        let texts = [
            ("", ""),
            ("  a <b> & \"c\" \u{202e}何美 ", "  a <b> & \"c\" \u{202e}何美 "),
            ("one\ntwo", "one\ntwo"),
            ("bell\u{7}\u{85}\u{FFFF}.", "bell."),
            ("👩‍🍳 ]]>", "👩‍🍳 ]]>"),
            (&long, &long[..3 * MAX_UNITS]),
        ];
        let rows = texts.map(|(text, _)| [Cell::Text(text), Cell::Number(i64::from(i32::MIN))]);
        let rows: Vec<&[Cell<'_>]> = rows.iter().map(|row| row.as_slice()).collect();
        let (names, read) = read(written(&rows));
        assert_eq!(names, ["abc <&> \"d\""]);
        assert_eq!(read.len(), texts.len());
        for (row, (_, expect)) in read.iter().zip(texts) {
            assert_eq!(row[0].to_string(), expect);
            assert_eq!(row[1], Data::Float(f64::from(i32::MIN)));
        }
    }

    #[test]
    fn what_looks_like_an_escape_is_a_text() {
        let check = |text: &str, expect: &str| {
            let mut xml = Vec::new();
            push_text(&mut xml, text);
            assert_eq!(String::from_utf8_lossy(&xml), expect);
        };
        check("_x000D_", "_x005F_x000D_");
        // One underscore may end one and begin the next.
        check("a_x000d_x000d_", "a_x005F_x000d_x005F_x000d_");
        check("_x00_ _x何_", "_x00_ _x何_");
        check("\r", "&#13;");
    }

    #[test]
    fn the_first_row_is_bold_and_stays_in_sight() {
        let sheet = entry(
            written(&[&[Cell::Text("person")], &[Cell::Number(1)]]),
            "xl/worksheets/sheet1.xml",
        );
        assert!(sheet.contains("<c r=\"A1\" s=\"1\" t=\"inlineStr\">"), "{sheet}");
        assert!(sheet.contains("<c r=\"A2\"><v>1</v></c>"), "{sheet}");
        assert!(sheet.contains("state=\"frozen\""), "{sheet}");
    }

    #[test]
    fn too_much_is_refused() {
        let mut table = XlsxTable::new("x").expect("a workbook");
        assert!(matches!(table.row(&[Cell::Number(1); 27]), Err(TableError::Full)));
        table.row(&[Cell::Number(1); 26]).expect("a row");
        table.rows = MAX_ROWS;
        assert!(matches!(table.row(&[]), Err(TableError::Full)));
    }
}

//! `muster records`: attendance as the page shows it, as JSON, CSV or XLSX.

use crate::cli::{Format, RecordsArgs};
use crate::control::{self, Request};
use crate::exit::Outcome;
use muster_console::{Cell, Table as _, XlsxTable};
use serde_json::Value;
use std::io;
use std::process::ExitCode;

const COLUMNS: [&str; 14] = [
    "id",
    "device",
    "boot",
    "seq",
    "person",
    "name",
    "at",
    "received",
    "method",
    "outcome",
    "direction",
    "state",
    "destination",
    "reasons",
];

pub(super) fn records(args: &RecordsArgs) -> Outcome {
    let config = super::load(&args.at)?;
    let request = Request::Records { from: args.from, to: args.to };
    let out = io::BufWriter::new(io::stdout());
    let runtime = super::small_runtime(&config)?;
    match args.format.unwrap_or(Format::Json) {
        Format::Json => runtime.block_on(json(&config, request, out))?,
        Format::Csv => runtime.block_on(table(&config, request, out))?,
        Format::Xlsx => runtime.block_on(workbook(&config, request, out))?,
    }
    Ok(ExitCode::SUCCESS)
}

async fn json(
    config: &crate::config::Config,
    request: Request,
    mut out: impl io::Write,
) -> Result<(), crate::exit::Failure> {
    let mut first = true;
    let write = |row: Value| {
        out.write_all(if std::mem::take(&mut first) { b"[\n" } else { b",\n" })?;
        Ok(serde_json::to_writer(&mut out, &row)?)
    };
    control::call_streaming(config, request, write).await?;
    out.write_all(if first { b"[]\n" } else { b"\n]\n" })?;
    Ok(out.flush()?)
}

async fn table(
    config: &crate::config::Config,
    request: Request,
    out: impl io::Write,
) -> Result<(), crate::exit::Failure> {
    let mut csv = csv::Writer::from_writer(out);
    csv.write_record(COLUMNS).map_err(anyhow::Error::from)?;
    let write = |row: Value| Ok(csv.write_record(COLUMNS.map(|column| cell(&row[column])))?);
    control::call_streaming(config, request, write).await?;
    Ok(csv.flush()?)
}

/// One sheet of a workbook, row by row; a text is a text, whatever it begins with.
async fn workbook(
    config: &crate::config::Config,
    request: Request,
    mut out: impl io::Write + Send,
) -> Result<(), crate::exit::Failure> {
    let mut table = XlsxTable::new("records").map_err(anyhow::Error::from)?;
    table.row(&COLUMNS.map(Cell::Text)).map_err(anyhow::Error::from)?;
    let write = |row: Value| {
        let texts = COLUMNS.map(|column| text(&row[column]));
        let cells = texts.iter().map(|text| Cell::Text(text));
        let full = |error| {
            io::Error::other(format!(
                "{error}; ask for fewer days with --from and --to, or for CSV"
            ))
        };
        table.row(&cells.collect::<Vec<_>>()).map_err(full)
    };
    control::call_streaming(config, request, write).await?;
    let mut file = table.finish().map_err(anyhow::Error::from)?;
    io::copy(&mut file, &mut out)?;
    Ok(out.flush()?)
}

/// Prints rows as CSV.
pub(super) fn csv(rows: &[Value]) -> Outcome {
    write_csv(rows, io::stdout().lock())?;
    Ok(ExitCode::SUCCESS)
}

/// Records as a table, to wherever it goes.
pub(crate) fn write_csv(rows: &[Value], to: impl io::Write) -> anyhow::Result<()> {
    let mut csv = csv::Writer::from_writer(to);
    csv.write_record(COLUMNS)?;
    for row in rows {
        csv.write_record(COLUMNS.map(|column| cell(&row[column])))?;
    }
    Ok(csv.flush()?)
}

/// A value as a text.
fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" "),
        other => other.to_string(),
    }
}

/// A value as a cell that no spreadsheet takes for a formula.
fn cell(value: &Value) -> String {
    let text = text(value);
    match text.chars().next() {
        Some('=' | '+' | '-' | '@' | '\t' | '\r') => format!("'{text}"),
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn cells_are_text() {
        let check = |value: Value, expect: &str| assert_eq!(cell(&value), expect);
        check(json!("=1+1"), "'=1+1");
        check(json!("@x"), "'@x");
        check(json!("\tx"), "'\tx");
        check(json!("陳"), "陳");
        check(json!(null), "");
        check(json!(["I-02", "I-05-SIGN"]), "I-02 I-05-SIGN");
        check(json!(7), "7");
    }
}

//! `muster person`: import, show, map.

use crate::cli::PersonCommand;
use crate::control::Request;
use crate::exit::{self, Failure, Outcome};
use anyhow::{anyhow, bail};
use muster_ledger::PersonProfile;
use serde_json::Value;
use std::path::Path;

/// Columns an import may have; `person` and `name` must be there.
const COLUMNS: [&str; 9] = [
    "person",
    "name",
    "department",
    "category",
    "age_band",
    "employment_law",
    "account_class",
    "platform_user_id",
    "basis",
];
/// Rows of one import.
const MAX_ROWS: usize = 200_000;

pub(super) fn person(command: PersonCommand) -> Outcome {
    match command {
        PersonCommand::Import { file, at } => {
            let people = read(&file).map_err(|e| Failure::new(exit::DATA, e))?;
            let done = super::ask(&at, Request::PersonImport { people })?.result;
            super::print_lines([format!(
                "{} added, {} updated, {} unchanged",
                done["added"], done["updated"], done["unchanged"]
            )])
        }
        PersonCommand::Show { id, json, at } => {
            let answer = super::ask(&at, Request::PersonShow { id })?;
            let shown = serde_json::json!({ "person": answer.result, "records": answer.rows });
            if json { super::print_json(&shown) } else { show(&shown) }
        }
        PersonCommand::Map { device, number, id, at } => {
            super::ask(&at, Request::PersonMap { device, number, id })?;
            super::print_lines(["mapped; their punches are judged again"])
        }
    }
}

fn show(shown: &Value) -> Outcome {
    let profile = shown["person"].as_object().into_iter().flatten();
    let lines = profile.filter(|(_, value)| !value.is_null()).map(|(key, value)| {
        let value = value.as_str().map_or_else(|| value.to_string(), super::plain);
        format!("{key:<18} {value}")
    });
    let records = shown["records"].as_array().map_or(0, Vec::len);
    super::print_lines(lines.chain([format!("{:<18} {records}", "records, last year")]))
}

/// Reads an import; the first problem names its line and column.
fn read(file: &Path) -> anyhow::Result<Vec<PersonProfile>> {
    let mut reader = csv::ReaderBuilder::new()
        .from_path(file)
        .map_err(|e| anyhow!("cannot read {}: {e}", file.display()))?;
    let mut headers = reader.headers()?.clone();
    // A byte-order mark is how spreadsheets say UTF-8.
    if let Some(first) = headers.get(0).and_then(|h| h.strip_prefix('\u{feff}')).map(str::to_owned)
    {
        let rest = headers.iter().skip(1).map(str::to_owned);
        headers = std::iter::once(first).chain(rest).collect();
    }
    columns(&headers)?;
    let mut people = Vec::new();
    for (index, row) in reader.records().enumerate() {
        let row =
            row.map_err(|e| anyhow!("{}: {e}; save the file as UTF-8 CSV", file.display()))?;
        if index >= MAX_ROWS {
            bail!("more than {MAX_ROWS} rows; split the file");
        }
        people.push(profile(&headers, &row));
    }
    Ok(people)
}

fn columns(headers: &csv::StringRecord) -> anyhow::Result<()> {
    if let Some(unknown) = headers.iter().find(|h| !COLUMNS.contains(h)) {
        let unknown = super::plain(unknown);
        bail!("unknown column {unknown:?}; columns are {}", COLUMNS.join(","));
    }
    for needed in &COLUMNS[..2] {
        if !headers.iter().any(|h| h == *needed) {
            bail!("column {needed:?} is missing; person and name must be there");
        }
    }
    Ok(())
}

fn profile(headers: &csv::StringRecord, row: &csv::StringRecord) -> PersonProfile {
    let mut profile = PersonProfile::default();
    for (column, cell) in headers.iter().zip(row) {
        let given = || (!cell.is_empty()).then(|| cell.to_owned());
        match column {
            "person" => profile.person = cell.to_owned(),
            "name" => profile.name = given(),
            "department" => profile.department = given(),
            "category" => profile.category = given(),
            "age_band" => profile.age_band = given(),
            "employment_law" => {
                let laws = cell.split([';', ' ', '|', '+']).filter(|law| !law.is_empty());
                profile.employment_law = laws.map(str::to_owned).collect();
            }
            "account_class" => profile.account_class = given(),
            "platform_user_id" => profile.platform_user_id = given(),
            "basis" => profile.basis = given(),
            _ => {}
        }
    }
    profile
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;

    fn check(text: &[u8], expect: Result<&[&str], &str>) {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(text).unwrap();
        let got = read(file.path());
        match (&got, expect) {
            (Ok(people), Ok(names)) => {
                let got: Vec<_> = people.iter().filter_map(|p| p.name.as_deref()).collect();
                assert_eq!(got, names);
            }
            (Err(error), Err(part)) => {
                assert!(error.to_string().contains(part), "{error}");
            }
            (got, _) => panic!("{:?}: {}", String::from_utf8_lossy(text), got.is_ok()),
        }
    }

    #[test]
    fn imports_are_read_or_refused_by_name() {
        check("person,name\n001,陳大文\n".as_bytes(), Ok(&["陳大文"]));
        check("\u{feff}person,name\n001,A\n".as_bytes(), Ok(&["A"]));
        check(b"person,name\n001,\"=cmd, x\"\n", Ok(&["=cmd, x"]));
        check(b"person,nick\n", Err("unknown column \"nick\""));
        check(b"person\n", Err("\"name\" is missing"));
        check(b"person,name\n\xff\xfe,a\n", Err("UTF-8"));
        check(b"person,name\n1,a,b\n", Err(""));
    }
}

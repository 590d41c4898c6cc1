//! People as a table: read line by line, in the encodings that spreadsheets of this region write. A
//! file with any problem imports nobody; every problem is told with its line and column, in the
//! language of the terminal, and never the value.

use crate::words::{fill, say};
use muster_console::{EncodingError, decode};
use muster_ledger::{PersonProfile, ProfileProblem};
use std::collections::HashMap;
use std::io::Read as _;
use std::path::Path;

/// Columns an import may have; the first [`NEEDED`] must be there.
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
const NEEDED: usize = 2;
/// Rows of one import.
const MAX_ROWS: usize = 200_000;
/// Bytes of one file.
const MAX_BYTES: u64 = 64 << 20;
/// Problems that are told; the rest are counted.
const MAX_PROBLEMS: usize = 20;

/// Everything that is wrong with a file, a line each.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct TableError(String);

/// Reads an import. `encoding` is `auto`, `utf-8`, `gb18030` or `big5`.
pub(super) fn read(file: &Path, encoding: &str) -> Result<Vec<PersonProfile>, TableError> {
    let name = file.display().to_string();
    let unread = |error: std::io::Error| {
        TableError(fill("import-unread", &[("file", &name), ("why", &error.to_string())]))
    };
    let mut bytes = Vec::new();
    let open = std::fs::File::open(file).map_err(unread)?;
    open.take(MAX_BYTES + 1).read_to_end(&mut bytes).map_err(unread)?;
    let problems = if bytes.len() as u64 > MAX_BYTES {
        vec![many()]
    } else {
        match table(&bytes, encoding) {
            Ok(people) => return Ok(people),
            Err(problems) => problems,
        }
    };
    Err(TableError(told(&name, &problems)))
}

fn many() -> String {
    fill("import-too-many", &[("max", &MAX_ROWS.to_string())])
}

fn told(file: &str, problems: &[String]) -> String {
    let mut lines = vec![fill("import-nothing", &[("file", file)])];
    lines.extend(problems.iter().take(MAX_PROBLEMS).map(|problem| format!("  {problem}")));
    let rest = problems.len().saturating_sub(MAX_PROBLEMS);
    lines.extend((rest > 0).then(|| fill("import-more", &[("count", &rest.to_string())])));
    lines.join("\n")
}

fn table(bytes: &[u8], encoding: &str) -> Result<Vec<PersonProfile>, Vec<String>> {
    let text = decode(bytes, encoding).map_err(|error| vec![unreadable(error, encoding)])?;
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(text.as_bytes());
    let headers = reader.headers().map_err(|_| vec![say("import-no-table")])?.clone();
    columns(&headers).map_err(|problem| vec![problem])?;
    let (mut people, mut problems) = (Vec::new(), Vec::new());
    let mut lines: HashMap<String, u64> = HashMap::new();
    for (index, row) in reader.records().enumerate() {
        if index >= MAX_ROWS {
            return Err(vec![many()]);
        }
        let Ok(row) = row else { return Err(vec![say("import-no-table")]) };
        let line = row.position().map_or(0, |position| position.line());
        let of = |key: &str| fill(key, &[("line", &line.to_string())]);
        if row.len() != headers.len() {
            problems.push(of("import-cells"));
            continue;
        }
        let profile = profile(&headers, &row).normalise();
        problems.extend(profile.problems().iter().map(|one| wrong(one, &line.to_string())));
        problems.extend(profile.name.is_none().then(|| of("import-name")));
        if let Some(first) = lines.insert(profile.person.clone(), line) {
            let values = [("line", &*line.to_string()), ("first", &first.to_string())];
            problems.push(fill("import-same", &values));
        }
        people.push(profile);
    }
    if problems.is_empty() { Ok(people) } else { Err(problems) }
}

fn unreadable(error: EncodingError, encoding: &str) -> String {
    match error {
        EncodingError::Wrong => fill("import-encoding-wrong", &[("encoding", encoding)]),
        EncodingError::NoText => say("import-no-text"),
        EncodingError::Two => say("import-encoding-two"),
        EncodingError::Unknown => say("import-encoding-unknown"),
    }
}

fn columns(headers: &csv::StringRecord) -> Result<(), String> {
    if let Some(unknown) = headers.iter().find(|name| !COLUMNS.contains(name)) {
        let (unknown, known) = (super::plain(unknown), COLUMNS.join(","));
        return Err(fill("import-column-unknown", &[("column", &unknown), ("known", &known)]));
    }
    let count = |name: &str| headers.iter().filter(|header| *header == name).count();
    if let Some(twice) = COLUMNS.iter().find(|name| count(name) > 1) {
        return Err(fill("import-column-twice", &[("column", twice)]));
    }
    match COLUMNS.iter().take(NEEDED).find(|name| count(name) == 0) {
        Some(missing) => Err(fill("import-column-missing", &[("column", missing)])),
        None => Ok(()),
    }
}

/// What is wrong with a person's line.
fn wrong(problem: &ProfileProblem, line: &str) -> String {
    let told = |key: &str, more: &[(&str, &str)]| fill(key, &[&[("line", line)], more].concat());
    match problem {
        ProfileProblem::Number => told("import-number", &[]),
        ProfileProblem::Long(column, max) => {
            told("import-long", &[("column", column), ("max", &max.to_string())])
        }
        ProfileProblem::Word(column, words) => {
            told("import-word", &[("column", column), ("words", words)])
        }
        ProfileProblem::Laws(max) => told("import-laws", &[("max", &max.to_string())]),
        ProfileProblem::Law => told("import-law", &[]),
    }
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
    use crate::words::fill_in;
    use muster_residency::explain::Language;

    fn check(bytes: &[u8], encoding: &str, expect: Result<&[&str], &[&str]>) {
        let got = table(bytes, encoding);
        let got = got.as_ref().map(|people| {
            people.iter().filter_map(|person| person.name.as_deref()).collect::<Vec<_>>()
        });
        match (got, expect) {
            (Ok(got), Ok(names)) => assert_eq!(got, names),
            (Err(problems), Err(parts)) => {
                assert_eq!(problems.len(), parts.len(), "{problems:?}");
                for (problem, part) in problems.iter().zip(parts) {
                    assert!(problem.contains(part) && !problem.contains("SECRET"), "{problem}");
                }
            }
            (got, _) => panic!("{:?}: {got:?}", String::from_utf8_lossy(bytes)),
        }
    }

    #[test]
    fn imports_are_read_or_refused_with_every_line() {
        let auto = |text: &str, expect: Result<&[&str], &[&str]>| {
            check(text.as_bytes(), "auto", expect);
        };
        auto("person,name\n001,陳大文\n", Ok(&["陳大文"]));
        auto("\u{feff}person,name\n001,A\n", Ok(&["A"]));
        auto("person,name\n001,\"=cmd, x\"\n", Ok(&["=cmd, x"]));
        auto("person,name\n001,\"<b>\u{202e}\n\"\n", Ok(&["<b>\u{202e}\n"]));
        auto("person,name\n", Ok(&[]));
        auto("person,nick\n", Err(&["nick"]));
        auto("person\n", Err(&["name"]));
        auto("", Err(&["person"]));
        auto("person,name,name\n", Err(&["twice"]));
        auto("person,name\n1,SECRET,b\n2\n3,C\n", Err(&["line 2", "line 3"]));
        auto("person,name\n,SECRET\n", Err(&["line 2"]));
        auto("person,name\n1, \n", Err(&["line 2: name"]));
        auto("person,name,category\n1,A,SECRET\n", Err(&["line 2: category: one of"]));
        auto("person,name,employment_law\n1,A,M0-SECRET\n", Err(&["line 2: employment_law"]));
        auto("person,name,basis\n,A,SECRET\n", Err(&["line 2: person", "line 2: basis"]));
        auto("person,name\n\"1\n2\",SECRET\n", Err(&["line 2"]));
        auto(&format!("person,name\n{},SECRET\n", "9".repeat(49)), Err(&["line 2"]));
        auto("person,name\n7,A\n8,B\n7,SECRET\n", Err(&["line 4: person: as in line 2"]));
    }

    #[test]
    fn encodings_are_told_apart_or_asked_for() {
        let (gb, big5): (&[u8], &[u8]) =
            (b"person,name\n1,\xd6\xd0\n", b"person,name\n1,\xa4\xa4\n");
        check(gb, "gb18030", Ok(&["中"]));
        check(big5, "big5", Ok(&["中"]));
        check(big5, "auto", Err(&["--encoding"]));
        check(gb, "utf-8", Err(&["utf-8"]));
        check(b"person,name\n1,\xff\xff\n", "auto", Err(&["UTF-8"]));
        check(b"person,name\n1,\0\n", "auto", Err(&["no text"]));
    }

    #[test]
    fn two_hundred_thousand_rows_are_read_and_more_are_refused() {
        let rows = |count: usize| {
            (0..count).fold("person,name\n".to_owned(), |text, n| text + &format!("{n},N\n"))
        };
        assert_eq!(
            table(rows(MAX_ROWS).as_bytes(), "auto").map(|people| people.len()),
            Ok(MAX_ROWS)
        );
        check(rows(MAX_ROWS + 1).as_bytes(), "auto", Err(&["200000"]));
    }

    #[test]
    fn problems_are_told_in_four_languages() {
        let values = [
            ("line", "3"),
            ("first", "2"),
            ("column", "nick"),
            ("known", "person"),
            ("words", "a, b"),
        ];
        let english = fill_in(Language::En, "import-same", &values);
        for language in Language::ALL {
            for key in ["import-same", "import-column-unknown", "import-number", "import-word"] {
                let told = fill_in(language, key, &values);
                assert!(told.contains('3') || told.contains("nick"), "{key} {told}");
                assert!(!told.contains('$'), "{key} {told}");
            }
            let told = fill_in(language, "import-same", &values);
            assert_eq!(told == english, language == Language::En, "{told}");
        }
    }
}

//! `deploy/evidence*.md` name tests that are there.

use super::{assert_none, read, root, sources};
use std::collections::BTreeSet;

/// Names between back-quotes.
fn named(text: &str) -> BTreeSet<&str> {
    let quoted = text.split('`').skip(1).step_by(2);
    quoted.filter(|name| !name.is_empty() && !name.contains(['/', '.', ' '])).collect()
}

/// The functions that a source has as tests, those that proptest writes among them: a function
/// right behind an attribute that ends in `test`, its own attributes between.
fn tests(source: &str) -> Vec<&str> {
    let (mut found, mut marked) = (Vec::new(), false);
    for line in source.lines().map(str::trim) {
        if line.starts_with("#[") || line.starts_with("///") {
            let attribute = line.trim_start_matches("#[").split(['(', ']']).next();
            marked |= line.starts_with("#[") && attribute.is_some_and(|a| a.ends_with("test"));
        } else {
            let function = line.split("fn ").nth(1).filter(|_| marked);
            found.extend(function.and_then(|name| name.split('(').next()));
            marked = false;
        }
    }
    found
}

/// The pages that name tests, by name.
fn pages() -> Vec<(String, String)> {
    let folder = root().join("deploy");
    let files = std::fs::read_dir(&folder).expect("the folder").flatten();
    let names = files.filter_map(|file| file.file_name().into_string().ok());
    let pages = names.filter(|name| name.starts_with("evidence") && name.ends_with(".md"));
    pages.map(|name| (name.clone(), read(&folder.join(name)))).collect()
}

/// Rows of a table, without its head.
fn rows(page: &str) -> impl Iterator<Item = &str> {
    let ruled = page.split("| --- |").skip(1);
    ruled.flat_map(|table| table.lines().skip(1).take_while(|line| line.starts_with('|')))
}

#[test]
fn every_promise_names_tests_that_are_there() {
    let sources = sources().into_iter().filter(|f| f.extension().is_some_and(|e| e == "rs"));
    let texts: Vec<String> = sources.map(|file| read(&file)).collect();
    let there: BTreeSet<&str> = texts.iter().flat_map(|text| tests(text)).collect();
    let pages = pages();
    assert!(pages.iter().any(|(name, _)| name == "evidence.md"), "{pages:?}");
    for (name, page) in &pages {
        let missing = named(page).into_iter().filter(|test| !there.contains(test));
        assert_none(missing.map(|test| format!("{name}: no test is called {test}")).collect());
        assert!(rows(page).next().is_some(), "{name} has no table");
        let bare = rows(page).filter(|row| !row.contains('`') && !row.contains(".md"));
        assert_none(bare.map(|row| format!("{name}: nothing shows {row}")).collect());
    }
}

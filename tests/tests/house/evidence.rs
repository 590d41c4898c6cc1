//! `deploy/evidence.md` names tests that are there.

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

#[test]
fn every_promise_names_tests_that_are_there() {
    let page = read(&root().join("deploy/evidence.md"));
    let sources = sources().into_iter().filter(|f| f.extension().is_some_and(|e| e == "rs"));
    let texts: Vec<String> = sources.map(|file| read(&file)).collect();
    let there: BTreeSet<&str> = texts.iter().flat_map(|text| tests(text)).collect();
    let missing = named(&page).into_iter().filter(|name| !there.contains(name));
    assert_none(missing.map(|name| format!("no test is called {name}")).collect());
    let rows = page.lines().filter(|line| line.starts_with("| R"));
    let bare = rows.filter(|row| !row.contains('`') && !row.contains(".md"));
    assert_none(bare.map(|row| format!("nothing shows {row}")).collect());
}

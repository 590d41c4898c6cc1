//! Which pages the tests here look at: each page of the console's table of routes has its pictures
//! and its check for people who cannot see or point.

use anyhow::{Result, ensure};
use std::collections::BTreeSet;

/// The table of routes, as the console has it.
const TABLE: &str =
    include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../gateway/console/src/access.rs"));
/// Everything that looks at pages.
const SOURCES: [&str; 8] = [
    include_str!("main.rs"),
    include_str!("stage.rs"),
    include_str!("guests.rs"),
    include_str!("enrolment.rs"),
    include_str!("governed.rs"),
    include_str!("pairing.rs"),
    include_str!("board.rs"),
    include_str!("signing.rs"),
];

/// Answers to GET that are no pages: files, streams, parts of pages, what leads on to another. What
/// programs read is under `/api/`.
const NO_PAGES: [&str; 8] = [
    "/assets/{name}",
    "/",
    "/today/live",
    "/terminals/pair/{name}/live",
    "/warden/worker.js",
    "/reports/{kind}/{form}",
    "/governance/drafts/{draft}/{file}",
    "/governance/packs/{number}",
];

/// Every page, with the name of pictures that are taken of it.
const PAGES: [(&str, &str); 44] = [
    ("/login", "login"),
    ("/login/code", "login-code"),
    ("/welcome", "welcome"),
    ("/welcome/factor", "factor"),
    ("/account", "account"),
    ("/accounts", "accounts"),
    ("/today", "today"),
    ("/people/{person}/{date}", "day"),
    ("/people/{person}/month/{month}", "person-month"),
    ("/people/{person}/rights", "rights"),
    ("/sheets", "sheets"),
    ("/sheets/day/{date}", "sheet-day"),
    ("/sheets/exceptions", "exceptions"),
    ("/corrections", "corrections"),
    ("/plans", "plans"),
    ("/onsite", "onsite"),
    ("/wardens", "wardens"),
    ("/warden", "warden"),
    ("/warden/enrol", "warden-door"),
    ("/own/login", "own-login"),
    ("/own/pin", "own-pin"),
    ("/own", "own-month"),
    ("/own/month/{month}", "own-month-before"),
    ("/own/day/{date}", "own-day"),
    ("/access", "access-none"),
    ("/unknown", "unknown"),
    ("/terminals", "terminals"),
    ("/terminals/pair", "pairing"),
    ("/enrolment", "enrolment"),
    ("/doctor", "doctor"),
    ("/flows", "flows"),
    ("/waiting", "waiting"),
    ("/waiting/{reason}", "waiting-reason"),
    ("/records/{record}", "explained"),
    ("/health", "health"),
    ("/reports", "reports"),
    ("/reports/{kind}", "report"),
    ("/governance", "governance"),
    ("/governance/papers", "papers"),
    ("/governance/remedies", "remedies"),
    ("/governance/drafts/{draft}", "draft"),
    ("/governance/approvals", "approvals"),
    ("/governance/packs", "packs"),
    ("/governance/journal", "journal"),
];
/// Whether a path is one of a pattern.
fn fits(pattern: &str, path: &str) -> bool {
    let (mut wanted, mut parts) = (pattern.split('/'), path.split('/'));
    loop {
        match (wanted.next(), parts.next()) {
            (None, None) => return true,
            (Some(part), Some(given)) if part == given || part.starts_with('{') => {}
            _ => return false,
        }
    }
}

/// Pictures of a page carry its name alone.
pub(crate) fn check(name: &str, path: &str) -> Result<()> {
    let pattern = PAGES.iter().find(|(_, of)| *of == name).map(|(pattern, _)| *pattern);
    ensure!(pattern.is_none_or(|pattern| fits(pattern, path)), "{name} is a picture of {path}");
    Ok(())
}

#[test]
fn every_page_of_the_table_is_looked_at() {
    let rows = TABLE.lines().filter_map(|line| line.split_once(" GET \"")?.1.split_once('"'));
    let there = rows.map(|(path, _)| path).filter(|path| !path.starts_with("/api/"));
    let there: BTreeSet<&str> = there.collect();
    let listed: Vec<&str> = PAGES.iter().map(|(path, _)| *path).chain(NO_PAGES).collect();
    let missing: Vec<_> = there.iter().filter(|path| !listed.contains(path)).collect();
    assert!(missing.is_empty(), "no test here looks at {missing:?}");
    let gone: Vec<_> = listed.iter().filter(|path| !there.contains(*path)).collect();
    assert!(gone.is_empty(), "the table has no {gone:?}");
    for (path, name) in PAGES {
        let named = SOURCES.iter().any(|source| source.contains(&format!("\"{name}\"")));
        assert!(named, "nothing takes a picture {name} of {path}");
    }
}

#[test]
fn a_picture_of_another_page_is_none() {
    for (name, path, expect) in [
        ("day", "/people/17/2026-12-01", true),
        ("day", "/people/17/month/2026-12", false),
        ("day", "/login", false),
        ("what no page is called", "/login", true),
    ] {
        assert_eq!(check(name, path).is_ok(), expect, "{name} {path}");
    }
}

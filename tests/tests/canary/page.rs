//! The page as the first administrator sees it: follows every link.

use anyhow::{Result, ensure};
use muster_tests::page::Page;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// Pages that are followed.
const MAX_PAGES: usize = 200;
/// Pages that differ in numbers only, as one for each day does.
const MAX_ALIKE: usize = 12;
/// What belongs to the first administrator's roles and may not be linked from where they land.
const PAGES: [&str; 12] = [
    "/today",
    "/today/live",
    "/terminals",
    "/waiting",
    "/health",
    "/reports",
    "/account",
    "/accounts",
    "/api/v1/today",
    "/api/v1/held",
    "/api/v1/devices",
    "/api/v1/status",
];

/// Everything that can be reached by links, each answer with its head.
pub(crate) fn all(page: &mut Page) -> Result<Vec<(String, Vec<u8>)>> {
    let mut to_see: VecDeque<String> = PAGES.iter().map(|path| (*path).to_owned()).collect();
    let mut known: BTreeSet<_> = to_see.iter().cloned().collect();
    let (mut alike, mut seen) = (BTreeMap::<_, usize>::new(), Vec::new());
    while let Some(path) = to_see.pop_front().filter(|_| seen.len() < MAX_PAGES) {
        let shape = alike.entry(path.replace(|c: char| c.is_ascii_digit(), "")).or_default();
        *shape += 1;
        if *shape > MAX_ALIKE {
            continue;
        }
        let answer = page.get(&path)?;
        to_see.extend(links(&answer).filter(|link| known.insert(link.clone())));
        seen.push((format!("page {path}"), answer));
    }
    let well = |(_, answer): &&(String, Vec<u8>)| answer.starts_with(b"HTTP/1.1 200");
    ensure!(seen.iter().filter(well).count() > 4, "the pages do not show");
    Ok(seen)
}

/// Where a page's links and its own requests go; never out of the door.
fn links(answer: &[u8]) -> impl Iterator<Item = String> {
    let text = String::from_utf8_lossy(answer).into_owned();
    let mut found = Vec::new();
    for attribute in ["href=\"", "src=\"", "hx-get=\"", "sse-connect=\""] {
        let values = text.split(attribute).skip(1).filter_map(|rest| rest.split('"').next());
        found.extend(values.filter(|to| to.starts_with('/')).map(|to| to.replace("&amp;", "&")));
    }
    found.into_iter().filter(|path| !path.starts_with("/logout"))
}

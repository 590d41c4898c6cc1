//! What programs take of a full box, a page at a time until the list ends: the month's sheets, what of
//! it needs a look, its records.

use crate::office::{Cost, last_month, text};
use crate::table::{Row, ms, quantile};
use anyhow::{Context as _, Result, ensure};
use muster_tests::gateway::Gateway;
use muster_tests::page::{Connection, Page};
use serde_json::Value;
use std::time::{Duration, Instant};

/// Pages of one list that are taken at most.
const MAX_PAGES: usize = 2_000;

pub(crate) fn lists(gateway: &Gateway, page: &mut Page) -> Result<Vec<Row>> {
    let month = last_month();
    let mut line = page.connect()?;
    let mut rows = Vec::new();
    for (what, path, rows_of) in [
        ("sheets", format!("/api/v1/sheets/{month}?limit=100"), "people"),
        ("exceptions", format!("/api/v1/exceptions/{month}?limit=100"), "exceptions"),
        ("a day", format!("/api/v1/days/{month}-15?limit=100"), "people"),
        ("records", format!("/api/v1/records?from={month}-01&to={month}-28"), "records"),
    ] {
        let (mut times, mut count) = (Vec::new(), 0);
        let cost = Cost::of(gateway, || {
            (times, count) = take(&mut line, &path, rows_of)?;
            Ok(())
        })?;
        let pages = times.len();
        let p99 = ms(quantile(&mut times, 990));
        let what = format!("/api/v1: {what}, {count} rows in {pages} pages, a page p99 {p99}");
        rows.push(cost.row(&what, None));
    }
    Ok(rows)
}

/// Takes a list to its end: how long each page took, and how many rows came.
fn take(line: &mut Connection, path: &str, rows_of: &str) -> Result<(Vec<Duration>, usize)> {
    let (mut times, mut count, mut next) = (Vec::new(), 0, String::new());
    while times.len() < MAX_PAGES {
        let begun = Instant::now();
        let (status, body) = line.get(&format!("{path}{next}"))?;
        times.push(begun.elapsed());
        ensure!(status == 200, "{path}: {status} {}", text(&body));
        let answer: Value = serde_json::from_slice(&body)?;
        let rows = answer[rows_of].as_array().with_context(|| format!("no {rows_of}"))?;
        count += rows.len();
        match answer["next"].as_str() {
            Some(cursor) => next = format!("&cursor={cursor}"),
            None => break,
        }
    }
    Ok((times, count))
}

//! Legal evidence: what is on file, for which lane, and when it ends.

use super::tabs;
use crate::access::Route;
use crate::app::{App, Shared, visible};
use crate::guard::{Problem, Visitor};
use crate::pages::{Badge, Link, Shell, html};
use crate::words::Words;
use askama::Template;
use axum::Extension;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use muster_ledger::PaperOnFile;
use std::sync::Arc;

/// Papers shown, those that end first.
const MAX_PAPERS: usize = 500;
/// A paper that ends within so many days is amber.
const SOON_MS: i64 = 30 * 24 * 3600 * 1000;

struct Row {
    number: u32,
    kind: String,
    lane: String,
    state: Badge,
    from: String,
    to: String,
    file: String,
    sha256: String,
    filed_by: String,
}

#[derive(Template)]
#[template(path = "papers.html")]
struct Page<'a> {
    shell: Shell,
    t: &'a Words,
    tabs: Vec<Link>,
    trouble: String,
    rows: Vec<Row>,
}

/// `GET /governance/papers`.
pub(crate) async fn page(
    State(app): State<Shared>,
    Extension(visitor): Extension<Arc<Visitor>>,
) -> Result<Response, Problem> {
    let (t, now_ms) = (&visitor.t, app.now_ms());
    let mut papers = app.handles.steward.papers();
    papers.sort_by_key(|filed| (filed.withdrawn_ms.is_some(), filed.paper.to));
    papers.truncate(MAX_PAPERS);
    let page = Page {
        shell: Shell::new(&app, &visitor, t.say("governance-papers"), "/governance/papers"),
        t,
        tabs: tabs(&visitor, Route::Papers),
        trouble: String::new(),
        rows: papers.iter().map(|filed| row(&app, t, filed, now_ms)).collect(),
    };
    html(StatusCode::OK, &page)
}

fn row(app: &App, t: &Words, filed: &PaperOnFile, now_ms: i64) -> Row {
    let paper = &filed.paper;
    let (from, to) = (paper.from.as_millisecond(), paper.to.as_millisecond());
    let (tone, label) = match () {
        () if filed.withdrawn_ms.is_some() => ("quiet", "paper-withdrawn"),
        () if to <= now_ms => ("bad", "paper-ended"),
        () if now_ms < from => ("info", "paper-to-come"),
        () if to - now_ms <= SOON_MS => ("warn", "paper-ends-soon"),
        () => ("good", "paper-in-force"),
    };
    Row {
        number: filed.number,
        kind: visible(&paper.kind),
        lane: paper.lane.to_string(),
        state: Badge { tone, label: t.say(label) },
        from: app.zone.stamp(from, now_ms, t),
        to: app.zone.stamp(to, now_ms, t),
        file: visible(&paper.file),
        sha256: paper.sha256.clone(),
        filed_by: visible(&filed.filed_by),
    }
}

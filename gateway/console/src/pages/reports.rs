//! Reports: the list, one to read, and the files to take away. The figures are those that
//! `muster report` prints: both show the same documents.

use crate::access::Route;
use crate::app::Shared;
use crate::guard::{Problem, Visitor};
use crate::pages::{Shell, html};
use crate::words::Words;
use askama::Template;
use axum::Extension;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use jiff::civil::Date;
use muster_report::{Cell, Document, Kind, Section};
use serde::Deserialize;
use std::sync::Arc;

/// How long a report waits for another one's end.
const TURN: std::time::Duration = std::time::Duration::from_secs(3);
/// Rows of one table on a page; files have all.
const MAX_ROWS: usize = 500;

struct Entry {
    title: String,
    href: String,
}

#[derive(Template)]
#[template(path = "reports.html")]
struct ListPage<'a> {
    shell: Shell,
    t: &'a Words,
    reports: Vec<Entry>,
    key: String,
}

/// A section of a report as pages show it.
pub(crate) struct Table {
    pub(crate) title: String,
    pub(crate) notes: Vec<String>,
    /// Heading, and whether numbers stand below it.
    pub(crate) columns: Vec<(String, bool)>,
    pub(crate) rows: Vec<Vec<Shown>>,
    pub(crate) more: bool,
    pub(crate) picture: String,
}

/// One cell of it.
pub(crate) struct Shown {
    pub(crate) text: String,
    pub(crate) number: bool,
    pub(crate) alarm: bool,
    pub(crate) label: String,
}

#[derive(Template)]
#[template(path = "report.html")]
struct ReportPage<'a> {
    shell: Shell,
    t: &'a Words,
    document: &'a Document,
    tables: Vec<Table>,
    from: String,
    to: String,
    /// Files that may be taken away: form and address.
    files: Vec<(&'static str, String)>,
}

/// The days a report is about; this month so far where nothing is said.
#[derive(Deserialize)]
pub(crate) struct Days {
    from: Option<String>,
    to: Option<String>,
}

impl Days {
    /// Empty fields of the form count as not said.
    fn read(&self) -> Result<(Option<Date>, Option<Date>), Problem> {
        let day = |text: &Option<String>| {
            let said = text.as_deref().filter(|text| !text.is_empty());
            said.map(str::parse::<Date>).transpose().map_err(|_| Problem::Missing)
        };
        Ok((day(&self.from)?, day(&self.to)?))
    }
}

/// `GET /reports`.
pub(crate) async fn list(
    State(app): State<Shared>,
    Extension(visitor): Extension<Arc<Visitor>>,
) -> Result<Response, Problem> {
    let t = &visitor.t;
    let words = words(t);
    let entry = |kind: Kind| Entry {
        title: words.say(&format!("title-{}", kind.word())),
        href: format!("/reports/{}", kind.word()),
    };
    let page = ListPage {
        shell: Shell::new(&app, &visitor, t.say("nav-reports"), "/reports"),
        t,
        reports: Kind::ALL.into_iter().map(entry).collect(),
        key: app.handles.report_key.clone(),
    };
    html(StatusCode::OK, &page)
}

/// `GET /reports/{kind}`.
pub(crate) async fn page(
    State(app): State<Shared>,
    Extension(visitor): Extension<Arc<Visitor>>,
    Path(kind): Path<String>,
    Query(days): Query<Days>,
) -> Result<Response, Problem> {
    let t = &visitor.t;
    let document = make(&app, t, &kind, &days).await?;
    let (from, to) = document.span.clone();
    let seat = visitor.seat.as_ref().map(|seat| (seat.stage, seat.roles.as_slice()));
    let files = match Route::ReportFile.admits(seat) {
        true => files(&document, &from, &to),
        false => Vec::new(),
    };
    let page = ReportPage {
        shell: Shell::new(&app, &visitor, document.title.clone(), &format!("/reports/{kind}")),
        t,
        tables: document.sections.iter().map(table).collect(),
        document: &document,
        from,
        to,
        files,
    };
    html(StatusCode::OK, &page)
}

/// `GET /reports/{kind}/{form}`: the whole document as a file.
pub(crate) async fn file(
    State(app): State<Shared>,
    Extension(visitor): Extension<Arc<Visitor>>,
    Path((kind, form)): Path<(String, String)>,
    Query(days): Query<Days>,
) -> Result<Response, Problem> {
    let t = &visitor.t;
    let document = make(&app, t, &kind, &days).await?;
    let (media, text) = match form.as_str() {
        "json" => ("application/json", document.json()),
        "csv" => ("text/csv; charset=utf-8", document.csv()),
        "html" => ("text/html; charset=utf-8", document.html(words(t))),
        "svg" => ("image/svg+xml", document.svg().ok_or(Problem::Missing)?.to_owned()),
        _ => return Err(Problem::Missing),
    };
    // Of fixed words and dates: nothing that a visitor wrote.
    let name = format!("{}-{}.{form}", document.kind, document.span.1);
    let disposition = format!("attachment; filename=\"{name}\"");
    Ok(([(CONTENT_TYPE, media.to_owned()), (CONTENT_DISPOSITION, disposition)], text)
        .into_response())
}

/// Makes a report; one at a time, since each reads the whole journal.
async fn make(app: &Shared, t: &Words, kind: &str, days: &Days) -> Result<Document, Problem> {
    let kind = Kind::from_word(kind).ok_or(Problem::Missing)?;
    let (from, to) = days.read()?;
    let turn = tokio::time::timeout(TURN, app.report_turn.acquire()).await;
    let _turn = turn.map_err(|_| Problem::Busy)?.map_err(|_| Problem::Busy)?;
    let (app, words) = (app.clone(), words(t));
    let made = move || (app.handles.reports)(kind, from, to, words);
    let made = tokio::task::spawn_blocking(made).await.map_err(|_| Problem::Internal)?;
    made.map_err(|error| {
        tracing::warn!(%error, "a report cannot be made");
        Problem::Missing
    })
}

pub(crate) fn words(t: &Words) -> muster_report::Words {
    muster_report::Words::of(t.language.tongue())
}

fn files(document: &Document, from: &str, to: &str) -> Vec<(&'static str, String)> {
    let address = |form: &'static str| {
        (form, format!("/reports/{}/{form}?from={from}&to={to}", document.kind))
    };
    let svg = document.svg().map(|_| "svg");
    ["json", "csv", "html"].into_iter().chain(svg).map(address).collect()
}

/// A section as pages show it.
pub(crate) fn table(section: &Section) -> Table {
    let number = |at: usize| {
        let is = |cell: &Cell| matches!(cell, Cell::Number(_) | Cell::Tenths(_));
        section.rows.iter().any(|row| row.get(at).is_some_and(is))
    };
    let columns: Vec<_> = section
        .columns
        .iter()
        .enumerate()
        .map(|(at, (_, label))| (label.clone(), number(at)))
        .collect();
    let shown = |(cell, (label, number)): (&Cell, &(String, bool))| Shown {
        text: crate::app::visible(&cell.shown()),
        number: *number,
        alarm: matches!(cell, Cell::Alarm(_)),
        label: label.clone(),
    };
    let rows = section.rows.iter().take(MAX_ROWS);
    Table {
        title: section.title.clone(),
        notes: section.notes.clone(),
        rows: rows.map(|row| row.iter().zip(&columns).map(shown).collect()).collect(),
        columns,
        more: section.rows.len() > MAX_ROWS,
        picture: section.picture.clone().unwrap_or_default(),
    }
}

/// What makes a report of a kind, for the days asked for; it blocks.
pub type Reports = Arc<
    dyn Fn(Kind, Option<Date>, Option<Date>, muster_report::Words) -> Result<Document, String>
        + Send
        + Sync,
>;

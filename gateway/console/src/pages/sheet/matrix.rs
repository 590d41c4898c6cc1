//! A department's month: people down, days across.

use super::{Month, PAGE, Shown, departments, people, person, rows, say, seat, tabs};
use crate::access::Route;
use crate::app::{App, Shared, Who};
use crate::guard::{Problem, Visitor};
use crate::pages::{Link, Shell, html};
use crate::words::Words;
use askama::Template;
use axum::Extension;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use muster_attendance::{Day, State as DayState};
use muster_ledger::PersonSheet;
use serde::Deserialize;
use std::sync::Arc;

/// One day of one person.
struct Cell {
    short: String,
    tone: &'static str,
    /// All of it, for whoever points at it or listens.
    full: String,
    flag: bool,
}

struct Row {
    href: String,
    who: Who,
    cells: Vec<Cell>,
    worked: String,
    overtime: String,
    late: u32,
    absent: u32,
    open: usize,
}

#[derive(Template)]
#[template(path = "matrix.html")]
struct MatrixPage<'a> {
    shell: Shell,
    t: &'a Words,
    tabs: Vec<Link>,
    month: String,
    word: String,
    previous: Option<String>,
    next: Option<String>,
    departments: Vec<Link>,
    department: String,
    days: Vec<(String, bool)>,
    rows: Vec<Row>,
    total: String,
    earlier: Option<String>,
    later: Option<String>,
    planless: bool,
    changes: bool,
    closed: String,
    printed: String,
}

/// What a page of sheets is about.
#[derive(Deserialize, Default)]
pub(crate) struct Asked {
    pub(crate) month: Option<String>,
    pub(crate) department: Option<String>,
    pub(crate) page: Option<usize>,
}

impl Asked {
    pub(crate) fn department(&self) -> Option<&str> {
        self.department.as_deref().filter(|name| !name.is_empty())
    }
}

/// `GET /sheets`.
pub(crate) async fn page(
    State(app): State<Shared>,
    Extension(visitor): Extension<Arc<Visitor>>,
    Query(asked): Query<Asked>,
) -> Result<Response, Problem> {
    let month = Month::asked(&app, asked.month.as_deref())?;
    let all = people(&app, seat(&visitor)?, &visitor.t, asked.department());
    let page = asked.page.unwrap_or(1).max(1);
    let some: Vec<Shown> = all.iter().skip((page - 1) * PAGE).take(PAGE).cloned().collect();
    let today = app.zone.date(app.now_ms());
    let rows = rows(&app, some, (month.0, month.last()), |sheet, who| {
        row(sheet, who, month, today, &visitor.t)
    });
    let rows = rows.await?;
    let more = page * PAGE < all.len();
    html(StatusCode::OK, &matrix(&app, &visitor, month, &asked, rows, (all.len(), page, more))?)
}

fn row(sheet: &PersonSheet, who: Who, month: Month, today: jiff::civil::Date, t: &Words) -> Row {
    let cell = |(date, day): (&jiff::civil::Date, &Day)| {
        if *date > today {
            return Cell { short: String::new(), tone: "", full: String::new(), flag: false };
        }
        let state = say::state(day.state, t);
        let mut full = vec![date.to_string(), state.label];
        full.extend(person::marks(day, t));
        let flag = say::is_exception(day);
        Cell { short: say::short(day.state, t), tone: state.tone, full: full.join(" · "), flag }
    };
    let sums = &sheet.sheet.month;
    Row {
        href: person::address(sheet.person, month),
        who,
        cells: sheet.sheet.days.iter().map(cell).collect(),
        worked: say::hours(sums.minutes.worked),
        overtime: say::some_hours(sums.minutes.overtime),
        late: sums.late_days,
        absent: sums.days.get(&DayState::Absent).copied().unwrap_or_default(),
        open: sums.open.iter().filter(|date| **date <= today).count(),
    }
}

fn matrix<'a>(
    app: &App,
    visitor: &'a Visitor,
    month: Month,
    asked: &Asked,
    rows: Vec<Row>,
    (total, page, more): (usize, usize, bool),
) -> Result<MatrixPage<'a>, Problem> {
    let t = &visitor.t;
    let seat = seat(visitor)?;
    let today = app.zone.date(app.now_ms());
    let department = asked.department().unwrap_or_default();
    let to = |month: Month, page: usize| {
        let department = escaped(department);
        format!("/sheets?month={}&department={department}&page={page}", month.word())
    };
    let names = departments(app, seat, t).into_iter();
    let names =
        names.map(|name| Link { current: name == department, to: name.clone(), label: name });
    let closings = app.handles.plans.closings();
    let closed = closings.iter().rev().find(|closing| {
        closing.month == month.0
            && closing.department.as_deref().is_none_or(|name| name == department)
    });
    let weekend = |date: jiff::civil::Date| date.weekday().to_monday_zero_offset() >= 5;
    let days = month.0.series(jiff::Span::new().days(1)).take_while(|date| *date <= month.last());
    Ok(MatrixPage {
        shell: Shell::new(app, visitor, t.say("nav-sheets"), "/sheets"),
        t,
        tabs: tabs(visitor, month, today, Route::Sheets),
        month: month.shown(t),
        word: month.word(),
        previous: month.neighbour(-1).map(|month| to(month, 1)),
        next: month.neighbour(1).map(|month| to(month, 1)),
        departments: names.collect(),
        department: department.to_owned(),
        days: days.map(|date| (date.day().to_string(), weekend(date))).collect(),
        rows,
        total: t.count("people-count", total as u64),
        earlier: (page > 1).then(|| to(month, page - 1)),
        later: more.then(|| to(month, page + 1)),
        planless: app.handles.plans.is_empty(),
        changes: visitor.admits(Route::SheetFile),
        closed: closed.map(|closing| super::close::told(app, closing, t)).unwrap_or_default(),
        printed: t.with("printed", "time", &app.zone.stamp(app.now_ms(), 0, t)),
    })
}

/// A value of an address.
pub(crate) fn escaped(text: &str) -> String {
    let escape = |byte: u8| match byte {
        b if b.is_ascii_alphanumeric() || b == b'-' || b == b'_' => char::from(b).to_string(),
        b => format!("%{b:02X}"),
    };
    text.bytes().map(escape).collect()
}

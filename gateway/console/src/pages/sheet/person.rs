//! A person's month as a calendar: each day's state with the reason for every mark, the sums, and
//! what changed since the month was closed.

use super::{Month, say, seat, tabs};
use crate::access::Route;
use crate::app::{App, Shared, Who};
use crate::guard::{Problem, Visitor};
use crate::pages::{Badge, Link, Shell, day, html};
use crate::words::Words;
use askama::Template;
use axum::Extension;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use jiff::ToSpan as _;
use jiff::civil::Date;
use muster_attendance::time::Stamp;
use muster_attendance::{Day, PersonId, Reason};
use muster_ledger::PersonSheet;
use std::sync::Arc;

/// A cell of the calendar; days of other months are empty.
pub(crate) struct Cell {
    pub(crate) number: String,
    pub(crate) href: String,
    pub(crate) state: Option<Badge>,
    pub(crate) times: String,
    pub(crate) worked: String,
    pub(crate) marks: Vec<String>,
    pub(crate) today: bool,
    pub(crate) open: bool,
}

/// A closed day that is different now.
struct Changed {
    date: String,
    why: String,
    changes: Vec<(String, String, String)>,
}

#[derive(Template)]
#[template(path = "person_month.html")]
struct PersonMonthPage<'a> {
    shell: Shell,
    t: &'a Words,
    tabs: Vec<Link>,
    who: Who,
    month: String,
    previous: Option<String>,
    next: Option<String>,
    weekdays: Vec<String>,
    weeks: Vec<Vec<Option<Cell>>>,
    sums: Vec<(String, String)>,
    changed: Vec<Changed>,
    closed: String,
    printed: String,
}

/// Where a person's month is.
pub(crate) fn address(person: PersonId, month: Month) -> String {
    format!("/people/{}/month/{}", person.0, month.word())
}

/// `GET /people/{person}/month/{month}`.
pub(crate) async fn page(
    State(app): State<Shared>,
    Extension(visitor): Extension<Arc<Visitor>>,
    Path((person, month)): Path<(String, String)>,
) -> Result<Response, Problem> {
    let person = person.parse().map(PersonId).map_err(|_| Problem::Missing)?;
    let month = Month::read(&month).ok_or(Problem::Missing)?;
    let known = app.handles.directory.profile(person).is_some();
    if !known || !day::visible_to(&app, seat(&visitor)?, person) {
        return Err(Problem::Missing);
    }
    let sheet = app.handles.sheets.person(person, month.0, month.last()).await?;
    let sheet = sheet.ok_or(Problem::Missing)?;
    html(StatusCode::OK, &month_page(&app, &visitor, month, &sheet))
}

fn month_page<'a>(
    app: &App,
    visitor: &'a Visitor,
    month: Month,
    sheet: &PersonSheet,
) -> PersonMonthPage<'a> {
    let t = &visitor.t;
    let today = app.zone.date(app.now_ms());
    let here = address(sheet.person, month);
    let closed = sheet.closing.as_ref().map(|closing| {
        let at = app.zone.stamp(closing.at_ms, 0, t);
        t.fill("sheet-closed", &[("time", &at), ("by", &closing.by)])
    });
    let to = |months| month.neighbour(months).map(|month| address(sheet.person, month));
    PersonMonthPage {
        shell: Shell::new(app, visitor, t.say("month-title"), &here),
        t,
        tabs: tabs(visitor, month, today, Route::PersonMonth),
        who: app.who(sheet.person, t),
        month: month.shown(t),
        previous: to(-1),
        next: to(1),
        weekdays: say::WEEKDAYS.map(|id| t.say(id)).into(),
        weeks: weeks(app, sheet, month, t, |date| day::address(sheet.person, date)),
        sums: sums(sheet, t),
        changed: changed(sheet, t),
        closed: closed.unwrap_or_default(),
        printed: t.with("printed", "time", &app.zone.stamp(app.now_ms(), 0, t)),
    }
}

/// The month in weeks, each day with its address.
pub(crate) fn weeks(
    app: &App,
    sheet: &PersonSheet,
    month: Month,
    t: &Words,
    address: impl Fn(Date) -> String,
) -> Vec<Vec<Option<Cell>>> {
    let today = app.zone.date(app.now_ms());
    let before = month.0.weekday().to_monday_zero_offset().unsigned_abs() as usize;
    let mut cells: Vec<Option<Cell>> = (0..before).map(|_| None).collect();
    let mut date = month.0;
    while date <= month.last() {
        let ahead = date > today;
        let known = sheet.sheet.days.get(&date);
        cells.push(Some(Cell {
            number: date.day().to_string(),
            href: address(date),
            state: known.filter(|_| !ahead).map(|known| say::state(known.state, t)),
            times: known.map(times).unwrap_or_default(),
            worked: known.map(|known| say::some_hours(known.minutes.worked)).unwrap_or_default(),
            marks: known.filter(|_| !ahead).map(|known| marks(known, t)).unwrap_or_default(),
            today: date == today,
            open: known.is_some_and(|known| !known.is_final) && !ahead,
        }));
        let Ok(next) = date.checked_add(1.day()) else { break };
        date = next;
    }
    while !cells.len().is_multiple_of(7) {
        cells.push(None);
    }
    let mut weeks = Vec::new();
    while !cells.is_empty() {
        let rest = cells.split_off(7.min(cells.len()));
        weeks.push(std::mem::replace(&mut cells, rest));
    }
    weeks
}

/// From when to when; nothing where nobody came.
fn times(day: &Day) -> String {
    if day.first_in.is_none() && day.last_out.is_none() {
        return String::new();
    }
    let clock = |at: Option<Stamp>| at.map_or_else(|| "?".to_owned(), |at| at.clock().to_string());
    format!("{}–{}", clock(day.first_in), clock(day.last_out))
}

/// Every mark of a day in words, but what its state says already.
pub(crate) fn marks(day: &Day, t: &Words) -> Vec<String> {
    let told = say::told(day.state);
    let more = day.marks.iter().filter(|code| Some(*code) != told);
    more.map(|code| say::mark(code, day, t)).collect()
}

/// The month's sums: what it is, and how much.
pub(crate) fn sums(sheet: &PersonSheet, t: &Words) -> Vec<(String, String)> {
    let month = &sheet.sheet.month;
    let m = &month.minutes;
    let days = |state| month.days.get(&state).copied().unwrap_or_default();
    let count = |n: u32| n.to_string();
    use muster_attendance::State::*;
    [
        ("sum-planned", say::hours(m.planned)),
        ("sum-worked", say::hours(m.worked)),
        ("sum-overtime", say::hours(m.overtime)),
        ("sum-extra", say::hours(m.extra)),
        ("sum-late", count(month.late_days)),
        ("sum-early", count(month.early_days)),
        ("sum-absent", count(days(Absent))),
        ("sum-missing", count(days(Missing))),
        ("sum-leave", say::hours(m.leave)),
        ("sum-open", month.open.len().to_string()),
    ]
    .map(|(id, value)| (t.say(id), value))
    .into()
}

fn changed(sheet: &PersonSheet, t: &Words) -> Vec<Changed> {
    let why = |reason: &Reason| {
        t.say(match reason {
            Reason::Backfill => "adjusted-backfill",
            Reason::Correction => "adjusted-correction",
            Reason::Other => "adjusted-other",
        })
    };
    let text = |value: &serde_json::Value| match value {
        serde_json::Value::String(text) => text.clone(),
        serde_json::Value::Null => "–".to_owned(),
        other => other.to_string(),
    };
    let one = |adjustment: &muster_attendance::Adjustment| Changed {
        date: adjustment.date.to_string(),
        why: adjustment.why.iter().map(why).collect::<Vec<_>>().join(", "),
        changes: adjustment
            .changes
            .iter()
            .map(|(key, [old, new])| (key.replace('_', " "), text(old), text(new)))
            .collect(),
    };
    sheet.sheet.adjustments.iter().map(one).collect()
}

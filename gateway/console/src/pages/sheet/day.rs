//! One day of everybody: who was to come, who came, from when to when.

use super::matrix::Asked;
use super::{Month, PAGE, Shown, departments, people, person, rows, say, seat, tabs};
use crate::access::Route;
use crate::app::{Shared, Who};
use crate::guard::{Problem, Visitor};
use crate::pages::{Badge, Link, Shell, day, html};
use crate::when::{long_date, neighbours};
use crate::words::Words;
use askama::Template;
use axum::Extension;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use jiff::civil::Date;
use std::sync::Arc;

struct Row {
    href: String,
    who: Who,
    state: Badge,
    shift: String,
    first: String,
    last: String,
    worked: String,
    marks: Vec<String>,
}

#[derive(Template)]
#[template(path = "sheet_day.html")]
struct DayPage<'a> {
    shell: Shell,
    t: &'a Words,
    tabs: Vec<Link>,
    date: String,
    here: String,
    previous: Option<String>,
    next: Option<String>,
    departments: Vec<Link>,
    rows: Vec<Row>,
    total: String,
    earlier: Option<String>,
    later: Option<String>,
    printed: String,
}

/// `GET /sheets/day/{date}`.
pub(crate) async fn page(
    State(app): State<Shared>,
    Extension(visitor): Extension<Arc<Visitor>>,
    Path(date): Path<String>,
    Query(asked): Query<Asked>,
) -> Result<Response, Problem> {
    let date: Date = date.parse().map_err(|_| Problem::Missing)?;
    let month = Month::read(&Month(date.first_of_month()).word()).ok_or(Problem::Missing)?;
    let t = &visitor.t;
    let all = people(&app, seat(&visitor)?, t, asked.department());
    let page = asked.page.unwrap_or(1).max(1);
    let some: Vec<Shown> = all.iter().skip((page - 1) * PAGE).take(PAGE).cloned().collect();
    let rows = rows(&app, some, (date, date), |sheet, who| {
        let known = sheet.sheet.days.get(&date)?;
        Some(Row {
            href: day::address(sheet.person, date),
            who,
            state: say::state(known.state, t),
            shift: known.shift.clone().unwrap_or_default(),
            first: say::clock(known.first_in.map(|at| at.clock())),
            last: say::clock(known.last_out.map(|at| at.clock())),
            worked: say::some_hours(known.minutes.worked),
            marks: person::marks(known, t),
        })
    });
    let rows = rows.await?.into_iter().flatten().collect();
    let today = app.zone.date(app.now_ms());
    let (before, after) = neighbours(date);
    let to = |date: Date| format!("/sheets/day/{date}");
    let turn = |page: usize| {
        let department = super::matrix::escaped(asked.department().unwrap_or_default());
        format!("/sheets/day/{date}?department={department}&page={page}")
    };
    let names = departments(&app, seat(&visitor)?, t).into_iter().map(|name| Link {
        current: asked.department() == Some(name.as_str()),
        to: name.clone(),
        label: name,
    });
    let page = DayPage {
        shell: Shell::new(&app, &visitor, t.say("tab-day"), "/sheets/day"),
        t,
        tabs: tabs(&visitor, month, today, Route::SheetDay),
        date: long_date(date, t),
        here: to(date),
        previous: before.map(to),
        next: after.filter(|after| *after <= today).map(to),
        departments: names.collect(),
        rows,
        total: t.count("people-count", all.len() as u64),
        earlier: (page > 1).then(|| turn(page - 1)),
        later: (page * PAGE < all.len()).then(|| turn(page + 1)),
        printed: t.with("printed", "time", &app.zone.stamp(app.now_ms(), 0, t)),
    };
    html(StatusCode::OK, &page)
}

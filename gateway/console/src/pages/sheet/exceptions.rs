//! What of a month needs a look: absences, missing punches, lateness, work that nobody approved.

use super::matrix::Asked;
use super::{Month, departments, people, person, say, seat, tabs};
use crate::access::Route;
use crate::app::{Shared, Who};
use crate::guard::{Problem, Visitor};
use crate::pages::{Badge, Link, Shell, day, html};
use crate::words::Words;
use askama::Template;
use axum::Extension;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use muster_attendance::PersonId;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// Days that are listed.
const MAX_ROWS: usize = 500;

struct Row {
    href: String,
    date: String,
    who: Who,
    state: Badge,
    marks: Vec<String>,
}

#[derive(Template)]
#[template(path = "exceptions.html")]
struct ExceptionsPage<'a> {
    shell: Shell,
    t: &'a Words,
    tabs: Vec<Link>,
    month: String,
    word: String,
    previous: Option<String>,
    next: Option<String>,
    departments: Vec<Link>,
    rows: Vec<Row>,
    found: String,
    more: bool,
}

/// `GET /sheets/exceptions`.
pub(crate) async fn page(
    State(app): State<Shared>,
    Extension(visitor): Extension<Arc<Visitor>>,
    Query(asked): Query<Asked>,
) -> Result<Response, Problem> {
    let t = &visitor.t;
    let month = Month::asked(&app, asked.month.as_deref())?;
    let today = app.zone.date(app.now_ms());
    let all = people(&app, seat(&visitor)?, t, asked.department());
    let ids: Vec<PersonId> = all.iter().map(|shown| shown.person).collect();
    let by_id: HashMap<PersonId, Who> =
        all.into_iter().map(|shown| (shown.person, shown.who)).collect();
    // The first of them, in the order in which they are listed.
    let (mut rows, mut found) = (BTreeMap::new(), 0usize);
    let _turn = app.report_turn.acquire().await.map_err(|_| Problem::Busy)?;
    let sheets = app.handles.sheets.of(&ids, month.0, month.last(), |sheet| {
        let Some(who) = by_id.get(&sheet.person) else { return };
        let days = sheet.sheet.days.iter().filter(|(date, _)| **date <= today);
        for (date, known) in days.filter(|(_, known)| say::is_exception(known)) {
            found += 1;
            let place = (*date, who.shown.as_str(), sheet.person);
            if rows.len() >= MAX_ROWS
                && rows.last_key_value().is_some_and(|(last, _)| *last < place)
            {
                continue;
            }
            let row = Row {
                href: day::address(sheet.person, *date),
                date: date.to_string(),
                who: who.clone(),
                state: say::state(known.state, t),
                marks: person::marks(known, t),
            };
            rows.insert(place, row);
            if rows.len() > MAX_ROWS {
                rows.pop_last();
            }
        }
    });
    sheets.await?;
    let rows: Vec<Row> = rows.into_values().collect();
    let to = |month: Month| {
        let department = super::matrix::escaped(asked.department().unwrap_or_default());
        format!("/sheets/exceptions?month={}&department={department}", month.word())
    };
    let names = departments(&app, seat(&visitor)?, t).into_iter().map(|name| Link {
        current: asked.department() == Some(name.as_str()),
        to: name.clone(),
        label: name,
    });
    let page = ExceptionsPage {
        shell: Shell::new(&app, &visitor, t.say("tab-exceptions"), "/sheets/exceptions"),
        t,
        tabs: tabs(&visitor, month, today, Route::Exceptions),
        month: month.shown(t),
        word: month.word(),
        previous: month.neighbour(-1).map(to),
        next: month.neighbour(1).map(to),
        departments: names.collect(),
        more: found > rows.len(),
        rows,
        found: t.with("exceptions-found", "count", &t.number(found as u64)),
    };
    html(StatusCode::OK, &page)
}

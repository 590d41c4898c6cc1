//! Sheets: of a month, of a day, of one person; what needs a look; what was closed.

use super::{Asked, Rows, Turn, correction, cursor, of, with};
use crate::app::{Shared, Who};
use crate::guard::{Problem, Visitor};
use crate::pages::day::visible_to;
use crate::pages::sheet::{self, Month, say, seat};
use crate::rows::sheet_row;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use jiff::civil::Date;
use muster_attendance::PersonId;
use muster_ledger::PersonSheet;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::Arc;

/// `GET /api/v1/sheets/{month}`: people in the order of their internal numbers, which tell nothing.
pub(crate) async fn month(
    State(app): State<Shared>,
    Extension(visitor): Extension<Arc<Visitor>>,
    Path(month): Path<String>,
    Asked(turn): Asked<Turn>,
) -> Result<Response, Problem> {
    let month = Month::read(&month).ok_or(Problem::Missing)?;
    let span = (month.0, month.last());
    let person = |one: &PersonSheet, who: &Who, rows: &mut Rows| rows.push(&row(one, who));
    let (rows, next) = page(&app, &visitor, &turn, span, person).await?;
    Ok(rows.answer(&json!({ "month": month.word(), "next": next }), "people"))
}

/// `GET /api/v1/days/{date}`: everybody's day, as payroll counts it.
pub(crate) async fn day(
    State(app): State<Shared>,
    Extension(visitor): Extension<Arc<Visitor>>,
    Path(date): Path<String>,
    Asked(turn): Asked<Turn>,
) -> Result<Response, Problem> {
    let date: Date = date.parse().map_err(|_| Problem::Missing)?;
    Month::read(&Month(date.first_of_month()).word()).ok_or(Problem::Missing)?;
    let day = |one: &PersonSheet, who: &Who, rows: &mut Rows| {
        if let Some(day) = one.sheet.days.get(&date) {
            rows.push(&with(of(one.person, who), json!({ "day": day })));
        }
    };
    let (rows, next) = page(&app, &visitor, &turn, (date, date), day).await?;
    Ok(rows.answer(&json!({ "date": date.to_string(), "next": next }), "people"))
}

/// `GET /api/v1/exceptions/{month}`: days up to today that need a look; a page is one of people.
pub(crate) async fn exceptions(
    State(app): State<Shared>,
    Extension(visitor): Extension<Arc<Visitor>>,
    Path(month): Path<String>,
    Asked(turn): Asked<Turn>,
) -> Result<Response, Problem> {
    let month = Month::read(&month).ok_or(Problem::Missing)?;
    let today = app.zone.date(app.now_ms());
    let looks = |one: &PersonSheet, who: &Who, rows: &mut Rows| {
        let days = one.sheet.days.iter().filter(|(date, _)| **date <= today);
        for (date, day) in days.filter(|(_, day)| say::is_exception(day)) {
            let more = json!({ "date": date.to_string(), "day": day });
            rows.push(&with(of(one.person, who), more));
        }
    };
    let (rows, next) = page(&app, &visitor, &turn, (month.0, month.last()), looks).await?;
    Ok(rows.answer(&json!({ "month": month.word(), "next": next }), "exceptions"))
}

/// `GET /api/v1/people/{person}/month/{month}`.
pub(crate) async fn person(
    State(app): State<Shared>,
    Extension(visitor): Extension<Arc<Visitor>>,
    Path((person, month)): Path<(String, String)>,
) -> Result<Response, Problem> {
    let person = person.parse().map(PersonId).map_err(|_| Problem::Missing)?;
    let month = Month::read(&month).ok_or(Problem::Missing)?;
    if !visible_to(&app, seat(&visitor)?, person) {
        return Err(Problem::Missing);
    }
    let sheet = app.handles.sheets.person(person, month.0, month.last()).await?;
    let sheet = sheet.ok_or(Problem::Missing)?;
    let corrections = app.handles.plans.corrections(person).into_iter();
    let of_month = corrections.filter(|one| Month(one.date.first_of_month()) == month);
    let more = json!({
        "closed": sheet.closing.as_ref().map(|closing| json!({
            "by": closing.by, "at": app.zone.machine(closing.at_ms), "gaps": closing.gaps,
        })),
        "corrections": of_month.map(|one| correction(&app, &one)).collect::<Vec<_>>(),
    });
    let who = app.who(sheet.person, &visitor.t);
    Ok(Json(with(row(&sheet, &who), more)).into_response())
}

/// `GET /api/v1/closings`: months that were closed, with what was open then.
pub(crate) async fn closings(
    State(app): State<Shared>,
    Extension(visitor): Extension<Arc<Visitor>>,
) -> Result<Response, Problem> {
    let seat = seat(&visitor)?;
    let closings = app.handles.plans.closings().into_iter();
    let seen = closings.filter(|one| one.department.as_deref().is_none_or(|d| seat.sees(d)));
    let rows = seen.map(|one| {
        json!({
            "month": Month(one.month).word(),
            "department": one.department,
            "at": app.zone.machine(one.at_ms),
            "by": one.by,
            "gaps": one.gaps,
        })
    });
    Ok(Json(json!({ "closings": rows.collect::<Vec<_>>() })).into_response())
}

/// One page of the people whom the visitor sees: the rows that `each` makes of each one's sheet, and
/// where to go on.
async fn page(
    app: &Shared,
    visitor: &Visitor,
    turn: &Turn,
    (first, last): (Date, Date),
    each: impl Fn(&PersonSheet, &Who, &mut Rows),
) -> Result<(Rows, Option<String>), Problem> {
    let after: Option<u64> = cursor(turn.cursor.as_deref())?;
    let department = turn.department.as_deref().filter(|name| !name.is_empty());
    let mut people = sheet::people(app, seat(visitor)?, &visitor.t, department);
    people.sort_by_key(|shown| shown.person);
    people.retain(|shown| after.is_none_or(|after| shown.person.0 > after));
    let limit = turn.limit(sheet::PAGE);
    let more = people.len() > limit;
    people.truncate(limit);
    let ids: Vec<PersonId> = people.iter().map(|shown| shown.person).collect();
    let who: HashMap<PersonId, Who> =
        people.into_iter().map(|shown| (shown.person, shown.who)).collect();
    let mut rows = Rows::default();
    let found = app.handles.sheets.of(&ids, first, last, |one| {
        if let Some(who) = who.get(&one.person) {
            each(&one, who, &mut rows);
        }
    });
    found.await?;
    Ok((rows, ids.last().filter(|_| more).map(|last| last.0.to_string())))
}

/// A person's sheet with its sums.
fn row(one: &PersonSheet, who: &Who) -> Value {
    sheet_row(one, [&who.number, &who.shown, &who.department])
}

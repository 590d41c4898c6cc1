//! Single records: all of them, those that wait, one person's day.

use super::{Asked, Turn, correction, cursor, of, with};
use crate::app::Shared;
use crate::guard::{Problem, Seat, Visitor};
use crate::pages::day::visible_to;
use crate::pages::sheet::seat;
use crate::reasons::is_code;
use crate::rows::RecordRows;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use jiff::civil::Date;
use muster_attendance::{EventId, PersonId};
use muster_ledger::{Correction, RecordRow};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::Arc;

/// Records on one page.
const PAGE: usize = 1_000;
/// Corrections on one page.
const MAX_CORRECTIONS: usize = 1_000;

/// Which days, where to go on, how many.
#[derive(Deserialize)]
pub(crate) struct Wanted {
    from: Option<Date>,
    to: Option<Date>,
    cursor: Option<String>,
    limit: Option<usize>,
}

/// `GET /api/v1/records`: what `muster records` prints, of whom the visitor sees.
pub(crate) async fn records(
    State(app): State<Shared>,
    Extension(visitor): Extension<Arc<Visitor>>,
    Asked(asked): Asked<Wanted>,
) -> Result<Response, Problem> {
    let after = cursor(asked.cursor.as_deref())?;
    let from = asked.from.unwrap_or(Date::constant(1970, 1, 1));
    let to = asked.to.unwrap_or(Date::constant(9999, 12, 31));
    let limit = asked.limit.unwrap_or(PAGE).clamp(1, PAGE);
    let page = app.handles.views.records(from, to, after, limit).await?;
    let rows = rows(&app, seat(&visitor)?, &page.rows);
    let next = page.next.map(|next| next.to_string());
    Ok(Json(json!({ "records": rows, "next": next })).into_response())
}

/// `GET /api/v1/held/{reason}`: what waits for one reason, oldest first.
pub(crate) async fn held(
    State(app): State<Shared>,
    Extension(visitor): Extension<Arc<Visitor>>,
    Path(reason): Path<String>,
    Asked(turn): Asked<Turn>,
) -> Result<Response, Problem> {
    let after: Option<EventId> = cursor(turn.cursor.as_deref())?;
    if !is_code(&reason) {
        return Err(Problem::Missing);
    }
    let limit = turn.limit(PAGE - 1);
    let mut found = app.handles.views.held_records(&reason, after, limit + 1).await?;
    let more = found.len() > limit;
    found.truncate(limit);
    let next = found.last().filter(|_| more).map(|row| row.id.to_string());
    let rows = rows(&app, seat(&visitor)?, &found);
    Ok(Json(json!({ "records": rows, "next": next })).into_response())
}

/// The rows of whom the visitor sees; a record of nobody is everybody's, as on the board.
fn rows(app: &Shared, seat: &Seat, found: &[RecordRow]) -> Vec<Value> {
    let mut rows = RecordRows::new(app.handles.directory.clone(), app.handles.devices.clone());
    let mut known: HashMap<PersonId, bool> = HashMap::new();
    let mut sees = |row: &&RecordRow| {
        let person = row.attendance.person;
        person.is_none_or(|person| {
            *known.entry(person).or_insert_with(|| visible_to(app, seat, person))
        })
    };
    found.iter().filter(|row| sees(row)).map(|row| rows.row(row)).collect()
}

/// `GET /api/v1/people/{person}/{date}`: a day's records, what the sheet makes of it, corrections.
pub(crate) async fn day(
    State(app): State<Shared>,
    Extension(visitor): Extension<Arc<Visitor>>,
    Path((person, date)): Path<(String, String)>,
) -> Result<Response, Problem> {
    let person = person.parse().map(PersonId).map_err(|_| Problem::Missing)?;
    let date: Date = date.parse().map_err(|_| Problem::Missing)?;
    let known = app.handles.directory.profile(person).is_some();
    if !known || !visible_to(&app, seat(&visitor)?, person) {
        return Err(Problem::Missing);
    }
    let days = app.handles.views.person(person, date, date).await?;
    let found = days.into_iter().find(|(day, _)| *day == date).map(|(_, day)| day.records);
    let sheet = app.handles.sheets.person(person, date, date).await?;
    let corrections = app.handles.plans.corrections(person).into_iter();
    let corrections = corrections.filter(|correction| correction.date == date);
    let more = json!({
        "date": date.to_string(),
        "sheet": sheet.as_ref().and_then(|sheet| sheet.sheet.days.get(&date)),
        "records": rows(&app, seat(&visitor)?, &found.unwrap_or_default()),
        "corrections": corrections.map(|one| correction(&app, &one)).collect::<Vec<_>>(),
    });
    Ok(Json(with(of(person, &app.who(person, &visitor.t)), more)).into_response())
}

/// `GET /api/v1/corrections`: what waits for a second person, oldest first.
pub(crate) async fn corrections(
    State(app): State<Shared>,
    Extension(visitor): Extension<Arc<Visitor>>,
    Asked(turn): Asked<Turn>,
) -> Result<Response, Problem> {
    let after: Option<u32> = cursor(turn.cursor.as_deref())?;
    let (seat, limit) = (seat(&visitor)?, turn.limit(MAX_CORRECTIONS));
    let comes = |one: &Correction| {
        after.is_none_or(|after| one.number > after) && visible_to(&app, seat, one.person)
    };
    let mut pending: Vec<Correction> =
        app.handles.plans.pending().into_iter().filter(comes).take(limit + 1).collect();
    let more = pending.len() > limit;
    pending.truncate(limit);
    let next = pending.last().filter(|_| more).map(|one| one.number.to_string());
    let rows = pending
        .iter()
        .map(|one| with(of(one.person, &app.who(one.person, &visitor.t)), correction(&app, one)));
    let rows: Vec<Value> = rows.collect();
    Ok(Json(json!({ "corrections": rows, "next": next })).into_response())
}

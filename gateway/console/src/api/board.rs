//! Today's board: its figures, its people, and a search among them.

use super::{Asked, of, with};
use crate::app::{Shared, Who};
use crate::board::{Board, Line, Missing};
use crate::guard::{Problem, Visitor};
use crate::pages::today::{MAX_FOUND, Show, View, wanted};
use axum::extract::State;
use axum::extract::rejection::JsonRejection;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde::Deserialize;
use serde_json::{Value, json};
use std::cmp::Reverse;
use std::sync::Arc;

/// People on one page.
const PAGE: usize = 500;

/// `GET /api/v1/today`: the board's figures.
pub(crate) async fn today(
    State(app): State<Shared>,
    Extension(visitor): Extension<Arc<Visitor>>,
) -> Result<Response, Problem> {
    let board = app.live.now().await?;
    let counts = View::new(&app, &visitor, &board)?.counts();
    Ok(Json(json!({ "site": app.site, "date": board.date.to_string(), "counts": counts }))
        .into_response())
}

/// Which people, where to go on, how many.
#[derive(Deserialize)]
pub(crate) struct Wanted {
    show: Option<String>,
    cursor: Option<String>,
    limit: Option<usize>,
}

/// `GET /api/v1/board`: everybody seen today, last punch first; or who is not in yet.
pub(crate) async fn people(
    State(app): State<Shared>,
    Extension(visitor): Extension<Arc<Visitor>>,
    Asked(asked): Asked<Wanted>,
) -> Result<Response, Problem> {
    let after = asked.cursor.as_deref().map(place).transpose()?;
    let show = Show::named(asked.show.as_deref().unwrap_or_default());
    let limit = asked.limit.unwrap_or(PAGE).clamp(1, PAGE);
    let board = app.live.now().await?;
    let view = View::new(&app, &visitor, &board)?;
    if show == Show::Missing {
        return Ok(missing(&app, &visitor, &view, &board, (after, limit)));
    }
    let comes = |line: &&Line| {
        after.is_none_or(|after| key(line) > after) && show.shows(line) && view.sees(line.person)
    };
    let mut lines = board.lines.iter().filter(comes);
    let page: Vec<&Line> = lines.by_ref().take(limit).collect();
    let next = lines.next().and(page.last());
    let next = next.map(|line| format!("{}.{}", line.last_ms, line.person.0));
    let rows = page.into_iter().map(|line| row(&app, line, &app.who(line.person, &visitor.t)));
    Ok(answer(&board, rows, json!({ "next": next })))
}

/// Who is not in yet, longest first; `after` is a place of this list.
fn missing(
    app: &Shared,
    visitor: &Visitor,
    view: &View<'_>,
    board: &Board,
    (after, limit): (Option<(Reverse<i64>, u64)>, usize),
) -> Response {
    let key = |missing: &Missing| (missing.due_ms, missing.person.0);
    let after = after.map(|(Reverse(ms), person)| (ms, person));
    let comes = |missing: &&Missing| {
        after.is_none_or(|after| key(missing) > after) && view.sees(missing.person)
    };
    let mut all = board.missing.iter().filter(comes);
    let page: Vec<&Missing> = all.by_ref().take(limit).collect();
    let next = all.next().and(page.last()).map(|last| format!("{}.{}", last.due_ms, last.person.0));
    let row = |missing: &&Missing| {
        let due = json!({ "due": app.zone.machine(missing.due_ms) });
        with(of(missing.person, &app.who(missing.person, &visitor.t)), due)
    };
    let rows: Vec<Value> = page.iter().map(row).collect();
    answer(board, std::iter::empty(), json!({ "missing": rows, "next": next }))
}

/// What is searched for: a name, so never in an address.
#[derive(Deserialize)]
pub(crate) struct Search {
    q: String,
}

/// `POST /api/v1/search`: who was seen today whose name, number or department has the text in it.
pub(crate) async fn search(
    State(app): State<Shared>,
    Extension(visitor): Extension<Arc<Visitor>>,
    asked: Result<Json<Search>, JsonRejection>,
) -> Result<Response, Problem> {
    let Json(search) = asked.map_err(|_| Problem::Form)?;
    let board = app.live.now().await?;
    let view = View::new(&app, &visitor, &board)?;
    let mut found = view.matching(wanted(&search.q));
    let rows: Vec<Value> =
        found.by_ref().take(MAX_FOUND).map(|(line, who)| row(&app, line, &who)).collect();
    let more = found.next().is_some();
    Ok(answer(&board, rows.into_iter(), json!({ "more": more })))
}

fn answer(board: &Board, rows: impl Iterator<Item = Value>, more: Value) -> Response {
    let people: Vec<Value> = rows.collect();
    let row = json!({ "date": board.date.to_string(), "people": people });
    Json(with(row, more)).into_response()
}

/// A line's place in the board's order.
fn key(line: &Line) -> (Reverse<i64>, u64) {
    (Reverse(line.last_ms), line.person.0)
}

fn place(cursor: &str) -> Result<(Reverse<i64>, u64), Problem> {
    let (ms, person) = cursor.split_once('.').ok_or(Problem::Form)?;
    let ms = ms.parse().map_err(|_| Problem::Form)?;
    Ok((Reverse(ms), person.parse().map_err(|_| Problem::Form)?))
}

fn row(app: &Shared, line: &Line, who: &Who) -> Value {
    let time = |ms: i64| app.zone.machine(ms);
    let terminal = app.handles.devices.get(line.last_device).map(|device| device.name);
    let more = json!({
        "presence": line.presence,
        "late": line.late_ms.map(time),
        "first": line.first_ms.map(time),
        "last": time(line.last_ms),
        "box_time": line.box_time,
        "terminal": terminal,
        "punches": line.punches,
        "waiting": line.waiting,
        "state": line.state,
    });
    with(of(line.person, who), more)
}

//! The page's figures as JSON under `/api/v1`, for whoever is logged in.

use crate::app::{Shared, Who};
use crate::guard::{Problem, Visitor};
use crate::pages::sheet::{self, Month};
use crate::pages::terminals::{heard, light};
use crate::pages::today::View;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use muster_attendance::PersonId;
use serde::Deserialize;
use serde_json::json;
use std::collections::HashMap;
use std::sync::Arc;

/// An error as the interface says it.
pub(crate) fn refusal(status: StatusCode, what: &str) -> Response {
    (status, Json(json!({ "error": { "status": status.as_u16(), "message": what } })))
        .into_response()
}

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

/// `GET /api/v1/openapi.json`.
pub(crate) async fn description() -> Json<serde_json::Value> {
    Json(crate::openapi::document())
}

/// Where to go on, and how many at once.
#[derive(Deserialize)]
pub(crate) struct Turn {
    cursor: Option<u64>,
    limit: Option<usize>,
}

/// `GET /api/v1/sheets/{month}`: people in the order of their internal numbers, which tell nothing.
pub(crate) async fn sheets(
    State(app): State<Shared>,
    Extension(visitor): Extension<Arc<Visitor>>,
    Path(month): Path<String>,
    Query(turn): Query<Turn>,
) -> Result<Response, Problem> {
    let month = Month::read(&month).ok_or(Problem::Missing)?;
    let seat = visitor.seat.as_ref().ok_or(Problem::Missing)?;
    let mut people = sheet::people(&app, seat, &visitor.t, None);
    people.sort_by_key(|shown| shown.person);
    people.retain(|shown| turn.cursor.is_none_or(|cursor| shown.person.0 > cursor));
    let limit = turn.limit.unwrap_or(sheet::PAGE).clamp(1, sheet::PAGE);
    let more = people.len() > limit;
    people.truncate(limit);
    let ids: Vec<PersonId> = people.iter().map(|shown| shown.person).collect();
    let who: HashMap<PersonId, Who> =
        people.into_iter().map(|shown| (shown.person, shown.who)).collect();
    let mut rows = Vec::with_capacity(ids.len());
    let found = app.handles.sheets.of(&ids, month.0, month.last(), |one| {
        let Some(who) = who.get(&one.person) else { return };
        rows.push(json!({
            "person": who.number,
            "name": who.shown,
            "department": who.department,
            "month": one.sheet.month,
            "days": one.sheet.days,
            "adjustments": one.sheet.adjustments,
        }));
    });
    found.await?;
    let next = ids.last().filter(|_| more).map(|last| last.0.to_string());
    Ok(Json(json!({ "month": month.word(), "people": rows, "next": next })).into_response())
}

/// `GET /api/v1/held`: what waits, by reason.
pub(crate) async fn held(State(app): State<Shared>) -> Result<Response, Problem> {
    let held = app.handles.views.held().await?;
    Ok(Json(json!({ "held": held })).into_response())
}

/// `GET /api/v1/devices`: the terminals with their lights.
pub(crate) async fn devices(State(app): State<Shared>) -> Result<Response, Problem> {
    let now_ms = app.now_ms();
    let devices = heard(app.handles.devices.list());
    let lit = devices.iter().map(|device| {
        json!({
            "name": device.name,
            "kind": device.kind,
            "state": device.state,
            "light": light(device, now_ms),
            "last_seen_ms": device.last_seen_ms,
            "records": device.records,
            "refused": device.refused,
            "gaps": app.handles.plans.gaps(device.id),
        })
    });
    Ok(Json(json!({ "devices": lit.collect::<Vec<_>>() })).into_response())
}

/// `GET /api/v1/status`: what the box is doing now.
pub(crate) async fn status(State(app): State<Shared>) -> Result<Response, Problem> {
    let (status, checks) = ((app.handles.status)(), (app.handles.checks)());
    Ok(Json(json!({ "status": status, "checks": checks })).into_response())
}

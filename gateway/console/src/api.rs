//! The page's figures as JSON under `/api/v1`, for whoever is logged in.

use crate::app::Shared;
use crate::guard::{Problem, Visitor};
use crate::pages::terminals::{heard, light};
use crate::pages::today::View;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde_json::json;
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
        })
    });
    Ok(Json(json!({ "devices": lit.collect::<Vec<_>>() })).into_response())
}

/// `GET /api/v1/status`: what the box is doing now.
pub(crate) async fn status(State(app): State<Shared>) -> Result<Response, Problem> {
    let (status, checks) = ((app.handles.status)(), (app.handles.checks)());
    Ok(Json(json!({ "status": status, "checks": checks })).into_response())
}

//! The box itself: what waits, its terminals, how it is.

use crate::app::Shared;
use crate::guard::Problem;
use crate::pages::terminals::{heard, light};
use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use serde_json::json;

/// Numbers of the unknown that are listed.
const MAX_NUMBERS: usize = 1_000;

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

/// `GET /api/v1/unknown`: numbers that terminals sent and nobody has named.
pub(crate) async fn unknown(State(app): State<Shared>) -> Result<Response, Problem> {
    let numbers = app.handles.directory.unmapped(MAX_NUMBERS + 1);
    let more = numbers.len() > MAX_NUMBERS;
    let numbers = numbers.into_iter().take(MAX_NUMBERS).map(|(_, number)| number);
    Ok(Json(json!({ "numbers": numbers.collect::<Vec<_>>(), "more": more })).into_response())
}

/// `GET /api/v1/status`: what the box is doing now.
pub(crate) async fn status(State(app): State<Shared>) -> Result<Response, Problem> {
    let (status, checks) = ((app.handles.status)(), (app.handles.checks)());
    Ok(Json(json!({ "status": status, "checks": checks })).into_response())
}

//! Numbers that terminals sent and nobody has named: whose is each?

use crate::access::Route;
use crate::app::{App, Shared, visible};
use crate::guard::{Problem, Visitor, see_other};
use crate::pages::sheet::{Month, tabs};
use crate::pages::{Link, Shell, html};
use crate::words::Words;
use askama::Template;
use axum::Extension;
use axum::extract::{Form, State};
use axum::http::StatusCode;
use axum::response::Response;
use muster_ledger::DirectoryError;
use serde::Deserialize;
use std::sync::Arc;

/// Numbers that are listed.
const MAX_ROWS: usize = 200;

#[derive(Template)]
#[template(path = "unknown.html")]
struct UnknownPage<'a> {
    shell: Shell,
    t: &'a Words,
    tabs: Vec<Link>,
    numbers: Vec<String>,
    devices: Vec<String>,
    trouble: String,
}

/// `GET /unknown`.
pub(crate) async fn page(
    State(app): State<Shared>,
    Extension(visitor): Extension<Arc<Visitor>>,
) -> Result<Response, Problem> {
    unknown_page(&app, &visitor, StatusCode::OK, String::new())
}

fn unknown_page(
    app: &App,
    visitor: &Visitor,
    status: StatusCode,
    trouble: String,
) -> Result<Response, Problem> {
    let t = &visitor.t;
    let today = app.zone.date(app.now_ms());
    let numbers = app.handles.directory.unmapped(MAX_ROWS);
    let devices = app.handles.devices.list().into_iter().filter(|device| device.records > 0);
    let page = UnknownPage {
        shell: Shell::new(app, visitor, t.say("tab-unknown"), "/unknown"),
        t,
        tabs: tabs(visitor, Month(today.first_of_month()), today, Route::Unknown),
        numbers: numbers.into_iter().map(|(_, number)| visible(&number)).collect(),
        devices: devices.map(|device| device.name).collect(),
        trouble,
    };
    html(status, &page)
}

/// Whose a number of a terminal is.
#[derive(Deserialize)]
pub(crate) struct Whose {
    device: String,
    number: String,
    person: String,
}

/// `POST /unknown`: their punches under it, past and future, are theirs.
pub(crate) async fn map(
    State(app): State<Shared>,
    Extension(visitor): Extension<Arc<Visitor>>,
    Form(whose): Form<Whose>,
) -> Result<Response, Problem> {
    let mapped = app.handles.directory.map(&whose.device, &whose.number, whose.person.trim()).await;
    let trouble = match mapped {
        Ok(()) => return Ok(see_other("/unknown")),
        Err(DirectoryError::Unknown) => "unknown-nobody",
        Err(DirectoryError::Device) => "unknown-device",
        Err(DirectoryError::Number) => "unknown-number",
        Err(_) => return Err(Problem::NotSaved),
    };
    let trouble = visitor.t.say(trouble);
    unknown_page(&app, &visitor, StatusCode::UNPROCESSABLE_ENTITY, trouble)
}

//! How a warden's device comes in: once, by a code, and then by the token that it keeps.

use crate::app::{App, Shared};
use crate::guard::{Problem, Visitor, see_other, set_cookie};
use crate::guest::{WARDEN_COOKIE, place};
use crate::pages::{Shell, html};
use crate::password::code_digest;
use crate::session::Token;
use crate::words::Words;
use askama::Template;
use axum::Extension;
use axum::extract::{Form, State};
use axum::http::StatusCode;
use axum::http::header::{CONTENT_TYPE, HeaderName};
use axum::response::{IntoResponse, Response};
use muster_ledger::Accounts;
use serde::Deserialize;
use std::sync::Arc;
use std::time::Instant;

/// Codes that fail from one address in fifteen minutes. They have a hundred bits; this is for the
/// log's sake.
pub(crate) const MAX_FAILED: u32 = 30;
/// Bytes of a code as typed.
const MAX_CODE: usize = 64;

#[derive(Template)]
#[template(path = "warden_door.html")]
struct DoorPage<'a> {
    shell: Shell,
    t: &'a Words,
    trouble: String,
    script: String,
}

/// `GET /warden/enrol`.
pub(crate) async fn page(
    State(app): State<Shared>,
    Extension(visitor): Extension<Arc<Visitor>>,
) -> Result<Response, Problem> {
    door(&app, &visitor, StatusCode::OK, String::new())
}

fn door(
    app: &App,
    visitor: &Visitor,
    status: StatusCode,
    trouble: String,
) -> Result<Response, Problem> {
    let t = &visitor.t;
    let shell = Shell::new(app, visitor, t.say("warden-door-title"), "/warden/enrol");
    let script = app.assets.warden.clone();
    html(status, &DoorPage { shell, t, trouble, script })
}

/// The code, as typed.
#[derive(Deserialize)]
pub(crate) struct Code {
    code: String,
}

/// `POST /warden/enrol`: whatever is wrong with a code, the answer is the same.
pub(crate) async fn enrol(
    State(app): State<Shared>,
    Extension(visitor): Extension<Arc<Visitor>>,
    Form(form): Form<Code>,
) -> Result<Response, Problem> {
    let (now, from) = (Instant::now(), format!("warden from {}", place(visitor.from)));
    if let Some(wait) = app.places.spent(&from, MAX_FAILED, now) {
        let trouble = visitor.t.count("login-too-many", wait.as_secs().div_ceil(60));
        return door(&app, &visitor, StatusCode::TOO_MANY_REQUESTS, trouble);
    }
    let token = Token::random(&app.random).ok_or(Problem::Internal)?;
    let accounts = &app.handles.accounts;
    let code = Some(form.code).filter(|code| code.len() <= MAX_CODE);
    let enrolled = match code {
        Some(code) => {
            let code = code_digest(&code);
            let made = accounts.enrol_warden(&code, token.digest_hex(), app.now_ms()).await;
            made.map_err(|_| Problem::NotSaved)?
        }
        None => None,
    };
    if enrolled.is_none() {
        app.places.fail(&from, now);
        return door(&app, &visitor, StatusCode::UNAUTHORIZED, visitor.t.say("warden-door-wrong"));
    }
    let mut response = see_other("/warden");
    let life = u32::try_from(Accounts::WARDEN_MS / 1000).unwrap_or(u32::MAX);
    set_cookie(&mut response, WARDEN_COOKIE, token.expose(), Some(life));
    Ok(response)
}

/// `GET /warden/worker.js`: keeps the last copy; its scope is the list alone.
pub(crate) async fn worker() -> Result<Response, Problem> {
    let text = crate::assets::text("warden-worker.js").ok_or(Problem::Missing)?;
    let scope = HeaderName::from_static("service-worker-allowed");
    let headers = [(CONTENT_TYPE, "text/javascript; charset=utf-8"), (scope, "/warden")];
    Ok((headers, text).into_response())
}

//! What waits for a second person: the exact text of each request, and a place for a signature.
//!
//! A signer's key never comes to the box: they sign the text on their own machine, and give the
//! line here under the account of their own name.

use super::{account, refused, tabs};
use crate::access::Route;
use crate::app::{App, Shared, visible};
use crate::guard::{Problem, Visitor};
use crate::pages::{Badge, Link, Shell, html};
use crate::words::Words;
use askama::Template;
use axum::Extension;
use axum::extract::{Form, State};
use axum::http::StatusCode;
use axum::response::Response;
use muster_ledger::{Action, Request};
use serde::Deserialize;
use std::sync::Arc;

/// Requests shown, the newest first.
const MAX_REQUESTS: usize = 100;

struct Row {
    id: String,
    state: Badge,
    text: String,
    about: String,
    asked: String,
    at: String,
    open: bool,
}

#[derive(Template)]
#[template(path = "approvals.html")]
struct Page<'a> {
    shell: Shell,
    t: &'a Words,
    tabs: Vec<Link>,
    trouble: String,
    done: String,
    may: bool,
    rows: Vec<Row>,
}

/// `GET /governance/approvals`.
pub(crate) async fn page(
    State(app): State<Shared>,
    Extension(visitor): Extension<Arc<Visitor>>,
) -> Result<Response, Problem> {
    shown(&app, &visitor, StatusCode::OK, String::new(), String::new())
}

/// A signature under a request.
#[derive(Deserialize)]
pub(crate) struct Signed {
    request: String,
    line: String,
}

/// `POST /governance/approvals`: the second factor was shown just now.
pub(crate) async fn approve(
    State(app): State<Shared>,
    Extension(visitor): Extension<Arc<Visitor>>,
    Form(form): Form<Signed>,
) -> Result<Response, Problem> {
    let t = &visitor.t;
    if !visitor.seat.as_ref().is_some_and(|seat| seat.may_approve) {
        let trouble = t.say("own-new");
        return shown(&app, &visitor, StatusCode::FORBIDDEN, trouble, String::new());
    }
    let steward = &app.handles.steward;
    let line = form.line.trim();
    let approved = steward.approve(account(&visitor)?, form.request.trim(), line).await;
    match approved {
        Ok(request) if request.approved_by.is_some() => {
            shown(&app, &visitor, StatusCode::OK, String::new(), t.say("approval-done"))
        }
        Ok(_) => shown(&app, &visitor, StatusCode::OK, String::new(), t.say("approval-first")),
        Err(error) => {
            let status = StatusCode::UNPROCESSABLE_ENTITY;
            shown(&app, &visitor, status, refused(&error)?, String::new())
        }
    }
}

fn shown(
    app: &App,
    visitor: &Visitor,
    status: StatusCode,
    trouble: String,
    done: String,
) -> Result<Response, Problem> {
    let (t, now_ms) = (&visitor.t, app.now_ms());
    let requests = app.handles.steward.requests();
    let row = |request: &Request| row(app, t, request, now_ms);
    let page = Page {
        shell: Shell::new(app, visitor, t.say("governance-approvals"), "/governance/approvals"),
        t,
        tabs: tabs(visitor, Route::Approvals),
        trouble,
        done,
        may: visitor.admits(Route::Approve),
        rows: requests.iter().rev().take(MAX_REQUESTS).map(row).collect(),
    };
    html(status, &page)
}

fn row(app: &App, t: &Words, request: &Request, now_ms: i64) -> Row {
    let open = request.is_open(now_ms);
    let (tone, label) = match (&request.approved_by, &request.asked_by, open) {
        (Some(_), ..) => ("good", "request-approved"),
        (None, _, false) => ("quiet", "request-over"),
        (None, None, true) => ("warn", "request-wants-two"),
        (None, Some(_), true) => ("warn", "request-wants-one"),
    };
    let by = request.asked_by.as_ref().map(|signer| signer.person.as_str());
    let by = by.or(request.proposed_by.as_deref()).unwrap_or_default();
    Row {
        id: request.id.clone(),
        state: Badge { tone, label: t.say(label) },
        text: request.text.lines().map(visible).collect::<Vec<_>>().join("\n"),
        about: about(app, t, &request.action),
        asked: visible(by),
        at: app.zone.stamp(request.at_ms, now_ms, t),
        open,
    }
}

/// Whom a request is about: the text has an internal number.
fn about(app: &App, t: &Words, action: &Action) -> String {
    match action {
        Action::Erase { person, .. }
        | Action::GiveConsent { person, .. }
        | Action::LiftRestriction { person, .. } => app.who(*person, t).shown,
        _ => String::new(),
    }
}

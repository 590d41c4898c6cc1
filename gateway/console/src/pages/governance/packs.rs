//! Audit packs: the auditor asks, the data protection officer releases, the auditor takes it away.

use super::{account, legal_refused, tabs};
use crate::access::Route;
use crate::app::{App, Shared, visible};
use crate::guard::{Problem, Visitor};
use crate::pages::{Badge, Link, Shell, html};
use crate::words::Words;
use askama::Template;
use axum::Extension;
use axum::extract::{Form, Path, State};
use axum::http::StatusCode;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse as _, Response};
use jiff::civil::Date;
use muster_ledger::PackRequest;
use serde::Deserialize;
use std::sync::Arc;

/// Packs shown, the newest first.
const MAX_PACKS: usize = 100;

struct Row {
    number: u32,
    asked: String,
    at: String,
    days: String,
    state: Badge,
    /// Whether this visitor may release it, or take it away.
    release: bool,
    fetch: bool,
}

#[derive(Template)]
#[template(path = "packs.html")]
struct Page<'a> {
    shell: Shell,
    t: &'a Words,
    tabs: Vec<Link>,
    trouble: String,
    ask: bool,
    today: String,
    rows: Vec<Row>,
}

/// Makes a pack, signature and all, as one archive; it blocks.
pub type Packs =
    Arc<dyn Fn(Date, Date, muster_report::Words) -> Result<Vec<u8>, String> + Send + Sync>;

/// `GET /governance/packs`.
pub(crate) async fn page(
    State(app): State<Shared>,
    Extension(visitor): Extension<Arc<Visitor>>,
) -> Result<Response, Problem> {
    shown(&app, &visitor, StatusCode::OK, String::new())
}

/// The days of a pack.
#[derive(Deserialize)]
pub(crate) struct Days {
    from: String,
    to: String,
}

/// `POST /governance/packs`: asks for one.
pub(crate) async fn ask(
    State(app): State<Shared>,
    Extension(visitor): Extension<Arc<Visitor>>,
    Form(form): Form<Days>,
) -> Result<Response, Problem> {
    let days = form.from.parse::<Date>().ok().zip(form.to.parse::<Date>().ok());
    let Some((from, to)) = days.filter(|(from, to)| from <= to) else {
        let trouble = visitor.t.say("pack-days");
        return shown(&app, &visitor, StatusCode::UNPROCESSABLE_ENTITY, trouble);
    };
    let asked = app.handles.steward.ask_pack(account(&visitor)?, from, to).await;
    let trouble = asked.map(|_| String::new()).or_else(|error| legal_refused(&error))?;
    shown(&app, &visitor, StatusCode::OK, trouble)
}

/// Which pack.
#[derive(Deserialize)]
pub(crate) struct Which {
    number: u32,
}

/// `POST /governance/packs/release`.
pub(crate) async fn release(
    State(app): State<Shared>,
    Extension(visitor): Extension<Arc<Visitor>>,
    Form(form): Form<Which>,
) -> Result<Response, Problem> {
    let (status, trouble) =
        match app.handles.steward.release_pack(account(&visitor)?, form.number).await {
            Ok(()) => (StatusCode::OK, String::new()),
            Err(error) => (StatusCode::UNPROCESSABLE_ENTITY, legal_refused(&error)?),
        };
    shown(&app, &visitor, status, trouble)
}

/// `GET /governance/packs/{number}`: the pack and its signature in one archive.
pub(crate) async fn file(
    State(app): State<Shared>,
    Extension(visitor): Extension<Arc<Visitor>>,
    Path(number): Path<u32>,
) -> Result<Response, Problem> {
    let fetched = app.handles.steward.fetch_pack(account(&visitor)?, number).await;
    let request = fetched.map_err(|_| Problem::NotSaved)?.ok_or(Problem::Missing)?;
    let permit = app.report_turn.try_acquire().map_err(|_| Problem::Busy)?;
    let (making, words) = (app.clone(), crate::pages::reports::words(&visitor.t));
    let make = move || (making.handles.packs)(request.from, request.to, words);
    let made = tokio::task::spawn_blocking(make).await.map_err(|_| Problem::Internal)?;
    drop(permit);
    let bytes = made.map_err(|error| {
        tracing::warn!(%error, "a pack cannot be made");
        Problem::Internal
    })?;
    let disposition = format!("attachment; filename=\"audit-{number}.tar\"");
    let headers =
        [(CONTENT_TYPE, "application/x-tar".to_owned()), (CONTENT_DISPOSITION, disposition)];
    Ok((headers, bytes).into_response())
}

fn shown(
    app: &App,
    visitor: &Visitor,
    status: StatusCode,
    trouble: String,
) -> Result<Response, Problem> {
    let (t, now_ms) = (&visitor.t, app.now_ms());
    let packs = app.handles.steward.packs();
    let own = account(visitor)?;
    let row = |request: &PackRequest| row(app, visitor, own, request, now_ms);
    let page = Page {
        shell: Shell::new(app, visitor, t.say("governance-packs"), "/governance/packs"),
        t,
        tabs: tabs(visitor, Route::Packs),
        trouble,
        ask: visitor.admits(Route::PackAsk),
        today: app.zone.date(now_ms).to_string(),
        rows: packs.iter().rev().take(MAX_PACKS).map(row).collect(),
    };
    html(status, &page)
}

fn row(app: &App, visitor: &Visitor, own: &str, request: &PackRequest, now_ms: i64) -> Row {
    let t = &visitor.t;
    let fetch = request.is_fetchable_by(own, now_ms) && visitor.admits(Route::PackFile);
    let state = match &request.released {
        None => Badge { tone: "warn", label: t.say("pack-waits") },
        Some((by, at_ms)) => {
            let at = app.zone.stamp(*at_ms, now_ms, t);
            let by = visible(by);
            Badge { tone: "good", label: t.fill("pack-released", &[("by", &by), ("at", &at)]) }
        }
    };
    Row {
        number: request.number,
        asked: visible(&request.asked_by),
        at: app.zone.stamp(request.at_ms, now_ms, t),
        days: format!("{} – {}", request.from, request.to),
        state,
        release: request.released.is_none()
            && request.asked_by != own
            && visitor.admits(Route::PackRelease),
        fetch,
    }
}

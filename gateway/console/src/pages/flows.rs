//! Where data goes: what the policy declares against what the journal saw, drawn and as a table,
//! with what waits and what would free it. The first screen of who answers for the data.
//!
//! The picture reads the journal of this month, so it is drawn at most every [`LIFE`] and by one at
//! a time; who comes meanwhile gets the one before, with its time, or the page without it.

use crate::app::{Shared, visible};
use crate::guard::{Problem, Visitor};
use crate::pages::reports::{self, Table};
use crate::pages::waiting::{self, Destination, Group};
use crate::pages::{Badge, Shell, TRY_AGAIN, html};
use crate::words::Words;
use askama::Template;
use axum::Extension;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::REFRESH;
use axum::response::Response;
use muster_report::{Cell, Document, Kind};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// A picture younger than this is shown again.
const LIFE: Duration = Duration::from_secs(30);
/// Longest wait for a new one.
const PATIENCE: Duration = Duration::from_secs(2);

/// The pictures drawn last, one a language.
#[derive(Default)]
pub(crate) struct Drawn(Mutex<BTreeMap<&'static str, (Instant, Arc<Document>)>>);

impl Drawn {
    fn last(&self, language: &str) -> Option<(Instant, Arc<Document>)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(language).cloned()
    }

    fn keep(&self, language: &'static str, document: Document) {
        let mut drawn = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        drawn.insert(language, (Instant::now(), Arc::new(document)));
    }
}

#[derive(Template)]
#[template(path = "flows.html")]
struct Page<'a> {
    shell: Shell,
    t: &'a Words,
    /// Days and time of the picture; empty while it is drawn for the first time.
    span: String,
    /// Whether what was seen is what was declared.
    verdict: Option<Badge>,
    tables: Vec<Table>,
    stopped: bool,
    groups: Vec<Group>,
    total: String,
    destinations: Vec<Destination>,
}

/// `GET /flows`.
pub(crate) async fn page(
    State(app): State<Shared>,
    Extension(visitor): Extension<Arc<Visitor>>,
) -> Result<Response, Problem> {
    let (t, now_ms) = (&visitor.t, app.now_ms());
    let document = drawn(&app, t).await;
    let status = (app.handles.status)();
    let groups = waiting::groups(&app, &visitor, now_ms).await?;
    let page = Page {
        shell: Shell::new(&app, &visitor, t.say("nav-flows"), "/flows"),
        t,
        span: document.as_deref().map(span).unwrap_or_default(),
        verdict: document.as_deref().map(|document| verdict(t, document)),
        tables: document.iter().flat_map(|d| d.sections.iter().map(reports::table)).collect(),
        stopped: app.handles.steward.local_only().is_some(),
        groups,
        total: t.number(status.held.values().sum()),
        destinations: waiting::destinations(&app, t, &status.destinations, now_ms),
    };
    let mut answer = html(StatusCode::OK, &page)?;
    if document.is_none() {
        answer.headers_mut().insert(REFRESH, TRY_AGAIN);
    }
    Ok(answer)
}

fn span(document: &Document) -> String {
    let (from, to) = &document.span;
    format!("{from} – {to} · {}", visible(&document.made_at))
}

fn verdict(t: &Words, document: &Document) -> Badge {
    let cells = document.sections.iter().flat_map(|section| section.rows.iter().flatten());
    match cells.filter(|cell| matches!(cell, Cell::Alarm(_))).count() as u64 {
        0 => Badge { tone: "good", label: t.say("flows-declared") },
        count => Badge { tone: "bad", label: t.count("flows-undeclared", count) },
    }
}

/// The picture of this month so far: a fresh one, else the last one, if there is any.
async fn drawn(app: &Shared, t: &Words) -> Option<Arc<Document>> {
    let language = t.language.tag();
    let last = app.flows.last(language);
    if let Some((at, document)) = &last
        && at.elapsed() < LIFE
    {
        return Some(document.clone());
    }
    let (shared, words) = (app.clone(), reports::words(t));
    // On its own, so that what takes longer is there for who asks next.
    let drawing = tokio::spawn(async move {
        let Ok(_turn) = shared.report_turn.try_acquire() else { return };
        let make = shared.handles.reports.clone();
        let made = tokio::task::spawn_blocking(move || make(Kind::Flows, None, None, words)).await;
        match made {
            Ok(Ok(document)) => shared.flows.keep(language, document),
            Ok(Err(error)) => tracing::warn!(%error, "where data goes cannot be drawn"),
            Err(_) => tracing::warn!("where data goes was not drawn"),
        }
    });
    // Either way, what is there now is shown.
    let _ = tokio::time::timeout(PATIENCE, drawing).await;
    app.flows.last(language).map(|(_, document)| document)
}

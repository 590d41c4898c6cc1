//! Plans: rosters, leave, overtime and the calendar, entered as tables.

use crate::access::Route;
use crate::app::{App, Shared};
use crate::forms::Upload;
use crate::guard::{Problem, Visitor, see_other};
use crate::pages::sheet::{Month, seat, tabs};
use crate::pages::{Link, Shell, day, html};
use crate::plan_csv::{self, Kind, MAX_PROBLEMS, TableProblem, read};
use crate::words::Words;
use askama::Template;
use axum::Extension;
use axum::extract::{Form, Path, Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use muster_attendance::PersonId;
use muster_ledger::{PlanEntry, PlansError};
use serde::Deserialize;
use std::sync::Arc;

/// Bytes of a file: a form has some more.
const MAX_FILE: usize = Route::PlanImport.max_body() - (1 << 20);
/// Entries that are listed.
const MAX_ROWS: usize = 200;

struct Row {
    number: u32,
    text: String,
}

#[derive(Template)]
#[template(path = "plans.html")]
struct PlansPage<'a> {
    shell: Shell,
    t: &'a Words,
    tabs: Vec<Link>,
    kinds: Vec<Link>,
    kind: &'static str,
    lead: String,
    columns: String,
    example: &'static str,
    /// What was typed, where it did not do.
    typed: String,
    problems: Vec<TableProblem>,
    more: String,
    done: String,
    rows: Vec<Row>,
    may: bool,
    /// How far the plans were when this page was made.
    seen: u32,
    /// Bytes of a file that are taken, and what is said of a larger one.
    most: usize,
    large: String,
    /// Said while a file is read, its lines as `#` and the seconds as `@`.
    reading: String,
}

/// Which table, and what was just done.
#[derive(Deserialize, Default)]
pub(crate) struct Asked {
    kind: Option<String>,
    done: Option<u64>,
}

/// `GET /plans`.
pub(crate) async fn page(
    State(app): State<Shared>,
    Extension(visitor): Extension<Arc<Visitor>>,
    Query(asked): Query<Asked>,
) -> Result<Response, Problem> {
    let kind = asked.kind.as_deref().map_or(Some(Kind::Rosters), Kind::read);
    let kind = kind.ok_or(Problem::Missing)?;
    let done = asked.done.map(|n| visitor.t.count("plans-done", n)).unwrap_or_default();
    plans_page(&app, &visitor, kind, StatusCode::OK, (String::new(), Vec::new()), done)
}

fn plans_page(
    app: &App,
    visitor: &Visitor,
    kind: Kind,
    status: StatusCode,
    (typed, mut problems): (String, Vec<TableProblem>),
    done: String,
) -> Result<Response, Problem> {
    let t = &visitor.t;
    let today = app.zone.date(app.now_ms());
    let link = |other: Kind| Link {
        to: format!("/plans?kind={}", other.word()),
        label: t.say(label(other)),
        current: other == kind,
    };
    let more = problems.len().saturating_sub(MAX_PROBLEMS) as u64;
    problems.truncate(MAX_PROBLEMS);
    let page = PlansPage {
        shell: Shell::new(app, visitor, t.say("tab-plans"), "/plans"),
        t,
        tabs: tabs(visitor, Month(today.first_of_month()), today, Route::Plans),
        kinds: Kind::ALL.into_iter().map(link).collect(),
        kind: kind.word(),
        lead: t.say(lead(kind)),
        columns: kind.columns().0.join(", "),
        example: kind.example(),
        typed,
        problems,
        more: if more > 0 { t.count("plans-more", more) } else { String::new() },
        done,
        rows: if kind.is_personal() { Vec::new() } else { rows(app, kind) },
        may: may(visitor, kind)?,
        seen: app.handles.plans.head(),
        most: MAX_FILE,
        large: t.with("plans-file-large", "most", &t.number((MAX_FILE >> 20) as u64)),
        reading: t.fill("plans-file-reading", &[("lines", "#"), ("seconds", "@")]),
    };
    html(status, &page)
}

/// What concerns everybody is changed by who sees everybody.
fn may(visitor: &Visitor, kind: Kind) -> Result<bool, Problem> {
    Ok(kind.is_personal() || seat(visitor)?.sees_all())
}

fn label(kind: Kind) -> &'static str {
    match kind {
        Kind::Shifts => "plans-shifts",
        Kind::Usual => "plans-usual",
        Kind::Holidays => "plans-holidays",
        Kind::Storms => "plans-storms",
        Kind::Rosters => "plans-rosters",
        Kind::Employed => "plans-employed",
        Kind::Leave => "plans-leave",
        Kind::Overtime => "plans-overtime",
    }
}

fn lead(kind: Kind) -> &'static str {
    match kind {
        Kind::Shifts => "plans-shifts-lead",
        Kind::Usual => "plans-usual-lead",
        Kind::Holidays => "plans-holidays-lead",
        Kind::Storms => "plans-storms-lead",
        Kind::Rosters => "plans-rosters-lead",
        Kind::Employed => "plans-employed-lead",
        Kind::Leave => "plans-leave-lead",
        Kind::Overtime => "plans-overtime-lead",
    }
}

/// The house's entries of a kind, newest first.
fn rows(app: &App, kind: Kind) -> Vec<Row> {
    let entries = app.handles.plans.entries(None).into_iter().rev();
    let text = |entry: &PlanEntry| match (kind, entry) {
        (Kind::Shifts, PlanEntry::Shift { name, shift }) => {
            Some(format!("{name}: {}", crate::app::visible(&shift.to_string())))
        }
        (Kind::Usual, PlanEntry::Usual { shift, workdays }) => {
            let days: Vec<String> = workdays.iter().map(ToString::to_string).collect();
            Some(format!("{}: {}", shift.as_deref().unwrap_or("-"), days.join(" ")))
        }
        (Kind::Holidays, PlanEntry::Holiday { date, site }) => {
            Some(format!("{date} {}", site.as_deref().unwrap_or("")))
        }
        (Kind::Storms, PlanEntry::Storm { date, from, to, site }) => {
            Some(format!("{date} {from}-{to} {}", site.as_deref().unwrap_or("")))
        }
        _ => None,
    };
    let rows = entries.filter_map(|(number, entry)| Some(Row { number, text: text(&entry)? }));
    rows.take(MAX_ROWS).collect()
}

/// `POST /plans/{kind}`: a file, or what was typed; all of it or nothing.
pub(crate) async fn import(
    State(app): State<Shared>,
    Extension(visitor): Extension<Arc<Visitor>>,
    Path(kind): Path<String>,
    Extension(upload): Extension<Arc<Upload>>,
) -> Result<Response, Problem> {
    let kind = Kind::read(&kind).ok_or(Problem::Missing)?;
    if !may(&visitor, kind)? {
        return Err(Problem::Missing);
    }
    let typed = upload.field("table").to_owned();
    let bytes = if upload.file.is_empty() { typed.as_bytes().into() } else { upload.file.to_vec() };
    let encoding = if upload.file.is_empty() { "utf-8" } else { upload.field("encoding") };
    let encoding = encoding.to_owned();
    let (shared, asker) = (app.clone(), visitor.clone());
    let reading = tokio::task::spawn_blocking(move || {
        let seat = asker.seat.as_ref();
        let find = |number: &str| -> Option<PersonId> {
            let person = shared.handles.directory.find(number)?;
            seat.filter(|seat| day::visible_to(&shared, seat, person)).map(|_| person)
        };
        read(kind, &bytes, &encoding, &find)
    });
    let refuse = |problems| {
        let refused = StatusCode::UNPROCESSABLE_ENTITY;
        plans_page(&app, &visitor, kind, refused, (typed.clone(), problems), String::new())
    };
    let entries = match reading.await.map_err(|_| Problem::Internal)? {
        Ok(entries) => entries,
        Err(problems) => return refuse(problems),
    };
    // Without it, as in a page from before: what is there now.
    let seen = upload.field("seen").parse().unwrap_or(u32::MAX);
    match app.handles.plans.enter_over(&seat(&visitor)?.account, entries, seen).await {
        Ok(count) => Ok(see_other(&format!("/plans?kind={}&done={count}", kind.word()))),
        Err(PlansError::Commit(_)) => Err(Problem::NotSaved),
        Err(PlansError::Changed(places)) => refuse(plan_csv::changed(&places)),
        Err(error) => refuse(vec![TableProblem { line: 0, trouble: error.into() }]),
    }
}

/// An entry to take out.
#[derive(Deserialize)]
pub(crate) struct Which {
    number: u32,
    kind: String,
}

/// `POST /plans/remove`: of the house's entries.
pub(crate) async fn remove(
    State(app): State<Shared>,
    Extension(visitor): Extension<Arc<Visitor>>,
    Form(which): Form<Which>,
) -> Result<Response, Problem> {
    let kind = Kind::read(&which.kind).ok_or(Problem::Missing)?;
    let plans = &app.handles.plans;
    let there = plans.entries(None).iter().any(|(number, _)| *number == which.number);
    if !there || !seat(&visitor)?.sees_all() {
        return Err(Problem::Missing);
    }
    let removed = plans.remove(&seat(&visitor)?.account, which.number).await;
    removed.map_err(|_| Problem::NotSaved)?;
    Ok(see_other(&format!("/plans?kind={}", kind.word())))
}

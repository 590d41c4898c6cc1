//! An employee's own page: their punches, their month, and a way to ask for a correction; at a
//! kiosk or on a phone, by a number and a PIN.
//!
//! It shows one person, the visitor, and nobody else: no address here names anybody. A kiosk signs
//! out by itself; see [`crate::visits`].

pub(crate) mod access;
pub(crate) mod day;
pub(crate) mod door;

use crate::app::{App, Shared, Who};
use crate::guard::{Problem, Visitor, see_other, set_cookie};
use crate::guest::{Entry, OWN_COOKIE};
use crate::pages::sheet::person::{Cell, sums, weeks};
use crate::pages::sheet::{Month, say};
use crate::pages::{Shell, html};
use crate::visits::IDLE;
use crate::words::Words;
use askama::Template;
use axum::Extension;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use jiff::civil::Date;
use muster_attendance::PersonId;
use std::sync::Arc;

/// Seconds without a touch after which a kiosk warns, and a while later signs out.
const KIOSK_SECONDS: u64 = 60;

/// What a page of an employee has beside its own: who it is, and the kiosk's clock.
pub(crate) struct Kiosk {
    who: Who,
    /// Seconds without a touch; `None` at an account of the office, which has a log-out of its own.
    seconds: Option<u64>,
    /// Seconds until the page goes by itself where no script runs.
    without_script: u64,
    script: String,
}

impl Kiosk {
    fn new(app: &App, visitor: &Visitor, person: PersonId) -> Self {
        Self {
            who: app.who(person, &visitor.t),
            seconds: visitor.guest.as_ref().map(|_| KIOSK_SECONDS),
            without_script: IDLE.as_secs(),
            script: app.assets.kiosk.clone(),
        }
    }
}

#[derive(Template)]
#[template(path = "employee_month.html")]
struct MonthPage<'a> {
    shell: Shell,
    t: &'a Words,
    kiosk: Kiosk,
    month: String,
    previous: Option<String>,
    next: Option<String>,
    today: String,
    weekdays: Vec<String>,
    weeks: Vec<Vec<Option<Cell>>>,
    sums: Vec<(String, String)>,
    /// Who let them in, and when: somebody else's hand shows.
    access: String,
}

#[derive(Template)]
#[template(path = "employee_nobody.html")]
struct NobodyPage<'a> {
    shell: Shell,
    t: &'a Words,
}

/// Where a day of one's own is.
fn day_address(date: Date) -> String {
    format!("/own/day/{date}")
}

/// `GET /own`: the month it is now.
pub(crate) async fn this_month(
    State(app): State<Shared>,
    Extension(visitor): Extension<Arc<Visitor>>,
) -> Result<Response, Problem> {
    if visitor.own().is_none() {
        let t = &visitor.t;
        let shell = Shell::new(&app, &visitor, t.say("nav-own"), "/own");
        return html(StatusCode::OK, &NobodyPage { shell, t });
    }
    let month = Month::asked(&app, None)?;
    show(&app, &visitor, month).await
}

/// `GET /own/month/{month}`.
pub(crate) async fn month(
    State(app): State<Shared>,
    Extension(visitor): Extension<Arc<Visitor>>,
    Path(month): Path<String>,
) -> Result<Response, Problem> {
    show(&app, &visitor, Month::read(&month).ok_or(Problem::Missing)?).await
}

async fn show(app: &App, visitor: &Visitor, month: Month) -> Result<Response, Problem> {
    let t = &visitor.t;
    let person = visitor.own().ok_or(Problem::Missing)?;
    let sheet = app.handles.sheets.person(person, month.0, month.last()).await?;
    let sheet = sheet.ok_or(Problem::Missing)?;
    let today = app.zone.date(app.now_ms());
    let to = |months| {
        let month = month.neighbour(months)?;
        (month.0 <= today).then(|| format!("/own/month/{}", month.word()))
    };
    let page = MonthPage {
        shell: Shell::new(app, visitor, t.say("nav-own"), "/own"),
        t,
        kiosk: Kiosk::new(app, visitor, person),
        month: month.shown(t),
        previous: to(-1),
        next: to(1),
        today: day_address(today),
        weekdays: say::WEEKDAYS.map(|id| t.say(id)).into(),
        weeks: weeks(app, &sheet, month, t, day_address),
        sums: sums(&sheet, t),
        access: given(app, t, person),
    };
    html(StatusCode::OK, &page)
}

fn given(app: &App, t: &Words, person: PersonId) -> String {
    let Some(access) = app.handles.accounts.access(person) else { return String::new() };
    let at = app.zone.stamp(access.at_ms, 0, t);
    t.fill("own-access-by", &[("name", &access.by), ("time", &at)])
}

/// `POST /own/stay`: whoever is there goes on being so.
pub(crate) async fn stay() -> Response {
    StatusCode::NO_CONTENT.into_response()
}

/// `POST /own/out`.
pub(crate) async fn out(
    State(app): State<Shared>,
    Extension(visitor): Extension<Arc<Visitor>>,
) -> Response {
    if let Some(Entry { token, .. }) = &visitor.guest {
        app.visits.close(token);
    }
    let mut response = see_other("/own/login");
    set_cookie(&mut response, OWN_COOKIE, "", Some(0));
    response
}

//! A day of one's own: every punch with what became of it, and a form to ask for a correction.

use super::Kiosk;
use crate::app::{App, Shared};
use crate::guard::{Problem, Visitor, see_other};
use crate::pages::corrections::{Asked, Row, row};
use crate::pages::day::{PunchRow, Verdict, punch_rows, verdict};
use crate::pages::{Shell, html};
use crate::when::{long_date, neighbours};
use crate::words::Words;
use askama::Template;
use axum::Extension;
use axum::extract::{Form, Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use jiff::civil::Date;
use muster_attendance::PersonId;
use muster_ledger::{Change, Correction, PlansError};
use std::sync::Arc;

/// Corrections that somebody may have waiting at a time.
const MAX_WAITING: usize = 40;

#[derive(Template)]
#[template(path = "employee_day.html")]
struct DayPage<'a> {
    shell: Shell,
    t: &'a Words,
    kiosk: Kiosk,
    date: String,
    day: String,
    previous: Option<String>,
    next: Option<String>,
    sheet: Option<Verdict>,
    rows: Vec<PunchRow>,
    corrections: Vec<Row>,
    time: String,
    reason: String,
    trouble: String,
}

/// What was typed and not taken, and why.
#[derive(Default)]
struct Refused {
    time: String,
    reason: String,
    trouble: String,
}

/// `GET /own/day/{date}`.
pub(crate) async fn page(
    State(app): State<Shared>,
    Extension(visitor): Extension<Arc<Visitor>>,
    Path(date): Path<String>,
) -> Result<Response, Problem> {
    let date: Date = date.parse().map_err(|_| Problem::Missing)?;
    show(&app, &visitor, date, StatusCode::OK, Refused::default()).await
}

async fn show(
    app: &App,
    visitor: &Visitor,
    date: Date,
    status: StatusCode,
    refused: Refused,
) -> Result<Response, Problem> {
    let t = &visitor.t;
    let person = visitor.own().ok_or(Problem::Missing)?;
    let today = app.zone.date(app.now_ms());
    if date > today || date.year() < 1970 {
        return Err(Problem::Missing);
    }
    let days = app.handles.views.person(person, date, date).await?;
    let records = days.into_iter().find(|(day, _)| *day == date).map(|(_, day)| day.records);
    let sheet = app.handles.sheets.person(person, date, date).await.ok().flatten();
    let day = sheet.as_ref().and_then(|sheet| sheet.sheet.days.get(&date));
    let corrections = app.handles.plans.corrections(person);
    let (before, after) = neighbours(date);
    let here = super::day_address(date);
    let page = DayPage {
        shell: Shell::new(app, visitor, t.say("nav-own"), &here),
        t,
        kiosk: Kiosk::new(app, visitor, person),
        date: long_date(date, t),
        day: date.to_string(),
        previous: before.map(super::day_address),
        next: after.filter(|after| *after <= today).map(super::day_address),
        rows: punch_rows(app, t, &records.unwrap_or_default(), day),
        sheet: day.map(|day| verdict(day, t)),
        corrections: corrections
            .iter()
            .filter(|one| one.date == date)
            .map(|one| Row { href: here.clone(), ..row(app, visitor, one) })
            .collect(),
        time: refused.time,
        reason: refused.reason,
        trouble: refused.trouble,
    };
    html(status, &page)
}

/// `POST /own/ask`: a correction of one's own day, which two others see to.
pub(crate) async fn ask(
    State(app): State<Shared>,
    Extension(visitor): Extension<Arc<Visitor>>,
    Form(asked): Form<Asked>,
) -> Result<Response, Problem> {
    let person = visitor.own().ok_or(Problem::Missing)?;
    let change = asked.change(&app);
    let fits = match change {
        Some(change) => is_own(&app, person, asked.date, &change).await?,
        None => false,
    };
    let waiting = app.handles.plans.corrections(person);
    let waiting = waiting.iter().filter(|one| one.decided.is_none()).count();
    let why = match change {
        _ if waiting >= MAX_WAITING => "own-too-many",
        Some(change) if fits => {
            let plans = &app.handles.plans;
            match plans
                .ask(&by(&app, &visitor, person), person, asked.date, change, &asked.reason)
                .await
            {
                Ok(_) => return Ok(see_other(&super::day_address(asked.date))),
                Err(PlansError::Reason(_)) => "correction-reason",
                Err(PlansError::Person) => return Err(Problem::Missing),
                Err(_) => return Err(Problem::NotSaved),
            }
        }
        _ => "correction-time",
    };
    let date = asked.date;
    let (time, reason, trouble) = (asked.time, asked.reason, visitor.t.say(why));
    let refused = Refused { time, reason, trouble };
    show(&app, &visitor, date, StatusCode::UNPROCESSABLE_ENTITY, refused).await
}

/// Who asks: the account, or the person with whoever let them in, who then does not decide.
fn by(app: &App, visitor: &Visitor, person: PersonId) -> String {
    match &visitor.seat {
        Some(seat) => seat.account.clone(),
        None => {
            let giver = app.handles.accounts.access(person).map(|access| access.by);
            Correction::by_person(&giver.unwrap_or_default())
        }
    }
}

/// Whether a punch that is to be changed is theirs, of that day.
async fn is_own(app: &App, person: PersonId, date: Date, change: &Change) -> Result<bool, Problem> {
    let punch = match change {
        Change::Add { .. } => return Ok(true),
        Change::Set { punch, .. } | Change::Void { punch } => punch,
    };
    let days = app.handles.views.person(person, date, date).await?;
    Ok(days.iter().any(|(_, day)| day.records.iter().any(|row| row.id == *punch)))
}

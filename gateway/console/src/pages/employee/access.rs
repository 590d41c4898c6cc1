//! HR hands out codes by which employees come to their own page. HR alone: a code opens what HR
//! sees anyway, so handing one out gains nobody anything; and whoever handed it out does not
//! approve what is asked for through it.

use crate::app::{App, Shared};
use crate::guard::{Problem, Visitor, see_other};
use crate::pages::sheet::{Month, seat, tabs};
use crate::pages::warden::devices::Made;
use crate::pages::{Link, Shell, day, html};
use crate::password::OneTimeCode;
use crate::words::Words;
use askama::Template;
use axum::Extension;
use axum::extract::{Form, State};
use axum::http::StatusCode;
use axum::response::Response;
use muster_attendance::PersonId;
use muster_ledger::{Accounts, AccountsError};
use serde::Deserialize;
use std::sync::Arc;

/// How long a code is good.
const CODE_DAYS: u64 = (Accounts::ACCESS_CODE_MS / 86_400_000).unsigned_abs();

#[derive(Template)]
#[template(path = "employee_access.html")]
struct AccessPage<'a> {
    shell: Shell,
    t: &'a Words,
    tabs: Vec<Link>,
    made: Option<Made>,
    made_lead: String,
    told: String,
    number: String,
    trouble: String,
}

/// `GET /access`.
pub(crate) async fn page(
    State(app): State<Shared>,
    Extension(visitor): Extension<Arc<Visitor>>,
) -> Result<Response, Problem> {
    access_page(&app, &visitor, None, Ok(()))
}

/// The page; with a code that was made, or with a number and why it was not taken.
fn access_page(
    app: &App,
    visitor: &Visitor,
    made: Option<Made>,
    refused: Result<(), (String, &str)>,
) -> Result<Response, Problem> {
    let t = &visitor.t;
    let today = app.zone.date(app.now_ms());
    let (status, number, trouble) = match refused {
        Ok(()) => (StatusCode::OK, String::new(), String::new()),
        Err((number, why)) => (StatusCode::UNPROCESSABLE_ENTITY, number, t.say(why)),
    };
    let month = Month(today.first_of_month());
    let page = AccessPage {
        shell: Shell::new(app, visitor, t.say("access-title"), "/access"),
        t,
        tabs: tabs(visitor, month, today, crate::access::Route::EmployeeAccess),
        made,
        made_lead: t.count("access-made-lead", CODE_DAYS),
        told: t.count("access-count", app.handles.accounts.access_count() as u64),
        number,
        trouble,
    };
    html(status, &page)
}

/// Somebody's number.
#[derive(Deserialize)]
pub(crate) struct Whose {
    number: String,
}

/// The person of a number whom the visitor sees.
fn found(app: &App, visitor: &Visitor, number: &str) -> Result<Option<PersonId>, Problem> {
    let seat = seat(visitor)?;
    let person = app.handles.directory.find(number);
    Ok(person.filter(|person| day::visible_to(app, seat, *person)))
}

/// `POST /access`: a code for somebody, shown once; an older code or PIN of theirs is void.
pub(crate) async fn give(
    State(app): State<Shared>,
    Extension(visitor): Extension<Arc<Visitor>>,
    Form(form): Form<Whose>,
) -> Result<Response, Problem> {
    let number = form.number.trim().to_owned();
    let Some(person) = found(&app, &visitor, &number)? else {
        return access_page(&app, &visitor, None, Err((number, "unknown-nobody")));
    };
    let OneTimeCode { shown, digest } = OneTimeCode::generate().map_err(|_| Problem::Internal)?;
    let account = seat(&visitor)?.account.as_str();
    let given = app.handles.accounts.give_access(account, person, digest, app.now_ms()).await;
    app.visits.close_all(person);
    match given {
        Ok(()) => {
            let name = app.who(person, &visitor.t).shown;
            let made = Made::new(&visitor, name, shown, "/own/login");
            access_page(&app, &visitor, Some(made), Ok(()))
        }
        Err(AccountsError::Full(_)) => {
            access_page(&app, &visitor, None, Err((number, "access-full")))
        }
        Err(_) => Err(Problem::NotSaved),
    }
}

/// `POST /access/end`: their PIN and any code are void at once.
pub(crate) async fn end(
    State(app): State<Shared>,
    Extension(visitor): Extension<Arc<Visitor>>,
    Form(form): Form<Whose>,
) -> Result<Response, Problem> {
    let number = form.number.trim().to_owned();
    let Some(person) = found(&app, &visitor, &number)? else {
        return access_page(&app, &visitor, None, Err((number, "unknown-nobody")));
    };
    let account = seat(&visitor)?.account.as_str();
    let ended = app.handles.accounts.end_access(account, person).await;
    app.visits.close_all(person);
    match ended {
        Ok(()) => Ok(see_other("/access")),
        Err(AccountsError::Unknown(_)) => {
            access_page(&app, &visitor, None, Err((number, "access-none")))
        }
        Err(_) => Err(Problem::NotSaved),
    }
}

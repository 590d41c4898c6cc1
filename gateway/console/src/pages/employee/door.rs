//! How an employee comes in: the first time by a code that HR hands out, then by number and PIN.
//!
//! Every answer but the right one is the same, in words and in time, whoever is tried. Tries are
//! counted by number, and failures by where they come from, so that neither one number nor all of
//! them can be tried for long.

use crate::app::{App, Shared};
use crate::guard::{Problem, Visitor, see_other, set_cookie};
use crate::guest::{Entry, OWN_COOKIE, Who, place};
use crate::pages::{Shell, html};
use crate::password::code_digest;
use crate::words::Words;
use askama::Template;
use axum::Extension;
use axum::extract::{Form, State};
use axum::http::StatusCode;
use axum::response::Response;
use muster_attendance::PersonId;
use serde::Deserialize;
use std::sync::Arc;
use std::time::{Duration, Instant};
use zeroize::Zeroizing;

/// Digits of a PIN.
const PIN: std::ops::RangeInclusive<usize> = 6..=12;
/// Fewest different digits of a PIN.
const MIN_DISTINCT: usize = 3;
/// Failures from one address in fifteen minutes: a kiosk has many hands.
const MAX_FAILED: u32 = 60;
/// Bytes of a number or code as typed.
const MAX_TYPED: usize = 64;

type Asker = Extension<Arc<Visitor>>;

#[derive(Template)]
#[template(path = "employee_door.html")]
struct DoorPage<'a> {
    shell: Shell,
    t: &'a Words,
    trouble: String,
    /// The trouble is with the code.
    by_code: bool,
    script: String,
}

#[derive(Template)]
#[template(path = "employee_pin.html")]
struct PinPage<'a> {
    shell: Shell,
    t: &'a Words,
    name: String,
    trouble: String,
}

/// `GET /own/login`.
pub(crate) async fn page(
    State(app): State<Shared>,
    Extension(visitor): Asker,
) -> Result<Response, Problem> {
    door(&app, &visitor, StatusCode::OK, String::new(), false)
}

fn door(
    app: &App,
    visitor: &Visitor,
    status: StatusCode,
    trouble: String,
    by_code: bool,
) -> Result<Response, Problem> {
    let t = &visitor.t;
    let shell = Shell::new(app, visitor, t.say("nav-own"), "/own/login");
    let script = app.assets.kiosk.clone();
    html(status, &DoorPage { shell, t, trouble, by_code, script })
}

/// Number and PIN.
#[derive(Deserialize)]
pub(crate) struct Credentials {
    number: String,
    pin: String,
}

/// `POST /own/login`.
pub(crate) async fn log_in(
    State(app): State<Shared>,
    Extension(visitor): Asker,
    Form(form): Form<Credentials>,
) -> Result<Response, Problem> {
    let pin = Zeroizing::new(form.pin);
    let number: String = form.number.trim().chars().take(MAX_TYPED).collect();
    let (now, from) = (Instant::now(), from(&visitor));
    let person = app.handles.directory.find(&number);
    let held = app.places.spent(&from, MAX_FAILED, now).map_or(Ok(()), Err);
    let name = format!("number {number}");
    if let Err(wait) = held.and_then(|()| app.doors.take(&name, person.is_some(), now)) {
        return too_many(&app, &visitor, wait, false);
    }
    let stored = person.and_then(|person| stored(&app, person));
    let typed = if PIN.contains(&pin.len()) { pin } else { Zeroizing::new(String::new()) };
    let right = app.passwords.verify(stored, typed).await.map_err(|_| Problem::Busy)?;
    match person.filter(|_| right) {
        Some(person) => {
            app.doors.forget(&name);
            admit(&app, Who::Employee(person), "/own")
        }
        None => {
            app.places.fail(&from, now);
            let trouble = visitor.t.say("own-door-wrong");
            door(&app, &visitor, StatusCode::UNAUTHORIZED, trouble, false)
        }
    }
}

/// The hash of a person's PIN.
fn stored(app: &App, person: PersonId) -> Option<String> {
    let access = app.handles.accounts.access(person)?;
    app.handles.directory.open_note(person, access.pin.as_deref()?)
}

/// A code, as typed.
#[derive(Deserialize)]
pub(crate) struct Code {
    code: String,
}

/// `POST /own/code`: on to a PIN; the code is used up only once that is chosen.
pub(crate) async fn code(
    State(app): State<Shared>,
    Extension(visitor): Asker,
    Form(form): Form<Code>,
) -> Result<Response, Problem> {
    let (now, from) = (Instant::now(), from(&visitor));
    if let Some(wait) = app.places.spent(&from, MAX_FAILED, now) {
        return too_many(&app, &visitor, wait, true);
    }
    let digest = Some(form.code).filter(|code| code.len() <= MAX_TYPED);
    let digest = digest.map(|code| code_digest(&code));
    let access = digest.and_then(|digest| {
        let access = app.handles.accounts.access_of_code(&digest, app.now_ms())?;
        Some((access.person, digest))
    });
    match access {
        Some((person, digest)) => admit(&app, Who::Choosing(person, digest), "/own/pin"),
        None => {
            app.places.fail(&from, now);
            let trouble = visitor.t.say("own-code-wrong");
            door(&app, &visitor, StatusCode::UNAUTHORIZED, trouble, true)
        }
    }
}

fn from(visitor: &Visitor) -> String {
    format!("employee from {}", place(visitor.from))
}

fn too_many(
    app: &App,
    visitor: &Visitor,
    wait: Duration,
    by_code: bool,
) -> Result<Response, Problem> {
    let trouble = visitor.t.count("login-too-many", wait.as_secs().div_ceil(60));
    door(app, visitor, StatusCode::TOO_MANY_REQUESTS, trouble, by_code)
}

/// Opens a visit under a new token.
fn admit(app: &App, who: Who, to: &str) -> Result<Response, Problem> {
    let token = app.visits.open(&app.random, who, Instant::now()).ok_or(Problem::Internal)?;
    let mut response = see_other(to);
    set_cookie(&mut response, OWN_COOKIE, token.expose(), None);
    Ok(response)
}

/// `GET /own/pin`.
pub(crate) async fn pin_page(
    State(app): State<Shared>,
    Extension(visitor): Asker,
) -> Result<Response, Problem> {
    pin_form(&app, &visitor, StatusCode::OK, String::new())
}

fn pin_form(
    app: &App,
    visitor: &Visitor,
    status: StatusCode,
    trouble: String,
) -> Result<Response, Problem> {
    let t = &visitor.t;
    let Some(Entry { who: Who::Choosing(person, _), .. }) = &visitor.guest else {
        return Err(Problem::Missing);
    };
    let shell = Shell::new(app, visitor, t.say("own-pin-title"), "/own/pin");
    let name = app.who(*person, t).shown;
    html(status, &PinPage { shell, t, name, trouble })
}

/// A PIN, twice.
#[derive(Deserialize)]
pub(crate) struct NewPin {
    pin: String,
    again: String,
}

/// `POST /own/pin`: uses the code up, and lets them in.
pub(crate) async fn pin(
    State(app): State<Shared>,
    Extension(visitor): Asker,
    Form(form): Form<NewPin>,
) -> Result<Response, Problem> {
    let (pin, again) = (Zeroizing::new(form.pin), Zeroizing::new(form.again));
    let Some(Entry { who: Who::Choosing(person, code), token }) = &visitor.guest else {
        return Err(Problem::Missing);
    };
    let number = app.who(*person, &visitor.t).number;
    let trouble = if *pin != *again { Some("own-pin-differs") } else { weakness(&pin, &number) };
    if let Some(trouble) = trouble {
        let trouble = visitor.t.say(trouble);
        return pin_form(&app, &visitor, StatusCode::UNPROCESSABLE_ENTITY, trouble);
    }
    let hashed = app.passwords.hash(pin).await.map_err(|_| Problem::Busy)?;
    let hashed = hashed.map_err(|_| Problem::Busy)?;
    let sealed = app.handles.directory.seal_note(*person, &hashed).ok_or(Problem::Missing)?;
    let chosen = app.handles.accounts.choose_pin(code, sealed, app.now_ms()).await;
    app.visits.close(token);
    match chosen {
        Ok(true) => admit(&app, Who::Employee(*person), "/own"),
        Ok(false) => {
            let trouble = visitor.t.say("own-code-wrong");
            door(&app, &visitor, StatusCode::UNAUTHORIZED, trouble, true)
        }
        Err(_) => Err(Problem::NotSaved),
    }
}

/// Why a PIN is not taken; the id of a message.
fn weakness(pin: &str, number: &str) -> Option<&'static str> {
    let digits = pin.as_bytes();
    let mut distinct = digits.to_vec();
    distinct.sort_unstable();
    distinct.dedup();
    let step = |by: i16| digits.windows(2).all(|w| i16::from(w[1]) - i16::from(w[0]) == by);
    let padded = pin.trim_start_matches('0') == number.trim_start_matches('0');
    if !PIN.contains(&digits.len()) || !digits.iter().all(u8::is_ascii_digit) {
        Some("own-pin-digits")
    } else if distinct.len() < MIN_DISTINCT || step(1) || step(-1) || padded {
        Some("own-pin-plain")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::weakness;

    #[test]
    fn a_pin_is_digits_that_nobody_tries_first() {
        for (pin, expect) in [
            ("604182", None),
            ("60418", Some("own-pin-digits")),
            ("6041827461748", Some("own-pin-digits")),
            ("60418a", Some("own-pin-digits")),
            ("６０４１８２", Some("own-pin-digits")),
            ("", Some("own-pin-digits")),
            ("111111", Some("own-pin-plain")),
            ("121212", Some("own-pin-plain")),
            ("123456", Some("own-pin-plain")),
            ("987654", Some("own-pin-plain")),
            ("0004713", Some("own-pin-plain")),
        ] {
            assert_eq!(weakness(pin, "04713"), expect, "{pin}");
        }
    }
}
